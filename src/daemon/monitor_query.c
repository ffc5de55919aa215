/* What the monitor role answers: show monitoring, dump. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/monitor.h"

#include <string.h>
#include <unistd.h>

#define LINES_MAX ((size_t)16 << 10)

static void write_bmp(struct json *j, const struct monitor_bmp *b)
{
	struct station_figures f = {0};
	char ip[IP_TEXT];

	if (b->station)
		station_figures(b->station, &f);
	json_open_object(j, NULL);
	json_string(j, "kind", "bmp");
	json_string(j, "station", ip_format(&b->conf.addr, ip));
	json_u64(j, "port", b->conf.port);
	json_string(j, "state",
	    b->connected      ? "connected"
	    : b->sock.fd >= 0 ? "connecting"
	    : b->m->mirror    ? "waiting"
			      : "no_engine");
	json_u64(j, "seconds", (clock_now_ns() - b->since_ns) / NS_PER_S);
	json_bool(j, "pre", b->conf.pre);
	json_bool(j, "post", b->conf.post);
	json_bool(j, "loc_rib", b->conf.loc_rib);
	json_bool(j, "out", b->conf.out);
	json_u64(j, "connects", b->connects);
	json_u64(j, "routes", f.routes);
	json_u64(j, "messages", f.messages);
	json_u64(j, "bytes", f.bytes);
	json_u64(j, "prefixes_waiting", f.waiting);
	json_string(j, "error", b->error[0] ? b->error : NULL);
	json_close_object(j);
	json_newline(j);
}

static void write_time(struct json *j, const char *key, int64_t wall_s)
{
	char t[CLOCK_RFC3339_LEN];

	if (!wall_s) {
		json_null(j, key);
		return;
	}
	clock_rfc3339(wall_s, t);
	json_string(j, key, t);
}

static const char *text_or_null(const char *s)
{
	return s[0] ? s : NULL;
}

static void write_table(struct json *j, const struct monitor *m)
{
	const struct monitor_dump *d = &m->dump;
	const char *error = d->error[0] ? d->error : d->dir_error;

	json_open_object(j, NULL);
	json_string(j, "kind", "table");
	json_string(j, "directory", m->env->conf->monitoring.mrt);
	json_string(j, "state", d->running ? "writing" : "idle");
	write_time(j, "next", d->due_s);
	json_string(j, "file", text_or_null(d->last));
	write_time(j, "written", d->last_s);
	json_u64(j, "bytes", d->last_bytes);
	json_u64(j, "routes", d->last_routes);
	json_u64(j, "ms", d->last_ms);
	json_string(j, "error", text_or_null(error));
	json_close_object(j);
	json_newline(j);
}

static void write_updates(struct json *j, const struct monitor *m)
{
	const struct monitor_dump *d = &m->dump;
	bool writing = d->file.fd >= 0;

	json_open_object(j, NULL);
	json_string(j, "kind", "updates");
	json_string(j, "directory", m->env->conf->monitoring.mrt);
	json_string(j, "state", writing ? "writing" : "idle");
	write_time(j, "next", writing ? d->file_ends_s : 0);
	json_string(j, "file", writing ? d->file.name : NULL);
	json_u64(j, "bytes", d->file.bytes);
	json_u64(j, "routes", d->updates ? updates_routes(d->updates) : 0);
	json_string(j, "error", text_or_null(d->updates_error));
	json_close_object(j);
	json_newline(j);
}

/* The lines and the one that ends them go back by way of the parent. */
static void reply(struct monitor *m, uint32_t id, struct json *j, char *p,
    int exit, const char *error)
{
	json_open_object(j, NULL);
	json_bool(j, "end", true);
	json_i64(j, "exit", exit);
	if (error)
		json_string(j, "error", error);
	json_close_object(j);
	json_newline(j);
	must(json_ok(j));
	int fd = msg_blob("spean-reply", p, j->len);
	if (fd < 0) {
		log_error("reply_failed", "error=%s", strerror(-fd));
		return;
	}
	role_send(m->env, ROLE_REPLY, id, NULL, 0, fd);
	close(fd);
}

static void answer_monitoring(struct monitor *m, uint32_t id)
{
	static char buf[LINES_MAX];
	struct json j;

	json_init(&j, buf, sizeof buf);
	for (size_t i = 0; i < CONF_STATIONS; i++)
		if (m->bmp[i].used)
			write_bmp(&j, &m->bmp[i]);
	if (m->env->conf->monitoring.mrt[0]) {
		write_table(&j, m);
		if (m->env->conf->monitoring.updates_s)
			write_updates(&j, m);
	}
	reply(m, id, &j, buf, 0, NULL);
}

static void answer_dump(struct monitor *m, uint32_t id, const char *error)
{
	const struct monitor_dump *d = &m->dump;
	char buf[2048];
	struct json j;

	json_init(&j, buf, sizeof buf);
	if (!error) {
		json_open_object(&j, NULL);
		json_string(&j, "directory", m->env->conf->monitoring.mrt);
		json_string(&j, "file", d->last);
		json_u64(&j, "bytes", d->last_bytes);
		json_u64(&j, "prefixes", d->state.prefixes);
		json_u64(&j, "routes", d->last_routes);
		json_u64(&j, "ms", d->last_ms);
		json_close_object(&j);
		json_newline(&j);
	}
	reply(m, id, &j, buf, error ? 1 : 0, error);
}

void monitor_question(
    struct role_env *e, uint32_t id, uint32_t verb, const struct msg *unused)
{
	struct monitor *m = e->state;
	char error[MONITOR_ERROR];

	(void)unused;
	if (verb == ROLE_ASK_DUMP) {
		if (!monitor_dump_table(m, id, error))
			answer_dump(m, id, error);
		return;
	}
	answer_monitoring(m, id);
}

void monitor_dump_done(struct monitor *m, uint32_t id)
{
	const struct monitor_dump *d = &m->dump;

	answer_dump(m, id, d->error[0] ? d->error : NULL);
}

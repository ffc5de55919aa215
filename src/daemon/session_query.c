/*
 * What the session role answers to the api role: one JSON object a session,
 * and its own figures.  In slices, as the ring has room.
 */
#include "daemon/session.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "net/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RING ((size_t)1 << 20)
#define SLICE_NS NS_PER_MS
#define QUERIES 64 /* open at once */
#define LINE 4096
#define RECORDS_TURN 32

struct ask {
	struct list list;
	uint32_t id;
	struct query q;
	/* The last one shown: the list may change between two slices. */
	bool begun;
	uint32_t asn;
	struct ip addr;
};

static uint8_t record[LINK_RECORD_MAX];

static void list_of_families(struct json *j, const char *key, uint8_t mask)
{
	json_open_list(j, key);
	for (int f = 0; f < FAMILY_COUNT; f++)
		if (mask & BGP_FAMILY(f))
			json_string(j, NULL, family_name((enum family)f));
	json_close_list(j);
}

static void write_counts(struct json *j, const struct peer_info *p)
{
	json_open_object(j, "families");
	for (int f = 0; f < FAMILY_COUNT; f++) {
		if (!p->open_known || !(p->terms.families & BGP_FAMILY(f)))
			continue;
		json_open_object(j, family_name((enum family)f));
		json_u64(j, "received", p->received[f]);
		json_u64(j, "accepted", p->accepted[f]);
		json_u64(j, "rejected", p->rejected[f]);
		json_u64(j, "advertised", p->advertised[f]);
		json_close_object(j);
	}
	json_close_object(j);
}

static void write_role(struct json *j, const struct bgp_open *o)
{
	static const char *const names[] = {
	    "provider", "rs", "rs-client", "customer", "peer"};

	if (o->has_role && o->role < ARRAY_SIZE(names))
		json_string(j, "role", names[o->role]);
	else
		json_null(j, "role");
}

static void write_terms(struct json *j, const struct peer_info *p)
{
	const struct peer_terms *t = &p->terms;
	const struct bgp_open *o = &p->theirs;

	if (!p->open_known) {
		json_null(j, "bgp_id");
		json_null(j, "hold_s");
		json_null(j, "capabilities");
		return;
	}
	json_printf(j, "bgp_id", "%u.%u.%u.%u", o->id >> 24, o->id >> 16 & 255,
	    o->id >> 8 & 255, o->id & 255);
	json_u64(j, "hold_s", t->hold_s);
	json_open_object(j, "capabilities");
	json_bool(j, "as4", t->as4);
	json_bool(j, "refresh", t->refresh);
	json_bool(j, "enhanced_refresh", t->enhanced_refresh);
	json_bool(j, "extended_messages", t->extended);
	list_of_families(j, "extended_next_hop", t->next_hop6);
	list_of_families(j, "add_path_receive", t->add_path_rx);
	list_of_families(j, "add_path_send", t->add_path_tx);
	json_bool(j, "graceful_restart", t->graceful);
	json_bool(j, "graceful_notification", t->graceful_notify);
	if (o->gr)
		json_u64(j, "restart_s", o->gr_time_s);
	else
		json_null(j, "restart_s");
	list_of_families(j, "long_lived", o->llgr_families);
	write_role(j, o);
	json_close_object(j);
}

static void write_error(struct json *j, const struct peer_info *p)
{
	char at[CLOCK_RFC3339_LEN];

	if (!p->error[0]) {
		json_null(j, "last_error");
		json_null(j, "last_error_at");
		return;
	}
	clock_rfc3339(p->error_wall_s, at);
	json_string(j, "last_error", p->error);
	json_string(j, "last_error_at", at);
}

static void write_session(struct json *j, const struct peer_info *p)
{
	char text[IP_TEXT];

	json_open_object(j, NULL);
	json_u64(j, "member_asn", p->asn);
	json_string(j, "member", p->name);
	json_string(j, "address", ip_format(&p->addr, text));
	json_string(j, "half", "exchange");
	json_string(j, "state", bgp_state_name(p->state));
	json_string(j, "idle_reason", p->idle_why);
	if (p->state == BGP_ESTABLISHED)
		json_u64(j, "uptime_s", p->up_s);
	else
		json_null(j, "uptime_s");
	write_counts(j, p);
	json_string(
	    j, "local", p->has_local ? ip_format(&p->local, text) : NULL);
	write_terms(j, p);
	json_bool(j, "passive", p->passive);
	json_bool(j, "md5", p->md5);
	json_bool(j, "gtsm", p->gtsm);
	json_u64(j, "flaps", p->flaps);
	json_u64(j, "backoff_s", p->wait_s);
	json_u64(j, "messages_in", p->messages_in);
	json_u64(j, "messages_out", p->messages_out);
	json_u64(j, "updates_in", p->updates_in);
	json_u64(j, "bytes_in", p->bytes_in);
	json_u64(j, "bytes_out", p->bytes_out);
	write_error(j, p);
	json_close_object(j);
	json_newline(j);
}

static bool wanted(const struct query *q, const struct peer_info *p)
{
	return (!q->from_asn || q->from_asn == p->asn) &&
	       (!q->has_from || ip_eq(&q->from, &p->addr));
}

static void write_status(struct session *s, struct json *j)
{
	struct peers_figures f;

	peers_figures(s->peers, &f);
	json_open_object(j, NULL);
	json_string(j, "role", "session");
	json_u64(j, "uptime_s", (clock_now_ns() - s->started_ns) / NS_PER_S);
	json_u64(j, "sessions", f.peers);
	json_u64(j, "established", f.established);
	json_bool(j, "engine", f.engine);
	json_u64(j, "updates_in", f.updates_in);
	json_u64(j, "bytes_in", f.bytes_in);
	json_u64(j, "bytes_out", f.bytes_out);
	json_u64(j, "paused", f.paused);
	json_u64(j, "pauses", f.pauses);
	json_u64(j, "strangers", f.strangers);
	json_u64(j, "buffer_bytes", f.memory);
	json_close_object(j);
	json_newline(j);
}

static void ask_free(struct ask *a)
{
	list_del(&a->list);
	free(a);
}

/* Writes lines until the slice ends; true when the answer is complete. */
static bool answer(struct session *s, struct ask *a, uint64_t until)
{
	static char line[LINE];
	struct peer_info p;
	struct json j;
	size_t i = 0;

	if (a->begun)
		i = peers_after(s->peers, a->asn, &a->addr);
	if (a->q.kind == QUERY_STATUS && !a->begun) {
		json_init(&j, line, sizeof line);
		write_status(s, &j);
		if (!link_write(
			s->api, QUERY_LINES, a->id, 0, line, j.len, NULL, 0))
			return false;
		a->begun = true;
	}
	if (a->q.kind == QUERY_SESSIONS) {
		for (; peers_info(s->peers, i, &p); i++) {
			if (!wanted(&a->q, &p))
				continue;
			json_init(&j, line, sizeof line);
			write_session(&j, &p);
			if (json_ok(&j) && !link_write(s->api, QUERY_LINES,
					       a->id, 0, line, j.len, NULL, 0))
				return false;
			a->begun = true;
			a->asn = p.asn;
			a->addr = p.addr;
			if (clock_now_ns() >= until) {
				loop_task_queue(s->env->loop, &s->api_task);
				return false;
			}
		}
	}
	/* Another kind of question is none of ours: the answer is no. */
	bool ours = a->q.kind == QUERY_STATUS || a->q.kind == QUERY_SESSIONS;
	return link_write(
	    s->api, QUERY_END, a->id, ours ? 0 : 1, NULL, 0, NULL, 0);
}

static void answer_all(struct session *s)
{
	uint64_t until = clock_now_ns() + SLICE_NS;

	list_each(pos, tmp, &s->queries)
	{
		struct ask *a = list_entry(pos, struct ask, list);

		if (!answer(s, a, until))
			break;
		ask_free(a);
	}
}

static struct ask *find(struct session *s, uint32_t id, size_t *ret_n)
{
	struct ask *hit = NULL;

	*ret_n = 0;
	list_each(pos, tmp, &s->queries)
	{
		struct ask *a = list_entry(pos, struct ask, list);

		if (a->id == id)
			hit = a;
		++*ret_n;
	}
	return hit;
}

static void on_record(struct session *s, const struct link_head *h)
{
	size_t n;
	struct ask *a = find(s, h->a, &n);

	if (h->type == QUERY_CANCEL && a)
		ask_free(a);
	if (h->type != QUERY_ASK || h->len != sizeof a->q || a)
		return;
	if (n >= QUERIES) {
		/* Should the ring be full as well, api's own limit ends it. */
		(void)link_write(s->api, QUERY_END, h->a, 1, NULL, 0, NULL, 0);
		return;
	}
	a = calloc(1, sizeof *a);
	if (!a)
		return;
	a->id = h->a;
	memcpy(&a->q, record, sizeof a->q);
	list_add_tail(&s->queries, &a->list);
}

static void turn(struct session *s)
{
	struct link_head h;
	int n = 0;

	for (int i = 0; i < RECORDS_TURN; i++) {
		n = link_read(s->api, &h, record);
		if (n <= 0)
			break;
		on_record(s, &h);
	}
	if (n < 0) {
		log_warn("api_link", "error=%s", strerror(-n));
		session_api_close(s);
		return;
	}
	if (n)
		loop_task_queue(s->env->loop, &s->api_task);
	answer_all(s);
	link_flush(s->api, false);
}

static void api_ready(struct loop_fd *f, uint32_t events)
{
	struct session *s = list_entry(f, struct session, api_fd);

	(void)events;
	if (link_bell(s->api))
		session_api_close(s);
	else
		turn(s);
}

static void api_run(struct loop_task *t)
{
	struct session *s = list_entry(t, struct session, api_task);

	if (s->api)
		turn(s);
}

int session_api(struct session *s, int sock)
{
	session_api_close(s);
	int err = link_new(sock, RING, 0, &s->api);
	if (err)
		return err;
	list_init(&s->queries);
	s->api_task.run = api_run;
	s->api_fd = (struct loop_fd){
	    .fd = link_fd(s->api),
	    .events = EPOLLIN,
	    .ready = api_ready,
	};
	err = loop_add(s->env->loop, &s->api_fd);
	if (err) {
		link_free(s->api);
		s->api = NULL;
	}
	return err;
}

void session_api_close(struct session *s)
{
	if (!s->api)
		return;
	list_each(pos, tmp, &s->queries)
	    ask_free(list_entry(pos, struct ask, list));
	loop_task_cancel(s->env->loop, &s->api_task);
	loop_del(s->env->loop, &s->api_fd);
	link_free(s->api);
	s->api = NULL;
}

bool session_api_sleep(struct session *s)
{
	if (!s->api)
		return true;
	/* A write that fails again asks for the bell. */
	if (!list_empty(&s->queries))
		answer_all(s);
	link_flush(s->api, false);
	if (link_sleep(s->api))
		return true;
	loop_task_queue(s->env->loop, &s->api_task);
	return false;
}

void session_api_wake(struct session *s)
{
	if (!s->api)
		return;
	link_wake(s->api);
	if (!list_empty(&s->queries))
		loop_task_queue(s->env->loop, &s->api_task);
}

/* One cache's connection: bytes in, bytes out, and the clock. */
#include "daemon/rpki.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define READ_BYTES 65536
#define READS 16 /* in one turn */

static void run(struct rpki_cache *rc, enum cache_event e);

static void unwatch(struct rpki_cache *rc)
{
	if (rc->watched)
		loop_del(rc->rpki->env->loop, &rc->fd);
	rc->watched = false;
}

static void say_trouble(struct rpki_cache *rc)
{
	struct cache_info i;
	char text[320];

	cache_info(rc->cache, &i);
	if (!i.error[0] || !strcmp(i.error, rc->said))
		return;
	memcpy(rc->said, i.error, sizeof rc->said);
	log_quote(text, sizeof text, i.error);
	log_warn("rpki_cache_failed", "cache=%s info=%s", rc->name, text);
}

static void hang_up(struct rpki_cache *rc, const char *why)
{
	char text[STREAM_ERROR];

	snprintf(text, sizeof text, "%s", why); /* it may be the stream's */
	unwatch(rc);
	stream_free(rc->stream);
	rc->stream = NULL;
	rc->fd.fd = -1;
	rc->connecting = false;
	cache_closed(rc->cache, text, clock_now_ns());
	say_trouble(rc);
}

/* False: the connection is gone. */
static bool flush(struct rpki_cache *rc)
{
	struct bytes out = cache_output(rc->cache);

	while (out.n) {
		ssize_t n = stream_write(rc->stream, out.p, out.n);

		if (n == 0)
			break;
		if (n < 0) {
			hang_up(rc, stream_error(rc->stream));
			return false;
		}
		cache_sent(rc->cache, (size_t)n);
		out = cache_output(rc->cache);
	}
	if (rc->watched)
		loop_set(rc->rpki->env->loop, &rc->fd,
		    EPOLLIN | stream_events(rc->stream) |
			(out.n ? EPOLLOUT : 0u));
	return true;
}

static void go_on_connecting(struct rpki_cache *rc)
{
	switch (stream_step(rc->stream)) {
	case STREAM_WAITS:
		loop_set(
		    rc->rpki->env->loop, &rc->fd, stream_events(rc->stream));
		break;
	case STREAM_READY:
		rc->connecting = false;
		cache_connected(rc->cache, clock_now_ns());
		flush(rc);
		break;
	case STREAM_FAILED:
		hang_up(rc, stream_error(rc->stream));
		break;
	}
}

static void receive(struct rpki_cache *rc)
{
	static uint8_t buf[READ_BYTES];

	for (int i = 0; i < READS && rc->stream; i++) {
		ssize_t n = stream_read(rc->stream, buf, sizeof buf);

		if (n == 0)
			return;
		if (n < 0) {
			hang_up(rc, stream_error(rc->stream));
			return;
		}
		run(rc, cache_input(rc->cache, buf, (size_t)n, clock_now_ns()));
	}
	/* TLS may hold more than the socket tells of. */
	rc->more = rc->stream != NULL;
}

static void ready(struct loop_fd *f, uint32_t events)
{
	struct rpki_cache *rc = list_entry(f, struct rpki_cache, fd);

	(void)events;
	if (rc->connecting)
		go_on_connecting(rc);
	else
		receive(rc);
	run(rc, CACHE_NOTHING);
}

/* What TLS needs; false, with words in why, when a file is missing. */
static bool find_tls(
    struct rpki_cache *rc, struct stream_tls *ret, char why[STREAM_ERROR])
{
	const struct conf_cache *c = &rc->conf;
	const struct rpki_files *f = &rc->rpki->files;

	ret->name = c->tls;
	return rpki_file(f, c->ca[0] ? c->ca : RPKI_SYSTEM_CA, &ret->ca, why) &&
	       (!c->certificate[0] ||
		   (rpki_file(f, c->certificate, &ret->certificate, why) &&
		       rpki_file(f, c->key, &ret->key, why)));
}

static void connect_to(struct rpki_cache *rc)
{
	struct stream_tls tls = {0};
	char why[STREAM_ERROR] = "";

	if (!rc->conf.tls[0] || find_tls(rc, &tls, why))
		rc->stream = stream_open(&rc->conf.addr, rc->conf.port,
		    rc->conf.tls[0] ? &tls : NULL, why);
	if (!rc->stream) {
		hang_up(rc, why);
		return;
	}
	rc->connecting = true;
	rc->fd.fd = stream_fd(rc->stream);
	rc->fd.events = stream_events(rc->stream);
	int err = loop_add(rc->rpki->env->loop, &rc->fd);
	if (err)
		hang_up(rc, strerror(-err));
	else
		rc->watched = true;
}

static void take_data(struct rpki_cache *rc)
{
	struct cache_batch b = cache_batch(rc->cache);
	enum pdu_error e = merge_apply(rc->rpki->merge, rc->index, &b);

	if (e != PDU_FINE) {
		run(rc, cache_refuse(rc->cache, e));
		return;
	}
	if (b.full || b.n_vrp || b.n_aspa)
		log_info("rpki_cache_data",
		    "cache=%s full=%d vrps=%zu aspa_words=%zu", rc->name,
		    b.full, b.n_vrp, b.n_aspa);
	cache_accept(rc->cache, clock_now_ns(), clock_wall_s());
	rc->said[0] = 0;
	rpki_settle(rc->rpki);
}

static void handle(struct rpki_cache *rc, enum cache_event e)
{
	switch (e) {
	case CACHE_CONNECT:
		connect_to(rc);
		break;
	case CACHE_CLOSE:
		if (rc->stream && !rc->connecting && !flush(rc))
			break;
		hang_up(rc, "");
		break;
	case CACHE_DATA:
		take_data(rc);
		break;
	case CACHE_EXPIRED:
		log_error("rpki_expired", "cache=%s", rc->name);
		merge_drop(rc->rpki->merge, rc->index);
		rpki_settle(rc->rpki);
		break;
	case CACHE_NOTHING:
		break;
	}
}

/* Until nothing is left to be done now. */
static void run(struct rpki_cache *rc, enum cache_event e)
{
	for (;;) {
		uint64_t now = clock_now_ns();

		if (e == CACHE_NOTHING)
			e = cache_input(rc->cache, NULL, 0, now);
		if (e == CACHE_NOTHING)
			e = cache_tick(rc->cache, now);
		if (e == CACHE_NOTHING)
			break;
		handle(rc, e);
		e = CACHE_NOTHING;
	}
	if (rc->stream && !rc->connecting)
		flush(rc);
	say_trouble(rc);
	uint64_t due = rc->more ? clock_now_ns() : cache_due(rc->cache);
	if (due != UINT64_MAX)
		loop_timer_set(rc->rpki->env->loop, &rc->timer, due);
	else
		loop_timer_stop(rc->rpki->env->loop, &rc->timer);
}

static void on_timer(struct loop_timer *t)
{
	struct rpki_cache *rc = list_entry(t, struct rpki_cache, timer);

	if (rc->more) {
		rc->more = false;
		if (rc->stream && !rc->connecting)
			receive(rc);
	}
	run(rc, CACHE_NOTHING);
}

int rpki_cache_enter(
    struct rpki *r, struct rpki_cache *rc, const struct conf_cache *c)
{
	struct cache_timers t = {c->refresh_s, c->retry_s, c->expire_s};
	char addr[IP_TEXT];
	bool v6 = c->addr.family == FAMILY_IPV6;
	bool is_new = !rc->cache;
	bool same = strcmp(rc->conf.tls, c->tls) == 0 &&
		    strcmp(rc->conf.ca, c->ca) == 0 &&
		    strcmp(rc->conf.certificate, c->certificate) == 0 &&
		    strcmp(rc->conf.key, c->key) == 0;

	rc->rpki = r;
	rc->index = r->n_cache;
	rc->conf = *c;
	snprintf(rc->name, sizeof rc->name, "%s%s%s:%u", v6 ? "[" : "",
	    ip_format(&c->addr, addr), v6 ? "]" : "", c->port);
	if (is_new) {
		rc->cache = cache_new(&t, clock_now_ns());
		rc->fd = (struct loop_fd){.fd = -1, .ready = ready};
		rc->timer = (struct loop_timer){.fire = on_timer};
	} else {
		cache_set_timers(rc->cache, &t);
	}
	if (!rc->cache)
		return -ENOMEM;
	if (rc->stream && !same)
		hang_up(rc, "its TLS was configured anew");
	if (rc->stream) {
		int err = loop_add(r->env->loop, &rc->fd);

		if (err)
			return err;
		rc->watched = true;
	}
	loop_timer_set(r->env->loop, &rc->timer, clock_now_ns());
	return 0;
}

void rpki_cache_leave(struct rpki_cache *rc)
{
	unwatch(rc);
	loop_timer_stop(rc->rpki->env->loop, &rc->timer);
}

void rpki_cache_free(struct rpki_cache *rc)
{
	stream_free(rc->stream);
	rc->stream = NULL;
	cache_free(rc->cache);
	rc->cache = NULL;
}

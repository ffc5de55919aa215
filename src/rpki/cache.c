/* The session with a cache: connection, versions, timers. */
#include "rpki/cache_internal.h"

#include "base/clock.h"
#include "base/must.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_S 30u /* for TCP and TLS */
#define STALL_S 60    /* without a byte that is waited for */
#define NEWS_S 1u     /* between questions, however often it notifies */

static const char *const phases[CACHE_PHASES] = {
    [CACHE_IDLE] = "idle",
    [CACHE_CONNECTING] = "connecting",
    [CACHE_ASKED] = "asked",
    [CACHE_LOADING] = "loading",
    [CACHE_SYNCED] = "synchronised",
    [CACHE_WAITING] = "waiting",
    [CACHE_CLOSING] = "closing",
};

const char *cache_phase_word(enum cache_phase p)
{
	must(p < CACHE_PHASES);
	return phases[p];
}

static uint32_t pick(uint32_t own, uint32_t said)
{
	return own ? own : said;
}

static void settle_timers(struct cache *c)
{
	c->refresh_s = pick(c->own.refresh_s, c->said.refresh_s);
	c->retry_s = pick(c->own.retry_s, c->said.retry_s);
	c->expire_s = pick(c->own.expire_s, c->said.expire_s);
	/* Data must not expire before it was asked for again. */
	if (c->refresh_s > c->expire_s)
		c->refresh_s = c->expire_s;
	if (c->retry_s > c->expire_s)
		c->retry_s = c->expire_s;
}

struct cache *cache_new(const struct cache_timers *t, uint64_t now_ns)
{
	struct cache *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->said = (struct pdu_end){
	    .refresh_s = 3600, .retry_s = 600, .expire_s = 7200};
	c->own = *t;
	c->version = PDU_VERSION_MAX;
	c->due_ns = now_ns;
	settle_timers(c);
	return c;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	batch_clear(c);
	free(c->in);
	free(c);
}

void cache_set_timers(struct cache *c, const struct cache_timers *t)
{
	uint32_t refresh_s = c->refresh_s, expire_s = c->expire_s;

	c->own = *t;
	settle_timers(c);
	if (c->has_data)
		c->expires_ns += (uint64_t)c->expire_s * NS_PER_S -
				 (uint64_t)expire_s * NS_PER_S;
	if (c->phase == CACHE_SYNCED)
		c->due_ns += (uint64_t)c->refresh_s * NS_PER_S -
			     (uint64_t)refresh_s * NS_PER_S;
}

void cache_fail(struct cache *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->error, sizeof c->error, fmt, ap);
	va_end(ap);
}

/* ---- asking ------------------------------------------------------------ */

void cache_wait(struct cache *c, uint64_t now_ns)
{
	uint32_t s = c->retry_s < STALL_S ? c->retry_s : STALL_S;

	c->due_ns = now_ns + s * NS_PER_S;
}

enum cache_event cache_ask(struct cache *c, uint64_t now_ns)
{
	struct wr w = wr_from(c->out, sizeof c->out);
	bool serial = c->has_session && c->session_version == c->version;

	if (c->n_out) {
		cache_fail(c, "the cache does not wait for questions");
		c->phase = CACHE_CLOSING;
		return CACHE_CLOSE;
	}
	if (serial)
		pdu_write_serial_query(&w, c->version, c->session, c->serial);
	else
		pdu_write_reset_query(&w, c->version);
	must(wr_ok(&w));
	c->n_out = wr_len(&w);
	c->asked_ns = now_ns;
	c->asked_serial = serial;
	c->notified = false;
	c->phase = CACHE_ASKED;
	c->answer_by_ns = now_ns + (uint64_t)c->expire_s * NS_PER_S;
	batch_clear(c);
	cache_wait(c, now_ns);
	return CACHE_NOTHING;
}

enum cache_event cache_ask_soon(struct cache *c, uint64_t now_ns)
{
	uint64_t due_ns = c->asked_ns + NEWS_S * NS_PER_S;

	if (now_ns >= due_ns)
		return cache_ask(c, now_ns);
	if (due_ns < c->due_ns)
		c->due_ns = due_ns;
	return CACHE_NOTHING;
}

void cache_connected(struct cache *c, uint64_t now_ns)
{
	must(c->phase == CACHE_CONNECTING);
	c->n_in = 0;
	c->n_out = 0;
	c->negotiated = false;
	c->heard = false;
	if (c->falling_back)
		c->falling_back = false;
	else
		c->version = PDU_VERSION_MAX;
	(void)cache_ask(c, now_ns); /* the first one */
}

/* The next attempt asks with a lower version. */
void cache_fall_back(struct cache *c, uint8_t version)
{
	c->falling_back = true;
	c->version = version;
}

void cache_closed(struct cache *c, const char *why, uint64_t now_ns)
{
	uint64_t wait_s = c->retry_s;
	bool mute = c->phase == CACHE_ASKED && !c->heard;

	if (c->phase == CACHE_IDLE)
		return;
	if (c->phase != CACHE_CLOSING)
		cache_fail(c, "%s", why);
	c->failures++;
	batch_clear(c);
	c->n_out = 0;
	c->n_in = 0;
	c->phase = CACHE_IDLE;
	/* Old caches hang up on versions that they do not know. */
	if (mute && c->version)
		cache_fall_back(c, (uint8_t)(c->version - 1));
	if (c->at_once) {
		c->at_once = false;
		c->due_ns = now_ns;
		return;
	}
	/* Soon at first: the cache may only have been restarted. */
	if (c->streak < 13 && 1u << c->streak < c->retry_s)
		wait_s = 1u << c->streak;
	if (c->streak < 13)
		c->streak++;
	c->due_ns = now_ns + wait_s * NS_PER_S;
}

/* ---- time -------------------------------------------------------------- */

uint64_t cache_due(const struct cache *c)
{
	uint64_t due = c->phase == CACHE_CLOSING ? UINT64_MAX : c->due_ns;

	if (c->has_data && c->expires_ns < due)
		due = c->expires_ns;
	return due;
}

static enum cache_event close_now(struct cache *c)
{
	c->phase = CACHE_CLOSING;
	return CACHE_CLOSE;
}

enum cache_event cache_tick(struct cache *c, uint64_t now_ns)
{
	if (c->has_data && now_ns >= c->expires_ns) {
		c->has_data = false;
		c->has_session = false; /* what a delta would build upon */
		return CACHE_EXPIRED;
	}
	if (c->phase == CACHE_CLOSING || now_ns < c->due_ns)
		return CACHE_NOTHING;
	switch (c->phase) {
	case CACHE_IDLE:
		c->phase = CACHE_CONNECTING;
		c->due_ns = now_ns + CONNECT_S * NS_PER_S;
		return CACHE_CONNECT;
	case CACHE_CONNECTING:
		cache_fail(c, "no connection within %us", CONNECT_S);
		return close_now(c);
	case CACHE_ASKED:
	case CACHE_LOADING:
		cache_fail(c, "no answer for %us: the cache stalls",
		    c->retry_s < STALL_S ? c->retry_s : STALL_S);
		return close_now(c);
	default:
		return cache_ask(c, now_ns);
	}
}

/* ---- what it brought --------------------------------------------------- */

struct cache_batch cache_batch(const struct cache *c)
{
	return (struct cache_batch){.full = !c->asked_serial,
	    .vrp = c->vrp,
	    .n_vrp = c->n_vrp,
	    .aspa = c->aspa,
	    .n_aspa = c->n_aspa,
	    .keys = c->n_keys};
}

void cache_accept(struct cache *c, uint64_t now_ns, int64_t wall_s)
{
	must(c->phase == CACHE_LOADING && c->ended);
	c->said = c->end;
	settle_timers(c);
	c->serial = c->end.serial;
	c->session_version = c->version;
	c->has_session = true;
	c->has_data = true;
	c->keys = (c->asked_serial ? c->keys : 0) + c->n_keys;
	c->keys -= c->n_keys_gone < c->keys ? c->n_keys_gone : c->keys;
	c->expires_ns = now_ns + (uint64_t)c->expire_s * NS_PER_S;
	c->synced_wall_s = wall_s;
	c->responses++;
	c->streak = 0;
	c->error[0] = 0;
	c->phase = CACHE_SYNCED;
	c->due_ns = now_ns + (uint64_t)c->refresh_s * NS_PER_S;
	batch_clear(c);
	if (c->notified && c->notified_serial != c->serial)
		(void)cache_ask_soon(c, c->asked_ns); /* by cache_tick() */
	c->notified = false;
}

enum cache_event cache_refuse(struct cache *c, enum pdu_error code)
{
	static const struct bytes none;

	c->has_session = false;
	return cache_complain(c, code, none, pdu_error_text(code));
}

struct bytes cache_output(const struct cache *c)
{
	return (struct bytes){c->out, c->n_out};
}

void cache_sent(struct cache *c, size_t n)
{
	must(n <= c->n_out);
	memmove(c->out, c->out + n, c->n_out - n);
	c->n_out -= n;
}

/* Tells the cache what is wrong, and closes. */
enum cache_event cache_complain(
    struct cache *c, enum pdu_error code, struct bytes pdu, const char *text)
{
	struct wr w = wr_from(c->out + c->n_out, sizeof c->out - c->n_out);

	pdu_write_error(&w, c->version, code, pdu, text);
	if (wr_ok(&w))
		c->n_out += wr_len(&w);
	cache_fail(
	    c, "sent error %u, %s: %s", code, pdu_error_text(code), text);
	return close_now(c);
}

void cache_info(const struct cache *c, struct cache_info *ret)
{
	*ret = (struct cache_info){
	    .phase = c->phase,
	    .version = c->version,
	    .has_session = c->has_session,
	    .has_data = c->has_data,
	    .session = c->session,
	    .serial = c->serial,
	    .refresh_s = c->refresh_s,
	    .retry_s = c->retry_s,
	    .expire_s = c->expire_s,
	    .expires_ns = c->expires_ns,
	    .synced_wall_s = c->synced_wall_s,
	    .responses = c->responses,
	    .failures = c->failures,
	    .router_keys = c->has_data ? c->keys : 0,
	};
	memcpy(ret->error, c->error, sizeof ret->error);
}

/* show rpki: one line a cache, and one for what counts. */
#include "daemon/rpki.h"

#include "base/clock.h"
#include "base/json.h"
#include "net/query.h"

#include <string.h>

#define ANSWER 16384

static void put_counts(struct json *j, const struct merge_count *n)
{
	json_u64(j, "vrps_ipv4", n->vrps[FAMILY_IPV4]);
	json_u64(j, "vrps_ipv6", n->vrps[FAMILY_IPV6]);
	json_u64(j, "aspas", n->aspas);
}

static void put_wait(struct json *j, const char *key, uint64_t due, bool is)
{
	uint64_t now = clock_now_ns();

	if (is)
		json_u64(j, key, due > now ? (due - now) / NS_PER_S : 0);
	else
		json_null(j, key);
}

static void put_cache(struct json *j, const struct rpki_cache *rc)
{
	const struct merge *m = rc->rpki->merge;
	struct merge_count n;
	struct cache_info i;
	char at[CLOCK_RFC3339_LEN];
	int64_t age = clock_wall_s();

	cache_info(rc->cache, &i);
	merge_count(m, rc->index, &n);
	clock_rfc3339(i.synced_wall_s, at);
	age -= i.synced_wall_s;
	json_open_object(j, NULL);
	json_string(j, "cache", rc->name);
	json_string(j, "state", cache_phase_word(i.phase));
	json_bool(j, "counts", merge_active(m) >> rc->index & 1);
	json_u64(j, "preference", rc->conf.preference);
	json_u64(j, "version", i.version);
	if (i.has_session)
		json_u64(j, "session", i.session);
	else
		json_null(j, "session");
	if (i.has_session)
		json_u64(j, "serial", i.serial);
	else
		json_null(j, "serial");
	put_counts(j, &n);
	json_u64(j, "router_keys", i.router_keys);
	json_string(j, "updated", i.synced_wall_s ? at : NULL);
	if (i.synced_wall_s)
		json_i64(j, "age_s", age > 0 ? age : 0);
	else
		json_null(j, "age_s");
	put_wait(j, "expires_in_s", i.expires_ns, i.has_data);
	json_u64(j, "refresh_s", i.refresh_s);
	json_u64(j, "retry_s", i.retry_s);
	json_u64(j, "expire_s", i.expire_s);
	json_u64(j, "responses", i.responses);
	json_u64(j, "failures", i.failures);
	json_string(j, "error", i.error[0] ? i.error : NULL);
	json_close_object(j);
	json_newline(j);
}

/* cache null: what counts of all of them. */
static void put_total(struct json *j, const struct rpki *r)
{
	struct merge_count n;

	merge_total(r->merge, &n);
	json_open_object(j, NULL);
	json_null(j, "cache");
	json_string(j, "state",
	    !r->n_cache		     ? "off"
	    : merge_active(r->merge) ? "data"
				     : "no data");
	put_counts(j, &n);
	json_u64(j, "epoch", supply_epoch(r->supply));
	json_u64(j, "memory_bytes", merge_bytes(r->merge));
	json_close_object(j);
	json_newline(j);
}

void rpki_question(
    struct rpki_link *l, const struct link_head *h, const void *data)
{
	struct query q;

	if (h->type != QUERY_ASK || h->len != sizeof q)
		return;
	memcpy(&q, data, sizeof q);
	l->asked = true;
	l->ask_id = h->a;
	l->ask_kind = q.kind;
	rpki_answer(l);
}

void rpki_answer(struct rpki_link *l)
{
	static char buf[ANSWER];
	bool ours = l->ask_kind == QUERY_RPKI;
	const struct rpki *r = l->rpki;
	struct json j;

	json_init(&j, buf, sizeof buf);
	for (unsigned i = 0; ours && i < r->n_cache; i++)
		put_cache(&j, &r->cache[i]);
	if (ours)
		put_total(&j, r);
	must(json_ok(&j));
	if (link_room(l->link) < j.len + 256)
		return;
	if (j.len && !link_write(l->link, QUERY_LINES, l->ask_id, 0, buf, j.len,
			 NULL, 0))
		return;
	l->asked = !link_write(
	    l->link, QUERY_END, l->ask_id, ours ? 0 : 1, NULL, 0, NULL, 0);
}

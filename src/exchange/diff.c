#include "exchange/diff.h"

#include "base/clock.h"
#include "base/json.h"
#include "bgp/attrs.h"
#include "exchange/internal.h"

#include <stdlib.h>

enum {
	LOOK_EVERY = 64
};

/* What the other policy says of a set's attributes. */
struct memo {
	uint32_t hash; /* of the set that had this number then */
	uint8_t said;  /* 0: nothing yet; else 1 + reason */
};

struct tally {
	uint64_t accepted; /* as it is */
	uint64_t rejected;
	uint64_t would_accept;
	uint64_t would_reject;
	uint64_t moved_away; /* prefixes whose best path it would lose */
	uint64_t moved_here;
	uint32_t reason[REASON_COUNT]; /* of would_reject */
	uint32_t gone[REASON_COUNT];   /* of would_accept */
	bool told;
};

struct exchange_diff {
	const struct exchange *x;
	struct policy *other;
	struct vrps *vrps; /* instead of those there are */
	char *list;	   /* not yet read from `at` on */
	size_t n_list;
	size_t at;
	size_t line;
	size_t bad;
	enum family f;
	uint32_t id;
	bool done;
	uint32_t told; /* slots below are written */
	struct memo *memo;
	size_t n_memo;
	struct tally *tally[FEED_SLOTS];
	uint32_t paths[RIB_PATHS_MAX];
};

struct exchange_diff *exchange_diff_new(
    const struct exchange *x, const struct conf *c, char *vrps, size_t n)
{
	struct exchange_diff *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->x = x;
	d->other = policy_new(c);
	if (d->other)
		(void)policy_take_registry(d->other, x->registry);
	if (vrps)
		d->vrps = vrps_new();
	if (!d->other || (vrps && !d->vrps)) {
		exchange_diff_free(d);
		return NULL;
	}
	d->list = vrps;
	d->n_list = vrps ? n : 0;
	return d;
}

void exchange_diff_free(struct exchange_diff *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < FEED_SLOTS; i++)
		free(d->tally[i]);
	policy_free(d->other);
	vrps_free(d->vrps);
	free(d->list);
	free(d->memo);
	free(d);
}

/* ---- the list of VRPs --------------------------------------------------- */

/* "192.0.2.0/24-24 64501" */
static bool read_line(char *s, struct vrp *v)
{
	char *dash = strrchr(s, '-');
	char *end;

	if (!dash)
		return false;
	*dash = 0;
	unsigned long max = strtoul(dash + 1, &end, 10);
	if (end == dash + 1 || *end != ' ' || max > 128)
		return false;
	char *number = end + 1;
	unsigned long long asn = strtoull(number, &end, 10);
	if (end == number || *end || asn > UINT32_MAX)
		return false;
	*v = (struct vrp){.max_len = (uint8_t)max, .asn = (uint32_t)asn};
	return !prefix_parse(s, &v->prefix);
}

/* False: more is left to read. */
static bool read_list(struct exchange_diff *d, uint64_t deadline)
{
	while (d->at < d->n_list && !d->bad) {
		char *s = d->list + d->at;
		char *nl = memchr(s, '\n', d->n_list - d->at);
		struct vrp v;

		d->line++;
		if (!nl || d->line > EXCHANGE_VRPS_MAX) {
			d->bad = d->line;
			break;
		}
		*nl = 0;
		d->at = (size_t)(nl - d->list) + 1;
		if (!read_line(s, &v) || vrps_add(d->vrps, &v) < 0)
			d->bad = d->line;
		if (d->line % LOOK_EVERY == 0 && clock_now_ns() > deadline)
			return false;
	}
	return true;
}

size_t exchange_diff_bad_line(const struct exchange_diff *d)
{
	return d->bad;
}

/* ---- what it would be --------------------------------------------------- */

static struct memo *memo_of(struct exchange_diff *d, uint32_t set)
{
	if (set >= d->n_memo) {
		size_t n = (size_t)d->x->rib->pages_end * RIB_PAGE;
		struct memo *more = realloc(d->memo, n * sizeof *more);

		if (!more)
			return NULL;
		memset(more + d->n_memo, 0, (n - d->n_memo) * sizeof *more);
		d->memo = more;
		d->n_memo = n;
	}
	return &d->memo[set];
}

static enum reason attrs_reason(struct exchange_diff *d,
    const struct policy_member *m, uint32_t set, uint32_t *ret_origin)
{
	const struct rib *r = d->x->rib;
	const struct rib_set *s = rib_set_at(r, set);
	struct memo *memo = memo_of(d, set);
	struct bytes hop = rib_set_next_hop(r, s);
	struct bgp_attrs a;
	uint8_t tags;

	bgp_attrs_read(rib_set_wire(r, s), &a);
	*ret_origin = bgp_path_origin(a.as_path);
	if (memo && memo->said && memo->hash == s->hash)
		return (enum reason)(memo->said - 1);
	struct verdict v = policy_check_attrs(
	    d->other, m, &a, (struct policy_next_hop){hop.p, hop.n}, &tags);
	enum reason reason = v.accept ? REASON_NONE : v.reason;
	if (memo)
		*memo = (struct memo){s->hash, (uint8_t)(reason + 1)};
	return reason;
}

static enum reason would_be(
    struct exchange_diff *d, const struct prefix *p, uint32_t set)
{
	const struct rib_set *s = rib_set_at(d->x->rib, set);
	const struct feed_up *as =
	    &d->x->slot[rib_set_slot(d->x->rib, set)]->c.as;
	uint32_t origin;

	if (reason_is_of_update((enum reason)s->reason))
		return (enum reason)s->reason;
	const struct policy_member *m =
	    policy_member_find(d->other, as->asn, &as->peer);
	enum reason r = attrs_reason(d, m, set, &origin);
	if (r != REASON_NONE)
		return r;
	struct verdict v = policy_check_prefix(
	    d->other, m, p, policy_rov(d->other, p, origin));
	return v.accept ? REASON_NONE : v.reason;
}

static struct tally *tally_of(struct exchange_diff *d, uint32_t set)
{
	struct tally **t = &d->tally[rib_set_slot(d->x->rib, set)];

	if (!*t)
		*t = calloc(1, sizeof **t);
	must(*t);
	return *t;
}

static void count(struct exchange_diff *d, uint32_t set, enum reason then)
{
	enum reason now = (enum reason)rib_set_at(d->x->rib, set)->reason;
	struct tally *t = tally_of(d, set);

	t->accepted += now == REASON_NONE;
	t->rejected += now != REASON_NONE;
	if (now == REASON_NONE && then != REASON_NONE) {
		t->would_reject++;
		t->reason[then]++;
	} else if (now != REASON_NONE && then == REASON_NONE) {
		t->would_accept++;
		t->gone[now]++;
	}
}

/*
 * All paths of a prefix.  Refused ones stand last, in rank order among
 * themselves, so that what would come first has to be found by rank.
 */
static void look(struct exchange_diff *d, const struct prefix *p)
{
	const struct rib *r = d->x->rib;
	const struct rib_entry *e = rib_entry_at(r, d->f, d->id);
	uint32_t now = RIB_NONE, then = RIB_NONE;
	size_t n = rib_list(r, e, d->paths, RIB_PATHS_MAX);

	for (size_t i = 0; i < n; i++) {
		uint32_t set = d->paths[i];
		enum reason reason = would_be(d, p, set);

		count(d, set, reason);
		if (now == RIB_NONE && !rib_rejected(r, set))
			now = set;
		if (reason != REASON_NONE)
			continue;
		struct rib_rank a, b;
		enum rib_rule rule;
		if (then != RIB_NONE) {
			rib_rank_of(r, set, &a);
			rib_rank_of(r, then, &b);
			if (!rib_rejected(r, set) ||
			    rib_rank_compare(&a, &b, &rule) >= 0)
				continue;
		}
		then = set;
	}
	if (now == RIB_NONE || then == RIB_NONE ||
	    rib_set_slot(r, now) == rib_set_slot(r, then))
		return;
	tally_of(d, now)->moved_away++;
	tally_of(d, then)->moved_here++;
}

bool exchange_diff_step(struct exchange_diff *d, uint64_t deadline_ns)
{
	struct policy_proof proof = d->x->proof;
	struct prefix p;

	if (!read_list(d, deadline_ns))
		return false;
	if (d->bad)
		d->done = true;
	if (d->vrps) {
		proof.vrps = d->vrps;
		proof.cached = true;
	}
	policy_prove(d->other, &proof);
	for (unsigned i = 0; !d->done; i++) {
		if (d->id >= rib_end(d->x->rib, d->f)) {
			d->id = 0;
			d->done = ++d->f == FAMILY_COUNT;
			continue;
		}
		if (rib_prefix(d->x->rib, d->f, d->id, &p))
			look(d, &p);
		d->id++;
		if (i % LOOK_EVERY == LOOK_EVERY - 1 &&
		    clock_now_ns() > deadline_ns)
			break;
	}
	return d->done;
}

/* ---- the answer --------------------------------------------------------- */

static void add(struct tally *to, const struct tally *t)
{
	to->accepted += t->accepted;
	to->rejected += t->rejected;
	to->would_accept += t->would_accept;
	to->would_reject += t->would_reject;
	to->moved_away += t->moved_away;
	to->moved_here += t->moved_here;
	for (int i = 0; i < REASON_COUNT; i++) {
		to->reason[i] += t->reason[i];
		to->gone[i] += t->gone[i];
	}
}

static void write_reasons(
    struct json *w, const char *key, const uint32_t n[REASON_COUNT])
{
	json_open_object(w, key);
	for (int i = 0; i < REASON_COUNT; i++)
		if (n[i])
			json_u64(w, reason_info((enum reason)i)->word, n[i]);
	json_close_object(w);
}

static const char *name_of(const struct exchange_client *c)
{
	return c->member ? policy_member_name(c->member) : "";
}

/* The slots of one member together, which are marked as told. */
static void sum_up(struct exchange_diff *d, uint32_t first, struct tally *ret)
{
	const struct exchange_client *c = exchange_client(d->x, first);

	memset(ret, 0, sizeof *ret);
	for (uint32_t i = first; i < FEED_SLOTS; i++) {
		const struct exchange_client *o = exchange_client(d->x, i);

		if (!d->tally[i] || o->as.asn != c->as.asn ||
		    strcmp(name_of(o), name_of(c)) != 0)
			continue;
		add(ret, d->tally[i]);
		d->tally[i]->told = true;
	}
}

bool exchange_diff_write(struct exchange_diff *d, struct json *w)
{
	struct tally t;

	while (d->told < FEED_SLOTS &&
	       (!d->tally[d->told] || d->tally[d->told]->told))
		d->told++;
	if (d->told == FEED_SLOTS)
		return false;
	const struct exchange_client *c = exchange_client(d->x, d->told);
	sum_up(d, d->told, &t);
	json_open_object(w, NULL);
	json_u64(w, "member_asn", c->as.asn);
	json_string(w, "member", c->member ? name_of(c) : NULL);
	json_u64(w, "accepted", t.accepted);
	json_u64(w, "rejected", t.rejected);
	json_u64(w, "would_accept", t.would_accept);
	json_u64(w, "would_reject", t.would_reject);
	json_u64(w, "moved_away", t.moved_away);
	json_u64(w, "moved_here", t.moved_here);
	write_reasons(w, "reasons", t.reason);
	write_reasons(w, "reasons_gone", t.gone);
	json_close_object(w);
	json_newline(w);
	return true;
}

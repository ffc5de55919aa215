/*
 * The trace of `why`: one object, bounded.
 *
 *   {prefix, found, covering, paths: [{route, checks, control, rank, lost_to}],
 *    exports: [{client, up, paths: [{from, outcome, why}]}]}
 */
#include "exchange/query_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_PATHS = 1024, /* of a prefix that are looked at */
	MAX_EXPORTS = 8,  /* sessions of one client */
	MAX_WORDS = 32,
};

/* How much is told; less when it does not fit one line. */
static const struct limit {
	size_t told;   /* paths in full */
	size_t items;  /* of one list of communities or hops */
	size_t listed; /* paths in one export */
} limits[] = {{24, 100, 64}, {12, 30, 24}, {4, 10, 8}};

struct why {
	const struct exchange *x;
	const struct query *q;
	struct json *w;
	const struct limit *most;
	enum family family;
	uint32_t id;
	struct prefix prefix;
	size_t n; /* paths held, as far as looked at */
	uint32_t set[MAX_PATHS];
};

static void write_check(struct json *w, const char *check, const char *outcome,
    const char *evidence, const char *reason)
{
	json_open_object(w, NULL);
	json_string(w, "check", check);
	json_string(w, "outcome", outcome);
	json_string(w, "evidence", evidence);
	json_string(w, "reason", reason);
	json_close_object(w);
}

/* What came before the list: RFC 7606.  False: nothing is left to check. */
static bool write_well_formed(const struct why *y, const struct rib_path *p)
{
	const struct exchange_client *c = exchange_client(y->x, p->slot);
	enum reason r = p->verdict.reason;

	if (p->verdict.accept || !reason_is_of_update(r)) {
		write_check(y->w, "well_formed", "pass",
		    "the UPDATE could be read", NULL);
		return true;
	}
	write_check(y->w, "well_formed", "fail",
	    c->last_fault ? bgp_fault_text(c->last_fault)
			  : reason_info(r)->text,
	    reason_info(r)->word);
	return false;
}

static void write_checks(
    const struct why *y, const struct rib_path *p, const struct bgp_attrs *a)
{
	const struct exchange_client *c = exchange_client(y->x, p->slot);
	struct policy_next_hop hop = {p->next_hop.p, p->next_hop.n};
	static struct policy_trace t;

	json_open_list(y->w, "checks");
	if (write_well_formed(y, p)) {
		policy_trace(
		    exchange_policy(y->x), c->member, &y->prefix, a, hop, &t);
		for (size_t i = 0; i < t.n; i++) {
			const struct policy_step *s = &t.step[i];
			const char *reason = NULL;

			if (s->outcome == POLICY_FAIL)
				reason = reason_info(s->reason)->word;
			write_check(y->w, s->check->name,
			    policy_outcome_word(s->outcome), s->evidence,
			    reason);
		}
	}
	json_close_list(y->w);
}

static void write_control(const struct why *y, const struct bgp_attrs *a)
{
	static struct policy_word words[MAX_WORDS];
	size_t n =
	    policy_control_words(exchange_policy(y->x), a, words, MAX_WORDS);

	json_open_list(y->w, "control");
	for (size_t i = 0; i < n && i < MAX_WORDS; i++) {
		json_open_object(y->w, NULL);
		json_string(y->w, "community", words[i].community);
		json_string(y->w, "effect", words[i].effect);
		json_close_object(y->w);
	}
	json_close_list(y->w);
}

/* The rule that puts a before b, where a stands before b. */
static enum rib_rule deciding(
    const struct rib_path *a, const struct rib_path *b)
{
	enum rib_rule rule;

	/* Within one tie the order of groups may overrule two peers. */
	if (rib_rank_compare(&a->rank, &b->rank, &rule) > 0)
		return RIB_RULE_MED;
	return rule;
}

/* What the two differ in, the winner first; "" when the rule says it all. */
static void name_difference(enum rib_rule rule, const struct rib_rank *a,
    const struct rib_rank *b, char *buf, size_t n)
{
	static const char *const origins[] = {"igp", "egp", "incomplete", "?"};
	struct ip ip[2] = {{.family = FAMILY_IPV4}, {.family = FAMILY_IPV4}};
	const uint32_t id[2] = {a->id, b->id};
	char text[2][IP_TEXT];

	buf[0] = 0;
	switch (rule) {
	case RIB_RULE_PATH_LENGTH:
		(void)snprintf(
		    buf, n, ": %u against %u", a->path_length, b->path_length);
		break;
	case RIB_RULE_ORIGIN:
		(void)snprintf(buf, n, ": %s against %s",
		    origins[a->origin & 3], origins[b->origin & 3]);
		break;
	case RIB_RULE_MED:
		(void)snprintf(buf, n, ": %u against %u", a->med, b->med);
		break;
	case RIB_RULE_ROUTER_ID:
		for (unsigned i = 0; i < 2; i++)
			for (unsigned k = 0; k < 4; k++)
				ip[i].b[k] = (uint8_t)(id[i] >> (24 - 8 * k));
		(void)snprintf(buf, n, ": %s against %s",
		    ip_format(&ip[0], text[0]), ip_format(&ip[1], text[1]));
		break;
	case RIB_RULE_PEER_ADDRESS:
		(void)snprintf(buf, n, ": %s against %s",
		    ip_format(&a->peer, text[0]), ip_format(&b->peer, text[1]));
		break;
	default:
		break;
	}
}

static void write_lost_to(const struct why *y, const char *key,
    const struct rib_path *winner, const struct rib_path *p)
{
	enum rib_rule rule = deciding(winner, p);
	char difference[2 * IP_TEXT + 16];

	name_difference(
	    rule, &winner->rank, &p->rank, difference, sizeof difference);
	json_open_object(y->w, key);
	query_write_from(y->w, y->x, winner);
	json_string(y->w, "rule", rib_rule_word(rule));
	json_printf(y->w, "text", "%s%s", rib_rule_text(rule), difference);
	json_close_object(y->w);
}

/* rank: from 1 among the accepted ones; before: the one ranked just above. */
static void write_path(const struct why *y, const struct rib_path *p,
    size_t rank, const struct rib_path *before)
{
	struct bgp_attrs a;
	char text[PREFIX_TEXT];

	rib_attrs(p, &a);
	json_open_object(y->w, NULL);
	json_string(y->w, "prefix", prefix_format(&y->prefix, text));
	query_write_from(y->w, y->x, p);
	query_write_attrs(y->w, p, y->most->items);
	query_write_state(y->w, y->x, &y->prefix, p, rank == 1);
	why_write_proof(y->w, y->x, &y->prefix, &a);
	json_string(y->w, "reason_text",
	    p->verdict.accept ? NULL : reason_info(p->verdict.reason)->text);
	if (rank)
		json_u64(y->w, "rank", rank);
	else
		json_null(y->w, "rank");
	if (before)
		write_lost_to(y, "lost_to", before, p);
	else
		json_null(y->w, "lost_to");
	write_checks(y, p, &a);
	write_control(y, &a);
	json_close_object(y->w);
}

static bool from_wanted(const struct why *y, const struct rib_path *p)
{
	return query_is(exchange_client(y->x, p->slot), y->q->from_asn,
	    y->q->has_from, &y->q->from);
}

/* Gives how many paths were asked for and are there. */
static size_t write_paths(const struct why *y)
{
	const struct rib *rib = exchange_rib(y->x);
	struct rib_path before;
	size_t rank = 0;
	size_t told = 0;

	json_open_list(y->w, "paths");
	for (size_t i = 0; i < y->n; i++) {
		struct rib_path p;

		rib_path(rib, y->set[i], &p);
		rank += p.verdict.accept;
		if (from_wanted(y, &p) && ++told <= y->most->told)
			write_path(y, &p, p.verdict.accept ? rank : 0,
			    p.verdict.accept && rank > 1 ? &before : NULL);
		if (p.verdict.accept)
			before = p;
	}
	json_close_list(y->w);
	json_u64(y->w, "paths_held", y->n);
	json_u64(y->w, "paths_asked_for", told);
	return told;
}

/* ---- towards one client ------------------------------------------------- */

static void bar_evidence(const struct why *y, const struct rib_path *p,
    enum exchange_bar bar, const struct exchange_client *to, char *buf,
    size_t n)
{
	struct bgp_attrs a;

	buf[0] = 0;
	rib_attrs(p, &a);
	if (bar == EXCHANGE_BAR_CONTROL)
		(void)policy_control_bar(
		    exchange_policy(y->x), &a, to->as.asn, buf, n);
	else if (bar == EXCHANGE_BAR_OWN_ASN)
		(void)snprintf(buf, n, "AS%u is in the path", to->as.asn);
	else if (bar == EXCHANGE_BAR_REJECTED)
		(void)snprintf(
		    buf, n, "%s", reason_info(p->verdict.reason)->text);
	else if (bar == EXCHANGE_BAR_SIZE)
		(void)snprintf(buf, n, "%zu bytes of attributes", p->wire.n);
	else if (bar == EXCHANGE_BAR_DOWN)
		(void)snprintf(buf, n,
		    to->up ? "%s was not negotiated" : "the session is down",
		    family_name(p->family));
}

static void write_barred(const struct why *y, const struct rib_path *p,
    enum exchange_bar bar, const struct exchange_client *to)
{
	char evidence[160];

	bar_evidence(y, p, bar, to, evidence, sizeof evidence);
	json_string(y->w, "outcome", "barred");
	json_string(y->w, "why", exchange_bar_word(bar));
	json_string(y->w, "text", exchange_bar_text(bar));
	json_string(y->w, "evidence", evidence[0] ? evidence : NULL);
}

static unsigned prepends(const struct why *y, const struct rib_path *p,
    const struct exchange_client *to)
{
	struct policy_control c;
	struct bgp_attrs a;
	struct arena arena;
	unsigned n;

	rib_attrs(p, &a);
	arena_init(&arena, 1 << 20);
	(void)policy_control_read(exchange_policy(y->x), &a, &arena, &c);
	n = policy_control_prepend(&c, to->as.asn);
	arena_done(&arena);
	return n;
}

/* One path on its way to one client; winner: the one that it gets, or NULL. */
static void write_export_path(const struct why *y, const struct rib_path *p,
    uint32_t slot, const struct rib_path *winner)
{
	const struct exchange_client *to = exchange_client(y->x, slot);
	enum exchange_bar bar = exchange_may(y->x, p->set, slot);
	bool every = to->as.add_path_tx & BGP_FAMILY(p->family);

	json_open_object(y->w, NULL);
	query_write_from(y->w, y->x, p);
	if (bar != EXCHANGE_MAY) {
		write_barred(y, p, bar, to);
	} else if (every || (winner && winner->set == p->set)) {
		json_string(y->w, "outcome", "sent");
		json_u64(y->w, "prepended", prepends(y, p, to));
	} else {
		json_string(y->w, "outcome", "outranked");
		if (winner)
			write_lost_to(y, "lost_to", winner, p);
	}
	json_close_object(y->w);
}

static void write_export(const struct why *y, uint32_t slot)
{
	const struct exchange_client *to = exchange_client(y->x, slot);
	uint32_t choice = exchange_choice(y->x, y->family, y->id, slot);
	struct rib_path winner;
	size_t told = 0;
	char text[IP_TEXT];

	if (choice != RIB_NONE)
		rib_path(exchange_rib(y->x), choice, &winner);
	json_open_object(y->w, NULL);
	json_u64(y->w, "to_asn", to->as.asn);
	json_string(y->w, "to", ip_format(&to->as.peer, text));
	json_string(
	    y->w, "member", to->member ? policy_member_name(to->member) : NULL);
	json_bool(y->w, "up", to->up);
	json_bool(y->w, "lagging", to->lagging);
	json_bool(y->w, "add_path", to->as.add_path_tx & BGP_FAMILY(y->family));
	json_open_list(y->w, "paths");
	for (size_t i = 0; i < y->n && told < y->most->listed; i++) {
		struct rib_path p;

		rib_path(exchange_rib(y->x), y->set[i], &p);
		if (!from_wanted(y, &p))
			continue;
		told++;
		write_export_path(
		    y, &p, slot, choice != RIB_NONE ? &winner : NULL);
	}
	json_close_list(y->w);
	json_close_object(y->w);
}

static void write_exports(const struct why *y)
{
	size_t n = 0;

	json_open_list(y->w, "exports");
	for (uint32_t s = 0; s < exchange_slots(y->x) && n < MAX_EXPORTS; s++) {
		const struct exchange_client *c = exchange_client(y->x, s);

		if (!c->used ||
		    !query_is(c, y->q->to_asn, y->q->has_to, &y->q->to))
			continue;
		n++;
		write_export(y, s);
	}
	json_close_list(y->w);
	json_bool(y->w, "to_known", n > 0);
}

/* ---- the whole ---------------------------------------------------------- */

/* Held prefixes that cover the one asked for, the longest first. */
static void write_covering(const struct why *y)
{
	char text[PREFIX_TEXT];

	json_open_list(y->w, "covering");
	for (unsigned len = y->prefix.len; len-- > 0;) {
		struct prefix p = prefix_of(&y->prefix.addr, (uint8_t)len);
		struct prefix held;
		uint32_t id = rib_find(exchange_rib(y->x), &p);

		if (id != RIB_NONE &&
		    rib_prefix(exchange_rib(y->x), y->family, id, &held))
			json_string(y->w, NULL, prefix_format(&p, text));
	}
	json_close_list(y->w);
}

/* Sessions of the announcer that was named: up, and what went wrong last. */
static void write_announcers(const struct why *y)
{
	size_t n = 0;

	json_open_list(y->w, "announcers");
	for (uint32_t s = 0; s < exchange_slots(y->x) && n < MAX_EXPORTS; s++) {
		const struct exchange_client *c = exchange_client(y->x, s);
		char text[IP_TEXT];

		if (!c->used ||
		    !query_is(c, y->q->from_asn, y->q->has_from, &y->q->from))
			continue;
		n++;
		json_open_object(y->w, NULL);
		json_u64(y->w, "from_asn", c->as.asn);
		json_string(y->w, "from", ip_format(&c->as.peer, text));
		json_bool(y->w, "up", c->up);
		json_string(y->w, "last_fault",
		    c->last_fault ? bgp_fault_text(c->last_fault) : NULL);
		json_close_object(y->w);
	}
	json_close_list(y->w);
}

static int write_all(struct why *y)
{
	bool to = y->q->to_asn || y->q->has_to;
	bool from = y->q->from_asn || y->q->has_from;
	char text[PREFIX_TEXT];
	size_t told;

	json_open_object(y->w, NULL);
	json_string(y->w, "prefix", prefix_format(&y->prefix, text));
	json_bool(y->w, "found", y->n > 0);
	write_covering(y);
	told = write_paths(y);
	if (from)
		write_announcers(y);
	if (to && y->n)
		write_exports(y);
	json_close_object(y->w);
	json_newline(y->w);
	return told ? 0 : 1;
}

int why_write(const struct exchange *x, const struct query *q, char *buf,
    size_t cap, size_t *ret_n)
{
	const struct rib *rib = exchange_rib(x);
	struct json w;
	struct why *y = calloc(1, sizeof *y);
	int code = 1;

	*ret_n = 0;
	if (!y)
		return 1;
	y->x = x;
	y->q = q;
	y->w = &w;
	y->prefix = q->prefix;
	y->family = q->prefix.addr.family;
	y->id = rib_find(rib, &q->prefix);
	if (y->id != RIB_NONE)
		y->n = rib_paths(rib, y->family, y->id, y->set, MAX_PATHS);
	if (y->n > MAX_PATHS)
		y->n = MAX_PATHS;
	for (size_t i = 0; i < ARRAY_SIZE(limits) && !*ret_n; i++) {
		y->most = &limits[i];
		json_init(&w, buf, cap);
		code = write_all(y);
		if (json_ok(&w))
			*ret_n = w.len;
	}
	free(y);
	return code;
}

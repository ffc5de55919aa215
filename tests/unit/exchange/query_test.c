/* What `show routes` and `why` answer, field by field. */
#include "check.h"

#include "base/clock.h"
#include "exchange/query_link.h"
#include "net/msg.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	V4 = BGP_FAMILY(FAMILY_IPV4),
	V6 = BGP_FAMILY(FAMILY_IPV6)
};

static const char conf_text[] =
    "exchange \"X\" { asn 64500; router-id 192.0.2.1; listen 192.0.2.1, "
    "2001:db8:100::1;"
    " lan 192.0.2.0/24, 2001:db8:100::/64; }\n"
    "policy { }\n"
    "member \"Alpha\" { asn 64501; at 192.0.2.11, 2001:db8:100::11; }\n"
    "member \"Beta\" { asn 64502; at 192.0.2.12; }\n"
    "member \"Gamma\" { asn 64503; at 192.0.2.13; }\n";

struct world {
	struct conf *c;
	struct exchange *x;
	struct feed_shared *area;
	struct feed_cursors *cursors;
	uint32_t n_slots;
};

static bool take(void *arg, enum feed_type type, uint32_t slot,
    uint32_t incarnation, const void *data, size_t n)
{
	(void)arg;
	(void)type;
	(void)slot;
	(void)incarnation;
	(void)data;
	(void)n;
	return true;
}

enum {
	CHUNKS = 64
};

static void settle(struct world *w)
{
	for (int i = 0; i < 100; i++) {
		(void)exchange_flush(w->x, NS_PER_S);
		if (!exchange_work(w->x, NS_PER_S, NS_PER_MS))
			return;
	}
}

static void begin(struct world *w)
{
	struct exchange_out out = {.send = take};
	size_t bytes = FEED_CHUNKS_AT + (size_t)CHUNKS * FEED_CHUNK;
	struct conf_error *errors = NULL;
	size_t n_errors = 0;

	memset(w, 0, sizeof *w);
	must(!conf_parse(
	    conf_text, sizeof conf_text - 1, &w->c, &errors, &n_errors));
	free(errors);
	must(!exchange_new(w->c, false, NS_PER_S, &w->x));
	w->area = aligned_alloc(FEED_CHUNK, bytes);
	w->cursors = malloc(sizeof *w->cursors);
	must(w->area && w->cursors);
	memset(w->area, 0, bytes);
	memset(w->cursors, 0xff, sizeof *w->cursors);
	exchange_attach(w->x, w->area, bytes, w->cursors, &out, NS_PER_S);
}

static void end(struct world *w)
{
	exchange_free(w->x);
	conf_free(w->c);
	free(w->area);
	free(w->cursors);
}

static uint32_t session(struct world *w, uint32_t asn, const char *addr)
{
	struct feed_up up;

	memset(&up, 0, sizeof up);
	must(!ip_parse(addr, &up.peer));
	up.asn = asn;
	up.id = asn;
	up.hold_s = 90;
	up.families = up.peer.family == FAMILY_IPV4 ? V4 : V6;
	up.as4 = true;
	up.open.asn = asn;
	up.open.families = up.families;
	exchange_record(w->x, FEED_UP, w->n_slots, 1, &up, sizeof up, NS_PER_S);
	return w->n_slots++;
}

struct text {
	const char *prefix;
	uint32_t path[4];
	unsigned n_path;
	uint32_t communities[4];
	unsigned n_communities;
};

static void announce(
    struct world *w, uint32_t slot, uint8_t hop, const struct text *t)
{
	uint8_t body[512];
	struct wr m = wr_from(body, sizeof body);
	struct prefix p;

	must(!prefix_parse(t->prefix, &p));
	wr_u16(&m, 0);
	uint8_t *len = wr_len16_open(&m);
	wr_bytes(&m, "\x40\1\1\0", 4);
	wr_bytes(&m, "\x40\2", 2);
	wr_u8(&m, 2 + 4 * t->n_path);
	wr_u8(&m, BGP_AS_SEQUENCE);
	wr_u8(&m, t->n_path);
	for (unsigned i = 0; i < t->n_path; i++)
		wr_u32(&m, t->path[i]);
	wr_bytes(&m, "\x40\3\4\300\0\2", 6);
	wr_u8(&m, hop);
	wr_bytes(&m, "\x80\4\4\0\0\0\7", 7);
	if (t->n_communities) {
		wr_bytes(&m, "\xc0\10", 2);
		wr_u8(&m, 4 * t->n_communities);
		for (unsigned i = 0; i < t->n_communities; i++)
			wr_u32(&m, t->communities[i]);
	}
	wr_len16_close(&m, len);
	bgp_nlri_write(&m, &p, false, 0);
	must(wr_ok(&m));
	exchange_record(w->x, FEED_UPDATE, slot, 1, body, wr_len(&m), NS_PER_S);
}

/* Runs a question to its end: all lines as a list, and the exit code. */
static json_t *ask(struct world *w, const struct query *q, int *ret_exit)
{
	struct query_job *j = query_new(w->x, q);
	char *buf = malloc(QUERY_LINE_MAX);
	json_t *list = json_array();
	bool more = true;

	must(j && buf);
	while (more) {
		size_t n;

		more = query_step(j, buf, QUERY_LINE_MAX, NS_PER_MS, &n);
		for (char *at = buf; at < buf + n;) {
			char *nl = memchr(at, '\n', (size_t)(buf + n - at));
			json_t *o;

			assert_non_null(nl);
			o = json_loadb(at, (size_t)(nl - at), 0, NULL);
			assert_non_null(o);
			json_array_append_new(list, o);
			at = nl + 1;
		}
	}
	*ret_exit = query_exit(j);
	query_free(j);
	free(buf);
	return list;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "null";
}

static struct query question(enum query_kind kind, const char *prefix)
{
	struct query q;

	memset(&q, 0, sizeof q);
	q.kind = kind;
	if (prefix) {
		q.has_prefix = true;
		must(!prefix_parse(prefix, &q.prefix));
	}
	return q;
}

/* Alpha and Beta announce 11.0.0.0/16, Beta by a longer path. */
static void populate(struct world *w)
{
	uint32_t alpha = session(w, 64501, "192.0.2.11");
	uint32_t beta = session(w, 64502, "192.0.2.12");

	(void)session(w, 64503, "192.0.2.13");
	announce(w, alpha, 11,
	    &(struct text){"11.0.0.0/16", {64501, 2000}, 2,
		{0u << 16 | 64503, 2000u << 16 | 5}, 2});
	announce(w, beta, 12,
	    &(struct text){"11.0.0.0/16", {64502, 2001, 2000}, 3, {0}, 0});
	announce(
	    w, alpha, 11, &(struct text){"11.0.0.0/25", {64501}, 1, {0}, 0});
	announce(
	    w, alpha, 11, &(struct text){"12.0.0.0/8", {64501}, 1, {0}, 0});
	settle(w);
}

static void routes_have_their_fields(void **state)
{
	struct world w;
	struct query q = question(QUERY_ROUTES, "11.0.0.0/16");
	int code;

	(void)state;
	begin(&w);
	populate(&w);
	json_t *all = ask(&w, &q, &code);
	assert_int_equal(code, 0);
	assert_int_equal(json_array_size(all), 2);
	json_t *o = json_array_get(all, 0);
	assert_string_equal(text_of(o, "prefix"), "11.0.0.0/16");
	assert_int_equal(
	    json_integer_value(json_object_get(o, "from_asn")), 64501);
	assert_string_equal(text_of(o, "from"), "192.0.2.11");
	assert_string_equal(text_of(o, "member"), "Alpha");
	assert_string_equal(text_of(o, "next_hop"), "192.0.2.11");
	assert_string_equal(text_of(o, "origin"), "igp");
	assert_string_equal(text_of(o, "state"), "best");
	assert_string_equal(text_of(o, "rpki"), "unchecked");
	assert_true(json_is_null(json_object_get(o, "reason")));
	assert_int_equal(json_integer_value(json_object_get(o, "med")), 7);
	char *path = json_dumps(json_object_get(o, "as_path"), JSON_COMPACT);
	assert_string_equal(path, "[64501,2000]");
	free(path);
	char *c = json_dumps(json_object_get(o, "communities"), JSON_COMPACT);
	assert_string_equal(c, "[\"0:64503\",\"2000:5\"]");
	free(c);
	assert_string_equal(
	    text_of(json_array_get(all, 1), "state"), "accepted");
	json_decref(all);
	end(&w);
}

static void vrp(struct world *w, struct vrps *t, const char *prefix,
    uint8_t max_len, uint32_t asn)
{
	struct vrp v = {
	    .max_len = max_len, .asn = asn, .sources = 1, .since_s = 1};

	must(!prefix_parse(prefix, &v.prefix));
	must(vrps_add(t, &v) == 1);
	exchange_vrp_changed(w->x, &v.prefix);
}

static json_t *first_path(struct world *w, const char *prefix, json_t **ret)
{
	struct query q = question(QUERY_WHY, prefix);
	int code;

	*ret = ask(w, &q, &code);
	assert_int_equal(code, 0);
	return json_array_get(
	    json_object_get(json_array_get(*ret, 0), "paths"), 0);
}

static void has_state(struct world *w, const char *rpki, const char *reason)
{
	json_t *all;
	json_t *o = first_path(w, "11.0.0.0/16", &all);

	assert_string_equal(text_of(o, "rpki"), rpki);
	assert_string_equal(text_of(o, "reason"), reason);
	json_decref(all);
}

/* A VRP touches what it covers, as soon as there has been time for it. */
static void the_rpki_is_asked_and_shown(void **state)
{
	struct vrps *t = vrps_new();
	struct aspas *a = aspas_new();
	uint32_t provider = 64777;
	struct aspa_record record = {
	    .customer = 2000, .provider = &provider, .n = 1, .sources = 1};
	struct policy_proof proof = {.vrps = t,
	    .aspas = a,
	    .cached = true,
	    .source = {"192.0.2.200:323"}};
	struct world w;
	json_t *all;

	(void)state;
	must(t && a);
	begin(&w);
	populate(&w);
	has_state(&w, "unchecked", "null");
	exchange_prove(w.x, &proof, NS_PER_S);
	settle(&w);
	has_state(&w, "not-found", "null");
	vrp(&w, t, "11.0.0.0/8", 24, 2000);
	vrp(&w, t, "12.0.0.0/16", 24, 64999); /* covers no route */
	settle(&w);
	has_state(&w, "valid", "null");
	json_t *o = first_path(&w, "11.0.0.0/16", &all);
	json_t *v = json_array_get(json_object_get(o, "vrps"), 0);
	assert_string_equal(text_of(v, "prefix"), "11.0.0.0/8");
	assert_int_equal(
	    json_integer_value(json_object_get(v, "max_length")), 24);
	assert_true(json_is_true(json_object_get(v, "permits")));
	assert_string_equal(text_of(v, "source"), "192.0.2.200:323");
	assert_string_equal(text_of(v, "since"), "1970-01-01T00:00:01Z");
	assert_true(json_integer_value(json_object_get(v, "age_s")) > 1000);
	json_decref(all);
	/* Another origin's alone makes it invalid. */
	struct vrp gone = {.max_len = 24, .asn = 2000};
	must(!prefix_parse("11.0.0.0/8", &gone.prefix));
	vrp(&w, t, "11.0.0.0/16", 16, 2001);
	must(vrps_remove(t, &gone));
	exchange_vrp_changed(w.x, &gone.prefix);
	settle(&w);
	has_state(&w, "invalid", "rpki_invalid");
	/* The path of an accepted one contradicts an ASPA. */
	must(vrps_remove(
	    t, &(struct vrp){.prefix = prefix_of(&gone.prefix.addr, 16),
		   .max_len = 16,
		   .asn = 2001}));
	exchange_vrp_changed(w.x, &gone.prefix);
	settle(&w);
	has_state(&w, "not-found", "null");
	must(aspas_set(a, &record) == 1);
	exchange_aspa_changed(w.x, 2000);
	settle(&w);
	has_state(&w, "not-found", "aspa_invalid");
	o = first_path(&w, "11.0.0.0/16", &all);
	assert_string_equal(text_of(o, "aspa"), "invalid");
	v = json_array_get(json_object_get(o, "aspas"), 0);
	assert_int_equal(
	    json_integer_value(json_object_get(v, "customer_asn")), 2000);
	json_decref(all);
	proof.vrps = NULL;
	proof.aspas = NULL;
	exchange_prove(w.x, &proof, NS_PER_S);
	settle(&w);
	has_state(&w, "unchecked", "null");
	end(&w);
	vrps_free(t);
	aspas_free(a);
}

/* The lines of a difference; vrps: NULL, or the other list. */
static json_t *differ(
    struct world *w, const char *policy, const char *vrps, int *ret_exit)
{
	static char text[sizeof conf_text + 200];
	struct conf_error *errors = NULL;
	size_t n_errors = 0;
	struct conf *c;
	const char *at = strstr(conf_text, "policy { }");
	char *list = vrps ? strdup(vrps) : NULL;
	char *buf = malloc(QUERY_LINE_MAX);
	json_t *all = json_array();

	must(buf);
	(void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - conf_text),
	    conf_text, policy, at + strlen("policy { }"));
	must(!conf_parse(text, strlen(text), &c, &errors, &n_errors));
	free(errors);
	struct query_job *j = query_new_diff(
	    w->x, exchange_diff_new(w->x, c, list, vrps ? strlen(vrps) : 0));
	conf_free(c);
	must(j);
	for (bool more = true; more;) {
		size_t n;

		more = query_step(j, buf, QUERY_LINE_MAX, 0, &n);
		if (n)
			json_array_append_new(all,
			    json_loadb(buf, n, JSON_DISABLE_EOF_CHECK, NULL));
	}
	*ret_exit = query_exit(j);
	query_free(j);
	free(buf);
	return all;
}

static long long number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void a_difference_counts_routes_and_changes_none(void **state)
{
	struct world w;
	int code;

	(void)state;
	begin(&w);
	populate(&w);
	json_t *all = differ(&w, "policy { preset open; }", NULL, &code);
	assert_int_equal(json_array_size(all), 2);
	json_t *o = json_array_get(all, 0);
	assert_string_equal(text_of(o, "member"), "Alpha");
	assert_int_equal(number(o, "accepted"), 2);
	assert_int_equal(number(o, "rejected"), 1);
	assert_int_equal(number(o, "would_accept"), 1);
	assert_int_equal(number(o, "would_reject"), 0);
	assert_int_equal(
	    number(json_object_get(o, "reasons_gone"), "prefix_too_long"), 1);
	json_decref(all);
	/* AS2000 may not be in a path: Alpha loses a best path to nobody. */
	all = differ(&w, "policy { max-path 2; }", NULL, &code);
	o = json_array_get(all, 1);
	assert_string_equal(text_of(o, "member"), "Beta");
	assert_int_equal(number(o, "would_reject"), 1);
	assert_int_equal(
	    number(json_object_get(o, "reasons"), "path_too_long"), 1);
	json_decref(all);
	all =
	    differ(&w, "policy { never-via-route-server 2001; }", NULL, &code);
	o = json_array_get(all, 1);
	assert_int_equal(
	    number(json_object_get(o, "reasons"), "never_via_rs"), 1);
	json_decref(all);
	has_state(&w, "unchecked", "null");
	end(&w);
}

static void a_difference_takes_other_vrps(void **state)
{
	struct world w;
	int code;

	(void)state;
	begin(&w);
	populate(&w);
	json_t *all = differ(&w, "policy { }",
	    "12.0.0.0/8-8 64501\n11.0.0.0/16-16 64999\n2001:db8::/32-48 0\n",
	    &code);
	assert_int_equal(code, 0);
	json_t *o = json_array_get(all, 0);
	assert_int_equal(number(o, "would_reject"), 1);
	assert_int_equal(
	    number(json_object_get(o, "reasons"), "rpki_invalid"), 1);
	json_decref(all);
	/* Alpha's best path goes, Beta's shows. */
	uint32_t gamma = 2;
	announce(&w, gamma, 13,
	    &(struct text){
		"11.0.0.0/16", {64503, 64502, 64502, 2009}, 4, {0}, 0});
	settle(&w);
	all = differ(&w, "policy { }", "11.0.0.0/16-16 2009\n", &code);
	o = json_array_get(all, 0);
	assert_int_equal(number(o, "moved_away"), 1);
	o = json_array_get(all, 2);
	assert_string_equal(text_of(o, "member"), "Gamma");
	assert_int_equal(number(o, "moved_here"), 1);
	json_decref(all);
	has_state(&w, "unchecked", "null");
	end(&w);
}

static void a_bad_list_of_vrps_is_refused(void **state)
{
	static const char *const bad[] = {"11.0.0.0/16 2009\n",
	    "11.0.0.0/16-8 2009\n", "11.0.0.0/16-24 4294967296\n",
	    "11.0.0.0/33-33 1\n", "11.0.0.0/16-24 1", "x\n", "-\n", " \n",
	    "11.0.0.0/16-200 1\n", "11.0.0.0/16-24 \n"};
	struct world w;
	int code;

	(void)state;
	begin(&w);
	populate(&w);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char text[64];

		(void)snprintf(text, sizeof text, "10.0.0.0/8-8 1\n%s", bad[i]);
		json_t *all = differ(&w, "policy { }", text, &code);
		assert_int_equal(code, 1);
		assert_int_equal(json_array_size(all), 1);
		assert_int_equal(number(json_array_get(all, 0), "line"), 2);
		json_decref(all);
	}
	end(&w);
}

static void routes_can_be_chosen(void **state)
{
	struct world w;
	int code;

	(void)state;
	begin(&w);
	populate(&w);
	struct query q = question(QUERY_ROUTES, NULL);
	json_t *all = ask(&w, &q, &code);
	assert_int_equal(json_array_size(all), 4);
	json_decref(all);

	q.from_asn = 64502;
	all = ask(&w, &q, &code);
	assert_int_equal(json_array_size(all), 1);
	json_decref(all);

	q = question(QUERY_ROUTES, NULL);
	q.rejected = true;
	all = ask(&w, &q, &code);
	assert_int_equal(json_array_size(all), 1);
	assert_string_equal(
	    text_of(json_array_get(all, 0), "reason"), "prefix_too_long");
	json_decref(all);

	q = question(QUERY_ROUTES, "11.0.0.0/8");
	q.longer = true;
	all = ask(&w, &q, &code);
	assert_int_equal(json_array_size(all), 3);
	json_decref(all);

	q.longer = false;
	all = ask(&w, &q, &code);
	assert_int_equal(json_array_size(all), 0);
	assert_int_equal(code, 0);
	json_decref(all);
	end(&w);
}

/* Gamma may not have Alpha's route: it gets Beta's, and no control words. */
static void a_clients_view_is_its_own(void **state)
{
	struct world w;
	struct query q = question(QUERY_ROUTES, NULL);
	int code;

	(void)state;
	begin(&w);
	populate(&w);
	q.to_asn = 64503;
	json_t *all = ask(&w, &q, &code);
	assert_int_equal(json_array_size(all), 2);
	for (size_t i = 0; i < 2; i++) {
		json_t *o = json_array_get(all, i);
		bool first = !strcmp(text_of(o, "prefix"), "11.0.0.0/16");

		assert_int_equal(
		    json_integer_value(json_object_get(o, "from_asn")),
		    first ? 64502 : 64501);
		assert_string_equal(text_of(o, "to"), "192.0.2.13");
	}
	json_decref(all);

	q.to_asn = 64502;
	q.has_prefix = true;
	must(!prefix_parse("11.0.0.0/16", &q.prefix));
	all = ask(&w, &q, &code);
	assert_int_equal(json_array_size(all), 1);
	char *c =
	    json_dumps(json_object_get(json_array_get(all, 0), "communities"),
		JSON_COMPACT);
	assert_string_equal(c, "[\"2000:5\"]");
	free(c);
	json_decref(all);

	q.to_asn = 64999;
	all = ask(&w, &q, &code);
	assert_int_equal(code, 1);
	json_decref(all);
	end(&w);
}

static const json_t *find(
    const json_t *list, const char *key, const char *value)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		if (!strcmp(text_of(o, key), value))
			return o;
	}
	return NULL;
}

static void why_tells_import_and_export(void **state)
{
	struct world w;
	struct query q = question(QUERY_WHY, "11.0.0.0/16");
	int code;

	(void)state;
	begin(&w);
	populate(&w);
	q.to_asn = 64503;
	json_t *all = ask(&w, &q, &code);
	assert_int_equal(code, 0);
	assert_int_equal(json_array_size(all), 1);
	json_t *o = json_array_get(all, 0);
	const json_t *paths = json_object_get(o, "paths");
	assert_int_equal(json_array_size(paths), 2);
	const json_t *alpha = find(paths, "member", "Alpha");
	const json_t *beta = find(paths, "member", "Beta");
	assert_non_null(alpha);
	assert_non_null(beta);
	assert_string_equal(
	    text_of(find(json_object_get(alpha, "checks"), "check", "first_as"),
		"evidence"),
	    "the path begins with AS64501");
	assert_string_equal(
	    text_of(
		json_array_get(json_object_get(alpha, "control"), 0), "effect"),
	    "not to AS64503");
	assert_string_equal(
	    text_of(json_object_get(beta, "lost_to"), "rule"), "path_length");
	assert_string_equal(text_of(json_object_get(beta, "lost_to"), "text"),
	    "the shorter AS path comes first: 2 against 3");

	const json_t *to = json_array_get(json_object_get(o, "exports"), 0);
	const json_t *sent =
	    find(json_object_get(to, "paths"), "member", "Beta");
	const json_t *barred =
	    find(json_object_get(to, "paths"), "member", "Alpha");
	assert_string_equal(text_of(sent, "outcome"), "sent");
	assert_string_equal(text_of(barred, "outcome"), "barred");
	assert_string_equal(
	    text_of(barred, "evidence"), "0:64503: not to AS64503");
	json_decref(all);
	end(&w);
}

static void why_names_the_failed_check(void **state)
{
	struct world w;
	struct query q = question(QUERY_WHY, "11.0.0.0/25");
	int code;

	(void)state;
	begin(&w);
	populate(&w);
	q.from_asn = 64501;
	json_t *all = ask(&w, &q, &code);
	assert_int_equal(code, 0);
	json_t *o = json_array_get(all, 0);
	const json_t *p = json_array_get(json_object_get(o, "paths"), 0);
	assert_string_equal(text_of(p, "state"), "rejected");
	assert_string_equal(text_of(p, "reason"), "prefix_too_long");
	const json_t *c = find(json_object_get(p, "checks"), "check", "length");
	assert_string_equal(text_of(c, "outcome"), "fail");
	assert_string_equal(text_of(c, "evidence"), "/25 is longer than /24");
	json_decref(all);
	end(&w);
}

static void why_not_held_names_what_covers(void **state)
{
	struct world w;
	struct query q = question(QUERY_WHY, "11.0.1.0/24");
	int code;

	(void)state;
	begin(&w);
	populate(&w);
	json_t *all = ask(&w, &q, &code);
	assert_int_equal(code, 1);
	json_t *o = json_array_get(all, 0);
	assert_true(json_is_false(json_object_get(o, "found")));
	char *c = json_dumps(json_object_get(o, "covering"), JSON_COMPACT);
	assert_string_equal(c, "[\"11.0.0.0/16\"]");
	free(c);
	json_decref(all);
	end(&w);
}

static void announce_many(struct world *w, unsigned n);

/* A small buffer and no time: the answer is the same, in pieces. */
static void slices_make_the_same_answer(void **state)
{
	struct world w;
	struct query q = question(QUERY_ROUTES, NULL);
	size_t lines = 0;
	bool more = true;

	(void)state;
	begin(&w);
	announce_many(&w, 500);
	struct query_job *j = query_new(w.x, &q);
	while (more) {
		char buf[700];
		size_t n;

		more = query_step(j, buf, sizeof buf, 1, &n);
		for (size_t i = 0; i < n; i++)
			lines += buf[i] == '\n';
		assert_true(!n || buf[n - 1] == '\n');
	}
	assert_int_equal(lines, 500);
	query_free(j);
	end(&w);
}

/* ---- over a link -------------------------------------------------------- */

struct pair {
	struct link *api;
	struct link *engine;
	struct query_link *q;
};

static void connect_pair(struct pair *p, const struct exchange *x)
{
	int s[2];

	must(!msg_pair(s));
	must(!link_new(s[0], (size_t)1 << 19, 0, &p->api));
	must(!link_new(s[1], (size_t)1 << 19, 0, &p->engine));
	must(!link_bell(p->api) && !link_bell(p->engine));
	must(link_ready(p->api) && link_ready(p->engine));
	p->q = query_link_new(x, p->engine);
	must(p->q);
}

static void disconnect(struct pair *p)
{
	query_link_free(p->q);
	link_free(p->api);
	link_free(p->engine);
}

/* What api said so far reaches the engine. */
static void deliver(struct pair *p)
{
	static uint8_t buf[LINK_RECORD_MAX];
	struct link_head h;

	while (link_read(p->engine, &h, buf) == 1)
		assert_true(query_link_record(p->q, &h, buf));
}

/* Lines that api has got for a question; *ret_end: exit code, -1: none. */
static size_t lines_for(struct pair *p, uint32_t id, int *ret_end)
{
	static uint8_t buf[LINK_RECORD_MAX];
	struct link_head h;
	size_t n = 0;

	*ret_end = -1;
	while (link_read(p->api, &h, buf) == 1) {
		if (h.a != id)
			continue;
		if (h.type == QUERY_END)
			*ret_end = (int)h.b;
		for (size_t i = 0; h.type == QUERY_LINES && i < h.len; i++)
			n += buf[i] == '\n';
	}
	return n;
}

static void announce_many(struct world *w, unsigned n)
{
	uint32_t alpha = session(w, 64501, "192.0.2.11");

	for (unsigned i = 0; i < n; i++) {
		char text[PREFIX_TEXT];

		(void)snprintf(
		    text, sizeof text, "11.%u.%u.0/24", i / 250, i % 250);
		announce(w, alpha, 11,
		    &(struct text){text, {64501, 2000}, 2, {0}, 0});
	}
	settle(w);
}

static void put(
    struct pair *p, uint32_t type, uint32_t id, const struct query *q)
{
	assert_true(
	    link_write(p->api, type, id, 0, q, q ? sizeof *q : 0, NULL, 0));
	deliver(p);
}

/* 5,000 routes are more than the ring holds. */
static void a_full_ring_is_waited_for(void **state)
{
	struct query q = question(QUERY_ROUTES, NULL);
	struct world w;
	struct pair p;
	size_t lines = 0;
	int end_code = -1;

	(void)state;
	begin(&w);
	announce_many(&w, 5000);
	connect_pair(&p, w.x);
	put(&p, QUERY_ASK, 7, &q);
	for (int i = 0; i < 100 && end_code < 0; i++) {
		while (query_link_work(p.q, NS_PER_MS))
			;
		lines += lines_for(&p, 7, &end_code);
	}
	assert_int_equal(end_code, 0);
	assert_int_equal(lines, 5000);
	assert_false(query_link_work(p.q, NS_PER_MS));
	disconnect(&p);
	end(&w);
}

static void questions_pause_resume_and_cancel(void **state)
{
	struct query q = question(QUERY_ROUTES, NULL);
	struct world w;
	struct pair p;
	int code;

	(void)state;
	begin(&w);
	announce_many(&w, 100);
	connect_pair(&p, w.x);
	put(&p, QUERY_ASK, 1, &q);
	put(&p, QUERY_PAUSE, 1, NULL);
	put(&p, QUERY_ASK, 2, &q);
	while (query_link_work(p.q, NS_PER_MS))
		;
	assert_int_equal(lines_for(&p, 2, &code), 100);
	assert_int_equal(code, 0);
	put(&p, QUERY_RESUME, 1, NULL);
	while (query_link_work(p.q, NS_PER_MS))
		;
	assert_int_equal(lines_for(&p, 1, &code), 100);
	assert_int_equal(code, 0);
	put(&p, QUERY_ASK, 3, &q);
	put(&p, QUERY_CANCEL, 3, NULL);
	assert_false(query_link_work(p.q, NS_PER_MS));
	assert_int_equal(lines_for(&p, 3, &code), 0);
	assert_int_equal(code, -1);
	disconnect(&p);
	end(&w);
}

/* Nothing that api may say does any harm. */
static void nonsense_is_refused(void **state)
{
	struct query q = question(QUERY_WHY, NULL);
	struct world w;
	struct pair p;
	int code;

	(void)state;
	begin(&w);
	connect_pair(&p, w.x);
	put(&p, QUERY_ASK, 1, &q); /* why, and no prefix */
	assert_int_equal(lines_for(&p, 1, &code), 0);
	assert_int_equal(code, 3);
	q.has_prefix = true;
	q.prefix.addr.family = 77;
	put(&p, QUERY_ASK, 2, &q);
	assert_int_equal(lines_for(&p, 2, &code), 0);
	assert_int_equal(code, 3);
	put(&p, QUERY_CANCEL, 99, NULL);
	assert_false(query_link_work(p.q, NS_PER_MS));
	disconnect(&p);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(routes_have_their_fields),
	    cmocka_unit_test(the_rpki_is_asked_and_shown),
	    cmocka_unit_test(a_difference_counts_routes_and_changes_none),
	    cmocka_unit_test(a_difference_takes_other_vrps),
	    cmocka_unit_test(a_bad_list_of_vrps_is_refused),
	    cmocka_unit_test(routes_can_be_chosen),
	    cmocka_unit_test(a_clients_view_is_its_own),
	    cmocka_unit_test(why_tells_import_and_export),
	    cmocka_unit_test(why_names_the_failed_check),
	    cmocka_unit_test(why_not_held_names_what_covers),
	    cmocka_unit_test(slices_make_the_same_answer),
	    cmocka_unit_test(a_full_ring_is_waited_for),
	    cmocka_unit_test(questions_pause_resume_and_cancel),
	    cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "check.h"

#include "conf/conf.h"
#include "fixture.h"

static struct ip ip(const char *text)
{
	struct ip a;

	assert_int_equal(ip_parse(text, &a), 0);
	return a;
}

static void every_directive_arrives(void **state)
{
	struct conf *c = must_parse(whole);

	(void)state;
	assert_non_null(c);
	const struct conf_exchange *x = &c->exchange;
	assert_true(x->present);
	assert_string_equal(x->name, "Example-IX");
	assert_int_equal(x->asn, 64500);
	assert_int_equal(x->router_id, 0xc0000201);
	assert_int_equal(x->n_listen, 2);
	assert_int_equal(x->n_lan, 2);
	assert_int_equal(x->lan[1].len, 64);
	assert_int_equal(x->port, 1790);
	assert_int_equal(x->hold_s, 30);
	assert_int_equal(x->send_hold_s, 600);
	assert_int_equal(x->connect_retry_s, 15);
	assert_int_equal(x->back_off_s, 60);
	assert_false(x->graceful_restart);
	assert_int_equal(x->restart_s, 100);
	assert_int_equal(x->deferral_s, 120);
	assert_int_equal(x->stale_max_s, 5400);
	assert_int_equal(x->llgr_s, 86400);

	const struct conf_policy *p = &c->policy;
	assert_true(p->present);
	assert_int_equal(p->preset, CONF_PRESET_OPEN);
	assert_int_equal(p->unknown, CONF_DISCARD);
	assert_int_equal(p->min_len[FAMILY_IPV4], 7);
	assert_int_equal(p->max_len[FAMILY_IPV4], 25);
	assert_int_equal(p->min_len[FAMILY_IPV6], 16);
	assert_int_equal(p->max_len[FAMILY_IPV6], 56);
	assert_int_equal(p->max_path, 32);
	assert_int_equal(p->max_communities, 50);
	assert_int_equal(p->n_transit_free, 3);
	assert_int_equal(p->transit_free[2], 65546);
	conf_free(c);
}

static void every_member_directive_arrives(void **state)
{
	struct conf *c = must_parse(whole);

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->n_member, 2);
	const struct conf_member *m = &c->member[0];
	assert_string_equal(m->name, "Alpha Net"); /* sorted by ASN */
	assert_int_equal(m->asn, 64501);
	assert_string_equal(m->as_set, "AS64501:AS-ALL");
	assert_int_equal(m->n_at, 3);
	assert_string_equal(m->at[0].password, "s3cret");
	assert_string_equal(m->at[1].password, "s3cret");
	assert_true(m->at[1].gtsm && m->at[1].passive);
	assert_int_equal(m->at[1].port, 1179);
	assert_string_equal(m->at[2].password, "");
	assert_false(m->at[2].gtsm || m->at[2].passive);
	assert_int_equal(m->at[2].port, 179);
	assert_int_equal(m->n_prefix, 4);
	assert_int_equal(m->prefix[0].min_len, 24);
	assert_int_equal(m->prefix[0].max_len, 24);
	assert_int_equal(m->prefix[1].min_len, 24);
	assert_int_equal(m->prefix[1].max_len, 26);
	assert_int_equal(m->prefix[2].min_len, 40);
	assert_int_equal(m->prefix[2].max_len, 48);
	assert_int_equal(m->prefix[3].min_len, 16);
	assert_int_equal(m->prefix[3].max_len, 32);
	assert_int_equal(m->n_origin, 3);
	assert_int_equal(m->origin[2], 65551);
	assert_int_equal(m->max_prefix[FAMILY_IPV4], 200);
	assert_int_equal(m->max_prefix[FAMILY_IPV6], 50);
	assert_true(m->add_path_rx && m->add_path_tx);
	assert_true(m->own_hold);
	assert_int_equal(m->hold_s, 0);
	assert_int_equal(m->unknown, CONF_WITHDRAW);
	assert_true(m->shutdown);
	assert_string_equal(m->shutdown_text, "moving house");

	m = &c->member[1];
	assert_string_equal(m->name, "Beta \"B\" Net");
	assert_int_equal(m->asn, 64502);
	assert_int_equal(m->hold_s, 30); /* the exchange's */
	assert_int_equal(m->unknown, CONF_DISCARD);
	assert_true(m->shutdown);
	assert_string_equal(m->shutdown_text, "");
	assert_false(m->add_path_rx || m->add_path_tx);
	conf_free(c);
}

static void defaults_are_those_of_the_manual(void **state)
{
	struct conf *c =
	    must_parse(EXCHANGE "policy {} member A { asn 1; at 10.0.0.1; }");

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->exchange.port, 179);
	assert_int_equal(c->exchange.hold_s, 90);
	assert_int_equal(c->exchange.send_hold_s, 480);
	assert_int_equal(c->exchange.connect_retry_s, 30);
	assert_int_equal(c->exchange.back_off_s, 300);
	assert_true(c->exchange.graceful_restart);
	assert_int_equal(c->exchange.restart_s, 120);
	assert_int_equal(c->exchange.deferral_s, 60);
	assert_int_equal(c->exchange.stale_max_s, 300);
	assert_int_equal(c->exchange.llgr_s, 0);
	assert_int_equal(c->policy.preset, CONF_PRESET_STRICT);
	assert_int_equal(c->policy.unknown, CONF_RELAY);
	assert_int_equal(c->policy.min_len[FAMILY_IPV4], 8);
	assert_int_equal(c->policy.max_len[FAMILY_IPV4], 24);
	assert_int_equal(c->policy.min_len[FAMILY_IPV6], 19);
	assert_int_equal(c->policy.max_len[FAMILY_IPV6], 48);
	assert_int_equal(c->policy.max_path, 64);
	assert_int_equal(c->policy.max_communities, 100);
	assert_null(c->policy.transit_free);
	assert_int_equal(c->member[0].hold_s, 90);
	assert_int_equal(c->member[0].at[0].port, 179);
	conf_free(c);
}

/* RFC 8212: a file without a policy is good, and says so to the roles. */
static void stations_arrive(void **state)
{
	struct conf *c = must_parse(
	    EXCHANGE "monitoring {\n"
		     "	bmp 192.0.2.50:1791, \"[2001:db8::5]:1792\", ::9 {\n"
		     "		post off; stats 5s; }\n"
		     "	bmp 192.0.2.51;\n"
		     "	mrt \"/var/lib/spean/mrt\"; table off; updates 5m;\n"
		     "}\n");
	const struct conf_monitoring *m = &c->monitoring;
	const struct conf_station *s = m->station;

	(void)state;
	assert_true(m->present);
	assert_int_equal(m->n_station, 4);
	assert_int_equal(s[0].port, 1791);
	assert_int_equal(s[1].port, 1792);
	assert_int_equal(s[1].addr.family, FAMILY_IPV6);
	assert_int_equal(s[2].port, 1790);
	assert_true(s[2].pre && !s[2].post && s[2].loc_rib);
	assert_int_equal(s[2].stats_s, 5);
	assert_true(s[3].pre && s[3].post && s[3].loc_rib);
	assert_int_equal(s[3].stats_s, 60);
	assert_string_equal(m->mrt, "/var/lib/spean/mrt");
	assert_int_equal(m->table_s, 0);
	assert_int_equal(m->updates_s, 300);
	conf_free(c);
	c = must_parse(EXCHANGE "monitoring { }");
	assert_true(c->monitoring.present);
	assert_int_equal(c->monitoring.table_s, 7200);
	conf_free(c);
}

static void caches_arrive(void **state)
{
	struct conf *c = must_parse(EXCHANGE
	    "policy { rov mark; }\n"
	    "rpki { cache 127.0.0.1:3323, \"[::1]:3324\", ::2 {\n"
	    "	port 4000; expire 5s; refresh 3s; retry 2s; preference 7; }\n"
	    "cache 10.0.0.1; cache 10.0.0.2 { tls rpki.example.net;\n"
	    "	ca \"/etc/ssl/my ca.pem\"; certificate c.pem; key k.pem; }\n"
	    "}\n");
	const struct conf_cache *k = c->rpki.cache;

	(void)state;
	assert_true(c->rpki.present);
	assert_int_equal(c->rpki.n_cache, 5);
	assert_int_equal(k[0].port, 3323);
	assert_int_equal(k[1].port, 3324);
	assert_int_equal(k[1].addr.family, FAMILY_IPV6);
	assert_int_equal(k[2].port, 4000);
	assert_int_equal(k[2].expire_s, 5);
	assert_int_equal(k[2].refresh_s, 3);
	assert_int_equal(k[2].retry_s, 2);
	assert_int_equal(k[0].preference, 7);
	assert_string_equal(k[0].tls, "");
	assert_int_equal(k[3].port, 323);
	assert_int_equal(k[3].preference, 4);
	assert_int_equal(k[3].expire_s, 0);
	assert_int_equal(k[4].port, 324);
	assert_int_equal(k[4].preference, 5);
	assert_string_equal(k[4].tls, "rpki.example.net");
	assert_string_equal(k[4].ca, "/etc/ssl/my ca.pem");
	assert_string_equal(k[4].certificate, "c.pem");
	assert_string_equal(k[4].key, "k.pem");
	assert_int_equal(c->policy.rov, CONF_VALIDATE_MARK);
	assert_int_equal(c->policy.aspa, CONF_VALIDATE_REJECT);
	conf_free(c);
	c = must_parse(EXCHANGE "policy { preset open; aspa reject; }");
	assert_int_equal(c->policy.rov, CONF_VALIDATE_OFF);
	assert_int_equal(c->policy.aspa, CONF_VALIDATE_REJECT);
	conf_free(c);
}

static void no_policy_is_no_policy(void **state)
{
	struct conf *c = must_parse(EXCHANGE);

	(void)state;
	assert_non_null(c);
	assert_false(c->policy.present);
	conf_free(c);
}

static void send_hold_follows_hold(void **state)
{
	static const struct {
		const char *hold;
		unsigned send_hold_s;
	} v[] = {
	    {"hold 90;", 480},
	    {"hold 300;", 600},
	    {"hold off;", 480},
	    {"hold 65535;", 65535},
	    {"hold 90; send-hold off;", 0},
	    {"hold 90; send-hold 91;", 91},
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		char text[256];
		struct conf *c;

		snprintf(text, sizeof text,
		    "exchange X { asn 1; router-id 1.1.1.1; listen ::1; %s }",
		    v[i].hold);
		c = must_parse(text);
		assert_non_null(c);
		assert_int_equal(c->exchange.send_hold_s, v[i].send_hold_s);
		conf_free(c);
	}
}

static void a_session_is_found_by_its_address(void **state)
{
	struct conf *c = must_parse(whole);
	struct ip known = ip("192.0.2.11");
	struct ip other = ip("192.0.2.99");
	const struct conf_at *at = NULL;

	(void)state;
	assert_non_null(c);
	const struct conf_member *m = conf_find(c, &known, &at);
	assert_non_null(m);
	assert_int_equal(m->asn, 64501);
	assert_true(ip_eq(&at->addr, &known));
	assert_null(conf_find(c, &other, &at));
	assert_int_equal(c->n_at, 4);
	conf_free(c);
}

/* A mark at its start, CRLF, no blank and no newline at its end. */
static void layout_does_not_matter(void **state)
{
	struct conf *c = must_parse(
	    "\xef\xbb\xbf"
	    "exchange\r\n\"\xe1\x9e\x9f\"{asn 1;;router-id"
	    "\t1.1.1.1;listen ::1;}# end \xff\r\nmember A{asn 2;at ::2{};}");

	(void)state;
	assert_non_null(c);
	assert_string_equal(c->exchange.name, "\xe1\x9e\x9f");
	assert_int_equal(c->n_member, 1);
	conf_free(c);
}

static void the_example_is_good(void **state)
{
	static char text[16384];
	FILE *f = fopen(EXAMPLES "/exchange.conf", "r");
	struct conf *c;
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = 0;
	c = must_parse(text);
	assert_non_null(c);
	assert_int_equal(c->n_member, 4);
	conf_free(c);
}

/* The text as roles get it that need no password. */
static void secrets_can_be_hidden(void **state)
{
	static const char *const values[] = {
	    "\"x\"", "\"a \\\" b\"", "\"password\""};
	struct conf_change *changes = NULL;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char text[sizeof whole];
		char before[sizeof whole];

		memcpy(text, whole, sizeof text);
		if (i < 3)
			(void)snprintf(text, sizeof text,
			    EXCHANGE "member password { asn 64501; "
				     "at 192.0.2.11 { gtsm on; password %s; "
				     "passive on; } }",
			    values[i]);
		memcpy(before, text, sizeof text);
		conf_hide_secrets(text, strlen(text));
		assert_int_equal(strlen(text), strlen(before));
		if (i < 3)
			assert_null(strstr(text, values[i]));
		assert_null(strstr(text, "s3cret"));
		struct conf *a = must_parse(before);
		struct conf *b = must_parse(text);
		assert_non_null(a);
		assert_non_null(b);
		assert_int_equal(conf_diff(a, b, &changes, &n), 0);
		assert_in_range(n, 1, 2);
		for (size_t k = 0; k < n; k++)
			assert_non_null(
			    strstr(changes[k].detail, "password changed"));
		free(changes);
		conf_free(a);
		conf_free(b);
	}
}

static void a_registry_to_ask(void **state)
{
	struct conf *c =
	    must_parse(EXCHANGE "registry { server irr.example.net:4343; "
				"sources \"RIPE,ARIN\"; refresh 1h; "
				"more-specifics on; }");
	const struct conf_registry *r = &c->registry;

	(void)state;
	assert_true(r->present);
	assert_string_equal(r->bgpq4, "/usr/bin/bgpq4");
	assert_string_equal(r->server, "irr.example.net:4343");
	assert_string_equal(r->sources, "RIPE,ARIN");
	assert_string_equal(r->files, "");
	assert_int_equal(r->refresh_s, 3600);
	assert_int_equal(r->timeout_s, 300);
	assert_true(r->more_specifics);
	conf_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_directive_arrives),
	    cmocka_unit_test(every_member_directive_arrives),
	    cmocka_unit_test(defaults_are_those_of_the_manual),
	    cmocka_unit_test(caches_arrive),
	    cmocka_unit_test(stations_arrive),
	    cmocka_unit_test(no_policy_is_no_policy),
	    cmocka_unit_test(send_hold_follows_hold),
	    cmocka_unit_test(a_session_is_found_by_its_address),
	    cmocka_unit_test(layout_does_not_matter),
	    cmocka_unit_test(the_example_is_good),
	    cmocka_unit_test(a_registry_to_ask),
	    cmocka_unit_test(secrets_can_be_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

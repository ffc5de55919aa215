/*
 * Messages that real routers sent, out of captures (tests/data/bgp): what we
 * make of each, as one line of text.
 */
#include "check.h"

#include "base/attr.h"
#include "bgp/attrs.h"
#include "bgp/bgp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *folder;

struct text {
	char buf[16384];
	size_t n;
};

static void add(struct text *t, const char *fmt, ...) ATTR_PRINTF(2, 3);

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(t->buf + t->n, sizeof t->buf - t->n, fmt, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof t->buf - t->n);
	t->n += (size_t)n;
}

static void add_run(struct text *t, const char *what, struct bgp_nlri run)
{
	struct bgp_prefix p;
	char buf[PREFIX_TEXT];

	if (run.wire.n)
		add(t, " %s", what);
	while (bgp_nlri_next(&run, &p)) {
		add(t, " %s", prefix_format(&p.prefix, buf));
		if (run.add_path)
			add(t, "#%u", p.path_id);
	}
}

static void add_attrs(struct text *t, const struct bgp_attrs *a)
{
	struct rd path = rd_from(a->as_path.p, a->as_path.n);
	struct rd large = rd_from(a->large.p, a->large.n);

	add(t, " path");
	while (rd_left(&path)) {
		uint8_t type = rd_u8(&path);
		unsigned n = rd_u8(&path);

		if (type != BGP_AS_SEQUENCE)
			add(t, " set");
		while (n--)
			add(t, " %u", rd_u32(&path));
	}
	while (rd_left(&large)) {
		uint32_t global = rd_u32(&large);
		uint32_t local = rd_u32(&large);

		add(t, " %u:%u:%u", global, local, rd_u32(&large));
	}
}

static void add_update(
    struct text *t, struct rd body, const struct bgp_rules *rules)
{
	static const char *const harms[] = {
	    "fine", "discard", "withdraw", "reset"};
	struct arena a;
	struct bgp_update u;

	arena_init(&a, 1u << 20);
	bgp_update_parse(body, rules, &a, &u);
	add(t, "UPDATE %s", harms[u.harm]);
	if (u.fault)
		add(t, " %s %u", bgp_fault_word(u.fault), u.fault_attr);
	if (u.end_of_rib)
		add(t, " end of %s", family_name(u.end_of_rib_family));
	for (int i = 0; i < 2 && u.harm < BGP_RESET; i++) {
		add_run(t, "withdrawn", u.withdrawn[i]);
		add_run(t, "reach", u.reach[i]);
	}
	if (u.harm < BGP_WITHDRAW && (u.reach[0].wire.n || u.reach[1].wire.n))
		add_attrs(t, &u.attrs);
	add(t, "\n");
	arena_done(&a);
}

static void add_open(struct text *t, struct rd body)
{
	struct bgp_open o;
	struct bgp_notify no;
	char words[256];

	if (bgp_open_parse(body, &o, &no)) {
		add(t, "bad %s\n", bgp_notify_format(&no, words, sizeof words));
		return;
	}
	add(t, "OPEN %u hold %u families %x%s%s%s%s%s add-path %x/%x\n", o.asn,
	    o.hold_s, o.families, o.as4 ? " as4" : "",
	    o.refresh ? " refresh" : "", o.gr ? " gr" : "",
	    o.gr_notify ? " notify" : "", o.extended ? " extended" : "",
	    o.add_path_rx, o.add_path_tx);
}

static void add_message(struct text *t, enum bgp_type type, struct rd body,
    const struct bgp_rules *rules)
{
	struct bgp_notify no;
	struct bgp_refresh r;
	char words[512];

	switch (type) {
	case BGP_OPEN:
		add_open(t, body);
		break;
	case BGP_UPDATE:
		add_update(t, body, rules);
		break;
	case BGP_NOTIFICATION:
		bgp_notify_parse(body, &no);
		add(t, "NOTIFICATION %s\n",
		    bgp_notify_format(&no, words, sizeof words));
		break;
	case BGP_ROUTE_REFRESH:
		if (bgp_refresh_parse(body, &r, &no))
			add(t, "bad REFRESH\n");
		else
			add(t, "REFRESH family %u subtype %u\n", r.family,
			    r.subtype);
		break;
	case BGP_KEEPALIVE:
		break; /* too many, and all the same */
	}
}

/* Every message whose bytes lie together, wherever in the file. */
static void read_capture(
    struct text *t, const char *name, const struct bgp_rules *rules)
{
	static const uint8_t marker[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static uint8_t file[65536];
	char path[1024];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(file, 1, sizeof file, f);
	fclose(f);
	struct rd r = rd_from(file, n);
	while (rd_left(&r) >= BGP_HEADER) {
		enum bgp_type type;
		struct bgp_notify no;

		if (memcmp(r.p, marker, sizeof marker) != 0) {
			rd_skip(&r, 1);
			continue;
		}
		size_t len = bgp_header(r.p, BGP_MAX, &type, &no);
		if (!len || len > rd_left(&r)) {
			rd_skip(&r, 1);
			continue;
		}
		uint8_t *exact = malloc(len); /* ASan guards the end */
		memcpy(exact, r.p, len);
		add_message(t, type,
		    rd_from(exact + BGP_HEADER, len - BGP_HEADER), rules);
		free(exact);
		rd_skip(&r, len);
	}
}

static void expect(const char *name, bool as4, const char *want)
{
	struct bgp_rules rules = {.families = 3, .as4 = as4};
	static struct text t;

	t.n = 0;
	t.buf[0] = 0;
	read_capture(&t, name, &rules);
	assert_string_equal(t.buf, want);
}

static void four_byte_asns(void **state)
{
	(void)state;
	expect("tcpdump-bgp-4byte-asn.pcap", false,
	    "OPEN 2764334674 hold 180 families 1 as4 refresh gr notify "
	    "add-path 1/0\n"
	    "OPEN 200 hold 180 families 1 add-path 1/0\n"
	    "UPDATE fine reach 4.4.4.4/32 5.5.5.5/32 1.1.1.1/32 2.2.2.2/32 "
	    "3.3.3.3/32 path 200 1 222222 333333 4294967290\n"
	    "OPEN 2764334674 hold 180 families 1 as4 refresh gr notify "
	    "add-path 1/0\n"
	    "OPEN 300 hold 180 families 1 as4 add-path 1/0\n"
	    "UPDATE withdraw as_path 2 reach 1.1.1.1/32 2.2.2.2/32 3.3.3.3/32 "
	    "4.4.4.4/32 5.5.5.5/32\n"
	    "OPEN 2764334674 hold 180 families 1 as4 refresh gr notify "
	    "add-path 1/0\n"
	    "OPEN 400 hold 180 families 1 add-path 1/0\n"
	    "UPDATE fine reach 1.1.1.1/32 2.2.2.2/32 3.3.3.3/32 4.4.4.4/32 "
	    "5.5.5.5/32 path 2764334674 200 1 222222 333333 4294967290\n"
	    "UPDATE fine withdrawn 5.5.5.5/32 1.1.1.1/32 2.2.2.2/32 3.3.3.3/32 "
	    "4.4.4.4/32\n"
	    "UPDATE fine withdrawn 4.4.4.4/32 5.5.5.5/32 1.1.1.1/32 2.2.2.2/32 "
	    "3.3.3.3/32\n"
	    "UPDATE fine withdrawn 4.4.4.4/32 5.5.5.5/32 1.1.1.1/32 2.2.2.2/32 "
	    "3.3.3.3/32\n"
	    "OPEN 1 hold 180 families 1 as4 add-path 1/0\n"
	    "OPEN 2764334674 hold 180 families 1 as4 refresh gr notify "
	    "add-path 1/0\n"
	    "UPDATE withdraw as_path 2 reach 1.1.1.1/32 2.2.2.2/32 3.3.3.3/32 "
	    "4.4.4.4/32 5.5.5.5/32\n"
	    "UPDATE withdraw as_path 2 reach 4.4.4.4/32 5.5.5.5/32 1.1.1.1/32 "
	    "2.2.2.2/32 3.3.3.3/32\n"
	    "UPDATE fine reach 4.4.4.4/32 5.5.5.5/32 1.1.1.1/32 2.2.2.2/32 "
	    "3.3.3.3/32 path 2764334674 1\n"
	    "UPDATE fine reach 4.4.4.4/32 5.5.5.5/32 1.1.1.1/32 2.2.2.2/32 "
	    "3.3.3.3/32 path 2764334674 1\n"
	    "NOTIFICATION Cease: Other Configuration Change\n");
}

static void four_byte_asns_both_sides(void **state)
{
	(void)state;
	expect("tcpdump-bgp-4byte-asn.pcap", true,
	    "OPEN 2764334674 hold 180 families 1 as4 refresh gr notify "
	    "add-path 1/0\n"
	    "OPEN 200 hold 180 families 1 add-path 1/0\n"
	    "UPDATE withdraw as_path 2 reach 4.4.4.4/32 5.5.5.5/32 1.1.1.1/32 "
	    "2.2.2.2/32 3.3.3.3/32\n"
	    "OPEN 2764334674 hold 180 families 1 as4 refresh gr notify "
	    "add-path 1/0\n"
	    "OPEN 300 hold 180 families 1 as4 add-path 1/0\n"
	    "UPDATE fine reach 1.1.1.1/32 2.2.2.2/32 3.3.3.3/32 4.4.4.4/32 "
	    "5.5.5.5/32 path 2764334674 200 1 222222 333333 4294967290\n"
	    "OPEN 2764334674 hold 180 families 1 as4 refresh gr notify "
	    "add-path 1/0\n"
	    "OPEN 400 hold 180 families 1 add-path 1/0\n"
	    "UPDATE withdraw as_path 2 reach 1.1.1.1/32 2.2.2.2/32 3.3.3.3/32 "
	    "4.4.4.4/32 5.5.5.5/32\n"
	    "UPDATE fine withdrawn 5.5.5.5/32 1.1.1.1/32 2.2.2.2/32 3.3.3.3/32 "
	    "4.4.4.4/32\n"
	    "UPDATE fine withdrawn 4.4.4.4/32 5.5.5.5/32 1.1.1.1/32 2.2.2.2/32 "
	    "3.3.3.3/32\n"
	    "UPDATE fine withdrawn 4.4.4.4/32 5.5.5.5/32 1.1.1.1/32 2.2.2.2/32 "
	    "3.3.3.3/32\n"
	    "OPEN 1 hold 180 families 1 as4 add-path 1/0\n"
	    "OPEN 2764334674 hold 180 families 1 as4 refresh gr notify "
	    "add-path 1/0\n"
	    "UPDATE fine reach 1.1.1.1/32 2.2.2.2/32 3.3.3.3/32 4.4.4.4/32 "
	    "5.5.5.5/32 path 1\n"
	    "UPDATE fine reach 4.4.4.4/32 5.5.5.5/32 1.1.1.1/32 2.2.2.2/32 "
	    "3.3.3.3/32 path 2764334674 1\n"
	    "UPDATE withdraw as_path 2 reach 4.4.4.4/32 5.5.5.5/32 1.1.1.1/32 "
	    "2.2.2.2/32 3.3.3.3/32\n"
	    "UPDATE withdraw as_path 2 reach 4.4.4.4/32 5.5.5.5/32 1.1.1.1/32 "
	    "2.2.2.2/32 3.3.3.3/32\n"
	    "NOTIFICATION Cease: Other Configuration Change\n");
}

static void hard_reset(void **state)
{
	(void)state;
	expect("tcpdump-bgp-cease-hard-reset.pcap", true,
	    "OPEN 100 hold 3600 families 1 refresh gr notify add-path 0/0\n"
	    "OPEN 100 hold 3600 families 3 as4 refresh gr notify add-path 3/0\n"
	    "NOTIFICATION Cease: Hard Reset, Cease: Peer De-configured\n");
}

static void enhanced_refresh(void **state)
{
	(void)state;
	expect("tcpdump-bgp-enhanced-route-refresh-subtype.pcapng", true,
	    "REFRESH family 0 subtype 0\n"
	    "REFRESH family 0 subtype 1\n"
	    "UPDATE fine reach 10.0.0.0/24 192.168.3.0/24 192.168.2.0/24 "
	    "192.168.1.0/24 172.16.16.3/32 172.16.16.2/32 172.16.16.1/32 path "
	    "174 65001\n"
	    "UPDATE fine reach 10.0.2.0/24 path 174\n"
	    "UPDATE fine reach 192.168.0.0/24 path 174\n"
	    "UPDATE fine reach 192.168.10.0/24 path 174\n"
	    "UPDATE fine reach 192.168.100.1/32 192.168.100.2/32 path 174\n"
	    "REFRESH family 0 subtype 2\n");
}

static void long_parameters(void **state)
{
	(void)state;
	expect("tcpdump-bgp-extended-optional-parameters-length.pcapng", true,
	    "OPEN 174 hold 180 families 3 as4 refresh gr extended add-path "
	    "3/0\n");
}

static void large_communities(void **state)
{
	(void)state;
	expect("tcpdump-bgp-large-community.pcap", true,
	    "UPDATE fine reach 203.0.113.16/32 path 65536 65535:1:1 "
	    "4294967295:4294967295:4294967295\n"
	    "UPDATE fine reach 203.0.113.12/32 path 65536 65536:1:1 65536:1:2\n"
	    "UPDATE fine reach 203.0.113.11/32 path 65536 65536:1:1\n"
	    "UPDATE fine reach 203.0.113.15/32 path 65536 65536:0:1 65536:1:0\n"
	    "UPDATE fine reach 203.0.113.13/32 path 65536 65536:1:1 65536:1:2 "
	    "65536:1:3\n");
}

static void shutdown_texts(void **state)
{
	(void)state;
	expect("tcpdump-bgp-shutdown-msg-variations.pcap", true,
	    "NOTIFICATION Cease: Administrative Reset, \"0123456789\"\n"
	    "NOTIFICATION Cease: Administrative Reset\n"
	    "NOTIFICATION Cease: Administrative Reset, \"0123456789\"\n");
}

static void vpn_attribute_set(void **state)
{
	(void)state;
	expect("tcpdump-bgp_vpn_attrset.pcap", true,
	    "UPDATE discard unwanted 5\n");
}

static void a_small_session(void **state)
{
	(void)state;
	expect("pcpp-BgpPackets.pcap", true,
	    "OPEN 64512 hold 180 families 1 as4 refresh add-path 1/1\n"
	    "REFRESH family 0 subtype 1\n"
	    "UPDATE fine reach 104.104.40.0/24 path 10 20 40\n"
	    "UPDATE fine reach 40.1.1.0/24 40.40.40.0/24 103.103.0.0/16 "
	    "103.103.40.0/24 path 10 20 40\n"
	    "UPDATE fine reach 20.100.100.20/32 path 10 20\n"
	    "UPDATE fine end of ipv4\n"
	    "UPDATE fine withdrawn 40.1.1.0/24 40.40.40.0/24 103.103.0.0/16 "
	    "103.103.40.0/24\n"
	    "UPDATE fine withdrawn 104.104.40.0/24\n"
	    "OPEN 1 hold 180 families 1 as4 refresh add-path 0/0\n"
	    "NOTIFICATION Cease: Administrative Reset\n"
	    "NOTIFICATION Cease: Administrative Shutdown, \"NTT will perform "
	    "maintenance on this router. This is tracked in TICKET-1-24824294. "
	    "Contact noc@ntt.net for more information.\"\n");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(four_byte_asns),
	    cmocka_unit_test(four_byte_asns_both_sides),
	    cmocka_unit_test(hard_reset),
	    cmocka_unit_test(enhanced_refresh),
	    cmocka_unit_test(long_parameters),
	    cmocka_unit_test(large_communities),
	    cmocka_unit_test(shutdown_texts),
	    cmocka_unit_test(vpn_attribute_set),
	    cmocka_unit_test(a_small_session),
	};

	if (argc != 2)
		return 2;
	folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}

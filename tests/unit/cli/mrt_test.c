#include "check.h"

#include "cli/mrt/mrt.h"
#include "mrt_file.h"

#include <bzlib.h>
#include <errno.h>
#include <lzma.h>
#include <zlib.h>

struct seen {
	unsigned records;
	unsigned kind[MRT_DAMAGED + 1];
	unsigned routes[3]; /* by enum mrt_route_kind */
	unsigned damaged;
	int end;
	char error[MRT_ERROR];
};

static struct seen read_path(const char *path)
{
	struct seen s = {0};
	struct mrt *m;
	struct mrt_record rec;

	s.end = mrt_open(path, &m, s.error);
	if (s.end)
		return s;
	while ((s.end = mrt_next(m, &rec)) == 1) {
		struct mrt_walk w = mrt_walk(&rec);
		struct mrt_route r;

		s.records++;
		s.kind[rec.kind]++;
		if (rec.kind != MRT_RIB && rec.kind != MRT_UPDATE)
			continue;
		while (mrt_walk_next(&w, &r))
			s.routes[r.kind]++;
		s.damaged += w.damaged;
	}
	(void)snprintf(s.error, sizeof s.error, "%s", mrt_error(m));
	mrt_close(m);
	return s;
}

static struct seen read_bytes(const void *p, size_t n)
{
	struct mem_file f = mem_file(p, n);
	struct seen s = read_path(f.path);

	close(f.fd);
	return s;
}

/* A table and updates, of all the types that the tests speak of. */
static size_t everything(uint8_t *buf, size_t cap)
{
	struct wr w = wr_from(buf, cap);

	write_peers(&w);
	write_rib(&w, 113);
	write_rib(&w, 114);
	write_update(&w, 1001, 1);
	write_update(&w, 1002, 4);
	write_update(&w, 1003, 0x104);
	assert_true(wr_ok(&w));
	return wr_len(&w);
}

static void the_routes_of_each_type_are_found(void **state)
{
	static uint8_t buf[4096];
	struct seen s = read_bytes(buf, everything(buf, sizeof buf));

	(void)state;
	assert_int_equal(s.end, 0);
	assert_int_equal(s.records, 6);
	assert_int_equal(s.kind[MRT_PEERS], 1);
	assert_int_equal(s.kind[MRT_RIB], 2);
	assert_int_equal(s.kind[MRT_UPDATE], 3);
	assert_int_equal(s.routes[MRT_ROUTE_PATH], 4);
	assert_int_equal(s.routes[MRT_ROUTE_ANNOUNCED], 3);
	assert_int_equal(s.routes[MRT_ROUTE_WITHDRAWN], 3);
	assert_int_equal(s.damaged, 0);
}

static void a_table_names_its_peers(void **state)
{
	static uint8_t buf[4096];
	struct mem_file f = mem_file(buf, everything(buf, sizeof buf));
	struct mrt_record rec;
	struct mrt_route r;
	struct mrt *m;
	char text[IP_TEXT], prefix[PREFIX_TEXT], error[MRT_ERROR];

	(void)state;
	assert_int_equal(mrt_open(f.path, &m, error), 0);
	assert_int_equal(mrt_next(m, &rec), 1);
	assert_int_equal(mrt_peers(m), 2);
	assert_int_equal(mrt_peer(m, 0)->asn, 65001);
	assert_string_equal(
	    ip_format(&mrt_peer(m, 1)->addr, text), "2001:db8::2");
	assert_null(mrt_peer(m, 2));
	assert_int_equal(mrt_next(m, &rec), 1);
	struct mrt_walk w = mrt_walk(&rec);
	assert_true(mrt_walk_next(&w, &r));
	assert_int_equal(r.peer, 1);
	assert_true(r.as4 && r.usable && !r.has_path_id);
	assert_string_equal(prefix_format(&r.prefix, prefix), "203.0.113.0/24");
	assert_int_equal(rd_left(&r.attrs), sizeof mrt_attrs4);
	assert_true(mrt_walk_next(&w, &r));
	assert_int_equal(r.peer, 0);
	assert_false(mrt_walk_next(&w, &r));
	mrt_close(m);
	close(f.fd);
}

static void microseconds_are_read(void **state)
{
	uint8_t buf[512];
	struct wr w = wr_from(buf, sizeof buf);
	struct mrt_record rec;
	struct mrt *m;
	char error[MRT_ERROR];

	(void)state;
	write_update(&w, 1003, 0x104);
	struct mem_file f = mem_file(buf, wr_len(&w));
	assert_int_equal(mrt_open(f.path, &m, error), 0);
	assert_int_equal(mrt_next(m, &rec), 1);
	assert_int_equal(rec.time_s, 1003);
	assert_int_equal(rec.time_us, 250000);
	assert_int_equal(mrt_peer(m, rec.peer)->asn, 65001);
	mrt_close(m);
	close(f.fd);
}

/* Path ids: RFC 8050's RIB_IPV4_UNICAST_ADDPATH. */
static void path_ids_are_read(void **state)
{
	uint8_t buf[512];
	struct wr w = wr_from(buf, sizeof buf);
	uint8_t *len = record_open(&w, 1, 13, 8);
	struct mrt_record rec;
	struct mrt_route r;
	struct mrt *m;
	char error[MRT_ERROR];

	(void)state;
	wr_u32(&w, 0);
	wr_u8(&w, 8);
	wr_u8(&w, 10);
	wr_u16(&w, 1);
	wr_u16(&w, 3);
	wr_u32(&w, 0);
	wr_u32(&w, 77);
	wr_u16(&w, 0);
	record_close(&w, len);
	struct mem_file f = mem_file(buf, wr_len(&w));
	assert_int_equal(mrt_open(f.path, &m, error), 0);
	assert_int_equal(mrt_next(m, &rec), 1);
	assert_int_equal(rec.kind, MRT_RIB);
	struct mrt_walk walk = mrt_walk(&rec);
	assert_true(mrt_walk_next(&walk, &r));
	assert_true(r.has_path_id);
	assert_int_equal(r.path_id, 77);
	assert_int_equal(r.peer, 3);
	mrt_close(m);
	close(f.fd);
}

static void what_is_not_read_is_counted(void **state)
{
	uint8_t buf[512];
	struct wr w = wr_from(buf, sizeof buf);

	(void)state;
	record_close(&w, record_open(&w, 1, 13, 6));  /* RIB_GENERIC */
	record_close(&w, record_open(&w, 1, 11, 0));  /* OSPF */
	record_close(&w, record_open(&w, 1, 16, 99)); /* no such subtype */
	struct seen s = read_bytes(buf, wr_len(&w));
	assert_int_equal(s.end, 0);
	assert_int_equal(s.kind[MRT_SKIPPED], 3);
}

static void lengths_that_contradict_are_damage(void **state)
{
	uint8_t buf[512];
	struct wr w = wr_from(buf, sizeof buf);
	uint8_t *len = record_open(&w, 1, 13, 2);

	(void)state;
	wr_u32(&w, 0);
	wr_u8(&w, 33); /* no IPv4 prefix is as long */
	wr_u32(&w, 0);
	wr_u8(&w, 0);
	wr_u16(&w, 0);
	record_close(&w, len);
	len = record_open(&w, 1, 16, 1);
	wr_u16(&w, 65001); /* and then nothing */
	record_close(&w, len);
	write_rib(&w, 1);
	struct seen s = read_bytes(buf, wr_len(&w));
	assert_int_equal(s.end, 0);
	assert_int_equal(s.kind[MRT_DAMAGED], 2);
	assert_int_equal(s.routes[MRT_ROUTE_PATH], 2);
}

static void every_truncation_keeps_what_was_whole(void **state)
{
	static uint8_t buf[4096];
	size_t n = everything(buf, sizeof buf), whole = 0;
	struct rd r = rd_from(buf, n);

	(void)state;
	/* Ends of records, to know how many are whole in n bytes. */
	size_t ends[16] = {0};
	for (unsigned i = 0; rd_left(&r); i++) {
		rd_skip(&r, 8);
		rd_skip(&r, rd_u32(&r));
		ends[i] = n - rd_left(&r);
	}
	for (size_t cut = 0; cut < n; cut++) {
		struct seen s = read_bytes(buf, cut);

		if (ends[whole] && cut == ends[whole])
			whole++;
		assert_int_equal(s.records, whole);
		if (cut == 0 || (whole && cut == ends[whole - 1])) {
			assert_int_equal(s.end, 0);
			continue;
		}
		assert_int_equal(s.end, -ENODATA);
		assert_non_null(strstr(s.error, "cut short in record"));
		assert_non_null(strstr(s.error, "is kept"));
	}
}

/* A record of 16 MB or more is no record. */
static void a_length_beyond_reason_ends_the_reading(void **state)
{
	static const uint8_t header[12] = {
	    0, 0, 0, 1, 0, 13, 0, 2, 0xff, 0xff, 0xff, 0xff};
	struct seen s = read_bytes(header, sizeof header);

	(void)state;
	assert_int_equal(s.end, -EBADMSG);
	assert_non_null(strstr(s.error, "no MRT"));
}

/* ---- packings ---------------------------------------------------------- */

static size_t gzip(uint8_t *out, size_t cap, const uint8_t *in, size_t n)
{
	z_stream z = {0};

	assert_int_equal(
	    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
	    Z_OK);
	static uint8_t copy[8192];
	memcpy(copy, in, n);
	z.next_in = copy;
	z.avail_in = (unsigned)n;
	z.next_out = out;
	z.avail_out = (unsigned)cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size_t made = cap - z.avail_out;
	(void)deflateEnd(&z);
	return made;
}

static size_t bzip2(uint8_t *out, size_t cap, uint8_t *in, size_t n)
{
	unsigned made = (unsigned)cap;

	assert_int_equal(BZ2_bzBuffToBuffCompress((char *)out, &made,
			     (char *)in, (unsigned)n, 1, 0, 0),
	    BZ_OK);
	return made;
}

static size_t xz(uint8_t *out, size_t cap, const uint8_t *in, size_t n)
{
	size_t made = 0;

	assert_int_equal(lzma_easy_buffer_encode(
			     1, LZMA_CHECK_CRC32, NULL, in, n, out, &made, cap),
	    LZMA_OK);
	return made;
}

static void packed_files_read_the_same(void **state)
{
	static uint8_t plain[4096], packed[8192];
	size_t n = everything(plain, sizeof plain);

	(void)state;
	for (unsigned how = 0; how < 3; how++) {
		size_t made = 0;
		/* Two members, cut inside a record. */
		for (unsigned part = 0; part < 2; part++) {
			uint8_t *from = plain + (part ? n / 2 : 0);
			size_t len = part ? n - n / 2 : n / 2;
			uint8_t *to = packed + made;
			size_t left = sizeof packed - made;

			made += how == 0   ? gzip(to, left, from, len)
				: how == 1 ? bzip2(to, left, from, len)
					   : xz(to, left, from, len);
		}
		struct seen s = read_bytes(packed, made);
		assert_int_equal(s.end, 0);
		assert_int_equal(s.records, 6);
		assert_int_equal(s.routes[MRT_ROUTE_PATH], 4);
	}
}

static void a_packed_file_cut_short_is_told(void **state)
{
	static uint8_t plain[4096], packed[8192];
	size_t n = everything(plain, sizeof plain);

	(void)state;
	for (unsigned how = 0; how < 3; how++) {
		size_t made = how == 0 ? gzip(packed, sizeof packed, plain, n)
			      : how == 1
				  ? bzip2(packed, sizeof packed, plain, n)
				  : xz(packed, sizeof packed, plain, n);

		for (size_t cut = 16; cut < made; cut++) {
			struct seen s = read_bytes(packed, cut);

			assert_int_equal(s.end, -ENODATA);
			assert_non_null(strstr(s.error, "cut short"));
		}
		packed[made / 2] ^= 0xff;
		struct seen s = read_bytes(packed, made);
		assert_true(s.end < 0);
	}
}

/* ---- text -------------------------------------------------------------- */

static void lists_of_prefixes_are_read(void **state)
{
	static const char text[] = "; a comment\n"
				   "# another\n"
				   "\n"
				   "1.0.0.0/24\t15169\n"
				   "2001:db8::/32 AS65001\r\n"
				   "10.1.2.3/8,1.10\n"
				   "nonsense\n"
				   "1.0.4.0/22 56203"; /* no end of line */
	struct seen s = read_bytes(text, sizeof text - 1);

	(void)state;
	assert_int_equal(s.end, 0);
	assert_int_equal(s.routes[MRT_ROUTE_PATH], 4);
	assert_int_equal(s.kind[MRT_DAMAGED], 1);
}

static void lines_of_bgpdump_are_read(void **state)
{
	static const char text[] =
	    "TABLE_DUMP2|1|B|192.0.2.1|65001|203.0.113.0/24|65001 65002 "
	    "{65003,65004}|IGP|192.0.2.1|0|5|65001:1 no-export|NAG||\n"
	    "BGP4MP|2|A|192.0.2.1|65001|2001:db8::/32|65001|EGP|::1|0|0||AG|"
	    "65001 192.0.2.9|\n"
	    "BGP4MP|3|W|192.0.2.1|65001|203.0.113.0/24\n"
	    "BGP4MP|4|W|192.0.2.1|65001|2001:db8::/32\n"
	    "BGP4MP|5|STATE|192.0.2.2|65002|6|1\n";
	struct seen s = read_bytes(text, sizeof text - 1);

	(void)state;
	assert_int_equal(s.end, 0);
	assert_int_equal(s.damaged, 0);
	assert_int_equal(s.routes[MRT_ROUTE_PATH], 1);
	assert_int_equal(s.routes[MRT_ROUTE_ANNOUNCED], 1);
	assert_int_equal(s.routes[MRT_ROUTE_WITHDRAWN], 2);
	assert_int_equal(s.kind[MRT_STATE], 1);
}

static void what_is_neither_is_refused(void **state)
{
	struct seen s = read_path("/nowhere/at/all");
	char *line = malloc(200000);

	(void)state;
	assert_int_equal(s.end, -ENOENT);
	assert_non_null(strstr(s.error, "/nowhere/at/all"));
	s = read_path("/");
	assert_int_equal(s.end, -EISDIR);
	memset(line, 'x', 200000);
	s = read_bytes(line, 200000);
	assert_int_equal(s.end, -EBADMSG);
	assert_non_null(strstr(s.error, "neither MRT nor"));
	s = read_bytes("", 0);
	assert_int_equal(s.end, 0);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_routes_of_each_type_are_found),
	    cmocka_unit_test(a_table_names_its_peers),
	    cmocka_unit_test(microseconds_are_read),
	    cmocka_unit_test(path_ids_are_read),
	    cmocka_unit_test(what_is_not_read_is_counted),
	    cmocka_unit_test(lengths_that_contradict_are_damage),
	    cmocka_unit_test(every_truncation_keeps_what_was_whole),
	    cmocka_unit_test(a_length_beyond_reason_ends_the_reading),
	    cmocka_unit_test(packed_files_read_the_same),
	    cmocka_unit_test(a_packed_file_cut_short_is_told),
	    cmocka_unit_test(lists_of_prefixes_are_read),
	    cmocka_unit_test(lines_of_bgpdump_are_read),
	    cmocka_unit_test(what_is_neither_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

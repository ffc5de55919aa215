#include "check.h"

#include "base/wire.h"

#include <stdlib.h>

static const uint8_t sample[] = {
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void reads_big_endian(void **state)
{
	struct rd r = rd_from(sample, sizeof sample);

	(void)state;
	assert_int_equal(rd_u8(&r), 1);
	assert_int_equal(rd_u16(&r), 0x0203);
	assert_int_equal(rd_u32(&r), 0x04050607);
	assert_int_equal(rd_left(&r), 8);
	assert_true(rd_u64(&r) == 0x08090a0b0c0d0e0fu);
	assert_true(rd_done(&r));
}

static void every_truncation_sticks(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof sample; n++) {
		uint8_t *exact = malloc(n + !n); /* ASan guards the end */
		uint8_t out[8];

		memcpy(exact, sample, n);
		struct rd r = rd_from(exact, n);
		rd_u8(&r);
		rd_u16(&r);
		rd_u32(&r);
		rd_copy(&r, out, sizeof out);
		assert_false(rd_ok(&r));
		assert_false(rd_done(&r));
		/* After the error nothing comes any more. */
		assert_int_equal(rd_u8(&r), 0);
		assert_int_equal(rd_left(&r), 0);
		free(exact);
	}
}

static void missing_bytes_read_as_zero(void **state)
{
	struct rd r = rd_from(sample, 1);
	uint8_t out[4] = {9, 9, 9, 9};

	(void)state;
	rd_copy(&r, out, sizeof out);
	for (size_t i = 0; i < sizeof out; i++)
		assert_int_equal(out[i], 0);
}

static void a_view_stays_inside(void **state)
{
	struct rd r = rd_from(sample, sizeof sample);
	struct rd sub = rd_sub(&r, 3);

	(void)state;
	assert_int_equal(rd_u16(&sub), 0x0102);
	assert_int_equal(rd_u16(&sub), 0);
	assert_false(rd_ok(&sub));
	assert_true(rd_ok(&r));
	assert_int_equal(rd_u8(&r), 4);
	struct rd beyond = rd_sub(&r, 100);
	assert_false(rd_ok(&beyond));
	assert_false(rd_ok(&r));
}

static void an_empty_buffer_is_done(void **state)
{
	struct rd r = rd_from(NULL, 0);

	(void)state;
	assert_true(rd_done(&r));
	assert_int_equal(rd_u8(&r), 0);
	assert_false(rd_ok(&r));
}

static void writes_what_reads_read(void **state)
{
	uint8_t buf[15];
	struct wr w = wr_from(buf, sizeof buf);

	(void)state;
	wr_u8(&w, 1);
	wr_u16(&w, 0x0203);
	wr_u32(&w, 0x04050607);
	wr_bytes(&w, sample + 7, 8);
	assert_true(wr_ok(&w));
	assert_int_equal(wr_left(&w), 0);
	assert_memory_equal(buf, sample, sizeof buf);
	wr_u8(&w, 1);
	assert_false(wr_ok(&w));
	assert_int_equal(wr_len(&w), sizeof buf);
}

static void an_overflow_writes_nothing_more(void **state)
{
	uint8_t buf[4] = {0, 0, 0, 0xee};
	struct wr w = wr_from(buf, 3);

	(void)state;
	wr_u16(&w, 0xffff);
	wr_u32(&w, 0x01010101);
	wr_u8(&w, 7); /* would fit, but the error sticks */
	assert_false(wr_ok(&w));
	assert_int_equal(buf[2], 0);
	assert_int_equal(buf[3], 0xee);
}

static void lengths_are_patched_back(void **state)
{
	uint8_t buf[16];
	struct wr w = wr_from(buf, sizeof buf);

	(void)state;
	uint8_t *outer = wr_len16_open(&w);
	uint8_t *inner = wr_len8_open(&w);
	wr_bytes(&w, "abc", 3);
	wr_len8_close(&w, inner);
	wr_len16_close(&w, outer);
	assert_true(wr_ok(&w));
	assert_memory_equal(buf, "\0\4\3abc", 6);
}

static void a_length_that_does_not_fit_is_an_error(void **state)
{
	static uint8_t buf[70000];
	struct wr w = wr_from(buf, sizeof buf);

	(void)state;
	uint8_t *len = wr_len8_open(&w);
	wr_take(&w, 256);
	wr_len8_close(&w, len);
	assert_false(wr_ok(&w));
	w = wr_from(buf, sizeof buf);
	len = wr_len16_open(&w);
	wr_take(&w, 65536);
	wr_len16_close(&w, len);
	assert_false(wr_ok(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_big_endian),
	    cmocka_unit_test(every_truncation_sticks),
	    cmocka_unit_test(missing_bytes_read_as_zero),
	    cmocka_unit_test(a_view_stays_inside),
	    cmocka_unit_test(an_empty_buffer_is_done),
	    cmocka_unit_test(writes_what_reads_read),
	    cmocka_unit_test(an_overflow_writes_nothing_more),
	    cmocka_unit_test(lengths_are_patched_back),
	    cmocka_unit_test(a_length_that_does_not_fit_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

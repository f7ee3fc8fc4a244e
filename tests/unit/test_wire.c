/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* base/wire.h: bounds, sticky errors, back-patched lengths. */
#include "base/wire.h"

#include "base/addr.h"
#include "tests/lib/test.h"

static void wire_reads_big_endian(void **state)
{
	static const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18 };
	struct rbuf r = rb_init(in, sizeof(in));

	assert_int_equal(rb_u8(&r), 0x01);
	assert_int_equal(rb_u16(&r), 0x0203);
	assert_int_equal(rb_u24(&r), 0x040506);
	assert_int_equal(rb_u32(&r), 0x0708090a);
	assert_true(rb_u64(&r) == 0x0b0c0d0e0f101112u);
	assert_true(rb_done(&r));
}

static void wire_shortage_sticks_and_yields_zeros(void **state)
{
	static const uint8_t in[] = { 0xff, 0xff, 0xff };
	uint8_t dst[4] = { 1, 1, 1, 1 };
	static const uint8_t zero[4];
	struct rbuf r = rb_init(in, sizeof(in));

	assert_int_equal(rb_u32(&r), 0);
	assert_false(rb_ok(&r));
	assert_false(rb_done(&r));
	assert_int_equal(rb_left(&r), 0);
	assert_int_equal(rb_u8(&r), 0);
	assert_null(rb_ptr(&r, 1));
	rb_bytes(&r, dst, 4);
	assert_memory_equal(dst, zero, 4);
}

static void wire_every_prefix_fails_cleanly(void **state)
{
	static const uint8_t in[24] = { 1 };

	for (size_t n = 0; n < sizeof(in); n++) {
		struct rbuf r = rb_init(in, n);

		rb_u8(&r), rb_u16(&r), rb_u24(&r), rb_u32(&r), rb_u64(&r), rb_mac(&r);
		assert_int_equal(rb_done(&r), 0);
		assert_int_equal(rb_left(&r), 0);
	}
}

static void wire_left_over_is_not_done(void **state)
{
	struct rbuf r = rb_init("ab", 2);

	rb_skip(&r, 1);
	assert_true(rb_ok(&r));
	assert_false(rb_done(&r));
}

static void wire_sub_is_bounded_and_advances_parent(void **state)
{
	struct rbuf r = rb_init("\1\2\3\4", 4);
	struct rbuf s = rb_sub(&r, 2);

	assert_int_equal(rb_u16(&s), 0x0102);
	assert_int_equal(rb_u8(&s), 0);
	assert_false(rb_ok(&s));
	assert_true(rb_ok(&r));
	assert_int_equal(rb_u8(&r), 3);
	s = rb_sub(&r, 2);
	assert_false(rb_ok(&s));
	assert_false(rb_ok(&r));
	assert_int_equal(rb_left(&s), 0);
}

static void wire_reads_addresses_of_known_lengths_only(void **state)
{
	static const uint8_t in[16] = { 192, 0, 2, 1 };

	for (size_t n = 0; n <= 17; n++) {
		struct rbuf r = rb_init(in, sizeof(in));
		struct ip a = rb_ip(&r, n);
		bool good = n == 0 || n == 4 || n == 16;

		assert_int_equal(rb_ok(&r), good);
		assert_int_equal(a.len, good ? n : 0);
	}
	{
		struct rbuf r = rb_init(in, 3);

		assert_int_equal(rb_ip(&r, 4).len, 0);
		assert_false(rb_ok(&r));
	}
}

static void wire_writer_mirrors_reader(void **state)
{
	uint8_t out[18];
	static const uint8_t want[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18 };
	struct wbuf w = wb_init(out, sizeof(out));

	wb_u8(&w, 0x01);
	wb_u16(&w, 0x0203);
	wb_u24(&w, 0x040506);
	wb_u32(&w, 0x0708090a);
	wb_u64(&w, 0x0b0c0d0e0f101112u);
	assert_true(wb_ok(&w));
	assert_int_equal(wb_room(&w), 0);
	assert_int_equal(wb_len(&w), sizeof(want));
	assert_memory_equal(out, want, sizeof(want));
}

static void wire_writer_error_sticks_and_writes_nothing(void **state)
{
	uint8_t out[4] = { 9, 9, 9, 9 };
	struct wbuf w = wb_init(out, 3);

	wb_u32(&w, 0);
	assert_false(wb_ok(&w));
	wb_u8(&w, 0);
	assert_int_equal(wb_len(&w), 0);
	assert_int_equal(wb_room(&w), 0);
	assert_int_equal(out[0], 9);
	assert_int_equal(out[3], 9);
}

static void wire_u24_above_range_is_an_error(void **state)
{
	uint8_t out[3];
	struct wbuf w = wb_init(out, sizeof(out));

	wb_u24(&w, 0xffffff);
	assert_true(wb_ok(&w));
	w = wb_init(out, sizeof(out));
	wb_u24(&w, 0x1000000);
	assert_false(wb_ok(&w));
}

static void wire_lengths_are_patched(void **state)
{
	uint8_t out[16];
	struct wbuf w = wb_init(out, sizeof(out));
	size_t outer = wb_open16(&w);
	size_t inner = wb_open8(&w);

	wb_bytes(&w, "abc", 3);
	wb_close8(&w, inner);
	wb_zero(&w, 2);
	wb_close16(&w, outer);
	assert_true(wb_ok(&w));
	assert_int_equal(wb_len(&w), 8);
	assert_memory_equal(out, "\0\6\3abc\0\0", 8);
}

static void wire_length_beyond_field_is_an_error(void **state)
{
	static uint8_t out[UINT16_MAX + 3];
	struct wbuf w = wb_init(out, sizeof(out));
	size_t mark = wb_open8(&w);

	wb_zero(&w, UINT8_MAX);
	wb_close8(&w, mark);
	assert_true(wb_ok(&w));
	assert_int_equal(out[0], UINT8_MAX);
	wb_u8(&w, 0);
	wb_close8(&w, mark);
	assert_false(wb_ok(&w));

	w = wb_init(out, sizeof(out));
	mark = wb_open16(&w);
	wb_zero(&w, UINT16_MAX);
	wb_close16(&w, mark);
	assert_true(wb_ok(&w));
	wb_u8(&w, 0);
	wb_close16(&w, mark);
	assert_false(wb_ok(&w));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(wire_reads_big_endian),
		cmocka_unit_test(wire_shortage_sticks_and_yields_zeros),
		cmocka_unit_test(wire_every_prefix_fails_cleanly),
		cmocka_unit_test(wire_left_over_is_not_done),
		cmocka_unit_test(wire_sub_is_bounded_and_advances_parent),
		cmocka_unit_test(wire_reads_addresses_of_known_lengths_only),
		cmocka_unit_test(wire_writer_mirrors_reader),
		cmocka_unit_test(wire_writer_error_sticks_and_writes_nothing),
		cmocka_unit_test(wire_u24_above_range_is_an_error),
		cmocka_unit_test(wire_lengths_are_patched),
		cmocka_unit_test(wire_length_beyond_field_is_an_error),
	};

	return RUN_TESTS(tests);
}

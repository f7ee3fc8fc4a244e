/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* base/buf.c */
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lib/rng.h"
#include "tests/lib/test.h"

static void buf_prints_across_growth(void **state)
{
	struct buf b;
	char *want = malloc(40001);

	memset(want, 'x', 40000);
	want[40000] = '\0';
	buf_init(&b);
	buf_printf(&b, "%d-%s", 7, "a");
	buf_printf(&b, "%s", want);
	buf_adds(&b, "end");
	assert_int_equal(b.len, 3 + 40000 + 3);
	assert_memory_equal(buf_data(&b), "7-a", 3);
	assert_memory_equal(buf_data(&b) + 3, want, 40000);
	assert_memory_equal(buf_data(&b) + 40003, "end", 3);
	buf_fini(&b);
	free(want);
}

static void buf_prints_any_length(void **state)
{
	for (int n = 0; n < 700; n++) {
		struct buf b;

		buf_init(&b);
		buf_printf(&b, "%*s", n, "");
		buf_printf(&b, "%*sx", n, "");
		assert_int_equal(b.len, 2 * n + 1);
		assert_int_equal(buf_data(&b)[2 * n], 'x');
		buf_fini(&b);
	}
}

static void buf_reset_gives_large_memory_back(void **state)
{
	struct buf b;

	buf_init(&b);
	buf_adds(&b, "small");
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_non_null(b.data);
	buf_reserve(&b, 100000);
	buf_commit(&b, 100000);
	buf_reset(&b);
	assert_null(b.data);
	assert_int_equal(b.cap, 0);
	buf_fini(&b);
}

static void buf_is_a_queue_of_octets(void **state)
{
	struct rng r = rng_start(__func__);
	uint8_t in = 0, out = 0; /* the next octet to add, to expect */
	struct buf b;

	buf_init(&b);
	for (int step = 0; step < 20000; step++) {
		size_t n = rng_below(&r, 300);

		if (rng_below(&r, 2)) {
			char *p = buf_reserve(&b, n);

			for (size_t i = 0; i < n; i++)
				p[i] = (char)in++;
			buf_commit(&b, n);
		} else {
			n = n < b.len ? n : b.len;
			for (size_t i = 0; i < n; i++)
				assert_int_equal((uint8_t)buf_data(&b)[i], out++);
			buf_consume(&b, n);
		}
		assert_int_equal((uint8_t)(in - out), (uint8_t)b.len);
	}
	buf_fini(&b);
}

/* A reader that takes a little at a time does not make the buffer grow. */
static void buf_reuses_what_was_consumed(void **state)
{
	struct buf b;

	buf_init(&b);
	for (int i = 0; i < 100000; i++) {
		buf_adds(&b, "0123456789");
		buf_consume(&b, i ? 10 : 0);
		assert_true(b.cap <= 256);
	}
	assert_memory_equal(buf_data(&b), "0123456789", 10);
	buf_fini(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_prints_across_growth),
		cmocka_unit_test(buf_prints_any_length),
		cmocka_unit_test(buf_reset_gives_large_memory_back),
		cmocka_unit_test(buf_is_a_queue_of_octets),
		cmocka_unit_test(buf_reuses_what_was_consumed),
	};

	return RUN_TESTS(tests);
}

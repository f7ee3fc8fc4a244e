/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* dataplane/rowset: rows in line, in the order of their places, against a plain array. */
#include "dataplane/rowset.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define PLACES 20000u

static uint32_t handle(uint32_t place, uint32_t slab)
{
	return place << 2 | slab;
}

static void rowset_empty_has_nobody(void **state)
{
	struct rowset s = { 0 };

	assert_int_equal(rowset_first(&s), 0);
	assert_int_equal(rowset_next(&s, 0), 0);
	assert_int_equal(rowset_bytes(&s), 0);
	rowset_fini(&s);
}

static void rowset_first_stays_until_it_is_out(void **state)
{
	struct rowset s = { 0 };

	rowset_add(&s, handle(70, 0));
	assert_int_equal(rowset_first(&s), handle(70, 0));
	rowset_add(&s, handle(3, 0));
	rowset_add(&s, handle(4096 * 64, 1));
	rowset_add(&s, handle(1, 2));
	assert_int_equal(rowset_first(&s), handle(70, 0));
	rowset_del(&s, handle(70, 0));
	assert_int_equal(rowset_first(&s), handle(4096 * 64, 1));
	rowset_del(&s, handle(4096 * 64, 1));
	assert_int_equal(rowset_first(&s), handle(1, 2));
	rowset_del(&s, handle(1, 2));
	assert_int_equal(rowset_first(&s), handle(3, 0));
	rowset_fini(&s);
}

/* One that is in again and again has its turn once a round. */
static void rowset_goes_round(void **state)
{
	struct rowset s = { 0 };

	for (uint32_t i = 1; i <= 3; i++)
		rowset_add(&s, handle(i, 0));
	for (uint32_t i = 1; i <= 3; i++) {
		assert_int_equal(rowset_first(&s), handle(i, 0));
		rowset_del(&s, handle(i, 0));
		if (i == 1)
			rowset_add(&s, handle(1, 0));
	}
	assert_int_equal(rowset_first(&s), handle(1, 0));
	assert_int_equal(s.n, 1);
	rowset_fini(&s);
}

static void rowset_equals_a_plain_array_in_random_use(void **state)
{
	static bool in[3][PLACES];
	struct rng rng = rng_start("test_rowset");
	struct rowset s = { 0 };
	uint32_t n = 0, h = 0;

	memset(in, 0, sizeof(in));
	for (unsigned i = 0; i < 200000; i++) {
		uint32_t slab = rng_below(&rng, 3), place = 1 + rng_below(&rng, i % 3 ? 300 : PLACES - 1);
		bool *b = &in[slab][place];

		if (*b)
			rowset_del(&s, handle(place, slab));
		else
			rowset_add(&s, handle(place, slab));
		*b = !*b;
		n += *b ? 1u : -1u;
		assert_int_equal(s.n, n);
		assert_true(!n == !rowset_first(&s));
		assert_true(!n || in[rowset_first(&s) & 3][rowset_first(&s) >> 2]);
	}
	for (uint32_t slab = 0; slab < 3; slab++) {
		for (uint32_t place = 1; place < PLACES; place++) {
			if (!in[slab][place])
				continue;
			h = rowset_next(&s, h);
			assert_int_equal(h, handle(place, slab));
		}
	}
	assert_int_equal(rowset_next(&s, h), 0);
	rowset_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rowset_empty_has_nobody),
		cmocka_unit_test(rowset_first_stays_until_it_is_out),
		cmocka_unit_test(rowset_goes_round),
		cmocka_unit_test(rowset_equals_a_plain_array_in_random_use),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* base/array.h. */
#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>

#include "tests/lib/test.h"

static void array_room_doubles_and_keeps_what_is_there(void **state)
{
	uint32_t n = 0, cap = 0, grown = 0, *v = NULL;

	while (n < 100) {
		uint32_t before = cap;

		array_room(v, n, cap, 4);
		grown += cap != before;
		v[n] = n;
		n++;
	}
	assert_int_equal(cap, 128);
	assert_int_equal(grown, 6); /* 4, 8, 16, 32, 64, 128 */
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(v[i], i);
	free(v);
}

/* Against a walk, for each length and each key: before, at, between and behind the elements. */
static void array_first_finds_what_a_walk_finds(void **state)
{
	const int v[] = { 10, 20, 20, 20, 30, 40, 40, 50 };

	for (uint16_t n = 0; n <= 8; n++) {
		for (int key = 5; key <= 55; key += 5) {
			size_t walk = 0;

			while (walk < n && v[walk] < key)
				walk++;
			assert_int_equal(array_first(i, n, v[i] >= key), walk);
		}
	}
}

static void array_first_of_nothing_reads_nothing(void **state)
{
	const int *v = NULL;

	assert_int_equal(array_first(i, (size_t)0, v[i] > 0), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(array_room_doubles_and_keeps_what_is_there),
		cmocka_unit_test(array_first_finds_what_a_walk_finds),
		cmocka_unit_test(array_first_of_nothing_reads_nothing),
	};

	return RUN_TESTS(tests);
}

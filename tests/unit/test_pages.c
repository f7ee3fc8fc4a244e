/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* base/pages.c: pieces come zeroed, hold what is written, are used again, and go back to the system. */
#include "base/pages.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define MIB ((size_t)1 << 20)
#define PIECES 1500u
#define FIRST 90u /* those before it come straight from the system when they are of 49 KiB */

struct piece {
	unsigned char *m; /* NULL: not there */
	size_t octets;
};

static void get(struct pages *p, struct piece *x, size_t octets, unsigned char fill)
{
	*x = (struct piece){ pages_get(p, octets), octets };
	for (size_t i = 0; i < octets; i++)
		assert_int_equal(x->m[i], 0);
	memset(x->m, fill, octets);
}

static void put(struct pages *p, struct piece *x, unsigned char fill)
{
	for (size_t i = 0; i < x->octets; i++)
		assert_int_equal(x->m[i], fill);
	pages_put(p, x->m, x->octets);
	x->m = NULL;
}

static void put_all(struct pages *p, struct piece x[PIECES])
{
	for (uint32_t i = 0; i < PIECES; i++) {
		if (x[i].m)
			put(p, &x[i], (unsigned char)i);
	}
}

static size_t resident(void)
{
	unsigned long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &pages), 2);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void pages_hold_what_is_written_through_tides(void **state)
{
	static struct piece x[PIECES];
	struct rng r = { 1 };
	struct pages p = { 0 };

	for (uint32_t tide = 0; tide < 6; tide++) {
		for (uint32_t n = 0; n < 4 * PIECES; n++) {
			uint32_t i = rng_below(&r, PIECES);
			bool wanted = rng_below(&r, 100) < (tide % 2 ? 15 : 85);

			if (wanted && !x[i].m)
				get(&p, &x[i], 1 + rng_below(&r, n % 50 ? 60000 : 600000), (unsigned char)i);
			else if (!wanted && x[i].m)
				put(&p, &x[i], (unsigned char)i);
		}
	}
	put_all(&p, x);
	assert_int_equal(p.out, 0);
	assert_int_equal(p.n_chunks, 0);
	pages_fini(&p);
}

static void pages_take_little_more_than_is_asked_for(void **state)
{
	static struct piece x[PIECES];
	struct pages p = { 0 };

	for (uint32_t i = 0; i < PIECES; i++)
		get(&p, &x[i], 49288, (unsigned char)i);
	assert_in_range(p.n_chunks * 2 * MIB + PAGES_HUGE_FROM, PIECES * 49288, PIECES * 49288 / 100 * 108);
	for (uint32_t i = FIRST; i < PIECES; i += 3)
		put(&p, &x[i], (unsigned char)i);
	for (uint32_t chunks = p.n_chunks, i = FIRST; i < PIECES; i += 3) {
		get(&p, &x[i], 49288, (unsigned char)i);
		assert_int_equal(p.n_chunks, chunks);
	}
	put_all(&p, x);
	pages_fini(&p);
}

static void pages_go_back_to_the_system(void **state)
{
	static struct piece x[PIECES];
	struct pages p = { 0 };
	size_t before = resident();

	for (uint32_t i = 0; i < PIECES; i++)
		get(&p, &x[i], 50000, (unsigned char)i);
	assert_true(resident() - before > 70 * MIB);
	for (uint32_t i = 60; i < PIECES; i++)
		put(&p, &x[i], (unsigned char)i);
	assert_in_range(resident() - before, 0, 60 * 50000 + 5 * MIB);
	put_all(&p, x);
	assert_in_range(resident() - before, 0, MIB);
	pages_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_hold_what_is_written_through_tides),
		cmocka_unit_test(pages_take_little_more_than_is_asked_for),
		cmocka_unit_test(pages_go_back_to_the_system),
	};

	return RUN_TESTS(tests);
}

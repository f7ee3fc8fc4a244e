/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* base/hidx.c over a plain array of objects; the array itself is the model. */
#include "base/hidx.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define N 60000u

struct object {
	uint64_t hash;
	bool in;
};

struct model {
	struct object *o; /* by handle, [0] unused */
	struct hidx t;
	struct pages pages;
	uint32_t objects;
};

static struct model *model_new(struct rng *r, uint64_t hash_mask, uint32_t objects)
{
	struct model *m = calloc(1, sizeof(*m));

	m->objects = objects;
	m->o = calloc(objects + 1, sizeof(*m->o));
	for (uint32_t h = 1; h <= objects; h++)
		m->o[h].hash = rng_u64(r) & hash_mask;
	hidx_init(&m->t, &m->pages);
	return m;
}

static void model_free(struct model *m)
{
	hidx_fini(&m->t);
	pages_fini(&m->pages);
	free(m->o);
	free(m);
}

static bool is_in(const struct model *m, uint32_t h)
{
	struct hidx_it it;
	uint32_t found = 0, times = 0;

	for (found = hidx_first(&m->t, m->o[h].hash, &it); found; found = hidx_next(&it)) {
		assert_int_equal(m->o[found].hash >> 32, m->o[h].hash >> 32);
		times += found == h;
	}
	assert_true(times <= 1);
	return times;
}

/* Entries in order and at home or behind it without a gap, the directory right, counts and octets too. */
static void check_structure(const struct hidx *t)
{
	uint32_t n = 0, covered = 0;
	size_t octets = 0;

	for (uint32_t i = 0; i < t->n_segs; i++) {
		const struct hidx_seg *s = &t->segs[i];
		uint64_t last = 0;
		uint32_t in = 0;

		if (!s->entries)
			continue;
		for (uint32_t p = 0; p < s->total; p++) {
			uint64_t e = s->entries[p];

			if (!e)
				continue;
			assert_true(e > last);
			last = e;
			in++;
			assert_true(hidx_home(s, (uint32_t)(e >> 32)) <= p);
			for (uint32_t q = hidx_home(s, (uint32_t)(e >> 32)); q < p; q++)
				assert_true(s->entries[q] != 0);
			assert_ptr_equal(hidx_seg(t, (uint32_t)(e >> 32)), s);
		}
		assert_int_equal(s->entries[s->total - 1], 0);
		assert_int_equal(in, s->n);
		assert_true(s->depth <= t->depth);
		covered += 1u << (t->depth - s->depth);
		n += in;
		octets += s->total * sizeof(uint64_t);
	}
	assert_int_equal(n, t->n);
	assert_int_equal(octets, t->octets);
	if (t->n)
		assert_int_equal(covered, 1u << t->depth);
}

static void change(struct model *m, uint32_t h, bool in)
{
	if (m->o[h].in == in)
		return;
	if (in)
		hidx_insert(&m->t, m->o[h].hash, h);
	else
		hidx_remove(&m->t, m->o[h].hash, h);
	m->o[h].in = in;
}

static void check_all(const struct model *m)
{
	for (uint32_t h = 1; h <= m->objects; h++)
		assert_int_equal(is_in(m, h), m->o[h].in);
	assert_true(hidx_bytes(&m->t) <= 64 * m->t.n + 4096);
	check_structure(&m->t);
}

static void hidx_empty_finds_nothing_and_holds_nothing(void **state)
{
	struct pages pages = { 0 };
	struct hidx_it it;
	struct hidx t;

	hidx_init(&t, &pages);
	hidx_prefetch(&t, 12345);
	assert_int_equal(hidx_first(&t, 12345, &it), 0);
	hidx_insert(&t, 12345ull << 32, 7);
	assert_int_equal(hidx_first(&t, 12345ull << 32, &it), 7);
	assert_int_equal(hidx_next(&it), 0);
	hidx_remove(&t, 12345ull << 32, 7);
	assert_int_equal(hidx_bytes(&t), 0);
	pages_fini(&pages);
}

static void hidx_grows_and_shrinks_in_bounds(void **state)
{
	struct rng r = rng_start("hidx_grows_and_shrinks_in_bounds");
	struct model *m = model_new(&r, UINT64_MAX, N);

	for (uint32_t h = 1; h <= N; h++) {
		change(m, h, true);
		if (h % 5000 == 0)
			check_structure(&m->t);
		if (h > 10000)
			assert_in_range(hidx_bytes(&m->t), 9 * h, 20 * h);
	}
	check_all(m);
	for (uint32_t h = 1; h <= N; h++) {
		change(m, h, false);
		if (h % 5000 == 0)
			check_all(m);
		if (m->t.n == 10000 || m->t.n == 1000 || m->t.n == 50)
			assert_true(hidx_bytes(&m->t) <= 40 * m->t.n + 1000);
	}
	assert_int_equal(m->pages.out, 0);
	model_free(m);
}

/* Random changes with tides, so that segments are cut and joined again and again. */
static void tides(uint64_t hash_mask, uint32_t objects, uint32_t steps)
{
	struct rng r = rng_start("hidx_tides");
	struct model *m = model_new(&r, hash_mask, objects);

	for (uint32_t i = 0; i < steps; i++) {
		bool flood = i / (steps / 6) % 2 == 0;

		change(m, 1 + rng_below(&r, objects), rng_below(&r, 10) < 3 ? !flood : flood);
		if (i % (steps / 20) == 0)
			check_all(m);
	}
	for (uint32_t h = 1; h <= objects; h++)
		change(m, h, false);
	check_all(m);
	assert_int_equal(hidx_bytes(&m->t), 0);
	model_free(m);
}

static void hidx_finds_what_is_in_through_tides(void **state)
{
	tides(UINT64_MAX, N, 400000);
}

static void hidx_works_with_hashes_that_start_alike(void **state)
{
	tides(0x00000fffffffffff, 20000, 180000);
}

static void hidx_works_with_few_hashes(void **state)
{
	tides(0xc000000f00000000, 4000, 40000);
}

static void hidx_works_with_one_hash_at_the_upper_end(void **state)
{
	struct model *m;
	struct rng r = { 1 };

	m = model_new(&r, 0, 1500);
	for (uint32_t h = 1; h <= 1500; h++) {
		m->o[h].hash = UINT64_MAX;
		change(m, h, true);
	}
	check_all(m);
	for (uint32_t h = 1500; h > 0; h--)
		change(m, h, false);
	assert_int_equal(hidx_bytes(&m->t), 0);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hidx_empty_finds_nothing_and_holds_nothing),
		cmocka_unit_test(hidx_grows_and_shrinks_in_bounds),
		cmocka_unit_test(hidx_finds_what_is_in_through_tides),
		cmocka_unit_test(hidx_works_with_hashes_that_start_alike),
		cmocka_unit_test(hidx_works_with_few_hashes),
		cmocka_unit_test(hidx_works_with_one_hash_at_the_upper_end),
	};

	return RUN_TESTS(tests);
}

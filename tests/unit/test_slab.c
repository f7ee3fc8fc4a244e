/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* base/slab.c, beside a plain array of which handles are live. */
#include "base/slab.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lib/rng.h"
#include "tests/lib/test.h"

static void slab_sizes_are_rounded_and_objects_aligned_and_zero(void **state)
{
	for (uint32_t size = 1; size < 300; size++) {
		struct slab s;
		uint32_t a, b;

		slab_init(&s, size);
		assert_true(s.size >= size && s.size < size + 4 && s.size % 4 == 0);
		a = slab_alloc(&s);
		memset(slab_ptr(&s, a), 0xff, s.size);
		slab_free(&s, a);
		a = slab_alloc(&s);
		b = slab_alloc(&s);
		assert_int_equal((uintptr_t)slab_ptr(&s, b) % (s.size % 8 ? 4 : 8), 0);
		assert_int_equal((char *)slab_ptr(&s, b) - (char *)slab_ptr(&s, a), s.size);
		for (uint32_t i = 0; i < size; i++)
			assert_int_equal(((char *)slab_ptr(&s, a))[i], 0);
		slab_fini(&s);
	}
}

static void slab_large_objects_have_their_blocks(void **state)
{
	struct slab s;
	uint32_t h;

	slab_init(&s, 10000);
	for (uint32_t i = 1; i <= 200; i++) {
		h = slab_alloc(&s);
		assert_int_equal(h, i);
		memset(slab_ptr(&s, h), 1, 10000);
	}
	slab_fini(&s);
}

static void slab_live_answers_for_any_handle(void **state)
{
	struct slab s;

	slab_init(&s, 32);
	assert_false(slab_live(&s, 0));
	assert_false(slab_live(&s, 1));
	assert_int_equal(slab_alloc(&s), 1);
	assert_false(slab_live(&s, 0));
	assert_true(slab_live(&s, 1));
	assert_false(slab_live(&s, 2));
	assert_false(slab_live(&s, UINT32_MAX));
	slab_free(&s, 1);
	assert_false(slab_live(&s, 1));
	slab_fini(&s);
}

static void slab_gives_empty_blocks_back_but_one(void **state)
{
	struct slab s;
	uint32_t n;
	size_t one;

	slab_init(&s, 64);
	assert_int_equal(s.per_block * 64, 65536);
	slab_alloc(&s);
	one = slab_bytes(&s);
	n = s.per_block * 10;
	while (s.used < n)
		slab_alloc(&s);
	assert_int_equal(s.live_blocks, 10);
	assert_true(slab_bytes(&s) >= 9 * one);
	for (uint32_t h = s.per_block + 1; h <= n; h++)
		slab_free(&s, h);
	assert_int_equal(s.live_blocks, 2);
	/* The lowest empty one is kept, so the table of blocks is short again. */
	assert_int_equal(s.n_blocks, 2);
	for (uint32_t h = 1; h <= s.per_block; h++)
		slab_free(&s, h);
	assert_int_equal(s.live_blocks, 1);
	assert_int_equal(slab_next(&s, 0), 0);
	slab_fini(&s);
	assert_int_equal(slab_bytes(&s), 0);
}

static void slab_breathing_at_a_block_edge_keeps_the_block(void **state)
{
	struct slab s;
	uint32_t h;
	void *p;

	slab_init(&s, 64);
	while (s.used < s.per_block)
		slab_alloc(&s);
	h = slab_alloc(&s);
	p = slab_ptr(&s, h);
	for (int i = 0; i < 100; i++) {
		slab_free(&s, h);
		assert_int_equal(s.live_blocks, 2);
		assert_int_equal(slab_alloc(&s), h);
		assert_ptr_equal(slab_ptr(&s, h), p);
	}
	slab_fini(&s);
}

#define HANDLES 20000u

static uint32_t model_lowest_free(const uint32_t *live)
{
	uint32_t h = 1;

	while (live[h])
		h++;
	return h;
}

static uint32_t model_next(const uint32_t *live, uint32_t h)
{
	while (++h < HANDLES) {
		if (live[h])
			return h;
	}
	return 0;
}

/* live[h] holds the value that was written into the object, 0 when it is free. */
static void check_walk(const struct slab *s, const uint32_t *live)
{
	uint32_t want = 0;

	for (uint32_t h = 0; (h = slab_next(s, h));) {
		want = model_next(live, want);
		assert_int_equal(h, want);
		assert_int_equal(*(uint32_t *)slab_ptr(s, h), live[h]);
	}
	assert_int_equal(model_next(live, want), 0);
}

static void slab_agrees_with_a_model(void **state)
{
	struct rng r = rng_start(__func__);
	uint32_t *live = calloc(HANDLES + 1, sizeof(*live));
	struct slab s;
	bool growing = true;
	uint32_t used = 0;

	slab_init(&s, 96);
	for (int step = 0; step < 60000; step++) {
		uint32_t h = 1 + rng_below(&r, HANDLES - 1);

		if (used == 6000 || (!used && !growing))
			growing = !used;
		if (rng_below(&r, 10) < (growing ? 7 : 3) && used < 6000) {
			h = slab_alloc(&s);
			assert_int_equal(h, model_lowest_free(live));
			assert_int_equal(*(uint32_t *)slab_ptr(&s, h), 0);
			*(uint32_t *)slab_ptr(&s, h) = live[h] = 1 + rng_below(&r, 1000000);
			used++;
		} else if ((h = model_next(live, h)) || (h = model_next(live, 0))) {
			slab_free(&s, h);
			live[h] = 0;
			used--;
		}
		assert_int_equal(s.used, used);
		h = rng_below(&r, HANDLES);
		assert_int_equal(slab_live(&s, h), live[h] != 0);
		assert_int_equal(slab_next(&s, h), model_next(live, h));
		if (step % 1000 == 0)
			check_walk(&s, live);
	}
	slab_fini(&s);
	free(live);
}

static void slab_walk_survives_change(void **state)
{
	struct slab s;
	uint32_t seen = 0;

	slab_init(&s, 128);
	while (s.used < 5000)
		slab_alloc(&s);
	/* Freed behind and at the cursor; what is ahead is seen once. */
	for (uint32_t h = 0; (h = slab_next(&s, h)); seen++)
		slab_free(&s, h);
	assert_int_equal(seen, 5000);
	assert_int_equal(s.used, 0);
	slab_fini(&s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(slab_sizes_are_rounded_and_objects_aligned_and_zero),
		cmocka_unit_test(slab_large_objects_have_their_blocks),
		cmocka_unit_test(slab_live_answers_for_any_handle),
		cmocka_unit_test(slab_gives_empty_blocks_back_but_one),
		cmocka_unit_test(slab_breathing_at_a_block_edge_keeps_the_block),
		cmocka_unit_test(slab_agrees_with_a_model),
		cmocka_unit_test(slab_walk_survives_change),
	};

	return RUN_TESTS(tests);
}

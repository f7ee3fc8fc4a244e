/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* evpn/resolver: a thousand misses are one question; what nobody knows is not asked again at once; all is bounded. */
#include "evpn/resolver.h"
#include "tests/lib/test.h"

static const struct mtime t0 = { 1000000000 };

static struct resolver_key mac_key(unsigned n)
{
	return (struct resolver_key){ .mac = { { 2, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } } };
}

static uint32_t miss(struct resolver *r, unsigned n, struct mtime now)
{
	struct resolver_key k = mac_key(n);

	return resolver_miss(r, &k, now);
}

static int setup(void **state)
{
	static struct resolver r;

	resolver_init(&r, 42);
	*state = &r;
	return 0;
}

static int teardown(void **state)
{
	resolver_fini(*state);
	return 0;
}

static void misses_of_one_key_are_one_question(void **state)
{
	struct resolver *r = *state;
	uint32_t h = miss(r, 1, t0);

	for (int i = 0; i < 999; i++)
		assert_int_equal(miss(r, 1, t0), h);
	assert_int_equal(resolver_next(r, t0), h);
	assert_int_equal(resolver_next(r, t0), 0);
	assert_int_equal(miss(r, 1, t0), h);
	assert_int_equal(resolver_asked(r, resolver_get(r, h)->id), h);
	resolver_answered(r, h, true, t0);
	assert_int_equal(r->slab.used, 0);
	assert_int_equal(r->count.misses, 1001);
	assert_int_equal(r->count.answered, 1);
}

static void a_mac_and_an_address_are_two_keys(void **state)
{
	struct resolver *r = *state;
	struct resolver_key ip = { .ip = ip_v4(0x0a000001) };

	assert_int_not_equal(miss(r, 1, t0), resolver_miss(r, &ip, t0));
	assert_int_equal(r->line[RESOLVER_WAITING].n, 2);
}

static void what_nobody_knows_is_not_asked_for_a_second(void **state)
{
	struct resolver *r = *state;
	struct mtime later = mtime_add_ms(t0, RESOLVER_UNKNOWN_MS);

	miss(r, 1, t0);
	resolver_answered(r, resolver_next(r, t0), false, t0);
	assert_int_equal(miss(r, 1, mtime_add_ms(t0, RESOLVER_UNKNOWN_MS - 1)), 0);
	assert_int_equal(resolver_due(r).us, later.us);
	assert_int_equal(resolver_expire(r, later), 0);
	assert_int_not_equal(miss(r, 1, later), 0);
	assert_int_equal(r->count.unknown, 1);
}

static void a_late_answer_is_none(void **state)
{
	struct resolver *r = *state;
	uint32_t h = miss(r, 1, t0), id;

	resolver_next(r, t0);
	id = resolver_get(r, h)->id;
	assert_int_equal(resolver_expire(r, mtime_add_ms(t0, RESOLVER_ANSWER_MS - 1)), 0);
	assert_int_equal(resolver_expire(r, mtime_add_ms(t0, RESOLVER_ANSWER_MS)), h);
	assert_int_equal(resolver_asked(r, id), 0);
	assert_int_equal(r->count.late, 1);
	assert_int_equal(r->count.unknown, 1);
}

static void an_answer_to_an_earlier_question_is_none(void **state)
{
	struct resolver *r = *state;
	uint32_t h = miss(r, 1, t0), first;

	resolver_next(r, t0);
	first = resolver_get(r, h)->id;
	resolver_drop(r, h);
	h = miss(r, 2, t0); /* the same place */
	resolver_next(r, t0);
	assert_int_equal(resolver_asked(r, first), 0);
	assert_int_equal(resolver_asked(r, resolver_get(r, h)->id), h);
	assert_int_equal(resolver_asked(r, 0), 0);
	assert_int_equal(resolver_asked(r, UINT32_MAX), 0);
}

static void questions_on_their_way_are_bounded(void **state)
{
	struct resolver *r = *state;
	uint32_t first = 0, h;
	unsigned n = 0;

	for (unsigned i = 1; i <= 2 * RESOLVER_ASKED_MAX; i++)
		miss(r, i, t0);
	while ((h = resolver_next(r, t0))) {
		first = first ? first : h;
		n++;
	}
	assert_int_equal(n, RESOLVER_ASKED_MAX);
	resolver_answered(r, first, true, t0);
	assert_int_not_equal(resolver_next(r, t0), 0);
	assert_int_equal(resolver_next(r, t0), 0);
}

static void keys_are_bounded_and_unknown_ones_make_room(void **state)
{
	struct resolver *r = *state;

	for (unsigned i = 1; i <= RESOLVER_MAX; i++)
		assert_int_not_equal(miss(r, i, t0), 0);
	assert_int_equal(miss(r, RESOLVER_MAX + 1, t0), 0);
	assert_int_equal(r->count.dropped, 1);
	resolver_answered(r, resolver_next(r, t0), false, t0);
	assert_int_not_equal(miss(r, RESOLVER_MAX + 1, t0), 0);
	assert_int_equal(r->slab.used, RESOLVER_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(misses_of_one_key_are_one_question, setup, teardown),
		cmocka_unit_test_setup_teardown(a_mac_and_an_address_are_two_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(what_nobody_knows_is_not_asked_for_a_second, setup, teardown),
		cmocka_unit_test_setup_teardown(a_late_answer_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(an_answer_to_an_earlier_question_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(questions_on_their_way_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_are_bounded_and_unknown_ones_make_room, setup, teardown),
	};

	return RUN_TESTS(tests);
}

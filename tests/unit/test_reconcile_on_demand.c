/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* dataplane/reconcile: rows on demand: the end of their age, used or not, and those of an earlier run. */
#include "tests/lib/recbed.h"
#include "tests/lib/test.h"

/* The backend says that the vxlan row is gone by its age. */
static void age(struct recbed *t, unsigned mac, enum dp_age age)
{
	struct dp_seen s = { .vni = rows_vni_find(&t->d->rec.rows, VNI),
			     .kind = DP_FDB,
			     .part = DP_SELF,
			     .state = DP_SEEN_NONE,
			     .mac = mac_nr(mac),
			     .age = (uint8_t)age };

	fakedp_lose(t->f, VNI, &s.mac);
	dp_seen(t->d, &s);
	fakedp_settle(t->d);
}

static void row_that_is_not_used_goes_with_its_wish(void **state)
{
	struct recbed *t = *state;
	struct dp_stats st;

	want_fdb(t->d, 1, 2, DP_ON_DEMAND);
	fakedp_settle(t->d);
	assert_int_equal(t->b.placed, 1);
	age(t, 1, DP_AGE_UNUSED);
	assert_int_equal(t->b.idle, 1);
	assert_int_equal(fake_fdb(t, 1).len, 0);
	assert_int_equal(fakedp_rows(t->f, VNI, FAKEDP_US), 0); /* the bridge row, too */
	dp_stats(t->d, &st);
	assert_int_equal(st.rows, 0);
	assert_int_equal(st.repairs, 0);
}

static void row_whose_time_is_over_in_use_is_written_again(void **state)
{
	struct recbed *t = *state;
	struct dp_stats st;

	want_fdb(t->d, 1, 2, DP_ON_DEMAND);
	fakedp_settle(t->d);
	age(t, 1, DP_AGE_USED);
	assert_int_equal(t->b.idle, 0);
	assert_int_equal(t->b.placed, 2);
	assert_true(fake_fdb(t, 1).len);
	dp_stats(t->d, &st);
	assert_int_equal(st.repairs, 0);
}

static void age_of_a_row_that_is_wished_for_always_is_a_loss(void **state)
{
	struct recbed *t = *state;
	struct dp_stats st;

	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	age(t, 1, DP_AGE_UNUSED);
	assert_int_equal(t->b.idle, 0);
	assert_true(fake_fdb(t, 1).len);
	dp_stats(t->d, &st);
	assert_int_equal(st.repairs, 1);
}

static void wish_in_the_same_turn_as_its_end_stays(void **state)
{
	struct recbed *t = *state;
	struct dp_seen s = { .vni = rows_vni_find(&t->d->rec.rows, VNI),
			     .kind = DP_FDB,
			     .part = DP_SELF,
			     .state = DP_SEEN_NONE,
			     .mac = mac_nr(1),
			     .age = DP_AGE_UNUSED };

	want_fdb(t->d, 1, 2, DP_ON_DEMAND);
	fakedp_settle(t->d);
	fakedp_lose(t->f, VNI, &s.mac);
	dp_seen(t->d, &s);
	want_fdb(t->d, 1, 3, DP_ON_DEMAND);
	fakedp_settle(t->d);
	assert_int_equal(t->b.idle, 0);
	assert_true(fake_fdb(t, 1).len);
}

static void row_of_an_earlier_run_is_asked_for_and_then_goes(void **state)
{
	struct recbed *t = *state;

	want_fdb(t->d, 1, 2, DP_ON_DEMAND);
	want_fdb(t->d, 2, 2, DP_ON_DEMAND);
	fakedp_settle(t->d);
	recbed_stop(t, false);
	recbed_start(t);
	want_fdb(t->d, 2, 2, DP_ON_DEMAND);
	recbed_pass(t, DP_SWEEP_MS);
	assert_int_equal(t->b.missed, 1);
	assert_int_equal(fake_fdb(t, 1).len, 0);
	assert_true(fake_fdb(t, 2).len);
}

#define T(name) cmocka_unit_test_setup_teardown(name, recbed_setup, recbed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(row_that_is_not_used_goes_with_its_wish),
		T(row_whose_time_is_over_in_use_is_written_again),
		T(age_of_a_row_that_is_wished_for_always_is_a_loss),
		T(wish_in_the_same_turn_as_its_end_stays),
		T(row_of_an_earlier_run_is_asked_for_and_then_goes),
	};

	return RUN_TESTS(tests);
}

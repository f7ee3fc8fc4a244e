/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * dataplane/reconcile_unread.c: a start with tables too large to be read before rows are written. What is
 * found is adopted as after a whole look, nothing of another hand is touched, and nothing is left behind.
 */
#include "tests/lib/recbed.h"
#include "tests/lib/test.h"

#define N_ROWS 50u

static uint64_t unread(const struct recbed *t)
{
	struct dp_stats s;

	dp_stats(t->d, &s);
	return s.unread;
}

static uint64_t rows_there(const struct recbed *t)
{
	struct dp_stats s;

	dp_stats(t->d, &s);
	return s.rows_there;
}

/* The next start finds large tables; returns the writes until then. */
static unsigned restart(struct recbed *t)
{
	fakedp_settle(t->d);
	recbed_stop(t, false);
	fakedp_shy(t->f, 0);
	recbed_start(t);
	assert_true(t->b.ready);
	return fakedp_writes(t->f);
}

static void want_all(struct recbed *t, unsigned n)
{
	for (unsigned i = 1; i <= n; i++)
		want_fdb(t->d, i, 2 + i % 3, 0);
}

static void wished_rows_are_looked_up_and_adopted_without_a_write(void **state)
{
	struct recbed *t = *state;
	unsigned before;

	want_all(t, N_ROWS);
	want_neigh(t->d, host_nr(1), 1, 0);
	before = restart(t);
	want_all(t, N_ROWS);
	want_neigh(t->d, host_nr(1), 1, 0);
	fakedp_settle(t->d);
	assert_int_equal(rows_there(t), N_ROWS + 1);
	assert_int_equal(fakedp_writes(t->f), before);
	assert_int_equal(unread(t), 1); /* nothing waited for the rest */
	want_fdb(t->d, N_ROWS + 1, 2, 0); /* one that is new */
	fakedp_settle(t->d);
	assert_fdb(t, N_ROWS + 1, 2);
	assert_int_equal(fakedp_writes(t->f), before + 1);
}

static void flood_rows_wait_for_the_rest_and_are_adopted_without_a_write(void **state)
{
	struct recbed *t = *state;
	struct mac zero = { { 0 } };
	struct ip theirs = vtep_nr(4);
	unsigned before;

	want_flood(t->d, vtep_nr(2), 0);
	fakedp_vxlan_set(t->f, VNI, &zero, &theirs);
	before = restart(t);
	want_flood(t->d, vtep_nr(2), 0);
	want_flood(t->d, vtep_nr(3), 0);
	want_flood(t->d, theirs, 0);
	fakedp_settle(t->d);
	assert_int_equal(unread(t), 0);
	assert_int_equal(fakedp_writes(t->f), before + 3); /* row 3, and destinations 3 and 4 */
	assert_true(fakedp_flood(t->f, VNI, &theirs).hand != FAKEDP_US);
	fakedp_vxlan_del(t->f, VNI, &zero, &theirs);
}

/* What was met is older than its end, of which nobody knew what had ended; so the reading begins anew. */
static void flood_row_met_in_a_reading_that_begins_anew_is_not_believed(void **state)
{
	struct recbed *t = *state;
	struct ip gone = vtep_nr(2);
	struct dp_seen s = { .kind = DP_FLOOD, .part = DP_SELF, .state = DP_SEEN_OURS, .ip = gone };

	restart(t);
	want_flood(t->d, gone, 0);
	s.vni = rows_vni_find(&t->d->rec.rows, VNI);
	s.dest = dp_dest_intern(t->d, &gone, 0);
	dp_vni_unread(t->d, s.vni);
	dp_vni_met(t->d, &s);
	dp_vni_unread(t->d, s.vni);
	dp_vni_read(t->d, s.vni);
	fakedp_settle(t->d);
	assert_true(fakedp_flood(t->f, VNI, &gone).there);
}

static void flood_row_that_goes_while_the_rest_is_read_is_not_believed(void **state)
{
	struct recbed *t = *state;
	struct mac zero = { { 0 } };
	struct ip gone = vtep_nr(2);

	want_flood(t->d, gone, 0);
	fakedp_settle(t->d);
	want_all(t, N_ROWS); /* met before it */
	restart(t);
	want_flood(t->d, vtep_nr(3), 0);
	for (unsigned i = 0; i < 3; i++)
		dp_flush(t->d);
	assert_int_equal(unread(t), 1);
	fakedp_vxlan_del(t->f, VNI, &zero, &gone);
	fakedp_settle(t->d);
	assert_int_equal(unread(t), 0);
	want_flood(t->d, gone, 0);
	fakedp_settle(t->d);
	assert_true(fakedp_flood(t->f, VNI, &gone).there);
}

static void what_nobody_claims_is_met_and_swept_with_its_destination(void **state)
{
	struct recbed *t = *state;

	want_fdb(t->d, 1, 2, 0);
	want_fdb(t->d, 2, 3, 0);
	want_flood(t->d, vtep_nr(3), 0);
	restart(t);
	want_fdb(t->d, 1, 2, 0);
	recbed_pass(t, DP_SWEEP_MS / 2);
	assert_fdb(t, 2, 3);
	dp_sweep(t->d);
	fakedp_settle(t->d);
	assert_no_fdb(t, 2);
	assert_fdb(t, 1, 2);
	assert_int_equal(fakedp_rows(t->f, VNI, FAKEDP_US), 2);
	assert_int_equal(fakedp_dests(t->f), 1);
	assert_int_equal(unread(t), 0);
}

static void sweep_by_time_comes_without_a_call(void **state)
{
	struct recbed *t = *state;

	want_fdb(t->d, 1, 2, 0);
	restart(t);
	recbed_pass(t, DP_SWEEP_MS + 1);
	recbed_pass(t, 1);
	assert_no_fdb(t, 1);
}

static void wish_that_ends_before_it_was_looked_up_takes_the_row_with_it(void **state)
{
	struct recbed *t = *state;

	want_all(t, 3);
	restart(t);
	want_all(t, 3);
	unwant_fdb(t->d, 1);
	fakedp_settle(t->d);
	assert_no_fdb(t, 1);
	assert_fdb(t, 2, 4);
}

static void rows_of_another_hand_are_left_alone(void **state)
{
	struct recbed *t = *state;
	struct mac m1 = mac_nr(1);
	struct ip theirs = vtep_nr(9);
	unsigned before;

	fakedp_vxlan_set(t->f, VNI, &m1, &theirs);
	fake_learn(t, 2, PORT_A, FAKEDP_STATIC);
	fake_learn(t, 3, PORT_B, FAKEDP_OWN);
	before = restart(t);
	want_all(t, 3);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_writes(t->f), before + 3); /* destinations alone */
	assert_int_equal(rows_there(t), 0);
	assert_int_equal(fakedp_trampled(t->f), 0);
	assert_int_equal(t->b.ifindex[2], PORT_A);
}

/* Rows that nobody has met yet may go to it. */
static void set_outlives_its_wishes_until_all_is_read(void **state)
{
	struct recbed *t = *state;
	unsigned before;

	put_set(t->d, 1, "23");
	want_fdb_set(t->d, 1, 1, 0);
	want_fdb_set(t->d, 2, 1, 0);
	before = restart(t);
	put_set(t->d, 7, "23");
	want_fdb_set(t->d, 1, 7, 0);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_writes(t->f), before); /* it is the one that was left */
	unwant_fdb(t->d, 1);
	dp_set_del(t->d, 7);
	fakedp_settle(t->d);
	assert_false(fake_has_vxlan(t, 1));
	assert_true(fake_has_vxlan(t, 2));
	dp_sweep(t->d);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_dests(t->f), 0);
	assert_int_equal(fakedp_sets(t->f), 0);
}

/* A host shows up on a port while the look is out: what that says may be older. */
static void what_is_heard_while_the_look_is_out_counts_for_more(void **state)
{
	struct recbed *t = *state;
	struct dp_seen then = { .kind = DP_FDB, .part = DP_PORT, .state = DP_SEEN_CLAIM, .mac = mac_nr(1) };
	struct dp_op ops[4];

	want_fdb(t->d, 1, 2, 0);
	restart(t);
	want_fdb(t->d, 1, 2, 0);
	assert_int_equal(dp_pull(t->d, ops, 4), 1);
	assert_int_equal(ops[0].type, DP_OP_LOOK);
	fake_learn(t, 1, PORT_A, FAKEDP_KERNEL);
	dp_flush(t->d);
	assert_int_equal(t->b.ifindex[1], 0); /* what is to be believed is not known yet */
	then.vni = rows_vni_next(&t->d->rec.rows, NULL);
	dp_looked(t->d, &ops[0], &then, 1);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	assert_int_equal(fake_port(t, 1), PORT_A);
}

static void vni_that_goes_unread_leaves_nothing(void **state)
{
	struct recbed *t = *state;

	want_all(t, N_ROWS);
	want_flood(t->d, vtep_nr(2), 0);
	restart(t);
	want_fdb(t->d, 1, 2, 0);
	dp_vni_del(t->d, VNI);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_rows(t->f, VNI, FAKEDP_US), 0);
}

static void refused_look_is_tried_again(void **state)
{
	struct recbed *t = *state;
	unsigned before;

	want_fdb(t->d, 1, 2, 0);
	before = restart(t);
	fakedp_refuse(t->f, 12, 1);
	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	assert_int_equal(rows_there(t), 0);
	assert_non_null(strstr(t->last, "look up FDB row of"));
	recbed_pass(t, 1100);
	assert_int_equal(rows_there(t), 1);
	assert_int_equal(fakedp_writes(t->f), before);
}

#define UNREAD(name) cmocka_unit_test_setup_teardown(name, recbed_setup, recbed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNREAD(wished_rows_are_looked_up_and_adopted_without_a_write),
		UNREAD(flood_rows_wait_for_the_rest_and_are_adopted_without_a_write),
		UNREAD(flood_row_met_in_a_reading_that_begins_anew_is_not_believed),
		UNREAD(flood_row_that_goes_while_the_rest_is_read_is_not_believed),
		UNREAD(what_nobody_claims_is_met_and_swept_with_its_destination),
		UNREAD(sweep_by_time_comes_without_a_call),
		UNREAD(wish_that_ends_before_it_was_looked_up_takes_the_row_with_it),
		UNREAD(rows_of_another_hand_are_left_alone),
		UNREAD(set_outlives_its_wishes_until_all_is_read),
		UNREAD(what_is_heard_while_the_look_is_out_counts_for_more),
		UNREAD(vni_that_goes_unread_leaves_nothing),
		UNREAD(refused_look_is_tried_again),
	};

	return RUN_TESTS(tests);
}

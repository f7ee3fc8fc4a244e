/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* dataplane/reconcile: what happens to a row, or to its VNI, between the pull of an operation and its end. */
#include <errno.h>

#include "tests/lib/recbed.h"
#include "tests/lib/test.h"

/* Pulls the one operation there is, which is out until it is said to be done. */
static struct dp_op pull_one(struct recbed *t)
{
	struct dp_op op[4];

	assert_int_equal(dp_pull(t->d, op, 4), 1);
	return op[0];
}

/* The event of a MAC that was learned lies in the queue while our write moves its row. */
static void write_over_an_unread_event(struct recbed *t, enum fakedp_hand hand)
{
	struct mac m = mac_nr(1);
	struct dp_op ops[4];
	unsigned n;

	want_fdb(t->d, 2, 2, 0);
	fakedp_settle(t->d);
	want_fdb(t->d, 1, 2, 0);
	n = dp_pull(t->d, ops, 4); /* made before the event is read */
	assert_int_equal(n, 1);
	fake_learn(t, 1, PORT_A, hand);
	fakedp_carry_out(t->f, &ops[0]);
	dp_done(t->d, &ops[0], 0, NULL);
	assert_int_equal(fakedp_bridge(t->f, VNI, &m).ifindex, 0);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	assert_int_equal(fakedp_bridge(t->f, VNI, &m).ifindex, PORT_A);
	assert_int_equal(fakedp_bridge(t->f, VNI, &m).hand, hand);
}

static void local_event_queued_behind_our_write_gives_the_row_back(void **state)
{
	write_over_an_unread_event(*state, FAKEDP_KERNEL);
}

static void local_event_while_our_write_is_out_is_local_or_gives_the_row_back(void **state)
{
	struct recbed *t = *state;
	struct mac m = mac_nr(1);

	want_fdb(t->d, 2, 2, 0);
	fakedp_settle(t->d);
	for (int written_first = 0; written_first < 2; written_first++) {
		struct dp_op op;

		want_fdb(t->d, 1, 2, 0);
		op = pull_one(t);
		if (written_first)
			fakedp_carry_out(t->f, &op);
		fake_learn(t, 1, PORT_A, FAKEDP_KERNEL);
		dp_flush(t->d); /* hears of it */
		assert_int_equal(t->b.ifindex[1], 0);
		if (!written_first)
			fakedp_carry_out(t->f, &op);
		dp_done(t->d, &op, 0, NULL);
		fakedp_settle(t->d);
		assert_int_equal(t->b.ifindex[1], PORT_A);
		assert_int_equal(fakedp_bridge(t->f, VNI, &m).ifindex, PORT_A);
		unwant_fdb(t->d, 1);
		fake_forget(t, 1);
		fakedp_settle(t->d);
	}
}

static void row_deleted_by_another_while_our_write_is_out_comes_back(void **state)
{
	struct recbed *t = *state;
	struct ip vtep = vtep_nr(2);
	struct dp_op op;

	want_fdb(t->d, 1, 2, 0);
	want_fdb(t->d, 2, 2, 0);
	fakedp_settle(t->d);
	want_fdb(t->d, 1, 2, DP_STICKY);
	op = pull_one(t);
	fakedp_carry_out(t->f, &op);
	fake_forget(t, 1);
	dp_flush(t->d);
	dp_done(t->d, &op, 0, NULL);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	want_fdb(t->d, 1, 2, 0);
	op = pull_one(t);
	fakedp_carry_out(t->f, &op);
	fakedp_dest_del(t->f, &vtep);
	dp_flush(t->d);
	dp_done(t->d, &op, 0, NULL);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_fdb(t, 2, 2);
}

/* Its end and the port are older than our write, which moves it from there; the events come after. */
static void row_deleted_and_learned_while_our_write_is_out_goes_back_to_its_port(void **state)
{
	struct recbed *t = *state;
	struct dp_op op;

	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	want_fdb(t->d, 1, 2, DP_STICKY);
	op = pull_one(t);
	fake_forget(t, 1);
	fake_learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fakedp_carry_out(t->f, &op);
	dp_done(t->d, &op, 0, NULL);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	assert_int_equal(fake_port(t, 1), PORT_A);
}

static void row_wished_for_again_while_the_write_that_its_vtep_took_along_is_out_is_written(void **state)
{
	struct recbed *t = *state;
	struct ip vtep = vtep_nr(2);
	struct dp_op op;

	want_fdb(t->d, 2, 2, 0);
	fakedp_settle(t->d);
	want_fdb(t->d, 1, 2, 0);
	op = pull_one(t);
	fakedp_carry_out(t->f, &op);
	unwant_fdb(t->d, 1);
	fakedp_dest_del(t->f, &vtep);
	dp_flush(t->d);
	want_fdb(t->d, 1, 2, 0);
	dp_done(t->d, &op, 0, NULL);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
}

static void move_whose_first_write_was_refused_in_part_ends_at_the_vtep(void **state)
{
	struct recbed *t = *state;
	struct dp_op op;

	want_fdb(t->d, 2, 2, 0);
	fake_learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	want_fdb(t->d, 1, 2, DP_TAKE_OVER);
	t->b.ifindex[1] = 0;
	op = pull_one(t);
	fakedp_carry_out(t->f, &op);
	dp_done(t->d, &op, -ENOSPC, NULL);
	recbed_pass(t, 1000);
	assert_fdb(t, 1, 2);
	assert_int_equal(t->b.ifindex[1], 0);
}

/* evpn takes it over and drops it while nobody knows yet whether our write ran over the port's row. */
static void doubt_about_a_port_outlives_a_move_that_is_taken_back(void **state)
{
	struct recbed *t = *state;
	struct dp_seen local = { .vni = rows_vni_find(&t->d->rec.rows, VNI), .kind = DP_FDB, .part = DP_PORT,
				 .state = DP_SEEN_LOCAL, .mac = mac_nr(1), .ifindex = PORT_A };
	struct dp_op ask;

	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	dp_seen(t->d, &local); /* older than our write, as the kernel would say if it could be asked */
	ask = pull_one(t);
	assert_int_equal(ask.type, DP_OP_ASK);
	want_fdb(t->d, 1, 3, DP_TAKE_OVER);
	unwant_fdb(t->d, 1);
	dp_done(t->d, &ask, -ENOBUFS, NULL);
	recbed_pass(t, 1000);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	assert_int_equal(fake_port(t, 1), PORT_A);
}

/* Nothing is given out while a VNI that goes waits for the last operation; that must not outlive its wait. */
static void vni_that_comes_back_while_an_operation_was_out_holds_nobody(void **state)
{
	struct dp_vni_params p = { .vni = 200, .bridge = "br200", .vxlan = "vxlan200" };
	struct recbed *t = *state;
	struct dp_op op;

	fakedp_devices(t->f, 200, true, NULL);
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	want_fdb(t->d, 2, 2, 0);
	fakedp_settle(t->d);
	want_fdb(t->d, 1, 2, 0);
	op = pull_one(t);
	dp_vni_del(t->d, 200);
	dp_flush(t->d);
	want_fdb(t->d, 3, 2, 0);
	dp_done(t->d, &op, fakedp_carry_out(t->f, &op), NULL);
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_fdb(t, 3, 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, recbed_setup, recbed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(local_event_queued_behind_our_write_gives_the_row_back),
		T(local_event_while_our_write_is_out_is_local_or_gives_the_row_back),
		T(row_deleted_by_another_while_our_write_is_out_comes_back),
		T(row_deleted_and_learned_while_our_write_is_out_goes_back_to_its_port),
		T(row_wished_for_again_while_the_write_that_its_vtep_took_along_is_out_is_written),
		T(move_whose_first_write_was_refused_in_part_ends_at_the_vtep),
		T(doubt_about_a_port_outlives_a_move_that_is_taken_back),
		T(vni_that_comes_back_while_an_operation_was_out_holds_nobody),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * dataplane/reconcile.c by way of dp.c and the fake backend: the rules of one row. What a wish costs, what becomes
 * of it beside rows of other hands, what brings a lost row back, what show says of it. Other programs hold the rest:
 * test_reconcile_local (MACs on ports and from the tunnel), _races (while an operation is out), _refusal, _life
 * (restarts, devices, VNIs), _burst (many rows of one destination), _on_demand and _random (all of it, from seeds).
 */
#include "tests/lib/recbed.h"
#include "tests/lib/test.h"

/* ---- wishes ------------------------------------------------------------------------------------------------------ */

static void want_then_unwant_writes_and_deletes_both_rows(void **state)
{
	struct recbed *t = *state;

	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_int_equal(fakedp_dests(t->f), 1);
	unwant_fdb(t->d, 1);
	fakedp_settle(t->d);
	assert_no_fdb(t, 1);
	assert_false(fake_has_vxlan(t, 1));
	assert_int_equal(fakedp_dests(t->f), 0);
}

static void same_wish_twice_is_one_write(void **state)
{
	struct recbed *t = *state;
	unsigned before;

	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	before = fakedp_writes(t->f);
	want_fdb(t->d, 1, 2, 0);
	want_fdb(t->d, 1, 2, DP_TAKE_OVER);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_writes(t->f), before);
}

static void wishes_between_two_flushes_cost_one_write(void **state)
{
	struct recbed *t = *state;
	unsigned before;

	want_fdb(t->d, 9, 2, 0);
	want_fdb(t->d, 9, 3, 0);
	fakedp_settle(t->d); /* both destinations are no news now */
	want_fdb(t->d, 8, 2, 0);
	fakedp_settle(t->d);
	before = fakedp_writes(t->f);
	for (int i = 0; i < 100; i++) {
		want_fdb(t->d, 1, 2, 0);
		unwant_fdb(t->d, 1);
		want_fdb(t->d, 1, 3, 0);
	}
	fakedp_settle(t->d);
	assert_fdb(t, 1, 3);
	assert_int_equal(fakedp_writes(t->f), before + 1);
}

static void want_and_unwant_unwritten_costs_nothing(void **state)
{
	struct recbed *t = *state;
	struct dp_stats s;

	want_fdb(t->d, 1, 2, 0);
	unwant_fdb(t->d, 1);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_writes(t->f), 0);
	dp_stats(t->d, &s);
	assert_int_equal(s.rows, 0);
	assert_int_equal(s.dirty, 0);
}

static void wish_with_another_vtep_moves_the_row(void **state)
{
	struct recbed *t = *state;

	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	want_fdb(t->d, 1, 3, 0);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 3);
	assert_int_equal(fakedp_dests(t->f), 1);
}

static void flood_row_with_a_label_changes_label(void **state)
{
	struct recbed *t = *state;
	struct ip v = vtep_nr(2);
	struct dp_key k = dp_key_flood(VNI, &v);

	want_flood(t->d, vtep_nr(2), 0);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_flood(t->f, VNI, &v).label, 0);
	assert_true(fakedp_flood(t->f, VNI, &v).there);
	want_flood(t->d, vtep_nr(2), 777);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_flood(t->f, VNI, &v).label, 777);
	want_flood(t->d, vtep_nr(2), VNI); /* its own VNI is no label */
	fakedp_settle(t->d);
	assert_int_equal(fakedp_flood(t->f, VNI, &v).label, 0);
	dp_unwant(t->d, &k);
	fakedp_settle(t->d);
	assert_false(fakedp_flood(t->f, VNI, &v).there);
}

static void neighbour_row_follows_its_wish(void **state)
{
	struct recbed *t = *state;
	struct ip h = host_nr(7);
	struct dp_key k = dp_key_neigh(VNI, &h);

	want_neigh(t->d, host_nr(7), 1, DP_ROUTER);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h).mac.b[5], 1);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h).flags, DP_ROUTER);
	want_neigh(t->d, host_nr(7), 2, 0);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h).mac.b[5], 2);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h).flags, 0);
	dp_unwant(t->d, &k);
	fakedp_settle(t->d);
	assert_false(fakedp_neigh(t->f, VNI, &h).there);
}

/* ---- other hands ------------------------------------------------------------------------------------------------- */

static void foreign_rows_get_no_destination_of_ours(void **state)
{
	struct recbed *t = *state;
	struct mac m = mac_nr(7), zero = { 0 };
	struct ip vtep = vtep_nr(7);

	fakedp_vxlan_set(t->f, VNI, &m, &vtep);
	fakedp_vxlan_set(t->f, VNI, &zero, &vtep);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_dests(t->f), 0);
	want_fdb(t->d, 8, 7, 0); /* a route to there */
	fakedp_settle(t->d);
	assert_int_equal(fakedp_dests(t->f), 1);
	unwant_fdb(t->d, 8);
	fakedp_vxlan_del(t->f, VNI, &m, &vtep);
	fakedp_vxlan_del(t->f, VNI, &zero, &vtep);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_dests(t->f), 0);
}

static void foreign_vxlan_row_blocks_unless_it_says_the_same(void **state)
{
	struct recbed *t = *state;
	struct ip v2 = vtep_nr(2), v3 = vtep_nr(3);
	struct mac m = mac_nr(1);

	fakedp_vxlan_set(t->f, VNI, &m, &v2);
	fakedp_settle(t->d);
	want_fdb(t->d, 1, 3, 0);
	fakedp_settle(t->d);
	assert_non_null(shown(t->d, 1, "vxlan")->pending);
	assert_int_equal(shown(t->d, 1, "vxlan")->owner, DP_OWNER_FOREIGN);
	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	assert_null(shown(t->d, 1, "vxlan")->pending);
	unwant_fdb(t->d, 1);
	fakedp_settle(t->d);
	assert_true(fake_has_vxlan(t, 1));
	want_fdb(t->d, 1, 3, 0);
	fakedp_vxlan_del(t->f, VNI, &m, &v2);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 3);
	fakedp_vxlan_set(t->f, VNI, &(struct mac){ 0 }, &v3); /* a flood row */
	fakedp_settle(t->d);
	want_flood(t->d, vtep_nr(3), 0);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_flood(t->f, VNI, &v3).hand, FAKEDP_STATIC);
}

static void neighbours_by_other_hands_block_and_resolved_ones_are_local(void **state)
{
	struct recbed *t = *state;
	struct ip h1 = host_nr(1), h2 = host_nr(2), h3 = host_nr(3), h4 = host_nr(4);
	struct mac m = mac_nr(1);

	fakedp_neigh_set(t->f, VNI, &h1, &m, FAKEDP_KERNEL, 0);
	fakedp_neigh_set(t->f, VNI, &h2, &m, FAKEDP_STATIC, DP_ROUTER);
	fakedp_neigh_set(t->f, VNI, &h3, &m, FAKEDP_EXTERN, 0);
	fakedp_neigh_set(t->f, VNI, &h4, &m, FAKEDP_KERNEL, 0);
	fakedp_settle(t->d);
	assert_true(t->b.ip[1]);
	assert_true(t->b.ip[2]);
	assert_int_equal(t->b.flags[2], DP_LOCAL_STATIC | DP_LOCAL_ROUTER);
	assert_false(t->b.ip[3]);
	want_neigh(t->d, host_nr(1), 9, 0);
	want_neigh(t->d, host_nr(2), 9, DP_TAKE_OVER);
	want_neigh(t->d, host_nr(3), 9, DP_TAKE_OVER);
	want_neigh(t->d, host_nr(4), 9, DP_TAKE_OVER);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h1).mac.b[5], 1);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h2).mac.b[5], 1);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h3).mac.b[5], 1);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h4).mac.b[5], 9);
	fakedp_neigh_del(t->f, VNI, &h1);
	fakedp_settle(t->d);
	assert_false(t->b.ip[1]);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h1).mac.b[5], 9);
}

static void resolved_neighbour_with_the_same_mac_becomes_ours(void **state)
{
	struct recbed *t = *state;
	struct ip h = host_nr(1);
	struct mac m = mac_nr(1);

	fakedp_neigh_set(t->f, VNI, &h, &m, FAKEDP_KERNEL, 0);
	fakedp_settle(t->d);
	assert_true(t->b.ip[1]);
	want_neigh(t->d, host_nr(1), 1, 0);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h).hand, FAKEDP_US);
	assert_false(t->b.ip[1]);
}

/* ---- rows that are lost ------------------------------------------------------------------------------------------ */

static void bridge_row_deleted_by_another_comes_back_and_is_counted(void **state)
{
	struct recbed *t = *state;
	struct dp_stats s;

	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	fake_forget(t, 1);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	dp_stats(t->d, &s);
	assert_int_equal(s.repairs, 1);
}

static unsigned repairs(const struct recbed *t)
{
	struct dp_stats s;

	dp_stats(t->d, &s);
	return (unsigned)s.repairs;
}

/* With the same VTEP, too: what is left of ours bears the other's mark, and nothing would delete it after a restart. */
static void row_that_another_hand_rewrites_gets_our_mark_back_and_is_counted_once(void **state)
{
	struct recbed *t = *state;
	struct mac m = mac_nr(1);

	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	for (unsigned vtep = 2; vtep <= 3; vtep++) {
		struct ip v = vtep_nr(vtep);

		fakedp_vxlan_set(t->f, VNI, &m, &v);
		fakedp_settle(t->d);
		assert_fdb(t, 1, 2);
		assert_int_equal(fakedp_vxlan(t->f, VNI, &m).hand, FAKEDP_US);
		assert_int_equal(repairs(t), vtep - 1);
	}
	recbed_pass(t, 2000);
	fakedp_vxlan_del(t->f, VNI, &m, &(struct ip){ 0 });
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_int_equal(repairs(t), 3);
}

static void lost_object_brings_back_every_row_that_pointed_at_it(void **state)
{
	struct recbed *t = *state;
	struct ip v = vtep_nr(2);
	struct dp_stats s;

	for (unsigned i = 1; i <= 20; i++)
		want_fdb(t->d, i, 2 + i % 2, 0);
	fakedp_settle(t->d);
	fakedp_dest_del(t->f, &v);
	fakedp_settle(t->d);
	for (unsigned i = 1; i <= 20; i++)
		assert_fdb(t, i, 2 + i % 2);
	dp_stats(t->d, &s);
	assert_int_equal(s.repairs, 10);
}

static void reasserted_rows_are_written_again(void **state)
{
	struct mac m1 = mac_nr(1);
	struct recbed *t = *state;
	unsigned writes;

	want_fdb(t->d, 1, 2, 0);
	want_fdb(t->d, 2, 2, 0);
	fake_learn(t, 3, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	fakedp_lose(t->f, VNI, &m1);
	writes = fakedp_writes(t->f);
	dp_reassert(t->d);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_int_equal(fakedp_writes(t->f), writes + 2);
}

/* ---- show -------------------------------------------------------------------------------------------------------- */

static void show_yields_bridge_and_vxlan_rows_with_owners(void **state)
{
	struct recbed *t = *state;
	struct dp_cursor c = { 0 };
	struct dp_row_info i;
	unsigned n = 0;

	want_fdb(t->d, 1, 2, 0);
	fake_learn(t, 2, PORT_A, FAKEDP_KERNEL);
	fake_learn(t, 3, PORT_A, FAKEDP_STATIC);
	want_flood(t->d, vtep_nr(2), 0);
	want_neigh(t->d, host_nr(1), 1, 0);
	fakedp_settle(t->d);
	while (dp_next(t->d, &c, 0, &i))
		n++;
	assert_int_equal(n, 6);
	assert_int_equal(shown(t->d, 1, "bridge")->owner, DP_OWNER_EVPND);
	assert_true(shown(t->d, 1, "bridge")->desired && shown(t->d, 1, "bridge")->observed);
	assert_int_equal(shown(t->d, 1, "bridge")->ifindex, 1200);
	assert_int_equal(shown(t->d, 2, "bridge")->owner, DP_OWNER_KERNEL);
	assert_int_equal(shown(t->d, 2, "bridge")->ifindex, PORT_A);
	assert_false(shown(t->d, 2, "bridge")->desired);
	assert_null(shown(t->d, 2, "vxlan"));
	assert_int_equal(shown(t->d, 3, "bridge")->owner, DP_OWNER_FOREIGN);
}

#define T(name) cmocka_unit_test_setup_teardown(name, recbed_setup, recbed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(want_then_unwant_writes_and_deletes_both_rows),
		T(same_wish_twice_is_one_write),
		T(wishes_between_two_flushes_cost_one_write),
		T(want_and_unwant_unwritten_costs_nothing),
		T(wish_with_another_vtep_moves_the_row),
		T(flood_row_with_a_label_changes_label),
		T(neighbour_row_follows_its_wish),
		T(foreign_rows_get_no_destination_of_ours),
		T(foreign_vxlan_row_blocks_unless_it_says_the_same),
		T(neighbours_by_other_hands_block_and_resolved_ones_are_local),
		T(resolved_neighbour_with_the_same_mac_becomes_ours),
		T(bridge_row_deleted_by_another_comes_back_and_is_counted),
		T(row_that_another_hand_rewrites_gets_our_mark_back_and_is_counted_once),
		T(lost_object_brings_back_every_row_that_pointed_at_it),
		T(reasserted_rows_are_written_again),
		T(show_yields_bridge_and_vxlan_rows_with_owners),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * dataplane/reconcile: what is larger than a row comes and goes: evpnd itself, the
 * devices of a VNI, the VNI, the queue of events.
 */
#include <errno.h>

#include "tests/lib/recbed.h"
#include "tests/lib/test.h"

/* ---- restart ----------------------------------------------------------------------------------------------------- */

static void restart_adopts_rows_without_writing_them(void **state)
{
	struct recbed *t = *state;
	unsigned before;

	for (unsigned i = 1; i <= 50; i++)
		want_fdb(t->d, i, 2 + i % 3, 0);
	want_flood(t->d, vtep_nr(2), 0);
	want_neigh(t->d, host_nr(1), 1, 0);
	fakedp_settle(t->d);
	recbed_stop(t, false);
	before = fakedp_writes(t->f);
	recbed_start(t);
	recbed_pass(t, 5000);
	for (unsigned i = 1; i <= 40; i++)
		want_fdb(t->d, i, 2 + i % 3, 0);
	want_flood(t->d, vtep_nr(2), 0);
	want_neigh(t->d, host_nr(1), 1, 0);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_writes(t->f), before);
	for (unsigned i = 1; i <= 50; i++)
		assert_fdb(t, i, 2 + i % 3);
	recbed_pass(t, 5000); /* ten seconds: what nobody claimed goes */
	assert_int_equal(fakedp_writes(t->f), before + 10);
	assert_no_fdb(t, 50);
	assert_fdb(t, 40, 2 + 40 % 3);
}

static void sweep_on_request_takes_objects_without_rows_too(void **state)
{
	struct recbed *t = *state;

	want_fdb(t->d, 1, 2, 0);
	want_fdb(t->d, 2, 3, 0);
	fakedp_settle(t->d);
	recbed_stop(t, false);
	recbed_start(t);
	want_fdb(t->d, 1, 4, 0); /* another VTEP now */
	fakedp_settle(t->d);
	assert_fdb(t, 1, 4);
	assert_fdb(t, 2, 3);
	dp_sweep(t->d);
	fakedp_settle(t->d);
	assert_no_fdb(t, 2);
	assert_int_equal(fakedp_dests(t->f), 1);
}

/* A MAC of an Ethernet Segment may be told before those who are attached to it: it leads nowhere then. */
static void row_of_an_earlier_run_that_is_not_wanted_yet_stays(void **state)
{
	struct recbed *t = *state;
	unsigned before;

	want_fdb(t->d, 1, 2, 0);
	want_fdb(t->d, 2, 2, 0);
	fakedp_settle(t->d);
	recbed_stop(t, false);
	recbed_start(t);
	fakedp_settle(t->d);
	before = fakedp_writes(t->f);
	unwant_fdb(t->d, 1);
	unwant_fdb(t->d, 2);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_writes(t->f), before);
	unwant_fdb(t->d, 1); /* this it was for us to say */
	fakedp_settle(t->d);
	assert_no_fdb(t, 1);
	assert_fdb(t, 2, 2);
	dp_sweep(t->d);
	fakedp_settle(t->d);
	assert_no_fdb(t, 2);
}

static void stop_without_flush_leaves_everything(void **state)
{
	struct recbed *t = *state;

	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	recbed_stop(t, false);
	assert_fdb(t, 1, 2);
	recbed_start(t);
}

/* ---- devices and VNIs -------------------------------------------------------------------------------------------- */

static void device_that_vanishes_comes_back_with_its_rows(void **state)
{
	struct recbed *t = *state;

	want_fdb(t->d, 1, 2, 0);
	want_flood(t->d, vtep_nr(2), 0);
	fake_learn(t, 3, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[3], PORT_A);
	fakedp_devices(t->f, VNI, false, NULL);
	fakedp_settle(t->d);
	assert_false(t->b.ready);
	assert_int_equal(t->b.ifindex[3], 0);
	assert_string_equal(shown(t->d, 1, "vxlan")->pending, "the devices are not ready");
	want_fdb(t->d, 4, 2, 0);
	fakedp_settle(t->d);
	fakedp_devices(t->f, VNI, true, NULL);
	fakedp_settle(t->d);
	assert_true(t->b.ready);
	assert_fdb(t, 1, 2);
	assert_fdb(t, 4, 2);
}

static void device_with_a_problem_is_not_ready_and_its_rows_are_verified_after(void **state)
{
	struct recbed *t = *state;
	struct mac m = mac_nr(1);
	struct dp_vni_info i;

	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	fakedp_devices(t->f, VNI, true, "vxlan100 is down");
	fakedp_settle(t->d);
	assert_false(t->b.ready);
	assert_true(dp_vni_info(t->d, VNI, &i));
	assert_string_equal(i.problem, "vxlan100 is down");
	assert_false(i.ready);
	fakedp_lose(t->f, VNI, &m); /* without an event */
	fakedp_devices(t->f, VNI, true, NULL);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
}

static void vni_that_is_taken_away_loses_our_rows_only(void **state)
{
	struct recbed *t = *state;
	struct ip v3 = vtep_nr(3);
	struct mac m = mac_nr(2);

	want_fdb(t->d, 1, 2, 0);
	fakedp_vxlan_set(t->f, VNI, &m, &v3);
	fake_learn(t, 3, PORT_A, FAKEDP_STATIC);
	fakedp_settle(t->d);
	dp_vni_del(t->d, VNI);
	fakedp_settle(t->d);
	assert_no_fdb(t, 1);
	assert_true(fake_has_vxlan(t, 2));
	assert_int_equal(fake_port(t, 3), PORT_A);
	assert_false(dp_vni_info(t->d, VNI, &(struct dp_vni_info){ 0 }));
}

static void vni_that_is_wanted_again_before_it_was_gone_keeps_what_is_wanted(void **state)
{
	struct recbed *t = *state;
	struct dp_vni_params p = { .vni = VNI, .bridge = "br100", .vxlan = "vxlan100" };

	want_fdb(t->d, 1, 2, 0);
	want_fdb(t->d, 2, 2, 0);
	fake_learn(t, 3, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	assert_int_equal(dp_vni_add(t->d, &p), -EEXIST);
	dp_vni_del(t->d, VNI);
	t->b.ifindex[3] = 0;
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	want_fdb(t->d, 2, 2, 0);
	fakedp_settle(t->d);
	assert_fdb(t, 2, 2);
	assert_int_equal(t->b.ifindex[3], PORT_A);
	dp_sweep(t->d);
	fakedp_settle(t->d);
	assert_no_fdb(t, 1);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static void overrun_relearns_local_rows_before_ours_are_made_true(void **state)
{
	struct recbed *t = *state;
	struct mac m3 = mac_nr(3);
	struct dp_stats s;

	want_fdb(t->d, 1, 2, 0);
	want_fdb(t->d, 2, 2, 0);
	want_fdb(t->d, 3, 2, 0);
	fake_learn(t, 4, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	fakedp_overrun(t->f);
	fake_learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fake_learn(t, 2, PORT_B, FAKEDP_STATIC);
	fakedp_lose(t->f, VNI, &m3);
	fake_forget(t, 4);
	fakedp_settle(t->d);
	assert_int_equal(fake_port(t, 1), PORT_A);
	assert_int_equal(fake_port(t, 2), PORT_B);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	assert_int_equal(t->b.ifindex[2], PORT_B);
	assert_int_equal(t->b.ifindex[4], 0);
	assert_fdb(t, 3, 2);
	dp_stats(t->d, &s);
	assert_int_equal(s.overruns, 1);
}

static void rows_of_another_hand_that_went_unheard_make_room(void **state)
{
	struct recbed *t = *state;
	struct mac m[] = { { { 0 } }, mac_nr(1), mac_nr(2), mac_nr(3) };
	struct ip theirs = vtep_nr(9), ip = host_nr(1);

	fakedp_vxlan_set(t->f, VNI, &m[1], &theirs);
	fake_learn(t, 2, 0, FAKEDP_STATIC); /* on the vxlan port */
	fakedp_vxlan_set(t->f, VNI, &m[3], &theirs);
	fakedp_neigh_set(t->f, VNI, &ip, &m[3], FAKEDP_EXTERN, 0);
	want_fdb(t->d, 1, 2, 0);
	want_fdb(t->d, 2, 2, 0);
	want_neigh(t->d, ip, 1, 0);
	fakedp_settle(t->d);
	assert_no_fdb(t, 1);
	fakedp_overrun(t->f);
	fakedp_vxlan_del(t->f, VNI, &m[1], &theirs);
	fake_forget(t, 2);
	fakedp_vxlan_del(t->f, VNI, &m[3], &theirs);
	fakedp_neigh_del(t->f, VNI, &ip);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_fdb(t, 2, 2);
	assert_int_equal(fakedp_neigh(t->f, VNI, &ip).hand, FAKEDP_US);
	want_fdb(t->d, 3, 2, 0); /* one that is wished for only now */
	fakedp_settle(t->d);
	assert_fdb(t, 3, 2);
}

static void rows_of_another_hand_that_are_there_still_stay_when_events_were_lost(void **state)
{
	struct recbed *t = *state;
	struct mac m[] = { { { 0 } }, mac_nr(1), mac_nr(2) };
	struct ip theirs = vtep_nr(9), ip = host_nr(1);

	fakedp_vxlan_set(t->f, VNI, &m[1], &theirs);
	fakedp_vxlan_set(t->f, VNI, &m[2], &theirs);
	fakedp_neigh_set(t->f, VNI, &ip, &m[2], FAKEDP_EXTERN, 0);
	want_fdb(t->d, 1, 2, 0);
	want_neigh(t->d, ip, 1, 0);
	fakedp_settle(t->d);
	fakedp_overrun(t->f);
	fakedp_settle(t->d);
	want_fdb(t->d, 2, 2, 0);
	fakedp_settle(t->d);
	for (unsigned i = 1; i <= 2; i++)
		assert_int_equal(fakedp_vxlan(t->f, VNI, &m[i]).hand, FAKEDP_STATIC);
	assert_int_equal(fakedp_neigh(t->f, VNI, &ip).hand, FAKEDP_EXTERN);
}

static void row_of_another_hand_outlives_the_object_of_its_vtep(void **state)
{
	struct recbed *t = *state;
	struct mac m1 = mac_nr(1), m2 = mac_nr(2);
	struct ip vtep = vtep_nr(9);

	want_fdb(t->d, 3, 9, 0);
	fakedp_vxlan_set(t->f, VNI, &m1, &vtep);
	want_fdb(t->d, 1, 2, 0);
	fakedp_tunnel(t->f, VNI, &m2, &vtep);
	fakedp_settle(t->d);
	fakedp_dest_del(t->f, &vtep);
	fakedp_settle(t->d);
	assert_fdb(t, 3, 9);
	assert_int_equal(fakedp_vxlan(t->f, VNI, &m1).hand, FAKEDP_STATIC);
	assert_true(ip_eq(&t->b.far[2], &vtep));
	assert_int_equal(t->b.fars_gone, 0);
}

static void row_of_another_hand_does_not_hold_up_the_end_of_its_vtep(void **state)
{
	struct recbed *t = *state;
	struct mac m = mac_nr(100);
	struct ip vtep = vtep_nr(9);

	fakedp_vxlan_set(t->f, VNI, &m, &vtep);
	for (unsigned i = 1; i <= 80; i++)
		want_fdb(t->d, i, 9, 0);
	fakedp_settle(t->d);
	for (unsigned i = 1; i <= 80; i++)
		unwant_fdb(t->d, i);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_rows(t->f, VNI, FAKEDP_US), 0);
	assert_int_equal(fakedp_dests(t->f), 0);
	assert_int_equal(fakedp_vxlan(t->f, VNI, &m).hand, FAKEDP_STATIC);
}

#define T(name) cmocka_unit_test_setup_teardown(name, recbed_setup, recbed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(restart_adopts_rows_without_writing_them),
		T(sweep_on_request_takes_objects_without_rows_too),
		T(row_of_an_earlier_run_that_is_not_wanted_yet_stays),
		T(stop_without_flush_leaves_everything),
		T(device_that_vanishes_comes_back_with_its_rows),
		T(device_with_a_problem_is_not_ready_and_its_rows_are_verified_after),
		T(vni_that_is_taken_away_loses_our_rows_only),
		T(vni_that_is_wanted_again_before_it_was_gone_keeps_what_is_wanted),
		T(overrun_relearns_local_rows_before_ours_are_made_true),
		T(rows_of_another_hand_that_went_unheard_make_room),
		T(row_of_another_hand_outlives_the_object_of_its_vtep),
		T(row_of_another_hand_does_not_hold_up_the_end_of_its_vtep),
		T(rows_of_another_hand_that_are_there_still_stay_when_events_were_lost),
	};

	return RUN_TESTS(tests);
}

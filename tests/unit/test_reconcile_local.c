/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * dataplane/reconcile: MACs that sit on a port or were learned from the tunnel, what evpn
 * hears of them, and who has the row: the port, or a wish that may take it over.
 */
#include "tests/lib/recbed.h"
#include "tests/lib/test.h"

/* ---- what is told ------------------------------------------------------------------------------------------------ */

static void local_mac_is_told_with_its_port_and_kind(void **state)
{
	struct recbed *t = *state;

	fake_learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fake_learn(t, 2, PORT_B, FAKEDP_STATIC);
	fake_learn(t, 3, PORT_B, FAKEDP_EXTERN);
	fake_learn(t, 4, PORT_A, FAKEDP_OWN);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	assert_int_equal(t->b.flags[1], 0);
	assert_int_equal(t->b.ifindex[2], PORT_B);
	assert_int_equal(t->b.flags[2], DP_LOCAL_STATIC);
	assert_int_equal(t->b.ifindex[3], PORT_B);
	assert_int_equal(t->b.flags[3], 0);
	assert_int_equal(t->b.ifindex[4], 0);
	fake_learn(t, 1, PORT_B, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_B);
	assert_int_equal(t->b.macs_gone, 0);
	fake_forget(t, 1);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], 0);
	assert_int_equal(t->b.macs_gone, 1);
}

static void end_of_a_row_on_a_port_that_it_has_left_says_nothing(void **state)
{
	struct recbed *t = *state;
	struct dp_seen old = { .vni = rows_vni_find(&t->d->rec.rows, VNI), .kind = DP_FDB, .part = DP_PORT,
			       .state = DP_SEEN_NONE, .ifindex = PORT_A, .mac = mac_nr(1) };

	fake_learn(t, 1, PORT_B, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	dp_seen(t->d, &old); /* older than the dump that said B */
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_B);
	assert_int_equal(t->b.macs_gone, 0);
}

static void far(struct recbed *t, unsigned mac, unsigned vtep)
{
	struct mac m = mac_nr(mac);
	struct ip ip = vtep_nr(vtep);

	fakedp_tunnel(t->f, VNI, &m, &ip);
	fakedp_settle(t->d);
}

static void mac_learned_from_the_tunnel_is_told_until_a_port_or_a_wish_has_it(void **state)
{
	struct recbed *t = *state;
	struct ip v2 = vtep_nr(2), v3 = vtep_nr(3);

	far(t, 1, 2);
	assert_true(ip_eq(&t->b.far[1], &v2));
	far(t, 1, 3);
	assert_true(ip_eq(&t->b.far[1], &v3));
	assert_int_equal(t->b.fars, 2);
	assert_int_equal(t->b.fars_gone, 0);
	fake_learn(t, 1, PORT_A, FAKEDP_KERNEL); /* the bridge is asked first */
	fakedp_settle(t->d);
	assert_int_equal(t->b.far[1].len, 0);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	fake_forget(t, 1);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], 0);
	assert_true(ip_eq(&t->b.far[1], &v3));
	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	assert_int_equal(t->b.far[1].len, 0);
	unwant_fdb(t->d, 1);
	fakedp_settle(t->d);
	assert_int_equal(t->b.far[1].len, 0);
}

static void mac_learned_from_the_tunnel_ends_with_its_row(void **state)
{
	struct recbed *t = *state;
	struct mac m = mac_nr(1), lost = mac_nr(2);
	struct ip v2 = vtep_nr(2);

	far(t, 1, 2);
	far(t, 2, 2);
	fakedp_vxlan_del(t->f, VNI, &m, &v2);
	fakedp_settle(t->d);
	assert_int_equal(t->b.far[1].len, 0);
	fakedp_vxlan_del(t->f, VNI, &lost, &v2);
	fakedp_overrun(t->f); /* without a word */
	far(t, 1, 2);
	assert_int_equal(t->b.far[1].len, 4);
	assert_int_equal(t->b.far[2].len, 0);
	fakedp_devices(t->f, VNI, true, "a problem"); /* on_ready() looks */
	fakedp_settle(t->d);
	assert_int_equal(t->b.fars_gone, 3);
}

/* ---- a wish beside a local MAC ----------------------------------------------------------------------------------- */

static void row_of_a_local_mac_is_not_written_until_it_ages(void **state)
{
	struct recbed *t = *state;

	fake_learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	assert_int_equal(fake_port(t, 1), PORT_A);
	assert_non_null(shown(t->d, 1, "vxlan"));
	assert_string_equal(shown(t->d, 1, "vxlan")->pending, "the MAC sits on a local port");
	fake_forget(t, 1);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_int_equal(t->b.ifindex[1], 0);
	assert_null(shown(t->d, 1, "vxlan")->pending);
}

static void roaming_host_leaves_the_bridge_row_alone_and_loses_the_vxlan_row(void **state)
{
	struct recbed *t = *state;

	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	fake_learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	assert_true(fake_has_vxlan(t, 1)); /* evpn has not decided yet */
	unwant_fdb(t->d, 1);
	fakedp_settle(t->d);
	assert_int_equal(fake_port(t, 1), PORT_A);
	assert_false(fake_has_vxlan(t, 1));
}

/* ---- take over --------------------------------------------------------------------------------------------------- */

static void take_over_writes_over_a_dynamic_row_without_an_event(void **state)
{
	struct recbed *t = *state;
	unsigned events;

	fake_learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	events = t->b.events;
	want_fdb(t->d, 1, 2, DP_TAKE_OVER);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_int_equal(t->b.events, events);
}

static void take_over_never_goes_over_another_hand(void **state)
{
	static const enum fakedp_hand hands[] = { FAKEDP_STATIC, FAKEDP_EXTERN, FAKEDP_OWN };
	struct recbed *t = *state;

	for (unsigned i = 0; i < 3; i++) {
		fake_learn(t, i + 1, PORT_A, hands[i]);
		fakedp_settle(t->d);
		want_fdb(t->d, i + 1, 2, DP_TAKE_OVER);
		t->b.ifindex[i + 1] = 0;
		fakedp_settle(t->d);
		assert_int_equal(fake_port(t, i + 1), PORT_A);
		assert_int_equal(t->b.ifindex[i + 1], hands[i] == FAKEDP_OWN ? 0 : PORT_A);
		assert_non_null(shown(t->d, i + 1, "vxlan")->pending);
	}
}

static void host_that_comes_back_after_take_over_is_told_and_not_taken_again(void **state)
{
	struct recbed *t = *state;

	fake_learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	want_fdb(t->d, 1, 2, DP_TAKE_OVER);
	fakedp_settle(t->d);
	t->b.ifindex[1] = 0;
	fake_learn(t, 1, PORT_B, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_B);
	assert_int_equal(fake_port(t, 1), PORT_B);
	unwant_fdb(t->d, 1);
	fakedp_settle(t->d);
	assert_int_equal(fake_port(t, 1), PORT_B);
	assert_false(fake_has_vxlan(t, 1));
	want_fdb(t->d, 1, 3, DP_TAKE_OVER); /* and away again */
	fakedp_settle(t->d);
	assert_fdb(t, 1, 3);
}

static void take_over_does_not_reach_what_evpn_has_not_heard_of(void **state)
{
	struct recbed *t = *state;

	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	fake_learn(t, 1, PORT_A, FAKEDP_KERNEL); /* the event waits */
	want_fdb(t->d, 1, 3, DP_TAKE_OVER);
	fakedp_settle(t->d);
	assert_int_equal(fake_port(t, 1), PORT_A);
	assert_int_equal(t->b.ifindex[1], PORT_A);
}

static void local_event_between_take_over_and_its_write_counts_for_more(void **state)
{
	struct recbed *t = *state;

	fake_learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	t->b.ifindex[1] = 0;
	want_fdb(t->d, 1, 2, DP_TAKE_OVER);
	fake_learn(t, 1, PORT_B, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	assert_int_equal(fake_port(t, 1), PORT_B);
	assert_int_equal(t->b.ifindex[1], PORT_B);
}

static void take_over_taken_back_before_the_write_tells_the_local_mac_again(void **state)
{
	struct recbed *t = *state;

	fake_learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	t->b.ifindex[1] = 0; /* evpn forgets with the wish */
	want_fdb(t->d, 1, 2, DP_TAKE_OVER);
	unwant_fdb(t->d, 1);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	assert_int_equal(fake_port(t, 1), PORT_A);
}

#define T(name) cmocka_unit_test_setup_teardown(name, recbed_setup, recbed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(local_mac_is_told_with_its_port_and_kind),
		T(end_of_a_row_on_a_port_that_it_has_left_says_nothing),
		T(mac_learned_from_the_tunnel_is_told_until_a_port_or_a_wish_has_it),
		T(mac_learned_from_the_tunnel_ends_with_its_row),
		T(row_of_a_local_mac_is_not_written_until_it_ages),
		T(roaming_host_leaves_the_bridge_row_alone_and_loses_the_vxlan_row),
		T(take_over_writes_over_a_dynamic_row_without_an_event),
		T(take_over_never_goes_over_another_hand),
		T(host_that_comes_back_after_take_over_is_told_and_not_taken_again),
		T(take_over_does_not_reach_what_evpn_has_not_heard_of),
		T(local_event_between_take_over_and_its_write_counts_for_more),
		T(take_over_taken_back_before_the_write_tells_the_local_mac_again),
	};

	return RUN_TESTS(tests);
}

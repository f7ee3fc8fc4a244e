/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Duplicate MACs and addresses (RFC 7432 15.1, RFC 9161 3.7): what moves too often stays
 * put, until it may move again.
 */
#include <string.h>

#include "tests/lib/evpnworld.h"
#include "tests/lib/test.h"

static void vni(struct world *w, unsigned moves, unsigned recovery)
{
	struct config_rt rts[2];
	struct config_vni c = world_config(100, rts);

	c.mobility = (struct config_mobility){ moves, 180, recovery };
	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), 0);
}

static int setup(void **state)
{
	world_setup(state);
	vni(*state, 5, 540);
	return 0;
}

static struct route there(uint32_t seq)
{
	return (struct route){ .vtep = 20, .mac = 1, .seq = seq };
}

/* Moves 1 to 5 from the view of this VTEP; the fifth is one of the port's. */
static void fight(struct world *w)
{
	world_announce(w, there(0));
	for (unsigned i = 0; i < 3; i++) {
		world_learn(w, 1);
		if (i < 2)
			world_announce(w, there(2 * i + 2));
	}
}

static void duplicate_by_a_port_stays_behind_the_vtep(void **state)
{
	struct world *w = *state;
	struct evpn_mac_info info;

	fight(w);
	world_rows(w, "fdb 100 " M1 " 192.0.2.20\n"); /* no take-over: the kernel's port is left alone */
	world_ours(w, IMET);
	assert_int_equal(w->logged, 1);
	assert_non_null(strstr(w->last,
			       "vni 100 mac " M1 ": duplicate: moved 5 times within 180 s between port port7 and "
			       "VTEP 192.0.2.20; stays behind the VTEP until 'mac clear' or for 540 s"));
	assert_true(world_show_mac(w, 1, &info));
	assert_int_equal(info.state, EVPN_MAC_DUPLICATE);
	assert_int_equal(info.moves, 5);
	assert_int_equal(mtime_diff_us(w->now, info.recovers), 540000000);
	assert_string_equal(ip_str(&info.vtep).s, "192.0.2.20");
	assert_int_equal(info.ifindex, 7);

	world_sent(w, "+" IMET "+100 mac " M1 " seq 1\n-100 mac " M1 " seq 1\n+100 mac " M1 " seq 3\n-100 mac " M1
		      " seq 3\n");
	for (unsigned i = 0; i < 100; i++) {
		world_learn(w, 1);
		world_announce(w, there(100 + i));
	}
	world_sent(w, "");
	assert_int_equal(w->logged, 1);
	world_rows(w, "fdb 100 " M1 " 192.0.2.20\n");
}

static void duplicate_by_a_route_stays_on_the_port(void **state)
{
	struct world *w = *state;
	struct evpn_mac_info info;

	evpn_vni_del(w->e, 100);
	vni(w, 4, 540);
	world_learn(w, 1);
	world_learn_ip(w, 1, 1);
	world_announce(w, there(1)); /* not seen by local learning: opens no window (RFC 7432 15.1) */
	for (unsigned i = 1; i < 3; i++) {
		world_learn(w, 1);
		world_announce(w, there(2 * i + 1));
	}
	assert_true(world_show_mac(w, 1, &info));
	assert_int_equal(info.state, EVPN_MAC_DUPLICATE);
	assert_int_equal(info.moves, 4);
	assert_int_equal(info.sequence, 4);
	assert_int_equal(info.ifindex, 7);
	assert_string_equal(ip_str(&info.vtep).s, "192.0.2.20");
	assert_non_null(strstr(w->last, "stays on the port"));
	world_rows(w, "");
	world_ours(w, IMET "100 mac " M1 " 10.0.0.1 seq 4\n100 mac " M1 " seq 4\n");
	world_announce(w, there(50));
	world_learn(w, 1);
	world_rows(w, "");
	world_ours(w, IMET "100 mac " M1 " 10.0.0.1 seq 4\n100 mac " M1 " seq 4\n");
	world_leave(w, 1); /* gone here: the other place is the only one, but it has to be quiet for a while */
	world_rows(w, "fdb 100 " M1 " 192.0.2.20\n");
	world_ours(w, IMET);
	world_learn(w, 1);
	world_ours(w, IMET);
}

static void duplicate_may_move_again_after_its_time(void **state)
{
	struct world *w = *state;
	struct evpn_mac_info info;

	fight(w);
	world_pass(w, 539);
	world_ours(w, IMET);
	world_pass(w, 1); /* the port has shown it all the time */
	world_ours(w, IMET "100 mac " M1 " seq 5\n");
	world_rows(w, "");
	assert_true(world_show_mac(w, 1, &info));
	assert_int_equal(info.state, EVPN_MAC_LOCAL);
	assert_int_equal(info.moves, 0);
	world_announce(w, there(6));
	world_rows(w, "fdb 100 " M1 " 192.0.2.20 take-over\n");
	world_learn(w, 1);
	world_ours(w, IMET "100 mac " M1 " seq 7\n");
}

static void duplicate_is_cleared_by_hand(void **state)
{
	struct world *w = *state;
	struct mac m1 = world_mac(1), m2 = world_mac(2);

	fight(w);
	assert_int_equal(evpn_mac_clear(w->e, 100, &m2), 0);
	assert_int_equal(evpn_mac_clear(w->e, 200, NULL), 0);
	world_ours(w, IMET);
	assert_int_equal(evpn_mac_clear(w->e, 100, &m1), 1);
	world_ours(w, IMET "100 mac " M1 " seq 5\n");
	assert_int_equal(evpn_mac_clear(w->e, 0, NULL), 0);
	world_pass(w, 1000);
	world_ours(w, IMET "100 mac " M1 " seq 5\n");
}

static void duplicate_with_one_place_left_is_none(void **state)
{
	struct world *w = *state;

	fight(w);
	world_withdraw(w, there(0));
	world_ours(w, IMET "100 mac " M1 "\n");
	world_rows(w, "");
	world_leave(w, 1);
	fight(w);
	world_leave(w, 1); /* frozen there, and the port no longer shows it */
	world_withdraw(w, there(0));
	world_ours(w, IMET);
	world_rows(w, "");
}

static void duplicate_is_followed_between_vteps(void **state)
{
	struct world *w = *state;

	fight(w);
	world_announce(w, (struct route){ .vtep = 21, .mac = 1, .seq = 30 });
	world_rows(w, "fdb 100 " M1 " 192.0.2.21\n");
	world_withdraw(w, there(0));
	world_rows(w, "fdb 100 " M1 " 192.0.2.21\n");
	world_withdraw(w, (struct route){ .vtep = 21, .mac = 1 });
	world_ours(w, IMET "100 mac " M1 "\n");
}

static void duplicate_that_someone_pins_is_where_it_is_pinned(void **state)
{
	struct world *w = *state;
	struct mac m = world_mac(1);
	struct route r = there(9);

	fight(w);
	w->port->local_mac(w->e, 100, &m, 7, DP_LOCAL_STATIC);
	world_ours(w, IMET "100 mac " M1 " seq 5 sticky\n");
	world_leave(w, 1);
	fight(w);
	r.sticky = true;
	world_announce(w, r);
	world_rows(w, "fdb 100 " M1 " 192.0.2.20 sticky\n");
	world_withdraw(w, r);
	world_ours(w, IMET "100 mac " M1 "\n"); /* it was barred from its port, which shows it still */
}

/* The last move but one has been; then it is set by hand on a port. */
static void pinned_to_a_port_is_no_move(void **state)
{
	struct world *w = *state;
	struct mac m = world_mac(1);

	world_announce(w, there(0));
	for (unsigned i = 0; i < 2; i++) {
		world_learn(w, 1);
		world_announce(w, there(2 * i + 2));
	}
	w->port->local_mac(w->e, 100, &m, 7, DP_LOCAL_STATIC);
	world_rows(w, "");
	world_ours(w, IMET "100 mac " M1 " seq 5 sticky\n");
	assert_int_equal(w->logged, 0);
}

static void moves_far_enough_apart_are_none(void **state)
{
	struct world *w = *state;
	struct evpn_mac_info info;

	world_announce(w, there(0));
	for (unsigned i = 0; i < 100; i++) {
		world_learn(w, 1);
		world_pass(w, 100);
		world_announce(w, there(2 * i + 2));
		world_pass(w, 100);
	}
	assert_int_equal(w->logged, 0);
	assert_true(world_show_mac(w, 1, &info));
	assert_int_equal(info.state, EVPN_MAC_REMOTE);
	assert_int_equal(info.moves, 0);
}

static void detection_off_and_without_recovery(void **state)
{
	struct world *w = *state;

	evpn_vni_del(w->e, 100);
	vni(w, 0, 540);
	for (unsigned i = 0; i < 1000; i++) {
		world_learn(w, 1);
		world_announce(w, there(2 * i + 1));
	}
	assert_int_equal(w->logged, 0);
	evpn_vni_del(w->e, 100);
	world_withdraw(w, there(0));
	vni(w, 2, 0);
	world_announce(w, there(0));
	world_learn(w, 1);
	world_announce(w, there(2));
	assert_int_equal(w->logged, 1);
	assert_non_null(strstr(w->last, "stays on the port until 'mac clear'"));
	assert_null(strstr(w->last, "or for"));
	assert_int_equal(evpn_deadline(w->e).us, MTIME_NEVER.us);
}

static void duplicate_of_its_vni_goes_with_it(void **state)
{
	struct world *w = *state;
	struct evpn_memory mem;

	fight(w);
	world_learn_ip(w, 1, 1);
	evpn_vni_del(w->e, 100);
	evpn_memory(w->e, &mem);
	assert_int_equal(mem.macs, 0);
	assert_int_equal(evpn_deadline(w->e).us, MTIME_NEVER.us);
	assert_int_equal(evpn_mac_clear(w->e, 0, NULL), 0);
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */

static void address_between_two_macs(void **state)
{
	struct world *w = *state;
	struct evpn_cursor c = { .vni = 100 };
	struct evpn_arp_info info;
	struct mac m = world_mac(1);

	world_learn(w, 1);
	world_learn(w, 2);
	for (unsigned i = 0; i < 6; i++)
		world_learn_ip(w, 1, 1 + i % 2);
	assert_int_equal(w->logged, 1);
	assert_non_null(strstr(w->last, "vni 100 ip 10.0.0.1: duplicate: moved 5 times within 180 s, between " M1
					" and " M2 " at last; not advertised until 'mac clear' or its recovery"));
	world_ours(w, IMET "100 mac " M1 "\n100 mac " M2 "\n");
	assert_true(evpn_arp_next(w->e, &c, &info));
	assert_int_equal(info.state, EVPN_MAC_DUPLICATE);
	for (unsigned i = 0; i < 99; i++)
		world_learn_ip(w, 1, 1 + i % 2);
	world_ours(w, IMET "100 mac " M1 "\n100 mac " M2 "\n");
	world_leave(w, 1);
	world_learn(w, 1); /* its MAC is new here: still not */
	world_ours(w, IMET "100 mac " M1 "\n100 mac " M2 "\n");
	world_pass(w, 540);
	world_ours(w, IMET "100 mac " M1 "\n100 mac " M1 " 10.0.0.1\n100 mac " M2 "\n");
	for (unsigned i = 0; i < 6; i++)
		world_learn_ip(w, 1, 2 - i % 2);
	world_learn_ip(w, 1, 1);
	assert_int_equal(evpn_mac_clear(w->e, 100, &m), 1); /* by the MAC that it is bound to */
	world_ours(w, IMET "100 mac " M1 "\n100 mac " M1 " 10.0.0.1\n100 mac " M2 "\n");
}

static void address_between_a_port_and_a_vtep(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 20, .mac = 2, .ip = 1 };

	world_learn(w, 1);
	world_announce(w, r);
	for (unsigned i = 0; i < 5; i++) {
		world_rows(w, "fdb 100 " M2 " 192.0.2.20\nneigh 100 10.0.0.1 " M2 "\n");
		world_learn_ip(w, 1, 1);
		world_rows(w, "fdb 100 " M2 " 192.0.2.20\n");
		if (i < 4)
			world_leave_ip(w, 1);
	}
	assert_int_equal(w->logged, 1);
	world_ours(w, IMET "100 mac " M1 "\n");
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(duplicate_by_a_port_stays_behind_the_vtep),
		test(duplicate_by_a_route_stays_on_the_port),
		test(duplicate_may_move_again_after_its_time),
		test(duplicate_is_cleared_by_hand),
		test(duplicate_with_one_place_left_is_none),
		test(duplicate_is_followed_between_vteps),
		test(duplicate_that_someone_pins_is_where_it_is_pinned),
		test(pinned_to_a_port_is_no_move),
		test(moves_far_enough_apart_are_none),
		test(detection_off_and_without_recovery),
		test(duplicate_of_its_vni_goes_with_it),
		test(address_between_two_macs),
		test(address_between_a_port_and_a_vtep),
	};

	return RUN_TESTS(tests);
}

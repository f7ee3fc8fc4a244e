/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* evpn/mac and evpn/neigh: what routes and ports make of the tables, in rows wanted and routes originated. */
#include <stdio.h>
#include <string.h>

#include "tests/lib/evpnworld.h"
#include "tests/lib/test.h"

static int setup(void **state)
{
	world_setup_100(state);
	world_sent(*state, "+" IMET);
	return 0;
}

/* ---- remote only ------------------------------------------------------------------------------------------------- */

static void mac_remote_comes_and_goes(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 2, .mac = 1 };

	world_announce(w, r);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\n");
	world_withdraw(w, r);
	world_rows(w, "");
}

static void mac_stays_while_any_route_of_it_is_there(void **state)
{
	struct world *w = *state;
	struct route mac = { .vtep = 2, .mac = 1 }, one = { .vtep = 2, .mac = 1, .ip = 1 },
		     two = { .vtep = 2, .mac = 1, .ip = 2 };

	world_announce(w, one);
	world_announce(w, two);
	world_announce(w, mac);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\nneigh 100 10.0.0.1 " M1 "\nneigh 100 10.0.0.2 " M1 "\n");
	world_withdraw(w, mac);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\nneigh 100 10.0.0.1 " M1 "\nneigh 100 10.0.0.2 " M1 "\n");
	world_announce(w, mac);
	world_withdraw(w, one);
	world_withdraw(w, two);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\n");
	world_withdraw(w, mac);
	world_rows(w, "");
}

static void mac_two_rds_the_rules_choose(void **state)
{
	struct world *w = *state;
	struct route a = { .vtep = 2, .mac = 1 }, b = { .vtep = 3, .mac = 1 };

	world_announce(w, b);
	world_rows(w, "fdb 100 " M1 " 192.0.2.3\n");
	world_announce(w, a); /* same sequence: lower VTEP */
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\n");
	b.seq = 1;
	world_announce(w, b);
	world_rows(w, "fdb 100 " M1 " 192.0.2.3\n");
	a.sticky = true;
	world_announce(w, a);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2 sticky\n");
	a.sticky = false;
	world_announce(w, a);
	world_rows(w, "fdb 100 " M1 " 192.0.2.3\n");
	world_withdraw(w, b);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\n");
	world_withdraw(w, a);
	world_rows(w, "");
}

static void mac_sequence_wraps(void **state)
{
	struct world *w = *state;

	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .seq = 0xffffffff });
	world_announce(w, (struct route){ .vtep = 3, .mac = 1, .seq = 1 });
	world_rows(w, "fdb 100 " M1 " 192.0.2.3\n");
	world_learn(w, 1);
	world_ours(w, IMET "100 mac " M1 " seq 2\n");
	world_announce(w, (struct route){ .vtep = 3, .mac = 1, .seq = 0xffffffff });
	world_leave(w, 1);
	world_learn(w, 1);
	world_ours(w, IMET "100 mac " M1 "\n"); /* the one after 0xffffffff: 0, without a community */
}

/* The best of a MAC with many claims goes away first, again and again. */
static void mac_of_many_rds_falls_back_in_order(void **state)
{
	struct world *w = *state;
	char text[64];

	for (unsigned v = 10; v < 60; v++)
		world_announce(w, (struct route){ .vtep = v, .mac = 1, .seq = v, .ip = v % 2 ? v : 0 });
	for (unsigned v = 59; v >= 10; v--) {
		struct dp_key key = dp_key_fdb(100, &(struct mac){ { 2, 0, 0, 0, 0, 1 } });
		const struct dp_row *row = recdp_find(w->dp, &key);

		snprintf(text, sizeof(text), "192.0.2.%u", v);
		assert_non_null(row);
		assert_string_equal(ip_str(&row->vtep).s, text);
		world_withdraw(w, (struct route){ .vtep = v, .mac = 1, .ip = v % 2 ? v : 0 });
	}
	world_rows(w, "");
}

static void mac_label_of_another_vni_is_sent_with(void **state)
{
	struct world *w = *state;

	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .label = 7777 });
	world_rows(w, "fdb 100 " M1 " 192.0.2.2 label 7777\n");
	world_announce(w, (struct route){ .vtep = 2, .mac = 1 });
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\n");
}

/* ---- local ------------------------------------------------------------------------------------------------------- */

static void mac_local_is_advertised_and_withdrawn(void **state)
{
	struct world *w = *state;
	struct evpn_mac_info info;

	world_learn(w, 1);
	world_sent(w, "+100 mac " M1 "\n");
	world_learn(w, 1); /* another port: nothing to tell */
	world_sent(w, "");
	assert_true(world_show_mac(w, 1, &info));
	assert_int_equal(info.state, EVPN_MAC_LOCAL);
	assert_int_equal(info.ifindex, 7);
	assert_string_equal(info.reason, "learned on a port");
	world_leave(w, 1);
	world_sent(w, "-100 mac " M1 "\n");
	world_leave(w, 1);
	world_sent(w, "");
	assert_false(world_show_mac(w, 1, &info));
	world_rows(w, "");
}

static void mac_moves_here_with_the_next_sequence(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 2, .mac = 1, .seq = 6 };
	struct evpn_mac_info info;

	world_announce(w, r);
	world_learn(w, 1);
	world_rows(w, "");
	world_sent(w, "+100 mac " M1 " seq 7\n");
	world_withdraw(w, r); /* the loser's */
	world_sent(w, "");
	assert_true(world_show_mac(w, 1, &info));
	assert_int_equal(info.sequence, 7);
	assert_string_equal(info.reason, "moved here from a VTEP");
}

static void mac_moves_away_and_takes_the_row_over(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 2, .mac = 1, .seq = 1 };

	world_learn(w, 1);
	world_announce(w, r);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2 take-over\n");
	world_sent(w, "+100 mac " M1 "\n-100 mac " M1 "\n");
	r.vtep = 3;
	r.seq = 2;
	world_announce(w, r);
	world_rows(w, "fdb 100 " M1 " 192.0.2.3 take-over\n");
	world_leave(w, 1); /* late word of the old port */
	world_rows(w, "fdb 100 " M1 " 192.0.2.3 take-over\n");
	world_learn(w, 1);
	world_rows(w, "");
	world_sent(w, "+100 mac " M1 " seq 3\n");
	world_leave(w, 1);
	world_rows(w, "fdb 100 " M1 " 192.0.2.3\n"); /* nothing local to take over from */
	world_sent(w, "-100 mac " M1 " seq 3\n");
}

static void mac_same_sequence_lower_vtep_has_it(void **state)
{
	struct world *w = *state;
	struct evpn_mac_info info;

	world_learn(w, 1);
	world_announce(w, (struct route){ .vtep = 10, .mac = 1 }); /* we are .9 */
	world_rows(w, "");
	world_announce(w, (struct route){ .vtep = 8, .mac = 1 });
	world_rows(w, "fdb 100 " M1 " 192.0.2.8 take-over\n");
	world_ours(w, IMET);
	assert_true(world_show_mac(w, 1, &info));
	assert_string_equal(info.reason, "route with the same sequence from a lower VTEP");
}

static void mac_local_gone_falls_back_to_the_route(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 2, .mac = 1, .ip = 1 };

	world_announce(w, r);
	world_learn(w, 1);
	world_rows(w, ""); /* its MAC is here: nobody else answers for the address */
	world_leave(w, 1);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\nneigh 100 10.0.0.1 " M1 "\n");
	world_withdraw(w, r);
}

/* ---- static ------------------------------------------------------------------------------------------------------ */

static void learn_static(struct world *w, unsigned mac)
{
	struct mac m = world_mac(mac);

	w->port->local_mac(w->e, 100, &m, 7, DP_LOCAL_STATIC);
}

static void sticky_local_stays_against_a_higher_sequence(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 2, .mac = 1, .seq = 5 };
	struct evpn_mac_info info;

	learn_static(w, 1);
	world_sent(w, "+100 mac " M1 " sticky\n");
	assert_int_equal(w->logged, 0);
	world_announce(w, r);
	world_rows(w, "");
	world_sent(w, "");
	assert_int_equal(w->logged, 1);
	r.seq = 6;
	world_announce(w, r);
	assert_int_equal(w->logged, 1); /* once */
	assert_true(world_show_mac(w, 1, &info));
	assert_int_equal(info.state, EVPN_MAC_CONFLICT);
	assert_true(info.sticky);
	assert_string_equal(ip_str(&info.vtep).s, "192.0.2.2");
	world_withdraw(w, r);
	assert_true(world_show_mac(w, 1, &info));
	assert_int_equal(info.state, EVPN_MAC_LOCAL);
	world_sent(w, "");
}

static void sticky_remote_bars_a_port(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 2, .mac = 1, .sticky = true };
	struct evpn_mac_info info;

	world_announce(w, r);
	world_learn(w, 1);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2 sticky take-over\n");
	world_sent(w, "");
	assert_int_equal(w->logged, 1);
	assert_non_null(strstr(w->last, M1));
	world_learn(w, 1); /* the dataplane insists: then the row waits */
	world_rows(w, "fdb 100 " M1 " 192.0.2.2 sticky\n");
	assert_int_equal(w->logged, 1);
	assert_true(world_show_mac(w, 1, &info));
	assert_int_equal(info.state, EVPN_MAC_CONFLICT);
	assert_int_equal(info.ifindex, 7);
	world_leave(w, 1);
	assert_true(world_show_mac(w, 1, &info));
	assert_int_equal(info.state, EVPN_MAC_REMOTE);
	world_learn(w, 1);
	world_withdraw(w, r); /* the port has to show it again: the row was the dataplane's to lose */
	world_rows(w, "");
	assert_false(world_show_mac(w, 1, &info));
	world_learn(w, 1);
	world_sent(w, "+100 mac " M1 "\n");
}

static void sticky_remote_takes_a_mobile_local(void **state)
{
	struct world *w = *state;

	world_learn(w, 1);
	world_announce(w, (struct route){ .vtep = 20, .mac = 1, .sticky = true });
	world_rows(w, "fdb 100 " M1 " 192.0.2.20 sticky take-over\n");
	world_sent(w, "+100 mac " M1 "\n-100 mac " M1 "\n");
	assert_int_equal(w->logged, 1);
}

static void sticky_flag_of_a_local_changes(void **state)
{
	struct world *w = *state;

	world_learn(w, 1);
	learn_static(w, 1);
	world_learn(w, 1);
	world_sent(w, "+100 mac " M1 "\n+100 mac " M1 " sticky\n+100 mac " M1 "\n");
	learn_static(w, 1);
	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .seq = 5 });
	world_sent(w, "+100 mac " M1 " sticky\n");
	world_learn(w, 1); /* mobile again, and a port says it is here */
	world_sent(w, "+100 mac " M1 " seq 6\n");
}

static void conflict_lines_are_limited(void **state)
{
	struct world *w = *state;

	for (unsigned i = 1; i <= 1000; i++) {
		learn_static(w, i);
		world_announce(w, (struct route){ .vtep = 2, .mac = i, .seq = 1 });
	}
	assert_in_range(w->logged, 1, 20);
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */

static void ip_before_its_mac_waits(void **state)
{
	struct world *w = *state;
	struct evpn_mac_info info;

	world_learn_ip(w, 1, 1);
	world_sent(w, "");
	assert_false(world_show_mac(w, 1, &info));
	world_learn(w, 1);
	world_sent(w, "+100 mac " M1 "\n+100 mac " M1 " 10.0.0.1\n");
	world_leave(w, 1);
	world_sent(w, "-100 mac " M1 " 10.0.0.1\n-100 mac " M1 "\n");
	world_leave_ip(w, 1);
	world_learn(w, 1);
	world_sent(w, "+100 mac " M1 "\n");
}

static void ip_follows_its_mac_and_its_sequence(void **state)
{
	struct world *w = *state;

	world_learn(w, 1);
	world_learn_ip(w, 1, 1);
	world_sent(w, "+100 mac " M1 "\n+100 mac " M1 " 10.0.0.1\n");
	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .seq = 1 });
	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .ip = 1, .seq = 1 });
	world_sent(w, "-100 mac " M1 " 10.0.0.1\n-100 mac " M1 "\n");
	world_rows(w, "fdb 100 " M1 " 192.0.2.2 take-over\nneigh 100 10.0.0.1 " M1 " take-over\n");
	world_learn(w, 1);
	world_rows(w, "");
	world_sent(w, "+100 mac " M1 " seq 2\n");
	world_learn_ip(w, 1, 1);
	world_sent(w, "+100 mac " M1 " 10.0.0.1 seq 2\n");
}

/* The dataplane still has the binding when its MAC comes back: nobody took the row meanwhile. */
static void ip_is_readvertised_when_its_mac_comes_back(void **state)
{
	struct world *w = *state;

	world_learn(w, 1);
	world_learn_ip(w, 1, 1);
	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .seq = 1 });
	world_sent(w, "+100 mac " M1 "\n+100 mac " M1 " 10.0.0.1\n-100 mac " M1 " 10.0.0.1\n-100 mac " M1 "\n");
	world_learn(w, 1);
	world_sent(w, "+100 mac " M1 " seq 2\n+100 mac " M1 " 10.0.0.1 seq 2\n");
	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .ip = 1, .seq = 1 }); /* late: our binding holds */
	world_rows(w, "");
	world_sent(w, "");
}

static void ip_moves_to_another_mac(void **state)
{
	struct world *w = *state;

	world_learn(w, 1);
	world_learn(w, 2);
	world_learn_ip(w, 1, 1);
	world_sent(w, "+100 mac " M1 "\n+100 mac " M2 "\n+100 mac " M1 " 10.0.0.1\n");
	world_learn_ip(w, 1, 2);
	world_sent(w, "-100 mac " M1 " 10.0.0.1\n+100 mac " M2 " 10.0.0.1\n");
	world_leave_ip(w, 1);
	world_sent(w, "-100 mac " M2 " 10.0.0.1\n");
}

static void ip_of_a_local_host_keeps_our_row_away(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 2, .mac = 2, .ip = 1 };

	world_announce(w, r);
	world_rows(w, "fdb 100 " M2 " 192.0.2.2\nneigh 100 10.0.0.1 " M2 "\n");
	world_learn_ip(w, 1, 1); /* heard of before its MAC: not ours to overwrite */
	world_rows(w, "fdb 100 " M2 " 192.0.2.2\n");
	world_learn(w, 1);
	world_ours(w, IMET "100 mac " M1 "\n100 mac " M1 " 10.0.0.1\n");
	world_rows(w, "fdb 100 " M2 " 192.0.2.2\n");
	world_leave_ip(w, 1);
	world_rows(w, "fdb 100 " M2 " 192.0.2.2\nneigh 100 10.0.0.1 " M2 "\n");
	world_learn_ip(w, 1, 1);
	world_leave(w, 1); /* the host is gone: whoever has the address now gets the row */
	world_rows(w, "fdb 100 " M2 " 192.0.2.2\nneigh 100 10.0.0.1 " M2 " take-over\n");
	world_withdraw(w, r);
	world_rows(w, "");
}

/* The kernel has asked the remote host itself, before its route came: our row says the same and may be there. */
static void ip_that_says_the_same_does_not_hinder(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 2, .mac = 1, .ip = 1 };

	world_learn_ip(w, 1, 1);
	world_announce(w, r);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\nneigh 100 10.0.0.1 " M1 "\n");
	world_learn(w, 1); /* it is here after all */
	world_rows(w, "");
	world_ours(w, IMET "100 mac " M1 " 10.0.0.1 seq 1\n100 mac " M1 " seq 1\n");
}

static void ip_at_two_macs_one_row(void **state)
{
	struct world *w = *state;
	struct route a = { .vtep = 2, .mac = 2, .ip = 1 }, b = { .vtep = 2, .mac = 1, .ip = 1 };

	world_announce(w, a);
	world_announce(w, b);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\nfdb 100 " M2 " 192.0.2.2\nneigh 100 10.0.0.1 " M1 "\n");
	a.seq = 1;
	world_announce(w, a);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\nfdb 100 " M2 " 192.0.2.2\nneigh 100 10.0.0.1 " M2 "\n");
	world_withdraw(w, a);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\nneigh 100 10.0.0.1 " M1 "\n");
	world_withdraw(w, b);
	world_rows(w, "");
}

static void ip_router_flag_is_carried(void **state)
{
	struct world *w = *state;
	struct ip ip;
	struct mac m = world_mac(2);

	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .ip6 = "2001:db8::1", .router = true });
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\nneigh 100 2001:db8::1 " M1 " router\n");
	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .ip6 = "2001:db8::1", .not_router = true });
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\nneigh 100 2001:db8::1 " M1 "\n");
	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .ip6 = "2001:db8::1" }); /* RFC 9161: the default */
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\nneigh 100 2001:db8::1 " M1 " router\n");
	assert_true(ip_parse("fe80::2", &ip));
	world_learn(w, 2);
	w->port->local_ip(w->e, 100, &ip, &m, DP_LOCAL_ROUTER);
	world_sent(w, "+100 mac " M2 "\n+100 mac " M2 " fe80::2 router\n");
	w->port->local_ip(w->e, 100, &ip, &m, DP_LOCAL_ROUTER);
	world_sent(w, "");
	w->port->local_ip(w->e, 100, &ip, &m, 0);
	world_sent(w, "+100 mac " M2 " fe80::2\n");
}

/* Of two routes of one VTEP the R flag is all that tells them apart: the row is the same whichever came first. */
static void ip_router_flag_does_not_depend_on_the_order(void **state)
{
	struct world *w = *state;
	struct route r[2] = { { .vtep = 2, .mac = 1, .ip6 = "fd00::1", .not_router = true },
			      { .vtep = 2, .mac = 1, .ip6 = "fd00::1", .router = true, .rd = 77 } };

	for (unsigned i = 0; i < 2; i++) {
		world_announce(w, r[i]);
		world_announce(w, r[!i]);
		world_rows(w, "fdb 100 " M1 " 192.0.2.2\nneigh 100 fd00::1 " M1 " router\n");
		world_withdraw(w, r[0]);
		world_withdraw(w, r[1]);
	}
}

static void ip_that_no_host_can_have_is_skipped(void **state)
{
	static const char *const bad[] = { "0.0.0.0", "224.0.0.1", "ff02::1", "::", "127.0.0.1", "255.255.255.255" };
	struct world *w = *state;
	struct mac m = world_mac(1), group = { { 1, 0, 0x5e, 0, 0, 1 } };
	struct ip ip = world_ip(1);

	world_learn(w, 1);
	world_sent(w, "+100 mac " M1 "\n");
	w->port->local_mac(w->e, 100, &group, 7, 0);
	w->port->local_ip(w->e, 100, &ip, &group, 0);
	w->port->local_mac(w->e, 999, &m, 7, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_true(ip_parse(bad[i], &ip));
		w->port->local_ip(w->e, 100, &ip, &m, 0);
	}
	world_sent(w, "");
}

static void counters_follow(void **state)
{
	struct world *w = *state;
	struct evpn_vni_info info;

	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .ip = 1 });
	world_announce(w, (struct route){ .vtep = 2, .mac = 2 });
	world_learn(w, 3);
	world_learn_ip(w, 3, 3);
	assert_true(evpn_vni_find(w->e, 100, &info));
	assert_int_equal(info.local_macs, 1);
	assert_int_equal(info.remote_macs, 2);
	assert_int_equal(info.local_ips, 1);
	assert_int_equal(info.remote_ips, 1);
	world_learn(w, 2);
	world_learn_ip(w, 1, 1);
	assert_true(evpn_vni_find(w->e, 100, &info));
	assert_int_equal(info.local_macs, 2);
	assert_int_equal(info.remote_macs, 1);
	assert_int_equal(info.local_ips, 2);
	assert_int_equal(info.remote_ips, 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(mac_remote_comes_and_goes),
		test(mac_stays_while_any_route_of_it_is_there),
		test(mac_two_rds_the_rules_choose),
		test(mac_sequence_wraps),
		test(mac_of_many_rds_falls_back_in_order),
		test(mac_label_of_another_vni_is_sent_with),
		test(mac_local_is_advertised_and_withdrawn),
		test(mac_moves_here_with_the_next_sequence),
		test(mac_moves_away_and_takes_the_row_over),
		test(mac_same_sequence_lower_vtep_has_it),
		test(mac_local_gone_falls_back_to_the_route),
		test(sticky_local_stays_against_a_higher_sequence),
		test(sticky_remote_bars_a_port),
		test(sticky_remote_takes_a_mobile_local),
		test(sticky_flag_of_a_local_changes),
		test(conflict_lines_are_limited),
		test(ip_before_its_mac_waits),
		test(ip_follows_its_mac_and_its_sequence),
		test(ip_is_readvertised_when_its_mac_comes_back),
		test(ip_moves_to_another_mac),
		test(ip_of_a_local_host_keeps_our_row_away),
		test(ip_that_says_the_same_does_not_hinder),
		test(ip_at_two_macs_one_row),
		test(ip_router_flag_is_carried),
		test(ip_router_flag_does_not_depend_on_the_order),
		test(ip_that_no_host_can_have_is_skipped),
		test(counters_follow),
	};

	return RUN_TESTS(tests);
}

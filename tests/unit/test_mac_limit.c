/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* MAC limits of VNIs and ports: what is above one waits, and nothing of it is advertised. */
#include <string.h>

#include "tests/lib/evpnworld.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

static void vni(struct world *w, uint32_t limit, uint32_t of_port)
{
	struct config_port ports[] = { { .name = (char *)(uintptr_t) "port7", .mac_limit = of_port } };
	struct config_rt rts[2];
	struct config_vni c = world_config(100, rts);

	c.mac_limit = limit;
	c.ports = ports;
	c.n_ports = 1;
	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), 0);
	world_sent(w, "+100 imet 192.0.2.9\n");
}

static void learn_on(struct world *w, unsigned mac, unsigned port, uint8_t flags)
{
	struct mac m = world_mac(mac);

	w->port->local_mac(w->e, 100, &m, port, flags);
}

static struct evpn_vni_info info(struct world *w)
{
	struct evpn_vni_info i;

	assert_true(evpn_vni_find(w->e, 100, &i));
	return i;
}

static void counts(struct world *w, uint32_t learned, uint32_t over)
{
	struct evpn_vni_info i = info(w);

	assert_int_equal(i.mac_limit.learned, learned);
	assert_int_equal(i.mac_limit.over, over);
}

static const char *state_of(struct world *w, unsigned mac)
{
	struct evpn_mac_info i;

	return world_show_mac(w, mac, &i) ? evpn_mac_state_name(i.state) : "none";
}

static void what_is_above_the_limit_waits_for_room(void **state)
{
	struct world *w = *state;

	vni(w, 2, 0);
	world_learn(w, 1);
	assert_int_equal(w->logged, 0);
	world_learn(w, 2);
	assert_int_equal(w->logged, 1);
	assert_string_equal(w->last, "vni 100: mac-limit 2 is reached: MACs above it are not advertised");
	world_learn(w, 3);
	world_learn(w, 3);
	world_sent(w, "+100 mac " M1 "\n+100 mac " M2 "\n");
	counts(w, 2, 1);
	assert_string_equal(state_of(w, 3), "limited");
	assert_true(info(w).mac_limit.reached);
	world_leave(w, 1);
	world_sent(w, "-100 mac " M1 "\n");
	world_pass(w, 2);
	world_sent(w, "+100 mac " M3 "\n");
	counts(w, 2, 0);
	assert_string_equal(state_of(w, 3), "local");
}

static void a_limit_is_said_once_until_there_is_room_again(void **state)
{
	struct world *w = *state;

	vni(w, 20, 0);
	for (unsigned i = 1; i <= 20; i++)
		world_learn(w, i);
	assert_int_equal(w->logged, 1);
	for (unsigned i = 0; i < 5; i++) {
		world_leave(w, 1);
		world_learn(w, 1);
	}
	assert_int_equal(w->logged, 1);
	world_leave(w, 1);
	assert_true(info(w).mac_limit.reached);
	world_leave(w, 2); /* a tenth */
	assert_false(info(w).mac_limit.reached);
	world_learn(w, 1);
	world_learn(w, 2);
	assert_int_equal(w->logged, 3);
}

static void one_that_waits_may_go(void **state)
{
	struct world *w = *state;

	vni(w, 1, 0);
	world_learn(w, 1);
	world_learn(w, 2);
	world_leave(w, 2);
	counts(w, 1, 0);
	assert_string_equal(state_of(w, 2), "none");
	world_sent(w, "+100 mac " M1 "\n");
}

static void what_is_set_by_hand_counts_for_nothing(void **state)
{
	struct world *w = *state;

	vni(w, 1, 0);
	learn_on(w, 1, 7, DP_LOCAL_STATIC);
	learn_on(w, 2, 7, 0);
	learn_on(w, 3, 7, DP_LOCAL_STATIC);
	counts(w, 1, 0);
	world_sent(w, "+100 mac " M1 " sticky\n+100 mac " M2 "\n+100 mac " M3 " sticky\n");
	learn_on(w, 1, 7, 0); /* now it counts, and there is no room */
	world_sent(w, "-100 mac " M1 " sticky\n");
	counts(w, 1, 1);
}

static void a_port_has_its_own_limit(void **state)
{
	struct world *w = *state;

	vni(w, 3, 1);
	learn_on(w, 1, 7, 0);
	learn_on(w, 2, 7, 0);
	learn_on(w, 3, 8, 0);
	world_sent(w, "+100 mac " M1 "\n+100 mac " M3 "\n");
	assert_int_equal(info(w).n_port_limits, 1);
	assert_int_equal(info(w).port_limits[0].ifindex, 7);
	assert_int_equal(info(w).port_limits[0].limit, 1);
	assert_int_equal(info(w).port_limits[0].learned, 1);
	assert_int_equal(info(w).port_limits[0].over, 1);
	counts(w, 2, 1);
	learn_on(w, 3, 7, 0); /* it has moved to where there is no room */
	world_sent(w, "-100 mac " M3 "\n");
	counts(w, 1, 2);
	learn_on(w, 1, 8, 0);
	world_pass(w, 2);
	counts(w, 2, 1);
}

static void one_that_waits_and_moves_to_a_vtep_follows_it(void **state)
{
	struct world *w = *state;

	vni(w, 1, 0);
	world_learn(w, 1);
	world_learn(w, 2);
	world_sent(w, "+100 mac " M1 "\n");
	world_announce(w, (struct route){ .vtep = 2, .mac = 2 });
	world_rows(w, "fdb 100 " M2 " 192.0.2.2 take-over\n");
	counts(w, 1, 0);
	assert_string_equal(state_of(w, 2), "remote");
	world_learn(w, 2); /* back, and there is no room: the VTEP's route stays what is known of it */
	counts(w, 1, 1);
	world_sent(w, "");
	assert_string_equal(state_of(w, 2), "remote");
	world_withdraw(w, (struct route){ .vtep = 2, .mac = 2 });
	assert_string_equal(state_of(w, 2), "limited");
	world_leave(w, 1);
	world_pass(w, 2);
	assert_string_equal(state_of(w, 2), "local");
}

/* A gateway's MAC is barred from its port, another takes the room, the gateway goes. */
static void one_that_was_barred_waits_for_room(void **state)
{
	struct world *w = *state;
	struct route gateway = { .vtep = 2, .mac = 1, .gateway = true };

	vni(w, 1, 0);
	world_announce(w, gateway);
	world_learn(w, 1);
	world_learn(w, 1); /* the row has not taken it */
	world_learn(w, 2);
	world_withdraw(w, gateway);
	world_rows(w, "");
	counts(w, 1, 1);
	assert_string_equal(state_of(w, 1), "limited");
	world_sent(w, "+100 mac " M2 "\n");
	world_leave(w, 2);
	world_pass(w, 2);
	world_sent(w, "-100 mac " M2 "\n+100 mac " M1 "\n");
	counts(w, 1, 0);
}

/* A duplicate that is kept behind its VTEP, and above the limit on its port. */
static void a_duplicate_waits_for_room(void **state)
{
	struct world *w = *state;
	struct config_rt rts[2];
	struct config_vni c = world_config(100, rts);

	c.mac_limit = 1;
	c.mobility = (struct config_mobility){ .moves = 1, .window = 100 };
	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), 0);
	world_announce(w, (struct route){ .vtep = 2, .mac = 1 });
	world_learn(w, 1);
	assert_string_equal(state_of(w, 1), "duplicate");
	world_learn(w, 2);
	world_learn(w, 1);
	counts(w, 1, 1);
	world_leave(w, 2);
	world_withdraw(w, (struct route){ .vtep = 2, .mac = 1 });
	counts(w, 0, 1);
	assert_string_equal(state_of(w, 1), "limited");
	world_pass(w, 2);
	assert_string_equal(state_of(w, 1), "local");
	counts(w, 1, 0);
}

static void addresses_wait_with_their_mac(void **state)
{
	struct world *w = *state;

	vni(w, 1, 0);
	world_learn(w, 1);
	world_learn(w, 2);
	world_learn_ip(w, 2, 2);
	world_sent(w, "+100 mac " M1 "\n");
	world_leave(w, 1);
	world_pass(w, 2);
	world_sent(w, "-100 mac " M1 "\n+100 mac " M2 "\n+100 mac " M2 " 10.0.0.2\n");
}

static void a_vni_that_goes_forgets_who_waits(void **state)
{
	struct world *w = *state;

	vni(w, 1, 1);
	for (unsigned i = 1; i < 10; i++)
		learn_on(w, i, 7 + i % 2, 0);
	evpn_vni_del(w->e, 100);
	world_pass(w, 2);
	assert_string_equal(state_of(w, 2), "none");
}

/* Against an obvious model: who is where; and no port or VNI has too many, or too few while someone waits. */
static void random_moves_keep_the_counts_true(void **state)
{
	struct rng r = rng_start("test_mac_limit");

	for (unsigned run = 0; run < 200; run++) {
		struct world *w = *state;
		unsigned local = 0, waits = 0, at7 = 0, local7 = 0;
		struct buf said;
		unsigned port_of[16] = { 0 };

		vni(w, 5, 3);
		for (unsigned step = 0; step < 200; step++) {
			unsigned mac = 1 + rng_below(&r, 15), what = rng_below(&r, 10);

			if (what < 6) {
				port_of[mac] = 7 + rng_below(&r, 2);
				learn_on(w, mac, port_of[mac], 0);
			} else if (what < 8) {
				port_of[mac] = 0;
				world_leave(w, mac);
			} else {
				world_pass(w, 2);
			}
		}
		world_pass(w, 2);
		for (unsigned mac = 1; mac < 16; mac++) {
			bool is_local = !strcmp(state_of(w, mac), "local");

			assert_string_equal(state_of(w, mac), !port_of[mac] ? "none" : is_local ? "local" : "limited");
			local += is_local;
			waits += port_of[mac] && !is_local;
			at7 += port_of[mac] == 7;
			local7 += is_local && port_of[mac] == 7;
		}
		counts(w, local, waits);
		assert_true(local <= 5 && local7 <= 3);
		if (waits && local < 5) /* only for want of room on the port */
			assert_true(local7 == 3 && waits == at7 - local7);
		evpn_vni_del(w->e, 100);
		buf_init(&said);
		stubbgp_log(w->bgp, &said);
		buf_fini(&said);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_above_the_limit_waits_for_room),
		T(a_limit_is_said_once_until_there_is_room_again),
		T(one_that_waits_may_go),
		T(what_is_set_by_hand_counts_for_nothing),
		T(a_port_has_its_own_limit),
		T(one_that_waits_and_moves_to_a_vtep_follows_it),
		T(one_that_was_barred_waits_for_room),
		T(a_duplicate_waits_for_room),
		T(addresses_wait_with_their_mac),
		T(a_vni_that_goes_forgets_who_waits),
		T(random_moves_keep_the_counts_true),
	};

	return RUN_TESTS(tests);
}

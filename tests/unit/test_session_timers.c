/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * An engine against a peer by hand that is silent or does not read: hold and send hold
 * timers, and what waits for a slow reader. Timers between two engines are test_session's.
 */
#include "tests/lib/test.h"

#include <stdio.h>

#include "tests/lib/rawworld.h"

static void silence_after_connecting_ends_after_four_minutes(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	assert_true(raw_connect(&w.raw));
	raw_run(&w, 239 * S);
	assert_false(raw_closed(&w.raw));
	raw_run(&w, 1 * S);
	raw_expect_end(&w, 4, 0, "");
	raw_world_end(&w);
}

static void a_stopped_process_listens_before_it_gives_up(void **state)
{
	struct raw_world w;
	struct mtime late;

	raw_world_start(&w, (struct raw_setup){ .raw.hold_time = 9 });
	raw_establish(&w.raw);
	late = mtime_add_us(simnet_now(w.net), 60 * S);
	bgp_run_timers(sim_bgp(w.dut), late);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	late = bgp_deadline(sim_bgp(w.dut)); /* and nothing came */
	bgp_run_timers(sim_bgp(w.dut), late);
	assert_int_not_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(raw_info(&w).last_out.code, 4);
	raw_world_end(&w);
}

static void updates_and_keepalives_keep_a_session_and_refreshes_do_not(void **state) /* RFC 4271 8.2.2 */
{
	static const struct {
		const char *hex;
		bool keeps;
	} cases[] = {
		{ KEEPALIVE, true },
		{ MARKER "0017 02 0000 0000", true },
		{ MARKER "0017 05 00190046", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw_world w;

		raw_world_start(&w, (struct raw_setup){ .raw.hold_time = 9 });
		raw_establish(&w.raw);
		for (int n = 0; n < 4; n++) {
			raw_run(&w, 3 * S);
			raw_send_hex(&w.raw, cases[i].hex);
		}
		raw_run(&w, 100 * MS);
		assert_int_equal(!raw_closed(&w.raw), cases[i].keeps);
		raw_run(&w, 10 * S);
		raw_expect_end(&w, 4, 0, "");
		raw_world_end(&w);
	}
}

static void a_peer_that_does_not_read_is_ended_and_costs_nothing(void **state) /* RFC 9687 */
{
	struct raw_setup s = { .raw.hold_time = 90, .net.window = 4096 };
	struct bgp_memory before, after;
	struct raw_world w;
	char key[16];

	raw_world_start(&w, s);
	raw_establish(&w.raw);
	raw_run(&w, 1 * S);
	sim_raw_read(w.raw.end, false);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "route %u", i);
		routes_originate(sim_bgp(w.dut), key, 1, simnet_now(w.net));
	}
	raw_run(&w, 1 * S);
	bgp_memory(sim_bgp(w.dut), &before);
	for (int i = 0; i < 47; i++) { /* it still says that it lives */
		raw_send_keepalive(&w.raw);
		raw_run(&w, 10 * S);
		for (unsigned k = 0; k < 1000; k++) {
			snprintf(key, sizeof(key), "route %u", k);
			routes_originate(sim_bgp(w.dut), key, (unsigned)i, simnet_now(w.net));
		}
	}
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	bgp_memory(sim_bgp(w.dut), &after);
	assert_int_equal(after.out_bytes, before.out_bytes);
	raw_send_keepalive(&w.raw);
	raw_run(&w, 20 * S);
	assert_int_not_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(raw_info(&w).last_out.code, 8);
	assert_int_equal(lines_count(&w.lines, "Established -> Idle (send hold timer expired"), 1);
	raw_world_end(&w);
}

static void with_a_long_hold_time_it_is_twice_that(void **state) /* RFC 9687 4 */
{
	struct raw_setup s = { .raw.hold_time = 400, .peer.hold_time = 400, .net.window = 512 };
	struct raw_world w;
	char key[16];

	raw_world_start(&w, s);
	raw_establish(&w.raw);
	sim_raw_read(w.raw.end, false);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "route %u", i);
		routes_originate(sim_bgp(w.dut), key, 1, simnet_now(w.net));
	}
	for (int i = 0; i < 79; i++) {
		raw_send_keepalive(&w.raw);
		raw_run(&w, 10 * S);
	}
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	raw_run(&w, 20 * S);
	assert_int_equal(raw_info(&w).last_out.code, 8);
	raw_world_end(&w);
}

static void a_slow_reader_gets_the_last_state_and_not_the_history(void **state)
{
	struct raw_setup s = { .net.window = 4096 };
	struct raw_msg m;
	unsigned updates = 0;
	struct raw_world w;
	char key[16];

	raw_world_start(&w, s);
	raw_establish(&w.raw);
	raw_run(&w, 1 * S);
	raw_flush(&w.raw);
	sim_raw_read(w.raw.end, false);
	for (unsigned i = 0; i < 50; i++) {
		for (unsigned k = 0; k < 200; k++) {
			snprintf(key, sizeof(key), "route %u", k);
			routes_originate(sim_bgp(w.dut), key, i, simnet_now(w.net));
		}
		raw_run(&w, 100 * MS);
	}
	sim_raw_read(w.raw.end, true);
	raw_run(&w, 1 * S);
	while (raw_next(&w.raw, &m))
		updates += m.type == 2;
	assert_in_range(updates, 1, 20);
	assert_int_equal(raw_info(&w).prefixes_sent, 200);
	assert_int_equal(raw_info(&w).pending, 0);
	raw_world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_after_connecting_ends_after_four_minutes),
		cmocka_unit_test(a_stopped_process_listens_before_it_gives_up),
		cmocka_unit_test(updates_and_keepalives_keep_a_session_and_refreshes_do_not),
		cmocka_unit_test(a_peer_that_does_not_read_is_ended_and_costs_nothing),
		cmocka_unit_test(with_a_long_hold_time_it_is_twice_that),
		cmocka_unit_test(a_slow_reader_gets_the_last_state_and_not_the_history),
	};

	return RUN_TESTS(tests);
}

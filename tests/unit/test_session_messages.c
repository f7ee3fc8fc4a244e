/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * An engine against a peer by hand: OPENs and NOTIFICATIONs that are wrong, early or late, and octets that are
 * no messages or come in pieces; what is answered and what is said of it. UPDATEs are test_session_update's.
 */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/hex.h"
#include "tests/lib/rawworld.h"
#include "tests/lib/rng.h"

/* ---- order ------------------------------------------------------------------------------------------------------- */

static void messages_before_their_time_are_fsm_errors(void **state) /* RFC 6608 */
{
	static const struct {
		const char *hex;
		bool open_first;
		uint8_t subcode;
	} cases[] = {
		{ KEEPALIVE, false, 1 },
		{ MARKER "0017 02 0000 0000", false, 1 },
		{ MARKER "0017 05 00190046", false, 1 },
		{ MARKER "0017 02 0000 0000", true, 2 },
		{ MARKER "0017 05 00190046", true, 2 },
		{ MARKER "001d 01 04 fde9 005a c0000202 00", true, 2 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw_world w;

		raw_world_start(&w, (struct raw_setup){ 0 });
		assert_true(raw_connect(&w.raw));
		if (cases[i].open_first)
			raw_send_open(&w.raw);
		raw_send_hex(&w.raw, cases[i].hex);
		raw_expect_end(&w, 5, cases[i].subcode, "");
		assert_int_equal(raw_info(&w).state, BGP_ACTIVE);
		assert_int_equal(lines_count(&w.lines, "remote peer 192.0.2.2: NOTIFICATION 5/"), 1);
		assert_int_equal(raw_info(&w).connect_retries, 1);
		assert_int_equal(raw_info(&w).out.notification, 1);
		raw_world_end(&w);
	}
}

static void an_open_in_a_session_is_an_fsm_error(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_open(&w.raw);
	raw_expect_end(&w, 5, 3, "");
	assert_int_equal(w.seen.downs, 1);
	raw_world_end(&w);
}

static void a_notification_is_never_answered(void **state) /* RFC 4271 6.4 */
{
	struct raw_msg m;

	for (int established = 0; established < 2; established++) {
		struct raw_world w;

		raw_world_start(&w, (struct raw_setup){ 0 });
		if (established)
			raw_establish(&w.raw);
		else
			assert_true(raw_connect(&w.raw));
		raw_flush(&w.raw);
		raw_send_hex(&w.raw, MARKER "0015 03 06c8");
		raw_run(&w, 100 * MS);
		assert_true(raw_closed(&w.raw));
		assert_false(raw_next(&w.raw, &m));
		assert_int_equal(raw_info(&w).last_in.code, 6);
		assert_int_equal(raw_info(&w).last_in.subcode, 200);
		assert_string_equal(raw_info(&w).last_in.text, "cease");
		assert_int_equal(raw_info(&w).in.notification, 1);
		/* The end of a session is a line of its own. */
		assert_int_equal(lines_count(&w.lines, "remote peer 192.0.2.2: NOTIFICATION 6/200 received"),
				 !established);
		assert_false(raw_info(&w).last_out.set);
		raw_world_end(&w);
	}
}

/* ---- OPEN -------------------------------------------------------------------------------------------------------- */

static void our_open_says_what_we_can(void **state)
{
	struct raw_setup s = { .asn = 4200000000u, .peer = { .asn = 65002, .role = CAP_ROLE_PEER, .hold_time = 30 } };
	struct raw_msg m;
	struct raw_world w;

	raw_world_start(&w, s);
	w.raw.end = sim_raw_connect(w.raw.node, w.dut);
	assert_true(raw_wait(&w.raw, 1, 20 * MS, &m));
	hex_assert("OPEN", m.body, m.len,
		   "04 5ba0 001e c0000201 1b 02 19 010400190046 0200 0600 4104fa56ea00 4600 40024000 090104");
	raw_world_end(&w);
}

static void what_is_wrong_with_an_open_is_said(void **state)
{
	static const struct {
		const char *body; /* of the OPEN */
		uint8_t subcode;
	} cases[] = {
		{ "04 fde9 005a 00000000 10 02 0e 010400190046 0200 41040000fde9", 3 },
		{ "04 fde9 005a c0000201 10 02 0e 010400190046 0200 41040000fde9", 3 }, /* our own */
		{ "04 0000 005a c0000202 10 02 0e 010400190046 0200 41040000fde9", 2 },
		{ "04 5ba0 005a c0000202 0a 02 08 010400190046 0200", 2 }, /* AS_TRANS without the capability */
		{ "04 fde9 0001 c0000202 10 02 0e 010400190046 0200 41040000fde9", 6 },
		{ "04 fde9 0002 c0000202 10 02 0e 010400190046 0200 41040000fde9", 6 },
		{ "04 fde9 005a c0000202 10 01 0e 010400190046 0200 41040000fde9", 4 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char hex[256];
		uint8_t tmp[128];
		struct raw_world w;

		raw_world_start(&w, (struct raw_setup){ 0 });
		assert_true(raw_connect(&w.raw));
		snprintf(hex, sizeof(hex), MARKER "%04zx 01 %s", 19 + hex_bytes(cases[i].body, tmp, sizeof(tmp)),
			 cases[i].body);
		raw_send_hex(&w.raw, hex);
		raw_expect_end(&w, 2, cases[i].subcode, "");
		raw_world_end(&w);
	}
}

static void without_a_common_family_the_wanted_ones_are_named(void **state) /* RFC 5492 5 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	assert_true(raw_connect(&w.raw));
	raw_send_hex(&w.raw, MARKER "0025 01 04 fde9 005a c0000202 08 02 06 4104 0000fde9");
	raw_expect_end(&w, 2, 7, "0104 0019 00 46");
	raw_world_end(&w);
}

static void a_version_error_is_no_fault_of_ours_to_wait_for(void **state) /* RFC 4271 8.2.2, event 24 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	assert_true(raw_connect(&w.raw));
	raw_send_hex(&w.raw, MARKER "0017 03 0201 0004");
	raw_run(&w, 10 * MS);
	assert_int_equal(w.peer->hold_back_s, 0);
	raw_drop(&w.raw);
	assert_true(raw_connect(&w.raw));
	raw_send_hex(&w.raw, MARKER "0015 03 0202");
	raw_run(&w, 10 * MS);
	assert_int_equal(w.peer->hold_back_s, 1);
	raw_world_end(&w);
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static void the_reason_of_a_state_says_its_error_once(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .raw.asn = 65009 });
	assert_true(raw_connect(&w.raw));
	raw_send_open(&w.raw);
	raw_run(&w, 10 * MS);
	assert_string_equal(raw_info(&w).reason,
			    "OPEN message error/bad peer AS: it is in AS 65009, configured is AS 65001");
	hex_assert("message", raw_info(&w).last_out.message, 24, MARKER "002d 01 04 fdf1 005a");
	raw_world_end(&w);
}

static void a_shutdown_text_is_shown_without_its_control_characters(void **state) /* RFC 9003 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_hex(&w.raw, MARKER "001c 03 0602 06 62791b5b310a");
	raw_run(&w, 100 * MS);
	assert_string_equal(raw_info(&w).last_in.text, "cease/administrative shutdown: by\\x1b[1\\x0a");
	assert_int_equal(lines_count(&w.lines, "info peer 192.0.2.2: Established -> Idle (NOTIFICATION received: "
					       "cease/administrative shutdown: by\\x1b[1\\x0a)"), 1);
	hex_assert("data", raw_info(&w).last_in.data, raw_info(&w).last_in.data_len, "0662791b5b310a");
	raw_world_end(&w);
}

static void a_peer_that_comes_and_goes_does_not_fill_the_log(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	w.lines.log.level = LOG_INFO;
	for (int i = 0; i < 100; i++) {
		raw_establish(&w.raw);
		raw_run(&w, 60 * MS);
		raw_drop(&w.raw);
		raw_run(&w, 60 * MS);
	}
	assert_int_equal(raw_info(&w).established_count, 100);
	assert_in_range(lines_count(&w.lines, "Established"), 40, 60);
	assert_true(lines_count(&w.lines, "more lines of this kind left out") > 0);
	raw_run(&w, 60 * S); /* quiet again: all is said again */
	lines_clear(&w.lines);
	raw_establish(&w.raw);
	assert_int_equal(lines_count(&w.lines, "OpenConfirm -> Established"), 1);
	raw_world_end(&w);
}

/* ---- framing ----------------------------------------------------------------------------------------------------- */

static void a_stream_may_be_cut_anywhere(void **state)
{
	struct rng r = rng_start("a_stream_may_be_cut_anywhere");
	uint8_t all[65536], one[256];
	struct wbuf out;

	for (int round = 0; round < 50; round++) {
		struct raw_world w;
		size_t len, at = 0, step;

		raw_world_start(&w, (struct raw_setup){ 0 });
		raw_establish(&w.raw);
		out = wb_init(all, sizeof(all));
		for (unsigned i = 0; i < 100; i++) {
			char hex[512];
			size_t n;

			snprintf(hex, sizeof(hex), MARKER "0000 02 0000 0000" ROUTE("%06x") ATTRS, 0x6b0000 + i);
			n = hex_bytes(hex, one, sizeof(one));
			one[16] = (uint8_t)(n >> 8);
			one[17] = (uint8_t)n;
			one[22] = (uint8_t)(n - 23);
			wb_bytes(&out, one, n);
			wb_bytes(&out, one, hex_bytes(KEEPALIVE, one, sizeof(one)));
		}
		len = wb_len(&out);
		for (; at < len; at += step) {
			step = 1 + rng_below(&r, 200);
			step = step < len - at ? step : len - at;
			sim_raw_send(w.raw.end, all + at, step);
		}
		raw_run(&w, 100 * MS);
		assert_int_equal(w.seen.best, 100);
		assert_int_equal(raw_info(&w).in.update, 100);
		assert_int_equal(raw_info(&w).in.keepalive, 101);
		raw_world_end(&w);
	}
}

static void a_long_length_is_not_waited_for(void **state) /* RFC 4271 6.1 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .net.piece = 1 });
	raw_establish(&w.raw);
	raw_send_hex(&w.raw, MARKER "ffff 02");
	raw_expect_end(&w, 1, 2, "ffff");
	raw_world_end(&w);
}

static void random_octets_do_no_harm(void **state)
{
	struct rng r = rng_start("random_octets_do_no_harm");
	struct bgp_memory m;
	struct raw_world w;
	uint8_t data[512];

	raw_world_start(&w, (struct raw_setup){ 0 });
	for (int i = 0; i < 300; i++) {
		size_t n = rng_below(&r, sizeof(data) - 19);

		raw_run(&w, 110 * MS);
		raw_establish(&w.raw);
		memset(data, 0xff, 16);
		data[16] = (uint8_t)((n + 19) >> 8);
		data[17] = (uint8_t)(n + 19);
		data[18] = (uint8_t)(1 + rng_below(&r, 5));
		for (size_t k = 0; k < n; k++)
			data[19 + k] = (uint8_t)(rng_below(&r, 3) ? rng_below(&r, 256) : rng_below(&r, 4));
		sim_raw_send(w.raw.end, data, n + 19);
		raw_run(&w, 10 * MS);
		raw_drop(&w.raw);
	}
	raw_run(&w, 1 * S);
	bgp_memory(sim_bgp(w.dut), &m);
	assert_int_equal(m.conns, 0);
	assert_int_equal(m.paths, 0);
	assert_int_equal(m.sets, 0);
	raw_world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_before_their_time_are_fsm_errors),
		cmocka_unit_test(an_open_in_a_session_is_an_fsm_error),
		cmocka_unit_test(a_notification_is_never_answered),
		cmocka_unit_test(our_open_says_what_we_can),
		cmocka_unit_test(what_is_wrong_with_an_open_is_said),
		cmocka_unit_test(without_a_common_family_the_wanted_ones_are_named),
		cmocka_unit_test(a_version_error_is_no_fault_of_ours_to_wait_for),
		cmocka_unit_test(the_reason_of_a_state_says_its_error_once),
		cmocka_unit_test(a_shutdown_text_is_shown_without_its_control_characters),
		cmocka_unit_test(a_peer_that_comes_and_goes_does_not_fill_the_log),
		cmocka_unit_test(a_stream_may_be_cut_anywhere),
		cmocka_unit_test(a_long_length_is_not_waited_for),
		cmocka_unit_test(random_octets_do_no_harm),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What is kept of a neighbor that is away, for how long, and what ends it: graceful restart as its helper (RFC 4724,
 * 8538), long-lived (9494), and refreshes (7313) both ways.
 */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/hex.h"
#include "tests/lib/rawworld.h"

#define GR "4006 000a 00194600 "         /* 10 s for EVPN */
#define GR_BACK "4006 800a 00194680 "    /* R, F */
#define GR_N "4006 400a 00194600 "
#define GR_N_BACK "4006 c00a 00194680 "
#define GR_NO_TIME "4006 0000 00194680 "
#define LONG "4707 00194680 000064 "     /* F, 100 s */
#define ENHANCED "4600 "
#define REFRESH(subtype) MARKER "0017 05 0019 " subtype " 46"
#define END_OF_RIB "800f03 0019 46"
#define HARD_RESET MARKER "0017 03 06 09 06 02"

static void start(struct raw_world *w, const char *caps)
{
	struct raw_setup s = { .raw.caps = caps, .restart_time = 120, .long_lived_time = 3600 };

	raw_world_start(w, s);
	raw_establish(&w->raw);
}

static void announce(struct raw_world *w, unsigned key)
{
	char attrs[160];

	snprintf(attrs, sizeof(attrs), REACH("0f", "03%06x0173") ATTRS, key);
	raw_send_update(&w->raw, attrs);
	raw_run(w, 5 * MS);
}

static void announce_n(struct raw_world *w, unsigned from, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		announce(w, from + i);
}

static void back(struct raw_world *w, const char *caps)
{
	w->raw.p.caps = caps;
	raw_establish(&w->raw);
}

static void end_of_rib(struct raw_world *w)
{
	raw_send_update(&w->raw, END_OF_RIB);
	raw_run(w, 20 * MS);
}

static void say(struct raw_world *w, const char *hex)
{
	raw_send_hex(&w->raw, hex);
	raw_run(w, 20 * MS);
}

/* ---- graceful restart -------------------------------------------------------------------------------------------- */

static void a_lost_connection_keeps_routes_for_the_restart_time(void **state)
{
	struct raw_world w;

	start(&w, GR);
	announce_n(&w, 1, 3);
	raw_drop(&w.raw);
	raw_run(&w, 9 * S);
	assert_int_not_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(w.seen.best, 3);
	assert_int_equal(raw_info(&w).stale, 3);
	assert_int_equal(raw_info(&w).prefixes_received, 3);
	raw_run(&w, 1100 * MS);
	assert_int_equal(w.seen.best, 0);
	assert_int_equal(raw_info(&w).stale, 0);
	assert_int_equal(raw_info(&w).prefixes_received, 0);
	assert_int_equal(lines_count(&w.lines, "3 stale test routes purged: the neighbor is not back in time"), 1);
	raw_world_end(&w);
}

static void without_the_capability_nothing_is_kept(void **state)
{
	static const char *const caps[] = { "", "4002 000a ", "4006 000a 00010100 ", "4006 0000 00194600 ",
					    "4005 000a 001946 " /* malformed */, LONG };

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		struct raw_world w;

		start(&w, caps[i]);
		announce_n(&w, 1, 3);
		raw_drop(&w.raw);
		raw_run(&w, 100 * MS);
		assert_int_equal(w.seen.best, 0);
		raw_world_end(&w);
	}
}

static void the_last_instance_of_the_capability_counts(void **state) /* RFC 4724 3 */
{
	struct raw_world w;

	start(&w, GR "4002 000a ");
	announce_n(&w, 1, 3);
	raw_drop(&w.raw);
	raw_run(&w, 100 * MS);
	assert_int_equal(w.seen.best, 0);
	raw_world_end(&w);
}

static void back_in_time_what_is_announced_again_stays(void **state)
{
	struct raw_world w;
	unsigned changes;

	start(&w, GR);
	announce_n(&w, 1, 3);
	raw_drop(&w.raw);
	raw_run(&w, 5 * S);
	changes = w.seen.changes;
	back(&w, GR_BACK);
	assert_int_equal(w.seen.best, 3);
	announce_n(&w, 1, 2);
	assert_int_equal(raw_info(&w).stale, 1);
	raw_run(&w, 60 * S); /* the restart timer was for the session */
	assert_int_equal(w.seen.changes, changes); /* nobody has noticed anything */
	end_of_rib(&w);
	assert_int_equal(w.seen.best, 2);
	assert_int_equal(raw_info(&w).stale, 0);
	assert_true(raw_info(&w).stale_end.us == MTIME_NEVER.us);
	assert_int_equal(lines_count(&w.lines, "1 stale test routes purged: not announced again before End-of-RIB"), 1);
	raw_world_end(&w);
}

static void who_has_not_kept_its_forwarding_begins_anew(void **state) /* RFC 4724 4.2 */
{
	static const char *const caps[] = { "", "4002 800a ", "4006 800a 00194600 ", "4006 800a 00010180 " };

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		struct raw_world w;

		start(&w, GR);
		announce_n(&w, 1, 3);
		raw_drop(&w.raw);
		raw_run(&w, 5 * S);
		assert_int_equal(w.seen.best, 3);
		back(&w, caps[i]);
		raw_run(&w, 100 * MS);
		assert_int_equal(w.seen.best, 0);
		raw_world_end(&w);
	}
}

static void an_end_of_rib_that_never_comes(void **state)
{
	struct raw_world w;

	start(&w, GR);
	announce_n(&w, 1, 3);
	raw_drop(&w.raw);
	back(&w, GR_BACK);
	announce(&w, 1);
	for (int i = 0; i < 12; i++) {
		assert_int_equal(w.seen.best, 3);
		raw_run(&w, 30 * S);
		raw_send_keepalive(&w.raw);
	}
	raw_run(&w, 1 * S);
	assert_int_equal(w.seen.best, 1);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	raw_world_end(&w);
}

/* RFC 4724 4.2: what was stale when the session goes again goes, too. So a peer that flaps holds no more than twice. */
static void flaps_do_not_pile_up(void **state)
{
	struct raw_world w;

	start(&w, GR);
	for (unsigned i = 0; i < 20; i++) {
		announce_n(&w, 1000 * i, 50);
		raw_drop(&w.raw);
		raw_run(&w, 1 * S);
		assert_int_equal(w.seen.best, 50);
		assert_int_equal(raw_info(&w).stale, 50);
		back(&w, GR_BACK);
	}
	end_of_rib(&w);
	assert_int_equal(w.seen.best, 0);
	raw_world_end(&w);
}

static void max_prefixes_counts_what_the_session_says(void **state)
{
	struct raw_setup s = { .raw.caps = GR, .restart_time = 120, .peer.max_prefixes = 10 };
	struct raw_world w;

	raw_world_start(&w, s);
	raw_establish(&w.raw);
	announce_n(&w, 1, 10);
	raw_drop(&w.raw);
	back(&w, GR_BACK);
	announce_n(&w, 100, 10); /* other ones */
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(raw_info(&w).prefixes_received, 20);
	announce(&w, 200);
	raw_expect_end(&w, 6, 1, NULL);
	assert_int_equal(w.seen.best, 0);
	raw_world_end(&w);
}

static void stopped_by_hand_nothing_is_kept(void **state)
{
	struct raw_world w;

	start(&w, GR_N);
	announce_n(&w, 1, 3);
	raw_flush(&w.raw);
	bgp_peer_down(w.peer, "bye", simnet_now(w.net));
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 0);
	raw_expect_end(&w, 6, 9, "06 02 03 627965"); /* RFC 8538 3.1 */
	bgp_peer_up(w.peer, simnet_now(w.net));
	back(&w, GR);
	announce_n(&w, 1, 3);
	raw_drop(&w.raw);
	assert_int_equal(w.seen.best, 3);
	bgp_peer_clear(w.peer, NULL, simnet_now(w.net));
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 0);
	raw_world_end(&w);
}

/* ---- what ends a session gracefully ------------------------------------------------------------------------------ */

struct ending {
	const char *caps, *hex; /* what the neighbor says last; NULL: nothing, for longer than the hold time */
	bool kept;
};

static void only_some_ends_are_graceful(void **state) /* RFC 4724 4.2, 8538 4 */
{
	static const struct ending cases[] = {
		{ GR, MARKER "0015 03 06 02", false },        /* Cease */
		{ GR_N, MARKER "0015 03 06 02", true },
		{ GR_N, HARD_RESET, false },
		{ GR_N, MARKER "0015 03 04 00", true },
		{ GR, NULL, false },                          /* we send the NOTIFICATION */
		{ GR_N, NULL, true },
		{ GR, MARKER "0017 02 00 05 00 00", false },  /* UPDATE error */
		{ GR_N, MARKER "0017 02 00 05 00 00", true },
		{ GR_N, MARKER "0018 05 0019 01 46 00", true }, /* 7/1 */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw_world w;

		start(&w, cases[i].caps);
		announce_n(&w, 1, 3);
		if (cases[i].hex)
			say(&w, cases[i].hex);
		else
			raw_run(&w, 92 * S);
		assert_int_not_equal(raw_info(&w).state, BGP_ESTABLISHED);
		if (w.seen.best != (cases[i].kept ? 3 : 0))
			fail_msg("case %zu", i);
		raw_world_end(&w);
	}
}

/* RFC 8538 3.1: what is in a hard reset is told. */
static void a_hard_reset_says_why(void **state)
{
	struct raw_world w;

	start(&w, GR_N);
	say(&w, MARKER "001b 03 06 09 06 02 03 627965");
	assert_string_equal(raw_info(&w).last_in.text, "cease/hard reset: bye");
	back(&w, GR_N);
	say(&w, HARD_RESET);
	assert_string_equal(raw_info(&w).last_in.text, "cease/hard reset: administrative shutdown");
	raw_world_end(&w);
}

/*
 * RFC 4724 5: the old connection is dead and nobody has said so; and not when both sides have just called each other.
 */
static void a_new_connection_takes_the_place_of_a_session(void **state)
{
	struct raw_world w;
	struct sim_end *old;

	start(&w, GR);
	announce_n(&w, 1, 3);
	old = w.raw.end;
	assert_true(raw_connect(&w.raw));
	raw_send_open(&w.raw);
	raw_run(&w, 100 * MS);
	assert_true(raw_closed(&w.raw));
	assert_false(sim_raw_closed(old));
	sim_end_drop(w.raw.end);
	w.raw.end = old;
	raw_run(&w, 10 * S);
	back(&w, GR_BACK);
	assert_true(sim_raw_closed(old));
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(raw_info(&w).out.notification, 1); /* that of the collision */
	assert_int_equal(raw_info(&w).stale, 3);
	sim_end_drop(old);
	raw_world_end(&w);
}

/* ---- long-lived -------------------------------------------------------------------------------------------------- */

static unsigned marked(const struct raw_world *w)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	unsigned n = 0;

	while (bgp_rib_next(sim_bgp(w->dut), &c, &p)) {
		assert_int_equal(p.long_lived_stale, bgp_has_community(p.attrs, BGP_LLGR_STALE));
		n += p.long_lived_stale;
	}
	return n;
}

static void long_lived_after_the_restart_time(void **state) /* RFC 9494 4.2 */
{
	struct raw_world w;

	start(&w, GR LONG);
	announce_n(&w, 1, 3);
	raw_send_update(&w.raw, ROUTE("000004") "40010100 400200 400504 00000064 c00804 ffff0007 ");
	raw_run(&w, 10 * MS);
	raw_drop(&w.raw);
	raw_run(&w, 9 * S);
	assert_int_equal(w.seen.best, 4);
	assert_int_equal(marked(&w), 0);
	raw_run(&w, 2 * S);
	assert_int_equal(w.seen.best, 3); /* not the one with NO_LLGR */
	assert_int_equal(marked(&w), 3);
	assert_int_equal(raw_info(&w).long_lived_stale, 3);
	raw_run(&w, 97 * S);
	assert_int_equal(w.seen.best, 3);
	raw_run(&w, 3 * S);
	assert_int_equal(w.seen.best, 0);
	raw_world_end(&w);
}

/* Restart time 0, or the family in the other capability only: at once. */
static void long_lived_without_a_restart_time(void **state)
{
	static const char *const caps[] = { GR_NO_TIME LONG, "4002 0000 " LONG };

	for (size_t i = 0; i < 2; i++) {
		struct raw_world w;

		start(&w, caps[i]);
		announce_n(&w, 1, 3);
		raw_drop(&w.raw);
		raw_run(&w, 100 * MS);
		assert_int_equal(marked(&w), 3);
		raw_run(&w, 101 * S);
		assert_int_equal(w.seen.best, 0);
		raw_world_end(&w);
	}
}

static void long_lived_is_off_unless_asked_for(void **state) /* RFC 9494 4.1 */
{
	struct raw_setup s = { .raw.caps = GR LONG, .restart_time = 120 };
	struct raw_world w;

	raw_world_start(&w, s);
	raw_establish(&w.raw);
	announce_n(&w, 1, 3);
	raw_drop(&w.raw);
	raw_run(&w, 11 * S);
	assert_int_equal(w.seen.best, 0);
	raw_world_end(&w);
}

/* The time goes on over flaps, and while the session is there until End-of-RIB (RFC 9494 4.2). */
static void flaps_do_not_lengthen_the_long_life(void **state)
{
	struct raw_world w;

	start(&w, GR LONG);
	announce_n(&w, 1, 3);
	raw_drop(&w.raw);
	raw_run(&w, 11 * S);
	assert_int_equal(marked(&w), 3);
	back(&w, GR_BACK LONG);
	announce(&w, 1);
	assert_int_equal(marked(&w), 2);
	raw_drop(&w.raw);
	raw_run(&w, 60 * S);
	assert_int_equal(marked(&w), 3);
	back(&w, GR_BACK LONG);
	announce(&w, 2);
	raw_run(&w, 41 * S);
	assert_int_equal(marked(&w), 0);
	assert_int_equal(w.seen.best, 1);
	raw_world_end(&w);
}

static void long_lived_ends_with_end_of_rib_or_without_its_flag(void **state)
{
	for (int flag = 0; flag < 2; flag++) {
		struct raw_world w;

		start(&w, GR LONG);
		announce_n(&w, 1, 3);
		raw_drop(&w.raw);
		raw_run(&w, 11 * S);
		back(&w, flag ? GR_BACK LONG : GR_BACK "4707 00194600 000064 ");
		raw_run(&w, 20 * MS);
		assert_int_equal(w.seen.best, flag ? 3 : 0);
		announce(&w, 1);
		end_of_rib(&w);
		assert_int_equal(w.seen.best, 1);
		assert_int_equal(marked(&w), 0);
		raw_world_end(&w);
	}
}

/* ---- refresh (RFC 7313), received -------------------------------------------------------------------------------- */

static void what_a_refresh_does_not_repeat_goes(void **state)
{
	struct raw_world w;
	unsigned changes;

	start(&w, ENHANCED);
	announce_n(&w, 1, 3);
	changes = w.seen.changes;
	say(&w, REFRESH("01"));
	assert_int_equal(raw_info(&w).refreshing, 3);
	announce_n(&w, 1, 2);
	assert_int_equal(w.seen.changes, changes);
	say(&w, REFRESH("02"));
	assert_int_equal(w.seen.best, 2);
	say(&w, REFRESH("02")); /* of nothing */
	assert_int_equal(w.seen.best, 2);
	say(&w, REFRESH("01")); /* twice is once */
	announce(&w, 1);
	say(&w, REFRESH("01"));
	say(&w, REFRESH("02"));
	assert_int_equal(w.seen.best, 1);
	raw_world_end(&w);
}

static void who_has_not_the_capability_demarcates_nothing(void **state)
{
	struct raw_world w;

	start(&w, "");
	announce_n(&w, 1, 3);
	say(&w, REFRESH("01"));
	say(&w, REFRESH("02"));
	assert_int_equal(w.seen.best, 3);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	raw_world_end(&w);
}

static void a_refresh_that_never_ends(void **state)
{
	struct raw_world w;

	start(&w, ENHANCED);
	announce_n(&w, 1, 3);
	say(&w, REFRESH("01"));
	announce(&w, 1);
	for (int i = 0; i < 12; i++) {
		assert_int_equal(w.seen.best, 3);
		raw_run(&w, 30 * S);
		raw_send_keepalive(&w.raw);
	}
	raw_run(&w, 1 * S);
	assert_int_equal(w.seen.best, 1);
	assert_int_equal(lines_count(&w.lines, "no end of the refresh has come in time"), 1);
	raw_world_end(&w);
}

/* RFC 7313 4: before the End-of-RIB of a restart a BoRR is passed over; RFC 4724: in it, all is stale. */
static void a_refresh_and_a_restart(void **state)
{
	struct raw_world w;

	start(&w, ENHANCED GR);
	announce_n(&w, 1, 4);
	say(&w, REFRESH("01"));
	announce(&w, 1);
	raw_drop(&w.raw);
	assert_int_equal(raw_info(&w).stale, 4);
	back(&w, ENHANCED GR_BACK);
	say(&w, REFRESH("01"));
	announce(&w, 2);
	say(&w, REFRESH("02"));
	assert_int_equal(raw_info(&w).stale, 3);
	assert_int_equal(w.seen.best, 4);
	end_of_rib(&w);
	assert_int_equal(w.seen.best, 1);
	raw_world_end(&w);
}

/* More of them than there are generations while the sweep of a large table goes on: asked for again, none is lost. */
static void a_refresh_that_comes_too_soon_is_asked_for_again(void **state)
{
	struct raw_world w;
	struct raw_msg m;
	char hex[4000];
	size_t used = 0;

	start(&w, ENHANCED);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(hex, sizeof(hex), "own%u", i);
		routes_originate(sim_bgp(w.dut), hex, 1, simnet_now(w.net));
	}
	raw_run(&w, 1 * S);
	raw_flush(&w.raw);
	for (int i = 0; i < 8; i++) /* in one piece, so that nothing is swept in between */
		used += (size_t)snprintf(hex + used, sizeof(hex) - used,
					 MARKER "003e 02 0000 0027 " REACH("0f", "03%06x0173") ATTRS REFRESH("01")
					 REFRESH("02"), i);
	raw_send_hex(&w.raw, hex);
	raw_run(&w, 500 * MS);
	assert_false(raw_wait(&w.raw, 5, 0, &m));
	assert_true(raw_wait(&w.raw, 5, 2 * S, &m));
	assert_int_equal(m.body[2], 0);
	say(&w, REFRESH("01") REFRESH("02"));
	raw_run(&w, 1 * S);
	assert_int_equal(raw_info(&w).prefixes_received, 0);
	raw_world_end(&w);
}

/* ---- refresh, sent ----------------------------------------------------------------------------------------------- */

static void expect_refresh(struct raw_world *w, uint8_t subtype)
{
	struct raw_msg m;

	while (raw_next(&w->raw, &m) && m.type == 4)
		;
	assert_int_equal(m.type, 5);
	assert_int_equal(m.body[2], subtype);
}

static unsigned skip_updates(struct raw_world *w)
{
	struct buf *b = sim_raw_received(w->raw.end);
	struct raw_msg m;
	unsigned n = 0;

	while (b->len >= 19 && ((const uint8_t *)buf_data(b))[18] == 2 && raw_next(&w->raw, &m))
		n++;
	return n;
}

static void a_refresh_is_demarcated(void **state)
{
	struct raw_world w;

	start(&w, ENHANCED);
	routes_originate(sim_bgp(w.dut), "one", 1, simnet_now(w.net));
	routes_originate(sim_bgp(w.dut), "two", 2, simnet_now(w.net));
	raw_run(&w, 100 * MS);
	raw_flush(&w.raw);
	say(&w, REFRESH("00"));
	expect_refresh(&w, 1);
	assert_int_equal(skip_updates(&w), 2);
	expect_refresh(&w, 2);
	routes_withdraw(sim_bgp(w.dut), "one", simnet_now(w.net));
	routes_withdraw(sim_bgp(w.dut), "two", simnet_now(w.net));
	raw_run(&w, 2 * S);
	raw_flush(&w.raw);
	say(&w, REFRESH("00")); /* of an empty table */
	expect_refresh(&w, 1);
	expect_refresh(&w, 2);
	assert_int_equal(raw_info(&w).out.refresh, 4);
	raw_world_end(&w);
}

/* Asked for in the middle of one: another follows, they are not nested. */
static void refreshes_are_not_nested(void **state)
{
	struct raw_setup s = { .raw.caps = ENHANCED, .net = { .window = 4096 } };
	struct raw_world w;
	char key[16];
	unsigned n;

	raw_world_start(&w, s);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(key, sizeof(key), "key%u", i);
		routes_originate(sim_bgp(w.dut), key, i, simnet_now(w.net));
	}
	raw_establish(&w.raw);
	raw_run(&w, 10 * S);
	raw_flush(&w.raw);
	say(&w, REFRESH("00"));
	say(&w, REFRESH("00") REFRESH("00"));
	raw_run(&w, 10 * S);
	expect_refresh(&w, 1);
	n = skip_updates(&w);
	assert_true(n >= 3000);
	expect_refresh(&w, 2);
	expect_refresh(&w, 1);
	assert_int_equal(skip_updates(&w), n);
	expect_refresh(&w, 2);
	assert_int_equal(raw_info(&w).pending, 0);
	raw_world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_connection_keeps_routes_for_the_restart_time),
		cmocka_unit_test(without_the_capability_nothing_is_kept),
		cmocka_unit_test(the_last_instance_of_the_capability_counts),
		cmocka_unit_test(back_in_time_what_is_announced_again_stays),
		cmocka_unit_test(who_has_not_kept_its_forwarding_begins_anew),
		cmocka_unit_test(an_end_of_rib_that_never_comes),
		cmocka_unit_test(flaps_do_not_pile_up),
		cmocka_unit_test(max_prefixes_counts_what_the_session_says),
		cmocka_unit_test(stopped_by_hand_nothing_is_kept),
		cmocka_unit_test(only_some_ends_are_graceful),
		cmocka_unit_test(a_hard_reset_says_why),
		cmocka_unit_test(a_new_connection_takes_the_place_of_a_session),
		cmocka_unit_test(long_lived_after_the_restart_time),
		cmocka_unit_test(long_lived_without_a_restart_time),
		cmocka_unit_test(long_lived_is_off_unless_asked_for),
		cmocka_unit_test(flaps_do_not_lengthen_the_long_life),
		cmocka_unit_test(long_lived_ends_with_end_of_rib_or_without_its_flag),
		cmocka_unit_test(what_a_refresh_does_not_repeat_goes),
		cmocka_unit_test(who_has_not_the_capability_demarcates_nothing),
		cmocka_unit_test(a_refresh_that_never_ends),
		cmocka_unit_test(a_refresh_and_a_restart),
		cmocka_unit_test(a_refresh_that_comes_too_soon_is_asked_for_again),
		cmocka_unit_test(a_refresh_is_demarcated),
		cmocka_unit_test(refreshes_are_not_nested),
	};

	return RUN_TESTS(tests);
}

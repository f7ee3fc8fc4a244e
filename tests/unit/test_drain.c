/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Graceful shutdown (RFC 8326): what a speaker that drains sends, and what it makes of others that do. */
#include <stdio.h>
#include <string.h>

#include "tests/lib/hex.h"
#include "tests/lib/rawworld.h"
#include "tests/lib/test.h"

#define GRACEFUL_SHUTDOWN "ffff0000"
#define FRESH "c008 04 00000001"                       /* COMMUNITIES of routes_originate(..., 1) */
#define MARKED "c008 08 00000001 " GRACEFUL_SHUTDOWN
#define PREF(n) "400504 000000" n
#define ENHANCED "4600" /* RFC 7313 */
#define ASK MARKER "0017 05 0019 00 46"

static void drain(struct raw_world *w, bool on)
{
	bgp_drain(sim_bgp(w->dut), on, simnet_now(w->net));
}

static bool has(const struct raw_msg *m, const char *hex)
{
	uint8_t b[64];
	size_t n = hex_bytes(hex, b, sizeof(b));

	return memmem(m->body, m->len, b, n) != NULL;
}

/* Of the UPDATEs that come: how many there are, and how many have all of it. */
static unsigned updates(struct raw_world *w, const char *a, const char *b, unsigned *all)
{
	struct raw_msg m;
	unsigned n = 0;

	*all = 0;
	raw_run(w, 1 * S);
	while (raw_next(&w->raw, &m)) {
		if (m.type != 2 || m.len <= 10)
			continue;
		(*all)++;
		n += has(&m, a) && has(&m, b);
	}
	return n;
}

static void assert_updates(struct raw_world *w, const char *a, const char *b, unsigned n)
{
	unsigned all;

	assert_int_equal(updates(w, a, b, &all), n);
	assert_int_equal(all, n);
}

static void all_that_was_sent_goes_out_again_marked(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	routes_originate(sim_bgp(w.dut), "one", 1, simnet_now(w.net));
	raw_establish(&w.raw);
	assert_updates(&w, FRESH, PREF("64"), 1);
	drain(&w, true);
	assert_true(raw_info(&w).repeating);
	assert_updates(&w, MARKED, PREF("00"), 1);
	assert_false(raw_info(&w).repeating);
	assert_int_equal(bgp_draining(sim_bgp(w.dut)).us, simnet_now(w.net).us - 1 * S);
	drain(&w, true); /* it does already */
	assert_updates(&w, MARKED, PREF("00"), 0);
	routes_originate(sim_bgp(w.dut), "two", 1, simnet_now(w.net));
	assert_updates(&w, MARKED, PREF("00"), 1);
	drain(&w, false);
	assert_updates(&w, FRESH, PREF("64"), 1); /* both in one message */
	assert_int_equal(bgp_draining(sim_bgp(w.dut)).us, MTIME_NEVER.us);
	raw_world_end(&w);
}

static void who_comes_later_gets_them_marked(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .peer.asn = 65002 });
	routes_originate(sim_bgp(w.dut), "one", 1, simnet_now(w.net));
	drain(&w, true);
	raw_establish(&w.raw);
	assert_updates(&w, MARKED, "400206 0201 0000fde9", 1); /* eBGP: no LOCAL_PREF */
	raw_world_end(&w);
}

/* What others have originated keeps its LOCAL_PREF (RFC 4456 10), and the community when it has it. */
static void what_is_passed_on_is_marked_once(void **state)
{
	struct raw_world w;
	struct rawpeer other = { 0 };
	struct bgp_peer_params p = { .asn = 65001, .hold_time = 90, .passive = true, .rr_client = true };

	raw_world_start(&w, (struct raw_setup){ .peer.rr_client = true });
	other = (struct rawpeer){ .net = w.net, .dut = w.dut, .node = simnet_raw(w.net, "192.0.2.3"),
				  .p = { .asn = 65001, .id = 0xc0000203, .hold_time = 90 } };
	sim_peer(w.dut, other.node, &p);
	drain(&w, true);
	raw_establish(&w.raw);
	raw_establish(&other);
	raw_send_update(&other, ROUTE("6b6579") "40010100 400200 400504 00000007 c00804 00000001");
	assert_updates(&w, MARKED, PREF("07"), 1);
	raw_send_update(&other, ROUTE("6b6579") "40010100 400200 400504 00000007 c00808 " GRACEFUL_SHUTDOWN "00000001");
	assert_updates(&w, "c00808 " GRACEFUL_SHUTDOWN "00000001", PREF("07"), 1);
	raw_drop(&other);
	raw_world_end(&w);
}

/* RFC 7313 4: the marked routes come before the EoRR of the refresh that is under way. */
static void a_refresh_under_way_begins_anew(void **state)
{
	struct raw_setup s = { .raw.caps = ENHANCED, .net = { .window = 4096 } };
	unsigned begun = 0, ended = 0, marked = 0;
	struct raw_world w;
	struct raw_msg m;
	char key[16];

	raw_world_start(&w, s);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "r%u", i);
		routes_originate(sim_bgp(w.dut), key, i, simnet_now(w.net));
	}
	raw_establish(&w.raw);
	raw_run(&w, 60 * S);
	raw_flush(&w.raw);
	sim_raw_read(w.raw.end, false);
	raw_send_hex(&w.raw, ASK);
	raw_run(&w, 3 * S);
	drain(&w, true);
	sim_raw_read(w.raw.end, true);
	raw_run(&w, 60 * S);
	while (raw_next(&w.raw, &m)) {
		if (m.type == 2 && has(&m, GRACEFUL_SHUTDOWN))
			marked += !ended;
		if (m.type == 5) {
			begun += m.body[2] == 1;
			ended += m.body[2] == 2;
		}
	}
	assert_int_equal(marked, 2000);
	assert_int_equal(begun, 1);
	assert_int_equal(ended, 1);
	raw_world_end(&w);
}

static struct bgp_attrs only_path(struct raw_world *w)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;

	assert_true(bgp_rib_next(sim_bgp(w->dut), &c, &p));
	return *p.attrs;
}

/* RFC 8326 4.1. */
static void an_external_neighbor_that_drains_is_the_last_choice(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .peer.asn = 65002 });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, ROUTE("6b6579") "40010100 400206 0201 0000fdea c00808 00000001" GRACEFUL_SHUTDOWN);
	raw_run(&w, 10 * MS);
	assert_true(only_path(&w).has_local_pref);
	assert_int_equal(only_path(&w).local_pref, 0);
	raw_send_update(&w.raw, ROUTE("6b6579") "40010100 400206 0201 0000fdea c00804 00000001");
	raw_run(&w, 10 * MS);
	assert_false(only_path(&w).has_local_pref);
	raw_world_end(&w);
}

/* RFC 8326 5: inside the AS its LOCAL_PREF counts, whoever gave it. */
static void inside_the_as_the_community_changes_nothing(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, ROUTE("6b6579") "40010100 400200 400504 00000064 c00804" GRACEFUL_SHUTDOWN);
	raw_run(&w, 10 * MS);
	assert_int_equal(only_path(&w).local_pref, 100);
	raw_world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_was_sent_goes_out_again_marked),
		cmocka_unit_test(who_comes_later_gets_them_marked),
		cmocka_unit_test(what_is_passed_on_is_marked_once),
		cmocka_unit_test(a_refresh_under_way_begins_anew),
		cmocka_unit_test(an_external_neighbor_that_drains_is_the_last_choice),
		cmocka_unit_test(inside_the_as_the_community_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

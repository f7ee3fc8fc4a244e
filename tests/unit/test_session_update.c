/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * An engine against a peer by hand: UPDATEs, whole, broken and of families that nobody asked for; what the table holds
 * after, what is passed on, what is said. How attributes are judged one by one is test_attr's and test_malformed's.
 */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/hex.h"
#include "tests/lib/rawworld.h"

/* ---- routes ------------------------------------------------------------------------------------------------------ */

static void routes_come_go_and_change(void **state)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, ROUTE("6b6579") ATTRS);
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 1);
	assert_int_equal(raw_info(&w).prefixes_received, 1);
	raw_send_update(&w.raw, ROUTE("6b6579") ATTRS); /* the same again is no change */
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.changes, 1);
	raw_send_update(&w.raw, REACH("16", "03 6b6579 01 73" "03 6b657a 02 7374") ATTRS); /* two shared parts */
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 2);
	for (unsigned n = 0; bgp_rib_next(sim_bgp(w.dut), &c, &p); n++)
		hex_assert("shared", p.attrs->shared, p.attrs->shared_len, p.key[2] == 'y' ? "73" : "7374");
	raw_send_update(&w.raw, "800f07 0019 46 03 6b6579");
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 1);
	sim_raw_close(w.raw.end);
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 0);
	assert_string_equal(raw_info(&w).last_in.text, "closed by the peer");
	assert_int_equal(raw_info(&w).nlri_in, 5); /* the same again, too */
	raw_world_end(&w);
}

static void announced_and_withdrawn_in_one_message_is_announced(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, ROUTE("6b6579") "800f07 0019 46 03 6b6579" ATTRS);
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 1);
	raw_world_end(&w);
}

/* ---- routes that make much work ---------------------------------------------------------------------------------- */

/* Withdraws 20 routes, some of which were never there, and announces 60 with two shared parts, and a faulty one. */
static void send_mixed(struct rawpeer *r)
{
	char text[4096];
	size_t at = (size_t)snprintf(text, sizeof(text), "900f%04x 0019 46 ", 3 + 20 * 4);

	for (unsigned k = 0; k < 20; k++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "03 %06x", 0x1000 + 3 * k);
	at += (size_t)snprintf(text + at, sizeof(text) - at, "900e%04x 0019 46 04 c6336401 00 ", 9 + 60 * 6 + 10);
	for (unsigned k = 0; k < 60; k++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at, "03 %06x 01 %s", 0x2000 + k, k % 7 ? "73" : "74");
		if (k == 31)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "02 ff77 01 73 02 ff75 01 73");
	}
	snprintf(text + at, sizeof(text) - at, ATTRS);
	raw_send_update(r, text);
}

/* All that is there after it, in words. rows: that each change of a route makes. */
static void after_mixed(uint32_t rows, size_t piece, char *out, size_t cap)
{
	struct raw_world w;
	struct bgp_peer_info i;
	char text[4096] = "";
	size_t at = 0;

	raw_world_start(&w, (struct raw_setup){ .net.piece = piece });
	if (rows)
		routes_make_rows(&w.seen, sim_bgp(w.dut), rows, 1);
	raw_establish(&w.raw);
	at = (size_t)snprintf(text, sizeof(text), "900e%04x 0019 46 04 c6336401 00 ", 9 + 40 * 6);
	for (unsigned k = 0; k < 40; k++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "03 %06x 01 73", 0x1000 + k);
	snprintf(text + at, sizeof(text) - at, ATTRS);
	raw_send_update(&w.raw, text);
	send_mixed(&w.raw);
	raw_send_update(&w.raw, ROUTE("6b6579") ATTRS); /* what comes behind it stays behind it */
	raw_send_update(&w.raw, "800f07 0019 46 03 6b6579");
	raw_run(&w, 1 * S);
	i = raw_info(&w);
	assert_int_equal(i.state, BGP_ESTABLISHED);
	snprintf(out, cap, "%u routes, %u changes, %llu NLRI, %llu UPDATEs, %u faulty, %llu unknown, %u lines",
		 w.seen.best, w.seen.changes, (unsigned long long)i.nlri_in, (unsigned long long)i.in.update,
		 (unsigned)i.treat_as_withdraw, (unsigned long long)i.unknown_nlri,
		 (unsigned)lines_count(&w.lines, "NLRI with a fault"));
	raw_world_end(&w);
}

static void an_update_that_pauses_says_the_same(void **state)
{
	static const uint32_t rows[] = { 1, 400, 4095, 5000 };
	static const size_t pieces[] = { 0, 1, 100 };
	char whole[256], paused[256];

	after_mixed(0, 0, whole, sizeof(whole));
	assert_string_equal(whole, "86 routes, 116 changes, 123 NLRI, 4 UPDATEs, 1 faulty, 1 unknown, 1 lines");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
			after_mixed(rows[i], pieces[k], paused, sizeof(paused));
			assert_string_equal(paused, whole);
		}
	}
}

static void no_turn_makes_more_rows_than_a_slice(void **state)
{
	struct raw_world w;
	struct bgp_conn *c;
	char text[4096];
	size_t at = (size_t)snprintf(text, sizeof(text), "900e%04x 0019 46 04 c6336401 00 ", 9 + 600);
	unsigned turns = 0, before;

	for (unsigned k = 0; k < 100; k++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "03 %06x 01 73", k);
	snprintf(text + at, sizeof(text) - at, ATTRS);
	raw_world_start(&w, (struct raw_setup){ 0 });
	routes_make_rows(&w.seen, sim_bgp(w.dut), 1000, 1);
	raw_establish(&w.raw);
	c = w.peer->session;
	raw_hand_in_update(&w.raw, w.peer, text);
	assert_true(bgp_conn_waits(c));
	assert_int_equal(w.seen.changes, 5);
	/* What has come is there, so the hold timer does not end the session, and our own KEEPALIVEs go on. */
	bgp_run_timers(sim_bgp(w.dut), mtime_add_ms(simnet_now(w.net), 90500));
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_true(c->due & DUE_KEEPALIVE);
	do {
		before = w.seen.changes;
		bgp_work(sim_bgp(w.dut), simnet_now(w.net));
		assert_in_range(w.seen.changes - before, 0, 5); /* the last one finds nothing left */
		turns++;
	} while (bgp_conn_waits(c));
	assert_int_equal(turns, 20);
	assert_int_equal(w.seen.best, 100);
	/* So it is when they go. */
	bgp_peer_down(w.peer, NULL, simnet_now(w.net));
	while (w.seen.best) {
		before = w.seen.changes;
		bgp_work(sim_bgp(w.dut), simnet_now(w.net));
		assert_in_range(w.seen.changes - before, 1, 5);
	}
	raw_world_end(&w);
}

static void a_session_may_end_while_its_update_waits(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	routes_make_rows(&w.seen, sim_bgp(w.dut), 5000, 1);
	raw_establish(&w.raw);
	raw_hand_in_update(&w.raw, w.peer, REACH("16", "03 6b6579 01 73" "03 6b657a 02 7374") ATTRS);
	assert_true(bgp_conn_waits(w.peer->session));
	assert_int_equal(w.seen.best, 1);
	bgp_peer_down(w.peer, NULL, simnet_now(w.net));
	raw_run(&w, 1 * S);
	assert_int_equal(w.seen.best, 0);
	assert_int_equal(w.seen.changes, 2);
	raw_world_end(&w);
}

static void the_next_hop_is_judged_by_length_and_value(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .next_hop = 0xc63364c8 });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, "800e0f 0019 46 04 00000000 00 03 6b6579 01 73" ATTRS);
	raw_send_update(&w.raw, "800e0f 0019 46 04 c0000201 00 03 6b657a 01 73" ATTRS); /* our own address */
	raw_send_update(&w.raw, "800e0f 0019 46 04 c63364c8 00 03 6b657b 01 73" ATTRS); /* that of our own routes */
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 0);
	assert_int_equal(raw_info(&w).prefixes_received, 3);
	assert_int_equal(raw_info(&w).rejected, 3);
	raw_send_update(&w.raw, "800e10 0019 46 05 c633640100 00 03 6b6579 01 73" ATTRS);
	raw_expect_end(&w, 3, 9, NULL);
	raw_world_end(&w);
}

/* A second neighbor by hand, at 192.0.2.3. */
static struct rawpeer second(struct raw_world *w, struct bgp_peer_params pp)
{
	struct rawpeer r = { .net = w->net, .dut = w->dut, .node = simnet_raw(w->net, "192.0.2.3"),
			     .p = { .asn = pp.asn, .id = 0xc0000203, .hold_time = 90 } };

	pp.passive = true;
	pp.hold_time = 90;
	sim_peer(w->dut, r.node, &pp);
	raw_establish(&r);
	return r;
}

/* Does the second one get what the first one, inside our AS, sends with this path? */
static bool passes(struct bgp_peer_params to, const char *path)
{
	struct raw_msg m;
	struct rawpeer r;
	struct raw_world w;
	char attrs[256];
	bool got = false;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	r = second(&w, to);
	raw_wait(&r, 2, 50 * MS, &m); /* End-of-RIB */
	snprintf(attrs, sizeof(attrs), ROUTE("6b6579") "40010100 %s 400504 00000064", path);
	raw_send_update(&w.raw, attrs);
	while (raw_wait(&r, 2, 50 * MS, &m))
		got |= memmem(m.body, m.len, "key", 3) != NULL;
	raw_world_end(&w);
	return got;
}

static void routes_pass_on_by_what_neighbors_are(void **state) /* RFC 4271 9.2, 4456 6 */
{
	struct bgp_peer_params internal = { .asn = 65001 }, client = { .asn = 65001, .rr_client = true };
	struct bgp_peer_params external = { .asn = 65002 };

	assert_false(passes(internal, "400200"));
	assert_true(passes(client, "400200"));
	assert_true(passes(external, "400200"));
	assert_true(passes(external, "400206 0201 0000fdeb"));
	assert_false(passes(external, "400206 0201 0000fdea")); /* it would drop it */
}

static void a_two_octet_speaker_is_understood_and_spoken_to(void **state) /* RFC 6793 */
{
	struct raw_setup s = { .asn = 4200000000u, .peer.asn = 65002, .raw = { .asn = 65002, .no_as4 = true } };
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	struct raw_msg m;
	struct raw_world w;

	raw_world_start(&w, s);
	routes_originate(sim_bgp(w.dut), "ours", 1, simnet_now(w.net));
	raw_establish(&w.raw);
	raw_flush(&w.raw);
	raw_run(&w, 100 * MS);
	raw_send_update(&w.raw, ROUTE("6b6579") "40010100 400206 0202 fdea 5ba0 c01106 0201 00011170");
	raw_run(&w, 10 * MS);
	while (bgp_rib_next(sim_bgp(w.dut), &c, &p))
		if (p.peer)
			hex_assert("path", p.attrs->as_path, p.attrs->as_path_len, "0201 0000fdea 0201 00011170");
	assert_int_equal(w.seen.best, 2);
	raw_world_end(&w);
	raw_world_start(&w, s);
	routes_originate(sim_bgp(w.dut), "ours", 1, simnet_now(w.net));
	assert_true(raw_connect(&w.raw));
	raw_send_open(&w.raw);
	raw_send_keepalive(&w.raw);
	assert_true(raw_wait(&w.raw, 2, 100 * MS, &m));
	assert_non_null(memmem(m.body, m.len, "\x40\x02\x04\x02\x01\x5b\xa0", 7));       /* AS_TRANS */
	assert_non_null(memmem(m.body, m.len, "\xc0\x11\x06\x02\x01\xfa\x56\xea", 8));   /* AS4_PATH */
	raw_world_end(&w);
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static void a_bad_attribute_withdraws_and_is_logged_with_its_octets(void **state) /* RFC 7606 2, 6 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, ROUTE("6b6579") ATTRS);
	raw_send_update(&w.raw, ROUTE("6b657a") ATTRS);
	raw_send_update(&w.raw, ROUTE("6b6579") "40010109 400200 400504 00000064");
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 1);
	assert_int_equal(raw_info(&w).treat_as_withdraw, 1);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(lines_count(&w.lines,
				     "remote peer 192.0.2.2: UPDATE treated as withdraw: ORIGIN is not one octet of 0 "
				     "to 2 [ffffffffffffffffffffffffffffffff"),
			 1);
	assert_int_equal(raw_info(&w).last_malformed.code, 3);
	assert_int_equal(raw_info(&w).last_malformed.subcode, 6);
	hex_assert("message", raw_info(&w).last_malformed.message, 19, MARKER "0037 02");
	assert_false(raw_info(&w).last_in.set); /* which is for NOTIFICATIONs */
	raw_world_end(&w);
}

static void a_peer_full_of_faults_does_not_fill_the_log(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	for (int i = 0; i < 1000; i++)
		raw_send_update(&w.raw, ROUTE("6b6579") "40010109 400200 400504 00000064");
	raw_run(&w, 10 * MS);
	assert_int_equal(raw_info(&w).treat_as_withdraw, 1000);
	assert_in_range(lines_count(&w.lines, "treated as withdraw"), 1, 10);
	raw_world_end(&w);
}

static void verdicts_on_nlri_are_carried_out(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	/* Unknown between two good ones, and one to be withdrawn; "fe" wants COMMUNITIES. */
	raw_send_update(&w.raw, REACH("1f", "03 6b6579 01 73" "03 ff7578 01 73" "03 6b657a 01 73" "02 ff77 00") ATTRS);
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 2);
	assert_int_equal(raw_info(&w).unknown_nlri, 1);
	assert_int_equal(raw_info(&w).treat_as_withdraw, 1);
	raw_send_update(&w.raw, REACH("0e", "03 fe6b65 00") ATTRS);
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 3);
	/* Asked for each set: of two shared parts the first will do. */
	raw_send_update(&w.raw, REACH("14", "03 fe6b66 01 73" "03 fe6b65 00") "40010100 400200 400504 00000064");
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 3);
	assert_int_equal(raw_info(&w).treat_as_withdraw, 2);
	raw_send_update(&w.raw, ROUTE("ff7278") ATTRS);
	raw_expect_end(&w, 3, 9, NULL);
	assert_int_equal(w.seen.best, 0);
	raw_world_end(&w);
}

static void unknown_routes_are_held_when_asked_for(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .reflect_unknown = true });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, ROUTE("ff7578") ATTRS);
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 1);
	raw_send_update(&w.raw, "800f07 0019 46 03 ff7578");
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 0);
	assert_int_equal(raw_info(&w).unknown_nlri, 2);
	raw_world_end(&w);
}

static void broken_withdrawals_end_the_session(void **state) /* RFC 7606 5.3 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, ROUTE("6b6579") ATTRS);
	raw_send_update(&w.raw, "800f07 0019 46 04 6b6579");
	raw_expect_end(&w, 3, 9, NULL);
	raw_world_end(&w);
}

/* ---- families ---------------------------------------------------------------------------------------------------- */

static void a_family_of_ours_that_this_peer_does_not_have_is_ignored(void **state)
{
	struct bgp_family other = test_family;
	struct raw_world w;

	other.afi = 1;
	other.safi = 132;
	raw_world_start(&w, (struct raw_setup){ 0 });
	bgp_peer_del(w.peer, simnet_now(w.net));
	bgp_family_register(sim_bgp(w.dut), &other, NULL);
	w.peer = sim_peer(w.dut, w.raw.node,
			  &(struct bgp_peer_params){ .asn = 65001, .hold_time = 90, .passive = true });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, "800e0f 0001 84 04 c6336401 00 03 6b6579 01 73" ATTRS);
	raw_send_update(&w.raw, "800f03 0001 84");
	raw_send_hex(&w.raw, MARKER "0017 05 0001 00 84");
	raw_run(&w, 10 * MS);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(raw_info(&w).prefixes_received, 0);
	assert_false(raw_info(&w).eor_received);
	assert_int_equal(lines_count(&w.lines, "routes of 1/132 ignored: the family is not negotiated"), 1);
	raw_world_end(&w);
}

/* RFC 4271 4.3's own fields, should IPv4 unicast be a family: the engine asks no more of it than of any other. */
static void ipv4_fields_are_a_family_like_others(void **state)
{
	struct bgp_family ipv4 = test_family;
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	struct raw_world w;

	ipv4.afi = 1;
	ipv4.safi = 1;
	raw_world_start(&w, (struct raw_setup){ .raw.caps = "010400010001" });
	bgp_peer_del(w.peer, simnet_now(w.net));
	bgp_family_register(sim_bgp(w.dut), &ipv4, NULL);
	w.peer = sim_peer(w.dut, w.raw.node,
			  &(struct bgp_peer_params){ .asn = 65001, .hold_time = 90, .passive = true });
	raw_establish(&w.raw);
	raw_send_hex(&w.raw,
		     MARKER "0032 02 0000 0015 40010100 400200 400304 c6336401 400504 00000064 03 6b6579 01 73");
	raw_send_update(&w.raw, ROUTE("6b657a") ATTRS);
	raw_run(&w, 10 * MS);
	assert_int_equal(raw_info(&w).prefixes_received, 2);
	while (bgp_rib_next(sim_bgp(w.dut), &c, &p))
		if (p.family == &ipv4)
			assert_string_equal(ip_str(&p.attrs->next_hop).s, "198.51.100.1");
	raw_send_hex(&w.raw, MARKER "001b 02 0004 03 6b6579 0000");
	raw_run(&w, 10 * MS);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(raw_info(&w).prefixes_received, 1);
	raw_send_hex(&w.raw, MARKER "0017 02 0000 0000"); /* End-of-RIB of IPv4 unicast alone */
	raw_run(&w, 10 * MS);
	assert_false(raw_info(&w).eor_received);
	raw_send_update(&w.raw, "800f03 0019 46");
	raw_run(&w, 10 * MS);
	assert_true(raw_info(&w).eor_received);
	assert_int_equal(bgp_peer_refresh(w.peer, simnet_now(w.net)), 0);
	raw_run(&w, 10 * MS);
	assert_int_equal(raw_info(&w).out.refresh, 2);
	raw_send_hex(&w.raw, MARKER "0018 02 0001 09 0000");
	raw_expect_end(&w, 3, 10, NULL);
	raw_world_end(&w);
}

static void families_that_were_not_negotiated_are_ignored(void **state) /* RFC 4760 8 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, "800e09 0001 80 04 c6336401 00" ATTRS);
	raw_send_update(&w.raw, "800f05 03e7 46 0102");
	raw_send_hex(&w.raw, MARKER "001a 02 0002 18 0a 0000 00");
	raw_send_update(&w.raw, "800f03 0001 01");
	raw_run(&w, 10 * MS);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(w.seen.ends, 0);
	assert_int_equal(lines_count(&w.lines, "the family is not negotiated"), 3);
	raw_world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_come_go_and_change),
		cmocka_unit_test(announced_and_withdrawn_in_one_message_is_announced),
		cmocka_unit_test(an_update_that_pauses_says_the_same),
		cmocka_unit_test(no_turn_makes_more_rows_than_a_slice),
		cmocka_unit_test(a_session_may_end_while_its_update_waits),
		cmocka_unit_test(the_next_hop_is_judged_by_length_and_value),
		cmocka_unit_test(routes_pass_on_by_what_neighbors_are),
		cmocka_unit_test(a_two_octet_speaker_is_understood_and_spoken_to),
		cmocka_unit_test(a_bad_attribute_withdraws_and_is_logged_with_its_octets),
		cmocka_unit_test(a_peer_full_of_faults_does_not_fill_the_log),
		cmocka_unit_test(verdicts_on_nlri_are_carried_out),
		cmocka_unit_test(unknown_routes_are_held_when_asked_for),
		cmocka_unit_test(broken_withdrawals_end_the_session),
		cmocka_unit_test(a_family_of_ours_that_this_peer_does_not_have_is_ignored),
		cmocka_unit_test(ipv4_fields_are_a_family_like_others),
		cmocka_unit_test(families_that_were_not_negotiated_are_ignored),
	};

	return RUN_TESTS(tests);
}

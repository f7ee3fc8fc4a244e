/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Two engines over real TCP (tests/lib/tcpworld.h): sessions, their end, keys and TTL
 * security. Plain sockets that do what no speaker would are test_transport_sockets'.
 */
#include "tests/lib/test.h"

#include <stdio.h>

#include "tests/lib/tcpworld.h"

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

static bool b_has_routes(void *ctx)
{
	const struct tcp_two *w = ctx;

	return w->b.seen.best == w->a.seen.best;
}

static void sessions_stand_on_ipv4(void **state)
{
	struct ip local;
	struct tcp_two w;

	tcp_two_start(&w, (struct bgp_peer_params){ 0 }, (struct bgp_peer_params){ 0 });
	assert_true(tcp_wait(tcp_two_up, &w, 20000));
	/* The source is the listen address: the peer knows us by it. */
	local = tcp_info(&w.a).local_address;
	assert_true(ip_eq(&local, &bgp_peer_params(w.b.peer)->address));
	routes_originate(w.a.bgp, "key", 1, loop_now(&tcp_loop));
	assert_true(tcp_wait(b_has_routes, &w, 20000));
	tcp_two_end(&w);
}

static void sessions_stand_on_ipv6(void **state)
{
	struct tcp_two w;

	tcp_start(&w.a, 1);
	tcp_start(&w.b, 2);
	assert_int_equal(tcp_listen(&w.a, "::1", PORT_A), 0);
	assert_int_equal(tcp_listen(&w.b, "::1", PORT_B), 0);
	tcp_peer(&w.a, "::1", (struct bgp_peer_params){ .port = PORT_B });
	tcp_peer(&w.b, "::1", (struct bgp_peer_params){ .port = PORT_A, .passive = true });
	assert_true(tcp_wait(tcp_two_up, &w, 20000));
	tcp_two_end(&w);
}

static bool b_is_told(void *ctx)
{
	struct bgp_peer_info i = tcp_info(&((struct tcp_two *)ctx)->b);

	return i.last_in.code == 6 && i.last_in.subcode == 2;
}

static void the_last_words_arrive(void **state) /* a NOTIFICATION, with octets under way in both directions */
{
	struct tcp_two w;
	char key[16];

	tcp_two_start(&w, (struct bgp_peer_params){ 0 }, (struct bgp_peer_params){ 0 });
	assert_true(tcp_wait(tcp_two_up, &w, 20000));
	for (unsigned n = 0; n < 2000; n++) {
		snprintf(key, sizeof(key), "b%u", n);
		routes_originate(w.b.bgp, key, n, loop_now(&tcp_loop));
	}
	bgp_peer_down(w.a.peer, NULL, loop_now(&tcp_loop));
	assert_true(tcp_wait(b_is_told, &w, 20000));
	assert_int_equal(tcp_info(&w.a).state, BGP_IDLE);
	tcp_two_end(&w);
}

static void the_end_of_a_daemon_is_told(void **state)
{
	struct tcp_two w;

	tcp_two_start(&w, (struct bgp_peer_params){ 0 }, (struct bgp_peer_params){ 0 });
	assert_true(tcp_wait(tcp_two_up, &w, 20000));
	tcp_end(&w.a);
	tcp_pass(100);
	assert_string_equal(tcp_info(&w.b).last_in.text, "cease/administrative shutdown: bye");
	tcp_end(&w.b);
}

static void many_routes_arrive(void **state)
{
	enum { N = 200000 };
	struct tcp_two w;
	struct mtime from;
	char key[40];

	tcp_two_start(&w, (struct bgp_peer_params){ 0 }, (struct bgp_peer_params){ 0 });
	assert_true(tcp_wait(tcp_two_up, &w, 20000));
	from = loop_now(&tcp_loop);
	for (unsigned i = 0; i < N; i++) {
		snprintf(key, sizeof(key), "a key of some length %08u", i);
		routes_originate(w.a.bgp, key, i / 100, loop_now(&tcp_loop));
	}
	assert_true(tcp_wait(b_has_routes, &w, 60000));
	print_message("%d routes in %.3f s, longest turn %.1f ms\n", N,
		      (double)mtime_diff_us(from, loop_now(&tcp_loop)) / 1e6, (double)tcp_loop.longest_turn_us / 1e3);
	tcp_two_end(&w);
}

/* ---- protection -------------------------------------------------------------------------------------------------- */

static void keys_protect_sessions(void **state) /* RFC 2385 */
{
	struct bgp_peer_params right = { .password = "secret" }, wrong = { .password = "other" };
	struct tcp_two w;

	tcp_two_start(&w, right, right);
	assert_true(tcp_wait(tcp_two_up, &w, 20000));
	tcp_two_end(&w);
	tcp_two_start(&w, right, wrong);
	assert_false(tcp_wait(tcp_two_up, &w, 1000));
	tcp_two_end(&w);
	tcp_two_start(&w, right, (struct bgp_peer_params){ 0 });
	assert_false(tcp_wait(tcp_two_up, &w, 1000));
	/* The key goes with the neighbor: afterwards the address connects without. */
	bgp_peer_del(w.a.peer, loop_now(&tcp_loop));
	bgp_transport_peers_changed(w.a.t);
	tcp_peer(&w.a, "127.2", (struct bgp_peer_params){ .port = PORT_B, .passive = true });
	assert_true(tcp_wait(tcp_two_up, &w, 20000));
	tcp_two_end(&w);
}

static bool a_drop_is_said(void *ctx)
{
	struct tcp_two *w = ctx;

	return lines_count(&w->a.lines, "TCP-MD5: the kernel dropped");
}

static void a_wrong_key_is_said(void **state)
{
	struct bgp_peer_params right = { .password = "secret", .passive = true }, wrong = { .password = "other" };
	struct tcp_two w;

	tcp_two_start(&w, right, wrong);
	assert_true(tcp_wait(a_drop_is_said, &w, 20000));
	assert_int_equal(tcp_lines(&w.a.lines, " signed with another password; without a session: ", "127.2", 0, ""),
			 1);
	tcp_two_end(&w);
	tcp_two_start(&w, right, (struct bgp_peer_params){ 0 });
	assert_true(tcp_wait(a_drop_is_said, &w, 20000));
	assert_int_equal(tcp_lines(&w.a.lines,
				   " that were not signed, from a neighbor with a password; without a session: ",
				   "127.2", 0, ""),
			 1);
	tcp_two_end(&w);
}

static void ttl_security_stands_between_both_who_have_it(void **state) /* RFC 5082 */
{
	struct bgp_peer_params one = { .ttl_security = 1 };
	struct tcp_two w;

	tcp_two_start(&w, one, one);
	assert_true(tcp_wait(tcp_two_up, &w, 20000));
	tcp_two_end(&w);
	tcp_two_start(&w, one, (struct bgp_peer_params){ 0 }); /* its packets have TTL 64 */
	assert_false(tcp_wait(tcp_two_up, &w, 1000));
	tcp_two_end(&w);
}

static void ttl_security_stands_on_ipv6(void **state)
{
	for (int both = 0; both < 2; both++) {
		struct tcp_two w;

		tcp_start(&w.a, 1);
		tcp_start(&w.b, 2);
		assert_int_equal(tcp_listen(&w.a, "::1", PORT_A), 0);
		assert_int_equal(tcp_listen(&w.b, "::1", PORT_B), 0);
		tcp_peer(&w.b, "::1",
			 (struct bgp_peer_params){ .port = PORT_A, .passive = true, .ttl_security = both });
		/* Its SYN goes out here. */
		tcp_peer(&w.a, "::1", (struct bgp_peer_params){ .port = PORT_B, .ttl_security = 1 });
		assert_int_equal(tcp_wait(tcp_two_up, &w, both ? 20000 : 1000), both);
		tcp_two_end(&w);
	}
}

static bool a_has_closed_it(void *ctx)
{
	struct tcp_two *w = ctx;

	return tcp_lines(&w->a.lines, "remote peer ", "127.2", 0,
			 ": its connection has TTL 64, and ttl-security wants 255: closed") == 1;
}

/* Its SYN, the end of the handshake and its OPEN come while only the listening socket knows of it. */
static void too_far_is_too_far_from_the_first_octet_on(void **state) /* RFC 5082 3 */
{
	struct bgp_peer_params near = { .ttl_security = 1, .passive = true };
	struct tcp_two w;

	tcp_two_start(&w, near, (struct bgp_peer_params){ 0 });
	assert_true(tcp_wait(a_has_closed_it, &w, 20000));
	tcp_pass(500);
	assert_int_equal(tcp_info(&w.a).in.open, 0);
	assert_int_equal(tcp_info(&w.a).out.open, 0);
	tcp_two_end(&w);
}

#define T(name) cmocka_unit_test_setup_teardown(name, tcp_set_up, tcp_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(sessions_stand_on_ipv4),
		T(sessions_stand_on_ipv6),
		T(the_last_words_arrive),
		T(the_end_of_a_daemon_is_told),
		T(many_routes_arrive),
		T(keys_protect_sessions),
		T(a_wrong_key_is_said),
		T(ttl_security_stands_between_both_who_have_it),
		T(ttl_security_stands_on_ipv6),
		T(too_far_is_too_far_from_the_first_octet_on),
	};

	tcp_loopback_of_our_own();
	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The history: what is packed comes out the same, in order; what is pushed out is counted; readers hold up nobody. */
#include <stdio.h>
#include <string.h>

#include "base/history.h"
#include "tests/lib/test.h"

static const char reason[] = "a reason";

static int setup(void **state)
{
	static struct history h;

	history_init(&h);
	*state = &h;
	return 0;
}

static int teardown(void **state)
{
	history_fini(*state);
	return 0;
}

static struct mac mac_number(uint32_t n)
{
	return (struct mac){ { 2, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

static void add_mac(struct history *h, enum history_ring ring, uint32_t n)
{
	struct mac mac = mac_number(n);
	struct ip vtep = ip_v4(0xc0000202);
	struct history_event e = {
		.kind = HISTORY_MAC, .what = HISTORY_REMOTE, .vni = 100, .mac = &mac, .vtep = &vtep
	};

	history_add(h, ring, &e);
}

static void history_all_parts_roundtrip(void **state)
{
	struct history *h = *state;
	struct mac mac = mac_number(1), mac_was = mac_number(2);
	struct ip ip = ip_v4(0x0a000001), vtep = ip_v4(0xc0000201), from, neighbor;
	struct history_event in = { .kind = HISTORY_IP,
				    .what = HISTORY_REMOTE,
				    .was = HISTORY_LOCAL,
				    .mac = &mac,
				    .mac_was = &mac_was,
				    .vni = 0xffffff,
				    .ifindex = 7,
				    .sequence = 0xfffffffe,
				    .count = 12,
				    .ip = &ip,
				    .vtep = &vtep,
				    .from = &from,
				    .neighbor = &neighbor,
				    .reason = reason,
				    .table = "bridge",
				    .text = "words",
				    .key = (const uint8_t *)"\2key",
				    .key_len = 4 };
	struct history_event out;
	struct history_reader r;

	assert_true(ip_parse("2001:db8::1", &from));
	assert_true(ip_parse("2001:db8::2", &neighbor));
	history_set_now(h, (struct mtime){ 1234 });
	history_add(h, HISTORY_MOVES, &in);
	history_read_all(h, &r, HISTORY_ALL);
	assert_true(history_next(h, &r, &out));
	assert_int_equal(out.id, 1);
	assert_int_equal(out.at.us, 1234);
	assert_string_equal(out.text, "words");
	assert_int_equal(out.key_len, 4);
	assert_memory_equal(out.key, in.key, 4);
	assert_int_equal(out.kind, in.kind);
	assert_int_equal(out.what, in.what);
	assert_int_equal(out.was, in.was);
	assert_true(mac_eq(out.mac, &mac) && mac_eq(out.mac_was, &mac_was));
	assert_int_equal(out.vni, in.vni);
	assert_int_equal(out.ifindex, in.ifindex);
	assert_int_equal(out.sequence, in.sequence);
	assert_int_equal(out.count, in.count);
	assert_true(ip_eq(out.ip, &ip) && ip_eq(out.vtep, &vtep) && ip_eq(out.from, &from) &&
		    ip_eq(out.neighbor, &neighbor));
	assert_ptr_equal(out.reason, in.reason);
	assert_ptr_equal(out.table, in.table);
	assert_false(history_next(h, &r, &out));
}

static void history_what_does_not_apply_is_zero(void **state)
{
	struct history *h = *state;
	struct history_event in = { .kind = HISTORY_SYSTEM, .what = HISTORY_STARTED }, out;
	struct history_reader r;

	history_add(h, HISTORY_DAEMON, &in);
	history_read_all(h, &r, HISTORY_ALL);
	assert_true(history_next(h, &r, &out));
	assert_true(!out.mac && !out.mac_was && !out.vni && !out.ip && !out.vtep && !out.from && !out.neighbor &&
		    !out.text && !out.reason && !out.key_len);
	assert_int_equal(out.was, HISTORY_NONE);
}

static void history_text_that_is_too_long_is_cut(void **state)
{
	struct history *h = *state;
	char text[2 * HISTORY_TEXT_MAX];
	struct history_event in = { .kind = HISTORY_NEIGHBOR, .what = HISTORY_IDLE, .text = text }, out;
	struct history_reader r;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	history_add(h, HISTORY_SESSIONS, &in);
	history_read_all(h, &r, HISTORY_ALL);
	assert_true(history_next(h, &r, &out));
	assert_int_equal(strlen(out.text), HISTORY_TEXT_MAX);
}

static void history_rings_are_read_in_the_order_of_events(void **state)
{
	struct history *h = *state;
	struct history_event out;
	struct history_reader r;

	for (uint32_t i = 1; i <= 100; i++)
		add_mac(h, (enum history_ring)(i * 7 % HISTORY_ROUTES), i);
	history_read_all(h, &r, HISTORY_ALL);
	for (uint32_t i = 1; i <= 100; i++) {
		struct mac m = mac_number(i);

		assert_true(history_next(h, &r, &out));
		assert_int_equal(out.id, i);
		assert_true(mac_eq(out.mac, &m));
	}
	assert_false(history_next(h, &r, &out));
}

/* Records of many sizes, several times around: what is left is the newest, whole and without a gap. */
static void history_wraps_and_keeps_the_newest(void **state)
{
	struct history *h = *state;
	char text[HISTORY_TEXT_MAX + 1];
	struct history_event in = { .kind = HISTORY_NEIGHBOR, .what = HISTORY_IDLE, .text = text }, out;
	struct history_reader r;
	uint64_t came, lost, n = 0;
	const uint32_t total = 20000;

	for (uint32_t i = 1; i <= total; i++) {
		memset(text, 'a' + i % 26, sizeof(text));
		text[i * 13 % HISTORY_TEXT_MAX] = '\0';
		in.count = i;
		history_add(h, HISTORY_ATTEMPTS, &in);
	}
	assert_true(history_bytes(h, &came, &lost) <= 64u << 10);
	assert_int_equal(came, total);
	assert_in_range(lost, total - 2000, total - 300);
	history_read_all(h, &r, HISTORY_ALL);
	while (history_next(h, &r, &out)) {
		n++;
		assert_int_equal(out.count, lost + n);
		assert_int_equal(strlen(out.text), out.count * 13 % HISTORY_TEXT_MAX);
		for (const char *c = out.text; *c; c++)
			assert_int_equal(*c, 'a' + out.count % 26);
	}
	assert_int_equal(lost + n, total);
	assert_int_equal(r.lost, 0);
}

static void history_a_storm_in_one_ring_leaves_the_others(void **state)
{
	struct history *h = *state;
	struct history_event out;
	struct history_reader r;

	add_mac(h, HISTORY_MOVES, 77);
	for (uint32_t i = 0; i < 100000; i++)
		add_mac(h, HISTORY_HOSTS, i);
	history_read_all(h, &r, HISTORY_BIT(HISTORY_MOVES));
	assert_true(history_next(h, &r, &out));
	assert_int_equal(out.mac->b[5], 77);
	assert_int_equal(out.id, 1);
}

static void history_a_reader_that_is_overtaken_hears_how_much_it_lost(void **state)
{
	struct history *h = *state;
	struct history_event out;
	struct history_reader r;
	uint64_t seen = 0, came, lost;

	add_mac(h, HISTORY_HOSTS, 0);
	history_read_new(h, &r, HISTORY_ALL);
	assert_false(history_next(h, &r, &out));
	for (uint32_t i = 1; i <= 100000; i++)
		add_mac(h, HISTORY_HOSTS, i);
	while (history_next(h, &r, &out))
		seen++;
	history_bytes(h, &came, &lost);
	assert_int_equal(came, 100001);
	assert_true(r.lost > 0);
	assert_int_equal(r.lost + seen, 100000);
	assert_int_equal(r.lost, lost - 1); /* the first one was before it */
}

struct waiter {
	struct history_watch w;
	unsigned woken;
};

static void wake(struct history_watch *w)
{
	container_of(w, struct waiter, w)->woken++;
}

static void history_who_waits_is_woken_for_its_rings_only(void **state)
{
	struct history *h = *state;
	struct waiter a = { .w = { .rings = HISTORY_BIT(HISTORY_MOVES), .wake = wake } };
	struct waiter b = { .w = { .rings = HISTORY_BIT(HISTORY_SESSIONS), .wake = wake } };

	assert_false(history_watched(h, HISTORY_MOVES));
	history_watch(h, &a.w);
	assert_true(history_watched(h, HISTORY_MOVES));
	assert_false(history_watched(h, HISTORY_ROUTES));
	add_mac(h, HISTORY_HOSTS, 1);
	assert_int_equal(a.woken, 0);
	add_mac(h, HISTORY_MOVES, 1);
	assert_int_equal(a.woken, 1);
	history_watch(h, &b.w);
	add_mac(h, HISTORY_SESSIONS, 1);
	assert_int_equal(a.woken, 1);
	assert_int_equal(b.woken, 1);
	history_unwatch(h, &b.w);
	history_unwatch(h, &a.w);
	assert_false(history_watched(h, HISTORY_MOVES));
	add_mac(h, HISTORY_MOVES, 2);
	assert_int_equal(a.woken, 1);
}

static void history_is_bounded_whatever_comes(void **state)
{
	struct history *h = *state;
	uint64_t came, lost;

	for (unsigned ring = 0; ring < HISTORY_RINGS; ring++)
		for (uint32_t i = 0; i < 60000; i++)
			add_mac(h, (enum history_ring)ring, i);
	assert_in_range(history_bytes(h, &came, &lost), 1u << 20, 9u << 18); /* 2.25 MiB */
	assert_int_equal(came, 60000 * HISTORY_RINGS);
}

static void history_ports_keep_their_names(void **state)
{
	struct history *h = *state;

	assert_null(history_port_name(h, 0));
	assert_null(history_port_name(h, 7));
	history_name_port(h, 7, "veth7");
	history_name_port(h, 8, "a name that is longer than any of an interface");
	assert_string_equal(history_port_name(h, 7), "veth7");
	assert_int_equal(strlen(history_port_name(h, 8)), 31);
	history_name_port(h, 7 + HISTORY_PORTS, "other");
	assert_null(history_port_name(h, 7));
	assert_string_equal(history_port_name(h, 7 + HISTORY_PORTS), "other");
}

static void history_names_are_parsed_again(void **state)
{
	enum history_kind k;

	for (enum history_kind i = 0; i < HISTORY_KINDS; i++) {
		assert_true(history_kind_parse(history_kind_name(i), &k));
		assert_int_equal(k, i);
	}
	assert_false(history_kind_parse("macs", &k));
	assert_null(history_what_name(HISTORY_NONE));
	for (enum history_what w = HISTORY_NONE + 1; w < HISTORY_WHATS; w++)
		assert_non_null(history_what_name(w));
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(history_all_parts_roundtrip),
		test(history_what_does_not_apply_is_zero),
		test(history_text_that_is_too_long_is_cut),
		test(history_rings_are_read_in_the_order_of_events),
		test(history_wraps_and_keeps_the_newest),
		test(history_a_storm_in_one_ring_leaves_the_others),
		test(history_a_reader_that_is_overtaken_hears_how_much_it_lost),
		test(history_who_waits_is_woken_for_its_rings_only),
		test(history_is_bounded_whatever_comes),
		test(history_ports_keep_their_names),
		test(history_names_are_parsed_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

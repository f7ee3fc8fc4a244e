/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Extended messages (RFC 8654): with them and without, received whole and in pieces, sent. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/rawworld.h"

#define EXTENDED "0600"
#define LONGEST 65535u

/* One UPDATE of len octets with routes of the test family; what does not fill a route is the last one's. Octets. */
static size_t long_update(uint8_t *out, size_t len, unsigned *routes)
{
	static const uint8_t attrs[] = { 0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 5, 4, 0, 0, 0, 100 };
	struct wbuf w = wb_init(out, len);
	size_t mp;

	memset(wb_ptr(&w, 16), 0xff, 16);
	wb_u16(&w, (uint16_t)len);
	wb_u8(&w, 2);
	wb_u16(&w, 0);
	wb_u16(&w, (uint16_t)(len - 23));
	wb_bytes(&w, attrs, sizeof(attrs));
	wb_u16(&w, 0x900e);
	mp = wb_open16(&w);
	wb_bytes(&w, "\x00\x19\x46\x04\xc6\x33\x64\x01\x00", 9);
	for (*routes = 0; wb_room(&w); ++*routes) {
		size_t room = wb_room(&w), key = room < 2 * 7 ? room - 2 : 5;

		wb_u8(&w, (uint8_t)key);
		wb_u32(&w, *routes);
		for (size_t i = 4; i < key; i++)
			wb_u8(&w, 0);
		wb_u8(&w, 0);
	}
	wb_close16(&w, mp);
	assert_true(wb_ok(&w));
	return wb_len(&w);
}

static void long_messages_are_read_when_both_can(void **state)
{
	static const size_t lens[] = { 4096, 4097, 20000, LONGEST };
	static uint8_t msg[LONGEST];

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		for (size_t piece = 0; piece <= 1000; piece += 500) {
			struct raw_world w;
			unsigned routes;

			raw_world_start(&w, (struct raw_setup){ .raw.caps = EXTENDED, .net = { .piece = piece } });
			raw_establish(&w.raw);
			sim_raw_send(w.raw.end, msg, long_update(msg, lens[i], &routes));
			raw_send_keepalive(&w.raw);
			raw_run(&w, 1 * S);
			assert_int_equal(w.seen.best, routes);
			assert_int_equal(raw_info(&w).in.keepalive, 2);
			assert_null(w.peer->session->part);
			raw_world_end(&w);
		}
	}
}

static void without_the_capability_4096_octets_are_the_limit(void **state)
{
	static uint8_t msg[LONGEST];
	unsigned routes;
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	sim_raw_send(w.raw.end, msg, long_update(msg, 4097, &routes));
	raw_expect_end(&w, 1, 2, "1001");
	raw_world_end(&w);
}

static void an_open_and_a_keepalive_are_never_long(void **state) /* RFC 8654 4 */
{
	static const char *const messages[] = { MARKER "1001 01", MARKER "1001 04" };

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct raw_world w;

		raw_world_start(&w, (struct raw_setup){ .raw.caps = EXTENDED });
		raw_establish(&w.raw);
		raw_send_hex(&w.raw, messages[i]);
		raw_expect_end(&w, 1, 2, "1001");
		raw_world_end(&w);
	}
}

static void before_the_open_nothing_long_is_waited_for(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .raw.caps = EXTENDED });
	assert_true(raw_connect(&w.raw));
	raw_send_hex(&w.raw, MARKER "1001 02");
	raw_expect_end(&w, 1, 2, "1001");
	raw_world_end(&w);
}

/* The longest UPDATE that a peer with these capabilities gets of a table of n routes, and how many routes come. */
static size_t longest_sent(const char *caps, unsigned n, unsigned *routes)
{
	struct raw_world w;
	struct raw_msg m;
	size_t longest = 0;
	char key[16];

	raw_world_start(&w, (struct raw_setup){ .raw.caps = caps, .net = { .window = 1 << 20 } });
	for (unsigned i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "%09u", i);
		routes_originate(sim_bgp(w.dut), key, 1, simnet_now(w.net));
	}
	raw_establish(&w.raw);
	raw_run(&w, 1 * S);
	raw_flush(&w.raw);
	raw_send_hex(&w.raw, MARKER "0017 05 0019 00 46");
	raw_run(&w, 1 * S);
	while (raw_next(&w.raw, &m))
		if (m.type == 2 && m.len + MSG_HEADER_LEN > longest)
			longest = m.len + MSG_HEADER_LEN;
	*routes = (unsigned)raw_info(&w).prefixes_sent;
	raw_world_end(&w);
	return longest;
}

static void long_messages_are_sent_when_both_can(void **state)
{
	unsigned routes;

	assert_in_range(longest_sent(NULL, 20000, &routes), 3900, 4096);
	assert_int_equal(routes, 20000);
	assert_in_range(longest_sent(EXTENDED, 20000, &routes), 65000, LONGEST);
	assert_int_equal(routes, 20000);
	/* With a wrong length it is as if it were not there. */
	assert_in_range(longest_sent("060100", 20000, &routes), 3900, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_messages_are_read_when_both_can),
		cmocka_unit_test(without_the_capability_4096_octets_are_the_limit),
		cmocka_unit_test(an_open_and_a_keepalive_are_never_long),
		cmocka_unit_test(before_the_open_nothing_long_is_waited_for),
		cmocka_unit_test(long_messages_are_sent_when_both_can),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* BGP messages: bounds of the header, bodies both ways, the shutdown communication. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "bgp/msg.h"
#include "tests/lib/hex.h"

#define MARKER "ffffffffffffffffffffffffffffffff"

static enum msg_verdict frame(const char *hex, size_t *len, enum msg_type *type, struct msg_fault *f, uint8_t *space)
{
	return msg_frame(space, hex_bytes(hex, space, 8192), MSG_MAX_LEN, len, type, f);
}

static void header_faults_have_code_subcode_and_data(void **state)
{
	static const struct {
		const char *name, *hex;
		uint8_t subcode;
		const char *data;
	} cases[] = {
		{ "marker", "fffffffffffffffffffffffffffffffe 0013 04", 1, "" },
		{ "marker before length", "00ffffffffffffffffffffffffffffff 0000 00", 1, "" },
		{ "length 0", MARKER "0000 04", 2, "0000" },
		{ "length 18", MARKER "0012 04", 2, "0012" },
		{ "length 4097, OPEN", MARKER "1001 01", 2, "1001" },
		{ "length 65535", MARKER "ffff 02", 2, "ffff" },
		{ "length before type", MARKER "ffff 09", 2, "ffff" },
		{ "type 0", MARKER "0013 00", 3, "00" },
		{ "type 6", MARKER "0013 06", 3, "06" },
		{ "type 255", MARKER "0013 ff", 3, "ff" },
		{ "OPEN of 28", MARKER "001c 01", 2, "001c" },
		{ "UPDATE of 22", MARKER "0016 02", 2, "0016" },
		{ "NOTIFICATION of 20", MARKER "0014 03", 2, "0014" },
		{ "KEEPALIVE of 20", MARKER "0014 04", 2, "0014" },
		{ "ROUTE-REFRESH of 22", MARKER "0016 05", 2, "0016" },
	};
	uint8_t space[8192];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msg_fault f = { 0 };
		enum msg_type type;
		size_t len;

		print_message("%s\n", cases[i].name);
		assert_int_equal(frame(cases[i].hex, &len, &type, &f, space), MSG_BAD);
		assert_int_equal(f.code, 1);
		assert_int_equal(f.subcode, cases[i].subcode);
		hex_assert(cases[i].name, f.data, f.data_len, cases[i].data);
		assert_non_null(f.why);
	}
}

static void only_some_messages_may_be_long(void **state) /* RFC 8654 4 */
{
	static const struct {
		const char *hex;
		enum msg_verdict verdict;
	} cases[] = {
		{ MARKER "1001 01", MSG_BAD },   { MARKER "1000 01", MSG_SHORT }, { MARKER "ffff 02", MSG_SHORT },
		{ MARKER "1001 03", MSG_SHORT }, { MARKER "1001 04", MSG_BAD },   { MARKER "1001 05", MSG_SHORT },
	};
	uint8_t space[32];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msg_fault f;
		enum msg_type type;
		size_t len;

		size_t n = hex_bytes(cases[i].hex, space, sizeof(space));

		assert_int_equal(msg_frame(space, n, MSG_EXTENDED_MAX_LEN, &len, &type, &f), cases[i].verdict);
	}
}

static void frame_asks_for_more_until_the_message_is_whole(void **state)
{
	uint8_t space[64];
	size_t n = hex_bytes(MARKER "0017 05 0019 00 46", space, sizeof(space)), len;
	struct msg_fault f;
	enum msg_type type;

	for (size_t have = 0; have < n; have++)
		assert_int_equal(msg_frame(space, have, MSG_MAX_LEN, &len, &type, &f), MSG_SHORT);
	assert_int_equal(msg_frame(space, n, MSG_MAX_LEN, &len, &type, &f), MSG_WHOLE);
	assert_int_equal(len, 23);
	assert_int_equal(type, MSG_REFRESH);
}

static void open_roundtrips(void **state)
{
	uint8_t space[512];
	struct wbuf w = wb_init(space, sizeof(space));
	struct msg_fault f;
	struct msg_open o;
	size_t mark;

	msg_open_begin(&w, 4200000000u, 90, 0xc0000201, &mark);
	wb_bytes(&w, "\x02\x02\x02\x00", 4);
	msg_open_end(&w, mark);
	hex_assert("OPEN", space, wb_len(&w), MARKER "0021 01 04 5ba0 005a c0000201 04 02020200");
	assert_true(msg_open_decode(rb_init(space + 19, wb_len(&w) - 19), &o, &f));
	assert_int_equal(o.my_as, 23456);
	assert_int_equal(o.hold_time, 90);
	assert_int_equal(o.router_id, 0xc0000201);
	assert_false(o.extended);
	hex_assert("parameters", o.params.p, rb_left(&o.params), "02020200");
	/* Every proper prefix is refused, and so is an octet too much. */
	for (size_t n = 1; n < wb_len(&w) - 19; n++) {
		assert_false(msg_open_decode(rb_init(space + 19, n), &o, &f));
		assert_int_equal(f.code, 2);
		assert_int_equal(f.subcode, 0);
	}
	assert_false(msg_open_decode(rb_init(space + 19, wb_len(&w) - 18), &o, &f));
}

static void open_of_another_version_names_ours(void **state)
{
	uint8_t body[16];
	struct msg_fault f;
	struct msg_open o;
	size_t n = hex_bytes("05 fde9 005a c0000202 00", body, sizeof(body));

	assert_false(msg_open_decode(rb_init(body, n), &o, &f));
	assert_int_equal(f.code, 2);
	assert_int_equal(f.subcode, 1);
	hex_assert("data", f.data, f.data_len, "0004");
}

static void open_with_extended_parameters_is_read(void **state) /* RFC 9072 2 */
{
	uint8_t body[64];
	struct msg_fault f;
	struct msg_open o;
	size_t n = hex_bytes("04 fde9 005a c0000202 ff ff 0009 02 0006 010400190046", body, sizeof(body));

	assert_true(msg_open_decode(rb_init(body, n), &o, &f));
	assert_true(o.extended);
	hex_assert("parameters", o.params.p, rb_left(&o.params), "02 0006 010400190046");
	assert_false(msg_open_decode(rb_init(body, n - 1), &o, &f));
	assert_int_equal(f.subcode, 0);
}

static void extended_parameters_are_known_by_their_type(void **state) /* RFC 9072 2 */
{
	uint8_t body[64];
	struct msg_fault f;
	struct msg_open o;
	size_t n = hex_bytes("04 fde9 005a c0000202 01 ff 0009 02 0006 010400190046", body, sizeof(body));

	assert_true(msg_open_decode(rb_init(body, n), &o, &f));
	assert_true(o.extended);
	hex_assert("parameters", o.params.p, rb_left(&o.params), "02 0006 010400190046");
	body[9] = 0; /* none of either kind, and octets behind them */
	assert_false(msg_open_decode(rb_init(body, n), &o, &f));
	assert_int_equal(f.subcode, 0);
}

static void refresh_of_another_length_is_refused(void **state)
{
	static const struct {
		const char *body;
		uint8_t code, subcode;
	} cases[] = {
		{ "001900", 1, 2 },	{ "0019004600", 1, 2 }, { "0019c84600", 1, 2 },
		{ "0019014600", 7, 1 }, { "0019024600", 7, 1 },
	};
	uint8_t space[64];
	struct msg_fault f;
	struct msg_refresh m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = hex_bytes(cases[i].body, space + 19, sizeof(space) - 19);

		memset(space, 0xff, 19);
		assert_false(msg_refresh_decode(rb_init(space + 19, n), &m, &f));
		assert_int_equal(f.code, cases[i].code);
		assert_int_equal(f.subcode, cases[i].subcode);
		assert_int_equal(f.data_len, cases[i].code == 7 ? 19 + n : 2); /* RFC 7313 5: the whole message */
	}
}

static void refresh_and_keepalive_are_written(void **state)
{
	uint8_t space[64];
	struct wbuf w = wb_init(space, sizeof(space));
	struct msg_fault f;
	struct msg_refresh m;

	msg_keepalive_write(&w);
	msg_refresh_write(&w, 25, MSG_REFRESH_REQUEST, 70);
	hex_assert("both", space, wb_len(&w), MARKER "0013 04" MARKER "0017 05 0019 00 46");
	assert_true(msg_refresh_decode(rb_init(space + 38, 4), &m, &f));
	assert_int_equal(m.afi, 25);
	assert_int_equal(m.safi, 70);
	assert_int_equal(m.subtype, 0);
}

static void notification_roundtrips_and_is_cut_to_a_message(void **state)
{
	static const uint8_t data[5000] = { 1, 2, 3 };
	static uint8_t space[8192];
	struct wbuf w = wb_init(space, sizeof(space));
	struct msg_fault f;

	msg_notification_write(&w, 6, 2, data, 3);
	hex_assert("NOTIFICATION", space, wb_len(&w), MARKER "0018 03 06 02 010203");
	msg_notification_decode(rb_init(space + 19, wb_len(&w) - 19), &f);
	assert_int_equal(f.code, 6);
	assert_int_equal(f.subcode, 2);
	assert_int_equal(f.data_len, 3);
	assert_string_equal(f.why, "administrative shutdown");
	w = wb_init(space, sizeof(space));
	msg_notification_write(&w, 3, 1, data, sizeof(data));
	assert_true(wb_ok(&w));
	assert_int_equal(wb_len(&w), 4096);
}

static void codes_without_a_name_do_no_harm(void **state)
{
	assert_string_equal(msg_code_name(200), "unknown error");
	assert_null(msg_subcode_name(6, 200));
	assert_null(msg_subcode_name(200, 1));
	assert_null(msg_subcode_name(4, 0));
	assert_string_equal(msg_subcode_name(5, 2), "unexpected message in OpenConfirm");
}

static void text_is(const char *hex, const char *want)
{
	uint8_t data[300];
	char out[160];
	size_t n = hex_bytes(hex, data, sizeof(data));

	assert_int_equal(msg_shutdown_text(data, n, out, sizeof(out)), want[0] != '\0');
	assert_string_equal(out, want);
}

static void shutdown_text_is_made_printable(void **state) /* RFC 9003 2 */
{
	text_is("", "");
	text_is("00", "");
	text_is("03 616263", "abc");
	text_is("03 616263 64", "abc"); /* octets behind the text are not text */
	text_is("04 61 1b 0a 7f", "a\\x1b\\x0a\\x7f");
	text_is("02 c3a4", "\xc3\xa4");
	text_is("02 c285", "\\xc2\\x85");         /* C1 control */
	text_is("02 c080", "\\xc0\\x80");         /* overlong */
	text_is("03 eda080", "\\xed\\xa0\\x80");   /* surrogate */
	text_is("01 c3", "\\xc3");                /* cut */
	text_is("c8 616263", "(shutdown communication: length 200, 3 octets are there)");
}

static void shutdown_text_fits_its_space(void **state)
{
	uint8_t data[256] = { 255 };
	char out[160];

	memset(data + 1, 'x', 255);
	assert_true(msg_shutdown_text(data, 256, out, sizeof(out)));
	assert_in_range(strlen(out), 150, 159);
	memset(data + 1, 1, 255);
	assert_true(msg_shutdown_text(data, 256, out, sizeof(out)));
	assert_in_range(strlen(out), 150, 159);
}

static void shutdown_data_is_cut_at_a_character(void **state)
{
	uint8_t out[256];
	char text[400];

	assert_int_equal(msg_shutdown_data("bye", out), 4);
	hex_assert("data", out, 4, "03 627965");
	memset(text, 'a', 254);
	strcpy(text + 254, "\xc3\xa4");
	assert_int_equal(msg_shutdown_data(text, out), 255);
	assert_int_equal(out[0], 254);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_faults_have_code_subcode_and_data),
		cmocka_unit_test(only_some_messages_may_be_long),
		cmocka_unit_test(frame_asks_for_more_until_the_message_is_whole),
		cmocka_unit_test(open_roundtrips),
		cmocka_unit_test(open_of_another_version_names_ours),
		cmocka_unit_test(open_with_extended_parameters_is_read),
		cmocka_unit_test(extended_parameters_are_known_by_their_type),
		cmocka_unit_test(refresh_of_another_length_is_refused),
		cmocka_unit_test(refresh_and_keepalive_are_written),
		cmocka_unit_test(notification_roundtrips_and_is_cut_to_a_message),
		cmocka_unit_test(codes_without_a_name_do_no_harm),
		cmocka_unit_test(shutdown_text_is_made_printable),
		cmocka_unit_test(shutdown_text_fits_its_space),
		cmocka_unit_test(shutdown_data_is_cut_at_a_character),
	};

	return RUN_TESTS(tests);
}

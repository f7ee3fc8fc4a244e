/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* evpn/rd.c, rt.c, esi.c, ident.c: text of identifiers, and the automatic ones. */
#include "include/evpn.h"
#include "tests/lib/hex.h"
#include "tests/lib/test.h"

static const char *const bad_idents[] = {
	"",          ":",          "65000",       "65000:",         ":10",         "65000:10:1",
	"65000: 10", " 65000:10",  "+65000:10",   "65000:-1",       "65000:0x10",  "192.0.2:10",
	"a:b",       "1.2.3.4:",   "2001:db8::1", "192.0.2.256:10", "192.0.2.1:65536", "65536:65536",
	"4294967296:1", "65000:4294967296", "065000:1", "65000:01", "192.0.2.1:10 ",
};

static void rd_text_roundtrips_for_every_type(void **state)
{
	/* RFC 4364 4.2: type 0 AS 2 + number 4, type 1 address + number 2, type 2 AS 4 + number 2. */
	static const struct {
		const char *text, *hex;
	} t[] = {
		{ "65000:10", "0000 fde8 0000000a" },
		{ "0:0", "0000 0000 00000000" },
		{ "65535:4294967295", "0000 ffff ffffffff" },
		{ "192.0.2.1:2", "0001 c0000201 0002" },
		{ "255.255.255.255:65535", "0001 ffffffff ffff" },
		{ "65536:1", "0002 00010000 0001" },
		{ "4294967295:65535", "0002 ffffffff ffff" },
	};
	uint8_t rd[8];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_true(evpn_rd_parse(t[i].text, rd));
		hex_assert(t[i].text, rd, 8, t[i].hex);
		assert_string_equal(evpn_rd_str(rd).s, t[i].text);
	}
}

static void rd_of_an_undefined_type_has_a_text(void **state)
{
	static const uint8_t rd[8] = { 0, 3, 0xc0, 0, 2, 9, 1, 0x37 };
	static const uint8_t high[8] = { 0xff, 0xff, 1, 2, 3, 4, 5, 6 };

	assert_string_equal(evpn_rd_str(rd).s, "type3:c00002090137");
	assert_string_equal(evpn_rd_str(high).s, "type65535:010203040506");
}

static void rd_and_rt_parse_reject_everything_else(void **state)
{
	uint8_t v[8];

	for (size_t i = 0; i < sizeof(bad_idents) / sizeof(bad_idents[0]); i++) {
		if (evpn_rd_parse(bad_idents[i], v) || evpn_rt_parse(bad_idents[i], v))
			fail_msg("\"%s\" parses", bad_idents[i]);
	}
}

static void rd_auto_is_router_id_and_the_low_16_bits(void **state)
{
	uint8_t rd[8];

	evpn_rd_auto(0xc0000201, 100, rd);
	assert_string_equal(evpn_rd_str(rd).s, "192.0.2.1:100");
	evpn_rd_auto(0xc0000201, 65535, rd);
	assert_string_equal(evpn_rd_str(rd).s, "192.0.2.1:65535");
	evpn_rd_auto(0xc0000201, 65536, rd);
	assert_string_equal(evpn_rd_str(rd).s, "192.0.2.1:0");
	evpn_rd_auto(0xfe000001, 16777215, rd);
	assert_string_equal(evpn_rd_str(rd).s, "254.0.0.1:65535");
}

static void rt_text_roundtrips_for_every_type(void **state)
{
	/* RFC 4360 3.1, 3.2, 4; RFC 5668 2. */
	static const struct {
		const char *text, *hex;
	} t[] = {
		{ "65000:10", "0002 fde8 0000000a" },
		{ "65001:268435556", "0002 fde9 10000064" },
		{ "192.0.2.1:10", "0102 c0000201 000a" },
		{ "4200000001:10", "0202 fa56ea01 000a" },
	};
	struct evpn_str s;
	uint8_t rt[8];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_true(evpn_rt_parse(t[i].text, rt));
		hex_assert(t[i].text, rt, 8, t[i].hex);
		assert_true(evpn_rt_str(rt, &s));
		assert_string_equal(s.s, t[i].text);
	}
}

static void rt_str_knows_route_targets_only(void **state)
{
	/* Route origin, encapsulation, ES-Import, a non-transitive two-octet AS community. */
	static const char *const t[] = { "0003 fde8 0000000a", "030c 00000000 0008", "0602 020000000001",
					 "4002 fde8 0000000a" };
	struct evpn_str s;
	uint8_t ec[8];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		hex_bytes(t[i], ec, 8);
		if (evpn_rt_str(ec, &s))
			fail_msg("%s has the text %s", t[i], s.s);
		assert_int_equal(evpn_rt_auto_vni(ec), 0);
	}
}

static void rt_auto_is_as_and_vni(void **state)
{
	struct evpn_str s;
	uint8_t rt[8];

	evpn_rt_auto(65001, 16777215, rt);
	assert_true(evpn_rt_str(rt, &s));
	assert_string_equal(s.s, "65001:16777215");
	evpn_rt_auto(4200000001, 10, rt); /* as FRR does it */
	assert_true(evpn_rt_str(rt, &s));
	assert_string_equal(s.s, "59905:10");
}

static void rt_auto_import_reads_both_forms_of_any_as(void **state)
{
	static const struct {
		const char *text;
		uint32_t vni;
	} t[] = {
		{ "65000:10", 10 },
		{ "1:16777215", 16777215 },
		{ "65000:268435466", 10 },         /* RFC 8365 5.1.2.1: 0x10000000 + VNI */
		{ "65000:285212671", 16777215 },
		{ "4200000001:10", 10 },
		{ "192.0.2.1:10", 0 },             /* names a host, not a VNI */
		{ "65000:16777216", 0 },           /* no VNI, and no automatic form */
		{ "65000:285212672", 0 },          /* domain id 1 */
		{ "65000:536870922", 0 },          /* type 2 */
		{ "65000:2415919114", 0 },         /* A bit: set by hand */
		{ "65000:0", 0 },
		{ "65000:268435456", 0 },
	};
	uint8_t rt[8];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_true(evpn_rt_parse(t[i].text, rt));
		if (evpn_rt_auto_vni(rt) != t[i].vni)
			fail_msg("%s: VNI %u, not %u", t[i].text, evpn_rt_auto_vni(rt), t[i].vni);
	}
}

static void esi_text_roundtrips(void **state)
{
	static const char text[] = "01:00:1b:21:aa:bb:01:00:11:ff";
	uint8_t esi[10];

	assert_true(evpn_esi_parse(text, esi));
	hex_assert(text, esi, 10, "01001b21aabb010011ff");
	assert_string_equal(evpn_esi_str(esi).s, text);
	assert_true(evpn_esi_parse("01:00:1B:21:AA:BB:01:00:11:FF", esi));
	assert_string_equal(evpn_esi_str(esi).s, text);
	assert_false(evpn_esi_is_zero(esi));
	assert_true(evpn_esi_parse("00:00:00:00:00:00:00:00:00:00", esi));
	assert_true(evpn_esi_is_zero(esi));
	esi[9] = 1;
	assert_false(evpn_esi_is_zero(esi));
}

static void esi_parse_rejects_everything_else(void **state)
{
	static const char *const bad[] = { "",
					   "0",
					   "00",
					   "00:",
					   "00:11:22:33:44:55:66:77:88",
					   "00:11:22:33:44:55:66:77:88:",
					   "00:11:22:33:44:55:66:77:88:9",
					   "00:11:22:33:44:55:66:77:88:99:",
					   "00:11:22:33:44:55:66:77:88:990",
					   "0g:11:22:33:44:55:66:77:88:99",
					   "g0:11:22:33:44:55:66:77:88:99",
					   "00-11:22:33:44:55:66:77:88:99",
					   "00112233445566778899" };
	uint8_t esi[10] = { 7 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (evpn_esi_parse(bad[i], esi))
			fail_msg("\"%s\" parses", bad[i]);
	}
	assert_int_equal(esi[0], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rd_text_roundtrips_for_every_type),
		cmocka_unit_test(rd_of_an_undefined_type_has_a_text),
		cmocka_unit_test(rd_and_rt_parse_reject_everything_else),
		cmocka_unit_test(rd_auto_is_router_id_and_the_low_16_bits),
		cmocka_unit_test(rt_text_roundtrips_for_every_type),
		cmocka_unit_test(rt_str_knows_route_targets_only),
		cmocka_unit_test(rt_auto_is_as_and_vni),
		cmocka_unit_test(rt_auto_import_reads_both_forms_of_any_as),
		cmocka_unit_test(esi_text_roundtrips),
		cmocka_unit_test(esi_parse_rejects_everything_else),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Capabilities: any spread over parameters, wrong lengths, roles, what show prints. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "bgp/cap.h"
#include "tests/lib/hex.h"

static uint8_t space[4096];

static struct msg_open params(const char *hex, bool extended)
{
	return (struct msg_open){ .params = rb_init(space, hex_bytes(hex, space, sizeof(space))),
				  .extended = extended };
}

static bool decode(const char *hex, bool extended, struct caps *c, struct msg_fault *f)
{
	struct msg_open o = params(hex, extended);

	return cap_decode(&o, NULL, c, f);
}

static void one_parameter_or_many_mean_the_same(void **state)
{
	static const char *const same[] = {
		"02 0e 010400190046 41040000fde9 0200",          /* GoBGP's way */
		"02 06 010400190046 02 06 41040000fde9 02 02 0200", /* FRR's way */
		"02 06 010400190046 02 00 02 08 41040000fde9 8000",
		"02 1f 010400190046 010400190046 01030019 00 4904 00000000 41040000fde9 0200",
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct caps c;
		struct msg_fault f;

		print_message("%s\n", same[i]);
		assert_true(decode(same[i], false, &c, &f));
		assert_int_equal(c.n_families, 1);
		assert_true(cap_family_has(&c, 25, 70));
		assert_true(c.as4);
		assert_int_equal(c.asn, 65001);
		assert_true(c.refresh);
	}
}

static void extended_parameters_have_16_bit_lengths(void **state)
{
	struct caps c;
	struct msg_fault f;

	assert_true(decode("02 0006 010400190046 02 0006 41040000fde9", true, &c, &f));
	assert_true(cap_family_has(&c, 25, 70));
	assert_true(c.as4);
}

static void broken_parameters_are_refused(void **state)
{
	static const struct {
		const char *hex;
		uint8_t subcode;
	} cases[] = {
		{ "02 28 010400190046", 0 },          /* parameter overruns */
		{ "02 06 010900190046", 0 },          /* capability overruns its parameter, not the OPEN */
		{ "02 06 010900190046 02 06 41040000fde9", 0 },
		{ "02 01 01", 0 },
		{ "02", 0 },
		{ "02 06 010400190046 03 01 02", 4 }, /* unknown parameter */
		{ "02 04 4102fde9", 0 },              /* 4-octet AS of 2 */
		{ "02 07 41050000fde900", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct caps c;
		struct msg_fault f = { 0 };

		print_message("%s\n", cases[i].hex);
		assert_false(decode(cases[i].hex, false, &c, &f));
		assert_int_equal(f.code, 2);
		assert_int_equal(f.subcode, cases[i].subcode);
	}
}

static void role_conflict_is_seen(void **state) /* RFC 9234 4.2 */
{
	struct caps c;
	struct msg_fault f;

	assert_true(decode("02 06 090103 090103", false, &c, &f));
	assert_int_equal(c.role, CAP_ROLE_CUSTOMER);
	assert_false(c.role_conflict);
	assert_true(decode("02 03 090102 02 03 090103", false, &c, &f));
	assert_true(c.role_conflict);
	assert_true(decode("02 03 0901ff", false, &c, &f));
	assert_false(cap_role_match(CAP_ROLE_PEER, c.role));
}

static void roles_match_in_pairs(void **state)
{
	for (uint8_t ours = CAP_ROLE_PROVIDER; ours <= CAP_ROLE_PEER; ours++) {
		unsigned n = 0;

		for (uint8_t theirs = 0; theirs < 255; theirs++)
			n += cap_role_match(ours, theirs);
		assert_int_equal(n, 1);
	}
	assert_true(cap_role_match(CAP_ROLE_PROVIDER, CAP_ROLE_CUSTOMER));
	assert_true(cap_role_match(CAP_ROLE_RS_CLIENT, CAP_ROLE_RS));
	assert_true(cap_role_match(CAP_ROLE_PEER, CAP_ROLE_PEER));
}

static void what_is_encoded_decodes_the_same(void **state)
{
	struct caps in = { .refresh = true, .extended_message = true, .as4 = true, .asn = 4200000000u,
			   .role = CAP_ROLE_PEER }, out;
	struct wbuf w = wb_init(space, sizeof(space));
	struct msg_open o = { 0 };
	struct msg_fault f;

	cap_family_add(&in, 25, 70);
	cap_family_add(&in, 1, 132);
	cap_family_add(&in, 25, 70);
	cap_encode(&w, &in);
	assert_true(wb_ok(&w));
	hex_assert("parameter", space, wb_len(&w), "02 19 010400190046 010400010084 0200 0600 4104fa56ea00 090104");
	o.params = rb_init(space, wb_len(&w));
	assert_true(cap_decode(&o, NULL, &out, &f));
	assert_memory_equal(&in, &out, sizeof(in));
}

static void more_families_than_can_be_held_do_no_harm(void **state)
{
	struct caps c = { 0 };

	for (uint16_t i = 0; i < 300; i++)
		cap_family_add(&c, i, 1);
	assert_int_equal(c.n_families, CAP_FAMILIES_MAX);
}

enum { OTHERS = 3 * CAP_FAMILIES_MAX };

/* AFI, SAFI and an octet for each of many families, ours last; multiprotocol has its octet between the two. */
static size_t many_families(char *hex, size_t at, const char *before, const char *between, const char *behind)
{
	for (unsigned i = 0; i <= OTHERS; i++)
		at += (size_t)sprintf(hex + at, "%s%s%s%02x%s", before, i == OTHERS ? "0019" : "0001", between,
				      i == OTHERS ? 70 : 200 + i, behind);
	return at;
}

static void our_family_is_found_behind_any_number_of_others(void **state)
{
	static char hex[4096];
	struct caps ours = { 0 }, c;
	struct msg_fault f;
	struct msg_open o;
	size_t at;

	at = (size_t)sprintf(hex, "02 %04x ", (OTHERS + 1) * 14 + 6);
	at = many_families(hex, at, "0104", "00", "");
	at += (size_t)sprintf(hex + at, "40 %02x 0078", (OTHERS + 1) * 4 + 2);
	at = many_families(hex, at, "", "", "80");
	at += (size_t)sprintf(hex + at, "45 %02x", (OTHERS + 1) * 4);
	many_families(hex, at, "", "", "02");
	o = params(hex, true);
	cap_family_add(&ours, 25, 70);
	assert_true(cap_decode(&o, &ours, &c, &f));
	assert_int_equal(c.n_families, 1);
	assert_true(cap_family_has(&c, 25, 70));
	assert_int_equal(c.gr.n, 1);
	assert_non_null(cap_gr_find(&c.gr, 25, 70));
	assert_int_equal(cap_add_path(&c, 25, 70), CAP_ADD_PATH_SEND);
}

static void show_names_what_it_knows(void **state)
{
	struct msg_open o = params("02 1a 010400190046 41040000fde9 4600 0901 00 c800 0103001900 4900", false);
	struct buf b;
	struct json j;

	buf_init(&b);
	json_init(&j, &b);
	json_array(&j, NULL);
	cap_print(&o, &j);
	json_array_end(&j);
	buf_add(&b, "", 1);
	assert_string_equal(buf_data(&b), "[\"multiprotocol 25/70\",\"4-octet-as 65001\",\"enhanced-route-refresh\","
					  "\"role provider\",\"unknown-200\",\"multiprotocol\",\"fqdn\"]");
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_parameter_or_many_mean_the_same),
		cmocka_unit_test(extended_parameters_have_16_bit_lengths),
		cmocka_unit_test(broken_parameters_are_refused),
		cmocka_unit_test(role_conflict_is_seen),
		cmocka_unit_test(roles_match_in_pairs),
		cmocka_unit_test(what_is_encoded_decodes_the_same),
		cmocka_unit_test(more_families_than_can_be_held_do_no_harm),
		cmocka_unit_test(our_family_is_found_behind_any_number_of_others),
		cmocka_unit_test(show_names_what_it_knows),
	};

	return RUN_TESTS(tests);
}

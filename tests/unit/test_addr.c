/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* base/addr.c: text and socket forms, and the kinds of addresses. */
#include "base/addr.h"

#include <netinet/in.h>

#include "tests/lib/test.h"

static struct ip ip(const char *s)
{
	struct ip a;

	if (!ip_parse(s, &a))
		fail_msg("%s does not parse", s);
	return a;
}

static void mac_text_roundtrips_in_lower_case(void **state)
{
	struct mac m;

	assert_true(mac_parse("02:AB:cd:00:0f:F0", &m));
	assert_string_equal(mac_str(&m).s, "02:ab:cd:00:0f:f0");
	assert_true(mac_u64(&m) == 0x02abcd000ff0u);
}

static void mac_parse_rejects_everything_else(void **state)
{
	static const char *const bad[] = { "", "02", "02:00:00:00:00", "02:00:00:00:00:01:02", "02-00-00-00-00-01",
					   "2:0:0:0:0:1", "02:00:00:00:00:0g", "02:00:00:00:00:01 ",
					   " 02:00:00:00:00:01",
					   "020000000001", "02:00:00:00:00:1", "02:00:00:00:00:", "@2:00:00:00:00:01" };
	struct mac m = { { 1, 2, 3, 4, 5, 6 } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (mac_parse(bad[i], &m))
			fail_msg("\"%s\" parses", bad[i]);
	}
	assert_string_equal(mac_str(&m).s, "01:02:03:04:05:06");
}

static void mac_kinds(void **state)
{
	struct mac m = { { 0 } }, n = { { 0, 0, 0, 0, 0, 1 } };

	assert_true(mac_is_zero(&m));
	assert_false(mac_is_zero(&n));
	assert_false(mac_eq(&m, &n));
	assert_false(mac_is_group(&n));
	n.b[0] = 1;
	assert_true(mac_is_group(&n));
}

static void ip_text_roundtrips(void **state)
{
	/* RFC 5952 section 4: lower case, no leading zeros, the longest run shortened, never a single group. */
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "::", "::" },
		{ "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:0db8::0001", "2001:db8::1" },
		{ "fe80::1", "fe80::1" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct ip a = ip(t[i].in);

		assert_string_equal(ip_str(&a).s, t[i].out);
	}
	assert_string_equal(ip_str(&(struct ip){ 0 }).s, "");
}

static void ip_parse_rejects_everything_else(void **state)
{
	static const char *const bad[] = { "", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4/32",
					   "1.2.3.4 ",
					   ":", ":::", "1::2::3", "fe80::1%eth0", "g::", "0x7f.1.1.1" };
	struct ip a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (ip_parse(bad[i], &a))
			fail_msg("\"%s\" parses", bad[i]);
	}
}

static void ip_compares_by_family_then_value(void **state)
{
	struct ip none = ip_none(), a = ip_v4(0xc0000201), b = ip("192.0.2.2"), c = ip("::");

	assert_true(ip_cmp(&none, &a) < 0);
	assert_true(ip_cmp(&a, &b) < 0);
	assert_true(ip_cmp(&b, &c) < 0);
	b.b[3] = 1;
	assert_true(ip_eq(&a, &b));
}

static void ip_kinds(void **state)
{
	enum { ZERO = 1, MCAST = 2, LOOP = 4, LL = 8, UNI = 16 };
	static const struct {
		const char *s;
		unsigned kinds;
	} t[] = {
		{ "0.0.0.0", ZERO },             { "::", ZERO },                  { "224.0.0.1", MCAST },
		{ "239.255.255.255", MCAST },    { "223.255.255.255", UNI },      { "240.0.0.0", 0 },
		{ "255.255.255.255", 0 },        { "127.0.0.1", LOOP },           { "127.255.0.1", LOOP },
		{ "::1", LOOP },                 { "::2", UNI },                  { "169.254.1.1", LL | UNI },
		{ "169.255.0.1", UNI },          { "fe80::1", LL | UNI },         { "febf::1", LL | UNI },
		{ "fec0::1", UNI },              { "ff02::1", MCAST },            { "192.0.2.1", UNI },
		{ "2001:db8::1", UNI },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct ip a = ip(t[i].s);
		unsigned k = (ip_is_zero(&a) ? ZERO : 0u) | (ip_is_multicast(&a) ? MCAST : 0u) |
			     (ip_is_loopback(&a) ? LOOP : 0u) | (ip_is_linklocal(&a) ? LL : 0u) |
			     (ip_is_unicast(&a) ? UNI : 0u);

		if (k != t[i].kinds)
			fail_msg("%s: kinds %u, not %u", t[i].s, k, t[i].kinds);
	}
	assert_true(ip_is_zero(&(struct ip){ 0 }));
	assert_false(ip_is_unicast(&(struct ip){ 0 }));
}

static void sockaddr_roundtrips(void **state)
{
	static const char *const t[] = { "192.0.2.1", "2001:db8::1" };

	for (size_t i = 0; i < 2; i++) {
		struct ip a = ip(t[i]), b;
		struct sockaddr_storage ss;
		uint16_t port = 0;

		assert_int_equal(ip_to_sockaddr(&a, 179, &ss),
				 i ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
		assert_int_equal(ss.ss_family, ip_family(&a));
		b = ip_from_sockaddr((struct sockaddr *)&ss, &port);
		assert_true(ip_eq(&a, &b));
		assert_int_equal(port, 179);
	}
}

static void sockaddr_mapped_is_ipv4_and_other_families_none(void **state)
{
	struct ip a = ip("::ffff:192.0.2.1"), b;
	struct sockaddr_storage ss;

	ip_to_sockaddr(&a, 1, &ss);
	b = ip_from_sockaddr((struct sockaddr *)&ss, NULL);
	assert_string_equal(ip_str(&b).s, "192.0.2.1");
	ss.ss_family = AF_UNIX;
	assert_int_equal(ip_from_sockaddr((struct sockaddr *)&ss, NULL).len, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(mac_text_roundtrips_in_lower_case),
		cmocka_unit_test(mac_parse_rejects_everything_else),
		cmocka_unit_test(mac_kinds),
		cmocka_unit_test(ip_text_roundtrips),
		cmocka_unit_test(ip_parse_rejects_everything_else),
		cmocka_unit_test(ip_compares_by_family_then_value),
		cmocka_unit_test(ip_kinds),
		cmocka_unit_test(sockaddr_roundtrips),
		cmocka_unit_test(sockaddr_mapped_is_ipv4_and_other_families_none),
	};

	return RUN_TESTS(tests);
}

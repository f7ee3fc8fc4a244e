/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* evpn/nlri.c: byte vectors of every route type, both ways, and every way in which one can be wrong. */
#include "evpn/nlri.h"

#include <stdio.h>
#include <stdlib.h>

#include "include/evpn.h"
#include "tests/lib/hex.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define RD "0001c00002010002"
#define ESI "00112233445566778899"
#define ESI0 "00000000000000000000"
#define V6 "20010db8000000000000000000000001"
#define V6_GW "20010db80000000000000000000000fe"
#define V6_ZERO "00000000000000000000000000000000"

/* Wire, and what it is taken apart to. Each is canonical: encoding gives the same octets. */
static const struct vector {
	const char *name, *wire, *key, *shared;
} vectors[] = {
	{ "type 1 of an EVI, RFC 7432 7.1", "0119" RD ESI "00000000" "000064", "01" RD ESI "00000000", "000064" },
	{ "type 1 of a segment, RFC 7432 8.2.1", "0119" RD ESI "ffffffff" "000000", "01" RD ESI "ffffffff", "000000" },
	{ "type 2, MAC only, RFC 7432 7.2", "0221" RD ESI0 "00000000" "30 020000000001" "00" "00000a",
	  "02" RD "00000000" "020000000001", ESI0 "00000a" },
	{ "type 2, MAC only, two labels, RFC 9135 4", "0224" RD ESI0 "00000000" "30 020000000001" "00" "00000a 001388",
	  "02" RD "00000000" "020000000001", ESI0 "00000a001388" },
	{ "type 2, IPv4", "0225" RD ESI "00000007" "30 020000000001" "20 0a000001" "00000a",
	  "02" RD "00000007" "020000000001" "0a000001", ESI "00000a" },
	{ "type 2, IPv4, two labels", "0228" RD ESI0 "00000000" "30 020000000001" "20 0a000001" "ffffff 001388",
	  "02" RD "00000000" "020000000001" "0a000001", ESI0 "ffffff001388" },
	{ "type 2, IPv6", "0231" RD ESI0 "00000000" "30 020000000001" "80" V6 "00000a",
	  "02" RD "00000000" "020000000001" V6, ESI0 "00000a" },
	{ "type 2, IPv6, two labels", "0234" RD ESI0 "00000000" "30 020000000001" "80" V6 "00000a 001388",
	  "02" RD "00000000" "020000000001" V6, ESI0 "00000a001388" },
	{ "type 3, IPv4, RFC 7432 7.3", "0311" RD "00000000" "20 c0000201", "03" RD "00000000" "c0000201", "" },
	{ "type 3, IPv6", "031d" RD "00000064" "80" V6, "03" RD "00000064" V6, "" },
	{ "type 4, IPv4, RFC 7432 7.4", "0417" RD ESI "20 c0000201", "04" RD ESI "c0000201", "" },
	{ "type 4, IPv6", "0423" RD ESI "80" V6, "04" RD ESI V6, "" },
	{ "type 5, IPv4, RFC 9136 3.1", "0522" RD ESI0 "00000000" "18 0a0a0a00" "00000000" "001388",
	  "05" RD "00000000" "18" "0a0a0a00", ESI0 "00000000" "001388" },
	{ "type 5, IPv4, gateway", "0522" RD ESI0 "00000000" "20 0a0a0a01" "0a0a0afe" "000000",
	  "05" RD "00000000" "20" "0a0a0a01", ESI0 "0a0a0afe" "000000" },
	{ "type 5, IPv4, segment", "0522" RD ESI "00000000" "00 00000000" "00000000" "001388",
	  "05" RD "00000000" "00" "00000000", ESI "00000000" "001388" },
	{ "type 5, IPv6", "053a" RD ESI0 "00000009" "80" V6 V6_ZERO "001388", "05" RD "00000009" "80" V6,
	  ESI0 V6_ZERO "001388" },
	{ "type 5, IPv6, gateway", "053a" RD ESI0 "00000000" "40 20010db8000000000000000000000000" V6_GW "001388",
	  "05" RD "00000000" "40" "20010db8000000000000000000000000", ESI0 V6_GW "001388" },
	{ "undefined RD type, RFC 4364 4.2", "0311" "0003c00002090137" "00000000" "20 c0000201",
	  "03" "0003c00002090137" "00000000" "c0000201", "" },
	{ "undefined ESI type, RFC 7432 5", "0221" RD "06112233445566778899" "00000000" "30 020000000001" "00" "00000a",
	  "02" RD "00000000" "020000000001", "06112233445566778899" "00000a" },
};

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* Decodes one NLRI from a copy of exactly its size, so that a sanitizer sees a read beyond it. */
static enum bgp_nlri_verdict decode(const uint8_t *wire, size_t n, bool withdraw, struct bgp_nlri *out, size_t *left)
{
	uint8_t *copy = malloc(n + !n);
	struct rbuf r = rb_init(copy, n);
	enum bgp_nlri_verdict v;

	memcpy(copy, wire, n);
	memset(out, 0xa5, sizeof(*out));
	v = evpn_family.decode(&r, withdraw, out);
	*left = rb_left(&r);
	free(copy);
	return v;
}

static enum bgp_nlri_verdict decode_hex(const char *hex, bool withdraw, struct bgp_nlri *out)
{
	uint8_t wire[300];
	size_t n = hex_bytes(hex, wire, sizeof(wire)), left;

	return decode(wire, n, withdraw, out, &left);
}

static void nlri_every_type_decodes(void **state)
{
	struct bgp_nlri n;

	for (size_t i = 0; i < N(vectors); i++) {
		const struct vector *v = &vectors[i];

		assert_int_equal(decode_hex(v->wire, false, &n), BGP_NLRI_OK);
		hex_assert(v->name, n.key, n.key_len, v->key);
		hex_assert(v->name, n.shared, n.shared_len, v->shared);
	}
}

static void nlri_every_type_roundtrips(void **state)
{
	struct bgp_nlri n;
	uint8_t wire[64];

	for (size_t i = 0; i < N(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct wbuf w = wb_init(wire, sizeof(wire));

		assert_int_equal(decode_hex(v->wire, false, &n), BGP_NLRI_OK);
		evpn_family.encode(&w, n.key, n.key_len, n.shared, n.shared_len);
		assert_true(wb_ok(&w));
		hex_assert(v->name, wire, wb_len(&w), v->wire);
		assert_int_equal(evpn_family.encoded_len(n.key, n.key_len, n.shared_len), wb_len(&w));
	}
}

static void nlri_every_type_fits_exactly_or_the_writer_says_so(void **state)
{
	struct bgp_nlri n;
	uint8_t wire[64];

	for (size_t i = 0; i < N(vectors); i++) {
		size_t len;

		assert_int_equal(decode_hex(vectors[i].wire, false, &n), BGP_NLRI_OK);
		len = evpn_family.encoded_len(n.key, n.key_len, n.shared_len);
		for (size_t room = 0; room <= len; room++) {
			struct wbuf w = wb_init(wire, room);

			evpn_family.encode(&w, n.key, n.key_len, n.shared, n.shared_len);
			assert_int_equal(wb_ok(&w), room == len);
		}
	}
}

static void nlri_every_proper_prefix_resets(void **state)
{
	struct bgp_nlri n;

	for (size_t i = 0; i < N(vectors); i++) {
		uint8_t wire[64];
		size_t len = hex_bytes(vectors[i].wire, wire, sizeof(wire)), left;

		for (size_t cut = 0; cut < len; cut++) {
			/* The outer length overruns, RFC 7606 5.3. */
			assert_int_equal(decode(wire, cut, false, &n, &left), BGP_NLRI_RESET);
			assert_int_equal(decode(wire, cut, true, &n, &left), BGP_NLRI_RESET);
			assert_int_equal(left, 0);
		}
	}
}

/* Octets that the type and its address length make possible, tables of RFC 7432 7 and RFC 9136 3.1. */
static bool possible(const uint8_t *wire, size_t body)
{
	switch (wire[0]) {
	case EVPN_AD:
		return body == 25;
	case EVPN_MAC_IP:
		return body == 33u + wire[31] / 8 || body == 36u + wire[31] / 8;
	case EVPN_IMET:
		return body == 13u + wire[14] / 8;
	case EVPN_ES:
		return body == 19u + wire[20] / 8;
	default:
		return body == 34 || body == 58;
	}
}

/* Cut short or with octets added, and an outer length that agrees. */
static void nlri_a_length_that_the_type_cannot_have_resets(void **state)
{
	struct bgp_nlri n;
	size_t left;

	for (size_t i = 0; i < N(vectors); i++) {
		uint8_t wire[300] = { 0 };

		hex_bytes(vectors[i].wire, wire, sizeof(wire));
		for (size_t body = 0; body <= 255; body++) {
			wire[1] = (uint8_t)body;
			if (!possible(wire, body) && decode(wire, body + 2, false, &n, &left) != BGP_NLRI_RESET)
				fail_msg("%s: a body of %zu octets is taken", vectors[i].name, body);
		}
	}
}

struct judged {
	const char *why, *wire;
	enum bgp_nlri_verdict announced, withdrawn;
};

static const struct judged wrong[] = {
	/* Syntax of a key field, rfc7432bis 7.14.1: reset. */
	{ "IP length 0, four octets more", "0225" RD ESI0 "00000000" "30 020000000001" "00" "0a000001" "00000a",
	  BGP_NLRI_RESET, BGP_NLRI_RESET },
	{ "MAC length 47", "0221" RD ESI0 "00000000" "2f 020000000001" "00" "00000a", BGP_NLRI_RESET, BGP_NLRI_RESET },
	{ "MAC length 64", "0221" RD ESI0 "00000000" "40 020000000001" "00" "00000a", BGP_NLRI_RESET, BGP_NLRI_RESET },
	{ "MAC length 6", "0221" RD ESI0 "00000000" "06 020000000001" "00" "00000a", BGP_NLRI_RESET, BGP_NLRI_RESET },
	{ "IP length 8", "0225" RD ESI0 "00000000" "30 020000000001" "08 0a000001" "00000a", BGP_NLRI_RESET,
	  BGP_NLRI_RESET },
	{ "IP length 4", "0225" RD ESI0 "00000000" "30 020000000001" "04 0a000001" "00000a", BGP_NLRI_RESET,
	  BGP_NLRI_RESET },
	{ "IP length 8, no octets", "0221" RD ESI0 "00000000" "30 020000000001" "08" "00000a", BGP_NLRI_RESET,
	  BGP_NLRI_RESET },
	{ "IP length 64, eight octets", "0229" RD ESI0 "00000000" "30 020000000001" "40 0a0000010a000001" "00000a",
	  BGP_NLRI_RESET, BGP_NLRI_RESET },
	{ "IP length 33", "0225" RD ESI0 "00000000" "30 020000000001" "21 0a000001" "00000a", BGP_NLRI_RESET,
	  BGP_NLRI_RESET },
	{ "IP length 129", "0231" RD ESI0 "00000000" "30 020000000001" "81" V6 "00000a", BGP_NLRI_RESET,
	  BGP_NLRI_RESET },
	{ "IP length 128, four octets", "0225" RD ESI0 "00000000" "30 020000000001" "80 0a000001" "00000a",
	  BGP_NLRI_RESET, BGP_NLRI_RESET },
	{ "IP length 32, 16 octets", "0231" RD ESI0 "00000000" "30 020000000001" "20" V6 "00000a", BGP_NLRI_RESET,
	  BGP_NLRI_RESET },
	{ "three labels", "0227" RD ESI0 "00000000" "30 020000000001" "00" "00000a 00000b 00000c", BGP_NLRI_RESET,
	  BGP_NLRI_RESET },
	{ "type 3 without an originator", "030d" RD "00000000" "00", BGP_NLRI_RESET, BGP_NLRI_RESET },
	{ "type 3, IP length 33", "0311" RD "00000000" "21 c0000201", BGP_NLRI_RESET, BGP_NLRI_RESET },
	{ "type 4 without an originator", "0413" RD ESI "00", BGP_NLRI_RESET, BGP_NLRI_RESET },
	{ "type 4, IP length 33", "0417" RD ESI "21 c0000201", BGP_NLRI_RESET, BGP_NLRI_RESET },
	{ "type 5, IPv4, length 33", "0522" RD ESI0 "00000000" "21 0a0a0a00" "00000000" "001388", BGP_NLRI_RESET,
	  BGP_NLRI_RESET },
	{ "type 5, IPv4, length 128", "0522" RD ESI0 "00000000" "80 0a0a0a00" "00000000" "001388", BGP_NLRI_RESET,
	  BGP_NLRI_RESET },
	{ "type 5, IPv6, length 129", "053a" RD ESI0 "00000000" "81" V6 V6_ZERO "001388", BGP_NLRI_RESET,
	  BGP_NLRI_RESET },
	{ "type 5, IPv6 prefix, IPv4 gateway", "052e" RD ESI0 "00000000" "40" V6 "00000000" "001388", BGP_NLRI_RESET,
	  BGP_NLRI_RESET },
	/* RFC 9135 9.1.1, in words. */
	{ "MAC length 0", "0221" RD ESI0 "00000000" "00 020000000001" "00" "00000a", BGP_NLRI_WITHDRAW,
	  BGP_NLRI_WITHDRAW },
	/* Values that cannot be meant, rfc7432bis 7.14.1: treat as withdraw. A withdrawal of one does no harm. */
	{ "multicast MAC", "0221" RD ESI0 "00000000" "30 01005e000001" "00" "00000a", BGP_NLRI_WITHDRAW, BGP_NLRI_OK },
	{ "broadcast MAC", "0221" RD ESI0 "00000000" "30 ffffffffffff" "00" "00000a", BGP_NLRI_WITHDRAW, BGP_NLRI_OK },
	{ "zero MAC", "0221" RD ESI0 "00000000" "30 000000000000" "00" "00000a", BGP_NLRI_WITHDRAW, BGP_NLRI_OK },
	{ "IP 0.0.0.0", "0225" RD ESI0 "00000000" "30 020000000001" "20 00000000" "00000a", BGP_NLRI_WITHDRAW,
	  BGP_NLRI_OK },
	{ "IP 255.255.255.255", "0225" RD ESI0 "00000000" "30 020000000001" "20 ffffffff" "00000a", BGP_NLRI_WITHDRAW,
	  BGP_NLRI_OK },
	{ "IP ::", "0231" RD ESI0 "00000000" "30 020000000001" "80" V6_ZERO "00000a", BGP_NLRI_WITHDRAW, BGP_NLRI_OK },
	{ "type 1 without a segment", "0119" RD ESI0 "00000000" "000064", BGP_NLRI_WITHDRAW, BGP_NLRI_OK },
	{ "type 3, originator 224.0.0.1", "0311" RD "00000000" "20 e0000001", BGP_NLRI_WITHDRAW, BGP_NLRI_OK },
	{ "type 4 without a segment", "0417" RD ESI0 "20 c0000201", BGP_NLRI_WITHDRAW, BGP_NLRI_OK },
	{ "type 4, originator 0.0.0.0", "0417" RD ESI "20 00000000", BGP_NLRI_WITHDRAW, BGP_NLRI_OK },
	{ "type 5, segment and gateway, RFC 9136 3.2", "0522" RD ESI "00000000" "18 0a0a0a00" "0a0a0afe" "001388",
	  BGP_NLRI_WITHDRAW, BGP_NLRI_OK },
};

static void nlri_what_is_wrong_is_judged_by_rfc7432bis(void **state)
{
	struct bgp_nlri n;

	for (size_t i = 0; i < N(wrong); i++) {
		enum bgp_nlri_verdict announced = decode_hex(wrong[i].wire, false, &n);
		enum bgp_nlri_verdict withdrawn = decode_hex(wrong[i].wire, true, &n);

		if (announced != wrong[i].announced || withdrawn != wrong[i].withdrawn)
			fail_msg("%s: %d announced, %d withdrawn", wrong[i].why, announced, withdrawn);
	}
}

static void nlri_treat_as_withdraw_names_the_key(void **state)
{
	struct bgp_nlri n;

	assert_int_equal(decode_hex("0221" RD ESI0 "00000000" "00 020000000001" "00" "00000a", false, &n),
			 BGP_NLRI_WITHDRAW);
	hex_assert("MAC length 0", n.key, n.key_len, "02" RD "00000000" "020000000001");
	assert_int_equal(decode_hex("0522" RD ESI "00000000" "18 0a0a0a00" "0a0a0afe" "001388", false, &n),
			 BGP_NLRI_WITHDRAW);
	hex_assert("segment and gateway", n.key, n.key_len, "05" RD "00000000" "18" "0a0a0a00");
}

/* RFC 7432 7.2, 9136 3.1: ESI, gateway and labels are not key; a withdrawal may carry any. */
static void nlri_withdrawal_with_any_esi_and_labels_names_the_same_key(void **state)
{
	static const char *const t[] = {
		"0221" RD ESI0 "00000000" "30 020000000001" "00" "00000a",
		"0221" RD ESI "00000000" "30 020000000001" "00" "800000",
		"0224" RD ESI0 "00000000" "30 020000000001" "00" "000000 000000",
	};
	struct bgp_nlri n;

	for (size_t i = 0; i < N(t); i++) {
		assert_int_equal(decode_hex(t[i], true, &n), BGP_NLRI_OK);
		hex_assert(t[i], n.key, n.key_len, "02" RD "00000000" "020000000001");
	}
	assert_int_equal(decode_hex("0522" RD ESI "00000000" "18 0a0a0a00" "0a0a0afe" "800000", true, &n), BGP_NLRI_OK);
	hex_assert("type 5", n.key, n.key_len, "05" RD "00000000" "18" "0a0a0a00");
}

static void nlri_host_bits_are_no_part_of_the_key(void **state)
{
	/* RFC 4271 4.3: trailing bits are irrelevant. */
	static const struct {
		const char *bits_prefix, *key;
	} t[] = {
		{ "18 0a0a0aff", "18 0a0a0a00" }, { "17 0a0affff", "17 0a0afe00" }, { "00 ffffffff", "00 00000000" },
		{ "01 ffffffff", "01 80000000" }, { "1f ffffffff", "1f fffffffe" }, { "20 ffffffff", "20 ffffffff" },
		{ "08 ffffffff", "08 ff000000" },
	};
	char wire[160], key[80];
	struct bgp_nlri n;

	for (size_t i = 0; i < N(t); i++) {
		snprintf(wire, sizeof(wire), "0522" RD ESI0 "00000000 %s 00000000 001388", t[i].bits_prefix);
		snprintf(key, sizeof(key), "05" RD "00000000 %s", t[i].key);
		assert_int_equal(decode_hex(wire, false, &n), BGP_NLRI_OK);
		hex_assert(wire, n.key, n.key_len, key);
	}
	assert_int_equal(decode_hex("053a" RD ESI0 "00000000"
				    "3d ffffffffffffffffffffffffffffffff" V6_ZERO "001388",
				    false, &n),
			 BGP_NLRI_OK);
	hex_assert("IPv6", n.key, n.key_len, "05" RD "00000000" "3d fffffffffffffff80000000000000000");
}

static void nlri_unknown_type_is_stepped_over_and_kept_as_it_came(void **state)
{
	/* RFC 7606 5.4; the second NLRI stands behind it. */
	uint8_t wire[300], again[64];
	size_t len = hex_bytes("0c03 aabbcc 0311" RD "00000000" "20 c0000201", wire, sizeof(wire));
	struct wbuf w = wb_init(again, sizeof(again));
	struct rbuf r = rb_init(wire, len);
	struct bgp_nlri n;

	assert_int_equal(evpn_family.decode(&r, false, &n), BGP_NLRI_UNKNOWN);
	hex_assert("opaque key", n.key, n.key_len, "0c aabbcc");
	assert_int_equal(n.shared_len, 0);
	evpn_family.encode(&w, n.key, n.key_len, NULL, 0);
	hex_assert("opaque NLRI", again, wb_len(&w), "0c03 aabbcc");
	assert_int_equal(evpn_family.encoded_len(n.key, n.key_len, 0), wb_len(&w));
	assert_int_equal(evpn_family.decode(&r, false, &n), BGP_NLRI_OK);
	assert_int_equal(n.key[0], EVPN_IMET);
	assert_int_equal(rb_left(&r), 0);
}

/* RFC 9251 9.1 to 9.3: (192.0.2.9, 239.1.1.1) at 192.0.2.1; what comes with other flags is the same route. */
static void nlri_membership_is_one_route_whatever_its_flags(void **state)
{
#define MEMBERS "20 c0000209 20 ef010101 20 c0000201"
	static const struct {
		const char *wire, *key, *shared, *withdrawal;
	} t[] = {
		{ "061c" RD "00000000" MEMBERS "02", "06" RD "00000000" MEMBERS, "02",
		  "061c" RD "00000000" MEMBERS "00" },
		{ "0726" RD ESI "00000000" MEMBERS "0c", "07" RD ESI "00000000" MEMBERS, "0c",
		  "0726" RD ESI "00000000" MEMBERS "00" },
		{ "082b" RD ESI "00000000" MEMBERS "00000000 64 02", "08" RD ESI "00000000" MEMBERS, "00000000 64 02",
		  "082b" RD ESI "00000000" MEMBERS "00000000 00 00" },
	};
	uint8_t wire[64], again[64];
	struct bgp_nlri n;
	struct wbuf w;
	size_t left;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		size_t len = hex_bytes(t[i].wire, wire, sizeof(wire));

		assert_int_equal(decode(wire, len, i & 1, &n, &left), BGP_NLRI_UNKNOWN);
		hex_assert("key", n.key, n.key_len, t[i].key);
		hex_assert("rest", n.shared, n.shared_len, t[i].shared);
		w = wb_init(again, sizeof(again));
		evpn_family.encode(&w, n.key, n.key_len, n.shared, n.shared_len);
		hex_assert("again", again, wb_len(&w), t[i].wire);
		assert_int_equal(evpn_family.encoded_len(n.key, n.key_len, n.shared_len), wb_len(&w));
		w = wb_init(again, sizeof(again));
		evpn_family.encode(&w, n.key, n.key_len, NULL, 0);
		hex_assert("withdrawal", again, wb_len(&w), t[i].withdrawal);
	}
	assert_int_equal(decode_hex("0601 02", false, &n), BGP_NLRI_UNKNOWN); /* nothing but flags: not carried */
	assert_int_equal(n.key_len, 0);
}

static void nlri_unknown_type_of_any_length(void **state)
{
	uint8_t wire[257] = { 200 };
	struct bgp_nlri n;
	size_t left;

	for (size_t body = 0; body <= 255; body++) {
		wire[1] = (uint8_t)body;
		assert_int_equal(decode(wire, body + 2, body & 1, &n, &left), BGP_NLRI_UNKNOWN);
		assert_int_equal(left, 0);
		assert_int_equal(n.key_len, body < BGP_KEY_MAX ? body + 1 : 0);
		/* An octet short of its length it resets like any other. */
		assert_int_equal(decode(wire, body + 1, body & 1, &n, &left), BGP_NLRI_RESET);
	}
}

static void nlri_withdrawal_is_written_with_zeros_for_what_is_not_key(void **state)
{
	static const struct {
		const char *key, *wire;
	} t[] = {
		{ "01" RD ESI "00000000", "0119" RD ESI "00000000" "000000" },
		{ "02" RD "00000000" "020000000001" "0a000001",
		  "0225" RD ESI0 "00000000" "30 020000000001" "20 0a000001" "000000" },
		{ "03" RD "00000000" "c0000201", "0311" RD "00000000" "20 c0000201" },
		{ "04" RD ESI "c0000201", "0417" RD ESI "20 c0000201" },
		{ "05" RD "00000000" "18" "0a0a0a00", "0522" RD ESI0 "00000000" "18 0a0a0a00" "00000000" "000000" },
		{ "05" RD "00000000" "40" V6_ZERO, "053a" RD ESI0 "00000000" "40" V6_ZERO V6_ZERO "000000" },
	};
	uint8_t key[64], wire[64];

	for (size_t i = 0; i < N(t); i++) {
		size_t key_len = hex_bytes(t[i].key, key, sizeof(key));
		struct wbuf w = wb_init(wire, sizeof(wire));

		evpn_family.encode(&w, key, key_len, NULL, 0);
		hex_assert(t[i].wire, wire, wb_len(&w), t[i].wire);
		assert_int_equal(evpn_family.encoded_len(key, key_len, 0), wb_len(&w));
	}
}

static void nlri_parse_and_build_are_each_others_reverse(void **state)
{
	struct bgp_nlri n, again;
	struct evpn_nlri typed;

	for (size_t i = 0; i < N(vectors); i++) {
		assert_int_equal(decode_hex(vectors[i].wire, false, &n), BGP_NLRI_OK);
		assert_true(evpn_nlri_parse(n.key, n.key_len, n.shared, n.shared_len, &typed));
		evpn_nlri_build(&typed, &again);
		hex_assert(vectors[i].name, again.key, again.key_len, vectors[i].key);
		hex_assert(vectors[i].name, again.shared, again.shared_len, vectors[i].shared);
	}
}

static void nlri_parse_gives_every_field(void **state)
{
	struct evpn_nlri t;
	struct bgp_nlri n;

	decode_hex("0228" RD ESI "00000007" "30 020000000001" "20 0a000001" "00000a 001388", false, &n);
	assert_true(evpn_nlri_parse(n.key, n.key_len, n.shared, n.shared_len, &t));
	assert_int_equal(t.type, EVPN_MAC_IP);
	hex_assert("rd", t.rd, 8, RD);
	hex_assert("esi", t.esi, 10, ESI);
	assert_int_equal(t.tag, 7);
	assert_string_equal(mac_str(&t.mac).s, "02:00:00:00:00:01");
	assert_string_equal(ip_str(&t.ip).s, "10.0.0.1");
	assert_int_equal(t.label, 10);
	assert_true(t.has_label2);
	assert_int_equal(t.label2, 5000);
	assert_true(evpn_nlri_parse(n.key, n.key_len, NULL, 0, &t));
	assert_int_equal(t.label, 0);
	assert_false(t.has_label2);
	assert_true(evpn_esi_is_zero(t.esi));

	decode_hex("053a" RD ESI0 "00000009" "40" V6 V6_GW "001388", false, &n);
	assert_true(evpn_nlri_parse(n.key, n.key_len, n.shared, n.shared_len, &t));
	assert_int_equal(t.prefix_len, 64);
	assert_string_equal(ip_str(&t.ip).s, "2001:db8::");
	assert_string_equal(ip_str(&t.gateway).s, "2001:db8::fe");
	assert_int_equal(t.label, 5000);
	assert_int_equal(t.tag, 9);

	decode_hex("0423" RD ESI "80" V6, false, &n);
	assert_true(evpn_nlri_parse(n.key, n.key_len, n.shared, n.shared_len, &t));
	hex_assert("esi", t.esi, 10, ESI);
	assert_string_equal(ip_str(&t.ip).s, "2001:db8::1");

	decode_hex("0119" RD ESI "ffffffff" "000064", false, &n);
	assert_true(evpn_nlri_parse(n.key, n.key_len, n.shared, n.shared_len, &t));
	hex_assert("esi", t.esi, 10, ESI);
	assert_int_equal(t.tag, EVPN_MAX_ET);
	assert_int_equal(t.label, 100);
}

static void nlri_parse_rejects_lengths_that_the_codec_does_not_make(void **state)
{
	struct evpn_nlri t;
	struct bgp_nlri n;

	for (size_t i = 0; i < N(vectors); i++) {
		decode_hex(vectors[i].wire, false, &n);
		memset(n.key + n.key_len, 0, sizeof(n.key) - n.key_len);
		for (size_t len = 0; len <= sizeof(n.key); len++) {
			bool mac_ip = n.key[0] == EVPN_MAC_IP && (len == 19 || len == 23 || len == 35);
			bool v4v6 = n.key[0] == EVPN_PREFIX ? (len == 18 && n.key[13] <= 32) || len == 30 :
				    n.key[0] == EVPN_IMET   ? len == 17 || len == 29 :
				    n.key[0] == EVPN_ES	    ? len == 23 || len == 35 :
							      n.key[0] == EVPN_AD && len == 23;

			assert_int_equal(evpn_nlri_parse(n.key, len, NULL, 0, &t), mac_ip || v4v6);
		}
		for (size_t len = 1; len <= sizeof(n.shared); len++) {
			bool fits = len == n.shared_len || (n.key[0] == EVPN_MAC_IP && (len == 13 || len == 16));

			assert_int_equal(evpn_nlri_parse(n.key, n.key_len, n.shared, len, &t), fits);
		}
	}
	n.key[0] = 6;
	assert_false(evpn_nlri_parse(n.key, 23, NULL, 0, &t));
}

static void nlri_builders_make_what_decodes(void **state)
{
	static const uint8_t no_esi[10];
	struct ip ip = ip_v4(0x0a000001), none = ip_none(), vtep = ip_v4(0xc0000201);
	struct mac mac = { { 2, 0, 0, 0, 0, 1 } };
	uint8_t rd[8], esi[10];
	struct bgp_nlri n;

	hex_bytes(RD, rd, 8);
	hex_bytes(ESI, esi, 10);
	evpn_nlri_mac(&n, rd, 7, &mac, &ip, esi, 10, 5000);
	hex_assert("key", n.key, n.key_len, "02" RD "00000007" "020000000001" "0a000001");
	hex_assert("shared", n.shared, n.shared_len, ESI "00000a001388");
	evpn_nlri_mac(&n, rd, 0, &mac, &none, no_esi, 0xffffff, 0);
	hex_assert("key", n.key, n.key_len, "02" RD "00000000" "020000000001");
	hex_assert("shared", n.shared, n.shared_len, ESI0 "ffffff");
	n = evpn_key_mac(rd, 7, &mac, &ip);
	hex_assert("key", n.key, n.key_len, "02" RD "00000007" "020000000001" "0a000001");
	assert_int_equal(n.shared_len, 0);
	n = evpn_key_imet(rd, 0, &vtep);
	hex_assert("key", n.key, n.key_len, "03" RD "00000000" "c0000201");
	assert_int_equal(n.shared_len, 0);
	assert_memory_equal(evpn_key_rd(n.key), rd, 8);
}

/* Whatever the octets: no read outside them, and what is good encodes to the length that came and to its own key. */
static void nlri_noise_never_reads_beyond_and_good_ones_roundtrip(void **state)
{
	struct rng rng = rng_start(__func__);
	uint8_t wire[80], again[80];

	for (int round = 0; round < 200000; round++) {
		const struct vector *v = &vectors[rng_below(&rng, N(vectors))];
		size_t len = hex_bytes(v->wire, wire, sizeof(wire)), left;
		struct wbuf w = wb_init(again, sizeof(again));
		struct bgp_nlri n, m;

		for (uint32_t hits = rng_below(&rng, 4); hits; hits--)
			wire[rng_below(&rng, (uint32_t)len)] = (uint8_t)rng_u64(&rng);
		if (decode(wire, len, false, &n, &left) != BGP_NLRI_OK || left)
			continue;
		evpn_family.encode(&w, n.key, n.key_len, n.shared, n.shared_len);
		assert_true(wb_ok(&w));
		assert_int_equal(wb_len(&w), len);
		assert_int_equal(decode(again, len, false, &m, &left), BGP_NLRI_OK);
		assert_int_equal(m.key_len, n.key_len);
		assert_memory_equal(m.key, n.key, n.key_len);
		assert_int_equal(m.shared_len, n.shared_len);
		assert_memory_equal(m.shared, n.shared, n.shared_len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nlri_every_type_decodes),
		cmocka_unit_test(nlri_every_type_roundtrips),
		cmocka_unit_test(nlri_every_type_fits_exactly_or_the_writer_says_so),
		cmocka_unit_test(nlri_every_proper_prefix_resets),
		cmocka_unit_test(nlri_a_length_that_the_type_cannot_have_resets),
		cmocka_unit_test(nlri_what_is_wrong_is_judged_by_rfc7432bis),
		cmocka_unit_test(nlri_treat_as_withdraw_names_the_key),
		cmocka_unit_test(nlri_withdrawal_with_any_esi_and_labels_names_the_same_key),
		cmocka_unit_test(nlri_host_bits_are_no_part_of_the_key),
		cmocka_unit_test(nlri_unknown_type_is_stepped_over_and_kept_as_it_came),
		cmocka_unit_test(nlri_membership_is_one_route_whatever_its_flags),
		cmocka_unit_test(nlri_unknown_type_of_any_length),
		cmocka_unit_test(nlri_withdrawal_is_written_with_zeros_for_what_is_not_key),
		cmocka_unit_test(nlri_parse_and_build_are_each_others_reverse),
		cmocka_unit_test(nlri_parse_gives_every_field),
		cmocka_unit_test(nlri_parse_rejects_lengths_that_the_codec_does_not_make),
		cmocka_unit_test(nlri_builders_make_what_decodes),
		cmocka_unit_test(nlri_noise_never_reads_beyond_and_good_ones_roundtrip),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Route target membership as an address family: codec and text (RFC 4684 4). A key is the NLRI as it came, with the
 * bits behind the prefix cleared; there is no shared part, and the attributes say nothing that the key does not.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "bgp/rtc.h"

static size_t octets_of(uint8_t bits)
{
	return (bits + 7u) / 8;
}

static void clear_behind(uint8_t *prefix, uint8_t bits)
{
	if (bits % 8)
		prefix[bits / 8] &= (uint8_t)(0xff00u >> bits % 8);
}

/*
 * A length above 96 leaves the rest of the list without a meaning. One of 1 to 31 cuts the origin AS, which RFC 4684 4
 * does not allow: it is no membership, but where it ends is known.
 */
static enum bgp_nlri_verdict decode(struct rbuf *r, bool withdraw, struct bgp_nlri *out)
{
	uint8_t bits = rb_u8(r);
	const uint8_t *prefix;

	if (!rb_ok(r) || bits > RTC_BITS_MAX)
		return BGP_NLRI_RESET;
	prefix = rb_ptr(r, octets_of(bits));
	if (!prefix)
		return BGP_NLRI_RESET;
	out->key[0] = bits;
	memcpy(out->key + 1, prefix, octets_of(bits));
	clear_behind(out->key + 1, bits);
	out->key_len = (uint8_t)(1 + octets_of(bits));
	out->shared_len = 0;
	return bits && bits < RTC_AS_BITS ? BGP_NLRI_WITHDRAW : BGP_NLRI_OK;
}

static void encode(struct wbuf *w, const uint8_t *key, size_t key_len, const uint8_t *shared, size_t shared_len)
{
	wb_bytes(w, key, key_len);
}

static size_t encoded_len(const uint8_t *key, size_t key_len, size_t shared_len)
{
	return key_len;
}

void rtc_nlri(uint32_t asn, const uint8_t rt[8], struct bgp_nlri *out)
{
	struct wbuf w = wb_init(out->key, sizeof(out->key));

	wb_u8(&w, RTC_BITS_MAX);
	wb_u32(&w, asn);
	wb_bytes(&w, rt, 8);
	out->key_len = (uint8_t)wb_len(&w);
	out->shared_len = 0;
}

void rtc_nlri_all(struct bgp_nlri *out)
{
	out->key[0] = 0;
	out->key_len = 1;
	out->shared_len = 0;
}

struct out_target rtc_key_target(const uint8_t *key, size_t key_len)
{
	struct out_target t = { 0 };

	if (key[0] <= RTC_AS_BITS)
		return t;
	t.bits = (uint8_t)(key[0] - RTC_AS_BITS);
	memcpy(t.rt, key + 1 + RTC_AS_BITS / 8, key_len - 1 - RTC_AS_BITS / 8);
	return t;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void target_hex(const struct out_target *t, char *out, size_t cap)
{
	size_t used = 0;

	for (size_t i = 0; i < octets_of(t->bits); i++)
		used += (size_t)snprintf(out + used, cap - used, "%02x", t->rt[i]);
	snprintf(out + used, cap - used, "/%u", t->bits);
}

/* RFC 4360 4, RFC 5668 2; what is not whole, or of another kind, as octets. */
static void target_text(const struct out_target *t, char *out, size_t cap)
{
	struct rbuf r = rb_init(t->rt, sizeof(t->rt));
	uint8_t type = rb_u8(&r), subtype = rb_u8(&r);
	uint32_t admin;

	if (t->bits < 64 || type > 2 || subtype != RTC_SUBTYPE) {
		target_hex(t, out, cap);
		return;
	}
	admin = type ? rb_u32(&r) : rb_u16(&r);
	if (type == 1)
		snprintf(out, cap, "%u.%u.%u.%u:%u", admin >> 24, admin >> 16 & 0xff, admin >> 8 & 0xff, admin & 0xff,
			 rb_u16(&r));
	else
		snprintf(out, cap, "%u:%u", admin, type ? rb_u16(&r) : rb_u32(&r));
}

static void print(struct json *j, const uint8_t *key, size_t key_len, const struct bgp_attrs *a)
{
	struct rbuf r = rb_init(key + 1, key_len - 1);
	struct out_target t = rtc_key_target(key, key_len);
	char text[48];

	json_uint(j, "prefix_length", key[0]);
	if (key[0] >= RTC_AS_BITS)
		json_uint(j, "origin_asn", rb_u32(&r));
	else
		json_null(j, "origin_asn");
	target_text(&t, text, sizeof(text));
	json_str(j, "route_target", t.bits ? text : NULL);
}

const struct bgp_family bgp_rtc_family = {
	.afi = 1,
	.safi = 132,
	.name = "rtc",
	.membership = true,
	.decode = decode,
	.encode = encode,
	.encoded_len = encoded_len,
	.print = print,
};

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * EVPN NLRI: wire <--> key and shared part <--> typed values. Layouts of keys are in nlri.h; on the wire every NLRI is
 * type 1, length 1 (octets), then
 *
 *   1  | RD 8 | ESI 10 | tag 4 | label 3 |                                                            25
 *   2  | RD 8 | ESI 10 | tag 4 | bits 1 | MAC 6 | bits 1 | IP 0, 4, 16 | label 3 | label 3 or - |     33 .. 52
 *   3  | RD 8 | tag 4 | bits 1 | originator 4, 16 |                                                   17 29
 *   4  | RD 8 | ESI 10 | bits 1 | originator 4, 16 |                                                  23 35
 *   5  | RD 8 | ESI 10 | tag 4 | bits 1 | prefix 4, 16 | gateway 4, 16 | label 3 |                    34 58
 *
 * RFC 7432 says nothing of errors. What we do is rfc7432bis 7.14.1 (and RFC 7606 5.3, RFC 9136 3): a length that the
 * type cannot have or a field that cannot be read resets; a value that cannot be meant (a group MAC, an address nobody
 * can have, a segment route without a segment) is treated as withdraw. Types are taken apart straight down, the lengths
 * inside decide and what is left over at the end is an error.
 */
#include "evpn/nlri.h"

#include "include/evpn.h"

/* Offsets in a key, after the route type. */
enum { RD_AT = 1, BODY_AT = 9 };

/* An address length in bits as octets: 0, 4 or 16; anything else is an error of the reader. */
static size_t take_ip_bits(struct rbuf *b)
{
	uint8_t bits = rb_u8(b);

	if (bits == 32 || bits == 128)
		return bits / 8;
	if (bits)
		rb_fail(b);
	return 0;
}

/* Copies of constant length are moves, not calls. */
static void copy_ip(uint8_t *dst, const uint8_t *ip, size_t len)
{
	if (len == 4)
		memcpy(dst, ip, 4);
	else if (len == 16)
		memcpy(dst, ip, 16);
}

static void take_ip(struct rbuf *b, uint8_t *dst, size_t len)
{
	const uint8_t *p = rb_ptr(b, len);

	if (p)
		copy_ip(dst, p, len);
}

static enum bgp_nlri_verdict verdict(bool withdraw, bool meant)
{
	return withdraw || meant ? BGP_NLRI_OK : BGP_NLRI_WITHDRAW;
}

static bool unicast(const uint8_t *ip, size_t len)
{
	struct ip a = { .len = (uint8_t)len };

	copy_ip(a.b, ip, len);

	return ip_is_unicast(&a);
}

/* An identifier: speakers of one host may have loopback addresses. */
static bool originator(const uint8_t *ip, size_t len)
{
	struct ip a = { .len = (uint8_t)len };

	copy_ip(a.b, ip, len);
	return ip_is_unicast(&a) || ip_is_loopback(&a);
}

static enum bgp_nlri_verdict decode_ad(struct rbuf *b, bool withdraw, struct bgp_nlri *out)
{
	rb_bytes(b, out->key + RD_AT, 8);
	rb_bytes(b, out->key + 9, 10);
	rb_bytes(b, out->key + 19, 4);
	rb_bytes(b, out->shared, 3);
	out->key_len = 23;
	out->shared_len = 3;
	if (!rb_done(b))
		return BGP_NLRI_RESET;
	/* RFC 7432 8.2.1, 8.4.1: for multihomed segments only. */
	return verdict(withdraw, !evpn_esi_is_zero(out->key + 9));
}

/* Fields of a Type 2 NLRI by their offset behind the length, up to the address. */
enum { MAC_ESI_AT = 8, MAC_TAG_AT = 18, MAC_BITS_AT = 22, MAC_AT = 23, MAC_IP_BITS_AT = 29, MAC_IP_AT = 30 };

/*
 * These and their writing (put_mac_ip()) are what nearly all of millions of routes are: one look at the length, then
 * moves from place to place.
 */
static enum bgp_nlri_verdict decode_mac_ip(struct rbuf *b, bool withdraw, struct bgp_nlri *out)
{
	const uint8_t *p = rb_ptr(b, MAC_IP_BITS_AT);
	uint8_t *k = out->key;
	size_t ip_len, labels;
	struct mac mac;

	if (!p)
		return BGP_NLRI_RESET;
	memcpy(k + RD_AT, p, 8);
	memcpy(out->shared, p + MAC_ESI_AT, 10);
	memcpy(k + 9, p + MAC_TAG_AT, 4);
	memcpy(k + 13, p + MAC_AT, 6);
	memcpy(mac.b, p + MAC_AT, 6);
	ip_len = take_ip_bits(b);
	take_ip(b, k + 19, ip_len);
	labels = rb_left(b);
	if (labels != 3 && labels != 6)
		return BGP_NLRI_RESET;
	memcpy(out->shared + 10, b->p, 3);
	if (labels == 6)
		memcpy(out->shared + 13, b->p + 3, 3);
	out->key_len = (uint8_t)(19 + ip_len);
	out->shared_len = (uint8_t)(10 + labels);
	/* RFC 7432 7.2: always 48. RFC 9135 9.1.1: a length of 0 is treated as withdraw. */
	if (p[MAC_BITS_AT] != 48)
		return p[MAC_BITS_AT] ? BGP_NLRI_RESET : BGP_NLRI_WITHDRAW;
	return verdict(withdraw, !mac_is_group(&mac) && !mac_is_zero(&mac) && (!ip_len || unicast(k + 19, ip_len)));
}

/* A route that is all key: an RD, fixed octets, an address. That address's length; 0: the route is malformed. */
static size_t take_key_to_ip(struct rbuf *b, size_t fixed, struct bgp_nlri *out)
{
	size_t ip_len;

	rb_bytes(b, out->key + RD_AT, 8);
	rb_bytes(b, out->key + 9, fixed);
	ip_len = take_ip_bits(b);
	take_ip(b, out->key + 9 + fixed, ip_len);
	out->key_len = (uint8_t)(9 + fixed + ip_len);
	out->shared_len = 0;
	return rb_done(b) ? ip_len : 0;
}

static enum bgp_nlri_verdict decode_imet(struct rbuf *b, bool withdraw, struct bgp_nlri *out)
{
	size_t ip_len = take_key_to_ip(b, 4, out);

	return ip_len ? verdict(withdraw, originator(out->key + 13, ip_len)) : BGP_NLRI_RESET;
}

static enum bgp_nlri_verdict decode_es(struct rbuf *b, bool withdraw, struct bgp_nlri *out)
{
	size_t ip_len = take_key_to_ip(b, 10, out);

	if (!ip_len)
		return BGP_NLRI_RESET;
	return verdict(withdraw, !evpn_esi_is_zero(out->key + 9) && unicast(out->key + 19, ip_len));
}

/* RFC 4271 4.3: bits behind the length are of no meaning, so they must not tell two keys apart. */
static void mask_host_bits(uint8_t *prefix, size_t len, uint8_t bits)
{
	size_t full = bits / 8;

	if (full == len)
		return;
	prefix[full] &= (uint8_t)(0xff00u >> bits % 8);
	memset(prefix + full + 1, 0, len - full - 1);
}

static bool all_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return !any;
}

static enum bgp_nlri_verdict decode_prefix(struct rbuf *b, bool withdraw, struct bgp_nlri *out)
{
	size_t w = rb_left(b) == 34 ? 4 : 16; /* RFC 9136 3.1: the length alone tells the family; 34 or 58 */
	uint8_t *k = out->key;
	uint8_t bits;

	rb_bytes(b, k + RD_AT, 8);
	rb_bytes(b, out->shared, 10);
	rb_bytes(b, k + 9, 4);
	bits = rb_u8(b);
	k[13] = bits;
	take_ip(b, k + 14, w);
	rb_bytes(b, out->shared + 10, w + 3);
	out->key_len = (uint8_t)(14 + w);
	out->shared_len = (uint8_t)(13 + w);
	if (!rb_done(b) || bits > w * 8)
		return BGP_NLRI_RESET;
	mask_host_bits(k + 14, w, bits);
	/* RFC 9136 3.2: ESI and gateway are two overlay indexes, and there is one. */
	return verdict(withdraw, all_zero(out->shared, 10) || all_zero(out->shared + 10, w));
}

/*
 * Octets at the end that are no part of the key, of types that are not read otherwise:
 * the flags of multicast memberships, and with them the response time of leaves (RFC 9251
 * 9.1 to 9.3). What comes with others replaces the route.
 */
static size_t not_key(uint8_t type)
{
	return type == EVPN_SMET || type == EVPN_JOIN_SYNC ? 1 : type == EVPN_LEAVE_SYNC ? 6 : 0;
}

/* What is too long for a key, or too short for what it says to be, is not carried. */
static enum bgp_nlri_verdict decode_unknown(struct rbuf *b, struct bgp_nlri *out)
{
	size_t n = rb_left(b), rest = not_key(out->key[0]);

	out->shared_len = 0;
	out->key_len = 0;
	if ((n > rest || !rest) && n - rest < BGP_KEY_MAX) {
		rb_bytes(b, out->key + 1, n - rest);
		rb_bytes(b, out->shared, rest);
		out->key_len = (uint8_t)(1 + n - rest);
		out->shared_len = (uint8_t)rest;
	}
	return BGP_NLRI_UNKNOWN;
}

enum bgp_nlri_verdict evpn_nlri_decode(struct rbuf *r, bool withdraw, struct bgp_nlri *out)
{
	uint8_t type = rb_u8(r);
	struct rbuf b = rb_sub(r, rb_u8(r));

	if (!rb_ok(r))
		return BGP_NLRI_RESET;
	out->key[0] = type;
	switch (type) {
	case EVPN_AD:
		return decode_ad(&b, withdraw, out);
	case EVPN_MAC_IP:
		return decode_mac_ip(&b, withdraw, out);
	case EVPN_IMET:
		return decode_imet(&b, withdraw, out);
	case EVPN_ES:
		return decode_es(&b, withdraw, out);
	case EVPN_PREFIX:
		return decode_prefix(&b, withdraw, out);
	default:
		return decode_unknown(&b, out);
	}
}

/* ---- wire, out -------------------------------------------------------------------------------------------------- */

/* The part at offset at of shared, zeros in a withdrawal. */
static void put_shared(struct wbuf *w, const uint8_t *shared, size_t at, size_t n)
{
	if (shared)
		wb_bytes(w, shared + at, n);
	else
		wb_zero(w, n);
}

static void put_ip_bits(struct wbuf *w, const uint8_t *ip, size_t len)
{
	wb_u8(w, (uint8_t)(len * 8));
	wb_bytes(w, ip, len);
}

static void put_mac_ip(struct wbuf *w, const uint8_t *key, size_t ip_len, const uint8_t *shared, size_t labels)
{
	static const uint8_t zeros[16];
	const uint8_t *s = shared ? shared : zeros;
	size_t len = MAC_IP_AT + ip_len + labels;
	uint8_t *p = wb_ptr(w, 2 + len);

	if (!p)
		return;
	*p++ = EVPN_MAC_IP;
	*p++ = (uint8_t)len;
	memcpy(p, key + RD_AT, 8);
	memcpy(p + MAC_ESI_AT, s, 10);
	memcpy(p + MAC_TAG_AT, key + 9, 4);
	p[MAC_BITS_AT] = 48;
	memcpy(p + MAC_AT, key + 13, 6);
	p[MAC_IP_BITS_AT] = (uint8_t)(ip_len * 8);
	copy_ip(p + MAC_IP_AT, key + 19, ip_len);
	memcpy(p + len - labels, s + 10, 3);
	if (labels == 6)
		memcpy(p + len - 3, s + 13, 3);
}

void evpn_nlri_encode(struct wbuf *w, const uint8_t *key, size_t key_len, const uint8_t *shared, size_t shared_len)
{
	size_t mark, ip_len;

	if (key[0] == EVPN_MAC_IP) {
		put_mac_ip(w, key, key_len - 19, shared, shared ? shared_len - 10 : 3);
		return;
	}
	wb_u8(w, key[0]);
	mark = wb_open8(w);
	switch (key[0]) {
	case EVPN_AD:
		wb_bytes(w, key + RD_AT, 22);
		put_shared(w, shared, 0, 3);
		break;
	case EVPN_IMET:
		wb_bytes(w, key + RD_AT, 12);
		put_ip_bits(w, key + 13, key_len - 13);
		break;
	case EVPN_ES:
		wb_bytes(w, key + RD_AT, 18);
		put_ip_bits(w, key + 19, key_len - 19);
		break;
	case EVPN_PREFIX:
		ip_len = key_len - 14;
		wb_bytes(w, key + RD_AT, 8);
		put_shared(w, shared, 0, 10);
		wb_bytes(w, key + 9, 5 + ip_len);
		put_shared(w, shared, 10, ip_len + 3);
		break;
	default:
		wb_bytes(w, key + 1, key_len - 1);
		put_shared(w, shared, 0, not_key(key[0]));
	}
	wb_close8(w, mark);
}

size_t evpn_nlri_encoded_len(const uint8_t *key, size_t key_len, size_t shared_len)
{
	switch (key[0]) {
	case EVPN_AD:
		return 27;
	case EVPN_MAC_IP:
		return key_len + 13 + (shared_len == 16 ? 6 : 3);
	case EVPN_IMET:
	case EVPN_ES:
		return key_len + 2;
	case EVPN_PREFIX:
		return key_len == 18 ? 36 : 60;
	default:
		return key_len + 1 + not_key(key[0]);
	}
}

/* ---- typed ------------------------------------------------------------------------------------------------------ */

static bool parse_key(struct rbuf *k, struct evpn_nlri *out)
{
	size_t left;

	out->type = rb_u8(k);
	rb_bytes(k, out->rd, 8);
	if (out->type == EVPN_AD || out->type == EVPN_ES)
		rb_bytes(k, out->esi, 10);
	if (out->type != EVPN_ES)
		out->tag = rb_u32(k);
	if (out->type == EVPN_MAC_IP)
		out->mac = rb_mac(k);
	if (out->type == EVPN_PREFIX)
		out->prefix_len = rb_u8(k);
	left = rb_left(k);
	out->ip = rb_ip(k, left);
	switch (out->type) {
	case EVPN_AD:
		return rb_done(k) && left == 0;
	case EVPN_MAC_IP:
		return rb_done(k);
	case EVPN_IMET:
	case EVPN_ES:
		return rb_done(k) && left != 0;
	case EVPN_PREFIX:
		return rb_done(k) && left != 0 && out->prefix_len <= left * 8;
	default:
		return false;
	}
}

static bool parse_shared(struct rbuf *s, struct evpn_nlri *out)
{
	if (out->type == EVPN_MAC_IP || out->type == EVPN_PREFIX)
		rb_bytes(s, out->esi, 10);
	if (out->type == EVPN_PREFIX)
		out->gateway = rb_ip(s, out->ip.len);
	if (out->type != EVPN_IMET && out->type != EVPN_ES)
		out->label = rb_u24(s);
	out->has_label2 = out->type == EVPN_MAC_IP && rb_left(s);
	if (out->has_label2)
		out->label2 = rb_u24(s);
	return rb_done(s);
}

bool evpn_nlri_parse(const uint8_t *key, size_t key_len, const uint8_t *shared, size_t shared_len,
		     struct evpn_nlri *out)
{
	struct rbuf k = rb_init(key, key_len), s;

	*out = (struct evpn_nlri){ 0 };
	if (!parse_key(&k, out))
		return false;
	s = rb_init(shared, shared_len);
	return !shared_len || parse_shared(&s, out);
}

void evpn_nlri_build(const struct evpn_nlri *in, struct bgp_nlri *out)
{
	struct wbuf k = wb_init(out->key, sizeof(out->key)), s = wb_init(out->shared, sizeof(out->shared));

	wb_u8(&k, in->type);
	wb_bytes(&k, in->rd, 8);
	if (in->type == EVPN_AD || in->type == EVPN_ES)
		wb_bytes(&k, in->esi, 10);
	if (in->type != EVPN_ES)
		wb_u32(&k, in->tag);
	if (in->type == EVPN_MAC_IP)
		wb_mac(&k, &in->mac);
	if (in->type == EVPN_PREFIX)
		wb_u8(&k, in->prefix_len);
	if (in->type != EVPN_AD)
		wb_ip(&k, &in->ip);
	if (in->type == EVPN_MAC_IP || in->type == EVPN_PREFIX)
		wb_bytes(&s, in->esi, 10);
	if (in->type == EVPN_PREFIX) {
		mask_host_bits(out->key + 14, in->ip.len, in->prefix_len);
		wb_bytes(&s, in->gateway.b, in->ip.len); /* none is all zero */
	}
	if (in->type != EVPN_IMET && in->type != EVPN_ES)
		wb_u24(&s, in->label);
	if (in->has_label2)
		wb_u24(&s, in->label2);
	BUG_ON(!wb_ok(&k) || !wb_ok(&s));
	out->key_len = (uint8_t)wb_len(&k);
	out->shared_len = (uint8_t)wb_len(&s);
}

void evpn_nlri_mac(struct bgp_nlri *out, const uint8_t rd[8], uint32_t tag, const struct mac *mac, const struct ip *ip,
		   const uint8_t esi[10], uint32_t label, uint32_t label2)
{
	struct evpn_nlri n = {
		.type = EVPN_MAC_IP,
		.tag = tag,
		.mac = *mac,
		.ip = *ip,
		.label = label,
		.label2 = label2,
		.has_label2 = label2 != 0,
	};

	memcpy(n.rd, rd, 8);
	memcpy(n.esi, esi, 10);
	evpn_nlri_build(&n, out);
}

void evpn_nlri_imet(struct bgp_nlri *out, const uint8_t rd[8], uint32_t tag, const struct ip *originator)
{
	struct evpn_nlri n = { .type = EVPN_IMET, .tag = tag, .ip = *originator };

	memcpy(n.rd, rd, 8);
	evpn_nlri_build(&n, out);
}

struct bgp_nlri evpn_key_mac(const uint8_t rd[8], uint32_t tag, const struct mac *mac, const struct ip *ip)
{
	static const uint8_t no_esi[10];
	struct bgp_nlri n;

	evpn_nlri_mac(&n, rd, tag, mac, ip, no_esi, 0, 0);
	n.shared_len = 0;
	return n;
}

struct bgp_nlri evpn_key_imet(const uint8_t rd[8], uint32_t tag, const struct ip *originator)
{
	struct bgp_nlri n;

	evpn_nlri_imet(&n, rd, tag, originator);
	return n;
}

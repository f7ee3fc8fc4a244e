/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * MAC and IP addresses: values, parse, format, compare. Bytes are kept in network order, as on the wire.
 * The *_str() functions return a small struct by value, so that mac_str(&m).s can stand in an argument list.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/wire.h"

struct mac {
	uint8_t b[6];
};

/* No address (len 0), IPv4 (len 4) or IPv6 (len 16). Bytes beyond len are zero, so that memcmp() compares. */
struct ip {
	uint8_t len; /* octets */
	uint8_t b[16];
};

struct mac_str {
	char s[18];
};

struct ip_str {
	char s[46];
};

static inline bool mac_eq(const struct mac *a, const struct mac *b)
{
	return memcmp(a->b, b->b, 6) == 0;
}

static inline bool mac_is_zero(const struct mac *m)
{
	return !(m->b[0] | m->b[1] | m->b[2] | m->b[3] | m->b[4] | m->b[5]);
}

/* Group bit of the first octet (IEEE 802): multicast and broadcast. */
static inline bool mac_is_group(const struct mac *m)
{
	return m->b[0] & 1;
}

static inline uint64_t mac_u64(const struct mac *m)
{
	return (uint64_t)m->b[0] << 40 | (uint64_t)m->b[1] << 32 | (uint64_t)m->b[2] << 24 | (uint64_t)m->b[3] << 16 |
	       (uint64_t)m->b[4] << 8 | m->b[5];
}

struct mac_str mac_str(const struct mac *m);
/* "02:00:00:00:00:01", hex digits of either case, all six octets; false otherwise and *m is untouched. */
bool mac_parse(const char *s, struct mac *m);

static inline struct ip ip_none(void)
{
	return (struct ip){ 0 };
}

/* From host order. */
static inline struct ip ip_v4(uint32_t host)
{
	return (struct ip){ 4, { (uint8_t)(host >> 24), (uint8_t)(host >> 16), (uint8_t)(host >> 8), (uint8_t)host } };
}

/* len must be 0, 4 or 16. */
struct ip ip_from_bytes(const void *b, size_t len);

static inline bool ip_eq(const struct ip *a, const struct ip *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Order: none, IPv4, IPv6; then by value. */
static inline int ip_cmp(const struct ip *a, const struct ip *b)
{
	return memcmp(a, b, sizeof(*a));
}

bool ip_is_zero(const struct ip *a);      /* none, 0.0.0.0 or :: */
bool ip_is_multicast(const struct ip *a); /* 224.0.0.0/4 or ff00::/8 */
bool ip_is_loopback(const struct ip *a);  /* 127.0.0.0/8 or ::1 */
bool ip_is_linklocal(const struct ip *a); /* 169.254.0.0/16 or fe80::/10 */
/* An address that a frame can be sent to: not none, zero, multicast, loopback, broadcast or 240.0.0.0/4. */
bool ip_is_unicast(const struct ip *a);
struct ip_str ip_str(const struct ip *a); /* "" for none; IPv6 as RFC 5952 */
bool ip_parse(const char *s, struct ip *a);
int ip_family(const struct ip *a); /* AF_INET, AF_INET6 or AF_UNSPEC */

/* Fills *ss and returns its length; port in host order. */
socklen_t ip_to_sockaddr(const struct ip *a, uint16_t port, struct sockaddr_storage *ss);
/* none for another family. An IPv4-mapped IPv6 address becomes IPv4. port may be NULL. */
struct ip ip_from_sockaddr(const struct sockaddr *sa, uint16_t *port);

static inline struct mac rb_mac(struct rbuf *r)
{
	struct mac m;

	rb_bytes(r, m.b, 6);
	return m;
}

/* An address of n octets; n must be 0, 4 or 16, anything else is an error of the reader. */
static inline struct ip rb_ip(struct rbuf *r, size_t n)
{
	struct ip a = { 0 };

	if (n != 0 && n != 4 && n != 16) {
		rb_fail(r);
		return a;
	}
	rb_bytes(r, a.b, n);
	if (rb_ok(r))
		a.len = (uint8_t)n;
	return a;
}

static inline void wb_mac(struct wbuf *w, const struct mac *m)
{
	wb_bytes(w, m->b, 6);
}

static inline void wb_ip(struct wbuf *w, const struct ip *a)
{
	wb_bytes(w, a->b, a->len);
}

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Text and socket forms of MAC and IP addresses, and which kind of address one is. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

struct mac_str mac_str(const struct mac *m)
{
	static const char hex[] = "0123456789abcdef";
	struct mac_str r;

	for (size_t i = 0; i < 6; i++) {
		r.s[3 * i] = hex[m->b[i] >> 4];
		r.s[3 * i + 1] = hex[m->b[i] & 15];
		r.s[3 * i + 2] = i < 5 ? ':' : '\0';
	}
	return r;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool mac_parse(const char *s, struct mac *m)
{
	struct mac r;

	for (size_t i = 0; i < 6; i++, s += 3) {
		int hi = hex_digit(s[0]);
		int lo = hi < 0 ? -1 : hex_digit(s[1]);

		if (lo < 0 || s[2] != (i < 5 ? ':' : '\0'))
			return false;
		r.b[i] = (uint8_t)(hi << 4 | lo);
	}
	*m = r;
	return true;
}

struct ip ip_from_bytes(const void *b, size_t len)
{
	struct ip a = { .len = (uint8_t)len };

	memcpy(a.b, b, len);
	return a;
}

bool ip_is_zero(const struct ip *a)
{
	static const uint8_t zero[16];

	return memcmp(a->b, zero, sizeof(zero)) == 0;
}

bool ip_is_multicast(const struct ip *a)
{
	return a->len == 4 ? a->b[0] >> 4 == 0xe : a->len == 16 && a->b[0] == 0xff;
}

bool ip_is_loopback(const struct ip *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return a->len == 4 ? a->b[0] == 127 : a->len == 16 && memcmp(a->b, one, 16) == 0;
}

bool ip_is_linklocal(const struct ip *a)
{
	if (a->len == 4)
		return a->b[0] == 169 && a->b[1] == 254;
	return a->len == 16 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool ip_is_unicast(const struct ip *a)
{
	uint32_t v4;

	if (a->len == 4) { /* every route has one: it is read as it was written, by four octets */
		memcpy(&v4, a->b, sizeof(v4));
		return v4 && a->b[0] != 127 && a->b[0] < 224; /* 240.0.0.0/4 holds the broadcast address, too */
	}
	if (ip_is_zero(a) || ip_is_multicast(a) || ip_is_loopback(a))
		return false;
	return a->len == 16;
}

int ip_family(const struct ip *a)
{
	return a->len == 4 ? AF_INET : a->len == 16 ? AF_INET6 : AF_UNSPEC;
}

static char *put_octet(char *s, uint8_t v)
{
	if (v >= 100)
		*s++ = (char)('0' + v / 100);
	if (v >= 10)
		*s++ = (char)('0' + v / 10 % 10);
	*s++ = (char)('0' + v % 10);
	return s;
}

/* By hand: a route has several, and inet_ntop() goes by printf. */
static void put_ip4(char *s, const uint8_t b[4])
{
	for (int i = 0; i < 4; i++) {
		s = put_octet(s, b[i]);
		*s++ = i < 3 ? '.' : '\0';
	}
}

struct ip_str ip_str(const struct ip *a)
{
	struct ip_str r;

	r.s[0] = '\0';
	if (a->len == 4)
		put_ip4(r.s, a->b);
	else if (a->len)
		inet_ntop(ip_family(a), a->b, r.s, sizeof(r.s));
	return r;
}

bool ip_parse(const char *s, struct ip *a)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, s, b) == 1)
		*a = ip_from_bytes(b, 4);
	else if (inet_pton(AF_INET6, s, b) == 1)
		*a = ip_from_bytes(b, 16);
	else
		return false;
	return true;
}

socklen_t ip_to_sockaddr(const struct ip *a, uint16_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(ss, 0, sizeof(*ss));
	if (a->len == 16) {
		memcpy(&in6.sin6_addr, a->b, 16);
		memcpy(ss, &in6, sizeof(in6));
		return sizeof(in6);
	}
	memcpy(&in.sin_addr, a->b, 4);
	memcpy(ss, &in, sizeof(in));
	return sizeof(in);
}

struct ip ip_from_sockaddr(const struct sockaddr *sa, uint16_t *port)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (port)
		*port = 0;
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		if (port)
			*port = ntohs(in.sin_port);
		return ip_from_bytes(&in.sin_addr, 4);
	}
	if (sa->sa_family != AF_INET6)
		return ip_none();
	memcpy(&in6, sa, sizeof(in6));
	if (port)
		*port = ntohs(in6.sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
		return ip_from_bytes(in6.sin6_addr.s6_addr + 12, 4);
	return ip_from_bytes(&in6.sin6_addr, 16);
}

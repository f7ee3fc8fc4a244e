/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Ethernet segment identifiers (RFC 7432 5): ten octets that compare as they are, whatever their type octet says. */
#include <string.h>

#include "include/evpn.h"

struct evpn_str evpn_esi_str(const uint8_t esi[10])
{
	static const char digit[] = "0123456789abcdef";
	struct evpn_str out;

	for (size_t i = 0; i < 10; i++) {
		out.s[3 * i] = digit[esi[i] >> 4];
		out.s[3 * i + 1] = digit[esi[i] & 15];
		out.s[3 * i + 2] = i < 9 ? ':' : '\0';
	}
	return out;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool evpn_esi_parse(const char *s, uint8_t esi[10])
{
	uint8_t v[10];

	for (int i = 0; i < 10; i++, s += 3) {
		int hi = hex_digit(s[0]);
		int lo = hi < 0 ? -1 : hex_digit(s[1]);

		if (lo < 0 || s[2] != (i < 9 ? ':' : '\0'))
			return false;
		v[i] = (uint8_t)(hi << 4 | lo);
	}
	memcpy(esi, v, sizeof(v));
	return true;
}

bool evpn_esi_is_zero(const uint8_t esi[10])
{
	static const uint8_t zero[10];

	return memcmp(esi, zero, sizeof(zero)) == 0;
}

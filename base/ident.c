/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* ADMIN:NUMBER as text and as six octets. Which two octets stand before them is the caller's business. */
#include "base/ident.h"

#include <string.h>

#include "base/addr.h"
#include "base/wire.h"

/* Decimal digits only, no sign, no space, no leading zero. */
static bool parse_number(const char *s, size_t n, uint32_t max, uint32_t *v)
{
	uint64_t sum = 0;

	if (n == 0 || n > 10 || (n > 1 && s[0] == '0'))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		sum = sum * 10 + (uint64_t)(s[i] - '0');
	}
	if (sum > max)
		return false;
	*v = (uint32_t)sum;
	return true;
}

static bool parse_v4(const char *s, size_t n, struct ip *a)
{
	char text[16];

	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	return ip_parse(text, a); /* without a colon it is no IPv6 address */
}

bool ident_parse(const char *s, enum ident_type *type, uint8_t v[6])
{
	const char *colon = strchr(s, ':');
	struct wbuf w = wb_init(v, 6);
	uint32_t admin = 0, number;
	enum ident_type t;
	struct ip a;

	if (!colon)
		return false;
	if (parse_v4(s, (size_t)(colon - s), &a))
		t = IDENT_IP4;
	else if (parse_number(s, (size_t)(colon - s), UINT32_MAX, &admin))
		t = admin > UINT16_MAX ? IDENT_AS4 : IDENT_AS2;
	else
		return false;
	if (!parse_number(colon + 1, strlen(colon + 1), t == IDENT_AS2 ? UINT32_MAX : UINT16_MAX, &number))
		return false;
	if (t == IDENT_IP4)
		wb_ip(&w, &a);
	else if (t == IDENT_AS4)
		wb_u32(&w, admin);
	else
		wb_u16(&w, (uint16_t)admin);
	if (t == IDENT_AS2)
		wb_u32(&w, number);
	else
		wb_u16(&w, (uint16_t)number);
	*type = t;
	return true;
}

/* By hand: every route has one, and printf is slow. */
static void put_number(char *s, uint32_t v)
{
	char digits[10];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	while (n)
		*s++ = digits[--n];
	*s = '\0';
}

void ident_print(enum ident_type type, const uint8_t v[6], char text[IDENT_TEXT_MAX])
{
	struct rbuf r = rb_init(v, 6);
	uint32_t admin = type == IDENT_AS2 ? rb_u16(&r) : rb_u32(&r);
	uint32_t number = type == IDENT_AS2 ? rb_u32(&r) : rb_u16(&r);
	struct ip address = ip_v4(admin);
	size_t n;

	if (type == IDENT_IP4)
		strcpy(text, ip_str(&address).s);
	else
		put_number(text, admin);
	n = strlen(text);
	text[n] = ':';
	put_number(text + n + 1, number);
}

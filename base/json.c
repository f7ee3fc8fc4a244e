/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Values are written as they come; the only state is whether a comma is due. */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void json_init(struct json *j, struct buf *out)
{
	*j = (struct json){ .out = out };
}

/* Octets of the UTF-8 sequence at s (RFC 3629 section 4), 0 when it is none. */
static size_t utf8_len(const unsigned char *s, size_t n)
{
	size_t len = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	/* The second octet excludes overlong forms, surrogates and what is above U+10FFFF. */
	unsigned char lo = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char hi = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;

	if (!len || len > n || s[1] < lo || s[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

/* Octets of s that can stand as they are. */
static size_t plain_len(const unsigned char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t len = 1;

		if (s[i] >= 0x80)
			len = utf8_len(s + i, n - i);
		else if (s[i] < 0x20 || s[i] == 0x7f || s[i] == '"' || s[i] == '\\')
			len = 0;
		if (!len)
			break;
		i += len;
	}
	return i;
}

static void write_escape(struct buf *out, unsigned char c)
{
	static const char names[] = { ['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't' };

	if (c < sizeof(names) && names[c])
		buf_printf(out, "\\%c", names[c]);
	else
		buf_printf(out, "\\u%04x", c);
}

static void write_string(struct buf *out, const char *v, size_t n)
{
	const unsigned char *s = (const unsigned char *)v;

	buf_add(out, "\"", 1);
	while (n) {
		size_t plain = plain_len(s, n);

		buf_add(out, s, plain);
		s += plain;
		n -= plain;
		if (n) {
			write_escape(out, *s++);
			n--;
		}
	}
	buf_add(out, "\"", 1);
}

/* Keys are words of ours: there is nothing in them to escape. */
static void begin(struct json *j, const char *key)
{
	size_t n = key ? strlen(key) : 0;
	char *start = buf_reserve(j->out, n + 4), *s = start;

	if (j->comma)
		*s++ = ',';
	j->comma = true;
	if (key) {
		*s++ = '"';
		memcpy(s, key, n);
		s += n;
		*s++ = '"';
		*s++ = ':';
	}
	buf_commit(j->out, (size_t)(s - start));
}

static void open_nest(struct json *j, const char *key, const char *c)
{
	begin(j, key);
	buf_add(j->out, c, 1);
	j->comma = false;
}

static void close_nest(struct json *j, const char *c)
{
	buf_add(j->out, c, 1);
	j->comma = true;
}

void json_object(struct json *j, const char *key)
{
	open_nest(j, key, "{");
}

void json_object_end(struct json *j)
{
	close_nest(j, "}");
}

void json_array(struct json *j, const char *key)
{
	open_nest(j, key, "[");
}

void json_array_end(struct json *j)
{
	close_nest(j, "]");
}

void json_raw(struct json *j, const char *key, const char *text, size_t n)
{
	begin(j, key);
	buf_add(j->out, text, n);
}

static void json_word(struct json *j, const char *key, const char *word)
{
	json_raw(j, key, word, strlen(word));
}

void json_strn(struct json *j, const char *key, const char *v, size_t n)
{
	begin(j, key);
	write_string(j->out, v, n);
}

void json_str(struct json *j, const char *key, const char *v)
{
	if (v)
		json_strn(j, key, v, strlen(v));
	else
		json_null(j, key);
}

/* Decimal digits by hand: routes are mostly numbers, and printf is slow. */
static void write_uint(struct buf *out, uint64_t v, bool minus)
{
	char digits[21];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	if (minus)
		digits[--i] = '-';
	buf_add(out, digits + i, sizeof(digits) - i);
}

void json_int(struct json *j, const char *key, int64_t v)
{
	begin(j, key);
	write_uint(j->out, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0);
}

void json_uint(struct json *j, const char *key, uint64_t v)
{
	begin(j, key);
	write_uint(j->out, v, false);
}

void json_uint_members(struct json *j, const char *key, const struct json_uint *m, size_t n)
{
	json_object(j, key);
	for (size_t i = 0; i < n; i++)
		json_uint(j, m[i].key, m[i].v);
	json_object_end(j);
}

void json_uint_if(struct json *j, const char *key, bool known, uint64_t v)
{
	if (known)
		json_uint(j, key, v);
	else
		json_null(j, key);
}

void json_real(struct json *j, const char *key, double v)
{
	if (!isfinite(v)) { /* JSON has no word for it */
		json_null(j, key);
		return;
	}
	begin(j, key);
	buf_printf(j->out, "%.3f", v);
}

void json_bool(struct json *j, const char *key, bool v)
{
	json_word(j, key, v ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	json_word(j, key, "null");
}

void json_hex(struct json *j, const char *key, const void *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *b = p;
	char *s;

	begin(j, key);
	s = buf_reserve(j->out, 2 * n + 2);
	*s++ = '"';
	for (size_t i = 0; i < n; i++) {
		*s++ = hex[b[i] >> 4];
		*s++ = hex[b[i] & 15];
	}
	*s = '"';
	buf_commit(j->out, 2 * n + 2);
}

void json_mac(struct json *j, const char *key, const struct mac *m)
{
	if (m)
		json_strn(j, key, mac_str(m).s, 17);
	else
		json_null(j, key);
}

void json_ip(struct json *j, const char *key, const struct ip *a)
{
	if (a && a->len)
		json_str(j, key, ip_str(a).s);
	else
		json_null(j, key);
}

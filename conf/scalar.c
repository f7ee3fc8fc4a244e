/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The kinds of scalars: what each expects, how it is read and written. Types go by what stands in the file: numbers and
 * booleans are plain scalars in their one decimal or English form (no 0x10, 010, +1, 1_000, yes, on, or quotes around
 * them), everything else is text with or without quotes.
 */
#include "conf/schema.h"

#include <ctype.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ident.h"
#include "base/log.h"

#define TEXT_MAX 64 /* octets of the longest address, RD or route target, and more */

/* Text as a C string of limited length; false when it does not fit or has a NUL in it. */
static bool to_string(const struct scalar_text *t, char out[TEXT_MAX])
{
	if (t->len >= TEXT_MAX || memchr(t->s, 0, t->len))
		return false;
	memcpy(out, t->s, t->len);
	out[t->len] = 0;
	return true;
}

static bool is_word(const struct scalar_text *t, const char *word)
{
	return t->len == strlen(word) && !memcmp(t->s, word, t->len);
}

/* Decimal digits without a leading zero, up to max. */
static bool to_number(const char *s, size_t len, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!len || (len > 1 && s[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned char)s[i] - (unsigned)'0';

		if (digit > 9 || digit > max || v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return true;
}

/* ---- booleans, numbers, words ------------------------------------------------------------------------------------ */

static void bool_expected(const struct schema_key *k, struct buf *out)
{
	buf_adds(out, "true or false");
}

static bool bool_read(const struct schema_key *k, const struct scalar_text *t, void *value)
{
	if (t->quoted || !(is_word(t, "true") || is_word(t, "false")))
		return false;
	*(bool *)value = t->s[0] == 't';
	return true;
}

static bool bool_write(const struct schema_key *k, const void *value, struct buf *out)
{
	buf_adds(out, *(const bool *)value ? "true" : "false");
	return true;
}

const struct scalar scalar_bool = { bool_expected, bool_read, bool_write, NULL };

/* Fields of numbers and words differ in width. */
static void store(void *value, size_t size, uint32_t v)
{
	switch (size) {
	case 1:
		*(uint8_t *)value = (uint8_t)v;
		return;
	case 2:
		*(uint16_t *)value = (uint16_t)v;
		return;
	case 4:
		*(uint32_t *)value = v;
		return;
	}
	BUG("a field of %zu octets", size);
}

static uint32_t fetch(const void *value, size_t size)
{
	return size == 1 ? *(const uint8_t *)value : size == 2 ? *(const uint16_t *)value : *(const uint32_t *)value;
}

static void number_expected(const struct schema_key *k, struct buf *out)
{
	buf_printf(out, "a number from %llu to %llu", (unsigned long long)k->min, (unsigned long long)k->max);
}

static bool number_read(const struct schema_key *k, const struct scalar_text *t, void *value)
{
	uint64_t v;

	if (t->quoted || !to_number(t->s, t->len, k->max, &v) || v < k->min)
		return false;
	store(value, k->size, (uint32_t)v);
	return true;
}

static bool number_write(const struct schema_key *k, const void *value, struct buf *out)
{
	uint32_t v = fetch(value, k->size);

	if (v < k->min)
		return false;
	buf_printf(out, "%u", v);
	return true;
}

const struct scalar scalar_number = { number_expected, number_read, number_write, NULL };

static void word_expected(const struct schema_key *k, struct buf *out)
{
	for (const struct schema_word *w = k->words; w->name; w++)
		buf_printf(out, "%s%s", w == k->words ? "" : w[1].name ? ", " : " or ", w->name);
}

static bool word_read(const struct schema_key *k, const struct scalar_text *t, void *value)
{
	for (const struct schema_word *w = k->words; w->name; w++) {
		if (is_word(t, w->name)) {
			store(value, k->size, (uint32_t)w->value);
			return true;
		}
	}
	return false;
}

static bool word_write(const struct schema_key *k, const void *value, struct buf *out)
{
	uint32_t v = fetch(value, k->size);

	for (const struct schema_word *w = k->words; w->name; w++) {
		if ((uint32_t)w->value == v) {
			buf_adds(out, w->name);
			return true;
		}
	}
	return false;
}

const struct scalar scalar_word = { word_expected, word_read, word_write, NULL };

static void number_or_word_expected(const struct schema_key *k, struct buf *out)
{
	number_expected(k, out);
	buf_adds(out, " or ");
	word_expected(k, out);
}

static bool number_or_word_read(const struct schema_key *k, const struct scalar_text *t, void *value)
{
	return number_read(k, t, value) || word_read(k, t, value);
}

static bool number_or_word_write(const struct schema_key *k, const void *value, struct buf *out)
{
	return number_write(k, value, out) || word_write(k, value, out);
}

/* The words' values are below min. */
const struct scalar scalar_number_or_word = { number_or_word_expected, number_or_word_read, number_or_word_write,
					      NULL };

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void string_fini(void *value)
{
	free(*(char **)value);
}

static void string_set(char **value, const char *s, size_t len)
{
	free(*value);
	*value = xcalloc(1, len + 1);
	memcpy(*value, s, len);
}

static void text_expected(const struct schema_key *k, struct buf *out)
{
	buf_printf(out, "text of %llu to %llu octets%s", (unsigned long long)k->min, (unsigned long long)k->max,
		   k->secret ? "" : " without control characters");
}

static bool text_read(const struct schema_key *k, const struct scalar_text *t, void *value)
{
	if (t->len < k->min || t->len > k->max || memchr(t->s, 0, t->len))
		return false;
	/* A key of TCP-MD5 is any octets; what is shown in tables is not. */
	for (size_t i = 0; i < t->len && !k->secret; i++)
		if (iscntrl((unsigned char)t->s[i]))
			return false;
	string_set(value, t->s, t->len);
	return true;
}

static bool text_write(const struct schema_key *k, const void *value, struct buf *out)
{
	const char *s = *(char *const *)value;

	if (s)
		scalar_write_text(s, strlen(s), out);
	return s;
}

const struct scalar scalar_text = { text_expected, text_read, text_write, string_fini };

/* ---- interfaces -------------------------------------------------------------------------------------------------- */

static void ifname_expected(const struct schema_key *k, struct buf *out)
{
	buf_adds(out, "an interface name (1 to 15 characters, none of them a space, \"/\", \":\" or \"%\")");
}

/* What the kernel takes (dev_valid_name()), less the patterns that it would fill in ("veth%d"). */
static bool is_ifname(const char *s, size_t len)
{
	if (!len || len >= IFNAMSIZ || (len == 1 && s[0] == '.') || (len == 2 && !memcmp(s, "..", 2)))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c <= ' ' || c == 0x7f || c == '/' || c == ':' || c == '%')
			return false;
	}
	return true;
}

static bool ifname_read(const struct schema_key *k, const struct scalar_text *t, void *value)
{
	if (!is_ifname(t->s, t->len))
		return false;
	string_set(value, t->s, t->len);
	return true;
}

const struct scalar scalar_ifname = { ifname_expected, ifname_read, text_write, string_fini };

static void ifname_or_none_expected(const struct schema_key *k, struct buf *out)
{
	buf_adds(out, "none or ");
	ifname_expected(k, out);
}

static bool ifname_or_none_read(const struct schema_key *k, const struct scalar_text *t, void *value)
{
	if (!is_word(t, "none"))
		return ifname_read(k, t, value);
	free(*(char **)value);
	*(char **)value = NULL;
	return true;
}

static bool ifname_or_none_write(const struct schema_key *k, const void *value, struct buf *out)
{
	if (!text_write(k, value, out))
		buf_adds(out, "none");
	return true;
}

const struct scalar scalar_ifname_or_none = { ifname_or_none_expected, ifname_or_none_read, ifname_or_none_write,
					      string_fini };

static void port_expected(const struct schema_key *k, struct buf *out)
{
	ifname_expected(k, out);
	buf_adds(out, ", after \"tap:\" for a TAP device");
}

/* The name of a port goes with what it is: value is the struct config_port. */
static bool port_read(const struct schema_key *k, const struct scalar_text *t, void *value)
{
	struct config_port *p = value;
	size_t skip = t->len > 4 && !memcmp(t->s, "tap:", 4) ? 4 : 0;

	if (!is_ifname(t->s + skip, t->len - skip))
		return false;
	string_set(&p->name, t->s + skip, t->len - skip);
	p->tap = skip;
	return true;
}

static bool port_write(const struct schema_key *k, const void *value, struct buf *out)
{
	const struct config_port *p = value;
	char s[IFNAMSIZ + 4];

	snprintf(s, sizeof(s), "%s%s", p->tap ? "tap:" : "", p->name);
	scalar_write_text(s, strlen(s), out);
	return true;
}

static void port_fini(void *value)
{
	free(((struct config_port *)value)->name);
}

const struct scalar scalar_port = { port_expected, port_read, port_write, port_fini };

/* ---- addresses --------------------------------------------------------------------------------------------------- */

static void ip_expected(const struct schema_key *k, struct buf *out)
{
	buf_adds(out, "an IPv4 or IPv6 address");
}

static bool ip_read(const struct schema_key *k, const struct scalar_text *t, void *value)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char s[TEXT_MAX];
	struct ip a;

	if (!to_string(t, s) || !ip_parse(s, &a))
		return false;
	/* RFC 4291 2.5.5.2: another way to write an IPv4 address. */
	if (a.len == 16 && !memcmp(a.b, mapped, sizeof(mapped)))
		a = ip_from_bytes(a.b + 12, 4);
	*(struct ip *)value = a;
	return true;
}

static bool ip_write(const struct schema_key *k, const void *value, struct buf *out)
{
	const struct ip *a = value;
	const char *quote = a->len == 16 ? "\"" : ""; /* a colon at an end would be YAML's */

	if (a->len)
		buf_printf(out, "%s%s%s", quote, ip_str(a).s, quote);
	return a->len;
}

const struct scalar scalar_ip = { ip_expected, ip_read, ip_write, NULL };

static void router_id_expected(const struct schema_key *k, struct buf *out)
{
	buf_adds(out, "an identifier like 192.0.2.1, not 0.0.0.0");
}

/* RFC 6286 2.1: any four octets but zero. */
static bool router_id_read(const struct schema_key *k, const struct scalar_text *t, void *value)
{
	char s[TEXT_MAX];
	struct ip a;

	if (!to_string(t, s) || !ip_parse(s, &a) || a.len != 4 || ip_is_zero(&a))
		return false;
	*(uint32_t *)value = (uint32_t)a.b[0] << 24 | (uint32_t)a.b[1] << 16 | (uint32_t)a.b[2] << 8 | a.b[3];
	return true;
}

static bool router_id_write(const struct schema_key *k, const void *value, struct buf *out)
{
	struct ip a = ip_v4(*(const uint32_t *)value);

	return !ip_is_zero(&a) && ip_write(k, &a, out);
}

const struct scalar scalar_router_id = { router_id_expected, router_id_read, router_id_write, NULL };

static void mac_expected(const struct schema_key *k, struct buf *out)
{
	buf_adds(out, "a MAC address like 02:00:00:00:00:01");
}

static bool mac_read(const struct schema_key *k, const struct scalar_text *t, void *value)
{
	char s[TEXT_MAX];

	return to_string(t, s) && mac_parse(s, value);
}

/* In quotes: other readers of YAML 1.1 take some of them for numbers of base 60. */
static bool mac_write(const struct schema_key *k, const void *value, struct buf *out)
{
	buf_printf(out, "\"%s\"", mac_str(value).s);
	return true;
}

const struct scalar scalar_mac = { mac_expected, mac_read, mac_write, NULL };

/* ---- route distinguishers and route targets ---------------------------------------------------------------------- */

/* The type stands in one octet before them, or in the first of two. */
static bool read_ident(const struct scalar_text *t, uint8_t *kind, uint8_t b[6])
{
	enum ident_type type;
	char s[TEXT_MAX];

	if (!to_string(t, s) || !ident_parse(s, &type, b))
		return false;
	*kind = (uint8_t)type;
	return true;
}

/* In quotes, as MAC addresses. */
static void write_ident(uint8_t kind, const uint8_t b[6], struct buf *out)
{
	char s[IDENT_TEXT_MAX];

	ident_print((enum ident_type)kind, b, s);
	buf_printf(out, "\"%s\"", s);
}

static void ident_expected(const struct schema_key *k, struct buf *out)
{
	buf_adds(out, "auto or ADMIN:NUMBER (65000:1 to 65000:4294967295, 4200000000:65535 or 192.0.2.1:65535)");
}

static bool rd_read(const struct schema_key *k, const struct scalar_text *t, void *value)
{
	struct config_rd rd = { .is_auto = is_word(t, "auto") };

	if (!rd.is_auto && !read_ident(t, &rd.b[1], rd.b + 2))
		return false;
	*(struct config_rd *)value = rd;
	return true;
}

static bool rd_write(const struct schema_key *k, const void *value, struct buf *out)
{
	const struct config_rd *rd = value;

	if (rd->is_auto)
		buf_adds(out, "auto");
	else
		write_ident(rd->b[1], rd->b + 2, out);
	return true;
}

const struct scalar scalar_rd = { ident_expected, rd_read, rd_write, NULL };

static bool rt_read(const struct schema_key *k, const struct scalar_text *t, void *value)
{
	struct config_rt rt = { .is_auto = is_word(t, "auto") };

	if (!rt.is_auto) {
		if (!read_ident(t, &rt.b[0], rt.b + 2))
			return false;
		rt.b[1] = 0x02; /* RFC 4360 4: route target */
	}
	*(struct config_rt *)value = rt;
	return true;
}

static bool rt_write(const struct schema_key *k, const void *value, struct buf *out)
{
	const struct config_rt *rt = value;

	if (rt->is_auto)
		buf_adds(out, "auto");
	else
		write_ident(rt->b[0], rt->b + 2, out);
	return true;
}

const struct scalar scalar_rt = { ident_expected, rt_read, rt_write, NULL };

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See host_line.h. RFC 8259, as far as it goes: no nested values, and escapes of one character only. */
#include "cmd/evpnd/host_line.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX 128u /* octets of a key or a string */

struct reader {
	const char *at, *end;
};

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_TRUE, VALUE_FALSE, VALUE_NULL };

struct value {
	enum value_kind kind;
	char text[TEXT_MAX + 1]; /* of a number, too */
	uint64_t n;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct reader *r)
{
	while (r->at < r->end && is_blank(*r->at))
		r->at++;
}

static bool take(struct reader *r, char c)
{
	skip_blanks(r);
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static bool take_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
		return false;
	r->at += n;
	return true;
}

static bool read_text(struct reader *r, char out[TEXT_MAX + 1])
{
	size_t n = 0;

	if (!take(r, '"'))
		return false;
	while (r->at < r->end && *r->at != '"') {
		if (*r->at == '\\' && ++r->at == r->end)
			return false;
		if ((unsigned char)*r->at < ' ' || n == TEXT_MAX)
			return false;
		out[n++] = *r->at++;
	}
	out[n] = '\0';
	return take(r, '"');
}

static bool read_number(struct reader *r, struct value *v)
{
	size_t n = 0;

	v->kind = VALUE_NUMBER;
	v->n = 0;
	while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
		if (n == 18)
			return false;
		v->n = v->n * 10 + (uint64_t)(*r->at - '0');
		v->text[n++] = *r->at++;
	}
	v->text[n] = '\0';
	return n > 0;
}

static bool read_value(struct reader *r, struct value *v)
{
	static const struct {
		const char *word;
		enum value_kind kind;
	} words[] = { { "true", VALUE_TRUE }, { "false", VALUE_FALSE }, { "null", VALUE_NULL } };

	skip_blanks(r);
	if (r->at < r->end && *r->at == '"') {
		v->kind = VALUE_TEXT;
		return read_text(r, v->text);
	}
	for (size_t i = 0; i < 3; i++) {
		if (!take_word(r, words[i].word))
			continue;
		v->kind = words[i].kind;
		memcpy(v->text, words[i].word, strlen(words[i].word) + 1);
		return true;
	}
	return read_number(r, v);
}

/* ---- what the keys mean ------------------------------------------------------------------------------------------ */

static bool set_number(struct host_line *l, const struct value *v, unsigned what, uint32_t max, uint32_t *to)
{
	if (v->kind != VALUE_NUMBER || !v->n || v->n > max)
		return false;
	l->says |= what;
	*to = (uint32_t)v->n;
	return true;
}

static bool set_mac(struct host_line *l, const struct value *v)
{
	l->says |= HOST_LINE_MAC;
	return v->kind == VALUE_TEXT && mac_parse(v->text, &l->host.mac) && !mac_is_zero(&l->host.mac) &&
	       !mac_is_group(&l->host.mac);
}

static bool set_ip(struct host_line *l, const struct value *v)
{
	if (v->kind == VALUE_NULL)
		return true;
	l->says |= HOST_LINE_IP;
	return v->kind == VALUE_TEXT && ip_parse(v->text, &l->host.ip) && ip_is_unicast(&l->host.ip);
}

static bool set_vtep(struct host_line *l, const struct value *v)
{
	l->says |= v->kind == VALUE_NULL ? HOST_LINE_NOWHERE : HOST_LINE_VTEP;
	if (v->kind == VALUE_NULL)
		return true;
	return v->kind == VALUE_TEXT && ip_parse(v->text, &l->host.vtep) && ip_is_unicast(&l->host.vtep);
}

/* NULL, or what was expected. */
static const char *set(struct host_line *l, const char *key, const struct value *v)
{
	if (!strcmp(key, "id"))
		return set_number(l, v, HOST_LINE_ID, UINT32_MAX, &l->id) ? NULL : "the number of the question";
	if (!strcmp(key, "vni"))
		return set_number(l, v, HOST_LINE_VNI, 0xffffff, &l->vni) ? NULL : "a number from 1 to 16777215";
	if (!strcmp(key, "mac"))
		return set_mac(l, v) ? NULL : "the MAC address of a host";
	if (!strcmp(key, "ip"))
		return set_ip(l, v) ? NULL : "the IP address of a host, or null";
	if (!strcmp(key, "vtep"))
		return set_vtep(l, v) ? NULL : "the address of a VTEP, or null";
	if (strcmp(key, "router") != 0)
		return NULL;
	l->host.router = v->kind == VALUE_TRUE;
	return v->kind == VALUE_TRUE || v->kind == VALUE_FALSE ? NULL : "true or false";
}

static bool wrong(char *why, size_t cap, const struct reader *r, const char *start, const char *expected)
{
	snprintf(why, cap, "column %zu: expected %s", (size_t)(r->at - start) + 1, expected);
	return false;
}

bool host_line_read(const char *s, size_t len, struct host_line *out, char *why, size_t cap)
{
	struct reader r = { s, s + len };
	char key[TEXT_MAX + 1];
	const char *expected;
	struct value v;

	*out = (struct host_line){ .says = 0 };
	out->host.ip = out->host.vtep = ip_none();
	if (!take(&r, '{'))
		return wrong(why, cap, &r, s, "an object, {\"mac\": ...}");
	if (take(&r, '}'))
		goto end;
	do {
		if (!read_text(&r, key) || !take(&r, ':'))
			return wrong(why, cap, &r, s, "\"key\": value");
		if (!read_value(&r, &v))
			return wrong(why, cap, &r, s, "a string, a whole number, true, false or null");
		expected = set(out, key, &v);
		if (expected) {
			snprintf(why, cap, "%s: expected %s, found \"%s\"", key, expected, v.text);
			return false;
		}
	} while (take(&r, ','));
	if (!take(&r, '}'))
		return wrong(why, cap, &r, s, "\",\" or \"}\"");
end:
	skip_blanks(&r);
	return r.at == r.end || wrong(why, cap, &r, s, "the end of the line");
}

bool host_line_is_empty(const char *s, size_t len)
{
	struct reader r = { s, s + len };

	skip_blanks(&r);
	return r.at == r.end || *r.at == '#';
}

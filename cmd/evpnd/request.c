/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Reader of the one JSON form that the control socket takes (RFC 8259 for the strings in it). */
#include "cmd/evpnd/request.h"

#include <stdint.h>
#include <string.h>

#include "base/wire.h"

static void skip_space(struct rbuf *r)
{
	while (rb_left(r) && (*r->p == ' ' || *r->p == '\t' || *r->p == '\r'))
		r->p++;
}

/* Takes c with the space before it. */
static bool take(struct rbuf *r, char c)
{
	skip_space(r);
	if (!rb_left(r) || *r->p != (uint8_t)c)
		return false;
	r->p++;
	return true;
}

static bool hex4(struct rbuf *r, uint32_t *out)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		uint8_t c = rb_u8(r), lower = c | 0x20;

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (lower >= 'a' && lower <= 'f')
			v = v << 4 | (uint32_t)(lower - 'a' + 10);
		else
			return false;
	}
	*out = v;
	return true;
}

/* What follows \u, a surrogate pair as one code point (RFC 8259 7). NUL would end an argument early: refused. */
static bool code_point(struct rbuf *r, uint32_t *out)
{
	uint32_t low;

	if (!hex4(r, out) || *out == 0 || (*out >= 0xdc00 && *out < 0xe000))
		return false;
	if (*out < 0xd800 || *out >= 0xe000)
		return true;
	if (rb_u8(r) != '\\' || rb_u8(r) != 'u' || !hex4(r, &low) || low < 0xdc00 || low >= 0xe000)
		return false;
	*out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
	return true;
}

static void put_utf8(struct wbuf *w, uint32_t c)
{
	if (c < 0x80) {
		wb_u8(w, (uint8_t)c);
	} else if (c < 0x800) {
		wb_u8(w, (uint8_t)(0xc0 | c >> 6));
		wb_u8(w, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		wb_u8(w, (uint8_t)(0xe0 | c >> 12));
		wb_u8(w, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		wb_u8(w, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		wb_u8(w, (uint8_t)(0xf0 | c >> 18));
		wb_u8(w, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		wb_u8(w, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		wb_u8(w, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

static bool put_escaped(struct rbuf *r, struct wbuf *w)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	uint8_t c = rb_u8(r);
	const char *at = c ? strchr(from, c) : NULL;
	uint32_t point;

	if (at) {
		wb_u8(w, (uint8_t)to[at - from]);
		return true;
	}
	if (c != 'u' || !code_point(r, &point))
		return false;
	put_utf8(w, point);
	return true;
}

/* A string, unescaped and NUL-terminated; NULL when it is none. */
static const char *take_string(struct rbuf *r, struct wbuf *w)
{
	const char *start = (const char *)w->p;

	if (!take(r, '"'))
		return NULL;
	for (;;) {
		uint8_t c = rb_u8(r);

		if (c < 0x20) /* also the end of the line */
			return NULL;
		if (c == '"')
			break;
		if (c == '\\') {
			if (!put_escaped(r, w))
				return NULL;
		} else {
			wb_u8(w, c);
		}
	}
	wb_u8(w, 0);
	return wb_ok(w) ? start : NULL;
}

const char *request_parse(const char *line, size_t len, struct request *out)
{
	struct rbuf r = rb_init(line, len);
	struct wbuf w = wb_init(out->text, sizeof(out->text));
	const char *key;

	out->argc = 0;
	if (!take(&r, '{'))
		return "expected a JSON object";
	key = take_string(&r, &w);
	if (!key || strcmp(key, "argv") != 0 || !take(&r, ':'))
		return "expected the member \"argv\"";
	if (!take(&r, '['))
		return "argv: expected an array of strings";
	while (!take(&r, ']')) {
		if (out->argc == REQUEST_ARGS_MAX)
			return "argv: too many words";
		if (out->argc && !take(&r, ','))
			return "argv: expected ',' or ']'";
		out->argv[out->argc] = take_string(&r, &w);
		if (!out->argv[out->argc++])
			return "argv: expected a string";
	}
	if (!take(&r, '}'))
		return "expected the end of the object after argv";
	skip_space(&r);
	return rb_left(&r) ? "expected nothing after the object" : NULL;
}

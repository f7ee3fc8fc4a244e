/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 *      | type 1 | count 1 | count ASNs of 2 or 4 octets |  ...       RFC 4271 4.3 (b), RFC 6793 3
 */
#include "bgp/attr_as_path.h"

#include "base/buf.h"
#include "bgp/attr.h"
#include "bgp/msg.h"

struct segment {
	uint8_t type, count;
	struct rbuf asns;
};

static bool segment_next(struct rbuf *r, unsigned width, struct segment *s)
{
	if (!rb_left(r))
		return false;
	s->type = rb_u8(r);
	s->count = rb_u8(r);
	s->asns = rb_sub(r, (size_t)s->count * width);
	return rb_ok(r);
}

static uint32_t asn_next(struct rbuf *r, unsigned width)
{
	return width == 4 ? rb_u32(r) : rb_u16(r);
}

static bool is_confed(uint8_t type)
{
	return type == AS_CONFED_SEQUENCE || type == AS_CONFED_SET;
}

static const char *check(const uint8_t *path, size_t len, unsigned width, bool confed)
{
	struct rbuf r = rb_init(path, len);
	struct segment s;

	while (segment_next(&r, width, &s)) {
		if (s.type < AS_SET || s.type > AS_CONFED_SET)
			return "unknown segment type";
		if (!s.count)
			return "empty segment";
		if (is_confed(s.type) && !confed)
			return "confederation segment from outside";
		while (rb_left(&s.asns))
			if (asn_next(&s.asns, width) == 0) /* RFC 7607 2 */
				return "AS 0 in the path";
	}
	return rb_ok(&r) ? NULL : "segment overruns the attribute";
}

const char *attr_as_path_check(const uint8_t *path, size_t len, unsigned width)
{
	return check(path, len, width, false);
}

const char *attr_as4_path_check(const uint8_t *path, size_t len)
{
	return check(path, len, 4, true);
}

uint32_t attr_as_path_hops(const uint8_t *path, size_t len)
{
	struct rbuf r = rb_init(path, len);
	struct segment s;
	uint32_t n = 0;

	while (segment_next(&r, 4, &s))
		n += s.type == AS_SEQUENCE ? s.count : s.type == AS_SET;
	return n;
}

uint32_t attr_as_path_first(const uint8_t *path, size_t len)
{
	struct rbuf r = rb_init(path, len);
	struct segment s;

	return segment_next(&r, 4, &s) && s.type == AS_SEQUENCE ? rb_u32(&s.asns) : 0;
}

bool attr_as_path_wide(const uint8_t *path, size_t len)
{
	struct rbuf r = rb_init(path, len);
	struct segment s;

	while (segment_next(&r, 4, &s))
		while (rb_left(&s.asns))
			if (rb_u32(&s.asns) > UINT16_MAX)
				return true;
	return false;
}

bool attr_as_path_has(const uint8_t *path, size_t len, uint32_t asn)
{
	struct rbuf r = rb_init(path, len);
	struct segment s;

	while (segment_next(&r, 4, &s))
		while (rb_left(&s.asns))
			if (rb_u32(&s.asns) == asn)
				return true;
	return false;
}

void attr_as_path_widen(struct wbuf *w, const uint8_t *path, size_t len)
{
	struct rbuf r = rb_init(path, len);
	struct segment s;

	while (segment_next(&r, 2, &s)) {
		wb_u8(w, s.type);
		wb_u8(w, s.count);
		while (rb_left(&s.asns))
			wb_u32(w, rb_u16(&s.asns));
	}
}

static void asn_write(struct wbuf *w, uint32_t asn, unsigned width)
{
	if (width == 4)
		wb_u32(w, asn);
	else
		wb_u16(w, (uint16_t)(asn > UINT16_MAX ? MSG_AS_TRANS : asn));
}

static void segment_write(struct wbuf *w, struct segment s, unsigned width)
{
	while (rb_left(&s.asns))
		asn_write(w, rb_u32(&s.asns), width);
}

/* Does what is prepended go into the first segment (RFC 4271 5.1.2 (b))? */
static bool joins(const uint8_t *path, size_t len)
{
	return len && path[0] == AS_SEQUENCE && path[1] < UINT8_MAX;
}

size_t attr_as_path_size(const uint8_t *path, size_t len, uint32_t prepend, unsigned width)
{
	struct rbuf r = rb_init(path, len);
	struct segment s;
	size_t n = prepend ? width + (joins(path, len) ? 0 : 2) : 0;

	while (segment_next(&r, 4, &s))
		n += 2 + (size_t)s.count * width;
	return n;
}

void attr_as_path_write(struct wbuf *w, const uint8_t *path, size_t len, uint32_t prepend, unsigned width)
{
	struct rbuf r = rb_init(path, len);
	struct segment s;

	if (prepend && !joins(path, len)) {
		wb_u8(w, AS_SEQUENCE);
		wb_u8(w, 1);
		asn_write(w, prepend, width);
		prepend = 0;
	}
	while (segment_next(&r, 4, &s)) {
		wb_u8(w, s.type);
		wb_u8(w, (uint8_t)(s.count + (prepend != 0)));
		if (prepend)
			asn_write(w, prepend, width);
		prepend = 0;
		segment_write(w, s, width);
	}
}

/* The first hops hops of the path; a segment that holds more is cut. */
static void leading_write(struct wbuf *w, const uint8_t *path, size_t len, uint32_t hops)
{
	struct rbuf r = rb_init(path, len);
	struct segment s;
	uint32_t take;

	while (hops && segment_next(&r, 4, &s)) {
		take = s.type == AS_SEQUENCE && s.count > hops ? hops : s.count;
		wb_u8(w, s.type);
		wb_u8(w, (uint8_t)take);
		wb_bytes(w, s.asns.p, (size_t)take * 4);
		hops -= s.type == AS_SEQUENCE ? take : 1;
	}
}

bool attr_as_path_merge(struct wbuf *w, const uint8_t *path, size_t len, const uint8_t *as4, size_t as4_len)
{
	uint32_t n = attr_as_path_hops(path, len), m = attr_as_path_hops(as4, as4_len);
	struct rbuf r = rb_init(as4, as4_len);
	struct segment s;

	if (n < m)
		return false;
	leading_write(w, path, len, n - m);
	while (segment_next(&r, 4, &s)) {
		if (is_confed(s.type))
			continue;
		wb_u8(w, s.type);
		wb_u8(w, s.count);
		segment_write(w, s, 4);
	}
	return true;
}

void attr_as_path_print(const uint8_t *path, size_t len, struct buf *out)
{
	struct rbuf r = rb_init(path, len);
	struct segment s;
	const char *gap = "";

	while (segment_next(&r, 4, &s)) {
		buf_printf(out, "%s%s", gap, s.type == AS_SET ? "{" : "");
		gap = "";
		while (rb_left(&s.asns)) {
			buf_printf(out, "%s%u", gap, rb_u32(&s.asns));
			gap = s.type == AS_SET ? "," : " ";
		}
		if (s.type == AS_SET)
			buf_adds(out, "}");
		gap = " ";
	}
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Bounded reader and writer of wire bytes (network byte order on the wire, host order in the values).
 *
 * Both have a sticky error: after the first shortage a reader yields zeros and reports nothing left, a writer writes
 * nothing more. So code reads or writes straight down and asks once, at the end, rb_done() / wb_ok().
 * Neither allocates or owns memory. This is the only place that swaps bytes.
 */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rbuf {
	const uint8_t *p;   /* next byte to read */
	const uint8_t *end; /* one past the last byte */
	bool bad;           /* a read went past the end */
};

/* data may be NULL when len is 0. */
static inline struct rbuf rb_init(const void *data, size_t len)
{
	const uint8_t *p = len ? data : (const void *)"";

	return (struct rbuf){ .p = p, .end = p + len, .bad = false };
}

/* Bytes not read yet; 0 after an error, so that loops over "while (rb_left(&r))" end. */
static inline size_t rb_left(const struct rbuf *r)
{
	return (size_t)(r->end - r->p);
}

static inline bool rb_ok(const struct rbuf *r)
{
	return !r->bad;
}

/* No error and nothing left over. */
static inline bool rb_done(const struct rbuf *r)
{
	return !r->bad && r->p == r->end;
}

static inline void rb_fail(struct rbuf *r)
{
	r->bad = true;
	r->p = r->end;
}

/* The next n bytes as they are, NULL when there are fewer. They live as long as the buffer given to rb_init(). */
static inline const uint8_t *rb_ptr(struct rbuf *r, size_t n)
{
	const uint8_t *p = r->p;

	if (rb_left(r) < n) {
		rb_fail(r);
		return NULL;
	}
	r->p += n;
	return p;
}

static inline void rb_skip(struct rbuf *r, size_t n)
{
	(void)rb_ptr(r, n);
}

/* Copies n bytes to dst, zeros on shortage. */
static inline void rb_bytes(struct rbuf *r, void *dst, size_t n)
{
	const uint8_t *p = rb_ptr(r, n);

	if (p)
		memcpy(dst, p, n);
	else
		memset(dst, 0, n);
}

static inline uint8_t rb_u8(struct rbuf *r)
{
	const uint8_t *p = rb_ptr(r, 1);

	return p ? p[0] : 0;
}

static inline uint16_t rb_u16(struct rbuf *r)
{
	const uint8_t *p = rb_ptr(r, 2);

	return (uint16_t)(p ? p[0] << 8 | p[1] : 0);
}

static inline uint32_t rb_u24(struct rbuf *r)
{
	const uint8_t *p = rb_ptr(r, 3);

	return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t rb_u32(struct rbuf *r)
{
	const uint8_t *p = rb_ptr(r, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t rb_u64(struct rbuf *r)
{
	uint64_t hi = rb_u32(r);

	return hi << 32 | rb_u32(r);
}

/*
 * A child reader over the next n bytes; the parent is advanced before the child is parsed. When the parent is too
 * short both are in error.
 */
static inline struct rbuf rb_sub(struct rbuf *r, size_t n)
{
	const uint8_t *p = rb_ptr(r, n);

	return p ? (struct rbuf){ p, p + n, false } : (struct rbuf){ r->end, r->end, true };
}

struct wbuf {
	uint8_t *start;
	uint8_t *p;   /* next byte to write */
	uint8_t *end; /* one past the space */
	bool bad;     /* something did not fit */
};

static inline struct wbuf wb_init(void *space, size_t len)
{
	return (struct wbuf){ .start = space, .p = space, .end = (uint8_t *)space + len, .bad = false };
}

static inline size_t wb_len(const struct wbuf *w)
{
	return (size_t)(w->p - w->start);
}

static inline size_t wb_room(const struct wbuf *w)
{
	return w->bad ? 0 : (size_t)(w->end - w->p);
}

static inline bool wb_ok(const struct wbuf *w)
{
	return !w->bad;
}

/* Space for n bytes, NULL when it does not fit. */
static inline uint8_t *wb_ptr(struct wbuf *w, size_t n)
{
	uint8_t *p = w->p;

	if (wb_room(w) < n) {
		w->bad = true;
		return NULL;
	}
	w->p += n;
	return p;
}

static inline void wb_bytes(struct wbuf *w, const void *src, size_t n)
{
	uint8_t *p = wb_ptr(w, n);

	if (p && n)
		memcpy(p, src, n);
}

static inline void wb_zero(struct wbuf *w, size_t n)
{
	uint8_t *p = wb_ptr(w, n);

	if (p)
		memset(p, 0, n);
}

static inline void wb_u8(struct wbuf *w, uint8_t v)
{
	uint8_t *p = wb_ptr(w, 1);

	if (p)
		p[0] = v;
}

static inline void wb_u16(struct wbuf *w, uint16_t v)
{
	uint8_t *p = wb_ptr(w, 2);

	if (p) {
		p[0] = (uint8_t)(v >> 8);
		p[1] = (uint8_t)v;
	}
}

/* A value above 24 bits is an error of the writer, not truncated. */
static inline void wb_u24(struct wbuf *w, uint32_t v)
{
	uint8_t *p = wb_ptr(w, 3);

	if (v >> 24)
		w->bad = true;
	else if (p) {
		p[0] = (uint8_t)(v >> 16);
		p[1] = (uint8_t)(v >> 8);
		p[2] = (uint8_t)v;
	}
}

static inline void wb_u32(struct wbuf *w, uint32_t v)
{
	uint8_t *p = wb_ptr(w, 4);

	if (p) {
		p[0] = (uint8_t)(v >> 24);
		p[1] = (uint8_t)(v >> 16);
		p[2] = (uint8_t)(v >> 8);
		p[3] = (uint8_t)v;
	}
}

static inline void wb_u64(struct wbuf *w, uint64_t v)
{
	wb_u32(w, (uint32_t)(v >> 32));
	wb_u32(w, (uint32_t)v);
}

/*
 * A length field that is not known yet: wb_open8/16() leaves room for it, wb_close8/16() writes how many bytes came
 * after it. A content too long for the field is an error of the writer.
 */
static inline size_t wb_open8(struct wbuf *w)
{
	wb_u8(w, 0);
	return wb_len(w);
}

static inline void wb_close8(struct wbuf *w, size_t mark)
{
	size_t n = wb_len(w) - mark;

	if (w->bad)
		return;
	if (n > UINT8_MAX)
		w->bad = true;
	else
		w->start[mark - 1] = (uint8_t)n;
}

static inline size_t wb_open16(struct wbuf *w)
{
	wb_u16(w, 0);
	return wb_len(w);
}

static inline void wb_close16(struct wbuf *w, size_t mark)
{
	size_t n = wb_len(w) - mark;

	if (w->bad)
		return;
	if (n > UINT16_MAX) {
		w->bad = true;
		return;
	}
	w->start[mark - 2] = (uint8_t)(n >> 8);
	w->start[mark - 1] = (uint8_t)n;
}

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* A growing byte buffer that is filled at the end and consumed at the start. Owns its memory. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

struct buf {
	char *data;  /* allocation */
	size_t head; /* first octet not consumed */
	size_t len;  /* octets from head on */
	size_t cap;
};

void buf_init(struct buf *b);
void buf_fini(struct buf *b);
/* Space for n more octets at the end, not counted in len until buf_commit(). Aborts without memory. */
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_consume(struct buf *b, size_t n);
/* Forgets the content; memory above 64 KiB goes back to the system. */
void buf_reset(struct buf *b);

/* Never NULL. */
static inline const char *buf_data(const struct buf *b)
{
	return b->data ? b->data + b->head : "";
}

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Growth doubles; what was consumed at the front is reused before the allocation grows. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define BUF_KEEP 65536u

void buf_init(struct buf *b)
{
	*b = (struct buf){ 0 };
}

void buf_fini(struct buf *b)
{
	free(b->data);
	buf_init(b);
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (b->cap - b->head - b->len < n || !b->data) {
		/* Moving must make as much room as it copies: else a slow reader costs a square. */
		if (b->data && b->cap - b->len >= n && b->head >= b->len) {
			memmove(b->data, b->data + b->head, b->len);
		} else {
			size_t cap = b->cap < 256 ? 256 : b->cap;
			char *data;

			while (cap - b->len < n)
				cap *= 2;
			data = xrealloc(NULL, cap);
			if (b->len)
				memcpy(data, b->data + b->head, b->len);
			free(b->data);
			b->data = data;
			b->cap = cap;
		}
		b->head = 0;
	}
	return b->data + b->head + b->len;
}

void buf_commit(struct buf *b, size_t n)
{
	BUG_ON(n > b->cap - b->head - b->len);
	b->len += n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	char *dst = buf_reserve(b, n);

	if (n)
		memcpy(dst, p, n);
	b->len += n;
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	char *dst = buf_reserve(b, 128);
	size_t room = b->cap - b->head - b->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(dst, room, fmt, ap);
	va_end(ap);
	BUG_ON(n < 0);
	if ((size_t)n >= room) {
		dst = buf_reserve(b, (size_t)n + 1);
		va_start(ap, fmt);
		vsnprintf(dst, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
}

void buf_consume(struct buf *b, size_t n)
{
	BUG_ON(n > b->len);
	b->len -= n;
	b->head = b->len ? b->head + n : 0;
}

void buf_reset(struct buf *b)
{
	if (b->cap > BUF_KEEP)
		buf_fini(b);
	b->head = 0;
	b->len = 0;
}

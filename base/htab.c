/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Linear hashing: bucket n splits off bucket n - 2^k, one for every object that comes, and is merged back when the
 * table is less than half full. Buckets lie in segments, so the table of a million grows without a copy; only the first
 * segment, which small tables never leave, grows by reallocation.
 */
#include "base/htab.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define FIRST_BUCKETS 16u
#define AHEAD 4u /* buckets */

void htab_init(struct htab *t, const struct htab_ops *ops, void *owner)
{
	*t = (struct htab){ .ops = ops, .owner = owner };
}

void htab_fini(struct htab *t)
{
	for (uint32_t i = 0; i < t->n_segs; i++)
		free(t->segs[i]);
	free(t->segs);
	*t = (struct htab){ 0 };
}

static uint32_t *bucket_at(const struct htab *t, uint32_t b)
{
	return &t->segs[b >> HTAB_SEG_SHIFT][b & (HTAB_SEG - 1)];
}

/* Octets of the first segment, which is as long as the power of two that holds its buckets. */
static size_t first_seg_buckets(const struct htab *t)
{
	uint32_t n = t->mask + 1;

	if (n < t->n_buckets)
		n *= 2;
	return n < FIRST_BUCKETS ? FIRST_BUCKETS : n < HTAB_SEG ? n : HTAB_SEG;
}

/* Makes room for bucket b == n_buckets. */
static void bucket_make(struct htab *t, uint32_t b)
{
	if (b >> HTAB_SEG_SHIFT == t->n_segs) {
		t->segs = xrealloc(t->segs, (t->n_segs + 1) * sizeof(uint32_t *));
		t->segs[t->n_segs++] = xcalloc(b ? HTAB_SEG : FIRST_BUCKETS, sizeof(uint32_t));
	} else if (b >= FIRST_BUCKETS && b < HTAB_SEG && !(b & (b - 1))) {
		t->segs[0] = xrealloc(t->segs[0], 2 * b * sizeof(uint32_t));
		memset(t->segs[0] + b, 0, b * sizeof(uint32_t));
	}
}

/* The objects of a chain lie anywhere: the next inserts will want this one. */
static void prefetch_chain(const struct htab *t, uint32_t b)
{
	uint32_t h = *bucket_at(t, b);

	if (h)
		__builtin_prefetch(t->ops->link(t->owner, h));
}

static void htab_grow(struct htab *t)
{
	uint32_t b = t->n_buckets;
	uint32_t *from, *to;

	bucket_make(t, b);
	t->n_buckets++;
	if (!b)
		return;
	from = bucket_at(t, b & t->mask);
	to = bucket_at(t, b);
	prefetch_chain(t, (b + AHEAD) & t->mask);
	if (b == t->mask * 2 + 1)
		t->mask = b;
	while (*from) {
		uint32_t h = *from;
		uint32_t *link = t->ops->link(t->owner, h);

		if (htab_bucket(t, t->ops->hash(t->owner, h)) != b) {
			from = link;
			continue;
		}
		*from = *link;
		*to = h;
		*link = 0;
		to = link;
	}
}

static void htab_shrink(struct htab *t)
{
	uint32_t b = --t->n_buckets;
	uint32_t *last = bucket_at(t, b);
	uint32_t *into;

	if (b <= t->mask)
		t->mask >>= 1;
	for (into = bucket_at(t, b & t->mask); *into;)
		into = t->ops->link(t->owner, *into);
	*into = *last;
	*last = 0;
	if (!(b & (HTAB_SEG - 1)))
		free(t->segs[--t->n_segs]);
	else if (b >= FIRST_BUCKETS && b < HTAB_SEG && !(b & (b - 1)))
		t->segs[0] = xrealloc(t->segs[0], b * sizeof(uint32_t));
}

void htab_insert(struct htab *t, uint64_t hash, uint32_t h)
{
	uint32_t *head;

	if (t->n++ >= t->n_buckets)
		htab_grow(t);
	head = bucket_at(t, htab_bucket(t, hash));
	*t->ops->link(t->owner, h) = *head;
	*head = h;
}

void htab_remove(struct htab *t, uint64_t hash, uint32_t h)
{
	uint32_t *p;

	BUG_ON(!t->n);
	for (p = bucket_at(t, htab_bucket(t, hash)); *p != h; p = t->ops->link(t->owner, *p))
		BUG_ON(!*p);
	*p = *t->ops->link(t->owner, h);
	t->n--;
	for (int i = 0; i < 2 && t->n_buckets > FIRST_BUCKETS && t->n < t->n_buckets / 2; i++)
		htab_shrink(t);
}

size_t htab_bytes(const struct htab *t)
{
	size_t buckets = t->n_segs ? first_seg_buckets(t) + (size_t)(t->n_segs - 1) * HTAB_SEG : 0;

	return buckets * sizeof(uint32_t) + t->n_segs * sizeof(uint32_t *);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Hash index over objects that are named by 32-bit handles (linear hashing: it grows and shrinks one bucket at a time,
 * never by copying the whole). Chains run through the objects themselves; the owner tells how to hash and link them.
 * Four octets a bucket, one bucket an object.
 */
#ifndef BASE_HTAB_H
#define BASE_HTAB_H

#include <stddef.h>
#include <stdint.h>

struct htab_ops {
	/* The hash of object h, the same as given to htab_insert(). */
	uint64_t (*hash)(void *owner, uint32_t h);
	/* Where object h keeps the handle of the next one in its chain. */
	uint32_t *(*link)(void *owner, uint32_t h);
};

struct htab {
	const struct htab_ops *ops;
	void *owner;
	uint32_t n;         /* objects */
	uint32_t n_buckets; /* buckets in use */
	uint32_t mask;      /* largest power of two <= n_buckets, less one */
	uint32_t n_segs;
	uint32_t **segs;    /* segments of HTAB_SEG buckets */
};

#define HTAB_SEG_SHIFT 12
#define HTAB_SEG (1u << HTAB_SEG_SHIFT)

void htab_init(struct htab *t, const struct htab_ops *ops, void *owner);
void htab_fini(struct htab *t);
/* Adds h (its link is overwritten). Equal keys are the caller's business: look first. */
void htab_insert(struct htab *t, uint64_t hash, uint32_t h);
/* Removes h, which must be in. */
void htab_remove(struct htab *t, uint64_t hash, uint32_t h);
size_t htab_bytes(const struct htab *t);

static inline uint32_t htab_bucket(const struct htab *t, uint64_t hash)
{
	uint32_t b = (uint32_t)hash & (t->mask * 2 + 1);

	return b < t->n_buckets ? b : (uint32_t)hash & t->mask;
}

/* Head of the chain that hash belongs to, 0 when empty. Follow it by the owner's link. */
static inline uint32_t htab_first(const struct htab *t, uint64_t hash)
{
	uint32_t b;

	if (!t->n)
		return 0;
	b = htab_bucket(t, hash);
	return t->segs[b >> HTAB_SEG_SHIFT][b & (HTAB_SEG - 1)];
}

#endif

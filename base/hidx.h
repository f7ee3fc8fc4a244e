/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Hash index for large tables: it holds 32 bits of each hash beside the handle, so a look-up that finds nothing touches
 * no object, and growing touches none at all (base/htab.h goes to every object for both: fine for small tables, a cache
 * miss each for large ones). 8 octets an object at 44 to 88 % load: 9 to 18.
 *
 * It grows and shrinks by segments of at most 32 KiB, so no step is long and nothing is held twice. Equal hashes may
 * be in any number of times; which object is meant is for the owner to compare.
 */
#ifndef BASE_HIDX_H
#define BASE_HIDX_H

#include <stddef.h>
#include <stdint.h>

#include "base/pages.h"

/*
 * Those objects whose hashes start with the same "depth" bits, in the order of their
 * hashes, with gaps: an entry stands at its home, which follows from its hash, or behind
 * it with no gap between. An entry is hash << 32 | handle, 0: a gap.
 */
struct hidx_seg {
	uint64_t *entries;
	uint32_t homes; /* places that can be a home */
	uint32_t total; /* places; the last is always a gap */
	uint32_t n;
	uint32_t depth;
};

struct hidx {
	struct pages *pages;
	uint32_t *dir; /* segment by the first "depth" bits of the hash */
	uint32_t depth;
	struct hidx_seg *segs;
	uint32_t n_segs, free_seg; /* length of segs; first unused one + 1, linked by n */
	uint32_t n;                /* objects */
	size_t octets;
};

void hidx_init(struct hidx *t, struct pages *pages);
/* The objects that are still in are forgotten. */
void hidx_fini(struct hidx *t);
/* h is not 0. The upper 32 bits of the hash count. */
void hidx_insert(struct hidx *t, uint64_t hash, uint32_t h);
/* Removes h, which must be in with that hash. */
void hidx_remove(struct hidx *t, uint64_t hash, uint32_t h);
size_t hidx_bytes(const struct hidx *t);
/* For t->n objects; above 87 % of a segment's it is cut in two. */
static inline size_t hidx_places(const struct hidx *t)
{
	return t->octets / sizeof(uint64_t);
}

static inline uint32_t hidx_home(const struct hidx_seg *s, uint32_t hash)
{
	return (uint32_t)((uint64_t)(uint32_t)((uint64_t)hash << s->depth) * s->homes >> 32);
}

static inline const struct hidx_seg *hidx_seg(const struct hidx *t, uint32_t hash)
{
	return &t->segs[t->dir[(uint64_t)hash << t->depth >> 32]];
}

/* A hint, some time before a look-up of that hash: its place comes nearer. */
static inline void hidx_prefetch(const struct hidx *t, uint64_t hash)
{
	const struct hidx_seg *s;

	if (!t->n)
		return;
	s = hidx_seg(t, (uint32_t)(hash >> 32));
	__builtin_prefetch(&s->entries[hidx_home(s, (uint32_t)(hash >> 32))], 1);
	__asm__ volatile(""); /* GCC 12 leaves out a loop that does nothing but prefetch */
}

/* The objects of one hash: for (h = hidx_first(t, hash, &it); h; h = hidx_next(&it)). No change in between. */
struct hidx_it {
	const uint64_t *at;
	uint32_t hash;
};

static inline uint32_t hidx_next(struct hidx_it *it)
{
	uint64_t e = *it->at++;

	return e >> 32 == it->hash ? (uint32_t)e : 0; /* a gap has no handle */
}

static inline uint32_t hidx_first(const struct hidx *t, uint64_t hash, struct hidx_it *it)
{
	const struct hidx_seg *s;

	it->at = NULL;
	if (!t->n)
		return 0;
	it->hash = (uint32_t)(hash >> 32);
	s = hidx_seg(t, it->hash);
	it->at = &s->entries[hidx_home(s, it->hash)];
	while (*it->at && *it->at >> 32 < it->hash)
		it->at++;
	return hidx_next(it);
}

#endif

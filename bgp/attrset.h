/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Interned sets of attributes (struct bgp_attrs with everything it points at in one allocation): equal content is one
 * object, named by a 32-bit handle, reference-counted. Routes hang off it by a list through their slots, so the routes
 * of one set can be walked (packing). A set is immutable; its mark is the listener's (bgp_set_mark).
 */
#ifndef BGP_ATTRSET_H
#define BGP_ATTRSET_H

#include "base/htab.h"
#include "base/slab.h"
#include "include/bgp.h"

/*
 * The inside of a set, its use count apart, stands here for the inline functions below,
 * which every route passes through often.
 */
struct attrset {
	struct bgp_attrs *attrs; /* in its body; never changes */
	uint32_t chain, refs;
	uint32_t routes, mark;
};

struct attrset_table {
	struct slab slab; /* struct attrset */
	struct htab index;
	uint64_t seed; /* of the hash: peers choose the content */
	uint64_t body_bytes;
	void (*gone)(void *ctx, uint32_t set, uint32_t mark);
	void *gone_ctx;
};

struct attrset_table *attrset_table_new(void);
/* Every set must have been released. */
void attrset_table_free(struct attrset_table *t);
/* Called before a set with a mark goes. */
void attrset_on_gone(struct attrset_table *t, void (*gone)(void *ctx, uint32_t set, uint32_t mark), void *ctx);
/* The handle of the set equal to *a (pointers compared by content), with one more reference that is the caller's. */
uint32_t attrset_intern(struct attrset_table *t, const struct bgp_attrs *a);
/* The last reference has gone: for attrset_unref() alone. */
void attrset_drop(struct attrset_table *t, uint32_t h);
uint32_t attrset_next(const struct attrset_table *t, uint32_t h);
uint64_t attrset_count(const struct attrset_table *t);
uint64_t attrset_bytes(const struct attrset_table *t);
/* The octets of all sets' content, and of one's: without what allocation and the index add. */
uint64_t attrset_content_bytes(const struct attrset_table *t);
size_t attrset_size(const struct bgp_attrs *a);

static inline struct attrset *attrset_at(const struct attrset_table *t, uint32_t h)
{
	return slab_ptr(&t->slab, h);
}

static inline void attrset_ref(struct attrset_table *t, uint32_t h)
{
	attrset_at(t, h)->refs++;
}

static inline void attrset_unref(struct attrset_table *t, uint32_t h)
{
	if (--attrset_at(t, h)->refs == 0)
		attrset_drop(t, h);
}

/* Borrowed; valid while a reference is held. */
static inline const struct bgp_attrs *attrset_get(const struct attrset_table *t, uint32_t h)
{
	return attrset_at(t, h)->attrs;
}

static inline uint32_t attrset_mark(const struct attrset_table *t, uint32_t h)
{
	return attrset_at(t, h)->mark;
}

static inline void attrset_set_mark(struct attrset_table *t, uint32_t h, uint32_t mark)
{
	attrset_at(t, h)->mark = mark;
}

/* Handle of the first route of the set (rib.c's), a word for its owner. */
static inline uint32_t *attrset_routes(struct attrset_table *t, uint32_t h)
{
	return &attrset_at(t, h)->routes;
}

#endif

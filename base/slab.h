/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Objects of one size in blocks, named by 32-bit handles (0 = none). A handle stays valid until the object is freed and
 * handles are handed out lowest first, so tables can be walked by counting through the handles: a walk survives any
 * change between two steps. Empty blocks go back to the system.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pages.h"

struct slab_block;

struct slab {
	uint32_t size;      /* octets per object, a multiple of 4 */
	uint32_t per_block; /* objects per block, a power of two */
	uint32_t shift;     /* log2(per_block) */
	uint32_t head;      /* offset of the first object in a block */
	uint32_t n_blocks;  /* length of blocks[], with NULL for blocks given back */
	uint32_t cap_blocks;
	uint32_t used; /* live objects */
	uint32_t live_blocks;
	uint32_t first_free; /* no block below this one has room */
	uint32_t spare;      /* index + 1 of the last block that became empty and was kept */
	struct slab_block **blocks;
	struct pages *pages; /* where blocks come from; NULL: each straight from the system */
};

/* size is rounded up to a multiple of 4 (objects are aligned to 4, to 8 when size is a multiple of 8). */
void slab_init(struct slab *s, uint32_t size);
/* The same for a table that may grow large: its blocks come from p. */
void slab_init_in(struct slab *s, uint32_t size, struct pages *p);
/* Frees all memory, live objects included. */
void slab_fini(struct slab *s);
/* A zeroed object. Aborts when the system has no memory; the caller bounds what a peer can ask for. */
uint32_t slab_alloc(struct slab *s);
void slab_free(struct slab *s, uint32_t h);
/* True when h names a live object. */
bool slab_live(const struct slab *s, uint32_t h);
/* The first live handle above h, 0 at the end: for (h = 0; (h = slab_next(s, h)); ). */
uint32_t slab_next(const struct slab *s, uint32_t h);
/* Resident octets: blocks and their table. */
size_t slab_bytes(const struct slab *s);

/* The object; h must be live. Valid until slab_free(): objects never move. */
static inline void *slab_ptr(const struct slab *s, uint32_t h)
{
	uint32_t i = h - 1;

	return (char *)s->blocks[i >> s->shift] + s->head + (size_t)(i & (s->per_block - 1)) * s->size;
}

#endif

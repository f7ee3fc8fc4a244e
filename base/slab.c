/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A block is one anonymous mapping, or a piece of a huge page (pages.h): header, bitmap of live objects, objects. Its
 * pages cost memory only once they are touched, and all of it is given back at once, which a heap between other
 * allocations could not promise.
 *
 *	+-------------+--------------------+----------+----------+-----
 *	| used, first | bitmap, 1 bit each | object 0 | object 1 | ...
 *	+-------------+--------------------+----------+----------+-----
 *	                                   ^ slab.head
 */
#include "base/slab.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/log.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

struct slab_block {
	uint32_t used;       /* live objects */
	uint32_t first_word; /* no word of the bitmap below this one has room */
	uint64_t live[];
};

#define BLOCK_OCTETS 65536u
#define WORD_BITS 64u

static size_t block_octets(const struct slab *s)
{
	return s->head + (size_t)s->per_block * s->size;
}

static size_t block_mapped(const struct slab *s)
{
	return s->pages ? pages_round(block_octets(s)) : (block_octets(s) + 4095) & ~(size_t)4095;
}

void slab_init(struct slab *s, uint32_t size)
{
	*s = (struct slab){ .size = (size + 3) & ~3u, .shift = 6 };
	BUG_ON(!size);
	/* As many as fill a block, at least one word of the bitmap. */
	while ((2u << s->shift) * s->size <= BLOCK_OCTETS)
		s->shift++;
	s->per_block = 1u << s->shift;
	s->head = (uint32_t)(sizeof(struct slab_block) + s->per_block / 8);
}

void slab_init_in(struct slab *s, uint32_t size, struct pages *p)
{
	slab_init(s, size);
	s->pages = p;
}

static void block_unmap(struct slab *s, uint32_t b)
{
	ASAN_UNPOISON_MEMORY_REGION(s->blocks[b], block_mapped(s));
	if (s->pages)
		pages_put(s->pages, s->blocks[b], block_octets(s));
	else
		munmap(s->blocks[b], block_mapped(s));
	s->blocks[b] = NULL;
	s->live_blocks--;
	while (s->n_blocks && !s->blocks[s->n_blocks - 1])
		s->n_blocks--;
}

void slab_fini(struct slab *s)
{
	for (uint32_t b = s->n_blocks; b-- > 0;) {
		if (b < s->n_blocks && s->blocks[b])
			block_unmap(s, b);
	}
	free(s->blocks);
	*s = (struct slab){ 0 };
}

static void *block_memory(struct slab *s)
{
	void *m;

	if (s->pages)
		return pages_get(s->pages, block_octets(s));
	m = mmap(NULL, block_mapped(s), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		BUG("no memory for a slab of %u octet objects, %u in use", s->size, s->used);
	return m;
}

static struct slab_block *block_map(struct slab *s, uint32_t b)
{
	void *m = block_memory(s);

	if (b == s->n_blocks) {
		BUG_ON((uint64_t)(b + 1) << s->shift > UINT32_MAX);
		array_room(s->blocks, b, s->cap_blocks, 4);
		s->n_blocks++;
	}
	s->blocks[b] = m;
	s->live_blocks++;
	return m;
}

/* The lowest block with room; it may have to be made. */
static struct slab_block *block_with_room(struct slab *s)
{
	for (; s->first_free < s->n_blocks; s->first_free++) {
		struct slab_block *b = s->blocks[s->first_free];

		if (!b)
			break;
		if (b->used < s->per_block)
			return b;
	}
	return block_map(s, s->first_free);
}

uint32_t slab_alloc(struct slab *s)
{
	struct slab_block *b = block_with_room(s);
	uint32_t w = b->first_word;
	uint32_t i, h;

	while (b->live[w] == UINT64_MAX)
		w++;
	i = w * WORD_BITS + (uint32_t)__builtin_ctzll(~b->live[w]);
	b->live[w] |= b->live[w] + 1; /* sets the lowest clear bit */
	b->first_word = w;
	b->used++;
	s->used++;
	h = (s->first_free << s->shift) + i + 1;
	ASAN_UNPOISON_MEMORY_REGION(slab_ptr(s, h), s->size);
	memset(slab_ptr(s, h), 0, s->size);
	return h;
}

/* Keeps one empty block, the lower one, so that a table that breathes around a block's edge does not map and unmap. */
static void block_emptied(struct slab *s, uint32_t b)
{
	uint32_t other = s->spare - 1;

	s->spare = b + 1;
	if (other >= s->n_blocks || other == b || !s->blocks[other] || s->blocks[other]->used)
		return;
	s->spare = (other < b ? other : b) + 1;
	block_unmap(s, other < b ? b : other);
}

void slab_free(struct slab *s, uint32_t h)
{
	uint32_t i = (h - 1) & (s->per_block - 1);
	uint32_t b = (h - 1) >> s->shift;
	struct slab_block *blk;

	BUG_ON(!slab_live(s, h));
	blk = s->blocks[b];
	if (s->size % 8 == 0)
		ASAN_POISON_MEMORY_REGION(slab_ptr(s, h), s->size);
	blk->live[i / WORD_BITS] &= ~(1ull << i % WORD_BITS);
	if (i / WORD_BITS < blk->first_word)
		blk->first_word = i / WORD_BITS;
	s->used--;
	if (b < s->first_free)
		s->first_free = b;
	if (--blk->used == 0)
		block_emptied(s, b);
}

bool slab_live(const struct slab *s, uint32_t h)
{
	uint32_t i = (h - 1) & (s->per_block - 1);
	uint32_t b = (h - 1) >> s->shift;

	return h && b < s->n_blocks && s->blocks[b] && s->blocks[b]->live[i / WORD_BITS] >> i % WORD_BITS & 1;
}

uint32_t slab_next(const struct slab *s, uint32_t h)
{
	uint32_t i = h & (s->per_block - 1); /* handle h + 1 has index h */

	for (uint32_t b = h >> s->shift; b < s->n_blocks; b++, i = 0) {
		const struct slab_block *blk = s->blocks[b];

		if (!blk || !blk->used)
			continue;
		for (uint32_t w = i / WORD_BITS; w < s->per_block / WORD_BITS; w++, i = 0) {
			uint64_t bits = blk->live[w] >> i % WORD_BITS << i % WORD_BITS;

			if (bits)
				return (b << s->shift) + w * WORD_BITS + (uint32_t)__builtin_ctzll(bits) + 1;
		}
	}
	return 0;
}

size_t slab_bytes(const struct slab *s)
{
	return s->live_blocks * block_mapped(s) + s->cap_blocks * sizeof(struct slab_block *);
}

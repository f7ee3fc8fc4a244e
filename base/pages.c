/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A chunk is the address space of one huge page, and a bitmap of its units of 1 KiB outside of it. A piece is a run of
 * units, the first one that is free in the chunk at the lowest address: so the upper ones become empty. Nothing is ever
 * unmapped out of the middle of a chunk, which would leave the rest of it on small pages.
 */
#include "base/pages.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/log.h"

#define PAGE ((size_t)4096)
#define CHUNK ((size_t)2 << 20)
#define UNIT ((size_t)1024)
#define UNITS ((uint32_t)(CHUNK / UNIT))
#define WORD_BITS 64u
#define PIECE_MAX (CHUNK / 8) /* what is larger comes straight from the system */

struct pages_chunk {
	char *start;
	uint32_t used;    /* units */
	uint32_t touched; /* units that may not be zero any more: those below this one */
	uint32_t longest; /* no free run is longer */
	uint64_t map[UNITS / WORD_BITS];
};

static size_t round_up(size_t octets, size_t unit)
{
	return (octets + unit - 1) & ~(unit - 1);
}

size_t pages_round(size_t octets)
{
	return round_up(octets, UNIT);
}

static char *map(const struct pages *p, size_t octets)
{
	void *m = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (m == MAP_FAILED)
		BUG("no memory for %zu octets, %zu in use", octets, p->out);
	return m;
}

/* ---- chunks ---- */

static char *map_aligned(const struct pages *p)
{
	char *m = map(p, 2 * CHUNK);
	size_t before = -(uintptr_t)m & (CHUNK - 1);

	if (before)
		munmap(m, before);
	munmap(m + before + CHUNK, CHUNK - before);
	madvise(m + before, CHUNK, MADV_HUGEPAGE); /* a kernel without them gives small pages */
	return m + before;
}

/* Index of the first chunk above that address. */
static uint32_t chunk_above(const struct pages *p, const char *m)
{
	return array_first(i, p->n_chunks, p->chunks[i].start > m);
}

/* The chunk of a piece, NULL when it came straight from the system. */
static struct pages_chunk *chunk_of(const struct pages *p, const char *m)
{
	uint32_t i = chunk_above(p, m);

	return i && m < p->chunks[i - 1].start + CHUNK ? &p->chunks[i - 1] : NULL;
}

static struct pages_chunk *chunk_new(struct pages *p)
{
	char *m = map_aligned(p);
	uint32_t i = chunk_above(p, m);

	array_room(p->chunks, p->n_chunks, p->cap_chunks, 16);
	memmove(&p->chunks[i + 1], &p->chunks[i], (p->n_chunks - i) * sizeof(*p->chunks));
	p->chunks[i] = (struct pages_chunk){ .start = m, .longest = UNITS };
	p->n_chunks++;
	p->n_empty++;
	return &p->chunks[i];
}

static void chunk_free(struct pages *p, struct pages_chunk *c)
{
	munmap(c->start, CHUNK);
	p->n_chunks--;
	p->n_empty--;
	memmove(c, c + 1, (size_t)(&p->chunks[p->n_chunks] - c) * sizeof(*c));
}

/* ---- units ---- */

/* The first unit from i on that is used (or free); UNITS when there is none. */
static uint32_t next_unit(const struct pages_chunk *c, uint32_t i, bool used)
{
	while (i < UNITS) {
		uint64_t word = used ? c->map[i / WORD_BITS] : ~c->map[i / WORD_BITS];

		word >>= i % WORD_BITS;
		if (word)
			return i + (uint32_t)__builtin_ctzll(word);
		i += WORD_BITS - i % WORD_BITS;
	}
	return UNITS;
}

/* The first run of n free units; UNITS when there is none, which is remembered. */
static uint32_t find_run(struct pages_chunk *c, uint32_t n)
{
	uint32_t longest = 0;

	if (UNITS - c->used < n || c->longest < n)
		return UNITS;
	for (uint32_t i = next_unit(c, 0, false); i < UNITS;) {
		uint32_t end = next_unit(c, i, true);

		if (end - i >= n)
			return i;
		longest = end - i > longest ? end - i : longest;
		i = next_unit(c, end, false);
	}
	c->longest = longest;
	return UNITS;
}

static void mark(struct pages_chunk *c, uint32_t i, uint32_t n, bool used)
{
	for (uint32_t end = i + n; i < end;) {
		uint32_t bit = i % WORD_BITS, bits = end - i < WORD_BITS - bit ? end - i : WORD_BITS - bit;
		uint64_t mask = (bits == WORD_BITS ? UINT64_MAX : (1ull << bits) - 1) << bit;

		if (used)
			c->map[i / WORD_BITS] |= mask;
		else
			c->map[i / WORD_BITS] &= ~mask;
		i += bits;
	}
}

/* The run becomes a piece; what was in it before is cleared. */
static void *take_run(struct pages *p, struct pages_chunk *c, uint32_t i, uint32_t n)
{
	char *m = c->start + i * UNIT;

	if (i < c->touched)
		memset(m, 0, (c->touched < i + n ? c->touched - i : n) * UNIT);
	if (c->touched < i + n)
		c->touched = i + n;
	p->n_empty -= !c->used;
	c->used += n;
	mark(c, i, n, true);
	return m;
}

static void *piece_get(struct pages *p, uint32_t n)
{
	struct pages_chunk *c;

	for (c = p->chunks; c != p->chunks + p->n_chunks; c++) {
		uint32_t i = find_run(c, n);

		if (i != UNITS)
			return take_run(p, c, i, n);
	}
	return take_run(p, chunk_new(p), 0, n);
}

/* Of two that are empty the upper one goes, as the lower one would be used first. */
static void piece_put(struct pages *p, struct pages_chunk *c, uint32_t i, uint32_t n)
{
	mark(c, i, n, false);
	c->used -= n;
	c->longest = UNITS;
	if (c->used)
		return;
	p->n_empty++;
	for (c = p->chunks + p->n_chunks; p->n_empty > 1;) {
		if (!(--c)->used)
			chunk_free(p, c);
	}
}

/* ---- both ---- */

void *pages_get(struct pages *p, size_t octets)
{
	size_t n = p->out < PAGES_HUGE_FROM || octets > PIECE_MAX ? round_up(octets, PAGE) : pages_round(octets);
	void *m;

	if (p->out < PAGES_HUGE_FROM || octets > PIECE_MAX)
		m = map(p, n);
	else
		m = piece_get(p, (uint32_t)(n / UNIT));
	p->out += n;
	return m;
}

void pages_put(struct pages *p, void *m, size_t octets)
{
	struct pages_chunk *c = chunk_of(p, m);
	size_t n = c ? pages_round(octets) : round_up(octets, PAGE);

	if (c)
		piece_put(p, c, (uint32_t)(((char *)m - c->start) / (ptrdiff_t)UNIT), (uint32_t)(n / UNIT));
	else
		munmap(m, n);
	p->out -= n;
	if (!p->out)
		pages_fini(p);
}

void pages_fini(struct pages *p)
{
	BUG_ON(p->out);
	while (p->n_chunks)
		chunk_free(p, p->chunks);
	free(p->chunks);
	*p = (struct pages){ 0 };
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/rowset.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define WORD 64u

void rowset_fini(struct rowset *s)
{
	for (unsigned i = 0; i < ROWSET_SLABS; i++) {
		free(s->bits[i].words);
		free(s->bits[i].upper);
	}
	*s = (struct rowset){ 0 };
}

static uint64_t *longer(uint64_t *v, uint32_t from, uint32_t to)
{
	v = xrealloc(v, to * sizeof(*v));
	memset(v + from, 0, (to - from) * sizeof(*v));
	return v;
}

static void reserve(struct rowset_bits *b, uint32_t word)
{
	uint32_t n = b->n ? b->n : WORD;

	while (n <= word)
		n *= 2;
	if (n == b->n)
		return;
	b->words = longer(b->words, b->n, n);
	b->upper = longer(b->upper, b->n / WORD, n / WORD);
	b->n = n;
}

void rowset_add(struct rowset *s, uint32_t h)
{
	struct rowset_bits *b = &s->bits[h & 3];
	uint32_t i = h >> 2, word = i / WORD;

	reserve(b, word);
	b->words[word] |= 1ull << i % WORD;
	b->upper[word / WORD] |= 1ull << word % WORD;
	s->n++;
}

void rowset_del(struct rowset *s, uint32_t h)
{
	struct rowset_bits *b = &s->bits[h & 3];
	uint32_t i = h >> 2, word = i / WORD;

	BUG_ON(word >= b->n || !(b->words[word] >> i % WORD & 1));
	b->words[word] &= ~(1ull << i % WORD);
	if (!b->words[word])
		b->upper[word / WORD] &= ~(1ull << word % WORD);
	s->n--;
	if (h == s->at)
		s->at = h + 4; /* it has had its turn */
}

/* The first bit of v, which has n words, from bit i on; UINT32_MAX when there is none. */
static uint32_t scan(const uint64_t *v, uint32_t n, uint32_t i)
{
	for (uint32_t w = i / WORD; w < n; w++, i = 0) {
		uint64_t left = v[w] >> i % WORD << i % WORD;

		if (left)
			return w * WORD + (uint32_t)__builtin_ctzll(left);
	}
	return UINT32_MAX;
}

/* The same for rows of one slab, from place i on; 0 when there is none (no row has place 0). */
static uint32_t scan_rows(const struct rowset_bits *b, uint32_t i)
{
	uint32_t word = i / WORD, found;

	if (word >= b->n)
		return 0;
	found = scan(b->words, word + 1, i);
	if (found != UINT32_MAX)
		return found;
	word = scan(b->upper, b->n / WORD, word + 1);
	return word == UINT32_MAX ? 0 : scan(b->words, word + 1, word * WORD);
}

static uint32_t from(const struct rowset *s, uint32_t slab, uint32_t i)
{
	for (; slab < ROWSET_SLABS; slab++, i = 0) {
		uint32_t found = scan_rows(&s->bits[slab], i);

		if (found)
			return found << 2 | slab;
	}
	return 0;
}

uint32_t rowset_next(const struct rowset *s, uint32_t h)
{
	return from(s, h & 3, (h >> 2) + 1);
}

uint32_t rowset_first(struct rowset *s)
{
	uint32_t h = s->n ? from(s, s->at & 3, s->at >> 2) : 0;

	if (!h && s->n)
		h = from(s, 0, 0);
	s->at = h ? h : s->at;
	return h;
}

size_t rowset_bytes(const struct rowset *s)
{
	size_t n = 0;

	for (unsigned i = 0; i < ROWSET_SLABS; i++)
		n += (s->bits[i].n + s->bits[i].n / WORD) * sizeof(uint64_t);
	return n;
}

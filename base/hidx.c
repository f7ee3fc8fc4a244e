/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Extendible hashing with segments that are small sorted tables. A segment that has no room gets larger by a
 * step; at the largest size it is cut in two by one more bit of the hash, and the directory doubles when that
 * bit is its first. On the way back a segment gets smaller, and two halves that fit into one are joined. Each
 * of these writes the entries of one segment in order into another: that is one function, seg_fill().
 */
#include "base/hidx.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define TOTAL_MIN 32u
#define TOTAL_MAX 4096u  /* sizes double up to this, then comes the cut */
#define FROM_PAGES 512u  /* places from which on they are pages, not heap */

void hidx_init(struct hidx *t, struct pages *pages)
{
	*t = (struct hidx){ .pages = pages };
}

/* ---- segments ---- */

static uint64_t *entries_new(struct hidx *t, uint32_t total)
{
	t->octets += total * sizeof(uint64_t);
	return total < FROM_PAGES ? xcalloc(total, sizeof(uint64_t)) : pages_get(t->pages, total * sizeof(uint64_t));
}

static void entries_free(struct hidx *t, uint64_t *e, uint32_t total)
{
	t->octets -= total * sizeof(uint64_t);
	if (total < FROM_PAGES)
		free(e);
	else
		pages_put(t->pages, e, total * sizeof(uint64_t));
}

/* Places behind the last home, where the entries that found theirs taken come to stand. */
static uint32_t overhang(uint32_t total)
{
	return 8 + total / 128;
}

static struct hidx_seg seg_new(struct hidx *t, uint32_t total, uint32_t more, uint32_t depth)
{
	return (struct hidx_seg){
		.entries = entries_new(t, total + more),
		.homes = total - overhang(total),
		.total = total + more,
		.depth = depth,
	};
}

/* Above TOTAL_MAX only for hashes that are no good. */
static uint32_t total_for(uint32_t n)
{
	uint32_t total = TOTAL_MIN;

	while ((total - overhang(total)) / 4 * 3 < n)
		total *= 2;
	return total;
}

static bool seg_is_full(const struct hidx_seg *s)
{
	return s->n >= s->homes / 8 * 7;
}

static bool seg_fill(struct hidx_seg *s, const uint64_t *e, uint32_t n)
{
	uint32_t next = 0;

	for (; s->n < n; s->n++) {
		uint32_t home = hidx_home(s, (uint32_t)(e[s->n] >> 32));

		if (home > next)
			next = home;
		if (next + 1 >= s->total)
			return false;
		s->entries[next++] = e[s->n];
	}
	return true;
}

/* A segment of these entries, which are in order. When too many want the last places it gets a longer overhang. */
static struct hidx_seg seg_build(struct hidx *t, const uint64_t *e, uint32_t n, uint32_t depth, uint32_t more)
{
	for (;; more = more * 2 + 64) {
		struct hidx_seg s = seg_new(t, total_for(n), more, depth);

		if (seg_fill(&s, e, n))
			return s;
		entries_free(t, s.entries, s.total);
	}
}

/* Takes the entries out of a segment, in order. */
static void seg_take(struct hidx *t, struct hidx_seg *s, uint64_t *to)
{
	for (uint32_t i = 0; i < s->total; i++) {
		if (s->entries[i])
			*to++ = s->entries[i];
	}
	entries_free(t, s->entries, s->total);
}

static uint64_t *flat_new(uint32_t n)
{
	return xrealloc(NULL, (n + 1) * sizeof(uint64_t));
}

static void seg_resize(struct hidx *t, struct hidx_seg *s, uint32_t more)
{
	uint32_t n = s->n, depth = s->depth;
	uint64_t *flat = flat_new(n);

	seg_take(t, s, flat);
	*s = seg_build(t, flat, n, depth, more);
	free(flat);
}

/* ---- directory ---- */

static uint32_t seg_index_new(struct hidx *t)
{
	uint32_t i = t->free_seg;

	if (i) {
		t->free_seg = t->segs[i - 1].n;
		return i - 1;
	}
	if (!(t->n_segs & (t->n_segs - 1)))
		t->segs = xrealloc(t->segs, (t->n_segs ? 2 * t->n_segs : 1) * sizeof(*t->segs));
	return t->n_segs++;
}

static void seg_index_free(struct hidx *t, uint32_t i)
{
	t->segs[i].n = t->free_seg;
	t->segs[i].entries = NULL;
	t->free_seg = i + 1;
}

static uint32_t prefix(uint32_t hash, uint32_t depth)
{
	return (uint32_t)((uint64_t)hash << depth >> 32);
}

/* All hashes that start with those bits belong to segment i. */
static void dir_set(struct hidx *t, uint32_t bits, uint32_t depth, uint32_t i)
{
	uint32_t n = 1u << (t->depth - depth);

	for (uint32_t d = bits * n; d < (bits + 1) * n; d++)
		t->dir[d] = i;
}

static void dir_double(struct hidx *t)
{
	t->dir = xrealloc(t->dir, (2u << t->depth) * sizeof(*t->dir));
	for (uint32_t d = 2u << t->depth; d-- > 0;)
		t->dir[d] = t->dir[d / 2];
	t->depth++;
}

static uint32_t seg_at(const struct hidx *t, uint32_t hash)
{
	return t->dir[prefix(hash, t->depth)];
}

static void first_seg(struct hidx *t)
{
	t->dir = xcalloc(1, sizeof(*t->dir));
	t->segs = xcalloc(1, sizeof(*t->segs));
	t->n_segs = 1;
	t->segs[0] = seg_new(t, TOTAL_MIN, 0, 0);
}

void hidx_fini(struct hidx *t)
{
	for (uint32_t i = 0; i < t->n_segs; i++) {
		if (t->segs[i].entries)
			entries_free(t, t->segs[i].entries, t->segs[i].total);
	}
	free(t->segs);
	free(t->dir);
	hidx_init(t, t->pages);
}

/* ---- growing and shrinking ---- */

static void seg_split(struct hidx *t, uint32_t i, uint32_t hash)
{
	const struct hidx_seg old = t->segs[i];
	uint32_t depth = old.depth + 1;
	uint32_t j = seg_index_new(t);
	uint64_t *flat = flat_new(old.n);
	uint32_t low = 0;

	if (depth > t->depth)
		dir_double(t);
	seg_take(t, &t->segs[i], flat);
	while (low < old.n && !(prefix((uint32_t)(flat[low] >> 32), depth) & 1))
		low++;
	t->segs[i] = seg_build(t, flat, low, depth, 0);
	t->segs[j] = seg_build(t, flat + low, old.n - low, depth, 0);
	dir_set(t, prefix(hash, depth) | 1, depth, j);
	free(flat);
}

/* Hashes that all start alike stay in one half, which then gets larger: that ends the cutting, too. */
static void make_room(struct hidx *t, uint32_t i, uint32_t hash)
{
	if (t->segs[i].total >= TOTAL_MAX && t->segs[i].depth < 31)
		seg_split(t, i, hash);
	else
		seg_resize(t, &t->segs[i], 0);
}

/* Joins a segment and its other half when both go into one with room to spare. */
static bool join(struct hidx *t, uint32_t i, uint32_t hash)
{
	uint32_t depth = t->segs[i].depth;
	uint32_t bits = prefix(hash, depth);
	uint32_t n = t->segs[i].n, other;
	uint64_t *flat;

	if (!depth)
		return false;
	other = t->dir[(bits ^ 1) << (t->depth - depth)];
	if (t->segs[other].depth != depth || n + t->segs[other].n > TOTAL_MAX / 2)
		return false;
	n += t->segs[other].n;
	flat = flat_new(n);
	seg_take(t, &t->segs[bits & 1 ? other : i], flat);
	seg_take(t, &t->segs[bits & 1 ? i : other], flat + t->segs[bits & 1 ? other : i].n);
	t->segs[i] = seg_build(t, flat, n, depth - 1, 0);
	seg_index_free(t, other);
	dir_set(t, bits >> 1, depth - 1, i);
	free(flat);
	return true;
}

static void give_back(struct hidx *t, uint32_t i, uint32_t hash)
{
	struct hidx_seg *s = &t->segs[i];

	if (!t->n)
		hidx_fini(t);
	else if (s->n < s->homes / 4 && !join(t, i, hash) && total_for(s->n) < s->total)
		seg_resize(t, s, 0);
}

/* ---- entries ---- */

/* false: no gap behind its place. */
static bool entry_put(struct hidx_seg *s, uint64_t e)
{
	uint32_t i = hidx_home(s, (uint32_t)(e >> 32));
	uint32_t gap;

	while (s->entries[i] && s->entries[i] < e)
		i++;
	for (gap = i; s->entries[gap];)
		gap++;
	if (gap + 1 >= s->total)
		return false;
	memmove(&s->entries[i + 1], &s->entries[i], (gap - i) * sizeof(e));
	s->entries[i] = e;
	s->n++;
	return true;
}

void hidx_insert(struct hidx *t, uint64_t hash, uint32_t h)
{
	uint32_t hash32 = (uint32_t)(hash >> 32);
	uint64_t e = (uint64_t)hash32 << 32 | h;

	BUG_ON(!h);
	if (!t->n_segs)
		first_seg(t);
	t->n++;
	while (seg_is_full(&t->segs[seg_at(t, hash32)]))
		make_room(t, seg_at(t, hash32), hash32);
	for (struct hidx_seg *s = &t->segs[seg_at(t, hash32)]; !entry_put(s, e);)
		seg_resize(t, s, s->total - s->homes);
}

/* Those behind it move up, as far as they do not stand at home. */
static void entry_cut(struct hidx_seg *s, uint32_t i)
{
	uint32_t last = i;

	while (s->entries[last + 1] && hidx_home(s, (uint32_t)(s->entries[last + 1] >> 32)) <= last)
		last++;
	memmove(&s->entries[i], &s->entries[i + 1], (last - i) * sizeof(*s->entries));
	s->entries[last] = 0;
	s->n--;
}

void hidx_remove(struct hidx *t, uint64_t hash, uint32_t h)
{
	uint32_t hash32 = (uint32_t)(hash >> 32);
	uint64_t e = (uint64_t)hash32 << 32 | h;
	struct hidx_seg *s;
	uint32_t i;

	BUG_ON(!t->n);
	s = &t->segs[seg_at(t, hash32)];
	for (i = hidx_home(s, hash32); s->entries[i] != e; i++)
		BUG_ON(!s->entries[i] || s->entries[i] > e);
	entry_cut(s, i);
	t->n--;
	give_back(t, seg_at(t, hash32), hash32);
}

size_t hidx_bytes(const struct hidx *t)
{
	return t->octets + t->n_segs * sizeof(*t->segs) + (t->dir ? sizeof(*t->dir) << t->depth : 0);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * One encoding for peers alike: the last messages of a group as they were written, each
 * with the stretch of the list that it says. A peer that comes to the start of such a
 * stretch takes the octets and stands behind it, without looking at the routes in between.
 *
 *	<-> entry <-> first <-> entry <-> ... <-> last <-> entry <->
 *	              from ........................ to             numbers of their changes
 *
 * A stretch holds live entries of one set and source only, so it is due as a whole to everybody but
 * that source, and to pass it has no effect on the list. It is forgotten as soon as one of its
 * entries changes or goes, or something is put between them: whoever does that says so with the
 * number where it happens. A new entry goes to the end, where no stretch reaches, and needs no word.
 *
 * Stretches and octets are two rings that are overwritten from the oldest on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bgp/out_int.h"

/* Peers are served 64 KiB each in turn (transport.c), so those of a large dump stay as close as that. */
#define OCTETS_A_PEER 32768u
/* A source and one other peer share nothing. */
#define MARKERS_MIN 3u

static void forget_all(struct out_cache *c)
{
	c->oldest = c->n = c->head = 0;
	c->from = UINT32_MAX;
	c->to = 0;
	memset(c->stretches, 0, OUT_STRETCHES * sizeof(*c->stretches));
}

void out_cache_clear(struct out_group *g)
{
	if (g->cache.stretches)
		forget_all(&g->cache);
}

void out_cache_fini(struct out_group *g)
{
	free(g->cache.stretches);
	free(g->cache.octets);
	g->cache = (struct out_cache){ 0 };
}

size_t out_cache_bytes(const struct out_group *g)
{
	return g->cache.stretches ? OUT_STRETCHES * sizeof(*g->cache.stretches) + g->cache.size : 0;
}

static void forget_oldest(struct out_cache *c)
{
	c->stretches[c->oldest].first = 0;
	c->oldest = (c->oldest + 1) % OUT_STRETCHES;
	c->n--;
}

/* Room for len octets and one more stretch; where the octets go. */
static uint32_t make_room(struct out_cache *c, uint32_t len)
{
	uint32_t at = c->head;

	if (at + len > c->size) {
		while (c->n && c->stretches[c->oldest].at >= at)
			forget_oldest(c);
		at = 0;
	}
	while (c->n &&
	       (c->n == OUT_STRETCHES || (c->stretches[c->oldest].at >= at && c->stretches[c->oldest].at < at + len)))
		forget_oldest(c);
	c->head = at + len;
	return at;
}

/* The bounds as they are: what was overwritten has left them too wide. */
static void find_bounds(struct out_cache *c)
{
	c->from = UINT32_MAX;
	c->to = 0;
	for (uint32_t i = 0; i < OUT_STRETCHES; i++) {
		const struct out_stretch *s = &c->stretches[i];

		if (!s->first)
			continue;
		c->from = s->from < c->from ? s->from : c->from;
		c->to = s->to > c->to ? s->to : c->to;
	}
}

/* As large as the group's peers are worth; anew when they have become twice as many. */
static void fit_peers(struct out_group *g)
{
	struct out_cache *c = &g->cache;
	uint32_t size = g->n_markers < g->rib->out_cache_octets / OCTETS_A_PEER ? g->n_markers * OCTETS_A_PEER :
										    g->rib->out_cache_octets;
	uint64_t repeats = c->repeats;

	if (c->stretches && size / 2 < c->size)
		return;
	out_cache_fini(g);
	c->stretches = xcalloc(OUT_STRETCHES, sizeof(*c->stretches));
	c->octets = xcalloc(1, size);
	c->size = size;
	c->repeats = repeats;
	forget_all(c);
}

void out_cache_add(struct out_group *g, const struct out_stretch *s, const uint8_t *message)
{
	struct out_cache *c = &g->cache;
	uint32_t i;

	if (g->n_markers < MARKERS_MIN)
		return;
	fit_peers(g);
	if (s->len > c->size)
		return;
	i = make_room(c, s->len);
	memcpy(c->octets + i, message, s->len);
	c->stretches[(c->oldest + c->n) % OUT_STRETCHES] = *s;
	c->stretches[(c->oldest + c->n) % OUT_STRETCHES].at = i;
	c->n++;
	c->from = s->from < c->from ? s->from : c->from;
	c->to = s->to > c->to ? s->to : c->to;
	if ((c->oldest + c->n) % OUT_STRETCHES == 0)
		find_bounds(c);
}

const struct out_stretch *out_cache_find(const struct out_group *g, uint32_t first, uint32_t seq, uint32_t *hint)
{
	const struct out_cache *c = &g->cache;
	uint32_t i = *hint % OUT_STRETCHES;

	if (!c->stretches || seq < c->from || seq > c->to)
		return NULL;
	for (uint32_t left = OUT_STRETCHES; left; left--, i = (i + 1) % OUT_STRETCHES) {
		if (c->stretches[i].first != first)
			continue;
		*hint = i + 1;
		return &c->stretches[i];
	}
	return NULL;
}

void out_cache_touch(struct out_group *g, uint32_t seq)
{
	struct out_cache *c = &g->cache;

	if (!c->stretches || seq < c->from || seq > c->to)
		return;
	for (uint32_t i = 0; i < OUT_STRETCHES; i++) {
		if (c->stretches[i].from <= seq && seq <= c->stretches[i].to)
			c->stretches[i].first = 0;
	}
}

void out_cache_split(struct out_group *g, uint32_t prev, uint32_t next, uint32_t seq)
{
	struct out_cache *c = &g->cache;

	if (!c->stretches || seq < c->from || seq > c->to)
		return;
	for (uint32_t i = 0; i < OUT_STRETCHES; i++) {
		struct out_stretch *s = &c->stretches[i];

		if (s->from <= seq && seq <= s->to && prev != s->last && next != s->first)
			s->first = 0;
	}
}

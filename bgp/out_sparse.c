/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Entries of filtered groups. A group that gets everything has an entry beside each route (struct out_blocks); one that
 * gets a hundredth of a million would have its entries in as many pages. These lie in one slab with an index by route
 * and group, for all filtered groups together: 24 octets an entry and as many as it takes to find it.
 *
 * Whether any group still waits to withdraw a route is asked whenever a route ends, and there may be as many groups as
 * peers: the withdrawn entries are counted by route.
 */
#include "base/log.h"
#include "bgp/out_filter.h"

struct sparse {
	struct out_entry e;
	uint32_t h;
	uint32_t group : 31;
	uint32_t withdrawn : 1; /* counted */
};

struct waiting {
	uint32_t h, n;
};

static uint64_t hash_of(uint32_t h, uint32_t group)
{
	uint64_t x = ((uint64_t)group << 32 | h) * 0x9e3779b97f4a7c15u;

	return (x ^ x >> 32) * 0xd6e8feb86659fd93u;
}

void out_sparse_init(struct out_sparse *s, struct pages *pages)
{
	slab_init_in(&s->entries, sizeof(struct sparse), pages);
	hidx_init(&s->index, pages);
	slab_init_in(&s->waiting, sizeof(struct waiting), pages);
	hidx_init(&s->waiting_index, pages);
}

void out_sparse_fini(struct out_sparse *s)
{
	hidx_fini(&s->index);
	slab_fini(&s->entries);
	hidx_fini(&s->waiting_index);
	slab_fini(&s->waiting);
}

size_t out_sparse_bytes(const struct out_sparse *s)
{
	return slab_bytes(&s->entries) + hidx_bytes(&s->index) + slab_bytes(&s->waiting) +
	       hidx_bytes(&s->waiting_index);
}

static struct sparse *at(const struct out_sparse *s, uint32_t i)
{
	return slab_ptr(&s->entries, i);
}

static uint32_t find(const struct out_group *g, uint32_t h)
{
	const struct out_sparse *s = &g->rib->filter->sparse;
	struct hidx_it it;
	uint32_t i;

	for (i = hidx_first(&s->index, hash_of(h, g->id), &it); i; i = hidx_next(&it)) {
		if (at(s, i)->h == h && at(s, i)->group == g->id)
			return i;
	}
	return 0;
}

struct out_entry *out_sparse_find(const struct out_group *g, uint32_t h)
{
	uint32_t i = find(g, h);

	return i ? &at(&g->rib->filter->sparse, i)->e : NULL;
}

struct out_entry *out_sparse_new(struct out_group *g, uint32_t h)
{
	struct out_sparse *s = &g->rib->filter->sparse;
	uint32_t i = slab_alloc(&s->entries);

	at(s, i)->h = h;
	at(s, i)->group = g->id & INT32_MAX;
	hidx_insert(&s->index, hash_of(h, g->id), i);
	return &at(s, i)->e;
}

static uint32_t find_waiting(const struct out_sparse *s, uint32_t h)
{
	struct hidx_it it;
	uint32_t i;

	for (i = hidx_first(&s->waiting_index, hash_of(h, 0), &it); i; i = hidx_next(&it)) {
		if (((struct waiting *)slab_ptr(&s->waiting, i))->h == h)
			return i;
	}
	return 0;
}

static void waiting_more(struct out_sparse *s, uint32_t h)
{
	uint32_t i = find_waiting(s, h);

	if (!i) {
		i = slab_alloc(&s->waiting);
		((struct waiting *)slab_ptr(&s->waiting, i))->h = h;
		hidx_insert(&s->waiting_index, hash_of(h, 0), i);
	}
	((struct waiting *)slab_ptr(&s->waiting, i))->n++;
}

static void waiting_less(struct out_sparse *s, uint32_t h)
{
	uint32_t i = find_waiting(s, h);

	if (--((struct waiting *)slab_ptr(&s->waiting, i))->n)
		return;
	hidx_remove(&s->waiting_index, hash_of(h, 0), i);
	slab_free(&s->waiting, i);
}

void out_sparse_withdrawn(struct out_group *g, struct out_entry *e, bool withdrawn)
{
	struct sparse *x = container_of(e, struct sparse, e);

	if (x->withdrawn == withdrawn)
		return;
	x->withdrawn = withdrawn;
	(withdrawn ? waiting_more : waiting_less)(&g->rib->filter->sparse, x->h);
}

void out_sparse_drop(struct out_group *g, uint32_t h)
{
	struct out_sparse *s = &g->rib->filter->sparse;
	uint32_t i = find(g, h);

	out_sparse_withdrawn(g, &at(s, i)->e, false);
	hidx_remove(&s->index, hash_of(h, g->id), i);
	slab_free(&s->entries, i);
}

bool out_sparse_waits(const struct out_sparse *s, uint32_t h)
{
	return s->waiting.used && find_waiting(s, h);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Mechanics of a group's list: entries, positions, cursors and walks, and the rules of out_int.h
 * that hold between them. What an entry means to a peer is left to out.c and out_pull.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "bgp/out_filter.h"
#include "bgp/out_int.h"

static struct out_link *link_of(struct out_group *g, uint32_t h)
{
	if (!h)
		return &g->ends;
	return out_is_pos(h) ? &out_pos(g, h)->link : &out_entry_at(g, h)->link;
}

static void link_before(struct out_group *g, uint32_t h, struct out_link *l, uint32_t next)
{
	struct out_link *n = link_of(g, next);

	l->next = next;
	l->prev = n->prev;
	link_of(g, n->prev)->next = h;
	n->prev = h;
}

static void unlink_elem(struct out_group *g, struct out_link *l)
{
	link_of(g, l->prev)->next = l->next;
	link_of(g, l->next)->prev = l->prev;
}

void out_list_init(struct out_group *g)
{
	slab_init(&g->positions, sizeof(struct out_pos));
	list_init(&g->order);
}

/* ---- entries ---- */

static size_t block_octets(const struct out_group *g, uint32_t class)
{
	return g->rib->routes[class].per_block * sizeof(struct out_entry);
}

static void block_map(struct out_group *g, uint32_t class, uint32_t b)
{
	g->classes[class].blocks[b] = pages_get(&g->rib->pages, block_octets(g, class));
	g->block_bytes += block_octets(g, class);
}

static void block_unmap(struct out_group *g, uint32_t class, uint32_t b)
{
	pages_put(&g->rib->pages, g->classes[class].blocks[b], block_octets(g, class));
	g->classes[class].blocks[b] = NULL;
	g->block_bytes -= block_octets(g, class);
}

static void blocks_reach(struct out_blocks *c, uint32_t b)
{
	uint32_t n = c->n ? c->n : 4;

	while (n <= b)
		n *= 2;
	c->blocks = xrealloc(c->blocks, n * sizeof(*c->blocks));
	c->used = xrealloc(c->used, n * sizeof(*c->used));
	memset(c->blocks + c->n, 0, (n - c->n) * sizeof(*c->blocks));
	memset(c->used + c->n, 0, (n - c->n) * sizeof(*c->used));
	c->n = n;
}

void out_list_fini(struct out_group *g)
{
	for (uint32_t class = 0; class < RIB_CLASSES; class++) {
		struct out_blocks *c = &g->classes[class];

		for (uint32_t b = 0; b < c->n; b++) {
			if (c->blocks[b])
				block_unmap(g, class, b);
		}
		free(c->blocks);
		free(c->used);
	}
	for (uint32_t h = g->policy.filtered ? g->ends.next : 0, next; h; h = next) {
		next = link_of(g, h)->next;
		if (!out_is_pos(h))
			out_sparse_drop(g, h);
	}
	slab_fini(&g->positions);
	out_cache_fini(g);
}

struct out_entry *out_entry_new(struct out_group *g, uint32_t h)
{
	uint32_t class = h >> RIB_CLASS_SHIFT;
	const struct slab *s = &g->rib->routes[class];
	struct out_blocks *c = &g->classes[class];
	uint32_t i = (h & RIB_HANDLE_MASK) - 1;
	uint32_t b = i >> s->shift;
	struct out_entry *e;

	g->n_entries++;
	g->n_live++;
	if (g->policy.filtered) {
		e = out_sparse_new(g, h);
		e->live = true;
		return e;
	}
	if (b >= c->n)
		blocks_reach(c, b);
	if (!c->blocks[b])
		block_map(g, class, b);
	c->used[b]++;
	e = &c->blocks[b][i & (s->per_block - 1)];
	e->first = 0;
	e->live = true;
	return e;
}

void out_entry_unlink(struct out_group *g, struct out_entry *e)
{
	unlink_elem(g, &e->link);
}

void out_entry_drop(struct out_group *g, uint32_t h, struct out_entry *e)
{
	uint32_t class = h >> RIB_CLASS_SHIFT;
	uint32_t b = ((h & RIB_HANDLE_MASK) - 1) >> g->rib->routes[class].shift;

	unlink_elem(g, &e->link);
	g->n_entries--;
	if (g->policy.filtered) {
		out_sparse_drop(g, h);
		return;
	}
	e->last = 0;
	if (--g->classes[class].used[b] == 0)
		block_unmap(g, class, b);
}

static bool waited_for_behind(const struct out_group *g, struct list *behind, const struct out_entry *e)
{
	return behind != &g->order && container_of(behind, struct out_pos, order)->seq >= e->first;
}

/* Drops a withdrawn entry when nobody behind that position may hold the route. */
static void entry_settle(struct out_group *g, struct list *behind, uint32_t h, struct out_entry *e)
{
	if (e->live || waited_for_behind(g, behind, e))
		return;
	out_entry_drop(g, h, e);
	rib_route_settle(g->rib, h);
}

/* ---- numbers ---- */

struct renumbered {
	uint32_t was, is;
};

/* What a route's first version is called now: it must lie between the same positions as before. */
static uint32_t renumber_first(const struct renumbered *pos, uint32_t n, uint32_t first, uint32_t last)
{
	uint32_t at = array_first(i, n, pos[i].was >= first);

	return at < n ? pos[at].is : last;
}

/*
 * Counts the list through from 1. Positions get numbers of their own, so that those that differed still differ. Numbers
 * only get lower: an End-of-RIB that waits for one comes no earlier for it, and at the end of the list at the latest.
 */
static void renumber(struct out_group *g)
{
	struct renumbered *pos = xcalloc(g->positions.used + 1, sizeof(*pos));
	uint32_t n = 0;

	out_cache_clear(g);
	g->seq = 0;
	for (uint32_t h = g->ends.next; h; h = link_of(g, h)->next) {
		g->seq++;
		if (out_is_pos(h)) {
			pos[n++] = (struct renumbered){ out_pos(g, h)->seq, g->seq };
			out_pos(g, h)->seq = g->seq;
		} else {
			struct out_entry *e = out_entry_at(g, h);

			e->first = renumber_first(pos, n, e->first, g->seq) & INT32_MAX;
			e->last = g->seq;
		}
	}
	free(pos);
}

void out_seq_reserve(struct out_group *g)
{
	if (g->seq >= g->rib->out_seq_limit)
		renumber(g);
}

void out_entry_place(struct out_group *g, uint32_t h, struct out_entry *e, uint32_t next)
{
	BUG_ON(g->seq >= g->rib->out_seq_limit);
	e->last = ++g->seq;
	if (!e->first)
		e->first = g->seq & INT32_MAX;
	link_before(g, h, &e->link, next);
}

/* ---- positions ---- */

static struct out_pos *pos_of(struct list *order)
{
	return container_of(order, struct out_pos, order);
}

static struct out_pos *pos_new(struct out_group *g, uint32_t next, struct list *behind, uint32_t seq)
{
	uint32_t h = slab_alloc(&g->positions) | RIB_POS_CLASS << RIB_CLASS_SHIFT;
	struct out_pos *p = out_pos(g, h);

	p->handle = h;
	p->seq = seq;
	list_init(&p->cursors);
	list_add_head(behind, &p->order);
	out_cache_split(g, link_of(g, next)->prev, next, seq);
	link_before(g, h, &p->link, next);
	return p;
}

static void pos_free(struct out_group *g, struct out_pos *p)
{
	unlink_elem(g, &p->link);
	list_del(&p->order);
	slab_free(&g->positions, p->handle & RIB_HANDLE_MASK);
}

struct out_pos *out_pos_start(struct out_group *g)
{
	uint32_t first = g->ends.next;

	if (out_is_pos(first) && out_pos(g, first)->seq == 0)
		return out_pos(g, first);
	return pos_new(g, first, &g->order, 0);
}

struct out_pos *out_pos_end(struct out_group *g)
{
	return pos_new(g, 0, g->order.prev, g->seq);
}

struct out_pos *out_pos_last(const struct out_group *g)
{
	return list_empty(&g->order) ? NULL : pos_of(g->order.prev);
}

struct out_pos *out_pos_before(const struct out_group *g, const struct out_pos *p)
{
	return p->order.prev == &g->order ? NULL : pos_of(p->order.prev);
}

bool out_pos_is_sole(const struct out_pos *p, const struct out_cursor *c)
{
	return c->pos == p && p->cursors.next == &c->at && p->cursors.prev == &c->at;
}

void out_cursor_join(struct out_group *g, struct out_cursor *c, struct out_pos *p)
{
	g->n_ghosts -= p->ghost;
	p->ghost = false;
	list_add_tail(&p->cursors, &c->at);
	c->pos = p;
}

void out_cursor_leave(struct out_group *g, struct out_cursor *c)
{
	struct out_pos *p = c->pos;

	list_del(&c->at);
	c->pos = NULL;
	if (!list_empty(&p->cursors))
		return;
	if (!p->link.next || out_is_pos(p->link.next)) {
		pos_free(g, p);
		return;
	}
	p->ghost = true;
	g->n_ghosts++;
}

bool out_cursor_due(const struct out_group *g, const struct out_cursor *c)
{
	uint32_t h = c->pos->link.next;

	while (h && out_is_pos(h))
		h = out_pos(g, h)->link.next;
	return h != 0;
}

/* ---- walks ---- */

struct out_walk out_walk_begin(struct out_group *g, struct out_cursor *c)
{
	struct out_pos *p = c->pos;
	struct out_walk w = { .g = g, .behind = &p->order, .next = p->link.next, .seq = p->seq };

	list_del(&c->at);
	c->pos = NULL;
	if (list_empty(&p->cursors)) {
		w.behind = p->order.prev;
		pos_free(g, p);
	}
	return w;
}

bool out_walk_positions(struct out_walk *w)
{
	while (w->next && out_is_pos(w->next)) {
		struct out_pos *p = out_pos(w->g, w->next);

		w->behind = &p->order;
		w->next = p->link.next;
	}
	return w->next != 0;
}

void out_walk_pass(struct out_walk *w)
{
	uint32_t h = w->next;
	struct out_entry *e = out_entry_at(w->g, h);

	if (e->last > w->seq)
		w->seq = e->last;
	w->next = e->link.next;
	entry_settle(w->g, w->behind, h, e);
}

uint32_t out_walk_prev(struct out_walk *w)
{
	return link_of(w->g, w->next)->prev;
}

void out_walk_leap(struct out_walk *w, const struct out_stretch *s)
{
	if (s->to > w->seq)
		w->seq = s->to;
	w->next = out_entry_at(w->g, s->last)->link.next;
}

bool out_walk_may_pull(const struct out_walk *w, const struct out_entry *e)
{
	struct list *ahead = w->behind->next;

	return e->last > w->seq &&
	       (ahead == &w->g->order || e->last < container_of(ahead, struct out_pos, order)->seq);
}

void out_walk_pull(struct out_walk *w, uint32_t h, struct out_entry *e)
{
	if (h == w->next) {
		out_walk_pass(w);
		return;
	}
	out_cache_touch(w->g, e->last);
	unlink_elem(w->g, &e->link);
	out_cache_split(w->g, link_of(w->g, w->next)->prev, w->next, w->seq);
	link_before(w->g, h, &e->link, w->next);
	e->last = w->seq;
	if (e->first > w->seq)
		e->first = w->seq & INT32_MAX;
	entry_settle(w->g, w->behind, h, e);
}

/* Where the walk stands is a position already, or becomes one. */
static struct out_pos *walk_pos(struct out_walk *w)
{
	uint32_t prev = out_walk_prev(w);
	struct out_pos *p;

	if (w->next && out_is_pos(w->next))
		p = out_pos(w->g, w->next);
	else if (prev && out_is_pos(prev))
		p = out_pos(w->g, prev);
	else
		return pos_new(w->g, w->next, w->behind, w->seq);
	if (p->seq < w->seq)
		p->seq = w->seq;
	return p;
}

void out_walk_end(struct out_walk *w, struct out_cursor *c)
{
	out_cursor_join(w->g, c, walk_pos(w));
}

static struct out_pos *first_ghost(const struct out_group *g)
{
	struct out_pos *p;

	list_for_each(p, &g->order, order) {
		if (p->ghost)
			return p;
	}
	BUG("group %u has lost a ghost", g->id);
}

uint32_t out_ghosts_walk(struct out_group *g, uint32_t n)
{
	while (g->n_ghosts && n) {
		struct out_pos *p = first_ghost(g);
		struct out_walk w = { .g = g, .behind = p->order.prev, .next = p->link.next, .seq = p->seq };

		pos_free(g, p);
		g->n_ghosts--;
		for (; n && w.next && !out_is_pos(w.next); n--)
			out_walk_pass(&w);
		if (!w.next || out_is_pos(w.next))
			continue;
		p = pos_new(g, w.next, w.behind, w.seq);
		p->ghost = true;
		g->n_ghosts++;
	}
	return n;
}

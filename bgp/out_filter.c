/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Which routes go to a peer that says what it wants (RFC 4684). What it says are memberships, routes of a family of
 * their own; the table counts by peer which route targets they ask for. A group of such peers claims these targets:
 *
 *	route --> its set --> its route targets --> who claims them --> groups        (a route changes)
 *	group --> every set: is a claim among its route targets? --> its routes       (a claim changes: the sweep)
 *
 * So a route costs those that want it, however many peers there are, and a change of what a peer asks
 * for costs a look at each set and at the routes concerned. The group's list does the rest: what is
 * now wanted comes into it, what is not is withdrawn, and a peer is sent exactly the difference.
 *
 * Peers that ask for the same when they come are one group. One that asks for something else later is taken out of it,
 * with a list of its own that says what it has been sent.
 *
 * A claim that ends stays, LEAVING, until a sweep that began after that is over: until then it leads to entries that
 * the sweep has not come by. Routes without a route target are nobody's to ask for: everybody gets them.
 */
#include "bgp/out_filter.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/log.h"
#include "bgp/rtc.h"

#define HASH_FUNCTION(key, len, out) ((out) = (unsigned)XXH3_64bits(key, len))
#include <uthash.h>

/* What a peer asks for, with how many memberships. */
struct out_want {
	struct out_target t;
	uint32_t refs;
	UT_hash_handle hh; /* in rib_peer.wants */
};

enum claim_state {
	CLAIM_HELD,
	CLAIM_ENDED,  /* the next sweep is for it */
	CLAIM_LEAVING /* this sweep is */
};

struct out_claim {
	struct out_target t;
	enum claim_state state;
	struct out_group *group;
	struct filter_target *target;
	struct list of_target;
	UT_hash_handle hh; /* in out_group.claims */
};

struct filter_target {
	struct out_target t;
	struct list claims;
	UT_hash_handle hh; /* in out_filter.targets */
};

void out_filter_new(struct rib *r)
{
	r->filter = xcalloc(1, sizeof(*r->filter));
	list_init(&r->filter->sweeping);
	out_sparse_init(&r->filter->sparse, &r->pages);
}

void out_filter_free(struct rib *r)
{
	if (!r->filter)
		return;
	out_sparse_fini(&r->filter->sparse);
	free(r->filter->found);
	free(r->filter);
	r->filter = NULL;
}

size_t out_filter_bytes(const struct rib *r)
{
	return r->filter ? out_sparse_bytes(&r->filter->sparse) : 0;
}

/* ---- route targets of a set -------------------------------------------------------------------------------------- */

/*
 * The next route target behind rt (NULL: the first): RFC 4360 4, and with any high-order octet, since ES-Import is one
 * that takes part (RFC 7432 7.6).
 */
static const uint8_t *next_rt(const struct bgp_attrs *a, const uint8_t *rt)
{
	size_t at = rt ? (size_t)(rt - a->ext_communities) + 8 : 0;

	for (; at < a->ext_communities_len; at += 8) {
		if (a->ext_communities[at + 1] == RTC_SUBTYPE)
			return a->ext_communities + at;
	}
	return NULL;
}

static struct out_target target_of(const uint8_t rt[8], uint8_t bits)
{
	struct out_target t = { .bits = bits };

	memcpy(t.rt, rt, bits / 8);
	if (bits % 8)
		t.rt[bits / 8] = rt[bits / 8] & (uint8_t)(0xff00u >> bits % 8);
	return t;
}

static struct filter_target *target_find(const struct out_filter *f, const struct out_target *t)
{
	struct filter_target *found;

	HASH_FIND(hh, f->targets, t, sizeof(*t), found);
	return found;
}

static struct out_claim *claim_find(const struct out_group *g, const struct out_target *t)
{
	struct out_claim *found;

	HASH_FIND(hh, g->claims, t, sizeof(*t), found);
	return found;
}

/* ---- who wants a set --------------------------------------------------------------------------------------------- */

static void found_add(struct out_filter *f, struct out_group *g)
{
	if (g->found == f->stamp)
		return;
	g->found = f->stamp;
	array_room(f->found, f->n_found, f->cap_found, 16);
	f->found[f->n_found++] = g;
}

static void claims_add(struct out_filter *f, uint32_t family, const struct filter_target *t, bool is_new)
{
	const struct out_claim *c;

	list_for_each(c, &t->claims, of_target) {
		if (c->group->family != family)
			continue;
		found_add(f, c->group);
		if (is_new && c->state == CLAIM_HELD)
			c->group->wanted = f->stamp;
	}
}

/* Adds the groups that a set with these attributes concerns; of the new set those that want it are marked. */
static void find_groups(struct rib *r, uint32_t family, uint32_t set, bool is_new)
{
	const struct bgp_attrs *a = attrset_get(r->sets, set);
	struct out_filter *f = r->filter;
	const uint8_t *rt = next_rt(a, NULL);
	struct out_group *g;

	if (!rt) {
		list_for_each(g, &r->families[family].filtered, in_family) {
			found_add(f, g);
			if (is_new)
				g->wanted = f->stamp;
		}
	}
	for (; rt; rt = next_rt(a, rt)) {
		for (uint8_t bits = 0; bits <= 64; bits++) {
			struct out_target t;
			const struct filter_target *target;

			if (!f->lengths[bits])
				continue;
			t = target_of(rt, bits);
			target = target_find(f, &t);
			if (target)
				claims_add(f, family, target, is_new);
		}
	}
}

static bool is_wanted(const struct out_filter *f, const struct out_group *g, const struct route *rt)
{
	return g->wanted == f->stamp && out_is_wanted(g, rt);
}

void out_filter_best_changed(struct rib *r, uint32_t h, struct rib_path old)
{
	const struct route *rt = rib_route(r, h);
	struct rib_path best = rib_best(rt);
	struct out_filter *f = r->filter;

	f->stamp++;
	f->n_found = 0;
	if (best.set)
		find_groups(r, rt->family, best.set, true);
	if (old.set && old.set != best.set)
		find_groups(r, rt->family, old.set, false);
	for (uint32_t i = 0; i < f->n_found; i++)
		out_follow(f->found[i], h, is_wanted(f, f->found[i], rt), old.peer);
}

void out_filter_rank_changed(struct rib *r, uint32_t h)
{
	const struct route *rt = rib_route(r, h);
	struct out_filter *f = r->filter;

	f->stamp++;
	f->n_found = 0;
	if (rt->set)
		find_groups(r, rt->family, rt->set, true);
	for (uint32_t i = 0; i < f->n_found; i++)
		out_want(f->found[i], h, is_wanted(f, f->found[i], rt));
}

/* Does the group look at routes of this set, and does it want them? */
static bool concerns(const struct out_group *g, const struct bgp_attrs *a, bool *wanted)
{
	const struct out_filter *f = g->rib->filter;
	const uint8_t *rt = next_rt(a, NULL);
	bool any = !rt;

	*wanted = !rt;
	for (; rt && !*wanted; rt = next_rt(a, rt)) {
		for (uint8_t bits = 0; bits <= 64; bits++) {
			struct out_target t;
			const struct out_claim *c;

			if (!f->lengths[bits])
				continue;
			t = target_of(rt, bits);
			c = claim_find(g, &t);
			any |= c != NULL;
			*wanted |= c && c->state == CLAIM_HELD;
		}
	}
	return any;
}

/* ---- claims ------------------------------------------------------------------------------------------------------ */

static uint64_t target_hash(const struct out_target *t)
{
	return XXH3_64bits(t, sizeof(*t));
}

static struct filter_target *target_get(struct out_filter *f, const struct out_target *t)
{
	struct filter_target *target = target_find(f, t);

	if (target)
		return target;
	target = xcalloc(1, sizeof(*target));
	target->t = *t;
	list_init(&target->claims);
	HASH_ADD(hh, f->targets, t, sizeof(target->t), target);
	f->lengths[t->bits]++;
	return target;
}

static void claim_add(struct out_group *g, const struct out_target *t, enum claim_state state)
{
	struct out_claim *c = xcalloc(1, sizeof(*c));

	c->t = *t;
	c->state = state;
	c->group = g;
	c->target = target_get(g->rib->filter, t);
	list_add_tail(&c->target->claims, &c->of_target);
	HASH_ADD(hh, g->claims, t, sizeof(c->t), c);
	if (state == CLAIM_HELD) {
		g->n_held++;
		g->held_hash ^= target_hash(t);
	}
}

static void claim_free(struct out_claim *c)
{
	struct out_filter *f = c->group->rib->filter;
	struct filter_target *t = c->target;

	list_del(&c->of_target);
	HASH_DEL(c->group->claims, c);
	free(c);
	if (!list_empty(&t->claims))
		return;
	f->lengths[t->t.bits]--;
	HASH_DEL(f->targets, t);
	free(t);
}

static void claim_turn(struct out_claim *c, enum claim_state state)
{
	struct out_group *g = c->group;

	if ((c->state == CLAIM_HELD) == (state == CLAIM_HELD))
		return;
	c->state = state;
	g->n_held += state == CLAIM_HELD ? 1 : UINT32_MAX;
	g->held_hash ^= target_hash(&c->t);
}

/* ---- the sweep --------------------------------------------------------------------------------------------------- */

static void sweep_begin(struct out_group *g)
{
	struct out_claim *c, *tmp;

	HASH_ITER(hh, g->claims, c, tmp) {
		if (c->state == CLAIM_ENDED)
			c->state = CLAIM_LEAVING;
	}
	g->sweep_again = false;
	g->sweep_set = g->sweep_next = 0;
}

/* The claims have changed: the list has to follow. */
static void sweep_ask(struct out_group *g)
{
	struct rib *r = g->rib;

	if (g->sweeps) {
		g->sweep_again = true;
		return;
	}
	g->sweeps = true;
	list_add_tail(&r->filter->sweeping, &g->sweeping);
	r->n_out_sweeps++;
	sweep_begin(g);
	r->params.work(r->params.ctx);
}

static void sweep_stop(struct out_group *g)
{
	if (!g->sweeps)
		return;
	g->sweeps = false;
	list_del(&g->sweeping);
	g->rib->n_out_sweeps--;
}

static void sweep_end(struct out_group *g)
{
	struct out_claim *c, *tmp;

	HASH_ITER(hh, g->claims, c, tmp) {
		if (c->state == CLAIM_LEAVING)
			claim_free(c);
	}
	if (g->sweep_again) {
		sweep_begin(g);
		return;
	}
	sweep_stop(g);
	if (g->filling)
		out_fill_done(g);
}

static void sweep_route(struct out_group *g, uint32_t h, bool wanted)
{
	const struct route *rt = rib_route(g->rib, h);

	if (rt->family == g->family)
		out_want(g, h, wanted && out_is_wanted(g, rt));
}

/* Routes of the set that the sweep is at. How many of n are left. */
static uint32_t sweep_set(struct out_group *g, uint32_t n)
{
	bool wanted;

	if (!concerns(g, attrset_get(g->rib->sets, g->sweep_set), &wanted)) {
		g->sweep_next = 0;
		return n;
	}
	while (n && g->sweep_next) {
		uint32_t h = g->sweep_next;

		g->sweep_next = rib_route(g->rib, h)->set_next;
		sweep_route(g, h, wanted);
		n--;
	}
	return n;
}

uint32_t out_filter_sweep(struct out_group *g, uint32_t n)
{
	struct attrset_table *sets = g->rib->sets;

	while (g->sweeps && n && rib_is_filled(g->rib, g->family)) {
		if (g->sweep_next) {
			n = sweep_set(g, n);
			continue;
		}
		n--;
		g->sweep_set = attrset_next(sets, g->sweep_set);
		if (g->sweep_set)
			g->sweep_next = *attrset_routes(sets, g->sweep_set);
		else
			sweep_end(g);
	}
	return n;
}

void out_filter_route_leaves(struct rib *r, const struct route *rt)
{
	struct out_group *g;

	list_for_each(g, &r->filter->sweeping, sweeping) {
		if (g->sweep_next && rib_route(r, g->sweep_next) == rt)
			g->sweep_next = rt->set_next;
	}
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

bool out_filter_is(const struct out_group *g, const struct rib_peer *p)
{
	struct out_want *w, *tmp;

	if (g->n_held != p->n_wants || g->held_hash != p->wants_hash)
		return false;
	HASH_ITER(hh, p->wants, w, tmp) {
		const struct out_claim *c = claim_find(g, &w->t);

		if (!c || c->state != CLAIM_HELD)
			return false;
	}
	return true;
}

void out_filter_group_init(struct out_group *g, const struct rib_peer *p)
{
	struct out_want *w, *tmp;

	HASH_ITER(hh, p->wants, w, tmp)
		claim_add(g, &w->t, CLAIM_HELD);
	sweep_ask(g);
}

void out_filter_group_fini(struct out_group *g)
{
	struct out_claim *c, *tmp;

	sweep_stop(g);
	HASH_ITER(hh, g->claims, c, tmp)
		claim_free(c);
}

/* The cursor goes to the end of what has been copied; there it stands where it stood. */
static void cursor_move(struct out_group *g, struct out_group *to, struct out_cursor *c)
{
	uint32_t seq = c->pos->seq;

	out_cursor_leave(g, c);
	to->seq = seq;
	out_cursor_join(to, c, out_pos_end(to));
}

static void entry_copy(struct out_group *to, uint32_t h, const struct out_entry *e)
{
	struct out_entry *copy = out_entry_new(to, h);

	copy->first = e->first;
	copy->live = e->live;
	to->n_live -= !e->live;
	if (!e->live)
		out_sparse_withdrawn(to, copy, true);
	to->seq = e->last - 1;
	out_entry_place(to, h, copy, 0);
}

/*
 * The list of g as this peer has read it, with its numbers. A withdrawal behind which it
 * stands it has been told, and in a list of its own nobody else waits for that.
 */
static void list_copy(struct out_group *g, struct out_group *to, struct out_marker *m)
{
	uint32_t seq = g->seq;
	uint32_t next;

	for (uint32_t h = g->ends.next; h; h = next) {
		const struct out_pos *p = out_is_pos(h) ? out_pos(g, h) : NULL;
		bool main = p && m->main.pos == p, refresh = p && m->refresh.pos == p;

		next = p ? p->link.next : out_entry(g, h)->link.next; /* the position may go with its cursor */
		if (!p && (out_entry(g, h)->live || !list_empty(&to->order)))
			entry_copy(to, h, out_entry(g, h));
		if (refresh)
			cursor_move(g, to, &m->refresh);
		if (main)
			cursor_move(g, to, &m->main);
	}
	to->seq = seq;
}

static void own_copy(const struct out_group *g, struct out_group *to)
{
	if (!g->n_own)
		return;
	to->own = xcalloc(g->n_own, sizeof(*to->own));
	memcpy(to->own, g->own, g->n_own * sizeof(*to->own));
	to->n_own = g->n_own;
}

/* The peer of m gets a group of its own. */
static struct out_group *split(struct out_marker *m)
{
	struct out_group *g = m->group;
	struct out_group *to = out_group_new(g->rib, g->family, &g->policy);
	struct out_claim *c, *tmp;

	HASH_ITER(hh, g->claims, c, tmp)
		claim_add(to, &c->t, c->state);
	list_copy(g, to, m);
	to->filling = g->filling;
	own_copy(g, to);
	to->n_markers = 1;
	g->n_markers--;
	to->n_wakes = m->wake;
	g->n_wakes -= m->wake;
	m->group = to;
	m->cache_hint = 0;
	if (g->n_ghosts)
		g->rib->params.work(g->rib->params.ctx);
	return to;
}

static void claim_change(struct out_marker *m, const struct out_target *t, bool held)
{
	struct out_group *g = m->group->n_markers == 1 ? m->group : split(m);
	struct out_claim *c = claim_find(g, t);

	if (c)
		claim_turn(c, held ? CLAIM_HELD : CLAIM_ENDED);
	else if (held)
		claim_add(g, t, CLAIM_HELD);
	sweep_ask(g);
}

/* ---- what peers ask for ------------------------------------------------------------------------------------------ */

static void claims_follow(struct rib_peer *p, const struct out_target *t, bool held)
{
	for (struct out_marker *m = p->marker; m; m = m->next) {
		if (m->group->policy.filtered)
			claim_change(m, t, held);
	}
}

static void want_count(struct rib *r, struct rib_peer *p, struct out_target t, int n)
{
	struct out_want *w;

	HASH_FIND(hh, p->wants, &t, sizeof(t), w);
	if (!w) {
		w = xcalloc(1, sizeof(*w));
		w->t = t;
		HASH_ADD(hh, p->wants, t, sizeof(w->t), w);
		p->n_wants++;
		r->n_wants++;
		p->wants_hash ^= target_hash(&t);
		claims_follow(p, &t, true);
	}
	w->refs += (uint32_t)n;
	if (w->refs)
		return;
	HASH_DEL(p->wants, w);
	free(w);
	p->n_wants--;
	r->n_wants--;
	p->wants_hash ^= target_hash(&t);
	claims_follow(p, &t, false);
}

void out_filter_count(struct rib *r, struct rib_peer *p, const struct route *rt, int n)
{
	want_count(r, p, rtc_key_target(rt->key, rt->key_len), n);
}

void out_filter_all(struct rib *r, struct rib_peer *p, bool all)
{
	want_count(r, p, (struct out_target){ 0 }, all ? 1 : -1);
}

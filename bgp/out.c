/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Outbound groups: which best paths a group advertises, how its list follows the table, who is attached to it.
 *
 *	rib.c: best path changed --> wanted? --> entry to the end of the list --> peers that had read all are woken
 *	a new group --> filled from the table in slices; a change meanwhile is taken like any other
 *	a peer leaves --> its position may become a ghost that out_work() walks out; the last one takes the group along
 *
 * The list itself is in out_list.c, the messages in out_pull.c, what is shown of all this in out_show.c. Next hops are
 * not changed, also towards eBGP: in EVPN they are VTEPs (docs/design.md).
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bgp/attr.h"
#include "bgp/out_filter.h"
#include "bgp/out_int.h"

/* Routes or entries that one slice of work looks at, about 1 ms. */
#define WORK_SLICE 16384u

/* RFC 1997 */
#define NO_EXPORT 0xffffff01u
#define NO_ADVERTISE 0xffffff02u
#define NO_EXPORT_SUBCONFED 0xffffff03u

/* ---- policy ---- */

static bool communities_allow(const struct bgp_attrs *a, const struct out_policy *p)
{
	struct rbuf b = rb_init(a->communities, a->communities_len);

	while (rb_left(&b)) {
		uint32_t c = rb_u32(&b);

		if (c == NO_ADVERTISE || (p->ebgp && (c == NO_EXPORT || c == NO_EXPORT_SUBCONFED)))
			return false;
		if (c == BGP_LLGR_STALE && !p->long_lived) /* RFC 9494 4.3 */
			return false;
	}
	return true;
}

/* Not every path: those of the view whose rank is below the number. */
static bool is_ranked(const struct out_policy *p)
{
	return p->add_path && p->add_path != OUT_ALL_PATHS;
}

bool out_is_wanted(const struct out_group *g, const struct route *rt)
{
	const struct rib_peer *source = g->rib->peers[rt->peer];
	const struct bgp_attrs *a;

	if (!rib_best(rt).set || (is_ranked(&g->policy) && rt->since >= g->policy.add_path))
		return false;
	a = attrset_get(g->rib->sets, rt->set);
	if (a->communities_len && !communities_allow(a, &g->policy))
		return false;
	if (g->policy.ebgp)
		return !attr_as_path_has(a->as_path, a->as_path_len, g->policy.asn);
	/* RFC 4456 6; without a client on either side RFC 4271 9.2. */
	return g->policy.rr_client || !source || source->ebgp || source->rr_client;
}

/* ---- following the table ---- */

static void wake(const struct rib *r, struct rib_peer *p)
{
	r->params.want_write(r->params.ctx, p);
}

static struct out_marker *marker_of(const struct out_group *g, const struct rib_peer *p)
{
	struct out_marker *m = p ? p->marker : NULL;

	while (m && m->group != g)
		m = m->next;
	return m;
}

static void cursor_leave(struct out_group *g, struct out_cursor *c)
{
	out_cursor_leave(g, c);
	if (g->n_ghosts)
		g->rib->params.work(g->rib->params.ctx);
}

/* Wakes the peers that stand at positions right before the entry, but not "but". */
static void wake_before(const struct out_group *g, const struct out_entry *e, const struct out_marker *but)
{
	for (uint32_t h = e->link.prev; out_is_pos(h); h = out_pos(g, h)->link.prev) {
		struct out_cursor *c;

		list_for_each(c, &out_pos(g, h)->cursors, at) {
			if (c == &c->marker->main && c->marker != but)
				wake(g->rib, c->marker->peer);
		}
	}
}

/*
 * The entry goes to the end. A source that has read all and holds nothing of this route goes along behind it, so that
 * it is not woken by its own routes and does not have to skip them one by one.
 */
static void place_last(struct out_group *g, uint32_t h, const struct route *rt, struct out_entry *e)
{
	struct out_marker *source = marker_of(g, g->rib->peers[out_source(g, rt)]);
	struct out_pos *p = source ? source->main.pos : NULL;

	if (!p || out_cursor_due(g, &source->main) || (e->first && !out_holds_none(g, rt, e, rt->peer, p->seq))) {
		out_entry_place(g, h, e, 0);
		wake_before(g, e, NULL);
	} else if (out_pos_is_sole(p, &source->main) && !p->link.next) {
		out_entry_place(g, h, e, p->handle);
		wake_before(g, e, NULL);
		p->seq = e->last;
	} else {
		out_entry_place(g, h, e, 0);
		wake_before(g, e, source);
		cursor_leave(g, &source->main);
		out_cursor_join(g, &source->main, out_pos_end(g));
	}
}

/* The last position in the list that the entry concerns: not that of its source alone, which holds nothing of it. */
static const struct out_pos *last_concerned(const struct out_group *g, const struct route *rt,
					    const struct out_entry *e)
{
	const struct out_marker *source = marker_of(g, g->rib->peers[out_source(g, rt)]);
	const struct out_pos *p = out_pos_last(g);

	if (p && source && out_pos_is_sole(p, &source->main) && out_holds_none(g, rt, e, rt->peer, p->seq))
		p = out_pos_before(g, p);
	return p;
}

/* May a peer hold an earlier version of this entry? If any, then the last one. */
static bool is_held(const struct out_group *g, const struct route *rt, const struct out_entry *e)
{
	const struct out_pos *p = last_concerned(g, rt, e);

	return p && p->seq >= e->first;
}

/* Everybody has it still before him: he will find it as it is when he comes. So a burst of changes is one. */
static bool is_ahead_of_all(const struct out_group *g, const struct route *rt, const struct out_entry *e)
{
	const struct out_pos *p = last_concerned(g, rt, e);

	return !p || p->seq < e->last;
}

static void own_reach(struct out_group *g, uint32_t n)
{
	g->own = xrealloc(g->own, n * sizeof(*g->own));
	memset(g->own + g->n_own, 0, (n - g->n_own) * sizeof(*g->own));
	g->n_own = n;
}

static void count_own(struct out_group *g, uint16_t source, uint32_t n)
{
	if (g->policy.membership)
		return;
	if (source >= g->n_own)
		own_reach(g, g->rib->n_peers);
	g->own[source] += n;
}

static void entry_add(struct out_group *g, uint32_t h, const struct route *rt)
{
	out_seq_reserve(g);
	count_own(g, rt->peer, 1);
	place_last(g, h, rt, out_entry_new(g, h));
}

static void entry_change(struct out_group *g, uint32_t h, const struct route *rt, struct out_entry *e, bool wanted,
			 uint16_t old_source)
{
	out_cache_touch(g, e->last);
	if (e->live) {
		count_own(g, old_source, UINT32_MAX);
		g->n_live--;
	} else if (!wanted) {
		return;
	}
	e->live = wanted;
	if (g->policy.filtered)
		out_sparse_withdrawn(g, e, !wanted);
	if (wanted) {
		count_own(g, rt->peer, 1);
		g->n_live++;
	} else if (!is_held(g, rt, e)) {
		out_entry_drop(g, h, e);
		return;
	}
	if (is_ahead_of_all(g, rt, e))
		return;
	out_seq_reserve(g);
	out_entry_unlink(g, e);
	place_last(g, h, rt, e);
}

void out_follow(struct out_group *g, uint32_t h, bool wanted, uint16_t old_source)
{
	const struct route *rt = rib_route(g->rib, h);
	struct out_entry *e = out_entry(g, h);

	if (e)
		entry_change(g, h, rt, e, wanted, old_source);
	else if (wanted)
		entry_add(g, h, rt);
}

void out_want(struct out_group *g, uint32_t h, bool wanted)
{
	const struct out_entry *e = out_entry(g, h);

	if (e ? e->live != wanted : wanted)
		out_follow(g, h, wanted, rib_route(g->rib, h)->peer);
}

void out_best_changed(struct rib *r, uint32_t h, struct rib_path old)
{
	const struct route *rt = rib_route(r, h);
	struct out_group *g;

	list_for_each(g, &r->families[rt->family].groups, in_family)
		out_follow(g, h, out_is_wanted(g, rt), old.peer);
	if (!list_empty(&r->families[rt->family].filtered))
		out_filter_best_changed(r, h, old);
}

void out_rank_changed(struct rib *r, uint32_t h)
{
	const struct route *rt = rib_route(r, h);
	struct out_group *g;

	list_for_each(g, &r->families[rt->family].groups, in_family)
		out_want(g, h, out_is_wanted(g, rt));
	if (!list_empty(&r->families[rt->family].filtered))
		out_filter_rank_changed(r, h);
}

bool out_has_entry(const struct rib *r, uint32_t family, uint32_t h)
{
	struct out_group *g;

	list_for_each(g, &r->families[family].groups, in_family) {
		if (out_entry(g, h))
			return true;
	}
	return r->filter && out_sparse_waits(&r->filter->sparse, h);
}

/* ---- groups ---- */

struct out_group *out_group_new(struct rib *r, uint32_t family, const struct out_policy *policy)
{
	struct out_group *g = xcalloc(1, sizeof(*g));

	g->rib = r;
	g->family = family;
	g->id = ++r->group_ids;
	g->policy = *policy;
	g->filling = true;
	out_list_init(g);
	list_add_tail(policy->filtered ? &r->families[family].filtered : &r->families[family].groups, &g->in_family);
	return g;
}

static void group_free(struct out_group *g)
{
	list_del(&g->in_family);
	out_filter_group_fini(g);
	if (rib_is_view(g->rib, g->family))
		g->rib->params.work(g->rib->params.ctx); /* it may be the last one */
	out_list_fini(g);
	free(g->own);
	free(g);
}

static struct out_group *filtered_group_get(struct rib *r, uint32_t family, const struct out_policy *policy,
					    const struct rib_peer *p)
{
	struct out_group *g;

	list_for_each(g, &r->families[family].filtered, in_family) {
		if (memcmp(&g->policy, policy, sizeof(*policy)) == 0 && out_filter_is(g, p))
			return g;
	}
	g = out_group_new(r, family, policy);
	out_filter_group_init(g, p);
	return g;
}

static struct out_group *group_get(struct rib *r, uint32_t family, const struct out_policy *policy,
				   const struct rib_peer *p)
{
	struct out_group *g;

	if (policy->filtered)
		return filtered_group_get(r, family, policy, p);

	list_for_each(g, &r->families[family].groups, in_family) {
		if (memcmp(&g->policy, policy, sizeof(*policy)) == 0)
			return g;
	}
	return out_group_new(r, family, policy);
}

static void for_each_marker(struct out_group *g, void (*f)(struct out_marker *m))
{
	struct out_pos *p;

	list_for_each(p, &g->order, order) {
		struct out_cursor *c;

		list_for_each(c, &p->cursors, at) {
			if (c == &c->marker->main)
				f(c->marker);
		}
	}
}

static void await_eor(struct out_marker *m)
{
	m->eor_seq = m->group->seq;
	wake(m->group->rib, m->peer);
}

void out_fill_done(struct out_group *g)
{
	g->filling = false;
	for_each_marker(g, await_eor);
}

/*
 * A slice of the first fill, n routes at most; what is left of n. What the sweep has not come by yet and what has come
 * since is told apart by its entry.
 */
static uint32_t group_fill(struct out_group *g, uint32_t n)
{
	if (g->policy.filtered)
		return out_filter_sweep(g, n);
	for (; g->filling && n && rib_is_filled(g->rib, g->family); n--) {
		uint32_t h = rib_sweep_next(g->rib, &g->fill);
		const struct route *rt;

		if (h <= g->fill_last) { /* round the end, or there is no route */
			out_fill_done(g);
			return n;
		}
		g->fill_last = h;
		rt = rib_route(g->rib, h);
		if (rt->family == g->family && !out_entry(g, h) && out_is_wanted(g, rt))
			entry_add(g, h, rt);
	}
	return n;
}

void out_wake_later(struct out_marker *m)
{
	m->group->n_wakes += !m->wake;
	m->wake = true;
	m->group->rib->params.work(m->group->rib->params.ctx);
}

static void wake_now(struct out_marker *m)
{
	if (!m->wake)
		return;
	m->wake = false;
	m->group->n_wakes--;
	wake(m->group->rib, m->peer);
}

/* What is left of *n goes to the next group. */
static bool group_work(struct out_group *g, uint32_t *n)
{
	*n = out_ghosts_walk(g, *n);
	if (g->n_wakes)
		for_each_marker(g, wake_now);
	if (!g->n_markers && !g->n_ghosts) {
		group_free(g);
		return false;
	}
	*n = group_fill(g, *n);
	return g->filling || g->sweeps || g->n_ghosts;
}

static bool groups_work(struct list *groups, uint32_t *n)
{
	struct out_group *g, *tmp;
	bool more = false;

	list_for_each_safe(g, tmp, groups, in_family)
		more |= group_work(g, n);
	return more;
}

bool out_work(struct rib *r)
{
	uint32_t n = WORK_SLICE;
	bool more = false;

	for (uint32_t f = 0; f < r->n_families; f++) {
		more |= groups_work(&r->families[f].groups, &n);
		more |= groups_work(&r->families[f].filtered, &n);
	}
	more |= rib_views_work(r);
	rib_doomed_free(r);
	return more;
}

static void groups_free(struct list *groups)
{
	while (!list_empty(groups))
		group_free(container_of(groups->next, struct out_group, in_family));
}

void out_fini(struct rib *r)
{
	for (uint32_t i = 1; i < r->n_peers; i++) {
		if (r->peers[i])
			out_detach(r, r->peers[i]);
	}
	for (uint32_t f = 0; f < r->n_families; f++) {
		groups_free(&r->families[f].groups);
		groups_free(&r->families[f].filtered);
	}
}

/* ---- peers ---- */

static struct out_marker *marker_new(struct out_group *g, struct rib_peer *p)
{
	struct out_marker *m = xcalloc(1, sizeof(*m));
	struct out_marker **end = &p->marker;

	m->group = g;
	m->peer = p;
	m->main.marker = m->refresh.marker = m;
	m->eor_seq = g->filling ? UINT32_MAX : g->seq;
	while (*end)
		end = &(*end)->next;
	*end = m;
	g->n_markers++;
	out_cursor_join(g, &m->main, out_pos_start(g));
	return m;
}

void out_attach(struct rib *r, const struct bgp_family *f, struct rib_peer *p, const struct out_policy *policy)
{
	uint32_t family = rib_family_index(r, f);
	struct out_group *g;

	if (policy->add_path)
		family = rib_view_open(r, family, is_ranked(policy) ? policy->add_path : 0);
	g = group_get(r, family, policy, p);
	marker_new(g, p);
	p->eor_sent = false;
	group_fill(g, WORK_SLICE);
	if (g->filling)
		r->params.work(r->params.ctx);
	wake(r, p);
}

static void marker_free(struct out_marker *m)
{
	struct out_group *g = m->group;

	if (m->refresh.pos)
		cursor_leave(g, &m->refresh);
	cursor_leave(g, &m->main);
	g->n_wakes -= m->wake;
	g->n_markers--;
	free(m);
	if (!g->n_markers && !g->n_ghosts)
		group_free(g);
}

void out_detach(struct rib *r, struct rib_peer *p)
{
	while (p->marker) {
		struct out_marker *m = p->marker;

		p->marker = m->next;
		marker_free(m);
	}
	p->eor_sent = false;
}

struct out_marker *out_marker_of(const struct rib *r, const struct rib_peer *p, const struct bgp_family *f)
{
	struct out_marker *m = p->marker;

	while (m && r->families[m->group->family].family != f)
		m = m->next;
	return m;
}

void out_refresh(struct rib *r, const struct bgp_family *f, struct rib_peer *p, bool demarcated)
{
	struct out_marker *m = out_marker_of(r, p, f);

	if (!m)
		return;
	if (m->begun) /* the one under way does as well */
		return;
	m->demarcated = demarcated;
	if (m->refresh.pos)
		cursor_leave(m->group, &m->refresh);
	out_cursor_join(m->group, &m->refresh, out_pos_start(m->group));
	wake(r, p);
}

/* All that the peer has passed once more. In a refresh that is under way it begins anew, before the same EoRR. */
static void repeat(struct out_marker *m)
{
	if (m->refresh.pos)
		cursor_leave(m->group, &m->refresh);
	else if (!m->begun)
		m->demarcated = false;
	m->end_due = false;
	out_cursor_join(m->group, &m->refresh, out_pos_start(m->group));
	wake(m->group->rib, m->peer);
}

static void repeat_all(const struct list *groups)
{
	struct out_group *g;

	list_for_each(g, groups, in_family) {
		out_cache_clear(g);
		for_each_marker(g, repeat);
	}
}

void out_drain(struct rib *r, bool on)
{
	r->drained = on;
	for (uint32_t f = 0; f < r->n_families; f++) {
		if (r->families[f].family->membership)
			continue;
		repeat_all(&r->families[f].groups);
		repeat_all(&r->families[f].filtered);
	}
}

bool out_refreshes(const struct rib *r, const struct rib_peer *p)
{
	for (const struct out_marker *m = p->marker; m; m = m->next)
		if (m->refresh.pos || m->end_due)
			return true;
	return false;
}

/* What has come meanwhile belongs before it, whether it has been pulled or not. */
static void release_eor(struct out_marker *m)
{
	if (m->eor_seq != UINT32_MAX)
		await_eor(m);
}

void out_hold_end_of_rib(struct rib *r, bool hold)
{
	r->eor_held = hold;
	for (uint32_t i = 1; !hold && i < r->n_peers; i++) {
		for (struct out_marker *m = r->peers[i] ? r->peers[i]->marker : NULL; m; m = m->next)
			release_eor(m);
	}
}

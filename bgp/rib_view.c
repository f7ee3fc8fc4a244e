/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The paths of a family for peers that take several of a route (RFC 7911): a view of it, which is a family of its own
 * within the table. In it every eligible path is a route with one path, and its key is the key of the path behind the
 * path identifier under which it is sent.
 *
 *	the family:  K   best path of peer 4            the view:  5|K       path of peer 4, rank 0
 *	                 path 7 of peer 1                          65537|K   path of peer 1, rank 1
 *	                 path of peer 2, rejected
 *
 * So what sends the best paths of a family sends the paths of a view: groups, lists, positions and messages are the
 * same (out.c), and what holds for a route there (is it for that group, is the peer its source) holds for a path.
 *
 * The identifier of a path lives as long as it does: that of its source, plus one, or a number made up for one that
 * came with an identifier itself. A view follows its family while groups ask for it: it is filled from the table in
 * slices, and emptied so when the last group is gone. Without a view a change of a route costs the look at one word.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "bgp/rib_int.h"

/* Of slots of the table that one slice looks at, and of routes that it fills in or takes out, about 1 ms. */
#define LOOKS_SLICE 16384u
#define ROUTES_SLICE 1024u

/* ---- the paths of a route ---- */

uint32_t rib_path_id_sent(const struct rib *r, uint16_t peer, uint32_t next)
{
	const struct rib_ids *ids = rib_ids(r, next);

	return ids ? ids->sent : rib_path_id_of(peer);
}

static void add_path(struct rib_views *v, const struct rib_view_path *path)
{
	array_room(v->paths, v->n_paths, v->cap_paths, 8);
	v->paths[v->n_paths++] = *path;
}

/* The eligible paths of the route behind those that are there. */
static void collect(struct rib *r, const struct route *rt)
{
	struct rib_views *v = &r->views;

	if (rt->set && !rt->reject)
		add_path(v, &(struct rib_view_path){ .set = rt->set,
						     .peer = rt->peer,
						     .received = rib_path_id(r, rt->alt),
						     .sent = rib_path_id_sent(r, rt->peer, rt->alt) });
	for (uint32_t h = rt->alt; h; h = rib_alt(r, h)->next) {
		const struct rib_alt *a = rib_alt(r, h);

		if (a->set && !a->reject)
			add_path(v, &(struct rib_view_path){ .set = a->set,
							     .peer = a->peer,
							     .received = rib_path_id(r, a->next),
							     .sent = rib_path_id_sent(r, a->peer, a->next) });
	}
}

/* The best of n paths, which becomes the first of them. */
static void best_to_front(struct rib *r, const struct route *rt, struct rib_view_path *paths, uint32_t n)
{
	struct rib_view_path best;
	size_t i;

	rib_candidates_reserve(r, n);
	for (i = 0; i < n; i++)
		r->candidates[i] = (struct decide_path){ attrset_get(r->sets, paths[i].set), r->peers[paths[i].peer],
							 paths[i].received };
	i = decide_best(r->families[rt->family].family, rt->key, rt->key_len, r->candidates, n);
	best = paths[i];
	memmove(paths + 1, paths, i * sizeof(*paths));
	paths[0] = best;
}

/* Ranks from 0 up to the number that some group asks for, which all others have. The first is the best already. */
static void rank(struct rib *r, const struct route *rt, uint32_t ranks, struct rib_view_path *paths, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (i && i < ranks && i + 1 < n)
			best_to_front(r, rt, paths + i, n - i);
		paths[i].rank = i < ranks ? i : ranks;
	}
}

/* ---- routes of the view ---- */

size_t rib_view_key(const uint8_t *key, size_t key_len, uint32_t sent, uint8_t out[RIB_KEY_MAX])
{
	struct wbuf w = wb_init(out, RIB_KEY_MAX);

	wb_u32(&w, sent);
	wb_bytes(&w, key, key_len);
	return wb_len(&w);
}

uint32_t rib_view_find(const struct rib *r, uint32_t view, const uint8_t *key, size_t key_len, uint32_t sent)
{
	uint8_t full[RIB_KEY_MAX];

	return rib_find(r, view, full, rib_view_key(key, key_len, sent, full));
}

static void put(struct rib *r, uint32_t view, const struct route *of, const struct rib_view_path *path)
{
	const struct rib_alt is = { .set = path->set, .since = path->rank, .peer = path->peer };
	uint8_t key[RIB_KEY_MAX];
	size_t key_len = rib_view_key(of->key, of->key_len, path->sent, key);
	uint32_t h = rib_route_get(r, view, key, key_len, path->peer);
	struct route *rt = rib_route(r, h);
	const struct rib_path old = rib_best(rt);

	if (old.set == path->set && old.peer == path->peer) {
		if (rt->since == path->rank)
			return;
		rt->since = path->rank;
		out_rank_changed(r, h);
		return;
	}
	attrset_ref(r->sets, path->set);
	r->views.n_keys += !old.set;
	rib_path_embed(r, h, rt, &is);
	out_best_changed(r, h, old);
	if (old.set)
		attrset_unref(r->sets, old.set);
}

static void drop(struct rib *r, uint32_t h)
{
	struct route *rt = rib_route(r, h);
	const struct rib_path old = rib_best(rt);

	if (!old.set)
		return;
	r->views.n_keys--;
	rib_path_embed(r, h, rt, &(struct rib_alt){ .peer = rt->peer });
	out_best_changed(r, h, old);
	attrset_unref(r->sets, old.set);
	rib_route_settle(r, h);
	rib_doomed_free(r);
}

/* ---- following the family ---- */

void rib_view_before(struct rib *r, const struct route *rt)
{
	r->views.n_paths = 0;
	collect(r, rt);
}

/*
 * The one with that identifier. Paths mostly keep their order, so the search begins at *at, which is moved behind it.
 */
static const struct rib_view_path *find_sent(const struct rib_view_path *paths, uint32_t n, uint32_t sent, uint32_t *at)
{
	for (uint32_t left = n; left; left--) {
		const struct rib_view_path *path = &paths[*at % n];

		*at = *at % n + 1;
		if (path->sent == sent)
			return path;
	}
	return NULL;
}

static void drop_gone(struct rib *r, const struct route *rt, const struct rib_view_path *old, uint32_t n_old,
		      const struct rib_view_path *paths, uint32_t n)
{
	uint32_t view = r->families[rt->family].view, at = 0;

	for (uint32_t i = 0; i < n_old; i++) {
		uint32_t h = find_sent(paths, n, old[i].sent, &at) ? 0 :
			     rib_view_find(r, view, rt->key, rt->key_len, old[i].sent);

		if (h)
			drop(r, h);
	}
}

/* Without ranks a path that is as it was is in the view as it was, or will be when it is filled. */
static void put_changed(struct rib *r, const struct route *rt, const struct rib_view_path *old, uint32_t n_old,
			const struct rib_view_path *paths, uint32_t n)
{
	uint32_t view = r->families[rt->family].view, at = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct rib_view_path *was = r->families[view].ranks ? NULL :
						  find_sent(old, n_old, paths[i].sent, &at);

		if (!was || was->set != paths[i].set || was->peer != paths[i].peer)
			put(r, view, rt, &paths[i]);
	}
}

void rib_view_after(struct rib *r, const struct route *rt)
{
	struct rib_views *v = &r->views;
	uint32_t n_old = v->n_paths, n;
	struct rib_view_path *paths;

	collect(r, rt);
	paths = v->paths + n_old;
	n = v->n_paths - n_old;
	rank(r, rt, r->families[r->families[rt->family].view].ranks, paths, n);
	drop_gone(r, rt, v->paths, n_old, paths, n);
	put_changed(r, rt, v->paths, n_old, paths, n);
}

/* ---- filling and emptying ---- */

static uint32_t view_of(const struct rib *r, uint32_t family)
{
	for (uint32_t i = 0; i < r->n_families; i++) {
		if (r->families[i].state != RIB_VIEW_NONE && r->families[i].of == family)
			return i;
	}
	return 0;
}

static void fill_from_start(struct rib *r, struct rib_family *view)
{
	r->families[view->of].view = (uint32_t)(view - r->families);
	view->state = RIB_VIEW_FILLING;
	view->sweep = (struct rib_sweep){ 0 };
	view->last = 0;
	r->params.work(r->params.ctx);
}

uint32_t rib_view_open(struct rib *r, uint32_t family, uint32_t best)
{
	uint32_t i = view_of(r, family);
	struct rib_family *view = &r->families[i];

	if (!i) {
		BUG_ON(r->n_families == RIB_FAMILIES);
		i = r->n_families++;
		view = &r->families[i];
		*view = (struct rib_family){ .family = r->families[family].family, .of = family,
					     .state = RIB_VIEW_EMPTY };
		list_init(&view->groups);
		list_init(&view->filtered);
	}
	if (view->state == RIB_VIEW_EMPTY || (best > view->ranks && view->state != RIB_VIEW_EMPTYING))
		fill_from_start(r, view);
	if (best > view->ranks)
		view->ranks = best;
	return i;
}

static void empty_from_start(struct rib *r, struct rib_family *view)
{
	r->families[view->of].view = 0;
	view->state = RIB_VIEW_EMPTYING;
	view->sweep = (struct rib_sweep){ 0 };
	view->last = 0;
	view->ranks = 0;
}

static bool is_unused(const struct rib_family *view)
{
	return list_empty(&view->groups) && list_empty(&view->filtered);
}

/* The whole table has been looked at. A group may have come while the view was being emptied. */
static void swept(struct rib *r, struct rib_family *view)
{
	if (view->state == RIB_VIEW_FILLING)
		view->state = RIB_VIEW_FULL;
	else if (is_unused(view))
		view->state = RIB_VIEW_EMPTY;
	else
		fill_from_start(r, view);
}

static bool visit(struct rib *r, const struct rib_family *view, uint32_t h)
{
	const struct route *rt = rib_route(r, h);

	if (view->state == RIB_VIEW_FILLING && rt->family == view->of) {
		r->views.n_paths = 0;
		rib_view_after(r, rt);
		return true;
	}
	if (view->state == RIB_VIEW_EMPTYING && &r->families[rt->family] == view) {
		drop(r, h);
		return true;
	}
	return false;
}

static void slice(struct rib *r, struct rib_family *view)
{
	uint32_t routes = 0;

	for (uint32_t n = 0; n < LOOKS_SLICE && routes < ROUTES_SLICE; n++) {
		uint32_t h = rib_sweep_next(r, &view->sweep);

		if (h <= view->last) { /* round the end, or there is no route */
			swept(r, view);
			return;
		}
		view->last = h;
		routes += visit(r, view, h);
	}
}

static bool view_work(struct rib *r, struct rib_family *view)
{
	if (view->state == RIB_VIEW_NONE || view->state == RIB_VIEW_EMPTY)
		return false;
	if (view->state != RIB_VIEW_EMPTYING && is_unused(view))
		empty_from_start(r, view);
	if (view->state != RIB_VIEW_FULL)
		slice(r, view);
	return view->state == RIB_VIEW_FILLING || view->state == RIB_VIEW_EMPTYING;
}

bool rib_views_work(struct rib *r)
{
	bool more = false;

	for (uint32_t i = 0; i < r->n_families; i++)
		more |= view_work(r, &r->families[i]);
	return more;
}

void rib_views_fini(struct rib *r)
{
	free(r->views.paths);
}

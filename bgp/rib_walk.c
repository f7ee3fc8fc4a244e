/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Ways over the whole table that survive its change: a cursor is a class and a handle in that class's slab, and handles
 * are counted through. Routes that come behind the cursor are not seen, all others are seen once.
 */
#include "bgp/attr.h"
#include "bgp/rib.h"
#include "bgp/rib_int.h"

uint32_t rib_sweep_next(const struct rib *r, struct rib_sweep *s)
{
	for (uint32_t i = 0; i <= RIB_CLASSES; i++) {
		uint32_t h = slab_next(&r->routes[s->class], s->handle);

		if (h) {
			s->handle = h;
			return s->class << RIB_CLASS_SHIFT | h;
		}
		s->class = (s->class + 1) % RIB_CLASSES;
		s->handle = 0;
	}
	return 0;
}

/* The nth path of a route, 0 is the embedded one. false when there are not so many. */
static bool nth_path(const struct rib *r, const struct route *rt, uint32_t n, struct rib_alt *out)
{
	if (!rt->set)
		return false;
	*out = rib_path_embedded(rt);
	for (; n; n--) {
		uint32_t h = *rib_after(r, &out->next);

		if (!h)
			return false;
		*out = *rib_alt(r, h);
	}
	return true;
}

static enum rib_gen_state gen_state(const struct rib *r, const struct route *rt, const struct rib_alt *path)
{
	const struct rib_peer *p = r->peers[path->peer];

	return p ? (enum rib_gen_state)p->gens[rt->family].state[path->gen] : RIB_GEN_CURRENT;
}

static void path_info(const struct rib *r, const struct route *rt, const struct rib_alt *path, bool embedded,
		      struct bgp_path_info *out)
{
	const enum rib_gen_state state = gen_state(r, rt, path);
	const struct bgp_attrs *a = attrset_get(r->sets, path->set);
	struct rib_alt other;

	*out = (struct bgp_path_info){
		.family = r->families[rt->family].family,
		.key = rt->key,
		.key_len = rt->key_len,
		.attrs = a,
		.set = path->set,
		.peer = r->peers[path->peer] ? r->peers[path->peer]->peer : NULL,
		.best = embedded && !path->reject,
		.contested = rt->alt && nth_path(r, rt, 1, &other),
		.stale = state == RIB_GEN_STALE,
		.long_lived_stale = a->communities_len && bgp_has_community(a, BGP_LLGR_STALE),
		.reject = (enum bgp_reject)path->reject,
		.path_id = rib_path_id(r, path->next),
		.path_id_sent = rib_path_id_sent(r, path->peer, path->next),
		.since = { (int64_t)path->since * 1000000 },
	};
}

/* c->slab and c->handle name the route that is being walked, c->alt how many of its paths were given. */
bool rib_next(const struct rib *r, struct bgp_rib_cursor *c, struct bgp_path_info *out)
{
	for (; c->slab < RIB_CLASSES; c->slab++, c->handle = c->alt = 0) {
		const struct slab *s = &r->routes[c->slab];

		if (!c->handle)
			c->handle = slab_next(s, 0);
		for (; c->handle; c->handle = slab_next(s, c->handle), c->alt = 0) {
			const struct route *rt;
			struct rib_alt path;

			if (!slab_live(s, c->handle))
				continue;
			rt = slab_ptr(s, c->handle);
			if (rib_is_view(r, rt->family) || !nth_path(r, rt, c->alt, &path))
				continue;
			path_info(r, rt, &path, c->alt == 0, out);
			c->alt++;
			return true;
		}
	}
	return false;
}

uint64_t rib_path_count(const struct rib *r)
{
	return r->n_paths;
}

uint64_t rib_want_count(const struct rib *r)
{
	return r->n_wants;
}

void rib_memory(const struct rib *r, struct bgp_memory *out)
{
	*out = (struct bgp_memory){
		.keys = r->n_keys - r->views.n_keys,
		.paths = r->n_paths,
		.sets = attrset_count(r->sets),
		.set_bytes = attrset_bytes(r->sets),
		.route_bytes = slab_bytes(&r->alts),
		.index_bytes = hidx_bytes(&r->index),
		.tombstones = r->index.n - r->n_keys,
		.further = r->alts.used,
		.index_places = hidx_places(&r->index),
	};
	out_memory(r, out);
	for (uint32_t c = 0; c < RIB_CLASSES; c++)
		out->route_bytes += slab_bytes(&r->routes[c]);
}

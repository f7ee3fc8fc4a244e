/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Adj-RIB-In and Loc-RIB in one table: keys, their paths, which one is best, and who is told when that changes.
 *
 * The common case is one path a key: it lies in the route itself, so to add or replace it is
 * one hash, one look into the index, no allocation. Further paths are small nodes behind it
 * (rib_path.c); when one of them wins it changes places with the embedded one. Every change has
 * one shape: change_begin(), move paths about, change_end(), which decides, queues for the
 * groups and tells the listener last, because a listener may come back with a route of its own.
 *
 * What goes over the whole table is in rib_walk.c and rib_peer.c, what is sent in out.c.
 */
#include "bgp/rib.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/log.h"
#include "bgp/attr.h"
#include "bgp/out_filter.h"
#include "bgp/rib_int.h"

/* ---- index ---- */

static uint64_t key_hash(const struct rib *r, uint32_t family, const uint8_t *key, size_t len)
{
	return XXH3_64bits_withSeed(key, len, r->seed + family);
}

static uint32_t key_class(size_t key_len)
{
	return (uint32_t)(key_len + 3) / 4;
}

static bool route_is(const struct rib *r, uint32_t h, uint32_t family, const uint8_t *key, size_t key_len)
{
	const struct route *rt = rib_route(r, h);

	return rt->key_len == key_len && rt->family == family && memcmp(rt->key, key, key_len) == 0;
}

static uint32_t find_hashed(const struct rib *r, uint64_t hash, uint32_t family, const uint8_t *key, size_t key_len)
{
	struct hidx_it it;
	uint32_t h;

	for (h = hidx_first(&r->index, hash, &it); h; h = hidx_next(&it)) {
		if (route_is(r, h, family, key, key_len))
			return h;
	}
	return 0;
}

uint32_t rib_find(const struct rib *r, uint32_t family, const uint8_t *key, size_t key_len)
{
	return find_hashed(r, key_hash(r, family, key, key_len), family, key, key_len);
}

/* ---- the table ---- */

struct rib *rib_new(const struct rib_params *p, struct attrset_table *sets)
{
	struct rib *r = xcalloc(1, sizeof(*r));

	r->params = *p;
	r->sets = sets;
	for (uint32_t c = 0; c < RIB_CLASSES; c++)
		slab_init_in(&r->routes[c], (uint32_t)sizeof(struct route) + 4 * c, &r->pages);
	slab_init_in(&r->alts, sizeof(struct rib_alt), &r->pages);
	hidx_init(&r->index, &r->pages);
	BUG_ON(getrandom(&r->seed, sizeof(r->seed), 0) != sizeof(r->seed));
	r->n_peers = 1;
	r->peers = xcalloc(1, sizeof(*r->peers));
	r->out_seq_limit = INT32_MAX;
	r->out_cache_octets = OUT_CACHE_OCTETS;
	return r;
}

static void unref_all(struct rib *r)
{
	struct rib_sweep s = { 0 };

	for (uint64_t left = r->index.n; left; left--) {
		const struct route *rt = rib_route(r, rib_sweep_next(r, &s));

		if (rt->set) {
			*attrset_routes(r->sets, rt->set) = 0;
			attrset_unref(r->sets, rt->set);
		}
	}
	for (uint32_t h = 0; (h = slab_next(&r->alts, h));) {
		if (rib_alt(r, h)->set)
			attrset_unref(r->sets, rib_alt(r, h)->set);
	}
}

void rib_free(struct rib *r)
{
	if (!r)
		return;
	out_fini(r);
	out_filter_free(r);
	unref_all(r);
	hidx_fini(&r->index);
	for (uint32_t c = 0; c < RIB_CLASSES; c++)
		slab_fini(&r->routes[c]);
	slab_fini(&r->alts);
	pages_fini(&r->pages);
	free(r->candidates);
	free(r->candidate_alts);
	rib_views_fini(r);
	free(r->peers);
	free(r);
}

void rib_family_register(struct rib *r, const struct bgp_family *f, const struct bgp_listener *l)
{
	struct rib_family *rf = &r->families[r->n_families];

	BUG_ON(r->n_families == RIB_FAMILIES);
	*rf = (struct rib_family){ .family = f, .listener = l };
	list_init(&rf->groups);
	list_init(&rf->filtered);
	if (f->membership && !r->filter)
		out_filter_new(r);
	r->memberships |= (uint32_t)f->membership << r->n_families;
	r->n_families++;
}

uint32_t rib_family_index(const struct rib *r, const struct bgp_family *f)
{
	for (uint32_t i = 0; i < r->n_families; i++) {
		if (r->families[i].family == f)
			return i;
	}
	BUG("family %s is not registered", f->name);
}

/* ---- routes ---- */

static uint32_t *list_head(struct rib *r, const struct route *rt)
{
	return rt->set ? attrset_routes(r->sets, rt->set) : &r->tombs;
}

static void list_link(struct rib *r, uint32_t h, struct route *rt)
{
	uint32_t *head = list_head(r, rt);

	rt->set_prev = 0;
	rt->set_next = *head;
	if (*head)
		rib_route(r, *head)->set_prev = h;
	*head = h;
}

static void list_unlink(struct rib *r, struct route *rt)
{
	if (r->n_out_sweeps)
		out_filter_route_leaves(r, rt);
	if (rt->set_prev)
		rib_route(r, rt->set_prev)->set_next = rt->set_next;
	else
		*list_head(r, rt) = rt->set_next;
	if (rt->set_next)
		rib_route(r, rt->set_next)->set_prev = rt->set_prev;
}

void rib_route_set(struct rib *r, uint32_t h, struct route *rt, uint32_t set)
{
	if (rt->set == set)
		return;
	r->n_keys += !rt->set;
	r->n_keys -= !set;
	list_unlink(r, rt);
	rt->set = set;
	list_link(r, h, rt);
}

/* A new route is a tombstone until its first path is put. */
static uint32_t route_new(struct rib *r, uint64_t hash, uint32_t family, const uint8_t *key, size_t key_len,
			  uint16_t peer)
{
	uint32_t class = key_class(key_len);
	struct route *rt;
	uint32_t h;

	BUG_ON(key_len == 0 || key_len > RIB_KEY_MAX);
	h = slab_alloc(&r->routes[class]);
	BUG_ON(h > RIB_HANDLE_MASK);
	h |= class << RIB_CLASS_SHIFT;
	rt = rib_route(r, h);
	rt->key_len = key_len & 0x7fu;
	rt->family = family & 7u;
	rt->peer = peer;
	memcpy(rt->key, key, key_len);
	r->n_urgent[class] += rib_route_is_urgent(r, rt);
	list_link(r, h, rt);
	hidx_insert(&r->index, hash, h);
	return h;
}

uint32_t rib_route_get(struct rib *r, uint32_t family, const uint8_t *key, size_t key_len, uint16_t peer)
{
	const uint64_t hash = key_hash(r, family, key, key_len);
	uint32_t h = find_hashed(r, hash, family, key, key_len);

	return h ? h : route_new(r, hash, family, key, key_len, peer);
}

static uint64_t route_hash(const struct rib *r, const struct route *rt)
{
	return key_hash(r, rt->family, rt->key, rt->key_len);
}

void rib_route_settle(struct rib *r, uint32_t h)
{
	struct route *rt = rib_route(r, h);
	struct rib_doomed *d;

	if (rt->set || out_has_entry(r, rt->family, h))
		return;
	list_unlink(r, rt);
	r->n_urgent[h >> RIB_CLASS_SHIFT] -= rib_route_is_urgent(r, rt);
	if (r->n_doomed == RIB_DOOMED)
		rib_doomed_free(r);
	d = &r->doomed[r->n_doomed++];
	*d = (struct rib_doomed){ route_hash(r, rt), h };
	hidx_prefetch(&r->index, d->hash);
}

void rib_doomed_free(struct rib *r)
{
	for (uint32_t i = 0; i < r->n_doomed; i++) {
		uint32_t h = r->doomed[i].h;

		hidx_remove(&r->index, r->doomed[i].hash, h);
		slab_free(&r->routes[h >> RIB_CLASS_SHIFT], h & RIB_HANDLE_MASK);
	}
	r->n_doomed = 0;
}

void rib_prefetch_route(const struct rib *r, uint32_t h)
{
	hidx_prefetch(&r->index, route_hash(r, rib_route(r, h)));
}

/* ---- decision ---- */

void rib_candidates_reserve(struct rib *r, uint32_t n)
{
	if (n <= r->cap_candidates)
		return;
	r->cap_candidates = n < 8 ? 8 : n * 2;
	r->candidates = xrealloc(r->candidates, r->cap_candidates * sizeof(*r->candidates));
	r->candidate_alts = xrealloc(r->candidate_alts, r->cap_candidates * sizeof(*r->candidate_alts));
}

/* next: of the path. alt: the path itself when it is not the embedded one. */
static void add_candidate(struct rib *r, uint32_t n, uint32_t set, uint16_t peer, uint32_t next, struct rib_alt *alt)
{
	rib_candidates_reserve(r, n + 1);
	r->candidates[n] = (struct decide_path){ attrset_get(r->sets, set), r->peers[peer], rib_path_id(r, next) };
	r->candidate_alts[n] = alt;
}

/* The eligible paths of the route, in rib.candidates; how many they are. */
static uint32_t find_candidates(struct rib *r, const struct route *rt)
{
	uint32_t n = 0;

	if (!rt->reject)
		add_candidate(r, n++, rt->set, rt->peer, rt->alt, NULL);
	for (uint32_t h2 = rt->alt; h2; h2 = rib_alt(r, h2)->next) {
		struct rib_alt *a = rib_alt(r, h2);

		if (a->set && !a->reject)
			add_candidate(r, n++, a->set, a->peer, a->next, a);
	}
	return n;
}

/* Embeds the best path. */
static void decide(struct rib *r, uint32_t h, struct route *rt)
{
	uint32_t n = rt->alt ? find_candidates(r, rt) : 0;
	struct rib_alt *won;

	if (!n)
		return;
	won = r->candidate_alts[decide_best(r->families[rt->family].family, rt->key, rt->key_len, r->candidates, n)];
	if (won)
		rib_path_swap(r, h, rt, won);
}

const char *rib_decided_by(struct rib *r, const struct bgp_path_info *p)
{
	uint32_t h, n;

	if (!p->contested)
		return NULL;
	h = rib_find(r, rib_family_index(r, p->family), p->key, p->key_len);
	n = h && rib_route(r, h)->set ? find_candidates(r, rib_route(r, h)) : 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct decide_path *c = &r->candidates[i];

		if (c->path_id == p->path_id && (c->peer ? c->peer->peer : NULL) == p->peer)
			return decide_step(p->family, p->key, p->key_len, r->candidates, n, i);
	}
	return NULL;
}

/* ---- changes ---- */

/* The best path before; its set is held until the change is over. What the sweep is for is done on the occasion. */
static struct rib_path change_begin(struct rib *r, uint32_t h, struct route *rt)
{
	struct rib_path old = rib_best(rt);

	if (old.set)
		attrset_ref(r->sets, old.set);
	if (r->families[rt->family].view)
		rib_view_before(r, rt);
	if (r->n_swept)
		rib_paths_sweep(r, h, rt);
	return old;
}

static const struct bgp_route_ref *ref_to(const struct rib *r, struct rib_path p, const uint8_t *key, size_t key_len,
					  struct bgp_route_ref *ref)
{
	if (!p.set)
		return NULL;
	*ref = (struct bgp_route_ref){
		.key = key,
		.key_len = key_len,
		.attrs = attrset_get(r->sets, p.set),
		.set = p.set,
		.peer = r->peers[p.peer] ? r->peers[p.peer]->peer : NULL,
	};
	return ref;
}

static void tell(struct rib *r, const struct bgp_listener *l, const uint8_t *key, size_t key_len, struct rib_path old,
		 struct rib_path best)
{
	struct bgp_route_ref was, is;

	if (best.set)
		attrset_ref(r->sets, best.set);
	l->best_changed(l->ctx, ref_to(r, old, key, key_len, &was), ref_to(r, best, key, key_len, &is));
	if (best.set)
		attrset_unref(r->sets, best.set);
}

/* By words, as it lies in the slot: GCC makes a slow string instruction of a short memcpy() of unknown length. */
static void key_copy(uint8_t key[BGP_KEY_MAX], const struct route *rt)
{
	for (size_t i = 0; i < rt->key_len; i += 4)
		memcpy(key + i, rt->key + i, 4);
}

/*
 * Decides, queues for the groups, tells. The listener comes last, with a copy of the key and both sets held: it may
 * change any route, this one too.
 */
static void change_end(struct rib *r, uint32_t h, struct rib_path old)
{
	struct route *rt = rib_route(r, h);
	const struct bgp_listener *l = r->families[rt->family].listener;
	size_t key_len = rt->key_len;
	uint8_t key[BGP_KEY_MAX];
	struct rib_path best;
	bool changed;

	decide(r, h, rt);
	if (r->families[rt->family].view)
		rib_view_after(r, rt);
	best = rib_best(rt);
	changed = best.set != old.set || best.peer != old.peer;
	if (changed)
		out_best_changed(r, h, old);
	if (l)
		key_copy(key, rt);
	if (!rt->set) {
		rib_route_settle(r, h);
		rib_doomed_free(r);
	}
	if (changed && l)
		tell(r, l, key, key_len, old, best);
	if (old.set)
		attrset_unref(r->sets, old.set);
}

static void prefetch_route(const struct rib *r, uint32_t h)
{
	const char *rt = (const char *)rib_route(r, h);

	__builtin_prefetch(rt, 1);
	__builtin_prefetch(rt + r->routes[h >> RIB_CLASS_SHIFT].size - 1, 1);
}

/* A path that comes without an identifier has a known one in the view. */
static uint64_t view_hash(const struct rib *r, uint32_t view, const struct rib_peer *p, const struct bgp_nlri *n)
{
	uint8_t key[RIB_KEY_MAX];
	size_t key_len = rib_view_key(n->key, n->key_len, rib_path_id_of(p->index), key);

	return key_hash(r, view, key, key_len);
}

void rib_prefetch(const struct rib *r, const struct bgp_family *f, const struct rib_peer *p,
		  const struct bgp_nlri *nlri, size_t n)
{
	const uint32_t family = rib_family_index(r, f), view = r->families[family].view;
	uint64_t hash[2 * RIB_PREFETCH_MAX];
	size_t hashes = 0;

	if (n > RIB_PREFETCH_MAX)
		n = RIB_PREFETCH_MAX;
	for (size_t i = 0; i < n; i++) {
		hash[hashes] = key_hash(r, family, nlri[i].key, nlri[i].key_len);
		hidx_prefetch(&r->index, hash[hashes++]);
	}
	for (size_t i = 0; view && i < n; i++) {
		hash[hashes] = view_hash(r, view, p, &nlri[i]);
		hidx_prefetch(&r->index, hash[hashes++]);
	}
	for (size_t i = 0; i < hashes; i++) {
		struct hidx_it it;
		uint32_t h = hidx_first(&r->index, hash[i], &it);

		if (h)
			prefetch_route(r, h);
		__asm__ volatile(""); /* see hidx_prefetch() */
	}
}

bool rib_announce(struct rib *r, const struct bgp_family *f, struct rib_peer *p, const uint8_t *key, size_t key_len,
		  uint32_t path_id, uint32_t set, enum bgp_reject reject, struct mtime now)
{
	const uint32_t family = rib_family_index(r, f);
	const struct rib_alt path = { .set = set, .since = (uint32_t)(now.us / 1000000), .peer = p ? p->index : 0,
				      .reject = reject & 7u, .gen = rib_gen_current(p, family) & 3u };
	uint32_t h = rib_route_get(r, family, key, key_len, path.peer);
	struct route *rt = rib_route(r, h);
	struct rib_path old;
	bool put;

	old = change_begin(r, h, rt);
	put = rib_path_put(r, h, rt, &path, path_id);
	change_end(r, h, old);
	if (!put)
		attrset_unref(r->sets, set);
	return put;
}

bool rib_withdraw(struct rib *r, const struct bgp_family *f, struct rib_peer *p, const uint8_t *key, size_t key_len,
		  uint32_t path_id, struct mtime now)
{
	uint32_t h = rib_find(r, rib_family_index(r, f), key, key_len);
	struct rib_path old;
	bool had;

	if (!h)
		return false;
	old = change_begin(r, h, rib_route(r, h));
	had = rib_path_drop(r, h, rib_route(r, h), p ? p->index : 0, path_id);
	change_end(r, h, old);
	return had;
}

void rib_sweep_route(struct rib *r, uint32_t h)
{
	change_end(r, h, change_begin(r, h, rib_route(r, h)));
}

static bool cluster_list_has(const struct bgp_attrs *a, uint32_t id)
{
	struct rbuf b = rb_init(a->cluster_list, a->cluster_list_len);

	while (rb_left(&b)) {
		if (rb_u32(&b) == id)
			return true;
	}
	return false;
}

enum bgp_reject rib_check(const struct rib *r, const struct rib_peer *p, const struct bgp_attrs *a)
{
	if (!p)
		return BGP_ELIGIBLE;
	if (attr_as_path_has(a->as_path, a->as_path_len, r->params.asn)) /* RFC 4271 9.1.2 */
		return BGP_REJECT_AS_LOOP;
	if (a->has_originator_id && a->originator_id == r->params.router_id) /* RFC 4456 8 */
		return BGP_REJECT_ORIGINATOR;
	if (cluster_list_has(a, r->params.cluster_id ? r->params.cluster_id : r->params.router_id))
		return BGP_REJECT_CLUSTER;
	if (ip_is_unicast(&a->next_hop) || (r->params.loopback && ip_is_loopback(&a->next_hop)))
		return BGP_ELIGIBLE;
	return BGP_REJECT_NEXT_HOP;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Adj-RIB-In and Loc-RIB in one table: keys, their paths, which one is best, and who is told when that changes.
 *
 * The common case is one path a key: it lies in the route itself, so to add or replace it is one hash, one look
 * into the index, no allocation. Further paths are small nodes behind it; when one of them wins it changes places with the
 * embedded one. Every change has one shape: change_begin(), move paths about, change_end(), which decides, queues for
 * the groups and tells the listener last, because a listener may come back with a route of its own.
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

/* ---- paths of a route ---- */

static void count_path(struct rib *r, const struct route *rt, const struct rib_alt *path)
{
	struct rib_peer *p = r->peers[path->peer];

	r->n_paths++;
	if (!p)
		return;
	p->paths++;
	p->rejected += path->reject != BGP_ELIGIBLE;
	rib_gen_count(r, rt->family, path->peer, path->gen);
	if (r->memberships >> rt->family & 1 && path->reject == BGP_ELIGIBLE)
		out_filter_count(p, rt, 1);
}

static void uncount_path(struct rib *r, const struct route *rt, const struct rib_alt *path)
{
	struct rib_peer *p = r->peers[path->peer];

	r->n_paths--;
	if (!p)
		return;
	p->paths--;
	p->rejected -= path->reject != BGP_ELIGIBLE;
	rib_gen_uncount(r, rt->family, path->peer, path->gen);
	if (r->memberships >> rt->family & 1 && path->reject == BGP_ELIGIBLE)
		out_filter_count(p, rt, -1);
}

static struct rib_alt embedded(const struct route *rt)
{
	return (struct rib_alt){ .next = rt->alt, .set = rt->set, .since = rt->since, .peer = rt->peer,
				 .reject = rt->reject, .gen = rt->gen };
}

/* Are these the identifiers of no other path of the route? */
static bool is_id_free(const struct rib *r, const struct route *rt, uint32_t sent)
{
	for (uint32_t h = rt->alt; h; h = rib_alt(r, h)->next) {
		const struct rib_ids *ids = rib_ids(r, h);

		if (ids && ids->sent == sent)
			return false;
	}
	return true;
}

/* Gives the path whose member next *link is an identifier other than 0. */
static void ids_add(struct rib *r, const struct route *rt, uint32_t *link, uint32_t received)
{
	struct rib_ids *ids;
	uint32_t h;

	do
		r->ids_sent = r->ids_sent < RIB_IDS_SENT_MIN ? RIB_IDS_SENT_MIN : r->ids_sent + 1;
	while (!is_id_free(r, rt, r->ids_sent));
	h = slab_alloc(&r->alts);
	ids = slab_ptr(&r->alts, h);
	*ids = (struct rib_ids){ .next = *link, .received = received, .sent = r->ids_sent };
	*link = h;
}

/* Takes the identifiers of that path out of the chain; 0 when it has none. */
static uint32_t ids_unlink(const struct rib *r, uint32_t *link)
{
	const struct rib_ids *ids = rib_ids(r, *link);
	uint32_t h = ids ? *link : 0;

	if (ids)
		*link = ids->next;
	return h;
}

static void ids_link(const struct rib *r, uint32_t *link, uint32_t h)
{
	if (!h)
		return;
	rib_alt(r, h)->next = *link;
	*link = h;
}

static void ids_drop(struct rib *r, uint32_t *link)
{
	uint32_t h = ids_unlink(r, link);

	if (h)
		slab_free(&r->alts, h);
}

/* Makes path the embedded one. The reference to the set that was embedded before becomes the caller's. */
static void embed(struct rib *r, uint32_t h, struct route *rt, const struct rib_alt *path)
{
	rt->since = path->since;
	rt->reject = path->reject;
	rt->gen = path->gen;
	rt->moved |= rt->peer != path->peer;
	rt->peer = path->peer;
	if (rt->set == path->set)
		return;
	r->n_keys += !rt->set;
	r->n_keys -= !path->set;
	list_unlink(r, rt);
	rt->set = path->set;
	list_link(r, h, rt);
}

void rib_embed(struct rib *r, uint32_t h, struct route *rt, const struct rib_alt *path)
{
	embed(r, h, rt, path);
}

/* Removes the embedded path; one of the others takes its place until the decision. */
static void drop_embedded(struct rib *r, uint32_t h, struct route *rt)
{
	const struct rib_alt was = embedded(rt);
	struct rib_alt next = { .peer = rt->peer };
	uint32_t alt;

	uncount_path(r, rt, &was);
	ids_drop(r, &rt->alt);
	alt = rt->alt;
	if (alt) {
		next = *rib_alt(r, alt);
		rt->alt = next.next;
		slab_free(&r->alts, alt);
	}
	embed(r, h, rt, &next);
	attrset_unref(r->sets, was.set);
}

/* Removes the path that *link names. */
static void drop_alt(struct rib *r, const struct route *rt, uint32_t *link)
{
	uint32_t h = *link;
	struct rib_alt *a = rib_alt(r, h);

	uncount_path(r, rt, a);
	attrset_unref(r->sets, a->set);
	ids_drop(r, &a->next);
	*link = a->next;
	slab_free(&r->alts, h);
}

/* Where the handle of that path behind the embedded one is kept, or the 0 at the end. */
static uint32_t *alt_link(const struct rib *r, struct route *rt, uint16_t peer, uint32_t path_id)
{
	uint32_t *link = rib_after(r, &rt->alt);

	for (; *link; link = rib_after(r, &rib_alt(r, *link)->next)) {
		const struct rib_alt *a = rib_alt(r, *link);

		if (a->peer == peer && rib_path_id(r, a->next) == path_id)
			break;
	}
	return link;
}

/* Has the peer of path as many for the key as it may? What is left of an earlier generation does not count. */
static bool is_full(const struct rib *r, const struct route *rt, const struct rib_alt *path)
{
	uint32_t n = rt->peer == path->peer && rt->gen == path->gen;

	for (uint32_t h = rt->alt; h; h = rib_alt(r, h)->next) {
		const struct rib_alt *a = rib_alt(r, h);

		n += a->set && a->peer == path->peer && a->gen == path->gen;
	}
	return n >= RIB_PATHS_MAX;
}

static bool is_embedded(const struct rib *r, const struct route *rt, uint16_t peer, uint32_t path_id)
{
	return rt->set && rt->peer == peer && rib_path_id(r, rt->alt) == path_id;
}

/* Replaces the embedded path by another of the same peer. */
static void replace_embedded(struct rib *r, uint32_t h, struct route *rt, const struct rib_alt *path)
{
	const struct rib_alt was = embedded(rt);

	if (was.set != path->set || was.reject != path->reject || was.gen != path->gen) {
		count_path(r, rt, path);
		uncount_path(r, rt, &was);
		rt->gen = path->gen;
	}
	if (was.set != path->set || was.reject != path->reject)
		embed(r, h, rt, path);
	attrset_unref(r->sets, was.set);
}

/* Replaces a further path by another of the same peer and identifier. */
static void replace_alt(struct rib *r, const struct route *rt, struct rib_alt *a, const struct rib_alt *path)
{
	const struct rib_alt was = *a;

	count_path(r, rt, path);
	uncount_path(r, rt, &was);
	*a = *path;
	a->next = was.next;
	if (was.set == path->set && was.reject == path->reject)
		a->since = was.since;
	attrset_unref(r->sets, was.set);
}

/* A new one, the first behind the embedded. */
static void add_alt(struct rib *r, struct route *rt, const struct rib_alt *path, uint32_t path_id)
{
	uint32_t *link = rib_after(r, &rt->alt);
	uint32_t h = slab_alloc(&r->alts);
	struct rib_alt *a = rib_alt(r, h);

	count_path(r, rt, path);
	*a = *path;
	a->next = *link;
	*link = h;
	if (path_id)
		ids_add(r, rt, &a->next, path_id);
}

/*
 * Adds the path, or replaces the one of that peer and identifier. Takes over the reference to its set, unless it says
 * false: then there are too many.
 */
static bool put_path(struct rib *r, uint32_t h, struct route *rt, const struct rib_alt *path, uint32_t path_id)
{
	uint32_t alt;

	if (is_embedded(r, rt, path->peer, path_id)) {
		replace_embedded(r, h, rt, path);
	} else if (!rt->set) {
		count_path(r, rt, path);
		embed(r, h, rt, path);
		if (path_id)
			ids_add(r, rt, &rt->alt, path_id);
	} else if ((alt = *alt_link(r, rt, path->peer, path_id))) {
		replace_alt(r, rt, rib_alt(r, alt), path);
	} else if (!is_full(r, rt, path)) {
		add_alt(r, rt, path, path_id);
	} else {
		return false;
	}
	return true;
}

static bool drop_path(struct rib *r, uint32_t h, struct route *rt, uint16_t peer, uint32_t path_id)
{
	uint32_t *link;

	if (!rt->set)
		return false;
	if (is_embedded(r, rt, peer, path_id)) {
		drop_embedded(r, h, rt);
		return true;
	}
	link = alt_link(r, rt, peer, path_id);
	if (!*link)
		return false;
	drop_alt(r, rt, link);
	return true;
}

static bool alt_is_swept(const struct rib *r, const struct route *rt, const struct rib_alt *a)
{
	return rib_gen_is_swept(r, rt->family, a->peer, a->gen);
}

static bool embedded_is_swept(const struct rib *r, const struct route *rt)
{
	return rt->set && rib_gen_is_swept(r, rt->family, rt->peer, rt->gen);
}

bool rib_route_is_swept(const struct rib *r, uint32_t h)
{
	const struct route *rt = rib_route(r, h);

	for (uint32_t a = rt->alt; a; a = rib_alt(r, a)->next) {
		if (rib_alt(r, a)->set && alt_is_swept(r, rt, rib_alt(r, a)))
			return true;
	}
	return embedded_is_swept(r, rt);
}

/* The path as the sweep leaves it, counted so and with a reference to its set; set 0: it goes. */
static struct rib_alt swept(struct rib *r, const struct route *rt, struct rib_alt path)
{
	uint32_t gen = path.gen;

	path.set = rib_gen_aged(r, rt->family, path.peer, path.set, &gen);
	path.gen = gen & 3u;
	if (path.set)
		count_path(r, rt, &path);
	return path;
}

static void sweep_paths(struct rib *r, uint32_t h, struct route *rt)
{
	struct rib_alt was, is;

	for (uint32_t *link = rib_after(r, &rt->alt); *link;) {
		struct rib_alt *a = rib_alt(r, *link);

		is = alt_is_swept(r, rt, a) ? swept(r, rt, *a) : *a;
		if (!is.set) {
			drop_alt(r, rt, link);
			continue;
		}
		if (is.gen != a->gen) {
			uncount_path(r, rt, a);
			attrset_unref(r->sets, a->set);
			*a = is;
		}
		link = rib_after(r, &a->next);
	}
	if (!embedded_is_swept(r, rt))
		return;
	was = embedded(rt);
	is = swept(r, rt, was);
	if (!is.set) {
		drop_embedded(r, h, rt);
		return;
	}
	uncount_path(r, rt, &was);
	embed(r, h, rt, &is);
	attrset_unref(r->sets, was.set);
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

/* Embeds a further path, and puts the one that was embedded in its place. */
static void change_places(struct rib *r, uint32_t h, struct route *rt, struct rib_alt *won)
{
	uint32_t ids_lost = ids_unlink(r, &rt->alt), ids_won = ids_unlink(r, &won->next);
	struct rib_alt lost = embedded(rt);

	lost.next = won->next;
	embed(r, h, rt, won);
	*won = lost;
	ids_link(r, &rt->alt, ids_won);
	ids_link(r, &won->next, ids_lost);
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
		change_places(r, h, rt, won);
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
		sweep_paths(r, h, rt);
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

void rib_prefetch(const struct rib *r, const struct bgp_family *f, const struct rib_peer *p, const struct bgp_nlri *nlri,
		  size_t n)
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
	put = put_path(r, h, rt, &path, path_id);
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
	had = drop_path(r, h, rib_route(r, h), p ? p->index : 0, path_id);
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

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The paths of one route: the embedded one and the nodes behind it, with the path
 * identifiers of those that came with one (RFC 7911). Paths are put, replaced, dropped
 * and aged here and counted with their peers; which is best is rib.c's.
 *
 *	route [ key | path of peer 4 | alt ] ─► [ path of peer 1 ] ─► [ identifiers of that ] ─► [ path of peer 2 ]
 *
 * A path holds a reference to its set.
 */
#include "base/log.h"
#include "bgp/attr.h"
#include "bgp/rib_int.h"

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
		out_filter_count(r, p, rt, 1);
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
		out_filter_count(r, p, rt, -1);
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

void rib_path_embed(struct rib *r, uint32_t h, struct route *rt, const struct rib_alt *path)
{
	rt->since = path->since;
	rt->reject = path->reject;
	rt->gen = path->gen;
	rt->moved |= rt->peer != path->peer;
	rt->peer = path->peer;
	rib_route_set(r, h, rt, path->set);
}

/* Removes the embedded path; one of the others takes its place until the decision. */
static void drop_embedded(struct rib *r, uint32_t h, struct route *rt)
{
	const struct rib_alt was = rib_path_embedded(rt);
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
	rib_path_embed(r, h, rt, &next);
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
	const struct rib_alt was = rib_path_embedded(rt);

	if (was.set != path->set || was.reject != path->reject || was.gen != path->gen) {
		count_path(r, rt, path);
		uncount_path(r, rt, &was);
		rt->gen = path->gen;
	}
	if (was.set != path->set || was.reject != path->reject)
		rib_path_embed(r, h, rt, path);
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

bool rib_path_put(struct rib *r, uint32_t h, struct route *rt, const struct rib_alt *path, uint32_t path_id)
{
	uint32_t alt;

	if (is_embedded(r, rt, path->peer, path_id)) {
		replace_embedded(r, h, rt, path);
	} else if (!rt->set) {
		count_path(r, rt, path);
		rib_path_embed(r, h, rt, path);
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

bool rib_path_drop(struct rib *r, uint32_t h, struct route *rt, uint16_t peer, uint32_t path_id)
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

void rib_paths_sweep(struct rib *r, uint32_t h, struct route *rt)
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
	was = rib_path_embedded(rt);
	is = swept(r, rt, was);
	if (!is.set) {
		drop_embedded(r, h, rt);
		return;
	}
	uncount_path(r, rt, &was);
	rib_path_embed(r, h, rt, &is);
	attrset_unref(r->sets, was.set);
}

void rib_path_swap(struct rib *r, uint32_t h, struct route *rt, struct rib_alt *further)
{
	uint32_t ids_was = ids_unlink(r, &rt->alt), ids_is = ids_unlink(r, &further->next);
	struct rib_alt was = rib_path_embedded(rt);

	was.next = further->next;
	rib_path_embed(r, h, rt, further);
	*further = was;
	ids_link(r, &rt->alt, ids_is);
	ids_link(r, &further->next, ids_was);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "bgp/limit.h"

#include <stdio.h>

#define PATH_OCTETS 96u  /* a route with its share of the index and of one outbound group */
#define SHARE_ERROR 64u   /* of so many octets shared out one may be lost, as fractions */
#define WANT_OCTETS 320u  /* a route target that a peer asks for (RFC 4684), with the claim of its group */

/* ---- routes of one neighbor ------------------------------------------------------------------------------------- */

/* max-prefixes-warning is said once, and again after it has been less than two thirds of that. */
static void warn_near_limit(struct bgp_peer *peer, struct mtime now)
{
	uint64_t n = stale_routes_of_session(peer), max = peer->p.max_prefixes;
	uint64_t near = max * peer->p.max_prefixes_warning;

	if (n * 100 >= near && !peer->near_limit) {
		peer->near_limit = true;
		if (!peer_log_allow(peer, now))
			return;
		log_warn(peer->bgp->p.log, LOG_BGP, "peer %s: %u routes, of %u that max-prefixes allows",
			 ip_str(&peer->p.address).s, (unsigned)n, (unsigned)max);
	} else if (n * 150 < near) {
		peer->near_limit = false;
	}
}

bool limit_routes(const struct bgp_conn *c, const struct bgp_family *family, struct msg_fault *f, struct mtime now)
{
	struct bgp_peer *peer = c->peer;
	uint8_t *data = peer->bgp->scratch; /* the attributes there have done their duty */
	struct wbuf out = wb_init(data, 7);

	if (!peer->p.max_prefixes)
		return false;
	warn_near_limit(peer, now);
	if (stale_routes_of_session(peer) <= peer->p.max_prefixes)
		return false;
	wb_u16(&out, family->afi); /* RFC 4486 4 */
	wb_u8(&out, family->safi);
	wb_u32(&out, peer->p.max_prefixes);
	*f = (struct msg_fault){ .code = MSG_ERR_CEASE, .subcode = BGP_CEASE_MAX_PREFIXES, .data = data, .data_len = 7,
				 .why = "more routes than max-prefixes" };
	return true;
}

void limit_changed(struct bgp_conn *c, struct mtime now)
{
	const struct bgp *b = c->peer->bgp;
	struct msg_fault f;

	for (uint32_t i = 0; i < b->n_families; i++) {
		if (!(c->families & 1u << i) || !limit_routes(c, b->families[i].f, &f, now))
			continue;
		session_stop(c, &f, now);
		return;
	}
}

/* ---- octets of all ---------------------------------------------------------------------------------------------- */

uint64_t limit_used(const struct bgp *b)
{
	uint64_t used = attrset_content_bytes(b->sets) + rib_path_count(b->rib) * PATH_OCTETS +
			rib_want_count(b->rib) * WANT_OCTETS;

	for (uint32_t i = 0; i < b->n_families; i++)
		if (b->families[i].l && b->families[i].l->octets)
			used += b->families[i].l->octets(b->families[i].l->ctx);
	return used;
}

bool limit_is_reached(const struct bgp *b)
{
	return b->p.memory_limit && limit_used(b) > b->p.memory_limit;
}

/* A lost session's routes are on their way out: what they take is as good as free. */
static bool is_relief_under_way(const struct bgp *b)
{
	const struct bgp_peer *peer;

	list_for_each(peer, &b->peers, node)
		for (uint32_t i = 0; i < b->n_families; i++)
			if (rib_gen_paths(b->rib, &peer->rib, b->families[i].f, RIB_GEN_BIT(RIB_GEN_DEAD)))
				return true;
	return false;
}

bool limit_holds_back(const struct bgp *b)
{
	return limit_is_reached(b) && is_relief_under_way(b);
}

/* What listeners make of the routes with this set. */
static uint64_t made_of(const struct bgp *b, uint32_t set)
{
	uint32_t mark = attrset_mark(b->sets, set);
	uint64_t octets = 0;

	for (uint32_t i = 0; mark && i < b->n_families; i++)
		if (b->families[i].l && b->families[i].l->octets_of)
			octets += b->families[i].l->octets_of(b->families[i].l->ctx, mark);
	return octets;
}

/*
 * Octets by peer, each set and what is made of it shared out among the references to it. A walk over
 * the whole table, but it is taken only when a session is to end. All of them together.
 */
static uint64_t share_out(const struct bgp *b)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	struct bgp_peer *peer;
	uint64_t all = 0;

	list_for_each(peer, &b->peers, node) {
		peer->octets = (uint64_t)peer->rib.n_wants * WANT_OCTETS;
		peer->octets_made = 0;
	}
	while (bgp_rib_next(b, &c, &p)) {
		uint32_t refs = attrset_at(b->sets, p.set)->refs;

		if (!p.peer)
			continue;
		p.peer->octets += PATH_OCTETS + attrset_size(p.attrs) / refs;
		p.peer->octets_made += made_of(b, p.set) / refs;
	}
	list_for_each(peer, &b->peers, node)
		all += peer->octets += peer->octets_made;
	return all;
}

/* Who has the most; NULL when our own routes are what is too much, and none of them. */
static struct bgp_peer *find_most(struct bgp *b)
{
	uint64_t used = limit_used(b), limit = b->p.memory_limit, all;
	struct bgp_peer *peer, *most = NULL;

	if (used < b->limit_looked + limit / 16) /* it was so a moment ago */
		return NULL;
	b->limit_looked = used;
	all = share_out(b);
	if (all + all / SHARE_ERROR <= limit)
		return NULL;
	b->limit_looked = 0;
	list_for_each(peer, &b->peers, node)
		if (!most || peer->octets > most->octets)
			most = peer;
	return most;
}

static void log_most(const struct bgp *b, const struct bgp_peer *p)
{
	char made[96] = "";

	if (p->octets_made > p->octets / 2)
		snprintf(made, sizeof(made), ", %llu KiB of that in the tables of VNIs that import them",
			 (unsigned long long)(p->octets_made / 1024));
	log_warn(b->p.log, LOG_BGP,
		 "peer %s: its routes take %llu KiB of the %llu KiB that memory-limit allows for all%s",
		 ip_str(&p->p.address).s, (unsigned long long)(p->octets / 1024),
		 (unsigned long long)(b->p.memory_limit / 1024), made);
}

void limit_memory(struct bgp *b, struct mtime now)
{
	static const struct msg_fault f = { .code = MSG_ERR_CEASE, .subcode = BGP_CEASE_OUT_OF_RESOURCES,
					    .why = "it has the most of what memory-limit allows" };
	struct bgp_peer *most;

	if (!limit_is_reached(b)) {
		b->limit_looked = 0;
		return;
	}
	most = is_relief_under_way(b) ? NULL : find_most(b);
	if (!most)
		return;
	if (peer_log_allow(most, now))
		log_most(b, most);
	if (most->session)
		session_stop(most->session, &f, now);
	else
		stale_forget(most, "memory-limit");
}

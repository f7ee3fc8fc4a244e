/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "bgp/limit.h"

#include <stdlib.h>

#define PATH_OCTETS 96u  /* a route with its share of the index and of one outbound group */
#define WANT_OCTETS 320u  /* a route target that a peer asks for (RFC 4684), with the claim of its group */
#define LOOK_MESSAGES 64u /* UPDATEs between two looks at the memory: 4 MiB of them at most */

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
	uint64_t used = attrset_content_bytes(b->sets) + rib_path_count(b->rib) * PATH_OCTETS;
	const struct bgp_peer *peer;

	list_for_each(peer, &b->peers, node)
		used += (uint64_t)peer->rib.n_wants * WANT_OCTETS;
	return used;
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

/*
 * Octets by peer, each set shared out among the references to it. A walk over the whole
 * table, but it is taken only when a session is to end.
 */
static void share_out(const struct bgp *b)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	struct bgp_peer *peer;

	list_for_each(peer, &b->peers, node)
		peer->octets = (uint64_t)peer->rib.n_wants * WANT_OCTETS;
	while (bgp_rib_next(b, &c, &p))
		if (p.peer)
			p.peer->octets += PATH_OCTETS + attrset_size(p.attrs) / attrset_at(b->sets, p.set)->refs;
}

void limit_memory(struct bgp *b, struct mtime now)
{
	static const struct msg_fault f = { .code = MSG_ERR_CEASE, .subcode = BGP_CEASE_OUT_OF_RESOURCES,
					    .why = "it has the most of what memory-limit allows" };
	struct bgp_peer *peer, *most = NULL;

	if (!b->p.memory_limit || ++b->limit_looks % LOOK_MESSAGES || limit_used(b) <= b->p.memory_limit ||
	    is_relief_under_way(b))
		return;
	share_out(b);
	list_for_each(peer, &b->peers, node)
		if (!most || peer->octets > most->octets)
			most = peer;
	if (!most)
		return;
	if (peer_log_allow(most, now))
		log_warn(b->p.log, LOG_BGP,
			 "peer %s: its routes take %llu KiB of the %llu KiB that memory-limit allows for all",
			 ip_str(&most->p.address).s, (unsigned long long)(most->octets / 1024),
			 (unsigned long long)(b->p.memory_limit / 1024));
	if (most->session)
		session_stop(most->session, &f, now);
	else
		stale_forget(most, "memory-limit");
}

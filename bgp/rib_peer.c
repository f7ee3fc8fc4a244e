/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Peers of the table: they come, their sessions go up and down, they go. A lost session's routes are purged in slices by
 * one sweep over the table that serves all dead peers at once, however many died; it goes round until each of them
 * holds no path any more. A sweep is no longer than the table, so nobody waits for a second round.
 */
#include <stdlib.h>

#include "base/log.h"
#include "bgp/rib.h"
#include "bgp/rib_int.h"

/* Routes looked at in a slice: about 1 ms when all of them go. */
#define PURGE_SLICE 2048u
#define BATCH 16u

void rib_peer_add(struct rib *r, struct rib_peer *p)
{
	uint32_t i = 1;

	while (i < r->n_peers && r->peers[i])
		i++;
	BUG_ON(i > UINT16_MAX);
	if (i == r->n_peers) {
		r->peers = xrealloc(r->peers, (i + 1) * sizeof(*r->peers));
		r->n_peers++;
	}
	r->peers[i] = p;
	p->index = (uint16_t)i;
	p->paths = p->rejected = 0;
	p->dead = false;
	p->marker = NULL;
}

/* The next routes with something to purge, of at most *left that are looked at. */
static uint32_t find_dead(struct rib *r, uint32_t *left, uint32_t found[BATCH])
{
	uint32_t n = 0;

	for (; n < BATCH && *left; --*left) {
		uint32_t h = rib_sweep_next(r, &r->purge);

		if (!rib_route_has_dead(r, h))
			continue;
		rib_prefetch_route(r, h);
		found[n++] = h;
	}
	return n;
}

static void purge_slice(struct rib *r)
{
	uint32_t left = PURGE_SLICE;

	while (r->n_dead && left) {
		uint32_t found[BATCH];
		uint32_t n = find_dead(r, &left, found);

		for (uint32_t i = 0; i < n; i++) {
			if (slab_live(&r->routes[found[i] >> RIB_CLASS_SHIFT], found[i] & RIB_HANDLE_MASK))
				rib_purge_route(r, found[i]); /* the listener may have been quicker */
		}
	}
}

void rib_peer_down(struct rib *r, struct rib_peer *p)
{
	out_detach(r, p);
	if (!p->paths || p->dead)
		return;
	p->dead = true;
	r->n_dead++;
	r->params.work(r->params.ctx);
}

void rib_peer_up(struct rib *r, struct rib_peer *p)
{
	while (p->dead)
		purge_slice(r);
	p->eor_sent = false;
	p->sent = 0;
}

void rib_peer_del(struct rib *r, struct rib_peer *p)
{
	rib_peer_down(r, p);
	while (p->dead)
		purge_slice(r);
	r->peers[p->index] = NULL;
	p->index = 0;
}

bool rib_work(struct rib *r, struct mtime now)
{
	bool more;

	purge_slice(r);
	more = out_work(r);
	return more || r->n_dead;
}

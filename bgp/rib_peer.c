/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Peers of the table: they come, their sessions go up and down, they go. What becomes of
 * their routes is said for whole generations (rib_gen.c) and done to each path by one sweep
 * over the table that serves all peers at once, in slices; it goes round until nobody has a
 * path left for it. It is no longer than the table, so nobody waits for a second round.
 */
#include <stdlib.h>

#include "base/log.h"
#include "bgp/rib.h"
#include "bgp/rib_int.h"

/* Routes looked at in a slice: about 1 ms when all of them go. */
#define SWEEP_SLICE 2048u
#define BATCH 16u
#define URGENT_LOOK (1u << 18) /* routes of a class, in about 1 ms */

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
	for (uint32_t f = 0; f < RIB_FAMILIES; f++)
		rib_gens_init(&p->gens[f]);
	p->marker = NULL;
}

/* The next routes that the sweep has something to do to, of at most *left that are looked at. */
static uint32_t find_swept(struct rib *r, uint32_t *left, uint32_t found[BATCH])
{
	uint32_t n = 0;

	for (; n < BATCH && *left; --*left) {
		uint32_t h = rib_sweep_next(r, &r->sweep);

		if (!rib_route_is_swept(r, h))
			continue;
		rib_prefetch_route(r, h);
		found[n++] = h;
	}
	return n;
}

/* Those that speak for others, as many as a slice has room for. They have come early, so they are found early. */
static void sweep_urgent(struct rib *r, uint32_t class)
{
	uint32_t unseen = r->n_urgent[class], left = SWEEP_SLICE, looks = URGENT_LOOK;

	for (uint32_t i = 0; unseen && left && looks-- && (i = slab_next(&r->routes[class], i));) {
		uint32_t h = class << RIB_CLASS_SHIFT | i;

		if (!rib_route_is_urgent(r, rib_route(r, h)))
			continue;
		unseen--;
		if (!rib_route_is_swept(r, h))
			continue;
		left--;
		rib_sweep_route(r, h);
		if (rib_slice_is_over(r))
			break;
	}
}

void rib_did(struct rib *r, uint32_t rows)
{
	r->rows += rows;
}

void rib_slice_begin(struct rib *r)
{
	r->rows_end = r->rows + RIB_ROWS_A_SLICE;
}

bool rib_slice_is_over(const struct rib *r)
{
	return r->rows >= r->rows_end;
}

/* Back to before a route that was found. */
static void sweep_back(struct rib *r, uint32_t h)
{
	r->sweep = (struct rib_sweep){ .class = h >> RIB_CLASS_SHIFT, .handle = (h & RIB_HANDLE_MASK) - 1 };
}

void rib_sweep_slice(struct rib *r)
{
	uint32_t left = SWEEP_SLICE;

	rib_slice_begin(r);
	if (r->urgent_first) {
		r->urgent_first = false;
		rib_doomed_free(r);
		for (uint32_t class = 0; class < RIB_CLASSES; class++)
			sweep_urgent(r, class);
	}
	while (r->n_swept && left && !rib_slice_is_over(r)) {
		uint32_t found[BATCH];
		uint32_t n = find_swept(r, &left, found);

		for (uint32_t i = 0; i < n; i++) {
			if (rib_slice_is_over(r)) {
				sweep_back(r, found[i]);
				break;
			}
			if (slab_live(&r->routes[found[i] >> RIB_CLASS_SHIFT], found[i] & RIB_HANDLE_MASK))
				rib_sweep_route(r, found[i]); /* the listener may have been quicker */
		}
	}
}

void rib_peer_down(struct rib *r, struct rib_peer *p)
{
	out_detach(r, p);
	for (uint32_t f = 0; f < r->n_families && !rib_is_view(r, f); f++)
		rib_gen_turn(r, p, r->families[f].family, RIB_GEN_ALL, RIB_GEN_DEAD);
}

void rib_peer_up(struct rib *r, struct rib_peer *p)
{
	p->eor_sent = false;
}

void rib_peer_del(struct rib *r, struct rib_peer *p)
{
	rib_peer_down(r, p);
	while (p->paths)
		rib_sweep_slice(r);
	r->peers[p->index] = NULL;
	p->index = 0;
}

bool rib_work(struct rib *r, struct mtime now)
{
	bool more;

	rib_sweep_slice(r);
	more = out_work(r);
	return more || r->n_swept;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Generations of a peer's paths in a family: what a lost session, a refresh or a timer does to a million routes is
 * done to one word, at once, and the sweep (rib_peer.c) brings the routes up to date in its own time.
 *
 *	                 BoRR             EoRR, EoR, timers, no retention
 *	CURRENT ---------------> REFRESH ----------+
 *	   |                        |              |                sweep: path by path
 *	   +-- session lost --------+--> STALE ----+-----> DEAD ----------------------------> gone
 *	                                  |        |
 *	                                  |      LONG <---- AGEING: with LLGR_STALE, unless NO_LLGR
 *	                                  |                   ^
 *	                                  +-- restart timer --+
 *
 * A route that is announced again is of the current generation from then on, so what is left in an earlier one is what
 * was not announced again. Of the four at most three are neither free nor about to be emptied by the sweep when a new
 * one is asked for, as long as no refresh begins while REFRESH or STALE ones are left and STALE ones die when the next
 * session is lost; so waiting for the sweep always ends with a free one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bgp/attr.h"
#include "bgp/rib_int.h"

void rib_gens_init(struct rib_gens *g)
{
	*g = (struct rib_gens){ .state = { RIB_GEN_CURRENT } };
}

static uint32_t find(const struct rib_gens *g, enum rib_gen_state state)
{
	uint32_t i = 0;

	while (i < RIB_GENS && g->state[i] != state)
		i++;
	return i;
}

static bool is_sweep_state(enum rib_gen_state s)
{
	return s == RIB_GEN_AGEING || s == RIB_GEN_DEAD;
}

void rib_gen_count(struct rib *r, uint32_t family, uint16_t peer, uint32_t gen)
{
	r->peers[peer]->gens[family].paths[gen]++;
}

/* Without paths a generation is free; CURRENT and LONG are there to be filled. */
static void emptied(struct rib *r, struct rib_gens *g, uint32_t gen)
{
	if (g->swept >> gen & 1)
		r->n_swept--;
	g->swept &= (uint8_t)~(1u << gen);
	if (g->state[gen] != RIB_GEN_CURRENT && g->state[gen] != RIB_GEN_LONG)
		g->state[gen] = RIB_GEN_FREE;
}

void rib_gen_uncount(struct rib *r, uint32_t family, uint16_t peer, uint32_t gen)
{
	struct rib_gens *g = &r->peers[peer]->gens[family];

	if (--g->paths[gen] == 0)
		emptied(r, g, gen);
}

/* A free one for this state; waits for the sweep if need be. */
static uint32_t take(struct rib *r, struct rib_gens *g, enum rib_gen_state state)
{
	uint32_t i;

	while ((i = find(g, RIB_GEN_FREE)) == RIB_GENS) {
		BUG_ON(!g->swept);
		rib_sweep_slice(r);
	}
	g->state[i] = (uint8_t)state;
	return i;
}

static void turn_one(struct rib *r, struct rib_gens *g, uint32_t i, enum rib_gen_state to)
{
	bool was_swept = g->swept >> i & 1;

	if (!g->paths[i]) {
		g->state[i] = RIB_GEN_FREE;
		return;
	}
	g->state[i] = (uint8_t)to;
	if (is_sweep_state(to) && !was_swept) {
		g->swept |= (uint8_t)(1u << i);
		r->n_swept++;
		r->urgent_first = true;
		r->params.work(r->params.ctx);
	}
	BUG_ON(was_swept && !is_sweep_state(to));
}

static struct rib_gens *gens_of(const struct rib *r, const struct rib_peer *p, const struct bgp_family *f)
{
	return (struct rib_gens *)(uintptr_t)&p->gens[rib_family_index(r, f)];
}

void rib_gen_turn(struct rib *r, struct rib_peer *p, const struct bgp_family *f, uint32_t from, enum rib_gen_state to)
{
	struct rib_gens *g = gens_of(r, p, f);

	if (to == RIB_GEN_AGEING && rib_gen_paths(r, p, f, from) && find(g, RIB_GEN_LONG) == RIB_GENS)
		take(r, g, RIB_GEN_LONG); /* before the sweep asks for it */
	for (uint32_t i = 0; i < RIB_GENS; i++) {
		if (from & RIB_GEN_BIT(g->state[i]) && g->state[i] != to)
			turn_one(r, g, i, to);
	}
	if (g->state[g->current] != RIB_GEN_CURRENT)
		g->current = (uint8_t)take(r, g, RIB_GEN_CURRENT);
}

bool rib_gen_ready(const struct rib *r, const struct rib_peer *p, const struct bgp_family *f)
{
	const struct rib_gens *g = gens_of(r, p, f);

	return !g->paths[g->current] || find(g, RIB_GEN_FREE) < RIB_GENS;
}

uint32_t rib_gen_paths(const struct rib *r, const struct rib_peer *p, const struct bgp_family *f, uint32_t states)
{
	const struct rib_gens *g = gens_of(r, p, f);
	uint32_t n = 0;

	for (uint32_t i = 0; i < RIB_GENS; i++) {
		if (states & RIB_GEN_BIT(g->state[i]))
			n += g->paths[i];
	}
	return n;
}

/* ---- ageing ---- */

/* The set with LLGR_STALE behind its communities. */
static uint32_t marked(struct rib *r, uint32_t set)
{
	struct bgp_attrs a = *attrset_get(r->sets, set);
	uint8_t *communities;
	struct wbuf w;

	if (bgp_has_community(&a, BGP_LLGR_STALE)) { /* it came with it */
		attrset_ref(r->sets, set);
		return set;
	}
	communities = xcalloc(1, a.communities_len + 4u);
	w = wb_init(communities, a.communities_len + 4u);
	wb_bytes(&w, a.communities, a.communities_len);
	wb_u32(&w, BGP_LLGR_STALE);
	a.communities = communities;
	a.communities_len = (uint16_t)wb_len(&w);
	set = attrset_intern(r->sets, &a);
	free(communities);
	return set;
}

uint32_t rib_gen_aged(struct rib *r, uint32_t family, uint16_t peer, uint32_t set, uint32_t *gen)
{
	const struct rib_gens *g = &r->peers[peer]->gens[family];

	if (g->state[*gen] == RIB_GEN_DEAD || bgp_has_community(attrset_get(r->sets, set), BGP_NO_LLGR))
		return 0;
	*gen = find(g, RIB_GEN_LONG);
	BUG_ON(*gen == RIB_GENS);
	return marked(r, set);
}

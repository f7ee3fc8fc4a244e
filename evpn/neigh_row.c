/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The neighbour row of an address: who of its bindings gets it, if any.
 *
 *	bindings of the address ─► contest: local, best remote, row of now ─► decide ─► dp_want(), dp_unwant()
 *
 * A local binding keeps a row for another MAC away, advertised or waiting (an address is often
 * heard of before its MAC). It is stale once its MAC was here and has left: then it makes room for
 * the row of whoever has the address now, unless the MAC comes back first. One that says the same
 * as the row (the kernel asked a remote host itself, before its route came) does not hinder it.
 */
#include "evpn/neigh.h"
#include "evpn/tables.h"

#define LOOKS 4u /* at all bindings of an address, for a change of one of them */

uint32_t neigh_best_route(const struct evpn *e, const struct binding *b)
{
	uint32_t best = 0;

	for_each_source(x, &e->macs.nodes, &b->routes)
		if (!best || import_cmp(e, x->import, best) > 0)
			best = x->import;
	return best;
}

bool neigh_is_immutable(const struct evpn *e, const struct binding *b)
{
	return !sources_empty(&b->routes) && import_get(&e->imports, neigh_best_route(e, b))->immutable;
}

/* Does binding a come before b, when both could make the row? The routes decide; the lower MAC ends a draw. */
static bool before(const struct evpn *e, uint32_t a, uint32_t b)
{
	const struct binding *ba = binding_get(e, a), *bb = binding_get(e, b);
	int d = (int)neigh_is_immutable(e, ba) - (int)neigh_is_immutable(e, bb);

	if (!d)
		d = (int)!sources_empty(&ba->routes) - (int)!sources_empty(&bb->routes);
	if (!d && !sources_empty(&ba->routes))
		d = import_cmp(e, neigh_best_route(e, ba), neigh_best_route(e, bb));
	if (d)
		return d > 0;
	return mac_u64(&mac_get(e, ba->mac)->mac) < mac_u64(&mac_get(e, bb->mac)->mac);
}

struct neigh_contest neigh_contest(const struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	struct neigh_contest c = { 0 };
	struct hidx_it it;
	uint32_t h;

	for_each_binding(h, &it, e, evi, ip) {
		const struct binding *b = binding_get(e, h);

		c.n++;
		if (b->flags & BINDING_WANTED)
			c.wanted = h;
		if (b->flags & BINDING_LOCAL)
			c.local = h;
		if (mac_is_there(mac_get(e, b->mac)->state) &&
		    (b->tunnel || !sources_empty(&b->routes)) && (!c.remote || before(e, h, c.remote)))
			c.remote = h;
	}
	return c;
}

static void row_want(struct evpn *e, const struct evi *evi, const struct ip *ip, const struct binding *b,
		     bool take_over)
{
	struct dp_row row = { .key = dp_key_neigh(evi->vni, ip), .mac = mac_get(e, b->mac)->mac };

	if (b->flags & BINDING_WANTED_ROUTER)
		row.flags |= DP_ROUTER;
	if (take_over)
		row.flags |= DP_TAKE_OVER;
	dp_want(e->dp, &row);
}

/* Must the local binding make room for the row? */
static bool yields(const struct evpn *e, const struct neigh_contest *c)
{
	const struct binding *b = binding_get(e, c->local);

	return b->flags & BINDING_STALE || (c->remote && c->remote != c->local && !(b->flags & BINDING_STATIC) &&
					    neigh_is_immutable(e, binding_get(e, c->remote)));
}

static bool says_router(const struct evpn *e, const struct binding *b)
{
	return sources_empty(&b->routes) ? b->flags & BINDING_ROUTER :
					   import_get(&e->imports, neigh_best_route(e, b))->router;
}

/* Gives the row to the winner of the contest; a stale local binding makes room for it. */
static void row_give(struct evpn *e, struct evi *evi, const struct ip *ip, const struct neigh_contest *c)
{
	struct binding *b = binding_get(e, c->remote);
	bool take_over = c->local && yields(e, c);
	uint8_t flags = BINDING_WANTED;

	if (ip->len == 16 && says_router(e, b))
		flags |= BINDING_WANTED_ROUTER;
	if (c->wanted == c->remote && !take_over && (b->flags & (BINDING_WANTED | BINDING_WANTED_ROUTER)) == flags)
		return;
	b->flags = (uint8_t)((b->flags & ~BINDING_WANTED_ROUTER) | flags);
	row_want(e, evi, ip, b, take_over);
	if (!take_over)
		return;
	note_ip(e, evi, b, HISTORY_REMOTE, &mac_get(e, binding_get(e, c->local)->mac)->mac,
		neigh_is_immutable(e, b) ? "a route has it as immutable" : "the host has left its port");
	neigh_forget_local(e, evi, c->local);
}

/*
 * Where rows come on demand: is the address in use, or was it looked for a moment ago?
 * Who has it now is in use with it. May come back here for the addresses of that MAC.
 */
static bool is_asked_for(struct evpn *e, struct evi *evi, const struct ip *ip, const struct neigh_contest *c)
{
	struct binding *b = binding_get(e, c->remote);

	if (!(b->flags & BINDING_IN_USE) && !(c->wanted && binding_get(e, c->wanted)->flags & BINDING_IN_USE) &&
	    !demand_wants_ip(evi, ip))
		return false;
	if (c->wanted && c->wanted != c->remote)
		binding_get(e, c->wanted)->flags &= (uint8_t)~BINDING_IN_USE;
	b->flags |= BINDING_IN_USE;
	mac_use(e, b->mac);
	return true;
}

static uint32_t vtep_of(const struct evpn *e, uint32_t binding)
{
	return import_get(&e->imports, neigh_best_route(e, binding_get(e, binding)))->vtep;
}

void neigh_decide(struct evpn *e, struct evi *evi, const struct ip *ip)
{
	struct neigh_contest c = neigh_contest(e, evi, ip);
	bool held = c.local && c.local != c.remote && !yields(e, &c);

	e->steps += c.n * LOOKS;
	if (evi->demand)
		solicited_set(e, evi, ip, SOLICITED_BINDING, c.remote && !held ? vtep_of(e, c.remote) : 0);
	if (!evi->suppress || held || (evi->demand && c.remote && !is_asked_for(e, evi, ip, &c)))
		c.remote = 0;
	if (c.wanted && !c.remote)
		binding_get(e, c.wanted)->flags &= (uint8_t)~BINDING_IN_USE;
	if (c.wanted && c.wanted != c.remote)
		binding_get(e, c.wanted)->flags &= (uint8_t)~(BINDING_WANTED | BINDING_WANTED_ROUTER);
	if (c.remote) {
		row_give(e, evi, ip, &c);
	} else if (c.wanted) {
		struct dp_key key = dp_key_neigh(evi->vni, ip);

		dp_unwant(e->dp, &key);
	}
	binding_sweep(e, evi, ip);
}

bool neigh_row(const struct evpn *e, const struct evi *evi, const struct ip *ip, struct mac *mac, bool *router)
{
	uint32_t h = neigh_contest(e, evi, ip).wanted;

	if (!h)
		return false;
	*mac = mac_get(e, binding_get(e, h)->mac)->mac;
	*router = binding_get(e, h)->flags & BINDING_WANTED_ROUTER;
	return true;
}

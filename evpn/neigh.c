/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * See neigh.h. The index is by EVI and address, so the bindings that compete for one neighbour row are neighbours in it.
 * A binding also lies in the list of its MAC, since what becomes of it follows from where the MAC is:
 *
 *   MAC here     a local binding is advertised
 *   MAC there    a binding by routes, or heard out of the tunnel, is a candidate for the row
 *   otherwise    a binding waits
 *
 * A local binding keeps a row for another MAC away, advertised or waiting (an address is often heard of before its MAC).
 * It is stale once its MAC was here and has left: then it makes room for the row of whoever has the address now, unless
 * the MAC comes back first. One that says the same as the row (the kernel asked a remote host itself, before its route
 * came) does not hinder it.
 */
#include "evpn/neigh.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "evpn/origin.h"
#include "evpn/tables.h"

static uint64_t key_hash(const struct evpn *e, uint16_t evi, const uint8_t *ip, size_t len)
{
	return XXH3_64bits_withSeed(ip, len, e->seed + evi);
}

void neigh_table_init(struct evpn *e)
{
	slab_init_in(&e->neighs.slab[0], sizeof(struct binding) + 4, &e->pages);
	slab_init_in(&e->neighs.slab[1], sizeof(struct binding) + 16, &e->pages);
	hidx_init(&e->neighs.index, &e->pages);
}

void neigh_table_fini(struct evpn *e)
{
	hidx_fini(&e->neighs.index);
	slab_fini(&e->neighs.slab[0]);
	slab_fini(&e->neighs.slab[1]);
}

uint32_t neigh_count(const struct evpn *e)
{
	return e->neighs.slab[0].used + e->neighs.slab[1].used;
}

uint32_t neigh_next(const struct evpn *e, uint32_t h)
{
	uint32_t at = slab_next(&e->neighs.slab[h & 1], h >> 1);

	if (at)
		return at << 1 | (h & 1);
	at = h & 1 ? 0 : slab_next(&e->neighs.slab[1], 0);
	return at ? at << 1 | 1 : 0;
}

/* The first from h on (h included) that binds this address; 0 at the end. */
static uint32_t match(const struct evpn *e, const struct evi *evi, const struct ip *ip, uint32_t h, struct hidx_it *it)
{
	for (; h; h = hidx_next(it)) {
		const struct binding *b = binding_get(e, h);

		if (b->evi == evi->slot && b->ip_len == ip->len && !memcmp(b->ip, ip->b, ip->len))
			return h;
	}
	return 0;
}

static uint32_t first(const struct evpn *e, const struct evi *evi, const struct ip *ip, struct hidx_it *it)
{
	return match(e, evi, ip, hidx_first(&e->neighs.index, key_hash(e, evi->slot, ip->b, ip->len), it), it);
}

/* None may come or go meanwhile. */
#define for_each_binding(h, it, e, evi, ip)                                                                            \
	for ((h) = first((e), (evi), (ip), (it)); (h); (h) = match((e), (evi), (ip), hidx_next(it), (it)))

static uint32_t find(const struct evpn *e, const struct evi *evi, const struct ip *ip, uint32_t mac)
{
	struct hidx_it it;
	uint32_t h;

	for_each_binding(h, &it, e, evi, ip)
		if (binding_get(e, h)->mac == mac)
			return h;
	return 0;
}

static uint32_t obtain(struct evpn *e, struct evi *evi, const struct ip *ip, uint32_t mac)
{
	uint32_t h = find(e, evi, ip, mac), v6 = ip->len == 16;
	struct mac_entry *m = mac_get(e, mac);
	struct binding *b;

	if (h)
		return h;
	h = slab_alloc(&e->neighs.slab[v6]) << 1 | v6;
	b = binding_get(e, h);
	b->evi = evi->slot;
	b->ip_len = ip->len & 31;
	memcpy(b->ip, ip->b, ip->len);
	b->since = evpn_seconds(e);
	b->mac = mac;
	b->next = m->bindings;
	if (b->next)
		binding_get(e, b->next)->prev = h;
	m->bindings = h;
	hidx_insert(&e->neighs.index, key_hash(e, evi->slot, ip->b, ip->len), h);
	return h;
}

/* Frees the binding, and its MAC when that was held for it only. */
static void drop(struct evpn *e, uint32_t h)
{
	struct binding *b = binding_get(e, h);
	uint32_t mac = b->mac;

	BUG_ON(b->flags & (BINDING_SENT | BINDING_WANTED));
	if (b->next)
		binding_get(e, b->next)->prev = b->prev;
	if (b->prev)
		binding_get(e, b->prev)->next = b->next;
	else
		mac_get(e, mac)->bindings = b->next;
	hidx_remove(&e->neighs.index, key_hash(e, b->evi, b->ip, b->ip_len), h);
	slab_free(&e->neighs.slab[h & 1], h >> 1);
	mac_reap(e, mac);
}

static bool nobody_says(const struct binding *b)
{
	return !(b->flags & BINDING_LOCAL) && !b->tunnel && sources_empty(&b->routes);
}

/* Frees what is left without a reason at this address. */
static void sweep(struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	struct hidx_it it;
	uint32_t h;

	do {
		for_each_binding(h, &it, e, evi, ip)
			if (nobody_says(binding_get(e, h)))
				break;
		if (h)
			drop(e, h); /* the index may look otherwise now */
	} while (h);
}

/* For the counters of the EVI: taken off before a change, put back after it. */
static void count(struct evi *evi, const struct binding *b, uint32_t by)
{
	if (b->flags & BINDING_LOCAL)
		evi->local_ips += by;
	else if (b->tunnel || !sources_empty(&b->routes))
		evi->remote_ips += by;
}

/* ---- local bindings: advertised or waiting ----------------------------------------------------------------------- */

static bool is_duplicate(const struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	struct moves_key k = moves_key_ip(evi, ip);

	return moves_frozen(e, &k);
}

static void advertise(struct evpn *e, uint32_t h)
{
	struct binding *b = binding_get(e, h);
	const struct mac_entry *m = mac_get(e, b->mac);
	struct origin_mac o = { .mac = m->mac,
				.ip = binding_ip(b),
				.sequence = m->sequence,
				.sticky = m->flags & MAC_STATIC,
				.router = b->flags & BINDING_ROUTER,
				.immutable = b->flags & BINDING_STATIC };

	if (!(b->flags & BINDING_LOCAL) || !mac_is_here(m->state) ||
	    is_duplicate(e, evi_get(&e->evis, b->evi), &o.ip))
		return;
	b->flags |= BINDING_SENT;
	origin_mac(e, evi_get(&e->evis, b->evi), &o);
}

static void withdraw(struct evpn *e, uint32_t h)
{
	struct binding *b = binding_get(e, h);
	struct ip ip = binding_ip(b);

	if (!(b->flags & BINDING_SENT))
		return;
	b->flags &= (uint8_t)~BINDING_SENT;
	origin_mac_withdraw(e, evi_get(&e->evis, b->evi), &mac_get(e, b->mac)->mac, &ip);
}

/*
 * Changes those of a MAC one by one. A change may call bgp, and that back, and so take others along or bring some: those
 * that there are now, as far as they are there still.
 */
static void for_addresses(struct evpn *e, uint32_t mac, void (*change)(struct evpn *e, uint32_t h))
{
	const struct evi *evi = evi_get(&e->evis, mac_get(e, mac)->evi);
	struct ip few[4], *ips = few;
	uint32_t n = 0, i = 0, h;

	for (h = mac_get(e, mac)->bindings; h; h = binding_get(e, h)->next)
		n++;
	if (n > sizeof(few) / sizeof(few[0]))
		ips = xcalloc(n, sizeof(*ips));
	for (h = mac_get(e, mac)->bindings; h; h = binding_get(e, h)->next)
		ips[i++] = binding_ip(binding_get(e, h));
	for (i = 0; i < n; i++) {
		h = find(e, evi, &ips[i], mac);
		if (h)
			change(e, h);
	}
	if (ips != few)
		free(ips);
}

void neigh_mac_advertise(struct evpn *e, uint32_t mac)
{
	for_addresses(e, mac, advertise);
}

void neigh_mac_withdraw(struct evpn *e, uint32_t mac)
{
	for_addresses(e, mac, withdraw);
}

/* ---- the neighbour row of an address ------------------------------------------------------------------------------ */

uint32_t neigh_best_route(const struct evpn *e, const struct binding *b)
{
	const struct source *x = sources_empty(&b->routes) ? NULL : &b->routes.first;
	uint32_t best = 0;

	for (; x; x = sources_next(&e->macs.nodes, &b->routes, x))
		if (!best || import_cmp(e, x->import, best) > 0)
			best = x->import;
	return best;
}

/* RFC 9047 2: the address can only be bound to the MAC of this route. */
static bool is_immutable(const struct evpn *e, const struct binding *b)
{
	return !sources_empty(&b->routes) && import_get(&e->imports, neigh_best_route(e, b))->immutable;
}

/* Does binding a come before b, when both could make the row? The routes decide; the lower MAC ends a draw. */
static bool before(const struct evpn *e, uint32_t a, uint32_t b)
{
	const struct binding *ba = binding_get(e, a), *bb = binding_get(e, b);
	int d = (int)is_immutable(e, ba) - (int)is_immutable(e, bb);

	if (!d)
		d = (int)!sources_empty(&ba->routes) - (int)!sources_empty(&bb->routes);
	if (!d && !sources_empty(&ba->routes))
		d = import_cmp(e, neigh_best_route(e, ba), neigh_best_route(e, bb));
	if (d)
		return d > 0;
	return mac_u64(&mac_get(e, ba->mac)->mac) < mac_u64(&mac_get(e, bb->mac)->mac);
}

struct contest { /* who is there for one address; handles, 0 for nobody */
	uint32_t local, remote, wanted;
};

static struct contest contest(const struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	struct contest c = { 0 };
	struct hidx_it it;
	uint32_t h;

	for_each_binding(h, &it, e, evi, ip) {
		const struct binding *b = binding_get(e, h);

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

static void no_longer_local(struct evpn *e, struct evi *evi, uint32_t h)
{
	struct binding *b = binding_get(e, h);

	count(evi, b, -1u);
	b->flags &= (uint8_t)~(BINDING_LOCAL | BINDING_ROUTER | BINDING_STALE | BINDING_STATIC);
	count(evi, b, 1);
	b->since = evpn_seconds(e);
	withdraw(e, h);
}

/*
 * No longer local: the dataplane says so, another MAC has the address now, or a row of ours takes its place. The binding may be gone
 * after it.
 */
static void forget_local(struct evpn *e, struct evi *evi, uint32_t h)
{
	struct mac mac = mac_get(e, binding_get(e, h)->mac)->mac;
	struct ip ip = binding_ip(binding_get(e, h));

	no_longer_local(e, evi, h);
	host_forget(e, evi, &ip, &mac);
}

static void row_want(struct evpn *e, const struct evi *evi, const struct ip *ip, const struct binding *b, bool take_over)
{
	struct dp_row row = { .key = dp_key_neigh(evi->vni, ip), .mac = mac_get(e, b->mac)->mac };

	if (b->flags & BINDING_WANTED_ROUTER)
		row.flags |= DP_ROUTER;
	if (take_over)
		row.flags |= DP_TAKE_OVER;
	dp_want(e->dp, &row);
}

/* Must the local binding make room for the row? */
static bool yields(const struct evpn *e, const struct contest *c)
{
	const struct binding *b = binding_get(e, c->local);

	return b->flags & BINDING_STALE || (c->remote && c->remote != c->local && !(b->flags & BINDING_STATIC) &&
					    is_immutable(e, binding_get(e, c->remote)));
}

static bool says_router(const struct evpn *e, const struct binding *b)
{
	return sources_empty(&b->routes) ? b->flags & BINDING_ROUTER :
					   import_get(&e->imports, neigh_best_route(e, b))->router;
}

/* Gives the row to the winner of the contest; a stale local binding makes room for it. */
static void row_give(struct evpn *e, struct evi *evi, const struct ip *ip, const struct contest *c)
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
		is_immutable(e, b) ? "a route has it as immutable" : "the host has left its port");
	forget_local(e, evi, c->local);
}

/*
 * Where rows come on demand: is the address in use, or was it looked for a moment ago? Who has it now is in use with it.
 * May come back here for the addresses of that MAC.
 */
static bool is_asked_for(struct evpn *e, struct evi *evi, const struct ip *ip, const struct contest *c)
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

/* Makes the row of an address what its bindings say, and frees those that nobody says any more. */
static void decide(struct evpn *e, struct evi *evi, const struct ip *ip)
{
	struct contest c = contest(e, evi, ip);
	bool held = c.local && c.local != c.remote && !yields(e, &c);

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
	sweep(e, evi, ip);
}

void neigh_mac_lost(struct evpn *e, uint32_t mac)
{
	const struct mac_entry *m = mac_get(e, mac);
	struct evi *evi = evi_get(&e->evis, m->evi);

	for (uint32_t h = evi->learns ? 0 : m->bindings; h; h = binding_get(e, h)->next) {
		const struct binding *b = binding_get(e, h);
		struct ip ip = binding_ip(b);

		if (b->flags & BINDING_LOCAL)
			host_left(e, evi, &ip, &m->mac);
	}
}

void neigh_mac_came(struct evpn *e, uint32_t mac)
{
	const struct mac_entry *m = mac_get(e, mac);
	struct evi *evi = evi_get(&e->evis, m->evi);
	unsigned asked = 0;

	for (uint32_t h = evi->host_learning ? m->bindings : 0; h && asked < HOST_WELCOMES; h = binding_get(e, h)->next) {
		const struct binding *b = binding_get(e, h);
		struct ip ip = binding_ip(b);

		if (b->flags & BINDING_LOCAL || sources_empty(&b->routes))
			continue;
		host_welcome(e, evi, &ip, &m->mac);
		asked++;
	}
}

static void mac_moved(struct evpn *e, uint32_t h)
{
	struct binding *b = binding_get(e, h);
	struct evi *evi = evi_get(&e->evis, b->evi);
	struct ip ip = binding_ip(b);

	if (mac_is_here(mac_get(e, b->mac)->state)) {
		b->flags &= (uint8_t)~BINDING_STALE;
		if (b->flags & BINDING_LOCAL)
			note_ip(e, evi, b, HISTORY_LOCAL, NULL, "its MAC is here");
	} else if (b->flags & BINDING_SENT) {
		b->flags |= BINDING_STALE;
	}
	decide(e, evi, &ip);
}

void neigh_mac_moved(struct evpn *e, uint32_t mac)
{
	for_addresses(e, mac, mac_moved);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static uint32_t local_binding(const struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	struct hidx_it it;
	uint32_t h;

	for_each_binding(h, &it, e, evi, ip)
		if (binding_get(e, h)->flags & BINDING_LOCAL)
			return h;
	return 0;
}

static uint32_t tunnel_binding(const struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	struct hidx_it it;
	uint32_t h;

	for_each_binding(h, &it, e, evi, ip)
		if (binding_get(e, h)->tunnel)
			return h;
	return 0;
}

static const char silent[] = "asked, and did not answer";

/* Zero of none. */
static struct mac mac_of(const struct evpn *e, uint32_t binding)
{
	return binding ? mac_get(e, binding_get(e, binding)->mac)->mac : (struct mac){ 0 };
}

static bool is_at(const struct evpn *e, uint32_t binding, const struct mac *mac)
{
	return mac_eq(&mac_get(e, binding_get(e, binding)->mac)->mac, mac);
}

/*
 * RFC 9161 3.7: an address that goes from one MAC to another again and again is somebody's mistake, or worse. Then no
 * route of ours says where it is; hosts that ask for it ask all others. The log names both.
 */
static void count_move(struct evpn *e, const struct evi *evi, const struct ip *ip, uint32_t from, const struct mac *to)
{
	struct moves_key k = moves_key_ip(evi, ip);

	if (!moves_add(e, &k, true))
		return;
	note_ip(e, evi, binding_get(e, from), HISTORY_DUPLICATE, to, "moved too often");
	if (!log_allow(e->log, &e->conflicts, LOG_EVPN, e->now))
		return;
	log_warn(e->log, LOG_EVPN,
		 "vni %u ip %s: duplicate: moved %u times within %u s, between %s and %s at last; not advertised until 'mac clear'%s",
		 evi->vni, ip_str(ip).s, evi->mobility.moves, evi->mobility.window,
		 mac_str(&mac_get(e, binding_get(e, from)->mac)->mac).s, mac_str(to).s,
		 evi->mobility.recovery ? " or its recovery" : "");
}

bool neigh_has_many(const struct evpn *e, const struct evi *evi, const struct mac *mac, unsigned n)
{
	uint32_t m = mac_find(e, evi, mac);

	for (uint32_t h = m ? mac_get(e, m)->bindings : 0; h && n; h = binding_get(e, h)->next)
		n--;
	return !n;
}

bool neigh_row(const struct evpn *e, const struct evi *evi, const struct ip *ip, struct mac *mac, bool *router)
{
	uint32_t h = contest(e, evi, ip).wanted;

	if (!h)
		return false;
	*mac = mac_get(e, binding_get(e, h)->mac)->mac;
	*router = binding_get(e, h)->flags & BINDING_WANTED_ROUTER;
	return true;
}

bool neigh_is_bound(const struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac)
{
	uint32_t m = mac_find(e, evi, mac);

	return m && find(e, evi, ip, m);
}

uint32_t neigh_nth(const struct evpn *e, const struct evi *evi, const struct ip *ip, unsigned n)
{
	struct hidx_it it;
	uint32_t h;

	for_each_binding(h, &it, e, evi, ip)
		if (!n--)
			return h;
	return 0;
}

bool neigh_is_local(const struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	return local_binding(e, evi, ip) != 0;
}

uint32_t neigh_find(const struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	uint32_t best = local_binding(e, evi, ip), h;
	struct hidx_it it;

	for_each_binding(h, &it, e, evi, ip)
		if (!best || binding_get(e, h)->flags & BINDING_WANTED)
			best = h;
	return best;
}

bool neigh_has_route(const struct evpn *e, const struct evi *evi, const struct ip *ip, const uint8_t rd[8])
{
	struct hidx_it it;
	uint32_t h;

	for_each_binding(h, &it, e, evi, ip)
		if (sources_have(&e->macs.nodes, &binding_get(e, h)->routes, rd))
			return true;
	return false;
}

bool neigh_use(struct evpn *e, struct evi *evi, const struct ip *ip, struct mac *mac, bool *router, bool *there)
{
	uint32_t h = contest(e, evi, ip).remote;
	struct binding *b = h ? binding_get(e, h) : NULL;

	if (!b)
		return false;
	*mac = mac_get(e, b->mac)->mac;
	*router = ip->len == 16 && import_get(&e->imports, neigh_best_route(e, b))->router;
	*there = mac_get(e, b->mac)->flags & MAC_IN_USE;
	b->flags |= BINDING_IN_USE;
	mac_use(e, b->mac);
	decide(e, evi, ip);
	return true;
}

static void mac_unused(struct evpn *e, uint32_t h)
{
	struct binding *b = binding_get(e, h);
	struct ip ip = binding_ip(b);

	if (!(b->flags & BINDING_IN_USE))
		return;
	b->flags &= (uint8_t)~BINDING_IN_USE;
	decide(e, evi_get(&e->evis, b->evi), &ip);
}

void neigh_mac_unuse(struct evpn *e, uint32_t mac)
{
	for_addresses(e, mac, mac_unused);
}

void neigh_thaw(struct evpn *e, struct evi *evi, const struct ip *ip)
{
	uint32_t h = local_binding(e, evi, ip);

	if (h)
		advertise(e, h);
}

/* An address that a route pins to another MAC is not taken for a host's own. */
static bool is_pinned_elsewhere(struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac,
				uint32_t remote)
{
	if (!remote || is_at(e, remote, mac) || !is_immutable(e, binding_get(e, remote)))
		return false;
	if (!log_allow(e->log, &e->conflicts, LOG_EVPN, e->now))
		return true; /* every packet comes here */
	note_ip_refused(e, evi, ip, mac, &mac_get(e, binding_get(e, remote)->mac)->mac, "a route has it as immutable");
	log_warn(e->log, LOG_EVPN, "vni %u ip %s: claimed by %s here, but VTEP %s has it as immutable at %s: not learned",
		 evi->vni, ip_str(ip).s, mac_str(mac).s,
		 ip_str(import_vtep(e, neigh_best_route(e, binding_get(e, remote)))).s,
		 mac_str(&mac_get(e, binding_get(e, remote)->mac)->mac).s);
	return true;
}

static void no_longer_there(struct evpn *e, struct evi *evi, uint32_t h)
{
	struct binding *b = binding_get(e, h);

	count(evi, b, -1u);
	b->tunnel = false;
	if (!(b->flags & BINDING_LOCAL))
		b->flags &= (uint8_t)~BINDING_ROUTER;
	count(evi, b, 1);
	b->since = evpn_seconds(e);
}

void neigh_learned_there(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac, bool router)
{
	uint32_t here = local_binding(e, evi, ip), there = tunnel_binding(e, evi, ip), h;
	struct mac mac_was = mac_of(e, there);
	struct binding *b;

	if (here && binding_get(e, here)->flags & BINDING_STATIC) {
		host_forget(e, evi, ip, mac);
		return;
	}
	h = obtain(e, evi, ip, mac_obtain(e, evi, mac));
	if (here)
		no_longer_local(e, evi, here);
	if (there && there != h)
		no_longer_there(e, evi, there);
	b = binding_get(e, h);
	count(evi, b, -1u);
	if (!b->tunnel) {
		b->since = evpn_seconds(e);
		note_ip(e, evi, b, HISTORY_REMOTE, there ? &mac_was : NULL, "heard out of the tunnel");
	}
	b->tunnel = true;
	b->flags = (uint8_t)((b->flags & ~BINDING_ROUTER) | (router ? BINDING_ROUTER : 0));
	count(evi, b, 1);
	decide(e, evi, ip);
}

void neigh_left_there(struct evpn *e, struct evi *evi, const struct ip *ip)
{
	uint32_t h = tunnel_binding(e, evi, ip);

	if (!h)
		return;
	note_ip(e, evi, binding_get(e, h), HISTORY_GONE, NULL, silent);
	no_longer_there(e, evi, h);
	decide(e, evi, ip);
}

void neigh_learned(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac, uint8_t says)
{
	struct contest c = contest(e, evi, ip);
	uint32_t old = c.local, row = c.wanted, there = tunnel_binding(e, evi, ip), h;
	struct mac mac_was = mac_of(e, old ? old : row);
	bool moved = (old || row) && !mac_eq(&mac_was, mac);
	struct binding *b;
	uint8_t was;

	if (!(says & BINDING_STATIC) && is_pinned_elsewhere(e, evi, ip, mac, c.remote)) {
		host_forget(e, evi, ip, mac);
		return;
	}
	if (old && !is_at(e, old, mac)) {
		count_move(e, evi, ip, old, mac);
		forget_local(e, evi, old);
	} else if (!old && row && !is_at(e, row, mac)) {
		count_move(e, evi, ip, row, mac);
	}
	h = obtain(e, evi, ip, mac_obtain(e, evi, mac));
	if (there)
		no_longer_there(e, evi, there);
	b = binding_get(e, h);
	was = b->flags;
	count(evi, b, -1u);
	b->flags = (uint8_t)((was & ~(BINDING_ROUTER | BINDING_STALE | BINDING_STATIC)) | BINDING_LOCAL | says);
	count(evi, b, 1);
	if (!(was & BINDING_LOCAL)) {
		b->since = evpn_seconds(e);
		note_ip(e, evi, b, mac_is_here(mac_get(e, b->mac)->state) ? HISTORY_LOCAL : HISTORY_WAITING,
			moved ? &mac_was : NULL, says & BINDING_STATIC ? "set by hand" : "heard on a port");
	}
	decide(e, evi, ip);
	h = local_binding(e, evi, ip); /* a row may have taken its place */
	if (h && is_at(e, h, mac) &&
	    (!(was & BINDING_SENT) || ((was ^ binding_get(e, h)->flags) & (BINDING_ROUTER | BINDING_STATIC))))
		advertise(e, h);
}

void neigh_left(struct evpn *e, struct evi *evi, const struct ip *ip)
{
	uint32_t h = local_binding(e, evi, ip);

	if (!h)
		return;
	note_ip(e, evi, binding_get(e, h), HISTORY_GONE, NULL, "the host or its port has left");
	forget_local(e, evi, h);
	decide(e, evi, ip);
}

void neigh_gone(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac)
{
	uint32_t h = local_binding(e, evi, ip);

	if (!h || !is_at(e, h, mac))
		return;
	note_ip(e, evi, binding_get(e, h), HISTORY_GONE, NULL, silent);
	binding_get(e, h)->flags |= BINDING_STALE;
	decide(e, evi, ip);
	h = local_binding(e, evi, ip); /* nobody else has the address */
	if (h) {
		forget_local(e, evi, h);
		sweep(e, evi, ip);
	}
}

/*
 * RFC 9161 3.6: of a local address another VTEP says that it is at another MAC now. The route cannot be the judge, so
 * the host is asked.
 */
static void challenge(struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	struct contest c = contest(e, evi, ip);

	if (c.local && c.remote && c.local != c.remote)
		host_doubt(e, evi, ip);
}

void neigh_route_set(struct evpn *e, struct evi *evi, const struct mac *mac, const struct ip *ip, const uint8_t rd[8],
		     uint32_t import)
{
	struct binding *b;
	uint32_t m, was;
	bool first_one;

	hidx_prefetch(&e->neighs.index, key_hash(e, evi->slot, ip->b, ip->len)); /* comes while the MAC is looked for */
	m = mac_obtain(e, evi, mac);
	b = binding_get(e, obtain(e, evi, ip, m));
	count(evi, b, -1u);
	first_one = sources_empty(&b->routes);
	was = sources_put(&e->macs.nodes, &b->routes, rd, import_ref(&e->imports, import));
	count(evi, b, 1);
	if (first_one)
		note_ip(e, evi, b, HISTORY_REMOTE, NULL, mac_reason_text(mac_why_there(import_get(&e->imports, import))));
	mac_claim_changed(e, m, was, import);
	decide(e, evi, ip);
	if (was)
		import_unref(e, was);
	challenge(e, evi, ip);
}

void neigh_route_del(struct evpn *e, struct evi *evi, const struct mac *mac, const struct ip *ip, const uint8_t rd[8])
{
	uint32_t m = mac_find(e, evi, mac);
	uint32_t h = m ? find(e, evi, ip, m) : 0, was;
	struct binding *b = h ? binding_get(e, h) : NULL;

	if (!b)
		return;
	count(evi, b, -1u);
	was = sources_del(&e->macs.nodes, &b->routes, rd);
	count(evi, b, 1);
	if (!was)
		return;
	if (sources_empty(&b->routes))
		note_ip(e, evi, b, HISTORY_GONE, NULL, mac_reason_text(MAC_R_WITHDRAWN));
	mac_claim_changed(e, m, was, 0);
	decide(e, evi, ip);
	import_unref(e, was);
}

void neigh_mac_clear(struct evpn *e, uint32_t mac)
{
	struct evi *evi = evi_get(&e->evis, mac_get(e, mac)->evi);
	struct mac m = mac_get(e, mac)->mac;
	uint32_t h;

	while ((h = mac_get(e, mac)->bindings)) {
		struct ip ip = binding_ip(binding_get(e, h));
		struct source s = binding_get(e, h)->routes.first;

		if (binding_get(e, h)->flags & BINDING_LOCAL)
			neigh_left(e, evi, &ip);
		else if (binding_get(e, h)->tunnel)
			neigh_left_there(e, evi, &ip);
		else
			neigh_route_del(e, evi, &m, &ip, s.rd);
	}
}

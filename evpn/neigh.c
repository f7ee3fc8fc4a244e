/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What hosts, routes and moves of MACs do to bindings, and what is advertised of them. It
 * follows from where the MAC is:
 *
 *   MAC here     a local binding is advertised
 *   MAC there    a binding by routes, or heard out of the tunnel, is a candidate for the row (neigh_row.c)
 *   otherwise    a binding waits
 */
#include "evpn/neigh.h"

#include "evpn/origin.h"
#include "evpn/tables.h"

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

static void no_longer_local(struct evpn *e, struct evi *evi, uint32_t h)
{
	struct binding *b = binding_get(e, h);

	binding_tally(evi, b, -1u);
	b->flags &= (uint8_t)~(BINDING_LOCAL | BINDING_ROUTER | BINDING_STALE | BINDING_STATIC);
	binding_tally(evi, b, 1);
	b->since = evpn_seconds(e);
	withdraw(e, h);
}

void neigh_forget_local(struct evpn *e, struct evi *evi, uint32_t h)
{
	struct mac mac = mac_get(e, binding_get(e, h)->mac)->mac;
	struct ip ip = binding_ip(binding_get(e, h));

	no_longer_local(e, evi, h);
	host_forget(e, evi, &ip, &mac);
}

void neigh_mac_advertise(struct evpn *e, uint32_t mac)
{
	binding_change_all(e, mac, advertise);
}

void neigh_mac_withdraw(struct evpn *e, uint32_t mac)
{
	binding_change_all(e, mac, withdraw);
}

void neigh_thaw(struct evpn *e, struct evi *evi, const struct ip *ip)
{
	uint32_t h = binding_local(e, evi, ip);

	if (h)
		advertise(e, h);
}

/* ---- the MAC has moved ------------------------------------------------------------------------------------------- */

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

	for (uint32_t h = evi->host_learning ? m->bindings : 0; h && asked < HOST_WELCOMES;
	     h = binding_get(e, h)->next) {
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
	neigh_decide(e, evi, &ip);
}

void neigh_mac_moved(struct evpn *e, uint32_t mac)
{
	binding_change_all(e, mac, mac_moved);
}

/* ---- rows on demand ---------------------------------------------------------------------------------------------- */

bool neigh_use(struct evpn *e, struct evi *evi, const struct ip *ip, struct mac *mac, bool *router, bool *there)
{
	uint32_t h = neigh_contest(e, evi, ip).remote;
	struct binding *b = h ? binding_get(e, h) : NULL;

	if (!b)
		return false;
	*mac = mac_get(e, b->mac)->mac;
	*router = ip->len == 16 && import_get(&e->imports, neigh_best_route(e, b))->router;
	*there = mac_get(e, b->mac)->flags & MAC_IN_USE;
	b->flags |= BINDING_IN_USE;
	mac_use(e, b->mac);
	neigh_decide(e, evi, ip);
	return true;
}

static void mac_unused(struct evpn *e, uint32_t h)
{
	struct binding *b = binding_get(e, h);
	struct ip ip = binding_ip(b);

	if (!(b->flags & BINDING_IN_USE))
		return;
	b->flags &= (uint8_t)~BINDING_IN_USE;
	neigh_decide(e, evi_get(&e->evis, b->evi), &ip);
}

void neigh_mac_unuse(struct evpn *e, uint32_t mac)
{
	binding_change_all(e, mac, mac_unused);
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

bool neigh_has_many(const struct evpn *e, const struct evi *evi, const struct mac *mac, unsigned n)
{
	uint32_t m = mac_find(e, evi, mac);

	for (uint32_t h = m ? mac_get(e, m)->bindings : 0; h && n; h = binding_get(e, h)->next)
		n--;
	return !n;
}

bool neigh_is_bound(const struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac)
{
	uint32_t m = mac_find(e, evi, mac);

	return m && binding_find(e, evi, ip, m);
}

bool neigh_is_local(const struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	return binding_local(e, evi, ip) != 0;
}

uint32_t neigh_find(const struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	uint32_t best = binding_local(e, evi, ip), h;
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

bool neigh_route_of(const struct evpn *e, const struct evi *evi, const struct mac *mac, const uint8_t rd[8],
		    struct ip *out)
{
	uint32_t m = mac_find(e, evi, mac), h = m ? mac_get(e, m)->bindings : 0;

	while (h && !sources_have(&e->macs.nodes, &binding_get(e, h)->routes, rd))
		h = binding_get(e, h)->next;
	if (h)
		*out = binding_ip(binding_get(e, h));
	return h;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

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
		 "vni %u ip %s: duplicate: moved %u times within %u s, between %s and %s at last; not advertised until "
		 "'mac clear'%s",
		 evi->vni, ip_str(ip).s, evi->mobility.moves, evi->mobility.window,
		 mac_str(&mac_get(e, binding_get(e, from)->mac)->mac).s, mac_str(to).s,
		 evi->mobility.recovery ? " or its recovery" : "");
}

/* An address that a route pins to another MAC is not taken for a host's own. */
static bool is_pinned_elsewhere(struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac,
				uint32_t remote)
{
	if (!remote || is_at(e, remote, mac) || !neigh_is_immutable(e, binding_get(e, remote)))
		return false;
	if (!log_allow(e->log, &e->conflicts, LOG_EVPN, e->now))
		return true; /* every packet comes here */
	note_ip_refused(e, evi, ip, mac, &mac_get(e, binding_get(e, remote)->mac)->mac, "a route has it as immutable");
	log_warn(e->log, LOG_EVPN,
		 "vni %u ip %s: claimed by %s here, but VTEP %s has it as immutable at %s: not learned", evi->vni,
		 ip_str(ip).s, mac_str(mac).s, ip_str(import_vtep(e, neigh_best_route(e, binding_get(e, remote)))).s,
		 mac_str(&mac_get(e, binding_get(e, remote)->mac)->mac).s);
	return true;
}

static void no_longer_there(struct evpn *e, struct evi *evi, uint32_t h)
{
	struct binding *b = binding_get(e, h);

	binding_tally(evi, b, -1u);
	b->tunnel = false;
	if (!(b->flags & BINDING_LOCAL))
		b->flags &= (uint8_t)~BINDING_ROUTER;
	binding_tally(evi, b, 1);
	b->since = evpn_seconds(e);
}

void neigh_learned_there(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac, bool router)
{
	uint32_t here = binding_local(e, evi, ip), there = binding_tunnel(e, evi, ip), h;
	struct mac mac_was = mac_of(e, there);
	struct binding *b;

	if (here && binding_get(e, here)->flags & BINDING_STATIC) {
		host_forget(e, evi, ip, mac);
		return;
	}
	h = binding_obtain(e, evi, ip, mac_obtain(e, evi, mac));
	if (here)
		no_longer_local(e, evi, here);
	if (there && there != h)
		no_longer_there(e, evi, there);
	b = binding_get(e, h);
	binding_tally(evi, b, -1u);
	if (!b->tunnel) {
		b->since = evpn_seconds(e);
		note_ip(e, evi, b, HISTORY_REMOTE, there ? &mac_was : NULL, "heard out of the tunnel");
	}
	b->tunnel = true;
	b->flags = (uint8_t)((b->flags & ~BINDING_ROUTER) | (router ? BINDING_ROUTER : 0));
	binding_tally(evi, b, 1);
	neigh_decide(e, evi, ip);
}

void neigh_left_there(struct evpn *e, struct evi *evi, const struct ip *ip)
{
	uint32_t h = binding_tunnel(e, evi, ip);

	if (!h)
		return;
	note_ip(e, evi, binding_get(e, h), HISTORY_GONE, NULL, silent);
	no_longer_there(e, evi, h);
	neigh_decide(e, evi, ip);
}

void neigh_learned(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac, uint8_t says)
{
	struct neigh_contest c = neigh_contest(e, evi, ip);
	uint32_t old = c.local, row = c.wanted, there = binding_tunnel(e, evi, ip), h;
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
		neigh_forget_local(e, evi, old);
	} else if (!old && row && !is_at(e, row, mac)) {
		count_move(e, evi, ip, row, mac);
	}
	h = binding_obtain(e, evi, ip, mac_obtain(e, evi, mac));
	if (there)
		no_longer_there(e, evi, there);
	b = binding_get(e, h);
	was = b->flags;
	binding_tally(evi, b, -1u);
	b->flags = (uint8_t)((was & ~(BINDING_ROUTER | BINDING_STALE | BINDING_STATIC)) | BINDING_LOCAL | says);
	binding_tally(evi, b, 1);
	if (!(was & BINDING_LOCAL)) {
		b->since = evpn_seconds(e);
		note_ip(e, evi, b, mac_is_here(mac_get(e, b->mac)->state) ? HISTORY_LOCAL : HISTORY_WAITING,
			moved ? &mac_was : NULL, says & BINDING_STATIC ? "set by hand" : "heard on a port");
	}
	neigh_decide(e, evi, ip);
	h = binding_local(e, evi, ip); /* a row may have taken its place */
	if (h && is_at(e, h, mac) &&
	    (!(was & BINDING_SENT) || ((was ^ binding_get(e, h)->flags) & (BINDING_ROUTER | BINDING_STATIC))))
		advertise(e, h);
}

void neigh_left(struct evpn *e, struct evi *evi, const struct ip *ip)
{
	uint32_t h = binding_local(e, evi, ip);

	if (!h)
		return;
	note_ip(e, evi, binding_get(e, h), HISTORY_GONE, NULL, "the host or its port has left");
	neigh_forget_local(e, evi, h);
	neigh_decide(e, evi, ip);
}

void neigh_gone(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac)
{
	uint32_t h = binding_local(e, evi, ip);

	if (!h || !is_at(e, h, mac))
		return;
	note_ip(e, evi, binding_get(e, h), HISTORY_GONE, NULL, silent);
	binding_get(e, h)->flags |= BINDING_STALE;
	neigh_decide(e, evi, ip);
	h = binding_local(e, evi, ip); /* nobody else has the address */
	if (h) {
		neigh_forget_local(e, evi, h);
		binding_sweep(e, evi, ip);
	}
}

/*
 * RFC 9161 3.6: of a local address another VTEP says that it is at another MAC now. The route cannot be the judge, so
 * the host is asked.
 */
static void challenge(struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	struct neigh_contest c = neigh_contest(e, evi, ip);

	if (c.local && c.remote && c.local != c.remote)
		host_doubt(e, evi, ip);
}

static uint32_t octets_of(const struct ip *ip)
{
	return ip->len == 16 ? IMPORT_BINDING6 : IMPORT_BINDING;
}

void neigh_route_set(struct evpn *e, struct evi *evi, const struct mac *mac, const struct ip *ip, const uint8_t rd[8],
		     uint32_t import)
{
	struct binding *b;
	uint32_t m, was;
	bool first_one;

	binding_prefetch(e, evi, ip); /* comes while the MAC is looked for */
	m = mac_obtain(e, evi, mac);
	b = binding_get(e, binding_obtain(e, evi, ip, m));
	binding_tally(evi, b, -1u);
	first_one = sources_empty(&b->routes);
	was = sources_put(&e->macs.nodes, &b->routes, rd, import_hold(&e->imports, import, octets_of(ip)), &e->steps);
	binding_tally(evi, b, 1);
	if (first_one)
		note_ip(e, evi, b, HISTORY_REMOTE, NULL,
			mac_reason_text(mac_why_there(import_get(&e->imports, import))));
	mac_claim_changed(e, m, was, import);
	neigh_decide(e, evi, ip);
	if (was)
		import_release(e, was, octets_of(ip));
	challenge(e, evi, ip);
}

void neigh_route_del(struct evpn *e, struct evi *evi, const struct mac *mac, const struct ip *ip, const uint8_t rd[8])
{
	uint32_t m = mac_find(e, evi, mac);
	uint32_t h = m ? binding_find(e, evi, ip, m) : 0, was;
	struct binding *b = h ? binding_get(e, h) : NULL;

	if (!b)
		return;
	binding_tally(evi, b, -1u);
	was = sources_del(&e->macs.nodes, &b->routes, rd, &e->steps);
	binding_tally(evi, b, 1);
	if (!was)
		return;
	if (sources_empty(&b->routes))
		note_ip(e, evi, b, HISTORY_GONE, NULL, mac_reason_text(mac_why_gone(import_get(&e->imports, was))));
	mac_claim_changed(e, m, was, 0);
	neigh_decide(e, evi, ip);
	import_release(e, was, octets_of(ip));
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

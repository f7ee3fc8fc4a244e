/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See note.h. */
#include "evpn/note.h"

#include "evpn/ec.h"
#include "evpn/tables.h"

static enum history_what shown(const struct mac_entry *m)
{
	switch ((enum mac_state)m->state) {
	case MAC_LOCAL:
		return HISTORY_LOCAL;
	case MAC_REMOTE:
		return HISTORY_REMOTE;
	case MAC_HELD:
	case MAC_BARRED:
		return HISTORY_CONFLICT;
	case MAC_FROZEN_HERE:
	case MAC_FROZEN_THERE:
		return HISTORY_DUPLICATE;
	case MAC_UNKNOWN:
		break;
	}
	return m->flags & MAC_OVER ? HISTORY_LIMITED : HISTORY_NONE;
}

/* Whose route it is that something follows from. */
static struct ip cause(const struct evpn *e)
{
	return e->cause ? bgp_peer_params(e->cause)->address : ip_none();
}

static struct ip vtep_of(const struct evpn *e, const struct mac_entry *m)
{
	return m->best && m->state != MAC_LOCAL ? *import_vtep(e, m->best) : ip_none();
}

static uint32_t port_of(const struct mac_entry *m)
{
	return mac_is_here(m->state) || m->state == MAC_BARRED ? m->ifindex : 0;
}

void note_mac(struct evpn *e, const struct evi *evi, const struct mac_entry *was, const struct mac_entry *is)
{
	struct history_event ev = { .kind = HISTORY_MAC,
				    .what = (uint8_t)shown(is),
				    .was = (uint8_t)shown(was),
				    .vni = evi->vni,
				    .mac = is->mac,
				    .vtep = vtep_of(e, is),
				    .from = vtep_of(e, was),
				    .ifindex = port_of(is),
				    .sequence = is->sequence,
				    .neighbor = cause(e),
				    .reason = mac_reason_text(is->reason) };
	bool known = ev.was != HISTORY_NONE;

	if (ev.what == ev.was && ip_eq(&ev.vtep, &ev.from) && ev.ifindex == port_of(was) && is->sequence == was->sequence)
		return;
	if (!mac_is_here(is->state) && is->best)
		ev.sequence = import_get(&e->imports, is->best)->sequence;
	if (ip_eq(&ev.vtep, &ev.from))
		ev.from = ip_none();
	if (!ev.ifindex)
		ev.ifindex = port_of(was);
	if (ev.what == HISTORY_NONE)
		ev.what = HISTORY_GONE;
	known = (known && ev.what != HISTORY_GONE) || ev.what == HISTORY_CONFLICT || ev.what == HISTORY_DUPLICATE;
	history_add(e->history, known ? HISTORY_MOVES : HISTORY_HOSTS, &ev);
}

void note_mac_limited(struct evpn *e, const struct evi *evi, const struct mac_entry *m)
{
	bool over = m->flags & MAC_OVER;
	struct history_event ev = { .kind = HISTORY_MAC,
				    .what = (uint8_t)(over ? HISTORY_LIMITED : HISTORY_GONE),
				    .was = (uint8_t)(over ? HISTORY_NONE : HISTORY_LIMITED),
				    .vni = evi->vni,
				    .mac = m->mac,
				    .ifindex = m->ifindex,
				    .reason = over ? "learned on a port, above a MAC limit" : mac_reason_text(MAC_R_LEFT) };

	history_add(e->history, HISTORY_HOSTS, &ev);
}

void note_ip(struct evpn *e, const struct evi *evi, const struct binding *b, enum history_what what, const struct mac *mac_was,
	     const char *reason)
{
	const struct mac_entry *m = mac_get(e, b->mac);
	struct history_event ev = { .kind = HISTORY_IP,
				    .what = (uint8_t)what,
				    .vni = evi->vni,
				    .mac = m->mac,
				    .ip = binding_ip(b),
				    .neighbor = cause(e),
				    .reason = reason };
	uint32_t best = what == HISTORY_REMOTE ? neigh_best_route(e, b) : 0;

	if (best)
		ev.vtep = *import_vtep(e, best);
	if (mac_was)
		ev.mac_was = *mac_was;
	history_add(e->history, mac_was || what == HISTORY_DUPLICATE ? HISTORY_MOVES : HISTORY_HOSTS, &ev);
}

void note_ip_refused(struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac, const struct mac *at,
		     const char *reason)
{
	struct history_event ev = { .kind = HISTORY_IP, .what = HISTORY_REFUSED, .vni = evi->vni, .mac = *mac, .ip = *ip,
				    .mac_was = *at, .reason = reason };

	history_add(e->history, HISTORY_MOVES, &ev);
}

void note_vtep(struct evpn *e, const struct evi *evi, const struct ip *vtep, bool added)
{
	struct history_event ev = { .kind = HISTORY_VTEP,
				    .what = added ? HISTORY_ADDED : HISTORY_REMOVED,
				    .vni = evi->vni,
				    .vtep = *vtep,
				    .neighbor = cause(e) };

	history_add(e->history, HISTORY_HOSTS, &ev);
}

void note_vni(struct evpn *e, const struct evi *evi, enum history_what what)
{
	struct history_event ev = { .kind = HISTORY_SYSTEM, .what = (uint8_t)what, .vni = evi->vni };

	history_add(e->history, HISTORY_DAEMON, &ev);
}

void note_route(struct evpn *e, const struct bgp_route_ref *old, const struct bgp_route_ref *new_)
{
	const struct bgp_route_ref *any = new_ ? new_ : old;
	struct history_event ev = { .kind = HISTORY_ROUTE,
				    .what = !old ? HISTORY_ADDED : !new_ ? HISTORY_REMOVED : HISTORY_CHANGED,
				    .vtep = any->attrs->next_hop,
				    .key = any->key,
				    .key_len = (uint8_t)any->key_len };
	struct evpn_route_fields f;
	struct evpn_ec ec;

	evpn_route_fields(any->key, any->key_len, any->attrs, &f);
	evpn_ec_read(any->attrs, &ec);
	ev.vni = f.vni;
	ev.mac = f.mac;
	ev.ip = f.ip;
	ev.sequence = ec.sequence;
	if (any->peer)
		ev.neighbor = bgp_peer_params(any->peer)->address;
	if (old && new_ && !ip_eq(&old->attrs->next_hop, &new_->attrs->next_hop))
		ev.from = old->attrs->next_hop;
	history_add(e->history, HISTORY_ROUTES, &ev);
}

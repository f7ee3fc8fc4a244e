/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See note.h. */
#include "evpn/note.h"

#include "base/history_pack.h"
#include "evpn/ec.h"
#include "evpn/tables.h"

#define HOST_PARTS                                                                                                     \
	(HISTORY_PART_VNI | HISTORY_PART_MAC | HISTORY_PART_IFINDEX | HISTORY_PART_SEQUENCE | HISTORY_PART_IP |        \
	 HISTORY_PART_VTEP | HISTORY_PART_FROM | HISTORY_PART_NEIGHBOR | HISTORY_PART_REASON)

static enum history_what shown(const struct mac_entry *m)
{
	static const uint8_t what[] = {
		[MAC_UNKNOWN] = HISTORY_NONE,           [MAC_LOCAL] = HISTORY_LOCAL,
		[MAC_REMOTE] = HISTORY_REMOTE,          [MAC_HELD] = HISTORY_CONFLICT,
		[MAC_BARRED] = HISTORY_CONFLICT,        [MAC_FROZEN_HERE] = HISTORY_DUPLICATE,
		[MAC_FROZEN_THERE] = HISTORY_DUPLICATE,
	};

	return m->state == MAC_UNKNOWN && m->flags & MAC_OVER ? HISTORY_LIMITED : (enum history_what)what[m->state];
}

/* Whose route it is that something follows from. */
static const struct ip *cause(const struct evpn *e)
{
	return e->cause ? &bgp_peer_params(e->cause)->address : NULL;
}

static const struct ip *vtep_of(const struct evpn *e, const struct mac_entry *m)
{
	return m->best && m->state != MAC_LOCAL ? import_vtep(e, m->best) : NULL;
}

static uint32_t port_of(const struct mac_entry *m)
{
	return mac_is_here(m->state) || m->state == MAC_BARRED ? m->ifindex : 0;
}

static void name_port(struct evpn *e, uint32_t ifindex)
{
	const char *name = history_port_name(e->history, ifindex) ? NULL : dp_ifname(e->dp, ifindex);

	if (name)
		history_name_port(e->history, ifindex, name);
}

/* VTEPs are interned: one address, one place. */
static bool is_same(const struct mac_entry *was, const struct mac_entry *is, const struct history_event *e)
{
	return e->what == e->was && e->vtep == e->from && e->ifindex == port_of(was) && was->sequence == is->sequence;
}

/* What is seen for the first time, or gone: the many. */
static void note_coming(struct evpn *e, const struct history_event *ev)
{
	history_add_of(e->history, HISTORY_HOSTS, ev, HOST_PARTS);
}

void note_mac(struct evpn *e, const struct evi *evi, const struct mac_entry *was, const struct mac_entry *is)
{
	struct history_event ev = { .kind = HISTORY_MAC,
				    .what = (uint8_t)shown(is),
				    .was = (uint8_t)shown(was),
				    .vni = evi->vni,
				    .mac = &is->mac,
				    .vtep = vtep_of(e, is),
				    .from = vtep_of(e, was),
				    .ifindex = port_of(is),
				    .sequence = is->sequence,
				    .neighbor = cause(e),
				    .reason = mac_reason_text(is->reason) };

	if (!e->history || is_same(was, is, &ev))
		return;
	if (!mac_is_here(is->state) && is->best)
		ev.sequence = import_get(&e->imports, is->best)->sequence;
	if (!ev.ifindex)
		ev.ifindex = port_of(was);
	if (ev.ifindex)
		name_port(e, ev.ifindex);
	if (ev.vtep == ev.from)
		ev.from = NULL;
	if (ev.what == HISTORY_NONE) {
		ev.what = HISTORY_GONE;
		note_coming(e, &ev);
	} else if (ev.was == HISTORY_NONE && ev.what <= HISTORY_REMOTE) {
		note_coming(e, &ev);
	} else {
		history_add(e->history, HISTORY_MOVES, &ev);
	}
}

void note_mac_limited(struct evpn *e, const struct evi *evi, const struct mac_entry *m)
{
	bool over = m->flags & MAC_OVER;
	struct history_event ev = { .kind = HISTORY_MAC,
				    .what = (uint8_t)(over ? HISTORY_LIMITED : HISTORY_GONE),
				    .was = (uint8_t)(over ? HISTORY_NONE : HISTORY_LIMITED),
				    .vni = evi->vni,
				    .mac = &m->mac,
				    .ifindex = m->ifindex,
				    .reason = over ? "learned on a port, above a MAC limit"
						   : mac_reason_text(MAC_R_LEFT) };

	note_coming(e, &ev);
}

void note_limit(struct evpn *e, const struct evi *evi, unsigned ifindex, bool reached)
{
	struct history_event ev = { .kind = HISTORY_SYSTEM,
				    .what = (uint8_t)(reached ? HISTORY_LIMITED : HISTORY_READY),
				    .vni = evi->vni,
				    .ifindex = ifindex,
				    .reason = reached ? "mac-limit is reached: MACs above it are not advertised"
						      : "below its mac-limit again" };

	if (e->history && ifindex)
		name_port(e, ifindex);
	history_add(e->history, HISTORY_DAEMON, &ev);
}

void note_ip(struct evpn *e, const struct evi *evi, const struct binding *b, enum history_what what,
	     const struct mac *mac_was, const char *reason)
{
	uint32_t best = what == HISTORY_REMOTE ? neigh_best_route(e, b) : 0;
	struct ip ip = binding_ip(b);
	struct history_event ev = { .kind = HISTORY_IP,
				    .what = (uint8_t)what,
				    .vni = evi->vni,
				    .mac = &mac_get(e, b->mac)->mac,
				    .mac_was = mac_was,
				    .ip = &ip,
				    .vtep = best ? import_vtep(e, best) : NULL,
				    .neighbor = cause(e),
				    .reason = reason };

	if (mac_was)
		history_add(e->history, HISTORY_MOVES, &ev);
	else
		note_coming(e, &ev);
}

void note_ip_refused(struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac,
		     const struct mac *at, const char *reason)
{
	struct history_event ev = { .kind = HISTORY_IP, .what = HISTORY_REFUSED, .vni = evi->vni, .mac = mac, .ip = ip,
				    .mac_was = at, .reason = reason };

	history_add(e->history, HISTORY_MOVES, &ev);
}

void note_vtep(struct evpn *e, const struct evi *evi, const struct ip *vtep, bool added)
{
	struct history_event ev = { .kind = HISTORY_VTEP,
				    .what = added ? HISTORY_ADDED : HISTORY_REMOVED,
				    .vni = evi->vni,
				    .vtep = vtep,
				    .neighbor = cause(e) };

	note_coming(e, &ev);
}

void note_vni(struct evpn *e, const struct evi *evi, enum history_what what)
{
	struct history_event ev = { .kind = HISTORY_SYSTEM, .what = (uint8_t)what, .vni = evi->vni };

	history_add(e->history, HISTORY_DAEMON, &ev);
}

void note_route(struct evpn *e, const struct bgp_route_ref *old, const struct bgp_route_ref *new_)
{
	const struct bgp_route_ref *any = new_ ? new_ : old;
	struct evpn_route_fields f;
	struct evpn_ec ec;
	struct history_event ev = { .kind = HISTORY_ROUTE,
				    .what = !old ? HISTORY_ADDED : !new_ ? HISTORY_REMOVED : HISTORY_CHANGED,
				    .vtep = &any->attrs->next_hop,
				    .neighbor = any->peer ? &bgp_peer_params(any->peer)->address : NULL,
				    .key = any->key,
				    .key_len = (uint8_t)any->key_len };

	evpn_route_fields(any->key, any->key_len, any->attrs, &f);
	evpn_ec_read(any->attrs, &ec);
	ev.vni = f.vni;
	ev.mac = f.has_mac ? &f.mac : NULL;
	ev.ip = f.ip.len ? &f.ip : NULL;
	ev.sequence = ec.sequence;
	if (old && new_ && !ip_eq(&old->attrs->next_hop, &new_->attrs->next_hop))
		ev.from = &old->attrs->next_hop;
	history_add(e->history, HISTORY_ROUTES, &ev);
}

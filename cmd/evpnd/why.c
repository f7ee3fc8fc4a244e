/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * why mac, why ip: everything that there is to say of one host, as one object: its entry,
 * who claims it and which claim wins by which rule, its rows and what they wait for, what
 * is known of it elsewhere, what happened to it, and a verdict.
 *
 *	entry, bindings ─► claims ─► routes: a walk over the RIB ─► rows: one over the dataplane's
 *		─► nearby ─► history ─► verdict
 *
 * The tables are asked; no rule is here. It is written as it goes, a slice a turn.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/event.h"
#include "cmd/evpnd/show.h"

#define NEARBY_MAX 16u  /* VNIs, neighbors */
#define HISTORY_MAX 64u /* events */

enum phase { PHASE_ENTRY, PHASE_ROUTES, PHASE_ROWS, PHASE_HISTORY };

struct why_state {
	uint32_t vni;
	bool vni_known, by_ip;
	bool has_mac; /* of an address: somebody has it */
	struct mac mac;
	struct ip ip; /* asked for */
	enum phase phase;
	struct bgp_rib_cursor rib;
	struct dp_cursor rows;
	struct history_reader reader;
	uint64_t first_event;
	unsigned fdb, fdb_missing, neigh, neigh_missing; /* rows that should be there, of these not there */
	bool learned; /* the dataplane has it from the tunnel: it needs no row of ours */
};

/* ---- which VNI --------------------------------------------------------------------------------------------------- */

static bool knows(const struct reply *r, uint32_t vni)
{
	const struct why_state *s = r->state;
	struct evpn_arp_info a;
	struct evpn_mac_info m;

	return s->by_ip ? evpn_arp_find(r->d->evpn, vni, &s->ip, &a) : evpn_mac_find(r->d->evpn, vni, &s->mac, &m);
}

/* The one that is named, the only one, or the only one that knows it; 0, or what reply_fail() returned. */
static int find_vni(struct reply *r)
{
	struct why_state *s = r->state;
	struct evpn_vni_info i = { 0 };
	unsigned n = 0, n_known = 0;
	uint32_t any = 0;

	if (reply_has(r, ARG_VNI)) {
		s->vni = reply_arg(r, ARG_VNI)->n;
		s->vni_known = evpn_vni_find(r->d->evpn, s->vni, &i);
		return 0;
	}
	while (evpn_vni_next(r->d->evpn, i.vni, &i)) {
		any = n++ ? any : i.vni;
		if (knows(r, i.vni))
			s->vni = n_known++ ? s->vni : i.vni;
	}
	if (n_known > 1)
		return reply_fail(r, 1, "%u VNIs know it: say which with --vni", n_known);
	if (!n_known && n > 1)
		return reply_fail(r, 1, "no VNI knows it: say with --vni which one it should be in");
	s->vni = n_known ? s->vni : any;
	s->vni_known = s->vni;
	return 0;
}

static bool is_of_host(const struct reply *r, const struct history_event *e)
{
	const struct why_state *s = r->state;

	if (e->vni != s->vni)
		return false;
	if (s->by_ip && e->ip)
		return ip_eq(e->ip, &s->ip);
	if (s->by_ip)
		return s->has_mac && e->mac && mac_eq(e->mac, &s->mac);
	return (e->mac && mac_eq(e->mac, &s->mac)) || (e->mac_was && mac_eq(e->mac_was, &s->mac));
}

static int start_why(struct reply *r)
{
	struct why_state *s = r->state;
	struct evpn_arp_info a;
	int rc;

	r->body = REPLY_OBJECT;
	s->by_ip = r->args.id == VERB_WHY_IP;
	s->mac = reply_arg(r, ARG_THE_MAC)->mac;
	s->ip = reply_arg(r, ARG_THE_IP)->ip;
	s->has_mac = !s->by_ip;
	rc = find_vni(r);
	if (rc)
		return rc;
	if (s->by_ip && evpn_arp_find(r->d->evpn, s->vni, &s->ip, &a)) {
		s->mac = a.mac;
		s->has_mac = true;
	}
	s->first_event = event_first(r, is_of_host, HISTORY_MAX);
	history_read_all(&r->d->history, &s->reader, HISTORY_ALL);
	return 0;
}

/* ---- the entry and its bindings ---------------------------------------------------------------------------------- */

static void print_vni(struct reply *r)
{
	const struct why_state *s = r->state;
	struct json *j = &r->json;
	struct dp_vni_info dev = { 0 };
	struct evpn_vni_info i;
	bool known = evpn_vni_find(r->d->evpn, s->vni, &i);

	if (s->vni)
		json_uint(j, "vni", s->vni);
	else
		json_null(j, "vni");
	json_bool(j, "vni_known", known);
	json_str(j, "mode", known ? config_mode_name(i.mode) : NULL);
	json_bool(j, "ready", known && i.ready);
	dp_vni_info(r->d->dp, s->vni, &dev);
	json_str(j, "problem", dev.problem);
}

static void print_entry(struct reply *r, const struct evpn_mac_info *m)
{
	struct json *j = &r->json;

	json_str(j, "state", m ? evpn_mac_state_name(m->state) : NULL);
	json_ip(j, "vtep", m ? &m->vtep : NULL);
	json_str(j, "esi", m && m->has_esi ? evpn_esi_str(m->esi).s : NULL);
	json_array(j, "vteps");
	for (size_t k = 0; m && k < m->n_vteps; k++)
		json_ip(j, NULL, &m->vteps[k]);
	json_array_end(j);
	json_str(j, "interface", m ? dp_ifname(r->d->dp, m->ifindex) : NULL);
	if (!m) {
		json_null(j, "sequence");
		json_null(j, "sticky");
		json_null(j, "reason");
		json_null(j, "age_s");
		return;
	}
	json_uint(j, "sequence", m->sequence);
	json_bool(j, "sticky", m->sticky);
	json_str(j, "reason", m->reason);
	reply_age(r, "age_s", m->since);
}

/* Of an address every MAC that it is bound to, of a MAC every address. */
static void print_bindings(struct reply *r, const struct evpn_mac_info *m)
{
	const struct why_state *s = r->state;
	struct evpn_arp_info a;

	json_array(&r->json, "bindings");
	for (unsigned n = 0; s->by_ip && evpn_arp_nth(r->d->evpn, s->vni, &s->ip, n, &a); n++)
		show_arp_row(r, &r->json, &a);
	for (size_t k = 0; !s->by_ip && m && k < m->n_ips; k++)
		for (unsigned n = 0; evpn_arp_nth(r->d->evpn, s->vni, &m->ips[k], n, &a); n++)
			if (mac_eq(&a.mac, &s->mac))
				show_arp_row(r, &r->json, &a);
	json_array_end(&r->json);
}

/* ---- claims ------------------------------------------------------------------------------------------------------ */

static void print_claimant(struct reply *r, const struct evpn_claimant *c)
{
	struct json *j = &r->json;

	json_object(j, NULL);
	json_str(j, "by", evpn_claimant_name(c->by));
	json_str(j, "verdict", c->wins ? "wins" : "loses");
	json_str(j, "why", c->why);
	json_ip(j, "vtep", &c->vtep);
	json_str(j, "interface", dp_ifname(r->d->dp, c->ifindex));
	json_ip(j, "ip", &c->ip);
	json_uint(j, "sequence", c->sequence);
	json_bool(j, "sticky", c->sticky);
	json_object_end(j);
}

static void print_claimants(struct reply *r)
{
	const struct why_state *s = r->state;
	struct evpn_claimant c;

	for (unsigned n = 0; s->has_mac && evpn_claimant_nth(r->d->evpn, s->vni, &s->mac, n, &c); n++)
		print_claimant(r, &c);
}

/* Members as show rib has them. */
static void print_route(struct reply *r, const struct bgp_path_info *p, const struct evpn_path_verdict *v)
{
	struct json *j = &r->json;

	json_object(j, NULL);
	json_str(j, "by", "route");
	json_str(j, "verdict", evpn_path_verdict_name(v->verdict));
	json_str(j, "why", v->why);
	json_ip(j, "vtep", &p->attrs->next_hop);
	p->family->print(j, p->key, p->key_len, p->attrs);
	p->family->print_attrs(j, p->attrs);
	json_ip(j, "neighbor", p->peer ? &bgp_peer_params(p->peer)->address : NULL);
	json_str(j, "decided_by", bgp_rib_decided_by(r->d->bgp, p));
	json_bool(j, "stale", p->stale || p->long_lived_stale);
	reply_age(r, "age_s", p->since);
	json_object_end(j);
}

/* Of an address also the routes of the MAC that has it: they say where that is. */
static bool is_route_of_host(const struct why_state *s, const struct bgp_path_info *p, struct evpn_route_fields *f)
{
	const struct mac *mac = s->has_mac ? &s->mac : NULL;
	const struct ip *ip = s->by_ip ? &s->ip : NULL;

	if (p->family != &evpn_family || (!(mac && evpn_key_may_match(p->key, p->key_len, NULL, mac, NULL)) &&
					  !(ip && evpn_key_may_match(p->key, p->key_len, NULL, NULL, ip))))
		return false;
	evpn_route_fields(p->key, p->key_len, p->attrs, f);
	return f->type == 2 && ((ip && ip_eq(&f->ip, ip)) || (mac && f->has_mac && mac_eq(&f->mac, mac)));
}

/* True when there is more. Routes of other VNIs are those of other hosts, unless they say that they mean this one. */
static bool more_routes(struct reply *r)
{
	struct why_state *s = r->state;
	struct evpn_path_verdict v;
	struct evpn_route_fields f;
	struct bgp_path_info p;

	while (reply_step(r)) {
		if (!bgp_rib_next(r->d->bgp, &s->rib, &p))
			return false;
		if (!is_route_of_host(s, &p, &f))
			continue;
		evpn_path_verdict(r->d->evpn, s->vni, &p, &f.mac, &v);
		print_route(r, &p, &v);
	}
	return true;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static bool is_row_of_host(const struct why_state *s, const struct dp_row *row)
{
	if (row->key.kind == DP_FDB)
		return s->has_mac && mac_eq(&row->key.mac, &s->mac);
	if (row->key.kind != DP_NEIGH)
		return false;
	return s->by_ip ? ip_eq(&row->key.ip, &s->ip) : mac_eq(&row->mac, &s->mac);
}

static void count_row(struct why_state *s, const struct dp_row_info *i)
{
	bool missing = i->desired && !i->observed;

	s->learned |= i->learned && i->row.vtep.len;
	s->fdb += i->row.key.kind == DP_FDB && i->desired;
	s->fdb_missing += i->row.key.kind == DP_FDB && (missing || (i->pending && !i->observed));
	s->neigh += i->row.key.kind == DP_NEIGH && i->desired;
	s->neigh_missing += i->row.key.kind == DP_NEIGH && missing;
}

static bool more_rows(struct reply *r)
{
	struct why_state *s = r->state;
	struct dp_row_info i;

	while (s->vni_known && reply_step(r)) {
		if (!dp_next(r->d->dp, &s->rows, s->vni, &i))
			return false;
		if (!is_row_of_host(s, &i.row))
			continue;
		count_row(s, &i);
		show_fdb_row(r, &r->json, &i);
	}
	return s->vni_known;
}

/* ---- nearby ------------------------------------------------------------------------------------------------------ */

/* Other VNIs that know it. */
static void print_elsewhere(struct reply *r)
{
	const struct why_state *s = r->state;
	struct json *j = &r->json;
	struct evpn_vni_info i = { 0 };
	struct evpn_mac_info m;
	struct evpn_arp_info a;
	unsigned n = 0;

	json_array(j, "elsewhere");
	while (n < NEARBY_MAX && evpn_vni_next(r->d->evpn, i.vni, &i)) {
		if (i.vni == s->vni || !knows(r, i.vni))
			continue;
		n++;
		m = (struct evpn_mac_info){ 0 };
		json_object(j, NULL);
		json_uint(j, "vni", i.vni);
		if (s->by_ip && evpn_arp_find(r->d->evpn, i.vni, &s->ip, &a))
			evpn_mac_find(r->d->evpn, i.vni, &a.mac, &m);
		else
			evpn_mac_find(r->d->evpn, i.vni, &s->mac, &m);
		json_mac(j, "mac", &m.mac);
		json_str(j, "state", evpn_mac_state_name(m.state));
		json_ip(j, "vtep", &m.vtep);
		json_str(j, "interface", dp_ifname(r->d->dp, m.ifindex));
		json_object_end(j);
	}
	json_array_end(j);
}

/* Where it is asked for in a VNI that there is not: those that there are. */
static void print_vnis(struct reply *r)
{
	const struct why_state *s = r->state;
	struct evpn_vni_info i = { 0 };

	json_array(&r->json, "vnis");
	for (unsigned n = 0; !s->vni_known && n < NEARBY_MAX && evpn_vni_next(r->d->evpn, i.vni, &i); n++)
		json_uint(&r->json, NULL, i.vni);
	json_array_end(&r->json);
}

/* Who would have told a route, and cannot. */
static void print_lost_neighbors(struct reply *r)
{
	const struct bgp_peer *peer = NULL;
	struct json *j = &r->json;
	struct bgp_peer_info i;
	unsigned n = 0;

	json_array(j, "neighbors_down");
	while (n < NEARBY_MAX && (peer = bgp_peer_next(r->d->bgp, peer))) {
		bgp_peer_info(peer, &i);
		if (i.state == BGP_ESTABLISHED)
			continue;
		n++;
		json_object(j, NULL);
		json_ip(j, "address", &i.address);
		json_str(j, "state", bgp_state_name(i.state));
		json_str(j, "reason", i.connect_error[0] ? i.connect_error : i.reason);
		json_object_end(j);
	}
	json_array_end(j);
}

/* ---- history and verdict ----------------------------------------------------------------------------------------- */

static bool more_history(struct reply *r)
{
	struct why_state *s = r->state;
	struct history_event e;

	while (reply_step(r)) {
		if (!history_next(&r->d->history, &s->reader, &e))
			return false;
		if (e.id >= s->first_event && is_of_host(r, &e))
			event_print(r, &r->json, NULL, &e);
	}
	return true;
}

/* "in-use", or what stands in the way. */
static const char *verdict_of_mac(const struct reply *r, const struct evpn_mac_info *m)
{
	const struct why_state *s = r->state;

	if (m->state == EVPN_MAC_LIMITED)
		return "limited";
	if (m->ifindex && !m->n_vteps)
		return "in-use";
	if (m->has_esi && !m->n_vteps)
		return "no-vtep";
	if (s->fdb_missing)
		return "not-programmed";
	return s->fdb || s->learned ? "in-use" : "not-asked-for";
}

static const char *verdict_of_ip(const struct reply *r, const struct evpn_mac_info *m)
{
	const struct why_state *s = r->state;
	struct evpn_arp_info a;

	if (!evpn_arp_find(r->d->evpn, s->vni, &s->ip, &a))
		return "unknown";
	if (a.state == EVPN_MAC_DUPLICATE)
		return "duplicate";
	if (!m)
		return "no-mac";
	if (a.state == EVPN_MAC_LOCAL)
		return m->ifindex && m->state != EVPN_MAC_LIMITED ? "in-use" : "no-mac";
	return s->neigh_missing ? "not-programmed" : verdict_of_mac(r, m);
}

static const char *verdict(const struct reply *r)
{
	const struct why_state *s = r->state;
	struct evpn_mac_info m;
	struct evpn_vni_info i;
	bool known = s->has_mac && evpn_mac_find(r->d->evpn, s->vni, &s->mac, &m);

	if (!evpn_vni_find(r->d->evpn, s->vni, &i))
		return "no-vni";
	if (!i.ready)
		return "not-ready";
	if (s->by_ip)
		return verdict_of_ip(r, known ? &m : NULL);
	return known ? verdict_of_mac(r, &m) : "unknown";
}

static void print_verdict(struct reply *r)
{
	const char *text = verdict(r);

	json_str(&r->json, "verdict", text);
	json_bool(&r->json, "in_use", !strcmp(text, "in-use"));
}

static void begin(struct reply *r)
{
	const struct why_state *s = r->state;
	struct evpn_mac_info m;
	bool known = s->has_mac && evpn_mac_find(r->d->evpn, s->vni, &s->mac, &m);

	json_object(&r->json, NULL);
	json_mac(&r->json, "mac", s->has_mac ? &s->mac : NULL);
	json_ip(&r->json, "ip", s->by_ip ? &s->ip : NULL);
	print_vni(r);
	print_entry(r, known ? &m : NULL);
	print_bindings(r, known ? &m : NULL);
	json_array(&r->json, "claims");
	print_claimants(r);
}

static bool more_why(struct reply *r)
{
	struct why_state *s = r->state;

	if (s->phase == PHASE_ENTRY) {
		begin(r);
		s->phase++;
	}
	if (s->phase == PHASE_ROUTES) {
		if (more_routes(r))
			return true;
		json_array_end(&r->json);
		json_array(&r->json, "rows");
		s->phase++;
	}
	if (s->phase == PHASE_ROWS) {
		if (more_rows(r))
			return true;
		json_array_end(&r->json);
		print_elsewhere(r);
		print_vnis(r);
		print_lost_neighbors(r);
		json_array(&r->json, "history");
		s->phase++;
	}
	if (more_history(r))
		return true;
	json_array_end(&r->json);
	print_verdict(r);
	json_object_end(&r->json);
	return false;
}

const struct reply_ops show_why = { sizeof(struct why_state), start_why, more_why, NULL };

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Why an entry is as it is (include/evpn.h): who claims a MAC, what a VNI makes of a path of the
 * RIB. The rules are those of import.c and mobility.c, asked once more; nothing is decided here.
 */
#include "evpn/tables.h"
#include "evpn/why.h"

/* ---- claims that are no routes ----------------------------------------------------------------------------------- */

static void claim_of_port(const struct mac_entry *m, struct evpn_claimant *out)
{
	*out = (struct evpn_claimant){ .by = EVPN_BY_PORT,
				    .ifindex = m->ifindex,
				    .sequence = mac_is_here(m->state) ? m->sequence : 0,
				    .sticky = m->flags & MAC_STATIC,
				    .wins = mac_is_here(m->state) };
	if (m->flags & MAC_OVER)
		out->why = "above a MAC limit: not advertised";
	else if (!out->wins)
		out->why = mac_reason_text(m->reason);
}

void evpn_claimant_judge(const struct evpn *e, const struct mac_entry *m, uint32_t import, struct evpn_claimant *out)
{
	struct mac_claim best, ours;

	out->wins = mac_is_there(m->state) && !import_cmp(e, import, m->best);
	if (out->wins)
		return;
	if (mac_is_here(m->state)) {
		out->why = mac_reason_text(m->reason);
		return;
	}
	if (!m->best)
		return;
	best = import_claim(e, m->best);
	ours = import_claim(e, import);
	out->why = mac_claim_step(&best, &ours);
}

/* False for those of routes: the RIB knows more of them. */
static bool claim_of_import(const struct evpn *e, const struct mac_entry *m, uint32_t import, const struct ip *ip,
			    struct evpn_claimant *out)
{
	const struct import *im = import_get(&e->imports, import);

	if (!im->fixed && !im->tunnel)
		return false;
	*out = (struct evpn_claimant){ .vtep = *import_vtep(e, import), .sticky = im->sticky, .ip = *ip };
	if (im->tunnel)
		out->by = EVPN_BY_TUNNEL;
	else
		out->by = im->sticky ? EVPN_BY_CONFIGURATION : EVPN_BY_RESOLVER;
	evpn_claimant_judge(e, m, import, out);
	return true;
}

/* The n-th of the sources in s that is no route. */
static bool nth(const struct evpn *e, const struct mac_entry *m, const struct sources *s, const struct ip *ip,
		unsigned *n, struct evpn_claimant *out)
{
	for_each_source(x, &e->macs.nodes, s)
		if (claim_of_import(e, m, x->import, ip, out) && !(*n)--)
			return true;
	return false;
}

bool evpn_claimant_nth(const struct evpn *e, uint32_t vni, const struct mac *mac, unsigned n, struct evpn_claimant *out)
{
	const struct evi *evi = evi_find(&e->evis, vni);
	uint32_t h = evi ? mac_find(e, evi, mac) : 0;
	const struct mac_entry *m = h ? mac_get(e, h) : NULL;
	struct ip none = ip_none();

	if (!m)
		return false;
	if (m->ifindex &&
	    (mac_is_here(m->state) || m->state == MAC_BARRED || m->state == MAC_FROZEN_THERE || m->flags & MAC_OVER)) {
		claim_of_port(m, out);
		if (!n--)
			return true;
	}
	if (nth(e, m, &m->routes, &none, &n, out))
		return true;
	for (uint32_t b = m->bindings; b; b = binding_get(e, b)->next) {
		struct ip ip = binding_ip(binding_get(e, b));

		if (nth(e, m, &binding_get(e, b)->routes, &ip, &n, out))
			return true;
	}
	return false;
}

/* ---- paths of the RIB -------------------------------------------------------------------------------------------- */

static const char *why_rejected(enum bgp_reject r)
{
	switch (r) {
	case BGP_REJECT_AS_LOOP:
		return "our own AS is in its AS path";
	case BGP_REJECT_ORIGINATOR:
		return "it comes from us (ORIGINATOR_ID)";
	case BGP_REJECT_CLUSTER:
		return "it has been through our cluster (CLUSTER_LIST)";
	case BGP_REJECT_NEXT_HOP:
		return "its next hop is our own address, or none that can be sent to";
	case BGP_ELIGIBLE:
		break;
	}
	return NULL;
}

static void stands(struct evpn *e, const struct evi *evi, const struct bgp_path_info *p, const struct mac *mac,
		   struct evpn_path_verdict *out)
{
	uint32_t h = mac_find(e, evi, mac), import = import_of_path(e, evi, p);
	struct evpn_claimant claim = { 0 };

	if (!h || !import) {
		out->verdict = EVPN_PATH_NOT_IMPORTED;
		out->why = "the tables do not have it (yet)";
		return;
	}
	evpn_claimant_judge(e, mac_get(e, h), import, &claim);
	out->verdict = claim.wins ? EVPN_PATH_WINS : EVPN_PATH_LOSES;
	out->why = claim.why;
}

void evpn_path_verdict(struct evpn *e, uint32_t vni, const struct bgp_path_info *p, const struct mac *mac,
		       struct evpn_path_verdict *out)
{
	const struct evi *evi = evi_find(&e->evis, vni);

	*out = (struct evpn_path_verdict){ .verdict = EVPN_PATH_NOT_IMPORTED };
	if (!p->peer) {
		out->verdict = EVPN_PATH_OURS;
	} else if (p->reject) {
		out->verdict = EVPN_PATH_REJECTED;
		out->why = why_rejected(p->reject);
	} else if (!evi) {
		out->why = "there is no such VNI here";
	} else if ((out->why = import_refusal(e, evi, p))) {
		out->verdict = EVPN_PATH_NOT_IMPORTED;
	} else if (!p->best) {
		out->verdict = EVPN_PATH_NOT_BEST;
		out->why = "another path of the same route is better";
	} else {
		stands(e, evi, p, mac, out);
	}
}

const char *evpn_path_verdict_name(enum evpn_path_verdict_kind v)
{
	static const char *const names[] = {
		[EVPN_PATH_WINS] = "wins",	   [EVPN_PATH_LOSES] = "loses", [EVPN_PATH_NOT_BEST] = "not-best",
		[EVPN_PATH_REJECTED] = "rejected", [EVPN_PATH_NOT_IMPORTED] = "not-imported", [EVPN_PATH_OURS] = "ours",
	};

	return names[v];
}

const char *evpn_claimant_name(enum evpn_claimant_kind by)
{
	static const char *const names[] = {
		[EVPN_BY_PORT] = "port",
		[EVPN_BY_CONFIGURATION] = "configuration",
		[EVPN_BY_RESOLVER] = "resolver",
		[EVPN_BY_TUNNEL] = "tunnel",
	};

	return names[by];
}

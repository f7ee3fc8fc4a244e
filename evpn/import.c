/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Sets of attributes and what they mean: imports, their lifetime, and the order of the
 * claims they make. What is imported:
 *
 *   - Type 2 and 3 with the Ethernet Tag of the EVI: 0 in a VLAN-based service (RFC 7432 6.1), in a VLAN-aware bundle
 *     (6.3) what tells its broadcast domains apart, which share route targets. Here each is an EVI to itself.
 *   - whose route targets an EVI imports (import_rt.c);
 *   - that offer VXLAN, or say nothing of an encapsulation (RFC 8365 5.1.3 leaves that to us);
 *   - whose destination is not ourselves and can be sent to from our VTEP: a unicast address of the same family, no
 *     link-local one (Linux has one family a tunnel device);
 *   - whose label is a VNI, 1 to 0xffffff. It need not be the EVI's number (downstream-assigned, RFC 8365 5.1.2).
 *
 *   - Type 1: per EVI with the tag of the EVI, per ES whatever that is (RFC 7432 8.2.1).
 *
 * A Type 2 route with a non-zero ESI is of that segment, whose Type 1 routes say where it leads to (segment.h). How a
 * route gets to the EVIs is import_route.c's.
 */
#include "evpn/import.h"

#include <stdlib.h>
#include <string.h>

#include "evpn/ec.h"
#include "evpn/nlri.h"
#include "evpn/tables.h"

/*
 * The mark of a set: 0, not looked at yet; the handle of its struct import; or nothing,
 * by the rules of that generation.
 */
#define MARK_NONE 0x80000000u

#define VNI_MAX 0xffffffu
#define MATCHES_A_ROW 8 /* route targets, in the time of a row: see bgp_did() */

void import_table_init(struct import_table *t)
{
	*t = (struct import_table){ 0 };
	slab_init(&t->slab, sizeof(struct import));
}

void import_table_fini(struct import_table *t)
{
	for (uint32_t h = 0; (h = slab_next(&t->slab, h));)
		import_evis_drop(t, import_get(t, h));
	slab_fini(&t->slab);
	free(t->rules);
	*t = (struct import_table){ 0 };
}

/* ---- what the attributes say ------------------------------------------------------------------------------------ */

static bool vni_valid(uint32_t label)
{
	return label && label <= VNI_MAX;
}

bool import_can_reach(const struct evpn *e, const struct ip *ip)
{
	bool here = ip_is_loopback(ip) && ip_is_loopback(&e->vtep);

	if ((!ip_is_unicast(ip) && !here) || ip_is_linklocal(ip))
		return false;
	return !e->vtep.len || (ip->len == e->vtep.len && !ip_eq(ip, &e->vtep));
}

/* What the set means, but for the EVIs and the handles of VTEPs; none where a kind of route is not usable. */
struct meaning {
	struct ip vtep, endpoint;
	uint32_t label, flood_label;
	uint8_t esi[10];
	struct evpn_ec ec;
	bool last_resort, draining;
};

/* What is shared says of which type a route is; the key that it is read with does not matter. */
static void meaning_place(const struct bgp_attrs *a, struct meaning *out)
{
	static const uint8_t mac_key[19] = { EVPN_MAC_IP }, ad_key[23] = { EVPN_AD };
	struct evpn_nlri n;

	if (a->shared_len && evpn_nlri_parse(mac_key, sizeof(mac_key), a->shared, a->shared_len, &n) &&
	    vni_valid(n.label)) {
		out->vtep = a->next_hop;
		out->label = n.label;
		memcpy(out->esi, n.esi, sizeof(out->esi));
	} else if (a->shared_len && evpn_nlri_parse(ad_key, sizeof(ad_key), a->shared, a->shared_len, &n)) {
		out->vtep = a->next_hop;
		out->label = n.label;
	}
}

static bool meaning_read(const struct evpn *e, const struct bgp_attrs *a, struct meaning *out)
{
	struct evpn_pmsi pmsi;

	*out = (struct meaning){ .last_resort = bgp_has_community(a, BGP_LLGR_STALE),
				 .draining = a->has_local_pref && a->local_pref == 0 };
	evpn_ec_read(a, &out->ec);
	if (!evpn_ec_vxlan(&out->ec))
		return false;
	if (import_can_reach(e, &a->next_hop))
		meaning_place(a, out);
	if (a->pmsi && evpn_pmsi_read(a->pmsi, a->pmsi_len, &pmsi) && pmsi.type == EVPN_PMSI_INGRESS_REPLICATION &&
	    import_can_reach(e, &pmsi.endpoint) && !ip_eq(&a->next_hop, &e->vtep) && vni_valid(pmsi.label)) {
		out->endpoint = pmsi.endpoint;
		out->flood_label = pmsi.label;
	}
	return out->vtep.len || out->endpoint.len;
}

static uint32_t import_new(struct evpn *e, const struct meaning *m)
{
	struct import_table *t = &e->imports;
	uint32_t h = slab_alloc(&t->slab);
	struct import *im = import_get(t, h);

	im->refs = 1;
	im->vtep = m->vtep.len ? vtep_take(&e->vteps, &m->vtep) : 0;
	im->endpoint = m->endpoint.len ? vtep_take(&e->vteps, &m->endpoint) : 0;
	im->label = m->label;
	im->flood_label = m->flood_label;
	im->sequence = m->ec.sequence;
	im->sticky = m->ec.sticky;
	im->last_resort = m->last_resort;
	im->draining = m->draining;
	im->single_active = m->ec.single_active;
	im->esi = esi_is_segment(m->esi) ? esi_take(&e->segments, m->esi) : 0;
	im->gateway = evpn_ec_has(&m->ec, EVPN_EC_DEFAULT_GATEWAY);
	/* RFC 9161 3.2: without the community the far end counts as a router; a wrong 0 cuts off a default router. */
	im->router = !evpn_ec_has(&m->ec, EVPN_EC_ND) || (m->ec.nd_flags & EVPN_ND_ROUTER);
	im->routes = im->gateway || (evpn_ec_has(&m->ec, EVPN_EC_ND) && m->ec.nd_flags & EVPN_ND_ROUTER);
	im->immutable = evpn_ec_has(&m->ec, EVPN_EC_ND) && (m->ec.nd_flags & EVPN_ND_IMMUTABLE);
	return h;
}

uint32_t import_fixed(struct evpn *e, const struct ip *vtep, uint32_t vni, bool router)
{
	struct meaning m = { .vtep = *vtep, .endpoint = *vtep, .label = vni, .flood_label = vni };
	uint32_t h = import_new(e, &m);
	struct import *im = import_get(&e->imports, h);

	im->sticky = im->fixed = true;
	im->router = im->routes = router;
	return h;
}

uint32_t import_answer(struct evpn *e, const struct ip *vtep, uint32_t vni, bool router)
{
	uint32_t h = import_fixed(e, vtep, vni, router);

	import_get(&e->imports, h)->sticky = false;
	return h;
}

uint32_t import_tunnel(struct evpn *e, const struct ip *vtep)
{
	struct meaning m = { .vtep = *vtep };
	uint32_t v = vtep_take(&e->vteps, vtep), h = vtep_get(&e->vteps, v)->tunnel;

	if (h) {
		import_ref(&e->imports, h);
	} else {
		h = import_new(e, &m);
		import_get(&e->imports, h)->tunnel = true;
		vtep_get(&e->vteps, v)->tunnel = h;
	}
	vtep_drop(&e->vteps, v);
	return h;
}

void import_unref(struct evpn *e, uint32_t h)
{
	struct import *im = import_get(&e->imports, h);

	if (--im->refs)
		return;
	import_evis_drop(&e->imports, im);
	if (im->tunnel)
		vtep_get(&e->vteps, im->vtep)->tunnel = 0;
	if (im->vtep)
		vtep_drop(&e->vteps, im->vtep);
	if (im->endpoint)
		vtep_drop(&e->vteps, im->endpoint);
	if (im->esi)
		esi_drop(&e->segments, im->esi);
	slab_free(&e->imports.slab, h);
}

void import_release(struct evpn *e, uint32_t h, uint32_t octets)
{
	struct import *im = import_get(&e->imports, h);

	im->octets -= octets;
	if (!im->fixed && !im->tunnel)
		e->imports.octets -= octets;
	import_unref(e, h);
}

/* The set's mark does not say: works it out and notes it. */
static uint32_t import_work_out(struct evpn *e, uint32_t set, uint32_t mark, const struct bgp_attrs *a)
{
	struct import_table *t = &e->imports;
	uint32_t h = mark & MARK_NONE ? 0 : mark;
	struct meaning meaning;
	struct import_matches m;

	import_match(e, a, &m);
	if (!h && m.n && meaning_read(e, a, &meaning))
		h = import_new(e, &meaning);
	if (h) {
		import_evis_set(t, import_get(t, h), &m);
		import_get(t, h)->generation = t->generation;
	}
	free(m.v);
	bgp_did(e->bgp, a->ext_communities_len / 8 / MATCHES_A_ROW);
	bgp_set_set_mark(e->bgp, set, h ? h : MARK_NONE | t->generation);
	return h;
}

uint32_t import_of_set(struct evpn *e, uint32_t set, const struct bgp_attrs *a)
{
	const struct import_table *t = &e->imports;
	uint32_t mark = bgp_set_mark(e->bgp, set);

	if (mark == (MARK_NONE | t->generation))
		return 0;
	if (!mark || (mark & MARK_NONE) || import_get(t, mark)->generation != t->generation)
		mark = import_work_out(e, set, mark, a);
	return mark && import_get(t, mark)->n_evis ? mark : 0;
}

bool evpn_imports(struct evpn *e, uint32_t set, const struct bgp_attrs *a)
{
	return import_of_set(e, set, a) != 0;
}

void import_set_gone(struct evpn *e, uint32_t mark)
{
	if (!(mark & MARK_NONE))
		import_unref(e, mark);
}

uint64_t import_octets_of(const struct evpn *e, uint32_t mark)
{
	return mark & MARK_NONE ? 0 : import_get(&e->imports, mark)->octets;
}

/* ---- claims ----------------------------------------------------------------------------------------------------- */

/* Which PE of a segment is sent to, its A-D routes say (segment.h). */
struct mac_claim import_claim(const struct evpn *e, uint32_t h)
{
	const struct import *im = import_get(&e->imports, h);

	return (struct mac_claim){ im->sequence, im->sticky, im->gateway, vtep_get(&e->vteps, im->vtep)->ip,
				   im->last_resort, im->draining && !im->esi };
}

static int esi_cmp(const struct evpn *e, uint32_t a, uint32_t b)
{
	if (!a || !b)
		return (a != 0) - (b != 0);
	return memcmp(esi_get(&e->segments, a)->b, esi_get(&e->segments, b)->b, 10);
}

/* What says more comes first. */
static int flags_of(const struct import *im)
{
	return im->immutable << 2 | im->router << 1 | im->routes;
}

int import_cmp(const struct evpn *e, uint32_t a, uint32_t b)
{
	const struct import *ia = import_get(&e->imports, a), *ib = import_get(&e->imports, b);
	struct mac_claim ca, cb;
	int d;

	if (a == b)
		return 0;
	ca = import_claim(e, a);
	cb = import_claim(e, b);
	d = mac_claim_cmp(&ca, &cb);
	if (d || ia->label != ib->label)
		return d ? d : ia->label < ib->label ? 1 : -1;
	d = esi_cmp(e, ib->esi, ia->esi);
	if (!d)
		d = flags_of(ia) - flags_of(ib);
	return d ? d : mac_sequence_cmp(ia->sequence, ib->sequence); /* gateways': it has not counted until now */
}


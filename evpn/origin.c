/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * See origin.h. The next hop is our VTEP, the ESI 0. What follows
 * the attributes (AS_PATH, LOCAL_PREF) is bgp's. Of an EVI in a mode without BGP nothing is originated.
 */
#include "evpn/origin.h"

#include "evpn/ec.h"
#include "evpn/nlri.h"
#include "evpn/tables.h"

static const uint8_t no_esi[10];

void origin_mac(struct evpn *e, const struct evi *evi, const struct origin_mac *o)
{
	/* The room behind the communities that all routes of the EVI carry is scratch. */
	struct wbuf w = wb_init(evi->ecs + evi->ecs_len, EVI_ECS_ROOM);
	struct bgp_attrs a = { .origin = BGP_ORIGIN_IGP, .next_hop = e->vtep, .ext_communities = evi->ecs };
	struct bgp_nlri nlri;

	if (!evi->bgp)
		return;
	if (o->sequence || o->sticky) /* RFC 7432 15: none on the first advertisement */
		evpn_ec_put_mobility(&w, o->sequence, o->sticky);
	/*
	 * RFC 9047 3. For plain hosts it is left out: some peers drop routes with what they
	 * do not know, and its absence means the same to us.
	 */
	if (o->ip.len == 16 && (o->router || o->immutable))
		evpn_ec_put_nd(&w, (o->router ? EVPN_ND_ROUTER : 0) | (o->immutable ? EVPN_ND_IMMUTABLE : 0) |
					   EVPN_ND_OVERRIDE);
	else if (o->ip.len && o->immutable) /* R and O mean nothing with IPv4 */
		evpn_ec_put_nd(&w, EVPN_ND_IMMUTABLE);
	BUG_ON(!wb_ok(&w));
	a.ext_communities_len = (uint16_t)(evi->ecs_len + wb_len(&w));
	evpn_nlri_mac(&nlri, evi->rd, evi->tag, &o->mac, &o->ip, no_esi, evi->vni, 0);
	bgp_originate(e->bgp, &evpn_family, &nlri, &a, e->now);
}

void origin_mac_withdraw(struct evpn *e, const struct evi *evi, const struct mac *mac, const struct ip *ip)
{
	struct bgp_nlri nlri = evpn_key_mac(evi->rd, evi->tag, mac, ip);

	if (evi->bgp)
		bgp_withdraw(e->bgp, &evpn_family, nlri.key, nlri.key_len, e->now);
}

void origin_imet(struct evpn *e, const struct evi *evi)
{
	uint8_t pmsi[EVPN_PMSI_MAX];
	struct wbuf w = wb_init(pmsi, sizeof(pmsi));
	struct bgp_attrs a = { .origin = BGP_ORIGIN_IGP,
			       .next_hop = e->vtep,
			       .ext_communities = evi->ecs,
			       .ext_communities_len = (uint16_t)evi->ecs_len,
			       .pmsi = pmsi };
	struct bgp_nlri nlri;

	if (!evi->bgp || evi->flooding == CONFIG_FLOODING_OFF)
		return;
	if (evi->flooding == CONFIG_FLOODING_MULTICAST)
		evpn_pmsi_put_tree(&w, evi->vni, &e->vtep, &evi->group);
	else
		evpn_pmsi_put(&w, evi->vni, &e->vtep);
	BUG_ON(!wb_ok(&w));
	a.pmsi_len = (uint16_t)wb_len(&w);
	evpn_nlri_imet(&nlri, evi->rd, evi->tag, &e->vtep);
	bgp_originate(e->bgp, &evpn_family, &nlri, &a, e->now);
}

void origin_imet_withdraw(struct evpn *e, const struct evi *evi)
{
	struct bgp_nlri nlri = evpn_key_imet(evi->rd, evi->tag, &e->vtep);

	if (evi->bgp)
		bgp_withdraw(e->bgp, &evpn_family, nlri.key, nlri.key_len, e->now);
}

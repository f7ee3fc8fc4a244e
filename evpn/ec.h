/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Extended communities (RFC 4360) and the PMSI tunnel attribute (RFC 6514 5) of EVPN routes as typed values: what was
 * received is read off a struct bgp_attrs, what is originated is written into the caller's space. Unknown communities
 * are never an error, and of several where one is meant the first counts (rfc7432bis 7.14.2).
 */
#ifndef EVPN_EC_H
#define EVPN_EC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/wire.h"
#include "include/bgp.h"

enum evpn_encap { /* tunnel types of the Encapsulation extended community, RFC 9012 4.1, IANA */
	EVPN_ENCAP_VXLAN = 8,
	EVPN_ENCAP_NVGRE = 9,
	EVPN_ENCAP_MPLS = 10,
	EVPN_ENCAP_MPLS_GRE = 11,
	EVPN_ENCAP_VXLAN_GPE = 12,
	EVPN_ENCAP_GENEVE = 19
};

enum { /* flags of the ARP/ND extended community, RFC 9047 2 */
	EVPN_ND_ROUTER = 0x01,
	EVPN_ND_OVERRIDE = 0x02,
	EVPN_ND_IMMUTABLE = 0x08
};

enum evpn_ec_kind {
	EVPN_EC_OTHER, /* one that means nothing to us: passed on, never an error */
	EVPN_EC_RT,
	EVPN_EC_ENCAP,
	EVPN_EC_DEFAULT_GATEWAY,
	EVPN_EC_MOBILITY,
	EVPN_EC_ESI_LABEL,
	EVPN_EC_ES_IMPORT,
	EVPN_EC_ROUTER_MAC,
	EVPN_EC_ND
};
enum evpn_ec_kind evpn_ec_kind(const uint8_t ec[8]);

struct evpn_ec {
	uint32_t kinds;  /* bit N: there is one of kind N (route targets and others are not noted) */
	uint32_t encaps; /* bit N: tunnel type N is offered, N below 32 */
	uint32_t sequence; /* MAC mobility; 0 without the community (RFC 7432 15) */
	uint32_t esi_label;
	bool sticky, single_active;
	uint8_t nd_flags;
	struct mac router_mac, es_import;
};

static inline bool evpn_ec_has(const struct evpn_ec *ec, enum evpn_ec_kind kind)
{
	return ec->kinds >> kind & 1;
}

/* All but the route targets. Good for any a, without ext_communities too. */
void evpn_ec_read(const struct bgp_attrs *a, struct evpn_ec *out);
/*
 * The route targets one by one: const uint8_t *rt = NULL; while ((rt = evpn_ec_next_rt(a, rt))). Eight octets each,
 * borrowed from a.
 */
const uint8_t *evpn_ec_next_rt(const struct bgp_attrs *a, const uint8_t *prev);
/* Can a VXLAN tunnel endpoint use it: VXLAN is offered, or nothing is said (our default; RFC 8365 5.1.3). */
bool evpn_ec_vxlan(const struct evpn_ec *ec);

#define EVPN_EC_LEN 8u /* octets of one extended community */

/* One extended community each: EVPN_EC_LEN octets. */
void evpn_ec_put_rt(struct wbuf *w, const uint8_t rt[8]);
void evpn_ec_put_encap(struct wbuf *w, enum evpn_encap type);
void evpn_ec_put_mobility(struct wbuf *w, uint32_t sequence, bool sticky);
void evpn_ec_put_default_gateway(struct wbuf *w);
void evpn_ec_put_router_mac(struct wbuf *w, const struct mac *m);
void evpn_ec_put_nd(struct wbuf *w, uint8_t nd_flags);
void evpn_ec_put_esi_label(struct wbuf *w, uint32_t label, bool single_active);

/* ---- PMSI tunnel ------------------------------------------------------------------------------------------------ */

#define EVPN_PMSI_INGRESS_REPLICATION 6u /* tunnel type, RFC 6514 5 */
#define EVPN_PMSI_PIM_SSM 3u
#define EVPN_PMSI_PIM_SM 4u
#define EVPN_PMSI_PIM_BIDIR 5u
#define EVPN_PMSI_MAX 37u                /* octets of a tree with IPv6 addresses */

struct evpn_pmsi {
	uint8_t flags;      /* without meaning in EVPN */
	uint8_t type;       /* tunnel type, IANA */
	uint32_t label;     /* the VNI to flood with (RFC 8365 5.1.3) */
	struct ip endpoint; /* of ingress replication, as it came: maybe none to flood to; none for other types */
	struct ip group;    /* of a PIM tree; none for other types */
};

/* False when it is absent (value NULL, len 0), too short, or an ingress replication whose identifier is no address. */
bool evpn_pmsi_read(const uint8_t *value, size_t len, struct evpn_pmsi *out);
/* Ingress replication to endpoint, flooding with vni: at most EVPN_PMSI_MAX octets. */
void evpn_pmsi_put(struct wbuf *w, uint32_t vni, const struct ip *endpoint);
/* A PIM-SM tree: what we flood with vni goes to group. */
void evpn_pmsi_put_tree(struct wbuf *w, uint32_t vni, const struct ip *sender, const struct ip *group);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * EVPN as an address family of bgp: the table of functions, and the two of them that judge attributes. The codec is
 * nlri.c's, printing is print.c's.
 */
#include <string.h>

#include "evpn/ec.h"
#include "evpn/mobility.h"
#include "evpn/nlri.h"
#include "evpn/print.h"
#include "include/evpn.h"

/* RFC 7432 11.2: a Type 3 route MUST carry a PMSI tunnel; RFC 6514 5 and RFC 7606 8: a malformed one withdraws. */
static bool imet_good(const struct bgp_attrs *a)
{
	struct evpn_pmsi pmsi;

	return evpn_pmsi_read(a->pmsi, a->pmsi_len, &pmsi);
}

/*
 * RFC 9136 3.2: a router's MAC that no station can have withdraws. A route without ESI, gateway, router's MAC and label
 * SHOULD do so too, but FRR and ExaBGP have such routes and pass them on: it is held, shown, and of no use to a VRF.
 */
static bool prefix_good(const struct bgp_attrs *a)
{
	struct evpn_ec ec;

	evpn_ec_read(a, &ec);
	return !evpn_ec_has(&ec, EVPN_EC_ROUTER_MAC) || (!mac_is_group(&ec.router_mac) && !mac_is_zero(&ec.router_mac));
}

/* An attribute that means nothing for the type of route is not looked at (rfc7432bis 7.14.2). */
static enum bgp_nlri_verdict check(const struct bgp_attrs *a, const uint8_t *key, size_t key_len)
{
	bool good = true;

	if (key[0] == EVPN_IMET)
		good = imet_good(a);
	else if (key[0] == EVPN_PREFIX)
		good = prefix_good(a);
	return good ? BGP_NLRI_OK : BGP_NLRI_WITHDRAW;
}

/*
 * rfc7432bis 7.13.1, in its order: a default gateway's route before others, of two of them the local one; a static MAC
 * before a mobile one; then the higher sequence number. The number wraps (RFC 7432 15), so it is compared by
 * serial arithmetic. Mobility says nothing on a gateway's route (rfc7432bis 10.1.1).
 */
static int prefer(const struct bgp_attrs *a, bool a_local, const struct bgp_attrs *b, bool b_local, const uint8_t *key,
		  size_t key_len)
{
	bool a_gateway, b_gateway;
	struct evpn_ec ea, eb;

	if (key[0] != EVPN_MAC_IP)
		return 0;
	evpn_ec_read(a, &ea);
	evpn_ec_read(b, &eb);
	a_gateway = evpn_ec_has(&ea, EVPN_EC_DEFAULT_GATEWAY);
	b_gateway = evpn_ec_has(&eb, EVPN_EC_DEFAULT_GATEWAY);
	if (a_gateway != b_gateway)
		return a_gateway ? 1 : -1;
	if (a_gateway)
		return a_local - b_local;
	if (ea.sticky != eb.sticky)
		return ea.sticky ? 1 : -1;
	return mac_sequence_cmp(ea.sequence, eb.sequence);
}

/* An A-D route per segment (RFC 7432 8.2): it takes its VTEP out of all MACs behind the segment. */
static bool urgent(const uint8_t *key, size_t key_len)
{
	return key[0] == EVPN_AD && key_len == EVPN_AD_KEY && !memcmp(key + key_len - 4, "\xff\xff\xff\xff", 4);
}

const struct bgp_family evpn_family = {
	.afi = 25,
	.safi = 70,
	.name = "evpn",
	.route_targets = true,
	.decode = evpn_nlri_decode,
	.encode = evpn_nlri_encode,
	.encoded_len = evpn_nlri_encoded_len,
	.check = check,
	.prefer = prefer,
	.urgent = urgent,
	.print = evpn_route_print,
	.print_attrs = evpn_attrs_print,
};

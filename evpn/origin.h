/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The routes that we originate: their attributes (RFC 7432 7 and 15, RFC 8365 5) and the calls of bgp. */
#ifndef EVPN_ORIGIN_H
#define EVPN_ORIGIN_H

#include "evpn/evi.h"

struct origin_mac {
	struct mac mac;
	struct ip ip; /* none: the MAC only */
	uint32_t sequence;
	bool sticky;
	bool router, immutable; /* of ip, RFC 9047 */
};

void origin_mac(struct evpn *e, const struct evi *evi, const struct origin_mac *o);
void origin_mac_withdraw(struct evpn *e, const struct evi *evi, const struct mac *mac, const struct ip *ip);
void origin_imet(struct evpn *e, const struct evi *evi);
void origin_imet_withdraw(struct evpn *e, const struct evi *evi);

#endif

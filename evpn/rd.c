/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Route distinguishers (RFC 4364 4.2): text and `rd: auto`. They compare as opaque octets; a type that is not defined
 * is good too and is shown as "type3:" and its six octets in hex.
 */
#include <stdio.h>

#include "base/ident.h"
#include "include/evpn.h"

struct evpn_str evpn_rd_str(const uint8_t rd[8])
{
	unsigned type = (unsigned)rd[0] << 8 | rd[1];
	struct evpn_str out;

	if (type <= IDENT_AS4) {
		ident_print((enum ident_type)type, rd + 2, out.s);
		return out;
	}
	snprintf(out.s, sizeof(out.s), "type%u:%02x%02x%02x%02x%02x%02x", type, rd[2], rd[3], rd[4], rd[5], rd[6],
		 rd[7]);
	return out;
}

bool evpn_rd_parse(const char *s, uint8_t rd[8])
{
	enum ident_type type;

	if (!ident_parse(s, &type, rd + 2))
		return false;
	rd[0] = 0;
	rd[1] = (uint8_t)type;
	return true;
}

/*
 * RFC 7432 7.9 wants type 1 with an address of the host and a number that names the EVI on it: 48 bits of which 32 are
 * taken, so a VNI of 24 bits cannot always fit. The low 16 bits keep a block of consecutive VNIs apart, where a hash
 * would have the 300 of a small site collide every second time.
 */
void evpn_rd_auto(uint32_t router_id, uint32_t vni, uint8_t rd[8])
{
	rd[0] = 0;
	rd[1] = IDENT_IP4;
	rd[2] = (uint8_t)(router_id >> 24);
	rd[3] = (uint8_t)(router_id >> 16);
	rd[4] = (uint8_t)(router_id >> 8);
	rd[5] = (uint8_t)router_id;
	rd[6] = (uint8_t)(vni >> 8);
	rd[7] = (uint8_t)vni;
}

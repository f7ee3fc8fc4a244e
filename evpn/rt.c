/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Route targets (RFC 4360 4, RFC 5668 2): text, and the automatic ones of RFC 8365 5.1.2.1 and of common practice. */
#include "base/ident.h"
#include "base/wire.h"
#include "include/evpn.h"

#define RT_SUBTYPE 0x02
#define AUTO_VXLAN 0x10000000u /* RFC 8365 5.1.2.1: A 0 (automatic), type 1 (VXLAN), domain 0, then the VNI */
#define VNI_MAX 0xffffffu

bool evpn_rt_str(const uint8_t rt[8], struct evpn_str *out)
{
	if (rt[0] > IDENT_AS4 || rt[1] != RT_SUBTYPE)
		return false;
	ident_print((enum ident_type)rt[0], rt + 2, out->s);
	return true;
}

bool evpn_rt_parse(const char *s, uint8_t rt[8])
{
	enum ident_type type;

	if (!ident_parse(s, &type, rt + 2))
		return false;
	rt[0] = (uint8_t)type;
	rt[1] = RT_SUBTYPE;
	return true;
}

void evpn_rt_auto(uint32_t asn, uint32_t vni, uint8_t rt[8])
{
	rt[0] = IDENT_AS2;
	rt[1] = RT_SUBTYPE;
	rt[2] = (uint8_t)(asn >> 8);
	rt[3] = (uint8_t)asn;
	rt[4] = (uint8_t)(vni >> 24);
	rt[5] = (uint8_t)(vni >> 16);
	rt[6] = (uint8_t)(vni >> 8);
	rt[7] = (uint8_t)vni;
}

/* A wide AS has one form more, with 16 bits for the VNI (RFC 5668 2). */
size_t evpn_rt_auto_forms(uint32_t asn, uint32_t vni, uint8_t rts[EVPN_RT_AUTO_FORMS][8])
{
	struct wbuf w = wb_init(rts[2], 8);

	evpn_rt_auto(asn, vni, rts[0]);
	evpn_rt_auto(asn, AUTO_VXLAN | vni, rts[1]);
	if (asn <= UINT16_MAX || vni > UINT16_MAX)
		return 2;
	wb_u8(&w, IDENT_AS4);
	wb_u8(&w, RT_SUBTYPE);
	wb_u32(&w, asn);
	wb_u16(&w, (uint16_t)vni);
	return 3;
}

uint32_t evpn_rt_auto_vni(const uint8_t rt[8])
{
	struct rbuf r = rb_init(rt, 8);
	uint8_t type = rb_u8(&r), subtype = rb_u8(&r);
	uint32_t number;

	if (subtype != RT_SUBTYPE || (type != IDENT_AS2 && type != IDENT_AS4))
		return 0;
	rb_skip(&r, type == IDENT_AS2 ? 2 : 4);
	number = type == IDENT_AS2 ? rb_u32(&r) : rb_u16(&r);
	if ((number & ~VNI_MAX) == AUTO_VXLAN)
		number &= VNI_MAX;
	return number <= VNI_MAX ? number : 0;
}

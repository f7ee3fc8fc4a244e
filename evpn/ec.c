/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Extended communities and PMSI tunnel, see ec.h. Eight octets each:
 *
 *   route target      | 00, 01, 02 | 02 | administrator and number 6 |                    RFC 4360 4, RFC 5668
 *   encapsulation     | 03 | 0c | 0 4 | tunnel type 2 |                                   RFC 9012 4.1
 *   default gateway   | 03 | 0d | 0 6 |                                                   RFC 7432 7.8
 *   MAC mobility      | 06 | 00 | flags 1 | 0 | sequence 4 |                              RFC 7432 7.7
 *   ESI label         | 06 | 01 | flags 1 | 0 2 | label 3 |                               RFC 7432 7.5
 *   ES-Import         | 06 | 02 | MAC 6 |                                                 RFC 7432 7.6
 *   router's MAC      | 06 | 03 | MAC 6 |                                                 RFC 9135 8.1
 *   ARP/ND            | 06 | 08 | flags 1 | 0 5 |                                         RFC 9047 2
 */
#include "evpn/ec.h"

#define MOBILITY_STATIC 0x01u
#define ESI_SINGLE_ACTIVE 0x01u

enum evpn_ec_kind evpn_ec_kind(const uint8_t ec[8])
{
	switch (ec[0] << 8 | ec[1]) {
	case 0x0002:
	case 0x0102:
	case 0x0202:
		return EVPN_EC_RT;
	case 0x030c:
		return EVPN_EC_ENCAP;
	case 0x030d:
		return EVPN_EC_DEFAULT_GATEWAY;
	case 0x0600:
		return EVPN_EC_MOBILITY;
	case 0x0601:
		return EVPN_EC_ESI_LABEL;
	case 0x0602:
		return EVPN_EC_ES_IMPORT;
	case 0x0603:
		return EVPN_EC_ROUTER_MAC;
	case 0x0608:
		return EVPN_EC_ND;
	default:
		return EVPN_EC_OTHER;
	}
}

static void read_encap(struct rbuf *v, struct evpn_ec *out)
{
	uint16_t type;

	rb_skip(v, 4);
	type = rb_u16(v);
	if (type < 32)
		out->encaps |= 1u << type;
}

static void read_mobility(struct rbuf *v, struct evpn_ec *out)
{
	out->sticky = rb_u8(v) & MOBILITY_STATIC;
	rb_skip(v, 1);
	out->sequence = rb_u32(v);
}

static void read_esi_label(struct rbuf *v, struct evpn_ec *out)
{
	out->single_active = rb_u8(v) & ESI_SINGLE_ACTIVE;
	rb_skip(v, 2);
	out->esi_label = rb_u24(v);
}

void evpn_ec_read(const struct bgp_attrs *a, struct evpn_ec *out)
{
	*out = (struct evpn_ec){ 0 };
	for (size_t at = 0; at + EVPN_EC_LEN <= a->ext_communities_len; at += EVPN_EC_LEN) {
		const uint8_t *ec = a->ext_communities + at;
		enum evpn_ec_kind kind = evpn_ec_kind(ec);
		struct rbuf v = rb_init(ec + 2, EVPN_EC_LEN - 2);

		if (kind == EVPN_EC_RT || kind == EVPN_EC_OTHER || (kind != EVPN_EC_ENCAP && evpn_ec_has(out, kind)))
			continue;
		out->kinds |= 1u << kind;
		if (kind == EVPN_EC_ENCAP)
			read_encap(&v, out);
		else if (kind == EVPN_EC_MOBILITY)
			read_mobility(&v, out);
		else if (kind == EVPN_EC_ESI_LABEL)
			read_esi_label(&v, out);
		else if (kind == EVPN_EC_ES_IMPORT)
			out->es_import = rb_mac(&v);
		else if (kind == EVPN_EC_ROUTER_MAC)
			out->router_mac = rb_mac(&v);
		else if (kind == EVPN_EC_ND)
			out->nd_flags = rb_u8(&v);
	}
}

const uint8_t *evpn_ec_next_rt(const struct bgp_attrs *a, const uint8_t *prev)
{
	size_t at = prev ? (size_t)(prev - a->ext_communities) + EVPN_EC_LEN : 0;

	for (; at + EVPN_EC_LEN <= a->ext_communities_len; at += EVPN_EC_LEN)
		if (evpn_ec_kind(a->ext_communities + at) == EVPN_EC_RT)
			return a->ext_communities + at;
	return NULL;
}

bool evpn_ec_vxlan(const struct evpn_ec *ec)
{
	return !evpn_ec_has(ec, EVPN_EC_ENCAP) || ec->encaps & 1u << EVPN_ENCAP_VXLAN;
}

void evpn_ec_put_rt(struct wbuf *w, const uint8_t rt[8])
{
	wb_bytes(w, rt, 8);
}

void evpn_ec_put_encap(struct wbuf *w, enum evpn_encap type)
{
	wb_u16(w, 0x030c);
	wb_u32(w, 0);
	wb_u16(w, (uint16_t)type);
}

void evpn_ec_put_mobility(struct wbuf *w, uint32_t sequence, bool sticky)
{
	wb_u16(w, 0x0600);
	wb_u8(w, sticky ? MOBILITY_STATIC : 0);
	wb_u8(w, 0);
	wb_u32(w, sequence);
}

void evpn_ec_put_default_gateway(struct wbuf *w)
{
	wb_u16(w, 0x030d);
	wb_zero(w, 6);
}

void evpn_ec_put_router_mac(struct wbuf *w, const struct mac *m)
{
	wb_u16(w, 0x0603);
	wb_mac(w, m);
}

void evpn_ec_put_nd(struct wbuf *w, uint8_t nd_flags)
{
	wb_u16(w, 0x0608);
	wb_u8(w, nd_flags);
	wb_zero(w, 5);
}

void evpn_ec_put_esi_label(struct wbuf *w, uint32_t label, bool single_active)
{
	wb_u16(w, 0x0601);
	wb_u8(w, single_active ? ESI_SINGLE_ACTIVE : 0);
	wb_zero(w, 2);
	wb_u24(w, label);
}

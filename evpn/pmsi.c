/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * PMSI tunnel attribute (RFC 6514 5):  | flags 1 | tunnel type 1 | label 3 | tunnel identifier |
 * The identifier of ingress replication is an address, that of PIM trees (RFC 6514 5: 3 SSM, 4 SM, 5 BIDIR) two: the
 * sender's, or the root's, and the group. Others are not read in full. Which tunnel types exist is known where
 * attributes are judged (bgp/attr.c).
 */
#include "evpn/ec.h"

bool evpn_pmsi_read(const uint8_t *value, size_t len, struct evpn_pmsi *out)
{
	struct rbuf r = rb_init(value, len);

	*out = (struct evpn_pmsi){ 0 };
	out->flags = rb_u8(&r);
	out->type = rb_u8(&r);
	out->label = rb_u24(&r);
	if (!rb_ok(&r))
		return false;
	if (out->type >= EVPN_PMSI_PIM_SSM && out->type <= EVPN_PMSI_PIM_BIDIR) {
		size_t each = rb_left(&r) / 2;

		if (rb_left(&r) == 8 || rb_left(&r) == 32) {
			rb_skip(&r, each);
			out->group = rb_ip(&r, each);
		}
		return true;
	}
	if (out->type != EVPN_PMSI_INGRESS_REPLICATION)
		return true;
	/* RFC 6514 5: the identifier is the unicast tunnel endpoint. FRR 8.4 sends 0.0.0.0 for an IPv6 one. */
	out->endpoint = rb_ip(&r, rb_left(&r));
	return out->endpoint.len;
}

void evpn_pmsi_put(struct wbuf *w, uint32_t vni, const struct ip *endpoint)
{
	wb_u8(w, 0);
	wb_u8(w, EVPN_PMSI_INGRESS_REPLICATION);
	wb_u24(w, vni);
	wb_ip(w, endpoint);
}

void evpn_pmsi_put_tree(struct wbuf *w, uint32_t vni, const struct ip *sender, const struct ip *group)
{
	wb_u8(w, 0);
	wb_u8(w, EVPN_PMSI_PIM_SM);
	wb_u24(w, vni);
	wb_ip(w, sender);
	wb_ip(w, group);
}

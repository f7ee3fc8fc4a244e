/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * PMSI tunnel attribute (RFC 6514 5):  | flags 1 | tunnel type 1 | label 3 | tunnel identifier |
 * Read in full for ingress replication only. Which tunnel types exist is known where attributes are judged (bgp/attr.c).
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

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What evpn is told: what is local, what the tunnel has shown, what was asked for in vain. */
#include "dataplane/reconcile.h"

static void tell_far_gone(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);
	struct mac mac = r->mac;
	uint32_t vni = row_vni(&c->rows, r)->vni;

	r->told_far = false;
	rec_settle(c, h);
	if (c->ev.tunnel_mac_gone)
		c->ev.tunnel_mac_gone(c->ev.ctx, vni, &mac);
}

static void tell_far(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);
	struct mac mac = r->mac;
	struct ip vtep = row_dest(&c->rows, r->to.have)->d.vtep;

	r->told_far = true;
	r->tell = false;
	rec_settle(c, h);
	if (c->ev.tunnel_mac)
		c->ev.tunnel_mac(c->ev.ctx, row_vni(&c->rows, r)->vni, &mac, &vtep);
}

void rec_tell_gone(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);
	struct dp_vni *v = row_vni(&c->rows, r);
	bool fdb = r->kind == DP_FDB;
	struct mac mac = r->mac;
	struct ip ip = fdb ? ip_none() : row_ip(&c->rows, h);

	if (r->told_far) {
		tell_far_gone(c, h);
		return;
	}
	if (!r->told)
		return;
	r->told = r->tell = false;
	v->local_macs -= fdb;
	v->local_ips -= !fdb;
	rec_settle(c, h);
	if (fdb)
		c->ev.local_mac_gone(c->ev.ctx, v->vni, &mac);
	else
		c->ev.local_ip_gone(c->ev.ctx, v->vni, &ip);
}

static void tell_local(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);
	struct dp_vni *v = row_vni(&c->rows, r);
	uint8_t flags = rec_local_state(r) == DP_SEEN_LOCAL_STATIC ? DP_LOCAL_STATIC : 0;
	bool fdb = r->kind == DP_FDB;

	v->local_macs += fdb && !r->told;
	v->local_ips += !fdb && !r->told;
	r->told = true;
	r->tell = false;
	rec_settle(c, h); /* it is local, so it stays */
	if (fdb) {
		c->ev.local_mac(c->ev.ctx, v->vni, &r->mac, r->to.ifindex, flags);
	} else {
		struct ip ip = row_ip(&c->rows, h);

		flags |= r->have_flags & DP_ROUTER ? DP_LOCAL_ROUTER : 0;
		c->ev.local_ip(c->ev.ctx, v->vni, &ip, &r->at.have_mac, flags);
	}
}

static void tell_demand(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);
	uint32_t vni = row_vni(&c->rows, r)->vni;
	bool idle = r->idle;
	struct mac mac = r->mac;

	r->idle = r->doubt = false;
	rec_settle(c, h);
	if (idle && c->ev.demand)
		c->ev.demand(c->ev.ctx, vni, &mac, false);
	else if (!idle && c->ev.miss)
		c->ev.miss(c->ev.ctx, vni, &mac, NULL);
}

void rec_tell(struct rec *c, uint32_t h)
{
	const struct row *r = row_at(&c->rows, h);

	if (r->idle || r->doubt)
		tell_demand(c, h);
	else if (rec_is_local(rec_local_state(r)) && !r->told_far)
		tell_local(c, h);
	else if (rec_is_far(r) && !r->told)
		tell_far(c, h);
	else
		rec_tell_gone(c, h);
}

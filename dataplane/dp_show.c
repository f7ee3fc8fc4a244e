/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What the dataplane shows: rows, VNIs, counters. Reads only. */
#include "dataplane/dp.h"
#include "dataplane/refusal.h"

#include <string.h>

bool dp_vni_info(const struct dp *d, uint32_t vni, struct dp_vni_info *out)
{
	struct dp_vni *v = NULL;

	while ((v = rows_vni_next(&d->rec.rows, v))) {
		if (v->vni == vni)
			break;
	}
	if (!v || v->closing)
		return false;
	*out = (struct dp_vni_info){ .vni = vni };
	d->ops->vni_info(d->be, v->data, out);
	out->ready = v->ready;
	out->local_macs = v->local_macs;
	return true;
}

static enum dp_owner owner_of(unsigned state, bool wanted)
{
	switch (state) {
	case DP_SEEN_NONE:
	case DP_SEEN_OURS:
		return DP_OWNER_EVPND;
	case DP_SEEN_CLAIM:
		return wanted ? DP_OWNER_EVPND : DP_OWNER_FOREIGN;
	case DP_SEEN_LOCAL:
	case DP_SEEN_OWN:
		return DP_OWNER_KERNEL;
	default:
		return DP_OWNER_FOREIGN;
	}
}

static bool on_vxlan_port(unsigned state)
{
	return state == DP_SEEN_OURS || state == DP_SEEN_CLAIM || state == DP_SEEN_FOREIGN;
}

static void fill_bridge(const struct row *r, const struct dp_vni_info *dev, struct dp_row_info *out)
{
	bool here = r->port != DP_SEEN_NONE && !on_vxlan_port(r->port);

	out->table = "bridge";
	out->desired = r->wanted && !here; /* a local row stands in its place */
	out->observed = r->port != DP_SEEN_NONE;
	out->owner = owner_of(r->port, r->wanted);
	out->ifindex = here ? r->to.ifindex : dev->vxlan_ifindex;
	out->learned = r->port == DP_SEEN_LOCAL;
	if (here) {
		out->pending = out->help = NULL;
		out->stuck = false;
	}
}

static void fill_dest(const struct rec *c, uint32_t dest, struct dp_row_info *out)
{
	const struct dest_row *d = row_dest(&c->rows, dest);
	const struct dp_set *members = !d->set ? NULL : out->desired ? &d->set->want : &d->set->have;

	out->row.vtep = d->d.vtep;
	out->row.label_vni = d->d.label;
	for (uint32_t i = 0; members && i < members->n; i++)
		out->vteps[out->n_vteps++] = row_dest(&c->rows, members->dest[i])->d.vtep;
}

static void fill_self(const struct rec *c, uint32_t h, const struct dp_vni_info *dev, struct dp_row_info *out)
{
	const struct row *r = row_at(&c->rows, h);
	uint32_t dest = r->wanted ? row_want_dest(r) : row_have_dest(r);
	bool neigh = r->kind == DP_NEIGH;

	out->table = neigh ? "neigh" : "vxlan";
	out->desired = r->wanted;
	out->observed = r->self != DP_SEEN_NONE && (!r->wanted || row_have_dest(r) == row_want_dest(r));
	out->owner = owner_of(r->self, r->wanted);
	out->learned = r->kind == DP_FDB && r->self == DP_SEEN_LOCAL;
	out->ifindex = neigh && dev->bridge ? dev->bridge_ifindex : dev->vxlan_ifindex;
	if (dest)
		fill_dest(c, dest, out);
	if (neigh)
		out->row.mac = r->wanted ? r->mac : r->at.have_mac;
}

/* A backend with one table: what stands in it, and what should. */
static void fill_only(const struct dp *d, uint32_t h, const struct dp_vni_info *dev, struct dp_row_info *out)
{
	const struct row *r = row_at(&d->rec.rows, h);
	bool here = r->kind == DP_FDB && rec_is_local(r->port);

	if (here)
		fill_bridge(r, dev, out);
	else
		fill_self(&d->rec, h, dev, out);
	out->table = d->ops->table;
	if (out->learned) {
		out->desired = true;
		out->owner = DP_OWNER_EVPND;
	}
}

/* One of the two kernel rows of a row; false when there is nothing to show. */
static bool fill(const struct dp *d, uint32_t h, bool bridge, struct dp_row_info *out)
{
	const struct rec *c = &d->rec;
	const struct row *r = row_at(&c->rows, h);
	const struct dp_vni *v = row_vni(&c->rows, r);
	struct dp_vni_info dev = { 0 };

	if (d->ops->table ? bridge || (!r->wanted && r->port == DP_SEEN_NONE && r->self == DP_SEEN_NONE) :
	    bridge ? r->kind != DP_FDB || !v->bridged || (!r->wanted && r->port == DP_SEEN_NONE) :
		     !r->wanted && r->self == DP_SEEN_NONE)
		return false;
	memset(out, 0, sizeof(*out));
	d->ops->vni_info(d->be, v->data, &dev);
	out->row.key.vni = v->vni;
	out->row.key.kind = r->kind;
	if (r->kind != DP_NEIGH)
		out->row.key.mac = r->mac;
	if (r->kind != DP_FDB)
		out->row.key.ip = row_ip(&c->rows, h);
	out->row.flags = r->wanted ? r->want_flags : r->have_flags;
	out->since = mtime_add_ms(c->start, (int64_t)r->since * 100);
	out->pending = rec_pending(c, h);
	out->stuck = out->pending && v->ready && (r->err || rec_plan(c, h).todo == REC_BLOCKED);
	if (out->pending && r->err && !rec_plan(c, h).why)
		out->help = refusal_help(r->err, r->kind, &out->row.key.ip);
	if (d->ops->table)
		fill_only(d, h, &dev, out);
	else if (bridge)
		fill_bridge(r, &dev, out);
	else
		fill_self(c, h, &dev, out);
	out->device = d->ops->ifname(d->be, out->ifindex);
	return true;
}

bool dp_next(const struct dp *d, struct dp_cursor *c, uint32_t vni, struct dp_row_info *out)
{
	const struct rows *t = &d->rec.rows;

	/* phase: how many of the two rows of this handle have been shown */
	for (;;) {
		bool first = c->phase == 0;

		if (first)
			c->handle = rows_next(t, c->handle);
		if (!c->handle)
			return false;
		c->phase = first;
		if (!slab_live(&t->slab[row_slab(c->handle)], c->handle >> 2))
			continue;
		if (vni && row_vni(t, row_at(t, c->handle))->vni != vni) {
			c->phase = 0;
			continue;
		}
		if (fill(d, c->handle, first, out))
			return true;
	}
}

bool dp_next_port(const struct dp *d, struct dp_cursor *c, uint32_t vni, struct dp_port_info *out)
{
	while (d->ops->next_port && d->ops->next_port(d->be, c, out)) {
		if (!vni || out->vni == vni)
			return true;
	}
	return false;
}

bool dp_next_traffic(const struct dp *d, struct dp_cursor *c, struct dp_traffic *out)
{
	return d->ops->next_traffic && d->ops->next_traffic(d->be, c, out);
}

void dp_stats(const struct dp *d, struct dp_stats *out)
{
	const struct rec *c = &d->rec;

	*out = (struct dp_stats){
		.rows = c->n_wanted,
		.rows_there = c->n_there,
		.dirty = c->dirty.n + c->n_out,
		.writes = c->writes,
		.errors = c->errors,
		.repairs = c->repairs,
		.overruns = c->overruns,
		.bytes = rows_bytes(&c->rows) + rowset_bytes(&c->dirty),
		.unread = c->n_unread,
	};
	for (unsigned i = 0; i < REC_LEVELS; i++) {
		out->dirty += c->retry[i].n;
		out->bytes += rowset_bytes(&c->retry[i]);
	}
	for (struct dp_vni *v = NULL; (v = rows_vni_next(&c->rows, v));) {
		out->rows_going += v->n_doomed;
		out->local_macs += v->local_macs;
		out->local_ips += v->local_ips;
	}
}

const char *dp_backend_name(const struct dp *d)
{
	return d->ops->name;
}

const char *dp_ifname(const struct dp *d, unsigned ifindex)
{
	return ifindex ? d->ops->ifname(d->be, ifindex) : NULL;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* A trace through the VTEP's own tables: what a worker would find, and do, with a frame to a MAC. */
#include <stdio.h>

#include "dataplane/vtep/vtep.h"

static void add_vtep(struct dp_traced *out, const struct ip *vtep)
{
	if (out->n_vteps < DP_SET_MAX)
		out->vteps[out->n_vteps++] = *vtep;
	else
		out->more++;
}

/* Where its copies go, and how the row reads. */
static void follow(struct dp_tracer *tr, struct trace_step *st, const struct dest *d)
{
	const struct fan *f = d->fan;

	if (!f) {
		trace_answer(st, " vtep %s", ip_str(&d->key.vtep).s);
		if (d->key.label)
			trace_answer(st, " vni %u", d->key.label);
		if (!ip_is_multicast(&d->key.vtep))
			add_vtep(tr->out, &d->key.vtep);
		return;
	}
	for (uint32_t i = 0; i < f->n; i++)
		follow(tr, st, f->dest[i]);
	trace_say(st, TRACE_OK, "each flow goes to one of %u", f->n);
}

static bool judge_port(struct trace_step *st, const struct vport *p)
{
	if (!p->dev) {
		trace_say(st, TRACE_BROKEN, "the port %s is not there, or cannot be opened", p->label);
		trace_advise(st, "evpnctl show vni %u says why", p->bridge->vni);
	} else if (p->silent || !p->dev->up) {
		trace_say(st, TRACE_BROKEN, "%s is down, or has no carrier", p->label);
		trace_advise(st, "ip link set %s up, and its other end", p->name);
	}
	return st->result < TRACE_BROKEN;
}

static void flood(const struct bridge *b, const struct mac *mac, struct dp_tracer *tr)
{
	const struct flood *own = mac_is_group(mac) ? bridge_group(b, mac) : NULL, *f = own ? own : b->flood;
	struct trace_step *st = trace_add(tr->t, TRACE_FDB, "to whom does VNI %u flood?", b->vni);

	tr->out->to = DP_TRACED_FLOOD;
	for (uint32_t i = 0; i < f->n; i++)
		follow(tr, st, f->dest[i]);
	if (!f->n) {
		trace_say(st, TRACE_WARNING, "to no VTEP: only the local ports get a copy");
		trace_advise(st, "evpnctl show vni %u: does any other VTEP have this VNI?", b->vni);
	}
}

static void unknown(const struct bridge *b, const struct mac *mac, struct dp_tracer *tr, struct trace_step *st)
{
	if (mac_is_group(mac)) {
		trace_say(st, TRACE_OK, "a group address: flooded");
	} else if (b->miss_macs) {
		trace_say(st, TRACE_WARNING,
			  "no row yet: rows come on demand, so who has it is looked for with the first frame");
		trace_advise(st, "evpnctl show vni %u says what the resolver answers", b->vni);
		return;
	} else if (b->drop_unknown) {
		trace_say(st, TRACE_BROKEN, "no row, and unknown unicast is dropped");
		trace_advise(st, "unknown-unicast: drop is configured; the host has to speak first");
		return;
	} else {
		trace_say(st, TRACE_WARNING, "no row: flooded to all ports and VTEPs");
	}
	flood(b, mac, tr);
}

static void on_port(const struct vport *p, struct dp_tracer *tr, struct trace_step *st)
{
	tr->out->to = DP_TRACED_PORT;
	tr->out->ifindex = p->id;
	snprintf(tr->out->port, sizeof(tr->out->port), "%s", p->label);
	trace_answer(st, " port %s", p->label);
	judge_port(st, p);
}

void vtep_trace(void *be, void *vni, const struct mac *mac, struct dp_tracer *tr)
{
	const struct bridge *b = vni;
	struct trace_step *st = trace_add(tr->t, TRACE_FDB, "VNI %u: where is %s?", b->vni, mac_str(mac).s);
	struct fdb_entry e = fdb_get(&b->fdb, fdb_key(mac));

	if (!b->u) {
		trace_say(st, TRACE_BROKEN, "%s", b->problem[0] ? b->problem : "the VTEP has no socket");
		trace_advise(st, "evpnctl show vni %u", b->vni);
		return;
	}
	tr->from = b->u->vtep;
	if (e.kind == FDB_NONE) {
		unknown(b, mac, tr, st);
		return;
	}
	trace_answer(st, "%s", mac_str(mac).s);
	if (e.kind == FDB_PORT) {
		on_port(e.to, tr, st);
	} else {
		tr->out->to = DP_TRACED_VTEPS;
		follow(tr, st, e.to);
		if (b->rsc && rmap_get(&b->routers, fdb_key(mac)))
			trace_say(st, TRACE_OK,
				  "a router, and rsc is on: "
				  "IP packets to it go straight to the host that they are for, if a row says where");
	}
	trace_answer(st, "%s%s", e.kind == FDB_LEARNED ? " learned" : "", e.sticky ? " sticky" : "");
}

/* Is it one of those that the entry leads to? */
static bool leads_to(const struct dest *d, const struct ip *vtep)
{
	const struct fan *f = d->fan;

	for (uint32_t i = 0; f && i < f->n; i++)
		if (leads_to(f->dest[i], vtep))
			return true;
	return !f && ip_eq(&d->key.vtep, vtep);
}

/* As a worker judges the source of a packet. */
static void from_tunnel(const struct bridge *b, const struct mac *mac, struct dp_tracer *tr)
{
	struct fdb_entry e = fdb_get(&b->fdb, fdb_key(mac));
	struct trace_step *st;

	if (!b->check_source)
		return;
	st = trace_add(tr->t, TRACE_SOURCE, "are packets of %s from %s taken?", mac_str(mac).s, ip_str(&tr->from).s);
	if (!bridge_knows(b, &tr->from)) {
		trace_say(st, TRACE_BROKEN, "no: check-source is on, and no row or flood list of VNI %u goes to %s",
			  b->vni, ip_str(&tr->from).s);
		trace_advise(st, "the VTEP into flood: or hosts:, or check-source: false");
	} else if (b->known_hosts && !(fdb_is_remote(e) && leads_to(e.to, &tr->from))) {
		trace_say(st, TRACE_BROKEN,
			  "no: hosts of this mode have to have a row to the VTEP that they come from");
		trace_advise(st, "the host into hosts:, or check-source: false");
	}
}

void vtep_trace_source(void *be, void *vni, const struct mac *mac, unsigned ifindex, struct dp_tracer *tr)
{
	const struct bridge *b = vni;
	const struct vport *p = ifindex ? port_id(b, ifindex) : NULL;
	struct trace_step *st;

	if (!ifindex) {
		from_tunnel(b, mac, tr);
		return;
	}
	st = trace_add(tr->t, TRACE_SOURCE, "may %s come in by its port?", mac_str(mac).s);
	if (!p) {
		trace_say(st, TRACE_BROKEN, "the port that it was last seen on is gone");
		return;
	}
	trace_answer(st, "%s", p->label);
	judge_port(st, p);
}

/* A worker answers questions for hosts behind VTEPs. */
void vtep_trace_answer(void *be, void *vni, const struct ip *ip, const struct mac *mac, struct dp_tracer *tr)
{
	const struct bridge *b = vni;
	const struct binding *n = (const struct binding *)(uintptr_t)rmap_get(&b->neighs, vtep_ip_key(b->v, ip));
	struct trace_step *st;

	if (!b->suppress)
		return;
	st = trace_add(tr->t, TRACE_INNER_NEIGHBOUR, "does the VTEP answer for %s?", ip_str(ip).s);
	if (!n || !ip_eq(&n->ip, ip)) {
		trace_say(st, TRACE_WARNING, "no: it has no row, so the question goes to every VTEP");
		trace_advise(st, "evpnctl repair --vni %u", b->vni);
		return;
	}
	trace_answer(st, "%s lladdr %s%s", ip_str(ip).s, mac_str(&n->mac).s, n->router ? " router" : "");
	if (!mac_eq(&n->mac, mac)) {
		trace_say(st, TRACE_BROKEN, "yes, with another MAC than %s: hosts that ask are sent elsewhere",
			  mac_str(mac).s);
		trace_advise(st, "evpnctl repair --vni %u", b->vni);
	} else {
		trace_say(st, TRACE_OK, "yes: hosts here need not wait for %s", ip_str(ip).s);
	}
}

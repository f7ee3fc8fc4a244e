/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A trace through the kernel's tables: the bridge's row of a MAC, the vxlan device's, the nexthop
 * group that it points at, each asked for by its key. What evpnd believes of them plays no part here.
 *
 *	frame ─► port ─► bridge row ─┬─► local port
 *	                             ├─► vxlan port ─► vxlan row ─┬─► VTEP
 *	                             │                            └─► nexthop group ─► VTEPs
 *	                             └─► none: flooded to ports and, by the all-zero row, to the flood list
 */
#include <errno.h>
#include <linux/if_bridge.h>
#include <stdio.h>

#include "dataplane/kernel.h"
#include "dataplane/lookup.h"

/* ---- questions --------------------------------------------------------------------------------------------------- */

struct fdb_row {
	int err; /* -ENOENT: there is none */
	unsigned ifindex;
	uint8_t flags;	/* NTF_* */
	uint16_t state; /* NUD_* */
	bool locked;
	uint32_t nhid, label, src_vni;
	uint16_t vlan;
	struct ip dst;
};

#ifndef NTF_EXT_LOCKED
#define NTF_EXT_LOCKED 2
#endif

static uint32_t u32_of(struct nlattr *a)
{
	return a ? nla_get_u32(a) : 0;
}

static void on_fdb(void *ctx, const struct nlmsghdr *h)
{
	const struct ndmsg *nd = NLMSG_DATA(h);
	struct nlattr *tb[NDA_FLAGS_EXT + 1];
	struct fdb_row *r = ctx;

	if (h->nlmsg_type != RTM_NEWNEIGH ||
	    nlmsg_parse((struct nlmsghdr *)(uintptr_t)h, sizeof(*nd), tb, NDA_FLAGS_EXT, NULL))
		return;
	r->err = 0;
	r->ifindex = (unsigned)nd->ndm_ifindex;
	r->flags = nd->ndm_flags;
	r->state = nd->ndm_state;
	r->locked = u32_of(tb[NDA_FLAGS_EXT]) & NTF_EXT_LOCKED;
	r->nhid = u32_of(tb[NDA_NH_ID]);
	r->label = u32_of(tb[NDA_VNI]);
	r->src_vni = u32_of(tb[NDA_SRC_VNI]);
	r->vlan = tb[NDA_VLAN] ? nla_get_u16(tb[NDA_VLAN]) : 0;
	if (tb[NDA_DST] && (nla_len(tb[NDA_DST]) == 4 || nla_len(tb[NDA_DST]) == 16))
		r->dst = ip_from_bytes(nla_data(tb[NDA_DST]), (size_t)nla_len(tb[NDA_DST]));
}

static struct fdb_row ask_fdb(struct ksock *s, struct nl_msg *m, const struct mac *mac)
{
	struct fdb_row r = { .err = -ENOENT };
	int err;

	nla_put(m, NDA_LLADDR, sizeof(mac->b), mac->b);
	err = ksock_get(s, m, on_fdb, &r);
	if (err)
		r.err = err;
	return r;
}

static struct fdb_row ask_bridge(struct ksock *s, const struct kvni *v, const struct mac *mac)
{
	struct ndmsg nd = { .ndm_family = AF_BRIDGE };
	struct nl_msg *m = ksock_msg(RTM_GETNEIGH, 0, &nd, sizeof(nd));

	nla_put_u32(m, NDA_MASTER, v->bridge_ifindex);
	if (v->vlan)
		nla_put_u16(m, NDA_VLAN, v->vlan);
	return ask_fdb(s, m, mac);
}

static struct fdb_row ask_vxlan(struct ksock *s, const struct kvni *v, const struct mac *mac)
{
	struct ndmsg nd = { .ndm_family = AF_BRIDGE, .ndm_ifindex = (int)v->vxlan_ifindex, .ndm_flags = NTF_SELF };
	struct nl_msg *m = ksock_msg(RTM_GETNEIGH, 0, &nd, sizeof(nd));

	if (v->external)
		nla_put_u32(m, NDA_VNI, v->vni);
	return ask_fdb(s, m, mac);
}

struct nexthop_row {
	int err;
	struct ip via;
	uint32_t member[DP_SET_MAX];
	unsigned n, more;
	bool fdb;
};

static void on_nexthop(void *ctx, const struct nlmsghdr *h)
{
	struct nlattr *tb[NHA_MAX + 1];
	struct nexthop_row *r = ctx;
	const struct nexthop_grp *g;

	if (h->nlmsg_type != RTM_NEWNEXTHOP ||
	    nlmsg_parse((struct nlmsghdr *)(uintptr_t)h, sizeof(struct nhmsg), tb, NHA_MAX, NULL))
		return;
	r->err = 0;
	r->fdb = tb[NHA_FDB];
	if (tb[NHA_GATEWAY] && (nla_len(tb[NHA_GATEWAY]) == 4 || nla_len(tb[NHA_GATEWAY]) == 16))
		r->via = ip_from_bytes(nla_data(tb[NHA_GATEWAY]), (size_t)nla_len(tb[NHA_GATEWAY]));
	g = tb[NHA_GROUP] ? nla_data(tb[NHA_GROUP]) : NULL;
	for (size_t i = 0; g && i < (size_t)nla_len(tb[NHA_GROUP]) / sizeof(*g); i++) {
		if (r->n < DP_SET_MAX)
			r->member[r->n++] = g[i].id;
		else
			r->more++;
	}
}

static struct nexthop_row ask_nexthop(struct ksock *s, uint32_t id)
{
	struct nhmsg nh = { .nh_family = AF_UNSPEC };
	struct nl_msg *m = ksock_msg(RTM_GETNEXTHOP, 0, &nh, sizeof(nh));
	struct nexthop_row r = { .err = -ENOENT };
	int err;

	nla_put_u32(m, NHA_ID, id);
	err = ksock_get(s, m, on_nexthop, &r);
	if (err)
		r.err = err;
	return r;
}

/* ---- rows, as `bridge` writes them ------------------------------------------------------------------------------- */

static const char *name_of(const struct kernel *k, unsigned ifindex)
{
	const struct klink *l = kernel_link_find(k, ifindex);

	return l ? l->name : "?";
}

static void write_row(const struct kernel *k, const struct kvni *v, struct trace_step *st, const struct mac *mac,
		      const struct fdb_row *r)
{
	bool self = r->flags & NTF_SELF;

	trace_answer(st, "%s dev %s", mac_str(mac).s, name_of(k, r->ifindex));
	if (r->dst.len)
		trace_answer(st, " dst %s", ip_str(&r->dst).s);
	if (r->nhid)
		trace_answer(st, " nhid %u", r->nhid);
	if (r->label)
		trace_answer(st, " vni %u", r->label);
	if (r->src_vni)
		trace_answer(st, " src_vni %u", r->src_vni);
	if (r->vlan)
		trace_answer(st, " vlan %u", r->vlan);
	if (self)
		trace_answer(st, " self");
	else
		trace_answer(st, " master %s", v->bridge);
	trace_answer(st, "%s%s%s%s", r->flags & NTF_EXT_LEARNED ? " extern_learn" : "",
		     r->flags & NTF_STICKY ? " sticky" : "", r->flags & NTF_ROUTER ? " router" : "",
		     r->locked ? " locked" : "");
	trace_answer(st, "%s", r->state & NUD_PERMANENT ? " permanent" : r->state & NUD_NOARP ? " static" : "");
}

/* ---- devices ----------------------------------------------------------------------------------------------------- */

static bool is_up(struct trace_step *st, const struct lookup_link *l)
{
	if (l->flags & IFF_UP)
		return true;
	trace_say(st, TRACE_BROKEN, "%s is down", l->name);
	trace_advise(st, "ip link set %s up", l->name);
	return false;
}

static const char *const port_states[] = { "disabled", "listening", "learning", "forwarding", "blocking" };

/* A port that frames come in by, or leave by. */
static void judge_port(struct trace_step *st, const struct kernel *k, const struct kvni *v, const struct lookup_link *l)
{
	const struct klink *known = kernel_link_find(k, l->ifindex);

	if (!is_up(st, l))
		return;
	if (!l->carrier) {
		trace_say(st, TRACE_BROKEN, "%s has no carrier: the other end is down or gone", l->name);
		trace_advise(st, "set up the other end of %s", l->name);
	} else if (l->master != v->bridge_ifindex) {
		trace_say(st, TRACE_BROKEN, "%s is not in %s", l->name, v->bridge);
		trace_advise(st, "ip link set %s master %s", l->name, v->bridge);
	} else if (l->state != BR_STATE_FORWARDING) {
		trace_say(st, TRACE_BROKEN, "%s is %s, not forwarding", l->name,
			  l->state < 5 ? port_states[l->state] : "in another state");
		trace_advise(st, "spanning tree decides that: bridge -d link show dev %s", l->name);
	} else if (v->vlan && known && !kernel_member_in(known, v->vlan)) {
		trace_say(st, TRACE_BROKEN, "%s is not in VLAN %u of %s", l->name, v->vlan, v->bridge);
		trace_advise(st, "bridge vlan add dev %s vid %u", l->name, v->vlan);
	}
}

static void note_isolated(struct dp_tracer *tr, const struct lookup_link *l)
{
	snprintf(tr->isolated, sizeof(tr->isolated), "%s", l->isolated ? l->name : "");
}

/* ---- the vxlan device -------------------------------------------------------------------------------------------- */

static void add_vtep(struct dp_traced *out, const struct ip *vtep)
{
	for (unsigned i = 0; i < out->n_vteps; i++)
		if (ip_eq(&out->vteps[i], vtep))
			return;
	if (out->n_vteps < DP_SET_MAX)
		out->vteps[out->n_vteps++] = *vtep;
	else
		out->more++;
}

static void trace_group(struct dp_tracer *tr, uint32_t id)
{
	struct trace_step *st = trace_add(tr->t, TRACE_FDB, "where does nexthop %u lead?", id);
	struct nexthop_row g = ask_nexthop(tr->s, id);

	if (g.err) {
		trace_say(st, TRACE_BROKEN, "nexthop %u is not there: frames are dropped", id);
		return;
	}
	trace_answer(st, "id %u group", id);
	for (unsigned i = 0; i < g.n; i++) {
		struct nexthop_row m = ask_nexthop(tr->s, g.member[i]);

		trace_answer(st, "%s %u via %s", i ? "," : "", g.member[i], m.err ? "nothing" : ip_str(&m.via).s);
		if (!m.err && m.via.len)
			add_vtep(tr->out, &m.via);
	}
	if (g.more)
		trace_answer(st, " and %u more", g.more);
	if (!tr->out->n_vteps)
		trace_say(st, TRACE_BROKEN, "the group leads to no VTEP");
	else if (g.n > 1)
		trace_say(st, TRACE_OK, "each flow goes to one of %u", g.n + g.more);
}

static void say_dropped(const struct kvni *v, struct trace_step *st, const struct mac *mac)
{
	if (v->miss_macs) {
		trace_say(st, TRACE_WARNING,
			  "no row yet: rows come on demand, so who has %s is looked for with the first frame",
			  mac_str(mac).s);
		trace_advise(st, "evpnctl show vni %u says what the resolver answers", v->vni);
		return;
	}
	trace_say(st, TRACE_BROKEN, "neither a row nor a flood list: the frame is dropped");
	trace_advise(st, "evpnctl show vni %u: does any other VTEP have this VNI?", v->vni);
}

/* To all that the all-zero row leads to, or the device's own group. */
static void trace_flood(struct kernel *k, struct kvni *v, const struct mac *mac, struct dp_tracer *tr)
{
	static const struct mac zero;
	struct trace_step *st = trace_add(tr->t, TRACE_FDB, "to whom does %s flood?", v->vxlan);
	struct fdb_row r = ask_vxlan(tr->s, v, &zero);

	tr->out->to = DP_TRACED_FLOOD;
	dp_trace_flood(k->d, v->v, tr->out);
	if (r.err && !v->group.len) {
		tr->out->n_vteps = tr->out->more = 0;
		tr->out->to = DP_TRACED_NOWHERE;
		say_dropped(v, st, mac);
		return;
	}
	if (!r.err)
		write_row(k, v, st, &zero, &r);
	else
		trace_answer(st, "group %s", ip_str(&v->group).s);
	if (!tr->out->n_vteps && !v->group.len)
		add_vtep(tr->out, &r.dst);
	if (v->group.len)
		trace_say(st, TRACE_OK, "whoever has joined %s gets it", ip_str(&v->group).s);
	else
		trace_say(st, TRACE_OK, "VTEPs that get a copy: %u", tr->out->n_vteps + tr->out->more);
}

static void trace_vxlan(struct kernel *k, struct kvni *v, const struct mac *mac, struct dp_tracer *tr)
{
	struct trace_step *st = trace_add(tr->t, TRACE_FDB, "%s: where is %s?", v->vxlan, mac_str(mac).s);
	struct lookup_link vx;
	struct fdb_row r;

	if (!lookup_link(tr->s, v->vxlan_ifindex, &vx)) {
		trace_say(st, TRACE_BROKEN, "the vxlan device %s is not there", v->vxlan);
		return;
	}
	tr->mtu = vx.mtu;
	note_isolated(tr, &vx);
	if (!is_up(st, &vx))
		return;
	r = ask_vxlan(tr->s, v, mac);
	if (r.err == -ENOENT) {
		trace_say(st, mac_is_group(mac) ? TRACE_OK : TRACE_WARNING, "no row: flooded to all");
		trace_flood(k, v, mac, tr);
		return;
	}
	if (r.err) {
		trace_say(st, TRACE_BROKEN, "cannot be asked: %s", strerror(-r.err));
		return;
	}
	write_row(k, v, st, mac, &r);
	if (v->rsc && r.flags & NTF_ROUTER)
		trace_say(st, TRACE_OK,
			  "a router, and rsc is on: "
			  "IP packets to it go straight to the host that they are for, if a row says where");
	tr->out->to = DP_TRACED_VTEPS;
	if (r.nhid)
		trace_group(tr, r.nhid);
	else if (r.dst.len)
		add_vtep(tr->out, &r.dst);
	else
		trace_say(st, TRACE_BROKEN, "the row leads to no VTEP");
}

/* ---- the bridge -------------------------------------------------------------------------------------------------- */

static void on_port(struct kernel *k, struct kvni *v, struct trace_step *st, const struct fdb_row *r,
		    struct dp_tracer *tr)
{
	struct lookup_link port;
	bool is_bridge = r->ifindex == v->bridge_ifindex;

	if (!lookup_link(tr->s, r->ifindex, &port))
		return;
	snprintf(tr->out->port, sizeof(tr->out->port), "%s", port.name);
	tr->out->ifindex = r->ifindex;
	if (r->state & NUD_PERMANENT) {
		tr->out->to = DP_TRACED_HOST;
		trace_say(st, TRACE_OK, "it is %s's own address: this host itself takes the frame", port.name);
		return;
	}
	tr->out->to = DP_TRACED_PORT;
	note_isolated(tr, &port);
	if (!is_bridge)
		judge_port(st, k, v, &port);
	if (r->locked) {
		trace_say(st, TRACE_BROKEN, "the MAC is locked out on %s (802.1X, MAB)", port.name);
		trace_advise(st, "let it in: bridge fdb replace %s", st->answer);
	}
}

static void unknown(struct kernel *k, struct kvni *v, struct trace_step *st, const struct mac *mac,
		    struct dp_tracer *tr)
{
	struct lookup_link vx;

	if (!lookup_link(tr->s, v->vxlan_ifindex, &vx)) {
		trace_say(st, TRACE_BROKEN, "no row, and the vxlan device %s is not there", v->vxlan);
		return;
	}
	tr->mtu = vx.mtu;
	judge_port(st, k, v, &vx);
	if (st->result == TRACE_BROKEN)
		return;
	if (!vx.floods && !mac_is_group(mac)) {
		trace_say(st, TRACE_BROKEN, "no row, and %s takes no unknown unicast: only local ports get the frame",
			  v->vxlan);
		trace_advise(st,
			     v->drop_unknown ? "unknown-unicast: drop is configured; the host has to speak first" :
					       "bridge link set dev %s flood on",
			     v->vxlan);
		return;
	}
	trace_say(st, mac_is_group(mac) ? TRACE_OK : TRACE_WARNING, "no row: flooded to all ports and into the tunnel");
	trace_vxlan(k, v, mac, tr);
}

static void trace_bridge(struct kernel *k, struct kvni *v, const struct mac *mac, struct dp_tracer *tr)
{
	struct trace_step *st = trace_add(tr->t, TRACE_FDB,
					  v->vlan ? "%s: by which port is %s, in VLAN %u?" : "%s: by which port is %s?",
					  v->bridge, mac_str(mac).s, v->vlan);
	struct lookup_link br, vx;
	struct fdb_row r;

	if (!lookup_link(tr->s, v->bridge_ifindex, &br)) {
		trace_say(st, TRACE_BROKEN, "the bridge %s is not there", v->bridge);
		trace_advise(st, "evpnctl show vni %u", v->vni);
		return;
	}
	if (!is_up(st, &br))
		return;
	r = ask_bridge(tr->s, v, mac);
	if (r.err == -ENOENT) {
		unknown(k, v, st, mac, tr);
		return;
	}
	if (r.err) {
		trace_say(st, TRACE_BROKEN, "cannot be asked: %s", strerror(-r.err));
		return;
	}
	write_row(k, v, st, mac, &r);
	if (r.ifindex != v->vxlan_ifindex || r.state & NUD_PERMANENT) {
		on_port(k, v, st, &r, tr);
		return;
	}
	if (lookup_link(tr->s, v->vxlan_ifindex, &vx))
		judge_port(st, k, v, &vx);
	if (st->result < TRACE_BROKEN)
		trace_vxlan(k, v, mac, tr);
}

/* ---- for struct dp_ops ------------------------------------------------------------------------------------------- */

void kernel_trace(void *be, void *vni, const struct mac *mac, struct dp_tracer *tr)
{
	struct kernel *k = be;
	struct kvni *v = vni;
	struct trace_step *st;

	tr->from = v->vtep;
	tr->mtu_device = v->vxlan;
	tr->overlay[0] = v->vxlan_ifindex;
	tr->overlay[1] = v->bridge_ifindex;
	if (!v->vxlan_ifindex || (v->bridge[0] && !v->bridge_ifindex)) {
		st = trace_add(tr->t, TRACE_FDB, "the devices of VNI %u", v->vni);
		trace_say(st, TRACE_BROKEN, "%s", v->problem[0] ? v->problem : "they are not there");
		trace_advise(st, "evpnctl show vni %u, evpnctl repair --vni %u", v->vni, v->vni);
	} else if (v->bridge[0]) {
		trace_bridge(k, v, mac, tr);
	} else {
		trace_vxlan(k, v, mac, tr);
	}
}

void kernel_trace_source(void *be, void *vni, const struct mac *mac, unsigned ifindex, struct dp_tracer *tr)
{
	struct kernel *k = be;
	struct kvni *v = vni;
	struct lookup_link port;
	struct trace_step *st;
	struct fdb_row r;

	if (!ifindex)
		return; /* a vxlan device takes packets of whoever sends them */
	st = trace_add(tr->t, TRACE_SOURCE, "may %s come in by its port?", mac_str(mac).s);
	if (!lookup_link(tr->s, ifindex, &port)) {
		trace_say(st, TRACE_BROKEN, "the port that it was last seen on is gone");
		return;
	}
	trace_answer(st, "%s master %s%s%s", port.name, port.master ? name_of(k, port.master) : "none",
		     port.isolated ? " isolated" : "", port.locked ? " locked" : "");
	judge_port(st, k, v, &port);
	note_isolated(tr, &port);
	if (!port.locked || st->result == TRACE_BROKEN)
		return;
	r = ask_bridge(tr->s, v, mac);
	if (r.err || r.ifindex != ifindex || r.locked) {
		trace_say(st, TRACE_BROKEN, "%s is locked, and %s has not been let in", port.name, mac_str(mac).s);
		trace_advise(st, "bridge fdb replace %s dev %s master static", mac_str(mac).s, port.name);
	}
}

/* neigh_suppress: the bridge answers where it has a row on the device that its neighbours are on. */
void kernel_trace_answer(void *be, void *vni, const struct ip *ip, const struct mac *mac, struct dp_tracer *tr)
{
	struct kvni *v = vni;
	struct trace_step *st;
	struct lookup_link dev, vx;
	struct lookup_neigh n;

	if (!v->suppress || !v->bridge[0] || !lookup_link(tr->s, kernel_neigh_ifindex(v), &dev))
		return;
	st = trace_add(tr->t, TRACE_INNER_NEIGHBOUR, "does %s answer for %s?", v->bridge, ip_str(ip).s);
	lookup_neigh(tr->s, &dev, ip, &n);
	trace_answer(st, "%s", n.row);
	if (!lookup_link(tr->s, v->vxlan_ifindex, &vx) || !vx.suppress) {
		trace_say(st, TRACE_WARNING, "no: neigh_suppress is off on %s, so the question goes to every VTEP",
			  v->vxlan);
		trace_advise(st, "bridge link set dev %s neigh_suppress on", v->vxlan);
	} else if (n.err) {
		trace_say(st, TRACE_WARNING, "no: it has no row, so the question goes to every VTEP");
		trace_advise(st, "evpnctl repair --vni %u", v->vni);
	} else if (!n.has_mac || !mac_eq(&n.mac, mac)) {
		trace_say(st, TRACE_BROKEN, "yes, with another MAC than %s: hosts that ask are sent elsewhere",
			  mac_str(mac).s);
		trace_advise(st, "evpnctl repair --vni %u", v->vni);
	} else {
		trace_say(st, TRACE_OK, "yes: hosts here need not wait for %s", ip_str(ip).s);
	}
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * FDB and neighbour messages, from events and dumps: which VNI's row it is, and whose.
 *
 *	row                                            whose
 *	on a local port, dynamic                       local
 *	  static or sticky                             local, by hand
 *	  extern_learn                                 local, another program's
 *	  the last two in a VLAN that the port has     nobody's: frames do not get there
 *	  left
 *	  permanent (a port's or the bridge's own),
 *	  locked (802.1X), group addresses             nobody's: not told, never written
 *	on the vxlan port, extern_learn or sticky      ours if the vxlan row is
 *	  static                                       another hand's
 *	  dynamic (learned there)                      as if it were not there
 *	vxlan row with a nexthop group of ours         ours; dynamic: on demand
 *	  extern_learn to a VTEP that we have one for  ours (labels, flooding)
 *	  extern_learn, a flood row to another VTEP    ours when we want it or the device is of our making: someone
 *	                                               may have flushed the nexthops while no evpnd ran
 *	  extern_learn, KERNEL_FLOOD_MARK              the flood row to the same VTEP is ours
 *	  dynamic (learned there)                      the kernel's, makes room for ours; where rows come on demand
 *	                                               the device learns nothing, so it is ours
 *	  the group that the device floods to          its own
 *	  any other                                    another hand's
 *	neighbour with our protocol                    ours; rewritten when it is not kept as we keep them
 *	  extern_learn, or NOARP                       another program's
 *	  permanent                                    local, by hand
 *	  reachable, stale, delay, probe               local
 *	  failed, incomplete                           not there
 */
#include "dataplane/kernel.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <sys/socket.h>

#ifndef NTF_EXT_LOCKED
#define NTF_EXT_LOCKED 2
#endif
#define NDA_LAST NDA_FLAGS_EXT

struct neigh {
	const struct ndmsg *nd;
	bool gone; /* RTM_DELNEIGH */
	struct nlattr *tb[NDA_LAST + 1];
	struct mac mac;
	struct ip dst;
};

static bool parse(const struct nlmsghdr *h, struct neigh *n)
{
	struct nlattr *a;
	int left;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(struct ndmsg)))
		return false;
	n->nd = NLMSG_DATA(h);
	n->gone = h->nlmsg_type == RTM_DELNEIGH;
	memset(n->tb, 0, sizeof(n->tb));
	n->mac = (struct mac){ 0 };
	n->dst = ip_none();
	nlmsg_for_each_attr(a, (struct nlmsghdr *)(uintptr_t)h, sizeof(struct ndmsg), left) {
		if (nla_type(a) <= NDA_LAST)
			n->tb[nla_type(a)] = a;
	}
	a = n->tb[NDA_LLADDR];
	if (a && nla_len(a) == ETH_ALEN)
		memcpy(n->mac.b, nla_data(a), ETH_ALEN);
	a = n->tb[NDA_DST];
	if (a && (nla_len(a) == 4 || nla_len(a) == 16))
		n->dst = ip_from_bytes(nla_data(a), (size_t)nla_len(a));
	return true;
}

static bool is_set(const struct neigh *n)
{
	return n->nd->ndm_state & (NUD_NOARP | NUD_PERMANENT);
}

/* To whoever looks, or to reconcile. */
static void tell(struct kernel *k, const struct dp_seen *s)
{
	if (k->look)
		k->look(k->look_ctx, s);
	else
		dp_seen(k->d, s);
}

/* ---- other control planes ---------------------------------------------------------------------------------------- */

static const char *protocol_name(uint8_t protocol, char *buf, size_t cap)
{
	switch (protocol) {
	case RTPROT_ZEBRA:
		return "FRR's zebra";
	case RTPROT_BIRD:
		return "BIRD";
	case 0:
		return "another program";
	default:
		snprintf(buf, cap, "another program (protocol %u)", protocol);
		return buf;
	}
}

/*
 * Rows that are marked as learned by a control plane are written by one. Where that is not us, two of them hold one
 * bridge and undo each other's work: said once, with the first row of the other as the sign, until that is gone.
 */
static void note_stranger(struct kernel *k, struct kvni *v, const struct neigh *n, bool strange)
{
	bool neigh = n->nd->ndm_family != AF_BRIDGE, known = v->stranger.words[0];
	uint8_t protocol = n->tb[NDA_PROTOCOL] ? nla_get_u8(n->tb[NDA_PROTOCOL]) : 0;
	struct ip ip = neigh ? n->dst : ip_none();
	char buf[40];

	if ((k->look && !k->look_notes) || (known ? !n->gone : !strange))
		return;
	if (known) {
		if (!ip_eq(&v->stranger.ip, &ip) || (!neigh && !mac_eq(&v->stranger.mac, &n->mac)))
			return;
		v->stranger.words[0] = '\0';
	} else {
		v->stranger.mac = n->mac;
		v->stranger.ip = ip;
		snprintf(v->stranger.words, sizeof(v->stranger.words), "%s writes here as well, as for %s",
			 protocol_name(protocol, buf, sizeof(buf)), neigh ? ip_str(&ip).s : mac_str(&n->mac).s);
	}
	kernel_dev_want(k, v);
}

/* ---- bridge rows ------------------------------------------------------------------------------------------------- */

static enum dp_seen_state on_vxlan_port(const struct neigh *n)
{
	if (n->nd->ndm_flags & (NTF_EXT_LEARNED | NTF_STICKY))
		return DP_SEEN_CLAIM;
	return is_set(n) ? DP_SEEN_FOREIGN : DP_SEEN_NONE;
}

/* The kernel forgets what it has learned when a port leaves a VLAN, and nothing else. */
static bool has_left(const struct kernel *k, const struct neigh *n, uint16_t vlan)
{
	const struct klink *port = kernel_link_find(k, (unsigned)n->nd->ndm_ifindex);

	return vlan && port && (is_set(n) || n->nd->ndm_flags & (NTF_EXT_LEARNED | NTF_STICKY)) &&
	       !kernel_member_in(port, vlan);
}

static enum dp_seen_state on_local_port(const struct kernel *k, const struct neigh *n, uint16_t vlan)
{
	if (n->nd->ndm_state & NUD_PERMANENT || has_left(k, n, vlan))
		return DP_SEEN_OWN;
	if (n->tb[NDA_FLAGS_EXT] && nla_get_u32(n->tb[NDA_FLAGS_EXT]) & NTF_EXT_LOCKED)
		return DP_SEEN_OWN;
	if (n->nd->ndm_flags & NTF_STICKY)
		return DP_SEEN_LOCAL_STATIC;
	if (n->nd->ndm_flags & NTF_EXT_LEARNED)
		return DP_SEEN_LOCAL_EXTERN;
	return is_set(n) ? DP_SEEN_LOCAL_STATIC : DP_SEEN_LOCAL;
}

static void bridge_row(struct kernel *k, const struct neigh *n, unsigned bridge)
{
	struct klink *br = kernel_link_find(k, bridge);
	uint16_t vlan = n->tb[NDA_VLAN] ? nla_get_u16(n->tb[NDA_VLAN]) : 0;
	struct kvni *v = br ? kernel_vni_of_bridge(br, vlan) : NULL;
	struct dp_seen s = { .kind = DP_FDB, .part = DP_PORT, .mac = n->mac };
	unsigned port = (unsigned)n->nd->ndm_ifindex;
	bool vxlan;

	/* A row that is set without a VLAN is there for each VLAN of its port, too; only one of them is looked up. */
	if (!v || v->bridge_ifindex != bridge || mac_is_group(&n->mac) || br->vlan_aware != (vlan != 0))
		return;
	vxlan = port == v->vxlan_ifindex && (n->gone || !(n->nd->ndm_state & NUD_PERMANENT));
	s.vni = v->v;
	s.ifindex = vxlan ? 0 : port;
	s.flags = n->nd->ndm_flags & NTF_STICKY ? DP_STICKY : 0;
	s.state = n->gone ? DP_SEEN_NONE : vxlan ? on_vxlan_port(n) : on_local_port(k, n, vlan);
	s.made = v->vxlan_state == DP_DEV_MADE;
	tell(k, &s);
	/* The vxlan device's own address, which it is as a port: the message does not say which of the two it was. */
	if (n->gone && vxlan) {
		s.ifindex = port;
		tell(k, &s);
	}
}

/* ---- vxlan rows -------------------------------------------------------------------------------------------------- */

static bool has_object(struct kernel *k, const struct ip *vtep)
{
	uint32_t dest = dp_dest_find(k->d, vtep, 0);

	return k->nh_refused || (dest && dp_dest(k->d, dest)->id[1]);
}

static enum dp_seen_state extern_state(struct kernel *k, const struct neigh *n)
{
	if (mac_eq(&n->mac, &KERNEL_FLOOD_MARK) || has_object(k, &n->dst))
		return DP_SEEN_OURS;
	return mac_is_zero(&n->mac) ? DP_SEEN_CLAIM : DP_SEEN_FOREIGN;
}

static enum dp_seen_state vxlan_state(struct kernel *k, const struct neigh *n, bool demand)
{
	if (n->gone)
		return DP_SEEN_NONE;
	if (n->tb[NDA_NH_ID])
		return kernel_nh_dest(k, nla_get_u32(n->tb[NDA_NH_ID])) ? DP_SEEN_OURS : DP_SEEN_FOREIGN;
	if (n->nd->ndm_flags & NTF_EXT_LEARNED)
		return extern_state(k, n);
	if (is_set(n))
		return DP_SEEN_FOREIGN;
	return mac_is_zero(&n->mac) ? DP_SEEN_NONE : demand ? DP_SEEN_OURS : DP_SEEN_LOCAL;
}

/* It came with the device, and goes with it. */
static bool is_group(const struct kvni *v, const struct neigh *n)
{
	return !n->gone && mac_is_zero(&n->mac) && v->group.len && ip_eq(&n->dst, &v->group);
}

/*
 * The kernel says when a row has been used last; until 6.14 a row's time began anew with each use, since then it begins
 * when it is written (and is over for those in use, too).
 */
static enum dp_age age_of(const struct neigh *n)
{
	struct nda_cacheinfo c;

	if (!n->gone || n->nd->ndm_state != NUD_STALE)
		return DP_AGE_NONE;
	if (!n->tb[NDA_CACHEINFO] || nla_len(n->tb[NDA_CACHEINFO]) < (int)sizeof(c))
		return DP_AGE_UNUSED;
	memcpy(&c, nla_data(n->tb[NDA_CACHEINFO]), sizeof(c));
	return c.ndm_used < c.ndm_updated / 2 ? DP_AGE_USED : DP_AGE_UNUSED;
}

/* We point at our nexthops, but where a VTEP has none and on devices that learn. */
static bool is_strangers(struct kernel *k, const struct kvni *v, const struct neigh *n)
{
	uint32_t dest;

	if (n->gone || !(n->nd->ndm_flags & NTF_EXT_LEARNED) || mac_is_zero(&n->mac) || mac_is_group(&n->mac) ||
	    n->tb[NDA_VNI])
		return false;
	if (n->tb[NDA_NH_ID])
		return !kernel_nh_dest(k, nla_get_u32(n->tb[NDA_NH_ID]));
	if (v->learn)
		return !has_object(k, &n->dst);
	dest = dp_dest_find(k->d, &n->dst, 0);
	return !k->nh_refused && (!dest || dp_dest(k->d, dest)->id[1]);
}

static uint32_t dest_of(struct kernel *k, const struct neigh *n)
{
	uint32_t label = n->tb[NDA_VNI] ? nla_get_u32(n->tb[NDA_VNI]) : 0;
	uint32_t dest = 0;

	if (n->tb[NDA_NH_ID])
		dest = kernel_nh_dest(k, nla_get_u32(n->tb[NDA_NH_ID]));
	else if (!n->dst.len)
		return 0;
	else if (n->gone)
		dest = dp_dest_find(k->d, &n->dst, label);
	else
		dest = dp_dest_intern(k->d, &n->dst, label);
	return n->gone && !dest ? DP_DEST_OTHER : dest;
}

static void vxlan_row(struct kernel *k, const struct neigh *n, const struct klink *vx)
{
	struct kvni *v = kernel_vni_of_vxlan(k, vx, n->tb[NDA_SRC_VNI] ? nla_get_u32(n->tb[NDA_SRC_VNI]) : 0);
	struct dp_seen s = { .kind = DP_FDB, .part = DP_SELF, .mac = n->mac };

	/* Older kernels tell of each write once more, without saying where to. */
	if (!v || v->vxlan_ifindex != (unsigned)vx->ifindex || (!n->tb[NDA_NH_ID] && !n->dst.len))
		return;
	note_stranger(k, v, n, is_strangers(k, v, n));
	s.vni = v->v;
	s.state = is_group(v, n) ? DP_SEEN_OWN : vxlan_state(k, n, v->miss_macs);
	s.dest = dest_of(k, n);
	s.flags = n->nd->ndm_flags & NTF_ROUTER ? DP_ROUTER : 0;
	s.age = age_of(n);
	s.made = v->vxlan_state == DP_DEV_MADE;
	if (mac_is_zero(&n->mac) || mac_is_group(&n->mac)) {
		k->read.again |= n->gone; /* it may have been met before */
		s.kind = DP_FLOOD;
		s.ip = n->dst;
		if (mac_is_zero(&n->mac))
			kernel_carry_note(v, &n->dst, n->tb[NDA_VNI] ? nla_get_u32(n->tb[NDA_VNI]) : 0, !n->gone);
	} else if (!(n->nd->ndm_flags & NTF_EXT_LEARNED) && !is_set(n)) {
		s.flags |= DP_ON_DEMAND;
	}
	/* A group is the device's own row, and comes and goes with its parameters. */
	s.unmarked = s.kind == DP_FLOOD && mac_is_zero(&n->mac) && !n->gone && !(n->nd->ndm_flags & NTF_EXT_LEARNED) &&
		     !ip_is_multicast(&n->dst);
	if (mac_eq(&n->mac, &KERNEL_FLOOD_MARK)) {
		s.part = DP_PORT;
		s.mac = (struct mac){ 0 };
		s.dest = 0;
		if (s.state != DP_SEEN_OURS && s.state != DP_SEEN_NONE)
			return;
	}
	tell(k, &s);
}

static void fdb(struct kernel *k, const struct neigh *n)
{
	struct klink *l;

	if (!n->tb[NDA_LLADDR])
		return;
	if (n->tb[NDA_MASTER]) {
		bridge_row(k, n, nla_get_u32(n->tb[NDA_MASTER]));
		return;
	}
	l = kernel_link_find(k, (unsigned)n->nd->ndm_ifindex);
	if (l && l->kind == KLINK_VXLAN)
		vxlan_row(k, n, l);
}

/* ---- neighbours -------------------------------------------------------------------------------------------------- */

static enum dp_seen_state neighbour_state(const struct neigh *n)
{
	uint16_t state = n->nd->ndm_state;

	if (n->gone || !n->tb[NDA_LLADDR] || !(state & ~(NUD_FAILED | NUD_INCOMPLETE)))
		return DP_SEEN_NONE;
	if (n->tb[NDA_PROTOCOL] && nla_get_u8(n->tb[NDA_PROTOCOL]) == KERNEL_PROTOCOL)
		return DP_SEEN_OURS;
	if (n->nd->ndm_flags & NTF_EXT_LEARNED || state & NUD_NOARP)
		return DP_SEEN_FOREIGN;
	return state & NUD_PERMANENT ? DP_SEEN_LOCAL_STATIC : DP_SEEN_LOCAL;
}

static void on_second(void *ctx, const struct nlmsghdr *h)
{
	struct dp_seen *s = ctx;
	struct neigh n;

	if (!parse(h, &n))
		return;
	s->state = neighbour_state(&n) == DP_SEEN_OURS ? DP_SEEN_OURS : DP_SEEN_NONE;
	s->altered |= !mac_eq(&n.mac, &s->mac);
}

/* Of a row that is written twice the one on the vxlan device, when the other is looked at: without it that is none. */
static void look_at_second(struct kernel *k, const struct kvni *v, struct dp_seen *s)
{
	struct ndmsg nd = { .ndm_family = (uint8_t)ip_family(&s->ip), .ndm_ifindex = (int)v->vxlan_ifindex };
	struct nl_msg *m = ksock_msg(RTM_GETNEIGH, 0, &nd, sizeof(nd));

	nla_put(m, NDA_DST, s->ip.len, s->ip.b);
	if (ksock_get(&k->cmd, m, on_second, s) == -ENOENT)
		s->state = DP_SEEN_NONE;
}

static void neighbour(struct kernel *k, const struct neigh *n)
{
	struct klink *l = kernel_link_find(k, (unsigned)n->nd->ndm_ifindex);
	struct kvni *v = l ? kernel_vni_of_neighbours(k, l) : NULL;
	struct dp_seen s = { .kind = DP_NEIGH, .part = DP_SELF, .mac = n->mac, .ip = n->dst };

	if (!v || !n->dst.len || ip_is_multicast(&n->dst) || n->nd->ndm_flags & NTF_PROXY)
		return;
	s.vni = v->v;
	s.state = neighbour_state(n);
	s.altered = !(n->nd->ndm_state & NUD_NOARP) || !(n->nd->ndm_flags & NTF_EXT_LEARNED);
	s.flags = n->nd->ndm_flags & NTF_ROUTER ? DP_ROUTER : 0;
	if (kernel_neigh_ifindex(v) != (unsigned)l->ifindex) {
		/* The second of two: when it is not as we have written it, both are written again. */
		if (!kernel_neigh_twice(v) || v->vxlan_ifindex != (unsigned)l->ifindex || k->look ||
		    (s.state == DP_SEEN_OURS && !s.altered))
			return;
		s.state = DP_SEEN_NONE;
	}
	note_stranger(k, v, n, s.state == DP_SEEN_FOREIGN && n->nd->ndm_flags & NTF_EXT_LEARNED);
	if (k->look && s.state == DP_SEEN_OURS && kernel_neigh_twice(v))
		look_at_second(k, v, &s);
	tell(k, &s);
}

/* ---- misses ------------------------------------------------------------------------------------------------------ */

/* From the vxlan device for a frame or, as a proxy, a question; from the neighbour table for one of the host's own. */
static void miss(struct kernel *k, const struct neigh *n)
{
	const struct klink *l = kernel_link_find(k, (unsigned)n->nd->ndm_ifindex);
	const struct kvni *v = l && l->kind == KLINK_VXLAN ? l->used_by : NULL;

	if (!v || !v->miss_macs)
		return;
	if (n->dst.len)
		dp_miss(k->d, v->v, NULL, &n->dst);
	else if (n->tb[NDA_LLADDR])
		dp_miss(k->d, v->v, &n->mac, NULL);
}

void kernel_neigh_event(struct kernel *k, const struct nlmsghdr *h)
{
	struct neigh n;

	if ((h->nlmsg_type != RTM_NEWNEIGH && h->nlmsg_type != RTM_DELNEIGH && h->nlmsg_type != RTM_GETNEIGH) ||
	    !parse(h, &n))
		return;
	if (h->nlmsg_type == RTM_GETNEIGH) {
		miss(k, &n);
		return;
	}
	if (n.nd->ndm_family == AF_BRIDGE)
		fdb(k, &n);
	else if (n.nd->ndm_family == AF_INET || n.nd->ndm_family == AF_INET6)
		neighbour(k, &n);
}

void kernel_neigh_look(struct kernel *k, const struct nlmsghdr *h, void (*look)(void *ctx, const struct dp_seen *s),
		       void *ctx)
{
	void (*before)(void *ctx, const struct dp_seen *s) = k->look;
	void *before_ctx = k->look_ctx;

	k->look = look;
	k->look_ctx = ctx;
	kernel_neigh_event(k, h);
	k->look = before; /* a look asks for single rows, too */
	k->look_ctx = before_ctx;
}

void kernel_neigh_sort(struct kernel *k, const struct nlmsghdr *h, void (*take)(void *ctx, const struct dp_seen *s),
		       void *ctx)
{
	k->look_notes = true;
	kernel_neigh_look(k, h, take, ctx);
	k->look_notes = false;
}

/* ---- dumps ------------------------------------------------------------------------------------------------------- */

static void on_dumped(void *ctx, const struct nlmsghdr *h)
{
	kernel_neigh_event(ctx, h);
}

/* The rows of a port (its bridge rows and its own), or with master those of a bridge with all its ports. */
static int dump_fdb(struct kernel *k, unsigned port, unsigned master, void (*fn)(void *ctx, const struct nlmsghdr *h),
		    void *ctx)
{
	struct ndmsg nd = { .ndm_family = AF_BRIDGE, .ndm_ifindex = (int)port };
	struct nl_msg *m = ksock_msg(RTM_GETNEIGH, 0, &nd, sizeof(nd));

	if (master)
		nla_put_u32(m, NDA_MASTER, master);
	return ksock_dump(&k->cmd, m, fn, ctx);
}

/* Of one device, 0: of all. */
static int dump_neighbours(struct kernel *k, unsigned ifindex, void (*fn)(void *ctx, const struct nlmsghdr *h),
			   void *ctx)
{
	static const uint8_t family[] = { AF_INET, AF_INET6 };
	int err = 0;

	for (unsigned i = 0; !err && i < sizeof(family); i++) {
		struct ndmsg nd = { .ndm_family = family[i] };
		struct nl_msg *m = ksock_msg(RTM_GETNEIGH, 0, &nd, sizeof(nd));

		if (ifindex)
			nla_put_u32(m, NDA_IFINDEX, ifindex);
		err = ksock_dump(&k->cmd, m, fn, ctx);
	}
	return err == -EAFNOSUPPORT ? 0 : err; /* a host without IPv6 */
}

/* A vxlan device of some VNI of ours. */
static bool is_tunnel(const struct klink *l)
{
	return l->kind == KLINK_VXLAN && (l->used_by || l->external);
}

/* An FDB dump holds the kernel's lock and is quadratic in the rows of a table, so none is made of our own thousands. */
static int dump_local_ports(struct kernel *k, const struct kvni *v)
{
	struct klink *l, *tmp;
	int err = dump_fdb(k, v->bridge_ifindex, 0, on_dumped, k);

	HASH_ITER(hh, k->links, l, tmp) {
		if (!err && l->master == v->bridge_ifindex && !is_tunnel(l))
			err = dump_fdb(k, (unsigned)l->ifindex, 0, on_dumped, k);
	}
	return err == -ENODEV ? 0 : err; /* gone meanwhile: an event will say so */
}

static int again(int err, unsigned *tries)
{
	if (err != -EAGAIN)
		return err;
	return ++*tries < 3 ? -EAGAIN : 0; /* rows that came or went meanwhile are events, too; three times is enough */
}

int kernel_dump_port(struct kernel *k, const struct klink *l)
{
	unsigned tries = 0;
	int err;

	do {
		err = again(dump_fdb(k, (unsigned)l->ifindex, 0, on_dumped, k), &tries);
	} while (err == -EAGAIN);
	return err;
}

/* An interrupted dump of neighbours is repeated, an FDB's is dear. */
int kernel_dump_vni_neighbours(struct kernel *k, const struct kvni *v)
{
	int err;

	if (!kernel_neigh_ifindex(v))
		return 0;
	do {
		err = dump_neighbours(k, kernel_neigh_ifindex(v), on_dumped, k);
	} while (err == -EAGAIN);
	return err;
}

void kernel_ask_flood(struct kernel *k, const struct kvni *v)
{
	static const struct mac flooding;
	struct ndmsg nd = { .ndm_family = AF_BRIDGE, .ndm_ifindex = (int)v->vxlan_ifindex, .ndm_flags = NTF_SELF };
	struct nl_msg *m = ksock_msg(RTM_GETNEIGH, 0, &nd, sizeof(nd));

	nla_put(m, NDA_LLADDR, sizeof(flooding.b), flooding.b);
	if (v->external)
		nla_put_u32(m, NDA_VNI, v->vni);
	ksock_get(&k->cmd, m, on_dumped, k);
}

int kernel_dump_rows(struct kernel *k, const struct kvni *v, bool locals)
{
	unsigned tries = 0;
	int err;

	do {
		if (locals)
			err = v->bridge[0] ? dump_local_ports(k, v) : 0;
		else if (v->bridge[0])
			err = dump_fdb(k, 0, v->bridge_ifindex, on_dumped, k);
		else
			err = dump_fdb(k, v->vxlan_ifindex, 0, on_dumped, k);
		err = again(err, &tries);
	} while (err == -EAGAIN);
	return err;
}

int kernel_dump_learned(struct kernel *k, const struct kvni *v)
{
	unsigned tries = 0;
	int err;

	do {
		err = again(dump_fdb(k, v->vxlan_ifindex, 0, on_dumped, k), &tries);
	} while (err == -EAGAIN);
	return err;
}

/* ---- what is left over ------------------------------------------------------------------------------------------- */

bool kernel_row_ours(struct kernel *k, const struct nlmsghdr *h, struct kernel_row *r)
{
	struct neigh n;
	struct klink *l;

	if (h->nlmsg_type != RTM_NEWNEIGH || !parse(h, &n))
		return false;
	*r = (struct kernel_row){ .ifindex = (unsigned)n.nd->ndm_ifindex, .mac = n.mac, .ip = n.dst };
	if (n.nd->ndm_family != AF_BRIDGE) {
		r->kind = DP_NEIGH;
		return neighbour_state(&n) == DP_SEEN_OURS;
	}
	l = kernel_link_find(k, r->ifindex);
	if (!l || l->kind != KLINK_VXLAN || n.tb[NDA_MASTER] || !n.tb[NDA_LLADDR])
		return false;
	r->kind = mac_is_zero(&n.mac) || mac_is_group(&n.mac) ? DP_FLOOD : DP_FDB;
	r->by_nexthop = n.tb[NDA_NH_ID] != NULL;
	r->label = n.tb[NDA_VNI] ? nla_get_u32(n.tb[NDA_VNI]) : 0;
	r->src_vni = n.tb[NDA_SRC_VNI] ? nla_get_u32(n.tb[NDA_SRC_VNI]) : 0;
	return vxlan_state(k, &n, false) == DP_SEEN_OURS;
}

int kernel_dump_device(struct kernel *k, unsigned ifindex, void (*fn)(void *ctx, const struct nlmsghdr *h), void *ctx)
{
	return dump_fdb(k, ifindex, 0, fn, ctx);
}

int kernel_dump_neighbours(struct kernel *k, void (*fn)(void *ctx, const struct nlmsghdr *h), void *ctx)
{
	return dump_neighbours(k, 0, fn, ctx);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What the kernel has counted, read when it is asked for: of a VNI its vxlan device's frames, where
 * "dropped" is what found neither a row nor anywhere to be flooded to, and those of the ports of its bridge.
 */
#include <errno.h>
#include <stdio.h>

#include "dataplane/kernel.h"

enum phase { PHASE_VNIS, PHASE_PORTS, PHASE_END };

static void on_stats(void *ctx, const struct nlmsghdr *h)
{
	struct dp_traffic *out = ctx;
	struct rtnl_link_stats64 s;
	struct nlattr *a;
	int left;

	if (h->nlmsg_type != RTM_NEWSTATS || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct if_stats_msg)))
		return;
	nlmsg_for_each_attr(a, (struct nlmsghdr *)(uintptr_t)h, sizeof(struct if_stats_msg), left) {
		if (nla_type(a) != IFLA_STATS_LINK_64 || nla_len(a) < (int)sizeof(s))
			continue;
		memcpy(&s, nla_data(a), sizeof(s));
		out->rx_frames = s.rx_packets;
		out->rx_octets = s.rx_bytes;
		out->tx_frames = s.tx_packets;
		out->tx_octets = s.tx_bytes;
		out->drops = s.rx_dropped + s.tx_dropped;
	}
}

static void read_stats(struct kernel *k, unsigned ifindex, struct dp_traffic *out)
{
	struct if_stats_msg m = { .ifindex = ifindex, .filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64) };

	/* A device that is gone answers nothing: zeroes, until we hear of its end. */
	ksock_get(&k->cmd, ksock_msg(RTM_GETSTATS, 0, &m, sizeof(m)), on_stats, out);
}

static bool fill_vni(struct kernel *k, uint32_t n, struct dp_traffic *out)
{
	struct kvni *v;

	list_for_each(v, &k->vnis, list) {
		if (!v->vxlan_ifindex || v->external || n--)
			continue;
		out->vni = v->vni;
		snprintf(out->name, sizeof(out->name), "%s", v->vxlan);
		read_stats(k, v->vxlan_ifindex, out);
		return true;
	}
	return false;
}

/* Of a bridge that several VNIs share by VLAN a port belongs to none of them alone. */
static bool fill_port(struct kernel *k, uint32_t n, struct dp_traffic *out)
{
	struct klink *l, *tmp;

	HASH_ITER(hh, k->links, l, tmp) {
		const struct klink *br = l->master && l->kind != KLINK_VXLAN ? kernel_link_find(k, l->master) : NULL;

		if (!br || (!br->used_by && !br->by_vlan) || n--)
			continue;
		out->vni = br->used_by ? br->used_by->vni : 0;
		snprintf(out->name, sizeof(out->name), "%s", l->name);
		read_stats(k, (unsigned)l->ifindex, out);
		return true;
	}
	return false;
}

bool kernel_next_traffic(void *be, struct dp_cursor *c, struct dp_traffic *out)
{
	static const struct {
		const char *scope;
		bool (*fill)(struct kernel *k, uint32_t n, struct dp_traffic *out);
	} phases[PHASE_END] = { [PHASE_VNIS] = { "vni", fill_vni }, [PHASE_PORTS] = { "port", fill_port } };

	for (; c->phase < PHASE_END; c->phase++, c->handle = 0) {
		*out = (struct dp_traffic){ .scope = phases[c->phase].scope };
		if (phases[c->phase].fill(be, c->handle, out)) {
			c->handle++;
			return true;
		}
	}
	return false;
}

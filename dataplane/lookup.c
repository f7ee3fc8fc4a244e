/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/lookup.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <stdarg.h>
#include <stdio.h>

#include "dataplane/kernel_sock.h"

void lookup_put(char *s, size_t cap, const char *fmt, ...)
{
	size_t len = strlen(s);
	va_list ap;

	va_start(ap, fmt);
	if (len < cap)
		vsnprintf(s + len, cap - len, fmt, ap);
	va_end(ap);
}

static struct nlmsghdr *plain(const struct nlmsghdr *h)
{
	return (struct nlmsghdr *)(uintptr_t)h;
}

/* ---- devices ----------------------------------------------------------------------------------------------------- */

static bool flag_of(struct nlattr *a, bool otherwise)
{
	return a ? nla_get_u8(a) : otherwise;
}

static void parse_port(struct lookup_link *l, struct nlattr *data)
{
	struct nlattr *tb[IFLA_BRPORT_MAX + 1];

	if (nla_parse_nested(tb, IFLA_BRPORT_MAX, data, NULL))
		return;
	l->is_port = true;
	l->state = tb[IFLA_BRPORT_STATE] ? nla_get_u8(tb[IFLA_BRPORT_STATE]) : BR_STATE_FORWARDING;
	l->isolated = flag_of(tb[IFLA_BRPORT_ISOLATED], false);
	l->suppress = flag_of(tb[IFLA_BRPORT_NEIGH_SUPPRESS], false);
	l->floods = flag_of(tb[IFLA_BRPORT_UNICAST_FLOOD], true);
	l->learning = flag_of(tb[IFLA_BRPORT_LEARNING], true);
#ifdef IFLA_BRPORT_LOCKED
	l->locked = flag_of(tb[IFLA_BRPORT_LOCKED], false);
#endif
}

static struct ip address_of(struct nlattr *a)
{
	struct ip ip =
		a && (nla_len(a) == 4 || nla_len(a) == 16) ? ip_from_bytes(nla_data(a), (size_t)nla_len(a)) : ip_none();

	return ip_is_zero(&ip) ? ip_none() : ip;
}

static void parse_vxlan(struct lookup_vxlan *v, struct nlattr *data)
{
	struct nlattr *tb[IFLA_VXLAN_MAX + 1];

	if (nla_parse_nested(tb, IFLA_VXLAN_MAX, data, NULL))
		return;
	v->vni = tb[IFLA_VXLAN_ID] ? nla_get_u32(tb[IFLA_VXLAN_ID]) : 0;
	v->port = tb[IFLA_VXLAN_PORT] ? ntohs(nla_get_u16(tb[IFLA_VXLAN_PORT])) : 0;
	v->learning = flag_of(tb[IFLA_VXLAN_LEARNING], false);
	v->external = flag_of(tb[IFLA_VXLAN_COLLECT_METADATA], false);
	v->local = address_of(tb[IFLA_VXLAN_LOCAL] ? tb[IFLA_VXLAN_LOCAL] : tb[IFLA_VXLAN_LOCAL6]);
}

static void parse_bridge(struct lookup_link *l, struct nlattr *data)
{
	struct nlattr *tb[IFLA_BR_MAX + 1];

	if (!nla_parse_nested(tb, IFLA_BR_MAX, data, NULL))
		l->vlan_aware = flag_of(tb[IFLA_BR_VLAN_FILTERING], false);
}

static void parse_info(struct lookup_link *l, struct nlattr *info)
{
	struct nlattr *tb[IFLA_INFO_MAX + 1];

	if (nla_parse_nested(tb, IFLA_INFO_MAX, info, NULL))
		return;
	if (tb[IFLA_INFO_KIND])
		nla_strlcpy(l->kind, tb[IFLA_INFO_KIND], sizeof(l->kind));
	if (!strcmp(l->kind, "vxlan") && tb[IFLA_INFO_DATA])
		parse_vxlan(&l->vxlan, tb[IFLA_INFO_DATA]);
	if (!strcmp(l->kind, "bridge") && tb[IFLA_INFO_DATA])
		parse_bridge(l, tb[IFLA_INFO_DATA]);
	if (tb[IFLA_INFO_SLAVE_KIND] && !nla_strcmp(tb[IFLA_INFO_SLAVE_KIND], "bridge") && tb[IFLA_INFO_SLAVE_DATA])
		parse_port(l, tb[IFLA_INFO_SLAVE_DATA]);
}

static void on_link(void *ctx, const struct nlmsghdr *h)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(h);
	struct lookup_link *l = ctx;
	struct nlattr *tb[IFLA_MAX + 1];

	if (h->nlmsg_type != RTM_NEWLINK || nlmsg_parse(plain(h), sizeof(*ifi), tb, IFLA_MAX, NULL) || !tb[IFLA_IFNAME])
		return;
	l->ifindex = (unsigned)ifi->ifi_index;
	l->flags = ifi->ifi_flags;
	l->type = ifi->ifi_type;
	l->carrier = flag_of(tb[IFLA_CARRIER], true);
	nla_strlcpy(l->name, tb[IFLA_IFNAME], sizeof(l->name));
	l->mtu = tb[IFLA_MTU] ? nla_get_u32(tb[IFLA_MTU]) : 0;
	l->master = tb[IFLA_MASTER] ? nla_get_u32(tb[IFLA_MASTER]) : 0;
	l->peer = tb[IFLA_LINK] ? nla_get_u32(tb[IFLA_LINK]) : 0;
	if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == sizeof(l->mac.b))
		memcpy(l->mac.b, nla_data(tb[IFLA_ADDRESS]), sizeof(l->mac.b));
	l->made = tb[IFLA_IFALIAS] && !nla_strcmp(tb[IFLA_IFALIAS], KERNEL_ALIAS);
	if (tb[IFLA_LINKINFO])
		parse_info(l, tb[IFLA_LINKINFO]);
}

bool lookup_link(struct ksock *s, unsigned ifindex, struct lookup_link *out)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };

	*out = (struct lookup_link){ 0 };
	return ifindex && !ksock_get(s, ksock_msg(RTM_GETLINK, 0, &ifi, sizeof(ifi)), on_link, out) && out->ifindex;
}

struct all_links {
	void (*fn)(void *ctx, const struct lookup_link *l);
	void *ctx;
};

static void on_each(void *ctx, const struct nlmsghdr *h)
{
	const struct all_links *a = ctx;
	struct lookup_link l = { 0 };

	on_link(&l, h);
	if (l.ifindex)
		a->fn(a->ctx, &l);
}

int lookup_links_begin(struct ksock *s)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };

	return ksock_dump_begin(s, ksock_msg(RTM_GETLINK, 0, &ifi, sizeof(ifi)));
}

int lookup_links_more(struct ksock *s, void (*fn)(void *ctx, const struct lookup_link *l), void *ctx)
{
	struct all_links a = { fn, ctx };
	int err = ksock_dump_read(s, 0);

	return err < 0 ? err : ksock_dump_take(s, 0, on_each, &a);
}

/* ---- routes ------------------------------------------------------------------------------------------------------ */

struct route_msg {
	const struct rtmsg *rt;
	struct nlattr *tb[RTA_MAX + 1];
};

static bool parse_route(const struct nlmsghdr *h, struct route_msg *m)
{
	m->rt = NLMSG_DATA(h);
	return h->nlmsg_type == RTM_NEWROUTE && !nlmsg_parse(plain(h), sizeof(*m->rt), m->tb, RTA_MAX, NULL);
}

/* A gateway of the other family, RFC 5549. */
static struct ip via_of(struct nlattr *a)
{
	size_t len = a ? (size_t)nla_len(a) : 0;

	return len == 2 + 4 || len == 2 + 16 ? ip_from_bytes((const uint8_t *)nla_data(a) + 2, len - 2) : ip_none();
}

static struct ip gateway_of(struct nlattr *const *tb)
{
	struct ip via = address_of(tb[RTA_GATEWAY]);

	return via.len ? via : via_of(tb[RTA_VIA]);
}

struct route_ask {
	struct ksock *s;
	struct lookup_route *out;
	/* of the row: its devices are asked for when the answer has been read */
	unsigned oif[8];
	struct ip via[8];
	unsigned n, n_more;
};

static void on_way(void *ctx, const struct nlmsghdr *h)
{
	struct lookup_route *out = ((struct route_ask *)ctx)->out;
	struct nlattr *metrics[RTAX_MAX + 1];
	struct route_msg m;

	if (!parse_route(h, &m))
		return;
	out->type = m.rt->rtm_type;
	out->gateway = gateway_of(m.tb);
	out->source = address_of(m.tb[RTA_PREFSRC]);
	out->ifindex = m.tb[RTA_OIF] ? nla_get_u32(m.tb[RTA_OIF]) : 0;
	if (m.tb[RTA_METRICS] && !nla_parse_nested(metrics, RTAX_MAX, m.tb[RTA_METRICS], NULL) && metrics[RTAX_MTU])
		out->mtu = nla_get_u32(metrics[RTAX_MTU]);
}

static const char *type_name(uint8_t type)
{
	static const char *const names[] = {
		[RTN_LOCAL] = "local ",		[RTN_BROADCAST] = "broadcast ",	    [RTN_MULTICAST] = "multicast ",
		[RTN_BLACKHOLE] = "blackhole ", [RTN_UNREACHABLE] = "unreachable ", [RTN_PROHIBIT] = "prohibit "
	};

	return type < sizeof(names) / sizeof(*names) && names[type] ? names[type] : "";
}

static void add_nexthop(struct route_ask *a, unsigned oif, struct ip via)
{
	if (a->n == sizeof(a->oif) / sizeof(*a->oif)) {
		a->n_more++;
		return;
	}
	a->oif[a->n] = oif;
	a->via[a->n++] = via;
}

static void read_nexthops(struct route_ask *a, struct nlattr *list)
{
	struct rtnexthop *nh = nla_data(list);
	int left = nla_len(list);

	while (left >= (int)sizeof(*nh) && nh->rtnh_len >= sizeof(*nh) && nh->rtnh_len <= left) {
		struct nlattr *tb[RTA_MAX + 1];

		if (!nla_parse(tb, RTA_MAX, (struct nlattr *)(void *)RTNH_DATA(nh), (int)(nh->rtnh_len - sizeof(*nh)),
			       NULL))
			add_nexthop(a, (unsigned)nh->rtnh_ifindex, gateway_of(tb));
		left -= (int)NLMSG_ALIGN(nh->rtnh_len);
		nh = RTNH_NEXT(nh);
	}
}

static void on_row(void *ctx, const struct nlmsghdr *h)
{
	struct route_ask *a = ctx;
	struct lookup_route *out = a->out;
	struct route_msg m;
	struct ip to, src;

	if (!parse_route(h, &m))
		return;
	to = address_of(m.tb[RTA_DST]);
	lookup_put(out->row, sizeof(out->row), "%s", type_name(m.rt->rtm_type));
	if (to.len)
		lookup_put(out->row, sizeof(out->row), "%s/%u", ip_str(&to).s, m.rt->rtm_dst_len);
	else
		lookup_put(out->row, sizeof(out->row), "default");
	src = address_of(m.tb[RTA_PREFSRC]);
	if (m.tb[RTA_MULTIPATH])
		read_nexthops(a, m.tb[RTA_MULTIPATH]);
	else
		add_nexthop(a, m.tb[RTA_OIF] ? nla_get_u32(m.tb[RTA_OIF]) : 0, gateway_of(m.tb));
	if (src.len)
		out->source = src;
}

static void write_nexthops(struct route_ask *a)
{
	char *row = a->out->row;

	for (unsigned i = 0; i < a->n; i++) {
		struct lookup_link dev;

		if (a->n > 1)
			lookup_put(row, LOOKUP_ROW, " nexthop");
		if (a->via[i].len)
			lookup_put(row, LOOKUP_ROW, " via %s", ip_str(&a->via[i]).s);
		if (lookup_link(a->s, a->oif[i], &dev))
			lookup_put(row, LOOKUP_ROW, " dev %s", dev.name);
	}
	if (a->n_more)
		lookup_put(row, LOOKUP_ROW, " and %u more", a->n_more);
}

static int ask_route(struct route_ask *a, const struct ip *to, const struct ip *from, unsigned flags,
		     void (*fn)(void *, const struct nlmsghdr *))
{
	struct rtmsg rt = { .rtm_family = (uint8_t)ip_family(to),
			    .rtm_dst_len = (uint8_t)(to->len * 8),
			    .rtm_flags = flags };
	struct nl_msg *m;

	if (from && from->len == to->len)
		rt.rtm_src_len = (uint8_t)(from->len * 8);
	m = ksock_msg(RTM_GETROUTE, 0, &rt, sizeof(rt));
	nla_put(m, RTA_DST, to->len, to->b);
	if (rt.rtm_src_len)
		nla_put(m, RTA_SRC, from->len, from->b);
	return ksock_get(a->s, m, fn, a);
}

/* The row says why, the way what becomes of it: which of several nexthops, exceptions of path MTU. */
void lookup_route(struct ksock *s, const struct ip *to, const struct ip *from, struct lookup_route *out)
{
	struct route_ask a = { .s = s, .out = out };
	struct ip chosen;

	*out = (struct lookup_route){ 0 };
	out->err = ask_route(&a, to, from, 0, on_way);
	chosen = out->source;
	if (!ask_route(&a, to, from, RTM_F_FIB_MATCH, on_row))
		write_nexthops(&a);
	if (chosen.len)
		out->source = chosen;
	if (out->source.len)
		lookup_put(out->row, sizeof(out->row), " src %s", ip_str(&out->source).s);
	if (out->mtu)
		lookup_put(out->row, sizeof(out->row), " mtu %u", out->mtu);
}

bool lookup_is_own(struct ksock *s, const struct ip *ip)
{
	struct lookup_route r;
	struct route_ask a = { .s = s, .out = &r };

	r = (struct lookup_route){ 0 };
	return !ask_route(&a, ip, NULL, 0, on_way) && r.type == RTN_LOCAL;
}

struct holder {
	const struct ip *ip;
	unsigned ifindex;
};

static void on_address(void *ctx, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *ifa = NLMSG_DATA(h);
	struct nlattr *tb[IFA_MAX + 1];
	struct holder *o = ctx;
	struct ip ip;

	if (h->nlmsg_type != RTM_NEWADDR || nlmsg_parse(plain(h), sizeof(*ifa), tb, IFA_MAX, NULL))
		return;
	ip = address_of(tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS]);
	if (ip_eq(&ip, o->ip))
		o->ifindex = ifa->ifa_index;
}

unsigned lookup_holder(struct ksock *s, const struct ip *ip)
{
	struct ifaddrmsg ifa = { .ifa_family = (uint8_t)ip_family(ip) };
	struct holder o = { .ip = ip };

	ksock_dump(s, ksock_msg(RTM_GETADDR, 0, &ifa, sizeof(ifa)), on_address, &o);
	return o.ifindex;
}

/* ---- neighbours -------------------------------------------------------------------------------------------------- */

const char *lookup_neigh_state(uint16_t state)
{
	switch (state) {
	case NUD_INCOMPLETE:
		return "INCOMPLETE";
	case NUD_REACHABLE:
		return "REACHABLE";
	case NUD_STALE:
		return "STALE";
	case NUD_DELAY:
		return "DELAY";
	case NUD_PROBE:
		return "PROBE";
	case NUD_FAILED:
		return "FAILED";
	case NUD_NOARP:
		return "NOARP";
	case NUD_PERMANENT:
		return "PERMANENT";
	default:
		return "NONE";
	}
}

static void on_neigh(void *ctx, const struct nlmsghdr *h)
{
	const struct ndmsg *nd = NLMSG_DATA(h);
	struct nlattr *tb[NDA_MAX + 1];
	struct lookup_neigh *out = ctx;

	if (h->nlmsg_type != RTM_NEWNEIGH || nlmsg_parse(plain(h), sizeof(*nd), tb, NDA_MAX, NULL))
		return;
	out->err = 0;
	out->state = nd->ndm_state;
	out->flags = nd->ndm_flags;
	out->protocol = tb[NDA_PROTOCOL] ? nla_get_u8(tb[NDA_PROTOCOL]) : 0;
	if (tb[NDA_LLADDR] && nla_len(tb[NDA_LLADDR]) == sizeof(out->mac.b)) {
		out->has_mac = true;
		memcpy(out->mac.b, nla_data(tb[NDA_LLADDR]), sizeof(out->mac.b));
	}
}

void lookup_neigh(struct ksock *s, const struct lookup_link *dev, const struct ip *ip, struct lookup_neigh *out)
{
	struct ndmsg nd = { .ndm_family = (uint8_t)ip_family(ip), .ndm_ifindex = (int)dev->ifindex };
	struct nl_msg *m = ksock_msg(RTM_GETNEIGH, 0, &nd, sizeof(nd));
	int err;

	*out = (struct lookup_neigh){ .err = -ENOENT };
	nla_put(m, NDA_DST, ip->len, ip->b);
	err = ksock_get(s, m, on_neigh, out);
	if (err) {
		out->err = err;
		return;
	}
	if (out->err)
		return;
	lookup_put(out->row, sizeof(out->row), "%s dev %s", ip_str(ip).s, dev->name);
	if (out->has_mac)
		lookup_put(out->row, sizeof(out->row), " lladdr %s", mac_str(&out->mac).s);
	if (out->flags & NTF_ROUTER)
		lookup_put(out->row, sizeof(out->row), " router");
	if (out->flags & NTF_EXT_LEARNED)
		lookup_put(out->row, sizeof(out->row), " extern_learn");
	lookup_put(out->row, sizeof(out->row), " %s", lookup_neigh_state(out->state));
	if (out->protocol)
		lookup_put(out->row, sizeof(out->row), " proto %u", out->protocol);
}

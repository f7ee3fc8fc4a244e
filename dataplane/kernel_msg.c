/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/kernel_msg.h"

void nlbuf_fdb(struct nlbuf *n, uint16_t type, uint16_t flags, const struct fdb_msg *m)
{
	struct ndmsg *nd = nlbuf_begin(n, type, flags, sizeof(*nd));

	nd->ndm_family = AF_BRIDGE;
	nd->ndm_ifindex = (int)m->ifindex;
	nd->ndm_state = m->state;
	nd->ndm_flags = m->flags;
	nlbuf_put(n, NDA_LLADDR, m->mac->b, sizeof(m->mac->b));
	if (m->vlan && m->flags & NTF_MASTER)
		nlbuf_put(n, NDA_VLAN, &m->vlan, sizeof(m->vlan));
	if (m->src_vni && m->flags & NTF_SELF)
		nlbuf_u32(n, NDA_SRC_VNI, m->src_vni);
	if (m->group) {
		nlbuf_u32(n, NDA_NH_ID, m->group);
		return;
	}
	if (m->vtep)
		nlbuf_put(n, NDA_DST, m->vtep->b, m->vtep->len);
	if (m->vni)
		nlbuf_u32(n, NDA_VNI, m->vni);
}

/*
 * NTF_EXT_LEARNED keeps the entry from being collected when the table fills up, NUD_NOARP from being probed. Without a
 * protocol nobody could tell after a crash whose it was.
 */
void nlbuf_neigh_put(struct nlbuf *n, unsigned ifindex, const struct ip *ip, const struct mac *mac, bool router)
{
	struct ndmsg *nd = nlbuf_begin(n, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*nd));

	nd->ndm_family = (uint8_t)ip_family(ip);
	nd->ndm_ifindex = (int)ifindex;
	nd->ndm_state = NUD_NOARP;
	nd->ndm_flags = NTF_EXT_LEARNED | (router ? NTF_ROUTER : 0);
	nlbuf_put(n, NDA_DST, ip->b, ip->len);
	nlbuf_put(n, NDA_LLADDR, mac->b, sizeof(mac->b));
	nlbuf_u8(n, NDA_PROTOCOL, KERNEL_PROTOCOL);
}

void nlbuf_neigh_del(struct nlbuf *n, unsigned ifindex, const struct ip *ip)
{
	struct ndmsg *nd = nlbuf_begin(n, RTM_DELNEIGH, 0, sizeof(*nd));

	nd->ndm_family = (uint8_t)ip_family(ip);
	nd->ndm_ifindex = (int)ifindex;
	nlbuf_put(n, NDA_DST, ip->b, ip->len);
}

static void nexthop_begin(struct nlbuf *n, uint16_t type, uint16_t flags, int family, uint32_t id)
{
	struct nhmsg *nh = nlbuf_begin(n, type, flags, sizeof(*nh));

	nh->nh_family = (unsigned char)family;
	nh->nh_protocol = type == RTM_NEWNEXTHOP ? KERNEL_PROTOCOL : 0;
	nlbuf_u32(n, NHA_ID, id);
}

void nlbuf_nexthop_put(struct nlbuf *n, uint32_t id, const struct ip *vtep)
{
	nexthop_begin(n, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE, ip_family(vtep), id);
	nlbuf_put(n, NHA_FDB, NULL, 0);
	nlbuf_put(n, NHA_GATEWAY, vtep->b, vtep->len);
}

void nlbuf_group_put(struct nlbuf *n, uint32_t id, const uint32_t *members, unsigned n_members)
{
	struct nexthop_grp *g;

	nexthop_begin(n, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE, AF_UNSPEC, id);
	nlbuf_put(n, NHA_FDB, NULL, 0);
	g = nlbuf_reserve(n, NHA_GROUP, n_members * sizeof(*g));
	for (unsigned i = 0; i < n_members; i++)
		g[i] = (struct nexthop_grp){ .id = members[i] };
}

void nlbuf_nexthop_del(struct nlbuf *n, uint32_t id)
{
	nexthop_begin(n, RTM_DELNEXTHOP, 0, AF_UNSPEC, id);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Netlink messages as octets: a buffer that several messages are written into one after the other, and the row and
 * nexthop messages that the kernel backend writes by the hundred thousand. No sockets. libnl 3.7 allocates a page a
 * message and knows neither NDA_NH_ID nor RTM_NEWNEXTHOP, so these are our own.
 */
#ifndef DATAPLANE_KERNEL_MSG_H
#define DATAPLANE_KERNEL_MSG_H

#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/addr.h"

#define KERNEL_PROTOCOL 179 /* marks our nexthops and neighbours */
#define KERNEL_ALIAS "evpnd" /* ifalias of devices that we made */

struct nlbuf {
	uint8_t *b;
	size_t len, cap;
	struct nlmsghdr *msg; /* the last one begun */
	uint32_t seq;         /* of the next one */
};

/* One message at most, all rows and nexthops included. */
#define NLBUF_MSG_MAX 256u

static inline void *nlbuf_begin(struct nlbuf *n, uint16_t type, uint16_t flags, size_t header)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)(n->b + n->len);
	size_t len = NLMSG_HDRLEN + NLMSG_ALIGN(header);

	memset(h, 0, len);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = n->seq++;
	h->nlmsg_len = (uint32_t)len;
	n->msg = h;
	n->len += len;
	return NLMSG_DATA(h);
}

static inline void *nlbuf_reserve(struct nlbuf *n, uint16_t type, size_t size)
{
	struct rtattr *a = (struct rtattr *)(void *)(n->b + n->len);
	size_t len = RTA_SPACE(size);

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(size);
	memset((uint8_t *)a + len - 4, 0, size ? 4 : 0); /* the padding lies in the last word */
	n->len += len;
	n->msg->nlmsg_len += (uint32_t)len;
	return RTA_DATA(a);
}

static inline void nlbuf_put(struct nlbuf *n, uint16_t type, const void *data, size_t size)
{
	void *to = nlbuf_reserve(n, type, size);

	if (size)
		memcpy(to, data, size);
}

static inline void nlbuf_u32(struct nlbuf *n, uint16_t type, uint32_t value)
{
	nlbuf_put(n, type, &value, sizeof(value));
}

static inline void nlbuf_u8(struct nlbuf *n, uint16_t type, uint8_t value)
{
	nlbuf_put(n, type, &value, sizeof(value));
}

/* An FDB row (AF_BRIDGE). The group wins over vtep; both absent in messages about the bridge row alone. */
struct fdb_msg {
	unsigned ifindex;
	uint8_t flags;  /* NTF_SELF, NTF_MASTER, NTF_EXT_LEARNED, NTF_STICKY */
	uint16_t state; /* NUD_* */
	const struct mac *mac;
	uint32_t group;        /* nexthop, 0 = none */
	const struct ip *vtep; /* NULL = none */
	uint32_t vni;          /* label, 0 = the device's */
	uint16_t vlan;         /* of the bridge row, 0 = none */
	uint32_t src_vni;      /* of a vxlan device for several VNIs, 0 = the device has one */
};
void nlbuf_fdb(struct nlbuf *n, uint16_t type, uint16_t flags, const struct fdb_msg *m);

void nlbuf_neigh_put(struct nlbuf *n, unsigned ifindex, const struct ip *ip, const struct mac *mac, bool router);
void nlbuf_neigh_del(struct nlbuf *n, unsigned ifindex, const struct ip *ip);

/* A VTEP as a nexthop, and a group of such (DP_SET_MAX at most), which is what FDB rows can point at. */
void nlbuf_nexthop_put(struct nlbuf *n, uint32_t id, const struct ip *vtep);
void nlbuf_group_put(struct nlbuf *n, uint32_t id, const uint32_t *members, unsigned n_members);
void nlbuf_nexthop_del(struct nlbuf *n, uint32_t id);

#endif

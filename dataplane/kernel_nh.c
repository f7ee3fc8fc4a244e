/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A VTEP is a nexthop and a group of one, because FDB rows take groups only. Both have our protocol number and ids from
 * a range of ours, which survives kill -9 and says after a restart which rows are ours. Numbers are handed out in turn,
 * so that the news of the end of one is never taken for that of its successor.
 *
 *	nexthop  0x65000000 + n  via VTEP          group  0x65800000 + n  of that nexthop
 */
#include "dataplane/kernel.h"

#include <errno.h>
#include <stdlib.h>

#define NH_MEMBER 0x65000000u
#define NH_GROUP 0x65800000u
#define NH_RANGE 0x00800000u
#define NH_FIRST_CAP 64u

static bool is_member(uint32_t id)
{
	return id - NH_MEMBER < NH_RANGE;
}

static bool is_group(uint32_t id)
{
	return id - NH_GROUP < NH_RANGE;
}

static void reserve(struct kernel *k, uint32_t n)
{
	uint32_t cap = k->nh_cap ? k->nh_cap : NH_FIRST_CAP;

	while (cap <= n)
		cap *= 2;
	if (cap == k->nh_cap)
		return;
	k->nh = xrealloc(k->nh, cap * sizeof(*k->nh));
	memset(k->nh + k->nh_cap, 0, (cap - k->nh_cap) * sizeof(*k->nh));
	k->nh_cap = cap;
}

/* The next free number in turn; at least half of them are kept free, so the turn is long. */
static uint32_t next_free(struct kernel *k)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < k->nh_cap; i++)
		used += k->nh[i] != 0;
	reserve(k, used * 2 < NH_RANGE / 2 ? used * 2 + 1 : k->nh_cap - 1);
	do {
		k->nh_next = (k->nh_next + 1) % k->nh_cap;
	} while (k->nh[k->nh_next]);
	return k->nh_next;
}

void kernel_nh_take(struct kernel *k, uint32_t dest, struct dp_dest *d)
{
	uint32_t n;

	if (d->id[1])
		return;
	n = next_free(k);
	k->nh[n] = dest;
	d->id[0] = NH_MEMBER + n;
	d->id[1] = NH_GROUP + n;
	d->carries = true;
}

void kernel_nh_release(struct kernel *k, struct dp_dest *d)
{
	if (d->id[1])
		k->nh[d->id[1] - NH_GROUP] = 0;
	d->id[0] = d->id[1] = 0;
	d->carries = false;
}

uint32_t kernel_nh_dest(const struct kernel *k, uint32_t group)
{
	return is_group(group) && group - NH_GROUP < k->nh_cap ? k->nh[group - NH_GROUP] : 0;
}

void kernel_nh_event(struct kernel *k, const struct nlmsghdr *h)
{
	struct nlattr *tb[NHA_MAX + 1];
	uint32_t id, n, dest;

	if (h->nlmsg_type != RTM_DELNEXTHOP ||
	    nlmsg_parse((struct nlmsghdr *)(uintptr_t)h, sizeof(struct nhmsg), tb, NHA_MAX, NULL) || !tb[NHA_ID])
		return;
	id = nla_get_u32(tb[NHA_ID]);
	n = is_member(id) ? id - NH_MEMBER : is_group(id) ? id - NH_GROUP : NH_RANGE;
	dest = n < k->nh_cap ? k->nh[n] : 0;
	if (dest)
		dp_dest_seen(k->d, dest, false);
}

/* ---- start ------------------------------------------------------------------------------------------------------ */

struct found {
	uint32_t id, member; /* a group's member */
	struct ip vtep;      /* a nexthop's */
};

struct load {
	struct found *v;
	size_t n, cap;
};

static void on_nexthop(void *ctx, const struct nlmsghdr *h)
{
	struct load *l = ctx;
	struct nlattr *tb[NHA_MAX + 1];
	struct found f = { 0 };

	if (h->nlmsg_type != RTM_NEWNEXTHOP || ((struct nhmsg *)NLMSG_DATA(h))->nh_protocol != KERNEL_PROTOCOL ||
	    nlmsg_parse((struct nlmsghdr *)(uintptr_t)h, sizeof(struct nhmsg), tb, NHA_MAX, NULL) || !tb[NHA_ID])
		return;
	f.id = nla_get_u32(tb[NHA_ID]);
	if (is_member(f.id) && tb[NHA_GATEWAY])
		f.vtep = ip_from_bytes(nla_data(tb[NHA_GATEWAY]), (size_t)nla_len(tb[NHA_GATEWAY]));
	else if (is_group(f.id) && tb[NHA_GROUP] && nla_len(tb[NHA_GROUP]) == (int)sizeof(struct nexthop_grp))
		f.member = ((struct nexthop_grp *)nla_data(tb[NHA_GROUP]))->id;
	else
		return;
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
	}
	l->v[l->n++] = f;
}

static int by_id(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static const struct found *find(const struct load *l, uint32_t id)
{
	struct found key = { .id = id };

	return l->n ? bsearch(&key, l->v, l->n, sizeof(*l->v), by_id) : NULL;
}

/* A pair that one of our kind has left is taken on; half of one would only be in the way. */
static void adopt(struct kernel *k, const struct load *l, const struct found *m)
{
	uint32_t n = m->id - NH_MEMBER;
	const struct found *g = find(l, NH_GROUP + n);
	struct dp_dest *d;
	uint32_t dest;

	dest = dp_dest_intern(k->d, &m->vtep, 0);
	d = dp_dest(k->d, dest);
	if (!g || g->member != m->id || d->id[1]) {
		struct nlbuf b = { .b = k->tx.b, .cap = k->tx.cap };

		log_info(k->log, LOG_DP, "nexthop %u via %s: left over, removed", m->id, ip_str(&m->vtep).s);
		nlbuf_nexthop_del(&b, m->id);
		ksock_request(&k->cmd, ksock_msg(RTM_DELNEXTHOP, 0, NLMSG_DATA(b.msg),
						 b.len - NLMSG_HDRLEN));
		dp_dest_seen(k->d, dest, d->id[1] != 0);
		return;
	}
	reserve(k, n);
	k->nh[n] = dest;
	d->id[0] = m->id;
	d->id[1] = g->id;
	d->carries = true;
	k->nh_next = n > k->nh_next ? n : k->nh_next;
	dp_dest_seen(k->d, dest, true);
}

int kernel_nh_load(struct kernel *k)
{
	struct nhmsg nh = { .nh_family = AF_UNSPEC };
	struct load l = { 0 };
	int err;

	do {
		l.n = 0;
		err = ksock_dump(&k->cmd, ksock_msg(RTM_GETNEXTHOP, 0, &nh, sizeof(nh)), on_nexthop, &l);
	} while (err == -EAGAIN);
	k->nh_refused = err == -EOPNOTSUPP;
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_id);
	for (size_t i = 0; !err && i < l.n; i++) {
		if (is_member(l.v[i].id))
			adopt(k, &l, &l.v[i]);
	}
	free(l.v);
	return k->nh_refused ? 0 : err;
}

bool kernel_nh_any(const struct kernel *k)
{
	for (uint32_t i = 0; i < k->nh_cap; i++)
		if (k->nh[i])
			return true;
	return false;
}

void kernel_nh_free(struct kernel *k)
{
	free(k->nh);
}

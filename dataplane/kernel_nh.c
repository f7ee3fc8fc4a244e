/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A VTEP is a nexthop and a group of one, because FDB rows take groups only; a set of VTEPs
 * is one more group. All have our protocol number and ids from a range of ours, which
 * survives kill -9 and says after a restart which rows are ours. Numbers are handed out in
 * turn, so that the news of the end of one is never taken for that of its successor.
 *
 *	VTEP  nexthop  0x65000000 + n  via it          group  0x65800000 + n  of that nexthop
 *	set                                            group  0x65800000 + n  of the nexthops of its members
 *
 * The kernel replaces the members of a group under the frames that go there, takes a nexthop that is deleted out of its
 * groups, and ends a group with its last member and its rows with the group. An empty group is refused, so a set that
 * nobody is in any more has to lose its rows.
 */
#include "dataplane/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "base/array.h"

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
	d->id[0] = d->set ? 0 : NH_MEMBER + n;
	d->id[1] = NH_GROUP + n;
	d->carries = true;
}

unsigned kernel_nh_members(const struct kernel *k, const struct dp_set *set, uint32_t members[DP_SET_MAX])
{
	unsigned n = 0;

	for (uint32_t i = 0; i < set->n; i++) {
		members[n] = dp_dest(k->d, set->dest[i])->id[0];
		n += members[n] != 0;
	}
	return n;
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

/* ---- as the kernel has them -------------------------------------------------------------------------------------- */

struct found {
	uint32_t id;
	struct ip vtep;              /* a nexthop's */
	uint32_t member[DP_SET_MAX]; /* a group's */
	unsigned n_members;          /* DP_SET_MAX + 1: more than we would have written */
};

static void read_group(struct found *f, struct nlattr *a)
{
	const struct nexthop_grp *g = nla_data(a);
	size_t n = (size_t)nla_len(a) / sizeof(*g);

	f->n_members = n <= DP_SET_MAX ? (unsigned)n : DP_SET_MAX + 1;
	for (size_t i = 0; i < n && i < DP_SET_MAX; i++)
		f->member[i] = g[i].id;
}

/* False: no nexthop of ours, or none of these two kinds. */
static bool read_nexthop(struct found *f, const struct nlmsghdr *h)
{
	struct nlattr *tb[NHA_MAX + 1];

	*f = (struct found){ 0 };
	if (nlmsg_parse((struct nlmsghdr *)(uintptr_t)h, sizeof(struct nhmsg), tb, NHA_MAX, NULL) || !tb[NHA_ID])
		return false;
	f->id = nla_get_u32(tb[NHA_ID]);
	if (is_member(f->id) && tb[NHA_GATEWAY])
		f->vtep = ip_from_bytes(nla_data(tb[NHA_GATEWAY]), (size_t)nla_len(tb[NHA_GATEWAY]));
	else if (is_group(f->id) && tb[NHA_GROUP])
		read_group(f, tb[NHA_GROUP]);
	else
		return false;
	return true;
}

static bool has_members(const struct found *g, const uint32_t *members, unsigned n)
{
	if (g->n_members != n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		unsigned j = 0;

		while (j < n && g->member[j] != members[i])
			j++;
		if (j == n)
			return false;
	}
	return true;
}

/* It is as we would write it. */
static bool is_right(const struct kernel *k, const struct found *f, const struct dp_dest *d)
{
	uint32_t members[DP_SET_MAX] = { d->id[0] };
	unsigned n = d->set ? kernel_nh_members(k, d->set, members) : 1;

	return is_member(f->id) ? ip_eq(&f->vtep, &d->vtep) : has_members(f, members, n);
}

static uint32_t dest_of_id(const struct kernel *k, uint32_t id)
{
	uint32_t n = is_member(id) ? id - NH_MEMBER : is_group(id) ? id - NH_GROUP : NH_RANGE;

	return n < k->nh_cap ? k->nh[n] : 0;
}

static uint32_t id_of(const struct nlmsghdr *h)
{
	struct nlattr *a = nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)h, sizeof(struct nhmsg), NHA_ID);

	return a ? nla_get_u32(a) : 0;
}

/* What we have written is read before anything else is written, so what differs then is another hand's. */
void kernel_nh_event(struct kernel *k, const struct nlmsghdr *h)
{
	uint32_t dest = dest_of_id(k, id_of(h));
	struct found f;

	if (!dest)
		return;
	if (h->nlmsg_type == RTM_DELNEXTHOP)
		dp_dest_seen(k->d, dest, false);
	else if (read_nexthop(&f, h) && !is_right(k, &f, dp_dest(k->d, dest)))
		dp_dest_altered(k->d, dest);
}

/* ---- start ------------------------------------------------------------------------------------------------------ */

struct load {
	struct found *v;
	size_t n, cap;
};

static void on_nexthop(void *ctx, const struct nlmsghdr *h)
{
	struct load *l = ctx;
	struct found f;

	if (h->nlmsg_type != RTM_NEWNEXTHOP || ((struct nhmsg *)NLMSG_DATA(h))->nh_protocol != KERNEL_PROTOCOL ||
	    !read_nexthop(&f, h))
		return;
	array_room(l->v, l->n, l->cap, 64);
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

static void remove_left_over(struct kernel *k, uint32_t id)
{
	struct nlbuf b = { .b = k->tx.b, .cap = k->tx.cap };

	nlbuf_nexthop_del(&b, id);
	ksock_request(&k->cmd, ksock_msg(RTM_DELNEXTHOP, 0, NLMSG_DATA(b.msg), b.len - NLMSG_HDRLEN));
}

static void take_on(struct kernel *k, uint32_t n, uint32_t dest)
{
	struct dp_dest *d = dp_dest(k->d, dest);

	reserve(k, n);
	k->nh[n] = dest;
	d->id[0] = d->set ? 0 : NH_MEMBER + n;
	d->id[1] = NH_GROUP + n;
	d->carries = true;
	k->nh_next = n > k->nh_next ? n : k->nh_next;
}

/* A pair that one of our kind has left is taken on; half of one would only be in the way. */
static void adopt_vtep(struct kernel *k, const struct load *l, const struct found *m)
{
	uint32_t n = m->id - NH_MEMBER;
	const struct found *g = find(l, NH_GROUP + n);
	struct dp_dest *d;
	uint32_t dest;

	dest = dp_dest_intern(k->d, &m->vtep, 0);
	d = dp_dest(k->d, dest);
	if (!g || g->n_members != 1 || g->member[0] != m->id || d->id[1]) {
		log_info(k->log, LOG_DP, "nexthop %u via %s: left over, removed", m->id, ip_str(&m->vtep).s);
		remove_left_over(k, m->id);
		dp_dest_seen(k->d, dest, d->id[1] != 0);
		return;
	}
	take_on(k, n, dest);
	dp_dest_seen(k->d, dest, true);
}

/* After the VTEPs: a group that is no VTEP's own. */
static void adopt_set(struct kernel *k, const struct found *g)
{
	struct dp_set s = { 0 };
	uint32_t dest;

	if (kernel_nh_dest(k, g->id))
		return;
	for (unsigned i = 0; i < g->n_members && i < DP_SET_MAX; i++) {
		dest = is_member(g->member[i]) ? kernel_nh_dest(k, g->member[i] - NH_MEMBER + NH_GROUP) : 0;
		if (dest && dp_dest(k->d, dest)->id[0] == g->member[i])
			s.dest[s.n++] = dest;
	}
	if (!s.n || s.n != g->n_members) {
		log_info(k->log, LOG_DP, "nexthop group %u: left over, removed", g->id);
		remove_left_over(k, g->id);
		return;
	}
	dest = dp_set_found(k->d, &s);
	take_on(k, g->id - NH_GROUP, dest);
}

/* All that are there, by id; the caller frees l->v, with an error, too. */
static int load_all(struct kernel *k, struct load *l)
{
	struct nhmsg nh = { .nh_family = AF_UNSPEC };
	int err;

	*l = (struct load){ 0 };
	do {
		l->n = 0;
		err = ksock_dump(&k->cmd, ksock_msg(RTM_GETNEXTHOP, 0, &nh, sizeof(nh)), on_nexthop, l);
	} while (err == -EAGAIN);
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_id);
	return err;
}

int kernel_nh_load(struct kernel *k)
{
	struct load l;
	int err = load_all(k, &l);

	k->nh_refused = err == -EOPNOTSUPP;
	if (kernel_host_minds_nexthops()) {
		k->nh_refused = true;
		log_warn(k->log, LOG_DP,
			 "systemd-networkd before version 256 aborts at nexthops of FDB rows: rows are written "
			 "with addresses instead, which takes twice as long");
	}
	for (size_t i = 0; !err && i < l.n; i++) {
		if (is_member(l.v[i].id))
			adopt_vtep(k, &l, &l.v[i]);
		else
			adopt_set(k, &l.v[i]); /* ids of groups are the higher ones */
	}
	free(l.v);
	return k->nh_refused ? 0 : err;
}

/* ---- a fresh look ------------------------------------------------------------------------------------------------ */

static void audit_one(struct kernel *k, struct dp_audit *a, const struct load *l, uint32_t dest)
{
	const struct dp_dest *d = dp_dest(k->d, dest);
	const struct found *m = d->set ? NULL : find(l, d->id[0]), *g = find(l, d->id[1]);

	if (!g || (!d->set && !m))
		dp_audit_dest(a, dest, false, "not there");
	else if (m && !is_right(k, m, d))
		dp_audit_dest(a, dest, true, ip_str(&m->vtep).s);
	else if (!is_right(k, g, d))
		dp_audit_dest(a, dest, true, "a group of others");
}

void kernel_nh_audit(struct kernel *k, struct dp_audit *a)
{
	struct load l;
	int err = load_all(k, &l);

	for (uint32_t i = 0; !err && i < k->nh_cap; i++) {
		if (k->nh[i])
			audit_one(k, a, &l, k->nh[i]);
	}
	free(l.v);
}

bool kernel_nh_rows_age(const void *be)
{
	const struct kernel *k = be;
	unsigned major = 0, minor = 0;
	struct utsname u;

	return !k->nh_refused && !uname(&u) && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 15));
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

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Rows on demand that are in use stay. Until Linux 6.14 a vxlan row's time began anew with each frame that went by it;
 * since then it begins when the row is written, and only that. So what was used since it was written has its time
 * renewed here, before it is over, and what was not is left to age. The writer must be idle meanwhile: a row that it
 * changes between the look and the renewal would be changed back.
 */
#include <stdlib.h>

#include "base/array.h"
#include "dataplane/kernel.h"

#define BUSY_MS 50

struct renewal {
	struct mac mac;
	uint32_t group, label;
	struct ip vtep;
};

struct look {
	struct kernel *k;
	struct renewal *v;
	size_t n, cap;
};

static bool in_use(const struct nlmsghdr *h, struct renewal *r)
{
	const struct ndmsg *nd = NLMSG_DATA(h);
	struct nlattr *tb[NDA_FLAGS_EXT + 1];
	struct nda_cacheinfo c;

	if (h->nlmsg_type != RTM_NEWNEIGH ||
	    nlmsg_parse((struct nlmsghdr *)(uintptr_t)h, sizeof(*nd), tb, NDA_FLAGS_EXT, NULL) ||
	    nd->ndm_state & (NUD_NOARP | NUD_PERMANENT) || nd->ndm_flags & NTF_EXT_LEARNED || tb[NDA_MASTER] ||
	    !tb[NDA_LLADDR] || !tb[NDA_CACHEINFO] || nla_len(tb[NDA_CACHEINFO]) < (int)sizeof(c))
		return false;
	memcpy(&c, nla_data(tb[NDA_CACHEINFO]), sizeof(c));
	if (c.ndm_used >= c.ndm_updated)
		return false;
	*r = (struct renewal){ .group = tb[NDA_NH_ID] ? nla_get_u32(tb[NDA_NH_ID]) : 0,
			       .label = tb[NDA_VNI] ? nla_get_u32(tb[NDA_VNI]) : 0 };
	memcpy(r->mac.b, nla_data(tb[NDA_LLADDR]), sizeof(r->mac.b));
	if (tb[NDA_DST])
		r->vtep = ip_from_bytes(nla_data(tb[NDA_DST]), (size_t)nla_len(tb[NDA_DST]));
	return r->group || r->vtep.len;
}

static void on_row(void *ctx, const struct nlmsghdr *h)
{
	struct look *l = ctx;
	struct renewal r;

	if (!in_use(h, &r))
		return;
	array_room(l->v, l->n, l->cap, 64);
	l->v[l->n++] = r;
}

static void no_matter(void *ctx, unsigned nr, const struct nlmsghdr *h, int err)
{
}

static void renew_rows(struct kernel *k, const struct kvni *v, const struct look *l)
{
	struct nlbuf *b = &k->tx;
	uint32_t first = b->seq;

	b->len = 0;
	for (size_t i = 0; i < l->n; i++) {
		const struct renewal *r = &l->v[i];
		struct fdb_msg m = { .ifindex = v->vxlan_ifindex,
				     .flags = NTF_SELF | NTF_USE,
				     .state = NUD_REACHABLE,
				     .mac = &r->mac,
				     .group = r->group,
				     .vni = r->label,
				     .vtep = r->group ? NULL : &r->vtep };

		nlbuf_fdb(b, RTM_NEWNEIGH, NLM_F_REPLACE, &m);
		if ((i + 1) % KERNEL_OPS && i + 1 < l->n)
			continue;
		ksock_batch(&k->cmd, b, first, no_matter, NULL);
		first = b->seq;
		b->len = 0;
	}
}

static void on_time(struct loop_timer *t)
{
	struct kernel *k = container_of(t, struct kernel, renewals);
	struct kvni *v;

	if (kwriter_busy(&k->writer)) {
		loop_timer_at(t, mtime_add_ms(loop_now(k->loop), BUSY_MS));
		return;
	}
	list_for_each(v, &k->vnis, list) {
		struct look l = { .k = k };

		if (!v->miss_macs || mtime_before(loop_now(k->loop), v->renew_at))
			continue;
		v->renew_at = mtime_add_ms(loop_now(k->loop), v->ageing * 1000 / 3);
		if (!v->ready)
			continue;
		kernel_dump_device(k, v->vxlan_ifindex, on_row, &l);
		renew_rows(k, v, &l);
		free(l.v);
	}
	kernel_renew_arm(k);
}

void kernel_renew_arm(struct kernel *k)
{
	struct mtime next = MTIME_NEVER, now = loop_now(k->loop);
	struct kvni *v;

	if (!k->renewals.fn)
		loop_timer_init(&k->renewals, k->loop, on_time);
	list_for_each(v, &k->vnis, list) {
		if (!v->miss_macs)
			continue;
		if (!v->renew_at.us)
			v->renew_at = mtime_add_ms(now, v->ageing * 1000 / 3);
		if (mtime_before(v->renew_at, next))
			next = v->renew_at;
	}
	loop_timer_at(&k->renewals, next);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/bench/rawrows.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "tests/bench/nlwatch.h"

#define BATCH 100u
#define OCTETS 65536u
#define NEXTHOP 0x65000000u
#define GROUP 0x65800000u

static void die(const char *what)
{
	fprintf(stderr, "raw writer: %s\n", what);
	exit(1);
}

static void on_answer(void *ctx, unsigned nr, const struct nlmsghdr *h, int err)
{
	if (err)
		die("refused");
}

static void on_event(void *ctx, const struct nlmsghdr *h)
{
}

static void send_batch(struct rawrows *r, struct nlbuf *n, uint32_t *first)
{
	if (!n->len)
		return;
	if (ksock_batch(&r->sock, n, *first, on_answer, NULL))
		die("an answer was lost");
	n->len = 0;
	*first = n->seq;
	while (ksock_events(&r->listener, on_event, NULL) > 0)
		;
}

static void write_nexthops(struct rawrows *r)
{
	struct nlbuf n = { .b = xcalloc(1, OCTETS), .cap = OCTETS, .seq = 1 };
	uint32_t first = 1;

	for (uint32_t i = 1; i <= r->vteps; i++) {
		struct ip v = ip_v4(0xc6120000u + i);
		uint32_t member = NEXTHOP + i;

		nlbuf_nexthop_put(&n, member, &v);
		nlbuf_group_put(&n, GROUP + i, &member, 1);
		if (i % (BATCH / 2) == 0)
			send_batch(r, &n, &first);
	}
	send_batch(r, &n, &first);
	free(n.b);
}

void rawrows_open(struct rawrows *r, const char *vxlan, const char *bridge)
{
	static const int groups[] = { RTNLGRP_NEIGH, RTNLGRP_LINK, RTNLGRP_NEXTHOP, 0 };
	unsigned only;

	r->vxlan = only = if_nametoindex(vxlan);
	r->bridge = if_nametoindex(bridge);
	if (!r->vxlan || !r->bridge)
		die("no devices");
	if (ksock_open(&r->sock, NULL) || ksock_open(&r->listener, groups))
		die("no sockets");
	write_nexthops(r);
	ksock_filter(&r->listener, &only, 1, false);
}

void rawrows_close(struct rawrows *r)
{
	ksock_close(&r->listener);
	ksock_close(&r->sock);
}

static void put_row(struct rawrows *r, struct nlbuf *n, uint32_t i, bool add)
{
	struct mac m = load_mac(i);
	struct ip h = ip_v4(0x0a000000u + i);
	struct fdb_msg f = { .ifindex = r->vxlan, .mac = &m, .flags = NTF_SELF | NTF_MASTER };

	if (add) {
		f.flags |= NTF_EXT_LEARNED;
		f.state = NUD_NOARP | NUD_REACHABLE;
		f.group = GROUP + i % r->vteps + 1;
	}
	nlbuf_fdb(n, add ? RTM_NEWNEIGH : RTM_DELNEIGH, add ? NLM_F_CREATE | NLM_F_REPLACE : 0, &f);
	if (r->neigh && add)
		nlbuf_neigh_put(n, r->bridge, &h, &m, false);
	else if (r->neigh)
		nlbuf_neigh_del(n, r->bridge, &h);
}

/* Messages are made and sent in turn, into a buffer that stays in the cache, as anyone would. */
void rawrows_write(struct rawrows *r, bool add)
{
	struct nlbuf n = { .b = xcalloc(1, OCTETS), .cap = OCTETS, .seq = 1 };
	uint32_t first = 1;

	for (uint32_t i = 0; i < r->rows; i++) {
		put_row(r, &n, i, add);
		if ((i + 1) % (r->neigh ? BATCH / 2 : BATCH) == 0)
			send_batch(r, &n, &first);
	}
	send_batch(r, &n, &first);
	free(n.b);
}

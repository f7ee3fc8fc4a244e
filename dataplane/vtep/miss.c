/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Where rows come on demand: frames to MACs without one, from a worker to the control
 * thread, which tells of them, holds them, and sends them once the row is there.
 */
#include <errno.h>
#include <sys/socket.h>

#include "dataplane/vtep/vtep.h"
#include "dataplane/vtep/vxlan.h"

#define MISSED_SLICE 256u /* of a worker, a turn */

struct release {
	struct bridge *b;
	struct dest *to;
};

static void send_held(void *ctx, const uint8_t *frame, size_t len)
{
	const struct release *r = ctx;
	uint8_t head[VXLAN_HEADER];
	struct iovec iov[] = { { head, sizeof(head) }, { (uint8_t *)(uintptr_t)frame, len } };
	struct dest *d;
	struct frame f;
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (!frame_parse(&f, frame, (uint32_t)len))
		return;
	d = dest_pick(r->to, f.hash);
	vxlan_write(head, d->key.label ? d->key.label : r->b->vni);
	m.msg_name = &d->sa;
	m.msg_namelen = d->sa_len;
	sendmsg(r->b->u->tx[f.hash % VTEP_SOURCE_PORTS], &m, MSG_DONTWAIT); /* one that is lost comes again */
}

/* It waits for its row, unless that was written since the worker looked. */
static void keep(struct bridge *b, const struct mac *mac, const uint8_t *frame, size_t len)
{
	struct fdb_entry e = fdb_get(&b->fdb, fdb_key(mac));
	struct release r = { b, e.to };

	if (e.kind == FDB_REMOTE)
		send_held(&r, frame, len);
	else
		hold_put(&b->v->hold, b, frame, len, loop_now(b->v->loop));
}

static void take(struct vtep *v, struct missed_ring *r, const struct missed *m)
{
	struct bridge *b = bridge_find(v, m->vni);

	if (m->len) {
		if (b && b->miss_macs)
			keep(b, &m->mac, r->frame[r->frame_head % HOLD_FRAMES], m->len);
		__atomic_store_n(&r->frame_head, r->frame_head + 1, __ATOMIC_RELEASE);
	}
	if (b && b->miss_macs)
		dp_miss(v->d, b->dv, &m->mac, NULL);
}

bool miss_take(struct vtep *v)
{
	bool more = false;

	for (unsigned i = 0; i < v->n_workers; i++) {
		struct missed_ring *r = worker_missed(v, i);
		uint32_t n = __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) - r->head;

		more |= n > MISSED_SLICE;
		for (n = n < MISSED_SLICE ? n : MISSED_SLICE; n; n--) {
			take(v, r, &r->slot[r->head % VTEP_MISSED]);
			__atomic_store_n(&r->head, r->head + 1, __ATOMIC_RELEASE);
		}
	}
	return more;
}

void miss_found(struct bridge *b, const struct mac *mac, struct dest *to)
{
	struct release r = { b, to };

	hold_release(&b->v->hold, b, mac, loop_now(b->v->loop), send_held, &r);
}

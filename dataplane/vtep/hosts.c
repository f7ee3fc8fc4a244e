/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Hosts' ARP and ND on the control thread: what workers have passed on goes to evpn, and what evpn asks of a host
 * leaves by its port. The answer comes to an address that nobody else has and that is forwarded nowhere (answer.c).
 */
#include "dataplane/vtep/vtep.h"
#include "dataplane/vtep/vxlan.h"

#define SAID_SLICE 128u /* of a worker, a turn */

/* ---- up ---------------------------------------------------------------------------------------------------------- */

static void take(struct vtep *v, const struct said *s)
{
	struct bridge *b = bridge_find(v, s->vni);
	const struct vport *p = b ? port_nr(b, s->port) : NULL;
	bool tunnel = b && s->port == SAID_TUNNEL;

	if ((tunnel || (p && p->id)) && dp_hear(v->d, b->dv, tunnel ? 0 : p->id, s->frame, s->len))
		b->heard++;
}

bool hosts_take(struct vtep *v)
{
	bool more = false;

	for (unsigned i = 0; i < v->n_workers; i++) {
		struct said_ring *r = worker_said(v, i);
		uint32_t n = __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) - r->head;

		more |= n > SAID_SLICE;
		for (n = n < SAID_SLICE ? n : SAID_SLICE; n; n--) {
			take(v, &r->slot[r->head % VTEP_SAID]);
			__atomic_store_n(&r->head, r->head + 1, __ATOMIC_RELEASE);
		}
	}
	return more;
}

static void add_talk(const struct vtep *v, const struct talk *t, struct dp_vni_info *out)
{
	for (unsigned w = 0; w < v->n_workers; w++, t++) {
		out->unheard += __atomic_load_n(&t->unheard, __ATOMIC_RELAXED);
		out->answered += __atomic_load_n(&t->answered, __ATOMIC_RELAXED);
	}
}

void hosts_info(const struct bridge *b, struct dp_vni_info *out)
{
	out->heard = b->heard;
	add_talk(b->v, b->talk, out);
	for (uint32_t p = 0; p < b->ports->n; p++)
		add_talk(b->v, b->ports->at[p]->talk, out);
}

void hosts_count(struct bridge *b, struct mtime now)
{
	struct dp_vni_info i = { 0 };

	hosts_info(b, &i);
	if (i.unheard > b->unheard && log_allow(b->v->log, &b->v->loud, LOG_DP, now))
		log_warn(b->v->log, LOG_DP,
			 "VNI %u: more than %u ARP and ND packets a second at a port; not all of them are heard",
			 b->vni, VTEP_SAID_A_SECOND);
	b->unheard = i.unheard;
}

/* ---- down -------------------------------------------------------------------------------------------------------- */

static bool send_by(const struct vport *p, const uint8_t *frame, size_t len)
{
	struct virtio_net_hdr vh = { 0 };
	uint8_t tag[FRAME_TAG];
	struct iovec iov[] = {
		{ &vh, sizeof(vh) },
		{ (uint8_t *)(uintptr_t)frame, 12 },
		{ tag, p->vlan ? FRAME_TAG : 0 },
		{ (uint8_t *)(uintptr_t)frame + 12, len - 12 },
	};

	frame_put16(tag, 0x8100);
	frame_put16(tag + 2, p->vlan);
	return writev(p->dev->q[0].fd, iov, 4) == (ssize_t)(sizeof(vh) + len + iov[2].iov_len);
}

/* Where its MAC was learned to be: what goes to all VTEPs crosses by itself (answer.c). */
static bool send_by_tunnel(struct bridge *b, const uint8_t *frame, size_t len)
{
	struct mac to = frame_dst(frame);
	struct fdb_entry e = fdb_get(&b->fdb, fdb_key(&to));
	struct dest *d = fdb_is_remote(e) && b->u ? dest_pick(e.to, 0) : NULL;
	uint8_t header[VXLAN_HEADER];
	struct iovec iov[] = { { header, sizeof(header) }, { (uint8_t *)(uintptr_t)frame, len } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (!d)
		return false;
	vxlan_write(header, d->key.label ? d->key.label : b->vni);
	m.msg_name = &d->sa;
	m.msg_namelen = d->sa_len;
	return sendmsg(b->u->tx[0], &m, MSG_DONTWAIT) == (ssize_t)(sizeof(header) + len);
}

bool hosts_send(void *be, void *vni, unsigned ifindex, const uint8_t *frame, size_t len)
{
	const struct vport *p = ifindex ? port_id(vni, ifindex) : NULL;

	if (!ifindex)
		return len >= FRAME_MAC && send_by_tunnel(vni, frame, len);
	return p && len >= FRAME_MAC && send_by(p, frame, len);
}

bool hosts_listens(void *be, void *vni, unsigned ifindex, struct mac *own)
{
	const struct bridge *b = vni;

	*own = b->v->own;
	return b->hear_hosts && (ifindex ? port_id(b, ifindex) != NULL : b->learn);
}

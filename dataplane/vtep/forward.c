/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What becomes of a frame: the bridge of RFC 7348 4.
 *
 *	from a port                                     from the underlay
 *	tag -> port of a VNI                            VXLAN header -> VNI; outer source -> known VTEP?
 *	source heard -> FDB's time, or tell             source heard, where the VNI's mode learns from the tunnel
 *	destination known -> port or VTEP               destination known -> port, never a VTEP
 *	otherwise -> all other ports, all VTEPs         otherwise -> all ports
 */
#include <netinet/in.h>

#include "dataplane/vtep/capture.h"
#include "dataplane/vtep/toobig.h"
#include "dataplane/vtep/vxlan.h"
#include "dataplane/vtep/worker.h"

#define TOOBIG_A_SECOND 100u /* and worker: that packets are too big */

static void received(struct traffic *t, uint32_t len)
{
	count(&t->rx_frames, 1);
	count(&t->rx_octets, len);
}

static void sent(struct traffic *t, uint32_t n, uint32_t octets)
{
	count(&t->tx_frames, n);
	count(&t->tx_octets, octets);
}

/* ---- to a VTEP --------------------------------------------------------------------------------------------------- */

static uint32_t overhead(const struct dest *d)
{
	return d->key.vtep.len == 4 ? VTEP_OVERHEAD_V4 : VTEP_OVERHEAD_V6;
}

/* Octets of an inner frame that fit into a packet of the underlay; 0: not known. */
static uint32_t room(const struct dest *d)
{
	uint32_t mtu = __atomic_load_n(&d->mtu, __ATOMIC_RELAXED);

	return mtu ? mtu - overhead(d) + FRAME_MAC : 0;
}

/* Of the outer header: DSCP as configured (RFC 2983 has both ways), ECN as inside (RFC 6040 4.1). */
static unsigned outer_tos(const struct worker *w, const struct pkt *k)
{
	const struct dp_outer *o = &w->v->outer;

	return o->copy_dscp ? frame_tos(&k->f, k->p) : (unsigned)o->dscp << 2 | frame_ecn(&k->f, k->p);
}

/* Dropped, and its sender told, who may send smaller ones (RFC 1191, RFC 8201). */
static void too_big(struct worker *w, const struct pkt *k, struct dest *d)
{
	struct pkt answer = { .p = NULL };

	worker_drop(w, DROP_TOO_BIG, &d->c[w->nr]);
	if (w->toobig_s != w->now)
		w->toobig_n = 0;
	w->toobig_s = w->now;
	if (!k->port || w->toobig_n >= TOOBIG_A_SECOND)
		return;
	answer.p = worker_scratch(w, TOOBIG_MAX);
	answer.len = toobig_answer(&k->f, k->p, k->len, room(d) - FRAME_MAC, answer.p);
	if (!answer.len)
		return;
	w->toobig_n++;
	frame_parse(&answer.f, answer.p, answer.len);
	out_to_port(w, k->port, &answer, false);
	sent(&k->port->c[w->nr], 1, answer.len);
}

/* A datagram of a super-frame cannot be cut smaller, as a stream can. */
static bool segments_fit(const struct pkt *k, uint32_t max)
{
	bool datagrams = (k->vh.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) == VIRTIO_NET_HDR_GSO_UDP_L4;

	return !max || (max > k->f.payload && (!datagrams || (uint32_t)k->f.payload + k->vh.gso_size <= max));
}

static void leave(struct worker *w, struct bridge *b, const struct pkt *k, struct dest *d, struct iovec head,
		  struct iovec body)
{
	struct capture *c = capture_of(b);
	unsigned tos = outer_tos(w, k);

	if (c)
		capture_to_vtep(w, c, d, k, tos, head, body);
	out_to_vtep(w, b->u, d, k->f.hash, tos, head, body);
}

static void encapsulate_segments(struct worker *w, struct bridge *b, struct pkt *k, struct dest *d, uint32_t vni)
{
	uint32_t max = room(d), head_len = k->f.payload;
	struct segments s;

	if (!segments_fit(k, max)) {
		too_big(w, k, d);
		return;
	}
	if (!segments_init(&s, &k->f, k->p, k->len, &k->vh, max ? max - head_len : 0)) {
		worker_drop(w, DROP_OFFLOAD, &d->c[w->nr]);
		return;
	}
	for (uint32_t i = 0; i < s.n; i++) {
		uint8_t *head = worker_scratch(w, VXLAN_HEADER + head_len);
		struct iovec body = segments_get(&s, i, head + VXLAN_HEADER);

		vxlan_write(head, vni);
		leave(w, b, k, d, (struct iovec){ head, VXLAN_HEADER + head_len }, body);
	}
	sent(&d->c[w->nr], s.n, k->len);
	sent(&b->c[w->nr], s.n, k->len);
}

/*
 * A lone TCP segment that does not fit is cut like a super-frame: a host that sends those is not told of a smaller MTU,
 * and would send this one again and again. One that came damaged is not made whole.
 */
static bool cut(struct worker *w, struct bridge *b, const struct pkt *k, struct dest *d, uint32_t vni)
{
	struct pkt whole = *k;

	if (!k->f.plain || k->f.proto != IPPROTO_TCP || offload_check(&k->f, k->p) != CSUM_GOOD)
		return false;
	whole.vh = (struct virtio_net_hdr){ .gso_type = k->f.family == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
									 : VIRTIO_NET_HDR_GSO_TCPV6,
					    .gso_size = UINT16_MAX };
	encapsulate_segments(w, b, &whole, d, vni);
	return true;
}

/*
 * The header is written in front of the frame. One that goes to several VTEPs has the same for all but those with a
 * label of their own.
 */
static void encapsulate(struct worker *w, struct bridge *b, struct pkt *k, struct dest *d)
{
	uint32_t vni = d->key.label ? d->key.label : b->vni, max = room(d);
	struct iovec head = { k->p - VXLAN_HEADER, VXLAN_HEADER + k->len }, body = { 0 };

	if (b->drop_tags && k->f.tagged) {
		worker_drop(w, DROP_INNER_TAG, &b->c[w->nr]);
		return;
	}
	if (k->vh.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		encapsulate_segments(w, b, k, d, vni);
		return;
	}
	if (max && k->len > max) {
		if (!cut(w, b, k, d, vni))
			too_big(w, k, d);
		return;
	}
	if (d->key.label) {
		head = (struct iovec){ worker_scratch(w, VXLAN_HEADER), VXLAN_HEADER };
		body = (struct iovec){ k->p, k->len };
	}
	vxlan_write(head.iov_base, vni);
	leave(w, b, k, d, head, body);
	sent(&d->c[w->nr], 1, k->len);
	sent(&b->c[w->nr], 1, k->len);
}

/* ---- to a port --------------------------------------------------------------------------------------------------- */

static void deliver(struct worker *w, struct vport *to, struct pkt *k, bool merge)
{
	if (!__atomic_load_n(&to->dev, __ATOMIC_ACQUIRE)) {
		worker_drop(w, DROP_PORT, &to->c[w->nr]);
		return;
	}
	out_to_port(w, to, k, merge);
	sent(&to->c[w->nr], 1, k->len);
}

static unsigned flood_ports(struct worker *w, struct bridge *b, const struct vport *but, struct pkt *k)
{
	const struct ports *ports = __atomic_load_n(&b->ports, __ATOMIC_ACQUIRE);
	unsigned n = 0;

	for (uint32_t i = 0; i < ports->n; i++) {
		struct vport *to = ports->at[i];

		if (to == but || !__atomic_load_n(&to->dev, __ATOMIC_ACQUIRE))
			continue;
		deliver(w, to, k, false);
		n++;
	}
	return n;
}

/* ---- from a port ------------------------------------------------------------------------------------------------- */

static bool complete(struct worker *w, struct vport *port, struct pkt *k)
{
	if (k->vh.gso_type != VIRTIO_NET_HDR_GSO_NONE || !(k->vh.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return true;
	if (!offload_complete(k->p, k->len, &k->vh)) {
		worker_drop(w, DROP_OFFLOAD, &port->c[w->nr]);
		return false;
	}
	k->vh = (struct virtio_net_hdr){ 0 };
	return true;
}

/* To a MAC without a row where rows come on demand: it waits for one. */
static void miss(struct worker *w, struct vport *port, struct pkt *k)
{
	struct bridge *b = port->bridge;

	if (!complete(w, port, k))
		return;
	flood_ports(w, b, port, k);
	if (!worker_miss(w, b, k->p, k->len, k->vh.gso_type == VIRTIO_NET_HDR_GSO_NONE))
		worker_drop(w, DROP_UNKNOWN_UNICAST, &port->c[w->nr]);
}

/* The VTEPs that get frames of this group, or of none. */
static const struct flood *list_of(const struct bridge *b, const struct mac *dst)
{
	static const struct flood nobody;
	const struct flood *f = b->miss_macs ? bridge_group(b, dst) : __atomic_load_n(&b->flood, __ATOMIC_ACQUIRE);

	return f ? f : &nobody;
}

static void flood_from_port(struct worker *w, struct vport *port, struct pkt *k, const struct mac *dst)
{
	bool unicast = !mac_is_group(dst);
	struct bridge *b = port->bridge;
	const struct flood *f;
	unsigned vteps;

	if (unicast && b->miss_macs) {
		miss(w, port, k);
		return;
	}
	f = list_of(b, dst);
	vteps = unicast && b->drop_unknown ? 0 : f->n;

	if (vteps && !complete(w, port, k))
		return;
	if (!(flood_ports(w, b, port, k) + vteps))
		worker_drop(w, vteps == f->n ? DROP_NOWHERE : DROP_UNKNOWN_UNICAST, &port->c[w->nr]);
	for (uint32_t i = 0; i < vteps; i++)
		encapsulate(w, b, k, f->dest[i]);
}

/* False: a source that none can have. */
static bool hear(struct worker *w, struct vport *port, const struct pkt *k)
{
	struct heard h = { .port = port->nr, .vni = port->bridge->vni, .mac = frame_src(k->p) };
	struct fdb_entry e;

	if (mac_is_group(&h.mac) || mac_is_zero(&h.mac)) {
		worker_drop(w, DROP_BAD_SOURCE, &port->c[w->nr]);
		return false;
	}
	e = fdb_heard(&port->bridge->fdb, fdb_key(&h.mac), port, w->now);
	if (e.kind != FDB_PORT || e.to != port)
		worker_tell(w, &h);
	return true;
}

/* The port of a tag: taken off where a port has it, put on again where one takes all that comes. */
static struct vport *port_of_tag(struct netdev *dev, struct pkt *k, int tci)
{
	struct vport **tagged = __atomic_load_n(&dev->tagged, __ATOMIC_ACQUIRE), *p = NULL;
	struct vport *untagged = __atomic_load_n(&dev->untagged, __ATOMIC_ACQUIRE);
	bool in_frame = tci < 0 && k->len >= FRAME_MAC + FRAME_TAG && frame_get16(k->p + 12) == 0x8100;
	unsigned vlan;

	if (tci < 0 && !in_frame)
		return untagged;
	if (in_frame)
		tci = frame_get16(k->p + 14);
	vlan = tci & (VLANS - 1);
	if (tagged && vlan)
		p = __atomic_load_n(&tagged[vlan], __ATOMIC_ACQUIRE);
	if ((p || !vlan) && in_frame) { /* off; a tag without a VLAN is a priority only */
		memmove(k->p + FRAME_TAG, k->p, 12);
		k->p += FRAME_TAG;
		k->len -= FRAME_TAG;
		k->vh.csum_start -= k->vh.csum_start ? FRAME_TAG : 0;
	} else if (!p && vlan && !in_frame) { /* on */
		memmove(k->p - FRAME_TAG, k->p, 12);
		k->p -= FRAME_TAG;
		k->len += FRAME_TAG;
		frame_put16(k->p + 12, 0x8100);
		frame_put16(k->p + 14, (uint16_t)tci);
		k->vh.csum_start += k->vh.csum_start ? FRAME_TAG : 0;
	}
	return p ? p : untagged;
}

/*
 * Route short circuit, as the vxlan driver's (route_shortcircuit()): a packet for a router goes on to the host
 * that has its destination as if the router had sent it, when a row says who that is. *dst: where it goes.
 */
static void short_circuit(const struct bridge *b, struct pkt *k, struct mac *dst)
{
	const struct binding *owner;
	struct ip ip;

	if (!k->f.family || !rmap_get(&b->routers, fdb_key(dst)))
		return;
	ip = k->f.family == 4 ? ip_from_bytes(k->p + k->f.l3 + 16, 4) : ip_from_bytes(k->p + k->f.l3 + 24, 16);
	owner = answer_owner(b, &ip);
	if (!owner || mac_eq(&owner->mac, dst))
		return;
	memcpy(k->p + 6, dst->b, sizeof(dst->b));
	*dst = owner->mac;
	memcpy(k->p, dst->b, sizeof(dst->b));
}

void forward_from_port(struct worker *w, struct netdev *dev, struct pkt *k, int tci)
{
	struct vport *port = k->len < FRAME_MAC ? NULL : port_of_tag(dev, k, tci);
	struct capture *c;
	struct fdb_entry to;
	struct mac dst;

	if (!port || !frame_parse(&k->f, k->p, k->len)) {
		worker_drop(w, k->len < FRAME_MAC ? DROP_TRUNCATED : DROP_NO_PORT, NULL);
		return;
	}
	k->port = port;
	received(&port->c[w->nr], k->len);
	c = capture_of(port->bridge);
	if (c)
		capture_at_port(w, c, port, k, false);
	if (!hear(w, port, k))
		return;
	if (frame_is_arpnd(&k->f, k->p) && complete(w, port, k) && answer_from_port(w, port, k))
		return;
	dst = frame_dst(k->p);
	if (port->bridge->rsc)
		short_circuit(port->bridge, k, &dst);
	to = mac_is_group(&dst) ? (struct fdb_entry){ 0 } : fdb_get(&port->bridge->fdb, fdb_key(&dst));
	switch ((enum fdb_kind)to.kind) {
	case FDB_NONE:
		flood_from_port(w, port, k, &dst);
		break;
	case FDB_PORT:
		if (to.to == port)
			worker_drop(w, DROP_SAME_PORT, &port->c[w->nr]);
		else
			deliver(w, to.to, k, false);
		break;
	case FDB_REMOTE:
		if (to.seen && to.seen != w->now)
			fdb_use(&port->bridge->fdb, fdb_key(&dst), to, w->now);
		/* fall through */
	case FDB_LEARNED:
		if (complete(w, port, k))
			encapsulate(w, port->bridge, k, dest_pick(to.to, k->f.hash));
		break;
	}
}

/* ---- from the underlay ------------------------------------------------------------------------------------------- */

static bool known_vtep(struct worker *w, const struct bridge *b, const struct ip *from)
{
	if (b->check_source && bridge_knows(b, from))
		return true;
	if (!b->check_source && !ip_eq(from, &b->u->vtep))
		return true;
	worker_drop(w, ip_eq(from, &b->u->vtep) ? DROP_LOOPED : DROP_UNKNOWN_VTEP, &b->c[w->nr]);
	return false;
}

/* Packets that follow one another are mostly of one VTEP. */
static void count_remote(struct worker *w, const struct ip *from, uint32_t len)
{
	if (!w->remote || !ip_eq(&w->remote->ip, from))
		w->remote = (struct remote *)(uintptr_t)rmap_get(&w->v->vteps, vtep_ip_key(w->v, from));
	if (w->remote)
		received(&w->remote->c[w->nr], len);
}

static bool is_at(struct fdb_entry e, const struct ip *vtep)
{
	const struct dest *d = e.to;

	return fdb_is_remote(e) && (!d->key.vtep.len || ip_eq(&d->key.vtep, vtep));
}

/* The inner source (RFC 7348 4.1: it is learned with the outer one). False: one that may not talk. */
static bool hear_remote(struct worker *w, struct bridge *b, const struct ip *from, const struct pkt *k)
{
	struct heard h = { .vni = b->vni, .mac = frame_src(k->p), .vtep = *from };
	uint64_t key = fdb_key(&h.mac);
	struct fdb_entry e;

	if (mac_is_group(&h.mac)) {
		worker_drop(w, DROP_BAD_SOURCE, &b->c[w->nr]);
		return false;
	}
	if (!b->learn && !b->known_hosts)
		return true;
	e = fdb_get(&b->fdb, key);
	if (is_at(e, from)) {
		if (e.kind == FDB_LEARNED && e.seen != w->now)
			fdb_heard(&b->fdb, key, e.to, w->now);
		return true;
	}
	if (b->learn && e.kind != FDB_REMOTE)
		worker_tell(w, &h);
	if (b->known_hosts)
		worker_drop(w, DROP_UNKNOWN_HOST, &b->c[w->nr]);
	return !b->known_hosts;
}

void forward_from_underlay(struct worker *w, struct underlay *u, const struct ip *from, uint8_t *p, uint32_t len,
			   unsigned ecn)
{
	struct pkt k = { .p = p + VXLAN_HEADER, .len = len - VXLAN_HEADER };
	struct capture *c;
	struct fdb_entry to;
	struct bridge *b;
	uint32_t vni;
	struct mac dst;

	if (!vxlan_read(p, len, &vni)) {
		worker_drop(w, len < VXLAN_HEADER ? DROP_TRUNCATED : DROP_FLAGS, NULL);
		return;
	}
	b = (struct bridge *)(uintptr_t)rmap_get(&u->vnis, (uint64_t)vni + 1);
	if (!b) {
		worker_drop(w, DROP_UNKNOWN_VNI, NULL);
		return;
	}
	if (!known_vtep(w, b, from))
		return;
	if (!frame_parse(&k.f, k.p, k.len)) {
		worker_drop(w, DROP_TRUNCATED, &b->c[w->nr]);
		return;
	}
	c = capture_of(b);
	if (c)
		capture_from_vtep(w, c, from, p, len, &k, ecn);
	received(&b->c[w->nr], k.len);
	count_remote(w, from, k.len);
	if (b->drop_tags && k.f.tagged) {
		worker_drop(w, DROP_INNER_TAG, &b->c[w->nr]);
		return;
	}
	if (!hear_remote(w, b, from, &k))
		return;
	if (ecn && !frame_ecn_decap(&k.f, k.p, ecn)) {
		worker_drop(w, DROP_ECN, &b->c[w->nr]);
		return;
	}
	if (b->learn && frame_is_arpnd(&k.f, k.p) && answer_from_tunnel(w, b, &k))
		return;
	dst = frame_dst(k.p);
	to = mac_is_group(&dst) ? (struct fdb_entry){ 0 } : fdb_get(&b->fdb, fdb_key(&dst));
	if (to.kind == FDB_PORT)
		deliver(w, to.to, &k, true);
	else if (fdb_is_remote(to))
		worker_drop(w, DROP_SPLIT_HORIZON, &b->c[w->nr]);
	else if (!flood_ports(w, b, NULL, &k))
		worker_drop(w, DROP_NOWHERE, &b->c[w->nr]);
}

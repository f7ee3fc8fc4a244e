/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What leaves at the end of a batch. Towards VTEPs, frames of one size for one VTEP share a message
 * that the kernel cuts into datagrams (UDP_SEGMENT); towards ports, segments of a flow become a
 * super-frame again. Nothing is copied: a message is a list of places in the buffers of the batch.
 * The order within a flow stays: a frame joins the latest message of its flow or starts another.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/vtep/capture.h"
#include "dataplane/vtep/vxlan.h"
#include "dataplane/vtep/worker.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#define PATIENCE 4u /* times for a batch; then it is dropped */
#define PATIENCE_NS 100000

/* ---- messages of either kind ------------------------------------------------------------------------------------- */

/*
 * For a full socket, or for what is behind it: a veth's receiver has a queue, too, which
 * the kernel may have no time for while others want the processor. False: long enough.
 */
static bool wait_for_room(int fd, int err, unsigned *waits)
{
	static const struct timespec t = { .tv_nsec = PATIENCE_NS };
	struct pollfd full = { .fd = fd, .events = POLLOUT };

	if ((err != EAGAIN && err != ENOBUFS) || ++*waits > PATIENCE)
		return false;
	if (err == EAGAIN)
		return poll(&full, 1, 1) > 0;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	return true;
}

/* Sends n messages. What is not taken in a while, or the kernel refuses, is dropped. */
static void send_all(int fd, struct mmsghdr *m, unsigned n, void (*refused)(struct worker *w, unsigned i, int err),
		     struct worker *w, unsigned first)
{
	unsigned done = 0, waits = 0;

	while (done < n) {
		int rc = sendmmsg(fd, m + done, n - done, MSG_DONTWAIT), err = rc < 0 ? errno : 0;

		if (rc > 0) {
			done += (unsigned)rc;
		} else if (err != EINTR && !wait_for_room(fd, err, &waits)) {
			refused(w, first + done, err);
			done++;
		}
	}
}

/* One more piece of a message; it becomes part of the last when it lies right behind it. */
static void add_piece(struct iovec *iov, uint32_t *n, struct iovec piece)
{
	struct iovec *last = &iov[*n - 1];

	if (*n && (uint8_t *)last->iov_base + last->iov_len == (uint8_t *)piece.iov_base)
		last->iov_len += piece.iov_len;
	else
		iov[(*n)++] = piece;
}

/* ---- to VTEPs ---------------------------------------------------------------------------------------------------- */

static void udp_refused(struct worker *w, unsigned i, int err)
{
	struct out_udp *o = &w->udp[i];
	bool too_big = err == EMSGSIZE || (err == EINVAL && o->n > 1);

	count(&w->drops[too_big ? DROP_TOO_BIG : DROP_UNDERLAY], o->n);
	count(&o->dest->c[w->nr].drops, o->n);
}

static void put_control(const struct worker *w, struct msghdr *m, struct out_udp *o)
{
	bool v4 = o->dest->key.vtep.len == 4;
	struct cmsghdr *c = (struct cmsghdr *)o->control;
	int tos = o->tos;

	m->msg_controllen = 0;
	if (o->n > 1) {
		c->cmsg_level = SOL_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(o->size));
		memcpy(CMSG_DATA(c), &o->size, sizeof(o->size));
		m->msg_controllen += CMSG_SPACE(sizeof(o->size));
	}
	if (tos != w->v->outer.dscp << 2) { /* which the socket says */
		c = (struct cmsghdr *)(o->control + m->msg_controllen);
		c->cmsg_level = v4 ? SOL_IP : SOL_IPV6;
		c->cmsg_type = v4 ? IP_TOS : IPV6_TCLASS;
		c->cmsg_len = CMSG_LEN(sizeof(tos));
		memcpy(CMSG_DATA(c), &tos, sizeof(tos));
		m->msg_controllen += CMSG_SPACE(sizeof(tos));
	}
	m->msg_control = m->msg_controllen ? o->control : NULL;
}

static int socket_of(const struct out_udp *o)
{
	return o->dest->fd ? o->dest->fd : o->u->tx[o->bucket];
}

static void flush_udp(struct worker *w)
{
	unsigned n = w->n_udp, from = 0;

	for (unsigned i = 0; i < n; i++) {
		struct out_udp *o = &w->udp[i];

		w->tx[i].msg_hdr = (struct msghdr){ .msg_name = &o->dest->sa,
						    .msg_namelen = o->dest->sa_len,
						    .msg_iov = o->iov,
						    .msg_iovlen = o->n_iov };
		put_control(w, &w->tx[i].msg_hdr, o);
		if (i + 1 < n && socket_of(&w->udp[i + 1]) == socket_of(o))
			continue;
		send_all(socket_of(o), w->tx + from, i + 1 - from, udp_refused, w, from);
		from = i + 1;
	}
	w->n_udp = 0;
}

/* Without a checksum nothing is put together: the kernel refuses to cut it. */
static bool may_join(const struct worker *w, const struct out_udp *o, uint32_t len, unsigned n_iov)
{
	return !w->v->outer.no_checksum && !o->closed && len <= o->size && o->n < OUT_SEGMENTS &&
	       o->octets + len <= OUT_OCTETS && o->n_iov + n_iov <= OUT_IOV;
}

static struct out_udp *udp_message(struct worker *w, struct underlay *u, struct dest *d, unsigned bucket, unsigned tos,
				   uint32_t len, unsigned n_iov)
{
	struct out_udp *o;

	for (unsigned i = 0; i < OUT_LOOK_BACK && i < w->n_udp; i++) {
		o = &w->udp[w->n_udp - 1 - i];
		if (o->dest != d || o->bucket != bucket || o->tos != tos || o->u != u)
			continue;
		if (may_join(w, o, len, n_iov))
			return o;
		break;
	}
	if (w->n_udp == OUT_MESSAGES)
		flush_udp(w);
	o = &w->udp[w->n_udp++];
	o->u = u;
	o->dest = d;
	o->bucket = (uint8_t)bucket;
	o->tos = (uint8_t)tos;
	o->closed = false;
	o->size = (uint16_t)len;
	o->n = 0;
	o->octets = o->n_iov = 0;
	return o;
}

void out_to_vtep(struct worker *w, struct underlay *u, struct dest *d, uint32_t hash, unsigned tos, struct iovec head,
		 struct iovec body)
{
	uint32_t len = (uint32_t)(head.iov_len + body.iov_len);
	unsigned bucket = out_bucket(hash);
	struct out_udp *o;

	if (len > 65507) {
		worker_drop(w, DROP_TOO_BIG, &d->c[w->nr]);
		return;
	}
	if (len <= OUT_COPIED) {
		uint8_t *p = worker_scratch(w, len);

		memmove(p, head.iov_base, head.iov_len); /* may have been scratch, too, until that was flushed */
		if (body.iov_len)
			memcpy(p + head.iov_len, body.iov_base, body.iov_len);
		head = (struct iovec){ p, len };
		body.iov_len = 0;
	}
	o = udp_message(w, u, d, bucket, tos, len, 2);
	add_piece(o->iov, &o->n_iov, head);
	if (body.iov_len)
		add_piece(o->iov, &o->n_iov, body);
	o->octets += len;
	o->n++;
	o->closed = len < o->size;
}

/* ---- to ports ---------------------------------------------------------------------------------------------------- */

static void port_refused(struct worker *w, unsigned i, int err)
{
	struct out_port *o = &w->ports[i];

	count(&w->drops[DROP_PORT], o->merging ? o->m.n : 1);
	count(&o->port->c[w->nr].drops, o->merging ? o->m.n : 1);
}

static void finish(struct out_port *o)
{
	if (o->merging && o->m.n > 1)
		merge_finish(&o->m, &o->vh);
	if (o->port->vlan && o->vh.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		o->vh.csum_start += FRAME_TAG;
		o->vh.hdr_len += o->vh.hdr_len ? FRAME_TAG : 0;
	}
	o->iov[0] = (struct iovec){ &o->vh, sizeof(o->vh) };
}

static void flush_ports(struct worker *w)
{
	unsigned n = w->n_ports, from = 0;

	for (unsigned i = 0; i < n; i++) {
		struct out_port *o = &w->ports[i];
		int fd = o->dev->q[w->nr].fd;

		finish(o);
		w->tx[i].msg_hdr = (struct msghdr){ .msg_iov = o->iov, .msg_iovlen = o->n_iov };
		if (o->dev->tap) {
			if (writev(fd, o->iov, (int)o->n_iov) < 0)
				port_refused(w, i, errno);
			from = i + 1;
		} else if (i + 1 == n || w->ports[i + 1].dev != o->dev) {
			send_all(fd, w->tx + from, i + 1 - from, port_refused, w, from);
			from = i + 1;
		}
	}
	w->n_ports = 0;
}

/* An 802.1Q tag goes in behind the addresses. */
static void add_frame(struct out_port *o, uint8_t *p, uint32_t len)
{
	if (!o->port->vlan) {
		o->iov[o->n_iov++] = (struct iovec){ p, len };
		return;
	}
	frame_put16(o->tag, 0x8100);
	frame_put16(o->tag + 2, o->port->vlan);
	o->iov[o->n_iov++] = (struct iovec){ p, 12 };
	o->iov[o->n_iov++] = (struct iovec){ o->tag, FRAME_TAG };
	o->iov[o->n_iov++] = (struct iovec){ p + 12, len - 12 };
}

static void add_payload(struct worker *w, struct out_port *o, const struct pkt *k)
{
	struct iovec part = { k->p + k->f.payload, (size_t)(k->f.ip_end - k->f.payload) };

	if (part.iov_len <= OUT_COPIED && w->scratch_used + part.iov_len <= SCRATCH)
		part.iov_base = memcpy(worker_scratch(w, (uint32_t)part.iov_len), part.iov_base, part.iov_len);
	add_piece(o->iov, &o->n_iov, part);
}

/* The frame's payload goes on where an earlier one's ended. */
static bool joins(struct worker *w, struct vport *port, const struct pkt *k)
{
	for (unsigned i = 0; i < OUT_LOOK_BACK && i < w->n_ports; i++) {
		struct out_port *o = &w->ports[w->n_ports - 1 - i];

		if (o->port != port || o->hash != k->f.hash)
			continue;
		if (!o->merging || o->n_iov == OUT_IOV || !merge_add(&o->m, &k->f, k->p))
			return false;
		add_payload(w, o, k);
		return true;
	}
	return false;
}

static struct out_port *port_message(struct worker *w, struct vport *port, struct netdev *dev, const struct pkt *k)
{
	struct out_port *o;

	if (w->n_ports == OUT_MESSAGES)
		flush_ports(w);
	o = &w->ports[w->n_ports++];
	o->port = port;
	o->dev = dev;
	o->hash = k->f.hash;
	o->merging = false;
	o->vh = k->vh;
	o->n_iov = 1;
	return o;
}

void out_to_port(struct worker *w, struct vport *port, struct pkt *k, bool merge)
{
	struct netdev *dev = __atomic_load_n(&port->dev, __ATOMIC_ACQUIRE);
	struct capture *c = capture_of(port->bridge);
	enum csum_state csum;
	struct out_port *o;
	uint32_t len = k->len;

	if (!dev)
		return;
	if (c)
		capture_at_port(w, c, port, k, true);
	csum = merge ? offload_check(&k->f, k->p) : CSUM_NONE;
	if (csum == CSUM_GOOD && joins(w, port, k))
		return;
	o = port_message(w, port, dev, k);
	if (merge)
		offload_describe(&k->f, k->p, csum, __atomic_load_n(&dev->mtu, __ATOMIC_RELAXED), &o->vh);
	if (csum == CSUM_GOOD) {
		o->merging = merge_start(&o->m, &k->f, k->p);
		len = o->merging ? o->m.len : len; /* padding would come before what is added */
	}
	add_frame(o, k->p, len);
}

void out_flush(struct worker *w)
{
	if (w->n_udp)
		flush_udp(w);
	if (w->n_ports)
		flush_ports(w);
	w->scratch_used = 0;
}

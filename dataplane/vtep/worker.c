/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A worker sleeps in epoll, then takes a batch from each source that has something, forwards it frame by frame into
 * its queues, sends these, and sleeps. Between two sleeps it holds on to what it has looked up; asleep it is offline
 * for RCU, so the control thread's grace periods do not wait for traffic, nor traffic for the control thread.
 */
#include "dataplane/vtep/worker.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <urcu/urcu-qsbr.h>

#include "base/thread.h"
#include "dataplane/vtep/sockopt.h"

#define EVENTS 16
#define TOLD_A_SECOND 64u
#define VNET_HEADER sizeof(struct virtio_net_hdr)

void worker_drop(struct worker *w, enum vtep_drop why, struct traffic *t)
{
	count(&w->drops[why], 1);
	if (t)
		count(&t->drops, 1);
}

uint8_t *worker_scratch(struct worker *w, uint32_t n)
{
	uint8_t *p;

	if (w->scratch_used + n > SCRATCH)
		out_flush(w);
	p = w->scratch + w->scratch_used;
	w->scratch_used += n;
	return p;
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

/*
 * The same is not said again before it has been heard, and so many times a second at the most: a MAC may be
 * here, there and here again within one, and say each only once, but what is in two places is told no oftener.
 */
static bool said_lately(struct worker *w, const struct heard *h)
{
	uint64_t what =
		rmap_hash(mac_u64(&h->mac) ^ (uint64_t)h->port << 48, h->vni ^ vtep_ip_key(w->v, &h->vtep) << 24);
	struct recent *r = &w->recent[what & 255];
	bool same = r->what == what && r->second == w->now;

	if (same &&
	    (r->times >= TOLD_A_SECOND || (int32_t)(__atomic_load_n(&w->ring->head, __ATOMIC_ACQUIRE) - r->at) <= 0))
		return true;
	*r = (struct recent){ what, w->ring->tail, w->now, same ? r->times + 1 : 1 };
	return false;
}

void worker_tell(struct worker *w, const struct heard *h)
{
	struct heard_ring *r = w->ring;
	uint32_t tail = r->tail;

	if (said_lately(w, h))
		return;
	if (tail - __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) >= VTEP_RING) {
		count(&w->not_told, 1);
		return;
	}
	r->slot[tail % VTEP_RING] = *h;
	__atomic_store_n(&r->tail, tail + 1, __ATOMIC_RELEASE);
	w->told = true;
}

bool worker_pass_on(struct worker *w, uint32_t vni, uint16_t port, const uint8_t *frame, uint32_t len)
{
	struct said_ring *r = w->said;
	struct said *s = &r->slot[r->tail % VTEP_SAID];

	if (r->tail - __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) >= VTEP_SAID)
		return false;
	s->vni = vni;
	s->port = port;
	s->len = len < ARPND_SNAP ? (uint16_t)len : ARPND_SNAP;
	memcpy(s->frame, frame, s->len);
	__atomic_store_n(&r->tail, r->tail + 1, __ATOMIC_RELEASE);
	w->told = true;
	return true;
}

bool worker_miss(struct worker *w, const struct bridge *b, const uint8_t *frame, uint32_t len, bool whole)
{
	struct missed_ring *r = w->missed;
	struct missed *m = &r->slot[r->tail % VTEP_MISSED];

	if (r->tail - __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) >= VTEP_MISSED)
		return false;
	*m = (struct missed){ .vni = b->vni, .mac = frame_dst(frame) };
	if (whole && len <= HOLD_OCTETS &&
	    r->frame_tail - __atomic_load_n(&r->frame_head, __ATOMIC_ACQUIRE) < HOLD_FRAMES) {
		m->len = (uint16_t)len;
		memcpy(r->frame[r->frame_tail++ % HOLD_FRAMES], frame, len);
	}
	__atomic_store_n(&r->tail, r->tail + 1, __ATOMIC_RELEASE);
	w->told = true;
	return true;
}

static void ring_bell(struct worker *w)
{
	uint64_t one = 1;

	if (w->told && write(w->v->heard_fd, &one, sizeof(one)) < 0)
		count(&w->not_told, 1);
	w->told = false;
}

struct heard_ring *worker_ring(struct vtep *v, unsigned nr)
{
	return v->workers[nr].ring;
}

struct missed_ring *worker_missed(struct vtep *v, unsigned nr)
{
	return v->workers[nr].missed;
}

struct said_ring *worker_said(struct vtep *v, unsigned nr)
{
	return v->workers[nr].said;
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */

static uint8_t *slot(const struct worker *w, unsigned i)
{
	return w->slots + (size_t)i * RX_SLOT;
}

/* lead: octets that come in front of the frame, into the headroom. */
static void prepare(struct worker *w, unsigned n, uint32_t lead)
{
	for (unsigned i = 0; i < n; i++) {
		struct msghdr *m = &w->rx[i].msg_hdr;

		w->rx_iov[i] = (struct iovec){ slot(w, i) + RX_HEADROOM - lead, RX_SLOT - RX_HEADROOM };
		m->msg_name = lead ? NULL : &w->rx_from[i];
		m->msg_namelen = lead ? 0 : sizeof(w->rx_from[i]);
		m->msg_control = w->rx_control[i];
		m->msg_controllen = RX_CONTROL;
		m->msg_flags = 0;
	}
}

static int batch(struct worker *w, const struct source *s, uint32_t lead)
{
	unsigned max = w->big ? RX_SLOTS_BIG : RX_SLOTS;
	int n;

	prepare(w, max, lead);
	n = recvmmsg(s->fd, w->rx, max, MSG_DONTWAIT, NULL);
	w->big = false;
	for (int i = 0; i < n; i++)
		w->big |= w->rx[i].msg_len > RX_BIG;
	w->full |= n == (int)RX_SLOTS;
	count(&w->batches, n > 0);
	return n;
}

/* The tag that the kernel took off, -1: none. */
static int auxiliary_tci(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct tpacket_auxdata a;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&a, CMSG_DATA(c), sizeof(a));
		return a.tp_status & TP_STATUS_VLAN_VALID ? a.tp_vlan_tci : -1;
	}
	return -1;
}

static void from_port(struct worker *w, struct netdev *dev, uint8_t *at, size_t len, int tci)
{
	struct pkt k;

	if (len < VNET_HEADER)
		return;
	memcpy(&k.vh, at, VNET_HEADER);
	k.p = at + VNET_HEADER;
	k.len = (uint32_t)(len - VNET_HEADER);
	k.port = NULL;
	w->singles += k.len < RX_BIG;
	forward_from_port(w, dev, &k, tci);
}

static void read_port(struct worker *w, const struct source *s)
{
	int n = batch(w, s, VNET_HEADER);

	for (int i = 0; i < n; i++) {
		struct msghdr *m = &w->rx[i].msg_hdr;

		if (m->msg_flags & MSG_TRUNC)
			worker_drop(w, DROP_OVERSIZED, NULL);
		else
			from_port(w, s->owner, w->rx_iov[i].iov_base, w->rx[i].msg_len, auxiliary_tci(m));
	}
}

/* A frame that its slot cannot hold, from the socket's queue. */
static void read_queued(struct worker *w, const struct source *s, unsigned nr, int tci)
{
	struct iovec iov = { slot(w, nr) + RX_HEADROOM - VNET_HEADER, RX_SLOT - RX_HEADROOM };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t len = recvmsg(s->fd, &m, MSG_DONTWAIT);

	if (len < 0 || m.msg_flags & MSG_TRUNC)
		worker_drop(w, DROP_OVERSIZED, NULL);
	else
		from_port(w, s->owner, iov.iov_base, (size_t)len, tci);
}

/*
 * That the interface went down, which nothing here reads: the socket would be ready for
 * ever, and the first frame that is sent when it is up again would get this for an answer.
 */
static void clear_error(int fd)
{
	int err;
	socklen_t len = sizeof(err);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
}

/* In a large table, the slots of a whole batch's addresses are prefetched while its first frames are forwarded. */
static void look_ahead(const struct source *s)
{
	const struct netdev *dev = s->owner;
	const struct vport *port = __atomic_load_n(&dev->untagged, __ATOMIC_ACQUIRE);
	struct portring_frame f;

	for (unsigned i = 0; port && i < RX_SLOTS && portring_peek(&s->ring, i, &f); i++) {
		struct mac dst = frame_dst(f.vnet + VNET_HEADER);

		rmap_prefetch(&port->bridge->fdb, fdb_key(&dst));
	}
}

/* Slots go back when nothing that is to be sent lies in them any more. */
static void read_ring(struct worker *w, struct source *s)
{
	struct portring_frame f;
	unsigned n = 0, queued = 0;

	look_ahead(s);
	for (; n < RX_SLOTS && queued < RX_SLOTS_BIG && portring_peek(&s->ring, n, &f); n++) {
		if (f.state == PORTRING_WHOLE)
			from_port(w, s->owner, f.vnet, f.len, f.tci);
		else if (f.state == PORTRING_QUEUED)
			read_queued(w, s, queued++, f.tci);
		else
			worker_drop(w, DROP_OVERSIZED, NULL);
	}
	if (!n)
		clear_error(s->fd);
	out_flush(w);
	portring_release(&s->ring, n);
	w->full |= n == RX_SLOTS;
	count(&w->batches, n > 0);
}

static void read_tap(struct worker *w, const struct source *s)
{
	unsigned max = w->big ? RX_SLOTS_BIG : RX_SLOTS;

	w->big = false;
	count(&w->batches, 1);
	for (unsigned i = 0; i < max; i++) {
		uint8_t *at = slot(w, i) + RX_HEADROOM - VNET_HEADER;
		ssize_t len = read(s->fd, at, RX_SLOT - RX_HEADROOM);

		if (len <= 0)
			break;
		w->big |= len > RX_BIG;
		from_port(w, s->owner, at, (size_t)len, -1);
	}
}

/*
 * The size of segments that the kernel joined (UDP_GRO), and the outer header's ECN
 * field. False: it came in fragments.
 */
static bool datagram_control(struct msghdr *m, uint32_t *segment, unsigned *ecn)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			int size;

			memcpy(&size, CMSG_DATA(c), sizeof(size));
			*segment = (uint32_t)size;
		} else if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_TOS) {
			*ecn = CMSG_DATA(c)[0] & 3;
		} else if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			int tclass;

			memcpy(&tclass, CMSG_DATA(c), sizeof(tclass));
			*ecn = tclass & 3;
		} else if ((c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVFRAGSIZE) ||
			   (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVFRAGSIZE)) {
			return false;
		}
	}
	return true;
}

static void read_underlay(struct worker *w, const struct source *s)
{
	int n = batch(w, s, 0);

	for (int i = 0; i < n; i++) {
		struct msghdr *m = &w->rx[i].msg_hdr;
		uint32_t len = w->rx[i].msg_len, segment = len;
		struct ip from = ip_from_sockaddr(m->msg_name, &w->from_port);
		unsigned ecn = 0;

		if (m->msg_flags & MSG_TRUNC) {
			worker_drop(w, DROP_OVERSIZED, NULL);
			continue;
		}
		if (!datagram_control(m, &segment, &ecn)) {
			worker_drop(w, DROP_FRAGMENTED, NULL);
			continue;
		}
		if (!len || !segment) /* an empty one */
			worker_drop(w, DROP_TRUNCATED, NULL);
		w->singles += segment && segment < REST_SMALL ? len / segment + 1 : 0;
		for (uint32_t at = 0; at < len && segment; at += segment)
			forward_from_underlay(w, s->owner, &from, slot(w, i) + RX_HEADROOM + at,
					      len - at < segment ? len - at : segment, ecn);
	}
}

static void read_source(struct worker *w, struct source *s)
{
	uint64_t n;

	switch (s->kind) {
	case SOURCE_WAKE:
		if (read(s->fd, &n, sizeof(n)) < 0)
			return;
		break;
	case SOURCE_PORT:
		if (((struct netdev *)s->owner)->tap)
			read_tap(w, s);
		else if (s->ring.map)
			read_ring(w, s);
		else
			read_port(w, s);
		break;
	case SOURCE_UNDERLAY:
		read_underlay(w, s);
		break;
	}
	out_flush(w);
}

/* ---- a turn ------------------------------------------------------------------------------------------------------ */

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/*
 * When frames that are no super-frames come so fast that a few more will be there soon,
 * they are waited for: what a batch costs, of system calls and of waking others, is then
 * shared by many. Who sends pays nothing for waking us meanwhile.
 */
static void rest(struct worker *w)
{
	static const struct timespec t = { .tv_nsec = REST_NS };
	uint64_t now = clock_ns();

	if (!w->full && w->singles > 1 && (uint64_t)w->singles * REST_NS >= REST_FRAMES * (now - w->counted_at))
		clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	w->counted_at = now;
	w->singles = 0;
	w->full = false;
}

static void *run(void *ctx)
{
	struct worker *w = ctx;
	struct epoll_event ev[EVENTS];
	int n;

	urcu_qsbr_register_thread();
	prctl(PR_SET_TIMERSLACK, 1000ul); /* ns; the usual 50,000 would double a rest */
	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		GRACE_BEGINS(vtep_drop_names); /* any object that all know */
		urcu_qsbr_thread_offline();
		rest(w);
		n = epoll_wait(w->epfd, ev, EVENTS, -1);
		urcu_qsbr_thread_online();
		w->remote = NULL;
		w->now = __atomic_load_n(&w->v->now_s, __ATOMIC_RELAXED);
		for (int i = 0; i < n; i++)
			read_source(w, ev[i].data.ptr);
		ring_bell(w);
	}
	urcu_qsbr_unregister_thread();
	return NULL;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

void worker_watch(struct vtep *v, unsigned nr, struct source *s)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = s };

	if (epoll_ctl(v->workers[nr].epfd, EPOLL_CTL_ADD, s->fd, &ev) < 0)
		log_warn(v->log, LOG_DP, "userspace VTEP: a worker cannot listen: %s", strerror(errno));
}

void worker_unwatch(struct vtep *v, unsigned nr, struct source *s)
{
	epoll_ctl(v->workers[nr].epfd, EPOLL_CTL_DEL, s->fd, NULL);
}

/* Touched as far as it is used. */
static void *area(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	BUG_ON(p == MAP_FAILED);
	return p;
}

static size_t udp_size(void)
{
	return OUT_MESSAGES * sizeof(struct out_udp);
}

static size_t port_size(void)
{
	return OUT_MESSAGES * sizeof(struct out_port);
}

static int init(struct worker *w)
{
	w->epfd = epoll_create1(EPOLL_CLOEXEC);
	w->wake = (struct source){ .kind = SOURCE_WAKE, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (w->epfd < 0 || w->wake.fd < 0)
		return -errno;
	w->slots = area((size_t)RX_SLOTS * RX_SLOT);
	w->scratch = area(SCRATCH);
	w->udp = area(udp_size());
	w->ports = area(port_size());
	w->rx = xcalloc(RX_SLOTS, sizeof(*w->rx));
	w->rx_iov = xcalloc(RX_SLOTS, sizeof(*w->rx_iov));
	w->rx_from = xcalloc(RX_SLOTS, sizeof(*w->rx_from));
	w->rx_control = xcalloc(RX_SLOTS, sizeof(*w->rx_control));
	w->tx = xcalloc(OUT_MESSAGES, sizeof(*w->tx));
	w->ring = area(sizeof(*w->ring));
	w->said = area(sizeof(*w->said));
	w->missed = area(sizeof(*w->missed));
	for (unsigned i = 0; i < RX_SLOTS; i++) {
		w->rx[i].msg_hdr.msg_iov = &w->rx_iov[i];
		w->rx[i].msg_hdr.msg_iovlen = 1;
	}
	worker_watch(w->v, w->nr, &w->wake);
	return 0;
}

static int start(struct worker *w)
{
	int err = thread_start(&w->thread, 0, run, w);
	char name[16];

	if (err)
		return err;
	w->started = true;
	snprintf(name, sizeof(name), "vtep-%u", w->nr);
	pthread_setname_np(w->thread, name);
	return 0;
}

int workers_start(struct vtep *v)
{
	int err = 0;

	v->workers = xcalloc(v->n_workers, sizeof(*v->workers));
	for (unsigned i = 0; !err && i < v->n_workers; i++) {
		v->workers[i].v = v;
		v->workers[i].nr = i;
		err = init(&v->workers[i]);
		if (!err)
			err = start(&v->workers[i]);
	}
	return err;
}

void workers_pin(struct vtep *v, const uint16_t *cpus, size_t n)
{
	for (unsigned i = 0; n && i < v->n_workers; i++) {
		unsigned cpu = cpus[i % n];
		cpu_set_t set;
		int err;

		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		err = pthread_setaffinity_np(v->workers[i].thread, sizeof(set), &set);
		if (err)
			log_warn(v->log, LOG_DP, "userspace VTEP: worker %u cannot be pinned to processor %u: %s", i,
				 cpu, strerror(err));
	}
}

static void fini(struct worker *w)
{
	if (w->epfd > 0)
		close(w->epfd);
	if (w->wake.fd > 0)
		close(w->wake.fd);
	if (!w->slots)
		return;
	munmap(w->slots, (size_t)RX_SLOTS * RX_SLOT);
	munmap(w->scratch, SCRATCH);
	munmap(w->udp, udp_size());
	munmap(w->ports, port_size());
	free(w->rx);
	free(w->rx_iov);
	free(w->rx_from);
	free(w->rx_control);
	free(w->tx);
	munmap(w->ring, sizeof(*w->ring));
	munmap(w->said, sizeof(*w->said));
	munmap(w->missed, sizeof(*w->missed));
}

void workers_stop(struct vtep *v)
{
	uint64_t one = 1;

	for (unsigned i = 0; v->workers && i < v->n_workers; i++) {
		struct worker *w = &v->workers[i];

		__atomic_store_n(&w->stop, true, __ATOMIC_RELEASE);
		if (w->started && write(w->wake.fd, &one, sizeof(one)) == sizeof(one))
			pthread_join(w->thread, NULL);
		fini(w);
	}
	free(v->workers);
	v->workers = NULL;
}

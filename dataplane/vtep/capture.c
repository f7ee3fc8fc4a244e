/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The outer headers are the kernel's work, after us: they are written down here as it is
 * told to write them, without what it alone knows (identification, hop limit, UDP checksum).
 */
#include "dataplane/vtep/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/vtep/csum.h"

#define RING (1u << 20)   /* octets a worker */
#define SEND_SLICE 256u   /* packets a worker and turn */
#define OUTER_MAX 48u     /* IPv6 and UDP */
#define PAD UINT32_MAX    /* .octets of a record that fills the ring up to its end */
#define HOP_LIMIT 64

struct record {
	uint32_t size;   /* of the whole, a multiple of 8 */
	uint32_t octets; /* that follow h */
	struct dp_captured h;
};

/* A worker writes, the control thread reads. */
struct ring {
	uint32_t head __attribute__((aligned(64))); /* the reader's */
	uint32_t tail __attribute__((aligned(64))); /* the writer's */
	uint64_t lost;
	uint8_t *octets;
};

struct capture {
	struct bridge *b;
	struct dp_capture what;
	unsigned n_rings;
	int fd;
	struct loop_io io;
	uint16_t ports[VTEP_SOURCE_PORTS]; /* of the underlay's sockets */
	struct ring rings[];
};

/* ---- what is asked for ------------------------------------------------------------------------------------------- */

static bool wanted(const struct capture *c, const struct pkt *k)
{
	return frame_is_of(&k->f, k->p, k->len, &c->what.mac, &c->what.ip);
}

/* ---- into the ring ----------------------------------------------------------------------------------------------- */

static struct record *reserve(struct ring *r, uint32_t octets)
{
	uint32_t size = (uint32_t)((sizeof(struct record) + octets + 7) & ~7u), at = r->tail % RING, pad = 0;
	struct record *rec;

	if (size > RING - at)
		pad = RING - at;
	if (size + pad > RING - (r->tail - __atomic_load_n(&r->head, __ATOMIC_ACQUIRE))) {
		count(&r->lost, 1);
		return NULL;
	}
	if (pad) {
		rec = (struct record *)(void *)(r->octets + at);
		rec->size = pad;
		rec->octets = PAD;
		__atomic_store_n(&r->tail, r->tail + pad, __ATOMIC_RELEASE);
		at = 0;
	}
	rec = (struct record *)(void *)(r->octets + at);
	rec->size = size;
	rec->octets = octets;
	return rec;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put(struct worker *w, struct capture *c, const struct dp_captured *h, const struct iovec *parts, unsigned n)
{
	struct ring *r = &c->rings[w->nr];
	struct record *rec;
	uint32_t octets = 0;
	uint8_t *p;

	for (unsigned i = 0; i < n; i++)
		octets += (uint32_t)parts[i].iov_len;
	rec = reserve(r, octets);
	if (!rec)
		return;
	rec->h = *h;
	rec->h.ns = now_ns();
	rec->h.len = octets;
	p = (uint8_t *)(rec + 1);
	for (unsigned i = 0; i < n; i++) {
		if (parts[i].iov_len)
			memcpy(p, parts[i].iov_base, parts[i].iov_len);
		p += parts[i].iov_len;
	}
	__atomic_store_n(&r->tail, r->tail + rec->size, __ATOMIC_RELEASE);
	w->told = true;
}

void capture_at_port(struct worker *w, struct capture *c, const struct vport *port, const struct pkt *k, bool out)
{
	struct dp_captured h = { .out = out };
	struct iovec frame = { k->p, k->len };

	if (!wanted(c, k))
		return;
	memcpy(h.where, port->label, sizeof(h.where));
	put(w, c, &h, &frame, 1);
}

/* ---- outer headers ----------------------------------------------------------------------------------------------- */

static uint32_t write_ipv4(uint8_t *p, const struct ip *from, const struct ip *to, unsigned tos, uint32_t len)
{
	uint16_t sum;

	memset(p, 0, 20);
	p[0] = 0x45;
	p[1] = (uint8_t)tos;
	frame_put16(p + 2, (uint16_t)(20 + len));
	p[6] = 0x40; /* don't fragment, RFC 7348 4.3 */
	p[8] = HOP_LIMIT;
	p[9] = IPPROTO_UDP;
	memcpy(p + 12, from->b, 4);
	memcpy(p + 16, to->b, 4);
	sum = (uint16_t)~csum_fold(csum_add(0, p, 20));
	memcpy(p + 10, &sum, 2);
	return 20;
}

static uint32_t write_ipv6(uint8_t *p, const struct ip *from, const struct ip *to, unsigned tos, uint32_t len)
{
	memset(p, 0, 8);
	p[0] = (uint8_t)(0x60 | tos >> 4);
	p[1] = (uint8_t)(tos << 4);
	frame_put16(p + 4, (uint16_t)len);
	p[6] = IPPROTO_UDP;
	p[7] = HOP_LIMIT;
	memcpy(p + 8, from->b, 16);
	memcpy(p + 24, to->b, 16);
	return 40;
}

/* The octets written. len: of what follows the UDP header. */
static uint32_t write_outer(uint8_t p[OUTER_MAX], const struct ip *from, uint16_t from_port, const struct ip *to,
			    uint16_t to_port, unsigned tos, uint32_t len)
{
	uint32_t at = from->len == 4 ? write_ipv4(p, from, to, tos, 8 + len) : write_ipv6(p, from, to, tos, 8 + len);

	frame_put16(p + at, from_port);
	frame_put16(p + at + 2, to_port);
	frame_put16(p + at + 4, (uint16_t)(8 + len));
	frame_put16(p + at + 6, 0);
	return at + 8;
}

static void name_vtep(struct dp_captured *h, const struct ip *ip)
{
	h->underlay = true;
	snprintf(h->where, sizeof(h->where), "%s", ip_str(ip).s);
}

void capture_to_vtep(struct worker *w, struct capture *c, const struct dest *d, const struct pkt *k, unsigned tos,
		     struct iovec head, struct iovec body)
{
	const struct underlay *u = c->b->u;
	uint32_t len = (uint32_t)(head.iov_len + body.iov_len);
	struct dp_captured h = { .out = true };
	struct iovec parts[3] = { { 0 }, head, body };
	uint8_t outer[OUTER_MAX];

	if (!wanted(c, k))
		return;
	name_vtep(&h, &d->key.vtep);
	parts[0].iov_base = outer;
	parts[0].iov_len = write_outer(outer, &u->vtep, c->ports[out_bucket(k->f.hash)], &d->key.vtep, u->port,
				       tos, len);
	put(w, c, &h, parts, 3);
}

void capture_from_vtep(struct worker *w, struct capture *c, const struct ip *from, const uint8_t *p, uint32_t len,
		       const struct pkt *k, unsigned ecn)
{
	const struct underlay *u = c->b->u;
	struct dp_captured h = { 0 };
	uint8_t outer[OUTER_MAX];
	struct iovec parts[2] = { { outer, 0 }, { (void *)(uintptr_t)p, len } };

	if (!wanted(c, k) || from->len != u->vtep.len)
		return;
	name_vtep(&h, from);
	parts[0].iov_len = write_outer(outer, from, w->from_port, &u->vtep, u->port, ecn, len);
	put(w, c, &h, parts, 2);
}

/* ---- out of the rings -------------------------------------------------------------------------------------------- */

static uint64_t lost(const struct capture *c)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < c->n_rings; i++)
		n += __atomic_load_n(&c->rings[i].lost, __ATOMIC_RELAXED);
	return n;
}

/* 0, -EAGAIN or why it will never go. */
static int send_record(struct capture *c, struct record *rec)
{
	if (rec->octets == PAD)
		return 0;
	rec->h.lost = lost(c);
	return send(c->fd, &rec->h, sizeof(rec->h) + rec->octets, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int send_ring(struct capture *c, struct ring *r, bool *more)
{
	uint32_t tail = __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
	int err = 0;

	for (unsigned n = 0; r->head != tail && n < SEND_SLICE; n++) {
		struct record *rec = (struct record *)(void *)(r->octets + r->head % RING);

		err = send_record(c, rec);
		if (err)
			return err;
		__atomic_store_n(&r->head, r->head + rec->size, __ATOMIC_RELEASE);
	}
	*more |= r->head != tail;
	return 0;
}

bool capture_send(struct bridge *b)
{
	struct capture *c = b->capture;
	bool more = false;
	int err = 0;

	if (!c)
		return false;
	for (unsigned i = 0; !err && i < c->n_rings; i++)
		err = send_ring(c, &c->rings[i], &more);
	if (err && err != -EAGAIN) {
		capture_end(b);
		return false;
	}
	loop_io_set(&c->io, err ? LOOP_READ | LOOP_WRITE : LOOP_READ);
	return more && !err;
}

/* Who looks on says nothing: what can be read is the end. */
static void on_socket(struct loop_io *io, unsigned events)
{
	struct capture *c = container_of(io, struct capture, io);
	struct dp *d = c->b->v->d;

	if (events & LOOP_READ)
		capture_end(c->b);
	dp_kick(d);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void find_ports(struct capture *c)
{
	for (unsigned i = 0; i < VTEP_SOURCE_PORTS; i++) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);

		if (!getsockname(c->b->u->tx[i], (struct sockaddr *)&ss, &len))
			ip_from_sockaddr((struct sockaddr *)&ss, &c->ports[i]);
	}
}

static void capture_free(void *p)
{
	struct capture *c = p;

	for (unsigned i = 0; i < c->n_rings; i++) {
		if (c->rings[i].octets != MAP_FAILED)
			munmap(c->rings[i].octets, RING);
	}
	free(c);
}

/* NULL without memory. */
static struct capture *capture_new(struct bridge *b, const struct dp_capture *what)
{
	size_t size = sizeof(struct capture) + b->v->n_workers * sizeof(struct ring);
	struct capture *c = aligned_alloc(64, (size + 63) & ~(size_t)63);
	bool good = true;

	BUG_ON(!c);
	memset(c, 0, size);
	c->b = b;
	c->what = *what;
	c->n_rings = b->v->n_workers;
	for (unsigned i = 0; i < c->n_rings; i++) {
		c->rings[i].octets = mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		good = good && c->rings[i].octets != MAP_FAILED;
	}
	if (good)
		return c;
	capture_free(c);
	return NULL;
}

static bool is_seqpacket(int fd)
{
	int type = 0, domain = 0;
	socklen_t len = sizeof(int);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) &&
	       !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && type == SOCK_SEQPACKET && domain == AF_UNIX;
}

int capture_start(void *be, void *data, const struct dp_capture *what, int fd, char *why, size_t cap)
{
	struct bridge *b = data;
	struct capture *c;

	if (b->capture) {
		snprintf(why, cap, "a capture of VNI %u is under way", b->vni);
		return -EBUSY;
	}
	c = is_seqpacket(fd) ? capture_new(b, what) : NULL;
	if (c)
		c->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (!c || c->fd < 0) {
		snprintf(why, cap, "no capture: %s",
			 c ? strerror(errno) : "a socket is needed that keeps packets apart, and memory");
		if (c)
			capture_free(c);
		return -EINVAL;
	}
	find_ports(c);
	loop_io_init(&c->io, b->v->loop, c->fd, on_socket);
	loop_io_set(&c->io, LOOP_READ);
	__atomic_store_n(&b->capture, c, __ATOMIC_RELEASE);
	log_info(b->v->log, LOG_DP, "VNI %u: a capture begins", b->vni);
	return 0;
}

void capture_end(struct bridge *b)
{
	struct capture *c = b->capture;

	if (!c)
		return;
	__atomic_store_n(&b->capture, NULL, __ATOMIC_RELEASE);
	loop_io_set(&c->io, 0);
	close(c->fd);
	log_info(b->v->log, LOG_DP, "VNI %u: the capture ends, %llu packets were lost", b->vni,
		 (unsigned long long)lost(c));
	vtep_retire(c, capture_free);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * UDP sockets of an address and port. What comes in is spread over the workers by the kernel (SO_REUSEPORT, by the
 * flow's outer addresses and ports). What goes out has one of several source ports, chosen by the inner flow (RFC
 * 7348 5: "calculated using a hash of fields from the inner packet"), so that the underlay's paths are all used.
 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <urcu/urcu-qsbr.h>

#include "dataplane/kernel_sock.h"
#include "dataplane/lookup.h"
#include "dataplane/vtep/sockopt.h"
#include "dataplane/vtep/vtep.h"

#define QUEUE_OCTETS (8 * 1024 * 1024)
#define DEFAULT_TTL 64
#define DYNAMIC_PORTS 49152u /* to 65535, RFC 6335 6 */

static void set_queue(int fd, int force, int plain)
{
	if (sockopt_set(fd, SOL_SOCKET, force, QUEUE_OCTETS))
		sockopt_set(fd, SOL_SOCKET, plain, QUEUE_OCTETS);
}

/* Of ours, or of a group's. */
void underlay_outer(const struct vtep *v, const struct ip *a, int fd)
{
	int tos = v->outer.dscp << 2, ttl = v->outer.ttl ? v->outer.ttl : DEFAULT_TTL;

	/* RFC 7348 4.3: no VTEP fragments. INTERFACE: others may, what they say of it is not asked for. */
	if (a->len == 16) {
		sockopt_set(fd, SOL_IPV6, IPV6_MTU_DISCOVER,
			    v->outer.fragmentable ? IPV6_PMTUDISC_INTERFACE : IPV6_PMTUDISC_DO);
		sockopt_set(fd, SOL_IPV6, IPV6_TCLASS, tos);
		sockopt_set(fd, SOL_IPV6, IPV6_UNICAST_HOPS, ttl);
		sockopt_set(fd, SOL_IPV6, IPV6_MULTICAST_HOPS, ttl);
		sockopt_set(fd, SOL_UDP, UDP_NO_CHECK6_TX, v->outer.no_checksum);
	} else {
		sockopt_set(fd, SOL_IP, IP_MTU_DISCOVER,
			    v->outer.fragmentable ? IP_PMTUDISC_INTERFACE : IP_PMTUDISC_DO);
		sockopt_set(fd, SOL_IP, IP_TOS, tos);
		sockopt_set(fd, SOL_IP, IP_TTL, ttl);
		sockopt_set(fd, SOL_IP, IP_MULTICAST_TTL, ttl);
		sockopt_set(fd, SOL_SOCKET, SO_NO_CHECK, v->outer.no_checksum);
	}
}

static int open_socket(const struct ip *a, uint16_t port, bool share)
{
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(a, port, &ss);
	int fd = socket(ip_family(a), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	if (share)
		sockopt_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	sockopt_set(fd, SOL_IP, IP_FREEBIND, 1); /* the address may come to the host later */
	if (a->len == 16)
		sockopt_set(fd, SOL_IPV6, IPV6_V6ONLY, 1);
	sockopt_outer_comes_along(fd, a);
	if (bind(fd, (struct sockaddr *)&ss, len) == 0)
		return fd;
	err = errno;
	close(fd);
	return -err;
}

static int open_rx(const struct vtep *v, const struct ip *a, uint16_t port)
{
	int fd = open_socket(a, port, true);

	if (fd >= 0) {
		sockopt_set(fd, SOL_UDP, UDP_NO_CHECK6_RX, v->outer.no_checksum); /* RFC 6935: where it is agreed on */
		sockopt_set(fd, SOL_UDP, UDP_GRO, 1);
		set_queue(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	}
	return fd;
}

static int open_tx(const struct vtep *v, const struct ip *a, unsigned *port)
{
	int fd;

	do {
		fd = open_socket(a, (uint16_t)(*port)++, false);
	} while (fd == -EADDRINUSE && *port <= UINT16_MAX);
	if (fd >= 0) {
		underlay_outer(v, a, fd);
		sockopt_set(fd, SOL_SOCKET, SO_RCVBUF, 0); /* nothing comes here that is for us */
		set_queue(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	}
	return fd;
}

static void close_all(struct underlay *u)
{
	for (unsigned i = 0; i < VTEP_SOURCE_PORTS; i++) {
		if (u->tx[i] >= 0)
			close(u->tx[i]);
	}
	for (unsigned i = 0; i < u->v->n_workers; i++) {
		if (u->rx[i].fd >= 0)
			close(u->rx[i].fd);
	}
}

/* Sockets that share a port share it with whomever has the same user: another evpnd would get some of our packets. */
static int alone(const struct underlay *u)
{
	int fd = open_socket(&u->vtep, u->port, false);

	if (fd == -EADDRINUSE) { /* our own, that wait for their end? */
		urcu_qsbr_barrier();
		fd = open_socket(&u->vtep, u->port, false);
	}
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int open_all(struct underlay *u)
{
	unsigned port = DYNAMIC_PORTS + (unsigned)(u->v->seed % 8192);
	int err = alone(u);

	if (err)
		return err;
	for (unsigned i = 0; i < u->v->n_workers; i++) {
		u->rx[i] =
			(struct source){ .kind = SOURCE_UNDERLAY, .fd = open_rx(u->v, &u->vtep, u->port), .owner = u };
		if (u->rx[i].fd < 0)
			return u->rx[i].fd;
	}
	for (unsigned i = 0; i < VTEP_SOURCE_PORTS; i++) {
		u->tx[i] = open_tx(u->v, &u->vtep, &port);
		if (u->tx[i] < 0)
			return u->tx[i];
	}
	return 0;
}

static void free_underlay(void *p)
{
	struct underlay *u = p;

	close_all(u);
	rmap_fini(&u->vnis);
	free(u);
}

static struct underlay *new_underlay(struct vtep *v, const struct ip *vtep, uint16_t port)
{
	struct underlay *u = xcalloc(1, sizeof(*u) + v->n_workers * sizeof(u->rx[0]));

	u->v = v;
	u->vtep = *vtep;
	u->port = port;
	rmap_init(&u->vnis, v->seed, vtep_retire_table, NULL);
	for (unsigned i = 0; i < VTEP_SOURCE_PORTS; i++)
		u->tx[i] = -1;
	for (unsigned i = 0; i < v->n_workers; i++)
		u->rx[i].fd = -1;
	return u;
}

/* ---- who has the port -------------------------------------------------------------------------------------------- */

struct holder {
	uint16_t port;
	char name[IFNAMSIZ]; /* of a vxlan device that has it */
	unsigned n;          /* devices that an earlier evpnd has made for the kernel's dataplane */
	char remove[192];    /* the commands */
};

static void on_link(void *ctx, const struct lookup_link *l)
{
	struct holder *h = ctx;
	bool vxlan = !strcmp(l->kind, "vxlan") && l->vxlan.port == h->port;

	if (vxlan && !h->name[0])
		memcpy(h->name, l->name, sizeof(h->name));
	if (!l->made || (!vxlan && strcmp(l->kind, "bridge") != 0))
		return;
	h->n++;
	lookup_put(h->remove, sizeof(h->remove), "%sip link del %s", h->n > 1 ? "; " : "", l->name);
}

/* They may forward still, so they are not taken away for what may be a mistake in the configuration. */
static void say_holder(const struct underlay *u, char *out, size_t cap)
{
	struct holder h = { .port = u->port };
	struct ksock s;

	if (!ksock_open(&s, NULL)) {
		for (int more = lookup_links_begin(&s) ? 0 : 1; more > 0;)
			more = lookup_links_more(&s, on_link, &h);
		ksock_close(&s);
	}
	if (h.name[0] && h.n)
		snprintf(out, cap,
			 "; an earlier evpnd with dataplane kernel has left %s, which has it, and forwards: %s", h.name,
			 h.remove);
	else if (h.name[0])
		snprintf(out, cap, "; %s, a vxlan device of the kernel's, has it", h.name);
	else
		snprintf(out, cap, "; is there another evpnd, or a vxlan device in a container?");
}

struct underlay *underlay_get(struct vtep *v, const struct ip *vtep, uint16_t port)
{
	struct underlay *u;
	char holder[320] = "";
	int err;

	list_for_each(u, &v->underlays, list) {
		if (ip_eq(&u->vtep, vtep) && u->port == port) {
			u->refs++;
			return u;
		}
	}
	u = new_underlay(v, vtep, port);
	err = open_all(u);
	if (err) {
		if (err == -EADDRINUSE)
			say_holder(u, holder, sizeof(holder));
		log_error(v->log, LOG_DP, "userspace VTEP: no socket at %s port %u: %s%s", ip_str(vtep).s, port,
			  strerror(-err), holder);
		free_underlay(u);
		return NULL;
	}
	u->refs = 1;
	list_add_tail(&v->underlays, &u->list);
	for (unsigned i = 0; i < v->n_workers; i++)
		worker_watch(v, i, &u->rx[i]);
	return u;
}

void underlay_put(struct underlay *u)
{
	if (--u->refs)
		return;
	list_del(&u->list);
	for (unsigned i = 0; i < u->v->n_workers; i++)
		worker_unwatch(u->v, i, &u->rx[i]);
	vtep_retire(u, free_underlay);
}

uint16_t underlay_mtu(const struct ip *to)
{
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(to, DYNAMIC_PORTS, &ss), size = sizeof(int);
	int fd = socket(ip_family(to), SOCK_DGRAM | SOCK_CLOEXEC, 0), mtu = 0;

	if (fd < 0)
		return 0;
	if (connect(fd, (struct sockaddr *)&ss, len) == 0)
		getsockopt(fd, to->len == 4 ? SOL_IP : SOL_IPV6, to->len == 4 ? IP_MTU : IPV6_MTU, &mtu, &size);
	close(fd);
	return mtu > (int)VTEP_OVERHEAD_V6 && mtu <= UINT16_MAX ? (uint16_t)mtu : 0;
}

uint64_t underlay_lost(struct underlay *u)
{
	uint32_t n = 0, new_;

	for (unsigned i = 0; i < u->v->n_workers; i++) {
		uint32_t info[SK_MEMINFO_VARS] = { 0 };
		socklen_t len = sizeof(info);

		if (!getsockopt(u->rx[i].fd, SOL_SOCKET, SO_MEMINFO, info, &len))
			n += info[SK_MEMINFO_DROPS];
	}
	new_ = n - u->lost;
	u->lost = n;
	return new_;
}

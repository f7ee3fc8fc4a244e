/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * evpnd itself as the VTEP: the backend. The control thread's side of it runs in the loop: what workers
 * heard, then what reconcile wants, then, when links changed or a second is over, a look at ports and ages.
 */
#include "dataplane/vtep/vtep.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>
#include <urcu/urcu-qsbr.h>

#include "base/thread.h"
#include "dataplane/vtep/capture.h"

#define WORKERS_BY_CORES 8u /* more share what they contend for; each has a socket a port */
#define TICK_MS 1000
#define HEARD_SLICE 1024u
#define OPS_SLICE 2048u

const char *const vtep_drop_names[VTEP_DROPS] = {
	[DROP_TRUNCATED] = "truncated",
	[DROP_OVERSIZED] = "oversized",
	[DROP_FLAGS] = "flags",
	[DROP_FRAGMENTED] = "fragmented",
	[DROP_UNKNOWN_VNI] = "unknown-vni",
	[DROP_UNKNOWN_VTEP] = "unknown-vtep",
	[DROP_UNKNOWN_HOST] = "unknown-host",
	[DROP_LOOPED] = "looped",
	[DROP_SPLIT_HORIZON] = "split-horizon",
	[DROP_INNER_TAG] = "inner-tag",
	[DROP_BAD_SOURCE] = "bad-source",
	[DROP_NO_PORT] = "no-port",
	[DROP_SAME_PORT] = "same-port",
	[DROP_UNKNOWN_UNICAST] = "unknown-unicast",
	[DROP_NOWHERE] = "nowhere",
	[DROP_TOO_BIG] = "too-big",
	[DROP_OFFLOAD] = "offload",
	[DROP_ECN] = "ecn",
	[DROP_UNDERLAY] = "underlay",
	[DROP_PORT] = "port",
	[DROP_PORT_QUEUE] = "port-queue",
	[DROP_UNDERLAY_QUEUE] = "underlay-queue",
};

/* ---- grace periods ----------------------------------------------------------------------------------------------- */

struct retired {
	struct rcu_head rcu;
	void *p;
	void (*fn)(void *p);
};

static void run_retired(struct rcu_head *h)
{
	struct retired *r = container_of(h, struct retired, rcu);

	GRACE_IS_OVER(r);
	GRACE_IS_OVER(vtep_drop_names);
	r->fn(r->p);
	free(r);
}

/* The control thread is a reader to liburcu while it hands something over, and at no other time. */
void vtep_retire(void *p, void (*fn)(void *p))
{
	struct retired *r = xcalloc(1, sizeof(*r));

	*r = (struct retired){ .p = p, .fn = fn };
	GRACE_BEGINS(r);
	urcu_qsbr_thread_online();
	urcu_qsbr_call_rcu(&r->rcu, run_retired);
	urcu_qsbr_thread_offline();
}

void vtep_retire_table(void *ctx, void *table)
{
	vtep_retire(table, free);
}

/* ---- a turn ------------------------------------------------------------------------------------------------------ */

static bool take_heard(struct vtep *v)
{
	bool more = false;

	for (unsigned i = 0; i < v->n_workers; i++) {
		struct heard_ring *r = worker_ring(v, i);
		uint32_t tail = __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE), n = tail - r->head;

		if (n > HEARD_SLICE) {
			n = HEARD_SLICE;
			more = true;
		}
		for (uint32_t k = 0; k < n; k++)
			learn_heard(v, &r->slot[(r->head + k) % VTEP_RING]);
		__atomic_store_n(&r->head, r->head + n, __ATOMIC_RELEASE);
	}
	return more;
}

/* Which interfaces have the addresses that we send from. */
static void find_holders(struct vtep *v)
{
	struct ifaddrs *all, *i;
	struct underlay *u;

	if (getifaddrs(&all) < 0)
		return;
	list_for_each(u, &v->underlays, list) {
		u->ifindex = 0;
		u->ifname[0] = '\0';
		for (i = all; i && !u->ifindex; i = i->ifa_next) {
			struct ip a = i->ifa_addr ? ip_from_sockaddr(i->ifa_addr, NULL) : ip_none();

			if (!ip_eq(&a, &u->vtep) && !(ip_is_loopback(&a) && ip_is_loopback(&u->vtep)))
				continue; /* lo holds all of 127.0.0.0/8 */
			u->ifindex = if_nametoindex(i->ifa_name);
			snprintf(u->ifname, sizeof(u->ifname), "%s", i->ifa_name);
		}
	}
	freeifaddrs(all);
}

static void check_mtus(struct vtep *v)
{
	struct dest *d, *tmp;

	HASH_ITER(hh, v->dests, d, tmp) {
		if (!d->fan && !d->fd)
			__atomic_store_n(&d->mtu, underlay_mtu(&d->key.vtep), __ATOMIC_RELAXED);
	}
}

static void check_links(struct vtep *v)
{
	struct bridge *b;

	v->check = false;
	find_holders(v);
	list_for_each(b, &v->bridges, list) {
		b->problem[0] = 0;
		if (!b->u->ifindex)
			snprintf(b->problem, sizeof(b->problem), "no interface has the address %s",
				 ip_str(&b->u->vtep).s);
		b->mtu = container_mtu(b);
		if (!b->ready)
			container_find(b);
		ports_check(b);
		group_check(b);
		if (strcmp(b->problem, b->logged))
			log_at(v->log, b->problem[0] ? LOG_WARN : LOG_INFO, LOG_DP, "VNI %u: %s", b->vni,
			       b->problem[0] ? b->problem : "all ports are there");
		snprintf(b->logged, sizeof(b->logged), "%s", b->problem);
		if (!b->ready)
			dp_vni_ready(v->d, b->dv, true);
		b->ready = true;
	}
	check_mtus(v);
}

static bool carry_out(struct vtep *v)
{
	unsigned done = 0, n;

	do {
		n = dp_pull(v->d, v->ops, 64);
		for (unsigned i = 0; i < n; i++) {
			int err = bridge_op(v, &v->ops[i]);

			dp_done(v->d, &v->ops[i], err, NULL);
		}
		done += n;
	} while (n && done < OPS_SLICE);
	return n != 0;
}

static bool send_captures(struct vtep *v)
{
	struct bridge *b;
	bool more = false;

	list_for_each(b, &v->bridges, list)
		more |= capture_send(b);
	return more;
}

static bool vtep_flush(void *be)
{
	struct vtep *v = be;
	bool more = take_heard(v);

	more |= hosts_take(v); /* their MACs first */
	more |= miss_take(v);
	if (v->check)
		check_links(v);
	more |= send_captures(v);
	return carry_out(v) || more;
}

/* ---- what wakes it ----------------------------------------------------------------------------------------------- */

static void on_heard(struct loop_io *io, unsigned events)
{
	struct vtep *v = container_of(io, struct vtep, heard_io);
	uint64_t n;

	if (read(v->heard_fd, &n, sizeof(n)) == sizeof(n))
		dp_kick(v->d);
}

static void on_link(void *ctx, const struct nlmsghdr *h)
{
	((struct vtep *)ctx)->check = true;
}

static void on_links(struct loop_io *io, unsigned events)
{
	struct vtep *v = container_of(io, struct vtep, links_io);
	int n;

	while ((n = ksock_events(&v->events, on_link, v)) != 0) {
		v->check |= n == -ENOBUFS;
		if (n < 0 && n != -ENOBUFS)
			break;
	}
	dp_kick(v->d);
}

static void count_lost(struct vtep *v)
{
	struct netdev *dev;
	struct underlay *u;

	list_for_each(dev, &v->netdevs, list)
		v->lost[DROP_PORT_QUEUE] += netdev_lost(dev);
	list_for_each(u, &v->underlays, list)
		v->lost[DROP_UNDERLAY_QUEUE] += underlay_lost(u);
}

static void on_tick(struct loop_timer *t)
{
	struct vtep *v = container_of(t, struct vtep, timer);
	struct mtime now = loop_now(v->loop);
	struct place *p;
	struct bridge *b;

	__atomic_store_n(&v->now_s, (uint16_t)(now.us / 1000000), __ATOMIC_RELAXED);
	list_for_each(b, &v->bridges, list) {
		learn_age(b);
		rmap_trim(&b->neighs);
		hosts_count(b, now);
		v->check |= b->problem[0] != 0;
	}
	count_lost(v);
	list_for_each(p, &v->places, list)
		v->check |= place_gone(p);
	dp_kick(v->d);
	loop_timer_at(t, mtime_add_ms(now, TICK_MS));
}

/* ---- VNIs -------------------------------------------------------------------------------------------------------- */

static int vtep_vni_add(void *be, struct dp_vni *dv, const struct dp_vni_params *p, void **data)
{
	struct vtep *v = be;
	struct underlay *u = underlay_get(v, &p->vtep, p->udp_port);
	struct bridge *b;

	if (!u)
		return -EINVAL;
	b = bridge_new(v, dv, p);
	b->u = u;
	list_add_tail(&v->bridges, &b->list);
	rmap_set(&v->by_vni, (uint64_t)b->vni + 1, (uint64_t)(uintptr_t)b);
	rmap_set(&u->vnis, (uint64_t)b->vni + 1, (uint64_t)(uintptr_t)b);
	v->check = true;
	*data = b;
	return 0;
}

/* What has gone by the old one, too, is known no more: its rows are written again. */
static void move_to(struct bridge *b, struct underlay *u)
{
	struct underlay *old = b->u;

	group_leave(b);
	rmap_del(&old->vnis, (uint64_t)b->vni + 1);
	if (u->port != old->port) {
		dp_vni_forget(b->v->d, b->dv);
		bridge_clear(b);
		learn_tell(b);
	}
	__atomic_store_n(&b->u, u, __ATOMIC_RELEASE);
	rmap_set(&u->vnis, (uint64_t)b->vni + 1, (uint64_t)(uintptr_t)b);
	underlay_put(old);
}

/*
 * Ports that stay keep what was learned there, rows stay as they are. What was learned from the tunnel ages,
 * so that hosts are reached while rows for them come, but not where only those that have a row may talk.
 */
static int vtep_vni_change(void *be, void *data, const struct dp_vni_params *p)
{
	struct bridge *b = data;
	struct underlay *u = underlay_get(be, &p->vtep, p->udp_port);

	if (!u)
		return -EINVAL;
	if (u == b->u)
		underlay_put(u);
	else
		move_to(b, u);
	bridge_take(b, p);
	if (b->known_hosts)
		learn_flush_remote(b);
	ports_take(b, p->ports, p->n_ports);
	b->ready = false;
	b->v->check = true;
	return 0;
}

static void vtep_vni_del(void *be, void *data, bool remove)
{
	struct bridge *b = data;

	rmap_del(&b->u->vnis, (uint64_t)b->vni + 1);
	rmap_del(&b->v->by_vni, (uint64_t)b->vni + 1);
	list_del(&b->list);
	capture_end(b);
	group_leave(b);
	ports_detach(b, remove);
	underlay_put(b->u);
	bridge_retire(b);
}

static void vtep_vni_info(const void *be, const void *data, struct dp_vni_info *out)
{
	const struct bridge *b = data;

	out->vxlan_state = DP_DEV_MADE;
	out->bridge_state = DP_DEV_MADE;
	out->mtu = b->mtu;
	out->underlay = b->underlay[0] ? b->underlay : b->u->ifname[0] ? b->u->ifname : NULL;
	out->problem = b->problem[0] ? b->problem : NULL;
	out->learned = b->learned;
	out->mac_limit = b->limit;
	out->not_learned = b->not_learned;
	hosts_info(b, out);
}

static const char *vtep_ifname(const void *be, unsigned ifindex)
{
	const struct vtep *v = be;
	struct bridge *b;

	list_for_each(b, &v->bridges, list) {
		const struct vport *p = port_id(b, ifindex);

		if (p)
			return p->label;
	}
	return NULL;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void vtep_close(void *be)
{
	struct vtep *v = be;

	workers_stop(v);
	if (v->links_io.loop)
		loop_io_set(&v->links_io, 0);
	if (v->heard_io.loop)
		loop_io_set(&v->heard_io, 0);
	loop_timer_at(&v->timer, MTIME_NEVER);
	urcu_qsbr_barrier();
	urcu_qsbr_unregister_thread();
	ksock_close(&v->events);
	if (v->here)
		place_put(v->here);
	nsopen_stop(&v->nsopen);
	if (v->heard_fd >= 0)
		close(v->heard_fd);
	rmap_fini(&v->vteps);
	hold_fini(&v->hold);
	rmap_fini(&v->by_vni);
	free(v);
}

static int start(struct vtep *v)
{
	static const int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, 0 };
	int err = ksock_open(&v->events, groups);

	if (err)
		return err;
	v->here = place_here(v);
	if (!v->here)
		return -errno;
	v->heard_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v->heard_fd < 0)
		return -errno;
	return workers_start(v);
}

/* liburcu's thread that frees what is retired starts here, so that signals stay with the control thread. */
static void start_rcu(void)
{
	sigset_t before;

	thread_signals_off(&before);
	urcu_qsbr_get_default_call_rcu_data();
	thread_signals_on(&before);
	urcu_qsbr_register_thread();
}

static unsigned count_workers(const struct dp *d)
{
	const struct dp_vtep_params *p = dp_backend_ops(d)->ctx;
	unsigned n = p ? p->workers : 0;
	cpu_set_t cores;

	if (n)
		return n < VTEP_WORKERS_MAX ? n : VTEP_WORKERS_MAX;
	n = sched_getaffinity(0, sizeof(cores), &cores) < 0 ? 1 : (unsigned)CPU_COUNT(&cores); /* that are ours */
	return n < WORKERS_BY_CORES ? n : WORKERS_BY_CORES;
}

static int start_nsopen(struct vtep *v)
{
	const struct dp_vtep_params *p = dp_backend_ops(v->d)->ctx;

	if (!p || !p->nsopen)
		return nsopen_start(&v->nsopen);
	v->nsopen = *p->nsopen;
	p->nsopen->fd = -1;
	return 0;
}

static void *vtep_open(struct dp *d, struct loop *loop, struct log *log)
{
	const struct dp_vtep_params *p = dp_backend_ops(d)->ctx;
	struct vtep *v = xcalloc(1, sizeof(*v));
	int err;

	v->d = d;
	v->loop = loop;
	v->log = log;
	v->heard_fd = v->events.fd = -1;
	v->n_workers = count_workers(d);
	if (p)
		v->outer = p->outer;
	list_init(&v->bridges);
	list_init(&v->netdevs);
	list_init(&v->underlays);
	list_init(&v->groups);
	list_init(&v->places);
	list_init(&v->remotes);
	if (getrandom(&v->seed, sizeof(v->seed), 0) != sizeof(v->seed))
		v->seed = (uintptr_t)v;
	v->own = fdb_mac((v->seed & 0xffffffffff) | (uint64_t)2 << 40);
	v->loud = (struct log_limit){ .burst = 5, .interval_ms = 60000 };
	rmap_init(&v->vteps, v->seed, vtep_retire_table, NULL);
	rmap_init(&v->by_vni, v->seed, vtep_retire_table, NULL);
	err = start_nsopen(v); /* before there are threads */
	if (err)
		log_warn(log, LOG_DP, "dataplane userspace: no ports in other network namespaces: %s", strerror(-err));
	start_rcu();
	urcu_qsbr_thread_offline();
	loop_timer_init(&v->timer, loop, on_tick);
	err = start(v);
	if (!err && p)
		workers_pin(v, p->cpus, p->n_cpus);
	if (err) {
		log_error(log, LOG_DP, "dataplane userspace: cannot start: %s", strerror(-err));
		vtep_close(v);
		return NULL;
	}
	loop_io_init(&v->links_io, loop, v->events.fd, on_links);
	loop_io_set(&v->links_io, LOOP_READ);
	loop_io_init(&v->heard_io, loop, v->heard_fd, on_heard);
	loop_io_set(&v->heard_io, LOOP_READ);
	loop_timer_at(&v->timer, loop_now(loop));
	return v;
}

const struct dp_ops dp_vtep_ops = {
	.name = "userspace",
	.table = "vtep",
	.open = vtep_open,
	.close = vtep_close,
	.vni_add = vtep_vni_add,
	.vni_change = vtep_vni_change,
	.vni_del = vtep_vni_del,
	.vni_info = vtep_vni_info,
	.port_add = container_add,
	.port_del = container_del,
	.capture = capture_start,
	.flush = vtep_flush,
	.ifname = vtep_ifname,
	.next_port = vtep_next_port,
	.next_traffic = vtep_next_traffic,
	.send = hosts_send,
	.listens = hosts_listens,
	.answers = true,
	.audit_begin = vtep_audit_begin,
	.audit_step = vtep_audit_step,
	.audit_end = vtep_audit_end,
	.audit_row = vtep_audit_row,
	.trace = vtep_trace,
	.trace_source = vtep_trace_source,
	.trace_answer = vtep_trace_answer,
};

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The kernel as a backend. A thread writes rows (kernel_writer.h), another socket hears of every change. A slice first
 * takes what has come back, then reads what there is to hear, so that what is local is known before anything more is
 * written, then sends batch after batch off and listens in between. Devices are looked at, made and learned anew while
 * nothing is out: rows are written for the devices that there are.
 */
#include "dataplane/kernel.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TX_OCTETS (128u * 1024)
#define RESYNC_GAP_MS 50
#define RESYNC_GAP_MAX_MS 3200
#define BURST_ROWS 1024u /* from so many on our own echoes are not listened to */

_Static_assert(KERNEL_OPS * 2 * NLBUF_MSG_MAX <= TX_OCTETS, "the deletions of kernel_bury.c fit into the buffer");

int64_t kernel_clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static void on_event(void *ctx, const struct nlmsghdr *h)
{
	struct kernel *k = ctx;

	switch (h->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
	case RTM_GETNEIGH:
		kernel_neigh_event(k, h);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		kernel_link_event(k, h);
		break;
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		kernel_nh_event(k, h);
		break;
	case RTM_NEWVLAN:
	case RTM_DELVLAN:
	case RTM_NEWTUNNEL:
	case RTM_DELTUNNEL:
		kernel_member_event(k, h);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (k->underlay.known)
			kernel_dev_check_all(k);
		k->underlay.known = false;
		break;
	}
}

static bool is_first_of_bridge(const struct kernel *k, const struct kvni *of)
{
	struct kvni *v;

	list_for_each(v, &k->vnis, list) {
		if (v->vxlan_ifindex && v->bridge_ifindex == of->bridge_ifindex)
			return v == of;
	}
	return false;
}

/* Where it overruns again at once, learning anew must not be all that is done. */
static void pace(struct kernel *k)
{
	struct mtime now = loop_now(k->loop);
	bool calm = mtime_diff_us(k->resync_not_before, now) > 1000000;

	k->resync_gap_ms = calm                                       ? RESYNC_GAP_MS
			   : k->resync_gap_ms * 2 < RESYNC_GAP_MAX_MS ? k->resync_gap_ms * 2
								      : RESYNC_GAP_MAX_MS;
	k->resync_not_before = mtime_add_ms(now, k->resync_gap_ms);
}

/* Events were lost: links first, then what is local, then ours is written anew; the order is what keeps us honest. */
static void resync(struct kernel *k)
{
	bool lost = false;
	struct kvni *v;

	pace(k);
	k->overrun = false;
	k->read.again = true;
	k->underlay.known = false;
	dp_overrun(k->d);
	log_warn(k->log, LOG_DP, "kernel: events were lost, learning anew what is local");
	while (kernel_bury(k))
		;
	kernel_links_load(k);
	kernel_dev_check_all(k);
	kernel_dev_check(k, INT64_MAX);
	list_for_each(v, &k->vnis, list) {
		if (v->vxlan_ifindex)
			dp_resync_begin(k->d, v->v);
	}
	list_for_each(v, &k->vnis, list) {
		if (!v->vxlan_ifindex)
			continue;
		lost |= kernel_dump_vni_neighbours(k, v) != 0;
		if (!v->vlan || is_first_of_bridge(k, v))
			lost |= kernel_dump_rows(k, v, true) != 0;
		lost |= v->learn && kernel_dump_learned(k, v) != 0;
		kernel_ask_flood(k, v);
	}
	list_for_each(v, &k->vnis, list) {
		if (v->vxlan_ifindex && !lost)
			dp_resync_end(k->d, v->v);
	}
	k->overrun |= lost; /* once more; what was not seen is not gone */
}

/* Devices have changed, or events were lost: no more is written before what is out is back. */
static bool must_wait(const struct kernel *k)
{
	return kwriter_busy(&k->writer) && (k->check || k->overrun);
}

/* False when nothing may be written: the budget was used up before the queue was empty, or something comes first. */
static bool hear(struct kernel *k, int64_t until)
{
	int n;

	k->behind = false;
	while (dp_can_hear(k->d) && (n = ksock_events(&k->events, on_event, k)) != 0) {
		if (n == -ENOBUFS)
			k->overrun = true;
		else if (n < 0)
			return true;
		if (kernel_clock_us() > until) {
			k->behind = true;
			return false;
		}
	}
	if (must_wait(k) || (k->overrun && mtime_before(loop_now(k->loop), k->resync_not_before)))
		return false;
	if (k->overrun)
		resync(k);
	if (k->check)
		kernel_dev_check(k, until);
	return true;
}

static void attach_filter(struct kernel *k, bool on, bool ends)
{
	unsigned *v, n = 0;
	struct kvni *vni;

	list_for_each(vni, &k->vnis, list)
		n++;
	v = xcalloc(n + 1, sizeof(*v));
	n = 0;
	list_for_each(vni, &k->vnis, list) {
		if (on && vni->vxlan_ifindex && !vni->learn) /* what it learns is no echo */
			v[n++] = vni->vxlan_ifindex;
	}
	ksock_filter(&k->events, v, n, ends);
	free(v);
}

/*
 * In a burst our own echoes are let go of by a filter; what others do to the same rows meanwhile, too.
 * Where a burst takes most rows away it takes the echoes of their ends as well, and what is left is
 * written once more after it, as little as it is: a row that someone else has removed is there again.
 */
static void set_filter(struct kernel *k)
{
	unsigned backlog = dp_backlog(k->d);
	enum kfilter filter = backlog <= BURST_ROWS			  ? KFILTER_NONE :
			      k->filter == KFILTER_ENDS || dp_wanted(k->d) < backlog / 4 ? KFILTER_ENDS :
										    KFILTER_WRITES;

	if (k->filter == filter)
		return;
	attach_filter(k, filter != KFILTER_NONE, filter == KFILTER_ENDS);
	if (k->filter == KFILTER_ENDS)
		dp_reassert(k->d);
	k->filter = filter;
}

static void arm_timer(struct kernel *k)
{
	struct mtime next = kernel_dev_next(k);

	if (k->overrun && mtime_before(k->resync_not_before, next))
		next = k->resync_not_before;
	if (next.us != k->armed.us) {
		k->armed = next;
		loop_timer_at(&k->timer, next);
	}
}

static void remade(struct kernel *k)
{
	struct kvni *v;

	k->remaking = false;
	list_for_each(v, &k->vnis, list)
		v->remake = false;
}

static bool kernel_flush(void *be)
{
	struct kernel *k = be;
	bool more = true;
	int64_t until;

	kernel_write_results(k);
	if (!k->tidied)
		kernel_bury_tidy(k);
	k->tidied = true;
	if (k->condemned && !kwriter_busy(&k->writer))
		kernel_bury(k);
	until = kernel_clock_us() + KERNEL_SLICE_US;
	if (k->check && !k->behind && !must_wait(k))
		kernel_dev_check(k, until);
	set_filter(k);
	do {
		if (!hear(k, until)) {
			arm_timer(k);
			return k->behind; /* else nothing is written before it is known what is local */
		}
		if (!kernel_write(k)) {
			more = false;
			break;
		}
	} while (kernel_clock_us() < until);
	arm_timer(k);
	if (!kwriter_busy(&k->writer)) /* else what comes back wakes us */
		more = more || k->check || k->condemned ||
		       (k->overrun && !mtime_before(loop_now(k->loop), k->resync_not_before));
	if (k->remaking && !more && !dp_backlog(k->d) && !kwriter_busy(&k->writer))
		remade(k);
	if (!more && k->snoop_dirty)
		kernel_snoop_update(k);
	if (!more)
		kernel_read_arm(k);
	return more || kernel_snoop_bury(k) || kernel_hold_bury(k);
}

static void on_readable(struct loop_io *io, unsigned events)
{
	struct kernel *k = container_of(io, struct kernel, io);

	dp_turn(k->d);
	/* What happens to rows that are out is known when they are back. */
	loop_io_set(&k->io, dp_can_hear(k->d) ? LOOP_READ : 0);
}

static void on_results(struct loop_io *io, unsigned events)
{
	struct kernel *k = container_of(io, struct kernel, results);
	eventfd_t rings;

	eventfd_read(io->ev.fd, &rings);
	dp_turn(k->d);
	loop_io_set(&k->io, dp_can_hear(k->d) ? LOOP_READ : 0);
}

static void kernel_wait(void *be)
{
	struct kernel *k = be;
	eventfd_t rings;

	kwriter_wait(&k->writer);
	eventfd_read(k->writer.done_fd, &rings);
	kernel_write_results(k);
}

static void on_timer(struct loop_timer *t)
{
	struct kernel *k = container_of(t, struct kernel, timer);

	k->armed = MTIME_NEVER;
	k->check = true;
	dp_turn(k->d);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void kernel_close(void *be)
{
	struct kernel *k = be;

	if (k->io.loop)
		loop_io_set(&k->io, 0);
	if (k->results.loop)
		loop_io_set(&k->results, 0);
	kwriter_fini(&k->writer);
	loop_timer_at(&k->timer, MTIME_NEVER);
	loop_timer_at(&k->read.timer, MTIME_NEVER);
	if (k->renewals.fn)
		loop_timer_at(&k->renewals, MTIME_NEVER);
	hold_fini(&k->hold);
	while (kernel_bury(k))
		;
	kernel_links_free(k);
	kernel_snoop_free(k);
	kernel_nh_free(k);
	if (k->carry_tx >= 0)
		close(k->carry_tx);
	ksock_close(&k->events);
	ksock_close(&k->cmd);
	if (k->place >= 0)
		close(k->place);
	free(k->tx.b);
	free(k);
}

static int start(struct kernel *k)
{
	static const int groups[] = { RTNLGRP_NEIGH,       RTNLGRP_LINK,        RTNLGRP_NEXTHOP,
				      RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, 0 };
	int err = kwriter_init(&k->writer);

	if (!err)
		err = ksock_open(&k->cmd, NULL);
	/* Listening comes first, so that nothing happens between the dumps and the first event. */
	if (!err)
		err = ksock_open(&k->events, groups);
	if (!err) {
		nl_socket_add_membership(k->events.nl, RTNLGRP_BRVLAN); /* before 5.6 there is none, */
		nl_socket_add_membership(k->events.nl, RTNLGRP_TUNNEL); /* before 5.18 neither */
		ksock_filter(&k->events, NULL, 0, false);
	}
	if (!err)
		err = kernel_links_load(k);
	if (!err)
		err = kernel_nh_load(k);
	return err;
}

/* Everything that we write takes it (netlink(7) checks it against the owner of the network namespace). */
static bool has_net_admin(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &head, caps) == 0 && caps[0].effective & 1u << CAP_NET_ADMIN;
}

static void *kernel_open(struct dp *d, struct loop *loop, struct log *log)
{
	struct kernel *k;
	int err, place;

	if (!has_net_admin()) {
		log_error(log, LOG_DP, "dataplane kernel: CAP_NET_ADMIN is missing (root has it)");
		return NULL;
	}
	place = kernel_place_take(log);
	if (place < 0)
		return NULL;
	k = xcalloc(1, sizeof(*k));
	k->place = place;
	k->d = d;
	k->loop = loop;
	k->log = log;
	k->armed = MTIME_NEVER;
	k->cmd.fd = k->events.fd = k->snoop_tx = k->carry_tx = -1;
	k->loud = (struct log_limit){ .burst = 5, .interval_ms = 10000 };
	k->tx = (struct nlbuf){ .b = xcalloc(1, TX_OCTETS), .cap = TX_OCTETS, .seq = 1 };
	list_init(&k->vnis);
	list_init(&k->snoops_done);
	BUG_ON(!loop);
	loop_timer_init(&k->timer, loop, on_timer);
	kernel_read_init(k);
	err = start(k);
	if (err) {
		log_error(log, LOG_DP, "dataplane kernel: cannot talk to the kernel by netlink: %s", strerror(-err));
		kernel_close(k);
		return NULL;
	}
	loop_io_init(&k->io, loop, k->events.fd, on_readable);
	loop_io_set(&k->io, LOOP_READ);
	loop_io_init(&k->results, loop, k->writer.done_fd, on_results);
	loop_io_set(&k->results, LOOP_READ);
	return k;
}

static int kernel_vni_add(void *be, struct dp_vni *dv, const struct dp_vni_params *p, void **data)
{
	struct kernel *k = be;
	struct kvni *v = xcalloc(1, sizeof(*v));
	int err;

	v->v = dv;
	err = kernel_vni_init(k, v, p);
	if (err) {
		free(v);
		return err;
	}
	list_add_tail(&k->vnis, &v->list);
	kernel_renew_arm(k);
	*data = v;
	return 0;
}

static void kernel_vni_del(void *be, void *data, bool remove)
{
	struct kernel *k = be;
	struct kvni *v = data;

	list_del(&v->list);
	kernel_read_stop(k, v);
	k->snoop_dirty = true;
	if (remove)
		kernel_bury_vni(k, v);
	kernel_vni_fini(k, v);
	free(v);
}

static int kernel_vni_change(void *be, void *data, const struct dp_vni_params *p)
{
	return kernel_vni_alter(be, data, p);
}

static void kernel_vni_info(const void *be, const void *data, struct dp_vni_info *out)
{
	const struct kernel *k = be;
	const struct kvni *v = data;
	const struct klink *vx = kernel_link_find(k, v->vxlan_ifindex), *br = kernel_link_find(k, v->bridge_ifindex);
	const struct klink *u;

	out->bridge = v->bridge[0] ? v->bridge : NULL;
	out->vxlan = v->vxlan;
	u = v->underlay[0] ? NULL : kernel_link_find(k, k->underlay.ifindex);
	out->underlay = v->underlay[0] ? v->underlay : u ? u->name : NULL;
	out->shared = v->vlan != 0;
	out->bridge_state = v->bridge_state;
	out->vxlan_state = v->vxlan_state;
	out->bridge_ifindex = v->bridge_ifindex;
	out->vxlan_ifindex = v->vxlan_ifindex;
	out->mtu = vx ? vx->mtu : 0;
	out->mac_limit = br && !v->vlan ? br->max_learned : 0;
	out->heard = v->heard;
	out->unheard = v->unheard;
	out->problem = v->problem[0] ? v->problem : NULL;
}

static const char *kernel_ifname(const void *be, unsigned ifindex)
{
	const struct klink *l = kernel_link_find(be, ifindex);

	return l ? l->name : NULL;
}

/* Devices that it made, or destinations of its rows. */
static bool kernel_found(const void *be)
{
	const struct kernel *k = be;
	const struct klink *l, *tmp;

	HASH_ITER(hh, k->links, l, tmp) {
		if (l->made)
			return true;
	}
	return kernel_nh_any(k);
}

static bool kernel_send(void *be, void *vni, unsigned ifindex, const uint8_t *frame, size_t len)
{
	const struct kvni *v = vni;

	return kernel_snoop_send(be, v, ifindex, frame, len);
}

static bool kernel_listens(void *be, void *vni, unsigned ifindex, struct mac *own)
{
	const struct kvni *v = vni;

	return kernel_snoop_listens(be, ifindex ? ifindex : v->vxlan_ifindex, own);
}

const struct dp_ops dp_kernel_ops = {
	.name = "kernel",
	.sets_on_demand = kernel_nh_rows_age,
	.found = kernel_found,
	.open = kernel_open,
	.close = kernel_close,
	.vni_add = kernel_vni_add,
	.vni_change = kernel_vni_change,
	.vni_del = kernel_vni_del,
	.read = kernel_read_now,
	.vni_info = kernel_vni_info,
	.port_add = kernel_port_add,
	.port_del = kernel_port_del,
	.capture = kernel_capture_start,
	.flush = kernel_flush,
	.wait = kernel_wait,
	.ifname = kernel_ifname,
	.next_port = kernel_member_next_port,
	.send = kernel_send,
	.listens = kernel_listens,
	.next_traffic = kernel_next_traffic,
	.audit_begin = kernel_audit_begin,
	.audit_step = kernel_audit_step,
	.audit_end = kernel_audit_end,
	.audit_row = kernel_audit_row,
	.trace = kernel_trace,
	.trace_source = kernel_trace_source,
	.trace_answer = kernel_trace_answer,
};

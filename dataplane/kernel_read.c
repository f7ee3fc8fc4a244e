/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The tables that are there when we start. A dump of an FDB is quadratic in the kernel: for each
 * datagram it walks the bridge's list from its start, and under the lock that all writes take. So
 * a table that does not fit into a few datagrams is not waited for: local ports are read, which
 * is what writing depends on, MACs are looked up as they are wished for (reconcile_unread.c), and
 * a thread reads the rest beside when something waits for it and the burst of the start is over.
 */
#include "dataplane/kernel.h"

#include <errno.h>

#define AT_ONCE 8u        /* datagrams, some 3,000 rows */
#define CALM_MS 1000      /* without anything to write, before the rest is read: each stands in the other's way */
#define PATIENCE_MS 10000 /* for that */
#define STEP_MS 2         /* between datagrams */
#define TRIES 3u

static struct nl_msg *request(const struct kvni *v)
{
	struct ndmsg nd = { .ndm_family = AF_BRIDGE };
	struct nl_msg *m = ksock_msg(RTM_GETNEIGH, 0, &nd, sizeof(nd));

	nla_put_u32(m, NDA_MASTER, v->bridge_ifindex);
	return m;
}

/* ---- at the start ------------------------------------------------------------------------------------------------ */

static void on_row(void *ctx, const struct nlmsghdr *h)
{
	kernel_neigh_event(ctx, h);
}

/* 0: that was all, 1: there is more, -errno. A dump ends early with its socket only. */
static int read_some(struct kernel *k, const struct kvni *v)
{
	struct ksock s;
	int more = ksock_open(&s, NULL);

	if (more)
		return more;
	more = ksock_dump_begin(&s, request(v));
	if (!more)
		more = 1;
	for (unsigned n = 0; more > 0 && n < AT_ONCE; n++) {
		more = ksock_dump_read(&s, 0);
		if (more >= 0)
			ksock_dump_take(&s, 0, on_row, k);
	}
	ksock_close(&s);
	return more;
}

int kernel_read_rows(struct kernel *k, struct kvni *v)
{
	int more;

	if (!v->bridge[0] || v->learn || v->miss_macs)
		return kernel_dump_rows(k, v, false);
	more = read_some(k, v);
	v->rest = more > 0;
	k->read.some |= v->rest;
	if (more <= 0) {
		dp_vni_read(k->d, v->v);
		return more;
	}
	dp_vni_unread(k->d, v->v);
	return kernel_dump_rows(k, v, true);
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static void met(void *ctx, const struct dp_seen *s)
{
	struct kernel *k = ctx;

	if (s->vni == k->read.v->v)
		dp_vni_met(k->d, s);
}

static void on_met(void *ctx, const struct nlmsghdr *h)
{
	kernel_neigh_sort(ctx, h, met, ctx);
}

static void wake(struct kernel *k, int64_t ms)
{
	loop_timer_at(&k->read.timer, mtime_add_ms(loop_now(k->loop), ms));
}

static struct kvni *next(struct kernel *k)
{
	struct kvni *v;

	k->read.some = false;
	list_for_each(v, &k->vnis, list) {
		k->read.some |= v->rest;
		if (v->rest && v->ready && dp_vni_awaits(k->d, v->v))
			return v;
	}
	return NULL;
}

static void begin(struct kernel *k, struct kvni *v)
{
	int err = kdump_open(&k->read.dump);

	if (err) {
		log_warn(k->log, LOG_DP, "kernel: no socket to read its tables: %s", strerror(-err));
		wake(k, PATIENCE_MS);
		return;
	}
	k->read.v = v;
	k->read.again = false;
	dp_vni_unread(k->d, v->v);
	kdump_begin(&k->read.dump, request(v));
	wake(k, STEP_MS);
}

static void done(struct kernel *k, int err)
{
	struct kvni *v = k->read.v;

	kdump_close(&k->read.dump);
	k->read.v = NULL;
	if ((err || k->read.again) && ++k->read.tries < TRIES) {
		wake(k, CALM_MS);
		return;
	}
	k->read.tries = 0;
	k->read.armed = v->rest = false;
	dp_vni_read(k->d, v->v);
	kernel_read_arm(k);
}

static void step(struct kernel *k)
{
	int64_t until = kernel_clock_us() + KERNEL_SLICE_US;
	int more;

	do {
		more = kdump_more(&k->read.dump, 0, on_met, k);
	} while (more == KDUMP_MORE && kernel_clock_us() < until);
	if (more > KDUMP_END)
		wake(k, STEP_MS);
	else
		done(k, more);
}

static void on_timer(struct loop_timer *t)
{
	struct kernel *k = container_of(t, struct kernel, read.timer);
	struct kvni *v;

	if (k->read.v) {
		step(k);
		return;
	}
	v = next(k);
	if (!v)
		k->read.armed = false;
	else if (dp_backlog(k->d) && mtime_before(loop_now(k->loop), k->read.due))
		wake(k, CALM_MS);
	else
		begin(k, v);
}

void kernel_read_arm(struct kernel *k)
{
	if (!k->read.some || k->read.armed || !next(k))
		return;
	k->read.armed = true;
	k->read.due = mtime_add_ms(loop_now(k->loop), PATIENCE_MS);
	wake(k, CALM_MS);
}

void kernel_read_init(struct kernel *k)
{
	loop_timer_init(&k->read.timer, k->loop, on_timer);
}

void kernel_read_stop(struct kernel *k, struct kvni *v)
{
	v->rest = false;
	if (k->read.v != v)
		return;
	kdump_close(&k->read.dump);
	k->read.v = NULL;
	k->read.tries = 0;
	k->read.armed = false;
	loop_timer_at(&k->read.timer, MTIME_NEVER);
}

void kernel_read_now(void *be, void *data)
{
	struct kernel *k = be;
	struct kvni *v = data;
	int err;

	kernel_read_stop(k, v);
	err = kernel_dump_rows(k, v, false);
	if (err)
		log_warn(k->log, LOG_DP, "VNI %u: what is on %s cannot be read: %s", v->vni, v->vxlan, strerror(-err));
	dp_vni_read(k->d, v->v);
}

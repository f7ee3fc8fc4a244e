/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The dataplane as include/dataplane.h has it: wishes go to reconcile.c, life and VNIs are here, and so are the work
 * item and the timer that drive a backend. What a backend calls is dp_backend.c's, showing rows dp_show.c's.
 */
#include "dataplane/dp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"

#define IDLE_MAX 1000u /* turns at the end that may pass without a write */

struct dp_key dp_key_fdb(uint32_t vni, const struct mac *mac)
{
	struct dp_key k;

	memset(&k, 0, sizeof(k)); /* the padding, too */
	k.vni = vni;
	k.kind = DP_FDB;
	k.mac = *mac;
	return k;
}

static struct dp_key key_ip(uint32_t vni, uint8_t kind, const struct ip *ip)
{
	struct dp_key k;

	memset(&k, 0, sizeof(k));
	k.vni = vni;
	k.kind = kind;
	k.ip = *ip;
	return k;
}

struct dp_key dp_key_flood(uint32_t vni, const struct ip *vtep)
{
	return key_ip(vni, DP_FLOOD, vtep);
}

struct dp_key dp_key_group(uint32_t vni, const struct mac *group, const struct ip *vtep)
{
	struct dp_key k = key_ip(vni, DP_FLOOD, vtep);

	k.mac = *group;
	return k;
}

struct dp_key dp_key_neigh(uint32_t vni, const struct ip *ip)
{
	return key_ip(vni, DP_NEIGH, ip);
}

void dp_want(struct dp *d, const struct dp_row *row)
{
	if (!d->ops->blind)
		rec_want(&d->rec, row);
}

void dp_unwant(struct dp *d, const struct dp_key *key)
{
	rec_unwant(&d->rec, key);
}

void dp_soon(struct dp *d, const struct dp_key *key)
{
	struct dp_vni *v = rows_vni_find(&d->rec.rows, key->vni);
	struct row_key k;

	if (!v)
		return;
	k = row_key(&d->rec.rows, v, key->kind, &key->mac, &key->ip);
	rows_prefetch(&d->rec.rows, &k);
}

void dp_set_put(struct dp *d, uint32_t set, const struct ip *vteps, unsigned n)
{
	if (!d->ops->blind)
		rec_set_put(&d->rec, set, vteps, n);
}

bool dp_sets_on_demand(const struct dp *d)
{
	return !d->ops->sets_on_demand || d->ops->sets_on_demand(d->be);
}

void dp_set_del(struct dp *d, uint32_t set)
{
	rec_set_del(&d->rec, set);
}

/* ---- turns ----------------------------------------------------------------------------------------------------- */

void dp_arm_timer(struct dp *d)
{
	struct mtime next = rec_next(&d->rec);

	if (!d->loop || next.us == d->armed.us)
		return;
	d->armed = next;
	loop_timer_at(&d->timer, next);
}

static void on_timer(struct loop_timer *t)
{
	struct dp *d = container_of(t, struct dp, timer);

	d->armed = MTIME_NEVER;
	dp_set_now(d, loop_now(d->loop));
}

void dp_set_now(struct dp *d, struct mtime now)
{
	rec_set_now(&d->rec, now);
	dp_arm_timer(d);
}

static bool may_finish(struct dp *d, const struct dp_vni *v)
{
	struct dp_vni_info i = { 0 };

	if (!v->n_doomed || !v->ready)
		return true;
	d->ops->vni_info(d->be, v->data, &i); /* with the devices go all rows */
	return !i.shared && i.vxlan_state == DP_DEV_MADE && (!v->bridged || i.bridge_state == DP_DEV_MADE);
}

static bool finish_closing(struct dp *d)
{
	unsigned before = d->n_closing;
	struct dp_vni *next;

	d->hold = false;
	for (struct dp_vni *v = rows_vni_next(&d->rec.rows, NULL); v && d->n_closing; v = next) {
		next = rows_vni_next(&d->rec.rows, v);
		if (!v->closing || !may_finish(d, v))
			continue;
		if (d->rec.n_out) {
			d->hold = true;
			break;
		}
		d->ops->vni_del(d->be, v->data, true);
		rec_vni_drop(&d->rec, v);
		d->n_closing--;
	}
	return d->n_closing != before;
}

/* What is in line while operations are out goes on when they are back. */
static bool turn(struct dp *d)
{
	bool more = d->ops->flush(d->be);

	if (!d->n_closing)
		d->hold = false;
	else if (finish_closing(d))
		more = true;
	more = more || (d->rec.dirty.n && !d->rec.n_out);
	dp_arm_timer(d);
	if (d->loop && !more)
		loop_work_stop(&d->work);
	return more;
}

void dp_turn(struct dp *d)
{
	if (turn(d))
		dp_kick(d);
}

bool dp_flush(struct dp *d)
{
	if (turn(d))
		return true;
	if (!d->rec.n_out || !d->ops->wait)
		return false;
	d->ops->wait(d->be);
	return true;
}

static bool on_work(struct loop_work *w)
{
	return turn(container_of(w, struct dp, work));
}

void dp_kick(struct dp *d)
{
	if (d->loop)
		loop_work_start(&d->work);
}

static void on_kick(void *ctx)
{
	dp_kick(ctx);
}

bool dp_found(const struct dp *d)
{
	return d->found;
}

void dp_sweep_wait(struct dp *d)
{
	d->rec.sweep_waits = true;
}

void dp_sweep(struct dp *d)
{
	d->rec.sweep_waits = false;
	rec_sweep(&d->rec, NULL);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

struct dp *dp_new(const struct dp_ops *ops, struct loop *loop, struct log *log, const struct dp_events *ev)
{
	struct dp *d = xcalloc(1, sizeof(*d));

	d->ops = ops;
	d->loop = loop;
	d->log = log;
	d->refusals = (struct log_limit){ .burst = 20, .interval_ms = 1000 };
	d->armed = MTIME_NEVER;
	rec_init(&d->rec, ev, on_kick, d);
	if (loop) {
		loop_work_init(&d->work, loop, on_work);
		loop_timer_init(&d->timer, loop, on_timer);
		rec_set_now(&d->rec, loop_now(loop));
	}
	d->be = ops->open(d, loop, log);
	if (d->be) {
		d->found = ops->found && ops->found(d->be);
		dp_kick(d); /* there may be something to tidy up, even without VNIs */
		return d;
	}
	rec_fini(&d->rec);
	free(d);
	return NULL;
}

void dp_set_history(struct dp *d, struct history *h)
{
	d->rec.history = h;
}

static void mute_mac(void *ctx, uint32_t vni, const struct mac *mac, unsigned ifindex, uint8_t flags)
{
}

static void mute_mac_gone(void *ctx, uint32_t vni, const struct mac *mac)
{
}

static void mute_ip(void *ctx, uint32_t vni, const struct ip *ip, const struct mac *mac, uint8_t flags)
{
}

static void mute_ip_gone(void *ctx, uint32_t vni, const struct ip *ip)
{
}

static void mute_ready(void *ctx, uint32_t vni, bool ready)
{
}

static const struct dp_events mute = {
	.local_mac = mute_mac,
	.local_mac_gone = mute_mac_gone,
	.local_ip = mute_ip,
	.local_ip_gone = mute_ip_gone,
	.vni_ready = mute_ready,
};

static void close_vni(struct dp *d, struct dp_vni *v)
{
	if (v->closing)
		return;
	if (v->unread)
		d->ops->read(d->be, v->data); /* what is not known would stay */
	rec_vni_close(&d->rec, v);
	d->n_closing++;
	dp_kick(d);
}

static void remove_all(struct dp *d)
{
	unsigned idle = 0; /* turns without a write */
	uint64_t before;
	bool more;

	for (struct dp_vni *v = NULL; (v = rows_vni_next(&d->rec.rows, v));)
		close_vni(d, v);
	for (uint32_t set = 1; set < d->rec.n_sets; set++)
		rec_set_del(&d->rec, set);
	rec_sweep(&d->rec, NULL);
	do {
		before = d->rec.writes;
		more = dp_flush(d);
		idle = d->rec.writes == before ? idle + 1 : 0;
	} while (more && idle < IDLE_MAX);
	if (d->n_closing || d->rec.dirty.n)
		log_warn(d->log, LOG_DP, "dataplane: not all rows could be removed");
}

void dp_free(struct dp *d, bool flush)
{
	if (!d)
		return;
	d->rec.ev = mute;
	d->rec.history = NULL;
	if (flush)
		remove_all(d);
	for (struct dp_vni *v = NULL; (v = rows_vni_next(&d->rec.rows, v));)
		d->ops->vni_del(d->be, v->data, flush);
	d->ops->close(d->be);
	if (d->loop) {
		loop_work_stop(&d->work);
		loop_timer_at(&d->timer, MTIME_NEVER);
	}
	rec_fini(&d->rec);
	free(d);
}

/* ---- VNIs ------------------------------------------------------------------------------------------------------ */

/* It was on its way out: rows that are wanted again and devices that serve again are not touched. */
static int take_back(struct dp *d, struct dp_vni *v, const struct dp_vni_params *p)
{
	int err;

	d->n_closing--;
	if (d->ops->vni_change) {
		err = d->ops->vni_change(d->be, v->data, p);
		if (!err)
			rec_vni_resume(&d->rec, v);
		else
			d->ops->vni_del(d->be, v->data, true);
		return err;
	}
	d->ops->vni_del(d->be, v->data, true);
	rec_vni_reopen(&d->rec, v);
	return d->ops->vni_add(d->be, v, p, &v->data);
}

int dp_vni_add(struct dp *d, const struct dp_vni_params *p)
{
	struct dp_vni *v = rows_vni_find(&d->rec.rows, p->vni);
	int err;

	if (v && !v->closing)
		return -EEXIST;
	if (v) {
		while (d->rec.n_out && d->ops->wait)
			d->ops->wait(d->be);
		err = take_back(d, v, p);
	} else {
		v = rows_vni_add(&d->rec.rows, p->vni);
		err = d->ops->vni_add(d->be, v, p, &v->data);
	}
	v->bridged = p->bridge || d->ops->table; /* one table is port and VTEP at once */
	v->demand = p->miss_macs;
	if (err) {
		rec_vni_close(&d->rec, v);
		rec_vni_drop(&d->rec, v);
		return err;
	}
	dp_kick(d);
	return 0;
}

void dp_vni_del(struct dp *d, uint32_t vni)
{
	struct dp_vni *v = rows_vni_find(&d->rec.rows, vni);

	if (v)
		close_vni(d, v);
}

/* ---- ports ------------------------------------------------------------------------------------------------------ */

static int named_vni(const struct dp *d, uint32_t vni, struct dp_vni **out, char *why, size_t cap)
{
	struct dp_vni *v = NULL;

	while ((v = rows_vni_next(&d->rec.rows, v)) && v->vni != vni)
		;
	*out = v;
	if (v && !v->closing)
		return 0;
	snprintf(why, cap, "VNI %u is not configured", vni);
	return -ENOENT;
}

static int port_vni(const struct dp *d, uint32_t vni, bool able, struct dp_vni **out, char *why, size_t cap)
{
	int err = named_vni(d, vni, out, why, cap);

	if (err || able)
		return err;
	snprintf(why, cap, "dataplane %s has no ports in other namespaces", d->ops->name);
	return -EOPNOTSUPP;
}

int dp_port_add(struct dp *d, uint32_t vni, const struct dp_netns_port *p, struct dp_netns_port_made *made, char *why,
		size_t cap)
{
	struct dp_vni *v;
	int err = port_vni(d, vni, d->ops->port_add, &v, why, cap);

	return err ? err : d->ops->port_add(d->be, v->data, p, made, why, cap);
}

int dp_port_del(struct dp *d, uint32_t vni, const struct dp_netns_port *p, char *why, size_t cap)
{
	struct dp_vni *v;
	int err = port_vni(d, vni, d->ops->port_del, &v, why, cap);

	return err ? err : d->ops->port_del(d->be, v->data, p, why, cap);
}

/* ---- looking on ------------------------------------------------------------------------------------------------- */

int dp_capture(struct dp *d, uint32_t vni, const struct dp_capture *what, int fd, char *why, size_t cap)
{
	struct dp_vni *v;
	int err = named_vni(d, vni, &v, why, cap);

	if (err || d->ops->capture)
		return err ? err : d->ops->capture(d->be, v->data, what, fd, why, cap);
	snprintf(why, cap, "dataplane %s forwards nothing", d->ops->name);
	return -EOPNOTSUPP;
}

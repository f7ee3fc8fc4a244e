/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What a backend calls (backend.h): it pulls operations, says what came of them and what it sees. All of that is
 * reconcile.c's; here are the log line for an operation that was refused, and the notes in the history.
 */
#include "dataplane/dp.h"
#include "dataplane/refusal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

unsigned dp_pull(struct dp *d, struct dp_op *ops, unsigned max)
{
	return d->hold ? 0 : rec_pull(&d->rec, ops, max);
}

/* "VTEP 192.0.2.1", "one of 192.0.2.1, 192.0.2.2" */
static const char *where(const struct dp *d, const struct dp_dest *to, char *s, size_t size)
{
	const struct dp_set *set = to->set;
	int n;

	if (!set) {
		snprintf(s, size, "VTEP %s", ip_str(&to->vtep).s);
		return s;
	}
	n = snprintf(s, size, "one of");
	for (uint32_t i = 0; i < set->n && (size_t)n < size; i++)
		n += snprintf(s + n, size - (size_t)n, "%s %s", i ? "," : "",
			      ip_str(&row_dest(&d->rec.rows, set->dest[i])->d.vtep).s);
	return s;
}

static void describe(const struct dp *d, const struct dp_op *op, char *s, size_t size)
{
	char to[96];
	const char *verb[] = {
		[DP_OP_PUT] = "write",
		[DP_OP_DEL] = "delete",
		[DP_OP_ASK] = "query",
		[DP_OP_GIVE] = "give back",
		[DP_OP_LOOK] = "look up",
	};

	switch (op->kind) {
	case DP_FDB:
		snprintf(s, size, "VNI %u: %s FDB row of %s to %s", op->vni, verb[op->type], mac_str(&op->mac).s,
			 !op->dest       ? "a local port"
			 : op->dest->set ? where(d, op->dest, to, sizeof(to))
					 : ip_str(&op->dest->vtep).s);
		break;
	case DP_FLOOD:
		snprintf(s, size, "VNI %u: %s flood row%s%s to %s", op->vni, verb[op->type],
			 mac_is_zero(&op->mac) ? "" : " of ", mac_is_zero(&op->mac) ? "" : mac_str(&op->mac).s,
			 ip_str(&op->ip).s);
		break;
	case DP_NEIGH:
		snprintf(s, size, "VNI %u: %s neighbour row of %s at %s", op->vni, verb[op->type], ip_str(&op->ip).s,
			 mac_str(&op->mac).s);
		break;
	default:
		snprintf(s, size, "%s nexthop of %s", verb[op->type], where(d, op->dest, to, sizeof(to)));
	}
}

void dp_done(struct dp *d, const struct dp_op *op, int err, const char *words)
{
	/* The kernel's own words, if there are any, say more. */
	const char *help = words && err == -EINVAL ? NULL : refusal_help(-err, op->kind, &op->ip);
	char what[224];
	unsigned again;

	if (err && err != -EAGAIN)
		describe(d, op, what, sizeof(what)); /* before the row may be dropped */
	again = rec_done(&d->rec, op, err);
	if (!again || !log_allow(d->log, &d->refusals, LOG_DP, d->rec.now))
		return;
	log_warn(d->log, LOG_DP, "%s: refused: %s%s%s%s%s%s; next try in %u s", what, strerror(-err), words ? " (" : "",
		 words ? words : "", words ? ")" : "", help ? "; " : "", help ? help : "", again);
}

bool dp_is_there(struct dp *d, struct dp_vni *v, const struct mac *mac)
{
	struct row_key k = row_key(&d->rec.rows, v, DP_FDB, mac, NULL);
	uint32_t h = rows_find(&d->rec.rows, &k);

	return h && row_at(&d->rec.rows, h)->wanted && !rec_pending(&d->rec, h) && !row_at(&d->rec.rows, h)->inflight;
}

void dp_miss(struct dp *d, const struct dp_vni *v, const struct mac *mac, const struct ip *ip)
{
	if (v->ready && !v->closing && v->demand && d->rec.ev.miss)
		d->rec.ev.miss(d->rec.ev.ctx, v->vni, mac, ip);
}

void dp_landed(struct dp *d)
{
	rec_landed(&d->rec);
}

bool dp_can_hear(const struct dp *d)
{
	return d->rec.n_held < REC_HELD_MAX;
}

void dp_seen(struct dp *d, const struct dp_seen *s)
{
	rec_seen(&d->rec, s);
}

uint32_t dp_dest_intern(struct dp *d, const struct ip *vtep, uint32_t label)
{
	return rec_dest_intern(&d->rec, vtep, label);
}

uint32_t dp_dest_find(struct dp *d, const struct ip *vtep, uint32_t label)
{
	return rows_dest_find(&d->rec.rows, vtep, label);
}

uint32_t dp_set_found(struct dp *d, const struct dp_set *s)
{
	return rec_set_found(&d->rec, s);
}

void dp_dest_seen(struct dp *d, uint32_t dest, bool there)
{
	rec_dest_seen(&d->rec, dest, there);
}

void dp_dest_altered(struct dp *d, uint32_t dest)
{
	rec_dest_altered(&d->rec, dest);
}

struct dp_dest *dp_dest(struct dp *d, uint32_t dest)
{
	return &row_dest(&d->rec.rows, dest)->d;
}

void dp_vni_ready(struct dp *d, struct dp_vni *v, bool ready)
{
	rec_vni_ready(&d->rec, v, ready);
	dp_arm_timer(d);
}

void dp_vni_unread(struct dp *d, struct dp_vni *v)
{
	rec_vni_unread(&d->rec, v);
}

void dp_looked(struct dp *d, const struct dp_op *op, const struct dp_seen *s, unsigned n)
{
	rec_looked(&d->rec, op, s, n);
}

void dp_vni_met(struct dp *d, const struct dp_seen *s)
{
	rec_vni_met(&d->rec, s);
}

void dp_vni_read(struct dp *d, struct dp_vni *v)
{
	rec_vni_read(&d->rec, v);
}

bool dp_vni_awaits(const struct dp *d, const struct dp_vni *v)
{
	return v->awaits;
}

void dp_vni_forget(struct dp *d, struct dp_vni *v)
{
	rec_vni_forget(&d->rec, v);
}

void dp_resync_begin(struct dp *d, struct dp_vni *v)
{
	rec_resync_begin(&d->rec, v);
}

void dp_resync_end(struct dp *d, struct dp_vni *v)
{
	rec_resync_end(&d->rec, v);
}

void dp_overrun(struct dp *d)
{
	struct history_event e = { .kind = HISTORY_SYSTEM, .what = HISTORY_OVERRUN };

	d->rec.overruns++;
	history_add(d->rec.history, HISTORY_DAEMON, &e);
}

void dp_note(struct dp *d, uint32_t vni, enum history_what what, const char *words)
{
	struct history_event e = { .kind = HISTORY_DEVICE, .what = (uint8_t)what, .vni = vni, .text = words };

	history_add(d->rec.history, HISTORY_DAEMON, &e);
}

unsigned dp_backlog(const struct dp *d)
{
	return d->rec.dirty.n + d->rec.n_out;
}

unsigned dp_wanted(const struct dp *d)
{
	return d->rec.n_wanted;
}

void dp_reassert(struct dp *d)
{
	rec_reassert(&d->rec);
}

void *dp_backend(struct dp *d)
{
	return d->be;
}

const struct dp_ops *dp_backend_ops(const struct dp *d)
{
	return d->ops;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Desired against observed, from a fresh look: what is wished for is reconcile's, what is there a
 * backend dumps anew, past all that was heard before. In slices: a row may change while others are
 * looked at, and a dump may miss rows when others come and go. So nothing is said of a row that is
 * being written, and what seems to differ is looked at once more, alone, before it is said.
 *
 *	begin -> LOOK: the backend dumps, dp_audit_seen() judges and marks -> COMPARE: rows without a mark -> DONE
 *
 * Repair is what follows when reconcile is told of the difference: it owns what may be written and what not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "dataplane/dp.h"

#define COMPARE_ROWS 512u /* a slice */

enum phase { LOOK, COMPARE, DONE };

struct dp_audit {
	struct dp *d;
	uint32_t vni; /* 0: all */
	bool repair;
	enum phase phase;
	void *run; /* the backend's */
	/* Parts of rows that were seen, enum dp_part, by slab and place in it. */
	struct marks {
		uint8_t *b;
		size_t n;
	} marks[ROWS_DEST];
	uint32_t handle; /* of the last row compared */
	uint64_t writes; /* before the look */
	struct dp_diff *found;
	size_t n, at, cap;
};

/* ---- marks ------------------------------------------------------------------------------------------------------- */

static void mark(struct dp_audit *a, uint32_t h, uint8_t part)
{
	struct marks *m = &a->marks[row_slab(h)];
	size_t i = h >> 2, n = m->n ? m->n : 64;

	while (n <= i)
		n *= 2;
	if (n != m->n) {
		m->b = xrealloc(m->b, n);
		memset(m->b + m->n, 0, n - m->n);
		m->n = n;
	}
	m->b[i] |= part;
}

static bool is_marked(const struct dp_audit *a, uint32_t h, uint8_t part)
{
	const struct marks *m = &a->marks[row_slab(h)];

	return h >> 2 < m->n && m->b[h >> 2] & part;
}

/* ---- what is found ----------------------------------------------------------------------------------------------- */

static struct dp_diff *add(struct dp_audit *a, enum dp_diff_what what, uint32_t vni)
{
	struct dp_diff *f;

	array_room(a->found, a->n, a->cap, 64);
	f = &a->found[a->n++];
	memset(f, 0, sizeof(*f));
	f->what = what;
	f->vni = vni;
	return f;
}

static void say_dest(const struct rec *c, uint32_t dest, char *out, size_t cap)
{
	const struct dest_row *d = dest ? row_dest(&c->rows, dest) : NULL;

	if (!d)
		snprintf(out, cap, "there");
	else if (d->d.set)
		snprintf(out, cap, "%u VTEPs", d->d.set->n);
	else
		snprintf(out, cap, d->d.label ? "%s vni %u" : "%s", ip_str(&d->d.vtep).s, d->d.label);
}

static const char *port_name(const struct dp *d, unsigned ifindex, const struct dp_vni_info *dev)
{
	const char *name = ifindex ? dp_ifname(d, ifindex) : dev->vxlan;

	return name ? name : "a port that is gone";
}

/* What was seen of a row, in words. */
static void say_seen(const struct dp_audit *a, const struct dp_seen *s, const struct dp_vni_info *dev, char *out,
		     size_t cap)
{
	if (s->state == DP_SEEN_NONE)
		snprintf(out, cap, "not there");
	else if (s->kind == DP_NEIGH)
		snprintf(out, cap, "%s%s", mac_str(&s->mac).s, s->flags & DP_ROUTER ? " router" : "");
	else if (s->part == DP_PORT)
		snprintf(out, cap, "%s%s", port_name(a->d, s->ifindex, dev), s->flags & DP_STICKY ? " sticky" : "");
	else
		say_dest(&a->d->rec, s->dest, out, cap);
}

/* What should be there instead. */
static void say_wanted(const struct dp_audit *a, const struct row *r, uint8_t part, const struct dp_vni_info *dev,
		       char *out, size_t cap)
{
	if (!r || !r->wanted)
		snprintf(out, cap, "not there");
	else if (r->kind == DP_NEIGH)
		snprintf(out, cap, "%s%s", mac_str(&r->mac).s, r->want_flags & DP_ROUTER ? " router" : "");
	else if (part == DP_PORT)
		snprintf(out, cap, "%s%s", port_name(a->d, 0, dev), r->want_flags & DP_STICKY ? " sticky" : "");
	else
		say_dest(&a->d->rec, row_want_dest(r), out, cap);
}

static struct dp_diff *add_row(struct dp_audit *a, enum dp_diff_what what, uint32_t h, const struct dp_seen *s)
{
	const struct row *r = h ? row_at(&a->d->rec.rows, h) : NULL;
	struct dp_diff *f = add(a, what, s->vni->vni);
	struct dp_vni_info dev = { 0 };
	const char *device;

	a->d->ops->vni_info(a->d->be, s->vni->data, &dev);
	device = s->kind == DP_NEIGH && dev.bridge ? dev.bridge : dev.vxlan;
	snprintf(f->device, sizeof(f->device), "%s", device ? device : "");
	f->table = a->d->ops->table      ? a->d->ops->table
		   : s->kind == DP_NEIGH ? "neigh"
		   : s->part == DP_PORT  ? "bridge"
					 : "vxlan";
	f->mac = s->kind == DP_NEIGH && r && r->wanted ? r->mac : s->mac;
	if (s->kind == DP_NEIGH)
		f->ip = s->ip;
	if (s->kind == DP_FLOOD)
		f->vtep = s->ip;
	else if (s->kind == DP_FDB && r && r->wanted && r->to.want)
		f->vtep = row_dest(&a->d->rec.rows, r->to.want)->d.vtep;
	say_wanted(a, r, s->part, &dev, f->expected, sizeof(f->expected));
	say_seen(a, s, &dev, f->found, sizeof(f->found));
	return f;
}

/* ---- judgement --------------------------------------------------------------------------------------------------- */

/* DP_DIFF_NONE: as it should be, or in work. */
static enum dp_diff_what judge_wanted(const struct rec *c, uint32_t h, const struct dp_seen *s)
{
	const struct row *r = row_at(&c->rows, h);

	if (rec_plan(c, h).todo != REC_NOTHING)
		return DP_DIFF_NONE; /* what is refused or blocked is said when rows are compared */
	if (s->state == DP_SEEN_NONE)
		return DP_DIFF_MISSING;
	if (s->kind == DP_FLOOD)
		return DP_DIFF_NONE; /* its key says where to */
	if (s->kind == DP_NEIGH && !mac_eq(&s->mac, &r->mac))
		return DP_DIFF_ALTERED;
	if (s->kind == DP_FDB && s->part == DP_PORT) {
		bool there = !s->ifindex && (s->state == DP_SEEN_CLAIM || s->state == DP_SEEN_OURS);

		if (r->port != DP_SEEN_OURS)
			return DP_DIFF_NONE;
		return there && !((s->flags ^ r->want_flags) & DP_STICKY) ? DP_DIFF_NONE : DP_DIFF_ALTERED;
	}
	if (s->kind == DP_FDB && s->dest != r->to.want)
		return DP_DIFF_ALTERED;
	if (r->self != DP_SEEN_OURS)
		return DP_DIFF_NONE; /* another hand's, with the same value */
	if (s->state != DP_SEEN_OURS || s->altered || (s->kind == DP_NEIGH && (s->flags ^ r->want_flags) & DP_ROUTER))
		return DP_DIFF_ALTERED;
	return DP_DIFF_NONE;
}

static bool knows_local(const struct rec *c, uint32_t h, const struct dp_seen *s)
{
	const struct row *r = row_at(&c->rows, h);

	if (s->kind == DP_NEIGH)
		return rec_is_local(r->self) && mac_eq(&r->at.have_mac, &s->mac);
	return r->port != DP_SEEN_NONE && r->to.ifindex == s->ifindex;
}

static enum dp_diff_what judge_unwanted(const struct rec *c, uint32_t h, const struct dp_seen *s)
{
	const struct row *r = row_at(&c->rows, h);
	bool local = rec_is_local(s->state) && (s->kind == DP_NEIGH || (s->part == DP_PORT && s->ifindex));

	if (rec_plan(c, h).todo != REC_NOTHING || r->keep || r->spare || r->unread)
		return DP_DIFF_NONE; /* on its way, or it waits for the end of a restart */
	if (local)
		return knows_local(c, h, s) ? DP_DIFF_NONE : DP_DIFF_UNHEARD;
	if (s->state == DP_SEEN_OURS)
		return DP_DIFF_UNWANTED;
	if (s->state == DP_SEEN_CLAIM)
		return r->self == DP_SEEN_OURS ? DP_DIFF_NONE : DP_DIFF_FOREIGN;
	return s->state == DP_SEEN_FOREIGN ? DP_DIFF_FOREIGN : DP_DIFF_NONE;
}

static enum dp_diff_what judge(const struct rec *c, uint32_t h, const struct dp_seen *s)
{
	if (h && row_at(&c->rows, h)->inflight)
		return DP_DIFF_NONE;
	if (h)
		return row_at(&c->rows, h)->wanted ? judge_wanted(c, h, s) : judge_unwanted(c, h, s);
	if (s->vni->unread && s->kind != DP_NEIGH && !s->ifindex)
		return DP_DIFF_NONE; /* it is met later */
	if (s->state == DP_SEEN_OURS)
		return DP_DIFF_UNWANTED;
	if (s->state == DP_SEEN_FOREIGN || s->state == DP_SEEN_CLAIM)
		return DP_DIFF_FOREIGN;
	return rec_is_local(s->state) && (s->kind == DP_NEIGH || (s->part == DP_PORT && s->ifindex)) ? DP_DIFF_UNHEARD
												     : DP_DIFF_NONE;
}

static uint32_t find(struct dp_audit *a, const struct dp_seen *s)
{
	struct rows *t = &a->d->rec.rows;
	struct row_key k = row_key(t, s->vni, s->kind, &s->mac, &s->ip);

	return rows_find(t, &k);
}

/* Tells reconcile; true when something is going to be done about it. */
static bool mend(struct dp_audit *a, const struct dp_seen *s)
{
	struct rec *c = &a->d->rec;
	enum rec_todo todo;
	uint32_t h;

	rec_seen(c, s);
	dp_kick(a->d);
	h = find(a, s);
	todo = h ? rec_plan(c, h).todo : REC_NOTHING;
	return todo != REC_NOTHING && todo != REC_BLOCKED;
}

/* What seems to differ is looked at once more; rows of which that cannot be asked count when nothing was written. */
static void report(struct dp_audit *a, enum dp_diff_what what, struct dp_seen *s)
{
	const struct dp_ops *ops = a->d->ops;
	struct dp_diff *f;

	if (what == DP_DIFF_NONE || s->vni->closing)
		return;
	if (ops->audit_row && ops->audit_row(a->d->be, s->vni->data, s))
		what = judge(&a->d->rec, find(a, s), s);
	else if (a->d->rec.writes != a->writes)
		return;
	if (what == DP_DIFF_NONE)
		return;
	f = add_row(a, what, find(a, s), s);
	if (a->repair && what != DP_DIFF_FOREIGN)
		f->repaired = mend(a, s);
}

void dp_audit_seen(struct dp_audit *a, const struct dp_seen *s)
{
	struct rec *c = &a->d->rec;
	struct dp_seen now = *s;
	uint32_t h;

	if (!a->vni || s->vni->vni == a->vni) {
		h = find(a, s);
		if (h)
			mark(a, h, s->part);
		report(a, judge(c, h, s), &now);
	}
	if (s->dest)
		rec_settle(c, s->dest);
}

void dp_audit_unsure(struct dp_audit *a)
{
	a->writes = UINT64_MAX;
}

uint32_t dp_set_find(const struct dp *d, uint32_t id)
{
	const struct rows *t = &d->rec.rows;
	uint32_t h = 0;

	while ((h = rows_dest_next(t, h))) {
		const struct dp_dest *to = &row_dest(t, h)->d;

		if (to->set && to->id[0] == id)
			break;
	}
	return h;
}

bool dp_audit_device(struct dp_audit *a, uint32_t vni, const char *device, const char *property, const char *expected,
		     const char *found)
{
	struct dp_diff *f = add(a, DP_DIFF_DEVICE, vni);

	f->table = property;
	snprintf(f->device, sizeof(f->device), "%s", device);
	snprintf(f->expected, sizeof(f->expected), "%s", expected);
	snprintf(f->found, sizeof(f->found), "%s", found);
	f->repaired = a->repair;
	return a->repair;
}

void dp_audit_dest(struct dp_audit *a, uint32_t dest, bool there, const char *found)
{
	struct rec *c = &a->d->rec;
	struct dest_row *d = row_dest(&c->rows, dest);
	struct dp_diff *f;

	if (d->r.inflight || rec_plan(c, dest).todo != REC_NOTHING)
		return;
	f = add(a, there ? DP_DIFF_ALTERED : DP_DIFF_MISSING, 0);
	f->table = "nexthop";
	f->vtep = d->d.vtep;
	say_dest(c, dest, f->expected, sizeof(f->expected));
	snprintf(f->found, sizeof(f->found), "%s", found);
	f->repaired = a->repair;
	if (!a->repair)
		return;
	if (there) {
		d->r.force = true;
		rec_settle(c, dest);
	} else {
		rec_dest_seen(c, dest, false);
	}
	c->repairs++;
	dp_kick(a->d);
}

/* ---- rows that were not seen ------------------------------------------------------------------------------------- */

static struct dp_seen as_seen(const struct rec *c, uint32_t h, uint8_t part)
{
	const struct row *r = row_at(&c->rows, h);
	struct dp_seen s = { .vni = row_vni(&c->rows, r), .kind = r->kind, .part = part, .state = DP_SEEN_NONE };

	if (r->kind == DP_FDB)
		s.mac = r->mac;
	else
		s.ip = row_ip(&c->rows, h);
	return s;
}

static void report_blocked(struct dp_audit *a, uint32_t h)
{
	struct rec *c = &a->d->rec;
	struct dp_seen s = as_seen(c, h, DP_SELF);
	const char *why = rec_pending(c, h);
	struct dp_diff *f = add_row(a, DP_DIFF_BLOCKED, h, &s);

	snprintf(f->found, sizeof(f->found), "%s", why ? why : "not there");
	if (a->repair) {
		rec_forgive(c, h); /* a try at once, of what was refused */
		rec_settle(c, h);
	}
}

static void compare(struct dp_audit *a, uint32_t h)
{
	static const uint8_t parts[] = { DP_PORT, DP_SELF };
	struct rec *c = &a->d->rec;
	const struct row *r = row_at(&c->rows, h);
	const struct dp_vni *v = row_vni(&c->rows, r);
	struct rec_plan p;

	if (!r->wanted || v->closing || !v->ready || (a->vni && v->vni != a->vni))
		return; /* of a VNI whose devices are not as they should be these are told */
	p = rec_plan(c, h);
	if (p.todo == REC_BLOCKED || (p.todo == REC_PUT && r->err)) {
		report_blocked(a, h);
		return;
	}
	for (unsigned i = 0; p.todo == REC_NOTHING && a->run && i < 2; i++) {
		struct dp_seen s = as_seen(c, h, parts[i]);

		if (is_marked(a, h, parts[i]) ||
		    (parts[i] == DP_PORT && (r->kind != DP_FDB || !v->bridged || a->d->ops->table)))
			continue;
		report(a, judge(c, h, &s), &s);
		if (!slab_live(&c->rows.slab[row_slab(h)], h >> 2))
			return;
		r = row_at(&c->rows, h);
		p = rec_plan(c, h);
	}
}

static bool compare_some(struct dp_audit *a)
{
	const struct rows *t = &a->d->rec.rows;

	for (unsigned i = 0; i < COMPARE_ROWS; i++) {
		a->handle = rows_next(t, a->handle);
		if (!a->handle)
			return false;
		if (slab_live(&t->slab[row_slab(a->handle)], a->handle >> 2))
			compare(a, a->handle);
	}
	return true;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

struct dp_audit *dp_audit_new(struct dp *d, uint32_t vni, bool repair)
{
	struct dp_audit *a = xcalloc(1, sizeof(*a));

	a->d = d;
	a->vni = vni;
	a->repair = repair;
	a->writes = d->rec.writes;
	if (d->ops->audit_begin)
		a->run = d->ops->audit_begin(d->be, a, vni);
	a->phase = a->run ? LOOK : COMPARE;
	return a;
}

bool dp_audit_blind(const struct dp_audit *a)
{
	return a->d->ops->audit_begin && !a->run;
}

static void step(struct dp_audit *a)
{
	if (a->phase == LOOK) {
		if (!a->d->ops->audit_step(a->d->be, a->run))
			a->phase = COMPARE;
	} else if (!compare_some(a)) {
		a->phase = DONE;
	}
}

enum dp_audit_more dp_audit_next(struct dp_audit *a, struct dp_diff *out)
{
	if (a->at == a->n) {
		a->at = a->n = 0;
		if (a->phase == DONE)
			return DP_AUDIT_END;
		step(a);
	}
	if (a->at == a->n)
		return DP_AUDIT_NOTHING_YET;
	*out = a->found[a->at++];
	return DP_AUDIT_DIFF;
}

void dp_audit_free(struct dp_audit *a)
{
	if (a->run)
		a->d->ops->audit_end(a->d->be, a->run);
	for (unsigned i = 0; i < ROWS_DEST; i++)
		free(a->marks[i].b);
	free(a->found);
	free(a);
}

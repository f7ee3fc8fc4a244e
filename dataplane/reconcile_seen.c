/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What was seen, against what was known: rows, destinations, devices that come and go, events that were lost, what an
 * earlier run left.
 */
#include "dataplane/reconcile.h"

#include <string.h>

#include "base/array.h"
#include "dataplane/note.h"

#define ECHO_MS 5000 /* it is heard at once */

/* ---- observations ---------------------------------------------------------------------------------------------- */

static struct rec_echo *echo_of(struct rec *c, uint32_t h)
{
	return &c->echoes[(h >> 2) % REC_ECHOES];
}

void rec_undone(struct rec *c, const struct dp_op *op)
{
	*echo_of(c, op->row) = (struct rec_echo){ op->row, op->undone, mtime_add_ms(c->now, ECHO_MS) };
}

/* That the part is gone is old news: it was written after that. */
static bool is_echo(struct rec *c, uint32_t h, const struct dp_seen *s)
{
	struct rec_echo *e = echo_of(c, h);

	if (e->row != h || !(e->parts & s->part) || mtime_before(e->until, c->now))
		return false;
	e->parts &= (uint8_t)~s->part;
	return true;
}

/* They were not heard, and rows are written anew. */
static void forget_echoes(struct rec *c)
{
	memset(c->echoes, 0, sizeof(c->echoes));
}

static bool before_sweep(const struct dp_vni *v)
{
	return !v->was_ready || v->sweep_at.us != MTIME_NEVER.us;
}

/* A bridge row with our mark is ours when the vxlan row says so, or when an earlier run has left it without one. */
static void seen_port_mark(struct row *r, const struct dp_seen *s)
{
	bool ours = rec_is_ours(r), left = s->made && before_sweep(s->vni);
	bool claimed = s->state == DP_SEEN_CLAIM && (ours || left);

	if (claimed && !ours)
		r->keep = !r->wanted;
	r->port = claimed ? DP_SEEN_OURS : s->state & 7;
	r->have_flags = (r->have_flags & (DP_ON_DEMAND | DP_ROUTER)) | (s->flags & DP_STICKY);
}

static void port_gone(struct row *r)
{
	r->port = DP_SEEN_NONE;
	r->to.ifindex = 0;
	r->ask = r->give = false;
}

static void seen_port(struct rec *c, uint32_t h, const struct dp_seen *s)
{
	struct row *r = row_at(&c->rows, h);

	if (s->state == DP_SEEN_NONE) {
		if (s->ifindex != r->to.ifindex)
			return; /* it has moved since */
		if (is_echo(c, h, s))
			return;
		if (r->port == DP_SEEN_OURS && r->wanted)
			note_mend(c, r, s, HISTORY_DELETED);
		port_gone(r);
		return;
	}
	r->bare = false;
	if (!s->ifindex && rec_is_local(r->port) && (r->ask || r->give)) {
		r->ask = false; /* this was our write, and it came after the local event */
		r->give = true;
		return;
	}
	if (s->ifindex && (r->port == DP_SEEN_OURS || r->wrote)) /* the end of ours may be older than our write */
		r->ask = true;
	if (r->port != s->state || r->to.ifindex != s->ifindex) {
		r->tell = true;
		r->away = false;
	}
	r->to.ifindex = s->ifindex;
	r->give = false;
	if (s->ifindex) {
		r->port = s->state & 7;
		return;
	}
	r->ask = false;
	if (r->port == DP_SEEN_OURS && r->wanted && s->state == DP_SEEN_CLAIM && (s->flags ^ r->have_flags) & DP_STICKY)
		note_mend(c, r, s, HISTORY_ALTERED);
	seen_port_mark(r, s);
	rec_set_spare(c, r, false); /* its bridge row is there again */
}

static void seen_self_ours(struct rec *c, struct row *r, const struct dp_seen *s)
{
	if (!r->wanted && r->self != DP_SEEN_OURS)
		r->keep = before_sweep(s->vni);
	rec_set_self(c, r, DP_SEEN_OURS);
	r->force |= s->altered;
	if (r->kind == DP_NEIGH)
		r->have_flags = s->flags & DP_ROUTER;
	else if (r->kind == DP_FDB)
		r->have_flags = (r->have_flags & DP_STICKY) | (s->flags & (DP_ON_DEMAND | DP_ROUTER));
	rec_set_have_dest(c, r, s->dest);
	if (r->port == DP_SEEN_CLAIM)
		r->port = DP_SEEN_OURS;
}

/* Its time is over: the wish goes with it, or when it was in use it is written again. */
static void seen_aged(struct rec *c, struct row *r, const struct dp_seen *s)
{
	rec_set_self(c, r, DP_SEEN_NONE);
	rec_set_have_dest(c, r, 0);
	if (s->age != DP_AGE_UNUSED || !r->wanted)
		return;
	rec_wish_no_more(c, r);
	r->idle = true;
}

static void seen_self(struct rec *c, uint32_t h, const struct dp_seen *s)
{
	struct row *r = row_at(&c->rows, h);
	bool ours = r->self == DP_SEEN_OURS || (r->kind == DP_FDB && r->self == DP_SEEN_CLAIM);
	bool was_there = r->wanted && r->self == DP_SEEN_OURS && !r->force;

	if (s->state == DP_SEEN_NONE && s->dest && s->dest != row_have_dest(r))
		return; /* we have written another one since */
	if (s->state == DP_SEEN_NONE && is_echo(c, h, s))
		return;
	if (s->state == DP_SEEN_NONE && s->age && r->have_flags & DP_ON_DEMAND) {
		seen_aged(c, r, s);
		return;
	}
	if (s->state == DP_SEEN_OURS) {
		if (was_there && (s->altered || (row_have_dest(r) && row_have_dest(r) != s->dest)))
			note_mend(c, r, s, HISTORY_ALTERED);
		seen_self_ours(c, r, s);
		return;
	}
	if (was_there)
		note_mend(c, r, s, s->state == DP_SEEN_NONE ? HISTORY_DELETED : HISTORY_ALTERED);
	r->tell |= r->told_far && s->dest != row_have_dest(r);
	/* Another hand rewrote our row in place: it is still ours, and to be written so that it says so. */
	if (s->state == DP_SEEN_NONE || !ours || r->kind == DP_NEIGH)
		rec_set_self(c, r, s->state);
	else if (r->kind == DP_FDB)
		rec_set_self(c, r, DP_SEEN_CLAIM);
	if (r->kind == DP_NEIGH)
		r->have_flags = s->flags & DP_ROUTER;
	rec_set_have_dest(c, r, s->state == DP_SEEN_NONE ? 0 : s->dest);
}

static void seen_neigh(struct rec *c, uint32_t h, const struct dp_seen *s)
{
	struct row *r = row_at(&c->rows, h);

	if (rec_is_local(s->state) &&
	    (r->self != s->state || !mac_eq(&r->at.have_mac, &s->mac) || r->have_flags != s->flags)) {
		r->tell = true;
		r->away = false;
	}
	if (s->state == DP_SEEN_OURS && r->wanted && r->self == DP_SEEN_OURS && !mac_eq(&r->at.have_mac, &s->mac))
		note_mend(c, r, s, HISTORY_ALTERED);
	r->at.have_mac = s->mac;
	seen_self(c, h, s);
}

/* A hand has written in the flood list: one mark is all rows', so what is ours is said apart from now on. */
static void unmark(struct rec *c, struct dp_vni *v)
{
	struct dp_seen s = { .vni = v, .kind = DP_FLOOD, .part = DP_SELF };

	if (v->unmarked)
		return;
	v->unmarked = true;
	for (uint32_t h = 0; (h = rows_next_of(&c->rows, v, h));) {
		struct row *r = row_at(&c->rows, h);

		if (r->kind != DP_FLOOD || !mac_is_zero(&r->mac))
			continue;
		if (r->wanted && r->self == DP_SEEN_OURS && r->port != DP_SEEN_OURS)
			note_mend(c, r, &s, HISTORY_ALTERED);
		rec_settle(c, h);
	}
}

static void seen_flood_mark(struct rec *c, struct row *r, const struct dp_seen *s)
{
	if (s->state == DP_SEEN_NONE) {
		if (r->port == DP_SEEN_OURS && r->wanted && s->vni->unmarked)
			note_mend(c, r, s, HISTORY_DELETED);
		r->port = DP_SEEN_NONE;
		return;
	}
	if (!r->wanted && !rec_is_ours(r))
		r->keep = before_sweep(s->vni);
	r->port = DP_SEEN_OURS;
	if (r->self == DP_SEEN_FOREIGN || r->self == DP_SEEN_CLAIM)
		rec_set_self(c, r, DP_SEEN_OURS);
}

/*
 * In a list without our mark that we know of it, or what is written apart, makes it ours.
 * One with the mark of a control plane that nothing else shows to be ours is when we want
 * it, or when an earlier run has left it on a device of its own.
 */
static bool is_our_flood(const struct row *r, const struct dp_seen *s)
{
	bool claim = s->state == DP_SEEN_CLAIM;

	if (r->self == DP_SEEN_OURS || r->port == DP_SEEN_OURS)
		return s->unmarked || claim;
	return claim && (r->wanted || (s->made && before_sweep(s->vni)));
}

static void seen_flood(struct rec *c, uint32_t h, const struct dp_seen *s)
{
	struct row *r = row_at(&c->rows, h);
	struct dp_seen ours = *s;

	if (s->part == DP_PORT) {
		seen_flood_mark(c, r, s);
		return;
	}
	if (is_our_flood(r, s))
		ours.state = DP_SEEN_OURS;
	if (!s->unmarked || !row_have_dest(r) || row_have_dest(r) == s->dest) /* beside ours, another VNI there */
		seen_self(c, h, &ours);
	if (s->unmarked)
		unmark(c, s->vni);
}

static void hold(struct rec *c, const struct dp_seen *s)
{
	array_room(c->held, c->n_held, c->held_cap, 64);
	c->held[c->n_held++] = *s;
	if (s->dest && s->dest != DP_DEST_OTHER)
		rec_dest_ref(c, s->dest);
}

void rec_landed(struct rec *c)
{
	uint32_t n = c->n_held;

	c->n_held = 0; /* what is still out is held again */
	for (uint32_t i = 0; i < n; i++) {
		struct dp_seen s = c->held[i];

		rec_seen(c, &s);
		if (s.dest && s.dest != DP_DEST_OTHER)
			rec_dest_unref(c, s.dest);
	}
}

uint32_t rec_add(struct rec *c, const struct row_key *k)
{
	uint32_t h = rows_add(&c->rows, k);
	struct row *r = row_at(&c->rows, h);

	r->unread = k->v->unread && !k->v->met && k->kind != DP_NEIGH ? ROW_UNREAD : ROW_READ;
	rec_touch(c, r);
	return h;
}

void rec_take(struct rec *c, uint32_t h, const struct dp_seen *s)
{
	row_at(&c->rows, h)->unseen = false;
	if (s->kind == DP_NEIGH)
		seen_neigh(c, h, s);
	else if (s->kind == DP_FLOOD)
		seen_flood(c, h, s);
	else if (s->part == DP_PORT)
		seen_port(c, h, s);
	else
		seen_self(c, h, s);
}

void rec_seen(struct rec *c, const struct dp_seen *s)
{
	struct row_key k = row_key(&c->rows, s->vni, s->kind, &s->mac, &s->ip);
	uint32_t h = rows_find(&c->rows, &k);
	struct row *r;

	if (!h) {
		if (s->state == DP_SEEN_NONE)
			goto out;
		h = rec_add(c, &k);
	}
	r = row_at(&c->rows, h);
	if (r->inflight) {
		hold(c, s);
		return;
	}
	rec_take(c, h, s);
	rec_settle(c, h);
out:
	if (s->dest && s->state != DP_SEEN_NONE)
		rec_settle(c, s->dest);
}

void rec_lose_dest(struct rec *c, uint32_t dest, bool by_us)
{
	struct dest_row *d = row_dest(&c->rows, dest);

	d->mass = false;
	if (!d->refs || d->over)
		return;
	d->over = true;
	d->ended = by_us;
	d->refs++;
	if (!c->over)
		c->kick(c->ctx);
	c->over = true;
}

static bool is_over(const struct rec *c, const struct row *r)
{
	uint32_t dest = row_have_dest(r);

	return dest && row_dest(&c->rows, dest)->over;
}

/* Refused, perhaps for want of the destination that has ended. */
static bool was_refused_for(const struct rec *c, const struct row *r)
{
	uint32_t dest = r->list == ROW_LIST_RETRY ? row_want_dest(r) : 0;
	uint32_t base = dest ? row_dest(&c->rows, dest)->base : 0;

	return dest && row_dest(&c->rows, base ? base : dest)->over;
}

static void lose_row(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);

	if (was_refused_for(c, r)) {
		rec_forgive(c, h);
		rec_settle(c, h);
	}
	if (r->inflight) { /* to where, only the operation knows; and whether before the end or after it, nobody */
		r->force = true;
		if (is_over(c, r))
			rec_set_spare(c, r, false);
		return;
	}
	if (r->kind != DP_FDB || !is_over(c, r) || row_is_apart(r))
		return;
	c->repairs += r->wanted && !row_dest(&c->rows, r->to.have)->ended;
	rec_set_self(c, r, DP_SEEN_NONE);
	r->wrote &= !r->bare;
	r->bare = false;
	rec_set_have_dest(c, r, 0);
	rec_settle(c, h);
}

void rec_lose_rows(struct rec *c)
{
	if (!c->over)
		return;
	c->over = false;
	for (uint32_t h = 0; (h = rows_next(&c->rows, h));)
		lose_row(c, h);
	for (uint32_t h = 0; (h = rows_dest_next(&c->rows, h));) {
		if (!row_dest(&c->rows, h)->over)
			continue;
		row_dest(&c->rows, h)->over = false;
		rec_dest_unref(c, h);
	}
}

void rec_dest_seen(struct rec *c, uint32_t dest, bool there)
{
	struct row *r = row_at(&c->rows, dest);

	if (there) {
		rec_set_self(c, r, DP_SEEN_OURS);
		r->wrote = true; /* so that the backend hears of its end */
		r->keep = !row_dest(&c->rows, dest)->refs && !c->swept;
		rec_settle(c, dest);
		return;
	}
	if (r->inflight) {
		row_dest(&c->rows, dest)->lost = true;
		return;
	}
	if (r->self != DP_SEEN_OURS && !row_dest(&c->rows, dest)->refs) {
		rec_settle(c, dest);
		return;
	}
	if (r->self == DP_SEEN_OURS && row_dest(&c->rows, dest)->wants)
		note_mend_dest(c, dest, HISTORY_DELETED);
	/* One that was refused may have been there all the same, from before, and rows with it. */
	rec_lose_dest(c, dest, r->self != DP_SEEN_OURS);
	rec_set_self(c, r, DP_SEEN_NONE);
	r->keep = false;
	rec_set_lose_member(c, dest);
	if (row_dest(&c->rows, dest)->set)
		rec_set_gone(c, dest);
	rec_settle(c, dest);
}

void rec_dest_altered(struct rec *c, uint32_t dest)
{
	struct row *r = row_at(&c->rows, dest);

	if (r->self != DP_SEEN_OURS || r->inflight)
		return;
	r->force = true;
	if (row_dest(&c->rows, dest)->wants) {
		c->repairs++;
		note_mend_dest(c, dest, HISTORY_ALTERED);
	}
	rec_settle(c, dest);
}

/* ---- VNIs ------------------------------------------------------------------------------------------------------ */

/* Rows may be dropped while this runs: it goes by handles. */
#define for_each_row_of(c, v, h, r)                                                                                    \
	for (uint32_t h = 0; (h = rows_next_of(&(c)->rows, v, h));)                                                    \
		for (struct row *r = row_at(&(c)->rows, h); r; r = NULL)

void rec_vni_ready(struct rec *c, struct dp_vni *v, bool ready)
{
	bool again = v->was_ready;

	if (v->ready == ready || v->closing)
		return;
	if (!ready) {
		v->ready = false;
		for_each_row_of(c, v, h, r)
			rec_tell_gone(c, h);
		c->ev.vni_ready(c->ev.ctx, v->vni, false);
		return;
	}
	v->ready = v->was_ready = true;
	if (!again)
		v->sweep_at = mtime_add_ms(c->now, DP_SWEEP_MS); /* later than every other */
	if (!again && c->next_sweep.us == MTIME_NEVER.us)
		c->next_sweep = v->sweep_at;
	c->ev.vni_ready(c->ev.ctx, v->vni, true);
	/* What the kernel dropped while a device was down went without a word. */
	for_each_row_of(c, v, h, r) {
		if (again) {
			r->force = true;
			rec_forgive(c, h);
		}
		rec_settle(c, h);
	}
}

static void forget_row(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);

	BUG_ON(r->inflight);
	rec_forgive(c, h);
	r->port = DP_SEEN_NONE;
	rec_set_self(c, r, DP_SEEN_NONE);
	r->ask = r->give = r->force = r->keep = r->away = r->bare = r->wrote = r->idle = r->doubt = false;
	rec_set_unread(c, r, ROW_READ);
	if (r->kind != DP_NEIGH)
		r->to.ifindex = 0;
	r->have_flags = 0;
	rec_set_have_dest(c, r, 0);
	rec_settle(c, h);
}

void rec_vni_forget(struct rec *c, struct dp_vni *v)
{
	rec_vni_ready(c, v, false);
	v->unmarked = false;
	rec_vni_unread_no_more(c, v);
	for_each_row_of(c, v, h, r)
		forget_row(c, h);
}

void rec_vni_close(struct rec *c, struct dp_vni *v)
{
	v->closing = true;
	v->sweep_at = MTIME_NEVER;
	v->local_macs = v->local_ips = 0;
	for_each_row_of(c, v, h, r) {
		c->n_wanted -= r->wanted;
		r->wanted = r->keep = r->told = r->told_far = r->force = r->away = r->idle = r->doubt = false;
		r->ask = r->give = false;
		rec_set_unread(c, r, ROW_READ);
		r->want_flags = 0;
		rec_set_want_dest(c, r, 0);
		rec_settle(c, h);
	}
}

void rec_vni_reopen(struct rec *c, struct dp_vni *v)
{
	v->unmarked = false;
	rec_vni_unread_no_more(c, v);
	for_each_row_of(c, v, h, r)
		forget_row(c, h);
	v->closing = v->ready = v->was_ready = false;
}

/* What nobody wants of it goes when the VNI is ready, which is when wishes have been made. */
void rec_vni_resume(struct rec *c, struct dp_vni *v)
{
	v->closing = v->ready = v->was_ready = false;
	for_each_row_of(c, v, h, r)
		rec_settle(c, h);
}

void rec_vni_drop(struct rec *c, struct dp_vni *v)
{
	rec_vni_unread_no_more(c, v);
	for_each_row_of(c, v, h, r)
		forget_row(c, h);
	rows_vni_del(&c->rows, v);
}

void rec_resync_begin(struct rec *c, struct dp_vni *v)
{
	forget_echoes(c);
	for_each_row_of(c, v, h, r)
		r->unseen = rec_is_local(rec_local_state(r)) || r->port == DP_SEEN_OWN || rec_is_far(r) ||
			    (r->kind == DP_NEIGH && r->self == DP_SEEN_FOREIGN);
}

/* What is local, learned from the tunnel, or another program's neighbour entry. */
static void lose(struct rec *c, struct row *r)
{
	bool far = rec_is_far(r);

	if (r->kind == DP_FDB)
		port_gone(r);
	if (r->kind != DP_FDB || far)
		rec_set_self(c, r, DP_SEEN_NONE);
	if (far)
		rec_set_have_dest(c, r, 0);
}

void rec_resync_end(struct rec *c, struct dp_vni *v)
{
	for_each_row_of(c, v, h, r) {
		if (r->unseen)
			lose(c, r);
		r->unseen = false;
		r->force = true;
		if (rec_is_foreign(r) && !r->unread)
			rec_set_unread(c, r, r->wanted ? ROW_UNREAD_ASK : ROW_UNREAD); /* is it still there? */
		rec_settle(c, h);
	}
	for (uint32_t h = 0; (h = rows_dest_next(&c->rows, h));) {
		row_at(&c->rows, h)->force = true;
		rec_settle(c, h);
	}
}

void rec_reassert(struct rec *c)
{
	forget_echoes(c);
	for (uint32_t h = 0; (h = rows_next(&c->rows, h));) {
		struct row *r = row_at(&c->rows, h);

		if (!r->wanted && !row_vni(&c->rows, r)->closing) /* which may come back, and wish again */
			continue;
		r->force = true;
		rec_settle(c, h);
	}
}

void rec_sweep(struct rec *c, struct dp_vni *only)
{
	for (struct dp_vni *v = NULL; (v = rows_vni_next(&c->rows, v));) {
		if ((only && v != only) || !v->was_ready || v->sweep_at.us == MTIME_NEVER.us)
			continue;
		if (v->unread) {
			v->sweep_waits = v->awaits = true;
			continue;
		}
		v->sweep_at = MTIME_NEVER;
		for_each_row_of(c, v, h, r) {
			r->doubt = r->keep && v->demand && r->kind == DP_FDB && r->self == DP_SEEN_OURS;
			r->keep = false;
			rec_settle(c, h);
		}
	}
	for (struct dp_vni *v = NULL; (v = rows_vni_next(&c->rows, v));) {
		if (before_sweep(v))
			return;
	}
	c->swept = true;
	for (uint32_t h = 0; (h = rows_dest_next(&c->rows, h));) {
		row_at(&c->rows, h)->keep = false;
		rec_settle(c, h);
	}
}

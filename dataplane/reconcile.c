/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A row is what is wanted (wanted, want_*), what is there as far as we know (port, self, have_*) and what
 * evpn believes (told). Every input changes some of that and ends in rec_settle(), which asks plan() what
 * the row calls for and puts it in line or takes it out. So a row stands in line once, however often it
 * changes, and an operation is made from the state of the moment in which the backend asks for it.
 *
 * Rules that hold it up:
 * - The bridge row of a MAC that sits on another port is not written, but over a dynamic one when evpn says that the
 *   MAC moved away (DP_TAKE_OVER): the kernel would move whatever is there, and we are not its owner.
 * - A local event that meets a bridge row of ours is either a move that came after our write or one that our write ran
 *   over. The kernel is asked (ASK), and in the second case gets its row back (GIVE).
 * - Only what bears our mark is deleted, and from an earlier run only after a deferral (keep).
 * - What is wished for on demand ends with its use: a row that the backend says is idle is not written again, its
 *   wish is forgotten and evpn is told (idle). One from an earlier run is asked for as if just missed (doubt).
 * - While an operation of a row is out, what is seen of the row is held, and counts as having come after it: a local
 *   event then asks, as any that meets a bridge row of ours. What is wished for meanwhile is looked at when it is back.
 */
#include "dataplane/reconcile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TENTH_US 100000
#define MASS_MIN 64u  /* rows that end with their destination, at least */
#define MASS_PART 128u /* and this part of all */
#define MASS_MS 10000 /* for that long: one row that cannot go now must not hold the others */
#define BURST_MIN 1024u
#define SPARE_MS 500 /* and for that long when the destination stays after all */

static uint32_t tenths(const struct rec *c)
{
	return (uint32_t)(mtime_diff_us(c->start, c->now) / TENTH_US);
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

static struct mtime retry_due(const struct rec *c, const struct row *r)
{
	return mtime_add_us(c->start, ((int64_t)r->since + rec_level_tenths(r->level)) * TENTH_US);
}

void rec_unlist(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);

	if (r->list == ROW_LIST_NONE)
		return;
	rowset_del(r->list == ROW_LIST_DIRTY ? &c->dirty : &c->retry[r->level], h);
	if (!c->retry[r->level].n)
		c->retry_at[r->level] = MTIME_NEVER;
	r->list = ROW_LIST_NONE;
}

void rec_enlist(struct rec *c, uint32_t h, enum row_list list)
{
	struct row *r = row_at(&c->rows, h);

	r->list = list & 3;
	if (list == ROW_LIST_RETRY) {
		rowset_add(&c->retry[r->level], h);
		if (mtime_before(retry_due(c, r), c->retry_at[r->level]))
			c->retry_at[r->level] = retry_due(c, r);
		return;
	}
	rowset_add(&c->dirty, h);
	if (c->dirty.n == 1)
		c->kick(c->ctx);
}

void rec_dest_ref(struct rec *c, uint32_t h)
{
	if (row_dest(&c->rows, h)->refs++ == 0)
		rec_settle(c, h);
}

void rec_dest_unref(struct rec *c, uint32_t h)
{
	struct dest_row *d = row_dest(&c->rows, h);

	d->refs--;
	if (!dest_holds(d))
		rec_settle(c, h);
}

void rec_set_dest(struct rec *c, uint32_t *field, uint32_t dest)
{
	uint32_t old = *field;

	if (old == dest)
		return;
	if (dest)
		rec_dest_ref(c, dest);
	*field = dest;
	if (old)
		rec_dest_unref(c, old);
}

static void count_apart(struct rec *c, const struct row *r, uint32_t by)
{
	if (!row_is_apart(r))
		return;
	row_dest(&c->rows, r->to.have)->n_apart += by;
	if (!dest_holds(row_dest(&c->rows, r->to.have)))
		rec_settle(c, r->to.have);
}

void rec_set_self(struct rec *c, struct row *r, unsigned state)
{
	if (r->self == state)
		return;
	count_apart(c, r, -1u);
	r->self = state & 7;
	count_apart(c, r, 1);
}

void rec_set_have_dest(struct rec *c, struct row *r, uint32_t dest)
{
	if (row_have_dest(r) == dest)
		return;
	rec_set_spare(c, r, false);
	count_apart(c, r, -1u);
	rec_set_dest(c, &r->to.have, dest);
	count_apart(c, r, 1);
}

void rec_set_spare(struct rec *c, struct row *r, bool spare)
{
	struct dest_row *d;

	if (r->spare == spare)
		return;
	d = row_dest(&c->rows, r->to.have);
	r->spare = spare;
	d->n_spare += spare ? 1u : -1u;
	if (spare && !d->mass && c->spare_look.us == MTIME_NEVER.us)
		c->spare_look = mtime_add_ms(c->now, SPARE_MS);
	if (!dest_holds(d))
		rec_settle(c, r->to.have);
}

bool rec_is_mass(const struct rec *c, const struct dest_row *d)
{
	uint32_t n = d->refs - d->n_apart;

	return d->d.carries && n >= c->mass_min && n >= rows_count(&c->rows) / MASS_PART;
}

/* It stays after all: what was left to go with it goes by itself. */
static void spare_nothing(struct rec *c, uint32_t dest)
{
	row_dest(&c->rows, dest)->mass = false;
	for (uint32_t h = 0; row_dest(&c->rows, dest)->n_spare && (h = rows_next(&c->rows, h));) {
		struct row *r = row_at(&c->rows, h);

		if (!r->spare || r->to.have != dest)
			continue;
		rec_set_spare(c, r, false);
		rec_settle(c, h);
	}
}

void rec_dest_want(struct rec *c, uint32_t h)
{
	struct dest_row *d = row_dest(&c->rows, h);

	d->wants++;
	if (d->base)
		rec_dest_want(c, d->base);
	else if (d->wants == 1)
		spare_nothing(c, h);
	if (d->wants == 1 && !d->base)
		rec_settle(c, h);
}

void rec_dest_unwant(struct rec *c, uint32_t h)
{
	struct dest_row *d = row_dest(&c->rows, h);

	d->wants--;
	if (d->base) {
		rec_dest_unwant(c, d->base);
	} else if (!d->wants) {
		d->mass = rec_is_mass(c, d);
		if (d->mass && c->mass_until.us == MTIME_NEVER.us)
			c->mass_until = mtime_add_ms(c->now, MASS_MS);
		rec_settle(c, h);
	}
}

void rec_set_want_dest(struct rec *c, struct row *r, uint32_t dest)
{
	uint32_t old = row_want_dest(r);

	if (old == dest)
		return;
	if (dest)
		rec_dest_want(c, dest);
	if (old)
		rec_dest_unwant(c, old);
	rec_set_dest(c, &r->to.want, dest);
}

static void drop_dest(struct rec *c, uint32_t h)
{
	uint32_t base = row_dest(&c->rows, h)->base;

	if (row_dest(&c->rows, h)->set)
		rec_set_release(c, h);
	rows_dest_del(&c->rows, h);
	if (base)
		rec_dest_unref(c, base);
}

static void drop_row(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);

	rec_set_want_dest(c, r, 0);
	rec_set_have_dest(c, r, 0);
	rows_del(&c->rows, h);
}

static bool is_idle(const struct rec *c, uint32_t h)
{
	const struct row *r = row_at(&c->rows, h);

	if (r->kind == DP_DEST) {
		const struct dest_row *d = row_dest(&c->rows, h);

		return !d->refs && !r->wrote && r->self == DP_SEEN_NONE && !(d->set && d->set->number);
	}
	return !r->wanted && !r->told && !r->told_far && !r->wrote && r->port == DP_SEEN_NONE &&
	       r->self == DP_SEEN_NONE && r->unread <= ROW_UNREAD;
}

static void count(struct rec *c, struct row *r, enum rec_todo what)
{
	bool there = r->wanted && what == REC_NOTHING;
	bool doomed = what == REC_DEL || r->spare;
	struct dp_vni *v = row_vni(&c->rows, r);

	if (r->counted != there) {
		r->counted = there;
		c->n_there += there ? 1u : -1u;
	}
	if (r->doomed != doomed) {
		r->doomed = doomed;
		v->n_doomed += doomed ? 1u : -1u;
	}
}

void rec_settle(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);
	struct rec_plan p;
	bool due;

	if (r->inflight)
		return;
	p = rec_plan(c, h);
	if (r->kind != DP_DEST)
		count(c, r, p.todo);
	/* What waits for devices stands in no line: every row of the VNI is settled when they are ready. */
	due = p.todo > REC_BLOCKED && (r->kind == DP_DEST || p.todo == REC_TELL || row_vni(&c->rows, r)->ready);
	if (!due) {
		rec_unlist(c, h);
		if (p.todo > REC_BLOCKED || !is_idle(c, h))
			return;
		if (r->kind == DP_DEST)
			drop_dest(c, h);
		else
			drop_row(c, h);
		return;
	}
	if (r->list == ROW_LIST_DIRTY || (r->list == ROW_LIST_RETRY && p.todo != REC_TELL))
		return;
	rec_unlist(c, h);
	rec_enlist(c, h, ROW_LIST_DIRTY);
}

void rec_touch(struct rec *c, struct row *r)
{
	r->since = tenths(c);
}

void rec_forgive(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);

	if (r->list == ROW_LIST_RETRY)
		rec_unlist(c, h);
	r->err = 0;
	r->level = 0;
}

/* ---- wishes ---------------------------------------------------------------------------------------------------- */

void rec_init(struct rec *c, const struct dp_events *ev, void (*kick)(void *ctx), void *ctx)
{
	*c = (struct rec){ .ev = *ev,
			   .kick = kick,
			   .ctx = ctx,
			   .next_sweep = MTIME_NEVER,
			   .mass_min = MASS_MIN,
			   .burst_min = BURST_MIN,
			   .mass_until = MTIME_NEVER,
			   .spare_look = MTIME_NEVER };
	for (unsigned i = 0; i < REC_LEVELS; i++)
		c->retry_at[i] = MTIME_NEVER;
	rows_init(&c->rows);
}

void rec_fini(struct rec *c)
{
	rec_sets_fini(c);
	free(c->held);
	rowset_fini(&c->dirty);
	for (unsigned i = 0; i < REC_LEVELS; i++)
		rowset_fini(&c->retry[i]);
	rows_fini(&c->rows);
}

uint32_t rec_dest_intern(struct rec *c, const struct ip *vtep, uint32_t label)
{
	uint32_t h = rows_dest_find(&c->rows, vtep, label);

	if (h)
		return h;
	h = rows_dest_add(&c->rows, vtep, label);
	if (label) {
		uint32_t base = rec_dest_intern(c, vtep, 0);

		row_dest(&c->rows, h)->base = base;
		rec_dest_ref(c, base);
	}
	return h;
}

static uint32_t wanted_dest(struct rec *c, const struct row *r, const struct dp_row *row)
{
	uint32_t label = row->label_vni == row->key.vni ? 0 : row->label_vni;

	switch (row->key.kind) {
	case DP_FDB:
		return row->set ? rec_set_wanted(c, row->set, r) : rec_dest_intern(c, &row->vtep, label);
	case DP_FLOOD:
		return rec_dest_intern(c, &row->key.ip, label);
	default:
		return 0;
	}
}

static bool same_wish(const struct row *r, const struct dp_row *row, uint32_t dest)
{
	return r->wanted && row_want_dest(r) == dest && r->want_flags == (row->flags & REC_VALUE_FLAGS) &&
	       (r->kind != DP_NEIGH || mac_eq(&r->mac, &row->mac));
}

/* evpn has forgotten the local row, so do we; the write will take it over. */
static void let_go(struct dp_vni *v, struct row *r)
{
	r->away = true;
	r->told = r->ask = r->give = false;
	if (r->kind == DP_FDB)
		v->local_macs--;
	else
		v->local_ips--;
}

void rec_want(struct rec *c, const struct dp_row *row)
{
	struct dp_vni *v = rows_vni_find(&c->rows, row->key.vni);
	struct row_key k;
	struct row *r;
	uint32_t h, dest;
	bool over, away;

	if (!v || v->closing)
		return;
	k = row_key(&c->rows, v, row->key.kind, &row->key.mac, &row->key.ip);
	h = rows_find(&c->rows, &k);
	if (!h)
		h = rec_add(c, &k);
	r = row_at(&c->rows, h);
	dest = wanted_dest(c, r, row);
	/* Only what evpn knows of can have moved away: a local event that is on its way to it counts for more. */
	over = row->flags & DP_TAKE_OVER && r->told;
	away = over && !r->tell && rec_local_state(r) == DP_SEEN_LOCAL;
	if (!over && same_wish(r, row, dest))
		return;
	rec_forgive(c, h);
	c->n_wanted += !r->wanted;
	r->wanted = true;
	if (r->unread) {
		rec_set_unread(c, r, ROW_UNREAD_ASK);
		v->awaits |= r->kind == DP_FLOOD;
	}
	r->keep = r->idle = r->doubt = false;
	if (r->kind == DP_FLOOD && r->self == DP_SEEN_CLAIM)
		rec_set_self(c, r, DP_SEEN_OURS);
	rec_set_spare(c, r, false);
	r->want_flags = row->flags & REC_VALUE_FLAGS;
	if (r->kind == DP_NEIGH)
		r->mac = row->mac;
	rec_set_want_dest(c, r, dest);
	if (away)
		let_go(v, r);
	else if (over)
		r->tell = true; /* it is not ours to take: evpn, which has forgotten it, must hear of it again */
	rec_touch(c, r);
	rec_settle(c, h);
}

void rec_wish_no_more(struct rec *c, struct row *r)
{
	c->n_wanted -= r->wanted;
	r->ask |= r->away && r->wrote && rec_is_local(r->port); /* the write that would have made sure is not to be */
	if (r->wanted && r->unread)
		rec_set_unread(c, r, ROW_UNREAD_GONE);
	r->wanted = r->keep = r->away = r->idle = false;
	r->want_flags = 0;
	rec_set_want_dest(c, r, 0);
}

void rec_unwant(struct rec *c, const struct dp_key *key)
{
	struct dp_vni *v = rows_vni_find(&c->rows, key->vni);
	struct row_key k;
	struct row *r;
	uint32_t h;

	if (!v)
		return;
	k = row_key(&c->rows, v, key->kind, &key->mac, &key->ip);
	h = rows_find(&c->rows, &k);
	if (!h)
		return;
	r = row_at(&c->rows, h);
	if (r->keep) /* nobody has wished for it since the start, when routes come one by one: the sweep ends it */
		return;
	rec_wish_no_more(c, r);
	rec_forgive(c, h);
	rec_touch(c, r);
	rec_settle(c, h);
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

struct mtime rec_next(const struct rec *c)
{
	struct mtime next = MTIME_NEVER;

	for (unsigned i = 0; i < REC_LEVELS; i++) {
		if (mtime_before(c->retry_at[i], next))
			next = c->retry_at[i];
	}
	if (mtime_before(c->mass_until, next))
		next = c->mass_until;
	if (mtime_before(c->spare_look, next))
		next = c->spare_look;
	return !c->sweep_waits && mtime_before(c->next_sweep, next) ? c->next_sweep : next;
}

static void end_waiting(struct rec *c)
{
	c->mass_until = MTIME_NEVER;
	for (uint32_t h = 0; (h = rows_dest_next(&c->rows, h));) {
		if (row_dest(&c->rows, h)->mass)
			spare_nothing(c, h);
	}
}

/*
 * While the burst lasts nothing is known. After it, what still waits goes by itself, but
 * for rows whose VTEP is going.
 */
static void look_at_spare(struct rec *c)
{
	if (c->dirty.n >= c->burst_min) {
		c->spare_look = mtime_add_ms(c->now, SPARE_MS);
		return;
	}
	c->spare_look = MTIME_NEVER;
	for (uint32_t h = 0; (h = rows_next(&c->rows, h));) {
		struct row *r = row_at(&c->rows, h);

		if (!r->spare || row_dest(&c->rows, r->to.have)->mass)
			continue;
		rec_set_spare(c, r, false);
		rec_settle(c, h);
	}
}

/* Those whose time has come; it may be later than was thought, of rows that have left and come back. */
static void retry(struct rec *c, unsigned level)
{
	c->retry_at[level] = MTIME_NEVER;
	for (uint32_t h = 0; (h = rowset_next(&c->retry[level], h));) {
		struct mtime due = retry_due(c, row_at(&c->rows, h));

		if (!mtime_before(c->now, due)) {
			rec_unlist(c, h);
			rec_settle(c, h);
		} else if (mtime_before(due, c->retry_at[level])) {
			c->retry_at[level] = due;
		}
	}
}

void rec_set_now(struct rec *c, struct mtime now)
{
	if (!c->started)
		c->start = now;
	c->started = true;
	c->now = now;
	for (unsigned i = 0; i < REC_LEVELS; i++) {
		if (!mtime_before(now, c->retry_at[i]))
			retry(c, i);
	}
	if (!mtime_before(now, c->mass_until))
		end_waiting(c);
	if (!mtime_before(now, c->spare_look))
		look_at_spare(c);
	if (c->sweep_waits || mtime_before(now, c->next_sweep))
		return;
	c->next_sweep = MTIME_NEVER;
	for (struct dp_vni *v = NULL; (v = rows_vni_next(&c->rows, v));) {
		if (!mtime_before(now, v->sweep_at))
			rec_sweep(c, v);
		else if (mtime_before(v->sweep_at, c->next_sweep))
			c->next_sweep = v->sweep_at;
	}
}

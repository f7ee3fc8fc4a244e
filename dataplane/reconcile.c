/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A row is what is wanted (wanted, want_*), what is there as far as we know (port, self, have_*) and what evpn believes
 * (told). Every input changes some of that and ends in rec_settle(), which asks plan() what the row calls for and puts it
 * in line or takes it out. So a row stands in line once, however often it changes, and an operation is made from the
 * state of the moment in which the backend asks for it.
 *
 * Rules that hold it up:
 * - The bridge row of a MAC that sits on another port is not written, but over a dynamic one when evpn says that the
 *   MAC moved away (DP_TAKE_OVER): the kernel would move whatever is there, and we are not its owner.
 * - A local event that meets a bridge row of ours is either a move that came after our write or one that our write ran
 *   over. The kernel is asked (ASK), and in the second case gets its row back (GIVE).
 * - Only what bears our mark is deleted, and from an earlier run only after a deferral (keep).
 * - What is wished for on demand ends with its use: a row that the backend says is idle is not written again, its wish is
 *   forgotten and evpn is told (idle). One from an earlier run is asked for as if it had just been missed (doubt).
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

static uint32_t level_tenths(unsigned level)
{
	return 10u << level;
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

static struct rowlist *list_of(struct rec *c, const struct row *r)
{
	return r->list == ROW_LIST_DIRTY ? &c->dirty : &c->retry[r->level];
}

static void unlist(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);

	if (r->list == ROW_LIST_NONE)
		return;
	rowlist_remove(&c->rows, list_of(c, r), h);
	r->list = ROW_LIST_NONE;
}

static void enlist(struct rec *c, uint32_t h, enum row_list list)
{
	struct row *r = row_at(&c->rows, h);

	r->list = list & 3;
	rowlist_append(&c->rows, list_of(c, r), h);
	if (list == ROW_LIST_DIRTY && c->dirty.n == 1)
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

	if (--d->refs == d->n_spare)
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

void rec_set_have_dest(struct rec *c, struct row *r, uint32_t dest)
{
	if (r->have_dest != dest)
		rec_set_spare(c, r, false);
	rec_set_dest(c, &r->have_dest, dest);
}

void rec_set_spare(struct rec *c, struct row *r, bool spare)
{
	struct dest_row *d;

	if (r->spare == spare)
		return;
	d = row_dest(&c->rows, r->have_dest);
	r->spare = spare;
	d->n_spare += spare ? 1u : -1u;
	if (spare && !d->mass && c->spare_look.us == MTIME_NEVER.us)
		c->spare_look = mtime_add_ms(c->now, SPARE_MS);
	if (d->n_spare == d->refs)
		rec_settle(c, r->have_dest);
}

bool rec_is_mass(const struct rec *c, const struct dest_row *d)
{
	return d->d.carries && d->refs >= c->mass_min && d->refs >= rows_count(&c->rows) / MASS_PART;
}

/* It stays after all: what was left to go with it goes by itself. */
static void spare_nothing(struct rec *c, uint32_t dest)
{
	row_dest(&c->rows, dest)->mass = false;
	for (uint32_t h = 0; row_dest(&c->rows, dest)->n_spare && (h = rows_next(&c->rows, h));) {
		struct row *r = row_at(&c->rows, h);

		if (!r->spare || r->have_dest != dest)
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
	uint32_t old = r->want_dest;

	if (old == dest)
		return;
	if (dest)
		rec_dest_want(c, dest);
	if (old)
		rec_dest_unwant(c, old);
	rec_set_dest(c, &r->want_dest, dest);
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
	return !r->wanted && !r->told && !r->told_far && !r->wrote && r->port == DP_SEEN_NONE && r->self == DP_SEEN_NONE;
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
		unlist(c, h);
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
	unlist(c, h);
	enlist(c, h, ROW_LIST_DIRTY);
}

void rec_touch(struct rec *c, struct row *r)
{
	r->since = tenths(c);
}

void rec_forgive(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);

	if (r->list == ROW_LIST_RETRY)
		unlist(c, h);
	r->err = 0;
	r->level = 0;
}

/* ---- wishes ---------------------------------------------------------------------------------------------------- */

void rec_init(struct rec *c, const struct dp_events *ev, void (*kick)(void *ctx), void *ctx)
{
	*c = (struct rec){ .ev = *ev, .kick = kick, .ctx = ctx, .next_sweep = MTIME_NEVER,
			   .mass_min = MASS_MIN, .burst_min = BURST_MIN, .mass_until = MTIME_NEVER, .spare_look = MTIME_NEVER };
	rows_init(&c->rows);
}

void rec_fini(struct rec *c)
{
	rec_sets_fini(c);
	free(c->held);
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
		return row->set ? rec_set_wanted(c, row->set, r->have_dest) : rec_dest_intern(c, &row->vtep, label);
	case DP_FLOOD:
		return rec_dest_intern(c, &row->key.ip, label);
	default:
		return 0;
	}
}

static bool same_wish(const struct row *r, const struct dp_row *row, uint32_t dest)
{
	return r->wanted && r->want_dest == dest && r->want_flags == (row->flags & REC_VALUE_FLAGS) &&
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
		h = rows_add(&c->rows, &k);
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
	r->keep = r->idle = r->doubt = false;
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
	rec_wish_no_more(c, r);
	rec_forgive(c, h);
	rec_touch(c, r);
	rec_settle(c, h);
}

/* ---- operations ------------------------------------------------------------------------------------------------ */

static void tell_far_gone(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);
	struct mac mac = r->mac;
	uint32_t vni = row_vni(&c->rows, r)->vni;

	r->told_far = false;
	rec_settle(c, h);
	if (c->ev.tunnel_mac_gone)
		c->ev.tunnel_mac_gone(c->ev.ctx, vni, &mac);
}

static void tell_far(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);
	struct mac mac = r->mac;
	struct ip vtep = row_dest(&c->rows, r->have_dest)->d.vtep;

	r->told_far = true;
	r->tell = false;
	rec_settle(c, h);
	if (c->ev.tunnel_mac)
		c->ev.tunnel_mac(c->ev.ctx, row_vni(&c->rows, r)->vni, &mac, &vtep);
}

void rec_tell_gone(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);
	struct dp_vni *v = row_vni(&c->rows, r);
	bool fdb = r->kind == DP_FDB;
	struct mac mac = r->mac;
	struct ip ip = fdb ? ip_none() : row_ip(&c->rows, h)->ip;

	if (r->told_far) {
		tell_far_gone(c, h);
		return;
	}
	if (!r->told)
		return;
	r->told = r->tell = false;
	v->local_macs -= fdb;
	v->local_ips -= !fdb;
	rec_settle(c, h);
	if (fdb)
		c->ev.local_mac_gone(c->ev.ctx, v->vni, &mac);
	else
		c->ev.local_ip_gone(c->ev.ctx, v->vni, &ip);
}

static void tell_local(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);
	struct dp_vni *v = row_vni(&c->rows, r);
	uint8_t flags = rec_local_state(r) == DP_SEEN_LOCAL_STATIC ? DP_LOCAL_STATIC : 0;
	bool fdb = r->kind == DP_FDB;

	v->local_macs += fdb && !r->told;
	v->local_ips += !fdb && !r->told;
	r->told = true;
	r->tell = false;
	rec_settle(c, h); /* it is local, so it stays */
	if (fdb) {
		c->ev.local_mac(c->ev.ctx, v->vni, &r->mac, r->ifindex, flags);
	} else {
		struct ip_row *n = row_ip(&c->rows, h);

		flags |= r->have_flags & DP_ROUTER ? DP_LOCAL_ROUTER : 0;
		c->ev.local_ip(c->ev.ctx, v->vni, &n->ip, &n->have_mac, flags);
	}
}

static void tell_demand(struct rec *c, uint32_t h)
{
	struct row *r = row_at(&c->rows, h);
	uint32_t vni = row_vni(&c->rows, r)->vni;
	bool idle = r->idle;
	struct mac mac = r->mac;

	r->idle = r->doubt = false;
	rec_settle(c, h);
	if (idle && c->ev.demand)
		c->ev.demand(c->ev.ctx, vni, &mac, false);
	else if (!idle && c->ev.miss)
		c->ev.miss(c->ev.ctx, vni, &mac, NULL);
}

/*
 * The callback may wish and so change any row: nothing of this one is looked at after it. What held before ends first; what
 * holds now is told when the row, which settles as one that must still be told, has its turn again.
 */
static void tell(struct rec *c, uint32_t h)
{
	const struct row *r = row_at(&c->rows, h);

	if (r->idle || r->doubt)
		tell_demand(c, h);
	else if (rec_is_local(rec_local_state(r)) && !r->told_far)
		tell_local(c, h);
	else if (rec_is_far(r) && !r->told)
		tell_far(c, h);
	else
		rec_tell_gone(c, h);
}

static struct dp_dest *dest_value(struct rec *c, uint32_t h)
{
	return h ? &row_dest(&c->rows, h)->d : NULL;
}

static void make_op(struct rec *c, uint32_t h, struct rec_plan p, struct dp_op *op)
{
	struct row *r = row_at(&c->rows, h);
	static const uint8_t type[] = {
		[REC_PUT] = DP_OP_PUT, [REC_DEL] = DP_OP_DEL, [REC_ASK] = DP_OP_ASK, [REC_GIVE] = DP_OP_GIVE
	};

	*op = (struct dp_op){
		.type = type[p.todo], .kind = r->kind, .parts = p.parts, .mac = r->mac, .row = h, .old_flags = r->have_flags
	};
	r->inflight = true;
	c->n_out++;
	if (p.todo == REC_PUT)
		r->force = false; /* who sets it from here on wants one more */
	if (r->kind == DP_DEST) {
		op->dest = dest_value(c, h);
		row_dest(&c->rows, h)->going = p.todo == REC_DEL;
		if (op->type == DP_OP_PUT && row_dest(&c->rows, h)->set)
			rec_set_hand_out(c, h);
		return;
	}
	op->vni = row_vni(&c->rows, r)->vni;
	op->vni_data = row_vni(&c->rows, r)->data;
	if (r->kind != DP_FDB)
		op->ip = row_ip(&c->rows, h)->ip;
	if (p.todo == REC_PUT) {
		op->flags = r->want_flags;
		op->to = r->want_dest;
		if (op->to)
			rec_dest_ref(c, op->to); /* until dp_done() */
		op->dest = dest_value(c, op->to);
		op->old = r->self == DP_SEEN_OURS ? dest_value(c, r->have_dest) : NULL;
		op->local = r->self;
	} else {
		op->dest = dest_value(c, r->have_dest);
		op->ifindex = r->ifindex;
		op->local = r->port;
	}
}

/* The object that frames of this destination need. */
static uint32_t dest_object(const struct rec *c, uint32_t dest)
{
	return row_dest(&c->rows, dest)->base ? row_dest(&c->rows, dest)->base : dest;
}

/* Takes a dirty row whose destination cannot be had for now out of the line. */
static void wait_for_dest(struct rec *c, uint32_t h, const struct row *dest)
{
	struct row *r = row_at(&c->rows, h);

	r->err = dest->err;
	r->level = dest->level;
	rec_touch(c, r);
	if (r->list == ROW_LIST_DIRTY)
		unlist(c, h);
	enlist(c, h, ROW_LIST_RETRY);
}

/* Operations that are being pulled. */
struct pull {
	struct dp_op *ops;
	unsigned n, max;
};

enum needs { NEEDS_THERE, NEEDS_RETRY, NEEDS_LATER };

static enum needs pull_needs(struct rec *c, uint32_t h, struct pull *p);

/* The object that h needs comes before it: it is there already, or in front of it now. */
static enum needs pull_object(struct rec *c, uint32_t h, uint32_t o, struct pull *p)
{
	struct row *d = row_at(&c->rows, o);
	enum needs needs;

	if (d->list == ROW_LIST_DIRTY && rec_plan(c, o).todo == REC_PUT) {
		needs = pull_needs(c, o, p);
		if (needs == NEEDS_LATER || (needs == NEEDS_THERE && p->n + 2 > p->max))
			return NEEDS_LATER;
		if (needs == NEEDS_THERE) {
			struct rec_plan plan = rec_plan(c, o);

			unlist(c, o);
			make_op(c, o, plan, &p->ops[p->n++]);
			return NEEDS_THERE;
		}
	}
	if (d->list == ROW_LIST_RETRY) {
		wait_for_dest(c, h, d);
		return NEEDS_RETRY;
	}
	return row_dest(&c->rows, o)->going ? NEEDS_LATER : NEEDS_THERE;
}

/* What a row that is to be put needs: the object of its destination; a set those of its members. */
static enum needs pull_needs(struct rec *c, uint32_t h, struct pull *p)
{
	const struct row *r = row_at(&c->rows, h);
	const struct set *s = r->kind == DP_DEST ? row_dest(&c->rows, h)->set : NULL;
	enum needs needs = NEEDS_THERE;

	if (r->want_dest)
		return pull_object(c, h, dest_object(c, r->want_dest), p);
	for (uint32_t i = 0; s && needs == NEEDS_THERE && i < s->want.n; i++)
		needs = pull_object(c, h, s->want.dest[i], p);
	return needs;
}

unsigned rec_pull(struct rec *c, struct dp_op *ops, unsigned max)
{
	struct pull p = { .ops = ops, .max = max };

	while (c->dirty.head && p.n + 2 <= max) {
		uint32_t h = c->dirty.head;
		struct row *r = row_at(&c->rows, h);
		struct rec_plan plan = rec_plan(c, h);
		enum needs needs;

		if (plan.todo == REC_TELL) {
			unlist(c, h);
			tell(c, h);
			continue;
		}
		if (plan.todo <= REC_BLOCKED || (r->kind != DP_DEST && !row_vni(&c->rows, r)->ready)) {
			unlist(c, h);
			rec_settle(c, h);
			continue;
		}
		needs = plan.todo == REC_PUT ? pull_needs(c, h, &p) : NEEDS_THERE;
		if (needs == NEEDS_LATER)
			break;
		if (needs == NEEDS_RETRY)
			continue;
		unlist(c, h);
		make_op(c, h, plan, &ops[p.n++]);
	}
	return p.n;
}

static void put_done(struct rec *c, struct row *r, const struct dp_op *op)
{
	if (op->parts & DP_PORT && !r->ask) {
		r->port = DP_SEEN_OURS;
		r->ifindex = 0;
	}
	r->self = DP_SEEN_OURS;
	r->wrote = true;
	r->away = r->bare = false;
	r->have_flags = op->flags & REC_VALUE_FLAGS;
	if (r->kind == DP_DEST && row_dest(&c->rows, op->row)->set)
		rec_set_there(c, op->row);
	if (r->kind == DP_NEIGH)
		row_ip(&c->rows, op->row)->have_mac = op->mac;
	rec_set_have_dest(c, r, op->to);
}

static void dest_deleted(struct rec *c, uint32_t h)
{
	struct dest_row *d = row_dest(&c->rows, h);

	d->refs++; /* holds it while its rows let go */
	rec_lose_dest(c, h);
	d->refs--;
	d->mass = false;
}

static void del_done(struct rec *c, struct row *r, const struct dp_op *op)
{
	r->force = r->wrote = false;
	if (op->parts & DP_PORT && (r->port == DP_SEEN_OURS || r->port == DP_SEEN_CLAIM))
		r->port = DP_SEEN_NONE;
	if (op->parts == DP_PORT) {
		r->bare = r->port == DP_SEEN_NONE;
		rec_set_spare(c, r, r->bare && !r->wanted && rec_dies_with_dest(c, r));
		return;
	}
	r->self = DP_SEEN_NONE;
	r->bare = false;
	r->have_flags = 0;
	if (r->kind == DP_DEST && row_dest(&c->rows, op->row)->set)
		rec_set_gone(c, op->row);
	if (r->kind != DP_DEST)
		rec_set_have_dest(c, r, 0);
	else if (row_dest(&c->rows, op->row)->n_spare)
		dest_deleted(c, op->row);
}

static void dest_back(struct rec *c, uint32_t h)
{
	struct dest_row *d = row_dest(&c->rows, h);
	bool lost = d->lost;

	d->going = d->lost = false;
	d->refs++; /* it is looked at once more */
	if (lost)
		rec_dest_seen(c, h, false);
	d->refs--;
}

static void ask_done(struct row *r, const struct dp_op *op)
{
	r->ask = false;
	if (!rec_is_local(r->port))
		return;
	if (op->answer == DP_AT_VXLAN)
		r->give = true;
	else if (op->answer == DP_AT_NOWHERE)
		r->port = DP_SEEN_NONE;
}

static void apply(struct rec *c, struct row *r, const struct dp_op *op)
{
	switch (op->type) {
	case DP_OP_PUT:
		put_done(c, r, op);
		break;
	case DP_OP_DEL:
		del_done(c, r, op);
		break;
	case DP_OP_ASK:
		ask_done(r, op);
		break;
	case DP_OP_GIVE:
		r->give = false;
		break;
	}
	r->err = 0;
	r->level = 0;
	c->writes += op->type != DP_OP_ASK;
}

/* Part of it may have been done: what must be undone later counts as ours. */
static void half_done(struct row *r, const struct dp_op *op)
{
	if (op->type != DP_OP_PUT)
		return;
	r->force = r->wrote = true;
	if (op->parts & DP_PORT && rec_is_local(r->port))
		r->ask = true;
}

static unsigned back_off(struct rec *c, uint32_t h, int err)
{
	struct row *r = row_at(&c->rows, h);
	unsigned level = r->err && r->level + 1 < REC_LEVELS ? r->level + 1u : r->level;

	r->err = (uint8_t)-err;
	r->level = (uint8_t)level;
	c->errors++;
	if (r->list == ROW_LIST_NONE)
		enlist(c, h, ROW_LIST_RETRY);
	return level_tenths(level) / 10;
}

static unsigned refused(struct rec *c, struct row *r, const struct dp_op *op, int err)
{
	if (op->type == DP_OP_GIVE) { /* the port is gone: so is the row */
		r->give = false;
		r->port = DP_SEEN_OURS;
		r->ifindex = 0;
		return 0;
	}
	if (rec_plan(c, op->row).todo <= REC_TELL)
		return 0;
	if (op->to && row_at(&c->rows, dest_object(c, op->to))->list == ROW_LIST_RETRY) {
		wait_for_dest(c, op->row, row_at(&c->rows, dest_object(c, op->to)));
		return 0;
	}
	return back_off(c, op->row, err);
}

unsigned rec_done(struct rec *c, const struct dp_op *op, int err)
{
	struct row *r = row_at(&c->rows, op->row);
	bool placed = !err && op->type == DP_OP_PUT && op->kind == DP_FDB && op->flags & DP_ON_DEMAND;
	uint32_t vni = op->vni;
	struct mac mac = op->mac;
	unsigned again = 0;

	r->inflight = false;
	c->n_out--;
	rec_touch(c, r);
	if (!err)
		apply(c, r, op);
	else
		half_done(r, op);
	if (err && err != -EAGAIN)
		again = refused(c, r, op, err);
	if (r->kind == DP_DEST)
		dest_back(c, op->row);
	rec_settle(c, op->row);
	if (op->to)
		rec_dest_unref(c, op->to);
	if (!c->n_out)
		rec_landed(c);
	if (placed && c->ev.demand)
		c->ev.demand(c->ev.ctx, vni, &mac, true);
	return again;
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

static struct mtime retry_due(const struct rec *c, unsigned level)
{
	uint32_t h = c->retry[level].head;

	if (!h)
		return MTIME_NEVER;
	return mtime_add_us(c->start, ((int64_t)row_at(&c->rows, h)->since + level_tenths(level)) * TENTH_US);
}

struct mtime rec_next(const struct rec *c)
{
	struct mtime next = MTIME_NEVER;

	for (unsigned i = 0; i < REC_LEVELS; i++) {
		if (mtime_before(retry_due(c, i), next))
			next = retry_due(c, i);
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

/* While the burst goes on nothing is known; after it what still waits goes by itself, but for those whose VTEP is going. */
static void look_at_spare(struct rec *c)
{
	if (c->dirty.n >= c->burst_min) {
		c->spare_look = mtime_add_ms(c->now, SPARE_MS);
		return;
	}
	c->spare_look = MTIME_NEVER;
	for (uint32_t h = 0; (h = rows_next(&c->rows, h));) {
		struct row *r = row_at(&c->rows, h);

		if (!r->spare || row_dest(&c->rows, r->have_dest)->mass)
			continue;
		rec_set_spare(c, r, false);
		rec_settle(c, h);
	}
}

void rec_set_now(struct rec *c, struct mtime now)
{
	if (!c->started)
		c->start = now;
	c->started = true;
	c->now = now;
	for (unsigned i = 0; i < REC_LEVELS; i++) {
		while (!mtime_before(now, retry_due(c, i))) {
			uint32_t h = c->retry[i].head;

			unlist(c, h);
			rec_settle(c, h);
		}
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

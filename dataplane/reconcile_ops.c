/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Operations: made of dirty rows when the backend asks for some, destinations before the
 * rows that need them, and what came of each.
 */
#include "dataplane/reconcile.h"

#include <errno.h>

#include "dataplane/note.h"

static struct dp_dest *dest_value(struct rec *c, uint32_t h)
{
	return h ? &row_dest(&c->rows, h)->d : NULL;
}

static void make_op(struct rec *c, uint32_t h, struct rec_plan p, struct dp_op *op)
{
	struct row *r = row_at(&c->rows, h);
	static const uint8_t type[] = {
		[REC_PUT] = DP_OP_PUT, [REC_DEL] = DP_OP_DEL, [REC_ASK] = DP_OP_ASK, [REC_GIVE] = DP_OP_GIVE,
		[REC_LOOK] = DP_OP_LOOK
	};

	*op = (struct dp_op){ .type = type[p.todo],
			      .kind = r->kind,
			      .parts = p.parts,
			      .mac = r->mac,
			      .row = h,
			      .old_flags = r->have_flags };
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
		op->ip = row_ip(&c->rows, h);
	if (p.todo == REC_PUT) {
		op->flags = r->want_flags;
		op->to = r->wanted ? row_want_dest(r) : row_have_dest(r); /* a kept one gets its mark */
		if (op->to)
			rec_dest_ref(c, op->to); /* until dp_done() */
		op->dest = dest_value(c, op->to);
		op->old = r->self == DP_SEEN_OURS ? dest_value(c, row_have_dest(r)) : NULL;
		op->local = r->self;
	} else {
		op->dest = dest_value(c, row_have_dest(r));
		op->ifindex = row_ifindex(r);
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
		rec_unlist(c, h);
	rec_enlist(c, h, ROW_LIST_RETRY);
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

			rec_unlist(c, o);
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

	if (row_want_dest(r))
		return pull_object(c, h, dest_object(c, row_want_dest(r)), p);
	for (uint32_t i = 0; s && needs == NEEDS_THERE && i < s->want.n; i++)
		needs = pull_object(c, h, s->want.dest[i], p);
	return needs;
}

unsigned rec_pull(struct rec *c, struct dp_op *ops, unsigned max)
{
	struct pull p = { .ops = ops, .max = max };

	rec_lose_rows(c);
	while (c->dirty.n && p.n + 2 <= max) {
		uint32_t h = rowset_first(&c->dirty);
		struct row *r = row_at(&c->rows, h);
		struct rec_plan plan = rec_plan(c, h);
		enum needs needs;

		if (plan.todo == REC_TELL) {
			rec_unlist(c, h);
			rec_tell(c, h);
			continue;
		}
		if (plan.todo <= REC_BLOCKED || (r->kind != DP_DEST && !row_vni(&c->rows, r)->ready)) {
			rec_unlist(c, h);
			rec_settle(c, h);
			continue;
		}
		needs = plan.todo == REC_PUT ? pull_needs(c, h, &p) : NEEDS_THERE;
		if (needs == NEEDS_LATER)
			break;
		if (needs == NEEDS_RETRY)
			continue;
		rec_unlist(c, h);
		make_op(c, h, plan, &ops[p.n++]);
	}
	return p.n;
}

static void put_done(struct rec *c, struct row *r, const struct dp_op *op)
{
	if (op->parts & DP_PORT && (!r->ask || r->away)) {
		r->port = DP_SEEN_OURS;
		r->to.ifindex = 0;
		r->ask = r->give = false;
	}
	rec_set_self(c, r, DP_SEEN_OURS);
	r->wrote = true;
	r->away = r->bare = false;
	r->have_flags = op->flags & REC_VALUE_FLAGS;
	if (r->kind == DP_DEST && row_dest(&c->rows, op->row)->set)
		rec_set_there(c, op->row);
	if (r->kind == DP_NEIGH)
		r->at.have_mac = op->mac;
	rec_set_have_dest(c, r, op->to);
}

static void del_done(struct rec *c, struct row *r, const struct dp_op *op)
{
	r->force = false;
	/* A vxlan row that is left is ours still, whatever an older word of its end may say. */
	r->wrote = r->wrote && op->parts == DP_PORT && r->self == DP_SEEN_OURS;
	if (op->parts & DP_PORT && (r->port == DP_SEEN_OURS || r->port == DP_SEEN_CLAIM))
		r->port = DP_SEEN_NONE;
	if (op->parts == DP_PORT) {
		r->bare = r->port == DP_SEEN_NONE;
		rec_set_spare(c, r, r->bare && !r->wanted && rec_dies_with_dest(c, r));
		return;
	}
	rec_set_self(c, r, DP_SEEN_NONE);
	r->bare = false;
	r->have_flags = 0;
	if (r->kind == DP_DEST && row_dest(&c->rows, op->row)->set)
		rec_set_gone(c, op->row);
	if (r->kind != DP_DEST)
		rec_set_have_dest(c, r, 0);
	else if (row_dest(&c->rows, op->row)->n_spare)
		rec_lose_dest(c, op->row, true);
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

/*
 * What was seen on a port, and what the kernel says now. A learned row that we ran over is given
 * back; one that is nobody's to give (a port's own address) is not there any more, ours is.
 */
static void ask_done(struct row *r, const struct dp_op *op)
{
	r->ask = false;
	if (rec_is_local(r->port) && op->answer == DP_AT_VXLAN) {
		r->give = true;
	} else if (r->port == DP_SEEN_OWN && op->answer == DP_AT_VXLAN) {
		r->port = DP_SEEN_OURS;
		r->to.ifindex = 0;
	} else if (rec_is_local(r->port) && op->answer == DP_AT_NOWHERE) {
		r->port = DP_SEEN_NONE;
	}
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
		rec_enlist(c, h, ROW_LIST_RETRY);
	return rec_level_tenths(level) / 10;
}

/* The object of the destination has ended, which is why the row was refused: it is written after that. */
static bool has_ended(const struct rec *c, uint32_t dest)
{
	uint32_t o = dest_object(c, dest);

	return row_at(&c->rows, o)->self != DP_SEEN_OURS || row_dest(&c->rows, o)->lost;
}

static unsigned refused(struct rec *c, struct row *r, const struct dp_op *op, int err)
{
	if (op->type == DP_OP_GIVE) { /* the port is gone: so is the row */
		r->give = false;
		r->port = DP_SEEN_OURS;
		r->to.ifindex = 0;
		return 0;
	}
	if (rec_plan(c, op->row).todo <= REC_TELL)
		return 0;
	if (op->to && row_at(&c->rows, dest_object(c, op->to))->list == ROW_LIST_RETRY) {
		wait_for_dest(c, op->row, row_at(&c->rows, dest_object(c, op->to)));
		return 0;
	}
	if (op->to && has_ended(c, op->to))
		return 0;
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
	note_done(c, r, op, err);
	if (!err && op->undone)
		rec_undone(c, op);
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

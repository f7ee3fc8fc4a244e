/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What a row calls for, from its state alone. */
#include "dataplane/reconcile.h"

#include <string.h>

static const struct rec_plan nothing = { REC_NOTHING, 0, NULL };

static struct rec_plan blocked(const char *why)
{
	return (struct rec_plan){ REC_BLOCKED, 0, why };
}

static struct rec_plan todo(enum rec_todo what, unsigned parts)
{
	return (struct rec_plan){ what, (uint8_t)parts, NULL };
}

static bool value_differs(const struct row *r)
{
	return r->force || r->self != DP_SEEN_OURS || row_have_dest(r) != row_want_dest(r) ||
	       r->have_flags != r->want_flags;
}

static const char *why_port_blocks(const struct row *r)
{
	switch (r->port) {
	case DP_SEEN_LOCAL:
		return "the MAC sits on a local port";
	case DP_SEEN_LOCAL_EXTERN:
		return "the MAC is set on a local port by another program";
	case DP_SEEN_LOCAL_STATIC:
		return "the MAC is set by hand on a local port";
	default:
		return "the MAC is a port's own address";
	}
}

static struct rec_plan plan_fdb_wanted(const struct row *r, bool bridged)
{
	unsigned parts = !bridged || r->port == DP_SEEN_FOREIGN ? DP_SELF : DP_PORT | DP_SELF;

	if (r->self == DP_SEEN_FOREIGN)
		return r->to.have == r->to.want ? nothing : blocked("another program's row of this MAC is there");
	if (value_differs(r) || (parts & DP_PORT && r->port != DP_SEEN_OURS))
		return todo(REC_PUT, parts);
	return nothing;
}

/*
 * A part that does not seem to be there goes with the other: an event that says so may be
 * older than our last write, and the kernel deletes on the vxlan port only.
 */
static struct rec_plan plan_unwanted(const struct row *r, bool bridged)
{
	unsigned parts = 0;

	if (r->keep || !rec_is_ours(r))
		return nothing;
	if (bridged && (r->port == DP_SEEN_OURS || r->port == DP_SEEN_CLAIM || r->port == DP_SEEN_NONE))
		parts |= DP_PORT;
	if (r->self == DP_SEEN_OURS || r->self == DP_SEEN_CLAIM || r->self == DP_SEEN_NONE)
		parts |= DP_SELF;
	return parts ? todo(REC_DEL, parts) : nothing;
}

bool rec_dies_with_dest(const struct rec *c, const struct row *r)
{
	const struct dest_row *d;

	if (r->self != DP_SEEN_OURS || !row_have_dest(r) || c->n_unread)
		return false;
	d = row_dest(&c->rows, r->to.have);
	if (d->r.self != DP_SEEN_OURS)
		return false;
	return d->mass || (c->dirty.n >= c->burst_min && rec_is_mass(c, d));
}

/*
 * Many rows whose destination nobody wants: their bridge rows are deleted one by one, their vxlan rows with the
 * destination, which takes the kernel 20 ms for 100,000. In a burst the last wish for it may be about to go, so it is
 * done in that order there, too.
 */
static struct rec_plan plan_fdb_unwanted(const struct rec *c, const struct row *r, bool bridged)
{
	struct rec_plan p = plan_unwanted(r, bridged);

	if (p.parts != (DP_PORT | DP_SELF))
		return p;
	if (r->spare)
		return blocked("goes with its VTEP");
	if (r->bare)
		return todo(REC_DEL, DP_SELF);
	return rec_dies_with_dest(c, r) ? todo(REC_DEL, DP_PORT) : p;
}

static struct rec_plan plan_fdb(const struct rec *c, const struct row *r, bool bridged)
{
	bool local = rec_is_local(r->port) || r->port == DP_SEEN_OWN;

	if (r->unread > ROW_UNREAD)
		return todo(REC_LOOK, DP_PORT | DP_SELF);
	if (r->wanted && (!local || r->away))
		return plan_fdb_wanted(r, bridged);
	if (r->ask)
		return todo(REC_ASK, 0);
	if (r->give)
		return todo(REC_GIVE, 0);
	if (r->wanted)
		return blocked(why_port_blocks(r));
	return plan_fdb_unwanted(c, r, bridged);
}

/* A flood list cannot be asked for one of its rows. */
static struct rec_plan plan_flood(const struct dp_vni *v, const struct row *r)
{
	bool apart = v->unmarked && mac_is_zero(&r->mac);
	struct rec_plan p;

	if (r->unread)
		return r->wanted ? blocked("what is there is still being read") : nothing;
	if (!r->wanted) {
		if (r->keep && apart && r->self == DP_SEEN_OURS && r->port != DP_SEEN_OURS)
			return todo(REC_PUT, DP_PORT); /* or the next run would not know it as ours */
		p = plan_unwanted(r, false);
		p.parts |= p.parts && r->port == DP_SEEN_OURS ? DP_PORT : 0;
		return p;
	}
	if (r->self == DP_SEEN_FOREIGN)
		return nothing;
	if (value_differs(r))
		return todo(REC_PUT, DP_SELF | (apart ? DP_PORT : 0));
	return apart && r->port != DP_SEEN_OURS ? todo(REC_PUT, DP_PORT) : nothing;
}

static struct rec_plan plan_neigh(const struct row *r)
{
	bool same = mac_eq(&r->at.have_mac, &r->mac);

	if (!r->wanted)
		return plan_unwanted(r, false);
	switch (r->self) {
	case DP_SEEN_FOREIGN:
	case DP_SEEN_LOCAL_STATIC:
		return same ? nothing : blocked("another program's neighbour entry of this address is there");
	case DP_SEEN_LOCAL:
		return same || r->away ? todo(REC_PUT, DP_SELF) : blocked("the address is a local host's");
	default:
		return !same || value_differs(r) ? todo(REC_PUT, DP_SELF) : nothing;
	}
}

/* While not all rows are known, some may go to a set of an earlier run that nobody knows of: they would end with it. */
static struct rec_plan plan_dest(const struct rec *c, const struct dest_row *d)
{
	const struct row *r = &d->r;

	if (d->d.label)
		return nothing;
	if (d->wants)
		return r->force || r->self != DP_SEEN_OURS || rec_set_differs(d) ? todo(REC_PUT, DP_SELF) : nothing;
	return dest_holds(d) || c->n_unread ? nothing : plan_unwanted(r, false);
}

static bool must_tell(const struct dp_vni *v, const struct row *r)
{
	if (v->closing)
		return false;
	if (r->idle || r->doubt)
		return v->ready;
	if (rec_is_local(rec_local_state(r)))
		return r->told_far || (v->ready && (!r->told || r->tell) && !r->away);
	if (rec_is_far(r))
		return r->told || (v->ready && (!r->told_far || r->tell));
	return r->told || r->told_far;
}

struct rec_plan rec_plan(const struct rec *c, uint32_t h)
{
	const struct row *r = row_at(&c->rows, h);
	const struct dp_vni *v;

	if (r->kind == DP_DEST)
		return plan_dest(c, row_dest(&c->rows, h));
	v = row_vni(&c->rows, r);
	if (must_tell(v, r))
		return todo(REC_TELL, 0);
	switch (r->kind) {
	case DP_FDB:
		return plan_fdb(c, r, v->bridged);
	case DP_FLOOD:
		return plan_flood(v, r);
	default:
		return plan_neigh(r);
	}
}

const char *rec_pending(const struct rec *c, uint32_t h)
{
	const struct row *r = row_at(&c->rows, h);
	struct rec_plan p = rec_plan(c, h);

	if (!r->wanted || p.todo == REC_NOTHING)
		return NULL;
	if (p.why)
		return p.why;
	if (r->err)
		return strerrordesc_np(r->err);
	return row_vni(&c->rows, r)->ready ? "waits for its turn" : "the devices are not ready";
}

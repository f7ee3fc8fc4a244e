/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A VNI of whose rows not all are known, because the backend's table is too large to be read before rows are written.
 * What is local is known all the same, which is what writing depends on; for the rest a row says whether it was read:
 *
 *	READ    it is known what is there of it
 *	UNREAD  it is not, and nobody has asked
 *	ASK     a wish or a row that was met asks: the backend is to look, and nothing else is done about it before
 *	GONE    the same after the wish has ended: what is ours of it goes at once, as if it had been known
 *
 * What another hand had written is asked about as well when events were lost, since its end may have been one of them.
 * Flood rows cannot be looked up, so they wait until all is read; so do the sweep and the end of destinations, to which
 * rows may go that nobody knows of yet.
 */
#include "dataplane/reconcile.h"

static bool has_to_be_read(const struct row *r)
{
	return r->kind != DP_NEIGH;
}

/* What was met of flooding in a reading that is not believed. */
static void read_anew(struct rec *c, struct dp_vni *v)
{
	for (uint32_t h = 0; (h = rows_next_of(&c->rows, v, h));) {
		struct row *r = row_at(&c->rows, h);

		if (r->kind != DP_FLOOD || !r->unread)
			continue;
		r->port = DP_SEEN_NONE;
		rec_set_self(c, r, DP_SEEN_NONE);
		r->keep = false;
		rec_set_have_dest(c, r, 0);
		rec_settle(c, h);
	}
}

void rec_vni_unread(struct rec *c, struct dp_vni *v)
{
	if (v->unread)
		read_anew(c, v);
	if (v->unread || v->closing)
		return;
	v->unread = true;
	c->n_unread++;
	for (uint32_t h = 0; (h = rows_next_of(&c->rows, v, h));) {
		struct row *r = row_at(&c->rows, h);

		if (!has_to_be_read(r))
			continue;
		rec_set_unread(c, r, r->wanted ? ROW_UNREAD_ASK : ROW_UNREAD);
		v->awaits |= r->wanted && r->kind == DP_FLOOD;
		rec_settle(c, h);
	}
}

void rec_vni_unread_no_more(struct rec *c, struct dp_vni *v)
{
	if (!v->unread)
		return;
	v->unread = v->met = v->awaits = v->sweep_waits = false;
	if (--c->n_unread)
		return;
	for (uint32_t h = 0; (h = rows_dest_next(&c->rows, h));)
		rec_settle(c, h);
}

/* When all was met and looked up. */
static void end_reading(struct rec *c, struct dp_vni *v)
{
	bool sweep = v->sweep_waits;

	if (!v->met || v->n_asked)
		return;
	rec_vni_unread_no_more(c, v);
	if (sweep)
		rec_sweep(c, v);
}

/* Parts that another hand had written and that the answer lacks are not there any more. */
static void lose_foreign(struct rec *c, struct row *r, const struct dp_seen *s, unsigned n)
{
	unsigned there = 0;

	for (unsigned i = 0; i < n; i++)
		there |= s[i].part;
	if (r->port == DP_SEEN_FOREIGN && !(there & DP_PORT))
		r->port = DP_SEEN_NONE;
	if (r->self != DP_SEEN_FOREIGN || there & DP_SELF)
		return;
	rec_set_self(c, r, DP_SEEN_NONE);
	rec_set_have_dest(c, r, 0);
}

void rec_looked(struct rec *c, const struct dp_op *op, const struct dp_seen *s, unsigned n)
{
	struct row *r = row_at(&c->rows, op->row);
	struct dp_vni *v = row_vni(&c->rows, r);
	bool gone = r->unread == ROW_UNREAD_GONE;

	r->inflight = false;
	c->n_out--;
	rec_set_unread(c, r, ROW_READ);
	r->err = 0;
	r->level = 0;
	for (unsigned i = 0; i < n; i++)
		rec_take(c, op->row, &s[i]);
	lose_foreign(c, r, s, n);
	if (gone)
		r->keep = false;
	rec_settle(c, op->row);
	for (unsigned i = 0; i < n; i++)
		if (s[i].dest)
			rec_settle(c, s[i].dest);
	end_reading(c, v);
	if (!c->n_out)
		rec_landed(c);
}

void rec_vni_met(struct rec *c, const struct dp_seen *s)
{
	struct row_key k = row_key(&c->rows, s->vni, s->kind, &s->mac, &s->ip);
	bool known = !s->vni->unread || s->state == DP_SEEN_NONE || s->ifindex || s->kind == DP_NEIGH;
	uint32_t h = known ? 0 : rows_find(&c->rows, &k);

	if (!known && !h)
		h = rec_add(c, &k);
	if (h && s->kind == DP_FLOOD && row_at(&c->rows, h)->unread)
		rec_take(c, h, s); /* nobody of us has written it meanwhile */
	else if (h && s->kind == DP_FDB && row_at(&c->rows, h)->unread == ROW_UNREAD)
		rec_set_unread(c, row_at(&c->rows, h), ROW_UNREAD_ASK);
	if (h)
		rec_settle(c, h);
	if (s->dest && s->state != DP_SEEN_NONE)
		rec_settle(c, s->dest);
}

void rec_vni_read(struct rec *c, struct dp_vni *v)
{
	if (!v->unread)
		return;
	v->met = true;
	v->awaits = false;
	for (uint32_t h = 0; (h = rows_next_of(&c->rows, v, h));) {
		struct row *r = row_at(&c->rows, h);

		if (r->kind == DP_FLOOD || (r->unread == ROW_UNREAD && !rec_is_foreign(r)))
			rec_set_unread(c, r, ROW_READ);
		rec_settle(c, h);
	}
	end_reading(c, v);
}

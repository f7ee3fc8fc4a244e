/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See note.h. */
#include "dataplane/note.h"

#include <errno.h>
#include <string.h>

/*
 * A device that goes, or a program that deletes all it sees, is thousands of rows at once: of one second the first ones
 * are worth keeping.
 */
#define NOTES_A_SECOND 256u
#define SECOND_US 1000000

static void add(struct rec *c, const struct history_event *e)
{
	static const struct history_event more = { .kind = HISTORY_ROW, .what = HISTORY_ALTERED,
						   .reason = "and more rows in this second, which are not noted" };

	if (mtime_diff_us(c->noted, c->now) >= SECOND_US) {
		c->noted = c->now;
		c->n_noted = 0;
	}
	if (c->n_noted++ < NOTES_A_SECOND)
		history_add(c->history, HISTORY_ROWS, e);
	else if (c->n_noted == NOTES_A_SECOND + 1)
		history_add(c->history, HISTORY_ROWS, &more);
}

static const char *table_of(uint8_t kind, unsigned part)
{
	if (kind == DP_DEST)
		return "nexthop";
	return kind == DP_NEIGH ? "neigh" : part == DP_PORT ? "bridge" : "vxlan";
}

/* NULL where it goes to none, or to a set of them. */
static const struct ip *vtep_of(const struct rec *c, uint32_t dest)
{
	const struct ip *vtep = dest ? &row_dest(&c->rows, dest)->d.vtep : NULL;

	return vtep && vtep->len ? vtep : NULL;
}

void note_mend(struct rec *c, struct row *r, const struct dp_seen *s, enum history_what what)
{
	struct history_event e = { .kind = HISTORY_ROW,
				   .what = (uint8_t)what,
				   .vni = s->vni->vni,
				   .table = table_of(s->kind, s->part),
				   .mac = s->kind == DP_NEIGH ? &r->mac : &s->mac,
				   .ip = s->kind == DP_NEIGH ? &s->ip : NULL,
				   .vtep = vtep_of(c, row_want_dest(r)) };

	c->repairs++;
	r->mend = true;
	add(c, &e);
}

void note_mend_dest(struct rec *c, uint32_t dest, enum history_what what)
{
	struct history_event e = {
		.kind = HISTORY_ROW, .what = (uint8_t)what, .table = "nexthop", .vtep = vtep_of(c, dest)
	};

	row_at(&c->rows, dest)->mend = true;
	add(c, &e);
}

static void note_news(struct rec *c, const struct row *r, const struct dp_op *op, int err)
{
	struct history_event e = { .kind = HISTORY_ROW,
				   .what = err      ? HISTORY_REFUSED
					   : r->err ? HISTORY_PLACED
						    : HISTORY_RESTORED,
				   .vni = op->vni,
				   .mac = op->kind == DP_DEST || mac_is_zero(&op->mac) ? NULL : &op->mac,
				   .ip = op->kind == DP_NEIGH ? &op->ip : NULL,
				   .vtep = op->kind == DP_FLOOD ? &op->ip
								: vtep_of(c, op->kind == DP_DEST ? op->row : op->to),
				   .table = table_of(op->kind, op->parts & DP_SELF ? DP_SELF : DP_PORT),
				   .reason = err ? strerrordesc_np(-err) : NULL };

	add(c, &e);
}

void note_done(struct rec *c, struct row *r, const struct dp_op *op, int err)
{
	if (op->type != DP_OP_PUT || err == -EAGAIN || (err ? r->err == (uint8_t)-err : !r->err && !r->mend))
		return;
	note_news(c, r, op, err);
	r->mend = r->mend && err;
}

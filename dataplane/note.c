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

static struct ip vtep_of(const struct rec *c, uint32_t dest)
{
	return dest ? row_dest(&c->rows, dest)->d.vtep : ip_none();
}

void note_mend(struct rec *c, struct row *r, const struct dp_seen *s, enum history_what what)
{
	struct history_event e = { .kind = HISTORY_ROW, .what = (uint8_t)what, .vni = s->vni->vni, .mac = s->mac,
				   .table = table_of(s->kind, s->part), .vtep = vtep_of(c, row_want_dest(r)) };

	if (s->kind == DP_NEIGH) {
		e.mac = r->mac;
		e.ip = s->ip;
	}
	c->repairs++;
	r->mend = true;
	add(c, &e);
}

void note_mend_dest(struct rec *c, uint32_t dest, enum history_what what)
{
	struct history_event e = { .kind = HISTORY_ROW, .what = (uint8_t)what, .table = "nexthop", .vtep = vtep_of(c, dest) };

	row_at(&c->rows, dest)->mend = true;
	add(c, &e);
}

void note_done(struct rec *c, struct row *r, const struct dp_op *op, int err)
{
	struct history_event e = { .kind = HISTORY_ROW,
				   .vni = op->vni,
				   .mac = op->mac,
				   .vtep = op->kind == DP_DEST ? vtep_of(c, op->row) : op->kind == DP_FLOOD ? op->ip : vtep_of(c, op->to),
				   .table = table_of(op->kind, op->parts & DP_PORT && !(op->parts & DP_SELF) ? DP_PORT : DP_SELF) };

	if (op->type != DP_OP_PUT || err == -EAGAIN || (err ? r->err == (uint8_t)-err : !r->err && !r->mend))
		return;
	if (op->kind == DP_NEIGH)
		e.ip = op->ip;
	e.what = err ? HISTORY_REFUSED : r->err ? HISTORY_PLACED : HISTORY_RESTORED;
	e.reason = err ? strerrordesc_np(-err) : NULL;
	r->mend = r->mend && err;
	add(c, &e);
}

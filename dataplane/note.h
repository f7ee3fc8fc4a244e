/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What reconcile notes in the daemon's history (base/history.h): rows that another hand has changed, and that they are
 * put right; rows that are refused, and that they are there after all. What goes as it should is no news.
 */
#ifndef DATAPLANE_NOTE_H
#define DATAPLANE_NOTE_H

#include "dataplane/reconcile.h"

/* A row that should be there is not, or is another, by what was seen: counts a repair. */
void note_mend(struct rec *c, struct row *r, const struct dp_seen *s, enum history_what what);
/* The same of a destination. */
void note_mend_dest(struct rec *c, uint32_t dest, enum history_what what);
/* What became of an operation, where that is news. r is as it was before, err what the backend says. */
void note_done(struct rec *c, struct row *r, const struct dp_op *op, int err);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Of a row of 40 members a table shows a dozen. Taking the others out of the text before it is parsed is what makes a
 * table of a million routes a matter of seconds.
 */
#ifndef CMD_EVPNCTL_PICK_H
#define CMD_EVPNCTL_PICK_H

#include "base/buf.h"
#include "cmd/evpnctl/view.h"

#define PICK_MAX 24u

/* The members that a view needs; n 0: it does not say. */
struct pick {
	struct pick_name {
		const char *s;
		size_t len;
	} names[PICK_MAX];
	size_t n;
};

struct pick pick_for(const struct view *view); /* NULL: none */
struct pick pick_names(const char *names); /* with a blank between, NULL: none; borrowed */
/*
 * The row, an object as evpnd writes it (on one line, no spaces between tokens), with those members
 * only. False, and out is of no use, when it is something else or when there is no choice to be made.
 */
bool pick_members(const struct pick *p, const char *row, size_t len, struct buf *out);

#endif

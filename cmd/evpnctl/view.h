/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* How each verb's reply looks as text: columns of a table, fields of a block. Data only. */
#ifndef CMD_EVPNCTL_VIEW_H
#define CMD_EVPNCTL_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "cmd/evpnctl/format.h"
#include "cmd/verb.h"

enum {
	VIEW_RIGHT = 1, /* numbers */
	VIEW_FLEX = 2   /* may be cut where the terminal is too narrow */
};

struct view_column {
	const char *title;
	const char *field; /* path of format_member() */
	format_fn format;
	uint8_t flags;
	uint8_t drop; /* 0: always shown; else the highest goes first when the terminal is too narrow */
};

/*
 * A line of a block. The first one is its head, without a title. A line whose field is null or missing, or without
 * text, is left out.
 */
struct view_field {
	const char *title;
	const char *field; /* NULL: the format looks at the row */
	format_fn format;
};

struct view {
	const struct view_column *columns;
	const struct view_field *fields;
	size_t n_columns, n_fields;
	/*
	 * Members that the columns' formats look at beside their fields, for tables that may be long; NULL: nobody has
	 * said so, and the formats get whole rows.
	 */
	const char *also;
	const char *empty; /* what to say when there are no rows */
};

/* How to show a reply to these arguments; NULL: lines of text as they are. */
const struct view *view_of(const struct verb_args *args);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Text out of rows: a table printed in slices, or blocks of fields. */
#ifndef CMD_EVPNCTL_RENDER_H
#define CMD_EVPNCTL_RENDER_H

#include <stdio.h>

#include "cmd/evpnctl/view.h"

struct table;

/* width: of the terminal, 0 when there is none (then nothing is cut or left out). */
struct table *table_new(const struct view *view, size_t width, FILE *out);
void table_add(struct table *t, const json_t *row);
/* Prints what is left and frees t. */
void table_finish(struct table *t);

/* width as table_new()'s: longer lines go on below their value. */
void block_print(const struct view *view, const json_t *row, size_t width, FILE *out);
/* Words that begin in column indent, and go on there in the next line when one would pass width. */
void fill_print(const char *text, size_t len, size_t indent, size_t width, FILE *out);

#endif

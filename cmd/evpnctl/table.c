/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Tables by libsmartcols. Cells are gathered by slices of 1,000 rows: the first slice decides which columns fit and
 * how wide they are, the ones after it are printed alike. So a million rows need no more memory than a thousand.
 * Rows of the later slices that are plain ASCII, nearly all, are put together here: that takes a tenth of the time.
 */
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/evpnctl/render.h"

#define SLICE_ROWS 1000u
#define COLUMNS_MAX 16u
#define FLEX_MIN 8u /* a column that can be cut is not cut below this, nor below its title */

struct table {
	const struct view *view;
	size_t width; /* of the terminal, 0: none */
	FILE *out;
	struct libscols_table *scols;
	struct libscols_column *column[COLUMNS_MAX]; /* NULL: left out */
	bool headed;
	size_t widths[COLUMNS_MAX]; /* once headed */
	struct buf line;
	size_t rows, total;
	struct buf cell[SLICE_ROWS][COLUMNS_MAX];
};

struct table *table_new(const struct view *view, size_t width, FILE *out)
{
	struct table *t = xcalloc(1, sizeof(*t));

	BUG_ON(view->n_columns > COLUMNS_MAX);
	t->view = view;
	t->width = width;
	t->out = out;
	buf_init(&t->line);
	return t;
}

static const char *cell_text(struct buf *cell)
{
	buf_add(cell, "", 1);
	return buf_data(cell);
}

/* Columns of characters in UTF-8 text: octets that do not continue one. */
static size_t text_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void measure(const struct table *t, size_t widths[COLUMNS_MAX])
{
	for (size_t c = 0; c < t->view->n_columns; c++) {
		widths[c] = strlen(t->view->columns[c].title);
		for (size_t r = 0; r < t->rows; r++) {
			size_t w = text_width(buf_data(&t->cell[r][c]));

			if (w > widths[c])
				widths[c] = w;
		}
	}
}

/* What a column of this width needs at least. */
static size_t least_column(const struct view_column *col, size_t width)
{
	size_t least = strlen(col->title) > FLEX_MIN ? strlen(col->title) : FLEX_MIN;

	return col->flags & VIEW_FLEX && width > least ? least : width;
}

/* All of them, with one space between them. */
static size_t least_width(const struct table *t, const size_t widths[COLUMNS_MAX], const bool shown[COLUMNS_MAX])
{
	size_t sum = 0;

	for (size_t c = 0; c < t->view->n_columns; c++)
		if (shown[c])
			sum += least_column(&t->view->columns[c], widths[c]) + 1;
	return sum ? sum - 1 : 0;
}

/* Leaves out the least important columns until the rest fits. */
static void choose_columns(const struct table *t, bool shown[COLUMNS_MAX])
{
	size_t widths[COLUMNS_MAX];

	for (size_t c = 0; c < t->view->n_columns; c++)
		shown[c] = true;
	if (!t->width)
		return;
	measure(t, widths);
	while (least_width(t, widths, shown) > t->width) {
		size_t worst = 0;

		for (size_t c = 0; c < t->view->n_columns; c++)
			if (shown[c] && t->view->columns[c].drop &&
			    (!worst || t->view->columns[c].drop > t->view->columns[worst - 1].drop))
				worst = c + 1;
		if (!worst)
			return;
		shown[worst - 1] = false;
	}
}

static void make_columns(struct table *t)
{
	bool shown[COLUMNS_MAX];

	choose_columns(t, shown);
	t->scols = scols_new_table();
	if (!t->scols)
		BUG("no memory for a table");
	scols_table_set_termforce(t->scols, t->width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (t->width)
		scols_table_set_termwidth(t->scols, t->width);
	scols_table_set_stream(t->scols, t->out);
	for (size_t c = 0; c < t->view->n_columns; c++) {
		const struct view_column *col = &t->view->columns[c];
		int flags = (col->flags & VIEW_RIGHT ? SCOLS_FL_RIGHT : 0) |
			    (col->flags & VIEW_FLEX && t->width ? SCOLS_FL_TRUNC : 0);

		if (shown[c])
			t->column[c] = scols_table_new_column(t->scols, col->title, 0, flags);
	}
}

/* After the first slice: no heading again, and the same widths. */
static void fix_widths(struct table *t)
{
	scols_table_enable_noheadings(t->scols, 1);
	for (size_t c = 0; c < t->view->n_columns; c++)
		if (t->column[c]) {
			t->widths[c] = scols_column_get_width(t->column[c]);
			scols_column_set_whint(t->column[c], (double)t->widths[c]);
			scols_column_set_flags(t->column[c],
					       scols_column_get_flags(t->column[c]) | SCOLS_FL_STRICTWIDTH);
		}
	t->headed = true;
}

/* ---- rows by libsmartcols ---- */

static void scols_add(struct table *t, size_t r)
{
	struct libscols_line *line = scols_table_new_line(t->scols, NULL);
	size_t n = 0;

	for (size_t c = 0; c < t->view->n_columns; c++)
		if (t->column[c])
			scols_line_set_data(line, n++, buf_data(&t->cell[r][c]));
}

static void scols_flush(struct table *t)
{
	scols_print_table(t->scols);
	scols_table_remove_lines(t->scols);
	if (!t->headed)
		fix_widths(t);
}

/* ---- rows put together here ---- */

/* Printable ASCII that libsmartcols would leave as it is. */
static bool is_plain(const char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~' || *s == '\\')
			return false;
	return true;
}

static bool row_is_plain(const struct table *t, size_t r)
{
	for (size_t c = 0; c < t->view->n_columns; c++)
		if (t->column[c] && !is_plain(buf_data(&t->cell[r][c])))
			return false;
	return true;
}

static void add_spaces(struct buf *line, size_t n)
{
	memset(buf_reserve(line, n), ' ', n);
	buf_commit(line, n);
}

/* One space between columns, none behind the last. */
static void add_cell(struct table *t, size_t c, const char *text)
{
	const struct view_column *col = &t->view->columns[c];
	size_t len = strlen(text), width = t->widths[c], pad = len < width ? width - len : 0;

	if (len > width && col->flags & VIEW_FLEX && t->width)
		len = width;
	if (col->flags & VIEW_RIGHT)
		add_spaces(&t->line, pad);
	buf_add(&t->line, text, len);
	add_spaces(&t->line, col->flags & VIEW_RIGHT ? 1 : pad + 1);
}

static void print_plain(struct table *t, size_t r)
{
	const char *text;
	size_t len;

	buf_reset(&t->line);
	for (size_t c = 0; c < t->view->n_columns; c++)
		if (t->column[c])
			add_cell(t, c, buf_data(&t->cell[r][c]));
	text = buf_data(&t->line);
	len = t->line.len;
	while (len && text[len - 1] == ' ')
		len--;
	fwrite(text, 1, len, t->out);
	fputc('\n', t->out);
}

/* ---- slices ---- */

static void print_headed(struct table *t)
{
	for (size_t r = 0; r < t->rows; r++) {
		if (row_is_plain(t, r)) {
			print_plain(t, r);
			continue;
		}
		scols_add(t, r);
		scols_flush(t);
	}
}

static void print_first(struct table *t)
{
	make_columns(t);
	for (size_t r = 0; r < t->rows; r++)
		scols_add(t, r);
	scols_flush(t);
}

static void print_slice(struct table *t)
{
	if (t->headed)
		print_headed(t);
	else
		print_first(t);
	for (size_t r = 0; r < t->rows; r++)
		for (size_t c = 0; c < t->view->n_columns; c++)
			buf_reset(&t->cell[r][c]);
	t->rows = 0;
}

void table_add(struct table *t, const json_t *row)
{
	for (size_t c = 0; c < t->view->n_columns; c++) {
		const struct view_column *col = &t->view->columns[c];
		struct buf *cell = &t->cell[t->rows][c];

		col->format(cell, col->field ? format_member(row, col->field) : NULL, row);
		cell_text(cell);
	}
	t->total++;
	if (++t->rows == SLICE_ROWS)
		print_slice(t);
}

void table_finish(struct table *t)
{
	if (t->rows)
		print_slice(t);
	if (!t->total && t->view->empty)
		fprintf(t->out, "%s\n", t->view->empty);
	if (t->scols)
		scols_unref_table(t->scols);
	for (size_t r = 0; r < SLICE_ROWS; r++)
		for (size_t c = 0; c < COLUMNS_MAX; c++)
			buf_fini(&t->cell[r][c]);
	buf_fini(&t->line);
	free(t);
}

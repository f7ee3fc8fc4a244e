/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Marks and error lines of one load. */
#include "conf/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"

#define QUOTE_MAX 48 /* octets of a value that a message shows */

void load_init(struct load *ld, const char *file, struct config *c)
{
	*ld = (struct load){ .file = file, .config = c };
	mark_add(ld, 0, 0, false, 0, 0, 0); /* none */
	mark_add(ld, 0, 0, false, 0, 1, 1); /* MARK_ROOT */
}

void load_fini(struct load *ld)
{
	for (size_t i = 0; i < ld->n_errors; i++)
		free(ld->errors[i].text);
	free(ld->errors);
	free(ld->marks);
}

/* ---- marks ------------------------------------------------------------------------------------------------------- */

uint32_t mark_add(struct load *ld, uint32_t parent, uint32_t last, bool item, size_t what, size_t line, size_t column)
{
	uint32_t m = ld->n_marks;

	array_room(ld->marks, m, ld->cap_marks, 256);
	ld->n_marks++;
	ld->marks[m] = (struct mark){ .line = (uint32_t)line & 0x7fffffff, .column = (uint32_t)column, .parent = parent,
				      .what = (uint32_t)what & 0x7fffffff, .item = item };
	if (last)
		ld->marks[last].next = m;
	else if (parent)
		ld->marks[parent].first = m;
	return m;
}

/* The row that the value at m belongs to; of an item, its list's. With out, appends the path. */
static const struct schema_key *mark_row(const struct load *ld, uint32_t m, struct buf *out)
{
	const struct mark *mark = mark_at(ld, m);
	const struct schema_key *k;

	if (m == MARK_ROOT)
		return &schema_root;
	k = mark_row(ld, mark->parent, out);
	if (mark->item) {
		if (out)
			buf_printf(out, "[%u]", mark->what);
		return k;
	}
	k = &k->map->keys[mark->what];
	if (out)
		buf_printf(out, "%s%s", out->len ? "." : "", k->name);
	return k;
}

uint32_t mark_key(const struct load *ld, uint32_t m, const char *key)
{
	const struct schema_map *map;
	const struct schema_key *k;

	BUG_ON(!m);
	map = mark_row(ld, m, NULL)->map;
	k = schema_find(map, key, strlen(key));
	BUG_ON(!k);
	for (uint32_t i = mark_at(ld, m)->first; i; i = mark_at(ld, i)->next)
		if (mark_at(ld, i)->what == (uint32_t)(k - map->keys))
			return i;
	return 0;
}

bool mark_good(const struct load *ld, uint32_t m, const char *key)
{
	uint32_t i = mark_key(ld, m, key);

	return i && !mark_at(ld, i)->bad;
}

bool mark_not_bad(const struct load *ld, uint32_t m, const char *key)
{
	return !mark_at(ld, mark_key(ld, m, key))->bad;
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static void error_add(struct load *ld, size_t line, size_t column, const struct buf *path, const char *fmt, va_list ap)
{
	struct load_error *e;
	struct buf b;
	int n;

	if (ld->n_errors == LOAD_ERRORS_MAX) {
		ld->left_out++;
		return;
	}
	if (!(ld->n_errors & (ld->n_errors - 1)))
		ld->errors = xrealloc(ld->errors, (ld->n_errors ? ld->n_errors * 2 : 1) * sizeof(*ld->errors));
	buf_init(&b);
	buf_printf(&b, "%s:%zu:%zu: ", ld->file, line, column);
	if (path->len) {
		buf_add(&b, buf_data(path), path->len);
		buf_adds(&b, ": ");
	}
	n = vsnprintf(buf_reserve(&b, 1024), 1024, fmt, ap);
	buf_commit(&b, n < 1024 ? (size_t)n : 1023);
	e = &ld->errors[ld->n_errors];
	*e = (struct load_error){ (uint32_t)line, (uint32_t)column, (uint32_t)ld->n_errors, xcalloc(1, b.len + 1) };
	memcpy(e->text, buf_data(&b), b.len);
	ld->n_errors++;
	buf_fini(&b);
}

void load_error(struct load *ld, uint32_t m, const char *fmt, ...)
{
	struct buf path;
	va_list ap;

	buf_init(&path);
	mark_row(ld, m, &path);
	va_start(ap, fmt);
	error_add(ld, mark_at(ld, m)->line, mark_at(ld, m)->column, &path, fmt, ap);
	va_end(ap);
	buf_fini(&path);
	ld->marks[m].bad = true;
}

static void path_of_key(const struct load *ld, uint32_t m, const char *key, struct buf *path)
{
	buf_init(path);
	mark_row(ld, m, path);
	if (path->len)
		buf_adds(path, ".");
	buf_adds(path, key);
}

void load_error_key(struct load *ld, uint32_t m, const char *key, uint32_t instead, const char *fmt, ...)
{
	uint32_t at = mark_key(ld, m, key);
	struct buf path;
	va_list ap;

	if (!at)
		at = instead;
	path_of_key(ld, m, key, &path);
	va_start(ap, fmt);
	error_add(ld, mark_at(ld, at)->line, mark_at(ld, at)->column, &path, fmt, ap);
	va_end(ap);
	buf_fini(&path);
}

void load_error_at(struct load *ld, size_t line, size_t column, uint32_t m, const char *key, const char *fmt, ...)
{
	struct buf path;
	va_list ap;

	if (m)
		path_of_key(ld, m, key, &path);
	else
		buf_init(&path);
	va_start(ap, fmt);
	error_add(ld, line, column, &path, fmt, ap);
	va_end(ap);
	buf_fini(&path);
}

bool load_is_hopeless(const struct load *ld)
{
	return ld->left_out;
}

static int error_cmp(const void *va, const void *vb)
{
	const struct load_error *a = va, *b = vb;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

void load_take_errors(struct load *ld, struct config_errors *err)
{
	struct buf more;

	if (ld->n_errors)
		qsort(ld->errors, ld->n_errors, sizeof(*ld->errors), error_cmp);
	err->lines = xcalloc(ld->n_errors + 1, sizeof(*err->lines));
	for (err->n = 0; err->n < ld->n_errors; err->n++)
		err->lines[err->n] = ld->errors[err->n].text;
	if (ld->left_out) {
		buf_init(&more);
		buf_printf(&more, "%s: expected a configuration, found more than %u errors and stopped", ld->file,
			   LOAD_ERRORS_MAX);
		buf_add(&more, "", 1);
		err->lines[err->n++] = xstrdup(buf_data(&more));
		buf_fini(&more);
	}
	ld->n_errors = 0;
}

void load_quote(struct buf *out, const char *s, size_t len)
{
	size_t shown = len > QUOTE_MAX ? QUOTE_MAX - 3 : len;

	/* Not in the midst of a character. */
	while (shown < len && shown && ((unsigned char)s[shown] & 0xc0) == 0x80)
		shown--;
	buf_adds(out, "\"");
	for (size_t i = 0; i < shown; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_add(out, s + i, 1);
	}
	buf_printf(out, "\"%s", shown < len ? "..." : "");
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* One object as lines of "title   value". */
#include <string.h>

#include "cmd/evpnctl/render.h"

/* Nothing worth a line: missing, null, or an array without elements. */
static bool is_void(const json_t *v)
{
	return !v || json_is_null(v) || (json_is_array(v) && !json_array_size(v));
}

static int title_width(const struct view *view)
{
	size_t width = 0;

	for (size_t i = 0; i < view->n_fields; i++)
		if (view->fields[i].title && strlen(view->fields[i].title) > width)
			width = strlen(view->fields[i].title);
	return (int)width;
}

void fill_print(const char *text, size_t len, size_t indent, size_t width, FILE *out)
{
	const char *end = text + len;
	size_t column = indent;

	for (const char *word = text; word < end;) {
		const char *space = memchr(word, ' ', (size_t)(end - word));
		size_t n = (size_t)((space ? space : end) - word);

		if (word > text && width && column + 1 + n > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (word > text) {
			fputc(' ', out);
			column++;
		}
		fwrite(word, 1, n, out);
		column += n;
		word += n + 1;
	}
}

void block_print(const struct view *view, const json_t *row, size_t width, FILE *out)
{
	int titles = title_width(view);
	struct buf text;

	buf_init(&text);
	for (size_t i = 0; i < view->n_fields; i++) {
		const struct view_field *f = &view->fields[i];
		const json_t *v = f->field ? format_member(row, f->field) : NULL;

		if (f->field && is_void(v))
			continue;
		buf_reset(&text);
		f->format(&text, v, row);
		if (!text.len) /* nothing that another line does not say */
			continue;
		if (f->title)
			fprintf(out, "  %-*s  ", titles, f->title);
		fill_print(buf_data(&text), text.len, f->title ? (size_t)titles + 4 : 0, width, out);
		fputs("\n", out);
	}
	buf_fini(&text);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* One object as lines of "title   value". */
#include <string.h>

#include "cmd/evpnctl_render.h"

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

void block_print(const struct view *view, const json_t *row, FILE *out)
{
	int width = title_width(view);
	struct buf text;

	buf_init(&text);
	for (size_t i = 0; i < view->n_fields; i++) {
		const struct view_field *f = &view->fields[i];
		const json_t *v = f->field ? format_member(row, f->field) : NULL;

		if (f->field && is_void(v))
			continue;
		buf_reset(&text);
		f->format(&text, v, row);
		if (f->title)
			fprintf(out, "  %-*s  %.*s\n", width, f->title, (int)text.len, buf_data(&text));
		else
			fprintf(out, "%.*s\n", (int)text.len, buf_data(&text));
	}
	buf_fini(&text);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/pick.h"

#include <string.h>

#include "base/log.h"

/* Behind the string that begins at p; NULL when it does not end. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		p += *p == '\\';
	return p < end ? p + 1 : NULL;
}

/* Behind the value that begins at p: at the comma or the bracket that ends it. NULL when there is none. */
static const char *skip_value(const char *p, const char *end)
{
	for (int depth = 0; p && p < end;) {
		if (*p == '"') {
			p = skip_string(p, end);
			continue;
		}
		if (!depth && (*p == ',' || *p == '}'))
			return p;
		depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
		p++;
	}
	return NULL;
}

static void add_name(struct pick *p, const char *s, size_t len)
{
	BUG_ON(p->n == PICK_MAX);
	p->names[p->n++] = (struct pick_name){ s, len };
}

static void add_names(struct pick *p, const char *names)
{
	for (const char *w = names; *w; w += *w == ' ') {
		add_name(p, w, strcspn(w, " "));
		w += strcspn(w, " ");
	}
}

struct pick pick_names(const char *names)
{
	struct pick p = { .n = 0 };

	if (names)
		add_names(&p, names);
	return p;
}

struct pick pick_for(const struct view *view)
{
	struct pick p = { .n = 0 };

	if (!view || !view->columns || !view->also)
		return p;
	for (size_t i = 0; i < view->n_columns; i++) {
		const char *field = view->columns[i].field;

		if (field)
			add_name(&p, field, strcspn(field, "."));
	}
	add_names(&p, view->also);
	return p;
}

static bool is_picked(const struct pick *p, const char *name, size_t len)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->names[i].len == len && memcmp(p->names[i].s, name, len) == 0)
			return true;
	return false;
}

bool pick_members(const struct pick *pick, const char *row, size_t len, struct buf *out)
{
	const char *end = row + len, *p = row + 1;

	if (!pick->n || len < 2 || row[0] != '{')
		return false;
	buf_reset(out);
	buf_add(out, "{", 1);
	while (p < end && *p == '"') {
		const char *colon = skip_string(p, end);
		const char *next = colon && colon < end && *colon == ':' ? skip_value(colon + 1, end) : NULL;

		if (!next)
			return false;
		if (is_picked(pick, p + 1, (size_t)(colon - p) - 2)) {
			if (out->len > 1)
				buf_add(out, ",", 1);
			buf_add(out, p, (size_t)(next - p));
		}
		p = *next == ',' ? next + 1 : next;
	}
	buf_add(out, "}", 1);
	return p + 1 == end && *p == '}';
}

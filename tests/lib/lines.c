/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See lines.h. */
#include "tests/lib/lines.h"

#include <string.h>

static void keep(void *ctx, enum log_level level, enum log_subsys sub, const char *line)
{
	struct lines *l = ctx;

	buf_printf(&l->text, "%s %s\n", log_level_name(level), line);
}

void lines_init(struct lines *l, enum log_level level)
{
	*l = (struct lines){ .log = { .level = level, .sink = keep, .ctx = l } };
	buf_init(&l->text);
}

void lines_fini(struct lines *l)
{
	buf_fini(&l->text);
}

const char *lines_text(struct lines *l)
{
	buf_reserve(&l->text, 1)[0] = '\0';
	return buf_data(&l->text);
}

unsigned lines_count(struct lines *l, const char *what)
{
	const char *p = lines_text(l), *hit;
	unsigned n = 0;

	while ((hit = strstr(p, what))) {
		n++;
		p = strchr(hit, '\n');
	}
	return n;
}

void lines_clear(struct lines *l)
{
	buf_reset(&l->text);
}

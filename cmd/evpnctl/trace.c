/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/trace.h"

#include <string.h>

#include "cmd/evpnctl/render.h"

#define INDENT 19u /* "5 outer neighbour  " */

static const char *text_of(const json_t *row, const char *member)
{
	const char *s = json_string_value(json_object_get(row, member));

	return s ? s : "";
}

/* The member after mark, at the depth of rows. */
static void print_line(const json_t *row, const char *member, const char *mark, size_t width, FILE *out)
{
	const char *s = text_of(row, member);

	if (!s[0])
		return;
	fprintf(out, "%*s%s", (int)INDENT, "", mark);
	fill_print(s, strlen(s), INDENT + strlen(mark), width, out);
	fputs("\n", out);
}

static const char *title_of(const char *step)
{
	static const struct {
		const char *step, *title;
	} titles[] = {
		{ "source", "- source" },
		{ "inner-route", "1 inner route" },
		{ "inner-neighbour", "2 inner neighbour" },
		{ "fdb", "3 fdb" },
		{ "outer-route", "4 outer route" },
		{ "outer-neighbour", "5 outer neighbour" },
	};

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (!strcmp(step, titles[i].step))
			return titles[i].title;
	return step;
}

static void print_step(const json_t *row, const char *before, size_t width, FILE *out)
{
	const char *step = text_of(row, "step"), *asked = text_of(row, "asked"), *result = text_of(row, "result");

	fprintf(out, "%-*s", (int)INDENT, strcmp(step, before) ? title_of(step) : "");
	fill_print(asked, strlen(asked), INDENT, width, out);
	fprintf(out, "  %s\n", result);
	print_line(row, "answer", "= ", width, out);
	print_line(row, "detail", "  ", width, out);
	print_line(row, "advice", "> ", width, out);
}

void trace_print(const json_t *trace, size_t width, FILE *out)
{
	const json_t *steps = json_object_get(trace, "steps"), *row;
	const char *before = "", *verdict = text_of(trace, "verdict");
	size_t i;

	json_array_foreach(steps, i, row) {
		print_step(row, before, width, out);
		before = text_of(row, "step");
	}
	fprintf(out, "\n%s: ", text_of(trace, "result"));
	fill_print(verdict, strlen(verdict), strlen(text_of(trace, "result")) + 2, width, out);
	fputs("\n", out);
	if (text_of(trace, "advice")[0])
		fprintf(out, "to do: %s\n", text_of(trace, "advice"));
}

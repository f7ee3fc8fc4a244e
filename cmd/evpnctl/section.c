/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/section.h"

#include <stdarg.h>
#include <string.h>

void section_begin(struct sections *s, const char *title)
{
	s->lines = 0;
	s->octets = 0;
	s->cut = false;
	fprintf(s->out, "==== %s\n", title);
}

static void put_visible(const char *line, size_t len, FILE *out)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			fputc(c, out);
	}
	fputc('\n', out);
}

bool section_line(struct sections *s, const char *line, size_t len)
{
	if (len && line[len - 1] == '\n')
		len--;
	s->cut = s->cut || s->lines == s->lines_max || s->octets + len + 1 > s->octets_max ||
		 s->total + len + 1 > s->total_max;
	if (s->cut)
		return false;
	put_visible(line, len, s->out);
	s->lines++;
	s->octets += len + 1;
	s->total += len + 1;
	return true;
}

void section_printf(struct sections *s, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	section_line(s, line, n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

void section_end(struct sections *s)
{
	if (s->cut)
		fprintf(s->out, "(cut: %u line%s and no more)\n", s->lines, s->lines == 1 ? "" : "s");
	fputc('\n', s->out);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A text file of titled sections of lines, each section and the whole bounded: what is
 * too much is cut at a line, and the file says so.
 *
 *	==== show vtep
 *	{"vtep":"192.0.2.2","vnis":2,"macs":2}
 *	(cut: 1 line and no more)
 */
#ifndef CMD_EVPNCTL_SECTION_H
#define CMD_EVPNCTL_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct sections {
	FILE *out;
	uint32_t lines_max;           /* of a section */
	size_t octets_max, total_max; /* of a section; of all */
	/* Of the one that is open. */
	uint32_t lines;
	size_t octets, total;
	bool cut;
};

void section_begin(struct sections *s, const char *title);
/* A line with or without its end; what cannot be shown in it is escaped. False: it and all that follows is left out. */
bool section_line(struct sections *s, const char *line, size_t len);
void section_printf(struct sections *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void section_end(struct sections *s);

#endif

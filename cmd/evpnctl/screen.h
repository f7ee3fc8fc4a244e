/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A terminal that shows one page after the other, and keys from it. The page is written over the one before, by the few
 * control sequences that every terminal of today knows (ECMA-48, and xterm's second screen); ncurses would keep what it
 * has drawn to save octets, which a page a second does not need. Without a terminal, pages follow one another.
 */
#ifndef CMD_EVPNCTL_SCREEN_H
#define CMD_EVPNCTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <termios.h>

struct screen {
	bool terminal;
	size_t width, height; /* 0: no terminal, no bounds */
	uint64_t pages;
	struct termios before;
};

enum screen_event { SCREEN_TIME, SCREEN_REDRAW, SCREEN_END };

/* One at a time. Takes over SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT and SIGWINCH when there is a terminal. */
void screen_open(struct screen *s);
/* As it was before. */
void screen_close(struct screen *s);
/* Lines, each with its end; they are cut where the terminal ends. */
void screen_show(struct screen *s, const char *page);
/* For at most ms: what comes first. q ends, as an interrupt does; any other key asks for a new page. */
enum screen_event screen_wait(struct screen *s, int64_t ms);
/* A line without what is behind that many columns (0: all). */
void screen_put_line(const char *line, size_t len, size_t width, FILE *out);

#endif

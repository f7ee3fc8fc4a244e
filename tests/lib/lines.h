/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* A log that is kept for assertions, a line each: "LEVEL TEXT\n". */
#ifndef TESTS_LIB_LINES_H
#define TESTS_LIB_LINES_H

#include "base/buf.h"
#include "base/log.h"

struct lines {
	struct log log; /* to be given to the code under test */
	struct buf text;
};

void lines_init(struct lines *l, enum log_level level);
void lines_fini(struct lines *l);
/* How many lines contain what. */
unsigned lines_count(struct lines *l, const char *what);
/* Everything so far, terminated; valid until the next line. */
const char *lines_text(struct lines *l);
void lines_clear(struct lines *l);

#endif

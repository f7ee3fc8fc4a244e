/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A trace: the five lookups that stand between a host's packet and another VTEP, each as what was
 * asked, the row that was the answer, and what that means. Who asks adds rows in the order in
 * which a packet meets them; words are meant for the reader, `lookup` and `result` for programs.
 *
 *	cmd/evpnd/trace.c        who is meant; evpn's tables; the verdict
 *	dataplane/trace.c  what the dataplane would do with the frame, and the path to each VTEP
 */
#ifndef TRACE_H
#define TRACE_H

#include "base/addr.h"

enum trace_lookup {
	TRACE_INNER_ROUTE,
	TRACE_INNER_NEIGHBOUR,
	TRACE_SOURCE, /* no lookup: may the sender's frames come in? */
	TRACE_FDB,
	TRACE_OUTER_ROUTE,
	TRACE_OUTER_NEIGHBOUR
};

/* In order of weight. */
enum trace_result {
	TRACE_SKIPPED, /* not asked, detail says why */
	TRACE_OK,
	TRACE_WARNING, /* frames go on, but not as they should */
	TRACE_BROKEN   /* they do not */
};

struct trace_step {
	enum trace_lookup lookup;
	enum trace_result result;
	char asked[128];
	char answer[224]; /* the row itself; "": there is none */
	char detail[256]; /* what it means, in a sentence; "": as it should be */
	char advice[192]; /* what to do, a command where there is one; "": nothing */
	bool outweighed;  /* what was said last does not count, nor does what is advised about it */
};

struct trace { /* zeroed: empty */
	struct trace_step *steps;
	unsigned n;
};

#define TRACE_STEPS_MAX 256u /* further ones are dropped */

/* A row that is ok so far; valid until the next. */
struct trace_step *trace_add(struct trace *t, enum trace_lookup lookup, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void trace_answer(struct trace_step *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The result with its sentence; of two the heavier one stays, with its own. */
void trace_say(struct trace_step *s, enum trace_result result, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* What to do about what was said last. */
void trace_advise(struct trace_step *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The first of the heaviest; NULL without rows. */
const struct trace_step *trace_worst(const struct trace *t);
void trace_free(struct trace *t);

const char *trace_lookup_name(enum trace_lookup l); /* "source", "inner-route", ... */
const char *trace_result_name(enum trace_result r); /* "skipped", "ok", "warning", "broken" */

#endif

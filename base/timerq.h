/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Timers of an engine that has no clock: a queue of embedded nodes, ordered by deadline. The engine says what its next
 * deadline is (timerq_next) and runs what is due when it is told the time (timerq_run). A node is owned by what it is
 * embedded in; stop it before that is freed. O(log n) arm and stop, O(1) next.
 */
#ifndef BASE_TIMERQ_H
#define BASE_TIMERQ_H

#include <stddef.h>

#include "base/mtime.h"

struct timerq_node {
	struct mtime at;
	size_t pos; /* index in the heap + 1, 0 = not armed */
	void (*fn)(struct timerq_node *n, struct mtime now);
};

struct timerq {
	struct timerq_node **heap;
	size_t n, cap;
};

void timerq_init(struct timerq *q);
/* Every node must have been stopped. */
void timerq_fini(struct timerq *q);
/*
 * Arms or re-arms n for the time at; n->fn must be set. Nodes of the same time run in no particular but a repeatable
 * order.
 */
void timerq_arm(struct timerq *q, struct timerq_node *n, struct mtime at);
void timerq_stop(struct timerq *q, struct timerq_node *n);
/* MTIME_NEVER when nothing is armed. */
struct mtime timerq_next(const struct timerq *q);
/*
 * Runs every node that is due at now, each disarmed before its fn is called; a node armed
 * by a fn for a time <= now runs too.
 */
void timerq_run(struct timerq *q, struct mtime now);

static inline bool timerq_armed(const struct timerq_node *n)
{
	return n->pos != 0;
}

#endif

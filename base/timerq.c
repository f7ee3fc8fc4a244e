/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* A binary heap of pointers to nodes; every node knows its place, so it can be moved or taken out. */
#include "base/timerq.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/log.h"

void timerq_init(struct timerq *q)
{
	*q = (struct timerq){ 0 };
}

void timerq_fini(struct timerq *q)
{
	BUG_ON(q->n);
	free(q->heap);
	*q = (struct timerq){ 0 };
}

static void heap_put(struct timerq *q, size_t i, struct timerq_node *n)
{
	q->heap[i] = n;
	n->pos = i + 1;
}

/* Finds the place of n, for which place i is free now. */
static void heap_settle(struct timerq *q, size_t i, struct timerq_node *n)
{
	for (; i && mtime_before(n->at, q->heap[(i - 1) / 2]->at); i = (i - 1) / 2)
		heap_put(q, i, q->heap[(i - 1) / 2]);
	for (size_t child; (child = 2 * i + 1) < q->n; i = child) {
		if (child + 1 < q->n && mtime_before(q->heap[child + 1]->at, q->heap[child]->at))
			child++;
		if (!mtime_before(q->heap[child]->at, n->at))
			break;
		heap_put(q, i, q->heap[child]);
	}
	heap_put(q, i, n);
}

void timerq_arm(struct timerq *q, struct timerq_node *n, struct mtime at)
{
	n->at = at;
	if (!n->pos) {
		array_room(q->heap, q->n, q->cap, 16);
		heap_put(q, q->n++, n);
	}
	heap_settle(q, n->pos - 1, n);
}

void timerq_stop(struct timerq *q, struct timerq_node *n)
{
	size_t i = n->pos;
	struct timerq_node *last;

	if (!i)
		return;
	BUG_ON(i > q->n || q->heap[i - 1] != n);
	last = q->heap[--q->n];
	if (last != n)
		heap_settle(q, i - 1, last);
	n->pos = 0;
}

struct mtime timerq_next(const struct timerq *q)
{
	return q->n ? q->heap[0]->at : MTIME_NEVER;
}

void timerq_run(struct timerq *q, struct mtime now)
{
	while (q->n && !mtime_before(now, q->heap[0]->at)) {
		struct timerq_node *n = q->heap[0];

		timerq_stop(q, n);
		n->fn(n, now);
	}
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The inside of a dataplane, for dp.c, dp_backend.c and dp_show.c only. */
#ifndef DATAPLANE_DP_H
#define DATAPLANE_DP_H

#include "base/loop.h"
#include "dataplane/reconcile.h"

struct dp {
	const struct dp_ops *ops;
	void *be;
	struct loop *loop; /* NULL: someone calls dp_flush() and dp_set_now() */
	struct log *log;
	struct rec rec;
	struct loop_work work;
	struct loop_timer timer;
	struct mtime armed;        /* what timer is set to */
	struct log_limit refusals; /* of the lines about operations that were refused */
	bool found;                /* an earlier evpnd has left something in the kernel */
	unsigned n_closing;        /* VNIs that wait for their last row to go */
	bool hold;                 /* one of them waits only for operations that are out: no others are given out */
};

/* Sets the timer to when reconcile wants to be called next. */
void dp_arm_timer(struct dp *d);

#endif

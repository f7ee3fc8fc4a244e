/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* struct dp, for dp.c and dp_show.c only. */
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
	struct mtime armed;
	struct log_limit refusals;
	bool found; /* what an earlier evpnd left */
	unsigned n_closing; /* VNIs that wait for their last row to go */
	bool hold; /* one of them has, but for those that are out: nothing is given out meanwhile */
};

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * /metrics: what the show verbs count, in Prometheus' text format 0.0.4. Names are evpnd_*, in base units
 * (seconds, bytes); what only grows is a counter and ends in _total, and begins anew with the daemon.
 */
#ifndef CMD_HTTP_METRICS_H
#define CMD_HTTP_METRICS_H

#include <jansson.h>

#include "base/buf.h"
#include "cmd/http/http.h"

enum MHD_Result http_metrics(struct http *h, struct MHD_Connection *c);

/* Answers of the daemon, each a row or an array of rows. version NULL: it did not answer. */
struct metrics_answers {
	json_t *version, *memory, *neighbors, *vnis, *vteps, *traffic;
};

void metrics_write(const struct metrics_answers *a, struct buf *out);

#endif

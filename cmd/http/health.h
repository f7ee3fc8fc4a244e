/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* /healthz: is this VTEP of use? For who takes hosts out of service, and for people: one line a reason. */
#ifndef CMD_HTTP_HEALTH_H
#define CMD_HTTP_HEALTH_H

#include <jansson.h>

#include "base/buf.h"
#include "cmd/http/http.h"

enum MHD_Result http_health(struct http *h, struct MHD_Connection *c);

/*
 * Of the answers of show version, show neighbors and show vni. True, and a line: there is a session where there should
 * be one, all VNIs are ready. Else what is wrong.
 */
bool health_judge(const json_t *version, const json_t *neighbors, const json_t *vnis, struct buf *out);

#endif

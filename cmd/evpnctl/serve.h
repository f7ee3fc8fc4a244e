/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* `serve`: becomes evpnd-http, which is where this program is. */
#ifndef CMD_EVPNCTL_SERVE_H
#define CMD_EVPNCTL_SERVE_H

#include "cmd/verb.h"

/* The exit code when that is not possible. */
int serve_run(const char *socket, const struct verb_args *args);

#endif

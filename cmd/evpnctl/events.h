/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* An event of the history as a line, for monitor. In tables the formats of cmd/evpnctl/format.h do it. */
#ifndef CMD_EVPNCTL_EVENTS_H
#define CMD_EVPNCTL_EVENTS_H

#include <jansson.h>
#include <stdio.h>

void event_line_print(const json_t *row, FILE *out);

#endif

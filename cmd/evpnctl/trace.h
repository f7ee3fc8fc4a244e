/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* A trace as text: the lookups in order, their rows, what each means where that is not plain, and the verdict. */
#ifndef CMD_EVPNCTL_TRACE_H
#define CMD_EVPNCTL_TRACE_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/* width 0: no lines are broken. */
void trace_print(const json_t *trace, size_t width, FILE *out);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* why as text: what it is now, who claims it, its rows, what happened. */
#ifndef CMD_EVPNCTL_WHY_H
#define CMD_EVPNCTL_WHY_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/* width 0: no lines are broken. */
void why_print(const json_t *why, size_t width, FILE *out);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Counters by name, looked at again and again: how much a second. */
#ifndef CMD_EVPNCTL_RATES_H
#define CMD_EVPNCTL_RATES_H

#include <stdint.h>

struct rates;

struct rates *rates_new(void);
void rates_free(struct rates *r);
/* All counters are looked at now, at that time. What was not looked at in the round before is forgotten. */
void rates_begin(struct rates *r, double at_s);
/* The rate since the round before. Below 0 when it is not known: the counter is new, or its owner has begun anew. */
double rates_of(struct rates *r, const char *name, uint64_t value);

#endif

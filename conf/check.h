/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What one value alone cannot tell: keys that need others, duplicates, contradictions. Every check leaves out values
 * that were reported already. Lists may be long (hosts): they are sorted, never compared pair by pair.
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "conf/load.h"

/* A value to be compared with others of its kind, and the mark of what it stands for. */
struct entry {
	const void *value;
	uint32_t mark;
};

/* Orders values; NULL values do not occur. */
typedef int (*entry_cmp)(const void *a, const void *b);

/* By value, equal ones as they stand in the file. */
void entry_sort(struct entry *e, size_t n, entry_cmp cmp);
/* The line of a key of the map at m, or of the map when the key is left out. */
unsigned check_line(const struct load *ld, uint32_t m, const char *key);

/* check_vni.c: the VNIs, each for itself and beside the others. */
void check_vnis(struct load *ld);
/* check_device.c: interfaces that the VNIs name. */
void check_devices(struct load *ld);

#endif

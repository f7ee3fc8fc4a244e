/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Addresses of VTEPs, each kept once and named by a 32-bit handle, with the counts that show asks for. There are a few
 * thousand of them while millions of rows point at them.
 */
#ifndef EVPN_VTEP_H
#define EVPN_VTEP_H

#include "base/addr.h"
#include "base/htab.h"
#include "base/slab.h"

struct vtep {
	uint32_t chain;
	uint32_t refs;
	uint32_t macs; /* MAC entries whose row points at it */
	uint32_t vnis; /* VNIs that have it in their flood list */
	uint32_t tunnel; /* import handle of what is learned from the tunnel to be there, 0 while there is nothing */
	struct ip ip;
};

struct vtep_table {
	struct slab slab;
	struct htab index;
};

void vtep_table_init(struct vtep_table *t);
void vtep_table_fini(struct vtep_table *t);
/* The handle of ip, with one more reference that is the caller's. */
uint32_t vtep_take(struct vtep_table *t, const struct ip *ip);
void vtep_drop(struct vtep_table *t, uint32_t h);
/* NULL when there is none. */
const struct vtep *vtep_lookup(const struct vtep_table *t, const struct ip *ip);

static inline struct vtep *vtep_get(const struct vtep_table *t, uint32_t h)
{
	return slab_ptr(&t->slab, h);
}

#endif

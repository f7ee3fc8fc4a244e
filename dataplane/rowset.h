/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A queue of rows, as a set: a bit for each row, by its place in its slab, and a bit for each 64 of these. Rows need no
 * room for it, going in or out touches no other row, and rows come out in the order in which they lie in memory. It
 * goes round and round, so a row that comes in often does not hold up the others.
 */
#ifndef DATAPLANE_ROWSET_H
#define DATAPLANE_ROWSET_H

#include <stddef.h>
#include <stdint.h>

#define ROWSET_SLABS 3 /* the low two bits of a handle */

struct rowset {
	struct rowset_bits {
		uint64_t *words, *upper; /* a bit of upper for each word that is not 0 */
		uint32_t n;              /* words, a multiple of 64 */
	} bits[ROWSET_SLABS];
	uint32_t n;  /* rows */
	uint32_t at; /* how far the present round has come */
};

/* All zero is an empty one. */
void rowset_fini(struct rowset *s);
/* h must not be in the set, or, to be deleted, must be. */
void rowset_add(struct rowset *s, uint32_t h);
void rowset_del(struct rowset *s, uint32_t h);
/* The row whose turn it is, 0 in an empty set. It stays first until it is taken out. */
uint32_t rowset_first(struct rowset *s);
/* The one behind h in the order of slabs and places; 0 starts and ends. */
uint32_t rowset_next(const struct rowset *s, uint32_t h);
size_t rowset_bytes(const struct rowset *s);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A set of rows, of those that stand in a line: a bit a row, by slab and place in it, and a bit for each 64 of these.
 * Rows need no room for it, going in and out touches no other row, and rows come out in the order in which they lie in
 * memory. It goes round: who has just come in does not come before others again and again.
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
	uint32_t at; /* where the round is */
};

/* All zero is an empty one. */
void rowset_fini(struct rowset *s);
/* h must not be in; must be in. */
void rowset_add(struct rowset *s, uint32_t h);
void rowset_del(struct rowset *s, uint32_t h);
/* Whose turn it is, 0 in an empty set. It stays its turn until it is out. */
uint32_t rowset_first(struct rowset *s);
/* The one behind h in the order of slabs and places; 0 starts and ends. */
uint32_t rowset_next(const struct rowset *s, uint32_t h);
size_t rowset_bytes(const struct rowset *s);

#endif

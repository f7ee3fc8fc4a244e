/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Memory for tables that grow large, in pieces of some KiB. An owner that has grown past PAGES_HUGE_FROM gets them
 * cut out of huge pages: a table of a million is walked at random, and with small pages it is the address translation
 * that is waited for. What is put back is used again first; a huge page goes back to the system when all of it has come
 * back.
 * Below that nothing is taken in advance: each piece comes straight from the system and goes straight back.
 */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>
#include <stdint.h>

#define PAGES_HUGE_FROM (4u << 20) /* octets */

struct pages_chunk;

/* Zero it to start. Tables of one owner may share one; it must outlive them. */
struct pages {
	struct pages_chunk *chunks; /* by address */
	uint32_t n_chunks, cap_chunks;
	uint32_t n_empty; /* chunks with no piece out: one is kept */
	size_t out;       /* octets of all pieces */
};

/* Zeroed memory of that many octets, aligned to 1 KiB. Aborts when the system has none. */
void *pages_get(struct pages *p, size_t octets);
/* Octets as asked for. */
void pages_put(struct pages *p, void *m, size_t octets);
/* Everything has been put back. */
void pages_fini(struct pages *p);
/* What a piece of so many octets takes out of a huge page. */
size_t pages_round(size_t octets);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Memory by the page for tables that grow large: straight from the system and straight back. An owner that has grown
 * past PAGES_HUGE_FROM gets it out of regions for which huge pages are asked: a table of a million is walked at random,
 * and with small pages it is the address translation that is waited for. Below that nothing is taken in advance.
 */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>

#define PAGES_HUGE_FROM (4u << 20) /* octets */

/* Zero it to start. Tables of one owner may share one; it must outlive them. */
struct pages {
	char *next, *end; /* what is left of the last region */
	size_t mapped;    /* octets that are out */
};

/* Zeroed memory of that many octets, rounded up to whole pages. Aborts when the system has none. */
void *pages_get(struct pages *p, size_t octets);
/* Gives it back to the system at once; octets as asked for. */
void pages_put(struct pages *p, void *m, size_t octets);
/* Everything has been put back. */
void pages_fini(struct pages *p);
/* What an allocation of so many octets takes. */
size_t pages_round(size_t octets);

#endif

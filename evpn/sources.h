/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Who says so: the routes behind one row of a table, told apart by their RD. Nearly
 * always there is one, so the first is embedded; further ones are small nodes of a slab.
 */
#ifndef EVPN_SOURCES_H
#define EVPN_SOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slab.h"

struct source {
	uint32_t import; /* handle, see import.h; 0: there is none */
	uint8_t rd[8];
};

struct sources {
	struct source first;
	uint32_t more; /* handle of a struct source_node */
};

struct source_node {
	struct source s;
	uint32_t next;
};

static inline bool sources_empty(const struct sources *s)
{
	return !s->first.import;
}

/*
 * Adds the route of rd or replaces it; the handle that it had before, 0 when it is new. *steps: nodes that were looked
 * at are added to it.
 */
uint32_t sources_put(struct slab *nodes, struct sources *s, const uint8_t rd[8], uint32_t import, uint64_t *steps);
/* Removes it; the handle that it had, 0 when there was none. */
uint32_t sources_del(struct slab *nodes, struct sources *s, const uint8_t rd[8], uint64_t *steps);
bool sources_have(const struct slab *nodes, const struct sources *s, const uint8_t rd[8]);
/* The one after x, NULL behind the last. */
const struct source *sources_next(const struct slab *nodes, const struct sources *s, const struct source *x);

static inline const struct source *sources_first(const struct sources *s)
{
	return sources_empty(s) ? NULL : &s->first;
}

/* s must not change meanwhile. */
#define for_each_source(x, nodes, s)                                                                                   \
	for (const struct source *x = sources_first(s); (x); (x) = sources_next((nodes), (s), (x)))

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See sources.h. */
#include "evpn/sources.h"

#include <string.h>

static struct source_node *node_get(const struct slab *nodes, uint32_t h)
{
	return slab_ptr(nodes, h);
}

static bool is_of(const struct source *x, const uint8_t rd[8])
{
	return memcmp(x->rd, rd, 8) == 0;
}

/* Where the handle of the node of rd is kept; points at a 0 when there is none. */
static uint32_t *node_find(const struct slab *nodes, struct sources *s, const uint8_t rd[8], uint64_t *steps)
{
	uint32_t *at = &s->more;

	for (; *at && !is_of(&node_get(nodes, *at)->s, rd); ++*steps)
		at = &node_get(nodes, *at)->next;
	return at;
}

uint32_t sources_put(struct slab *nodes, struct sources *s, const uint8_t rd[8], uint32_t import, uint64_t *steps)
{
	struct source *x = &s->first;
	uint32_t was, *at;

	if (!sources_empty(s) && !is_of(x, rd)) {
		at = node_find(nodes, s, rd, steps);
		if (!*at)
			*at = slab_alloc(nodes);
		x = &node_get(nodes, *at)->s;
	}
	was = x->import;
	x->import = import;
	memcpy(x->rd, rd, 8);
	return was;
}

uint32_t sources_del(struct slab *nodes, struct sources *s, const uint8_t rd[8], uint64_t *steps)
{
	uint32_t was, gone, *at = &s->more;

	if (sources_empty(s))
		return 0;
	if (is_of(&s->first, rd)) {
		was = s->first.import;
		s->first = s->more ? node_get(nodes, s->more)->s : (struct source){ 0 };
	} else {
		at = node_find(nodes, s, rd, steps);
		was = *at ? node_get(nodes, *at)->s.import : 0;
	}
	gone = *at;
	if (gone) {
		*at = node_get(nodes, gone)->next;
		slab_free(nodes, gone);
	}
	return was;
}

const struct source *sources_next(const struct slab *nodes, const struct sources *s, const struct source *x)
{
	uint32_t h = x == &s->first ? s->more : ((const struct source_node *)(const void *)x)->next;

	return h ? &node_get(nodes, h)->s : NULL;
}

bool sources_have(const struct slab *nodes, const struct sources *s, const uint8_t rd[8])
{
	for_each_source(x, nodes, s)
		if (!memcmp(x->rd, rd, sizeof(x->rd)))
			return true;
	return false;
}

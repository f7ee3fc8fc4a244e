/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Who says where a MAC is, for a trace (include/evpn.h): the routes behind its entry and behind its addresses. */
#include <string.h>

#include "evpn/tables.h"

struct claims {
	struct evpn *e;
	uint32_t best;
	struct evpn_claim *out;
	size_t max, n;
};

static bool is_route(const struct import *im)
{
	return !im->fixed && !im->tunnel;
}

/* The best one goes to the first place, and what stood there to its own. */
static void add(struct claims *c, const struct source *s, bool binding)
{
	const struct import *im = import_get(&c->e->imports, s->import);
	struct evpn_claim claim = { .vtep = im->vtep ? *import_vtep(c->e, s->import) : ip_none(),
				    .sequence = im->sequence,
				    .sticky = im->sticky,
				    .best = s->import == c->best,
				    .route = is_route(im),
				    .last_resort = im->last_resort,
				    .binding = binding };
	struct evpn_claim *at = &c->out[c->n < c->max ? c->n : c->max - 1];

	c->n++;
	memcpy(claim.rd, s->rd, sizeof(claim.rd));
	if (claim.best && !c->out[0].best) {
		*at = c->out[0];
		at = &c->out[0];
	} else if (c->n > c->max) {
		return;
	}
	*at = claim;
}

static void add_all(struct claims *c, const struct sources *from, bool binding)
{
	for_each_source(x, &c->e->macs.nodes, from)
		add(c, x, binding);
}

size_t evpn_mac_claims(struct evpn *e, uint32_t vni, const struct mac *mac, struct evpn_claim *out, size_t max)
{
	const struct evi *evi = evi_find(&e->evis, vni);
	uint32_t h = evi ? mac_find(e, evi, mac) : 0;
	const struct mac_entry *m = h ? mac_get(e, h) : NULL;
	struct claims c = { .e = e, .out = out, .max = max };

	if (!m || !max)
		return 0;
	out[0].best = false;
	c.best = m->best;
	add_all(&c, &m->routes, false);
	for (uint32_t b = m->bindings; b; b = binding_get(e, b)->next)
		add_all(&c, &binding_get(e, b)->routes, true);
	return c.n;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * See flood.h. The index is by EVI and endpoint, so the routes that share a row are neighbours in one chain; the row
 * wants the lowest of their labels, which is the same whatever order they came in.
 */
#include <string.h>
#include <xxhash.h>

#include "evpn/tables.h"

static uint64_t key_hash(uint16_t evi, uint32_t endpoint)
{
	uint64_t k = (uint64_t)evi << 32 | endpoint;

	return XXH3_64bits(&k, sizeof(k));
}

static uint32_t endpoint_of(const struct evpn *e, const struct flood *f)
{
	return import_get(&e->imports, f->import)->endpoint;
}

static uint64_t flood_hash(void *owner, uint32_t h)
{
	const struct flood *f = flood_get(owner, h);

	return key_hash(f->evi, endpoint_of(owner, f));
}

static uint32_t *flood_link(void *owner, uint32_t h)
{
	return &flood_get(owner, h)->chain;
}

static const struct htab_ops flood_ops = { flood_hash, flood_link };

void flood_table_init(struct evpn *e)
{
	slab_init(&e->floods.slab, sizeof(struct flood));
	htab_init(&e->floods.index, &flood_ops, e);
}

void flood_table_fini(struct evpn *e)
{
	htab_fini(&e->floods.index);
	slab_fini(&e->floods.slab);
}

static uint32_t find(struct evpn *e, const struct evi *evi, uint32_t endpoint, const uint8_t rd[8],
		     const struct ip *originator)
{
	uint32_t h = htab_first(&e->floods.index, key_hash(evi->slot, endpoint));

	for (; h; h = flood_get(e, h)->chain, e->steps++) {
		const struct flood *f = flood_get(e, h);

		if (f->evi == evi->slot && endpoint_of(e, f) == endpoint && !memcmp(f->rd, rd, 8) &&
		    ip_eq(&vtep_get(&e->vteps, f->originator)->ip, originator))
			return h;
	}
	return 0;
}

/* The route that makes the row of this endpoint, 0 when none names it. *steps: those looked at are added to it. */
static uint32_t row_of(const struct evpn *e, uint16_t slot, uint32_t endpoint, uint64_t *steps)
{
	uint32_t best = 0, label = 0;

	for (uint32_t h = htab_first(&e->floods.index, key_hash(slot, endpoint)); h; h = flood_get(e, h)->chain) {
		const struct flood *f = flood_get(e, h);
		const struct import *im = import_get(&e->imports, f->import);

		++*steps;
		if (f->evi != slot || im->endpoint != endpoint)
			continue;
		if (!best || im->flood_label < label || (im->flood_label == label && h < best)) {
			best = h;
			label = im->flood_label;
		}
	}
	return best;
}

bool flood_is_row(const struct evpn *e, const struct flood *f)
{
	uint64_t steps = 0;
	uint32_t h = row_of(e, f->evi, endpoint_of(e, f), &steps);

	return h && flood_get(e, h) == f;
}

/* Where rows come on demand there is none for all that has none, or nothing would be missed: each group has its own. */
static void row_set(struct evpn *e, const struct evi *evi, struct dp_row *row, bool wanted)
{
	for (uint16_t i = 0; i < (evi->demand ? evi->n_groups : 1); i++) {
		if (evi->demand)
			row->key = dp_key_group(evi->vni, &evi->groups[i], &row->vtep);
		if (wanted)
			dp_want(e->dp, row);
		else
			dp_unwant(e->dp, &row->key);
	}
}

static void row_want(struct evpn *e, const struct evi *evi, uint32_t endpoint)
{
	uint32_t h = row_of(e, evi->slot, endpoint, &e->steps);
	struct vtep *v = vtep_get(&e->vteps, endpoint);
	struct dp_row row = { .key = dp_key_flood(evi->vni, &v->ip), .vtep = v->ip };
	uint32_t label;

	if (!h) {
		v->vnis--;
		note_vtep(e, evi, &v->ip, false);
		row_set(e, evi, &row, false);
		return;
	}
	label = import_get(&e->imports, flood_get(e, h)->import)->flood_label;
	row.label_vni = label == evi->vni ? 0 : label;
	row_set(e, evi, &row, true);
}

static void insert(struct evpn *e, struct evi *evi, const uint8_t rd[8], const struct ip *originator, uint32_t import)
{
	uint32_t h = slab_alloc(&e->floods.slab);
	struct flood *f = flood_get(e, h);

	f->evi = evi->slot;
	f->import = import_hold(&e->imports, import, IMPORT_FLOOD);
	f->originator = vtep_take(&e->vteps, originator);
	memcpy(f->rd, rd, 8);
	f->next = evi->floods;
	if (f->next)
		flood_get(e, f->next)->prev = h;
	evi->floods = h;
	evi->n_floods++;
	htab_insert(&e->floods.index, flood_hash(e, h), h);
}

static void remove(struct evpn *e, struct evi *evi, uint32_t h)
{
	struct flood *f = flood_get(e, h);

	htab_remove(&e->floods.index, flood_hash(e, h), h);
	if (f->next)
		flood_get(e, f->next)->prev = f->prev;
	if (f->prev)
		flood_get(e, f->prev)->next = f->next;
	else
		evi->floods = f->next;
	evi->n_floods--;
	vtep_drop(&e->vteps, f->originator);
	import_release(e, f->import, IMPORT_FLOOD);
	slab_free(&e->floods.slab, h);
}

void flood_route_set(struct evpn *e, struct evi *evi, const uint8_t rd[8], const struct ip *originator,
		     uint32_t import)
{
	uint32_t endpoint = import_get(&e->imports, import)->endpoint;
	uint32_t h = find(e, evi, endpoint, rd, originator);

	if (h) {
		uint32_t was = flood_get(e, h)->import;

		flood_get(e, h)->import = import_hold(&e->imports, import, IMPORT_FLOOD);
		import_release(e, was, IMPORT_FLOOD);
	} else {
		if (!row_of(e, evi->slot, endpoint, &e->steps)) {
			vtep_get(&e->vteps, endpoint)->vnis++;
			note_vtep(e, evi, &vtep_get(&e->vteps, endpoint)->ip, true);
		}
		insert(e, evi, rd, originator, import);
	}
	row_want(e, evi, endpoint);
}

void flood_route_del(struct evpn *e, struct evi *evi, const uint8_t rd[8], const struct ip *originator, uint32_t import)
{
	uint32_t endpoint = import_get(&e->imports, import)->endpoint;
	uint32_t h = find(e, evi, endpoint, rd, originator);

	if (!h)
		return;
	remove(e, evi, h);
	row_want(e, evi, endpoint);
}

void flood_clear(struct evpn *e, struct evi *evi)
{
	while (evi->floods) {
		struct flood f = *flood_get(e, evi->floods);
		struct ip originator = vtep_get(&e->vteps, f.originator)->ip;

		import_ref(&e->imports, f.import);
		flood_route_del(e, evi, f.rd, &originator, f.import);
		import_unref(e, f.import);
	}
}

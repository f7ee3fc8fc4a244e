/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See vtep.h. Routes, not VTEPs, are what can grow without bound, so an entry lives as long as something names it. */
#include "evpn/vtep.h"

#include <xxhash.h>

#include "base/log.h"

static uint64_t ip_hash(const struct ip *ip)
{
	return XXH3_64bits(ip, sizeof(*ip));
}

static uint64_t vtep_hash(void *owner, uint32_t h)
{
	return ip_hash(&vtep_get(owner, h)->ip);
}

static uint32_t *vtep_link(void *owner, uint32_t h)
{
	return &vtep_get(owner, h)->chain;
}

static const struct htab_ops vtep_ops = { vtep_hash, vtep_link };

void vtep_table_init(struct vtep_table *t)
{
	slab_init(&t->slab, sizeof(struct vtep));
	htab_init(&t->index, &vtep_ops, t);
}

void vtep_table_fini(struct vtep_table *t)
{
	htab_fini(&t->index);
	slab_fini(&t->slab);
}

static uint32_t find(const struct vtep_table *t, const struct ip *ip)
{
	uint32_t h = htab_first(&t->index, ip_hash(ip));

	while (h && !ip_eq(&vtep_get(t, h)->ip, ip))
		h = vtep_get(t, h)->chain;
	return h;
}

const struct vtep *vtep_lookup(const struct vtep_table *t, const struct ip *ip)
{
	uint32_t h = find(t, ip);

	return h ? vtep_get(t, h) : NULL;
}

uint32_t vtep_take(struct vtep_table *t, const struct ip *ip)
{
	uint32_t h = find(t, ip);
	struct vtep *v;

	if (h) {
		vtep_get(t, h)->refs++;
		return h;
	}
	h = slab_alloc(&t->slab);
	v = vtep_get(t, h);
	v->ip = *ip;
	v->refs = 1;
	htab_insert(&t->index, ip_hash(ip), h);
	return h;
}

void vtep_drop(struct vtep_table *t, uint32_t h)
{
	struct vtep *v = vtep_get(t, h);

	if (--v->refs)
		return;
	BUG_ON(v->macs || v->vnis);
	htab_remove(&t->index, ip_hash(&v->ip), h);
	slab_free(&t->slab, h);
}

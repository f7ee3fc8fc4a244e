/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "evpn/solicited.h"

#include <string.h>
#include <xxhash.h>

#include "evpn/tables.h"

struct solicited {
	uint32_t chain;
	uint32_t vtep; /* handle, with a reference */
	uint16_t evi;
	uint8_t by; /* enum solicited_by */
	uint8_t ip[16];
};

static struct solicited *get(const struct evpn *e, uint32_t h)
{
	return slab_ptr(&e->solicited.slab, h);
}

static uint64_t group_hash(const struct evpn *e, uint16_t evi, const uint8_t ip[16])
{
	return XXH3_64bits_withSeed(ip + 13, 3, e->seed + evi);
}

static uint64_t entry_hash(void *owner, uint32_t h)
{
	return group_hash(owner, get(owner, h)->evi, get(owner, h)->ip);
}

static uint32_t *entry_link(void *owner, uint32_t h)
{
	return &get(owner, h)->chain;
}

static const struct htab_ops ops = { entry_hash, entry_link };

void solicited_init(struct evpn *e)
{
	slab_init(&e->solicited.slab, sizeof(struct solicited));
	htab_init(&e->solicited.index, &ops, e);
}

void solicited_fini(struct evpn *e)
{
	htab_fini(&e->solicited.index);
	slab_fini(&e->solicited.slab);
}

/* Somebody of the same group is behind the VTEP. */
static bool is_needed(const struct evpn *e, uint16_t evi, const uint8_t ip[16], uint32_t vtep)
{
	uint32_t h = htab_first(&e->solicited.index, group_hash(e, evi, ip));

	for (; h; h = get(e, h)->chain)
		if (get(e, h)->evi == evi && get(e, h)->vtep == vtep && !memcmp(get(e, h)->ip + 13, ip + 13, 3))
			return true;
	return false;
}

static struct dp_row row_of(const struct evpn *e, const struct evi *evi, const uint8_t ip[16], uint32_t vtep)
{
	struct mac group = { { 0x33, 0x33, 0xff, ip[13], ip[14], ip[15] } };
	struct ip to = vtep_get(&e->vteps, vtep)->ip;

	return (struct dp_row){ .key = dp_key_group(evi->vni, &group, &to), .vtep = to };
}

static uint32_t find(const struct evpn *e, const struct evi *evi, const struct ip *ip, enum solicited_by by)
{
	uint32_t h = htab_first(&e->solicited.index, group_hash(e, evi->slot, ip->b));

	for (; h; h = get(e, h)->chain)
		if (get(e, h)->evi == evi->slot && get(e, h)->by == by && !memcmp(get(e, h)->ip, ip->b, 16))
			break;
	return h;
}

static void drop(struct evpn *e, const struct evi *evi, uint32_t h)
{
	struct solicited was = *get(e, h);
	struct dp_row row = row_of(e, evi, was.ip, was.vtep);

	htab_remove(&e->solicited.index, entry_hash(e, h), h);
	slab_free(&e->solicited.slab, h);
	if (!is_needed(e, was.evi, was.ip, was.vtep))
		dp_unwant(e->dp, &row.key);
	vtep_drop(&e->vteps, was.vtep);
}

static void add(struct evpn *e, const struct evi *evi, const struct ip *ip, enum solicited_by by, uint32_t vtep)
{
	struct ip to = vtep_get(&e->vteps, vtep)->ip;
	uint32_t h = slab_alloc(&e->solicited.slab);
	struct solicited *s = get(e, h);
	struct dp_row row;

	s->evi = evi->slot;
	s->by = (uint8_t)by;
	s->vtep = vtep_take(&e->vteps, &to);
	memcpy(s->ip, ip->b, sizeof(s->ip));
	htab_insert(&e->solicited.index, entry_hash(e, h), h);
	row = row_of(e, evi, s->ip, vtep);
	dp_want(e->dp, &row);
}

void solicited_set(struct evpn *e, const struct evi *evi, const struct ip *ip, enum solicited_by by, uint32_t vtep)
{
	uint32_t h;

	if (evi->mode != CONFIG_MODE_DYNAMIC_L2 || ip->len != 16)
		return;
	h = find(e, evi, ip, by);
	if (h && get(e, h)->vtep == vtep)
		return;
	if (vtep) /* before the old one goes */
		add(e, evi, ip, by, vtep);
	if (h)
		drop(e, evi, h);
}

void solicited_clear(struct evpn *e, const struct evi *evi)
{
	for (uint32_t h = 0; (h = slab_next(&e->solicited.slab, h));)
		if (get(e, h)->evi == evi->slot)
			drop(e, evi, h);
}

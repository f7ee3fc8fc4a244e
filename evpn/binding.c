/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * See binding.h. The index is by EVI and address, so the bindings that compete for one neighbour row are neighbours
 * in it. A binding also lies in the list of its MAC, since what becomes of it follows from where the MAC is.
 */
#include "evpn/binding.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "evpn/tables.h"

static uint64_t key_hash(const struct evpn *e, uint16_t evi, const uint8_t *ip, size_t len)
{
	return XXH3_64bits_withSeed(ip, len, e->seed + evi);
}

void binding_table_init(struct evpn *e)
{
	slab_init_in(&e->bindings.slab[0], sizeof(struct binding) + 4, &e->pages);
	slab_init_in(&e->bindings.slab[1], sizeof(struct binding) + 16, &e->pages);
	hidx_init(&e->bindings.index, &e->pages);
}

void binding_table_fini(struct evpn *e)
{
	hidx_fini(&e->bindings.index);
	slab_fini(&e->bindings.slab[0]);
	slab_fini(&e->bindings.slab[1]);
}

uint32_t binding_count(const struct evpn *e)
{
	return e->bindings.slab[0].used + e->bindings.slab[1].used;
}

uint32_t binding_next(const struct evpn *e, uint32_t h)
{
	uint32_t at = slab_next(&e->bindings.slab[h & 1], h >> 1);

	if (at)
		return at << 1 | (h & 1);
	at = h & 1 ? 0 : slab_next(&e->bindings.slab[1], 0);
	return at ? at << 1 | 1 : 0;
}

/* The first from h on (h included) that binds this address; 0 at the end. */
static uint32_t match(const struct evpn *e, const struct evi *evi, const struct ip *ip, uint32_t h, struct hidx_it *it)
{
	for (; h; h = hidx_next(it)) {
		const struct binding *b = binding_get(e, h);

		if (b->evi == evi->slot && b->ip_len == ip->len && !memcmp(b->ip, ip->b, ip->len))
			return h;
	}
	return 0;
}

uint32_t binding_first(const struct evpn *e, const struct evi *evi, const struct ip *ip, struct hidx_it *it)
{
	return match(e, evi, ip, hidx_first(&e->bindings.index, key_hash(e, evi->slot, ip->b, ip->len), it), it);
}

uint32_t binding_further(const struct evpn *e, const struct evi *evi, const struct ip *ip, struct hidx_it *it)
{
	return match(e, evi, ip, hidx_next(it), it);
}

void binding_prefetch(const struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	hidx_prefetch(&e->bindings.index, key_hash(e, evi->slot, ip->b, ip->len));
}

uint32_t binding_find(const struct evpn *e, const struct evi *evi, const struct ip *ip, uint32_t mac)
{
	struct hidx_it it;
	uint32_t h;

	for_each_binding(h, &it, e, evi, ip)
		if (binding_get(e, h)->mac == mac)
			return h;
	return 0;
}

uint32_t binding_obtain(struct evpn *e, struct evi *evi, const struct ip *ip, uint32_t mac)
{
	uint32_t h = binding_find(e, evi, ip, mac), v6 = ip->len == 16;
	struct mac_entry *m = mac_get(e, mac);
	struct binding *b;

	if (h)
		return h;
	h = slab_alloc(&e->bindings.slab[v6]) << 1 | v6;
	b = binding_get(e, h);
	b->evi = evi->slot;
	b->ip_len = ip->len & 31;
	memcpy(b->ip, ip->b, ip->len);
	b->since = evpn_seconds(e);
	b->mac = mac;
	b->next = m->bindings;
	if (b->next)
		binding_get(e, b->next)->prev = h;
	m->bindings = h;
	hidx_insert(&e->bindings.index, key_hash(e, evi->slot, ip->b, ip->len), h);
	return h;
}

/* Frees the binding, and its MAC when that was held for it only. */
static void drop(struct evpn *e, uint32_t h)
{
	struct binding *b = binding_get(e, h);
	uint32_t mac = b->mac;

	BUG_ON(b->flags & (BINDING_SENT | BINDING_WANTED));
	if (b->next)
		binding_get(e, b->next)->prev = b->prev;
	if (b->prev)
		binding_get(e, b->prev)->next = b->next;
	else
		mac_get(e, mac)->bindings = b->next;
	hidx_remove(&e->bindings.index, key_hash(e, b->evi, b->ip, b->ip_len), h);
	slab_free(&e->bindings.slab[h & 1], h >> 1);
	mac_reap(e, mac);
}

static bool nobody_says(const struct binding *b)
{
	return !(b->flags & BINDING_LOCAL) && !b->tunnel && sources_empty(&b->routes);
}

void binding_sweep(struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	struct hidx_it it;
	uint32_t h;

	do {
		for_each_binding(h, &it, e, evi, ip)
			if (nobody_says(binding_get(e, h)))
				break;
		if (h)
			drop(e, h); /* the index may look otherwise now */
	} while (h);
}

void binding_tally(struct evi *evi, const struct binding *b, uint32_t by)
{
	if (b->flags & BINDING_LOCAL)
		evi->local_ips += by;
	else if (b->tunnel || !sources_empty(&b->routes))
		evi->remote_ips += by;
}

uint32_t binding_local(const struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	struct hidx_it it;
	uint32_t h;

	for_each_binding(h, &it, e, evi, ip)
		if (binding_get(e, h)->flags & BINDING_LOCAL)
			return h;
	return 0;
}

uint32_t binding_tunnel(const struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	struct hidx_it it;
	uint32_t h;

	for_each_binding(h, &it, e, evi, ip)
		if (binding_get(e, h)->tunnel)
			return h;
	return 0;
}

uint32_t binding_nth(const struct evpn *e, const struct evi *evi, const struct ip *ip, unsigned n)
{
	struct hidx_it it;
	uint32_t h;

	for_each_binding(h, &it, e, evi, ip)
		if (!n--)
			return h;
	return 0;
}

void binding_change_all(struct evpn *e, uint32_t mac, void (*change)(struct evpn *e, uint32_t h))
{
	const struct evi *evi = evi_get(&e->evis, mac_get(e, mac)->evi);
	struct ip few[4], *ips = few;
	uint32_t n = 0, i = 0, h;

	for (h = mac_get(e, mac)->bindings; h; h = binding_get(e, h)->next)
		n++;
	if (n > sizeof(few) / sizeof(few[0]))
		ips = xcalloc(n, sizeof(*ips));
	for (h = mac_get(e, mac)->bindings; h; h = binding_get(e, h)->next)
		ips[i++] = binding_ip(binding_get(e, h));
	for (i = 0; i < n; i++) {
		h = binding_find(e, evi, &ips[i], mac);
		if (h)
			change(e, h);
	}
	if (ips != few)
		free(ips);
}

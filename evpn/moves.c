/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See moves.h. */
#include "evpn/moves.h"

#include <string.h>
#include <xxhash.h>

#include "base/list.h"
#include "evpn/tables.h"

static struct moves *moves_get(const struct evpn *e, uint32_t h)
{
	return slab_ptr(&e->moves.slab, h);
}

static uint64_t key_hash(const struct evpn *e, const struct moves_key *k)
{
	return XXH3_64bits_withSeed(k->b, sizeof(k->b), e->seed + k->evi);
}

static bool key_eq(const struct moves_key *a, const struct moves_key *b)
{
	return a->evi == b->evi && a->len == b->len && !memcmp(a->b, b->b, sizeof(a->b));
}

static uint64_t moves_hash(void *owner, uint32_t h)
{
	return key_hash(owner, &moves_get(owner, h)->key);
}

static uint32_t *moves_link(void *owner, uint32_t h)
{
	return &moves_get(owner, h)->chain;
}

static const struct htab_ops moves_ops = { moves_hash, moves_link };

void moves_table_init(struct evpn *e)
{
	slab_init(&e->moves.slab, sizeof(struct moves));
	htab_init(&e->moves.index, &moves_ops, e);
}

void moves_table_fini(struct evpn *e)
{
	for (uint32_t h = 0; (h = slab_next(&e->moves.slab, h));)
		timerq_stop(&e->timers, &moves_get(e, h)->end);
	htab_fini(&e->moves.index);
	slab_fini(&e->moves.slab);
}

struct moves_key moves_key_mac(const struct evi *evi, const struct mac *mac)
{
	struct moves_key k = { .evi = evi->slot, .len = sizeof(mac->b) };

	memcpy(k.b, mac->b, sizeof(mac->b));
	return k;
}

struct moves_key moves_key_ip(const struct evi *evi, const struct ip *ip)
{
	struct moves_key k = { .evi = evi->slot, .len = ip->len };

	memcpy(k.b, ip->b, sizeof(k.b));
	return k;
}

static uint32_t find(const struct evpn *e, const struct moves_key *k)
{
	uint32_t h = htab_first(&e->moves.index, key_hash(e, k));

	while (h && !key_eq(&moves_get(e, h)->key, k))
		h = moves_get(e, h)->chain;
	return h;
}

const struct moves *moves_find(const struct evpn *e, const struct moves_key *k)
{
	uint32_t h = find(e, k);

	return h ? moves_get(e, h) : NULL;
}

bool moves_frozen(const struct evpn *e, const struct moves_key *k)
{
	uint32_t h = e->moves.n_frozen ? find(e, k) : 0;

	return h && moves_get(e, h)->frozen;
}

static void drop(struct evpn *e, uint32_t h)
{
	struct moves *m = moves_get(e, h);

	e->moves.n_frozen -= m->frozen;
	timerq_stop(&e->timers, &m->end);
	htab_remove(&e->moves.index, key_hash(e, &m->key), h);
	slab_free(&e->moves.slab, h);
}

void moves_drop(struct evpn *e, const struct moves_key *k)
{
	uint32_t h = find(e, k);

	if (h)
		drop(e, h);
}

void moves_thaw(struct evpn *e, uint32_t h)
{
	struct moves_key k = moves_get(e, h)->key;
	bool frozen = moves_get(e, h)->frozen;
	struct evi *evi = evi_get(&e->evis, k.evi);
	struct mac mac;
	struct ip ip;

	drop(e, h);
	if (!frozen)
		return;
	if (k.len == sizeof(mac.b)) {
		memcpy(mac.b, k.b, sizeof(mac.b));
		mac_thaw(e, evi, &mac);
	} else {
		ip = ip_from_bytes(k.b, k.len);
		neigh_thaw(e, evi, &ip);
	}
}

static void on_end(struct timerq_node *n, struct mtime now)
{
	struct moves *m = container_of(n, struct moves, end);

	moves_thaw(m->e, find(m->e, &m->key));
}

static uint32_t open_window(struct evpn *e, const struct moves_key *k, uint32_t seconds)
{
	uint32_t h = slab_alloc(&e->moves.slab);
	struct moves *m = moves_get(e, h);

	m->e = e;
	m->key = *k;
	m->since = e->now;
	m->end.fn = on_end;
	timerq_arm(&e->timers, &m->end, mtime_add_ms(e->now, (int64_t)seconds * 1000));
	htab_insert(&e->moves.index, key_hash(e, k), h);
	return h;
}

static void freeze(struct evpn *e, struct moves *m, uint32_t recovery)
{
	m->frozen = true;
	m->since = e->now;
	e->moves.n_frozen++;
	timerq_stop(&e->timers, &m->end);
	if (recovery)
		timerq_arm(&e->timers, &m->end, mtime_add_ms(e->now, (int64_t)recovery * 1000));
}

bool moves_add(struct evpn *e, const struct moves_key *k, bool opens)
{
	const struct config_mobility *c = &evi_get(&e->evis, k->evi)->mobility;
	uint32_t h = c->moves ? find(e, k) : 0;
	struct moves *m;

	if (!c->moves || (!h && !opens))
		return false;
	m = moves_get(e, h ? h : open_window(e, k, c->window));
	if (m->frozen || ++m->n < c->moves)
		return false;
	freeze(e, m, c->recovery);
	return true;
}

void moves_clear(struct evpn *e, const struct evi *evi)
{
	for (uint32_t h = 0; (h = slab_next(&e->moves.slab, h));)
		if (moves_get(e, h)->key.evi == evi->slot)
			drop(e, h);
}

/* ---- by hand ----------------------------------------------------------------------------------------------------- */

/* Is it the MAC, or an address that is bound to it? */
static bool belongs_to(const struct evpn *e, const struct moves *m, const struct mac *mac)
{
	const struct evi *evi = evi_get(&e->evis, m->key.evi);
	struct ip ip;

	if (m->key.len == sizeof(mac->b))
		return !memcmp(m->key.b, mac->b, sizeof(mac->b));
	ip = ip_from_bytes(m->key.b, m->key.len);
	return neigh_is_bound(e, evi, &ip, mac);
}

unsigned evpn_mac_clear(struct evpn *e, uint32_t vni, const struct mac *mac)
{
	unsigned n = 0;

	for (uint32_t h = 0; (h = slab_next(&e->moves.slab, h));) {
		const struct moves *m = moves_get(e, h);

		if ((vni && evi_get(&e->evis, m->key.evi)->vni != vni) || (mac && !belongs_to(e, m, mac)))
			continue;
		n += m->frozen;
		moves_thaw(e, h);
	}
	return n;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/rows.h"

#include <sys/random.h>
#include <xxhash.h>

/* Peers choose the keys, so the hash is seeded. */
static uint64_t mix(uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ seed) * 0x9fb21c651e98df25ull;

	h = ((h ^ h >> 32) + b) * 0xd6e8feb86659fd93ull;
	return h ^ h >> 29;
}

static uint64_t hash_ip(uint64_t seed, const struct ip *ip, uint64_t with)
{
	uint32_t v4;

	if (ip->len == sizeof(v4)) {
		memcpy(&v4, ip->b, sizeof(v4));
		return mix(seed, v4, with);
	}
	return mix(seed, XXH3_64bits_withSeed(ip, sizeof(*ip), seed), with);
}

static uint64_t hash_key(const struct rows *t, uint32_t vni, uint8_t kind, const struct mac *mac, const struct ip *ip)
{
	if (kind == DP_FDB)
		return mix(t->seed, mac_u64(mac), vni);
	return hash_ip(t->seed, ip, ((uint64_t)vni << 2 | kind) + (kind == DP_FLOOD ? mac_u64(mac) << 26 : 0));
}

static uint64_t key_hash(void *owner, uint32_t h)
{
	const struct rows *t = owner;
	const struct row *r = row_at(t, h);
	struct ip ip = r->kind == DP_FDB ? ip_none() : row_ip(t, h);

	return hash_key(t, r->vni, r->kind, &r->mac, &ip);
}

static uint32_t *key_link(void *owner, uint32_t h)
{
	return &row_at(owner, h)->link;
}

static uint64_t dest_hash(void *owner, uint32_t h)
{
	const struct rows *t = owner;
	const struct dest_row *d = row_dest(t, h);

	return hash_ip(t->seed, &d->d.vtep, d->d.label);
}

static uint64_t vni_hash(void *owner, uint32_t h)
{
	const struct rows *t = owner;

	return mix(t->seed, ((struct dp_vni *)slab_ptr(&t->vnis, h))->vni, 0);
}

static uint32_t *vni_link(void *owner, uint32_t h)
{
	return &((struct dp_vni *)slab_ptr(&((struct rows *)owner)->vnis, h))->link;
}

static const struct htab_ops key_ops = { key_hash, key_link };
static const struct htab_ops dest_ops = { dest_hash, key_link };
static const struct htab_ops vni_ops = { vni_hash, vni_link };

void rows_init(struct rows *t)
{
	*t = (struct rows){ 0 };
	slab_init(&t->slab[ROWS_SHORT], sizeof(struct row));
	slab_init(&t->slab[ROWS_LONG], sizeof(struct long_row));
	slab_init(&t->slab[ROWS_DEST], sizeof(struct dest_row));
	slab_init(&t->vnis, sizeof(struct dp_vni));
	htab_init(&t->by_key, &key_ops, t);
	htab_init(&t->by_dest, &dest_ops, t);
	htab_init(&t->by_vni, &vni_ops, t);
	if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) != sizeof(t->seed))
		t->seed = (uintptr_t)t;
}

void rows_fini(struct rows *t)
{
	for (uint32_t h = 0; (h = rows_dest_next(t, h));)
		free(row_dest(t, h)->set);
	htab_fini(&t->by_vni);
	htab_fini(&t->by_dest);
	htab_fini(&t->by_key);
	slab_fini(&t->vnis);
	for (int i = 0; i < ROWS_SLABS; i++)
		slab_fini(&t->slab[i]);
}

uint32_t rows_count(const struct rows *t)
{
	return t->by_key.n;
}

size_t rows_bytes(const struct rows *t)
{
	size_t n = htab_bytes(&t->by_key) + htab_bytes(&t->by_dest) + htab_bytes(&t->by_vni) + slab_bytes(&t->vnis);

	for (int i = 0; i < ROWS_SLABS; i++)
		n += slab_bytes(&t->slab[i]);
	return n;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

struct row_key row_key(const struct rows *t, struct dp_vni *v, uint8_t kind, const struct mac *mac, const struct ip *ip)
{
	return (struct row_key){ v, kind, mac, ip, hash_key(t, v->handle, kind, mac, ip) };
}

static bool has_ip(const struct rows *t, uint32_t h, const struct ip *ip)
{
	struct ip is = row_ip(t, h);

	return ip_eq(&is, ip);
}

static bool has_key(const struct rows *t, uint32_t h, const struct row_key *k)
{
	const struct row *r = row_at(t, h);

	if (r->vni != k->v->handle || r->kind != k->kind)
		return false;
	if (k->kind != DP_NEIGH && !mac_eq(&r->mac, k->mac))
		return false;
	return k->kind == DP_FDB || has_ip(t, h, k->ip);
}

uint32_t rows_find(struct rows *t, const struct row_key *k)
{
	uint32_t h = htab_first(&t->by_key, k->hash);

	while (h && !has_key(t, h, k))
		h = row_at(t, h)->link;
	return h;
}

void rows_prefetch(const struct rows *t, const struct row_key *k)
{
	uint32_t h = htab_first(&t->by_key, k->hash);

	if (h)
		__builtin_prefetch(row_at(t, h), 1);
}

static void note_place(struct dp_vni *v, enum rows_slab s, uint32_t i)
{
	if (!v->first[s] || i < v->first[s])
		v->first[s] = i;
	if (i > v->last[s])
		v->last[s] = i;
}

static enum rows_slab slab_for(const struct row_key *k)
{
	if (k->kind == DP_FDB)
		return ROWS_SHORT;
	return k->kind == DP_NEIGH && k->ip->len == 4 ? ROWS_SHORT : ROWS_LONG;
}

uint32_t rows_add(struct rows *t, const struct row_key *k)
{
	enum rows_slab s = slab_for(k);
	uint32_t h = slab_alloc(&t->slab[s]) << 2 | s;
	struct row *r = row_at(t, h);

	r->vni = k->v->handle;
	r->kind = k->kind & 3;
	if (k->kind != DP_NEIGH)
		r->mac = *k->mac;
	if (s == ROWS_LONG)
		((struct long_row *)(void *)r)->ip = *k->ip;
	else if (k->kind == DP_NEIGH)
		memcpy(r->at.v4, k->ip->b, sizeof(r->at.v4));
	note_place(k->v, s, h >> 2);
	k->v->n_rows++;
	htab_insert(&t->by_key, k->hash, h);
	return h;
}

void rows_del(struct rows *t, uint32_t h)
{
	struct dp_vni *v = row_vni(t, row_at(t, h));

	BUG_ON(row_at(t, h)->list != ROW_LIST_NONE);
	if (!--v->n_rows)
		v->first[0] = v->first[1] = v->last[0] = v->last[1] = 0;
	htab_remove(&t->by_key, key_hash(t, h), h);
	slab_free(&t->slab[h & 3], h >> 2);
}

uint32_t rows_next(const struct rows *t, uint32_t h)
{
	uint32_t i = h >> 2;

	for (enum rows_slab s = row_slab(h); s < ROWS_DEST; s++, i = 0) {
		i = slab_next(&t->slab[s], i);
		if (i)
			return i << 2 | s;
	}
	return 0;
}

uint32_t rows_next_of(const struct rows *t, const struct dp_vni *v, uint32_t h)
{
	uint32_t i = h >> 2;

	for (enum rows_slab s = row_slab(h); s < ROWS_DEST && v->n_rows; s++, i = 0) {
		if (i + 1 < v->first[s])
			i = v->first[s] - 1;
		while ((i = slab_next(&t->slab[s], i)) && i <= v->last[s]) {
			if (row_at(t, i << 2 | s)->vni == v->handle)
				return i << 2 | s;
		}
	}
	return 0;
}

/* ---- destinations ---------------------------------------------------------------------------------------------- */

static bool is_dest(const struct rows *t, uint32_t h, const struct ip *vtep, uint32_t label)
{
	const struct dp_dest *d = &row_dest(t, h)->d;

	return d->label == label && ip_eq(&d->vtep, vtep);
}

uint32_t rows_dest_find(struct rows *t, const struct ip *vtep, uint32_t label)
{
	uint32_t h = t->last_dest;

	if (h && is_dest(t, h, vtep, label)) /* rows come in runs of one destination, too */
		return h;
	h = htab_first(&t->by_dest, hash_ip(t->seed, vtep, label));
	while (h && !is_dest(t, h, vtep, label))
		h = row_at(t, h)->link;
	t->last_dest = h;
	return h;
}

uint32_t rows_dest_add(struct rows *t, const struct ip *vtep, uint32_t label)
{
	uint32_t h = slab_alloc(&t->slab[ROWS_DEST]) << 2 | ROWS_DEST;
	struct dest_row *d = row_dest(t, h);

	d->r.kind = DP_DEST;
	d->d = (struct dp_dest){ .vtep = *vtep, .label = label };
	htab_insert(&t->by_dest, dest_hash(t, h), h);
	return h;
}

uint32_t rows_set_add(struct rows *t)
{
	uint32_t h = slab_alloc(&t->slab[ROWS_DEST]) << 2 | ROWS_DEST;
	struct dest_row *d = row_dest(t, h);

	d->r.kind = DP_DEST;
	d->set = xcalloc(1, sizeof(*d->set));
	d->d.set = &d->set->put;
	return h;
}

void rows_dest_del(struct rows *t, uint32_t h)
{
	BUG_ON(row_at(t, h)->list != ROW_LIST_NONE);
	t->last_dest = 0;
	if (row_dest(t, h)->set)
		free(row_dest(t, h)->set);
	else
		htab_remove(&t->by_dest, dest_hash(t, h), h);
	slab_free(&t->slab[ROWS_DEST], h >> 2);
}

uint32_t rows_dest_next(const struct rows *t, uint32_t h)
{
	uint32_t i = slab_next(&t->slab[ROWS_DEST], h >> 2);

	return i ? i << 2 | ROWS_DEST : 0;
}

/* ---- VNIs ------------------------------------------------------------------------------------------------------ */

struct dp_vni *rows_vni_find(struct rows *t, uint32_t vni)
{
	uint32_t h = t->last_vni;

	/* Wishes come in runs of one VNI. */
	if (h && ((struct dp_vni *)slab_ptr(&t->vnis, h))->vni == vni)
		return slab_ptr(&t->vnis, h);
	for (h = htab_first(&t->by_vni, mix(t->seed, vni, 0)); h; h = *vni_link(t, h)) {
		struct dp_vni *v = slab_ptr(&t->vnis, h);

		if (v->vni == vni) {
			t->last_vni = h;
			return v;
		}
	}
	return NULL;
}

struct dp_vni *rows_vni_add(struct rows *t, uint32_t vni)
{
	uint32_t h = slab_alloc(&t->vnis);
	struct dp_vni *v = slab_ptr(&t->vnis, h);

	v->vni = vni;
	v->handle = h;
	v->sweep_at = MTIME_NEVER;
	htab_insert(&t->by_vni, vni_hash(t, h), h);
	return v;
}

void rows_vni_del(struct rows *t, struct dp_vni *v)
{
	BUG_ON(v->n_rows);
	t->last_vni = 0;
	htab_remove(&t->by_vni, vni_hash(t, v->handle), v->handle);
	slab_free(&t->vnis, v->handle);
}

struct dp_vni *rows_vni_next(const struct rows *t, const struct dp_vni *v)
{
	uint32_t h = slab_next(&t->vnis, v ? v->handle : 0);

	return h ? slab_ptr(&t->vnis, h) : NULL;
}

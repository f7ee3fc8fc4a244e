/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A map from 64 to 64 bits that any number of threads read without locks or waiting while one thread changes it. It is
 * what the forwarding threads look everything up in: MAC to place, VNI to bridge, address to VTEP or neighbour.
 *
 * A slot's key is written once and then stays; what changes is its value, one word, so a reader sees the
 * old value or the new one. An entry that is deleted keeps its key, with value 0: no reader can take a
 * value for that of another key. Room is had back when the table is written anew, of a size that fits.
 * Readers may then still be in the old one: it is freed after a grace period by what rmap_init() was given.
 *
 * Keys: all but 0. Values: all but 0. 16 octets a slot, at most three quarters of the slots used.
 */
#ifndef DATAPLANE_VTEP_RMAP_H
#define DATAPLANE_VTEP_RMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rmap_slot {
	uint64_t key, value;
};

struct rmap_table {
	uint64_t mask;
	uint64_t seed;
	struct rmap_slot slot[];
};

struct rmap {
	struct rmap_table *t;
	size_t used; /* slots with a key */
	size_t n;    /* of those, entries */
	/* Frees a table when no reader can see it any more. */
	void (*retire)(void *ctx, void *table);
	void *ctx;
};

/* seed: what another cannot guess, so that nobody can choose keys that collide. */
void rmap_init(struct rmap *m, uint64_t seed, void (*retire)(void *ctx, void *table), void *ctx);
/* No reader is left. */
void rmap_fini(struct rmap *m);

/* Writer only. */
void rmap_set(struct rmap *m, uint64_t key, uint64_t value);
/* Value it had; 0: none. */
uint64_t rmap_del(struct rmap *m, uint64_t key);
/* Gives back what a table that has been larger holds for nothing. Not while it is gone through. */
void rmap_trim(struct rmap *m);
/*
 * The next entry from slot *at on, which is moved behind it; false at the end. Meanwhile
 * keys may be deleted or reset.
 */
bool rmap_next(const struct rmap *m, size_t *at, uint64_t *key, uint64_t *value);
size_t rmap_bytes(const struct rmap *m);

static inline uint64_t rmap_hash(uint64_t key, uint64_t seed)
{
	uint64_t h = (key ^ seed) * 0x9e3779b97f4a7c15u;

	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return h ^ h >> 32;
}

/* Any thread. The slot of a key, NULL when there is none; its value may be 0. Valid until the reader is quiescent. */
static inline struct rmap_slot *rmap_slot(const struct rmap *m, uint64_t key)
{
	struct rmap_table *t = __atomic_load_n(&m->t, __ATOMIC_ACQUIRE);

	for (uint64_t i = rmap_hash(key, t->seed);; i++) {
		struct rmap_slot *s = &t->slot[i & t->mask];
		uint64_t k = __atomic_load_n(&s->key, __ATOMIC_ACQUIRE);

		if (k == key)
			return s;
		if (!k)
			return NULL;
	}
}

/* Any thread. 0: none. */
static inline uint64_t rmap_get(const struct rmap *m, uint64_t key)
{
	struct rmap_slot *s = rmap_slot(m, key);

	return s ? __atomic_load_n(&s->value, __ATOMIC_ACQUIRE) : 0;
}

/* Any thread: has the slot of a key that will be asked for soon brought near. */
static inline void rmap_prefetch(const struct rmap *m, uint64_t key)
{
	const struct rmap_table *t = __atomic_load_n(&m->t, __ATOMIC_ACQUIRE);

	__builtin_prefetch(&t->slot[rmap_hash(key, t->seed) & t->mask]);
}

#endif

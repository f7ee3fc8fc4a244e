/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/vtep/rmap.h"

#include <stdlib.h>

#include "base/log.h"

#define SMALLEST 16u

static struct rmap_table *new_table(size_t slots, uint64_t seed)
{
	struct rmap_table *t = xcalloc(1, sizeof(*t) + slots * sizeof(t->slot[0]));

	t->mask = slots - 1;
	t->seed = seed;
	return t;
}

void rmap_init(struct rmap *m, uint64_t seed, void (*retire)(void *ctx, void *table), void *ctx)
{
	*m = (struct rmap){ .t = new_table(SMALLEST, seed), .retire = retire, .ctx = ctx };
}

void rmap_fini(struct rmap *m)
{
	free(m->t);
	m->t = NULL;
}

/* The slot of a key or the free one where it belongs; there is always a free one. */
static struct rmap_slot *place(struct rmap_table *t, uint64_t key)
{
	uint64_t i = rmap_hash(key, t->seed);

	while (t->slot[i & t->mask].key && t->slot[i & t->mask].key != key)
		i++;
	return &t->slot[i & t->mask];
}

/* Readers of the old table can miss the time stamp of a value that is being refreshed meanwhile, nothing else. */
static void rewrite(struct rmap *m)
{
	struct rmap_table *old = m->t, *t;
	size_t slots = SMALLEST;

	while (m->n * 2 >= slots)
		slots *= 2;
	t = new_table(slots, old->seed);
	for (size_t i = 0; i <= old->mask; i++) {
		uint64_t value = __atomic_load_n(&old->slot[i].value, __ATOMIC_RELAXED);

		if (value)
			*place(t, old->slot[i].key) = (struct rmap_slot){ old->slot[i].key, value };
	}
	m->used = m->n;
	__atomic_store_n(&m->t, t, __ATOMIC_RELEASE);
	m->retire(m->ctx, old);
}

void rmap_set(struct rmap *m, uint64_t key, uint64_t value)
{
	struct rmap_slot *s = place(m->t, key);

	if (!s->key && (m->used + 1) * 4 > (m->t->mask + 1) * 3) {
		rewrite(m);
		s = place(m->t, key);
	}
	m->n += !__atomic_load_n(&s->value, __ATOMIC_RELAXED);
	__atomic_store_n(&s->value, value, __ATOMIC_RELEASE);
	if (!s->key) {
		m->used++;
		__atomic_store_n(&s->key, key, __ATOMIC_RELEASE);
	}
}

uint64_t rmap_del(struct rmap *m, uint64_t key)
{
	struct rmap_slot *s = rmap_slot(m, key);
	uint64_t value = s ? __atomic_exchange_n(&s->value, 0, __ATOMIC_ACQ_REL) : 0;

	m->n -= value != 0;
	return value;
}

void rmap_trim(struct rmap *m)
{
	if (m->t->mask >= SMALLEST && m->n * 8 < m->t->mask)
		rewrite(m);
}

bool rmap_next(const struct rmap *m, size_t *at, uint64_t *key, uint64_t *value)
{
	for (; *at <= m->t->mask; ++*at) {
		struct rmap_slot *s = &m->t->slot[*at];

		*key = s->key;
		*value = __atomic_load_n(&s->value, __ATOMIC_RELAXED);
		if (*value) {
			++*at;
			return true;
		}
	}
	return false;
}

size_t rmap_bytes(const struct rmap *m)
{
	return sizeof(*m->t) + (m->t->mask + 1) * sizeof(m->t->slot[0]);
}

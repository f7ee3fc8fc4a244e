/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "evpn/resolver.h"

#include <string.h>
#include <xxhash.h>

static uint64_t key_hash(const struct resolver *r, const struct resolver_key *k)
{
	return XXH3_64bits_withSeed(k->ip.b, sizeof(k->ip.b), r->seed + mac_u64(&k->mac));
}

static uint64_t entry_hash(void *owner, uint32_t h)
{
	return key_hash(owner, &resolver_get(owner, h)->key);
}

static uint32_t *entry_link(void *owner, uint32_t h)
{
	return &resolver_get(owner, h)->chain;
}

static const struct htab_ops ops = { entry_hash, entry_link };

void resolver_init(struct resolver *r, uint64_t seed)
{
	*r = (struct resolver){ .seed = seed };
	slab_init(&r->slab, sizeof(struct resolver_entry));
	htab_init(&r->index, &ops, r);
}

void resolver_fini(struct resolver *r)
{
	htab_fini(&r->index);
	slab_fini(&r->slab);
}

uint32_t resolver_find(const struct resolver *r, const struct resolver_key *k)
{
	uint32_t h = htab_first(&r->index, key_hash(r, k));

	for (; h; h = resolver_get(r, h)->chain) {
		const struct resolver_key *x = &resolver_get(r, h)->key;

		if (mac_eq(&x->mac, &k->mac) && ip_eq(&x->ip, &k->ip))
			return h;
	}
	return 0;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static void leave_line(struct resolver *r, uint32_t h)
{
	struct resolver_entry *x = resolver_get(r, h);
	struct resolver_line *l = &r->line[x->state];

	if (x->prev)
		resolver_get(r, x->prev)->next = x->next;
	else
		l->head = x->next;
	if (x->next)
		resolver_get(r, x->next)->prev = x->prev;
	else
		l->tail = x->prev;
	x->next = x->prev = 0;
	l->n--;
}

static void enter_line(struct resolver *r, uint32_t h, enum resolver_state state, struct mtime due)
{
	struct resolver_entry *x = resolver_get(r, h);
	struct resolver_line *l = &r->line[state];

	x->state = (uint8_t)state;
	x->due = due;
	x->prev = l->tail;
	if (l->tail)
		resolver_get(r, l->tail)->next = h;
	else
		l->head = h;
	l->tail = h;
	l->n++;
}

void resolver_drop(struct resolver *r, uint32_t h)
{
	leave_line(r, h);
	htab_remove(&r->index, entry_hash(r, h), h);
	slab_free(&r->slab, h);
}

static void become_unknown(struct resolver *r, uint32_t h, struct mtime now)
{
	r->count.unknown++;
	leave_line(r, h);
	enter_line(r, h, RESOLVER_UNKNOWN, mtime_add_ms(now, RESOLVER_UNKNOWN_MS));
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

uint32_t resolver_miss(struct resolver *r, const struct resolver_key *k, struct mtime now)
{
	uint32_t h = resolver_find(r, k);

	r->count.misses++;
	if (h)
		return resolver_get(r, h)->state == RESOLVER_UNKNOWN ? 0 : h;
	/* What nobody knew makes room for what may be known. */
	if (r->slab.used >= RESOLVER_MAX && r->line[RESOLVER_UNKNOWN].head)
		resolver_drop(r, r->line[RESOLVER_UNKNOWN].head);
	if (r->slab.used >= RESOLVER_MAX) {
		r->count.dropped++;
		return 0;
	}
	h = slab_alloc(&r->slab);
	resolver_get(r, h)->key = *k;
	htab_insert(&r->index, key_hash(r, k), h);
	enter_line(r, h, RESOLVER_WAITING, mtime_add_ms(now, RESOLVER_ANSWER_MS));
	return h;
}

/* An id tells its entry, and a late answer to one that has been asked since from the right one. */
#define ID_ENTRY_BITS 17u
_Static_assert(RESOLVER_MAX < 1u << ID_ENTRY_BITS, "an id has room for the entry");

uint32_t resolver_next(struct resolver *r, struct mtime now)
{
	uint32_t h = r->line[RESOLVER_WAITING].head;

	if (!h || r->line[RESOLVER_ASKED].n >= RESOLVER_ASKED_MAX)
		return 0;
	leave_line(r, h);
	enter_line(r, h, RESOLVER_ASKED, mtime_add_ms(now, RESOLVER_ANSWER_MS));
	r->last_id += 1u << ID_ENTRY_BITS;
	resolver_get(r, h)->id = r->last_id | h;
	return h;
}

uint32_t resolver_asked(const struct resolver *r, uint32_t id)
{
	uint32_t h = id & ((1u << ID_ENTRY_BITS) - 1);

	if (!h || !slab_live(&r->slab, h))
		return 0;
	return resolver_get(r, h)->id == id && resolver_get(r, h)->state == RESOLVER_ASKED ? h : 0;
}

void resolver_answered(struct resolver *r, uint32_t h, bool known, struct mtime now)
{
	if (!known) {
		become_unknown(r, h, now);
		return;
	}
	r->count.answered++;
	resolver_drop(r, h);
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

static bool is_due(const struct resolver *r, uint32_t h, struct mtime now)
{
	return h && !mtime_before(now, resolver_get(r, h)->due);
}

uint32_t resolver_expire(struct resolver *r, struct mtime now)
{
	uint32_t h;

	while (is_due(r, h = r->line[RESOLVER_UNKNOWN].head, now))
		resolver_drop(r, h);
	for (unsigned s = RESOLVER_WAITING; s <= RESOLVER_ASKED; s++) {
		h = r->line[s].head;
		if (!is_due(r, h, now))
			continue;
		r->count.late++;
		become_unknown(r, h, now);
		return h;
	}
	return 0;
}

struct mtime resolver_due(const struct resolver *r)
{
	struct mtime next = MTIME_NEVER;

	for (unsigned s = 0; s < RESOLVER_STATES; s++) {
		uint32_t h = r->line[s].head;

		if (h && mtime_before(resolver_get(r, h)->due, next))
			next = resolver_get(r, h)->due;
	}
	return next;
}

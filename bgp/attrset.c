/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A set is two things: an entry of a slab (what changes with the routes: references, first route, mark) and a body, one
 * allocation that never changes (the struct bgp_attrs, behind it the octets that it points at). Counting a route in and
 * out touches the entry only. The index is keyed by the content; equal content has one canonical form: an absent value
 * is NULL, a number that is not there is 0.
 *
 * What an attribute means is left to attr.c; here all are octets.
 */
#include "bgp/attrset.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/list.h"
#include "base/log.h"

struct set_body {
	uint64_t hash;
	struct bgp_attrs attrs;
	uint8_t octets[];
};

/* The values of struct bgp_attrs that are octets behind a pointer. */
#define VALUE(name) { offsetof(struct bgp_attrs, name), offsetof(struct bgp_attrs, name##_len) }
static const struct {
	size_t ptr, len;
} values[] = {
	VALUE(as_path),  VALUE(communities),	   VALUE(cluster_list), VALUE(ext_communities),
	VALUE(pmsi),	 VALUE(large_communities), VALUE(others),	VALUE(shared),
};
#define N_VALUES (sizeof(values) / sizeof(values[0]))

static const uint8_t *value_ptr(const struct bgp_attrs *a, size_t i)
{
	return *(const uint8_t *const *)(const void *)((const char *)a + values[i].ptr);
}

static uint16_t value_len(const struct bgp_attrs *a, size_t i)
{
	return *(const uint16_t *)(const void *)((const char *)a + values[i].len);
}

/* The rest of a set, and how long its values are: without padding, to be hashed and compared as octets. */
struct set_fixed {
	uint32_t med, local_pref, originator_id;
	uint8_t origin, has_med, has_local_pref, has_originator_id;
	uint16_t len[N_VALUES];
	struct ip next_hop;
	uint8_t zero[3];
};
_Static_assert(sizeof(struct set_fixed) == 16 + 2 * N_VALUES + 20, "no padding");

static struct set_fixed fixed_of(const struct bgp_attrs *a)
{
	struct set_fixed f = {
		.med = a->has_med ? a->med : 0,
		.local_pref = a->has_local_pref ? a->local_pref : 0,
		.originator_id = a->has_originator_id ? a->originator_id : 0,
		.origin = a->origin,
		.has_med = a->has_med,
		.has_local_pref = a->has_local_pref,
		.has_originator_id = a->has_originator_id,
		.next_hop = a->next_hop,
	};

	for (size_t i = 0; i < N_VALUES; i++)
		f.len[i] = value_len(a, i);
	return f;
}

static uint64_t content_hash(const struct attrset_table *t, const struct set_fixed *f, const struct bgp_attrs *a)
{
	uint64_t h = XXH3_64bits_withSeed(f, sizeof(*f), t->seed);

	for (size_t i = 0; i < N_VALUES; i++) {
		if (f->len[i])
			h = XXH3_64bits_withSeed(value_ptr(a, i), f->len[i], h);
	}
	return h;
}

static bool content_equal(const struct set_fixed *f, const struct bgp_attrs *a, const struct bgp_attrs *held)
{
	struct set_fixed g = fixed_of(held);

	if (memcmp(f, &g, sizeof(g)) != 0)
		return false;
	for (size_t i = 0; i < N_VALUES; i++) {
		if (f->len[i] && memcmp(value_ptr(a, i), value_ptr(held, i), f->len[i]) != 0)
			return false;
	}
	return true;
}

static struct set_body *body_of(const struct attrset *s)
{
	return container_of(s->attrs, struct set_body, attrs);
}

static uint64_t index_hash(void *owner, uint32_t h)
{
	return body_of(attrset_at(owner, h))->hash;
}

static uint32_t *index_link(void *owner, uint32_t h)
{
	return &attrset_at(owner, h)->chain;
}

static const struct htab_ops index_ops = { index_hash, index_link };

struct attrset_table *attrset_table_new(void)
{
	struct attrset_table *t = xcalloc(1, sizeof(*t));

	slab_init(&t->slab, sizeof(struct attrset));
	htab_init(&t->index, &index_ops, t);
	BUG_ON(getrandom(&t->seed, sizeof(t->seed), 0) != sizeof(t->seed));
	return t;
}

void attrset_table_free(struct attrset_table *t)
{
	if (!t)
		return;
	BUG_ON(t->slab.used);
	htab_fini(&t->index);
	slab_fini(&t->slab);
	free(t);
}

void attrset_on_gone(struct attrset_table *t, void (*gone)(void *ctx, uint32_t set, uint32_t mark), void *ctx)
{
	t->gone = gone;
	t->gone_ctx = ctx;
}

size_t attrset_size(const struct bgp_attrs *a)
{
	size_t n = sizeof(struct set_body);

	for (size_t i = 0; i < N_VALUES; i++)
		n += value_len(a, i);
	return n;
}

static struct set_body *body_new(const struct bgp_attrs *a, const struct set_fixed *f, uint64_t hash)
{
	struct set_body *b = xcalloc(1, attrset_size(a));
	uint8_t *p = b->octets;

	b->hash = hash;
	b->attrs = *a;
	b->attrs.med = f->med;
	b->attrs.local_pref = f->local_pref;
	b->attrs.originator_id = f->originator_id;
	for (size_t i = 0; i < N_VALUES; i++) {
		const uint8_t **to = (const uint8_t **)(void *)((char *)&b->attrs + values[i].ptr);

		if (!f->len[i]) {
			*to = NULL;
			continue;
		}
		memcpy(p, value_ptr(a, i), f->len[i]);
		*to = p;
		p += f->len[i];
	}
	return b;
}

uint32_t attrset_intern(struct attrset_table *t, const struct bgp_attrs *a)
{
	struct set_fixed f = fixed_of(a);
	uint64_t hash = content_hash(t, &f, a);
	struct attrset *s;
	uint32_t h;

	for (h = htab_first(&t->index, hash); h; h = s->chain) {
		s = attrset_at(t, h);
		if (body_of(s)->hash == hash && content_equal(&f, a, s->attrs)) {
			s->refs++;
			return h;
		}
	}
	h = slab_alloc(&t->slab);
	s = attrset_at(t, h);
	s->attrs = &body_new(a, &f, hash)->attrs;
	s->refs = 1;
	t->body_bytes += attrset_size(a);
	htab_insert(&t->index, hash, h);
	return h;
}

void attrset_drop(struct attrset_table *t, uint32_t h)
{
	const struct attrset *s = attrset_at(t, h);
	struct set_body *b = body_of(s);

	BUG_ON(s->routes);
	if (s->mark && t->gone)
		t->gone(t->gone_ctx, h, s->mark);
	htab_remove(&t->index, b->hash, h);
	t->body_bytes -= attrset_size(&b->attrs);
	free(b);
	slab_free(&t->slab, h);
}

uint32_t attrset_next(const struct attrset_table *t, uint32_t h)
{
	return slab_next(&t->slab, h);
}

uint64_t attrset_count(const struct attrset_table *t)
{
	return t->slab.used;
}

uint64_t attrset_content_bytes(const struct attrset_table *t)
{
	return t->body_bytes;
}

uint64_t attrset_bytes(const struct attrset_table *t)
{
	return t->body_bytes + slab_bytes(&t->slab) + htab_bytes(&t->index);
}

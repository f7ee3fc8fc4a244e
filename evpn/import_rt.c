/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Route targets against the rules of import: which EVIs take a set of attributes.
 *
 *	EVI taken on ─► rules: its explicit route targets, sorted ┐
 *	set of attributes: its route targets ─────────────────────┴► matches: slots of EVIs ─► kept in the import
 *
 * Explicit route targets match octet by octet. `auto` takes the VNI out of any AS:VNI and of the form of RFC
 * 8365 5.1.2.1, since fabrics with an AS a leaf have as many administrators as leaves; it needs no rule.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "evpn/ec.h"
#include "evpn/tables.h"

/* ---- rules: explicit route targets, sorted ----------------------------------------------------------------------- */

static int rule_cmp(const struct import_rule *a, const struct import_rule *b)
{
	int d = memcmp(a->rt, b->rt, 8);

	if (d)
		return d;
	return a->tag != b->tag ? a->tag < b->tag ? -1 : 1 : (int)a->slot - (int)b->slot;
}

/* Index of the first rule >= r. */
static uint32_t rule_position(const struct import_table *t, const struct import_rule *r)
{
	return array_first(i, t->n_rules, rule_cmp(&t->rules[i], r) >= 0);
}

static struct import_rule rule_of(const uint8_t rt[8], uint32_t tag, uint16_t slot)
{
	struct import_rule r = { .tag = tag, .slot = slot };

	memcpy(r.rt, rt, 8);
	return r;
}

static void rule_insert(struct import_table *t, const struct import_rule *r)
{
	uint32_t i = rule_position(t, r);

	if (i < t->n_rules && !rule_cmp(&t->rules[i], r))
		return;
	array_room(t->rules, t->n_rules, t->cap_rules, 16);
	memmove(t->rules + i + 1, t->rules + i, (t->n_rules - i) * sizeof(*t->rules));
	t->rules[i] = *r;
	t->n_rules++;
}

static void rules_changed(struct import_table *t)
{
	t->generation = (t->generation + 1) & IMPORT_GENERATION_MASK;
}

/* Peers are asked for what the EVI imports, or no longer (RFC 4684). */
static void ask(struct evpn *e, const struct evi *evi, bool wanted)
{
	void (*fn)(struct bgp *b, const uint8_t rt[8], struct mtime now) = wanted ? bgp_rt_want : bgp_rt_unwant;
	uint8_t forms[EVPN_RT_AUTO_FORMS][8];
	size_t n = evi->import_auto ? evpn_rt_auto_forms(e->asn, evi->vni, forms) : 0;

	for (size_t i = 0; i < n; i++)
		fn(e->bgp, forms[i], e->now);
	for (uint16_t i = 0; i < evi->n_imports; i++)
		fn(e->bgp, evi->imports[i], e->now);
}

void import_rules_add(struct evpn *e, const struct evi *evi)
{
	for (uint16_t i = 0; i < evi->n_imports; i++) {
		struct import_rule r = rule_of(evi->imports[i], evi->tag, evi->slot);

		rule_insert(&e->imports, &r);
	}
	ask(e, evi, true);
	rules_changed(&e->imports);
}

void import_rules_del(struct evpn *e, const struct evi *evi)
{
	struct import_table *t = &e->imports;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->n_rules; i++)
		if (t->rules[i].slot != evi->slot)
			t->rules[kept++] = t->rules[i];
	t->n_rules = kept;
	ask(e, evi, false);
	rules_changed(t);
}

/* ---- which EVIs match -------------------------------------------------------------------------------------------- */

static uint64_t match_key(const struct evi *evi)
{
	return (uint64_t)evi->tag << 16 | evi->slot;
}

static void match_add(struct import_matches *m, const struct evi *evi)
{
	array_room(m->v, m->n, m->cap, 8);
	m->v[m->n++] = match_key(evi);
}

static int match_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void match_sort(struct import_matches *m)
{
	uint32_t n = 0;

	if (m->n > 1)
		qsort(m->v, m->n, sizeof(*m->v), match_cmp);
	for (uint32_t i = 0; i < m->n; i++)
		if (!n || m->v[n - 1] != m->v[i])
			m->v[n++] = m->v[i];
	m->n = n;
}

void import_match(const struct evpn *e, const struct bgp_attrs *a, struct import_matches *out)
{
	const struct import_table *t = &e->imports;
	const uint8_t *rt = NULL;

	*out = (struct import_matches){ 0 };
	while ((rt = evpn_ec_next_rt(a, rt))) {
		const struct evi *evi = evi_find(&e->evis, evpn_rt_auto_vni(rt));
		struct import_rule first = rule_of(rt, 0, 0);

		if (evi && evi->import_auto)
			match_add(out, evi);
		for (uint32_t i = rule_position(t, &first); i < t->n_rules && !memcmp(t->rules[i].rt, rt, 8); i++)
			match_add(out, evi_get(&e->evis, t->rules[i].slot));
	}
	match_sort(out);
}

bool import_is_matched(const struct evpn *e, const struct evi *evi, const struct bgp_attrs *a)
{
	struct import_matches m;
	bool found = false;

	import_match(e, a, &m);
	for (uint32_t i = 0; i < m.n; i++)
		found |= m.v[i] == match_key(evi);
	free(m.v);
	return found;
}

/* ---- kept in an import ------------------------------------------------------------------------------------------- */

const uint16_t *import_evis(const struct import *im)
{
	return im->n_evis > 4 ? im->evi.many->slot : im->evi.few;
}

void import_evis_drop(struct import_table *t, struct import *im)
{
	if (im->n_evis > 4 && !--im->evi.many->refs) {
		HASH_DELETE(hh, t->evis, im->evi.many);
		free(im->evi.many);
	}
	im->n_evis = 0;
}

static struct import_evis *evis_take(struct import_table *t, const uint16_t *slot, size_t n)
{
	struct import_evis *x;

	HASH_FIND(hh, t->evis, slot, n * sizeof(*slot), x);
	if (!x) {
		x = xcalloc(1, sizeof(*x) + n * sizeof(*slot));
		memcpy(x->slot, slot, n * sizeof(*slot));
		HASH_ADD_KEYPTR(hh, t->evis, x->slot, n * sizeof(*slot), x);
	}
	x->refs++;
	return x;
}

void import_evis_set(struct import_table *t, struct import *im, const struct import_matches *m)
{
	uint16_t *slot = m->n > 4 ? xcalloc(m->n, sizeof(*slot)) : im->evi.few;

	import_evis_drop(t, im);
	for (uint32_t i = 0; i < m->n; i++)
		slot[i] = (uint16_t)m->v[i];
	im->n_evis = (uint16_t)m->n;
	if (m->n <= 4)
		return;
	im->evi.many = evis_take(t, slot, m->n);
	free(slot);
}

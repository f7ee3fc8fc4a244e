/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Which PEs of a segment count, by its A-D routes alone: the rules that segment.h lists. Nothing is kept here. */
#include <string.h>

#include "evpn/segment.h"
#include "evpn/tables.h"

/* The PE's place, NULL when those there are have lower addresses. */
static struct segment_pe *pe_place(const struct evpn *e, struct segment_pes *pes, uint32_t vtep)
{
	unsigned i = pes->n;

	for (; i; i--) {
		int d;

		if (pes->v[i - 1].vtep == vtep)
			return &pes->v[i - 1];
		d = ip_cmp(&vtep_get(&e->vteps, pes->v[i - 1].vtep)->ip, &vtep_get(&e->vteps, vtep)->ip);
		if (d < 0)
			break;
	}
	if (i == DP_SET_MAX)
		return NULL;
	pes->n += pes->n < DP_SET_MAX;
	memmove(&pes->v[i + 1], &pes->v[i], (pes->n - 1 - i) * sizeof(pes->v[0]));
	pes->v[i] = (struct segment_pe){ .vtep = vtep, .last_resort = true, .draining = true };
	return &pes->v[i];
}

static struct segment_pes all_pes(const struct evpn *e, const struct segment *s)
{
	struct segment_pes pes = { 0 };
	struct segment_pe *pe;

	for_each_source(x, &e->macs.nodes, &s->per_es) {
		const struct import *im = import_get(&e->imports, x->import);

		pe = pe_place(e, &pes, im->vtep);
		if (!pe)
			continue;
		pe->per_es = true;
		pe->last_resort &= im->last_resort;
		pe->draining &= im->draining;
	}
	for_each_source(x, &e->macs.nodes, &s->per_evi) {
		const struct import *im = import_get(&e->imports, x->import);

		pe = pe_place(e, &pes, im->vtep);
		if (!pe)
			continue;
		pe->per_evi = true;
		pe->label = im->label;
	}
	return pes;
}

bool segment_is_single_active(const struct evpn *e, const struct segment *s)
{
	for_each_source(x, &e->macs.nodes, &s->per_es)
		if (import_get(&e->imports, x->import)->single_active)
			return true;
	return false;
}

/* Those that are about to go do not count when others do. */
static void spare_draining(struct segment_pes *pes)
{
	bool others = false;

	for (unsigned i = 0; i < pes->n; i++)
		others |= pes->v[i].usable && !pes->v[i].draining;
	for (unsigned i = 0; i < pes->n; i++)
		pes->v[i].usable &= !others || !pes->v[i].draining;
}

/* All, and which of them count. *by_evi: because of A-D per EVI routes. */
static struct segment_pes judged_pes(const struct evpn *e, const struct segment *s, bool *by_evi)
{
	struct segment_pes all = all_pes(e, s);
	bool fresh = false;

	*by_evi = false;
	for (unsigned i = 0; i < all.n; i++) {
		fresh |= all.v[i].per_es && !all.v[i].last_resort;
		*by_evi |= all.v[i].per_evi;
	}
	for (unsigned i = 0; i < all.n; i++) {
		struct segment_pe *pe = &all.v[i];

		pe->usable = pe->per_es && (pe->per_evi || !*by_evi) && (!pe->last_resort || !fresh);
	}
	if (*by_evi && !segment_is_single_active(e, s))
		spare_draining(&all);
	return all;
}

struct segment_pes segment_usable_pes(const struct evpn *e, const struct segment *s, bool *by_evi)
{
	struct segment_pes all = judged_pes(e, s, by_evi), out = { 0 };

	for (unsigned i = 0; i < all.n; i++)
		if (all.v[i].usable)
			out.v[out.n++] = all.v[i];
	return out;
}

struct segment_pes segment_all_pes(const struct evpn *e, const struct segment *s)
{
	bool by_evi;

	return judged_pes(e, s, &by_evi);
}

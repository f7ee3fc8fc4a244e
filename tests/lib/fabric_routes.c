/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The second model of a fabric, of its routes: what is originated is all that it knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "tests/lib/fabric.h"

struct origin {
	uint8_t key[BGP_KEY_MAX];
	size_t key_len;
	const struct bgp_attrs *attrs; /* of the originator's table */
	unsigned by;
};

static int by_key(const void *a, const void *b)
{
	const struct origin *x = a, *y = b;
	size_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
	int d = memcmp(x->key, y->key, len);

	return d ? d : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

static struct origin *origins(const struct fabric *f, size_t *n)
{
	struct origin *o = NULL;
	size_t cap = 0;

	*n = 0;
	for (unsigned i = 0; i < f->n; i++) {
		struct bgp_rib_cursor c = { 0 };
		struct bgp_path_info p;

		while (f->s[i].up && bgp_rib_next(sim_bgp(f->s[i].node), &c, &p)) {
			if (p.peer || p.family != &evpn_family)
				continue;
			array_room(o, *n, cap, 64);
			o[*n] = (struct origin){ .key_len = p.key_len, .attrs = p.attrs, .by = i };
			memcpy(o[(*n)++].key, p.key, p.key_len);
		}
	}
	if (*n)
		qsort(o, *n, sizeof(*o), by_key);
	return o;
}

static bool octets_eq(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return a_len == b_len && (!a_len || !memcmp(a, b, a_len));
}

/* What does not change on the way inside an AS. */
static bool attrs_eq(const struct bgp_attrs *a, const struct bgp_attrs *b)
{
	return a->origin == b->origin && ip_eq(&a->next_hop, &b->next_hop) &&
	       octets_eq(a->as_path, a->as_path_len, b->as_path, b->as_path_len) &&
	       octets_eq(a->ext_communities, a->ext_communities_len, b->ext_communities, b->ext_communities_len) &&
	       octets_eq(a->pmsi, a->pmsi_len, b->pmsi, b->pmsi_len) &&
	       octets_eq(a->shared, a->shared_len, b->shared, b->shared_len);
}

static bool route_good(struct fabric *f, unsigned i, const struct bgp_path_info *p, const struct origin *o, size_t n)
{
	struct origin want = { .key_len = p->key_len };
	const struct origin *is;

	memcpy(want.key, p->key, p->key_len);
	is = n ? bsearch(&want, o, n, sizeof(*o), by_key) : NULL;
	if (is && attrs_eq(is->attrs, p->attrs))
		return true;
	snprintf(f->verdict, sizeof(f->verdict), "%s: a route of type %u %s", f->s[i].name.s, p->key[0],
		 is ? "differs from what is originated" : "that nobody originates");
	return false;
}

static uint32_t vni_of(const struct bgp_attrs *a)
{
	uint32_t vni = 0;

	for (size_t i = 0; i < a->ext_communities_len && !vni; i += 8)
		vni = evpn_rt_auto_vni(a->ext_communities + i);
	return vni;
}

/* With RFC 4684: a VTEP holds what it imports, a reflector what one of its clients does, a top what anyone does. */
static bool holds(const struct fabric *f, unsigned s, uint32_t vni)
{
	if (!f->p.rtc)
		return true;
	if (s >= fabric_first(f))
		return f->s[s].vnis[vni];
	for (unsigned v = fabric_first(f); v < f->n; v++)
		if (f->s[v].up && f->s[v].vnis[vni] && (s < f->p.tops || fabric_homed(f, v, s)))
			return true;
	return false;
}

static size_t held(const struct fabric *f, unsigned s, const struct origin *o, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += holds(f, s, vni_of(o[i].attrs));
	return count;
}

static bool routes_good(struct fabric *f, unsigned i, const struct origin *o, size_t n)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	size_t best = 0, want = held(f, i, o, n);

	while (bgp_rib_next(sim_bgp(f->s[i].node), &c, &p)) {
		if (!p.best || p.family != &evpn_family)
			continue;
		best++;
		if (!holds(f, i, vni_of(p.attrs))) {
			snprintf(f->verdict, sizeof(f->verdict), "%s: a route of VNI %u, which nobody imports there",
				 f->s[i].name.s, vni_of(p.attrs));
			return false;
		}
		if (!route_good(f, i, &p, o, n))
			return false;
	}
	if (best == want)
		return true;
	snprintf(f->verdict, sizeof(f->verdict), "%s: %zu routes, not the %zu that are originated for it",
		 f->s[i].name.s, best, want);
	return false;
}

const char *fabric_check_routes(struct fabric *f)
{
	size_t n;
	struct origin *o = origins(f, &n);
	bool good = true;

	for (unsigned i = 0; i < f->n && good; i++)
		good = !f->s[i].up || routes_good(f, i, o, n);
	free(o);
	return good ? NULL : f->verdict;
}

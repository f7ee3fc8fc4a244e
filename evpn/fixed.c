/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See fixed.h. In place of a route distinguisher, which tells routes for one MAC apart, such claims have zeroes. */
#include "evpn/fixed.h"

#include <stdlib.h>
#include <string.h>

#include "evpn/tables.h"

static const uint8_t no_rd[8];

/* The imports made so far, by VTEP: hosts share them. */
struct places {
	uint32_t *import; /* by twice the VTEP's handle, plus one for a router; 0: none */
	size_t n;
};

static uint32_t place(struct evpn *e, struct places *p, const struct evi *evi, const struct ip *vtep, bool router)
{
	uint32_t v = vtep_take(&e->vteps, vtep);
	size_t at = 2 * (size_t)v + router;

	if (at >= p->n) {
		p->import = xrealloc(p->import, (2 * at + 2) * sizeof(*p->import));
		memset(p->import + p->n, 0, (2 * at + 2 - p->n) * sizeof(*p->import));
		p->n = 2 * at + 2;
	}
	if (!p->import[at])
		p->import[at] = import_fixed(e, vtep, evi->vni, router);
	vtep_drop(&e->vteps, v);
	return p->import[at];
}

static void host_set(struct evpn *e, struct evi *evi, const struct config_host *h, uint32_t import)
{
	if (h->ip.len)
		neigh_route_set(e, evi, &h->mac, &h->ip, no_rd, import);
	else
		mac_route_set(e, evi, &h->mac, no_rd, import);
}

static void host_unset(struct evpn *e, struct evi *evi, const struct config_host *h)
{
	if (h->ip.len)
		neigh_route_del(e, evi, &h->mac, &h->ip, no_rd);
	else
		mac_route_del(e, evi, &h->mac, no_rd);
}

static void places_fini(struct evpn *e, struct places *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->import[i])
			import_unref(e, p->import[i]);
	free(p->import);
}

void fixed_add(struct evpn *e, struct evi *evi, const struct config_vni *c)
{
	struct places p = { 0 };

	for (size_t i = 0; i < c->n_flood; i++)
		if (!ip_eq(&c->flood[i], &e->vtep))
			flood_route_set(e, evi, no_rd, &c->flood[i], place(e, &p, evi, &c->flood[i], false));
	for (size_t i = 0; i < c->n_hosts; i++) {
		const struct config_host *h = &c->hosts[i];

		if (!ip_eq(&h->vtep, &e->vtep))
			host_set(e, evi, h, place(e, &p, evi, &h->vtep, h->router));
	}
	places_fini(e, &p);
}

static int host_cmp(const void *a, const void *b)
{
	const struct config_host *x = *(const struct config_host *const *)a, *y = *(const struct config_host *const *)b;
	int d = memcmp(&x->mac, &y->mac, sizeof(x->mac));

	return d ? d : ip_cmp(&x->ip, &y->ip);
}

/* In the order of MAC and address, without those at our own VTEP. The caller frees it. */
static const struct config_host **hosts_sorted(const struct evpn *e, const struct config_vni *c, size_t *n)
{
	const struct config_host **s = xcalloc(c->n_hosts + 1, sizeof(*s));

	*n = 0;
	for (size_t i = 0; i < c->n_hosts; i++)
		if (!ip_eq(&c->hosts[i].vtep, &e->vtep))
			s[(*n)++] = &c->hosts[i];
	qsort(s, *n, sizeof(*s), host_cmp);
	return s;
}

void fixed_change_hosts(struct evpn *e, struct evi *evi, const struct config_vni *was, const struct config_vni *is)
{
	struct places p = { 0 };
	size_t n_old, n_new, i = 0, k = 0;
	const struct config_host **old = hosts_sorted(e, was, &n_old), **new_ = hosts_sorted(e, is, &n_new);

	while (i < n_old || k < n_new) {
		int d = i == n_old ? 1 : k == n_new ? -1 : host_cmp(&old[i], &new_[k]);

		if (d < 0)
			host_unset(e, evi, old[i]);
		else if (d > 0 || !ip_eq(&old[i]->vtep, &new_[k]->vtep) || old[i]->router != new_[k]->router)
			host_set(e, evi, new_[k], place(e, &p, evi, &new_[k]->vtep, new_[k]->router));
		i += d <= 0;
		k += d >= 0;
	}
	places_fini(e, &p);
	free(old);
	free(new_);
}

void fixed_host_add(struct evpn *e, struct evi *evi, const struct config_host *h)
{
	uint32_t import = import_fixed(e, &h->vtep, evi->vni, h->router);

	host_set(e, evi, h, import);
	import_unref(e, import);
}

/* Is the MAC with this address, none: without one, of the configuration? */
static bool is_fixed(const struct evpn *e, const struct evi *evi, const struct mac *mac, const struct ip *ip)
{
	uint32_t m = mac_find(e, evi, mac), b = m && ip->len ? binding_find(e, evi, ip, m) : 0;

	if (ip->len)
		return b && sources_have(&e->macs.nodes, &binding_get(e, b)->routes, no_rd);
	return m && sources_have(&e->macs.nodes, &mac_get(e, m)->routes, no_rd);
}

bool fixed_host_del(struct evpn *e, struct evi *evi, const struct mac *mac, const struct ip *ip)
{
	struct config_host h = { .mac = *mac, .ip = *ip };
	bool found = is_fixed(e, evi, mac, ip);

	host_unset(e, evi, &h);
	while (!ip->len && neigh_route_of(e, evi, mac, no_rd, &h.ip)) {
		host_unset(e, evi, &h);
		found = true;
	}
	return found;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * EVIs: made from the configuration, found by VNI (sorted) and by slot. What they hold is in the tables of mac.c,
 * neigh.c and flood.c; which routes they take is import.c's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "evpn/ec.h"
#include "evpn/tables.h"

/* Index in by_vni of the first number >= vni. */
static uint32_t position(const struct evi_table *t, uint32_t vni)
{
	return array_first(i, t->n, t->by_vni[i]->vni >= vni);
}

struct evi *evi_find(const struct evi_table *t, uint32_t vni)
{
	uint32_t i = position(t, vni);

	return i < t->n && t->by_vni[i]->vni == vni ? t->by_vni[i] : NULL;
}

struct evi *evi_after(const struct evi_table *t, uint32_t vni)
{
	uint32_t i = position(t, vni + 1);

	return i < t->n ? t->by_vni[i] : NULL;
}

static void evi_free(struct evi *evi)
{
	free(evi->imports);
	free(evi->exports);
	free(evi->ecs);
	free(evi->groups);
	limits_fini(&evi->limits);
	free(evi);
}

void evi_table_fini(struct evi_table *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		evi_free(t->by_vni[i]);
	free(t->by_vni);
	free(t->slot);
	*t = (struct evi_table){ 0 };
}

/* ---- making one -------------------------------------------------------------------------------------------------- */

static void imports_fill(struct evi *evi, const struct config_vni *c)
{
	evi->imports = xcalloc(c->n_imports, sizeof(*evi->imports));
	for (size_t i = 0; i < c->n_imports; i++) {
		if (c->imports[i].is_auto)
			evi->import_auto = true;
		else
			memcpy(evi->imports[evi->n_imports++], c->imports[i].b, 8);
	}
}

static void exports_fill(const struct evpn *e, struct evi *evi, const struct config_vni *c)
{
	struct wbuf w;

	evi->exports = xcalloc(c->n_exports, sizeof(*evi->exports));
	evi->n_exports = (uint16_t)c->n_exports;
	evi->ecs = xcalloc(1, c->n_exports * EVPN_EC_LEN + EVPN_EC_LEN + EVI_ECS_ROOM);
	w = wb_init(evi->ecs, c->n_exports * EVPN_EC_LEN + EVPN_EC_LEN);
	for (size_t i = 0; i < c->n_exports; i++) {
		if (c->exports[i].is_auto)
			evpn_rt_auto(e->asn, c->vni, evi->exports[i]);
		else
			memcpy(evi->exports[i], c->exports[i].b, 8);
		evpn_ec_put_rt(&w, evi->exports[i]);
	}
	evpn_ec_put_encap(&w, EVPN_ENCAP_VXLAN);
	evi->ecs_len = wb_len(&w);
}

static bool is_dynamic(enum config_mode mode)
{
	return mode == CONFIG_MODE_DYNAMIC_L2 || mode == CONFIG_MODE_DYNAMIC_L3;
}

/* RFC 1112 6.4, RFC 2464 7 */
static struct mac group_mac(const struct ip *ip)
{
	const uint8_t *b = ip->b;

	if (ip->len == 4)
		return (struct mac){ { 0x01, 0x00, 0x5e, b[1] & 0x7f, b[2], b[3] } };
	return (struct mac){ { 0x33, 0x33, b[12], b[13], b[14], b[15] } };
}

/* What every host needs: broadcast; all nodes and all routers, for advertisements of routers and of moved hosts. */
static void groups_fill(struct evi *evi, const struct config_vni *c)
{
	static const struct mac usual[] = { { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
					    { { 0x33, 0x33, 0, 0, 0, 1 } },
					    { { 0x33, 0x33, 0, 0, 0, 2 } } };
	const size_t n = sizeof(usual) / sizeof(*usual);

	evi->groups = xcalloc(n + c->n_groups, sizeof(*evi->groups));
	memcpy(evi->groups, usual, sizeof(usual));
	for (size_t i = 0; i < c->n_groups; i++)
		evi->groups[n + i] = group_mac(&c->groups[i]);
	evi->n_groups = (uint16_t)(n + c->n_groups);
}

static struct evi *evi_new(const struct evpn *e, const struct config_vni *c)
{
	struct evi *evi = xcalloc(1, sizeof(*evi));

	evi->vni = c->vni;
	evi->learns = c->mode == CONFIG_MODE_MULTICAST || c->mode == CONFIG_MODE_STATIC_FLOOD;
	evi->rsc = c->rsc;
	/* Without a bridge the host itself asks, and it asks the others. */
	evi->suppress = c->arp_suppression && (c->bridge || !evi->learns);
	evi->host_learning = c->host_learning;
	evi->mobility = c->mobility;
	limits_init(&evi->limits, c);
	evi->flooding = c->flooding;
	evi->group = c->group;
	evi->mode = c->mode;
	evi->resolver = c->resolver;
	evi->bgp = c->mode == CONFIG_MODE_EVPN || (is_dynamic(c->mode) && c->resolver == CONFIG_RESOLVER_RIB);
	if (is_dynamic(c->mode))
		groups_fill(evi, c);
	if (!evi->bgp)
		return evi;
	evi->tag = c->ethernet_tag;
	if (c->rd.is_auto)
		evpn_rd_auto(e->router_id, c->vni, evi->rd);
	else
		memcpy(evi->rd, c->rd.b, 8);
	imports_fill(evi, c);
	exports_fill(e, evi, c);
	return evi;
}

/* Routes of two EVIs with one RD would replace each other (RFC 7432 7.9), unless their tags tell them apart (6.3). */
static const struct evi *same_rd(const struct evi_table *t, const struct evi *evi)
{
	for (uint32_t i = 0; i < t->n && evi->bgp; i++)
		if (t->by_vni[i]->bgp && t->by_vni[i]->tag == evi->tag && !memcmp(t->by_vni[i]->rd, evi->rd, 8))
			return t->by_vni[i];
	return NULL;
}

static uint16_t slot_take(struct evi_table *t)
{
	uint32_t s = 1;

	while (s < t->n_slots && t->slot[s])
		s++;
	if (s >= t->n_slots) {
		uint32_t n = t->n_slots ? 2 * t->n_slots : 16;

		t->slot = xrealloc(t->slot, n * sizeof(*t->slot));
		t->by_vni = xrealloc(t->by_vni, n * sizeof(*t->by_vni));
		memset(t->slot + t->n_slots, 0, (n - t->n_slots) * sizeof(*t->slot));
		t->n_slots = n;
	}
	return (uint16_t)s;
}

static void table_insert(struct evi_table *t, struct evi *evi)
{
	uint32_t i;

	evi->slot = slot_take(t);
	t->slot[evi->slot] = evi;
	i = position(t, evi->vni);
	memmove(t->by_vni + i + 1, t->by_vni + i, (t->n - i) * sizeof(*t->by_vni));
	t->by_vni[i] = evi;
	t->n++;
}

int evi_add(struct evpn *e, const struct config_vni *c, struct evi **out)
{
	const struct evi *other;
	struct evi *evi;

	if (evi_find(&e->evis, c->vni)) {
		log_error(e->log, LOG_EVPN, "vni %u: is there already", c->vni);
		return -EEXIST;
	}
	if (e->evis.n >= EVI_MAX - 1 || c->n_imports > EVI_RTS_MAX || c->n_exports > EVI_RTS_MAX) {
		log_error(e->log, LOG_EVPN, "vni %u: too many VNIs or route targets", c->vni);
		return -ENOSPC;
	}
	evi = evi_new(e, c);
	other = same_rd(&e->evis, evi);
	if (other) {
		log_error(e->log, LOG_EVPN,
			  "vni %u: its RD %s is that of vni %u; give one of them another rd or ethernet-tag", c->vni,
			  evpn_rd_str(evi->rd).s, other->vni);
		evi_free(evi);
		return -EADDRINUSE;
	}
	table_insert(&e->evis, evi);
	import_rules_add(e, evi);
	*out = evi;
	return 0;
}

void evi_del(struct evpn *e, struct evi *evi)
{
	struct evi_table *t = &e->evis;
	uint32_t i = position(t, evi->vni);

	BUG_ON(evi->local_macs || evi->remote_macs || evi->local_ips || evi->remote_ips || evi->n_floods);
	import_rules_del(e, evi);
	memmove(t->by_vni + i, t->by_vni + i + 1, (t->n - i - 1) * sizeof(*t->by_vni));
	t->n--;
	t->slot[evi->slot] = NULL;
	evi_free(evi);
}

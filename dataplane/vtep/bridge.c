/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What the workers look frames up in, as the control thread writes it: bridges with their FDB, flood list and bindings,
 * and the destinations behind them. Operations of reconcile's become changes of these tables here.
 */
#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "dataplane/vtep/vtep.h"

uint64_t vtep_ip_key(const struct vtep *v, const struct ip *ip)
{
	if (ip->len == 4)
		return (uint64_t)1 << 32 | (uint32_t)ip->b[0] << 24 | (uint32_t)ip->b[1] << 16 |
		       (uint32_t)ip->b[2] << 8 | ip->b[3];
	return XXH3_64bits_withSeed(ip->b, sizeof(ip->b), v->seed) | (uint64_t)1 << 63;
}

/* ---- VTEPs that a VNI knows -------------------------------------------------------------------------------------- */

/* Workers look at whether it is there; the number is ours, so that they do not share a line that changes. */
struct peer {
	uint32_t rows;
};

/* Who is one of several is known to every VNI that has such a row. */
static void count_peer(struct bridge *b, const struct ip *ip, int change)
{
	uint64_t key = vtep_ip_key(b->v, ip);
	struct peer *p = (struct peer *)(uintptr_t)rmap_get(&b->peers, key);

	if (!ip->len) {
		__atomic_store_n(&b->sets, b->sets + (uint32_t)change, __ATOMIC_RELAXED);
		return;
	}
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		rmap_set(&b->peers, key, (uint64_t)(uintptr_t)p);
	}
	p->rows += (uint32_t)change;
	if (p->rows)
		return;
	rmap_del(&b->peers, key);
	free(p);
}

struct dest *bridge_dest(struct bridge *b, const struct dp_dest *to)
{
	count_peer(b, &to->vtep, 1);
	return dest_at(b->v, to, b->u->port);
}

void bridge_dest_put(struct bridge *b, struct dest *d)
{
	count_peer(b, &d->key.vtep, -1);
	dest_put(b->v, d);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

void bridge_entry_gone(struct bridge *b, struct fdb_entry e)
{
	b->learned -= e.kind == FDB_PORT || e.kind == FDB_LEARNED;
	if (fdb_is_remote(e))
		bridge_dest_put(b, e.to);
}

static void set_router(struct bridge *b, uint64_t key, bool is)
{
	if (is)
		rmap_set(&b->routers, key, 1);
	else if (rmap_get(&b->routers, key))
		rmap_del(&b->routers, key);
}

static void fdb_put(struct bridge *b, const struct dp_op *op)
{
	struct fdb_entry e = { .kind = FDB_REMOTE, .sticky = op->flags & DP_STICKY, .to = bridge_dest(b, op->dest),
			       .seen = op->flags & DP_ON_DEMAND ? fdb_used_at(b->v->now_s) : 0 };
	uint64_t key = fdb_key(&op->mac);
	struct fdb_entry old = fdb_get(&b->fdb, key);

	rmap_set(&b->fdb, key, fdb_word(e));
	set_router(b, key, op->flags & DP_ROUTER);
	bridge_entry_gone(b, old);
	if (e.seen)
		miss_found(b, &op->mac, e.to);
}

static void fdb_del(struct bridge *b, const struct dp_op *op)
{
	uint64_t key = fdb_key(&op->mac);
	struct fdb_entry old = fdb_get(&b->fdb, key);

	if (old.kind != FDB_REMOTE)
		return;
	rmap_del(&b->fdb, key);
	set_router(b, key, false);
	bridge_entry_gone(b, old);
}

static int fdb_give(struct bridge *b, const struct dp_op *op)
{
	struct vport *p = port_id(b, op->ifindex);
	uint64_t key = fdb_key(&op->mac);
	struct fdb_entry old = fdb_get(&b->fdb, key);

	if (!p)
		return -ENODEV;
	rmap_set(&b->fdb, key, fdb_word((struct fdb_entry){ .kind = FDB_PORT, .to = p, .seen = b->v->now_s }));
	b->learned++;
	bridge_entry_gone(b, old);
	return 0;
}

static int fdb_op(struct bridge *b, struct dp_op *op)
{
	static const uint8_t at[] = {
		[FDB_NONE] = DP_AT_NOWHERE, [FDB_PORT] = DP_AT_PORT, [FDB_REMOTE] = DP_AT_VXLAN,
		[FDB_LEARNED] = DP_AT_VXLAN
	};

	switch ((enum dp_op_type)op->type) {
	case DP_OP_PUT:
		fdb_put(b, op);
		break;
	case DP_OP_DEL:
		fdb_del(b, op);
		break;
	case DP_OP_ASK:
		op->answer = at[fdb_get(&b->fdb, fdb_key(&op->mac)).kind];
		break;
	case DP_OP_GIVE:
		return fdb_give(b, op);
	case DP_OP_LOOK: /* nothing of its own table is unread */
		break;
	}
	return 0;
}

/* A list is written anew and published whole: with, and without. */
static struct flood *flood_changed(const struct flood *old, struct dest *with, const struct dest *without)
{
	struct flood *f = xcalloc(1, sizeof(*f) + ((old ? old->n : 0) + 1) * sizeof(f->dest[0]));

	for (uint32_t i = 0; old && i < old->n; i++) {
		if (old->dest[i] != without)
			f->dest[f->n++] = old->dest[i];
	}
	if (with)
		f->dest[f->n++] = with;
	return f;
}

static void flood_change(struct bridge *b, struct dest *with, const struct dest *without)
{
	struct flood *old = b->flood;

	__atomic_store_n(&b->flood, flood_changed(old, with, without), __ATOMIC_RELEASE);
	vtep_retire(old, free);
}

void bridge_flood_more(struct bridge *b, struct dest *d)
{
	flood_change(b, d, NULL);
}

void bridge_flood_less(struct bridge *b, const struct dest *d)
{
	flood_change(b, NULL, d);
}

static struct dest *flood_find(const struct flood *f, const struct ip *ip)
{
	for (uint32_t i = 0; f && i < f->n; i++) {
		if (ip_eq(&f->dest[i]->key.vtep, ip))
			return f->dest[i];
	}
	return NULL;
}

struct flood *bridge_group(const struct bridge *b, const struct mac *group)
{
	return (struct flood *)(uintptr_t)rmap_get(&b->groups, fdb_key(group));
}

static void group_op(struct bridge *b, const struct dp_op *op)
{
	struct flood *was = bridge_group(b, &op->mac), *f;
	struct dest *old = flood_find(was, &op->ip);

	f = flood_changed(was, op->type == DP_OP_PUT ? bridge_dest(b, op->dest) : NULL, old);
	if (f->n)
		rmap_set(&b->groups, fdb_key(&op->mac), (uint64_t)(uintptr_t)f);
	else
		rmap_del(&b->groups, fdb_key(&op->mac));
	if (!f->n)
		free(f);
	if (was)
		vtep_retire(was, free);
	if (old)
		bridge_dest_put(b, old);
}

static void flood_op(struct bridge *b, const struct dp_op *op)
{
	struct dest *old = flood_find(b->flood, &op->ip);

	if (!mac_is_zero(&op->mac)) {
		group_op(b, op);
		return;
	}
	flood_change(b, op->type == DP_OP_PUT ? bridge_dest(b, op->dest) : NULL, old);
	if (old)
		bridge_dest_put(b, old);
}

static void neigh_op(struct bridge *b, const struct dp_op *op)
{
	uint64_t key = vtep_ip_key(b->v, &op->ip);
	struct binding *old = (struct binding *)(uintptr_t)rmap_get(&b->neighs, key), *n;

	if (op->type == DP_OP_PUT) {
		n = xcalloc(1, sizeof(*n));
		*n = (struct binding){ op->ip, op->mac, op->flags & DP_ROUTER };
		rmap_set(&b->neighs, key, (uint64_t)(uintptr_t)n);
	} else if (old) {
		rmap_del(&b->neighs, key);
	}
	if (old)
		vtep_retire(old, free);
}

int bridge_op(struct vtep *v, struct dp_op *op)
{
	struct bridge *b = op->vni_data;

	switch (op->kind) {
	case DP_FDB:
		return fdb_op(b, op);
	case DP_FLOOD:
		flood_op(b, op);
		break;
	case DP_NEIGH:
		neigh_op(b, op);
		break;
	default:
		dest_op(v, op);
	}
	return 0;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

struct bridge *bridge_find(const struct vtep *v, uint32_t vni)
{
	return (struct bridge *)(uintptr_t)rmap_get(&v->by_vni, (uint64_t)vni + 1);
}

struct traffic *traffic_new(const struct vtep *v)
{
	struct traffic *c = aligned_alloc(64, v->n_workers * sizeof(*c));

	BUG_ON(!c);
	memset(c, 0, v->n_workers * sizeof(*c));
	return c;
}

void bridge_take(struct bridge *b, const struct dp_vni_params *p)
{
	b->suppress = p->neigh_suppress;
	b->hear_hosts = p->hear_hosts;
	b->drop_unknown = p->drop_unknown;
	b->drop_tags = p->drop_tags;
	b->learn = p->learn;
	b->check_source = p->check_source;
	b->known_hosts = p->known_hosts;
	b->rsc = p->rsc;
	b->miss_macs = p->miss_macs;
	b->miss_ips = p->miss_ips;
	b->ageing = p->ageing ? p->ageing : VTEP_AGEING_S;
	b->limit = p->mac_limit ? p->mac_limit : VTEP_LEARNED_MAX;
	b->group_ip = p->group;
	snprintf(b->underlay, sizeof(b->underlay), "%s", p->underlay ? p->underlay : "");
}

struct bridge *bridge_new(struct vtep *v, struct dp_vni *dv, const struct dp_vni_params *p)
{
	struct bridge *b = xcalloc(1, sizeof(*b));

	b->v = v;
	b->dv = dv;
	b->vni = p->vni;
	bridge_take(b, p);
	b->c = traffic_new(v);
	b->talk = xcalloc(v->n_workers, sizeof(*b->talk));
	b->flood = xcalloc(1, sizeof(*b->flood));
	rmap_init(&b->fdb, v->seed, vtep_retire_table, NULL);
	rmap_init(&b->neighs, v->seed, vtep_retire_table, NULL);
	rmap_init(&b->routers, v->seed, vtep_retire_table, NULL);
	rmap_init(&b->peers, v->seed, vtep_retire_table, NULL);
	rmap_init(&b->groups, v->seed, vtep_retire_table, NULL);
	b->ports = xcalloc(1, sizeof(*b->ports));
	ports_take(b, p->ports, p->n_ports);
	return b;
}

static void bridge_free(void *p)
{
	struct bridge *b = p;

	ports_free(b);
	rmap_fini(&b->fdb);
	rmap_fini(&b->neighs);
	rmap_fini(&b->routers);
	rmap_fini(&b->peers);
	rmap_fini(&b->groups);
	free(b->flood);
	free(b->c);
	free(b->talk);
	free(b);
}

void bridge_clear(struct bridge *b)
{
	struct flood *flood = b->flood;
	uint64_t key, value;

	for (size_t at = 0; rmap_next(&b->fdb, &at, &key, &value);) {
		if (!fdb_is_remote(fdb_entry(value)))
			continue;
		rmap_del(&b->fdb, key);
		bridge_entry_gone(b, fdb_entry(value));
	}
	for (size_t at = 0; rmap_next(&b->neighs, &at, &key, &value);) {
		rmap_del(&b->neighs, key);
		vtep_retire((void *)(uintptr_t)value, free);
	}
	for (size_t at = 0; rmap_next(&b->groups, &at, &key, &value);) {
		struct flood *f = (struct flood *)(uintptr_t)value;

		rmap_del(&b->groups, key);
		for (uint32_t i = 0; i < f->n; i++)
			bridge_dest_put(b, f->dest[i]);
		vtep_retire(f, free);
	}
	hold_forget(&b->v->hold, b);
	__atomic_store_n(&b->flood, xcalloc(1, sizeof(*b->flood)), __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < flood->n; i++)
		bridge_dest_put(b, flood->dest[i]);
	vtep_retire(flood, free);
}

void bridge_retire(struct bridge *b)
{
	bridge_clear(b);
	vtep_retire(b, bridge_free);
}

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
		return (uint64_t)1 << 32 | (uint32_t)ip->b[0] << 24 | (uint32_t)ip->b[1] << 16 | (uint32_t)ip->b[2] << 8 |
		       ip->b[3];
	return XXH3_64bits_withSeed(ip->b, sizeof(ip->b), v->seed) | (uint64_t)1 << 63;
}

/* ---- destinations --------------------------------------------------------------------------------------------------- */

static void count_vtep(struct vtep *v, const struct ip *ip, int change)
{
	uint64_t key = vtep_ip_key(v, ip), n = rmap_get(&v->vteps, key) + (uint64_t)change;

	if (n)
		rmap_set(&v->vteps, key, n);
	else
		rmap_del(&v->vteps, key);
}

static struct dest *dest_new(struct vtep *v, const struct dest_key *key)
{
	size_t size = sizeof(struct dest) + v->n_workers * sizeof(struct traffic);
	struct dest *d = aligned_alloc(64, size);

	BUG_ON(!d);
	memset(d, 0, size);
	d->key = *key;
	HASH_ADD(hh, v->dests, key, sizeof(d->key), d);
	if (key->set)
		return d;
	d->sa_len = ip_to_sockaddr(&key->vtep, key->port, &d->sa);
	d->mtu = underlay_mtu(&key->vtep);
	count_vtep(v, &key->vtep, 1);
	return d;
}

static struct dest *dest_at(struct vtep *v, const struct dp_dest *to, uint16_t port);

static void fan_drop(struct vtep *v, struct fan *f)
{
	for (uint32_t i = 0; f && i < f->n; i++)
		dest_put(v, f->dest[i]);
	if (f)
		vtep_retire(f, free);
}

/* The members are written anew and published whole. */
static void fan_fill(struct vtep *v, struct dest *d, const struct dp_set *set)
{
	struct fan *old = d->fan, *f = xcalloc(1, sizeof(*f) + set->n * sizeof(f->dest[0]));

	f->n = set->n;
	for (uint32_t i = 0; i < set->n; i++)
		f->dest[i] = dest_at(v, dp_dest(v->d, set->dest[i]), d->key.port);
	__atomic_store_n(&d->fan, f, __ATOMIC_RELEASE);
	fan_drop(v, old);
}

/* With a reference. */
static struct dest *dest_at(struct vtep *v, const struct dp_dest *to, uint16_t port)
{
	struct dest_key key;
	struct dest *d;

	memset(&key, 0, sizeof(key)); /* the padding, too */
	key.vtep = to->vtep;
	key.label = to->label;
	key.port = port;
	key.set = to->set ? to->id[0] : 0;
	HASH_FIND(hh, v->dests, &key, sizeof(key), d);
	if (!d) {
		d = dest_new(v, &key);
		if (to->set)
			fan_fill(v, d, to->set);
	}
	d->refs++;
	return d;
}

static struct dest *dest_get(struct bridge *b, const struct dp_dest *to)
{
	return dest_at(b->v, to, b->u->port);
}

void dest_put(struct vtep *v, struct dest *d)
{
	if (--d->refs)
		return;
	HASH_DEL(v->dests, d);
	if (d->key.set)
		fan_drop(v, d->fan);
	else
		count_vtep(v, &d->key.vtep, -1);
	vtep_retire(d, free);
}

/* A destination is made when a row needs it; what is one already gets the members that it is to have now. */
static void dest_op(struct vtep *v, const struct dp_op *op)
{
	struct dest *d, *tmp;

	if (!op->dest->set || op->type != DP_OP_PUT)
		return;
	if (!op->dest->id[0])
		op->dest->id[0] = ++v->last_set;
	HASH_ITER(hh, v->dests, d, tmp) {
		if (d->key.set == op->dest->id[0])
			fan_fill(v, d, op->dest->set);
	}
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

static void entry_gone(struct bridge *b, struct fdb_entry e)
{
	if (e.kind == FDB_PORT)
		b->learned--;
	else if (e.kind == FDB_REMOTE)
		dest_put(b->v, e.to);
}

static void fdb_put(struct bridge *b, const struct dp_op *op)
{
	struct fdb_entry e = { .kind = FDB_REMOTE, .sticky = op->flags & DP_STICKY, .to = dest_get(b, op->dest) };
	uint64_t key = fdb_key(&op->mac);
	struct fdb_entry old = fdb_get(&b->fdb, key);

	rmap_set(&b->fdb, key, fdb_word(e));
	entry_gone(b, old);
}

static void fdb_del(struct bridge *b, const struct dp_op *op)
{
	uint64_t key = fdb_key(&op->mac);
	struct fdb_entry old = fdb_get(&b->fdb, key);

	if (old.kind != FDB_REMOTE)
		return;
	rmap_del(&b->fdb, key);
	entry_gone(b, old);
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
	entry_gone(b, old);
	return 0;
}

static int fdb_op(struct bridge *b, struct dp_op *op)
{
	static const uint8_t at[] = {
		[FDB_NONE] = DP_AT_NOWHERE, [FDB_PORT] = DP_AT_PORT, [FDB_REMOTE] = DP_AT_VXLAN
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
	}
	return 0;
}

/* A list is written anew and published whole. */
static void flood_op(struct bridge *b, const struct dp_op *op)
{
	struct flood *old = b->flood, *f = xcalloc(1, sizeof(*f) + (old->n + 1) * sizeof(f->dest[0]));
	struct dest *gone = NULL;

	for (uint32_t i = 0; i < old->n; i++) {
		if (ip_eq(&old->dest[i]->key.vtep, &op->ip))
			gone = old->dest[i];
		else
			f->dest[f->n++] = old->dest[i];
	}
	if (op->type == DP_OP_PUT)
		f->dest[f->n++] = dest_get(b, op->dest);
	__atomic_store_n(&b->flood, f, __ATOMIC_RELEASE);
	if (gone)
		dest_put(b->v, gone);
	vtep_retire(old, free);
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

/* ---- life ----------------------------------------------------------------------------------------------------------- */

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

struct bridge *bridge_new(struct vtep *v, struct dp_vni *dv, const struct dp_vni_params *p)
{
	struct bridge *b = xcalloc(1, sizeof(*b));

	b->v = v;
	b->dv = dv;
	b->vni = p->vni;
	b->suppress = p->neigh_suppress;
	b->hear_hosts = p->hear_hosts;
	b->drop_unknown = p->drop_unknown;
	b->c = traffic_new(v);
	b->flood = xcalloc(1, sizeof(*b->flood));
	rmap_init(&b->fdb, v->seed, vtep_retire_table, NULL);
	rmap_init(&b->neighs, v->seed, vtep_retire_table, NULL);
	b->ports = xcalloc(1, sizeof(*b->ports));
	for (size_t i = 0; i < p->n_ports; i++)
		port_add(b, &p->ports[i]);
	return b;
}

static void bridge_free(void *p)
{
	struct bridge *b = p;

	ports_free(b);
	rmap_fini(&b->fdb);
	rmap_fini(&b->neighs);
	free(b->flood);
	free(b->c);
	free(b);
}

void bridge_retire(struct bridge *b)
{
	uint64_t key, value;

	for (size_t at = 0; rmap_next(&b->fdb, &at, &key, &value);)
		entry_gone(b, fdb_entry(value));
	for (size_t at = 0; rmap_next(&b->neighs, &at, &key, &value);)
		vtep_retire((void *)(uintptr_t)value, free);
	for (uint32_t i = 0; i < b->flood->n; i++)
		dest_put(b->v, b->flood->dest[i]);
	vtep_retire(b, bridge_free);
}

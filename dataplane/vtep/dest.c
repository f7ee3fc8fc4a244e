/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Destinations: where rows and flood lists point. A destination is made when the first row needs it and goes with the
 * last; VNIs share them. One of several VTEPs has its members published as a list.
 */
#include <stdlib.h>
#include <unistd.h>

#include "dataplane/vtep/vtep.h"

static void count_vtep(struct vtep *v, const struct ip *ip, int change)
{
	uint64_t key = vtep_ip_key(v, ip), n = rmap_get(&v->vteps, key) + (uint64_t)change;

	if (n)
		rmap_set(&v->vteps, key, n);
	else
		rmap_del(&v->vteps, key);
}

static struct dest *dest_new(struct vtep *v, const struct dest_key *key, int fd)
{
	size_t size = sizeof(struct dest) + v->n_workers * sizeof(struct traffic);
	struct dest *d = aligned_alloc(64, size);

	BUG_ON(!d);
	memset(d, 0, size);
	d->key = *key;
	d->fd = fd;
	HASH_ADD(hh, v->dests, key, sizeof(d->key), d);
	if (key->set)
		return d;
	d->sa_len = ip_to_sockaddr(&key->vtep, key->port, &d->sa);
	if (fd)
		return d;
	d->mtu = underlay_mtu(&key->vtep);
	count_vtep(v, &key->vtep, 1);
	return d;
}

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

struct dest *dest_at(struct vtep *v, const struct dp_dest *to, uint16_t port)
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
		d = dest_new(v, &key, 0);
		if (to->set)
			fan_fill(v, d, to->set);
	}
	d->refs++;
	return d;
}

struct dest *dest_of_group(struct vtep *v, const struct ip *group, uint16_t port, unsigned ifindex, int fd)
{
	struct dest_key key;
	struct dest *d;

	memset(&key, 0, sizeof(key));
	key.vtep = *group;
	key.port = port;
	key.ifindex = ifindex;
	d = dest_new(v, &key, fd);
	d->refs++;
	return d;
}

static void dest_free(void *p)
{
	struct dest *d = p;

	if (d->fd)
		close(d->fd);
	free(d);
}

void dest_put(struct vtep *v, struct dest *d)
{
	if (--d->refs)
		return;
	HASH_DEL(v->dests, d);
	if (d->key.set)
		fan_drop(v, d->fan);
	else if (!d->fd)
		count_vtep(v, &d->key.vtep, -1);
	vtep_retire(d, dest_free);
}

void dest_op(struct vtep *v, const struct dp_op *op)
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

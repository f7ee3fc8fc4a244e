/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Destinations: where rows and flood lists point. A destination is made when the first row needs it and goes with the
 * last; VNIs share them. One of several VTEPs has its members published as a list.
 */
#include <stdlib.h>
#include <unistd.h>

#include "dataplane/vtep/vtep.h"

static struct remote *remote_new(struct vtep *v, const struct ip *ip)
{
	struct remote *r = xcalloc(1, sizeof(*r));

	r->ip = *ip;
	r->c = traffic_new(v);
	list_add_tail(&v->remotes, &r->list);
	return r;
}

/* With a reference. Groups and sets have one of their own, which nothing comes from. */
static struct remote *remote_get(struct vtep *v, const struct dest *d)
{
	uint64_t key = vtep_ip_key(v, &d->key.vtep);
	bool plain = !d->key.set && !d->fd;
	struct remote *r = plain ? (struct remote *)(uintptr_t)rmap_get(&v->vteps, key) : NULL;

	if (!r)
		r = remote_new(v, &d->key.vtep);
	if (plain && !r->refs)
		rmap_set(&v->vteps, key, (uint64_t)(uintptr_t)r);
	r->refs++;
	return r;
}

static void remote_free(void *p)
{
	struct remote *r = p;

	free(r->c);
	free(r);
}

static void remote_put(struct vtep *v, const struct dest *d)
{
	struct remote *r = d->remote;

	if (--r->refs)
		return;
	if (!d->key.set && !d->fd)
		rmap_del(&v->vteps, vtep_ip_key(v, &r->ip));
	list_del(&r->list);
	vtep_retire(r, remote_free);
}

static struct dest *dest_new(struct vtep *v, const struct dest_key *key, int fd)
{
	struct dest *d = xcalloc(1, sizeof(*d));

	d->key = *key;
	d->fd = fd;
	d->remote = remote_get(v, d);
	d->c = d->remote->c;
	HASH_ADD(hh, v->dests, key, sizeof(d->key), d);
	if (key->set)
		return d;
	d->sa_len = ip_to_sockaddr(&key->vtep, key->port, &d->sa);
	if (fd)
		return d;
	d->mtu = underlay_mtu(&key->vtep);
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
	remote_put(v, d);
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

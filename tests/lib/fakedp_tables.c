/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The fake backend's tables, the hands that change them and the looks at them; fakedp.c
 * is the backend that writes them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fakedp_int.h"

struct fkey fake_key(uint32_t vni, enum table t, const struct mac *mac, const struct ip *ip)
{
	struct fkey k;

	memset(&k, 0, sizeof(k));
	k.vni = vni;
	k.table = (uint8_t)t;
	if (mac)
		k.mac = *mac;
	if (ip)
		k.ip = *ip;
	return k;
}

static struct entry *lookup(const struct fakedp *f, const struct fkey *k)
{
	struct entry *e;

	HASH_FIND(hh, f->entries, k, sizeof(*k), e);
	return e;
}

struct fakedp_row fake_look(const struct fakedp *f, struct fkey k)
{
	struct entry *e = lookup(f, &k);

	return e ? e->row : (struct fakedp_row){ 0 };
}

static void queue(struct fakedp *f, const struct fkey *k, const struct fakedp_row *row)
{
	struct event *ev;

	if (!f->d || f->overrun)
		return;
	ev = xcalloc(1, sizeof(*ev));
	ev->key = *k;
	ev->row = *row;
	list_add_tail(&f->events, &ev->list);
}

void fake_drop_events(struct fakedp *f)
{
	while (!list_empty(&f->events)) {
		struct event *ev = container_of(f->events.next, struct event, list);

		list_del(&ev->list);
		free(ev);
	}
}

void fake_put(struct fakedp *f, struct fkey k, struct fakedp_row row, bool quiet)
{
	struct entry *e = lookup(f, &k);

	row.there = true;
	if (!e) {
		e = xcalloc(1, sizeof(*e));
		e->key = k;
		HASH_ADD(hh, f->entries, key, sizeof(k), e);
	}
	e->row = row;
	if (!quiet)
		queue(f, &k, &row);
}

void fake_drop(struct fakedp *f, struct fkey k, bool quiet)
{
	struct entry *e = lookup(f, &k);
	struct fakedp_row gone;

	if (!e)
		return;
	gone = e->row;
	gone.there = false;
	HASH_DEL(f->entries, e);
	free(e);
	if (!quiet)
		queue(f, &k, &gone);
}

struct object *fake_object(const struct fakedp *f, const struct ip *vtep)
{
	struct object *o;

	HASH_FIND(hh, f->objects, vtep, sizeof(*vtep), o);
	return o;
}

struct fset *fake_set(const struct fakedp *f, uint32_t id)
{
	struct fset *s;

	HASH_FIND(hh, f->sets, &id, sizeof(id), s);
	return s;
}

struct fvni *fake_vni(struct fakedp *f, uint32_t nr)
{
	struct fvni *v;

	HASH_FIND(hh, f->vnis, &nr, sizeof(nr), v);
	if (v)
		return v;
	v = xcalloc(1, sizeof(*v));
	v->nr = nr;
	v->present = true;
	snprintf(v->name[0], sizeof(v->name[0]), "br%u", nr);
	snprintf(v->name[1], sizeof(v->name[1]), "vxlan%u", nr);
	HASH_ADD(hh, f->vnis, nr, sizeof(nr), v);
	return v;
}

static void queue_end(struct fakedp *f, const struct ip *vtep, uint32_t dest)
{
	struct event *ev;

	if (!f->d || f->overrun)
		return;
	ev = xcalloc(1, sizeof(*ev));
	ev->object = true;
	ev->vtep = vtep ? *vtep : ip_none();
	ev->dest = dest;
	list_add_tail(&f->events, &ev->list);
}

void fake_set_end(struct fakedp *f, struct fset *s)
{
	struct entry *e, *tmp;

	HASH_ITER(hh, f->entries, e, tmp) {
		if (e->key.table != T_VXLAN || e->row.set != s->id)
			continue;
		HASH_DEL(f->entries, e);
		free(e);
	}
	HASH_DEL(f->sets, s);
	free(s);
}

/* A set without a member cannot be. */
static void leave_sets(struct fakedp *f, const struct ip *vtep)
{
	struct fset *s, *tmp;

	HASH_ITER(hh, f->sets, s, tmp) {
		unsigned n = 0;

		for (unsigned i = 0; i < s->n; i++) {
			if (!ip_eq(&s->member[i], vtep))
				s->member[n++] = s->member[i];
		}
		s->n = n;
		if (n)
			continue;
		queue_end(f, NULL, s->dest);
		fake_set_end(f, s);
	}
}

void fake_object_end(struct fakedp *f, struct object *o)
{
	struct entry *e, *tmp;

	leave_sets(f, &o->vtep);

	HASH_ITER(hh, f->entries, e, tmp) {
		if (e->key.table != T_VXLAN || e->row.hand != FAKEDP_US || e->row.label || e->row.set ||
		    !ip_eq(&e->row.vtep, &o->vtep))
			continue;
		HASH_DEL(f->entries, e);
		free(e);
	}
	HASH_DEL(f->objects, o);
	free(o);
}

/* ---- hands ------------------------------------------------------------------------------------------------------- */

static void kick(struct fakedp *f)
{
	if (f->d)
		dp_kick(f->d);
}

void fakedp_devices(struct fakedp *f, uint32_t vni, bool present, const char *problem)
{
	struct fvni *v = fake_vni(f, vni);
	struct entry *e, *tmp;

	v->present = present;
	v->gone |= !present;
	v->problem = problem;
	v->changed = true;
	HASH_ITER(hh, f->entries, e, tmp) {
		if (present || e->key.vni != vni)
			continue;
		HASH_DEL(f->entries, e);
		free(e);
	}
	kick(f);
}

void fakedp_devices_made(struct fakedp *f, uint32_t vni)
{
	fake_vni(f, vni)->made = true;
}

void fakedp_learn(struct fakedp *f, uint32_t vni, const struct mac *mac, unsigned ifindex, enum fakedp_hand hand)
{
	fake_put(f, fake_key(vni, T_BRIDGE, mac, NULL), (struct fakedp_row){ .hand = hand, .ifindex = ifindex }, false);
	kick(f);
}

void fakedp_forget(struct fakedp *f, uint32_t vni, const struct mac *mac)
{
	fake_drop(f, fake_key(vni, T_BRIDGE, mac, NULL), false);
	kick(f);
}

void fakedp_neigh_set(struct fakedp *f, uint32_t vni, const struct ip *ip, const struct mac *mac, enum fakedp_hand hand,
		      uint8_t flags)
{
	fake_put(f, fake_key(vni, T_NEIGH, NULL, ip), (struct fakedp_row){ .hand = hand, .mac = *mac, .flags = flags },
		 false);
	kick(f);
}

void fakedp_neigh_del(struct fakedp *f, uint32_t vni, const struct ip *ip)
{
	fake_drop(f, fake_key(vni, T_NEIGH, NULL, ip), false);
	kick(f);
}

static struct fkey vxlan_key(uint32_t vni, const struct mac *mac, const struct ip *vtep)
{
	return mac_is_zero(mac) ? fake_key(vni, T_FLOOD, NULL, vtep) : fake_key(vni, T_VXLAN, mac, NULL);
}

void fakedp_vxlan_set(struct fakedp *f, uint32_t vni, const struct mac *mac, const struct ip *vtep)
{
	struct fkey k = vxlan_key(vni, mac, vtep);
	struct fakedp_row old = fake_look(f, k);

	struct fakedp_row row = { .hand = FAKEDP_STATIC, .vtep = *vtep, .label = old.label };

	row.was_ours = old.there && (old.hand == FAKEDP_US || old.was_ours);
	fake_put(f, k, row, false);
	kick(f);
}

void fakedp_tunnel(struct fakedp *f, uint32_t vni, const struct mac *mac, const struct ip *vtep)
{
	fake_put(f, vxlan_key(vni, mac, vtep), (struct fakedp_row){ .hand = FAKEDP_KERNEL, .vtep = *vtep }, false);
	kick(f);
}

void fakedp_vxlan_del(struct fakedp *f, uint32_t vni, const struct mac *mac, const struct ip *vtep)
{
	fake_drop(f, vxlan_key(vni, mac, vtep), false);
	kick(f);
}

void fakedp_dest_del(struct fakedp *f, const struct ip *vtep)
{
	struct object *o = fake_object(f, vtep);
	struct ip gone = *vtep;

	if (!o)
		return;
	fake_object_end(f, o);
	queue_end(f, &gone, 0);
	kick(f);
}

void fakedp_set_del(struct fakedp *f, uint32_t vni, const struct mac *mac)
{
	struct fset *s = fake_set(f, fakedp_vxlan(f, vni, mac).set);

	if (!s)
		return;
	queue_end(f, NULL, s->dest);
	fake_set_end(f, s);
	kick(f);
}

void fakedp_overrun(struct fakedp *f)
{
	f->overrun = true;
	kick(f);
}

void fakedp_lose(struct fakedp *f, uint32_t vni, const struct mac *mac)
{
	fake_drop(f, fake_key(vni, T_VXLAN, mac, NULL), true);
}

void fakedp_late(struct fakedp *f, uint64_t seed)
{
	f->is_late = true;
	f->rng = (struct rng){ seed };
	f->echoes = rng_below(&f->rng, 2);
}

void fakedp_tell_ends(struct fakedp *f)
{
	f->tells_ends = true;
}

void fakedp_shy(struct fakedp *f, uint64_t seed)
{
	f->is_shy = true;
	f->reads_at_once = !seed;
	if (!f->is_late && seed)
		f->rng = (struct rng){ seed };
}

void fakedp_refuse(struct fakedp *f, int err, unsigned n)
{
	f->refuse_err = err;
	f->refuse_n = n;
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

struct fakedp_row fakedp_bridge(const struct fakedp *f, uint32_t vni, const struct mac *mac)
{
	return fake_look(f, fake_key(vni, T_BRIDGE, mac, NULL));
}

struct fakedp_row fakedp_vxlan(const struct fakedp *f, uint32_t vni, const struct mac *mac)
{
	return fake_look(f, fake_key(vni, T_VXLAN, mac, NULL));
}

struct fakedp_row fakedp_flood(const struct fakedp *f, uint32_t vni, const struct ip *vtep)
{
	return fake_look(f, fake_key(vni, T_FLOOD, NULL, vtep));
}

struct fakedp_row fakedp_neigh(const struct fakedp *f, uint32_t vni, const struct ip *ip)
{
	return fake_look(f, fake_key(vni, T_NEIGH, NULL, ip));
}

struct ip fakedp_fdb(const struct fakedp *f, uint32_t vni, const struct mac *mac)
{
	struct fakedp_row b = fakedp_bridge(f, vni, mac), x = fakedp_vxlan(f, vni, mac);

	return x.there && b.there && !b.ifindex ? x.vtep : ip_none();
}

unsigned fakedp_vteps(const struct fakedp *f, uint32_t vni, const struct mac *mac, struct ip out[DP_SET_MAX])
{
	struct fakedp_row b = fakedp_bridge(f, vni, mac), x = fakedp_vxlan(f, vni, mac);
	const struct fset *s = fake_set(f, x.set);

	if (!x.there || !b.there || b.ifindex)
		return 0;
	if (!x.set) {
		out[0] = x.vtep;
		return 1;
	}
	memcpy(out, s->member, s->n * sizeof(out[0]));
	return s->n;
}

unsigned fakedp_sets(const struct fakedp *f)
{
	return HASH_COUNT(f->sets);
}

unsigned fakedp_rows(const struct fakedp *f, uint32_t vni, enum fakedp_hand hand)
{
	unsigned n = 0;

	for (const struct entry *e = f->entries; e; e = e->hh.next)
		n += e->key.vni == vni && e->row.hand == hand;
	return n;
}

unsigned fakedp_macs(const struct fakedp *f, uint32_t vni)
{
	unsigned n = 0;

	for (const struct entry *e = f->entries; e; e = e->hh.next) {
		if (e->key.vni == vni && e->key.table == T_VXLAN && e->row.hand == FAKEDP_US)
			n += fakedp_vteps(f, vni, &e->key.mac, (struct ip[DP_SET_MAX]){ 0 }) != 0;
	}
	return n;
}

unsigned fakedp_dests(const struct fakedp *f)
{
	return HASH_COUNT(f->objects);
}

unsigned fakedp_writes(const struct fakedp *f)
{
	return f->writes;
}

unsigned fakedp_trampled(const struct fakedp *f)
{
	return f->is_late ? 0 : f->trampled;
}

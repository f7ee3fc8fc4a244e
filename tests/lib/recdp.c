/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See recdp.h. Slow and obvious: a sorted array of rows. */
#include "tests/lib/recdp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Weak: tests of the real dataplane link this archive, too. */
#pragma weak dp_key_fdb
#pragma weak dp_key_flood
#pragma weak dp_key_group
#pragma weak dp_key_neigh
#pragma weak dp_want
#pragma weak dp_unwant
#pragma weak dp_soon
#pragma weak dp_set_put
#pragma weak dp_set_del
#pragma weak dp_sets_on_demand
#pragma weak dp_vni_add
#pragma weak dp_vni_del
#pragma weak dp_ifname
#pragma weak dp_host_ask
#pragma weak dp_host_answer
#pragma weak dp_host_reply
#pragma weak dp_host_carry

struct set {
	unsigned n;
	struct ip vtep[DP_SET_MAX];
};

#define SETS_MAX 8192u

struct dp {
	struct set *sets; /* by number */
	uint64_t set_changes;
	const struct dp_events *ev;
	struct dp_row *rows;
	size_t n, cap;
	uint32_t vnis[64];
	size_t n_vnis;
	uint64_t calls;
	bool ready;
	struct buf *said;
	int refuse;
	bool no_sets_on_demand;
};

struct dp *recdp_new(const struct dp_events *ev, bool ready)
{
	struct dp *d = xcalloc(1, sizeof(*d));

	d->ev = ev;
	d->ready = ready;
	d->sets = xcalloc(SETS_MAX, sizeof(*d->sets));
	return d;
}

void recdp_free(struct dp *d)
{
	free(d->sets);
	free(d->rows);
	free(d);
}

static struct dp_key key_new(uint32_t vni, enum dp_kind kind)
{
	struct dp_key k;

	memset(&k, 0, sizeof(k));
	k.vni = vni;
	k.kind = (uint8_t)kind;
	return k;
}

struct dp_key dp_key_fdb(uint32_t vni, const struct mac *mac)
{
	struct dp_key k = key_new(vni, DP_FDB);

	k.mac = *mac;
	return k;
}

struct dp_key dp_key_flood(uint32_t vni, const struct ip *vtep)
{
	struct dp_key k = key_new(vni, DP_FLOOD);

	k.ip = *vtep;
	return k;
}

struct dp_key dp_key_group(uint32_t vni, const struct mac *group, const struct ip *vtep)
{
	struct dp_key k = dp_key_flood(vni, vtep);

	k.mac = *group;
	return k;
}

struct dp_key dp_key_neigh(uint32_t vni, const struct ip *ip)
{
	struct dp_key k = key_new(vni, DP_NEIGH);

	k.ip = *ip;
	return k;
}

static int key_cmp(const struct dp_key *a, const struct dp_key *b)
{
	if (a->vni != b->vni)
		return a->vni < b->vni ? -1 : 1;
	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	return memcmp(&a->mac, &b->mac, 6) ? memcmp(&a->mac, &b->mac, 6) : ip_cmp(&a->ip, &b->ip);
}

/* The first row that is not before key. */
static size_t position(const struct dp *d, const struct dp_key *key)
{
	return array_first(i, d->n, key_cmp(&d->rows[i].key, key) >= 0);
}

const struct dp_row *recdp_find(const struct dp *d, const struct dp_key *key)
{
	size_t i = position(d, key);

	return i < d->n && !key_cmp(&d->rows[i].key, key) ? &d->rows[i] : NULL;
}

void dp_set_put(struct dp *d, uint32_t set, const struct ip *vteps, unsigned n)
{
	struct set *s = &d->sets[set];

	BUG_ON(!set || set >= SETS_MAX || !n || n > DP_SET_MAX);
	for (unsigned i = 1; i < n; i++)
		BUG_ON(ip_cmp(&vteps[i - 1], &vteps[i]) >= 0);
	if (s->n == n && !memcmp(s->vtep, vteps, n * sizeof(*vteps)))
		return;
	s->n = n;
	memcpy(s->vtep, vteps, n * sizeof(*vteps));
	d->set_changes++;
}

void dp_set_del(struct dp *d, uint32_t set)
{
	d->sets[set].n = 0;
}

uint64_t recdp_set_changes(const struct dp *d)
{
	return d->set_changes;
}

unsigned recdp_set(const struct dp *d, uint32_t set, struct ip vteps[DP_SET_MAX])
{
	memcpy(vteps, d->sets[set].vtep, d->sets[set].n * sizeof(*vteps));
	return d->sets[set].n;
}

size_t recdp_sets(const struct dp *d)
{
	size_t n = 0;

	for (uint32_t i = 0; i < SETS_MAX; i++)
		n += d->sets[i].n != 0;
	return n;
}

void dp_want(struct dp *d, const struct dp_row *row)
{
	size_t i = position(d, &row->key);

	BUG_ON(row->set && !d->sets[row->set].n);
	BUG_ON(row->set && row->flags & DP_ON_DEMAND && d->no_sets_on_demand);
	d->calls++;
	if (i == d->n || key_cmp(&d->rows[i].key, &row->key)) {
		array_room(d->rows, d->n, d->cap, 64);
		memmove(d->rows + i + 1, d->rows + i, (d->n - i) * sizeof(*d->rows));
		d->n++;
	}
	d->rows[i] = *row;
}

void dp_soon(struct dp *d, const struct dp_key *key)
{
}

void dp_unwant(struct dp *d, const struct dp_key *key)
{
	size_t i = position(d, key);

	d->calls++;
	if (i == d->n || key_cmp(&d->rows[i].key, key))
		return;
	d->n--;
	memmove(d->rows + i, d->rows + i + 1, (d->n - i) * sizeof(*d->rows));
}

int dp_vni_add(struct dp *d, const struct dp_vni_params *p)
{
	if (d->refuse)
		return d->refuse;
	if (d->n_vnis == sizeof(d->vnis) / sizeof(d->vnis[0]))
		return -ENOSPC;
	d->vnis[d->n_vnis++] = p->vni;
	if (d->ready)
		d->ev->vni_ready(d->ev->ctx, p->vni, true);
	return 0;
}

void dp_vni_del(struct dp *d, uint32_t vni)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n; i++)
		if (d->rows[i].key.vni != vni)
			d->rows[kept++] = d->rows[i];
	d->n = kept;
	for (size_t i = 0; i < d->n_vnis; i++)
		if (d->vnis[i] == vni)
			d->vnis[i--] = d->vnis[--d->n_vnis];
}

const char *dp_ifname(const struct dp *d, unsigned ifindex)
{
	return ifindex == 7 ? "port7" : NULL;
}

bool dp_host_ask(struct dp *d, uint32_t vni, unsigned ifindex, const struct ip *ip, const struct mac *mac)
{
	if (d->said)
		buf_printf(d->said, "ask %u on %u: has %s still %s\n", vni, ifindex, mac_str(mac).s, ip_str(ip).s);
	return d->said;
}

void dp_host_answer(struct dp *d, const struct dp_heard *h, const struct mac *mac, bool router)
{
	if (d->said)
		buf_printf(d->said, "answer %u on %u: %s is at %s%s\n", h->vni, h->ifindex, ip_str(&h->target).s,
			   mac_str(mac).s, router ? ", a router" : "");
}

void dp_host_reply(struct dp *d, const struct dp_heard *h, const struct mac *mac, bool router)
{
	if (d->said)
		buf_printf(d->said, "reply %u on %u: %zu octets, %s%s\n", h->vni, h->ifindex, h->len, mac_str(mac).s,
			   router ? ", a router" : "");
}

void dp_host_carry(struct dp *d, const struct dp_heard *h)
{
	if (d->said)
		buf_printf(d->said, "carry %u from %u: %s\n", h->vni, h->ifindex, ip_str(&h->target).s);
}

void recdp_listen(struct dp *d, struct buf *said)
{
	d->said = said;
}

static void set_text(const struct set *s, struct buf *out)
{
	buf_adds(out, "{");
	for (unsigned i = 0; i < s->n; i++)
		buf_printf(out, "%s%s", i ? " " : "", ip_str(&s->vtep[i]).s);
	buf_adds(out, "}");
}

static void row_text(const struct dp *d, const struct dp_row *r, struct buf *out)
{
	switch ((enum dp_kind)r->key.kind) {
	case DP_FDB:
		buf_printf(out, "fdb %u %s %s", r->key.vni, mac_str(&r->key.mac).s, r->set ? "" : ip_str(&r->vtep).s);
		if (r->set)
			set_text(&d->sets[r->set], out);
		break;
	case DP_FLOOD:
		if (mac_is_zero(&r->key.mac))
			buf_printf(out, "flood %u %s", r->key.vni, ip_str(&r->key.ip).s);
		else
			buf_printf(out, "group %u %s %s", r->key.vni, mac_str(&r->key.mac).s, ip_str(&r->key.ip).s);
		break;
	case DP_NEIGH:
		buf_printf(out, "neigh %u %s %s", r->key.vni, ip_str(&r->key.ip).s, mac_str(&r->mac).s);
		break;
	}
	if (r->label_vni)
		buf_printf(out, " label %u", r->label_vni);
	buf_adds(out, r->flags & DP_STICKY ? " sticky" : "");
	buf_adds(out, r->flags & DP_ROUTER ? " router" : "");
	buf_adds(out, r->flags & DP_TAKE_OVER ? " take-over" : "");
	buf_adds(out, r->flags & DP_ON_DEMAND ? " on-demand" : "");
	buf_adds(out, "\n");
}

void recdp_text(const struct dp *d, struct buf *out)
{
	for (size_t i = 0; i < d->n; i++)
		row_text(d, &d->rows[i], out);
}

size_t recdp_rows(const struct dp *d)
{
	return d->n;
}

uint64_t recdp_calls(const struct dp *d)
{
	return d->calls;
}

bool dp_sets_on_demand(const struct dp *d)
{
	return !d->no_sets_on_demand;
}

void recdp_no_sets_on_demand(struct dp *d)
{
	d->no_sets_on_demand = true;
}

void recdp_refuse(struct dp *d, int err)
{
	d->refuse = err;
}

size_t recdp_vnis(const struct dp *d)
{
	return d->n_vnis;
}

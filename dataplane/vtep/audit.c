/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A look at the tables that frames are looked up in, for dataplane/audit.c. Nobody else writes them, so
 * what it finds is a fault of ours; the control thread is the writer, so nothing changes within a step.
 */
#include <stdlib.h>

#include "dataplane/vtep/vtep.h"

#define STEP_ROWS 512u

struct vtep_look {
	struct dp_audit *a;
	uint32_t *vnis;   /* those to look at */
	size_t n, at;
	size_t fdb_at;    /* in the table; one that grows meanwhile is asked row by row in the end */
};

static uint32_t handle_of(const struct vtep *v, const struct dest *to)
{
	return to->key.set ? dp_set_find(v->d, to->key.set) : dp_dest_find(v->d, &to->key.vtep, to->key.label);
}

static void fill_fdb(const struct bridge *b, struct fdb_entry e, struct dp_seen *s)
{
	static const uint8_t state[] = { DP_SEEN_NONE, [FDB_PORT] = DP_SEEN_LOCAL, [FDB_REMOTE] = DP_SEEN_OURS,
					 [FDB_LEARNED] = DP_SEEN_LOCAL };
	const struct vport *p = e.to;

	s->part = e.kind == FDB_PORT ? DP_PORT : DP_SELF;
	s->state = state[e.kind];
	s->flags = (e.sticky ? DP_STICKY : 0) | (e.kind == FDB_REMOTE && e.seen ? DP_ON_DEMAND : 0) |
		   (rmap_get(&b->routers, fdb_key(&s->mac)) ? DP_ROUTER : 0);
	s->ifindex = e.kind == FDB_PORT ? p->id : 0;
	s->dest = fdb_is_remote(e) ? handle_of(b->v, e.to) : 0;
}

static bool fdb_step(struct vtep_look *l, struct bridge *b)
{
	uint64_t key, value;

	for (unsigned i = 0; i < STEP_ROWS; i++) {
		struct dp_seen s = { .vni = b->dv, .kind = DP_FDB };

		if (!rmap_next(&b->fdb, &l->fdb_at, &key, &value))
			return false;
		s.mac = fdb_mac(key);
		fill_fdb(b, fdb_entry(value), &s);
		dp_audit_seen(l->a, &s);
	}
	return true;
}

static void look_at_list(struct vtep_look *l, struct bridge *b, const struct flood *f, const struct mac *group)
{
	for (uint32_t i = 0; i < f->n; i++) {
		struct dp_seen s = {
			.vni = b->dv, .kind = DP_FLOOD, .part = DP_SELF, .state = DP_SEEN_OURS, .mac = *group
		};

		if (f->dest[i]->fd)
			continue; /* the underlay's group: no row */
		s.ip = f->dest[i]->key.vtep;
		s.dest = handle_of(b->v, f->dest[i]);
		dp_audit_seen(l->a, &s);
	}
}

static void look_at_flood(struct vtep_look *l, struct bridge *b)
{
	static const struct mac all;
	uint64_t key, value;

	look_at_list(l, b, b->flood, &all);
	for (size_t at = 0; rmap_next(&b->groups, &at, &key, &value);) {
		struct mac group = fdb_mac(key);

		look_at_list(l, b, (const struct flood *)(uintptr_t)value, &group);
	}
}

static void look_at_bindings(struct vtep_look *l, struct bridge *b)
{
	uint64_t key, value;

	for (size_t at = 0; rmap_next(&b->neighs, &at, &key, &value);) {
		const struct binding *n = (const struct binding *)(uintptr_t)value;
		struct dp_seen s = { .vni = b->dv,
				     .kind = DP_NEIGH,
				     .part = DP_SELF,
				     .state = DP_SEEN_OURS,
				     .mac = n->mac,
				     .ip = n->ip };

		s.flags = n->router ? DP_ROUTER : 0;
		dp_audit_seen(l->a, &s);
	}
}

void *vtep_audit_begin(void *be, struct dp_audit *a, uint32_t vni)
{
	struct vtep_look *l = xcalloc(1, sizeof(*l));
	struct vtep *v = be;
	struct bridge *b;

	l->a = a;
	list_for_each(b, &v->bridges, list)
		l->n++;
	l->vnis = xcalloc(l->n + 1, sizeof(*l->vnis));
	l->n = 0;
	list_for_each(b, &v->bridges, list) {
		if (!vni || b->vni == vni)
			l->vnis[l->n++] = b->vni;
	}
	return l;
}

bool vtep_audit_step(void *be, void *run)
{
	struct vtep_look *l = run;
	struct bridge *b;

	if (l->at == l->n)
		return false;
	b = bridge_find(be, l->vnis[l->at]);
	if (b && fdb_step(l, b))
		return true;
	if (b) {
		look_at_flood(l, b);
		look_at_bindings(l, b);
	}
	l->fdb_at = 0;
	l->at++;
	return true;
}

void vtep_audit_end(void *be, void *run)
{
	struct vtep_look *l = run;

	free(l->vnis);
	free(l);
}

static void ask_flood(const struct bridge *b, struct dp_seen *s)
{
	const struct flood *f = mac_is_zero(&s->mac) ? b->flood : bridge_group(b, &s->mac);

	s->state = DP_SEEN_NONE;
	for (uint32_t i = 0; f && i < f->n; i++) {
		if (ip_eq(&f->dest[i]->key.vtep, &s->ip))
			s->state = DP_SEEN_OURS;
	}
}

static void ask_binding(const struct bridge *b, struct dp_seen *s)
{
	const struct binding *n = (const struct binding *)(uintptr_t)rmap_get(&b->neighs, vtep_ip_key(b->v, &s->ip));

	s->state = n ? DP_SEEN_OURS : DP_SEEN_NONE;
	if (n) {
		s->mac = n->mac;
		s->flags = n->router ? DP_ROUTER : 0;
	}
}

bool vtep_audit_row(void *be, void *vni, struct dp_seen *s)
{
	const struct bridge *b = vni;

	if (s->kind == DP_FDB)
		fill_fdb(b, fdb_get(&b->fdb, fdb_key(&s->mac)), s);
	else if (s->kind == DP_FLOOD)
		ask_flood(b, s);
	else
		ask_binding(b, s);
	return true;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What the workers heard, as the control thread takes it: MACs on ports go into the FDB and up to reconcile, which tells
 * evpn; what has not been heard for long is forgotten. One thread writes, so what is local and what is remote cannot
 * cross: a MAC that was heard after a route's row was written is local, and reconcile hears of it in that order.
 */
#include "dataplane/vtep/vtep.h"

#define AGE_STEP 4096u /* slots a second and VNI; a table is gone through in VTEP_AGEING_S / 4 at the latest */

static void tell(struct bridge *b, const struct mac *mac, const struct vport *p, enum dp_seen_state state)
{
	struct dp_seen s = { .vni = b->dv, .kind = DP_FDB, .part = DP_PORT, .state = state, .mac = *mac,
			     .ifindex = p->id };

	dp_seen(b->v->d, &s);
}

static void heard_mac(struct bridge *b, struct vport *p, const struct mac *mac)
{
	uint64_t key = fdb_key(mac);
	struct fdb_entry e = fdb_get(&b->fdb, key);
	struct fdb_entry fresh = { .kind = FDB_PORT, .to = p, .seen = b->v->now_s };

	if ((e.kind == FDB_PORT && e.to == p) || e.sticky)
		return;
	if (e.kind != FDB_PORT && b->learned >= VTEP_LEARNED_MAX) {
		b->not_learned++;
		return;
	}
	rmap_set(&b->fdb, key, fdb_word(fresh));
	b->learned += e.kind != FDB_PORT;
	tell(b, mac, p, DP_SEEN_LOCAL);
	if (e.kind == FDB_REMOTE)
		dest_put(b->v, e.to);
}

void learn_heard(struct vtep *v, const struct heard *h)
{
	struct bridge *b = bridge_find(v, h->vni);
	struct vport *p = b ? port_nr(b, h->port) : NULL;

	if (p && p->dev) /* not gone since */
		heard_mac(b, p, &h->mac);
}

static void forget(struct bridge *b, uint64_t key, const struct vport *p)
{
	struct mac mac = fdb_mac(key);

	rmap_del(&b->fdb, key);
	b->learned--;
	tell(b, &mac, p, DP_SEEN_NONE);
}

void learn_flush(struct bridge *b, const struct vport *p)
{
	uint64_t key, value;

	for (size_t at = 0; rmap_next(&b->fdb, &at, &key, &value);) {
		struct fdb_entry e = fdb_entry(value);

		if (e.kind == FDB_PORT && (!p || e.to == p))
			forget(b, key, e.to);
	}
}

void learn_age(struct bridge *b)
{
	size_t slots = b->fdb.t->mask + 1, step = slots * 4 / VTEP_AGEING_S;
	uint64_t key, value;
	size_t end;

	if (step < AGE_STEP)
		step = AGE_STEP;
	if (b->age_at >= slots)
		b->age_at = 0;
	end = b->age_at + step;
	while (b->age_at < end && rmap_next(&b->fdb, &b->age_at, &key, &value)) {
		struct fdb_entry e = fdb_entry(value);

		if (e.kind == FDB_PORT && (uint16_t)(b->v->now_s - e.seen) >= VTEP_AGEING_S)
			forget(b, key, e.to);
	}
}

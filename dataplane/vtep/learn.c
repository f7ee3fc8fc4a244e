/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What the workers heard, as the control thread takes it: MACs on ports go into the FDB and up to reconcile, which
 * tells evpn; in modes that learn from the tunnel so do MACs behind VTEPs, which evpn does not care for (RFC 7348
 * 4.1). What has not been heard for long is forgotten. One thread writes, so what is local and what is remote cannot
 * cross: a MAC that was heard after a route's row was written is local, and reconcile hears of it in that order.
 */
#include "dataplane/vtep/vtep.h"

#define AGE_STEP 4096u /* slots a second and VNI; a table is gone through in VTEP_AGEING_S / 4 at the latest */

static void tell(struct bridge *b, const struct mac *mac, const struct vport *p, enum dp_seen_state state)
{
	struct dp_seen s = {
		.vni = b->dv, .kind = DP_FDB, .part = DP_PORT, .state = state, .mac = *mac, .ifindex = p->id
	};

	dp_seen(b->v->d, &s);
}

static void tell_remote(struct bridge *b, const struct mac *mac, const struct ip *vtep, enum dp_seen_state state)
{
	struct dp_seen s = { .vni = b->dv, .kind = DP_FDB, .part = DP_SELF, .state = state, .mac = *mac };

	if (state != DP_SEEN_NONE)
		s.dest = dp_dest_intern(b->v->d, vtep, 0);
	dp_seen(b->v->d, &s);
}

/* It is not where it was, as far as reconcile has heard that from here. */
static void tell_gone(struct bridge *b, const struct mac *mac, struct fdb_entry was)
{
	if (was.kind == FDB_PORT)
		tell(b, mac, was.to, DP_SEEN_NONE);
	else if (was.kind == FDB_LEARNED)
		tell_remote(b, mac, NULL, DP_SEEN_NONE);
}

/* False when it is full. */
static bool put(struct bridge *b, uint64_t key, struct fdb_entry was, struct fdb_entry is)
{
	if (was.kind != FDB_PORT && was.kind != FDB_LEARNED && b->learned >= b->limit) {
		if (!b->not_learned++ || log_allow(b->v->log, &b->v->loud, LOG_DP, loop_now(b->v->loop)))
			log_warn(b->v->log, LOG_DP,
				 "VNI %u: %u MACs are learned, and no more; frames to others are flooded", b->vni,
				 b->limit);
		return false;
	}
	rmap_set(&b->fdb, key, fdb_word(is));
	b->learned++;
	return true;
}

static void heard_mac(struct bridge *b, struct vport *p, const struct mac *mac)
{
	uint64_t key = fdb_key(mac);
	struct fdb_entry e = fdb_get(&b->fdb, key);

	if ((e.kind == FDB_PORT && e.to == p) || e.sticky ||
	    !put(b, key, e, (struct fdb_entry){ .kind = FDB_PORT, .to = p, .seen = b->v->now_s }))
		return;
	if (e.kind == FDB_LEARNED)
		tell_gone(b, mac, e);
	tell(b, mac, p, DP_SEEN_LOCAL); /* of a move from port to port this is all */
	bridge_entry_gone(b, e);
}

/* A row says where a MAC is, whatever comes from elsewhere. */
static void heard_remote(struct bridge *b, const struct ip *vtep, const struct mac *mac)
{
	struct dp_dest to = { .vtep = *vtep };
	uint64_t key = fdb_key(mac);
	struct fdb_entry e = fdb_get(&b->fdb, key), fresh = { .kind = FDB_LEARNED, .seen = b->v->now_s };

	if (!b->learn || e.kind == FDB_REMOTE || e.sticky ||
	    (e.kind == FDB_LEARNED && ip_eq(&((struct dest *)e.to)->key.vtep, vtep)))
		return;
	fresh.to = bridge_dest(b, &to);
	if (!put(b, key, e, fresh)) {
		bridge_dest_put(b, fresh.to);
		return;
	}
	if (e.kind == FDB_PORT)
		tell_gone(b, mac, e);
	tell_remote(b, mac, vtep, DP_SEEN_LOCAL);
	bridge_entry_gone(b, e);
}

void learn_heard(struct vtep *v, const struct heard *h)
{
	struct bridge *b = bridge_find(v, h->vni);
	struct vport *p = b ? port_nr(b, h->port) : NULL;

	if (b && h->vtep.len)
		heard_remote(b, &h->vtep, &h->mac);
	else if (p && p->dev) /* not gone since */
		heard_mac(b, p, &h->mac);
}

static void forget(struct bridge *b, uint64_t key, struct fdb_entry e)
{
	struct mac mac = fdb_mac(key);

	rmap_del(&b->fdb, key);
	tell_gone(b, &mac, e);
	bridge_entry_gone(b, e);
}

void learn_tell(struct bridge *b)
{
	uint64_t key, value;

	for (size_t at = 0; rmap_next(&b->fdb, &at, &key, &value);) {
		struct fdb_entry e = fdb_entry(value);
		struct mac mac = fdb_mac(key);

		if (e.kind == FDB_PORT)
			tell(b, &mac, e.to, DP_SEEN_LOCAL);
	}
}

void learn_flush_remote(struct bridge *b)
{
	uint64_t key, value;

	for (size_t at = 0; rmap_next(&b->fdb, &at, &key, &value);) {
		if (fdb_entry(value).kind == FDB_LEARNED)
			forget(b, key, fdb_entry(value));
	}
}

void learn_flush(struct bridge *b, const struct vport *p)
{
	uint64_t key, value;

	for (size_t at = 0; rmap_next(&b->fdb, &at, &key, &value);) {
		struct fdb_entry e = fdb_entry(value);

		if (e.kind == FDB_PORT && (!p || e.to == p))
			forget(b, key, e);
	}
}

/* A row on demand that no frame has used for long. */
static void unused(struct bridge *b, uint64_t key, struct fdb_entry e)
{
	struct dp_seen s = { .vni = b->dv, .kind = DP_FDB, .part = DP_SELF, .state = DP_SEEN_NONE, .mac = fdb_mac(key),
			     .age = DP_AGE_UNUSED };

	rmap_del(&b->fdb, key);
	dp_seen(b->v->d, &s);
	bridge_entry_gone(b, e);
}

void learn_age(struct bridge *b)
{
	size_t slots = b->fdb.t->mask + 1, step = slots * 4 / VTEP_AGEING_S;
	uint64_t key, value;
	size_t end;

	rmap_trim(&b->fdb);
	if (step < AGE_STEP)
		step = AGE_STEP;
	if (b->age_at >= slots)
		b->age_at = 0;
	end = b->age_at + step;
	while (b->age_at < end && rmap_next(&b->fdb, &b->age_at, &key, &value)) {
		struct fdb_entry e = fdb_entry(value);

		if ((e.kind == FDB_PORT || e.kind == FDB_LEARNED) && (uint16_t)(b->v->now_s - e.seen) >= VTEP_AGEING_S)
			forget(b, key, e);
		else if (e.kind == FDB_REMOTE && e.seen && (uint16_t)(b->v->now_s - e.seen) >= b->ageing)
			unused(b, key, e);
	}
}

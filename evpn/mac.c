/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * See mac.h. Every event ends in run(): the transition function says what the entry is now, the entry is brought up to
 * date, and then the others are told: the dataplane first, bgp last, since bgp may come back (tables.h).
 */
#include "evpn/mac.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "evpn/origin.h"
#include "evpn/tables.h"

static uint64_t key_hash(const struct evpn *e, uint16_t evi, const struct mac *mac)
{
	uint64_t k = (uint64_t)evi << 48 | mac_u64(mac);

	return XXH3_64bits_withSeed(&k, sizeof(k), e->seed);
}

void mac_table_init(struct evpn *e)
{
	slab_init_in(&e->macs.slab, sizeof(struct mac_entry), &e->pages);
	slab_init_in(&e->macs.nodes, sizeof(struct source_node), &e->pages);
	hidx_init(&e->macs.index, &e->pages);
}

void mac_table_fini(struct evpn *e)
{
	hidx_fini(&e->macs.index);
	slab_fini(&e->macs.slab);
	slab_fini(&e->macs.nodes);
}

uint32_t mac_find(const struct evpn *e, const struct evi *evi, const struct mac *mac)
{
	struct hidx_it it;

	for (uint32_t h = hidx_first(&e->macs.index, key_hash(e, evi->slot, mac), &it); h; h = hidx_next(&it)) {
		const struct mac_entry *m = mac_get(e, h);

		if (m->evi == evi->slot && mac_eq(&m->mac, mac))
			return h;
	}
	return 0;
}

uint32_t mac_obtain(struct evpn *e, struct evi *evi, const struct mac *mac)
{
	uint32_t h = mac_find(e, evi, mac);
	struct mac_entry *m;

	if (h)
		return h;
	h = slab_alloc(&e->macs.slab);
	m = mac_get(e, h);
	m->evi = evi->slot;
	m->mac = *mac;
	m->since = evpn_seconds(e);
	hidx_insert(&e->macs.index, key_hash(e, evi->slot, mac), h);
	return h;
}

void mac_reap(struct evpn *e, uint32_t h)
{
	const struct mac_entry *m = mac_get(e, h);

	if (m->state != MAC_UNKNOWN || (m->flags & (MAC_BUSY | MAC_OVER)) || m->bindings || !sources_empty(&m->routes))
		return;
	hidx_remove(&e->macs.index, key_hash(e, m->evi, &m->mac), h);
	slab_free(&e->macs.slab, h);
}

/* ---- the best claim ---------------------------------------------------------------------------------------------- */

/* The better of best (0: none yet) and any in s. Stops at one as good as enough, 0: none is. */
static uint32_t best_of(struct evpn *e, const struct sources *s, uint32_t best, uint32_t enough)
{
	for_each_source(x, &e->macs.nodes, s) {
		e->steps++;
		if (!best || import_cmp(e, x->import, best) > 0)
			best = x->import;
		if (enough && import_cmp(e, best, enough) >= 0)
			break;
	}
	return best;
}

/* All claims are looked at, unless one is as good as the one that was the best until now: there was none better. */
static uint32_t best_claim(struct evpn *e, const struct mac_entry *m, uint32_t enough)
{
	uint32_t best = best_of(e, &m->routes, 0, enough);

	for (uint32_t b = m->bindings; b && !(best && enough && import_cmp(e, best, enough) >= 0);
	     b = binding_get(e, b)->next)
		best = best_of(e, &binding_get(e, b)->routes, best, enough);
	return best;
}

/* ---- carrying out ------------------------------------------------------------------------------------------------ */

/* Where rows come on demand: is it in use, or was it looked for a moment ago? */
static bool is_asked_for(struct evi *evi, struct mac_entry *m)
{
	if (m->flags & MAC_IN_USE)
		return true;
	if (!demand_wants_mac(evi, &m->mac))
		return false;
	m->flags |= MAC_IN_USE;
	evi->in_use++;
	return true;
}

static void row_want(struct evpn *e, struct evi *evi, struct mac_entry *m)
{
	const struct import *im = import_get(&e->imports, m->best);
	struct dp_row row = { .key = dp_key_fdb(evi->vni, &m->mac) };

	if (!im->esi) {
		row.vtep = vtep_get(&e->vteps, im->vtep)->ip;
		row.label_vni = im->label == evi->vni ? 0 : im->label;
	} else if (!segment_dest(e, evi, im, &row)) {
		dp_unwant(e->dp, &row.key);
		return;
	}
	if (im->sticky || im->gateway)
		row.flags |= DP_STICKY;
	if (evi->rsc && im->routes)
		row.flags |= DP_ROUTER;
	if (m->flags & MAC_TOOK)
		row.flags |= DP_TAKE_OVER;
	if (evi->demand && !is_asked_for(evi, m))
		return;
	if (evi->demand)
		row.flags |= DP_ON_DEMAND;
	dp_want(e->dp, &row);
}

static void count(struct evpn *e, struct evi *evi, enum mac_state state, uint32_t best, uint32_t by)
{
	const struct import *im;

	if (mac_is_here(state))
		evi->local_macs += by;
	if (!mac_is_there(state))
		return;
	evi->remote_macs += by;
	im = import_get(&e->imports, best);
	if (im->esi)
		segment_count(e, evi, im, by);
	else
		vtep_get(&e->vteps, im->vtep)->macs += by;
}

/* Once a freeze: where it is kept, and where else it was seen. */
static void duplicate_log(struct evpn *e, const struct evi *evi, const struct mac_entry *m, enum mac_state kept)
{
	const struct config_mobility *c = &evi->mobility;
	const char *port = dp_ifname(e->dp, m->ifindex);
	char until[32] = "";

	if (!log_allow(e->log, &e->conflicts, LOG_EVPN, e->now))
		return;
	if (c->recovery)
		snprintf(until, sizeof(until), " or for %u s", c->recovery);
	log_warn(e->log, LOG_EVPN,
		 "vni %u mac %s: duplicate: moved %u times within %u s between port %s and VTEP %s; stays %s until "
		 "'mac clear'%s",
		 evi->vni, mac_str(&m->mac).s, c->moves, c->window, port ? port : "?",
		 ip_str(import_vtep(e, m->best)).s, mac_is_here(kept) ? "on the port" : "behind the VTEP", until);
}

static void conflict_log(struct evpn *e, const struct evi *evi, const struct mac_entry *m)
{
	const char *what = m->state == MAC_HELD ? "ours stays, its route is not used" :
						  "the route stays, ours is not advertised";

	if (!log_allow(e->log, &e->conflicts, LOG_EVPN, e->now))
		return;
	log_remote(e->log, LOG_EVPN, "vni %u mac %s: %s (VTEP %s): %s", evi->vni, mac_str(&m->mac).s,
		   mac_reason_text(m->reason), ip_str(import_vtep(e, m->best)).s, what);
}

static void row_unwant(struct evpn *e, struct evi *evi, struct mac_entry *m)
{
	struct dp_key key = dp_key_fdb(evi->vni, &m->mac);

	evi->in_use -= (m->flags & MAC_IN_USE) != 0;
	m->flags &= (uint8_t)~MAC_IN_USE;
	dp_unwant(e->dp, &key);
}

static bool has_row(const struct evpn *e, const struct mac_entry *m)
{
	return mac_is_there(m->state) && !import_get(&e->imports, m->best)->tunnel;
}

/* The dataplane's side of a change from *was. */
static void tell_dataplane(struct evpn *e, struct evi *evi, uint32_t h, const struct mac_entry *was, bool had_row,
			   enum mac_event ev)
{
	struct mac_entry *m = mac_get(e, h);

	if (has_row(e, m)) {
		if (!had_row || was->best != m->best || ev == MAC_LEARNED)
			row_want(e, evi, m);
	} else if (had_row) {
		row_unwant(e, evi, m);
	}
	if (mac_is_here(was->state) != mac_is_here(m->state) || mac_is_there(was->state) != mac_is_there(m->state))
		neigh_mac_moved(e, h);
}

/* RFC 7432 15: the sequence is the MAC's, so its routes with addresses carry it too. */
static void tell_bgp(struct evpn *e, const struct evi *evi, uint32_t h, const struct mac_entry *was)
{
	const struct mac_entry *m = mac_get(e, h);

	if (mac_is_here(m->state)) {
		struct origin_mac o = { .mac = m->mac, .sequence = m->sequence, .sticky = m->flags & MAC_STATIC };

		if (mac_is_here(was->state) && was->sequence == m->sequence &&
		    !((was->flags ^ m->flags) & MAC_STATIC))
			return;
		origin_mac(e, evi, &o);
		neigh_mac_advertise(e, h);
	} else if (mac_is_here(was->state)) {
		struct ip none = ip_none();

		neigh_mac_withdraw(e, h);
		origin_mac_withdraw(e, evi, &m->mac, &none);
	}
}

/*
 * Lost to a route: its row may take the place of the port's. When the port shows a barred
 * MAC again, the dataplane could or would not; asking for the same once more would go on
 * for ever, so then the row waits until the port lets go.
 */
static void took_note(struct mac_entry *m, const struct mac_entry *was, enum mac_event ev)
{
	if (m->state == MAC_FROZEN_THERE) /* no war with the port that shows it */
		m->flags &= (uint8_t)~MAC_TOOK;
	else if (mac_is_here(was->state) || was->flags & MAC_OVER || (ev == MAC_LEARNED && was->state != MAC_BARRED))
		m->flags |= MAC_TOOK;
	else if (ev == MAC_LEARNED)
		m->flags &= (uint8_t)~MAC_TOOK;
}

/* Why it is there: of those who may say so, a route is the usual one. */
enum mac_reason mac_why_there(const struct import *im)
{
	if (im->fixed)
		return im->sticky ? MAC_R_CONFIGURED : MAC_R_ANSWERED;
	return im->tunnel ? MAC_R_TUNNEL : MAC_R_ROUTE;
}

enum mac_reason mac_why_gone(const struct import *im)
{
	if (im->fixed)
		return im->sticky ? MAC_R_NOT_CONFIGURED : MAC_R_NOT_ANSWERED;
	return im->tunnel ? MAC_R_NOT_HEARD : MAC_R_WITHDRAWN;
}

/* Of a step that only says that claims are what it follows from, the claim says more. */
static enum mac_reason reason_of(const struct evpn *e, const struct mac_step *step, uint32_t is, uint32_t was)
{
	if (step->reason == MAC_R_ROUTE)
		return mac_why_there(import_get(&e->imports, is));
	if (step->reason == MAC_R_WITHDRAWN && was)
		return mac_why_gone(import_get(&e->imports, was));
	return step->reason;
}

static void commit(struct evpn *e, struct evi *evi, struct mac_entry *m, const struct mac_step *step,
		   const struct mac_entry *was, enum mac_event ev)
{
	bool moved = m->best != was->best && mac_is_there(step->state);

	if (moved || step->state != was->state || step->sequence != was->sequence) {
		m->reason = (uint8_t)reason_of(e, step, m->best, was->best);
		m->since = evpn_seconds(e);
	}
	m->state = (uint8_t)step->state;
	m->sequence = step->sequence;
	m->flags &= (uint8_t)~(mac_is_there(step->state) ? MAC_STATIC : MAC_TOOK);
	if (mac_is_there(step->state) && ev != MAC_LEFT)
		took_note(m, was, ev);
	count(e, evi, m->state, m->best, 1); /* first: what a segment's path is there for must not go in between */
	count(e, evi, was->state, was->best, -1u);
	limit_count(e, evi, was, m);
	note_mac(e, evi, was, m);
	if (m->state == was->state)
		return;
	if (mac_is_frozen(was->state) && !mac_is_frozen(m->state)) {
		struct moves_key k = moves_key_mac(evi, &m->mac);

		moves_drop(e, &k);
	}
	log_debug(e->log, LOG_EVPN, "vni %u mac %s: %s -> %s (%s)", evi->vni, mac_str(&m->mac).s,
		  mac_state_text((enum mac_state)was->state), mac_state_text((enum mac_state)m->state),
		  mac_reason_text((enum mac_reason)m->reason));
	if (m->state == MAC_HELD || m->state == MAC_BARRED)
		conflict_log(e, evi, m);
}

/* The step, unless it is a move too many. */
static struct mac_step judged(struct evpn *e, struct evi *evi, const struct mac_entry *m, const struct mac_view *v,
			      enum mac_event ev)
{
	struct mac_step step = mac_step(v, ev);
	struct moves_key k;
	bool seen;

	if (ev == MAC_THAWED || !mac_step_is_move(v, &step, &seen))
		return step;
	k = moves_key_mac(evi, &m->mac);
	if (!moves_add(e, &k, seen))
		return step;
	step = mac_freeze(v);
	duplicate_log(e, evi, m, step.state);
	return step;
}

/* A port that has waited for its MAC gets it back, unless that is one too many: then the MAC waits for room. */
static bool is_over(const struct evpn *e, const struct evi *evi, const struct mac_entry *m, enum mac_event ev,
		    struct mac_step *step)
{
	if (ev == MAC_LEARNED || mac_is_here(m->state) || !mac_is_here(step->state) ||
	    !limit_refuses(e, evi, m, m->ifindex))
		return false;
	if (m->best)
		*step = (struct mac_step){ MAC_REMOTE, 0, MAC_R_ROUTE };
	else
		*step = (struct mac_step){ MAC_UNKNOWN, 0, MAC_R_WITHDRAWN };
	return true;
}

/* An event has changed the entry from *was, but for its state. was->best is still referenced. */
static void run(struct evpn *e, uint32_t h, enum mac_event ev, const struct mac_entry *was)
{
	struct mac_entry *m = mac_get(e, h);
	struct evi *evi = evi_get(&e->evis, m->evi);
	struct mac_view v = { .state = was->state,
			      .ours = { m->sequence, m->flags & MAC_STATIC, false, e->vtep },
			      .on_port = mac_is_there(was->state) && was->state != MAC_REMOTE && m->ifindex &&
					 !(m->flags & (MAC_TOOK | MAC_OVER)) };
	uint8_t busy = m->flags & MAC_BUSY;
	struct mac_claim theirs;
	struct mac_step step;
	bool over, had_row = has_row(e, was); /* bgp may come back, and was->best be gone after it */

	if (m->best) {
		theirs = import_claim(e, m->best);
		v.theirs = &theirs;
	}
	step = judged(e, evi, m, &v, ev);
	over = is_over(e, evi, m, ev, &step);
	m->flags |= MAC_BUSY;
	commit(e, evi, m, &step, was, ev);
	if (m->flags & MAC_OVER && mac_is_there(m->state) && !mac_is_there(was->state)) {
		limit_release(e, evi, m); /* it has moved away */
		m->ifindex = 0;
	}
	if (over)
		limit_hold(e, evi, m);
	if (mac_is_here(was->state) && (m->state == MAC_REMOTE || m->state == MAC_UNKNOWN))
		neigh_mac_lost(e, h);
	else if (!mac_is_here(was->state) && mac_is_here(m->state))
		neigh_mac_came(e, h);
	tell_dataplane(e, evi, h, was, had_row, ev);
	tell_bgp(e, evi, h, was);
	m->flags = (uint8_t)((m->flags & ~MAC_BUSY) | busy);
	mac_reap(e, h);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

/* Above a limit: what is behind a VTEP stays so, and is not fought for with the port. */
static void wait_for_room(struct evpn *e, struct evi *evi, const struct mac *mac, unsigned ifindex)
{
	struct mac_entry *m;

	mac_left(e, evi, mac);
	m = mac_get(e, mac_obtain(e, evi, mac));
	m->ifindex = ifindex;
	m->flags &= (uint8_t)~MAC_TOOK;
	limit_hold(e, evi, m);
}

void mac_learned(struct evpn *e, struct evi *evi, const struct mac *mac, unsigned ifindex, bool is_static)
{
	uint32_t h = mac_obtain(e, evi, mac);
	struct mac_entry *m = mac_get(e, h);
	struct mac_entry was;

	if (!is_static && limit_refuses(e, evi, m, ifindex)) {
		wait_for_room(e, evi, mac, ifindex);
		return;
	}
	if (m->flags & MAC_OVER)
		limit_release(e, evi, m);
	was = *m;
	m->ifindex = ifindex;
	m->flags = (uint8_t)((m->flags & ~MAC_STATIC) | (is_static ? MAC_STATIC : 0));
	run(e, h, MAC_LEARNED, &was);
}

void mac_left(struct evpn *e, struct evi *evi, const struct mac *mac)
{
	uint32_t h = mac_find(e, evi, mac);
	struct mac_entry *m = h ? mac_get(e, h) : NULL;
	struct mac_entry was;

	if (m && m->flags & MAC_OVER) {
		limit_release(e, evi, m);
		note_mac_limited(e, evi, m);
		m->ifindex = 0;
		mac_reap(e, h);
		return;
	}
	if (!m || m->state == MAC_UNKNOWN || m->state == MAC_REMOTE)
		return;
	was = *m;
	m->ifindex = 0;
	m->flags &= (uint8_t)~MAC_STATIC;
	run(e, h, MAC_LEFT, &was);
}

void mac_segment_changed(struct evpn *e, uint32_t h)
{
	struct mac_entry *m = mac_get(e, h);

	if (mac_is_there(m->state) && import_get(&e->imports, m->best)->esi)
		row_want(e, evi_get(&e->evis, m->evi), m);
}

bool mac_use(struct evpn *e, uint32_t h)
{
	struct mac_entry *m = mac_get(e, h);
	struct evi *evi = evi_get(&e->evis, m->evi);

	if (!mac_is_there(m->state))
		return false;
	if (m->flags & MAC_IN_USE)
		return true;
	m->flags |= MAC_IN_USE;
	evi->in_use++;
	row_want(e, evi, m);
	return true;
}

void mac_unuse(struct evpn *e, uint32_t h)
{
	struct mac_entry *m = mac_get(e, h);

	if (m->flags & MAC_IN_USE)
		row_unwant(e, evi_get(&e->evis, m->evi), m);
	neigh_mac_unuse(e, h);
}

void mac_thaw(struct evpn *e, struct evi *evi, const struct mac *mac)
{
	uint32_t h = mac_find(e, evi, mac);
	struct mac_entry was;

	if (!h || !mac_is_frozen(mac_get(e, h)->state))
		return;
	was = *mac_get(e, h);
	run(e, h, MAC_THAWED, &was);
}

void mac_claim_changed(struct evpn *e, uint32_t h, uint32_t was_import, uint32_t is)
{
	struct mac_entry *m = mac_get(e, h);
	struct mac_entry was = *m;

	if (is && (!m->best || import_cmp(e, is, m->best) > 0))
		m->best = is;
	else if (was_import && was_import == m->best)
		m->best = best_claim(e, m, was_import);
	if (m->best != was.best)
		run(e, h, MAC_ROUTED, &was);
	else
		mac_reap(e, h);
}

void mac_route_set(struct evpn *e, struct evi *evi, const struct mac *mac, const uint8_t rd[8], uint32_t import)
{
	uint32_t h = mac_obtain(e, evi, mac);
	uint32_t was = sources_put(&e->macs.nodes, &mac_get(e, h)->routes, rd,
				   import_hold(&e->imports, import, IMPORT_MAC), &e->steps);

	mac_claim_changed(e, h, was, import);
	if (was)
		import_release(e, was, IMPORT_MAC);
}

void mac_route_del(struct evpn *e, struct evi *evi, const struct mac *mac, const uint8_t rd[8])
{
	uint32_t h = mac_find(e, evi, mac);
	uint32_t was = h ? sources_del(&e->macs.nodes, &mac_get(e, h)->routes, rd, &e->steps) : 0;

	if (!was)
		return;
	mac_claim_changed(e, h, was, 0);
	import_release(e, was, IMPORT_MAC);
}

/* In place of a route distinguisher: what was learned from the tunnel. */
static const uint8_t tunnel_rd[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

void mac_learned_there(struct evpn *e, struct evi *evi, const struct mac *mac, const struct ip *vtep)
{
	uint32_t import = import_tunnel(e, vtep);

	mac_route_set(e, evi, mac, tunnel_rd, import);
	import_unref(e, import);
}

void mac_left_there(struct evpn *e, struct evi *evi, const struct mac *mac)
{
	mac_route_del(e, evi, mac, tunnel_rd);
}

static void clear_one(struct evpn *e, struct evi *evi, uint32_t h)
{
	struct mac_entry *m = mac_get(e, h);
	struct mac mac = m->mac;

	m->flags |= MAC_BUSY;
	if (!mac_is_here(m->state) && !(m->flags & MAC_OVER))
		m->ifindex = 0; /* no port gets it back */
	neigh_mac_clear(e, h);
	while (!sources_empty(&m->routes)) {
		struct source s = m->routes.first;

		mac_route_del(e, evi, &mac, s.rd);
	}
	mac_left(e, evi, &mac);
	m->flags &= (uint8_t)~MAC_BUSY;
	mac_reap(e, h);
}

void mac_clear(struct evpn *e)
{
	for (uint32_t h = 0; (h = slab_next(&e->macs.slab, h));) {
		struct evi *evi = e->evis.slot[mac_get(e, h)->evi];

		if (evi->leaving)
			clear_one(e, evi, h);
	}
}

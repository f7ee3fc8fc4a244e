/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* One timer a peer, at the first of its ends; whoever changes an end arms it again. */
#include "bgp/stale.h"

#include <stdio.h>

#include "bgp/session.h"

#define S_US 1000000
/*
 * For an End-of-RIB or EoRR that does not come. RFC 4724 4.2 and 7313 4 leave it open; as long as others wait for a
 * full table of the internet.
 */
#define SYNC_S 360
#define ASK_AGAIN_S 1

#define BIT RIB_GEN_BIT
#define OF_SESSION (BIT(RIB_GEN_CURRENT) | BIT(RIB_GEN_REFRESH))
#define LONG_LIVED (BIT(RIB_GEN_LONG) | BIT(RIB_GEN_AGEING))
#define KEPT (BIT(RIB_GEN_STALE) | LONG_LIVED)

_Static_assert(STALE_FAMILIES >= ENGINE_FAMILIES_MAX, "one for each family");

static const struct bgp_family *family_at(const struct bgp_peer *peer, uint32_t i)
{
	return peer->bgp->families[i].f;
}

static uint32_t paths(const struct bgp_peer *peer, uint32_t i, uint32_t states)
{
	return rib_gen_paths(peer->bgp->rib, &peer->rib, family_at(peer, i), states);
}

static void turn(struct bgp_peer *peer, uint32_t i, uint32_t from, enum rib_gen_state to)
{
	rib_gen_turn(peer->bgp->rib, &peer->rib, family_at(peer, i), from, to);
}

static void note(const struct bgp_peer *peer, enum history_what what, uint32_t n, const char *why)
{
	struct history_event e = {
		.kind = HISTORY_NEIGHBOR, .what = (uint8_t)what, .neighbor = &peer->p.address, .count = n, .reason = why
	};

	if (n)
		history_add(peer->bgp->p.history, HISTORY_SESSIONS, &e);
}

/* These routes go; why, a literal, is said when there are any. */
static void purge(struct bgp_peer *peer, uint32_t i, uint32_t states, const char *why)
{
	uint32_t n = paths(peer, i, states);

	turn(peer, i, states, RIB_GEN_DEAD);
	note(peer, HISTORY_PURGED, n, why);
	if (n)
		log_info(peer->bgp->p.log, LOG_BGP, "peer %s: %u stale %s routes purged: %s",
			 ip_str(&peer->p.address).s, n, family_at(peer, i)->name, why);
}

/* ---- the timer --------------------------------------------------------------------------------------------------- */

static struct mtime earlier(struct mtime a, struct mtime b)
{
	return mtime_before(a, b) ? a : b;
}

static struct mtime in_s(struct mtime now, uint32_t s)
{
	return mtime_add_us(now, (int64_t)s * S_US);
}

static bool is_due(struct mtime *end, struct mtime now)
{
	if (mtime_before(now, *end))
		return false;
	*end = MTIME_NEVER;
	return true;
}

static void arm(struct bgp_peer *peer)
{
	struct stale *s = &peer->stale;
	struct mtime first = earlier(s->restart_end, s->ask_again);

	for (uint32_t i = 0; i < peer->bgp->n_families; i++)
		first = earlier(first, earlier(s->families[i].refresh_end, s->families[i].long_end));
	if (first.us == MTIME_NEVER.us)
		timerq_stop(&peer->bgp->timers, &s->timer);
	else
		engine_arm(peer->bgp, &s->timer, first);
}

/* RFC 9494 4.2: from here on they are a last resort. A time that runs already is not begun anew by another flap. */
static void age(struct bgp_peer *peer, uint32_t i, struct mtime now)
{
	struct stale_family *f = &peer->stale.families[i];
	uint32_t n = paths(peer, i, BIT(RIB_GEN_STALE));

	if (!n)
		return;
	if (f->long_end.us == MTIME_NEVER.us)
		f->long_end = in_s(now, f->long_s);
	turn(peer, i, BIT(RIB_GEN_STALE), RIB_GEN_AGEING);
	note(peer, HISTORY_KEPT, n, "long-lived stale");
	log_info(peer->bgp->p.log, LOG_BGP, "peer %s: %u %s routes are long-lived stale, for %lld s",
		 ip_str(&peer->p.address).s, n, family_at(peer, i)->name,
		 (long long)(mtime_diff_us(now, f->long_end) / S_US));
}

static void restart_timed_out(struct bgp_peer *peer, struct mtime now)
{
	for (uint32_t i = 0; i < peer->bgp->n_families; i++) {
		if (peer->session)
			purge(peer, i, BIT(RIB_GEN_STALE), "no End-of-RIB has come in time");
		else if (peer->stale.families[i].long_s)
			age(peer, i, now);
		else
			purge(peer, i, BIT(RIB_GEN_STALE), "the neighbor is not back in time");
	}
}

static void on_timer(struct timerq_node *n, struct mtime now)
{
	struct bgp_peer *peer = container_of(n, struct bgp_peer, stale.timer);
	struct stale *s = &peer->stale;

	if (is_due(&s->restart_end, now))
		restart_timed_out(peer, now);
	if (is_due(&s->ask_again, now) && peer->session)
		session_refresh(peer->session);
	for (uint32_t i = 0; i < peer->bgp->n_families; i++) {
		if (is_due(&s->families[i].refresh_end, now))
			purge(peer, i, BIT(RIB_GEN_REFRESH), "no end of the refresh has come in time");
		if (is_due(&s->families[i].long_end, now))
			purge(peer, i, LONG_LIVED, "their long-lived time is over");
	}
	arm(peer);
}

void stale_init(struct bgp_peer *peer)
{
	struct stale *s = &peer->stale;

	*s = (struct stale){ .timer = { .fn = on_timer }, .restart_end = MTIME_NEVER, .ask_again = MTIME_NEVER };
	for (uint32_t i = 0; i < STALE_FAMILIES; i++)
		s->families[i] = (struct stale_family){ .refresh_end = MTIME_NEVER, .long_end = MTIME_NEVER };
}

void stale_fini(struct bgp_peer *peer)
{
	timerq_stop(&peer->bgp->timers, &peer->stale.timer);
}

/* ---- a session ends and another begins --------------------------------------------------------------------------- */

static const struct cap_gr_family *gr_family(const struct bgp_conn *c, uint32_t i)
{
	const struct bgp_family *f = family_at(c->peer, i);

	return c->families >> i & 1 ? cap_gr_find(&c->caps.gr, f->afi, f->safi) : NULL;
}

/* RFC 9494 4.1: without the other capability this one is none. */
static const struct cap_gr_family *long_family(const struct bgp_conn *c, uint32_t i)
{
	const struct bgp_family *f = family_at(c->peer, i);

	return c->families >> i & 1 && c->caps.gr.there && c->peer->bgp->p.long_lived_time ?
		       cap_gr_find(&c->caps.long_lived, f->afi, f->safi) : NULL;
}

static uint32_t long_time(const struct bgp_conn *c, uint32_t i)
{
	const struct cap_gr_family *l = long_family(c, i);
	uint32_t most = c->peer->bgp->p.long_lived_time;

	return !l ? 0 : l->long_s < most ? l->long_s : most;
}

/* RFC 4724 4.2: what was stale already is not kept for another session; RFC 9494 4.2: unless it is so for long. */
static void keep(struct bgp_conn *c, uint32_t i, uint32_t restart_s, struct mtime now)
{
	struct bgp_peer *peer = c->peer;
	uint32_t n;

	purge(peer, i, BIT(RIB_GEN_STALE), "the session has gone again before its End-of-RIB");
	peer->stale.families[i].long_s = long_time(c, i);
	turn(peer, i, OF_SESSION, RIB_GEN_STALE);
	n = paths(peer, i, BIT(RIB_GEN_STALE));
	if (!restart_s) {
		age(peer, i, now);
		return;
	}
	peer->stale.restart_end = in_s(now, restart_s);
	note(peer, HISTORY_KEPT, n, "stale, until the neighbor is back");
	if (n && peer_log_allow(peer, now))
		log_info(peer->bgp->p.log, LOG_BGP, "peer %s: %u %s routes are kept, %u s for it to be back",
			 ip_str(&peer->p.address).s, n, family_at(peer, i)->name, restart_s);
}

void stale_session_lost(struct bgp_conn *c, bool graceful, struct mtime now)
{
	struct bgp_peer *peer = c->peer;
	struct stale *s = &peer->stale;

	out_detach(peer->bgp->rib, &peer->rib);
	s->restart_end = s->ask_again = MTIME_NEVER;
	for (uint32_t i = 0; i < peer->bgp->n_families; i++) {
		uint32_t restart_s = gr_family(c, i) ? c->caps.gr.time : 0;

		s->families[i].refresh_end = MTIME_NEVER;
		if (graceful && (restart_s || long_time(c, i))) {
			keep(c, i, restart_s, now);
			continue;
		}
		s->families[i].long_end = MTIME_NEVER;
		turn(peer, i, RIB_GEN_ALL, RIB_GEN_DEAD);
	}
	arm(peer);
}

/* RFC 4724 4.2, 9494 4.2: without the family or its F bit the neighbor has not kept its side. */
void stale_session_up(struct bgp_conn *c, struct mtime now)
{
	struct bgp_peer *peer = c->peer;
	struct stale *s = &peer->stale;

	s->restart_end = MTIME_NEVER;
	for (uint32_t i = 0; i < peer->bgp->n_families; i++) {
		const struct cap_gr_family *gr = gr_family(c, i), *l = long_family(c, i);

		if (!gr || !gr->forwarding)
			purge(peer, i, BIT(RIB_GEN_STALE), "the neighbor says that it has not kept its forwarding");
		if (!l || !l->forwarding)
			purge(peer, i, LONG_LIVED, "the neighbor says that it has not kept its forwarding");
		if (!paths(peer, i, LONG_LIVED))
			s->families[i].long_end = MTIME_NEVER;
		if (paths(peer, i, BIT(RIB_GEN_STALE)))
			s->restart_end = in_s(now, SYNC_S);
	}
	arm(peer);
}

void stale_forget(struct bgp_peer *peer, const char *why)
{
	struct stale *s = &peer->stale;

	s->restart_end = MTIME_NEVER;
	for (uint32_t i = 0; i < peer->bgp->n_families; i++) {
		purge(peer, i, KEPT, why);
		s->families[i].long_end = MTIME_NEVER;
	}
	arm(peer);
}

void stale_end_of_rib(struct bgp_conn *c, uint32_t family, struct mtime now)
{
	struct bgp_peer *peer = c->peer;
	bool left = false;

	purge(peer, family, KEPT, "not announced again before End-of-RIB");
	peer->stale.families[family].long_end = MTIME_NEVER;
	for (uint32_t i = 0; i < peer->bgp->n_families; i++)
		left |= paths(peer, i, BIT(RIB_GEN_STALE)) != 0;
	if (!left)
		peer->stale.restart_end = MTIME_NEVER;
	arm(peer);
}

/* ---- a refresh: RFC 7313 4 --------------------------------------------------------------------------------------- */

/*
 * Passed over while the routes of the last session still wait for their End-of-RIB (RFC 7313 4), and within a refresh,
 * which that one's EoRR ends. When the sweep of earlier ones still uses up all generations nothing can be told apart:
 * then the neighbor is asked once more.
 */
void stale_refresh_begins(struct bgp_conn *c, uint32_t family, struct mtime now)
{
	struct bgp_peer *peer = c->peer;
	struct stale *s = &peer->stale;

	if (!c->caps.enhanced_refresh || paths(peer, family, KEPT | BIT(RIB_GEN_REFRESH)))
		return;
	if (!rib_gen_ready(peer->bgp->rib, &peer->rib, family_at(peer, family))) {
		s->ask_again = in_s(now, ASK_AGAIN_S);
	} else {
		turn(peer, family, OF_SESSION, RIB_GEN_REFRESH);
		s->families[family].refresh_end = in_s(now, SYNC_S);
	}
	arm(peer);
}

void stale_refresh_ends(struct bgp_conn *c, uint32_t family, struct mtime now)
{
	struct bgp_peer *peer = c->peer;

	purge(peer, family, BIT(RIB_GEN_REFRESH), "not announced again in the refresh");
	peer->stale.families[family].refresh_end = MTIME_NEVER;
	arm(peer);
}

/* ---- counts ------------------------------------------------------------------------------------------------------ */

uint32_t stale_routes_of_session(const struct bgp_peer *peer)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < peer->bgp->n_families; i++)
		n += paths(peer, i, OF_SESSION);
	return n;
}

void stale_info(const struct bgp_peer *peer, struct bgp_peer_info *out)
{
	const struct stale *s = &peer->stale;
	const struct cap_gr *gr = peer->session ? &peer->session->caps.gr : NULL;

	out->gr = gr && gr->there;
	out->gr_restarted = gr && gr->restarted;
	out->gr_notification = gr && gr->notification;
	out->gr_time = gr ? gr->time : 0;
	out->stale_end = s->restart_end;
	for (uint32_t i = 0; i < peer->bgp->n_families; i++) {
		out->stale += paths(peer, i, BIT(RIB_GEN_STALE));
		out->long_lived_stale += paths(peer, i, LONG_LIVED);
		out->refreshing += paths(peer, i, BIT(RIB_GEN_REFRESH));
		out->long_lived_end = i ? earlier(out->long_lived_end, s->families[i].long_end) :
					  s->families[i].long_end;
	}
}

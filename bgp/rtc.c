/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Route target membership on sessions (RFC 4684): what we ask for, and when a peer that asks may be sent
 * routes. What it asks for is counted where its memberships are held (rib.c, out_filter.c), not here.
 *
 * We ask for what users of bgp_rt_want() import. A speaker that passes routes on to a
 * peer which cannot ask, since it has no such family, asks for everything in its place.
 *
 * Before the first routes go out the peer's End-of-RIB of memberships is waited for, or
 * RTC_WAIT_S (RFC 4684 6): a filter that is not complete yet sends too little and then the
 * rest, in pieces, so nothing is lost without the wait but order: our End-of-RIB would come
 * before the routes. The RFC's 60 s are a minute without network at a peer that sends none.
 */
#include "bgp/rtc.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/log.h"
#include "bgp/session.h"

#define HASH_FUNCTION(key, len, out) ((out) = (unsigned)XXH3_64bits(key, len))
#include <uthash.h>

struct rtc_user { /* a route target that is imported here, by so many */
	uint8_t rt[8];
	uint32_t n;
	UT_hash_handle hh;
};

const char *bgp_rt_filter_name(enum bgp_rt_filter f)
{
	static const char *const names[] = {
		[BGP_RT_FILTER_NONE] = "none",
		[BGP_RT_FILTER_WAITING] = "waiting",
		[BGP_RT_FILTER_ACTIVE] = "active",
		[BGP_RT_FILTER_DISABLED] = "disabled",
	};

	return names[f];
}

/* ---- what we ask for --------------------------------------------------------------------------------------------- */

static bool is_registered(const struct bgp *b)
{
	int i = engine_family_index(b, bgp_rtc_family.afi, bgp_rtc_family.safi);

	return i >= 0 && b->families[i].f == &bgp_rtc_family;
}

static void originate(struct bgp *b, const struct bgp_nlri *n, struct mtime now)
{
	/* Sessions send their own address in its place. */
	const struct bgp_attrs a = { .origin = BGP_ORIGIN_IGP, .next_hop = ip_v4(b->p.router_id) };

	bgp_originate(b, &bgp_rtc_family, n, &a, now);
}

void bgp_rt_want(struct bgp *b, const uint8_t rt[8], struct mtime now)
{
	struct rtc_user *u;
	struct bgp_nlri n;

	if (!is_registered(b))
		return;
	HASH_FIND(hh, b->rtc.users, rt, 8, u);
	if (!u) {
		u = xcalloc(1, sizeof(*u));
		memcpy(u->rt, rt, 8);
		HASH_ADD(hh, b->rtc.users, rt, 8, u);
		rtc_nlri(b->p.asn, rt, &n);
		originate(b, &n, now);
	}
	u->n++;
}

void bgp_rt_unwant(struct bgp *b, const uint8_t rt[8], struct mtime now)
{
	struct rtc_user *u;
	struct bgp_nlri n;

	HASH_FIND(hh, b->rtc.users, rt, 8, u);
	if (!u || --u->n)
		return;
	rtc_nlri(b->p.asn, rt, &n);
	bgp_withdraw(b, &bgp_rtc_family, n.key, n.key_len, now);
	HASH_DEL(b->rtc.users, u);
	free(u);
}

void rtc_free(struct bgp *b)
{
	struct rtc_user *u, *tmp;

	HASH_ITER(hh, b->rtc.users, u, tmp) {
		HASH_DEL(b->rtc.users, u);
		free(u);
	}
}

/* What comes from other iBGP neighbors is passed on to these only, and what comes from these to all (RFC 4456 6). */
static bool is_outer(const struct bgp_peer *peer)
{
	return peer->ebgp || peer->p.rr_client;
}

static void follow_silent(struct bgp *b, struct mtime now)
{
	bool all = b->rtc.n_silent[1] || (b->rtc.n_silent[0] && b->rtc.n_outer);
	struct bgp_nlri n;

	if (all == b->rtc.all)
		return;
	b->rtc.all = all;
	rtc_nlri_all(&n);
	if (all)
		originate(b, &n, now);
	else
		bgp_withdraw(b, &bgp_rtc_family, n.key, n.key_len, now);
}

static void set_silent(struct bgp_peer *peer, bool silent, struct mtime now)
{
	if (peer->rtc_silent == silent)
		return;
	peer->rtc_silent = silent;
	peer->bgp->rtc.n_silent[is_outer(peer)] += silent ? 1 : UINT32_MAX;
	follow_silent(peer->bgp, now);
}

static void count_outer(struct bgp_peer *peer, bool up, struct mtime now)
{
	if (!is_outer(peer))
		return;
	peer->bgp->rtc.n_outer += up ? 1 : UINT32_MAX;
	follow_silent(peer->bgp, now);
}

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

bool rtc_negotiated(const struct bgp_conn *c)
{
	const struct bgp *b = c->peer->bgp;

	for (uint32_t i = 0; i < b->n_families; i++) {
		if (b->families[i].f == &bgp_rtc_family)
			return c->families & 1u << i;
	}
	return false;
}

bool rtc_may_attach(const struct bgp_conn *c, const struct bgp_family *f)
{
	return !f->route_targets || c->peer->rt_filter != BGP_RT_FILTER_WAITING;
}

static void wait_is_over(struct bgp_peer *peer)
{
	if (peer->rt_filter != BGP_RT_FILTER_WAITING)
		return;
	timerq_stop(&peer->bgp->timers, &peer->rtc_wait);
	peer->rt_filter = BGP_RT_FILTER_ACTIVE;
	session_attach(peer->session);
}

static void on_rtc_wait(struct timerq_node *n, struct mtime now)
{
	struct bgp_peer *peer = container_of(n, struct bgp_peer, rtc_wait);

	log_info(peer->bgp->p.log, LOG_BGP, "peer %s: no End-of-RIB of route target memberships in %u s, going on",
		 ip_str(&peer->p.address).s, RTC_WAIT_S);
	wait_is_over(peer);
}

void rtc_peer_init(struct bgp_peer *peer)
{
	peer->rtc_wait.fn = on_rtc_wait;
}

void rtc_session_up(struct bgp_conn *c, struct mtime now)
{
	struct bgp_peer *peer = c->peer;

	if (rtc_negotiated(c)) {
		peer->rt_filter = BGP_RT_FILTER_WAITING;
		engine_arm(peer->bgp, &peer->rtc_wait, mtime_add_us(now, RTC_WAIT_S * 1000000LL));
	} else if (is_registered(peer->bgp)) {
		set_silent(peer, true, now);
	}
	count_outer(peer, true, now);
}

void rtc_session_down(struct bgp_peer *peer, struct mtime now)
{
	timerq_stop(&peer->bgp->timers, &peer->rtc_wait);
	if (peer->rt_filter == BGP_RT_FILTER_DISABLED)
		out_filter_all(peer->bgp->rib, &peer->rib, false);
	peer->rt_filter = BGP_RT_FILTER_NONE;
	set_silent(peer, false, now);
	count_outer(peer, false, now);
}

void rtc_end_of_rib(struct bgp_conn *c)
{
	wait_is_over(c->peer);
}

void rtc_disabled(struct bgp_conn *c, struct mtime now)
{
	struct bgp_peer *peer = c->peer;

	out_filter_all(peer->bgp->rib, &peer->rib, true);
	wait_is_over(peer);
	peer->rt_filter = BGP_RT_FILTER_DISABLED;
	set_silent(peer, true, now);
	rib_gen_turn(peer->bgp->rib, &peer->rib, &bgp_rtc_family, RIB_GEN_ALL, RIB_GEN_DEAD);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * After a restart neighbors hold our routes of before as stale, and the kernel our rows. Both are safe as long as we
 * say nothing that ends it: so our own End-of-RIB, and the sweep of rows that nobody wants any more, wait until all
 * that we had is there again: our own routes (bgp_local_complete()) and those of every neighbor, up to its End-of-RIB.
 *
 * What differs from RFC 4724 4.1: routes are selected and advertised as they come. What the deferral is for is that
 * nothing is withdrawn or swept on half the knowledge, and that is held here; to wait with new routes, too, would cost
 * the hosts that are new the time that one dead neighbor takes to be given up.
 */
#include "bgp/restart.h"

#include <stdio.h>

#include "bgp/session.h"

#define S_US 1000000
/*
 * For the routes of a neighbor that does not say where they end (no capability, no End-of-RIB), and of one that has
 * restarted, too, and may wait for us (RFC 4724 4.1 does not wait for it at all; but FRR has R set long after its
 * start).
 */
#define UNTOLD_S 10

/* ---- what we say ------------------------------------------------------------------------------------------------- */

void restart_caps(const struct bgp *b, struct caps *out)
{
	out->gr = (struct cap_gr){ .there = true, .notification = true, .restarted = b->restart.waiting,
				   .time = b->p.restart_time };
	for (uint32_t i = 0; i < out->n_families; i++) {
		const struct cap_gr_family f = { .afi = out->families[i].afi, .safi = out->families[i].safi,
						 .forwarding = b->restart.forwarding, .long_s = b->p.long_lived_time };

		if (b->p.restart_time) /* RFC 4724 3: without families we know End-of-RIB, and keep nothing */
			cap_gr_add(&out->gr, &f);
		if (b->p.long_lived_time)
			cap_gr_add(&out->long_lived, &f);
	}
}

/* ---- what we wait for -------------------------------------------------------------------------------------------- */

static void done(struct bgp *b, const char *why)
{
	struct history_event e = {
		.kind = HISTORY_SYSTEM, .what = HISTORY_READY, .reason = "the restart is over", .text = why
	};

	history_add(b->p.history, HISTORY_DAEMON, &e);
	b->restart.waiting = false;
	timerq_stop(&b->timers, &b->restart.timer);
	log_info(b->p.log, LOG_BGP, "the restart is over: %s", why);
	out_hold_end_of_rib(b->rib, false);
	if (b->p.converged)
		b->p.converged(b->p.converged_ctx);
}

/* Until when is this neighbor waited for? MTIME_NEVER: as long as anyone. */
static struct mtime awaited(const struct bgp_peer *peer)
{
	const struct bgp_conn *c = peer->session;

	if (peer->admin_down)
		return (struct mtime){ INT64_MIN };
	if (!c)
		return MTIME_NEVER;
	if (c->families_ended == c->families)
		return (struct mtime){ INT64_MIN };
	return c->caps.gr.there && !c->caps.gr.restarted ? MTIME_NEVER :
							   mtime_add_us(peer->since, UNTOLD_S * S_US);
}

void restart_check(struct bgp *b, struct mtime now)
{
	struct mtime next = b->restart.end;
	const struct bgp_peer *peer;
	bool all = b->restart.local;

	if (!b->restart.waiting || b->stopping)
		return;
	list_for_each(peer, &b->peers, node) {
		struct mtime until = awaited(peer);

		if (!mtime_before(now, until))
			continue;
		all = false;
		if (mtime_before(until, next))
			next = until;
	}
	if (all)
		done(b, "all neighbors have told their routes");
	else
		engine_arm(b, &b->restart.timer, next);
}

static void say_who_is_missing(const struct bgp *b, struct mtime now)
{
	const struct bgp_peer *peer;

	if (!b->restart.local)
		log_warn(b->p.log, LOG_BGP, "restart: our own routes are not complete, waited for no longer");
	list_for_each(peer, &b->peers, node)
		if (mtime_before(now, awaited(peer)))
			log_warn(b->p.log, LOG_BGP,
				 "restart: peer %s has not told all its routes, waited for no longer",
				 ip_str(&peer->p.address).s);
}

static void on_timer(struct timerq_node *n, struct mtime now)
{
	struct bgp *b = container_of(n, struct bgp, restart.timer);

	if (mtime_before(now, b->restart.end)) {
		restart_check(b, now);
		return;
	}
	say_who_is_missing(b, now);
	done(b, "its time is up");
}

void restart_init(struct bgp *b)
{
	b->restart.timer.fn = on_timer;
}

void restart_fini(struct bgp *b)
{
	timerq_stop(&b->timers, &b->restart.timer);
}

void bgp_restart_begin(struct bgp *b, struct mtime now)
{
	BUG_ON(!list_empty(&b->peers));
	b->restart.waiting = b->restart.forwarding = true;
	b->restart.end = mtime_add_us(now, (int64_t)b->p.restart_time * S_US);
	engine_arm(b, &b->restart.timer, b->restart.end);
	out_hold_end_of_rib(b->rib, true);
}

void bgp_local_complete(struct bgp *b, struct mtime now)
{
	b->restart.local = b->restart.forwarding = true;
	restart_check(b, now);
}

bool bgp_restarting(const struct bgp *b)
{
	return b->restart.waiting;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The timers of a connection. Hold, keepalive and send-hold timers are lazy: a message only notes the time, and a timer
 * that fires too early for what was noted is armed again. So a million UPDATEs cost no timer operation.
 */
#include "bgp/session.h"

#define S_US 1000000
#define LATE_US 1000000
#define SILENCE_S 5
#define LARGE_HOLD_S 240    /* RFC 4271 8.2.2: "a large value", 4 minutes suggested */
#define SEND_HOLD_MIN_S 480 /* RFC 9687 4: the greater of 8 minutes and twice the hold time */

static int64_t hold_us(const struct bgp_conn *c)
{
	return (int64_t)S_US * (c->run->state == BGP_OPENSENT ? LARGE_HOLD_S : c->hold_time);
}

static int64_t send_hold_us(const struct bgp_conn *c)
{
	int64_t twice = 2 * (int64_t)c->hold_time;

	return (int64_t)S_US * (twice > SEND_HOLD_MIN_S ? twice : SEND_HOLD_MIN_S);
}

/* The next KEEPALIVE is due when nothing else has gone out for this long (RFC 4271 4.4: a third of the hold time). */
static int64_t keepalive_us(const struct bgp_conn *c)
{
	return engine_jitter(c->peer->bgp, (int64_t)c->hold_time * S_US / 3);
}

/*
 * A process that was stopped, or starved, finds its timers late: what the peer said meanwhile waits to be read and is
 * heard before the peer is given up. So it is where what the peer has sent takes long.
 */
static bool is_late(const struct timerq_node *n, struct mtime now)
{
	return mtime_diff_us(n->at, now) > LATE_US;
}

static void on_hold(struct timerq_node *n, struct mtime now)
{
	struct bgp_conn *c = container_of(n, struct bgp_conn, hold);
	struct mtime end = mtime_add_us(c->heard, hold_us(c));

	if (mtime_before(now, end))
		engine_arm(c->peer->bgp, n, end);
	else if (is_late(n, now) || bgp_conn_waits(c))
		engine_arm(c->peer->bgp, n, mtime_add_us(now, LATE_US));
	else
		session_event(c->run, FSM_HOLD_EXPIRES, NULL, NULL, now);
}

static void on_keepalive(struct timerq_node *n, struct mtime now)
{
	struct bgp_conn *c = container_of(n, struct bgp_conn, keepalive);
	struct mtime end = mtime_add_us(c->sent, c->keepalive_wait_us);

	if (mtime_before(now, end))
		engine_arm(c->peer->bgp, n, end);
	else
		session_event(c->run, FSM_KEEPALIVE_EXPIRES, NULL, NULL, now);
}

static void on_send_hold(struct timerq_node *n, struct mtime now)
{
	struct bgp_conn *c = container_of(n, struct bgp_conn, send_hold);
	struct mtime end = mtime_add_us(c->sent, send_hold_us(c));

	if (mtime_before(now, end))
		engine_arm(c->peer->bgp, n, end);
	else
		session_event(c->run, FSM_SEND_HOLD_EXPIRES, NULL, NULL, now);
}

/* Waiting goes on for much longer, but who sits before it wants to know now what stands in the way. */
static void on_silence(struct timerq_node *n, struct mtime now)
{
	struct bgp_conn *c = container_of(n, struct bgp_conn, silence);

	if (c->run->state != BGP_CONNECT)
		peer_log_fault(c->peer, "no OPEN", "connected for 5 s, and it has said nothing", NULL, 0, now);
	else if (c->peer->p.password)
		peer_note_unreachable(c->peer, "no answer (is it up? has it the same password?)");
	else
		peer_note_unreachable(c->peer, "no answer (is it up? does a filter drop TCP?)");
}

void timers_connect(struct bgp_conn *c, struct mtime now)
{
	engine_arm(c->peer->bgp, &c->silence, mtime_add_us(now, (int64_t)S_US * SILENCE_S));
}

void timers_await_open(struct bgp_conn *c, struct mtime now)
{
	c->heard = now;
	engine_arm(c->peer->bgp, &c->hold, mtime_add_us(now, (int64_t)LARGE_HOLD_S * S_US));
	timers_connect(c, now);
}

void timers_keepalive(struct bgp_conn *c, struct mtime now)
{
	if (!c->hold_time)
		return;
	c->keepalive_wait_us = keepalive_us(c);
	engine_arm(c->peer->bgp, &c->keepalive, mtime_add_us(now, c->keepalive_wait_us));
}

void timers_negotiated(struct bgp_conn *c, struct mtime now)
{
	struct bgp *b = c->peer->bgp;

	timerq_stop(&b->timers, &c->hold);
	timerq_stop(&b->timers, &c->silence);
	if (!c->hold_time)
		return;
	c->heard = c->sent = now;
	engine_arm(b, &c->hold, mtime_add_us(now, (int64_t)c->hold_time * S_US));
	engine_arm(b, &c->send_hold, mtime_add_us(now, send_hold_us(c)));
	timers_keepalive(c, now);
}

void timers_init(struct bgp_conn *c)
{
	c->hold.fn = on_hold;
	c->keepalive.fn = on_keepalive;
	c->send_hold.fn = on_send_hold;
	c->silence.fn = on_silence;
}

void timers_stop(struct bgp_conn *c)
{
	struct timerq *q = &c->peer->bgp->timers;

	timerq_stop(q, &c->hold);
	timerq_stop(q, &c->keepalive);
	timerq_stop(q, &c->send_hold);
	timerq_stop(q, &c->silence);
}

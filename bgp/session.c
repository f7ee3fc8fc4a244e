/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Carries out what fsm.c decides. session_event() is the one way in: it looks the step up, does its actions, and
 * change_state() alone changes a state and logs it.
 *
 * Hold, keepalive and send-hold timers are lazy: a message only notes the time, and a timer that fires too early for
 * what was noted is armed again. So a million UPDATEs cost no timer operation.
 */
#include "bgp/session.h"

#include <stdio.h>
#include <stdlib.h>

#define MS_US 1000
#define S_US 1000000
#define LATE_US 1000000
#define LARGE_HOLD_S 240     /* RFC 4271 8.2.2: "a large value", 4 minutes suggested */
#define SEND_HOLD_MIN_S 480  /* RFC 9687 4: the greater of 8 minutes and twice the hold time */

/* ---- timers ------------------------------------------------------------------------------------------------------ */

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
 * heard before the peer is given up.
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
	else if (is_late(n, now))
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

static void keepalive_arm(struct bgp_conn *c, struct mtime now)
{
	if (!c->hold_time)
		return;
	c->keepalive_wait_us = keepalive_us(c);
	engine_arm(c->peer->bgp, &c->keepalive, mtime_add_us(now, c->keepalive_wait_us));
}

/* Of the hold time that the OPENs have settled; 0 means none of them (RFC 4271 4.2). */
static void negotiated_timers(struct bgp_conn *c, struct mtime now)
{
	struct bgp *b = c->peer->bgp;

	timerq_stop(&b->timers, &c->hold);
	if (!c->hold_time)
		return;
	c->heard = c->sent = now;
	engine_arm(b, &c->hold, mtime_add_us(now, (int64_t)c->hold_time * S_US));
	engine_arm(b, &c->send_hold, mtime_add_us(now, send_hold_us(c)));
	keepalive_arm(c, now);
}

static void timers_stop(struct bgp_conn *c)
{
	struct timerq *q = &c->peer->bgp->timers;

	timerq_stop(q, &c->hold);
	timerq_stop(q, &c->keepalive);
	timerq_stop(q, &c->send_hold);
}

/* ---- connections ------------------------------------------------------------------------------------------------ */

static struct bgp_conn *conn_new(struct bgp_peer *peer, struct fsm_run *run)
{
	struct bgp_conn *c = xcalloc(1, sizeof(*c));

	c->peer = peer;
	c->run = run ? run : &c->accepted;
	c->outgoing = run != NULL;
	c->accepted = (struct fsm_run){ .state = BGP_ACTIVE, .peer = peer };
	c->run->conn = c;
	c->max_message = MSG_MAX_LEN;
	c->hold.fn = on_hold;
	c->keepalive.fn = on_keepalive;
	c->send_hold.fn = on_send_hold;
	list_add_tail(&peer->conns, &c->node);
	peer->n_conns++;
	peer->bgp->n_conns++;
	return c;
}

static void conn_free(struct bgp_conn *c)
{
	struct bgp_peer *peer = c->peer;

	BUG_ON(c->run);
	free(c->part);
	free(c->open);
	free(c->notification.data);
	free(c);
	peer->n_conns--;
	peer->bgp->n_conns--;
	peer_maybe_free(peer);
}

static void want_write(struct bgp_conn *c)
{
	const struct bgp_net *net = &c->peer->bgp->p.net;

	if (c->wanted || c->gone || !c->run)
		return;
	c->wanted = true;
	net->want_write(net->ctx, c);
}

static void send_due(struct bgp_conn *c, uint8_t what)
{
	c->due |= what;
	want_write(c);
}

/* The state machine lets go of the connection; the network says the rest and releases it. */
static void conn_close(struct bgp_conn *c)
{
	const struct bgp_net *net = &c->peer->bgp->p.net;

	timers_stop(c);
	list_del(&c->node);
	c->run->conn = NULL;
	c->run = NULL;
	c->due &= DUE_OPEN | DUE_NOTIFICATION;
	if (!c->gone)
		net->close(net->ctx, c);
}

static void connect_start(struct fsm_run *run)
{
	const struct bgp_net *net = &run->peer->bgp->p.net;

	net->connect(net->ctx, conn_new(run->peer, run));
}

/* ---- what a step does ------------------------------------------------------------------------------------------- */

static void notify(struct bgp_conn *c, const struct msg_fault *f, struct mtime now)
{
	size_t len = f->data_len < MSG_MAX_LEN ? f->data_len : MSG_MAX_LEN;

	if (c->gone)
		return;
	c->notification.code = f->code;
	c->notification.subcode = f->subcode;
	c->notification.len = (uint16_t)len;
	if (len) {
		c->notification.data = xrealloc(c->notification.data, len);
		memcpy(c->notification.data, f->data, len);
	}
	c->due |= DUE_NOTIFICATION;
	peer_note_error(&c->peer->last_out, f, f->why, now);
}

/* The NOTIFICATION that an event stands for when its caller brought none. */
static struct msg_fault implied_fault(enum fsm_event e, enum bgp_state s, uint32_t actions)
{
	struct msg_fault f = { .code = MSG_ERR_CEASE, .subcode = BGP_CEASE_ADMIN_SHUTDOWN };

	if (actions & FSM_NOTIFY_FSM) {
		f = (struct msg_fault){ .code = MSG_ERR_FSM, .subcode = fsm_error_subcode(s) };
		f.why = fsm_event_name(e);
	} else if (e == FSM_HOLD_EXPIRES) {
		f = (struct msg_fault){ .code = MSG_ERR_HOLD };
	} else if (e == FSM_SEND_HOLD_EXPIRES) {
		f = (struct msg_fault){ .code = MSG_ERR_SEND_HOLD };
	} else if (e == FSM_COLLISION_DUMP) {
		f.subcode = BGP_CEASE_COLLISION;
	}
	return f;
}

static void act(struct fsm_run *run, struct fsm_step step, const struct msg_fault *fault, struct mtime now)
{
	struct bgp_peer *peer = run->peer;
	struct bgp_conn *c = run->conn;
	bool own = run == &peer->own;

	if (step.actions & FSM_COUNT_ZERO)
		peer->connect_retry_count = 0;
	if (step.actions & FSM_COUNT_UP)
		peer->connect_retry_count++;
	if (step.actions & FSM_DAMP)
		peer_damp(peer, now);
	if (own && step.actions & FSM_RETRY_STOP)
		timerq_stop(&peer->bgp->timers, &peer->connect_retry);
	if (own && step.actions & FSM_RETRY_START)
		peer_connect_retry_start(peer, step.next, now);
	if (step.actions & FSM_SEND_OPEN)
		send_due(c, DUE_OPEN);
	if (step.actions & FSM_LARGE_HOLD) {
		c->heard = now;
		engine_arm(peer->bgp, &c->hold, mtime_add_us(now, (int64_t)LARGE_HOLD_S * S_US));
	}
	if (step.actions & FSM_SEND_KEEPALIVE) {
		send_due(c, DUE_KEEPALIVE);
		keepalive_arm(c, now);
	}
	if (step.actions & FSM_NEGOTIATED_TIMERS)
		negotiated_timers(c, now);
	if (step.actions & FSM_HOLD_RESTART)
		c->heard = now;
	if (step.actions & (FSM_NOTIFY | FSM_NOTIFY_FSM))
		notify(c, fault, now);
	if (c && step.actions & FSM_CLOSE)
		conn_close(c);
	if (step.actions & FSM_CONNECT)
		connect_start(run);
}

static void tell_listeners(const struct bgp_peer *peer, bool up)
{
	const struct bgp *b = peer->bgp;
	const struct bgp_listener *l;
	void (*fn)(void *ctx, struct bgp_peer *peer);

	for (uint32_t i = 0; i < b->n_families; i++) {
		l = b->families[i].l;
		fn = !l ? NULL : up ? l->peer_up : l->peer_down;
		if (fn)
			fn(l->ctx, (struct bgp_peer *)(uintptr_t)peer);
	}
}

static void session_up(struct bgp_conn *c)
{
	struct bgp_peer *peer = c->peer;
	struct bgp *b = peer->bgp;
	struct out_policy policy;

	memset(&policy, 0, sizeof(policy)); /* compared by memcmp() */
	policy.ebgp = peer->ebgp;
	policy.rr_client = peer->p.rr_client;
	policy.as4 = c->caps.as4;
	policy.max_message = c->max_message;
	policy.asn = peer->ebgp ? peer->p.asn : 0;

	peer->session = c;
	peer->established_count++;
	peer->unreachable[0] = '\0';
	peer->rib.router_id = c->router_id;
	rib_peer_up(b->rib, &peer->rib);
	tell_listeners(peer, true);
	for (uint32_t i = 0; i < b->n_families; i++)
		if (c->families & 1u << i)
			out_attach(b->rib, b->families[i].f, &peer->rib, &policy);
}

/* RFC 4271 8.2.2: leaving Established deletes all routes of the peer. */
static void session_down(struct bgp_peer *peer)
{
	peer->session = NULL;
	rib_peer_down(peer->bgp->rib, &peer->rib);
	tell_listeners(peer, false);
}

/* What of our own goes on without an OPEN is over when another connection has become the session. */
static void drop_own_attempt(struct bgp_peer *peer, struct mtime now)
{
	if (peer->own.state == BGP_CONNECT || peer->own.state == BGP_ACTIVE)
		session_event(&peer->own, FSM_COLLISION_DUMP, NULL, NULL, now);
	timerq_stop(&peer->bgp->timers, &peer->idle_hold);
}

/* The one place where a state changes. c: its connection before the step. */
static void change_state(struct fsm_run *run, enum bgp_state next, struct bgp_conn *c, const char *why,
			 struct mtime now)
{
	struct bgp_peer *peer = run->peer;
	enum bgp_state from = run->state;
	bool edge = from == BGP_ESTABLISHED || next == BGP_ESTABLISHED;

	if (from == next)
		return;
	run->state = next;
	if (!peer->session || edge) {
		peer->since = now;
		snprintf(peer->reason, sizeof(peer->reason), "%s", why);
	}
	log_at(peer->bgp->p.log, edge ? LOG_INFO : LOG_DEBUG, LOG_BGP, "peer %s: %s -> %s (%s)",
	       ip_str(&peer->p.address).s, bgp_state_name(from), bgp_state_name(next), why);
	if (from == BGP_ESTABLISHED)
		session_down(peer);
	if (next == BGP_ESTABLISHED)
		session_up(c);
}

/* "NOTIFICATION received: cease/administrative shutdown: text" */
static void explain(char *out, size_t cap, enum fsm_event e, const struct msg_fault *f, const char *text)
{
	const char *sub = f && f->code ? msg_subcode_name(f->code, f->subcode) : NULL;
	const char *why = f && f->why && f->why != fsm_event_name(e) ? f->why : NULL;

	snprintf(out, cap, "%s%s%s%s%s%s%s%s%s", fsm_event_name(e), f && f->code ? ": " : "",
		 f && f->code ? msg_code_name(f->code) : "", sub ? "/" : "", sub ? sub : "", why ? ": " : "",
		 why ? why : "", text ? ": " : "", text ? text : "");
}

/* Events that blame the peer; the rest is its or our will, or the network's. */
static bool is_fault(enum fsm_event e, uint32_t actions)
{
	return actions & FSM_NOTIFY_FSM || e == FSM_HEADER_ERROR || e == FSM_OPEN_ERROR || e == FSM_UPDATE_ERROR ||
	       e == FSM_AUTOMATIC_STOP;
}

static void log_fault(struct bgp_conn *c, const struct msg_fault *f, struct mtime now)
{
	char what[128];
	const char *sub = msg_subcode_name(f->code, f->subcode);

	snprintf(what, sizeof(what), "NOTIFICATION %u/%u sent, %s%s%s", f->code, f->subcode, msg_code_name(f->code),
		 sub ? "/" : "", sub ? sub : "");
	peer_log_fault(c->peer, what, f->why ? f->why : "", c->message, c->message_len, now);
}

void session_event(struct fsm_run *run, enum fsm_event e, const struct msg_fault *fault, const char *text,
		   struct mtime now)
{
	struct fsm_step step = fsm_step(run->state, e);
	struct bgp_peer *peer = run->peer;
	struct bgp_conn *c = run->conn;
	enum bgp_state from = run->state;
	struct msg_fault implied;
	char why[192];

	/* The run of an accepted connection has nothing to go back to when the connection ends. */
	if (run != &peer->own && step.next < BGP_OPENSENT)
		step = (struct fsm_step){ BGP_IDLE, step.actions };
	if (!fault && step.actions & (FSM_NOTIFY | FSM_NOTIFY_FSM)) {
		implied = implied_fault(e, from, step.actions);
		fault = &implied;
	}
	if (step.next != from)
		explain(why, sizeof(why), e, fault, text);
	if (fault && c && is_fault(e, step.actions))
		log_fault(c, fault, now);
	act(run, step, fault, now);
	change_state(run, step.next, c, why, now);
	if (step.next == BGP_ESTABLISHED && from != BGP_ESTABLISHED && run != &peer->own)
		drop_own_attempt(peer, now);
	if (step.next == BGP_IDLE)
		peer_rearm(peer, now);
}

/* ---- OPEN -------------------------------------------------------------------------------------------------------- */

void session_our_caps(const struct bgp_peer *peer, struct caps *out)
{
	const struct bgp *b = peer->bgp;

	*out = (struct caps){
		.refresh = true,
		.extended_message = true,
		.as4 = true,
		.asn = b->p.asn,
		.role = peer->ebgp ? peer->p.role : 0,
	};
	for (uint32_t i = 0; i < b->n_families; i++)
		cap_family_add(out, b->families[i].f->afi, b->families[i].f->safi);
}

static bool refuse_open(struct msg_fault *f, uint8_t subcode, const char *why)
{
	*f = (struct msg_fault){ .code = MSG_ERR_OPEN, .subcode = subcode, .why = why };
	return false;
}

/* RFC 4271 6.2, 6286 2.2, 6793 4.2.1, 7607 2. */
static bool check_open(const struct bgp_conn *c, const struct msg_open *o, struct msg_fault *f)
{
	const struct bgp_peer *peer = c->peer;
	uint32_t asn = c->caps.as4 ? c->caps.asn : o->my_as;

	if (asn == 0 || o->my_as == 0)
		return refuse_open(f, MSG_OPEN_PEER_AS, "AS 0");
	if (asn != peer->p.asn)
		return refuse_open(f, MSG_OPEN_PEER_AS, "not the configured AS");
	if (o->router_id == 0)
		return refuse_open(f, MSG_OPEN_BGP_ID, "BGP identifier 0");
	if (!peer->ebgp && o->router_id == peer->bgp->p.router_id)
		return refuse_open(f, MSG_OPEN_BGP_ID, "BGP identifier is our own");
	if (o->hold_time == 1 || o->hold_time == 2)
		return refuse_open(f, MSG_OPEN_HOLD_TIME, "hold time below 3 s");
	return true;
}

/* RFC 9234 4.2; without a role of ours the peer's does not matter. */
static bool check_role(const struct bgp_conn *c, struct msg_fault *f)
{
	const struct bgp_peer *peer = c->peer;

	if (!peer->ebgp || !peer->p.role || !c->caps.role)
		return true;
	if (c->caps.role_conflict || !cap_role_match(peer->p.role, c->caps.role))
		return refuse_open(f, MSG_OPEN_ROLE, "roles do not go together");
	return true;
}

/* RFC 4760 8, 5492 5: without a common family there is nothing to talk about. space is for the NOTIFICATION's data. */
static bool settle_families(struct bgp_conn *c, struct msg_fault *f, uint8_t *space, size_t cap)
{
	const struct bgp *b = c->peer->bgp;
	struct wbuf w = wb_init(space, cap);
	struct caps ours;

	c->families = 0;
	for (uint32_t i = 0; i < b->n_families; i++)
		if (cap_family_has(&c->caps, b->families[i].f->afi, b->families[i].f->safi))
			c->families |= 1u << i;
	if (c->families || !b->n_families)
		return true;
	session_our_caps(c->peer, &ours);
	cap_encode_families(&w, &ours);
	refuse_open(f, MSG_OPEN_CAPABILITY, "no address family in common");
	f->data = space;
	f->data_len = wb_len(&w);
	return false;
}

static bool settle_open(struct bgp_conn *c, struct rbuf body, struct msg_fault *f, uint8_t *space, size_t cap)
{
	uint16_t ours = c->peer->p.hold_time;
	struct msg_open o;

	if (!msg_open_decode(body, &o, f) || !cap_decode(&o, &c->caps, f) || !check_open(c, &o, f) ||
	    !check_role(c, f) || !settle_families(c, f, space, cap))
		return false;
	c->router_id = o.router_id;
	c->hold_time = o.hold_time < ours ? o.hold_time : ours;
	c->max_message = c->caps.extended_message ? MSG_EXTENDED_MAX_LEN : MSG_MAX_LEN;
	c->open_len = (uint16_t)rb_left(&body);
	c->open = xrealloc(c->open, c->open_len);
	memcpy(c->open, body.p, c->open_len);
	return true;
}

/*
 * RFC 4271 6.8: of two connections the one stays that the side with the higher identifier has opened; with equal
 * identifiers (RFC 6286 2.3, eBGP only) the side with the larger AS. Of two that the same side opened the new one.
 */
static bool new_one_wins(const struct bgp_conn *c, const struct bgp_conn *other)
{
	const struct bgp_params *p = &c->peer->bgp->p;
	bool ours_wins = p->router_id == c->router_id ? p->asn > c->peer->p.asn : p->router_id > c->router_id;

	return c->outgoing == other->outgoing || c->outgoing == ours_wins;
}

/* The other connection of this peer that has got as far as an OPEN. */
static struct bgp_conn *rival(const struct bgp_conn *c)
{
	struct bgp_conn *o;

	list_for_each(o, &c->peer->conns, node)
		if (o != c && o->run->state >= BGP_OPENCONFIRM)
			return o;
	return NULL;
}

/*
 * c has brought a good OPEN. False when it is the one to go. An Established session stays (RFC 4271 6.8,
 * CollisionDetectEstablishedState off), but is made to speak: if the peer has lost it, TCP's answer ends it at once,
 * and not the hold timer.
 */
static bool collide(struct bgp_conn *c, struct mtime now)
{
	struct bgp_conn *o = rival(c);

	if (!o)
		return true;
	if (o->run->state != BGP_ESTABLISHED && new_one_wins(c, o)) {
		session_event(o->run, FSM_COLLISION_DUMP, NULL, NULL, now);
		return true;
	}
	if (o->run->state == BGP_ESTABLISHED)
		send_due(o, DUE_KEEPALIVE);
	session_event(c->run, FSM_COLLISION_DUMP, NULL, NULL, now);
	return false;
}

static void receive_open(struct bgp_conn *c, struct rbuf body, struct mtime now)
{
	uint8_t space[6 * ENGINE_FAMILIES_MAX];
	struct msg_fault f;

	c->peer->in.open++;
	if (c->run->state == BGP_OPENSENT) {
		if (!settle_open(c, body, &f, space, sizeof(space))) {
			session_event(c->run, FSM_OPEN_ERROR, &f, NULL, now);
			return;
		}
		if (!collide(c, now))
			return;
	}
	session_event(c->run, FSM_OPEN, NULL, NULL, now);
}

/* ---- the other messages ----------------------------------------------------------------------------------------- */

static void receive_update(struct bgp_conn *c, struct rbuf body, struct mtime now)
{
	struct msg_fault f;

	c->peer->in.update++;
	if (c->run->state != BGP_ESTABLISHED || update_receive(c, body, &f, now))
		session_event(c->run, FSM_UPDATE, NULL, NULL, now);
	else
		session_event(c->run, f.code == MSG_ERR_CEASE ? FSM_AUTOMATIC_STOP : FSM_UPDATE_ERROR, &f, NULL, now);
}

/* The end of a session says it by itself, and a collision is nobody's fault. */
static void log_notification(struct bgp_conn *c, const struct msg_fault *f, struct mtime now)
{
	char what[48];

	if (c->run->state == BGP_ESTABLISHED || (f->code == MSG_ERR_CEASE && f->subcode == BGP_CEASE_COLLISION))
		return;
	snprintf(what, sizeof(what), "NOTIFICATION %u/%u received", f->code, f->subcode);
	peer_log_fault(c->peer, what, c->peer->last_in.text, c->message, c->message_len, now);
}

static bool may_have_text(const struct msg_fault *f)
{
	return f->code == MSG_ERR_CEASE &&
	       (f->subcode == BGP_CEASE_ADMIN_SHUTDOWN || f->subcode == BGP_CEASE_ADMIN_RESET);
}

static void receive_notification(struct bgp_conn *c, struct rbuf body, struct mtime now)
{
	const char *text = NULL;
	struct msg_fault f;
	char space[160];
	bool version;

	c->peer->in.notification++;
	msg_notification_decode(body, &f);
	if (may_have_text(&f) && msg_shutdown_text(f.data, f.data_len, space, sizeof(space)))
		text = space;
	peer_note_error(&c->peer->last_in, &f, text, now);
	log_notification(c, &f, now);
	f.why = NULL;
	version = f.code == MSG_ERR_OPEN && f.subcode == MSG_OPEN_VERSION;
	session_event(c->run, version ? FSM_NOTIFICATION_VERSION : FSM_NOTIFICATION, &f, text, now);
}

/* RFC 2918 4. Subtypes other than a request (RFC 7313) mean nothing without that capability of ours. */
static void receive_refresh(struct bgp_conn *c, struct rbuf body, struct mtime now)
{
	struct bgp *b = c->peer->bgp;
	struct msg_refresh m;
	struct msg_fault f;
	int i;

	c->peer->in.refresh++;
	if (c->run->state == BGP_ESTABLISHED) {
		if (!msg_refresh_decode(body, &m, &f)) {
			session_event(c->run, FSM_HEADER_ERROR, &f, NULL, now);
			return;
		}
		i = engine_family_index(b, m.afi, m.safi);
		if (m.subtype == 0 && i >= 0 && c->families & 1u << i)
			out_refresh(b->rib, b->families[i].f, &c->peer->rib);
	}
	session_event(c->run, FSM_REFRESH, NULL, NULL, now);
}

static void receive(struct bgp_conn *c, enum msg_type type, const uint8_t *p, size_t len, struct mtime now)
{
	struct rbuf body = rb_init(p + MSG_HEADER_LEN, len - MSG_HEADER_LEN);

	c->message = p;
	c->message_len = len;
	switch (type) {
	case MSG_OPEN:
		receive_open(c, body, now);
		break;
	case MSG_UPDATE:
		receive_update(c, body, now);
		break;
	case MSG_NOTIFICATION:
		receive_notification(c, body, now);
		break;
	case MSG_KEEPALIVE:
		c->peer->in.keepalive++;
		session_event(c->run, FSM_KEEPALIVE, NULL, NULL, now);
		break;
	case MSG_REFRESH:
		receive_refresh(c, body, now);
		break;
	}
	c->message = NULL;
	c->message_len = 0;
}

/* ---- framing of the input --------------------------------------------------------------------------------------- */

static void header_error(struct bgp_conn *c, const uint8_t *p, const struct msg_fault *f, struct mtime now)
{
	c->message = p;
	c->message_len = MSG_HEADER_LEN;
	session_event(c->run, FSM_HEADER_ERROR, f, NULL, now);
	c->message = NULL;
}

/* Whole messages from the reader's own buffer. Octets used; less than len when the last message is not whole. */
static size_t input_whole(struct bgp_conn *c, const uint8_t *data, size_t len, struct mtime now)
{
	size_t used = 0, n = 0;
	enum msg_type type;
	struct msg_fault f;

	while (c->run) {
		switch (msg_frame(data + used, len - used, c->max_message, &n, &type, &f)) {
		case MSG_SHORT:
			return used;
		case MSG_BAD:
			header_error(c, data + used, &f, now);
			return len;
		case MSG_WHOLE:
			receive(c, type, data + used, n, now);
			used += n;
			break;
		}
	}
	return len;
}

/* Goes on with the message of which the start is in c->part. Octets used. */
static size_t input_part(struct bgp_conn *c, const uint8_t *data, size_t len, struct mtime now)
{
	size_t used = 0, n = 0, step;
	enum msg_type type;
	struct msg_fault f;

	for (;;) {
		switch (msg_frame(c->part, c->part_len, c->max_message, &n, &type, &f)) {
		case MSG_BAD:
			header_error(c, c->part, &f, now);
			return len;
		case MSG_WHOLE:
			receive(c, type, c->part, n, now);
			c->part_len = 0;
			return used;
		case MSG_SHORT:
			if (used == len)
				return used;
			if (n > MSG_MAX_LEN)
				c->part = xrealloc(c->part, n);
			step = (c->part_len < MSG_HEADER_LEN ? MSG_HEADER_LEN : n) - c->part_len;
			if (step > len - used)
				step = len - used;
			memcpy(c->part + c->part_len, data + used, step);
			c->part_len = (uint16_t)(c->part_len + step);
			used += step;
			break;
		}
	}
}

static void part_keep(struct bgp_conn *c, const uint8_t *data, size_t len)
{
	c->part = xrealloc(c->part, len < MSG_MAX_LEN ? MSG_MAX_LEN : len);
	memcpy(c->part, data, len);
	c->part_len = (uint16_t)len;
}

void bgp_conn_input(struct bgp_conn *c, const uint8_t *data, size_t len, struct mtime now)
{
	size_t used = 0;

	if (c->run && c->part_len)
		used = input_part(c, data, len, now);
	if (c->run && !c->part_len)
		used += input_whole(c, data + used, len - used, now);
	if (c->run && used < len) {
		part_keep(c, data + used, len - used);
	} else if (!c->part_len || !c->run) {
		free(c->part);
		c->part = NULL;
		c->part_len = 0;
	}
}

/* ---- output ----------------------------------------------------------------------------------------------------- */

void session_want_write(struct bgp_peer *peer)
{
	if (peer->session)
		want_write(peer->session);
}

void session_refresh(struct bgp_conn *c)
{
	send_due(c, DUE_REFRESH);
}

static void write_open(const struct bgp_conn *c, struct wbuf *w)
{
	const struct bgp_peer *peer = c->peer;
	struct caps ours;
	size_t mark;

	session_our_caps(peer, &ours);
	msg_open_begin(w, peer->bgp->p.asn, peer->p.hold_time, peer->bgp->p.router_id, &mark);
	cap_encode(w, &ours);
	msg_open_end(w, mark);
}

static void write_refresh(struct bgp_conn *c, struct wbuf *w)
{
	const struct bgp *b = c->peer->bgp;

	for (uint32_t i = 0; i < b->n_families; i++) {
		if (!(c->families & 1u << i))
			continue;
		msg_refresh_write(w, b->families[i].f->afi, b->families[i].f->safi);
		c->peer->out.refresh++;
	}
}

static void write_notification(struct bgp_conn *c, struct wbuf *w)
{
	if (wb_len(w) && wb_room(w) < MSG_MAX_LEN)
		return; /* the next pull has room */
	msg_notification_write(w, c->notification.code, c->notification.subcode, c->notification.data,
			       c->notification.len);
	c->peer->out.notification++;
	c->due = 0;
}

/* Control messages before UPDATEs: they are short, and an UPDATE may wait. */
static void write_control(struct bgp_conn *c, struct wbuf *w)
{
	if (c->due & DUE_OPEN) {
		write_open(c, w);
		c->peer->out.open++;
	}
	if (c->due & DUE_KEEPALIVE) {
		msg_keepalive_write(w);
		c->peer->out.keepalive++;
	}
	if (c->due & DUE_REFRESH)
		write_refresh(c, w);
	c->due &= DUE_NOTIFICATION;
}

size_t bgp_conn_pull(struct bgp_conn *c, uint8_t *out, size_t cap, struct mtime now)
{
	struct wbuf w = wb_init(out, cap);
	struct bgp_peer *peer = c->peer;

	if (c->due)
		write_control(c, &w);
	if (peer->session == c)
		wb_ptr(&w, out_pull(peer->bgp->rib, &peer->rib, w.p, wb_room(&w), &peer->out.update));
	if (c->due & DUE_NOTIFICATION)
		write_notification(c, &w);
	BUG_ON(!wb_ok(&w));
	if (wb_len(&w))
		c->sent = now;
	else
		c->wanted = false;
	return wb_len(&w);
}

/* ---- what the network tells ------------------------------------------------------------------------------------- */

/* Accepted connections that have not said who they are; the oldest goes when there are too many. */
static void bound_waiting(struct bgp_peer *peer, struct mtime now)
{
	static const struct msg_fault f = { .code = MSG_ERR_CEASE, .subcode = BGP_CEASE_OUT_OF_RESOURCES };
	struct bgp_conn *c, *oldest = NULL;
	uint32_t n = 0;

	list_for_each(c, &peer->conns, node) {
		if (c->outgoing || c->run->state != BGP_OPENSENT)
			continue;
		if (!n++)
			oldest = c;
	}
	if (n >= PEER_WAITING_MAX)
		session_event(oldest->run, FSM_COLLISION_DUMP, &f, NULL, now);
}

struct bgp_conn *bgp_accept(struct bgp_peer *peer, struct mtime now)
{
	struct bgp_conn *c;

	if (peer->admin_down || peer->removed || peer->bgp->stopping || !peer_accept_take(peer, now))
		return NULL;
	bound_waiting(peer, now);
	c = conn_new(peer, NULL);
	session_event(c->run, FSM_TCP_CONFIRMED, NULL, NULL, now);
	return c;
}

void bgp_conn_connected(struct bgp_conn *c, const struct ip *local, struct mtime now)
{
	c->local = *local;
	if (c->run)
		session_event(c->run, FSM_TCP_ACKED, NULL, NULL, now);
}

void bgp_conn_local(struct bgp_conn *c, const struct ip *local)
{
	c->local = *local;
}

void bgp_conn_closed(struct bgp_conn *c, const char *reason, struct mtime now)
{
	struct msg_fault none = { 0 };

	c->gone = true;
	if (c->run) {
		if (c->run->state == BGP_ESTABLISHED)
			peer_note_error(&c->peer->last_in, &none, reason, now);
		if (c->run->state == BGP_CONNECT)
			peer_note_unreachable(c->peer, reason);
		session_event(c->run, FSM_TCP_FAILS, NULL, reason, now);
	}
	conn_free(c);
}

void bgp_conn_release(struct bgp_conn *c)
{
	c->gone = true;
	conn_free(c);
}

struct bgp_peer *bgp_conn_peer(const struct bgp_conn *c)
{
	return c->peer;
}

void *bgp_conn_user(const struct bgp_conn *c)
{
	return c->user;
}

void bgp_conn_set_user(struct bgp_conn *c, void *user)
{
	c->user = user;
}

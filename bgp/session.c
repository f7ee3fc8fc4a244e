/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Carries out what fsm.c decides. session_event() is the one way in: it looks the step up, does its actions, and
 * change_state() alone changes a state and logs it.
 */
#include "bgp/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "bgp/open.h"
#include "bgp/restart.h"
#include "bgp/rtc.h"

#define REFRESH_US 2000000

/* ---- all routes again ------------------------------------------------------------------------------------------- */

static void refresh(struct bgp_conn *c, struct mtime now)
{
	const struct bgp *b = c->peer->bgp;

	for (uint32_t i = 0; i < b->n_families; i++)
		if (c->refresh_wanted & 1u << i)
			out_refresh(b->rib, b->families[i].f, &c->peer->rib, c->caps.enhanced_refresh);
	c->refresh_wanted = 0;
	engine_arm(c->peer->bgp, &c->refresh, mtime_add_us(now, REFRESH_US));
}

/* What is asked for again while it is still under way begins when that is done: else it would never end. */
static void on_refresh(struct timerq_node *n, struct mtime now)
{
	struct bgp_conn *c = container_of(n, struct bgp_conn, refresh);

	if (out_refreshes(c->peer->bgp->rib, &c->peer->rib))
		engine_arm(c->peer->bgp, n, mtime_add_us(now, REFRESH_US));
	else if (c->refresh_wanted)
		refresh(c, now);
}

void session_refresh_asked(struct bgp_conn *c, uint32_t family, struct mtime now)
{
	c->refresh_wanted |= 1u << family;
	if (!timerq_armed(&c->refresh))
		refresh(c, now);
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
	list_init(&c->waiting);
	timers_init(c);
	c->refresh.fn = on_refresh;
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

void session_send(struct bgp_conn *c, uint8_t what)
{
	c->due |= what;
	want_write(c);
}

/* The state machine lets go of the connection; the network says the rest and releases it. */
static void conn_close(struct bgp_conn *c)
{
	const struct bgp_net *net = &c->peer->bgp->p.net;

	timers_stop(c);
	timerq_stop(&c->peer->bgp->timers, &c->refresh);
	list_del(&c->node);
	list_del(&c->waiting);
	c->run->conn = NULL;
	c->run = NULL;
	c->due &= DUE_OPEN | DUE_NOTIFICATION;
	if (!c->gone)
		net->close(net->ctx, c);
}

static void connect_start(struct fsm_run *run, struct mtime now)
{
	const struct bgp_net *net = &run->peer->bgp->p.net;
	struct bgp_conn *c = conn_new(run->peer, run);

	timers_connect(c, now);
	net->connect(net->ctx, c);
}

/* ---- what a step does ------------------------------------------------------------------------------------------- */

/*
 * hard: the neighbor is not to keep our routes (RFC 8538 3.1); what it would be otherwise is then the data of a hard
 * reset.
 */
static void notify(struct bgp_conn *c, const struct msg_fault *f, bool hard, struct mtime now)
{
	uint8_t *data = xcalloc(1, MSG_MAX_LEN);
	struct wbuf w = wb_init(data, MSG_MAX_LEN);
	struct msg_fault sent = *f;

	if (hard) {
		wb_u8(&w, f->code);
		wb_u8(&w, f->subcode);
		sent.code = MSG_ERR_CEASE;
		sent.subcode = BGP_CEASE_HARD_RESET;
		sent.why = f->why ? f->why : msg_subcode_name(f->code, f->subcode);
	}
	wb_bytes(&w, f->data, f->data_len < wb_room(&w) ? f->data_len : wb_room(&w));
	sent.data = data;
	sent.data_len = wb_len(&w);
	free(c->notification.data);
	c->notification.code = sent.code;
	c->notification.subcode = sent.subcode;
	c->notification.data = data;
	c->notification.len = (uint16_t)sent.data_len;
	c->due |= DUE_NOTIFICATION;
	peer_note_error(&c->peer->last_out, &sent, sent.why, c->message, c->message_len, now);
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

/* We end it for good; but not when it is us who go, and our rows stay (RFC 8538 3.1). */
static bool is_our_will(const struct bgp_peer *peer, enum fsm_event e)
{
	return (e == FSM_MANUAL_STOP || e == FSM_AUTOMATIC_STOP) && !peer->bgp->stays;
}

/* Would the neighbor keep our routes over a NOTIFICATION? */
static bool may_be_kept(const struct bgp_conn *c)
{
	const struct bgp_params *p = &c->peer->bgp->p;

	return c->run->state == BGP_ESTABLISHED && c->caps.gr.notification &&
	       (p->restart_time || p->long_lived_time);
}

static void act(struct fsm_run *run, enum fsm_event e, struct fsm_step step, const struct msg_fault *fault,
		struct mtime now)
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
		session_send(c, DUE_OPEN);
	if (step.actions & FSM_LARGE_HOLD)
		timers_await_open(c, now);
	if (step.actions & FSM_SEND_KEEPALIVE) {
		session_send(c, DUE_KEEPALIVE);
		timers_keepalive(c, now);
	}
	if (step.actions & FSM_NEGOTIATED_TIMERS)
		timers_negotiated(c, now);
	if (step.actions & FSM_HOLD_RESTART)
		c->heard = now;
	if (step.actions & (FSM_NOTIFY | FSM_NOTIFY_FSM) && !c->gone)
		notify(c, fault, is_our_will(peer, e) && may_be_kept(c), now);
	if (c && step.actions & FSM_CLOSE)
		conn_close(c);
	if (step.actions & FSM_CONNECT)
		connect_start(run, now);
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

/* RFC 9494 4.3: long-lived stale routes are for those who know what they are. */
static bool knows_long_lived(const struct bgp_conn *c, const struct bgp_family *f)
{
	return c->caps.gr.there && cap_gr_find(&c->caps.long_lived, f->afi, f->safi);
}

static uint8_t paths_sent(const struct bgp_peer *peer)
{
	return peer->p.add_path_best ? peer->p.add_path_best : OUT_ALL_PATHS;
}

static struct out_policy policy_of(const struct bgp_conn *c, const struct bgp_family *f)
{
	const struct bgp_peer *peer = c->peer;
	struct out_policy policy;

	memset(&policy, 0, sizeof(policy)); /* compared by memcmp() */
	policy.ebgp = peer->ebgp;
	policy.rr_client = peer->p.rr_client;
	policy.as4 = c->caps.as4;
	policy.max_message = c->max_message;
	policy.asn = peer->ebgp ? peer->p.asn : 0;
	policy.long_lived = knows_long_lived(c, f);
	policy.filtered = f->route_targets && rtc_negotiated(c);
	policy.membership = f->membership && peer->p.rr_client;
	if (f->membership)
		policy.next_hop = c->local;
	return policy;
}

void session_attach(struct bgp_conn *c)
{
	const struct bgp *b = c->peer->bgp;

	for (uint32_t i = 0; i < b->n_families; i++) {
		const struct bgp_family *f = b->families[i].f;
		struct out_policy policy;

		if (!(c->families & ~c->families_attached & 1u << i) || !rtc_may_attach(c, f))
			continue;
		c->families_attached |= 1u << i;
		policy = policy_of(c, f);
		policy.add_path = c->add_path_out >> i & 1 ? paths_sent(c->peer) : 0;
		out_attach(b->rib, f, &c->peer->rib, &policy);
	}
}

static void session_up(struct bgp_conn *c, struct mtime now)
{
	struct bgp_peer *peer = c->peer;
	struct bgp *b = peer->bgp;

	peer->session = c;
	peer->established_count++;
	peer->unreachable[0] = '\0';
	peer->rib.router_id = c->router_id;
	rib_peer_up(b->rib, &peer->rib);
	stale_session_up(c, now);
	restart_check(b, now);
	tell_listeners(peer, true);
	rtc_session_up(c, now);
	session_attach(c);
}

/* RFC 4271 8.2.2: leaving Established deletes all routes of the peer, unless the end is a graceful one. */
static void session_down(struct bgp_conn *c, bool graceful, struct mtime now)
{
	struct bgp_peer *peer = c->peer;

	rtc_session_down(peer, now);
	peer->session = NULL;
	stale_session_lost(c, graceful, now);
	tell_listeners(peer, false);
}

static bool is_hard_reset(const struct msg_fault *f)
{
	return f && f->code == MSG_ERR_CEASE && f->subcode == BGP_CEASE_HARD_RESET;
}

/* RFC 4724 4.2: TCP that ends without a NOTIFICATION; RFC 8538 4: with both N bits anything but a hard reset. */
static bool is_graceful(const struct bgp_conn *c, enum fsm_event e, const struct msg_fault *f)
{
	if (!c->caps.gr.there || c->peer->bgp->stopping || is_our_will(c->peer, e) || is_hard_reset(f))
		return false;
	return e == FSM_TCP_FAILS || c->caps.gr.notification;
}

/* What of our own goes on without an OPEN is over when another connection has become the session. */
static void drop_own_attempt(struct bgp_peer *peer, struct mtime now)
{
	if (peer->own.state == BGP_CONNECT || peer->own.state == BGP_ACTIVE)
		session_event(&peer->own, FSM_COLLISION_DUMP, NULL, NULL, now);
	timerq_stop(&peer->bgp->timers, &peer->idle_hold);
}

/* An end of Established or a beginning, or an attempt that was answered and came to nothing. */
static void note_state(const struct bgp_peer *peer, enum bgp_state from, enum bgp_state next, const char *why)
{
	bool edge = from == BGP_ESTABLISHED || next == BGP_ESTABLISHED;
	struct history_event e = { .kind = HISTORY_NEIGHBOR,
				   .what = (uint8_t)(HISTORY_IDLE + next),
				   .was = (uint8_t)(HISTORY_IDLE + from),
				   .neighbor = &peer->p.address,
				   .text = why };

	if (edge || (from >= BGP_OPENSENT && next < from))
		history_add(peer->bgp->p.history, edge ? HISTORY_SESSIONS : HISTORY_ATTEMPTS, &e);
}

/* The one place where a state changes. c: its connection before the step. */
static void change_state(struct fsm_run *run, enum bgp_state next, struct bgp_conn *c, const char *why, bool graceful,
			 struct mtime now)
{
	struct bgp_peer *peer = run->peer;
	enum bgp_state from = run->state;
	bool edge = from == BGP_ESTABLISHED || next == BGP_ESTABLISHED;

	if (from == next)
		return;
	run->state = next;
	note_state(peer, from, next, why);
	if (!peer->session || edge) {
		peer->since = now;
		snprintf(peer->reason, sizeof(peer->reason), "%s", why);
	}
	if (!edge || peer_log_allow(peer, now))
		log_at(peer->bgp->p.log, edge ? LOG_INFO : LOG_DEBUG, LOG_BGP, "peer %s: %s -> %s (%s)",
		       ip_str(&peer->p.address).s, bgp_state_name(from), bgp_state_name(next), why);
	if (from == BGP_ESTABLISHED)
		session_down(c, graceful, now);
	if (next == BGP_ESTABLISHED)
		session_up(c, now);
}

/*
 * "NOTIFICATION received: cease/administrative shutdown: text". Many an event has the name of the code that it brings:
 * that is said once.
 */
static void explain(char *out, size_t cap, enum fsm_event e, const struct msg_fault *f, const char *text)
{
	const char *event = fsm_event_name(e), *code = f && f->code ? msg_code_name(f->code) : NULL;
	const char *sub = code ? msg_subcode_name(f->code, f->subcode) : NULL;
	const char *why = f && f->why && f->why != event ? f->why : NULL;

	if (code && strcmp(code, event) == 0)
		code = NULL;
	snprintf(out, cap, "%s%s%s%s%s%s%s%s%s", event, code ? ": " : "", code ? code : "", sub ? "/" : "",
		 sub ? sub : "", why ? ": " : "", why ? why : "", text ? ": " : "", text ? text : "");
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
	act(run, e, step, fault, now);
	change_state(run, step.next, c, why, c && is_graceful(c, e, fault), now);
	if (step.next == BGP_ESTABLISHED && from != BGP_ESTABLISHED && run != &peer->own)
		drop_own_attempt(peer, now);
	if (step.next == BGP_IDLE)
		peer_rearm(peer, now);
}

void session_stop(struct bgp_conn *c, const struct msg_fault *f, struct mtime now)
{
	if (f->subcode == BGP_CEASE_MAX_PREFIXES)
		peer_hold_down(c->peer, f, now);
	session_event(c->run, FSM_AUTOMATIC_STOP, f, NULL, now);
}

/* ---- output ----------------------------------------------------------------------------------------------------- */

void session_want_write(struct bgp_peer *peer)
{
	if (peer->session)
		want_write(peer->session);
}

void session_refresh(struct bgp_conn *c)
{
	session_send(c, DUE_REFRESH);
}

static void write_refresh(struct bgp_conn *c, struct wbuf *w)
{
	const struct bgp *b = c->peer->bgp;

	for (uint32_t i = 0; i < b->n_families; i++) {
		if (!(c->families & 1u << i))
			continue;
		msg_refresh_write(w, b->families[i].f->afi, MSG_REFRESH_REQUEST, b->families[i].f->safi);
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
		open_write(c, w);
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

	if (peer->admin_down || peer->removed || peer->bgp->stopping || peer_is_held_down(peer, now) ||
	    !peer_accept_take(peer, now))
		return NULL;
	bound_waiting(peer, now);
	c = conn_new(peer, NULL);
	c->opened = now;
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
			peer_note_error(&c->peer->last_in, &none, reason, NULL, 0, now);
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

bool bgp_conn_waits(const struct bgp_conn *c)
{
	return !list_empty(&c->waiting);
}

void *bgp_conn_user(const struct bgp_conn *c)
{
	return c->user;
}

void bgp_conn_set_user(struct bgp_conn *c, void *user)
{
	c->user = user;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What a neighbor sends: octets are framed, each message is taken apart and becomes an event of the state machine. A
 * message that lies whole in the reader's buffer is handled there; only the start of one that does not is copied.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bgp/limit.h"
#include "bgp/open.h"
#include "bgp/session.h"

#define CROSSING_US 2000000

/* ---- OPEN -------------------------------------------------------------------------------------------------------- */

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
 * RFC 4724 5: a neighbor that opens another connection long after the session came up has restarted, and has not been
 * able to say so. Shortly after, both sides may still be busy with connections that crossed.
 */
static bool has_restarted(const struct bgp_conn *c, const struct bgp_conn *o)
{
	return o->caps.gr.n && !c->outgoing && mtime_diff_us(o->peer->since, c->opened) >= CROSSING_US;
}

/*
 * c has brought a good OPEN. False when it is the one to go. An Established session stays (RFC 4271 6.8,
 * CollisionDetectEstablishedState off), unless the neighbor has restarted gracefully. But it is made to speak: if the
 * peer has lost it, TCP's answer ends it at once, and not the hold timer.
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
	if (o->run->state == BGP_ESTABLISHED && has_restarted(c, o)) {
		session_event(o->run, FSM_TCP_FAILS, NULL, "the neighbor has opened another", now);
		return true;
	}
	if (o->run->state == BGP_ESTABLISHED)
		session_send(o, DUE_KEEPALIVE);
	session_event(c->run, FSM_COLLISION_DUMP, NULL, NULL, now);
	return false;
}

static void receive_open(struct bgp_conn *c, struct rbuf body, struct mtime now)
{
	uint8_t space[6 * ENGINE_FAMILIES_MAX];
	struct msg_fault f;

	c->peer->in.open++;
	if (c->run->state == BGP_OPENSENT) {
		if (!open_settle(c, body, &f, space, sizeof(space))) {
			session_event(c->run, FSM_OPEN_ERROR, &f, NULL, now);
			return;
		}
		if (!collide(c, now))
			return;
	}
	session_event(c->run, FSM_OPEN, NULL, NULL, now);
}

/* ---- the other messages ----------------------------------------------------------------------------------------- */

/* False: it is not over. */
static bool receive_update(struct bgp_conn *c, struct rbuf body, struct mtime now)
{
	enum update_outcome o = UPDATE_OVER;
	struct bgp *b = c->peer->bgp;
	struct msg_fault f;

	if (c->run->state == BGP_ESTABLISHED)
		o = update_receive(c, body, &f, now);
	else
		c->peer->in.update++;
	if (o == UPDATE_OVER)
		session_event(c->run, FSM_UPDATE, NULL, NULL, now);
	else if (o == UPDATE_FAULT && f.code == MSG_ERR_CEASE)
		session_stop(c, &f, now);
	else if (o == UPDATE_FAULT)
		session_event(c->run, FSM_UPDATE_ERROR, &f, NULL, now);
	limit_memory(b, now);
	return o != UPDATE_PAUSED;
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
	struct msg_fault f, inner;
	char space[160];
	bool version;

	c->peer->in.notification++;
	msg_notification_decode(body, &f);
	inner = f;
	if (f.code == MSG_ERR_CEASE && f.subcode == BGP_CEASE_HARD_RESET && f.data_len >= 2) /* RFC 8538 3.1 */
		msg_notification_decode(rb_init(f.data, f.data_len), &inner);
	if (may_have_text(&inner) && msg_shutdown_text(inner.data, inner.data_len, space, sizeof(space)))
		text = space;
	else if (inner.code != f.code || inner.subcode != f.subcode)
		text = inner.why;
	peer_note_error(&c->peer->last_in, &f, text, NULL, 0, now);
	log_notification(c, &f, now);
	f.why = NULL;
	version = f.code == MSG_ERR_OPEN && f.subcode == MSG_OPEN_VERSION;
	session_event(c->run, version ? FSM_NOTIFICATION_VERSION : FSM_NOTIFICATION, &f, text, now);
}

/* RFC 2918 4, 7313 4: other subtypes are ignored, and so are families that were not negotiated. */
static void refresh(struct bgp_conn *c, const struct msg_refresh *m, struct mtime now)
{
	int i = engine_family_index(c->peer->bgp, m->afi, m->safi);

	if (i < 0 || !(c->families & 1u << i))
		return;
	switch (m->subtype) {
	case MSG_REFRESH_REQUEST:
		session_refresh_asked(c, (uint32_t)i, now);
		break;
	case MSG_REFRESH_BEGIN:
		stale_refresh_begins(c, (uint32_t)i, now);
		break;
	case MSG_REFRESH_END:
		stale_refresh_ends(c, (uint32_t)i, now);
		break;
	}
}

static void receive_refresh(struct bgp_conn *c, struct rbuf body, struct mtime now)
{
	struct msg_refresh m;
	struct msg_fault f;

	c->peer->in.refresh++;
	if (c->run->state == BGP_ESTABLISHED) {
		if (!msg_refresh_decode(body, &m, &f)) {
			session_event(c->run, FSM_HEADER_ERROR, &f, NULL, now);
			return;
		}
		refresh(c, &m, now);
	}
	session_event(c->run, FSM_REFRESH, NULL, NULL, now);
}

/* False: it is not over, and comes again with the connection's next turn. */
static bool receive(struct bgp_conn *c, enum msg_type type, const uint8_t *p, size_t len, struct mtime now)
{
	struct rbuf body = rb_init(p + MSG_HEADER_LEN, len - MSG_HEADER_LEN);
	bool over = true;

	c->message = p;
	c->message_len = len;
	switch (type) {
	case MSG_OPEN:
		receive_open(c, body, now);
		break;
	case MSG_UPDATE:
		over = receive_update(c, body, now);
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
	if (over || !c->run)
		return true;
	list_add_tail(&c->peer->bgp->waiting, &c->waiting);
	if (c->peer->bgp->p.net.work)
		c->peer->bgp->p.net.work(c->peer->bgp->p.net.ctx);
	return false;
}

/* ---- framing of the input --------------------------------------------------------------------------------------- */

static void header_error(struct bgp_conn *c, const uint8_t *p, const struct msg_fault *f, struct mtime now)
{
	c->message = p;
	c->message_len = MSG_HEADER_LEN;
	session_event(c->run, FSM_HEADER_ERROR, f, NULL, now);
	c->message = NULL;
}

/* Whole messages from the reader's own buffer. Octets used; less than len when the last is not whole, or not over. */
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
			if (!receive(c, type, data + used, n, now))
				return used;
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
			if (receive(c, type, c->part, n, now))
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
			c->part_len += (uint32_t)step;
			used += step;
			break;
		}
	}
}

static void part_add(struct bgp_conn *c, const uint8_t *data, size_t len)
{
	size_t all = c->part_len + len;

	c->part = xrealloc(c->part, all < MSG_MAX_LEN ? MSG_MAX_LEN : all);
	memcpy(c->part + c->part_len, data, len);
	c->part_len = (uint32_t)all;
}

void bgp_conn_input(struct bgp_conn *c, const uint8_t *data, size_t len, struct mtime now)
{
	struct bgp *b = c->peer->bgp;
	bool waits = bgp_conn_waits(c);
	size_t used = 0;

	rib_slice_begin(b->rib);
	b->enough = false;
	if (c->run && c->part_len && !waits)
		used = input_part(c, data, len, now);
	if (c->run && !c->part_len && !waits)
		used += input_whole(c, data + used, len - used, now);
	if (c->run && used < len) {
		part_add(c, data + used, len - used);
	} else if (!c->part_len || !c->run) {
		free(c->part);
		c->part = NULL;
		c->part_len = 0;
	}
}

/*
 * Those that wait go on by turns, a slice each; but none while memory is short and routes are on their way out: that is
 * what takes the time then.
 */
bool receive_more(struct bgp *b, struct mtime now)
{
	struct bgp_conn *c;
	uint8_t *data;
	size_t len;

	if (list_empty(&b->waiting))
		return false;
	if (limit_holds_back(b))
		return true;
	c = container_of(b->waiting.next, struct bgp_conn, waiting);
	list_del(&c->waiting);
	data = c->part;
	len = c->part_len;
	c->part = NULL;
	c->part_len = 0;
	bgp_conn_input(c, data, len, now); /* as if it had come just now */
	free(data);
	return !list_empty(&b->waiting);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * An UPDATE into the RIB. Attributes are parsed once a message and interned once for each different shared part of its
 * NLRI; routes of one origin follow one another with the same shared part, so most take the last handle again.
 * Nothing is allocated here.
 *
 * Order: withdrawn routes first, so that a key that is both withdrawn and announced is announced in the end (RFC 4271
 * 4.3). RFC 7606 section 3(j): what cannot be located is never treated as withdrawn, it ends the session.
 *
 * A route can be thousands of rows further down. So an UPDATE pauses when a slice is over or memory_limit is reached,
 * and is taken apart once more when it goes on: bgp_conn.update says how far it had come.
 */
#include <stdio.h>

#include "bgp/limit.h"
#include "bgp/restart.h"
#include "bgp/rtc.h"
#include "bgp/session.h"

#define BATCH 16u /* NLRI that are taken apart before the first goes to the RIB, see rib_prefetch() */

struct batch {
	struct bgp_nlri nlri[BATCH];
	bool announced[BATCH]; /* else withdrawn */
	uint16_t behind[BATCH]; /* NLRI of the field up to it, those that were passed over, too */
	size_t n;
};

/* What the walk over the NLRI of one attribute needs. */
struct walk {
	struct bgp_conn *c;
	const struct bgp_family *f;
	struct mtime now;
	bool path_ids;           /* the NLRI come with path identifiers */
	bool is_unreach;         /* the NLRI have the form of withdrawals */
	struct bgp_attrs *attrs; /* NULL: withdraw */
	struct msg_fault *fault;

	/* The set that the last NLRI hung on; our reference. */
	uint32_t set;
	uint8_t shared[BGP_SHARED_MAX];
	enum bgp_reject reject;
	int checked_kind; /* first octet of the key that check() was last asked for, -1: none */
	enum bgp_nlri_verdict checked;
	bool too_many; /* paths of one key */
	uint16_t nlri; /* of the field, that were taken apart */
};

static bool refuse(struct msg_fault *f, uint8_t subcode, const uint8_t *data, size_t len, const char *why)
{
	*f = (struct msg_fault){ .code = MSG_ERR_UPDATE, .subcode = subcode, .data = data, .data_len = len };
	f->why = why;
	return false;
}

/* The family when it is negotiated, else NULL. */
static const struct bgp_family *negotiated(const struct bgp_conn *c, uint16_t afi, uint8_t safi)
{
	int i = engine_family_index(c->peer->bgp, afi, safi);

	return i >= 0 && c->families & 1u << i ? c->peer->bgp->families[i].f : NULL;
}

/* Of the family, which is negotiated. */
static bool has_path_ids(const struct bgp_conn *c, const struct bgp_family *f)
{
	return c->add_path_in & 1u << engine_family_index(c->peer->bgp, f->afi, f->safi);
}

/* RFC 7911 3: the path identifier stands before the NLRI. */
static enum bgp_nlri_verdict decode(const struct bgp_family *f, struct rbuf *r, bool path_ids, bool is_withdrawal,
				    struct bgp_nlri *out)
{
	out->path_id = path_ids ? rb_u32(r) : 0;
	return rb_left(r) ? f->decode(r, is_withdrawal, out) : BGP_NLRI_RESET;
}

/* RFC 4760 8: families that were not negotiated are ignored. */
static void log_ignored(struct bgp_conn *c, enum update_field field, uint16_t afi, uint8_t safi, struct mtime now)
{
	char what[64];

	if (field < c->update.field) /* it was, before the UPDATE paused */
		return;
	snprintf(what, sizeof(what), "routes of %u/%u ignored", afi, safi);
	peer_log_fault(c->peer, what, "the family is not negotiated", c->message, c->message_len, now);
}

/* ---- NLRI ------------------------------------------------------------------------------------------------------- */

static void set_drop(struct walk *w)
{
	if (w->set)
		attrset_unref(w->c->peer->bgp->sets, w->set);
	w->set = 0;
}

/* RFC 4271 5.1.3: an address of ours, of the session or of our own routes, is no next hop; the rest is the RIB's. */
static enum bgp_reject judge(const struct walk *w)
{
	const struct bgp_conn *c = w->c;
	const struct ip *next_hop = &w->attrs->next_hop;
	enum bgp_reject reject = rib_check(c->peer->bgp->rib, &c->peer->rib, w->attrs);

	if (w->f->membership) /* nothing is sent there */
		return reject == BGP_REJECT_NEXT_HOP ? BGP_ELIGIBLE : reject;

	if (ip_eq(next_hop, &c->local) || (next_hop->len && ip_eq(next_hop, &c->peer->bgp->p.next_hop)))
		return BGP_REJECT_NEXT_HOP;
	return reject;
}

/* w->set for this shared part. */
static void set_take(struct walk *w, const struct bgp_nlri *n)
{
	struct bgp *b = w->c->peer->bgp;

	if (w->set && n->shared_len == w->attrs->shared_len && memcmp(n->shared, w->shared, n->shared_len) == 0)
		return;
	set_drop(w);
	memcpy(w->shared, n->shared, n->shared_len);
	w->attrs->shared = n->shared_len ? w->shared : NULL;
	w->attrs->shared_len = n->shared_len;
	w->set = attrset_intern(b->sets, w->attrs);
	b->enough |= limit_is_reached(b);
	w->reject = judge(w);
	w->checked_kind = -1;
}

/* Are the attributes right for this kind of route? Asked once a set and kind. */
static enum bgp_nlri_verdict check(struct walk *w, const struct bgp_nlri *n)
{
	if (!w->f->check)
		return BGP_NLRI_OK;
	if (w->checked_kind != n->key[0]) {
		w->checked = w->f->check(w->attrs, n->key, n->key_len);
		w->checked_kind = n->key[0];
	}
	return w->checked;
}

static bool too_many_paths(struct walk *w)
{
	if (w->too_many)
		*w->fault = (struct msg_fault){ .code = MSG_ERR_CEASE, .subcode = BGP_CEASE_OUT_OF_RESOURCES,
						.why = "too many paths of one route" };
	return w->too_many;
}

static void withdraw(struct walk *w, const struct bgp_nlri *n)
{
	rib_withdraw(w->c->peer->bgp->rib, w->f, &w->c->peer->rib, n->key, n->key_len, n->path_id, w->now);
}

static void announce(struct walk *w, const struct bgp_nlri *n)
{
	struct bgp *b = w->c->peer->bgp;

	set_take(w, n);
	if (check(w, n) != BGP_NLRI_OK) {
		w->c->peer->treat_as_withdraw++;
		withdraw(w, n);
		return;
	}
	attrset_ref(b->sets, w->set);
	if (!rib_announce(b->rib, w->f, &w->c->peer->rib, n->key, n->key_len, n->path_id, w->set, w->reject, w->now))
		w->too_many = true;
}

/* Has the NLRI that was taken apart last not been so before the UPDATE paused? */
static bool is_news(const struct walk *w)
{
	return w->nlri > w->c->update.seen;
}

/* Of unknown type is not malformed (RFC 7606 5.4): held opaque when that is asked for, else passed over. */
static bool is_wanted(struct walk *w, enum bgp_nlri_verdict *v, const struct bgp_nlri *n)
{
	if (*v != BGP_NLRI_UNKNOWN)
		return true;
	w->c->peer->unknown_nlri += is_news(w);
	*v = BGP_NLRI_OK;
	return w->c->peer->bgp->p.reflect_unknown && n->key_len;
}

static void note_faulty(struct walk *w, const uint8_t *nlri, size_t len)
{
	static const struct msg_fault f = { .code = MSG_ERR_UPDATE, .subcode = MSG_UPDATE_OPTIONAL };

	w->c->peer->treat_as_withdraw++;
	peer_note_error(&w->c->peer->last_malformed, &f, "NLRI with a fault", nlri, len, w->now);
	peer_log_fault(w->c->peer, "route treated as withdrawn", "NLRI with a fault", nlri, len, w->now);
}

/* The next NLRI of r, BATCH at most. False when one cannot be located. */
static bool take_batch(struct walk *w, struct rbuf *r, struct batch *b)
{
	const uint8_t *start;
	enum bgp_nlri_verdict v;

	for (b->n = 0; b->n < BATCH && rb_left(r);) {
		start = r->p;
		v = decode(w->f, r, w->path_ids, w->is_unreach, &b->nlri[b->n]);
		if (v == BGP_NLRI_RESET || r->p == start)
			return refuse(w->fault, MSG_UPDATE_OPTIONAL, NULL, 0, "NLRI cannot be parsed");
		w->nlri++;
		if (v == BGP_NLRI_WITHDRAW && is_news(w))
			note_faulty(w, start, (size_t)(r->p - start));
		if (!is_wanted(w, &v, &b->nlri[b->n]))
			continue;
		b->behind[b->n] = w->nlri;
		b->announced[b->n++] = v == BGP_NLRI_OK && w->attrs;
	}
	return true;
}

/* What had been done before the UPDATE paused. */
static void skip_done(struct walk *w, struct rbuf *nlri)
{
	struct bgp_nlri n;

	for (; w->nlri < w->c->update.done; w->nlri++)
		decode(w->f, nlri, w->path_ids, w->is_unreach, &n);
}

/* It is enough for now, behind the i-th of the batch. */
static enum update_outcome pause(const struct walk *w, const struct batch *b, size_t i)
{
	struct bgp_conn *c = w->c;

	c->peer->nlri -= b->n - 1 - i;
	c->update.done = b->behind[i];
	c->update.seen = w->nlri;
	return UPDATE_PAUSED;
}

static enum update_outcome walk_nlri(struct walk *w, struct rbuf nlri)
{
	const struct bgp *bgp = w->c->peer->bgp;
	struct batch b;
	bool located = true;

	skip_done(w, &nlri);
	while (located && rb_left(&nlri)) {
		located = take_batch(w, &nlri, &b);
		w->c->peer->nlri += b.n;
		rib_prefetch(w->c->peer->bgp->rib, w->f, &w->c->peer->rib, b.nlri, b.n);
		for (size_t i = 0; i < b.n; i++) {
			(b.announced[i] ? announce : withdraw)(w, &b.nlri[i]);
			if (too_many_paths(w) ||
			    (w->attrs && w->c->peer->p.max_prefixes && limit_routes(w->c, w->f, w->fault, w->now)))
				return UPDATE_FAULT;
			if (bgp->enough)
				return pause(w, &b, i);
		}
	}
	return located ? UPDATE_OVER : UPDATE_FAULT;
}

/*
 * RFC 7606 2: what cannot be read of memberships costs these alone, from now on to the end of the session, if it has
 * another family. Routes are what a session is for: without them it would stand and serve nobody. False: it has to end.
 */
static bool disable(struct bgp_conn *c, const struct bgp_family *f, const struct msg_fault *fault, struct mtime now)
{
	struct bgp *b = c->peer->bgp;
	uint32_t bit = bgp_family_bit(b, f);

	if (!f->membership || !(c->families & ~bit) || fault->code != MSG_ERR_UPDATE)
		return false;
	peer_note_error(&c->peer->last_malformed, fault, fault->why, c->message, c->message_len, now);
	peer_log_fault(c->peer, "route target memberships are ignored from now on, all routes are sent", fault->why,
		       c->message, c->message_len, now);
	c->families &= ~bit;
	c->families_ended &= ~bit;
	rtc_disabled(c, now);
	return true;
}

/* One field of NLRI, unless it was done before the UPDATE paused. */
static enum update_outcome walk(struct walk w, enum update_field field, struct rbuf nlri)
{
	enum update_outcome o;

	if (field < w.c->update.field)
		return UPDATE_OVER;
	if (field > w.c->update.field)
		w.c->update = (struct update_place){ .begun = true, .field = field };
	w.path_ids = has_path_ids(w.c, w.f);
	w.checked_kind = -1;
	o = walk_nlri(&w, nlri);
	set_drop(&w);
	return o == UPDATE_FAULT && disable(w.c, w.f, w.fault, w.now) ? UPDATE_OVER : o;
}

/* attrs NULL: treat as withdraw. */
static enum update_outcome walk_reach(struct bgp_conn *c, const struct bgp_family *f, enum update_field field,
				      struct rbuf nlri, struct bgp_attrs *attrs, struct msg_fault *fault,
				      struct mtime now)
{
	return walk((struct walk){ .c = c, .f = f, .now = now, .attrs = attrs, .fault = fault }, field, nlri);
}

static enum update_outcome walk_unreach(struct bgp_conn *c, const struct bgp_family *f, enum update_field field,
					struct rbuf nlri, struct msg_fault *fault, struct mtime now)
{
	return walk((struct walk){ .c = c, .f = f, .now = now, .is_unreach = true, .fault = fault }, field, nlri);
}

/* ---- the message ------------------------------------------------------------------------------------------------ */

static void end_of_rib(struct bgp_conn *c, uint16_t afi, uint8_t safi, struct mtime now)
{
	struct bgp *b = c->peer->bgp;
	int i = engine_family_index(b, afi, safi);

	if (i < 0 || !(c->families & 1u << i))
		return;
	c->families_ended |= 1u << i;
	if (b->families[i].f->membership)
		rtc_end_of_rib(c);
	stale_end_of_rib(c, (uint32_t)i, now);
	if (b->families[i].l && b->families[i].l->end_of_rib)
		b->families[i].l->end_of_rib(b->families[i].l->ctx, c->peer);
	restart_check(b, now);
}

/* RFC 4724 2: nothing but an empty MP_UNREACH, in either length encoding; for IPv4 unicast nothing at all. */
static bool is_end_of_rib(const struct attr_update *u, uint16_t *afi, uint8_t *safi)
{
	if (u->has_attrs || rb_left(&u->withdrawn4) || rb_left(&u->nlri4) || rb_left(&u->unreach))
		return false;
	*afi = u->has_unreach ? u->unreach_afi : 1;
	*safi = u->has_unreach ? u->unreach_safi : 1;
	return true;
}

/*
 * The attributes are beyond use. When NLRI are broken, too, that is what is said: it is the earlier fault, and what
 * comes behind it in the list was misread.
 */
static void refuse_attrs(struct bgp_conn *c, struct attr_update *u, struct msg_fault *fault)
{
	const struct bgp_family *f = u->has_reach ? negotiated(c, u->reach_afi, u->reach_safi) : NULL;
	const struct attr_error *e = &u->error;
	struct bgp_nlri n;

	refuse(fault, e->subcode, e->data, e->data_len, e->why);
	while (f && rb_left(&u->reach))
		if (decode(f, &u->reach, has_path_ids(c, f), false, &n) == BGP_NLRI_RESET)
			refuse(fault, MSG_UPDATE_OPTIONAL, NULL, 0, "NLRI cannot be parsed");
}

static void note_faults(struct bgp_conn *c, const struct attr_update *u, struct mtime now)
{
	struct bgp_peer *peer = c->peer;
	struct msg_fault f = { .code = MSG_ERR_UPDATE, .subcode = u->error.subcode, .data = u->error.data,
			       .data_len = u->error.data_len };

	peer->attributes_discarded += u->discarded;
	if (u->outcome == ATTR_OK)
		return;
	if (u->outcome == ATTR_WITHDRAW)
		peer->treat_as_withdraw++;
	peer_note_error(&peer->last_malformed, &f, u->error.why, c->message, c->message_len, now);
	peer_log_fault(peer, u->outcome == ATTR_WITHDRAW ? "UPDATE treated as withdraw" : "attribute discarded",
		       u->error.why, c->message, c->message_len, now);
}

static enum update_outcome reach(struct bgp_conn *c, struct attr_update *u, struct msg_fault *fault, struct mtime now)
{
	const struct bgp_family *f = negotiated(c, u->reach_afi, u->reach_safi);

	if (!f) {
		log_ignored(c, UPDATE_REACH, u->reach_afi, u->reach_safi, now);
		return UPDATE_OVER;
	}
	if (!u->attrs.next_hop.len) { /* RFC 7606 7.11 */
		refuse(fault, MSG_UPDATE_OPTIONAL, NULL, 0, "length of the next hop");
		return disable(c, f, fault, now) ? UPDATE_OVER : UPDATE_FAULT;
	}
	return walk_reach(c, f, UPDATE_REACH, u->reach, u->outcome == ATTR_WITHDRAW ? NULL : &u->attrs, fault, now);
}

static enum update_outcome unreach(struct bgp_conn *c, const struct attr_update *u, struct msg_fault *fault,
				   struct mtime now)
{
	const struct bgp_family *f = negotiated(c, u->unreach_afi, u->unreach_safi);

	if (!f) {
		log_ignored(c, UPDATE_UNREACH, u->unreach_afi, u->unreach_safi, now);
		return UPDATE_OVER;
	}
	return walk_unreach(c, f, UPDATE_UNREACH, u->unreach, fault, now);
}

/* The fields of RFC 4271 4.3, with the next hop of their own. */
static enum update_outcome ipv4(struct bgp_conn *c, struct attr_update *u, struct msg_fault *fault, struct mtime now)
{
	const struct bgp_family *f = negotiated(c, 1, 1);
	struct bgp_attrs attrs = u->attrs;
	enum update_outcome o;

	if (!f) {
		log_ignored(c, UPDATE_WITHDRAWN4, 1, 1, now);
		return UPDATE_OVER;
	}
	attrs.next_hop = u->next_hop4;
	o = walk_unreach(c, f, UPDATE_WITHDRAWN4, u->withdrawn4, fault, now);
	if (o == UPDATE_OVER)
		o = walk_reach(c, f, UPDATE_NLRI4, u->nlri4, u->outcome == ATTR_WITHDRAW ? NULL : &attrs, fault, now);
	if (o == UPDATE_FAULT && fault->code == MSG_ERR_UPDATE)
		fault->subcode = MSG_UPDATE_NETWORK; /* RFC 7606 5.3 */
	return o;
}

static enum update_outcome update_apply(struct bgp_conn *c, struct attr_update *u, struct msg_fault *fault,
					struct mtime now)
{
	bool has4 = rb_left(&u->withdrawn4) || rb_left(&u->nlri4);
	enum update_outcome o = UPDATE_OVER;

	if (u->has_unreach && rb_left(&u->unreach))
		o = unreach(c, u, fault, now);
	if (o == UPDATE_OVER && has4)
		o = ipv4(c, u, fault, now);
	if (o == UPDATE_OVER && u->has_reach)
		o = reach(c, u, fault, now);
	return o;
}

/*
 * RFC 8326 4.1: what an external neighbor says is about to go is the last choice, here and, by its LOCAL_PREF,
 * in the whole AS. Inside the AS whoever took the route in has seen to that: section 5 asks for nothing.
 */
static void honour_graceful_shutdown(const struct bgp_peer *peer, struct bgp_attrs *a)
{
	if (!peer->ebgp || !a->communities_len || !bgp_has_community(a, BGP_GRACEFUL_SHUTDOWN))
		return;
	a->has_local_pref = true;
	a->local_pref = 0;
}

/* RFC 7947 2.2.2.1: a route server leaves its own AS out. */
static uint32_t leftmost_as(const struct bgp_peer *peer)
{
	return peer->p.role == CAP_ROLE_RS_CLIENT ? 0 : peer->p.asn;
}

/* body: as it was when it paused, if it has. */
static enum update_outcome receive(struct bgp_conn *c, struct rbuf body, struct msg_fault *fault, struct mtime now)
{
	const struct bgp_peer *peer = c->peer;
	struct attr_session s = { .ebgp = peer->ebgp, .as4 = c->caps.as4, .peer_as = leftmost_as(peer) };
	struct attr_update u;
	uint16_t afi;
	uint8_t safi;

	attr_decode_update(body, &s, peer->bgp->scratch, &u);
	if (u.outcome >= ATTR_DISABLE) {
		refuse_attrs(c, &u, fault);
		return UPDATE_FAULT;
	}
	if (!c->update.begun) {
		c->peer->in.update++;
		note_faults(c, &u, now);
	}
	c->update.begun = true;
	honour_graceful_shutdown(peer, &u.attrs);
	if (is_end_of_rib(&u, &afi, &safi)) {
		end_of_rib(c, afi, safi, now);
		return UPDATE_OVER;
	}
	return update_apply(c, &u, fault, now);
}

enum update_outcome update_receive(struct bgp_conn *c, struct rbuf body, struct msg_fault *fault, struct mtime now)
{
	enum update_outcome o = UPDATE_PAUSED;

	if (!c->peer->bgp->enough && !limit_holds_back(c->peer->bgp))
		o = receive(c, body, fault, now);
	if (o != UPDATE_PAUSED)
		c->update = (struct update_place){ 0 };
	return o;
}

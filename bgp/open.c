/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "bgp/open.h"

#include <stdio.h>
#include <stdlib.h>

#include "bgp/restart.h"

static bool is_offered(const struct bgp_peer *peer, uint32_t family)
{
	return !peer->p.families || peer->p.families >> family & 1;
}

void open_our_caps(const struct bgp_peer *peer, struct caps *out)
{
	const struct bgp *b = peer->bgp;

	*out = (struct caps){
		.refresh = true,
		.extended_message = true,
		.as4 = true,
		.asn = b->p.asn,
		.role = peer->ebgp ? peer->p.role : 0,
		.enhanced_refresh = true,
	};
	for (uint32_t i = 0; i < b->n_families; i++)
		if (is_offered(peer, i))
			cap_family_add(out, b->families[i].f->afi, b->families[i].f->safi);
	for (uint32_t i = 0; peer->p.add_path && i < b->n_families; i++)
		if (is_offered(peer, i) && !b->families[i].f->membership) /* one path says all */
			cap_add_path_set(out, b->families[i].f->afi, b->families[i].f->safi, peer->p.add_path);
	restart_caps(b, out);
}

static bool refuse_open(struct msg_fault *f, uint8_t subcode, const char *why)
{
	*f = (struct msg_fault){ .code = MSG_ERR_OPEN, .subcode = subcode, .why = why };
	return false;
}

/* RFC 4271 6.2, 6286 2.2, 6793 4.2.1, 7607 2. */
static bool check_open(struct bgp_conn *c, const struct msg_open *o, struct msg_fault *f)
{
	const struct bgp_peer *peer = c->peer;
	uint32_t asn = c->caps.as4 ? c->caps.asn : o->my_as;

	if (asn == 0 || o->my_as == 0)
		return refuse_open(f, MSG_OPEN_PEER_AS, "AS 0");
	if (asn != peer->p.asn) {
		snprintf(c->open_why, sizeof(c->open_why), "it is in AS %u, configured is AS %u", asn, peer->p.asn);
		return refuse_open(f, MSG_OPEN_PEER_AS, c->open_why);
	}
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
static bool settle_families(struct bgp_conn *c, const struct caps *ours, struct msg_fault *f, uint8_t *space,
			    size_t cap)
{
	const struct bgp *b = c->peer->bgp;
	struct wbuf w = wb_init(space, cap);

	c->families = 0;
	for (uint32_t i = 0; i < b->n_families; i++)
		if (is_offered(c->peer, i) && cap_family_has(&c->caps, b->families[i].f->afi, b->families[i].f->safi))
			c->families |= 1u << i;
	if (c->families || !b->n_families)
		return true;
	cap_encode_families(&w, ours);
	refuse_open(f, MSG_OPEN_CAPABILITY, "no address family in common");
	f->data = space;
	f->data_len = wb_len(&w);
	return false;
}

/* RFC 7911 4: a direction that one side has offered for sending and the other for receiving. */
static void settle_add_path(struct bgp_conn *c, const struct caps *ours)
{
	const struct bgp *b = c->peer->bgp;

	c->add_path_in = c->add_path_out = 0;
	for (uint32_t i = 0; i < b->n_families; i++) {
		const struct bgp_family *f = b->families[i].f;
		uint8_t here = cap_add_path(ours, f->afi, f->safi), there = cap_add_path(&c->caps, f->afi, f->safi);

		if (here & CAP_ADD_PATH_RECEIVE && there & CAP_ADD_PATH_SEND)
			c->add_path_in |= 1u << i;
		if (here & CAP_ADD_PATH_SEND && there & CAP_ADD_PATH_RECEIVE)
			c->add_path_out |= 1u << i;
	}
}

bool open_settle(struct bgp_conn *c, struct rbuf body, struct msg_fault *f, uint8_t *space, size_t cap)
{
	uint16_t hold_time = c->peer->p.hold_time;
	struct msg_open o;
	struct caps ours;

	open_our_caps(c->peer, &ours);
	if (!msg_open_decode(body, &o, f) || !cap_decode(&o, &ours, &c->caps, f) || !check_open(c, &o, f) ||
	    !check_role(c, f) || !settle_families(c, &ours, f, space, cap))
		return false;
	settle_add_path(c, &ours);
	c->router_id = o.router_id;
	c->hold_time = o.hold_time < hold_time ? o.hold_time : hold_time;
	c->max_message = c->caps.extended_message ? MSG_EXTENDED_MAX_LEN : MSG_MAX_LEN;
	c->open_len = (uint16_t)rb_left(&body);
	c->open = xrealloc(c->open, c->open_len);
	memcpy(c->open, body.p, c->open_len);
	return true;
}

void open_write(const struct bgp_conn *c, struct wbuf *w)
{
	const struct bgp_peer *peer = c->peer;
	struct caps ours;
	size_t mark;

	open_our_caps(peer, &ours);
	msg_open_begin(w, peer->bgp->p.asn, peer->p.hold_time, peer->bgp->p.router_id, &mark);
	cap_encode(w, &ours);
	msg_open_end(w, mark);
}

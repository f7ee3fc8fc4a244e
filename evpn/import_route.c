/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * One route on its way to the EVIs: which of them take it by its Ethernet Tag, and what its type means to their tables.
 *
 *	best path changed ─► imports of the old and the new set ─► EVIs of the tag ─► Type 1: segments
 *	                                                                             Type 2: MACs, addresses
 *	                                                                             Type 3: flooding
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "evpn/ec.h"
#include "evpn/nlri.h"
#include "evpn/tables.h"
#include "evpn/why.h"

#define STEPS_A_ROW 8 /* along a list, in the time that a row takes: see bgp_did() */

static bool type_usable(uint8_t type)
{
	return type == EVPN_MAC_IP || type == EVPN_IMET || type == EVPN_AD;
}

/* Can the key be of use to an EVI? */
static bool key_usable(const struct evpn_nlri *n)
{
	if (n->type == EVPN_AD)
		return esi_is_segment(n->esi);
	if (n->tag == EVPN_MAX_ET)
		return false;
	if (n->type == EVPN_IMET)
		return true;
	if (n->type != EVPN_MAC_IP || mac_is_zero(&n->mac) || mac_is_group(&n->mac))
		return false;
	return !n->ip.len || ip_is_unicast(&n->ip);
}

/* The import when the route of this type can be used with it, else 0. */
static uint32_t usable(const struct evpn *e, const struct evpn_nlri *n, uint32_t h)
{
	const struct import *im = h ? import_get(&e->imports, h) : NULL;

	if (!im)
		return 0;
	if (n->type == EVPN_IMET)
		return im->endpoint ? h : 0;
	/* An A-D route per ES has no label (RFC 7432 8.2.1), one per EVI has the VNI (RFC 8365 5.1.3). */
	return im->vtep && (im->label || n->tag == EVPN_MAX_ET) ? h : 0;
}

/*
 * One that asks for ingress replication is no member of our group, and does not join it: neither hears what the other
 * floods (RFC 7432 11.2 knows no mixture of the two).
 */
static void flood_to(struct evpn *e, struct evi *evi, const struct evpn_nlri *n, uint32_t h)
{
	if (evi->flooding == CONFIG_FLOODING_INGRESS)
		flood_route_set(e, evi, n->rd, &n->ip, h);
	else if (evi->flooding == CONFIG_FLOODING_MULTICAST && log_allow(e->log, &e->conflicts, LOG_EVPN, e->now))
		log_remote(e->log, LOG_EVPN,
			   "vni %u: VTEP %s floods by ingress replication, we to group %s: nothing is flooded to it",
			   evi->vni, ip_str(&n->ip).s, ip_str(&evi->group).s);
}

/* A MAC/IP route: the rows that will be wished for lie far away, and are fetched while its MAC is looked for. */
static void fetch_rows(struct evpn *e, const struct evi *evi, const struct evpn_nlri *n)
{
	struct dp_key key = dp_key_fdb(evi->vni, &n->mac);

	dp_soon(e->dp, &key);
	if (!n->ip.len)
		return;
	key = dp_key_neigh(evi->vni, &n->ip);
	dp_soon(e->dp, &key);
}

static void route_set(struct evpn *e, uint16_t slot, const struct evpn_nlri *n, uint32_t h)
{
	struct evi *evi = evi_get(&e->evis, slot);

	if (evi->leaving) /* what we have just withdrawn, another has with the same RD */
		return;
	if (n->type == EVPN_IMET)
		flood_to(e, evi, n, h);
	else if (n->type == EVPN_AD)
		segment_route_set(e, evi, n->esi, n->tag == EVPN_MAX_ET, n->rd, h);
	if (n->type != EVPN_MAC_IP)
		return;
	fetch_rows(e, evi, n);
	if (n->ip.len)
		neigh_route_set(e, evi, &n->mac, &n->ip, n->rd, h);
	else
		mac_route_set(e, evi, &n->mac, n->rd, h);
}

static void route_del(struct evpn *e, uint16_t slot, const struct evpn_nlri *n, uint32_t h)
{
	struct evi *evi = evi_get(&e->evis, slot);

	if (n->type == EVPN_IMET)
		flood_route_del(e, evi, n->rd, &n->ip, h);
	else if (n->type == EVPN_AD)
		segment_route_del(e, evi, n->esi, n->tag == EVPN_MAX_ET, n->rd);
	if (n->type != EVPN_MAC_IP)
		return;
	fetch_rows(e, evi, n);
	if (n->ip.len)
		neigh_route_del(e, evi, &n->mac, &n->ip, n->rd);
	else
		mac_route_del(e, evi, &n->mac, n->rd);
}

static uint32_t tag_of_slot(const struct evpn *e, uint16_t slot)
{
	return evi_get(&e->evis, slot)->tag;
}

/* The EVIs of that tag among those that import it: their slots. An A-D route per ES is of every tag. */
static uint16_t with_tag(const struct evpn *e, uint32_t h, uint32_t tag, const uint16_t **out)
{
	const struct import *im = h ? import_get(&e->imports, h) : NULL;
	const uint16_t *slot = im ? import_evis(im) : NULL;
	uint16_t all = im ? im->n_evis : 0, n = 0;
	size_t at;

	if (tag == EVPN_MAX_ET) {
		*out = slot;
		return all;
	}
	at = array_first(i, all, tag_of_slot(e, slot[i]) >= tag);
	while (at + n < all && tag_of_slot(e, slot[at + n]) == tag)
		n++;
	*out = n ? slot + at : NULL;
	return n;
}

/* By Ethernet Tag, then ascending. */
static bool is_before(const struct evpn *e, uint16_t a, uint16_t b)
{
	uint32_t ta = tag_of_slot(e, a), tb = tag_of_slot(e, b);

	return ta != tb ? ta < tb : a < b;
}

static bool has_slot(const struct evpn *e, uint32_t h, uint32_t tag, uint16_t slot)
{
	const uint16_t *slots;
	uint16_t n = with_tag(e, h, tag, &slots), at = 0;

	if (n > 1)
		at = (uint16_t)array_first(i, n, !is_before(e, slots[i], slot));
	return at < n && slots[at] == slot;
}

/*
 * One route on its way to the EVIs. What one does about it can be to originate the same route, where an RD is shared:
 * then ours is the best and bgp has said so before the next EVI has been told, which must not be told any more.
 */
struct import_turn {
	struct import_turn *outer;
	struct bgp_peer *cause; /* of the outer one */
	struct evpn_nlri n;
	bool over;
	uint32_t rows;  /* that it has changed */
	uint64_t steps; /* of struct evpn, when it began */
};

static bool same_key(const struct evpn_nlri *a, const struct evpn_nlri *b)
{
	return a->type == b->type && a->tag == b->tag && !memcmp(a->rd, b->rd, 8) && mac_eq(&a->mac, &b->mac) &&
	       ip_eq(&a->ip, &b->ip);
}

static void turn_begin(struct evpn *e, struct import_turn *t, struct bgp_peer *cause)
{
	t->over = false;
	t->rows = 0;
	t->steps = e->steps;
	t->cause = e->cause;
	t->outer = e->imports.turn;
	for (struct import_turn *x = t->outer; x; x = x->outer)
		x->over |= same_key(&x->n, &t->n);
	e->imports.turn = t;
	e->cause = cause;
}

/* One row is what every route is, and worth no word. */
static void turn_end(struct evpn *e, const struct import_turn *t)
{
	uint64_t rows = t->rows + (e->steps - t->steps) / STEPS_A_ROW;

	if (rows > 1)
		bgp_did(e->bgp, rows > UINT32_MAX ? UINT32_MAX : (uint32_t)rows);
	e->imports.turn = t->outer;
	e->cause = t->cause;
}

static void set_in_evis(struct evpn *e, struct import_turn *t, uint32_t is)
{
	const uint16_t *evis;
	uint16_t n = with_tag(e, is, t->n.tag, &evis);

	for (uint16_t i = 0; i < n && !t->over; i++)
		route_set(e, evis[i], &t->n, is);
	t->rows += n;
}

/* Out of those that took the old route and do not take the new one. */
static void del_from_evis(struct evpn *e, struct import_turn *t, uint32_t was, uint32_t is)
{
	const uint16_t *evis;
	uint16_t n = with_tag(e, was, t->n.tag, &evis);

	for (uint16_t i = 0; i < n; i++)
		if (!has_slot(e, is, t->n.tag, evis[i]))
			route_del(e, evis[i], &t->n, was);
	t->rows += n;
}

/*
 * The endpoint is part of the name of what a Type 3 route brings: with another one it is another row, which comes
 * before the old goes.
 */
static void change_flooding(struct evpn *e, struct import_turn *t, uint32_t was, uint32_t is)
{
	set_in_evis(e, t, is);
	if (is && was && import_get(&e->imports, was)->endpoint != import_get(&e->imports, is)->endpoint)
		is = 0;
	del_from_evis(e, t, was, is);
}

void import_best_changed(struct evpn *e, const struct bgp_route_ref *old, const struct bgp_route_ref *new_)
{
	const struct bgp_route_ref *any = new_ ? new_ : old;
	struct import_turn t;
	uint32_t was, is;

	if (!type_usable(any->key[0]))
		return;
	was = old ? import_of_set(e, old->set, old->attrs) : 0;
	is = new_ ? import_of_set(e, new_->set, new_->attrs) : 0;
	if (!was && !is)
		return;
	if (!evpn_nlri_parse(any->key, any->key_len, NULL, 0, &t.n) || !key_usable(&t.n))
		return;
	was = usable(e, &t.n, was);
	is = usable(e, &t.n, is);
	turn_begin(e, &t, any->peer);
	if (t.n.type == EVPN_IMET) {
		change_flooding(e, &t, was, is);
	} else {
		del_from_evis(e, &t, was, is); /* first: for the others it may be over */
		set_in_evis(e, &t, is);
	}
	turn_end(e, &t);
}

/* ---- what is in the RIB already ---------------------------------------------------------------------------------- */

static void read_route(struct evpn *e, const struct bgp_path_info *p)
{
	uint32_t h = import_of_set(e, p->set, p->attrs);
	struct import_turn t;
	const uint16_t *evis;
	uint16_t n_evis;

	if (!h || !evpn_nlri_parse(p->key, p->key_len, NULL, 0, &t.n) || !key_usable(&t.n))
		return;
	h = usable(e, &t.n, h);
	turn_begin(e, &t, p->peer);
	n_evis = with_tag(e, h, t.n.tag, &evis);
	for (uint16_t i = 0; i < n_evis && !t.over; i++)
		if (e->evis.slot[evis[i]]->unread)
			route_set(e, evis[i], &t.n, h);
	turn_end(e, &t);
}

void import_rib(struct evpn *e)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	bool any = false;

	for (uint32_t i = 0; i < e->evis.n && !any; i++)
		any = e->evis.by_vni[i]->unread;
	while (any && bgp_rib_next(e->bgp, &c, &p))
		if (p.best && p.family == &evpn_family && type_usable(p.key[0]))
			read_route(e, &p);
	for (uint32_t i = 0; i < e->evis.n; i++)
		e->evis.by_vni[i]->unread = false;
}

/* ---- why not ----------------------------------------------------------------------------------------------------- */

static const char *why_unreachable(const struct evpn *e, const struct ip *next_hop)
{
	if (ip_eq(next_hop, &e->vtep))
		return "its next hop is our own VTEP";
	if (next_hop->len != e->vtep.len)
		return "its next hop is of the other address family than our VTEP";
	return "its next hop is no address that can be sent to";
}

const char *import_refusal(struct evpn *e, const struct evi *evi, const struct bgp_path_info *p)
{
	struct evpn_nlri n;
	struct evpn_ec ec;

	if (!evi->bgp)
		return "the VNI takes nothing from BGP in its mode";
	if (!import_is_matched(e, evi, p->attrs))
		return "the VNI imports none of its route targets";
	evpn_ec_read(p->attrs, &ec);
	if (!evpn_ec_vxlan(&ec))
		return "it offers another encapsulation than VXLAN";
	if (!import_can_reach(e, &p->attrs->next_hop))
		return why_unreachable(e, &p->attrs->next_hop);
	if (!evpn_nlri_parse(p->key, p->key_len, p->attrs->shared, p->attrs->shared_len, &n) || !type_usable(n.type) ||
	    !key_usable(&n))
		return "no host can have its address";
	if (n.tag != evi->tag && n.tag != EVPN_MAX_ET)
		return "its Ethernet Tag is another than the VNI's";
	return import_of_path(e, evi, p) ? NULL : "its label is no VNI";
}

uint32_t import_of_path(struct evpn *e, const struct evi *evi, const struct bgp_path_info *p)
{
	uint32_t h = import_of_set(e, p->set, p->attrs);
	struct evpn_nlri n;

	if (!h || !evpn_nlri_parse(p->key, p->key_len, NULL, 0, &n) || !key_usable(&n))
		return 0;
	h = usable(e, &n, h);
	return h && has_slot(e, h, n.tag, evi->slot) ? h : 0;
}

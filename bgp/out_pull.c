/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * From a peer's place in its group's list to UPDATE messages. A message is of one kind: routes of one attribute set and
 * source, or withdrawals. It takes the next entry that is due, then its neighbours in the list as long as they go with
 * it, then whatever else is due and hangs off the same set: those are pulled behind the peer's place, if no other
 * peer's place is between. So peers get full messages also when the routes of a set came one by one, and the list is
 * in better order for the next one that walks it.
 *
 *	+--------+----------+------------+-----------------------------------+------------------+
 *	| header | 0 (IPv4  | attributes | MP_REACH: family, next hop, NLRIs | other attributes |
 *	|   19   | wdr.)  2 | length   2 | (RFC 7606 5.1: first)             |                  |
 *	+--------+----------+------------+-----------------------------------+------------------+
 */
#include <string.h>

#include "base/log.h"
#include "bgp/attr.h"
#include "bgp/msg.h"
#include "bgp/out_int.h"

/* Entries that one pull passes without a word (a source's own routes) before it lets others run, about 1 ms. */
#define SKIPS_MAX 65536u
/* Routes of the set that are not due before a message is left as it is; of other families, or views, more of them. */
#define MISSES_MAX 16u
#define STRANGERS_MAX 512u

/* No message is begun in less space: only those that may be longer (RFC 8654) are cut where the space ends. */
#define ROOM_MIN 4096u
#define HEADER_OCTETS 19u
#define TYPE_UPDATE 2u
#define FLAG_OPTIONAL 0x80u
#define FLAG_EXTENDED 0x10u
/* What stands around the NLRIs at most: header, two lengths, MP_REACH with an IPv6 next hop. */
#define FRAME_OCTETS (HEADER_OCTETS + 2 + 2 + 4 + 2 + 1 + 1 + 16 + 1)
#define PATH_ID_OCTETS 4u
#define NLRI_OCTETS (PATH_ID_OCTETS + BGP_KEY_MAX + BGP_SHARED_MAX + 16u)

enum due { DUE_NOTHING, DUE_ANNOUNCE, DUE_WITHDRAW };

/* One peer pulling. */
struct pull {
	struct out_marker *m;
	struct out_walk walk;
	bool refresh; /* the walk is the refresh cursor's: it repeats what is live, and nothing else */
	uint32_t skips;
	uint32_t asked_set; /* the set and source that fits() was asked of last */
	uint16_t asked_source;
	bool asked_fits;
	struct wbuf *out;
	uint64_t *messages;
};

/* A message being written. */
struct message {
	struct wbuf w; /* ends where the NLRIs have to */
	size_t attrs, mp; /* marks of the open lengths */
	const struct bgp_family *family;
	size_t id_octets;            /* of the path identifier before each NLRI, and before its key */
	const struct bgp_attrs *set; /* NULL: withdrawals */
	uint32_t nlris;
	bool full;    /* the next NLRI did not fit */
	bool skipped; /* something between them was passed without a word */
	uint32_t newer; /* the next route to try that hangs off the same set */
};

/* ---- what is due ---- */

/* How routes of that source go out to the group. */
static struct attr_out attr_out_for(const struct out_group *g, uint16_t peer)
{
	const struct rib_params *p = &g->rib->params;
	const struct rib_peer *source = g->rib->peers[peer];
	/* A membership asks for routes, and is asked for none. */
	bool drained = g->rib->drained && !g->rib->families[g->family].family->membership;

	return (struct attr_out){
		.ebgp = g->policy.ebgp,
		.as4 = g->policy.as4,
		.local_as = p->asn,
		.reflect = source && !source->ebgp && !g->policy.ebgp, /* RFC 4456 8 */
		.originator_id = source && !g->policy.membership ? source->router_id : p->router_id,
		.cluster_id = p->cluster_id ? p->cluster_id : p->router_id,
		.renew = g->policy.membership,
		.drain = drained,
		.yield = drained && !source,
	};
}

/*
 * RFC 4271 5.1.3, RFC 4684 3.2: memberships of ours, to clients and to external peers have our address; to others a
 * reflected one keeps its next hop (RFC 4456 10).
 */
static const struct ip *next_hop_for(const struct out_group *g, uint16_t peer, const struct bgp_attrs *a)
{
	const struct out_policy *p = &g->policy;

	return p->next_hop.len && (p->membership || p->ebgp || !peer) ? &p->next_hop : &a->next_hop;
}

/* A set may come in a larger message than this group can take (RFC 8654 4): then its routes are not for it. */
static bool fits(struct pull *p, const struct route *rt)
{
	const struct out_group *g = p->walk.g;

	if (p->asked_set != rt->set || p->asked_source != rt->peer) {
		struct attr_out o = attr_out_for(g, rt->peer);
		size_t attrs;

		o.drain = true; /* whether it is or not: what fits does not change when that does */
		attrs = attr_encoded_len(attrset_get(g->rib->sets, rt->set), &o);
		p->asked_set = rt->set;
		p->asked_source = rt->peer;
		p->asked_fits = FRAME_OCTETS + NLRI_OCTETS + attrs <= g->policy.max_message;
	}
	return p->asked_fits;
}

static enum due what_is_due(struct pull *p, const struct out_entry *e, const struct route *rt)
{
	uint16_t me = p->m->peer->index;

	if (e->live && out_source(p->walk.g, rt) != me && fits(p, rt))
		return DUE_ANNOUNCE;
	if (p->refresh || out_holds_none(p->walk.g, rt, e, me, p->walk.seq))
		return DUE_NOTHING;
	return DUE_WITHDRAW;
}

/* ---- messages ---- */

static void put_header(struct wbuf *w)
{
	uint8_t *marker = wb_ptr(w, 16);

	if (marker)
		memset(marker, 0xff, 16);
	wb_u16(w, 0);
	wb_u8(w, TYPE_UPDATE);
	wb_u16(w, 0);
}

static void put_length(struct wbuf *w)
{
	size_t n = wb_len(w);

	BUG_ON(!wb_ok(w));
	w->start[16] = (uint8_t)(n >> 8);
	w->start[17] = (uint8_t)n;
}

/* RFC 7911 3: as it stands in the key. */
static size_t id_octets(const struct out_group *g)
{
	return rib_is_view(g->rib, g->family) ? PATH_ID_OCTETS : 0;
}

static void open_mp(struct message *msg, uint8_t code)
{
	put_header(&msg->w);
	msg->attrs = wb_open16(&msg->w);
	wb_u8(&msg->w, FLAG_OPTIONAL | FLAG_EXTENDED);
	wb_u8(&msg->w, code);
	msg->mp = wb_open16(&msg->w);
	wb_u16(&msg->w, msg->family->afi);
	wb_u8(&msg->w, msg->family->safi);
}

static bool put_nlri(struct message *msg, const struct route *rt)
{
	static const uint8_t nothing[1];
	size_t shared_len = msg->set ? msg->set->shared_len : 0;
	const uint8_t *shared = !msg->set ? NULL : shared_len ? msg->set->shared : nothing;
	const uint8_t *key = rt->key + msg->id_octets;
	size_t key_len = rt->key_len - msg->id_octets;

	if (wb_room(&msg->w) < msg->id_octets + msg->family->encoded_len(key, key_len, shared_len)) {
		msg->full = true;
		return false;
	}
	if (msg->id_octets)
		wb_bytes(&msg->w, rt->key, msg->id_octets);
	msg->family->encode(&msg->w, key, key_len, shared, shared_len);
	msg->nlris++;
	return true;
}

/* Entries of the list as long as they go with the first, which is of that set (0: withdrawals) and source. */
static void take_neighbours(struct pull *p, struct message *msg, enum due kind, uint32_t set, uint16_t source)
{
	struct out_walk *walk = &p->walk;

	while (walk->next && !out_is_pos(walk->next)) {
		const struct out_entry *e = out_entry_at(walk->g, walk->next);
		const struct route *rt = rib_route(walk->g->rib, walk->next);
		enum due due = what_is_due(p, e, rt);

		if (due == kind && (kind == DUE_WITHDRAW || (rt->set == set && rt->peer == source))) {
			if (!put_nlri(msg, rt))
				break;
			msg->newer = kind == DUE_WITHDRAW && rt->set ? 0 : rt->set_prev;
		} else if (due != DUE_NOTHING || p->skips == 0) {
			break;
		} else {
			p->skips--;
			msg->skipped = true;
			if (msg->newer == walk->next)
				msg->newer = rt->set_prev;
		}
		out_walk_pass(walk);
	}
}

/*
 * Routes that hang off the same set (or among the tombstones), from the last one taken on to the newer ones, which are
 * due later, wherever in the list they are.
 */
static void take_others(struct pull *p, struct message *msg, enum due kind, uint16_t source)
{
	struct out_walk *walk = &p->walk;
	unsigned misses = 0, strangers = 0;

	while (msg->newer && misses < MISSES_MAX && strangers < STRANGERS_MAX) {
		uint32_t h = msg->newer;
		const struct route *rt = rib_route(walk->g->rib, h);
		struct out_entry *e = out_entry(walk->g, h);

		if (!e || !out_walk_may_pull(walk, e) || what_is_due(p, e, rt) != kind ||
		    (kind == DUE_ANNOUNCE && rt->peer != source)) {
			misses += rt->family == walk->g->family;
			strangers += rt->family != walk->g->family;
			msg->newer = rt->set_prev;
			continue;
		}
		if (!put_nlri(msg, rt))
			break;
		msg->newer = rt->set_prev;
		out_walk_pull(walk, h, e);
	}
}

static void take_all(struct pull *p, struct message *msg, enum due kind, const struct route *first)
{
	uint16_t source = first->peer;

	take_neighbours(p, msg, kind, first->set, source);
	BUG_ON(!msg->nlris);
	take_others(p, msg, kind, source);
	p->m->peer->sent += msg->nlris;
}

static void message_end(struct pull *p, struct message *msg)
{
	put_length(&msg->w);
	p->out->p = msg->w.p;
	++*p->messages;
}

/* Hangs a newer route of the family off the same set? */
static bool has_newer(const struct out_group *g, const struct route *rt)
{
	for (uint32_t n = 0; rt->set_prev && n < STRANGERS_MAX; n++) {
		rt = rib_route(g->rib, rt->set_prev);
		if (rt->family == g->family)
			return true;
	}
	return false;
}

/*
 * What another peer was sent from here on is as good for this one, unless it is the source. But a message that was not
 * full is made anew when more routes hang off its set by now. NULL: there is none.
 */
static const struct out_stretch *at_hand(struct pull *p)
{
	struct out_group *g = p->walk.g;
	uint32_t h = p->walk.next;
	const struct out_stretch *s = out_cache_find(g, h, out_entry_at(g, h)->last, &p->m->cache_hint);

	return s && !s->full && has_newer(g, rib_route(g->rib, s->last)) ? NULL : s;
}

/* False when there is too little space left. */
static bool repeat(struct pull *p, const struct out_stretch *s, const struct route *first)
{
	struct out_group *g = p->walk.g;
	uint8_t *to;

	BUG_ON(s->source != first->peer);
	if (wb_room(p->out) < s->len)
		return false;
	to = wb_ptr(p->out, s->len);
	memcpy(to, g->cache.octets + s->at, s->len);
	out_walk_leap(&p->walk, s);
	p->m->peer->sent += s->nlris;
	++*p->messages;
	g->cache.repeats++;
	return true;
}

/* The message is kept for peers to come. The last entry that was taken stands right before the walk. */
static void keep(struct pull *p, const struct message *msg, struct out_stretch s)
{
	if (msg->skipped)
		return;
	s.last = out_walk_prev(&p->walk);
	s.to = out_entry_at(p->walk.g, s.last)->last;
	s.nlris = msg->nlris;
	s.len = (uint16_t)wb_len(&msg->w);
	s.full = msg->full;
	out_cache_add(p->walk.g, &s, msg->w.start);
}

/* Octets that the next message may have. */
static size_t message_room(const struct pull *p)
{
	size_t max = p->walk.g->policy.max_message, room = wb_room(p->out);

	return room < max ? room : max;
}

/* False when there is too little space left. */
static bool announce(struct pull *p, const struct route *first)
{
	struct out_group *g = p->walk.g;
	const struct out_stretch stretch = {
		.first = p->walk.next,
		.from = out_entry_at(g, p->walk.next)->last,
		.source = first->peer,
	};
	const struct bgp_attrs *a = attrset_get(g->rib->sets, first->set);
	const struct attr_out o = attr_out_for(g, first->peer);
	const struct ip *next_hop = next_hop_for(g, first->peer, a);
	size_t attrs_max = attr_encoded_len(a, &o), room = message_room(p);
	struct message msg = { .family = g->rib->families[g->family].family, .id_octets = id_octets(g), .set = a };

	if (room < FRAME_OCTETS + NLRI_OCTETS + attrs_max)
		return false;
	msg.w = wb_init(p->out->p, room - attrs_max);
	open_mp(&msg, BGP_ATTR_MP_REACH);
	wb_u8(&msg.w, next_hop->len);
	wb_ip(&msg.w, next_hop);
	wb_u8(&msg.w, 0);
	take_all(p, &msg, DUE_ANNOUNCE, first);
	wb_close16(&msg.w, msg.mp);
	msg.w.end += attrs_max;
	attr_encode(&msg.w, a, &o);
	wb_close16(&msg.w, msg.attrs);
	message_end(p, &msg);
	keep(p, &msg, stretch);
	return true;
}

static void withdraw(struct pull *p, const struct route *first)
{
	const struct out_group *g = p->walk.g;
	struct message msg = {
		.w = wb_init(p->out->p, message_room(p)),
		.family = g->rib->families[g->family].family,
		.id_octets = id_octets(g),
	};

	open_mp(&msg, BGP_ATTR_MP_UNREACH);
	take_all(p, &msg, DUE_WITHDRAW, first);
	wb_close16(&msg.w, msg.mp);
	wb_close16(&msg.w, msg.attrs);
	message_end(p, &msg);
}

/* RFC 4724 2. */
static void end_of_rib(struct pull *p)
{
	const struct bgp_family *f = p->walk.g->rib->families[p->walk.g->family].family;
	struct wbuf w = wb_init(p->out->p, wb_room(p->out));

	put_header(&w);
	wb_u16(&w, 6);
	wb_u8(&w, FLAG_OPTIONAL);
	wb_u8(&w, BGP_ATTR_MP_UNREACH);
	wb_u8(&w, 3);
	wb_u16(&w, f->afi);
	wb_u8(&w, f->safi);
	put_length(&w);
	p->out->p = w.p;
	++*p->messages;
}

/* Memberships (RFC 4684) are waited for by the neighbor before it sends us anything. */
static bool is_held_back(const struct out_group *g)
{
	return g->rib->eor_held && !g->rib->families[g->family].family->membership;
}

static bool eor_is_due(const struct pull *p)
{
	const struct out_marker *m = p->m;

	if (p->refresh || m->eor_sent || m->eor_seq == UINT32_MAX || is_held_back(m->group))
		return false;
	return !p->walk.next || out_entry_at(p->walk.g, p->walk.next)->last > m->eor_seq;
}

/* ---- pulling ---- */

static bool next_message(struct pull *p)
{
	struct out_walk *walk = &p->walk;

	for (;;) {
		bool more = out_walk_positions(walk);
		const struct route *rt;
		enum due kind;

		if (eor_is_due(p)) {
			end_of_rib(p);
			p->m->eor_sent = true;
			return true;
		}
		if (!more)
			return false;
		rt = rib_route(walk->g->rib, walk->next);
		kind = what_is_due(p, out_entry_at(walk->g, walk->next), rt);
		if (kind == DUE_ANNOUNCE) {
			const struct out_stretch *s = at_hand(p);

			return s ? repeat(p, s, rt) : announce(p, rt);
		}
		if (kind == DUE_WITHDRAW) {
			withdraw(p, rt);
			return true;
		}
		if (p->skips == 0)
			return false;
		p->skips--;
		out_walk_pass(walk);
	}
}

static void pull_messages(struct pull *p)
{
	size_t max = p->walk.g->policy.max_message, min = max < ROOM_MIN ? max : ROOM_MIN;

	while (wb_room(p->out) >= min && next_message(p))
		;
}

/* BoRR or EoRR; false when there is too little space left. */
static bool demarcate(struct pull *p, uint8_t subtype)
{
	const struct bgp_family *f = p->m->group->rib->families[p->m->group->family].family;

	if (wb_room(p->out) < MSG_REFRESH_LEN)
		return false;
	msg_refresh_write(p->out, f->afi, subtype, f->safi);
	p->m->peer->demarcations++;
	return true;
}

/* The refresh comes behind the changes: when those have come to the end of the list it goes there too. */
static void pull_refresh(struct pull *p)
{
	struct out_marker *m = p->m;

	if (m->demarcated && !m->begun && !(m->begun = demarcate(p, MSG_REFRESH_BEGIN)))
		return;
	p->refresh = true;
	p->walk = out_walk_begin(m->group, &m->refresh);
	pull_messages(p);
	if (out_walk_positions(&p->walk))
		out_walk_end(&p->walk, &m->refresh);
	else
		m->end_due = m->begun;
}

static void end_refresh(struct pull *p)
{
	struct out_marker *m = p->m;

	if (!demarcate(p, MSG_REFRESH_END))
		return;
	m->begun = m->end_due = false;
}

/* RFC 7313 4: BoRR not before End-of-RIB. */
static bool may_refresh(const struct out_marker *m)
{
	return m->refresh.pos && !out_cursor_due(m->group, &m->main) && (m->eor_sent || !m->demarcated);
}

static void pull_marker(struct out_marker *m, struct wbuf *out, uint64_t *messages)
{
	struct pull p = { .m = m, .skips = SKIPS_MAX, .out = out, .messages = messages };

	p.walk = out_walk_begin(m->group, &m->main);
	pull_messages(&p);
	out_walk_end(&p.walk, &m->main);
	if (may_refresh(m))
		pull_refresh(&p);
	if (m->end_due)
		end_refresh(&p);
	if (p.skips == 0)
		out_wake_later(m);
}

static bool all_eor_sent(const struct rib_peer *p)
{
	for (const struct out_marker *m = p->marker; m; m = m->next) {
		if (!m->eor_sent)
			return false;
	}
	return p->marker != NULL;
}

size_t out_pull(struct rib *r, struct rib_peer *p, uint8_t *space, size_t cap, uint64_t *messages)
{
	struct wbuf out = wb_init(space, cap);

	for (struct out_marker *m = p->marker; m; m = m->next)
		pull_marker(m, &out, messages);
	rib_doomed_free(r);
	p->eor_sent = all_eor_sent(p);
	return wb_len(&out);
}

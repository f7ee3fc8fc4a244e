/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * UPDATE body --> struct attr_update. Each attribute has a row in descriptors[]: the flags it must have, the reaction
 * when it is malformed (RFC 7606 7 and the RFC of the attribute), its decoder. Unknown is not malformed.
 *
 *      | withdrawn length 2 | withdrawn | attributes length 2 | attributes | NLRI          RFC 4271 4.3
 *      attribute: | flags 1 | code 1 | length 1, or 2 with flag 0x10 | value
 *
 * What passes through untouched is gathered in ascending order of type code with normal flags, so that equal sets are
 * equal bytes. AS_PATH and AGGREGATOR come out with 4-octet ASNs whatever the session has.
 */
#include "bgp/attr.h"

#include <stdlib.h>

#include "base/log.h"
#include "bgp/attr_as_path.h"
#include "bgp/attr_wire.h"
#include "bgp/msg.h"

#define SEARCHED_OCTETS 4096u /* of a list that is searched item by item */

/* The attribute under the reader. */
struct attr {
	uint8_t flags, code;
	struct rbuf value;
	const uint8_t *start; /* of its header */
	size_t size;          /* with its header */
};

/* An attribute that passes through; value NULL: none of this code. */
struct passed {
	const uint8_t *value;
	uint16_t len;
	uint8_t flags;
};

struct decoder {
	const struct attr_session *s;
	struct attr_update *out;
	struct wbuf scratch;
	uint8_t seen[32];             /* bitmap of type codes */
	uint8_t passing[32];          /* bitmap of the entries of passed[] that are set */
	struct passed passed[256];    /* by type code */
	struct rbuf as4_path;         /* RFC 6793, from a 2-octet speaker */
	struct rbuf as4_aggregator;
};

struct descriptor {
	uint8_t flags;               /* Optional and Transitive as they must be */
	enum attr_outcome malformed; /* what its errors cost */
	uint8_t subcode;             /* of NOTIFICATION 3 and of the log */
	/* NULL when fine, else static text that says what is malformed. */
	const char *(*decode)(struct decoder *d, struct attr *a);
};

static bool bit_get(const uint8_t *map, uint8_t code)
{
	return map[code / 8] & (1u << (code % 8));
}

static void bit_set(uint8_t *map, uint8_t code)
{
	map[code / 8] = (uint8_t)(map[code / 8] | 1u << (code % 8));
}

/* Of several errors the strongest wins, the first of equals (RFC 7606 3(h)). a NULL: no attribute is to blame. */
static void judge(struct decoder *d, enum attr_outcome outcome, uint8_t subcode, const struct attr *a, const char *why)
{
	struct attr_update *u = d->out;

	if (outcome == ATTR_DISCARD)
		u->discarded++;
	if (outcome <= u->outcome)
		return;
	u->outcome = outcome;
	u->error = (struct attr_error){ .code = MSG_ERR_UPDATE, .subcode = subcode, .why = why };
	if (a) {
		u->error.attr = a->code;
		u->error.data = a->start;
		u->error.data_len = a->size;
	}
}

/* ---- the attributes, by type code ------------------------------------------------------------------------------- */

static const char *decode_origin(struct decoder *d, struct attr *a)
{
	uint8_t v = rb_u8(&a->value);

	if (!rb_done(&a->value) || v > BGP_ORIGIN_INCOMPLETE)
		return "ORIGIN is not one octet of 0 to 2"; /* RFC 7606 7.1 */
	d->out->attrs.origin = v;
	return NULL;
}

/* Into scratch with 4-octet ASNs when the session has 2. */
static void as_path_take(struct decoder *d, const uint8_t *path, size_t len)
{
	struct bgp_attrs *at = &d->out->attrs;
	const uint8_t *start = d->scratch.p;

	if (!d->s->as4) {
		attr_as_path_widen(&d->scratch, path, len);
		path = start;
		len = (size_t)(d->scratch.p - start);
	}
	at->as_path = len ? path : NULL;
	at->as_path_len = (uint16_t)len;
}

static const char *decode_as_path(struct decoder *d, struct attr *a)
{
	size_t len = rb_left(&a->value);
	const char *why = attr_as_path_check(a->value.p, len, d->s->as4 ? 4 : 2);
	uint32_t first;

	if (why)
		return why;
	as_path_take(d, a->value.p, len);
	first = attr_as_path_first(d->out->attrs.as_path, d->out->attrs.as_path_len);
	/* RFC 4271 6.3, 7606 7.2; a 2-octet speaker of a wide AS cannot be the peer, so first is comparable. */
	if (d->s->ebgp && (!first || (d->s->peer_as && first != d->s->peer_as)))
		return "leftmost AS is not the peer's";
	return NULL;
}

/* RFC 4760 3: without IPv4 NLRI it is ignored, but a wrong length stays an error (RFC 7606 7.3). */
static const char *decode_next_hop(struct decoder *d, struct attr *a)
{
	if (rb_left(&a->value) != 4)
		return "NEXT_HOP is not 4 octets";
	d->out->next_hop4 = rb_ip(&a->value, 4);
	return NULL;
}

static const char *decode_med(struct decoder *d, struct attr *a)
{
	d->out->attrs.med = rb_u32(&a->value);
	d->out->attrs.has_med = rb_done(&a->value);
	return d->out->attrs.has_med ? NULL : "MULTI_EXIT_DISC is not 4 octets";
}

static const char *decode_local_pref(struct decoder *d, struct attr *a)
{
	d->out->attrs.local_pref = rb_u32(&a->value);
	d->out->attrs.has_local_pref = rb_done(&a->value);
	return d->out->attrs.has_local_pref ? NULL : "LOCAL_PREF is not 4 octets";
}

static void pass_value(struct decoder *d, const struct attr *a, const uint8_t *value, size_t len)
{
	d->passed[a->code] = (struct passed){ value, (uint16_t)len, a->flags & ATTR_FLAGS_KEPT };
	bit_set(d->passing, a->code);
}

static const char *pass(struct decoder *d, struct attr *a)
{
	pass_value(d, a, a->value.p, rb_left(&a->value));
	return NULL;
}

static const char *decode_atomic_aggregate(struct decoder *d, struct attr *a)
{
	return rb_left(&a->value) ? "ATOMIC_AGGREGATE is not empty" : pass(d, a);
}

static const char *decode_aggregator(struct decoder *d, struct attr *a)
{
	size_t len = rb_left(&a->value);
	const uint8_t *start = d->scratch.p;
	uint32_t asn, id;

	asn = d->s->as4 ? rb_u32(&a->value) : rb_u16(&a->value);
	id = rb_u32(&a->value);
	if (!rb_done(&a->value))
		return "AGGREGATOR has a wrong length for the width of ASNs";
	if (asn == 0)
		return "AGGREGATOR has AS 0"; /* RFC 7607 2 */
	if (d->s->as4) {
		pass_value(d, a, a->value.p - len, len);
	} else {
		wb_u32(&d->scratch, asn);
		wb_u32(&d->scratch, id);
		pass_value(d, a, start, 8);
	}
	return NULL;
}

/* A list of items of size octets, at least one. */
static bool is_list(const struct attr *a, size_t size)
{
	size_t len = rb_left(&a->value);

	return len && len % size == 0;
}

static void keep(const struct attr *a, const uint8_t **p, uint16_t *len)
{
	*p = a->value.p;
	*len = (uint16_t)rb_left(&a->value);
}

static const char *decode_communities(struct decoder *d, struct attr *a)
{
	if (!is_list(a, 4))
		return "COMMUNITIES is no multiple of 4 octets";
	keep(a, &d->out->attrs.communities, &d->out->attrs.communities_len);
	return NULL;
}

static const char *decode_originator_id(struct decoder *d, struct attr *a)
{
	d->out->attrs.originator_id = rb_u32(&a->value);
	d->out->attrs.has_originator_id = rb_done(&a->value);
	return d->out->attrs.has_originator_id ? NULL : "ORIGINATOR_ID is not 4 octets";
}

static const char *decode_cluster_list(struct decoder *d, struct attr *a)
{
	if (!is_list(a, 4))
		return "CLUSTER_LIST is no multiple of 4 octets";
	keep(a, &d->out->attrs.cluster_list, &d->out->attrs.cluster_list_len);
	return NULL;
}

static const char *decode_mp_reach(struct decoder *d, struct attr *a)
{
	struct attr_update *u = d->out;
	const uint8_t *nh;

	u->reach_afi = rb_u16(&a->value);
	u->reach_safi = rb_u8(&a->value);
	u->reach_nh_len = rb_u8(&a->value);
	nh = rb_ptr(&a->value, u->reach_nh_len);
	rb_skip(&a->value, 1); /* reserved, RFC 4760 3 */
	if (!rb_ok(&a->value))
		return "MP_REACH_NLRI is too short";
	if (u->reach_nh_len == 4 || u->reach_nh_len == 16)
		u->attrs.next_hop = ip_from_bytes(nh, u->reach_nh_len);
	u->reach = a->value;
	u->has_reach = true;
	return NULL;
}

static const char *decode_mp_unreach(struct decoder *d, struct attr *a)
{
	struct attr_update *u = d->out;

	u->unreach_afi = rb_u16(&a->value);
	u->unreach_safi = rb_u8(&a->value);
	if (!rb_ok(&a->value))
		return "MP_UNREACH_NLRI is too short";
	u->unreach = a->value;
	u->has_unreach = true;
	return NULL;
}

static const char *decode_ext_communities(struct decoder *d, struct attr *a)
{
	if (!is_list(a, 8))
		return "EXTENDED COMMUNITIES is no multiple of 8 octets";
	keep(a, &d->out->attrs.ext_communities, &d->out->attrs.ext_communities_len);
	return NULL;
}

static const char *decode_as4_path(struct decoder *d, struct attr *a)
{
	if (d->s->as4)
		return "AS4_PATH from a speaker of 4-octet ASNs"; /* RFC 6793 4.1 */
	if (rb_left(&a->value) < 6)
		return "AS4_PATH is too short";
	if (attr_as4_path_check(a->value.p, rb_left(&a->value)))
		return "AS4_PATH is malformed";
	d->as4_path = a->value;
	return NULL;
}

static const char *decode_as4_aggregator(struct decoder *d, struct attr *a)
{
	struct rbuf value = a->value;

	if (d->s->as4)
		return "AS4_AGGREGATOR from a speaker of 4-octet ASNs";
	if (rb_left(&a->value) != 8)
		return "AS4_AGGREGATOR is not 8 octets";
	if (!rb_u32(&a->value))
		return "AS4_AGGREGATOR has AS 0"; /* RFC 7607 2 */
	d->as4_aggregator = value;
	return NULL;
}

/* Tunnel types with a meaning: RFC 6514 5, 7524, 9574, 8556 and IANA; 0x80 marks a composite tunnel (RFC 8317 3.1). */
static bool pmsi_type_known(uint8_t type)
{
	type &= 0x7f;
	return type <= 0x08 || (type >= 0x0a && type <= 0x0d) || type >= 0x7b;
}

static const char *decode_pmsi(struct decoder *d, struct attr *a)
{
	struct rbuf r = a->value;
	uint8_t type;
	size_t id;

	rb_skip(&r, 1);
	type = rb_u8(&r);
	rb_skip(&r, 3);
	id = rb_left(&r);
	if (!rb_ok(&r))
		return "PMSI_TUNNEL is too short";
	if (!pmsi_type_known(type))
		return "PMSI_TUNNEL has an undefined tunnel type";
	if (type == 0 ? id != 0 : type == 6 ? id != 4 && id != 16 : id == 0)
		return "PMSI_TUNNEL has an unusable tunnel identifier";
	keep(a, &d->out->attrs.pmsi, &d->out->attrs.pmsi_len);
	return NULL;
}

/* RFC 9012 13: the bounds of TLVs and sub-TLVs; their types do not matter. */
static const char *decode_tunnel_encap(struct decoder *d, struct attr *a)
{
	struct rbuf r = a->value, tlv;
	uint8_t sub;

	if (!rb_left(&r))
		return "TUNNEL_ENCAPSULATION is empty";
	while (rb_left(&r)) {
		rb_skip(&r, 2);
		tlv = rb_sub(&r, rb_u16(&r));
		while (rb_left(&tlv)) {
			sub = rb_u8(&tlv);
			rb_skip(&tlv, sub < 128 ? rb_u8(&tlv) : rb_u16(&tlv));
		}
		if (!rb_ok(&tlv))
			rb_fail(&r);
	}
	return rb_ok(&r) ? pass(d, a) : "TUNNEL_ENCAPSULATION has a TLV that overruns";
}

static const char *decode_ipv6_ext_communities(struct decoder *d, struct attr *a)
{
	return is_list(a, 20) ? pass(d, a) : "IPv6 EXTENDED COMMUNITIES is no multiple of 20 octets";
}

/*
 * RFC 7311 3.2: outside of an AIGP domain it is as an unrecognised non-transitive attribute, and we are in none; a
 * malformed one is still counted.
 */
static const char *decode_aigp(struct decoder *d, struct attr *a)
{
	uint8_t type;
	uint16_t len;

	while (rb_left(&a->value)) {
		type = rb_u8(&a->value);
		len = rb_u16(&a->value);
		if (len < 3 || (type == 1 && len != 11))
			return "AIGP has a TLV of a wrong length";
		rb_skip(&a->value, len - 3u);
	}
	return rb_ok(&a->value) ? NULL : "AIGP has a TLV that overruns";
}

static bool has_item(const uint8_t *list, const uint8_t *end, const uint8_t *item, size_t size)
{
	for (; list < end; list += size)
		if (memcmp(list, item, size) == 0)
			return true;
	return false;
}

static int item12_compare(const void *a, const void *b)
{
	return memcmp(a, b, 12);
}

/*
 * A list from a longer message (RFC 8654) may have thousands of items: it is sorted, so that looking for twins stays
 * cheap.
 */
static void keep_sorted12(struct wbuf *w, const uint8_t *list, size_t len)
{
	uint8_t *start = w->p, *all = wb_ptr(w, len), *kept = start;

	if (!all)
		return;
	memcpy(all, list, len);
	qsort(all, len / 12, 12, item12_compare);
	for (const uint8_t *p = all; p < start + len; p += 12) {
		if (kept > start && memcmp(kept - 12, p, 12) == 0)
			continue;
		memmove(kept, p, 12);
		kept += 12;
	}
	w->p = kept;
}

/* RFC 8092 5: instances of one value count once. */
static const char *decode_large_communities(struct decoder *d, struct attr *a)
{
	struct bgp_attrs *at = &d->out->attrs;
	const uint8_t *kept = d->scratch.p, *p;

	if (!is_list(a, 12))
		return "LARGE_COMMUNITY is no multiple of 12 octets";
	if (rb_left(&a->value) > SEARCHED_OCTETS) {
		keep_sorted12(&d->scratch, a->value.p, rb_left(&a->value));
		rb_skip(&a->value, rb_left(&a->value));
	}
	while (rb_left(&a->value)) {
		p = rb_ptr(&a->value, 12);
		if (!has_item(kept, d->scratch.p, p, 12))
			wb_bytes(&d->scratch, p, 12);
	}
	at->large_communities = kept;
	at->large_communities_len = (uint16_t)(d->scratch.p - kept);
	return NULL;
}

/* RFC 9234 5; its procedures are for unicast, so with other families it only passes through. */
static const char *decode_otc(struct decoder *d, struct attr *a)
{
	return rb_left(&a->value) == 4 ? pass(d, a) : "OTC is not 4 octets";
}

static const char *decode_prefix_sid(struct decoder *d, struct attr *a)
{
	struct rbuf r = a->value;

	if (!rb_left(&r))
		return "PREFIX_SID is empty";
	while (rb_left(&r)) {
		rb_skip(&r, 1);
		rb_skip(&r, rb_u16(&r));
	}
	return rb_ok(&r) ? pass(d, a) : "PREFIX_SID has a TLV that overruns"; /* RFC 8669 6 */
}

/* RFC 6368 5: the origin AS, then path attributes, of which the framing is checked. */
static const char *decode_attr_set(struct decoder *d, struct attr *a)
{
	struct rbuf r = a->value;
	uint8_t flags;

	rb_skip(&r, 4);
	while (rb_left(&r)) {
		flags = rb_u8(&r);
		rb_skip(&r, 1);
		rb_skip(&r, flags & ATTR_FLAG_EXTENDED ? rb_u16(&r) : rb_u8(&r));
	}
	return rb_ok(&r) ? pass(d, a) : "ATTR_SET is malformed";
}

#define WELL_KNOWN ATTR_FLAG_TRANSITIVE
#define OPT_TRANSITIVE (ATTR_FLAG_OPTIONAL | ATTR_FLAG_TRANSITIVE)
#define OPT_NON_TRANSITIVE ATTR_FLAG_OPTIONAL

static const struct descriptor descriptors[BGP_ATTR_ATTR_SET + 1] = {
	[BGP_ATTR_ORIGIN] = { WELL_KNOWN, ATTR_WITHDRAW, MSG_UPDATE_ORIGIN, decode_origin },
	[BGP_ATTR_AS_PATH] = { WELL_KNOWN, ATTR_WITHDRAW, MSG_UPDATE_AS_PATH, decode_as_path },
	[BGP_ATTR_NEXT_HOP] = { WELL_KNOWN, ATTR_WITHDRAW, MSG_UPDATE_NEXT_HOP, decode_next_hop },
	[BGP_ATTR_MED] = { OPT_NON_TRANSITIVE, ATTR_WITHDRAW, MSG_UPDATE_LENGTH, decode_med },
	[BGP_ATTR_LOCAL_PREF] = { WELL_KNOWN, ATTR_WITHDRAW, MSG_UPDATE_LENGTH, decode_local_pref },
	[BGP_ATTR_ATOMIC_AGGREGATE] = { WELL_KNOWN, ATTR_DISCARD, MSG_UPDATE_LENGTH, decode_atomic_aggregate },
	[BGP_ATTR_AGGREGATOR] = { OPT_TRANSITIVE, ATTR_DISCARD, MSG_UPDATE_LENGTH, decode_aggregator },
	[BGP_ATTR_COMMUNITIES] = { OPT_TRANSITIVE, ATTR_WITHDRAW, MSG_UPDATE_OPTIONAL, decode_communities },
	[BGP_ATTR_ORIGINATOR_ID] = { OPT_NON_TRANSITIVE, ATTR_WITHDRAW, MSG_UPDATE_OPTIONAL, decode_originator_id },
	[BGP_ATTR_CLUSTER_LIST] = { OPT_NON_TRANSITIVE, ATTR_WITHDRAW, MSG_UPDATE_OPTIONAL, decode_cluster_list },
	[BGP_ATTR_MP_REACH] = { OPT_NON_TRANSITIVE, ATTR_DISABLE, MSG_UPDATE_OPTIONAL, decode_mp_reach },
	[BGP_ATTR_MP_UNREACH] = { OPT_NON_TRANSITIVE, ATTR_DISABLE, MSG_UPDATE_OPTIONAL, decode_mp_unreach },
	[BGP_ATTR_EXT_COMMUNITIES] = { OPT_TRANSITIVE, ATTR_WITHDRAW, MSG_UPDATE_OPTIONAL, decode_ext_communities },
	[BGP_ATTR_AS4_PATH] = { OPT_TRANSITIVE, ATTR_DISCARD, MSG_UPDATE_OPTIONAL, decode_as4_path },
	[BGP_ATTR_AS4_AGGREGATOR] = { OPT_TRANSITIVE, ATTR_DISCARD, MSG_UPDATE_OPTIONAL, decode_as4_aggregator },
	[BGP_ATTR_PMSI_TUNNEL] = { OPT_TRANSITIVE, ATTR_WITHDRAW, MSG_UPDATE_OPTIONAL, decode_pmsi },
	[BGP_ATTR_TUNNEL_ENCAP] = { OPT_TRANSITIVE, ATTR_WITHDRAW, MSG_UPDATE_OPTIONAL, decode_tunnel_encap },
	[BGP_ATTR_IPV6_EXT_COMMUNITIES] = { OPT_TRANSITIVE, ATTR_WITHDRAW, MSG_UPDATE_OPTIONAL,
					    decode_ipv6_ext_communities },
	[BGP_ATTR_AIGP] = { OPT_NON_TRANSITIVE, ATTR_DISCARD, MSG_UPDATE_OPTIONAL, decode_aigp },
	[BGP_ATTR_LARGE_COMMUNITIES] = { OPT_TRANSITIVE, ATTR_WITHDRAW, MSG_UPDATE_OPTIONAL, decode_large_communities },
	[BGP_ATTR_OTC] = { OPT_TRANSITIVE, ATTR_WITHDRAW, MSG_UPDATE_OPTIONAL, decode_otc },
	[BGP_ATTR_PREFIX_SID] = { OPT_TRANSITIVE, ATTR_DISCARD, MSG_UPDATE_OPTIONAL, decode_prefix_sid },
	[BGP_ATTR_ATTR_SET] = { OPT_TRANSITIVE, ATTR_WITHDRAW, MSG_UPDATE_OPTIONAL, decode_attr_set },
};

bool attr_code_known(uint8_t code)
{
	return code <= BGP_ATTR_ATTR_SET && descriptors[code].decode;
}

/* ---- the list -------------------------------------------------------------------------------------------------- */

/* RFC 4271 5, 9: unknown optional attributes pass through when transitive and are dropped when not. */
static void unknown(struct decoder *d, struct attr *a)
{
	if (!(a->flags & ATTR_FLAG_OPTIONAL))
		judge(d, ATTR_NOTIFY, MSG_UPDATE_WELL_KNOWN_UNKNOWN, a, "unknown well-known attribute");
	else if (a->flags & ATTR_FLAG_TRANSITIVE)
		pass(d, a);
}

/* RFC 7606 7.5, 7.9, 7.10: from outside the AS these are discarded whatever they hold. */
static bool is_internal(uint8_t code)
{
	return code == BGP_ATTR_LOCAL_PREF || code == BGP_ATTR_ORIGINATOR_ID || code == BGP_ATTR_CLUSTER_LIST;
}

static void known(struct decoder *d, const struct descriptor *t, struct attr *a)
{
	const char *why;

	if (d->s->ebgp && is_internal(a->code)) {
		judge(d, ATTR_DISCARD, t->subcode, a, "internal attribute from an external peer");
		return;
	}
	if ((a->flags & OPT_TRANSITIVE) != t->flags) { /* RFC 7606 3(c), 3(f) */
		judge(d, t->malformed, MSG_UPDATE_FLAGS, a, "attribute flags do not fit the type");
		return;
	}
	why = t->decode(d, a);
	if (why)
		judge(d, t->malformed, t->subcode, a, why);
}

/* RFC 7606 3(g). */
static void repeated(struct decoder *d, const struct attr *a)
{
	if (a->code == BGP_ATTR_MP_REACH || a->code == BGP_ATTR_MP_UNREACH)
		judge(d, ATTR_NOTIFY, MSG_UPDATE_ATTR_LIST, NULL, "MP_REACH_NLRI or MP_UNREACH_NLRI twice");
	else
		judge(d, ATTR_DISCARD, MSG_UPDATE_ATTR_LIST, a, "attribute twice");
}

static bool attr_next(struct rbuf *r, struct attr *a)
{
	a->start = r->p;
	a->flags = rb_u8(r);
	a->code = rb_u8(r);
	a->value = rb_sub(r, a->flags & ATTR_FLAG_EXTENDED ? rb_u16(r) : rb_u8(r));
	a->size = (size_t)(r->p - a->start);
	return rb_ok(r);
}

/* RFC 7606 4; what hides MP_REACH cannot be treated as withdraw, 3(j). */
static void judge_overrun(struct decoder *d, uint8_t code)
{
	bool hides = code == BGP_ATTR_MP_REACH || code == BGP_ATTR_MP_UNREACH;

	judge(d, hides ? ATTR_DISABLE : ATTR_WITHDRAW, MSG_UPDATE_ATTR_LIST, NULL,
	      "attribute overruns the attribute list");
}

static void decode_list(struct decoder *d, struct rbuf r)
{
	struct attr a;

	while (rb_left(&r)) {
		if (!attr_next(&r, &a)) {
			judge_overrun(d, a.code);
			return;
		}
		if (bit_get(d->seen, a.code)) {
			repeated(d, &a);
			continue;
		}
		bit_set(d->seen, a.code);
		if (a.code != BGP_ATTR_MP_UNREACH)
			d->out->has_attrs = true;
		if (attr_code_known(a.code))
			known(d, &descriptors[a.code], &a);
		else
			unknown(d, &a);
	}
}

/* ---- what follows from the whole list --------------------------------------------------------------------------- */

/* RFC 7606 3(d). LOCAL_PREF is mandatory inside the AS (RFC 4271 5.1.5). */
static void check_missing(struct decoder *d)
{
	static const uint8_t mandatory[] = { BGP_ATTR_ORIGIN, BGP_ATTR_AS_PATH, BGP_ATTR_LOCAL_PREF,
					     BGP_ATTR_NEXT_HOP };
	struct attr_update *u = d->out;

	for (size_t i = 0; i < sizeof(mandatory) && u->outcome < ATTR_WITHDRAW; i++) {
		if (bit_get(d->seen, mandatory[i]) || (mandatory[i] == BGP_ATTR_LOCAL_PREF && d->s->ebgp) ||
		    (mandatory[i] == BGP_ATTR_NEXT_HOP && !rb_left(&u->nlri4)))
			continue;
		judge(d, ATTR_WITHDRAW, MSG_UPDATE_WELL_KNOWN_MISSING, NULL, "mandatory attribute is missing");
		u->error.attr = mandatory[i];
		u->error.data = &mandatory[i]; /* RFC 4271 6.3: the type code */
		u->error.data_len = 1;
	}
}

/* RFC 6793 4.2.3: put together again what a 2-octet speaker could not carry. */
static void restore_as4(struct decoder *d)
{
	struct passed *agg = &d->passed[BGP_ATTR_AGGREGATOR];
	struct bgp_attrs *at = &d->out->attrs;
	const uint8_t *start;
	struct rbuf r;

	if (bit_get(d->passing, BGP_ATTR_AGGREGATOR) && d->as4_aggregator.p) {
		r = rb_init(agg->value, agg->len);
		if (rb_u32(&r) != MSG_AS_TRANS)
			return;
		agg->value = d->as4_aggregator.p;
	}
	start = d->scratch.p;
	if (!d->as4_path.p || !attr_as_path_merge(&d->scratch, at->as_path, at->as_path_len, d->as4_path.p,
						  rb_left(&d->as4_path)))
		return;
	at->as_path = start;
	at->as_path_len = (uint16_t)(d->scratch.p - start);
}

static void gather_passed(struct decoder *d)
{
	struct bgp_attrs *at = &d->out->attrs;
	const uint8_t *start = d->scratch.p;

	for (unsigned code = 0; code < 256; code++) {
		if (d->passing[code / 8] == 0)
			code |= 7;
		else if (bit_get(d->passing, (uint8_t)code))
			attr_write(&d->scratch, d->passed[code].flags, (uint8_t)code, d->passed[code].value,
				   d->passed[code].len);
	}
	at->others_len = (uint16_t)(d->scratch.p - start);
	at->others = at->others_len ? start : NULL;
}

static void finish(struct decoder *d)
{
	struct attr_update *u = d->out;
	bool reachable = rb_left(&u->reach) || rb_left(&u->nlri4);

	if (reachable)
		check_missing(d);
	restore_as4(d);
	gather_passed(d);
	u->attrs.as_path_hops = attr_as_path_hops(u->attrs.as_path, u->attrs.as_path_len);
	u->attrs.neighbor_as = attr_as_path_first(u->attrs.as_path, u->attrs.as_path_len);
	if (!wb_ok(&d->scratch))
		judge(d, ATTR_WITHDRAW, MSG_UPDATE_ATTR_LIST, NULL, "attributes are too large");
	/* RFC 7606 5.2: there is nothing to withdraw, so the NLRI may have been lost. */
	if (u->outcome == ATTR_WITHDRAW && !reachable)
		u->outcome = ATTR_NOTIFY;
}

void attr_decode_update(struct rbuf body, const struct attr_session *s, uint8_t *scratch, struct attr_update *out)
{
	struct decoder d;
	struct rbuf list;

	/* Not the whole of d: passed[] counts only where passing has a bit. */
	d.s = s;
	d.out = out;
	d.scratch = wb_init(scratch, ATTR_SCRATCH);
	memset(d.seen, 0, sizeof(d.seen));
	memset(d.passing, 0, sizeof(d.passing));
	d.as4_path = d.as4_aggregator = (struct rbuf){ 0 };

	*out = (struct attr_update){ 0 };
	out->withdrawn4 = rb_sub(&body, rb_u16(&body));
	list = rb_sub(&body, rb_u16(&body));
	out->nlri4 = body;
	if (!rb_ok(&body)) { /* RFC 7606 3(b) */
		judge(&d, ATTR_NOTIFY, MSG_UPDATE_ATTR_LIST, NULL, "lengths overrun the message");
		return;
	}
	decode_list(&d, list);
	finish(&d);
}

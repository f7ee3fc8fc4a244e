/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * show rib: the paths of the table through filters, as rows, as raw keys or as counts. What a key says is printed by
 * its family; the attributes that every family shares are printed here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgp/attr.h"
#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/show.h"

#define N_TYPES 256u

struct type_count {
	uint64_t keys, paths, best, local, rejected;
};

struct rib_state {
	const struct bgp_family *family;
	struct bgp_rib_cursor cursor;
	uint8_t rd[8];
	const struct bgp_peer *to; /* --advertised-to, looked up in each slice */
	struct buf text;           /* scratch */
	/* What routes of one set share, written once a set and slice: between slices handles are reused. */
	struct buf shared;
	uint32_t shared_set;
	/* --keys and --summary: paths of one key come one after the other */
	uint8_t last_key[BGP_KEY_MAX];
	size_t last_key_len;
	struct type_count *counts; /* --summary: by route type */
};

/* What only routes of EVPN have. */
static const enum verb_arg evpn_args[] = { ARG_TYPE, ARG_VNI, ARG_RD, ARG_MAC, ARG_IP, ARG_KEYS };

static int start_family(struct reply *r)
{
	struct rib_state *s = r->state;

	s->family = &evpn_family;
	if (!reply_has(r, ARG_FAMILY) || strcmp(reply_arg(r, ARG_FAMILY)->text, s->family->name) == 0)
		return 0;
	s->family = &bgp_rtc_family;
	if (strcmp(reply_arg(r, ARG_FAMILY)->text, s->family->name) != 0)
		return reply_fail(r, 2, "--family: expected evpn or rtc, found '%.40s'",
				  reply_arg(r, ARG_FAMILY)->text);
	for (size_t i = 0; i < sizeof(evpn_args) / sizeof(evpn_args[0]); i++)
		if (reply_has(r, evpn_args[i]))
			return reply_fail(r, 2, "%s is for routes of evpn", verb_arg_name(evpn_args[i]));
	return 0;
}

static int start_rib(struct reply *r)
{
	struct rib_state *s = r->state;
	int rc = start_family(r);

	if (rc)
		return rc;

	if (reply_has(r, ARG_RD) && !evpn_rd_parse(reply_arg(r, ARG_RD)->text, s->rd))
		return reply_fail(r, 2,
				  "--rd: expected a route distinguisher like 192.0.2.1:2 or 65000:10, found '%.40s'",
				  reply_arg(r, ARG_RD)->text);
	if (reply_has(r, ARG_NEIGHBOR) && !show_find_peer(r, ARG_NEIGHBOR))
		return 1;
	if (reply_has(r, ARG_ADVERTISED_TO) && !show_find_peer(r, ARG_ADVERTISED_TO))
		return 1;
	if (reply_has(r, ARG_SUMMARY) && reply_has(r, ARG_KEYS))
		return reply_fail(r, 2, "--summary and --keys exclude each other");
	if (reply_has(r, ARG_SUMMARY))
		s->counts = xcalloc(N_TYPES, sizeof(*s->counts));
	buf_init(&s->text);
	buf_init(&s->shared);
	return 0;
}

static void end_rib(struct reply *r)
{
	struct rib_state *s = r->state;

	free(s->counts);
	buf_fini(&s->text);
	buf_fini(&s->shared);
}

/* ---- filters ----------------------------------------------------------------------------------------------------- */

static bool match_path(const struct reply *r, const struct bgp_path_info *p)
{
	if (reply_has(r, ARG_BEST) && !p->best)
		return false;
	if (reply_has(r, ARG_REJECTED) && p->reject == BGP_ELIGIBLE)
		return false;
	if (reply_has(r, ARG_KEYS) && !p->peer)
		return false;
	if (reply_has(r, ARG_NEIGHBOR) &&
	    (!p->peer || !ip_eq(&bgp_peer_params(p->peer)->address, &reply_arg(r, ARG_NEIGHBOR)->ip)))
		return false;
	return true;
}

/* What the key alone can tell, before the rest of the route is looked at. */
static bool match_key(const struct reply *r, const struct bgp_path_info *p)
{
	const struct rib_state *s = r->state;

	return evpn_key_may_match(p->key, p->key_len, reply_has(r, ARG_RD) ? s->rd : NULL,
				  reply_has(r, ARG_MAC) ? &reply_arg(r, ARG_MAC)->mac : NULL,
				  reply_has(r, ARG_IP) ? &reply_arg(r, ARG_IP)->ip : NULL);
}

static bool match_advertised(const struct reply *r, const struct bgp_path_info *p)
{
	const struct rib_state *s = r->state;

	if (!reply_has(r, ARG_ADVERTISED_TO))
		return true;
	return s->to && bgp_rib_advertised_to(r->d->bgp, p, s->to);
}

static bool match_route(const struct reply *r, const struct evpn_route_fields *f)
{
	const struct rib_state *s = r->state;

	if (reply_has(r, ARG_TYPE) && reply_arg(r, ARG_TYPE)->n != f->type)
		return false;
	if (reply_has(r, ARG_RD) && memcmp(s->rd, f->rd, sizeof(f->rd)) != 0)
		return false;
	if (reply_has(r, ARG_MAC) && (!f->has_mac || !reply_match_mac(r, &f->mac)))
		return false;
	return reply_match_vni(r, f->vni) && reply_match_ip(r, ARG_IP, &f->ip);
}

static bool match(const struct reply *r, const struct bgp_path_info *p, struct evpn_route_fields *f)
{
	const struct rib_state *s = r->state;

	*f = (struct evpn_route_fields){ 0 };
	if (p->family != s->family || !match_path(r, p))
		return false;
	if (p->family != &evpn_family)
		return match_advertised(r, p);
	if (!match_key(r, p))
		return false;
	evpn_route_fields(p->key, p->key_len, p->attrs, f);
	return match_route(r, f) && match_advertised(r, p);
}

/* ---- one path ---------------------------------------------------------------------------------------------------- */

static void print_as_path(struct json *j, struct buf *text, const struct bgp_attrs *a)
{
	buf_reset(text);
	attr_as_path_print(a->as_path, a->as_path_len, text);
	json_strn(j, "as_path", text->len ? buf_data(text) : "", text->len);
}

static void print_communities(struct json *j, const struct bgp_attrs *a)
{
	struct rbuf r = rb_init(a->communities, a->communities_len);

	json_array(j, "communities");
	while (rb_left(&r)) {
		uint32_t c = rb_u32(&r);
		char text[16];

		snprintf(text, sizeof(text), "%u:%u", c >> 16, c & 0xffff);
		json_str(j, NULL, text);
	}
	json_array_end(j);
	r = rb_init(a->large_communities, a->large_communities_len);
	json_array(j, "large_communities");
	while (rb_left(&r)) {
		uint32_t admin = rb_u32(&r), one = rb_u32(&r), two = rb_u32(&r);
		char text[36];

		snprintf(text, sizeof(text), "%u:%u:%u", admin, one, two);
		json_str(j, NULL, text);
	}
	json_array_end(j);
}

static void print_reflection(struct json *j, const struct bgp_attrs *a)
{
	struct rbuf r = rb_init(a->cluster_list, a->cluster_list_len);
	struct ip id = ip_v4(a->originator_id);

	json_ip(j, "originator_id", a->has_originator_id ? &id : NULL);
	json_array(j, "cluster_list");
	while (rb_left(&r)) {
		id = ip_v4(rb_u32(&r));
		json_ip(j, NULL, &id);
	}
	json_array_end(j);
}

static const char *origin_name(uint8_t origin)
{
	switch (origin) {
	case BGP_ORIGIN_IGP:
		return "igp";
	case BGP_ORIGIN_EGP:
		return "egp";
	default:
		return "incomplete";
	}
}

/* The members that follow from the attributes alone, with a comma before the first. */
static const struct buf *shared_members(struct rib_state *s, const struct bgp_path_info *p)
{
	const struct bgp_attrs *a = p->attrs;
	struct json j;

	if (s->shared.len && s->shared_set == p->set)
		return &s->shared;
	buf_reset(&s->shared);
	json_init(&j, &s->shared);
	j.comma = true;
	if (p->family->print_attrs)
		p->family->print_attrs(&j, a);
	json_ip(&j, "next_hop", &a->next_hop);
	print_as_path(&j, &s->text, a);
	json_str(&j, "origin", origin_name(a->origin));
	json_uint_if(&j, "local_pref", a->has_local_pref, a->local_pref);
	json_uint_if(&j, "med", a->has_med, a->med);
	print_reflection(&j, a);
	print_communities(&j, a);
	s->shared_set = p->set;
	return &s->shared;
}

static void print_path(struct reply *r, const struct bgp_path_info *p)
{
	const struct buf *shared = shared_members(r->state, p);
	struct json *j = reply_row(r);

	json_object(j, NULL);
	p->family->print(j, p->key, p->key_len, p->attrs);
	json_ip(j, "neighbor", p->peer ? &bgp_peer_params(p->peer)->address : NULL);
	json_uint_if(j, "path_id", p->path_id, p->path_id);
	json_bool(j, "best", p->best);
	json_str(j, "decided_by", bgp_rib_decided_by(r->d->bgp, p));
	json_str(j, "rejected", bgp_reject_name(p->reject));
	if (p->stale)
		json_bool(j, "stale", true);
	if (p->long_lived_stale)
		json_bool(j, "long_lived_stale", true);
	reply_age(r, "age_s", p->since);
	buf_add(r->out, buf_data(shared), shared->len);
	json_object_end(j);
}

/* ---- keys and counts --------------------------------------------------------------------------------------------- */

static bool same_key_as_last(struct rib_state *s, const struct bgp_path_info *p)
{
	if (p->key_len == s->last_key_len && memcmp(p->key, s->last_key, p->key_len) == 0)
		return true;
	memcpy(s->last_key, p->key, p->key_len);
	s->last_key_len = p->key_len;
	return false;
}

static void print_key(struct reply *r, const struct bgp_path_info *p)
{
	struct rib_state *s = r->state;

	if (same_key_as_last(s, p))
		return;
	buf_reset(&s->text);
	evpn_key_line(p->key, p->key_len, &s->text);
	if (s->text.len)
		json_strn(reply_row(r), NULL, buf_data(&s->text), s->text.len);
}

static void count_path(struct rib_state *s, const struct bgp_path_info *p, uint8_t type)
{
	struct type_count *c = &s->counts[type];

	c->keys += !same_key_as_last(s, p);
	c->paths++;
	c->best += p->best;
	c->local += !p->peer;
	c->rejected += p->reject != BGP_ELIGIBLE;
}

/* RFC 7432 7, RFC 9136 3. */
static const char *type_name(const struct rib_state *s, unsigned type)
{
	static const char *const names[] = {
		NULL, "ethernet-auto-discovery", "mac-ip", "inclusive-multicast", "ethernet-segment", "ip-prefix"
	};

	if (s->family == &bgp_rtc_family)
		return "route-target-membership";
	return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}

static void print_counts(struct reply *r, const struct rib_state *s)
{
	for (unsigned type = 0; type < N_TYPES; type++) {
		const struct type_count *c = &s->counts[type];
		struct json *j;

		if (!c->paths)
			continue;
		j = reply_row(r);
		json_object(j, NULL);
		json_uint(j, "type", type);
		json_str(j, "name", type_name(s, type));
		json_uint(j, "routes", c->keys);
		json_uint(j, "paths", c->paths);
		json_uint(j, "best", c->best);
		json_uint(j, "local", c->local);
		json_uint(j, "rejected", c->rejected);
		json_object_end(j);
	}
}

static bool more_rib(struct reply *r)
{
	struct rib_state *s = r->state;
	struct evpn_route_fields f;
	struct bgp_path_info p;

	buf_reset(&s->shared);
	s->to = bgp_peer_find(r->d->bgp, &reply_arg(r, ARG_ADVERTISED_TO)->ip);
	while (reply_step(r)) {
		if (!bgp_rib_next(r->d->bgp, &s->cursor, &p)) {
			if (s->counts)
				print_counts(r, s);
			return false;
		}
		if (!match(r, &p, &f))
			continue;
		if (s->counts)
			count_path(s, &p, f.type);
		else if (reply_has(r, ARG_KEYS))
			print_key(r, &p);
		else
			print_path(r, &p);
	}
	return true;
}

const struct reply_ops show_rib = { sizeof(struct rib_state), start_rib, more_rib, end_rib };

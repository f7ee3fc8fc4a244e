/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* show neighbors [ADDR]. */
#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/session_problem.h"
#include "cmd/evpnd/show.h"

struct neighbors_state {
	size_t next; /* neighbors shown so far: a count, because peers may come and go between two slices */
};

static void print_router_id(struct json *j, const char *key, uint32_t id)
{
	struct ip ip = ip_v4(id);

	json_ip(j, key, id ? &ip : NULL);
}

static void print_messages(struct json *j, const char *key, const struct bgp_message_counts *c)
{
	json_uints(j, key,
		   { "open", c->open },
		   { "update", c->update },
		   { "notification", c->notification },
		   { "keepalive", c->keepalive },
		   { "refresh", c->refresh });
}

static void print_error(struct reply *r, const char *key, const struct bgp_error *e)
{
	struct json *j = &r->json;

	if (!e->set) {
		json_null(j, key);
		return;
	}
	json_object(j, key);
	json_uint(j, "code", e->code);
	json_uint(j, "subcode", e->subcode);
	json_str(j, "text", e->text);
	json_hex(j, "data", e->data, e->data_len);
	json_hex(j, "message", e->message, e->message_len);
	reply_age(r, "age_s", e->at);
	json_object_end(j);
}

static void print_session(struct reply *r, const struct bgp_peer_info *i)
{
	struct session_problem problem = session_problem(i, r->now);
	struct json *j = &r->json;

	json_ip(j, "address", &i->address);
	json_uint(j, "asn", i->asn);
	json_str(j, "description", i->description);
	json_str(j, "state", bgp_state_name(i->state));
	json_bool(j, "admin_down", i->admin_down);
	if (i->state == BGP_ESTABLISHED)
		reply_age(r, "uptime_s", i->since);
	else
		json_null(j, "uptime_s");
	reply_age(r, "state_s", i->since);
	json_str(j, "state_reason", i->reason && i->reason[0] ? i->reason : NULL);
	json_str(j, "problem", problem.s[0] ? problem.s : NULL);
	json_str(j, "connect_error", i->connect_error[0] ? i->connect_error : NULL);
	json_str(j, "type", i->ebgp ? "external" : "internal");
	json_bool(j, "passive", i->passive);
	json_bool(j, "route_reflector_client", i->rr_client);
	json_ip(j, "local_address", &i->local_address);
	print_router_id(j, "router_id", i->router_id);
	json_uint(j, "hold_time_configured", i->hold_time_configured);
	if (i->state == BGP_ESTABLISHED) {
		json_uint(j, "hold_time", i->hold_time);
		json_uint(j, "keepalive_ms", i->keepalive_ms);
	} else {
		json_null(j, "hold_time");
		json_null(j, "keepalive_ms");
	}
}

static void print_limits(struct reply *r, const struct bgp_peer_info *i)
{
	int64_t held_us = mtime_diff_us(r->now, i->held_until);
	struct json *j = &r->json;

	if (i->max_prefixes) {
		json_uint(j, "max_prefixes", i->max_prefixes);
		json_uint(j, "max_prefixes_warning", i->max_prefixes_warning);
	} else {
		json_null(j, "max_prefixes");
		json_null(j, "max_prefixes_warning");
	}
	json_uint_if(j, "max_prefixes_restart", i->max_prefixes_restart, i->max_prefixes_restart);
	if (held_us > 0)
		json_int(j, "down_for_s", (held_us + 999999) / 1000000);
	else
		json_null(j, "down_for_s");
	json_uint(j, "connections_refused", i->accepts_refused);
	json_uint(j, "connect_retries", i->connect_retries);
}

static void print_families(struct json *j, const struct bgp_peer_info *i)
{
	json_array(j, "families");
	for (uint32_t f = 0; f < i->n_families; f++) {
		const struct bgp_family_info *fi = &i->families[f];

		if (!fi->negotiated)
			continue;
		json_object(j, NULL);
		json_str(j, "name", fi->family->name);
		json_uint(j, "prefixes_received", fi->prefixes_received);
		json_uint(j, "prefixes_sent", fi->prefixes_sent);
		json_uint(j, "pending", fi->pending);
		json_uint(j, "group", fi->group);
		json_bool(j, "eor_received", fi->eor_received);
		json_bool(j, "eor_sent", fi->eor_sent);
		json_object_end(j);
	}
	json_array_end(j);
	json_object(j, "route_target_filter");
	json_str(j, "state", bgp_rt_filter_name(i->rt_filter));
	json_uint(j, "route_targets", i->rt_memberships);
	json_object_end(j);
}

static void print_end(struct reply *r, const char *key, struct mtime end)
{
	int64_t us = mtime_diff_us(r->now, end);

	if (end.us == MTIME_NEVER.us)
		json_null(&r->json, key);
	else
		json_int(&r->json, key, us > 0 ? (us + 999999) / 1000000 : 0);
}

/* RFC 4724, 8538, 9494, 7313: what the neighbor asks for, and what is kept of it. */
static void print_restart(struct reply *r, const struct bgp_peer_info *i)
{
	struct json *j = &r->json;

	if (i->gr) {
		json_object(j, "graceful_restart");
		json_uint(j, "restart_time", i->gr_time);
		json_bool(j, "restarted", i->gr_restarted);
		json_bool(j, "notification", i->gr_notification);
		json_object_end(j);
	} else {
		json_null(j, "graceful_restart");
	}
	json_uint(j, "stale", i->stale);
	print_end(r, "stale_s", i->stale_end);
	json_uint(j, "long_lived_stale", i->long_lived_stale);
	print_end(r, "long_lived_stale_s", i->long_lived_end);
	json_uint(j, "refreshing", i->refreshing);
}

/* RFC 8326: has it got all routes marked? */
static const char *drain_state(const struct reply *r, const struct bgp_peer_info *i)
{
	if (bgp_draining(r->d->bgp).us == MTIME_NEVER.us || i->state != BGP_ESTABLISHED)
		return NULL;
	return i->repeating || i->pending || !i->eor_sent ? "sending" : "sent";
}

static void print_peer(struct reply *r, struct json *j, const struct bgp_peer *peer)
{
	struct bgp_peer_info i;

	bgp_peer_info(peer, &i);
	json_object(j, NULL);
	print_session(r, &i);
	json_uint(j, "prefixes_received", i.prefixes_received);
	json_uint(j, "prefixes_sent", i.prefixes_sent);
	json_uint(j, "rejected", i.rejected);
	json_uint(j, "pending", i.pending);
	json_uint(j, "group", i.group);
	json_bool(j, "eor_received", i.eor_received);
	json_bool(j, "eor_sent", i.eor_sent);
	json_str(j, "drain", drain_state(r, &i));
	print_families(j, &i);
	json_uint(j, "updates_in", i.updates_in);
	json_uint(j, "updates_out", i.updates_out);
	json_uint(j, "nlri_in", i.nlri_in);
	json_uint(j, "nlri_out", i.nlri_out);
	json_object(j, "messages");
	print_messages(j, "in", &i.in);
	print_messages(j, "out", &i.out);
	json_object_end(j);
	json_uint(j, "established_count", i.established_count);
	print_limits(r, &i);
	print_restart(r, &i);
	json_uint(j, "treat_as_withdraw", i.treat_as_withdraw);
	json_uint(j, "attributes_discarded", i.attributes_discarded);
	json_uint(j, "unknown_nlri", i.unknown_nlri);
	print_error(r, "last_error_received", &i.last_in);
	print_error(r, "last_error_sent", &i.last_out);
	print_error(r, "last_malformed", &i.last_malformed);
	bgp_peer_print_capabilities(peer, j);
	json_object_end(j);
}

struct bgp_peer *show_find_peer(struct reply *r, enum verb_arg a)
{
	const struct verb_value *v = reply_arg(r, a);
	struct bgp_peer *peer = bgp_peer_find(r->d->bgp, &v->ip);

	if (!peer)
		reply_fail(r, 1, "no neighbor %s is configured", v->text);
	return peer;
}

static int start_neighbors(struct reply *r)
{
	if (!reply_has(r, ARG_ADDRESS))
		return 0;
	r->body = REPLY_OBJECT;
	return show_find_peer(r, ARG_ADDRESS) ? 0 : 1;
}

static void one_neighbor(struct reply *r)
{
	struct bgp_peer *peer = show_find_peer(r, ARG_ADDRESS);

	if (peer)
		print_peer(r, &r->json, peer);
	else
		json_null(&r->json, NULL); /* it went between start() and here */
}

static bool more_neighbors(struct reply *r)
{
	struct neighbors_state *s = r->state;
	struct bgp_peer *peer = NULL;
	size_t i = 0;

	if (r->body == REPLY_OBJECT) {
		one_neighbor(r);
		return false;
	}
	while ((peer = bgp_peer_next(r->d->bgp, peer))) {
		if (i++ < s->next)
			continue;
		if (!reply_step(r))
			return true;
		print_peer(r, reply_row(r), peer);
		s->next = i;
	}
	return false;
}

const struct reply_ops show_neighbors = { sizeof(struct neighbors_state), start_neighbors, more_neighbors, NULL };

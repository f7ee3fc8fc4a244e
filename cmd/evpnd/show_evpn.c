/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* show vni, show mac, show arp, show vtep: EVPN's tables. */
#include <stdio.h>
#include <string.h>

#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/resolve.h"
#include "cmd/evpnd/show.h"

/* ---- show vni [N] ------------------------------------------------------------------------------------------------ */

struct vni_state {
	uint32_t last;
};

static const char *device_state_name(enum dp_device_state s)
{
	switch (s) {
	case DP_DEV_MISSING:
		return "missing";
	case DP_DEV_MADE:
		return "made";
	case DP_DEV_ADOPTED:
		return "adopted";
	case DP_DEV_CONFLICT:
		return "conflict";
	}
	return NULL;
}

static void print_targets(struct json *j, const char *key, const uint8_t (*targets)[8], size_t n)
{
	struct evpn_str text;

	json_array(j, key);
	for (size_t i = 0; i < n; i++)
		if (evpn_rt_str(targets[i], &text))
			json_str(j, NULL, text.s);
	json_array_end(j);
}

static void print_flood(struct json *j, const struct evpn_vni_info *i)
{
	json_array(j, "flood");
	for (size_t k = 0; k < i->n_flood; k++) {
		json_object(j, NULL);
		json_ip(j, "vtep", &i->flood[k]);
		json_uint(j, "vni", i->flood_label[k] ? i->flood_label[k] : i->vni);
		json_object_end(j);
	}
	json_array_end(j);
}

/* NULL without a limit. */
static void print_limit(struct reply *r, const char *key, const struct evpn_limit_info *i)
{
	struct json *j = &r->json;

	if (!i->limit) {
		json_null(j, key);
		return;
	}
	json_object(j, key);
	if (i->ifindex)
		json_str(j, "port", dp_ifname(r->d->dp, i->ifindex));
	json_uint(j, "limit", i->limit);
	json_uint(j, "learned", i->learned);
	json_uint(j, "over", i->over);
	json_str(j, "state", i->over ? "exceeded" : i->reached ? "reached" : "below");
	json_object_end(j);
}

static void print_limits(struct reply *r, const struct evpn_vni_info *i)
{
	print_limit(r, "mac_limit", &i->mac_limit);
	json_array(&r->json, "port_mac_limits");
	for (size_t k = 0; k < i->n_port_limits; k++)
		print_limit(r, NULL, &i->port_limits[k]);
	json_array_end(&r->json);
}

static void print_devices(struct reply *r, uint32_t vni)
{
	struct json *j = &r->json;
	struct dp_vni_info i = { .vni = vni };
	bool known = dp_vni_info(r->d->dp, vni, &i);

	json_str(j, "bridge", i.bridge);
	json_str(j, "bridge_state", i.bridge ? device_state_name(i.bridge_state) : NULL);
	json_str(j, "vxlan", i.vxlan);
	json_str(j, "vxlan_state", i.vxlan ? device_state_name(i.vxlan_state) : NULL);
	json_str(j, "underlay", i.underlay);
	json_uint_if(j, "mtu", known && i.mtu, i.mtu);
	json_str(j, "problem", i.problem);
	json_uint(j, "packets_heard", i.heard);
	json_uint(j, "packets_unheard", i.unheard);
	json_uint(j, "packets_answered", i.answered);
	json_uint_if(j, "learns_at_most", i.mac_limit, i.mac_limit);
	json_uint(j, "macs_not_learned", i.not_learned);
}

/* Where rows come on demand: who is asked, and what came of it. */
static void print_resolver(struct reply *r, uint32_t vni)
{
	static const char *const kinds[] = { "none", "rib", "file", "command" };
	struct json *j = &r->json;
	struct evpn_resolver_info i;

	if (!evpn_resolver_info(r->d->evpn, vni, &i)) {
		json_null(j, "resolver");
		return;
	}
	json_object(j, "resolver");
	json_str(j, "kind", kinds[i.kind]);
	if (i.kind != CONFIG_RESOLVER_RIB)
		resolve_show(r->d, vni, j);
	json_uint(j, "in_use", i.in_use);
	json_uint(j, "misses", i.misses);
	json_uint(j, "answered", i.answered);
	json_uint(j, "unknown", i.unknown);
	json_uint(j, "late", i.late);
	json_uint(j, "dropped", i.dropped);
	json_uint(j, "asked", i.asked);
	json_uint(j, "waiting", i.waiting);
	json_object_end(j);
}

static void print_vni(struct reply *r, struct json *j, const struct evpn_vni_info *i)
{
	json_object(j, NULL);
	json_uint(j, "vni", i->vni);
	json_str(j, "mode", config_mode_name(i->mode));
	json_bool(j, "ready", i->ready);
	json_str(j, "rd", i->bgp ? evpn_rd_str(i->rd).s : NULL);
	json_uint(j, "ethernet_tag", i->ethernet_tag);
	json_bool(j, "import_auto", i->import_auto);
	print_targets(j, "import", i->imports, i->n_imports);
	print_targets(j, "export", i->exports, i->n_exports);
	print_devices(r, i->vni);
	json_str(j, "flood_control", i->mode == CONFIG_MODE_EVPN ? config_flooding_name(i->flooding) : NULL);
	json_ip(j, "group", i->group.len ? &i->group : NULL);
	print_flood(j, i);
	print_limits(r, i);
	print_resolver(r, i->vni);
	json_uint(j, "local_macs", i->local_macs);
	json_uint(j, "remote_macs", i->remote_macs);
	json_uint(j, "local_ips", i->local_ips);
	json_uint(j, "remote_ips", i->remote_ips);
	json_object_end(j);
}

static int start_vni(struct reply *r)
{
	struct evpn_vni_info i;

	if (!reply_has(r, ARG_NUMBER))
		return 0;
	r->body = REPLY_OBJECT;
	if (!evpn_vni_find(r->d->evpn, reply_arg(r, ARG_NUMBER)->n, &i))
		return reply_fail(r, 1, "VNI %u is not configured", reply_arg(r, ARG_NUMBER)->n);
	return 0;
}

static bool more_vni(struct reply *r)
{
	struct vni_state *s = r->state;
	struct evpn_vni_info i;

	if (r->body == REPLY_OBJECT) {
		if (evpn_vni_find(r->d->evpn, reply_arg(r, ARG_NUMBER)->n, &i))
			print_vni(r, &r->json, &i);
		else
			json_null(&r->json, NULL); /* it went between start() and here */
		return false;
	}
	while (reply_step(r)) {
		if (!evpn_vni_next(r->d->evpn, s->last, &i))
			return false;
		s->last = i.vni;
		print_vni(r, reply_row(r), &i);
	}
	return true;
}

const struct reply_ops show_vni = { sizeof(struct vni_state), start_vni, more_vni, NULL };

/* ---- show mac, show arp ------------------------------------------------------------------------------------------ */

struct table_state {
	struct evpn_cursor cursor;
	/* The last name of a port that was asked for. */
	unsigned ifindex;
	char ifname[32];
};

static const char *interface_name(struct reply *r, unsigned ifindex)
{
	struct table_state *s = r->state;

	if (!ifindex)
		return NULL;
	if (ifindex != s->ifindex) {
		const char *name = dp_ifname(r->d->dp, ifindex);

		s->ifindex = ifindex;
		snprintf(s->ifname, sizeof(s->ifname), "%s", name ? name : "");
	}
	return s->ifname[0] ? s->ifname : NULL;
}

/* Of a segment, any that its frames may go to. */
static bool match_vtep(const struct reply *r, const struct evpn_mac_info *i)
{
	for (size_t k = 0; k < i->n_vteps; k++)
		if (reply_match_ip(r, ARG_VTEP, &i->vteps[k]))
			return true;
	return reply_match_ip(r, ARG_VTEP, &i->vtep);
}

static bool match_mac(const struct reply *r, const struct evpn_mac_info *i)
{
	bool ip = !reply_has(r, ARG_IP);

	for (size_t k = 0; !ip && k < i->n_ips; k++)
		ip = reply_match_ip(r, ARG_IP, &i->ips[k]);
	return ip && reply_match_vni(r, i->vni) && reply_match_mac(r, &i->mac) && match_vtep(r, i);
}

static void print_mac(struct reply *r, const struct evpn_mac_info *i)
{
	struct json *j = reply_row(r);

	json_object(j, NULL);
	json_uint(j, "vni", i->vni);
	json_mac(j, "mac", &i->mac);
	json_str(j, "state", evpn_mac_state_name(i->state));
	json_ip(j, "vtep", &i->vtep);
	json_str(j, "esi", i->has_esi ? evpn_esi_str(i->esi).s : NULL);
	json_array(j, "vteps");
	for (size_t k = 0; k < i->n_vteps; k++)
		json_ip(j, NULL, &i->vteps[k]);
	json_array_end(j);
	json_str(j, "interface", interface_name(r, i->ifindex));
	json_uint(j, "sequence", i->sequence);
	json_bool(j, "sticky", i->sticky);
	json_array(j, "ips");
	for (size_t k = 0; k < i->n_ips; k++)
		json_ip(j, NULL, &i->ips[k]);
	json_array_end(j);
	json_str(j, "reason", i->reason);
	reply_age(r, "age_s", i->since);
	json_uint(j, "moves", i->moves);
	if (i->state == EVPN_MAC_DUPLICATE && i->recovers.us != MTIME_NEVER.us)
		json_uint(j, "recovery_s", (uint64_t)(mtime_diff_us(r->now, i->recovers) / 1000000));
	else
		json_null(j, "recovery_s");
	json_object_end(j);
}

static bool more_mac(struct reply *r)
{
	struct table_state *s = r->state;
	struct evpn_mac_info i;

	while (reply_step(r)) {
		if (!evpn_mac_next(r->d->evpn, &s->cursor, &i))
			return false;
		if (match_mac(r, &i))
			print_mac(r, &i);
	}
	return true;
}

const struct reply_ops show_mac = { sizeof(struct table_state), NULL, more_mac, NULL };

void show_arp_row(struct reply *r, struct json *j, const struct evpn_arp_info *i)
{
	json_object(j, NULL);
	json_uint(j, "vni", i->vni);
	json_ip(j, "ip", &i->ip);
	json_mac(j, "mac", &i->mac);
	json_str(j, "state", evpn_mac_state_name(i->state));
	json_ip(j, "vtep", &i->vtep);
	json_bool(j, "router", i->router);
	reply_age(r, "age_s", i->since);
	json_object_end(j);
}

static bool more_arp(struct reply *r)
{
	struct table_state *s = r->state;
	struct evpn_arp_info i;

	while (reply_step(r)) {
		if (!evpn_arp_next(r->d->evpn, &s->cursor, &i))
			return false;
		if (reply_match_vni(r, i.vni) && reply_match_mac(r, &i.mac) && reply_match_ip(r, ARG_IP, &i.ip) &&
		    reply_match_ip(r, ARG_VTEP, &i.vtep))
			show_arp_row(r, reply_row(r), &i);
	}
	return true;
}

const struct reply_ops show_arp = { sizeof(struct table_state), NULL, more_arp, NULL };

/* ---- show vtep --------------------------------------------------------------------------------------------------- */

struct vtep_state {
	struct ip last;
};

static bool more_vtep(struct reply *r)
{
	struct vtep_state *s = r->state;
	struct evpn_vtep_info i;
	struct json *j;

	while (reply_step(r)) {
		if (!evpn_vtep_next(r->d->evpn, &s->last, &i))
			return false;
		s->last = i.vtep;
		j = reply_row(r);
		json_object(j, NULL);
		json_ip(j, "vtep", &i.vtep);
		json_uint(j, "vnis", i.vnis);
		json_uint(j, "macs", i.macs);
		json_object_end(j);
	}
	return true;
}

const struct reply_ops show_vtep = { sizeof(struct vtep_state), NULL, more_vtep, NULL };

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * An EVPN route as JSON members: what its NLRI, its extended communities and its PMSI tunnel say. Attributes that
 * every family has (next hop, path, preference) are printed by who shows the route.
 */
#include "evpn/print.h"

#include <stdio.h>

#include "evpn/ec.h"
#include "evpn/nlri.h"
#include "include/evpn.h"

static const char *const encap_names[] = {
	[EVPN_ENCAP_VXLAN] = "vxlan",       [EVPN_ENCAP_NVGRE] = "nvgre",
	[EVPN_ENCAP_MPLS] = "mpls",         [EVPN_ENCAP_MPLS_GRE] = "mpls-in-gre",
	[EVPN_ENCAP_VXLAN_GPE] = "vxlan-gpe", [EVPN_ENCAP_GENEVE] = "geneve",
};

static void print_mac(struct json *j, const char *name, const struct mac *m, bool present)
{
	json_mac(j, name, present ? m : NULL);
}

static void print_label(struct json *j, const char *name, uint32_t label, bool present)
{
	if (present)
		json_uint(j, name, label);
	else
		json_null(j, name);
}

static void print_prefix(struct json *j, const struct evpn_nlri *n)
{
	char text[sizeof(struct ip_str) + 4];

	if (n->type != EVPN_PREFIX) {
		json_null(j, "prefix");
		return;
	}
	snprintf(text, sizeof(text), "%s/%u", ip_str(&n->ip).s, n->prefix_len);
	json_str(j, "prefix", text);
}

/* The VNI that traffic of this route takes: label 1, or the label of the PMSI tunnel for a flood list entry. */
static void print_vnis(struct json *j, const struct evpn_nlri *n, const struct bgp_attrs *a)
{
	struct evpn_pmsi pmsi;
	bool flood = n->type == EVPN_IMET && evpn_pmsi_read(a->pmsi, a->pmsi_len, &pmsi);
	bool labelled = (n->type == EVPN_AD || n->type == EVPN_MAC_IP || n->type == EVPN_PREFIX) && a->shared_len;

	print_label(j, "vni", flood ? pmsi.label : n->label, flood || labelled);
	print_label(j, "vni2", n->label2, n->has_label2);
}

/* Of a type that is not read: all octets, those of the key first. */
static void print_octets(struct json *j, const uint8_t *key, size_t key_len, const struct bgp_attrs *a)
{
	uint8_t all[BGP_KEY_MAX + BGP_SHARED_MAX];
	struct wbuf w = wb_init(all, sizeof(all));

	wb_bytes(&w, key + 1, key_len - 1);
	wb_bytes(&w, a->shared, a->shared_len);
	json_hex(j, "nlri", all, wb_len(&w));
}

void evpn_route_print(struct json *j, const uint8_t *key, size_t key_len, const struct bgp_attrs *a)
{
	bool has_esi, has_tag;
	struct evpn_nlri n;

	json_uint(j, "type", key[0]);
	if (!evpn_nlri_parse(key, key_len, a->shared, a->shared_len, &n))
		n = (struct evpn_nlri){ .type = key[0] };
	has_esi = n.type == EVPN_AD || n.type == EVPN_MAC_IP || n.type == EVPN_ES || n.type == EVPN_PREFIX;
	has_tag = n.type == EVPN_AD || n.type == EVPN_MAC_IP || n.type == EVPN_IMET || n.type == EVPN_PREFIX;
	json_str(j, "rd", has_esi || has_tag ? evpn_rd_str(n.rd).s : NULL);
	json_str(j, "esi", has_esi ? evpn_esi_str(n.esi).s : NULL);
	print_label(j, "ethernet_tag", n.tag, has_tag);
	print_mac(j, "mac", &n.mac, n.type == EVPN_MAC_IP);
	json_ip(j, "ip", n.type == EVPN_MAC_IP ? &n.ip : NULL);
	print_prefix(j, &n);
	json_ip(j, "gateway", n.type == EVPN_PREFIX ? &n.gateway : NULL);
	json_ip(j, "originator", n.type == EVPN_IMET || n.type == EVPN_ES ? &n.ip : NULL);
	print_vnis(j, &n, a);
	if (has_esi || has_tag)
		json_null(j, "nlri");
	else
		print_octets(j, key, key_len, a);
}

static void print_route_targets(struct json *j, const struct bgp_attrs *a)
{
	const uint8_t *rt = NULL;
	struct evpn_str text;

	json_array(j, "route_targets");
	while ((rt = evpn_ec_next_rt(a, rt)))
		if (evpn_rt_str(rt, &text))
			json_str(j, NULL, text.s);
	json_array_end(j);
}

static void print_encapsulation(struct json *j, const uint8_t *ec)
{
	unsigned type = (unsigned)ec[6] << 8 | ec[7];
	const char *name = type < sizeof(encap_names) / sizeof(*encap_names) ? encap_names[type] : NULL;
	char number[8];

	snprintf(number, sizeof(number), "%u", type);
	json_str(j, NULL, name ? name : number);
}

static void print_encapsulations(struct json *j, const struct bgp_attrs *a, const struct evpn_ec *ec)
{
	if (!evpn_ec_has(ec, EVPN_EC_ENCAP)) {
		json_null(j, "encapsulation");
		return;
	}
	json_array(j, "encapsulation");
	for (size_t at = 0; at + EVPN_EC_LEN <= a->ext_communities_len; at += EVPN_EC_LEN)
		if (evpn_ec_kind(a->ext_communities + at) == EVPN_EC_ENCAP)
			print_encapsulation(j, a->ext_communities + at);
	json_array_end(j);
}

static void print_mobility(struct json *j, const struct evpn_ec *ec)
{
	if (!evpn_ec_has(ec, EVPN_EC_MOBILITY)) {
		json_null(j, "mac_mobility");
		return;
	}
	json_object(j, "mac_mobility");
	json_uint(j, "sequence", ec->sequence);
	json_bool(j, "sticky", ec->sticky);
	json_object_end(j);
}

static void print_esi_label(struct json *j, const struct evpn_ec *ec)
{
	if (!evpn_ec_has(ec, EVPN_EC_ESI_LABEL)) {
		json_null(j, "esi_label");
		return;
	}
	json_object(j, "esi_label");
	json_uint(j, "label", ec->esi_label);
	json_bool(j, "single_active", ec->single_active);
	json_object_end(j);
}

static void print_nd(struct json *j, const struct evpn_ec *ec)
{
	if (!evpn_ec_has(ec, EVPN_EC_ND)) {
		json_null(j, "nd_flags");
		return;
	}
	json_object(j, "nd_flags");
	json_bool(j, "router", ec->nd_flags & EVPN_ND_ROUTER);
	json_bool(j, "override", ec->nd_flags & EVPN_ND_OVERRIDE);
	json_bool(j, "immutable", ec->nd_flags & EVPN_ND_IMMUTABLE);
	json_object_end(j);
}

/* What the members above do not tell: communities that we do not know, and those that lost to an earlier, other one. */
static void print_others(struct json *j, const struct bgp_attrs *a)
{
	const uint8_t *first[EVPN_EC_ND + 1] = { NULL };

	json_array(j, "ext_communities_other");
	for (size_t at = 0; at + EVPN_EC_LEN <= a->ext_communities_len; at += EVPN_EC_LEN) {
		const uint8_t *ec = a->ext_communities + at;
		enum evpn_ec_kind kind = evpn_ec_kind(ec);

		if (kind == EVPN_EC_RT || kind == EVPN_EC_ENCAP)
			continue;
		if (kind == EVPN_EC_OTHER || (first[kind] && memcmp(first[kind], ec, EVPN_EC_LEN)))
			json_hex(j, NULL, ec, EVPN_EC_LEN);
		else
			first[kind] = ec;
	}
	json_array_end(j);
}

static void print_pmsi(struct json *j, const struct bgp_attrs *a)
{
	struct evpn_pmsi pmsi;

	if (!evpn_pmsi_read(a->pmsi, a->pmsi_len, &pmsi)) {
		json_null(j, "pmsi");
		return;
	}
	json_object(j, "pmsi");
	json_uint(j, "tunnel_type", pmsi.type);
	json_uint(j, "vni", pmsi.label);
	json_ip(j, "endpoint", &pmsi.endpoint);
	json_ip(j, "group", &pmsi.group);
	json_object_end(j);
}

void evpn_attrs_print(struct json *j, const struct bgp_attrs *a)
{
	struct evpn_ec ec;

	evpn_ec_read(a, &ec);
	print_route_targets(j, a);
	print_encapsulations(j, a, &ec);
	print_mobility(j, &ec);
	json_bool(j, "default_gateway", evpn_ec_has(&ec, EVPN_EC_DEFAULT_GATEWAY));
	print_mac(j, "router_mac", &ec.router_mac, evpn_ec_has(&ec, EVPN_EC_ROUTER_MAC));
	print_esi_label(j, &ec);
	print_mac(j, "es_import", &ec.es_import, evpn_ec_has(&ec, EVPN_EC_ES_IMPORT));
	print_nd(j, &ec);
	print_others(j, a);
	print_pmsi(j, a);
}

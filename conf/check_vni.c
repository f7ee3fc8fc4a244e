/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The checks of VNIs. The names of their interfaces are check_device.c's. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/check.h"

static int cmp_ip(const void *a, const void *b)
{
	return ip_cmp(a, b);
}

static int cmp_rt(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct config_rt));
}

static int cmp_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int cmp_host_mac(const void *a, const void *b)
{
	const struct config_host *x = a, *y = b;

	return memcmp(&x->mac, &y->mac, sizeof(x->mac));
}

/* A list of scalars, each once. */
static void check_once(struct load *ld, uint32_t m, const char *key, const void *items, size_t size, size_t n,
		       entry_cmp cmp)
{
	struct entry *e = xcalloc(n + 1, sizeof(*e));
	uint32_t item = mark_items(ld, m, key);
	size_t used = 0;

	for (size_t i = 0; item; i++, item = mark_at(ld, item)->next)
		if (!mark_at(ld, item)->bad)
			e[used++] = (struct entry){ (const char *)items + i * size, item };
	entry_sort(e, used, cmp);
	for (size_t i = 1; i < used; i++)
		if (!cmp(e[i - 1].value, e[i].value))
			load_error(ld, e[i].mark, "expected each item once, found it again (before: line %u)",
				   mark_at(ld, e[i - 1].mark)->line);
	free(e);
}

/* ---- a VNI ------------------------------------------------------------------------------------------------------- */

/* An address belongs to one host. */
static void check_host_ips(struct load *ld, const struct config_vni *v, uint32_t m)
{
	struct entry *e = xcalloc(v->n_hosts + 1, sizeof(*e));
	uint32_t item = mark_items(ld, m, "hosts");
	size_t used = 0;

	for (size_t i = 0; item; i++, item = mark_at(ld, item)->next)
		if (mark_good(ld, item, "ip"))
			e[used++] = (struct entry){ &v->hosts[i].ip, item };
	entry_sort(e, used, cmp_ip);
	for (size_t i = 1; i < used; i++)
		if (!cmp_ip(e[i - 1].value, e[i].value))
			load_error_key(ld, e[i].mark, "ip", 0,
				       "expected an address of its own, found %s again (before: line %u)",
				       ip_str(e[i].value).s, check_line(ld, e[i - 1].mark, "ip"));
	free(e);
}

static void check_same_mac(struct load *ld, const struct entry *before, const struct entry *again)
{
	const struct config_host *a = before->value, *b = again->value;
	unsigned line = check_line(ld, before->mark, "mac");

	if (!ip_eq(&a->vtep, &b->vtep))
		load_error_key(ld, again->mark, "vtep", 0, "expected %s as for the same MAC on line %u, found %s",
			       ip_str(&a->vtep).s, line, ip_str(&b->vtep).s);
	else if (!a->ip.len && !b->ip.len)
		load_error_key(ld, again->mark, "mac", 0, "expected a host once, found it again (before: line %u)",
			       line);
}

/* A host may have several addresses, so its MAC may be there several times, at one place. */
static void check_host_macs(struct load *ld, const struct config_vni *v, uint32_t m)
{
	struct entry *e = xcalloc(v->n_hosts + 1, sizeof(*e));
	uint32_t item = mark_items(ld, m, "hosts");
	size_t used = 0;

	for (size_t i = 0; item; i++, item = mark_at(ld, item)->next)
		if (mark_good(ld, item, "mac") && mark_good(ld, item, "vtep"))
			e[used++] = (struct entry){ &v->hosts[i], item };
	entry_sort(e, used, cmp_host_mac);
	for (size_t i = 1; i < used; i++)
		if (!cmp_host_mac(e[i - 1].value, e[i].value))
			check_same_mac(ld, &e[i - 1], &e[i]);
	free(e);
}

/* Outer addresses of one VNI are of one family. */
static void check_family(struct load *ld, uint32_t m, const struct ip *a)
{
	const struct ip *vtep = &ld->config->vtep;

	if (!mark_at(ld, m)->bad && a->len && a->len != vtep->len)
		load_error(ld, m, "expected an %s address as vtep, found %s", vtep->len == 4 ? "IPv4" : "IPv6",
			   ip_str(a).s);
}

static void check_families(struct load *ld, const struct config_vni *v, uint32_t m)
{
	uint32_t item = mark_items(ld, m, "flood");

	if (!mark_good(ld, MARK_ROOT, "vtep"))
		return;
	if (mark_key(ld, m, "group"))
		check_family(ld, mark_key(ld, m, "group"), &v->group);
	for (size_t i = 0; item; i++, item = mark_at(ld, item)->next)
		check_family(ld, item, &v->flood[i]);
	item = mark_items(ld, m, "hosts");
	for (size_t i = 0; item; i++, item = mark_at(ld, item)->next)
		if (mark_good(ld, item, "vtep"))
			check_family(ld, mark_key(ld, item, "vtep"), &v->hosts[i].vtep);
}

static void need_key(struct load *ld, uint32_t m, const char *key, uint32_t at, const char *what, enum config_mode mode)
{
	load_error_key(ld, m, key, at, "expected %s, which mode %s needs, found none", what, config_mode_name(mode));
}

static void check_mode_keys(struct load *ld, const struct config_vni *v, uint32_t m)
{
	bool multicast = v->mode == CONFIG_MODE_MULTICAST;

	if (!multicast && v->mode != CONFIG_MODE_EVPN && mark_good(ld, m, "group"))
		load_error_key(ld, m, "group", m, "expected none in mode %s, which does not flood to a group",
			       config_mode_name(v->mode));
	if ((multicast || v->mode == CONFIG_MODE_STATIC_L3) && v->n_flood && mark_not_bad(ld, m, "flood"))
		load_error_key(ld, m, "flood", m, "expected none in mode %s, which %s", config_mode_name(v->mode),
			       multicast ? "floods to its group" : "never floods");
}

static void check_mode_needs(struct load *ld, const struct config_vni *v, uint32_t m)
{
	uint32_t item = mark_items(ld, m, "hosts"), at = mark_key(ld, m, "mode");

	switch (v->mode) {
	case CONFIG_MODE_MULTICAST:
		if (!mark_key(ld, m, "group"))
			need_key(ld, m, "group", at, "a multicast address", v->mode);
		break;
	case CONFIG_MODE_STATIC_FLOOD:
		if (!v->n_flood && mark_not_bad(ld, m, "flood"))
			need_key(ld, m, "flood", at, "the addresses of VTEPs", v->mode);
		break;
	case CONFIG_MODE_STATIC_L3:
		if (!v->n_hosts && mark_not_bad(ld, m, "hosts"))
			need_key(ld, m, "hosts", at, "hosts", v->mode);
		for (; item; item = mark_at(ld, item)->next)
			if (!mark_at(ld, item)->bad && !mark_key(ld, item, "ip"))
				need_key(ld, item, "ip", item, "the address of the host", v->mode);
		break;
	case CONFIG_MODE_DYNAMIC_L2:
	case CONFIG_MODE_DYNAMIC_L3:
		if (v->resolver == CONFIG_RESOLVER_NONE && mark_not_bad(ld, m, "resolver"))
			need_key(ld, m, "resolver", at, "rib, {file: PATH} or {command: [PROGRAM, ARGUMENT]}", v->mode);
		break;
	case CONFIG_MODE_STATIC_L2: /* hosts may all come by `evpnctl mac add` */
	case CONFIG_MODE_EVPN:
		break;
	}
}

/* ARP goes nowhere in this mode, so that someone has to answer it. */
static void check_proxy(struct load *ld, const struct config_vni *v, uint32_t m)
{
	if ((v->mode == CONFIG_MODE_STATIC_L3 || v->mode == CONFIG_MODE_DYNAMIC_L3) && v->bridge && !v->arp_suppression)
		load_error_key(ld, m, "arp-suppression", m, "expected true in mode %s, where ARP is answered here",
			       config_mode_name(v->mode));
}

/* What is known of addresses for the one makes rows for the other. */
static void check_rsc(struct load *ld, const struct config_vni *v, uint32_t m)
{
	if (v->rsc && !v->arp_suppression && mark_good(ld, m, "rsc"))
		load_error_key(ld, m, "arp-suppression", m,
			       "expected true with rsc, which needs to know where addresses are");
}

static bool is_dynamic(const struct config_vni *v)
{
	return v->mode == CONFIG_MODE_DYNAMIC_L2 || v->mode == CONFIG_MODE_DYNAMIC_L3;
}

static void check_resolver(struct load *ld, const struct config_vni *v, uint32_t m)
{
	if (v->resolver_file && v->resolver_command) {
		load_error_key(ld, m, "resolver", m, "expected one of file and command, found both");
		return;
	}
	if (v->resolver_file && v->resolver_file[0] != '/')
		load_error_key(ld, m, "resolver", m, "expected a path from the root for file, found \"%s\"",
			       v->resolver_file);
	if (v->resolver_command && v->resolver_command[0] && v->resolver_command[0][0] != '/')
		load_error_key(ld, m, "resolver", m, "expected a path from the root for the program, found \"%s\"",
			       v->resolver_command[0]);
}

/* Is anybody named to be asked who is not? Mode evpn goes by the RIB as it is. */
static bool has_idle_resolver(const struct config_vni *v)
{
	return v->resolver != CONFIG_RESOLVER_NONE &&
	       !(v->mode == CONFIG_MODE_EVPN && v->resolver == CONFIG_RESOLVER_RIB);
}

/* Rows on demand: what asks is a frame that finds no row. */
static void check_dynamic(struct load *ld, const struct config_vni *v, uint32_t m)
{
	if (!is_dynamic(v)) {
		if (has_idle_resolver(v) && mark_not_bad(ld, m, "mode"))
			load_error_key(ld, m, "resolver", m, "expected none in mode %s, which asks nobody",
				       config_mode_name(v->mode));
		if (v->n_groups && mark_not_bad(ld, m, "groups"))
			load_error_key(ld, m, "groups", m,
				       "expected none in mode %s, which floods all multicast alike or none",
				       config_mode_name(v->mode));
		return;
	}
	if (v->unknown_unicast_drop)
		load_error_key(ld, m, "unknown-unicast", m,
			       "expected flood in mode %s: frames to unknown addresses are what asks",
			       config_mode_name(v->mode));
	if (v->n_groups && !v->n_flood && v->resolver != CONFIG_RESOLVER_RIB && mark_not_bad(ld, m, "groups"))
		load_error_key(ld, m, "groups", m, "expected VTEPs in flood for them, found none");
}

static void check_drop(struct load *ld, const struct config_vni *v, uint32_t m)
{
	if (v->unknown_unicast_drop && !v->bridge && ld->config->dataplane == CONFIG_DP_KERNEL)
		load_error_key(ld, m, "unknown-unicast", m, "expected flood without a bridge, which is what drops");
}

static void check_source(struct load *ld, const struct config_vni *v, uint32_t m)
{
	if (!v->check_source || !mark_good(ld, m, "check-source"))
		return;
	if (ld->config->dataplane == CONFIG_DP_KERNEL)
		load_error_key(ld, m, "check-source", m,
			       "expected dataplane userspace with it, which sees where packets are from");
	else if (v->mode == CONFIG_MODE_MULTICAST)
		load_error_key(ld, m, "check-source", m,
			       "expected false in mode multicast, where VTEPs are known by their packets");
	else if (v->group.len)
		load_error_key(ld, m, "check-source", m,
			       "expected false with a group, where VTEPs flood that no route goes to");
}

/* PIM-SM says how the group is got at (RFC 8365 5.1.3), so whoever sends to it is heard: no group of RFC 4607. */
static bool is_source_specific(const struct ip *group)
{
	return group->len == 4 ? group->b[0] == 232
			       : group->len == 16 && (group->b[1] & 0xf0) == 0x30 && !group->b[2] && !group->b[3];
}

/* How frames for many and for unknown addresses get to other VTEPs in mode evpn. */
static void check_flooding(struct load *ld, const struct config_vni *v, uint32_t m)
{
	bool said = mark_good(ld, m, "flood-control");

	if (v->mode != CONFIG_MODE_EVPN) {
		if (said && v->flooding != (v->group.len ? CONFIG_FLOODING_MULTICAST : CONFIG_FLOODING_INGRESS) &&
		    mark_not_bad(ld, m, "mode"))
			load_error_key(ld, m, "flood-control", m, "expected none in mode %s, which says how it floods",
				       config_mode_name(v->mode));
		return;
	}
	if (said && v->flooding == CONFIG_FLOODING_MULTICAST && !v->group.len && mark_not_bad(ld, m, "group"))
		load_error_key(ld, m, "flood-control", m, "expected a group to flood to with multicast, found none");
	if (v->flooding != CONFIG_FLOODING_MULTICAST && v->group.len && mark_good(ld, m, "group"))
		load_error_key(ld, m, "group", m, "expected none with flood-control %s",
			       config_flooding_name(v->flooding));
	if (v->flooding == CONFIG_FLOODING_MULTICAST && is_source_specific(&v->group) && mark_good(ld, m, "group"))
		load_error_key(ld, m, "group", m,
			       "expected a group that is joined for all sources, found the source-specific %s",
			       ip_str(&v->group).s);
	if (v->flooding == CONFIG_FLOODING_OFF && v->n_flood && mark_not_bad(ld, m, "flood"))
		load_error_key(ld, m, "flood", m, "expected none with flood-control off");
}

/* What is above a limit is not advertised, so that something has to be. */
static void check_limits(struct load *ld, const struct config_vni *v, uint32_t m)
{
	uint32_t item = mark_items(ld, m, "ports");
	bool advertises = v->mode == CONFIG_MODE_EVPN || (is_dynamic(v) && v->resolver == CONFIG_RESOLVER_RIB);

	for (size_t i = 0; item; i++, item = mark_at(ld, item)->next) {
		if (!mark_good(ld, item, "mac-limit"))
			continue;
		if (!advertises && mark_not_bad(ld, m, "mode"))
			load_error_key(ld, item, "mac-limit", item,
				       "expected none in mode %s, which advertises no MACs", config_mode_name(v->mode));
		else if (v->mac_limit && v->ports[i].mac_limit > v->mac_limit)
			load_error_key(ld, item, "mac-limit", item, "expected at most that of the VNI, %u, found %u",
				       v->mac_limit, v->ports[i].mac_limit);
	}
	if (!advertises && mark_good(ld, m, "mac-limit") && mark_not_bad(ld, m, "mode"))
		load_error_key(ld, m, "mac-limit", m, "expected none in mode %s, which advertises no MACs",
			       config_mode_name(v->mode));
}

static void check_vni(struct load *ld, const struct config_vni *v, uint32_t m)
{
	check_mode_needs(ld, v, m);
	check_mode_keys(ld, v, m);
	check_proxy(ld, v, m);
	check_rsc(ld, v, m);
	check_drop(ld, v, m);
	check_source(ld, v, m);
	check_resolver(ld, v, m);
	check_dynamic(ld, v, m);
	check_flooding(ld, v, m);
	check_limits(ld, v, m);
	check_families(ld, v, m);
	check_once(ld, m, "flood", v->flood, sizeof(*v->flood), v->n_flood, cmp_ip);
	check_once(ld, m, "groups", v->groups, sizeof(*v->groups), v->n_groups, cmp_ip);
	check_once(ld, m, "import", v->imports, sizeof(*v->imports), v->n_imports, cmp_rt);
	check_once(ld, m, "export", v->exports, sizeof(*v->exports), v->n_exports, cmp_rt);
	check_host_ips(ld, v, m);
	check_host_macs(ld, v, m);
	if (!v->bridge && v->n_ports && mark_not_bad(ld, m, "bridge") && ld->config->dataplane == CONFIG_DP_KERNEL)
		load_error_key(ld, m, "ports", m, "expected no ports without a bridge, found %zu", v->n_ports);
}

/* ---- VNIs beside each other -------------------------------------------------------------------------------------- */

struct rd_of_vni {
	uint8_t rd[8];
	uint32_t tag, vni;
};

static int cmp_rd(const void *a, const void *b)
{
	const struct rd_of_vni *x = a, *y = b;
	int d = memcmp(x->rd, y->rd, 8);

	return d ? d : x->tag < y->tag ? -1 : x->tag > y->tag;
}

/* rd: auto is known here up to VNI 65535: ROUTER-ID:VNI (RFC 7432 7.9). */
static bool rd_of_vni(const struct config *c, const struct config_vni *v, struct rd_of_vni *out)
{
	out->vni = v->vni;
	out->tag = v->ethernet_tag;
	memcpy(out->rd, v->rd.b, 8);
	if (!v->rd.is_auto)
		return true;
	out->rd[1] = 1;
	for (int i = 0; i < 4; i++)
		out->rd[2 + i] = (uint8_t)(c->router_id >> (24 - 8 * i));
	out->rd[6] = (uint8_t)(v->vni >> 8);
	out->rd[7] = (uint8_t)v->vni;
	return c->router_id && v->vni <= UINT16_MAX;
}

static void check_rds(struct load *ld)
{
	const struct config *c = ld->config;
	struct entry *e = xcalloc(c->n_vnis + 1, sizeof(*e));
	struct rd_of_vni *rds = xcalloc(c->n_vnis + 1, sizeof(*rds));
	uint32_t m = mark_items(ld, MARK_ROOT, "vnis");
	size_t used = 0;

	for (size_t i = 0; m; i++, m = mark_at(ld, m)->next) {
		if (!mark_good(ld, m, "vni") || !mark_not_bad(ld, m, "rd") || !rd_of_vni(c, &c->vnis[i], &rds[used]))
			continue;
		e[used] = (struct entry){ &rds[used], m };
		used++;
	}
	entry_sort(e, used, cmp_rd);
	for (size_t i = 1; i < used; i++) {
		const struct rd_of_vni *a = e[i - 1].value, *b = e[i].value;

		if (!cmp_rd(e[i - 1].value, e[i].value) && a->vni != b->vni)
			load_error_key(ld, e[i].mark, "rd", e[i].mark,
				       "expected a route distinguisher or an ethernet-tag of its own, found those of "
				       "VNI %u (line %u)",
				       a->vni, mark_at(ld, e[i - 1].mark)->line);
	}
	free(rds);
	free(e);
}

static void check_numbers(struct load *ld)
{
	const struct config *c = ld->config;
	struct entry *e = xcalloc(c->n_vnis + 1, sizeof(*e));
	uint32_t m = mark_items(ld, MARK_ROOT, "vnis");
	size_t used = 0;

	for (size_t i = 0; m; i++, m = mark_at(ld, m)->next)
		if (mark_good(ld, m, "vni"))
			e[used++] = (struct entry){ &c->vnis[i].vni, m };
	entry_sort(e, used, cmp_number);
	for (size_t i = 1; i < used; i++)
		if (!cmp_number(e[i - 1].value, e[i].value))
			load_error_key(ld, e[i].mark, "vni", 0,
				       "expected a number of its own, found %u again (before: line %u)",
				       *(const uint32_t *)e[i].value, check_line(ld, e[i - 1].mark, "vni"));
	free(e);
}

void check_vnis(struct load *ld)
{
	const struct config *c = ld->config;
	uint32_t m = mark_items(ld, MARK_ROOT, "vnis");

	for (size_t i = 0; m; i++, m = mark_at(ld, m)->next)
		if (!mark_at(ld, m)->bad)
			check_vni(ld, &c->vnis[i], m);
	check_numbers(ld);
	check_rds(ld);
}

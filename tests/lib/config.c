/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/lib/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- equality ---------------------------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : !a && !b;
}

#define SAME(field)                                                                                                    \
	do {                                                                                                           \
		if (a->field != b->field)                                                                              \
			return #field;                                                                                 \
	} while (0)
#define SAME_TEXT(field)                                                                                               \
	do {                                                                                                           \
		if (!same_text(a->field, b->field))                                                                    \
			return #field;                                                                                 \
	} while (0)
#define SAME_IP(field)                                                                                                 \
	do {                                                                                                           \
		if (!ip_eq(&a->field, &b->field))                                                                      \
			return #field;                                                                                 \
	} while (0)
#define SAME_ITEMS(list, n, difference)                                                                                \
	do {                                                                                                           \
		if (a->n != b->n)                                                                                      \
			return #n;                                                                                     \
		for (size_t i_ = 0; i_ < a->n; i_++) {                                                                 \
			const char *d_ = difference(&a->list[i_], &b->list[i_]);                                       \
			if (d_)                                                                                        \
				return d_;                                                                             \
		}                                                                                                      \
	} while (0)

static const char *listen_difference(const struct config_listen *a, const struct config_listen *b)
{
	SAME_IP(address);
	SAME(port);
	return NULL;
}

static const char *neighbor_difference(const struct config_neighbor *a, const struct config_neighbor *b)
{
	SAME_IP(address);
	SAME(asn);
	SAME_TEXT(description);
	SAME(family_evpn);
	SAME(passive);
	SAME(port);
	SAME(hold_time);
	SAME_TEXT(password);
	SAME_TEXT(password_file);
	SAME(ttl_security);
	SAME(route_reflector_client);
	SAME(max_prefixes);
	SAME(max_prefixes_warning);
	SAME(max_prefixes_restart);
	SAME(role);
	SAME(add_path);
	SAME(add_path_best);
	return NULL;
}

static const char *rt_difference(const struct config_rt *a, const struct config_rt *b)
{
	SAME(is_auto);
	return memcmp(a->b, b->b, 8) ? "route target" : NULL;
}

static const char *port_difference(const struct config_port *a, const struct config_port *b)
{
	SAME_TEXT(name);
	SAME(tap);
	SAME(vlan);
	SAME(mac_limit);
	return NULL;
}

static const char *host_difference(const struct config_host *a, const struct config_host *b)
{
	if (!mac_eq(&a->mac, &b->mac))
		return "mac";
	SAME_IP(ip);
	SAME_IP(vtep);
	SAME(router);
	return NULL;
}

static const char *flood_difference(const struct ip *a, const struct ip *b)
{
	return ip_eq(a, b) ? NULL : "flood";
}

static const char *command_difference(char *const *a, char *const *b)
{
	if (!a || !b)
		return a == b ? NULL : "resolver_command";
	for (; *a && *b; a++, b++)
		if (strcmp(*a, *b) != 0)
			return "resolver_command";
	return *a == *b ? NULL : "resolver_command";
}

static const char *vni_difference(const struct config_vni *a, const struct config_vni *b)
{
	SAME(vni);
	SAME(mode);
	SAME_TEXT(bridge);
	SAME_TEXT(vxlan);
	SAME_ITEMS(ports, n_ports, port_difference);
	SAME(vlan);
	SAME(vxlan_port);
	SAME_TEXT(underlay);
	SAME(rd.is_auto);
	if (memcmp(a->rd.b, b->rd.b, 8) != 0)
		return "rd";
	SAME_ITEMS(imports, n_imports, rt_difference);
	SAME_ITEMS(exports, n_exports, rt_difference);
	SAME(arp_suppression);
	SAME(mac_limit);
	SAME(flooding);
	SAME_IP(group);
	SAME_ITEMS(flood, n_flood, flood_difference);
	SAME(ageing);
	SAME_ITEMS(groups, n_groups, flood_difference);
	SAME(unknown_unicast_drop);
	SAME(inner_tags_drop);
	SAME(rsc);
	SAME(resolver);
	SAME_TEXT(resolver_file);
	SAME_ITEMS(hosts, n_hosts, host_difference);
	return command_difference(a->resolver_command, b->resolver_command);
}

const char *config_difference(const struct config *a, const struct config *b)
{
	SAME(asn);
	SAME(router_id);
	SAME(cluster_id);
	SAME_IP(vtep);
	SAME(vxlan_port);
	SAME_TEXT(underlay);
	SAME_ITEMS(listen, n_listen, listen_difference);
	SAME(dataplane);
	SAME(restart_time);
	SAME(restart_rows);
	SAME(restart_long_lived);
	SAME_TEXT(control_group);
	SAME(log_level);
	SAME(memory_limit);
	SAME(reflect_unknown);
	SAME_ITEMS(neighbors, n_neighbors, neighbor_difference);
	SAME_ITEMS(vnis, n_vnis, vni_difference);
	return NULL;
}

/* ---- random ------------------------------------------------------------------------------------------------------ */

static bool chance(struct rng *r, uint32_t one_in)
{
	return !rng_below(r, one_in);
}

static uint32_t between(struct rng *r, uint32_t min, uint32_t max)
{
	return min + (uint32_t)((rng_u64(r) >> 1) % ((uint64_t)max - min + 1));
}

/* Words that trip readers of YAML, and characters of one to four octets. */
static char *random_text(struct rng *r, size_t max, bool controls)
{
	static const char *const words[] = {
		"true", "null", "~", "-", "yes", "1.5", "0x10", "12:30", "#", ": ", "\"", "\\", "'", "a: b", " ", "[",
		"{", "&a", "*a", "!t", "%", "@", "`", "\u00e4", "\u00a0", "\xc2\x85", "\u2028", "\ufeff", "\ufffd",
		"\U0001f600", "plain-word", "/a/path.yaml"
	};
	char s[256] = "";
	size_t len = 0;

	for (uint32_t n = 1 + rng_below(r, 4); n; n--) {
		const char *w = words[rng_below(r, sizeof(words) / sizeof(*words))];

		if (len + strlen(w) <= max) {
			strcpy(s + len, w);
			len += strlen(w);
		}
	}
	if (controls && len < max && chance(r, 3))
		s[len++] = (char)between(r, 1, 31);
	return xstrdup(len ? s : "x");
}

static char *random_name(struct rng *r, const char *prefix, uint32_t n)
{
	static const char *const tails[] = { "", ".100", "@x", "-", "\u00e4", "#" };
	char s[16];

	snprintf(s, sizeof(s), "%s%u%s", prefix, n, tails[rng_below(r, sizeof(tails) / sizeof(*tails))]);
	return xstrdup(s);
}

static struct ip random_ip(struct rng *r, unsigned len)
{
	uint8_t b[16] = { 0x20, 0x01, 0x0d, 0xb8 };

	if (len == 4)
		return ip_v4(between(r, 0x0a000001, 0x0afffffe));
	for (size_t i = 4; i < 16; i++)
		b[i] = chance(r, 2) ? 0 : (uint8_t)rng_u64(r);
	b[15] |= 1;
	return ip_from_bytes(b, 16);
}

/* The i-th of its list, so that it is there once. */
static struct ip random_ip_of(struct rng *r, unsigned len, size_t i)
{
	struct ip a = random_ip(r, len);

	a.b[len - 2] = (uint8_t)(i + 1);
	return a;
}

/* AS2, IPv4 or AS4 administrator, as conf reads it: an AS that fits into two octets stands in two. */
static void random_admin(struct rng *r, uint8_t *kind, uint8_t b[6])
{
	for (size_t i = 0; i < 6; i++)
		b[i] = (uint8_t)rng_u64(r);
	*kind = (uint8_t)rng_below(r, 3);
	if (*kind == 2)
		b[0] |= 1;
}

static void random_rts(struct rng *r, struct config_rt **rts, size_t *n)
{
	*n = chance(r, 2) ? 1 : rng_below(r, 4);
	*rts = xcalloc(*n + 1, sizeof(**rts));
	for (size_t i = 0; i < *n; i++) {
		struct config_rt *rt = &(*rts)[i];

		if (!i && chance(r, 2)) {
			rt->is_auto = true;
			continue;
		}
		random_admin(r, &rt->b[0], rt->b + 2);
		rt->b[1] = 2;
	}
}

static char *random_path(struct rng *r)
{
	char *text = random_text(r, 100, false), *path = xcalloc(1, strlen(text) + 2);

	path[0] = '/';
	strcpy(path + 1, text);
	free(text);
	return path;
}

static bool is_dynamic(const struct config_vni *v)
{
	return v->mode == CONFIG_MODE_DYNAMIC_L2 || v->mode == CONFIG_MODE_DYNAMIC_L3;
}

static void random_resolver(struct rng *r, struct config_vni *v)
{
	if (!is_dynamic(v))
		return;
	v->resolver = (enum config_resolver)(1 + rng_below(r, 3));
	if (v->resolver == CONFIG_RESOLVER_FILE)
		v->resolver_file = random_path(r);
	if (v->resolver == CONFIG_RESOLVER_COMMAND) {
		v->resolver_command = xcalloc(4, sizeof(char *));
		v->resolver_command[0] = random_path(r);
		for (uint32_t i = 1, n = 1 + rng_below(r, 3); i < n; i++)
			v->resolver_command[i] = random_text(r, 100, false);
	}
	v->n_groups = v->n_flood ? rng_below(r, 3) : 0;
	v->groups = xcalloc(v->n_groups + 1, sizeof(*v->groups));
	for (size_t i = 0; i < v->n_groups; i++)
		v->groups[i] = ip_v4(0xef000001 + (uint32_t)i);
}

static void random_ports(struct rng *r, struct config_vni *v)
{
	v->n_ports = rng_below(r, 4);
	v->ports = xcalloc(v->n_ports + 1, sizeof(*v->ports));
	for (size_t i = 0; i < v->n_ports; i++) {
		v->ports[i].name = random_name(r, chance(r, 2) ? "veth" : "eth", (uint32_t)i);
		v->ports[i].tap = chance(r, 3);
		v->ports[i].vlan = (uint16_t)(chance(r, 2) ? 0 : between(r, 1, 4094));
		v->ports[i].mac_limit = v->mac_limit && chance(r, 3) ? between(r, 1, v->mac_limit) : 0;
	}
}

static void random_hosts(struct rng *r, struct config_vni *v, unsigned len)
{
	v->n_hosts = chance(r, 3) ? rng_below(r, 200) : 0;
	v->n_hosts += v->mode == CONFIG_MODE_STATIC_L2 || v->mode == CONFIG_MODE_STATIC_L3;
	v->hosts = xcalloc(v->n_hosts + 1, sizeof(*v->hosts));
	for (size_t i = 0; i < v->n_hosts; i++) {
		struct config_host *h = &v->hosts[i];

		h->mac = (struct mac){ { 2, (uint8_t)rng_u64(r), (uint8_t)rng_u64(r), 0, 0, (uint8_t)i } };
		if (v->mode == CONFIG_MODE_STATIC_L3 || chance(r, 2))
			h->ip = random_ip_of(r, chance(r, 2) ? 4 : 16, i);
		h->vtep = random_ip(r, len);
		h->router = chance(r, 4);
	}
}

static void random_vni(struct rng *r, const struct config *c, struct config_vni *v, uint32_t i)
{
	static const uint8_t group[16] = { 0xff, 0x05, [15] = 1 };
	char name[16];

	v->vni = i * 1000 + between(r, 1, 999);
	v->mode = (enum config_mode)rng_below(r, 7);
	snprintf(name, sizeof(name), "br%u", v->vni);
	v->bridge = chance(r, 4) ? NULL : chance(r, 2) ? xstrdup(name) : random_name(r, "bridge", i);
	snprintf(name, sizeof(name), "vxlan%u", v->vni);
	v->vxlan = chance(r, 2) ? xstrdup(name) : random_name(r, "vx", i);
	v->mac_limit = v->mode == CONFIG_MODE_EVPN && chance(r, 2) ? between(r, 1, 1000000) : 0;
	random_ports(r, v);
	v->vlan = (uint16_t)(chance(r, 2) ? 0 : between(r, 1, 4094));
	v->vxlan_port = chance(r, 2) ? c->vxlan_port : (uint16_t)between(r, 1, 65535);
	v->underlay = c->underlay && chance(r, 2) ? xstrdup(c->underlay) : chance(r, 2) || c->underlay ?
			      random_name(r, "lo", i) : NULL;
	v->rd.is_auto = chance(r, 2);
	if (!v->rd.is_auto)
		random_admin(r, &v->rd.b[1], v->rd.b + 2);
	random_rts(r, &v->imports, &v->n_imports);
	random_rts(r, &v->exports, &v->n_exports);
	v->arp_suppression = v->mode == CONFIG_MODE_STATIC_L3 || v->mode == CONFIG_MODE_DYNAMIC_L3 || chance(r, 2);
	if (v->mode == CONFIG_MODE_MULTICAST || (v->mode == CONFIG_MODE_EVPN && chance(r, 3)))
		v->group = c->vtep.len == 4 ? ip_v4(between(r, 0xe0000001, 0xe7ffffff)) : ip_from_bytes(group, 16);
	v->flooding = v->group.len			      ? CONFIG_FLOODING_MULTICAST :
		      v->mode == CONFIG_MODE_EVPN && chance(r, 3) ? CONFIG_FLOODING_OFF :
								    CONFIG_FLOODING_INGRESS;
	v->n_flood = v->flooding != CONFIG_FLOODING_INGRESS                                 ? 0
		     : v->mode == CONFIG_MODE_STATIC_FLOOD                                  ? 1 + rng_below(r, 5)
		     : v->mode == CONFIG_MODE_MULTICAST || v->mode == CONFIG_MODE_STATIC_L3 ? 0
											    : rng_below(r, 3);
	v->flood = xcalloc(v->n_flood + 1, sizeof(*v->flood));
	for (size_t k = 0; k < v->n_flood; k++)
		v->flood[k] = random_ip_of(r, c->vtep.len, k);
	v->inner_tags_drop = chance(r, 3);
	v->unknown_unicast_drop = v->bridge && !is_dynamic(v) && chance(r, 3);
	v->rsc = v->arp_suppression && chance(r, 3);
	v->ageing = chance(r, 2) ? 300 : (uint16_t)between(r, 1, 32767);
	random_resolver(r, v);
	random_hosts(r, v, c->vtep.len);
}

static void random_neighbor(struct rng *r, const struct config *c, struct config_neighbor *n, uint32_t i)
{
	n->address = random_ip_of(r, chance(r, 2) ? 4 : 16, i);
	n->asn = chance(r, 2) ? c->asn : between(r, 70000, UINT32_MAX);
	n->description = chance(r, 2) ? random_text(r, 255, false) : NULL;
	n->family_evpn = true;
	n->passive = chance(r, 3);
	n->port = chance(r, 2) ? 179 : (uint16_t)between(r, 1, 65535);
	n->hold_time = (uint16_t)(chance(r, 2) ? 90 : chance(r, 4) ? 0 : between(r, 3, 65535));
	n->password = chance(r, 2) ? random_text(r, 80, true) : NULL;
	n->ttl_security = (uint8_t)(chance(r, 2) ? 0 : between(r, 1, 254));
	n->route_reflector_client = n->asn == c->asn && chance(r, 2);
	n->max_prefixes = chance(r, 2) ? 0 : between(r, 1, UINT32_MAX);
	n->max_prefixes_warning = (uint8_t)(n->max_prefixes && chance(r, 2) ? between(r, 1, 100) : 75);
	n->max_prefixes_restart = n->max_prefixes && chance(r, 2) ? between(r, 1, 86400) : 0;
	n->role = n->asn == c->asn || chance(r, 2) ? CONFIG_ROLE_NONE : (enum config_role)rng_below(r, 5);
	n->add_path = (enum config_add_path)rng_below(r, 4);
	n->add_path_best = n->add_path & CONFIG_ADD_PATH_SEND && chance(r, 2) ? (uint8_t)between(r, 1, 32) : 0;
}

struct config *config_random(struct rng *r)
{
	struct config *c = xcalloc(1, sizeof(*c));

	c->asn = between(r, 1, 20000);
	c->router_id = between(r, 1, UINT32_MAX);
	c->cluster_id = chance(r, 2) ? 0 : between(r, 1, UINT32_MAX);
	c->vtep = random_ip(r, chance(r, 2) ? 4 : 16);
	c->vxlan_port = chance(r, 2) ? 4789 : (uint16_t)between(r, 1, 65535);
	c->underlay = chance(r, 2) ? random_name(r, "eth", 0) : NULL;
	c->n_listen = rng_below(r, 3);
	c->listen = xcalloc(c->n_listen + 1, sizeof(*c->listen));
	for (size_t i = 0; i < c->n_listen; i++)
		c->listen[i] = (struct config_listen){ chance(r, 3) ? ip_none() : random_ip(r, chance(r, 2) ? 4 : 16),
						       (uint16_t)(i ? between(r, 180, 65535) : 179) };
	/* Without a dataplane, devices cannot contradict each other. */
	c->dataplane = CONFIG_DP_NONE;
	c->restart_time = (uint16_t)(chance(r, 2) ? 120 : between(r, 0, 4095));
	c->restart_rows = (enum config_rows)rng_below(r, 2);
	c->restart_long_lived = chance(r, 2) ? 0 : between(r, 1, 16777215);
	c->control_group = chance(r, 2) ? random_text(r, 32, false) : NULL;
	c->log_level = (enum log_level)rng_below(r, 5);
	c->memory_limit = chance(r, 2) ? 0 : between(r, 1, 1 << 24);
	c->reflect_unknown = chance(r, 2);
	c->n_neighbors = rng_below(r, 5);
	c->neighbors = xcalloc(c->n_neighbors + 1, sizeof(*c->neighbors));
	for (uint32_t i = 0; i < c->n_neighbors; i++)
		random_neighbor(r, c, &c->neighbors[i], i);
	c->n_vnis = rng_below(r, 5);
	c->vnis = xcalloc(c->n_vnis + 1, sizeof(*c->vnis));
	for (uint32_t i = 0; i < c->n_vnis; i++)
		random_vni(r, c, &c->vnis[i], i);
	return c;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The keys of evpnd.yaml. How the kinds of scalars work is scalar.c's. */
#include "conf/schema.h"

#include <stdio.h>

#include "base/log.h"

/* ---- looks at one value: NULL when right, else what was expected ------------------------------------------------ */

static const char *check_asn(const void *value)
{
	/* RFC 6793 9: AS_TRANS stands for others and is nobody's own. */
	return *(const uint32_t *)value == 23456 ? "an AS number other than 23456, which is AS_TRANS" : NULL;
}

static const char *check_hold_time(const void *value)
{
	uint16_t s = *(const uint16_t *)value;

	/* RFC 4271 4.2 */
	return s == 1 || s == 2 ? "0 or a number of seconds from 3 to 65535" : NULL;
}

/* A zone (%eth0) would be needed to use one, and the file has no place for it. */
static bool is_ipv6_linklocal(const struct ip *a)
{
	return a->len == 16 && ip_is_linklocal(a);
}

/* Loopback addresses: see check_loopback() in check.c. */
static const char *check_vtep(const void *value)
{
	const struct ip *a = value;
	bool reachable = ip_is_unicast(a) && !is_ipv6_linklocal(a);

	return reachable || (a->len == 4 && ip_is_loopback(a)) ? NULL : "a unicast address that other hosts can reach";
}

/* Loopback addresses serve those who try several speakers on one host. */
static const char *check_neighbor_address(const void *value)
{
	const struct ip *a = value;

	return (ip_is_unicast(a) || ip_is_loopback(a)) && !is_ipv6_linklocal(a) ?
		       NULL :
		       "a unicast address that is not link-local";
}

static const char *check_listen_address(const void *value)
{
	const struct ip *a = value;

	return ip_is_zero(a) ? NULL : check_neighbor_address(value);
}

static const char *check_host_ip(const void *value)
{
	return ip_is_unicast(value) ? NULL : "the address of a host";
}

static const char *check_host_mac(const void *value)
{
	return mac_is_group(value) || mac_is_zero(value) ? "the MAC address of a host" : NULL;
}

/* A bridge may be none; without this device there is no VNI. */
static const char *check_vxlan(const void *value)
{
	return strcmp(*(char *const *)value, "none") ? NULL : "the name of an interface, which every VNI has";
}

static const char *check_group(const void *value)
{
	return ip_is_multicast(value) ? NULL : "a multicast address";
}

/* ---- what is left out and depends on other keys ------------------------------------------------------------------ */

static void derive_role(const struct config *c, const void *object, void *value)
{
	*(enum config_role *)value = CONFIG_ROLE_NONE;
}

static char *name_with_vni(const char *prefix, const void *vni)
{
	char s[24];

	snprintf(s, sizeof(s), "%s%u", prefix, ((const struct config_vni *)vni)->vni);
	return xstrdup(s);
}

static void derive_bridge(const struct config *c, const void *object, void *value)
{
	*(char **)value = name_with_vni("br", object);
}

static void derive_vxlan(const struct config *c, const void *object, void *value)
{
	*(char **)value = name_with_vni("vxlan", object);
}

static void derive_vxlan_port(const struct config *c, const void *object, void *value)
{
	*(uint16_t *)value = c->vxlan_port;
}

static void derive_underlay(const struct config *c, const void *object, void *value)
{
	*(char **)value = c->underlay ? xstrdup(c->underlay) : NULL;
}

static void derive_flooding(const struct config *c, const void *object, void *value)
{
	const struct config_vni *v = object;

	*(enum config_flooding *)value = v->group.len ? CONFIG_FLOODING_MULTICAST : CONFIG_FLOODING_INGRESS;
}

/* Where VTEPs are known otherwise than by their packets, and packets are seen. */
static void derive_check_source(const struct config *c, const void *object, void *value)
{
	const struct config_vni *v = object;

	*(bool *)value = c->dataplane == CONFIG_DP_USERSPACE && !v->group.len && v->mode != CONFIG_MODE_MULTICAST &&
			 v->mode != CONFIG_MODE_STATIC_FLOOD;
}

static void derive_moves(const struct config *c, const void *object, void *value)
{
	*(uint32_t *)value = c->mobility.moves;
}

static void derive_window(const struct config *c, const void *object, void *value)
{
	*(uint32_t *)value = c->mobility.window;
}

static void derive_recovery(const struct config *c, const void *object, void *value)
{
	*(uint32_t *)value = c->mobility.recovery;
}

/* A resolver that is a map is of the kind whose key was given; of both, check.c says that one is too many. */
static void finish_resolver(void *object)
{
	struct config_vni *v = object;

	if (v->resolver_file)
		v->resolver = CONFIG_RESOLVER_FILE;
	else if (v->resolver_command)
		v->resolver = CONFIG_RESOLVER_COMMAND;
}

/* ---- the keys ---------------------------------------------------------------------------------------------------- */

#define FIELD(type, member) .offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member)
#define ITEMS(type, member, n) \
	.offset = offsetof(struct type, member), .size = sizeof(*((struct type *)0)->member), \
	.count = offsetof(struct type, n)
#define NUMBER .scalar = &scalar_number
#define KEYS(rows) .keys = (rows), .n_keys = sizeof(rows) / sizeof(*(rows))

static const struct schema_word words_dataplane[] = {
	{ "kernel", CONFIG_DP_KERNEL }, { "userspace", CONFIG_DP_USERSPACE }, { "none", CONFIG_DP_NONE }, { NULL, 0 }
};
static const struct schema_word words_rows[] = {
	{ "keep", CONFIG_ROWS_KEEP }, { "flush", CONFIG_ROWS_FLUSH }, { NULL, 0 }
};
static const struct schema_word words_level[] = {
	{ "error", LOG_ERROR }, { "warn", LOG_WARN }, { "remote", LOG_REMOTE }, { "info", LOG_INFO },
	{ "debug", LOG_DEBUG }, { NULL, 0 }
};
static const struct schema_word words_family[] = {
	{ "evpn", offsetof(struct config_neighbor, family_evpn) },
	{ "rtc", offsetof(struct config_neighbor, family_rtc) }, { NULL, 0 }
};
static const struct schema_word words_role[] = {
	{ "provider", CONFIG_ROLE_PROVIDER }, { "rs", CONFIG_ROLE_RS }, { "rs-client", CONFIG_ROLE_RS_CLIENT },
	{ "customer", CONFIG_ROLE_CUSTOMER }, { "peer", CONFIG_ROLE_PEER }, { NULL, 0 }
};
static const struct schema_word words_add_path[] = {
	{ "none", CONFIG_ADD_PATH_NONE }, { "receive", CONFIG_ADD_PATH_RECEIVE }, { "send", CONFIG_ADD_PATH_SEND },
	{ "both", CONFIG_ADD_PATH_BOTH }, { NULL, 0 }
};
static const struct schema_word words_mode[] = {
	{ "evpn", CONFIG_MODE_EVPN }, { "multicast", CONFIG_MODE_MULTICAST },
	{ "static-flood", CONFIG_MODE_STATIC_FLOOD }, { "static-l2", CONFIG_MODE_STATIC_L2 },
	{ "static-l3", CONFIG_MODE_STATIC_L3 }, { "dynamic-l2", CONFIG_MODE_DYNAMIC_L2 },
	{ "dynamic-l3", CONFIG_MODE_DYNAMIC_L3 }, { NULL, 0 }
};
static const struct schema_word words_unknown_unicast[] = { { "flood", false }, { "drop", true }, { NULL, 0 } };
static const struct schema_word words_flooding[] = {
	{ "ingress-replication", CONFIG_FLOODING_INGRESS }, { "multicast", CONFIG_FLOODING_MULTICAST },
	{ "off", CONFIG_FLOODING_OFF }, { NULL, 0 }
};
static const struct schema_word words_inner_tags[] = { { "keep", false }, { "drop", true }, { NULL, 0 } };
static const struct schema_word words_resolver[] = { { "rib", CONFIG_RESOLVER_RIB }, { NULL, 0 } };

static const struct schema_key keys_listen[] = {
	{ "address", .scalar = &scalar_ip, FIELD(config_listen, address), .check = check_listen_address },
	{ "port", NUMBER, FIELD(config_listen, port), .min = 1, .max = 65535, .def = "179" },
};
const struct schema_map schema_listen = {
	.what = "a map of address and port", .size = sizeof(struct config_listen), KEYS(keys_listen)
};

static const struct schema_key keys_restart[] = {
	{ "time", NUMBER, FIELD(config, restart_time), .min = 0, .max = 4095, .def = "120" }, /* 12 bits, RFC 4724 3 */
	{ "rows", .scalar = &scalar_word, FIELD(config, restart_rows), .words = words_rows, .def = "keep" },
	{ "long-lived", NUMBER, FIELD(config, restart_long_lived), .min = 1, .max = 16777215 }, /* RFC 9494 3.1 */
};
static const struct schema_map schema_restart = { .what = "a map of time, rows and long-lived", KEYS(keys_restart) };

static const struct schema_key keys_outer[] = {
	{ "ttl", NUMBER, FIELD(config_outer, ttl), .min = 1, .max = 255, .def = "64" },
	{ "dscp", NUMBER, FIELD(config_outer, dscp), .min = 0, .max = 63, .def = "0" }, /* RFC 2474 3 */
	{ "copy-dscp", .scalar = &scalar_bool, FIELD(config_outer, copy_dscp), .def = "false" },
	{ "df", .scalar = &scalar_bool, FIELD(config_outer, df), .def = "true" },
	{ "checksum", .scalar = &scalar_bool, FIELD(config_outer, checksum), .def = "true" },
};
static const struct schema_map schema_outer = {
	.what = "a map of ttl, dscp, copy-dscp, df and checksum", KEYS(keys_outer)
};

static const struct schema_key keys_control[] = {
	{ "group", .scalar = &scalar_text, FIELD(config, control_group), .min = 1, .max = 32 },
};
static const struct schema_map schema_control = { .what = "a map with group", KEYS(keys_control) };

static const struct schema_key keys_log[] = {
	{ "level", .scalar = &scalar_word, FIELD(config, log_level), .words = words_level, .def = "info" },
};
static const struct schema_map schema_log = { .what = "a map with level", KEYS(keys_log) };

static const struct schema_key keys_neighbor[] = {
	{ "address", .scalar = &scalar_ip, FIELD(config_neighbor, address), .check = check_neighbor_address,
	  .needed = true },
	{ "asn", NUMBER, FIELD(config_neighbor, asn), .min = 1, .max = UINT32_MAX, .check = check_asn, .needed = true },
	{ "description", .scalar = &scalar_text, FIELD(config_neighbor, description), .min = 1, .max = 255 },
	{ "families", SCHEMA_SET, &scalar_word, .words = words_family, .max_items = 16, .def = "evpn" },
	{ "passive", .scalar = &scalar_bool, FIELD(config_neighbor, passive), .def = "false" },
	{ "port", NUMBER, FIELD(config_neighbor, port), .min = 1, .max = 65535, .def = "179" },
	{ "hold-time", NUMBER, FIELD(config_neighbor, hold_time), .min = 0, .max = 65535, .def = "90",
	  .check = check_hold_time },
	{ "password", .scalar = &scalar_text, FIELD(config_neighbor, password), .min = 1, .max = 80, .secret = true,
	  .read_from = offsetof(struct config_neighbor, password_file) },
	{ "password-file", .scalar = &scalar_text, FIELD(config_neighbor, password_file), .min = 1, .max = 4095 },
	{ "ttl-security", NUMBER, FIELD(config_neighbor, ttl_security), .min = 1, .max = 254 },
	{ "route-reflector-client", .scalar = &scalar_bool, FIELD(config_neighbor, route_reflector_client),
	  .def = "false" },
	{ "max-prefixes", NUMBER, FIELD(config_neighbor, max_prefixes), .min = 1, .max = UINT32_MAX },
	{ "max-prefixes-warning", NUMBER, FIELD(config_neighbor, max_prefixes_warning), .min = 1, .max = 100,
	  .def = "75" },
	{ "max-prefixes-restart", NUMBER, FIELD(config_neighbor, max_prefixes_restart), .min = 1, .max = 86400 },
	{ "role", .scalar = &scalar_word, FIELD(config_neighbor, role), .words = words_role, .derive = derive_role },
	{ "add-path", .scalar = &scalar_word, FIELD(config_neighbor, add_path), .words = words_add_path,
	  .def = "none" },
	{ "add-path-best", NUMBER, FIELD(config_neighbor, add_path_best), .min = 1, .max = 32 },
};
const struct schema_map schema_neighbor = {
	.what = "a neighbor, a map with address and asn", .size = sizeof(struct config_neighbor), KEYS(keys_neighbor),
	.block = true
};

static const struct schema_key keys_port[] = {
	{ "name", .scalar = &scalar_port, .offset = 0, .size = sizeof(struct config_port), .needed = true },
	{ "vlan", NUMBER, FIELD(config_port, vlan), .min = 1, .max = 4094 },
	{ "netns", .scalar = &scalar_text, FIELD(config_port, netns), .min = 1, .max = 255 },
	{ "persist", .scalar = &scalar_bool, FIELD(config_port, persist), .def = "false" },
	{ "owner", .scalar = &scalar_text, FIELD(config_port, owner), .min = 1, .max = 255 },
	{ "mac-limit", NUMBER, FIELD(config_port, mac_limit), .min = 1, .max = 1000000 },
};
const struct schema_map schema_port = {
	.what = "an interface name, tap:NAME or a map of name and what belongs to it",
	.size = sizeof(struct config_port), KEYS(keys_port), .shorthand = true,
};

static const struct schema_word words_off[] = { { "off", 0 }, { NULL, 0 } };
static const struct schema_word words_never[] = { { "never", 0 }, { NULL, 0 } };

/* One move is what every migration is. */
#define MOVES \
	.scalar = &scalar_number_or_word, FIELD(config_mobility, moves), .min = 2, .max = 1000000, .words = words_off
#define WINDOW NUMBER, FIELD(config_mobility, window), .min = 1, .max = 86400
#define RECOVERY                                                                                                       \
	.scalar = &scalar_number_or_word, FIELD(config_mobility, recovery), .min = 1, .max = 86400, .words = words_never

static const struct schema_key keys_mobility[] = { /* RFC 7432 15.1; recovery: rfc7432bis 15.3, three windows */
	{ "moves", MOVES, .def = "5" },
	{ "window", WINDOW, .def = "180" },
	{ "recovery", RECOVERY, .def = "540" },
};
static const struct schema_map schema_mobility = {
	.what = "a map of moves, window and recovery", KEYS(keys_mobility)
};

static const struct schema_key keys_vni_mobility[] = {
	{ "moves", MOVES, .derive = derive_moves },
	{ "window", WINDOW, .derive = derive_window },
	{ "recovery", RECOVERY, .derive = derive_recovery },
};
static const struct schema_map schema_vni_mobility = {
	.what = "a map of moves, window and recovery", KEYS(keys_vni_mobility)
};

static const struct schema_key keys_resolver[] = {
	{ "", .scalar = &scalar_word, FIELD(config_vni, resolver), .words = words_resolver, .shorthand_only = true },
	{ "file", .scalar = &scalar_text, FIELD(config_vni, resolver_file), .min = 1, .max = 4095 },
	{ "command", SCHEMA_ARGV, &scalar_text, FIELD(config_vni, resolver_command), .min = 1, .max = 4095,
	  .max_items = 64 },
};
static const struct schema_map schema_resolver = {
	.what = "rib, {file: PATH} or {command: [PROGRAM, ARGUMENT]}", KEYS(keys_resolver), .shorthand = true,
	.finish = finish_resolver
};

static const struct schema_key keys_host[] = {
	{ "mac", .scalar = &scalar_mac, FIELD(config_host, mac), .check = check_host_mac, .needed = true },
	{ "ip", .scalar = &scalar_ip, FIELD(config_host, ip), .check = check_host_ip },
	{ "vtep", .scalar = &scalar_ip, FIELD(config_host, vtep), .check = check_vtep, .needed = true },
	{ "router", .scalar = &scalar_bool, FIELD(config_host, router), .def = "false" },
};
const struct schema_map schema_host = {
	.what = "a host, a map with mac and vtep", .size = sizeof(struct config_host), KEYS(keys_host)
};

static const struct schema_key keys_vni[] = {
	{ "vni", NUMBER, FIELD(config_vni, vni), .min = 1, .max = 16777215, .needed = true },
	{ "mode", .scalar = &scalar_word, FIELD(config_vni, mode), .words = words_mode, .def = "evpn" },
	{ "bridge", .scalar = &scalar_ifname_or_none, FIELD(config_vni, bridge), .derive = derive_bridge },
	{ "vxlan", .scalar = &scalar_ifname, FIELD(config_vni, vxlan), .check = check_vxlan, .derive = derive_vxlan },
	{ "ports", SCHEMA_LIST, .map = &schema_port, ITEMS(config_vni, ports, n_ports), .max_items = 4096 },
	{ "vlan", NUMBER, FIELD(config_vni, vlan), .min = 1, .max = 4094 },
	{ "ethernet-tag", NUMBER, FIELD(config_vni, ethernet_tag), .min = 0, .max = 16777215, .def = "0" },
	{ "vxlan-port", NUMBER, FIELD(config_vni, vxlan_port), .min = 1, .max = 65535, .derive = derive_vxlan_port },
	{ "underlay", .scalar = &scalar_ifname, FIELD(config_vni, underlay), .derive = derive_underlay },
	{ "rd", .scalar = &scalar_rd, FIELD(config_vni, rd), .def = "auto" },
	{ "import", SCHEMA_LIST, &scalar_rt, ITEMS(config_vni, imports, n_imports), .max_items = 256, .def = "auto" },
	{ "export", SCHEMA_LIST, &scalar_rt, ITEMS(config_vni, exports, n_exports), .max_items = 256, .def = "auto" },
	{ "arp-suppression", .scalar = &scalar_bool, FIELD(config_vni, arp_suppression), .def = "true" },
	{ "host-learning", .scalar = &scalar_bool, FIELD(config_vni, host_learning), .def = "true" },
	{ "mac-mobility", .map = &schema_vni_mobility, .offset = offsetof(struct config_vni, mobility) },
	{ "mac-limit", NUMBER, FIELD(config_vni, mac_limit), .min = 1, .max = 1000000 },
	{ "flood-control", .scalar = &scalar_word, FIELD(config_vni, flooding), .words = words_flooding,
	  .derive = derive_flooding },
	{ "group", .scalar = &scalar_ip, FIELD(config_vni, group), .check = check_group },
	{ "flood", SCHEMA_LIST, &scalar_ip, ITEMS(config_vni, flood, n_flood), .max_items = 16384,
	  .check = check_vtep },
	{ "groups", SCHEMA_LIST, &scalar_ip, ITEMS(config_vni, groups, n_groups), .max_items = 1024,
	  .check = check_group },
	{ "ageing", NUMBER, FIELD(config_vni, ageing), .min = 1, .max = 32767, .def = "300" },
	{ "unknown-unicast", .scalar = &scalar_word, FIELD(config_vni, unknown_unicast_drop),
	  .words = words_unknown_unicast, .def = "flood" },
	{ "inner-tags", .scalar = &scalar_word, FIELD(config_vni, inner_tags_drop), .words = words_inner_tags,
	  .def = "keep" },
	{ "check-source", .scalar = &scalar_bool, FIELD(config_vni, check_source), .derive = derive_check_source },
	{ "rsc", .scalar = &scalar_bool, FIELD(config_vni, rsc), .def = "false" },
	{ "resolver", .map = &schema_resolver, .offset = 0 },
	{ "hosts", SCHEMA_LIST, .map = &schema_host, ITEMS(config_vni, hosts, n_hosts), .max_items = 1000000 },
};
const struct schema_map schema_vni = {
	.what = "a VNI, a map with vni", .size = sizeof(struct config_vni), KEYS(keys_vni), .block = true
};

static const struct schema_key keys_root[] = {
	{ "asn", NUMBER, FIELD(config, asn), .min = 1, .max = UINT32_MAX, .check = check_asn },
	{ "router-id", .scalar = &scalar_router_id, FIELD(config, router_id) },
	{ "cluster-id", .scalar = &scalar_router_id, FIELD(config, cluster_id) },
	{ "vtep", .scalar = &scalar_ip, FIELD(config, vtep), .check = check_vtep },
	{ "vxlan-port", NUMBER, FIELD(config, vxlan_port), .min = 1, .max = 65535, .def = "4789" },
	{ "underlay", .scalar = &scalar_ifname, FIELD(config, underlay) },
	{ "listen", SCHEMA_ONE_OR_LIST, .map = &schema_listen, ITEMS(config, listen, n_listen),
	  .max_items = 64 },
	{ "dataplane", .scalar = &scalar_word, FIELD(config, dataplane), .words = words_dataplane, .def = "kernel" },
	{ "workers", NUMBER, FIELD(config, workers), .min = 1, .max = 64 },
	{ "worker-cpus", SCHEMA_LIST, &scalar_number, ITEMS(config, worker_cpus, n_worker_cpus), .min = 0, .max = 1023,
	  .max_items = 64 },
	{ "outer", .map = &schema_outer, .offset = offsetof(struct config, outer) },
	{ "restart", .map = &schema_restart, .offset = 0 },
	{ "control", .map = &schema_control, .offset = 0 },
	{ "log", .map = &schema_log, .offset = 0 },
	{ "memory-limit", NUMBER, FIELD(config, memory_limit), .min = 1, .max = 1 << 24 },
	{ "reflect-unknown", .scalar = &scalar_bool, FIELD(config, reflect_unknown), .def = "false" },
	{ "mac-mobility", .map = &schema_mobility, .offset = offsetof(struct config, mobility) },
	{ "neighbors", SCHEMA_LIST, .map = &schema_neighbor, ITEMS(config, neighbors, n_neighbors),
	  .max_items = 16384 },
	{ "vnis", SCHEMA_LIST, .map = &schema_vni, ITEMS(config, vnis, n_vnis), .max_items = 65536 },
};
static const struct schema_map schema_file = {
	.what = "a map of keys", .size = sizeof(struct config), KEYS(keys_root), .block = true
};
const struct schema_key schema_root = { "", .map = &schema_file };

static const char *word_name(const struct schema_word *words, int value)
{
	while (words->name && words->value != value)
		words++;
	return words->name ? words->name : "?";
}

const char *config_mode_name(enum config_mode m)
{
	return word_name(words_mode, (int)m);
}

const char *config_flooding_name(enum config_flooding f)
{
	return word_name(words_flooding, (int)f);
}

const char *config_dataplane_name(enum config_dataplane d)
{
	return word_name(words_dataplane, (int)d);
}

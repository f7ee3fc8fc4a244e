/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The configuration as plain structs: what conf/ reads from YAML and prints back, and what cmd/ hands to the others.
 * A struct config owns everything in it and is immutable once loaded. Numbers are in host order.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/log.h"

enum config_dataplane { CONFIG_DP_KERNEL, CONFIG_DP_USERSPACE, CONFIG_DP_NONE };
enum config_rows { CONFIG_ROWS_KEEP, CONFIG_ROWS_FLUSH };
enum config_mode {
	CONFIG_MODE_EVPN,
	CONFIG_MODE_MULTICAST,
	CONFIG_MODE_STATIC_FLOOD,
	CONFIG_MODE_STATIC_L2,
	CONFIG_MODE_STATIC_L3,
	CONFIG_MODE_DYNAMIC_L2,
	CONFIG_MODE_DYNAMIC_L3
};
enum config_flooding { CONFIG_FLOODING_INGRESS, CONFIG_FLOODING_MULTICAST, CONFIG_FLOODING_OFF };
enum config_role { /* RFC 9234 4.1, the values of the capability; CONFIG_ROLE_NONE: not sent */
	CONFIG_ROLE_PROVIDER = 0,
	CONFIG_ROLE_RS = 1,
	CONFIG_ROLE_RS_CLIENT = 2,
	CONFIG_ROLE_CUSTOMER = 3,
	CONFIG_ROLE_PEER = 4,
	CONFIG_ROLE_NONE = -1
};
enum config_resolver { CONFIG_RESOLVER_NONE, CONFIG_RESOLVER_RIB, CONFIG_RESOLVER_FILE, CONFIG_RESOLVER_COMMAND };

struct config_listen {
	struct ip address; /* none: every address of both families */
	uint16_t port;
};

/* RFC 7911 4, as on the wire */
enum config_add_path { CONFIG_ADD_PATH_NONE, CONFIG_ADD_PATH_RECEIVE, CONFIG_ADD_PATH_SEND, CONFIG_ADD_PATH_BOTH };

struct config_neighbor {
	struct ip address; /* the key: unique */
	uint32_t asn;
	char *description; /* NULL when not given */
	bool family_evpn, family_rtc;
	bool passive;
	uint16_t port;
	uint16_t hold_time;   /* s, 0 or 3..65535 */
	char *password;       /* TCP-MD5 key, read from password-file at load when that is given; NULL without */
	char *password_file;  /* for printing back */
	uint8_t ttl_security; /* hops, 0 = off (RFC 5082) */
	bool route_reflector_client;
	uint32_t max_prefixes; /* 0 = no limit */
	uint8_t max_prefixes_warning;  /* percent of it */
	uint32_t max_prefixes_restart; /* s that the neighbor stays down after it; 0 = as after any error */
	enum config_role role;
	enum config_add_path add_path;
	uint8_t add_path_best; /* paths of a route that are sent at most, 0 = all */
};

/* 8 octets as in an extended community (RFC 4360, 5668), or "auto". */
struct config_rt {
	bool is_auto;
	uint8_t b[8];
};

struct config_rd {
	bool is_auto;
	uint8_t b[8]; /* wire order, RFC 4364 4.2 */
};

struct config_port {
	char *name;    /* interface; for a TAP the name after "tap:" */
	bool tap;
	uint16_t vlan; /* 0 = untagged */
	char *netns;   /* another network namespace: a path, a name of iproute2's or a process; NULL: ours */
	bool persist;  /* a TAP that stays when we end */
	char *owner;   /* of the TAP: a user; NULL: none */
	uint32_t mac_limit; /* MACs learned on it that are advertised; 0 = any number */
};

struct config_host {
	struct mac mac;
	struct ip ip;   /* none when only the MAC is known */
	struct ip vtep;
	bool router;
};

/* How often a MAC, or an address, may move before it is a duplicate (RFC 7432 15.1). */
struct config_mobility {
	uint32_t moves;    /* 0: duplicates are not looked for */
	uint32_t window;   /* s in which they count */
	uint32_t recovery; /* s after which a duplicate may move again, 0: never */
};

struct config_vni {
	uint32_t vni; /* the key: unique, 1..16777215 */
	enum config_mode mode;
	char *bridge; /* NULL: bridge: none */
	char *vxlan;
	struct config_port *ports;
	size_t n_ports;
	uint16_t vlan; /* 0 = none */
	uint32_t ethernet_tag; /* of its routes, RFC 7432 6.3; 0 = VLAN-based service */
	uint16_t vxlan_port;
	char *underlay; /* NULL: derive */
	struct config_rd rd;
	struct config_rt *imports;
	size_t n_imports;
	struct config_rt *exports;
	size_t n_exports;
	bool arp_suppression;
	bool host_learning; /* of addresses, from what hosts say in ARP and ND */
	struct config_mobility mobility;
	uint32_t mac_limit; /* MACs learned on its ports that are advertised; 0 = any number */
	enum config_flooding flooding;
	struct ip group;
	struct ip *flood;
	size_t n_flood;
	struct ip *groups; /* with flood, in the modes dynamic-*: multicast that is flooded */
	size_t n_groups;
	uint16_t ageing; /* s, of rows on demand */
	bool unknown_unicast_drop;
	bool inner_tags_drop; /* userspace: of frames that go through the tunnel, RFC 7348 6.1 */
	bool check_source; /* packets of VTEPs that the VNI does not know are dropped */
	bool rsc;
	enum config_resolver resolver;
	char *resolver_file;
	char **resolver_command; /* NULL-terminated */
	struct config_host *hosts;
	size_t n_hosts;
};

struct config {
	uint32_t asn;       /* 0 = not given (only possible without neighbors) */
	uint32_t router_id; /* host order, 0 = not given */
	uint32_t cluster_id; /* the same; 0 = router_id */
	struct ip vtep;     /* none = not given (dataplane none) */
	uint16_t vxlan_port;
	char *underlay; /* NULL: derive */
	struct config_listen *listen;
	size_t n_listen; /* 0 = not given: every address of both families, port 179, when there are neighbors */
	enum config_dataplane dataplane;
	uint8_t workers;             /* threads of the userspace VTEP; 0 = not given: by cores */
	uint16_t *worker_cpus;       /* that they are pinned to, by turns */
	size_t n_worker_cpus;        /* 0 = not given: the scheduler's choice */
	struct config_outer {        /* headers of the userspace VTEP's packets */
		uint8_t ttl;
		uint8_t dscp;
		bool copy_dscp; /* of inner packets, instead */
		bool df;
		bool checksum;
	} outer;
	uint16_t restart_time;       /* s, 0..4095 */
	uint32_t restart_long_lived; /* s, 0 = off */
	enum config_rows restart_rows;
	char *control_group; /* NULL: root and our own user only */
	enum log_level log_level;
	uint32_t memory_limit; /* MiB; 0 = not given: half of what the host has */
	bool reflect_unknown;
	struct config_mobility mobility;
	struct config_neighbor *neighbors;
	size_t n_neighbors;
	struct config_vni *vnis;
	size_t n_vnis;
};

/* What is wrong with a file, all of it: "FILE:LINE:COL: key: what was expected, what was found" a line. */
struct config_errors {
	char **lines;
	size_t n;
};

/*
 * Reads FILE. Returns a configuration, or NULL with at least one line in *err (also for a file that cannot be read).
 * Warnings do not exist: what is not an error is silent.
 */
struct config *config_load(const char *file, struct config_errors *err);
/* The same from memory; name stands for FILE in errors. */
struct config *config_parse(const char *name, const char *text, size_t len, struct config_errors *err);
void config_free(struct config *c);
void config_errors_free(struct config_errors *err);

struct buf;
/*
 * Appends c as YAML that loads to an equal configuration. Passwords are printed as "***" unless secrets is true.
 * Values that equal the default are left out unless defaults is true.
 */
void config_print(const struct config *c, struct buf *out, bool secrets, bool defaults);

const char *config_mode_name(enum config_mode m);
const char *config_flooding_name(enum config_flooding f);
const char *config_dataplane_name(enum config_dataplane d);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The daemon's side of the verbs, one struct reply_ops each; show.c has the table by verb. */
#ifndef CMD_EVPND_SHOW_H
#define CMD_EVPND_SHOW_H

#include "cmd/evpnd/reply.h"

struct bgp_peer;
struct dp_row_info;
struct evpn_arp_info;

/* By verb; NULL: the client's own. */
extern const struct reply_ops *const show_verbs[VERB_N];

extern const struct reply_ops show_neighbors, show_rib, show_vni, show_mac, show_arp, show_fdb, show_vtep,
	show_segments;
extern const struct reply_ops show_ports, show_traffic, show_version, show_memory, show_config, show_diff, show_events,
	show_why, show_monitor, show_trace;
extern const struct reply_ops show_doctor;
extern const struct reply_ops change_neighbor, change_mac_clear, change_mac_add, change_mac_del, change_vni;
extern const struct reply_ops change_port_add, change_port_del, change_capture, change_drain, change_log, change_reload,
	change_repair;

/* One row of show fdb, of show arp, as an object. */
void show_fdb_row(struct reply *r, struct json *j, const struct dp_row_info *i);
void show_arp_row(struct reply *r, struct json *j, const struct evpn_arp_info *i);

/* The neighbor that an argument names, or NULL with reply_fail(r, 1, ...) done. */
struct bgp_peer *show_find_peer(struct reply *r, enum verb_arg a);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* JSON values as text for people. A formatter appends to a buffer; what does not apply is "-". */
#ifndef CMD_EVPNCTL_FORMAT_H
#define CMD_EVPNCTL_FORMAT_H

#include <jansson.h>

#include "base/buf.h"

/* v is the member that a column or field names (NULL when it is missing), row the object that it is in. */
typedef void (*format_fn)(struct buf *out, const json_t *v, const json_t *row);

/* A member of an object, "a.b" a member of a member; NULL when it is missing. */
const json_t *format_member(const json_t *row, const char *path);

void format_any(struct buf *out, const json_t *v, const json_t *row);   /* as it is; arrays with commas */
void format_words(struct buf *out, const json_t *v, const json_t *row); /* array, with ", " */
/* The same, separated by "; ": there are commas in them. */
void format_phrases(struct buf *out, const json_t *v, const json_t *row);
void format_age(struct buf *out, const json_t *v, const json_t *row);   /* seconds: 00:01:07, 1d02h */
void format_bytes(struct buf *out, const json_t *v, const json_t *row); /* 6.1 MiB */
void format_yes(struct buf *out, const json_t *v, const json_t *row);   /* "yes", or nothing */

void format_neighbor_state(struct buf *out, const json_t *v, const json_t *row);
void format_neighbor_head(struct buf *out, const json_t *v, const json_t *row);
void format_neighbor_session(struct buf *out, const json_t *v, const json_t *row);
void format_neighbor_timers(struct buf *out, const json_t *v, const json_t *row);
void format_neighbor_routes(struct buf *out, const json_t *v, const json_t *row);
void format_neighbor_limits(struct buf *out, const json_t *v, const json_t *row);
void format_neighbor_restart(struct buf *out, const json_t *v, const json_t *row);
void format_neighbor_faults(struct buf *out, const json_t *v, const json_t *row);
void format_eor(struct buf *out, const json_t *v, const json_t *row);
void format_families(struct buf *out, const json_t *v, const json_t *row); /* of more than one */
void format_rt_filter(struct buf *out, const json_t *v, const json_t *row);
void format_rt_asked(struct buf *out, const json_t *v, const json_t *row); /* a route target; null: all */
void format_messages(struct buf *out, const json_t *v, const json_t *row);
void format_notification(struct buf *out, const json_t *v, const json_t *row);

void format_route_flags(struct buf *out, const json_t *v, const json_t *row);
void format_route_type(struct buf *out, const json_t *v, const json_t *row);
void format_route_head(struct buf *out, const json_t *v, const json_t *row);
void format_route_address(struct buf *out, const json_t *v, const json_t *row); /* host, originator or prefix */
void format_route_from(struct buf *out, const json_t *v, const json_t *row);
void format_mobility(struct buf *out, const json_t *v, const json_t *row);
void format_pmsi(struct buf *out, const json_t *v, const json_t *row);
void format_esi_label(struct buf *out, const json_t *v, const json_t *row);
void format_nd_flags(struct buf *out, const json_t *v, const json_t *row);

void format_vni_head(struct buf *out, const json_t *v, const json_t *row);
void format_vni_import(struct buf *out, const json_t *v, const json_t *row);
void format_vni_flooding(struct buf *out, const json_t *v, const json_t *row);
void format_mac_limit(struct buf *out, const json_t *v, const json_t *row);
void format_mac_limits(struct buf *out, const json_t *v, const json_t *row);
void format_vni_resolver(struct buf *out, const json_t *v, const json_t *row);
void format_vni_misses(struct buf *out, const json_t *v, const json_t *row);
void format_vni_flood(struct buf *out, const json_t *v, const json_t *row);
void format_bridge(struct buf *out, const json_t *v, const json_t *row);
void format_vxlan(struct buf *out, const json_t *v, const json_t *row);
void format_mac_state(struct buf *out, const json_t *v, const json_t *row);
void format_mac_where(struct buf *out, const json_t *v, const json_t *row);
void format_fdb_where(struct buf *out, const json_t *v, const json_t *row);
void format_segment_pes(struct buf *out, const json_t *v, const json_t *row);
void format_mac_sequence(struct buf *out, const json_t *v, const json_t *row);
void format_fdb_state(struct buf *out, const json_t *v, const json_t *row);
void format_index(struct buf *out, const json_t *v, const json_t *row); /* of show memory: size and load */
void format_neighbors_memory(struct buf *out, const json_t *v, const json_t *row);
/* Events of the history. */
void format_event_time(struct buf *out, const json_t *v, const json_t *row);
void format_event_about(struct buf *out, const json_t *v, const json_t *row);
void format_event_words(struct buf *out, const json_t *v, const json_t *row);

void format_port_address(struct buf *out, const json_t *v, const json_t *row); /* with the length of its prefix */
void format_finding(struct buf *out, const json_t *v, const json_t *row);
void format_version(struct buf *out, const json_t *v, const json_t *row);

#endif

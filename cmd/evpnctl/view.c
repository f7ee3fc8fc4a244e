/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/view.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define R VIEW_RIGHT
#define F VIEW_FLEX

static const struct view_column neighbor_columns[] = {
	{ "NEIGHBOR", "address", format_any },
	{ "AS", "asn", format_any, R },
	{ "STATE", "state", format_neighbor_state },
	{ "SINCE", "state_s", format_age, R, 1 },
	{ "RECEIVED", "prefixes_received", format_any, R },
	{ "SENT", "prefixes_sent", format_any, R, 2 },
	{ "DESCRIPTION", "description", format_any, F, 3 },
	{ "PROBLEM", "problem", format_any, F },
};

static const struct view_field neighbor_fields[] = {
	{ NULL, NULL, format_neighbor_head },
	{ "state", NULL, format_neighbor_session },
	{ "problem", "problem", format_any },
	{ "cannot connect", "connect_error", format_any },
	{ "router id", "router_id", format_any },
	{ "local address", "local_address", format_any },
	{ "timers", "hold_time", format_neighbor_timers },
	{ "routes", NULL, format_neighbor_routes },
	{ "families", "families", format_families },
	{ "route targets", "route_target_filter", format_rt_filter },
	{ "limits", NULL, format_neighbor_limits },
	{ "End-of-RIB", NULL, format_eor },
	{ "restart", NULL, format_neighbor_restart },
	{ "outbound group", "group", format_any },
	{ "messages in", "messages.in", format_messages },
	{ "messages out", "messages.out", format_messages },
	{ "bad routes", NULL, format_neighbor_faults },
	{ "last error received", "last_error_received", format_notification },
	{ "last error sent", "last_error_sent", format_notification },
	{ "last bad update", "last_malformed", format_notification },
	{ "capabilities sent", "capabilities_sent", format_phrases },
	{ "capabilities received", "capabilities_received", format_phrases },
};

static const struct view_column rib_columns[] = {
	{ "", NULL, format_route_flags },
	{ "TYPE", "type", format_route_type },
	{ "VNI", "vni", format_any, R },
	{ "MAC", "mac", format_any },
	{ "IP", NULL, format_route_address },
	{ "NEXT HOP", "next_hop", format_any },
	{ "FROM", "neighbor", format_route_from, 0, 1 },
	{ "SEQ", "mac_mobility", format_mobility, 0, 3 },
	{ "RD", "rd", format_any, 0, 2 },
	{ "AS PATH", "as_path", format_any, F, 5 },
	{ "AGE", "age_s", format_age, R, 4 },
};

static const struct view_field rib_fields[] = {
	{ NULL, NULL, format_route_head },
	{ "RD", "rd", format_any },
	{ "Ethernet tag", "ethernet_tag", format_any },
	{ "ESI", "esi", format_any },
	{ "VNI", "vni", format_any },
	{ "second VNI", "vni2", format_any },
	{ "gateway", "gateway", format_any },
	{ "next hop", "next_hop", format_any },
	{ "tunnel", "pmsi", format_pmsi },
	{ "route targets", "route_targets", format_words },
	{ "encapsulation", "encapsulation", format_words },
	{ "MAC mobility", "mac_mobility", format_mobility },
	{ "default gateway", "default_gateway", format_yes },
	{ "router MAC", "router_mac", format_any },
	{ "ESI label", "esi_label", format_esi_label },
	{ "ES-Import", "es_import", format_any },
	{ "ND flags", "nd_flags", format_nd_flags },
	{ "AS path", "as_path", format_any },
	{ "origin", "origin", format_any },
	{ "local preference", "local_pref", format_any },
	{ "MED", "med", format_any },
	{ "originator", "originator_id", format_any },
	{ "cluster list", "cluster_list", format_words },
	{ "communities", "communities", format_words },
	{ "large communities", "large_communities", format_words },
	{ "other extended", "ext_communities_other", format_words },
	{ "NLRI", "nlri", format_any },
	{ "decided by", "decided_by", format_any },
	{ "age", "age_s", format_age },
};

static const struct view_column rtc_columns[] = {
	{ "", NULL, format_route_flags },
	{ "ROUTE TARGET", "route_target", format_rt_asked },
	{ "LENGTH", "prefix_length", format_any, R, 5 },
	{ "AS", "origin_asn", format_any, R },
	{ "NEXT HOP", "next_hop", format_any, 0, 2 },
	{ "FROM", "neighbor", format_route_from, 0, 1 },
	{ "AS PATH", "as_path", format_any, F, 4 },
	{ "AGE", "age_s", format_age, R, 3 },
};

static const struct view_column summary_columns[] = {
	{ "TYPE", "type", format_any, R },
	{ "NAME", "name", format_any },
	{ "ROUTES", "routes", format_any, R },
	{ "PATHS", "paths", format_any, R },
	{ "BEST", "best", format_any, R },
	{ "LOCAL", "local", format_any, R },
	{ "REJECTED", "rejected", format_any, R },
};

static const struct view_column ports_columns[] = {
	{ "VNI", "vni", format_any, R },
	{ "PORT", "port", format_any },
	{ "VLAN", "vlan", format_any, R },
	{ "TAGGED", "tagged", format_any },
	{ "UP", "up", format_any },
	{ "MADE", "made", format_any },
};

static const struct view_column vni_columns[] = {
	{ "VNI", "vni", format_any, R },
	{ "MODE", "mode", format_any, 0, 8 },
	{ "READY", "ready", format_any },
	{ "RD", "rd", format_any, 0, 4 },
	{ "IMPORT", NULL, format_vni_import, 0, 6 },
	{ "EXPORT", "export", format_any, 0, 7 },
	{ "BRIDGE", "bridge", format_bridge, 0, 2 },
	{ "VXLAN", "vxlan", format_vxlan, 0, 1 },
	{ "LOCAL", "local_macs", format_any, R },
	{ "REMOTE", "remote_macs", format_any, R },
	{ "FLOOD", "flood", format_vni_flood, F, 3 },
	{ "PROBLEM", "problem", format_any, F },
};

static const struct view_field vni_fields[] = {
	{ NULL, NULL, format_vni_head },
	{ "problem", "problem", format_any },
	{ "RD", "rd", format_any },
	{ "Ethernet Tag", "ethernet_tag", format_any },
	{ "import", "rd", format_vni_import }, /* without the one there is none of the other */
	{ "export", "export", format_words },
	{ "bridge", "bridge", format_any },
	{ "bridge is", "bridge_state", format_any },
	{ "vxlan", "vxlan", format_any },
	{ "vxlan is", "vxlan_state", format_any },
	{ "MTU", "mtu", format_any },
	{ "underlay", "underlay", format_any },
	{ "local MACs", "local_macs", format_any },
	{ "remote MACs", "remote_macs", format_any },
	{ "local addresses", "local_ips", format_any },
	{ "remote addresses", "remote_ips", format_any },
	{ "ARP, ND heard", "packets_heard", format_any },
	{ "and not heard", "packets_unheard", format_any },
	{ "answered", "packets_answered", format_any },
	{ "MAC limit", "mac_limit", format_mac_limit },
	{ "MAC limits of ports", "port_mac_limits", format_mac_limits },
	{ "bridge learns at most", "learns_at_most", format_any },
	{ "MACs not learned", "macs_not_learned", format_any },
	{ "flooding", NULL, format_vni_flooding },
	{ "flood list", "flood", format_vni_flood },
	{ "resolver", "resolver", format_vni_resolver },
	{ "misses", "resolver", format_vni_misses },
};

static const struct view_column mac_columns[] = {
	{ "VNI", "vni", format_any, R },
	{ "MAC", "mac", format_any },
	{ "STATE", "state", format_mac_state },
	{ "BEHIND", NULL, format_mac_where },
	{ "SEQ", "sequence", format_mac_sequence, R, 2 },
	{ "ADDRESSES", "ips", format_any, F, 1 },
	{ "AGE", "age_s", format_age, R, 4 },
	{ "REASON", "reason", format_any, F, 3 },
};

static const struct view_column arp_columns[] = {
	{ "VNI", "vni", format_any, R },
	{ "IP", "ip", format_any },
	{ "MAC", "mac", format_any },
	{ "STATE", "state", format_any },
	{ "VTEP", "vtep", format_any },
	{ "ROUTER", "router", format_yes, 0, 2 },
	{ "AGE", "age_s", format_age, R, 1 },
};

static const struct view_column fdb_columns[] = {
	{ "VNI", "vni", format_any, R },
	{ "TABLE", "table", format_any },
	{ "MAC", "mac", format_any },
	{ "IP", "ip", format_any, 0, 2 },
	{ "VTEP", NULL, format_fdb_where },
	{ "DEVICE", "device", format_any },
	{ "OWNER", "owner", format_any, 0, 1 },
	{ "STATE", NULL, format_fdb_state, F },
	{ "AGE", "age_s", format_age, R, 3 },
};

static const struct view_column diff_columns[] = {
	{ "VNI", "vni", format_any, R },
	{ "WHAT", "what", format_any },
	{ "TABLE", "table", format_any },
	{ "DEVICE", "device", format_any },
	{ "MAC", "mac", format_any },
	{ "IP", "ip", format_any, 0, 2 },
	{ "PROPERTY", "property", format_any, 0, 1 },
	{ "EXPECTED", "expected", format_any },
	{ "FOUND", "found", format_any, F },
	{ "REPAIRED", "repaired", format_any },
};

static const struct view_column vtep_columns[] = {
	{ "VTEP", "vtep", format_any },
	{ "FLOODED VNIS", "vnis", format_any, R },
	{ "MACS", "macs", format_any, R },
};

static const struct view_column segment_columns[] = {
	{ "VNI", "vni", format_any, R },
	{ "ESI", "esi", format_any },
	{ "REDUNDANCY", "redundancy", format_any },
	{ "MACS", "macs", format_any, R },
	{ "PES", "pes", format_segment_pes, F },
};

static const struct view_column traffic_columns[] = {
	{ "SCOPE", "scope", format_any },
	{ "NAME", "name", format_any },
	{ "VNI", "vni", format_any, R },
	{ "FRAMES IN", "rx_frames", format_any, R },
	{ "OCTETS IN", "rx_octets", format_any, R, 1 },
	{ "FRAMES OUT", "tx_frames", format_any, R },
	{ "OCTETS OUT", "tx_octets", format_any, R, 2 },
	{ "DROPS", "drops", format_any, R },
};

static const struct view_column event_columns[] = {
	{ "TIME", "time", format_event_time },
	{ "KIND", "kind", format_any, 0, 2 },
	{ "VNI", "vni", format_any, R, 1 },
	{ "ABOUT", NULL, format_event_about },
	{ "WHAT", NULL, format_event_words, F },
};

static const struct view_field version_fields[] = {
	{ NULL, NULL, format_version },
	{ "process", "pid", format_any },
	{ "started", "started", format_any },
	{ "runs for", "uptime_s", format_age },
	{ "drains for", "draining_s", format_age },
	{ "AS", "asn", format_any },
	{ "router id", "router_id", format_any },
	{ "VTEP", "vtep", format_any },
	{ "dataplane", "dataplane", format_any },
	{ "configuration", "config", format_any },
	{ "log level", "log_level", format_any },
};

static const struct view_field port_fields[] = {
	{ NULL, "port", format_any },
	{ "VNI", "vni", format_any },
	{ "namespace", "netns", format_any },
	{ "interface there", "name", format_any },
	{ "MAC address", "mac", format_any },
	{ "IP address", "ip", format_port_address },
};

static const struct view_field memory_fields[] = {
	{ "resident", "process.resident_bytes", format_bytes },
	{ "peak", "process.peak_resident_bytes", format_bytes },
	{ "longest turn (us)", "process.longest_turn_us", format_any },
	{ "of it processor (us)", "process.longest_turn_cpu_us", format_any },
	{ "latest timer (us)", "process.latest_timer_us", format_any },
	{ "RIB keys", "rib.keys", format_any },
	{ "RIB paths", "rib.paths", format_any },
	{ "RIB routes", "rib.route_bytes", format_bytes },
	{ "further paths", "rib.further_paths", format_any },
	{ "withdrawn", "rib.withdrawn", format_any },
	{ "RIB index", "rib", format_index },
	{ "attribute sets", "rib.attribute_sets", format_any },
	{ "attributes", "rib.attribute_set_bytes", format_bytes },
	{ "outbound groups", "rib.outbound_groups", format_any },
	{ "outbound routes", "rib.outbound_routes", format_any },
	{ "outbound", "rib.outbound_bytes", format_bytes },
	{ "kept messages", "rib.outbound_kept_bytes", format_bytes },
	{ "connections", "rib.connections", format_any },
	{ "memory limit", "rib.limit_bytes", format_bytes },
	{ "of it used", "rib.limit_used_bytes", format_bytes },
	{ "their buffers", "rib.connection_bytes", format_bytes },
	{ "unsent", "rib.unsent_bytes", format_bytes },
	{ "TCP connections", "transport.connections", format_any },
	{ "of strangers, closed", "transport.strangers", format_any },
	{ "of neighbors, refused", "transport.refused", format_any },
	{ "TCP-MD5 failures", "transport.md5_failure", format_any },
	{ "VNIs", "evpn.vnis", format_any },
	{ "MACs", "evpn.macs", format_any },
	{ "addresses", "evpn.ips", format_any },
	{ "EVPN tables", "evpn.bytes", format_bytes },
	{ "by routes, of the limit", "evpn.imported_bytes", format_bytes },
	{ "dataplane rows", "dataplane.rows", format_any },
	{ "of them there", "dataplane.rows_there", format_any },
	{ "about to go", "dataplane.rows_going", format_any },
	{ "to be written", "dataplane.dirty", format_any },
	{ "writes", "dataplane.writes", format_any },
	{ "errors", "dataplane.errors", format_any },
	{ "repairs", "dataplane.repairs", format_any },
	{ "lost notifications", "dataplane.overruns", format_any },
	{ "dataplane tables", "dataplane.bytes", format_bytes },
	{ "events kept", "history.events", format_any },
	{ "history", "history.bytes", format_bytes },
	{ "control clients", "control.clients", format_any },
	{ "control buffers", "control.bytes", format_bytes },
	{ "neighbors", "neighbors", format_neighbors_memory },
};

static const struct view_field doctor_fields[] = {
	{ NULL, NULL, format_finding },
	{ "because", "why", format_any },
	{ "to do", "command", format_any },
};

#define TABLE(c) .columns = (c), .n_columns = COUNT(c)
#define BLOCK(f) .fields = (f), .n_fields = COUNT(f)

static const struct view views[VERB_N] = {
	[VERB_SHOW_NEIGHBORS] = { TABLE(neighbor_columns), BLOCK(neighbor_fields), .empty = "no neighbors" },
	[VERB_SHOW_RIB] = { TABLE(rib_columns), BLOCK(rib_fields), .empty = "no routes",
			    .also = "rejected long_lived_stale stale best prefix ip originator path_id" },
	[VERB_SHOW_VNI] = { TABLE(vni_columns), BLOCK(vni_fields), .empty = "no VNIs" },
	[VERB_SHOW_MAC] = { TABLE(mac_columns), .empty = "no MAC addresses" },
	[VERB_SHOW_ARP] = { TABLE(arp_columns), .empty = "no addresses" },
	[VERB_SHOW_FDB] = { TABLE(fdb_columns), .empty = "no rows" },
	[VERB_SHOW_VTEP] = { TABLE(vtep_columns), .empty = "no VTEPs" },
	[VERB_SHOW_SEGMENTS] = { TABLE(segment_columns), .empty = "no Ethernet Segments" },
	[VERB_SHOW_PORTS] = { TABLE(ports_columns), .empty = "no ports" },
	[VERB_SHOW_TRAFFIC] = { TABLE(traffic_columns), .empty = "nothing is counted here" },
	[VERB_SHOW_EVENTS] = { TABLE(event_columns), .empty = "nothing of the kind has happened, or it is forgotten" },
	[VERB_SHOW_VERSION] = { BLOCK(version_fields) },
	[VERB_PORT_ADD] = { BLOCK(port_fields) },
	[VERB_DIFF] = { TABLE(diff_columns), .empty = "no difference" },
	[VERB_REPAIR] = { TABLE(diff_columns), .empty = "no difference" },
	[VERB_DOCTOR] = { BLOCK(doctor_fields), .empty = "nothing found" },
	[VERB_RELOAD] = { .empty = "nothing changes" },
	[VERB_SHOW_MEMORY] = { BLOCK(memory_fields) },
};
static const struct view rib_summary = { TABLE(summary_columns), .empty = "no routes" };
static const struct view rib_rtc = { TABLE(rtc_columns), .empty = "no memberships" };
static const struct view rib_detail = { BLOCK(rib_fields), .empty = "no routes" };

const struct view *view_of(const struct verb_args *args)
{
	if (args->id == VERB_SHOW_RIB && args->v[ARG_KEYS].given)
		return NULL;
	if (args->id == VERB_SHOW_RIB && args->v[ARG_SUMMARY].given)
		return &rib_summary;
	if (args->id == VERB_SHOW_RIB && args->v[ARG_FAMILY].given && !strcmp(args->v[ARG_FAMILY].text, "rtc"))
		return &rib_rtc;
	if (args->id == VERB_SHOW_RIB && args->v[ARG_DETAIL].given)
		return &rib_detail;
	return &views[args->id];
}

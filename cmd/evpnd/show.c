/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Which verb is answered by whom. */
#include "cmd/evpnd/show.h"

const struct reply_ops *const show_verbs[VERB_N] = {
	[VERB_SHOW_NEIGHBORS] = &show_neighbors,
	[VERB_SHOW_RIB] = &show_rib,
	[VERB_SHOW_VNI] = &show_vni,
	[VERB_SHOW_MAC] = &show_mac,
	[VERB_SHOW_ARP] = &show_arp,
	[VERB_SHOW_FDB] = &show_fdb,
	[VERB_SHOW_VTEP] = &show_vtep,
	[VERB_SHOW_SEGMENTS] = &show_segments,
	[VERB_SHOW_PORTS] = &show_ports,
	[VERB_SHOW_TRAFFIC] = &show_traffic,
	[VERB_SHOW_VERSION] = &show_version,
	[VERB_SHOW_MEMORY] = &show_memory,
	[VERB_SHOW_CONFIG] = &show_config,
	[VERB_SHOW_EVENTS] = &show_events,
	[VERB_WHY_MAC] = &show_why,
	[VERB_WHY_IP] = &show_why,
	[VERB_MONITOR] = &show_monitor,
	[VERB_NEIGHBOR] = &change_neighbor,
	[VERB_MAC_CLEAR] = &change_mac_clear,
	[VERB_MAC_ADD] = &change_mac_add,
	[VERB_MAC_DEL] = &change_mac_del,
	[VERB_VNI] = &change_vni,
	[VERB_PORT_ADD] = &change_port_add,
	[VERB_PORT_DEL] = &change_port_del,
	[VERB_CAPTURE] = &change_capture,
	[VERB_DRAIN] = &change_drain,
	[VERB_TRACE] = &show_trace,
	[VERB_DOCTOR] = &show_doctor,
	[VERB_LOG] = &change_log,
	[VERB_RELOAD] = &change_reload,
	[VERB_DIFF] = &show_diff,
	[VERB_REPAIR] = &change_repair,
};

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The parts of one running daemon, as its composition root (main.c) ties them together and the verbs see them. */
#ifndef CMD_EVPND_DAEMON_H
#define CMD_EVPND_DAEMON_H

#include <time.h>

#include "base/history.h"
#include "base/log.h"
#include "base/loop.h"
#include "cmd/paths.h"
#include "dataplane/backend.h"
#include "dataplane/nsopen.h"
#include "include/bgp.h"
#include "include/config.h"
#include "include/dataplane.h"
#include "include/evpn.h"

struct ctl;
struct resolve;

struct daemon {
	const char *config_file, *socket_path;
	const char *user; /* to become, NULL: the usual one */
	struct config *config;
	struct log log;
	struct history history;
	int64_t wall_us; /* what the clock on the wall showed at the monotonic time 0, us since 1970; see event.c */
	struct loop loop;
	struct ctl *ctl;
	unsigned monitors; /* clients that look on */
	struct bgp_transport *transport;
	bool listening;
	struct bgp_net transport_net; /* the transport's part of what bgp calls; ours is deadline and work */
	struct bgp *bgp;
	struct evpn *evpn;
	struct resolve *resolve;
	struct dp_vtep_params vtep_params;
	struct nsopen nsopen; /* started while we were root; taken over by the dataplane */
	struct dp_ops dp_ops; /* the backend's, with its parameters */
	struct dp *dp;
	struct loop_timer bgp_timer; /* follows bgp_deadline() */
	struct loop_timer local_timer; /* resume.c */
	struct loop_work bgp_work;
	struct loop_timer evpn_timer; /* follows evpn_deadline() */
	struct loop_flush evpn_flush;
	struct loop_signal sigterm, sigint, sighup;
	struct mtime started;
	time_t started_wall;
};

#endif

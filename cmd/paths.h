/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Where the programs look when nobody says where: an ordinary user has places of its own (XDG Base Directory). */
#ifndef CMD_PATHS_H
#define CMD_PATHS_H

#define EVPND_VERSION "0.1"
#define EVPND_CONFIG "/etc/evpnd/evpnd.yaml"
#define EVPND_SOCKET "/run/evpnd/evpnd.sock"

#include <limits.h>

struct paths {
	char config[PATH_MAX]; /* EVPND_CONFIG, or $XDG_CONFIG_HOME/evpnd/evpnd.yaml */
	char socket[PATH_MAX]; /* EVPND_SOCKET, or $XDG_RUNTIME_DIR/evpnd.sock */
};

/* The daemon's. */
void paths_of_daemon(struct paths *out);
/* Where evpnctl asks: our own daemon, if there is one, else the host's. */
void paths_of_client(struct paths *out);

#endif

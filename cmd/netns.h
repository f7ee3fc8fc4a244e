/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Network namespaces that port add, port del and trace name. The daemon may not enter them (CAP_SYS_ADMIN), who asks it
 * may: evpnctl opens what is needed and hands it over with the request, so that a port takes no more than its caller
 * has.
 */
#ifndef CMD_NETNS_H
#define CMD_NETNS_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/verb.h"

/* What is handed over, in this order: the namespace, and a netlink socket that was opened in it. */
enum { NETNS_FD, NETNS_SOCKET, NETNS_FDS };

/* The path of the namespace that --from, --netns or --pid names, exactly one of which is given; false: too long. */
bool netns_path(const struct verb_args *args, char *out, size_t cap);
/* 0 and both descriptors, or -errno; *what: "cannot be opened" or "cannot be entered". */
int netns_open(const char *path, int fds[NETNS_FDS], const char **what);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What the process may do: whose it is and which capabilities it has. Given up before anything of the network is
 * touched, so that whatever works at the start works at a reload, too.
 */
#ifndef CMD_EVPND_PRIVILEGE_H
#define CMD_EVPND_PRIVILEGE_H

#include <stdbool.h>

#include "base/log.h"

#define PRIVILEGE_USER "evpnd" /* to become when it is there and root started us */

struct privilege_params {
	struct log *log;
	const char *user;   /* to become; NULL: PRIVILEGE_USER, if there is one */
	const char *group;  /* of the control socket, which the process has to be in to give it away; NULL: none */
	const char *socket; /* its folder becomes the user's when it is made here, or is the usual one */
	bool forwards;      /* has a dataplane, so it needs more than to listen */
};

/*
 * Keeps CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE of what the process has, gains no others whatever it may
 * execute, and becomes the user when root has started it. False with a line in the log.
 */
bool privilege_drop(const struct privilege_params *p);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/paths.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* False without a place of the user's, or when it is longer than a path. */
static bool below(char out[PATH_MAX], const char *dir, const char *rest)
{
	int len = dir && dir[0] == '/' ? snprintf(out, PATH_MAX, "%s%s", dir, rest) : -1;

	return len > 0 && len < PATH_MAX;
}

void paths_of_daemon(struct paths *out)
{
	bool user = geteuid() != 0;

	if (!user || !below(out->socket, getenv("XDG_RUNTIME_DIR"), "/evpnd.sock"))
		snprintf(out->socket, sizeof(out->socket), EVPND_SOCKET);
	if (!user || (!below(out->config, getenv("XDG_CONFIG_HOME"), "/evpnd/evpnd.yaml") &&
		      !below(out->config, getenv("HOME"), "/.config/evpnd/evpnd.yaml")) ||
	    access(out->config, F_OK))
		snprintf(out->config, sizeof(out->config), EVPND_CONFIG);
}

void paths_of_client(struct paths *out)
{
	paths_of_daemon(out);
	if (access(out->socket, F_OK))
		snprintf(out->socket, sizeof(out->socket), EVPND_SOCKET);
}

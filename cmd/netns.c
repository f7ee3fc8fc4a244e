/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/nsopen.h"

#define NETNS_DIR "/run/netns/" /* of iproute2 */

bool netns_path(const struct verb_args *args, char *out, size_t cap)
{
	const char *ns = args->v[ARG_NETNS].text;
	int len;

	if (args->v[ARG_FROM].given)
		return nsopen_path(args->v[ARG_FROM].text, out, cap);
	if (args->v[ARG_PID].given)
		len = snprintf(out, cap, "/proc/%u/ns/net", args->v[ARG_PID].n);
	else
		len = snprintf(out, cap, "%s%s", strchr(ns, '/') ? "" : NETNS_DIR, ns);
	return len < (int)cap;
}

int netns_open(const char *path, int fds[NETNS_FDS], const char **what)
{
	static const uint8_t netlink[] = { NSOPEN_NETLINK };
	const char *step;
	int err;

	*what = "cannot be opened";
	fds[NETNS_FD] = open(path, O_RDONLY | O_CLOEXEC);
	if (fds[NETNS_FD] < 0)
		return -errno;
	*what = "cannot be entered";
	err = nsopen(NULL, fds[NETNS_FD], netlink, 1, &fds[NETNS_SOCKET], &step);
	if (err)
		close(fds[NETNS_FD]);
	return err;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NETNS_DIR "/run/netns/" /* of iproute2 */

bool netns_path(const struct verb_args *args, char *out, size_t cap)
{
	const char *ns = args->v[ARG_NETNS].text;
	int len;

	if (args->v[ARG_PID].given)
		len = snprintf(out, cap, "/proc/%u/ns/net", args->v[ARG_PID].n);
	else
		len = snprintf(out, cap, "%s%s", strchr(ns, '/') ? "" : NETNS_DIR, ns);
	return len < (int)cap;
}

int netns_open(const char *path, int fds[NETNS_FDS], const char **what)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), err = 0;

	*what = "cannot be opened";
	fds[NETNS_SOCKET] = -1;
	fds[NETNS_FD] = open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0 || fds[NETNS_FD] < 0) {
		err = -errno;
		goto out;
	}
	*what = "cannot be entered";
	if (setns(fds[NETNS_FD], CLONE_NEWNET)) {
		err = -errno;
		goto out;
	}
	fds[NETNS_SOCKET] = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fds[NETNS_SOCKET] < 0 || setns(own, CLONE_NEWNET))
		err = -errno;
out:
	if (own >= 0)
		close(own);
	for (int i = 0; err && i < NETNS_FDS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	return err;
}

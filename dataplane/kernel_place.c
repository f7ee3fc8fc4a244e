/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Who writes in this network namespace. An abstract socket belongs to the namespace in which it was bound and goes with
 * its process, however that ends; whoever finds it taken asks it for the process.
 */
#include "dataplane/kernel.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct sockaddr_un place = { .sun_family = AF_UNIX, .sun_path = "\0evpnd dataplane kernel" };

static pid_t holder(int fd)
{
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);

	if (connect(fd, (const struct sockaddr *)&place, sizeof(place)))
		return 0;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) ? 0 : cred.pid;
}

int kernel_place_take(struct log *log)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd >= 0 && !bind(fd, (const struct sockaddr *)&place, sizeof(place)) && !listen(fd, SOMAXCONN))
		return fd;
	err = -errno;
	if (err == -EADDRINUSE)
		log_error(log, LOG_DP, "dataplane kernel: another evpnd, process %d, writes in this network namespace",
			  (int)holder(fd));
	else
		log_error(log, LOG_DP, "dataplane kernel: no socket to tell others that it runs: %s", strerror(-err));
	if (fd >= 0)
		close(fd);
	return err;
}

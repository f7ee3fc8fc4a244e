/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The control socket in the file system: who owns the path, who may connect, who is there. */
#ifndef CMD_EVPND_CTL_SOCKET_H
#define CMD_EVPND_CTL_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/log.h"

struct ctl_socket {
	const char *path; /* borrowed */
	int fd, lock_fd;
	bool has_group;
	gid_t group;
};

/*
 * Listens on path; its directory is made when missing, a socket that nobody answers on is replaced. A lock file beside
 * it decides between two daemons. 0, or -errno with a line in the log.
 */
int ctl_socket_open(struct ctl_socket *s, const char *path, const char *group, struct log *log);
/* Removes the socket and keeps the lock: nobody is served, and no other daemon may start on it. */
void ctl_socket_shut(struct ctl_socket *s);
/* Removes socket and lock file. */
void ctl_socket_close(struct ctl_socket *s);

struct ctl_rights {
	bool show, change;
};
/* What the process at the other end of a connection may do: root and our own user all, the group may show. */
struct ctl_rights ctl_socket_rights(const struct ctl_socket *s, int fd);

#endif

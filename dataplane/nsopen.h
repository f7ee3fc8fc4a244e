/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Sockets in other network namespaces. Who opens one there has to be there, and a process that has
 * entered a user namespace does not come back, so a child goes: it enters the namespace (first, where we
 * have no rights in it, the user namespace that owns it, as that one's user may), opens what is asked
 * for, hands back the descriptors and ends. What is open stays in its namespace, and keeps that alive.
 *
 * A daemon with threads, large tables and a filter for system calls has such children by
 * a process that it started before it had any of these, and that ends with it.
 */
#ifndef DATAPLANE_NSOPEN_H
#define DATAPLANE_NSOPEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nsopen_what {
	NSOPEN_NETLINK, /* NETLINK_ROUTE, bound */
	NSOPEN_PACKET,  /* SOCK_RAW of no protocol yet; does not block, as the next */
	NSOPEN_TUN,     /* /dev/net/tun: what TUNSETIFF makes is in the namespace */
	NSOPEN_ITSELF,  /* the namespace */
	NSOPEN_APART    /* no descriptor: from here on a new network namespace of the same owner */
};
#define NSOPEN_MAX 80u /* at a time */

struct nsopen {
	int fd;      /* to the process; -1: none, then children are our own */
	uint32_t id; /* of the last request */
};

/* 0 or -errno; then, and before, .fd is -1. */
int nsopen_start(struct nsopen *o);
void nsopen_stop(struct nsopen *o);

/*
 * Opens what[0..n-1] in the namespace ns into fds. ns -1: here, by ourselves. 0, or -errno
 * with *step a borrowed text that completes "cannot ..."; nothing is open then. o may be NULL.
 */
int nsopen(struct nsopen *o, int ns, const uint8_t *what, unsigned n, int *fds, const char **step);

/* The path of a namespace, from a path, an iproute2 name or the number of a process in it; false: too long. */
bool nsopen_path(const char *text, char *path, size_t cap);

#endif

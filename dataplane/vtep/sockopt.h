/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Options of UDP sockets: those that older headers do not name, and how they are set. */
#ifndef DATAPLANE_VTEP_SOCKOPT_H
#define DATAPLANE_VTEP_SOCKOPT_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "base/addr.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef IP_RECVFRAGSIZE
#define IP_RECVFRAGSIZE 25
#endif
#ifndef IPV6_RECVFRAGSIZE
#define IPV6_RECVFRAGSIZE 77
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

/* 0 or -errno. */
static inline int sockopt_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Each packet of a socket of a's family comes with its traffic class, and with the size of the fragments it came in. */
static inline void sockopt_outer_comes_along(int fd, const struct ip *a)
{
	if (a->len == 16) {
		sockopt_set(fd, SOL_IPV6, IPV6_RECVTCLASS, 1);
		sockopt_set(fd, SOL_IPV6, IPV6_RECVFRAGSIZE, 1);
	} else {
		sockopt_set(fd, SOL_IP, IP_RECVTOS, 1);
		sockopt_set(fd, SOL_IP, IP_RECVFRAGSIZE, 1);
	}
}

#endif

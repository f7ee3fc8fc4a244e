/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 32

bool http_listen_parse(const char *text, struct ip *address, uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	char host[64], *end;
	unsigned long n;

	if (!len || len >= sizeof(host) || colon[1] < '0' || colon[1] > '9')
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	n = strtoul(colon + 1, &end, 10);
	if (*end || n > UINT16_MAX)
		return false;
	*port = (uint16_t)n;
	if (host[0] != '[')
		return ip_parse(host, address) && address->len == 4;
	if (host[len - 1] != ']')
		return false;
	host[len - 1] = '\0';
	return ip_parse(host + 1, address) && address->len == 16;
}

union any_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t fill(union any_address *a, const struct ip *ip, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	if (ip->len == 4) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		memcpy(&a->v4.sin_addr, ip->b, 4);
		return sizeof(a->v4);
	}
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons(port);
	memcpy(&a->v6.sin6_addr, ip->b, 16);
	return sizeof(a->v6);
}

int http_listen(const struct ip *address, uint16_t *port)
{
	union any_address a;
	socklen_t len = fill(&a, address, *port);
	int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address->len == 16)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, &a.any, len) < 0 || listen(fd, BACKLOG) < 0 || getsockname(fd, &a.any, &len) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	*port = ntohs(address->len == 4 ? a.v4.sin_port : a.v6.sin6_port);
	return fd;
}

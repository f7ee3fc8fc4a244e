/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "bgp/sock.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define TOS_CS6 0xc0  /* network control, RFC 4594 3.2 */
#define UNSENT 262144 /* octets in the kernel that TCP may not send yet: more would only be old news to a slow peer */

int sock_set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

void sock_tune(int fd, int family)
{
	sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	sock_set_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT);
	if (family == AF_INET)
		sock_set_int(fd, IPPROTO_IP, IP_TOS, TOS_CS6);
	else
		sock_set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, TOS_CS6);
}

int sock_ttl_security(int fd, int family, uint8_t hops)
{
	int min = 256 - hops, rc;

	if (family == AF_INET)
		rc = sock_set_int(fd, IPPROTO_IP, IP_TTL, 255) || sock_set_int(fd, IPPROTO_IP, IP_MINTTL, min);
	else
		rc = sock_set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255) ||
		     sock_set_int(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, min);
	return rc ? -errno : 0;
}

int sock_syn_ttl(int fd)
{
	uint8_t packet[256];
	socklen_t n = sizeof(packet);

	if (getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, packet, &n) || n < 20)
		return -1;
	return packet[0] >> 4 == 4 ? packet[8] : packet[7];
}

int sock_md5(int fd, const struct ip *peer, const char *key)
{
	struct tcp_md5sig sig = { 0 };
	struct sockaddr_storage ss;
	size_t n = key ? strlen(key) : 0;

	if (n > sizeof(sig.tcpm_key))
		return -EINVAL;
	memcpy(&sig.tcpm_addr, &ss, ip_to_sockaddr(peer, 0, &ss));
	sig.tcpm_keylen = (uint16_t)n;
	if (n)
		memcpy(sig.tcpm_key, key, n);
	return setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &sig, sizeof(sig)) ? -errno : 0;
}

int sock_new(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0)
		return -errno;
	sock_tune(fd, family);
	return fd;
}

struct ip sock_local(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t n = sizeof(ss);

	getsockname(fd, (struct sockaddr *)&ss, &n);
	return ip_from_sockaddr((struct sockaddr *)&ss, NULL);
}

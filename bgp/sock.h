/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* TCP sockets of BGP: what is asked of the kernel for one, and nothing of links or listeners. */
#ifndef BGP_SOCK_H
#define BGP_SOCK_H

#include <stdint.h>

#include "base/addr.h"

/* Not blocking, tuned. -errno. */
int sock_new(int family);
/* Failures are not worth a session: marks and delays are a matter of quality. */
void sock_tune(int fd, int family);
/* setsockopt() of an int. */
int sock_set_int(int fd, int level, int name, int value);
/* RFC 5082 3: send 255, take nothing that came over more than hops routers less one. -errno. */
int sock_ttl_security(int fd, int family, uint8_t hops);
/* The TTL with which the SYN of an accepted connection came, when its listener kept it (TCP_SAVE_SYN); else -1. */
int sock_syn_ttl(int fd);
/* RFC 2385. key NULL takes the peer's key away. -errno. */
int sock_md5(int fd, const struct ip *peer, const char *key);
struct ip sock_local(int fd);

#endif

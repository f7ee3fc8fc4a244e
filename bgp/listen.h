/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The listening half of the transport: sockets that wait for neighbors, and what they know of each of them (TCP-MD5
 * key, TTL).
 *
 *   backlog --> accept4() --> whose address is it? --> a configured peer's --> take()
 *                               | a stranger's: refuse(), counted   | over its limit: parked until bgp_accept_at()
 */
#ifndef BGP_LISTEN_H
#define BGP_LISTEN_H

#include "base/list.h"
#include "base/loop.h"
#include "bgp/md5_drops.h"
#include "include/bgp.h"

struct listen {
	struct loop *loop;
	struct log *log;
	struct bgp *bgp; /* NULL until the engine is there */
	/* A connection of a configured peer: fd is the taker's. */
	void (*take)(void *ctx, struct bgp_peer *peer, int fd);
	/* One of somebody else: the same. */
	void (*refuse)(void *ctx, int fd);
	void *ctx;
	struct list listeners, parked, keys;
	struct loop_timer park_timer, accept_timer;
	struct log_limit strangers, too_far;
	uint64_t n_strangers, n_refused;
	uint32_t n_parked;
	struct md5_drops drops; /* at the last look */
	struct loop_timer drops_timer;
	struct log_limit drops_said;
};

/* The callbacks and their ctx are the caller's to set. */
void listen_init(struct listen *ls, struct loop *loop, struct log *log);
void listen_fini(struct listen *ls);
/* As bgp_transport_listen(), _unlisten() and _peers_changed(). */
int listen_open(struct listen *ls, const struct ip *address, uint16_t port);
void listen_close(struct listen *ls);
void listen_peers_changed(struct listen *ls);
/* A session may be missing from now on: looks at what the kernel drops until none is. */
void listen_watch_drops(struct listen *ls);
/* All but the links, which are the transport's. */
void listen_stats(const struct listen *ls, struct bgp_transport_stats *out);
/* The address that we are known by, when the configuration names one for the peer's family; else NULL. */
const struct ip *listen_source(const struct listen *ls, const struct ip *peer);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Watches the forwarding tables of a network namespace from outside, by its neighbour notifications (RTNLGRP_NEIGH).
 * The same listener stands beside every daemon that is measured, because each listener slows the writer.
 */
#ifndef BENCH_NLWATCH_H
#define BENCH_NLWATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* MAC number i of the load; what is watched are the rows of these, each counted once however often it is written. */
static inline struct mac load_mac(uint32_t i)
{
	return (struct mac){ { 0x02, 0xbe, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
}

/* Its number; false when it is none of the load's. */
static inline bool load_mac_index(const uint8_t *mac, uint32_t *i)
{
	*i = (uint32_t)mac[2] << 24 | (uint32_t)mac[3] << 16 | (uint32_t)mac[4] << 8 | mac[5];
	return mac[0] == 0x02 && mac[1] == 0xbe;
}

#define NLWATCH_WAIT_S 5.0

struct nlwatch {
	int fd;
	uint32_t n;                /* MACs 0..n-1 are counted */
	uint32_t bridge, vxlan, neigh; /* of these there now; neigh: IPv4 neighbours 10.0.0.0 + i of the MACs */
	uint8_t *in_bridge, *in_vxlan, *in_neigh;
	uint32_t *via; /* nexthop of the vxlan row, or its IPv4 address as the wire has it */
	uint64_t messages;         /* about rows, of whatever MAC */
	uint64_t lost;             /* ENOBUFS seen: the counts are then wrong */
};

/* A descriptor made inside the namespace of /run/netns/NAME (NULL: ours). -1 with a message. */
int netns_socket(const char *name, int domain, int type, int protocol);
/* Index of a device in the namespace of a socket. -1 with a message. */
int netns_device(int fd, const char *name);
/* 0, or -1 with a message on stderr. */
int nlwatch_open(struct nlwatch *w, const char *netns, uint32_t n);
void nlwatch_close(struct nlwatch *w);
/* Takes in what has come, without waiting. */
void nlwatch_read(struct nlwatch *w);
/* Seconds since start (proc_now()) when it is so; negative when it does not come about in NLWATCH_WAIT_S. */
double nlwatch_wait(struct nlwatch *w, bool (*is_so)(const struct nlwatch *w, uint32_t arg), uint32_t arg,
		    double start);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The load's BGP sessions to the daemon under test: number 0 feeds, the others are sinks. Some of these may
 * be slow: they read a few octets a second or none, with a small receive buffer, or the kernel would take it
 * all off the daemon. Whatever goes wrong ends the program with a message: a figure of half a load is none.
 */
#ifndef BENCH_SESSIONS_H
#define BENCH_SESSIONS_H

#include "base/addr.h"
#include "tests/bench/sink.h"

#define MESSAGE_MAX 4096u

struct session {
	struct ip local;
	int fd;
	bool slow, writing; /* writing: epoll is told */
	struct sink sink;
	uint8_t rest[MESSAGE_MAX]; /* the start of a message */
	size_t rest_len;
	const uint8_t *out; /* borrowed: what is being fed */
	size_t out_left;
	double last_keepalive;   /* when one came */
	double longest_silence;  /* s between two KEEPALIVEs */
};

struct sessions {
	struct ip target;
	uint16_t port, hold_time;
	uint32_t asn;
	uint32_t slow_rate; /* octets/s that a slow session reads */
	double timeout;     /* s, of the whole program */
	struct session *s;
	size_t n;
	int epoll;
	uint8_t *in;
	double deadline, last_turn, longest_turn; /* of ours: how far the measured silence can be trusted */
	double last_keepalive, next_sip;
	/* Adds to what is said on stderr when the time is up; may be NULL. */
	void (*also_late)(const void *ctx);
	const void *also_late_ctx;
};

/* Not connected yet. */
void sessions_add(struct sessions *t, const struct ip *local, bool slow, uint32_t routes);
/* Connects all and returns when each has had the daemon's OPEN and KEEPALIVE. */
void sessions_establish(struct sessions *t);
/* Another descriptor that ends a wait in sessions_turn() when it is readable. */
void sessions_watch(struct sessions *t, int fd);
/* Serves all sockets once, waiting wait_ms at most. */
void sessions_turn(struct sessions *t, int wait_ms);
/* Begins a measurement of silence. */
void sessions_listen(struct sessions *t);
/* The slow sessions read like the others from now on. */
void sessions_wake(struct sessions *t);
/* The feeder's connection ends: closed without a NOTIFICATION. */
void sessions_cut(struct sessions *t);
/* Octets that the feeder's kernel has not seen acknowledged, and what is not sent. */
size_t sessions_unsent(const struct sessions *t);
void sessions_close(struct sessions *t);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Real TCP on the loopback: engines, each with its transport, on one event loop. The engines of
 * a pair are 127.X.Y.1 and 127.X.Y.2, or both ::1, on ports of their own. The loopback is that
 * of a namespace of the program's own, so that runs side by side do not meet; where none can be
 * had X, Y and the ports, which come from the process id, keep them apart most of the time.
 */
#ifndef TESTS_LIB_TCPWORLD_H
#define TESTS_LIB_TCPWORLD_H

#include <unistd.h>

#include "base/loop.h"
#include "tests/lib/lines.h"
#include "tests/lib/testroutes.h"

#define PORT_A ((uint16_t)(20000 + getpid() % 6000 * 2))
#define PORT_B ((uint16_t)(PORT_A + 1))

struct tcp_side {
	struct bgp_transport *t;
	struct bgp_net tnet; /* the transport's part */
	struct bgp *bgp;
	struct bgp_peer *peer;
	struct routes_seen seen;
	struct lines lines;
	struct loop_timer timer;
	struct loop_work work;
};

struct tcp_two {
	struct tcp_side a, b;
};

extern struct loop tcp_loop;

/* For main(): as root, or as a user who may make user namespaces. */
void tcp_loopback_of_our_own(void);
/* cmocka's: the loop. */
int tcp_set_up(void **state);
int tcp_tear_down(void **state);

/* "127.N": this run's address N; anything else as it is written. */
struct ip tcp_ip(const char *s);
/* How many lines have this text, in which address and port are this run's 127.N and port. */
unsigned tcp_lines(struct lines *l, const char *before, const char *address, uint16_t port, const char *after);

void tcp_start(struct tcp_side *s, uint32_t id);
int tcp_listen(struct tcp_side *s, const char *address, uint16_t port);
void tcp_peer(struct tcp_side *s, const char *address, struct bgp_peer_params p);
void tcp_end(struct tcp_side *s);
struct bgp_peer_info tcp_info(const struct tcp_side *s);

/* Runs the loop until done, for ms milliseconds at most. */
bool tcp_wait(bool (*done)(void *ctx), void *ctx, int ms);
/* Runs the loop for ms milliseconds, and a turn for each four of them at least, however busy the machine is. */
void tcp_pass(int ms);

void tcp_two_start(struct tcp_two *w, struct bgp_peer_params at_a, struct bgp_peer_params at_b);
void tcp_two_end(struct tcp_two *w);
/* Both sessions are established; ctx is the struct tcp_two. */
bool tcp_two_up(void *ctx);

/* A plain socket, connected; it does not block. */
int tcp_dial(const char *from, const char *to, uint16_t port);

#endif

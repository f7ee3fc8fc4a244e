/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A network in memory on simulated time, for engines (struct bgp) and for peers that a test drives by hand. Connections
 * are byte streams with a delay and a window, as TCP's: a receiver that does not read stops its sender. The same seed
 * gives the same run, octet by octet.
 *
 * Nothing happens but in simnet_run(); what a test calls on an engine (bgp_peer_down(), bgp_originate(), ...) takes
 * simnet_now() as its time and has its effect in the next run.
 */
#ifndef TESTS_LIB_SIMNET_H
#define TESTS_LIB_SIMNET_H

#include "base/buf.h"
#include "include/bgp.h"

struct simnet;
struct sim_node;
struct sim_end; /* one end of a connection */

struct simnet_params {
	uint64_t seed;
	int64_t delay_min_us, delay_max_us; /* one way, drawn a chunk; order is kept. 0 and 0: 1 ms */
	size_t window;                      /* octets under way in one direction at most; 0: 65,536 */
	size_t piece;                       /* receivers are handed at most this many octets at once; 0: as they come */
};

struct simnet *simnet_new(const struct simnet_params *p);
/* Ends all engines (Cease/2, not delivered) and frees them. */
void simnet_free(struct simnet *n);
struct mtime simnet_now(const struct simnet *n);
/* Handles everything that is due in the next us microseconds; the time is then that much later. */
void simnet_run(struct simnet *n, int64_t us);
/* Until done(ctx) is true, for us microseconds at most. What done() said last. */
bool simnet_run_until(struct simnet *n, int64_t us, bool (*done)(void *ctx), void *ctx);
/* What has happened so far, as a number: two runs alike have the same. */
uint64_t simnet_trace(const struct simnet *n);
uint64_t simnet_octets(const struct simnet *n); /* delivered */

/* ---- engines ---------------------------------------------------------------------------------------------------- */

/*
 * p->net is filled here, p->log and p->seed when they are NULL and 0 (a mute log). Families are the caller's to
 * register.
 */
struct sim_node *simnet_engine(struct simnet *n, const char *address, const struct bgp_params *p);
struct bgp *sim_bgp(const struct sim_node *node);
/* A neighbor of node at the address of other; p's address is filled. Returns the peer. */
struct bgp_peer *sim_peer(struct sim_node *node, const struct sim_node *other, const struct bgp_peer_params *p);
/*
 * The process dies without a word: its engine is freed, its connections are half open (the other side is reset when it
 * sends). sim_bgp() is NULL until sim_restart(), which makes a new engine without peers.
 */
void sim_crash(struct sim_node *node);
struct bgp *sim_restart(struct sim_node *node, const struct bgp_params *p);

/* ---- disturbance ------------------------------------------------------------------------------------------------ */

/* Resets all connections between two nodes. */
void sim_reset(struct simnet *n, struct sim_node *a, struct sim_node *b);
/* The same, and what was under way ends anywhere: in the middle of a message, most times. */
void sim_sever(struct simnet *n, struct sim_node *a, struct sim_node *b);
/* While blocked nothing passes between them, and nobody is told: connects hang, what is sent waits. */
void sim_block(struct simnet *n, struct sim_node *a, struct sim_node *b, bool blocked);
/* Nobody answers at this node: connects to it are refused. Connections that stand stay. */
void sim_refuse(struct sim_node *node, bool refuse);

/* ---- peers by hand ----------------------------------------------------------------------------------------------- */

/* Accepts whatever comes. */
struct sim_node *simnet_raw(struct simnet *n, const char *address);
/* An end that is connected, or closed (refused), after a run. The test lets go of it with sim_end_drop(). */
struct sim_end *sim_raw_connect(struct sim_node *node, const struct sim_node *to);
/* The connections that came to the node and that this function has not returned yet, oldest first; NULL: none. */
struct sim_end *sim_raw_accepted(struct sim_node *node);
void sim_raw_send(struct sim_end *e, const void *data, size_t len);
/* What has come and was not consumed (buf_consume()) by the test. */
struct buf *sim_raw_received(struct sim_end *e);
bool sim_raw_closed(const struct sim_end *e); /* by the other side, or refused */
void sim_raw_read(struct sim_end *e, bool read); /* false: leaves everything in the window */
void sim_raw_close(struct sim_end *e);
void sim_end_drop(struct sim_end *e); /* closes it, too */

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Routes that a neighbor does not stand behind at the moment: its session is lost and it is expected back (RFC 4724,
 * 8538, 9494), or it is telling all its routes again (RFC 7313). What is said of them is said to the table by
 * generation (rib.h); here is when, and for how long.
 *
 *	session lost ---> STALE, restart timer ---> back, with the F bit ---> its End-of-RIB: the rest goes
 *	                        |                                    \---> no End-of-RIB in time: the rest goes
 *	                        +--> not back in time: gone, or long-lived stale for their own time
 */
#ifndef BGP_STALE_H
#define BGP_STALE_H

#include "base/timerq.h"
#include "include/bgp.h"

#define STALE_FAMILIES 8u

struct bgp_conn;

/* Ends are MTIME_NEVER when nothing is waited for. */
struct stale_family {
	struct mtime refresh_end; /* the EoRR has to come by */
	struct mtime long_end;    /* long-lived stale routes go */
	uint32_t long_s;          /* how long the routes of the last session may be so; 0: not at all */
};

/* Embedded in struct bgp_peer. */
struct stale {
	struct timerq_node timer;  /* at the first of all the ends */
	struct mtime restart_end;  /* the neighbor has to be back by, and when it is, its End-of-RIB has to come by */
	struct mtime ask_again;    /* a refresh could not be followed: another is asked for */
	struct stale_family families[STALE_FAMILIES];
};

void stale_init(struct bgp_peer *peer);
void stale_fini(struct bgp_peer *peer);
/*
 * c was the session. graceful: it ended in a way that lets its routes stay, if c's capabilities let them. Detaches the
 * peer from the outbound side.
 */
void stale_session_lost(struct bgp_conn *c, bool graceful, struct mtime now);
/* c is the session: what is left of the one before stays as far as its OPEN lets it. After rib_peer_up(). */
void stale_session_up(struct bgp_conn *c, struct mtime now);
/* What is kept of it goes; why is for the log. */
void stale_forget(struct bgp_peer *peer, const char *why);
/* Of the family with that index. */
void stale_end_of_rib(struct bgp_conn *c, uint32_t family, struct mtime now);
void stale_refresh_begins(struct bgp_conn *c, uint32_t family, struct mtime now); /* BoRR */
void stale_refresh_ends(struct bgp_conn *c, uint32_t family, struct mtime now);   /* EoRR */

/* Routes of all its families that its present session has not withdrawn, whichever session announced them. */
uint32_t stale_routes_of_session(const struct bgp_peer *peer);
/* For show. */
void stale_info(const struct bgp_peer *peer, struct bgp_peer_info *out);

#endif

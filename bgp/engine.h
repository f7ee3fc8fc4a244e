/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* struct bgp as the parts of the engine share it (bgp.c, peer.c, session.c, open.c, receive.c, update.c). */
#ifndef BGP_ENGINE_H
#define BGP_ENGINE_H

#include "base/history.h"
#include "base/list.h"
#include "base/timerq.h"
#include "bgp/attrset.h"
#include "bgp/rib.h"
#include "include/bgp.h"

#define ENGINE_FAMILIES_MAX 8u

struct engine_family {
	const struct bgp_family *f;
	const struct bgp_listener *l;
};

struct restart { /* restart.c */
	bool waiting;    /* after a restart, for what was there before; R in our OPENs */
	bool forwarding; /* our rows are in place: F in our OPENs */
	bool local;      /* our own routes are there */
	struct mtime end;
	struct timerq_node timer;
};

struct bgp {
	struct bgp_params p;
	struct restart restart;
	bool stays; /* as it stops it asks neighbors to keep its routes */
	struct timerq timers;
	struct mtime told; /* the deadline that bgp_net knows */
	struct engine_family families[ENGINE_FAMILIES_MAX];
	uint32_t n_families;
	struct attrset_table *sets;
	struct rib *rib;
	struct list peers;   /* struct bgp_peer, in order of configuration */
	struct list removed; /* peers that wait for the network to release their connections */
	bool stopping;
	struct mtime draining; /* since, MTIME_NEVER: not */
	uint64_t rng;
	bool enough;         /* has been done in this slice: what is read pauses */
	struct list waiting; /* struct bgp_conn: of what they have sent not all is handled, see receive_more() */
	uint64_t limit_looked; /* what was used when nobody was to blame, see limit_memory() */
	uint32_t n_conns;
	struct {
		struct rtc_user *users; /* by route target */
		/* Sessions that cannot say what they want: [0] iBGP without clients, [1] the others; and all of [1]. */
		uint32_t n_silent[2], n_outer;
		bool all;               /* so all is asked for in their place */
	} rtc;
	uint8_t *scratch; /* ATTR_SCRATCH octets, for the UPDATE under the reader */
};

/* Arms n, and tells bgp_net when the engine's next deadline comes earlier by it. */
void engine_arm(struct bgp *b, struct timerq_node *n, struct mtime at);
/* us times a random factor of 0.75 to 1.0 (RFC 4271 10). */
int64_t engine_jitter(struct bgp *b, int64_t us);
/* The index of a registered family in b->families, -1 when there is none. */
int engine_family_index(const struct bgp *b, uint16_t afi, uint8_t safi);

#endif

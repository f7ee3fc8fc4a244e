/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Where a MAC is: the rules of RFC 7432 15 and rfc7432bis 7.13.1 as pure functions over what routes claim and what the
 * local ports show. The tables (mac.c) hold the state and carry out what follows from it.
 */
#ifndef EVPN_MOBILITY_H
#define EVPN_MOBILITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* "The MAC is behind this VTEP": what counts when claims compete. */
struct mac_claim {
	uint32_t sequence; /* MAC mobility, 0 without */
	bool sticky;       /* static behind that VTEP (RFC 7432 15.2) */
	bool gateway;      /* default gateway (RFC 7432 10.1) */
	struct ip vtep;
	bool last_resort; /* of a long-lived stale route (RFC 9494 4.3) */
	bool draining;    /* its VTEP is about to go (RFC 8326); this does not count against a port of ours */
};

/* < 0 when a is older than b, > 0 when newer; the numbers wrap around (RFC 7432 15, arithmetic of RFC 1982). */
int mac_sequence_cmp(uint32_t a, uint32_t b);
/*
 * > 0 when a beats b, < 0 the reverse, 0 when they say the same. Steps: default gateway, sticky, higher sequence (these
 * are rfc7432bis 7.13.1; the latter two do not count between gateways), a VTEP that stays, lower VTEP address (RFC 7432
 * 15). They are the steps of bgp's decision again, because routes of different RDs have different keys and meet only in
 * the MAC table.
 */
int mac_claim_cmp(const struct mac_claim *a, const struct mac_claim *b);

/* The step by which won beats lost, in words about the loser. */
const char *mac_claim_step(const struct mac_claim *won, const struct mac_claim *lost);

enum mac_state {
	MAC_UNKNOWN, /* neither here nor there: kept for its addresses, or about to be freed */
	MAC_LOCAL,   /* on a port of ours, advertised */
	MAC_REMOTE,  /* behind a VTEP, wanted in the dataplane */
	MAC_HELD,    /* static on a port of ours and advertised, while a VTEP claims it with a route that would win */
	MAC_BARRED,  /* static or a gateway behind a VTEP and wanted in the dataplane, but a port of ours saw it too */
	/* Duplicates (RFC 7432 15.1) stay where they were when they moved too often, and are not advertised again. */
	MAC_FROZEN_HERE, /* on a port of ours, advertised as it was, whatever VTEPs claim */
	MAC_FROZEN_THERE /* behind a VTEP, wanted in the dataplane, whatever our ports show */
};

const char *mac_state_text(enum mac_state s); /* "unknown", "local", ... */

static inline bool mac_is_here(enum mac_state s)
{
	return s == MAC_LOCAL || s == MAC_HELD || s == MAC_FROZEN_HERE;
}

static inline bool mac_is_there(enum mac_state s)
{
	return s == MAC_REMOTE || s == MAC_BARRED || s == MAC_FROZEN_THERE;
}

static inline bool mac_is_frozen(enum mac_state s)
{
	return s == MAC_FROZEN_HERE || s == MAC_FROZEN_THERE;
}

enum mac_event {
	MAC_LEARNED, /* seen on a local port, or its static flag changed */
	MAC_LEFT,    /* gone from its local port */
	MAC_ROUTED,  /* the best claim of the VTEPs changed, came or went */
	MAC_THAWED   /* a duplicate may move again */
};

enum mac_reason { /* of the last change, for show */
	MAC_R_NONE,
	MAC_R_LEARNED,
	MAC_R_MOVED_HERE,
	MAC_R_LEFT,
	MAC_R_ROUTE,
	MAC_R_WITHDRAWN,
	MAC_R_SEQUENCE,
	MAC_R_LOWER_VTEP,
	MAC_R_STICKY_THERE,
	MAC_R_STICKY_HERE,
	MAC_R_DUPLICATE_HERE,
	MAC_R_DUPLICATE_THERE,
	MAC_R_CONFIGURED,
	MAC_R_ANSWERED,
	MAC_R_TUNNEL,
	MAC_R_NOT_CONFIGURED,
	MAC_R_NOT_ANSWERED,
	MAC_R_NOT_HEARD
};
const char *mac_reason_text(enum mac_reason r);

/* What is known when an event comes. */
struct mac_view {
	enum mac_state state;
	struct mac_claim ours;         /* sequence counts when state is here, sticky always, vtep is our address */
	const struct mac_claim *theirs; /* the best claim, NULL without */
	bool on_port; /* in MAC_BARRED or MAC_FROZEN_THERE: a port of ours shows the MAC all the same */
};

struct mac_step {
	enum mac_state state;
	uint32_t sequence; /* of ours, when state is here */
	enum mac_reason reason;
};

/* The transition function of a MAC. The same state and sequence as before means that nothing is to be told. */
struct mac_step mac_step(const struct mac_view *v, enum mac_event ev);
/*
 * Whether the step is a move between a port of ours and a VTEP, as RFC 7432 15.1 counts them. *seen: a port of ours has
 * learned it. A MAC that just leaves its port, or that is pinned to its place, has not moved.
 */
bool mac_step_is_move(const struct mac_view *v, const struct mac_step *s, bool *seen);
/* The step to take instead when a move was one too many. */
struct mac_step mac_freeze(const struct mac_view *v);

#endif

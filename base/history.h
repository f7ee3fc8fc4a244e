/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What happened: one history for the daemon, of a fixed size. Who decides something notes it
 * here from the result of the decision; readers (show events, why, monitor) are places in
 * it, so what is not read in time is lost to them and counted, and nobody waits for them.
 *
 *   history_add() --> rings, oldest first out --> history_next(), in the order in which it happened
 *
 * There are several rings, so that what a storm has many of (hosts that are learned, all routes of a session that is
 * lost) cannot push out what explains it. Who adds says which ring. An event is packed: what does not apply takes no
 * room. There is no index: a look at all of them takes some milliseconds.
 */
#ifndef BASE_HISTORY_H
#define BASE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/mtime.h"

enum history_ring {
	HISTORY_SESSIONS, /* that came up or were lost, and what became of their routes */
	HISTORY_ATTEMPTS, /* sessions that did not come up */
	HISTORY_HOSTS,    /* MACs, addresses, VTEPs: seen for the first time, gone */
	HISTORY_MOVES,    /* MACs and addresses that were known and are elsewhere, or are claimed twice */
	HISTORY_ROWS,     /* of the dataplane: refused, or changed by another hand */
	HISTORY_DAEMON,   /* devices, VNIs, limits, and what operators do */
	HISTORY_ROUTES,   /* best paths; only while someone watches */
	HISTORY_RINGS
};
#define HISTORY_BIT(ring) (1u << (ring))
#define HISTORY_ALL (HISTORY_BIT(HISTORY_RINGS) - 1)

enum history_kind { /* what an event is about */
	HISTORY_NEIGHBOR,
	HISTORY_MAC,
	HISTORY_IP,
	HISTORY_VTEP, /* in a flood list */
	HISTORY_ROW,
	HISTORY_DEVICE,
	HISTORY_SYSTEM, /* the daemon itself, its VNIs */
	HISTORY_ROUTE,
	HISTORY_KINDS
};
const char *history_kind_name(enum history_kind k); /* "neighbor", "mac", ... */
bool history_kind_parse(const char *s, enum history_kind *out);

enum history_what { /* what it is now, or what happened to it */
	HISTORY_NONE,
	/* neighbors; the first six in the order of RFC 4271's states */
	HISTORY_IDLE,
	HISTORY_CONNECT,
	HISTORY_ACTIVE,
	HISTORY_OPENSENT,
	HISTORY_OPENCONFIRM,
	HISTORY_ESTABLISHED,
	HISTORY_KEPT,   /* its routes, over the end of its session */
	HISTORY_PURGED, /* those of them that are left */
	/* MACs and addresses */
	HISTORY_LOCAL,
	HISTORY_REMOTE,
	HISTORY_CONFLICT,
	HISTORY_DUPLICATE,
	HISTORY_LIMITED,
	HISTORY_WAITING, /* an address whose MAC is not known to be anywhere */
	HISTORY_REFUSED, /* also a row by the kernel, and a reload */
	HISTORY_GONE,
	/* rows and devices */
	HISTORY_DELETED, /* by another hand */
	HISTORY_ALTERED,
	HISTORY_RESTORED,
	HISTORY_PLACED, /* after it was refused */
	HISTORY_MADE,
	HISTORY_READY,
	HISTORY_UNREADY,
	HISTORY_OVERRUN, /* events of the kernel were lost */
	/* lists, routes, the daemon */
	HISTORY_ADDED,
	HISTORY_CHANGED,
	HISTORY_REMOVED,
	HISTORY_STARTED,
	HISTORY_RELOADED,
	HISTORY_WHATS
};
const char *history_what_name(enum history_what w); /* "Idle", "local", ...; NULL for HISTORY_NONE */

#define HISTORY_TEXT_MAX 191u /* octets; what is longer is cut */

/*
 * What does not apply is 0 or NULL. Pointers are borrowed: by history_add() until it
 * returns, from history_next() until its next call.
 */
struct history_event {
	uint64_t id; /* of all events, ascending; history_add() gives it, and the time */
	struct mtime at;
	uint8_t kind;      /* enum history_kind */
	uint8_t what, was; /* enum history_what */
	uint8_t key_len;
	uint32_t vni;
	uint32_t ifindex;  /* the port */
	uint32_t sequence; /* MAC mobility */
	uint32_t count;    /* of routes */
	const struct mac *mac, *mac_was;  /* was: of an address */
	const struct ip *ip;       /* of a host */
	const struct ip *vtep;     /* where it is */
	const struct ip *from;     /* the VTEP where it was */
	const struct ip *neighbor; /* whose session or route it is */
	const char *reason; /* kept as a pointer, so it must be a literal */
	const char *table;  /* of a row; the same */
	const char *text;
	const uint8_t *key; /* of a route, BGP_KEY_MAX octets at most */
};

struct history_one { /* a ring */
	uint8_t *data; /* NULL until something is added */
	uint64_t head, tail; /* octets ever written, and of these the first that are there still */
	uint64_t first;      /* so many events were pushed out */
	uint64_t next;       /* so many came */
	uint32_t watched;    /* by so many */
};

#define HISTORY_PORTS 256u

struct history {
	struct mtime now;
	uint64_t ids;
	struct {
		uint32_t ifindex;
		char name[32];
	} ports[HISTORY_PORTS]; /* of events, those that were named last: what is gone has no other name left */
	struct history_one rings[HISTORY_RINGS];
	struct list watches;
};

/* Where a reader stands in each ring. */
struct history_reader {
	uint32_t rings; /* bits: those it reads */
	uint64_t at[HISTORY_RINGS], no[HISTORY_RINGS];
	uint64_t lost; /* were pushed out before it came to them */
	struct mac mac, mac_was;
	struct ip ip, vtep, from, neighbor;
	char text[HISTORY_TEXT_MAX + 1];
	uint8_t key[256];
};

/* Who waits for more. */
struct history_watch {
	struct list node;
	uint32_t rings;
	void (*wake)(struct history_watch *w); /* something was added; at every event, so it must cost little */
};

void history_init(struct history *h);
void history_fini(struct history *h);
/* The time of what comes next. */
void history_set_now(struct history *h, struct mtime now);
/* Packs e; its id and time are not looked at. h NULL: nobody keeps a history. */
void history_add(struct history *h, enum history_ring ring, const struct history_event *e);
/* At the oldest event, or behind the newest. */
void history_read_all(const struct history *h, struct history_reader *r, uint32_t rings);
void history_read_new(const struct history *h, struct history_reader *r, uint32_t rings);
/* The next event; what it points to is r's. False at the end, for now. */
bool history_next(const struct history *h, struct history_reader *r, struct history_event *out);
void history_watch(struct history *h, struct history_watch *w);
void history_unwatch(struct history *h, struct history_watch *w);
/* What a port of events is called; no name is kept of one whose place another has taken. */
void history_name_port(struct history *h, uint32_t ifindex, const char *name);
const char *history_port_name(const struct history *h, uint32_t ifindex);
/* Octets of all rings as far as they were used, and events that came and were pushed out. */
size_t history_bytes(const struct history *h, uint64_t *came, uint64_t *lost);

/* For what is not worth its making when nobody looks. */
static inline bool history_watched(const struct history *h, enum history_ring ring)
{
	return h && h->rings[ring].watched;
}

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What is looked for in a VNI whose rows come on demand: questions that wait, that are asked, and those
 * that nobody knew an answer to a moment ago. The dataplane tells of a miss with every frame, so here a
 * thousand of them become one question. No clock, no source of answers and no tables: demand.c has these.
 *
 *	      miss                 resolver_next()             answer
 *	none ------> waiting ----------------------> asked -----------------> none, or unknown when nobody knows
 *	 ^                                             | RESOLVER_ANSWER_MS        |
 *	 |                                             +---------------------> unknown
 *	 +------------------------------------------------- RESOLVER_UNKNOWN_MS ---+
 *
 * Each of the three is a line in order of time, since all of a line wait for the same.
 */
#ifndef EVPN_RESOLVER_H
#define EVPN_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/htab.h"
#include "base/mtime.h"
#include "base/slab.h"

#define RESOLVER_MAX 65536u      /* keys, of all states; hosts can make them grow */
#define RESOLVER_ASKED_MAX 1024u /* questions that are on their way at once */
#define RESOLVER_ANSWER_MS 2000  /* an answer that takes longer counts as none */
#define RESOLVER_UNKNOWN_MS 1000 /* what nobody knows is not asked again so soon */

/* A MAC (ip none), or an address (mac zero). */
struct resolver_key {
	struct mac mac;
	struct ip ip;
};

enum resolver_state { RESOLVER_WAITING, RESOLVER_ASKED, RESOLVER_UNKNOWN, RESOLVER_STATES };

struct resolver_entry {
	uint32_t chain;
	uint32_t next, prev; /* in its line */
	uint8_t state;       /* enum resolver_state */
	struct resolver_key key;
	struct mtime due;
	uint32_t id; /* of the question, never 0; answers name it */
	uint32_t held; /* the caller's: what waits for the answer */
};

struct resolver_line {
	uint32_t head, tail, n;
};

struct resolver_counters {
	uint64_t misses;   /* as told, one a frame */
	uint64_t answered; /* questions, with a host */
	uint64_t unknown;  /* questions that nobody knew an answer to */
	uint64_t late;     /* of these, for want of an answer in time */
	uint64_t dropped;  /* misses: too many keys */
};

struct resolver {
	struct slab slab;
	struct htab index;
	struct resolver_line line[RESOLVER_STATES];
	uint32_t last_id;
	uint64_t seed;
	struct resolver_counters count;
};

void resolver_init(struct resolver *r, uint64_t seed);
void resolver_fini(struct resolver *r);

static inline struct resolver_entry *resolver_get(const struct resolver *r, uint32_t h)
{
	return slab_ptr(&r->slab, h);
}

/* 0: there is none. */
uint32_t resolver_find(const struct resolver *r, const struct resolver_key *k);
/* A miss, counted. The entry that is or will be answered; 0: nobody knows, or there are too many questions already. */
uint32_t resolver_miss(struct resolver *r, const struct resolver_key *k, struct mtime now);
/* The next question, which is asked from now on; 0: none, or enough are on their way. */
uint32_t resolver_next(struct resolver *r, struct mtime now);
/* The question of this id; 0: none, or not any more. */
uint32_t resolver_asked(const struct resolver *r, uint32_t id);
/* The answer: a host is known (the entry is gone after it), or nobody knows. */
void resolver_answered(struct resolver *r, uint32_t h, bool known, struct mtime now);
/* It is as if it had never been asked. */
void resolver_drop(struct resolver *r, uint32_t h);
/* One that was not answered in time and is unknown now; 0: no more. Those that were unknown long enough are gone. */
uint32_t resolver_expire(struct resolver *r, struct mtime now);
/* When the next one is due; MTIME_NEVER. */
struct mtime resolver_due(const struct resolver *r);

#endif

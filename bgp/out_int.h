/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The list of a group from inside, for out_list.c (its mechanics), out.c (groups) and out_pull.c (messages).
 *
 * The list of a group holds entries (routes that it advertises, or has to withdraw) in the order of their last change,
 * and positions. Cursors of peers stand at a position: what is before it they have been sent, what is after it is due.
 *
 *	ends <-> entry <-> entry <-> position <-> entry <-> entry <-> position <-> ends
 *	          oldest change      (a slow peer)          newest    (all others)
 *
 * Every change has a number. An entry keeps those of its last change and of the first version that it has had since it
 * came to the list; a position has the number of the last entry that it passed. So:
 *	- entries before a position have last <= its seq, entries after it last >= its seq;
 *	- of two positions, the one behind has the lower or the same seq;
 *	- a peer may hold a version of a route only when its seq >= first. (That is cautious: it may have been sent a
 *	  withdrawal, or no version at all because the entry moved on before it came by.)
 * A withdrawn entry stays until no position that may hold it stands before it. It is enough to ask the last one before
 * it, and that only when another has passed: so every question costs O(1), however many peers there are.
 *
 * A position without cursors is a ghost: a peer has left it, and the withdrawn entries that waited for that peer alone
 * are dropped by walking it to the next position (out_work()).
 */
#ifndef BGP_OUT_INT_H
#define BGP_OUT_INT_H

#include "bgp/rib_int.h"

struct out_link {
	uint32_t prev, next; /* handles of routes or positions; 0: ends */
};

struct out_entry {
	struct out_link link;
	uint32_t last; /* number of the last change; 0: there is no entry */
	uint32_t first : 31;
	uint32_t live : 1; /* advertised; 0: withdrawn */
};
_Static_assert(sizeof(struct out_entry) == 16, "16 octets a route a group");

struct out_pos {
	struct out_link link;
	uint32_t handle, seq;
	struct list order;   /* in out_group.order */
	struct list cursors; /* struct out_cursor */
	bool ghost;
};

struct out_cursor {
	struct list at;
	struct out_pos *pos; /* NULL: stands nowhere */
	struct out_marker *marker;
};

/* One peer in one group. */
struct out_marker {
	struct out_cursor main;
	struct out_cursor refresh; /* a second way over what main has passed, while a refresh is under way */
	struct out_group *group;
	struct rib_peer *peer;
	struct out_marker *next; /* the peer's next family */
	uint32_t eor_seq;        /* End-of-RIB is due behind this change; UINT32_MAX while the group is being filled */
	bool eor_sent;
	bool demarcated;    /* the refresh stands between BoRR and EoRR (RFC 7313): */
	bool begun;         /* BoRR has been written, */
	bool end_due;       /* all routes have, and EoRR has not */
	bool wake; /* by the next slice of work */
	uint32_t cache_hint;
};

/* Entries lie in blocks parallel to those of the slab of routes of their class. */
struct out_claim;

struct out_blocks {
	struct out_entry **blocks; /* NULL: none of its routes has an entry */
	uint32_t *used;
	uint32_t n;
};

/* A message that was written, and the part of the list that it says: see out_cache.c. */
struct out_stretch {
	uint32_t first, last; /* handles; first 0: forgotten */
	uint32_t from, to;    /* numbers of those two */
	uint32_t nlris;
	uint32_t at;          /* where the message lies; given by out_cache_add() */
	uint16_t len;         /* octets of the message */
	uint16_t source;      /* index of the peer that all the routes are from */
	bool full;            /* no other NLRI went in */
};

#define OUT_STRETCHES 512u

struct out_cache {
	struct out_stretch *stretches; /* a ring of OUT_STRETCHES; NULL until the first is added */
	uint8_t *octets;               /* another, of size octets */
	uint32_t size;
	uint32_t oldest, n;            /* stretches, forgotten ones in between included */
	uint32_t head;                 /* where the next octets go */
	uint32_t from, to;             /* no stretch has numbers outside */
	uint64_t repeats;              /* messages that came from here */
};

struct out_group {
	struct list in_family;
	struct rib *rib;
	uint32_t family, id;
	struct out_policy policy;
	struct out_link ends;
	uint32_t seq; /* of the last change */
	uint32_t n_entries, n_live, n_markers, n_ghosts, n_wakes;
	uint32_t *own; /* live entries by the index of their source, */
	uint32_t n_own; /* below this one: the others have none */
	struct out_blocks classes[RIB_CLASSES];
	size_t block_bytes;
	struct slab positions;
	struct list order; /* the positions as they stand in the list */
	bool filling; /* routes that were there before the group are still being looked at */
	struct rib_sweep fill;
	uint32_t fill_last; /* handle */
	struct out_cache cache;
	/* policy.filtered: see out_filter.c. */
	struct out_claim *claims; /* by target */
	uint32_t n_held;          /* of these are held, and their hash */
	uint64_t held_hash;
	uint64_t found, wanted;   /* stamps of the last look-up that led here */
	struct list sweeping;     /* in out_filter.sweeping while sweeps is set */
	bool sweeps, sweep_again; /* the list follows a change; another has come meanwhile */
	uint32_t sweep_set, sweep_next; /* where it stands: a set, and the next of its routes, handles */
};

/*
 * A way along the list: a cursor is taken out of its position and put down again at the end. In between the walk stands
 * behind the position "behind" (maybe the head of the order) and before the element "next".
 */
struct out_walk {
	struct out_group *g;
	struct list *behind;
	uint32_t next, seq;
};

static inline bool out_is_pos(uint32_t h)
{
	return h >> RIB_CLASS_SHIFT == RIB_POS_CLASS;
}

static inline struct out_pos *out_pos(const struct out_group *g, uint32_t h)
{
	return slab_ptr(&g->positions, h & RIB_HANDLE_MASK);
}

struct out_entry *out_sparse_find(const struct out_group *g, uint32_t h);

/* Of a route that has one, as all that are linked in the list have. */
static inline struct out_entry *out_entry_at(const struct out_group *g, uint32_t h)
{
	const struct slab *s = &g->rib->routes[h >> RIB_CLASS_SHIFT];
	uint32_t i = (h & RIB_HANDLE_MASK) - 1;

	if (__builtin_expect(g->policy.filtered, 0))
		return out_sparse_find(g, h);
	return &g->classes[h >> RIB_CLASS_SHIFT].blocks[i >> s->shift][i & (s->per_block - 1)];
}

/* NULL when the route has no entry. */
static inline struct out_entry *out_entry(const struct out_group *g, uint32_t h)
{
	const struct out_blocks *c = &g->classes[h >> RIB_CLASS_SHIFT];
	uint32_t b = ((h & RIB_HANDLE_MASK) - 1) >> g->rib->routes[h >> RIB_CLASS_SHIFT].shift;
	struct out_entry *e;

	if (__builtin_expect(g->policy.filtered, 0))
		return out_sparse_find(g, h);
	if (b >= c->n || !c->blocks[b])
		return NULL;
	e = out_entry_at(g, h);
	return e->last ? e : NULL;
}

/* The peer that is not sent the route because it comes from it; 0: none, as with memberships (RFC 4684 3.2). */
static inline uint16_t out_source(const struct out_group *g, const struct route *rt)
{
	return g->policy.membership ? 0 : rt->peer;
}

/*
 * Whether the peer of that index surely holds nothing of the entry, having read up to
 * seq. A source is not sent its own.
 */
static inline bool out_holds_none(const struct out_group *g, const struct route *rt, const struct out_entry *e,
				  uint16_t peer, uint32_t seq)
{
	return seq < e->first || (out_source(g, rt) == peer && !rt->moved);
}

/* ---- out_list.c ---- */

void out_list_init(struct out_group *g);
void out_list_fini(struct out_group *g);
/* Sees to it that there is a number for one more change. May renumber the list, so no entry may be out of it. */
void out_seq_reserve(struct out_group *g);
/* A new entry, live, in no place yet: out_entry_place() follows. */
struct out_entry *out_entry_new(struct out_group *g, uint32_t h);
/* Gives an entry that is in no place the next number, and the place before the element next, 0: at the end. */
void out_entry_place(struct out_group *g, uint32_t h, struct out_entry *e, uint32_t next);
void out_entry_unlink(struct out_group *g, struct out_entry *e);
/* Unlinks and forgets the entry. The caller settles the route. */
void out_entry_drop(struct out_group *g, uint32_t h, struct out_entry *e);

/* The position at the start of everything, made when need be. */
struct out_pos *out_pos_start(struct out_group *g);
/* A new position at the end of everything. */
struct out_pos *out_pos_end(struct out_group *g);
/* The last position in the list, NULL when there is none. */
struct out_pos *out_pos_last(const struct out_group *g);
/* The one before it. */
struct out_pos *out_pos_before(const struct out_group *g, const struct out_pos *p);
bool out_pos_is_sole(const struct out_pos *p, const struct out_cursor *c);
void out_cursor_join(struct out_group *g, struct out_cursor *c, struct out_pos *p);
/* The position may be freed or become a ghost. */
void out_cursor_leave(struct out_group *g, struct out_cursor *c);
/* Is there an entry behind the cursor's position? */
bool out_cursor_due(const struct out_group *g, const struct out_cursor *c);

struct out_walk out_walk_begin(struct out_group *g, struct out_cursor *c);
/* Passes positions; false when no entry follows. */
bool out_walk_positions(struct out_walk *w);
/* Passes the entry at w->next. A withdrawn one that nobody waits for is dropped, the route may be gone. */
void out_walk_pass(struct out_walk *w);
/* May the entry, somewhere in the list, be taken next: is it ahead, and no position between? */
bool out_walk_may_pull(const struct out_walk *w, const struct out_entry *e);
/* The element right before the walk: a handle, 0 at the start. */
uint32_t out_walk_prev(struct out_walk *w);
/* Passes a stretch that begins at w->next. */
void out_walk_leap(struct out_walk *w, const struct out_stretch *s);
/* Moves that entry behind the walk, as if it had been passed. */
void out_walk_pull(struct out_walk *w, uint32_t h, struct out_entry *e);
void out_walk_end(struct out_walk *w, struct out_cursor *c);
/* Walks a ghost on by at most n entries; returns how many are left of n. */
uint32_t out_ghosts_walk(struct out_group *g, uint32_t n);

/* ---- out_cache.c ---- */

void out_cache_clear(struct out_group *g);
void out_cache_fini(struct out_group *g);
size_t out_cache_bytes(const struct out_group *g);
/* The message that was just written says exactly this stretch: live entries of one set and source, one by one. */
void out_cache_add(struct out_group *g, const struct out_stretch *s, const uint8_t *message);
/*
 * The stretch that begins with that entry, which has number seq; NULL when there is none. Valid
 * until something is added. The hint makes it quick to find the one behind the one found last.
 */
const struct out_stretch *out_cache_find(const struct out_group *g, uint32_t first, uint32_t seq, uint32_t *hint);
/* The entry with that number changes, or leaves its place. */
void out_cache_touch(struct out_group *g, uint32_t seq);
/* Something with that number comes between these two, of which either may be 0. */
void out_cache_split(struct out_group *g, uint32_t prev, uint32_t next, uint32_t seq);

/* ---- out.c ---- */

struct out_group *out_group_new(struct rib *r, uint32_t family, const struct out_policy *policy);
/* All routes that were there before the group have been looked at. */
void out_fill_done(struct out_group *g);
/* Is the best path of the route for this group, but for its filter? Whether it is for a peer of it is not asked. */
bool out_is_wanted(const struct out_group *g, const struct route *rt);
/* The best path of the route is another, and is wanted or not; old_source: whose the one before was. */
void out_follow(struct out_group *g, uint32_t h, bool wanted, uint16_t old_source);
/* The route is as it was, and is wanted now or not. */
void out_want(struct out_group *g, uint32_t h, bool wanted);
/* The peer's place in the group that sends it the family, or its view of the family; NULL: it is attached to none. */
struct out_marker *out_marker_of(const struct rib *r, const struct rib_peer *p, const struct bgp_family *f);
/* The peer has more to pull, but others run first: it is woken by the next slice of work. */
void out_wake_later(struct out_marker *m);

#endif

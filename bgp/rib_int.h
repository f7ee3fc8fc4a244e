/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The table from inside, for the files rib*.c and out*.c. Nobody else includes it, but tests.
 *
 * A route is named by a handle: its length class (octets of the key / 4, rounded up) above RIB_CLASS_SHIFT, its
 * handle in the slab of that class below. So one 32-bit word links routes of all lengths and families in one list.
 *
 * States of a route:
 *	- set and reject 0: the embedded path is the best one;
 *	- set and reject: no path is eligible, the embedded one is any of them;
 *	- no set: a tombstone, in the list rib.tombs; it goes when no group has an entry for it.
 * While it has a set it is linked in that set's list.
 */
#ifndef BGP_RIB_INT_H
#define BGP_RIB_INT_H

#include "base/hidx.h"
#include "base/list.h"
#include "base/pages.h"
#include "base/slab.h"
#include "bgp/rib.h"

#define RIB_CLASS_SHIFT 27
#define RIB_HANDLE_MASK ((1u << RIB_CLASS_SHIFT) - 1)
#define RIB_KEY_MAX (BGP_KEY_MAX + 4u)    /* with the path identifier in a view */
#define RIB_CLASSES (RIB_KEY_MAX / 4 + 1) /* class 0 is not used */
#define RIB_POS_CLASS 31u                 /* handles of positions in the lists of out.c */
#define RIB_DOOMED 16u
#define RIB_IDS_SENT_MIN 0x10001u /* below it the indices of peers, plus one */

struct route {
	uint32_t set;                /* of the embedded path */
	uint32_t set_prev, set_next; /* in the set's list, the last that came first; or in rib.tombs */
	uint32_t alt;                /* the further paths, handle in rib.alts */
	uint32_t since;              /* s */
	uint16_t peer;               /* index of the embedded path's source; of a tombstone: the last one's */
	uint16_t key_len : 7;
	uint16_t family : 3;
	uint16_t reject : 3; /* enum bgp_reject of the embedded path */
	uint16_t moved : 1;  /* the source of the embedded path has changed since the route came */
	uint16_t gen : 2;    /* generation of the embedded path, in its peer's struct rib_gens */
	uint8_t key[];
};
_Static_assert(sizeof(struct route) == 24, "24 octets a route and the key");

/* A path that is not the embedded one. */
struct rib_alt {
	uint32_t next, set, since;
	uint16_t peer;
	uint16_t reject : 3;
	uint16_t gen : 2;
};

/*
 * The identifiers of a path that its peer has sent with one other than 0 (RFC 7911): a node right behind the path, of
 * the same slab, told by its set. So paths without identifiers have no room for them.
 */
struct rib_ids {
	uint32_t next, set; /* set: 0 */
	uint32_t received;
	uint32_t sent; /* not below RIB_IDS_SENT_MIN, and no other path of the key has it */
};
_Static_assert(sizeof(struct rib_ids) == sizeof(struct rib_alt), "of one slab");

/* Where a sweep over all routes stands: it goes round and round, its owner knows when it has seen enough. */
struct rib_sweep {
	uint32_t class, handle;
};

enum rib_view_state { RIB_VIEW_NONE, RIB_VIEW_EMPTY, RIB_VIEW_FILLING, RIB_VIEW_FULL, RIB_VIEW_EMPTYING };

/* A family, or the paths of one as a family: see rib_view.c. */
struct rib_family {
	const struct bgp_family *family;
	const struct bgp_listener *listener; /* may be NULL */
	struct list groups;                  /* struct out_group */
	struct list filtered;                /* struct out_group: those that get what they ask for */
	uint32_t view;                       /* the one that follows it; 0: none does */
	/* Of a view. */
	enum rib_view_state state; /* RIB_VIEW_NONE: it is none */
	uint32_t of;               /* the family */
	uint32_t ranks;            /* its routes have ranks up to this one, in route.since */
	struct rib_sweep sweep;    /* filling, emptying */
	uint32_t last;             /* handle */
};

struct rib_view_path {
	uint32_t set, received, sent, rank;
	uint16_t peer;
};

/* What all views share. */
struct rib_views {
	uint64_t n_keys; /* routes in them with a path */
	struct rib_view_path *paths; /* scratch of a change: the paths before it, then those after it */
	uint32_t n_paths, cap_paths;
};

/* Peers drift apart by what their sockets take: with a quarter of this, a further peer often found nothing any more. */
#define OUT_CACHE_OCTETS (1u << 20)

struct rib {
	struct rib_params params;
	struct attrset_table *sets;
	struct pages pages;              /* for all of these and the lists of the groups */
	struct slab routes[RIB_CLASSES]; /* by class */
	struct slab alts;
	struct hidx index;
	uint64_t seed; /* of the hash: peers choose the keys */
	struct rib_family families[RIB_FAMILIES];
	uint32_t n_families;
	struct rib_peer **peers; /* by index; NULL: free, and 0 */
	uint32_t n_peers;
	uint32_t tombs;
	struct rib_doomed {
		uint64_t hash;
		uint32_t h;
	} doomed[RIB_DOOMED];
	uint32_t n_doomed;
	uint64_t n_keys, n_paths; /* keys with a path, those of views too; paths, without */
	struct decide_path *candidates; /* scratch of a decision, */
	struct rib_alt **candidate_alts; /* and where each comes from, NULL: embedded */
	uint32_t cap_candidates;
	struct rib_views views;
	uint32_t ids_sent; /* the last path identifier made up for a path that came with one */
	uint64_t rows, rows_end; /* that listeners have changed; a slice of work ends with so many */
	uint64_t n_wants; /* route targets that peers ask for, of all */
	uint32_t n_swept; /* generations with paths that the sweep is for */
	struct rib_sweep sweep;
	uint32_t n_urgent[RIB_CLASSES]; /* routes that go first, by class */
	bool urgent_first;              /* the sweep has something new to do: they are looked at before it goes on */
	uint32_t group_ids;     /* last one given */
	uint32_t memberships;   /* families of route target membership, bits */
	struct out_filter *filter; /* NULL without such a family */
	uint32_t n_out_sweeps;  /* filtered groups whose list follows a change of what they ask for */
	uint32_t out_cache_octets; /* of a group at most; lowered by tests only */
	bool eor_held;          /* out_hold_end_of_rib() */
	bool drained;           /* out_drain() */
	uint32_t out_seq_limit; /* see out.c; lowered by tests only */
};

/* A path as the table names it; set 0: none. */
struct rib_path {
	uint32_t set;
	uint16_t peer;
};

static inline struct route *rib_route(const struct rib *r, uint32_t h)
{
	return slab_ptr(&r->routes[h >> RIB_CLASS_SHIFT], h & RIB_HANDLE_MASK);
}

static inline struct rib_path rib_best(const struct route *rt)
{
	return rt->reject || !rt->set ? (struct rib_path){ 0, 0 } : (struct rib_path){ rt->set, rt->peer };
}

static inline struct rib_alt *rib_alt(const struct rib *r, uint32_t h)
{
	return slab_ptr(&r->alts, h);
}

/* The identifiers of the path whose member next (of a route: alt) has that value; NULL when it has none. */
static inline struct rib_ids *rib_ids(const struct rib *r, uint32_t next)
{
	struct rib_ids *ids = next ? slab_ptr(&r->alts, next) : NULL;

	return ids && !ids->set ? ids : NULL;
}

static inline uint32_t rib_path_id(const struct rib *r, uint32_t next)
{
	const struct rib_ids *ids = rib_ids(r, next);

	return ids ? ids->received : 0;
}

/* Where the path after that one is named: *link is the member next of a path. */
static inline uint32_t *rib_after(const struct rib *r, uint32_t *link)
{
	struct rib_ids *ids = rib_ids(r, *link);

	return ids ? &ids->next : link;
}

/* ---- rib.c ---- */

/* Index in rib.families; BUG for a family that is not registered. */
uint32_t rib_family_index(const struct rib *r, const struct bgp_family *f);
/* 0: there is no such route, not even a tombstone. */
uint32_t rib_find(const struct rib *r, uint32_t family, const uint8_t *key, size_t key_len);
/* The handle of the route, made when need be: a tombstone of that peer then. */
uint32_t rib_route_get(struct rib *r, uint32_t family, const uint8_t *key, size_t key_len, uint16_t peer);
/* The set of the embedded path is that one from now on, 0: there is none. The references are the caller's. */
void rib_route_set(struct rib *r, uint32_t h, struct route *rt, uint32_t set);
/* Room for n in rib.candidates. */
void rib_candidates_reserve(struct rib *r, uint32_t n);
/* Does to the paths of a route what their generation says, decides, tells. The route may be gone after it. */
void rib_sweep_route(struct rib *r, uint32_t h);
/*
 * Dooms a tombstone when no group has an entry for it: it is in no list any more, and is taken out of the index with
 * others, so that the waits for its memory overlap. Nothing may be looked up until rib_doomed_free().
 */
void rib_route_settle(struct rib *r, uint32_t h);
void rib_doomed_free(struct rib *r);
/* A hint: the route will be swept soon. */
void rib_prefetch_route(const struct rib *r, uint32_t h);

/* ---- rib_path.c: h and rt are the handle and the address of one route ---- */

/* A copy. */
static inline struct rib_alt rib_path_embedded(const struct route *rt)
{
	return (struct rib_alt){ .next = rt->alt, .set = rt->set, .since = rt->since, .peer = rt->peer,
				 .reject = rt->reject, .gen = rt->gen };
}


/*
 * Adds the path, or replaces the one of that peer and identifier. Takes over the reference to its set, unless it says
 * false: then the peer has too many.
 */
bool rib_path_put(struct rib *r, uint32_t h, struct route *rt, const struct rib_alt *path, uint32_t path_id);
/* false when there was none. */
bool rib_path_drop(struct rib *r, uint32_t h, struct route *rt, uint16_t peer, uint32_t path_id);
/* Makes path the embedded one. The reference to the set that was embedded before becomes the caller's. */
void rib_path_embed(struct rib *r, uint32_t h, struct route *rt, const struct rib_alt *path);
/* Embeds a further path, and puts the one that was embedded in its place. */
void rib_path_swap(struct rib *r, uint32_t h, struct route *rt, struct rib_alt *further);
/* Has the route paths that the sweep is for? */
bool rib_route_is_swept(const struct rib *r, uint32_t h);
/* Ages or drops these paths, as their generation says. */
void rib_paths_sweep(struct rib *r, uint32_t h, struct route *rt);

/* ---- rib_gen.c ---- */

static inline bool rib_gen_is_swept(const struct rib *r, uint32_t family, uint16_t peer, uint32_t gen)
{
	const struct rib_peer *p = r->peers[peer];

	return p && p->gens[family].swept >> gen & 1;
}

/* Of a path that is announced now. p may be NULL. */
static inline uint16_t rib_gen_current(const struct rib_peer *p, uint32_t family)
{
	return p ? p->gens[family].current : 0;
}

void rib_gen_count(struct rib *r, uint32_t family, uint16_t peer, uint32_t gen);
void rib_gen_uncount(struct rib *r, uint32_t family, uint16_t peer, uint32_t gen);
/*
 * What becomes of a path that the sweep is for, of generation *gen: its set with LLGR_STALE, with a reference that is
 * the caller's, and *gen; 0 when it goes, because it is dead or has NO_LLGR (RFC 9494 4.2).
 */
uint32_t rib_gen_aged(struct rib *r, uint32_t family, uint16_t peer, uint32_t set, uint32_t *gen);
void rib_gens_init(struct rib_gens *g);

/* ---- rib_peer.c ---- */

/* Is it one of those that go first? */
static inline bool rib_route_is_urgent(const struct rib *r, const struct route *rt)
{
	const struct bgp_family *f = r->families[rt->family].family;

	return f->urgent && f->urgent(rt->key, rt->key_len);
}

/* One slice of the sweep. */
void rib_sweep_slice(struct rib *r);

/* ---- rib_view.c ---- */

/* The path identifier under which a path of that peer goes out; next: of the path, of a route its alt. */
uint32_t rib_path_id_sent(const struct rib *r, uint16_t peer, uint32_t next);
/* The one of a path of that peer that came without. */
static inline uint32_t rib_path_id_of(uint16_t peer)
{
	return peer + 1u;
}

/* The key in a view of a path with that identifier; its length. */
size_t rib_view_key(const uint8_t *key, size_t key_len, uint32_t sent, uint8_t out[RIB_KEY_MAX]);
/* The index of the family's view, in which the best so many paths have their ranks. A group follows at once. */
uint32_t rib_view_open(struct rib *r, uint32_t family, uint32_t best);
/* The route in a view of the path with that identifier; 0: there is none. */
uint32_t rib_view_find(const struct rib *r, uint32_t view, const uint8_t *key, size_t key_len, uint32_t sent);
/* Around every change of the paths of a route whose family has a view. Nothing else may change between the two. */
void rib_view_before(struct rib *r, const struct route *rt);
void rib_view_after(struct rib *r, const struct route *rt);
/* A slice of filling and emptying; true when there is more. */
bool rib_views_work(struct rib *r);
void rib_views_fini(struct rib *r);

static inline bool rib_is_view(const struct rib *r, uint32_t family)
{
	return r->families[family].state != RIB_VIEW_NONE;
}

/* Is everything that belongs there in that family, which may be a view? */
static inline bool rib_is_filled(const struct rib *r, uint32_t family)
{
	return !rib_is_view(r, family) || r->families[family].state == RIB_VIEW_FULL;
}

/* ---- rib_walk.c ---- */

/* The route after *s, round the end to the start; 0 when the table is empty. */
uint32_t rib_sweep_next(const struct rib *r, struct rib_sweep *s);

/* ---- out.c ---- */

/* The best path of a route was old and is another, or none: its groups follow. */
void out_best_changed(struct rib *r, uint32_t h, struct rib_path old);
/* A route of a view has another rank. */
void out_rank_changed(struct rib *r, uint32_t h);
/* Does any group have an entry for this route? */
bool out_has_entry(const struct rib *r, uint32_t family, uint32_t h);
/* A slice of what groups have to do; true when there is more. */
bool out_work(struct rib *r);
/* A path of a family of memberships comes (1) or goes (-1). */
void out_filter_count(struct rib *r, struct rib_peer *p, const struct route *rt, int n);
/* The route is about to leave its set's list, while there are sweeps. */
void out_filter_route_leaves(struct rib *r, const struct route *rt);
/* Adds what the groups take. */
void out_memory(const struct rib *r, struct bgp_memory *m);
/* Detaches all peers and frees the groups. */
void out_fini(struct rib *r);

#endif

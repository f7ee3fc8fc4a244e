/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Adj-RIB-In and Loc-RIB in one table (rib.c), the decision (decide.c), the outbound side (out.c).
 *
 * A key has one slot in a slab of its length class: raw key octets, the best path in the slot itself, further paths as
 * small nodes behind it. Everything is named by 32-bit handles; nothing is allocated a route.
 *
 * Outbound: peers that get the same bytes are a group. A group links the routes it advertises in the order of
 * their last change, each once; a peer is a marker in that list, and what it holds follows from where the
 * marker stands. So a burst of changes of one key costs a peer one message, a new peer's dump and a slow peer's
 * backlog are the same walk, and a slow peer costs no memory. A withdrawn route stays in the list without a
 * path until every marker that has passed an earlier version of it has passed the withdrawal. Peers that take
 * several paths of a route are groups of a view of the family, in which every path is a route (rib_view.c).
 */
#ifndef BGP_RIB_H
#define BGP_RIB_H

#include "bgp/attrset.h"
#include "include/bgp.h"

struct rib;
struct out_group;
struct out_marker;
struct out_want;

#define RIB_FAMILIES 8u
#define RIB_GENS 4u

/*
 * The paths of a peer in a family are of generations. What a session announces is of the current one; a refresh or the
 * end of a session begins another, and what has become of the earlier ones is said here, not at each of their paths.
 */
enum rib_gen_state {
	RIB_GEN_FREE,
	RIB_GEN_CURRENT,
	RIB_GEN_REFRESH, /* announced before a refresh that is under way: RFC 7313 4 */
	RIB_GEN_STALE,   /* their session is lost, they are used on: RFC 4724 4.2 */
	RIB_GEN_LONG,    /* used as a last resort, bear LLGR_STALE: RFC 9494 4.3 */
	RIB_GEN_AGEING,  /* become LONG as the sweep comes by */
	RIB_GEN_DEAD     /* go as the sweep comes by */
};
#define RIB_GEN_BIT(state) (1u << (state))
#define RIB_GEN_ALL (~RIB_GEN_BIT(RIB_GEN_FREE))

struct rib_gens {
	uint8_t current;
	uint8_t swept; /* bits: the ones that are ageing or dead, which have paths */
	uint8_t state[RIB_GENS]; /* enum rib_gen_state */
	uint32_t paths[RIB_GENS];
};

/* Embedded in every struct bgp_peer: what the table knows of a source and sink of routes. */
struct rib_peer {
	uint16_t index; /* given by rib_peer_add(), 0 is "originated here" */
	struct bgp_peer *peer;
	/* Facts of the session, set before rib_peer_up(). */
	bool ebgp, rr_client;
	uint32_t asn, router_id;
	struct ip address;
	/* Counters of the table. */
	uint32_t paths;    /* held from it, ineligible ones included */
	uint32_t rejected; /* of these not eligible */
	struct rib_gens gens[RIB_FAMILIES];
	/* The route targets that it asks for: out_filter.c. */
	struct out_want *wants;
	uint32_t n_wants;
	uint64_t wants_hash;
	/* Outbound: one marker a family, linked; NULL when not attached. */
	struct out_marker *marker;
	bool eor_sent; /* for every family that it was attached with */
	uint64_t demarcations; /* BoRR and EoRR written to it */
	uint64_t sent; /* NLRI written to it, withdrawals included */
};

/* A route target (64 bits), the start of one, or any (0 bits); what is behind the bits is 0. */
struct out_target {
	uint8_t bits;
	uint8_t rt[8];
};

struct rib_params {
	uint32_t asn, router_id, cluster_id; /* ours */
	struct log *log;
	/* The peer has something to pull. */
	void (*want_write)(void *ctx, struct rib_peer *p);
	/* There is work for rib_work(). */
	void (*work)(void *ctx);
	void *ctx;
	bool loopback; /* our own next hop is a loopback address, so those of others on this host may be */
};

struct rib *rib_new(const struct rib_params *p, struct attrset_table *sets);
void rib_free(struct rib *r);
void rib_family_register(struct rib *r, const struct bgp_family *f, const struct bgp_listener *l);

void rib_peer_add(struct rib *r, struct rib_peer *p);
/* Purges at once what is left of it. */
void rib_peer_del(struct rib *r, struct rib_peer *p);
/* A session is established. What is left of the last one's routes may still be on its way out. */
void rib_peer_up(struct rib *r, struct rib_peer *p);
/* The session is lost: its routes are withdrawn by rib_work(), all dead peers in one sweep. Detaches the marker. */
void rib_peer_down(struct rib *r, struct rib_peer *p);
/*
 * The paths of p in this family whose generation is in one of the states from (RIB_GEN_BITs) are in state to from now
 * on; DEAD and AGEING are carried out by rib_work(). If that takes the current generation a new one begins: then, if
 * none is free, the sweep is waited for (rib_gen_ready() tells).
 */
void rib_gen_turn(struct rib *r, struct rib_peer *p, const struct bgp_family *f, uint32_t from, enum rib_gen_state to);
/* Can a new generation begin without waiting? */
bool rib_gen_ready(const struct rib *r, const struct rib_peer *p, const struct bgp_family *f);
/* Paths of the generations in these states. */
uint32_t rib_gen_paths(const struct rib *r, const struct rib_peer *p, const struct bgp_family *f, uint32_t states);

/* Paths with identifiers that one peer may have for a key. */
#define RIB_PATHS_MAX 256u
/*
 * A path of p (NULL: ours) for this key; replaces p's earlier one with that path identifier (RFC 7911; 0: none). Takes
 * over the caller's reference to set. Decides, tells the listener, queues for the groups, all at once. false: nothing
 * was done, as p has RIB_PATHS_MAX others for the key.
 */
bool rib_announce(struct rib *r, const struct bgp_family *f, struct rib_peer *p, const uint8_t *key, size_t key_len,
		  uint32_t path_id, uint32_t set, enum bgp_reject reject, struct mtime now);
/*
 * A hint: these keys are announced or withdrawn by p next. A table of a million lies in memory, not in the cache, and a
 * route costs two or three waits for it; asked for together they overlap. Best for 8 to 32 keys, from RIB_PREFETCH_MAX
 * on the rest is left out.
 */
#define RIB_PREFETCH_MAX 32u
void rib_prefetch(const struct rib *r, const struct bgp_family *f, const struct rib_peer *p,
		  const struct bgp_nlri *nlri, size_t n);
/* false when there was none. */
bool rib_withdraw(struct rib *r, const struct bgp_family *f, struct rib_peer *p, const uint8_t *key, size_t key_len,
		  uint32_t path_id, struct mtime now);
/* Is this set loop free for paths of p (own AS, ORIGINATOR_ID, CLUSTER_LIST, next hop)? Depends on set and p alone. */
enum bgp_reject rib_check(const struct rib *r, const struct rib_peer *p, const struct bgp_attrs *a);
/* One slice of the work that grows with the table (about 1 ms); true when there is more. */
bool rib_work(struct rib *r, struct mtime now);
/*
 * One route can be thousands of rows of a listener's. It counts them, and a slice, of this work or of what a peer
 * sends, is over when so many have changed: some milliseconds of the processor.
 */
#define RIB_ROWS_A_SLICE 4096u
void rib_did(struct rib *r, uint32_t rows);
void rib_slice_begin(struct rib *r);
bool rib_slice_is_over(const struct rib *r);

bool rib_next(const struct rib *r, struct bgp_rib_cursor *c, struct bgp_path_info *out);
const char *rib_decided_by(struct rib *r, const struct bgp_path_info *p); /* as bgp_rib_decided_by() */
uint64_t rib_want_count(const struct rib *r); /* route targets that peers ask for */
bool rib_advertised_to(const struct rib *r, const struct bgp_path_info *p, const struct rib_peer *to);
uint64_t rib_path_count(const struct rib *r);
void rib_memory(const struct rib *r, struct bgp_memory *out);

/* ---- decide.c: one comparison, steps numbered as in RFC 4271 9.1.2.2 and RFC 4456 9 ------------------------------ */

struct decide_path {
	const struct bgp_attrs *attrs;
	const struct rib_peer *peer; /* NULL: ours */
	uint32_t path_id;
};
/*
 * The index of the best of n eligible paths of one key, n >= 1. MED is compared within a neighbour AS only, so this
 * is not a pairwise order: the function sees all paths (RFC 4271 9.1.2.2 (c)).
 */
size_t decide_best(const struct bgp_family *f, const uint8_t *key, size_t key_len, const struct decide_path *paths,
		   size_t n);
/*
 * The step that decides about paths[i]: of the best path the one after which no other was left, of any other the one at
 * which it fell behind the best. NULL when there is none, as for a path that is alone.
 */
const char *decide_step(const struct bgp_family *f, const uint8_t *key, size_t key_len, const struct decide_path *paths,
			size_t n, size_t i);

/* ---- out.c: groups, markers, packing ---------------------------------------------------------------------------- */

#define OUT_ALL_PATHS UINT8_MAX

/* Peers whose policies compare equal by memcmp() are one group: zero the struct before filling it. */
struct out_policy {
	uint8_t ebgp, rr_client, as4;
	uint8_t add_path; /* so many paths of a route, with path identifiers (RFC 7911); 0: the best, without */
	uint16_t max_message; /* octets */
	uint8_t long_lived; /* has the capability of RFC 9494 for the family */
	uint8_t filtered;   /* gets the routes whose route targets it asks for (out_filter.c) */
	uint8_t membership; /* RFC 4684 3.2, see out_pull.c: a source gets its own memberships, too */
	struct ip next_hop; /* ours, for routes that do not keep theirs; none: all keep it */
	uint32_t asn; /* eBGP: the peer's AS: a route with it in the path is not sent (it would be dropped there) */
};

/*
 * Puts the peer at the start of its group's list: the initial dump, then End-of-RIB, then changes as they come. Once a
 * family of the session, after rib_peer_up().
 */
void out_attach(struct rib *r, const struct bgp_family *f, struct rib_peer *p, const struct out_policy *policy);
/* From all families; no harm when it is attached to none. */
void out_detach(struct rib *r, struct rib_peer *p);
/*
 * Sends everything of that family again (route refresh, RFC 2918) beside the changes, which go first. demarcated:
 * between BoRR and EoRR, after End-of-RIB (RFC 7313 4). No harm when the peer is not attached for it.
 */
void out_refresh(struct rib *r, const struct bgp_family *f, struct rib_peer *p, bool demarcated);
/* Some of that is still to be sent. */
bool out_refreshes(const struct rib *r, const struct rib_peer *p);
/*
 * All routes go out with GRACEFUL_SHUTDOWN, ours with LOCAL_PREF 0 (RFC 8326), or as they
 * are. Everything is sent again, as in a refresh.
 */
void out_drain(struct rib *r, bool on);
/* No End-of-RIB goes out while it is held. */
void out_hold_end_of_rib(struct rib *r, bool hold);
/*
 * Writes as many whole UPDATE messages as are due and fit, packed by attribute set, MP_REACH or MP_UNREACH first (RFC
 * 7606 5.1), at most one of them in a message; End-of-RIB at the end of the dump. Octets written, 0 when nothing is
 * due or cap is below what that takes (max_message octets are always enough). *messages is increased by their number.
 */
size_t out_pull(struct rib *r, struct rib_peer *p, uint8_t *space, size_t cap, uint64_t *messages);
/*
 * What goes to the peer of i->family: fills the outbound part of i. prefixes_sent, the routes that it has been sent and
 * holds, is exact when nothing is pending, and a lower bound while it is; pending is an upper bound.
 */
void out_family_info(const struct rib *r, const struct rib_peer *p, struct bgp_family_info *i);
/* What the peer asks for is not known: it asks for everything, or no more (RFC 4684, RFC 7606 2). */
void out_filter_all(struct rib *r, struct rib_peer *p, bool all);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Storage of the dataplane's rows: slabs, the index by key. In which line a row stands is
 * rowset.h's, what the bits mean and how they change is reconcile.c's.
 *
 * A row is named by a 32-bit handle whose low two bits say which slab it lies in: MACs and IPv4 neighbours (the many)
 * are as short as can be, flood rows and other neighbours carry an address more, destinations what the backend needs.
 */
#ifndef DATAPLANE_ROWS_H
#define DATAPLANE_ROWS_H

#include "base/htab.h"
#include "base/slab.h"
#include "dataplane/backend.h"

enum rows_slab { ROWS_SHORT, ROWS_LONG, ROWS_DEST };
#define ROWS_SLABS 3

/* Where a row stands in line; in one place at most. */
enum row_list { ROW_LIST_NONE, ROW_LIST_DIRTY, ROW_LIST_RETRY };

/*
 * Whether it is known what is there of a row; see reconcile_unread.c.
 * ASK: the backend is to look; GONE: for a wish that has ended.
 */
enum row_unread { ROW_READ, ROW_UNREAD, ROW_UNREAD_ASK, ROW_UNREAD_GONE };

struct row {
	/* What a look-up touches comes first: one line of the cache. */
	uint32_t link;       /* index */
	uint32_t vni;        /* handle */
	struct mac mac;      /* FDB, FLOOD: key; NEIGH: wanted */
	uint8_t kind : 2;
	uint8_t port : 3;    /* enum dp_seen_state; FDB, and FLOOD: OURS or NONE, see enum dp_part */
	uint8_t self : 3;    /* enum dp_seen_state */
	uint8_t wanted : 1;
	uint8_t keep : 1;    /* ours from an earlier run, not claimed yet */
	uint8_t list : 2;    /* enum row_list */
	uint8_t inflight : 1; /* an operation is out */
	uint8_t force : 1;   /* write, whatever seems to be there */
	uint8_t told : 1;    /* evpn believes it to be local */
	uint8_t tell : 1;    /* something about the local row is news for evpn */
	union {
		struct {     /* all but NEIGH: see row_want_dest() and so on */
			uint32_t want, have; /* destinations; each holds a reference */
			uint32_t ifindex;    /* of the local port */
		} to;
		struct {     /* NEIGH */
			struct mac have_mac; /* what is there */
			uint8_t v4[4];       /* key of one in ROWS_SHORT */
		} at;
	};
	uint32_t since : 30; /* of the last change, in tenths of a second since the start */
	uint32_t unread : 2; /* enum row_unread */
	uint8_t want_flags : 4;
	uint8_t have_flags : 4;
	uint8_t ask : 1;     /* a local event met our bridge row: which came last? */
	uint8_t give : 1;    /* our write came last: give the row back */
	uint8_t counted : 1; /* wanted and there: part of n_there */
	uint8_t doomed : 1;  /* to be deleted: part of the VNI's n_doomed */
	uint8_t wrote : 1;   /* written and not deleted since, whatever events say meanwhile */
	uint8_t spare : 1;   /* bare, and waits to go with its destination: part of its n_spare */
	uint8_t told_far : 1; /* evpn believes the MAC to be where the tunnel showed it; never with told */
	uint8_t mend : 1;    /* another hand has changed it: that it is right again is news */
	uint8_t err;         /* errno of the last refusal */
	uint8_t level : 3;   /* of back-off */
	uint8_t unseen : 1;  /* not reported yet in this resync */
	uint8_t away : 1;    /* what is known as local has moved away, says evpn (DP_TAKE_OVER) */
	uint8_t idle : 1;    /* on demand, and not used any more: evpn must hear of it */
	uint8_t bare : 1;    /* its bridge row was deleted, the vxlan row is left */
	uint8_t doubt : 1;   /* on demand, from an earlier run: evpn must say whether it knows it */
};

/* One in ROWS_LONG. */
struct long_row {
	struct row r;
	struct ip ip; /* key */
};

struct set {
	uint32_t number;         /* evpn's, 0: none (any more, or yet: left by an earlier run) */
	struct dp_set want;      /* each a reference and a wish */
	struct dp_set put, have; /* as handed to the backend last, as it said that it has; each a reference */
};

struct dest_row {
	struct row r;
	uint32_t refs;
	uint32_t wants; /* of those, the rows that are to go there: they need its object, what others wrote does not */
	uint32_t n_spare; /* of refs, the rows that wait for its end */
	bool mass;        /* nobody wants it and many rows go there: they end with it */
	bool over;        /* it has ended, and its rows have not been looked at since; holds a reference */
	bool ended;       /* over: we have ended it ourselves */
	bool going;       /* its deletion is out */
	bool lost;        /* its end was seen while an operation of it was out */
	uint32_t base; /* with a label: the plain destination, whose object marks our rows; holds a reference */
	struct set *set; /* NULL: one VTEP */
	struct dp_dest d;
};

struct dp_vni {
	uint32_t link;
	uint32_t vni;
	uint32_t handle;
	uint32_t n_rows, n_doomed, local_macs, local_ips;
	uint32_t first[2], last[2]; /* no row of it lies outside, by slab: a walk over a VNI need not see all rows */
	bool bridged; /* an FDB row has a bridge part */
	bool demand;  /* its FDB rows come on demand */
	bool unmarked; /* its flood list does not say which rows are ours */
	bool ready, was_ready;
	bool unread;  /* only some of what is there is known */
	bool met;     /* the rest has been met, and what of it is to be looked up waits for that */
	bool awaits;  /* something waits for the rest */
	bool sweep_waits; /* its sweep does */
	uint32_t n_asked; /* FDB rows that are to be looked up */
	bool closing; /* being taken away: nothing is told any more */
	struct mtime sweep_at;
	void *data; /* the backend's */
};

struct rows {
	struct slab slab[ROWS_SLABS];
	struct slab vnis;
	struct htab by_key, by_dest, by_vni;
	uint64_t seed;
	uint32_t last_vni, last_dest; /* handles, those found last */
};

void rows_init(struct rows *t);
void rows_fini(struct rows *t);
/* Without destinations. */
uint32_t rows_count(const struct rows *t);
size_t rows_bytes(const struct rows *t);

static inline enum rows_slab row_slab(uint32_t h)
{
	return (enum rows_slab)(h & 3);
}

static inline struct row *row_at(const struct rows *t, uint32_t h)
{
	return slab_ptr(&t->slab[h & 3], h >> 2);
}

/* Where it is to go and where it goes, 0: nowhere; no neighbour goes anywhere. */
static inline uint32_t row_want_dest(const struct row *r)
{
	return r->kind == DP_NEIGH ? 0 : r->to.want;
}

static inline uint32_t row_have_dest(const struct row *r)
{
	return r->kind == DP_NEIGH ? 0 : r->to.have;
}

static inline unsigned row_ifindex(const struct row *r)
{
	return r->kind == DP_NEIGH ? 0 : r->to.ifindex;
}

/* Of a FLOOD or NEIGH row. */
static inline struct ip row_ip(const struct rows *t, uint32_t h)
{
	return row_slab(h) == ROWS_LONG ? ((const struct long_row *)(const void *)row_at(t, h))->ip :
					  ip_from_bytes(row_at(t, h)->at.v4, 4);
}

static inline struct dest_row *row_dest(const struct rows *t, uint32_t h)
{
	return slab_ptr(&t->slab[ROWS_DEST], h >> 2);
}

static inline struct dp_vni *row_vni(const struct rows *t, const struct row *r)
{
	return slab_ptr(&t->vnis, r->vni);
}

/* Names a row; mac for FDB, ip for the others. Borrows them. */
struct row_key {
	struct dp_vni *v;
	uint8_t kind;
	const struct mac *mac;
	const struct ip *ip;
	uint64_t hash;
};
struct row_key row_key(const struct rows *t, struct dp_vni *v, uint8_t kind, const struct mac *mac,
		       const struct ip *ip);
/* Handle; 0 when there is none. */
uint32_t rows_find(struct rows *t, const struct row_key *k);
uint32_t rows_add(struct rows *t, const struct row_key *k);
/* A hint, some time before rows_find(): what that looks at comes nearer. */
void rows_prefetch(const struct rows *t, const struct row_key *k);
/* The row must stand in no list. */
void rows_del(struct rows *t, uint32_t h);
/* The row after h of any slab but destinations, in the order of slabs; 0 starts and ends. */
uint32_t rows_next(const struct rows *t, uint32_t h);
/* The same for those of a VNI. */
uint32_t rows_next_of(const struct rows *t, const struct dp_vni *v, uint32_t h);

uint32_t rows_dest_find(struct rows *t, const struct ip *vtep, uint32_t label);
uint32_t rows_dest_add(struct rows *t, const struct ip *vtep, uint32_t label);
/* A set without a number or members. */
uint32_t rows_set_add(struct rows *t);
void rows_dest_del(struct rows *t, uint32_t h);
uint32_t rows_dest_next(const struct rows *t, uint32_t h);

/* NULL when there is none. */
struct dp_vni *rows_vni_find(struct rows *t, uint32_t vni);
struct dp_vni *rows_vni_add(struct rows *t, uint32_t vni);
/* It must have no rows. */
void rows_vni_del(struct rows *t, struct dp_vni *v);
/* In the order of handles, NULL starts and ends. */
struct dp_vni *rows_vni_next(const struct rows *t, const struct dp_vni *v);

#endif

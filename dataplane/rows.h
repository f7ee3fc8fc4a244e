/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Storage of the dataplane's rows: slabs and an index by key. The queues that rows stand in are rowset.h's; what the
 * bits mean and how they change is reconcile.c's.
 *
 * A row is named by a 32-bit handle whose low two bits say which slab it lies in. MACs and IPv4 neighbours, of which
 * there are many, are as short as can be; flood rows and IPv6 neighbours have an address more; destinations have what
 * the backend needs.
 */
#ifndef DATAPLANE_ROWS_H
#define DATAPLANE_ROWS_H

#include "base/htab.h"
#include "base/slab.h"
#include "dataplane/backend.h"

enum rows_slab { ROWS_SHORT, ROWS_LONG, ROWS_DEST };
#define ROWS_SLABS 3

/* The line that a row stands in, one at most. */
enum row_list { ROW_LIST_NONE, ROW_LIST_DIRTY, ROW_LIST_RETRY };

/*
 * Whether it is known what is there of a row; see reconcile_unread.c. ASK: the backend is to look it up for a wish;
 * GONE: the same for a wish that has ended meanwhile.
 */
enum row_unread { ROW_READ, ROW_UNREAD, ROW_UNREAD_ASK, ROW_UNREAD_GONE };

struct row {
	/* What a look-up touches comes first, in one cache line. */
	uint32_t link;       /* index */
	uint32_t vni;        /* handle */
	struct mac mac;      /* FDB, FLOOD: key; NEIGH: wanted */
	uint8_t kind : 2;
	uint8_t port : 3;    /* enum dp_seen_state; FDB, and FLOOD: OURS or NONE, see enum dp_part */
	uint8_t self : 3;    /* enum dp_seen_state */
	uint8_t wanted : 1;
	uint8_t keep : 1;    /* ours from an earlier run, and not wanted yet in this one */
	uint8_t list : 2;    /* enum row_list */
	uint8_t inflight : 1; /* an operation is out */
	uint8_t force : 1;   /* write, whatever seems to be there */
	uint8_t told : 1;    /* evpn believes it to be local */
	uint8_t tell : 1;    /* something about the local row is still to be told to evpn */
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
	uint8_t ask : 1;     /* a local event met our bridge row, so ask the kernel which of the two came last */
	uint8_t give : 1;    /* our write came last, so give the row back to its port */
	uint8_t counted : 1; /* wanted and there: part of n_there */
	uint8_t doomed : 1;  /* to be deleted: part of the VNI's n_doomed */
	uint8_t wrote : 1;   /* we have written it and not deleted it since, whatever events say meanwhile */
	uint8_t spare : 1;   /* bare, and waits to go with its destination: counted in that's n_spare */
	uint8_t told_far : 1; /* evpn believes the MAC to be where the tunnel showed it; never together with told */
	uint8_t mend : 1;    /* another hand has changed it: the history is to say when it is right again */
	uint8_t err;         /* errno of the last refusal */
	uint8_t level : 3;   /* of back-off */
	uint8_t unseen : 1;  /* not reported yet in this resync */
	uint8_t away : 1;    /* evpn says that what is known as local has moved away (DP_TAKE_OVER) */
	uint8_t idle : 1;    /* on demand and no longer used: evpn is to be told */
	uint8_t bare : 1;    /* only its vxlan row is left, the bridge row was deleted */
	uint8_t doubt : 1;   /* on demand, from an earlier run: evpn is to say whether it knows it */
};

/* A row in ROWS_LONG. */
struct long_row {
	struct row r;
	struct ip ip; /* key */
};

struct set {
	uint32_t number;         /* evpn's; 0: evpn has given it up, or an earlier run has left it */
	struct dp_set want;      /* its members as evpn wishes them; a reference and a wish for each */
	struct dp_set put, have; /* as handed to the backend last, and as that has confirmed; a reference for each */
};

struct dest_row {
	struct row r;
	uint32_t refs;
	uint32_t wants;   /* of refs, those of rows that are to go there, and so need its object */
	uint32_t n_spare; /* of refs, those of rows that wait to go with it */
	uint32_t n_apart; /* of refs, those of rows of others, or learned: they need no object */
	bool mass;        /* nobody wants it and many rows go there: they go with it */
	bool over;        /* it is gone, and its rows have not been looked at since; holds a reference */
	bool ended;       /* over: we have deleted it ourselves */
	bool going;       /* its deletion is out */
	bool lost;        /* it was seen to go while an operation of it was out */
	uint32_t base;    /* with a label: the one without, whose object marks our rows; holds a reference */
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
	bool unmarked; /* the mark of its flood list is not ours, so it does not tell which rows are */
	bool ready, was_ready;
	bool unread;  /* only some of what is there is known: dp_vni_unread() */
	bool met;     /* the rest has been read; what of it has to be looked up still is */
	bool awaits;  /* something waits for the rest to be read */
	bool sweep_waits; /* the sweep is what waits */
	uint32_t n_asked; /* FDB rows that are to be looked up */
	bool closing; /* being taken away: evpn is told nothing more of it */
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

/* The destinations that the row is to have and that it has; 0: none, as always of a neighbour. */
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

/* Whether it has a part in n_apart of where it goes. */
static inline bool row_is_apart(const struct row *r)
{
	return row_have_dest(r) && (r->self == DP_SEEN_FOREIGN || r->self == DP_SEEN_LOCAL);
}

/* References for which its object stays. */
static inline uint32_t dest_holds(const struct dest_row *d)
{
	return d->refs - d->n_spare - d->n_apart;
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
/* A hint, some time before rows_find(): prefetches what that looks at. */
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

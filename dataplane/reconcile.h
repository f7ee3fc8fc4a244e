/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Desired x observed -> operations. No sockets, no clock, no log: wishes and observations come in, operations are
 * pulled out, and what evpn must know is told while they are pulled.
 */
#ifndef DATAPLANE_RECONCILE_H
#define DATAPLANE_RECONCILE_H

#include "base/history.h"
#include "dataplane/rows.h"
#include "dataplane/rowset.h"

#define REC_LEVELS 7 /* of back-off: 1, 2, 4 ... 64 s */
#define REC_ECHOES 2048u /* more than can be out */
#define REC_HELD_MAX 65536u /* soft: nothing more is asked for from there on */

struct rec {
	struct rows rows;
	struct rowset dirty;
	struct rowset retry[REC_LEVELS];
	struct mtime retry_at[REC_LEVELS]; /* not later than the first of each is due */
	uint32_t *sets, n_sets; /* handles of sets by number, 0: none */
	struct dp_events ev;
	/* The first row got dirty. */
	void (*kick)(void *ctx);
	void *ctx;
	struct mtime start, now;
	struct mtime next_sweep; /* not later than the first VNI's */
	bool started;
	uint32_t mass_min;       /* this many rows of one destination go with it, not one by one */
	uint32_t burst_min;      /* while this many are in line, rows that go wait: all of their destination may go */
	struct mtime mass_until; /* when they wait no longer */
	struct mtime spare_look; /* when those are looked at whose destination stays */
	bool sweep_waits;        /* until rec_sweep() is called */
	bool over;               /* some destination is: see struct dest_row */
	bool swept;              /* the destinations that an earlier run left have been swept */
	uint32_t n_wanted, n_there;
	uint32_t n_out; /* operations that were pulled and are not done */
	uint32_t n_unread; /* VNIs */
	struct dp_seen *held; /* what was seen of their rows meanwhile, in its order; each holds its destination */
	uint32_t n_held, held_cap;
	uint64_t writes, errors, repairs, overruns;
	struct history *history; /* NULL: none is kept */
	/*
	 * Rows, by handle, that the backend took away to write them anew: what is heard
	 * of that is no other hand's doing.
	 */
	struct rec_echo {
		uint32_t row;
		uint8_t parts;
		struct mtime until;
	} echoes[REC_ECHOES];
	struct mtime noted;      /* since then ... */
	uint32_t n_noted;        /* so many events of rows; see note.c */
};

enum rec_todo {
	REC_NOTHING, /* as it should be */
	REC_BLOCKED, /* it cannot be as it should, see why */
	REC_TELL,    /* evpn must hear of a local row that came or went, or of one on demand */
	REC_PUT,
	REC_DEL,
	REC_ASK,
	REC_GIVE,
	REC_LOOK
};

struct rec_plan {
	enum rec_todo todo;
	uint8_t parts;   /* PUT, DEL: of enum dp_part */
	const char *why; /* BLOCKED */
};

void rec_init(struct rec *c, const struct dp_events *ev, void (*kick)(void *ctx), void *ctx);
void rec_fini(struct rec *c);
/* Runs the retries and sweeps that are due. */
void rec_set_now(struct rec *c, struct mtime now);
/* When the next is due. */
struct mtime rec_next(const struct rec *c);

void rec_want(struct rec *c, const struct dp_row *row);
void rec_unwant(struct rec *c, const struct dp_key *key);
void rec_set_put(struct rec *c, uint32_t number, const struct ip *vteps, unsigned n);
void rec_set_del(struct rec *c, uint32_t number);

unsigned rec_pull(struct rec *c, struct dp_op *ops, unsigned max);
/* Seconds until the next try when it was refused for good reason, otherwise 0. */
unsigned rec_done(struct rec *c, const struct dp_op *op, int err);
void rec_seen(struct rec *c, const struct dp_seen *s);
/* Takes what was held of rows whose operations are done. */
void rec_landed(struct rec *c);
uint32_t rec_dest_intern(struct rec *c, const struct ip *vtep, uint32_t label);
void rec_dest_seen(struct rec *c, uint32_t dest, bool there);
void rec_dest_altered(struct rec *c, uint32_t dest);
uint32_t rec_set_found(struct rec *c, const struct dp_set *s);

void rec_vni_ready(struct rec *c, struct dp_vni *v, bool ready);
void rec_vni_forget(struct rec *c, struct dp_vni *v);
/* Nothing of this VNI is wanted or told any more. */
void rec_vni_close(struct rec *c, struct dp_vni *v);
/* It is wanted again before it was gone: what is there will be seen as if after a start. */
void rec_vni_reopen(struct rec *c, struct dp_vni *v);
/* The same where devices and rows stay: what is there is known, and what is wanted of it is not written again. */
void rec_vni_resume(struct rec *c, struct dp_vni *v);
/* Drops every row, whatever is there, and the VNI. */
void rec_vni_drop(struct rec *c, struct dp_vni *v);
void rec_resync_begin(struct rec *c, struct dp_vni *v);
void rec_resync_end(struct rec *c, struct dp_vni *v);
/* Every row that is wanted is written anew. */
void rec_reassert(struct rec *c);
/* Rows from an earlier run that nobody claimed; v NULL: of every VNI. */
void rec_sweep(struct rec *c, struct dp_vni *v);

/* As dp_vni_unread() and its companions. */
void rec_vni_unread(struct rec *c, struct dp_vni *v);
void rec_looked(struct rec *c, const struct dp_op *op, const struct dp_seen *s, unsigned n);
void rec_vni_met(struct rec *c, const struct dp_seen *s);
void rec_vni_read(struct rec *c, struct dp_vni *v);
/* The same without a look at its rows, which are forgotten. */
void rec_vni_unread_no_more(struct rec *c, struct dp_vni *v);

/* What is to be done about the row; pure. */
struct rec_plan rec_plan(const struct rec *c, uint32_t h);
/* Why a wanted row is not there yet, NULL when it is. */
const char *rec_pending(const struct rec *c, uint32_t h);

/* ---- between the files of reconcile ------------------------------------------------------------------------------ */

static inline bool rec_is_local(unsigned state)
{
	return state == DP_SEEN_LOCAL || state == DP_SEEN_LOCAL_EXTERN || state == DP_SEEN_LOCAL_STATIC;
}

/* The part of a row that can be local: a MAC sits on a port, a binding is in the neighbour table. */
static inline unsigned rec_local_state(const struct row *r)
{
	return r->kind == DP_FDB ? r->port : r->kind == DP_NEIGH ? r->self : DP_SEEN_NONE;
}

/* A MAC that the dataplane has learned from the tunnel, and that nobody has set or shows on a port. */
static inline bool rec_is_far(const struct row *r)
{
	return r->kind == DP_FDB && r->self == DP_SEEN_LOCAL && r->to.have && !r->wanted && !rec_is_local(r->port) &&
	       r->port != DP_SEEN_OWN;
}

/* Another hand had written a part of it when last heard of. */
static inline bool rec_is_foreign(const struct row *r)
{
	return r->kind == DP_FDB && (r->self == DP_SEEN_FOREIGN || r->port == DP_SEEN_FOREIGN);
}

/* The end of the destination takes a look at every row here, so it must be worth that. */
bool rec_is_mass(const struct rec *c, const struct dest_row *d);
/* Its vxlan row is one of many that go with their destination, or may do so. */
bool rec_dies_with_dest(const struct rec *c, const struct row *r);

/* Something of it is there that we have written. */
static inline bool rec_is_ours(const struct row *r)
{
	return r->wrote || r->port == DP_SEEN_OURS || r->self == DP_SEEN_OURS;
}

/* Not of destinations. */
static inline void rec_set_unread(const struct rec *c, struct row *r, enum row_unread unread)
{
	if (r->kind == DP_FDB)
		row_vni(&c->rows, r)->n_asked += (uint32_t)(unread > ROW_UNREAD) - (r->unread > ROW_UNREAD);
	r->unread = unread;
}

/* A row that is new. */
uint32_t rec_add(struct rec *c, const struct row_key *k);
/* What was seen of a row of which nothing is out; it is to be settled afterwards. */
void rec_take(struct rec *c, uint32_t h, const struct dp_seen *s);
/* After every change of a row: puts it into the queue where it belongs now, or drops it when nothing is known of it. */
void rec_settle(struct rec *c, uint32_t h);
/* What was refused before is another thing now: it need not wait. */
void rec_forgive(struct rec *c, uint32_t h);
/* To write the row of this operation parts of it were taken away, of which will be heard. */
void rec_undone(struct rec *c, const struct dp_op *op);
/* Takes the destination into a field of a row, with a reference; 0 lets go. */
void rec_set_dest(struct rec *c, uint32_t *field, uint32_t dest);
/* One reference more or less, also for those that are no row's; without any the destination may go. */
void rec_dest_ref(struct rec *c, uint32_t h);
void rec_dest_unref(struct rec *c, uint32_t h);
/* A wish more or less, each beside a reference. */
void rec_dest_want(struct rec *c, uint32_t h);
void rec_dest_unwant(struct rec *c, uint32_t h);
/* The same as rec_set_dest() for to.want: frames are to go there, so the destination needs its object. */
void rec_set_want_dest(struct rec *c, struct row *r, uint32_t dest);
/* r->self: what is there of it. */
void rec_set_self(struct rec *c, struct row *r, unsigned state);
/* r->to.have: where what is there goes to. */
void rec_set_have_dest(struct rec *c, struct row *r, uint32_t dest);
/* The row is, or is not any more, one whose vxlan row goes with its destination. */
void rec_set_spare(struct rec *c, struct row *r, bool spare);
/*
 * Nothing of what rows have there through this object is there any more. They are looked at before the next operation
 * is made, once for all objects that have gone by then: a walk over all rows. by_us: no other hand has ended it.
 */
void rec_lose_dest(struct rec *c, uint32_t dest, bool by_us);
void rec_lose_rows(struct rec *c);
/* Puts the row, which stands in no line, into this one; takes it out of its line, if it stands in one. */
void rec_enlist(struct rec *c, uint32_t h, enum row_list list);
void rec_unlist(struct rec *c, uint32_t h);
/* How long a row of this level of back-off waits. */
static inline uint32_t rec_level_tenths(unsigned level)
{
	return 10u << level;
}
/*
 * Tells evpn what is news about the row. The callback may wish and so change any row:
 * nothing of this one is looked at after it. What held before ends first; what holds now
 * is told when the row, which settles as one that must still be told, has its turn again.
 */
void rec_tell(struct rec *c, uint32_t h);
void rec_touch(struct rec *c, struct row *r);
#define REC_VALUE_FLAGS (DP_STICKY | DP_ROUTER | DP_ON_DEMAND) /* those of DP_* that the row carries in the kernel */
/* The row loses its wish; the caller settles it. */
void rec_wish_no_more(struct rec *c, struct row *r);
/* If evpn believes the row to be local, or learned from the tunnel: not any more. */
void rec_tell_gone(struct rec *c, uint32_t h);

/*
 * The set of this number, for a row: what an earlier run has left and the row goes to
 * becomes it, or, while it is not known where the row goes, what has the same members.
 */
uint32_t rec_set_wanted(struct rec *c, uint32_t number, const struct row *r);
/* Its members, if it is a set, are to be others. */
bool rec_set_differs(const struct dest_row *d);
/* Its wish goes to the backend; was carried out; it is not there (any more). */
void rec_set_hand_out(struct rec *c, uint32_t h);
void rec_set_there(struct rec *c, uint32_t h);
void rec_set_gone(struct rec *c, uint32_t h);
/* A VTEP's object has gone, and with it the VTEP out of every set. */
void rec_set_lose_member(struct rec *c, uint32_t dest);
/* The set is about to go. */
void rec_set_release(struct rec *c, uint32_t h);
void rec_sets_fini(struct rec *c);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The contract between the dataplane and a backend (kernel, userspace, none, the tests' fake). Operations are pulled: a
 * backend that can write asks for the next ones (dp_pull), carries them out in order and reports the result of each
 * (dp_done). They are values, so that a ring and a thread fit in between. A backend also reports what it sees (dp_seen
 * and others below). It judges whose a row is; reconcile decides what follows from that.
 *
 *	             dp_want                      dp_pull, dp_done
 *	   evpn  ------------->  dp.c, reconcile.c  <------------->  backend  <--> kernel
 *	         <-------------                     <-------------
 *	            dp_events                          dp_seen
 */
#ifndef DATAPLANE_BACKEND_H
#define DATAPLANE_BACKEND_H

#include "base/history.h"
#include "include/dataplane.h"

struct dp_vni;
struct dp_seen;

/* Several VTEPs, of which each flow goes to one. */
struct dp_set {
	uint32_t n;
	uint32_t dest[DP_SET_MAX]; /* handles of destinations (one VTEP each, no label), in the order of addresses */
};

/*
 * Where frames go: a VTEP or a set of them. Many rows share a destination, so a backend may write it as an object that
 * the rows point at. For a set it has to: the set is put again whenever its members change, always after its members.
 */
struct dp_dest {
	struct ip vtep;           /* none: a set */
	const struct dp_set *set; /* as it was put last; NULL: a VTEP */
	uint32_t label;           /* the VNI in the packet, then it has no object of its own; 0: that of the row */
	uint32_t id[2];           /* the backend's, 0 at first (kernel: nexthop and group) */
	bool carries;             /* the backend's: FDB rows go with the object, without an event each */
};

/* The kind of an operation on a destination: put before the first row that needs it, deleted after the last. */
enum { DP_DEST = DP_NEIGH + 1 };

/*
 * An FDB row is two rows in the kernel: the bridge's, DP_PORT (which port?), and the vxlan device's, DP_SELF (which
 * VTEP?). Rows of other kinds have DP_SELF only, but for a flood row in a list that another hand has marked: there
 * DP_PORT is a second row that says that the first is ours.
 */
enum dp_part { DP_PORT = 1, DP_SELF = 2 };

enum dp_op_type {
	DP_OP_PUT, /* create or change */
	DP_OP_DEL, /* to delete what is not there is no error */
	DP_OP_ASK, /* where is this MAC's bridge row? The answer goes into .answer */
	DP_OP_GIVE, /* give the bridge row of this MAC, which we hold, back to local port .ifindex */
	DP_OP_LOOK /* what is there of both rows of this MAC? Answered by dp_looked(); once unread or resynced */
};

enum dp_answer { DP_AT_NOWHERE, DP_AT_VXLAN, DP_AT_PORT };

struct dp_op {
	uint8_t type;  /* enum dp_op_type */
	uint8_t kind;  /* enum dp_kind or DP_DEST */
	uint8_t parts; /* of enum dp_part */
	uint8_t flags; /* DP_STICKY, DP_ROUTER, DP_ON_DEMAND as wanted */
	/*
	 * GIVE: what it was, DP_SEEN_LOCAL... PUT: DP_SEEN_LOCAL when what is there now is the kernel's, DP_SEEN_CLAIM
	 * when another hand has rewritten ours: a write in its place would not bear our mark.
	 */
	uint8_t local;
	uint8_t old_flags;
	uint8_t answer;    /* enum dp_answer */
	uint8_t undone;    /* PUT, set by the backend: of enum dp_part, what it took away before it wrote */
	struct mac mac;    /* FDB, NEIGH, FLOOD */
	struct ip ip;      /* FLOOD, NEIGH */
	uint32_t row;      /* whose operation this is */
	uint32_t vni;      /* number; 0 for DEST */
	void *vni_data;    /* what vni_add() made */
	unsigned ifindex;  /* GIVE */
	struct dp_dest *dest; /* PUT: where to; DEL: what is there. Valid until dp_done(). */
	struct dp_dest *old;  /* PUT: what is there now, NULL when nothing is */
	uint32_t to;          /* reconcile's: handle of dest */
};

struct ksock;

/* What a backend fills, beside the rows. */
struct dp_tracer {
	struct trace *t;
	struct dp_traced *out;
	struct ksock *s; /* of our own network namespace, for questions */
	struct ip from;  /* outer source address; for trace_source() the other VTEP's, without a port */
	unsigned mtu;    /* the most that hosts send, without Ethernet header; 0: the backend sees to it itself */
	const char *mtu_device; /* whose MTU that is */
	unsigned overlay[2]; /* ifindex of the devices that must not carry the underlay; 0: none */
	char isolated[16]; /* the isolated port that the frame comes in by (trace_source()) or leaves by (trace()) */
};

struct dp_ops {
	const char *name;
	/* As dp_sets_on_demand(). NULL: they may. */
	bool (*sets_on_demand)(const void *be);
	/* After open(): has an earlier evpnd left anything? NULL: never. */
	bool (*found)(const void *be);
	bool blind; /* it keeps no rows: wishes are dropped */
	const char *table; /* the name of its one table; NULL: the kernel's tables, in which a MAC has two rows */
	void *ctx;  /* for open(): dp_backend_ops(d)->ctx */
	/* NULL with a log line. Must not report before it is asked to flush. */
	void *(*open)(struct dp *d, struct loop *loop, struct log *log);
	void (*close)(void *be);
	/* 0 and *data, or -errno with a log line. Devices come later, in flush. */
	int (*vni_add)(void *be, struct dp_vni *v, const struct dp_vni_params *p, void **data);
	/*
	 * Makes the VNI as p says: what can stay stays, the rest is made anew. 0, or -errno as above,
	 * with everything as before. Calls dp_vni_ready() later, as after vni_add(), and before that
	 * dp_vni_forget() if a device is another one. NULL: a VNI that changes is removed and added.
	 */
	int (*vni_change)(void *be, void *data, const struct dp_vni_params *p);
	/* remove: also the devices that we made, at the latest with the next flush or close. */
	void (*vni_del)(void *be, void *data, bool remove);
	/* Reports all that is there of a VNI that it has said to be unread. NULL: it says so of none. */
	void (*read)(void *be, void *data);
	/* Fills the fields that it knows: devices, MTU, problem. */
	void (*vni_info)(const void *be, const void *data, struct dp_vni_info *out);
	/* As dp_port_add() and dp_port_del(). NULL: -EOPNOTSUPP. */
	int (*port_add)(void *be, void *data, const struct dp_netns_port *p, struct dp_netns_port_made *made, char *why,
			size_t cap);
	int (*port_del)(void *be, void *data, const struct dp_netns_port *p, char *why, size_t cap);
	/*
	 * One slice of work: reads events, then pulls and writes. True when there is more to do now. For results that
	 * come later the backend calls dp_turn().
	 */
	bool (*flush)(void *be);
	/* As dp_capture(). NULL: -EOPNOTSUPP. */
	int (*capture)(void *be, void *data, const struct dp_capture *what, int fd, char *why, size_t cap);
	/* Sleeps until some of what was pulled is done. NULL: when flush() returns, all of it is. */
	void (*wait)(void *be);
	/* For show and log lines; NULL when not known. */
	const char *(*ifname)(const void *be, unsigned ifindex);
	/* As dp_next_port(), of all VNIs; NULL: it knows none. */
	bool (*next_port)(const void *be, struct dp_cursor *c, struct dp_port_info *out);
	/* As dp_next_traffic(); NULL: nothing is counted. */
	bool (*next_traffic)(void *be, struct dp_cursor *c, struct dp_traffic *out);
	/*
	 * Sends a frame out of a local port, past the bridge, or with ifindex 0 to every VTEP of the
	 * flood list. False when it could not. NULL, as the next: the backend hears and sends nothing.
	 */
	bool (*send)(void *be, void *vni, unsigned ifindex, const uint8_t *frame, size_t len);
	/*
	 * The port is listened to: what a host says there is heard. *own: the MAC to ask
	 * from; frames to it stay here.
	 */
	bool (*listens)(void *be, void *vni, unsigned ifindex, struct mac *own);
	/*
	 * Its suppression answers probes and lets announcements through, as RFC 9161 3.3 would have it: neither
	 * dp_host_answer() nor dp_host_carry() has anything to do, and send() is never asked for ifindex 0.
	 */
	bool answers;
	/*
	 * An audit: reads everything anew, whatever events have said, a slice a step, and
	 * calls dp_audit_*(); a step is false at the end. vni 0: all VNIs. begin()
	 * returns NULL when it cannot. All NULL: reconcile's own view counts.
	 */
	void *(*audit_begin)(void *be, struct dp_audit *a, uint32_t vni);
	bool (*audit_step)(void *be, void *run);
	void (*audit_end)(void *be, void *run);
	/* Reads this one row anew into s, DP_SEEN_NONE when it is not there; false: it cannot be asked for alone. */
	bool (*audit_row)(void *be, void *vni, struct dp_seen *s);
	/*
	 * As dp_trace() up to where the frame leaves for VTEPs, dp_trace_source() and
	 * dp_trace_answer(). All NULL: it forwards nothing.
	 */
	void (*trace)(void *be, void *vni, const struct mac *mac, struct dp_tracer *t);
	void (*trace_source)(void *be, void *vni, const struct mac *mac, unsigned ifindex, struct dp_tracer *t);
	void (*trace_answer)(void *be, void *vni, const struct ip *ip, const struct mac *mac, struct dp_tracer *t);
};

/* ---- a backend calls ------------------------------------------------------------------------------------------- */

/* Up to max operations, in the order in which they must be carried out. Tells evpn what has been seen meanwhile. */
unsigned dp_pull(struct dp *d, struct dp_op *ops, unsigned max);
/*
 * What came of it: 0, -errno with the kernel's words (NULL without) when refused, -EAGAIN when it is not known whether
 * it was carried out (then it comes again at once).
 */
void dp_done(struct dp *d, const struct dp_op *op, int err, const char *words);
/*
 * For a backend that reports while operations are out. What it reports of their rows is held back, and taken as having
 * come after the operations once their results are all in: then the backend calls this.
 */
void dp_landed(struct dp *d);
/* False while so much is held back that the backend should read no more events. */
bool dp_can_hear(const struct dp *d);
/* Runs a slice, for what wakes the backend itself. */
void dp_turn(struct dp *d);

/* Whose a row is that was seen. */
enum dp_seen_state {
	DP_SEEN_NONE, /* it is not there (any more) */
	DP_SEEN_OURS, /* bears our mark */
	/*
	 * May be ours: the vxlan row will tell of a bridge row on the vxlan port, the wish of
	 * a flood row.
	 */
	DP_SEEN_CLAIM,
	DP_SEEN_FOREIGN,      /* another hand's, not ours to change */
	DP_SEEN_LOCAL,        /* learned by the kernel: on a port, a vxlan row in the tunnel; a neighbour resolved */
	DP_SEEN_LOCAL_EXTERN, /* extern_learn on a local port */
	DP_SEEN_LOCAL_STATIC, /* set by hand */
	DP_SEEN_OWN           /* a port's or the bridge's own address, or locked: neither local nor ever written */
};

/* Why a row on demand is not there any more. */
enum dp_age { DP_AGE_NONE, DP_AGE_UNUSED, DP_AGE_USED /* in use, and yet the kernel ended it (since Linux 6.15) */ };

struct dp_seen {
	struct dp_vni *vni;
	uint8_t kind;
	uint8_t part;
	uint8_t state;    /* enum dp_seen_state */
	uint8_t flags;    /* DP_STICKY, DP_ROUTER, DP_ON_DEMAND */
	uint8_t age;      /* NONE: enum dp_age */
	bool made;        /* CLAIM: an evpnd has made the device, and who else would write there while none runs? */
	bool altered;     /* OURS: another hand has rewritten it, so it is not kept as it should be */
	bool unmarked;    /* FLOOD, SELF: all rows of its list have one mark, and that is not ours: see DP_PORT */
	unsigned ifindex; /* FDB, part PORT: 0 for the vxlan port */
	struct mac mac;   /* FDB, FLOOD: key; NEIGH: value */
	struct ip ip;     /* FLOOD, NEIGH */
	uint32_t dest;    /* FDB SELF, FLOOD: where to; of a row that is gone: where it went to. 0: not said */
};
#define DP_DEST_OTHER UINT32_MAX /* .dest of a row that is gone: none that is known */
void dp_seen(struct dp *d, const struct dp_seen *s);
/* A row of ours is there for the MAC, as it should be. */
bool dp_is_there(struct dp *d, struct dp_vni *v, const struct mac *mac);
/* A frame to mac, or a question for ip (mac NULL), found no row; of VNIs with miss_macs. */
void dp_miss(struct dp *d, const struct dp_vni *v, const struct mac *mac, const struct ip *ip);

/* Handle of a destination, made when it is not known. Holds nothing: for use in a dp_seen() that follows at once. */
uint32_t dp_dest_intern(struct dp *d, const struct ip *vtep, uint32_t label);
/* The same without making one: 0 when it is not known. */
uint32_t dp_dest_find(struct dp *d, const struct ip *vtep, uint32_t label);
/* The set to which the backend gave this id; 0: none. */
uint32_t dp_set_find(const struct dp *d, uint32_t id);
/* A set that an earlier run left, found at the start: rows that are seen to go there tell which it is. */
uint32_t dp_set_found(struct dp *d, const struct dp_set *s);
/*
 * there: its object was found at the start. Not there: it was seen to go, and with it go all rows that point at it and
 * its membership in sets.
 */
void dp_dest_seen(struct dp *d, uint32_t dest, bool there);
/* Another hand has rewritten its object. */
void dp_dest_altered(struct dp *d, uint32_t dest);
struct dp_dest *dp_dest(struct dp *d, uint32_t dest);

/*
 * The VNI's table is too large to be read before rows are written. Known are only local rows, neighbours and what has
 * been reported. Other MACs are looked up one by one when they are wished for (DP_OP_LOOK); flood rows and the sweep
 * wait until the backend has read the rest in a thread beside. Never of a VNI that learns from the tunnel or has rows
 * on demand. The backend says this again when it begins to read the rest, and whenever it has to begin anew since flood
 * rows have gone meanwhile.
 */
void dp_vni_unread(struct dp *d, struct dp_vni *v);
/* In place of dp_done(), the result of a DP_OP_LOOK: the n parts that are there. */
void dp_looked(struct dp *d, const struct dp_op *op, const struct dp_seen *s, unsigned n);
/* A row that the thread has read. It may have changed since, so a MAC is looked up before it is believed. */
void dp_vni_met(struct dp *d, const struct dp_seen *s);
/* The thread has read all of it. */
void dp_vni_read(struct dp *d, struct dp_vni *v);
/* Whether something waits for the rest to be read. */
bool dp_vni_awaits(const struct dp *d, const struct dp_vni *v);

/* Rows can be written; or they cannot, and evpn is told that all that was local is gone. */
void dp_vni_ready(struct dp *d, struct dp_vni *v, bool ready);
/* A device is gone or is another one: what was seen of the VNI no longer counts. */
void dp_vni_forget(struct dp *d, struct dp_vni *v);
/*
 * Events were lost. Between begin and end the backend reports anew all local rows and neighbours of the VNI, and what
 * the tunnel taught it; what it does not report is gone. Then all of our rows are written anew.
 */
void dp_resync_begin(struct dp *d, struct dp_vni *v);
void dp_resync_end(struct dp *d, struct dp_vni *v);
/* Counts and notes that events were lost. */
void dp_overrun(struct dp *d);
/* Notes in the history something about a device of the VNI (0: of none), in words, which are copied. */
void dp_note(struct dp *d, uint32_t vni, enum history_what what, const char *words);

/* A frame that a host has sent into a local port. True when it was ARP or ND; anything else is ignored. */
bool dp_hear(struct dp *d, struct dp_vni *v, unsigned ifindex, const uint8_t *frame, size_t len);

/* During an audit: a row that is there, as for dp_seen(). */
void dp_audit_seen(struct dp_audit *a, const struct dp_seen *s);
/* The dump may have skipped rows, so those that cannot be asked for alone are not reported as missing. */
void dp_audit_unsure(struct dp_audit *a);
/* A device is not as it should be; true when that is to be put right. */
bool dp_audit_device(struct dp_audit *a, uint32_t vni, const char *device, const char *property, const char *expected,
		     const char *found);
/* A destination's object is missing, or is not what it should be. */
void dp_audit_dest(struct dp_audit *a, uint32_t dest, bool there, const char *found);

/* During a trace: adds the VTEPs of those rows of the flood list that are there. */
void dp_trace_flood(struct dp *d, struct dp_vni *v, struct dp_traced *out);

void *dp_backend(struct dp *d);
const struct dp_ops *dp_backend_ops(const struct dp *d);
/* How many rows wait for an operation, or for its result. */
unsigned dp_backlog(const struct dp *d);
unsigned dp_wanted(const struct dp *d);
/* Events may have been missed: all rows that are wanted are written anew. */
void dp_reassert(struct dp *d);
/* There is something to flush: the backend is called soon. */
void dp_kick(struct dp *d);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The userspace VTEP's own state, shared by its files. docs/design.md has the picture.
 *
 *	vtep.c       the backend: life, VNIs, operations in, the control thread's turn
 *	bridge.c     what frames are looked up in, as the control thread writes it
 *	dest.c       where its rows point
 *	group.c      multicast groups that VNIs flood to
 *	port.c       ports of VNIs, on interfaces that come and go
 *	learn.c      what the workers tell of: MACs heard; ageing
 *	hosts.c      hosts' ARP and ND: what the workers pass on, up; questions to hosts, down
 *	miss.c       rows on demand: frames that found none
 *	answer.c     a worker's look at ARP and ND: passed on, answered for hosts behind other VTEPs
 *	netdev.c     interfaces by packet socket, TAPs
 *	place.c      the network namespaces that these are in
 *	portring.c   frames of a packet socket in memory shared with the kernel
 *	container.c  ports made for other network namespaces
 *	capture.c    copies of what goes by, for someone who looks on
 *	underlay.c   UDP sockets
 *	worker.c     the forwarding threads
 *	forward.c    what becomes of a frame
 *	show.c       counters
 *	audit.c      the tables, looked at anew
 *	trace.c      what a frame would find in them
 *	outq.c       what goes out at the end of a batch: to VTEPs, to ports
 *	rmap, fdb, frame, offload, toobig, csum, vxlan   pure parts
 *
 * Who may write what: everything that a worker reads is written by the control thread, published by one store and
 * retired after a grace period (vtep_retire). A worker writes its own queues and counters, the times in an FDB, and the
 * ring in which it tells what it heard.
 */
#ifndef DATAPLANE_VTEP_VTEP_H
#define DATAPLANE_VTEP_VTEP_H

#include <linux/virtio_net.h>
#include <net/if.h>
#include <pthread.h>
#include <sys/uio.h>
#include <uthash.h>

#include "base/list.h"
#include "base/loop.h"
#include "dataplane/arpnd.h"
#include "dataplane/backend.h"
#include "dataplane/hold.h"
#include "dataplane/kernel_sock.h"
#include "dataplane/nsopen.h"
#include "dataplane/vtep/fdb.h"
#include "dataplane/vtep/offload.h"
#include "dataplane/vtep/portring.h"

#define VTEP_WORKERS_MAX 64u
#define VTEP_AGEING_S 300u        /* as a kernel's bridge */
#define VTEP_LEARNED_MAX 65536u   /* MACs heard in a VNI, if nothing else is said; more are not learned and counted */
#define VTEP_SOURCE_PORTS 16u     /* UDP ports that we send from: paths of the underlay that flows spread over */
#define VTEP_OVERHEAD_V4 50u      /* outer IP, UDP, VXLAN and the inner Ethernet header */
#define VTEP_OVERHEAD_V6 70u

/* Why a frame was dropped. */
enum vtep_drop {
	DROP_TRUNCATED,    /* too short for its headers */
	DROP_OVERSIZED,    /* longer than any frame */
	DROP_FLAGS,        /* no I flag, RFC 7348 5 */
	DROP_FRAGMENTED,   /* on its way, which no VTEP does, RFC 7348 4.3 */
	DROP_UNKNOWN_VNI,
	DROP_UNKNOWN_VTEP, /* outer source is no VTEP of the VNI */
	DROP_UNKNOWN_HOST, /* inner source is no host of that VTEP, and only known ones may talk */
	DROP_LOOPED,       /* outer source is our own address */
	DROP_SPLIT_HORIZON,/* from a VTEP to a VTEP */
	DROP_INNER_TAG,    /* and the VNI takes none, RFC 7348 6.1 */
	DROP_BAD_SOURCE,   /* inner source is a group address or zero */
	DROP_NO_PORT,      /* a tag that no port has */
	DROP_SAME_PORT,    /* would go out where it came in */
	DROP_UNKNOWN_UNICAST, /* and the VNI floods none */
	DROP_NOWHERE,      /* nobody to flood to */
	DROP_TOO_BIG,      /* for the underlay, RFC 7348 4.3 */
	DROP_OFFLOAD,      /* a super-frame of a kind that cannot be taken apart */
	DROP_ECN,          /* congestion was met by a packet that does not know of it, RFC 6040 4.2 */
	DROP_UNDERLAY,     /* the underlay's socket refused it */
	DROP_PORT,         /* the port refused it or was full */
	DROP_PORT_QUEUE,   /* it came to a port faster than it was taken */
	DROP_UNDERLAY_QUEUE, /* it came from the underlay faster than it was taken */
	VTEP_DROPS
};
extern const char *const vtep_drop_names[VTEP_DROPS];

/* One worker's. Read by the control thread while it counts. */
struct traffic {
	uint64_t rx_frames, rx_octets, tx_frames, tx_octets, drops;
} __attribute__((aligned(64)));

struct vtep;
struct worker;

/* What an epoll descriptor of a worker points at. */
enum source_kind { SOURCE_WAKE, SOURCE_PORT, SOURCE_UNDERLAY };

struct source {
	enum source_kind kind;
	int fd; /* -1: none */
	void *owner; /* struct netdev, struct underlay */
	struct portring ring; /* of a packet socket; without one its frames are read */
};

/* ---- the underlay ------------------------------------------------------------------------------------------------ */

/* Sockets at an address and UDP port; VNIs share them. */
struct underlay {
	struct list list;
	unsigned refs;
	struct vtep *v;
	struct ip vtep;
	uint16_t port;
	unsigned ifindex;              /* of the interface that has the address, 0: none */
	char ifname[IFNAMSIZ];
	uint32_t lost;                 /* by its queues, when last asked */
	struct rmap vnis;              /* VNI + 1 -> struct bridge */
	int tx[VTEP_SOURCE_PORTS];     /* what we send comes from one of these, by flow */
	struct source rx[];            /* a worker each, all at the port */
};

struct dest;

/* VTEPs that a flow goes to one of. */
struct fan {
	uint32_t n;
	struct dest *dest[];
};

/* An address of VTEPs: what went there and came from there, of all VNIs. */
struct remote {
	struct list list;
	struct ip ip;
	uint32_t refs;     /* of destinations */
	struct traffic *c; /* by worker */
};

/* A VTEP of the far side, with the VNI that goes into the packet; or several of them; or a multicast group. */
struct dest {
	UT_hash_handle hh; /* in struct vtep, by vtep and label */
	uint32_t refs;
	struct dest_key {
		struct ip vtep;
		uint32_t label; /* 0: the bridge's */
		uint16_t port;  /* UDP */
		uint32_t set;   /* several: the set's number here; else 0 */
		unsigned ifindex; /* of a group; else 0 */
	} key;
	int fd;          /* a group's own socket; else 0 */
	struct fan *fan; /* several: published; else NULL */
	uint16_t mtu;   /* of the path, 0: not known */
	socklen_t sa_len;
	struct sockaddr_storage sa;
	struct remote *remote;
	struct traffic *c; /* its */
};

/* ---- bridges and ports ------------------------------------------------------------------------------------------- */

struct flood {
	uint32_t n;
	struct dest *dest[];
};

struct binding { /* of an address to a MAC behind a VTEP */
	struct ip ip;
	struct mac mac;
	bool router;
};

/* "eth1", "eth1.100", "eth1@blue" in another network namespace */
#define PORT_LABEL 64u

/* A port of a VNI: an interface, or one VLAN of it. */
struct vport {
	struct bridge *bridge;
	uint16_t nr; /* in the bridge, as workers tell it */
	unsigned id; /* stands for it with reconcile and evpn; 0: not there */
	char name[IFNAMSIZ];
	char label[PORT_LABEL];
	uint16_t vlan;
	bool tap, persist;
	bool configured;     /* goes when the configuration has it no more */
	bool silent;         /* its interface has no link: nobody is behind it */
	char *netns, *owner; /* as configured; NULL: none */
	struct place *near;  /* of a port made for a container: where our end is; NULL: of others */
	struct binding host; /* what was said of that one */
	struct netdev *dev;  /* published; NULL: not there */
	struct traffic *c;  /* by worker */
	struct talk *talk;  /* by worker */
};

/* One worker's view of the ARP and ND of a port, or of the tunnel. */
struct talk {
	uint16_t second, n; /* so many in this second */
	uint64_t unheard;   /* more than may be passed on */
	uint64_t answered;
};

/* Written anew and published whole. */
struct ports {
	uint32_t n;
	struct vport *at[];
};

/* A VNI. */
struct bridge {
	struct list list;
	struct vtep *v;
	struct dp_vni *dv;
	uint32_t vni;
	bool ready;
	/* What workers read may change at any time (a reload). */
	_Atomic bool suppress, hear_hosts, drop_unknown, drop_tags;
	_Atomic bool learn; /* where MACs are, from what VTEPs send */
	_Atomic bool check_source; /* VTEPs without a row here may not send */
	_Atomic bool rsc;   /* packets to a router go to the host that they are for */
	struct rmap routers; /* MACs */
	_Atomic bool known_hosts; /* hosts without a row may not, either */
	_Atomic bool miss_macs, miss_ips; /* rows come on demand: what finds none is told, not flooded */
	uint16_t ageing;    /* s, of rows on demand */
	struct rmap groups; /* MAC -> struct flood, for those that have a list of their own; with miss_macs */
	struct ip group_ip;
	char underlay[IFNAMSIZ]; /* of the group; "": the one that has the address */
	struct group *group;     /* joined */
	char problem[320], logged[320];
	struct underlay *u;
	struct rmap fdb;
	struct rmap neighs;  /* address -> struct binding */
	struct flood *flood; /* published; never NULL */
	struct rmap peers;   /* address -> struct peer: VTEPs that rows of this VNI go to */
	uint32_t sets;       /* published: rows that go to one of several */
	uint32_t limit, learned; /* entries of fdb that were heard, of ports and behind VTEPs */
	uint64_t not_learned;
	uint64_t heard, unheard; /* ARP and ND of hosts; unheard as it was a second ago */
	size_t age_at;       /* cursor of the ageing */
	struct traffic *c;   /* by worker */
	struct talk *talk;   /* by worker: of hosts behind VTEPs, where they are learned from the tunnel */
	struct ports *ports; /* published; never NULL */
	uint16_t next_nr;    /* of a port */
	struct capture *capture; /* published; NULL: none */
	unsigned mtu;        /* of hosts, 0: not known */
};

/* ---- interfaces -------------------------------------------------------------------------------------------------- */

#define VLANS 4096u

/* A network namespace with ports in it. */
struct place {
	struct list list; /* but for our own */
	struct vtep *v;
	unsigned refs;
	char *path; /* NULL: our own */
	bool apart; /* not that of the path, but one beside it of the same owner, which nobody else sees */
	dev_t dev;  /* what the path led to */
	ino_t ino;
	int ns;     /* where sockets are opened; -1: here */
	struct ksock cmd, events;
	struct loop_io io;
};

struct place_link {
	unsigned ifindex, mtu;
	bool up; /* with a carrier */
};

struct netdev {
	struct list list;
	struct vtep *v;
	struct place *at;
	char name[IFNAMSIZ];
	bool tap;
	unsigned ifindex, mtu;
	bool up;                   /* with a carrier */
	unsigned refs;             /* vports that have it */
	struct vport *untagged;    /* published */
	struct vport **tagged;     /* published; by VLAN, NULL: none */
	struct source q[];         /* a worker each */
};

/* ---- audit.c: for struct dp_ops ---------------------------------------------------------------------------------- */

void *vtep_audit_begin(void *be, struct dp_audit *a, uint32_t vni);
bool vtep_audit_step(void *be, void *run);
void vtep_audit_end(void *be, void *run);
bool vtep_audit_row(void *be, void *vni, struct dp_seen *s);

/* ---- trace.c: for struct dp_ops ---------------------------------------------------------------------------------- */

void vtep_trace(void *be, void *vni, const struct mac *mac, struct dp_tracer *t);
void vtep_trace_source(void *be, void *vni, const struct mac *mac, unsigned ifindex, struct dp_tracer *t);
void vtep_trace_answer(void *be, void *vni, const struct ip *ip, const struct mac *mac, struct dp_tracer *t);

/* ---- what workers tell ------------------------------------------------------------------------------------------- */

#define VTEP_RING 4096u

/* A MAC on a port, or behind a VTEP. */
struct heard {
	uint32_t vni;
	uint16_t port; /* of the bridge; with a VTEP of no account */
	struct mac mac;
	struct ip vtep; /* none: on the port */
};

/* One worker writes, the control thread reads. */
struct heard_ring {
	uint32_t head __attribute__((aligned(64))); /* the reader's */
	uint32_t tail __attribute__((aligned(64))); /* the writer's */
	struct heard slot[VTEP_RING];
};

#define VTEP_SAID 256u
#define VTEP_SAID_A_SECOND 1000u /* ARP and ND of a port that a worker passes on */

/* ARP or ND of a host: the frame's beginning. */
#define SAID_TUNNEL UINT16_MAX

struct said {
	uint32_t vni;
	uint16_t port; /* of the bridge, or SAID_TUNNEL */
	uint16_t len;
	uint8_t frame[ARPND_SNAP];
};

/* As heard_ring. */
struct said_ring {
	uint32_t head __attribute__((aligned(64)));
	uint32_t tail __attribute__((aligned(64)));
	struct said slot[VTEP_SAID];
};

#define VTEP_MISSED 8192u

/* A frame from a port to a MAC without a row. */
struct missed {
	uint32_t vni;
	struct mac mac;
	uint16_t len; /* of the frame, which is the next of those kept; 0: it is not */
};

/* As heard_ring, twice: fewer frames are kept than are told of. */
struct missed_ring {
	uint32_t head __attribute__((aligned(64))), frame_head;
	uint32_t tail __attribute__((aligned(64))), frame_tail;
	struct missed slot[VTEP_MISSED];
	uint8_t frame[HOLD_FRAMES][HOLD_OCTETS];
};

/* ---- the VTEP ---------------------------------------------------------------------------------------------------- */

struct vtep {
	struct dp *d;
	struct loop *loop;
	struct log *log;
	struct log_limit loud; /* hosts can cause these lines */
	struct list bridges, netdevs, underlays, groups, places;
	struct place *here;       /* our own network namespace */
	struct nsopen nsopen;     /* opens in others */
	unsigned ids;             /* made up so far, of ports */
	uint64_t seed;
	struct mac own;           /* what hosts are asked from, a MAC of nobody else's */
	struct rmap by_vni;       /* the control thread's: VNI + 1 -> struct bridge */
	struct rmap vteps;        /* address -> struct remote, of destinations that are one VTEP */
	struct list remotes;
	uint64_t lost[VTEP_DROPS]; /* counted by the control thread */
	struct dest *dests;       /* the control thread's */
	uint32_t last_set;        /* number */
	uint16_t now_s;           /* published; seconds, wraps */
	struct hold hold;         /* frames that wait for a row */
	struct ksock events;      /* of links and addresses */
	struct loop_io links_io, heard_io;
	struct loop_timer timer;
	bool check;               /* links or addresses changed */
	int heard_fd;             /* an eventfd: workers have told something */
	struct dp_op ops[64];
	struct dp_outer outer;
	unsigned n_workers;
	struct worker *workers;
};

/*
 * For ThreadSanitizer, which does not know liburcu: what a worker has read before it went offline, and what was written
 * before it was handed over, is before what frees it.
 */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *at);
void __tsan_release(void *at);
#define GRACE_BEGINS(at) __tsan_release((void *)(uintptr_t)(at))
#define GRACE_IS_OVER(at) __tsan_acquire((void *)(uintptr_t)(at))
#else
#define GRACE_BEGINS(at) ((void)(at))
#define GRACE_IS_OVER(at) ((void)(at))
#endif

/* Frees (or does fn) when no worker can see p any more. */
void vtep_retire(void *p, void (*fn)(void *p));
/* rmap's retire */
void vtep_retire_table(void *ctx, void *table);

/* 64 bits that stand for an address: itself for IPv4, a hash for IPv6. */
uint64_t vtep_ip_key(const struct vtep *v, const struct ip *ip);

/* ---- show.c ------------------------------------------------------------------------------------------------------ */

bool vtep_next_port(const void *be, struct dp_cursor *c, struct dp_port_info *out);
bool vtep_next_traffic(void *be, struct dp_cursor *c, struct dp_traffic *out);

/* ---- bridge.c ---------------------------------------------------------------------------------------------------- */

struct bridge *bridge_new(struct vtep *v, struct dp_vni *dv, const struct dp_vni_params *p);
/* n counters, zero: one a worker. */
struct traffic *traffic_new(const struct vtep *v);
/* What the parameters say of it, but for ports and sockets. */
void bridge_take(struct bridge *b, const struct dp_vni_params *p);
/* Nothing of it goes to a VTEP any more. */
void bridge_clear(struct bridge *b);
/* Unpublished already; goes after a grace period. */
void bridge_retire(struct bridge *b);
struct bridge *bridge_find(const struct vtep *v, uint32_t vni);
int bridge_op(struct vtep *v, struct dp_op *op);
/* The list of a group that has its own; NULL: it has none. */
struct flood *bridge_group(const struct bridge *b, const struct mac *group);

/* Rows of b go there; each with a reference. */
struct dest *bridge_dest(struct bridge *b, const struct dp_dest *to);
void bridge_dest_put(struct bridge *b, struct dest *d);
/* What the entry held. */
void bridge_entry_gone(struct bridge *b, struct fdb_entry e);
/* Of the flood list, besides the rows. */
void bridge_flood_more(struct bridge *b, struct dest *d);
void bridge_flood_less(struct bridge *b, const struct dest *d);
/* May this VTEP send into the VNI? Any thread. */
static inline bool bridge_knows(const struct bridge *b, const struct ip *vtep)
{
	uint64_t key = vtep_ip_key(b->v, vtep);

	return rmap_get(&b->peers, key) || (__atomic_load_n(&b->sets, __ATOMIC_RELAXED) && rmap_get(&b->v->vteps, key));
}

/* ---- dest.c ------------------------------------------------------------------------------------------------------ */

/* With a reference. */
struct dest *dest_at(struct vtep *v, const struct dp_dest *to, uint16_t port);
/* The same; fd is the group's socket, and its own. */
struct dest *dest_of_group(struct vtep *v, const struct ip *group, uint16_t port, unsigned ifindex, int fd);
void dest_put(struct vtep *v, struct dest *d);
/* Several VTEPs get other members. */
void dest_op(struct vtep *v, const struct dp_op *op);

/* The VTEP that takes this flow. */
static inline struct dest *dest_pick(struct dest *d, uint32_t hash)
{
	struct fan *f = __atomic_load_n(&d->fan, __ATOMIC_ACQUIRE);

	return f ? f->dest[(uint64_t)hash * f->n >> 32] : d;
}

/* ---- learn.c ----------------------------------------------------------------------------------------------------- */

void learn_heard(struct vtep *v, const struct heard *h);
/* Tells of what is known on ports, as if it were new. */
void learn_tell(struct bridge *b);
/* Forgets what was learned on a port, NULL: of all ports. */
void learn_flush(struct bridge *b, const struct vport *p);
/* Forgets what was learned from the tunnel. */
void learn_flush_remote(struct bridge *b);
/* A part of what has not been heard for long goes; called once a second. */
void learn_age(struct bridge *b);

/* ---- port.c ------------------------------------------------------------------------------------------------------ */

/* It is attached when its interface is there: ports_check(). */
struct vport *port_add(struct bridge *b, const struct dp_port_params *p);
/* The configured ports are these. */
void ports_take(struct bridge *b, const struct dp_port_params *p, size_t n);
/* Out of the bridge, what was learned there is told to be gone. */
void port_del(struct vport *p);
/* NULL when there is none (any more). */
struct vport *port_nr(const struct bridge *b, unsigned nr);
struct vport *port_id(const struct bridge *b, unsigned id);
/* The host of a container's port is told to be there, or to be gone. */
void port_tell_host(struct vport *p, bool there);
/* Opens what is there and lets go of what is not, for every port of b. True when something changed. */
bool ports_check(struct bridge *b);
/* remove: what was made for them goes, too. */
void ports_detach(struct bridge *b, bool remove);
/* Of a bridge that nobody sees any more. */
void ports_free(struct bridge *b);

/* ---- group.c ----------------------------------------------------------------------------------------------------- */

/* Joins what b floods to where that can be had, or says the problem. */
void group_check(struct bridge *b);
void group_leave(struct bridge *b);

/* ---- hosts.c ----------------------------------------------------------------------------------------------------- */

/* Takes what workers have passed on. True when there is more. */
bool hosts_take(struct vtep *v);
/* Counts what was not passed on, and says so; called once a second. */
void hosts_count(struct bridge *b, struct mtime now);
void hosts_info(const struct bridge *b, struct dp_vni_info *out);
/* dp_ops */
bool hosts_send(void *be, void *vni, unsigned ifindex, const uint8_t *frame, size_t len);
bool hosts_listens(void *be, void *vni, unsigned ifindex, struct mac *own);

/* ---- miss.c ------------------------------------------------------------------------------------------------------ */

/* Takes what workers have missed. True when there is more. */
bool miss_take(struct vtep *v);
/* The MAC has a row now: what waited for it goes there. */
void miss_found(struct bridge *b, const struct mac *mac, struct dest *to);

/* ---- netdev.c ---------------------------------------------------------------------------------------------------- */

struct netdev *netdev_find(const struct vtep *v, const struct place *at, const char *name);
/* The interface of p, with workers that listen. NULL and *err, -errno, with *step that completes "cannot ...". */
struct netdev *netdev_open(const struct vport *p, struct place *at, int *err, const char **step);
/* Is it there as it was? Looks at its MTU and link, too. */
bool netdev_there(struct netdev *dev);
/* Frames that its queues had no room for since the last question. */
uint64_t netdev_lost(const struct netdev *dev);
/* Nobody has it any more. remove: a persistent TAP goes, too. */
void netdev_close(struct netdev *dev, bool remove);

/* ---- container.c ------------------------------------------------------------------------------------------------- */

/* As struct dp_ops has them. */
int container_add(void *be, void *data, const struct dp_netns_port *p, struct dp_netns_port_made *made, char *why,
		  size_t cap);
int container_del(void *be, void *data, const struct dp_netns_port *p, char *why, size_t cap);
/* What fits into the underlay's packets; 0: not known. */
unsigned container_mtu(const struct bridge *b);
/* Ports of the VNI that were made before we were. */
void container_find(struct bridge *b);

/* ---- place.c ----------------------------------------------------------------------------------------------------- */

/* Our own. NULL with errno. */
struct place *place_here(struct vtep *v);
/* With a reference. NULL with a sentence in why. */
struct place *place_get(struct vtep *v, const char *path, char *why, size_t cap);
/* The same of the namespace that is open as ns; path is what to call it. */
struct place *place_at(struct vtep *v, const char *path, int ns, bool apart, int *err, char *why, size_t cap);
static inline struct place *place_ref(struct place *p)
{
	p->refs++;
	return p;
}
void place_put(struct place *p);
/* Its path leads elsewhere, or nowhere. */
bool place_gone(const struct place *p);
/* n descriptors of one kind, as nsopen(). */
int place_open(struct place *p, enum nsopen_what what, unsigned n, int *fds, const char **step);
/* -ENODEV: there is none. */
int place_link(struct place *p, const char *name, struct place_link *out);
int place_link_up(struct place *p, unsigned ifindex);
int place_link_del(struct place *p, unsigned ifindex);

/* ---- underlay.c -------------------------------------------------------------------------------------------------- */

/* NULL with a log line when the sockets cannot be had. */
struct underlay *underlay_get(struct vtep *v, const struct ip *vtep, uint16_t port);
void underlay_put(struct underlay *u);
/* Packets that its queues had no room for since the last question. */
uint64_t underlay_lost(struct underlay *u);
/* What outer headers of packets from fd say, as configured. */
void underlay_outer(const struct vtep *v, const struct ip *a, int fd);
/* MTU of the path to a VTEP, 0: not known. */
uint16_t underlay_mtu(const struct ip *to);

/* ---- worker.c ---------------------------------------------------------------------------------------------------- */

int workers_start(struct vtep *v);
/* By turns; without any it is left to the scheduler. */
void workers_pin(struct vtep *v, const uint16_t *cpus, size_t n);
void workers_stop(struct vtep *v);
/* Has worker nr listen to a source. */
void worker_watch(struct vtep *v, unsigned nr, struct source *s);
void worker_unwatch(struct vtep *v, unsigned nr, struct source *s);
struct missed_ring *worker_missed(struct vtep *v, unsigned nr);
struct heard_ring *worker_ring(struct vtep *v, unsigned nr);
struct said_ring *worker_said(struct vtep *v, unsigned nr);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The dataplane as the rest of the house sees it: evpn says which rows should be (dp_want,
 * dp_unwant), the dataplane makes it so and tells what it sees (struct dp_events).
 * Level-triggered: wanted, there and dirty are bits of one row in dataplane/reconcile.c; a
 * free backend asks it for the next dirty rows, so nothing queues up beyond one entry a row.
 *
 * Two layers:   evpn --> dp_*() [reconcile.c: rows, ownership, order] --> struct dp_ops [kernel.c, none.c, tests' fake]
 * VNIs are host-order numbers. Times are monotonic.
 */
#ifndef DATAPLANE_H
#define DATAPLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/mtime.h"
#include "include/trace.h"

struct dp;
struct history;
struct loop;

/* ---- rows ---------------------------------------------------------------------------------------------------- */

enum dp_kind {
	DP_FDB,   /* a remote MAC behind a VTEP: in the kernel a bridge row and a vxlan row, one message */
	DP_FLOOD, /* a VTEP in a flood list, of frames without a row or to one group: a row of MAC 0, or of that */
	DP_NEIGH  /* an IP of a remote host: in the kernel a neighbour on the bridge */
};

/* Names a row. Fields that do not apply are zero, so that memcmp() compares (build it with dp_key_*()). */
struct dp_key {
	uint32_t vni;
	uint8_t kind; /* enum dp_kind */
	struct mac mac; /* FDB; FLOOD: the group, broadcast among them; zero: all that has no row */
	struct ip ip;   /* NEIGH: the host's address; FLOOD: the VTEP */
};

struct dp_key dp_key_fdb(uint32_t vni, const struct mac *mac);
struct dp_key dp_key_flood(uint32_t vni, const struct ip *vtep);
struct dp_key dp_key_group(uint32_t vni, const struct mac *group, const struct ip *vtep); /* a DP_FLOOD */
struct dp_key dp_key_neigh(uint32_t vni, const struct ip *ip);

enum {
	DP_STICKY = 1, /* FDB: may not move to a local port (static MAC of the far side) */
	DP_ROUTER = 2, /* NEIGH: the neighbour is a router; FDB, for rsc: the MAC is one's (NTF_ROUTER) */
	/*
	 * FDB, NEIGH: what was local has moved away (a route with a higher sequence, RFC 7432 15), so the row goes in
	 * although a dynamic local one of this MAC or address is known. That one is forgotten without an event; a
	 * local_mac or local_ip that comes after the write says that it is back, and evpn unwants the row. Never over
	 * what is static, sticky, permanent or a port's own. Without the flag a local row is left alone.
	 */
	DP_TAKE_OVER = 4,
	/*
	 * FDB: wished for because it is used. One that is not used any more goes by itself, and with it the wish: a
	 * `demand` event says so.
	 */
	DP_ON_DEMAND = 8
};

struct dp_row {
	struct dp_key key;
	struct ip vtep;     /* FDB: where frames go */
	uint32_t set;       /* FDB: or a set of VTEPs instead, 0: none */
	uint32_t label_vni; /* FDB, FLOOD: the VNI put into the packet (downstream-assigned); 0 = key.vni */
	struct mac mac;     /* NEIGH: the host's MAC */
	uint8_t flags;      /* DP_STICKY ... */
};

/* This row shall be, with these values; replaces an earlier wish for the same key. Idempotent. */
void dp_want(struct dp *d, const struct dp_row *row);
/* This row shall not be (if it is ours). Idempotent. */
void dp_unwant(struct dp *d, const struct dp_key *key);

/* A hint that this row will be wished for in a moment: what is known of it is prefetched into the processor's cache. */
void dp_soon(struct dp *d, const struct dp_key *key);

/*
 * A set of VTEPs, under a small number of the caller's: rows that name it send each flow to one of them (an Ethernet
 * Segment's PEs, RFC 7432 8.4). They share it, so another membership is one operation whatever their number, and none
 * loses a frame by it. At least one VTEP, none twice; it must be there before the first row that names it.
 */
#define DP_SET_MAX 16u
void dp_set_put(struct dp *d, uint32_t set, const struct ip *vteps, unsigned n);
/* A row on demand may name one. Otherwise (Linux before 6.15) it has to name a VTEP. */
bool dp_sets_on_demand(const struct dp *d);
/* The number means nothing any more. Rows that have gone there do so until they are wanted elsewhere or unwanted. */
void dp_set_del(struct dp *d, uint32_t set);

/* ---- VNIs ---------------------------------------------------------------------------------------------------- */

struct dp_port_params {
	const char *name;
	bool tap;
	uint16_t vlan;
	/* what follows is the userspace VTEP's */
	const char *netns; /* that the port is in, as nsopen_path() takes it; NULL: ours */
	bool persist;      /* the TAP stays when we end */
	const char *owner; /* of the TAP: a user who may open it, too; NULL: none */
};

struct dp_vni_params { /* everything is copied */
	uint32_t vni;
	const char *bridge; /* NULL: none */
	const char *vxlan;
	struct ip vtep; /* local address */
	uint16_t udp_port;
	const char *underlay; /* NULL: the interface that holds or routes vtep */
	const struct dp_port_params *ports;
	size_t n_ports;
	bool neigh_suppress;
	uint16_t vlan; /* on the VLAN-aware bridge, which, as vxlan, other VNIs may share; 0: both are its own */
	/* How hosts are found without a control plane; all off: every row is wished for. */
	bool learn;        /* from the packets of the tunnel (RFC 7348 4.1) */
	bool drop_unknown; /* frames to MACs without a row are not flooded */
	struct ip group;   /* none, or where frames are flooded to (RFC 7348 4.2); it needs an underlay */
	bool hear_hosts; /* what hosts on its ports say in ARP and ND is told by host_heard */
	/* For a backend that sees the source of each packet; others do not look. */
	bool drop_tags;    /* userspace: frames through the tunnel with an 802.1Q tag inside are dropped */
	bool check_source; /* packets are dropped of VTEPs that no row of the VNI goes to */
	bool known_hosts;  /* and frames of hosts that have no row to the VTEP that they come from */
	uint32_t mac_limit; /* MACs that are heard, on ports and behind VTEPs, at most; 0: the backend's own bound */
	/* Rows come on demand: `miss` tells what was looked for in vain, MACs and, with miss_ips, addresses. */
	bool miss_macs, miss_ips;
	uint16_t ageing; /* s, that a row on demand stays without being used; 0: the backend's */
	/*
	 * Route short circuit: an IP packet to the MAC of a router (DP_ROUTER) goes to the
	 * host that has its destination, when a row says which, as if the router had sent it.
	 */
	bool rsc;
};

/*
 * Takes a VNI on: missing devices are made, existing ones adopted, local MACs and addresses reported. -EEXIST when it
 * is there, -EINVAL with a log line when the backend cannot do what is asked. Later trouble shows in dp_vni_info().
 */
int dp_vni_add(struct dp *d, const struct dp_vni_params *p);
/* Removes our rows of that VNI, and the devices when they were made by us. */
void dp_vni_del(struct dp *d, uint32_t vni);

enum dp_device_state { DP_DEV_MISSING, DP_DEV_MADE, DP_DEV_ADOPTED, DP_DEV_CONFLICT };

struct dp_vni_info { /* borrowed strings */
	uint32_t vni;
	const char *bridge, *vxlan, *underlay;
	enum dp_device_state bridge_state, vxlan_state;
	unsigned bridge_ifindex, vxlan_ifindex; /* 0 = none */
	bool shared;                            /* with other VNIs: they outlive it */
	uint32_t mtu;                           /* of the vxlan device, 0 = unknown */
	bool ready;                             /* rows can be written */
	const char *problem;                    /* "vxlan100 has VNI 200, expected 100", NULL when there is none */
	uint32_t local_macs;
	uint64_t heard, unheard; /* ARP and ND packets of hosts: told by host_heard, and those above its rate */
	uint64_t answered;       /* of them, by a backend that forwards itself; the kernel does not count */
	/* MACs heard, how many may be, and how often one was not learned for that; where the backend learns itself. */
	uint32_t learned, mac_limit;
	uint64_t not_learned;
};
/* false when there is no such VNI. */
bool dp_vni_info(const struct dp *d, uint32_t vni, struct dp_vni_info *out);

/* A port for another network namespace: a link between that and the VNI's bridge. Borrowed. */
struct dp_netns_port {
	const char *netns; /* path, as /run/netns/NAME or /proc/PID/ns/net, for words */
	int fd;            /* of the namespace */
	int socket;        /* a netlink socket that was opened in it */
	const char *name;  /* of the interface in there */
	struct mac mac;    /* of that interface; zero: one that follows from namespace and name */
	struct ip ip;      /* none: no address is set */
	uint8_t prefix_len;
};

struct dp_netns_port_made {
	char port[16]; /* the end in the bridge */
	struct mac mac;
};

/*
 * The port is there, up, with its address, and both addresses are advertised, before this returns 0; else -errno with a
 * sentence in why. -EOPNOTSUPP: the backend has no such ports. Removing takes the same namespace and name.
 */
int dp_port_add(struct dp *d, uint32_t vni, const struct dp_netns_port *p, struct dp_netns_port_made *made, char *why,
		size_t cap);
int dp_port_del(struct dp *d, uint32_t vni, const struct dp_netns_port *p, char *why, size_t cap);

/* What to look on: all of a VNI, or what is from or to a host. */
struct dp_capture {
	struct mac mac; /* zero: any */
	struct ip ip;   /* none: any; ARP's, too */
};
/* A message of the answer: this, then the packet: an Ethernet frame, or, of the underlay, an IP packet. */
struct dp_captured {
	uint64_t ns;    /* since 1970 */
	uint64_t lost;  /* so far: nobody took them in time */
	uint32_t len;
	bool underlay;
	bool out;       /* to a port, to a VTEP */
	char where[64]; /* its name or address */
};
/*
 * Packets at the VNI's ports and, as they are encapsulated, to and from VTEPs, go to a SOCK_SEQPACKET socket, until its
 * other end is closed, or this end with the VNI. fd is borrowed. 0, or -errno with a sentence in why.
 */
int dp_capture(struct dp *d, uint32_t vni, const struct dp_capture *what, int fd, char *why, size_t cap);

/* For log lines: borrowed, NULL when it is not known. */
const char *dp_ifname(const struct dp *d, unsigned ifindex);

/* ---- what the dataplane sees ---------------------------------------------------------------------------------- */

enum {
	DP_LOCAL_STATIC = 1, /* set by hand (bridge fdb ... static/sticky): becomes a sticky MAC/IP route */
	DP_LOCAL_ROUTER = 2  /* the neighbour says it is a router */
};

enum dp_heard_kind {
	DP_HEARD_QUESTION, /* ARP request, neighbour solicitation */
	DP_HEARD_ANSWER,   /* ARP reply, solicited advertisement */
	DP_HEARD_PROBE,    /* does another use the target? ARP without sender (RFC 5227), DAD solicitation (RFC 4862) */
	DP_HEARD_ANNOUNCE, /* gratuitous ARP, unsolicited advertisement */
	DP_HEARD_OTHER     /* router solicitation and advertisement */
};

/* An ARP or ND packet of a host on a local port, or behind a VTEP where hosts are learned from the tunnel. */
struct dp_heard {
	uint32_t vni;
	unsigned ifindex;  /* the port; 0: out of the tunnel */
	uint8_t kind;      /* enum dp_heard_kind */
	bool unicast;      /* sent to one station */
	bool tells_router; /* it says whether the host is a router ... */
	bool router;       /* ... and so it is */
	struct ip ip;      /* it says that this address is at mac; none when it says nothing of the kind */
	struct mac mac;
	struct mac src;    /* of the frame */
	struct ip target;  /* asked for, answered, probed or announced; none for OTHER */
	const uint8_t *frame; /* borrowed for the time of the event */
	size_t len;
};

/*
 * To a host: has mac still got ip? It will be heard if it has. False when that cannot be asked on this port, so that
 * silence means nothing.
 */
bool dp_host_ask(struct dp *d, uint32_t vni, unsigned ifindex, const struct ip *ip, const struct mac *mac);
/* To the host that was heard asking or probing: its target is at mac. */
void dp_host_answer(struct dp *d, const struct dp_heard *h, const struct mac *mac, bool router);
/* The same of a host that has waited for it, where the backend itself would have answered by now. */
void dp_host_reply(struct dp *d, const struct dp_heard *h, const struct mac *mac, bool router);
/* To all other VTEPs, what was heard, as it came. */
void dp_host_carry(struct dp *d, const struct dp_heard *h);

struct dp_events {
	/* A MAC was seen on, or moved to, a local port; also once for each known one when a VNI gets ready. */
	void (*local_mac)(void *ctx, uint32_t vni, const struct mac *mac, unsigned ifindex, uint8_t flags);
	void (*local_mac_gone)(void *ctx, uint32_t vni, const struct mac *mac);
	/* A binding of a local host. */
	void (*local_ip)(void *ctx, uint32_t vni, const struct ip *ip, const struct mac *mac, uint8_t flags);
	void (*local_ip_gone)(void *ctx, uint32_t vni, const struct ip *ip);
	/*
	 * The VNI's devices have become usable, or unusable. Then its local MACs and addresses are gone, too: each has
	 * been reported before this call.
	 */
	void (*vni_ready)(void *ctx, uint32_t vni, bool ready);
	void *ctx;
	/* Of VNIs with hear_hosts, while they are ready. May be NULL. */
	void (*host_heard)(void *ctx, const struct dp_heard *h);
	/*
	 * Of VNIs with miss_macs. May be NULL, both or none. A frame to a MAC, or with mac NULL a question for an
	 * address, found no row; one event a frame, so they come often.
	 */
	void (*miss)(void *ctx, uint32_t vni, const struct mac *mac, const struct ip *ip);
	/* The row on demand of this MAC is there now, or has not been used for long and is wished for no more. */
	void (*demand)(void *ctx, uint32_t vni, const struct mac *mac, bool there);
	/*
	 * The dataplane itself has learned that a MAC is behind a VTEP, or behind
	 * another, or does not know it any more. Of a MAC on a local port, or with a row
	 * that is wished for, nothing of the kind is told. May be NULL, both or none.
	 */
	void (*tunnel_mac)(void *ctx, uint32_t vni, const struct mac *mac, const struct ip *vtep);
	void (*tunnel_mac_gone)(void *ctx, uint32_t vni, const struct mac *mac);
};

/* ---- life ---------------------------------------------------------------------------------------------------- */

struct dp_ops; /* dataplane/backend.h */
extern const struct dp_ops dp_kernel_ops; /* bridge, vxlan and neighbour tables by netlink */
extern const struct dp_ops dp_vtep_ops;   /* evpnd forwards itself; ctx: NULL or a struct dp_vtep_params */
extern const struct dp_ops dp_none_ops;   /* programs nothing, sees nothing (route reflector) */

struct dp_vtep_params {
	unsigned workers;     /* threads that forward; 0: as many as there are cores, 8 at most */
	const uint16_t *cpus; /* that they are pinned to, by turns; borrowed while dp_new() runs */
	size_t n_cpus;
	struct dp_outer {     /* headers of what is sent to VTEPs; all zero: TTL 64, DF, checksums */
		uint8_t ttl;      /* 0: 64 */
		uint8_t dscp;
		bool copy_dscp;   /* of inner packets, instead */
		bool fragmentable;
		bool no_checksum;
	} outer;
	struct nsopen *nsopen; /* one with more rights than we have, taken over; NULL: one of our own is started */
};

/*
 * loop may be NULL for backends that need none. NULL with a log line that names the missing capability or module when
 * the backend cannot start.
 */
struct dp *dp_new(const struct dp_ops *ops, struct loop *loop, struct log *log, const struct dp_events *ev);
/* Where what is news of rows and devices is noted; none is kept before. */
void dp_set_history(struct dp *d, struct history *h);
/* flush removes our rows and the devices that we made; without it everything stays for the next start. */
void dp_free(struct dp *d, bool flush);
/* The time; runs what is due (retries, sweeps). The composition root calls it once a turn, tests set it. */
void dp_set_now(struct dp *d, struct mtime now);
/*
 * Writes what has been wanted and tells what has been seen: a slice of about a millisecond; the
 * rest goes on by itself in the loop. The composition root calls it before the loop sleeps, so
 * that a wish is in the kernel in the same turn. Events (struct dp_events) come from here and from
 * the loop only, never from within another dp_*() function. True when there is more to do, so that
 * without a loop `while (dp_flush(d));` settles: it waits for what a backend does beside us.
 */
bool dp_flush(struct dp *d);
/* Did an earlier evpnd leave something in the kernel, so that forwarding has gone on? As it was when d was made. */
bool dp_found(const struct dp *d);
/*
 * Rows that an earlier evpnd left and that nobody has wanted since are removed now. Without this call it happens
 * DP_SWEEP_MS after their VNI got ready; after dp_sweep_wait() not before the call.
 */
void dp_sweep(struct dp *d);
void dp_sweep_wait(struct dp *d);
#define DP_SWEEP_MS 10000

/* ---- show ---------------------------------------------------------------------------------------------------- */

enum dp_owner { DP_OWNER_EVPND, DP_OWNER_KERNEL, DP_OWNER_FOREIGN };

struct dp_row_info {
	struct dp_row row;
	bool desired, observed;
	bool learned; /* FDB: from a frame. In a backend's own table it is the backend's, and desired. */
	enum dp_owner owner;
	const char *table;   /* "vxlan", "bridge", "neigh", "vtep" */
	const char *device;  /* borrowed; NULL when not known */
	unsigned ifindex;
	const char *pending; /* why it is not there yet, NULL when it is */
	const char *help;    /* when it was refused: what helps, NULL when that is not known */
	bool stuck;          /* pending, and not for a moment only: it was refused, or something stands in its place */
	struct mtime since;
	unsigned n_vteps; /* FDB row to a set: row.vtep is none, and these are its members */
	struct ip vteps[DP_SET_MAX];
};

struct dp_cursor {
	uint32_t phase, handle;
};
/*
 * Walks what is known without asking the kernel: our rows (an FDB row yields its bridge and its vxlan row) and the
 * local and foreign rows that were learned. vni 0: all. false at the end.
 */
bool dp_next(const struct dp *d, struct dp_cursor *c, uint32_t vni, struct dp_row_info *out);

/* A port of a VNI as it is there, whoever made it and put it there. */
struct dp_port_info { /* borrowed */
	uint32_t vni;
	const char *name;
	uint16_t vlan; /* whose frames are the VNI's, 0: all */
	bool tagged;   /* and they bear its tag there */
	bool up, made; /* made: by an evpnd */
};
/* As dp_next(). */
bool dp_next_port(const struct dp *d, struct dp_cursor *c, uint32_t vni, struct dp_port_info *out);

/* What was counted. */
struct dp_traffic {
	const char *scope; /* "drop" (name: the reason), "worker", "vni", "port", "vtep" */
	char name[64];
	uint32_t vni; /* 0: not of one */
	uint64_t rx_frames, rx_octets, tx_frames, tx_octets, drops; /* of a VNI or VTEP: the tunnel's side */
};
/* false at the end. */
bool dp_next_traffic(const struct dp *d, struct dp_cursor *c, struct dp_traffic *out);

struct dp_stats {
	uint64_t rows, rows_there;
	uint64_t rows_going; /* that nobody wants, and that are there still: in line, or to go with their VTEP */
	uint64_t dirty, writes, errors, repairs, overruns, local_macs, local_ips;
	uint64_t bytes; /* memory of the tables */
	uint64_t unread; /* VNIs with rows from before the start that are not all known yet */
};
void dp_stats(const struct dp *d, struct dp_stats *out);
const char *dp_backend_name(const struct dp *d);

/* ---- desired against observed ---------------------------------------------------------------------------------- */

enum dp_diff_what {
	DP_DIFF_NONE,
	DP_DIFF_MISSING,  /* it should be there */
	DP_DIFF_ALTERED,  /* it is there, and otherwise */
	DP_DIFF_UNWANTED, /* with our mark, and nobody wants it */
	DP_DIFF_UNHEARD,  /* of a local host, and we had not heard of it */
	DP_DIFF_BLOCKED,  /* it should be there, and what is there instead is not ours, or the kernel refuses it */
	DP_DIFF_DEVICE,   /* a property of a device that another hand has changed */
	DP_DIFF_FOREIGN   /* another hand's row on a device of ours, in nobody's way: no difference */
};

struct dp_diff {
	uint8_t what;  /* enum dp_diff_what */
	bool repaired; /* it is in work */
	uint32_t vni;  /* 0: not of one */
	const char *table; /* as of struct dp_row_info, "nexthop", or of a device the property */
	char device[16];
	struct mac mac;
	struct ip ip, vtep;
	char expected[64], found[64];
};

struct dp_audit;

/*
 * Looks at what is there anew, of one VNI or with 0 of all; repair: has what differs put
 * right, so far as it is ours. The audit must end before d does.
 */
struct dp_audit *dp_audit_new(struct dp *d, uint32_t vni, bool repair);
/* It could not look. */
bool dp_audit_blind(const struct dp_audit *a);

enum dp_audit_more { DP_AUDIT_END, DP_AUDIT_NOTHING_YET, DP_AUDIT_DIFF };
/* A slice of the work, or one of the differences found. */
enum dp_audit_more dp_audit_next(struct dp_audit *a, struct dp_diff *out);
void dp_audit_free(struct dp_audit *a);

/* ---- trace ------------------------------------------------------------------------------------------------------- */

enum dp_traced_to {
	DP_TRACED_NOWHERE, /* dropped, or it is not known */
	DP_TRACED_PORT,    /* a local port */
	DP_TRACED_HOST,    /* this host itself */
	DP_TRACED_VTEPS,   /* one of these */
	DP_TRACED_FLOOD    /* all ports, and all of these */
};

struct dp_traced {
	uint8_t to; /* enum dp_traced_to */
	unsigned ifindex; /* PORT: as evpn knows it */
	char port[64];
	struct ip vteps[DP_SET_MAX];
	unsigned n_vteps;
	unsigned more; /* FLOOD: VTEPs beside those */
};

/*
 * Follows a frame to mac through the tables as they are now, asked anew, and each VTEP
 * that it leads to through the underlay: the rows TRACE_FDB to TRACE_OUTER_NEIGHBOUR. One
 * that is not as was wished for is said. isolated: it comes in by a port that is.
 */
void dp_trace(struct dp *d, uint32_t vni, const struct mac *mac, bool isolated, struct trace *t, struct dp_traced *out);
/*
 * May frames of that MAC come in by this port, or with ifindex 0 out of the tunnel from
 * this VTEP? TRACE_SOURCE. True when the port is isolated from others that are.
 */
bool dp_trace_source(struct dp *d, uint32_t vni, const struct mac *mac, unsigned ifindex, const struct ip *vtep,
		     struct trace *t);
/* Who answers a host that asks for ip, which is at mac behind a VTEP? TRACE_INNER_NEIGHBOUR. */
void dp_trace_answer(struct dp *d, uint32_t vni, const struct ip *ip, const struct mac *mac, struct trace *t);

/* A host, for the two lookups that it makes itself. */
struct dp_trace_host {
	const char *name; /* for words */
	int socket;       /* netlink, of its network namespace; -1: ours */
};
struct dp_traced_host {
	struct ip source, next_hop; /* what it would send from and to: the destination, or a gateway */
	struct mac source_mac;
	bool has_mac; /* the neighbour is known */
	struct mac mac;
	bool here; /* the destination is its own */
	unsigned peer; /* of its interface, a veth: the ifindex of the other end; 0: not known */
};
/* TRACE_INNER_ROUTE and TRACE_INNER_NEIGHBOUR. False when it broke off; -EINVAL of the socket counts as that. */
bool dp_trace_inner(const struct dp_trace_host *h, const struct ip *to, const struct ip *from, struct trace *t,
		    struct dp_traced_host *out);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The kernel backend's own state, shared by its files:
 *
 *	kernel.c            life; the slice: events in, operations out
 *	kernel_place.c      one evpnd a network namespace
 *	kernel_write.c      operations as messages, and their answers
 *	kernel_writer.c     the thread that writes
 *	kernel_link.c       the network devices that are there
 *	kernel_vni.c        what a VNI is to have, and how that changes
 *	kernel_dev.c        the devices of a VNI: made, adopted, set up
 *	kernel_dev_watch.c  what is not as it should be with them
 *	kernel_make.c       the requests that make and change devices
 *	kernel_bury.c       devices and rows that are left over, and their end
 *	kernel_vlan.c       devices that several VNIs share, told apart by a VLAN
 *	kernel_member.c     which VLANs a port is in, as the kernel has it
 *	kernel_carry.c      frames of ours into the tunnels of a device for several VNIs
 *	kernel_port.c       ports for containers and network namespaces
 *	kernel_hold.c       rows on demand: the frames that wait for one
 *	kernel_renew.c      rows on demand that are in use
 *	kernel_local.c      FDB and neighbour messages: whose row is it?
 *	kernel_snoop.c      ARP and ND of hosts on the ports
 *	kernel_nh.c         nexthops: destinations as objects
 *	kernel_read.c       the tables that are there when we start
 *	kernel_dump.c       dumps that run in a thread of their own
 *	kernel_audit.c      a fresh look at all of it
 *	kernel_trace.c      the rows that a frame would meet
 *	kernel_capture.c    packets, for those who want to look at them
 *	kernel_traffic.c    what the kernel has counted
 *	kernel_host.c       what else on the host may be upset by what we write
 *	kernel_sock.c       netlink sockets
 *	kernel_msg.c        netlink messages of rows
 */
#ifndef DATAPLANE_KERNEL_H
#define DATAPLANE_KERNEL_H

#include <net/if.h>
#include <uthash.h>

#include "base/list.h"
#include "base/loop.h"
#include "dataplane/backend.h"
#include "dataplane/hold.h"
#include "dataplane/kernel_dump.h"
#include "dataplane/kernel_sock.h"
#include "dataplane/kernel_writer.h"

#define KERNEL_SLICE_US 1000        /* of work in a turn of the loop */
#define KERNEL_COME_BACK_MS 500     /* until a device that vanished is made again */
#define KERNEL_DEV_RETRY_MS 5000    /* until one that could not be made is tried again */
#define KERNEL_BR_FDB_MAX_LEARNED (IFLA_BR_MCAST_QUERIER_STATE + 2) /* since 6.7 */
/*
 * All rows of a flood list bear one mark in the kernel, which the last one who wrote there has set. Where that was not
 * us, a second row stands beside each of ours and says so: to the same VTEP, for this MAC, which no frame is sent to.
 */
#define KERNEL_FLOOD_MARK ((struct mac){ { 0x03, 'e', 'v', 'p', 'n', 'd' } })

#define KERNEL_WORDS 256u           /* of a sentence about a device */

enum klink_kind { KLINK_OTHER, KLINK_BRIDGE, KLINK_VXLAN };

struct kvni;

/* A network device, as the kernel tells it. */
struct klink {
	UT_hash_handle hh, by_name;
	int ifindex;
	char name[IFNAMSIZ];
	unsigned master, mtu, flags; /* IFF_* */
	enum klink_kind kind;
	bool made;         /* by an evpnd, as its alias says */
	bool condemned;    /* it is to be deleted together with others */
	bool holds;        /* it is the port of kernel_hold.c */
	uint32_t group;
	struct mac mac;
	struct ksnoop *snoop; /* as a port that is listened to, else NULL */
	/* as a port of a bridge */
	bool is_port, learning, suppress, floods; /* floods: unknown unicast goes out */
	struct kmember *member; /* of a VLAN-aware one; NULL: not known yet, or no such port */
	bool member_stale;      /* it may have changed */
	/* as a vxlan device */
	uint32_t vni;
	struct ip local, flood_group; /* flood_group: where frames without a row go */
	uint16_t udp_port;
	unsigned lower; /* ifindex that it is bound to, 0: none; of a VLAN device the one below it */
	bool external, vnifilter, vxlan_learning, proxy, rsc, l2miss, l3miss;
	/* as a bridge */
	bool vlan_aware;
	uint32_t max_learned; /* 0: any number, or the kernel is older than 6.7 */
	uint16_t vlan_type; /* of the tags that it knows, ETH_P_8021Q or ETH_P_8021AD */
	bool heard; /* its ports are to be listened to */
	uint16_t default_vlan; /* that it puts its ports into, 0: none */
	uint16_t vlan; /* as a VLAN device */
	/* as a bridge or vxlan device that a VNI uses */
	struct kvni *used_by;
	struct kvni **by_vlan; /* as a VLAN-aware bridge of several, NULL: none */
};

struct kport {
	char name[IFNAMSIZ];
	char parent[IFNAMSIZ]; /* with a VLAN: the port is the VLAN device name on this one */
	uint16_t vlan; /* on a VLAN-aware bridge of several VNIs: tagged, and no device of its own */
	bool tap, tagged;
	unsigned configured; /* ifindex that we have put into the bridge; later changes are another hand's */
};

/* Which VNIs a device name matters to: a parent of VLAN devices or an underlay does to many. */
struct kname {
	UT_hash_handle hh;
	char name[IFNAMSIZ];
	struct list users; /* struct kuse */
};

struct kuse {
	struct list list;
	struct kname *name;
	struct kvni *v;
};

enum { CONFIGURED_BRIDGE, CONFIGURED_VXLAN };

struct kvni {
	struct list list;
	struct dp_vni *v;
	uint32_t vni;
	UT_hash_handle hh; /* by vni */
	uint16_t vlan;     /* on a VLAN-aware bridge that others may use, too; 0: the bridge is the VNI's */
	bool external;     /* its vxlan device is one for several VNIs */
	char neighbours[IFNAMSIZ]; /* with vlan: the device on the bridge that we make for them, "": none */
	char bridge[IFNAMSIZ], vxlan[IFNAMSIZ]; /* bridge "": none */
	char underlay[IFNAMSIZ];                /* "": derive */
	struct ip vtep;
	struct kcapture *capture; /* NULL: none */
	uint16_t udp_port;
	bool suppress, learn, drop_unknown, miss_macs, miss_ips, rsc;
	bool remake; /* until all is written: rows of another kind may be there, to be deleted rather than changed */
	uint32_t mac_limit; /* MACs that its bridge learns at most, 0: any number */
	struct {
		unsigned ifindex;
		uint32_t limit;
	} bounded; /* the bridge that we have given this limit; if it has another one later, somebody wants it so */
	uint16_t ageing; /* s, 0: as it is */
	struct mtime renew_at; /* with miss_macs: rows in use */
	int hold_fd;           /* of a TAP for frames without a row, -1: none */
	unsigned hold_ifindex;
	bool hold_refused, hold_ends;
	struct loop_io hold_io;
	struct kernel *hold_of;
	struct ip group;
	bool hear_hosts;
	uint64_t heard, unheard; /* ARP and ND packets of its ports */
	struct kport *ports;
	size_t n_ports;
	struct kuse *uses; /* bridge, vxlan, underlay, ports */
	size_t n_uses;
	/* what is there */
	unsigned bridge_ifindex, vxlan_ifindex; /* the devices whose rows have been reported to dp; 0: none */
	unsigned neigh_ifindex; /* with vlan */
	bool unread;            /* with vlan: the rows of the bridge are read for all of its VNIs together */
	bool rest;              /* only some of its rows were read: kernel_read.c */
	bool usable;
	enum dp_device_state bridge_state, vxlan_state;
	unsigned configured[2]; /* ifindex of bridge, vxlan that we have set up; later changes are another hand's */
	bool ready, check;
	bool waits; /* for not_before */
	struct mtime not_before; /* devices are made from then on */
	bool mtu_guessed; /* its device was made before the underlay was known */
	/* A row that another control plane has written, while it is there; its fields are zero without one. */
	struct {
		struct mac mac;
		struct ip ip; /* NEIGH */
		char words[128];
	} stranger;
	char problem[KERNEL_WORDS], logged[KERNEL_WORDS];
	char why[256]; /* what failed, until it is tried again */
	/* With external: the rows of its flood list that are in the kernel, sorted. */
	struct kflood {
		struct ip vtep;
		uint32_t label; /* VNI in the packet, 0: its own */
	} *floods;
	size_t n_floods, cap_floods;
};

/* Which events about our own writes are filtered out. */
enum kfilter { KFILTER_NONE, KFILTER_WRITES, KFILTER_ENDS };

struct kernel {
	struct dp *d;
	struct loop *loop;
	struct log *log;
	struct ksock cmd, events; /* devices and dumps; rows are the writer's */
	struct loop_io io;
	struct loop_timer timer;
	struct klink *links, *link_names;
	struct kname *names;
	struct list vnis;
	struct kvni *by_vni;
	/* the underlay of the VTEP address asked for last; all VNIs have the same as a rule */
	struct {
		bool known, here; /* here: the host has the address */
		struct ip vtep;
		unsigned ifindex;
	} underlay;
	int place;    /* descriptor of kernel_place_take() */
	bool tidied;  /* kernel_bury_tidy() has been called, which is once after the start */
	bool condemned; /* some links are */
	bool check;   /* some VNI's devices are to be checked */
	bool members_stale; /* some port may be in other VLANs than before */
	bool behind;  /* events wait to be read, so devices may be other than they look here */
	bool overrun; /* events were lost */
	struct mtime resync_not_before;
	int64_t resync_gap_ms;
	enum kfilter filter; /* of events */
	bool deaf;        /* packet sockets were refused */
	bool told_filters; /* the log has said that iptables sees what bridges forward */
	bool remaking; /* some VNI has remake set */
	bool snoop_dirty; /* ports may have come or gone */
	int snoop_tx;
	struct loop_timer renewals;
	struct hold hold; /* frames that wait for a row */
	int carry_tx;       /* UDP, from carry_from */
	struct ip carry_from;
	struct list snoops_done; /* those that are no longer listened to, but not closed yet */
	struct log_limit loud; /* of log lines that hosts on ports can cause */
	struct mtime armed;
	char why[256]; /* the last request about a device failed */
	/* nexthops: index + 1 -> destination, see kernel_nh.c */
	uint32_t *nh;
	uint32_t nh_cap, nh_next;
	bool nh_refused; /* the kernel has none for FDB rows */
	/* takes, in place of reconcile, what kernel_local.c makes of a message; NULL: reconcile does */
	void (*look)(void *ctx, const struct dp_seen *s);
	void *look_ctx;
	bool look_notes; /* with look: rows of other control planes are noted all the same */
	struct {
		bool some;      /* some VNI has a rest that is not read yet */
		bool armed;     /* the timer is armed, or a rest is being read */
		bool again;     /* what is being read may be out of date: begin anew */
		unsigned tries;
		struct kvni *v; /* whose rest is being read, NULL: no one's */
		struct kdump dump;
		struct loop_timer timer;
		struct mtime due; /* to be begun, whatever else there is to do */
	} read; /* of kernel_read.c */
	struct nlbuf tx; /* for what is written on this thread, and waited for */
	struct kwriter writer;
	struct loop_io results;
};

/* ---- kernel_place.c --------------------------------------------------------------------------------------------- */

/*
 * One evpnd writes in a network namespace: another would take the rows of the first for what an earlier run has left.
 * A descriptor that holds the place until it is closed or the process ends; -EBUSY with a log line.
 */
int kernel_place_take(struct log *log);

/* ---- kernel_link.c ---------------------------------------------------------------------------------------------- */

int kernel_links_load(struct kernel *k);
void kernel_links_free(struct kernel *k);
void kernel_link_event(struct kernel *k, const struct nlmsghdr *h);
/* Asks the kernel for one, for what it says after a change of ours; NULL when it is not there. */
struct klink *kernel_link_refresh(struct kernel *k, const char *name);
struct klink *kernel_link_find(const struct kernel *k, unsigned ifindex);
struct klink *kernel_link_named(const struct kernel *k, const char *name);
/* It is gone: the VNIs that it matters to are checked. */
void kernel_link_drop(struct kernel *k, struct klink *l);

/* ---- kernel_make.c: 0, or -errno with a sentence in k->why ------------------------------------------------------- */

int kernel_make_bridge(struct kernel *k, const struct kvni *v);
int kernel_make_vxlan(struct kernel *k, const struct kvni *v, unsigned mtu);
int kernel_make_tap(struct kernel *k, const char *name);
int kernel_make_vlan(struct kernel *k, const char *name, const struct klink *parent, uint16_t vlan);
int kernel_set_up(struct kernel *k, const struct klink *l);
int kernel_set_master(struct kernel *k, const struct klink *l, unsigned master);
int kernel_set_port(struct kernel *k, const struct klink *l, const struct kvni *v);
/* The port is sent unknown unicast only, and nothing is learned on it. */
int kernel_set_hold_port(struct kernel *k, const struct klink *l);
/* Learning and group become the VNI's; what stands in the way of that goes first: kernel_vni_set_learning(). */
int kernel_set_vxlan(struct kernel *k, const struct klink *l, const struct kvni *v);
/* Before the kernel asks for a neighbour on the device itself, it asks us, so many times (RTM_GETNEIGH). */
int kernel_set_app_probes(struct kernel *k, const struct klink *l, unsigned n);
/* How many MACs the bridge learns at most, 0: any number; no error from a kernel that does not know of it. */
int kernel_set_max_learned(struct kernel *k, const struct klink *l, uint32_t limit);
int kernel_set_mtu(struct kernel *k, const struct klink *l, unsigned mtu);
int kernel_delete(struct kernel *k, const struct klink *l);
int kernel_set_group(struct kernel *k, const struct klink *l, uint32_t group);
/* Every device of the group. */
int kernel_delete_group(struct kernel *k, uint32_t group);
/* The device that holds vtep, else the one that routes to it; false without one. *here: the host has the address. */
bool kernel_find_underlay(struct kernel *k, const struct ip *vtep, unsigned *ifindex, bool *here);

/* Returns err, the result of a request about a device; when it is an error, with a sentence in k->why. */
int kernel_judge(struct kernel *k, const char *what, const char *name, int err);

/* ---- kernel_vlan.c ---------------------------------------------------------------------------------------------- */

/* The VNI whose rows these are: of a bridge in a VLAN (0: none), of a vxlan device with a source VNI; NULL: of none. */
struct kvni *kernel_vni_of_bridge(const struct klink *br, uint16_t vlan);
struct kvni *kernel_vni_of_vxlan(const struct kernel *k, const struct klink *vx, uint32_t vni);
/* The VNI whose neighbours are on this device. */
struct kvni *kernel_vni_of_neighbours(const struct kernel *k, const struct klink *l);
/* Gives v the device, or its part of a shared one. Returns who has it then: v, or the VNI that had it before. */
struct kvni *kernel_claim(struct kvni *v, struct klink *l);
void kernel_unclaim(const struct kvni *v, struct klink *l);
bool kernel_claimed(const struct kvni *v, const struct klink *l);
/* 0, or -errno with a sentence in k->why. */
int kernel_vlan_join(struct kernel *k, const struct klink *l, uint16_t vlan, bool tagged);
void kernel_vlan_leave(struct kernel *k, const struct klink *l, uint16_t vlan);
/* A port that is new in the bridge: into the VLAN of the VNI, out of the one that the bridge puts its ports into. */
int kernel_vlan_only(struct kernel *k, const struct klink *l, const struct kvni *v);
int kernel_vlan_map(struct kernel *k, const struct klink *vx, uint16_t vlan, uint32_t vni);
int kernel_vni_filter(struct kernel *k, const struct klink *vx, uint32_t vni, bool on);
/* The VLAN device on the bridge; NULL when there is none. */
struct klink *kernel_vlan_upper(const struct kernel *k, const struct klink *br, uint16_t vlan);

/* ---- kernel_member.c -------------------------------------------------------------------------------------------- */

/* The VLANs of a port of a VLAN-aware bridge. */
struct kmember {
	uint16_t pvid;              /* where untagged frames go, 0: nowhere */
	uint8_t in[512];            /* bits, by VLAN */
	uint8_t untagged[512];      /* it leaves without a tag */
	uint32_t *vni;              /* by VLAN, of a single vxlan device: what it is mapped to; NULL: nothing is */
	struct kvnis {
		uint32_t first, last;
	} *takes; /* of one with vnifilter: whose packets it takes */
	size_t n_takes;
};

static inline bool kernel_member_bit(const uint8_t bits[512], uint16_t vlan)
{
	return bits[vlan >> 3 & 511] & 1u << (vlan & 7);
}

/* True as well while it is not known: the kernel is asked soon. */
bool kernel_member_in(const struct klink *port, uint16_t vlan);
/* Frames of this VLAN have a tag when they leave by the port. */
bool kernel_member_tagged(const struct klink *port, uint16_t vlan);
/* The VNI that the VLAN is mapped to on a single vxlan device, 0: none, or not known. */
uint32_t kernel_member_vni(const struct klink *vx, uint16_t vlan);
/* It takes packets of the VNI; true as well while that is not known. */
bool kernel_member_takes(const struct klink *vx, uint32_t vni);
/* The VNI of a frame that a host has sent into this port, with this tag (0: none); NULL: nobody's. */
struct kvni *kernel_member_sort(const struct kernel *k, const struct klink *port, uint16_t vlan);
/* For struct dp_ops. */
bool kernel_member_next_port(const void *be, struct dp_cursor *c, struct dp_port_info *out);
/* The kernel is asked before this port is looked at again. */
void kernel_member_doubt(struct kernel *k, struct klink *port);
void kernel_member_event(struct kernel *k, const struct nlmsghdr *h);
void kernel_member_forget(struct klink *port);
/*
 * Asks the kernel about ports that may have changed. For those that have, the VNIs that it matters to are checked, and
 * the rows on the port are read again, since static ones stay when their port leaves a VLAN. No dump may be under way.
 */
void kernel_member_update(struct kernel *k);
/* The same for one port, without the rest. */
void kernel_member_refresh(struct kernel *k, struct klink *port);

/* ---- kernel_carry.c --------------------------------------------------------------------------------------------- */

/* A flood row of the VNI is there, or not any more. */
void kernel_carry_note(struct kvni *v, const struct ip *vtep, uint32_t label, bool there);
void kernel_carry_forget(struct kvni *v);
/* To every VTEP of the flood list; false when it went to none. */
bool kernel_carry(struct kernel *k, const struct kvni *v, const uint8_t *frame, size_t len);

/* ---- kernel_dev.c ----------------------------------------------------------------------------------------------- */

/*
 * Looks at the devices of every VNI that wants it: makes, adopts, reports. When
 * kernel_clock_us() has passed until, what is left is done in a later turn.
 */
void kernel_dev_check(struct kernel *k, int64_t until);
int64_t kernel_clock_us(void);
/* Every VNI is to be checked. */
void kernel_dev_check_all(struct kernel *k);
/* This VNI is to be checked; v may be NULL. */
void kernel_dev_want(struct kernel *k, struct kvni *v);
/* A link has come, changed or is about to go: the VNIs that it matters to are to be checked. */
void kernel_dev_touch(struct kernel *k, const struct klink *l);
/* It has gone. If it comes back with the same ifindex (from another network namespace), it is set up like any other. */
void kernel_dev_vanished(struct kernel *k, const struct klink *l);
/* When the next look is due by time. */
struct mtime kernel_dev_next(const struct kernel *k);
/* ifindex of where neighbours of the VNI are: its bridge, or its vxlan device without one. */
unsigned kernel_neigh_ifindex(const struct kvni *v);

/* With rsc, the vxlan device itself looks up where a packet's destination is, beside the bridge, which answers ARP. */
static inline bool kernel_neigh_twice(const struct kvni *v)
{
	return v->rsc && kernel_neigh_ifindex(v) != v->vxlan_ifindex;
}

/* A device that we make when it is missing. */
static inline bool kernel_port_ours(const struct kport *p)
{
	return p->tap || (p->vlan && !p->tagged);
}

/* ---- kernel_dev_watch.c ----------------------------------------------------------------------------------------- */

/* Says what is wrong with the VNI, unless something was said before. */
void kernel_dev_problem(struct kvni *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The device that carries the VNI's packets, NULL when not known. */
struct klink *kernel_dev_underlay(struct kernel *k, const struct kvni *v);
/* What the VNI's packets have room for on the underlay; 0: not known. */
unsigned kernel_dev_mtu(struct kernel *k, const struct kvni *v);
/* What fits into the underlay; *guess when that is not known: a loopback device carries nothing. */
unsigned kernel_dev_fitting_mtu(struct kernel *k, const struct kvni *v, bool *guess);
/* Is this the vxlan device that the VNI wants? */
bool kernel_dev_consistent(const struct klink *l, struct kvni *v);
/* A device that we have made for other parameters, in this run or an earlier one, which cannot be changed any more. */
bool kernel_dev_outdated(const struct kernel *k, const struct kvni *v, const struct klink *l);
/* Does the VNI work with these devices, of which either may be NULL? */
bool kernel_dev_usable(struct kvni *v, const struct klink *br, const struct klink *vx);
/* Says what is not as it should be, but does no harm to the VNI. br may be NULL. */
void kernel_dev_watch(struct kernel *k, struct kvni *v, const struct klink *br, const struct klink *vx);

/* ---- kernel_vni.c ----------------------------------------------------------------------------------------------- */

/* NULL when there is none. */
struct kvni *kernel_vni_find(const struct kernel *k, uint32_t vni);
/* A vxlan device of ours cannot serve this VNI: how it tells of misses, and rsc, are fixed when a device is made. */
bool kernel_vni_needs_another(const struct kvni *v, const struct klink *l);
/*
 * Gives the device of v the learning and the group of to (which may be v). Rows that would lose their mark by that, or
 * for which the kernel would drop frames, are deleted before. 0, or -errno with a sentence in k->why.
 */
int kernel_vni_set_learning(struct kernel *k, const struct kvni *v, const struct klink *l, const struct kvni *to);
/* Fills v, which is zeroed; 0, or -EINVAL with a log line. */
int kernel_vni_init(struct kernel *k, struct kvni *v, const struct dp_vni_params *p);
void kernel_vni_fini(struct kernel *k, struct kvni *v);
/* v becomes what p says. Devices that are no part of it any more go or are let go, the others stay; 0, or as above. */
int kernel_vni_alter(struct kernel *k, struct kvni *v, const struct dp_vni_params *p);
/* Some VNI names this device; some other than v does. */
bool kernel_vni_named(const struct kernel *k, const char *name);
bool kernel_vni_named_beside(const struct kernel *k, const struct kvni *v, const char *name);

/* ---- kernel_port.c: for struct dp_ops ---------------------------------------------------------------------------- */

int kernel_port_add(void *be, void *data, const struct dp_netns_port *p, struct dp_netns_port_made *made, char *why,
		    size_t cap);
int kernel_port_del(void *be, void *data, const struct dp_netns_port *p, char *why, size_t cap);

/* ---- kernel_capture.c -------------------------------------------------------------------------------------------- */

/* As struct dp_ops has it. */
int kernel_capture_start(void *be, void *data, const struct dp_capture *what, int fd, char *why, size_t cap);
/* No harm without one. */
void kernel_capture_end(struct kvni *v);

/* ---- kernel_read.c ---------------------------------------------------------------------------------------------- */

void kernel_read_init(struct kernel *k);
/* Reports what is there of the VNI: all of it where that is quick. 0 or -errno. */
int kernel_read_rows(struct kernel *k, struct kvni *v);
/* If something waits for the rest of a VNI, it is read soon. */
void kernel_read_arm(struct kernel *k);
/* The rest of this VNI is not needed any more. */
void kernel_read_stop(struct kernel *k, struct kvni *v);
/* As struct dp_ops has it. */
void kernel_read_now(void *be, void *data);

/* ---- kernel_audit.c: for struct dp_ops --------------------------------------------------------------------------- */

void *kernel_audit_begin(void *be, struct dp_audit *a, uint32_t vni);
bool kernel_audit_step(void *be, void *run);
void kernel_audit_end(void *be, void *run);
bool kernel_audit_row(void *be, void *vni, struct dp_seen *s);

/* ---- kernel_trace.c: for struct dp_ops --------------------------------------------------------------------------- */

void kernel_trace(void *be, void *vni, const struct mac *mac, struct dp_tracer *t);
void kernel_trace_source(void *be, void *vni, const struct mac *mac, unsigned ifindex, struct dp_tracer *t);
void kernel_trace_answer(void *be, void *vni, const struct ip *ip, const struct mac *mac, struct dp_tracer *t);

/* ---- kernel_bury.c ---------------------------------------------------------------------------------------------- */

/*
 * The device is to be deleted. kernel_bury() deletes all such together: a pair alone costs 60 ms, 2,000 of them 17 s.
 */
void kernel_condemn(struct kernel *k, struct klink *l);
/* Deletes a part of the condemned; true when some are left. */
bool kernel_bury(struct kernel *k);
/* The same for one of this name, at once: another is wanted in its place. */
void kernel_bury_named(struct kernel *k, const char *name);
/* Condemns what evpnd made for the VNI alone, and takes its part out of what it shares with others. */
void kernel_bury_vni(struct kernel *k, const struct kvni *v);
/* The part that the VNI has in a vxlan device that stays: its rows, and its VLAN and VNI on it. */
void kernel_bury_share(struct kernel *k, const struct kvni *v, const struct klink *vx);
/* Removes our rows from a vxlan device that stays, as the port of a bridge or not; v: those of this VNI only. */
void kernel_bury_rows(struct kernel *k, const struct klink *vx, const struct kvni *v);
/*
 * Only the flood rows: before the device gets another group, since with that the kernel
 * takes our mark off the whole list.
 */
void kernel_bury_floods(struct kernel *k, const struct klink *vx, const struct kvni *v);
/*
 * Those that point at a nexthop: before the device begins to learn, since from then on it
 * drops frames from their MACs.
 */
void kernel_bury_by_nexthop(struct kernel *k, const struct klink *vx, const struct kvni *v);
/*
 * After the start: what evpnd made or wrote for VNIs that left the configuration while it did not run goes, as a reload
 * would have had it.
 */
void kernel_bury_tidy(struct kernel *k);

/* ---- kernel_local.c --------------------------------------------------------------------------------------------- */

void kernel_neigh_event(struct kernel *k, const struct nlmsghdr *h);
/* The same, but look gets what reconcile would. */
void kernel_neigh_look(struct kernel *k, const struct nlmsghdr *h, void (*look)(void *ctx, const struct dp_seen *s),
		       void *ctx);
/* The same, but take gets what reconcile would, and passes it on; everything else that follows is done here. */
void kernel_neigh_sort(struct kernel *k, const struct nlmsghdr *h, void (*take)(void *ctx, const struct dp_seen *s),
		       void *ctx);
/* A row with our mark: a vxlan row (with its bridge row) or a neighbour. */
struct kernel_row {
	uint8_t kind; /* enum dp_kind */
	unsigned ifindex;
	struct mac mac; /* FDB */
	struct ip ip;   /* FLOOD, NEIGH */
	uint32_t label; /* FLOOD */
	bool by_nexthop; /* FDB */
	uint32_t src_vni; /* of a device for several VNIs */
};
bool kernel_row_ours(struct kernel *k, const struct nlmsghdr *h, struct kernel_row *r);
/* The FDB of a device; the neighbours of all. */
int kernel_dump_device(struct kernel *k, unsigned ifindex, void (*fn)(void *ctx, const struct nlmsghdr *h), void *ctx);
int kernel_dump_neighbours(struct kernel *k, void (*fn)(void *ctx, const struct nlmsghdr *h), void *ctx);
/* Reports one row of the flood list, if there is any: so much as has the mark of all of them. */
void kernel_ask_flood(struct kernel *k, const struct kvni *v);
/*
 * Reports every row of the VNI's devices, with those of other VNIs that share the bridge; locals: only those of local
 * ports.
 */
int kernel_dump_rows(struct kernel *k, const struct kvni *v, bool locals);
/* Reports what the vxlan device has learned from the tunnel. */
int kernel_dump_learned(struct kernel *k, const struct kvni *v);
int kernel_dump_vni_neighbours(struct kernel *k, const struct kvni *v);
/* Those of a port, or of a vxlan device. */
int kernel_dump_port(struct kernel *k, const struct klink *l);

/* ---- kernel_nh.c ------------------------------------------------------------------------------------------------ */

int kernel_nh_load(struct kernel *k);
void kernel_nh_free(struct kernel *k);
/*
 * As dp_sets_on_demand(): before 6.15 the kernel refuses an ageing row that points at a
 * nexthop ("cannot be dynamic").
 */
bool kernel_nh_rows_age(const void *be);
/* There are some. */
bool kernel_nh_any(const struct kernel *k);
void kernel_nh_event(struct kernel *k, const struct nlmsghdr *h);
/* The destination whose group this is; 0 for a stranger's. */
uint32_t kernel_nh_dest(const struct kernel *k, uint32_t group);
/* The nexthops of the set's members; how many. Less where the kernel took none for a VTEP. */
unsigned kernel_nh_members(const struct kernel *k, const struct dp_set *set, uint32_t members[DP_SET_MAX]);
/* Reports those that are missing in the kernel, or differ. */
void kernel_nh_audit(struct kernel *k, struct dp_audit *a);
/* Gives the destination its ids: of nexthop and group, or, for a set, of the group alone. */
void kernel_nh_take(struct kernel *k, uint32_t dest, struct dp_dest *d);
void kernel_nh_release(struct kernel *k, struct dp_dest *d);

/* ---- kernel_host.c ---------------------------------------------------------------------------------------------- */

/* Whether a program listens in this network namespace that aborts at a nexthop of FDB rows. */
bool kernel_host_minds_nexthops(void);
/* Whether iptables sees what bridges forward, and may drop it. */
bool kernel_host_filters_bridges(void);

/* ---- kernel_traffic.c ------------------------------------------------------------------------------------------- */

/* For struct dp_ops. */
bool kernel_next_traffic(void *be, struct dp_cursor *c, struct dp_traffic *out);

/* ---- kernel_snoop.c --------------------------------------------------------------------------------------------- */

/* Listens to those ports that are to be listened to now. */
void kernel_snoop_update(struct kernel *k);
/* Before the link goes. */
void kernel_snoop_close(struct klink *l);
/* Closes one that is not used any more; true when there are others. */
bool kernel_snoop_bury(struct kernel *k);
bool kernel_snoop_listens(const struct kernel *k, unsigned ifindex, struct mac *own);
/* ifindex 0: to every VTEP of the flood list. */
bool kernel_snoop_send(struct kernel *k, const struct kvni *v, unsigned ifindex, const uint8_t *frame, size_t len);
void kernel_snoop_free(struct kernel *k);

/* ---- kernel_hold.c --------------------------------------------------------------------------------------------- */

/* Makes or ends the port for frames that wait, as the VNI should have one or not; br NULL: no bridge. */
void kernel_hold_check(struct kernel *k, struct kvni *v, const struct klink *br);
void kernel_hold_close(struct kvni *v);
/* Closes one that is not needed any more; false when there was none. */
bool kernel_hold_bury(struct kernel *k);
/* The MAC has its row now. */
void kernel_hold_placed(struct kernel *k, struct kvni *v, const struct mac *mac);

/* ---- kernel_renew.c -------------------------------------------------------------------------------------------- */

/* VNIs with rows on demand have come, changed or gone. */
void kernel_renew_arm(struct kernel *k);

/* ---- kernel_write.c --------------------------------------------------------------------------------------------- */

/* Hands one batch to the writer; false when there was nothing to do, or the writer has as much as it may have. */
bool kernel_write(struct kernel *k);
/* Takes the results that have come back from the writer. */
void kernel_write_results(struct kernel *k);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A dataplane backend without a kernel: tables with the kernel's habits (a write takes a MAC from whatever port it sits
 * on, a move between ports is one event, events queue up while nobody reads) that tests change by hand. The tables
 * outlive the struct dp, so a restart can be played.
 *
 *	struct fakedp *f = fakedp_new();
 *	struct dp *d = dp_new(fakedp_ops(f), NULL, &log, &events);
 *	dp_vni_add(d, ...); dp_want(d, ...);
 *	fakedp_settle(d);                           reads events, writes rows until nothing is left to do
 *	fakedp_fdb(f, 100, &mac) -> what is there
 */
#ifndef TESTS_FAKEDP_H
#define TESTS_FAKEDP_H

#include "dataplane/backend.h"

struct fakedp;

enum fakedp_hand {
	FAKEDP_KERNEL,    /* learned, resolved */
	FAKEDP_US,
	FAKEDP_STATIC,    /* by hand: static FDB row, permanent neighbour */
	FAKEDP_EXTERN,    /* another program's extern_learn */
	FAKEDP_OWN        /* a port's own address */
};

struct fakedp_row {
	bool there;
	enum fakedp_hand hand;
	unsigned ifindex; /* bridge row: 0 = the vxlan port */
	struct ip vtep;   /* vxlan row */
	uint32_t set;     /* vxlan row: or an object of several VTEPs */
	uint32_t label;
	struct mac mac;   /* neighbour */
	uint8_t flags;
	bool was_ours;    /* before another hand wrote it */
};

struct fakedp *fakedp_new(void);
void fakedp_free(struct fakedp *f);
const struct dp_ops *fakedp_ops(struct fakedp *f);
/* dp_flush() until there is nothing more. */
void fakedp_settle(struct dp *d);

/* Devices: there from the start. NULL problem: usable. */
void fakedp_devices(struct fakedp *f, uint32_t vni, bool present, const char *problem);
/* They were made by an evpnd: while none runs nobody else writes there. */
void fakedp_devices_made(struct fakedp *f, uint32_t vni);

/* ---- a hand in the tables; an event is queued for each -------------------------------------------------------- */

/* The MAC shows up on a port (ifindex > 0), wherever it was; with FAKEDP_STATIC and so on by another hand. */
void fakedp_learn(struct fakedp *f, uint32_t vni, const struct mac *mac, unsigned ifindex, enum fakedp_hand hand);
void fakedp_forget(struct fakedp *f, uint32_t vni, const struct mac *mac); /* ages, or someone deletes its bridge row */
void fakedp_neigh_set(struct fakedp *f, uint32_t vni, const struct ip *ip, const struct mac *mac, enum fakedp_hand hand,
		      uint8_t flags);
void fakedp_neigh_del(struct fakedp *f, uint32_t vni, const struct ip *ip);
/* vxlan rows by another hand; the zero MAC is flooding. */
void fakedp_vxlan_set(struct fakedp *f, uint32_t vni, const struct mac *mac, const struct ip *vtep);
/* The kernel learns from the tunnel, in place of what it has learned before. */
void fakedp_tunnel(struct fakedp *f, uint32_t vni, const struct mac *mac, const struct ip *vtep);
void fakedp_vxlan_del(struct fakedp *f, uint32_t vni, const struct mac *mac, const struct ip *vtep);
/* The object of a VTEP goes, and silently every vxlan row that points at it. */
void fakedp_dest_del(struct fakedp *f, const struct ip *vtep);
/* The same of the object of several VTEPs that the MAC's row points at. */
void fakedp_set_del(struct fakedp *f, uint32_t vni, const struct mac *mac);
/* The queue of events overran: those not read yet are lost. */
void fakedp_overrun(struct fakedp *f);
/* The vxlan row of a MAC vanishes without an event. */
void fakedp_lose(struct fakedp *f, uint32_t vni, const struct mac *mac);
/*
 * From now on operations are carried out some while after they are pulled and said to be done some while after that, as
 * by the kernel's writer; seed decides, also whether events tell of what is put so.
 */
void fakedp_late(struct fakedp *f, uint64_t seed);
/* Rows that it deletes are told of from now on, as by the kernel. */
void fakedp_tell_ends(struct fakedp *f);
/*
 * From now on tables count as too large to be read when a VNI is added; seed decides when
 * the rest of one is, 0: as soon as something waits for it.
 */
void fakedp_shy(struct fakedp *f, uint64_t seed);
/* Carries out one operation that a test pulled itself: 0 or -errno. */
int fakedp_carry_out(struct fakedp *f, struct dp_op *op);
/* The next n operations are refused with -err. */
void fakedp_refuse(struct fakedp *f, int err, unsigned n);

/* ---- looking ---------------------------------------------------------------------------------------------------- */

struct fakedp_row fakedp_bridge(const struct fakedp *f, uint32_t vni, const struct mac *mac);
struct fakedp_row fakedp_vxlan(const struct fakedp *f, uint32_t vni, const struct mac *mac);
struct fakedp_row fakedp_flood(const struct fakedp *f, uint32_t vni, const struct ip *vtep);
struct fakedp_row fakedp_neigh(const struct fakedp *f, uint32_t vni, const struct ip *ip);
/* The VTEP frames to this MAC go to; none when bridge and vxlan row do not both lead there. */
struct ip fakedp_fdb(const struct fakedp *f, uint32_t vni, const struct mac *mac);
/* Where frames to this MAC may go, in order of address; how many. */
unsigned fakedp_vteps(const struct fakedp *f, uint32_t vni, const struct mac *mac, struct ip out[DP_SET_MAX]);
unsigned fakedp_sets(const struct fakedp *f);
unsigned fakedp_rows(const struct fakedp *f, uint32_t vni, enum fakedp_hand hand);
/* MACs of ours with both rows. */
unsigned fakedp_macs(const struct fakedp *f, uint32_t vni);
unsigned fakedp_dests(const struct fakedp *f);
unsigned fakedp_writes(const struct fakedp *f);
/* Writes that changed or removed what was another hand's or a port's own: must stay 0. */
unsigned fakedp_trampled(const struct fakedp *f);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The load as BGP messages: EVPN Type 2 routes, spread over VTEPs and VNIs, UPDATEs packed full by attribute set. */
#ifndef BENCH_LOADMSG_H
#define BENCH_LOADMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load {
	uint32_t routes, vteps, vnis;
	uint32_t first_vni;
	uint32_t rt_as;   /* AS of the route targets: 65001 */
	uint32_t as_path; /* 0: iBGP, empty path and LOCAL_PREF 100; else this AS in the path */
	bool with_ip;     /* MAC + IPv4, else MAC only */
	bool imet;        /* neither: a Type 3 route of each VTEP in each VNI, routes = vteps * vnis */
	uint32_t med;     /* 0: none; another value makes every route another set */
	uint32_t per_update; /* routes in an UPDATE at most; 0: as many as fit */
};

struct bytes {
	uint8_t *p;
	size_t len, cap;
};

/* All routes of the load, or their withdrawals, appended to out (the caller frees out->p). */
void load_announce(const struct load *l, struct bytes *out);
void load_withdraw(const struct load *l, struct bytes *out);
/*
 * As many routes as an UPDATE takes are withdrawn and announced again, each time with the
 * next MED; then the next ones.
 */
void load_flap(const struct load *l, uint32_t times, struct bytes *out);
/* One OPEN (4-octet AS, route refresh, 25/70) or KEEPALIVE. */
void load_open(struct bytes *out, uint32_t asn, uint32_t router_id, uint16_t hold_time);
void load_keepalive(struct bytes *out);

#endif

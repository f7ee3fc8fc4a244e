/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Flood lists (RFC 7432 11, RFC 8365 9): the Type 3 routes of an EVI, and one dataplane row for each endpoint that they
 * name. Several routes may name one endpoint (an EVI that imports the targets of two).
 */
#ifndef EVPN_FLOOD_H
#define EVPN_FLOOD_H

#include "base/htab.h"
#include "base/slab.h"
#include "evpn/evi.h"

struct flood {
	uint32_t chain;
	uint32_t next, prev; /* of its EVI */
	uint32_t import;
	uint32_t originator; /* VTEP handle */
	uint16_t evi;
	uint8_t rd[8];
};

struct flood_table {
	struct slab slab;
	struct htab index; /* by EVI and endpoint */
};

void flood_table_init(struct evpn *e);
void flood_table_fini(struct evpn *e);
void flood_route_set(struct evpn *e, struct evi *evi, const uint8_t rd[8], const struct ip *originator,
		     uint32_t import);
/* import: what the route had, since it names the endpoint; referenced by the caller. */
void flood_route_del(struct evpn *e, struct evi *evi, const uint8_t rd[8], const struct ip *originator,
		     uint32_t import);
/* Drops all of an EVI. */
void flood_clear(struct evpn *e, struct evi *evi);
/* Of the routes that name the same endpoint as f, is it the one that makes the row? */
bool flood_is_row(const struct evpn *e, const struct flood *f);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * MAC limits of VNIs and ports: how many MACs that a port of ours has learned are advertised. One above a limit
 * waits: its entry says so (MAC_OVER), nothing of it is advertised, and a second after there is room it is let in.
 * What was set by hand counts for nothing and is never held back; what the dataplane forwards is its own affair.
 */
#ifndef EVPN_LIMIT_H
#define EVPN_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/timerq.h"
#include "include/config.h"

struct evi;
struct evpn;
struct mac_entry;

struct limit_count {
	uint32_t limit; /* 0: none */
	uint32_t learned, over;
	bool reached; /* said so, and not yet that there is room again */
};

struct limit_port { /* one that MACs are counted of */
	unsigned ifindex;
	struct limit_count c;
};

struct limits { /* of a VNI */
	struct limit_count vni;
	struct config_port *named; /* with a limit of their own; name and mac_limit count */
	size_t n_named;
	struct limit_port *ports; /* sorted */
	size_t n_ports, cap_ports;
};

struct limit_table { /* of a speaker */
	struct timerq_node timer;
	uint32_t at; /* MAC that the walk has come to */
	bool again;  /* there has been more room since it began */
};

void limit_table_init(struct evpn *e);
void limit_table_fini(struct evpn *e);
void limits_init(struct limits *l, const struct config_vni *c);
void limits_fini(struct limits *l);

/* m, learned on that port, would be one too many, unless it counts there already. */
bool limit_refuses(const struct evpn *e, const struct evi *evi, const struct mac_entry *m, unsigned ifindex);
/* It has become one that waits, or has ceased to; m->ifindex is the port. */
void limit_hold(struct evpn *e, struct evi *evi, struct mac_entry *m);
void limit_release(struct evpn *e, struct evi *evi, struct mac_entry *m);
/* An entry was one of the advertised ones, or not, and is now. */
void limit_count(struct evpn *e, struct evi *evi, const struct mac_entry *was, const struct mac_entry *is);

#endif

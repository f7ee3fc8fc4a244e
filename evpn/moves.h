/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * How often MACs and addresses have moved lately, and which of them are duplicates for it (RFC
 * 7432 15.1, RFC 9161 3.7). The first move opens a window; with the one that is too many in it
 * the thing is frozen, until its time of recovery is over, an operator clears it, or its table
 * says that it has one place only. What frozen means is the tables' (mac.c, neigh.c). An entry
 * lives as long as its window or its freeze, so what never moves costs nothing here.
 */
#ifndef EVPN_MOVES_H
#define EVPN_MOVES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/htab.h"
#include "base/slab.h"
#include "base/timerq.h"

struct evi;
struct evpn;

struct moves_key { /* a MAC or an address of an EVI */
	uint16_t evi;
	uint8_t len; /* 6, or 4 or 16 */
	uint8_t b[16];
};

struct moves {
	struct timerq_node end; /* of the window, or of the freeze */
	struct evpn *e;
	struct mtime since; /* the first move of the window; when frozen, the last one */
	uint32_t chain;
	uint32_t n;
	struct moves_key key;
	bool frozen;
};

struct moves_table {
	struct slab slab;
	struct htab index;
	uint32_t n_frozen;
};

void moves_table_init(struct evpn *e);
void moves_table_fini(struct evpn *e);

struct moves_key moves_key_mac(const struct evi *evi, const struct mac *mac);
struct moves_key moves_key_ip(const struct evi *evi, const struct ip *ip);

/* NULL when it has not moved lately. */
const struct moves *moves_find(const struct evpn *e, const struct moves_key *k);
/*
 * It has moved. opens: this may be the first move of a window (RFC 7432 15.1: one that
 * was seen by local learning). True when that was one too many: it is frozen from now on.
 */
bool moves_add(struct evpn *e, const struct moves_key *k, bool opens);
bool moves_frozen(const struct evpn *e, const struct moves_key *k);
/* Not frozen any more, and no move counts. */
void moves_drop(struct evpn *e, const struct moves_key *k);
/* The end of a freeze before its time, as an operator wishes it: tells the table. Other windows end without a word. */
void moves_thaw(struct evpn *e, uint32_t h);
/* Forgets all of an EVI that is about to go. */
void moves_clear(struct evpn *e, const struct evi *evi);

#endif

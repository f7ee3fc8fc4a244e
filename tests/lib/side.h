/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The outbound side of a table with a few peers: routes come from one, the others pull,
 * and what each got is counted. Keys are numbers, sets are named by their community.
 */
#ifndef TESTS_LIB_SIDE_H
#define TESTS_LIB_SIDE_H

#include "bgp/rib.h"

#define SIDE_PEERS 5
#define SIDE_KEY_OCTETS 24
#define SIDE_KEYS 200000

struct sink {
	struct rib_peer peer;
	unsigned woken;
	uint32_t announced, withdrawn, messages, end_of_ribs; /* since the last side_pull_all() began */
	uint32_t before_eor;                                  /* announced before End-of-RIB */
};

struct side {
	struct attrset_table *sets;
	struct rib *rib;
	struct sink sinks[SIDE_PEERS];
	unsigned work;
	uint16_t max_message; /* of who attaches, 0: 4,096 */
	uint32_t last[SIDE_KEYS]; /* the community last announced to sink 1, 0: withdrawn */
};

/* The first so many peers are attached. */
struct side *side_new(int attached);
/* Fails when a set is left. */
void side_free(struct side *s);
void side_attach(struct side *s, int p);
void side_key(uint32_t n, uint8_t key[SIDE_KEY_OCTETS]);
void side_announce(struct side *s, int p, uint32_t n, uint32_t community);
/* Fails when there is no such route. */
void side_withdraw(struct side *s, int p, uint32_t n);
/* One pull; octets. */
size_t side_pull(struct side *s, int p, size_t cap);
/* Until nothing is due; counts from 0. */
void side_pull_all(struct side *s, int p);
void side_assert_pulled(const struct side *s, int p, uint32_t announced, uint32_t withdrawn, uint32_t messages);
/* Messages that n NLRIs of 1 + 24 + 1 octets need with the attributes of such a set, with 1 + 24 withdrawn. */
uint32_t side_messages_for(uint32_t n);
uint32_t side_withdrawals_for(uint32_t n);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Routes of the test family (testfamily.h) at an engine: originating them by name, and a listener that counts. */
#ifndef TESTS_LIB_TESTROUTES_H
#define TESTS_LIB_TESTROUTES_H

#include "tests/lib/testfamily.h"

/* What a listener has seen; give &seen->listener to bgp_family_register(). */
struct routes_seen {
	struct bgp_listener listener;
	unsigned changes, ends, ups, downs, sets_gone;
	uint32_t best; /* keys with a best path now */
};
void routes_listen(struct routes_seen *seen);

/* Key with next hop 198.51.100.N and the community N, so that different n give different sets. */
void routes_originate(struct bgp *b, const char *key, unsigned n, struct mtime now);
void routes_withdraw(struct bgp *b, const char *key, struct mtime now);

#endif

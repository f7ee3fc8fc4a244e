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
	uint32_t best, best_most; /* keys with a best path now, and at most so far */
	/* Each of them is so many rows of a table here, which take so many octets each. Counted when rows is set. */
	uint32_t rows, row_octets;
	struct bgp *bgp;
};
void routes_listen(struct routes_seen *seen);
/* From now on, for b. */
void routes_make_rows(struct routes_seen *seen, struct bgp *b, uint32_t rows, uint32_t row_octets);

/* Key with next hop 198.51.100.N and the community N, so that different n give different sets. */
void routes_originate(struct bgp *b, const char *key, unsigned n, struct mtime now);
void routes_withdraw(struct bgp *b, const char *key, struct mtime now);

#endif

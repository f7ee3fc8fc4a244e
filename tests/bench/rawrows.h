/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The limit of the kernel's tables: a loop that writes the rows of the load as evpnd does
 * (one message for bridge and vxlan row, nexthop groups, batches, one acknowledgement a
 * batch) and listens to the same events through the same filter, and knows nothing of rows.
 */
#ifndef BENCH_RAWROWS_H
#define BENCH_RAWROWS_H

#include <stdbool.h>

#include "dataplane/kernel_sock.h"

struct rawrows {
	struct ksock sock, listener;
	unsigned vxlan, bridge; /* ifindex */
	uint32_t rows, vteps;
	bool neigh; /* a neighbour for each MAC, too */
};

/* Opens sockets, writes nexthops 198.18.0.1 ... as a load of so many VTEPs has them. Ends the program on failure. */
void rawrows_open(struct rawrows *r, const char *vxlan, const char *bridge);
/* All rows, in or out; returns when the last is. */
void rawrows_write(struct rawrows *r, bool add);
void rawrows_close(struct rawrows *r);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The userspace VTEP's forwarding table alone: random MACs looked up in one of 1,000 and one of
 * 1,000,000, as a batch of frames does it, and what an entry takes. Prints JSON; bench_fdb [ENTRIES].
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "dataplane/vtep/fdb.h"
#include "tests/bench/nlwatch.h"

#define SMALL 1000u
#define BATCH 64u /* RX_SLOTS */
#define LOOKUPS 4000000u
#define ROUNDS 7u

static void free_table(void *ctx, void *table)
{
	free(table);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fill(struct rmap *m, uint32_t n)
{
	static uint64_t place[8]; /* something to point at, aligned to 8 octets */

	rmap_init(m, 0x5a17c0de5a17c0de, free_table, NULL);
	for (uint32_t i = 0; i < n; i++) {
		struct mac mac = load_mac(i);

		rmap_set(m, fdb_key(&mac), fdb_word((struct fdb_entry){ .to = place, .kind = FDB_REMOTE }));
	}
}

/* ns a lookup: keys are announced as a batch is looked over, then looked up. */
static double lookups(const struct rmap *m, const uint64_t *keys)
{
	double start = now();
	uint64_t found = 0;

	for (uint32_t i = 0; i < LOOKUPS; i += BATCH) {
		for (uint32_t k = 0; k < BATCH; k++)
			rmap_prefetch(m, keys[i + k]);
		for (uint32_t k = 0; k < BATCH; k++)
			found += fdb_get(m, keys[i + k]).kind == FDB_REMOTE;
	}
	BUG_ON(found != LOOKUPS);
	return (now() - start) / LOOKUPS * 1e9;
}

static double best(const struct rmap *m, uint32_t n)
{
	uint64_t *keys = xcalloc(LOOKUPS, sizeof(*keys)), x = 1;
	double ns = 1e9;

	for (uint32_t i = 0; i < LOOKUPS; i++) {
		struct mac mac;

		x = x * 6364136223846793005u + 1442695040888963407u;
		mac = load_mac((uint32_t)((x >> 33) % n));
		keys[i] = fdb_key(&mac);
	}
	for (uint32_t r = 0; r < ROUNDS; r++) {
		double t = lookups(m, keys);

		ns = t < ns ? t : ns;
	}
	free(keys);
	return ns;
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
	struct rmap small, large;
	double a, b;

	fill(&small, SMALL);
	fill(&large, n);
	a = best(&small, SMALL);
	b = best(&large, n);
	printf("{\"entries\": %u, \"small_ns\": %.2f, \"large_ns\": %.2f, \"ratio\": %.2f, \"octets_entry\": %.1f}\n",
	       n, a, b, b / a, (double)rmap_bytes(&large) / n);
	rmap_fini(&small);
	rmap_fini(&large);
	return 0;
}

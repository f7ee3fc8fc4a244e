/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Groups whose peers get what they ask for by route target (RFC 4684): for rib.c, out.c and
 * out_list.c. See out_filter.c for which routes these are, out_sparse.c for where their entries lie.
 */
#ifndef BGP_OUT_FILTER_H
#define BGP_OUT_FILTER_H

#include "bgp/out_int.h"

struct filter_target;

/* ---- out_sparse.c ------------------------------------------------------------------------------------------------ */

struct out_sparse {
	struct slab entries;
	struct hidx index; /* by route and group */
	struct slab waiting;
	struct hidx waiting_index; /* by route: how many groups have it withdrawn and some peer waits for that */
};

void out_sparse_init(struct out_sparse *s, struct pages *pages);
void out_sparse_fini(struct out_sparse *s);
size_t out_sparse_bytes(const struct out_sparse *s);
/* A zeroed one; there is none yet. */
struct out_entry *out_sparse_new(struct out_group *g, uint32_t h);
void out_sparse_drop(struct out_group *g, uint32_t h);
/* The entry stays without being live, or is live again. */
void out_sparse_withdrawn(struct out_group *g, struct out_entry *e, bool withdrawn);
/* Has any group an entry for this route that is not live? */
bool out_sparse_waits(const struct out_sparse *s, uint32_t h);

/* ---- out_filter.c ------------------------------------------------------------------------------------------------ */

struct out_filter {
	struct filter_target *targets; /* by target: which groups ask for it */
	uint32_t lengths[65];          /* targets by their bits */
	struct list sweeping;          /* struct out_group */
	uint64_t stamp;                /* of the last look-up */
	struct out_group **found;      /* by it */
	uint32_t n_found, cap_found;
	struct out_sparse sparse;
};

void out_filter_new(struct rib *r);
void out_filter_free(struct rib *r);
/* As out_best_changed(), for the filtered groups. */
void out_filter_best_changed(struct rib *r, uint32_t h, struct rib_path old);
/* As out_rank_changed(). */
void out_filter_rank_changed(struct rib *r, uint32_t h);
/* Asks the group for what the peer asks for? */
bool out_filter_is(const struct out_group *g, const struct rib_peer *p);
/* A new group for peers that ask for what this one does. */
void out_filter_group_init(struct out_group *g, const struct rib_peer *p);
void out_filter_group_fini(struct out_group *g);
/* Brings at most n routes and sets up to date; how many of n are left. */
uint32_t out_filter_sweep(struct out_group *g, uint32_t n);
size_t out_filter_bytes(const struct rib *r);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The decision: which of the paths of one key is best. The steps have the order of RFC 4271 9.1.2.2 with RFC 4456 9 for
 * reflected paths; a family's own steps come first (EVPN: MAC mobility). Paths that cannot be used never come here.
 *
 *	 0  what is not long-lived stale                         9494 4.3
 *	 1  the family's preference
 *	 2  highest LOCAL_PREF (4271 9.1.1; 100 when absent)
 *	 3  shortest AS_PATH                                     (a)
 *	 4  lowest ORIGIN                                        (b)
 *	 5  lowest MED among paths of one neighbour AS           (c)
 *	 6  originated here before eBGP before iBGP              (d)
 *	 7  lowest cost to the next hop: all alike, the underlay is not ours  (e)
 *	 8  lowest BGP Identifier, ORIGINATOR_ID in its place    (f), 4456 9
 *	 9  shortest CLUSTER_LIST                                4456 9
 *	10  lowest peer address                                  (g)
 *	11  lowest path identifier (RFC 7911; of one peer's paths)
 *
 * Step 5 compares some pairs and others not, so taken pair by pair the steps are not an order: the winner would depend
 * on who is compared first. Here it is a filter over all paths that are equal up to step 4, as the RFC's pseudocode is.
 */
#include "bgp/attr.h"
#include "bgp/rib.h"

#define DEFAULT_LOCAL_PREF 100u

/* In their order. */
enum step {
	STEP_NONE,
	STEP_STALE,
	STEP_FAMILY,
	STEP_LOCAL_PREF,
	STEP_AS_PATH,
	STEP_ORIGIN,
	STEP_MED,
	STEP_SOURCE,
	STEP_ROUTER_ID,
	STEP_CLUSTER_LIST,
	STEP_PEER_ADDRESS,
	STEP_PATH_ID,
};

static const char *const step_names[] = {
	[STEP_NONE] = NULL,
	[STEP_STALE] = "long-lived-stale",
	[STEP_FAMILY] = "family-preference",
	[STEP_LOCAL_PREF] = "local-pref",
	[STEP_AS_PATH] = "as-path-length",
	[STEP_ORIGIN] = "origin",
	[STEP_MED] = "med",
	[STEP_SOURCE] = "source",
	[STEP_ROUTER_ID] = "router-id",
	[STEP_CLUSTER_LIST] = "cluster-list-length",
	[STEP_PEER_ADDRESS] = "peer-address",
	[STEP_PATH_ID] = "path-id",
};

struct decide_key {
	const struct bgp_family *family;
	const uint8_t *octets;
	size_t len;
};

/* The sign of a comparison in which the lower value is better: > 0 when a is. */
static int lower(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static uint32_t local_pref(const struct decide_path *p)
{
	return p->attrs->has_local_pref ? p->attrs->local_pref : DEFAULT_LOCAL_PREF;
}

static bool is_last_resort(const struct decide_path *p)
{
	return p->attrs->communities_len && bgp_has_community(p->attrs, BGP_LLGR_STALE);
}

/* A path from a non-client is for clients only (RFC 4456 6), others are for everybody. */
static bool is_for_all(const struct decide_path *p)
{
	return !p->peer || p->peer->ebgp || p->peer->rr_client;
}

/*
 * Of memberships one that is for all comes first: RFC 4684 3.2 sends non-clients the path
 * of a client when the best one is a non-client's, and to clients all are alike.
 */
static int by_family(const struct decide_key *k, const struct decide_path *a, const struct decide_path *b)
{
	if (k->family->membership)
		return is_for_all(a) - is_for_all(b);
	return k->family->prefer ? k->family->prefer(a->attrs, !a->peer, b->attrs, !b->peer, k->octets, k->len) : 0;
}

/* Steps 0 to 4: an order. > 0 when a is better; *step says where they differed. */
static int before_med(const struct decide_key *k, const struct decide_path *a, const struct decide_path *b,
		      enum step *step)
{
	int c;

	*step = STEP_STALE;
	if ((c = lower(is_last_resort(a), is_last_resort(b))))
		return c;
	*step = STEP_FAMILY;
	if ((c = by_family(k, a, b)))
		return c;
	*step = STEP_LOCAL_PREF;
	if ((c = lower(local_pref(b), local_pref(a))))
		return c;
	*step = STEP_AS_PATH;
	if ((c = lower(a->attrs->as_path_hops, b->attrs->as_path_hops)))
		return c;
	*step = STEP_ORIGIN;
	return lower(a->attrs->origin, b->attrs->origin);
}

/* RFC 4271 9.1.2.2 (c): an absent MED is the lowest. */
static uint32_t med(const struct decide_path *p)
{
	return p->attrs->has_med ? p->attrs->med : 0;
}

/* Step 5. */
static int by_med(const struct decide_path *a, const struct decide_path *b)
{
	return a->attrs->neighbor_as == b->attrs->neighbor_as ? lower(med(a), med(b)) : 0;
}

static unsigned source_rank(const struct decide_path *p)
{
	return !p->peer ? 0 : p->peer->ebgp ? 1 : 2;
}

static uint32_t router_id(const struct decide_path *p)
{
	if (p->attrs->has_originator_id)
		return p->attrs->originator_id;
	return p->peer ? p->peer->router_id : 0;
}

/* Steps 6 to 11: an order. */
static int after_med(const struct decide_path *a, const struct decide_path *b, enum step *step)
{
	int c;

	*step = STEP_SOURCE;
	if ((c = lower(source_rank(a), source_rank(b))))
		return c;
	*step = STEP_ROUTER_ID;
	if ((c = lower(router_id(a), router_id(b))))
		return c;
	*step = STEP_CLUSTER_LIST;
	if ((c = lower(a->attrs->cluster_list_len, b->attrs->cluster_list_len)))
		return c;
	*step = STEP_PEER_ADDRESS;
	if (a->peer && b->peer && (c = ip_cmp(&b->peer->address, &a->peer->address)))
		return c;
	*step = STEP_PATH_ID;
	return lower(a->path_id, b->path_id);
}

/* Step 5 for p: is one of those that are as good as top up to step 4 better by its MED? */
static bool loses_by_med(const struct decide_key *k, const struct decide_path *paths, size_t n,
			 const struct decide_path *top, const struct decide_path *p)
{
	enum step step;

	for (size_t j = 0; med(p) && j < n; j++) {
		if (by_med(&paths[j], p) > 0 && before_med(k, &paths[j], top, &step) == 0)
			return true;
	}
	return false;
}

static size_t best_of(const struct decide_key *k, const struct decide_path *paths, size_t n)
{
	size_t top = 0, best = n;
	enum step step;

	for (size_t i = 1; i < n; i++) {
		if (before_med(k, &paths[i], &paths[top], &step) > 0)
			top = i;
	}
	for (size_t i = 0; i < n; i++) {
		if (before_med(k, &paths[i], &paths[top], &step) < 0 ||
		    loses_by_med(k, paths, n, &paths[top], &paths[i]))
			continue;
		if (best == n || after_med(&paths[i], &paths[best], &step) > 0)
			best = i;
	}
	return best;
}

size_t decide_best(const struct bgp_family *f, const uint8_t *key, size_t key_len, const struct decide_path *paths,
		   size_t n)
{
	const struct decide_key k = { f, key, key_len };

	return best_of(&k, paths, n);
}

/* The step at which p falls behind the best path. */
static enum step lost_at(const struct decide_key *k, const struct decide_path *paths, size_t n,
			 const struct decide_path *best, const struct decide_path *p)
{
	enum step step;

	if (before_med(k, p, best, &step) != 0)
		return step;
	if (loses_by_med(k, paths, n, best, p))
		return STEP_MED;
	return after_med(p, best, &step) != 0 ? step : STEP_NONE;
}

const char *decide_step(const struct bgp_family *f, const uint8_t *key, size_t key_len, const struct decide_path *paths,
			size_t n, size_t i)
{
	const struct decide_key k = { f, key, key_len };
	const size_t best = best_of(&k, paths, n);
	enum step last = STEP_NONE;

	if (i != best)
		return step_names[lost_at(&k, paths, n, &paths[best], &paths[i])];
	for (size_t j = 0; j < n; j++) {
		enum step step = j == best ? STEP_NONE : lost_at(&k, paths, n, &paths[best], &paths[j]);

		last = step > last ? step : last;
	}
	return step_names[last];
}

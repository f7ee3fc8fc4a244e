/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* bgp/decide.c: every step, the MED trap, and random paths against a slow and obvious reading of the RFC. */
#include "tests/lib/test.h"

#include <stdbool.h>
#include <string.h>

#include "bgp/rib.h"
#include "tests/lib/rng.h"
#include "tests/lib/testfamily.h"

static const uint8_t key[20] = { 1 };

struct path {
	struct bgp_attrs attrs;
	struct rib_peer peer;
	bool local;
};

/* Two paths that differ in nothing but what the caller changes. */
static struct path like_any_other(void)
{
	return (struct path){
		.attrs = { .has_local_pref = true, .local_pref = 100, .origin = BGP_ORIGIN_EGP, .as_path_hops = 2,
			   .neighbor_as = 65001, .has_med = true, .med = 10, .cluster_list_len = 8 },
		.peer = { .asn = 65000, .router_id = 20, .address = { 4, { 192, 0, 2, 9 } } },
	};
}

static struct decide_path as_decided(const struct path *p)
{
	return (struct decide_path){ &p->attrs, p->local ? NULL : &p->peer };
}

/* a wins in either order, by that step. */
static void assert_wins(const struct path *a, const struct path *b, const char *step)
{
	struct decide_path ab[] = { as_decided(a), as_decided(b) }, ba[] = { ab[1], ab[0] };

	assert_int_equal(decide_best(&test_family, key, sizeof(key), ab, 2), 0);
	assert_int_equal(decide_best(&test_family, key, sizeof(key), ba, 2), 1);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(decide_step(&test_family, key, sizeof(key), ab, 2, i), step);
		assert_string_equal(decide_step(&test_family, key, sizeof(key), ba, 2, i), step);
	}
}

static void decide_one_path_is_best(void **state)
{
	struct path a = like_any_other();
	struct decide_path p = as_decided(&a);

	assert_int_equal(decide_best(&test_family, key, sizeof(key), &p, 1), 0);
	assert_null(decide_step(&test_family, key, sizeof(key), &p, 1, 0));
}

static void decide_family_preference_comes_first(void **state)
{
	static const uint8_t high = 1;
	struct path a = like_any_other(), b = a;

	a.attrs.shared = &high;
	a.attrs.shared_len = 1;
	b.attrs.local_pref = 1000;
	assert_wins(&a, &b, "family-preference");
}

static void decide_higher_local_pref(void **state)
{
	struct path a = like_any_other(), b = a;

	a.attrs.local_pref = 101;
	a.attrs.as_path_hops = 9;
	assert_wins(&a, &b, "local-pref");
}

static void decide_absent_local_pref_is_100(void **state)
{
	struct path a = like_any_other(), b = a;

	a.attrs.has_local_pref = false;
	b.attrs.local_pref = 99;
	assert_wins(&a, &b, "local-pref");
	b.attrs.local_pref = 101;
	assert_wins(&b, &a, "local-pref");
}

static void decide_shorter_as_path(void **state)
{
	struct path a = like_any_other(), b = a;

	b.attrs.as_path_hops = 3;
	a.attrs.origin = BGP_ORIGIN_INCOMPLETE;
	assert_wins(&a, &b, "as-path-length");
}

static void decide_lower_origin(void **state)
{
	struct path a = like_any_other(), b = a;

	a.attrs.origin = BGP_ORIGIN_IGP;
	a.attrs.med = 11;
	assert_wins(&a, &b, "origin");
}

static void decide_lower_med_of_one_neighbour_as(void **state)
{
	struct path a = like_any_other(), b = a;

	a.attrs.med = 9;
	b.peer.ebgp = true;
	assert_wins(&a, &b, "med");
}

static void decide_absent_med_is_lowest(void **state)
{
	struct path a = like_any_other(), b = a;

	a.attrs.has_med = false;
	b.attrs.med = 1;
	b.peer.ebgp = true;
	assert_wins(&a, &b, "med");
}

static void decide_med_of_two_neighbour_as_is_not_compared(void **state)
{
	struct path a = like_any_other(), b = a;

	a.attrs.med = 9;
	a.attrs.neighbor_as = 65002;
	b.peer.ebgp = true;
	assert_wins(&b, &a, "source");
}

static void decide_local_over_ebgp_over_ibgp(void **state)
{
	struct path local = like_any_other(), ebgp = local, ibgp = local;

	local.local = true;
	ebgp.peer.ebgp = true;
	ibgp.peer.router_id = 1;
	assert_wins(&local, &ebgp, "source");
	assert_wins(&ebgp, &ibgp, "source");
	assert_wins(&local, &ibgp, "source");
}

static void decide_lower_router_id_or_originator(void **state)
{
	struct path a = like_any_other(), b = a;

	a.peer.router_id = 19;
	a.attrs.cluster_list_len = 12;
	assert_wins(&a, &b, "router-id");
	b.attrs.has_originator_id = true;
	b.attrs.originator_id = 18;
	assert_wins(&b, &a, "router-id");
	/* One originator through two reflectors: their own identifiers do not count. */
	a.attrs.has_originator_id = true;
	a.attrs.originator_id = 18;
	assert_wins(&b, &a, "cluster-list-length");
}

static void decide_shorter_cluster_list(void **state)
{
	struct path a = like_any_other(), b = a;

	a.attrs.cluster_list_len = 4;
	b.peer.address.b[3] = 1;
	assert_wins(&a, &b, "cluster-list-length");
}

static void decide_lower_peer_address(void **state)
{
	struct path a = like_any_other(), b = a;

	a.peer.address.b[3] = 8;
	assert_wins(&a, &b, "peer-address");
	b.peer.address = ip_from_bytes("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_wins(&a, &b, "peer-address");
}

/*
 * a beats b by router id, b beats c by router id, c beats a by MED: pair by pair each would
 * have to lose. Over the whole set a is out (MED within its AS), then b wins, in every order.
 */
static void decide_med_is_compared_over_the_whole_set(void **state)
{
	static const uint8_t orders[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	struct path p[3] = { like_any_other(), like_any_other(), like_any_other() };

	p[0].peer.router_id = 1;
	p[0].attrs.med = 20;
	p[1].peer.router_id = 2;
	p[1].attrs.neighbor_as = 65002;
	p[2].peer.router_id = 3;
	for (int o = 0; o < 6; o++) {
		struct decide_path paths[3];

		for (int i = 0; i < 3; i++)
			paths[i] = as_decided(&p[orders[o][i]]);
		assert_int_equal(orders[o][decide_best(&test_family, key, sizeof(key), paths, 3)], 1);
	}
}

/* ---- a slow model: RFC 4271 9.1.2.2 as it is written, "remove from consideration all routes that ..." ---- */

#define STEPS 9

static const char *const step_names[STEPS] = {
	"family-preference", "local-pref",          "as-path-length", "origin", "med", "source",
	"router-id",         "cluster-list-length", "peer-address"
};

/* Is the value of a better than that of b in this step? Unsigned, lower is better, by construction of the values. */
static bool step_beats(int step, const struct decide_path *a, const struct decide_path *b)
{
	const struct bgp_attrs *x = a->attrs, *y = b->attrs;

	switch (step) {
	case 0:
		return test_family.prefer(x, !a->peer, y, !b->peer, key, sizeof(key)) > 0;
	case 1:
		return (x->has_local_pref ? x->local_pref : 100) > (y->has_local_pref ? y->local_pref : 100);
	case 2:
		return x->as_path_hops < y->as_path_hops;
	case 3:
		return x->origin < y->origin;
	case 4:
		return x->neighbor_as == y->neighbor_as && (x->has_med ? x->med : 0) < (y->has_med ? y->med : 0);
	case 5:
		return (a->peer ? a->peer->ebgp ? 1 : 2 : 0) < (b->peer ? b->peer->ebgp ? 1 : 2 : 0);
	case 6:
		return (x->has_originator_id ? x->originator_id : a->peer ? a->peer->router_id : 0) <
		       (y->has_originator_id ? y->originator_id : b->peer ? b->peer->router_id : 0);
	case 7:
		return x->cluster_list_len < y->cluster_list_len;
	default:
		return a->peer && b->peer && memcmp(&a->peer->address, &b->peer->address, sizeof(struct ip)) < 0;
	}
}

/* The best path. at: the step that decides about each; the best one's is the last that removed another, NULL: none. */
static size_t model_best(const struct decide_path *paths, size_t n, const char *at[])
{
	const char *last = NULL;
	bool out[16] = { false };

	for (int step = 0; step < STEPS; step++) {
		bool beaten[16] = { false };

		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				beaten[i] |= !out[i] && !out[j] && step_beats(step, &paths[j], &paths[i]);
		for (size_t i = 0; i < n; i++) {
			out[i] |= beaten[i];
			if (beaten[i])
				at[i] = last = step_names[step];
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (out[i])
			continue;
		at[i] = last;
		return i;
	}
	fail_msg("the model has no winner");
	return 0;
}

static struct path random_path(struct rng *r, size_t i)
{
	static const uint8_t shared[] = { 0, 0, 0, 0, 0, 0, 0, 1 };
	struct path p = {
		.attrs = { .has_local_pref = rng_below(r, 2),
			   .local_pref = 99 + rng_below(r, 3),
			   .origin = (uint8_t)(rng_below(r, 8) / 7),
			   .as_path_hops = 1 + rng_below(r, 8) / 7,
			   .neighbor_as = 65001 + rng_below(r, 3),
			   .has_med = rng_below(r, 4) > 0,
			   .med = rng_below(r, 4),
			   .shared = &shared[rng_below(r, 8)],
			   .shared_len = 1,
			   .cluster_list_len = (uint16_t)(4 * rng_below(r, 3)),
			   .has_originator_id = rng_below(r, 3) == 0,
			   .originator_id = rng_below(r, 4) },
		.peer = { .ebgp = rng_below(r, 2),
			  .router_id = rng_below(r, 4),
			  .address = { 4, { 10, 0, 0, (uint8_t)i } } }, /* two peers have two addresses */
		.local = i == 0 && rng_below(r, 3) == 0,
	};

	if (rng_below(r, 2))
		p.attrs.local_pref = 100;
	return p;
}

static void decide_agrees_with_the_model(void **state)
{
	struct rng r = rng_start("decide_agrees_with_the_model");

	for (int round = 0; round < 100000; round++) {
		size_t n = 1 + rng_below(&r, 9);
		struct decide_path paths[10];
		struct path p[10];
		const char *at[10];

		for (size_t i = 0; i < n; i++) {
			p[i] = random_path(&r, i);
			paths[i] = as_decided(&p[i]);
		}
		assert_int_equal(decide_best(&test_family, key, sizeof(key), paths, n), model_best(paths, n, at));
		for (size_t i = 0; i < n; i++) {
			const char *step = decide_step(&test_family, key, sizeof(key), paths, n, i);

			assert_string_equal(step ? step : "none", at[i] ? at[i] : "none");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decide_one_path_is_best),
		cmocka_unit_test(decide_family_preference_comes_first),
		cmocka_unit_test(decide_higher_local_pref),
		cmocka_unit_test(decide_absent_local_pref_is_100),
		cmocka_unit_test(decide_shorter_as_path),
		cmocka_unit_test(decide_lower_origin),
		cmocka_unit_test(decide_lower_med_of_one_neighbour_as),
		cmocka_unit_test(decide_absent_med_is_lowest),
		cmocka_unit_test(decide_med_of_two_neighbour_as_is_not_compared),
		cmocka_unit_test(decide_local_over_ebgp_over_ibgp),
		cmocka_unit_test(decide_lower_router_id_or_originator),
		cmocka_unit_test(decide_shorter_cluster_list),
		cmocka_unit_test(decide_lower_peer_address),
		cmocka_unit_test(decide_med_is_compared_over_the_whole_set),
		cmocka_unit_test(decide_agrees_with_the_model),
	};

	return RUN_TESTS(tests);
}

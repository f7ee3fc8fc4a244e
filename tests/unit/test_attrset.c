/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* bgp/attrset.c: equal content is one set, a set goes with its last reference. */
#include "tests/lib/test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bgp/attrset.h"
#include "tests/lib/rng.h"

static const uint8_t octets[] = "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10";

/* A set in which everything is there. */
static struct bgp_attrs full(void)
{
	return (struct bgp_attrs){
		.origin = BGP_ORIGIN_EGP,
		.has_med = true,
		.med = 7,
		.has_local_pref = true,
		.local_pref = 200,
		.has_originator_id = true,
		.originator_id = 0x0a000001,
		.next_hop = ip_v4(0xc0000201),
		.as_path = octets,
		.as_path_len = 6,
		.communities = octets + 1,
		.communities_len = 4,
		.cluster_list = octets + 2,
		.cluster_list_len = 8,
		.ext_communities = octets,
		.ext_communities_len = 16,
		.pmsi = octets,
		.pmsi_len = 9,
		.large_communities = octets,
		.large_communities_len = 12,
		.others = octets + 3,
		.others_len = 5,
		.shared = octets,
		.shared_len = 13,
		.as_path_hops = 1,
		.neighbor_as = 65001,
	};
}

static void attrset_equal_content_is_one_set(void **state)
{
	struct attrset_table *t = attrset_table_new();
	struct bgp_attrs a = full(), b = full();
	uint8_t elsewhere[16];
	uint32_t h;

	memcpy(elsewhere, octets, 16);
	b.ext_communities = elsewhere;
	h = attrset_intern(t, &a);
	assert_int_not_equal(h, 0);
	assert_int_equal(attrset_intern(t, &b), h);
	assert_int_equal(attrset_count(t), 1);
	attrset_unref(t, h);
	assert_int_equal(attrset_count(t), 1);
	attrset_unref(t, h);
	assert_int_equal(attrset_count(t), 0);
	attrset_table_free(t);
}

static void attrset_holds_copies(void **state)
{
	struct attrset_table *t = attrset_table_new();
	struct bgp_attrs a = full();
	uint8_t mine[16];
	const struct bgp_attrs *held;
	uint32_t h;

	memcpy(mine, octets, 16);
	a.ext_communities = mine;
	h = attrset_intern(t, &a);
	memset(mine, 0, 16);
	held = attrset_get(t, h);
	assert_memory_equal(held->ext_communities, octets, 16);
	assert_memory_equal(held->as_path, octets, 6);
	assert_memory_equal(held->communities, octets + 1, 4);
	assert_memory_equal(held->cluster_list, octets + 2, 8);
	assert_memory_equal(held->pmsi, octets, 9);
	assert_memory_equal(held->large_communities, octets, 12);
	assert_memory_equal(held->others, octets + 3, 5);
	assert_memory_equal(held->shared, octets, 13);
	assert_int_equal(held->origin, BGP_ORIGIN_EGP);
	assert_int_equal(held->med, 7);
	assert_int_equal(held->local_pref, 200);
	assert_int_equal(held->originator_id, 0x0a000001);
	assert_int_equal(held->as_path_hops, 1);
	assert_int_equal(held->neighbor_as, 65001);
	assert_true(ip_eq(&held->next_hop, &a.next_hop));
	attrset_unref(t, h);
	attrset_table_free(t);
}

/* Each difference makes another set. */
static void attrset_differs_in_every_value(void **state)
{
	struct attrset_table *t = attrset_table_new();
	struct bgp_attrs v[40];
	uint32_t h[40];
	size_t n = 0;

	for (size_t i = 0; i < 40; i++)
		v[i] = full();
	n++;
	v[n++].origin = BGP_ORIGIN_IGP;
	v[n++].med = 8;
	v[n++].has_med = false;
	v[n].med = 0;
	v[n++].has_med = true;
	v[n++].local_pref = 201;
	v[n++].has_local_pref = false;
	v[n++].originator_id = 0;
	v[n++].has_originator_id = false;
	v[n++].next_hop = ip_v4(0xc0000202);
	v[n++].next_hop = ip_none();
	v[n++].as_path = octets + 1;
	v[n++].as_path_len = 5;
	v[n++].communities = octets;
	v[n++].communities_len = 0;
	v[n++].cluster_list = octets;
	v[n++].cluster_list_len = 4;
	v[n++].ext_communities_len = 8;
	v[n++].pmsi = octets + 1;
	v[n++].pmsi_len = 5;
	v[n++].large_communities = octets + 4;
	v[n++].large_communities_len = 0;
	v[n++].others = octets;
	v[n++].others_len = 4;
	v[n++].shared = octets + 1;
	v[n++].shared_len = 3;
	/* The same octets, cut elsewhere. */
	v[n].pmsi_len = 8;
	v[n].large_communities = octets + 8;
	v[n++].large_communities_len = 8;

	for (size_t i = 0; i < n; i++) {
		h[i] = attrset_intern(t, &v[i]);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(h[i], h[j]);
	}
	assert_int_equal(attrset_count(t), n);
	for (size_t i = 0; i < n; i++)
		attrset_unref(t, h[i]);
	assert_int_equal(attrset_count(t), 0);
	attrset_table_free(t);
}

static void attrset_absent_has_one_form(void **state)
{
	struct attrset_table *t = attrset_table_new();
	struct bgp_attrs a = { .next_hop = ip_v4(1) }, b = a;
	uint32_t h = attrset_intern(t, &a);

	b.med = 5;
	b.local_pref = 6;
	b.originator_id = 7;
	b.communities = octets;
	b.shared = octets;
	assert_int_equal(attrset_intern(t, &b), h);
	attrset_unref(t, h);
	attrset_unref(t, h);
	h = attrset_intern(t, &b);
	assert_null(attrset_get(t, h)->communities);
	assert_null(attrset_get(t, h)->shared);
	assert_int_equal(attrset_get(t, h)->med, 0);
	attrset_unref(t, h);
	attrset_table_free(t);
}

struct gone {
	unsigned times;
	uint32_t set, mark;
};

static void on_gone(void *ctx, uint32_t set, uint32_t mark)
{
	struct gone *g = ctx;

	g->times++;
	g->set = set;
	g->mark = mark;
}

static void attrset_tells_when_a_marked_set_goes(void **state)
{
	struct attrset_table *t = attrset_table_new();
	struct bgp_attrs a = full(), b = full();
	struct gone g = { 0 };
	uint32_t h, k;

	b.med = 9;
	attrset_on_gone(t, on_gone, &g);
	h = attrset_intern(t, &a);
	k = attrset_intern(t, &b);
	assert_int_equal(attrset_mark(t, h), 0);
	attrset_set_mark(t, h, 77);
	assert_int_equal(attrset_mark(t, h), 77);
	attrset_ref(t, h);
	attrset_unref(t, h);
	attrset_unref(t, k);
	assert_int_equal(g.times, 0);
	attrset_unref(t, h);
	assert_int_equal(g.times, 1);
	assert_int_equal(g.set, h);
	assert_int_equal(g.mark, 77);
	h = attrset_intern(t, &a);
	assert_int_equal(attrset_mark(t, h), 0);
	attrset_unref(t, h);
	assert_int_equal(g.times, 1);
	attrset_table_free(t);
}

/* Random sets of few values: handles are equal when and only when the content is, counts agree. */
static void attrset_follows_a_model(void **state)
{
	struct rng r = rng_start("attrset_follows_a_model");
	struct attrset_table *t = attrset_table_new();
	uint32_t handle[4 * 4 * 4 * 4] = { 0 }, refs[4 * 4 * 4 * 4] = { 0 };

	for (int step = 0; step < 100000; step++) {
		uint32_t i = rng_below(&r, 256), n = 0;
		bool out = refs[i] && rng_below(&r, 5 - step / 25000) < 2;
		struct bgp_attrs a = full();

		a.med = i & 3;
		a.communities_len = (uint16_t)(4 * (i >> 2 & 3));
		a.shared_len = (uint16_t)(i >> 4 & 3);
		a.others_len = (uint16_t)(i >> 6);
		if (out) {
			attrset_unref(t, handle[i]);
			refs[i]--;
		} else {
			uint32_t h = attrset_intern(t, &a);

			assert_true(!refs[i] || handle[i] == h);
			handle[i] = h;
			refs[i]++;
		}
		if (step % 1000)
			continue;
		for (uint32_t h = 0; (h = attrset_next(t, h));)
			n++;
		assert_int_equal(n, attrset_count(t));
		for (uint32_t j = 0; j < 256; j++)
			n -= refs[j] != 0;
		assert_int_equal(n, 0);
	}
	for (uint32_t i = 0; i < 256; i++)
		while (refs[i]--)
			attrset_unref(t, handle[i]);
	assert_int_equal(attrset_count(t), 0);
	attrset_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attrset_equal_content_is_one_set),
		cmocka_unit_test(attrset_holds_copies),
		cmocka_unit_test(attrset_differs_in_every_value),
		cmocka_unit_test(attrset_absent_has_one_form),
		cmocka_unit_test(attrset_tells_when_a_marked_set_goes),
		cmocka_unit_test(attrset_follows_a_model),
	};

	return RUN_TESTS(tests);
}

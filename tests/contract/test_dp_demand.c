/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Rows on demand, over every backend: told of when they are there, gone with their use, kept when they come
 * to be wished for always, given way to a port. How long the kernel takes to age one is test_dynamic.py's.
 */
#include "dataplane/vtep/vtep.h"
#include "tests/lib/dpbed.h"
#include "tests/lib/test.h"

static struct dp_vni_params on_demand(void)
{
	struct dp_vni_params p = bed_params();

	p.miss_macs = true;
	p.ageing = 60;
	return p;
}

static void begin(struct bed *t)
{
	struct dp_vni_params p = on_demand();

	dp_vni_del(t->d, WORLD_VNI);
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	settle(t);
}

static bool is(const struct bed *t, const char *backend)
{
	return !strcmp(dp_backend_name(t->d), backend);
}

static void it_is_told_when_the_row_is_there(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	begin(t);
	for (unsigned i = 1; i <= 3; i++)
		want_fdb(t->d, i, 2 + i % 2, i < 3 ? DP_ON_DEMAND : 0);
	settle(t);
	for (unsigned i = 1; i <= 3; i++) {
		assert_string_equal(fdb(t, i), i % 2 ? "192.0.2.3" : "192.0.2.2");
		assert_int_equal(t->b.placed[i], i < 3);
	}
	want_fdb(t->d, 1, 2, DP_ON_DEMAND); /* elsewhere, and so once more */
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_int_equal(t->b.placed[1], 2);
	unwant_fdb(t->d, 1);
	settle(t);
	assert_string_equal(fdb(t, 1), "");
	assert_int_equal(t->b.idle[1], 0); /* that was evpn's own wish */
	assert_int_equal(stats(t).repairs, 0);
}

/* In the kernel that is another row, by its marks. */
static void it_may_come_to_be_wished_for_always(void **state)
{
	static const char shows[] =
		"bridge fdb show dev vxlan100 | grep '^02:00:00:00:00:01 .*self' | grep -q %s extern_learn";
	struct bed *t = *state;

	NEEDS_WORLD(t);
	begin(t);
	for (unsigned i = 0; i < 4; i++) {
		want_fdb(t->d, 1, 2, i % 2 ? 0 : DP_ON_DEMAND);
		settle(t);
		assert_string_equal(fdb(t, 1), "192.0.2.2");
		assert_int_equal(t->b.placed[1], i / 2 + 1);
		if (is(t, "kernel"))
			world_run(shows, i % 2 ? "" : "-v");
	}
}

static void a_port_that_shows_the_mac_has_it(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	begin(t);
	want_fdb(t->d, 1, 2, DP_ON_DEMAND);
	settle(t);
	learn(t, 1, 2, FAKEDP_KERNEL);
	settle(t);
	assert_int_equal(port_of(t, 1), 2);
	assert_int_equal(t->b.ifindex[1], t->w->ifindex(t->w, 2));
	unwant_fdb(t->d, 1); /* as evpn does then */
	settle(t);
	assert_string_equal(fdb(t, 1), "");
	assert_int_equal(port_of(t, 1), 2);
	assert_int_equal(t->b.idle[1], 0);
}

static void one_that_another_hand_deletes_comes_back(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	begin(t);
	want_fdb(t->d, 1, 2, DP_ON_DEMAND);
	settle(t);
	world_run("bridge fdb del 02:00:00:00:00:01 dev vxlan100 self");
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_int_equal(t->b.idle[1], 0);
	assert_int_equal(stats(t).repairs, 1);
}

static void one_of_an_earlier_run_is_asked_for_once(void **state)
{
	struct bed *t = *state;
	struct dp_vni_params p = on_demand();

	NEEDS_WORLD(t);
	begin(t);
	want_fdb(t->d, 1, 2, DP_ON_DEMAND);
	want_fdb(t->d, 2, 2, DP_ON_DEMAND);
	settle(t);
	bed_stop(t, false);
	bed_start_with(t, &p);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	want_fdb(t->d, 1, 2, DP_ON_DEMAND);
	dp_sweep(t->d);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_string_equal(fdb(t, 2), "");
	assert_int_equal(t->b.missed[1], 0);
	assert_int_equal(t->b.missed[2], 1);
}

static void one_that_is_not_used_goes_with_its_wish(void **state)
{
	struct bed *t = *state;
	struct bridge *b;

	NEEDS_WORLD(t);
	begin(t);
	want_fdb(t->d, 1, 2, DP_ON_DEMAND);
	want_fdb(t->d, 2, 2, 0);
	settle(t);
	b = bridge_find(dp_backend(t->d), WORLD_VNI);
	for (unsigned i = 0; i < 2; i++) {
		b->v->now_s += on_demand().ageing / 2 + 1u;
		for (unsigned k = 0; k < VTEP_AGEING_S; k++)
			learn_age(b);
		settle(t);
		assert_string_equal(fdb(t, 1), i ? "" : "192.0.2.2");
		assert_int_equal(t->b.idle[1], i);
	}
	assert_string_equal(fdb(t, 2), "192.0.2.2");
	assert_int_equal(stats(t).repairs, 0);
}

/* Linux takes such rows from 6.15 on: what is said of it must be what this kernel does. */
static void one_may_go_to_a_set_where_it_says_so(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	begin(t);
	put_set(t->d, 1, "23");
	want_fdb_set(t->d, 1, 1, DP_ON_DEMAND);
	settle(t);
	assert_string_equal(fdb(t, 1), dp_sets_on_demand(t->d) ? "192.0.2.2 192.0.2.3" : "");
	assert_int_equal(stats(t).errors == 0, dp_sets_on_demand(t->d));
}

#define FAKE(name) { #name " (fake)", name, bed_running_fake, bed_teardown, NULL }
#define KERNEL(name) { #name " (kernel)", name, bed_running_kernel, bed_teardown, NULL }
#define VTEP(name) { #name " (vtep)", name, bed_running_vtep, bed_teardown, NULL }
#define ALL(name) FAKE(name), KERNEL(name), VTEP(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALL(it_is_told_when_the_row_is_there),
		ALL(it_may_come_to_be_wished_for_always),
		ALL(a_port_that_shows_the_mac_has_it),
		ALL(one_may_go_to_a_set_where_it_says_so),
		KERNEL(one_that_another_hand_deletes_comes_back),
		KERNEL(one_of_an_earlier_run_is_asked_for_once),
		VTEP(one_that_is_not_used_goes_with_its_wish),
	};

	return RUN_TESTS(tests);
}

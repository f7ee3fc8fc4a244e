/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Other hands in rows of ours, on the kernel: a row that someone writes over in place loses our mark, and would be nobody's
 * after a restart. It is marked again, counted; what that hand has set up for itself stays. And what is counted is another
 * hand's doing alone.
 */
#include "tests/lib/dpbed.h"
#include "tests/lib/test.h"

static void want_labelled(struct bed *t, unsigned mac, unsigned vtep, uint32_t label)
{
	struct mac m = mac_nr(mac);
	struct dp_row row = { .key = dp_key_fdb(WORLD_VNI, &m), .vtep = vtep_nr(vtep), .label_vni = label };

	dp_want(t->d, &row);
}

/* kill -9, and nobody wants anything of what is there any more. */
static void die_and_sweep(struct bed *t)
{
	bed_stop(t, false);
	bed_start(t);
	settle(t);
	dp_sweep(t->d);
	settle(t);
}

static void row_that_another_hand_rewrites_is_ours_again(void **state)
{
	static const char *const how[] = { "static", "dynamic", "permanent" };
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned i = 0; i < 3; i++)
		want_labelled(t, 1 + i, 2, 777);
	settle(t);
	for (unsigned i = 0; i < 3; i++)
		world_run("bridge fdb replace 02:00:00:00:00:0%u dev vxlan100 dst 192.0.2.2 vni 777 self %s", 1 + i, how[i]);
	settle(t);
	world_run("test $(bridge fdb show dev vxlan100 | grep -c 'dst 192.0.2.2 vni 777 self extern_learn static') = 3");
	assert_int_equal(stats(t).repairs, 3);
	assert_int_equal(stats(t).rows_there, 3);
	die_and_sweep(t);
	world_run("! bridge fdb show dev vxlan100 | grep -q 02:00:00:00:00:0");
}

static void on_demand(struct bed *t)
{
	struct dp_vni_params p = bed_params();

	p.miss_macs = true;
	dp_vni_del(t->d, WORLD_VNI);
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	settle(t);
}

static void what_we_take_away_to_write_it_anew_is_not_counted(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	on_demand(t);
	for (unsigned i = 1; i <= 3; i++)
		want_fdb(t->d, i, 2, i == 1 ? DP_STICKY : i == 2 ? DP_ON_DEMAND : 0);
	settle(t);
	want_fdb(t->d, 1, 2, 0);
	want_fdb(t->d, 2, 2, 0);
	want_fdb(t->d, 3, 2, DP_ON_DEMAND);
	settle(t);
	assert_int_equal(stats(t).rows_there, 3);
	assert_int_equal(stats(t).repairs, 0);
	world_run("bridge fdb del 02:00:00:00:00:02 dev vxlan100 self");
	settle(t);
	assert_int_equal(stats(t).repairs, 1);
}

#define RUNNING(name) cmocka_unit_test_setup_teardown(name, bed_running_kernel, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(row_that_another_hand_rewrites_is_ours_again),
		RUNNING(what_we_take_away_to_write_it_anew_is_not_counted),
	};

	return RUN_TESTS(tests);
}

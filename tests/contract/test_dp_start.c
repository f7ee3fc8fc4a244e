/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The kernel backend at a start with tables too large to be read before rows are written
 * (dataplane/kernel_read.c): rows are looked up as they are wished for, the rest is read
 * beside. In namespaces of the test's own; skipped where there are none.
 */
#include <stdio.h>
#include <time.h>

#include "tests/lib/dpbed.h"
#include "tests/lib/test.h"

#define ROWS 5000u   /* more than are read at once */
#define STALE 10u    /* behind them, of VTEPs 2 to 4: nobody claims them after the start */
#define LOCAL 7000u  /* MACs of hosts on port 1, learned and set */
#define FOREIGN 7100u /* a MAC whose vxlan row is another hand's, and one whose bridge row is */

static void wish(struct bed *t, unsigned n)
{
	for (unsigned i = 1; i <= n; i++)
		want_fdb(t->d, i, 2 + i % 3, i % 100 ? 0 : DP_STICKY);
}

static void fill_and_restart(struct bed *t)
{
	wish(t, ROWS + STALE);
	for (unsigned v = 2; v <= 4; v++)
		want_flood(t->d, vtep_nr(v), 0);
	learn(t, LOCAL, 1, FAKEDP_KERNEL);
	learn(t, LOCAL + 1, 1, FAKEDP_STATIC);
	world_run("bridge fdb add 02:00:00:00:1b:bc dev vxlan100 dst 192.0.2.9 self static");
	world_run("bridge fdb add 02:00:00:00:1b:bd dev vxlan100 master static");
	settle(t);
	assert_int_equal(stats(t).rows_there, ROWS + STALE + 3);
	bed_stop(t, false);
	bed_start(t);
	dp_sweep_wait(t->d); /* a busy machine takes longer than DP_SWEEP_MS */
	assert_true(info(t).ready);
	assert_int_equal(stats(t).unread, 1);
	assert_true(t->b.ifindex[LOCAL] && t->b.ifindex[LOCAL] == t->b.ifindex[LOCAL + 1]);
}

static void wait_until_read(struct bed *t)
{
	time_t end = time(NULL) + 60; /* of a busy machine */

	while (stats(t).unread || stats(t).dirty) {
		assert_true(time(NULL) < end);
		settle(t);
	}
}

static unsigned differences(struct bed *t)
{
	struct dp_audit *a = dp_audit_new(t->d, 0, false);
	enum dp_audit_more m;
	struct dp_diff found;
	unsigned n = 0;

	while ((m = dp_audit_next(a, &found)) != DP_AUDIT_END)
		n += m == DP_AUDIT_DIFF && found.what != DP_DIFF_FOREIGN;
	dp_audit_free(a);
	return n;
}

static void large_tables_are_adopted_without_a_write_and_swept(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	fill_and_restart(t);
	wish(t, ROWS);
	settle(t);
	assert_int_equal(stats(t).rows_there, ROWS);
	assert_int_equal(stats(t).writes, 0);
	assert_int_equal(differences(t), 0);
	assert_int_equal(stats(t).unread, 1);
	want_flood(t->d, vtep_nr(2), 0);
	want_flood(t->d, vtep_nr(3), 0);
	wait_until_read(t);
	assert_int_equal(stats(t).rows_there, ROWS + 2);
	assert_int_equal(stats(t).writes, 0);
	assert_string_equal(fdb(t, ROWS + 1), "192.0.2.2");
	assert_int_equal(differences(t), 0);
	dp_sweep(t->d);
	settle(t);
	assert_int_equal(stats(t).writes, STALE + 1);
	assert_int_equal(t->w->count(t->w), ROWS);
	assert_false(flood(t, "192.0.2.4"));
	assert_int_equal(port_of(t, LOCAL), 1);
}

static void sweep_waits_until_all_is_read(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	fill_and_restart(t);
	wish(t, 10);
	dp_sweep(t->d);
	assert_int_equal(t->w->count(t->w), ROWS + STALE);
	wait_until_read(t);
	assert_int_equal(t->w->count(t->w), 10);
	assert_string_equal(fdb(t, 5), "192.0.2.4");
	assert_false(flood(t, "192.0.2.2"));
	world_run("bridge fdb show dev vxlan100 | grep -q '02:00:00:00:1b:bc dst 192.0.2.9'");
}

static void rows_of_another_hand_that_were_not_met_yet_are_left_alone(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	fill_and_restart(t);
	want_fdb(t->d, FOREIGN, 2, 0);
	want_fdb(t->d, FOREIGN + 1, 2, 0);
	want_fdb(t->d, LOCAL + 1, 2, 0);
	settle(t);
	world_run("bridge fdb show dev vxlan100 | grep -q '02:00:00:00:1b:bc dst 192.0.2.9'");
	world_run(
		"bridge -d fdb show br br100 | grep '02:00:00:00:1b:bd dev vxlan100' | "
		"grep -v extern_learn | grep -q static");
	assert_int_equal(port_of(t, LOCAL + 1), 1);
}

/* Devices that are made anew have no rows to be met. */
static void device_that_goes_unread_is_written_anew(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	fill_and_restart(t);
	wish(t, 10);
	settle(t);
	world_run("ip link del vxlan100");
	want_flood(t->d, vtep_nr(2), 0);
	settle(t);
	wait_until_read(t);
	assert_int_equal(t->w->count(t->w), 10);
	assert_true(flood(t, "192.0.2.2"));
}

static void vni_on_a_device_of_others_that_goes_unread_leaves_nothing(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	t->w->make_devices(t->w, "same");
	bed_start(t);
	fill_and_restart(t);
	wish(t, 10);
	dp_vni_del(t->d, WORLD_VNI);
	settle(t);
	assert_int_equal(t->w->count(t->w), 0);
	assert_false(flood(t, "192.0.2.2"));
	world_run("! bridge fdb show dev vxlan100 | grep -q extern_learn");
}

#define RUNNING(name) cmocka_unit_test_setup_teardown(name, bed_running_kernel, bed_teardown)
#define BARE(name) cmocka_unit_test_setup_teardown(name, bed_bare_kernel, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(large_tables_are_adopted_without_a_write_and_swept),
		RUNNING(sweep_waits_until_all_is_read),
		RUNNING(rows_of_another_hand_that_were_not_met_yet_are_left_alone),
		RUNNING(device_that_goes_unread_is_written_anew),
		BARE(vni_on_a_device_of_others_that_goes_unread_leaves_nothing),
	};

	return RUN_TESTS(tests);
}

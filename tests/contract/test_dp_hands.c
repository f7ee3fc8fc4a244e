/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Other hands in rows of ours, on the kernel: a row that someone writes over in place loses
 * our mark, and would be nobody's after a restart. It is marked again, counted; what that
 * hand has set up for itself stays. And what is counted is another hand's doing alone.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/kernel.h"
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
		world_run("bridge fdb replace 02:00:00:00:00:0%u dev vxlan100 dst 192.0.2.2 vni 777 self %s", 1 + i,
			  how[i]);
	settle(t);
	world_run(
		"test $(bridge fdb show dev vxlan100 | grep -c 'dst 192.0.2.2 vni 777 self extern_learn static') = 3");
	assert_int_equal(stats(t).repairs, 3);
	assert_int_equal(stats(t).rows_there, 3);
	die_and_sweep(t);
	world_run("! bridge fdb show dev vxlan100 | grep -q 02:00:00:00:00:0");
}

/* ---- flood lists ------------------------------------------------------------------------------------------------- */

#define FLOODING "00:00:00:00:00:00"
#define MARK "03:65:76:70:6e:64"

/* Last octets of the VTEPs that rows of this MAC lead to. */
static void assert_vteps(const char *mac, const char *vteps)
{
	world_run(
		"test \"$(bridge fdb show dev vxlan100 | sed -n 's/^%s dst 192.0.2.\\([0-9]*\\) .*/\\1/p' | "
		"sort -n | xargs)\" = '%s'",
		mac, vteps);
}

static void flood_list_that_another_hand_joins_says_which_rows_are_ours(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	want_flood(t->d, vtep_nr(2), 0);
	want_flood(t->d, vtep_nr(3), 777);
	settle(t);
	assert_vteps(MARK, "");
	world_run("bridge fdb append " FLOODING " dev vxlan100 dst 192.0.2.9 self");
	settle(t);
	assert_vteps(MARK, "2 3");
	assert_int_equal(stats(t).repairs, 2); /* of each the mark */
	want_flood(t->d, vtep_nr(4), 0);
	settle(t);
	assert_vteps(FLOODING, "2 3 4 9");
	assert_vteps(MARK, "2 3 4");
	assert_int_equal(stats(t).repairs, 2);
	world_run("bridge fdb del " MARK " dev vxlan100 dst 192.0.2.4 self");
	settle(t);
	assert_vteps(MARK, "2 3 4");
	dp_unwant(t->d, &(struct dp_key){ .vni = WORLD_VNI, .kind = DP_FLOOD, .ip = vtep_nr(4) });
	settle(t);
	assert_vteps(FLOODING, "2 3 9");
	assert_vteps(MARK, "2 3");
	die_and_sweep(t);
	assert_vteps(FLOODING, "9");
	assert_vteps(MARK, "");
}

static void restart_adopts_a_flood_list_that_another_hand_has_marked(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	/* Before us, and what we want, too. */
	world_run("bridge fdb append " FLOODING " dev vxlan100 dst 192.0.2.2 self");
	settle(t);
	for (unsigned i = 2; i <= 4; i++)
		want_flood(t->d, vtep_nr(i), 0);
	settle(t);
	assert_vteps(FLOODING, "2 3 4");
	assert_vteps(MARK, "3 4");
	assert_int_equal(stats(t).repairs, 0);
	bed_stop(t, false);
	bed_start(t);
	for (unsigned i = 2; i <= 3; i++)
		want_flood(t->d, vtep_nr(i), 0);
	settle(t);
	assert_int_equal(stats(t).writes, 0);
	assert_int_equal(stats(t).rows_there, 2);
	dp_sweep(t->d);
	settle(t);
	assert_vteps(FLOODING, "2 3");
	assert_vteps(MARK, "3");
	die_and_sweep(t);
	assert_vteps(FLOODING, "2");
	assert_vteps(MARK, "");
}

/* As a "ip nexthop flush" does while no evpnd runs: MAC rows are gone with the objects, flood rows are left. */
static void die_and_lose_nexthops(struct bed *t)
{
	bed_stop(t, false);
	world_run("ip nexthop flush proto 179 >/dev/null");
	bed_start(t);
}

static void flood_rows_without_nexthop_objects_are_ours_on_a_device_of_ours(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned i = 2; i <= 3; i++)
		want_flood(t->d, vtep_nr(i), 0);
	settle(t);
	die_and_lose_nexthops(t);
	want_flood(t->d, vtep_nr(2), 0);
	settle(t);
	assert_vteps(FLOODING, "2 3");
	dp_sweep(t->d);
	settle(t);
	assert_vteps(FLOODING, "2");
	dp_unwant(t->d, &(struct dp_key){ .vni = WORLD_VNI, .kind = DP_FLOOD, .ip = vtep_nr(2) });
	settle(t);
	assert_vteps(FLOODING, "");
}

static void flood_row_without_nexthop_object_is_ours_on_another_hands_device_once_it_is_wanted(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned i = 2; i <= 3; i++)
		want_flood(t->d, vtep_nr(i), 0);
	settle(t);
	world_run("ip link set vxlan100 alias ''");
	die_and_lose_nexthops(t);
	want_flood(t->d, vtep_nr(2), 0);
	dp_sweep(t->d);
	settle(t);
	dp_unwant(t->d, &(struct dp_key){ .vni = WORLD_VNI, .kind = DP_FLOOD, .ip = vtep_nr(2) });
	settle(t);
	assert_vteps(FLOODING, "3");
}

static void mark_of_a_flood_row_needs_no_nexthop_object(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	want_flood(t->d, vtep_nr(2), 0);
	world_run("bridge fdb append " FLOODING " dev vxlan100 dst 192.0.2.9 self");
	settle(t);
	assert_vteps(MARK, "2");
	die_and_lose_nexthops(t);
	dp_sweep(t->d);
	settle(t);
	assert_vteps(FLOODING, "9");
	assert_vteps(MARK, "");
}

/* It waits for the sweep, and would be nobody's if we were killed before that. */
static void row_of_an_earlier_run_gets_its_mark_when_another_hand_joins_the_flood_list(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned i = 2; i <= 3; i++)
		want_flood(t->d, vtep_nr(i), 0);
	settle(t);
	bed_stop(t, false);
	bed_start(t);
	want_flood(t->d, vtep_nr(2), 0);
	world_run("bridge fdb append " FLOODING " dev vxlan100 dst 192.0.2.9 self");
	settle(t);
	assert_vteps(MARK, "2 3");
	die_and_sweep(t);
	assert_vteps(FLOODING, "9");
	assert_vteps(MARK, "");
}

/* The kernel refuses it and yet takes the mark, without a word: we see it when we write there next. */
static void flood_list_that_another_hand_fails_to_replace_is_marked_with_our_next_row(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	want_flood(t->d, vtep_nr(2), 0);
	settle(t);
	world_run("! bridge fdb replace " FLOODING " dev vxlan100 dst 192.0.2.2 self");
	settle(t);
	want_flood(t->d, vtep_nr(3), 0);
	settle(t);
	assert_vteps(MARK, "2 3");
	for (unsigned i = 2; i <= 3; i++)
		dp_unwant(t->d, &(struct dp_key){ .vni = WORLD_VNI, .kind = DP_FLOOD, .ip = vtep_nr(i) });
	settle(t);
	assert_vteps(FLOODING, "");
	assert_vteps(MARK, "");
}

/* What has happened since the last settle() is not heard of. */
static void overrun(struct bed *t)
{
	struct kernel *k = dp_backend(t->d);
	char scratch[4096];

	while (recv(k->events.fd, scratch, sizeof(scratch), MSG_DONTWAIT) > 0)
		;
	k->overrun = true;
	dp_kick(t->d);
	settle(t);
}

static void flood_list_is_asked_for_its_mark_when_events_were_lost(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	want_flood(t->d, vtep_nr(2), 0);
	settle(t);
	world_run("bridge fdb append " FLOODING " dev vxlan100 dst 192.0.2.9 self");
	overrun(t);
	assert_int_equal(stats(t).overruns, 1);
	assert_vteps(MARK, "2");
}

static int hear_neighbours(void)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_NEIGH };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Of the bridge: kernels before 6.15 tell of each write to a vxlan device, whatever it changes. */
static unsigned bridge_rows_changed(int fd)
{
	struct {
		struct nlmsghdr h;
		struct ndmsg nd;
		char attrs[512];
	} m;
	unsigned n = 0;

	while (recv(fd, &m, sizeof(m), MSG_DONTWAIT) > 0)
		n += m.nd.ndm_family == AF_BRIDGE && !(m.nd.ndm_flags & NTF_SELF);
	return n;
}

/* Else the words of our own writes could be what overruns the queue again, and we would learn anew for ever. */
static void learning_anew_changes_nothing_in_the_kernel(void **state)
{
	struct bed *t = *state;
	struct kernel *k;
	int fd;

	NEEDS_WORLD(t);
	k = dp_backend(t->d);
	fd = hear_neighbours();
	want_flood(t->d, vtep_nr(2), 0);
	want_fdb(t->d, 1, 2, 0);
	want_fdb(t->d, 2, 2, DP_STICKY);
	settle(t);
	assert_int_equal(bridge_rows_changed(fd), 2);
	k->overrun = true;
	dp_kick(t->d);
	settle(t);
	assert_int_equal(stats(t).overruns, 1);
	assert_int_equal(bridge_rows_changed(fd), 0);
	close(fd);
}

/* ---- rows of others ---------------------------------------------------------------------------------------------- */

static void begin(struct bed *t, const char *bridge)
{
	struct dp_vni_params p = bed_params();

	p.bridge = bridge;
	p.n_ports = 0;
	dp_vni_del(t->d, WORLD_VNI);
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	settle(t);
}

static void rows_of_another_hand_are_asked_for_when_events_were_lost(void **state)
{
	static const char *const bridges[] = { "br100", NULL };
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned i = 0; i < 2; i++) {
		begin(t, bridges[i]);
		world_run("bridge fdb add 02:00:00:00:00:01 dev vxlan100 dst 192.0.2.9 self static");
		world_run("bridge fdb add 02:00:00:00:00:02 dev vxlan100 dst 192.0.2.9 self static");
		settle(t);
		want_fdb(t->d, 1, 2, 0);
		want_fdb(t->d, 2, 2, 0);
		settle(t);
		world_run("bridge fdb del 02:00:00:00:00:01 dev vxlan100 dst 192.0.2.9 self");
		overrun(t);
		world_run("bridge fdb show dev vxlan100 | grep -q '02:00:00:00:00:01 nhid .* self extern_learn'");
		world_run("bridge fdb show dev vxlan100 | grep -q '02:00:00:00:00:02 dst 192.0.2.9 self static'");
		world_run("bridge fdb del 02:00:00:00:00:02 dev vxlan100 dst 192.0.2.9 self");
		settle(t);
		world_run("bridge fdb show dev vxlan100 | grep -q '02:00:00:00:00:02 nhid .* self extern_learn'");
		unwant_fdb(t->d, 1);
		unwant_fdb(t->d, 2);
		settle(t);
	}
}

static void row_of_another_hand_outlives_our_nexthops(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	world_run("bridge fdb add 02:00:00:00:00:01 dev vxlan100 dst 192.0.2.2 self static");
	settle(t);
	want_fdb(t->d, 1, 3, 0);
	want_fdb(t->d, 2, 2, 0);
	settle(t);
	world_run("ip nexthop flush proto 179");
	settle(t);
	assert_string_equal(fdb(t, 2), "192.0.2.2");
	world_run("bridge fdb show dev vxlan100 | grep -q '02:00:00:00:00:01 dst 192.0.2.2 self static'");
	assert_int_equal(stats(t).errors, 0); /* the kernel would refuse a write over it */
}

/* ---- what is counted --------------------------------------------------------------------------------------------- */

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
	world_run("bridge fdb replace 02:00:00:00:00:01 dev vxlan100 master static sticky");
	settle(t);
	assert_int_equal(stats(t).repairs, 2);
	world_run("bridge fdb show dev vxlan100 | grep -q '02:00:00:00:00:01 extern_learn master br100 $'");
}

/*
 * A row that points at a nexthop takes no packet of its MAC on a device that learns. More
 * rows than a burst has, in which echoes are not listened to.
 */
static void rows_of_a_vni_that_begins_or_ends_to_learn_are_made_anew_once(void **state)
{
	enum { N = 4000 };
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;
	uint64_t before;

	NEEDS_WORLD(t);
	for (unsigned i = 1; i <= N; i++)
		want_fdb(t->d, i, 2 + i % 3, 0);
	settle(t);
	for (unsigned round = 0; round < 2; round++) {
		before = stats(t).writes;
		p.learn = !round;
		dp_vni_del(t->d, WORLD_VNI);
		assert_int_equal(dp_vni_add(t->d, &p), 0);
		for (unsigned i = 1; i <= N; i++)
			want_fdb(t->d, i, 2 + i % 3, 0);
		settle(t);
		assert_int_equal(stats(t).rows_there, N);
		assert_in_range(stats(t).writes - before, N, N + 10);
		world_run("test $(bridge fdb show dev vxlan100 | grep -c '^02:.* %s .*self') = %d",
			  p.learn ? "dst" : "nhid", N);
		assert_int_equal(stats(t).repairs, 0);
	}
}

#define RUNNING(name) cmocka_unit_test_setup_teardown(name, bed_running_kernel, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(row_that_another_hand_rewrites_is_ours_again),
		RUNNING(flood_list_that_another_hand_joins_says_which_rows_are_ours),
		RUNNING(restart_adopts_a_flood_list_that_another_hand_has_marked),
		RUNNING(flood_rows_without_nexthop_objects_are_ours_on_a_device_of_ours),
		RUNNING(flood_row_without_nexthop_object_is_ours_on_another_hands_device_once_it_is_wanted),
		RUNNING(mark_of_a_flood_row_needs_no_nexthop_object),
		RUNNING(row_of_an_earlier_run_gets_its_mark_when_another_hand_joins_the_flood_list),
		RUNNING(flood_list_that_another_hand_fails_to_replace_is_marked_with_our_next_row),
		RUNNING(flood_list_is_asked_for_its_mark_when_events_were_lost),
		RUNNING(learning_anew_changes_nothing_in_the_kernel),
		RUNNING(rows_of_another_hand_are_asked_for_when_events_were_lost),
		RUNNING(row_of_another_hand_outlives_our_nexthops),
		RUNNING(what_we_take_away_to_write_it_anew_is_not_counted),
		RUNNING(rows_of_a_vni_that_begins_or_ends_to_learn_are_made_anew_once),
	};

	return RUN_TESTS(tests);
}

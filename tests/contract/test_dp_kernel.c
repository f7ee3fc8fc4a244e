/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What only a kernel can do to rows of its dataplane backend: frames that are learned, races
 * with what lies in the queue of events, lost events, refusals. In namespaces of the test's own;
 * skipped where there are none. Devices are test_dp_devices', changes of a VNI test_dp_change's,
 * rows that go silently test_dp_audit's, all of it from seeds test_dp_kernel_random's.
 */
#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "dataplane/kernel_sock.h"
#include "tests/lib/dpbed.h"
#include "tests/lib/test.h"

/* ---- local MACs -------------------------------------------------------------------------------------------------- */

static void frames_are_learned_moved_and_aged(void **state)
{
	struct bed *t = *state;
	struct mac m = mac_nr(1);

	NEEDS_WORLD(t);
	world_speak(1, &m);
	settle(t);
	assert_int_equal(t->b.ifindex[1], if_nametoindex("p1"));
	world_speak(2, &m);
	settle(t);
	assert_int_equal(t->b.ifindex[1], if_nametoindex("p2"));
	assert_int_equal(t->b.macs_gone, 0);
	world_run("ip link set p2 down");
	settle(t);
	assert_int_equal(t->b.ifindex[1], 0);
}

static void remote_mac_that_speaks_here_is_told_and_keeps_its_port(void **state)
{
	struct bed *t = *state;
	struct mac m = mac_nr(1);

	NEEDS_WORLD(t);
	want_fdb(t->d, 1, 2, 0);
	settle(t);
	world_speak(1, &m);
	settle(t);
	assert_int_equal(t->b.ifindex[1], if_nametoindex("p1"));
	assert_int_equal(port_of(t, 1), 1);
	unwant_fdb(t->d, 1);
	settle(t);
	assert_int_equal(port_of(t, 1), 1);
	world_run("! bridge fdb show dev vxlan100 | grep -q 02:00:00:00:00:01");
	want_fdb(t->d, 1, 3, DP_TAKE_OVER); /* it moved on */
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.3");
	assert_int_equal(t->b.macs_gone, 0);
}

/*
 * Back on its port before our row is written, it says nothing new to the bridge, and the row goes over
 * that. Who has an address is asked for it (evpn/host.h); of a MAC alone nothing can be asked, and
 * nothing in the bridge tells this frame from one that it sent before it left. Its next frame is enough.
 */
static void mac_that_is_back_before_our_write_is_found_with_its_next_frame(void **state)
{
	struct bed *t = *state;
	struct mac m = mac_nr(1);

	NEEDS_WORLD(t);
	world_speak(1, &m);
	settle(t);
	want_fdb(t->d, 1, 2, DP_TAKE_OVER);
	t->b.ifindex[1] = 0; /* evpn has forgotten it with the wish */
	world_speak(1, &m);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_int_equal(t->b.ifindex[1], 0);
	world_speak(1, &m);
	settle(t);
	assert_int_equal(port_of(t, 1), 1);
	assert_int_equal(t->b.ifindex[1], if_nametoindex("p1"));
}

static void sticky_remote_mac_does_not_move_to_a_port(void **state)
{
	struct bed *t = *state;
	struct mac m = mac_nr(1);

	NEEDS_WORLD(t);
	want_fdb(t->d, 1, 2, DP_STICKY);
	settle(t);
	world_speak(1, &m);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_int_equal(t->b.ifindex[1], 0);
	want_fdb(t->d, 1, 2, 0); /* no longer sticky */
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	world_speak(1, &m);
	settle(t);
	assert_int_equal(t->b.ifindex[1], if_nametoindex("p1"));
	assert_int_equal(stats(t).errors, 0);
}

/* Our write goes over a row whose event lies in the queue unread: done here by hand, message by message. */
static void write_over_unread(struct bed *t, const char *how)
{
	struct dp_op ops[4];

	want_fdb(t->d, 2, 2, 0);
	settle(t);
	want_fdb(t->d, 1, 2, 0);
	assert_int_equal(dp_pull(t->d, ops, 4), 1);
	world_run("bridge fdb add 02:00:00:00:00:01 dev p1 master %s", how);
	world_run("bridge fdb replace 02:00:00:00:00:01 dev vxlan100 master extern_learn");
	world_run("bridge fdb replace 02:00:00:00:00:01 dev vxlan100 self nhid %u extern_learn", ops[0].dest->id[1]);
	dp_done(t->d, &ops[0], 0, NULL);
	settle(t);
	assert_int_equal(t->b.ifindex[1], if_nametoindex("p1"));
	assert_int_equal(port_of(t, 1), 1);
}

static void dynamic_row_that_our_write_ran_over_is_given_back(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	write_over_unread(t, "dynamic");
	world_run("bridge fdb show br br100 | grep '02:00:00:00:00:01 dev p1' | grep -qv extern_learn");
}

static void static_row_that_our_write_ran_over_is_given_back(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	write_over_unread(t, "static");
	world_run("bridge fdb show br br100 | grep -q '02:00:00:00:00:01 dev p1 master br100 static'");
	assert_int_equal(t->b.flags[1], DP_LOCAL_STATIC);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void want_labelled(struct bed *t, unsigned mac, unsigned vtep, uint32_t label)
{
	struct mac m = mac_nr(mac);
	struct dp_row row = { .key = dp_key_fdb(WORLD_VNI, &m), .vtep = vtep_nr(vtep), .label_vni = label };

	dp_want(t->d, &row);
}

static void label_of_another_vni_goes_into_the_row_and_out_again(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	want_fdb(t->d, 1, 2, 0);
	settle(t);
	want_labelled(t, 1, 2, 777);
	settle(t);
	world_run("bridge fdb show dev vxlan100 | grep -q '02:00:00:00:00:01 dst 192.0.2.2 vni 777 self'");
	want_labelled(t, 1, 3, 778);
	settle(t);
	world_run("bridge fdb show dev vxlan100 | grep -q '02:00:00:00:00:01 dst 192.0.2.3 vni 778 self'");
	bed_stop(t, false);
	bed_start(t);
	want_labelled(t, 1, 3, 778);
	settle(t);
	assert_int_equal(stats(t).writes, 0);
	assert_int_equal(stats(t).rows_there, 1);
	want_fdb(t->d, 1, 3, 0);
	settle(t);
	world_run("bridge fdb show dev vxlan100 | grep -q '02:00:00:00:00:01 nhid'");
	assert_string_equal(fdb(t, 1), "192.0.2.3");
	assert_int_equal(stats(t).errors, 0);
	assert_int_equal(stats(t).repairs, 0); /* rows that we deleted on the way are no loss */
}

static void rows_that_another_hand_deletes_come_back_and_are_counted(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	want_fdb(t->d, 1, 2, 0);
	want_fdb(t->d, 2, 2, 0);
	want_flood(t->d, vtep_nr(2), 0);
	want_neigh(t->d, host_nr(1), 1, 0);
	settle(t);
	world_run(
		"bridge fdb del 02:00:00:00:00:01 dev vxlan100 master; "
		"bridge fdb del 02:00:00:00:00:02 dev vxlan100 self; "
		"bridge fdb del 00:00:00:00:00:00 dev vxlan100 dst 192.0.2.2 self; ip neigh del 10.0.0.1 dev br100");
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_string_equal(fdb(t, 2), "192.0.2.2");
	assert_true(flood(t, "192.0.2.2"));
	assert_int_equal(neighbour(t, host_nr(1)), 1);
	assert_int_equal(stats(t).repairs, 4);
}

static void vxlan_row_goes_although_its_bridge_row_was_gone_before(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned i = 1; i <= 3; i++)
		want_fdb(t->d, i, 2, 0);
	settle(t);
	world_run("bridge fdb del 02:00:00:00:00:02 dev vxlan100 master");
	for (unsigned i = 1; i <= 3; i++)
		unwant_fdb(t->d, i);
	settle(t);
	world_run("! bridge fdb show dev vxlan100 | grep -q 02:00:00:00:00:0");
	assert_int_equal(stats(t).errors, 0);
	assert_int_equal(stats(t).rows, 0);
}

static void neighbours_lost_with_the_bridge_down_come_back(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	want_neigh(t->d, host_nr(1), 1, 0);
	want_fdb(t->d, 1, 2, 0);
	settle(t);
	world_run("ip link set br100 down");
	settle(t);
	assert_int_equal(neighbour(t, host_nr(1)), 0);
	world_run("ip link set br100 up");
	settle(t);
	assert_int_equal(neighbour(t, host_nr(1)), 1);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
}

static void refused_row_is_told_and_the_rest_goes_on(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	want_fdb_to(t->d, 1, ip_of("2001:db8::9"), 0); /* another family than the device's */
	want_flood(t->d, ip_of("2001:db8::9"), 0);
	for (unsigned i = 2; i <= 300; i++)
		want_fdb(t->d, i, 2, 0);
	for (int i = 0; i < 20 && stats(t).rows_there < 299; i++)
		settle(t);
	assert_int_equal(stats(t).rows_there, 299);
	assert_int_equal(stats(t).dirty, 2);
	assert_string_equal(fdb(t, 300), "192.0.2.2");
	assert_non_null(shown(t->d, 1, "vxlan")->pending);
	assert_true(
		said(t, "VNI 100: write flood row to 2001:db8::9: refused: Address family not supported by protocol"));
	assert_true(said(t, "VNI 100: write FDB row of 02:00:00:00:00:01 to 2001:db8::9: refused: "));
}

static void full_vxlan_device_is_told_with_what_limits_it(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	world_run(
		"ip link add br100 type bridge && ip link add vxlan100 type vxlan id 100 local 192.0.2.1 dstport 4789 "
		"nolearning maxaddress 2");
	bed_start(t);
	for (unsigned i = 1; i <= 3; i++)
		want_fdb(t->d, i, 2, 0);
	settle(t);
	assert_true(said(
		t,
		"VNI 100: write FDB row of 02:00:00:00:00:03 to 192.0.2.2: refused: No space left on device; the vxlan "
		"device takes no more rows (its maxaddress); next try in 1 s"));
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_string_equal(fdb(t, 2), "192.0.2.2");
}

/* Rows like ours are not in what gc_thresh3 counts (Linux 5.0 and later), so its 1,024 are no limit here. */
static void neighbours_beyond_gc_thresh3_are_written(void **state)
{
	enum { N = 1500 };
	struct bed *t = *state;
	char ip[16];

	NEEDS_WORLD(t);
	for (unsigned i = 1; i <= N; i++) {
		snprintf(ip, sizeof(ip), "10.0.%u.%u", i / 250, 1 + i % 250);
		want_neigh(t->d, ip_of(ip), i, 0);
	}
	settle(t);
	assert_int_equal(stats(t).rows_there, N);
	assert_int_equal(stats(t).errors, 0);
	for (unsigned i = 1; i <= N; i++) {
		snprintf(ip, sizeof(ip), "10.0.%u.%u", i / 250, 1 + i % 250);
		assert_int_equal(neighbour(t, ip_of(ip)), i);
	}
}

/* What has been handed to the kernel when its device goes is refused, and there again with the device. */
static void device_that_goes_under_the_write_takes_nothing_with_it(void **state)
{
	enum { N = 3000 };
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 1; i <= N; i++)
			want_fdb(t->d, i, 2 + (i + round) % 5, 0);
		dp_flush(t->d);
		world_run("ip link del %s", round % 2 ? "br100" : "vxlan100");
		for (int i = 0; i < 60 && (stats(t).dirty || stats(t).rows_there < N); i++)
			settle(t);
		assert_int_equal(stats(t).rows_there, N);
		for (unsigned i = 1; i <= N; i++) {
			struct ip v = vtep_nr(2 + (i + round) % 5);

			assert_string_equal(fdb(t, i), ip_str(&v).s);
		}
	}
}

/*
 * Another program's row is never written over: ours says that it waits for it, others go on, and it comes afterwards.
 */
static void sticky_row_of_another_hand_is_waited_for(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	world_run("bridge fdb add 02:00:00:00:00:01 dev p1 master static sticky");
	for (unsigned i = 1; i <= 20; i++)
		want_fdb(t->d, i, 2, 0);
	settle(t);
	assert_int_equal(port_of(t, 1), 1);
	assert_string_equal(fdb(t, 20), "192.0.2.2");
	assert_non_null(shown(t->d, 1, "vxlan")->pending);
	world_run("bridge fdb del 02:00:00:00:00:01 dev p1 master");
	settle(t);
	for (int i = 0; i < 40 && stats(t).dirty; i++)
		settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_null(shown(t->d, 1, "vxlan")->pending);
}

struct deleter {
	uint32_t id;    /* of a nexthop */
	unsigned ended; /* how often it was there */
	atomic_bool done;
};

/* 300 times, or until nobody has made it again for long. */
static void *delete_over_and_over(void *ctx)
{
	struct deleter *x = ctx;
	time_t end = time(NULL) + 10;
	uint8_t room[NLBUF_MSG_MAX];
	struct nlbuf b = { .b = room, .cap = sizeof(room) };
	struct ksock s;

	assert_int_equal(ksock_open(&s, NULL), 0);
	nlbuf_nexthop_del(&b, x->id);
	while (x->ended < 300 && time(NULL) < end) {
		if (ksock_request(&s, ksock_msg(RTM_DELNEXTHOP, 0, NLMSG_DATA(b.msg), b.len - NLMSG_HDRLEN)))
			continue;
		x->ended++;
		end = time(NULL) + 10;
	}
	ksock_close(&s);
	atomic_store(&x->done, true);
	return NULL;
}

/* Another hand deletes a nexthop before its group, or the row, is written: once it stops, the row leads there by it. */
static void nexthop_deleted_under_the_write_of_its_group_comes_back(void **state)
{
	struct bed *t = *state;
	struct ip vtep = vtep_nr(2);
	struct deleter x = { 0 };
	pthread_t thread;

	NEEDS_WORLD(t);
	want_fdb(t->d, 1, 2, 0);
	settle(t);
	x.id = dp_dest(t->d, dp_dest_find(t->d, &vtep, 0))->id[0];
	assert_int_not_equal(x.id, 0);
	assert_int_equal(pthread_create(&thread, NULL, delete_over_and_over, &x), 0);
	while (!atomic_load(&x.done))
		t->w->settle(t->w, t->d); /* a look at the tables in between would keep it from its work */
	pthread_join(thread, NULL);
	assert_int_equal(x.ended, 300);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	world_run("bridge fdb show dev vxlan100 | grep -q '02:00:00:00:00:01 nhid .* self extern_learn'");
	world_run("ip nexthop list proto 179 | grep -q 'id %u via 192.0.2.2'", x.id);
	assert_null(shown(t->d, 1, "vxlan")->pending);
}

static void lost_events_make_it_learn_anew_before_it_writes(void **state)
{
	enum { N = 30000 };
	struct bed *t = *state;
	FILE *f;

	NEEDS_WORLD(t);
	for (unsigned i = 1; i <= 50; i++)
		want_fdb(t->d, i, 2, 0);
	want_neigh(t->d, host_nr(1), 1, 0);
	settle(t);
	learn(t, 60, 1, FAKEDP_KERNEL);
	settle(t);
	assert_int_equal(t->b.ifindex[60], if_nametoindex("p1"));
	f = popen("bridge -batch -", "w"); /* more than the queue of 8 MiB holds */
	for (unsigned i = 0; i < N; i++)
		fprintf(f, "fdb add 02:00:00:00:%02x:%02x dev p2 master static\n", (i + 1000) >> 8, (i + 1000) & 255);
	for (unsigned i = 0; i < N - 5; i++)
		fprintf(f, "fdb del 02:00:00:00:%02x:%02x dev p2 master\n", (i + 1000) >> 8, (i + 1000) & 255);
	assert_int_equal(pclose(f), 0);
	learn(t, 1, 1, FAKEDP_KERNEL);
	learn(t, 2, 2, FAKEDP_STATIC);
	world_run(
		"bridge fdb del 02:00:00:00:00:03 dev vxlan100 self; "
		"bridge fdb del 02:00:00:00:00:04 dev vxlan100 master; "
		"bridge fdb del 02:00:00:00:00:3c dev p1 master; ip nexthop flush proto 179 >/dev/null 2>&1; "
		"ip neigh del 10.0.0.1 dev br100");
	settle(t);
	assert_true(stats(t).overruns > 0);
	assert_true(said(t, "events were lost"));
	assert_int_equal(t->b.ifindex[1], if_nametoindex("p1"));
	assert_int_equal(port_of(t, 1), 1);
	assert_int_equal(t->b.ifindex[2], if_nametoindex("p2"));
	assert_int_equal(port_of(t, 2), 2);
	assert_int_equal(t->b.ifindex[60], 0);
	for (unsigned i = 3; i <= 50; i++)
		assert_string_equal(fdb(t, i), "192.0.2.2");
	assert_int_equal(neighbour(t, host_nr(1)), 1);
	for (unsigned i = 1000; i < 1000 + N - 5; i++)
		assert_int_equal(t->b.ifindex[i], 0);
	for (unsigned i = 1000 + N - 5; i < 1000 + N; i++)
		assert_int_equal(t->b.ifindex[i], if_nametoindex("p2"));
}

static void burst_leaves_nothing_out_and_a_local_mac_in_it_alone(void **state)
{
	enum { N = 5000 };
	struct bed *t = *state;
	struct mac m = mac_nr(2500);

	NEEDS_WORLD(t);
	for (unsigned i = 1; i <= N; i++)
		want_fdb(t->d, i, 2 + i % 7, 0);
	world_speak(1, &m); /* not read yet when the burst starts */
	settle(t);
	assert_int_equal(t->b.ifindex[2500], if_nametoindex("p1"));
	assert_int_equal(port_of(t, 2500), 1);
	assert_int_equal(t->w->count(t->w), N - 1);
	for (unsigned i = 1; i <= N; i++)
		unwant_fdb(t->d, i);
	settle(t);
	assert_int_equal(t->w->count(t->w), 0);
	assert_int_equal(port_of(t, 2500), 1);
	assert_int_equal(stats(t).errors, 0);
}

#define RUNNING(name) cmocka_unit_test_setup_teardown(name, bed_running_kernel, bed_teardown)
#define BARE(name) cmocka_unit_test_setup_teardown(name, bed_bare_kernel, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(frames_are_learned_moved_and_aged),
		RUNNING(remote_mac_that_speaks_here_is_told_and_keeps_its_port),
		RUNNING(mac_that_is_back_before_our_write_is_found_with_its_next_frame),
		RUNNING(sticky_remote_mac_does_not_move_to_a_port),
		RUNNING(dynamic_row_that_our_write_ran_over_is_given_back),
		RUNNING(static_row_that_our_write_ran_over_is_given_back),
		RUNNING(label_of_another_vni_goes_into_the_row_and_out_again),
		RUNNING(rows_that_another_hand_deletes_come_back_and_are_counted),
		RUNNING(vxlan_row_goes_although_its_bridge_row_was_gone_before),
		RUNNING(neighbours_lost_with_the_bridge_down_come_back),
		RUNNING(refused_row_is_told_and_the_rest_goes_on),
		BARE(full_vxlan_device_is_told_with_what_limits_it),
		RUNNING(neighbours_beyond_gc_thresh3_are_written),
		RUNNING(device_that_goes_under_the_write_takes_nothing_with_it),
		RUNNING(sticky_row_of_another_hand_is_waited_for),
		RUNNING(nexthop_deleted_under_the_write_of_its_group_comes_back),
		RUNNING(lost_events_make_it_learn_anew_before_it_writes),
		RUNNING(burst_leaves_nothing_out_and_a_local_mac_in_it_alone),
	};

	return RUN_TESTS(tests);
}

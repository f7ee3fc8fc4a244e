/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A VNI that changes while the kernel backend runs or while it does not: what can stay does, what goes leaves nothing
 * behind, and nobody else writes in the same place.
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/loop.h"
#include "dataplane/backend.h"
#include "tests/lib/dpbed.h"
#include "tests/lib/test.h"

static void change(struct bed *t, const struct dp_vni_params *p)
{
	dp_vni_del(t->d, WORLD_VNI);
	assert_int_equal(dp_vni_add(t->d, p), 0);
}

static void wish_all(struct bed *t)
{
	want_fdb(t->d, 1, 2, 0);
	want_fdb(t->d, 2, 2, 0);
	want_flood(t->d, vtep_nr(2), 0);
	want_neigh(t->d, host_nr(1), 1, 0);
}

static void changed_vni_keeps_devices_and_rows(void **state)
{
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;
	unsigned bridge = if_nametoindex("br100"), vxlan = if_nametoindex("vxlan100");
	uint64_t writes;

	NEEDS_WORLD(t);
	bridge = if_nametoindex("br100");
	vxlan = if_nametoindex("vxlan100");
	wish_all(t);
	want_fdb(t->d, 3, 2, 0);
	learn(t, 9, 1, FAKEDP_KERNEL);
	world_run("ip addr add 10.9.9.1/24 dev br100");
	settle(t);
	writes = stats(t).writes;
	p.neigh_suppress = false;
	change(t, &p);
	wish_all(t);
	settle(t);
	assert_int_equal(if_nametoindex("br100"), bridge);
	assert_int_equal(if_nametoindex("vxlan100"), vxlan);
	world_run("ip addr show dev br100 | grep -q 10.9.9.1");
	assert_string_equal(device("vxlan100", "linkinfo.info_slave_data.neigh_suppress"), "false");
	assert_null(info(t).problem);
	assert_true(t->b.ready);
	assert_int_equal(t->b.ifindex[9], t->w->ifindex(t->w, 1)); /* told again */
	assert_int_equal(stats(t).writes, writes + 1);              /* what nobody wants any more has gone */
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_string_equal(fdb(t, 2), "192.0.2.2");
	assert_string_equal(fdb(t, 3), "");
	assert_true(flood(t, "192.0.2.2"));
	assert_int_equal(neighbour(t, host_nr(1)), 1);
}

static void ports_join_and_leave(void **state)
{
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;
	unsigned bridge;

	NEEDS_WORLD(t);
	bridge = if_nametoindex("br100");
	p.n_ports = 1;
	change(t, &p);
	settle(t);
	assert_string_equal(device("p1", "master"), "br100");
	assert_string_equal(device("p2", "master"), "");
	p.n_ports = 2;
	change(t, &p);
	settle(t);
	assert_string_equal(device("p2", "master"), "br100");
	world_run("ip link add other type bridge; ip link set p2 master other");
	settle(t);
	p.n_ports = 1;
	change(t, &p);
	settle(t);
	assert_string_equal(device("p2", "master"), "other"); /* not where we had put it */
	assert_int_equal(if_nametoindex("br100"), bridge);
	assert_null(info(t).problem);
}

static void another_udp_port_makes_the_vxlan_device_anew_in_the_same_bridge(void **state)
{
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;
	unsigned bridge;

	NEEDS_WORLD(t);
	bridge = if_nametoindex("br100");
	wish_all(t);
	settle(t);
	p.udp_port = 8472;
	change(t, &p);
	wish_all(t);
	settle(t);
	assert_int_equal(if_nametoindex("br100"), bridge);
	assert_string_equal(device("vxlan100", "linkinfo.info_data.port"), "8472");
	assert_string_equal(device("vxlan100", "master"), "br100");
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_true(flood(t, "192.0.2.2"));
	assert_null(info(t).problem);
}

static void another_bridge_takes_the_ports_and_the_old_one_goes(void **state)
{
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;
	unsigned vxlan;

	NEEDS_WORLD(t);
	vxlan = if_nametoindex("vxlan100");
	wish_all(t);
	settle(t);
	p.bridge = "other";
	change(t, &p);
	wish_all(t);
	settle(t);
	settle(t);
	assert_int_equal(if_nametoindex("br100"), 0);
	assert_int_equal(if_nametoindex("vxlan100"), vxlan);
	assert_string_equal(device("vxlan100", "master"), "other");
	assert_string_equal(device("vxlan100", "linkinfo.info_slave_data.learning"), "false");
	assert_string_equal(device("p1", "master"), "other");
	assert_string_equal(device("p2", "master"), "other");
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_null(info(t).problem);
}

static void adopted_device_that_is_let_go_keeps_none_of_our_rows(void **state)
{
	struct dp_vni_params p = bed_params();
	struct mac foreign = mac_nr(77);
	struct ip far = vtep_nr(77);
	struct bed *t = *state;

	NEEDS_WORLD(t);
	t->w->make_devices(t->w, "same");
	bed_start(t);
	wish_all(t);
	t->w->foreign(t->w, &foreign, &far);
	settle(t);
	p.vni = WORLD_VNI;
	p.vxlan = "vxlan9";
	p.udp_port = 8472;
	change(t, &p);
	wish_all(t);
	settle(t);
	world_run("! bridge fdb show dev vxlan100 | grep -e nhid -e 192.0.2.2");
	world_run("bridge fdb show dev vxlan100 | grep -q 192.0.2.77");
	world_run("bridge fdb show dev vxlan9 | grep -q nhid");
}

/* The file was changed while evpnd did not run. */
static void adopted_devices_of_no_vni_lose_our_rows_at_the_start(void **state)
{
	struct dp_vni_params p = bed_params();
	struct mac foreign = mac_nr(77);
	struct ip far = vtep_nr(77);
	struct bed *t = *state;

	NEEDS_WORLD(t);
	t->w->make_devices(t->w, "same");
	bed_start(t);
	wish_all(t);
	t->w->foreign(t->w, &foreign, &far);
	t->w->neigh(t->w, &far, &foreign, FAKEDP_STATIC);
	settle(t);
	bed_stop(t, false);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	p.vni = 200;
	p.bridge = "br200";
	p.vxlan = "vxlan200";
	p.n_ports = 0;
	bed_start_with(t, &p);
	assert_string_equal(fdb(t, 1), "");
	assert_string_equal(fdb(t, 2), "");
	assert_false(flood(t, "192.0.2.2"));
	assert_int_equal(neighbour(t, host_nr(1)), 0);
	assert_int_equal(neighbour(t, far), 77);
	world_run("bridge fdb show dev vxlan100 | grep -q 192.0.2.77");
	assert_true(said(t, "vxlan100: 3 rows of ours removed"));
}

static void only_one_writes_in_a_network_namespace(void **state)
{
	struct bed *t = *state;
	struct dp_events ev = { 0 };

	NEEDS_WORLD(t);
	wish_all(t);
	settle(t);
	assert_null(dp_new(&dp_kernel_ops, t->w->loop, &t->log, &ev));
	assert_true(said(t, "another evpnd, process"));
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	bed_stop(t, false);
	bed_start(t); /* the place is free again */
}

#define MANY 60u

static int64_t ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Devices are made in slices, which do not count as work that is left. */
static bool all_ready(struct bed *t)
{
	struct dp_vni_info i = { .ready = true };

	for (uint32_t vni = 1000; i.ready && vni < 1000 + MANY; vni++)
		assert_true(dp_vni_info(t->d, vni, &i));
	return i.ready;
}

/* The kernel's message of a device that is being made is read in parts, of which one shows the device half made. */
static void device_that_has_just_been_made_changes_and_goes(void **state)
{
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned round = 0; round < 32; round++) { /* as many events as are read at once, less one each time */
		dp_vni_del(t->d, WORLD_VNI);
		settle(t);
		p.udp_port = 4789;
		assert_int_equal(dp_vni_add(t->d, &p), 0);
		world_run(
			"for i in $(seq %u); do echo fdb replace 02:00:00:00:99:$i dev u0 self permanent; "
			"done | bridge -batch -",
			round);
		while (!if_nametoindex("vxlan100"))
			dp_flush(t->d);
		if (round % 2) {
			dp_vni_del(t->d, WORLD_VNI);
			settle(t);
			assert_int_equal(if_nametoindex("vxlan100"), 0);
			assert_int_equal(dp_vni_add(t->d, &p), 0);
		} else {
			p.udp_port = 8472;
			change(t, &p);
			settle(t);
			assert_string_equal(device("vxlan100", "linkinfo.info_data.port"), "8472");
			assert_null(info(t).problem);
		}
	}
}

/* The file was changed while evpnd did not run, and what a device is it is for life. */
static void device_of_an_earlier_run_is_made_anew_for_other_parameters(void **state)
{
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;
	unsigned bridge, vxlan;

	NEEDS_WORLD(t);
	bridge = if_nametoindex("br100");
	vxlan = if_nametoindex("vxlan100");
	bed_stop(t, false);
	bed_start_with(t, &p);
	assert_int_equal(if_nametoindex("vxlan100"), vxlan);
	bed_stop(t, false);
	p.udp_port = 8472;
	bed_start_with(t, &p);
	assert_string_equal(device("vxlan100", "linkinfo.info_data.port"), "8472");
	vxlan = if_nametoindex("vxlan100");
	bed_stop(t, false);
	p.rsc = true;
	bed_start_with(t, &p);
	assert_int_not_equal(if_nametoindex("vxlan100"), vxlan);
	assert_string_equal(device("vxlan100", "linkinfo.info_data.rsc"), "true");
	assert_string_equal(device("vxlan100", "master"), "br100");
	assert_int_equal(if_nametoindex("br100"), bridge);
	assert_null(info(t).problem);
}

/* With a group the kernel takes our mark from the whole flood list: without it nobody would know the rows for ours. */
static void flood_rows_go_when_a_group_comes(void **state)
{
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;
	unsigned vxlan;

	NEEDS_WORLD(t);
	p.learn = true;
	ip_parse("239.1.1.1", &p.group);
	p.underlay = "u0";
	vxlan = if_nametoindex("vxlan100");
	for (unsigned restart = 0; restart < 2; restart++) {
		struct dp_vni_params plain = bed_params();

		if (restart)
			change(t, &plain);
		want_flood(t->d, vtep_nr(2), 0);
		want_flood(t->d, vtep_nr(3), 0);
		settle(t);
		assert_true(flood(t, "192.0.2.3"));
		if (restart) {
			bed_stop(t, false);
			bed_start_with(t, &p);
		} else {
			change(t, &p);
		}
		settle(t);
		assert_int_equal(if_nametoindex("vxlan100"), vxlan);
		world_run("bridge fdb show dev vxlan100 | grep -q 239.1.1.1");
		world_run("! bridge fdb show dev vxlan100 | grep -e 192.0.2.2 -e 192.0.2.3");
	}
}

/* From the moment on that a device learns it drops what comes from a MAC whose row points at a nexthop. */
static void rows_by_nexthop_go_before_the_device_learns(void **state)
{
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;

	NEEDS_WORLD(t);
	wish_all(t);
	settle(t);
	world_run("bridge fdb show dev vxlan100 | grep -q nhid");
	p.learn = true;
	change(t, &p);
	world_run(
		"ip -d link show vxlan100 | grep -v nolearning | grep -q ttl && "
		"! bridge fdb show dev vxlan100 | grep nhid");
	wish_all(t);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_int_equal(stats(t).repairs, 0);
}

/* A hand that changes a device of ours is shown, and the device stays. */
static void device_that_another_hand_has_changed_is_not_made_anew(void **state)
{
	struct bed *t = *state;
	unsigned vxlan;

	NEEDS_WORLD(t);
	vxlan = if_nametoindex("vxlan100");
	world_run("ip link set vxlan100 type vxlan local 192.0.2.77");
	settle(t);
	assert_int_equal(if_nametoindex("vxlan100"), vxlan);
	assert_string_equal(info(t).problem, "vxlan100 has local address 192.0.2.77, expected 192.0.2.1");
	world_run("ip link set vxlan100 type vxlan local 192.0.2.1");
	settle(t);
	assert_null(info(t).problem);
}

/* One by one they take 60 ms each. */
static void devices_of_many_vnis_go_together(void **state)
{
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;
	char bridge[MANY][16], vxlan[MANY][16];
	int64_t start;

	NEEDS_WORLD(t);
	p.n_ports = 0;
	for (unsigned i = 0; i < MANY; i++) {
		p.vni = 1000 + i;
		snprintf(bridge[i], sizeof(bridge[i]), "br%u", p.vni);
		snprintf(vxlan[i], sizeof(vxlan[i]), "vxlan%u", p.vni);
		p.bridge = bridge[i];
		p.vxlan = vxlan[i];
		assert_int_equal(dp_vni_add(t->d, &p), 0);
	}
	for (unsigned i = 0; i < 200 && !all_ready(t); i++)
		settle(t);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_not_equal(if_nametoindex(vxlan[i]), 0);
	dp_vni_del(t->d, 1000);
	settle(t);
	assert_int_equal(if_nametoindex("br1000"), 0);
	p.vni = 1000;
	p.bridge = bridge[0];
	p.vxlan = vxlan[0];
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	for (unsigned i = 0; i < 200 && !all_ready(t); i++)
		settle(t);
	start = ms();
	bed_stop(t, true);
	print_message("%u VNIs: removed in %lld ms\n", MANY, (long long)(ms() - start));
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(if_nametoindex(bridge[i]), 0);
		assert_int_equal(if_nametoindex(vxlan[i]), 0);
	}
	assert_int_equal(if_nametoindex("br100"), 0);
}

#define RUNNING(name) cmocka_unit_test_setup_teardown(name, bed_running_kernel, bed_teardown)
#define BARE(name) cmocka_unit_test_setup_teardown(name, bed_bare_kernel, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(changed_vni_keeps_devices_and_rows),
		RUNNING(ports_join_and_leave),
		RUNNING(another_udp_port_makes_the_vxlan_device_anew_in_the_same_bridge),
		RUNNING(another_bridge_takes_the_ports_and_the_old_one_goes),
		BARE(adopted_device_that_is_let_go_keeps_none_of_our_rows),
		BARE(adopted_devices_of_no_vni_lose_our_rows_at_the_start),
		RUNNING(only_one_writes_in_a_network_namespace),
		RUNNING(device_that_has_just_been_made_changes_and_goes),
		RUNNING(device_of_an_earlier_run_is_made_anew_for_other_parameters),
		RUNNING(flood_rows_go_when_a_group_comes),
		RUNNING(rows_by_nexthop_go_before_the_device_learns),
		RUNNING(device_that_another_hand_has_changed_is_not_made_anew),
		RUNNING(devices_of_many_vnis_go_together),
	};

	return RUN_TESTS(tests);
}

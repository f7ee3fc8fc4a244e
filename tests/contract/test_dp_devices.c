/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The kernel backend and its devices: what it makes, adopts and gives back, what other hands do to them. In
 * namespaces of the test's own; skipped where there are none. A VNI whose parameters change is test_dp_change's.
 */
#include <net/if.h>
#include <unistd.h>

#include "tests/lib/dpbed.h"
#include "tests/lib/test.h"

/* ---- made and adopted -------------------------------------------------------------------------------------------- */

static void made_devices_are_as_vxlan_with_evpn_wants_them(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	assert_string_equal(device("vxlan100", "linkinfo.info_data.id"), "100");
	assert_string_equal(device("vxlan100", "linkinfo.info_data.local"), "192.0.2.1");
	assert_string_equal(device("vxlan100", "linkinfo.info_data.port"), "4789");
	assert_string_equal(device("vxlan100", "linkinfo.info_data.learning"), "false");
	assert_string_equal(device("vxlan100", "mtu"), "1450");
	assert_string_equal(device("vxlan100", "master"), "br100");
	assert_string_equal(device("vxlan100", "inet6_addr_gen_mode"), "none");
	assert_string_equal(device("vxlan100", "linkinfo.info_slave_data.learning"), "false");
	assert_string_equal(device("vxlan100", "linkinfo.info_slave_data.neigh_suppress"), "true");
	assert_string_equal(device("br100", "inet6_addr_gen_mode"), "none");
	assert_string_equal(device("br100", "operstate"), "UP");
	assert_string_equal(device("p1", "master"), "br100");
	assert_string_equal(device("p2", "master"), "br100");
	assert_int_equal(info(t).vxlan_state, DP_DEV_MADE);
	assert_int_equal(info(t).mtu, 1450);
	assert_string_equal(info(t).underlay, "u0");
	bed_stop(t, false);
	assert_string_equal(device("vxlan100", "mtu"), "1450");
	bed_start(t);
	assert_int_equal(info(t).vxlan_state, DP_DEV_MADE); /* by the one before */
	assert_null(info(t).problem);
	bed_stop(t, true);
	assert_string_equal(device("vxlan100", "mtu"), "");
	assert_string_equal(device("br100", "mtu"), "");
	assert_string_equal(device("p1", "master"), "");
}

static void adopted_devices_stay_when_rows_are_flushed(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	t->w->make_devices(t->w, "same");
	bed_start(t);
	assert_string_equal(device("vxlan100", "master"), "br100"); /* put there: it was in none */
	assert_string_equal(device("vxlan100", "linkinfo.info_slave_data.learning"), "false");
	want_fdb(t->d, 1, 2, 0);
	settle(t);
	bed_stop(t, true);
	assert_string_equal(device("vxlan100", "mtu"), "1400");
	assert_string_equal(fdb(t, 1), "");
}

static void vtep_of_ipv6_works_alike(void **state)
{
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;

	NEEDS_WORLD(t);
	p.vtep = ip_of("2001:db8::1");
	bed_start_with(t, &p);
	assert_null(info(t).problem);
	assert_string_equal(device("vxlan100", "linkinfo.info_data.local6"), "2001:db8::1");
	assert_string_equal(device("vxlan100", "mtu"), "1430");
	want_fdb_to(t->d, 1, ip_of("2001:db8::2"), 0);
	want_flood(t->d, ip_of("2001:db8::2"), 0);
	settle(t);
	assert_string_equal(fdb(t, 1), "2001:db8::2");
	assert_true(flood(t, "2001:db8::2"));
	bed_stop(t, false);
	bed_start_with(t, &p);
	want_fdb_to(t->d, 1, ip_of("2001:db8::2"), 0);
	want_flood(t->d, ip_of("2001:db8::2"), 0);
	settle(t);
	assert_int_equal(stats(t).writes, 0);
	assert_int_equal(stats(t).rows_there, 2);
	dp_set_put(t->d, 1, (struct ip[]){ ip_of("2001:db8::3"), ip_of("2001:db8::2") }, 2);
	want_fdb_set(t->d, 1, 1, 0);
	settle(t);
	assert_string_equal(fdb(t, 1), "2001:db8::2 2001:db8::3");
	assert_int_equal(stats(t).errors, 0);
}

static void without_a_bridge_rows_are_on_the_vxlan_device(void **state)
{
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;

	NEEDS_WORLD(t);
	p.bridge = NULL;
	p.n_ports = 0;
	bed_start_with(t, &p);
	assert_true(t->b.ready);
	want_fdb(t->d, 1, 2, 0);
	want_neigh(t->d, host_nr(1), 1, 0);
	settle(t);
	world_run("bridge fdb show dev vxlan100 | grep -q '02:00:00:00:00:01 nhid .* self extern_learn'");
	world_run("ip neigh show dev vxlan100 | grep -q '10.0.0.1 lladdr 02:00:00:00:00:01 .*proto 179'");
	assert_int_equal(stats(t).errors, 0);
	assert_null(shown(t->d, 1, "bridge"));
	unwant_fdb(t->d, 1);
	settle(t);
	world_run("! bridge fdb show dev vxlan100 | grep -q 02:00:00:00:00:01");
	assert_string_equal(device("br100", "mtu"), "");
}

static void tap_is_made_put_into_the_bridge_and_removed_with_the_rest(void **state)
{
	static struct dp_port_params tap[] = { { .name = "tap100", .tap = true } };
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;

	NEEDS_WORLD(t);
	if (access("/dev/net/tun", R_OK | W_OK))
		SKIP("no /dev/net/tun");
	p.ports = tap;
	p.n_ports = 1;
	bed_start_with(t, &p);
	assert_null(info(t).problem);
	assert_string_equal(device("tap100", "master"), "br100");
	assert_string_equal(device("tap100", "linkinfo.info_data.type"), "tap");
	bed_stop(t, false);
	assert_string_equal(device("tap100", "master"), "br100");
	bed_start_with(t, &p);
	bed_stop(t, true);
	assert_string_equal(device("tap100", "master"), "");
	assert_string_equal(device("tap100", "mtu"), "");
}

static void port_with_a_vlan_is_a_vlan_device(void **state)
{
	static struct dp_port_params vlan[] = { { .name = "p1", .vlan = 7 } };
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;

	NEEDS_WORLD(t);
	p.ports = vlan;
	p.n_ports = 1;
	bed_start_with(t, &p);
	assert_true(t->b.ready);
	if (info(t).problem) { /* a kernel without VLANs says so */
		assert_string_equal(info(t).problem,
				    "p1.7: cannot make the VLAN device: Operation not supported (Unknown "
				    "device type); the kernel lacks the module 8021q");
		SKIP("a kernel without 8021q; that evpnd says so has been seen");
	}
	assert_string_equal(device("p1.7", "master"), "br100");
	assert_string_equal(device("p1.7", "linkinfo.info_data.id"), "7");
	bed_stop(t, true);
	assert_string_equal(device("p1.7", "mtu"), "");
}

/* ---- other hands ------------------------------------------------------------------------------------------------- */

static void what_another_hand_changes_is_told_and_not_undone(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	want_fdb(t->d, 1, 2, 0);
	settle(t);
	world_run("ip link set vxlan100 down");
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2"); /* the kernel keeps it */
	assert_string_equal(info(t).problem, "vxlan100 is down");
	assert_false(t->b.ready);
	assert_string_equal(device("vxlan100", "operstate"), "DOWN");
	world_run("ip link set vxlan100 up");
	settle(t);
	assert_null(info(t).problem);
	assert_true(t->b.ready);
	world_run("ip link set vxlan100 nomaster");
	settle(t);
	assert_string_equal(info(t).problem, "vxlan100 is not in br100");
	assert_false(t->b.ready);
	world_run("ip link set vxlan100 master br100");
	settle(t);
	assert_true(t->b.ready);
	assert_string_equal(info(t).problem, "vxlan100 learns MACs as a port of br100, expected learning off");
	world_run("bridge link set dev vxlan100 learning off");
	settle(t);
	assert_string_equal(info(t).problem, "vxlan100 has neigh_suppress off");
	world_run("ip link set vxlan100 type bridge_slave neigh_suppress on; ip link set vxlan100 mtu 1500");
	settle(t);
	assert_string_equal(info(t).problem, "vxlan100 has MTU 1500, the underlay carries 1450");
	world_run("ip link set u0 mtu 1600");
	settle(t);
	assert_null(info(t).problem);
	world_run("ip link set p1 nomaster");
	settle(t);
	assert_string_equal(info(t).problem, "port p1 has been taken out of br100");
	assert_true(t->b.ready);
	assert_true(said(t, "VNI 100: vxlan100 is not in br100"));
}

static void address_of_the_vtep_may_come_later(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	world_run("ip addr del 192.0.2.1/24 dev u0");
	bed_start(t);
	assert_string_equal(info(t).problem, "192.0.2.1 is not an address of this host");
	world_run("ip link set u0 mtu 9000; ip addr add 192.0.2.1/24 dev u0");
	settle(t);
	assert_null(info(t).problem);
	assert_string_equal(device("vxlan100", "mtu"), "8950"); /* what had been guessed is made right */
}

static void port_that_is_made_again_is_put_into_the_bridge_again(void **state)
{
	struct bed *t = *state;
	struct mac m = mac_nr(1);

	NEEDS_WORLD(t);
	world_speak(1, &m);
	settle(t);
	assert_int_equal(t->b.ifindex[1], if_nametoindex("p1"));
	world_run("ip link del p1");
	settle(t);
	assert_int_equal(t->b.ifindex[1], 0);
	assert_string_equal(info(t).problem, "port p1 is missing");
	world_run("ip link add p1 type veth peer name h1; ip link set h1 up");
	settle(t);
	assert_null(info(t).problem);
	assert_string_equal(device("p1", "master"), "br100");
	world_speak(1, &m);
	settle(t);
	assert_int_equal(t->b.ifindex[1], if_nametoindex("p1"));
}

static void bridge_that_is_deleted_alone_comes_back_with_its_ports(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	want_fdb(t->d, 1, 2, 0);
	settle(t);
	world_run("ip link del br100");
	settle(t);
	settle(t);
	assert_true(t->b.ready);
	assert_null(info(t).problem);
	assert_string_equal(device("vxlan100", "master"), "br100");
	assert_string_equal(device("vxlan100", "linkinfo.info_slave_data.learning"), "false");
	assert_string_equal(device("p1", "master"), "br100");
	assert_string_equal(fdb(t, 1), "192.0.2.2");
}

static void device_that_is_in_another_bridge_is_left_there(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	t->w->make_devices(t->w, "same");
	world_run("ip link add other type bridge; ip link set vxlan100 master other; ip link set p2 master other");
	bed_start(t);
	assert_string_equal(info(t).problem, "vxlan100 is in other, expected br100");
	assert_int_equal(info(t).vxlan_state, DP_DEV_CONFLICT);
	assert_false(t->b.ready);
	world_run("ip link set vxlan100 nomaster");
	settle(t);
	assert_true(t->b.ready);
	assert_string_equal(info(t).problem, "port p2 is in other, expected br100");
	assert_string_equal(device("p2", "master"), "other");
}

static void names_that_are_something_else_are_reported(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	world_run("ip link add br100 type veth peer name x");
	bed_start(t);
	assert_string_equal(info(t).problem, "br100 is there and no bridge");
	assert_int_equal(info(t).bridge_state, DP_DEV_CONFLICT);
	assert_string_equal(device("vxlan100", "mtu"), "");
}

static void vni_of_another_device_is_reported_and_taken_when_free(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	world_run("ip link add old type vxlan id 100 local 192.0.2.1 dstport 4789");
	bed_start(t);
	assert_string_equal(info(t).problem,
			    "vxlan100: cannot make the vxlan device: File exists (A VXLAN device with the "
			    "specified VNI already exists); another device has this VNI and port");
	assert_false(t->b.ready);
	world_run("ip link del old");
	for (int i = 0; i < 1000 && !t->b.ready; i++)
		settle(t); /* it tries again after seconds */
	assert_true(t->b.ready);
}

#define RUNNING(name) cmocka_unit_test_setup_teardown(name, bed_running_kernel, bed_teardown)
#define BARE(name) cmocka_unit_test_setup_teardown(name, bed_bare_kernel, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(made_devices_are_as_vxlan_with_evpn_wants_them),
		BARE(adopted_devices_stay_when_rows_are_flushed),
		BARE(vtep_of_ipv6_works_alike),
		BARE(without_a_bridge_rows_are_on_the_vxlan_device),
		BARE(tap_is_made_put_into_the_bridge_and_removed_with_the_rest),
		BARE(port_with_a_vlan_is_a_vlan_device),
		RUNNING(what_another_hand_changes_is_told_and_not_undone),
		BARE(address_of_the_vtep_may_come_later),
		RUNNING(port_that_is_made_again_is_put_into_the_bridge_again),
		RUNNING(bridge_that_is_deleted_alone_comes_back_with_its_ports),
		BARE(device_that_is_in_another_bridge_is_left_there),
		BARE(names_that_are_something_else_are_reported),
		BARE(vni_of_another_device_is_reported_and_taken_when_free),
	};

	return RUN_TESTS(tests);
}

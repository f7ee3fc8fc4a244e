/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What only a kernel can do to its dataplane backend: devices and their options, frames that are learned, races with what
 * lies in the queue of events, lost events, refusals. In namespaces of the test's own; skipped where there are none.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "dataplane/kernel.h"
#include "tests/lib/dpbed.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

/* A frame of a host behind port 1 or 2. */
static void speak(unsigned port, const struct mac *from)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(port == 1 ? "h1" : "h2"), .sll_halen = 6
	};
	uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	memcpy(frame + 6, from->b, 6);
	frame[12] = 0x88; /* a protocol that nobody speaks: local experimental */
	frame[13] = 0xb5;
	assert_int_equal(sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)), sizeof(frame));
	close(fd);
}

static unsigned port_index(const char *name)
{
	return if_nametoindex(name);
}

/* ---- devices ------------------------------------------------------------------------------------------------------ */

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
	if (access("/dev/net/tun", R_OK | W_OK)) {
		print_message("skipped: no /dev/net/tun\n");
		skip();
	}
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
		assert_string_equal(info(t).problem, "p1.7: cannot make the VLAN device: Operation not supported (Unknown "
				    "device type); the kernel lacks the module 8021q");
		return;
	}
	assert_string_equal(device("p1.7", "master"), "br100");
	assert_string_equal(device("p1.7", "linkinfo.info_data.id"), "7");
	bed_stop(t, true);
	assert_string_equal(device("p1.7", "mtu"), "");
}

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
	speak(1, &m);
	settle(t);
	assert_int_equal(t->b.ifindex[1], port_index("p1"));
	world_run("ip link del p1");
	settle(t);
	assert_int_equal(t->b.ifindex[1], 0);
	assert_string_equal(info(t).problem, "port p1 is missing");
	world_run("ip link add p1 type veth peer name h1; ip link set h1 up");
	settle(t);
	assert_null(info(t).problem);
	assert_string_equal(device("p1", "master"), "br100");
	speak(1, &m);
	settle(t);
	assert_int_equal(t->b.ifindex[1], port_index("p1"));
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
	assert_string_equal(info(t).problem, "vxlan100: cannot make the vxlan device: File exists (A VXLAN device with the "
			    "specified VNI already exists); another device has this VNI and port");
	assert_false(t->b.ready);
	world_run("ip link del old");
	for (int i = 0; i < 1000 && !t->b.ready; i++)
		settle(t); /* it tries again after seconds */
	assert_true(t->b.ready);
}

/* ---- local MACs --------------------------------------------------------------------------------------------------- */

static void frames_are_learned_moved_and_aged(void **state)
{
	struct bed *t = *state;
	struct mac m = mac_nr(1);

	NEEDS_WORLD(t);
	speak(1, &m);
	settle(t);
	assert_int_equal(t->b.ifindex[1], port_index("p1"));
	speak(2, &m);
	settle(t);
	assert_int_equal(t->b.ifindex[1], port_index("p2"));
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
	speak(1, &m);
	settle(t);
	assert_int_equal(t->b.ifindex[1], port_index("p1"));
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

static void sticky_remote_mac_does_not_move_to_a_port(void **state)
{
	struct bed *t = *state;
	struct mac m = mac_nr(1);

	NEEDS_WORLD(t);
	want_fdb(t->d, 1, 2, DP_STICKY);
	settle(t);
	speak(1, &m);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_int_equal(t->b.ifindex[1], 0);
	want_fdb(t->d, 1, 2, 0); /* no longer sticky */
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	speak(1, &m);
	settle(t);
	assert_int_equal(t->b.ifindex[1], port_index("p1"));
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
	assert_int_equal(t->b.ifindex[1], port_index("p1"));
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

/* ---- rows --------------------------------------------------------------------------------------------------------- */

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
	world_run("bridge fdb del 02:00:00:00:00:01 dev vxlan100 master; bridge fdb del 02:00:00:00:00:02 dev vxlan100 self; "
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
	assert_true(said(t, "VNI 100: write flood row to 2001:db8::9: refused: Address family not supported by protocol"));
	assert_true(said(t, "VNI 100: write FDB row of 02:00:00:00:00:01 to 2001:db8::9: refused: "));
}

static void full_vxlan_device_is_told_with_what_limits_it(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	world_run("ip link add br100 type bridge && ip link add vxlan100 type vxlan id 100 local 192.0.2.1 dstport 4789 "
		  "nolearning maxaddress 2");
	bed_start(t);
	for (unsigned i = 1; i <= 3; i++)
		want_fdb(t->d, i, 2, 0);
	settle(t);
	assert_true(said(t, "VNI 100: write FDB row of 02:00:00:00:00:03 to 192.0.2.2: refused: No space left on device; the vxlan "
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

/* Another program's: never written over, shown as what the row waits for, the others go on; it comes when that is gone. */
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
	assert_int_equal(t->b.ifindex[60], port_index("p1"));
	f = popen("bridge -batch -", "w"); /* more than the queue of 8 MiB holds */
	for (unsigned i = 0; i < N; i++)
		fprintf(f, "fdb add 02:00:00:00:%02x:%02x dev p2 master static\n", (i + 1000) >> 8, (i + 1000) & 255);
	for (unsigned i = 0; i < N - 5; i++)
		fprintf(f, "fdb del 02:00:00:00:%02x:%02x dev p2 master\n", (i + 1000) >> 8, (i + 1000) & 255);
	assert_int_equal(pclose(f), 0);
	learn(t, 1, 1, FAKEDP_KERNEL);
	learn(t, 2, 2, FAKEDP_STATIC);
	world_run("bridge fdb del 02:00:00:00:00:03 dev vxlan100 self; bridge fdb del 02:00:00:00:00:04 dev vxlan100 master; "
		  "bridge fdb del 02:00:00:00:00:3c dev p1 master; ip nexthop flush proto 179 >/dev/null 2>&1; "
		  "ip neigh del 10.0.0.1 dev br100");
	settle(t);
	assert_true(stats(t).overruns > 0);
	assert_true(said(t, "events were lost"));
	assert_int_equal(t->b.ifindex[1], port_index("p1"));
	assert_int_equal(port_of(t, 1), 1);
	assert_int_equal(t->b.ifindex[2], port_index("p2"));
	assert_int_equal(port_of(t, 2), 2);
	assert_int_equal(t->b.ifindex[60], 0);
	for (unsigned i = 3; i <= 50; i++)
		assert_string_equal(fdb(t, i), "192.0.2.2");
	assert_int_equal(neighbour(t, host_nr(1)), 1);
	for (unsigned i = 1000; i < 1000 + N - 5; i++)
		assert_int_equal(t->b.ifindex[i], 0);
	for (unsigned i = 1000 + N - 5; i < 1000 + N; i++)
		assert_int_equal(t->b.ifindex[i], port_index("p2"));
}

static void burst_leaves_nothing_out_and_a_local_mac_in_it_alone(void **state)
{
	enum { N = 5000 };
	struct bed *t = *state;
	struct mac m = mac_nr(2500);

	NEEDS_WORLD(t);
	for (unsigned i = 1; i <= N; i++)
		want_fdb(t->d, i, 2 + i % 7, 0);
	speak(1, &m); /* not read yet when the burst starts */
	settle(t);
	assert_int_equal(t->b.ifindex[2500], port_index("p1"));
	assert_int_equal(port_of(t, 2500), 1);
	assert_int_equal(t->w->count(t->w), N - 1);
	for (unsigned i = 1; i <= N; i++)
		unwant_fdb(t->d, i);
	settle(t);
	assert_int_equal(t->w->count(t->w), 0);
	assert_int_equal(port_of(t, 2500), 1);
	assert_int_equal(stats(t).errors, 0);
}

/* ---- random ------------------------------------------------------------------------------------------------------- */

#define CHAOS_MACS 24u
#define CHAOS_STEPS 100
#define CHAOS_CROWD 1000u /* number of the first of the many */
#define CHAOS_SET 6u      /* from here on the wish is a set of VTEPs */

/* Members of the sets, as put_set() has them; "": it is not there. */
struct chaos_sets {
	unsigned restarts; /* numbers are others after each */
	char members[2][5];
};

static uint32_t set_number(const struct chaos_sets *s, unsigned wish)
{
	return 1 + (wish - CHAOS_SET + s->restarts) % 2 + 2 * (s->restarts % 3);
}

static void want_place(struct bed *t, const struct chaos_sets *s, unsigned m, unsigned wish, uint8_t flags)
{
	if (wish >= CHAOS_SET)
		want_fdb_set(t->d, m, set_number(s, wish), 0);
	else
		want_fdb(t->d, m, wish, flags);
}

/* Some of VTEPs 2 to 5. */
static void chaos_set(struct bed *t, struct rng *r, struct chaos_sets *s, unsigned wish)
{
	unsigned bits = 1 + rng_below(r, 15), n = 0;
	char *members = s->members[wish - CHAOS_SET];

	for (unsigned v = 0; v < 4; v++)
		if (bits >> v & 1)
			members[n++] = (char)('2' + v);
	members[n] = '\0';
	put_set(t->d, set_number(s, wish), members);
}

/* Another program's and static rows by MAC number, so that they are known to have been left alone. */
static enum fakedp_hand hand_of(unsigned mac)
{
	return mac % 8 == 6 ? FAKEDP_STATIC : mac % 8 == 7 ? FAKEDP_EXTERN : FAKEDP_KERNEL;
}

static void chaos_wish(struct bed *t, struct rng *r, struct chaos_sets *s, unsigned m, unsigned *wish)
{
	if (rng_below(r, 3) == 0) {
		*wish = 0;
		unwant_fdb(t->d, m);
		return;
	}
	*wish = 2 + rng_below(r, 6);
	if (*wish >= CHAOS_SET && (!s->members[*wish - CHAOS_SET][0] || rng_below(r, 3) == 0))
		chaos_set(t, r, s, *wish);
	if (*wish < CHAOS_SET && rng_below(r, 2)) {
		want_fdb(t->d, m, *wish, DP_TAKE_OVER);
		t->b.ifindex[m] = 0; /* evpn forgets it with the wish */
	} else {
		want_place(t, s, m, *wish, rng_below(r, 6) ? 0 : DP_STICKY);
	}
}

static void chaos_hand(struct bed *t, struct rng *r, unsigned m)
{
	static const char *const cmds[] = {
		"bridge fdb del %s dev vxlan100 self", "bridge fdb del %s dev vxlan100 master",
		"bridge fdb del %s dev p1 master", "bridge fdb flush dev vxlan100 dynamic 2>/dev/null; : %s",
	};
	struct mac mac = mac_nr(m);
	char cmd[128];
	unsigned n = rng_below(r, 16);

	if (n < 4 && (n != 2 || hand_of(m) == FAKEDP_KERNEL)) {
		snprintf(cmd, sizeof(cmd), cmds[n], mac_str(&mac).s);
		world_run("%s 2>/dev/null; true", cmd);
	} else if (n == 4) {
		world_run("ip nexthop flush proto 179 >/dev/null 2>&1; true");
	} else if (n == 5) {
		world_run("ip link set vxlan100 down 2>/dev/null && ip link set vxlan100 up; true");
	} else if (n == 6) {
		world_run("ip link set br100 down 2>/dev/null && ip link set br100 up; true");
	} else if (n == 7 && rng_below(r, 4) == 0) {
		world_run("ip link del vxlan100 2>/dev/null; true");
	} else if (hand_of(m) == FAKEDP_KERNEL) {
		speak(1 + rng_below(r, 2), &mac);
	} else if (!port_of(t, m)) {
		learn(t, m, 1 + rng_below(r, 2), hand_of(m));
	}
}

/* Many rows that nobody touches by name: VTEP and neighbours of each follow from its number. */
static void chaos_crowd(struct bed *t, unsigned crowd)
{
	for (unsigned i = 0; i < crowd; i++)
		want_fdb(t->d, CHAOS_CROWD + i, 2 + i % 7, 0);
	for (unsigned v = 2; v < 6; v++)
		want_flood(t->d, vtep_nr(v), 0);
}

/* As after kill -9: rows stay, and the next one is told what to wish from the start. */
static void chaos_restart(struct bed *t, struct chaos_sets *s, unsigned crowd, const unsigned *wish)
{
	bed_stop(t, false);
	bed_start(t);
	s->restarts++;
	for (unsigned i = 0; i < 2; i++)
		if (s->members[i][0])
			put_set(t->d, set_number(s, CHAOS_SET + i), s->members[i]);
	chaos_crowd(t, crowd);
	for (unsigned m = 1; m <= CHAOS_MACS; m++) {
		if (wish[m])
			want_place(t, s, m, wish[m], 0);
	}
}

/* Room for a few events only: most bursts overrun it. */
static void chaos_deafen(struct bed *t)
{
	int size = 1;

	setsockopt(((struct kernel *)dp_backend(t->d))->events.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static void chaos_check(struct bed *t, const struct chaos_sets *s, unsigned m, unsigned wish)
{
	struct ip v = vtep_nr(wish);
	char want[128] = "";
	unsigned port = port_of(t, m);

	for (const char *p = wish < CHAOS_SET ? "" : s->members[wish - CHAOS_SET]; *p; p++)
		snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s192.0.2.%c", want[0] ? " " : "", *p);
	assert_int_equal(t->b.ifindex[m], port ? t->w->ifindex(t->w, port) : 0);
	if (!wish || port)
		assert_string_equal(fdb(t, m), "");
	else
		assert_string_equal(fdb(t, m), wish < CHAOS_SET ? ip_str(&v).s : want);
	if (!wish)
		world_run("! bridge fdb show dev vxlan100 | grep -q 02:00:00:00:00:%02x", m);
}

static void random_edits_of_a_kernel_end_as_wanted(void **state)
{
	struct rng r = rng_start("dp_kernel");
	const char *runs = getenv("DP_CHAOS_RUNS"), *rows = getenv("DP_CHAOS_ROWS");

	for (unsigned run = 0; run < (runs ? strtoul(runs, NULL, 10) : 2); run++) {
		unsigned wish[CHAOS_MACS + 1] = { 0 }, crowd;
		struct chaos_sets sets = { 0 };
		bool deaf = rng_below(&r, 3) == 0;
		struct bed *t;

		if (run)
			bed_running_kernel(state);
		t = *state;
		NEEDS_WORLD(t);
		crowd = rows ? (unsigned)strtoul(rows, NULL, 10) : rng_below(&r, 4) ? 0 : 300;
		chaos_crowd(t, crowd);
		for (unsigned i = 0; i < CHAOS_STEPS; i++) {
			unsigned m = 1 + rng_below(&r, CHAOS_MACS);

			if (deaf)
				chaos_deafen(t);
			if (rng_below(&r, 25) == 0)
				chaos_restart(t, &sets, crowd, wish);
			else if (rng_below(&r, 2))
				chaos_wish(t, &r, &sets, m, &wish[m]);
			else
				chaos_hand(t, &r, m);
			if (rng_below(&r, 4) == 0)
				settle(t);
		}
		dp_sweep(t->d); /* what an earlier run has left and nobody wishes */
		settle(t);
		for (int i = 0; i < 200 && (stats(t).dirty || ((struct kernel *)dp_backend(t->d))->overrun); i++)
			settle(t); /* what was refused is tried again, and what was lost learned anew */
		for (unsigned m = 1; m <= CHAOS_MACS; m++)
			chaos_check(t, &sets, m, wish[m]);
		for (unsigned i = 0; i < crowd; i++) {
			struct ip v = vtep_nr(2 + i % 7);

			assert_string_equal(fdb(t, CHAOS_CROWD + i), ip_str(&v).s);
		}
		for (unsigned v = 2; v < 6; v++) {
			struct ip vtep = vtep_nr(v);

			assert_true(t->w->flood(t->w, &vtep));
		}
		if (run + 1 < (runs ? strtoul(runs, NULL, 10) : 2)) {
			bed_teardown(state);
			*state = NULL;
		}
	}
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
		RUNNING(frames_are_learned_moved_and_aged),
		RUNNING(remote_mac_that_speaks_here_is_told_and_keeps_its_port),
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
		RUNNING(lost_events_make_it_learn_anew_before_it_writes),
		RUNNING(burst_leaves_nothing_out_and_a_local_mac_in_it_alone),
		RUNNING(random_edits_of_a_kernel_end_as_wanted),
	};

	return RUN_TESTS(tests);
}

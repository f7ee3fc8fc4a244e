/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What every dataplane backend must do, over every backend there is: the fake always, the
 * kernel's and the userspace VTEP in a network namespace of the test's own (as root; skipped
 * otherwise). Nobody else can change the VTEP's tables, and they do not outlive it, so what
 * is about that is not asked of it. What is there is read by iproute2, not by ourselves.
 */
#include "tests/lib/dpbed.h"
#include "tests/lib/test.h"

static void rows_appear_and_vanish(void **state)
{
	struct bed *t = *state;
	struct ip v6 = ip_of("fd00::7"), v4 = host_nr(7), vtep = vtep_nr(2);
	struct mac m = mac_nr(1);
	struct dp_key keys[] = { dp_key_fdb(WORLD_VNI, &m), dp_key_flood(WORLD_VNI, &vtep),
				 dp_key_neigh(WORLD_VNI, &v4), dp_key_neigh(WORLD_VNI, &v6) };

	NEEDS_WORLD(t);
	want_fdb(t->d, 1, 2, 0);
	want_flood(t->d, vtep_nr(2), 0);
	want_flood(t->d, vtep_nr(3), 0);
	want_neigh(t->d, v4, 1, 0);
	want_neigh(t->d, v6, 1, 0);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_true(flood(t, "192.0.2.2"));
	assert_true(flood(t, "192.0.2.3"));
	assert_int_equal(neighbour(t, v4), 1);
	assert_int_equal(neighbour(t, v6), 1);
	want_fdb(t->d, 1, 3, 0);
	want_neigh(t->d, v4, 2, 0);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.3");
	assert_int_equal(neighbour(t, v4), 2);
	for (unsigned i = 0; i < 4; i++)
		dp_unwant(t->d, &keys[i]);
	settle(t);
	assert_string_equal(fdb(t, 1), "");
	assert_false(flood(t, "192.0.2.2"));
	assert_true(flood(t, "192.0.2.3"));
	assert_int_equal(neighbour(t, v4), 0);
	assert_int_equal(neighbour(t, v6), 0);
	assert_int_equal(stats(t).errors, 0);
	assert_int_equal(stats(t).rows, 1);
}

static void devices_that_say_the_same_are_adopted(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	t->w->make_devices(t->w, "same");
	bed_start(t);
	assert_int_equal(info(t).vxlan_state, DP_DEV_ADOPTED);
	assert_int_equal(info(t).bridge_state, DP_DEV_ADOPTED);
	assert_null(info(t).problem);
	assert_true(t->b.ready);
	want_fdb(t->d, 1, 2, 0);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	bed_stop(t, true);
	assert_string_equal(fdb(t, 1), "");
}

static void device_that_contradicts_is_reported(void **state)
{
	static const char *const cases[][2] = {
		{ "vni", "vxlan100 has VNI 200, expected 100" },
		{ "local", "vxlan100 has local address 192.0.2.9, expected 192.0.2.1" },
		{ "port", "vxlan100 has UDP port 8472, expected 4789" },
	};
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned i = 0; i < 3; i++) {
		t->w->make_devices(t->w, cases[i][0]);
		bed_start(t);
		assert_int_equal(info(t).vxlan_state, DP_DEV_CONFLICT);
		assert_string_equal(info(t).problem, cases[i][1]);
		assert_false(t->b.ready);
		want_fdb(t->d, 1, 2, 0);
		t->w->settle(t->w, t->d);
		bed_stop(t, false);
		assert_string_equal(fdb(t, 1), "");
		t->w->delete_devices(t->w);
	}
}

static void deleted_devices_come_back_with_their_rows(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned i = 1; i <= 20; i++)
		want_fdb(t->d, i, 2 + i % 3, 0);
	want_flood(t->d, vtep_nr(2), 0);
	want_neigh(t->d, host_nr(1), 1, 0);
	learn(t, 99, 1, FAKEDP_KERNEL);
	settle(t);
	assert_int_equal(t->w->count(t->w), 20);
	assert_int_equal(t->b.ifindex[99], t->w->ifindex(t->w, 1));
	t->w->delete_devices(t->w);
	settle(t);
	settle(t);
	assert_true(t->b.ready);
	assert_int_equal(t->b.ifindex[99], 0);
	for (unsigned i = 1; i <= 20; i++) {
		struct ip v = vtep_nr(2 + i % 3);

		assert_string_equal(fdb(t, i), ip_str(&v).s);
	}
	assert_true(flood(t, "192.0.2.2"));
	assert_int_equal(neighbour(t, host_nr(1)), 1);
}

static void foreign_rows_are_left_alone(void **state)
{
	struct bed *t = *state;
	struct ip v9 = vtep_nr(9), h = host_nr(1);
	struct mac m5 = mac_nr(5), m1 = mac_nr(1), zero = { 0 };

	NEEDS_WORLD(t);
	t->w->foreign(t->w, &m5, &v9);
	t->w->foreign(t->w, &zero, &v9);
	t->w->neigh(t->w, &h, &m1, FAKEDP_EXTERN);
	learn(t, 6, 2, FAKEDP_STATIC);
	settle(t);
	want_fdb(t->d, 5, 2, 0);
	want_fdb(t->d, 6, 2, DP_TAKE_OVER);
	want_neigh(t->d, h, 9, 0);
	settle(t);
	assert_int_equal(port_of(t, 6), 2);
	assert_int_equal(neighbour(t, h), 1);
	assert_int_equal(stats(t).rows_there, 0);
	unwant_fdb(t->d, 5);
	bed_stop(t, false);
	assert_true(flood(t, "192.0.2.9"));
	assert_int_equal(neighbour(t, h), 1);
	assert_int_equal(port_of(t, 6), 2);
	bed_start(t);
	dp_sweep(t->d);
	settle(t);
	assert_true(flood(t, "192.0.2.9"));
	assert_int_equal(port_of(t, 6), 2);
}

static void local_rows_of_every_kind_are_told(void **state)
{
	struct bed *t = *state;
	struct ip h1 = host_nr(1), h2 = host_nr(2), h3 = ip_of("fd00::3");
	struct mac m = mac_nr(1);

	NEEDS_WORLD(t);
	learn(t, 1, 1, FAKEDP_KERNEL);
	learn(t, 2, 2, FAKEDP_STATIC);
	learn(t, 3, 2, FAKEDP_EXTERN);
	learn(t, 4, 1, FAKEDP_OWN);
	t->w->neigh(t->w, &h1, &m, FAKEDP_KERNEL);
	t->w->neigh(t->w, &h2, &m, FAKEDP_STATIC);
	t->w->neigh(t->w, &h3, &m, FAKEDP_KERNEL);
	settle(t);
	assert_int_equal(t->b.ifindex[1], t->w->ifindex(t->w, 1));
	assert_int_equal(t->b.flags[1], 0);
	assert_int_equal(t->b.ifindex[2], t->w->ifindex(t->w, 2));
	assert_int_equal(t->b.flags[2], DP_LOCAL_STATIC);
	assert_int_equal(t->b.ifindex[3], t->w->ifindex(t->w, 2));
	assert_int_equal(t->b.ifindex[4], 0);
	assert_true(t->b.ip[1]);
	assert_true(t->b.ip[2]);
	assert_true(t->b.ip[3]);
	bed_stop(t, false);
	bed_start(t); /* and from the dump at the start */
	assert_int_equal(t->b.ifindex[1], t->w->ifindex(t->w, 1));
	assert_int_equal(t->b.flags[2], DP_LOCAL_STATIC);
	assert_int_equal(t->b.ifindex[3], t->w->ifindex(t->w, 2));
	assert_int_equal(t->b.ifindex[4], 0);
	assert_true(t->b.ip[1] && t->b.ip[2] && t->b.ip[3]);
	m = mac_nr(1);
	t->w->forget(t->w, &m, 1);
	t->w->neigh(t->w, &h1, NULL, 0);
	settle(t);
	assert_int_equal(t->b.ifindex[1], 0);
	assert_false(t->b.ip[1]);
	assert_int_equal(t->b.macs_gone, 1);
}

static void mac_that_moves_between_ports_is_told(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	learn(t, 1, 1, FAKEDP_KERNEL);
	settle(t);
	learn(t, 1, 2, FAKEDP_KERNEL);
	settle(t);
	assert_int_equal(t->b.ifindex[1], t->w->ifindex(t->w, 2));
}

static void local_mac_blocks_until_it_moved_away(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	learn(t, 1, 1, FAKEDP_KERNEL);
	settle(t);
	want_fdb(t->d, 1, 2, 0);
	settle(t);
	assert_int_equal(port_of(t, 1), 1);
	assert_string_equal(fdb(t, 1), "");
	want_fdb(t->d, 1, 2, DP_TAKE_OVER);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	learn(t, 1, 2, FAKEDP_KERNEL); /* it comes back */
	settle(t);
	assert_int_equal(t->b.ifindex[1], t->w->ifindex(t->w, 2));
	assert_int_equal(port_of(t, 1), 2);
	unwant_fdb(t->d, 1);
	settle(t);
	assert_int_equal(port_of(t, 1), 2);
	assert_string_equal(fdb(t, 1), "");
}

static void restart_adopts_without_a_write_and_sweeps_what_nobody_claims(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned i = 1; i <= 100; i++)
		want_fdb(t->d, i, 2 + i % 3, i % 10 ? 0 : DP_STICKY);
	for (unsigned i = 2; i <= 4; i++)
		want_flood(t->d, vtep_nr(i), 0);
	want_neigh(t->d, host_nr(1), 1, 0);
	want_neigh(t->d, host_nr(2), 2, 0);
	settle(t);
	assert_int_equal(stats(t).rows_there, 105);
	bed_stop(t, false);
	bed_start(t);
	assert_string_equal(fdb(t, 1), "192.0.2.3");
	for (unsigned i = 1; i <= 90; i++)
		want_fdb(t->d, i, 2 + i % 3, i % 10 ? 0 : DP_STICKY);
	for (unsigned i = 2; i <= 3; i++)
		want_flood(t->d, vtep_nr(i), 0);
	want_neigh(t->d, host_nr(1), 1, 0);
	settle(t);
	assert_int_equal(stats(t).writes, 0);
	assert_int_equal(stats(t).rows_there, 93);
	assert_string_equal(fdb(t, 100), "192.0.2.3");
	assert_true(flood(t, "192.0.2.4"));
	dp_sweep(t->d);
	settle(t);
	assert_string_equal(fdb(t, 100), "");
	assert_string_equal(fdb(t, 90), "192.0.2.2");
	assert_false(flood(t, "192.0.2.4"));
	assert_int_equal(neighbour(t, host_nr(2)), 0);
	assert_int_equal(neighbour(t, host_nr(1)), 1);
	assert_int_equal(stats(t).writes, 12);
}

static void flush_on_stop_leaves_nothing(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	want_fdb(t->d, 1, 2, 0);
	want_flood(t->d, vtep_nr(2), 0);
	want_neigh(t->d, host_nr(1), 1, 0);
	settle(t);
	bed_stop(t, true);
	assert_string_equal(fdb(t, 1), "");
	assert_false(flood(t, "192.0.2.2"));
	assert_int_equal(neighbour(t, host_nr(1)), 0);
}

static void object_that_is_deleted_comes_back_with_its_rows(void **state)
{
	struct bed *t = *state;
	struct ip v = vtep_nr(2);

	NEEDS_WORLD(t);
	for (unsigned i = 1; i <= 30; i++)
		want_fdb(t->d, i, 2, 0);
	settle(t);
	t->w->kill_object(t->w, &v);
	settle(t);
	for (unsigned i = 1; i <= 30; i++)
		assert_string_equal(fdb(t, i), "192.0.2.2");
	assert_int_equal(stats(t).repairs, 30);
	assert_int_equal(stats(t).errors, 0);
}

static void ten_thousand_rows_come_and_go(void **state)
{
	enum { N = 10000 };
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned i = 1; i <= N; i++)
		want_fdb(t->d, i, 2 + i % 50, 0);
	settle(t);
	assert_int_equal(t->w->count(t->w), N);
	assert_int_equal(stats(t).rows_there, N);
	for (unsigned i = 1; i <= N; i++) {
		struct ip v = vtep_nr(2 + i % 50);

		assert_string_equal(fdb(t, i), ip_str(&v).s);
	}
	for (unsigned i = 1; i <= N; i++)
		unwant_fdb(t->d, i);
	settle(t);
	assert_int_equal(t->w->count(t->w), 0);
	assert_int_equal(stats(t).rows, 0);
	assert_int_equal(stats(t).errors, 0);
	assert_int_equal(stats(t).repairs, 0);
}

static void change(struct bed *t, const struct dp_vni_params *p)
{
	dp_vni_del(t->d, WORLD_VNI);
	t->b.ifindex[98] = t->b.ifindex[99] = 0; /* as evpn forgets it */
	assert_int_equal(dp_vni_add(t->d, p), 0);
	for (unsigned i = 1; i <= 20; i++)
		want_fdb(t->d, i, 2 + i % 3, 0);
	want_flood(t->d, vtep_nr(2), 0);
	want_neigh(t->d, host_nr(1), 1, 0);
	settle(t);
}

/* What stays is not written again. A port that goes takes along what was learned there, another UDP port all of it. */
static void changed_vni_keeps_what_stays(void **state)
{
	struct dp_vni_params p = bed_params();
	struct bed *t = *state;
	uint64_t writes;

	NEEDS_WORLD(t);
	learn(t, 98, 1, FAKEDP_KERNEL);
	learn(t, 99, 2, FAKEDP_KERNEL);
	change(t, &p);
	want_fdb(t->d, 21, 2, 0);
	settle(t);
	writes = stats(t).writes;
	p.neigh_suppress = false;
	change(t, &p);
	assert_int_equal(stats(t).writes, writes + 1); /* the one that nobody wants any more */
	assert_string_equal(fdb(t, 21), "");
	assert_int_equal(t->b.ifindex[98], t->w->ifindex(t->w, 1));
	assert_int_equal(t->b.ifindex[99], t->w->ifindex(t->w, 2));
	p.n_ports = 1;
	change(t, &p);
	assert_int_equal(stats(t).writes, writes + 1);
	assert_int_equal(t->b.ifindex[98], t->w->ifindex(t->w, 1));
	assert_int_equal(port_of(t, 99), 0);
	assert_int_equal(t->b.ifindex[99], 0);
	p.n_ports = 2;
	p.udp_port = 4790;
	change(t, &p);
	assert_int_equal(t->w->count(t->w), 20);
	assert_true(flood(t, "192.0.2.2"));
	assert_int_equal(neighbour(t, host_nr(1)), 1);
	assert_int_equal(t->b.ifindex[98], t->w->ifindex(t->w, 1));
	assert_int_equal(port_of(t, 98), 1);
	assert_null(info(t).problem);
}

#define BOTH(name) \
	{ #name " (fake)", name, bed_running_fake, bed_teardown, NULL }, \
	{ #name " (kernel)", name, bed_running_kernel, bed_teardown, NULL }
#define BOTH_BARE(name) \
	{ #name " (fake)", name, bed_bare_fake, bed_teardown, NULL }, \
	{ #name " (kernel)", name, bed_bare_kernel, bed_teardown, NULL }

#define VTEP(name) { #name " (vtep)", name, bed_running_vtep, bed_teardown, NULL }
#define ALL(name) BOTH(name), VTEP(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALL(rows_appear_and_vanish),
		BOTH_BARE(devices_that_say_the_same_are_adopted),
		BOTH_BARE(device_that_contradicts_is_reported),
		ALL(deleted_devices_come_back_with_their_rows),
		BOTH(foreign_rows_are_left_alone),
		BOTH(local_rows_of_every_kind_are_told),
		ALL(mac_that_moves_between_ports_is_told),
		ALL(local_mac_blocks_until_it_moved_away),
		BOTH(restart_adopts_without_a_write_and_sweeps_what_nobody_claims),
		ALL(flush_on_stop_leaves_nothing),
		BOTH(object_that_is_deleted_comes_back_with_its_rows),
		ALL(ten_thousand_rows_come_and_go),
		VTEP(changed_vni_keeps_what_stays), /* the kernel's has more to it: test_dp_change */
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Desired against observed: what another hand has done to the tables is found by a fresh look, although
 * nothing was heard of it (the events are thrown away here), and repair mends what is ours alone.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "dataplane/kernel.h"
#include "tests/lib/dpbed.h"
#include "tests/lib/test.h"

#define FOUND_MAX 4096u

static struct dp_diff found[FOUND_MAX];

/* How many; they lie in found. */
static unsigned look(struct bed *t, bool repair)
{
	struct dp_audit *a = dp_audit_new(t->d, 0, repair);
	enum dp_audit_more m;
	unsigned n = 0;

	assert_false(dp_audit_blind(a));
	while ((m = dp_audit_next(a, &found[n])) != DP_AUDIT_END)
		n += m == DP_AUDIT_DIFF && n + 1 < FOUND_MAX;
	dp_audit_free(a);
	return n;
}

static const struct dp_diff *only(enum dp_diff_what what, const char *table, const char *expected, const char *is)
{
	assert_int_equal(found[0].what, what);
	assert_string_equal(found[0].table, table);
	assert_string_equal(found[0].expected, expected);
	assert_string_equal(found[0].found, is);
	return &found[0];
}

/* iproute2, and nobody hears of what it does. */
#define unheard(t, ...)                                                                                                \
	do {                                                                                                           \
		char scratch[4096];                                                                                    \
		world_run(__VA_ARGS__);                                                                                \
		const struct kernel *kernel_ = dp_backend((t)->d);                                                     \
		while (recv(kernel_->events.fd, scratch, sizeof(scratch), MSG_DONTWAIT) > 0)                           \
			;                                                                                              \
	} while (0)

static void fill(struct bed *t, unsigned n)
{
	for (unsigned i = 1; i <= n; i++)
		want_fdb(t->d, i, 2 + i % 3, 0);
	want_flood(t->d, vtep_nr(2), 0);
	want_flood(t->d, vtep_nr(3), 0);
	want_neigh(t->d, host_nr(1), 1, 0);
	settle(t);
}

static void what_is_as_it_should_be_is_no_difference(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	fill(t, 3000);
	learn(t, 5000, 1, FAKEDP_KERNEL);
	settle(t);
	assert_int_equal(look(t, false), 0);
	assert_int_equal(look(t, true), 0);
	assert_int_equal(stats(t).repairs, 0);
}

/* Rows come, go and change in each step of the look, so dumps miss some. */
static void what_changes_meanwhile_is_no_difference(void **state)
{
	struct bed *t = *state;
	struct dp_audit *a;
	struct dp_diff f;
	enum dp_audit_more m;
	unsigned turn = 0, steps = 0;

	NEEDS_WORLD(t);
	fill(t, 3000);
	for (unsigned look = 0; look < 5; look++) {
		a = dp_audit_new(t->d, 0, false);
		while ((m = dp_audit_next(a, &f)) != DP_AUDIT_END) {
			if (m == DP_AUDIT_DIFF)
				print_message("%u %s %s: expected %s, found %s\n", f.what, f.table, mac_str(&f.mac).s,
					      f.expected, f.found);
			assert_int_equal(m, DP_AUDIT_NOTHING_YET);
			for (unsigned i = 0; i < 50; i++, turn++) {
				unwant_fdb(t->d, 1 + turn % 2000);
				want_fdb(t->d, 1 + turn * 7 % 4000, 2 + turn % 5, 0);
			}
			dp_flush(t->d);
			steps++;
		}
		dp_audit_free(a);
	}
	assert_true(steps > 20);
	settle(t);
	assert_int_equal(look(t, false), 0);
}

static void sets_are_looked_at_too(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	put_set(t->d, 1, "234");
	want_fdb_set(t->d, 7, 1, 0);
	settle(t);
	assert_int_equal(look(t, false), 0);
}

static void row_that_waits_for_another_is_blocked(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	learn(t, 7, 1, t->d && dp_backend_name(t->d)[0] == 'u' ? FAKEDP_KERNEL : FAKEDP_STATIC);
	settle(t);
	want_fdb(t->d, 7, 2, 0);
	settle(t);
	assert_int_equal(look(t, true), 1);
	assert_int_equal(found[0].what, DP_DIFF_BLOCKED);
	assert_false(found[0].repaired);
	settle(t);
	assert_int_equal(port_of(t, 7), 1);
}

/* ---- the kernel's ------------------------------------------------------------------------------------------------ */

static void lost_rows_are_missing_and_written_again(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	fill(t, 10);
	unheard(t, "bridge fdb del 02:00:00:00:00:05 dev vxlan100 master");
	assert_int_equal(look(t, false), 1);
	only(DP_DIFF_MISSING, "bridge", "vxlan100", "not there");
	unheard(t,
		"ip neigh del 10.0.0.1 dev br100 && bridge fdb del 00:00:00:00:00:00 dev vxlan100 dst 192.0.2.3 self");
	assert_int_equal(look(t, false), 3);
	assert_int_equal(look(t, true), 3);
	for (unsigned i = 0; i < 3; i++)
		assert_true(found[i].repaired);
	settle(t);
	assert_string_equal(fdb(t, 5), "192.0.2.4");
	assert_true(flood(t, "192.0.2.3"));
	assert_int_equal(neighbour(t, host_nr(1)), 1);
	assert_int_equal(look(t, false), 0);
}

static void rows_with_other_values_are_altered(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	fill(t, 10);
	unheard(t, "ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:77 dev br100 nud noarp extern_learn proto 179");
	assert_int_equal(look(t, false), 1);
	only(DP_DIFF_ALTERED, "neigh", "02:00:00:00:00:01", "02:00:00:00:00:77");
	assert_int_equal(look(t, true), 1);
	settle(t);
	assert_int_equal(neighbour(t, host_nr(1)), 1);
	unheard(t, "bridge fdb replace 02:00:00:00:00:05 dev p1 master static");
	assert_int_equal(look(t, false), 1);
	assert_int_equal(found[0].what, DP_DIFF_ALTERED);
	assert_string_equal(found[0].found, "p1");
	unheard(t,
		"bridge fdb del 02:00:00:00:00:05 dev p1 master && "
		"bridge fdb add 02:00:00:00:00:05 dev vxlan100 master extern_learn");
	unheard(t, "bridge fdb del 02:00:00:00:00:05 dev vxlan100 self && "
		   "bridge fdb add 02:00:00:00:00:05 dev vxlan100 dst 192.0.2.9 self extern_learn");
	assert_int_equal(look(t, true), 1);
	only(DP_DIFF_ALTERED, "vxlan", "192.0.2.4", "192.0.2.9");
	settle(t);
	assert_string_equal(fdb(t, 5), "192.0.2.4");
}

static void rows_with_our_mark_that_nobody_wants_go(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	fill(t, 3);
	dp_sweep(t->d);
	settle(t);
	unheard(t, "ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev br100 nud noarp extern_learn proto 179");
	assert_int_equal(look(t, false), 1);
	only(DP_DIFF_UNWANTED, "neigh", "not there", "02:00:00:00:00:09");
	look(t, true);
	settle(t);
	assert_int_equal(neighbour(t, host_nr(9)), 0);
}

static void nexthops_that_lead_elsewhere_are_found(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	fill(t, 6);
	unheard(t,
		"ip nexthop replace id $(ip nexthop | sed -n 's/^id \\([0-9]*\\) via 192.0.2.3 .*/\\1/p') "
		"via 192.0.2.99 fdb proto 179");
	assert_int_equal(look(t, false), 1);
	only(DP_DIFF_ALTERED, "nexthop", "192.0.2.3", "192.0.2.99");
	look(t, true);
	settle(t);
	assert_int_equal(look(t, false), 0);
	assert_string_equal(fdb(t, 4), "192.0.2.3");
}

static void local_rows_that_were_not_heard_of_are_told(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	fill(t, 3);
	unheard(t, "bridge fdb add 02:00:00:00:00:0b dev p2 master dynamic");
	assert_int_equal(look(t, false), 1);
	only(DP_DIFF_UNHEARD, "bridge", "not there", "p2");
	look(t, true);
	settle(t);
	assert_int_equal(t->b.ifindex[11], t->w->ifindex(t->w, 2));
	assert_int_equal(look(t, false), 0);
}

static void foreign_rows_are_no_difference_and_stay(void **state)
{
	struct bed *t = *state;
	struct ip v = vtep_nr(9);
	struct mac m = mac_nr(12);

	NEEDS_WORLD(t);
	fill(t, 3);
	t->w->foreign(t->w, &m, &v);
	assert_int_equal(look(t, true), 1);
	assert_int_equal(found[0].what, DP_DIFF_FOREIGN);
	assert_false(found[0].repaired);
	settle(t);
	assert_int_equal(look(t, false), 1);
}

/* Short circuit: what the bridge answers from is on the vxlan device, too, since it routes from there. */
static void neighbours_on_the_vxlan_device_are_looked_at(void **state)
{
	static const char *const hands[] = {
		"ip neigh del 10.0.0.1 dev vxlan100",
		"ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:09 dev vxlan100 nud permanent",
		"ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:09 dev vxlan100 proto 179 extern_learn nud noarp"
	};
	struct bed *t = *state;
	struct dp_vni_params p = bed_params();

	NEEDS_WORLD(t);
	p.rsc = true;
	dp_vni_del(t->d, WORLD_VNI);
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	fill(t, 3);
	assert_int_equal(look(t, false), 0);
	for (unsigned i = 0; i < sizeof(hands) / sizeof(*hands); i++) {
		unheard(t, "%s", hands[i]);
		assert_int_equal(look(t, false), 1);
		assert_int_equal(found[0].what, i ? DP_DIFF_ALTERED : DP_DIFF_MISSING);
		assert_string_equal(found[0].table, "neigh");
		look(t, true);
		settle(t);
		assert_int_equal(look(t, false), 0);
		world_run("ip neigh show 10.0.0.1 dev vxlan100 | grep -q 02:00:00:00:00:01");
	}
	for (unsigned i = 0; i < 2; i++) { /* heard of, it is put right without a look */
		uint64_t repairs = stats(t).repairs;

		world_run("%s", hands[i]);
		settle(t);
		world_run("ip neigh show 10.0.0.1 dev vxlan100 | grep -q '02:00:00:00:00:01.*proto 179'");
		assert_true(stats(t).repairs > repairs);
		assert_int_equal(look(t, false), 0);
	}
}

#define KERNEL(name) { #name, name, bed_running_kernel, bed_teardown, NULL }
#define BOTH(name) KERNEL(name), { #name " (vtep)", name, bed_running_vtep, bed_teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(what_is_as_it_should_be_is_no_difference),
		BOTH(what_changes_meanwhile_is_no_difference),
		BOTH(sets_are_looked_at_too),
		BOTH(row_that_waits_for_another_is_blocked),
		KERNEL(lost_rows_are_missing_and_written_again),
		KERNEL(rows_with_other_values_are_altered),
		KERNEL(rows_with_our_mark_that_nobody_wants_go),
		KERNEL(nexthops_that_lead_elsewhere_are_found),
		KERNEL(local_rows_that_were_not_heard_of_are_told),
		KERNEL(foreign_rows_are_no_difference_and_stay),
		KERNEL(neighbours_on_the_vxlan_device_are_looked_at),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Refused operations in dataplane/reconcile: what is said of them, when they are tried again, whom they hold up. */
#include <errno.h>
#include <stdio.h>

#include "tests/lib/recbed.h"
#include "tests/lib/test.h"

static void refusal_is_told_once_waits_and_is_tried_again(void **state)
{
	struct recbed *t = *state;
	struct dp_stats s;

	want_fdb(t->d, 9, 2, 0);
	fakedp_settle(t->d);
	fakedp_refuse(t->f, ENOSPC, 2);
	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	assert_string_equal(t->last,
			    "VNI 100: write FDB row of 02:00:00:00:00:01 to 192.0.2.2: refused: No space left on "
			    "device; the vxlan device takes no more rows (its maxaddress); next try in 1 s");
	assert_string_equal(shown(t->d, 1, "vxlan")->pending, "No space left on device");
	dp_stats(t->d, &s);
	assert_int_equal(s.errors, 1);
	assert_int_equal(s.dirty, 1);
	recbed_pass(t, 1000);
	assert_no_fdb(t, 1);
	recbed_pass(t, 1900);
	assert_no_fdb(t, 1);
	recbed_pass(t, 100);
	assert_fdb(t, 1, 2);
	assert_null(shown(t->d, 1, "vxlan")->pending);
}

/* Each has one line with row, reason and help; the row says the same, the others go on, and in time it is written. */
static void each_refusal_says_what_helps_and_the_rest_goes_on(void **state)
{
	static const struct {
		int err;
		const char *reason, *help;
	} refusals[] = {
		{ EPERM, "Operation not permitted", "it takes CAP_NET_ADMIN" },
		{ ENOSPC, "No space left on device", "the vxlan device takes no more rows (its maxaddress)" },
		{ EEXIST, "File exists", "another program's sticky row of this MAC is in the bridge" },
		{ ENODEV, "No such device", "its device is gone; when there is one again the row comes, too" },
		{ EINVAL, "Invalid argument", "this kernel may be too old for it" },
		{ EOPNOTSUPP, "Operation not supported", "this kernel may be too old for it" },
		{ ENOMEM, "Cannot allocate memory", "the kernel is out of memory for it" },
	};
	struct recbed *t = *state;
	char line[256];

	want_fdb(t->d, 99, 2, 0); /* its destination is there */
	fakedp_settle(t->d);
	for (unsigned i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct mac mac = mac_nr(1 + i);

		fakedp_refuse(t->f, refusals[i].err, 3);
		want_fdb(t->d, 1 + i, 2, 0);
		fakedp_settle(t->d);
		want_fdb(t->d, 50 + i, 2, 0);
		snprintf(line, sizeof(line),
			 "VNI 100: write FDB row of %s to 192.0.2.2: refused: %s; %s; next try in 1 s", mac_str(&mac).s,
			 refusals[i].reason, refusals[i].help);
		assert_string_equal(t->last, line);
		assert_string_equal(shown(t->d, 1 + i, "vxlan")->pending, refusals[i].reason);
		assert_string_equal(shown(t->d, 1 + i, "vxlan")->help, refusals[i].help);
		fakedp_refuse(t->f, 0, 0);
		fakedp_settle(t->d);
		assert_fdb(t, 50 + i, 2);
		recbed_pass(t, 1000);
		assert_fdb(t, 1 + i, 2);
		assert_null(shown(t->d, 1 + i, "vxlan")->pending);
		assert_null(shown(t->d, 1 + i, "vxlan")->help);
	}
	fakedp_refuse(t->f, ENOBUFS, 1);
	want_neigh(t->d, host_nr(1), 99, 0);
	fakedp_settle(t->d);
	assert_string_equal(t->last,
			    "VNI 100: write neighbour row of 10.0.0.1 at 02:00:00:00:00:63: refused: No buffer space "
			    "available; net.ipv4.neigh.default.gc_thresh3 may be too low; next try in 1 s");
	recbed_pass(t, 1000);
}

static void refused_row_that_changes_is_tried_at_once(void **state)
{
	struct recbed *t = *state;

	want_fdb(t->d, 9, 2, 0);
	want_fdb(t->d, 8, 3, 0);
	fakedp_settle(t->d);
	fakedp_refuse(t->f, ENOSPC, 1);
	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	want_fdb(t->d, 1, 3, 0);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 3);
}

static void rows_wait_quietly_for_a_refused_destination(void **state)
{
	struct recbed *t = *state;
	struct dp_stats s;

	fakedp_refuse(t->f, EPERM, 1);
	for (unsigned i = 1; i <= 40; i++)
		want_fdb(t->d, i, 2, 0);
	fakedp_settle(t->d);
	assert_string_equal(t->last, "write nexthop of VTEP 192.0.2.2: refused: Operation not permitted; it takes "
				     "CAP_NET_ADMIN; next try in 1 s");
	dp_stats(t->d, &s);
	assert_int_equal(s.errors, 1);
	recbed_pass(t, 1000);
	for (unsigned i = 1; i <= 40; i++)
		assert_fdb(t, i, 2);
}

/* Refused because another program was quicker: its row stays, and nothing of ours is left to delete over and over. */
static void refused_row_that_became_foreign_is_let_go(void **state)
{
	struct recbed *t = *state;
	struct mac m = mac_nr(7);
	struct ip vtep = vtep_nr(9);
	struct dp_op op[4];
	unsigned n;

	want_fdb(t->d, 7, 2, 0);
	n = dp_pull(t->d, op, 4);
	for (unsigned i = 0; i < n; i++)
		dp_done(t->d, &op[i], op[i].kind == DP_FDB ? -EOPNOTSUPP : fakedp_carry_out(t->f, &op[i]), NULL);
	fakedp_vxlan_set(t->f, VNI, &m, &vtep);
	fakedp_settle(t->d);
	unwant_fdb(t->d, 7);
	for (int i = 0; i < 10; i++) {
		n = dp_pull(t->d, op, 4);
		for (unsigned j = 0; j < n; j++)
			dp_done(t->d, &op[j], fakedp_carry_out(t->f, &op[j]), NULL);
	}
	assert_int_equal(n, 0);
	assert_true(fake_has_vxlan(t, 7));
	fakedp_vxlan_del(t->f, VNI, &m, &vtep);
	fakedp_settle(t->d);
}

/* The kernel refuses a row whose nexthop has just been deleted; which of the two is heard first is a matter of luck. */
static void row_refused_for_the_end_of_its_destination_comes_with_that(void **state)
{
	struct recbed *t = *state;
	struct ip vtep = vtep_nr(2);
	struct dp_op refused[4], op[4];
	unsigned n;

	want_fdb(t->d, 1, 2, 0);
	fakedp_settle(t->d);
	for (unsigned refused_first = 0; refused_first < 2; refused_first++) {
		want_fdb(t->d, 2 + refused_first, 2, 0);
		assert_int_equal(dp_pull(t->d, refused, 4), 1);
		if (refused_first)
			dp_done(t->d, refused, -EINVAL, NULL);
		dp_dest_seen(t->d, dp_dest_find(t->d, &vtep, 0), false);
		n = dp_pull(t->d, op, 4);
		if (!refused_first)
			dp_done(t->d, refused, -EINVAL, NULL);
		for (unsigned i = 0; i < n; i++)
			dp_done(t->d, &op[i], fakedp_carry_out(t->f, &op[i]), NULL);
		fakedp_settle(t->d);
		assert_fdb(t, 1, 2);
		assert_fdb(t, 2 + refused_first, 2);
		assert_null(shown(t->d, 2 + refused_first, "vxlan")->pending);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, recbed_setup, recbed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(refusal_is_told_once_waits_and_is_tried_again),
		T(each_refusal_says_what_helps_and_the_rest_goes_on),
		T(refused_row_that_changes_is_tried_at_once),
		T(rows_wait_quietly_for_a_refused_destination),
		T(refused_row_that_became_foreign_is_let_go),
		T(row_refused_for_the_end_of_its_destination_comes_with_that),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * dataplane/reconcile: many rows of one destination go at once: by themselves, with their
 * VTEP, or bridge rows first in a burst.
 */
#include "tests/lib/recbed.h"
#include "tests/lib/test.h"

#define MASS 5u

static void want_mass(struct recbed *t)
{
	t->d->rec.mass_min = MASS;
	for (unsigned m = 1; m <= MASS; m++)
		want_fdb(t->d, m, 2, 0);
	want_flood(t->d, vtep_nr(2), 0);
	want_fdb(t->d, 9, 3, 0);
	fakedp_settle(t->d);
}

static void unwant_mass(struct recbed *t)
{
	for (unsigned m = 1; m <= MASS; m++)
		unwant_fdb(t->d, m);
}

/* Carries out what is to be done, which is these parts of n rows. */
static void carry_out(struct recbed *t, unsigned n, unsigned parts)
{
	struct dp_op ops[16];

	assert_int_equal(dp_pull(t->d, ops, 16), n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(ops[i].type, DP_OP_DEL);
		assert_int_equal(ops[i].kind, DP_FDB);
		assert_int_equal(ops[i].parts, parts);
		dp_done(t->d, &ops[i], fakedp_carry_out(t->f, &ops[i]), NULL);
	}
}

static void vxlan_rows_of_a_vtep_that_nobody_wants_go_with_it(void **state)
{
	struct ip vtep = vtep_nr(2);
	struct dp_key flood = dp_key_flood(VNI, &vtep);
	struct recbed *t = *state;

	want_mass(t);
	unwant_mass(t);
	carry_out(t, MASS, DP_PORT | DP_SELF); /* the flood row wants the VTEP still */
	want_mass(t);
	dp_unwant(t->d, &flood);
	unwant_mass(t);
	dp_flush(t->d);
	fakedp_settle(t->d);
	for (unsigned m = 1; m <= MASS; m++)
		assert_false(fake_has_vxlan(t, m));
	want_mass(t);
	dp_unwant(t->d, &flood);
	fakedp_settle(t->d);
	unwant_mass(t);
	carry_out(t, MASS, DP_PORT);
	assert_true(fake_has_vxlan(t, 1));
	fakedp_settle(t->d);
	for (unsigned m = 1; m <= MASS; m++)
		assert_false(fake_has_vxlan(t, m));
	assert_int_equal(fakedp_dests(t->f), 1);
	assert_fdb(t, 9, 3);
}

static void vtep_that_is_wanted_again_leaves_its_rows_to_go_by_themselves(void **state)
{
	struct ip vtep = vtep_nr(2);
	struct dp_key flood = dp_key_flood(VNI, &vtep);
	struct recbed *t = *state;

	want_mass(t);
	dp_unwant(t->d, &flood);
	fakedp_settle(t->d);
	unwant_mass(t);
	carry_out(t, MASS, DP_PORT);
	want_fdb(t->d, 1, 2, 0);
	want_fdb(t->d, 2, 3, 0);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_fdb(t, 2, 3);
	for (unsigned m = 3; m <= MASS; m++)
		assert_false(fake_has_vxlan(t, m));
	assert_int_equal(fakedp_dests(t->f), 2);
}

static uint64_t going(struct recbed *t)
{
	struct dp_stats s;

	dp_stats(t->d, &s);
	assert_true(s.bytes >= rows_bytes(&t->d->rec.rows) + rowset_bytes(&t->d->rec.dirty));
	assert_true(rowset_bytes(&t->d->rec.dirty));
	return s.rows_going;
}

static void in_a_burst_bridge_rows_go_first_and_vxlan_rows_with_their_vtep_or_after_it(void **state)
{
	struct ip vtep = vtep_nr(2);
	struct dp_key flood = dp_key_flood(VNI, &vtep);
	struct recbed *t = *state;
	unsigned writes;

	for (int stays = 0; stays < 2; stays++) {
		want_mass(t);
		t->d->rec.burst_min = 0;
		unwant_mass(t); /* the flood row wants the VTEP still */
		carry_out(t, MASS, DP_PORT);
		recbed_pass(t, 600);
		assert_true(fake_has_vxlan(t, 1));
		assert_int_equal(dp_backlog(t->d), 0);
		assert_int_equal(going(t), MASS);
		writes = fakedp_writes(t->f);
		t->d->rec.burst_min = 1000; /* it is over */
		if (stays) {
			recbed_pass(t, 600);
			assert_int_equal(fakedp_writes(t->f), writes + MASS);
		}
		dp_unwant(t->d, &flood);
		fakedp_settle(t->d);
		for (unsigned m = 1; m <= MASS; m++)
			assert_false(fake_has_vxlan(t, m));
		assert_int_equal(going(t), 0);
		if (!stays)
			assert_int_equal(fakedp_writes(t->f), writes + 2); /* the flood row, the VTEP */
	}
}

/* A row has been written again since, to the same VTEP, when its end is told late: its bridge row is gone. */
static void word_of_an_older_end_does_not_leave_a_vxlan_row_behind(void **state)
{
	struct recbed *t = *state;
	struct ip vtep = vtep_nr(2);
	struct dp_seen old = { .vni = rows_vni_find(&t->d->rec.rows, VNI), .kind = DP_FDB, .part = DP_SELF,
			       .state = DP_SEEN_NONE, .mac = mac_nr(1) };

	want_mass(t);
	t->d->rec.burst_min = 0;
	unwant_mass(t);
	carry_out(t, MASS, DP_PORT);
	old.dest = dp_dest_find(t->d, &vtep, 0);
	dp_seen(t->d, &old);
	t->d->rec.burst_min = 1000;
	recbed_pass(t, 600);
	recbed_pass(t, 600);
	for (unsigned m = 1; m <= MASS; m++)
		assert_false(fake_has_vxlan(t, m));
}

/* Of two that are out the end of the VTEP is done first, then the question for one of its rows. */
static void row_that_is_asked_for_when_its_vtep_goes_waits_for_nobody(void **state)
{
	struct ip vtep = vtep_nr(2);
	struct dp_key flood = dp_key_flood(VNI, &vtep);
	struct recbed *t = *state;
	struct dp_seen local = { .vni = rows_vni_find(&t->d->rec.rows, VNI), .kind = DP_FDB, .part = DP_PORT,
				 .state = DP_SEEN_LOCAL, .ifindex = PORT_A };
	struct dp_op ops[16];
	unsigned ask;

	want_mass(t);
	dp_unwant(t->d, &flood);
	fakedp_settle(t->d);
	unwant_mass(t);
	assert_int_equal(dp_pull(t->d, ops, 16), MASS);
	for (unsigned i = 0; i < MASS; i++) {
		local.mac = ops[0].mac;
		if (i == MASS - 1)
			dp_seen(t->d, &local);
		dp_done(t->d, &ops[i], fakedp_carry_out(t->f, &ops[i]), NULL);
	}
	assert_int_equal(dp_pull(t->d, ops, 16), 2);
	ask = ops[1].type == DP_OP_ASK;
	assert_int_equal(ops[ask].type, DP_OP_ASK);
	assert_int_equal(ops[!ask].kind, DP_DEST);
	dp_done(t->d, &ops[!ask], fakedp_carry_out(t->f, &ops[!ask]), NULL);
	dp_done(t->d, &ops[ask], fakedp_carry_out(t->f, &ops[ask]), NULL);
	fakedp_settle(t->d);
	assert_int_equal(rows_count(&t->d->rec.rows), 1); /* the other VTEP's */
	assert_int_equal(fakedp_dests(t->f), 1);
}

/* A row of a VNI whose devices are down cannot be deleted. */
static void row_that_cannot_go_holds_the_others_for_a_while_only(void **state)
{
	struct dp_vni_params p = { .vni = 200, .bridge = "br200", .vxlan = "vxlan200" };
	struct mac m = mac_nr(1);
	struct dp_row row = { .key = dp_key_fdb(200, &m), .vtep = vtep_nr(2) };
	struct recbed *t = *state;

	fakedp_devices(t->f, 200, true, NULL);
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	fakedp_settle(t->d);
	t->d->rec.mass_min = MASS;
	for (unsigned i = 1; i <= MASS; i++)
		want_fdb(t->d, i, 2, 0);
	dp_want(t->d, &row);
	fakedp_settle(t->d);
	fakedp_devices(t->f, 200, true, "down");
	fakedp_settle(t->d);
	dp_unwant(t->d, &row.key);
	unwant_mass(t);
	fakedp_settle(t->d);
	assert_true(fake_has_vxlan(t, 1));
	recbed_pass(t, 9900);
	assert_true(fake_has_vxlan(t, 1));
	recbed_pass(t, 200);
	for (unsigned i = 1; i <= MASS; i++)
		assert_false(fake_has_vxlan(t, i));
	fakedp_devices(t->f, 200, true, NULL);
	t->b.ready = true;
	fakedp_settle(t->d);
	assert_int_equal(fakedp_dests(t->f), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, recbed_setup, recbed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(vxlan_rows_of_a_vtep_that_nobody_wants_go_with_it),
		T(vtep_that_is_wanted_again_leaves_its_rows_to_go_by_themselves),
		T(in_a_burst_bridge_rows_go_first_and_vxlan_rows_with_their_vtep_or_after_it),
		T(word_of_an_older_end_does_not_leave_a_vxlan_row_behind),
		T(row_that_is_asked_for_when_its_vtep_goes_waits_for_nobody),
		T(row_that_cannot_go_holds_the_others_for_a_while_only),
	};

	return RUN_TESTS(tests);
}

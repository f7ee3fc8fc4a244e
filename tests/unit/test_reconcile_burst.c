/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * dataplane/reconcile: many rows of one destination go at once: by themselves, with their VTEP, or bridge rows first in a
 * burst.
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
		if (!stays)
			assert_int_equal(fakedp_writes(t->f), writes + 2); /* the flood row, the VTEP */
	}
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
		T(row_that_cannot_go_holds_the_others_for_a_while_only),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Rows that go to a set of VTEPs, over every backend: they share it, so other members are one operation; nothing of it
 * is written again after a restart; what another hand takes away of it comes back.
 */
#include <errno.h>
#include <string.h>

#include "tests/lib/dpbed.h"
#include "tests/lib/test.h"

enum { N = 500 };

static void assert_all(struct bed *t, const char *vteps)
{
	for (unsigned i = 1; i <= N; i++)
		assert_string_equal(fdb(t, i), vteps);
}

static void want_all(struct bed *t, uint32_t set)
{
	for (unsigned i = 1; i <= N; i++)
		want_fdb_set(t->d, i, set, 0);
	settle(t);
}

static void membership_of_all_rows_changes_in_one_operation(void **state)
{
	struct bed *t = *state;
	uint64_t before;

	NEEDS_WORLD(t);
	put_set(t->d, 7, "23");
	want_all(t, 7);
	assert_all(t, "192.0.2.2 192.0.2.3");
	before = stats(t).writes;
	put_set(t->d, 7, "3");
	settle(t);
	assert_all(t, "192.0.2.3");
	/* the set, and the VTEP that nobody needs now */
	assert_int_equal(stats(t).writes - before, 2);
	put_set(t->d, 7, "453");
	settle(t);
	assert_all(t, "192.0.2.3 192.0.2.4 192.0.2.5");
	assert_int_equal(stats(t).writes - before, 5);
	put_set(t->d, 7, "345");
	settle(t);
	assert_int_equal(stats(t).writes - before, 5);
	assert_int_equal(stats(t).errors + stats(t).repairs, 0);
}

static void rows_move_between_sets_and_vteps(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	put_set(t->d, 1, "23");
	put_set(t->d, 2, "34");
	want_fdb(t->d, 1, 2, 0);
	want_fdb_set(t->d, 2, 1, 0);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_string_equal(fdb(t, 2), "192.0.2.2 192.0.2.3");
	want_fdb_set(t->d, 1, 2, 0);
	want_fdb_set(t->d, 2, 2, 0);
	dp_set_del(t->d, 1);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.3 192.0.2.4");
	assert_string_equal(fdb(t, 2), "192.0.2.3 192.0.2.4");
	put_set(t->d, 1, "5"); /* the number again, for another */
	want_fdb(t->d, 1, 3, 0);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.3");
	dp_set_del(t->d, 2); /* a row goes there still */
	settle(t);
	assert_string_equal(fdb(t, 2), "192.0.2.3 192.0.2.4");
	want_fdb_set(t->d, 2, 1, 0);
	settle(t);
	assert_string_equal(fdb(t, 2), "192.0.2.5");
	unwant_fdb(t->d, 1);
	unwant_fdb(t->d, 2);
	settle(t);
	assert_string_equal(fdb(t, 1), "");
	assert_string_equal(fdb(t, 2), "");
	assert_int_equal(t->w->count(t->w), 0);
	assert_int_equal(stats(t).errors + stats(t).repairs, 0);
}

static void rows_of_a_set_that_nobody_wants_go_with_it(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	put_set(t->d, 1, "23");
	want_all(t, 1);
	dp_set_del(t->d, 1);
	for (unsigned i = 1; i <= N; i++)
		unwant_fdb(t->d, i);
	settle(t);
	assert_all(t, "");
	assert_int_equal(t->w->count(t->w), 0);
	put_set(t->d, 1, "24");
	want_all(t, 1);
	assert_all(t, "192.0.2.2 192.0.2.4");
	assert_int_equal(stats(t).errors + stats(t).repairs, 0);
}

static void flush_on_stop_leaves_no_set(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	put_set(t->d, 1, "23");
	put_set(t->d, 2, "4"); /* nothing goes there */
	want_all(t, 1);
	bed_stop(t, true);
	world_run("! ip nexthop | grep .");
}

static void show_names_the_members(void **state)
{
	struct bed *t = *state;
	const struct dp_row_info *i;

	NEEDS_WORLD(t);
	put_set(t->d, 1, "32");
	want_fdb_set(t->d, 1, 1, 0);
	settle(t);
	i = shown(t->d, 1, dp_backend_ops(t->d)->table ? dp_backend_ops(t->d)->table : "vxlan");
	assert_non_null(i);
	assert_true(i->desired && i->observed);
	assert_false(i->row.vtep.len);
	assert_int_equal(i->n_vteps, 2);
	assert_string_equal(ip_str(&i->vteps[0]).s, "192.0.2.2");
	assert_string_equal(ip_str(&i->vteps[1]).s, "192.0.2.3");
}

/* The numbers are others after it, as they may be: rows say which set is which. */
static void restart_knows_sets_by_their_rows_and_writes_nothing(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	put_set(t->d, 1, "23");
	put_set(t->d, 2, "34");
	for (unsigned i = 1; i <= N; i++)
		want_fdb_set(t->d, i, 1 + i % 2, 0);
	want_fdb(t->d, N + 1, 3, 0);
	settle(t);
	bed_stop(t, false);
	bed_start(t);
	settle(t);
	put_set(t->d, 2, "23");
	put_set(t->d, 9, "34");
	for (unsigned i = 1; i <= N; i++)
		want_fdb_set(t->d, i, i % 2 ? 9 : 2, 0);
	want_fdb(t->d, N + 1, 3, 0);
	settle(t);
	assert_int_equal(stats(t).rows_there, N + 1);
	assert_int_equal(stats(t).writes, 0);
	assert_string_equal(fdb(t, 1), "192.0.2.3 192.0.2.4");
	assert_string_equal(fdb(t, 2), "192.0.2.2 192.0.2.3");
	dp_sweep(t->d);
	settle(t);
	assert_int_equal(stats(t).writes, 0);
	put_set(t->d, 9, "4");
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.4");
	assert_int_equal(stats(t).writes, 1);
	bed_stop(t, false);
	bed_start(t);
	settle(t);
	put_set(t->d, 1, "23"); /* it has another VTEP since, which takes the place under the rows */
	for (unsigned i = 1; i <= N; i += 2)
		want_fdb_set(t->d, i, 1, 0);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2 192.0.2.3");
	assert_int_equal(stats(t).writes, 1);
	dp_sweep(t->d);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2 192.0.2.3");
	assert_string_equal(fdb(t, 2), ""); /* nobody claimed it */
	if (!strcmp(dp_backend_name(t->d), "kernel"))
		world_run("[ $(ip nexthop | grep -c group) = 3 ]"); /* the set's, its two VTEPs' */
	assert_int_equal(t->w->count(t->w), N / 2);
	bed_stop(t, true);
	assert_string_equal(fdb(t, 1), "");
}

static void set_that_another_hand_deletes_comes_back_with_its_rows(void **state)
{
	struct bed *t = *state;
	struct ip v = vtep_nr(2);

	NEEDS_WORLD(t);
	put_set(t->d, 1, "23");
	want_all(t, 1);
	t->w->kill_object(t->w, &v);
	settle(t);
	settle(t);
	assert_all(t, "192.0.2.2 192.0.2.3");
	assert_int_equal(stats(t).errors, 0);
}

/* It loses a member, or one of its VTEPs becomes another: that is put right under the rows. */
static void set_that_another_hand_changes_is_put_right(void **state)
{
	static const char *const edits[] = {
		"id=$(ip nexthop | sed -n 's/^id \\([0-9]*\\) group [0-9]*\\/.*/\\1/p'); "
		"m=$(ip nexthop | sed -n 's/.* group \\([0-9]*\\)\\/.*/\\1/p'); ip nexthop replace id $id group $m fdb",
		"m=$(ip nexthop | sed -n 's/^id \\([0-9]*\\) via 192.0.2.3 .*/\\1/p'); "
		"ip nexthop replace id $m via 192.0.2.77 fdb",
	};
	struct bed *t = *state;

	NEEDS_WORLD(t);
	put_set(t->d, 1, "23");
	want_all(t, 1);
	for (unsigned i = 0; i < 2; i++) {
		world_run("%s", edits[i]);
		t->w->look(t->w);
		assert_string_not_equal(fdb(t, 1), "192.0.2.2 192.0.2.3");
		settle(t);
		assert_all(t, "192.0.2.2 192.0.2.3");
		assert_int_equal(stats(t).repairs, i + 1);
	}
	assert_int_equal(stats(t).errors, 0);
}

static void refused_set_is_tried_again_and_rows_wait_for_it(void **state)
{
	struct bed *t = *state;

	dp_set_now(t->d, (struct mtime){ 0 });
	put_set(t->d, 1, "23");
	for (unsigned i = 1; i <= N; i++)
		want_fdb_set(t->d, i, 1, 0);
	fakedp_refuse(dp_backend_ops(t->d)->ctx, ENOMEM, 1);
	settle(t);
	assert_all(t, "");
	assert_int_equal(stats(t).rows_there, 0);
	assert_non_null(shown(t->d, 1, "vxlan")->pending);
	dp_set_now(t->d, (struct mtime){ 60000000 });
	settle(t);
	assert_all(t, "192.0.2.2 192.0.2.3");
	assert_int_equal(stats(t).errors, 2); /* a VTEP of it, and so the set */
}

#define FAKE(name) { #name " (fake)", name, bed_running_fake, bed_teardown, NULL }
#define BOTH(name) FAKE(name), { #name " (kernel)", name, bed_running_kernel, bed_teardown, NULL }
#define ALL(name) BOTH(name), { #name " (vtep)", name, bed_running_vtep, bed_teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALL(membership_of_all_rows_changes_in_one_operation),
		ALL(rows_move_between_sets_and_vteps),
		ALL(rows_of_a_set_that_nobody_wants_go_with_it),
		ALL(show_names_the_members),
		BOTH(restart_knows_sets_by_their_rows_and_writes_nothing),
		BOTH(set_that_another_hand_deletes_comes_back_with_its_rows),
		{ "set_that_another_hand_changes_is_put_right (kernel)", set_that_another_hand_changes_is_put_right,
		  bed_running_kernel, bed_teardown, NULL },
		{ "flush_on_stop_leaves_no_set (kernel)", flush_on_stop_leaves_no_set, bed_running_kernel, bed_teardown,
		  NULL },
		FAKE(refused_set_is_tried_again_and_rows_wait_for_it),
	};

	return RUN_TESTS(tests);
}

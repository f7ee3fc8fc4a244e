/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Rows of a trace, and the comparison of what a backend finds with what was wished for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/backend.h"
#include "tests/lib/fakedp.h"
#include "tests/lib/test.h"

#define VNI 100u

static const struct mac mac = { { 2, 0, 0, 0, 0, 1 } };

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void of_two_sentences_the_heavier_stays(void **state)
{
	struct trace t = { 0 };
	struct trace_step *s = trace_add(&t, TRACE_FDB, "%s?", "who");

	assert_int_equal(s->result, TRACE_OK);
	trace_say(s, TRACE_OK, "fine");
	trace_say(s, TRACE_WARNING, "slow");
	trace_advise(s, "faster");
	trace_say(s, TRACE_WARNING, "late");
	trace_advise(s, "earlier");
	assert_string_equal(s->detail, "slow");
	assert_string_equal(s->advice, "faster");
	trace_say(s, TRACE_BROKEN, "gone");
	assert_string_equal(s->detail, "gone");
	assert_string_equal(s->advice, ""); /* that was about another thing */
	assert_int_equal(s->result, TRACE_BROKEN);
	trace_free(&t);
}

static void the_first_of_the_heaviest_is_the_verdict(void **state)
{
	struct trace t = { 0 };

	assert_null(trace_worst(&t));
	trace_add(&t, TRACE_INNER_ROUTE, "a");
	trace_say(trace_add(&t, TRACE_FDB, "b"), TRACE_WARNING, "first");
	trace_say(trace_add(&t, TRACE_FDB, "c"), TRACE_WARNING, "second");
	trace_say(trace_add(&t, TRACE_FDB, "d"), TRACE_SKIPPED, "not asked");
	assert_string_equal(trace_worst(&t)->detail, "first");
	trace_free(&t);
	assert_int_equal(t.n, 0);
}

static void rows_are_bounded(void **state)
{
	struct trace t = { 0 };

	for (unsigned i = 0; i < 2 * TRACE_STEPS_MAX; i++)
		trace_answer(trace_add(&t, TRACE_FDB, "%u", i), "%0300u", i);
	assert_int_equal(t.n, TRACE_STEPS_MAX);
	assert_int_equal(strlen(t.steps[0].answer), sizeof(t.steps[0].answer) - 1);
	trace_free(&t);
}

/* ---- wished for and found ---------------------------------------------------------------------------------------- */

/* What the backend of these tests finds. */
static struct ip found[DP_SET_MAX];
static unsigned n_found;
static bool flooded;

static void find(void *be, void *vni, const struct mac *m, struct dp_tracer *t)
{
	trace_add(t->t, TRACE_FDB, "where is %s?", mac_str(m).s);
	t->out->to = flooded ? DP_TRACED_FLOOD : n_found ? DP_TRACED_VTEPS : DP_TRACED_PORT;
	for (unsigned i = 0; i < n_found; i++)
		t->out->vteps[t->out->n_vteps++] = found[i];
}

static void mac_event(void *ctx, uint32_t vni, const struct mac *m, unsigned ifindex, uint8_t flags)
{
}

static void mac_gone(void *ctx, uint32_t vni, const struct mac *m)
{
}

static void ip_event(void *ctx, uint32_t vni, const struct ip *ip, const struct mac *m, uint8_t flags)
{
}

static void ip_gone(void *ctx, uint32_t vni, const struct ip *ip)
{
}

static void ready(void *ctx, uint32_t vni, bool is)
{
}

struct world {
	struct log log;
	struct fakedp *f;
	struct dp_ops ops;
	struct dp *d;
	struct trace t;
	struct dp_traced end;
};

static void drop(void *ctx, enum log_level level, enum log_subsys sys, const char *line)
{
}

static int setup(void **state)
{
	const struct dp_events ev = { mac_event, mac_gone, ip_event, ip_gone, ready };
	const struct dp_vni_params p = {
		.vni = VNI, .bridge = "br100", .vxlan = "vxlan100", .vtep = ip_v4(0xc0000201), .udp_port = 4789
	};
	struct world *w = xcalloc(1, sizeof(*w));

	log_init(&w->log, LOG_ERROR);
	w->log.sink = drop;
	w->f = fakedp_new();
	w->ops = *fakedp_ops(w->f);
	w->ops.trace = find;
	w->d = dp_new(&w->ops, NULL, &w->log, &ev);
	assert_non_null(w->d);
	fakedp_devices(w->f, VNI, true, NULL);
	assert_int_equal(dp_vni_add(w->d, &p), 0);
	fakedp_settle(w->d);
	*state = w;
	n_found = 0;
	flooded = false;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	trace_free(&w->t);
	dp_free(w->d, false);
	fakedp_free(w->f);
	free(w);
	return 0;
}

static void want(struct world *w, uint32_t vtep, uint32_t set)
{
	struct dp_row row = { .key = dp_key_fdb(VNI, &mac), .vtep = vtep ? ip_v4(vtep) : ip_none(), .set = set };

	dp_want(w->d, &row);
}

static void follow(struct world *w)
{
	trace_free(&w->t);
	dp_trace(w->d, VNI, &mac, false, &w->t, &w->end);
}

/* The row about the wish; NULL when there is none. */
static const struct trace_step *difference(const struct world *w)
{
	for (unsigned i = 0; i < w->t.n; i++)
		if (!strcmp(w->t.steps[i].asked, "is that what evpnd wants?"))
			return &w->t.steps[i];
	return NULL;
}

static void what_was_wished_for_is_no_row(void **state)
{
	struct world *w = *state;

	found[0] = ip_v4(0xc0000202);
	n_found = 1;
	follow(w); /* nothing was wished for: it is nobody's concern here */
	assert_null(difference(w));
	want(w, 0xc0000202, 0);
	fakedp_settle(w->d);
	follow(w);
	assert_null(difference(w));
}

static void another_row_is_said_with_what_mends_it(void **state)
{
	struct world *w = *state;
	const struct trace_step *s;

	want(w, 0xc0000202, 0);
	fakedp_settle(w->d);
	found[0] = ip_v4(0xc0000203);
	n_found = 1;
	follow(w);
	s = difference(w);
	assert_non_null(s);
	assert_int_equal(s->result, TRACE_BROKEN);
	assert_string_equal(s->answer, "it wants 02:00:00:00:00:01 behind 192.0.2.2");
	assert_string_equal(s->advice, "evpnctl repair --vni 100");
	n_found = 0; /* on a port */
	follow(w);
	assert_non_null(difference(w));
	found[0] = ip_v4(0xc0000202);
	found[1] = ip_v4(0xc0000203);
	n_found = 2;
	follow(w);
	assert_non_null(difference(w));
	n_found = 1;
	flooded = true; /* to the right one, as it happens */
	follow(w);
	assert_non_null(difference(w));
}

static void several_vteps_are_the_same_in_any_order(void **state)
{
	const struct ip vteps[] = { ip_v4(0xc0000202), ip_v4(0xc0000203) };
	struct world *w = *state;

	dp_set_put(w->d, 1, vteps, 2);
	want(w, 0, 1);
	fakedp_settle(w->d);
	found[0] = vteps[1];
	found[1] = vteps[0];
	n_found = 2;
	follow(w);
	assert_null(difference(w));
	n_found = 1;
	follow(w);
	assert_non_null(difference(w));
}

static void a_row_that_is_refused_says_why(void **state)
{
	struct world *w = *state;
	const struct trace_step *s;

	fakedp_refuse(w->f, ENOSPC, 100);
	want(w, 0xc0000202, 0);
	fakedp_settle(w->d);
	follow(w);
	s = difference(w);
	assert_non_null(s);
	assert_int_equal(s->result, TRACE_BROKEN);
	assert_non_null(strstr(s->detail, "No space left on device"));
}

static void a_row_on_its_way_is_no_break(void **state)
{
	struct world *w = *state;
	const struct trace_step *s;

	want(w, 0xc0000202, 0);
	follow(w);
	s = difference(w);
	assert_non_null(s);
	assert_int_equal(s->result, TRACE_WARNING);
	fakedp_settle(w->d);
}

static void an_unknown_vni_is_skipped(void **state)
{
	struct world *w = *state;

	dp_trace(w->d, VNI + 1, &mac, false, &w->t, &w->end);
	assert_int_equal(w->t.n, 1);
	assert_int_equal(w->t.steps[0].result, TRACE_SKIPPED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_two_sentences_the_heavier_stays),
		cmocka_unit_test(the_first_of_the_heaviest_is_the_verdict),
		cmocka_unit_test(rows_are_bounded),
		T(what_was_wished_for_is_no_row),
		T(another_row_is_said_with_what_mends_it),
		T(several_vteps_are_the_same_in_any_order),
		T(a_row_that_is_refused_says_why),
		T(a_row_on_its_way_is_no_break),
		T(an_unknown_vni_is_skipped),
	};

	return RUN_TESTS(tests);
}

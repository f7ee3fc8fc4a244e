/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* evpn/mobility: sequence arithmetic, the order of claims, and the whole transition function. */
#include <string.h>

#include "evpn/mobility.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define OUR_VTEP 5

static struct mac_claim claim(uint32_t sequence, unsigned vtep)
{
	return (struct mac_claim){ .sequence = sequence, .vtep = ip_v4(0xc0000200u + vtep) };
}

static struct mac_claim sticky_claim(uint32_t sequence, unsigned vtep)
{
	struct mac_claim c = claim(sequence, vtep);

	c.sticky = true;
	return c;
}

static struct mac_claim gateway_claim(uint32_t sequence, unsigned vtep)
{
	struct mac_claim c = claim(sequence, vtep);

	c.gateway = true;
	return c;
}

static void sequence_is_serial(void **state)
{
	assert_int_equal(mac_sequence_cmp(7, 7), 0);
	assert_true(mac_sequence_cmp(8, 7) > 0);
	assert_true(mac_sequence_cmp(7, 8) < 0);
	assert_true(mac_sequence_cmp(0, 0xffffffff) > 0);
	assert_true(mac_sequence_cmp(0xffffffff, 0) < 0);
	assert_true(mac_sequence_cmp(0x7fffffff, 0) > 0);
	assert_true(mac_sequence_cmp(0x80000001, 0) < 0);
	/* Half the circle apart: the same verdict from both sides. */
	assert_true(mac_sequence_cmp(0x80000000, 0) > 0);
	assert_true(mac_sequence_cmp(0, 0x80000000) < 0);
	assert_true(mac_sequence_cmp(0x80000010, 0x10) > 0);
}

static int cmp(struct mac_claim a, struct mac_claim b)
{
	int forth = mac_claim_cmp(&a, &b), back = mac_claim_cmp(&b, &a);

	assert_int_equal(forth > 0, back < 0);
	assert_int_equal(forth == 0, back == 0);
	return forth;
}

static void claims_are_ordered(void **state)
{
	assert_true(cmp(claim(3, 1), claim(2, 2)) > 0);
	assert_true(cmp(claim(2, 1), claim(2, 2)) > 0); /* lower VTEP */
	assert_true(cmp(claim(2, 2), claim(2, 2)) == 0);
	assert_true(cmp(claim(0, 9), claim(0xffffffff, 1)) > 0);
	assert_true(cmp(sticky_claim(0, 9), claim(100, 1)) > 0);
	assert_true(cmp(sticky_claim(1, 9), sticky_claim(0, 1)) > 0);
	assert_true(cmp(gateway_claim(0, 9), sticky_claim(100, 1)) > 0);
	assert_true(cmp(gateway_claim(100, 9), gateway_claim(0, 1)) < 0); /* the sequence does not count */
	assert_true(cmp(gateway_claim(0, 3), gateway_claim(0, 3)) == 0);
}

/* RFC 9494 4.3: of a VTEP that is long gone even the higher sequence, or a static MAC, is the last to believe. */
static void claims_of_the_dead_are_a_last_resort(void **state)
{
	struct mac_claim dead = sticky_claim(100, 1), gateway = gateway_claim(0, 1);

	dead.last_resort = gateway.last_resort = true;
	assert_true(cmp(dead, claim(0, 9)) < 0);
	assert_true(cmp(gateway, claim(0, 9)) < 0);
	assert_true(cmp(dead, gateway) < 0);
}

/* RFC 8326: of VTEPs that say the same, one that stays. A MAC has moved whoever says it. */
static void a_vtep_that_drains_yields_to_its_equals(void **state)
{
	struct mac_claim low = claim(3, 1), later = claim(4, 9);

	low.draining = later.draining = true;
	assert_true(cmp(low, claim(3, 9)) < 0);
	assert_true(cmp(later, claim(3, 1)) > 0);
}

/* What `why` says is the step that decided. */
static void the_step_that_decided_is_said(void **state)
{
	struct mac_claim won = claim(3, 9), lost = claim(3, 1);

	lost.draining = true;
	assert_non_null(strstr(mac_claim_step(&won, &lost), "about to go"));
	lost.sequence = 2;
	assert_non_null(strstr(mac_claim_step(&won, &lost), "higher sequence"));
	lost.last_resort = true;
	assert_non_null(strstr(mac_claim_step(&won, &lost), "long-lived stale"));
	won = claim(3, 1);
	lost = claim(3, 9);
	assert_non_null(strstr(mac_claim_step(&won, &lost), "lower VTEP"));
}

/* ---- transitions ------------------------------------------------------------------------------------------------- */

struct row {
	enum mac_state from;
	uint32_t seq;
	bool is_static;
	const struct mac_claim *theirs;
	enum mac_event ev;
	struct mac_step to;
	bool on_port;
};

static const struct mac_claim SEQ3_LOW = { .sequence = 3, .vtep = { 4, { 192, 0, 2, 1 } } };
static const struct mac_claim SEQ3_HIGH = { .sequence = 3, .vtep = { 4, { 192, 0, 2, 9 } } };
static const struct mac_claim SEQ3_GOES = { .sequence = 3, .vtep = { 4, { 192, 0, 2, 1 } }, .draining = true };
static const struct mac_claim STICKY = { .sticky = true, .vtep = { 4, { 192, 0, 2, 9 } } };
static const struct mac_claim GATEWAY = { .gateway = true, .vtep = { 4, { 192, 0, 2, 9 } } };

static const struct row table[] = {
	/* learned where it was not */
	{ MAC_UNKNOWN, 0, false, NULL, MAC_LEARNED, { MAC_LOCAL, 0, MAC_R_LEARNED } },
	{ MAC_UNKNOWN, 0, true, NULL, MAC_LEARNED, { MAC_LOCAL, 0, MAC_R_LEARNED } },
	{ MAC_REMOTE, 0, false, &SEQ3_LOW, MAC_LEARNED, { MAC_LOCAL, 4, MAC_R_MOVED_HERE } },
	{ MAC_REMOTE, 0, true, &SEQ3_LOW, MAC_LEARNED, { MAC_LOCAL, 4, MAC_R_MOVED_HERE } },
	{ MAC_REMOTE, 0, false, &STICKY, MAC_LEARNED, { MAC_BARRED, 0, MAC_R_STICKY_THERE } },
	{ MAC_BARRED, 0, false, &STICKY, MAC_LEARNED, { MAC_BARRED, 0, MAC_R_STICKY_THERE } },
	{ MAC_REMOTE, 0, true, &STICKY, MAC_LEARNED, { MAC_HELD, 1, MAC_R_STICKY_HERE } },
	{ MAC_BARRED, 0, true, &STICKY, MAC_LEARNED, { MAC_HELD, 1, MAC_R_STICKY_HERE } },
	{ MAC_REMOTE, 0, false, &GATEWAY, MAC_LEARNED, { MAC_BARRED, 0, MAC_R_STICKY_THERE } },
	/* learned again: another port, or the static flag changed */
	{ MAC_LOCAL, 4, false, NULL, MAC_LEARNED, { MAC_LOCAL, 4, MAC_R_LEARNED } },
	{ MAC_LOCAL, 4, true, &SEQ3_LOW, MAC_LEARNED, { MAC_LOCAL, 4, MAC_R_LEARNED } },
	{ MAC_HELD, 2, true, &SEQ3_LOW, MAC_LEARNED, { MAC_HELD, 2, MAC_R_STICKY_HERE } },
	{ MAC_HELD, 2, false, &SEQ3_LOW, MAC_LEARNED, { MAC_LOCAL, 4, MAC_R_MOVED_HERE } },
	{ MAC_HELD, 2, false, &STICKY, MAC_LEARNED, { MAC_BARRED, 0, MAC_R_STICKY_THERE } },
	/* left */
	{ MAC_LOCAL, 4, false, NULL, MAC_LEFT, { MAC_UNKNOWN, 0, MAC_R_LEFT } },
	{ MAC_LOCAL, 4, false, &SEQ3_LOW, MAC_LEFT, { MAC_REMOTE, 0, MAC_R_LEFT } },
	{ MAC_HELD, 2, true, &STICKY, MAC_LEFT, { MAC_REMOTE, 0, MAC_R_LEFT } },
	{ MAC_BARRED, 0, false, &STICKY, MAC_LEFT, { MAC_REMOTE, 0, MAC_R_LEFT } },
	/* routes for what is here */
	{ MAC_LOCAL, 3, false, &SEQ3_LOW, MAC_ROUTED, { MAC_REMOTE, 0, MAC_R_LOWER_VTEP } },
	{ MAC_LOCAL, 3, false, &SEQ3_GOES, MAC_ROUTED, { MAC_REMOTE, 0, MAC_R_LOWER_VTEP } }, /* as that one judges */
	{ MAC_LOCAL, 3, false, &SEQ3_HIGH, MAC_ROUTED, { MAC_LOCAL, 3, MAC_R_LEARNED } },
	{ MAC_LOCAL, 2, false, &SEQ3_HIGH, MAC_ROUTED, { MAC_REMOTE, 0, MAC_R_SEQUENCE } },
	{ MAC_LOCAL, 4, false, &SEQ3_LOW, MAC_ROUTED, { MAC_LOCAL, 4, MAC_R_LEARNED } },
	{ MAC_LOCAL, 0xffffffff, false, &SEQ3_HIGH, MAC_ROUTED, { MAC_REMOTE, 0, MAC_R_SEQUENCE } },
	{ MAC_LOCAL, 4, false, &STICKY, MAC_ROUTED, { MAC_BARRED, 0, MAC_R_STICKY_THERE } },
	{ MAC_LOCAL, 4, false, &GATEWAY, MAC_ROUTED, { MAC_BARRED, 0, MAC_R_STICKY_THERE } },
	{ MAC_LOCAL, 2, true, &SEQ3_HIGH, MAC_ROUTED, { MAC_HELD, 2, MAC_R_STICKY_HERE } },
	{ MAC_LOCAL, 4, true, &STICKY, MAC_ROUTED, { MAC_HELD, 4, MAC_R_STICKY_HERE } },
	{ MAC_LOCAL, 4, true, &SEQ3_HIGH, MAC_ROUTED, { MAC_LOCAL, 4, MAC_R_LEARNED } },
	{ MAC_HELD, 2, true, NULL, MAC_ROUTED, { MAC_LOCAL, 2, MAC_R_LEARNED } },
	{ MAC_LOCAL, 2, false, NULL, MAC_ROUTED, { MAC_LOCAL, 2, MAC_R_LEARNED } },
	/* routes for what is not */
	{ MAC_UNKNOWN, 0, false, &SEQ3_LOW, MAC_ROUTED, { MAC_REMOTE, 0, MAC_R_ROUTE } },
	{ MAC_REMOTE, 0, false, &STICKY, MAC_ROUTED, { MAC_REMOTE, 0, MAC_R_ROUTE } },
	{ MAC_REMOTE, 0, false, NULL, MAC_ROUTED, { MAC_UNKNOWN, 0, MAC_R_WITHDRAWN } },
	{ MAC_BARRED, 0, false, &GATEWAY, MAC_ROUTED, { MAC_BARRED, 0, MAC_R_STICKY_THERE } },
	{ MAC_BARRED, 0, false, &SEQ3_LOW, MAC_ROUTED, { MAC_REMOTE, 0, MAC_R_ROUTE } },
	{ MAC_BARRED, 0, false, NULL, MAC_ROUTED, { MAC_UNKNOWN, 0, MAC_R_WITHDRAWN } },
	/* a port that still shows it has waited */
	{ MAC_BARRED, 0, false, NULL, MAC_ROUTED, { MAC_LOCAL, 0, MAC_R_LEARNED }, true },
	{ MAC_BARRED, 0, false, &SEQ3_LOW, MAC_ROUTED, { MAC_LOCAL, 4, MAC_R_MOVED_HERE }, true },
	{ MAC_BARRED, 0, false, &STICKY, MAC_ROUTED, { MAC_BARRED, 0, MAC_R_STICKY_THERE }, true },
	/* duplicates: nothing moves them */
	{ MAC_FROZEN_HERE, 2, false, &SEQ3_HIGH, MAC_ROUTED, { MAC_FROZEN_HERE, 2, MAC_R_DUPLICATE_HERE } },
	{ MAC_FROZEN_HERE, 2, false, &SEQ3_HIGH, MAC_LEARNED, { MAC_FROZEN_HERE, 2, MAC_R_DUPLICATE_HERE } },
	{ MAC_FROZEN_THERE, 0, false, &SEQ3_LOW, MAC_LEARNED, { MAC_FROZEN_THERE, 0, MAC_R_DUPLICATE_THERE }, true },
	{ MAC_FROZEN_THERE, 0, false, &SEQ3_LOW, MAC_ROUTED, { MAC_FROZEN_THERE, 0, MAC_R_DUPLICATE_THERE }, true },
	{ MAC_FROZEN_THERE, 0, false, &SEQ3_LOW, MAC_LEFT, { MAC_FROZEN_THERE, 0, MAC_R_DUPLICATE_THERE } },
	{ MAC_FROZEN_HERE, 2, false, &SEQ3_LOW, MAC_LEFT, { MAC_FROZEN_THERE, 0, MAC_R_DUPLICATE_THERE } },
	/* but one place left */
	{ MAC_FROZEN_HERE, 2, false, NULL, MAC_ROUTED, { MAC_LOCAL, 2, MAC_R_LEARNED } },
	{ MAC_FROZEN_THERE, 0, false, NULL, MAC_ROUTED, { MAC_LOCAL, 0, MAC_R_LEARNED }, true },
	{ MAC_FROZEN_THERE, 0, false, NULL, MAC_ROUTED, { MAC_UNKNOWN, 0, MAC_R_WITHDRAWN } },
	/* someone's hand, and time */
	{ MAC_FROZEN_HERE, 2, true, &SEQ3_HIGH, MAC_LEARNED, { MAC_HELD, 2, MAC_R_STICKY_HERE } },
	{ MAC_FROZEN_THERE, 0, true, &SEQ3_HIGH, MAC_LEARNED, { MAC_LOCAL, 4, MAC_R_MOVED_HERE }, true },
	{ MAC_FROZEN_HERE, 2, false, &STICKY, MAC_ROUTED, { MAC_BARRED, 0, MAC_R_STICKY_THERE } },
	{ MAC_FROZEN_THERE, 0, false, &STICKY, MAC_ROUTED, { MAC_BARRED, 0, MAC_R_STICKY_THERE }, true },
	{ MAC_FROZEN_THERE, 0, false, &STICKY, MAC_ROUTED, { MAC_REMOTE, 0, MAC_R_ROUTE } },
	{ MAC_FROZEN_HERE, 2, false, &SEQ3_HIGH, MAC_THAWED, { MAC_REMOTE, 0, MAC_R_SEQUENCE } },
	{ MAC_FROZEN_HERE, 4, false, &SEQ3_HIGH, MAC_THAWED, { MAC_LOCAL, 4, MAC_R_LEARNED } },
	{ MAC_FROZEN_THERE, 0, false, &SEQ3_HIGH, MAC_THAWED, { MAC_LOCAL, 4, MAC_R_MOVED_HERE }, true },
	{ MAC_FROZEN_THERE, 0, false, &SEQ3_HIGH, MAC_THAWED, { MAC_REMOTE, 0, MAC_R_ROUTE } },
};

static void step_follows_the_table(void **state)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct row *r = &table[i];
		struct mac_view v = { r->from, claim(r->seq, OUR_VTEP), r->theirs, r->on_port };
		struct mac_step got;

		v.ours.sticky = r->is_static;
		got = mac_step(&v, r->ev);
		if (got.state != r->to.state || got.sequence != r->to.sequence || got.reason != r->to.reason)
			fail_msg("row %zu: state %d sequence %u reason \"%s\"", i, got.state, got.sequence,
				 mac_reason_text(got.reason));
	}
}

/* What holds whatever comes: a local learn wins unless barred, and nobody stays here who should have lost. */
static void step_keeps_its_promises(void **state)
{
	struct rng rng = rng_start("step_keeps_its_promises");

	for (int i = 0; i < 200000; i++) {
		struct mac_claim theirs = claim(rng_below(&rng, 4) - 2, rng_below(&rng, 9) + 1), ours;
		struct mac_view v = { (enum mac_state)rng_below(&rng, 5), claim(rng_below(&rng, 4) - 2, OUR_VTEP),
				      NULL };
		enum mac_event ev = (enum mac_event)rng_below(&rng, 3);
		struct mac_step s;

		theirs.sticky = !rng_below(&rng, 4);
		theirs.gateway = !rng_below(&rng, 8);
		v.ours.sticky = !rng_below(&rng, 4);
		if (mac_is_there(v.state) || rng_below(&rng, 3))
			v.theirs = &theirs;
		s = mac_step(&v, ev);
		ours = claim(s.sequence, OUR_VTEP);
		assert_true(v.theirs || s.state == MAC_LOCAL || s.state == MAC_UNKNOWN);
		if (s.state == MAC_LOCAL && v.theirs)
			assert_true(mac_claim_cmp(v.theirs, &ours) <= 0);
		if (s.state == MAC_HELD)
			assert_true(v.ours.sticky && mac_claim_cmp(v.theirs, &ours) > 0);
		if (ev == MAC_LEARNED)
			assert_true(mac_is_here(s.state) ||
				    (s.state == MAC_BARRED && (theirs.sticky || theirs.gateway)));
		if (ev == MAC_LEFT)
			assert_false(mac_is_here(s.state));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequence_is_serial),
		cmocka_unit_test(claims_are_ordered),
		cmocka_unit_test(claims_of_the_dead_are_a_last_resort),
		cmocka_unit_test(a_vtep_that_drains_yields_to_its_equals),
		cmocka_unit_test(the_step_that_decided_is_said),
		cmocka_unit_test(step_follows_the_table),
		cmocka_unit_test(step_keeps_its_promises),
	};

	return RUN_TESTS(tests);
}

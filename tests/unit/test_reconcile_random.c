/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * dataplane/reconcile: steps of wishes, of other hands and of time from a seed, after which
 * every row is as it is wished for and what others had set up is as it was. RECONCILE_RUNS seeds
 * (300), RECONCILE_ROWS rows beside them; RECONCILE_RUN plays the one run that a failure names.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/recbed.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define N_MACS 24u
#define N_SETS 3u
#define N_STEPS 400
#define LABEL 777u
#define SET 100u /* SET + n as a VTEP: set n */

/* What the other hands have set up and must find as it was; kinds by MAC number. */
static enum fakedp_hand hand_of(unsigned mac)
{
	return mac % 8 == 5 ? FAKEDP_STATIC : mac % 8 == 6 ? FAKEDP_EXTERN : mac % 8 == 7 ? FAKEDP_OWN : FAKEDP_KERNEL;
}

/* What is known of a run that began with this seed; the rest follows from it. */
struct run {
	uint64_t seed;
	unsigned crowd;
	unsigned macs;   /* of N_MACS: the fewer, the more often hands meet */
	bool restarts;
	bool rewrites; /* of our rows by another hand */
	bool shy;        /* tables are too large to be read at a start */
	bool lists;      /* flood rows and neighbours, too; vxlan rows by another hand */
};

struct wish {
	unsigned vtep; /* 0: none */
};

/* Bits of the VTEPs in each set, 0: there is no such set. */
struct sets {
	unsigned members[N_SETS + 1];
};

static void set_wish(struct recbed *t, const struct sets *s, unsigned n)
{
	struct ip vteps[4];
	unsigned k = 0;

	for (unsigned v = 0; v < 4; v++)
		if (s->members[n] >> v & 1)
			vteps[k++] = vtep_nr(1 + v);
	dp_set_put(t->d, n, vteps, k);
}

static void set_put(struct recbed *t, struct rng *r, struct sets *s, unsigned n)
{
	s->members[n] = 1 + rng_below(r, 15);
	set_wish(t, s, n);
}

/* Before or after the wishes that go there. */
static void set_del(struct recbed *t, struct rng *r, struct sets *s, struct wish *w, unsigned n)
{
	bool before = rng_below(r, 2);

	if (before)
		dp_set_del(t->d, n);
	if (rng_below(r, 2))
		dp_flush(t->d);
	for (unsigned i = 1; i <= N_MACS; i++) {
		if (w[i].vtep != SET + n)
			continue;
		w[i].vtep = 0;
		unwant_fdb(t->d, i);
	}
	if (!before)
		dp_set_del(t->d, n);
	s->members[n] = 0;
}

static bool labelled(unsigned mac);

static void want_way(struct dp *d, unsigned mac, unsigned vtep, uint8_t flags)
{
	struct mac m = mac_nr(mac);
	struct dp_row row = { .key = dp_key_fdb(VNI, &m), .vtep = vtep_nr(vtep), .label_vni = LABEL, .flags = flags };

	if (vtep >= SET)
		want_fdb_set(d, mac, vtep - SET, flags);
	else if (labelled(mac))
		dp_want(d, &row);
	else
		want_fdb(d, mac, vtep, flags);
}

/* Another hand writes over a wished row of ours in place: one row an address, the kernel allows no other. */
static void rewrite(struct recbed *t, struct rng *r, unsigned m, const struct wish *w)
{
	struct mac mac = mac_nr(m);
	struct fakedp_row row = fakedp_vxlan(t->f, VNI, &mac);
	struct ip v = rng_below(r, 2) && !row.set ? row.vtep : vtep_nr(1 + rng_below(r, 4));

	if (row.there && row.hand == FAKEDP_US && row.label && w[m].vtep)
		fakedp_vxlan_set(t->f, VNI, &mac, &v);
}

/* ---- flood lists and neighbours ---------------------------------------------------------------------------------- */

#define N_IPS 8u
#define N_FLOODS 6u
#define N_SHARED 4u
#define SHARED 40u /* MACs from here on: another hand may be there first, with a vxlan row */

struct lists {
	bool late; /* a write may run over another hand's row before it is heard of */
	bool flood[N_FLOODS + 1];
	struct neigh {
		unsigned mac; /* 0: none */
		uint8_t flags;
	} neigh[N_IPS + 1];
	unsigned shared[N_SHARED]; /* VTEP, 0: none */
};

static void flood_wish(struct recbed *t, unsigned n, bool wanted)
{
	struct ip v = vtep_nr(n);
	struct dp_key k = dp_key_flood(VNI, &v);

	if (wanted)
		want_flood(t->d, v, 0);
	else
		dp_unwant(t->d, &k);
}

static void neigh_wish(struct recbed *t, unsigned n, const struct neigh *w, uint8_t flags)
{
	struct ip ip = host_nr(n);
	struct dp_key k = dp_key_neigh(VNI, &ip);

	if (w->mac)
		want_neigh(t->d, ip, w->mac, w->flags | flags);
	else
		dp_unwant(t->d, &k);
}

static void shared_wish(struct recbed *t, unsigned n, unsigned vtep)
{
	if (vtep)
		want_fdb(t->d, SHARED + n, vtep, 0);
	else
		unwant_fdb(t->d, SHARED + n);
}

static void lists_wish(struct recbed *t, struct rng *r, struct lists *l)
{
	unsigned n = 1 + rng_below(r, N_IPS), what = rng_below(r, 6);
	struct neigh *w = &l->neigh[n];

	if (what < 2) {
		n = 1 + rng_below(r, N_FLOODS);
		l->flood[n] = !l->flood[n];
		flood_wish(t, n, l->flood[n]);
		return;
	}
	if (what < 3) {
		n = rng_below(r, N_SHARED);
		l->shared[n] = l->shared[n] ? 0 : 1 + rng_below(r, 4);
		shared_wish(t, n, l->shared[n]);
		return;
	}
	*w = (struct neigh){ 0 };
	if (rng_below(r, 3))
		*w = (struct neigh){ 1 + rng_below(r, 3), rng_below(r, 2) ? DP_ROUTER : 0 };
	if (w->mac && rng_below(r, 4) == 0) { /* as evpn does: what is known to be local is taken over or left */
		neigh_wish(t, n, w, DP_TAKE_OVER);
		t->b.ip[n] = false;
		return;
	}
	neigh_wish(t, n, w, 0);
}

/* Where evpnd knows of no vxlan row: what takes the place of one of its own looks like that one, rewritten. */
static void shared_set(struct recbed *t, unsigned n, const struct ip *vtep, const struct lists *l)
{
	struct mac mac = mac_nr(SHARED + n);

	fakedp_settle(t->d);
	if (!l->late && !fakedp_vxlan(t->f, VNI, &mac).there && !shown(t->d, SHARED + n, "vxlan"))
		fakedp_vxlan_set(t->f, VNI, &mac, vtep);
	fakedp_settle(t->d);
}

static void shared_del(struct recbed *t, unsigned n, const struct ip *vtep)
{
	struct mac mac = mac_nr(SHARED + n);

	if (fakedp_vxlan(t->f, VNI, &mac).hand == FAKEDP_STATIC)
		fakedp_vxlan_del(t->f, VNI, &mac, vtep);
}

static void lists_hand(struct recbed *t, struct rng *r, const struct lists *l)
{
	static const enum fakedp_hand hands[] = { FAKEDP_KERNEL, FAKEDP_KERNEL, FAKEDP_STATIC, FAKEDP_EXTERN };
	struct ip ip = host_nr(1 + rng_below(r, N_IPS)), v = vtep_nr(1 + rng_below(r, N_FLOODS));
	struct mac mac = mac_nr(1 + rng_below(r, 3)), flooding = { { 0 } };

	switch (rng_below(r, 8)) {
	case 0:
	case 1:
	case 2:
		fakedp_neigh_set(t->f, VNI, &ip, &mac, hands[rng_below(r, 4)], rng_below(r, 2) ? DP_ROUTER : 0);
		break;
	case 3:
	case 4:
		fakedp_neigh_del(t->f, VNI, &ip);
		break;
	case 5:
		fakedp_vxlan_del(t->f, VNI, &flooding, &v);
		break;
	case 6:
		shared_set(t, rng_below(r, N_SHARED), &v, l);
		break;
	default:
		shared_del(t, rng_below(r, N_SHARED), &v);
	}
}

static void check_neigh(struct recbed *t, unsigned n, const struct neigh *w)
{
	struct ip ip = host_nr(n);
	struct mac mac = mac_nr(w->mac);
	struct fakedp_row is = fakedp_neigh(t->f, VNI, &ip);
	bool same = is.there && mac_eq(&is.mac, &mac);

	assert_int_equal(t->b.ip[n], is.there && (is.hand == FAKEDP_KERNEL || is.hand == FAKEDP_STATIC));
	if (!w->mac)
		assert_false(is.there && is.hand == FAKEDP_US);
	else if (!is.there || is.hand == FAKEDP_US)
		assert_true(same && (is.flags & DP_ROUTER) == w->flags);
	else if (is.hand == FAKEDP_KERNEL)
		assert_false(same); /* what says the same makes room */
}

static void check_lists(struct recbed *t, const struct lists *l)
{
	for (unsigned n = 1; n <= N_FLOODS; n++) {
		struct ip v = vtep_nr(n);

		assert_int_equal(fakedp_flood(t->f, VNI, &v).there, l->flood[n]);
	}
	for (unsigned n = 1; n <= N_IPS; n++)
		check_neigh(t, n, &l->neigh[n]);
	for (unsigned n = 0; n < N_SHARED; n++) {
		struct mac mac = mac_nr(SHARED + n);

		if (fakedp_vxlan(t->f, VNI, &mac).hand == FAKEDP_STATIC)
			continue;
		if (l->shared[n])
			assert_fdb(t, SHARED + n, l->shared[n]);
		else
			assert_no_fdb(t, SHARED + n);
	}
}

/* ---- MACs -------------------------------------------------------------------------------------------------------- */

static void random_step(struct recbed *t, struct rng *r, unsigned macs, struct wish *w, struct sets *s)
{
	unsigned n = 1 + rng_below(r, N_SETS);
	unsigned m = 1 + rng_below(r, macs);
	struct mac mac = mac_nr(m);
	struct ip v = vtep_nr(1 + rng_below(r, 4));

	switch (rng_below(r, 20)) {
	case 0:
	case 1:
	case 2:
	case 3:
		w[m].vtep = s->members[n] && rng_below(r, 2) ? SET + n : 1 + rng_below(r, 4);
		/* as evpn does: a MAC that is known to be local is taken over or left */
		if (rng_below(r, 2)) {
			want_way(t->d, m, w[m].vtep, DP_TAKE_OVER);
			t->b.ifindex[m] = 0;
		} else {
			want_way(t->d, m, w[m].vtep, 0);
		}
		if (rng_below(r, 4) == 0)
			want_way(t->d, m, w[m].vtep, rng_below(r, 2) ? DP_STICKY : 0);
		break;
	case 4:
		for (unsigned i = 1; i <= N_MACS; i++) { /* a VTEP has gone */
			if (w[i].vtep != v.b[3])
				continue;
			w[i].vtep = 0;
			unwant_fdb(t->d, i);
		}
		break;
	case 5:
		w[m].vtep = 0;
		unwant_fdb(t->d, m);
		break;
	case 6:
	case 7:
		fake_learn(t, m, rng_below(r, 2) ? PORT_A : PORT_B, hand_of(m));
		break;
	case 8:
		if (hand_of(m) == FAKEDP_KERNEL)
			fake_forget(t, m);
		break;
	case 9:
		fakedp_lose(t->f, VNI, &mac);
		fakedp_overrun(t->f);
		break;
	case 10:
		fakedp_dest_del(t->f, &v);
		break;
	case 11:
		fakedp_refuse(t->f, ENOSPC, rng_below(r, 4));
		break;
	case 12:
		fakedp_devices(t->f, VNI, true, rng_below(r, 2) ? "down" : NULL);
		break;
	case 13:
		recbed_pass(t, 100 * rng_below(r, 30));
		break;
	case 14:
	case 15:
		set_put(t, r, s, n);
		break;
	case 16:
		set_del(t, r, s, w, n);
		break;
	default:
		dp_flush(t->d);
	}
}

static void check_set(struct recbed *t, unsigned m, unsigned members)
{
	struct mac mac = mac_nr(m);
	struct ip vteps[DP_SET_MAX];
	unsigned n = fakedp_vteps(t->f, VNI, &mac, vteps), found = 0;

	for (unsigned i = 0; i < n; i++)
		found |= 1u << (vteps[i].b[3] - 1);
	assert_int_equal(found, members);
}

static void check_row(struct recbed *t, unsigned m, const struct wish *w, const struct sets *s)
{
	struct mac mac = mac_nr(m);
	struct fakedp_row b = fakedp_bridge(t->f, VNI, &mac);
	bool local = b.there && b.ifindex;

	if (local && b.hand != FAKEDP_OWN)
		assert_int_equal(t->b.ifindex[m], b.ifindex);
	else
		assert_int_equal(t->b.ifindex[m], 0);
	if (hand_of(m) != FAKEDP_KERNEL && local)
		assert_int_equal(b.hand, hand_of(m));
	if (!w[m].vtep)
		assert_false(fake_has_vxlan(t, m) || (b.there && !b.ifindex));
	else if (!local && w[m].vtep >= SET)
		check_set(t, m, s->members[w[m].vtep - SET]);
	else if (!local)
		assert_fdb(t, m, w[m].vtep);
}

/* Many rows beside them that only what hits all of them touches: VTEP 5 or 6, by number. */
#define CROWD 1000u

static void crowd_wish(struct recbed *t, unsigned crowd)
{
	for (unsigned i = 0; i < crowd; i++)
		want_fdb(t->d, CROWD + i, 5 + i % 2, 0);
}

static void crowd_check(struct recbed *t, unsigned crowd)
{
	for (unsigned i = 0; i < crowd; i++)
		assert_fdb(t, CROWD + i, 5 + i % 2);
}

static void check_all(struct recbed *t, const struct run *run, const struct wish *w, const struct sets *s,
		      const struct lists *l)
{
	fakedp_refuse(t->f, 0, 0);
	fakedp_devices(t->f, VNI, true, NULL);
	for (unsigned i = 0; i < 200; i++)
		recbed_pass(t, 1000);
	for (unsigned m = 1; m <= run->macs; m++)
		check_row(t, m, w, s);
	check_lists(t, l);
	crowd_check(t, run->crowd);
}

/* kill -9, and the next one wishes what the last one did, sets by other numbers. */
static void restart(struct recbed *t, struct rng *r, const struct run *run, struct wish *w, struct sets *s,
		    const struct lists *l)
{
	uint32_t mass_min = t->d->rec.mass_min, burst_min = t->d->rec.burst_min;
	struct sets was = *s;

	recbed_stop(t, false);
	recbed_start(t);
	t->d->rec.mass_min = mass_min;
	t->d->rec.burst_min = burst_min;
	for (unsigned n = 1; n <= N_SETS; n++) {
		s->members[n] = was.members[n % N_SETS + 1];
		if (s->members[n])
			set_wish(t, s, n);
	}
	for (unsigned m = 1; m <= run->macs; m++) {
		if (w[m].vtep > SET)
			w[m].vtep = SET + (w[m].vtep - SET + 1) % N_SETS + 1;
		if (w[m].vtep && rng_below(r, 4))
			want_way(t->d, m, w[m].vtep, 0);
		else
			w[m].vtep = 0;
	}
	crowd_wish(t, run->crowd);
	for (unsigned n = 1; n <= N_FLOODS; n++)
		if (l->flood[n])
			flood_wish(t, n, true);
	for (unsigned n = 1; n <= N_IPS; n++)
		if (l->neigh[n].mac)
			neigh_wish(t, n, &l->neigh[n], 0);
	for (unsigned n = 0; n < N_SHARED; n++)
		if (l->shared[n])
			shared_wish(t, n, l->shared[n]);
}

static void random_run(const struct run *run)
{
	struct wish w[N_MACS + 1] = { { 0 } };
	struct sets s = { { 0 } };
	struct lists l = { 0 };
	struct rng r = { run->seed };
	struct recbed *t;
	void *state;

	recbed_setup(&state);
	t = state;
	t->d->rec.mass_min = rng_below(&r, 2) ? 1 : 1000;
	t->d->rec.burst_min = rng_below(&r, 2) ? 1 : 1000;
	l.late = rng_below(&r, 2);
	if (l.late)
		fakedp_late(t->f, rng_u64(&r));
	if (run->shy)
		fakedp_shy(t->f, run->seed);
	if (run->restarts)
		fakedp_devices_made(t->f, VNI);
	if (run->rewrites)
		fakedp_tell_ends(t->f);
	crowd_wish(t, run->crowd);
	for (unsigned i = 0; i < N_STEPS; i++) {
		if (run->restarts && rng_below(&r, 100) == 0)
			restart(t, &r, run, w, &s, &l);
		if (run->rewrites && rng_below(&r, 20) == 0)
			rewrite(t, &r, 1 + rng_below(&r, run->macs), w);
		if (run->lists && rng_below(&r, 3) == 0)
			lists_hand(t, &r, &l);
		if (run->lists && rng_below(&r, 3) == 0)
			lists_wish(t, &r, &l);
		random_step(t, &r, run->macs, w, &s);
	}
	check_all(t, run, w, &s, &l);
	recbed_teardown(&state);
}

static struct run now; /* for whom it goes wrong */

static bool labelled(unsigned mac)
{
	return now.rewrites && mac % 2;
}

static int say_run(void **state)
{
	if (now.seed)
		print_message("reconcile: RECONCILE_RUN=%" PRIu64 ",%u,%u,%d,%d,%d,%d plays this run alone\n", now.seed,
			      now.crowd, now.macs, now.restarts, now.rewrites, now.shy, now.lists);
	return 0;
}

static void play(struct run run)
{
	now = run;
	random_run(&now);
	now.seed = 0;
}

/* Each left a row behind once, or lost one. */
static void runs_that_went_wrong_before(void **state)
{
	static const struct run runs[] = {
		/* a port's own address that our write ran over */
		{ 14963407896819010588u, 0, N_MACS, false, false }, { 17936432009137895446u, 0, N_MACS, false, false },
		/* the end of a VTEP whose put had been refused */
		{ 14155826044373448311u, 0, N_MACS, false, false }, { 10876707821240113076u, 0, N_MACS, false, false },
		/* deleted by hand, then learned on a port, both while our write was out */
		{ 6998183527605032676u, 0, N_MACS, false, false },
		/* not wished for as its VTEP went, and again before its write was back */
		{ 7622020696291881841u, 0, N_MACS, false, false },
		/* taken over by a write that was refused, then not wished for */
		{ 13461046823519791297u, 0, N_MACS, false, false },
		/* out, or asked for, as its VTEP went */
		{ 10168009605550638190u, 0, N_MACS, false, false }, { 10584250103235885572u, 0, N_MACS, false, false },
		/* to be given back to a port, learned on another, gone from there */
		{ 3653082543401454239u, 0, 2, true, false },
		/* to be given back to a port, and taken over before it was */
		{ 16796118138619484006u, 0, 2, false, false },
		/* wished for after another hand's row had gone unheard while a large table was still to be read */
		{ 12377224066212584816u, 0, 8, true, false, true, true },
		/* a row of an earlier run, while another hand's was asked about at the end of such a reading */
		{ 16218888349100551176u, 0, 24, true, false, true, true },
	};

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
		play(runs[i]);
}

static struct run run_of_environment(const char *text)
{
	struct run run = { 0 };
	int restarts, rewrites, shy, lists;

	assert_int_equal(sscanf(text, "%" SCNu64 ",%u,%u,%d,%d,%d,%d", &run.seed, &run.crowd, &run.macs, &restarts,
				&rewrites, &shy, &lists),
			 7);
	assert_in_range(run.macs, 1, N_MACS);
	run.restarts = restarts;
	run.rewrites = rewrites;
	run.shy = shy;
	run.lists = lists;
	return run;
}

static void random_edits_end_with_desired_equal_to_observed(void **state)
{
	static const unsigned macs[] = { N_MACS, N_MACS, 8, 2 };
	struct rng r = rng_start("reconcile");
	const char *n = getenv("RECONCILE_RUNS"), *rows = getenv("RECONCILE_ROWS"), *one = getenv("RECONCILE_RUN");

	if (one) {
		play(run_of_environment(one));
		return;
	}
	for (unsigned i = 0; i < (n ? strtoul(n, NULL, 10) : 300); i++) {
		struct run run = { .seed = rng_u64(&r), .macs = macs[rng_below(&r, 4)], .restarts = rng_below(&r, 2) };

		/* A row that has lost its mark is nobody's after a restart. */
		run.rewrites = !run.restarts && rng_below(&r, 2);
		run.shy = run.restarts && rng_below(&r, 2);
		run.lists = rng_below(&r, 2);
		run.crowd = rows ? (unsigned)strtoul(rows, NULL, 10) : rng_below(&r, 16) ? 0 : 500;
		play(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(runs_that_went_wrong_before, say_run),
		cmocka_unit_test_teardown(random_edits_end_with_desired_equal_to_observed, say_run),
	};

	return RUN_TESTS(tests);
}

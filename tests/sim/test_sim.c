/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Whole fabrics on simulated time. After any disturbance, once it is quiet, every kernel has what follows from
 * where the hosts are (tests/lib/fabric.h), and at the end no object is left. SEED=N repeats a run octet by octet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/lib/fabric.h"
#include "tests/lib/test.h"

#define MS 1000LL
#define S 1000000LL

static void converge(struct fabric *f)
{
	if (!fabric_converge(f, 300 * S))
		fail_msg("the sessions do not come up");
}

/* What a drain has said is taken back everywhere. */
static const char *someone_drains(const struct fabric *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		struct bgp_rib_cursor c = { 0 };
		struct bgp_path_info p;

		while (bgp_rib_next(sim_bgp(f->s[i].node), &c, &p))
			if (bgp_has_community(p.attrs, BGP_GRACEFUL_SHUTDOWN))
				return "a route says that a speaker is about to go, and nobody is";
	}
	return NULL;
}

static void check(struct fabric *f)
{
	const char *wrong;

	fabric_settle(f);
	wrong = fabric_check(f);
	if (!wrong)
		wrong = fabric_check_routes(f);
	if (!wrong)
		wrong = someone_drains(f);
	if (wrong)
		fail_msg("%s", wrong);
}

static void end(struct fabric *f)
{
	const char *left = fabric_end(f);

	if (left)
		fail_msg("%s", left);
	fabric_free(f);
}

static int any_vtep(const struct fabric *f, struct rng *rng)
{
	return (int)(fabric_first(f) + rng_below(rng, f->n - fabric_first(f)));
}

static void hosts_add(struct fabric *f, struct rng *rng, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fabric_talk(f, fabric_host(f, 1 + rng_below(rng, f->p.vnis), any_vtep(f, rng)));
}

static void hosts_find_each_other(void **state)
{
	struct rng rng = rng_start("hosts_find_each_other");
	struct fabric *f = fabric_new(&(struct fabric_params){
		.seed = rng_u64(&rng), .reflectors = 2, .vteps = 6, .vnis = 4, .vnis_each = 4, .delay_us = 3 * MS });

	converge(f);
	hosts_add(f, &rng, 60);
	check(f);
	end(f);
}

/* Reflectors behind reflectors; hosts that are silent about where they were, and ports that go down. */
static void hosts_move(void **state)
{
	struct rng rng = rng_start("hosts_move");
	struct fabric *f = fabric_new(&(struct fabric_params){ .seed = rng_u64(&rng),
							       .tops = 2,
							       .reflectors = 3,
							       .vteps = 8,
							       .vnis = 2,
							       .vnis_each = 2,
							       .delay_us = 20 * MS,
							       .add_path = rng_below(&rng, 2) });

	converge(f);
	hosts_add(f, &rng, 20);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 200; i++) {
			unsigned h = rng_below(&rng, f->n_hosts);

			fabric_move(f, h, any_vtep(f, &rng), rng_below(&rng, 2));
			fabric_talk(f, h);
			fabric_run(f, rng_below(&rng, 60) * MS);
		}
		check(f);
	}
	for (unsigned h = 0; h < f->n_hosts; h += 2)
		fabric_move(f, h, -1, true);
	check(f);
	end(f);
}

/* What an operator does: drains a speaker or not any more, asks for routes again, clears sessions. */
static void operate(struct fabric *f, struct rng *rng, unsigned i)
{
	struct bgp *b = sim_bgp(f->s[i].node);
	struct mtime now = simnet_now(f->net);
	struct bgp_peer *peer = NULL;

	if (!b || !f->s[i].up)
		return;
	if (rng_below(rng, 2)) {
		bgp_drain(b, rng_below(rng, 2), now);
		return;
	}
	while ((peer = bgp_peer_next(b, peer))) {
		switch (rng_below(rng, 4)) {
		case 0:
			bgp_peer_refresh(peer, now);
			break;
		case 1:
			bgp_peer_clear(peer, "now and then", now);
			break;
		}
	}
}

static void disturb(struct fabric *f, struct rng *rng)
{
	unsigned a = rng_below(rng, f->n), b = rng_below(rng, f->n), h = rng_below(rng, f->n_hosts);

	switch (rng_below(rng, 18)) {
	case 0:
		if (a != b)
			sim_reset(f->net, f->s[a].node, f->s[b].node);
		break;
	case 1:
		if (a != b)
			sim_block(f->net, f->s[a].node, f->s[b].node, true);
		break;
	case 2:
		if (a != b)
			sim_block(f->net, f->s[a].node, f->s[b].node, false);
		break;
	case 3:
		if (f->p.restart_s && rng_below(rng, 2))
			fabric_stop(f, a);
		else
			fabric_crash(f, a);
		break;
	case 4:
		fabric_restart(f, a);
		break;
	case 5:
		fabric_vni(f, (unsigned)any_vtep(f, rng), 1 + rng_below(rng, f->p.vnis), rng_below(rng, 2));
		break;
	case 6:
		fabric_host(f, 1 + rng_below(rng, f->p.vnis), any_vtep(f, rng));
		break;
	case 7:
		fabric_move(f, h, -1, true);
		break;
	case 8:
		fakedp_overrun(f->s[any_vtep(f, rng)].kernel);
		break;
	case 9:
		fabric_devices(f, (unsigned)any_vtep(f, rng), 1 + rng_below(rng, f->p.vnis), rng_below(rng, 2));
		break;
	case 10:
		fabric_swap(f, h, rng_below(rng, f->n_hosts));
		fabric_talk(f, h);
		break;
	case 11:
		fabric_talk(f, h);
		fabric_run(f, rng_below(rng, 10) * MS);
		if (a != b)
			sim_sever(f->net, f->s[a].node, f->s[b].node);
		break;
	case 12:
	case 13:
		operate(f, rng, a);
		break;
	default:
		fabric_move(f, h, any_vtep(f, rng), rng_below(rng, 2));
		fabric_talk(f, h);
	}
}

static void heal(struct fabric *f)
{
	for (unsigned a = 0; a < f->n; a++) {
		fabric_restart(f, a);
		bgp_drain(sim_bgp(f->s[a].node), false, simnet_now(f->net));
		for (uint32_t v = 1; v <= f->p.vnis && a >= fabric_first(f); v++)
			fabric_devices(f, a, v, true);
		for (unsigned b = 0; b < a; b++)
			sim_block(f->net, f->s[a].node, f->s[b].node, false);
	}
	fabric_run(f, 15 * S); /* hold times, and the dataplane's sweep of what an earlier run left */
	converge(f);
}

/* Rounds of trouble, then quiet, then a look at everything. */
static void go_wrong(const struct fabric_params *p, struct rng *rng, int rounds)
{
	struct fabric *f = fabric_new(p);

	converge(f);
	hosts_add(f, rng, 12);
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < 100; i++) {
			disturb(f, rng);
			fabric_run(f, rng_below(rng, 10) ? rng_below(rng, 30) * MS : rng_below(rng, 12) * S);
		}
		heal(f);
		check(f);
	}
	end(f);
}

static void anything_goes_wrong(void **state)
{
	struct rng rng = rng_start("anything_goes_wrong");

	for (int run = 0; run < 15; run++)
		go_wrong(&(struct fabric_params){ .seed = rng_u64(&rng), .reflectors = 2, .vteps = 6, .vnis = 3,
						  .vnis_each = 2, .delay_us = 10 * MS, .add_path = run % 2 }, &rng, 3);
}

/* RFC 4684: each holds what it imports and no more, whatever comes and goes, behind one tier of reflectors and two. */
static void anything_goes_wrong_and_everybody_holds_what_it_asks_for(void **state)
{
	struct rng rng = rng_start("anything_goes_wrong_and_everybody_holds_what_it_asks_for");

	for (int run = 0; run < 12; run++)
		go_wrong(&(struct fabric_params){ .seed = rng_u64(&rng), .tops = run % 3, .reflectors = 3, .vteps = 8,
						  .homes = run % 2 ? 0 : 1, .vnis = 5, .vnis_each = 2, .rtc = true,
						  .delay_us = 10 * MS, .add_path = run / 2 % 2 }, &rng, 2);
}

/*
 * RFC 4724, 8538, 9494: what is kept is gone, or true again, once all is quiet. Times are
 * short, so that each of them ends in the middle of something now and then.
 */
static void anything_goes_wrong_with_graceful_restart(void **state)
{
	struct rng rng = rng_start("anything_goes_wrong_with_graceful_restart");

	for (int run = 0; run < 16; run++)
		go_wrong(&(struct fabric_params){ .seed = rng_u64(&rng),
						  .tops = run / 2 % 2,
						  .reflectors = 2,
						  .vteps = 6,
						  .vnis = 3,
						  .vnis_each = 2,
						  .delay_us = 10 * MS,
						  .restart_s = run % 4 == 3 ? 60 : 4,
						  .long_s = run % 2 ? 6 : 0,
						  .rtc = run / 4 % 2,
						  .add_path = run / 8 % 2 },
			 &rng, 3);
}

/* The same seed is the same run. */
static void runs_repeat(void **state)
{
	struct rng rng = rng_start("runs_repeat");
	uint64_t seed = rng_u64(&rng), trace[2];

	for (int run = 0; run < 2; run++) {
		struct rng r = { .state = seed };
		struct fabric *f = fabric_new(&(struct fabric_params){
			.seed = seed, .reflectors = 1, .vteps = 4, .vnis = 2, .vnis_each = 2, .delay_us = 10 * MS });

		converge(f);
		hosts_add(f, &r, 10);
		for (int i = 0; i < 50; i++) {
			disturb(f, &r);
			fabric_run(f, 10 * MS);
		}
		heal(f);
		trace[run] = simnet_trace(f->net);
		fabric_free(f);
	}
	assert_true(trace[0] == trace[1]);
}

#ifdef __SANITIZE_ADDRESS__
#define MANY_ROUTES 10000u
#else
#define MANY_ROUTES 100000u
#endif

/* 100 speakers, 100,000 routes, each of which all get and some import; times and memory are printed. */
static void a_hundred_speakers_with_a_hundred_thousand_routes(void **state)
{
	struct fabric *f = fabric_new(&(struct fabric_params){ .seed = 1, .reflectors = 1, .vteps = 99, .vnis = 99,
							       .vnis_each = 9, .slice_us = 20 * MS, .bare = true });
	const struct dp_events *port = NULL;
	unsigned each = MANY_ROUTES / 99;
	struct rusage before, after;
	clock_t start = clock();

	getrusage(RUSAGE_SELF, &before);
	converge(f);
	for (unsigned i = fabric_first(f); i < f->n; i++) {
		uint32_t vni = 0;

		port = evpn_dp_events(f->s[i].evpn);
		for (unsigned m = 0; m < each; m++) {
			struct mac mac = { { 2, 1, (uint8_t)(i >> 8), (uint8_t)i, (uint8_t)(m >> 8), (uint8_t)m } };

			do
				vni = vni % f->p.vnis + 1;
			while (!f->s[i].vnis[vni]);
			port->local_mac(f->s[i].evpn, vni, &mac, 7, 0);
		}
	}
	fabric_run(f, S);
	if (!fabric_converge(f, 300 * S))
		fail_msg("not converged");
	getrusage(RUSAGE_SELF, &after);
	for (unsigned i = fabric_first(f); i < f->n; i++) {
		struct evpn_vni_info info = { 0 };
		struct bgp_memory mem;
		unsigned macs = 0, want = 0;

		bgp_memory(sim_bgp(f->s[i].node), &mem);
		assert_true(mem.keys >= 99 * each);
		while (evpn_vni_next(f->s[i].evpn, info.vni, &info))
			macs += info.local_macs + info.remote_macs;
		for (unsigned o = fabric_first(f); o < f->n; o++)
			for (uint32_t v = 1; v <= f->p.vnis; v++)
				want += f->s[i].vnis[v] && f->s[o].vnis[v] ? each / 9 : 0;
		assert_in_range(macs, want, want + 99);
	}
	print_message("%u speakers, %u routes, %.0f million octets: %.1f s, peak %ld MiB\n", f->n, 99 * each,
		      (double)simnet_octets(f->net) / 1e6, (double)(clock() - start) / CLOCKS_PER_SEC,
		      (after.ru_maxrss - before.ru_maxrss) / 1024);
	fabric_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_find_each_other),
		cmocka_unit_test(hosts_move),
		cmocka_unit_test(runs_repeat),
		cmocka_unit_test(anything_goes_wrong),
		cmocka_unit_test(anything_goes_wrong_with_graceful_restart),
		cmocka_unit_test(anything_goes_wrong_and_everybody_holds_what_it_asks_for),
		cmocka_unit_test(a_hundred_speakers_with_a_hundred_thousand_routes),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Large fabrics on simulated time: a mesh of 50, and two tiers of reflectors over hundreds of VTEPs (SIM_LARGE=1 in the
 * environment: 1,000 speakers and more than 1,000,000 changes of best paths). Hosts come, move and go while sessions
 * are cut and speakers die; once it is quiet every speaker has exactly the routes that are originated, and at the end
 * no object is left. SEED=N repeats a run octet by octet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/lib/fabric.h"
#include "tests/lib/test.h"

#define MS 1000LL
#define S 1000000LL

struct size {
	unsigned tops, reflectors, vteps, hosts;
	uint64_t changes; /* at least */
};

#ifdef __SANITIZE_ADDRESS__
static const struct size small = { 2, 4, 44, 100, 10000 }, large = { 2, 8, 190, 400, 200000 };
#else
static const struct size small = { 2, 8, 190, 400, 200000 }, large = { 2, 20, 978, 400, 1000000 };
#endif

static bool is_large(void)
{
	return getenv("SIM_LARGE") != NULL;
}

static unsigned any_vtep(const struct fabric *f, struct rng *rng)
{
	return fabric_first(f) + rng_below(rng, f->p.vteps);
}

static void host_new(struct fabric *f, struct rng *rng)
{
	fabric_talk(f, fabric_host(f, 1 + rng_below(rng, f->p.vnis), (int)any_vtep(f, rng)));
}

static void move(struct fabric *f, struct rng *rng)
{
	unsigned h = rng_below(rng, f->n_hosts);

	fabric_move(f, h, (int)any_vtep(f, rng), rng_below(rng, 2));
	fabric_talk(f, h);
}

/* A speaker dies, or one of its sessions is lost, in the middle of what others say. */
static void disturb(struct fabric *f, struct rng *rng)
{
	unsigned victim = rng_below(rng, f->n), other = rng_below(rng, fabric_first(f) ? fabric_first(f) : f->n);

	switch (rng_below(rng, 3)) {
	case 0:
		fabric_crash(f, victim);
		break;
	case 1:
		if (other != victim)
			sim_reset(f->net, f->s[victim].node, f->s[other].node);
		break;
	case 2:
		if (other != victim)
			sim_sever(f->net, f->s[victim].node, f->s[other].node);
		break;
	}
}

static void restart_all(struct fabric *f)
{
	for (unsigned i = 0; i < f->n; i++)
		fabric_restart(f, i);
}

static void settle_and_check(struct fabric *f)
{
	const char *wrong;

	restart_all(f);
	fabric_run(f, 15 * S); /* hold times, and the sweep of what an earlier run left */
	if (!fabric_converge(f, 300 * S))
		fail_msg("the sessions do not come up");
	fabric_settle(f);
	if (!fabric_converge(f, 300 * S))
		fail_msg("something is under way for ever");
	wrong = fabric_check_routes(f);
	if (!wrong)
		wrong = fabric_check(f);
	if (wrong)
		fail_msg("%s", wrong);
}

static void run(const char *name, const struct fabric_params *p, struct rng *rng, const struct size *size)
{
	struct fabric *f = fabric_new(p);
	struct rusage usage;
	clock_t start = clock();
	const char *left;

	if (!fabric_converge(f, 300 * S))
		fail_msg("the sessions do not come up");
	for (unsigned i = 0; i < size->hosts; i++)
		host_new(f, rng);
	while (fabric_changes(f) < size->changes) {
		for (int i = 0; i < 100; i++) {
			if (!rng_below(rng, 30))
				disturb(f, rng);
			move(f, rng);
			fabric_run(f, rng_below(rng, 10) * MS);
		}
		restart_all(f);
	}
	settle_and_check(f);
	for (unsigned i = 0; i < size->hosts / 4; i++)
		move(f, rng);
	settle_and_check(f);
	left = fabric_end(f);
	if (left)
		fail_msg("%s", left);
	getrusage(RUSAGE_SELF, &usage);
	print_message(
		"%s: %u speakers, %llu changes of best paths, %.0f million octets: %.1f s of processor, peak %ld MiB\n",
		name, f->n, (unsigned long long)fabric_changes(f), (double)simnet_octets(f->net) / 1e6,
		(double)(clock() - start) / CLOCKS_PER_SEC, usage.ru_maxrss / 1024);
	fabric_free(f);
}

static void two_tiers_of_reflectors(void **state)
{
	const struct size *size = is_large() ? &large : &small;
	struct rng rng = rng_start("two_tiers_of_reflectors");

	run("two tiers",
	    &(struct fabric_params){ .seed = rng_u64(&rng), .tops = size->tops, .reflectors = size->reflectors,
				     .vteps = size->vteps, .homes = 2, .vnis = 8, .vnis_each = 2, .delay_us = 20 * MS,
				     .slice_us = 20 * MS },
	    &rng, size);
}

static void a_full_mesh(void **state)
{
	const struct size size = { .vteps = 50, .hosts = 60, .changes = is_large() ? 200000 : 20000 };
	struct rng rng = rng_start("a_full_mesh");

	run("mesh",
	    &(struct fabric_params){ .seed = rng_u64(&rng), .vteps = size.vteps, .vnis = 4, .vnis_each = 2,
				     .delay_us = 10 * MS },
	    &rng, &size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_mesh),
		cmocka_unit_test(two_tiers_of_reflectors),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The table and the outbound side alone, without sessions and sockets: Type 2 routes (MAC + IPv4) of VTEPs x VNIs
 * attribute sets from one client, pulled by another.
 *
 *	bench_rib [--routes N] [--vteps N] [--vnis N] [--sinks N] [--shuffle] [--add-path]
 *
 *	reflect   announced and pulled by turns, 64 KiB at a time, as a daemon does
 *	dump      everything to a client that comes later
 *	change    every route gets another set, by turns as above
 *	down      the session of the client is lost: purged in slices, pulled
 *	reload    announced again, then withdrawn one by one by turns
 *
 * --shuffle announces in random order, so that neighbours do not share a set; with --add-path the sinks take all paths
 * of a route (there is one), the client and what comes later do not. One JSON object on stdout; seconds are of
 * one processor, octets a route are peak resident less what was resident before, over routes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bgp/rib.h"
#include "include/evpn.h"
#include "tests/bench/proc.h"

#define AS 65001
#define PULL_OCTETS 65536
#define SINKS_MAX 64
#define BATCH 16u

struct bench {
	uint32_t routes, vteps, vnis, sinks, shuffle, add_path;
	struct attrset_table *sets;
	struct rib *rib;
	struct rib_peer source, sink[SINKS_MAX], late;
	bool work;
	uint64_t octets, messages;
	uint64_t base_rss;
};

static void want_write(void *ctx, struct rib_peer *p)
{
}

static void want_work(void *ctx)
{
	((struct bench *)ctx)->work = true;
}

static void put32(uint8_t *p, uint32_t v)
{
	struct wbuf w = wb_init(p, 4);

	wb_u32(&w, v);
}

static uint32_t mix(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x7feb352du;
	x ^= x >> 15;
	x *= 0x846ca68bu;
	return x ^ x >> 16;
}

/* A permutation of 0..n-1: a walk of the next larger power of two by an odd stride. */
static uint32_t place(const struct bench *b, uint32_t i)
{
	uint32_t mask = 1;

	if (!b->shuffle)
		return i;
	while (mask < b->routes)
		mask = mask * 2 + 1;
	for (i = i * 0x9e3779b1u & mask; i >= b->routes; i = (i + 0x9e3779b1u) & mask)
		;
	return i;
}

static uint32_t set_of(const struct bench *b, uint32_t i)
{
	return (uint32_t)((uint64_t)i * b->vteps * b->vnis / b->routes);
}

static void make_key(const struct bench *b, uint32_t i, struct bgp_nlri *n)
{
	uint32_t set = set_of(b, i);
	uint8_t *p = n->key;

	*p++ = 2;
	*p++ = 0;
	*p++ = 1;
	put32(p, 0x0a000001 + set / b->vnis);
	p += 4;
	*p++ = 0;
	*p++ = (uint8_t)(set % b->vnis);
	put32(p, 0);
	p += 4;
	*p++ = 2;
	*p++ = 0;
	put32(p, mix(i));
	p += 4;
	put32(p, 0x0a800000 + i);
	n->key_len = 23;
}

/* The keys of a batch, as a session decodes them before it hands them on. Returns how many. */
static uint32_t make_batch(const struct bench *b, uint32_t from, struct bgp_nlri batch[BATCH])
{
	uint32_t n = 0;

	for (; n < BATCH && from + n < b->routes; n++)
		make_key(b, place(b, from + n), &batch[n]);
	rib_prefetch(b->rib, &evpn_family, &b->source, batch, n);
	return n;
}

static uint32_t make_set(struct bench *b, uint32_t set, uint32_t generation)
{
	uint8_t communities[16] = { 0, 2, AS >> 8, AS & 0xff, 0, 0, 0, 0, 3, 0x0c, 0, 0, 0, 0, 0, 8 };
	uint8_t shared[13] = { 0 };
	struct bgp_attrs a = {
		.next_hop = ip_v4(0x0a000001 + set / b->vnis),
		.has_local_pref = true,
		.local_pref = 100 + generation,
		.ext_communities = communities,
		.ext_communities_len = sizeof(communities),
		.shared = shared,
		.shared_len = sizeof(shared),
	};

	put32(communities + 4, 100 + set % b->vnis);
	shared[12] = (uint8_t)(set % b->vnis);
	return attrset_intern(b->sets, &a);
}

static void pull(struct bench *b, struct rib_peer *p)
{
	static uint8_t space[PULL_OCTETS];
	size_t n;

	while ((n = out_pull(b->rib, p, space, sizeof(space), &b->messages)))
		b->octets += n;
}

static void pull_all(struct bench *b)
{
	for (uint32_t s = 0; s < b->sinks; s++)
		pull(b, &b->sink[s]);
}

/* What comes in a read of 64 KiB. */
#define ROUTES_A_TURN 1600u

static void announce_all(struct bench *b, uint32_t generation)
{
	uint32_t last = UINT32_MAX, set = 0;
	struct bgp_nlri batch[BATCH];

	for (uint32_t from = 0; from < b->routes; from += BATCH) {
		uint32_t n = make_batch(b, from, batch);

		for (uint32_t i = 0; i < n; i++) {
			uint32_t s = set_of(b, place(b, from + i));

			if (s != last) { /* another UPDATE */
				if (set)
					attrset_unref(b->sets, set);
				last = s;
				set = make_set(b, s, generation);
			}
			attrset_ref(b->sets, set);
			rib_announce(b->rib, &evpn_family, &b->source, batch[i].key, batch[i].key_len, 0, set,
				     BGP_ELIGIBLE, (struct mtime){ 0 });
		}
		if (from % ROUTES_A_TURN == 0)
			pull_all(b);
	}
	attrset_unref(b->sets, set);
	pull_all(b);
}

static void withdraw_all(struct bench *b)
{
	struct bgp_nlri batch[BATCH];

	for (uint32_t from = 0; from < b->routes; from += BATCH) {
		uint32_t n = make_batch(b, from, batch);

		for (uint32_t i = 0; i < n; i++)
			rib_withdraw(b->rib, &evpn_family, &b->source, batch[i].key, batch[i].key_len, 0,
				     (struct mtime){ 0 });
		if (from % ROUTES_A_TURN == 0)
			pull_all(b);
	}
	pull_all(b);
}

static void work(struct bench *b)
{
	while (b->work) {
		b->work = rib_work(b->rib, (struct mtime){ 0 });
		pull_all(b);
	}
}

static void peer_up(struct bench *b, struct rib_peer *p, uint32_t n)
{
	struct out_policy policy;

	memset(&policy, 0, sizeof(policy));
	policy.rr_client = policy.as4 = 1;
	policy.max_message = 4096;
	policy.add_path = b->add_path && n > 1 && p != &b->late ? OUT_ALL_PATHS : 0;
	if (!p->index) {
		*p = (struct rib_peer){ .rr_client = true, .asn = AS, .router_id = n };
		p->address = ip_v4(0x0a000000 + n);
		rib_peer_add(b->rib, p);
	}
	rib_peer_up(b->rib, p);
	out_attach(b->rib, &evpn_family, p, &policy);
}

/* A phase has begun: what has been written so far does not count. */
static double begin(struct bench *b)
{
	b->octets = b->messages = 0;
	proc_reset_peak(getpid());
	return proc_now();
}

static void end(struct bench *b, const char *name, double start)
{
	double seconds = proc_now() - start;
	struct proc_sample s = proc_sample(getpid());

	printf(", \"%s\": {\"seconds\": %.4f, \"routes_per_second\": %.0f, \"messages\": %llu, \"octets_out\": %llu, "
	       "\"peak_octets_per_route\": %.1f, \"resident_octets_per_route\": %.1f}",
	       name, seconds, b->routes / seconds, (unsigned long long)b->messages, (unsigned long long)b->octets,
	       ((double)s.peak - (double)b->base_rss) / b->routes, ((double)s.rss - (double)b->base_rss) / b->routes);
}

static void run(struct bench *b)
{
	double t;

	peer_up(b, &b->source, 1);
	for (uint32_t s = 0; s < b->sinks; s++)
		peer_up(b, &b->sink[s], 2 + s);
	pull_all(b);
	b->base_rss = proc_sample(getpid()).rss;

	t = begin(b);
	announce_all(b, 0);
	end(b, "reflect", t);

	t = begin(b);
	peer_up(b, &b->late, 100);
	pull(b, &b->late);
	end(b, "dump", t);
	rib_peer_down(b->rib, &b->late);
	work(b);

	t = begin(b);
	announce_all(b, 1);
	end(b, "change", t);

	t = begin(b);
	rib_peer_down(b->rib, &b->source);
	work(b);
	end(b, "down", t);

	peer_up(b, &b->source, 1);
	announce_all(b, 2);
	t = begin(b);
	withdraw_all(b);
	end(b, "withdraw", t);
}

static void arguments(struct bench *b, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		uint32_t value = i + 1 < argc ? (uint32_t)strtoul(argv[i + 1], NULL, 10) : 0;

		if (!strcmp(argv[i], "--shuffle")) {
			b->shuffle = true;
			continue;
		}
		if (!strcmp(argv[i], "--add-path")) {
			b->add_path = true;
			continue;
		}
		if (!strcmp(argv[i], "--routes") && value)
			b->routes = value;
		else if (!strcmp(argv[i], "--vteps") && value)
			b->vteps = value;
		else if (!strcmp(argv[i], "--vnis") && value && value <= 255)
			b->vnis = value;
		else if (!strcmp(argv[i], "--sinks") && value && value <= SINKS_MAX)
			b->sinks = value;
		else {
			fprintf(stderr,
				"bench_rib [--routes N] [--vteps N] [--vnis 1..255] [--sinks 1..%d] [--shuffle] "
				"[--add-path]\n", SINKS_MAX);
			exit(2);
		}
		i++;
	}
}

int main(int argc, char **argv)
{
	struct bench b = { .routes = 1000000, .vteps = 100, .vnis = 10, .sinks = 1 };
	const struct rib_params params = { .asn = AS, .router_id = 99, .want_write = want_write, .work = want_work,
					   .ctx = &b };

	arguments(&b, argc, argv);
	b.sets = attrset_table_new();
	b.rib = rib_new(&params, b.sets);
	rib_family_register(b.rib, &evpn_family, NULL);
	printf("{\"name\": \"rib\", \"routes\": %u, \"sets\": %u, \"sinks\": %u, \"shuffled\": %s, \"add_path\": %s",
	       b.routes, b.vteps * b.vnis, b.sinks, b.shuffle ? "true" : "false", b.add_path ? "true" : "false");
	run(&b);
	printf("}\n");
	rib_free(b.rib);
	attrset_table_free(b.sets);
	return 0;
}

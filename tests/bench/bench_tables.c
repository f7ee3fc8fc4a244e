/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The EVPN tables alone: best paths come in and rows go out, without a RIB and a dataplane behind them (this file is
 * both, and does nothing but count). Type 2 routes of 100 VTEPs x VNIs attribute sets, in random order of sets.
 *
 *	bench_tables [--routes N] [--vnis N] [--ip] [--no-history]
 *
 *	skip      routes of VNIs that nobody has: what is not imported
 *	import    the same routes for VNIs that are there
 *	move      each MAC to another VTEP with a higher sequence
 *	withdraw  all of it
 *
 * --ip: MAC+IP routes. One JSON object on stdout: ns and octets a route.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evpn/ec.h"
#include "evpn/nlri.h"
#include "include/evpn.h"
#include "tests/bench/proc.h"

#define VTEPS 100u

struct set {
	uint32_t mark;
	struct bgp_attrs attrs;
	uint8_t ecs[24], shared[13];
};

struct bgp {
	struct set *sets;
	uint64_t originated;
};

struct dp {
	uint64_t wants, unwants;
};

uint32_t bgp_set_mark(const struct bgp *b, uint32_t set)
{
	return b->sets[set].mark;
}

void bgp_set_set_mark(struct bgp *b, uint32_t set, uint32_t mark)
{
	b->sets[set].mark = mark;
}

void bgp_did(struct bgp *b, uint32_t rows)
{
}

const struct bgp_peer_params *bgp_peer_params(const struct bgp_peer *peer)
{
	static const struct bgp_peer_params p = { .address = { 4, { 192, 0, 2, 254 } } };

	return &p;
}

bool bgp_rib_next(const struct bgp *b, struct bgp_rib_cursor *c, struct bgp_path_info *out)
{
	return false;
}

void bgp_originate(struct bgp *b, const struct bgp_family *f, const struct bgp_nlri *nlri,
		   const struct bgp_attrs *attrs, struct mtime now)
{
	b->originated++;
}

void bgp_withdraw(struct bgp *b, const struct bgp_family *f, const uint8_t *key, size_t key_len, struct mtime now)
{
}

void bgp_rt_want(struct bgp *b, const uint8_t rt[8], struct mtime now)
{
}

void bgp_rt_unwant(struct bgp *b, const uint8_t rt[8], struct mtime now)
{
}

struct dp_key dp_key_fdb(uint32_t vni, const struct mac *mac)
{
	return (struct dp_key){ .vni = vni, .kind = DP_FDB, .mac = *mac };
}

struct dp_key dp_key_flood(uint32_t vni, const struct ip *vtep)
{
	return (struct dp_key){ .vni = vni, .kind = DP_FLOOD, .ip = *vtep };
}

struct dp_key dp_key_neigh(uint32_t vni, const struct ip *ip)
{
	return (struct dp_key){ .vni = vni, .kind = DP_NEIGH, .ip = *ip };
}

struct dp_key dp_key_group(uint32_t vni, const struct mac *group, const struct ip *vtep)
{
	return (struct dp_key){ .vni = vni, .kind = DP_FLOOD, .mac = *group, .ip = *vtep };
}

void dp_want(struct dp *d, const struct dp_row *row)
{
	d->wants++;
}

void dp_soon(struct dp *d, const struct dp_key *key)
{
}

void dp_unwant(struct dp *d, const struct dp_key *key)
{
	d->unwants++;
}

bool dp_sets_on_demand(const struct dp *d)
{
	return true;
}

void dp_set_put(struct dp *d, uint32_t set, const struct ip *vteps, unsigned n)
{
}

void dp_set_del(struct dp *d, uint32_t set)
{
}

int dp_vni_add(struct dp *d, const struct dp_vni_params *p)
{
	return 0;
}

void dp_vni_del(struct dp *d, uint32_t vni)
{
}

/* ---- the load ---------------------------------------------------------------------------------------------------- */

struct bench {
	uint32_t routes, vnis;
	bool ip;
	struct bgp bgp;
	struct dp dp;
	struct evpn *e;
	const struct bgp_listener *l;
};

static uint32_t mix(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x7feb352du;
	x ^= x >> 15;
	x *= 0x846ca68bu;
	return x ^ x >> 16;
}

/* Set of a VTEP (0 .. VTEPS-1), a VNI (1 ..) and a sequence (0 or 1). */
static uint32_t set_number(const struct bench *b, uint32_t vtep, uint32_t vni, uint32_t seq)
{
	return 1 + (seq * (b->vnis + 1) + vni) * VTEPS + vtep;
}

static void sets_fill(struct bench *b)
{
	b->bgp.sets = xcalloc(1 + 2 * VTEPS * (b->vnis + 1), sizeof(struct set));
	for (uint32_t seq = 0; seq < 2; seq++) {
		for (uint32_t vni = 1; vni <= b->vnis; vni++) {
			for (uint32_t v = 0; v < VTEPS; v++) {
				struct set *s = &b->bgp.sets[set_number(b, v, vni, seq)];
				struct wbuf w = wb_init(s->ecs, sizeof(s->ecs)), sh = wb_init(s->shared, 13);
				uint8_t rt[8];

				evpn_rt_auto(65000, vni, rt);
				evpn_ec_put_rt(&w, rt);
				evpn_ec_put_encap(&w, EVPN_ENCAP_VXLAN);
				if (seq)
					evpn_ec_put_mobility(&w, seq, false);
				wb_zero(&sh, 10);
				wb_u24(&sh, vni);
				s->attrs = (struct bgp_attrs){ .next_hop = ip_v4(0x0a000001 + v),
							       .ext_communities = s->ecs,
							       .ext_communities_len = (uint16_t)wb_len(&w),
							       .shared = s->shared,
							       .shared_len = 13 };
			}
		}
	}
}

/* Route i of sequence seq, at the VTEP that is by places further. */
static struct bgp_route_ref route_ref(const struct bench *b, uint32_t i, uint32_t by, uint32_t seq, struct bgp_nlri *n)
{
	uint32_t m = mix(i), vtep = (m + by) % VTEPS, vni = 1 + m / VTEPS % b->vnis;
	uint32_t set = set_number(b, vtep, vni, seq);
	struct mac mac = { { 2, 0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
	struct ip ip = b->ip ? ip_v4(0x0b000000 + i) : ip_none();
	uint8_t rd[8];

	evpn_rd_auto(0x0a000001 + vtep, vni, rd);
	*n = evpn_key_mac(rd, 0, &mac, &ip);
	return (struct bgp_route_ref){ n->key, n->key_len, &b->bgp.sets[set].attrs, set, NULL };
}

static void run(struct bench *b, const char *name, bool announce, bool withdraw, uint32_t by, uint32_t seq)
{
	double start = proc_now(), took;

	for (uint32_t i = 0; i < b->routes; i++) {
		struct bgp_nlri n;
		struct bgp_route_ref r = route_ref(b, i, by, seq, &n);

		if (announce)
			b->l->best_changed(b->l->ctx, NULL, &r);
		if (withdraw)
			b->l->best_changed(b->l->ctx, &r, NULL);
	}
	took = proc_now() - start;
	printf("\"%s_ns\": %.0f, ", name, took * 1e9 / b->routes);
}

static void vnis_add(struct bench *b)
{
	struct config_rt rts[2] = { { .is_auto = true }, { .is_auto = true } };

	for (uint32_t v = 1; v <= b->vnis; v++) {
		struct config_vni c = { .vni = v, .rd = { .is_auto = true }, .imports = &rts[0], .n_imports = 1,
					.exports = &rts[1], .n_exports = 1, .arp_suppression = true };

		evpn_vni_add(b->e, &c, 4789, NULL);
	}
}

int main(int argc, char **argv)
{
	struct bench b = { .routes = 1000000, .vnis = 10 };
	struct log log;
	struct history history;
	struct evpn_params p = { .asn = 65000, .router_id = 0xc0000209, .vtep = ip_v4(0xc0000209), .log = &log,
				 .history = &history };
	struct evpn_memory mem;
	struct proc_sample before, after;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--ip"))
			b.ip = true;
		else if (!strcmp(argv[i], "--no-history"))
			p.history = NULL;
		else if (i + 1 < argc && !strcmp(argv[i], "--routes"))
			b.routes = (uint32_t)strtoul(argv[++i], NULL, 10);
		else if (i + 1 < argc && !strcmp(argv[i], "--vnis"))
			b.vnis = (uint32_t)strtoul(argv[++i], NULL, 10);
	}
	log_init(&log, LOG_ERROR);
	history_init(&history);
	sets_fill(&b);
	b.e = evpn_new(&p, (struct mtime){ 0 });
	b.l = evpn_listener(b.e);
	evpn_connect(b.e, &b.bgp, &b.dp);
	printf("{\"bench\": \"tables\", \"routes\": %u, \"vnis\": %u, \"ip\": %s, ", b.routes, b.vnis,
	       b.ip ? "true" : "false");
	run(&b, "skip", true, true, 0, 0); /* the first look at each set, too */
	run(&b, "skip_again", true, false, 0, 0);
	vnis_add(&b);
	before = proc_sample(getpid());
	run(&b, "import", true, false, 0, 0);
	after = proc_sample(getpid());
	evpn_memory(b.e, &mem);
	run(&b, "move", true, false, 1, 1);
	run(&b, "withdraw_old", false, true, 0, 0);
	run(&b, "withdraw", false, true, 1, 1);
	printf("\"octets\": %.1f, \"resident\": %.1f, \"rows\": %llu}\n", (double)mem.bytes / b.routes,
	       (double)(after.rss - before.rss) / b.routes, (unsigned long long)b.dp.wants);
	evpn_memory(b.e, &mem);
	if (mem.macs || mem.ips || b.dp.unwants < b.routes)
		fprintf(stderr, "something is left: %llu MACs, %llu addresses\n", (unsigned long long)mem.macs,
			(unsigned long long)mem.ips);
	evpn_free(b.e);
	history_fini(&history);
	free(b.bgp.sets);
	return 0;
}

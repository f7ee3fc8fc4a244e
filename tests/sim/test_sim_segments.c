/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A fabric in which four VTEPs are the PEs of a segment: what they say of it comes and goes, they and the reflectors
 * die, sessions break. Once it is quiet every other VTEP's kernel sends to the PEs that the model names.
 */
#include <stdio.h>
#include <stdlib.h>

#include "evpn/ec.h"
#include "evpn/nlri.h"
#include "tests/lib/fabric.h"
#include "tests/lib/segmodel.h"
#include "tests/lib/test.h"

#define S 1000000LL
#define VNI 1u

static const uint8_t esi[10] = { 3, 0x44, 0x38, 0x39, 0xff, 0, 1, 0, 0, 1 };

static struct speaker *pe(struct fabric *f, unsigned v)
{
	return &f->s[f->n - SEGMODEL_PES + v];
}

static struct mac mac_of(unsigned mac)
{
	return (struct mac){ { 2, 0xee, 0, 0, 0, (uint8_t)mac } };
}

static void say(struct fabric *f, unsigned v, const struct evpn_nlri *n, bool single, bool there)
{
	struct speaker *s = pe(f, v);
	uint8_t ecs[32], rt[8];
	struct wbuf w = wb_init(ecs, sizeof(ecs));
	struct bgp_attrs a = { .next_hop = s->address, .ext_communities = ecs };
	struct evpn_nlri full = *n;
	struct bgp_nlri nlri;

	evpn_rd_auto(s->evpn_params.router_id, VNI, full.rd);
	memcpy(full.esi, esi, sizeof(esi));
	evpn_nlri_build(&full, &nlri);
	evpn_rt_auto(s->evpn_params.asn, VNI, rt);
	evpn_ec_put_rt(&w, rt);
	evpn_ec_put_encap(&w, EVPN_ENCAP_VXLAN);
	if (full.tag == EVPN_MAX_ET)
		evpn_ec_put_esi_label(&w, 0, single);
	a.ext_communities_len = (uint16_t)wb_len(&w);
	if (there)
		bgp_originate(sim_bgp(s->node), &evpn_family, &nlri, &a, simnet_now(f->net));
	else
		bgp_withdraw(sim_bgp(s->node), &evpn_family, nlri.key, nlri.key_len, simnet_now(f->net));
}

static void say_es(struct fabric *f, const struct segmodel *m, unsigned v)
{
	say(f, v, &(struct evpn_nlri){ .type = EVPN_AD, .tag = EVPN_MAX_ET }, m->single[v], m->es[v]);
}

static void say_evi(struct fabric *f, const struct segmodel *m, unsigned v)
{
	say(f, v, &(struct evpn_nlri){ .type = EVPN_AD, .label = VNI }, false, m->evi[v]);
}

static void say_mac(struct fabric *f, const struct segmodel *m, unsigned v, unsigned mac)
{
	say(f, v, &(struct evpn_nlri){ .type = EVPN_MAC_IP, .label = VNI, .mac = mac_of(mac) }, false, m->mac[mac][v]);
}

static void say_all(struct fabric *f, const struct segmodel *m, unsigned v)
{
	say_es(f, m, v);
	say_evi(f, m, v);
	for (unsigned mac = 0; mac < SEGMODEL_MACS; mac++)
		say_mac(f, m, v, mac);
}

static void step(struct fabric *f, struct rng *rng, struct segmodel *m)
{
	unsigned v = rng_below(rng, SEGMODEL_PES), mac = rng_below(rng, SEGMODEL_MACS), a = rng_below(rng, f->n);
	bool up = pe(f, v)->up;

	switch (rng_below(rng, 16)) {
	case 0:
		fabric_crash(f, a);
		break;
	case 1:
		sim_reset(f->net, f->s[a].node, f->s[0].node);
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		m->single[v] = rng_below(rng, 4) == 0;
		m->es[v] = !m->es[v];
		if (up)
			say_es(f, m, v);
		break;
	case 6:
	case 7:
		m->evi[v] = !m->evi[v];
		if (up)
			say_evi(f, m, v);
		break;
	default:
		m->mac[mac][v] = !m->mac[mac][v];
		if (up)
			say_mac(f, m, v, mac);
	}
}

static void restart_all(struct fabric *f, const struct segmodel *m)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->s[i].up)
			continue;
		fabric_restart(f, i);
		if (i >= f->n - SEGMODEL_PES)
			say_all(f, m, i - (f->n - SEGMODEL_PES));
	}
}

static void check(struct fabric *f, const struct segmodel *m)
{
	for (unsigned i = fabric_first(f); i < f->n - SEGMODEL_PES; i++) {
		for (unsigned mac = 0; mac < SEGMODEL_MACS; mac++) {
			struct mac name = mac_of(mac);
			unsigned want[SEGMODEL_PES], n = segmodel_pes(m, mac, want);
			struct ip vteps[DP_SET_MAX];

			assert_int_equal(fakedp_vteps(f->s[i].kernel, VNI, &name, vteps), n);
			for (unsigned k = 0; k < n; k++)
				assert_true(ip_eq(&vteps[k], &pe(f, want[k])->address));
		}
		assert_int_equal(fakedp_trampled(f->s[i].kernel), 0);
	}
}

static void run(const char *name, const struct fabric_params *p, unsigned rounds)
{
	struct rng rng = rng_start(name);
	struct fabric_params params = *p;
	struct segmodel m = { 0 };
	const char *left;
	struct fabric *f;

	params.seed = rng_u64(&rng);
	f = fabric_new(&params);
	assert_true(fabric_converge(f, 300 * S));
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < 30; i++) {
			step(f, &rng, &m);
			fabric_run(f, rng_below(&rng, 20) * 1000);
		}
		restart_all(f, &m);
		assert_true(fabric_converge(f, 300 * S));
		fabric_run(f, 30 * S); /* what an earlier run has left is swept */
		check(f, &m);
	}
	m = (struct segmodel){ 0 };
	for (unsigned v = 0; v < SEGMODEL_PES; v++)
		say_all(f, &m, v);
	fabric_run(f, S);
	left = fabric_end(f);
	if (left)
		fail_msg("%s", left);
	fabric_free(f);
}

static void segments_lead_where_the_model_says(void **state)
{
	run("segments",
	    &(struct fabric_params){ .reflectors = 2, .vteps = 8, .vnis = 1, .vnis_each = 1, .delay_us = 5000 }, 20);
}

static void segments_behind_route_target_constraint(void **state)
{
	run("segments_rtc",
	    &(struct fabric_params){ .reflectors = 2, .vteps = 6, .vnis = 1, .vnis_each = 1, .rtc = true }, 10);
}

static void segments_survive_restarts(void **state)
{
	run("segments_restart",
	    &(struct fabric_params){ .reflectors = 2,
				     .vteps = 6,
				     .vnis = 1,
				     .vnis_each = 1,
				     .restart_s = 60,
				     .long_s = 600,
				     .delay_us = 5000 },
	    10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_lead_where_the_model_says),
		cmocka_unit_test(segments_behind_route_target_constraint),
		cmocka_unit_test(segments_survive_restarts),
	};

	return RUN_TESTS(tests);
}

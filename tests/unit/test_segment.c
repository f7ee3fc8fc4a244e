/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* evpn/segment: where MACs of others' Ethernet Segments lead, by their Type 1 routes (RFC 7432 8). */
#include <stdio.h>
#include <string.h>

#include "evpn/ec.h"
#include "evpn/nlri.h"
#include "tests/lib/evpnworld.h"
#include "tests/lib/rng.h"
#include "tests/lib/segmodel.h"
#include "tests/lib/test.h"

static struct route mac_of(unsigned vtep, unsigned mac)
{
	return (struct route){ .vtep = vtep, .mac = mac, .esi = 1 };
}

static struct route per_es(unsigned vtep)
{
	return (struct route){ .vtep = vtep, .ad = AD_ES, .esi = 1 };
}

static struct route per_evi(unsigned vtep)
{
	return (struct route){ .vtep = vtep, .ad = AD_EVI, .esi = 1 };
}

static struct route single(unsigned vtep)
{
	struct route r = per_es(vtep);

	r.single_active = true;
	return r;
}

/* The segment is at these VTEPs, and they tell both kinds of Type 1 routes. */
static void all_active(struct world *w, unsigned first, unsigned last)
{
	for (unsigned v = first; v <= last; v++) {
		world_announce(w, per_es(v));
		world_announce(w, per_evi(v));
	}
}

static void rows(struct world *w, const char *where)
{
	char text[128] = "";

	if (where[0])
		snprintf(text, sizeof(text), "fdb 100 " M1 " %s\n", where);
	world_pass(w, 0);
	world_rows(w, text);
}

/* ---- all-active -------------------------------------------------------------------------------------------------- */

static void mac_is_not_used_before_its_segment_is_known(void **state)
{
	struct world *w = *state;
	struct evpn_mac_info i;

	world_announce(w, mac_of(2, 1));
	rows(w, "");
	assert_true(world_show_mac(w, 1, &i));
	assert_int_equal(i.state, EVPN_MAC_REMOTE);
	world_announce(w, per_evi(2));
	rows(w, "");
	world_announce(w, per_es(2));
	rows(w, "{192.0.2.2}");
	world_withdraw(w, mac_of(2, 1));
	rows(w, "");
}

static void mac_of_one_pe_leads_to_all(void **state)
{
	struct world *w = *state;
	uint64_t calls;

	all_active(w, 2, 4);
	world_announce(w, mac_of(3, 1));
	rows(w, "{192.0.2.2 192.0.2.3 192.0.2.4}");
	calls = recdp_calls(w->dp);
	world_withdraw(w, per_es(3)); /* its MAC route is still there */
	rows(w, "{192.0.2.2 192.0.2.4}");
	world_withdraw(w, per_evi(4));
	rows(w, "{192.0.2.2}");
	world_announce(w, per_evi(4));
	rows(w, "{192.0.2.2 192.0.2.4}");
	assert_int_equal(recdp_calls(w->dp), calls);
	world_announce(w, mac_of(2, 1)); /* another claim wins, which leads to the same */
	world_withdraw(w, mac_of(3, 1));
	rows(w, "{192.0.2.2 192.0.2.4}");
	world_withdraw(w, per_es(2));
	world_withdraw(w, per_es(4));
	rows(w, "");
	world_announce(w, per_es(4));
	rows(w, "{192.0.2.4}");
}

/* RFC 7432 8.2: whatever the number of MACs. */
static void withdrawal_of_a_pe_is_one_operation(void **state)
{
	enum { N = 10000 };
	struct world *w = *state;
	uint64_t calls, changes;
	struct dp_key key;
	struct mac m;

	all_active(w, 2, 3);
	for (unsigned i = 1; i <= N; i++)
		world_announce(w, mac_of(2 + i % 2, i));
	calls = recdp_calls(w->dp);
	changes = recdp_set_changes(w->dp);
	world_withdraw(w, per_es(3));
	assert_int_equal(recdp_set_changes(w->dp) - changes, 1);
	world_pass(w, 1);
	assert_int_equal(recdp_calls(w->dp), calls);
	assert_int_equal(recdp_sets(w->dp), 1);
	assert_int_equal(recdp_rows(w->dp), N);
	world_withdraw(w, per_es(2)); /* nobody is left */
	world_pass(w, 1);
	assert_int_equal(recdp_rows(w->dp), 0);
	world_announce(w, per_es(2));
	world_pass(w, 1);
	assert_int_equal(recdp_rows(w->dp), N);
	m = world_mac(N);
	key = dp_key_fdb(100, &m);
	assert_int_not_equal(recdp_find(w->dp, &key)->set, 0);
}

/* rfc7432bis 9.2.2: with no A-D per EVI route at all, MAC routes say who takes frames. */
static void without_per_evi_routes_the_advertiser_is_sent_to(void **state)
{
	struct world *w = *state;

	world_announce(w, per_es(2));
	world_announce(w, per_es(3));
	world_announce(w, mac_of(3, 1));
	rows(w, "{192.0.2.3}");
	world_announce(w, mac_of(2, 1));
	rows(w, "{192.0.2.2}");
	world_announce(w, per_evi(2));
	rows(w, "{192.0.2.2}");
	world_announce(w, per_evi(3));
	rows(w, "{192.0.2.2 192.0.2.3}");
	world_withdraw(w, per_evi(2));
	world_withdraw(w, per_evi(3));
	rows(w, "{192.0.2.2}");
}

/* ---- single-active ----------------------------------------------------------------------------------------------- */

static void single_active_has_a_backup(void **state)
{
	struct world *w = *state;
	uint64_t calls;

	for (unsigned v = 2; v <= 3; v++) {
		world_announce(w, single(v));
		world_announce(w, per_evi(v));
	}
	world_announce(w, mac_of(3, 1));
	rows(w, "{192.0.2.3}");
	calls = recdp_calls(w->dp);
	world_withdraw(w, single(3));
	rows(w, "{192.0.2.2}");
	assert_int_equal(recdp_calls(w->dp), calls);
	world_announce(w, single(3));
	rows(w, "{192.0.2.3}");
	assert_int_equal(recdp_calls(w->dp), calls);
	world_announce(w, single(4));
	world_announce(w, per_evi(4));
	world_withdraw(w, per_evi(3));
	rows(w, ""); /* 2 or 4: they know */
	world_announce(w, mac_of(4, 1));
	world_withdraw(w, mac_of(3, 1));
	rows(w, "{192.0.2.4}");
}

/* Whether that is for all-active or single-active, it is the same rows. */
static void change_of_redundancy_moves_no_rows_of_one_pe(void **state)
{
	struct world *w = *state;
	struct dp_key key;
	struct mac m = world_mac(1);
	uint32_t set;

	world_announce(w, per_es(2));
	world_announce(w, mac_of(2, 1));
	key = dp_key_fdb(100, &m);
	set = recdp_find(w->dp, &key)->set;
	world_announce(w, per_evi(2));
	all_active(w, 3, 3);
	rows(w, "{192.0.2.2 192.0.2.3}");
	assert_int_equal(recdp_find(w->dp, &key)->set, set);
	world_announce(w, single(3));
	rows(w, "{192.0.2.2}");
	assert_int_equal(recdp_find(w->dp, &key)->set, set);
}

static void one_that_says_single_active_is_enough(void **state)
{
	struct world *w = *state;

	all_active(w, 2, 3);
	world_announce(w, mac_of(2, 1));
	rows(w, "{192.0.2.2 192.0.2.3}");
	world_announce(w, single(3));
	rows(w, "{192.0.2.2}");
	world_announce(w, per_es(3));
	rows(w, "{192.0.2.2 192.0.2.3}");
	assert_int_equal(recdp_sets(w->dp), 1);
}

/* ---- what counts ------------------------------------------------------------------------------------------------- */

static void segments_are_told_apart_by_evi_and_esi(void **state)
{
	struct world *w = *state;
	struct route r = per_es(3);

	world_vni(w, 200);
	world_announce(w, mac_of(2, 1));
	r.esi = 2;
	world_announce(w, r);
	rows(w, "");
	r = per_es(2);
	r.vni = 200;
	world_announce(w, r);
	rows(w, "");
	r.rt2 = "65000:100"; /* one route for all EVIs of the segment */
	world_announce(w, r);
	rows(w, "{192.0.2.2}");
	r.rt2 = NULL;
	world_announce(w, r);
	rows(w, "");
}

static void mac_moves_between_segments_and_vteps(void **state)
{
	struct world *w = *state;
	struct route r = mac_of(3, 1);

	all_active(w, 2, 2);
	world_announce(w, mac_of(2, 1));
	rows(w, "{192.0.2.2}");
	r.esi = 0;
	r.seq = 1;
	world_announce(w, r);
	rows(w, "192.0.2.3");
	world_withdraw(w, r);
	rows(w, "{192.0.2.2}");
	r = mac_of(2, 1);
	r.esi = 0xff; /* another segment, which nobody stands for */
	r.seq = 2;
	world_announce(w, r);
	rows(w, "");
	r.ad = AD_ES;
	world_announce(w, r);
	rows(w, "{192.0.2.2}");
}

static void reserved_esis_name_no_segment(void **state)
{
	static const uint8_t max[10] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };
	struct world *w = *state;
	struct bgp_nlri n;
	uint8_t rd[8], ecs[8];
	struct wbuf we = wb_init(ecs, sizeof(ecs));
	struct mac m = world_mac(1);
	struct ip none = ip_none();
	struct bgp_attrs a = { .next_hop = ip_v4(0xc0000202u), .ext_communities = ecs, .ext_communities_len = 8 };

	evpn_rt_auto(65000, 100, rd);
	wb_bytes(&we, rd, 8);
	evpn_rd_auto(0xc0000202u, 100, rd);
	evpn_nlri_mac(&n, rd, 0, &m, &none, max, 100, 0);
	stubbgp_announce(w->bgp, 2, &n, &a);
	rows(w, "192.0.2.2");
	stubbgp_withdraw(w->bgp, 2, &n);
}

/* RFC 8365 5.1.2: a set has one VNI in the packet, the EVI's. */
static void label_of_its_own_makes_it_one_vtep(void **state)
{
	struct world *w = *state;
	struct route r = per_evi(3);

	all_active(w, 2, 2);
	world_announce(w, per_es(3));
	r.label = 300;
	world_announce(w, r);
	world_announce(w, mac_of(3, 1));
	rows(w, "192.0.2.2");
	world_withdraw(w, per_es(2));
	rows(w, "192.0.2.3 label 300");
	world_announce(w, per_evi(3));
	rows(w, "{192.0.2.3}");
	world_announce(w, per_es(2));
	rows(w, "{192.0.2.2 192.0.2.3}");
}

static void vteps_that_cannot_be_sent_to_are_no_members(void **state)
{
	struct world *w = *state;
	struct route es = per_es(2), evi = per_evi(2);

	all_active(w, 3, 3);
	world_announce(w, mac_of(3, 1));
	es.next_hop = evi.next_hop = "2001:db8::2";
	world_announce(w, es);
	world_announce(w, evi);
	es.next_hop = evi.next_hop = "192.0.2.9"; /* ourselves */
	world_announce(w, es);
	world_announce(w, evi);
	evi = per_evi(4);
	evi.encap = EVPN_ENCAP_MPLS;
	world_announce(w, per_es(4));
	world_announce(w, evi);
	rows(w, "{192.0.2.3}");
	assert_int_equal(w->logged, 0);
}

/* RFC 9494 4.3: it is better than nothing. */
static void long_lived_stale_pe_is_the_last_resort(void **state)
{
	struct world *w = *state;
	struct route r = per_es(2);

	all_active(w, 2, 3);
	world_announce(w, mac_of(3, 1));
	r.long_lived_stale = true;
	world_announce(w, r);
	rows(w, "{192.0.2.3}");
	world_withdraw(w, per_es(3));
	rows(w, "{192.0.2.2}");
	world_announce(w, per_es(2));
	world_announce(w, per_es(3));
	rows(w, "{192.0.2.2 192.0.2.3}");
}

/* RFC 8326: frames leave it before it goes. It takes them as long as there is nobody else. */
static void draining_pe_is_spared(void **state)
{
	struct world *w = *state;
	struct evpn_segment_info s;
	struct evpn_cursor c = { 0 };
	struct route goes = per_es(2), last = per_es(3);

	goes.draining = last.draining = true;
	all_active(w, 2, 3);
	world_announce(w, mac_of(2, 1)); /* its own MAC, too */
	world_announce(w, goes);
	rows(w, "{192.0.2.3}");
	assert_true(evpn_segment_next(w->e, &c, &s));
	assert_int_equal(s.pes[0].state, EVPN_PE_DRAINING);
	assert_int_equal(s.pes[1].state, EVPN_PE_ACTIVE);
	world_announce(w, last);
	rows(w, "{192.0.2.2 192.0.2.3}");
	world_announce(w, per_es(3));
	world_withdraw(w, per_es(3));
	rows(w, "{192.0.2.2}");
}

/* Where one forwards it is for that one to hand over: the others drop until then (RFC 7432 14.1.1). */
static void draining_pe_of_a_single_active_segment_is_not(void **state)
{
	struct world *w = *state;
	struct route goes = single(2), mac = mac_of(2, 1);

	goes.draining = mac.draining = true;
	world_announce(w, goes);
	world_announce(w, per_evi(2));
	world_announce(w, single(3));
	world_announce(w, per_evi(3));
	world_announce(w, mac);
	rows(w, "{192.0.2.2}");
}

/* Without A-D per EVI routes only who advertises a MAC takes its frames (rfc7432bis 9.2.2). */
static void draining_pe_without_aliasing_is_not(void **state)
{
	struct world *w = *state;
	struct route goes = per_es(2), mac = mac_of(2, 1);

	goes.draining = mac.draining = true;
	world_announce(w, goes);
	world_announce(w, per_es(3));
	world_announce(w, mac);
	rows(w, "{192.0.2.2}");
}

/* Nobody else has these MACs: they stay where they are. */
static void macs_of_a_draining_vtep_stay(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 2, .mac = 1, .draining = true };

	world_announce(w, r);
	rows(w, "192.0.2.2");
	world_announce(w, (struct route){ .vtep = 3, .mac = 1 });
	rows(w, "192.0.2.3");
}

static void at_most_so_many_are_used(void **state)
{
	struct world *w = *state;
	struct dp_key key;
	struct mac m = world_mac(1);
	struct evpn_mac_info i;

	for (unsigned v = 60; v > 40; v--)
		all_active(w, v, v);
	world_announce(w, mac_of(60, 1));
	key = dp_key_fdb(100, &m);
	assert_non_null(recdp_find(w->dp, &key));
	assert_true(world_show_mac(w, 1, &i));
	assert_int_equal(i.n_vteps, DP_SET_MAX);
	assert_string_equal(ip_str(&i.vteps[0]).s, "192.0.2.41");
	assert_string_equal(ip_str(&i.vteps[DP_SET_MAX - 1]).s, "192.0.2.56");
}

/* A segment of one PE that calls itself many, and a MAC that many advertise. */
static void flood_of_routes_is_bounded(void **state)
{
	enum { MANY = 3000 };
	struct world *w = *state;
	struct route r = per_es(2);

	for (unsigned i = 0; i < MANY; i++) {
		r.rd = i;
		world_announce(w, r);
	}
	assert_in_range(w->logged, 1, 20);
	assert_non_null(strstr(w->last, "more than 1024 A-D routes"));
	world_announce(w, mac_of(2, 1));
	rows(w, "{192.0.2.2}");
	for (unsigned i = MANY; i--;) {
		r.rd = i;
		world_withdraw(w, r);
	}
	rows(w, "");
	world_announce(w, per_es(2));
	rows(w, "{192.0.2.2}");
	for (unsigned i = 1; i < MANY; i++) {
		char next_hop[16];

		snprintf(next_hop, sizeof(next_hop), "198.18.%u.%u", i / 256, i % 256);
		r = mac_of(2, 1 + i);
		r.next_hop = next_hop;
		world_announce(w, r);
	}
	world_withdraw(w, per_es(2));
	world_announce(w, per_es(2));
	world_pass(w, 1);
	assert_int_equal(recdp_rows(w->dp), MANY);
}

static void tag_of_a_bundle_counts_per_evi(void **state)
{
	struct world *w = *state;
	struct config_rt rts[2];
	struct config_vni c = world_config(300, rts);
	struct route es = per_es(2), evi = per_evi(2), mac = mac_of(2, 1);

	c.ethernet_tag = 30;
	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), 0);
	es.vni = evi.vni = mac.vni = 300;
	mac.tag = evi.tag = 30;
	world_announce(w, es);
	world_announce(w, mac);
	evi.vtep = 3;
	evi.tag = 20; /* another broadcast domain of the bundle */
	world_announce(w, evi);
	world_rows(w, "fdb 300 " M1 " {192.0.2.2}\n");
	evi.tag = 30;
	world_announce(w, evi); /* with one per EVI only who has it counts: 3, of which no per ES is there */
	world_pass(w, 0);
	world_rows(w, "");
	evi.vtep = 2;
	world_announce(w, evi);
	world_pass(w, 0);
	world_rows(w, "fdb 300 " M1 " {192.0.2.2}\n");
}

/* ---- with ports -------------------------------------------------------------------------------------------------- */

static void local_mac_and_segment_follow_mobility(void **state)
{
	struct world *w = *state;
	struct route r = mac_of(2, 1);

	world_announce(w, per_es(2));
	world_announce(w, mac_of(2, 1));
	world_learn(w, 1);
	rows(w, "");
	world_withdraw(w, per_es(2));
	r.seq = 2;
	world_announce(w, r); /* it has moved away, to where nobody can be sent to */
	rows(w, "");
	world_announce(w, per_es(2));
	rows(w, "{192.0.2.2} take-over");
}

static void vni_that_comes_later_finds_its_segments(void **state)
{
	struct world *w = *state;
	struct route es = per_es(2), evi = per_evi(2), mac = mac_of(2, 1);

	es.vni = evi.vni = mac.vni = 300;
	world_announce(w, es);
	world_announce(w, evi);
	world_announce(w, mac);
	rows(w, "");
	world_vni(w, 300);
	world_rows(w, "fdb 300 " M1 " {192.0.2.2}\n");
	evpn_vni_del(w->e, 300);
	assert_int_equal(recdp_sets(w->dp), 0);
}

/* ---- show -------------------------------------------------------------------------------------------------------- */

static void show_tells_of_segments(void **state)
{
	struct world *w = *state;
	struct evpn_segment_info s;
	struct evpn_vtep_info v;
	struct evpn_cursor c = { 0 };
	struct evpn_mac_info m;
	struct ip none = ip_none();

	world_announce(w, single(2));
	world_announce(w, per_evi(2));
	world_announce(w, single(3));
	world_announce(w, per_evi(3));
	world_announce(w, per_evi(4));
	world_announce(w, mac_of(3, 1));
	world_announce(w, mac_of(3, 2));
	assert_true(evpn_segment_next(w->e, &c, &s));
	assert_int_equal(s.vni, 100);
	assert_int_equal(s.macs, 2);
	assert_true(s.single_active);
	assert_int_equal(s.n_pes, 3);
	assert_int_equal(s.pes[0].state, EVPN_PE_BACKUP);
	assert_int_equal(s.pes[1].state, EVPN_PE_ACTIVE);
	assert_int_equal(s.pes[2].state, EVPN_PE_UNUSED);
	assert_false(s.pes[2].per_es);
	assert_int_equal(s.pes[2].vni, 100);
	assert_string_equal(evpn_esi_str(s.esi).s, "00:00:00:00:00:01:00:00:00:00");
	assert_false(evpn_segment_next(w->e, &c, &s));
	assert_true(world_show_mac(w, 1, &m));
	assert_true(m.has_esi);
	assert_int_equal(m.n_vteps, 1);
	assert_string_equal(ip_str(&m.vteps[0]).s, "192.0.2.3");
	assert_string_equal(ip_str(&m.vtep).s, "192.0.2.3");
	assert_true(evpn_vtep_next(w->e, &none, &v));
	assert_string_equal(ip_str(&v.vtep).s, "192.0.2.3");
	assert_int_equal(v.macs, 2);
	world_withdraw(w, single(3));
	assert_true(world_show_mac(w, 1, &m));
	assert_string_equal(ip_str(&m.vteps[0]).s, "192.0.2.2");
	assert_string_equal(ip_str(&m.vtep).s, "192.0.2.3"); /* who advertises it */
	assert_true(evpn_vtep_next(w->e, &none, &v));
	assert_string_equal(ip_str(&v.vtep).s, "192.0.2.2");
	assert_int_equal(v.macs, 2);
	world_withdraw(w, single(2));
	assert_true(world_show_mac(w, 1, &m));
	assert_int_equal(m.n_vteps, 0);
}

/* ---- model ------------------------------------------------------------------------------------------------------- */

static void model_line(const struct segmodel *m, unsigned mac, char *out, size_t size)
{
	unsigned pes[SEGMODEL_PES], n = segmodel_pes(m, mac, pes);
	size_t at = (size_t)snprintf(out, size, n ? "fdb 100 02:00:00:00:00:%02u {" : "", mac + 1);

	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, size - at, "192.0.2.%u%s", pes[i] + 2, i + 1 < n ? " " : "}\n");
}

static void model_check(struct world *w, const struct segmodel *m)
{
	char text[SEGMODEL_MACS * 100] = "", line[100];

	for (unsigned i = 0; i < SEGMODEL_MACS; i++) {
		model_line(m, i, line, sizeof(line));
		strcat(text, line);
	}
	world_pass(w, 0);
	world_rows(w, text);
}

static void turn(struct world *w, bool *there, struct route r)
{
	*there = !*there;
	if (*there)
		world_announce(w, r);
	else
		world_withdraw(w, r);
}

/* Any order of any routes ends where the rules say. */
static void random_routes_lead_where_the_model_says(void **state)
{
	struct world *w = *state;
	struct segmodel m = { 0 };
	struct rng rng = rng_start("segment");

	for (unsigned i = 0; i < 20000; i++) {
		unsigned v = (unsigned)rng_below(&rng, SEGMODEL_PES), mac = (unsigned)rng_below(&rng, SEGMODEL_MACS);

		switch (rng_below(&rng, 4)) {
		case 0:
			m.single[v] = m.es[v] ? m.single[v] : rng_below(&rng, 4) == 0;
			turn(w, &m.es[v], m.single[v] ? single(v + 2) : per_es(v + 2));
			break;
		case 1:
			turn(w, &m.evi[v], per_evi(v + 2));
			break;
		default:
			turn(w, &m.mac[mac][v], mac_of(v + 2, mac + 1));
		}
		model_check(w, &m);
	}
	assert_true(recdp_sets(w->dp) <= 1 + SEGMODEL_PES);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_setup_100, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(mac_is_not_used_before_its_segment_is_known),
		T(mac_of_one_pe_leads_to_all),
		T(withdrawal_of_a_pe_is_one_operation),
		T(without_per_evi_routes_the_advertiser_is_sent_to),
		T(single_active_has_a_backup),
		T(change_of_redundancy_moves_no_rows_of_one_pe),
		T(one_that_says_single_active_is_enough),
		T(segments_are_told_apart_by_evi_and_esi),
		T(mac_moves_between_segments_and_vteps),
		T(reserved_esis_name_no_segment),
		T(label_of_its_own_makes_it_one_vtep),
		T(vteps_that_cannot_be_sent_to_are_no_members),
		T(long_lived_stale_pe_is_the_last_resort),
		T(draining_pe_is_spared),
		T(draining_pe_of_a_single_active_segment_is_not),
		T(draining_pe_without_aliasing_is_not),
		T(macs_of_a_draining_vtep_stay),
		T(at_most_so_many_are_used),
		T(flood_of_routes_is_bounded),
		T(tag_of_a_bundle_counts_per_evi),
		T(local_mac_and_segment_follow_mobility),
		T(vni_that_comes_later_finds_its_segments),
		T(show_tells_of_segments),
		T(random_routes_lead_where_the_model_says),
	};

	return RUN_TESTS(tests);
}

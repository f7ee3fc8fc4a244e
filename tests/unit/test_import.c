/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* evpn/import and evpn/flood: which routes come into which EVI, what they become there, and what it costs. */
#include <errno.h>
#include <stdio.h>

#include "evpn/ec.h"
#include "evpn/nlri.h"
#include "evpn/tables.h"
#include "tests/lib/evpnworld.h"
#include "tests/lib/test.h"

#define FDB "fdb 100 " M1 " 192.0.2.2\n"

/* Announces r, looks at the rows, takes it back. */
static void expect(struct world *w, struct route r, const char *rows)
{
	world_announce(w, r);
	world_rows(w, rows);
	world_withdraw(w, r);
	world_rows(w, "");
}

/* VNI with these imports ("auto" or a route target); imports[1] may be NULL. */
static void vni_importing(struct world *w, uint32_t vni, const char *const imports[2])
{
	struct config_rt rts[2], in[2];
	struct config_vni c = world_config(vni, rts);

	c.imports = in;
	c.n_imports = 0;
	for (size_t i = 0; i < 2 && imports[i]; i++) {
		in[i] = (struct config_rt){ .is_auto = imports[i][0] == 'a' };
		assert_true(in[i].is_auto || evpn_rt_parse(imports[i], in[i].b));
		c.n_imports++;
	}
	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), 0);
}

/* ---- route targets ----------------------------------------------------------------------------------------------- */

static void rt_auto_takes_any_as(void **state)
{
	struct world *w = *state;

	expect(w, (struct route){ .vtep = 2, .mac = 1 }, FDB);
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = "64999:100" }, FDB);
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = "4200000000:100" }, FDB);
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = "65000:268435556" }, FDB); /* 0x10000000 + 100 */
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = "65000:99", .rt2 = "65001:100" }, FDB);
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = "65000:101" }, "");
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = "65000:536871012" }, ""); /* 0x20000000 + 100 */
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = "192.0.2.2:100" }, ""); /* its number is no VNI */
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = "none" }, "");
}

static void rt_explicit_is_equal_octet_by_octet(void **state)
{
	struct world *w = *state;

	vni_importing(w, 100, (const char *const[2]){ "65000:7", "192.0.2.2:100" });
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = "65000:7" }, FDB);
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = "192.0.2.2:100" }, FDB);
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = "65001:7" }, "");
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = "65000:100" }, ""); /* not automatic any more */
}

static void rt_both_kinds_together(void **state)
{
	struct world *w = *state;

	vni_importing(w, 100, (const char *const[2]){ "auto", "65000:7" });
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = "65000:7" }, FDB);
	expect(w, (struct route){ .vtep = 2, .mac = 1 }, FDB);
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = "65000:7", .rt2 = "65000:100" }, FDB);
}

static void rt_of_two_vnis_brings_it_into_both(void **state)
{
	struct world *w = *state;

	vni_importing(w, 200, (const char *const[2]){ "65000:100", NULL });
	vni_importing(w, 100, (const char *const[2]){ "auto", NULL });
	expect(w, (struct route){ .vtep = 2, .mac = 1 }, FDB "fdb 200 " M1 " 192.0.2.2 label 100\n");
	expect(w, (struct route){ .vtep = 2 }, "flood 100 192.0.2.2\nflood 200 192.0.2.2 label 100\n");
}

/* More than fit into the import itself. */
static void rt_of_many_vnis(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 2, .mac = 1, .rt = "65000:1" };

	for (uint32_t v = 0; v < 9; v++)
		vni_importing(w, 300 - v, (const char *const[2]){ "65000:1", NULL });
	world_announce(w, r);
	assert_int_equal(recdp_rows(w->dp), 9);
	evpn_vni_del(w->e, 295);
	assert_int_equal(recdp_rows(w->dp), 8);
	r.rt = "65000:2";
	world_announce(w, r);
	world_rows(w, "");
}

static void rt_change_moves_a_route_between_vnis(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 2, .mac = 1, .ip = 1 };

	world_vni(w, 200);
	world_announce(w, r);
	r.rt = "65000:200";
	r.label = 200;
	world_announce(w, r);
	world_rows(w, "fdb 200 " M1 " 192.0.2.2\nneigh 200 10.0.0.1 " M1 "\n");
	r.rt = "65000:300";
	world_announce(w, r);
	world_rows(w, "");
}

/* ---- what else a route needs ------------------------------------------------------------------------------------- */

static void asked(const struct world *w, const char *rts)
{
	struct buf is;

	buf_init(&is);
	stubbgp_wanted(w->bgp, &is);
	assert_string_equal(buf_data(&is), rts);
	buf_fini(&is);
}

static void peers_are_asked_for_what_vnis_import_each_once(void **state) /* RFC 4684 */
{
	struct world *w = *state;

	asked(w, "");
	vni_importing(w, 100, (const char *const[]){ "65000:7", "65000:8" });
	vni_importing(w, 200, (const char *const[]){ "65000:8", NULL });
	asked(w, "65000:7 65000:8");
	world_vni(w, 300); /* auto: in both forms that a VTEP may derive */
	asked(w, "65000:7 65000:8 65000:300 65000:268435756");
	evpn_vni_del(w->e, 300);
	evpn_vni_del(w->e, 100);
	asked(w, "65000:8");
	evpn_vni_del(w->e, 200);
	asked(w, "");
}

static void encapsulation_must_include_vxlan(void **state)
{
	struct world *w = *state;

	expect(w, (struct route){ .vtep = 2, .mac = 1, .encap = 255 }, FDB);
	expect(w, (struct route){ .vtep = 2, .mac = 1, .encap = EVPN_ENCAP_MPLS }, "");
	expect(w, (struct route){ .vtep = 2, .encap = EVPN_ENCAP_GENEVE }, "");
}

static void next_hop_must_be_a_vtep_and_not_ours(void **state)
{
	static const char *const bad[] = { "192.0.2.9", "0.0.0.0", "224.0.0.1", "127.0.0.1", "255.255.255.255",
					   "169.254.0.1", "2001:db8::1", "fe80::1" };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect(w, (struct route){ .vtep = 2, .mac = 1, .next_hop = bad[i] }, "");
		expect(w, (struct route){ .vtep = 2, .mac = 1, .ip = 1, .next_hop = bad[i] }, "");
		expect(w, (struct route){ .vtep = 2, .next_hop = bad[i] }, "");
	}
}

static void label_must_be_a_vni(void **state)
{
	struct world *w = *state;
	struct evpn_nlri n = { .type = EVPN_MAC_IP, .mac = world_mac(1) };
	struct bgp_attrs a = { .next_hop = ip_v4(0xc0000202) };
	uint8_t rt[8];
	struct bgp_nlri nlri;

	assert_true(evpn_rt_parse("65000:100", rt));
	a.ext_communities = rt;
	a.ext_communities_len = 8;
	evpn_nlri_build(&n, &nlri); /* label 0 */
	stubbgp_announce(w->bgp, 2, &nlri, &a);
	world_rows(w, "");
	n.label = 100;
	evpn_nlri_build(&n, &nlri);
	stubbgp_announce(w->bgp, 2, &nlri, &a);
	world_rows(w, FDB);
	stubbgp_withdraw(w->bgp, 2, &nlri);
}

/* ---- Ethernet Tags, RFC 7432 6 ----------------------------------------------------------------------------------- */

static void tag_of_a_bundle_is_not_for_a_vlan_based_vni(void **state)
{
	struct world *w = *state;

	expect(w, (struct route){ .vtep = 2, .mac = 1, .tag = 100 }, "");
	expect(w, (struct route){ .vtep = 2, .tag = 100 }, "");
}

#define BUNDLE_RT "65000:7"

/* A broadcast domain of the bundle with RD 192.0.2.9:7. */
static int bundle_vni(struct world *w, uint32_t vni, uint32_t tag)
{
	struct config_rt rts[2];
	struct config_vni c = world_config(vni, rts);

	rts[0].is_auto = rts[1].is_auto = c.rd.is_auto = false;
	assert_true(evpn_rt_parse(BUNDLE_RT, rts[0].b));
	assert_true(evpn_rt_parse(BUNDLE_RT, rts[1].b));
	assert_true(evpn_rd_parse("192.0.2.9:7", c.rd.b));
	c.ethernet_tag = tag;
	return evpn_vni_add(w->e, &c, 4789, NULL);
}

static void tag_tells_the_vnis_of_a_bundle_apart(void **state)
{
	struct world *w = *state;

	assert_int_equal(bundle_vni(w, 200, 20), 0);
	assert_int_equal(bundle_vni(w, 300, 10), 0);
	assert_int_equal(bundle_vni(w, 400, 20), -EADDRINUSE);
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = BUNDLE_RT, .label = 300, .tag = 10 },
	       "fdb 300 " M1 " 192.0.2.2\n");
	expect(w, (struct route){ .vtep = 2, .mac = 1, .ip = 1, .rt = BUNDLE_RT, .label = 200, .tag = 20 },
	       "fdb 200 " M1 " 192.0.2.2\nneigh 200 10.0.0.1 " M1 "\n");
	expect(w, (struct route){ .vtep = 2, .rt = BUNDLE_RT, .label = 200, .tag = 20 }, "flood 200 192.0.2.2\n");
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = BUNDLE_RT, .label = 200 }, "");
	expect(w, (struct route){ .vtep = 2, .mac = 1, .rt = BUNDLE_RT, .label = 200, .tag = 30 }, "");
	expect(w, (struct route){ .vtep = 2, .rt = BUNDLE_RT, .label = 200, .tag = EVPN_MAX_ET }, "");
}

/* One RD, one MAC, two broadcast domains: two routes. */
static void tag_keeps_routes_of_one_mac_apart(void **state)
{
	struct route r = { .vtep = 2, .mac = 1, .rt = BUNDLE_RT, .label = 200, .tag = 20 }, s = r;
	struct world *w = *state;

	assert_int_equal(bundle_vni(w, 200, 20), 0);
	assert_int_equal(bundle_vni(w, 300, 10), 0);
	s.label = 300;
	s.tag = 10;
	world_announce(w, r);
	world_announce(w, s);
	world_rows(w, "fdb 200 " M1 " 192.0.2.2\nfdb 300 " M1 " 192.0.2.2\n");
	world_withdraw(w, r);
	world_rows(w, "fdb 300 " M1 " 192.0.2.2\n");
	evpn_vni_del(w->e, 300);
	world_rows(w, "");
	assert_int_equal(bundle_vni(w, 300, 10), 0);
	world_rows(w, "fdb 300 " M1 " 192.0.2.2\n");
}

static void tag_is_in_what_we_originate(void **state)
{
	struct world *w = *state;

	assert_int_equal(bundle_vni(w, 200, 20), 0);
	world_ours(w, "100 imet 192.0.2.9\n200 imet 192.0.2.9 tag 20\n");
	evpn_vni_del(w->e, 200);
	world_ours(w, "100 imet 192.0.2.9\n");
}

/* Many broadcast domains, in no order, and some that share a tag: each gets its own, and all sets share the list. */
static void tag_finds_its_vni_among_many(void **state)
{
	struct world *w = *state;
	char row[64];

	for (uint32_t k = 0; k < 50; k++)
		assert_int_equal(bundle_vni(w, 1000 + k, 1 + k * 7 % 50), 0);
	vni_importing(w, 2000, (const char *const[2]){ BUNDLE_RT, NULL });
	vni_importing(w, 2001, (const char *const[2]){ "auto", BUNDLE_RT });
	for (uint32_t k = 0; k < 50; k++) {
		struct route r = { .vtep = 2, .mac = 1, .rt = BUNDLE_RT, .label = 1000 + k, .tag = 1 + k * 7 % 50 };

		snprintf(row, sizeof(row), "fdb %u " M1 " 192.0.2.2\n", 1000 + k);
		expect(w, r, row);
		world_announce(w, r);
		assert_int_equal(HASH_COUNT(w->e->imports.evis), 1);
		world_withdraw(w, r);
	}
	expect(w, (struct route){ .vtep = 2, .rt = BUNDLE_RT, .label = 5 },
	       "flood 2000 192.0.2.2 label 5\nflood 2001 192.0.2.2 label 5\n");
}

static void route_that_turns_bad_goes(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 2, .mac = 1, .ip = 1 };

	world_announce(w, r);
	world_rows(w, FDB "neigh 100 10.0.0.1 " M1 "\n");
	r.encap = EVPN_ENCAP_MPLS;
	world_announce(w, r);
	world_rows(w, "");
	r.encap = 0;
	world_announce(w, r);
	world_rows(w, FDB "neigh 100 10.0.0.1 " M1 "\n");
}

static void suppression_off_writes_no_neighbours(void **state)
{
	struct world *w = *state;
	struct config_rt rts[2];
	struct config_vni c = world_config(100, rts);

	c.arp_suppression = false;
	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), 0);
	expect(w, (struct route){ .vtep = 2, .mac = 1, .ip = 1 }, FDB);
}

/* ---- flood lists ------------------------------------------------------------------------------------------------- */

static void flood_follows_the_tunnel_endpoint(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 2 };

	world_announce(w, r);
	world_rows(w, "flood 100 192.0.2.2\n");
	r.label = 4444;
	world_announce(w, r);
	world_rows(w, "flood 100 192.0.2.2 label 4444\n");
	r.pmsi_type = 3; /* PIM-SSM: nothing that we can send to */
	world_announce(w, r);
	world_rows(w, "");
}

static void flood_endpoint_changes_the_row(void **state)
{
	struct world *w = *state;
	struct ip originator = ip_v4(0xc0000202), other = ip_v4(0xc0000203);
	uint8_t rd[8], rt[8], pmsi[EVPN_PMSI_MAX];
	struct bgp_attrs a = { .next_hop = originator, .ext_communities = rt, .ext_communities_len = 8, .pmsi = pmsi };
	struct bgp_nlri nlri;
	struct wbuf w1 = wb_init(pmsi, sizeof(pmsi));

	evpn_rd_auto(0xc0000202, 100, rd);
	assert_true(evpn_rt_parse("65000:100", rt));
	evpn_nlri_imet(&nlri, rd, 0, &originator);
	evpn_pmsi_put(&w1, 100, &originator);
	a.pmsi_len = (uint16_t)wb_len(&w1);
	stubbgp_announce(w->bgp, 2, &nlri, &a);
	world_rows(w, "flood 100 192.0.2.2\n");
	w1 = wb_init(pmsi, sizeof(pmsi));
	evpn_pmsi_put(&w1, 100, &other);
	stubbgp_announce(w->bgp, 2, &nlri, &a);
	world_rows(w, "flood 100 192.0.2.3\n");
	stubbgp_withdraw(w->bgp, 2, &nlri);
	world_rows(w, "");
}

static void flood_two_routes_share_a_row(void **state)
{
	struct world *w = *state;
	struct route a = { .vtep = 2, .label = 300 }, b = { .vtep = 2, .rd = 77, .label = 200 };
	struct evpn_vtep_info v = { 0 };

	world_announce(w, a);
	world_announce(w, b);
	world_rows(w, "flood 100 192.0.2.2 label 200\n");
	assert_true(evpn_vtep_next(w->e, &v.vtep, &v));
	assert_int_equal(v.vnis, 1);
	world_withdraw(w, b);
	world_rows(w, "flood 100 192.0.2.2 label 300\n");
	world_announce(w, b);
	world_withdraw(w, a);
	world_announce(w, a); /* whatever the order */
	world_rows(w, "flood 100 192.0.2.2 label 200\n");
	world_withdraw(w, a);
	world_withdraw(w, b);
	world_rows(w, "");
}

/* A route costs one word to the dataplane, however long the lists are. */
static void flood_lists_of_a_thousand_vteps(void **state)
{
	struct world *w = *state;
	struct evpn_vtep_info v = { 0 };
	uint64_t before;

	for (uint32_t vni = 100; vni < 103; vni++)
		world_vni(w, vni);
	before = recdp_calls(w->dp);
	for (unsigned i = 1; i <= 1000; i++)
		for (uint32_t vni = 100; vni < 103; vni++)
			world_announce(w, (struct route){ .vtep = 1000 + i, .vni = vni });
	assert_int_equal(recdp_calls(w->dp) - before, 3000);
	assert_int_equal(recdp_rows(w->dp), 3000);
	for (unsigned n = 0; evpn_vtep_next(w->e, &v.vtep, &v); n++)
		assert_int_equal(v.vnis, 3);
	for (unsigned i = 1000; i >= 1; i--)
		for (uint32_t vni = 100; vni < 103; vni++)
			world_withdraw(w, (struct route){ .vtep = 1000 + i, .vni = vni });
	assert_int_equal(recdp_calls(w->dp) - before, 6000);
	world_rows(w, "");
}

/* ---- VNIs that come late and go ---------------------------------------------------------------------------------- */

static void vni_late_imports_what_is_there(void **state)
{
	struct world *w = *state;

	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .ip = 1 });
	world_announce(w, (struct route){ .vtep = 3, .mac = 1 });
	world_announce(w, (struct route){ .vtep = 2 });
	world_announce(w, (struct route){ .vtep = 2, .vni = 200, .mac = 2 });
	world_rows(w, "");
	world_vni(w, 100);
	world_rows(w, FDB "flood 100 192.0.2.2\nneigh 100 10.0.0.1 " M1 "\n");
	evpn_vni_del(w->e, 100);
	world_rows(w, "");
	world_vni(w, 100);
	world_rows(w, FDB "flood 100 192.0.2.2\nneigh 100 10.0.0.1 " M1 "\n");
	world_withdraw(w, (struct route){ .vtep = 2, .mac = 1, .ip = 1 });
	world_withdraw(w, (struct route){ .vtep = 2 });
	world_rows(w, "fdb 100 " M1 " 192.0.2.3\n");
}

/* However many come or go, the RIB and the MAC table are read once, with the same end as for each of them alone. */
static void vnis_that_come_together_read_the_rib_once(void **state)
{
	struct world *w = *state;
	struct evpn_memory mem;
	uint64_t reads;

	for (uint32_t vni = 200; vni < 210; vni++)
		for (unsigned m = 1; m <= 10; m++)
			world_announce(w, (struct route){ .vtep = 2, .mac = m, .vni = vni, .ip = m == 10 ? 1 : 0 });
	reads = stubbgp_mark_reads(w->bgp);
	evpn_vnis_begin(w->e);
	for (uint32_t vni = 200; vni < 210; vni++)
		world_vni(w, vni);
	world_rows(w, "");
	evpn_vnis_end(w->e);
	/* And our own Type 3 routes, as they came, too. */
	assert_int_equal(stubbgp_mark_reads(w->bgp) - reads, 100 + 2 * 10);
	assert_int_equal(recdp_rows(w->dp), 10 * 11);
	evpn_vnis_begin(w->e);
	for (uint32_t vni = 201; vni < 210; vni++)
		evpn_vni_del(w->e, vni);
	evpn_vni_del(w->e, 201);
	evpn_vnis_end(w->e);
	assert_int_equal(recdp_rows(w->dp), 11);
	evpn_memory(w->e, &mem);
	assert_int_equal(mem.macs, 10);
	assert_int_equal(mem.vnis, 1);
}

/* A slot of an EVI is used again: nothing of the old one may show up in the new one. */
static void vni_slot_used_again(void **state)
{
	struct world *w = *state;
	struct route r = { .vtep = 2, .mac = 1 };

	world_vni(w, 100);
	world_announce(w, r);
	evpn_vni_del(w->e, 100);
	world_vni(w, 300);
	r.seq = 1;
	world_announce(w, r);
	r.ip = 5;
	world_announce(w, r);
	world_rows(w, "");
}

/* ---- cost -------------------------------------------------------------------------------------------------------- */

static void set_is_matched_once(void **state)
{
	struct world *w = *state;
	uint64_t writes = stubbgp_mark_writes(w->bgp), reads;
	unsigned before;

	for (unsigned m = 1; m <= 500; m++) {
		world_announce(w, (struct route){ .vtep = 2, .mac = m });
		world_announce(w, (struct route){ .vtep = 2, .mac = m, .vni = 200 }); /* nobody imports it */
	}
	assert_int_equal(stubbgp_mark_writes(w->bgp) - writes, 2);
	/* What is not imported costs one look at the mark and nothing in the tables. */
	reads = stubbgp_mark_reads(w->bgp);
	before = (unsigned)recdp_calls(w->dp);
	world_announce(w, (struct route){ .vtep = 2, .mac = 501, .vni = 200 });
	assert_int_equal(stubbgp_mark_reads(w->bgp) - reads, 1);
	assert_int_equal(recdp_calls(w->dp), before);
	assert_int_equal(recdp_rows(w->dp), 500);
}

/* Routes that a peer makes so that each has a longer list to go along: so much work is said, and takes turns. */
static void what_takes_long_is_said(void **state)
{
	static const struct route kinds[] = {
		{ .mac = 1 }, { .mac = 1, .ip = 1 }, { .mac = 2, .ip = 1 }, { .mac = 0 }
	};
	struct world *w = *state;
	struct route r;
	uint64_t before, said = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (unsigned k = 1; k <= 200; k++) {
			r = kinds[i];
			r.vtep = 2;
			r.rd = k;
			if (r.mac == 2)
				r.mac = 100 + k; /* of one address */
			before = stubbgp_did(w->bgp);
			world_announce(w, r);
			said = stubbgp_did(w->bgp) - before;
		}
		assert_in_range(said, 200 / 9, 200 * 2);
	}
}

static void imports_go_with_their_sets(void **state)
{
	struct world *w = *state;
	struct evpn_memory mem;

	for (unsigned v = 1; v <= 8; v++)
		world_announce(w, (struct route){ .vtep = v, .mac = v, .ip = v, .seq = v });
	for (unsigned v = 1; v <= 8; v++)
		world_withdraw(w, (struct route){ .vtep = v, .mac = v, .ip = v });
	evpn_memory(w->e, &mem);
	assert_int_equal(mem.macs, 0);
	assert_int_equal(mem.ips, 0);
	assert_int_equal(stubbgp_sets(w->bgp), 1); /* our Type 3 */
}

#define test(f) cmocka_unit_test_setup_teardown(f, world_setup_100, world_teardown)
#define test_bare(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(rt_auto_takes_any_as),
		test_bare(rt_explicit_is_equal_octet_by_octet),
		test_bare(rt_both_kinds_together),
		test_bare(rt_of_two_vnis_brings_it_into_both),
		test_bare(rt_of_many_vnis),
		test(rt_change_moves_a_route_between_vnis),
		test_bare(peers_are_asked_for_what_vnis_import_each_once),
		test(encapsulation_must_include_vxlan),
		test(next_hop_must_be_a_vtep_and_not_ours),
		test(label_must_be_a_vni),
		test(tag_of_a_bundle_is_not_for_a_vlan_based_vni),
		test(tag_tells_the_vnis_of_a_bundle_apart),
		test(tag_keeps_routes_of_one_mac_apart),
		test(tag_is_in_what_we_originate),
		test(tag_finds_its_vni_among_many),
		test(route_that_turns_bad_goes),
		test_bare(suppression_off_writes_no_neighbours),
		test(flood_follows_the_tunnel_endpoint),
		test(flood_endpoint_changes_the_row),
		test(flood_two_routes_share_a_row),
		test_bare(flood_lists_of_a_thousand_vteps),
		test_bare(vni_late_imports_what_is_there),
		test_bare(vnis_that_come_together_read_the_rib_once),
		test_bare(vni_slot_used_again),
		test(set_is_matched_once),
		test(what_takes_long_is_said),
		test(imports_go_with_their_sets),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* evpn/evpn, origin, show: life of VNIs, what we originate, what show says, and an RD that two VTEPs share. */
#include <errno.h>
#include <string.h>

#include "evpn/ec.h"
#include "evpn/nlri.h"
#include "tests/lib/evpnworld.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

/* ---- VNIs -------------------------------------------------------------------------------------------------------- */

static void vni_type3_stands_while_ready(void **state)
{
	struct world *w = *state;
	struct evpn_vni_info info;

	world_vni(w, 100);
	world_sent(w, "+" IMET);
	w->port->vni_ready(w->e, 100, true);
	world_sent(w, "");
	w->port->vni_ready(w->e, 100, false);
	world_sent(w, "-" IMET);
	assert_true(evpn_vni_find(w->e, 100, &info));
	assert_false(info.ready);
	w->port->vni_ready(w->e, 100, true);
	w->port->vni_ready(w->e, 101, true);
	world_sent(w, "+" IMET);
}

static void vni_removed_takes_all_back(void **state)
{
	struct world *w = *state;

	world_vni(w, 100);
	world_vni(w, 200);
	world_learn(w, 1);
	world_learn_ip(w, 1, 1);
	world_announce(w, (struct route){ .vtep = 2, .mac = 2, .ip = 2 });
	world_announce(w, (struct route){ .vtep = 3, .mac = 2, .ip = 2 });
	world_announce(w, (struct route){ .vtep = 2 });
	world_announce(w, (struct route){ .vtep = 2, .vni = 200 });
	world_learn_ip(w, 3, 3);
	evpn_vni_del(w->e, 100);
	world_rows(w, "flood 200 192.0.2.2\n");
	world_ours(w, "200 imet 192.0.2.9\n");
	assert_int_equal(recdp_vnis(w->dp), 1);
	evpn_vni_del(w->e, 100);
	world_announce(w, (struct route){ .vtep = 2, .mac = 3 });
	world_rows(w, "flood 200 192.0.2.2\n");
}

static void vni_that_cannot_be_added_leaves_nothing(void **state)
{
	struct world *w = *state;
	struct config_rt rts[2];
	struct config_vni c = world_config(100, rts);

	world_announce(w, (struct route){ .vtep = 2, .mac = 1 });
	recdp_refuse(w->dp, -EINVAL);
	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), -EINVAL);
	world_rows(w, "");
	world_ours(w, "");
	recdp_refuse(w->dp, 0);
	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), 0);
	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), -EEXIST);
	c.vni = 100 + 65536; /* the same automatic RD */
	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), -EADDRINUSE);
	assert_non_null(strstr(w->last, "192.0.2.9:100"));
	c.rd.is_auto = false;
	memcpy(c.rd.b, (const uint8_t[]){ 0, 0, 0xfd, 0xe8, 0, 0, 0, 1 }, 8);
	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), 0);
	assert_int_equal(recdp_vnis(w->dp), 2);
}

#define HOSTS 12u

/* Hosts of few MACs and addresses at three VTEPs and our own, each pair of MAC and address once. */
static size_t random_hosts(struct rng *rng, struct config_host *hosts)
{
	size_t n = 0;

	for (unsigned mac = 1; mac <= 4; mac++) {
		unsigned vtep = 2 + rng_below(rng, 3);

		for (unsigned ip = 0; ip < 3; ip++) {
			if (rng_below(rng, 2))
				continue;
			hosts[n] = (struct config_host){ .mac = world_mac(mac),
							 .vtep = ip_v4(0xc0000200u + (vtep == 4 ? 9 : vtep)),
							 .router = rng_below(rng, 2) };
			if (ip == 1)
				hosts[n].ip = world_ip(10 * mac);
			else if (ip)
				hosts[n].ip =
					ip_from_bytes((const uint8_t[16]){ 0x20, 1, 0xd, 0xb8, [15] = (uint8_t)mac },
						      16);
			n++;
		}
	}
	for (size_t i = n; i > 1; i--) {
		size_t k = rng_below(rng, (uint32_t)i);
		struct config_host h = hosts[k];

		hosts[k] = hosts[i - 1];
		hosts[i - 1] = h;
	}
	return n;
}

static void hosts_that_change_end_as_if_they_had_been_the_first(void **state)
{
	struct world *w = *state;
	struct rng rng = rng_start("hosts_that_change");
	struct config_host old[HOSTS], new_[HOSTS];
	struct config_rt rts[2];
	struct config_vni was = world_config(100, rts), is = was;
	struct buf live, fresh;

	buf_init(&live);
	buf_init(&fresh);
	was.mode = is.mode = CONFIG_MODE_STATIC_L2;
	was.hosts = old;
	is.hosts = new_;
	for (unsigned round = 0; round < 300; round++) {
		was.n_hosts = random_hosts(&rng, old);
		is.n_hosts = random_hosts(&rng, new_);
		assert_int_equal(evpn_vni_add(w->e, &was, 4789, NULL), 0);
		evpn_vni_change_hosts(w->e, &was, &is);
		recdp_text(w->dp, &live);
		evpn_vni_del(w->e, 100);
		assert_int_equal(evpn_vni_add(w->e, &is, 4789, NULL), 0);
		recdp_text(w->dp, &fresh);
		evpn_vni_del(w->e, 100);
		buf_add(&live, "", 1);
		buf_add(&fresh, "", 1);
		assert_string_equal(buf_data(&live), buf_data(&fresh));
		buf_reset(&live);
		buf_reset(&fresh);
	}
	evpn_vni_change_hosts(w->e, &was, &is); /* of a VNI that is not there */
	world_rows(w, "");
	buf_fini(&live);
	buf_fini(&fresh);
}

static void vni_many_come_and_go(void **state)
{
	struct world *w = *state;
	struct rng rng = rng_start("vni_many_come_and_go");
	bool there[60] = { false };
	struct evpn_vni_info info;
	uint32_t last = 0;
	unsigned n = 0;

	for (int i = 0; i < 2000; i++) {
		uint32_t v = rng_below(&rng, 60);

		if (there[v])
			evpn_vni_del(w->e, 1000 + v);
		else
			world_vni(w, 1000 + v);
		there[v] = !there[v];
		n += there[v] ? 1 : -1;
	}
	while (evpn_vni_next(w->e, last, &info)) {
		assert_true(info.vni > last && there[info.vni - 1000]);
		last = info.vni;
		n--;
	}
	assert_int_equal(n, 0);
}

/* ---- what we originate ------------------------------------------------------------------------------------------- */

static void originated_routes_carry_what_the_rfcs_say(void **state)
{
	struct world *w = *state;
	const uint8_t *rt = NULL;
	const struct bgp_attrs *a;
	struct evpn_pmsi pmsi;
	struct bgp_nlri key;
	struct evpn_nlri n;
	struct evpn_str text;
	struct evpn_ec ec;
	struct config_rt rts[2], exports[2] = { { .is_auto = true }, { .is_auto = false } };
	struct config_vni c = world_config(100, rts);
	struct mac m = world_mac(1);
	struct ip none = ip_none(), vtep = ip_v4(0xc0000209);
	uint8_t rd[8];

	assert_true(evpn_rt_parse("65001:7", exports[1].b));
	c.exports = exports;
	c.n_exports = 2;
	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), 0);
	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .seq = 4 });
	world_learn(w, 1);
	evpn_rd_auto(0xc0000209, 100, rd);

	key = evpn_key_mac(rd, 0, &m, &none);
	a = stubbgp_our_attrs(w->bgp, &key);
	assert_non_null(a);
	assert_true(ip_eq(&a->next_hop, &vtep));
	assert_true(evpn_nlri_parse(key.key, key.key_len, a->shared, a->shared_len, &n));
	assert_int_equal(n.label, 100);
	assert_false(n.has_label2);
	assert_true(evpn_esi_is_zero(n.esi));
	rt = evpn_ec_next_rt(a, rt);
	assert_true(evpn_rt_str(rt, &text));
	assert_string_equal(text.s, "65000:100");
	rt = evpn_ec_next_rt(a, rt);
	assert_true(evpn_rt_str(rt, &text));
	assert_string_equal(text.s, "65001:7");
	assert_null(evpn_ec_next_rt(a, rt));
	evpn_ec_read(a, &ec);
	assert_int_equal(ec.encaps, 1u << EVPN_ENCAP_VXLAN);
	assert_int_equal(ec.sequence, 5);

	key = evpn_key_imet(rd, 0, &vtep);
	a = stubbgp_our_attrs(w->bgp, &key);
	assert_non_null(a);
	assert_true(evpn_pmsi_read(a->pmsi, a->pmsi_len, &pmsi));
	assert_int_equal(pmsi.type, EVPN_PMSI_INGRESS_REPLICATION);
	assert_int_equal(pmsi.label, 100);
	assert_true(ip_eq(&pmsi.endpoint, &vtep));
	assert_true(ip_eq(&a->next_hop, &vtep));
	evpn_ec_read(a, &ec);
	assert_int_equal(ec.encaps, 1u << EVPN_ENCAP_VXLAN);
	assert_false(evpn_ec_has(&ec, EVPN_EC_MOBILITY));
}

/* ---- an RD that two VTEPs share: bgp decides between us, and calls of bgp come back ------------------------------ */

static void shared_rd_withdrawing_ours_brings_theirs(void **state)
{
	struct world *w = *state;
	struct route mac = { .vtep = 2, .mac = 1, .rd = 9 }, ip = { .vtep = 2, .mac = 1, .ip = 1, .rd = 9 };

	world_vni(w, 100);
	world_learn(w, 1);
	world_learn_ip(w, 1, 1);
	world_announce(w, mac); /* ours are the best of their keys: not seen */
	world_announce(w, ip);
	world_rows(w, "");
	world_leave_ip(w, 1);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2 take-over\nneigh 100 10.0.0.1 " M1 "\n");
	world_learn(w, 1);
	world_rows(w, "");
	world_ours(w, IMET "100 mac " M1 " seq 1\n");
	world_leave(w, 1);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2\nneigh 100 10.0.0.1 " M1 "\n");
	world_learn(w, 1);
	mac.seq = 7;
	world_announce(w, mac);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2 take-over\nneigh 100 10.0.0.1 " M1 "\n");
	world_ours(w, IMET);
}

/*
 * Two VNIs take a route. The first has its MAC on a port, and so originates the route
 * itself before the second is told.
 */
static void shared_rd_route_that_ours_replaces_at_once_is_in_no_vni(void **state)
{
	struct world *w = *state;
	struct config_rt rts[2];
	struct config_vni c = world_config(200, rts);
	struct route r = { .vtep = 2, .mac = 1, .rd = 9, .gateway = true };

	rts[0].is_auto = false;
	assert_true(evpn_rt_parse("65000:100", rts[0].b));
	world_vni(w, 100);
	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), 0);
	world_announce(w, r);
	world_learn(w, 1);
	world_rows(w, "fdb 100 " M1 " 192.0.2.2 sticky take-over\nfdb 200 " M1 " 192.0.2.2 label 100 sticky\n");
	world_learn(w, 1); /* it is still there */
	r.gateway = false;
	world_announce(w, r);
	world_rows(w, "");
	world_ours(w, IMET "100 mac " M1 " seq 1\n200 imet 192.0.2.9\n");
	evpn_vni_del(w->e, 100);
	world_rows(w, "fdb 200 " M1 " 192.0.2.2 label 100\n");
}

static void shared_rd_vni_that_goes_does_not_take_theirs(void **state)
{
	struct world *w = *state;
	struct route mac = { .vtep = 2, .mac = 1, .rd = 9 }, ip = { .vtep = 2, .mac = 1, .ip = 1, .rd = 9 };

	world_vni(w, 100);
	world_learn(w, 1);
	world_learn_ip(w, 1, 1);
	world_announce(w, mac);
	world_announce(w, ip);
	evpn_vni_del(w->e, 100);
	world_rows(w, "");
	world_ours(w, "");
}

static void shared_rd_random_events_leave_nothing(void **state)
{
	struct world *w = *state;
	struct rng rng = rng_start("shared_rd_random_events_leave_nothing");

	world_vni(w, 100);
	for (int i = 0; i < 20000; i++) {
		unsigned mac = rng_below(&rng, 3) + 1, addr = rng_below(&rng, 3) + 1;
		struct route r = { .vtep = rng_below(&rng, 3) + 8, .mac = mac, .ip = rng_below(&rng, 2) ? addr : 0,
				   .rd = 9, .seq = rng_below(&rng, 4), .sticky = !rng_below(&rng, 6) };

		r.vtep += r.vtep >= 9; /* not ours */
		switch (rng_below(&rng, 8)) {
		case 0:
			world_learn(w, mac);
			break;
		case 1:
			world_leave(w, mac);
			break;
		case 2:
			world_learn_ip(w, addr, mac);
			break;
		case 3:
			world_leave_ip(w, addr);
			break;
		case 4:
		case 5:
			world_withdraw(w, r);
			break;
		default:
			world_announce(w, r);
		}
	}
	for (unsigned v = 8; v <= 11; v++)
		for (unsigned mac = 1; mac <= 3; mac++)
			for (unsigned addr = 0; addr <= 3; addr++)
				world_withdraw(w, (struct route){ .vtep = v, .mac = mac, .ip = addr, .rd = 9 });
	for (unsigned n = 1; n <= 3; n++) {
		world_leave_ip(w, n);
		world_leave(w, n);
	}
	world_rows(w, "");
	world_ours(w, IMET);
}

/* ---- show -------------------------------------------------------------------------------------------------------- */

static void show_walks_survive_change(void **state)
{
	struct world *w = *state;
	struct evpn_cursor c = { 0 };
	struct evpn_mac_info m;
	unsigned seen = 0;

	world_vni(w, 100);
	world_vni(w, 200);
	for (unsigned i = 1; i <= 100; i++) {
		world_announce(w, (struct route){ .vtep = 2, .mac = i });
		world_announce(w, (struct route){ .vtep = 2, .vni = 200, .mac = i });
	}
	while (evpn_mac_next(w->e, &c, &m)) {
		world_withdraw(w, (struct route){ .vtep = 2, .vni = m.vni, .mac = m.mac.b[5] });
		seen++;
	}
	assert_int_equal(seen, 200);
	world_announce(w, (struct route){ .vtep = 2, .vni = 200, .mac = 1 });
	c = (struct evpn_cursor){ .vni = 100 };
	assert_false(evpn_mac_next(w->e, &c, &m));
	c = (struct evpn_cursor){ .vni = 200 };
	assert_true(evpn_mac_next(w->e, &c, &m));
}

static void show_tells_what_a_vni_is(void **state)
{
	struct world *w = *state;
	struct evpn_vni_info i;
	struct evpn_str text;

	world_vni(w, 100);
	world_announce(w, (struct route){ .vtep = 7 });
	world_announce(w, (struct route){ .vtep = 3, .label = 5 });
	assert_true(evpn_vni_next(w->e, 0, &i));
	assert_int_equal(i.vni, 100);
	assert_string_equal(evpn_rd_str(i.rd).s, "192.0.2.9:100");
	assert_true(i.import_auto);
	assert_int_equal(i.n_imports, 0);
	assert_int_equal(i.n_exports, 1);
	assert_true(evpn_rt_str(i.exports[0], &text));
	assert_string_equal(text.s, "65000:100");
	assert_int_equal(i.n_flood, 2);
	assert_string_equal(ip_str(&i.flood[0]).s, "192.0.2.3");
	assert_int_equal(i.flood_label[0], 5);
	assert_string_equal(ip_str(&i.flood[1]).s, "192.0.2.7");
	assert_int_equal(i.flood_label[1], 100);
	assert_false(evpn_vni_next(w->e, 100, &i));
}

static void show_mac_and_arp_tell_the_whole(void **state)
{
	struct world *w = *state;
	struct evpn_cursor c = { 0 };
	struct evpn_mac_info m;
	struct evpn_arp_info a;

	world_vni(w, 100);
	w->now = (struct mtime){ 5000000 };
	evpn_set_now(w->e, w->now);
	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .ip = 1, .seq = 3, .sticky = true });
	world_announce(w, (struct route){ .vtep = 2, .mac = 1, .ip6 = "2001:db8::1", .seq = 3, .sticky = true });
	assert_true(world_show_mac(w, 1, &m));
	assert_int_equal(m.state, EVPN_MAC_REMOTE);
	assert_int_equal(m.sequence, 3);
	assert_true(m.sticky);
	assert_int_equal(m.n_ips, 2);
	assert_int_equal(m.since.us, 5000000);
	assert_string_equal(m.reason, "route received");
	assert_true(evpn_arp_next(w->e, &c, &a));
	assert_string_equal(ip_str(&a.ip).s, "10.0.0.1");
	assert_int_equal(a.state, EVPN_MAC_REMOTE);
	assert_string_equal(ip_str(&a.vtep).s, "192.0.2.2");
	assert_true(evpn_arp_next(w->e, &c, &a));
	assert_string_equal(ip_str(&a.ip).s, "2001:db8::1");
	assert_false(evpn_arp_next(w->e, &c, &a));
	world_learn_ip(w, 2, 2);
	c.handle = 0;
	assert_true(evpn_arp_next(w->e, &c, &a));
	assert_true(evpn_arp_next(w->e, &c, &a));
	assert_int_equal(a.state, EVPN_MAC_LOCAL);
	assert_true(evpn_arp_next(w->e, &c, &a)); /* IPv6 comes last */
	assert_string_equal(ip_str(&a.ip).s, "2001:db8::1");
	assert_false(evpn_arp_next(w->e, &c, &a));
}

static void show_vteps_in_order_of_address(void **state)
{
	struct world *w = *state;
	struct evpn_vtep_info v = { 0 };
	unsigned n = 0;

	world_vni(w, 100);
	for (unsigned i = 40; i > 10; i--) {
		world_announce(w, (struct route){ .vtep = i });
		world_announce(w, (struct route){ .vtep = i, .mac = i });
		world_announce(w, (struct route){ .vtep = i, .mac = i + 100, .ip = i });
	}
	while (evpn_vtep_next(w->e, &v.vtep, &v)) {
		assert_int_equal(v.vtep.b[3], 11 + n++);
		assert_int_equal(v.vnis, 1);
		assert_int_equal(v.macs, 2);
		if (n == 1) { /* the last one goes while we walk */
			world_withdraw(w, (struct route){ .vtep = 40 });
			world_withdraw(w, (struct route){ .vtep = 40, .mac = 40 });
			world_withdraw(w, (struct route){ .vtep = 40, .mac = 140, .ip = 40 });
		}
	}
	assert_int_equal(n, 29);
}

#define test(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(vni_type3_stands_while_ready),
		test(vni_removed_takes_all_back),
		test(vni_that_cannot_be_added_leaves_nothing),
		test(hosts_that_change_end_as_if_they_had_been_the_first),
		test(vni_many_come_and_go),
		test(originated_routes_carry_what_the_rfcs_say),
		test(shared_rd_withdrawing_ours_brings_theirs),
		test(shared_rd_route_that_ours_replaces_at_once_is_in_no_vni),
		test(shared_rd_vni_that_goes_does_not_take_theirs),
		test(shared_rd_random_events_leave_nothing),
		test(show_walks_survive_change),
		test(show_tells_what_a_vni_is),
		test(show_mac_and_arp_tell_the_whole),
		test(show_vteps_in_order_of_address),
	};

	return RUN_TESTS(tests);
}

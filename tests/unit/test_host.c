/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* evpn/host: hosts that speak, are silent, are asked, answer or do not; probes and announcements (RFC 9161). */
#include <stdlib.h>
#include <string.h>

#include "evpn/host.h"
#include "evpn/tables.h"
#include "tests/lib/evpnworld.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define ASK1 "ask 100 on 7: has " M1 " still 10.0.0.1\n"

struct hosts {
	struct world w;
	struct buf said;
};

static int setup(void **state)
{
	struct hosts *t = xcalloc(1, sizeof(*t));
	struct config_rt rts[2];
	struct config_vni c = world_config(100, rts);

	world_start(&t->w);
	buf_init(&t->said);
	recdp_listen(t->w.dp, &t->said);
	c.host_learning = true;
	assert_int_equal(evpn_vni_add(t->w.e, &c, 4789, NULL), 0);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct hosts *t = *state;

	world_end(&t->w);
	buf_fini(&t->said);
	free(t);
	return 0;
}

static void said_(struct hosts *t, const char *text, int line)
{
	buf_add(&t->said, "", 1);
	if (strcmp(buf_data(&t->said), text))
		fail_msg("line %d: said\n%sinstead of\n%s", line, buf_data(&t->said), text);
	buf_reset(&t->said);
}
#define said(t, text) said_((t), (text), __LINE__)

static void hear(struct hosts *t, enum dp_heard_kind kind, unsigned ip, unsigned mac, unsigned target)
{
	struct dp_heard h = { .vni = 100,
			      .ifindex = 7,
			      .kind = (uint8_t)kind,
			      .src = world_mac(mac),
			      .mac = world_mac(mac),
			      .target = world_ip(target) };

	if (ip)
		h.ip = world_ip(ip);
	t->w.port->host_heard(t->w.e, &h);
}

static void step_asks_and_gives_up(void **state)
{
	uint8_t asked = 0;

	for (unsigned i = 0; i < HOST_ASKS; i++)
		assert_int_equal(host_step(&asked, HOST_DUE), HOST_ASK);
	assert_int_equal(host_step(&asked, HOST_DOUBTED), HOST_KEEP);
	assert_int_equal(host_step(&asked, HOST_DUE), HOST_GONE);
	assert_int_equal(host_step(&asked, HOST_HEARD), HOST_WAIT);
	assert_int_equal(asked, 0);
	assert_int_equal(host_step(&asked, HOST_DOUBTED), HOST_ASK);
	assert_int_equal(host_step(&asked, HOST_DOUBTED), HOST_KEEP);
	assert_int_equal(asked, 1);
}

static void host_that_speaks_is_advertised_and_stays(void **state)
{
	struct hosts *t = *state;

	world_learn(&t->w, 1);
	hear(t, DP_HEARD_QUESTION, 1, 1, 9);
	world_ours(&t->w, IMET "100 mac " M1 "\n100 mac " M1 " 10.0.0.1\n");
	for (unsigned i = 0; i < 20; i++) {
		world_pass(&t->w, 119);
		hear(t, DP_HEARD_ANSWER, 1, 1, 9);
	}
	said(t, "");
	world_pass(&t->w, 120);
	said(t, ASK1);
	hear(t, DP_HEARD_ANSWER, 1, 1, 9); /* that was its answer */
	world_pass(&t->w, 119);
	said(t, "");
	world_ours(&t->w, IMET "100 mac " M1 "\n100 mac " M1 " 10.0.0.1\n");
}

static void host_that_is_silent_goes(void **state)
{
	struct hosts *t = *state;

	world_learn(&t->w, 1);
	hear(t, DP_HEARD_ANNOUNCE, 1, 1, 1);
	said(t, "carry 100 from 7: 10.0.0.1\n");
	world_pass(&t->w, 122);
	said(t, ASK1 ASK1 ASK1);
	world_ours(&t->w, IMET "100 mac " M1 "\n100 mac " M1 " 10.0.0.1\n");
	world_pass(&t->w, 1);
	world_ours(&t->w, IMET "100 mac " M1 "\n");
	assert_int_equal(evpn_deadline(t->w.e).us, MTIME_NEVER.us);
	hear(t, DP_HEARD_ANSWER, 1, 1, 9);
	world_ours(&t->w, IMET "100 mac " M1 "\n100 mac " M1 " 10.0.0.1\n");
}

/* Silence says nothing where nobody can be asked: then it is the kernel's word that counts. */
static void host_that_cannot_be_asked_is_the_kernels(void **state)
{
	struct hosts *t = *state;

	recdp_listen(t->w.dp, NULL);
	world_learn(&t->w, 1);
	world_learn_ip(&t->w, 1, 1);
	world_pass(&t->w, 1000);
	world_ours(&t->w, IMET "100 mac " M1 "\n100 mac " M1 " 10.0.0.1\n");
	world_leave_ip(&t->w, 1);
	world_ours(&t->w, IMET "100 mac " M1 "\n");
}

static void host_that_the_kernel_gave_up_is_asked(void **state)
{
	struct hosts *t = *state;

	world_learn(&t->w, 1);
	world_learn_ip(&t->w, 1, 1);
	world_leave_ip(&t->w, 1);
	said(t, ASK1);
	hear(t, DP_HEARD_ANSWER, 1, 1, 9);
	world_pass(&t->w, 60);
	world_ours(&t->w, IMET "100 mac " M1 "\n100 mac " M1 " 10.0.0.1\n");
	world_leave_ip(&t->w, 1);
	world_pass(&t->w, 3);
	world_ours(&t->w, IMET "100 mac " M1 "\n");
}

/* RFC 9161 3.6: its VTEP is asked by a route, and gives the address up when its host is silent. */
static void address_at_another_mac_behind_a_vtep(void **state)
{
	struct hosts *t = *state;
	struct route r = { .vtep = 2, .mac = 2, .ip = 1 };

	world_learn(&t->w, 1);
	hear(t, DP_HEARD_QUESTION, 1, 1, 9);
	world_announce(&t->w, r);
	said(t, ASK1);
	hear(t, DP_HEARD_ANSWER, 1, 1, 9);
	world_pass(&t->w, 10);
	world_rows(&t->w, "fdb 100 " M2 " 192.0.2.2\n"); /* it lives: two have it, ours stays ours */
	r.seq = 1;
	world_announce(&t->w, r);
	said(t, ASK1);
	world_pass(&t->w, 3);
	world_rows(&t->w, "fdb 100 " M2 " 192.0.2.2\nneigh 100 10.0.0.1 " M2 " take-over\n");
	world_ours(&t->w, IMET "100 mac " M1 "\n");
	world_withdraw(&t->w, r);
}

static void host_moves_away_and_back(void **state)
{
	struct hosts *t = *state;
	struct route r = { .vtep = 2, .mac = 1, .ip = 1, .seq = 1 };

	world_learn(&t->w, 1);
	hear(t, DP_HEARD_ANNOUNCE, 1, 1, 1);
	world_announce(&t->w, r);
	world_rows(&t->w, "fdb 100 " M1 " 192.0.2.2 take-over\nneigh 100 10.0.0.1 " M1 " take-over\n");
	hear(t, DP_HEARD_ANNOUNCE, 1, 1, 1);
	world_learn(&t->w, 1);
	world_rows(&t->w, "");
	world_ours(&t->w, IMET "100 mac " M1 " 10.0.0.1 seq 2\n100 mac " M1 " seq 2\n");
	said(t, "carry 100 from 7: 10.0.0.1\ncarry 100 from 7: 10.0.0.1\n");
	world_pass(&t->w, 60);
	said(t, ""); /* the bridge has shown it: nobody need ask */
	world_withdraw(&t->w, r);
}

/*
 * It came back before the route of where it had been, said so once, and the bridge, which had it on that
 * port all the time, told nobody. Only the bridge is believed: what is heard meanwhile may be as old.
 */
static void host_that_a_route_took_is_asked(void **state)
{
	struct hosts *t = *state;
	struct route r = { .vtep = 2, .mac = 1, .ip = 1, .seq = 1 };

	world_learn(&t->w, 1);
	hear(t, DP_HEARD_QUESTION, 1, 1, 9);
	world_announce(&t->w, r);
	said(t, "");
	world_pass(&t->w, 1);
	said(t, ASK1);
	hear(t, DP_HEARD_ANSWER, 1, 1, 9);
	world_pass(&t->w, 1);
	said(t, ASK1);
	hear(t, DP_HEARD_ANSWER, 1, 1, 9);
	world_learn(&t->w, 1);
	world_pass(&t->w, 60);
	said(t, "");
	world_ours(&t->w, IMET "100 mac " M1 " 10.0.0.1 seq 2\n100 mac " M1 " seq 2\n");
	world_withdraw(&t->w, r);
}

static void host_that_a_route_took_and_is_gone(void **state)
{
	struct hosts *t = *state;
	struct route r = { .vtep = 2, .mac = 1, .seq = 1 };

	world_learn(&t->w, 1);
	hear(t, DP_HEARD_QUESTION, 1, 1, 9);
	world_announce(&t->w, r);
	world_pass(&t->w, 3);
	said(t, ASK1 ASK1 ASK1);
	world_pass(&t->w, 1);
	said(t, "");
	assert_int_equal(evpn_deadline(t->w.e).us, MTIME_NEVER.us);
	/* RFC 9721: an address that was not heard of there is no longer ours. */
	assert_int_equal(binding_count(t->w.e), 0);
	world_withdraw(&t->w, r);
}

/* The bridge forgets sooner than a silent host is asked. */
static void host_whose_mac_aged_is_asked(void **state)
{
	struct hosts *t = *state;

	world_learn(&t->w, 1);
	hear(t, DP_HEARD_QUESTION, 1, 1, 9);
	world_leave(&t->w, 1);
	world_ours(&t->w, IMET);
	world_pass(&t->w, 1);
	said(t, ASK1);
	world_learn(&t->w, 1);
	hear(t, DP_HEARD_ANSWER, 1, 1, 9);
	world_ours(&t->w, IMET "100 mac " M1 "\n100 mac " M1 " 10.0.0.1\n");
	world_pass(&t->w, 60);
	said(t, "");
	world_leave(&t->w, 1);
	world_pass(&t->w, 5);
	said(t, ASK1 ASK1 ASK1);
	assert_int_equal(t->w.e->bindings.slab->used, 0);
}

/* A port that must not have it: nothing would come of it. */
static void host_that_is_barred_is_not_asked(void **state)
{
	struct hosts *t = *state;
	struct route r = { .vtep = 2, .mac = 1, .sticky = true };

	world_learn(&t->w, 1);
	hear(t, DP_HEARD_QUESTION, 1, 1, 9);
	world_announce(&t->w, r);
	world_learn(&t->w, 1);
	world_pass(&t->w, 10);
	said(t, "");
	world_withdraw(&t->w, r);
}

/* Who moves a host may tell of its MAC alone (RARP), and its old VTEP takes its address back (RFC 9721). */
static void host_that_comes_is_asked_for_the_addresses_that_routes_have(void **state)
{
	struct hosts *t = *state;
	struct route r = { .vtep = 2, .mac = 1, .ip = 1 }, q = { .vtep = 2, .mac = 1, .ip = 2 };

	world_announce(&t->w, r);
	world_announce(&t->w, q);
	hear(t, DP_HEARD_ANNOUNCE, 2, 1, 2);
	world_learn(&t->w, 1);
	said(t, "carry 100 from 7: 10.0.0.2\n" ASK1); /* of the other it has told */
	hear(t, DP_HEARD_ANSWER, 1, 1, 9);
	world_withdraw(&t->w, r);
	world_withdraw(&t->w, q);
	world_ours(&t->w, IMET "100 mac " M1 " 10.0.0.1 seq 1\n100 mac " M1 " 10.0.0.2 seq 1\n100 mac " M1 " seq 1\n");
}

static void host_that_comes_is_asked_for_some_addresses_only(void **state)
{
	struct hosts *t = *state;
	unsigned n = 0;

	for (unsigned i = 1; i <= 100; i++)
		world_announce(&t->w, (struct route){ .vtep = 2, .mac = 1, .ip = i });
	world_learn(&t->w, 1);
	buf_add(&t->said, "", 1);
	for (const char *at = buf_data(&t->said); (at = strstr(at, "ask 100 on 7")); at++)
		n++;
	assert_int_equal(n, HOST_WELCOMES);
	for (unsigned i = 1; i <= 100; i++)
		world_withdraw(&t->w, (struct route){ .vtep = 2, .mac = 1, .ip = i });
}

/* Ports are not heard in the order in which hosts spoke there: the bridge may know better. */
static void host_that_a_route_took_is_asked_on_both_ports(void **state)
{
	struct hosts *t = *state;
	struct route r = { .vtep = 2, .mac = 1, .ip = 1, .seq = 1 };
	struct mac m = world_mac(1);

	t->w.port->local_mac(t->w.e, 100, &m, 8, 0);
	hear(t, DP_HEARD_QUESTION, 1, 1, 9);
	world_announce(&t->w, r);
	world_pass(&t->w, 1);
	said(t, ASK1 "ask 100 on 8: has " M1 " still 10.0.0.1\n");
	world_withdraw(&t->w, r);
}

static void host_that_a_route_took_and_cannot_be_asked(void **state)
{
	struct hosts *t = *state;
	struct route r = { .vtep = 2, .mac = 1, .seq = 1 };

	for (r.ip = 0; r.ip < 2; r.ip++) { /* the route has no address: ours was what is left of it */
		world_learn(&t->w, 1);
		recdp_listen(t->w.dp, &t->said);
		hear(t, DP_HEARD_QUESTION, 1, 1, 9);
		recdp_listen(t->w.dp, NULL);
		world_announce(&t->w, r);
		world_pass(&t->w, 1);
		assert_int_equal(t->w.e->hosts.slab.used, 0);
		assert_int_equal(t->w.e->bindings.slab[0].used, r.ip);
		world_withdraw(&t->w, r);
	}
}

/* Its address went to our row when its MAC was lost, so it is asked for it. */
static void address_of_a_mac_that_is_back(void **state)
{
	struct hosts *t = *state;
	struct route r = { .vtep = 2, .mac = 1, .ip = 1, .seq = 1 };

	world_learn(&t->w, 1);
	hear(t, DP_HEARD_QUESTION, 1, 1, 9);
	world_announce(&t->w, r);
	world_learn(&t->w, 1);
	world_ours(&t->w, IMET "100 mac " M1 " seq 2\n");
	said(t, ASK1);
	world_pass(&t->w, 1);
	said(t, ASK1); /* and again, as it did not answer */
	hear(t, DP_HEARD_ANSWER, 1, 1, 9);
	world_ours(&t->w, IMET "100 mac " M1 " 10.0.0.1 seq 2\n100 mac " M1 " seq 2\n");
	world_pass(&t->w, 60);
	said(t, "");
	world_withdraw(&t->w, r);
}

/* Whether the bridge will tell of it is not known: our row may be on its way. */
static void host_that_is_heard_behind_a_vtep_is_asked(void **state)
{
	struct hosts *t = *state;
	struct route r = { .vtep = 2, .mac = 1, .seq = 1 };

	world_announce(&t->w, r);
	hear(t, DP_HEARD_QUESTION, 1, 1, 9);
	hear(t, DP_HEARD_QUESTION, 1, 1, 9);
	world_pass(&t->w, 2);
	said(t, ASK1 ASK1);
	hear(t, DP_HEARD_QUESTION, 1, 1, 9); /* as often as it likes: it is asked no more often */
	world_pass(&t->w, 1);
	said(t, ASK1);
	world_pass(&t->w, 60);
	said(t, "");
	assert_int_equal(t->w.e->hosts.slab.used, 0);
	world_withdraw(&t->w, r);
}

static void address_goes_from_mac_to_mac_at_once(void **state)
{
	struct hosts *t = *state;

	world_learn(&t->w, 1);
	world_learn(&t->w, 2);
	hear(t, DP_HEARD_ANNOUNCE, 1, 1, 1);
	hear(t, DP_HEARD_ANNOUNCE, 1, 2, 1);
	world_ours(&t->w, IMET "100 mac " M1 "\n100 mac " M2 "\n100 mac " M2 " 10.0.0.1\n");
}

/* RFC 9047 2, the I flag: the address can be at that MAC only. */
static void address_that_a_route_pins(void **state)
{
	struct hosts *t = *state;
	struct route r = { .vtep = 2, .mac = 2, .ip = 1, .immutable = true },
		     other = { .vtep = 3, .mac = 3, .ip = 1, .seq = 9 };

	world_learn(&t->w, 1);
	hear(t, DP_HEARD_QUESTION, 1, 1, 9);
	world_announce(&t->w, r);
	world_rows(&t->w, "fdb 100 " M2 " 192.0.2.2\nneigh 100 10.0.0.1 " M2 " take-over\n");
	world_ours(&t->w, IMET "100 mac " M1 "\n");
	hear(t, DP_HEARD_QUESTION, 1, 1, 9);
	world_ours(&t->w, IMET "100 mac " M1 "\n");
	assert_non_null(
		strstr(t->w.last, "10.0.0.1: claimed by " M1 " here, but VTEP 192.0.2.2 has it as immutable at " M2));
	world_announce(&t->w, other); /* nor does another VTEP get it */
	assert_int_equal(t->w.e->hosts.slab.used, 0);
	world_rows(&t->w, "fdb 100 " M2 " 192.0.2.2\nfdb 100 02:00:00:00:00:03 192.0.2.3\nneigh 100 10.0.0.1 " M2
			  " take-over\n");
	world_withdraw(&t->w, other);
	world_withdraw(&t->w, r);
	hear(t, DP_HEARD_QUESTION, 1, 1, 9);
	world_ours(&t->w, IMET "100 mac " M1 "\n100 mac " M1 " 10.0.0.1\n");
}

static void address_that_is_set_by_hand(void **state)
{
	struct hosts *t = *state;
	struct route r = { .vtep = 2, .mac = 2, .ip = 1, .immutable = true };
	struct ip ip = world_ip(1);
	struct mac m = world_mac(1);

	world_learn(&t->w, 1);
	t->w.port->local_ip(t->w.e, 100, &ip, &m, DP_LOCAL_STATIC);
	assert_int_equal(t->w.e->hosts.slab.used, 0); /* nobody has to ask for it */
	world_announce(&t->w, r);
	world_rows(&t->w, "fdb 100 " M2 " 192.0.2.2\n");
	world_ours(&t->w, IMET "100 mac " M1 "\n100 mac " M1 " 10.0.0.1 immutable\n");
	world_withdraw(&t->w, r);
}

static void probes_are_answered_or_carried(void **state)
{
	struct hosts *t = *state;
	struct route r = { .vtep = 2, .mac = 2, .ip = 1 };

	hear(t, DP_HEARD_PROBE, 0, 1, 1);
	said(t, "carry 100 from 7: 10.0.0.1\n"); /* nobody is known: whoever has it shall say so */
	world_announce(&t->w, r);
	hear(t, DP_HEARD_PROBE, 0, 1, 1);
	said(t, "answer 100 on 7: 10.0.0.1 is at " M2 "\n");
	hear(t, DP_HEARD_PROBE, 0, 2, 1); /* it has moved here, and looks first */
	said(t, "");
	hear(t, DP_HEARD_QUESTION, 3, 1, 1); /* is the bridge's to answer */
	said(t, "");
	world_withdraw(&t->w, r);
}

static void everything_goes_with_the_devices(void **state)
{
	struct hosts *t = *state;

	world_learn(&t->w, 1);
	for (unsigned i = 1; i < 100; i++)
		hear(t, DP_HEARD_QUESTION, i, 1, 200);
	t->w.port->local_mac_gone(t->w.e, 100, &(struct mac){ { 2, 0, 0, 0, 0, 1 } });
	t->w.port->vni_ready(t->w.e, 100, false);
	world_ours(&t->w, "");
	assert_int_equal(evpn_deadline(t->w.e).us, MTIME_NEVER.us);
	assert_int_equal(binding_count(t->w.e), 0);
}

static void addresses_of_a_mac_are_bounded(void **state)
{
	struct hosts *t = *state;

	world_learn(&t->w, 1);
	for (unsigned i = 1; i < HOSTS_PER_MAC + 500; i++)
		hear(t, DP_HEARD_QUESTION, i, 1, 9);
	assert_int_equal(binding_count(t->w.e), HOSTS_PER_MAC);
	assert_in_range(t->w.logged, 1, 20);
	assert_non_null(strstr(t->w.last, "too many addresses"));
	hear(t, DP_HEARD_QUESTION, 60000, 2, 9); /* others are as free as before */
	assert_int_equal(binding_count(t->w.e), HOSTS_PER_MAC + 1);
}

/* Hosts, routes, the kernel and time in any order: in the end everything can be taken away and nothing is left. */
/* ---- where hosts are learned from the tunnel --------------------------------------------------------------------- */

static void learning_vni(struct hosts *t, bool suppress)
{
	struct config_rt rts[2];
	struct config_vni c = world_config(200, rts);
	char bridge[] = "br200";

	c.mode = CONFIG_MODE_STATIC_FLOOD;
	c.host_learning = true;
	c.arp_suppression = suppress;
	c.bridge = bridge;
	assert_int_equal(evpn_vni_add(t->w.e, &c, 4789, NULL), 0);
}

static void hear_in(struct hosts *t, enum dp_heard_kind kind, unsigned ifindex, unsigned ip, unsigned mac)
{
	struct dp_heard h = { .vni = 200, .ifindex = ifindex, .kind = (uint8_t)kind, .src = world_mac(mac),
			      .mac = world_mac(mac), .ip = world_ip(ip), .target = world_ip(ip) };

	t->w.port->host_heard(t->w.e, &h);
}

static void there(struct hosts *t, unsigned mac, unsigned vtep)
{
	struct mac m = world_mac(mac);
	struct ip v = ip_v4(0xc0000200u + vtep);

	t->w.port->tunnel_mac(t->w.e, 200, &m, &v);
}

static void not_there(struct hosts *t, unsigned mac)
{
	struct mac m = world_mac(mac);

	t->w.port->tunnel_mac_gone(t->w.e, 200, &m);
}

/* "10.0.0.1 02:00:00:00:00:01 remote 192.0.2.2\n", of VNI 200. */
static void arp_(struct hosts *t, const char *text, int line)
{
	struct evpn_cursor c = { .vni = 200 };
	struct evpn_arp_info i;

	buf_reset(&t->said);
	while (evpn_arp_next(t->w.e, &c, &i))
		buf_printf(&t->said, "%s %s %s %s\n", ip_str(&i.ip).s, mac_str(&i.mac).s, evpn_mac_state_name(i.state),
			   i.vtep.len ? ip_str(&i.vtep).s : "-");
	said_(t, text, line);
}
#define arp(t, text) arp_((t), (text), __LINE__)

static void address_out_of_the_tunnel_is_where_its_mac_is(void **state)
{
	struct hosts *t = *state;
	struct evpn_vni_info info;
	struct evpn_vtep_info v;
	struct evpn_cursor c = { 0 };
	struct evpn_mac_info m;

	learning_vni(t, true);
	hear_in(t, DP_HEARD_QUESTION, 0, 1, 1); /* before its MAC is told */
	arp(t, "10.0.0.1 " M1 " remote -\n");
	world_rows(&t->w, "");
	there(t, 1, 2);
	arp(t, "10.0.0.1 " M1 " remote 192.0.2.2\n");
	world_rows(&t->w, "neigh 200 10.0.0.1 " M1 "\n"); /* answers here; the MAC itself needs no row */
	there(t, 1, 3);
	arp(t, "10.0.0.1 " M1 " remote 192.0.2.3\n");
	assert_true(evpn_vni_find(t->w.e, 200, &info));
	assert_int_equal(info.remote_macs, 1);
	assert_int_equal(info.remote_ips, 1);
	assert_true(evpn_vtep_next(t->w.e, &(struct ip){ 0 }, &v));
	assert_int_equal(v.vtep.b[3], 3);
	assert_int_equal(v.macs, 1);
	assert_true(evpn_mac_next(t->w.e, &c, &m));
	assert_string_equal(m.reason, "learned from the tunnel");
	not_there(t, 1);
	world_rows(&t->w, "");
	assert_false(evpn_vtep_next(t->w.e, &(struct ip){ 0 }, &v));
}

static void address_is_where_it_was_heard_last(void **state)
{
	struct hosts *t = *state;
	struct mac m1 = world_mac(1), m2 = world_mac(2);

	learning_vni(t, true);
	there(t, 1, 2);
	hear_in(t, DP_HEARD_ANNOUNCE, 0, 1, 1);
	said(t, ""); /* the tunnel's are not carried back into it */
	t->w.port->local_mac(t->w.e, 200, &m2, 7, 0);
	hear_in(t, DP_HEARD_ANNOUNCE, 7, 1, 2);
	said(t, "carry 200 from 7: 10.0.0.1\n");
	arp(t, "10.0.0.1 " M2 " local -\n");
	world_rows(&t->w, "");
	hear_in(t, DP_HEARD_ANNOUNCE, 0, 1, 1);
	arp(t, "10.0.0.1 " M1 " remote 192.0.2.2\n");
	world_rows(&t->w, "neigh 200 10.0.0.1 " M1 "\n");
	not_there(t, 1); /* the host itself moves here, and its address with it */
	t->w.port->local_mac(t->w.e, 200, &m1, 7, 0);
	arp(t, "10.0.0.1 " M1 " local -\n");
	hear_in(t, DP_HEARD_ANNOUNCE, 7, 1, 1);
	arp(t, "10.0.0.1 " M1 " local -\n");
	world_rows(&t->w, "");
}

static void host_behind_the_tunnel_is_asked_there(void **state)
{
	struct hosts *t = *state;

	learning_vni(t, true);
	there(t, 1, 2);
	hear_in(t, DP_HEARD_QUESTION, 0, 1, 1);
	world_pass(&t->w, 120);
	said(t, "ask 200 on 0: has " M1 " still 10.0.0.1\n");
	hear_in(t, DP_HEARD_ANSWER, 0, 1, 1);
	world_pass(&t->w, 119);
	world_rows(&t->w, "neigh 200 10.0.0.1 " M1 "\n");
	world_pass(&t->w, 5);
	arp(t, "");
	world_rows(&t->w, "");
}

static void kernel_neighbour_behind_the_tunnel_is_not_local(void **state)
{
	struct hosts *t = *state;
	struct ip ip = world_ip(1);
	struct mac m = world_mac(1);

	learning_vni(t, false);
	there(t, 1, 2);
	t->w.port->local_ip(t->w.e, 200, &ip, &m, 0);
	arp(t, "10.0.0.1 " M1 " remote 192.0.2.2\n");
	world_rows(&t->w, ""); /* no suppression */
	evpn_vni_del(t->w.e, 200);
	assert_int_equal(t->w.e->macs.slab.used + binding_count(t->w.e) + t->w.e->hosts.slab.used, 0);
	assert_int_equal(t->w.e->imports.slab.used + t->w.e->vteps.slab.used, 0);
}

static void tunnel_of_an_evpn_is_not_listened_to(void **state)
{
	struct hosts *t = *state;
	struct ip v = ip_v4(0xc0000202u);
	struct mac m = world_mac(1);
	struct dp_heard h = { .vni = 100, .kind = DP_HEARD_ANNOUNCE, .src = m, .mac = m, .ip = world_ip(1) };

	t->w.port->host_heard(t->w.e, &h);
	t->w.port->tunnel_mac(t->w.e, 100, &m, &v);
	assert_int_equal(t->w.e->macs.slab.used + binding_count(t->w.e), 0);
}

static void random_events_leave_nothing(void **state)
{
	struct hosts *t = *state;
	struct rng rng = rng_start("host random_events_leave_nothing");

	for (unsigned i = 0; i < 20000; i++) {
		unsigned ip = rng_below(&rng, 5) + 1, mac = rng_below(&rng, 4) + 1;
		struct route r = { .vtep = 2 + rng_below(&rng, 2), .mac = mac, .ip = ip, .seq = rng_below(&rng, 3) };

		switch (rng_below(&rng, 8)) {
		case 0:
			world_learn(&t->w, mac);
			break;
		case 1:
			world_leave(&t->w, mac);
			break;
		case 2:
			world_learn_ip(&t->w, ip, mac);
			break;
		case 3:
			world_leave_ip(&t->w, ip);
			break;
		case 4:
			world_announce(&t->w, r);
			break;
		case 5:
			world_withdraw(&t->w, r);
			break;
		case 6:
			hear(t, (enum dp_heard_kind)rng_below(&rng, 4), ip, mac, ip);
			break;
		default:
			world_pass(&t->w, rng_below(&rng, 40));
		}
		if (!rng_below(&rng, 50))
			recdp_listen(t->w.dp, rng_below(&rng, 2) ? &t->said : NULL);
		buf_reset(&t->said);
	}
	evpn_vni_del(t->w.e, 100);
	assert_int_equal(t->w.e->hosts.slab.used, 0);
	assert_int_equal(evpn_deadline(t->w.e).us, MTIME_NEVER.us);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(step_asks_and_gives_up),
		test(host_that_speaks_is_advertised_and_stays),
		test(host_that_is_silent_goes),
		test(host_that_cannot_be_asked_is_the_kernels),
		test(host_that_the_kernel_gave_up_is_asked),
		test(address_at_another_mac_behind_a_vtep),
		test(host_moves_away_and_back),
		test(host_that_a_route_took_is_asked),
		test(host_that_a_route_took_and_is_gone),
		test(host_that_comes_is_asked_for_the_addresses_that_routes_have),
		test(host_that_comes_is_asked_for_some_addresses_only),
		test(host_whose_mac_aged_is_asked),
		test(host_that_is_barred_is_not_asked),
		test(host_that_a_route_took_is_asked_on_both_ports),
		test(host_that_a_route_took_and_cannot_be_asked),
		test(address_of_a_mac_that_is_back),
		test(host_that_is_heard_behind_a_vtep_is_asked),
		test(address_goes_from_mac_to_mac_at_once),
		test(address_that_a_route_pins),
		test(address_that_is_set_by_hand),
		test(probes_are_answered_or_carried),
		test(everything_goes_with_the_devices),
		test(addresses_of_a_mac_are_bounded),
		test(address_out_of_the_tunnel_is_where_its_mac_is),
		test(address_is_where_it_was_heard_last),
		test(host_behind_the_tunnel_is_asked_there),
		test(kernel_neighbour_behind_the_tunnel_is_not_local),
		test(tunnel_of_an_evpn_is_not_listened_to),
		test(random_events_leave_nothing),
	};

	return RUN_TESTS(tests);
}

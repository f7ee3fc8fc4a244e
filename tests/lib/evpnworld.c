/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See evpnworld.h. */
#include "tests/lib/evpnworld.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evpn/ec.h"
#include "evpn/nlri.h"
#include "evpn/tables.h"
#include "tests/lib/test.h"

static void sink(void *ctx, enum log_level level, enum log_subsys sub, const char *line)
{
	struct world *w = ctx;

	w->logged++;
	snprintf(w->last, sizeof(w->last), "%s", line);
}

void world_start(struct world *w)
{
	struct evpn_params p = { .asn = 65000, .router_id = 0xc0000209, .vtep = ip_v4(0xc0000209), .log = &w->log };

	memset(w, 0, sizeof(*w));
	log_init(&w->log, LOG_INFO);
	w->log.sink = sink;
	w->log.ctx = w;
	w->now = (struct mtime){ 1000000 };
	w->e = evpn_new(&p, w->now);
	w->port = evpn_dp_events(w->e);
	w->dp = recdp_new(w->port, true);
	w->bgp = stubbgp_new(evpn_listener(w->e));
	evpn_connect(w->e, w->bgp, w->dp);
}

void world_end(struct world *w)
{
	struct evpn_vni_info info;
	struct evpn_memory mem;

	while (evpn_vni_next(w->e, 0, &info))
		evpn_vni_del(w->e, info.vni);
	evpn_memory(w->e, &mem);
	assert_int_equal(mem.vnis, 0);
	assert_int_equal(mem.macs, 0);
	assert_int_equal(mem.ips, 0);
	world_rows(w, "");
	world_ours(w, "");
	stubbgp_free(w->bgp);
	assert_int_equal(w->e->imports.slab.used, 0);
	assert_int_equal(w->e->imports.octets, 0);
	assert_int_equal(w->e->vteps.slab.used, 0);
	assert_int_equal(w->e->macs.nodes.used, 0);
	assert_int_equal(w->e->floods.slab.used, 0);
	assert_int_equal(w->e->segments.slab.used + w->e->segments.esis.used + w->e->segments.paths.used +
				 w->e->segments.numbers.used,
			 0);
	assert_int_equal(recdp_sets(w->dp), 0);
	evpn_free(w->e);
	recdp_free(w->dp);
}

struct config_vni world_config(uint32_t vni, struct config_rt rts[2])
{
	rts[0] = rts[1] = (struct config_rt){ .is_auto = true };
	return (struct config_vni){ .vni = vni,
				    .rd = { .is_auto = true },
				    .imports = &rts[0],
				    .n_imports = 1,
				    .exports = &rts[1],
				    .n_exports = 1,
				    .arp_suppression = true };
}

void world_vni(struct world *w, uint32_t vni)
{
	struct config_rt rts[2];
	struct config_vni c = world_config(vni, rts);

	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), 0);
}

int world_setup(void **state)
{
	*state = xcalloc(1, sizeof(struct world));
	world_start(*state);
	return 0;
}

int world_setup_100(void **state)
{
	world_setup(state);
	world_vni(*state, 100);
	return 0;
}

int world_teardown(void **state)
{
	world_end(*state);
	free(*state);
	return 0;
}

struct mac world_mac(unsigned n)
{
	return (struct mac){ { 2, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n } };
}

struct ip world_ip(unsigned n)
{
	return ip_v4(0x0a000000u + n);
}

void world_pass(struct world *w, unsigned seconds)
{
	struct mtime end = mtime_add_ms(w->now, seconds * 1000), due;

	while (due = evpn_deadline(w->e), !mtime_before(end, due)) {
		w->now = due;
		evpn_run_timers(w->e, due);
	}
	w->now = end;
	evpn_set_now(w->e, end);
}

/* ---- routes ------------------------------------------------------------------------------------------------------ */

static struct ip vtep_ip(const struct route *r)
{
	struct ip ip = ip_v4(0xc0000200u + r->vtep);

	if (r->next_hop)
		assert_true(ip_parse(r->next_hop, &ip));
	return ip;
}

static struct bgp_nlri route_nlri(const struct route *r)
{
	uint32_t vni = r->vni ? r->vni : 100;
	struct evpn_nlri n = { .type = r->ad ? EVPN_AD : r->mac ? EVPN_MAC_IP : EVPN_IMET, .tag = r->tag,
			       .label = r->label ? r->label : vni };
	struct bgp_nlri out;

	evpn_rd_auto(0xc0000200u + (r->rd ? r->rd : r->vtep), vni, n.rd);
	n.esi[5] = (uint8_t)r->esi;
	if (r->ad == AD_ES) {
		n.tag = EVPN_MAX_ET;
		n.label = 0;
	} else if (r->mac) {
		n.mac = world_mac(r->mac);
		n.ip = r->ip ? world_ip(r->ip) : ip_none();
		if (r->ip6)
			assert_true(ip_parse(r->ip6, &n.ip));
	} else if (!r->ad) {
		n.ip = vtep_ip(r);
	}
	evpn_nlri_build(&n, &out);
	return out;
}

static void put_rt(struct wbuf *w, const char *text)
{
	uint8_t rt[8];

	if (!text || !strcmp(text, "none"))
		return;
	assert_true(evpn_rt_parse(text, rt));
	evpn_ec_put_rt(w, rt);
}

void world_announce(struct world *w, struct route r)
{
	static const uint8_t llgr_stale[4] = { 0xff, 0xff, 0, 6 };
	uint32_t vni = r.vni ? r.vni : 100;
	struct bgp_nlri nlri = route_nlri(&r);
	struct bgp_attrs a = { .next_hop = vtep_ip(&r), .has_local_pref = r.draining };
	uint8_t ecs[128], pmsi[EVPN_PMSI_MAX];
	struct wbuf we = wb_init(ecs, sizeof(ecs)), wp = wb_init(pmsi, sizeof(pmsi));
	char rt[32];

	snprintf(rt, sizeof(rt), "65000:%u", vni);
	put_rt(&we, r.rt ? r.rt : rt);
	put_rt(&we, r.rt2);
	if (r.encap != 255)
		evpn_ec_put_encap(&we, r.encap ? (enum evpn_encap)r.encap : EVPN_ENCAP_VXLAN);
	if (r.seq || r.sticky)
		evpn_ec_put_mobility(&we, r.seq, r.sticky);
	if (r.gateway)
		evpn_ec_put_default_gateway(&we);
	if (r.router || r.not_router || r.immutable)
		evpn_ec_put_nd(&we, (r.router ? EVPN_ND_ROUTER : 0) | (r.immutable ? EVPN_ND_IMMUTABLE : 0));
	if (r.ad == AD_ES)
		evpn_ec_put_esi_label(&we, 0, r.single_active);
	if (r.long_lived_stale) {
		a.communities = llgr_stale;
		a.communities_len = sizeof(llgr_stale);
	}
	a.ext_communities = ecs;
	a.ext_communities_len = (uint16_t)wb_len(&we);
	if (!r.mac && !r.ad) {
		evpn_pmsi_put(&wp, r.label ? r.label : vni, &a.next_hop);
		a.pmsi = pmsi;
		a.pmsi_len = (uint16_t)wb_len(&wp);
		if (r.pmsi_type)
			pmsi[1] = (uint8_t)r.pmsi_type;
	}
	stubbgp_announce(w->bgp, r.vtep, &nlri, &a);
}

void world_withdraw(struct world *w, struct route r)
{
	struct bgp_nlri nlri = route_nlri(&r);

	stubbgp_withdraw(w->bgp, r.vtep, &nlri);
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

void world_learn(struct world *w, unsigned mac)
{
	struct mac m = world_mac(mac);

	w->port->local_mac(w->e, 100, &m, 7, 0);
}

void world_leave(struct world *w, unsigned mac)
{
	struct mac m = world_mac(mac);

	w->port->local_mac_gone(w->e, 100, &m);
}

void world_learn_ip(struct world *w, unsigned ip, unsigned mac)
{
	struct ip i = world_ip(ip);
	struct mac m = world_mac(mac);

	w->port->local_ip(w->e, 100, &i, &m, 0);
}

void world_leave_ip(struct world *w, unsigned ip)
{
	struct ip i = world_ip(ip);

	w->port->local_ip_gone(w->e, 100, &i);
}

/* ---- what came of it --------------------------------------------------------------------------------------------- */

static void check(struct buf *b, const char *what, const char *text, const char *file, int line)
{
	bool good;

	buf_add(b, "", 1);
	good = !strcmp(buf_data(b), text);
	if (!good)
		print_error("%s:%d: %s should be\n%sand is\n%s", file, line, what, text, buf_data(b));
	buf_fini(b);
	if (!good)
		_fail(file, line);
}

void world_rows_(struct world *w, const char *text, const char *file, int line)
{
	struct buf b;

	buf_init(&b);
	recdp_text(w->dp, &b);
	check(&b, "rows", text, file, line);
}

void world_ours_(struct world *w, const char *text, const char *file, int line)
{
	struct buf b;

	buf_init(&b);
	stubbgp_ours(w->bgp, &b);
	check(&b, "routes of ours", text, file, line);
}

void world_sent_(struct world *w, const char *text, const char *file, int line)
{
	struct buf b;

	buf_init(&b);
	stubbgp_log(w->bgp, &b);
	check(&b, "calls of bgp", text, file, line);
}

bool world_show_mac(struct world *w, unsigned mac, struct evpn_mac_info *out)
{
	struct evpn_cursor c = { .vni = 100 };
	struct mac m = world_mac(mac);

	while (evpn_mac_next(w->e, &c, out))
		if (mac_eq(&out->mac, &m))
			return true;
	return false;
}

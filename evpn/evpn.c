/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A speaker's EVPN side as others see it: made and joined with bgp and the dataplane, VNIs taken on and given up, and
 * their events handed to the tables. No rule is here.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "evpn/fixed.h"
#include "evpn/origin.h"
#include "evpn/tables.h"

/* ---- what bgp tells ---------------------------------------------------------------------------------------------- */

static void on_best_changed(void *ctx, const struct bgp_route_ref *old, const struct bgp_route_ref *new_)
{
	struct evpn *e = ctx;

	if (history_watched(e->history, HISTORY_ROUTES))
		note_route(e, old, new_);
	import_best_changed(e, old, new_);
}

static void on_set_gone(void *ctx, uint32_t set, uint32_t mark)
{
	import_set_gone(ctx, mark);
}

static uint64_t octets(void *ctx)
{
	return ((const struct evpn *)ctx)->imports.octets;
}

static uint64_t octets_of(void *ctx, uint32_t mark)
{
	return import_octets_of(ctx, mark);
}

/* ---- what the dataplane tells ------------------------------------------------------------------------------------ */

static void on_local_mac(void *ctx, uint32_t vni, const struct mac *mac, unsigned ifindex, uint8_t flags)
{
	struct evpn *e = ctx;
	struct evi *evi = evi_find(&e->evis, vni);

	if (evi && !mac_is_zero(mac) && !mac_is_group(mac))
		mac_learned(e, evi, mac, ifindex, flags & DP_LOCAL_STATIC);
}

static void on_local_mac_gone(void *ctx, uint32_t vni, const struct mac *mac)
{
	struct evpn *e = ctx;
	struct evi *evi = evi_find(&e->evis, vni);

	if (evi)
		mac_left(e, evi, mac);
}

static void on_tunnel_mac(void *ctx, uint32_t vni, const struct mac *mac, const struct ip *vtep)
{
	struct evpn *e = ctx;
	struct evi *evi = evi_find(&e->evis, vni);

	if (evi && evi->learns && !mac_is_zero(mac) && !mac_is_group(mac))
		mac_learned_there(e, evi, mac, vtep);
}

static void on_tunnel_mac_gone(void *ctx, uint32_t vni, const struct mac *mac)
{
	struct evpn *e = ctx;
	struct evi *evi = evi_find(&e->evis, vni);

	if (evi)
		mac_left_there(e, evi, mac);
}

/* An IPv6 link-local address is good: hosts of one VNI share the link. */
static void on_local_ip(void *ctx, uint32_t vni, const struct ip *ip, const struct mac *mac, uint8_t flags)
{
	struct evpn *e = ctx;
	struct evi *evi = evi_find(&e->evis, vni);

	bool router = flags & DP_LOCAL_ROUTER;

	if (!evi || !ip_is_unicast(ip) || mac_is_zero(mac) || mac_is_group(mac))
		return;
	if (evi->host_learning && !(flags & DP_LOCAL_STATIC))
		host_seen(e, evi, ip, mac, 0, &router);
	else
		neigh_learned(e, evi, ip, mac,
			      (router ? BINDING_ROUTER : 0) | (flags & DP_LOCAL_STATIC ? BINDING_STATIC : 0));
}

static void on_local_ip_gone(void *ctx, uint32_t vni, const struct ip *ip)
{
	struct evpn *e = ctx;
	struct evi *evi = evi_find(&e->evis, vni);

	if (evi && !host_doubt(e, evi, ip))
		neigh_left(e, evi, ip);
}

static void on_host_heard(void *ctx, const struct dp_heard *h)
{
	struct evpn *e = ctx;
	struct evi *evi = evi_find(&e->evis, h->vni);

	if (evi && evi->host_learning)
		host_heard(e, evi, h);
	if (evi && evi->demand)
		demand_heard(e, evi, h);
}

static void on_miss(void *ctx, uint32_t vni, const struct mac *mac, const struct ip *ip)
{
	struct evpn *e = ctx;
	struct evi *evi = evi_find(&e->evis, vni);

	if (evi && evi->demand)
		demand_missed(e, evi, mac, ip);
}

static void on_demand(void *ctx, uint32_t vni, const struct mac *mac, bool there)
{
	struct evpn *e = ctx;
	struct evi *evi = evi_find(&e->evis, vni);

	if (!evi || !evi->demand)
		return;
	if (there)
		demand_placed(e, evi, mac);
	else
		demand_idle(e, evi, mac);
}

/* Type 3 asks others to flood to us, so it stands only while we can take it (RFC 7432 11.1). */
static void set_ready(struct evpn *e, struct evi *evi, bool ready)
{
	if (evi->ready == ready)
		return;
	evi->ready = ready;
	note_vni(e, evi, ready ? HISTORY_READY : HISTORY_UNREADY);
	if (!ready)
		host_clear(e, evi);
	if (!e->vtep.len)
		return;
	if (ready)
		origin_imet(e, evi);
	else
		origin_imet_withdraw(e, evi);
}

static void on_vni_ready(void *ctx, uint32_t vni, bool ready)
{
	struct evpn *e = ctx;
	struct evi *evi = evi_find(&e->evis, vni);

	if (evi)
		set_ready(e, evi, ready);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

struct evpn *evpn_new(const struct evpn_params *p, struct mtime now)
{
	struct evpn *e = xcalloc(1, sizeof(*e));

	e->asn = p->asn;
	e->router_id = p->router_id;
	e->vtep = p->vtep;
	e->log = p->log;
	e->history = p->history;
	e->now = now;
	BUG_ON(getrandom(&e->seed, sizeof(e->seed), 0) != sizeof(e->seed));
	e->conflicts = (struct log_limit){ .burst = 10, .interval_ms = 6000 };
	e->listener = (struct bgp_listener){ .best_changed = on_best_changed, .set_gone = on_set_gone,
					      .octets = octets, .octets_of = octets_of, .ctx = e };
	e->events = (struct dp_events){ .local_mac = on_local_mac,
					.local_mac_gone = on_local_mac_gone,
					.local_ip = on_local_ip,
					.local_ip_gone = on_local_ip_gone,
					.vni_ready = on_vni_ready,
					.host_heard = on_host_heard,
					.miss = on_miss,
					.demand = on_demand,
					.tunnel_mac = on_tunnel_mac,
					.tunnel_mac_gone = on_tunnel_mac_gone,
					.ctx = e };
	vtep_table_init(&e->vteps);
	import_table_init(&e->imports);
	mac_table_init(e);
	segment_table_init(e);
	solicited_init(e);
	binding_table_init(e);
	flood_table_init(e);
	timerq_init(&e->timers);
	moves_table_init(e);
	host_table_init(e);
	limit_table_init(e);
	return e;
}

void evpn_free(struct evpn *e)
{
	evpn_show_free(e->show);
	for (struct evi *v = NULL; (v = evi_after(&e->evis, v ? v->vni : 0));)
		demand_end(e, v);
	limit_table_fini(e);
	host_table_fini(e);
	moves_table_fini(e);
	segment_table_fini(e);
	solicited_fini(e);
	timerq_fini(&e->timers);
	flood_table_fini(e);
	binding_table_fini(e);
	mac_table_fini(e);
	pages_fini(&e->pages);
	import_table_fini(&e->imports);
	vtep_table_fini(&e->vteps);
	evi_table_fini(&e->evis);
	free(e);
}

const struct bgp_listener *evpn_listener(struct evpn *e)
{
	return &e->listener;
}

const struct dp_events *evpn_dp_events(struct evpn *e)
{
	return &e->events;
}

void evpn_connect(struct evpn *e, struct bgp *b, struct dp *d)
{
	e->bgp = b;
	e->dp = d;
}

void evpn_set_now(struct evpn *e, struct mtime now)
{
	e->now = now;
}

struct mtime evpn_deadline(const struct evpn *e)
{
	return timerq_next(&e->timers);
}

void evpn_run_timers(struct evpn *e, struct mtime now)
{
	evpn_set_now(e, now);
	timerq_run(&e->timers, now);
}

/* ---- VNIs -------------------------------------------------------------------------------------------------------- */

/*
 * As many again as may be advertised may wait to be; the dataplane need not learn more, where
 * it can be told so. Not with limits of ports: those above one would take the room of others.
 */
static uint32_t learn_at_most(const struct config_vni *c)
{
	for (size_t i = 0; i < c->n_ports; i++)
		if (c->ports[i].mac_limit)
			return 0;
	return 2 * c->mac_limit;
}

static int dataplane_add(struct evpn *e, const struct evi *evi, const struct config_vni *c, uint16_t udp_port,
			 const char *underlay)
{
	bool dynamic = c->mode == CONFIG_MODE_DYNAMIC_L2 || c->mode == CONFIG_MODE_DYNAMIC_L3;
	struct dp_vni_params p = { .vni = c->vni,
				   .bridge = c->bridge,
				   .vxlan = c->vxlan,
				   .vtep = e->vtep,
				   .udp_port = c->vxlan_port ? c->vxlan_port : udp_port,
				   .underlay = c->underlay ? c->underlay : underlay,
				   .n_ports = c->n_ports,
				   .vlan = c->vlan,
				   .neigh_suppress = c->arp_suppression,
				   .learn = evi->learns,
				   .drop_unknown = c->unknown_unicast_drop,
				   .group = c->group,
				   .drop_tags = c->inner_tags_drop,
				   .check_source = c->check_source,
				   .mac_limit = learn_at_most(c),
				   .known_hosts = c->mode == CONFIG_MODE_STATIC_L3,
				   .hear_hosts = (c->host_learning &&
						  (c->mode == CONFIG_MODE_EVPN || dynamic || evi->learns)) ||
						 c->mode == CONFIG_MODE_DYNAMIC_L3,
				   .rsc = c->rsc,
				   .miss_macs = dynamic,
				   .ageing = c->ageing,
				   .miss_ips = c->mode == CONFIG_MODE_DYNAMIC_L3 };
	struct dp_port_params *ports = xcalloc(c->n_ports, sizeof(*ports));
	int err;

	for (size_t i = 0; i < c->n_ports; i++)
		ports[i] = (struct dp_port_params){ .name = c->ports[i].name,
						    .tap = c->ports[i].tap,
						    .vlan = c->ports[i].vlan,
						    .netns = c->ports[i].netns,
						    .persist = c->ports[i].persist,
						    .owner = c->ports[i].owner };
	p.ports = ports;
	err = dp_vni_add(e->dp, &p);
	free(ports);
	return err;
}

/* Withdraws what is ours, drops what is others'. */
static void evi_leave(struct evpn *e, struct evi *evi)
{
	set_ready(e, evi, false);
	note_vni(e, evi, HISTORY_REMOVED);
	evi->leaving = true;
}

static void evi_end(struct evpn *e, struct evi *evi)
{
	flood_clear(e, evi);
	segment_clear(e, evi);
	solicited_clear(e, evi);
	moves_clear(e, evi);
	demand_end(e, evi);
	evi_del(e, evi);
}

/* Gives those up that leave. */
static void evis_end(struct evpn *e)
{
	struct evi *evi, *next;
	bool any = false;

	for (uint32_t i = 0; i < e->evis.n && !any; i++)
		any = e->evis.by_vni[i]->leaving;
	if (!any)
		return;
	mac_clear(e);
	for (evi = evi_after(&e->evis, 0); evi; evi = next) {
		next = evi_after(&e->evis, evi->vni);
		if (evi->leaving)
			evi_end(e, evi);
	}
}

int evpn_vni_add(struct evpn *e, const struct config_vni *c, uint16_t udp_port, const char *underlay)
{
	struct evi *evi;
	int err = evi_add(e, c, &evi);

	if (err)
		return err;
	note_vni(e, evi, HISTORY_ADDED);
	if (evi->n_groups)
		demand_start(e, evi);
	/*
	 * This reports the local MACs, so they are known before anything of ours is
	 * wanted (docs/design.md, decision 2).
	 */
	err = dataplane_add(e, evi, c, udp_port, underlay);
	if (err) {
		evi_leave(e, evi);
		evis_end(e);
		return err;
	}
	fixed_add(e, evi, c);
	evi->unread = evi->bgp;
	if (!e->many)
		import_rib(e);
	return 0;
}

void evpn_vni_del(struct evpn *e, uint32_t vni)
{
	struct evi *evi = evi_find(&e->evis, vni);

	if (!evi || evi->leaving)
		return;
	dp_vni_del(e->dp, vni);
	evi_leave(e, evi);
	if (!e->many)
		evis_end(e);
}

void evpn_vnis_begin(struct evpn *e)
{
	e->many = true;
}

void evpn_vnis_end(struct evpn *e)
{
	e->many = false;
	evis_end(e);
	import_rib(e);
}

void evpn_vni_change_hosts(struct evpn *e, const struct config_vni *was, const struct config_vni *is)
{
	struct evi *evi = evi_find(&e->evis, is->vni);

	if (evi)
		fixed_change_hosts(e, evi, was, is);
}

int evpn_host_add(struct evpn *e, uint32_t vni, const struct config_host *h)
{
	struct evi *evi = evi_find(&e->evis, vni);

	if (!evi)
		return -ENOENT;
	if (ip_eq(&h->vtep, &e->vtep) || h->vtep.len != e->vtep.len)
		return -EINVAL;
	fixed_host_add(e, evi, h);
	return 0;
}

int evpn_host_del(struct evpn *e, uint32_t vni, const struct mac *mac, const struct ip *ip)
{
	struct evi *evi = evi_find(&e->evis, vni);

	return evi && fixed_host_del(e, evi, mac, ip) ? 0 : -ENOENT;
}

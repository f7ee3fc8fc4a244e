/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See fabric.h. */
#include "tests/lib/fabric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evpn/tables.h"

#define AS 65000
#define LOCAL_US 5000000 /* that a speaker waits for its devices at most */
#define PORT 7
#define S 1000000LL

static void drop(void *ctx, enum log_level level, enum log_subsys sub, const char *line)
{
}

unsigned fabric_first(const struct fabric *f)
{
	return f->p.tops + f->p.reflectors;
}

static bool is_vtep(const struct fabric *f, unsigned s)
{
	return s >= fabric_first(f);
}

/* ---- speakers ---------------------------------------------------------------------------------------------------- */

static void peer_add(struct fabric *f, unsigned from, unsigned to, bool client)
{
	struct bgp_peer_params p = { .asn = AS, .hold_time = 9, .rr_client = client };
	struct rng rng = { .state = f->p.seed ^ ((uint64_t)from << 32 | to) }; /* the same after a restart */

	if (f->p.add_path) {
		p.add_path = (uint8_t)rng_below(&rng, 4);
		p.add_path_best = (uint8_t)rng_below(&rng, 4);
	}
	sim_peer(f->s[from].node, f->s[to].node, &p);
}

enum tier { TOP, REFLECTOR, VTEP };

static enum tier tier(const struct fabric *f, unsigned s)
{
	return s < f->p.tops ? TOP : is_vtep(f, s) ? VTEP : REFLECTOR;
}

bool fabric_homed(const struct fabric *f, unsigned vtep, unsigned reflector)
{
	unsigned n = f->p.reflectors, at = (reflector - f->p.tops + n - vtep % n) % n;

	return !f->p.homes || at < f->p.homes;
}

/* The highest tier that there is is meshed; who is below is a client of who is above. */
static void peer_add_between(struct fabric *f, unsigned s, unsigned o)
{
	enum tier ts = tier(f, s), to = tier(f, o), mesh = tier(f, 0);

	if (ts == mesh && to == mesh)
		peer_add(f, s, o, false);
	else if (ts == TOP ? to == REFLECTOR : ts == REFLECTOR && to == VTEP && fabric_homed(f, o, s))
		peer_add(f, s, o, true);
	else if (to == TOP ? ts == REFLECTOR : to == REFLECTOR && ts == VTEP && fabric_homed(f, s, o))
		peer_add(f, s, o, false);
}

static void peers_add(struct fabric *f, unsigned s)
{
	for (unsigned o = 0; o < f->n; o++)
		if (o != s)
			peer_add_between(f, s, o);
}

static void configure_vni(struct fabric *f, struct speaker *s, uint32_t vni)
{
	struct config_rt rts[2] = { { .is_auto = true }, { .is_auto = true } };
	char bridge[] = "br", vxlan[] = "vxlan";
	struct config_vni c = { .vni = vni, .bridge = bridge, .vxlan = vxlan, .rd = { .is_auto = true },
				.imports = &rts[0], .n_imports = 1, .exports = &rts[1], .n_exports = 1,
				.arp_suppression = true };

	BUG_ON(evpn_vni_add(s->evpn, &c, 4789, NULL));
}

/* evpn's listener with a counter before it. */
static void on_best_changed(void *ctx, const struct bgp_route_ref *old, const struct bgp_route_ref *new_)
{
	struct speaker *s = ctx;

	s->changes++;
	evpn_listener(s->evpn)->best_changed(s->evpn, old, new_);
}

static void on_set_gone(void *ctx, uint32_t set, uint32_t mark)
{
	struct speaker *s = ctx;

	evpn_listener(s->evpn)->set_gone(s->evpn, set, mark);
}

static uint64_t on_octets(void *ctx)
{
	struct speaker *s = ctx;

	return evpn_listener(s->evpn)->octets(s->evpn);
}

static uint64_t on_octets_of(void *ctx, uint32_t mark)
{
	struct speaker *s = ctx;

	return evpn_listener(s->evpn)->octets_of(s->evpn, mark);
}

_Static_assert(sizeof(struct bgp_listener) == 8 * sizeof(void *), "a new function of the listener: pass it on below");

static const struct bgp_listener *listener(struct speaker *s)
{
	const struct bgp_listener *l = evpn_listener(s->evpn);

	BUG_ON(l->ctx != s->evpn || l->end_of_rib || l->peer_down || l->peer_up);
	s->listener = (struct bgp_listener){ .best_changed = on_best_changed, .set_gone = on_set_gone,
					     .octets = on_octets, .octets_of = on_octets_of, .ctx = s };
	return &s->listener;
}

static void on_converged(void *ctx)
{
	dp_sweep(((struct speaker *)ctx)->dp);
}

/* As cmd/evpnd/resume.c does. */
static void resume(struct fabric *f, struct speaker *s)
{
	if (!f->p.restart_s)
		return;
	dp_sweep_wait(s->dp);
	bgp_restart_begin(sim_bgp(s->node), simnet_now(f->net));
}

static bool is_local_complete(const struct speaker *s)
{
	struct evpn_vni_info v = { 0 };
	struct dp_stats stats;

	dp_stats(s->dp, &stats);
	if (stats.dirty)
		return false;
	while (s->kernel && evpn_vni_next(s->evpn, v.vni, &v))
		if (!v.ready)
			return false;
	return true;
}

static void look_local(struct speaker *s, struct mtime now)
{
	if (s->local || (!is_local_complete(s) && mtime_diff_us(s->started, now) < LOCAL_US))
		return;
	s->local = true;
	bgp_local_complete(sim_bgp(s->node), now);
}

static void start(struct fabric *f, unsigned i)
{
	struct speaker *s = &f->s[i];
	struct mtime now = simnet_now(f->net);
	struct bgp_params p = { .asn = AS, .router_id = 0x0a000000u + i + 1, .log = &f->mute,
				.restart_time = f->p.restart_s, .long_lived_time = f->p.long_s,
				.converged = on_converged, .converged_ctx = s };
	bool again = s->node;
	struct bgp *b;

	s->evpn = evpn_new(&s->evpn_params, now);
	s->dp = dp_new(s->kernel ? fakedp_ops(s->kernel) : &dp_none_ops, NULL, &f->mute, evpn_dp_events(s->evpn));
	if (s->node) {
		b = sim_restart(s->node, &p);
	} else {
		s->node = simnet_engine(f->net, s->name.s, &p);
		b = sim_bgp(s->node);
	}
	bgp_family_register(b, &evpn_family, listener(s));
	if (f->p.rtc)
		bgp_family_register(b, &bgp_rtc_family, NULL);
	evpn_connect(s->evpn, b, s->dp);
	if (again)
		resume(f, s);
	s->up = true;
	s->local = false;
	s->started = now;
}

static void finish_start(struct fabric *f, unsigned i)
{
	peers_add(f, i);
	for (uint32_t v = 1; v <= f->p.vnis; v++)
		if (f->s[i].vnis[v])
			configure_vni(f, &f->s[i], v);
}

static void prepare(struct fabric *f, unsigned i)
{
	struct speaker *s = &f->s[i];

	s->address = ip_v4(0x0a000000u + i + 1);
	s->name = ip_str(&s->address);
	s->vnis = xcalloc(f->p.vnis + 1, sizeof(bool));
	s->absent = xcalloc(f->p.vnis + 1, sizeof(bool));
	s->evpn_params = (struct evpn_params){ .asn = AS, .router_id = 0x0a000000u + i + 1, .log = &f->mute };
	if (!is_vtep(f, i))
		return;
	s->evpn_params.vtep = s->address;
	if (!f->p.bare)
		s->kernel = fakedp_new();
	for (unsigned k = 0; k < f->p.vnis_each; k++)
		s->vnis[1 + (i + k * (f->p.vnis / f->p.vnis_each)) % f->p.vnis] = true;
}

struct fabric *fabric_new(const struct fabric_params *p)
{
	struct fabric *f = xcalloc(1, sizeof(*f));
	struct simnet_params np = { .seed = p->seed, .delay_min_us = p->delay_us / 10, .delay_max_us = p->delay_us };

	f->p = *p;
	if (!f->p.slice_us)
		f->p.slice_us = 5000;
	f->net = simnet_new(&np);
	log_init(&f->mute, LOG_ERROR);
	f->mute.sink = drop;
	f->n = fabric_first(f) + p->vteps;
	f->s = xcalloc(f->n, sizeof(*f->s));
	for (unsigned i = 0; i < f->n; i++) {
		prepare(f, i);
		start(f, i);
	}
	for (unsigned i = 0; i < f->n; i++)
		finish_start(f, i);
	return f;
}

void fabric_free(struct fabric *f)
{
	simnet_free(f->net);
	for (unsigned i = 0; i < f->n; i++) {
		if (f->s[i].up) {
			evpn_free(f->s[i].evpn);
			dp_free(f->s[i].dp, false);
		}
		if (f->s[i].kernel)
			fakedp_free(f->s[i].kernel);
		free(f->s[i].vnis);
		free(f->s[i].absent);
	}
	free(f->hosts);
	free(f->s);
	free(f);
}

void fabric_crash(struct fabric *f, unsigned i)
{
	struct speaker *s = &f->s[i];

	if (!s->up)
		return;
	sim_crash(s->node);
	evpn_free(s->evpn);
	dp_free(s->dp, false);
	s->up = false;
}

void fabric_stop(struct fabric *f, unsigned i)
{
	if (!f->s[i].up)
		return;
	bgp_shutdown(sim_bgp(f->s[i].node), true, BGP_CEASE_ADMIN_SHUTDOWN, NULL, simnet_now(f->net));
	simnet_run(f->net, 2 * f->p.delay_us); /* of its dataplane's turns there are no more */
	fabric_crash(f, i);
}

void fabric_restart(struct fabric *f, unsigned i)
{
	if (f->s[i].up)
		return;
	start(f, i);
	finish_start(f, i);
}

void fabric_vni(struct fabric *f, unsigned i, uint32_t vni, bool there)
{
	struct speaker *s = &f->s[i];

	if (s->vnis[vni] == there || !s->up)
		return;
	s->vnis[vni] = there;
	if (there)
		configure_vni(f, s, vni);
	else
		evpn_vni_del(s->evpn, vni);
}

void fabric_devices(struct fabric *f, unsigned i, uint32_t vni, bool there)
{
	struct speaker *s = &f->s[i];

	if (s->absent[vni] == !there)
		return;
	s->absent[vni] = !there;
	fakedp_devices(s->kernel, vni, there, NULL);
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

static void turn(struct fabric *f)
{
	struct mtime now = simnet_now(f->net);

	for (unsigned i = 0; i < f->n; i++) {
		if (!f->s[i].up)
			continue;
		evpn_run_timers(f->s[i].evpn, now);
		dp_set_now(f->s[i].dp, now);
		while (dp_flush(f->s[i].dp))
			;
		look_local(&f->s[i], now);
	}
}

void fabric_run(struct fabric *f, int64_t us)
{
	while (us > 0) {
		int64_t slice = us < f->p.slice_us ? us : f->p.slice_us;

		turn(f);
		simnet_run(f->net, slice);
		us -= slice;
	}
	turn(f);
}

static bool all_established(const struct fabric *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		struct bgp *b = f->s[i].up ? sim_bgp(f->s[i].node) : NULL;

		for (struct bgp_peer *p = NULL; b && (p = bgp_peer_next(b, p));) {
			struct bgp_peer_info info;

			bgp_peer_info(p, &info);
			if (info.state != BGP_ESTABLISHED || !info.eor_received || info.pending)
				return false;
		}
	}
	return true;
}

bool fabric_converge(struct fabric *f, int64_t us)
{
	for (; us > 0 && !all_established(f); us -= 20 * f->p.slice_us)
		fabric_run(f, 20 * f->p.slice_us);
	return all_established(f);
}

/* ---- hosts ------------------------------------------------------------------------------------------------------- */

unsigned fabric_host(struct fabric *f, uint32_t vni, int at)
{
	unsigned n = f->n_hosts;

	f->hosts = xrealloc(f->hosts, (n + 1) * sizeof(*f->hosts));
	f->hosts[n] = (struct host){ .vni = vni,
				     .mac = { { 2, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } },
				     .ip = ip_v4(0xac100000u + n),
				     .at = at };
	f->n_hosts++;
	return n;
}

/* The message is flooded: a kernel that has another MAC for the address by itself corrects that. */
static void garp_hear(struct fabric *f, const struct host *h)
{
	for (unsigned i = fabric_first(f); i < f->n; i++) {
		struct fakedp_row ip = fakedp_neigh(f->s[i].kernel, h->vni, &h->ip);

		if (ip.there && ip.hand == FAKEDP_KERNEL && !mac_eq(&ip.mac, &h->mac))
			fakedp_neigh_set(f->s[i].kernel, h->vni, &h->ip, &h->mac, FAKEDP_KERNEL, 0);
	}
}

void fabric_swap(struct fabric *f, unsigned a, unsigned b)
{
	struct ip ip = f->hosts[a].ip;

	if (f->hosts[a].vni != f->hosts[b].vni || f->hosts[a].at < 0 || f->hosts[b].at < 0)
		return;
	f->hosts[a].ip = f->hosts[b].ip;
	f->hosts[b].ip = ip;
}

void fabric_talk(struct fabric *f, unsigned n)
{
	const struct host *h = &f->hosts[n];
	struct fakedp *k = h->at < 0 ? NULL : f->s[h->at].kernel;
	struct fakedp_row mac, ip;

	if (!k || f->s[h->at].absent[h->vni])
		return;
	mac = fakedp_bridge(k, h->vni, &h->mac);
	if (!mac.there || (mac.ifindex != PORT && !(mac.flags & DP_STICKY)))
		fakedp_learn(k, h->vni, &h->mac, PORT, FAKEDP_KERNEL);
	ip = fakedp_neigh(k, h->vni, &h->ip);
	if (!ip.there) /* ours is NUD_NOARP: the kernel does not touch it */
		fakedp_neigh_set(k, h->vni, &h->ip, &h->mac, FAKEDP_KERNEL, 0);
	garp_hear(f, h);
}

/* What a kernel knows of the host by itself goes: the port goes down, or it has aged. */
static void age(struct fakedp *k, const struct host *h)
{
	if (fakedp_bridge(k, h->vni, &h->mac).ifindex == PORT)
		fakedp_forget(k, h->vni, &h->mac);
	if (fakedp_neigh(k, h->vni, &h->ip).hand == FAKEDP_KERNEL)
		fakedp_neigh_del(k, h->vni, &h->ip);
}

void fabric_move(struct fabric *f, unsigned n, int to, bool down)
{
	struct host *h = &f->hosts[n];

	if (down && h->at >= 0)
		age(f->s[h->at].kernel, h);
	h->at = to;
	for (unsigned i = fabric_first(f); to < 0 && i < f->n; i++)
		age(f->s[i].kernel, h);
}

static bool reachable(const struct fabric *f, const struct host *h)
{
	return h->at >= 0 && f->s[h->at].up && f->s[h->at].vnis[h->vni];
}

/* Old places forget a host that none of them is told of. Where another one has it they must learn from that. */
static void age_unreachable(struct fabric *f)
{
	for (unsigned n = 0; n < f->n_hosts; n++)
		for (unsigned i = fabric_first(f); i < f->n && !reachable(f, &f->hosts[n]); i++)
			if ((int)i != f->hosts[n].at)
				age(f->s[i].kernel, &f->hosts[n]);
}

void fabric_settle(struct fabric *f)
{
	age_unreachable(f);
	for (int round = 0; round < 4; round++) {
		for (unsigned n = 0; n < f->n_hosts; n++)
			fabric_talk(f, n);
		fabric_run(f, S / 2);
	}
}

/* ---- the model: where the hosts are is all it knows -------------------------------------------------------------- */

static bool host_good(struct fabric *f, unsigned i, unsigned n)
{
	const struct host *h = &f->hosts[n];
	const struct speaker *s = &f->s[i];
	struct ip to = fakedp_fdb(s->kernel, h->vni, &h->mac), want = ip_none();
	struct fakedp_row neigh = fakedp_neigh(s->kernel, h->vni, &h->ip);
	bool remote = reachable(f, h) && (unsigned)h->at != i;

	if (remote)
		want = f->s[h->at].address;
	if (!ip_eq(&to, &want)) {
		snprintf(f->verdict, sizeof(f->verdict), "%s: vni %u host %u: frames go to \"%s\", should go to \"%s\"",
			 s->name.s, h->vni, n, ip_str(&to).s, ip_str(&want).s);
		return false;
	}
	if (remote ? neigh.there && neigh.hand == FAKEDP_US && mac_eq(&neigh.mac, &h->mac) :
		     !neigh.there || neigh.hand != FAKEDP_US)
		return true;
	snprintf(f->verdict, sizeof(f->verdict), "%s: vni %u host %u: neighbour is%s there%s", s->name.s, h->vni, n,
		 neigh.there ? "" : " not", neigh.hand == FAKEDP_US ? ", ours" : "");
	return false;
}

/* Rows of ours in a VNI of a speaker: as many as the model has, so none is left over. */
static bool rows_good(struct fabric *f, unsigned i, uint32_t vni)
{
	const struct speaker *s = &f->s[i];
	unsigned want = 0, are;

	for (unsigned n = 0; n < f->n_hosts && s->vnis[vni]; n++)
		if (f->hosts[n].vni == vni && reachable(f, &f->hosts[n]) && (unsigned)f->hosts[n].at != i)
			want += 3;
	for (unsigned o = fabric_first(f); o < f->n && s->vnis[vni]; o++) {
		if (o == i || !f->s[o].up || !f->s[o].vnis[vni])
			continue;
		want++;
		if (!fakedp_flood(s->kernel, vni, &f->s[o].address).there) {
			snprintf(f->verdict, sizeof(f->verdict), "%s: vni %u: no flooding to %s", s->name.s, vni,
				 f->s[o].name.s);
			return false;
		}
	}
	are = fakedp_rows(s->kernel, vni, FAKEDP_US);
	if (are == want)
		return true;
	snprintf(f->verdict, sizeof(f->verdict), "%s: vni %u: %u rows, should be %u", s->name.s, vni, are, want);
	return false;
}

const char *fabric_check(struct fabric *f)
{
	for (unsigned i = fabric_first(f); i < f->n; i++) {
		if (!f->s[i].up)
			continue;
		for (unsigned n = 0; n < f->n_hosts; n++)
			if (f->s[i].vnis[f->hosts[n].vni] && !host_good(f, i, n))
				return f->verdict;
		for (uint32_t v = 1; v <= f->p.vnis; v++)
			if (!rows_good(f, i, v))
				return f->verdict;
		if (fakedp_trampled(f->s[i].kernel)) {
			snprintf(f->verdict, sizeof(f->verdict), "%s: wrote over another's row", f->s[i].name.s);
			return f->verdict;
		}
	}
	return NULL;
}

uint64_t fabric_changes(const struct fabric *f)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < f->n; i++)
		sum += f->s[i].changes;
	return sum;
}

const char *fabric_end(struct fabric *f)
{
	for (unsigned i = fabric_first(f); i < f->n; i++) {
		fabric_restart(f, i);
		for (uint32_t v = 1; v <= f->p.vnis; v++)
			fabric_vni(f, i, v, false);
	}
	fabric_run(f, 2 * S);
	for (unsigned i = 0; i < f->n; i++)
		for (struct bgp_peer *p = NULL; (p = bgp_peer_next(sim_bgp(f->s[i].node), p));)
			bgp_peer_down(p, NULL, simnet_now(f->net));
	fabric_run(f, 2 * S);
	for (unsigned i = 0; i < f->n; i++) {
		struct evpn_memory e;
		struct bgp_memory b;

		evpn_memory(f->s[i].evpn, &e);
		bgp_memory(sim_bgp(f->s[i].node), &b);
		if (!e.vnis && !e.macs && !e.ips && !b.paths && !b.keys && !b.sets && !on_octets(&f->s[i]) &&
		    !f->s[i].evpn->imports.slab.used && !f->s[i].evpn->vteps.slab.used)
			continue;
		snprintf(f->verdict, sizeof(f->verdict),
			 "%s: %llu VNIs, %llu MACs, %llu addresses, %llu keys, %llu sets, %u imports left",
			 f->s[i].name.s, (unsigned long long)e.vnis, (unsigned long long)e.macs,
			 (unsigned long long)e.ips, (unsigned long long)b.keys, (unsigned long long)b.sets,
			 f->s[i].evpn->imports.slab.used);
		return f->verdict;
	}
	return NULL;
}

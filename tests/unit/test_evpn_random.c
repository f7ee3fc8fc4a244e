/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The tables of evpn/ against a model: steps of peers, ports, the configuration and time from a seed, and after each
 * step rows, routes of ours and counts are what follows from all that is said. EVPN_RUNS seeds (200) of EVPN_STEPS
 * steps (250); EVPN_RUN=SEED plays the one run that a failure names.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/evpnmodel.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define QUESTIONS 64u

struct play {
	struct model m;
	struct world w;
	struct buf said;
	struct rng r;
	bool verbose;
	bool crowded; /* all peers use the RDs that they share */
	bool modes;   /* VNIs are not all of mode evpn */
	struct question {
		uint32_t vni, id;
		int mac, ip; /* one of them MODEL_NONE */
	} asked[QUESTIONS];
	unsigned n_asked;
};

static bool one_in(struct play *p, unsigned n)
{
	return !rng_below(&p->r, n);
}

static int any(struct play *p, int n)
{
	return (int)rng_below(&p->r, (uint32_t)n);
}

#define SAY(p, ...)                                                                                                    \
	do {                                                                                                           \
		if ((p)->verbose)                                                                                      \
			printf(__VA_ARGS__);                                                                           \
	} while (0)

static void look(struct play *p)
{
	world_pass(&p->w, 0); /* walks over MACs of segments */
	model_check(&p->m);
}

/* ---- VNIs -------------------------------------------------------------------------------------------------------- */

static const uint32_t vnis[MODEL_EVIS] = { 100, 200, 300 };

static void evi_reset(struct model_evi *v)
{
	for (int mac = 0; mac < MODEL_MACS; mac++) {
		v->port[mac] = 0;
		v->is_static[mac] = false;
		v->tunnel[mac] = MODEL_NONE;
		for (int ip = 0; ip < MODEL_IPS; ip++)
			v->fixed[mac][ip] = v->answer[mac][ip] = MODEL_NONE;
	}
	for (int ip = 0; ip < MODEL_IPS; ip++) {
		v->ip_at[ip] = MODEL_NONE;
		v->ip_static[ip] = v->ip_sent[ip] = false;
	}
}

static void mode_set(struct play *p, struct model_evi *v, struct config_vni *c)
{
	static const enum config_mode modes[] = { CONFIG_MODE_EVPN, CONFIG_MODE_STATIC_FLOOD, CONFIG_MODE_DYNAMIC_L3,
						  CONFIG_MODE_DYNAMIC_L3 };

	v->mode = p->modes ? (enum model_mode)any(p, 4) : MODEL_EVPN;
	v->hosts &= v->mode != MODEL_TUNNEL;
	c->mode = modes[v->mode];
	c->resolver = v->mode == MODEL_ASK ? CONFIG_RESOLVER_FILE : CONFIG_RESOLVER_RIB;
}

static void evi_add(struct play *p, int i)
{
	static const uint32_t rts[] = { 0, 7, 100, 200, 300 };
	struct model_evi *v = &p->m.evi[i];
	struct config_rt imports[3];
	struct config_vni c = world_config(vnis[i], imports);
	struct config_rt list[2] = { { .is_auto = true } };
	size_t n = 0;
	char text[32];

	*v = (struct model_evi){ .there = true, .vni = vnis[i], .import_rt = rts[any(p, 5)], .duplicates = one_in(p, 3),
				 .mac_limit = one_in(p, 3) ? 1 + rng_below(&p->r, 3) : 0, .hosts = one_in(p, 4) };
	evi_reset(v);
	v->shared_rd = i == 0 || (i == 1 && one_in(p, 2));
	v->tag = i == 1 || (i == 2 && one_in(p, 2)) ? 10 : 0;
	v->import_auto = !v->import_rt || one_in(p, 2);
	n = v->import_auto;
	if (v->import_rt) {
		snprintf(text, sizeof(text), "65000:%u", v->import_rt);
		list[n].is_auto = false;
		assert_true(evpn_rt_parse(text, list[n++].b));
	}
	c.imports = list;
	c.n_imports = n;
	c.ethernet_tag = v->tag;
	c.mac_limit = v->mac_limit;
	mode_set(p, v, &c);
	c.host_learning = v->hosts;
	if (v->duplicates)
		c.mobility = (struct config_mobility){ .moves = 3, .window = 20, .recovery = one_in(p, 2) ? 10 : 0 };
	if (i == 1 && v->shared_rd) {
		c.rd.is_auto = false;
		evpn_rd_auto(0xc0000209, 100, c.rd.b);
	}
	SAY(p, "vni %u: mode %d, tag %u, rd %s, import%s %u, limit %u, duplicates %d, hosts %d\n", v->vni, v->mode,
	    v->tag, v->shared_rd ? "shared" : "own", v->import_auto ? " auto" : "", v->import_rt, v->mac_limit,
	    v->duplicates, v->hosts);
	assert_int_equal(evpn_vni_add(p->w.e, &c, 4789, NULL), 0);
}

static void evi_del(struct play *p, int i)
{
	SAY(p, "vni %u: gone\n", vnis[i]);
	evpn_vni_del(p->w.e, vnis[i]);
	p->m.evi[i].there = false;
}

/* As a reload does it: what goes first, in one turn, then what comes. */
static void reload(struct play *p)
{
	bool add[MODEL_EVIS];

	evpn_vnis_begin(p->w.e);
	for (int i = 0; i < MODEL_EVIS; i++) {
		add[i] = one_in(p, 2);
		if (p->m.evi[i].there && (!add[i] || one_in(p, 2)))
			evi_del(p, i);
		add[i] &= !p->m.evi[i].there;
	}
	evpn_vnis_end(p->w.e);
	evpn_vnis_begin(p->w.e);
	for (int i = 0; i < MODEL_EVIS; i++)
		if (add[i])
			evi_add(p, i);
	evpn_vnis_end(p->w.e);
}

static void one_vni(struct play *p)
{
	int i = any(p, MODEL_EVIS);

	if (p->m.evi[i].there)
		evi_del(p, i);
	else
		evi_add(p, i);
}

/* ---- peers ------------------------------------------------------------------------------------------------------- */

static struct model_route random_route(struct play *p)
{
	static const uint32_t rts[] = { 100, 100, 200, 300, 7 };

	return (struct model_route){ .there = true,
				     .rt = rts[any(p, 5)],
				     .rt2 = one_in(p, 3) ? rts[any(p, 5)] : 0,
				     .label = one_in(p, 8) ? 555 : one_in(p, 2) ? 100 : 200 };
}

static void tell(struct play *p, struct route r, bool there)
{
	SAY(p, "peer %u: %s type %d rd %u tag %u mac %u ip %u%s rt %s %s seq %u label %u esi %u%s%s%s%s\n", r.vtep,
	    there ? "announces" : "withdraws",
	    r.ad    ? 1
	    : r.mac ? 2
		    : 3,
	    r.rd, r.tag, r.mac, r.ip, r.ip6 ? " ip6" : "", r.rt, r.rt2, r.seq, r.label, r.esi,
	    r.sticky ? " sticky" : "", r.gateway ? " gateway" : "", r.immutable ? " immutable" : "",
	    r.router       ? " router"
	    : r.not_router ? " not-router"
			   : "");
	if (there)
		world_announce(&p->w, r);
	else
		world_withdraw(&p->w, r);
	look(p);
}

static void tell_mac(struct play *p, int peer, int rd, int tag, int mac, int ip)
{
	const struct model_route *is = &p->m.mac[peer][rd][tag][mac][ip];
	struct route r = model_route(is, peer, rd, tag);

	r.mac = 1 + (unsigned)mac;
	r.ip = ip == MODEL_IPS - 1 ? 0 : (unsigned)ip;
	r.ip6 = ip == MODEL_IPS - 1 ? "fd00::1" : NULL;
	tell(p, r, is->there);
}

static int random_rd(struct play *p)
{
	return p->crowded ? 2 - one_in(p, 8) : any(p, MODEL_RDS);
}

static void mac_route(struct play *p, bool there)
{
	int peer = any(p, MODEL_PEERS), rd = random_rd(p), tag = any(p, MODEL_TAGS), mac = any(p, MODEL_MACS),
	    ip = any(p, MODEL_IPS);
	struct model_route *x = &p->m.mac[peer][rd][tag][mac][ip];

	if (!there && !x->there && !one_in(p, 10))
		return;
	*x = random_route(p);
	x->there = there;
	x->seq = rng_below(&p->r, 5);
	x->sticky = one_in(p, 8);
	x->gateway = one_in(p, 16);
	x->immutable = one_in(p, 8);
	x->router = one_in(p, 3);
	x->not_router = !x->router && one_in(p, 2);
	x->esi = one_in(p, 3) ? 1 + any(p, MODEL_ESIS) : 0;
	tell_mac(p, peer, rd, tag, mac, ip);
}

static void imet_route(struct play *p)
{
	int peer = any(p, MODEL_PEERS), rd = random_rd(p), tag = any(p, MODEL_TAGS);
	struct model_route *x = &p->m.imet[peer][rd][tag];
	bool there = !one_in(p, 3);

	*x = random_route(p);
	x->there = there;
	tell(p, model_route(x, peer, rd, tag), there);
}

static void tell_ad(struct play *p, const struct model_route *x, int peer, int rd, int tag, int esi, bool per_es)
{
	struct route r = model_route(x, peer, rd, tag);

	r.ad = per_es ? AD_ES : AD_EVI;
	r.esi = 1 + (unsigned)esi;
	tell(p, r, x->there);
}

static void ad_route(struct play *p)
{
	int peer = any(p, MODEL_PEERS), rd = random_rd(p), tag = any(p, MODEL_TAGS), esi = any(p, MODEL_ESIS);
	bool per_es = one_in(p, 2), there = !one_in(p, 3);
	struct model_route *x = per_es ? &p->m.per_es[peer][rd][esi] : &p->m.per_evi[peer][rd][tag][esi];

	*x = random_route(p);
	x->there = there;
	x->label = peer == 2 ? 555 : 100; /* a PE has one label for a broadcast domain */
	x->single_active = per_es && one_in(p, 6);
	tell_ad(p, x, peer, rd, tag, esi, per_es);
}

/* A session has ended. */
static void flush(struct play *p)
{
	int peer = any(p, MODEL_PEERS);

	for (int rd = 0; rd < MODEL_RDS; rd++) {
		for (int tag = 0; tag < MODEL_TAGS; tag++) {
			for (int mac = 0; mac < MODEL_MACS; mac++) {
				for (int ip = 0; ip < MODEL_IPS; ip++) {
					struct model_route *x = &p->m.mac[peer][rd][tag][mac][ip];

					if (!x->there)
						continue;
					x->there = false;
					tell_mac(p, peer, rd, tag, mac, ip);
				}
			}
			p->m.imet[peer][rd][tag].there = false;
			tell(p, model_route(&p->m.imet[peer][rd][tag], peer, rd, tag), false);
		}
		for (int esi = 0; esi < MODEL_ESIS; esi++) {
			p->m.per_es[peer][rd][esi].there = false;
			tell_ad(p, &p->m.per_es[peer][rd][esi], peer, rd, 0, esi, true);
			for (int tag = 0; tag < MODEL_TAGS; tag++) {
				p->m.per_evi[peer][rd][tag][esi].there = false;
				tell_ad(p, &p->m.per_evi[peer][rd][tag][esi], peer, rd, tag, esi, false);
			}
		}
	}
}

/* ---- ports and the configuration --------------------------------------------------------------------------------- */

static void learn(struct play *p, int i, int mac)
{
	struct model_evi *v = &p->m.evi[i];
	struct model_place was = model_place(&p->m, i, mac), is;
	unsigned ifindex = 7 + rng_below(&p->r, 2);
	bool is_static = one_in(p, 8);
	struct mac b = model_mac(mac);

	SAY(p, "vni %u: mac %d on port %u%s\n", v->vni, mac + 1, ifindex, is_static ? ", static" : "");
	v->port[mac] = (int)ifindex;
	v->is_static[mac] = is_static;
	p->w.port->local_mac(p->w.e, v->vni, &b, ifindex, is_static ? DP_LOCAL_STATIC : 0);
	is = model_place(&p->m, i, mac);
	if (was.here || was.frozen || is.frozen || is.limited)
		return;
	/* RFC 7432 15: whoever sees it has it, with a sequence above the one it has come from */
	assert_int_equal(is.here, is_static || !was.pinned);
	if (is.here)
		assert_int_equal(is.sequence, was.claimed ? was.sequence + 1 : 0);
}

static void leave(struct play *p, int i, int mac)
{
	struct mac b = model_mac(mac);

	SAY(p, "vni %u: mac %d leaves\n", vnis[i], mac + 1);
	p->m.evi[i].port[mac] = 0;
	p->m.evi[i].is_static[mac] = false;
	p->w.port->local_mac_gone(p->w.e, vnis[i], &b);
}

static void learn_ip(struct play *p, int i, int mac, int ip)
{
	struct model_evi *v = &p->m.evi[i];
	bool is_static = one_in(p, 8);
	struct mac b = model_mac(mac);
	struct ip address = model_ip(ip);

	SAY(p, "vni %u: ip %d at mac %d%s\n", v->vni, ip, mac + 1, is_static ? ", static" : "");
	if (is_static || !model_ip_refused(&p->m, i, mac, ip)) {
		v->ip_at[ip] = mac;
		v->ip_static[ip] = is_static;
		v->ip_sent[ip] = false;
	}
	p->w.port->local_ip(p->w.e, v->vni, &address, &b, is_static ? DP_LOCAL_STATIC : 0);
}

static void leave_ip(struct play *p, int i, int ip)
{
	struct ip address = model_ip(ip);

	SAY(p, "vni %u: ip %d leaves\n", vnis[i], ip);
	if (!p->m.evi[i].hosts)
		p->m.evi[i].ip_at[ip] = MODEL_NONE;
	p->w.port->local_ip_gone(p->w.e, vnis[i], &address);
}

static void fixed(struct play *p, int i, int mac, int ip)
{
	int *at = &p->m.evi[i].fixed[mac][ip], peer = any(p, MODEL_PEERS);
	struct config_host h = { .mac = model_mac(mac), .vtep = ip_v4(0xc0000200u + model_peer(peer)) };
	bool known = false;

	if (ip)
		h.ip = model_ip(ip);
	if (one_in(p, 2)) {
		SAY(p, "vni %u: mac %d ip %d configured behind %u\n", vnis[i], mac + 1, ip, model_peer(peer));
		*at = peer;
		assert_int_equal(evpn_host_add(p->w.e, vnis[i], &h), 0);
		return;
	}
	SAY(p, "vni %u: mac %d ip %d not configured\n", vnis[i], mac + 1, ip);
	for (int k = 0; k < MODEL_IPS; k++) {
		if (ip && k != ip)
			continue;
		known |= p->m.evi[i].fixed[mac][k] != MODEL_NONE;
		p->m.evi[i].fixed[mac][k] = MODEL_NONE;
	}
	assert_int_equal(evpn_host_del(p->w.e, vnis[i], &h.mac, &h.ip), known ? 0 : -ENOENT);
}

/* ---- what comes on demand, or out of the tunnel ------------------------------------------------------------------ */

static void on_ask(void *ctx, uint32_t vni, uint32_t id, const struct mac *mac, const struct ip *ip)
{
	struct play *p = ctx;
	struct question q = { vni, id, MODEL_NONE, MODEL_NONE };

	for (int i = 0; mac && i < MODEL_MACS; i++)
		if (mac->b[5] == model_mac(i).b[5])
			q.mac = i;
	for (int i = 1; ip && i < MODEL_IPS; i++) {
		struct ip b = model_ip(i);

		if (ip_eq(ip, &b))
			q.ip = i;
	}
	p->asked[p->n_asked++ % QUESTIONS] = q;
}

static void answer(struct play *p)
{
	struct question q = p->asked[rng_below(&p->r, QUESTIONS)];
	int peer = any(p, MODEL_PEERS), mac = q.mac == MODEL_NONE ? any(p, MODEL_MACS) : q.mac;
	struct config_host h = { .mac = model_mac(mac), .vtep = ip_v4(0xc0000200u + model_peer(peer)) };
	bool known = !one_in(p, 3);
	struct model_evi *v;

	if (!q.vni)
		return;
	if (q.ip != MODEL_NONE)
		h.ip = model_ip(q.ip);
	SAY(p, "vni %u: answer %u: mac %d ip %d behind %u%s\n", q.vni, q.id, mac + 1, q.ip, model_peer(peer),
	    known ? "" : " not known");
	if (evpn_resolved(p->w.e, q.vni, q.id, known ? &h : NULL) || !known)
		return;
	v = &p->m.evi[q.vni / 100 - 1];
	v->answer[mac][0] = peer;
	if (q.ip != MODEL_NONE)
		v->answer[mac][q.ip] = peer;
}

static void miss(struct play *p, int i, int mac, int ip)
{
	struct mac b = model_mac(mac);
	struct ip address = model_ip(ip);
	bool of_ip = one_in(p, 2);

	SAY(p, "vni %u: %s %d is missed\n", vnis[i], of_ip ? "ip" : "mac", of_ip ? ip : mac + 1);
	p->w.port->miss(p->w.e, vnis[i], of_ip ? NULL : &b, of_ip ? &address : NULL);
	if (p->m.evi[i].mode == MODEL_RIB)
		assert_true(model_is_in_use(&p->m, i, mac, of_ip ? ip : 0));
}

static void idle(struct play *p, int i, int mac)
{
	struct mac b = model_mac(mac);

	SAY(p, "vni %u: mac %d is not used\n", vnis[i], mac + 1);
	p->w.port->demand(p->w.e, vnis[i], &b, false);
	for (int ip = 0; ip < MODEL_IPS; ip++)
		p->m.evi[i].answer[mac][ip] = MODEL_NONE;
}

static void tunnel(struct play *p, int i, int mac)
{
	struct model_evi *v = &p->m.evi[i];
	struct mac b = model_mac(mac);
	int peer = any(p, MODEL_PEERS);
	struct ip vtep = ip_v4(0xc0000200u + model_peer(peer));

	if (v->tunnel[mac] != MODEL_NONE && one_in(p, 2)) {
		SAY(p, "vni %u: mac %d is not known behind the tunnel\n", vnis[i], mac + 1);
		v->tunnel[mac] = MODEL_NONE;
		p->w.port->tunnel_mac_gone(p->w.e, vnis[i], &b);
	} else if (!v->port[mac]) {
		SAY(p, "vni %u: mac %d is seen behind %u\n", vnis[i], mac + 1, model_peer(peer));
		v->tunnel[mac] = peer;
		p->w.port->tunnel_mac(p->w.e, vnis[i], &b, &vtep);
	}
}

static void in_other_modes(struct play *p)
{
	int i = any(p, MODEL_EVIS), mac = any(p, MODEL_MACS), ip = 1 + any(p, MODEL_IPS - 1);

	if (!p->m.evi[i].there || p->m.evi[i].mode == MODEL_EVPN)
		return;
	if (p->m.evi[i].mode == MODEL_TUNNEL)
		tunnel(p, i, mac);
	else if (one_in(p, 4))
		idle(p, i, mac);
	else if (one_in(p, 3))
		answer(p);
	else
		miss(p, i, mac, ip);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static void in_a_vni(struct play *p, unsigned what)
{
	int i = any(p, MODEL_EVIS), mac = any(p, MODEL_MACS), ip = 1 + any(p, MODEL_IPS - 1);
	struct mac b = model_mac(mac);

	if (!p->m.evi[i].there)
		return;
	if (what < 4)
		learn(p, i, mac);
	else if (what < 6)
		leave(p, i, mac);
	else if (what < 9)
		learn_ip(p, i, mac, ip);
	else if (what < 10)
		leave_ip(p, i, ip);
	else if (what < 11 && one_in(p, 2))
		fixed(p, i, mac, one_in(p, 2) ? 0 : ip);
	else if (what < 11)
		evpn_mac_clear(p->w.e, vnis[i], one_in(p, 2) ? &b : NULL);
}

static void step(struct play *p)
{
	unsigned what = rng_below(&p->r, p->modes ? 38 : 32);

	if (what < 9)
		mac_route(p, true);
	else if (what < 14)
		mac_route(p, false);
	else if (what < 15)
		imet_route(p);
	else if (what < 18)
		ad_route(p);
	else if (what < 29)
		in_a_vni(p, what - 18);
	else if (what < 30)
		world_pass(&p->w, rng_below(&p->r, 8));
	else if (what >= 32)
		in_other_modes(p);
	else if (one_in(p, 4))
		one_vni(p);
	else if (one_in(p, 4))
		reload(p);
	else if (one_in(p, 4))
		flush(p);
	look(p);
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

static struct {
	uint64_t seed;
	unsigned step;
} now; /* for whom it goes wrong */

static int say_run(void **state)
{
	if (now.seed)
		dprintf(STDERR_FILENO, "evpn: EVPN_RUN=%" PRIu64 " plays this run alone (step %u)\n", now.seed,
			now.step);
	return 0;
}

/* BUG(), and the sanitizers with abort_on_error=1 */
static void on_abort(int signal)
{
	say_run(NULL);
}

static void run(uint64_t seed, unsigned steps, bool verbose)
{
	struct play *p = xcalloc(1, sizeof(*p));

	now.seed = seed;
	p->r = (struct rng){ seed };
	p->m.w = &p->w;
	p->verbose = verbose;
	p->crowded = one_in(p, 2);
	p->modes = one_in(p, 2);
	world_start(&p->w);
	evpn_set_source(p->w.e, &(struct evpn_source){ .ask = on_ask, .ctx = p });
	buf_init(&p->said);
	recdp_listen(p->w.dp, &p->said);
	for (int i = 0; i < MODEL_EVIS; i++)
		evi_reset(&p->m.evi[i]);
	for (int i = 0; i < MODEL_EVIS; i++)
		evi_add(p, i);
	for (now.step = 0; now.step < steps; now.step++) {
		SAY(p, "-- %u\n", now.step);
		step(p);
		buf_reset(&p->said);
	}
	world_end(&p->w);
	buf_fini(&p->said);
	free(p);
	now.seed = 0;
}

static unsigned number(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void random_steps_leave_what_the_model_says(void **state)
{
	struct rng r = rng_start("evpn");
	const char *one = getenv("EVPN_RUN");
	unsigned runs = one ? 0 : number("EVPN_RUNS", 200), steps = number("EVPN_STEPS", 250);

	signal(SIGABRT, on_abort);
	if (one)
		run(strtoull(one, NULL, 10), steps, true);
	for (unsigned i = 0; i < runs; i++)
		run(rng_u64(&r) | 1, steps, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(random_steps_leave_what_the_model_says, say_run),
	};

	return RUN_TESTS(tests);
}

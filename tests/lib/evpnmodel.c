/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See evpnmodel.h. */
#include "tests/lib/evpnmodel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evpn/tables.h"
#include "tests/lib/test.h"

#define IP6 "fd00::1"
#define GROUPS 3u /* that everybody needs: broadcast, all nodes, all routers */

unsigned model_peer(int peer)
{
	static const unsigned vtep[MODEL_PEERS] = { 8, 10, 11 }; /* ours is 9 */

	return vtep[peer];
}

uint32_t model_tag(int tag)
{
	return 10u * (unsigned)tag;
}

struct mac model_mac(int mac)
{
	return world_mac(1 + (unsigned)mac);
}

struct ip model_ip(int ip)
{
	struct ip out = world_ip((unsigned)ip);

	if (ip == MODEL_IPS - 1)
		assert_true(ip_parse(IP6, &out));
	return out;
}

static const char *rt_text(uint32_t rt)
{
	return rt == 100   ? "65000:100"
	       : rt == 200 ? "65000:200"
	       : rt == 300 ? "65000:300"
	       : rt == 7   ? "65000:7"
			   : "none";
}

struct route model_route(const struct model_route *r, int peer, int rd, int tag)
{
	static const unsigned rds[MODEL_RDS] = { 0, 77, 9 };

	return (struct route){ .vtep = model_peer(peer),
			       .vni = 100,
			       .rd = rds[rd],
			       .tag = model_tag(tag),
			       .rt = rt_text(r->rt),
			       .rt2 = rt_text(r->rt2),
			       .seq = r->seq,
			       .label = r->label,
			       .sticky = r->sticky,
			       .gateway = r->gateway,
			       .router = r->router,
			       .not_router = r->not_router,
			       .immutable = r->immutable,
			       .single_active = r->single_active,
			       .esi = (unsigned)r->esi };
}

/* ---- what BGP and import make of it ------------------------------------------------------------------------------ */

struct claim {
	bool there;
	int peer;
	uint32_t seq, label;
	bool sticky, gateway, router, says_router, immutable;
	bool tunnel; /* learned from it: no row */
	int esi;
};

static bool imports(const struct model_evi *v, uint32_t rt)
{
	return rt && ((v->import_auto && rt == v->vni) || rt == v->import_rt);
}

static bool imported(const struct model_evi *v, const struct model_route *r)
{
	return imports(v, r->rt) || imports(v, r->rt2);
}

/* Steps of the family, then the lower peer. */
static bool better_path(const struct model_route *a, const struct model_route *b)
{
	if (a->gateway != b->gateway)
		return a->gateway;
	if (!a->gateway && a->sticky != b->sticky)
		return a->sticky;
	return !a->gateway && a->seq > b->seq;
}

/* Peers' routes of one key: those of an RD that is a peer's own are keys of their own. */
struct key {
	const struct model_route *of[MODEL_PEERS];
	const struct model_route *ours;
};

/* The peer whose path is the best, MODEL_NONE when it is ours or there is none. */
static int best_of(const struct key *k)
{
	const struct model_route *best = k->ours;
	int peer = MODEL_NONE;

	for (int p = 0; p < MODEL_PEERS; p++) {
		if (!k->of[p] || !k->of[p]->there || (best && !better_path(k->of[p], best)))
			continue;
		best = k->of[p];
		peer = p;
	}
	return peer;
}

static const struct mac_entry *entry(const struct model *m, const struct model_evi *v, int mac)
{
	struct mac b = model_mac(mac);
	uint32_t h = mac_find(m->w->e, evi_find(&m->w->e->evis, v->vni), &b);

	return h ? mac_get(m->w->e, h) : NULL;
}

static enum mac_state state_of(const struct model *m, const struct model_evi *v, int mac)
{
	const struct mac_entry *x = entry(m, v, mac);

	return x ? x->state : MAC_UNKNOWN;
}

static bool ip_is_duplicate(const struct model *m, const struct model_evi *v, int ip)
{
	struct ip b = model_ip(ip);
	struct moves_key k = moves_key_ip(evi_find(&m->w->e->evis, v->vni), &b);

	return moves_frozen(m->w->e, &k);
}

static bool has_bgp(const struct model_evi *v)
{
	return v->mode == MODEL_EVPN || v->mode == MODEL_RIB;
}

static bool on_demand(const struct model_evi *v)
{
	return v->mode == MODEL_RIB || v->mode == MODEL_ASK;
}

/* Is it to be advertised, were there anybody to advertise it to? */
static bool is_here(const struct model *m, const struct model_evi *v, int mac, int ip)
{
	return mac_is_here(state_of(m, v, mac)) && (!ip || (v->ip_at[ip] == mac && !ip_is_duplicate(m, v, ip)));
}

/* Have we advertised it? */
static bool is_ours(const struct model *m, const struct model_evi *v, int mac, int ip)
{
	return v->there && has_bgp(v) && is_here(m, v, mac, ip);
}

/* What we advertise under the RD of EVI 100 with that tag. */
static bool ours_of_key(const struct model *m, int tag, int mac, int ip, struct model_route *out)
{
	for (int i = 0; i < MODEL_EVIS; i++) {
		const struct model_evi *v = &m->evi[i];

		if (!v->shared_rd || v->tag != model_tag(tag) || !is_ours(m, v, mac, ip))
			continue;
		*out = (struct model_route){ .there = true, .sticky = v->is_static[mac] };
		out->seq = entry(m, v, mac)->sequence;
		return true;
	}
	return false;
}

static struct claim claim_of(const struct model_route *r, int peer)
{
	return (struct claim){ .there = true,
			       .peer = peer,
			       .seq = r->seq,
			       .label = r->label,
			       .sticky = r->sticky,
			       .gateway = r->gateway,
			       .router = r->router || !(r->not_router || r->immutable),
			       .says_router = r->router || r->gateway,
			       .immutable = r->immutable,
			       .esi = r->esi };
}

static bool better_claim(const struct claim *a, const struct claim *b)
{
	if (!b->there || a->gateway != b->gateway)
		return !b->there || a->gateway;
	if (!a->gateway && a->sticky != b->sticky)
		return a->sticky;
	if (!a->gateway && a->seq != b->seq)
		return a->seq > b->seq;
	if (a->peer != b->peer)
		return a->peer < b->peer;
	if (a->label != b->label)
		return a->label < b->label;
	if (a->esi != b->esi)
		return !a->esi || (b->esi && a->esi < b->esi);
	if (a->immutable != b->immutable)
		return a->immutable;
	if (a->router != b->router)
		return a->router;
	return a->says_router != b->says_router ? a->says_router : a->seq > b->seq;
}

/* The best that routes and the configuration say of a MAC with this address, 0: without one. */
static struct claim claim_with(const struct model *m, const struct model_evi *v, int mac, int ip)
{
	int tag = v->tag != 0;
	struct claim best = { 0 }, c;

	for (int rd = 0; rd < MODEL_RDS && has_bgp(v); rd++) {
		for (int one = 0; one < (rd ? 1 : MODEL_PEERS); one++) {
			struct key k = { { 0 } };
			struct model_route ours;
			int p;

			for (p = 0; p < MODEL_PEERS; p++)
				k.of[p] = rd || p == one ? &m->mac[p][rd][tag][mac][ip] : NULL;
			if (rd == 2 && ours_of_key(m, tag, mac, ip, &ours))
				k.ours = &ours;
			p = best_of(&k);
			if (p == MODEL_NONE || !imported(v, k.of[p]))
				continue;
			c = claim_of(k.of[p], p);
			if (better_claim(&c, &best))
				best = c;
		}
	}
	if (v->fixed[mac][ip] != MODEL_NONE) {
		c = (struct claim){ .there = true, .peer = v->fixed[mac][ip], .label = v->vni, .sticky = true };
		if (better_claim(&c, &best))
			best = c;
	}
	if (v->answer[mac][ip] != MODEL_NONE) {
		c = (struct claim){ .there = true, .peer = v->answer[mac][ip], .label = v->vni };
		if (better_claim(&c, &best))
			best = c;
	}
	if (!ip && v->tunnel[mac] != MODEL_NONE) {
		c = (struct claim){ .there = true, .peer = v->tunnel[mac], .router = true, .tunnel = true };
		if (better_claim(&c, &best))
			best = c;
	}
	return best;
}

static struct claim best_claim_of(const struct model *m, const struct model_evi *v, int mac)
{
	struct claim best = { 0 };

	for (int ip = 0; ip < MODEL_IPS; ip++) {
		struct claim c = claim_with(m, v, mac, ip);

		if (c.there && better_claim(&c, &best))
			best = c;
	}
	return best;
}

/* ---- Ethernet Segments ------------------------------------------------------------------------------------------- */

struct pe {
	bool per_es, per_evi;
	uint32_t label;
};

static int ad_best(const struct model *m, int rd, int one, int tag, int esi, bool per_es,
		   const struct model_route **out)
{
	struct key k = { { 0 } };
	int p;

	for (p = 0; p < MODEL_PEERS; p++)
		if (rd || p == one)
			k.of[p] = per_es ? &m->per_es[p][rd][esi] : &m->per_evi[p][rd][tag][esi];
	p = best_of(&k);
	*out = p == MODEL_NONE ? NULL : k.of[p];
	return p;
}

static void pes_fill(const struct model *m, const struct model_evi *v, int esi, struct pe pes[MODEL_PEERS],
		     bool *single)
{
	const struct model_route *r;

	memset(pes, 0, MODEL_PEERS * sizeof(*pes));
	*single = false;
	for (int rd = 0; rd < MODEL_RDS; rd++) {
		for (int one = 0; one < (rd ? 1 : MODEL_PEERS); one++) {
			int p = ad_best(m, rd, one, 0, esi, true, &r);

			if (r && imported(v, r)) {
				pes[p].per_es = true;
				*single |= r->single_active;
			}
			p = ad_best(m, rd, one, v->tag != 0, esi, false, &r);
			if (r && imported(v, r)) {
				pes[p].per_evi = true;
				pes[p].label = r->label;
			}
		}
	}
}

struct way { /* where frames go: to n VTEPs, 0: none; with one of them maybe another label */
	unsigned n;
	int peer[MODEL_PEERS];
	uint32_t label;
};

static struct way way_of_segment(const struct model *m, const struct model_evi *v, const struct claim *c)
{
	struct pe pes[MODEL_PEERS];
	bool single, by_evi = false, other_label = false;
	struct way to = { 0 };

	pes_fill(m, v, c->esi - 1, pes, &single);
	for (int p = 0; p < MODEL_PEERS; p++)
		by_evi |= pes[p].per_evi;
	for (int p = 0; p < MODEL_PEERS; p++)
		if (pes[p].per_es && (pes[p].per_evi || !by_evi))
			to.peer[to.n++] = p;
	if (single || !by_evi) { /* to the one that has advertised it, or the only other */
		bool there = pes[c->peer].per_es && (pes[c->peer].per_evi || !by_evi);

		to.n = there || to.n == 1;
		if (there) {
			to.peer[0] = c->peer;
			pes[c->peer].label = pes[c->peer].label ? pes[c->peer].label : c->label;
		}
	}
	for (unsigned i = 0; i < to.n; i++)
		other_label |= pes[to.peer[i]].label && pes[to.peer[i]].label != v->vni;
	if (other_label) {
		to.n = 1;
		to.label = pes[to.peer[0]].label;
	}
	if (!to.label)
		to.label = v->vni;
	return to;
}

static struct way way_of(const struct model *m, const struct model_evi *v, const struct claim *c)
{
	if (c->esi)
		return way_of_segment(m, v, c);
	return (struct way){ .n = 1, .peer = { c->peer }, .label = c->label };
}

/* ---- looks at MACs ----------------------------------------------------------------------------------------------- */

static struct ip vtep_of(int peer)
{
	return ip_v4(0xc0000200u + model_peer(peer));
}

/* A row of a set must name its members: recdp's text has them. */
static bool row_leads_to(const struct model *m, const struct dp_row *row, const struct way *to)
{
	struct ip vteps[DP_SET_MAX];
	unsigned n = 1;

	if (row->set)
		n = recdp_set(m->w->dp, row->set, vteps);
	else
		vteps[0] = row->vtep;
	for (unsigned i = 0; i < to->n && n == to->n; i++) {
		struct ip want = vtep_of(to->peer[i]);

		if (!ip_eq(&vteps[i], &want))
			return false;
	}
	return n == to->n;
}

static unsigned fdb_check(const struct model *m, const struct model_evi *v, int mac, const struct claim *c)
{
	struct mac b = model_mac(mac);
	struct dp_key key = dp_key_fdb(v->vni, &b);
	const struct dp_row *row = recdp_find(m->w->dp, &key);
	struct way to = { 0 };

	if (mac_is_there(state_of(m, v, mac)) && !c->tunnel && (!on_demand(v) || entry(m, v, mac)->flags & MAC_IN_USE))
		to = way_of(m, v, c);
	if (!to.n) {
		assert_null(row);
		return 0;
	}
	assert_non_null(row);
	assert_true(row_leads_to(m, row, &to));
	assert_int_equal(row->label_vni, to.label == v->vni ? 0 : to.label);
	assert_int_equal(!!(row->flags & DP_STICKY), c->sticky || c->gateway);
	assert_int_equal(!!(row->flags & DP_ON_DEMAND), on_demand(v));
	return 1;
}

/* Would the claim win over ours, were ours not static? */
static bool beats_ours(const struct claim *c, uint32_t sequence)
{
	return c->sticky || c->gateway || c->seq > sequence || (c->seq == sequence && model_peer(c->peer) < 9);
}

/* Does the state agree with what port and routes say? */
static void state_check(const struct model *m, const struct model_evi *v, int mac, const struct claim *c)
{
	const struct mac_entry *x = entry(m, v, mac);
	enum mac_state s = x ? x->state : MAC_UNKNOWN;

	assert_true(!mac_is_here(s) || v->port[mac]);
	assert_true(!c->there || s != MAC_UNKNOWN);
	switch (s) {
	case MAC_UNKNOWN:
		assert_int_equal(v->port[mac] != 0, x && x->flags & MAC_OVER);
		break;
	case MAC_REMOTE:
		assert_true(c->there);
		break;
	case MAC_LOCAL:
		assert_true(!c->there || !beats_ours(c, x->sequence));
		break;
	case MAC_HELD:
		assert_true(v->is_static[mac] && c->there && beats_ours(c, x->sequence));
		break;
	case MAC_BARRED:
		assert_true((v->port[mac] || x->flags & MAC_TOOK) && (c->sticky || c->gateway));
		break;
	case MAC_FROZEN_HERE:
	case MAC_FROZEN_THERE:
		assert_true(v->duplicates && c->there && !c->sticky && !c->gateway && !v->is_static[mac]);
	}
	if (mac_is_here(s))
		assert_int_equal(!!(x->flags & MAC_STATIC), v->is_static[mac]);
	if (x && x->flags & MAC_OVER)
		assert_true(v->mac_limit && v->port[mac] && !mac_is_here(s));
}

/* ---- looks at addresses ------------------------------------------------------------------------------------------ */

static const struct binding *binding(const struct model *m, const struct model_evi *v, int mac, int ip)
{
	struct ip want = model_ip(ip);
	const struct mac_entry *x = entry(m, v, mac);

	for (uint32_t h = x ? x->bindings : 0; h; h = binding_get(m->w->e, h)->next) {
		struct ip is = binding_ip(binding_get(m->w->e, h));

		if (ip_eq(&is, &want))
			return binding_get(m->w->e, h);
	}
	return NULL;
}

/* Rows on demand: not of this address, or it is asked for. Where hosts are learned from the tunnel there are none. */
static bool no_neigh(const struct model *m, const struct model_evi *v, int mac, int ip)
{
	return v->mode == MODEL_TUNNEL || (on_demand(v) && !(binding(m, v, mac, ip)->flags & BINDING_IN_USE));
}

/* The MAC whose routes make the neighbour row, unless a local binding is in the way; MODEL_NONE: there is none. */
static int winner(const struct model *m, const struct model_evi *v, int ip, struct claim *best)
{
	int won = MODEL_NONE;

	for (int mac = 0; mac < MODEL_MACS; mac++) {
		struct claim c = claim_with(m, v, mac, ip);
		bool better =
			won == MODEL_NONE || (c.immutable != best->immutable ? c.immutable : better_claim(&c, best));

		if (!c.there || !mac_is_there(state_of(m, v, mac)) || !better)
			continue;
		won = mac;
		*best = c;
	}
	return won;
}

/* What has become of the local binding of an address; the tables may give it up for a row only. */
static void local_check(const struct model *m, struct model_evi *v, int ip, int won, const struct claim *c)
{
	int mac = v->ip_at[ip];
	const struct binding *b = mac == MODEL_NONE ? NULL : binding(m, v, mac, ip);
	bool here = mac != MODEL_NONE && mac_is_here(state_of(m, v, mac));

	assert_true(!v->ip_lost[ip] || v->hosts || won != MODEL_NONE);
	if (!b)
		return;
	if (b->flags & BINDING_STALE)
		assert_false(here);
	else if (v->ip_sent[ip])
		assert_true(here);
	if (won != MODEL_NONE && !no_neigh(m, v, won, ip)) {
		assert_false(b->flags & BINDING_STALE);
		assert_true(won == mac || !c->immutable || v->ip_static[ip]);
	}
	assert_int_equal(!!(b->flags & BINDING_SENT), is_here(m, v, mac, ip));
	v->ip_sent[ip] = b->flags & (BINDING_SENT | BINDING_STALE);
}

static unsigned neigh_check(struct model *m, struct model_evi *v, int ip)
{
	struct ip b = model_ip(ip);
	struct dp_key key = dp_key_neigh(v->vni, &b);
	const struct dp_row *row = recdp_find(m->w->dp, &key);
	struct claim c = { 0 };
	struct mac want;
	int won = winner(m, v, ip, &c);

	local_check(m, v, ip, won, &c);
	if (won == MODEL_NONE || (v->ip_at[ip] != MODEL_NONE && v->ip_at[ip] != won) || no_neigh(m, v, won, ip)) {
		assert_null(row);
		return 0;
	}
	want = model_mac(won);
	assert_non_null(row);
	assert_true(mac_eq(&row->mac, &want));
	assert_int_equal(!!(row->flags & DP_ROUTER), b.len == 16 && c.router);
	return 1;
}

/* ---- looks at all the rest --------------------------------------------------------------------------------------- */

static const struct dp_row *flood_row(const struct model *m, const struct model_evi *v, const struct ip *vtep)
{
	static const struct mac broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct dp_key key = on_demand(v) ? dp_key_group(v->vni, &broadcast, vtep) : dp_key_flood(v->vni, vtep);

	return recdp_find(m->w->dp, &key);
}

static unsigned flood_check(const struct model *m, const struct model_evi *v)
{
	unsigned rows = 0;

	for (int p = 0; p < MODEL_PEERS; p++) {
		struct ip vtep = vtep_of(p);
		const struct dp_row *row = flood_row(m, v, &vtep);
		uint32_t label = 0;

		for (int rd = 0; rd < MODEL_RDS && has_bgp(v); rd++) {
			const struct model_route *r = &m->imet[p][rd][v->tag != 0];

			if (r->there && imported(v, r) && (!label || r->label < label))
				label = r->label;
		}
		if (!label) {
			assert_null(row);
			continue;
		}
		assert_non_null(row);
		assert_int_equal(row->label_vni, label == v->vni ? 0 : label);
		rows += on_demand(v) ? GROUPS : 1;
	}
	return rows;
}

static void counts_check(const struct model *m, const struct model_evi *v)
{
	struct evpn_vni_info info;
	unsigned here = 0, there = 0, ips_here = 0, ips_there = 0, learned = 0, over = 0, in_use = 0;

	for (int mac = 0; mac < MODEL_MACS; mac++) {
		const struct mac_entry *x = entry(m, v, mac);
		enum mac_state s = x ? x->state : MAC_UNKNOWN;

		here += mac_is_here(s);
		there += mac_is_there(s);
		learned += mac_is_here(s) && !v->is_static[mac];
		over += x && x->flags & MAC_OVER;
		in_use += x && x->flags & MAC_IN_USE;
		for (int ip = 1; ip < MODEL_IPS; ip++) {
			ips_here += v->ip_at[ip] == mac;
			ips_there += v->ip_at[ip] != mac && claim_with(m, v, mac, ip).there;
		}
	}
	assert_true(evpn_vni_find(m->w->e, v->vni, &info));
	assert_int_equal(info.local_macs, here);
	assert_int_equal(info.remote_macs, there);
	assert_int_equal(info.local_ips, ips_here);
	assert_int_equal(info.remote_ips, ips_there);
	assert_int_equal(info.mac_limit.learned, learned);
	assert_int_equal(info.mac_limit.over, over);
	assert_int_equal(evi_find(&m->w->e->evis, v->vni)->in_use, in_use);
	assert_true(!v->mac_limit || learned <= v->mac_limit);
}

static void ours_line(const struct model *m, const struct model_evi *v, int mac, int ip, char *out, size_t size)
{
	struct mac b = model_mac(mac);
	struct ip address = model_ip(ip);
	const struct mac_entry *x = entry(m, v, mac);
	char seq[24] = "", tag[24] = "";

	if (x->sequence)
		snprintf(seq, sizeof(seq), " seq %u", x->sequence);
	if (v->tag)
		snprintf(tag, sizeof(tag), " tag %u", v->tag);
	snprintf(out, size, "%u mac %s%s%s%s%s%s%s\n", v->vni, mac_str(&b).s, ip ? " " : "",
		 ip ? ip_str(&address).s : "", seq, v->is_static[mac] ? " sticky" : "",
		 ip && v->ip_static[ip] ? " immutable" : "", tag);
}

static int line_cmp(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void ours_check(const struct model *m)
{
	char lines[MODEL_EVIS * (1 + MODEL_MACS * MODEL_IPS)][160], text[sizeof(lines)] = "";
	size_t n = 0, len = 0;

	for (int i = 0; i < MODEL_EVIS; i++) {
		const struct model_evi *v = &m->evi[i];

		if (!v->there || !has_bgp(v))
			continue;
		snprintf(lines[n++], sizeof(lines[0]), v->tag ? "%u imet 192.0.2.9 tag %u\n" : "%u imet 192.0.2.9\n",
			 v->vni, v->tag);
		for (int mac = 0; mac < MODEL_MACS; mac++)
			for (int ip = 0; ip < MODEL_IPS; ip++)
				if (is_ours(m, v, mac, ip))
					ours_line(m, v, mac, ip, lines[n++], sizeof(lines[0]));
	}
	qsort(lines, n, sizeof(lines[0]), line_cmp);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", lines[i]);
	world_ours(m->w, text);
}

struct model_place model_place(const struct model *m, int evi, int mac)
{
	const struct model_evi *v = &m->evi[evi];
	const struct mac_entry *x = entry(m, v, mac);
	struct claim c = best_claim_of(m, v, mac);

	return (struct model_place){ .here = x && mac_is_here(x->state),
				     .frozen = x && mac_is_frozen(x->state),
				     .limited = x && x->flags & MAC_OVER,
				     .claimed = c.there,
				     .pinned = c.sticky || c.gateway,
				     .sequence = mac_is_here(x ? x->state : MAC_UNKNOWN) ? x->sequence : c.seq };
}

bool model_is_in_use(const struct model *m, int evi, int mac, int ip)
{
	const struct model_evi *v = &m->evi[evi];
	struct claim c = best_claim_of(m, v, mac);
	int won;

	if (!ip)
		return !mac_is_there(state_of(m, v, mac)) || entry(m, v, mac)->flags & MAC_IN_USE ||
		       !way_of(m, v, &c).n;
	c = (struct claim){ 0 };
	won = winner(m, v, ip, &c);
	return won == MODEL_NONE || v->ip_at[ip] != MODEL_NONE || !no_neigh(m, v, won, ip);
}

bool model_ip_refused(const struct model *m, int evi, int mac, int ip)
{
	struct claim c = { 0 };
	int won = winner(m, &m->evi[evi], ip, &c);

	return won != MODEL_NONE && won != mac && c.immutable;
}

/* A port no longer shows a MAC that a row has taken from it, and an address whose row is another's is not local. */
static void take_in(const struct model *m, struct model_evi *v)
{
	for (int mac = 0; mac < MODEL_MACS; mac++) {
		const struct mac_entry *x = entry(m, v, mac);

		if (!x || !mac_is_there(x->state) || (x->state != MAC_REMOTE && !(x->flags & MAC_TOOK)) ||
		    x->flags & MAC_OVER)
			continue;
		v->port[mac] = 0;
		v->is_static[mac] = false;
	}
	for (int ip = 1; ip < MODEL_IPS; ip++) {
		const struct binding *b = v->ip_at[ip] == MODEL_NONE ? NULL : binding(m, v, v->ip_at[ip], ip);

		v->ip_lost[ip] = v->ip_at[ip] != MODEL_NONE && (!b || !(b->flags & BINDING_LOCAL));
		if (!v->ip_lost[ip])
			continue;
		v->ip_at[ip] = MODEL_NONE;
		v->ip_sent[ip] = false;
	}
}

void model_check(struct model *m)
{
	unsigned rows = 0;

	for (int i = 0; i < MODEL_EVIS; i++)
		if (m->evi[i].there)
			take_in(m, &m->evi[i]);
	for (int i = 0; i < MODEL_EVIS; i++) {
		struct model_evi *v = &m->evi[i];

		if (!v->there)
			continue;
		for (int mac = 0; mac < MODEL_MACS; mac++) {
			struct claim c = best_claim_of(m, v, mac);

			state_check(m, v, mac, &c);
			rows += fdb_check(m, v, mac, &c);
		}
		for (int ip = 1; ip < MODEL_IPS; ip++)
			rows += neigh_check(m, v, ip);
		rows += flood_check(m, v);
		counts_check(m, v);
	}
	assert_int_equal(recdp_rows(m->w->dp), rows);
	ours_check(m);
}

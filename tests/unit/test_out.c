/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Table and outbound groups against an obvious model: random announcements and withdrawals from several
 * peers, pulled at random by the same peers, some of which stall, lose their session or ask for everything
 * again. In some runs most of them say which route targets they want, and change their mind. What they are
 * sent is decoded; whenever the engine is quiet each of them must hold exactly what the model says.
 */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "bgp/attr.h"
#include "bgp/out_filter.h"
#include "bgp/rtc.h"
#include "bgp/rib.h"
#include "tests/lib/outbound.h"
#include "tests/lib/rng.h"
#include "tests/lib/testfamily.h"

#define N_PEERS 13 /* and index 0: routes of our own */
#define N_KEYS 60
#define N_SETS 14
#define N_FAMILIES 2
#define N_ASKS 8
#define SET_WITHOUT_RT 12
#define OUR_AS 65000
#define OUR_ID 0x0a000001
#define NONE (-1)
#define ANY_ORIGINATOR 1u /* not reflected: whether one goes along is the encoder's business */

static const struct bgp_family *const families[N_FAMILIES] = { &test_family, &test_family2 };

struct peer_kind {
	bool ebgp, client, second_family;
	uint32_t asn;
	uint16_t max_message;
};

static const struct peer_kind kinds[N_PEERS] = {
	{ 0 },
	{ .client = true, .second_family = true, .asn = OUR_AS, .max_message = 4096 },
	{ .client = true, .asn = OUR_AS, .max_message = 4096 },
	{ .client = true, .asn = OUR_AS, .max_message = 4096 },
	{ .second_family = true, .asn = OUR_AS, .max_message = 4096 },
	{ .asn = OUR_AS, .max_message = 4096 },
	{ .ebgp = true, .asn = 65010, .max_message = 4096 },
	{ .ebgp = true, .asn = 65020, .second_family = true, .max_message = 4096 },
	{ .client = true, .asn = OUR_AS, .max_message = 65535 },
	/* Messages that are soon full. */
	{ .client = true, .asn = OUR_AS, .max_message = 256 },
	{ .client = true, .asn = OUR_AS, .max_message = 256 },
	{ .client = true, .second_family = true, .asn = OUR_AS, .max_message = 256 },
	{ .client = true, .asn = OUR_AS, .max_message = 256 },
};

struct held {
	int set;
	uint32_t originator;
};

struct world;

struct sink {
	struct world *w;
	struct rib_peer peer;
	bool up, woken;
	unsigned eor[N_FAMILIES];
	struct held held[N_FAMILIES][N_KEYS];
	bool fresh[N_FAMILIES][N_KEYS]; /* announced since it asked for everything again, or all was marked */
	bool marked[N_FAMILIES][N_KEYS]; /* as announced (RFC 8326) */
	bool asks[N_ASKS];
};

struct model_path {
	int set; /* NONE: no path */
	bool rejected;
};

struct world {
	struct rng rng;
	struct rib *rib;
	struct attrset_table *sets;
	struct sink sinks[N_PEERS];
	bool work;
	bool filtered; /* most peers say what they want */
	bool few; /* routes of two sources and two sets, so that many go with each other */
	uint64_t repeats; /* the most that a group has counted */
	struct model_path paths[N_FAMILIES][N_KEYS][N_PEERS];
	struct bgp_route_ref told[N_FAMILIES][N_KEYS]; /* the listener's view; key and attrs are not kept */
	uint8_t keys[N_KEYS][BGP_KEY_MAX];
	uint8_t key_lens[N_KEYS];
	struct bgp_listener listeners[N_FAMILIES];
};

/* ---- attribute sets: set i is told by its first community ---- */

static uint8_t big_value[5000];

static struct bgp_attrs make_attrs(int i, uint8_t *scratch)
{
	struct bgp_attrs a = { .origin = BGP_ORIGIN_IGP };
	struct wbuf w = wb_init(scratch, 256);

	wb_u32(&w, 0x10000u + (uint32_t)i);
	if (i == 10)
		wb_u32(&w, 0xffffff01); /* NO_EXPORT */
	if (i == 11)
		wb_u32(&w, 0xffffff02); /* NO_ADVERTISE */
	a.communities = scratch;
	a.communities_len = (uint16_t)wb_len(&w);
	a.next_hop = ip_v4(0xc0000200u + (uint32_t)i);
	if (i % 3 == 0)
		a.next_hop = ip_from_bytes("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	if (i % 4 == 1) {
		a.has_local_pref = true;
		a.local_pref = 90 + 5 * (uint32_t)i;
	}
	if (i % 5 == 2) {
		a.has_originator_id = true;
		a.originator_id = 0xac100000u + (uint32_t)i;
	}
	if (i == 7 || i == 8) { /* AS_SEQUENCE of one AS: not for the eBGP peer of that AS */
		uint8_t *path = w.p;

		wb_u8(&w, 2);
		wb_u8(&w, 1);
		wb_u32(&w, i == 7 ? 65010 : 65020);
		a.as_path = path;
		a.as_path_len = 6;
		a.as_path_hops = 1;
		a.neighbor_as = i == 7 ? 65010 : 65020;
	}
	if (i % 2) {
		a.shared = w.p;
		a.shared_len = 3;
		wb_u8(&w, (uint8_t)(i / 4));
		wb_u16(&w, (uint16_t)i);
	}
	if (i == 13) { /* one attribute of 4,990 octets: fits into extended messages only */
		static const uint8_t head[] = { 0xd0, 200, 19, 0x7e };

		memcpy(big_value, head, sizeof(head));
		a.others = big_value;
		a.others_len = 4 + 4990;
	}
	return a;
}

/* ---- route targets: set i has 65000:(i % 5), every third the next one, too; one set has none ---- */

static size_t make_rts(int set, uint8_t rts[2][8])
{
	for (int n = 0; n < 2; n++)
		memcpy(rts[n], (uint8_t[8]){ 0, 2, 0xfd, 0xe8, 0, 0, 0, (uint8_t)((set + n) % 5) }, 8);
	return set == SET_WITHOUT_RT ? 0 : set % 3 ? 1 : 2;
}

/* 0 to 4: a route target; 5: one cut by two bits; 6: all; 7: 65000:1 once more, from another AS. */
static void make_ask(int ask, struct bgp_nlri *n)
{
	uint8_t rts[2][8];

	make_rts(ask < 5 ? ask : 1, rts);
	rtc_nlri(ask == 7 ? 65001 : 65000, rts[0], n);
	if (ask == 6)
		rtc_nlri_all(n);
	if (ask == 5) {
		n->key[0] = 94;
		n->key[12] = 0;
	}
}

static bool model_asks(const struct sink *s, int set)
{
	uint8_t rts[2][8];
	size_t n = make_rts(set, rts);

	if (!n || s->asks[6])
		return true;
	for (size_t i = 0; i < n; i++) {
		uint8_t rt = rts[i][7];

		if (s->asks[rt] || (s->asks[5] && rt < 4) || (s->asks[7] && rt == 1))
			return true;
	}
	return false;
}

/* ---- what the model says ---- */

static struct rib_peer *peer_at(struct world *w, int i)
{
	return i ? &w->sinks[i].peer : NULL;
}

static bool model_may_carry(int set, const struct peer_kind *to, const struct peer_kind *from)
{
	if (set == 11 || (set == 10 && to->ebgp))
		return false;
	if ((set == 7 && to->asn == 65010) || (set == 8 && to->asn == 65020))
		return false;
	if (set == 13 && to->max_message < 65535)
		return false;
	if (to->ebgp || !from || from->ebgp)
		return true;
	return to->client || from->client;
}

/* The source of the best path, NONE without one. */
static int model_best(struct world *w, int f, int k)
{
	struct decide_path paths[N_PEERS];
	struct bgp_attrs attrs[N_PEERS];
	uint8_t scratch[N_PEERS][256];
	int from[N_PEERS];
	size_t n = 0;

	for (int p = 0; p < N_PEERS; p++) {
		if (w->paths[f][k][p].set == NONE || w->paths[f][k][p].rejected)
			continue;
		attrs[n] = make_attrs(w->paths[f][k][p].set, scratch[n]);
		paths[n] = (struct decide_path){ &attrs[n], peer_at(w, p) };
		from[n++] = p;
	}
	return n ? from[decide_best(families[f], w->keys[k], w->key_lens[k], paths, n)] : NONE;
}

static bool is_attached(const struct sink *s, int f)
{
	return s->up && (f == 0 || kinds[s - s->w->sinks].second_family);
}

static bool is_filtered(const struct world *w, int i)
{
	return w->filtered && i % 6 != 5;
}

static uint16_t max_message(const struct world *w, int i)
{
	return w->filtered && kinds[i].max_message < 4096 ? 4096 : kinds[i].max_message;
}

static struct held model_held(struct world *w, int i, int f, int k)
{
	const struct held none = { NONE, 0 };
	int best = model_best(w, f, k);
	struct bgp_attrs a;
	uint8_t scratch[256];
	int set;

	if (best == NONE || best == i || !is_attached(&w->sinks[i], f))
		return none;
	set = w->paths[f][k][best].set;
	if (!model_may_carry(set, &kinds[i], best ? &kinds[best] : NULL))
		return none;
	if (is_filtered(w, i) && !model_asks(&w->sinks[i], set))
		return none;
	a = make_attrs(set, scratch);
	if (best && !kinds[best].ebgp && !kinds[i].ebgp)
		return (struct held){ set, a.has_originator_id ? a.originator_id : w->sinks[best].peer.router_id };
	return (struct held){ set, a.has_originator_id ? ANY_ORIGINATOR : 0 };
}

/* ---- the peers' side: UPDATEs are read and kept ---- */

static int read_key(struct world *w, int f, struct upd *u, struct bgp_nlri *n)
{
	int k;

	assert_int_equal(families[f]->decode(&u->nlri, u->unreach, n), BGP_NLRI_OK);
	k = n->key[0];
	assert_true(k < N_KEYS);
	assert_int_equal(n->key_len, w->key_lens[k]);
	assert_memory_equal(n->key, w->keys[k], n->key_len);
	return k;
}

static void apply_update(void *ctx, struct upd *u)
{
	struct sink *s = ctx;
	struct world *w = s->w;
	const struct peer_kind *kind = &kinds[s - w->sinks];
	int f = u->safi == families[1]->safi, set = (int)u->community - 0x10000;
	uint8_t scratch[256];
	struct bgp_nlri n;
	struct bgp_attrs a;

	assert_int_equal(u->afi, families[f]->afi);
	assert_true(u->len <= max_message(w, (int)(s - w->sinks)));
	s->eor[f] += u->end_of_rib;
	while (u->unreach && rb_left(&u->nlri))
		s->held[f][read_key(w, f, u, &n)] = (struct held){ NONE, 0 };
	if (u->unreach)
		return;
	a = make_attrs(set, scratch);
	assert_true(ip_eq(&a.next_hop, &u->next_hop));
	assert_int_equal(u->has_local_pref, !kind->ebgp);
	while (rb_left(&u->nlri)) {
		int k = read_key(w, f, u, &n);

		assert_int_equal(n.shared_len, a.shared_len);
		assert_memory_equal(n.shared, a.shared_len ? a.shared : n.shared, n.shared_len);
		s->held[f][k] = (struct held){ set, u->originator };
		s->fresh[f][k] = true;
		s->marked[f][k] = u->drained;
		assert_int_equal(u->drained, w->rib->drained);
	}
}

static void pull(struct world *w, struct sink *s, size_t cap)
{
	if (!outbound_pull(w->rib, &s->peer, cap, apply_update, s))
		s->woken = false;
}

/* ---- quiet points ---- */

static void check_groups(struct world *w)
{
	uint64_t repeats = outbound_check_lists(w->rib);

	w->repeats = repeats > w->repeats ? repeats : w->repeats;
}

static void check_sink(struct world *w, int i)
{
	struct sink *s = &w->sinks[i];
	uint32_t held = 0;

	for (int f = 0; f < N_FAMILIES; f++) {
		for (int k = 0; k < N_KEYS; k++) {
			struct held want = model_held(w, i, f, k);

			if (want.set != s->held[f][k].set ||
			    (want.originator != ANY_ORIGINATOR && want.originator != s->held[f][k].originator))
				fail_msg("peer %d family %d key %d: holds set %d from %x, should hold %d from %x", i, f,
					 k, s->held[f][k].set, s->held[f][k].originator, want.set, want.originator);
			held += want.set != NONE;
			assert_true(want.set == NONE || (s->fresh[f][k] && s->marked[f][k] == w->rib->drained));
		}
		assert_int_equal(s->eor[f], is_attached(s, f));
	}
	assert_false(outbound_pending(&s->peer));
	assert_int_equal(outbound_info(w->rib, &s->peer).pending, 0);
	/* It may have refused one that is too large. */
	assert_true(outbound_info(w->rib, &s->peer).prefixes_sent >= held);
	assert_int_equal(s->peer.eor_sent, s->up);
}

static void check_table(struct world *w)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	unsigned paths = 0, want = 0, best = 0, want_best = 0, rejected = 0, want_rejected = 0;

	while (rib_next(w->rib, &c, &p)) {
		int f = p.family == families[1], k = p.key[0];

		if (p.family == &bgp_rtc_family)
			continue;
		paths++;
		best += p.best;
		rejected += p.reject != BGP_ELIGIBLE;
		for (int i = 1; i < N_PEERS; i++) {
			bool has = p.best && model_held(w, i, f, k).set != NONE;

			/* A set too large for the peer is refused at the last moment, which is not kept. */
			if (rib_advertised_to(w->rib, &p, &w->sinks[i].peer) != has)
				assert_true(rb_init(p.attrs->communities, 4).p[3] == 13);
		}
	}
	for (int f = 0; f < N_FAMILIES; f++) {
		for (int k = 0; k < N_KEYS; k++) {
			int b = model_best(w, f, k);

			for (int i = 0; i < N_PEERS; i++) {
				want += w->paths[f][k][i].set != NONE;
				want_rejected += w->paths[f][k][i].set != NONE && w->paths[f][k][i].rejected;
			}
			want_best += b != NONE;
			assert_int_equal(w->told[f][k].set != 0, b != NONE);
			if (b != NONE)
				assert_ptr_equal(w->told[f][k].peer, b ? (void *)&w->sinks[b] : NULL);
		}
	}
	assert_int_equal(paths, want);
	assert_int_equal(best, want_best);
	assert_int_equal(rejected, want_rejected);
}

static void quiet(struct world *w)
{
	check_groups(w);
	for (bool more = true; more;) {
		more = false;
		if (w->work)
			more = w->work = rib_work(w->rib, (struct mtime){ 0 });
		for (int i = 1; i < N_PEERS; i++) {
			while (w->sinks[i].up && w->sinks[i].woken) {
				pull(w, &w->sinks[i], 65536);
				more = true;
			}
		}
		check_groups(w);
	}
	for (int i = 1; i < N_PEERS; i++)
		check_sink(w, i);
	check_table(w);
	assert_int_equal(w->rib->tombs, 0);
}

/* ---- what happens ---- */

static void want_write(void *ctx, struct rib_peer *p)
{
	container_of(p, struct sink, peer)->woken = true;
}

static void want_work(void *ctx)
{
	((struct world *)ctx)->work = true;
}

/* The listener keeps what it was told last and compares it with what it is told was. */
static void best_changed(void *ctx, const struct bgp_route_ref *old, const struct bgp_route_ref *new_)
{
	struct bgp_route_ref *told = ctx;
	const struct bgp_route_ref *ref = old ? old : new_;

	told += ref->key[0];
	assert_true(old || new_);
	assert_int_equal(told->set, old ? old->set : 0);
	assert_ptr_equal(told->peer, old ? old->peer : NULL);
	*told = new_ ? *new_ : (struct bgp_route_ref){ 0 };
}

static void announce(struct world *w, int p, int f, int k, int set, bool reject)
{
	uint8_t scratch[256];
	struct bgp_attrs a = make_attrs(set, scratch);
	uint8_t rts[2][8];

	if (w->filtered) {
		a.ext_communities_len = (uint16_t)(8 * make_rts(set, rts));
		a.ext_communities = a.ext_communities_len ? rts[0] : NULL;
	}
	rib_announce(w->rib, families[f], peer_at(w, p), w->keys[k], w->key_lens[k], 0, attrset_intern(w->sets, &a),
		     reject ? BGP_REJECT_AS_LOOP : BGP_ELIGIBLE, (struct mtime){ 0 });
	w->paths[f][k][p] = (struct model_path){ set, reject };
}

static void withdraw(struct world *w, int p, int f, int k)
{
	bool had = rib_withdraw(w->rib, families[f], peer_at(w, p), w->keys[k], w->key_lens[k], 0, (struct mtime){ 0 });

	assert_int_equal(had, w->paths[f][k][p].set != NONE);
	w->paths[f][k][p].set = NONE;
}

static void ask(struct world *w, int i, int what, bool on)
{
	struct bgp_attrs a = { .origin = BGP_ORIGIN_IGP, .next_hop = ip_v4(0xc0000201) };
	struct sink *s = &w->sinks[i];
	struct bgp_nlri n;

	make_ask(what, &n);
	if (on)
		rib_announce(w->rib, &bgp_rtc_family, &s->peer, n.key, n.key_len, 0, attrset_intern(w->sets, &a),
			     BGP_ELIGIBLE, (struct mtime){ 0 });
	else
		rib_withdraw(w->rib, &bgp_rtc_family, &s->peer, n.key, n.key_len, 0, (struct mtime){ 0 });
	s->asks[what] = on;
}

/* Many ask for the same at first. */
static void ask_first(struct world *w, int i)
{
	int n = (int)rng_below(&w->rng, 4);

	if (!w->filtered)
		return;
	for (int a = 0; a < 2 && n; a++)
		ask(w, i, (n + a) % N_ASKS, true);
}

static void go_up(struct world *w, int i)
{
	struct sink *s = &w->sinks[i];

	for (int f = 0; f < N_FAMILIES; f++) {
		s->eor[f] = 0;
		for (int k = 0; k < N_KEYS; k++) {
			s->held[f][k] = (struct held){ NONE, 0 };
			s->fresh[f][k] = false;
		}
	}
	rib_peer_up(w->rib, &s->peer);
	s->up = true;
	ask_first(w, i);
	for (int f = 0; f < N_FAMILIES; f++) {
		struct out_policy policy = { 0 };

		policy.ebgp = kinds[i].ebgp;
		policy.rr_client = kinds[i].client;
		policy.as4 = 1;
		policy.max_message = max_message(w, i);
		policy.filtered = is_filtered(w, i);
		policy.asn = kinds[i].ebgp ? kinds[i].asn : 0;
		if (is_attached(s, f))
			out_attach(w->rib, families[f], &s->peer, &policy);
	}
}

static void go_down(struct world *w, int i)
{
	struct sink *s = &w->sinks[i];

	rib_peer_down(w->rib, &s->peer);
	s->up = false;
	memset(s->asks, 0, sizeof(s->asks));
	for (int f = 0; f < N_FAMILIES; f++) {
		s->eor[f] = 0;
		for (int k = 0; k < N_KEYS; k++) {
			s->held[f][k] = (struct held){ NONE, 0 };
			w->paths[f][k][i].set = NONE;
		}
	}
}

static void refresh(struct world *w, int i)
{
	memset(w->sinks[i].fresh, 0, sizeof(w->sinks[i].fresh));
	for (int f = 0; f < N_FAMILIES; f++) {
		if (is_attached(&w->sinks[i], f))
			out_refresh(w->rib, families[f], &w->sinks[i].peer, false);
	}
}

static void drain(struct world *w)
{
	for (int i = 1; i < N_PEERS; i++)
		memset(w->sinks[i].fresh, 0, sizeof(w->sinks[i].fresh));
	out_drain(w->rib, !w->rib->drained);
}

static struct world *world_new(struct rng rng, bool filtered)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct rib_params params = { OUR_AS, OUR_ID, 0, NULL, want_write, want_work, w };

	w->rng = rng;
	w->filtered = filtered;
	w->sets = attrset_table_new();
	w->rib = rib_new(&params, w->sets);
	for (int k = 0; k < N_KEYS; k++) {
		w->key_lens[k] = (uint8_t)(20 + rng_below(&w->rng, 17));
		w->keys[k][0] = (uint8_t)k;
		for (int b = 1; b < w->key_lens[k]; b++)
			w->keys[k][b] = (uint8_t)rng_u64(&w->rng);
	}
	for (int f = 0; f < N_FAMILIES; f++) {
		w->listeners[f] = (struct bgp_listener){ .best_changed = best_changed, .ctx = w->told[f] };
		rib_family_register(w->rib, families[f], &w->listeners[f]);
	}
	if (filtered)
		rib_family_register(w->rib, &bgp_rtc_family, NULL);
	memset(w->paths, 0xff, sizeof(w->paths));
	for (int i = 1; i < N_PEERS; i++) {
		struct sink *s = &w->sinks[i];

		s->w = w;
		s->peer = (struct rib_peer){
			.peer = (void *)s, /* never looked into */
			.ebgp = kinds[i].ebgp,
			.rr_client = kinds[i].client,
			.asn = kinds[i].asn,
			.router_id = 0x0a000100u + (uint32_t)i,
			.address = ip_v4(0x0a000100u + (uint32_t)i),
		};
		for (int f = 0; f < N_FAMILIES; f++) {
			for (int k = 0; k < N_KEYS; k++)
				s->held[f][k] = (struct held){ NONE, 0 };
		}
		rib_peer_add(w->rib, &s->peer);
	}
	return w;
}

/* Everything goes; nothing may be left. */
static void world_end(struct world *w)
{
	struct bgp_memory m;

	for (int i = 1; i < N_PEERS; i++)
		go_down(w, i);
	for (int f = 0; f < N_FAMILIES; f++) {
		for (int k = 0; k < N_KEYS; k++)
			withdraw(w, 0, f, k);
	}
	quiet(w);
	outbound_check_empty(w->rib);
	if (w->filtered) {
		assert_int_equal(w->rib->filter->sparse.entries.used + w->rib->filter->sparse.waiting.used, 0);
		assert_null(w->rib->filter->targets);
	} else {
		rib_memory(w->rib, &m);
		assert_int_equal(m.out_bytes, 0);
	}
	for (int i = 1; i < N_PEERS; i++) {
		assert_int_equal(w->sinks[i].peer.paths, 0);
		assert_int_equal(w->sinks[i].peer.rejected, 0);
		rib_peer_del(w->rib, &w->sinks[i].peer);
	}
	rib_free(w->rib);
	attrset_table_free(w->sets);
	free(w);
}

/* One random event. calm: sessions stay. */
static void step(struct world *w, bool calm)
{
	int p = (int)rng_below(&w->rng, N_PEERS), f = (int)rng_below(&w->rng, N_FAMILIES);
	int k = (int)rng_below(&w->rng, N_KEYS);
	uint32_t what = rng_below(&w->rng, 1000);

	if (w->few && what < 750)
		p %= 2;
	if (what < 450) {
		if (p == 0 || w->sinks[p].up)
			announce(w, p, f, k, (int)rng_below(&w->rng, w->few ? 2 : N_SETS), rng_below(&w->rng, 10) == 0);
	} else if (what < 750) {
		if (p == 0 || w->sinks[p].up)
			withdraw(w, p, f, k);
	} else if (what < 960) {
		if (w->sinks[p].up && p % 4 != 3) /* the others stall until it is quiet */
			pull(w, &w->sinks[p],
			     max_message(w, p) + rng_below(&w->rng, max_message(w, p) == 256 ? 500 : 30000));
	} else if (what < 975) {
		if (w->work)
			w->work = rib_work(w->rib, (struct mtime){ 0 });
	} else if (what < 984) {
		if (w->sinks[p].up)
			refresh(w, p);
	} else if (what < 985) {
		drain(w);
	} else if (w->filtered && what < 996) {
		if (p && w->sinks[p].up)
			for (int i = 0; i < 3; i++)
				ask(w, p, (int)rng_below(&w->rng, N_ASKS), rng_below(&w->rng, 2));
	} else if (p && !calm) {
		if (w->sinks[p].up)
			go_down(w, p);
		else
			go_up(w, p);
	}
}

static void run_in(struct world *w, uint32_t seq_limit, bool calm, bool few, unsigned steps)
{

	w->few = few;
	w->rib->out_cache_octets = 300 + rng_below(&w->rng, 5000);
	if (seq_limit)
		w->rib->out_seq_limit = seq_limit;
	for (int i = 1; i < N_PEERS; i++)
		go_up(w, i);
	for (unsigned i = 0; i < steps; i++) {
		step(w, calm);
		if (rng_below(&w->rng, 50) == 0)
			check_groups(w);
		if (rng_below(&w->rng, 400) == 0)
			quiet(w);
	}
	quiet(w);
	check_groups(w);
	if (calm && !w->filtered)
		assert_true(w->repeats > 20);
	world_end(w);
}

static void run(struct rng rng, uint32_t seq_limit, bool calm, bool few, unsigned steps)
{
	run_in(world_new(rng, false), seq_limit, calm, few, steps);
}

static void out_sinks_hold_what_the_model_says(void **state)
{
	struct rng rng = rng_start("out_sinks_hold_what_the_model_says");

	for (int i = 0; i < 6; i++, rng_u64(&rng))
		run(rng, 0, true, false, 20000);
}

static void out_sinks_hold_what_the_model_says_when_sessions_flap(void **state)
{
	struct rng rng = rng_start("out_sinks_hold_what_the_model_says_when_sessions_flap");

	for (int i = 0; i < 6; i++, rng_u64(&rng))
		run(rng, 0, false, false, 20000);
}

static void out_sinks_hold_what_the_model_says_when_numbers_run_out(void **state)
{
	struct rng rng = rng_start("out_sinks_hold_what_the_model_says_when_numbers_run_out");

	for (int i = 0; i < 6; i++, rng_u64(&rng))
		run(rng, 300, false, false, 20000);
}

static void out_peers_are_given_what_others_were_given(void **state)
{
	struct rng rng = rng_start("out_peers_are_given_what_others_were_given");

	for (int i = 0; i < 6; i++, rng_u64(&rng))
		run(rng, 0, i % 2, true, 20000);
}

static void out_sinks_hold_what_they_ask_for(void **state) /* RFC 4684 */
{
	struct rng rng = rng_start("out_sinks_hold_what_they_ask_for");

	for (int i = 0; i < 9; i++, rng_u64(&rng))
		run_in(world_new(rng, true), i % 3 == 2 ? 300 : 0, i % 3 == 0, i % 4 == 3, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(out_sinks_hold_what_the_model_says),
		cmocka_unit_test(out_sinks_hold_what_the_model_says_when_sessions_flap),
		cmocka_unit_test(out_sinks_hold_what_the_model_says_when_numbers_run_out),
		cmocka_unit_test(out_peers_are_given_what_others_were_given),
		cmocka_unit_test(out_sinks_hold_what_they_ask_for),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Peers that are sent several paths of a route (bgp/rib_view.c, RFC 7911) against an obvious model: random
 * paths of several peers, with and without path identifiers, pulled by peers that want all of them, the
 * best two, or the best one without identifiers. Whenever the engine is quiet each of them must hold
 * exactly what the model says; the identifier of a path must be its own, and stay while the path lives.
 */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "bgp/out_int.h"
#include "bgp/rib.h"
#include "tests/lib/outbound.h"
#include "tests/lib/rng.h"
#include "tests/lib/testfamily.h"

#define N_PEERS 9 /* and index 0: routes of our own */
#define N_KEYS 12
#define N_IDS 4
#define N_SETS 8
#define N_HELD 64
#define OUR_AS 65000

struct peer_kind {
	bool ebgp, client, sends_ids;
	uint8_t add_path;
	uint16_t max_message;
};

static const struct peer_kind kinds[N_PEERS] = {
	{ 0 },
	{ .client = true, .sends_ids = true, .add_path = OUT_ALL_PATHS, .max_message = 4096 },
	{ .client = true, .add_path = OUT_ALL_PATHS, .max_message = 4096 },
	{ .client = true, .sends_ids = true, .add_path = OUT_ALL_PATHS, .max_message = 4096 },
	{ .client = true, .add_path = 2, .max_message = 4096 },
	{ .client = true, .sends_ids = true, .add_path = 1, .max_message = 256 },
	{ .client = true, .max_message = 4096 },
	{ .add_path = OUT_ALL_PATHS, .max_message = 256 },
	{ .ebgp = true, .sends_ids = true, .add_path = 3, .max_message = 4096 },
};

struct held {
	uint32_t id;
	int set; /* -1: free */
};

struct world;

struct sink {
	struct world *w;
	struct rib_peer peer;
	bool up, woken;
	unsigned eor;
	struct held held[N_KEYS][N_HELD];
};

struct model_path {
	int set; /* -1: no path */
	bool rejected;
	uint32_t sent; /* the identifier that it was seen with first; 0: not yet */
};

struct world {
	struct rng rng;
	struct rib *rib;
	struct attrset_table *sets;
	struct sink sinks[N_PEERS];
	bool work;
	bool unranked; /* who wants some of the paths wants all */
	struct model_path paths[N_KEYS][N_PEERS][N_IDS];
};

static uint8_t paths_of(const struct world *w, int i)
{
	return kinds[i].add_path && w->unranked ? OUT_ALL_PATHS : kinds[i].add_path;
}

/* Set 5 is not for eBGP, set 6 for nobody. */
static struct bgp_attrs make_attrs(int i, uint8_t *scratch)
{
	struct bgp_attrs a = { .has_local_pref = true,
			       .local_pref = 100 + (uint32_t)i / 3,
			       .next_hop = ip_v4(0xc0000201) };
	struct wbuf w = wb_init(scratch, 16);

	wb_u32(&w, 0x10000u + (uint32_t)i);
	if (i == 5 || i == 6)
		wb_u32(&w, i == 5 ? 0xffffff01 : 0xffffff02);
	a.communities = scratch;
	a.communities_len = (uint16_t)wb_len(&w);
	return a;
}

static size_t key_of(int k, uint8_t key[BGP_KEY_MAX])
{
	memset(key, 0x5a, BGP_KEY_MAX);
	key[0] = (uint8_t)k;
	return k % 3 ? 20 : k % 2 ? 24 : BGP_KEY_MAX;
}

static struct rib_peer *peer_at(struct world *w, int i)
{
	return i ? &w->sinks[i].peer : NULL;
}

/* ---- what the model says ---- */

static bool model_may_carry(int set, int to, int from)
{
	if (set == 6 || (set == 5 && kinds[to].ebgp))
		return false;
	return kinds[to].ebgp || !from || kinds[from].ebgp || kinds[to].client || kinds[from].client;
}

/* The eligible paths of the key, best first. */
static size_t model_ranked(struct world *w, int k, struct model_path *out[], int from[])
{
	struct decide_path paths[N_PEERS * N_IDS];
	struct bgp_attrs attrs[N_PEERS * N_IDS];
	uint8_t scratch[N_PEERS * N_IDS][16], key[BGP_KEY_MAX];
	size_t n = 0;

	for (int p = 0; p < N_PEERS; p++) {
		for (uint32_t id = 0; id < N_IDS; id++) {
			struct model_path *m = &w->paths[k][p][id];

			if (m->set < 0 || m->rejected)
				continue;
			attrs[n] = make_attrs(m->set, scratch[n]);
			paths[n] = (struct decide_path){ &attrs[n], peer_at(w, p), id };
			out[n] = m;
			from[n++] = p;
		}
	}
	for (size_t i = 0; i < n; i++) {
		size_t best = i + decide_best(&test_family, key, key_of(k, key), paths + i, n - i);
		struct decide_path path = paths[i];
		struct model_path *m = out[i];
		int p = from[i];

		paths[i] = paths[best], out[i] = out[best], from[i] = from[best];
		paths[best] = path, out[best] = m, from[best] = p;
	}
	return n;
}

static const struct held *find_held(const struct sink *s, int k, uint32_t id)
{
	for (size_t i = 0; i < N_HELD; i++)
		if (s->held[k][i].set >= 0 && s->held[k][i].id == id)
			return &s->held[k][i];
	return NULL;
}

static unsigned count_held(const struct sink *s, int k)
{
	unsigned n = 0;

	for (size_t i = 0; i < N_HELD; i++)
		n += s->held[k][i].set >= 0;
	return n;
}

static void check_key(struct world *w, int i, int k)
{
	const struct sink *s = &w->sinks[i];
	struct model_path *ranked[N_PEERS * N_IDS];
	int from[N_PEERS * N_IDS];
	size_t n = model_ranked(w, k, ranked, from), max = paths_of(w, i) ? paths_of(w, i) : 1;
	unsigned want = 0;

	for (size_t r = 0; s->up && r < n && r < max; r++) {
		const struct held *h = find_held(s, k, paths_of(w, i) ? ranked[r]->sent : 0);
		bool wanted = from[r] != i && model_may_carry(ranked[r]->set, i, from[r]);

		want += wanted;
		if (wanted && (!h || h->set != ranked[r]->set))
			fail_msg("peer %d key %d: should hold set %d of peer %d as %u, holds %d", i, k, ranked[r]->set,
				 from[r], ranked[r]->sent, h ? h->set : -1);
	}
	assert_int_equal(count_held(s, k), want);
}

/* ---- the peers' side ---- */

static void hold(struct sink *s, int k, uint32_t id, int set)
{
	struct held *h = (struct held *)(uintptr_t)find_held(s, k, id);

	for (size_t i = 0; !h && set >= 0; i++) {
		assert_true(i < N_HELD);
		if (s->held[k][i].set < 0)
			h = &s->held[k][i];
	}
	if (h)
		*h = (struct held){ id, set };
}

static void apply_update(void *ctx, struct upd *u)
{
	struct sink *s = ctx;
	const struct peer_kind *kind = &kinds[s - s->w->sinks];
	struct bgp_nlri n;

	assert_true(u->len <= kind->max_message);
	s->eor += u->end_of_rib;
	while (rb_left(&u->nlri)) {
		uint32_t id = paths_of(s->w, (int)(s - s->w->sinks)) ? rb_u32(&u->nlri) : 0;

		assert_int_equal(test_family.decode(&u->nlri, u->unreach, &n), BGP_NLRI_OK);
		assert_true(n.key[0] < N_KEYS);
		hold(s, n.key[0], id, u->unreach ? -1 : (int)u->community - 0x10000);
	}
}

static void pull(struct world *w, struct sink *s, size_t cap)
{
	if (!outbound_pull(w->rib, &s->peer, cap, apply_update, s))
		s->woken = false;
}

/* ---- quiet points ---- */

/* What is shown; takes down the identifiers that paths go out with. */
static void check_table(struct world *w)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	unsigned n = 0, want = 0;
	struct bgp_memory m;

	for (; rib_next(w->rib, &c, &p); n++) {
		int from = p.peer ? (int)((struct sink *)(void *)p.peer - w->sinks) : 0;
		struct model_path *path = &w->paths[p.key[0]][from][p.path_id];

		assert_true(path->set >= 0);
		if (path->sent)
			assert_int_equal(path->sent, p.path_id_sent);
		path->sent = p.path_id_sent;
		for (int i = 1; i < N_PEERS; i++) {
			const struct held *h = find_held(&w->sinks[i], p.key[0], paths_of(w, i) ? path->sent : 0);

			assert_int_equal(rib_advertised_to(w->rib, &p, &w->sinks[i].peer),
					 h && i != from && (paths_of(w, i) || p.best));
		}
	}
	for (int k = 0; k < N_KEYS; k++)
		for (int i = 0; i < N_PEERS; i++)
			for (int id = 0; id < N_IDS; id++)
				want += w->paths[k][i][id].set >= 0;
	assert_int_equal(n, want);
	rib_memory(w->rib, &m);
	assert_int_equal(m.paths, want);
	assert_true(m.keys <= N_KEYS);
}

static void quiet(struct world *w)
{
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
	}
	check_table(w);
	for (int i = 1; i < N_PEERS; i++) {
		uint32_t held = 0;

		for (int k = 0; k < N_KEYS; k++) {
			check_key(w, i, k);
			held += count_held(&w->sinks[i], k);
		}
		assert_int_equal(w->sinks[i].eor, w->sinks[i].up);
		assert_int_equal(outbound_info(w->rib, &w->sinks[i].peer).prefixes_sent, held);
		assert_false(outbound_pending(&w->sinks[i].peer));
	}
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

static void announce(struct world *w, int p, int k, uint32_t id, int set, bool reject)
{
	struct model_path *m = &w->paths[k][p][id];
	uint8_t scratch[16], key[BGP_KEY_MAX];
	struct bgp_attrs a = make_attrs(set, scratch);

	assert_true(rib_announce(w->rib, &test_family, peer_at(w, p), key, key_of(k, key), id,
				 attrset_intern(w->sets, &a), reject ? BGP_REJECT_AS_LOOP : BGP_ELIGIBLE,
				 (struct mtime){ 0 }));
	*m = (struct model_path){ set, reject, m->set < 0 ? 0 : m->sent };
}

static void withdraw(struct world *w, int p, int k, uint32_t id)
{
	struct model_path *m = &w->paths[k][p][id];
	uint8_t key[BGP_KEY_MAX];

	assert_int_equal(rib_withdraw(w->rib, &test_family, peer_at(w, p), key, key_of(k, key), id,
				      (struct mtime){ 0 }),
			 m->set >= 0);
	m->set = -1;
}

static void go_up(struct world *w, int i)
{
	const struct out_policy policy = { .ebgp = kinds[i].ebgp, .rr_client = kinds[i].client, .as4 = 1,
					   .add_path = paths_of(w, i), .max_message = kinds[i].max_message,
					   .asn = kinds[i].ebgp ? 65010 : 0 };
	struct sink *s = &w->sinks[i];

	memset(s->held, 0xff, sizeof(s->held));
	rib_peer_up(w->rib, &s->peer);
	s->up = true;
	out_attach(w->rib, &test_family, &s->peer, &policy);
}

static void go_down(struct world *w, int i)
{
	struct sink *s = &w->sinks[i];

	rib_peer_down(w->rib, &s->peer);
	s->up = false;
	s->eor = 0;
	memset(s->held, 0xff, sizeof(s->held));
	for (int k = 0; k < N_KEYS; k++)
		for (int id = 0; id < N_IDS; id++)
			w->paths[k][i][id].set = -1;
}

static struct world *world_new(struct rng rng)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct rib_params params = { OUR_AS, 0x0a000001, 0, NULL, want_write, want_work, w };

	w->rng = rng;
	w->sets = attrset_table_new();
	w->rib = rib_new(&params, w->sets);
	rib_family_register(w->rib, &test_family, NULL);
	memset(w->paths, 0xff, sizeof(w->paths));
	for (int i = 1; i < N_PEERS; i++) {
		struct sink *s = &w->sinks[i];

		s->w = w;
		s->peer = (struct rib_peer){ .peer = (void *)s, .ebgp = kinds[i].ebgp, .rr_client = kinds[i].client,
					     .asn = kinds[i].ebgp ? 65010 : OUR_AS,
					     .router_id = 0x0a000100u + (uint32_t)i,
					     .address = ip_v4(0x0a000100u + (uint32_t)i) };
		memset(s->held, 0xff, sizeof(s->held));
		rib_peer_add(w->rib, &s->peer);
	}
	return w;
}

static void world_end(struct world *w)
{
	struct bgp_memory m;

	for (int i = 1; i < N_PEERS; i++)
		go_down(w, i);
	for (int k = 0; k < N_KEYS; k++)
		withdraw(w, 0, k, 0);
	quiet(w);
	outbound_check_empty(w->rib);
	rib_memory(w->rib, &m);
	assert_int_equal(m.out_bytes, 0);
	assert_int_equal(w->rib->views.n_keys, 0);
	for (int i = 1; i < N_PEERS; i++)
		rib_peer_del(w->rib, &w->sinks[i].peer);
	rib_free(w->rib);
	attrset_table_free(w->sets);
	free(w);
}

static void step(struct world *w, bool calm)
{
	int p = (int)rng_below(&w->rng, N_PEERS), k = (int)rng_below(&w->rng, N_KEYS);
	uint32_t id = kinds[p].sends_ids ? rng_below(&w->rng, N_IDS) : 0;
	uint32_t what = rng_below(&w->rng, 1000);

	if (what < 450) {
		if (p == 0 || w->sinks[p].up)
			announce(w, p, k, id, (int)rng_below(&w->rng, N_SETS), rng_below(&w->rng, 10) == 0);
	} else if (what < 750) {
		if (p == 0 || w->sinks[p].up)
			withdraw(w, p, k, id);
	} else if (what < 960) {
		if (w->sinks[p].up && p % 4 != 3) /* the others stall until it is quiet */
			pull(w, &w->sinks[p], kinds[p].max_message + rng_below(&w->rng, 500));
	} else if (what < 975) {
		if (w->work)
			w->work = rib_work(w->rib, (struct mtime){ 0 });
	} else if (what < 985) {
		if (p && w->sinks[p].up)
			out_refresh(w->rib, &test_family, &w->sinks[p].peer, false);
	} else if (p && !calm) {
		if (w->sinks[p].up)
			go_down(w, p);
		else
			go_up(w, p);
	}
}

static void run(struct rng rng, bool calm, bool unranked, unsigned steps)
{
	struct world *w = world_new(rng);

	w->unranked = unranked;
	for (int i = 1; i < N_PEERS; i++)
		go_up(w, i);
	for (unsigned i = 0; i < steps; i++) {
		step(w, calm);
		if (rng_below(&w->rng, 300) == 0)
			quiet(w);
	}
	world_end(w);
}

static void sinks_hold_the_paths_that_the_model_says(void **state)
{
	struct rng rng = rng_start("sinks_hold_the_paths_that_the_model_says");

	for (int i = 0; i < 4; i++, rng_u64(&rng))
		run(rng, true, i % 2, 20000);
}

static void sinks_hold_the_paths_that_the_model_says_when_sessions_flap(void **state)
{
	struct rng rng = rng_start("sinks_hold_the_paths_that_the_model_says_when_sessions_flap");

	for (int i = 0; i < 4; i++, rng_u64(&rng))
		run(rng, false, i % 2, 20000);
}

/* All of them at once, so that the last group goes and another comes while the view is still being emptied. */
static void a_view_goes_with_its_last_peer_and_comes_back(void **state)
{
	struct world *w = world_new(rng_start("a_view_goes_with_its_last_peer_and_comes_back"));
	uint8_t scratch[16], key[BGP_KEY_MAX];
	struct bgp_attrs a = make_attrs(1, scratch);
	const uint32_t n = 5000;
	struct bgp_memory m;

	for (uint32_t k = 0; k < n; k++) {
		key_of(0, key);
		memcpy(key + 1, &k, sizeof(k));
		rib_announce(w->rib, &test_family, NULL, key, 20, 0, attrset_intern(w->sets, &a), BGP_ELIGIBLE,
			     (struct mtime){ 0 });
	}
	assert_int_equal(w->rib->index.n, n);
	for (int round = 0; round < 3; round++) {
		go_up(w, 2);
		while (w->work && (round != 1 || w->rib->views.n_keys < n / 2)) /* once it is left half full */
			w->work = rib_work(w->rib, (struct mtime){ 0 });
		assert_int_equal(w->rib->views.n_keys < n, round == 1);
		go_down(w, 2);
		while (w->work && (round != 0 || w->rib->views.n_keys > n / 2)) /* and once half empty */
			w->work = rib_work(w->rib, (struct mtime){ 0 });
		assert_int_equal(w->rib->views.n_keys > 0, round == 0);
	}
	assert_int_equal(w->rib->index.n, n);
	rib_memory(w->rib, &m);
	assert_int_equal(m.keys, n);
	assert_int_equal(m.out_bytes, 0);
	rib_free(w->rib);
	attrset_table_free(w->sets);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sinks_hold_the_paths_that_the_model_says),
		cmocka_unit_test(sinks_hold_the_paths_that_the_model_says_when_sessions_flap),
		cmocka_unit_test(a_view_goes_with_its_last_peer_and_comes_back),
	};

	return RUN_TESTS(tests);
}

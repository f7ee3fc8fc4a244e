/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* dataplane/reconcile.c by way of dp.c and the fake backend: every transition of a row, then random ones. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/dp.h"
#include "tests/lib/fakedp.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define VNI 100u
#define PORT_A 5u
#define PORT_B 6u

/* What evpn would believe. */
struct belief {
	unsigned events, macs_gone, ips_gone;
	bool ready;
	unsigned ifindex[256]; /* by last octet of the MAC; 0: not local */
	uint8_t flags[256];
	bool ip[256];
	struct ip far[256]; /* VTEP that it was learned from; none: not learned */
	unsigned fars, fars_gone;
	unsigned placed, idle, missed; /* rows on demand */
};

struct bed {
	struct fakedp *f;
	struct dp *d;
	struct log log;
	struct belief b;
	struct mtime now;
	char last[256]; /* log line */
};

static void on_mac(void *ctx, uint32_t vni, const struct mac *mac, unsigned ifindex, uint8_t flags)
{
	struct belief *b = ctx;

	assert_int_equal(vni, VNI);
	b->events++;
	b->ifindex[mac->b[5]] = ifindex;
	b->flags[mac->b[5]] = flags;
}

static void on_mac_gone(void *ctx, uint32_t vni, const struct mac *mac)
{
	struct belief *b = ctx;

	b->events++;
	b->macs_gone++;
	b->ifindex[mac->b[5]] = 0;
}

static void on_ip(void *ctx, uint32_t vni, const struct ip *ip, const struct mac *mac, uint8_t flags)
{
	struct belief *b = ctx;

	b->events++;
	b->ip[ip->b[3]] = true;
	b->flags[ip->b[3]] = flags;
}

static void on_ip_gone(void *ctx, uint32_t vni, const struct ip *ip)
{
	struct belief *b = ctx;

	b->events++;
	b->ips_gone++;
	b->ip[ip->b[3]] = false;
}

static void on_far(void *ctx, uint32_t vni, const struct mac *mac, const struct ip *vtep)
{
	struct belief *b = ctx;

	b->fars++;
	b->far[mac->b[5]] = *vtep;
	assert_int_equal(b->ifindex[mac->b[5]], 0); /* what held before has ended */
}

static void on_far_gone(void *ctx, uint32_t vni, const struct mac *mac)
{
	struct belief *b = ctx;

	b->fars_gone++;
	b->far[mac->b[5]] = ip_none();
}

static void on_ready(void *ctx, uint32_t vni, bool ready)
{
	struct belief *b = ctx;

	b->ready = ready;
	if (ready)
		return;
	for (unsigned i = 0; i < 256; i++) {
		assert_int_equal(b->ifindex[i], 0); /* told one by one before */
		assert_false(b->ip[i]);
		assert_int_equal(b->far[i].len, 0);
	}
}

static void on_miss(void *ctx, uint32_t vni, const struct mac *mac, const struct ip *ip)
{
	((struct belief *)ctx)->missed++;
}

static void on_demand(void *ctx, uint32_t vni, const struct mac *mac, bool there)
{
	struct belief *b = ctx;

	b->placed += there;
	b->idle += !there;
}

static void keep_line(void *ctx, enum log_level level, enum log_subsys sub, const char *line)
{
	snprintf(((struct bed *)ctx)->last, sizeof(((struct bed *)0)->last), "%s", line);
}

static void start(struct bed *t)
{
	struct dp_events ev = { .local_mac = on_mac, .local_mac_gone = on_mac_gone, .local_ip = on_ip, .local_ip_gone = on_ip_gone,
				.vni_ready = on_ready, .ctx = &t->b, .tunnel_mac = on_far, .tunnel_mac_gone = on_far_gone,
				.miss = on_miss, .demand = on_demand };
	struct dp_vni_params p = { .vni = VNI, .bridge = "br100", .vxlan = "vxlan100", .miss_macs = true };

	memset(&t->b, 0, sizeof(t->b));
	log_init(&t->log, LOG_DEBUG);
	t->log.sink = keep_line;
	t->log.ctx = t;
	t->d = dp_new(fakedp_ops(t->f), NULL, &t->log, &ev);
	assert_non_null(t->d);
	dp_set_now(t->d, t->now);
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	fakedp_settle(t->d);
}

static void stop(struct bed *t, bool flush)
{
	dp_free(t->d, flush);
	t->d = NULL;
}

static int setup(void **state)
{
	struct bed *t = calloc(1, sizeof(*t));

	t->f = fakedp_new();
	t->now = (struct mtime){ 1000000 };
	start(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct bed *t = *state;

	assert_int_equal(fakedp_trampled(t->f), 0);
	if (t->d)
		stop(t, true);
	assert_int_equal(fakedp_rows(t->f, VNI, FAKEDP_US), 0);
	assert_int_equal(fakedp_dests(t->f), 0);
	assert_int_equal(fakedp_trampled(t->f), 0);
	fakedp_free(t->f);
	free(t);
	return 0;
}

static void pass(struct bed *t, int64_t ms)
{
	t->now = mtime_add_ms(t->now, ms);
	dp_set_now(t->d, t->now);
	fakedp_settle(t->d);
}

static struct mac mac_nr(unsigned n)
{
	return (struct mac){ { 2, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n } };
}

static struct ip vtep_nr(unsigned n)
{
	return ip_v4(0xc0000200u + n);
}

static struct ip host_nr(unsigned n)
{
	return ip_v4(0x0a000000u + n);
}

#define SET 100u /* SET + n as a VTEP: set n */

static void want_fdb(struct bed *t, unsigned mac, unsigned vtep, uint8_t flags)
{
	struct mac m = mac_nr(mac);
	struct dp_row row = { .key = dp_key_fdb(VNI, &m), .flags = flags };

	if (vtep < SET)
		row.vtep = vtep_nr(vtep);
	else
		row.set = vtep - SET;
	dp_want(t->d, &row);
}

static void unwant_fdb(struct bed *t, unsigned mac)
{
	struct mac m = mac_nr(mac);
	struct dp_key k = dp_key_fdb(VNI, &m);

	dp_unwant(t->d, &k);
}

static void want_flood(struct bed *t, unsigned vtep, uint32_t label)
{
	struct ip ip = vtep_nr(vtep);
	struct dp_row row = { .key = dp_key_flood(VNI, &ip), .label_vni = label };

	dp_want(t->d, &row);
}

static void want_neigh(struct bed *t, unsigned host, unsigned mac, uint8_t flags)
{
	struct ip ip = host_nr(host);
	struct dp_row row = { .key = dp_key_neigh(VNI, &ip), .mac = mac_nr(mac), .flags = flags };

	dp_want(t->d, &row);
}

static void learn(struct bed *t, unsigned mac, unsigned port, enum fakedp_hand hand)
{
	struct mac m = mac_nr(mac);

	fakedp_learn(t->f, VNI, &m, port, hand);
}

static void forget(struct bed *t, unsigned mac)
{
	struct mac m = mac_nr(mac);

	fakedp_forget(t->f, VNI, &m);
}

static struct ip fdb(struct bed *t, unsigned mac)
{
	struct mac m = mac_nr(mac);

	return fakedp_fdb(t->f, VNI, &m);
}

static unsigned port_of(struct bed *t, unsigned mac)
{
	struct mac m = mac_nr(mac);

	return fakedp_bridge(t->f, VNI, &m).ifindex;
}

static bool has_vxlan(struct bed *t, unsigned mac)
{
	struct mac m = mac_nr(mac);

	return fakedp_vxlan(t->f, VNI, &m).there;
}

#define assert_fdb(t, mac, vtep)                                                                                       \
	do {                                                                                                           \
		struct ip is_ = fdb(t, mac), want_ = vtep_nr(vtep);                                                    \
		assert_string_equal(ip_str(&is_).s, ip_str(&want_).s);                                                 \
	} while (0)
#define assert_no_fdb(t, mac)                                                                                          \
	do {                                                                                                           \
		struct ip is_ = fdb(t, mac);                                                                           \
		assert_string_equal(ip_str(&is_).s, "");                                                               \
	} while (0)

/* What show says of a MAC's row in a table; NULL when it is not shown. */
static const struct dp_row_info *shown(struct bed *t, unsigned mac, const char *table)
{
	static struct dp_row_info i;
	struct dp_cursor c = { 0 };

	while (dp_next(t->d, &c, VNI, &i)) {
		if (i.row.key.kind == DP_FDB && i.row.key.mac.b[5] == mac && !strcmp(i.table, table))
			return &i;
	}
	return NULL;
}

/* ---- wishes ----------------------------------------------------------------------------------------------------- */

static void foreign_rows_get_no_destination_of_ours(void **state)
{
	struct bed *t = *state;
	struct mac m = mac_nr(7), zero = { 0 };
	struct ip vtep = vtep_nr(7);

	fakedp_vxlan_set(t->f, VNI, &m, &vtep);
	fakedp_vxlan_set(t->f, VNI, &zero, &vtep);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_dests(t->f), 0);
	want_fdb(t, 8, 7, 0); /* a route to there */
	fakedp_settle(t->d);
	assert_int_equal(fakedp_dests(t->f), 1);
	unwant_fdb(t, 8);
	fakedp_vxlan_del(t->f, VNI, &m, &vtep);
	fakedp_vxlan_del(t->f, VNI, &zero, &vtep);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_dests(t->f), 0);
}

/* Refused because another program was quicker: its row stays, and nothing of ours is left to delete over and over. */
static void refused_row_that_became_foreign_is_let_go(void **state)
{
	struct bed *t = *state;
	struct mac m = mac_nr(7);
	struct ip vtep = vtep_nr(9);
	struct dp_op op[4];
	unsigned n;

	want_fdb(t, 7, 2, 0);
	n = dp_pull(t->d, op, 4);
	for (unsigned i = 0; i < n; i++)
		dp_done(t->d, &op[i], op[i].kind == DP_FDB ? -EOPNOTSUPP : fakedp_carry_out(t->f, &op[i]), NULL);
	fakedp_vxlan_set(t->f, VNI, &m, &vtep);
	fakedp_settle(t->d);
	unwant_fdb(t, 7);
	for (int i = 0; i < 10; i++) {
		n = dp_pull(t->d, op, 4);
		for (unsigned j = 0; j < n; j++)
			dp_done(t->d, &op[j], fakedp_carry_out(t->f, &op[j]), NULL);
	}
	assert_int_equal(n, 0);
	assert_true(has_vxlan(t, 7));
	fakedp_vxlan_del(t->f, VNI, &m, &vtep);
	fakedp_settle(t->d);
}

static void want_then_unwant_writes_and_deletes_both_rows(void **state)
{
	struct bed *t = *state;

	want_fdb(t, 1, 2, 0);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_int_equal(fakedp_dests(t->f), 1);
	unwant_fdb(t, 1);
	fakedp_settle(t->d);
	assert_no_fdb(t, 1);
	assert_false(has_vxlan(t, 1));
	assert_int_equal(fakedp_dests(t->f), 0);
}

static void same_wish_twice_is_one_write(void **state)
{
	struct bed *t = *state;
	unsigned before;

	want_fdb(t, 1, 2, 0);
	fakedp_settle(t->d);
	before = fakedp_writes(t->f);
	want_fdb(t, 1, 2, 0);
	want_fdb(t, 1, 2, DP_TAKE_OVER);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_writes(t->f), before);
}

static void wishes_between_two_flushes_cost_one_write(void **state)
{
	struct bed *t = *state;
	unsigned before;

	want_fdb(t, 9, 2, 0);
	want_fdb(t, 9, 3, 0);
	fakedp_settle(t->d); /* both destinations are no news now */
	want_fdb(t, 8, 2, 0);
	fakedp_settle(t->d);
	before = fakedp_writes(t->f);
	for (int i = 0; i < 100; i++) {
		want_fdb(t, 1, 2, 0);
		unwant_fdb(t, 1);
		want_fdb(t, 1, 3, 0);
	}
	fakedp_settle(t->d);
	assert_fdb(t, 1, 3);
	assert_int_equal(fakedp_writes(t->f), before + 1);
}

static void want_and_unwant_unwritten_costs_nothing(void **state)
{
	struct bed *t = *state;
	struct dp_stats s;

	want_fdb(t, 1, 2, 0);
	unwant_fdb(t, 1);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_writes(t->f), 0);
	dp_stats(t->d, &s);
	assert_int_equal(s.rows, 0);
	assert_int_equal(s.dirty, 0);
}

static void wish_with_another_vtep_moves_the_row(void **state)
{
	struct bed *t = *state;

	want_fdb(t, 1, 2, 0);
	fakedp_settle(t->d);
	want_fdb(t, 1, 3, 0);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 3);
	assert_int_equal(fakedp_dests(t->f), 1);
}

static void flood_row_with_a_label_changes_label(void **state)
{
	struct bed *t = *state;
	struct ip v = vtep_nr(2);
	struct dp_key k = dp_key_flood(VNI, &v);

	want_flood(t, 2, 0);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_flood(t->f, VNI, &v).label, 0);
	assert_true(fakedp_flood(t->f, VNI, &v).there);
	want_flood(t, 2, 777);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_flood(t->f, VNI, &v).label, 777);
	want_flood(t, 2, VNI); /* its own VNI is no label */
	fakedp_settle(t->d);
	assert_int_equal(fakedp_flood(t->f, VNI, &v).label, 0);
	dp_unwant(t->d, &k);
	fakedp_settle(t->d);
	assert_false(fakedp_flood(t->f, VNI, &v).there);
}

static void neighbour_row_follows_its_wish(void **state)
{
	struct bed *t = *state;
	struct ip h = host_nr(7);
	struct dp_key k = dp_key_neigh(VNI, &h);

	want_neigh(t, 7, 1, DP_ROUTER);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h).mac.b[5], 1);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h).flags, DP_ROUTER);
	want_neigh(t, 7, 2, 0);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h).mac.b[5], 2);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h).flags, 0);
	dp_unwant(t->d, &k);
	fakedp_settle(t->d);
	assert_false(fakedp_neigh(t->f, VNI, &h).there);
}

/* ---- local MACs ------------------------------------------------------------------------------------------------- */

static void local_mac_is_told_with_its_port_and_kind(void **state)
{
	struct bed *t = *state;

	learn(t, 1, PORT_A, FAKEDP_KERNEL);
	learn(t, 2, PORT_B, FAKEDP_STATIC);
	learn(t, 3, PORT_B, FAKEDP_EXTERN);
	learn(t, 4, PORT_A, FAKEDP_OWN);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	assert_int_equal(t->b.flags[1], 0);
	assert_int_equal(t->b.ifindex[2], PORT_B);
	assert_int_equal(t->b.flags[2], DP_LOCAL_STATIC);
	assert_int_equal(t->b.ifindex[3], PORT_B);
	assert_int_equal(t->b.flags[3], 0);
	assert_int_equal(t->b.ifindex[4], 0);
	learn(t, 1, PORT_B, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_B);
	assert_int_equal(t->b.macs_gone, 0);
	forget(t, 1);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], 0);
	assert_int_equal(t->b.macs_gone, 1);
}

static void far(struct bed *t, unsigned mac, unsigned vtep)
{
	struct mac m = mac_nr(mac);
	struct ip ip = vtep_nr(vtep);

	fakedp_tunnel(t->f, VNI, &m, &ip);
	fakedp_settle(t->d);
}

static void mac_learned_from_the_tunnel_is_told_until_a_port_or_a_wish_has_it(void **state)
{
	struct bed *t = *state;
	struct ip v2 = vtep_nr(2), v3 = vtep_nr(3);

	far(t, 1, 2);
	assert_true(ip_eq(&t->b.far[1], &v2));
	far(t, 1, 3);
	assert_true(ip_eq(&t->b.far[1], &v3));
	assert_int_equal(t->b.fars, 2);
	assert_int_equal(t->b.fars_gone, 0);
	learn(t, 1, PORT_A, FAKEDP_KERNEL); /* the bridge is asked first */
	fakedp_settle(t->d);
	assert_int_equal(t->b.far[1].len, 0);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	forget(t, 1);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], 0);
	assert_true(ip_eq(&t->b.far[1], &v3));
	want_fdb(t, 1, 2, 0);
	fakedp_settle(t->d);
	assert_int_equal(t->b.far[1].len, 0);
	unwant_fdb(t, 1);
	fakedp_settle(t->d);
	assert_int_equal(t->b.far[1].len, 0);
}

static void mac_learned_from_the_tunnel_ends_with_its_row(void **state)
{
	struct bed *t = *state;
	struct mac m = mac_nr(1), lost = mac_nr(2);
	struct ip v2 = vtep_nr(2);

	far(t, 1, 2);
	far(t, 2, 2);
	fakedp_vxlan_del(t->f, VNI, &m, &v2);
	fakedp_settle(t->d);
	assert_int_equal(t->b.far[1].len, 0);
	fakedp_vxlan_del(t->f, VNI, &lost, &v2);
	fakedp_overrun(t->f); /* without a word */
	far(t, 1, 2);
	assert_int_equal(t->b.far[1].len, 4);
	assert_int_equal(t->b.far[2].len, 0);
	fakedp_devices(t->f, VNI, true, "a problem"); /* on_ready() looks */
	fakedp_settle(t->d);
	assert_int_equal(t->b.fars_gone, 3);
}

static void row_of_a_local_mac_is_not_written_until_it_ages(void **state)
{
	struct bed *t = *state;

	learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	want_fdb(t, 1, 2, 0);
	fakedp_settle(t->d);
	assert_int_equal(port_of(t, 1), PORT_A);
	assert_non_null(shown(t, 1, "vxlan"));
	assert_string_equal(shown(t, 1, "vxlan")->pending, "the MAC sits on a local port");
	forget(t, 1);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_int_equal(t->b.ifindex[1], 0);
	assert_null(shown(t, 1, "vxlan")->pending);
}

static void take_over_writes_over_a_dynamic_row_without_an_event(void **state)
{
	struct bed *t = *state;
	unsigned events;

	learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	events = t->b.events;
	want_fdb(t, 1, 2, DP_TAKE_OVER);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_int_equal(t->b.events, events);
}

static void take_over_never_goes_over_another_hand(void **state)
{
	static const enum fakedp_hand hands[] = { FAKEDP_STATIC, FAKEDP_EXTERN, FAKEDP_OWN };
	struct bed *t = *state;

	for (unsigned i = 0; i < 3; i++) {
		learn(t, i + 1, PORT_A, hands[i]);
		fakedp_settle(t->d);
		want_fdb(t, i + 1, 2, DP_TAKE_OVER);
		t->b.ifindex[i + 1] = 0;
		fakedp_settle(t->d);
		assert_int_equal(port_of(t, i + 1), PORT_A);
		assert_int_equal(t->b.ifindex[i + 1], hands[i] == FAKEDP_OWN ? 0 : PORT_A);
		assert_non_null(shown(t, i + 1, "vxlan")->pending);
	}
}

static void host_that_comes_back_after_take_over_is_told_and_not_taken_again(void **state)
{
	struct bed *t = *state;

	learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	want_fdb(t, 1, 2, DP_TAKE_OVER);
	fakedp_settle(t->d);
	t->b.ifindex[1] = 0;
	learn(t, 1, PORT_B, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_B);
	assert_int_equal(port_of(t, 1), PORT_B);
	unwant_fdb(t, 1);
	fakedp_settle(t->d);
	assert_int_equal(port_of(t, 1), PORT_B);
	assert_false(has_vxlan(t, 1));
	want_fdb(t, 1, 3, DP_TAKE_OVER); /* and away again */
	fakedp_settle(t->d);
	assert_fdb(t, 1, 3);
}

static void take_over_does_not_reach_what_evpn_has_not_heard_of(void **state)
{
	struct bed *t = *state;

	want_fdb(t, 1, 2, 0);
	fakedp_settle(t->d);
	learn(t, 1, PORT_A, FAKEDP_KERNEL); /* the event waits */
	want_fdb(t, 1, 3, DP_TAKE_OVER);
	fakedp_settle(t->d);
	assert_int_equal(port_of(t, 1), PORT_A);
	assert_int_equal(t->b.ifindex[1], PORT_A);
}

static void local_event_between_take_over_and_its_write_counts_for_more(void **state)
{
	struct bed *t = *state;

	learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	t->b.ifindex[1] = 0;
	want_fdb(t, 1, 2, DP_TAKE_OVER);
	learn(t, 1, PORT_B, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	assert_int_equal(port_of(t, 1), PORT_B);
	assert_int_equal(t->b.ifindex[1], PORT_B);
}

static void end_of_a_row_on_a_port_that_it_has_left_says_nothing(void **state)
{
	struct bed *t = *state;
	struct dp_seen old = { .vni = rows_vni_find(&t->d->rec.rows, VNI), .kind = DP_FDB, .part = DP_PORT,
			       .state = DP_SEEN_NONE, .ifindex = PORT_A, .mac = mac_nr(1) };

	learn(t, 1, PORT_B, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	dp_seen(t->d, &old); /* older than the dump that said B */
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_B);
	assert_int_equal(t->b.macs_gone, 0);
}

static void take_over_taken_back_before_the_write_tells_the_local_mac_again(void **state)
{
	struct bed *t = *state;

	learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	t->b.ifindex[1] = 0; /* evpn forgets with the wish */
	want_fdb(t, 1, 2, DP_TAKE_OVER);
	unwant_fdb(t, 1);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	assert_int_equal(port_of(t, 1), PORT_A);
}

static void roaming_host_leaves_the_bridge_row_alone_and_loses_the_vxlan_row(void **state)
{
	struct bed *t = *state;

	want_fdb(t, 1, 2, 0);
	fakedp_settle(t->d);
	learn(t, 1, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	assert_true(has_vxlan(t, 1)); /* evpn has not decided yet */
	unwant_fdb(t, 1);
	fakedp_settle(t->d);
	assert_int_equal(port_of(t, 1), PORT_A);
	assert_false(has_vxlan(t, 1));
}

/* The event of a MAC that was learned lies in the queue while our write moves its row. */
static void write_over_an_unread_event(struct bed *t, enum fakedp_hand hand)
{
	struct mac m = mac_nr(1);
	struct dp_op ops[4];
	unsigned n;

	want_fdb(t, 2, 2, 0);
	fakedp_settle(t->d);
	want_fdb(t, 1, 2, 0);
	n = dp_pull(t->d, ops, 4); /* made before the event is read */
	assert_int_equal(n, 1);
	learn(t, 1, PORT_A, hand);
	fakedp_carry_out(t->f, &ops[0]);
	dp_done(t->d, &ops[0], 0, NULL);
	assert_int_equal(fakedp_bridge(t->f, VNI, &m).ifindex, 0);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	assert_int_equal(fakedp_bridge(t->f, VNI, &m).ifindex, PORT_A);
	assert_int_equal(fakedp_bridge(t->f, VNI, &m).hand, hand);
}

static void local_event_queued_behind_our_write_gives_the_row_back(void **state)
{
	write_over_an_unread_event(*state, FAKEDP_KERNEL);
}

/* Pulls the one operation there is, which is out until it is said to be done. */
static struct dp_op pull_one(struct bed *t)
{
	struct dp_op op[4];

	assert_int_equal(dp_pull(t->d, op, 4), 1);
	return op[0];
}

static void local_event_while_our_write_is_out_is_local_or_gives_the_row_back(void **state)
{
	struct bed *t = *state;
	struct mac m = mac_nr(1);

	want_fdb(t, 2, 2, 0);
	fakedp_settle(t->d);
	for (int written_first = 0; written_first < 2; written_first++) {
		struct dp_op op;

		want_fdb(t, 1, 2, 0);
		op = pull_one(t);
		if (written_first)
			fakedp_carry_out(t->f, &op);
		learn(t, 1, PORT_A, FAKEDP_KERNEL);
		dp_flush(t->d); /* hears of it */
		assert_int_equal(t->b.ifindex[1], 0);
		if (!written_first)
			fakedp_carry_out(t->f, &op);
		dp_done(t->d, &op, 0, NULL);
		fakedp_settle(t->d);
		assert_int_equal(t->b.ifindex[1], PORT_A);
		assert_int_equal(fakedp_bridge(t->f, VNI, &m).ifindex, PORT_A);
		unwant_fdb(t, 1);
		forget(t, 1);
		fakedp_settle(t->d);
	}
}

static void row_deleted_by_another_while_our_write_is_out_comes_back(void **state)
{
	struct bed *t = *state;
	struct ip vtep = vtep_nr(2);
	struct dp_op op;

	want_fdb(t, 1, 2, 0);
	want_fdb(t, 2, 2, 0);
	fakedp_settle(t->d);
	want_fdb(t, 1, 2, DP_STICKY);
	op = pull_one(t);
	fakedp_carry_out(t->f, &op);
	forget(t, 1);
	dp_flush(t->d);
	dp_done(t->d, &op, 0, NULL);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	want_fdb(t, 1, 2, 0);
	op = pull_one(t);
	fakedp_carry_out(t->f, &op);
	fakedp_dest_del(t->f, &vtep);
	dp_flush(t->d);
	dp_done(t->d, &op, 0, NULL);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_fdb(t, 2, 2);
}

/* Nothing is given out while a VNI that goes waits for the last operation; that must not outlive its wait. */
static void vni_that_comes_back_while_an_operation_was_out_holds_nobody(void **state)
{
	struct dp_vni_params p = { .vni = 200, .bridge = "br200", .vxlan = "vxlan200" };
	struct bed *t = *state;
	struct dp_op op;

	fakedp_devices(t->f, 200, true, NULL);
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	want_fdb(t, 2, 2, 0);
	fakedp_settle(t->d);
	want_fdb(t, 1, 2, 0);
	op = pull_one(t);
	dp_vni_del(t->d, 200);
	dp_flush(t->d);
	want_fdb(t, 3, 2, 0);
	dp_done(t->d, &op, fakedp_carry_out(t->f, &op), NULL);
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_fdb(t, 3, 2);
}

static void bridge_row_deleted_by_another_comes_back_and_is_counted(void **state)
{
	struct bed *t = *state;
	struct dp_stats s;

	want_fdb(t, 1, 2, 0);
	fakedp_settle(t->d);
	forget(t, 1);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	dp_stats(t->d, &s);
	assert_int_equal(s.repairs, 1);
}

static void lost_object_brings_back_every_row_that_pointed_at_it(void **state)
{
	struct bed *t = *state;
	struct ip v = vtep_nr(2);
	struct dp_stats s;

	for (unsigned i = 1; i <= 20; i++)
		want_fdb(t, i, 2 + i % 2, 0);
	fakedp_settle(t->d);
	fakedp_dest_del(t->f, &v);
	fakedp_settle(t->d);
	for (unsigned i = 1; i <= 20; i++)
		assert_fdb(t, i, 2 + i % 2);
	dp_stats(t->d, &s);
	assert_int_equal(s.repairs, 10);
}

/* ---- foreign rows ----------------------------------------------------------------------------------------------- */

static void foreign_vxlan_row_blocks_unless_it_says_the_same(void **state)
{
	struct bed *t = *state;
	struct ip v2 = vtep_nr(2), v3 = vtep_nr(3);
	struct mac m = mac_nr(1);

	fakedp_vxlan_set(t->f, VNI, &m, &v2);
	fakedp_settle(t->d);
	want_fdb(t, 1, 3, 0);
	fakedp_settle(t->d);
	assert_non_null(shown(t, 1, "vxlan")->pending);
	assert_int_equal(shown(t, 1, "vxlan")->owner, DP_OWNER_FOREIGN);
	want_fdb(t, 1, 2, 0);
	fakedp_settle(t->d);
	assert_null(shown(t, 1, "vxlan")->pending);
	unwant_fdb(t, 1);
	fakedp_settle(t->d);
	assert_true(has_vxlan(t, 1));
	want_fdb(t, 1, 3, 0);
	fakedp_vxlan_del(t->f, VNI, &m, &v2);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 3);
	fakedp_vxlan_set(t->f, VNI, &(struct mac){ 0 }, &v3); /* a flood row */
	fakedp_settle(t->d);
	want_flood(t, 3, 0);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_flood(t->f, VNI, &v3).hand, FAKEDP_STATIC);
}

static void neighbours_by_other_hands_block_and_resolved_ones_are_local(void **state)
{
	struct bed *t = *state;
	struct ip h1 = host_nr(1), h2 = host_nr(2), h3 = host_nr(3), h4 = host_nr(4);
	struct mac m = mac_nr(1);

	fakedp_neigh_set(t->f, VNI, &h1, &m, FAKEDP_KERNEL, 0);
	fakedp_neigh_set(t->f, VNI, &h2, &m, FAKEDP_STATIC, DP_ROUTER);
	fakedp_neigh_set(t->f, VNI, &h3, &m, FAKEDP_EXTERN, 0);
	fakedp_neigh_set(t->f, VNI, &h4, &m, FAKEDP_KERNEL, 0);
	fakedp_settle(t->d);
	assert_true(t->b.ip[1]);
	assert_true(t->b.ip[2]);
	assert_int_equal(t->b.flags[2], DP_LOCAL_STATIC | DP_LOCAL_ROUTER);
	assert_false(t->b.ip[3]);
	want_neigh(t, 1, 9, 0);
	want_neigh(t, 2, 9, DP_TAKE_OVER);
	want_neigh(t, 3, 9, DP_TAKE_OVER);
	want_neigh(t, 4, 9, DP_TAKE_OVER);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h1).mac.b[5], 1);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h2).mac.b[5], 1);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h3).mac.b[5], 1);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h4).mac.b[5], 9);
	fakedp_neigh_del(t->f, VNI, &h1);
	fakedp_settle(t->d);
	assert_false(t->b.ip[1]);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h1).mac.b[5], 9);
}

static void resolved_neighbour_with_the_same_mac_becomes_ours(void **state)
{
	struct bed *t = *state;
	struct ip h = host_nr(1);
	struct mac m = mac_nr(1);

	fakedp_neigh_set(t->f, VNI, &h, &m, FAKEDP_KERNEL, 0);
	fakedp_settle(t->d);
	assert_true(t->b.ip[1]);
	want_neigh(t, 1, 1, 0);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_neigh(t->f, VNI, &h).hand, FAKEDP_US);
	assert_false(t->b.ip[1]);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void restart_adopts_rows_without_writing_them(void **state)
{
	struct bed *t = *state;
	unsigned before;

	for (unsigned i = 1; i <= 50; i++)
		want_fdb(t, i, 2 + i % 3, 0);
	want_flood(t, 2, 0);
	want_neigh(t, 1, 1, 0);
	fakedp_settle(t->d);
	stop(t, false);
	before = fakedp_writes(t->f);
	start(t);
	pass(t, 5000);
	for (unsigned i = 1; i <= 40; i++)
		want_fdb(t, i, 2 + i % 3, 0);
	want_flood(t, 2, 0);
	want_neigh(t, 1, 1, 0);
	fakedp_settle(t->d);
	assert_int_equal(fakedp_writes(t->f), before);
	for (unsigned i = 1; i <= 50; i++)
		assert_fdb(t, i, 2 + i % 3);
	pass(t, 5000); /* ten seconds: what nobody claimed goes */
	assert_int_equal(fakedp_writes(t->f), before + 10);
	assert_no_fdb(t, 50);
	assert_fdb(t, 40, 2 + 40 % 3);
}

static void sweep_on_request_takes_objects_without_rows_too(void **state)
{
	struct bed *t = *state;

	want_fdb(t, 1, 2, 0);
	want_fdb(t, 2, 3, 0);
	fakedp_settle(t->d);
	stop(t, false);
	start(t);
	want_fdb(t, 1, 4, 0); /* another VTEP now */
	fakedp_settle(t->d);
	assert_fdb(t, 1, 4);
	assert_fdb(t, 2, 3);
	dp_sweep(t->d);
	fakedp_settle(t->d);
	assert_no_fdb(t, 2);
	assert_int_equal(fakedp_dests(t->f), 1);
}

static void stop_without_flush_leaves_everything(void **state)
{
	struct bed *t = *state;

	want_fdb(t, 1, 2, 0);
	fakedp_settle(t->d);
	stop(t, false);
	assert_fdb(t, 1, 2);
	start(t);
}

static void device_that_vanishes_comes_back_with_its_rows(void **state)
{
	struct bed *t = *state;

	want_fdb(t, 1, 2, 0);
	want_flood(t, 2, 0);
	learn(t, 3, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	assert_int_equal(t->b.ifindex[3], PORT_A);
	fakedp_devices(t->f, VNI, false, NULL);
	fakedp_settle(t->d);
	assert_false(t->b.ready);
	assert_int_equal(t->b.ifindex[3], 0);
	assert_string_equal(shown(t, 1, "vxlan")->pending, "the devices are not ready");
	want_fdb(t, 4, 2, 0);
	fakedp_settle(t->d);
	fakedp_devices(t->f, VNI, true, NULL);
	fakedp_settle(t->d);
	assert_true(t->b.ready);
	assert_fdb(t, 1, 2);
	assert_fdb(t, 4, 2);
}

static void device_with_a_problem_is_not_ready_and_its_rows_are_verified_after(void **state)
{
	struct bed *t = *state;
	struct mac m = mac_nr(1);
	struct dp_vni_info i;

	want_fdb(t, 1, 2, 0);
	fakedp_settle(t->d);
	fakedp_devices(t->f, VNI, true, "vxlan100 is down");
	fakedp_settle(t->d);
	assert_false(t->b.ready);
	assert_true(dp_vni_info(t->d, VNI, &i));
	assert_string_equal(i.problem, "vxlan100 is down");
	assert_false(i.ready);
	fakedp_lose(t->f, VNI, &m); /* without an event */
	fakedp_devices(t->f, VNI, true, NULL);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
}

static void vni_that_is_taken_away_loses_our_rows_only(void **state)
{
	struct bed *t = *state;
	struct ip v3 = vtep_nr(3);
	struct mac m = mac_nr(2);

	want_fdb(t, 1, 2, 0);
	fakedp_vxlan_set(t->f, VNI, &m, &v3);
	learn(t, 3, PORT_A, FAKEDP_STATIC);
	fakedp_settle(t->d);
	dp_vni_del(t->d, VNI);
	fakedp_settle(t->d);
	assert_no_fdb(t, 1);
	assert_true(has_vxlan(t, 2));
	assert_int_equal(port_of(t, 3), PORT_A);
	assert_false(dp_vni_info(t->d, VNI, &(struct dp_vni_info){ 0 }));
}

static void vni_that_is_wanted_again_before_it_was_gone_keeps_what_is_wanted(void **state)
{
	struct bed *t = *state;
	struct dp_vni_params p = { .vni = VNI, .bridge = "br100", .vxlan = "vxlan100" };

	want_fdb(t, 1, 2, 0);
	want_fdb(t, 2, 2, 0);
	learn(t, 3, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	assert_int_equal(dp_vni_add(t->d, &p), -EEXIST);
	dp_vni_del(t->d, VNI);
	t->b.ifindex[3] = 0;
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	want_fdb(t, 2, 2, 0);
	fakedp_settle(t->d);
	assert_fdb(t, 2, 2);
	assert_int_equal(t->b.ifindex[3], PORT_A);
	dp_sweep(t->d);
	fakedp_settle(t->d);
	assert_no_fdb(t, 1);
}

static void refusal_is_told_once_waits_and_is_tried_again(void **state)
{
	struct bed *t = *state;
	struct dp_stats s;

	want_fdb(t, 9, 2, 0);
	fakedp_settle(t->d);
	fakedp_refuse(t->f, ENOSPC, 2);
	want_fdb(t, 1, 2, 0);
	fakedp_settle(t->d);
	assert_string_equal(t->last, "VNI 100: write FDB row of 02:00:00:00:00:01 to 192.0.2.2: refused: No space left on "
				     "device; the vxlan device takes no more rows (its maxaddress); next try in 1 s");
	assert_string_equal(shown(t, 1, "vxlan")->pending, "No space left on device");
	dp_stats(t->d, &s);
	assert_int_equal(s.errors, 1);
	assert_int_equal(s.dirty, 1);
	pass(t, 1000);
	assert_no_fdb(t, 1);
	pass(t, 1900);
	assert_no_fdb(t, 1);
	pass(t, 100);
	assert_fdb(t, 1, 2);
	assert_null(shown(t, 1, "vxlan")->pending);
}

/* Each has one line with the row, the reason and what helps; the row says the same, the rest goes on, and it comes in time. */
static void each_refusal_says_what_helps_and_the_rest_goes_on(void **state)
{
	static const struct {
		int err;
		const char *reason, *help;
	} refusals[] = {
		{ EPERM, "Operation not permitted", "it takes CAP_NET_ADMIN" },
		{ ENOSPC, "No space left on device", "the vxlan device takes no more rows (its maxaddress)" },
		{ EEXIST, "File exists", "another program's sticky row of this MAC is in the bridge" },
		{ ENODEV, "No such device", "its device is gone; when there is one again the row comes, too" },
		{ EINVAL, "Invalid argument", "this kernel may be too old for it" },
		{ EOPNOTSUPP, "Operation not supported", "this kernel may be too old for it" },
		{ ENOMEM, "Cannot allocate memory", "the kernel is out of memory for it" },
	};
	struct bed *t = *state;
	char line[256];

	want_fdb(t, 99, 2, 0); /* its destination is there */
	fakedp_settle(t->d);
	for (unsigned i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct mac mac = mac_nr(1 + i);

		fakedp_refuse(t->f, refusals[i].err, 3);
		want_fdb(t, 1 + i, 2, 0);
		fakedp_settle(t->d);
		want_fdb(t, 50 + i, 2, 0);
		snprintf(line, sizeof(line), "VNI 100: write FDB row of %s to 192.0.2.2: refused: %s; %s; next try in 1 s", mac_str(&mac).s,
			 refusals[i].reason, refusals[i].help);
		assert_string_equal(t->last, line);
		assert_string_equal(shown(t, 1 + i, "vxlan")->pending, refusals[i].reason);
		assert_string_equal(shown(t, 1 + i, "vxlan")->help, refusals[i].help);
		fakedp_refuse(t->f, 0, 0);
		fakedp_settle(t->d);
		assert_fdb(t, 50 + i, 2);
		pass(t, 1000);
		assert_fdb(t, 1 + i, 2);
		assert_null(shown(t, 1 + i, "vxlan")->pending);
		assert_null(shown(t, 1 + i, "vxlan")->help);
	}
	fakedp_refuse(t->f, ENOBUFS, 1);
	want_neigh(t, 1, 99, 0);
	fakedp_settle(t->d);
	assert_string_equal(t->last, "VNI 100: write neighbour row of 10.0.0.1 at 02:00:00:00:00:63: refused: No buffer space "
				     "available; net.ipv4.neigh.default.gc_thresh3 may be too low; next try in 1 s");
	pass(t, 1000);
}

static void refused_row_that_changes_is_tried_at_once(void **state)
{
	struct bed *t = *state;

	want_fdb(t, 9, 2, 0);
	want_fdb(t, 8, 3, 0);
	fakedp_settle(t->d);
	fakedp_refuse(t->f, ENOSPC, 1);
	want_fdb(t, 1, 2, 0);
	fakedp_settle(t->d);
	want_fdb(t, 1, 3, 0);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 3);
}

static void rows_wait_quietly_for_a_refused_destination(void **state)
{
	struct bed *t = *state;
	struct dp_stats s;

	fakedp_refuse(t->f, EPERM, 1);
	for (unsigned i = 1; i <= 40; i++)
		want_fdb(t, i, 2, 0);
	fakedp_settle(t->d);
	assert_string_equal(t->last, "write nexthop of VTEP 192.0.2.2: refused: Operation not permitted; it takes "
				     "CAP_NET_ADMIN; next try in 1 s");
	dp_stats(t->d, &s);
	assert_int_equal(s.errors, 1);
	pass(t, 1000);
	for (unsigned i = 1; i <= 40; i++)
		assert_fdb(t, i, 2);
}

static void overrun_relearns_local_rows_before_ours_are_made_true(void **state)
{
	struct bed *t = *state;
	struct mac m3 = mac_nr(3);
	struct dp_stats s;

	want_fdb(t, 1, 2, 0);
	want_fdb(t, 2, 2, 0);
	want_fdb(t, 3, 2, 0);
	learn(t, 4, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	fakedp_overrun(t->f);
	learn(t, 1, PORT_A, FAKEDP_KERNEL);
	learn(t, 2, PORT_B, FAKEDP_STATIC);
	fakedp_lose(t->f, VNI, &m3);
	forget(t, 4);
	fakedp_settle(t->d);
	assert_int_equal(port_of(t, 1), PORT_A);
	assert_int_equal(port_of(t, 2), PORT_B);
	assert_int_equal(t->b.ifindex[1], PORT_A);
	assert_int_equal(t->b.ifindex[2], PORT_B);
	assert_int_equal(t->b.ifindex[4], 0);
	assert_fdb(t, 3, 2);
	dp_stats(t->d, &s);
	assert_int_equal(s.overruns, 1);
}

static void show_yields_bridge_and_vxlan_rows_with_owners(void **state)
{
	struct bed *t = *state;
	struct dp_cursor c = { 0 };
	struct dp_row_info i;
	unsigned n = 0;

	want_fdb(t, 1, 2, 0);
	learn(t, 2, PORT_A, FAKEDP_KERNEL);
	learn(t, 3, PORT_A, FAKEDP_STATIC);
	want_flood(t, 2, 0);
	want_neigh(t, 1, 1, 0);
	fakedp_settle(t->d);
	while (dp_next(t->d, &c, 0, &i))
		n++;
	assert_int_equal(n, 6);
	assert_int_equal(shown(t, 1, "bridge")->owner, DP_OWNER_EVPND);
	assert_true(shown(t, 1, "bridge")->desired && shown(t, 1, "bridge")->observed);
	assert_int_equal(shown(t, 1, "bridge")->ifindex, 1200);
	assert_int_equal(shown(t, 2, "bridge")->owner, DP_OWNER_KERNEL);
	assert_int_equal(shown(t, 2, "bridge")->ifindex, PORT_A);
	assert_false(shown(t, 2, "bridge")->desired);
	assert_null(shown(t, 2, "vxlan"));
	assert_int_equal(shown(t, 3, "bridge")->owner, DP_OWNER_FOREIGN);
}

/* ---- many rows of one destination ------------------------------------------------------------------------------------ */

#define MASS 5u

static void want_mass(struct bed *t)
{
	t->d->rec.mass_min = MASS;
	for (unsigned m = 1; m <= MASS; m++)
		want_fdb(t, m, 2, 0);
	want_flood(t, 2, 0);
	want_fdb(t, 9, 3, 0);
	fakedp_settle(t->d);
}

static void unwant_mass(struct bed *t)
{
	for (unsigned m = 1; m <= MASS; m++)
		unwant_fdb(t, m);
}

/* Carries out what is to be done, which is these parts of n rows. */
static void carry_out(struct bed *t, unsigned n, unsigned parts)
{
	struct dp_op ops[16];

	assert_int_equal(dp_pull(t->d, ops, 16), n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(ops[i].type, DP_OP_DEL);
		assert_int_equal(ops[i].kind, DP_FDB);
		assert_int_equal(ops[i].parts, parts);
		dp_done(t->d, &ops[i], fakedp_carry_out(t->f, &ops[i]), NULL);
	}
}

static void vxlan_rows_of_a_vtep_that_nobody_wants_go_with_it(void **state)
{
	struct ip vtep = vtep_nr(2);
	struct dp_key flood = dp_key_flood(VNI, &vtep);
	struct bed *t = *state;

	want_mass(t);
	unwant_mass(t);
	carry_out(t, MASS, DP_PORT | DP_SELF); /* the flood row wants the VTEP still */
	want_mass(t);
	dp_unwant(t->d, &flood);
	unwant_mass(t);
	dp_flush(t->d);
	fakedp_settle(t->d);
	for (unsigned m = 1; m <= MASS; m++)
		assert_false(has_vxlan(t, m));
	want_mass(t);
	dp_unwant(t->d, &flood);
	fakedp_settle(t->d);
	unwant_mass(t);
	carry_out(t, MASS, DP_PORT);
	assert_true(has_vxlan(t, 1));
	fakedp_settle(t->d);
	for (unsigned m = 1; m <= MASS; m++)
		assert_false(has_vxlan(t, m));
	assert_int_equal(fakedp_dests(t->f), 1);
	assert_fdb(t, 9, 3);
}

static void vtep_that_is_wanted_again_leaves_its_rows_to_go_by_themselves(void **state)
{
	struct ip vtep = vtep_nr(2);
	struct dp_key flood = dp_key_flood(VNI, &vtep);
	struct bed *t = *state;

	want_mass(t);
	dp_unwant(t->d, &flood);
	fakedp_settle(t->d);
	unwant_mass(t);
	carry_out(t, MASS, DP_PORT);
	want_fdb(t, 1, 2, 0);
	want_fdb(t, 2, 3, 0);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_fdb(t, 2, 3);
	for (unsigned m = 3; m <= MASS; m++)
		assert_false(has_vxlan(t, m));
	assert_int_equal(fakedp_dests(t->f), 2);
}

static void in_a_burst_bridge_rows_go_first_and_vxlan_rows_with_their_vtep_or_after_it(void **state)
{
	struct ip vtep = vtep_nr(2);
	struct dp_key flood = dp_key_flood(VNI, &vtep);
	struct bed *t = *state;
	unsigned writes;

	for (int stays = 0; stays < 2; stays++) {
		want_mass(t);
		t->d->rec.burst_min = 0;
		unwant_mass(t); /* the flood row wants the VTEP still */
		carry_out(t, MASS, DP_PORT);
		pass(t, 600);
		assert_true(has_vxlan(t, 1));
		assert_int_equal(dp_backlog(t->d), 0);
		writes = fakedp_writes(t->f);
		t->d->rec.burst_min = 1000; /* it is over */
		if (stays) {
			pass(t, 600);
			assert_int_equal(fakedp_writes(t->f), writes + MASS);
		}
		dp_unwant(t->d, &flood);
		fakedp_settle(t->d);
		for (unsigned m = 1; m <= MASS; m++)
			assert_false(has_vxlan(t, m));
		if (!stays)
			assert_int_equal(fakedp_writes(t->f), writes + 2); /* the flood row, the VTEP */
	}
}

/* A row of a VNI whose devices are down cannot be deleted. */
static void row_that_cannot_go_holds_the_others_for_a_while_only(void **state)
{
	struct dp_vni_params p = { .vni = 200, .bridge = "br200", .vxlan = "vxlan200" };
	struct mac m = mac_nr(1);
	struct dp_row row = { .key = dp_key_fdb(200, &m), .vtep = vtep_nr(2) };
	struct bed *t = *state;

	fakedp_devices(t->f, 200, true, NULL);
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	fakedp_settle(t->d);
	t->d->rec.mass_min = MASS;
	for (unsigned i = 1; i <= MASS; i++)
		want_fdb(t, i, 2, 0);
	dp_want(t->d, &row);
	fakedp_settle(t->d);
	fakedp_devices(t->f, 200, true, "down");
	fakedp_settle(t->d);
	dp_unwant(t->d, &row.key);
	unwant_mass(t);
	fakedp_settle(t->d);
	assert_true(has_vxlan(t, 1));
	pass(t, 9900);
	assert_true(has_vxlan(t, 1));
	pass(t, 200);
	for (unsigned i = 1; i <= MASS; i++)
		assert_false(has_vxlan(t, i));
	fakedp_devices(t->f, 200, true, NULL);
	t->b.ready = true;
	fakedp_settle(t->d);
	assert_int_equal(fakedp_dests(t->f), 0);
}

static void reasserted_rows_are_written_again(void **state)
{
	struct mac m1 = mac_nr(1);
	struct bed *t = *state;
	unsigned writes;

	want_fdb(t, 1, 2, 0);
	want_fdb(t, 2, 2, 0);
	learn(t, 3, PORT_A, FAKEDP_KERNEL);
	fakedp_settle(t->d);
	fakedp_lose(t->f, VNI, &m1);
	writes = fakedp_writes(t->f);
	dp_reassert(t->d);
	fakedp_settle(t->d);
	assert_fdb(t, 1, 2);
	assert_int_equal(fakedp_writes(t->f), writes + 2);
}

/* ---- random ----------------------------------------------------------------------------------------------------- */

#define N_MACS 24u
#define N_STEPS 400

/* What the other hands have set up and must find as it was; kinds by MAC number. */
static enum fakedp_hand hand_of(unsigned mac)
{
	return mac % 8 == 5 ? FAKEDP_STATIC : mac % 8 == 6 ? FAKEDP_EXTERN : mac % 8 == 7 ? FAKEDP_OWN : FAKEDP_KERNEL;
}

#define N_SETS 3u

struct wish {
	unsigned vtep; /* 0: none */
};

/* Bits of the VTEPs in each set, 0: there is no such set. */
struct sets {
	unsigned members[N_SETS + 1];
};

static void set_put(struct bed *t, struct rng *r, struct sets *s, unsigned n)
{
	struct ip vteps[4];
	unsigned k = 0;

	s->members[n] = 1 + rng_below(r, 15);
	for (unsigned v = 0; v < 4; v++)
		if (s->members[n] >> v & 1)
			vteps[k++] = vtep_nr(1 + v);
	dp_set_put(t->d, n, vteps, k);
}

/* Before or after the wishes that go there. */
static void set_del(struct bed *t, struct rng *r, struct sets *s, struct wish *w, unsigned n)
{
	bool before = rng_below(r, 2);

	if (before)
		dp_set_del(t->d, n);
	if (rng_below(r, 2))
		dp_flush(t->d);
	for (unsigned i = 1; i <= N_MACS; i++) {
		if (w[i].vtep != SET + n)
			continue;
		w[i].vtep = 0;
		unwant_fdb(t, i);
	}
	if (!before)
		dp_set_del(t->d, n);
	s->members[n] = 0;
}

static void random_step(struct bed *t, struct rng *r, struct wish *w, struct sets *s)
{
	unsigned n = 1 + rng_below(r, N_SETS);
	unsigned m = 1 + rng_below(r, N_MACS);
	struct mac mac = mac_nr(m);
	struct ip v = vtep_nr(1 + rng_below(r, 4));

	switch (rng_below(r, 20)) {
	case 0:
	case 1:
	case 2:
	case 3:
		w[m].vtep = s->members[n] && rng_below(r, 2) ? SET + n : 1 + rng_below(r, 4);
		/* as evpn does: a MAC that is known to be local is taken over or left */
		if (rng_below(r, 2)) {
			want_fdb(t, m, w[m].vtep, DP_TAKE_OVER);
			t->b.ifindex[m] = 0;
		} else {
			want_fdb(t, m, w[m].vtep, 0);
		}
		if (rng_below(r, 4) == 0)
			want_fdb(t, m, w[m].vtep, rng_below(r, 2) ? DP_STICKY : 0);
		break;
	case 4:
		for (unsigned i = 1; i <= N_MACS; i++) { /* a VTEP has gone */
			if (w[i].vtep != v.b[3])
				continue;
			w[i].vtep = 0;
			unwant_fdb(t, i);
		}
		break;
	case 5:
		w[m].vtep = 0;
		unwant_fdb(t, m);
		break;
	case 6:
	case 7:
		learn(t, m, rng_below(r, 2) ? PORT_A : PORT_B, hand_of(m));
		break;
	case 8:
		if (hand_of(m) == FAKEDP_KERNEL)
			forget(t, m);
		break;
	case 9:
		fakedp_lose(t->f, VNI, &mac);
		fakedp_overrun(t->f);
		break;
	case 10:
		fakedp_dest_del(t->f, &v);
		break;
	case 11:
		fakedp_refuse(t->f, ENOSPC, rng_below(r, 4));
		break;
	case 12:
		fakedp_devices(t->f, VNI, true, rng_below(r, 2) ? "down" : NULL);
		break;
	case 13:
		pass(t, 100 * rng_below(r, 30));
		break;
	case 14:
	case 15:
		set_put(t, r, s, n);
		break;
	case 16:
		set_del(t, r, s, w, n);
		break;
	default:
		dp_flush(t->d);
	}
}

static void check_set(struct bed *t, unsigned m, unsigned members)
{
	struct mac mac = mac_nr(m);
	struct ip vteps[DP_SET_MAX];
	unsigned n = fakedp_vteps(t->f, VNI, &mac, vteps), found = 0;

	for (unsigned i = 0; i < n; i++)
		found |= 1u << (vteps[i].b[3] - 1);
	assert_int_equal(found, members);
}

static void check_row(struct bed *t, unsigned m, const struct wish *w, const struct sets *s)
{
	struct mac mac = mac_nr(m);
	struct fakedp_row b = fakedp_bridge(t->f, VNI, &mac);
	bool local = b.there && b.ifindex;

	if (local && b.hand != FAKEDP_OWN)
		assert_int_equal(t->b.ifindex[m], b.ifindex);
	else
		assert_int_equal(t->b.ifindex[m], 0);
	if (hand_of(m) != FAKEDP_KERNEL && local)
		assert_int_equal(b.hand, hand_of(m));
	if (!w[m].vtep)
		assert_false(has_vxlan(t, m) || (b.there && !b.ifindex));
	else if (!local && w[m].vtep >= SET)
		check_set(t, m, s->members[w[m].vtep - SET]);
	else if (!local)
		assert_fdb(t, m, w[m].vtep);
}

/* Many rows beside them that only what hits all of them touches: VTEP 5 or 6, by number. */
#define CROWD 1000u

static void crowd_wish(struct bed *t, unsigned crowd)
{
	for (unsigned i = 0; i < crowd; i++)
		want_fdb(t, CROWD + i, 5 + i % 2, 0);
}

static void crowd_check(struct bed *t, unsigned crowd)
{
	for (unsigned i = 0; i < crowd; i++)
		assert_fdb(t, CROWD + i, 5 + i % 2);
}

static void random_run(uint64_t seed, unsigned crowd)
{
	struct wish w[N_MACS + 1] = { { 0 } };
	struct sets s = { { 0 } };
	struct rng r = { seed };
	struct bed *t;
	void *state;

	setup(&state);
	t = state;
	t->d->rec.mass_min = rng_below(&r, 2) ? 1 : 1000;
	t->d->rec.burst_min = rng_below(&r, 2) ? 1 : 1000;
	if (rng_below(&r, 2))
		fakedp_late(t->f, rng_u64(&r));
	crowd_wish(t, crowd);
	for (unsigned i = 0; i < N_STEPS; i++)
		random_step(t, &r, w, &s);
	fakedp_refuse(t->f, 0, 0);
	fakedp_devices(t->f, VNI, true, NULL);
	for (unsigned i = 0; i < 200; i++)
		pass(t, 1000);
	for (unsigned m = 1; m <= N_MACS; m++)
		check_row(t, m, w, &s);
	crowd_check(t, crowd);
	teardown(&state);
}

static void random_edits_end_with_desired_equal_to_observed(void **state)
{
	struct rng r = rng_start("reconcile");
	const char *n = getenv("RECONCILE_RUNS"), *rows = getenv("RECONCILE_ROWS");

	for (unsigned i = 0; i < (n ? strtoul(n, NULL, 10) : 300); i++)
		random_run(rng_u64(&r), rows ? (unsigned)strtoul(rows, NULL, 10) : rng_below(&r, 16) ? 0 : 500);
}

/* ---- rows on demand ------------------------------------------------------------------------------------------------ */

/* The backend says that the vxlan row is gone by its age. */
static void age(struct bed *t, unsigned mac, enum dp_age age)
{
	struct dp_seen s = { .vni = rows_vni_find(&t->d->rec.rows, VNI), .kind = DP_FDB, .part = DP_SELF, .state = DP_SEEN_NONE,
			     .mac = mac_nr(mac), .age = (uint8_t)age };

	fakedp_lose(t->f, VNI, &s.mac);
	dp_seen(t->d, &s);
	fakedp_settle(t->d);
}

static void row_that_is_not_used_goes_with_its_wish(void **state)
{
	struct bed *t = *state;
	struct dp_stats st;

	want_fdb(t, 1, 2, DP_ON_DEMAND);
	fakedp_settle(t->d);
	assert_int_equal(t->b.placed, 1);
	age(t, 1, DP_AGE_UNUSED);
	assert_int_equal(t->b.idle, 1);
	assert_int_equal(fdb(t, 1).len, 0);
	assert_int_equal(fakedp_rows(t->f, VNI, FAKEDP_US), 0); /* the bridge row, too */
	dp_stats(t->d, &st);
	assert_int_equal(st.rows, 0);
	assert_int_equal(st.repairs, 0);
}

static void row_whose_time_is_over_in_use_is_written_again(void **state)
{
	struct bed *t = *state;
	struct dp_stats st;

	want_fdb(t, 1, 2, DP_ON_DEMAND);
	fakedp_settle(t->d);
	age(t, 1, DP_AGE_USED);
	assert_int_equal(t->b.idle, 0);
	assert_int_equal(t->b.placed, 2);
	assert_true(fdb(t, 1).len);
	dp_stats(t->d, &st);
	assert_int_equal(st.repairs, 0);
}

static void age_of_a_row_that_is_wished_for_always_is_a_loss(void **state)
{
	struct bed *t = *state;
	struct dp_stats st;

	want_fdb(t, 1, 2, 0);
	fakedp_settle(t->d);
	age(t, 1, DP_AGE_UNUSED);
	assert_int_equal(t->b.idle, 0);
	assert_true(fdb(t, 1).len);
	dp_stats(t->d, &st);
	assert_int_equal(st.repairs, 1);
}

static void wish_in_the_same_turn_as_its_end_stays(void **state)
{
	struct bed *t = *state;
	struct dp_seen s = { .vni = rows_vni_find(&t->d->rec.rows, VNI), .kind = DP_FDB, .part = DP_SELF, .state = DP_SEEN_NONE,
			     .mac = mac_nr(1), .age = DP_AGE_UNUSED };

	want_fdb(t, 1, 2, DP_ON_DEMAND);
	fakedp_settle(t->d);
	fakedp_lose(t->f, VNI, &s.mac);
	dp_seen(t->d, &s);
	want_fdb(t, 1, 3, DP_ON_DEMAND);
	fakedp_settle(t->d);
	assert_int_equal(t->b.idle, 0);
	assert_true(fdb(t, 1).len);
}

static void row_of_an_earlier_run_is_asked_for_and_then_goes(void **state)
{
	struct bed *t = *state;

	want_fdb(t, 1, 2, DP_ON_DEMAND);
	want_fdb(t, 2, 2, DP_ON_DEMAND);
	fakedp_settle(t->d);
	stop(t, false);
	start(t);
	want_fdb(t, 2, 2, DP_ON_DEMAND);
	pass(t, DP_SWEEP_MS);
	assert_int_equal(t->b.missed, 1);
	assert_int_equal(fdb(t, 1).len, 0);
	assert_true(fdb(t, 2).len);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(row_that_is_not_used_goes_with_its_wish),
		T(row_whose_time_is_over_in_use_is_written_again),
		T(age_of_a_row_that_is_wished_for_always_is_a_loss),
		T(wish_in_the_same_turn_as_its_end_stays),
		T(row_of_an_earlier_run_is_asked_for_and_then_goes),
		T(foreign_rows_get_no_destination_of_ours),
		T(refused_row_that_became_foreign_is_let_go),
		T(want_then_unwant_writes_and_deletes_both_rows),
		T(same_wish_twice_is_one_write),
		T(wishes_between_two_flushes_cost_one_write),
		T(want_and_unwant_unwritten_costs_nothing),
		T(wish_with_another_vtep_moves_the_row),
		T(flood_row_with_a_label_changes_label),
		T(neighbour_row_follows_its_wish),
		T(local_mac_is_told_with_its_port_and_kind),
		T(mac_learned_from_the_tunnel_is_told_until_a_port_or_a_wish_has_it),
		T(mac_learned_from_the_tunnel_ends_with_its_row),
		T(row_of_a_local_mac_is_not_written_until_it_ages),
		T(take_over_writes_over_a_dynamic_row_without_an_event),
		T(take_over_never_goes_over_another_hand),
		T(host_that_comes_back_after_take_over_is_told_and_not_taken_again),
		T(take_over_does_not_reach_what_evpn_has_not_heard_of),
		T(local_event_between_take_over_and_its_write_counts_for_more),
		T(end_of_a_row_on_a_port_that_it_has_left_says_nothing),
		T(take_over_taken_back_before_the_write_tells_the_local_mac_again),
		T(roaming_host_leaves_the_bridge_row_alone_and_loses_the_vxlan_row),
		T(local_event_queued_behind_our_write_gives_the_row_back),
		T(local_event_while_our_write_is_out_is_local_or_gives_the_row_back),
		T(row_deleted_by_another_while_our_write_is_out_comes_back),
		T(vni_that_comes_back_while_an_operation_was_out_holds_nobody),
		T(bridge_row_deleted_by_another_comes_back_and_is_counted),
		T(lost_object_brings_back_every_row_that_pointed_at_it),
		T(foreign_vxlan_row_blocks_unless_it_says_the_same),
		T(neighbours_by_other_hands_block_and_resolved_ones_are_local),
		T(resolved_neighbour_with_the_same_mac_becomes_ours),
		T(restart_adopts_rows_without_writing_them),
		T(sweep_on_request_takes_objects_without_rows_too),
		T(stop_without_flush_leaves_everything),
		T(device_that_vanishes_comes_back_with_its_rows),
		T(device_with_a_problem_is_not_ready_and_its_rows_are_verified_after),
		T(vni_that_is_taken_away_loses_our_rows_only),
		T(vni_that_is_wanted_again_before_it_was_gone_keeps_what_is_wanted),
		T(refusal_is_told_once_waits_and_is_tried_again),
		T(each_refusal_says_what_helps_and_the_rest_goes_on),
		T(refused_row_that_changes_is_tried_at_once),
		T(rows_wait_quietly_for_a_refused_destination),
		T(overrun_relearns_local_rows_before_ours_are_made_true),
		T(show_yields_bridge_and_vxlan_rows_with_owners),
		T(vxlan_rows_of_a_vtep_that_nobody_wants_go_with_it),
		T(vtep_that_is_wanted_again_leaves_its_rows_to_go_by_themselves),
		T(in_a_burst_bridge_rows_go_first_and_vxlan_rows_with_their_vtep_or_after_it),
		T(row_that_cannot_go_holds_the_others_for_a_while_only),
		T(reasserted_rows_are_written_again),
		cmocka_unit_test(random_edits_end_with_desired_equal_to_observed),
	};

	return RUN_TESTS(tests);
}

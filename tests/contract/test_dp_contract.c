/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What every dataplane backend must do, over every backend there is: the fake always, the kernel's in a network namespace
 * of the test's own (as root; skipped otherwise). What is there is read by iproute2, not by ourselves.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/dpworld.h"
#include "tests/lib/test.h"

/* What evpn would believe, by the last two octets of a MAC and the last of an address. */
struct belief {
	unsigned ifindex[65536];
	uint8_t flags[65536];
	bool ip[256];
	unsigned macs_gone;
	bool ready;
};

struct bed {
	struct world *w;
	struct dp *d;
	struct log log;
	struct belief b;
	char lines[4096];
};

static unsigned low(const struct mac *m)
{
	return (unsigned)m->b[4] << 8 | m->b[5];
}

static void on_mac(void *ctx, uint32_t vni, const struct mac *mac, unsigned ifindex, uint8_t flags)
{
	struct belief *b = ctx;

	if (mac->b[0] != 2 || mac->b[1])
		return; /* the hosts' own veths speak, too */
	b->ifindex[low(mac)] = ifindex;
	b->flags[low(mac)] = flags;
}

static void on_mac_gone(void *ctx, uint32_t vni, const struct mac *mac)
{
	struct belief *b = ctx;

	if (mac->b[0] != 2 || mac->b[1])
		return;
	b->macs_gone++;
	b->ifindex[low(mac)] = 0;
}

static void on_ip(void *ctx, uint32_t vni, const struct ip *ip, const struct mac *mac, uint8_t flags)
{
	((struct belief *)ctx)->ip[ip->b[ip->len - 1]] = true;
}

static void on_ip_gone(void *ctx, uint32_t vni, const struct ip *ip)
{
	((struct belief *)ctx)->ip[ip->b[ip->len - 1]] = false;
}

static void on_ready(void *ctx, uint32_t vni, bool ready)
{
	((struct belief *)ctx)->ready = ready;
}

static void on_line(void *ctx, enum log_level level, enum log_subsys sub, const char *line)
{
	struct bed *t = ctx;
	size_t n = strlen(t->lines);

	snprintf(t->lines + n, sizeof(t->lines) - n, "%s\n", line);
	if (getenv("VERBOSE"))
		fprintf(stderr, "%s\n", line);
}

static struct dp_port_params ports[] = { { .name = "p1" }, { .name = "p2" } };

static struct dp_vni_params params(void)
{
	return (struct dp_vni_params){
		.vni = WORLD_VNI, .bridge = "br100", .vxlan = "vxlan100", .vtep = ip_v4(0xc0000201), .udp_port = 4789,
		.ports = ports, .n_ports = 2, .neigh_suppress = true
	};
}

static void settle(struct bed *t)
{
	t->w->settle(t->w, t->d);
	t->w->look(t->w);
}

static void start_with(struct bed *t, const struct dp_vni_params *p)
{
	struct dp_events ev = { on_mac, on_mac_gone, on_ip, on_ip_gone, on_ready, &t->b };

	memset(&t->b, 0, sizeof(t->b));
	log_init(&t->log, LOG_INFO);
	t->log.sink = on_line;
	t->log.ctx = t;
	t->d = dp_new(t->w->ops(t->w), t->w->loop, &t->log, &ev);
	assert_non_null(t->d);
	assert_int_equal(dp_vni_add(t->d, p), 0);
	settle(t);
}

static void start(struct bed *t)
{
	struct dp_vni_params p = params();

	start_with(t, &p);
}

static void stop(struct bed *t, bool flush)
{
	dp_free(t->d, flush);
	t->d = NULL;
	t->w->look(t->w);
}

static int setup_bare(void **state, struct world *w)
{
	struct bed *t = calloc(1, sizeof(*t));

	t->w = w;
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct bed *t = *state;

	if (t->w) {
		if (t->d)
			stop(t, true);
		t->w->free(t->w);
	}
	free(t);
	return 0;
}

static int bare_fake(void **state)
{
	return setup_bare(state, world_fake());
}

static int bare_kernel(void **state)
{
	return setup_bare(state, world_kernel(false));
}

static int running_fake(void **state)
{
	bare_fake(state);
	start(*state);
	return 0;
}

static int running_kernel(void **state)
{
	struct bed *t;

	bare_kernel(state);
	t = *state;
	if (t->w)
		start(t);
	return 0;
}

#define NEEDS_WORLD(t)                                                                                                 \
	do {                                                                                                           \
		if (!(t)->w) {                                                                                         \
			print_message("skipped: a network namespace takes CAP_SYS_ADMIN\n");                           \
			skip();                                                                                        \
		}                                                                                                      \
	} while (0)

/* ---- words ------------------------------------------------------------------------------------------------------- */

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

static struct ip ip_of(const char *s)
{
	struct ip ip = ip_none();

	assert_true(ip_parse(s, &ip));
	return ip;
}

static void want_fdb_to(struct bed *t, unsigned mac, struct ip vtep, uint8_t flags)
{
	struct mac m = mac_nr(mac);
	struct dp_row row = { .key = dp_key_fdb(WORLD_VNI, &m), .vtep = vtep, .flags = flags };

	dp_want(t->d, &row);
}

static void want_fdb(struct bed *t, unsigned mac, unsigned vtep, uint8_t flags)
{
	want_fdb_to(t, mac, vtep_nr(vtep), flags);
}

static void unwant_fdb(struct bed *t, unsigned mac)
{
	struct mac m = mac_nr(mac);
	struct dp_key k = dp_key_fdb(WORLD_VNI, &m);

	dp_unwant(t->d, &k);
}

static void want_flood(struct bed *t, struct ip vtep)
{
	struct dp_row row = { .key = dp_key_flood(WORLD_VNI, &vtep) };

	dp_want(t->d, &row);
}

static void want_neigh(struct bed *t, struct ip ip, unsigned mac)
{
	struct dp_row row = { .key = dp_key_neigh(WORLD_VNI, &ip), .mac = mac_nr(mac) };

	dp_want(t->d, &row);
}

static void learn(struct bed *t, unsigned mac, unsigned port, enum fakedp_hand hand)
{
	struct mac m = mac_nr(mac);

	t->w->learn(t->w, &m, port, hand);
}

static unsigned port_of(struct bed *t, unsigned mac)
{
	struct mac m = mac_nr(mac);

	return t->w->port(t->w, &m);
}

static const char *fdb(struct bed *t, unsigned mac)
{
	static struct ip_str s[4];
	static unsigned n;
	struct mac m = mac_nr(mac);
	struct ip ip = t->w->fdb(t->w, &m);

	s[++n % 4] = ip_str(&ip);
	return s[n % 4].s;
}

static bool flood(struct bed *t, const char *vtep)
{
	struct ip ip = ip_of(vtep);

	return t->w->flood(t->w, &ip);
}

static unsigned neighbour(struct bed *t, struct ip ip)
{
	struct mac m;

	return t->w->neighbour(t->w, &ip, &m) ? low(&m) : 0;
}

static struct dp_vni_info info(struct bed *t)
{
	struct dp_vni_info i;

	assert_true(dp_vni_info(t->d, WORLD_VNI, &i));
	return i;
}

static struct dp_stats stats(struct bed *t)
{
	struct dp_stats s;

	dp_stats(t->d, &s);
	return s;
}

/* ---- every backend ------------------------------------------------------------------------------------------------ */

static void rows_appear_and_vanish(void **state)
{
	struct bed *t = *state;
	struct ip v6 = ip_of("fd00::7"), v4 = host_nr(7), vtep = vtep_nr(2);
	struct mac m = mac_nr(1);
	struct dp_key keys[] = { dp_key_fdb(WORLD_VNI, &m), dp_key_flood(WORLD_VNI, &vtep),
				 dp_key_neigh(WORLD_VNI, &v4), dp_key_neigh(WORLD_VNI, &v6) };

	NEEDS_WORLD(t);
	want_fdb(t, 1, 2, 0);
	want_flood(t, vtep_nr(2));
	want_flood(t, vtep_nr(3));
	want_neigh(t, v4, 1);
	want_neigh(t, v6, 1);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	assert_true(flood(t, "192.0.2.2"));
	assert_true(flood(t, "192.0.2.3"));
	assert_int_equal(neighbour(t, v4), 1);
	assert_int_equal(neighbour(t, v6), 1);
	want_fdb(t, 1, 3, 0);
	want_neigh(t, v4, 2);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.3");
	assert_int_equal(neighbour(t, v4), 2);
	for (unsigned i = 0; i < 4; i++)
		dp_unwant(t->d, &keys[i]);
	settle(t);
	assert_string_equal(fdb(t, 1), "");
	assert_false(flood(t, "192.0.2.2"));
	assert_true(flood(t, "192.0.2.3"));
	assert_int_equal(neighbour(t, v4), 0);
	assert_int_equal(neighbour(t, v6), 0);
	assert_int_equal(stats(t).errors, 0);
	assert_int_equal(stats(t).rows, 1);
}

static void devices_that_say_the_same_are_adopted(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	t->w->make_devices(t->w, "same");
	start(t);
	assert_int_equal(info(t).vxlan_state, DP_DEV_ADOPTED);
	assert_int_equal(info(t).bridge_state, DP_DEV_ADOPTED);
	assert_null(info(t).problem);
	assert_true(t->b.ready);
	want_fdb(t, 1, 2, 0);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	stop(t, true);
	assert_string_equal(fdb(t, 1), "");
}

static void device_that_contradicts_is_reported(void **state)
{
	static const char *const cases[][2] = {
		{ "vni", "vxlan100 has VNI 200, expected 100" },
		{ "local", "vxlan100 has local address 192.0.2.9, expected 192.0.2.1" },
		{ "port", "vxlan100 has UDP port 8472, expected 4789" },
	};
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned i = 0; i < 3; i++) {
		t->w->make_devices(t->w, cases[i][0]);
		start(t);
		assert_int_equal(info(t).vxlan_state, DP_DEV_CONFLICT);
		assert_string_equal(info(t).problem, cases[i][1]);
		assert_false(t->b.ready);
		want_fdb(t, 1, 2, 0);
		t->w->settle(t->w, t->d);
		stop(t, false);
		assert_string_equal(fdb(t, 1), "");
		t->w->delete_devices(t->w);
	}
}

static void deleted_devices_come_back_with_their_rows(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned i = 1; i <= 20; i++)
		want_fdb(t, i, 2 + i % 3, 0);
	want_flood(t, vtep_nr(2));
	want_neigh(t, host_nr(1), 1);
	learn(t, 99, 1, FAKEDP_KERNEL);
	settle(t);
	assert_int_equal(t->w->count(t->w), 20);
	assert_int_equal(t->b.ifindex[99], t->w->ifindex(t->w, 1));
	t->w->delete_devices(t->w);
	settle(t);
	settle(t);
	assert_true(t->b.ready);
	assert_int_equal(t->b.ifindex[99], 0);
	for (unsigned i = 1; i <= 20; i++) {
		struct ip v = vtep_nr(2 + i % 3);

		assert_string_equal(fdb(t, i), ip_str(&v).s);
	}
	assert_true(flood(t, "192.0.2.2"));
	assert_int_equal(neighbour(t, host_nr(1)), 1);
}

static void foreign_rows_are_left_alone(void **state)
{
	struct bed *t = *state;
	struct ip v9 = vtep_nr(9), h = host_nr(1);
	struct mac m5 = mac_nr(5), m1 = mac_nr(1), zero = { 0 };

	NEEDS_WORLD(t);
	t->w->foreign(t->w, &m5, &v9);
	t->w->foreign(t->w, &zero, &v9);
	t->w->neigh(t->w, &h, &m1, FAKEDP_EXTERN);
	learn(t, 6, 2, FAKEDP_STATIC);
	settle(t);
	want_fdb(t, 5, 2, 0);
	want_fdb(t, 6, 2, DP_TAKE_OVER);
	want_neigh(t, h, 9);
	settle(t);
	assert_int_equal(port_of(t, 6), 2);
	assert_int_equal(neighbour(t, h), 1);
	assert_int_equal(stats(t).rows_there, 0);
	unwant_fdb(t, 5);
	stop(t, false);
	assert_true(flood(t, "192.0.2.9"));
	assert_int_equal(neighbour(t, h), 1);
	assert_int_equal(port_of(t, 6), 2);
	start(t);
	dp_sweep(t->d);
	settle(t);
	assert_true(flood(t, "192.0.2.9"));
	assert_int_equal(port_of(t, 6), 2);
}

static void local_rows_of_every_kind_are_told(void **state)
{
	struct bed *t = *state;
	struct ip h1 = host_nr(1), h2 = host_nr(2), h3 = ip_of("fd00::3");
	struct mac m = mac_nr(1);

	NEEDS_WORLD(t);
	learn(t, 1, 1, FAKEDP_KERNEL);
	learn(t, 2, 2, FAKEDP_STATIC);
	learn(t, 3, 2, FAKEDP_EXTERN);
	learn(t, 4, 1, FAKEDP_OWN);
	t->w->neigh(t->w, &h1, &m, FAKEDP_KERNEL);
	t->w->neigh(t->w, &h2, &m, FAKEDP_STATIC);
	t->w->neigh(t->w, &h3, &m, FAKEDP_KERNEL);
	settle(t);
	assert_int_equal(t->b.ifindex[1], t->w->ifindex(t->w, 1));
	assert_int_equal(t->b.flags[1], 0);
	assert_int_equal(t->b.ifindex[2], t->w->ifindex(t->w, 2));
	assert_int_equal(t->b.flags[2], DP_LOCAL_STATIC);
	assert_int_equal(t->b.ifindex[3], t->w->ifindex(t->w, 2));
	assert_int_equal(t->b.ifindex[4], 0);
	assert_true(t->b.ip[1]);
	assert_true(t->b.ip[2]);
	assert_true(t->b.ip[3]);
	stop(t, false);
	start(t); /* and from the dump at the start */
	assert_int_equal(t->b.ifindex[1], t->w->ifindex(t->w, 1));
	assert_int_equal(t->b.flags[2], DP_LOCAL_STATIC);
	assert_int_equal(t->b.ifindex[3], t->w->ifindex(t->w, 2));
	assert_int_equal(t->b.ifindex[4], 0);
	assert_true(t->b.ip[1] && t->b.ip[2] && t->b.ip[3]);
	m = mac_nr(1);
	t->w->forget(t->w, &m, 1);
	t->w->neigh(t->w, &h1, NULL, 0);
	settle(t);
	assert_int_equal(t->b.ifindex[1], 0);
	assert_false(t->b.ip[1]);
	assert_int_equal(t->b.macs_gone, 1);
}

static void mac_that_moves_between_ports_is_told(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	learn(t, 1, 1, FAKEDP_KERNEL);
	settle(t);
	learn(t, 1, 2, FAKEDP_KERNEL);
	settle(t);
	assert_int_equal(t->b.ifindex[1], t->w->ifindex(t->w, 2));
}

static void local_mac_blocks_until_it_moved_away(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	learn(t, 1, 1, FAKEDP_KERNEL);
	settle(t);
	want_fdb(t, 1, 2, 0);
	settle(t);
	assert_int_equal(port_of(t, 1), 1);
	assert_string_equal(fdb(t, 1), "");
	want_fdb(t, 1, 2, DP_TAKE_OVER);
	settle(t);
	assert_string_equal(fdb(t, 1), "192.0.2.2");
	learn(t, 1, 2, FAKEDP_KERNEL); /* it comes back */
	settle(t);
	assert_int_equal(t->b.ifindex[1], t->w->ifindex(t->w, 2));
	assert_int_equal(port_of(t, 1), 2);
	unwant_fdb(t, 1);
	settle(t);
	assert_int_equal(port_of(t, 1), 2);
	assert_string_equal(fdb(t, 1), "");
}

static void restart_adopts_without_a_write_and_sweeps_what_nobody_claims(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned i = 1; i <= 100; i++)
		want_fdb(t, i, 2 + i % 3, i % 10 ? 0 : DP_STICKY);
	for (unsigned i = 2; i <= 4; i++)
		want_flood(t, vtep_nr(i));
	want_neigh(t, host_nr(1), 1);
	want_neigh(t, host_nr(2), 2);
	settle(t);
	assert_int_equal(stats(t).rows_there, 105);
	stop(t, false);
	start(t);
	assert_string_equal(fdb(t, 1), "192.0.2.3");
	for (unsigned i = 1; i <= 90; i++)
		want_fdb(t, i, 2 + i % 3, i % 10 ? 0 : DP_STICKY);
	for (unsigned i = 2; i <= 3; i++)
		want_flood(t, vtep_nr(i));
	want_neigh(t, host_nr(1), 1);
	settle(t);
	assert_int_equal(stats(t).writes, 0);
	assert_int_equal(stats(t).rows_there, 93);
	assert_string_equal(fdb(t, 100), "192.0.2.3");
	assert_true(flood(t, "192.0.2.4"));
	dp_sweep(t->d);
	settle(t);
	assert_string_equal(fdb(t, 100), "");
	assert_string_equal(fdb(t, 90), "192.0.2.2");
	assert_false(flood(t, "192.0.2.4"));
	assert_int_equal(neighbour(t, host_nr(2)), 0);
	assert_int_equal(neighbour(t, host_nr(1)), 1);
	assert_int_equal(stats(t).writes, 12);
}

static void flush_on_stop_leaves_nothing(void **state)
{
	struct bed *t = *state;

	NEEDS_WORLD(t);
	want_fdb(t, 1, 2, 0);
	want_flood(t, vtep_nr(2));
	want_neigh(t, host_nr(1), 1);
	settle(t);
	stop(t, true);
	assert_string_equal(fdb(t, 1), "");
	assert_false(flood(t, "192.0.2.2"));
	assert_int_equal(neighbour(t, host_nr(1)), 0);
}

static void object_that_is_deleted_comes_back_with_its_rows(void **state)
{
	struct bed *t = *state;
	struct ip v = vtep_nr(2);

	NEEDS_WORLD(t);
	for (unsigned i = 1; i <= 30; i++)
		want_fdb(t, i, 2, 0);
	settle(t);
	t->w->kill_object(t->w, &v);
	settle(t);
	for (unsigned i = 1; i <= 30; i++)
		assert_string_equal(fdb(t, i), "192.0.2.2");
	assert_int_equal(stats(t).repairs, 30);
	assert_int_equal(stats(t).errors, 0);
}

static void ten_thousand_rows_come_and_go(void **state)
{
	enum { N = 10000 };
	struct bed *t = *state;

	NEEDS_WORLD(t);
	for (unsigned i = 1; i <= N; i++)
		want_fdb(t, i, 2 + i % 50, 0);
	settle(t);
	assert_int_equal(t->w->count(t->w), N);
	assert_int_equal(stats(t).rows_there, N);
	for (unsigned i = 1; i <= N; i++) {
		struct ip v = vtep_nr(2 + i % 50);

		assert_string_equal(fdb(t, i), ip_str(&v).s);
	}
	for (unsigned i = 1; i <= N; i++)
		unwant_fdb(t, i);
	settle(t);
	assert_int_equal(t->w->count(t->w), 0);
	assert_int_equal(stats(t).rows, 0);
	assert_int_equal(stats(t).errors, 0);
	assert_int_equal(stats(t).repairs, 0);
}

#define BOTH(name)                                                                                                     \
	{ #name " (fake)", name, running_fake, teardown, NULL }, { #name " (kernel)", name, running_kernel, teardown, NULL }
#define BOTH_BARE(name)                                                                                                \
	{ #name " (fake)", name, bare_fake, teardown, NULL }, { #name " (kernel)", name, bare_kernel, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(rows_appear_and_vanish),
		BOTH_BARE(devices_that_say_the_same_are_adopted),
		BOTH_BARE(device_that_contradicts_is_reported),
		BOTH(deleted_devices_come_back_with_their_rows),
		BOTH(foreign_rows_are_left_alone),
		BOTH(local_rows_of_every_kind_are_told),
		BOTH(mac_that_moves_between_ports_is_told),
		BOTH(local_mac_blocks_until_it_moved_away),
		BOTH(restart_adopts_without_a_write_and_sweeps_what_nobody_claims),
		BOTH(flush_on_stop_leaves_nothing),
		BOTH(object_that_is_deleted_comes_back_with_its_rows),
		BOTH(ten_thousand_rows_come_and_go),
	};

	return RUN_TESTS(tests);
}

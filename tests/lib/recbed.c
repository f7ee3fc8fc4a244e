/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/lib/recbed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

static void on_mac(void *ctx, uint32_t vni, const struct mac *mac, unsigned ifindex, uint8_t flags)
{
	struct recbed_belief *b = ctx;

	assert_int_equal(vni, VNI);
	b->events++;
	b->ifindex[mac->b[5]] = ifindex;
	b->flags[mac->b[5]] = flags;
}

static void on_mac_gone(void *ctx, uint32_t vni, const struct mac *mac)
{
	struct recbed_belief *b = ctx;

	b->events++;
	b->macs_gone++;
	b->ifindex[mac->b[5]] = 0;
}

static void on_ip(void *ctx, uint32_t vni, const struct ip *ip, const struct mac *mac, uint8_t flags)
{
	struct recbed_belief *b = ctx;

	b->events++;
	b->ip[ip->b[3]] = true;
	b->flags[ip->b[3]] = flags;
}

static void on_ip_gone(void *ctx, uint32_t vni, const struct ip *ip)
{
	struct recbed_belief *b = ctx;

	b->events++;
	b->ips_gone++;
	b->ip[ip->b[3]] = false;
}

static void on_far(void *ctx, uint32_t vni, const struct mac *mac, const struct ip *vtep)
{
	struct recbed_belief *b = ctx;

	b->fars++;
	b->far[mac->b[5]] = *vtep;
	assert_int_equal(b->ifindex[mac->b[5]], 0); /* what held before has ended */
}

static void on_far_gone(void *ctx, uint32_t vni, const struct mac *mac)
{
	struct recbed_belief *b = ctx;

	b->fars_gone++;
	b->far[mac->b[5]] = ip_none();
}

static void on_ready(void *ctx, uint32_t vni, bool ready)
{
	struct recbed_belief *b = ctx;

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
	((struct recbed_belief *)ctx)->missed++;
}

static void on_demand(void *ctx, uint32_t vni, const struct mac *mac, bool there)
{
	struct recbed_belief *b = ctx;

	b->placed += there;
	b->idle += !there;
}

static void keep_line(void *ctx, enum log_level level, enum log_subsys sub, const char *line)
{
	snprintf(((struct recbed *)ctx)->last, sizeof(((struct recbed *)0)->last), "%s", line);
}

void recbed_start(struct recbed *t)
{
	struct dp_events ev = { .local_mac = on_mac,
				.local_mac_gone = on_mac_gone,
				.local_ip = on_ip,
				.local_ip_gone = on_ip_gone,
				.vni_ready = on_ready,
				.ctx = &t->b,
				.tunnel_mac = on_far,
				.tunnel_mac_gone = on_far_gone,
				.miss = on_miss,
				.demand = on_demand };
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

void recbed_stop(struct recbed *t, bool flush)
{
	dp_free(t->d, flush);
	t->d = NULL;
}

int recbed_setup(void **state)
{
	struct recbed *t = calloc(1, sizeof(*t));

	t->f = fakedp_new();
	t->now = (struct mtime){ 1000000 };
	recbed_start(t);
	*state = t;
	return 0;
}

int recbed_teardown(void **state)
{
	struct recbed *t = *state;

	assert_int_equal(fakedp_trampled(t->f), 0);
	if (t->d)
		recbed_stop(t, true);
	assert_int_equal(fakedp_rows(t->f, VNI, FAKEDP_US), 0);
	assert_int_equal(fakedp_dests(t->f), 0);
	assert_int_equal(fakedp_trampled(t->f), 0);
	fakedp_free(t->f);
	free(t);
	return 0;
}

void recbed_pass(struct recbed *t, int64_t ms)
{
	t->now = mtime_add_ms(t->now, ms);
	dp_set_now(t->d, t->now);
	fakedp_settle(t->d);
}

/* ---- by number --------------------------------------------------------------------------------------------------- */

void fake_learn(struct recbed *t, unsigned mac, unsigned port, enum fakedp_hand hand)
{
	struct mac m = mac_nr(mac);

	fakedp_learn(t->f, VNI, &m, port, hand);
}

void fake_forget(struct recbed *t, unsigned mac)
{
	struct mac m = mac_nr(mac);

	fakedp_forget(t->f, VNI, &m);
}

struct ip fake_fdb(struct recbed *t, unsigned mac)
{
	struct mac m = mac_nr(mac);

	return fakedp_fdb(t->f, VNI, &m);
}

unsigned fake_port(struct recbed *t, unsigned mac)
{
	struct mac m = mac_nr(mac);

	return fakedp_bridge(t->f, VNI, &m).ifindex;
}

bool fake_has_vxlan(struct recbed *t, unsigned mac)
{
	struct mac m = mac_nr(mac);

	return fakedp_vxlan(t->f, VNI, &m).there;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/lib/dpbed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/test.h"

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

static void on_miss(void *ctx, uint32_t vni, const struct mac *mac, const struct ip *ip)
{
	if (mac)
		((struct belief *)ctx)->missed[low(mac)]++;
}

static void on_demand(void *ctx, uint32_t vni, const struct mac *mac, bool there)
{
	struct belief *b = ctx;

	b->placed[low(mac)] += there;
	b->idle[low(mac)] += !there;
}

static void on_line(void *ctx, enum log_level level, enum log_subsys sub, const char *line)
{
	struct bed *t = ctx;
	size_t n = strlen(t->lines);

	snprintf(t->lines + n, sizeof(t->lines) - n, "%s\n", line);
	if (getenv("VERBOSE"))
		fprintf(stderr, "%s\n", line);
}

bool said(const struct bed *t, const char *text)
{
	return strstr(t->lines, text) != NULL;
}

static struct dp_port_params ports[] = { { .name = "p1" }, { .name = "p2" } };

struct dp_vni_params bed_params(void)
{
	return (struct dp_vni_params){
		.vni = WORLD_VNI, .bridge = "br100", .vxlan = "vxlan100", .vtep = ip_v4(0xc0000201), .udp_port = 4789,
		.ports = ports, .n_ports = 2, .neigh_suppress = true
	};
}

void settle(struct bed *t)
{
	t->w->settle(t->w, t->d);
	t->w->look(t->w);
}

void bed_start_with(struct bed *t, const struct dp_vni_params *p)
{
	struct dp_events ev = { on_mac,   on_mac_gone, on_ip,           on_ip_gone,
				on_ready, &t->b,       .miss = on_miss, .demand = on_demand };

	memset(&t->b, 0, sizeof(t->b));
	log_init(&t->log, LOG_INFO);
	t->log.sink = on_line;
	t->log.ctx = t;
	t->d = dp_new(t->w->ops(t->w), t->w->loop, &t->log, &ev);
	assert_non_null(t->d);
	assert_int_equal(dp_vni_add(t->d, p), 0);
	settle(t);
}

void bed_start(struct bed *t)
{
	struct dp_vni_params p = bed_params();

	bed_start_with(t, &p);
}

void bed_stop(struct bed *t, bool flush)
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

int bed_teardown(void **state)
{
	struct bed *t = *state;

	if (t->w) {
		if (t->d)
			bed_stop(t, true);
		t->w->free(t->w);
	}
	free(t);
	return 0;
}

int bed_bare_fake(void **state)
{
	return setup_bare(state, world_fake());
}

int bed_bare_kernel(void **state)
{
	return setup_bare(state, world_kernel());
}

int bed_running_fake(void **state)
{
	bed_bare_fake(state);
	bed_start(*state);
	return 0;
}

int bed_running_kernel(void **state)
{
	struct bed *t;

	bed_bare_kernel(state);
	t = *state;
	if (t->w)
		bed_start(t);
	return 0;
}

int bed_running_vtep(void **state)
{
	struct bed *t;

	setup_bare(state, world_vtep());
	t = *state;
	if (t->w)
		bed_start(t);
	return 0;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

void learn(struct bed *t, unsigned mac, unsigned port, enum fakedp_hand hand)
{
	uint64_t before = t->w->counts ? frames_of(t, port) : 0;
	struct mac m = mac_nr(mac);

	t->w->learn(t->w, &m, port, hand);
	if (t->w->counts)
		await_frames(t, port, before + 1);
}

uint64_t frames_of(struct bed *t, unsigned port)
{
	struct dp_cursor c = { 0 };
	struct dp_traffic i;

	while (dp_next_traffic(t->d, &c, &i)) {
		if (!strcmp(i.scope, "port") && !strcmp(i.name, ports[port - 1].name))
			return i.rx_frames;
	}
	fail_msg("port %u counts nothing", port);
	return 0;
}

void await_frames(struct bed *t, unsigned port, uint64_t n)
{
	for (unsigned i = 0; i < 10000 && frames_of(t, port) < n; i++)
		usleep(1000);
	assert_true(frames_of(t, port) >= n);
}

unsigned port_of(struct bed *t, unsigned mac)
{
	struct mac m = mac_nr(mac);

	return t->w->port(t->w, &m);
}

const char *fdb(struct bed *t, unsigned mac)
{
	static char s[4][256];
	static unsigned nr;
	char *text = s[++nr % 4];
	struct ip ip[DP_SET_MAX];
	struct mac m = mac_nr(mac);
	unsigned n = t->w->fdb(t->w, &m, ip), at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < n; i++)
		at += (unsigned)snprintf(text + at, sizeof(s[0]) - at, "%s%s", i ? " " : "", ip_str(&ip[i]).s);
	return text;
}

bool flood(struct bed *t, const char *vtep)
{
	struct ip ip = ip_of(vtep);

	return t->w->flood(t->w, &ip);
}

unsigned neighbour(struct bed *t, struct ip ip)
{
	struct mac m;

	return t->w->neighbour(t->w, &ip, &m) ? low(&m) : 0;
}

struct dp_vni_info info(struct bed *t)
{
	struct dp_vni_info i;

	assert_true(dp_vni_info(t->d, WORLD_VNI, &i));
	return i;
}

struct dp_stats stats(struct bed *t)
{
	struct dp_stats s;

	dp_stats(t->d, &s);
	return s;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The receive path of one session without sockets: a stream of full UPDATEs (Type 2 routes) into bgp_conn_input(), as a
 * transport does, 64 KiB at a time.
 *
 *	bench_decode [--routes N] [--vteps N] [--vnis N] [--rounds N]
 *
 *	parse     framing, attributes and NLRI alone, nothing kept
 *	announce  routes that the table does not have
 *	again     the same routes once more: no change
 *	withdraw  all of them
 *
 * The best of the rounds, in millions of routes a second of one processor; one JSON object on stdout.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgp/attr.h"
#include "bgp/msg.h"
#include "include/evpn.h"
#include "tests/bench/loadmsg.h"
#include "tests/bench/proc.h"

#define CHUNK 65536u

struct bench {
	struct bgp *bgp;
	struct bgp_peer *peer;
	struct bgp_conn *conn;
	bool work;
};

static void net_ignore(void *ctx, struct bgp_conn *c)
{
}

static void net_work(void *ctx)
{
	((struct bench *)ctx)->work = true;
}

static void net_closed(void *ctx, struct bgp_conn *c)
{
	fprintf(stderr, "the session is closed\n");
	exit(1);
}

static void input(struct bench *b, const struct bytes *s)
{
	for (size_t at = 0; at < s->len; at += CHUNK)
		bgp_conn_input(b->conn, s->p + at, s->len - at < CHUNK ? s->len - at : CHUNK, (struct mtime){ 0 });
}

static void start(struct bench *b, struct log *log)
{
	struct bgp_params p = { .asn = 65001, .router_id = 1, .seed = 1, .log = log,
				.net = { net_ignore, net_ignore, net_closed, NULL, net_work, b } };
	struct bgp_peer_params pp = { .address = ip_v4(0xc0000202), .asn = 65001, .passive = true, .hold_time = 0 };
	struct bytes hello = { 0 };

	b->bgp = bgp_new(&p, (struct mtime){ 0 });
	bgp_family_register(b->bgp, &evpn_family, NULL);
	bgp_peer_add(b->bgp, &pp, (struct mtime){ 0 }, &b->peer);
	b->conn = bgp_accept(b->peer, (struct mtime){ 0 });
	load_open(&hello, 65001, 2, 0);
	load_keepalive(&hello);
	input(b, &hello);
	free(hello.p);
}

/* What the input is at the least: each message framed, its attributes decoded, its NLRI taken apart. */
static uint64_t parse(const struct bytes *s, uint8_t *scratch)
{
	struct attr_session session = { .as4 = true, .peer_as = 65001 };
	enum msg_type type;
	struct msg_fault f;
	struct attr_update u;
	struct bgp_nlri n;
	uint64_t routes = 0;

	for (size_t at = 0, len = 0; at < s->len; at += len) {
		if (msg_frame(s->p + at, s->len - at, MSG_MAX_LEN, &len, &type, &f) != MSG_WHOLE)
			exit(1);
		attr_decode_update(rb_init(s->p + at + MSG_HEADER_LEN, len - MSG_HEADER_LEN), &session, scratch, &u);
		while (rb_left(&u.reach))
			routes += evpn_family.decode(&u.reach, false, &n) == BGP_NLRI_OK;
	}
	return routes;
}

static void best(double *best_rate, uint32_t routes, double from)
{
	double rate = routes / (proc_now() - from) / 1e6;

	if (rate > *best_rate)
		*best_rate = rate;
}

static uint32_t option(int argc, char **argv, const char *name, uint32_t or)
{
	for (int i = 1; i + 1 < argc; i += 2)
		if (strcmp(argv[i], name) == 0)
			return (uint32_t)strtoul(argv[i + 1], NULL, 0);
	return or;
}

static void mute(void *ctx, enum log_level level, enum log_subsys sub, const char *line)
{
}

int main(int argc, char **argv)
{
	struct load l = { .routes = option(argc, argv, "--routes", 100000), .vteps = option(argc, argv, "--vteps", 100),
			  .vnis = option(argc, argv, "--vnis", 10), .first_vni = 1, .rt_as = 65001, .with_ip = true };
	uint32_t rounds = option(argc, argv, "--rounds", 10);
	struct log log = { .level = LOG_ERROR, .sink = mute };
	uint8_t *scratch = xcalloc(1, ATTR_SCRATCH);
	struct bytes announce = { 0 }, withdraw = { 0 };
	double rate[4] = { 0 }, from;
	struct bench b = { 0 };

	load_announce(&l, &announce);
	load_withdraw(&l, &withdraw);
	start(&b, &log);
	for (uint32_t i = 0; i < rounds; i++) {
		from = proc_now();
		if (parse(&announce, scratch) != l.routes)
			return 1;
		best(&rate[0], l.routes, from);
		from = proc_now();
		input(&b, &announce);
		best(&rate[1], l.routes, from);
		from = proc_now();
		input(&b, &announce);
		best(&rate[2], l.routes, from);
		from = proc_now();
		input(&b, &withdraw);
		best(&rate[3], l.routes, from);
	}
	printf("{\"bench\": \"decode\", \"routes\": %u, \"vteps\": %u, \"vnis\": %u, \"rounds\": %u, \"parse\": %.2f, "
	       "\"announce\": %.2f, \"again\": %.2f, \"withdraw\": %.2f}\n",
	       l.routes, l.vteps, l.vnis, rounds, rate[0], rate[1], rate[2], rate[3]);
	return 0;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The kernel dataplane against the limit (rawrows.h).
 *
 *	bench_dp [--rows N] [--rounds N] [--neigh] [--vteps N]
 *
 *	add     rows that are wanted, until the last is in the kernel
 *	delete  the same rows, until the last is gone
 *	adopt   a start with all of them there: until each is known, nothing written; a listener counts what the
 *	        kernel says; adopt_cpu its processor time
 *
 * --neigh: a neighbour for each MAC, too. In a network namespace of its own (as root). Rounds of the two alternate; one
 * JSON object on stdout, seconds as median, minimum and maximum.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/loop.h"
#include "include/dataplane.h"
#include "tests/bench/nlwatch.h"
#include "tests/bench/proc.h"
#include "tests/bench/rawrows.h"

#define VNI 100u
#define MAX_ROUNDS 31u

enum what { ADD, DELETE, ADOPT, KINDS };
static const char *const kind_names[] = { "add", "delete", "adopt" };

struct setup {
	unsigned rows, rounds, vteps;
	bool neigh;
	double t[2][KINDS][MAX_ROUNDS];   /* ours, raw */
	double cpu[2][KINDS][MAX_ROUNDS]; /* of this process, in which the kernel does its part */
	uint64_t bytes;                 /* of the dataplane's tables, full */
	uint64_t adopt_writes, adopt_messages;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_dp: %s\n", what);
	exit(1);
}

static void run(const char *cmd)
{
	if (system(cmd))
		die(cmd);
}

static struct ip host_nr(unsigned n)
{
	return ip_v4(0x0a000000u + n);
}

static struct ip vtep_nr(const struct setup *s, unsigned n)
{
	return ip_v4(0xc6120000u + n % s->vteps + 1);
}

struct clock {
	double wall, cpu;
};

static struct clock now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (struct clock){ proc_now(), (double)ts.tv_sec + (double)ts.tv_nsec / 1e9 };
}

static void took(struct setup *s, unsigned who, enum what w, unsigned round, struct clock from)
{
	struct clock t = now();

	s->t[who][w][round] = t.wall - from.wall;
	s->cpu[who][w][round] = t.cpu - from.cpu;
}

/* ---- ours -------------------------------------------------------------------------------------------------------- */

static void on_mac(void *ctx, uint32_t vni, const struct mac *mac, unsigned ifindex, uint8_t flags)
{
}

static void on_mac_gone(void *ctx, uint32_t vni, const struct mac *mac)
{
}

static void on_ip(void *ctx, uint32_t vni, const struct ip *ip, const struct mac *mac, uint8_t flags)
{
}

static void on_ip_gone(void *ctx, uint32_t vni, const struct ip *ip)
{
}

static void on_ready(void *ctx, uint32_t vni, bool ready)
{
}

static struct dp *open_dp(struct loop *l, struct log *log)
{
	static const struct dp_events ev = { on_mac, on_mac_gone, on_ip, on_ip_gone, on_ready, NULL };
	struct dp_vni_params p = {
		.vni = VNI, .bridge = "br100", .vxlan = "vxlan100", .vtep = ip_v4(0xc0000201), .udp_port = 4789,
		.neigh_suppress = true
	};
	struct dp_vni_info i;
	struct dp *d;

	log_init(log, LOG_WARN);
	d = dp_new(&dp_kernel_ops, l, log, &ev);
	if (!d || dp_vni_add(d, &p))
		die("no dataplane");
	while (dp_flush(d))
		;
	if (!dp_vni_info(d, VNI, &i) || !i.ready)
		die(i.problem ? i.problem : "devices are not ready");
	return d;
}

static void check_done(const struct dp *d, uint64_t rows, struct dp_stats *s)
{
	dp_stats(d, s);
	if (s->errors || s->dirty || s->rows_there != rows)
		die("not all rows were written");
}

static void want_all(const struct setup *s, struct dp *d)
{
	for (unsigned i = 0; i < s->rows; i++) {
		struct mac m = load_mac(i);
		struct ip h = host_nr(i);
		struct dp_row row = { .key = dp_key_fdb(VNI, &m), .vtep = vtep_nr(s, i) };
		struct dp_row n = { .key = dp_key_neigh(VNI, &h), .mac = m };

		dp_want(d, &row);
		if (s->neigh)
			dp_want(d, &n);
	}
	while (dp_flush(d))
		;
}

static void unwant_all(const struct setup *s, struct dp *d)
{
	for (unsigned i = 0; i < s->rows; i++) {
		struct mac m = load_mac(i);
		struct ip h = host_nr(i);
		struct dp_key k = dp_key_fdb(VNI, &m), n = dp_key_neigh(VNI, &h);

		if (s->neigh)
			dp_unwant(d, &n);
		dp_unwant(d, &k);
	}
	while (dp_flush(d))
		;
}

static void adopt(struct setup *s, unsigned round, struct dp **d, struct loop *l, struct log *log)
{
	struct dp_stats st;
	struct nlwatch w;
	struct clock t0;

	if (nlwatch_open(&w, NULL, s->rows) < 0)
		die("no listener");
	t0 = now();
	*d = open_dp(l, log);
	want_all(s, *d);
	took(s, 0, ADOPT, round, t0);
	check_done(*d, s->rows * (s->neigh ? 2u : 1u), &st);
	nlwatch_read(&w);
	s->adopt_writes += st.writes;
	s->adopt_messages += w.messages;
	nlwatch_close(&w);
}

static void round_ours(struct setup *s, unsigned round)
{
	uint64_t rows = s->rows * (s->neigh ? 2u : 1u);
	struct dp_stats st;
	struct loop l;
	struct log log;
	struct dp *d;
	struct clock t0;

	if (loop_init(&l))
		die("no event loop");
	d = open_dp(&l, &log);
	t0 = now();
	want_all(s, d);
	took(s, 0, ADD, round, t0);
	check_done(d, rows, &st);
	s->bytes = st.bytes;
	dp_free(d, false);
	adopt(s, round, &d, &l, &log);
	t0 = now();
	unwant_all(s, d);
	took(s, 0, DELETE, round, t0);
	check_done(d, 0, &st);
	dp_free(d, true);
	loop_fini(&l);
}

/* ---- the limit --------------------------------------------------------------------------------------------------- */

static void round_raw(struct setup *s, unsigned round)
{
	struct rawrows r = { .rows = s->rows, .vteps = s->vteps, .neigh = s->neigh };
	struct clock t0;

	run("ip link add br100 type bridge && "
	    "ip link add vxlan100 type vxlan id 100 local 192.0.2.1 dstport 4789 nolearning "
	    "&& ip link set vxlan100 master br100 && ip link set br100 up && ip link set vxlan100 up && "
	    "ip link set vxlan100 type bridge_slave learning off neigh_suppress on");
	rawrows_open(&r, "vxlan100", "br100");
	t0 = now();
	rawrows_write(&r, true);
	took(s, 1, ADD, round, t0);
	t0 = now();
	rawrows_write(&r, false);
	took(s, 1, DELETE, round, t0);
	rawrows_close(&r);
	run("ip link del vxlan100; ip link del br100; ip nexthop flush proto 179 >/dev/null 2>&1");
}

/* ---- figures ----------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *t, unsigned n)
{
	double v[MAX_ROUNDS];

	memcpy(v, t, n * sizeof(*t));
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void print_one(const char *name, const double *t, unsigned n)
{
	double lo = t[0], hi = t[0];

	for (unsigned i = 1; i < n; i++) {
		lo = t[i] < lo ? t[i] : lo;
		hi = t[i] > hi ? t[i] : hi;
	}
	printf(", \"%s\": {\"median\": %.4f, \"min\": %.4f, \"max\": %.4f}", name, median(t, n), lo, hi);
}

/* Ratios are taken within a round, then their median. */
static void print_ratio(const struct setup *s, enum what w)
{
	double r[MAX_ROUNDS];
	char name[32];

	for (unsigned i = 0; i < s->rounds; i++)
		r[i] = s->t[1][w][i] / s->t[0][w][i];
	snprintf(name, sizeof(name), "%s_of_raw", kind_names[w]);
	print_one(name, r, s->rounds);
	for (unsigned i = 0; i < s->rounds; i++)
		r[i] = s->cpu[1][w][i] / s->cpu[0][w][i];
	snprintf(name, sizeof(name), "%s_of_raw_cpu", kind_names[w]);
	print_one(name, r, s->rounds);
}

static void print(const struct setup *s)
{
	printf("{\"bench\": \"dp\", \"rows\": %u, \"neighbours\": %s, \"vteps\": %u, \"rounds\": %u", s->rows,
	       s->neigh ? "true" : "false", s->vteps, s->rounds);
	for (unsigned w = 0; w < KINDS; w++)
		print_one(kind_names[w], s->t[0][w], s->rounds);
	print_one("adopt_cpu", s->cpu[0][ADOPT], s->rounds);
	print_one("raw_add", s->t[1][ADD], s->rounds);
	print_one("raw_delete", s->t[1][DELETE], s->rounds);
	print_ratio(s, ADD);
	print_ratio(s, DELETE);
	printf(", \"adopt_writes\": %llu, \"adopt_messages\": %llu, \"octets_a_row\": %.1f}\n",
	       (unsigned long long)s->adopt_writes, (unsigned long long)s->adopt_messages,
	       (double)s->bytes / (s->rows * (s->neigh ? 2.0 : 1.0)));
}

static unsigned number(const char *arg, unsigned max)
{
	unsigned long n = arg ? strtoul(arg, NULL, 10) : 0;

	if (!n || n > max)
		die("--rows N, --rounds N, --vteps N, --neigh");
	return (unsigned)n;
}

int main(int argc, char **argv)
{
	static struct setup s = { .rows = 100000, .rounds = 5, .vteps = 100 };

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--neigh"))
			s.neigh = true;
		else if (!strcmp(argv[i], "--rows"))
			s.rows = number(argv[++i], 4000000);
		else if (!strcmp(argv[i], "--rounds"))
			s.rounds = number(argv[++i], MAX_ROUNDS);
		else if (!strcmp(argv[i], "--vteps"))
			s.vteps = number(argv[++i], 4000);
		else
			die("--rows N, --rounds N, --vteps N, --neigh");
	}
	if (unshare(CLONE_NEWNET))
		die("a network namespace takes CAP_SYS_ADMIN");
	run("ip link set lo up && ip addr add 192.0.2.1/32 dev lo");
	for (unsigned i = 0; i < s.rounds; i++) {
		round_raw(&s, i);
		round_ours(&s, i);
	}
	print(&s);
	return 0;
}

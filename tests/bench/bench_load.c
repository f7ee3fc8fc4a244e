/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Load generator and sink in one process, on one clock: one feeder speaks BGP to a daemon and announces the load, sinks
 * take what the daemon passes on, and the daemon's kernel tables may be watched. Prints one JSON object.
 *
 *   feeder --> daemon --> sink, sink, ...        time: first octet fed to the last route out (or row in the kernel)
 *                 \--> kernel rows
 *
 * Every session ends with the program. All traffic is bounded by --timeout.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/log.h"
#include "tests/bench/loadmsg.h"
#include "tests/bench/nlwatch.h"
#include "tests/bench/proc.h"

#define MAX_SINKS 1024
#define MAX_PIDS 8
#define RECEIVE_OCTETS (1 << 18)

struct session {
	struct ip local;
	int fd;
	struct sink_count count;
	uint8_t *in; /* RECEIVE_OCTETS */
	size_t in_len;
	const uint8_t *out; /* borrowed: what is being fed */
	size_t out_left;
	bool stalled; /* does not read */
	double last_in;
};

struct options {
	struct ip target;
	uint16_t port;
	uint32_t asn, stall_ms;
	double timeout;
	struct load load;
	const char *watch;
	bool withdraw;
};

struct bench {
	struct options o;
	struct session s[MAX_SINKS + 1]; /* s[0] is the feeder */
	size_t n;
	pid_t pids[MAX_PIDS];
	size_t n_pids;
	struct nlwatch watch;
	double deadline, last_keepalive;
};

static void die(const char *fmt, const char *what)
{
	fprintf(stderr, "bench_load: ");
	fprintf(stderr, fmt, what);
	fprintf(stderr, "\n");
	exit(1);
}

static void session_connect(struct bench *b, struct session *s)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int on = 1, small = 65536;

	s->fd = socket(ip_family(&b->o.target), SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		die("socket: %s", strerror(errno));
	setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (s->stalled) /* or the kernel takes it all off the daemon */
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	len = ip_to_sockaddr(&s->local, 0, &ss);
	if (bind(s->fd, (struct sockaddr *)&ss, len) < 0)
		die("bind to the session's address: %s", strerror(errno));
	len = ip_to_sockaddr(&b->o.target, b->o.port, &ss);
	while (connect(s->fd, (struct sockaddr *)&ss, len) < 0) {
		if (proc_now() > b->deadline)
			die("no connection: %s", strerror(errno));
		usleep(50000);
	}
	fcntl(s->fd, F_SETFL, O_NONBLOCK);
	s->in = xcalloc(1, RECEIVE_OCTETS);
}

static void session_read(struct session *s)
{
	for (;;) {
		ssize_t n = recv(s->fd, s->in + s->in_len, RECEIVE_OCTETS - s->in_len, 0);
		size_t taken;

		if (n == 0)
			die("the daemon closed the session of %s", ip_str(&s->local).s);
		if (n < 0)
			return;
		s->in_len += (size_t)n;
		taken = sink_feed(&s->count, s->in, s->in_len);
		memmove(s->in, s->in + taken, s->in_len - taken);
		s->in_len -= taken;
		s->last_in = proc_now();
		if (s->count.notified) {
			fprintf(stderr, "bench_load: %s: NOTIFICATION %u/%u\n", ip_str(&s->local).s, s->count.code, s->count.subcode);
			exit(1);
		}
	}
}

static void session_write(struct session *s)
{
	while (s->out_left) {
		ssize_t n = send(s->fd, s->out, s->out_left, MSG_NOSIGNAL);

		if (n < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return;
			die("send: %s", strerror(errno));
		}
		s->out += n;
		s->out_left -= (size_t)n;
	}
}

static void send_small(struct session *s, void (*make)(struct bytes *))
{
	struct bytes m = { 0 };

	make(&m);
	if (send(s->fd, m.p, m.len, MSG_NOSIGNAL) != (ssize_t)m.len)
		die("send: %s", strerror(errno));
	free(m.p);
}

static void keepalives(struct bench *b)
{
	if (proc_now() - b->last_keepalive < 20)
		return;
	b->last_keepalive = proc_now();
	for (size_t i = 0; i < b->n; i++) {
		if (!b->s[i].out_left) /* not in the middle of a message */
			send_small(&b->s[i], load_keepalive);
	}
}

/* Serves all sockets once. */
static void turn(struct bench *b, int wait_ms)
{
	static struct pollfd p[MAX_SINKS + 2];
	size_t n = b->n;

	for (size_t i = 0; i < n; i++) {
		p[i].fd = b->s[i].fd;
		p[i].events = (short)((b->s[i].stalled ? 0 : POLLIN) | (b->s[i].out_left ? POLLOUT : 0));
	}
	if (b->o.watch)
		p[n++] = (struct pollfd){ .fd = b->watch.fd, .events = POLLIN };
	if (poll(p, (nfds_t)n, wait_ms) < 0 && errno != EINTR)
		die("poll: %s", strerror(errno));
	for (size_t i = 0; i < b->n; i++) {
		if (p[i].revents & POLLOUT)
			session_write(&b->s[i]);
		if (p[i].revents & (POLLIN | POLLHUP | POLLERR) && !b->s[i].stalled)
			session_read(&b->s[i]);
	}
	if (b->o.watch)
		nlwatch_read(&b->watch);
	keepalives(b);
	if (proc_now() > b->deadline) {
		fprintf(stderr, "bench_load: time is up: sink 1 has %llu announced, %llu withdrawn; kernel rows: bridge %u, vxlan %u, lost %llu\n",
			(unsigned long long)b->s[b->n > 1].count.announced, (unsigned long long)b->s[b->n > 1].count.withdrawn,
			b->watch.bridge, b->watch.vxlan, (unsigned long long)b->watch.lost);
		exit(1);
	}
}

static bool sinks_have(const struct bench *b, bool withdrawn)
{
	for (size_t i = 1; i < b->n; i++) {
		const struct sink_count *c = &b->s[i].count;

		if (!b->s[i].stalled && (withdrawn ? c->withdrawn : c->announced) < b->o.load.routes)
			return false;
	}
	return true;
}

static bool kernel_has(const struct bench *b, uint32_t rows)
{
	return !b->o.watch || (b->watch.bridge == rows && b->watch.vxlan == rows);
}

static void establish(struct bench *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct session *s = &b->s[i];
		struct bytes m = { 0 };

		session_connect(b, s);
		load_open(&m, b->o.asn, 0xc0000200 + (uint32_t)i + 2, 180);
		if (send(s->fd, m.p, m.len, MSG_NOSIGNAL) != (ssize_t)m.len)
			die("send: %s", strerror(errno));
		free(m.p);
	}
	b->last_keepalive = proc_now();
	for (size_t i = 0; i < b->n; i++) {
		struct session *s = &b->s[i];
		bool stalled = s->stalled;

		s->stalled = false;
		while (!s->count.open_seen)
			turn(b, 100);
		send_small(s, load_keepalive);
		while (!s->count.keepalive_seen)
			turn(b, 100);
		s->stalled = stalled;
	}
}

struct sum {
	uint64_t rss, peak;
	double cpu;
};

static struct sum sample(const struct bench *b)
{
	struct sum t = { 0 };

	for (size_t i = 0; i < b->n_pids; i++) {
		struct proc_sample p = proc_sample(b->pids[i]);

		t.rss += p.rss;
		t.peak += p.peak;
		t.cpu += p.cpu;
	}
	return t;
}

struct phase {
	double seconds, cpu;
	uint64_t rss_before, rss_after, peak;
};

/* Feeds these octets and runs until every reading sink and the kernel have them. */
static struct phase run_phase(struct bench *b, const struct bytes *feed, bool withdraw)
{
	struct sum before = sample(b), after;
	double start = proc_now(), end;

	b->s[0].out = feed->p;
	b->s[0].out_left = feed->len;
	while (b->s[0].out_left || !sinks_have(b, withdraw) || !kernel_has(b, withdraw ? 0 : b->o.load.routes))
		turn(b, 100);
	end = proc_now();
	after = sample(b);
	return (struct phase){ end - start, after.cpu - before.cpu, before.rss, after.rss, after.peak };
}

static void print_phase(const char *name, const struct bench *b, const struct phase *p)
{
	double n = b->o.load.routes;

	printf("\"%s\": {\"seconds\": %.4f, \"routes_per_s\": %.0f, \"cpu_s\": %.2f, \"rss_before\": %llu, \"rss_after\": %llu, "
	       "\"peak\": %llu, \"memory_per_route\": %.1f}",
	       name, p->seconds, n / p->seconds, p->cpu, (unsigned long long)p->rss_before, (unsigned long long)p->rss_after,
	       (unsigned long long)p->peak, p->peak > p->rss_before ? (double)(p->peak - p->rss_before) / n : 0.0);
}

/* Lets time pass while one sink or more does not read, then wakes them: they must get the state as it is now. */
static void run_stall(struct bench *b)
{
	struct sum before = sample(b), after;
	double end = proc_now() + b->o.stall_ms / 1e3, start;

	while (proc_now() < end)
		turn(b, 100);
	after = sample(b);
	for (size_t i = 1; i < b->n; i++)
		b->s[i].stalled = false;
	start = proc_now();
	while (!sinks_have(b, false))
		turn(b, 100);
	printf(", \"stall\": {\"seconds\": %.1f, \"growth\": %lld, \"caught_up_s\": %.3f}", b->o.stall_ms / 1e3,
	       (long long)after.rss - (long long)before.rss, proc_now() - start);
}

static void run(struct bench *b)
{
	struct bytes announce = { 0 }, withdraw = { 0 };
	struct phase p;

	load_announce(&b->o.load, &announce);
	load_withdraw(&b->o.load, &withdraw);
	if (b->o.watch && nlwatch_open(&b->watch, b->o.watch, b->o.load.routes) < 0)
		exit(1);
	establish(b);
	/* The daemon's own routes and End-of-RIB come before the clock starts. */
	for (double quiet = proc_now(); proc_now() - quiet < 0.5;)
		turn(b, 100);
	for (size_t i = 1; i < b->n; i++)
		b->s[i].count.announced = b->s[i].count.withdrawn = 0;
	for (size_t i = 0; i < b->n_pids; i++)
		proc_reset_peak(b->pids[i]);
	p = run_phase(b, &announce, false);
	printf("{\"routes\": %u, \"sinks\": %zu, ", b->o.load.routes, b->n - 1);
	print_phase("announce", b, &p);
	if (b->o.stall_ms)
		run_stall(b);
	if (b->o.withdraw) {
		p = run_phase(b, &withdraw, true);
		printf(", ");
		print_phase("withdraw", b, &p);
	}
	printf(", \"lost_notifications\": %llu}\n", (unsigned long long)b->watch.lost);
	for (size_t i = 0; i < b->n; i++) {
		close(b->s[i].fd);
		free(b->s[i].in);
	}
	if (b->o.watch)
		nlwatch_close(&b->watch);
	free(announce.p);
	free(withdraw.p);
}

static const char usage[] =
	"bench_load --target ADDR --feed ADDR [--sink ADDR]... [--stall-sink ADDR]... [--asn N] [--port N]\n"
	"        [--routes N] [--vteps N] [--vnis N] [--first-vni N] [--rt-as N] [--as-path N] [--mac-ip] [--per-update N]\n"
	"        [--watch NETNS] [--withdraw] [--stall-ms N] [--pid N]... [--timeout S]\n";

static struct ip address_of(const char *s)
{
	struct ip a;

	if (!ip_parse(s, &a))
		die("not an address: %s", s);
	return a;
}

static void add_session(struct bench *b, const char *address, bool stalled)
{
	if (b->n > MAX_SINKS)
		die("%s", "too many sinks");
	b->s[b->n++] = (struct session){ .local = address_of(address), .fd = -1, .stalled = stalled };
}

enum { TARGET = 1, FEED, SINK, STALL_SINK, ASN, PORT, ROUTES, VTEPS, VNIS, FIRST_VNI, RT_AS, AS_PATH, MAC_IP, PER_UPDATE, WATCH, WITHDRAW,
       STALL_MS, PID, TIMEOUT };
static const struct option long_options[] = {
	{ "target", 1, NULL, TARGET },	   { "feed", 1, NULL, FEED },
	{ "sink", 1, NULL, SINK },	   { "stall-sink", 1, NULL, STALL_SINK },
	{ "asn", 1, NULL, ASN },	   { "port", 1, NULL, PORT },
	{ "routes", 1, NULL, ROUTES },	   { "vteps", 1, NULL, VTEPS },
	{ "vnis", 1, NULL, VNIS },	   { "first-vni", 1, NULL, FIRST_VNI },
	{ "rt-as", 1, NULL, RT_AS },	   { "as-path", 1, NULL, AS_PATH },
	{ "mac-ip", 0, NULL, MAC_IP },	   { "per-update", 1, NULL, PER_UPDATE },
	{ "watch", 1, NULL, WATCH },	   { "withdraw", 0, NULL, WITHDRAW },
	{ "stall-ms", 1, NULL, STALL_MS }, { "pid", 1, NULL, PID },
	{ "timeout", 1, NULL, TIMEOUT },   { NULL, 0, NULL, 0 },
};

static void set_option(struct bench *b, int c, const char *v)
{
	uint32_t n = v ? (uint32_t)strtoul(v, NULL, 10) : 0;

	switch (c) {
	case TARGET: b->o.target = address_of(v); break;
	case FEED: b->s[0].local = address_of(v); break;
	case SINK: add_session(b, v, false); break;
	case STALL_SINK: add_session(b, v, true); break;
	case ASN: b->o.asn = n; break;
	case PORT: b->o.port = (uint16_t)n; break;
	case ROUTES: b->o.load.routes = n; break;
	case VTEPS: b->o.load.vteps = n; break;
	case VNIS: b->o.load.vnis = n; break;
	case FIRST_VNI: b->o.load.first_vni = n; break;
	case RT_AS: b->o.load.rt_as = n; break;
	case AS_PATH: b->o.load.as_path = n; break;
	case MAC_IP: b->o.load.with_ip = true; break;
	case PER_UPDATE: b->o.load.per_update = n; break;
	case WATCH: b->o.watch = v; break;
	case WITHDRAW: b->o.withdraw = true; break;
	case STALL_MS: b->o.stall_ms = n; break;
	case TIMEOUT: b->o.timeout = n; break;
	case PID:
		if (b->n_pids == MAX_PIDS)
			die("%s", "too many processes");
		b->pids[b->n_pids++] = (pid_t)n;
		break;
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	static struct bench b = {
		.o = { .port = 179, .asn = 65001, .timeout = 60, .load = { .routes = 100000, .vteps = 100, .vnis = 10, .first_vni = 100, .rt_as = 65001 } },
		.n = 1,
	};

	for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;)
		set_option(&b, c, optarg);
	if (optind != argc || !b.o.target.len || !b.s[0].local.len || !b.o.load.routes || !b.o.load.vteps || !b.o.load.vnis) {
		fputs(usage, stderr);
		return 2;
	}
	b.deadline = proc_now() + b.o.timeout;
	run(&b);
	return 0;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Load generator and sinks in one process, on one clock: a feeder speaks BGP to a daemon and announces the load,
 * sinks take what the daemon passes on, and the daemon's kernel tables may be watched. Prints one JSON object.
 *
 *   feeder --> daemon --> sink, sink, ...        time: first octet fed until every sink that reads (and
 *                 \--> kernel rows               every row in the kernel) is as it should be
 *
 * What happens is a list of phases, one after the other:
 *
 *   announce       all routes
 *   change         all routes again, with another MED
 *   flap=N         every UPDATE's routes N times withdrawn and announced again with another MED, then the next
 *   withdraw       all routes
 *   lose           the feeder's connection is cut, for good; for a daemon whose kernel tables are watched
 *   wait=MS        time passes
 *   wake           slow sinks read like the others, until they hold the present state
 *   run=COMMAND    until the shell command ends; short JSON that it prints is taken into the result
 *
 * Without a sink and without a kernel to watch a phase ends when all is acknowledged and the daemon is idle.
 *
 * --warm: before routes are announced so much memory is touched and given back. A virtual machine may have
 * handed unused memory to its host; to get 2 MiB of it back takes milliseconds instead of the 0.2 that clearing
 * them takes, whoever asks. That is a property of the machine, and it is paid here and not by who is measured.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/wire.h"
#include "tests/bench/loadmsg.h"
#include "tests/bench/nlwatch.h"
#include "tests/bench/proc.h"
#include "tests/bench/sessions.h"

#define MAX_PIDS 8
#define MAX_SINKS 4096u
#define OUTPUT_MAX 16384
#define MIB ((size_t)1 << 20)
#define PAGE ((size_t)4096)
#define IDLE_S 0.05      /* a daemon that has used less than IDLE_CPU_S for so long is idle */
#define IDLE_CPU_S 0.002
#define ALIVE_S 1.0      /* between two looks whether they live */

struct bench {
	struct sessions t;
	struct load load;
	struct ip feed, first_sink;
	uint32_t sinks, slow;
	uint32_t warm; /* MiB */
	const char *watch;
	uint32_t rows; /* expected in the kernel; 0: every route */
	bool has_rows;
	pid_t pids[MAX_PIDS];
	size_t n_pids;
	struct nlwatch nl;
	uint64_t base_rss;
	uint32_t version; /* MED of what has been announced last */
	bool announced;
};

struct sum {
	uint64_t rss, peak;
	double cpu, waited;
};

struct phase {
	const char *name;
	struct sum before;
	struct sink sink_before; /* of one that reads */
	struct sink slow_before; /* of one that is slow */
	double start;
	bool first;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_load: %s%s%s\n", what, why ? ": " : "", why ? why : "");
	exit(1);
}

static struct sum sample(const struct bench *b)
{
	struct sum t = { 0 };

	for (size_t i = 0; i < b->n_pids; i++) {
		struct proc_sample p = proc_sample(b->pids[i]);

		t.rss += p.rss;
		t.peak += p.peak;
		t.cpu += p.cpu;
		t.waited += p.waited;
	}
	return t;
}

/* ---- a phase ----------------------------------------------------------------------------------------------------- */

/* A sink that reads; without one the feeder. */
static const struct sink *a_reader(const struct bench *b)
{
	return &b->t.s[b->sinks > b->slow].sink;
}

/* The slow ones are at the end. */
static const struct sink *a_slow_one(const struct bench *b)
{
	return &b->t.s[b->sinks].sink;
}

static void phase_begin(struct bench *b, struct phase *p)
{
	for (size_t i = 0; i < b->n_pids; i++)
		proc_reset_peak(b->pids[i]);
	sessions_listen(&b->t);
	p->before = sample(b);
	p->sink_before = *a_reader(b);
	p->slow_before = *a_slow_one(b);
	p->start = proc_now();
}

/* end: when the last route was there. Leaves the object open. */
static void phase_print(struct bench *b, const struct phase *p, double end)
{
	const struct sink *s = a_reader(b), *slow = a_slow_one(b);
	struct sum after = sample(b);
	double n = b->load.routes, seconds = end - p->start;

	printf("%s\n{\"name\": \"%.*s\", \"seconds\": %.5f, \"routes_per_s\": %.0f, "
	       "\"cpu_s\": %.4f, \"waited_s\": %.4f",
	       p->first ? "" : ",", (int)strcspn(p->name, "="), p->name, seconds, n / seconds,
	       after.cpu - p->before.cpu, after.waited - p->before.waited);
	printf(", \"rss_before\": %llu, \"rss_after\": %llu, \"peak\": %llu", (unsigned long long)p->before.rss,
	       (unsigned long long)after.rss, (unsigned long long)after.peak);
	printf(", \"memory_per_route\": %.2f", after.peak > b->base_rss ? (double)(after.peak - b->base_rss) / n : 0.0);
	printf(", \"sink\": {\"announced\": %llu, \"withdrawn\": %llu, \"updates\": %llu, \"octets\": %llu}",
	       (unsigned long long)(s->announced - p->sink_before.announced),
	       (unsigned long long)(s->withdrawn - p->sink_before.withdrawn),
	       (unsigned long long)(s->updates - p->sink_before.updates),
	       (unsigned long long)(s->octets - p->sink_before.octets));
	if (b->slow)
		printf(", \"slow_sink\": {\"announced\": %llu, \"withdrawn\": %llu}",
		       (unsigned long long)(slow->announced - p->slow_before.announced),
		       (unsigned long long)(slow->withdrawn - p->slow_before.withdrawn));
	printf(", \"longest_silence_s\": %.4f, \"own_longest_turn_s\": %.4f", b->t.s[0].longest_silence,
	       b->t.longest_turn);
}

static bool sinks_right(const struct bench *b)
{
	for (size_t i = 1; i < b->t.n; i++) {
		if (!b->t.s[i].slow && b->t.s[i].sink.right < b->load.routes)
			return false;
	}
	return true;
}

static bool kernel_right(const struct bench *b, bool there)
{
	uint32_t rows = !there ? 0 : b->has_rows ? b->rows : b->load.routes;

	return !b->watch || (b->nl.bridge == rows && b->nl.vxlan == rows && (!b->load.with_ip || b->nl.neigh == rows));
}

/* Turns until the daemon has taken all and rests; gives when it began to. */
static double until_idle(struct bench *b)
{
	double cpu = sample(b).cpu, since = proc_now();

	while (proc_now() - since < IDLE_S) {
		double now_cpu;

		sessions_turn(&b->t, 5);
		now_cpu = sample(b).cpu;
		if (sessions_unsent(&b->t) || now_cpu - cpu > IDLE_CPU_S) {
			cpu = now_cpu;
			since = proc_now();
		}
	}
	return since;
}

static void want(struct bench *b, uint8_t state)
{
	for (size_t i = 1; i < b->t.n; i++)
		sink_want(&b->t.s[i].sink, state);
}

/* A zombie has no memory. */
static void check_alive(const struct bench *b)
{
	for (size_t i = 0; i < b->n_pids; i++) {
		if (!proc_sample(b->pids[i]).rss)
			die("a daemon under test has ended", NULL);
	}
}

/* Until the kernel's tables and the sinks are as they should be. */
static void until_right(struct bench *b, bool there)
{
	double look = proc_now();

	do {
		sessions_turn(&b->t, 100);
		if (b->watch)
			nlwatch_read(&b->nl);
		if (proc_now() - look > ALIVE_S) {
			check_alive(b);
			look = proc_now();
		}
	} while (b->t.s[0].out_left || !sinks_right(b) || !kernel_right(b, there));
}

static void feed(struct bench *b, struct phase *p, struct bytes *what, bool there)
{
	double end;

	if (b->version > 250)
		die("too many versions of a route", NULL);
	want(b, there ? SINK_HELD(b->version) : SINK_GONE);
	phase_begin(b, p);
	b->t.s[0].out = what->p;
	b->t.s[0].out_left = what->len;
	until_right(b, there);
	end = proc_now();
	if (!b->watch && b->t.n == 1)
		end = until_idle(b);
	b->announced = there;
	phase_print(b, p, end);
	free(what->p);
}

static void warm(struct bench *b)
{
	size_t octets = (size_t)b->warm * MIB;
	char *m;

	if (!octets)
		return;
	m = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		die("memory to warm", strerror(errno));
	madvise(m, octets, MADV_HUGEPAGE);
	for (size_t i = 0; i < octets; i += PAGE) {
		m[i] = 1;
		if (i % MIB == 0)
			sessions_turn(&b->t, 0);
	}
	munmap(m, octets);
}

static void phase_announce(struct bench *b, struct phase *p, const char *arg)
{
	struct bytes m = { 0 };

	b->load.med = b->version;
	load_announce(&b->load, &m);
	if (!b->announced)
		warm(b);
	feed(b, p, &m, true);
}

static void phase_change(struct bench *b, struct phase *p, const char *arg)
{
	b->version++;
	phase_announce(b, p, arg);
}

static void phase_flap(struct bench *b, struct phase *p, const char *arg)
{
	uint32_t times = (uint32_t)strtoul(arg, NULL, 10);
	struct bytes m = { 0 };

	b->load.med = b->version;
	load_flap(&b->load, times, &m);
	b->version += times;
	feed(b, p, &m, true);
}

static void phase_withdraw(struct bench *b, struct phase *p, const char *arg)
{
	struct bytes m = { 0 };

	load_withdraw(&b->load, &m);
	feed(b, p, &m, false);
}

static void phase_lose(struct bench *b, struct phase *p, const char *arg)
{
	if (!b->watch)
		die("lose needs --watch", NULL);
	phase_begin(b, p);
	sessions_cut(&b->t);
	until_right(b, false);
	b->announced = false;
	phase_print(b, p, proc_now());
}

static void phase_wait(struct bench *b, struct phase *p, const char *arg)
{
	double end = proc_now() + strtod(arg, NULL) / 1e3;

	phase_begin(b, p);
	while (proc_now() < end)
		sessions_turn(&b->t, 20);
	phase_print(b, p, end);
}

static void phase_wake(struct bench *b, struct phase *p, const char *arg)
{
	phase_begin(b, p);
	sessions_wake(&b->t);
	while (!sinks_right(b))
		sessions_turn(&b->t, 100);
	phase_print(b, p, proc_now());
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

static pid_t start_command(const char *command, int out)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork", strerror(errno));
	if (pid)
		return pid;
	dup2(out, STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static void print_output(FILE *f)
{
	static char text[OUTPUT_MAX];
	size_t n;

	rewind(f);
	n = fread(text, 1, sizeof(text), f);
	if (n && n < sizeof(text) && (text[0] == '{' || text[0] == '['))
		printf(", \"output\": %.*s", (int)n, text);
}

static void phase_run(struct bench *b, struct phase *p, const char *command)
{
	FILE *out = tmpfile();
	int fd, status = 0;
	pid_t pid;
	double end;

	if (!out)
		die("temporary file", strerror(errno));
	phase_begin(b, p);
	pid = start_command(command, fileno(out));
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		die("pidfd_open", strerror(errno));
	sessions_watch(&b->t, fd);
	while (waitpid(pid, &status, WNOHANG) == 0)
		sessions_turn(&b->t, 100);
	end = proc_now();
	close(fd);
	phase_print(b, p, end);
	printf(", \"status\": %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	print_output(out);
	fclose(out);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*run)(struct bench *b, struct phase *p, const char *arg);
	bool has_arg;
} phases[] = {
	{ "announce", phase_announce }, { "change", phase_change },  { "flap=", phase_flap, true },
	{ "withdraw", phase_withdraw }, { "lose", phase_lose },      { "wait=", phase_wait, true },
	{ "wake", phase_wake },         { "run=", phase_run, true },
};

/* Runs it, or only looks whether there is such a phase. */
static bool phase_named(struct bench *b, const char *word, bool first, bool run)
{
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		size_t n = strlen(phases[i].name);
		struct phase p = { .name = word, .first = first };

		if (phases[i].has_arg ? strncmp(word, phases[i].name, n) != 0 : strcmp(word, phases[i].name) != 0)
			continue;
		if (run) {
			phases[i].run(b, &p, word + n);
			printf("}");
			fflush(stdout);
		}
		return true;
	}
	return false;
}

static void say_rows(const void *ctx)
{
	const struct nlwatch *nl = ctx;

	fprintf(stderr, ", rows seen: %u bridge, %u vxlan, %u neighbours, %llu notifications lost", nl->bridge,
		nl->vxlan, nl->neigh, (unsigned long long)nl->lost);
}

static void run(struct bench *b, char **words, int n)
{
	if (b->watch && nlwatch_open(&b->nl, b->watch, b->load.routes) < 0)
		exit(1);
	if (b->watch) {
		b->t.also_late = say_rows;
		b->t.also_late_ctx = &b->nl;
	}
	sessions_establish(&b->t);
	if (b->watch)
		sessions_watch(&b->t, b->nl.fd);
	/* The daemon's own routes and End-of-RIB come before the clock starts. */
	for (double quiet = proc_now(); proc_now() - quiet < 0.5;)
		sessions_turn(&b->t, 100);
	b->base_rss = sample(b).rss;
	printf("{\"routes\": %u, \"vteps\": %u, \"vnis\": %u, \"sinks\": %u, "
	       "\"slow\": %u, \"base_rss\": %llu, \"phases\": [",
	       b->load.routes, b->load.vteps, b->load.vnis, b->sinks, b->slow, (unsigned long long)b->base_rss);
	for (int i = 0; i < n; i++)
		phase_named(b, words[i], i == 0, true);
	printf("],\n\"lost_notifications\": %llu}\n", (unsigned long long)b->nl.lost);
	if (b->watch)
		nlwatch_close(&b->nl);
	sessions_close(&b->t);
}

static const char usage[] =
	"bench_load --target ADDR --feed ADDR [OPTION]... PHASE...\n"
	"        --sinks N --first-sink ADDR   sinks at ADDR and the N-1 addresses behind it\n"
	"        --slow N [--slow-rate OCTETS] the last N of them read so many octets a second, or none\n"
	"        --routes N --vteps N --vnis N --first-vni N --rt-as N --as-path N "
	"--mac-ip|--imet --per-update N   the load\n"
	"        --watch NETNS [--rows N]      count the rows in that namespace's tables "
	"(every route has one, or N have)\n"
	"        --asn N --port N --hold S     of the sessions\n"
	"        --pid N...                    whose memory and processor time are taken\n"
	"        --warm MIB                    of memory, touched before routes are announced\n"
	"        --timeout S\n"
	"phases: announce, change, flap=N, withdraw, lose, wait=MS, wake, run=COMMAND\n";

static struct ip address_of(const char *s)
{
	struct ip a;

	if (!ip_parse(s, &a))
		die("not an address", s);
	return a;
}

enum {
	TARGET = 1,
	FEED,
	SINKS,
	FIRST_SINK,
	SLOW,
	SLOW_RATE,
	ASN,
	PORT,
	HOLD,
	ROUTES,
	VTEPS,
	VNIS,
	FIRST_VNI,
	RT_AS,
	AS_PATH,
	MAC_IP,
	IMET,
	PER_UPDATE,
	WATCH,
	ROWS,
	PID,
	WARM,
	TIMEOUT
};
static const struct option long_options[] = {
	{ "target", 1, NULL, TARGET },	 { "feed", 1, NULL, FEED },
	{ "sinks", 1, NULL, SINKS },	 { "first-sink", 1, NULL, FIRST_SINK },
	{ "slow", 1, NULL, SLOW },	 { "slow-rate", 1, NULL, SLOW_RATE },
	{ "asn", 1, NULL, ASN },	 { "port", 1, NULL, PORT },
	{ "hold", 1, NULL, HOLD },	 { "routes", 1, NULL, ROUTES },
	{ "vteps", 1, NULL, VTEPS },	 { "vnis", 1, NULL, VNIS },
	{ "first-vni", 1, NULL, FIRST_VNI }, { "rt-as", 1, NULL, RT_AS },
	{ "as-path", 1, NULL, AS_PATH }, { "mac-ip", 0, NULL, MAC_IP },
	{ "imet", 0, NULL, IMET },
	{ "per-update", 1, NULL, PER_UPDATE }, { "watch", 1, NULL, WATCH },
	{ "rows", 1, NULL, ROWS },	 { "pid", 1, NULL, PID },
	{ "warm", 1, NULL, WARM },	 { "timeout", 1, NULL, TIMEOUT },
	{ NULL, 0, NULL, 0 },
};

static void set_option(struct bench *b, int c, const char *v)
{
	uint32_t n = v ? (uint32_t)strtoul(v, NULL, 10) : 0;

	switch (c) {
	case TARGET: b->t.target = address_of(v); break;
	case FEED: b->feed = address_of(v); break;
	case SINKS: b->sinks = n; break;
	case FIRST_SINK: b->first_sink = address_of(v); break;
	case SLOW: b->slow = n; break;
	case SLOW_RATE: b->t.slow_rate = n; break;
	case ASN: b->t.asn = n; break;
	case PORT: b->t.port = (uint16_t)n; break;
	case HOLD: b->t.hold_time = (uint16_t)n; break;
	case ROUTES: b->load.routes = n; break;
	case VTEPS: b->load.vteps = n; break;
	case VNIS: b->load.vnis = n; break;
	case FIRST_VNI: b->load.first_vni = n; break;
	case RT_AS: b->load.rt_as = n; break;
	case AS_PATH: b->load.as_path = n; break;
	case MAC_IP: b->load.with_ip = true; break;
	case IMET: b->load.imet = true; break;
	case PER_UPDATE: b->load.per_update = n; break;
	case WATCH: b->watch = v; break;
	case ROWS: b->rows = n; b->has_rows = true; break;
	case WARM: b->warm = n; break;
	case TIMEOUT: b->t.timeout = n; break;
	case PID:
		if (b->n_pids == MAX_PIDS)
			die("too many processes", NULL);
		b->pids[b->n_pids++] = (pid_t)n;
		break;
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

/* The nth address behind it. */
static struct ip address_plus(const struct ip *a, uint32_t n)
{
	struct rbuf r = rb_init(a->b, 4);

	return ip_v4(rb_u32(&r) + n);
}

static void add_sessions(struct bench *b)
{
	sessions_add(&b->t, &b->feed, false, b->load.routes);
	for (uint32_t i = 0; i < b->sinks; i++) {
		struct ip a = address_plus(&b->first_sink, i);

		sessions_add(&b->t, &a, i >= b->sinks - b->slow, b->load.routes);
	}
}

int main(int argc, char **argv)
{
	static struct bench b = {
		.t = { .port = 179, .asn = 65001, .hold_time = 180, .timeout = 60 },
		.load = { .routes = 100000, .vteps = 100, .vnis = 10, .first_vni = 100, .rt_as = 65001 },
	};
	bool right;

	for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;)
		set_option(&b, c, optarg);
	if (b.load.imet)
		b.load.routes = b.load.vteps * b.load.vnis;
	right = optind < argc && b.t.target.len && b.feed.len == 4 && b.load.routes && b.load.vteps && b.load.vnis &&
		b.sinks <= MAX_SINKS && b.slow <= b.sinks && (!b.sinks || b.first_sink.len == 4);
	for (int i = optind; i < argc; i++)
		right &= phase_named(&b, argv[i], false, false);
	if (!right) {
		fputs(usage, stderr);
		return 2;
	}
	add_sessions(&b);
	run(&b, argv + optind, argc - optind);
	return 0;
}

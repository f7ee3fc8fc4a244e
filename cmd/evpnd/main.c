/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * evpnd: the composition root, the only place that knows every part. It reads the configuration, makes the parts in an
 * order in which each finds what it needs, joins them, runs the loop, and undoes it all in reverse.
 *
 *   config -> log -> privileges -> loop -> control socket -> bgp, evpn -> listening sockets
 *     -> dataplane -> VNIs -> neighbors
 *
 * What can fail because of someone else (the socket, the port, a capability) comes before anything is changed on the
 * host.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/list.h"
#include "cmd/evpnd/apply.h"
#include "cmd/evpnd/ctl.h"
#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/event.h"
#include "cmd/evpnd/privilege.h"
#include "cmd/evpnd/resolve.h"
#include "cmd/evpnd/resume.h"
#include "cmd/evpnd/show.h"
#include "cmd/evpnd/syscalls.h"
#include "cmd/notify.h"
#include "cmd/paths.h"

#define STOP_MS 1000 /* for the last NOTIFICATIONs to leave */

static const char usage_text[] =
	"usage: evpnd [-c FILE] [-s SOCKET] [-u USER] [-n]\n"
	"\n"
	"  -c FILE    configuration, " EVPND_CONFIG " when left out, or a user's own:\n"
	"             ~/.config/evpnd/evpnd.yaml\n"
	"  -s SOCKET  control socket for evpnctl, " EVPND_SOCKET " when left out, a user's\n"
	"             $XDG_RUNTIME_DIR/evpnd.sock\n"
	"  -u USER    become this user when root starts it; " PRIVILEGE_USER ", if there is one, when left out\n"
	"  -n         check the configuration, print every error in it, and exit with 0 or 1\n"
	"  -h, -V     this text; the version\n"
	"\n"
	"Runs in the foreground and logs to stderr. SIGTERM and SIGINT end it, SIGHUP reloads.\n";

/* ---- configuration ----------------------------------------------------------------------------------------------- */

/* NULL with every error on stderr; in the journal they are lines of the log. */
static struct config *load(const char *file)
{
	struct config_errors errors = { 0 };
	struct config *c = config_load(file, &errors);
	struct log log;

	log_init(&log, LOG_ERROR);
	for (size_t i = 0; i < errors.n; i++) {
		if (log.journal)
			log_error(&log, LOG_CONF, "%s", errors.lines[i]);
		else
			fprintf(stderr, "%s\n", errors.lines[i]);
	}
	config_errors_free(&errors);
	return c;
}

/* Another user than who read the configuration has to be able to read it again. */
static void try_reload(struct daemon *d)
{
	struct config_errors errors = { 0 };
	struct config *c = config_load(d->config_file, &errors);

	if (!c)
		log_warn(&d->log, LOG_MAIN, "a reload will not work as user %u: %s", (unsigned)geteuid(),
			 errors.n ? errors.lines[0] : d->config_file);
	config_errors_free(&errors);
	config_free(c);
}

static bool names_netns(const struct config *c)
{
	for (size_t i = 0; i < c->n_vnis; i++) {
		for (size_t p = 0; p < c->vnis[i].n_ports; p++) {
			if (c->vnis[i].ports[p].netns)
				return true;
		}
	}
	return false;
}

/*
 * To open sockets in root's network namespaces takes CAP_SYS_ADMIN. Where the
 * configuration asks for that, a process that does nothing else keeps it.
 */
static void start_nsopen(struct daemon *d)
{
	if (geteuid() || d->config->dataplane != CONFIG_DP_USERSPACE || !names_netns(d->config))
		return;
	if (nsopen_start(&d->nsopen) == 0)
		d->vtep_params.nsopen = &d->nsopen;
}

static bool drop_privileges(struct daemon *d)
{
	uid_t before = geteuid();
	struct privilege_params p = {
		.log = &d->log,
		.user = d->user,
		.group = d->config->control_group,
		.socket = d->socket_path,
		.forwards = d->config->dataplane != CONFIG_DP_NONE,
	};

	start_nsopen(d);
	if (!privilege_drop(&p))
		return false;
	if (geteuid() != before)
		try_reload(d);
	return true;
}

/* ---- the engine's network: the transport, and our timer and work ------------------------------------------------- */

static void net_connect(void *ctx, struct bgp_conn *c)
{
	struct daemon *d = ctx;

	d->transport_net.connect(d->transport_net.ctx, c);
}

static void net_want_write(void *ctx, struct bgp_conn *c)
{
	struct daemon *d = ctx;

	d->transport_net.want_write(d->transport_net.ctx, c);
}

static void net_close(void *ctx, struct bgp_conn *c)
{
	struct daemon *d = ctx;

	d->transport_net.close(d->transport_net.ctx, c);
}

static void net_deadline(void *ctx)
{
	struct daemon *d = ctx;

	if (d->bgp)
		loop_timer_at(&d->bgp_timer, bgp_deadline(d->bgp));
}

static void net_work(void *ctx)
{
	loop_work_start(&((struct daemon *)ctx)->bgp_work);
}

static void on_bgp_timer(struct loop_timer *t)
{
	struct daemon *d = container_of(t, struct daemon, bgp_timer);

	bgp_run_timers(d->bgp, loop_now(&d->loop));
	net_deadline(d);
}

static bool on_bgp_work(struct loop_work *w)
{
	struct daemon *d = container_of(w, struct daemon, bgp_work);

	return bgp_work(d->bgp, loop_now(&d->loop));
}

static void on_evpn_timer(struct loop_timer *t)
{
	struct daemon *d = container_of(t, struct daemon, evpn_timer);

	evpn_run_timers(d->evpn, loop_now(&d->loop));
}

static void at_end_of_turn(struct loop_flush *f)
{
	struct daemon *d = container_of(f, struct daemon, evpn_flush);

	loop_timer_at(&d->evpn_timer, evpn_deadline(d->evpn));
}

/* The engines have no clock: they are told the time before anything of the turn happens to them. */
static void tell_time(void *ctx)
{
	struct daemon *d = ctx;
	struct mtime now = loop_now(&d->loop);

	history_set_now(&d->history, now);
	evpn_set_now(d->evpn, now);
	dp_set_now(d->dp, now);
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static uint64_t random_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = (uint64_t)getpid();
	return seed;
}

static void on_converged(void *ctx)
{
	dp_sweep(((struct daemon *)ctx)->dp);
}

static void make_engine(struct daemon *d)
{
	const struct config *c = d->config;
	struct mtime now = loop_now(&d->loop);
	struct evpn_params ep = { .asn = c->asn, .router_id = c->router_id, .vtep = c->vtep, .log = &d->log,
				  .history = &d->history };
	struct bgp_params bp = {
		.asn = c->asn,
		.router_id = c->router_id,
		.cluster_id = c->cluster_id,
		.next_hop = c->vtep,
		.memory_limit = apply_memory_limit(c),
		.reflect_unknown = c->reflect_unknown,
		.restart_time = c->restart_time,
		.long_lived_time = c->restart_long_lived,
		.converged = on_converged,
		.converged_ctx = d,
		.seed = random_seed(),
		.log = &d->log,
		.history = &d->history,
		.net = { net_connect, net_want_write, net_close, net_deadline, net_work, d },
	};

	loop_timer_init(&d->bgp_timer, &d->loop, on_bgp_timer);
	loop_work_init(&d->bgp_work, &d->loop, on_bgp_work);
	resume_init(d);
	loop_timer_init(&d->evpn_timer, &d->loop, on_evpn_timer);
	d->transport = bgp_transport_new(&d->loop, &d->log, &d->transport_net);
	d->bgp = bgp_new(&bp, now);
	d->evpn = evpn_new(&ep, now);
	loop_flush_start(&d->evpn_flush, &d->loop, at_end_of_turn);
	bgp_family_register(d->bgp, &evpn_family, evpn_listener(d->evpn));
	bgp_family_register(d->bgp, &bgp_rtc_family, NULL);
	net_deadline(d);
}

static void set_vtep_params(struct dp_vtep_params *p, const struct config *c)
{
	p->workers = c->workers;
	p->cpus = c->worker_cpus;
	p->n_cpus = c->n_worker_cpus;
	p->outer = (struct dp_outer){ .ttl = c->outer.ttl, .dscp = c->outer.dscp, .copy_dscp = c->outer.copy_dscp,
				      .fragmentable = !c->outer.df, .no_checksum = !c->outer.checksum };
}

static bool make_dataplane(struct daemon *d)
{
	static const struct dp_ops *const ops[] = {
		[CONFIG_DP_KERNEL] = &dp_kernel_ops,
		[CONFIG_DP_USERSPACE] = &dp_vtep_ops,
		[CONFIG_DP_NONE] = &dp_none_ops,
	};

	d->dp_ops = *ops[d->config->dataplane];
	set_vtep_params(&d->vtep_params, d->config);
	d->dp_ops.ctx = &d->vtep_params;
	d->dp = dp_new(&d->dp_ops, &d->loop, &d->log, evpn_dp_events(d->evpn));
	if (!d->dp)
		return false;
	dp_set_history(d->dp, &d->history);
	evpn_connect(d->evpn, d->bgp, d->dp);
	d->loop.after_wake = tell_time;
	d->loop.after_wake_ctx = d;
	tell_time(d);
	resume_begin(d);
	return true;
}

static bool apply_config(struct daemon *d)
{
	const struct config *c = d->config;

	resolve_start(d);
	for (size_t i = 0; i < c->n_vnis; i++)
		if (!apply_vni(d, &c->vnis[i]))
			return false;
	for (size_t i = 0; i < c->n_neighbors; i++)
		if (!apply_neighbor(d, &c->neighbors[i]))
			return false;
	bgp_transport_peers_changed(d->transport);
	resume_watch(d);
	return true;
}

static void on_sighup(struct loop_signal *s)
{
	struct daemon *d = container_of(s, struct daemon, sighup);
	char why[VERB_ERROR_MAX];

	if (!apply_reload(d, why, sizeof(why)))
		log_error(&d->log, LOG_MAIN, "reload: %s", why);
}

static void on_sigterm(struct loop_signal *s)
{
	struct daemon *d = container_of(s, struct daemon, sigterm);

	log_info(&d->log, LOG_MAIN, "SIGTERM: evpnd ends");
	loop_break(s->loop);
}

static void on_sigint(struct loop_signal *s)
{
	struct daemon *d = container_of(s, struct daemon, sigint);

	log_info(&d->log, LOG_MAIN, "SIGINT: evpnd ends");
	loop_break(s->loop);
}

static void catch_signals(struct daemon *d)
{
	signal(SIGPIPE, SIG_IGN);
	loop_signal_start(&d->sigterm, &d->loop, SIGTERM, on_sigterm);
	loop_signal_start(&d->sigint, &d->loop, SIGINT, on_sigint);
	loop_signal_start(&d->sighup, &d->loop, SIGHUP, on_sighup);
}

/* A descriptor a session, and thousands of sessions are meant to be. */
static void raise_descriptor_limit(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
}

static bool make_control(struct daemon *d)
{
	struct ctl_params p = {
		.loop = &d->loop,
		.log = &d->log,
		.path = d->socket_path,
		.group = d->config->control_group,
		.verbs = show_verbs,
		.d = d,
	};

	d->ctl = ctl_new(&p);
	return d->ctl != NULL;
}

/* False with a line in the log. What was made stays for unmake(). */
static bool make(struct daemon *d)
{
	d->started = loop_now(&d->loop);
	history_set_now(&d->history, d->started);
	event_note(d, HISTORY_STARTED, "evpnd " EVPND_VERSION);
	d->started_wall = time(NULL);
	raise_descriptor_limit();
	catch_signals(d);
	if (!make_control(d))
		return false;
	make_engine(d);
	return bgp_transport_start(d->transport, d->bgp) == 0 && apply_listen(d, d->config) && make_dataplane(d) &&
	       apply_config(d);
}

/* ---- running and undoing ----------------------------------------------------------------------------------------- */

/*
 * The loop runs no more, so what the engine wishes of the dataplane while it goes is not carried out: with rows: keep
 * everything stays in the kernel, with rows: flush dp_free() removes it.
 */
static void unmake(struct daemon *d)
{
	d->loop.after_wake = NULL;
	ctl_stop(d->ctl);
	if (d->bgp) {
		bgp_shutdown(d->bgp, resume_keeps(d), BGP_CEASE_ADMIN_SHUTDOWN, NULL, loop_now(&d->loop));
		bgp_transport_stop(d->transport, STOP_MS);
		loop_timer_at(&d->bgp_timer, MTIME_NEVER);
		loop_work_stop(&d->bgp_work);
		resume_end(d);
		loop_flush_stop(&d->evpn_flush);
		loop_timer_at(&d->evpn_timer, MTIME_NEVER);
		bgp_free(d->bgp);
		evpn_free(d->evpn);
	}
	dp_free(d->dp, d->config->restart_rows == CONFIG_ROWS_FLUSH);
	loop_signal_stop(&d->sigterm);
	loop_signal_stop(&d->sigint);
	loop_signal_stop(&d->sighup);
	ctl_free(d->ctl);
}

/*
 * What looks users up (NSS) is code that is loaded by the first look-up that gets so far, so by one for nobody: after
 * this no code can be. An owner of a TAP may come with a reload.
 */
static void load_name_service(const struct daemon *d)
{
	if (d->config->dataplane == CONFIG_DP_USERSPACE)
		getpwnam("");
}

static int run(struct daemon *d)
{
	bool ok;

	if (!resolve_prepare(d) || !drop_privileges(d)) {
		resolve_stop(d);
		return 1;
	}
	if (loop_init(&d->loop) < 0) {
		log_error(&d->log, LOG_MAIN, "no event loop: %s", strerror(errno));
		resolve_stop(d);
		return 1;
	}
	ok = make(d);
	if (ok) {
		load_name_service(d);
		syscalls_restrict(&d->log);
		log_info(&d->log, LOG_MAIN,
			 "evpnd " EVPND_VERSION " runs: %zu neighbor%s, %zu VNI%s, dataplane %s, control socket %s",
			 d->config->n_neighbors, d->config->n_neighbors == 1 ? "" : "s", d->config->n_vnis,
			 d->config->n_vnis == 1 ? "" : "s", dp_backend_name(d->dp), d->socket_path);
		notify_send("READY=1");
		loop_run(&d->loop);
		notify_send("STOPPING=1");
	}
	resolve_stop(d);
	unmake(d);
	loop_fini(&d->loop);
	return ok ? 0 : 1;
}

/* No standard descriptor may be closed: a socket of ours would take its number, and lines of the log would go there. */
static void open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct option words[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct paths paths;
	struct daemon d = { .config_file = paths.config, .socket_path = paths.socket };
	bool check_only = false;
	int opt, rc;

	open_standard();
	paths_of_daemon(&paths);
	while ((opt = getopt_long(argc, argv, "c:s:u:nhV", words, NULL)) != -1) {
		switch (opt) {
		case 'c':
			d.config_file = optarg;
			break;
		case 's':
			d.socket_path = optarg;
			break;
		case 'u':
			d.user = optarg;
			break;
		case 'n':
			check_only = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		case 'V':
			puts("evpnd " EVPND_VERSION);
			return 0;
		default:
			fputs(usage_text, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "evpnd: unexpected '%s'\n%s", argv[optind], usage_text);
		return 2;
	}
	d.config = load(d.config_file);
	if (!d.config)
		return 1;
	log_init(&d.log, d.config->log_level);
	history_init(&d.history);
	rc = check_only ? 0 : run(&d);
	history_fini(&d.history);
	config_free(d.config);
	return rc;
}

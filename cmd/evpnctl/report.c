/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Sections of text, the short ones first, since what is too much is cut. They are what the daemon says (every verb that
 * only looks), what the kernel says through iproute2 in the daemon's network namespace, and the machine. Nothing is
 * read that holds a secret: the configuration is the daemon's word for it (show config), not the file.
 *
 * A daemon that does not answer is a finding like others: the sections say so.
 */
#include "cmd/evpnctl/report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "cmd/evpnctl/ask.h"
#include "cmd/evpnctl/doctor.h"
#include "cmd/evpnctl/doctor_firewall.h"
#include "cmd/evpnctl/run.h"
#include "cmd/evpnctl/section.h"
#include "cmd/paths.h"

#define LINES_MAX 10000u
#define SECTION_MAX (8u << 20)
#define TOTAL_MAX (64u << 20)
#define PROGRAM_MS 10000
/* The kernel takes the square of its rows to dump an FDB, and holds up the host meanwhile. */
#define FDB_DUMP_MAX 20000u
#define WORDS_MAX 8u

struct report {
	struct sections s;
	const char *socket, *config;
	pid_t pid;     /* of the daemon, 0: it has not answered */
	uint64_t rows; /* of its dataplane */
	int netns;     /* its network namespace; below 0: ours, or out of reach */
};

/* ---- the daemon -------------------------------------------------------------------------------------------------- */

static bool put_row(void *ctx, const json_t *row)
{
	struct report *r = ctx;
	char *text = json_is_string(row) ? NULL : json_dumps(row, JSON_COMPACT);
	const char *line = text ? text : json_string_value(row);
	bool more = section_line(&r->s, line, strlen(line));

	free(text);
	return more;
}

/* Of an array the rows alone, a line each. */
static void put_lines(struct report *r, struct buf *b)
{
	while (b->len) {
		const char *line = buf_data(b), *nl = memchr(line, '\n', b->len);
		size_t n = nl ? (size_t)(nl - line) + 1 : b->len, len = n;

		while (len && strchr("\n,", line[len - 1]))
			len--;
		if (len > 1)
			section_line(&r->s, line, len);
		buf_consume(b, n);
	}
}

static void put_answer(struct report *r, const char *title, const char *const *words, size_t n)
{
	char error[ASK_ERROR_MAX];

	section_begin(&r->s, title);
	if (!ask_rows(r->socket, words, n, NULL, put_row, r, error))
		section_printf(&r->s, "(%s)", error);
	section_end(&r->s);
}

/* What can be said without a daemon as well. */
static void put_doctor(struct report *r)
{
	static const char *const words[] = { "doctor" };
	char error[ASK_ERROR_MAX];
	bool first = true;
	struct buf more;

	section_begin(&r->s, "doctor");
	buf_init(&more);
	if (ask_rows(r->socket, words, 1, NULL, put_row, r, error))
		doctor_firewall_ask(r->socket, &more, &first);
	else
		doctor_alone(r->config, r->socket, error, &more);
	put_lines(r, &more);
	buf_fini(&more);
	section_end(&r->s);
}

/* A verb as the table has it. */
static void put_verb(struct report *r, enum verb_id id)
{
	const char *words[WORDS_MAX];
	char name[64];
	size_t n = 0;

	snprintf(name, sizeof(name), "%s", verbs[id].name);
	for (char *save, *w = strtok_r(name, " ", &save); w && n < WORDS_MAX - 1; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	if (id == VERB_SHOW_CONFIG)
		words[n++] = "--yaml";
	put_answer(r, verbs[id].name, words, n);
}

static bool is_large(enum verb_id id)
{
	return id == VERB_SHOW_RIB || id == VERB_SHOW_MAC || id == VERB_SHOW_ARP || id == VERB_SHOW_FDB ||
	       id == VERB_SHOW_EVENTS;
}

static bool only_looks(enum verb_id id)
{
	return !verbs[id].change && !verbs[id].local && !verbs[id].required &&
	       (!strncmp(verbs[id].name, "show ", 5) || id == VERB_DIFF);
}

static void put_verbs(struct report *r, bool large)
{
	for (enum verb_id id = 0; id < VERB_N; id++)
		if (only_looks(id) && is_large(id) == large)
			put_verb(r, id);
}

/* ---- the machine ------------------------------------------------------------------------------------------------- */

static void put_file(struct report *r, const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	section_begin(&r->s, path);
	if (!f)
		section_printf(&r->s, "(%s)", strerror(errno));
	while (f && (n = getline(&line, &cap, f)) >= 0 && section_line(&r->s, line, (size_t)n))
		;
	free(line);
	if (f)
		fclose(f);
	section_end(&r->s);
}

static bool put_line(void *ctx, const char *line, size_t len)
{
	return section_line(&((struct report *)ctx)->s, line, len);
}

/* words: a command with a blank between its words. */
static void put_program(struct report *r, const char *command, int netns)
{
	const char *argv[16] = { NULL };
	char words[128];
	size_t n = 0;
	int status;

	snprintf(words, sizeof(words), "%s", command);
	for (char *save, *w = strtok_r(words, " ", &save); w && n < 15; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	section_begin(&r->s, command);
	switch (run(argv, netns, PROGRAM_MS, put_line, r, &status)) {
	case RUN_FAILED:
		section_printf(&r->s, "(exit status %d)", status);
		break;
	case RUN_TIMEOUT:
		section_printf(&r->s, "(not done in %d s)", PROGRAM_MS / 1000);
		break;
	case RUN_ABSENT:
		section_printf(&r->s, "(cannot be run here)");
		break;
	case RUN_DONE:
	case RUN_STOPPED:
		break;
	}
	section_end(&r->s);
}

static void put_process(struct report *r)
{
	static const char *const files[] = { "status", "limits", "net/sockstat", "net/softnet_stat" };
	char path[64];

	for (size_t i = 0; r->pid && i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)r->pid, files[i]);
		put_file(r, path);
	}
}

static void put_machine(struct report *r)
{
	static const char *const files[] = { "/etc/os-release", "/proc/loadavg", "/proc/meminfo" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		put_file(r, files[i]);
	put_process(r);
}

/* ---- the kernel's tables ----------------------------------------------------------------------------------------- */

static void put_kernel(struct report *r)
{
	static const char *const commands[] = {
		"ip -V",
		"ip -d -s link show",
		"ip address show",
		"ip rule show",
		"ip route show table all",
		"ip -6 route show table all",
		"ip -d nexthop show",
		"bridge -d link show",
		"bridge vlan show",
		"bridge mdb show",
		"nft -a list ruleset",
		"iptables-save",
		"ip6tables-save",
		"sysctl -e net.bridge.bridge-nf-call-iptables net.bridge.bridge-nf-call-arptables net.ipv4.ip_forward "
		"net.ipv4.conf.all.rp_filter",
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		put_program(r, commands[i], r->netns);
	if (r->rows <= FDB_DUMP_MAX) {
		put_program(r, "bridge -d fdb show", r->netns);
		put_program(r, "ip -d neigh show", r->netns);
		return;
	}
	section_begin(&r->s, "bridge -d fdb show, ip -d neigh show");
	section_printf(&r->s,
		       "(left out: %" PRIu64 " rows, a dump of which would hold up the host; diff has looked at them)",
		       r->rows);
	section_end(&r->s);
}

static void meet_daemon(struct report *r)
{
	char error[ASK_ERROR_MAX];
	json_t *version = ask_json(r->socket, ASK_WORDS("show", "version"), error);
	json_t *memory = version ? ask_json(r->socket, ASK_WORDS("show", "memory"), error) : NULL;

	r->pid = (pid_t)json_integer_value(json_object_get(version, "pid"));
	r->rows = (uint64_t)json_integer_value(json_object_get(json_object_get(memory, "dataplane"), "rows"));
	r->netns = run_netns_of(r->pid);
	if (!version)
		fprintf(stderr, "evpnctl: %s; the report says so, too\n", error);
	json_decref(version);
	json_decref(memory);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static void put_head(struct report *r)
{
	time_t now = time(NULL);
	struct utsname u = { 0 };
	char at[32];
	struct tm tm;

	uname(&u);
	gmtime_r(&now, &tm);
	strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
	fputs("Report of evpnd. Passwords are left out; addresses, names and routes of this host are not: "
	      "read it before you\n"
	      "give it away.\n\n",
	      r->s.out);
	section_begin(&r->s, "evpnctl");
	section_printf(&r->s, "at %s", at);
	section_printf(&r->s, "version %s", EVPND_VERSION);
	section_printf(&r->s, "built by %s, %s%s", __VERSION__, sizeof(void *) == 8 ? "64 bit" : "32 bit",
#ifdef __SANITIZE_ADDRESS__
		       ", with the address sanitizer"
#elif defined(__OPTIMIZE__)
		       ", optimized"
#else
		       ""
#endif
	);
	section_printf(&r->s, "user %u, socket %s", geteuid(), r->socket);
	section_printf(&r->s, "kernel %s %s %s", u.release, u.version, u.machine);
	section_printf(&r->s, "processors %ld", sysconf(_SC_NPROCESSORS_ONLN));
	if (r->netns >= 0)
		section_printf(
			&r->s,
			"evpnd is in another network namespace than this program; the kernel's tables are of that one");
	section_end(&r->s);
}

static void put_all(struct report *r)
{
	put_head(r);
	put_doctor(r);
	put_verbs(r, false);
	put_answer(r, "show rib --summary", ASK_WORDS("show", "rib", "--summary"));
	put_answer(r, "show rib --family rtc", ASK_WORDS("show", "rib", "--family", "rtc"));
	put_machine(r);
	put_kernel(r);
	put_program(r, "journalctl -u evpnd -n 1000 --no-pager -o short-iso", -1);
	put_verbs(r, true);
}

/* Never one that is there: whoever has made it could read along. */
static FILE *open_new(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? NULL : fdopen(fd, "w");
}

int report_run(const char *socket, const char *config, const struct verb_args *args)
{
	const char *name = args->v[ARG_FILE].text;
	bool to_stdout = strcmp(name, "-") == 0, bad;
	struct report r = {
		.s = { .out = to_stdout ? stdout : open_new(name), .lines_max = LINES_MAX, .octets_max = SECTION_MAX,
		       .total_max = TOTAL_MAX },
		.socket = socket,
		.config = config,
	};

	if (!r.s.out) {
		fprintf(stderr, "evpnctl: %s: %s\n", name, strerror(errno));
		return 1;
	}
	meet_daemon(&r);
	put_all(&r);
	if (r.netns >= 0)
		close(r.netns);
	bad = fflush(r.s.out) || ferror(r.s.out);
	if (!to_stdout)
		bad |= fclose(r.s.out) != 0;
	if (bad)
		fprintf(stderr, "evpnctl: %s: %s\n", name, strerror(errno));
	return bad ? 1 : 0;
}

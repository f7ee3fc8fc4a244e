/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * evpnctl: asks a running evpnd over its control socket and shows the answer, as text
 * that fits the terminal or as the JSON that came. It has no state, and no privileges but
 * those of who runs it. Exit codes: 0 yes, 1 no or failed, 2 usage.
 */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/evpnctl/capture.h"
#include "cmd/evpnctl/complete.h"
#include "cmd/evpnctl/conn.h"
#include "cmd/evpnctl/doctor.h"
#include "cmd/evpnctl/events.h"
#include "cmd/evpnctl/graph.h"
#include "cmd/evpnctl/help.h"
#include "cmd/evpnctl/pick.h"
#include "cmd/evpnctl/render.h"
#include "cmd/evpnctl/report.h"
#include "cmd/evpnctl/serve.h"
#include "cmd/evpnctl/top.h"
#include "cmd/evpnctl/trace.h"
#include "cmd/evpnctl/why.h"
#include "cmd/netns.h"
#include "cmd/paths.h"
#include "include/config.h"

struct options {
	const char *socket, *config;
	bool json, help;
	const char **words; /* the verb and its arguments */
	size_t n_words;
};

/* Columns of the terminal on stdout, 0 when it is none. */
static size_t terminal_width(void)
{
	struct winsize ws;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0)
		return 0;
	return ws.ws_col ? ws.ws_col : 80;
}

/* ---- replies ----------------------------------------------------------------------------------------------------- */

static void show_json(struct conn *c)
{
	const char *line;
	size_t len;

	if (c->body == CONN_NONE)
		puts("{\"ok\":true}");
	while ((line = conn_line(c, &len)))
		fwrite(line, 1, len, stdout);
}

/* One row of the array, NULL for the lines that open and close it. picked is scratch. */
static json_t *parse_row(const struct pick *pick, const char *line, size_t len, struct buf *picked)
{
	while (len && strchr("\n,", line[len - 1]))
		len--;
	if (len <= 1)
		return NULL;
	if (pick_members(pick, line, len, picked))
		return json_loadb(buf_data(picked), picked->len, 0, NULL);
	return json_loadb(line, len, JSON_DECODE_ANY, NULL);
}

static void show_row(const struct view *view, struct table *table, const json_t *row, size_t n)
{
	if (json_is_string(row)) {
		puts(json_string_value(row));
	} else if (table) {
		table_add(table, row);
	} else if (view) {
		if (n)
			puts("");
		block_print(view, row, terminal_width(), stdout);
	}
}

static void show_rows(struct conn *c, const struct view *view)
{
	struct table *table = view && view->columns ? table_new(view, terminal_width(), stdout) : NULL;
	const struct pick pick = pick_for(view);
	struct buf picked;
	const char *line;
	size_t len, n = 0;

	buf_init(&picked);
	while ((line = conn_line(c, &len))) {
		json_t *row = parse_row(&pick, line, len, &picked);

		if (row)
			show_row(view, table, row, n++);
		json_decref(row);
	}
	buf_fini(&picked);
	if (table)
		table_finish(table);
	else if (!n && view && view->empty)
		puts(view->empty);
}

static void show_object(struct conn *c, const struct view *view)
{
	size_t len;
	const char *line = conn_line(c, &len);
	json_t *row = line ? json_loadb(line, len, JSON_DECODE_ANY, NULL) : NULL;

	if (row && view)
		block_print(view, row, terminal_width(), stdout);
	json_decref(row);
}

/* An object that has a page of its own. */
static void show_page(struct conn *c, void (*print)(const json_t *page, size_t width, FILE *out))
{
	size_t len;
	const char *line = conn_line(c, &len);
	json_t *page = line ? json_loadb(line, len, JSON_DECODE_ANY, NULL) : NULL;

	if (page)
		print(page, terminal_width(), stdout);
	json_decref(page);
}

static void end_quietly(int signal_number)
{
	_exit(0);
}

/* Events as they come, a line each, until someone ends it: that is no failure. */
static void show_lines(struct conn *c, bool json)
{
	const char *line;
	json_t *row;
	size_t len;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGINT, end_quietly);
	while ((line = conn_line(c, &len)) && len > 1) {
		row = json ? NULL : json_loadb(line, len, 0, NULL);
		if (json)
			fwrite(line, 1, len, stdout);
		else if (row)
			event_line_print(row, stdout);
		json_decref(row);
	}
}

/* What in an answer says no. */
static const char *const signs[VERB_N] = {
	[VERB_DIFF] = "\"differs\":true",   [VERB_REPAIR] = "\"differs\":true", [VERB_TRACE] = "\"broken\":true",
	[VERB_WHY_MAC] = "\"in_use\":false", [VERB_WHY_IP] = "\"in_use\":false",
	[VERB_DOCTOR] = "\"severity\":\"error\"",
};

/* Opens what the daemon may not open itself; 0 and *n descriptors, or the exit code. What is not right it says. */
static int open_netns(const struct verb_args *args, int fds[NETNS_FDS], size_t *n)
{
	const struct verb_value *v = args->v;
	char path[PATH_MAX];
	const char *what;
	int err;

	*n = 0;
	if (v[ARG_FROM].given + v[ARG_NETNS].given + v[ARG_PID].given != 1 || !netns_path(args, path, sizeof(path)))
		return 0;
	err = netns_open(path, fds, &what);
	if (err) {
		fprintf(stderr, "evpnctl: the network namespace %s %s: %s%s\n", path, what, strerror(-err),
			err == -EPERM || err == -EACCES ? " (root can)" : "");
		return 1;
	}
	*n = NETNS_FDS;
	return 0;
}

static int show_answer(const struct options *o, const struct verb_args *args, struct conn *c)
{
	int rc = 0;

	c->sign = signs[args->id];
	if (c->body == CONN_LINES)
		show_lines(c, o->json);
	else if (o->json)
		show_json(c);
	else if (c->body == CONN_ROWS)
		show_rows(c, view_of(args));
	else if (args->id == VERB_TRACE)
		show_page(c, trace_print);
	else if (args->id == VERB_WHY_MAC || args->id == VERB_WHY_IP)
		show_page(c, why_print);
	else if (c->body == CONN_OBJECT)
		show_object(c, view_of(args));
	if (!c->complete) {
		fprintf(stderr, "evpnctl: the answer broke off: evpnd ended or dropped us\n");
		rc = 1;
	}
	conn_close(c);
	return c->signs ? 1 : rc;
}

static int ask(const struct options *o, const struct verb_args *args)
{
	int fds[NETNS_FDS], rc;
	struct conn c;
	size_t n;

	rc = open_netns(args, fds, &n);
	if (!rc)
		rc = conn_open(&c, o->socket, o->words, o->n_words, fds, n);
	return rc ? rc : show_answer(o, args, &c);
}

/* Also where no daemon answers, which is the first finding then. */
static int doctor(const struct options *o, const struct verb_args *args)
{
	const char *config = args->v[ARG_CONFIG].given ? args->v[ARG_CONFIG].text : o->config;
	struct buf answer;
	struct conn c;
	int rc = conn_ask(&c, o->socket, o->words, o->n_words, NULL, 0);

	if (rc && c.answered) {
		fprintf(stderr, "evpnctl: %s\n", c.error);
		return rc;
	}
	buf_init(&answer);
	if (rc)
		doctor_alone(config, o->socket, c.error, &answer);
	else
		doctor_add(&c, o->socket, &answer);
	conn_local(&c, buf_data(&answer), answer.len);
	rc = show_answer(o, args, &c);
	buf_fini(&answer);
	return rc;
}

/* ---- verbs without a daemon -------------------------------------------------------------------------------------- */

/* FILE:LINE:COLUMN: MESSAGE, or FILE: MESSAGE. */
static json_t *error_object(const char *file, const char *line)
{
	const char *at = line + strlen(file);
	unsigned row = 0, column = 0;
	int n = 0;

	if (sscanf(at, ":%u:%u: %n", &row, &column, &n) < 2 || !n)
		return json_pack("{s:s, s:n, s:n, s:s}", "file", file, "line", "column", "message",
				 at + strspn(at, ": "));
	return json_pack("{s:s, s:i, s:i, s:s}", "file", file, "line", (int)row, "column", (int)column, "message",
			 at + n);
}

static void print_errors(const char *file, const struct config_errors *errors)
{
	json_t *all = json_array();

	for (size_t i = 0; i < errors->n; i++)
		json_array_append_new(all, error_object(file, errors->lines[i]));
	json_dumpf(all, stdout, JSON_COMPACT);
	puts("");
	json_decref(all);
}

static int check_file(const char *file, bool json)
{
	struct config_errors errors = { 0 };
	struct config *c = config_load(file, &errors);
	int rc = c ? 0 : 1;

	if (json)
		print_errors(file, &errors);
	for (size_t i = 0; !json && i < errors.n; i++)
		puts(errors.lines[i]);
	if (c && !json)
		printf("%s: no errors\n", file);
	config_errors_free(&errors);
	config_free(c);
	return rc;
}

static int help(const char *const *words, size_t n)
{
	struct verb_args about;
	char error[VERB_ERROR_MAX];

	if (!n) {
		help_all(stdout);
		return 0;
	}
	if (n == 1 && help_group(words[0], stdout))
		return 0;
	if (!verb_find(words, n, &about.id)) {
		verb_parse(words, n, &about, error);
		fprintf(stderr, "evpnctl: %s\n", error);
		return 2;
	}
	help_verb(about.id, stdout);
	return 0;
}

static int act(struct options *o)
{
	struct verb_args args;
	char error[VERB_ERROR_MAX];
	int rc;

	if (o->help)
		return help(o->words, o->n_words);
	rc = verb_parse(o->words, o->n_words, &args, error);
	if (rc) {
		fprintf(stderr, "evpnctl: %s\n", error);
		return rc;
	}
	if (args.id == VERB_CHECK)
		return check_file(args.v[ARG_FILE].text, o->json);
	if (args.id == VERB_DOCTOR)
		return doctor(o, &args);
	if (args.id == VERB_CAPTURE)
		return capture_run(o->socket, o->words, o->n_words, &args, o->json);
	if (args.id == VERB_GRAPH)
		return graph_run(o->socket, &args, o->json);
	if (args.id == VERB_REPORT)
		return report_run(o->socket, o->config, &args);
	if (args.id == VERB_TOP)
		return top_run(o->socket, &args, o->json);
	if (args.id == VERB_SERVE)
		return serve_run(o->socket, &args);
	if (args.id == VERB_HELP)
		return help(o->words + 1, o->n_words - 1);
	if (args.id == VERB_SHOW_CONFIG && !o->json && !args.v[ARG_YAML].given)
		o->words[o->n_words++] = "--yaml"; /* there is room: see parse_options() */
	return ask(o, &args);
}

/* ---- command line ------------------------------------------------------------------------------------------------ */

static bool is_word(const char *arg, const char *a, const char *b)
{
	return strcmp(arg, a) == 0 || strcmp(arg, b) == 0;
}

/* Our own options may also stand behind the verb. -1 to go on, else the exit code. */
static int parse_options(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		if (is_word(argv[i], "-j", "--json")) {
			o->json = true;
		} else if (is_word(argv[i], "-h", "--help")) {
			o->help = true;
		} else if (is_word(argv[i], "-V", "--version")) {
			puts("evpnctl " EVPND_VERSION);
			return 0;
		} else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc && argv[i + 1][0]) {
			o->socket = argv[++i];
		} else if (strncmp(argv[i], "-s", 2) == 0 && argv[i][2]) {
			o->socket = argv[i] + 2;
		} else if (argv[i][0] == '-' && !o->n_words) {
			fprintf(stderr, "evpnctl: %s '%s' ('evpnctl help' lists all)\n",
				strcmp(argv[i], "-s") == 0 ? "a path is needed after" : "unknown option", argv[i]);
			return 2;
		} else {
			o->words[o->n_words++] = argv[i];
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct paths paths;
	struct options o = { .socket = paths.socket, .config = paths.config };
	int rc;

	if (argc > 2 && strcmp(argv[1], "--complete") == 0)
		return complete_run((const char *const *)argv + 2, (size_t)argc - 2);
	setlocale(LC_CTYPE, ""); /* descriptions are UTF-8; a table says others' characters as numbers */
	paths_of_client(&paths);
	o.words = xcalloc((size_t)argc + 1, sizeof(*o.words));
	rc = parse_options(argc, argv, &o);
	if (rc < 0 && !o.n_words && !o.help) {
		help_usage(stderr);
		fputs("'evpnctl help' lists the verbs\n", stderr);
		rc = 2;
	}
	if (rc < 0)
		rc = act(&o);
	if (fflush(stdout) || ferror(stdout)) {
		perror("evpnctl: stdout");
		rc = rc ? rc : 1;
	}
	free(o.words);
	return rc;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* base/log.c: levels, the sink, one line a message, the token bucket, prefixes of the journal. */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/test.h"

struct capture {
	char line[2000];
	enum log_level level;
	int n;
};

static void capture(void *ctx, enum log_level level, enum log_subsys sub, const char *line)
{
	struct capture *c = ctx;

	c->n++;
	c->level = level;
	snprintf(c->line, sizeof(c->line), "%s", line);
}

static int evaluated;

static int costly(void)
{
	return ++evaluated;
}

static void log_level_off_costs_nothing(void **state)
{
	struct capture c = { "" };
	struct log l;

	log_init(&l, LOG_WARN);
	l.sink = capture, l.ctx = &c;
	log_info(&l, LOG_BGP, "%d", costly());
	assert_int_equal(evaluated, 0);
	assert_int_equal(c.n, 0);
	log_warn(&l, LOG_BGP, "peer %s: %d", "a", costly());
	assert_int_equal(evaluated, 1);
	assert_string_equal(c.line, "peer a: 1");
	assert_int_equal(c.level, LOG_WARN);
}

static void log_line_is_one_line_and_bounded(void **state)
{
	struct capture c = { "" };
	char text[3000];
	struct log l;

	log_init(&l, LOG_INFO);
	l.sink = capture, l.ctx = &c;
	log_info(&l, LOG_BGP, "a\nb\x1b[2Jc\x7f");
	assert_string_equal(c.line, "a?b?[2Jc?");
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info(&l, LOG_BGP, "%s", text);
	assert_int_equal(strlen(c.line), 1023);
	assert_string_equal(c.line + 1019, "y...");
	text[1024] = '\0';
	log_info(&l, LOG_BGP, "%s", text);
	assert_string_equal(c.line + 1019, "y...");
	text[1023] = '\0';
	log_info(&l, LOG_BGP, "%s", text);
	assert_string_equal(c.line, text);
}

/* Behind a full pipe; read again, the log says how much is missing. */
static void log_does_not_wait_for_its_reader(void **state)
{
	int ends[2], old = dup(STDERR_FILENO);
	char text[70000];
	struct log l;
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_init(&l, LOG_INFO);
	for (int i = 0; i < 3000; i++)
		log_info(&l, LOG_BGP, "line %d of many that nobody reads", i);
	n = read(ends[0], text, sizeof(text) - 1);
	log_info(&l, LOG_BGP, "and now");
	dup2(old, STDERR_FILENO);
	assert_true(n > 4096);
	assert_true(l.lost == 0);
	n = read(ends[0], text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "lines before this one are lost"));
	assert_non_null(strstr(text, "bgp: and now\n"));
	close(ends[0]);
	close(ends[1]);
	close(old);
}

static void log_keeps_errno(void **state)
{
	struct capture c = { "" };
	struct log l;

	log_init(&l, LOG_INFO);
	l.sink = capture, l.ctx = &c;
	errno = ENOENT;
	log_info(&l, LOG_BGP, "%m");
	assert_int_equal(errno, ENOENT);
}

static void log_allocations_are_made(void **state)
{
	char *copy = xstrdup("evpnd");
	char *zero = xcalloc(0, 8);

	assert_string_equal(copy, "evpnd");
	copy = xrealloc(copy, 0);
	assert_non_null(copy);
	free(copy);
	free(zero);
}

static void log_levels_have_names(void **state)
{
	enum log_level level;

	for (int i = LOG_ERROR; i <= LOG_DEBUG; i++) {
		assert_true(log_level_parse(log_level_name((enum log_level)i), &level));
		assert_int_equal(level, i);
	}
	assert_false(log_level_parse("loud", &level));
}

static void log_limit_lets_a_burst_through_then_a_trickle(void **state)
{
	struct log_limit lim = { .burst = 3, .interval_ms = 1000 };
	struct capture c = { "" };
	struct mtime now = { 5000000 };
	struct log l;
	int allowed = 0;

	log_init(&l, LOG_INFO);
	l.sink = capture, l.ctx = &c;
	for (int i = 0; i < 10; i++)
		allowed += log_allow(&l, &lim, LOG_BGP, now);
	assert_int_equal(allowed, 3);
	assert_int_equal(c.n, 0);
	now = mtime_add_ms(now, 999);
	assert_false(log_allow(&l, &lim, LOG_BGP, now));
	now = mtime_add_ms(now, 1);
	assert_true(log_allow(&l, &lim, LOG_BGP, now));
	assert_string_equal(c.line, "8 more lines of this kind left out");
	assert_false(log_allow(&l, &lim, LOG_BGP, now));
	now = mtime_add_ms(now, 3600000); /* no more than the burst is saved up */
	for (allowed = 0; log_allow(&l, &lim, LOG_BGP, now);)
		allowed++;
	assert_int_equal(allowed, 3);
	assert_int_equal(c.n, 2);
}

/* What log_write() puts on stderr, with JOURNAL_STREAM as given. */
static void stderr_line(bool journal, char *out, size_t room)
{
	int saved = dup(STDERR_FILENO), p[2];
	struct stat st;
	char env[64];
	struct log l;
	ssize_t n;

	assert_int_equal(pipe(p), 0);
	dup2(p[1], STDERR_FILENO);
	fstat(STDERR_FILENO, &st);
	snprintf(env, sizeof(env), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + !journal);
	setenv("JOURNAL_STREAM", env, 1);
	log_init(&l, LOG_INFO);
	unsetenv("JOURNAL_STREAM");
	log_error(&l, LOG_DP, "fdb: %s", "gone");
	dup2(saved, STDERR_FILENO);
	n = read(p[0], out, room - 1);
	assert_true(n > 0);
	out[n] = '\0';
	close(saved), close(p[0]), close(p[1]);
}

static void log_prefixes_priority_only_for_the_journal(void **state)
{
	char line[200];

	stderr_line(true, line, sizeof(line));
	assert_string_equal(line, "<3>dp: fdb: gone\n");
	stderr_line(false, line, sizeof(line));
	assert_non_null(strstr(line, " error  dp: fdb: gone\n"));
	assert_int_equal(line[0], '2'); /* a date */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_level_off_costs_nothing),
		cmocka_unit_test(log_line_is_one_line_and_bounded),
		cmocka_unit_test(log_does_not_wait_for_its_reader),
		cmocka_unit_test(log_keeps_errno),
		cmocka_unit_test(log_allocations_are_made),
		cmocka_unit_test(log_levels_have_names),
		cmocka_unit_test(log_limit_lets_a_burst_through_then_a_trickle),
		cmocka_unit_test(log_prefixes_priority_only_for_the_journal),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What a report is made of: bounded sections of text, and the output of other programs. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/evpnctl/run.h"
#include "cmd/evpnctl/section.h"
#include "tests/lib/test.h"

struct text {
	struct sections s;
	char *got;
	size_t len;
};

static void text_start(struct text *t, uint32_t lines, size_t octets, size_t total)
{
	*t = (struct text){ .s = { .lines_max = lines, .octets_max = octets, .total_max = total } };
	t->s.out = open_memstream(&t->got, &t->len);
}

static void text_is(struct text *t, const char *want)
{
	fclose(t->s.out);
	assert_string_equal(t->got, want);
	free(t->got);
}

static void say(struct text *t, const char *title, const char *const *lines)
{
	section_begin(&t->s, title);
	for (; *lines; lines++)
		section_line(&t->s, *lines, strlen(*lines));
	section_end(&t->s);
}

#define SAY(t, title, ...) say((t), (title), (const char *const[]){ __VA_ARGS__, NULL })

static void section_is_cut_at_a_line(void **state)
{
	struct text t;

	text_start(&t, 2, 1000, 1000);
	SAY(&t, "a", "one\n", "two", "three", "four");
	SAY(&t, "b", "1", "2");
	text_is(&t, "==== a\none\ntwo\n(cut: 2 lines and no more)\n\n==== b\n1\n2\n\n");
	text_start(&t, 100, 8, 1000);
	SAY(&t, "a", "one", "123456", "2");
	text_is(&t, "==== a\none\n(cut: 1 line and no more)\n\n"); /* nothing is left out in the middle */
	text_start(&t, 100, 1000, 8);
	SAY(&t, "a", "one", "two");
	SAY(&t, "b", "x");
	text_is(&t, "==== a\none\ntwo\n\n==== b\n(cut: 0 lines and no more)\n\n");
}

/* A line of another cannot look like a title, nor move the cursor of who reads it. */
static void section_makes_control_characters_visible(void **state)
{
	struct text t;

	text_start(&t, 100, 1000, 1000);
	SAY(&t, "a", "x\n==== b\x1b[2J\ty\xc3\xa9\x7f");
	text_is(&t, "==== a\nx\\x0a==== b\\x1b[2J\ty\xc3\xa9\\x7f\n\n");
}

/* ---- programs ---------------------------------------------------------------------------------------------------- */

struct lines {
	char text[1024];
	size_t n, enough;
};

static bool take(void *ctx, const char *line, size_t len)
{
	struct lines *l = ctx;

	if (l->enough && l->n == l->enough)
		return false;
	strncat(l->text, line, len);
	l->n++;
	return true;
}

static enum run_end sh(struct lines *l, const char *script, int timeout_ms, int *status)
{
	return run((const char *const[]){ "sh", "-c", script, NULL }, -1, timeout_ms, take, l, status);
}

static void run_gives_the_lines_of_both_outputs(void **state)
{
	struct lines l = { 0 };
	int status;

	assert_int_equal(sh(&l, "echo one; echo two >&2; printf end", 5000, &status), RUN_DONE);
	assert_string_equal(l.text, "one\ntwo\nend");
	assert_int_equal(l.n, 3);
	assert_int_equal(sh(&l, "exit 3", 5000, &status), RUN_FAILED);
	assert_int_equal(status, 3);
	assert_int_equal(sh(&l, "kill -9 $$", 5000, &status), RUN_FAILED);
	assert_int_equal(status, 128 + 9);
}

/* Whoever calls us has set neither the programs that run nor their language. */
static void run_has_an_environment_of_its_own(void **state)
{
	struct lines l = { 0 };
	int status;

	setenv("EVPND_TEST", "x", 1);
	setenv("PATH", "/nowhere", 1);
	assert_int_equal(sh(&l, "env; read x || echo nothing to read", 5000, &status), RUN_DONE);
	assert_non_null(strstr(l.text, "LC_ALL=C\n"));
	assert_non_null(strstr(l.text, "nothing to read"));
	assert_null(strstr(l.text, "EVPND_TEST"));
}

static void run_says_that_there_is_no_such_program(void **state)
{
	int status;

	assert_int_equal(run((const char *const[]){ "no-such-program", NULL }, -1, 1000, take, NULL, &status),
			 RUN_ABSENT);
}

/* Within ten seconds nobody has the FIFO open for writing any more. */
static bool writers_are_gone(int fd)
{
	char c;

	for (unsigned i = 0; i < 10000 && read(fd, &c, 1); i++)
		usleep(1000);
	return read(fd, &c, 1) == 0;
}

static void run_ends_what_takes_too_long_or_says_too_much(void **state)
{
	char folder[] = "/tmp/evpnd-run-XXXXXX", fifo[64], script[128];
	struct lines l = { .enough = 3 };
	enum run_end how = RUN_TIMEOUT;
	int status, fd;

	assert_non_null(mkdtemp(folder));
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	snprintf(script, sizeof(script), "sleep 100 >%s & sleep 100", fifo);
	assert_int_equal(sh(&l, script, 200, &status), RUN_TIMEOUT);
	assert_true(writers_are_gone(fd)); /* with what it has started */
	assert_int_equal(sh(&l, "while :; do echo y; done", 5000, &status), RUN_STOPPED);
	assert_string_equal(l.text, "y\ny\ny\n");
	for (int ms = 200; how == RUN_TIMEOUT && ms < 20000; ms *= 2) /* so long may a shell take to begin */
		how = sh(&l, "exec >&- 2>&-; sleep 100", ms, &status);
	assert_int_equal(how, RUN_FAILED); /* is silent, but does not end */
	close(fd);
	unlink(fifo);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(section_is_cut_at_a_line),
		cmocka_unit_test(section_makes_control_characters_visible),
		cmocka_unit_test(run_gives_the_lines_of_both_outputs),
		cmocka_unit_test(run_has_an_environment_of_its_own),
		cmocka_unit_test(run_says_that_there_is_no_such_program),
		cmocka_unit_test(run_ends_what_takes_too_long_or_says_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

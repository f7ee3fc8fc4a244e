/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The control socket with verbs of the test's own: framing, slices, bounds, who gets the path. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/evpnd/ctl.h"
#include "tests/lib/test.h"

#define ROWS 20000u
#define ROW_TEXT "a row of some octets, as long as a short route is when it is written as JSON text"

struct daemon { /* what the verbs of this test see */
	uint32_t rows_written, states;
	uint32_t lines; /* that are there to be told */
	struct reply *waiting;
};

struct rows_state {
	uint32_t next;
};

static int start_rows(struct reply *r)
{
	r->d->states++;
	return 0;
}

static bool more_rows(struct reply *r)
{
	struct rows_state *s = r->state;

	while (reply_step(r)) {
		if (s->next == ROWS)
			return false;
		json_object(reply_row(r), NULL);
		json_uint(&r->json, "n", s->next++);
		json_str(&r->json, "text", ROW_TEXT);
		json_object_end(&r->json);
		r->d->rows_written++;
	}
	return true;
}

static void end_rows(struct reply *r)
{
	r->d->states--;
}

static bool no_rows(struct reply *r)
{
	return false;
}

static int start_none(struct reply *r)
{
	r->body = REPLY_NONE;
	return 0;
}

static int start_no(struct reply *r)
{
	return reply_fail(r, 1, "no such thing: %s", "it");
}

static int start_lines(struct reply *r)
{
	r->body = REPLY_LINES;
	r->d->waiting = r;
	return 0;
}

/* One line when it is woken. */
static bool more_lines(struct reply *r)
{
	if (r->d->lines) {
		json_object(reply_row(r), NULL);
		json_uint(&r->json, "n", r->d->lines--);
		json_object_end(&r->json);
		buf_adds(r->out, "\n");
	}
	r->waits = !r->d->lines;
	return true;
}

static void end_lines(struct reply *r)
{
	r->d->waiting = NULL;
}

static const struct reply_ops lines = { .start = start_lines, .more = more_lines, .end = end_lines };
static const struct reply_ops rows = { sizeof(struct rows_state), start_rows, more_rows, end_rows };
static const struct reply_ops empty = { .more = no_rows };
static const struct reply_ops none = { .start = start_none };
static const struct reply_ops no = { .start = start_no };
static const struct reply_ops *const ops[VERB_N] = {
	[VERB_SHOW_RIB] = &rows,
	[VERB_SHOW_MAC] = &empty,
	[VERB_LOG] = &none,
	[VERB_SHOW_VTEP] = &no,
	[VERB_SHOW_TRAFFIC] = &no,
	[VERB_MONITOR] = &lines,
};

struct fixture {
	struct loop loop;
	struct log log;
	struct daemon d;
	struct ctl *ctl;
	char dir[64], path[80], last_line[512];
};

static void keep_line(void *ctx, enum log_level level, enum log_subsys sub, const char *line)
{
	struct fixture *f = ctx;

	snprintf(f->last_line, sizeof(f->last_line), "%s", line);
}

static struct ctl *open_ctl(struct fixture *f)
{
	struct ctl_params p = { .loop = &f->loop, .log = &f->log, .path = f->path, .verbs = ops, .d = &f->d };

	return ctl_new(&p);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	*state = f;
	log_init(&f->log, LOG_DEBUG);
	f->log.sink = keep_line;
	f->log.ctx = f;
	assert_int_equal(loop_init(&f->loop), 0);
	snprintf(f->dir, sizeof(f->dir), "/tmp/test_ctl.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/run/evpnd.sock", f->dir);
	f->ctl = open_ctl(f);
	assert_non_null(f->ctl);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char run[80];

	ctl_free(f->ctl);
	assert_int_equal(f->d.states, 0);
	loop_fini(&f->loop);
	snprintf(run, sizeof(run), "%s/run", f->dir);
	/* Nothing may be left in there. */
	assert_int_equal(rmdir(run), 0);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void turns(struct fixture *f, int n)
{
	while (n--)
		ev_run(f->loop.ev, EVRUN_NOWAIT);
}

static int dial(struct fixture *f)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What comes until end stands at the end of it, or the other side hangs up (end NULL). To be freed. */
static char *hear(struct fixture *f, int fd, const char *end)
{
	struct buf in;
	bool over = false;

	buf_init(&in);
	for (int idle = 0; idle < 1000 && !over; idle++) {
		char *space = buf_reserve(&in, 65536);
		ssize_t n;

		turns(f, 1);
		n = recv(fd, space, 65536, 0);
		if (n > 0) {
			buf_commit(&in, (size_t)n);
			idle = 0;
		}
		over = n == 0 || (n < 0 && errno != EAGAIN);
		if (end && in.len >= strlen(end))
			over |= memcmp(buf_data(&in) + in.len - strlen(end), end, strlen(end)) == 0;
	}
	assert_true(over);
	buf_add(&in, "", 1);
	return in.data;
}

static void assert_answer(struct fixture *f, int fd, const char *request, const char *answer)
{
	char *text;

	say(fd, request);
	text = hear(f, fd, "\n");
	assert_string_equal(text, answer);
	free(text);
}

static void ctl_answers_one_request_after_another(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	assert_answer(f, fd, "{\"argv\":[\"log\",\"info\"]}\n", "{\"ok\":true,\"body\":\"none\"}\n");
	assert_answer(f, fd, "{\"argv\":[\"show\",\"mac\"]}\n", "{\"ok\":true,\"body\":\"rows\"}\n[\n]\n");
	assert_answer(f, fd, "{\"argv\":[\"show\",\"vtep\"]}\n",
		      "{\"ok\":false,\"error\":\"no such thing: it\",\"code\":1}\n");
	assert_answer(
		f, fd, "{\"argv\":[\"help\"]}\n",
		"{\"ok\":false,\"error\":\"this verb is evpnctl's own, the daemon does not know it\",\"code\":2}\n");
	assert_answer(f, fd, "nonsense\n", "{\"ok\":false,\"error\":\"expected a JSON object\",\"code\":2}\n");
	assert_answer(
		f, fd, "{\"argv\":[\"shwo\",\"mac\"]}\n",
		"{\"ok\":false,\"error\":\"unknown verb 'shwo mac', did you mean 'show mac'? ('help' lists all)\","
		"\"code\":2}\n");
	close(fd);
}

static void ctl_takes_requests_that_come_together_or_in_pieces(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	char *text;

	say(fd, "{\"argv\":[\"log\",\"info\"]}\n{\"argv\":[\"log\",\"info\"]}\n{\"argv\":[\"show\"");
	text = hear(f, fd, "\n");
	free(text);
	turns(f, 5);
	assert_answer(f, fd, ",\"mac\"]}\n", "{\"ok\":true,\"body\":\"rows\"}\n[\n]\n");
	close(fd);
}

/* A half-closed client (socat, evpnctl) gets its whole answer, then the connection ends. */
static void ctl_answers_who_has_stopped_sending(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	char *text;

	say(fd, "{\"argv\":[\"show\",\"rib\"]}\n");
	shutdown(fd, SHUT_WR);
	text = hear(f, fd, NULL);
	assert_non_null(strstr(text, "\"n\":19999,"));
	assert_string_equal(text + strlen(text) - 5, "\"}\n]\n");
	free(text);
	close(fd);
}

static void ctl_rows_are_lines(void **state)
{
	static const char head[] =
		"{\"ok\":true,\"body\":\"rows\"}\n[\n{\"n\":0,\"text\":\"" ROW_TEXT "\"},\n{\"n\":1,";
	struct fixture *f = *state;
	int fd = dial(f);
	char *text, *at;
	uint32_t n = 0;

	say(fd, "{\"argv\":[\"show\",\"rib\"]}\n");
	text = hear(f, fd, "]\n");
	assert_memory_equal(text, head, sizeof(head) - 1);
	for (at = text; *at; at++)
		n += at[0] == '\n' && at[1] == '{';
	assert_int_equal(n, ROWS);
	free(text);
	close(fd);
}

/* Who does not read costs one slice; the walk waits for them, and others are served. */
static void ctl_slow_client_costs_one_slice(void **state)
{
	struct fixture *f = *state;
	int slow = dial(f), other = dial(f);
	uint32_t written;
	struct ctl_stats s;

	say(slow, "{\"argv\":[\"show\",\"rib\"]}\n");
	turns(f, 500);
	written = f->d.rows_written;
	turns(f, 500);
	assert_int_equal(f->d.rows_written, written);
	assert_in_range(written, 1, ROWS / 4); /* what the kernel takes, and a slice */
	assert_null(f->loop.works);            /* nothing spins meanwhile */
	ctl_stats(f->ctl, &s);
	assert_in_range(s.octets, 1, 2 * (65536 + 32768));
	assert_answer(f, other, "{\"argv\":[\"show\",\"mac\"]}\n", "{\"ok\":true,\"body\":\"rows\"}\n[\n]\n");
	close(slow);
	turns(f, 10);
	assert_int_equal(f->d.states, 0);
	close(other);
}

static void ctl_request_without_an_end_is_refused(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	char *text, *request = xcalloc(1, 20001);

	memset(request, 'x', 20000);
	say(fd, request);
	text = hear(f, fd, NULL);
	assert_string_equal(text, "{\"ok\":false,\"error\":\"the request is too long\",\"code\":2}\n");
	free(text);
	free(request);
	close(fd);
}

/* All places taken: the newest is served, the one that did nothing for longest goes. */
static void ctl_clients_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct ctl_stats s;
	int fd[80];
	char c;

	for (int i = 0; i < 80; i++) {
		fd[i] = dial(f);
		turns(f, 2);
	}
	ctl_stats(f->ctl, &s);
	assert_int_equal(s.clients, 64);
	assert_int_equal(s.dropped, 16);
	assert_int_equal(recv(fd[0], &c, 1, 0), 0);
	assert_answer(f, fd[79], "{\"argv\":[\"show\",\"mac\"]}\n", "{\"ok\":true,\"body\":\"rows\"}\n[\n]\n");
	for (int i = 0; i < 80; i++)
		close(fd[i]);
}

static int look_on(struct fixture *f)
{
	int fd = dial(f);
	char *text;

	say(fd, "{\"argv\":[\"monitor\"]}\n");
	text = hear(f, fd, "\n");
	assert_string_equal(text, "{\"ok\":true,\"body\":\"lines\"}\n");
	free(text);
	turns(f, 5);
	assert_non_null(f->d.waiting);
	return fd;
}

static void tell(struct fixture *f, int fd, uint32_t n)
{
	char expected[32], *text;

	f->d.lines = n;
	reply_wake(f->d.waiting);
	snprintf(expected, sizeof(expected), "{\"n\":1}\n");
	text = hear(f, fd, expected);
	assert_non_null(strstr(text, "{\"n\":"));
	free(text);
	turns(f, 5);
}

static void stop(struct loop_timer *t)
{
	loop_break(t->loop);
}

/* How often the loop turns in 30 ms. */
static unsigned turns_of_a_while(struct fixture *f)
{
	struct loop_timer t;
	unsigned before = ev_iteration(f->loop.ev);

	loop_timer_init(&t, &f->loop, stop);
	loop_timer_at(&t, mtime_add_ms(loop_now(&f->loop), 30));
	loop_run(&f->loop);
	return ev_iteration(f->loop.ev) - before;
}

static void ctl_who_waits_is_told_and_may_hang_up(void **state)
{
	struct fixture *f = *state;
	int fd = look_on(f);
	char c;

	turns(f, 20);
	assert_int_equal(recv(fd, &c, 1, 0), -1); /* nothing, and no turn is used up */
	tell(f, fd, 1);
	tell(f, fd, 3);
	say(fd, "x"); /* is not looked at before the end of the answer */
	turns(f, 5);
	tell(f, fd, 2);
	shutdown(fd, SHUT_WR); /* still listens */
	turns(f, 5);
	assert_in_range(turns_of_a_while(f), 1, 10);
	tell(f, fd, 1);
	close(fd);
	turns(f, 5);
	f->d.lines = 1;
	if (f->d.waiting)
		reply_wake(f->d.waiting);
	turns(f, 5);
	assert_null(f->d.waiting);
}

static void ctl_who_waits_and_hangs_up_is_gone_at_once(void **state)
{
	struct fixture *f = *state;
	struct ctl_stats s;

	close(look_on(f));
	turns(f, 5);
	assert_null(f->d.waiting);
	ctl_stats(f->ctl, &s);
	assert_int_equal(s.clients, 0);
}

static void ctl_who_waits_keeps_its_place(void **state)
{
	struct fixture *f = *state;
	int fd[70], first = look_on(f);

	for (int i = 0; i < 70; i++) {
		fd[i] = dial(f);
		turns(f, 2);
	}
	assert_non_null(f->d.waiting);
	tell(f, first, 1);
	for (int i = 0; i < 70; i++)
		close(fd[i]);
	close(first);
}

static void ctl_second_daemon_is_told(void **state)
{
	struct fixture *f = *state;

	assert_null(open_ctl(f));
	assert_non_null(strstr(f->last_line, f->path));
	assert_non_null(strstr(f->last_line, "another evpnd is running on it"));
	/* And the first one is still whole. */
	close(dial(f));
}

static void ctl_place_is_taken_until_the_daemon_has_ended(void **state)
{
	struct fixture *f = *state;

	ctl_stop(f->ctl);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_null(open_ctl(f));
	assert_non_null(strstr(f->last_line, "another evpnd is running on it"));
	ctl_free(f->ctl);
	f->ctl = open_ctl(f);
	assert_non_null(f->ctl);
}

static void ctl_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct fixture *f = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ctl_free(f->ctl);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", f->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd); /* as kill -9 leaves it */
	f->ctl = open_ctl(f);
	assert_non_null(f->ctl);
	close(dial(f));
}

static void ctl_another_programs_socket_is_left(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct fixture *f = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ctl_free(f->ctl);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", f->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 1), 0);
	f->ctl = open_ctl(f);
	assert_null(f->ctl);
	assert_non_null(strstr(f->last_line, "another program serves it"));
	assert_int_equal(unlink(f->path), 0);
	close(fd);
}

static void ctl_a_file_in_the_way_is_left(void **state)
{
	struct fixture *f = *state;
	FILE *file;

	ctl_free(f->ctl);
	file = fopen(f->path, "w");
	fclose(file);
	f->ctl = open_ctl(f);
	assert_null(f->ctl);
	assert_non_null(strstr(f->last_line, "something else than a socket"));
	assert_int_equal(unlink(f->path), 0);
}

static void ctl_socket_is_private_without_a_group(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ctl_answers_one_request_after_another, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_takes_requests_that_come_together_or_in_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_answers_who_has_stopped_sending, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_rows_are_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_slow_client_costs_one_slice, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_request_without_an_end_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_clients_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_who_waits_is_told_and_may_hang_up, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_who_waits_and_hangs_up_is_gone_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_who_waits_keeps_its_place, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_second_daemon_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_place_is_taken_until_the_daemon_has_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_stale_socket_is_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_another_programs_socket_is_left, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_a_file_in_the_way_is_left, setup, teardown),
		cmocka_unit_test_setup_teardown(ctl_socket_is_private_without_a_group, setup, teardown),
	};

	return RUN_TESTS(tests);
}

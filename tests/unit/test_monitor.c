/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* monitor as the control socket drives it: what is told, what is lost, and that nothing grows. */
#include <stdlib.h>
#include <string.h>

#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/show.h"
#include "tests/lib/test.h"

struct client {
	struct reply r;
	struct buf out;
	unsigned woken;
};

struct fixture {
	struct daemon d;
	struct client c[20];
};

static void wake(struct reply *r)
{
	container_of(r, struct client, r)->woken++;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	history_init(&f->d.history);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < 20; i++) {
		reply_abort(&f->c[i].r);
		buf_fini(&f->c[i].out);
	}
	assert_int_equal(f->d.monitors, 0);
	assert_true(list_empty(&f->d.history.watches));
	history_fini(&f->d.history);
	free(f);
	return 0;
}

/* False when it is refused. */
static bool begin(struct fixture *f, struct client *c, const char *const *argv, size_t argc)
{
	char error[VERB_ERROR_MAX];
	struct verb_args args;

	assert_int_equal(verb_parse(argv, argc, &args, error), 0);
	reply_start(&c->r, &show_monitor, &f->d, &args, NULL, 0, &c->out, (struct mtime){ 0 });
	c->r.wake = wake;
	if (!c->r.ops)
		return false;
	assert_non_null(strstr(buf_data(&c->out), "\"body\":\"lines\""));
	buf_reset(&c->out);
	return true;
}

static void add(struct fixture *f, enum history_ring ring, uint8_t mac)
{
	struct mac m = { { 2, 0, 0, 0, 0, mac } };
	struct history_event e = { .kind = HISTORY_MAC, .what = HISTORY_REMOTE, .vni = 100, .mac = &m };

	history_add(&f->d.history, ring, &e);
}

/* Lines until it waits; each slice is taken as a socket would. *lost is the sum of what was told so. */
static unsigned lines(struct client *c, uint64_t *lost)
{
	unsigned n = 0;

	*lost = 0;
	do {
		assert_true(reply_more(&c->r, (struct mtime){ 0 }));
		assert_true(c->out.len <= 32 * 1024);
		for (const char *at = buf_data(&c->out), *end; at < buf_data(&c->out) + c->out.len; at = end + 1) {
			const char *told;

			end = memchr(at, '\n', (size_t)(buf_data(&c->out) + c->out.len - at));
			assert_non_null(end);
			told = memmem(at, (size_t)(end - at), "\"lost\":", 7);
			if (told)
				*lost += strtoull(told + 7, NULL, 10);
			else
				n++;
		}
		buf_reset(&c->out);
	} while (!c->r.waits);
	return n;
}

static void monitor_waits_and_is_woken_once(void **state)
{
	struct fixture *f = *state;
	struct client *c = &f->c[0];
	uint64_t lost;

	add(f, HISTORY_MOVES, 1); /* before it looks */
	assert_true(begin(f, c, (const char *[]){ "monitor", "macs" }, 2));
	assert_int_equal(lines(c, &lost), 0);
	add(f, HISTORY_SESSIONS, 2); /* nothing that it looks at */
	assert_int_equal(c->woken, 0);
	add(f, HISTORY_MOVES, 3);
	add(f, HISTORY_HOSTS, 4);
	assert_int_equal(c->woken, 1);
	assert_int_equal(lines(c, &lost), 2);
	assert_int_equal(lost, 0);
}

static void monitor_that_is_slow_hears_how_much_it_lost(void **state)
{
	struct fixture *f = *state;
	struct client *c = &f->c[0];
	const unsigned total = 200000;
	uint64_t lost;
	unsigned n;

	assert_true(begin(f, c, (const char *[]){ "monitor" }, 1));
	assert_int_equal(lines(c, &lost), 0);
	for (unsigned i = 0; i < total; i++)
		add(f, HISTORY_HOSTS, (uint8_t)i);
	n = lines(c, &lost);
	assert_true(n > 1000 && lost > 1000);
	assert_int_equal(n + lost, total);
	add(f, HISTORY_HOSTS, 1);
	assert_int_equal(lines(c, &lost), 1);
	assert_int_equal(lost, 0);
}

static void monitor_count_ends_it(void **state)
{
	struct fixture *f = *state;
	struct client *c = &f->c[0];

	assert_true(begin(f, c, (const char *[]){ "monitor", "--count", "2", "--mac", "02:00:00:00:00:01" }, 5));
	for (uint8_t i = 0; i < 6; i++)
		add(f, HISTORY_HOSTS, i & 1);
	assert_false(reply_more(&c->r, (struct mtime){ 0 }));
	assert_int_equal(f->d.monitors, 0);
	assert_non_null(strstr(buf_data(&c->out), "}\n\n")); /* an empty line ends them */
}

static void monitor_clients_are_bounded(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < 16; i++)
		assert_true(begin(f, &f->c[i], (const char *[]){ "monitor" }, 1));
	assert_false(begin(f, &f->c[16], (const char *[]){ "monitor" }, 1));
	assert_non_null(strstr(buf_data(&f->c[16].out), "16 clients look on already"));
	reply_abort(&f->c[3].r);
	assert_true(begin(f, &f->c[17], (const char *[]){ "monitor" }, 1));
}

static void monitor_routes_are_noted_while_someone_looks(void **state)
{
	struct fixture *f = *state;

	assert_false(history_watched(&f->d.history, HISTORY_ROUTES));
	assert_true(begin(f, &f->c[0], (const char *[]){ "monitor", "macs" }, 2));
	assert_false(history_watched(&f->d.history, HISTORY_ROUTES));
	assert_true(begin(f, &f->c[1], (const char *[]){ "monitor", "routes" }, 2));
	assert_true(history_watched(&f->d.history, HISTORY_ROUTES));
	reply_abort(&f->c[1].r);
	assert_false(history_watched(&f->d.history, HISTORY_ROUTES));
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(monitor_waits_and_is_woken_once),
		test(monitor_that_is_slow_hears_how_much_it_lost),
		test(monitor_count_ends_it),
		test(monitor_clients_are_bounded),
		test(monitor_routes_are_noted_while_someone_looks),
	};

	return RUN_TESTS(tests);
}

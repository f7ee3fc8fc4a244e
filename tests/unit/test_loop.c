/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* base/loop.c on the real clock: order within a turn, slices between events, timers never early. */
#include "base/loop.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "tests/lib/test.h"

struct fixture {
	struct loop loop;
	struct loop_timer timer, other;
	struct loop_io io;
	struct loop_signal sig;
	struct loop_work a, b;
	struct loop_flush flush;
	int slices_a, slices_b, flushes, reads, writes, fired;
	struct mtime due;
	int fd[2];
	bool busy; /* the socket is never drained */
};

static void start(struct fixture *f)
{
	*f = (struct fixture){ 0 };
	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, f->fd), 0);
}

static void end(struct fixture *f)
{
	close(f->fd[0]), close(f->fd[1]);
	loop_fini(&f->loop);
}

static void on_timer(struct loop_timer *t)
{
	struct fixture *f = container_of(t, struct fixture, timer);

	assert_false(mtime_before(loop_now(&f->loop), f->due));
	f->fired++;
	loop_break(t->loop);
}

static void never(struct loop_timer *t)
{
	fail_msg("a stopped timer fired");
}

static void loop_timers_fire_in_time_and_never_early(void **state)
{
	struct fixture f;

	start(&f);
	loop_timer_init(&f.timer, &f.loop, on_timer);
	loop_timer_init(&f.other, &f.loop, never);
	for (int64_t us = 0; us < 20000; us += 1700) {
		f.due = mtime_add_us(loop_now(&f.loop), us);
		loop_timer_at(&f.timer, mtime_add_us(f.due, 3600000000));
		loop_timer_at(&f.timer, f.due);
		loop_timer_at(&f.other, loop_now(&f.loop));
		loop_timer_at(&f.other, MTIME_NEVER);
		loop_run(&f.loop);
		assert_true(mtime_diff_us(f.due, loop_now(&f.loop)) < 1000000);
	}
	assert_int_equal(f.fired, 12);
	end(&f);
}

static bool work_a(struct loop_work *w)
{
	struct fixture *f = container_of(w, struct fixture, a);

	/* The other one has had its turn between two of ours. */
	assert_in_range(f->slices_a - f->slices_b, 0, 1);
	return ++f->slices_a < 50;
}

static bool work_b(struct loop_work *w)
{
	struct fixture *f = container_of(w, struct fixture, b);

	if (++f->slices_b < 50)
		return true;
	loop_break(w->loop);
	return false;
}

static void flush(struct loop_flush *f)
{
	container_of(f, struct fixture, flush)->flushes++;
}

static void on_readable(struct loop_io *io, unsigned events)
{
	struct fixture *f = container_of(io, struct fixture, io);
	char c;

	if (events & LOOP_READ) {
		f->reads++;
		if (!f->busy)
			assert_int_equal(read(f->fd[0], &c, 1), 1);
	}
	if (events & LOOP_WRITE) {
		f->writes++;
		loop_io_set(io, LOOP_READ);
	}
}

static void loop_works_take_turns_beside_a_busy_socket(void **state)
{
	struct fixture f;

	start(&f);
	f.busy = true;
	assert_int_equal(write(f.fd[1], "x", 1), 1);
	loop_io_init(&f.io, &f.loop, f.fd[0], on_readable);
	loop_io_set(&f.io, LOOP_READ);
	loop_work_init(&f.a, &f.loop, work_a);
	loop_work_init(&f.b, &f.loop, work_b);
	loop_work_start(&f.a);
	loop_work_start(&f.b);
	loop_work_start(&f.a);
	loop_flush_start(&f.flush, &f.loop, flush);
	loop_run(&f.loop);
	assert_int_equal(f.slices_a, 50);
	assert_int_equal(f.slices_b, 50);
	assert_int_equal(f.flushes, 100);
	assert_in_range(f.reads, 98, 101);
	assert_false(f.a.queued);
	assert_null(f.loop.works);
	loop_io_set(&f.io, 0);
	end(&f);
}

static void loop_stopped_work_does_not_run(void **state)
{
	struct fixture f;

	start(&f);
	loop_work_init(&f.a, &f.loop, work_a);
	loop_work_init(&f.b, &f.loop, work_b);
	loop_work_start(&f.a);
	loop_work_start(&f.b);
	loop_work_stop(&f.a);
	loop_work_stop(&f.a);
	loop_work_stop(&f.b);
	loop_flush_start(&f.flush, &f.loop, flush);
	loop_timer_init(&f.timer, &f.loop, on_timer);
	f.due = mtime_add_ms(loop_now(&f.loop), 5);
	loop_timer_at(&f.timer, f.due);
	loop_run(&f.loop);
	assert_int_equal(f.slices_a + f.slices_b, 0);
	assert_in_range(f.flushes, 1, 10); /* the loop sleeps when there is no work */
	end(&f);
}

static void loop_flushes_come_and_go(void **state)
{
	struct fixture f, g = { 0 };

	start(&f);
	loop_flush_start(&f.flush, &f.loop, flush);
	loop_flush_start(&g.flush, &f.loop, flush);
	loop_flush_stop(&f.flush);
	loop_timer_init(&f.timer, &f.loop, on_timer);
	f.due = mtime_add_ms(loop_now(&f.loop), 1);
	loop_timer_at(&f.timer, f.due);
	loop_run(&f.loop);
	assert_int_equal(f.flushes, 0);
	assert_in_range(g.flushes, 1, 10);
	loop_flush_stop(&g.flush);
	assert_null(f.loop.flushes);
	end(&f);
}

static void loop_io_says_what_is_ready(void **state)
{
	struct fixture f;

	start(&f);
	loop_io_init(&f.io, &f.loop, f.fd[0], on_readable);
	loop_io_set(&f.io, LOOP_WRITE);
	loop_io_set(&f.io, LOOP_READ | LOOP_WRITE);
	assert_int_equal(write(f.fd[1], "xy", 2), 2);
	loop_timer_init(&f.timer, &f.loop, on_timer);
	f.due = mtime_add_ms(loop_now(&f.loop), 20);
	loop_timer_at(&f.timer, f.due);
	loop_run(&f.loop);
	assert_int_equal(f.reads, 2);
	assert_int_equal(f.writes, 1);
	loop_io_set(&f.io, 0);
	end(&f);
}

static void on_signal(struct loop_signal *s)
{
	container_of(s, struct fixture, sig)->fired++;
	loop_break(s->loop);
}

static void loop_signals_arrive(void **state)
{
	struct fixture f;

	start(&f);
	loop_signal_start(&f.sig, &f.loop, SIGUSR1, on_signal);
	raise(SIGUSR1);
	loop_run(&f.loop);
	assert_int_equal(f.fired, 1);
	loop_signal_stop(&f.sig);
	end(&f);
}

static bool sleep_20ms(struct loop_work *w)
{
	usleep(20000);
	loop_break(w->loop);
	return false;
}

static void loop_measures_its_longest_turn(void **state)
{
	struct fixture f;

	for (unsigned i = 0; i < 20; i++) { /* in one of which the machine takes no such time of ours away */
		start(&f);
		loop_timer_init(&f.timer, &f.loop, on_timer);
		f.due = mtime_add_ms(loop_now(&f.loop), 30);
		loop_timer_at(&f.timer, f.due);
		loop_run(&f.loop);
		if (f.loop.longest_turn_us < 20000)
			break;
		end(&f);
	}
	assert_true(f.loop.longest_turn_us < 20000); /* sleeping is not work */
	loop_work_init(&f.a, &f.loop, sleep_20ms);
	loop_work_start(&f.a);
	loop_run(&f.loop);
	assert_true(f.loop.longest_turn_us >= 20000);
	assert_true(f.loop.longest_turn_cpu_us > 0 && f.loop.longest_turn_cpu_us < 20000);
	end(&f);
}

static void loop_measures_its_latest_timer(void **state)
{
	struct fixture f;

	start(&f);
	loop_timer_init(&f.timer, &f.loop, on_timer);
	loop_work_init(&f.a, &f.loop, sleep_20ms);
	loop_work_start(&f.a);
	f.due = mtime_add_ms(loop_now(&f.loop), 2);
	loop_timer_at(&f.timer, f.due);
	loop_run(&f.loop); /* the work's */
	loop_run(&f.loop);
	assert_true(f.loop.latest_timer_us >= 15000);
	end(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(loop_timers_fire_in_time_and_never_early),
		cmocka_unit_test(loop_works_take_turns_beside_a_busy_socket),
		cmocka_unit_test(loop_stopped_work_does_not_run),
		cmocka_unit_test(loop_flushes_come_and_go),
		cmocka_unit_test(loop_io_says_what_is_ready),
		cmocka_unit_test(loop_signals_arrive),
		cmocka_unit_test(loop_measures_its_longest_turn),
		cmocka_unit_test(loop_measures_its_latest_timer),
	};

	return RUN_TESTS(tests);
}

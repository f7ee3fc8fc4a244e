/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A turn, in libev's order: check (stamps the time, before all callbacks), signals, sockets and timers, then prepare,
 * where one slice of work runs and what was gathered is flushed. The idle watcher does nothing but keep the loop from
 * sleeping while there is work, so slices come at the rate of turns and busy sockets cannot starve them.
 */
#include "base/loop.h"

#include <errno.h>
#include <time.h>

#include "base/list.h"
#include "base/log.h"

static int64_t read_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t clock_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t loop_turn_us(const struct loop *l)
{
	return clock_us() - l->turn_start_us;
}

static void turn_begin(struct loop *l)
{
	l->turn_start_us = clock_us();
	l->turn_start_cpu_us = read_us(CLOCK_THREAD_CPUTIME_ID);
}

static void keep_longest(int64_t *longest, int64_t us)
{
	if (us > *longest)
		*longest = us;
}

static void turn_end(struct loop *l)
{
	keep_longest(&l->longest_turn_us, loop_turn_us(l));
	keep_longest(&l->longest_turn_cpu_us, read_us(CLOCK_THREAD_CPUTIME_ID) - l->turn_start_cpu_us);
}

/* The first in line does a slice and goes to the end. It may stop or free itself when it says that it is done. */
static void run_work(struct loop *l)
{
	struct loop_work *w = l->works;

	if (!w)
		return;
	loop_work_stop(w);
	if (w->fn(w))
		loop_work_start(w);
}

static void on_prepare(struct ev_loop *ev, struct ev_prepare *p, int revents)
{
	struct loop *l = container_of(p, struct loop, prepare);

	run_work(l);
	for (struct loop_flush *f = l->flushes; f; f = f->next)
		f->fn(f);
	turn_end(l);
}

static void on_check(struct ev_loop *ev, struct ev_check *c, int revents)
{
	struct loop *l = container_of(c, struct loop, check);

	turn_begin(l);
	if (l->after_wake)
		l->after_wake(l->after_wake_ctx);
}

static void on_idle(struct ev_loop *ev, struct ev_idle *i, int revents)
{
}

int loop_init(struct loop *l)
{
	*l = (struct loop){ 0 };
	turn_begin(l);
	l->ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (!l->ev)
		return errno ? -errno : -ENOSYS;
	ev_idle_init(&l->idle, on_idle);
	ev_prepare_init(&l->prepare, on_prepare);
	ev_check_init(&l->check, on_check);
	ev_set_priority(&l->check, EV_MAXPRI);
	ev_prepare_start(l->ev, &l->prepare);
	ev_check_start(l->ev, &l->check);
	return 0;
}

void loop_fini(struct loop *l)
{
	ev_idle_stop(l->ev, &l->idle);
	ev_prepare_stop(l->ev, &l->prepare);
	ev_check_stop(l->ev, &l->check);
	ev_loop_destroy(l->ev);
	l->ev = NULL;
}

void loop_run(struct loop *l)
{
	ev_now_update(l->ev);
	turn_begin(l);
	ev_run(l->ev, 0);
}

void loop_break(struct loop *l)
{
	ev_break(l->ev, EVBREAK_ALL);
}

struct mtime loop_now(struct loop *l)
{
	return (struct mtime){ l->turn_start_us };
}

static void on_io(struct ev_loop *ev, struct ev_io *w, int revents)
{
	struct loop_io *io = container_of(w, struct loop_io, ev);

	io->fn(io, (revents & EV_READ ? LOOP_READ : 0u) | (revents & EV_WRITE ? LOOP_WRITE : 0u));
}

void loop_io_init(struct loop_io *io, struct loop *l, int fd, void (*fn)(struct loop_io *, unsigned events))
{
	io->loop = l;
	io->fn = fn;
	ev_io_init(&io->ev, on_io, fd, 0);
}

void loop_io_set(struct loop_io *io, unsigned events)
{
	int want = (events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0);

	if (want == (io->ev.events & (EV_READ | EV_WRITE)) && ev_is_active(&io->ev) == (want != 0))
		return;
	ev_io_stop(io->loop->ev, &io->ev);
	ev_io_set(&io->ev, io->ev.fd, want);
	if (want)
		ev_io_start(io->loop->ev, &io->ev);
}

static void fire(struct loop_timer *t)
{
	keep_longest(&t->loop->latest_timer_us, clock_us() - t->at.us);
	t->fn(t);
}

static void on_timer(struct ev_loop *ev, struct ev_timer *w, int revents)
{
	struct loop_timer *t = container_of(w, struct loop_timer, ev);

	/* libev's time of the turn is a little behind ours, so this can be microseconds early. */
	if (mtime_before(loop_now(t->loop), t->at))
		loop_timer_at(t, t->at);
	else
		fire(t);
}

void loop_timer_init(struct loop_timer *t, struct loop *l, void (*fn)(struct loop_timer *))
{
	t->loop = l;
	t->fn = fn;
	t->at = MTIME_NEVER;
	ev_timer_init(&t->ev, on_timer, 0, 0);
}

void loop_timer_at(struct loop_timer *t, struct mtime at)
{
	int64_t left = mtime_diff_us(loop_now(t->loop), at);

	ev_timer_stop(t->loop->ev, &t->ev);
	t->at = at;
	if (at.us == MTIME_NEVER.us)
		return;
	ev_timer_set(&t->ev, left > 0 ? (double)left / 1e6 : 0., 0.);
	ev_timer_start(t->loop->ev, &t->ev);
}

static void on_signal(struct ev_loop *ev, struct ev_signal *w, int revents)
{
	struct loop_signal *s = container_of(w, struct loop_signal, ev);

	s->fn(s);
}

void loop_signal_start(struct loop_signal *s, struct loop *l, int signum, void (*fn)(struct loop_signal *))
{
	s->loop = l;
	s->fn = fn;
	ev_signal_init(&s->ev, on_signal, signum);
	ev_signal_start(l->ev, &s->ev);
}

void loop_signal_stop(struct loop_signal *s)
{
	ev_signal_stop(s->loop->ev, &s->ev);
}

void loop_work_init(struct loop_work *w, struct loop *l, bool (*fn)(struct loop_work *))
{
	*w = (struct loop_work){ .loop = l, .fn = fn };
}

void loop_work_start(struct loop_work *w)
{
	struct loop_work **p = &w->loop->works;

	if (w->queued)
		return;
	while (*p)
		p = &(*p)->next;
	*p = w;
	w->next = NULL;
	w->queued = true;
	ev_idle_start(w->loop->ev, &w->loop->idle);
}

void loop_work_stop(struct loop_work *w)
{
	struct loop_work **p = &w->loop->works;

	if (!w->queued)
		return;
	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	w->queued = false;
	if (!w->loop->works)
		ev_idle_stop(w->loop->ev, &w->loop->idle);
}

void loop_flush_start(struct loop_flush *f, struct loop *l, void (*fn)(struct loop_flush *))
{
	struct loop_flush **p = &l->flushes;

	while (*p)
		p = &(*p)->next;
	*p = f;
	*f = (struct loop_flush){ .loop = l, .fn = fn };
}

void loop_flush_stop(struct loop_flush *f)
{
	struct loop_flush **p = &f->loop->flushes;

	while (*p != f)
		p = &(*p)->next;
	*p = f->next;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The event loop, and the only wrapper of libev. Watchers are embedded in what they serve and stopped before that is
 * freed. Callbacks are short. Work that grows with a table runs as a struct loop_work, a slice a turn, so that timers
 * and sockets are served between the slices.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <ev.h>

#include "base/mtime.h"

struct loop {
	struct ev_loop *ev;
	struct ev_idle idle;      /* active while works is not empty */
	struct loop_work *works;  /* those with something to do, in turn */
	struct ev_prepare prepare;
	struct ev_check check;
	/* Called at the start of every turn, before any callback (tell the engines the time). */
	void (*after_wake)(void *ctx);
	void *after_wake_ctx;
	struct loop_flush *flushes;
	int64_t longest_turn_us;
	int64_t longest_turn_cpu_us; /* the same without the time that others had the processor */
	int64_t latest_timer_us; /* how late one ran at the most */
	int64_t turn_start_us, turn_start_cpu_us;
};

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_io {
	struct ev_io ev;
	struct loop *loop;
	void (*fn)(struct loop_io *io, unsigned events);
};

struct loop_timer {
	struct ev_timer ev;
	struct loop *loop;
	struct mtime at;
	void (*fn)(struct loop_timer *t);
};

struct loop_signal {
	struct ev_signal ev;
	struct loop *loop;
	void (*fn)(struct loop_signal *s);
};

/* fn does a slice (about a millisecond) and says whether there is more to do. */
struct loop_work {
	struct loop_work *next;
	struct loop *loop;
	bool queued;
	bool (*fn)(struct loop_work *w);
};

/* fn is called at the end of every turn, before the loop sleeps: it sends what was gathered in the turn. */
struct loop_flush {
	struct loop_flush *next;
	struct loop *loop;
	void (*fn)(struct loop_flush *f);
};

int loop_init(struct loop *l); /* -errno */
void loop_fini(struct loop *l);
void loop_run(struct loop *l);
void loop_break(struct loop *l);
/* Monotonic, taken once a turn: cheap. */
struct mtime loop_now(struct loop *l);
/* Microseconds that this turn has taken so far. Who serves many looks at it and leaves the rest to the next turn. */
int64_t loop_turn_us(const struct loop *l);

void loop_io_init(struct loop_io *io, struct loop *l, int fd, void (*fn)(struct loop_io *, unsigned events));
void loop_io_set(struct loop_io *io, unsigned events); /* 0 stops it */
void loop_timer_init(struct loop_timer *t, struct loop *l, void (*fn)(struct loop_timer *));
void loop_timer_at(struct loop_timer *t, struct mtime at); /* MTIME_NEVER stops it */
void loop_signal_start(struct loop_signal *s, struct loop *l, int signum, void (*fn)(struct loop_signal *));
void loop_signal_stop(struct loop_signal *s);
void loop_work_init(struct loop_work *w, struct loop *l, bool (*fn)(struct loop_work *));
void loop_work_start(struct loop_work *w); /* no harm when it is queued already */
void loop_work_stop(struct loop_work *w);
/* Flushes run in the order in which they were started. Not to be started or stopped by one another. */
void loop_flush_start(struct loop_flush *f, struct loop *l, void (*fn)(struct loop_flush *));
void loop_flush_stop(struct loop_flush *f);

#endif

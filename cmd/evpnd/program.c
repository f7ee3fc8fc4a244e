/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnd/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/list.h"
#include "cmd/evpnd/keeper.h"

#define LINE_MAX_OCTETS 4096u
#define OUT_MAX (1u << 20) /* questions that it has not read yet */
#define ASKED_MAX 8192u    /* a power of two; of all VNIs */
#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 60000
#define READS_A_TURN 16
#define PATIENCE_MS 2000 /* questions of before the start do not make it late */

/* A question by its number, which the program sees. */
struct question {
	uint32_t number, vni, id; /* number 0: answered */
};

struct program {
	struct program_params p;
	struct loop_io io;
	struct loop_timer timer;
	int fd; /* -1: not running */
	struct buf in, out;
	int64_t pause_ms;
	struct mtime started;
	uint32_t last;
	struct question asked[ASKED_MAX];
	uint64_t starts, answers;
	char error[256];
};

static void on_ready(struct loop_io *io, unsigned events);

static void set_events(struct program *p)
{
	loop_io_set(&p->io, LOOP_READ | (p->out.len ? (unsigned)LOOP_WRITE : 0u));
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void let_go(struct program *p)
{
	if (p->fd < 0)
		return;
	loop_io_set(&p->io, 0);
	close(p->fd);
	p->fd = -1;
	buf_reset(&p->in);
	buf_reset(&p->out);
	memset(p->asked, 0, sizeof(p->asked));
	keeper_kill(p->p.keeper, p->p.number);
}

static void fail(struct program *p, const char *words)
{
	let_go(p);
	snprintf(p->error, sizeof(p->error), "%s", words);
	log_warn(p->p.log, LOG_EVPN, "resolver %s: %s; started again in %u s", p->p.argv[0], words,
		 (unsigned)(p->pause_ms / 1000));
	loop_timer_at(&p->timer, mtime_add_ms(loop_now(p->p.loop), p->pause_ms));
	p->pause_ms = p->pause_ms * 2 < PAUSE_MAX_MS ? p->pause_ms * 2 : PAUSE_MAX_MS;
}

static void start(struct program *p)
{
	int fd = keeper_run(p->p.keeper, p->p.number, p->p.argv);
	char words[128];

	if (fd < 0) {
		snprintf(words, sizeof(words), "cannot be started: %s",
			 fd == -EPERM ? "evpnd was not started with one" : strerror(-fd));
		fail(p, words);
		return;
	}
	p->fd = fd;
	p->started = loop_now(p->p.loop);
	p->starts++;
	loop_io_init(&p->io, p->p.loop, fd, on_ready);
	set_events(p);
}

static void on_timer(struct loop_timer *t)
{
	start(container_of(t, struct program, timer));
}

struct program *program_new(const struct program_params *params)
{
	struct program *p = xcalloc(1, sizeof(*p));

	p->p = *params;
	p->fd = -1;
	p->pause_ms = PAUSE_MIN_MS;
	buf_init(&p->in);
	buf_init(&p->out);
	loop_timer_init(&p->timer, params->loop, on_timer);
	start(p);
	return p;
}

void program_free(struct program *p)
{
	loop_timer_at(&p->timer, MTIME_NEVER);
	let_go(p);
	buf_fini(&p->in);
	buf_fini(&p->out);
	free(p);
}

void program_info(const struct program *p, struct program_info *out)
{
	*out = (struct program_info){ .state = p->fd < 0 ? "waiting" : "running",
				      .error = p->error[0] ? p->error : NULL,
				      .starts = p->starts,
				      .answers = p->answers };
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

static void write_out(struct program *p)
{
	while (p->out.len) {
		ssize_t n = send(p->fd, buf_data(&p->out), p->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n <= 0)
			break; /* what is wrong is read */
		buf_consume(&p->out, (size_t)n);
	}
	set_events(p);
}

bool program_ask(struct program *p, uint32_t vni, uint32_t id, const struct mac *mac, const struct ip *ip)
{
	struct question *q;
	struct json j;
	bool first = !p->out.len;

	if (p->fd < 0 || p->out.len > OUT_MAX)
		return false;
	p->last += p->last == UINT32_MAX ? 2 : 1;
	q = &p->asked[p->last % ASKED_MAX];
	*q = (struct question){ p->last, vni, id };
	json_init(&j, &p->out);
	json_object(&j, NULL);
	json_uint(&j, "id", p->last);
	json_uint(&j, "vni", vni);
	if (mac)
		json_mac(&j, "mac", mac);
	else
		json_ip(&j, "ip", ip);
	json_object_end(&j);
	buf_adds(&p->out, "\n");
	if (first) /* the rest of the turn's go with it */
		set_events(p);
	return true;
}

void program_is_late(struct program *p)
{
	if (p->fd >= 0 && !mtime_before(loop_now(p->p.loop), mtime_add_ms(p->started, PATIENCE_MS)))
		fail(p, "does not answer in time");
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static bool take_answer(struct program *p, const struct host_line *l, char *why, size_t cap)
{
	struct question *q = &p->asked[l->id % ASKED_MAX], was = *q;
	struct config_host h = l->host;
	bool known = l->says & HOST_LINE_VTEP;

	if (was.number != l->id)
		return true; /* answered, or asked long ago */
	if (known && !(l->says & HOST_LINE_MAC)) {
		snprintf(why, cap, "mac: needed with vtep");
		return false;
	}
	q->number = 0;
	return p->p.answer(p->p.ctx, was.vni, was.id, known ? &h : NULL, why, cap);
}

static bool take_line(struct program *p, const char *s, size_t len, char *why, size_t cap)
{
	struct host_line l;

	if (host_line_is_empty(s, len))
		return true;
	if (!host_line_read(s, len, &l, why, cap))
		return false;
	if (!(l.says & HOST_LINE_ID ? take_answer(p, &l, why, cap) : p->p.changed(p->p.ctx, &l, why, cap)))
		return false;
	p->answers++;
	p->pause_ms = PAUSE_MIN_MS;
	return true;
}

/* False when it has said something that it must not. */
static bool take_lines(struct program *p)
{
	char why[192], words[256];
	const char *end;

	while ((end = memchr(buf_data(&p->in), '\n', p->in.len))) {
		size_t len = (size_t)(end - buf_data(&p->in));

		if (!take_line(p, buf_data(&p->in), len, why, sizeof(why))) {
			snprintf(words, sizeof(words), "answers nonsense: %s", why);
			fail(p, words);
			return false;
		}
		buf_consume(&p->in, len + 1);
	}
	if (p->in.len > LINE_MAX_OCTETS) {
		fail(p, "answers nonsense: a line that does not end");
		return false;
	}
	return true;
}

static void on_ready(struct loop_io *io, unsigned events)
{
	struct program *p = container_of(io, struct program, io);

	for (int i = 0; i < READS_A_TURN && events & LOOP_READ; i++) {
		ssize_t n = recv(p->fd, buf_reserve(&p->in, 16384), 16384, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			fail(p, "has ended");
			return;
		}
		buf_commit(&p->in, (size_t)n);
		if (!take_lines(p))
			return;
	}
	write_out(p);
}

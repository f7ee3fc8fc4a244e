/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * monitor: the events of the history as they happen. A client is a reader that stands at
 * its end; when something is added it is woken, and writes what has come as far as its
 * socket takes it. Who is slow is overtaken and told what it has lost.
 */
#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/event.h"
#include "cmd/evpnd/show.h"

#define MONITORS_MAX 16u /* fewer than the control socket has places */

struct monitor_state {
	struct history_watch watch;
	struct reply *r;
	struct history_reader reader;
	uint64_t told; /* of the events lost */
	uint32_t left; /* with --count */
};

static uint32_t rings_of(const struct reply *r)
{
	static const uint32_t rings[] = {
		[WATCH_ROUTES] = HISTORY_BIT(HISTORY_ROUTES),
		[WATCH_NEIGHBORS] = HISTORY_BIT(HISTORY_SESSIONS) | HISTORY_BIT(HISTORY_ATTEMPTS),
		[WATCH_MACS] = HISTORY_BIT(HISTORY_HOSTS) | HISTORY_BIT(HISTORY_MOVES),
		[WATCH_DATAPLANE] = HISTORY_BIT(HISTORY_ROWS) | HISTORY_BIT(HISTORY_DAEMON),
	};

	return reply_has(r, ARG_WATCH) ? rings[reply_arg(r, ARG_WATCH)->n] : HISTORY_ALL;
}

static void wake(struct history_watch *w)
{
	reply_wake(container_of(w, struct monitor_state, watch)->r);
}

static int start_monitor(struct reply *r)
{
	struct monitor_state *s = r->state;

	if (r->d->monitors == MONITORS_MAX)
		return reply_fail(r, 1, "%u clients look on already", MONITORS_MAX);
	r->d->monitors++;
	r->body = REPLY_LINES;
	s->r = r;
	s->left = reply_has(r, ARG_COUNT) ? reply_arg(r, ARG_COUNT)->n : UINT32_MAX;
	s->watch = (struct history_watch){ .rings = rings_of(r), .wake = wake };
	history_watch(&r->d->history, &s->watch);
	history_read_new(&r->d->history, &s->reader, s->watch.rings);
	return 0;
}

static void print_lost(struct reply *r)
{
	struct monitor_state *s = r->state;
	struct json *j = reply_row(r);

	json_object(j, NULL);
	json_str(j, "kind", "lost");
	json_uint(j, "lost", s->reader.lost - s->told);
	json_object_end(j);
	buf_adds(r->out, "\n");
	s->told = s->reader.lost;
}

static bool more_monitor(struct reply *r)
{
	struct monitor_state *s = r->state;
	struct history_event e;

	while (reply_step(r)) {
		if (!s->left)
			return false;
		r->waits = !history_next(&r->d->history, &s->reader, &e);
		if (s->reader.lost > s->told)
			print_lost(r);
		if (r->waits)
			return true;
		if (!event_matches(r, &e))
			continue;
		event_print(r, reply_row(r), NULL, &e);
		buf_adds(r->out, "\n");
		s->left -= s->left != UINT32_MAX;
	}
	return true;
}

static void end_monitor(struct reply *r)
{
	struct monitor_state *s = r->state;

	history_unwatch(&r->d->history, &s->watch);
	r->d->monitors--;
}

const struct reply_ops show_monitor = { sizeof(struct monitor_state), start_monitor, more_monitor, end_monitor };

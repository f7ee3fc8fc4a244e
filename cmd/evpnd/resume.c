/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * That forwarding has gone on is told by what is in the kernel. Without a dataplane (a route reflector) there is
 * nothing there, and nothing that could have stopped: then a file beside the control socket tells that an evpnd has
 * been here since the host started. It stays when the daemon is killed, and when it ends with rows: keep.
 */
#include "cmd/evpnd/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "cmd/evpnd/daemon.h"

#define LOOK_MS 20
#define LOCAL_MS 5000 /* for devices that do not come */

static void mark_path(const struct daemon *d, char *path, size_t cap)
{
	snprintf(path, cap, "%s.restart", d->socket_path);
}

static bool has_mark(const struct daemon *d)
{
	char path[256];

	mark_path(d, path, sizeof(path));
	return access(path, F_OK) == 0;
}

static void mark(struct daemon *d, bool set)
{
	char path[256];
	int fd;

	mark_path(d, path, sizeof(path));
	if (!set) {
		unlink(path);
		return;
	}
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		log_warn(&d->log, LOG_MAIN, "%s: %s: the next start will not be a graceful one", path,
			 strerror(errno));
	else
		close(fd);
}

bool resume_keeps(const struct daemon *d)
{
	return d->config->restart_time && d->config->restart_rows == CONFIG_ROWS_KEEP &&
	       d->config->dataplane != CONFIG_DP_USERSPACE;
}

static bool needs_mark(const struct daemon *d)
{
	return d->config->dataplane == CONFIG_DP_NONE;
}

void resume_begin(struct daemon *d)
{
	bool forwards = needs_mark(d) ? has_mark(d) : dp_found(d->dp);

	if (!forwards || !d->config->restart_time)
		return;
	log_info(&d->log, LOG_MAIN,
		 "after a restart: forwarding has gone on, rows stay until neighbors have told their routes");
	dp_sweep_wait(d->dp);
	bgp_restart_begin(d->bgp, loop_now(&d->loop));
}

/* Rows that were seen and have not been told yet count, too. */
static bool is_local_complete(const struct daemon *d)
{
	struct evpn_vni_info v = { 0 };
	struct dp_stats s;

	dp_stats(d->dp, &s);
	if (s.dirty)
		return false;
	while (evpn_vni_next(d->evpn, v.vni, &v))
		if (v.bgp && !v.ready)
			return false;
	return true;
}

static void on_look(struct loop_timer *t)
{
	struct daemon *d = container_of(t, struct daemon, local_timer);
	struct mtime now = loop_now(&d->loop);

	if (!is_local_complete(d) && mtime_before(now, mtime_add_ms(d->started, LOCAL_MS)))
		loop_timer_at(t, mtime_add_ms(now, LOOK_MS));
	else
		bgp_local_complete(d->bgp, now);
}

void resume_init(struct daemon *d)
{
	loop_timer_init(&d->local_timer, &d->loop, on_look);
}

void resume_watch(struct daemon *d)
{
	if (needs_mark(d))
		mark(d, true);
	loop_timer_at(&d->local_timer, mtime_add_ms(loop_now(&d->loop), LOOK_MS));
}

void resume_end(struct daemon *d)
{
	loop_timer_at(&d->local_timer, MTIME_NEVER);
	if (needs_mark(d) && !resume_keeps(d))
		mark(d, false);
}

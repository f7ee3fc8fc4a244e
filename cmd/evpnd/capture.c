/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The daemon's part of the verb capture: the client's socket goes to the dataplane, which
 * fills it until the client leaves.
 */
#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/show.h"

static int start_capture(struct reply *r)
{
	const char *host = reply_arg(r, ARG_HOST)->text;
	struct dp_capture what = { 0 };

	r->body = REPLY_NONE;
	if (reply_has(r, ARG_HOST) && !mac_parse(host, &what.mac) && !ip_parse(host, &what.ip))
		return reply_fail(r, 2, "--host: expected a MAC or an IP address, found '%.60s'", host);
	if (r->n_fds != 1)
		return reply_fail(r, 1, "the caller has to hand over a socket for the packets, as evpnctl does");
	return dp_capture(r->d->dp, reply_arg(r, ARG_VNI)->n, &what, r->fds[0], r->error, sizeof(r->error)) ? 1 : 0;
}

const struct reply_ops change_capture = { 0, start_capture, NULL, NULL };

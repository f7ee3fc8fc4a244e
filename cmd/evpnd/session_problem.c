/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnd/session_problem.h"

#include <stdio.h>

#define FRESH_US (130 * INT64_C(1000000)) /* two of the longest pauses between attempts */
#define CEASE 6u

const struct bgp_error *session_last_error(const struct bgp_peer_info *i, bool *ours)
{
	*ours = i->last_out.set && (!i->last_in.set || mtime_before(i->last_in.at, i->last_out.at));
	return *ours ? &i->last_out : &i->last_in;
}

bool session_error_is_fresh(const struct bgp_peer_info *i, struct mtime now)
{
	bool ours;
	const struct bgp_error *e = session_last_error(i, &ours);

	return e->set && e->code != CEASE && mtime_diff_us(e->at, now) < FRESH_US;
}

struct session_problem session_problem(const struct bgp_peer_info *i, struct mtime now)
{
	struct session_problem p = { "" };
	const struct bgp_error *e;
	bool ours;

	if (i->state == BGP_ESTABLISHED || i->admin_down)
		return p;
	e = session_last_error(i, &ours);
	if (i->connect_error[0] && !session_error_is_fresh(i, now))
		snprintf(p.s, sizeof(p.s), "%s", i->connect_error);
	else if (e->set) /* without a code it is how TCP ended */
		snprintf(p.s, sizeof(p.s), "%s%s", !e->code ? "" : ours ? "sent: " : "received: ", e->text);
	else
		snprintf(p.s, sizeof(p.s), "%s", i->reason ? i->reason : "");
	return p;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Why a session is not up, judged by what it met last: in a few words for show neighbors, in detail for the doctor. */
#ifndef CMD_EVPND_SESSION_PROBLEM_H
#define CMD_EVPND_SESSION_PROBLEM_H

#include "include/bgp.h"

/* The later of the last errors in each direction; its set is false when there was none. ours: we sent it. */
const struct bgp_error *session_last_error(const struct bgp_peer_info *i, bool *ours);

/*
 * That error is of the last attempt, as far as can be told; what ends a session in good order (Cease) says nothing of
 * the next one.
 */
bool session_error_is_fresh(const struct bgp_peer_info *i, struct mtime now);

struct session_problem {
	char s[224];
};

/* "" while it is Established, or down because someone wants it so. */
struct session_problem session_problem(const struct bgp_peer_info *i, struct mtime now);

#endif

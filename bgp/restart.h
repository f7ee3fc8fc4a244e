/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * This speaker after a restart of its own (RFC 4724 4.1): what it says of itself, and until when it holds back. What it
 * does for neighbors that restart is stale.h's.
 */
#ifndef BGP_RESTART_H
#define BGP_RESTART_H

#include "bgp/cap.h"
#include "bgp/engine.h"

void restart_init(struct bgp *b);
void restart_fini(struct bgp *b);
/* The capabilities of RFC 4724 and 9494, for the families there, into what we say in an OPEN. */
void restart_caps(const struct bgp *b, struct caps *out);
/* Something that is waited for may have come: a session, an End-of-RIB. */
void restart_check(struct bgp *b, struct mtime now);

#endif

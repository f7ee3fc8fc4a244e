/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What neighbors may have us hold: routes of one (max_prefixes), and octets of all (memory_limit). Who has too much is
 * told so with a Cease, and its routes go.
 *
 * A route of 40 octets can be a MAC in each of 5,000 VNIs: octets are those of the routes, of their attributes, and of
 * what listeners make of them. They are looked at whenever an UPDATE ends or pauses (update.c), so what is above the
 * limit is what a slice has brought. Until the routes of who has too much are gone no other UPDATE is read.
 */
#ifndef BGP_LIMIT_H
#define BGP_LIMIT_H

#include "bgp/session.h"

/*
 * The neighbor has more routes than max_prefixes: *f is what it is told, its data in the engine's scratch. Says before
 * that it comes near. For every route that was announced.
 */
bool limit_routes(const struct bgp_conn *c, const struct bgp_family *family, struct msg_fault *f, struct mtime now);
/* max_prefixes is another: ends the session when the neighbor has more than that by now. */
void limit_changed(struct bgp_conn *c, struct mtime now);
/*
 * After every UPDATE: when all routes take more than memory_limit, who has the most of it
 * is out: its session, or what is kept of one.
 */
void limit_memory(struct bgp *b, struct mtime now);
/* Do all routes take more than memory_limit? And are some of them on their way out? */
bool limit_is_reached(const struct bgp *b);
bool limit_holds_back(const struct bgp *b);
/* What memory_limit counts, without what allocation adds. */
uint64_t limit_used(const struct bgp *b);

#endif

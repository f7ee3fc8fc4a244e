/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What is different between two configurations, and what a change of it means to who is connected. */
#ifndef CMD_EVPND_DIFFERENCE_H
#define CMD_EVPND_DIFFERENCE_H

#include "include/config.h"

enum difference {
	DIFFERENCE_NONE,
	DIFFERENCE_LIVE, /* the session stays */
	DIFFERENCE_RESET /* it does not: RFC 4486, Cease/6 */
};
enum difference difference_of_neighbors(const struct config_neighbor *was, const struct config_neighbor *is);
/* LIVE: its hosts alone are others; RESET: it is made anew. */
enum difference difference_of_vnis(const struct config_vni *was, const struct config_vni *is);

/* NULL when there is none. */
const struct config_neighbor *difference_find_neighbor(const struct config *c, const struct ip *address);
const struct config_vni *difference_find_vni(const struct config *c, uint32_t vni);

/* False when something changed that needs a restart; why names it in a sentence. */
bool difference_is_applicable(const struct config *old, const struct config *new_, char *why, size_t cap);
/* What going over from old to new_ does, a line each with its '\n', without secrets; nothing when nothing changed. */
void difference_say(const struct config *old, const struct config *new_, struct buf *out);

#endif

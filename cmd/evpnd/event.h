/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Events of the history as the verbs write and pick them: show events, why, monitor. */
#ifndef CMD_EVPND_EVENT_H
#define CMD_EVPND_EVENT_H

#include "base/history.h"
#include "cmd/evpnd/reply.h"

struct daemon;

/* What an operator has done, or what became of the daemon itself. */
void event_note(struct daemon *d, enum history_what what, const char *text);
/* Is it what --vni, --mac, --ip, --neighbor, --kind and --since ask for? */
bool event_matches(const struct reply *r, const struct history_event *e);
/*
 * The id of the first of the newest n (1 at least) events that match; 0 when there are not more. All of the history is
 * looked at, which takes some milliseconds.
 */
uint64_t event_first(const struct reply *r, bool (*matches)(const struct reply *r, const struct history_event *e),
		     uint64_t n);
/* As an object. */
void event_print(struct reply *r, struct json *j, const char *key, const struct history_event *e);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Who answers when a VNI with rows on demand asks: registry files, which are looked at
 * twice a second, and programs. VNIs that name the same share it.
 */
#ifndef CMD_EVPND_RESOLVE_H
#define CMD_EVPND_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/config.h"

struct daemon;
struct json;
struct resolve;

/* Before the daemon gives up its rights: the process that runs programs, if the configuration has any. */
bool resolve_prepare(struct daemon *d);
/* After evpn is there and before the first VNI. */
void resolve_start(struct daemon *d);
void resolve_stop(struct daemon *d);
/* The configuration is this one now; before VNIs come, after others went. */
void resolve_configure(struct daemon *d, const struct config *c);
/* A VNI has been taken on: what is known of its hosts. */
void resolve_tell(struct daemon *d, uint32_t vni);
/* Can it be configured without a restart? */
bool resolve_is_applicable(const struct daemon *d, const struct config *c, char *why, size_t cap);
/* Members of an object about the resolver of a VNI. */
void resolve_show(const struct daemon *d, uint32_t vni, struct json *j);

#endif

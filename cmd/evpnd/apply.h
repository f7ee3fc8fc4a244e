/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* From configuration to running parts: one neighbor, one VNI, and the difference between two configurations. */
#ifndef CMD_EVPND_APPLY_H
#define CMD_EVPND_APPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "include/config.h"
#include <stdint.h>

struct buf;
struct daemon;

/* Octets that the routes may take, as c says it. */
uint64_t apply_memory_limit(const struct config *c);
/* Listens, or no more, as c says it. False with a line in the log. */
bool apply_listen(struct daemon *d, const struct config *c);
/* False with a line in the log. */
bool apply_neighbor(struct daemon *d, const struct config_neighbor *n);
bool apply_vni(struct daemon *d, const struct config_vni *v);

/*
 * Reads the configuration file again and applies what is different: neighbors and VNIs that did not change are not
 * touched. On any error, or when something changed that needs a restart, nothing is applied and *why* says it in a
 * sentence (all errors of the file are in the log). restart.rows and log.level take effect at once, too.
 */
bool apply_reload(struct daemon *d, char *why, size_t cap);
/*
 * Another mode for a VNI, with what the configuration says otherwise, until the next reload or start. False and why
 * when that would be no configuration.
 */
bool apply_mode(struct daemon *d, uint32_t vni, enum config_mode mode, char *why, size_t cap);
/* What apply_reload() would do, a line each; it says the same in the log before it does it. */
bool apply_plan(struct daemon *d, struct buf *lines, char *why, size_t cap);

#endif

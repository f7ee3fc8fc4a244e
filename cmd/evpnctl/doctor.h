/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The verb doctor: what evpnctl adds to the daemon's answer, and, where none answers, what can be said without one, as
 * lines of the answer that it would have given.
 */
#ifndef CMD_EVPNCTL_DOCTOR_H
#define CMD_EVPNCTL_DOCTOR_H

#include "base/buf.h"
#include "cmd/evpnctl/conn.h"

/* Appends the lines of a whole answer: an array of findings. why: why the daemon at this socket does not answer. */
void doctor_alone(const char *config, const char *socket, const char *why, struct buf *out);
/* Appends the answer that c brings, which is closed then, and what is wrong with the packet filter. */
void doctor_add(struct conn *c, const char *socket, struct buf *out);

#endif

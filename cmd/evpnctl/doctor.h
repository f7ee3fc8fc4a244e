/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The verb doctor where no daemon answers: what can be said without one, as lines of the answer that it would have given. */
#ifndef CMD_EVPNCTL_DOCTOR_H
#define CMD_EVPNCTL_DOCTOR_H

#include "base/buf.h"

/* Appends the lines of a whole answer: an array of findings. why: why the daemon at this socket does not answer. */
void doctor_alone(const char *config, const char *socket, const char *why, struct buf *out);

#endif

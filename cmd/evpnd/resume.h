/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A daemon that comes after another (RFC 4724 4.1): whether forwarding has gone on in between, when all that is local
 * is advertised again, and when what nobody wants any more may be swept. What bgp does with it is bgp/restart.c's.
 */
#ifndef CMD_EVPND_RESUME_H
#define CMD_EVPND_RESUME_H

#include <stdbool.h>

struct daemon;

/* With the loop. */
void resume_init(struct daemon *d);
/* Between the dataplane and the first VNI and neighbor. */
void resume_begin(struct daemon *d);
/* All VNIs and neighbors of the configuration have been added. */
void resume_watch(struct daemon *d);
/* Does forwarding go on when this daemon ends, so that neighbors shall keep its routes? */
bool resume_keeps(const struct daemon *d);
/* The loop runs no more. */
void resume_end(struct daemon *d);

#endif

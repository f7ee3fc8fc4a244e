/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The control socket: accepts clients, decides by their credentials what they may ask, reads one request at a time from
 * each and streams its reply. A client costs a bounded buffer; one that is slow waits for itself only.
 */
#ifndef CMD_CTL_H
#define CMD_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct daemon;
struct ctl;

/*
 * Opens d->socket_path for the group of the configuration; errors are in the log, then NULL. Needs d->log, d->loop and
 * d->config; requests are served when the loop runs.
 */
struct ctl *ctl_new(struct daemon *d);
/* Drops every client, removes the socket. NULL does no harm. */
void ctl_free(struct ctl *c);

struct ctl_stats {
	size_t clients, octets; /* buffers of the clients */
	uint64_t requests, dropped;
};
void ctl_stats(const struct ctl *c, struct ctl_stats *out);

#endif

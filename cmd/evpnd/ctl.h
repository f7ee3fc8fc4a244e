/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The control socket: accepts clients, decides by their credentials what they may ask, reads one request at a time from
 * each and streams its reply. A client costs a bounded buffer; one that is slow waits for itself only.
 */
#ifndef CMD_EVPND_CTL_H
#define CMD_EVPND_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/loop.h"
#include "cmd/evpnd/reply.h"

struct daemon;
struct ctl;

struct ctl_params { /* all borrowed for the life of the struct ctl */
	struct loop *loop;
	struct log *log;
	const char *path;  /* of the socket */
	const char *group; /* may show; NULL: none; only looked at by ctl_new() */
	const struct reply_ops *const *verbs; /* VERB_N of them */
	struct daemon *d; /* for the verbs */
};

/* NULL with a line in the log. Requests are served when the loop runs. */
struct ctl *ctl_new(const struct ctl_params *p);
/* Drops every client, removes the socket; its place stays taken until ctl_free(). NULL does no harm. */
void ctl_stop(struct ctl *c);
/* After, or in place of, ctl_stop(). NULL does no harm. */
void ctl_free(struct ctl *c);

struct ctl_stats {
	size_t clients, octets; /* buffers of the clients */
	uint64_t requests, dropped;
};
void ctl_stats(const struct ctl *c, struct ctl_stats *out);

#endif

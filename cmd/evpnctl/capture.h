/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The verb capture, the client's part: packets from the daemon into a file of the caller's, in the format pcapng. */
#ifndef CMD_EVPNCTL_CAPTURE_H
#define CMD_EVPNCTL_CAPTURE_H

#include <stdbool.h>

#include "cmd/verb.h"

/* Asks, and writes until there are enough, the time is over, or a signal ends it. The exit code. */
int capture_run(const char *socket, const char *const *words, size_t n_words, const struct verb_args *args, bool json);

#endif

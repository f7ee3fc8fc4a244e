/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What may stand next on a command line of evpnctl, for shells: conf/evpnctl.bash asks "evpnctl --complete
 * WORD...". Verbs, options and choices are those of verb.h; VNIs and neighbors are the running daemon's.
 */
#ifndef CMD_EVPNCTL_COMPLETE_H
#define CMD_EVPNCTL_COMPLETE_H

#include <stddef.h>

#include "cmd/verb.h"

struct complete {
	void (*offer)(void *ctx, const char *word); /* whether it begins as what was typed is for the shell to see */
	void *ctx;
	const char *socket; /* given by -s, else NULL */
	enum verb_arg wanted; /* a value of this may stand there, too; ARG_N: of none */
};

/* words: those before the one that is being typed. */
void complete_words(struct complete *c, const char *const *words, size_t n);

/* The words, the last one not yet whole; what may take its place goes to stdout, a line each. 0. */
int complete_run(const char *const *words, size_t n);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Help out of the table of verbs. */
#ifndef CMD_EVPNCTL_HELP_H
#define CMD_EVPNCTL_HELP_H

#include <stdbool.h>
#include <stdio.h>

#include "cmd/verb.h"

void help_usage(FILE *out);
void help_all(FILE *out);
void help_verb(enum verb_id id, FILE *out);
/* The verbs that begin with this word, as show; false when it is none, or a verb itself. */
bool help_group(const char *word, FILE *out);

#endif

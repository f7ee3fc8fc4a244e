/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* `report FILE`: all that a bug report needs in one file of text, which who sends it can read before. */
#ifndef CMD_EVPNCTL_REPORT_H
#define CMD_EVPNCTL_REPORT_H

#include "cmd/verb.h"

/* config: where a daemon that does not answer would have its configuration. The exit code. */
int report_run(const char *socket, const char *config, const struct verb_args *args);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The system calls that evpnd makes, and a filter (seccomp(2)) that refuses all others. */
#ifndef CMD_EVPND_SYSCALLS_H
#define CMD_EVPND_SYSCALLS_H

#include <stdbool.h>

#include "base/log.h"

/*
 * For every thread there is and will be, for good. EVPND_SECCOMP says what happens with another call: "refuse", as
 * without it, gives EPERM and a line in the log, "kill" ends the process, "off" is no filter. False where there is none
 * then, with a line that says why: evpnd runs without one as well.
 */
bool syscalls_restrict(struct log *log);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Starts and ends programs for a daemon that must not do that itself (syscalls.h): a process of its
 * own, made before the daemon gives up the right, that has no capability, no other user's rights
 * and nothing of the daemon but a socket. It ends with the daemon, and its programs with it.
 */
#ifndef CMD_EVPND_KEEPER_H
#define CMD_EVPND_KEEPER_H

#include "base/log.h"

/*
 * user: to become when root has started us, "nobody" when there is none of that name or it is root. The descriptor to
 * speak to it by, or -errno with a line in the log. Before anything that a child should not have is opened.
 */
int keeper_start(struct log *log, const char *user);
/* Starts argv; its input and output are the stream that is returned, to be closed by the caller. -errno. */
int keeper_run(int keeper, unsigned number, char *const *argv);
/* Kills the program of this number, if it still runs. */
void keeper_kill(int keeper, unsigned number);

#endif

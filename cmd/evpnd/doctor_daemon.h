/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The doctor's checks of the running daemon's own tables; x->d is there. */
#ifndef CMD_EVPND_DOCTOR_DAEMON_H
#define CMD_EVPND_DOCTOR_DAEMON_H

#include "cmd/doctor.h"
#include "cmd/evpnd/daemon.h"

/* doctor_sessions.c */
bool doctor_listening(struct doctor *x);
bool doctor_sessions(struct doctor *x);
/* doctor_evpn.c */
bool doctor_lonely(struct doctor *x);
bool doctor_imports(struct doctor *x);
bool doctor_macs(struct doctor *x);
bool doctor_mac_limits(struct doctor *x);
/* doctor_rows.c */
bool doctor_file(struct doctor *x);
bool doctor_privileges(struct doctor *x);
bool doctor_vnis(struct doctor *x);
bool doctor_rows(struct doctor *x);
bool doctor_overruns(struct doctor *x);

#endif

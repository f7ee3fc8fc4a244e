/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Tells the service manager how far we are (sd_notify(3)), without its library. */
#ifndef CMD_NOTIFY_H
#define CMD_NOTIFY_H

/* One datagram, "READY=1" or the like, to $NOTIFY_SOCKET; nothing happens without one. 0 or -errno. */
int notify_send(const char *state);

#endif

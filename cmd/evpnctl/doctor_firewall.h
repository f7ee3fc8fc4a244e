/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The doctor's look at the packet filter: rules that drop VXLAN or BGP. Made by evpnctl, with the rights of who asks,
 * since evpnd runs no programs and links no library that reads rules; in evpnd's network namespace. Where the rules
 * cannot be read, or what they do to a packet is not certain, nothing is said.
 */
#ifndef CMD_EVPNCTL_DOCTOR_FIREWALL_H
#define CMD_EVPNCTL_DOCTOR_FIREWALL_H

#include "base/buf.h"
#include "include/config.h"

/* Appends findings to out, with commas between; *first: none is there yet. Of the daemon at that socket. */
void doctor_firewall_ask(const char *socket, struct buf *out, bool *first);
/* The same without a daemon, in our own network namespace. */
void doctor_firewall_alone(const struct config *c, struct buf *out, bool *first);

#endif

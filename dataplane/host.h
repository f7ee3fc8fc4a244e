/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What else runs on the host and minds what we write, beyond the kernel backend's own use (kernel_host.c). */
#ifndef DATAPLANE_HOST_H
#define DATAPLANE_HOST_H

#include <stdbool.h>

/* root: before paths, "" but in tests. */

/* systemd-networkd listens to nexthops in this network namespace. */
bool host_networkd_listens(const char *root);
/* 0: not known. */
unsigned host_systemd_version(const char *root);

#endif

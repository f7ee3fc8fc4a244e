/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What else runs on the host and minds what we write.
 *
 * systemd-networkd, versions 249 to 255, reads every nexthop of its network namespace, takes one
 * without a device for a contradiction and aborts, at each start again; a nexthop for FDB rows
 * has none. It is found by its netlink socket, which /proc/net/netlink shows for this namespace
 * alone: a listener to nexthops whose process has that name, or none that can be read (another
 * PID namespace, as from within a container). Its version is in the name of its library.
 */
#include <glob.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/host.h"
#include "dataplane/kernel.h"

#define NETWORKD "systemd-network" /* 15 characters are kept */
#define PIDS (1u << 22) /* of Linux; the address of a program's further sockets is above */
#define NETWORKD_FIRST_BAD 249
#define NETWORKD_FIRST_GOOD 256

static bool is_networkd(const char *root, unsigned pid)
{
	char path[256], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/%u/comm", root, pid);
	f = fopen(path, "re");
	if (!f)
		return true;
	if (!fgets(name, sizeof(name), f))
		name[0] = '\0';
	fclose(f);
	name[strcspn(name, "\n")] = '\0';
	return !strcmp(name, NETWORKD);
}

bool host_networkd_listens(const char *root)
{
	unsigned protocol, pid, groups;
	bool found = false;
	char line[256];
	FILE *f;

	snprintf(line, sizeof(line), "%s/proc/net/netlink", root);
	f = fopen(line, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%*s %u %u %x", &protocol, &pid, &groups) == 3 && protocol == NETLINK_ROUTE &&
			pid && pid < PIDS && groups & 1u << (RTNLGRP_NEXTHOP - 1) && is_networkd(root, pid);
	if (f)
		fclose(f);
	return found;
}

/* 0: not known. */
unsigned host_systemd_version(const char *root)
{
	static const char *const at[] = { "/usr/lib/*/systemd/libsystemd-shared-[0-9]*.so",
					  "/usr/lib/systemd/libsystemd-shared-[0-9]*.so",
					  "/lib/systemd/libsystemd-shared-[0-9]*.so",
					  "/usr/lib64/systemd/libsystemd-shared-[0-9]*.so" };
	unsigned version = 0;

	for (size_t i = 0; !version && i < sizeof(at) / sizeof(at[0]); i++) {
		char path[256];
		glob_t g;

		snprintf(path, sizeof(path), "%s%s", root, at[i]);
		if (!glob(path, 0, NULL, &g))
			version = (unsigned)strtoul(strstr(g.gl_pathv[0], "shared-") + strlen("shared-"), NULL, 10);
		globfree(&g);
	}
	return version;
}

bool kernel_host_minds_nexthops(void)
{
	unsigned version;

	if (!host_networkd_listens(""))
		return false;
	version = host_systemd_version("");
	return !version || (version >= NETWORKD_FIRST_BAD && version < NETWORKD_FIRST_GOOD);
}

/* Of this network namespace; not there while the module br_netfilter is not. */
bool kernel_host_filters_bridges(void)
{
	FILE *f = fopen("/proc/sys/net/bridge/bridge-nf-call-iptables", "re");
	int c = f ? fgetc(f) : EOF;

	if (f)
		fclose(f);
	return c == '1';
}

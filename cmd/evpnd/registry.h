/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A registry file: hosts of any VNI, one a line (host_line.h), found by MAC and by
 * address. No clock and no evpn in here.
 */
#ifndef CMD_EVPND_REGISTRY_H
#define CMD_EVPND_REGISTRY_H

#include "include/config.h"

#define REGISTRY_OCTETS_MAX (256u << 20)
#define REGISTRY_HOSTS_MAX 1000000u

struct registry_host {
	uint32_t vni;
	unsigned line;
	struct config_host host;
};

struct registry {
	struct registry_host *by_mac; /* sorted by VNI, MAC, address */
	const struct registry_host **by_ip; /* those with an address, by VNI and it */
	size_t n, n_ip;
};

/* NULL with the file, the line and what is wrong in why. */
struct registry *registry_load(const char *path, char *why, size_t cap);
/* The same from memory. */
struct registry *registry_parse(const char *name, const char *text, size_t len, char *why, size_t cap);
void registry_free(struct registry *r);
/* NULL: not in there. Of a MAC with several addresses any. */
const struct config_host *registry_find(const struct registry *r, uint32_t vni, const struct mac *mac,
					const struct ip *ip);
/*
 * What is_ has and was has not, or has otherwise, first (there), then what only was had (not there). NULL has nothing.
 */
void registry_compare(const struct registry *was, const struct registry *is_,
		      void (*fn)(void *ctx, uint32_t vni, const struct config_host *h, bool there), void *ctx);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Would this host's packet filter drop a packet, for certain? The rules are those of `nft -j list ruleset`, and of
 * iptables-save turned into the same (iptables.h). A match whose outcome is not known, since the packet or the match is
 * not, leaves both ways open; only what is dropped on all of them is said.
 *
 *	comes in:  ingress -> prerouting -> input         each hook: its base chains by priority
 *	leaves:    output -> postrouting -> egress        a chain: rules in order, jumps, then the policy
 */
#ifndef CMD_EVPNCTL_FIREWALL_H
#define CMD_EVPNCTL_FIREWALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct firewall_packet {
	bool leaves;         /* else it comes in */
	uint8_t ip_len;      /* 4, 16 */
	struct ip src, dst;  /* no length: not known */
	const char *dev;    /* where it comes in or leaves; NULL: not known, but not lo */
	uint8_t protocol;   /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t sport, dport; /* 0: not known */
	const char *state;     /* of its connection: "new", "established" */
};

struct firewall_drop {
	const json_t *chain, *rule; /* the base chain; what drops, NULL: the policy of that. Of the ruleset */
};

struct firewall;

/* ruleset: the array of objects, {"chain": {...}} and so on; it has to outlive what is made of it. */
struct firewall *firewall_new(const json_t *ruleset);
void firewall_free(struct firewall *f);
/* A ruleset that takes too long to walk leaves everything open, too. */
bool firewall_drops(const struct firewall *f, const struct firewall_packet *p, struct firewall_drop *drop);

#endif

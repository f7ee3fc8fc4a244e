/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What iptables-save prints, as objects like those of `nft -j list ruleset`: chains and rules. Matches that are not
 * taken apart here become statements that nobody knows. A rule has its line as member "text", and its table is the
 * program and its name, "iptables filter".
 */
#ifndef CMD_EVPNCTL_IPTABLES_H
#define CMD_EVPNCTL_IPTABLES_H

#include <jansson.h>
#include <stddef.h>

struct iptables {
	json_t *ruleset;     /* an array that is appended to; borrowed */
	const char *family;  /* "ip", "ip6" */
	const char *program; /* that changes these rules: "iptables", "ip6tables-legacy", ... */
	char table[32];      /* of the lines that come */
};

/* The next line, with its end or without. */
void iptables_line(struct iptables *t, const char *line, size_t len);

#endif

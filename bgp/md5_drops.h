/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What the kernel has dropped in this network namespace for its TCP-MD5 signature (RFC 2385), as it counts it. */
#ifndef BGP_MD5_DROPS_H
#define BGP_MD5_DROPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct md5_drops { /* segments */
	uint64_t not_found;  /* not signed, though we have a key for who sent it */
	uint64_t unexpected; /* signed, though we have none */
	uint64_t failure;    /* signed with another key */
};

/* From the text of /proc/net/netstat. False when the counters are not there; *out is not touched then. */
bool md5_drops_parse(char *text, struct md5_drops *out);
bool md5_drops_read(struct md5_drops *out);

#endif

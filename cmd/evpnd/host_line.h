/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A host in one line of JSON, as resolvers write it: {"vni": 100, "mac": "02:00:00:00:00:02", "ip":
 * "10.0.0.2", "vtep": "192.0.2.2", "router": false}, and an "id" in the answer to a question. One flat
 * object: strings, whole numbers, true, false, null; keys of other names are nobody's business here. Pure.
 */
#ifndef CMD_EVPND_HOST_LINE_H
#define CMD_EVPND_HOST_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/config.h"

enum { /* what it says */
	HOST_LINE_ID = 1,
	HOST_LINE_VNI = 2,
	HOST_LINE_MAC = 4,
	HOST_LINE_IP = 8,
	HOST_LINE_VTEP = 16,
	HOST_LINE_NOWHERE = 32 /* "vtep": null */
};

struct host_line {
	unsigned says;
	uint32_t id, vni;
	struct config_host host;
};

/* False with words about what is wrong: "mac: expected a MAC address, found "x"". */
bool host_line_read(const char *s, size_t len, struct host_line *out, char *why, size_t cap);
/* Nothing but blanks, or a comment that begins with #. */
bool host_line_is_empty(const char *s, size_t len);

#endif

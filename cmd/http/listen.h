/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The address to serve on: 127.0.0.1:9179, [::1]:9179. */
#ifndef CMD_HTTP_LISTEN_H
#define CMD_HTTP_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define HTTP_LISTEN "127.0.0.1:9179"

/* False when the text is no such thing. Port 0: any that is free. */
bool http_listen_parse(const char *text, struct ip *address, uint16_t *port);
/* A socket that listens, or -errno; *port is the one it has got. */
int http_listen(const struct ip *address, uint16_t *port);

#endif

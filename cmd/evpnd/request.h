/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A request on the control socket: one line of JSON, {"argv":["show","rib","--vni","100"]}. Only this form is read,
 * with bounds on everything; the daemon needs no JSON library for it.
 */
#ifndef CMD_EVPND_REQUEST_H
#define CMD_EVPND_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define REQUEST_MAX 8192u /* octets of the line without its end */
#define REQUEST_ARGS_MAX 64u

struct request {
	const char *argv[REQUEST_ARGS_MAX]; /* into text */
	size_t argc;
	char text[REQUEST_MAX];
};

/* NULL when it is one, else what is wrong with it (static text). */
const char *request_parse(const char *line, size_t len, struct request *out);

#endif

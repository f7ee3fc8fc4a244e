/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* `top`: sessions, VNIs and rates, a page a second. */
#ifndef CMD_EVPNCTL_TOP_H
#define CMD_EVPNCTL_TOP_H

#include <jansson.h>
#include <stdio.h>

#include "cmd/evpnctl/rates.h"
#include "cmd/verb.h"

/* Answers of the daemon that were asked for together. Members of rows are added. */
struct top_answers {
	json_t *version, *memory, *neighbors, *vnis, *traffic;
	json_t *rates; /* of the daemon as a whole, made by the page */
};

/* A page of at most so many columns and lines (0: any); rates_begin() has been called for these answers. */
void top_page(struct top_answers *a, struct rates *r, size_t width, size_t height, FILE *out);

/* The same as an object in one line: version, rates, memory, neighbors and vnis, rates in their rows, too. */
void top_object(struct top_answers *a, struct rates *r, FILE *out);

/* The exit code. */
int top_run(const char *socket, const struct verb_args *args, bool json);

#endif

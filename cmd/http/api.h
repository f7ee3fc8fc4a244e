/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * /api/v1/NAME is `evpnctl --json show NAME`, octet by octet as the daemon writes it:
 * /api/v1/mac?vni=100, /api/v1/neighbors/192.0.2.2, /api/v1/rib?type=2&best. Options of the
 * verb are parameters; limit=N ends an array after so many rows. /api/v1/ lists the names.
 */
#ifndef CMD_HTTP_API_H
#define CMD_HTTP_API_H

#include "cmd/http/http.h"
#include "cmd/verb.h"

#define HTTP_API_ROOT "/api/v1/"

/* What stands behind the root, "" of the root itself; NULL when url is of something else. */
const char *http_api_name(const char *url);
enum MHD_Result http_api(struct http *h, struct MHD_Connection *c, const char *url);

#define HTTP_WORDS_MAX 32u

/* The words of a verb, from what stands behind the root: "mac", "neighbors/192.0.2.2". Points into text. */
struct http_words {
	const char *v[HTTP_WORDS_MAX];
	size_t n;
	char text[2048];
	size_t used;
	enum verb_id id;
};

/* False when there is no such thing. */
bool http_words_begin(struct http_words *w, const char *name);
/* An option. False with a sentence in error when the verb has none of that name, or there are too many. */
bool http_words_add(struct http_words *w, const char *name, const char *value, char error[128]);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * evpnd over HTTP, to be read only: a process of its own that asks the daemon over the control socket,
 * with the rights of who started it. The protocol is libmicrohttpd's; here is what is served, and to whom.
 *
 *	/            the status page
 *	/metrics     for Prometheus (metrics.h)
 *	/api/v1/...  each show verb, streamed (api.h)
 *	/healthz     200, or 503 and why
 *
 * A thread a connection, so that one may wait for the daemon, or its client, without the
 * others; connections, their time and their memory are bounded.
 */
#ifndef CMD_HTTP_HTTP_H
#define CMD_HTTP_HTTP_H

#include <jansson.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HTTP_BUCKETS 6u

enum http_part { HTTP_PAGE, HTTP_METRICS, HTTP_API, HTTP_HEALTH, HTTP_OTHER, HTTP_PARTS };

/* Requests of one part, by how long they took: the last bucket is for all that took longer. */
struct http_times {
	atomic_uint_fast64_t bucket[HTTP_BUCKETS], total_us;
};

struct http {
	const char *socket;    /* of the daemon */
	const char *hostnames; /* with commas between: what this host is called, NULL: by its addresses alone */
	struct http_times times[HTTP_PARTS];
	atomic_uint_fast64_t refused; /* for their Host */
	struct MHD_Daemon *mhd;
};

extern const double http_bucket_s[HTTP_BUCKETS]; /* upper bounds; the last one is none */
const char *http_part_name(enum http_part p);

/* Serves on fd, which listens and is taken over, until http_stop(). -errno. */
int http_start(struct http *h, int fd);
void http_stop(struct http *h);

/* ---- for its parts ----------------------------------------------------------------------------------------------- */

struct MHD_Response *http_text(const char *type, const char *text);
/* The value is handed over. */
struct MHD_Response *http_json(json_t *value);
/* {"error":"..."} */
struct MHD_Response *http_error(const char *error);
/* r is handed over. */
enum MHD_Result http_reply(struct MHD_Connection *c, unsigned status, struct MHD_Response *r);

/*
 * Is this Host header one of ours: an address, localhost, or one of hostnames? So that no page of
 * another origin can read from here by a name of its own that leads to this host (DNS rebinding).
 */
bool http_host_ok(const char *host, const char *hostnames);
/* Does an Accept header (NULL: there is none) take this type (RFC 9110 12.5.1)? */
bool http_accepts(const char *accept, const char *type);

#endif

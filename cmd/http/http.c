/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/http/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/log.h"
#include "cmd/http/api.h"
#include "cmd/http/health.h"
#include "cmd/http/metrics.h"
#include "cmd/http/page.h"

#define CONNECTIONS_MAX 32u
#define CONNECTIONS_OF_ONE 16u /* address */
#define IDLE_S 15u
#define CONNECTION_MEMORY 32768u /* octets: request line and headers, and what is sent at once */
#define STACK (256u << 10)
#define JSON "application/json"

const double http_bucket_s[HTTP_BUCKETS] = { 0.001, 0.01, 0.1, 1, 10 };

const char *http_part_name(enum http_part p)
{
	static const char *const names[] = {
		[HTTP_PAGE] = "/",          [HTTP_METRICS] = "/metrics", [HTTP_API] = "/api/v1",
		[HTTP_HEALTH] = "/healthz", [HTTP_OTHER] = "other",
	};

	return names[p];
}

/* ---- headers ----------------------------------------------------------------------------------------------------- */

/* host without its port, and without the brackets of an IPv6 address. False when it is none. */
static bool host_name(const char *host, char *out, size_t cap)
{
	bool bracket = host[0] == '[';
	size_t len = strcspn(host + bracket, bracket ? "]" : ":");
	const char *behind = host + bracket + len;

	if (!len || len >= cap || (bracket && *behind++ != ']'))
		return false;
	if (*behind && (*behind != ':' || strspn(behind + 1, "0123456789") != strlen(behind + 1)))
		return false;
	memcpy(out, host + bracket, len);
	out[len] = '\0';
	return true;
}

static bool is_listed(const char *name, const char *names)
{
	size_t len = strlen(name);

	while (names && *names) {
		size_t n = strcspn(names, ",");

		if (n == len && strncasecmp(names, name, n) == 0)
			return true;
		names += n + (names[n] == ',');
	}
	return false;
}

bool http_host_ok(const char *host, const char *hostnames)
{
	char name[256];
	struct ip ip;

	if (!host || !host_name(host, name, sizeof(name)))
		return false;
	return ip_parse(name, &ip) || strcasecmp(name, "localhost") == 0 || is_listed(name, hostnames);
}

/*
 * One of the header's ranges: a type, "text" for "text" and a star, or two stars. The longer match wins; 0: no match.
 */
static size_t range_matches(const char *range, size_t len, const char *type)
{
	size_t major = strcspn(type, "/"), all = strcspn(type, ";");

	if (len == 3 && memcmp(range, "*/*", 3) == 0)
		return 1;
	if (len == major + 2 && strncasecmp(range, type, major + 1) == 0 && range[len - 1] == '*')
		return 2;
	return len == all && strncasecmp(range, type, all) == 0 ? 3 : 0;
}

/* q=0, and zeros behind it: not at all. */
static bool is_refused(const char *params, size_t len)
{
	const char *end = params + len;

	for (const char *p = params; p + 2 < end; p++)
		if ((p[0] == ';' || p[0] == ' ') && (p[1] == 'q' || p[1] == 'Q') && p[2] == '=')
			return p + 3 < end && p[3] == '0' && strspn(p + 3, "0.") >= (size_t)(end - p - 3);
	return false;
}

bool http_accepts(const char *accept, const char *type)
{
	size_t best = 0;
	bool ok = false;

	if (!accept || !accept[strspn(accept, " \t")])
		return true;
	while (*accept) {
		size_t len = strcspn(accept, ","), skip = strspn(accept, " \t");
		size_t range = strcspn(accept + skip, ";, \t"), how;

		how = range_matches(accept + skip, range, type);
		if (how > best) {
			best = how;
			ok = !is_refused(accept + skip + range, len > skip + range ? len - skip - range : 0);
		}
		accept += len + (accept[len] == ',');
	}
	return ok;
}

/* ---- replies ----------------------------------------------------------------------------------------------------- */

static struct MHD_Response *typed(struct MHD_Response *r, const char *type)
{
	if (!r)
		BUG("no memory for a reply");
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	return r;
}

struct MHD_Response *http_text(const char *type, const char *text)
{
	return typed(MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY),
		     type);
}

struct MHD_Response *http_json(json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	json_decref(value);
	if (!text)
		BUG("no memory for a reply");
	return typed(MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE), JSON);
}

struct MHD_Response *http_error(const char *error)
{
	return http_json(json_pack("{s:s}", "error", error));
}

enum MHD_Result http_reply(struct MHD_Connection *c, unsigned status, struct MHD_Response *r)
{
	enum MHD_Result ok;

	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	ok = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ok;
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

struct request {
	enum http_part part;
	struct timespec start;
};

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static enum http_part part_of(const char *url)
{
	if (strcmp(url, "/") == 0)
		return HTTP_PAGE;
	if (strcmp(url, "/metrics") == 0)
		return HTTP_METRICS;
	if (strcmp(url, "/healthz") == 0)
		return HTTP_HEALTH;
	return http_api_name(url) ? HTTP_API : HTTP_OTHER;
}

static enum MHD_Result serve_part(struct http *h, struct MHD_Connection *c, enum http_part part, const char *url)
{
	static const char *const types[] = {
		[HTTP_PAGE] = "text/html",
		[HTTP_METRICS] = "text/plain",
		[HTTP_API] = JSON,
		[HTTP_HEALTH] = "text/plain",
	};

	if (part == HTTP_OTHER)
		return http_reply(c, MHD_HTTP_NOT_FOUND,
				  http_error("there is /, /metrics, /healthz and " HTTP_API_ROOT));
	if (!http_accepts(header(c, MHD_HTTP_HEADER_ACCEPT), types[part]))
		return http_reply(c, MHD_HTTP_NOT_ACCEPTABLE, http_error("this is served as another type"));
	switch (part) {
	case HTTP_PAGE:
		return http_page(c);
	case HTTP_METRICS:
		return http_metrics(h, c);
	case HTTP_API:
		return http_api(h, c, url);
	default:
		return http_health(h, c);
	}
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
				  const char *version, const char *data, size_t *len, void **user)
{
	struct http *h = ctx;
	struct request *q = *user;

	if (!q) {
		q = *user = xcalloc(1, sizeof(*q));
		q->part = part_of(url);
		clock_gettime(CLOCK_MONOTONIC, &q->start);
		if (!http_host_ok(header(c, MHD_HTTP_HEADER_HOST), h->hostnames)) {
			q->part = HTTP_OTHER;
			h->refused++;
			return http_reply(c, MHD_HTTP_MISDIRECTED_REQUEST,
					  http_error("this host is not called so (--hostnames lets other names in)"));
		}
		if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
			return http_reply(c, MHD_HTTP_METHOD_NOT_ALLOWED, http_error("only GET and HEAD"));
		return MHD_YES;
	}
	if (*len) { /* nothing here takes a body */
		*len = 0;
		return MHD_YES;
	}
	return serve_part(h, c, q->part, url);
}

static void on_done(void *ctx, struct MHD_Connection *c, void **user, enum MHD_RequestTerminationCode how)
{
	struct http *h = ctx;
	struct request *q = *user;
	struct timespec now;
	unsigned b = 0;
	double s;

	if (!q)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	s = (double)(now.tv_sec - q->start.tv_sec) + (double)(now.tv_nsec - q->start.tv_nsec) / 1e9;
	while (b < HTTP_BUCKETS - 1 && s > http_bucket_s[b])
		b++;
	h->times[q->part].bucket[b]++;
	h->times[q->part].total_us += (uint64_t)(s * 1e6);
	free(q);
	*user = NULL;
}

int http_start(struct http *h, int fd)
{
	h->mhd = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0,
				  NULL, NULL, on_request, h, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				  CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT, CONNECTIONS_OF_ONE,
				  MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				  (size_t)CONNECTION_MEMORY, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK,
				  MHD_OPTION_NOTIFY_COMPLETED, on_done, h, MHD_OPTION_END);
	return h->mhd ? 0 : errno ? -errno : -ENOMEM;
}

void http_stop(struct http *h)
{
	MHD_stop_daemon(h->mhd);
	h->mhd = NULL;
}

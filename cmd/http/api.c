/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/http/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "cmd/evpnctl/conn.h"

#define REPLY_S 300 /* who has not taken a reply by then does not want it */
#define CHUNK 16384u
#define SHOW "show "

/* ---- from an address to a verb ----------------------------------------------------------------------------------- */

static bool is_served(enum verb_id id)
{
	return !strncmp(verbs[id].name, SHOW, strlen(SHOW)) && !verbs[id].change && !verbs[id].required;
}

static bool find(const char *name, size_t len, enum verb_id *id)
{
	for (enum verb_id i = 0; i < VERB_N; i++) {
		const char *known = verbs[i].name + strlen(SHOW);

		if (is_served(i) && strlen(known) == len && memcmp(known, name, len) == 0) {
			*id = i;
			return true;
		}
	}
	return false;
}

/* NULL when there is no room. */
static const char *keep(struct http_words *w, const char *s, size_t len)
{
	char *to = w->text + w->used;

	if (w->n == HTTP_WORDS_MAX || w->used + len + 1 > sizeof(w->text))
		return NULL;
	memcpy(to, s, len);
	to[len] = '\0';
	w->used += len + 1;
	w->v[w->n++] = to;
	return to;
}

static bool takes_positional(enum verb_id id)
{
	return verbs[id].optional & ((UINT64_C(1) << ARG_POSITIONALS) - 1);
}

bool http_words_begin(struct http_words *w, const char *name)
{
	size_t len = strcspn(name, "/");

	*w = (struct http_words){ .n = 0 };
	if (!find(name, len, &w->id))
		return false;
	keep(w, "show", 4);
	keep(w, name, len);
	name += len + (name[len] == '/');
	if (!*name)
		return true;
	/* One word more, which cannot be taken for an option. */
	return takes_positional(w->id) && name[0] != '-' && !strchr(name, '/') && keep(w, name, strlen(name));
}

static bool has_option(enum verb_id id, const char *name, enum verb_arg *out)
{
	for (enum verb_arg a = ARG_POSITIONALS; a < ARG_N; a++) {
		if (!(verbs[id].optional >> a & 1) || a == ARG_YAML || strcmp(verb_arg_name(a) + 2, name))
			continue;
		*out = a;
		return true;
	}
	return false;
}

bool http_words_add(struct http_words *w, const char *name, const char *value, char error[128])
{
	enum verb_arg a;
	char word[512];
	int n;

	if (!has_option(w->id, name, &a)) {
		snprintf(error, 128, "%s has no parameter '%.40s'", verbs[w->id].name, name);
		return false;
	}
	if (verb_arg_value(a))
		n = snprintf(word, sizeof(word), "--%s=%s", name, value ? value : "");
	else
		n = snprintf(word, sizeof(word), "--%s", name);
	if (n < (int)sizeof(word) && keep(w, word, (size_t)n))
		return true;
	snprintf(error, 128, "the parameters are too long");
	return false;
}

/* ---- streaming --------------------------------------------------------------------------------------------------- */

struct stream {
	struct conn conn;
	const char *line; /* what is left of the last one */
	size_t len;
	uint64_t rows, limit; /* 0: none */
	bool last; /* the row that the limit lets through last has been seen */
	time_t end; /* on the monotonic clock */
};

static time_t seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* At the limit an array ends behind a row, without the comma that others would follow. */
static void next_line(struct stream *s)
{
	if (s->last) {
		s->line = s->conn.complete ? NULL : "\n]\n";
		s->len = s->line ? strlen(s->line) : 0;
		s->conn.complete = true;
		return;
	}
	s->line = conn_line(&s->conn, &s->len);
	if (!s->line || !s->limit || s->conn.body != CONN_ROWS || s->line[0] != '{' || ++s->rows < s->limit)
		return;
	s->last = true;
	while (s->len && strchr(",\n", s->line[s->len - 1]))
		s->len--;
}

static ssize_t on_read(void *ctx, uint64_t at, char *out, size_t max)
{
	struct stream *s = ctx;
	size_t n;

	if (!s->len)
		next_line(s);
	if (!s->line)
		return s->conn.complete && seconds() < s->end ? MHD_CONTENT_READER_END_OF_STREAM
							      : MHD_CONTENT_READER_END_WITH_ERROR;
	if (seconds() >= s->end)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = s->len < max ? s->len : max;
	memcpy(out, s->line, n);
	s->line += n;
	s->len -= n;
	return (ssize_t)n;
}

static void on_free(void *ctx)
{
	struct stream *s = ctx;

	conn_close(&s->conn);
	free(s);
}

static enum MHD_Result stream(struct MHD_Connection *c, struct stream *s)
{
	struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK, on_read, s, on_free);

	if (!r)
		BUG("no memory for a reply");
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	s->end = seconds() + REPLY_S;
	return http_reply(c, MHD_HTTP_OK, r);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

struct parameters {
	struct http_words words;
	uint64_t limit;
	bool bad;
	char error[128];
};

static enum MHD_Result on_parameter(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct parameters *p = ctx;
	char *end;

	if (strcmp(name, "limit") == 0 && value && value[0] >= '1' && value[0] <= '9') {
		p->limit = strtoull(value, &end, 10);
		p->bad = *end != '\0';
	} else {
		p->bad = strcmp(name, "limit") == 0 || !http_words_add(&p->words, name, value, p->error);
	}
	if (p->bad && !p->error[0])
		snprintf(p->error, sizeof(p->error), "limit: expected a number from 1 on");
	return p->bad ? MHD_NO : MHD_YES;
}

static enum MHD_Result list_names(struct MHD_Connection *c)
{
	json_t *names = json_array();

	for (enum verb_id i = 0; i < VERB_N; i++)
		if (is_served(i))
			json_array_append_new(names, json_string(verbs[i].name + strlen(SHOW)));
	return http_reply(c, MHD_HTTP_OK, http_json(names));
}

const char *http_api_name(const char *url)
{
	size_t root = strlen(HTTP_API_ROOT) - 1; /* the last slash may be left out with the name */

	if (strncmp(url, HTTP_API_ROOT, root) || (url[root] && url[root] != '/'))
		return NULL;
	return url + root + (url[root] == '/');
}

enum MHD_Result http_api(struct http *h, struct MHD_Connection *c, const char *url)
{
	const char *name = http_api_name(url);
	struct parameters p = { .limit = 0 };
	struct stream *s;
	int rc;

	if (!*name)
		return list_names(c);
	if (!http_words_begin(&p.words, name))
		return http_reply(c, MHD_HTTP_NOT_FOUND,
				  http_error("no such thing is shown (" HTTP_API_ROOT " lists all)"));
	MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, on_parameter, &p);
	if (p.bad)
		return http_reply(c, MHD_HTTP_BAD_REQUEST, http_error(p.error));
	s = xcalloc(1, sizeof(*s));
	s->limit = p.limit;
	rc = conn_ask(&s->conn, h->socket, p.words.v, p.words.n, NULL, 0);
	if (!rc)
		return stream(c, s);
	rc = rc == 2 ? MHD_HTTP_BAD_REQUEST : s->conn.answered ? MHD_HTTP_NOT_FOUND : MHD_HTTP_SERVICE_UNAVAILABLE;
	c = http_reply(c, (unsigned)rc, http_error(s->conn.error)) == MHD_YES ? c : NULL;
	free(s);
	return c ? MHD_YES : MHD_NO;
}

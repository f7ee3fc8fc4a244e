/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/ask.h"

#include <stdio.h>
#include <string.h>

#include "cmd/evpnctl/conn.h"
#include "cmd/evpnctl/pick.h"

static bool begin(struct conn *c, const char *socket, const char *const *words, size_t n, char *error)
{
	if (!conn_ask(c, socket, words, n, NULL, 0))
		return true;
	snprintf(error, ASK_ERROR_MAX, "%s", c->error);
	return false;
}

static bool end(struct conn *c, char *error)
{
	bool complete = c->complete;

	if (!complete)
		snprintf(error, ASK_ERROR_MAX, "the answer broke off: evpnd ended or dropped us");
	conn_close(c);
	return complete;
}

/* The value of one line of an array, NULL for those that open and close it. scratch is for the picked members. */
static json_t *row_value(const struct pick *pick, const char *line, size_t len, struct buf *scratch)
{
	while (len && strchr("\n,", line[len - 1]))
		len--;
	if (len <= 1)
		return NULL;
	if (pick_members(pick, line, len, scratch))
		return json_loadb(buf_data(scratch), scratch->len, 0, NULL);
	return json_loadb(line, len, JSON_DECODE_ANY, NULL);
}

bool ask_rows(const char *socket, const char *const *words, size_t n, const char *members,
	      bool (*row)(void *ctx, const json_t *row), void *ctx, char error[ASK_ERROR_MAX])
{
	const struct pick pick = pick_names(members);
	bool more = true;
	struct buf scratch;
	const char *line;
	struct conn c;
	size_t len;

	if (!begin(&c, socket, words, n, error))
		return false;
	buf_init(&scratch);
	while (more && (line = conn_line(&c, &len))) {
		json_t *v = row_value(&pick, line, len, &scratch);

		more = !v || row(ctx, v);
		json_decref(v);
	}
	buf_fini(&scratch);
	c.complete |= !more;
	return end(&c, error);
}

static json_t *take_object(struct conn *c)
{
	size_t len;
	const char *line = conn_line(c, &len);

	return line ? json_loadb(line, len, JSON_DECODE_ANY, NULL) : json_null();
}

static json_t *take_rows(struct conn *c)
{
	const struct pick all = { .n = 0 };
	json_t *out = json_array();
	const char *line;
	size_t len;

	while ((line = conn_line(c, &len))) {
		json_t *v = row_value(&all, line, len, NULL);

		if (v)
			json_array_append_new(out, v);
	}
	return out;
}

json_t *ask_json(const char *socket, const char *const *words, size_t n, char error[ASK_ERROR_MAX])
{
	struct conn c;
	json_t *out;

	if (!begin(&c, socket, words, n, error))
		return NULL;
	out = c.body == CONN_ROWS ? take_rows(&c) : c.body == CONN_OBJECT ? take_object(&c) : json_true();
	if (end(&c, error) && out)
		return out;
	json_decref(out);
	return NULL;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Framing and slicing of replies. What stands in them is the verbs' business. */
#include "cmd/evpnd/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * A slice ends after this much output or this many things looked at. One row is bounded by what an UPDATE can carry
 * (4,096 octets, RFC 4271 4: some 40 KiB as JSON), so that a client's buffer stays below 64 KiB.
 */
#define SLICE_OCTETS (24u * 1024)
#define SLICE_STEPS 1024

void reply_error(struct buf *out, int code, const char *error)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_bool(&j, "ok", false);
	json_str(&j, "error", error);
	json_int(&j, "code", code);
	json_object_end(&j);
	buf_adds(out, "\n");
}

static void write_status(struct reply *r)
{
	static const char *const names[] = { [REPLY_ROWS] = "rows", [REPLY_OBJECT] = "object", [REPLY_NONE] = "none",
					      [REPLY_LINES] = "lines" };

	buf_printf(r->out, "{\"ok\":true,\"body\":\"%s\"}\n", names[r->body]);
	if (r->body == REPLY_ROWS)
		buf_adds(r->out, "[");
}

static void end(struct reply *r)
{
	if (r->ops->end)
		r->ops->end(r);
	free(r->state);
	r->state = NULL;
	r->ops = NULL;
}

void reply_start(struct reply *r, const struct reply_ops *ops, struct daemon *d, const struct verb_args *args,
		 const int *fds, size_t n, struct buf *out, struct mtime now)
{
	int rc;

	*r = (struct reply){ .d = d, .ops = ops, .args = *args, .fds = fds, .n_fds = n, .now = now, .out = out };
	if (!r->ops) {
		reply_error(out, 2, "this verb is evpnctl's own, the daemon does not know it");
		return;
	}
	r->state = r->ops->state_size ? xcalloc(1, r->ops->state_size) : NULL;
	json_init(&r->json, out);
	rc = r->ops->start ? r->ops->start(r) : 0;
	if (rc) {
		reply_error(out, rc, r->error);
		free(r->state);
		r->ops = NULL;
		return;
	}
	write_status(r);
	if (r->body == REPLY_NONE)
		end(r);
}

bool reply_more(struct reply *r, struct mtime now)
{
	r->now = now;
	r->budget = SLICE_STEPS;
	r->waits = false;
	if (r->ops->more(r))
		return true;
	buf_adds(r->out, r->body == REPLY_ROWS ? "\n]\n" : "\n");
	end(r);
	return false;
}

void reply_abort(struct reply *r)
{
	if (r->ops)
		end(r);
}

int reply_fail(struct reply *r, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->error, sizeof(r->error), fmt, ap);
	va_end(ap);
	return code;
}

bool reply_step(struct reply *r)
{
	return r->budget-- > 0 && r->out->len < SLICE_OCTETS;
}

struct json *reply_row(struct reply *r)
{
	if (r->body != REPLY_LINES)
		buf_adds(r->out, r->rows ? ",\n" : "\n");
	r->rows = true;
	r->json.comma = false;
	return &r->json;
}

void reply_wake(struct reply *r)
{
	if (!r->waits)
		return;
	r->waits = false;
	r->wake(r);
}

bool reply_lines(struct reply *r, struct buf *text)
{
	while (text->len) {
		const char *line = buf_data(text), *end = memchr(line, '\n', text->len);
		size_t len = end ? (size_t)(end - line) : text->len;

		if (!reply_step(r))
			return true;
		json_strn(reply_row(r), NULL, line, len);
		buf_consume(text, end ? len + 1 : len);
	}
	return false;
}

void reply_age(struct reply *r, const char *key, struct mtime since)
{
	int64_t us = mtime_diff_us(since, r->now);

	json_int(&r->json, key, us > 0 ? us / 1000000 : 0);
}

bool reply_match_vni(const struct reply *r, uint32_t vni)
{
	return !reply_has(r, ARG_VNI) || reply_arg(r, ARG_VNI)->n == vni;
}

bool reply_match_mac(const struct reply *r, const struct mac *mac)
{
	return !reply_has(r, ARG_MAC) || mac_eq(&reply_arg(r, ARG_MAC)->mac, mac);
}

bool reply_match_ip(const struct reply *r, enum verb_arg a, const struct ip *ip)
{
	return !reply_has(r, a) || ip_eq(&reply_arg(r, a)->ip, ip);
}

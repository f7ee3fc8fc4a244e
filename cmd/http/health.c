/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/http/health.h"

#include <string.h>

#include "cmd/evpnctl/ask.h"

static const char *text(const json_t *row, const char *key)
{
	const char *s = json_string_value(json_object_get(row, key));

	return s ? s : "";
}

/* Sessions that someone has ended by hand are not missed. */
static bool judge_sessions(const json_t *neighbors, struct buf *out)
{
	size_t wanted = 0, up = 0, i;
	const json_t *n;

	json_array_foreach(neighbors, i, n) {
		wanted += !json_is_true(json_object_get(n, "admin_down"));
		up += strcmp(text(n, "state"), "Established") == 0;
	}
	if (wanted && !up)
		buf_printf(out, "none of %zu sessions is up\n", wanted);
	return up || !wanted;
}

static bool judge_vnis(const json_t *vnis, struct buf *out)
{
	const json_t *v;
	bool ok = true;
	size_t i;

	json_array_foreach(vnis, i, v) {
		if (json_is_true(json_object_get(v, "ready")))
			continue;
		buf_printf(out, "VNI %" JSON_INTEGER_FORMAT " is not ready%s%s\n",
			   json_integer_value(json_object_get(v, "vni")), text(v, "problem")[0] ? ": " : "",
			   text(v, "problem"));
		ok = false;
	}
	return ok;
}

bool health_judge(const json_t *version, const json_t *neighbors, const json_t *vnis, struct buf *out)
{
	bool sessions = judge_sessions(neighbors, out), ready = judge_vnis(vnis, out);

	if (!sessions || !ready)
		return false;
	buf_adds(out, json_is_integer(json_object_get(version, "draining_s")) ? "ok, draining\n" : "ok\n");
	return true;
}

enum MHD_Result http_health(struct http *h, struct MHD_Connection *c)
{
	char error[ASK_ERROR_MAX];
	json_t *version = ask_json(h->socket, ASK_WORDS("show", "version"), error);
	json_t *neighbors = version ? ask_json(h->socket, ASK_WORDS("show", "neighbors"), error) : NULL;
	json_t *vnis = neighbors ? ask_json(h->socket, ASK_WORDS("show", "vni"), error) : NULL;
	enum MHD_Result r;
	struct buf b;
	bool ok;

	buf_init(&b);
	ok = vnis && health_judge(version, neighbors, vnis, &b);
	if (!vnis)
		buf_printf(&b, "%s\n", error);
	buf_add(&b, "", 1);
	r = http_reply(c, ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
		       http_text("text/plain; charset=utf-8", buf_data(&b)));
	buf_fini(&b);
	json_decref(version);
	json_decref(neighbors);
	json_decref(vnis);
	return r;
}

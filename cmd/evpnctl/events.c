/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Events of the history in words: show events, why, monitor. */
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "cmd/evpnctl/events.h"
#include "cmd/evpnctl/format.h"

/* NULL when the member is no string. */
static const char *text(const json_t *row, const char *name)
{
	return json_string_value(json_object_get(row, name));
}

static bool is(const json_t *row, const char *name, const char *value)
{
	const char *s = text(row, name);

	return s && !strcmp(s, value);
}

/* "10:23:45.678", with the date before it when that is another day's. */
void format_event_time(struct buf *out, const json_t *v, const json_t *row)
{
	const char *s = json_string_value(v), *ms;
	time_t now = time(NULL), at;
	struct tm utc = { 0 }, tm, today;
	char date[32];

	ms = s ? strptime(s, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
	if (!ms) {
		format_any(out, v, row);
		return;
	}
	at = timegm(&utc);
	localtime_r(&at, &tm);
	localtime_r(&now, &today);
	strftime(date, sizeof(date),
		 tm.tm_yday == today.tm_yday && tm.tm_year == today.tm_year ? "%H:%M:%S" : "%m-%d %H:%M:%S", &tm);
	buf_printf(out, "%s%.4s", date, ms);
}

/* Whom or what it is about. */
void format_event_about(struct buf *out, const json_t *v, const json_t *row)
{
	static const struct {
		const char *kind, *members[3];
	} about[] = {
		{ "neighbor", { "neighbor" } },
		{ "mac", { "mac" } },
		{ "ip", { "ip" } },
		{ "vtep", { "vtep" } },
		{ "row", { "ip", "mac", "vtep" } },
		{ "device", { "interface" } },
		{ "route", { "route" } },
	};

	for (size_t i = 0; i < sizeof(about) / sizeof(about[0]); i++) {
		for (size_t k = 0; k < 3 && is(row, "kind", about[i].kind) && about[i].members[k]; k++) {
			if (text(row, about[i].members[k])) {
				buf_adds(out, text(row, about[i].members[k]));
				return;
			}
		}
	}
	buf_adds(out, "-");
}

/* " before value", or nothing without a value. */
static void add(struct buf *out, const char *before, const char *value)
{
	if (value)
		buf_printf(out, "%s%s", before, value);
}

static void add_sequence(struct buf *out, const json_t *row)
{
	json_int_t n = json_integer_value(json_object_get(row, "sequence"));

	if (n)
		buf_printf(out, " (sequence %" JSON_INTEGER_FORMAT ")", n);
}

/* ---- kind by kind ------------------------------------------------------------------------------------------------ */

static void neighbor_words(struct buf *out, const json_t *row)
{
	if (is(row, "event", "Established"))
		buf_adds(out, "session is up");
	else if (is(row, "was", "Established"))
		buf_adds(out, "session is lost");
	else if (text(row, "was"))
		buf_printf(out, "no session: %s -> %s", text(row, "was"), text(row, "event"));
	else
		buf_printf(out, "%" JSON_INTEGER_FORMAT " routes %s",
			   json_integer_value(json_object_get(row, "routes")), text(row, "event"));
}

static void local_words(struct buf *out, const json_t *row)
{
	if (is(row, "was", "remote")) {
		buf_adds(out, "moved here");
		add(out, " from ", text(row, "vtep_was"));
	} else if (is(row, "was", "local")) {
		buf_adds(out, "still here");
	} else {
		buf_adds(out, "is here");
	}
	add(out, ", on port ", text(row, "interface"));
}

static void remote_words(struct buf *out, const json_t *row)
{
	bool from_port = is(row, "was", "local") && text(row, "interface");

	if (text(row, "vtep_was") || is(row, "was", "local")) {
		buf_adds(out, "moved");
		add(out, " from ", text(row, "vtep_was"));
		add(out, " from port ", from_port ? text(row, "interface") : NULL);
		add(out, " to ", text(row, "vtep"));
	} else {
		add(out, "is behind ", text(row, "vtep"));
	}
}

static void both_words(struct buf *out, const json_t *row)
{
	buf_adds(out, text(row, "event"));
	add(out, ": port ", text(row, "interface"));
	add(out, text(row, "interface") ? " and VTEP " : ": VTEP ", text(row, "vtep"));
}

static void mac_words(struct buf *out, const json_t *row)
{
	if (is(row, "event", "local"))
		local_words(out, row);
	else if (is(row, "event", "remote"))
		remote_words(out, row);
	else if (is(row, "event", "gone")) {
		buf_adds(out, "is gone");
		add(out, " from behind ", text(row, "vtep_was"));
		add(out, " from port ", text(row, "interface"));
	} else {
		both_words(out, row);
	}
	add_sequence(out, row);
}

static void ip_words(struct buf *out, const json_t *row)
{
	const char *was = text(row, "mac_was");

	if (is(row, "event", "refused")) {
		add(out, "is not taken for that of ", text(row, "mac"));
		add(out, ": it is at ", was);
		return;
	}
	if (is(row, "event", "duplicate")) {
		add(out, "duplicate: goes to and fro between ", text(row, "mac"));
		add(out, " and ", was);
		return;
	}
	if (is(row, "event", "gone")) {
		add(out, "is gone from ", text(row, "mac"));
		return;
	}
	add(out, was ? "moved from " : "is at ", was ? was : text(row, "mac"));
	add(out, " to ", was ? text(row, "mac") : NULL);
	add(out, " behind ", text(row, "vtep"));
	if (is(row, "event", "waiting"))
		buf_adds(out, ", a MAC that no port has shown yet");
}

static void row_words(struct buf *out, const json_t *row)
{
	add(out, "", text(row, "table"));
	buf_adds(out, " row");
	add(out, " to ", text(row, "vtep"));
	if (is(row, "event", "deleted") || is(row, "event", "altered"))
		buf_printf(out, " was %s by another hand", text(row, "event"));
	else if (is(row, "event", "restored"))
		buf_adds(out, " is as it should be again");
	else if (is(row, "event", "placed"))
		buf_adds(out, " is there now, after it was refused");
	else
		add(out, " was ", text(row, "event"));
}

static void vtep_words(struct buf *out, const json_t *row)
{
	buf_adds(out, is(row, "event", "added") ? "is flooded to" : "is flooded to no more");
}

static void system_words(struct buf *out, const json_t *row)
{
	bool vni = json_is_integer(json_object_get(row, "vni"));

	if (vni && is(row, "event", "ready"))
		buf_adds(out, "the VNI is ready");
	else if (vni && is(row, "event", "not-ready"))
		buf_adds(out, "the VNI is not ready");
	else if (vni && is(row, "event", "limited"))
		add(out, text(row, "interface") ? "port " : "",
		    text(row, "interface") ? text(row, "interface") : "the VNI");
	else if (is(row, "event", "overrun"))
		buf_adds(out, "events of the kernel were lost, what is local is learned anew");
	else if (vni)
		add(out, "the VNI was ", text(row, "event"));
	else if (is(row, "event", "refused"))
		buf_adds(out, "reload refused");
	else
		add(out, "", text(row, "event"));
}

static void device_words(struct buf *out, const json_t *row)
{
	if (is(row, "event", "altered"))
		buf_adds(out, "not as it should be");
	else if (is(row, "event", "restored"))
		buf_adds(out, "as it should be again");
	else
		add(out, "", text(row, "event"));
}

static void route_words(struct buf *out, const json_t *row)
{
	add(out, "best path ", text(row, "event"));
	add(out, ", next hop ", text(row, "vtep"));
	add(out, " instead of ", text(row, "vtep_was"));
	add_sequence(out, row);
}

static void other_words(struct buf *out, const json_t *row)
{
	add(out, "", text(row, "event"));
}

/* The words have the reason already. */
static bool is_said(const json_t *row)
{
	return is(row, "kind", "mac") && is(row, "event", "local") && is(row, "was", "remote");
}

/* What happened, then why, and by whose route. */
void format_event_words(struct buf *out, const json_t *v, const json_t *row)
{
	static const struct {
		const char *kind;
		void (*words)(struct buf *out, const json_t *row);
	} kinds[] = {
		{ "neighbor", neighbor_words }, { "mac", mac_words },     { "ip", ip_words },
		{ "vtep", vtep_words },         { "row", row_words },     { "system", system_words },
		{ "device", device_words },     { "route", route_words },
	};
	void (*words)(struct buf *, const json_t *) = other_words;
	size_t before = out->len;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (is(row, "kind", kinds[i].kind))
			words = kinds[i].words;
	words(out, row);
	if (!is_said(row))
		add(out, out->len > before ? ": " : "", text(row, "reason"));
	if (!is(row, "kind", "neighbor"))
		add(out, ", neighbor ", text(row, "neighbor"));
}

/* 1,203 */
static void add_thousands(struct buf *out, json_int_t n)
{
	if (n >= 1000) {
		add_thousands(out, n / 1000);
		buf_printf(out, ",%03d", (int)(n % 1000));
	} else {
		buf_printf(out, "%d", (int)n);
	}
}

void event_line_print(const json_t *row, FILE *out)
{
	struct buf line;

	buf_init(&line);
	if (is(row, "kind", "lost")) {
		add_thousands(&line, json_integer_value(json_object_get(row, "lost")));
		buf_adds(&line, " events lost");
	} else {
		format_event_time(&line, json_object_get(row, "time"), row);
		buf_printf(&line, "  %-8s  ", text(row, "kind"));
		if (json_is_integer(json_object_get(row, "vni")))
			buf_printf(&line, "%" JSON_INTEGER_FORMAT " ", json_integer_value(json_object_get(row, "vni")));
		format_event_about(&line, NULL, row);
		buf_adds(&line, " ");
		format_event_words(&line, NULL, row);
	}
	fprintf(out, "%.*s\n", (int)line.len, buf_data(&line));
	buf_fini(&line);
}

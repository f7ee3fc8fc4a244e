/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/why.h"

#include <stdbool.h>
#include <string.h>

#include "cmd/evpnctl/render.h"

#define INDENT 2u

struct page {
	size_t width;
	FILE *out;
	struct buf line;
};

static const char *text(const json_t *row, const char *name)
{
	return json_string_value(json_object_get(row, name));
}

static json_int_t number(const json_t *row, const char *name)
{
	return json_integer_value(json_object_get(row, name));
}

static bool is(const json_t *row, const char *name, const char *value)
{
	const char *s = text(row, name);

	return s && !strcmp(s, value);
}

static void add(struct page *p, const char *before, const char *value)
{
	if (value)
		buf_printf(&p->line, "%s%s", before, value);
}

/* The line that was put together, below a heading. */
static void flush(struct page *p, size_t indent)
{
	fprintf(p->out, "%*s", (int)indent, "");
	fill_print(buf_data(&p->line), p->line.len, indent ? indent + 2 : 0, p->width, p->out);
	fputs("\n", p->out);
	buf_reset(&p->line);
}

static void heading(struct page *p, const char *title)
{
	fprintf(p->out, "\n%s\n", title);
}

/* ---- what it is now ---------------------------------------------------------------------------------------------- */

static void add_host(struct page *p, const json_t *why)
{
	add(p, "", text(why, "ip") ? text(why, "ip") : text(why, "mac"));
	if (text(why, "ip"))
		add(p, " at ", text(why, "mac"));
	if (json_is_integer(json_object_get(why, "vni")))
		buf_printf(&p->line, " in VNI %" JSON_INTEGER_FORMAT, number(why, "vni"));
}

static void add_place(struct page *p, const json_t *row)
{
	const json_t *vteps = json_object_get(row, "vteps");

	if (json_array_size(vteps) > 1) {
		buf_adds(&p->line, " behind one of ");
		format_words(&p->line, vteps, row);
	} else {
		add(p, " behind ", text(row, "vtep"));
	}
	add(p, text(row, "vtep") ? " and on port " : " on port ", text(row, "interface"));
}

static const struct {
	const char *code, *words;
} verdicts[] = {
	{ "in-use", "in use" },
	{ "no-vni", "not in use: there is no such VNI here" },
	{ "not-ready", "not in use: the VNI is not ready" },
	{ "unknown", "not known" },
	{ "limited", "not in use: above a MAC limit, not advertised" },
	{ "duplicate", "not in use: a duplicate, not advertised" },
	{ "no-mac", "not in use: its MAC is not known to be anywhere" },
	{ "no-vtep", "not in use: no VTEP of its segment can be sent to" },
	{ "not-programmed", "not in use: a row is not there" },
	{ "not-asked-for", "not in use: nothing has been sent to it, so it has no row" },
};

static void add_verdict(struct page *p, const json_t *why)
{
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (is(why, "verdict", verdicts[i].code))
			buf_adds(&p->line, verdicts[i].words);
}

static void print_entry(struct page *p, const json_t *why)
{
	add_host(p, why);
	add(p, ": ", text(why, "state"));
	if (text(why, "state"))
		add_place(p, why);
	buf_adds(&p->line, text(why, "state") ? ", " : ": ");
	add_verdict(p, why);
	flush(p, 0);
	if (text(why, "problem")) {
		add(p, "of the VNI: ", text(why, "problem"));
		flush(p, INDENT);
	}
	if (!text(why, "reason"))
		return;
	add(p, "since ", "");
	format_age(&p->line, json_object_get(why, "age_s"), why);
	add(p, ": ", text(why, "reason"));
	if (number(why, "sequence"))
		buf_printf(&p->line, " (sequence %" JSON_INTEGER_FORMAT ")", number(why, "sequence"));
	add(p, "", json_is_true(json_object_get(why, "sticky")) ? ", static" : NULL);
	flush(p, INDENT);
}

static void print_bindings(struct page *p, const json_t *why)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(why, "bindings"), i, row) {
		if (!i)
			heading(p, "Addresses");
		add(p, "", text(row, "ip"));
		add(p, " at ", text(row, "mac"));
		add(p, ", ", text(row, "state"));
		add(p, " behind ", text(row, "vtep"));
		buf_adds(&p->line, ", since ");
		format_age(&p->line, json_object_get(row, "age_s"), row);
		flush(p, INDENT);
	}
}

/* ---- claims ------------------------------------------------------------------------------------------------------ */

static void add_route(struct page *p, const json_t *row, const json_t *why)
{
	const json_t *mobility = json_object_get(row, "mac_mobility");

	if (is(row, "verdict", "ours"))
		buf_adds(&p->line, "our own route");
	else
		add(p, "route from neighbor ", text(row, "neighbor"));
	add(p, ", RD ", text(row, "rd"));
	add(p, ", ", text(row, "ip") ? text(row, "ip") : text(why, "ip") ? "its MAC alone" : NULL);
	if (text(why, "ip") && text(row, "mac") && (!text(why, "mac") || strcmp(text(why, "mac"), text(row, "mac"))))
		add(p, " at ", text(row, "mac"));
	add(p, ", VTEP ", text(row, "vtep"));
	if (number(row, "vni"))
		buf_printf(&p->line, ", VNI %" JSON_INTEGER_FORMAT, number(row, "vni"));
	if (json_is_object(mobility))
		buf_printf(&p->line, ", sequence %" JSON_INTEGER_FORMAT "%s", number(mobility, "sequence"),
			   json_is_true(json_object_get(mobility, "sticky")) ? ", static" : "");
	add(p, "", json_is_true(json_object_get(row, "stale")) ? ", stale" : NULL);
	if (is(row, "verdict", "not-imported")) {
		buf_adds(&p->line, ", route targets ");
		format_words(&p->line, json_object_get(row, "route_targets"), row);
	}
}

static void add_claimant(struct page *p, const json_t *row)
{
	add(p, "", text(row, "by"));
	add(p, " ", text(row, "interface"));
	add(p, ": VTEP ", text(row, "vtep"));
	add(p, ", ", text(row, "ip"));
	if (is(row, "by", "port"))
		buf_printf(&p->line, ", sequence %" JSON_INTEGER_FORMAT, number(row, "sequence"));
	add(p, "", json_is_true(json_object_get(row, "sticky")) ? ", static" : NULL);
}

/* ">" before who wins, "x" before who is not asked, as show rib has it. */
static void print_claims(struct page *p, const json_t *why)
{
	const json_t *claims = json_object_get(why, "claims"), *row;
	size_t i;

	heading(p, "Claims");
	json_array_foreach(claims, i, row) {
		bool out = is(row, "verdict", "rejected") || is(row, "verdict", "not-imported");

		buf_adds(&p->line, is(row, "verdict", "wins") ? "> " : out ? "x " : "  ");
		if (is(row, "by", "route"))
			add_route(p, row, why);
		else
			add_claimant(p, row);
		if (is(row, "verdict", "wins"))
			buf_adds(&p->line, ": wins");
		else if (!is(row, "verdict", "ours"))
			add(p, out ? is(row, "verdict", "rejected") ? ": rejected, " : ": not imported, " : ": loses, ",
			    text(row, "why"));
		if (is(row, "verdict", "not-best"))
			add(p, " by ", text(row, "decided_by"));
		flush(p, 0);
	}
	if (!json_array_size(claims)) {
		buf_adds(&p->line, "nobody claims it: no port has shown it, and no route of it was received");
		flush(p, INDENT);
	}
}

/* ---- rows, nearby, history --------------------------------------------------------------------------------------- */

static void print_rows(struct page *p, const json_t *why)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(why, "rows"), i, row) {
		if (!i)
			heading(p, "Rows");
		add(p, "", text(row, "table"));
		add(p, " on ", text(row, "device"));
		add(p, ", ", text(row, "ip"));
		if (json_array_size(json_object_get(row, "vteps"))) {
			buf_adds(&p->line, " to ");
			format_fdb_where(&p->line, NULL, row);
		}
		if (!is(row, "owner", "evpnd"))
			add(p, ", of ", is(row, "owner", "kernel") ? "the kernel" : "another program");
		buf_adds(&p->line, ": ");
		format_fdb_state(&p->line, NULL, row);
		flush(p, INDENT);
	}
}

static void print_nearby(struct page *p, const json_t *why)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(why, "elsewhere"), i, row) {
		if (!i)
			heading(p, "In other VNIs");
		buf_printf(&p->line, "VNI %" JSON_INTEGER_FORMAT ": ", number(row, "vni"));
		add(p, "", text(row, "mac"));
		add(p, ", ", text(row, "state"));
		add_place(p, row);
		flush(p, INDENT);
	}
	if (is(why, "verdict", "in-use"))
		return;
	if (json_array_size(json_object_get(why, "vnis"))) {
		heading(p, "VNIs that there are");
		format_words(&p->line, json_object_get(why, "vnis"), why);
		flush(p, INDENT);
	}
	json_array_foreach(json_object_get(why, "neighbors_down"), i, row) {
		if (!i)
			heading(p, "Neighbors without a session, whose routes are not here");
		add(p, "", text(row, "address"));
		add(p, ": ", text(row, "state"));
		add(p, ", ", text(row, "reason") && text(row, "reason")[0] ? text(row, "reason") : NULL);
		flush(p, INDENT);
	}
}

static void print_history(struct page *p, const json_t *why)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(why, "history"), i, row) {
		if (!i)
			heading(p, "History");
		format_event_time(&p->line, json_object_get(row, "time"), row);
		buf_adds(&p->line, "  ");
		format_event_about(&p->line, NULL, row);
		buf_adds(&p->line, " ");
		format_event_words(&p->line, NULL, row);
		flush(p, INDENT);
	}
}

void why_print(const json_t *why, size_t width, FILE *out)
{
	struct page p = { .width = width, .out = out };

	buf_init(&p.line);
	print_entry(&p, why);
	print_bindings(&p, why);
	print_claims(&p, why);
	print_rows(&p, why);
	print_nearby(&p, why);
	print_history(&p, why);
	buf_fini(&p.line);
}

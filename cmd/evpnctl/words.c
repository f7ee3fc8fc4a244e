/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Formatters that put several members of a row into words. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cmd/evpnctl/format.h"

static json_int_t number(const json_t *row, const char *path)
{
	return json_integer_value(format_member(row, path));
}

static bool is(const json_t *row, const char *path)
{
	return json_is_true(format_member(row, path));
}

/* NULL when the member is no string. */
static const char *text(const json_t *row, const char *path)
{
	return json_string_value(format_member(row, path));
}

static void add(struct buf *out, const json_t *row, const char *path)
{
	format_any(out, format_member(row, path), row);
}

static void add_age(struct buf *out, const json_t *row, const char *path)
{
	format_age(out, format_member(row, path), row);
}

/* ---- neighbors --------------------------------------------------------------------------------------------------- */

void format_neighbor_state(struct buf *out, const json_t *v, const json_t *row)
{
	format_any(out, v, row);
	if (is(row, "admin_down"))
		buf_adds(out, " (down by hand)");
	if (text(row, "drain"))
		buf_printf(out, " (drain: %s)", text(row, "drain"));
}

void format_neighbor_head(struct buf *out, const json_t *v, const json_t *row)
{
	const char *description = text(row, "description");

	buf_adds(out, "neighbor ");
	add(out, row, "address");
	buf_adds(out, ", AS ");
	add(out, row, "asn");
	buf_adds(out, " (");
	add(out, row, "type");
	buf_adds(out, is(row, "route_reflector_client") ? ", route reflector client)" : ")");
	if (description)
		buf_printf(out, ": %s", description);
}

static bool is_established(const json_t *row)
{
	const char *state = text(row, "state");

	return state && strcmp(state, "Established") == 0;
}

void format_neighbor_session(struct buf *out, const json_t *v, const json_t *row)
{
	format_neighbor_state(out, format_member(row, "state"), row);
	buf_adds(out, " for ");
	add_age(out, row, "state_s");
	if (number(row, "established_count") > 1)
		buf_printf(out, ", session number %" JSON_INTEGER_FORMAT, number(row, "established_count"));
	if (is(row, "passive"))
		buf_adds(out, ", passive");
	if (text(row, "state_reason") && !is_established(row))
		buf_printf(out, " (%s)", text(row, "state_reason"));
}

void format_neighbor_timers(struct buf *out, const json_t *v, const json_t *row)
{
	if (json_is_integer(v))
		buf_printf(out,
			   "hold %" JSON_INTEGER_FORMAT " s (configured %" JSON_INTEGER_FORMAT " s), keepalive %.1f s",
			   json_integer_value(v), number(row, "hold_time_configured"),
			   (double)number(row, "keepalive_ms") / 1000);
	else
		buf_printf(out, "hold %" JSON_INTEGER_FORMAT " s configured", number(row, "hold_time_configured"));
}

void format_neighbor_routes(struct buf *out, const json_t *v, const json_t *row)
{
	buf_printf(out, "%" JSON_INTEGER_FORMAT " received", number(row, "prefixes_received"));
	if (number(row, "rejected"))
		buf_printf(out, " (%" JSON_INTEGER_FORMAT " of them rejected)", number(row, "rejected"));
	buf_printf(out, ", %" JSON_INTEGER_FORMAT " sent", number(row, "prefixes_sent"));
	if (number(row, "pending"))
		buf_printf(out, ", %" JSON_INTEGER_FORMAT " wait to be sent", number(row, "pending"));
}

void format_neighbor_limits(struct buf *out, const json_t *v, const json_t *row)
{
	if (!number(row, "max_prefixes")) {
		buf_adds(out, "any number of routes");
	} else {
		buf_printf(out,
			   "%" JSON_INTEGER_FORMAT " routes, a warning at %" JSON_INTEGER_FORMAT " percent",
			   number(row, "max_prefixes"), number(row, "max_prefixes_warning"));
		if (number(row, "max_prefixes_restart"))
			buf_printf(out, ", down for %" JSON_INTEGER_FORMAT " s after it",
				   number(row, "max_prefixes_restart"));
	}
	if (number(row, "down_for_s"))
		buf_printf(out, ", is down for another %" JSON_INTEGER_FORMAT " s", number(row, "down_for_s"));
	if (number(row, "connections_refused"))
		buf_printf(out, ", %" JSON_INTEGER_FORMAT " connections refused", number(row, "connections_refused"));
}

static void kept(struct buf *out, const json_t *row, const char *n, const char *end, const char *what)
{
	if (!number(row, n))
		return;
	buf_printf(out, "; %" JSON_INTEGER_FORMAT " routes %s", number(row, n), what);
	if (end && number(row, end))
		buf_printf(out, ", %" JSON_INTEGER_FORMAT " s left", number(row, end));
}

void format_neighbor_restart(struct buf *out, const json_t *v, const json_t *row)
{
	const json_t *gr = format_member(row, "graceful_restart");

	if (!json_is_object(gr))
		buf_adds(out, number(row, "stale") || number(row, "long_lived_stale") ? "is away" : "not asked for");
	else
		buf_printf(out, "%" JSON_INTEGER_FORMAT " s%s%s", number(gr, "restart_time"),
			   is(gr, "notification") ? ", also after a NOTIFICATION" : "",
			   is(gr, "restarted") ? ", has restarted" : "");
	kept(out, row, "stale", "stale_s", "stale");
	kept(out, row, "long_lived_stale", "long_lived_stale_s", "long-lived stale");
	kept(out, row, "refreshing", NULL, "not repeated yet in its refresh");
}

void format_neighbor_faults(struct buf *out, const json_t *v, const json_t *row)
{
	buf_printf(out,
		   "%" JSON_INTEGER_FORMAT " treated as withdraw, %" JSON_INTEGER_FORMAT
		   " attributes discarded, %" JSON_INTEGER_FORMAT " of unknown type",
		   number(row, "treat_as_withdraw"), number(row, "attributes_discarded"), number(row, "unknown_nlri"));
}

void format_eor(struct buf *out, const json_t *v, const json_t *row)
{
	buf_printf(out, "%s, %s", is(row, "eor_received") ? "received" : "not received",
		   is(row, "eor_sent") ? "sent" : "not sent");
}

void format_families(struct buf *out, const json_t *v, const json_t *row)
{
	const json_t *f;
	size_t i;

	if (json_array_size(v) < 2)
		return; /* what is said of all is said of it */
	json_array_foreach(v, i, f)
		buf_printf(out, "%s%s %" JSON_INTEGER_FORMAT " received, %" JSON_INTEGER_FORMAT " sent", i ? "; " : "",
			   text(f, "name"), number(f, "prefixes_received"), number(f, "prefixes_sent"));
}

void format_rt_filter(struct buf *out, const json_t *v, const json_t *row)
{
	const char *state = text(v, "state");

	if (!state || !strcmp(state, "none"))
		return;
	if (!strcmp(state, "disabled"))
		buf_adds(out, "its memberships could not be read, it is sent all routes");
	else
		buf_printf(out, "%s%" JSON_INTEGER_FORMAT " route targets",
			   strcmp(state, "waiting") ? "asks for " : "nothing is sent before its End-of-RIB, so far ",
			   number(v, "route_targets"));
}

void format_rt_asked(struct buf *out, const json_t *v, const json_t *row)
{
	if (json_is_string(v))
		buf_adds(out, json_string_value(v));
	else
		buf_adds(out, "all");
}

void format_messages(struct buf *out, const json_t *v, const json_t *row)
{
	const char *name;
	json_t *count;
	bool any = false;

	json_object_foreach((json_t *)(uintptr_t)v, name, count) {
		buf_printf(out, "%s%s %" JSON_INTEGER_FORMAT, any ? ", " : "", name, json_integer_value(count));
		any = true;
	}
}

void format_notification(struct buf *out, const json_t *v, const json_t *row)
{
	const char *data = text(v, "data"), *message = text(v, "message");

	if (number(v, "code"))
		buf_printf(out, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT " ", number(v, "code"),
			   number(v, "subcode"));
	add(out, v, "text");
	buf_adds(out, ", ");
	add_age(out, v, "age_s");
	buf_adds(out, " ago");
	if (data && data[0])
		buf_printf(out, ", data %s", data);
	if (message && message[0])
		buf_printf(out, ", for %s", message);
}

/* ---- routes ------------------------------------------------------------------------------------------------------ */

/* "*" eligible, or "S" stale, "L" long-lived stale; ">" behind it the best; "x" rejected. */
void format_route_flags(struct buf *out, const json_t *v, const json_t *row)
{
	if (text(row, "rejected")) {
		buf_adds(out, "x");
		return;
	}
	buf_adds(out, is(row, "long_lived_stale") ? "L" : is(row, "stale") ? "S" : "*");
	buf_adds(out, is(row, "best") ? ">" : "");
}

static const char *type_word(json_int_t type)
{
	static const char *const words[] = { [1] = "ead", [2] = "mac-ip", [3] = "imet", [4] = "es", [5] = "prefix" };

	return type > 0 && type < (json_int_t)(sizeof(words) / sizeof(words[0])) ? words[type] : "";
}

void format_route_type(struct buf *out, const json_t *v, const json_t *row)
{
	buf_printf(out, "%" JSON_INTEGER_FORMAT " %s", json_integer_value(v), type_word(json_integer_value(v)));
}

void format_route_address(struct buf *out, const json_t *v, const json_t *row)
{
	if (text(row, "prefix"))
		add(out, row, "prefix");
	else if (text(row, "ip"))
		add(out, row, "ip");
	else
		add(out, row, "originator");
}

void format_route_from(struct buf *out, const json_t *v, const json_t *row)
{
	if (json_is_string(v))
		format_any(out, v, row);
	else
		buf_adds(out, "local");
	if (number(row, "path_id"))
		buf_printf(out, " #%" JSON_INTEGER_FORMAT, number(row, "path_id"));
}

void format_route_head(struct buf *out, const json_t *v, const json_t *row)
{
	buf_adds(out, "route type ");
	format_route_type(out, format_member(row, "type"), row);
	if (text(row, "mac")) {
		buf_adds(out, " ");
		add(out, row, "mac");
	}
	if (text(row, "ip") || text(row, "prefix") || text(row, "originator")) {
		buf_adds(out, " ");
		format_route_address(out, NULL, row);
	}
	buf_adds(out, text(row, "neighbor") ? ", from " : ", ");
	format_route_from(out, format_member(row, "neighbor"), row);
	if (text(row, "rejected"))
		buf_printf(out, ", rejected: %s", text(row, "rejected"));
	else
		buf_adds(out, is(row, "best") ? ", best" : ", not best");
	if (is(row, "stale"))
		buf_adds(out, ", stale: its session is lost");
	if (is(row, "long_lived_stale"))
		buf_adds(out, ", long-lived stale: a last resort");
}

void format_mobility(struct buf *out, const json_t *v, const json_t *row)
{
	if (!json_is_object(v)) {
		buf_adds(out, "-");
		return;
	}
	add(out, v, "sequence");
	if (is(v, "sticky"))
		buf_adds(out, " sticky");
}

void format_pmsi(struct buf *out, const json_t *v, const json_t *row)
{
	if (number(v, "tunnel_type") == 6) /* RFC 6514 5 */
		buf_adds(out, "ingress replication");
	else
		buf_printf(out, "tunnel type %" JSON_INTEGER_FORMAT, number(v, "tunnel_type"));
	buf_adds(out, " to ");
	add(out, v, text(v, "group") ? "group" : "endpoint");
	buf_adds(out, ", VNI ");
	add(out, v, "vni");
}

void format_esi_label(struct buf *out, const json_t *v, const json_t *row)
{
	buf_adds(out, is(v, "single_active") ? "single-active, label " : "all-active, label ");
	add(out, v, "label");
}

void format_nd_flags(struct buf *out, const json_t *v, const json_t *row)
{
	static const char *const flags[] = { "router", "override", "immutable" };
	size_t before = out->len;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (is(v, flags[i]))
			buf_printf(out, "%s%s", out->len > before ? ", " : "", flags[i]);
	if (out->len == before)
		buf_adds(out, "none");
}

/* ---- VNIs, MACs, rows -------------------------------------------------------------------------------------------- */

void format_vni_head(struct buf *out, const json_t *v, const json_t *row)
{
	buf_adds(out, "VNI ");
	add(out, row, "vni");
	buf_adds(out, ", mode ");
	add(out, row, "mode");
	buf_adds(out, is(row, "ready") ? ", ready" : ", not ready");
}

void format_vni_import(struct buf *out, const json_t *v, const json_t *row)
{
	const json_t *explicit = format_member(row, "import");

	if (is(row, "import_auto"))
		buf_printf(out, "*:%" JSON_INTEGER_FORMAT "%s", number(row, "vni"),
			   json_array_size(explicit) ? ", " : "");
	if (json_array_size(explicit) || !is(row, "import_auto"))
		format_words(out, explicit, row);
}

void format_index(struct buf *out, const json_t *v, const json_t *row)
{
	json_int_t in = number(v, "keys") + number(v, "withdrawn"), places = number(v, "index_places");

	format_bytes(out, json_object_get(v, "index_bytes"), row);
	if (places)
		buf_printf(out, ", %d %% full", (int)(in * 100 / places));
}

/* How many, and what they take together; each for itself is in the JSON. */
void format_neighbors_memory(struct buf *out, const json_t *v, const json_t *row)
{
	json_int_t sum = 0;
	json_t *bytes;

	for (size_t i = 0; i < json_array_size(v); i++)
		sum += number(json_array_get(v, i), "bytes");
	bytes = json_integer(sum);
	buf_printf(out, "%zu, ", json_array_size(v));
	format_bytes(out, bytes, row);
	json_decref(bytes);
}

void format_vni_flooding(struct buf *out, const json_t *v, const json_t *row)
{
	const char *how = text(row, "flood_control"), *group = text(row, "group");

	buf_printf(out, "%s%s%s", how ? how : group ? "multicast" : "", group ? " " : "", group ? group : "");
}

void format_mac_limit(struct buf *out, const json_t *v, const json_t *row)
{
	if (!json_is_object(v)) {
		buf_adds(out, "-");
		return;
	}
	buf_printf(out, "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " (%s", number(v, "learned"),
		   number(v, "limit"), text(v, "state"));
	if (number(v, "over"))
		buf_printf(out, ": %" JSON_INTEGER_FORMAT " not advertised", number(v, "over"));
	buf_adds(out, ")");
}

void format_mac_limits(struct buf *out, const json_t *v, const json_t *row)
{
	if (!json_array_size(v))
		buf_adds(out, "-");
	for (size_t i = 0; i < json_array_size(v); i++) {
		if (i)
			buf_adds(out, ", ");
		add(out, json_array_get(v, i), "port");
		buf_adds(out, " ");
		format_mac_limit(out, json_array_get(v, i), row);
	}
}

void format_vni_resolver(struct buf *out, const json_t *v, const json_t *row)
{
	add(out, v, "kind");
	if (text(v, "source"))
		buf_printf(out, " %s, %s", text(v, "source"), text(v, "state"));
	if (text(v, "error"))
		buf_printf(out, "; %s", text(v, "error"));
}

void format_vni_misses(struct buf *out, const json_t *v, const json_t *row)
{
	static const char *const counters[] = { "in_use", "answered", "unknown", "late", "dropped" };

	buf_printf(out, "%" JSON_INTEGER_FORMAT, number(v, "misses"));
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		buf_printf(out, ", %s %" JSON_INTEGER_FORMAT, i ? counters[i] : "in use", number(v, counters[i]));
}

void format_vni_flood(struct buf *out, const json_t *v, const json_t *row)
{
	if (!json_array_size(v))
		buf_adds(out, "-");
	for (size_t i = 0; i < json_array_size(v); i++) {
		const json_t *to = json_array_get(v, i);

		if (i)
			buf_adds(out, ",");
		add(out, to, "vtep");
		if (number(to, "vni") != number(row, "vni"))
			buf_printf(out, " (VNI %" JSON_INTEGER_FORMAT ")", number(to, "vni"));
	}
}

static void format_device(struct buf *out, const json_t *v, const char *state)
{
	format_any(out, v, NULL);
	if (state && strcmp(state, "made") != 0 && strcmp(state, "adopted") != 0)
		buf_printf(out, " (%s)", state);
}

void format_bridge(struct buf *out, const json_t *v, const json_t *row)
{
	format_device(out, v, text(row, "bridge_state"));
}

void format_vxlan(struct buf *out, const json_t *v, const json_t *row)
{
	format_device(out, v, text(row, "vxlan_state"));
}

/* "duplicate, 5 moves, 500 s left" */
void format_mac_state(struct buf *out, const json_t *v, const json_t *row)
{
	const char *state = text(row, "state");
	const json_t *left = json_object_get(row, "recovery_s");

	format_any(out, v, row);
	if (!state || strcmp(state, "duplicate"))
		return;
	buf_printf(out, ", %lld moves", (long long)json_integer_value(json_object_get(row, "moves")));
	if (json_is_integer(left))
		buf_printf(out, ", %lld s left", (long long)json_integer_value(left));
}

/* "192.0.2.1,192.0.2.2": each flow goes to one of them. */
static void format_vteps(struct buf *out, const json_t *vteps)
{
	for (size_t i = 0; i < json_array_size(vteps); i++)
		buf_printf(out, "%s%s", i ? "," : "", json_string_value(json_array_get(vteps, i)));
}

void format_fdb_where(struct buf *out, const json_t *v, const json_t *row)
{
	const json_t *vteps = json_object_get(row, "vteps");

	if (json_array_size(vteps))
		format_vteps(out, vteps);
	else
		add(out, row, "vtep");
}

/* "192.0.2.1 active, 192.0.2.2 backup" */
void format_segment_pes(struct buf *out, const json_t *v, const json_t *row)
{
	for (size_t i = 0; i < json_array_size(v); i++) {
		const json_t *pe = json_array_get(v, i);

		buf_adds(out, i ? ", " : "");
		add(out, pe, "vtep");
		buf_adds(out, " ");
		add(out, pe, "state");
	}
}

/* Both places of what two claim; of a segment all that are sent to. */
void format_mac_where(struct buf *out, const json_t *v, const json_t *row)
{
	bool both = text(row, "vtep") && text(row, "interface");
	const json_t *vteps = json_object_get(row, "vteps");

	if (text(row, "esi") && !both) {
		if (json_array_size(vteps))
			format_vteps(out, vteps);
		else
			buf_adds(out, "no VTEP of its segment");
		return;
	}

	if (both) {
		add(out, row, "interface");
		buf_adds(out, " and ");
	}
	add(out, row, text(row, "vtep") ? "vtep" : "interface");
}

void format_mac_sequence(struct buf *out, const json_t *v, const json_t *row)
{
	format_any(out, v, row);
	if (is(row, "sticky"))
		buf_adds(out, " sticky");
}

/* Wanted and there in one word; a row of ours that is not there says why. */
void format_fdb_state(struct buf *out, const json_t *v, const json_t *row)
{
	bool desired = is(row, "desired"), observed = is(row, "observed");
	const char *pending = text(row, "pending");

	if (desired && observed)
		buf_adds(out, "ok");
	else if (desired)
		buf_adds(out, "missing");
	else
		buf_adds(out, observed ? "there" : "gone");
	if (pending)
		buf_printf(out, ": %s%s%s", pending, text(row, "help") ? "; " : "",
			   text(row, "help") ? text(row, "help") : "");
}

void format_version(struct buf *out, const json_t *v, const json_t *row)
{
	add(out, row, "name");
	buf_adds(out, " ");
	add(out, row, "version");
}

void format_port_address(struct buf *out, const json_t *v, const json_t *row)
{
	format_any(out, v, row);
	buf_adds(out, "/");
	add(out, row, "prefix_length");
}

void format_finding(struct buf *out, const json_t *v, const json_t *row)
{
	format_any(out, format_member(row, "severity"), row);
	buf_adds(out, ": ");
	format_any(out, format_member(row, "what"), row);
}

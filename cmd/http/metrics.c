/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The metrics are tables: a family has a source, rows of which (one, or many with a label each) its samples are
 * members. All samples of a family stand together, as the format wants it, so rows are held while the page is written:
 * those of neighbors, VNIs and VTEPs, never routes or MACs.
 */
#include "cmd/http/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "cmd/evpnctl/ask.h"
#include "cmd/evpnctl/format.h"

#define LABELS_MAX 2u
#define SAMPLES_MAX 10u

enum type { COUNTER, GAUGE };

struct sample {
	const char *label; /* further label of this one, as it goes out; NULL: none */
	const char *path;  /* member of the row: a number, true, or "Established" count */
	double scale;      /* 0: as it is */
};

struct family {
	const char *name;
	enum type type;
	const char *help;
	struct sample samples[SAMPLES_MAX];
};

/* Which label of a row is which of its members. */
struct label {
	const char *name, *member;
};

/* ---- the families ------------------------------------------------------------------------------------------------ */

#define US 1e-6

static const struct family version_families[] = {
	{ "evpnd_uptime_seconds", GAUGE, "Time since the daemon started.", { { NULL, "uptime_s" } } },
	{ "evpnd_restarting", GAUGE, "1 while the daemon waits for what was there before a restart.",
	  { { NULL, "restarting" } } },
	{ "evpnd_draining", GAUGE, "1 while all routes are marked as of a host that is about to go (RFC 8326).",
	  { { NULL, "draining" } } },
};

static const struct family memory_families[] = {
	{ "evpnd_process_resident_memory_bytes", GAUGE, "Resident memory of the daemon.",
	  { { NULL, "process.resident_bytes" } } },
	{ "evpnd_process_cpu_seconds_total", COUNTER, "Processor time of the daemon.",
	  { { "mode=\"user\"", "process.cpu_user_us", US }, { "mode=\"system\"", "process.cpu_system_us", US } } },
	{ "evpnd_loop_longest_turn_seconds", GAUGE, "The longest turn of the event loop since the start.",
	  { { NULL, "process.longest_turn_us", US } } },
	{ "evpnd_loop_latest_timer_seconds", GAUGE, "How late a timer has been at most.",
	  { { NULL, "process.latest_timer_us", US } } },
	{ "evpnd_rib_routes", GAUGE, "Routes with a path, received and originated.", { { NULL, "rib.keys" } } },
	{ "evpnd_rib_paths", GAUGE, "Paths of all routes.", { { NULL, "rib.paths" } } },
	{ "evpnd_rib_attribute_sets", GAUGE, "Different sets of path attributes.", { { NULL, "rib.attribute_sets" } } },
	{ "evpnd_rib_memory_bytes", GAUGE, "Memory of the routes by part.",
	  { { "part=\"routes\"", "rib.route_bytes" }, { "part=\"attributes\"", "rib.attribute_set_bytes" },
	    { "part=\"index\"", "rib.index_bytes" }, { "part=\"outbound\"", "rib.outbound_bytes" } } },
	{ "evpnd_rib_memory_limit_bytes", GAUGE, "What the routes of all neighbors, and VNIs by them, may take.",
	  { { NULL, "rib.limit_bytes" } } },
	{ "evpnd_rib_memory_limit_used_bytes", GAUGE, "What they take of it.", { { NULL, "rib.limit_used_bytes" } } },
	{ "evpnd_bgp_connections", GAUGE, "BGP connections.", { { NULL, "transport.connections" } } },
	{ "evpnd_bgp_connections_refused_total", COUNTER, "Connections that were closed at once, by reason.",
	  { { "reason=\"stranger\"", "transport.strangers" }, { "reason=\"limit\"", "transport.refused" } } },
	{ "evpnd_bgp_md5_errors_total", COUNTER, "Segments that the kernel has dropped for their TCP-MD5 signature.",
	  { { "reason=\"failure\"", "transport.md5_failure" }, { "reason=\"not-found\"", "transport.md5_not_found" },
	    { "reason=\"unexpected\"", "transport.md5_unexpected" } } },
	{ "evpnd_dataplane_rows", GAUGE,
	  "Rows of the dataplane: that should be there, that are, and that wait to be written.",
	  { { "state=\"desired\"", "dataplane.rows" }, { "state=\"present\"", "dataplane.rows_there" },
	    { "state=\"due\"", "dataplane.dirty" } } },
	{ "evpnd_dataplane_writes_total", COUNTER, "Operations that the dataplane was given.",
	  { { NULL, "dataplane.writes" } } },
	{ "evpnd_dataplane_errors_total", COUNTER, "Operations that it has refused.",
	  { { NULL, "dataplane.errors" } } },
	{ "evpnd_dataplane_repairs_total", COUNTER, "Rows that others had changed and that were put right.",
	  { { NULL, "dataplane.repairs" } } },
	{ "evpnd_dataplane_overruns_total", COUNTER,
	  "Times that notifications of the kernel were lost, and its tables read anew.",
	  { { NULL, "dataplane.overruns" } } },
	{ "evpnd_control_requests_total", COUNTER, "Requests on the control socket.",
	  { { NULL, "control.requests" } } },
	{ "evpnd_control_dropped_total", COUNTER, "Clients of the control socket that were dropped.",
	  { { NULL, "control.dropped" } } },
};

static const struct label neighbor_labels[LABELS_MAX] = { { "neighbor", "address" }, { "asn", "asn" } };

static const struct family neighbor_families[] = {
	{ "evpnd_neighbor_up", GAUGE, "1 when the session is Established.", { { NULL, "state" } } },
	{ "evpnd_neighbor_admin_down", GAUGE, "1 when the session was ended by hand.", { { NULL, "admin_down" } } },
	{ "evpnd_neighbor_state_seconds", GAUGE, "Time since the last change of state.", { { NULL, "state_s" } } },
	{ "evpnd_neighbor_established_total", COUNTER, "How often the session was Established.",
	  { { NULL, "established_count" } } },
	{ "evpnd_neighbor_routes", GAUGE, "Routes of the session: held from it, sent to it, waiting to be sent.",
	  { { "kind=\"received\"", "prefixes_received" }, { "kind=\"sent\"", "prefixes_sent" },
	    { "kind=\"pending\"", "pending" } } },
	{ "evpnd_neighbor_routes_rejected", GAUGE,
	  "Of the received routes those that cannot be used (loops, next hop).",
	  { { NULL, "rejected" } } },
	{ "evpnd_neighbor_routes_stale", GAUGE, "Of the received routes those of a lost session.",
	  { { "kind=\"graceful\"", "stale" }, { "kind=\"long-lived\"", "long_lived_stale" } } },
	{ "evpnd_neighbor_max_prefixes", GAUGE, "How many routes it may send.", { { NULL, "max_prefixes" } } },
	{ "evpnd_neighbor_messages_total", COUNTER, "BGP messages by direction and type.",
	  { { "direction=\"in\",type=\"open\"", "messages.in.open" },
	    { "direction=\"in\",type=\"update\"", "messages.in.update" },
	    { "direction=\"in\",type=\"notification\"", "messages.in.notification" },
	    { "direction=\"in\",type=\"keepalive\"", "messages.in.keepalive" },
	    { "direction=\"in\",type=\"refresh\"", "messages.in.refresh" },
	    { "direction=\"out\",type=\"open\"", "messages.out.open" },
	    { "direction=\"out\",type=\"update\"", "messages.out.update" },
	    { "direction=\"out\",type=\"notification\"", "messages.out.notification" },
	    { "direction=\"out\",type=\"keepalive\"", "messages.out.keepalive" },
	    { "direction=\"out\",type=\"refresh\"", "messages.out.refresh" } } },
	{ "evpnd_neighbor_nlri_total", COUNTER, "Routes announced and withdrawn, by direction.",
	  { { "direction=\"in\"", "nlri_in" }, { "direction=\"out\"", "nlri_out" } } },
	{ "evpnd_neighbor_faults_total", COUNTER, "What was wrong in its UPDATEs (RFC 7606).",
	  { { "outcome=\"treat-as-withdraw\"", "treat_as_withdraw" },
	    { "outcome=\"attribute-discard\"", "attributes_discarded" },
	    { "outcome=\"unknown-nlri\"", "unknown_nlri" } } },
	{ "evpnd_neighbor_connections_refused_total", COUNTER, "Connections over the limit of ten a second.",
	  { { NULL, "connections_refused" } } },
};

static const struct label vni_labels[LABELS_MAX] = { { "vni", "vni" } };

static const struct family vni_families[] = {
	{ "evpnd_vni_ready", GAUGE, "1 when the VNI has all that it needs.", { { NULL, "ready" } } },
	{ "evpnd_vni_macs", GAUGE, "MAC addresses: on our ports, and behind other VTEPs.",
	  { { "where=\"local\"", "local_macs" }, { "where=\"remote\"", "remote_macs" } } },
	{ "evpnd_vni_addresses", GAUGE, "IP addresses of hosts.",
	  { { "where=\"local\"", "local_ips" }, { "where=\"remote\"", "remote_ips" } } },
	{ "evpnd_vni_packets_total", COUNTER, "ARP and ND of hosts: heard, lost, and answered for others.",
	  { { "what=\"heard\"", "packets_heard" }, { "what=\"unheard\"", "packets_unheard" },
	    { "what=\"answered\"", "packets_answered" } } },
	{ "evpnd_vni_macs_not_learned_total", COUNTER, "MAC addresses that were not learned because of a limit.",
	  { { NULL, "macs_not_learned" } } },
	{ "evpnd_vni_misses_total", COUNTER, "Frames that found no row (modes dynamic-*), and what came of them.",
	  { { "result=\"any\"", "resolver.misses" }, { "result=\"answered\"", "resolver.answered" },
	    { "result=\"unknown\"", "resolver.unknown" }, { "result=\"late\"", "resolver.late" },
	    { "result=\"dropped\"", "resolver.dropped" } } },
};

static const struct label vtep_labels[LABELS_MAX] = { { "vtep", "vtep" } };

static const struct family vtep_families[] = {
	{ "evpnd_vtep_vnis", GAUGE, "VNIs that the other VTEP is flooded to.", { { NULL, "vnis" } } },
	{ "evpnd_vtep_macs", GAUGE, "MAC addresses that lead to it.", { { NULL, "macs" } } },
};

/* Of show traffic: a scope has families of its own, so that no sum counts a frame twice. In is from the network. */
#define FRAMES { { "direction=\"in\"", "rx_frames" }, { "direction=\"out\"", "tx_frames" } }
#define OCTETS { { "direction=\"in\"", "rx_octets" }, { "direction=\"out\"", "tx_octets" } }
#define DROPS { { NULL, "drops" } }

static const struct family vni_traffic[] = {
	{ "evpnd_vni_frames_total", COUNTER, "Frames in the tunnels of the VNI.", FRAMES },
	{ "evpnd_vni_bytes_total", COUNTER, "Octets of these frames.", OCTETS },
	{ "evpnd_vni_drops_total", COUNTER, "Frames of the VNI that were dropped.", DROPS },
};

static const struct label port_labels[LABELS_MAX] = { { "port", "name" }, { "vni", "vni" } };
static const struct family port_traffic[] = {
	{ "evpnd_port_frames_total", COUNTER, "Frames at the port.", FRAMES },
	{ "evpnd_port_bytes_total", COUNTER, "Octets of these frames.", OCTETS },
	{ "evpnd_port_drops_total", COUNTER, "Frames that were dropped there.", DROPS },
};

static const struct label name_of_vtep[LABELS_MAX] = { { "vtep", "name" } };
static const struct family vtep_traffic[] = {
	{ "evpnd_vtep_frames_total", COUNTER, "Frames from and to the other VTEP.", FRAMES },
	{ "evpnd_vtep_bytes_total", COUNTER, "Octets of these frames.", OCTETS },
};

static const struct label worker_labels[LABELS_MAX] = { { "worker", "name" } };
static const struct family worker_traffic[] = {
	{ "evpnd_worker_frames_total", COUNTER, "Frames that the forwarding thread has handled.", FRAMES },
	{ "evpnd_worker_bytes_total", COUNTER, "Octets of these frames.", OCTETS },
	{ "evpnd_worker_drops_total", COUNTER, "Frames that it has dropped.", DROPS },
};

static const struct label drop_labels[LABELS_MAX] = { { "reason", "name" } };
static const struct family drop_traffic[] = {
	{ "evpnd_dropped_frames_total", COUNTER, "Frames that the userspace VTEP has dropped.", DROPS },
};

/* ---- the format -------------------------------------------------------------------------------------------------- */

static void put_escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\' || *s == '"')
			buf_printf(out, "\\%c", *s);
		else if (*s == '\n')
			buf_adds(out, "\\n");
		else
			buf_add(out, s, 1);
	}
}

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A member as a label; what is a number or missing, too. */
static void put_label(struct buf *out, const struct label *l, const json_t *row)
{
	const json_t *v = format_member(row, l->member);

	buf_printf(out, "%s=\"", l->name);
	if (json_is_string(v))
		put_escaped(out, json_string_value(v));
	else if (json_is_integer(v))
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	buf_adds(out, "\"");
}

static void put_labels(struct buf *out, const struct label *labels, const char *more, const json_t *row)
{
	char before = '{';

	for (size_t i = 0; labels && i < LABELS_MAX && labels[i].name; i++, before = ',') {
		buf_add(out, &before, 1);
		put_label(out, &labels[i], row);
	}
	if (more)
		buf_printf(out, "%c%s", before, more);
	if (more || before == ',')
		buf_adds(out, "}");
}

static void put_value(struct buf *out, const json_t *v, double scale)
{
	if (scale > 0)
		buf_printf(out, " %.6f\n", (double)json_integer_value(v) * scale);
	else if (json_is_integer(v))
		buf_printf(out, " %" JSON_INTEGER_FORMAT "\n", json_integer_value(v));
	else
		buf_printf(out, " %d\n",
			   json_is_true(v) || (json_is_string(v) && !strcmp(json_string_value(v), "Established")));
}

/* What a row has not is no sample, rather than 0. */
static void put_row(struct buf *out, const struct family *f, const struct label *labels, const json_t *row)
{
	for (size_t i = 0; i < SAMPLES_MAX && f->samples[i].path; i++) {
		const struct sample *s = &f->samples[i];
		const json_t *v = format_member(row, s->path);

		if (!v || json_is_null(v))
			continue;
		buf_adds(out, f->name);
		put_labels(out, labels, s->label, row);
		put_value(out, v, s->scale);
	}
}

/* Rows of that scope only, NULL: all. */
static void put_families(struct buf *out, const struct family *f, size_t n, const struct label *labels,
			 const json_t *rows, const char *scope)
{
	for (; n; n--, f++) {
		size_t head, i, begun = out->len;
		const json_t *row;

		put_head(out, f->name, f->type == COUNTER ? "counter" : "gauge", f->help);
		head = out->len;
		json_array_foreach(rows, i, row) {
			const char *s = scope ? json_string_value(json_object_get(row, "scope")) : NULL;

			if (!scope || (s && strcmp(s, scope) == 0))
				put_row(out, f, labels, row);
		}
		if (out->len == head) /* no sample, no family */
			out->len = begun;
	}
}

#define PUT(out, families, labels, rows, scope) \
	put_families(out, families, sizeof(families) / sizeof((families)[0]), labels, rows, scope)

static void put_object(struct buf *out, const struct family *f, size_t n, json_t *object)
{
	json_t *rows = json_array();

	json_array_append(rows, object);
	put_families(out, f, n, NULL, rows, NULL);
	json_decref(rows);
}

static void put_build(struct buf *out, const json_t *version)
{
	static const struct label labels[LABELS_MAX] = { { "version", "version" }, { "dataplane", "dataplane" } };

	put_head(out, "evpnd_build_info", "gauge", "The daemon that runs.");
	buf_adds(out, "evpnd_build_info");
	put_labels(out, labels, NULL, version);
	buf_adds(out, " 1\n");
}

void metrics_write(const struct metrics_answers *a, struct buf *out)
{
	put_head(out, "evpnd_up", "gauge", "1 when the daemon answers.");
	buf_printf(out, "evpnd_up %d\n", a->version != NULL);
	if (!a->version)
		return;
	put_build(out, a->version);
	json_object_set_new(a->version, "draining",
			    json_boolean(json_is_integer(json_object_get(a->version, "draining_s"))));
	put_object(out, version_families, sizeof(version_families) / sizeof(version_families[0]), a->version);
	put_object(out, memory_families, sizeof(memory_families) / sizeof(memory_families[0]), a->memory);
	PUT(out, neighbor_families, neighbor_labels, a->neighbors, NULL);
	PUT(out, vni_families, vni_labels, a->vnis, NULL);
	PUT(out, vni_traffic, vni_labels, a->traffic, "vni");
	PUT(out, port_traffic, port_labels, a->traffic, "port");
	PUT(out, vtep_families, vtep_labels, a->vteps, NULL);
	PUT(out, vtep_traffic, name_of_vtep, a->traffic, "vtep");
	PUT(out, worker_traffic, worker_labels, a->traffic, "worker");
	PUT(out, drop_traffic, drop_labels, a->traffic, "drop");
}

/* ---- ourselves --------------------------------------------------------------------------------------------------- */

static void put_times(struct buf *out, const char *part, const struct http_times *t)
{
	static const char name[] = "evpnd_http_request_duration_seconds";
	uint64_t n = 0;

	for (unsigned i = 0; i < HTTP_BUCKETS - 1; i++) {
		n += t->bucket[i];
		buf_printf(out, "%s_bucket{path=\"%s\",le=\"%g\"} %" PRIu64 "\n", name, part, http_bucket_s[i], n);
	}
	n += t->bucket[HTTP_BUCKETS - 1];
	buf_printf(out, "%s_bucket{path=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, part, n);
	buf_printf(out, "%s_sum{path=\"%s\"} %.6f\n", name, part, (double)t->total_us * US);
	buf_printf(out, "%s_count{path=\"%s\"} %" PRIu64 "\n", name, part, n);
}

static void put_http(struct buf *out, const struct http *h)
{
	put_head(out, "evpnd_http_request_duration_seconds", "histogram", "Requests to this exporter by path.");
	for (enum http_part p = 0; p < HTTP_PARTS; p++)
		put_times(out, http_part_name(p), &h->times[p]);
	put_head(out, "evpnd_http_misdirected_requests_total", "counter", "Requests by a name that this host has not.");
	buf_printf(out, "evpnd_http_misdirected_requests_total %" PRIu64 "\n", (uint64_t)h->refused);
}

static bool ask_all(const char *socket, struct metrics_answers *a, char error[ASK_ERROR_MAX])
{
	return (a->version = ask_json(socket, ASK_WORDS("show", "version"), error)) &&
	       (a->memory = ask_json(socket, ASK_WORDS("show", "memory"), error)) &&
	       (a->neighbors = ask_json(socket, ASK_WORDS("show", "neighbors"), error)) &&
	       (a->vnis = ask_json(socket, ASK_WORDS("show", "vni"), error)) &&
	       (a->vteps = ask_json(socket, ASK_WORDS("show", "vtep"), error)) &&
	       (a->traffic = ask_json(socket, ASK_WORDS("show", "traffic"), error));
}

static void answers_free(struct metrics_answers *a)
{
	json_decref(a->version);
	json_decref(a->memory);
	json_decref(a->neighbors);
	json_decref(a->vnis);
	json_decref(a->vteps);
	json_decref(a->traffic);
	*a = (struct metrics_answers){ 0 };
}

enum MHD_Result http_metrics(struct http *h, struct MHD_Connection *c)
{
	struct metrics_answers a = { 0 };
	char error[ASK_ERROR_MAX];
	enum MHD_Result r;
	struct buf b;

	buf_init(&b);
	if (!ask_all(h->socket, &a, error))
		answers_free(&a);
	metrics_write(&a, &b);
	put_http(&b, h);
	buf_add(&b, "", 1);
	r = http_reply(c, MHD_HTTP_OK, http_text("text/plain; version=0.0.4; charset=utf-8", buf_data(&b)));
	buf_fini(&b);
	answers_free(&a);
	return r;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Five questions a page, all cheap for the daemon. Rates are differences between pages. What is wrong comes first:
 * sessions that are down, VNIs that are not ready; then the VNIs with most packets. What does not fit is counted.
 */
#include "cmd/evpnctl/top.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/evpnctl/ask.h"
#include "cmd/evpnctl/render.h"
#include "cmd/evpnctl/screen.h"

#define PAGE_MS 1000
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- values ------------------------------------------------------------------------------------------------------ */

static const char *text(const json_t *row, const char *path)
{
	const char *s = json_string_value(format_member(row, path));

	return s ? s : "";
}

static uint64_t number(const json_t *row, const char *path)
{
	return (uint64_t)json_integer_value(format_member(row, path));
}

/* A rate in three digits or so: 0.5, 12, 3.4k; nothing that is not known yet. */
static void put_rate(struct buf *out, double rate)
{
	static const char units[] = " kMGT";
	size_t unit = 0;

	if (rate < 0) {
		buf_adds(out, "-");
		return;
	}
	for (; rate >= 999.5 && unit < 4; unit++)
		rate /= 1000;
	buf_printf(out, rate > 0.05 && rate < 9.95 ? "%.1f" : "%.0f", rate);
	if (unit)
		buf_add(out, &units[unit], 1);
}

static void format_rate(struct buf *out, const json_t *v, const json_t *row)
{
	put_rate(out, json_is_real(v) ? json_real_value(v) : -1);
}

static void format_count(struct buf *out, const json_t *v, const json_t *row)
{
	buf_printf(out, "%zu", json_array_size(v));
}

static void format_vni_state(struct buf *out, const json_t *v, const json_t *row)
{
	buf_adds(out, json_is_true(v) ? "ready" : "not ready");
}

/* Adds the member rate to the row, of the counter that has this value; null when not known yet. who names the owner. */
static void add_rate(struct rates *r, json_t *row, const char *rate, const char *who, uint64_t value)
{
	char name[160];
	double d;

	snprintf(name, sizeof(name), "%s %s", who, rate);
	d = rates_of(r, name, value);
	json_object_set_new(row, rate, d >= 0 ? json_real(d) : json_null());
}

static bool is_up(const json_t *neighbor)
{
	return strcmp(text(neighbor, "state"), "Established") == 0;
}

/* ---- the head ---------------------------------------------------------------------------------------------------- */

static void put_daemon(const struct top_answers *a, struct buf *out)
{
	const json_t *v = a->version;

	buf_printf(out, "evpnd %s", text(v, "version"));
	if (text(v, "vtep")[0])
		buf_printf(out, "  VTEP %s", text(v, "vtep"));
	if (json_is_integer(json_object_get(v, "asn")))
		buf_printf(out, "  AS %" PRIu64, number(v, "asn"));
	buf_printf(out, "  dataplane %s  up ", text(v, "dataplane"));
	format_age(out, json_object_get(v, "uptime_s"), v);
	if (json_is_integer(json_object_get(v, "draining_s")))
		buf_adds(out, "  DRAINING");
	if (json_is_true(json_object_get(v, "restarting")))
		buf_adds(out, "  restarting");
	buf_adds(out, "\n");
}

static void put_named_rate(struct buf *out, const struct top_answers *a, const char *what, const char *rate)
{
	buf_printf(out, "  %s ", what);
	format_rate(out, json_object_get(a->rates, rate), NULL);
	buf_adds(out, "/s");
}

static uint64_t sum(const json_t *rows, const char *path)
{
	const json_t *row;
	uint64_t n = 0;
	size_t i;

	json_array_foreach(rows, i, row)
		n += number(row, path);
	return n;
}

static void put_routes(const struct top_answers *a, struct buf *out)
{
	size_t up = 0, i;
	const json_t *row;

	json_array_foreach(a->neighbors, i, row)
		up += is_up(row);
	buf_printf(out, "sessions %zu of %zu", up, json_array_size(a->neighbors));
	buf_printf(out, "  routes %" PRIu64, number(a->memory, "rib.keys"));
	put_named_rate(out, a, "in", "nlri_in_per_s");
	put_named_rate(out, a, "out", "nlri_out_per_s");
	buf_printf(out, "  sets %" PRIu64, number(a->memory, "rib.attribute_sets"));
	buf_adds(out, "\n");
}

static void put_tables(const struct top_answers *a, struct buf *out)
{
	buf_printf(out, "MACs %" PRIu64 " here, %" PRIu64 " there  addresses %" PRIu64 ", %" PRIu64,
		   sum(a->vnis, "local_macs"), sum(a->vnis, "remote_macs"), sum(a->vnis, "local_ips"),
		   sum(a->vnis, "remote_ips"));
	buf_printf(out, "  rows %" PRIu64 ", %" PRIu64 " due", number(a->memory, "dataplane.rows"),
		   number(a->memory, "dataplane.dirty"));
	put_named_rate(out, a, "writes", "writes_per_s");
	buf_printf(out, "  errors %" PRIu64 "\n", number(a->memory, "dataplane.errors"));
}

static void put_process(const struct top_answers *a, struct buf *out)
{
	const json_t *busy = json_object_get(a->rates, "cpu_us_per_s");

	buf_adds(out, "memory ");
	format_bytes(out, format_member(a->memory, "process.resident_bytes"), NULL);
	if (json_is_real(busy))
		buf_printf(out, "  processor %.1f %%", json_real_value(busy) / 10000);
	buf_printf(out, "  longest turn %.1f ms  clients %" PRIu64 "\n",
		   (double)number(a->memory, "process.longest_turn_us") / 1000, number(a->memory, "control.clients"));
}

#define HEAD_LINES 4u
#define TABLES_MIN 8u /* lines that are worth it */

static void put_head(const struct top_answers *a, FILE *out)
{
	struct buf b;

	buf_init(&b);
	put_daemon(a, &b);
	put_routes(a, &b);
	put_tables(a, &b);
	put_process(a, &b);
	fwrite(buf_data(&b), 1, b.len, out);
	buf_fini(&b);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

#define R VIEW_RIGHT

static const struct view_column neighbor_columns[] = {
	{ "NEIGHBOR", "address", format_any },
	{ "AS", "asn", format_any, R },
	{ "STATE", "state", format_neighbor_state },
	{ "SINCE", "state_s", format_age, R, 2 },
	{ "RECEIVED", "prefixes_received", format_any, R },
	{ "SENT", "prefixes_sent", format_any, R },
	{ "PENDING", "pending", format_any, R, 3 },
	{ "IN/s", "nlri_in_per_s", format_rate, R },
	{ "OUT/s", "nlri_out_per_s", format_rate, R },
	{ "DESCRIPTION", "description", format_any, VIEW_FLEX, 1 },
	{ "PROBLEM", "problem", format_any, VIEW_FLEX },
};

static const struct view_column vni_columns[] = {
	{ "VNI", "vni", format_any, R },
	{ "MODE", "mode", format_any, 0, 4 },
	{ "STATE", "ready", format_vni_state },
	{ "LOCAL", "local_macs", format_any, R },
	{ "REMOTE", "remote_macs", format_any, R },
	{ "FLOOD", "flood", format_count, R, 3 },
	{ "IN/s", "frames_in_per_s", format_rate, R },
	{ "bit/s", "bits_in_per_s", format_rate, R, 2 },
	{ "OUT/s", "frames_out_per_s", format_rate, R },
	{ "bit/s", "bits_out_per_s", format_rate, R, 2 },
	{ "DROPS/s", "drops_per_s", format_rate, R },
	{ "MISSES/s", "misses_per_s", format_rate, R, 5 },
	{ "PROBLEM", "problem", format_any, VIEW_FLEX, 1 },
};

static const struct view neighbor_view = { neighbor_columns, NULL, COUNT(neighbor_columns), 0, NULL, "no neighbors" };
static const struct view vni_view = { vni_columns, NULL, COUNT(vni_columns), 0, NULL, "no VNIs" };

static void rate_daemon(struct top_answers *a, struct rates *r)
{
	a->rates = json_object();
	add_rate(r, a->rates, "nlri_in_per_s", "", sum(a->neighbors, "nlri_in"));
	add_rate(r, a->rates, "nlri_out_per_s", "", sum(a->neighbors, "nlri_out"));
	add_rate(r, a->rates, "writes_per_s", "", number(a->memory, "dataplane.writes"));
	add_rate(r, a->rates, "cpu_us_per_s", "",
		 number(a->memory, "process.cpu_user_us") + number(a->memory, "process.cpu_system_us"));
}

static void rate_neighbors(const struct top_answers *a, struct rates *r)
{
	json_t *row;
	size_t i;

	json_array_foreach(a->neighbors, i, row) {
		add_rate(r, row, "nlri_in_per_s", text(row, "address"), number(row, "nlri_in"));
		add_rate(r, row, "nlri_out_per_s", text(row, "address"), number(row, "nlri_out"));
	}
}

/* The rows of show traffic that are of a VNI, by its number. */
static json_t *traffic_of_vnis(const json_t *traffic)
{
	json_t *out = json_object(), *row;
	char vni[16];
	size_t i;

	json_array_foreach(traffic, i, row) {
		if (strcmp(text(row, "scope"), "vni"))
			continue;
		snprintf(vni, sizeof(vni), "%" PRIu64, number(row, "vni"));
		json_object_set(out, vni, row);
	}
	return out;
}

/* In is from the tunnels. Null where the dataplane has no counters, and of misses where nobody is asked. */
static void rate_vni(json_t *row, const json_t *traffic, const char *vni, struct rates *r)
{
	static const struct {
		const char *rate, *counter;
		unsigned times;
	} of[] = { { "frames_in_per_s", "rx_frames", 1 },   { "bits_in_per_s", "rx_octets", 8 },
		   { "frames_out_per_s", "tx_frames", 1 },  { "bits_out_per_s", "tx_octets", 8 },
		   { "drops_per_s", "drops", 1 } };
	const json_t *t = json_object_get(traffic, vni);

	for (size_t i = 0; i < COUNT(of); i++) {
		if (t)
			add_rate(r, row, of[i].rate, vni, of[i].times * number(t, of[i].counter));
		else
			json_object_set_new(row, of[i].rate, json_null());
	}
	if (json_is_object(json_object_get(row, "resolver")))
		add_rate(r, row, "misses_per_s", vni, number(row, "resolver.misses"));
	else
		json_object_set_new(row, "misses_per_s", json_null());
}

static void rate_vnis(const struct top_answers *a, struct rates *r)
{
	json_t *traffic = traffic_of_vnis(a->traffic), *row;
	char vni[16];
	size_t i;

	json_array_foreach(a->vnis, i, row) {
		snprintf(vni, sizeof(vni), "%" PRIu64, number(row, "vni"));
		rate_vni(row, traffic, vni, r);
	}
	json_decref(traffic);
}

static void rate_all(struct top_answers *a, struct rates *r)
{
	rate_daemon(a, r);
	rate_neighbors(a, r);
	rate_vnis(a, r);
}

struct top_row {
	const json_t *row;
	size_t at; /* as it came */
};

/* Down first; then as they are configured. */
static int by_state(const void *pa, const void *pb)
{
	const struct top_row *a = pa, *b = pb;
	int d = is_up(a->row) - is_up(b->row);

	return d ? d : (a->at > b->at) - (a->at < b->at);
}

static double packets(const json_t *vni)
{
	return json_number_value(json_object_get(vni, "frames_in_per_s")) +
	       json_number_value(json_object_get(vni, "frames_out_per_s"));
}

static int by_traffic(const void *pa, const void *pb)
{
	const json_t *a = ((const struct top_row *)pa)->row, *b = ((const struct top_row *)pb)->row;
	int d = json_is_true(json_object_get(a, "ready")) - json_is_true(json_object_get(b, "ready"));

	if (!d)
		d = (packets(a) < packets(b)) - (packets(a) > packets(b));
	return d ? d : (number(a, "vni") > number(b, "vni")) - (number(a, "vni") < number(b, "vni"));
}

/* With its heading, and a line that counts what is left out: lines lines at most, 0: any. */
static void put_table(const struct view *view, const json_t *rows, int (*cmp)(const void *, const void *), size_t width,
		      size_t lines, const char *what, FILE *out)
{
	size_t n = json_array_size(rows), shown = lines && n + 1 > lines ? (lines > 2 ? lines - 2 : 0) : n;
	struct top_row *sorted = xcalloc(n + 1, sizeof(*sorted));
	struct table *t = table_new(view, width, out);

	for (size_t i = 0; i < n; i++)
		sorted[i] = (struct top_row){ json_array_get(rows, i), i };
	qsort(sorted, n, sizeof(*sorted), cmp);
	for (size_t i = 0; i < shown; i++)
		table_add(t, sorted[i].row);
	table_finish(t);
	if (shown < n)
		fprintf(out, "and %zu %s\n", n - shown, what);
	free(sorted);
}

/* Of left lines for n and m, each has half, or what the other leaves. */
static size_t share(size_t left, size_t n, size_t m)
{
	size_t half = left / 2;

	if (n <= half)
		return n;
	return m < left - half ? left - m : half;
}

void top_page(struct top_answers *a, struct rates *r, size_t width, size_t height, FILE *out)
{
	size_t n = json_array_size(a->neighbors) + 1, m = json_array_size(a->vnis) + 1, first = 0, second = 0;

	rate_all(a, r);
	put_head(a, out);
	if (height && height < HEAD_LINES + TABLES_MIN)
		return;
	if (height) {
		first = share(height - HEAD_LINES - 2, n, m);
		second = height - HEAD_LINES - 2 - first;
	}
	fputc('\n', out);
	put_table(&neighbor_view, a->neighbors, by_state, width, first, "more neighbors", out);
	fputc('\n', out);
	put_table(&vni_view, a->vnis, by_traffic, width, second, "more VNIs", out);
}

void top_object(struct top_answers *a, struct rates *r, FILE *out)
{
	json_t *page;

	rate_all(a, r);
	page = json_pack("{s:O, s:O, s:O, s:O, s:O}", "version", a->version, "rates", a->rates, "memory", a->memory,
			 "neighbors", a->neighbors, "vnis", a->vnis);
	json_dumpf(page, out, JSON_COMPACT | JSON_REAL_PRECISION(6));
	fputc('\n', out);
	json_decref(page);
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static void answers_free(struct top_answers *a)
{
	json_decref(a->version);
	json_decref(a->memory);
	json_decref(a->neighbors);
	json_decref(a->vnis);
	json_decref(a->traffic);
	json_decref(a->rates);
	*a = (struct top_answers){ 0 };
}

static bool ask_all(const char *socket, struct top_answers *a, char error[ASK_ERROR_MAX])
{
	return (a->version = ask_json(socket, ASK_WORDS("show", "version"), error)) &&
	       (a->memory = ask_json(socket, ASK_WORDS("show", "memory"), error)) &&
	       (a->neighbors = ask_json(socket, ASK_WORDS("show", "neighbors"), error)) &&
	       (a->vnis = ask_json(socket, ASK_WORDS("show", "vni"), error)) &&
	       (a->traffic = ask_json(socket, ASK_WORDS("show", "traffic"), error));
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool show_page(struct screen *s, const char *socket, struct rates *r, char error[ASK_ERROR_MAX])
{
	struct top_answers a = { 0 };
	bool ok = ask_all(socket, &a, error);
	char *page;
	size_t len;
	FILE *out = open_memstream(&page, &len);

	if (!out)
		BUG("no memory for a page");
	if (ok) {
		rates_begin(r, now_s());
		top_page(&a, r, s->width, s->height, out);
	} else {
		fprintf(out, "%s\n", error);
	}
	fclose(out);
	if (ok || s->pages)
		screen_show(s, page);
	free(page);
	answers_free(&a);
	return ok;
}

/*
 * Pages are a second apart, however long one takes; one that is asked for begins a new second.
 * Without the first one there is nothing to look at.
 */
static bool show_pages(struct screen *s, const char *socket, struct rates *r, uint32_t count, char error[ASK_ERROR_MAX])
{
	double next = now_s();
	uint32_t n = 0;

	for (;;) {
		enum screen_event event;
		double left;

		if (!show_page(s, socket, r, error) && !n)
			return false;
		if (++n == count || ferror(stdout))
			return true;
		next += PAGE_MS / 1000.0;
		left = next - now_s();
		if (left < 0)
			next -= left;
		event = screen_wait(s, left > 0 ? (int64_t)(left * 1000) : 0);
		if (event == SCREEN_END)
			return true;
		if (event == SCREEN_REDRAW)
			next = now_s();
	}
}

/* An object a page. A page nobody sees comes before the first, so that all rates are known. */
static bool print_objects(const char *socket, struct rates *r, uint32_t count, char error[ASK_ERROR_MAX])
{
	double next = now_s();

	for (uint32_t n = 0; n <= (count ? count : 1) && !ferror(stdout); n++) {
		struct top_answers a = { 0 };
		double left = next - now_s();
		bool ok;

		if (left > 0)
			usleep((useconds_t)(left * 1e6));
		next += PAGE_MS / 1000.0;
		ok = ask_all(socket, &a, error);
		rates_begin(r, now_s());
		if (ok && !n)
			rate_all(&a, r);
		else if (ok)
			top_object(&a, r, stdout);
		fflush(stdout);
		answers_free(&a);
		if (!ok)
			return false;
	}
	return true;
}

static bool show_screen(const char *socket, struct rates *r, uint32_t count, char error[ASK_ERROR_MAX])
{
	struct screen s;
	bool ok;

	screen_open(&s);
	ok = show_pages(&s, socket, r, count, error);
	screen_close(&s);
	return ok;
}

int top_run(const char *socket, const struct verb_args *args, bool json)
{
	char error[ASK_ERROR_MAX];
	struct rates *r = rates_new();
	bool ok = (json ? print_objects : show_screen)(socket, r, args->v[ARG_COUNT].n, error);

	rates_free(r);
	if (!ok)
		fprintf(stderr, "evpnctl: %s\n", error);
	return ok ? 0 : 1;
}

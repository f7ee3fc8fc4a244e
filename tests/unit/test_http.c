/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* evpnd over HTTP: who is answered, what addresses mean, the text of metrics and of health. */
#include <string.h>

#include "cmd/http/api.h"
#include "cmd/http/health.h"
#include "cmd/http/listen.h"
#include "cmd/http/metrics.h"
#include "tests/lib/test.h"

static void hosts_are_addresses_and_names_that_were_given(void **state)
{
	static const char *const good[] = { "127.0.0.1",    "127.0.0.1:9179",   "[::1]",
					    "[::1]:9179",   "[2001:db8::1]:1",  "localhost",
					    "LocalHost:80", "192.0.2.1",        "vtep1",
					    "VTEP1:9179",   "vtep1.example.net" };
	static const char *const bad[] = { "",
					   "evil.example",
					   "127.0.0.1.evil.example",
					   "localhost.evil.example:9179",
					   "vtep",
					   "vtep1.evil.example",
					   "[::1",
					   "[::1]x",
					   "[::1]:9x",
					   "127.0.0.1:80:90",
					   "::1",
					   ":9179",
					   "[]:9179",
					   "example.net",
					   "," };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!http_host_ok(good[i], "vtep1,vtep1.example.net"))
			fail_msg("%s is refused", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (http_host_ok(bad[i], "vtep1,vtep1.example.net"))
			fail_msg("%s is taken", bad[i]);
	assert_false(http_host_ok(NULL, NULL));
	assert_false(http_host_ok("vtep1", NULL));
}

static void accept_is_weighed(void **state) /* RFC 9110 12.5.1 */
{
	assert_true(http_accepts(NULL, "text/plain"));
	assert_true(http_accepts("", "text/plain"));
	assert_true(http_accepts("*/*", "text/plain"));
	assert_true(http_accepts("text/*", "text/plain"));
	assert_true(http_accepts("Text/Plain;version=0.0.4", "text/plain"));
	assert_true(http_accepts(
		"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
		"text/plain"));
	assert_true(http_accepts("text/html, */*;q=0.01", "application/json"));
	assert_false(http_accepts("text/html", "text/plain"));
	assert_false(http_accepts("text/html,application/*", "text/plain"));
	assert_false(http_accepts("text/plain;q=0", "text/plain"));
	assert_false(http_accepts("*/*, text/plain; q=0.000", "text/plain"));
	assert_true(http_accepts("*/*;q=0, text/plain", "text/plain"));
	assert_true(http_accepts("text/plain, */*;q=0", "text/plain"));
	assert_false(http_accepts("text/plainer", "text/plain"));
}

static void listen_takes_addresses_with_a_port(void **state)
{
	static const char *const bad[] = { "",
					   "127.0.0.1",
					   "127.0.0.1:",
					   ":9179",
					   "::1:9179",
					   "[::1]",
					   "[::1]:65536",
					   "[127.0.0.1]:1",
					   "localhost:9179",
					   "127.0.0.1:x",
					   "127.0.0.1:-1",
					   "[::1:9179" };
	struct ip ip;
	uint16_t port;

	assert_true(http_listen_parse("127.0.0.1:9179", &ip, &port));
	assert_string_equal(ip_str(&ip).s, "127.0.0.1");
	assert_int_equal(port, 9179);
	assert_true(http_listen_parse("[2001:db8::1]:0", &ip, &port));
	assert_string_equal(ip_str(&ip).s, "2001:db8::1");
	assert_int_equal(port, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (http_listen_parse(bad[i], &ip, &port))
			fail_msg("'%s' is taken", bad[i]);
}

/* ---- the API ----------------------------------------------------------------------------------------------------- */

static void assert_words(const struct http_words *w, const char *want)
{
	char got[512] = "";

	for (size_t i = 0; i < w->n; i++) {
		strcat(got, i ? " " : "");
		strcat(got, w->v[i]);
	}
	assert_string_equal(got, want);
}

static void addresses_are_verbs_that_show(void **state)
{
	static const char *const none[] = { "",         "nothing",          "neighbor",      "show",   "macs",
					    "mac/x",    "neighbors/--json", "neighbors/a/b", "vni/-1", "../etc/passwd",
					    "config/x", "reload",           "mac clear",     "drain" };
	struct http_words w;
	char error[128];

	assert_true(http_words_begin(&w, "mac"));
	assert_words(&w, "show mac");
	assert_true(http_words_add(&w, "vni", "100", error));
	assert_true(http_words_add(&w, "mac", "--x", error));
	assert_words(&w, "show mac --vni=100 --mac=--x");
	assert_false(http_words_add(&w, "best", NULL, error));
	assert_string_equal(error, "show mac has no parameter 'best'");
	assert_true(http_words_begin(&w, "rib"));
	assert_true(http_words_add(&w, "best", "1", error));
	assert_words(&w, "show rib --best");
	assert_true(http_words_begin(&w, "neighbors/192.0.2.1"));
	assert_words(&w, "show neighbors 192.0.2.1");
	assert_true(http_words_begin(&w, "config"));
	assert_false(http_words_add(&w, "yaml", NULL, error)); /* rows of text are no JSON of a configuration */
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (http_words_begin(&w, none[i]))
			fail_msg("'%s' is shown", none[i]);
}

static void words_are_bounded(void **state)
{
	struct http_words w;
	char error[128], value[4096];
	unsigned n = 0;

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	assert_false(http_words_begin(&w, value));
	assert_true(http_words_begin(&w, "mac"));
	assert_false(http_words_add(&w, "vni", value, error));
	assert_string_equal(error, "the parameters are too long");
	while (http_words_add(&w, "vni", "1", error))
		n++;
	assert_int_equal(n, HTTP_WORDS_MAX - 2);
	memcpy(value, "neighbors/", 10);
	assert_false(http_words_begin(&w, value));
}

/* ---- health ------------------------------------------------------------------------------------------------------ */

static json_t *parse(const char *text)
{
	char *s = strdup(text);
	json_t *v;

	for (char *p = s; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	v = json_loads(s, 0, NULL);
	if (!v)
		fail_msg("no JSON: %s", s);
	free(s);
	return v;
}

static void assert_health(const char *version, const char *neighbors, const char *vnis, bool ok, const char *want)
{
	json_t *v[] = { parse(version), parse(neighbors), parse(vnis) };
	struct buf b;

	buf_init(&b);
	assert_int_equal(health_judge(v[0], v[1], v[2], &b), ok);
	buf_add(&b, "", 1);
	assert_string_equal(buf_data(&b), want);
	buf_fini(&b);
	for (size_t i = 0; i < 3; i++)
		json_decref(v[i]);
}

#define UP "{'state':'Established','admin_down':false}"
#define DOWN "{'state':'Active','admin_down':false}"
#define BY_HAND "{'state':'Idle','admin_down':true}"
#define READY "{'vni':1,'ready':true}"

static void health_is_a_session_and_all_vnis(void **state)
{
	assert_health("{'draining_s':null}", "[" UP "," DOWN "]", "[" READY "]", true, "ok\n");
	assert_health("{'draining_s':7}", "[]", "[]", true, "ok, draining\n");
	assert_health("{}", "[" BY_HAND "]", "[]", true, "ok\n");
	assert_health("{}", "[" DOWN "," DOWN "," BY_HAND "]", "[" READY "]", false, "none of 2 sessions is up\n");
	assert_health("{}", "[" UP "]",
		      "[" READY
		      ",{'vni':7,'ready':false,'problem':'no port x'},{'vni':8,'ready':false,'problem':null}]",
		      false, "VNI 7 is not ready: no port x\nVNI 8 is not ready\n");
}

/* ---- metrics ----------------------------------------------------------------------------------------------------- */

static void write_metrics(const char *version, const char *neighbors, const char *traffic, struct buf *out)
{
	struct metrics_answers a = { .version = version ? parse(version) : NULL,
				     .memory = parse("{'process':{'cpu_user_us':1500000}}"),
				     .neighbors = parse(neighbors),
				     .vnis = parse("[{'vni':100,'ready':true,'resolver':null}]"),
				     .vteps = parse("[]"),
				     .traffic = parse(traffic) };

	buf_init(out);
	metrics_write(&a, out);
	buf_add(out, "", 1);
	json_decref(a.version);
	json_decref(a.memory);
	json_decref(a.neighbors);
	json_decref(a.vnis);
	json_decref(a.vteps);
	json_decref(a.traffic);
}

static void assert_has(const struct buf *b, const char *part)
{
	if (!strstr(buf_data(b), part))
		fail_msg("no '%s' in\n%s", part, buf_data(b));
}

static void metrics_of_a_daemon_that_is_gone_say_so(void **state)
{
	struct buf b;

	write_metrics(NULL, "[]", "[]", &b);
	assert_string_equal(buf_data(&b),
			    "# HELP evpnd_up 1 when the daemon answers.\n# TYPE evpnd_up gauge\nevpnd_up 0\n");
	buf_fini(&b);
}

/* All samples of a family behind its one head; seconds; what is null, or has no rows, is left out. */
static void metrics_are_families(void **state)
{
	struct buf b;

	write_metrics(
		"{'version':'0.1','dataplane':'a\\\\b\\\"c\\nd','uptime_s':5,'restarting':false,'draining_s':9}",
		"[{'address':'192.0.2.2','asn':65000,'state':'Established','prefixes_received':7,'max_prefixes':null},"
		"{'address':'2001:db8::2','asn':65001,'state':'Idle','prefixes_received':0,'max_prefixes':10}]",
		"[{'scope':'vni','name':'vxlan100','vni':100,'rx_frames':3,'tx_frames':4},"
		"{'scope':'drop','name':'ecn','vni':null,'drops':2}]",
		&b);
	assert_has(&b, "evpnd_build_info{version=\"0.1\",dataplane=\"a\\\\b\\\"c\\nd\"} 1\n");
	assert_has(&b, "\nevpnd_draining 1\n");
	assert_has(&b, "\nevpnd_process_cpu_seconds_total{mode=\"user\"} 1.500000\n");
	assert_has(&b, "# TYPE evpnd_neighbor_up gauge\nevpnd_neighbor_up{neighbor=\"192.0.2.2\",asn=\"65000\"} 1\n"
		       "evpnd_neighbor_up{neighbor=\"2001:db8::2\",asn=\"65001\"} 0\n");
	assert_has(
		&b,
		"# TYPE evpnd_neighbor_routes gauge\n"
		"evpnd_neighbor_routes{neighbor=\"192.0.2.2\",asn=\"65000\",kind=\"received\"} 7\n");
	assert_has(
		&b,
		"# TYPE evpnd_neighbor_max_prefixes gauge\n"
		"evpnd_neighbor_max_prefixes{neighbor=\"2001:db8::2\",asn=\"65001\"} 10\n#");
	assert_has(&b, "# TYPE evpnd_vni_frames_total counter\nevpnd_vni_frames_total{vni=\"100\",direction=\"in\"} 3\n"
		       "evpnd_vni_frames_total{vni=\"100\",direction=\"out\"} 4\n");
	assert_has(&b, "\nevpnd_dropped_frames_total{reason=\"ecn\"} 2\n");
	assert_null(strstr(buf_data(&b), "evpnd_port_frames_total"));
	assert_null(strstr(buf_data(&b), "misses"));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_addresses_and_names_that_were_given),
		cmocka_unit_test(accept_is_weighed),
		cmocka_unit_test(listen_takes_addresses_with_a_port),
		cmocka_unit_test(addresses_are_verbs_that_show),
		cmocka_unit_test(words_are_bounded),
		cmocka_unit_test(health_is_a_session_and_all_vnis),
		cmocka_unit_test(metrics_of_a_daemon_that_is_gone_say_so),
		cmocka_unit_test(metrics_are_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

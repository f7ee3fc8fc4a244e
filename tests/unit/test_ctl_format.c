/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What evpnctl shows: formatters, tables that fit, blocks. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/evpnctl/pick.h"
#include "cmd/evpnctl/render.h"
#include "tests/lib/test.h"

static void assert_format(format_fn format, const char *json, const char *path, const char *expected)
{
	json_t *row = json_loads(json, JSON_DECODE_ANY, NULL);
	struct buf out;

	assert_non_null(row);
	buf_init(&out);
	format(&out, path ? format_member(row, path) : NULL, row);
	buf_add(&out, "", 1);
	assert_string_equal(buf_data(&out), expected);
	buf_fini(&out);
	json_decref(row);
}

static void format_ages(void **state)
{
	assert_format(format_age, "{\"a\":0}", "a", "00:00:00");
	assert_format(format_age, "{\"a\":67}", "a", "00:01:07");
	assert_format(format_age, "{\"a\":86399}", "a", "23:59:59");
	assert_format(format_age, "{\"a\":86400}", "a", "1d00h");
	assert_format(format_age, "{\"a\":93900}", "a", "1d02h");
	assert_format(format_age, "{\"a\":31536000}", "a", "365d00h");
	assert_format(format_age, "{\"a\":null}", "a", "-");
	assert_format(format_age, "{}", "a", "-");
}

static void format_values(void **state)
{
	assert_format(format_any, "{\"a\":{\"b\":7}}", "a.b", "7");
	assert_format(format_any, "{\"a\":7}", "a.b", "-");
	assert_format(format_any, "{\"a\":true}", "a", "yes");
	assert_format(format_any, "{\"a\":\"\"}", "a", "-");
	assert_format(format_any, "{\"a\":[]}", "a", "-");
	assert_format(format_any, "{\"a\":[\"x\",1]}", "a", "x,1");
	assert_format(format_words, "{\"a\":[\"x\",\"y\"]}", "a", "x, y");
	assert_format(format_bytes, "{\"a\":1023}", "a", "1023 B");
	assert_format(format_bytes, "{\"a\":6396313}", "a", "6.1 MiB");
}

static void format_routes(void **state)
{
	assert_format(format_route_flags, "{\"best\":true,\"rejected\":null}", NULL, "*>");
	assert_format(format_route_flags, "{\"best\":false,\"rejected\":null}", NULL, "*");
	assert_format(format_route_flags, "{\"best\":false,\"rejected\":\"as-loop\"}", NULL, "x");
	assert_format(format_route_type, "{\"type\":3}", "type", "3 imet");
	assert_format(format_route_type, "{\"type\":99}", "type", "99 ");
	assert_format(format_route_head,
		      "{\"type\":2,\"mac\":\"02:00:00:00:00:01\",\"ip\":\"10.0.0.1\",\"neighbor\":\"192.0.2.2\","
		      "\"best\":true}",
		      NULL, "route type 2 mac-ip 02:00:00:00:00:01 10.0.0.1, from 192.0.2.2, best");
	assert_format(format_mobility, "{\"m\":{\"sequence\":3,\"sticky\":true}}", "m", "3 sticky");
	assert_format(format_mobility, "{\"m\":null}", "m", "-");
}

static void format_sessions(void **state)
{
	assert_format(format_neighbor_session, "{\"state\":\"Idle\",\"state_s\":5,\"state_reason\":\"stopped\"}", NULL,
		      "Idle for 00:00:05 (stopped)");
	assert_format(format_neighbor_session,
		      "{\"state\":\"Established\",\"state_s\":5,\"state_reason\":\"KEEPALIVE received\"}", NULL,
		      "Established for 00:00:05");
	assert_format(format_neighbor_session, "{\"state\":\"Idle\",\"state_s\":5,\"state_reason\":null}", NULL,
		      "Idle for 00:00:05");
}

static void format_states(void **state)
{
	assert_format(format_neighbor_state, "{\"state\":\"Idle\",\"admin_down\":true,\"drain\":null}", "state",
		      "Idle (down by hand)");
	assert_format(format_neighbor_state, "{\"state\":\"Established\",\"admin_down\":false,\"drain\":\"sent\"}",
		      "state", "Established (drain: sent)");
}

static void format_tables(void **state)
{
	assert_format(format_vni_import, "{\"vni\":100,\"import_auto\":true,\"import\":[]}", NULL, "*:100");
	assert_format(format_vni_import, "{\"vni\":100,\"import_auto\":true,\"import\":[\"1:2\"]}", NULL, "*:100, 1:2");
	assert_format(format_vni_import, "{\"vni\":100,\"import_auto\":false,\"import\":[]}", NULL, "-");
	assert_format(format_vni_flood,
		      "{\"vni\":1,\"flood\":[{\"vtep\":\"192.0.2.1\",\"vni\":1},{\"vtep\":\"192.0.2.2\",\"vni\":9}]}",
		      "flood", "192.0.2.1,192.0.2.2 (VNI 9)");
	assert_format(format_fdb_state, "{\"desired\":true,\"observed\":true,\"pending\":null}", NULL, "ok");
	assert_format(format_fdb_state, "{\"desired\":true,\"observed\":false,\"pending\":\"device is down\"}", NULL,
		      "missing: device is down");
	assert_format(format_fdb_state, "{\"desired\":false,\"observed\":true}", NULL, "there");
	assert_format(format_mac_where, "{\"vtep\":null,\"interface\":\"veth1\"}", NULL, "veth1");
	assert_format(format_mac_where, "{\"vtep\":\"192.0.2.1\",\"interface\":null}", NULL, "192.0.2.1");
	assert_format(
		format_mac_where,
		"{\"esi\":\"00:01\",\"vtep\":\"192.0.2.1\",\"vteps\":[\"192.0.2.2\",\"192.0.2.3\"],\"interface\":null}",
		NULL, "192.0.2.2,192.0.2.3");
	assert_format(format_mac_where, "{\"esi\":\"00:01\",\"vtep\":\"192.0.2.1\",\"vteps\":[],\"interface\":null}",
		      NULL, "no VTEP of its segment");
	assert_format(format_fdb_where, "{\"vtep\":null,\"vteps\":[\"192.0.2.2\",\"192.0.2.3\"]}", NULL,
		      "192.0.2.2,192.0.2.3");
	assert_format(
		format_segment_pes,
		"{\"pes\":[{\"vtep\":\"192.0.2.2\",\"state\":\"active\"},"
		"{\"vtep\":\"192.0.2.3\",\"state\":\"backup\"}]}",
		"pes", "192.0.2.2 active, 192.0.2.3 backup");
}

/* ---- tables and blocks ------------------------------------------------------------------------------------------- */

static const struct view *view_for(const char *a, const char *b, const char *c)
{
	const char *words[] = { a, b, c };
	char error[VERB_ERROR_MAX];
	struct verb_args args;

	assert_int_equal(verb_parse(words, c ? 3 : 2, &args, error), 0);
	return view_of(&args);
}

static char *render_macs(size_t rows, size_t width)
{
	const struct view *view = view_for("show", "mac", NULL);
	char *text, json[256];
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct table *t = table_new(view, width, out);

	for (size_t i = 0; i < rows; i++) {
		json_t *row;

		snprintf(json, sizeof(json),
			 "{\"vni\":100,\"mac\":\"02:00:00:00:%02zx:%02zx\",\"state\":\"remote\",\"vtep\":\"192.0.2.2\","
			 "\"sequence\":0,\"sticky\":false,\"ips\":[\"10.0.0.1\",\"2001:db8::1\"],\"age_s\":67,"
			 "\"reason\":\"learned from a route\"}",
			 i >> 8 & 0xff, i & 0xff);
		row = json_loads(json, 0, NULL);
		table_add(t, row);
		json_decref(row);
	}
	table_finish(t);
	fclose(out);
	return text;
}

static size_t longest_line(const char *s)
{
	size_t longest = 0;

	while (*s) {
		size_t n = strcspn(s, "\n");

		longest = n > longest ? n : longest;
		s += n + (s[n] == '\n');
	}
	return longest;
}

static size_t count_lines(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

static void table_without_a_terminal_shows_all(void **state)
{
	char *text = render_macs(1, 0);

	assert_string_equal(
		text,
		"VNI MAC               STATE  BEHIND    SEQ ADDRESSES                 AGE REASON\n"
		"100 02:00:00:00:00:00 remote 192.0.2.2   0 10.0.0.1,2001:db8::1 00:01:07 learned from a route\n");
	free(text);
}

static void table_fits_the_terminal(void **state)
{
	for (size_t width = 40; width < 140; width++) {
		char *text = render_macs(3, width);

		if (longest_line(text) > width || count_lines(text) != 4)
			fail_msg("width %zu:\n%s", width, text);
		assert_non_null(strstr(text, "02:00:00:00:00:02 remote 192.0.2.2"));
		free(text);
	}
}

static void table_keeps_what_names_a_row(void **state)
{
	char *text = render_macs(1, 20);

	assert_non_null(strstr(text, "100 02:00:00:00:00:00 remote 192.0.2.2"));
	free(text);
}

static void table_of_many_slices_has_one_heading(void **state)
{
	char *text = render_macs(2500, 80);

	assert_int_equal(count_lines(text), 2501);
	assert_null(strstr(text + 1, "VNI"));
	assert_int_equal(longest_line(text), 80);
	free(text);
}

static void table_without_rows_says_so(void **state)
{
	char *text = render_macs(0, 80);

	assert_string_equal(text, "no MAC addresses\n");
	free(text);
}

/* Of "show rib --detail". */
static void assert_route_block(const char *json, const char *expected)
{
	json_t *row = json_loads(json, 0, NULL);
	size_t len;
	char *text;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(row);
	block_print(view_for("show", "rib", "--detail"), row, 0, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	json_decref(row);
}

static void block_leaves_out_what_does_not_apply(void **state)
{
	assert_route_block(
		"{\"type\":3,\"rd\":\"192.0.2.2:2\",\"originator\":\"192.0.2.2\",\"mac\":null,\"best\":true,"
		"\"neighbor\":\"192.0.2.2\",\"communities\":[],\"as_path\":\"\",\"age_s\":5,"
		"\"pmsi\":{\"tunnel_type\":6,\"vni\":100,\"endpoint\":\"192.0.2.2\"}}",
		"route type 3 imet 192.0.2.2, from 192.0.2.2, best\n"
		"  RD                 192.0.2.2:2\n"
		"  tunnel             ingress replication to 192.0.2.2, VNI 100\n"
		"  AS path            -\n"
		"  age                00:00:05\n");
}

/* --detail promises all that a route has. */
static void block_of_a_route_has_every_community(void **state)
{
	assert_route_block(
		"{\"type\":1,\"best\":true,\"neighbor\":\"192.0.2.2\",\"default_gateway\":true,"
		"\"router_mac\":\"02:00:00:00:00:01\",\"esi_label\":{\"label\":7,\"single_active\":false},"
		"\"es_import\":\"02:00:00:00:00:02\","
		"\"nd_flags\":{\"router\":true,\"override\":false,\"immutable\":true},"
		"\"pmsi\":{\"tunnel_type\":4,\"vni\":100,\"endpoint\":null,\"group\":\"239.1.1.1\"}}",
		"route type 1 ead, from 192.0.2.2, best\n"
		"  tunnel             tunnel type 4 to 239.1.1.1, VNI 100\n"
		"  default gateway    yes\n"
		"  router MAC         02:00:00:00:00:01\n"
		"  ESI label          all-active, label 7\n"
		"  ES-Import          02:00:00:00:00:02\n"
		"  ND flags           router, immutable\n");
}

static void block_goes_on_below_its_values(void **state)
{
	const struct view *view = view_for("show", "neighbors", "192.0.2.2");
	json_t *row = json_loads("{\"address\":\"192.0.2.2\",\"asn\":65000,\"type\":\"internal\",\"state\":\"Idle\","
				 "\"capabilities_received\":[\"multiprotocol 25/70\",\"route-refresh-old\","
				 "\"route-refresh\",\"enhanced-route-refresh\",\"4-octet-as 4200000000\"]}",
				 0, NULL);
	size_t len;
	char *text;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(row);
	block_print(view, row, 80, out);
	fclose(out);
	assert_non_null(strstr(text, "  capabilities received  multiprotocol 25/70; route-refresh-old; route-refresh;\n"
				     "                         enhanced-route-refresh; 4-octet-as 4200000000\n"));
	assert_true(longest_line(text) <= 80);
	free(text);
	json_decref(row);
}

static void block_leaves_out_lines_without_text(void **state)
{
	json_t *row = json_loads(
		"{\"address\":\"192.0.2.2\",\"asn\":65000,\"type\":\"internal\",\"state\":\"Idle\","
		"\"problem\":\"No route to host\","
		"\"route_target_filter\":{\"state\":\"none\",\"route_targets\":0},\"families\":[{\"name\":\"evpn\"}]}",
		0, NULL);
	size_t len;
	char *text;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(row);
	block_print(view_for("show", "neighbors", "192.0.2.2"), row, 0, out);
	fclose(out);
	assert_non_null(strstr(text, "  problem                No route to host\n"));
	assert_null(strstr(text, "route targets"));
	assert_null(strstr(text, "families"));
	free(text);
	json_decref(row);
}

static void block_of_a_vni_without_bgp_says_nothing_of_it(void **state)
{
	json_t *row = json_loads(
		"{\"vni\":1,\"mode\":\"multicast\",\"ready\":true,\"rd\":null,"
		"\"import_auto\":false,\"import\":[],\"export\":[],"
		"\"flood_control\":null,\"group\":\"239.1.1.1\",\"flood\":[]}",
		0, NULL);
	size_t len;
	char *text;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(row);
	block_print(view_for("show", "vni", "1"), row, 0, out);
	fclose(out);
	assert_string_equal(text, "VNI 1, mode multicast, ready\n  flooding               multicast 239.1.1.1\n");
	free(text);
	json_decref(row);
}

static void table_of_vnis_keeps_the_problem(void **state)
{
	json_t *row = json_loads("{\"vni\":16777215,\"mode\":\"evpn\",\"ready\":false,\"rd\":\"192.0.2.1:65535\","
				 "\"import_auto\":true,\"import\":[],\"export\":[\"65000:16777215\"],"
				 "\"bridge\":\"br16777215\","
				 "\"vxlan\":\"vxlan16777215\",\"local_macs\":0,\"remote_macs\":0,\"flood\":[],"
				 "\"problem\":\"vxlan16777215 is down\"}",
				 0, NULL);
	size_t len;
	char *text;
	FILE *out = open_memstream(&text, &len);
	struct table *t = table_new(view_for("show", "vni", NULL), 80, out);

	assert_non_null(row);
	table_add(t, row);
	table_finish(t);
	fclose(out);
	assert_non_null(strstr(text, "PROBLEM"));
	assert_non_null(strstr(text, "vxlan167"));
	assert_null(strstr(text, "IMPORT")); /* a number cut short is another number */
	assert_true(longest_line(text) <= 80);
	free(text);
	json_decref(row);
}

static void assert_picked(const struct view *view, const char *row, const char *expected)
{
	const struct pick pick = pick_for(view);
	struct buf out;

	buf_init(&out);
	assert_int_equal(pick_members(&pick, row, strlen(row), &out), expected != NULL);
	if (expected) {
		buf_add(&out, "", 1);
		assert_string_equal(buf_data(&out), expected);
	}
	buf_fini(&out);
}

static void pick_takes_what_columns_look_at(void **state)
{
	const struct view *rib = view_for("show", "rib", NULL);

	assert_picked(rib, "{}", "{}");
	assert_picked(rib, "{\"esi\":null,\"mac\":\"x\"}", "{\"mac\":\"x\"}");
	assert_picked(rib,
		      "{\"mac\":\"a\\\"},{\",\"ma\":1,\"macs\":2,\"best\":true,\"x\":[{\"mac\":[\"]\"]}],\"vni\":7}",
		      "{\"mac\":\"a\\\"},{\",\"best\":true,\"vni\":7}");
	assert_picked(rib, "{\"mac_mobility\":{\"sequence\":3,\"sticky\":false}}",
		      "{\"mac_mobility\":{\"sequence\":3,\"sticky\":false}}");
	assert_picked(rib, "[1]", NULL);
	assert_picked(rib, "\"text\"", NULL);
	assert_picked(rib, "{\"mac\":\"x", NULL);
	assert_picked(rib, "{\"mac\":[1}", NULL);
	assert_picked(rib, "{\"mac\"", NULL);
	assert_picked(rib, "{\"mac\":1}}", NULL);
	assert_picked(view_for("show", "vni", NULL), "{\"vni\":1}", NULL); /* its formats get whole rows */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format_ages),
		cmocka_unit_test(format_values),
		cmocka_unit_test(format_routes),
		cmocka_unit_test(format_sessions),
		cmocka_unit_test(format_states),
		cmocka_unit_test(format_tables),
		cmocka_unit_test(table_without_a_terminal_shows_all),
		cmocka_unit_test(table_fits_the_terminal),
		cmocka_unit_test(table_keeps_what_names_a_row),
		cmocka_unit_test(table_of_many_slices_has_one_heading),
		cmocka_unit_test(table_without_rows_says_so),
		cmocka_unit_test(block_leaves_out_what_does_not_apply),
		cmocka_unit_test(block_of_a_route_has_every_community),
		cmocka_unit_test(block_goes_on_below_its_values),
		cmocka_unit_test(block_leaves_out_lines_without_text),
		cmocka_unit_test(block_of_a_vni_without_bgp_says_nothing_of_it),
		cmocka_unit_test(table_of_vnis_keeps_the_problem),
		cmocka_unit_test(pick_takes_what_columns_look_at),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Verbs and their arguments, the request line of the control socket, the framing of replies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/evpnd/reply.h"
#include "cmd/evpnd/request.h"
#include "cmd/verb.h"
#include "tests/lib/test.h"

#define WORDS_MAX 32

struct parsed {
	struct verb_args args;
	char error[VERB_ERROR_MAX];
	int rc;
	char text[256];
	const char *words[WORDS_MAX];
};

/* The words of a line, split at spaces. */
static const struct parsed *parse(struct parsed *p, const char *line)
{
	size_t n = 0;

	snprintf(p->text, sizeof(p->text), "%s", line);
	for (char *w = strtok(p->text, " "); w && n < WORDS_MAX; w = strtok(NULL, " "))
		p->words[n++] = w;
	p->rc = verb_parse(p->words, n, &p->args, p->error);
	return p;
}

static void assert_says(const char *line, const char *part)
{
	struct parsed p;

	parse(&p, line);
	if (p.rc != 2 || !strstr(p.error, part))
		fail_msg("'%s': %d '%s', expected 2 and '%s'", line, p.rc, p.error, part);
}

static void verb_show_rib_takes_all_filters(void **state)
{
	struct parsed p;
	const struct verb_value *v = p.args.v;

	parse(&p, "show rib --type 2 --vni=100 --rd 192.0.2.1:2 --mac 02:00:00:00:00:0A --ip 2001:db8::1 --neighbor "
		  "192.0.2.9 "
		  "--advertised-to fe80::1 --best --rejected --detail");
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.args.id, VERB_SHOW_RIB);
	assert_int_equal(v[ARG_TYPE].n, 2);
	assert_int_equal(v[ARG_VNI].n, 100);
	assert_string_equal(v[ARG_RD].text, "192.0.2.1:2");
	assert_string_equal(mac_str(&v[ARG_MAC].mac).s, "02:00:00:00:00:0a");
	assert_string_equal(ip_str(&v[ARG_IP].ip).s, "2001:db8::1");
	assert_string_equal(ip_str(&v[ARG_NEIGHBOR].ip).s, "192.0.2.9");
	assert_string_equal(ip_str(&v[ARG_ADVERTISED_TO].ip).s, "fe80::1");
	assert_true(v[ARG_BEST].given && v[ARG_REJECTED].given && v[ARG_DETAIL].given);
	assert_false(v[ARG_KEYS].given || v[ARG_SUMMARY].given);
	assert_int_equal(parse(&p, "show rib --type imet")->rc, 0);
	assert_int_equal(v[ARG_TYPE].n, 3);
	assert_says("show rib --type imt",
		    "--type: expected a number from 0 to 255, ead, mac-ip, imet, es or prefix, found 'imt'");
}

static void verb_positionals_go_to_their_places(void **state)
{
	struct parsed p;

	assert_int_equal(parse(&p, "neighbor 192.0.2.1 clear")->rc, 0);
	assert_int_equal(p.args.v[ARG_ACTION].n, ACTION_CLEAR);
	assert_string_equal(ip_str(&p.args.v[ARG_ADDRESS].ip).s, "192.0.2.1");
	assert_int_equal(parse(&p, "show vni 16777215")->rc, 0);
	assert_int_equal(p.args.v[ARG_NUMBER].n, 0xffffff);
	assert_int_equal(parse(&p, "show vni")->rc, 0);
	assert_false(p.args.v[ARG_NUMBER].given);
	assert_int_equal(parse(&p, "log debug")->rc, 0);
	assert_int_equal(p.args.v[ARG_LEVEL].n, LOG_DEBUG);
}

static void verb_unknown_names_the_nearest(void **state)
{
	assert_says("show neighbours", "did you mean 'show neighbors'?");
	assert_says("show nieghbors", "did you mean 'show neighbors'?");
	assert_says("shwo rib", "did you mean 'show rib'?");
	assert_says("show bgp l2vpn evpn summary", "here it is 'show neighbors'");
	assert_says("show bgp l2vpn evpn", "here it is 'show rib'");
	assert_says("show evpn mac vni all", "here it is 'show mac'");
	assert_says("global rib -a evpn", "here it is 'show rib'");
	assert_says("clear bgp 192.0.2.2", "here it is 'neighbor ADDR clear'");
	assert_says("debug bgp updates", "here it is 'monitor'");
	assert_says("configure terminal", "here it is 'reload'");
	assert_says("neigbor 192.0.2.1 up", "did you mean 'neighbor'?");
	assert_says("shwo", "unknown verb 'shwo', did you mean 'show'?");
	assert_says("sho x", "unknown verb 'sho', did you mean 'show'?");
	assert_says("version", "unknown verb 'version', did you mean 'show version'?");
	assert_says("neighbors", "did you mean 'show neighbors'?");
	assert_says("memroy", "unknown verb 'memroy', did you mean 'show memory'?");
	assert_says("show x", "show knows: neighbors");
	assert_says("show", "show what? It knows: neighbors, rib");
	assert_says("show bananas", "show knows: neighbors");
	assert_says("frobnicate", "unknown verb 'frobnicate'");
	assert_says("", "no verb");
}

static void verb_unknown_option_names_the_nearest(void **state)
{
	assert_says("show mac --vnis 1", "did you mean --vni?");
	assert_says("show rib --advertise-to 192.0.2.1", "did you mean --advertised-to?");
	assert_says("show vtep --vni 1", "show vtep has no option '--vni'");
}

static void verb_bad_value_says_what_was_expected(void **state)
{
	assert_says("show mac --mac 02:00:00:00:00",
		    "expected a MAC address like 02:00:00:00:00:01, found '02:00:00:00:00'");
	assert_says("show mac --ip 10.0.0.256", "expected an IPv4 or IPv6 address, found '10.0.0.256'");
	assert_says("show mac --vni 0", "expected a number from 1 to 16777215, found '0'");
	assert_says("show mac --vni 16777216", "from 1 to 16777215");
	assert_says("show mac --vni 1x", "found '1x'");
	assert_says("show mac --vni -1", "found '-1'");
	assert_says("show mac --vni 99999999999999999999", "from 1 to 16777215");
	assert_says("show mac --vni", "--vni needs a value");
	assert_says("show mac --vni 1 --vni 2", "given twice");
	assert_says("show rib --best=yes", "takes no value");
	assert_says("neighbor 192.0.2.1 sideways", "expected up, down, clear or refresh");
	assert_says("neighbor 192.0.2.1", "neighbor needs up|down|clear|refresh");
	assert_says("neighbor", "neighbor needs ADDR");
	assert_says("log loud", "expected error, warn, remote, info or debug");
	assert_says("show vtep 5", "unexpected '5'");
}

static void verb_long_words_match_nothing(void **state)
{
	char word[400];
	const char *argv[] = { word, "x" };
	struct verb_args args;
	char error[VERB_ERROR_MAX];

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_int_equal(verb_parse(argv, 2, &args, error), 2);
	assert_int_equal(verb_distance(word, "show", 2), 3);
}

static void verb_distance_counts_edits(void **state)
{
	assert_int_equal(verb_distance("rib", "rib", 9), 0);
	assert_int_equal(verb_distance("rbi", "rib", 9), 1);
	assert_int_equal(verb_distance("ribs", "rib", 9), 1);
	assert_int_equal(verb_distance("rb", "rib", 9), 1);
	assert_int_equal(verb_distance("rob", "rib", 9), 1);
	assert_int_equal(verb_distance("kitten", "sitting", 9), 3);
	assert_int_equal(verb_distance("", "rib", 9), 3);
	assert_int_equal(verb_distance("abc", "xyz", 1), 2);
}

/* Names are looked up by their words, and help must not promise what is not there. */
static void verb_table_is_whole(void **state)
{
	for (enum verb_id i = 0; i < VERB_N; i++) {
		assert_non_null(verbs[i].name);
		assert_non_null(verbs[i].help);
		assert_int_equal(verbs[i].required & verbs[i].optional, 0);
	}
	for (enum verb_arg a = 0; a < ARG_N; a++) {
		assert_non_null(verb_arg_name(a));
		assert_non_null(verb_arg_help(a));
	}
}

/* ---- request_parse ----------------------------------------------------------------------------------------------- */

static const char *request(struct request *r, const char *line)
{
	return request_parse(line, strlen(line), r);
}

static void request_words_are_unescaped(void **state)
{
	struct request r;

	assert_null(request(&r, " { \"argv\" : [ \"show\" ,\"a\\\"b\\\\\\/\\n\\u00e9\\u20ac\\ud83d\\ude00\"] } \r"));
	assert_int_equal(r.argc, 2);
	assert_string_equal(r.argv[0], "show");
	assert_string_equal(r.argv[1], "a\"b\\/\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_null(request(&r, "{\"argv\":[]}"));
	assert_int_equal(r.argc, 0);
}

static void request_other_forms_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"show rib",
		"{\"argv\":\"show\"}",
		"{\"argv\":[1]}",
		"{\"argv\":[\"a\" \"b\"]}",
		"{\"argv\":[\"a\",]}",
		"{\"argv\":[\"a\"]",
		"{\"argv\":[\"a\"]}x",
		"{\"argv\":[\"a\"],\"x\":1}",
		"{\"args\":[\"a\"]}",
		"{\"argv\":[\"\\x\"]}",
		"{\"argv\":[\"\\u12g4\"]}",
		"{\"argv\":[\"\\u0000\"]}",
		"{\"argv\":[\"\\ud800\"]}",
		"{\"argv\":[\"\\udc00\"]}",
		"{\"argv\":[\"\\ud800\\u0041\"]}",
		"{\"argv\":[\"tab\there\"]}",
	};
	struct request r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!request(&r, bad[i]))
			fail_msg("taken for a request: %s", bad[i]);
}

static void request_every_prefix_is_refused(void **state)
{
	static const char whole[] = "{\"argv\":[\"show\",\"r\\u0069b\"]}";
	struct request r;

	for (size_t n = 0; n < sizeof(whole) - 1; n++)
		assert_non_null(request_parse(whole, n, &r));
	assert_null(request_parse(whole, sizeof(whole) - 1, &r));
}

static void request_sizes_are_bounded(void **state)
{
	char line[3 * REQUEST_MAX];
	struct request *r = xcalloc(1, sizeof(*r));
	size_t n;

	n = (size_t)snprintf(line, sizeof(line), "{\"argv\":[");
	for (unsigned i = 0; i <= REQUEST_ARGS_MAX; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%s\"a\"", i ? "," : "");
	snprintf(line + n, sizeof(line) - n, "]}");
	assert_non_null(strstr(request(r, line), "too many"));
	memset(line, 'a', sizeof(line));
	memcpy(line, "{\"argv\":[\"", 10);
	memcpy(line + sizeof(line) - 4, "\"]}", 4);
	assert_non_null(request_parse(line, sizeof(line) - 1, r));
	free(r);
}

/* ---- replies ----------------------------------------------------------------------------------------------------- */

static void reply_error_is_one_json_line(void **state)
{
	struct buf out;

	buf_init(&out);
	reply_error(&out, 2, "expected \"this\"");
	buf_add(&out, "", 1);
	assert_string_equal(buf_data(&out), "{\"ok\":false,\"error\":\"expected \\\"this\\\"\",\"code\":2}\n");
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verb_show_rib_takes_all_filters),
		cmocka_unit_test(verb_positionals_go_to_their_places),
		cmocka_unit_test(verb_unknown_names_the_nearest),
		cmocka_unit_test(verb_unknown_option_names_the_nearest),
		cmocka_unit_test(verb_bad_value_says_what_was_expected),
		cmocka_unit_test(verb_long_words_match_nothing),
		cmocka_unit_test(verb_distance_counts_edits),
		cmocka_unit_test(verb_table_is_whole),
		cmocka_unit_test(request_words_are_unescaped),
		cmocka_unit_test(request_other_forms_are_refused),
		cmocka_unit_test(request_every_prefix_is_refused),
		cmocka_unit_test(request_sizes_are_bounded),
		cmocka_unit_test(reply_error_is_one_json_line),
	};

	return RUN_TESTS(tests);
}

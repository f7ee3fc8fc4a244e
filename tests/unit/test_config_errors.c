/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* conf/: every kind of error in a text, with its line and column: config_errors.txt, and a few that are no text. */
#include <stdio.h>
#include <string.h>

#include "conf/load.h"
#include "tests/lib/test.h"

#define NEIGHBOR "asn: 1\nrouter-id: 192.0.2.1\nneighbors:\n  - address: 192.0.2.2\n    asn: 2\n"
#define VNI "dataplane: none\nvnis:\n  - vni: 100\n"

static void assert_error(const char *text, size_t len, const char *expected)
{
	struct config_errors err;
	struct config *c = config_parse("x", text, len, &err);
	struct buf found;

	if (c)
		fail_msg("loads:\n%s\nexpected:\n%s", text, expected);
	buf_init(&found);
	for (size_t i = 0; i < err.n; i++)
		buf_printf(&found, "%s\n", err.lines[i] + strlen("x:"));
	buf_add(&found, "", 1);
	if (strcmp(buf_data(&found), expected) != 0)
		fail_msg("in:\n%s\nexpected:\n%s\nfound:\n%s", text, expected, buf_data(&found));
	buf_fini(&found);
	config_errors_free(&err);
}

static void end_case(struct buf *text, struct buf *errors)
{
	if (!errors->len)
		return;
	buf_add(errors, "", 1);
	buf_add(text, "", 1);
	assert_error(buf_data(text), text->len - 1, buf_data(errors));
	buf_reset(text);
	buf_reset(errors);
}

static void errors_of_texts(void **state)
{
	FILE *f = fopen("tests/unit/config_errors.txt", "r");
	struct buf text, errors;
	unsigned cases = 0;
	char line[1024];

	assert_non_null(f);
	buf_init(&text);
	buf_init(&errors);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "> ", 2)) {
			cases += !errors.len;
			buf_adds(&errors, line + 2);
			continue;
		}
		end_case(&text, &errors);
		if (!strcmp(line, "@neighbor\n"))
			buf_adds(&text, NEIGHBOR);
		else if (!strcmp(line, "@vni\n"))
			buf_adds(&text, VNI);
		else if (text.len || (line[0] != '#' && line[0] != '\n'))
			buf_adds(&text, line);
	}
	end_case(&text, &errors);
	assert_int_equal(text.len, 0);
	assert_true(cases > 150);
	buf_fini(&errors);
	buf_fini(&text);
	fclose(f);
}

static void octets_that_are_no_yaml_are_errors(void **state)
{
	static const struct {
		const char *text, *error;
	} t[] = {
		{ "asn: 0\nlog:\n\tlevel: info\nvtep: x\n",
		  "1:6: asn: expected a number from 1 to 4294967295, found \"0\"\n"
		  "3:1: expected YAML, found a tab: it cannot indent, use spaces\n" },
		{ "# \u00e4\u00e4\u00e4\nlog:\n\tlevel: info\n",
		  "3:1: expected YAML, found a tab: it cannot indent, use spaces\n" },
		{ "asn: 1\nvtep: \xff\n",
		  "2:7: expected UTF-8 text, found something else: invalid leading UTF-8 octet\n" },
		{ "asn: 1 # \x01\n",
		  "1:10: expected UTF-8 text, found something else: control characters are not allowed\n" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
		assert_error(t[i].text, strlen(t[i].text), t[i].error);
	assert_error("asn: 1\0", 7,
		     "1:7: expected UTF-8 text, found something else: control characters are not allowed\n");
}

static void what_looks_like_a_contradiction_but_is_none(void **state)
{
	static const char *const good[] = {
		/* one vxlan device and one vlan-aware bridge */
		"vtep: 192.0.2.1\nvnis:\n  - {vni: 1, vxlan: vx, bridge: br, vlan: 1}\n"
		"  - {vni: 2, vxlan: vx, bridge: br, vlan: 2}\n",
		"vtep: 192.0.2.1\nvnis:\n  - {vni: 1, bridge: br, vlan: 1, ports: [{name: e, vlan: 1}]}\n"
		"  - {vni: 2, bridge: br, vlan: 2, ports: [{name: e, vlan: 2}, f]}\n",
		"dataplane: none\nvnis: [{vni: 1, vxlan: vx, bridge: br, vlan: 5, ports: [{name: c, vlan: 7}]}]\n",
		"dataplane: none\nvnis: [{vni: 1, bridge: a, vxlan: a, ports: [a]}, {vni: 2, bridge: a, vxlan: a}]\n",
		"dataplane: userspace\nvtep: 192.0.2.1\nvnis: [{vni: 1, bridge: a, vxlan: a, ports: [a]}]\n",
		"vtep: 192.0.2.1\nvnis: [{vni: 1, bridge: none}, {vni: 2, bridge: none}]\n",
		/* mode evpn goes by the RIB as it is; hosts may come by hand */
		"vtep: 192.0.2.1\nvnis: [{vni: 1, mode: evpn, resolver: rib}, {vni: 2, mode: static-l2}]\n",
		/* what rd: auto is above VNI 65535, or without a router id, is not known here */
		"dataplane: none\nrouter-id: 192.0.2.1\n"
		"vnis: [{vni: 5}, {vni: 65541}, {vni: 65536, rd: 192.0.2.1:0}]\n",
		"dataplane: none\nvnis: [{vni: 5}, {vni: 6, rd: 0.0.0.0:5}]\n",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct config_errors err;
		struct config *c = config_parse("x", good[i], strlen(good[i]), &err);

		if (!c)
			fail_msg("%s\nin:\n%s", err.lines[0], good[i]);
		config_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_of_texts),
		cmocka_unit_test(octets_that_are_no_yaml_are_errors),
		cmocka_unit_test(what_looks_like_a_contradiction_but_is_none),
	};

	return RUN_TESTS(tests);
}

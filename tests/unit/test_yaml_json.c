/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The printed configuration as JSON (evpnctl --json show config). */
#include <string.h>

#include "cmd/evpnd/yaml_json.h"
#include "include/config.h"
#include "tests/lib/test.h"

static void assert_json(const char *yaml, const char *expected, bool ok)
{
	struct buf out;
	struct json j;

	buf_init(&out);
	json_init(&j, &out);
	assert_int_equal(yaml_to_json(yaml, strlen(yaml), &j), ok);
	buf_add(&out, "", 1);
	assert_string_equal(buf_data(&out), expected);
	buf_fini(&out);
}

static void yaml_values_keep_their_kind(void **state)
{
	assert_json("router-id: 192.0.2.1\nasn: 65001\nflag: true\n",
		    "{\"router_id\":\"192.0.2.1\",\"asn\":65001,\"flag\":true}", true);
	assert_json("a: \"65001\"\nb: '***'\nc: 007\nd: ~\ne:\nf: 1:2\ng: -1\n",
		    "{\"a\":\"65001\",\"b\":\"***\",\"c\":\"007\",\"d\":null,\"e\":null,\"f\":\"1:2\",\"g\":\"-1\"}",
		    true);
}

static void yaml_nests(void **state)
{
	assert_json(
		"vnis:\n  - vni: 100\n    ports: [a, {name: b, vlan: 5}]\n  - {vni: 200, flood: []}\nlog: {level: "
		"info}\n",
		"{\"vnis\":[{\"vni\":100,\"ports\":[\"a\",{\"name\":\"b\",\"vlan\":5}]},{\"vni\":200,\"flood\":[]}],"
		"\"log\":{\"level\":\"info\"}}",
		true);
}

static void yaml_without_content_is_an_empty_object(void **state)
{
	assert_json("", "{}", true);
	assert_json("# nothing\n", "{}", true);
}

/* Never: what we print is YAML. Should it happen, the reply is JSON still. */
static void yaml_broken_text_is_closed(void **state)
{
	assert_json("a:\n  - b: [1, 2\n}", "{\"a\":[{\"b\":[1,2]}]}", false);
}

static void yaml_printed_configuration_is_json(void **state)
{
	static const char text[] =
		"asn: 65001\nrouter-id: 192.0.2.1\nvtep: 2001:db8::1\nneighbors:\n"
		"  - {address: 192.0.2.2, asn: 65002, description: \"a: \\\"b\\\" - #1\", password: hunter2}\n";
	struct config_errors errors = { 0 };
	struct config *c = config_parse("t", text, strlen(text), &errors);
	struct buf yaml;

	assert_non_null(c);
	buf_init(&yaml);
	config_print(c, &yaml, false, false);
	buf_add(&yaml, "", 1);
	assert_json(buf_data(&yaml),
		    "{\"asn\":65001,\"router_id\":\"192.0.2.1\",\"vtep\":\"2001:db8::1\",\"neighbors\":[{\"address\":"
		    "\"192.0.2.2\",\"asn\":65002,\"description\":\"a: \\\"b\\\" - #1\",\"password\":\"***\"}]}",
		    true);
	buf_fini(&yaml);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_values_keep_their_kind),
		cmocka_unit_test(yaml_nests),
		cmocka_unit_test(yaml_without_content_is_an_empty_object),
		cmocka_unit_test(yaml_broken_text_is_closed),
		cmocka_unit_test(yaml_printed_configuration_is_json),
	};

	return RUN_TESTS(tests);
}

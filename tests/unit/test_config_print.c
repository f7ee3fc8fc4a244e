/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* conf/print.c against conf/parse.c: what is printed loads to an equal configuration. The samples, too. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/load.h"
#include "tests/lib/config.h"
#include "tests/lib/test.h"

/* With a NUL behind the end. For buf_fini(). */
static struct buf read_whole(const char *file)
{
	FILE *f = fopen(file, "r");
	struct buf b;
	size_t n;

	buf_init(&b);
	if (!f)
		fail_msg("%s cannot be opened", file);
	while ((n = fread(buf_reserve(&b, 65536), 1, 65536, f)) > 0)
		buf_commit(&b, n);
	fclose(f);
	buf_reserve(&b, 1)[0] = 0;
	return b;
}

static struct buf print(const struct config *c, bool secrets, bool defaults)
{
	struct buf b;

	buf_init(&b);
	config_print(c, &b, secrets, defaults);
	buf_reserve(&b, 1)[0] = 0;
	return b;
}

/* Of any version: without the check of what this one can do. */
static struct config *load_any(const char *name, const char *text, size_t len)
{
	struct config_errors err;
	struct config *c = config_parse(name, text, len, &err);

	if (!c)
		fail_msg("%s\nin:\n%.*s", err.lines[0], (int)len, text);
	return c;
}

static void assert_prints_back(const struct config *c)
{
	for (int defaults = 0; defaults < 2; defaults++) {
		struct buf b = print(c, true, defaults);
		struct config *again = load_any("printed", buf_data(&b), b.len);
		const char *difference = config_difference(c, again);

		if (difference)
			fail_msg("%s differs after printing:\n%s", difference, buf_data(&b));
		config_free(again);
		buf_fini(&b);
	}
}

static void print_then_parse_is_equal_for_random_configs(void **state)
{
	struct rng r = rng_start("config");

	for (int i = 0; i < 2000; i++) {
		struct config *c = config_random(&r);

		assert_prints_back(c);
		config_free(c);
	}
}

static void print_then_parse_is_equal_for_samples(void **state)
{
	glob_t g;

	assert_int_equal(glob("conf/samples/*.yaml", 0, NULL, &g), 0);
	assert_int_equal(g.gl_pathc, 9);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct buf b = read_whole(g.gl_pathv[i]);
		struct config *c = load_any(g.gl_pathv[i], buf_data(&b), b.len);

		assert_prints_back(c);
		config_free(c);
		buf_fini(&b);
	}
	globfree(&g);
}

static void samples_load(void **state)
{
	glob_t g;

	assert_int_equal(glob("conf/samples/*.yaml", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct config_errors err;
		struct config *c = config_load(g.gl_pathv[i], &err);

		if (!c)
			fail_msg("%s: %s", g.gl_pathv[i], err.lines[0]);
		config_free(c);
		config_errors_free(&err);
	}
	globfree(&g);
}

static void assert_keys_in(const struct schema_map *map, const char *text)
{
	for (size_t i = 0; i < map->n_keys; i++) {
		const struct schema_key *k = &map->keys[i];
		char s[64];

		snprintf(s, sizeof(s), "%s:", k->name);
		if (!k->shorthand_only && !strstr(text, s))
			fail_msg("no \"%s\"", s);
		if (k->map)
			assert_keys_in(k->map, text);
	}
}

static void every_key_is_in_the_sample_of_all_keys(void **state)
{
	struct buf b = read_whole("conf/samples/all-keys.yaml");

	assert_keys_in(schema_root.map, buf_data(&b));
	buf_fini(&b);
}

static void passwords_are_printed_only_as_secrets(void **state)
{
	static const char text[] = "asn: 1\nrouter-id: 192.0.2.1\nneighbors:\n"
				   "  - {address: 192.0.2.2, asn: 1, password: hunter2}\n"
				   "  - {address: 192.0.2.3, asn: 1}\n";
	struct config *c = load_any("x", text, strlen(text));
	struct buf b = print(c, false, true);

	assert_null(strstr(buf_data(&b), "hunter2"));
	assert_non_null(strstr(buf_data(&b), "    password: \"***\"\n"));
	assert_null(strstr(strstr(buf_data(&b), "192.0.2.3"), "password"));
	buf_fini(&b);
	config_free(c);
}

static void password_file_is_printed_in_place_of_the_password(void **state)
{
	char file[] = "/tmp/evpnd-test-XXXXXX", text[200];
	struct config *c;
	struct buf b;
	int fd = mkstemp(file);

	assert_int_equal(write(fd, "hunter2\n", 8), 8);
	close(fd);
	snprintf(text, sizeof(text),
		 "asn: 1\nrouter-id: 192.0.2.1\nneighbors: [{address: 192.0.2.2, asn: 1, password-file: %s}]\n", file);
	c = load_any("x", text, strlen(text));
	unlink(file);
	assert_string_equal(c->neighbors[0].password, "hunter2");
	for (int secrets = 0; secrets < 2; secrets++) {
		b = print(c, secrets, true);
		assert_non_null(strstr(buf_data(&b), "    password-file: /tmp/evpnd-test-"));
		assert_null(strstr(buf_data(&b), "password:"));
		buf_fini(&b);
	}
	config_free(c);
}

static void defaults_are_left_out_unless_asked_for(void **state)
{
	static const char text[] = "asn: 1\nrouter-id: 192.0.2.1\nvtep: 192.0.2.1\n"
				   "neighbors: [{address: 192.0.2.2, asn: 1}]\nvnis: [{vni: 100}]\n";
	struct config *c = load_any("x", text, strlen(text));
	struct buf b = print(c, false, false);

	assert_string_equal(buf_data(&b), "asn: 1\nrouter-id: 192.0.2.1\nvtep: 192.0.2.1\nneighbors:\n"
					  "  - address: 192.0.2.2\n    asn: 1\nvnis:\n  - vni: 100\n");
	buf_fini(&b);
	b = print(c, false, true);
	assert_string_equal(
		buf_data(&b),
		"asn: 1\n"
		"router-id: 192.0.2.1\n"
		"vtep: 192.0.2.1\n"
		"vxlan-port: 4789\n"
		"dataplane: kernel\n"
		"worker-cpus: []\n"
		"outer: {ttl: 64, dscp: 0, copy-dscp: false, df: true, checksum: true}\n"
		"restart: {time: 120, rows: keep}\n"
		"log: {level: info}\n"
		"reflect-unknown: false\n"
		"mac-mobility: {moves: 5, window: 180, recovery: 540}\n"
		"neighbors:\n"
		"  - address: 192.0.2.2\n"
		"    asn: 1\n"
		"    families: [evpn]\n"
		"    passive: false\n"
		"    port: 179\n"
		"    hold-time: 90\n"
		"    route-reflector-client: false\n"
		"    max-prefixes-warning: 75\n"
		"    add-path: none\n"
		"vnis:\n"
		"  - vni: 100\n"
		"    mode: evpn\n"
		"    bridge: br100\n"
		"    vxlan: vxlan100\n"
		"    ports: []\n"
		"    ethernet-tag: 0\n"
		"    vxlan-port: 4789\n"
		"    rd: auto\n"
		"    import: [auto]\n"
		"    export: [auto]\n"
		"    arp-suppression: true\n"
		"    host-learning: true\n"
		"    mac-mobility: {moves: 5, window: 180, recovery: 540}\n"
		"    flood-control: ingress-replication\n"
		"    flood: []\n"
		"    groups: []\n"
		"    ageing: 300\n"
		"    unknown-unicast: flood\n"
		"    inner-tags: keep\n"
		"    check-source: false\n"
		"    rsc: false\n");
	buf_fini(&b);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(print_then_parse_is_equal_for_random_configs),
		cmocka_unit_test(print_then_parse_is_equal_for_samples),
		cmocka_unit_test(samples_load),
		cmocka_unit_test(every_key_is_in_the_sample_of_all_keys),
		cmocka_unit_test(passwords_are_printed_only_as_secrets),
		cmocka_unit_test(password_file_is_printed_in_place_of_the_password),
		cmocka_unit_test(defaults_are_left_out_unless_asked_for),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * conf/: text and files to struct config, and the bounds. What is wrong in a text is test_config_errors.c's, printing
 * test_config_print.c's. Prefixes put a key of a neighbor at 6:5 and one of a VNI at 4:5.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/load.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define NEIGHBOR "asn: 1\nrouter-id: 192.0.2.1\nneighbors:\n  - address: 192.0.2.2\n    asn: 2\n    "
#define VNI "dataplane: none\nvnis:\n  - vni: 100\n    "

static struct config *load(const char *text, struct config_errors *err)
{
	return config_parse("x", text, strlen(text), err);
}

static struct config *load_good(const char *text)
{
	struct config_errors err;
	struct config *c = load(text, &err);

	if (!c)
		fail_msg("%s\nin:\n%s", err.lines[0], text);
	assert_int_equal(err.n, 0);
	return c;
}

#define X40 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* ---- what is right ----------------------------------------------------------------------------------------------- */

static void empty_files_are_all_defaults(void **state)
{
	static const char *const texts[] = { "", "\n", "# nothing\n", "---\n", "{}", "~", "---\n...\n",
					     "neighbors:\nvnis:\nrestart:\ncontrol:\nlog: # all in comments\n",
					     "neighbors: []\nvnis: []\nlog: {}\n", "\xef\xbb\xbf# byte order mark\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct config *c = load_good(texts[i]);

		assert_int_equal(c->asn, 0);
		assert_int_equal(c->router_id, 0);
		assert_int_equal(c->cluster_id, 0);
		assert_int_equal(c->vtep.len, 0);
		assert_int_equal(c->vxlan_port, 4789);
		assert_null(c->underlay);
		assert_int_equal(c->n_listen, 0);
		assert_int_equal(c->dataplane, CONFIG_DP_KERNEL);
		assert_int_equal(c->workers, 0);
		assert_int_equal(c->n_worker_cpus, 0);
		assert_int_equal(c->outer.ttl, 64);
		assert_true(c->outer.df && c->outer.checksum && !c->outer.copy_dscp);
		assert_int_equal(c->restart_time, 120);
		assert_int_equal(c->restart_rows, CONFIG_ROWS_KEEP);
		assert_null(c->control_group);
		assert_int_equal(c->log_level, LOG_INFO);
		assert_int_equal(c->memory_limit, 0);
		assert_false(c->reflect_unknown);
		assert_int_equal(c->n_neighbors + c->n_vnis, 0);
		config_free(c);
	}
}

static void no_text_at_all_is_an_empty_file(void **state)
{
	struct config_errors err;
	struct config *c = config_parse("x", NULL, 0, &err);

	assert_non_null(c);
	config_free(c);
}

static void neighbor_defaults(void **state)
{
	struct config *c = load_good("asn: 1\nrouter-id: 192.0.2.1\nneighbors: [{address: 192.0.2.2, asn: 65000}]\n");
	const struct config_neighbor *n = c->neighbors;

	assert_int_equal(c->n_neighbors, 1);
	assert_string_equal(ip_str(&n->address).s, "192.0.2.2");
	assert_int_equal(n->asn, 65000);
	assert_null(n->description);
	assert_true(n->family_evpn);
	assert_false(n->passive);
	assert_int_equal(n->port, 179);
	assert_int_equal(n->hold_time, 90);
	assert_null(n->password);
	assert_null(n->password_file);
	assert_int_equal(n->ttl_security, 0);
	assert_false(n->route_reflector_client);
	assert_int_equal(n->max_prefixes, 0);
	assert_int_equal(n->max_prefixes_warning, 75);
	assert_int_equal(n->max_prefixes_restart, 0);
	assert_int_equal(n->role, CONFIG_ROLE_NONE);
	config_free(c);
}

static void vni_defaults(void **state)
{
	struct config *c = load_good("vtep: 192.0.2.1\nvnis: [{vni: 16777215}]\nvxlan-port: 8472\nunderlay: eth7\n");
	const struct config_vni *v = c->vnis;

	assert_int_equal(c->n_vnis, 1);
	assert_int_equal(v->vni, 16777215);
	assert_int_equal(v->mode, CONFIG_MODE_EVPN);
	assert_string_equal(v->bridge, "br16777215");
	assert_string_equal(v->vxlan, "vxlan16777215");
	assert_int_equal(v->n_ports, 0);
	assert_int_equal(v->vlan, 0);
	assert_int_equal(v->vxlan_port, 8472);
	assert_string_equal(v->underlay, "eth7");
	assert_true(v->rd.is_auto);
	assert_int_equal(v->n_imports, 1);
	assert_true(v->imports[0].is_auto);
	assert_int_equal(v->n_exports, 1);
	assert_true(v->exports[0].is_auto);
	assert_true(v->arp_suppression);
	assert_int_equal(v->group.len, 0);
	assert_int_equal(v->n_flood, 0);
	assert_false(v->unknown_unicast_drop);
	assert_false(v->inner_tags_drop);
	assert_false(v->rsc);
	assert_int_equal(v->resolver, CONFIG_RESOLVER_NONE);
	assert_null(v->resolver_file);
	assert_null(v->resolver_command);
	assert_int_equal(v->n_hosts, 0);
	config_free(c);
}

static void every_key_of_the_speaker_lands_in_its_field(void **state)
{
	struct config *c = load_good("asn: 4294967295\n"
				     "router-id: 1.2.3.4\n"
				     "cluster-id: 5.6.7.8\n"
				     "vtep: 2001:db8::1\n"
				     "vxlan-port: 8472\n"
				     "underlay: eth0.100\n"
				     "listen: [{address: 192.0.2.1, port: 1179}, {address: \"::\"}]\n"
				     "dataplane: userspace\n"
				     "workers: 64\n"
				     "worker-cpus: [3, 1023]\n"
				     "outer: {ttl: 255, dscp: 63, copy-dscp: true, df: false, checksum: false}\n"
				     "restart: {time: 4095, rows: flush, long-lived: 16777215}\n"
				     "control: {group: evpnd}\n"
				     "log: {level: debug}\n"
				     "memory-limit: 16777216\n"
				     "reflect-unknown: true\n");

	assert_int_equal(c->asn, 4294967295);
	assert_int_equal(c->router_id, 0x01020304);
	assert_int_equal(c->cluster_id, 0x05060708);
	assert_string_equal(ip_str(&c->vtep).s, "2001:db8::1");
	assert_int_equal(c->vxlan_port, 8472);
	assert_string_equal(c->underlay, "eth0.100");
	assert_int_equal(c->n_listen, 2);
	assert_string_equal(ip_str(&c->listen[0].address).s, "192.0.2.1");
	assert_int_equal(c->listen[0].port, 1179);
	assert_string_equal(ip_str(&c->listen[1].address).s, "::");
	assert_int_equal(c->listen[1].port, 179);
	assert_int_equal(c->dataplane, CONFIG_DP_USERSPACE);
	assert_int_equal(c->workers, 64);
	assert_int_equal(c->n_worker_cpus, 2);
	assert_int_equal(c->worker_cpus[1], 1023);
	assert_int_equal(c->outer.ttl, 255);
	assert_int_equal(c->outer.dscp, 63);
	assert_true(c->outer.copy_dscp);
	assert_false(c->outer.df);
	assert_false(c->outer.checksum);
	assert_int_equal(c->restart_time, 4095);
	assert_int_equal(c->restart_long_lived, 16777215);
	assert_int_equal(c->restart_rows, CONFIG_ROWS_FLUSH);
	assert_string_equal(c->control_group, "evpnd");
	assert_int_equal(c->log_level, LOG_DEBUG);
	assert_int_equal(c->memory_limit, 16777216);
	assert_true(c->reflect_unknown);
	config_free(c);
}

static void listen_may_be_one_map(void **state)
{
	struct config *c = load_good("listen: {port: 1179}\n");

	assert_int_equal(c->n_listen, 1);
	assert_int_equal(c->listen[0].address.len, 0);
	assert_int_equal(c->listen[0].port, 1179);
	config_free(c);
}

static void every_key_of_a_neighbor_lands_in_its_field(void **state)
{
	struct config *c = load_good("asn: 1\nrouter-id: 192.0.2.1\nneighbors:\n"
				     "  - address: 2001:db8::2\n"
				     "    asn: 4200000000\n"
				     "    description: 'spine: \"1\"'\n"
				     "    families: [\"evpn\"]\n"
				     "    passive: true\n"
				     "    port: 1179\n"
				     "    hold-time: 0\n"
				     "    password: \"pass word\"\n"
				     "    ttl-security: 254\n"
				     "    max-prefixes: 4294967295\n"
				     "    max-prefixes-warning: 100\n"
				     "    max-prefixes-restart: 86400\n"
				     "    role: rs-client\n"
				     "  - address: 127.0.0.1\n"
				     "    asn: 1\n"
				     "    route-reflector-client: true\n");
	const struct config_neighbor *n = c->neighbors;

	assert_int_equal(c->n_neighbors, 2);
	assert_string_equal(ip_str(&n->address).s, "2001:db8::2");
	assert_int_equal(n->asn, 4200000000);
	assert_string_equal(n->description, "spine: \"1\"");
	assert_true(n->family_evpn);
	assert_true(n->passive);
	assert_int_equal(n->port, 1179);
	assert_int_equal(n->hold_time, 0);
	assert_string_equal(n->password, "pass word");
	assert_int_equal(n->ttl_security, 254);
	assert_false(n->route_reflector_client);
	assert_int_equal(n->max_prefixes, 4294967295);
	assert_int_equal(n->max_prefixes_warning, 100);
	assert_int_equal(n->max_prefixes_restart, 86400);
	assert_int_equal(n->role, CONFIG_ROLE_RS_CLIENT);
	assert_true(n[1].route_reflector_client);
	config_free(c);
}

static void every_key_of_a_vni_lands_in_its_field(void **state)
{
	static const uint8_t rd[8] = { 0, 2, 0xfa, 0x56, 0xea, 0x00, 0x00, 0x07 };
	static const uint8_t rt_as[8] = { 0, 2, 0xfd, 0xe8, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t rt_ip[8] = { 1, 2, 192, 0, 2, 1, 0xff, 0xff };
	static const char text[] = "dataplane: none\nvtep: 192.0.2.1\nvnis:\n"
				   "  - vni: 1\n"
				   "    mode: evpn\n"
				   "    bridge: none\n"
				   "    vxlan: vx\n"
				   "    ports: [veth1, \"tap:tap100\", {name: eth1, vlan: 4094}, {name: \"tap:t\"}]\n"
				   "    vlan: 7\n"
				   "    vxlan-port: 1\n"
				   "    underlay: eth1\n"
				   "    rd: 4200000000:7\n"
				   "    import: [65000:4294967295, auto]\n"
				   "    export: [192.0.2.1:65535]\n"
				   "    arp-suppression: false\n"
				   "    group: 239.1.1.1\n"
				   "    flood: [192.0.2.2, \"::ffff:192.0.2.3\"]\n"
				   "    unknown-unicast: drop\n"
				   "    inner-tags: drop\n"
				   "    hosts:\n"
				   "      - {mac: 02:00:00:00:00:0A, ip: 2001:db8::1, vtep: 192.0.2.2, router: true}\n"
				   "      - {mac: \"02:00:00:00:00:0b\", vtep: 192.0.2.3}\n"
				   "  - {vni: 2, mode: dynamic-l2, rsc: true, resolver: {file: /run/hosts}}\n"
				   "  - {vni: 3, mode: dynamic-l3, resolver: {command: [/bin/find-it, \"--all\", b]}}\n"
				   "  - {vni: 4, mode: dynamic-l2, resolver: rib, groups: [\"ff02::fb\"]}\n";
	struct config *c = load_good(text);
	const struct config_vni *v = c->vnis;

	assert_int_equal(v->mode, CONFIG_MODE_EVPN);
	assert_null(v->bridge);
	assert_string_equal(v->vxlan, "vx");
	assert_int_equal(v->n_ports, 4);
	assert_string_equal(v->ports[0].name, "veth1");
	assert_false(v->ports[0].tap);
	assert_int_equal(v->ports[0].vlan, 0);
	assert_string_equal(v->ports[1].name, "tap100");
	assert_true(v->ports[1].tap);
	assert_string_equal(v->ports[2].name, "eth1");
	assert_int_equal(v->ports[2].vlan, 4094);
	assert_string_equal(v->ports[3].name, "t");
	assert_true(v->ports[3].tap);
	assert_int_equal(v->vlan, 7);
	assert_int_equal(v->vxlan_port, 1);
	assert_string_equal(v->underlay, "eth1");
	assert_false(v->rd.is_auto);
	assert_memory_equal(v->rd.b, rd, 8);
	assert_int_equal(v->n_imports, 2);
	assert_memory_equal(v->imports[0].b, rt_as, 8);
	assert_true(v->imports[1].is_auto);
	assert_int_equal(v->n_exports, 1);
	assert_memory_equal(v->exports[0].b, rt_ip, 8);
	assert_false(v->arp_suppression);
	assert_string_equal(ip_str(&v->group).s, "239.1.1.1");
	assert_int_equal(v->n_flood, 2);
	assert_string_equal(ip_str(&v->flood[1]).s, "192.0.2.3");
	assert_true(v->unknown_unicast_drop);
	assert_true(v->inner_tags_drop);
	assert_true(c->vnis[1].rsc);
	assert_int_equal(v->resolver, CONFIG_RESOLVER_NONE);
	assert_int_equal(v->n_hosts, 2);
	assert_string_equal(mac_str(&v->hosts[0].mac).s, "02:00:00:00:00:0a");
	assert_string_equal(ip_str(&v->hosts[0].ip).s, "2001:db8::1");
	assert_string_equal(ip_str(&v->hosts[0].vtep).s, "192.0.2.2");
	assert_true(v->hosts[0].router);
	assert_int_equal(v->hosts[1].ip.len, 0);
	assert_false(v->hosts[1].router);
	assert_int_equal(v[1].resolver, CONFIG_RESOLVER_FILE);
	assert_string_equal(v[1].resolver_file, "/run/hosts");
	assert_int_equal(v[2].resolver, CONFIG_RESOLVER_COMMAND);
	assert_string_equal(v[2].resolver_command[1], "--all");
	assert_null(v[2].resolver_command[3]);
	assert_int_equal(v[3].resolver, CONFIG_RESOLVER_RIB);
	assert_int_equal(v[3].n_groups, 1);
	assert_string_equal(ip_str(&v[3].groups[0]).s, "ff02::fb");
	config_free(c);
}

static void words_are_those_of_their_enums(void **state)
{
	for (int i = 0; i <= CONFIG_MODE_DYNAMIC_L3; i++) {
		const char *where = i == CONFIG_MODE_MULTICAST	? "    group: 239.0.0.1\n" :
				    i == CONFIG_MODE_STATIC_L3 ? "" :
				    i >= CONFIG_MODE_DYNAMIC_L2 ? "    resolver: rib\n" :
								 "    flood: [192.0.2.2]\n";
		char text[256];
		struct config *c;

		snprintf(text, sizeof(text),
			 VNI "mode: %s\n%s    hosts: [{mac: 02:00:00:00:00:01, ip: 10.0.0.1, vtep: 192.0.2.2}]",
			 config_mode_name(i), where);
		c = load_good(text);
		assert_int_equal(c->vnis[0].mode, i);
		config_free(c);
	}
	for (int i = 0; i <= LOG_DEBUG; i++) {
		char text[64];
		struct config *c;

		snprintf(text, sizeof(text), "log: {level: %s}\n", log_level_name(i));
		c = load_good(text);
		assert_int_equal(c->log_level, i);
		config_free(c);
	}
	assert_string_equal(config_dataplane_name(CONFIG_DP_KERNEL), "kernel");
	assert_string_equal(config_dataplane_name(CONFIG_DP_USERSPACE), "userspace");
	assert_string_equal(config_dataplane_name(CONFIG_DP_NONE), "none");
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

struct dir {
	char path[64], file[96], key[96];
};

static void write_file(const char *path, const char *data, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

static struct dir make_dir(const char *config)
{
	struct dir d = { .path = "/tmp/evpnd-test-XXXXXX" };

	assert_non_null(mkdtemp(d.path));
	snprintf(d.file, sizeof(d.file), "%s/evpnd.yaml", d.path);
	snprintf(d.key, sizeof(d.key), "%s/key", d.path);
	write_file(d.file, config, strlen(config));
	return d;
}

static void remove_dir(const struct dir *d)
{
	unlink(d->file);
	unlink(d->key);
	rmdir(d->path);
}

static void password_file_is_read_beside_the_configuration(void **state)
{
	struct dir d = make_dir(NEIGHBOR "password-file: key");
	struct config_errors err;
	struct config *c;

	write_file(d.key, "sec ret\n", 8);
	c = config_load(d.file, &err);
	assert_non_null(c);
	assert_string_equal(c->neighbors[0].password, "sec ret");
	assert_string_equal(c->neighbors[0].password_file, "key");
	config_free(c);
	remove_dir(&d);
}

static void bad_password_files_are_errors(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		const char *found;
	} bad[] = {
		{ "", 0, "an empty file" }, { "\n", 1, "an empty file" }, { "a\nb\n", 4, "several lines" },
		{ "a\0b\n", 4, "several lines" }, { X40 X40 "x\n", 82, "more" }, { X40 X40 X40 "\n", 121, "more" },
		{ NULL, 0, "No such file or directory" },
	};
	struct dir d = make_dir(NEIGHBOR "password-file: key");

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct config_errors err;
		char expected[512];

		unlink(d.key);
		if (bad[i].data)
			write_file(d.key, bad[i].data, bad[i].len);
		assert_null(config_load(d.file, &err));
		snprintf(expected, sizeof(expected),
			 "%s:6:20: neighbors[0].password-file: expected a file with one line of 1 to 80 octets, "
			 "found %s: %s",
			 d.file, d.key, bad[i].found);
		assert_int_equal(err.n, 1);
		assert_string_equal(err.lines[0], expected);
		config_errors_free(&err);
	}
	remove_dir(&d);
}

static void files_that_cannot_be_read_are_errors(void **state)
{
	struct config_errors err;

	assert_null(config_load("/nonexistent/evpnd.yaml", &err));
	assert_int_equal(err.n, 1);
	assert_string_equal(err.lines[0],
			    "/nonexistent/evpnd.yaml: expected a file that can be read, found: No such file or "
			    "directory");
	config_errors_free(&err);
	assert_null(config_load("/", &err));
	assert_string_equal(err.lines[0], "/: expected a file that can be read, found: Is a directory");
	config_errors_free(&err);
	assert_null(config_load("/dev/zero", &err));
	assert_string_equal(err.lines[0], "/dev/zero:1:1: expected at most 16 MiB, found more");
	config_errors_free(&err);
}

/* ---- bounds ------------------------------------------------------------------------------------------------------ */

static struct config_errors errors_of(const struct buf *text)
{
	struct config_errors err;

	assert_null(config_parse("x", buf_data(text), text->len, &err));
	return err;
}

static void deep_nesting_is_refused(void **state)
{
	static const char *const levels[] = { "[", "{a: ", "- " };

	for (size_t k = 0; k < 3; k++) {
		struct config_errors err;
		struct buf b;

		buf_init(&b);
		buf_adds(&b, k == 2 ? "a:\n  " : "a: ");
		for (int i = 0; i < 100000; i++)
			buf_adds(&b, levels[k]);
		err = errors_of(&b);
		assert_non_null(strstr(err.lines[err.n - 1], "at most 32 levels of lists and maps"));
		config_errors_free(&err);
		buf_fini(&b);
	}
}

static void long_lists_are_refused(void **state)
{
	struct config_errors err;
	struct buf b;

	buf_init(&b);
	buf_adds(&b, VNI "ports: [");
	for (int i = 0; i < 5000; i++)
		buf_printf(&b, "p%d, {name: q%d}, ", i, i);
	buf_adds(&b, "]\nasn: 0\n");
	err = errors_of(&b);
	assert_non_null(strstr(err.lines[0], "x:4:12: vnis[0].ports: expected at most 4096 items, found more"));
	buf_reset(&b);
	config_errors_free(&err);
	buf_adds(&b, "listen: [");
	for (int i = 1; i < 100; i++)
		buf_printf(&b, "{port: %d}, ", i);
	buf_adds(&b, "]\nasn: 0\n");
	err = errors_of(&b);
	assert_int_equal(err.n, 2);
	assert_string_equal(err.lines[0], "x:1:9: listen: expected at most 64 items, found more");
	assert_string_equal(err.lines[1], "x:2:6: asn: expected a number from 1 to 4294967295, found \"0\"");
	config_errors_free(&err);
	buf_fini(&b);
}

static void errors_are_bounded_in_number_and_length(void **state)
{
	struct config_errors err;
	struct buf b;

	buf_init(&b);
	for (int i = 0; i < 5000; i++)
		buf_adds(&b, "a: \n");
	err = errors_of(&b);
	assert_int_equal(err.n, LOAD_ERRORS_MAX + 1);
	assert_string_equal(err.lines[LOAD_ERRORS_MAX],
			    "x: expected a configuration, found more than 1000 errors and stopped");
	config_errors_free(&err);
	buf_reset(&b);
	buf_adds(&b, "asn: ");
	for (int i = 0; i < 100000; i++)
		buf_adds(&b, "\u00e4");
	err = errors_of(&b);
	/* 44 octets of 45, not in the midst of a character */
	assert_non_null(strstr(err.lines[0], "found \"\u00e4\u00e4"));
	assert_int_equal(strlen(strstr(err.lines[0], "found ")), strlen("found \"") + 44 + strlen("\"..."));
	config_errors_free(&err);
	buf_reset(&b);
	for (int i = 0; i < 1000; i++)
		buf_adds(&b, "long-key-");
	buf_adds(&b, ": 1\n");
	err = errors_of(&b);
	assert_true(strlen(err.lines[0]) < 300);
	config_errors_free(&err);
	buf_fini(&b);
}

static void errors_do_not_tell_passwords(void **state)
{
	static const char *const texts[] = { NEIGHBOR "password: \"hunter2\\0\"", NEIGHBOR "password: hunter2" X40 X40,
					     NEIGHBOR "password: hunter2\n    password-file: x" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct config_errors err;

		assert_null(load(texts[i], &err));
		assert_int_equal(err.n, 1);
		assert_null(strstr(err.lines[0], "hunter2"));
		config_errors_free(&err);
	}
}

static void a_hundred_thousand_hosts_load(void **state)
{
	struct config_errors err;
	struct config *c;
	struct buf b;

	buf_init(&b);
	buf_adds(&b, VNI "hosts:\n");
	for (unsigned i = 0; i < 100000; i++)
		buf_printf(&b, "      - {mac: 02:00:00:%02x:%02x:%02x, ip: 10.%u.%u.%u, vtep: 192.0.2.2}\n", i >> 16,
			   i >> 8 & 255, i & 255, i >> 16, i >> 8 & 255, i & 255);
	c = config_parse("x", buf_data(&b), b.len, &err);
	assert_non_null(c);
	assert_int_equal(c->vnis[0].n_hosts, 100000);
	assert_string_equal(ip_str(&c->vnis[0].hosts[99999].ip).s, "10.1.134.159");
	config_free(c);
	buf_fini(&b);
}

/* Any octets are a configuration or errors, whatever was made of a good file. */
static void changed_octets_do_no_harm(void **state)
{
	static const char good[] = NEIGHBOR
		"password: \"a\\x20b\"\n    families: [evpn]\nlisten: {port: 5}\nvtep: 192.0.2.1\nvnis:\n"
		"  - vni: 1\n    ports: [a, \"tap:b\", {name: c, vlan: 5}]\n    import: [auto, 1:2]\n"
		"    hosts: [{mac: 02:00:00:00:00:01, ip: 10.0.0.1, vtep: 192.0.2.2}]\n"
		"    mode: dynamic-l2\n    resolver: {command: [/a, b]}\n";
	static const char special[] = ":-?,[]{}#&*!|>'\"%@`\n\t ~\0\xff\xc3\xe2";
	struct rng r = rng_start("config octets");

	for (int i = 0; i < 20000; i++) {
		char text[sizeof(good)];
		struct config_errors err;
		struct config *c;

		memcpy(text, good, sizeof(good));
		for (uint32_t n = 1 + rng_below(&r, 4); n; n--) {
			char *at = &text[rng_below(&r, sizeof(good) - 1)];

			*at = rng_below(&r, 2) ? special[rng_below(&r, sizeof(special))] : (char)rng_u64(&r);
		}
		c = config_parse("x", text, sizeof(good) - 1, &err);
		assert_true(c ? !err.n : err.n > 0);
		config_free(c);
		config_errors_free(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_files_are_all_defaults),
		cmocka_unit_test(no_text_at_all_is_an_empty_file),
		cmocka_unit_test(neighbor_defaults),
		cmocka_unit_test(vni_defaults),
		cmocka_unit_test(every_key_of_the_speaker_lands_in_its_field),
		cmocka_unit_test(listen_may_be_one_map),
		cmocka_unit_test(every_key_of_a_neighbor_lands_in_its_field),
		cmocka_unit_test(every_key_of_a_vni_lands_in_its_field),
		cmocka_unit_test(words_are_those_of_their_enums),
		cmocka_unit_test(password_file_is_read_beside_the_configuration),
		cmocka_unit_test(bad_password_files_are_errors),
		cmocka_unit_test(files_that_cannot_be_read_are_errors),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(long_lists_are_refused),
		cmocka_unit_test(errors_are_bounded_in_number_and_length),
		cmocka_unit_test(errors_do_not_tell_passwords),
		cmocka_unit_test(a_hundred_thousand_hosts_load),
		cmocka_unit_test(changed_octets_do_no_harm),
	};

	return RUN_TESTS(tests);
}

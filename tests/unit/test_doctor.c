/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Checks of the doctor that read files of the host, over files of a test's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/doctor.h"
#include "tests/lib/test.h"

#define CONFIG "asn: 65000\nrouter-id: 192.0.2.1\nvtep: 192.0.2.1\nunderlay: lo\nvnis: [{vni: 100}]\n"

struct host {
	char root[64];
	struct config *config;
	struct doctor x;
};

static int setup(void **state)
{
	struct config_errors errors = { 0 };
	struct host *h = xcalloc(1, sizeof(*h));

	snprintf(h->root, sizeof(h->root), "/tmp/test_doctor.XXXXXX");
	assert_non_null(mkdtemp(h->root));
	h->config = config_parse("test", CONFIG, strlen(CONFIG), &errors);
	assert_non_null(h->config);
	assert_int_equal(doctor_begin(&h->x, h->config, NULL), 0);
	while (h->x.reading)
		assert_true(doctor_next(&h->x, doctor_host_checks));
	h->x.root = h->root;
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct host *h = *state;
	char command[128];

	doctor_end(&h->x);
	config_free(h->config);
	snprintf(command, sizeof(command), "rm -r %s", h->root);
	assert_int_equal(system(command), 0);
	free(h);
	return 0;
}

/* A file below the test's root, with the folders that it needs. */
static void put(const struct host *h, const char *path, const char *text)
{
	char full[256];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", h->root, path);
	for (char *at = full + strlen(h->root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(full, 0755);
		*at = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* What the check says now: a finding or NULL. */
static const struct doctor_finding *find(struct host *h, bool (*check)(struct doctor *x))
{
	h->x.n = h->x.more = 0;
	h->x.at = 0;
	assert_false(check(&h->x));
	assert_true(h->x.n <= 1);
	if (h->x.n) {
		assert_true(h->x.findings[0].why[0]);
		assert_true(h->x.findings[0].command[0]);
	}
	return h->x.n ? &h->x.findings[0] : NULL;
}

#define assert_says(f, c, words)                                     \
	do {                                                         \
		assert_non_null(f);                                  \
		assert_string_equal((f)->code, c);                   \
		if (!strstr((f)->what, words) && !strstr((f)->command, words)) \
			fail_msg("\"%s\" is not in \"%s\"", words, (f)->what); \
	} while (0)

static void bridge_filters_count_only_with_rules(void **state)
{
	struct host *h = *state;

	assert_null(find(h, doctor_bridge_filters)); /* no br_netfilter */
	put(h, "proc/sys/net/bridge/bridge-nf-call-iptables", "1\n");
	assert_null(find(h, doctor_bridge_filters)); /* no rules */
	put(h, "proc/net/ip_tables_names", "nat\n");
	assert_null(find(h, doctor_bridge_filters));
	put(h, "proc/net/ip_tables_names", "nat\nfilter\n");
	assert_says(find(h, doctor_bridge_filters), "bridge-filter", "sysctl -w net.bridge.bridge-nf-call-iptables=0");
	put(h, "proc/sys/net/bridge/bridge-nf-call-iptables", "0\n");
	assert_null(find(h, doctor_bridge_filters));
}

static void reverse_path_counts_only_when_it_has_dropped(void **state)
{
	struct host *h = *state;
	const char *none =
		"TcpExt: SyncookiesSent IPReversePathFilter\nTcpExt: 5 0\nIpExt: IPReversePathFilter\nIpExt: 9\n";
	const char *some = "TcpExt: SyncookiesSent IPReversePathFilter\nTcpExt: 5 17\nIpExt: InNoRoutes\nIpExt: 9\n";

	put(h, "proc/net/netstat", some);
	assert_null(find(h, doctor_reverse_path)); /* off */
	put(h, "proc/sys/net/ipv4/conf/lo/rp_filter", "2\n");
	assert_null(find(h, doctor_reverse_path)); /* loose */
	put(h, "proc/sys/net/ipv4/conf/lo/rp_filter", "1\n");
	assert_says(find(h, doctor_reverse_path), "reverse-path", "dropped 17 packets");
	put(h, "proc/net/netstat", none);
	assert_null(find(h, doctor_reverse_path));
	put(h, "proc/net/netstat", some);
	put(h, "proc/sys/net/ipv4/conf/lo/rp_filter", "0\n");
	put(h, "proc/sys/net/ipv4/conf/all/rp_filter", "1\n");
	assert_says(find(h, doctor_reverse_path), "reverse-path", "net.ipv4.conf.all.rp_filter=2");
}

static void neighbour_table_is_nearly_full(void **state)
{
	struct host *h = *state;

	put(h, "proc/net/stat/arp_cache", "entries  allocs destroys\n00000385  00000001 00000000\n00000385  0 0\n");
	assert_null(find(h, doctor_neighbour_table)); /* not the first network namespace: no limit is told */
	put(h, "proc/sys/net/ipv4/neigh/default/gc_thresh3", "2048\n");
	assert_null(find(h, doctor_neighbour_table));
	put(h, "proc/sys/net/ipv4/neigh/default/gc_thresh3", "1000\n");
	assert_says(find(h, doctor_neighbour_table), "neighbour-limit",
		    "901 IPv4 neighbours are known, and the kernel takes 1000");
	put(h, "proc/sys/net/ipv4/neigh/default/gc_thresh3", "1100\n");
	assert_null(find(h, doctor_neighbour_table));
}

static void networkd_is_told_to_keep_out(void **state)
{
	struct host *h = *state;
	/* protocol 0, process 77, the group of nexthops: 1 << 31 */
	const char *listens = "sk Eth Pid Groups Rmem\n0000000000000000 0 77 80000000 0 0 0 2 0 1\n";

	put(h, "usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-257.so", "");
	assert_null(find(h, doctor_networkd));
	put(h, "proc/net/netlink", listens);
	put(h, "proc/77/comm", "zebra\n");
	assert_null(find(h, doctor_networkd));
	put(h, "proc/77/comm", "systemd-network\n");
	assert_says(find(h, doctor_networkd), "networkd", "ManageForeignNextHops=no");
	put(h, "etc/systemd/networkd.conf.d/ours.conf", "[Network]\nManageForeignNextHops=no\n");
	assert_null(find(h, doctor_networkd));
}

/* Before 256 it aborts at nexthops, and evpnd writes none. */
static void networkd_without_nexthops_is_no_finding(void **state)
{
	struct host *h = *state;

	put(h, "usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so", "");
	put(h, "proc/net/netlink", "sk Eth Pid Groups Rmem\n0000000000000000 0 77 80000000 0 0 0 2 0 1\n");
	put(h, "proc/77/comm", "systemd-network\n");
	assert_null(find(h, doctor_networkd));
}

static void sockets_of_others_are_seen(void **state)
{
	struct host *h = *state;
	/* 0.0.0.0:4789; an unbound line of another port */
	const char *udp =
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
		"  12: 00000000:0045 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 11 2 0 0\n";
	const char *taken =
		"  12: 00000000:12B5 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 11 2 0 0\n";

	put(h, "proc/net/udp", udp);
	assert_null(find(h, doctor_udp_port));
	put(h, "proc/net/udp6", taken);
	assert_says(find(h, doctor_udp_port), "udp-port", "UDP port 4789");
}

static void findings_of_one_check_are_bounded(void **state)
{
	struct host *h = *state;

	for (unsigned i = 0; i < DOCTOR_FINDINGS_MAX + 3; i++)
		doctor_find(&h->x, DOCTOR_WARNING, "test", "number %u", i);
	assert_int_equal(h->x.n, DOCTOR_FINDINGS_MAX);
	assert_int_equal(h->x.more, 3);
	assert_string_equal(h->x.findings[DOCTOR_FINDINGS_MAX - 1].what, "number 63");
}

static void a_finding_is_a_json_object(void **state)
{
	struct host *h = *state;
	struct doctor_finding *f = doctor_find(&h->x, DOCTOR_ERROR, "test", "\"%s\"", "quoted");
	struct buf out;

	buf_init(&out);
	f->vni = 100;
	doctor_why(f, "why");
	doctor_print(f, &out);
	assert_memory_equal(buf_data(&out),
			    "{\"code\":\"test\",\"severity\":\"error\",\"vni\":100,\"neighbor\":null,\"device\":null,"
			    "\"what\":\"\\\"quoted\\\"\",\"why\":\"why\",\"command\":null}",
			    out.len);
	buf_fini(&out);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(bridge_filters_count_only_with_rules),
		T(reverse_path_counts_only_when_it_has_dropped),
		T(neighbour_table_is_nearly_full),
		T(networkd_is_told_to_keep_out),
		T(networkd_without_nexthops_is_no_finding),
		T(sockets_of_others_are_seen),
		T(findings_of_one_check_are_bounded),
		T(a_finding_is_a_json_object),
	};

	return RUN_TESTS(tests);
}

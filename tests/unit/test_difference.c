/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What a reload says that it will do, and which changes a session survives. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cmd/evpnd/difference.h"

#define HEAD "asn: 65001\nrouter-id: 192.0.2.1\nvtep: 192.0.2.1\n"
#define NEIGHBOR "  - address: 192.0.2.2\n    asn: 65001\n"

static struct config *load(const char *text)
{
	struct config_errors err = { 0 };
	struct config *c = config_parse("test", text, strlen(text), &err);

	if (!c)
		fail_msg("%s", err.lines[0]);
	return c;
}

/* What going over from one to the other says. */
static void check_says(const char *was, const char *is, const char *want)
{
	struct config *a = load(was), *b = load(is);
	struct buf out;

	buf_init(&out);
	difference_say(a, b, &out);
	buf_add(&out, "", 1);
	assert_string_equal(buf_data(&out), want);
	buf_fini(&out);
	config_free(a);
	config_free(b);
}

static void check_key(const char *was, const char *is, const char *want)
{
	char a[512], b[512], text[256];

	snprintf(a, sizeof(a), HEAD "neighbors:\n" NEIGHBOR "%s", was);
	snprintf(b, sizeof(b), HEAD "neighbors:\n" NEIGHBOR "%s", is);
	snprintf(text, sizeof(text), "%s%s%s", *want ? "neighbor 192.0.2.2 changes " : "", want, *want ? "\n" : "");
	check_says(a, b, text);
}

static void keys_that_a_session_survives(void **state)
{
	check_key("", "", "");
	check_key("", "    port: 179\n", "");
	check_key("", "    description: leaf\n", "(description: leaf): its session stays");
	check_key("    description: leaf\n", "", "(description: leaf goes): its session stays");
	check_key("    port: 1179\n", "", "(port: 179): its session stays");
	check_key("", "    passive: true\n", "(passive: true): its session stays");
	check_key("", "    port: 1179\n", "(port: 1179): its session stays");
	check_key("", "    max-prefixes: 9\n", "(max-prefixes: 9): its session stays");
	check_key("    max-prefixes: 9\n", "    max-prefixes: 9\n    max-prefixes-restart: 5\n",
		  "(max-prefixes-restart: 5): its session stays");
}

static void keys_that_it_does_not_survive(void **state)
{
	check_key("", "    hold-time: 30\n", "(hold-time: 30): its session is reset (Cease/6)");
	check_key("    ttl-security: 1\n", "", "(ttl-security: 1 goes): its session is reset (Cease/6)");
	check_key("", "    route-reflector-client: true\n",
		  "(route-reflector-client: true): its session is reset (Cease/6)");
	check_key("", "    description: x\n    hold-time: 30\n", "(hold-time: 30): its session is reset (Cease/6)");
}

static void a_password_is_not_said(void **state)
{
	check_key("    password: one\n", "    password: two\n", "(password): its session is reset (Cease/6)");
	check_key("", "    password: two\n", "(password: \"***\"): its session is reset (Cease/6)");
}

static void what_comes_and_goes(void **state)
{
	check_says(HEAD "neighbors:\n" NEIGHBOR "vnis: [{vni: 1}, {vni: 2}, {vni: 3}]\n",
		   HEAD "neighbors: [{address: 192.0.2.3, asn: 65001}]\n"
			"vnis: [{vni: 2}, {vni: 3, arp-suppression: false}, {vni: 4}]\n",
		   "neighbor 192.0.2.2 goes: its session ends (Cease/3)\nneighbor 192.0.2.3 comes\nVNI 1 goes\n"
		   "VNI 3 changes (arp-suppression: false): it is made anew\nVNI 4 comes\n");
}

static void hosts_alone(void **state)
{
#define HOSTS(ip, mode) \
	HEAD "vnis: [{vni: 1, mode: " mode ", hosts: [{mac: \"02:00:00:00:00:01\", ip: " ip ", vtep: 192.0.2.2}]}]\n"
	check_says(HOSTS("10.0.0.1", "static-l2"), HOSTS("10.0.0.2", "static-l2"),
		   "VNI 1 changes (hosts): nothing else of it does\n");
	check_says(HOSTS("10.0.0.1", "static-l2"), HOSTS("10.0.0.2", "static-l3"),
		   "VNI 1 changes (mode: static-l3): it is made anew\n");
	check_says(HOSTS("10.0.0.1", "static-l2"), HOSTS("10.0.0.1", "static-l2"), "");
}

/* In the words of the file, not by what follows from them. */
static void a_group_is_named(void **state)
{
	check_says(HEAD "vnis: [{vni: 1}]\n", HEAD "vnis: [{vni: 1, group: 239.1.1.1}]\n",
		   "VNI 1 changes (group: 239.1.1.1): it is made anew\n");
}

static void what_changes_of_the_daemon_itself(void **state)
{
#define OWN HEAD "memory-limit: 100\nlog: {level: warn}\nrestart: {rows: flush}\n"
	check_says(HEAD, OWN, "evpnd changes (log: {level: warn})\nevpnd changes (restart: {rows: flush})\n"
			      "evpnd changes (memory-limit: 100)\n");
	check_says(OWN, HEAD, "evpnd changes (log: {level: info})\nevpnd changes (restart: {time: 120, rows: keep})\n"
			      "evpnd changes (memory-limit: 100 goes)\n");
	check_says(OWN, OWN, "");
}

static void what_needs_a_restart_is_named(void **state)
{
	struct config *a = load(HEAD), *b = load("asn: 65002\nrouter-id: 192.0.2.1\nvtep: 192.0.2.1\n");
	struct config *c = load(HEAD "log: {level: debug}\nneighbors:\n" NEIGHBOR);
	char why[128] = "";

	assert_false(difference_is_applicable(a, b, why, sizeof(why)));
	assert_non_null(strstr(why, "'asn: 65002' needs a restart"));
	assert_true(difference_is_applicable(a, c, why, sizeof(why)));
	config_free(a);
	config_free(b);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_that_a_session_survives),
		cmocka_unit_test(keys_that_it_does_not_survive),
		cmocka_unit_test(a_password_is_not_said),
		cmocka_unit_test(what_comes_and_goes),
		cmocka_unit_test(hosts_alone),
		cmocka_unit_test(a_group_is_named),
		cmocka_unit_test(what_changes_of_the_daemon_itself),
		cmocka_unit_test(what_needs_a_restart_is_named),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* cmd/host_line and cmd/registry: what resolvers write. */
#include <stdio.h>
#include <string.h>

#include "cmd/evpnd/host_line.h"
#include "cmd/evpnd/registry.h"
#include "tests/lib/test.h"

#define HOST(vni, mac, ip, vtep) \
	"{\"vni\": " vni ", \"mac\": \"02:00:00:00:00:" mac "\", \"ip\": " ip ", \"vtep\": \"192.0.2." vtep "\"}\n"

static struct registry *load(const char *text)
{
	char why[256];
	struct registry *r = registry_parse("hosts", text, strlen(text), why, sizeof(why));

	if (!r)
		fail_msg("%s", why);
	return r;
}

static void assert_fault(const char *text, const char *fault)
{
	char why[256] = "";

	assert_null(registry_parse("hosts", text, strlen(text), why, sizeof(why)));
	assert_string_equal(why, fault);
}

static void line_says_what_it_says(void **state)
{
	static const char s[] =
		" { \"id\":7 , \"vni\" : 16777215, \"mac\":\"02:00:00:00:00:0A\", \"ip\":\"2001:db8::1\","
		"\"vtep\":\"192.0.2.2\", \"router\":true, \"name\": \"a \\\"b\\\"\", \"x\": null } \r\n";
	struct host_line l;
	char why[128];

	assert_true(host_line_read(s, strlen(s), &l, why, sizeof(why)));
	assert_int_equal(l.says, HOST_LINE_ID | HOST_LINE_VNI | HOST_LINE_MAC | HOST_LINE_IP | HOST_LINE_VTEP);
	assert_int_equal(l.id, 7);
	assert_int_equal(l.vni, 16777215);
	assert_string_equal(mac_str(&l.host.mac).s, "02:00:00:00:00:0a");
	assert_string_equal(ip_str(&l.host.ip).s, "2001:db8::1");
	assert_true(l.host.router);
	assert_true(host_line_read("{\"vtep\":null}", 13, &l, why, sizeof(why)));
	assert_int_equal(l.says, HOST_LINE_NOWHERE);
	assert_true(host_line_is_empty(" \t# x", 5));
	assert_false(host_line_is_empty("{}", 2));
}

static void every_prefix_of_a_line_is_a_fault(void **state)
{
	static const char s[] = "{\"id\": 7, \"mac\": \"02:00:00:00:00:02\", \"vtep\": \"192.0.2.2\"}";
	struct host_line l;
	char why[128];

	for (size_t n = 0; n + 1 < sizeof(s); n++)
		assert_int_equal(host_line_read(s, n, &l, why, sizeof(why)), n + 1 == sizeof(s));
}

static void faults_are_named(void **state)
{
	assert_fault("\n# x\nwhat?\n", "hosts:3: column 1: expected an object, {\"mac\": ...}");
	assert_fault("{\"vni\": 0}", "hosts:1: vni: expected a number from 1 to 16777215, found \"0\"");
	assert_fault("{\"vni\": 16777216}", "hosts:1: vni: expected a number from 1 to 16777215, found \"16777216\"");
	assert_fault("{\"mac\": \"01:00:5e:00:00:01\"}",
		     "hosts:1: mac: expected the MAC address of a host, found \"01:00:5e:00:00:01\"");
	assert_fault("{\"ip\": \"239.1.1.1\"}",
		     "hosts:1: ip: expected the IP address of a host, or null, found \"239.1.1.1\"");
	assert_fault("{\"vni\": 1, \"mac\": \"02:00:00:00:00:01\"}", "hosts:1: vtep: needed");
	assert_fault("{\"vni\": [1]}", "hosts:1: column 9: expected a string, a whole number, true, false or null");
	assert_fault("{\"vni\": 1} x", "hosts:1: column 12: expected the end of the line");
	assert_fault(HOST("1", "01", "null", "2") HOST("1", "01", "\"10.0.0.1\"", "3"),
		     "hosts:2: vtep: expected 192.0.2.2 as for the same MAC on line 1");
	assert_fault(HOST("1", "01", "\"10.0.0.1\"", "2") HOST("1", "02", "\"10.0.0.1\"", "2"),
		     "hosts:2: ip: expected an address of its own, found that of line 1");
}

static void hosts_are_found(void **state)
{
	struct registry *r = load(HOST("1", "01", "\"10.0.0.1\"", "2") HOST("2", "01", "\"10.0.0.1\"", "3")
					  HOST("1", "01", "\"10.0.0.2\"", "2"));
	struct mac mac = { { 2, 0, 0, 0, 0, 1 } };
	struct ip ip = ip_v4(0x0a000002);

	assert_string_equal(ip_str(&registry_find(r, 2, &mac, NULL)->vtep).s, "192.0.2.3");
	assert_string_equal(ip_str(&registry_find(r, 1, NULL, &ip)->vtep).s, "192.0.2.2");
	assert_null(registry_find(r, 2, NULL, &ip));
	assert_null(registry_find(r, 3, &mac, NULL));
	registry_free(r);
}

struct changes {
	char text[1024];
};

static void note(void *ctx, uint32_t vni, const struct config_host *h, bool there)
{
	struct changes *c = ctx;
	size_t at = strlen(c->text);

	snprintf(c->text + at, sizeof(c->text) - at, "%c%u %s %s %s\n", there ? '+' : '-', vni, mac_str(&h->mac).s,
		 ip_str(&h->ip).s, ip_str(&h->vtep).s);
}

static void what_is_new_is_told_before_what_is_gone(void **state)
{
	struct registry *was =
		load(HOST("1", "01", "null", "2") HOST("1", "02", "null", "2") HOST("1", "03", "\"10.0.0.3\"", "2"));
	struct registry *is =
		load(HOST("1", "04", "\"10.0.0.3\"", "2") HOST("1", "02", "null", "3") HOST("1", "01", "null", "2"));
	struct changes c = { "" };

	registry_compare(was, is, note, &c);
	assert_string_equal(c.text, "+1 02:00:00:00:00:02  192.0.2.3\n+1 02:00:00:00:00:04 10.0.0.3 192.0.2.2\n"
				    "-1 02:00:00:00:00:03 10.0.0.3 192.0.2.2\n");
	c.text[0] = '\0';
	registry_compare(is, is, note, &c);
	assert_string_equal(c.text, "");
	registry_free(was);
	registry_free(is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_says_what_it_says),
		cmocka_unit_test(every_prefix_of_a_line_is_a_fault),
		cmocka_unit_test(faults_are_named),
		cmocka_unit_test(hosts_are_found),
		cmocka_unit_test(what_is_new_is_told_before_what_is_gone),
	};

	return RUN_TESTS(tests);
}

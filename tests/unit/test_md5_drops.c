/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The counters of /proc/net/netstat, wherever a kernel has them in its lines. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "bgp/md5_drops.h"

static bool parse(const char *text, struct md5_drops *out)
{
	char copy[512];

	memset(out, 0xff, sizeof(*out));
	snprintf(copy, sizeof(copy), "%s", text);
	return md5_drops_parse(copy, out);
}

static void counters_are_found_by_name(void **state)
{
	struct md5_drops d;

	assert_true(parse("IpExt: A B\nIpExt: 1 2\nTcpExt: X TCPMD5Failure TCPMD5NotFound Y TCPMD5Unexpected\n"
			  "TcpExt: 9 3 4 8 5\nMPTcpExt: TCPMD5Failure\nMPTcpExt: 7\n", &d));
	assert_int_equal(d.failure, 3);
	assert_int_equal(d.not_found, 4);
	assert_int_equal(d.unexpected, 5);
}

static void without_counters_nothing_is_said(void **state)
{
	struct md5_drops d;

	assert_false(parse("", &d));
	assert_false(parse("TcpExt: TCPMD5Failure", &d));
	assert_false(parse("TcpExt: X Y\nTcpExt: 1 2\n", &d));
	assert_false(parse("IpExt: TCPMD5Failure\nIpExt: 1\n", &d));
	assert_int_equal(d.failure, UINT64_MAX);
}

static void a_short_line_of_numbers_does_no_harm(void **state)
{
	struct md5_drops d;

	assert_true(parse("TcpExt: TCPMD5Failure TCPMD5NotFound\nTcpExt: 3", &d));
	assert_int_equal(d.failure, 3);
	assert_int_equal(d.not_found, 0);
}

static void this_kernel_counts(void **state)
{
	struct md5_drops d;

	if (!md5_drops_read(&d))
		SKIP("a kernel without TCP-MD5");
	assert_true(d.failure != UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_are_found_by_name),
		cmocka_unit_test(without_counters_nothing_is_said),
		cmocka_unit_test(a_short_line_of_numbers_does_no_harm),
		cmocka_unit_test(this_kernel_counts),
	};

	return RUN_TESTS(tests);
}

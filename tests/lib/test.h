/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What every test program includes: cmocka with the headers that it needs before it, tests in a table, honest skips. */
#ifndef TESTS_LIB_TEST_H
#define TESTS_LIB_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define RUN_TESTS(tests) cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL)

/* Ends the test as skipped and says why: tests/run shows the line at its end. */
#define SKIP(...)                                                                                                      \
	do {                                                                                                           \
		print_message("skipped: " __VA_ARGS__);                                                                \
		print_message("\n");                                                                                   \
		skip();                                                                                                \
	} while (0)

#endif

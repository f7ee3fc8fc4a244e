/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Octets in tests as text: "0221 0001c0000201 0002". */
#ifndef TESTS_LIB_HEX_H
#define TESTS_LIB_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Digits of either case, blanks between octets are skipped. Octets written; fails the test on anything else. */
size_t hex_bytes(const char *s, uint8_t *out, size_t cap);
/* Fails the test with both as text when they differ; what says which case it is. */
void hex_assert(const char *what, const uint8_t *got, size_t got_len, const char *want);

#endif

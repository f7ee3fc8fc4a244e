/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Hex text in tests, both ways. */
#include "tests/lib/hex.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

static int digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

size_t hex_bytes(const char *s, uint8_t *out, size_t cap)
{
	size_t n = 0;

	for (; *s; s++) {
		if (isspace((unsigned char)*s))
			continue;
		if (digit(s[0]) < 0 || digit(s[1]) < 0 || n == cap)
			fail_msg("not hex, or more than %zu octets: \"%s\"", cap, s);
		out[n++] = (uint8_t)(digit(s[0]) << 4 | digit(s[1]));
		s++;
	}
	return n;
}

void hex_assert(const char *what, const uint8_t *got, size_t got_len, const char *want)
{
	uint8_t *w = malloc(strlen(want) / 2 + 1);
	size_t n = hex_bytes(want, w, strlen(want) / 2 + 1);
	char *text = calloc(got_len + 1, 2);

	if (n != got_len || (n && memcmp(w, got, n))) {
		for (size_t i = 0; i < got_len; i++)
			sprintf(text + 2 * i, "%02x", got[i]);
		fail_msg("%s: got %s, wanted %s", what, text, want);
	}
	free(text);
	free(w);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * config_parse(): either errors, or a configuration that prints to text which loads to the same again.
 */
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "conf/load.h"
#include "tests/fuzz/fuzz.h"

/* c is freed. */
static void print(struct config *c, bool defaults, struct buf *out)
{
	config_print(c, out, true, defaults);
	config_free(c);
}

static void roundtrip(const struct buf *first, bool defaults)
{
	struct config_errors err = { 0 };
	struct config *c = config_parse("printed", buf_data(first), first->len, &err);
	struct buf second;

	if (!c)
		BUG("what was printed does not load: %s", err.lines[0]);
	buf_init(&second);
	print(c, defaults, &second);
	BUG_ON(first->len != second.len || memcmp(buf_data(first), buf_data(&second), first->len));
	buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	for (int defaults = 0; defaults <= 1; defaults++) {
		struct config_errors err = { 0 };
		struct config *c = config_parse("fuzz", (const char *)data, len, &err);
		struct buf out;

		BUG_ON(!c != (err.n > 0));
		config_errors_free(&err);
		if (!c)
			return 0;
		buf_init(&out);
		print(c, defaults, &out);
		if (out.len)
			roundtrip(&out, defaults);
		buf_fini(&out);
	}
	return 0;
}

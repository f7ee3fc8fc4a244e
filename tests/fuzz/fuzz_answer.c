/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What evpnctl makes of an answer, which may come from an evpnd of another version: rows as a table, as blocks.
 *
 * Input: | verb 1 | options 1 | width 1 | line | line ...
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/wire.h"
#include "cmd/evpnctl/pick.h"
#include "cmd/evpnctl/render.h"
#include "tests/fuzz/fuzz.h"

struct answer {
	const struct view *view;
	struct table *table; /* NULL: the verb has none */
	struct pick pick;
	size_t width; /* 0: no terminal */
	FILE *out;
};

static struct verb_args request(uint8_t verb, uint8_t options)
{
	static const enum verb_arg given[] = { ARG_ADDRESS, ARG_NUMBER,  ARG_DETAIL, ARG_SUMMARY,
					       ARG_KEYS,    ARG_DRY_RUN, ARG_FAMILY, ARG_REJECTED };
	struct verb_args a = { .id = verb % VERB_N };

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		a.v[given[i]] = (struct verb_value){ .given = options >> i & 1, .text = "rtc" };
	return a;
}

/* Members that are picked out of a row are the row's. */
static void check_picked(const json_t *picked, const json_t *row)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)picked, name, value)
		BUG_ON(!json_equal(value, json_object_get(row, name)));
}

static json_t *parse(const struct answer *a, const char *line, size_t len)
{
	json_t *row = json_loadb(line, len, JSON_DECODE_ANY, NULL), *picked;
	struct buf b;

	buf_init(&b);
	if (row && pick_members(&a->pick, line, len, &b)) {
		picked = json_loadb(buf_data(&b), b.len, 0, NULL);
		BUG_ON(!picked);
		check_picked(picked, row);
		json_decref(picked);
	}
	buf_fini(&b);
	return row;
}

static void take_line(struct answer *a, const char *line, size_t len)
{
	json_t *row = parse(a, line, len);

	if (row && a->table)
		table_add(a->table, row);
	if (row && a->view->n_fields)
		block_print(a->view, row, a->width, a->out);
	json_decref(row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rbuf r = rb_init(data, len);
	uint8_t verb = rb_u8(&r), options = rb_u8(&r), width = rb_u8(&r);
	struct verb_args args = request(verb, options);
	struct answer a = { .view = view_of(&args), .width = width };

	if (!a.view)
		return 0;
	a.out = fopen("/dev/null", "w");
	BUG_ON(!a.out);
	a.table = a.view->columns ? table_new(a.view, width, a.out) : NULL;
	a.pick = pick_for(a.view);
	while (rb_left(&r)) {
		const char *line = (const char *)r.p, *end = memchr(line, '\n', rb_left(&r));
		size_t n = end ? (size_t)(end - line) : rb_left(&r);

		take_line(&a, line, n);
		rb_skip(&r, end ? n + 1 : n);
	}
	if (a.table)
		table_finish(a.table);
	fclose(a.out);
	return 0;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Formatters of values that many verbs have; those of one verb are in words.c. */
#include "cmd/evpnctl/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const json_t *format_member(const json_t *row, const char *path)
{
	char name[64];

	while (row && path) {
		const char *dot = strchr(path, '.');
		size_t len = dot ? (size_t)(dot - path) : strlen(path);

		if (len >= sizeof(name))
			return NULL;
		memcpy(name, path, len);
		name[len] = '\0';
		row = json_object_get(row, name);
		path = dot ? dot + 1 : NULL;
	}
	return row;
}

static void format_array(struct buf *out, const json_t *v, const char *separator)
{
	if (!json_array_size(v))
		buf_adds(out, "-");
	for (size_t i = 0; i < json_array_size(v); i++) {
		if (i)
			buf_adds(out, separator);
		format_any(out, json_array_get(v, i), NULL);
	}
}

void format_any(struct buf *out, const json_t *v, const json_t *row)
{
	if (!v || json_is_null(v) || json_is_object(v))
		buf_adds(out, "-");
	else if (json_is_string(v))
		buf_adds(out, json_string_length(v) ? json_string_value(v) : "-");
	else if (json_is_integer(v))
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_real(v))
		buf_printf(out, "%.3f", json_real_value(v));
	else if (json_is_boolean(v))
		buf_adds(out, json_is_true(v) ? "yes" : "no");
	else
		format_array(out, v, ",");
}

void format_words(struct buf *out, const json_t *v, const json_t *row)
{
	if (json_is_array(v))
		format_array(out, v, ", ");
	else
		format_any(out, v, row);
}

void format_phrases(struct buf *out, const json_t *v, const json_t *row)
{
	if (json_is_array(v))
		format_array(out, v, "; ");
	else
		format_any(out, v, row);
}

void format_age(struct buf *out, const json_t *v, const json_t *row)
{
	int64_t s = json_integer_value(v);

	if (!json_is_integer(v))
		buf_adds(out, "-");
	else if (s >= 86400)
		buf_printf(out, "%" PRId64 "d%02dh", s / 86400, (int)(s / 3600 % 24));
	else
		buf_printf(out, "%02d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
}

void format_bytes(struct buf *out, const json_t *v, const json_t *row)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double n = (double)json_integer_value(v);
	size_t unit = 0;

	if (!json_is_integer(v)) {
		buf_adds(out, "-");
		return;
	}
	for (; n >= 1024 && unit < sizeof(units) / sizeof(units[0]) - 1; unit++)
		n /= 1024;
	buf_printf(out, unit ? "%.1f %s" : "%.0f %s", n, units[unit]);
}

void format_yes(struct buf *out, const json_t *v, const json_t *row)
{
	if (json_is_true(v))
		buf_adds(out, "yes");
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A struct config back to YAML, by the rows of the schema. What is printed with secrets loads to an equal
 * configuration. A value is left out when its text is that of its default.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "conf/schema.h"

/* ---- text -------------------------------------------------------------------------------------------------------- */

static bool is_letter(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Needs no quotes, whoever reads it: a word or a path that is not a boolean or null of any version of YAML. */
static bool is_plain(const char *s, size_t len)
{
	static const char *const taken[] = { "true", "false", "yes", "no", "on", "off", "null", "y", "n" };

	if (!len || !(is_letter((unsigned char)s[0]) || s[0] == '/'))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_letter((unsigned char)s[i]) && !(s[i] && strchr("0123456789_./-", s[i])))
			return false;
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (strlen(taken[i]) == len && !strncasecmp(taken[i], s, len))
			return false;
	return true;
}

/* Octets of the UTF-8 sequence at s and its code point; 0 when it is none. */
static size_t utf8_next(const unsigned char *s, size_t len, uint32_t *code)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;

	if (!n || n > len)
		return 0;
	*code = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		*code = *code << 6 | (s[i] & 0x3f);
	}
	return n;
}

/* YAML 1.1 5.1, less the line breaks and the byte order mark. */
static bool is_printable(uint32_t code)
{
	return (code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code < 0xd800 && code != 0x2028 && code != 0x2029) ||
	       (code >= 0xe000 && code < 0xfffe && code != 0xfeff) || (code >= 0x10000 && code < 0x110000);
}

void scalar_write_text(const char *s, size_t len, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)s;
	uint32_t code = 0;
	size_t n;

	if (is_plain(s, len)) {
		buf_add(out, s, len);
		return;
	}
	buf_adds(out, "\"");
	for (; len; p += n, len -= n) {
		n = utf8_next(p, len, &code);
		if (!n) {
			code = p[0];
			n = 1;
			buf_printf(out, "\\x%02x", code);
		} else if (!is_printable(code)) {
			buf_printf(out, code < 0x100 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
		} else {
			if (code == '"' || code == '\\')
				buf_adds(out, "\\");
			buf_add(out, p, n);
		}
	}
	buf_adds(out, "\"");
}

/* ---- values in one line ------------------------------------------------------------------------------------------ */

struct printer {
	const struct config *config;
	bool secrets, defaults;
};

static void flow_map(const struct printer *p, const struct schema_map *map, const void *object, struct buf *out);

static void flow_list(const struct printer *p, const struct schema_key *k, const void *object, struct buf *out)
{
	size_t n;
	const char *items = schema_list(k, object, &n);

	if (k->shape == SCHEMA_ARGV && !items)
		return;
	buf_adds(out, "[");
	for (size_t i = 0; i < n; i++) {
		buf_adds(out, i ? ", " : "");
		if (k->map)
			flow_map(p, k->map, items + i * k->size, out);
		else
			k->scalar->write(k, items + i * k->size, out);
	}
	buf_adds(out, "]");
}

static void flow_set(const struct schema_key *k, const void *object, struct buf *out)
{
	const char *separator = "";

	buf_adds(out, "[");
	for (const struct schema_word *w = k->words; w->name; w++) {
		if (*((const bool *)((const char *)object + w->value))) {
			buf_printf(out, "%s%s", separator, w->name);
			separator = ", ";
		}
	}
	buf_adds(out, "]");
}

static bool is_read_from_a_file(const struct schema_key *k, const void *object)
{
	return k->read_from && *(char *const *)((const char *)object + k->read_from);
}

/* Appends nothing when there is no value. */
static void flow_value(const struct printer *p, const struct schema_key *k, const void *object, struct buf *out)
{
	const void *value = (const char *)object + k->offset;

	if (is_read_from_a_file(k, object))
		return;
	if (k->shape == SCHEMA_SET)
		flow_set(k, object, out);
	else if (k->shape != SCHEMA_ONE)
		flow_list(p, k, object, out);
	else if (k->map)
		flow_map(p, k->map, value, out);
	else if (k->secret && !p->secrets)
		buf_adds(out, *(char *const *)value ? "\"***\"" : "");
	else
		k->scalar->write(k, value, out);
}

static bool text_is(const struct buf *text, const char *s, size_t len)
{
	return text->len == len && (!len || !memcmp(buf_data(text), s, len));
}

static bool is_derived(const struct printer *p, const struct schema_key *k, const void *object, const struct buf *text)
{
	union {
		uint32_t number;
		char *string;
	} value = { 0 };
	struct buf derived;
	bool same;

	BUG_ON(k->size > sizeof(value));
	buf_init(&derived);
	k->derive(p->config, object, &value);
	k->scalar->write(k, &value, &derived);
	same = text_is(text, buf_data(&derived), derived.len);
	if (k->scalar->fini)
		k->scalar->fini(&value);
	buf_fini(&derived);
	return same;
}

static bool is_default(const struct printer *p, const struct schema_key *k, const void *object, const struct buf *text)
{
	char list[32];
	const char *def = k->def ? k->def : "";

	if (k->derive)
		return is_derived(p, k, object, text);
	if (k->shape == SCHEMA_ONE || k->shape == SCHEMA_ARGV)
		return text_is(text, def, strlen(def));
	snprintf(list, sizeof(list), "[%s]", def);
	return text_is(text, list, strlen(list));
}

/* flow_value(), less maps of nothing, and what is default when defaults are not asked for. */
static void key_text(const struct printer *p, const struct schema_key *k, const void *object, struct buf *out)
{
	buf_reset(out);
	flow_value(p, k, object, out);
	if (text_is(out, "{}", 2) || (!p->defaults && out->len && is_default(p, k, object, out)))
		buf_reset(out);
}

/* With shorthand, a map of its first key alone is the value of that key. */
static void flow_map(const struct printer *p, const struct schema_map *map, const void *object, struct buf *out)
{
	struct buf text, first, members;

	buf_init(&text);
	buf_init(&first);
	buf_init(&members);
	for (size_t i = 0; i < map->n_keys; i++) {
		const struct schema_key *k = &map->keys[i];

		key_text(p, k, object, &text);
		if (map->shorthand && !i)
			buf_add(&first, buf_data(&text), text.len);
		else if (text.len)
			buf_printf(&members, "%s%s: %.*s", members.len ? ", " : "", k->name, (int)text.len,
				   buf_data(&text));
	}
	if (first.len && !members.len)
		buf_add(out, buf_data(&first), first.len);
	else if (first.len)
		buf_printf(out, "{%s: %.*s, %.*s}", map->keys[0].name, (int)first.len, buf_data(&first),
			   (int)members.len, buf_data(&members));
	else
		buf_printf(out, "{%.*s}", (int)members.len, members.len ? buf_data(&members) : "");
	buf_fini(&members);
	buf_fini(&first);
	buf_fini(&text);
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static void block_map(const struct printer *p, const struct schema_map *map, const void *object, int indent,
		      struct buf *out);

static void block_list(const struct printer *p, const struct schema_key *k, const void *object, int indent,
		       struct buf *out)
{
	size_t n;
	const char *items = schema_list(k, object, &n);

	if (!n)
		return;
	buf_printf(out, "%*s%s:\n", indent, "", k->name);
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%*s- ", indent + 2, "");
		if (k->map->block) {
			block_map(p, k->map, items + i * k->size, -(indent + 4), out);
		} else {
			flow_map(p, k->map, items + i * k->size, out);
			buf_adds(out, "\n");
		}
	}
}

/* A negative indent: the first line stands behind the dash of its item already. */
static void block_map(const struct printer *p, const struct schema_map *map, const void *object, int indent,
		      struct buf *out)
{
	struct buf text;

	buf_init(&text);
	for (size_t i = 0; i < map->n_keys; i++) {
		const struct schema_key *k = &map->keys[i];

		if (k->map && k->shape != SCHEMA_ONE && !k->map->shorthand) {
			block_list(p, k, object, indent, out);
			continue;
		}
		key_text(p, k, object, &text);
		if (!text.len)
			continue;
		buf_printf(out, "%*s%s: ", indent < 0 ? 0 : indent, "", k->name);
		buf_add(out, buf_data(&text), text.len);
		buf_adds(out, "\n");
		indent = abs(indent);
	}
	buf_fini(&text);
}

void config_print(const struct config *c, struct buf *out, bool secrets, bool defaults)
{
	struct printer p = { c, secrets, defaults };

	block_map(&p, schema_root.map, c, 0, out);
}

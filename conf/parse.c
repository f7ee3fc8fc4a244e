/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Events to structs, by the rows of the schema. Reading goes on behind an error, so that one load tells all of them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/events.h"

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static struct scalar_text event_text(const struct events *r)
{
	return (struct scalar_text){ (const char *)r->ev.data.scalar.value, r->ev.data.scalar.length,
				     r->ev.data.scalar.style != YAML_PLAIN_SCALAR_STYLE };
}

static bool is_null(const struct events *r)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };
	struct scalar_text t;

	if (r->ev.type != YAML_SCALAR_EVENT)
		return false;
	t = event_text(r);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!t.quoted && t.len == strlen(words[i]) && !memcmp(t.s, words[i], t.len))
			return true;
	return false;
}

static void describe_event(const struct events *r, const struct schema_key *k, struct buf *out)
{
	struct scalar_text t;

	switch (r->ev.type) {
	case YAML_SEQUENCE_START_EVENT:
		buf_adds(out, "a list");
		return;
	case YAML_MAPPING_START_EVENT:
		buf_adds(out, "a map");
		return;
	default:
		break;
	}
	t = event_text(r);
	if (is_null(r)) {
		buf_adds(out, "nothing");
	} else if (k && k->secret) {
		buf_printf(out, "%zu octets", t.len);
	} else {
		if (t.quoted && k && (k->scalar == &scalar_number || k->scalar == &scalar_bool))
			buf_adds(out, "the quoted text ");
		load_quote(out, t.s, t.len);
	}
}

/* The value at hand, of mark m, is not what row k wants; skips it. */
static void unexpected(struct events *r, const struct schema_key *k, uint32_t m, const char *expected)
{
	struct buf found;

	r->ld->marks[m].bad = true;
	if (r->ev.type == YAML_ALIAS_EVENT) /* refused already */
		return;
	buf_init(&found);
	describe_event(r, k, &found);
	load_error(r->ld, m, "expected %s, found %.*s", expected, (int)found.len, buf_data(&found));
	buf_fini(&found);
	events_skip(r);
}

static void unexpected_scalar(struct events *r, const struct schema_key *k, uint32_t m)
{
	struct buf expected;

	buf_init(&expected);
	k->scalar->expected(k, &expected);
	buf_add(&expected, "", 1);
	unexpected(r, k, m, buf_data(&expected));
	buf_fini(&expected);
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static void read_map(struct events *r, const struct schema_map *map, void *object, uint32_t m);

static void read_scalar(struct events *r, const struct schema_key *k, void *value, uint32_t m)
{
	struct scalar_text t;
	const char *expected;

	if (r->ev.type != YAML_SCALAR_EVENT || is_null(r)) {
		unexpected_scalar(r, k, m);
		return;
	}
	t = event_text(r);
	if (!k->scalar->read(k, &t, value)) {
		unexpected_scalar(r, k, m);
		return;
	}
	expected = k->check ? k->check(value) : NULL;
	if (expected)
		unexpected(r, k, m, expected);
}

static void default_map(const struct schema_map *map, void *object);

/*
 * A scalar in place of a map: the value of its first key. What else may stand there, the
 * map says, at a row without a key.
 */
static void read_shorthand(struct events *r, const struct schema_key *k, void *value, uint32_t m)
{
	const struct schema_key *first = &k->map->keys[0];
	struct scalar_text t = event_text(r);

	default_map(k->map, value);
	if (!first->shorthand_only)
		read_scalar(r, first, (char *)value + first->offset, m);
	else if (!first->scalar->read(first, &t, (char *)value + first->offset))
		unexpected(r, k, m, k->map->what);
}

/* One value of row k: the value itself, or an item of it. */
static void read_one(struct events *r, const struct schema_key *k, void *value, uint32_t m)
{
	bool in_list = mark_at(r->ld, m)->item;

	if (!k->map) {
		read_scalar(r, k, value, m);
	} else if (r->ev.type == YAML_MAPPING_START_EVENT) {
		read_map(r, k->map, value, m);
	} else if (is_null(r) && !in_list) {
		default_map(k->map, value);
	} else if (r->ev.type == YAML_SCALAR_EVENT && k->map->shorthand && !is_null(r)) {
		read_shorthand(r, k, value, m);
	} else {
		unexpected(r, k, m, k->map->what);
	}
}

/* Room for one more item, zeroed, behind the n that there are; ARGV needs one more for its end. */
static char *list_grow(const struct schema_key *k, void *object, size_t n)
{
	size_t used;
	char *items = schema_list(k, object, &used);

	if (!(n & (n + 1))) /* powers of two hold n + 1 */
		items = xrealloc(items, (n + 1) * 2 * k->size);
	memset(items + n * k->size, 0, 2 * k->size);
	schema_list_set(k, object, items, n + 1);
	return items + n * k->size;
}

static void too_many(struct events *r, const struct schema_key *k, uint32_t list)
{
	load_error(r->ld, list, "expected at most %zu items, found more", k->max_items);
	while (r->ev.type != YAML_SEQUENCE_END_EVENT) {
		events_skip(r);
		if (!events_next(r))
			return;
	}
}

static void read_list(struct events *r, const struct schema_key *k, void *object, uint32_t list)
{
	uint32_t m = 0;

	for (size_t n = 0; events_next(r) && r->ev.type != YAML_SEQUENCE_END_EVENT; n++) {
		void *item;

		if (n == k->max_items) {
			too_many(r, k, list);
			return;
		}
		item = list_grow(k, object, n);
		m = mark_add(r->ld, list, m, true, n, events_line(r), events_column(r));
		read_one(r, k, item, m);
		if (k->shape == SCHEMA_ARGV && mark_at(r->ld, m)->bad && !*(char **)item)
			*(char **)item = xstrdup(""); /* NULL would be the end */
	}
	if (!m && !r->stop && k->shape == SCHEMA_ONE_OR_LIST)
		load_error(r->ld, list, "expected at least one item, found an empty list");
}

static void read_set(struct events *r, const struct schema_key *k, void *object, uint32_t set)
{
	struct schema_key word = *k;
	uint32_t m = 0, offset;
	size_t n;

	word.size = sizeof(offset);
	for (n = 0; events_next(r) && r->ev.type != YAML_SEQUENCE_END_EVENT; n++) {
		bool *there;

		if (n == k->max_items) {
			too_many(r, k, set);
			return;
		}
		m = mark_add(r->ld, set, m, true, n, events_line(r), events_column(r));
		read_scalar(r, &word, &offset, m);
		if (mark_at(r->ld, m)->bad)
			continue;
		there = (bool *)((char *)object + offset);
		if (*there)
			unexpected(r, k, m, "each word once");
		*there = true;
	}
	if (!n && !r->stop)
		load_error(r->ld, set, "expected at least %s, found an empty list", k->def);
}

static void read_value(struct events *r, const struct schema_key *k, void *object, uint32_t m)
{
	bool sequence = r->ev.type == YAML_SEQUENCE_START_EVENT;

	if (k->shape == SCHEMA_ONE) {
		read_one(r, k, (char *)object + k->offset, m);
	} else if (sequence && k->shape == SCHEMA_SET) {
		read_set(r, k, object, m);
	} else if (sequence) {
		read_list(r, k, object, m);
	} else if (k->shape == SCHEMA_ONE_OR_LIST && r->ev.type == YAML_MAPPING_START_EVENT) {
		uint32_t item = mark_add(r->ld, m, 0, true, 0, events_line(r),
					 events_column(r));

		read_one(r, k, list_grow(k, object, 0), item);
	} else if (k->shape != SCHEMA_LIST || k->def || !is_null(r)) {
		/* Without a default, nothing is an empty list: its items may be commented out. */
		unexpected(r, k, m, k->shape == SCHEMA_ONE_OR_LIST ? "a map or a list of them" : "a list");
	}
}

/* ---- maps -------------------------------------------------------------------------------------------------------- */

static void default_scalar(const struct schema_key *k, void *value)
{
	struct scalar_text t = { k->def, strlen(k->def), false };

	BUG_ON(!k->scalar->read(k, &t, value));
}

static void default_set(const struct schema_key *k, void *object)
{
	for (const struct schema_word *w = k->words; w->name; w++)
		if (!strcmp(w->name, k->def))
			*(bool *)((char *)object + w->value) = true;
}

/* What is left out; derive() comes when all is read. */
static void default_value(const struct schema_key *k, void *object)
{
	void *value = (char *)object + k->offset;

	if (k->shape == SCHEMA_ONE && k->map)
		default_map(k->map, value);
	else if (!k->def)
		return;
	else if (k->shape == SCHEMA_ONE)
		default_scalar(k, value);
	else if (k->shape == SCHEMA_SET)
		default_set(k, object);
	else
		default_scalar(k, list_grow(k, object, 0));
}

static void default_map(const struct schema_map *map, void *object)
{
	for (size_t i = 0; i < map->n_keys; i++)
		default_value(&map->keys[i], object);
}

static void list_keys(const struct schema_map *map, struct buf *out)
{
	for (size_t i = 0; i < map->n_keys; i++)
		if (!map->keys[i].shorthand_only)
			buf_printf(out, "%s%s", out->len ? ", " : "", map->keys[i].name);
}

static bool looks_like_name(const struct scalar_text *t)
{
	for (size_t i = 0; i < t->len; i++)
		if (!isalnum((unsigned char)t->s[i]) && t->s[i] != '-' && t->s[i] != '_')
			return false;
	return t->len && t->len <= 40;
}

/* A name for the path: as it stands when it looks like one, else in quotes. */
static void key_name(const struct scalar_text *t, struct buf *out)
{
	if (looks_like_name(t))
		buf_add(out, t->s, t->len);
	else
		load_quote(out, t->s, t->len);
	buf_add(out, "", 1);
}

static void unknown_key(struct events *r, const struct schema_map *map, uint32_t m)
{
	struct scalar_text t = event_text(r);
	const struct schema_key *near = schema_nearest(map, t.s, t.len);
	size_t line = events_line(r), column = events_column(r);
	struct buf name, keys;

	buf_init(&name);
	buf_init(&keys);
	key_name(&t, &name);
	list_keys(map, &keys);
	if (schema_is_reserved(t.s, t.len))
		load_error_at(r->ld, line, column, m, buf_data(&name),
			      "not supported yet, this name is kept for later");
	else if (near)
		load_error_at(r->ld, line, column, m, buf_data(&name),
			      "expected a known key, found an unknown one: did you mean \"%s\"?", near->name);
	else
		load_error_at(r->ld, line, column, m, buf_data(&name),
			      "expected one of %.*s, found an unknown key", (int)keys.len, buf_data(&keys));
	buf_fini(&keys);
	buf_fini(&name);
}

/* The row that the key at hand names; NULL with an error when there is none or it came before. */
static const struct schema_key *read_key(struct events *r, const struct schema_map *map, uint32_t m,
					 const uint32_t seen[SCHEMA_KEYS_MAX])
{
	size_t line = events_line(r), column = events_column(r);
	const struct schema_key *k;
	uint32_t before;

	if (r->ev.type != YAML_SCALAR_EVENT) {
		if (r->ev.type != YAML_ALIAS_EVENT)
			load_error_at(r->ld, line, column, 0, NULL, "expected the name of a key, found a %s",
				      r->ev.type == YAML_MAPPING_START_EVENT ? "map" : "list");
		events_skip(r);
		return NULL;
	}
	k = schema_find(map, (const char *)r->ev.data.scalar.value, r->ev.data.scalar.length);
	if (!k) {
		unknown_key(r, map, m);
		return NULL;
	}
	before = seen[k - map->keys];
	if (before) {
		load_error_at(r->ld, line, column, m, k->name,
			      "expected each key once, found it again (before: line %u)", mark_at(r->ld, before)->line);
		return NULL;
	}
	return k;
}

static void missing_key(struct events *r, const struct schema_key *k, uint32_t m)
{
	struct buf expected;

	buf_init(&expected);
	k->scalar->expected(k, &expected);
	load_error_at(r->ld, mark_at(r->ld, m)->line, mark_at(r->ld, m)->column, m, k->name,
		      "expected %.*s, found no such key", (int)expected.len, buf_data(&expected));
	buf_fini(&expected);
}

static void read_map(struct events *r, const struct schema_map *map, void *object, uint32_t m)
{
	uint32_t seen[SCHEMA_KEYS_MAX] = { 0 }, last = 0;

	BUG_ON(map->n_keys > SCHEMA_KEYS_MAX);
	while (events_next(r) && r->ev.type != YAML_MAPPING_END_EVENT) {
		const struct schema_key *k = read_key(r, map, m, seen);

		if (!events_next(r))
			return;
		if (!k) {
			events_skip(r);
			continue;
		}
		last = mark_add(r->ld, m, last, false, (size_t)(k - map->keys), events_line(r),
				events_column(r));
		seen[k - map->keys] = last;
		read_value(r, k, object, last);
	}
	for (size_t i = 0; i < map->n_keys && !r->stop; i++) {
		if (seen[i])
			continue;
		if (map->keys[i].needed)
			missing_key(r, &map->keys[i], m);
		default_value(&map->keys[i], object);
	}
	if (map->finish)
		map->finish(object);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static void read_document(struct events *r)
{
	if (!events_next(r))
		return;
	r->ld->marks[MARK_ROOT].line = (uint32_t)events_line(r);
	r->ld->marks[MARK_ROOT].column = (uint32_t)events_column(r);
	read_one(r, &schema_root, r->ld->config, MARK_ROOT);
	if (!events_next(r) || !events_next(r)) /* the end of the document */
		return;
	if (r->ev.type == YAML_DOCUMENT_START_EVENT)
		load_error_at(r->ld, events_line(r), events_column(r), 0, NULL,
			      "expected one document, found a second one");
}

/* m: where the object stands in the file; 0 when it does not. */
static void derive_values(const struct config *c, const struct schema_map *map, void *object, const struct load *ld,
			  uint32_t m)
{
	for (size_t i = 0; i < map->n_keys; i++) {
		const struct schema_key *k = &map->keys[i];

		bool inner = k->shape == SCHEMA_ONE && k->map;
		uint32_t at = m && (inner || k->derive) ? mark_key(ld, m, k->name) : 0;

		if (inner)
			derive_values(c, k->map, (char *)object + k->offset, ld, at);
		else if (k->derive && !at)
			k->derive(c, object, (char *)object + k->offset);
	}
}

/* Rows with derive() are in the items of lists of the file. */
static void derive_items(struct load *ld, const struct schema_key *k)
{
	uint32_t m = mark_items(ld, MARK_ROOT, k->name);
	size_t n;
	char *items = schema_list(k, ld->config, &n);

	for (; m; m = mark_at(ld, m)->next, items += k->size)
		if (!mark_at(ld, m)->bad)
			derive_values(ld->config, k->map, items, ld, m);
}

bool parse_text(struct load *ld, const char *text, size_t len)
{
	struct events r;

	events_start(&r, ld, text, len);
	if (events_next(&r) && events_next(&r)) { /* the start of the stream, then of a document or the end */
		if (r.ev.type == YAML_DOCUMENT_START_EVENT)
			read_document(&r);
		else
			default_map(schema_root.map, ld->config);
	}
	events_end(&r);
	for (size_t i = 0; i < schema_root.map->n_keys; i++)
		if (schema_root.map->keys[i].shape == SCHEMA_LIST && schema_root.map->keys[i].map)
			derive_items(ld, &schema_root.map->keys[i]);
	return !r.stop;
}

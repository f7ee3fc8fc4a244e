/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* YAML events to JSON values, without a document in between. */
#include "cmd/evpnd/yaml_json.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/log.h"

#define DEPTH_MAX 16
#define KEY_MAX 64

struct convert {
	struct json *j;
	int depth;
	/* Per level: a mapping, and whether its next scalar is a key. */
	struct {
		bool mapping, want_key;
	} level[DEPTH_MAX];
	char key[KEY_MAX];
	bool wrote;
};

static void write_plain(struct json *j, const char *key, const char *s, size_t len)
{
	bool digits = len && len <= 15 && strspn(s, "0123456789") == len && (s[0] != '0' || len == 1);

	if (digits)
		json_uint(j, key, strtoull(s, NULL, 10));
	else if (strcmp(s, "true") == 0 || strcmp(s, "false") == 0)
		json_bool(j, key, s[0] == 't');
	else if (!len || strcmp(s, "~") == 0 || strcmp(s, "null") == 0)
		json_null(j, key);
	else
		json_strn(j, key, s, len);
}

static void keep_key(struct convert *c, const char *s)
{
	size_t i = 0;

	for (; s[i] && i < KEY_MAX - 1; i++)
		c->key[i] = s[i] == '-' ? '_' : s[i];
	c->key[i] = '\0';
}

/* The key that the next value goes under, NULL in a sequence. */
static const char *value_key(struct convert *c)
{
	c->wrote = true;
	if (!c->depth || !c->level[c->depth - 1].mapping)
		return NULL;
	c->level[c->depth - 1].want_key = true;
	return c->key;
}

static void on_scalar(struct convert *c, const yaml_event_t *e)
{
	const char *s = (const char *)e->data.scalar.value;
	const char *key;

	if (c->depth && c->level[c->depth - 1].want_key) {
		keep_key(c, s);
		c->level[c->depth - 1].want_key = false;
		return;
	}
	key = value_key(c);
	if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		write_plain(c->j, key, s, e->data.scalar.length);
	else
		json_strn(c->j, key, s, e->data.scalar.length);
}

static void open_level(struct convert *c, bool mapping)
{
	const char *key = value_key(c);

	if (mapping)
		json_object(c->j, key);
	else
		json_array(c->j, key);
	BUG_ON(c->depth == DEPTH_MAX);
	c->level[c->depth].mapping = c->level[c->depth].want_key = mapping;
	c->depth++;
}

static void on_event(struct convert *c, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		on_scalar(c, e);
		break;
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		open_level(c, e->type == YAML_MAPPING_START_EVENT);
		break;
	case YAML_MAPPING_END_EVENT:
		c->depth--;
		json_object_end(c->j);
		break;
	case YAML_SEQUENCE_END_EVENT:
		c->depth--;
		json_array_end(c->j);
		break;
	default:
		break;
	}
}

/* What is open is closed, so that the output is JSON in any case. */
static void close_levels(struct convert *c)
{
	while (c->depth) {
		if (c->level[--c->depth].mapping)
			json_object_end(c->j);
		else
			json_array_end(c->j);
	}
	if (!c->wrote) {
		json_object(c->j, NULL);
		json_object_end(c->j);
	}
}

bool yaml_to_json(const char *yaml, size_t len, struct json *j)
{
	struct convert c = { .j = j };
	bool ok = true, end = false;
	yaml_parser_t parser;

	BUG_ON(!yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, len);
	while (ok && !end) {
		yaml_event_t event;

		ok = yaml_parser_parse(&parser, &event);
		if (!ok)
			break;
		end = event.type == YAML_STREAM_END_EVENT;
		on_event(&c, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	close_levels(&c);
	return ok;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* libyaml's events, with what we do not take of YAML refused on the way, and its errors put into words. */
#include "conf/events.h"

#include <string.h>

#include "base/log.h"

#define NESTING_MAX 32 /* levels; the schema has 6 */

/* libyaml counts octets, not lines, where the text is no text. */
static void line_of_octet(const struct events *r, size_t offset, size_t *line, size_t *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < offset && i < r->len; i++) {
		(*column)++;
		if (r->text[i] == '\n') {
			(*line)++;
			*column = 1;
		}
	}
}

/* What stands at a mark; libyaml counts characters there. */
static char char_at(const struct events *r, size_t index)
{
	for (size_t i = 0; i < r->len; i++)
		if (((unsigned char)r->text[i] & 0xc0) != 0x80 && !index--)
			return r->text[i];
	return 0;
}

static void syntax_error(struct events *r)
{
	const yaml_parser_t *y = &r->yaml;
	size_t line = y->problem_mark.line + 1, column = y->problem_mark.column + 1;
	const char *why = y->problem ? y->problem : "out of memory";

	if (y->error == YAML_READER_ERROR) {
		line_of_octet(r, y->problem_offset, &line, &column);
		load_error_at(r->ld, line, column, 0, NULL, "expected UTF-8 text, found something else: %s", why);
	} else if (char_at(r, y->problem_mark.index) == '\t') {
		load_error_at(r->ld, line, column, 0, NULL,
			      "expected YAML, found a tab: it cannot indent, use spaces");
	} else if (!strcmp(why, "found unexpected ':'") || (!strcmp(why, "did not find expected node content") &&
							    char_at(r, y->problem_mark.index) == ':')) {
		load_error_at(r->ld, line, column, 0, NULL,
			      "expected YAML: %s (an address that starts or ends with a colon needs quotes)", why);
	} else if (y->context && y->context_mark.line + 1 != line) {
		load_error_at(r->ld, line, column, 0, NULL, "expected YAML: %s (%s that starts on line %zu)", why,
			      y->context, y->context_mark.line + 1);
	} else {
		load_error_at(r->ld, line, column, 0, NULL, "expected YAML: %s", why);
	}
}

static void refuse(struct events *r, const char *what, const yaml_char_t *name)
{
	struct buf b;

	buf_init(&b);
	load_quote(&b, (const char *)name, strlen((const char *)name));
	load_error_at(r->ld, events_line(r), events_column(r), 0, NULL,
		      "expected a plain list, map or scalar, found %s %.*s: anchors, aliases and tags are not taken",
		      what, (int)b.len, buf_data(&b));
	buf_fini(&b);
}

static void refuse_decorations(struct events *r)
{
	const yaml_event_t *ev = &r->ev;
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		anchor = ev->data.scalar.anchor;
		tag = ev->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = ev->data.sequence_start.anchor;
		tag = ev->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = ev->data.mapping_start.anchor;
		tag = ev->data.mapping_start.tag;
		break;
	case YAML_ALIAS_EVENT:
		refuse(r, "the alias", ev->data.alias.anchor);
		return;
	default:
		return;
	}
	if (anchor)
		refuse(r, "the anchor", anchor);
	if (tag)
		refuse(r, "the tag", tag);
}

bool events_next(struct events *r)
{
	if (r->stop || load_is_hopeless(r->ld)) {
		r->stop = true;
		return false;
	}
	yaml_event_delete(&r->ev);
	if (!yaml_parser_parse(&r->yaml, &r->ev)) {
		memset(&r->ev, 0, sizeof(r->ev));
		syntax_error(r);
		r->stop = true;
		return false;
	}
	refuse_decorations(r);
	if (r->ev.type == YAML_SEQUENCE_START_EVENT || r->ev.type == YAML_MAPPING_START_EVENT)
		r->depth++;
	else if (r->ev.type == YAML_SEQUENCE_END_EVENT || r->ev.type == YAML_MAPPING_END_EVENT)
		r->depth--;
	if (r->depth > NESTING_MAX) {
		load_error_at(r->ld, events_line(r), events_column(r), 0, NULL,
			      "expected at most %d levels of lists and maps, found more", NESTING_MAX);
		r->stop = true;
	}
	return !r->stop;
}

void events_skip(struct events *r)
{
	unsigned depth = r->depth - 1;

	if (r->ev.type != YAML_SEQUENCE_START_EVENT && r->ev.type != YAML_MAPPING_START_EVENT)
		return;
	while (r->depth != depth && events_next(r))
		;
}

void events_start(struct events *r, struct load *ld, const char *text, size_t len)
{
	*r = (struct events){ .ld = ld, .text = text, .len = len };
	if (!yaml_parser_initialize(&r->yaml))
		BUG("no memory for the YAML parser");
	yaml_parser_set_input_string(&r->yaml, (const unsigned char *)(len ? text : ""), len);
}

void events_end(struct events *r)
{
	yaml_event_delete(&r->ev);
	yaml_parser_delete(&r->yaml);
}

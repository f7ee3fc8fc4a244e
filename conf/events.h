/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The YAML of one text as a stream of events, one at hand at a time. Of YAML we take scalars, lists and maps in any
 * style. Anchors, aliases, tags and further documents are refused: a configuration that is read by people and by tools
 * has no use for them. What is refused is an error of the load, and the stream goes on; only what is not YAML ends it.
 */
#ifndef CONF_EVENTS_H
#define CONF_EVENTS_H

#include <yaml.h>

#include "conf/load.h"

struct events {
	struct load *ld;
	yaml_parser_t yaml;
	yaml_event_t ev; /* the event at hand; owned */
	bool stop;       /* nothing more can be read */
	unsigned depth;  /* open lists and maps */
	const char *text;
	size_t len;
};

/* text is borrowed until the end. */
void events_start(struct events *r, struct load *ld, const char *text, size_t len);
void events_end(struct events *r);
/* The next event is at hand; false when there is none, and then for ever. */
bool events_next(struct events *r);
/* The value at hand is of no interest: on to the last event of it. */
void events_skip(struct events *r);

static inline size_t events_line(const struct events *r)
{
	return r->ev.start_mark.line + 1;
}

static inline size_t events_column(const struct events *r)
{
	return r->ev.start_mark.column + 1;
}

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * One load of a file, from text to struct config or errors:   parse.c --> check.c --> config.c, which owns the order.
 *
 * struct config says nothing of lines. So parse.c leaves a mark for every value, in the shape of the file, and what
 * finds fault later points at the mark: it has the line, the column and the path of the key.
 */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/schema.h"

/* Where a value stood. Marks are named by their index in struct load, 0 is none, MARK_ROOT the whole file. */
struct mark {
	uint32_t line : 31; /* from 1 */
	uint32_t bad : 1;   /* the value was reported already: do not build on it */
	uint32_t column;    /* from 1, in characters */
	uint32_t parent, first, next;
	uint32_t what : 31; /* index of the row in its map, or of the item in its list */
	uint32_t item : 1;
};

#define MARK_ROOT 1u

struct load_error {
	uint32_t line, column, order;
	char *text;
};

struct load {
	const char *file; /* name for messages */
	struct config *config;
	struct mark *marks;
	uint32_t n_marks, cap_marks;
	struct load_error *errors;
	size_t n_errors, left_out;
};

#define LOAD_TEXT_MAX (16u << 20) /* octets of a file */
#define LOAD_ERRORS_MAX 1000u     /* lines; the rest is counted */

void load_init(struct load *ld, const char *file, struct config *c);
void load_fini(struct load *ld);

/* A new mark behind the sibling `last` (0: the first one) of parent. */
uint32_t mark_add(struct load *ld, uint32_t parent, uint32_t last, bool item, size_t what, size_t line, size_t column);
/* The mark of a key of the map at m, 0 when it is not in the file. */
uint32_t mark_key(const struct load *ld, uint32_t m, const char *key);
/* Key is in the file with a value of its own kind; key is not in the file or has such a value. */
bool mark_good(const struct load *ld, uint32_t m, const char *key);
bool mark_not_bad(const struct load *ld, uint32_t m, const char *key);

static inline const struct mark *mark_at(const struct load *ld, uint32_t m)
{
	return &ld->marks[m];
}

/* Items of the list under `key` of the map at m: for (i = mark_items(...); i; i = mark_at(ld, i)->next). */
static inline uint32_t mark_items(const struct load *ld, uint32_t m, const char *key)
{
	return mark_at(ld, mark_key(ld, m, key))->first;
}

/*
 * FILE:LINE:COLUMN: KEY.PATH: message. The message reads "expected ..., found ...". load_error() is about the value at
 * m and marks it bad; load_error_key() about a key of the map at m, and stands at that key's value, or, when that is
 * not in the file, at the mark `instead`; load_error_at() names all by itself.
 */
void load_error(struct load *ld, uint32_t m, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void load_error_key(struct load *ld, uint32_t m, const char *key, uint32_t instead, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void load_error_at(struct load *ld, size_t line, size_t column, uint32_t m, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* True when there are so many that reading on makes no sense. */
bool load_is_hopeless(const struct load *ld);
/* Gives the errors, sorted by their place. */
void load_take_errors(struct load *ld, struct config_errors *err);

/* Appends text for a message: in double quotes, printable, cut when it is long. */
void load_quote(struct buf *out, const char *s, size_t len);

/* Fills ld->config, which is zeroed, from text. false when it could not be read to its end. */
bool parse_text(struct load *ld, const char *text, size_t len);
/* password-file of each neighbor, relative to the directory of the file. */
void read_passwords(struct load *ld);
/* Duplicates and contradictions. */
void check_config(struct load *ld);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Inside the parser of verbs: verb.c has the tables and walks over the words, verb_value.c makes a value of one word,
 * verb_suggest.c names what may have been meant. An int is 0, or 2 (usage) with a sentence in error.
 */
#ifndef CMD_VERB_INT_H
#define CMD_VERB_INT_H

#include "cmd/verb.h"

#define VERB_BIT(a) (UINT64_C(1) << (a))
#define VERB_WORD_MAX 64u /* of what is compared with names; longer words match nothing */

enum verb_kind {
	KIND_FLAG,
	KIND_TEXT,
	KIND_WORDS,
	KIND_NUMBER,
	KIND_MAC,
	KIND_IP,
	KIND_ACTION,
	KIND_SWITCH,
	KIND_LEVEL,
	KIND_MODE,
	KIND_MODE_WORD,
	KIND_EVENT,
	KIND_HOST,
	KIND_WATCH,
	KIND_TYPE
};

struct verb_arg_desc {
	const char *name, *value, *help;
	enum verb_kind kind;
	uint32_t min, max; /* of numbers */
};

extern const struct verb_arg_desc verb_arg_descs[ARG_N];

int verb_usage(char error[VERB_ERROR_MAX], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* How many words a verb's name has. */
size_t verb_word_count(const char *name);
/* The first n words with a space between them; "" when there are fewer or they are too long for any name. */
const char *verb_join(const char *const *argv, size_t argc, size_t n, char out[VERB_WORD_MAX + 1]);

int verb_value_parse(enum verb_arg a, const char *s, struct verb_value *v, char error[VERB_ERROR_MAX]);

/* Always 2. */
int verb_unknown(const char *const *argv, size_t argc, char error[VERB_ERROR_MAX]);
int verb_unknown_option(const struct verb *verb, const char *word, char error[VERB_ERROR_MAX]);

#endif

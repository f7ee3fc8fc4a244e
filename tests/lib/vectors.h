/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The recorded sessions of tests/vectors: messages and what an independent decoder says that they mean. */
#ifndef TESTS_LIB_VECTORS_H
#define TESTS_LIB_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct vector_session {
	char name[64];   /* of its folder */
	char **hex;      /* a message each, marker included */
	size_t n;
	json_t *decoded; /* array of n objects with "meaning" */
};

/*
 * Every folder of tests/vectors/sessions, in order of name. Looked for from the working directory, which is the top of
 * the tree. Fails the test when there are none or one cannot be read. *n of them; free with vectors_free().
 */
struct vector_session *vectors_load(size_t *n);
void vectors_free(struct vector_session *s, size_t n);
/* The object "meaning" of message i, borrowed. */
json_t *vector_meaning(const struct vector_session *s, size_t i);

#endif

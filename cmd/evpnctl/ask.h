/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* For verbs that are put together in the client (graph, report, top, serve): the daemon's answers as JSON values. */
#ifndef CMD_EVPNCTL_ASK_H
#define CMD_EVPNCTL_ASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define ASK_ERROR_MAX 512u

/* The whole answer, which the caller knows to be small. NULL with a sentence in error; for json_decref(). */
json_t *ask_json(const char *socket, const char *const *words, size_t n, char error[ASK_ERROR_MAX]);

/*
 * Each row of an answer of any length, as it comes. members: those that are needed, with a blank between, so that the
 * others are not parsed; NULL: all. row() is false when it has enough: then the rest is not asked for. False with a
 * sentence in error.
 */
bool ask_rows(const char *socket, const char *const *words, size_t n, const char *members,
	      bool (*row)(void *ctx, const json_t *row), void *ctx, char error[ASK_ERROR_MAX]);

/* The words of "show mac" and the like, for the two above. */
#define ASK_WORDS(...) \
	(const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)

#endif

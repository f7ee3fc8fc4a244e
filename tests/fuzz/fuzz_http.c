/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What a client of evpnd-http says, as far as it is ours to read. Lines: Host, Accept, an address to listen on, what
 * stands behind /api/v1/, then parameters, name and value by turns.
 */
#include <string.h>

#include "base/log.h"
#include "cmd/http/api.h"
#include "cmd/http/listen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES 12u

/* The lines of text, those that are missing empty. */
static void split(char *text, char *lines[LINES])
{
	for (size_t i = 0; i < LINES; i++) {
		char *end = text + strcspn(text, "\n");

		lines[i] = text;
		text = *end ? end + 1 : end;
		*end = '\0';
	}
}

static void check_words(const struct http_words *w)
{
	BUG_ON(!w->n || w->n > HTTP_WORDS_MAX || w->used > sizeof(w->text) || strcmp(w->v[0], "show"));
	for (size_t i = 0; i < w->n; i++)
		BUG_ON(w->v[i] < w->text || w->v[i] + strlen(w->v[i]) >= w->text + w->used);
	/* All that is served is a verb that only looks. */
	BUG_ON(verbs[w->id].change || strncmp(verbs[w->id].name, "show ", 5));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[8192], *lines[LINES], error[128];
	struct http_words w;
	struct ip address;
	uint16_t port;

	if (!size || size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	split(text, lines);
	if (http_host_ok(lines[0], NULL))
		BUG_ON(!http_host_ok(lines[0], "a,b"));
	if (!http_accepts(lines[1], "text/plain"))
		BUG_ON(!lines[1][strspn(lines[1], " \t")]);
	if (http_listen_parse(lines[2], &address, &port))
		BUG_ON(address.len != 4 && address.len != 16);
	if (!http_words_begin(&w, lines[3]))
		return 0;
	check_words(&w);
	for (size_t i = 4; i + 1 < LINES; i += 2) {
		error[0] = '\0';
		if (!http_words_add(&w, lines[i], lines[i + 1], error))
			BUG_ON(!error[0]);
		check_words(&w);
	}
	return 0;
}

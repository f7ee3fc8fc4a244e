/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Loads the recorded sessions. */
#include "tests/lib/vectors.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tests/lib/test.h"

static void load_messages(struct vector_session *s, const char *dir)
{
	char path[512], *line = NULL;
	size_t cap = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/messages.hex", dir);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s cannot be read", path);
	while (getline(&line, &cap, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		s->hex = xrealloc(s->hex, (s->n + 1) * sizeof(*s->hex));
		s->hex[s->n++] = xstrdup(line);
	}
	free(line);
	fclose(f);
}

static void load_decoded(struct vector_session *s, const char *dir)
{
	json_error_t err;
	char path[512];

	snprintf(path, sizeof(path), "%s/decoded.json", dir);
	s->decoded = json_load_file(path, 0, &err);
	if (!s->decoded)
		fail_msg("%s:%d: %s", path, err.line, err.text);
	assert_int_equal(json_array_size(s->decoded), s->n);
}

struct vector_session *vectors_load(size_t *n)
{
	struct vector_session *all;
	glob_t g;

	if (glob("tests/vectors/sessions/*", GLOB_ONLYDIR, NULL, &g) || g.gl_pathc == 0)
		fail_msg("no tests/vectors/sessions here: run from the top of the tree");
	all = xcalloc(g.gl_pathc, sizeof(*all));
	for (size_t i = 0; i < g.gl_pathc; i++) {
		snprintf(all[i].name, sizeof(all[i].name), "%s", strrchr(g.gl_pathv[i], '/') + 1);
		load_messages(&all[i], g.gl_pathv[i]);
		load_decoded(&all[i], g.gl_pathv[i]);
	}
	*n = g.gl_pathc;
	globfree(&g);
	return all;
}

void vectors_free(struct vector_session *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < s[i].n; k++)
			free(s[i].hex[k]);
		free(s[i].hex);
		json_decref(s[i].decoded);
	}
	free(s);
}

json_t *vector_meaning(const struct vector_session *s, size_t i)
{
	return json_object_get(json_array_get(s->decoded, i), "meaning");
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/help.h"

#include <string.h>

#include "cmd/evpnctl/render.h"
#include "cmd/paths.h"

#define WIDTH 80

static void print(const char *text, size_t indent, FILE *out)
{
	fill_print(text, strlen(text), indent, WIDTH, out);
	fputs("\n", out);
}

void help_usage(FILE *out)
{
	fputs("usage: evpnctl [-s SOCKET] [-j|--json] VERB ...\n", out);
}

static void print_verb(enum verb_id id, FILE *out)
{
	fprintf(out, "  %-16s ", verbs[id].name);
	print(verbs[id].help, 19, out);
}

bool help_group(const char *word, FILE *out)
{
	size_t len = strlen(word);
	enum verb_id alone;
	bool any = false;

	if (verb_find(&word, 1, &alone))
		return false;
	for (enum verb_id i = 0; i < VERB_N; i++) {
		if (strncmp(verbs[i].name, word, len) || verbs[i].name[len] != ' ')
			continue;
		print_verb(i, out);
		any = true;
	}
	if (any)
		fprintf(out, "\n'evpnctl help %s WORD' shows the arguments\n", word);
	return any;
}

void help_all(FILE *out)
{
	help_usage(out);
	fputs("\n"
	      "  -s SOCKET    control socket of the daemon, " EVPND_SOCKET " when left out\n"
	      "  -j, --json   JSON instead of tables\n"
	      "  -h, -V       this text; the version\n"
	      "\n",
	      out);
	for (enum verb_id i = 0; i < VERB_N; i++)
		print_verb(i, out);
	fputs("\nevpnctl help VERB shows its arguments. Exit: 0 yes, 1 no or failed, 2 usage.\n", out);
}

void help_verb(enum verb_id id, FILE *out)
{
	const struct verb *v = &verbs[id];
	uint64_t known = v->required | v->optional;

	fprintf(out, "evpnctl %s", v->name);
	for (const char *at = v->usage, *end; *at; at = *end ? end + 1 : end) {
		end = at + strcspn(at, "\n");
		fprintf(out, "%s%.*s", at == v->usage ? " " : "\n        ", (int)(end - at), at);
	}
	fputs("\n\n", out);
	print(v->help, 0, out);
	if (v->change)
		fputs("(needs root or the daemon's own user)\n", out);
	if (known)
		fputs("\n", out);
	for (enum verb_arg a = 0; a < ARG_N; a++) {
		const char *value = verb_arg_value(a);
		char name[40];

		if (!(known & UINT64_C(1) << a))
			continue;
		snprintf(name, sizeof(name), "%s%s%s", verb_arg_name(a), value ? " " : "", value ? value : "");
		fprintf(out, "  %-22s ", name);
		print(verb_arg_help(a), 25, out);
	}
}

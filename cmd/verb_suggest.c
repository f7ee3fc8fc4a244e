/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Words that are no verb or no option, and what was meant by them: a slip of the finger, the last word of a name alone,
 * or what other routing daemons call the same.
 */
#include "cmd/verb_int.h"

#include <stdio.h>
#include <string.h>

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment, three rows of the matrix at a time. */
unsigned verb_distance(const char *a, const char *b, unsigned limit)
{
	unsigned rows[3][VERB_WORD_MAX + 1], *prev2 = rows[0], *prev = rows[1], *cur = rows[2];
	size_t la = strnlen(a, VERB_WORD_MAX + 1), lb = strnlen(b, VERB_WORD_MAX + 1);

	if (la > VERB_WORD_MAX || lb > VERB_WORD_MAX)
		return limit + 1;
	for (unsigned j = 0; j <= lb; j++)
		prev[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned *spare = prev2;

		cur[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			cur[j] = min3(prev[j] + 1, cur[j - 1] + 1, prev[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && prev2[j - 2] + 1 < cur[j])
				cur[j] = prev2[j - 2] + 1;
		}
		prev2 = prev;
		prev = cur;
		cur = spare;
	}
	return prev[lb] <= limit ? prev[lb] : limit + 1;
}

/* What is still taken for a slip of the finger in a word of this length. */
static unsigned tolerance(const char *word)
{
	return 1 + (unsigned)strnlen(word, VERB_WORD_MAX) / 4;
}

struct nearness {
	size_t words; /* of the name, from the first on, that were said, or nearly so */
	size_t len;   /* octets of the name up to there */
	unsigned edits;
};

static struct nearness nearness(const char *name, const char *const *argv, size_t argc)
{
	struct nearness n = { 0 };

	for (const char *at = name; n.words < argc && *at; n.words++) {
		size_t len = strcspn(at, " ");
		char word[VERB_WORD_MAX + 1];
		unsigned d;

		snprintf(word, sizeof(word), "%.*s", (int)len, at);
		d = verb_distance(argv[n.words], word, tolerance(word));
		if (d > tolerance(word))
			break;
		n.edits += d;
		at += len;
		n.len = (size_t)(at - name);
		at += *at == ' ';
	}
	return n;
}

/* "version" for "show version": the first word is, or nearly so, the last one of a name. */
static bool suggest_by_last_word(const char *word, unsigned edits, char error[VERB_ERROR_MAX])
{
	const char *last;

	for (enum verb_id i = 0; i < VERB_N; i++) {
		last = strrchr(verbs[i].name, ' ');
		if (!last || verb_distance(word, last + 1, edits) > edits)
			continue;
		verb_usage(error, "unknown verb '%.40s', did you mean '%s'? ('help' lists all)", word, verbs[i].name);
		return true;
	}
	return false;
}

/* Writes "unknown verb ..., did you mean ...?" when there is something near. */
static bool suggest(const char *const *argv, size_t argc, char error[VERB_ERROR_MAX])
{
	struct nearness best = { 0 };
	char said[VERB_WORD_MAX + 1];

	for (enum verb_id i = 0; i < VERB_N; i++) {
		struct nearness n = nearness(verbs[i].name, argv, argc);

		if (!n.edits || n.words < best.words || (n.words == best.words && n.edits >= best.edits))
			continue;
		best = n;
		verb_join(argv, argc, n.words, said);
		verb_usage(error, "unknown verb '%s', did you mean '%.*s'? ('help' lists all)", said, (int)n.len,
		      verbs[i].name);
	}
	return best.words;
}

/* "show" alone: which words may follow. */
static void list_continuations(const char *word, char *out, size_t cap)
{
	size_t len = strlen(word), at = 0;

	out[0] = '\0';
	for (enum verb_id i = 0; i < VERB_N; i++)
		if (strncmp(verbs[i].name, word, len) == 0 && verbs[i].name[len] == ' ' && at < cap)
			at += (size_t)snprintf(out + at, cap - at, "%s%s", at ? ", " : "", verbs[i].name + len + 1);
}

/* What the same is called in FRR, GoBGP and BIRD; the longer ones first. */
static bool suggest_by_habit(const char *const *argv, size_t argc, char error[VERB_ERROR_MAX])
{
	static const struct {
		const char *there, *here;
	} habits[] = {
		{ "show bgp l2vpn evpn summary", "show neighbors" },
		{ "show bgp summary", "show neighbors" },
		{ "show bgp neighbors", "show neighbors" },
		{ "show bgp", "show rib" },
		{ "show ip bgp summary", "show neighbors" },
		{ "show ip bgp", "show rib" },
		{ "show evpn mac", "show mac" },
		{ "show evpn arp-cache", "show arp" },
		{ "show evpn es", "show segments" },
		{ "show evpn", "show vni" },
		{ "show running-config", "show config" },
		{ "show log", "show events" },
		{ "show protocols", "show neighbors" },
		{ "show route", "show rib" },
		{ "global rib", "show rib" },
		{ "clear bgp", "neighbor ADDR clear" },
		{ "clear ip bgp", "neighbor ADDR clear" },
		{ "debug", "monitor" },
		{ "configure", "reload" },
		{ "status", "show neighbors" },
	};
	char said[VERB_WORD_MAX + 1];

	for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++) {
		verb_join(argv, argc, verb_word_count(habits[i].there), said);
		if (strcmp(said, habits[i].there))
			continue;
		verb_usage(error, "unknown verb '%s', here it is '%s' ('help' lists all)", said, habits[i].here);
		return true;
	}
	return false;
}

int verb_unknown(const char *const *argv, size_t argc, char error[VERB_ERROR_MAX])
{
	char next[160];

	if (suggest_by_habit(argv, argc, error))
		return 2;
	if (suggest_by_last_word(argv[0], 0, error) || suggest(argv, argc, error) ||
	    suggest_by_last_word(argv[0], tolerance(argv[0]), error))
		return 2;
	list_continuations(argv[0], next, sizeof(next));
	if (next[0] && argc > 1)
		return verb_usage(error, "unknown verb '%s %.40s', %s knows: %s", argv[0], argv[1], argv[0], next);
	if (next[0])
		return verb_usage(error, "%s what? It knows: %s", argv[0], next);
	return verb_usage(error, "unknown verb '%.40s' ('help' lists all)", argv[0]);
}

int verb_unknown_option(const struct verb *verb, const char *word, char error[VERB_ERROR_MAX])
{
	uint64_t known = verb->required | verb->optional;
	unsigned best_distance = ~0u;
	const char *best = NULL;

	for (enum verb_arg a = ARG_POSITIONALS; a < ARG_N; a++) {
		unsigned limit = tolerance(verb_arg_descs[a].name), d;

		if (!(known & VERB_BIT(a)))
			continue;
		d = verb_distance(word, verb_arg_descs[a].name, limit);
		if (d <= limit && d < best_distance) {
			best = verb_arg_descs[a].name;
			best_distance = d;
		}
	}
	if (best)
		return verb_usage(error, "%s has no option '%.40s', did you mean %s?", verb->name, word, best);
	return verb_usage(error, "%s has no option '%.40s' ('help %s' lists them)", verb->name, word, verb->name);
}

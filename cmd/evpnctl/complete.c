/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/complete.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/evpnctl/ask.h"
#include "cmd/paths.h"

#define BIT(a) (UINT64_C(1) << (a))

/* ---- of the tables ----------------------------------------------------------------------------------------------- */

static void offer(const struct complete *c, const char *word)
{
	c->offer(c->ctx, word);
}

/* The words that go on from these to the name of a verb; their number, 0 when there is none. */
static size_t next_words(const struct complete *c, const char *const *words, size_t n)
{
	size_t found = 0;

	for (enum verb_id i = 0; i < VERB_N; i++) {
		const char *at = verbs[i].name;
		size_t k = 0, len = strcspn(at, " ");
		char word[64];

		for (; k < n && strlen(words[k]) == len && !strncmp(at, words[k], len) && at[len]; k++) {
			at += len + 1;
			len = strcspn(at, " ");
		}
		if (k < n)
			continue;
		snprintf(word, sizeof(word), "%.*s", (int)len, at);
		offer(c, word);
		found++;
	}
	return found;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] == '-';
}

static enum verb_arg find_option(uint64_t known, const char *word)
{
	enum verb_arg a = ARG_POSITIONALS;

	while (a < ARG_N && !(known & BIT(a) && strcmp(verb_arg_name(a), word) == 0))
		a++;
	return a;
}

static enum verb_arg next_positional(uint64_t missing)
{
	for (enum verb_arg a = 0; a < ARG_POSITIONALS; a++)
		if (missing & BIT(a))
			return a;
	return ARG_N;
}

static void offer_value(struct complete *c, enum verb_arg a)
{
	c->wanted = a;
	verb_arg_choices(a, c->offer, c->ctx);
}

/* Behind the name of a verb: the value that an option waits for, else what is missing. */
static void arguments(struct complete *c, const struct verb *verb, const char *const *words, size_t n)
{
	uint64_t missing = verb->required | verb->optional;
	enum verb_arg a;

	for (size_t i = 0; i < n; i++) {
		a = is_option(words[i]) ? find_option(missing, words[i]) : next_positional(missing);
		if (a == ARG_N)
			continue;
		missing &= ~BIT(a);
		if (!is_option(words[i]) || !verb_arg_value(a))
			continue;
		if (i + 1 == n) {
			offer_value(c, a);
			return;
		}
		i++;
	}
	a = next_positional(missing);
	if (a < ARG_N)
		offer_value(c, a);
	for (a = ARG_POSITIONALS; a < ARG_N; a++)
		if (missing & BIT(a))
			offer(c, verb_arg_name(a));
}

static size_t name_length(const struct verb *verb)
{
	size_t n = 1;

	for (const char *at = verb->name; (at = strchr(at, ' ')); at++)
		n++;
	return n;
}

static void after_options(struct complete *c, const char *const *words, size_t n)
{
	enum verb_id id;
	size_t len;

	if (!verb_find(words, n, &id)) {
		next_words(c, words, n);
		return;
	}
	len = name_length(&verbs[id]);
	if (id == VERB_HELP)
		next_words(c, words + len, n - len);
	else
		arguments(c, &verbs[id], words + len, n - len);
}

void complete_words(struct complete *c, const char *const *words, size_t n)
{
	const char **left = xcalloc(n + 1, sizeof(*left));
	size_t k = 0;

	c->wanted = ARG_N;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], "-s") == 0) {
			c->socket = words[++i]; /* NULL behind the last: nothing to offer but files */
			if (i >= n) {
				c->socket = NULL;
				free(left);
				return;
			}
		} else if (strncmp(words[i], "-s", 2) == 0) {
			c->socket = words[i] + 2;
		} else if (words[i][0] != '-' || (is_option(words[i]) && strcmp(words[i], "--json"))) {
			left[k++] = words[i];
		}
	}
	after_options(c, left, k);
	if (!k) {
		offer(c, "-s");
		offer(c, "--json");
	}
	free(left);
}

/* ---- of what runs ------------------------------------------------------------------------------------------------ */

static bool print_member(void *ctx, const json_t *row)
{
	const json_t *value = json_object_get(row, ctx);

	if (json_is_integer(value))
		printf("%lld\n", (long long)json_integer_value(value));
	else if (json_is_string(value))
		printf("%s\n", json_string_value(value));
	return true;
}

static void print_rows(const char *socket, const char *what, char *member)
{
	char error[ASK_ERROR_MAX];

	ask_rows(socket, ASK_WORDS("show", what), member, print_member, member, error);
}

static void print_namespaces(void)
{
	DIR *dir = opendir("/run/netns");
	const struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			puts(e->d_name);
	if (dir)
		closedir(dir);
}

static void print_word(void *ctx, const char *word)
{
	puts(word);
}

int complete_run(const char *const *words, size_t n)
{
	struct complete c = { .offer = print_word };
	char vni[] = "vni", address[] = "address";
	struct paths paths;

	paths_of_client(&paths);
	complete_words(&c, words, n - 1);
	switch (c.wanted) {
	case ARG_VNI:
	case ARG_NUMBER:
		print_rows(c.socket ? c.socket : paths.socket, "vni", vni);
		break;
	case ARG_ADDRESS:
	case ARG_NEIGHBOR:
	case ARG_ADVERTISED_TO:
		print_rows(c.socket ? c.socket : paths.socket, "neighbors", address);
		break;
	case ARG_NETNS:
	case ARG_FROM:
		print_namespaces();
		break;
	default:
		break;
	}
	return 0;
}

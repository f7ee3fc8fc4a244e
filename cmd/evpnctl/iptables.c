/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/iptables.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 128u
#define LINE_MAX 4096u

/* ---- chains ------------------------------------------------------------------------------------------------------ */

/* Where the chains that are there from the start hang, and in which order. */
static const struct {
	const char *table, *chain, *hook;
	int priority;
} hooks[] = {
	{ "raw", "PREROUTING", "prerouting", -300 },	{ "raw", "OUTPUT", "output", -300 },
	{ "mangle", "PREROUTING", "prerouting", -150 }, { "mangle", "INPUT", "input", -150 },
	{ "mangle", "OUTPUT", "output", -150 },		{ "mangle", "POSTROUTING", "postrouting", -150 },
	{ "nat", "PREROUTING", "prerouting", -100 },	{ "nat", "OUTPUT", "output", -100 },
	{ "nat", "INPUT", "input", 100 },		{ "nat", "POSTROUTING", "postrouting", 100 },
	{ "filter", "INPUT", "input", 0 },		{ "filter", "OUTPUT", "output", 0 },
	{ "security", "INPUT", "input", 50 },		{ "security", "OUTPUT", "output", 50 },
};

/* No table of nft has a blank in its name. */
static json_t *table_name(const struct iptables *t)
{
	return json_sprintf("%s %s", t->program, t->table);
}

/* ":INPUT DROP [0:0]" */
static void add_chain(struct iptables *t, const char *name, const char *policy)
{
	json_t *c = json_pack("{s:s, s:o, s:s, s:s}", "family", t->family, "table", table_name(t), "name", name,
			      "policy", strcmp(policy, "DROP") ? "accept" : "drop");

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		if (strcmp(hooks[i].table, t->table) || strcmp(hooks[i].chain, name))
			continue;
		json_object_set_new(c, "hook", json_string(hooks[i].hook));
		json_object_set_new(c, "prio", json_integer(hooks[i].priority));
	}
	json_array_append_new(t->ruleset, json_pack("{s:o}", "chain", c));
}

/* ---- matches ----------------------------------------------------------------------------------------------------- */

static void add(json_t *expr, const char *statement, json_t *value)
{
	json_array_append_new(expr, json_pack("{s:o}", statement, value));
}

static void add_match(json_t *expr, bool negated, json_t *left, json_t *right)
{
	add(expr, "match", json_pack("{s:s, s:o, s:o}", "op", negated ? "!=" : "==", "left", left, "right", right));
}

static json_t *payload(const char *protocol, const char *field)
{
	return json_pack("{s:{s:s, s:s}}", "payload", "protocol", protocol, "field", field);
}

static json_t *meta(const char *key)
{
	return json_pack("{s:{s:s}}", "meta", "key", key);
}

/* "10.0.0.0/8" */
static json_t *network(const char *s)
{
	const char *slash = strchr(s, '/');

	if (!slash)
		return json_string(s);
	return json_pack("{s:{s:s#, s:i}}", "prefix", "addr", s, (int)(slash - s), "len", atoi(slash + 1));
}

/* "eth0", and "eth+" for all that begin so. */
static json_t *device(const char *s)
{
	size_t len = strlen(s);

	return len && s[len - 1] == '+' ? json_sprintf("%.*s*", (int)len - 1, s) : json_string(s);
}

/* "22", "80:90" */
static json_t *ports(const char *s)
{
	const char *colon = strchr(s, ':');

	if (!colon)
		return json_integer(atoi(s));
	return json_pack("{s:[i, i]}", "range", atoi(s), colon[1] ? atoi(colon + 1) : 65535);
}

/* With commas between, each made by item. */
static json_t *list(char *words, json_t *(*item)(const char *word))
{
	json_t *out = json_array();

	for (char *save, *w = strtok_r(words, ",", &save); w; w = strtok_r(NULL, ",", &save))
		json_array_append_new(out, item(w));
	return out;
}

static json_t *state(const char *s)
{
	char lower[32];
	size_t n = 0;

	for (; s[n] && n < sizeof(lower) - 1; n++)
		lower[n] = (char)tolower((unsigned char)s[n]);
	return json_stringn(lower, n);
}

static bool is(const char *word, const char *a, const char *b)
{
	return !strcmp(word, a) || !strcmp(word, b);
}

/* An option that has one value. False: not known here. */
static bool add_option(const struct iptables *t, json_t *expr, bool negated, const char *name, char *value)
{
	if (is(name, "-s", "-d"))
		add_match(expr, negated, payload(t->family, name[1] == 's' ? "saddr" : "daddr"), network(value));
	else if (is(name, "-i", "-o"))
		add_match(expr, negated, meta(name[1] == 'i' ? "iifname" : "oifname"), device(value));
	else if (!strcmp(name, "-p"))
		add_match(expr, negated, meta("l4proto"), json_string(value));
	else if (is(name, "--sport", "--dport"))
		add_match(expr, negated, payload("th", name + 2), ports(value));
	else if (is(name, "--sports", "--dports"))
		add_match(expr, negated, payload("th", name[2] == 's' ? "sport" : "dport"), list(value, ports));
	else if (is(name, "--ctstate", "--state"))
		add_match(expr, negated, json_pack("{s:{s:s}}", "ct", "key", "state"), list(value, state));
	else
		return !strcmp(name, "--comment");
	return true;
}

/* Whose options are all known here. */
static bool is_plain_module(const char *name)
{
	return is(name, "tcp", "udp") || is(name, "conntrack", "state") || is(name, "multiport", "comment");
}

/* ---- rules ------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *target, *statement;
} targets[] = {
	{ "ACCEPT", "accept" },   { "DROP", "drop" },   { "REJECT", "reject" },   { "RETURN", "return" },
	{ "LOG", "log" },         { "NFLOG", "log" },   { "MARK", "log" },        { "CONNMARK", "log" },
	{ "TCPMSS", "log" },      { "TRACE", "log" },   { "CHECKSUM", "log" },    { "DSCP", "log" },
	{ "MASQUERADE", "snat" }, { "SNAT", "snat" },   { "DNAT", "dnat" },       { "REDIRECT", "dnat" },
	{ "TPROXY", "dnat" },     { "NETMAP", "dnat" }, { "NOTRACK", "notrack" },
};

/* A chain, too, where it is none of these: who walks the rules sees whether there is one. */
static void add_target(json_t *expr, const char *name, bool is_goto)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		if (strcmp(targets[i].target, name))
			continue;
		add(expr, targets[i].statement, json_null());
		return;
	}
	add(expr, is_goto ? "goto" : "jump", json_pack("{s:s}", "target", name));
}

/* Words, those in quotes whole; in place. */
static size_t split(char *line, char *words[WORDS_MAX])
{
	size_t n = 0;

	for (char *p = line; *p && n < WORDS_MAX;) {
		bool quoted = *p == '"';
		char *end;

		if (*p == ' ' || *p == '\n') {
			p++;
			continue;
		}
		words[n++] = p += quoted;
		end = p + strcspn(p, quoted ? "\"" : " \n");
		p = *end ? end + 1 : end;
		*end = '\0';
	}
	return n;
}

/* What is behind -A CHAIN, up to the target: its own options do not matter. */
static void add_words(const struct iptables *t, json_t *expr, char **words, size_t n)
{
	bool negated = false;

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(words[i], "!")) {
			negated = true;
			continue;
		}
		if (is(words[i], "-j", "-g") && i + 1 < n) {
			add_target(expr, words[i + 1], words[i][1] == 'g');
			return;
		}
		if (!strcmp(words[i], "-m") && i + 1 < n) {
			if (!is_plain_module(words[++i]))
				add(expr, "unknown", json_null());
		} else if (i + 1 < n && add_option(t, expr, negated, words[i], words[i + 1])) {
			i++;
		} else if (words[i][0] == '-') {
			add(expr, "unknown", json_null());
		}
		negated = false;
	}
}

static void add_rule(struct iptables *t, const char *line, char **words, size_t n)
{
	json_t *expr = json_array();

	add_words(t, expr, words + 2, n - 2);
	json_array_append_new(t->ruleset,
			      json_pack("{s:{s:s, s:o, s:s, s:s, s:o}}", "rule", "family", t->family, "table",
					table_name(t), "chain", words[1], "text", line, "expr", expr));
}

void iptables_line(struct iptables *t, const char *line, size_t len)
{
	char copy[LINE_MAX], whole[LINE_MAX], *words[WORDS_MAX];
	size_t n;

	while (len && (line[len - 1] == '\n' || line[len - 1] == ' '))
		len--;
	if (len >= sizeof(copy))
		len = sizeof(copy) - 1;
	snprintf(whole, sizeof(whole), "%.*s", (int)len, line);
	snprintf(copy, sizeof(copy), "%s", whole);
	n = split(copy, words);
	if (n && words[0][0] == '*')
		snprintf(t->table, sizeof(t->table), "%s", words[0] + 1);
	else if (n >= 2 && words[0][0] == ':')
		add_chain(t, words[0] + 1, words[1]);
	else if (n >= 2 && !strcmp(words[0], "-A"))
		add_rule(t, whole, words, n);
}

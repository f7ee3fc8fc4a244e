/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* One word to the value of an argument, by its kind. */
#include "cmd/verb_int.h"

#include "base/history.h"
#include "include/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_text(const struct verb_arg_desc *d, const char *s, struct verb_value *v)
{
	return true; /* v->text has it */
}

static bool read_number(const struct verb_arg_desc *d, const char *s, struct verb_value *v)
{
	unsigned long n;
	char *end;

	if (s[0] < '0' || s[0] > '9')
		return false;
	errno = 0;
	n = strtoul(s, &end, 10);
	if (errno || *end || n < d->min || n > d->max)
		return false;
	v->n = (uint32_t)n;
	return true;
}

static bool read_mac(const struct verb_arg_desc *d, const char *s, struct verb_value *v)
{
	return mac_parse(s, &v->mac);
}

static bool read_ip(const struct verb_arg_desc *d, const char *s, struct verb_value *v)
{
	return ip_parse(s, &v->ip);
}

static bool read_host(const struct verb_arg_desc *d, const char *s, struct verb_value *v)
{
	return mac_parse(s, &v->mac) || ip_parse(s, &v->ip);
}

/* The place of the word in the list, where some places may be empty. */
static bool read_word(const char *const *words, size_t n, const char *s, struct verb_value *v)
{
	for (size_t i = 0; i < n; i++) {
		if (words[i] && strcmp(s, words[i]) == 0) {
			v->n = (uint32_t)i;
			return true;
		}
	}
	return false;
}

static bool read_action(const struct verb_arg_desc *d, const char *s, struct verb_value *v)
{
	static const char *const words[] = {
		[ACTION_UP] = "up",
		[ACTION_DOWN] = "down",
		[ACTION_CLEAR] = "clear",
		[ACTION_REFRESH] = "refresh",
	};

	return read_word(words, sizeof(words) / sizeof(words[0]), s, v);
}

static bool read_switch(const struct verb_arg_desc *d, const char *s, struct verb_value *v)
{
	static const char *const words[] = { "off", "on" };

	return read_word(words, sizeof(words) / sizeof(words[0]), s, v);
}

static bool read_watch(const struct verb_arg_desc *d, const char *s, struct verb_value *v)
{
	static const char *const words[] = {
		[WATCH_ROUTES] = "routes",
		[WATCH_NEIGHBORS] = "neighbors",
		[WATCH_MACS] = "macs",
		[WATCH_DATAPLANE] = "dataplane",
	};

	return read_word(words, sizeof(words) / sizeof(words[0]), s, v);
}

/* As show rib has them: by number or name. */
static bool read_type(const struct verb_arg_desc *d, const char *s, struct verb_value *v)
{
	static const char *const words[] = { [1] = "ead", [2] = "mac-ip", [3] = "imet", [4] = "es", [5] = "prefix" };

	return read_word(words, sizeof(words) / sizeof(words[0]), s, v) || read_number(d, s, v);
}

static bool read_level(const struct verb_arg_desc *d, const char *s, struct verb_value *v)
{
	enum log_level level;

	if (!log_level_parse(s, &level))
		return false;
	v->n = level;
	return true;
}

static bool read_event(const struct verb_arg_desc *d, const char *s, struct verb_value *v)
{
	enum history_kind k;

	if (!history_kind_parse(s, &k))
		return false;
	v->n = k;
	return true;
}

static bool read_mode(const struct verb_arg_desc *d, const char *s, struct verb_value *v)
{
	for (enum config_mode m = CONFIG_MODE_EVPN; m <= CONFIG_MODE_DYNAMIC_L3; m++)
		if (strcmp(s, config_mode_name(m)) == 0) {
			v->n = m;
			return true;
		}
	return false;
}

static bool read_mode_word(const struct verb_arg_desc *d, const char *s, struct verb_value *v)
{
	return strcmp(s, "mode") == 0;
}

static const struct kind {
	bool (*read)(const struct verb_arg_desc *d, const char *s, struct verb_value *v);
	const char *expected; /* in words; NULL: the argument's help says it */
	bool number;          /* expected is a number of the argument's range, or that */
	bool named;           /* an error names the argument first */
	bool chosen;          /* it is one of a few words */
} kinds[] = {
	[KIND_FLAG] = { read_text },
	[KIND_TEXT] = { read_text },
	[KIND_WORDS] = { read_text },
	[KIND_NUMBER] = { read_number, "", .number = true, .named = true },
	[KIND_MAC] = { read_mac, "a MAC address like 02:00:00:00:00:01", .named = true },
	[KIND_IP] = { read_ip, "an IPv4 or IPv6 address", .named = true },
	[KIND_HOST] = { read_host, "an IP address or a MAC address" },
	[KIND_ACTION] = { read_action, "up, down, clear or refresh", .chosen = true },
	[KIND_SWITCH] = { read_switch, "on or off", .chosen = true },
	[KIND_LEVEL] = { read_level, "error, warn, remote, info or debug", .named = true, .chosen = true },
	[KIND_TYPE] = { read_type, ", ead, mac-ip, imet, es or prefix", .number = true, .named = true, .chosen = true },
	[KIND_WATCH] = { read_watch, "routes, neighbors, macs or dataplane", .chosen = true },
	[KIND_EVENT] = { read_event, NULL, .named = true, .chosen = true },
	[KIND_MODE] = { read_mode, NULL, .chosen = true },
	[KIND_MODE_WORD] = { read_mode_word, "mode after the VNI", .chosen = true },
};

int verb_value_parse(enum verb_arg a, const char *s, struct verb_value *v, char error[VERB_ERROR_MAX])
{
	const struct verb_arg_desc *d = &verb_arg_descs[a];
	const struct kind *k = &kinds[d->kind];
	char range[48] = "";

	v->given = true;
	v->text = s;
	if (k->read(d, s, v))
		return 0;
	if (k->number)
		snprintf(range, sizeof(range), "a number from %u to %u", d->min, d->max);
	return verb_usage(error, "%s%sexpected %s%s, found '%.40s'", k->named ? d->name : "", k->named ? ": " : "",
			  range, k->expected ? k->expected : d->help, s);
}

/* Its name and its help hold them all: those words that it takes. */
void verb_arg_choices(enum verb_arg a, void (*offer)(void *ctx, const char *word), void *ctx)
{
	const char *const texts[] = { verb_arg_descs[a].name, verb_arg_descs[a].help };

	if (!kinds[verb_arg_descs[a].kind].chosen)
		return;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char text[256], error[VERB_ERROR_MAX], *save;

		snprintf(text, sizeof(text), "%s", texts[i]);
		for (char *word = strtok_r(text, " ,|;:()", &save); word; word = strtok_r(NULL, " ,|;:()", &save)) {
			struct verb_value v;

			if (!verb_value_parse(a, word, &v, error))
				offer(ctx, word);
		}
	}
}

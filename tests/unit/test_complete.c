/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What may stand next on a command line of evpnctl. */
#include <stdio.h>
#include <string.h>

#include "cmd/evpnctl/complete.h"
#include "tests/lib/test.h"

#define WORDS_MAX 16

struct offers {
	struct complete c;
	char line[256];
	char text[2048]; /* each word with a blank before and behind it */
};

static void note(void *ctx, const char *word)
{
	struct offers *o = ctx;

	snprintf(o->text + strlen(o->text), sizeof(o->text) - strlen(o->text), "%s ", word);
}

/* What is offered behind this line. */
static const struct offers *behind(struct offers *o, const char *line)
{
	const char *words[WORDS_MAX];
	size_t n = 0;
	char *save;

	*o = (struct offers){ .c = { .offer = note, .ctx = o }, .text = " " };
	snprintf(o->line, sizeof(o->line), "%s", line);
	for (char *w = strtok_r(o->line, " ", &save); w; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	complete_words(&o->c, words, n);
	return o;
}

static void assert_offers(const char *line, const char *word)
{
	struct offers o;
	char padded[64];

	snprintf(padded, sizeof(padded), " %s ", word);
	if (!strstr(behind(&o, line)->text, padded))
		fail_msg("'%s': no %s in%s", line, word, o.text);
}

static void assert_offers_just(const char *line, const char *words)
{
	struct offers o;

	assert_string_equal(behind(&o, line)->text, words);
}

static void complete_every_verb_word_by_word(void **state)
{
	for (enum verb_id i = 0; i < VERB_N; i++) {
		char line[64] = "";
		const char *at = verbs[i].name;

		while (*at) {
			char word[32];
			size_t len = strcspn(at, " ");

			snprintf(word, sizeof(word), "%.*s", (int)len, at);
			assert_offers(line, word);
			snprintf(line, sizeof(line), "%.*s", (int)(at + len - verbs[i].name), verbs[i].name);
			at += len + (at[len] == ' ');
		}
	}
	assert_offers_just("port", " add del ");
	assert_offers_just("help mac", " clear add del ");
	assert_offers_just("shwo", " ");
}

static void complete_every_option_once(void **state)
{
	for (enum verb_id i = 0; i < VERB_N; i++) {
		for (enum verb_arg a = ARG_POSITIONALS; i != VERB_HELP && a < ARG_N; a++) {
			if ((verbs[i].required | verbs[i].optional) & UINT64_C(1) << a)
				assert_offers(verbs[i].name, verb_arg_name(a));
		}
	}
	assert_offers_just("show config", " --yaml --defaults ");
	assert_offers_just("show config --yaml", " --defaults ");
	assert_offers_just("show arp --vni 100 --ip 10.0.0.1", " --mac --vtep ");
}

static void complete_values(void **state)
{
	assert_offers_just("log", " error warn remote info debug ");
	assert_offers_just("vni 100 mode", " evpn multicast static-flood static-l2 static-l3 dynamic-l2 dynamic-l3 ");
	assert_offers("neighbor 192.0.2.1", "refresh");
	assert_offers("drain", "off");
	assert_offers("monitor", "macs");
	assert_offers("show events --kind", "vtep");
	assert_offers("show rib --type", "mac-ip");
	assert_offers_just("show mac --mac", " ");
}

static void complete_says_what_the_daemon_knows(void **state)
{
	struct offers o;

	assert_int_equal(behind(&o, "show rib --vni")->c.wanted, ARG_VNI);
	assert_int_equal(behind(&o, "vni")->c.wanted, ARG_NUMBER);
	assert_int_equal(behind(&o, "show neighbors")->c.wanted, ARG_ADDRESS);
	assert_int_equal(behind(&o, "port add --vni 100 --netns")->c.wanted, ARG_NETNS);
	assert_int_equal(behind(&o, "show rib --vni 100")->c.wanted, ARG_N);
}

static void complete_options_of_our_own_anywhere(void **state)
{
	struct offers o;

	assert_offers("", "--json");
	assert_offers_just("-s /run/lab.sock port --json", " add del ");
	assert_string_equal(behind(&o, "-s /run/lab.sock show")->c.socket, "/run/lab.sock");
	assert_string_equal(behind(&o, "show -s/run/lab.sock")->c.socket, "/run/lab.sock");
	assert_offers_just("show -s", " ");
	assert_null(behind(&o, "show -s")->c.socket);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complete_every_verb_word_by_word),
		cmocka_unit_test(complete_every_option_once),
		cmocka_unit_test(complete_values),
		cmocka_unit_test(complete_says_what_the_daemon_knows),
		cmocka_unit_test(complete_options_of_our_own_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

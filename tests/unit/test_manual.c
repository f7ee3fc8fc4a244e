/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The manual pages know every key of the configuration, every verb and option of evpnctl, every reason for a drop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/verb.h"
#include "conf/schema.h"
#include "dataplane/vtep/vtep.h"
#include "tests/lib/test.h"

#define PAGE_MAX 65536

/* For free(). */
static char *read_page(const char *file)
{
	char *text = xcalloc(1, PAGE_MAX);
	FILE *f = fopen(file, "r");

	if (!f)
		fail_msg("%s cannot be opened", file);
	assert_true(fread(text, 1, PAGE_MAX, f) < PAGE_MAX);
	fclose(f);
	return text;
}

static void assert_in(const char *page, const char *macro, const char *name, const char *end)
{
	char s[64];

	snprintf(s, sizeof(s), "%s %s%s", macro, name, end);
	if (!strstr(page, s))
		fail_msg("no \"%s\"", s);
}

/* Keys of long maps have a paragraph of their own. */
static void assert_keys_in(const char *page, const struct schema_map *map)
{
	for (size_t i = 0; i < map->n_keys; i++) {
		const struct schema_key *k = &map->keys[i];

		if (map->block)
			assert_in(page, ".It Cm", k->name, "\n");
		else if (!k->shorthand_only)
			assert_in(page, "Cm", k->name, "");
		if (k->map)
			assert_keys_in(page, k->map);
	}
}

static void evpnd_yaml_5_has_every_key(void **state)
{
	char *page = read_page("docs/evpnd.yaml.5");

	assert_keys_in(page, schema_root.map);
	free(page);
}

static void evpnctl_8_has_every_verb_and_option(void **state)
{
	char *page = read_page("docs/evpnctl.8");

	for (enum verb_id i = 0; i < VERB_N; i++) {
		assert_in(page, "Cm", verbs[i].name, "");
		for (enum verb_arg a = ARG_POSITIONALS; a < ARG_N; a++)
			if ((verbs[i].required | verbs[i].optional) & UINT64_C(1) << a)
				assert_in(strstr(page, verbs[i].name), "Fl", verb_arg_name(a) + 1, "");
	}
	free(page);
}

/* Words of show traffic: each stands alone, or between commas. */
static void evpnctl_8_has_every_reason_of_a_drop(void **state)
{
	char *page = read_page("docs/evpnctl.8"), first[48], further[48];

	for (int i = 0; i < VTEP_DROPS; i++) {
		snprintf(first, sizeof(first), ".It Cm %s", vtep_drop_names[i]);
		snprintf(further, sizeof(further), " , %s", vtep_drop_names[i]);
		if (!strstr(page, first) && !strstr(page, further))
			fail_msg("no \"%s\"", vtep_drop_names[i]);
	}
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evpnd_yaml_5_has_every_key),
		cmocka_unit_test(evpnctl_8_has_every_verb_and_option),
		cmocka_unit_test(evpnctl_8_has_every_reason_of_a_drop),
	};

	return RUN_TESTS(tests);
}

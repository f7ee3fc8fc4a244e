/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Finding a row by its name, or by what may have been meant for it, and the values that rows name in an object. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/schema.h"

/* ---- names ------------------------------------------------------------------------------------------------------- */

const struct schema_key *schema_find(const struct schema_map *map, const char *name, size_t len)
{
	for (size_t i = 0; i < map->n_keys; i++) {
		const struct schema_key *k = &map->keys[i];

		if (!k->shorthand_only && strlen(k->name) == len && !memcmp(k->name, name, len))
			return k;
	}
	return NULL;
}

bool schema_is_reserved(const char *name, size_t len)
{
	static const char *const names[] = { "vrfs", "segments", "networks", "policies", "ebgp-requires-policy" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len && !memcmp(names[i], name, len))
			return true;
	return false;
}

#define NAME_MAX_LEN 40

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Letters to add, drop or replace to make a of b; both up to NAME_MAX_LEN. Case and "_" for "-" cost nothing. */
static unsigned distance(const char *a, size_t alen, const char *b, size_t blen)
{
	unsigned row[NAME_MAX_LEN + 1];

	for (size_t j = 0; j <= blen; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= alen; i++) {
		char ca = a[i - 1] == '_' ? '-' : a[i - 1];
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= blen; j++) {
			unsigned above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + !!strncasecmp(&ca, &b[j - 1], 1));
			diagonal = above;
		}
	}
	return row[blen];
}

const struct schema_key *schema_nearest(const struct schema_map *map, const char *name, size_t len)
{
	const struct schema_key *best = NULL;
	unsigned best_distance = 0;

	if (len > NAME_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < map->n_keys; i++) {
		const struct schema_key *k = &map->keys[i];
		size_t klen = strlen(k->name);
		unsigned d = distance(name, len, k->name, klen);

		/* One letter in three may be wrong. */
		if (!k->shorthand_only && d <= (klen + 2) / 3 && d < len && (!best || d < best_distance)) {
			best = k;
			best_distance = d;
		}
	}
	return best;
}

/* ---- objects ----------------------------------------------------------------------------------------------------- */

void *schema_list(const struct schema_key *k, const void *object, size_t *n)
{
	void *items = *(void *const *)((const char *)object + k->offset);

	if (k->shape == SCHEMA_ARGV) {
		char **argv = items;

		for (*n = 0; argv && argv[*n]; (*n)++)
			;
	} else {
		*n = *(const size_t *)((const char *)object + k->count);
	}
	return items;
}

void schema_list_set(const struct schema_key *k, void *object, void *items, size_t n)
{
	*(void **)((char *)object + k->offset) = items;
	if (k->shape != SCHEMA_ARGV)
		*(size_t *)((char *)object + k->count) = n;
}

static void fini_value(const struct schema_key *k, void *value)
{
	if (k->map)
		schema_fini(k->map, value);
	else if (k->scalar->fini)
		k->scalar->fini(value);
}

static void fini_list(const struct schema_key *k, void *object)
{
	size_t n;
	char *items = schema_list(k, object, &n);

	for (size_t i = 0; i < n; i++)
		fini_value(k, items + i * k->size);
	free(items);
}

void schema_fini(const struct schema_map *map, void *object)
{
	for (size_t i = 0; i < map->n_keys; i++) {
		const struct schema_key *k = &map->keys[i];

		if (k->shape == SCHEMA_ONE)
			fini_value(k, (char *)object + k->offset);
		else if (k->shape != SCHEMA_SET)
			fini_list(k, object);
	}
}

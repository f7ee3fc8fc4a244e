/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The configuration file as data: a map of the file is a struct schema_map, a key of it a row. Reading (parse.c),
 * printing (print.c), freeing and every message come from these rows. A new key is a field in include/config.h, a row
 * in schema.c, a paragraph in docs/evpnd.yaml.5 and a line in conf/samples/all-keys.yaml. What one value alone cannot
 * tell (duplicates, contradictions) is check.c's.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "include/config.h"

struct schema_key;

/* One scalar as it stands in the file: octets, not terminated, perhaps with NULs among them. */
struct scalar_text {
	const char *s;
	size_t len;
	bool quoted; /* any style but plain */
};

/* A kind of scalar. value points at the field that the row names. */
struct scalar {
	/* Completes "expected ...". */
	void (*expected)(const struct schema_key *k, struct buf *out);
	/* false when t is not what was expected; *value is then as it was. */
	bool (*read)(const struct schema_key *k, const struct scalar_text *t, void *value);
	/* Appends YAML that read() takes for the same value; false and nothing when no value is given. */
	bool (*write)(const struct schema_key *k, const void *value, struct buf *out);
	/* Frees what *value owns; NULL when it owns nothing. */
	void (*fini)(void *value);
};

extern const struct scalar scalar_bool, scalar_number, scalar_number_or_word, scalar_word, scalar_text, scalar_ifname,
	scalar_ifname_or_none, scalar_port, scalar_ip, scalar_mac, scalar_router_id, scalar_rd, scalar_rt;

/* Appends text as YAML that loads to the same text. */
void scalar_write_text(const char *s, size_t len, struct buf *out);

struct schema_word {
	const char *name;
	int value; /* of the enum; in a set the offset of the word's bool */
};

enum schema_shape {
	SCHEMA_ONE,         /* a scalar or a map */
	SCHEMA_LIST,        /* a list of them: an array at offset, its length at count */
	SCHEMA_ONE_OR_LIST, /* a list that is not empty, whose only item may stand for itself */
	SCHEMA_ARGV,        /* a list of text: a char ** that ends with NULL */
	SCHEMA_SET          /* a list of words, each with a bool of its own */
};

struct schema_key {
	const char *name;
	enum schema_shape shape;
	const struct scalar *scalar;  /* of the value or of an item; NULL when that is a map */
	const struct schema_map *map; /* of the value or of an item */
	size_t offset, size;          /* of the field in the struct of the map; in a list the size is an item's */
	size_t count;                 /* LIST: offset of the length */
	uint64_t min, max;            /* of a number; of a text's length in octets */
	const struct schema_word *words;
	size_t max_items;
	/* What is left out: this text, in a list this one item. NULL: the field is zero, or as derive() says. */
	const char *def;
	/* Sees the whole file, and the other values of the object. */
	void (*derive)(const struct config *c, const void *object, void *value);
	/* A last look at what was read: NULL when it is right, or what was expected. */
	const char *(*check)(const void *value);
	bool needed;
	bool secret;         /* never shown */
	size_t read_from;    /* offset of the name of the file that the value was read from, printed in its place */
	bool shorthand_only; /* not a key: only the shorthand of its map */
};

#define SCHEMA_KEYS_MAX 32

struct schema_map {
	const char *what; /* "a neighbor" */
	size_t size;      /* of its struct, for lists */
	const struct schema_key *keys;
	size_t n_keys;
	bool block;     /* printed one key a line; otherwise in braces */
	bool shorthand; /* a scalar instead of the map is the value of the first key */
	void (*finish)(void *object); /* after the keys were read; may be NULL */
};

extern const struct schema_key schema_root; /* the file: a map without a name, over struct config */
extern const struct schema_map schema_neighbor, schema_vni, schema_host, schema_port, schema_listen;

/* NULL when the map has no such key. */
const struct schema_key *schema_find(const struct schema_map *map, const char *name, size_t len);
/* The key that the user may have meant; NULL when none is near. */
const struct schema_key *schema_nearest(const struct schema_map *map, const char *name, size_t len);
/* A name without a meaning yet that no other key will take. */
bool schema_is_reserved(const char *name, size_t len);

/* The array and the length of a list row. */
void *schema_list(const struct schema_key *k, const void *object, size_t *n);
void schema_list_set(const struct schema_key *k, void *object, void *items, size_t n);

/* Frees what an object owns (not the object) and zeroes nothing. */
void schema_fini(const struct schema_map *map, void *object);

#endif

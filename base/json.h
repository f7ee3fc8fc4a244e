/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * JSON writer: appends to a struct buf, commas and escapes are its business, nesting is the caller's.
 * Inside an object every value has a key (a word without anything to escape), inside an array key is NULL. Strings that
 * are not UTF-8 are escaped octet by octet as \u00XX, so the output is always valid JSON.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"

struct json {
	struct buf *out;
	bool comma; /* the next value needs one before it */
};

/*
 * libjansson has functions of four of these names. Ours go by others for the linker, so that a
 * program may use both (not in one source file): otherwise jansson's own calls would end here.
 */
#define JSON_SYMBOL(name) __asm__("json_writer_" name)

void json_init(struct json *j, struct buf *out);
void json_object(struct json *j, const char *key) JSON_SYMBOL("object");
void json_object_end(struct json *j);
void json_array(struct json *j, const char *key) JSON_SYMBOL("array");
void json_array_end(struct json *j);
void json_str(struct json *j, const char *key, const char *v); /* v NULL writes null */
void json_strn(struct json *j, const char *key, const char *v, size_t n);
void json_int(struct json *j, const char *key, int64_t v);
void json_uint(struct json *j, const char *key, uint64_t v);
void json_uint_if(struct json *j, const char *key, bool known, uint64_t v); /* null when it is not */
void json_real(struct json *j, const char *key, double v) JSON_SYMBOL("real"); /* three decimals */
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key) JSON_SYMBOL("null");
void json_hex(struct json *j, const char *key, const void *p, size_t n);
void json_mac(struct json *j, const char *key, const struct mac *m); /* NULL writes null */
void json_ip(struct json *j, const char *key, const struct ip *a);   /* NULL or no address writes null */
/* An object of unsigned numbers: json_uints(j, "evpn", { "vnis", m.vnis }, { "macs", m.macs }). */
struct json_uint {
	const char *key;
	uint64_t v;
};
#define json_uints(j, key, ...)                                                                                        \
	json_uint_members((j), (key), (const struct json_uint[]){ __VA_ARGS__ },                                       \
			  sizeof((const struct json_uint[]){ __VA_ARGS__ }) / sizeof(struct json_uint))
void json_uint_members(struct json *j, const char *key, const struct json_uint *m, size_t n);
/* A ready-made piece of JSON as the next value. */
void json_raw(struct json *j, const char *key, const char *text, size_t n);

#endif

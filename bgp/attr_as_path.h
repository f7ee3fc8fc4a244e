/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * AS_PATH: segments of type 1, count 1, ASNs of 2 or 4 octets (RFC 4271 4.3, 6793). Inside the engine paths always have
 * 4-octet ASNs; the width belongs to a connection.
 */
#ifndef BGP_ATTR_AS_PATH_H
#define BGP_ATTR_AS_PATH_H

#include "base/wire.h"

enum { AS_SET = 1, AS_SEQUENCE, AS_CONFED_SEQUENCE, AS_CONFED_SET };

/* NULL when well-formed and without confederation segments (RFC 7606 7.2, 5065 5, 7607), else static text. */
const char *attr_as_path_check(const uint8_t *path, size_t len, unsigned width);
/* The same for AS4_PATH, where confederation segments are stripped later (RFC 6793 6). */
const char *attr_as4_path_check(const uint8_t *path, size_t len);

/* The rest takes well-formed paths; without a width: 4 octets. */
uint32_t attr_as_path_hops(const uint8_t *path, size_t len);
/* Leftmost AS when the path starts with an AS_SEQUENCE, else 0. */
uint32_t attr_as_path_first(const uint8_t *path, size_t len);
/* Has it an AS that 2 octets cannot hold? */
bool attr_as_path_wide(const uint8_t *path, size_t len);
/* From 2 to 4 octets. */
void attr_as_path_widen(struct wbuf *w, const uint8_t *path, size_t len);
/* With prepend (0: none) in front, ASNs of width octets, AS_TRANS for what 2 octets cannot hold. */
void attr_as_path_write(struct wbuf *w, const uint8_t *path, size_t len, uint32_t prepend, unsigned width);
/* Octets that attr_as_path_write() writes. */
size_t attr_as_path_size(const uint8_t *path, size_t len, uint32_t prepend, unsigned width);
/*
 * RFC 6793 4.2.3: the path that a 2-octet speaker has passed on. False, and nothing written, when as4 has more hops
 * than path and is to be ignored.
 */
bool attr_as_path_merge(struct wbuf *w, const uint8_t *path, size_t len, const uint8_t *as4, size_t as4_len);

#endif

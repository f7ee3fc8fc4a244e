/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The header of a path attribute, for the two directions (attr.c, attr_encode.c). */
#ifndef BGP_ATTR_WIRE_H
#define BGP_ATTR_WIRE_H

#include "base/wire.h"

enum { /* RFC 4271 4.3 */
	ATTR_FLAG_OPTIONAL = 0x80,
	ATTR_FLAG_TRANSITIVE = 0x40,
	ATTR_FLAG_PARTIAL = 0x20,
	ATTR_FLAG_EXTENDED = 0x10,
	ATTR_FLAGS_KEPT = ATTR_FLAG_OPTIONAL | ATTR_FLAG_TRANSITIVE | ATTR_FLAG_PARTIAL
};

/* One with a row in the table of attr.c. */
bool attr_code_known(uint8_t code);

/* With the extended length only where it is needed. A length that does not fit is an error of the writer. */
static inline void attr_header_write(struct wbuf *w, uint8_t flags, uint8_t code, size_t len)
{
	if (len > UINT16_MAX)
		w->bad = true;
	wb_u8(w, (uint8_t)(flags | (len > UINT8_MAX ? ATTR_FLAG_EXTENDED : 0)));
	wb_u8(w, code);
	if (len > UINT8_MAX)
		wb_u16(w, (uint16_t)len);
	else
		wb_u8(w, (uint8_t)len);
}

static inline void attr_write(struct wbuf *w, uint8_t flags, uint8_t code, const void *value, size_t len)
{
	attr_header_write(w, flags, code, len);
	wb_bytes(w, value, len);
}

#endif

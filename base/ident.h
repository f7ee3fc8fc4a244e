/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What route distinguishers (RFC 4364 4.2) and route targets (RFC 4360, RFC 5668) have in common: an administrator, a
 * number of its own, and a type that says how six octets are divided between the two.
 *
 *   IDENT_AS2  | AS 2 | number 4 |      IDENT_IP4  | address 4 | number 2 |      IDENT_AS4  | AS 4 | number 2 |
 */
#ifndef BASE_IDENT_H
#define BASE_IDENT_H

#include <stdbool.h>
#include <stdint.h>

enum ident_type { IDENT_AS2 = 0, IDENT_IP4 = 1, IDENT_AS4 = 2 };

#define IDENT_TEXT_MAX 24u /* octets, with the 0 at the end */

/*
 * "65000:10", "192.0.2.1:10", "4200000000:10": numbers without leading zeros; an AS that fits 16 bits is IDENT_AS2. On
 * false nothing is written.
 */
bool ident_parse(const char *s, enum ident_type *type, uint8_t v[6]);
void ident_print(enum ident_type type, const uint8_t v[6], char text[IDENT_TEXT_MAX]);

#endif

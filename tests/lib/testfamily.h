/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * An address family without meaning, for tests of what does not care: AFI 25, SAFI 70, the key is opaque octets, the
 * shared part too. On the wire an NLRI is
 *
 *	+---------+-----+------------+--------+
 *	| key len | key | shared len | shared |   (a withdrawal ends with the key)
 *	+---------+-----+------------+--------+
 *
 * The first octet of the shared part is its preference: higher wins, absent is 0. Keys that start with ff and a letter
 * ask for a verdict: ff 'u' unknown type, ff 'w' treat as withdraw, ff 'r' reset. A key that starts with fe wants
 * COMMUNITIES or a shared part beside it. One that starts with fd is urgent.
 */
#ifndef TESTS_LIB_TESTFAMILY_H
#define TESTS_LIB_TESTFAMILY_H

#include "include/bgp.h"

extern const struct bgp_family test_family;
/* The same under AFI 1, SAFI 132. */
extern const struct bgp_family test_family2;

#endif

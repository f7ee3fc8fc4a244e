/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Short words for what evpn wishes of a dataplane, all in VNI 100 (WORLD_VNI): MACs,
 * VTEPs and hosts go by number; and what show says of it.
 */
#ifndef TESTS_LIB_WISHES_H
#define TESTS_LIB_WISHES_H

#include "include/dataplane.h"

struct mac mac_nr(unsigned n); /* 02:00:00:00:xx:xx */
struct ip vtep_nr(unsigned n); /* 192.0.2.n */
struct ip host_nr(unsigned n); /* 10.0.0.n */
struct ip ip_of(const char *s);

void want_fdb_to(struct dp *d, unsigned mac, struct ip vtep, uint8_t flags);
void want_fdb(struct dp *d, unsigned mac, unsigned vtep, uint8_t flags);
void want_fdb_set(struct dp *d, unsigned mac, uint32_t set, uint8_t flags);
void unwant_fdb(struct dp *d, unsigned mac);
/* vteps: "23" is vtep_nr(2) and vtep_nr(3) */
void put_set(struct dp *d, uint32_t set, const char *vteps);
void want_flood(struct dp *d, struct ip vtep, uint32_t label);
void want_neigh(struct dp *d, struct ip ip, unsigned mac, uint8_t flags);

/* What show says of a MAC's row in a table, NULL when it is not shown; valid until the next call. */
const struct dp_row_info *shown(struct dp *d, unsigned mac, const char *table);

#endif

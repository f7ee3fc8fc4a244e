/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/lib/wishes.h"

#include <string.h>

#include "tests/lib/dpworld.h"
#include "tests/lib/test.h"

struct mac mac_nr(unsigned n)
{
	return (struct mac){ { 2, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n } };
}

struct ip vtep_nr(unsigned n)
{
	return ip_v4(0xc0000200u + n);
}

struct ip host_nr(unsigned n)
{
	return ip_v4(0x0a000000u + n);
}

struct ip ip_of(const char *s)
{
	struct ip ip = ip_none();

	assert_true(ip_parse(s, &ip));
	return ip;
}

void want_fdb_to(struct dp *d, unsigned mac, struct ip vtep, uint8_t flags)
{
	struct mac m = mac_nr(mac);
	struct dp_row row = { .key = dp_key_fdb(WORLD_VNI, &m), .vtep = vtep, .flags = flags };

	dp_want(d, &row);
}

void want_fdb(struct dp *d, unsigned mac, unsigned vtep, uint8_t flags)
{
	want_fdb_to(d, mac, vtep_nr(vtep), flags);
}

void want_fdb_set(struct dp *d, unsigned mac, uint32_t set, uint8_t flags)
{
	struct mac m = mac_nr(mac);
	struct dp_row row = { .key = dp_key_fdb(WORLD_VNI, &m), .set = set, .flags = flags };

	dp_want(d, &row);
}

void unwant_fdb(struct dp *d, unsigned mac)
{
	struct mac m = mac_nr(mac);
	struct dp_key k = dp_key_fdb(WORLD_VNI, &m);

	dp_unwant(d, &k);
}

void put_set(struct dp *d, uint32_t set, const char *vteps)
{
	struct ip ip[DP_SET_MAX];
	unsigned n = 0;

	for (const char *p = vteps; *p; p++) /* a digit each */
		ip[n++] = vtep_nr((unsigned)(*p - '0'));
	dp_set_put(d, set, ip, n);
}

void want_flood(struct dp *d, struct ip vtep, uint32_t label)
{
	struct dp_row row = { .key = dp_key_flood(WORLD_VNI, &vtep), .label_vni = label };

	dp_want(d, &row);
}

void want_neigh(struct dp *d, struct ip ip, unsigned mac, uint8_t flags)
{
	struct dp_row row = { .key = dp_key_neigh(WORLD_VNI, &ip), .mac = mac_nr(mac), .flags = flags };

	dp_want(d, &row);
}

const struct dp_row_info *shown(struct dp *d, unsigned mac, const char *table)
{
	static struct dp_row_info i;
	struct dp_cursor c = { 0 };
	struct mac m = mac_nr(mac);

	while (dp_next(d, &c, WORLD_VNI, &i)) {
		if (i.row.key.kind == DP_FDB && mac_eq(&i.row.key.mac, &m) && !strcmp(i.table, table))
			return &i;
	}
	return NULL;
}

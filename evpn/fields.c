/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What filters and scripts ask of a route: its fields, and its key on one line (tests/vectors/README.md). */
#include "base/buf.h"
#include "evpn/ec.h"
#include "evpn/nlri.h"
#include "include/evpn.h"

void evpn_route_fields(const uint8_t *key, size_t key_len, const struct bgp_attrs *a, struct evpn_route_fields *out)
{
	struct evpn_pmsi pmsi;
	struct evpn_nlri n;

	*out = (struct evpn_route_fields){ .type = key[0] };
	if (!evpn_nlri_parse(key, key_len, a->shared, a->shared_len, &n))
		return;
	memcpy(out->rd, n.rd, 8);
	out->mac = n.mac;
	out->has_mac = n.type == EVPN_MAC_IP;
	out->ip = n.ip;
	out->vni = n.label;
	if (n.type == EVPN_IMET && evpn_pmsi_read(a->pmsi, a->pmsi_len, &pmsi))
		out->vni = pmsi.label;
}

#define MAC_AT 13u /* type, RD, Ethernet tag */

bool evpn_key_may_match(const uint8_t *key, size_t key_len, const uint8_t *rd, const struct mac *mac,
			const struct ip *ip)
{
	if (key[0] < EVPN_AD || key[0] > EVPN_PREFIX)
		return !mac && !ip;
	if (rd && (key_len < 9 || memcmp(evpn_key_rd(key), rd, 8) != 0))
		return false;
	if (mac && (key[0] != EVPN_MAC_IP || key_len < MAC_AT + 6 || memcmp(key + MAC_AT, mac->b, 6) != 0))
		return false;
	/* Of every type that has one it is the key's end. */
	return !ip || (key_len > ip->len && memcmp(key + key_len - ip->len, ip->b, ip->len) == 0);
}

static void add_hex(struct buf *out, const uint8_t *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	char *s = buf_reserve(out, 2 * n);

	for (size_t i = 0; i < n; i++) {
		s[2 * i] = digit[p[i] >> 4];
		s[2 * i + 1] = digit[p[i] & 15];
	}
	buf_commit(out, 2 * n);
}

/* MAX-ET is what makes an A-D route one of a whole segment, so it is written apart from tags that are VIDs or VNIs. */
static void add_tag(struct buf *out, const struct evpn_nlri *n)
{
	if (n->type == EVPN_AD && n->tag == EVPN_MAX_ET)
		buf_adds(out, "|ffffffff");
	else
		buf_printf(out, "|%u", n->tag);
}

void evpn_key_line(const uint8_t *key, size_t key_len, struct buf *out)
{
	struct evpn_nlri n;

	if (!evpn_nlri_parse(key, key_len, NULL, 0, &n))
		return;
	buf_printf(out, "%u|", n.type);
	add_hex(out, n.rd, 8);
	if (n.type == EVPN_AD || n.type == EVPN_ES) {
		buf_adds(out, "|");
		add_hex(out, n.esi, 10);
	}
	if (n.type != EVPN_ES)
		add_tag(out, &n);
	if (n.type == EVPN_MAC_IP) {
		buf_adds(out, "|");
		add_hex(out, n.mac.b, 6);
	}
	if (n.type == EVPN_PREFIX)
		buf_printf(out, "|%u", n.prefix_len);
	if (n.type != EVPN_AD) {
		buf_adds(out, "|");
		add_hex(out, n.ip.b, n.ip.len);
	}
}

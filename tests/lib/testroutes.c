/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See testroutes.h. */
#include "tests/lib/testroutes.h"

#include <string.h>

static void best_changed(void *ctx, const struct bgp_route_ref *old, const struct bgp_route_ref *new_)
{
	struct routes_seen *s = ctx;

	s->changes++;
	s->best += (new_ != NULL) - (old != NULL);
}

static void set_gone(void *ctx, uint32_t set, uint32_t mark)
{
	((struct routes_seen *)ctx)->sets_gone++;
}

static void end_of_rib(void *ctx, struct bgp_peer *peer)
{
	((struct routes_seen *)ctx)->ends++;
}

static void peer_up(void *ctx, struct bgp_peer *peer)
{
	((struct routes_seen *)ctx)->ups++;
}

static void peer_down(void *ctx, struct bgp_peer *peer)
{
	((struct routes_seen *)ctx)->downs++;
}

void routes_listen(struct routes_seen *seen)
{
	*seen = (struct routes_seen){ .listener = { .best_changed = best_changed, .set_gone = set_gone,
							.end_of_rib = end_of_rib, .peer_up = peer_up,
							.peer_down = peer_down } };
	seen->listener.ctx = seen;
}

void routes_originate(struct bgp *b, const char *key, unsigned n, struct mtime now)
{
	const uint8_t community[4] = { 0, 0, (uint8_t)(n >> 8), (uint8_t)n };
	struct bgp_attrs a = { .next_hop = ip_v4(0xc6336400 + (n & 0xff)),
			       .communities = community,
			       .communities_len = 4 };
	struct bgp_nlri nlri = { .key_len = (uint8_t)strlen(key), .shared_len = 1, .shared = { 's' } };

	memcpy(nlri.key, key, nlri.key_len);
	bgp_originate(b, &test_family, &nlri, &a, now);
}

void routes_withdraw(struct bgp *b, const char *key, struct mtime now)
{
	bgp_withdraw(b, &test_family, (const uint8_t *)key, strlen(key), now);
}

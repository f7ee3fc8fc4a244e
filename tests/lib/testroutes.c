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
	s->best_most = s->best > s->best_most ? s->best : s->best_most;
	if (!s->rows)
		return;
	bgp_did(s->bgp, s->rows);
	if (old)
		bgp_set_set_mark(s->bgp, old->set, bgp_set_mark(s->bgp, old->set) - s->rows);
	if (new_)
		bgp_set_set_mark(s->bgp, new_->set, bgp_set_mark(s->bgp, new_->set) + s->rows);
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

/* The mark of a set is how many rows its routes have made. */
static uint64_t octets_of(void *ctx, uint32_t mark)
{
	return (uint64_t)mark * ((struct routes_seen *)ctx)->row_octets;
}

static uint64_t octets(void *ctx)
{
	const struct routes_seen *s = ctx;

	return (uint64_t)s->best * s->rows * s->row_octets;
}

void routes_make_rows(struct routes_seen *seen, struct bgp *b, uint32_t rows, uint32_t row_octets)
{
	seen->rows = rows;
	seen->row_octets = row_octets;
	seen->bgp = b;
	seen->listener.octets = octets;
	seen->listener.octets_of = octets_of;
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

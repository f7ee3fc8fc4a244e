/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/lib/pairworld.h"

#include <string.h>

#include "tests/lib/test.h"

struct bgp_params side_params(const struct side_setup *s, struct side *side)
{
	return (struct bgp_params){ .asn = s->asn, .router_id = s->id, .seed = s->id, .log = &side->lines.log };
}

static void side_engine(struct side *side, struct simnet *net, const char *address, struct side_setup *s, uint32_t id)
{
	struct bgp_params p;

	s->asn = s->asn ? s->asn : 65001;
	s->id = s->id ? s->id : id;
	lines_init(&side->lines, LOG_DEBUG);
	routes_listen(&side->seen);
	p = side_params(s, side);
	side->node = simnet_engine(net, address, &p);
	bgp_family_register(sim_bgp(side->node), &test_family, &side->seen.listener);
}

void side_peer(struct side *side, const struct side *other, struct side_setup *s, const struct side_setup *os)
{
	s->peer.asn = s->peer.asn ? s->peer.asn : os->asn;
	s->peer.hold_time = s->no_hold ? 0 : s->peer.hold_time ? s->peer.hold_time : 90;
	side->peer = sim_peer(side->node, other->node, &s->peer);
}

void pair_start(struct pair *w, struct pair_setup *s)
{
	memset(w, 0, sizeof(*w));
	w->net = simnet_new(&s->net);
	side_engine(&w->a, w->net, "192.0.2.1", &s->a, 0xc0000201);
	side_engine(&w->b, w->net, "192.0.2.2", &s->b, 0xc0000202);
	side_peer(&w->a, &w->b, &s->a, &s->b);
	simnet_run(w->net, s->b_lag_us);
	side_peer(&w->b, &w->a, &s->b, &s->a);
}

void pair_end(struct pair *w)
{
	simnet_free(w->net);
	lines_fini(&w->a.lines);
	lines_fini(&w->b.lines);
}

struct bgp *side_bgp(const struct side *side)
{
	return sim_bgp(side->node);
}

struct bgp_peer_info side_info(const struct side *side)
{
	struct bgp_peer_info i;

	bgp_peer_info(side->peer, &i);
	return i;
}

bool pair_up(void *ctx)
{
	const struct pair *w = ctx;

	return side_info(&w->a).state == BGP_ESTABLISHED && side_info(&w->b).state == BGP_ESTABLISHED;
}

void pair_wait_up(struct pair *w, int64_t us)
{
	if (!simnet_run_until(w->net, us, pair_up, w))
		fail_msg("not established: %s, %s\n%s", bgp_state_name(side_info(&w->a).state),
			 bgp_state_name(side_info(&w->b).state), lines_text(&w->a.lines));
	simnet_run(w->net, 100 * MS);
}

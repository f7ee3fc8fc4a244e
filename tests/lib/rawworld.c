/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See rawworld.h. */
#include "tests/lib/rawworld.h"

#include <string.h>

#include "tests/lib/hex.h"
#include "tests/lib/test.h"

void raw_world_start(struct raw_world *w, struct raw_setup s)
{
	struct bgp_params p = { .asn = s.asn ? s.asn : 65001, .router_id = 0xc0000201, .seed = 1, .log = &w->lines.log,
				.next_hop = s.next_hop ? ip_v4(s.next_hop) : ip_none(),
				.restart_time = s.restart_time, .long_lived_time = s.long_lived_time,
				.memory_limit = s.memory_limit, .reflect_unknown = s.reflect_unknown };

	memset(w, 0, sizeof(*w));
	lines_init(&w->lines, LOG_DEBUG);
	routes_listen(&w->seen);
	w->net = simnet_new(&s.net);
	w->dut = simnet_engine(w->net, "192.0.2.1", &p);
	bgp_family_register(sim_bgp(w->dut), &test_family, &w->seen.listener);
	if (s.rtc)
		bgp_family_register(sim_bgp(w->dut), &bgp_rtc_family, NULL);
	w->raw = (struct rawpeer){ .net = w->net, .dut = w->dut, .node = simnet_raw(w->net, "192.0.2.2"), .p = s.raw };
	s.peer.asn = s.peer.asn ? s.peer.asn : p.asn;
	s.peer.hold_time = s.peer.hold_time ? s.peer.hold_time : 90;
	s.peer.passive = !s.active;
	w->raw.p.asn = s.raw.asn ? s.raw.asn : s.peer.asn;
	w->raw.p.id = s.raw.id ? s.raw.id : 0xc0000202;
	w->raw.p.hold_time = s.raw.hold_time ? s.raw.hold_time : 90;
	w->peer = sim_peer(w->dut, w->raw.node, &s.peer);
}

void raw_world_end(struct raw_world *w)
{
	simnet_free(w->net);
	lines_fini(&w->lines);
}

struct bgp_peer_info raw_info(const struct raw_world *w)
{
	struct bgp_peer_info i;

	bgp_peer_info(w->peer, &i);
	return i;
}

void raw_run(struct raw_world *w, int64_t us)
{
	simnet_run(w->net, us);
}

void raw_expect_end(struct raw_world *w, uint8_t code, uint8_t subcode, const char *data)
{
	struct raw_msg m;

	if (!raw_wait(&w->raw, 3, 100 * MS, &m))
		fail_msg("no NOTIFICATION\n%s", lines_text(&w->lines));
	assert_int_equal(m.body[0], code);
	assert_int_equal(m.body[1], subcode);
	if (data)
		hex_assert("data", m.body + 2, m.len - 2, data);
	raw_run(w, 100 * MS);
	assert_false(raw_next(&w->raw, &m));
	assert_true(raw_closed(&w->raw));
	assert_int_equal(raw_info(w).last_out.code, code);
	assert_int_equal(raw_info(w).last_out.subcode, subcode);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * ARP and neighbour discovery of hosts. Input: a frame. What can be understood can be answered,
 * and the answer understood; the quick look of a forwarding thread misses none of them.
 */
#include "dataplane/arpnd.h"
#include "dataplane/vtep/frame.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct mac owner = { { 2, 0, 0, 0, 0, 9 } };
	uint8_t frame[ARPND_FRAME_MAX];
	struct arpnd p, answer;
	struct frame f;
	bool quick = frame_parse(&f, data, len) && frame_is_arpnd(&f, data);

	if (!arpnd_parse(data, len, &p))
		return 0;
	BUG_ON(!quick);
	BUG_ON(p.ip.len && (!ip_is_unicast(&p.ip) || mac_is_group(&p.mac) || mac_is_zero(&p.mac)));
	BUG_ON(mac_is_group(&p.src));
	if (!ip_is_unicast(&p.target)) /* what no table holds */
		return 0;
	BUG_ON(!arpnd_parse(frame, arpnd_build_answer(frame, &p, &owner, len & 1), &answer));
	BUG_ON(!ip_eq(&answer.target, p.target.len == 16 ? &p.target : &answer.target));
	BUG_ON(answer.ip.len && (!ip_eq(&answer.ip, &p.target) || !mac_eq(&answer.mac, &owner)));
	return 0;
}

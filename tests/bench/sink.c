/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Read by hand, not with the daemon's own decoder: see loadmsg.c. */
#include "tests/bench/sink.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/wire.h"
#include "tests/bench/nlwatch.h"

#define HEADER 19u
#define MAC_AT 25u /* in a Type 2 NLRI, type and length included (RFC 7432 7.2) */
#define MP_REACH 14u
#define MP_UNREACH 15u
#define MED 4u

void sink_init(struct sink *s, uint32_t routes)
{
	*s = (struct sink){ .n = routes, .held = xcalloc(routes, 1), .right = routes };
}

void sink_fini(struct sink *s)
{
	free(s->held);
	s->held = NULL;
}

void sink_want(struct sink *s, uint8_t want)
{
	s->want = want;
	s->right = 0;
	for (uint32_t i = 0; i < s->n; i++)
		s->right += s->held[i] == want;
}

static void take_route(struct sink *s, const uint8_t *nlri, size_t len, uint8_t now)
{
	uint32_t i;

	if (!s->held || nlri[0] != 2 || len < MAC_AT + 6 || !load_mac_index(nlri + MAC_AT, &i) || i >= s->n)
		return;
	s->right -= s->held[i] == s->want;
	s->right += now == s->want;
	s->held[i] = now;
}

static uint64_t take_routes(struct sink *s, struct rbuf r, uint8_t now)
{
	uint64_t n = 0;

	while (rb_left(&r) >= 2) {
		const uint8_t *nlri = r.p;
		size_t len = 2u + nlri[1];

		if (!rb_ptr(&r, len))
			break;
		take_route(s, nlri, len, now);
		n++;
	}
	return n;
}

static void take_update(struct sink *s, struct rbuf r)
{
	struct rbuf attrs, reach = { 0 }, unreach = { 0 };
	uint32_t med = 0;

	s->updates++;
	rb_skip(&r, rb_u16(&r));
	attrs = rb_sub(&r, rb_u16(&r));
	while (rb_left(&attrs)) {
		uint8_t flags = rb_u8(&attrs), code = rb_u8(&attrs);
		struct rbuf v = rb_sub(&attrs, flags & 0x10 ? rb_u16(&attrs) : rb_u8(&attrs));

		if (code == MP_REACH)
			reach = v;
		else if (code == MP_UNREACH)
			unreach = v;
		else if (code == MED)
			med = rb_u32(&v);
	}
	rb_skip(&unreach, 3);
	s->withdrawn += take_routes(s, unreach, SINK_GONE);
	rb_skip(&reach, 3);
	rb_skip(&reach, rb_u8(&reach) + 1u);
	s->announced += take_routes(s, reach, SINK_HELD(med));
}

static void take_message(struct sink *s, const uint8_t *m, size_t n)
{
	switch (m[18]) {
	case 1:
		s->open_seen = true;
		break;
	case 2:
		s->octets += n;
		take_update(s, rb_init(m + HEADER, n - HEADER));
		break;
	case 3:
		s->notified = true;
		s->code = n > HEADER ? m[19] : 0;
		s->subcode = n > HEADER + 1 ? m[20] : 0;
		break;
	case 4:
		s->keepalives++;
		break;
	}
}

size_t sink_feed(struct sink *s, const uint8_t *data, size_t len)
{
	size_t taken = 0;

	while (len - taken >= HEADER) {
		const uint8_t *m = data + taken;
		size_t n = (size_t)m[16] << 8 | m[17];

		if (n < HEADER || len - taken < n)
			break;
		taken += n;
		take_message(s, m, n);
	}
	return taken;
}

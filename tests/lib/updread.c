/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/lib/updread.h"

#include "include/bgp.h"
#include "tests/lib/test.h"

static void read_mp(struct rbuf v, bool reach, struct upd *u)
{
	u->afi = rb_u16(&v);
	u->safi = rb_u8(&v);
	if (reach) {
		u->next_hop = rb_ip(&v, rb_u8(&v));
		assert_int_equal(rb_u8(&v), 0);
		assert_true(rb_left(&v) > 0);
	}
	*(reach ? &u->reach : &u->unreach) = true;
	assert_true(rb_ok(&v));
	u->nlri = v;
}

static void read_attr(uint8_t code, struct rbuf v, struct upd *u)
{
	switch (code) {
	case BGP_ATTR_COMMUNITIES:
		u->community = rb_u32(&v);
		u->drained = u->community == BGP_GRACEFUL_SHUTDOWN;
		while (rb_left(&v))
			u->drained |= rb_u32(&v) == BGP_GRACEFUL_SHUTDOWN;
		break;
	case BGP_ATTR_ORIGINATOR_ID:
		u->originator = rb_u32(&v);
		break;
	case BGP_ATTR_LOCAL_PREF:
		u->local_pref = rb_u32(&v);
		u->has_local_pref = true;
		break;
	}
	assert_true(rb_ok(&v));
}

/* MP_REACH or MP_UNREACH first (RFC 7606 5.1), never both, the others in ascending order. */
static void read_attrs(struct rbuf r, struct upd *u)
{
	int last = -1;

	while (rb_left(&r)) {
		uint8_t flags = rb_u8(&r), code = rb_u8(&r);
		struct rbuf v = rb_sub(&r, flags & 0x10 ? rb_u16(&r) : rb_u8(&r));

		if (code == BGP_ATTR_MP_REACH || code == BGP_ATTR_MP_UNREACH) {
			assert_int_equal(last, -1);
			read_mp(v, code == BGP_ATTR_MP_REACH, u);
			last = 0;
			continue;
		}
		assert_true(u->reach && code > last);
		last = code;
		read_attr(code, v, u);
	}
	assert_true(rb_ok(&r));
}

bool upd_next(struct rbuf *r, struct upd *out)
{
	const uint8_t *marker;
	struct rbuf body;

	if (!rb_left(r))
		return false;
	*out = (struct upd){ 0 };
	marker = rb_ptr(r, 16);
	assert_non_null(marker);
	for (int i = 0; i < 16; i++)
		assert_int_equal(marker[i], 0xff);
	out->len = rb_u16(r);
	assert_true(out->len >= 23);
	assert_int_equal(rb_u8(r), 2);
	body = rb_sub(r, out->len - 19);
	assert_int_equal(rb_u16(&body), 0);
	read_attrs(rb_sub(&body, rb_u16(&body)), out);
	assert_true(rb_done(&body) && rb_ok(r));
	assert_true(out->reach != out->unreach);
	out->end_of_rib = out->unreach && !rb_left(&out->nlri);
	return true;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See rawpeer.h. */
#include "tests/lib/rawpeer.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bgp/session.h"
#include "tests/lib/hex.h"

#define HEADER 19u
#define STEP 1000 /* us */

static void send_message(struct rawpeer *r, uint8_t type, const uint8_t *body, size_t len)
{
	static uint8_t m[65535];
	struct wbuf w = wb_init(m, sizeof(m));

	for (int i = 0; i < 16; i++)
		wb_u8(&w, 0xff);
	wb_u16(&w, (uint16_t)(HEADER + len));
	wb_u8(&w, type);
	wb_bytes(&w, body, len);
	BUG_ON(!wb_ok(&w));
	sim_raw_send(r->end, m, wb_len(&w));
}

void raw_send_open(struct rawpeer *r)
{
	uint8_t body[1024], caps[512];
	struct wbuf w = wb_init(body, sizeof(body));
	size_t params, cap;

	wb_u8(&w, 4);
	wb_u16(&w, (uint16_t)(r->p.asn > UINT16_MAX ? 23456 : r->p.asn));
	wb_u16(&w, r->p.hold_time);
	wb_u32(&w, r->p.id);
	params = wb_open8(&w);
	wb_u8(&w, 2);
	cap = wb_open8(&w);
	wb_bytes(&w, "\x01\x04\x00\x19\x00\x46\x02\x00", 8);
	if (!r->p.no_as4) {
		wb_bytes(&w, "\x41\x04", 2);
		wb_u32(&w, r->p.asn);
	}
	wb_bytes(&w, caps, hex_bytes(r->p.caps ? r->p.caps : "", caps, sizeof(caps)));
	wb_close8(&w, cap);
	wb_close8(&w, params);
	send_message(r, 1, body, wb_len(&w));
}

void raw_send_keepalive(struct rawpeer *r)
{
	send_message(r, 4, NULL, 0);
}

void raw_send_hex(struct rawpeer *r, const char *hex)
{
	size_t n = strlen(hex) / 2;
	uint8_t *data = xcalloc(1, n + 1);

	sim_raw_send(r->end, data, hex_bytes(hex, data, n + 1));
	free(data);
}

static size_t update_body(const char *attrs, uint8_t *body, size_t cap)
{
	static uint8_t tmp[65535];
	struct wbuf w = wb_init(body, cap);
	size_t mark;

	wb_u16(&w, 0);
	mark = wb_open16(&w);
	wb_bytes(&w, tmp, hex_bytes(attrs, tmp, sizeof(tmp)));
	wb_close16(&w, mark);
	return wb_len(&w);
}

void raw_send_update(struct rawpeer *r, const char *attrs)
{
	static uint8_t body[65535];

	send_message(r, 2, body, update_body(attrs, body, sizeof(body)));
}

void raw_hand_in_update(struct rawpeer *r, struct bgp_peer *peer, const char *attrs)
{
	static uint8_t data[65535];
	size_t len = HEADER + update_body(attrs, data + HEADER, sizeof(data) - HEADER);

	memset(data, 0xff, 16);
	data[16] = (uint8_t)(len >> 8);
	data[17] = (uint8_t)len;
	data[18] = MSG_UPDATE;
	bgp_conn_input(peer->session, data, len, simnet_now(r->net));
}

bool raw_next(struct rawpeer *r, struct raw_msg *m)
{
	struct buf *b = sim_raw_received(r->end);
	struct rbuf in = rb_init(buf_data(b), b->len);
	size_t len;

	rb_skip(&in, 16);
	len = rb_u16(&in);
	m->type = rb_u8(&in);
	if (!rb_ok(&in) || b->len < len)
		return false;
	BUG_ON(len < HEADER || len > 65535);
	m->len = len - HEADER;
	rb_bytes(&in, m->body, m->len);
	buf_consume(b, len);
	return true;
}

bool raw_wait(struct rawpeer *r, uint8_t type, int64_t us, struct raw_msg *m)
{
	for (;; us -= STEP) {
		while (raw_next(r, m))
			if (m->type == type)
				return true;
		if (us <= 0)
			return false;
		simnet_run(r->net, STEP);
	}
}

void raw_flush(struct rawpeer *r)
{
	buf_reset(sim_raw_received(r->end));
}

bool raw_closed(const struct rawpeer *r)
{
	return sim_raw_closed(r->end);
}

void raw_drop(struct rawpeer *r)
{
	if (r->end)
		sim_end_drop(r->end);
	r->end = NULL;
	simnet_run(r->net, 10 * STEP);
}

bool raw_connect(struct rawpeer *r)
{
	struct raw_msg m;

	r->end = sim_raw_connect(r->node, r->dut);
	return raw_wait(r, 1, 20 * STEP, &m);
}

void raw_establish(struct rawpeer *r)
{
	struct raw_msg m;

	if (!raw_connect(r))
		BUG("no OPEN");
	raw_send_open(r);
	raw_send_keepalive(r);
	if (!raw_wait(r, 4, 20 * STEP, &m))
		BUG("no KEEPALIVE");
	simnet_run(r->net, 10 * STEP);
}

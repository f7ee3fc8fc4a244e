/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 *  0                16        18     19
 *  | marker (ones) | length  | type | body ...        length counts the header: RFC 4271 4.1
 *
 *  OPEN            version 1 | my AS 2 | hold time 2 | BGP identifier 4 | length 1 | optional parameters
 *      RFC 9072:   ... | not 0 | 255 | extended length 2 | parameters with 16-bit lengths
 *  NOTIFICATION    code 1 | subcode 1 | data
 *  ROUTE-REFRESH   AFI 2 | subtype 1 | SAFI 1
 */
#include "bgp/msg.h"

#include <stdio.h>

static const uint8_t marker[16] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

/* False, for the caller to return. */
static bool refuse(struct msg_fault *f, uint8_t code, uint8_t subcode, const uint8_t *data, size_t len, const char *why)
{
	*f = (struct msg_fault){ .code = code, .subcode = subcode, .data = data, .data_len = len, .why = why };
	return false;
}

/* RFC 4271 6.1, 8654 4; ROUTE-REFRESH may be longer than 23 octets (RFC 5291), its own decoder judges that. */
static bool length_fits_type(enum msg_type type, size_t len)
{
	switch (type) {
	case MSG_OPEN:
		return len >= MSG_OPEN_MIN_LEN && len <= MSG_MAX_LEN;
	case MSG_UPDATE:
		return len >= MSG_UPDATE_MIN_LEN;
	case MSG_NOTIFICATION:
		return len >= MSG_NOTIFICATION_MIN_LEN;
	case MSG_KEEPALIVE:
		return len == MSG_HEADER_LEN;
	case MSG_REFRESH:
		return len >= MSG_REFRESH_LEN;
	}
	return false;
}

/* RFC 4271 6.1: marker, bounds of the length, type, length for the type, in this order. */
static bool header_judge(const uint8_t *p, size_t len, size_t max, uint8_t type, struct msg_fault *fault)
{
	if (memcmp(p, marker, sizeof(marker)) != 0)
		return refuse(fault, MSG_ERR_HEADER, MSG_HEADER_NOT_SYNCHRONIZED, NULL, 0, "marker is not all ones");
	if (len < MSG_HEADER_LEN || len > max)
		return refuse(fault, MSG_ERR_HEADER, MSG_HEADER_BAD_LENGTH, p + 16, 2, "message length out of bounds");
	if (type < MSG_OPEN || type > MSG_REFRESH)
		return refuse(fault, MSG_ERR_HEADER, MSG_HEADER_BAD_TYPE, p + 18, 1, "unknown message type");
	if (!length_fits_type((enum msg_type)type, len))
		return refuse(fault, MSG_ERR_HEADER, MSG_HEADER_BAD_LENGTH, p + 16, 2,
			      "message length does not fit its type");
	return true;
}

enum msg_verdict msg_frame(const uint8_t *p, size_t have, size_t max, size_t *len, enum msg_type *type,
			   struct msg_fault *fault)
{
	struct rbuf r;
	uint8_t t;

	if (have < MSG_HEADER_LEN)
		return MSG_SHORT;
	r = rb_init(p + sizeof(marker), MSG_HEADER_LEN - sizeof(marker));
	*len = rb_u16(&r);
	t = rb_u8(&r);
	if (!header_judge(p, *len, max, t, fault))
		return MSG_BAD;
	*type = (enum msg_type)t;
	return have < *len ? MSG_SHORT : MSG_WHOLE;
}

bool msg_open_decode(struct rbuf body, struct msg_open *out, struct msg_fault *fault)
{
	static const uint8_t version4[2] = { 0, 4 };
	uint8_t version = rb_u8(&body);
	size_t n;

	if (version != 4)
		return refuse(fault, MSG_ERR_OPEN, MSG_OPEN_VERSION, version4, 2, "BGP version is not 4");
	out->my_as = rb_u16(&body);
	out->hold_time = rb_u16(&body);
	out->router_id = rb_u32(&body);
	n = rb_u8(&body);
	/* RFC 9072 2: the type says it; the length before it should be 255, is not 0, and is then not read as one. */
	out->extended = n && rb_left(&body) >= 3 && body.p[0] == 255;
	if (out->extended) {
		rb_skip(&body, 1);
		n = rb_u16(&body);
	}
	out->params = rb_sub(&body, n);
	if (!rb_done(&body))
		return refuse(fault, MSG_ERR_OPEN, MSG_OPEN_UNSPECIFIC, NULL, 0,
			      "optional parameters do not end with the message");
	return true;
}

bool msg_refresh_decode(struct rbuf body, struct msg_refresh *out, struct msg_fault *fault)
{
	const uint8_t *message = body.p - MSG_HEADER_LEN;
	size_t len = MSG_HEADER_LEN + rb_left(&body);

	out->afi = rb_u16(&body);
	out->subtype = rb_u8(&body);
	out->safi = rb_u8(&body);
	if (rb_done(&body))
		return true;
	if (out->subtype == MSG_REFRESH_BEGIN || out->subtype == MSG_REFRESH_END) /* RFC 7313 5 */
		return refuse(fault, MSG_ERR_REFRESH, MSG_REFRESH_LENGTH, message, len, "length of a BoRR or EoRR");
	return refuse(fault, MSG_ERR_HEADER, MSG_HEADER_BAD_LENGTH, message + 16, 2, "length of a ROUTE-REFRESH");
}

void msg_notification_decode(struct rbuf body, struct msg_fault *out)
{
	out->code = rb_u8(&body);
	out->subcode = rb_u8(&body);
	out->data = body.p;
	out->data_len = rb_left(&body);
	out->why = msg_subcode_name(out->code, out->subcode);
	if (!out->why)
		out->why = msg_code_name(out->code);
}

static size_t begin(struct wbuf *w, enum msg_type type)
{
	size_t mark;

	wb_bytes(w, marker, sizeof(marker));
	mark = wb_len(w);
	wb_u16(w, 0);
	wb_u8(w, (uint8_t)type);
	return mark;
}

static void end(struct wbuf *w, size_t mark)
{
	size_t n = wb_len(w) - mark + sizeof(marker);

	if (!wb_ok(w))
		return;
	w->start[mark] = (uint8_t)(n >> 8);
	w->start[mark + 1] = (uint8_t)n;
}

void msg_open_begin(struct wbuf *w, uint32_t asn, uint16_t hold_time, uint32_t router_id, size_t *mark)
{
	*mark = begin(w, MSG_OPEN);
	wb_u8(w, 4);
	wb_u16(w, (uint16_t)(asn > UINT16_MAX ? MSG_AS_TRANS : asn));
	wb_u16(w, hold_time);
	wb_u32(w, router_id);
	wb_open8(w);
}

void msg_open_end(struct wbuf *w, size_t mark)
{
	wb_close8(w, mark + MSG_OPEN_MIN_LEN - sizeof(marker));
	end(w, mark);
}

void msg_keepalive_write(struct wbuf *w)
{
	end(w, begin(w, MSG_KEEPALIVE));
}

void msg_refresh_write(struct wbuf *w, uint16_t afi, uint8_t subtype, uint8_t safi)
{
	size_t mark = begin(w, MSG_REFRESH);

	wb_u16(w, afi);
	wb_u8(w, subtype);
	wb_u8(w, safi);
	end(w, mark);
}

void msg_notification_write(struct wbuf *w, uint8_t code, uint8_t subcode, const uint8_t *data, size_t data_len)
{
	size_t mark = begin(w, MSG_NOTIFICATION), room = MSG_MAX_LEN - MSG_NOTIFICATION_MIN_LEN;

	wb_u8(w, code);
	wb_u8(w, subcode);
	wb_bytes(w, data, data_len < room ? data_len : room);
	end(w, mark);
}

const char *msg_code_name(uint8_t code)
{
	static const char *const names[] = {
		[MSG_ERR_HEADER] = "message header error",
		[MSG_ERR_OPEN] = "OPEN message error",
		[MSG_ERR_UPDATE] = "UPDATE message error",
		[MSG_ERR_HOLD] = "hold timer expired",
		[MSG_ERR_FSM] = "finite state machine error",
		[MSG_ERR_CEASE] = "cease",
		[MSG_ERR_REFRESH] = "ROUTE-REFRESH message error",
		[MSG_ERR_SEND_HOLD] = "send hold timer expired",
	};

	return code < sizeof(names) / sizeof(names[0]) && names[code] ? names[code] : "unknown error";
}

const char *msg_subcode_name(uint8_t code, uint8_t subcode)
{
	static const char *const names[][12] = {
		[MSG_ERR_HEADER] = { NULL, "connection not synchronized", "bad message length", "bad message type" },
		[MSG_ERR_OPEN] = { NULL, "unsupported version number", "bad peer AS", "bad BGP identifier",
				   "unsupported optional parameter", "authentication failure", "unacceptable hold time",
				   "unsupported capability", NULL, NULL, NULL, "role mismatch" },
		[MSG_ERR_UPDATE] = { NULL, "malformed attribute list", "unrecognized well-known attribute",
				     "missing well-known attribute", "attribute flags error", "attribute length error",
				     "invalid ORIGIN", "AS routing loop", "invalid NEXT_HOP",
				     "optional attribute error", "invalid network field", "malformed AS_PATH" },
		[MSG_ERR_FSM] = { NULL, "unexpected message in OpenSent", "unexpected message in OpenConfirm",
				  "unexpected message in Established" }, /* RFC 6608 3 */
		[MSG_ERR_CEASE] = { NULL, "maximum number of prefixes reached", "administrative shutdown",
				    "peer de-configured", "administrative reset", "connection rejected",
				    "other configuration change", "connection collision resolution", "out of resources",
				    "hard reset", "BFD down" },
		[MSG_ERR_REFRESH] = { NULL, "invalid message length" },
	};

	return code < sizeof(names) / sizeof(names[0]) && subcode < 12 ? names[code][subcode] : NULL;
}

/* Octets of the UTF-8 character at p, 0 when it is none (RFC 3629 4: no overlong forms, no surrogates). */
static size_t utf8_len(const uint8_t *p, size_t left)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* C0, DEL and C1 (0xc2 0x80..0x9f) never reach a terminal. */
static bool is_control(const uint8_t *p, size_t n)
{
	return (n == 1 && (p[0] < 0x20 || p[0] == 0x7f)) || (n == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

bool msg_shutdown_text(const uint8_t *data, size_t len, char *out, size_t cap)
{
	size_t n, used = 0;

	out[0] = '\0';
	if (len == 0)
		return false;
	n = data[0];
	if (n > len - 1) {
		snprintf(out, cap, "(shutdown communication: length %zu, %zu octets are there)", n, len - 1);
		return true;
	}
	for (size_t i = 0, step; i < n && used + 5 <= cap; i += step) {
		const uint8_t *p = data + 1 + i;

		step = utf8_len(p, n - i);
		if (step && !is_control(p, step)) {
			memcpy(out + used, p, step);
			used += step;
			continue;
		}
		step = 1;
		used += (size_t)snprintf(out + used, cap - used, "\\x%02x", p[0]);
	}
	out[used] = '\0';
	return n > 0;
}

size_t msg_shutdown_data(const char *text, uint8_t out[256])
{
	size_t n = strlen(text);

	if (n > 255)
		n = 255;
	while (n && ((uint8_t)text[n] & 0xc0) == 0x80) /* not in the middle of a character */
		n--;
	out[0] = (uint8_t)n;
	memcpy(out + 1, text, n);
	return n + 1;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * All messages but UPDATE: header, OPEN with capabilities, NOTIFICATION, ROUTE-REFRESH. Input: a connection's octets.
 */
#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "bgp/cap.h"
#include "bgp/msg.h"
#include "tests/fuzz/fuzz.h"

/* What we understood of their capabilities, said by us, is understood as the same. */
static void roundtrip(const struct caps *c)
{
	uint8_t msg[MSG_MAX_LEN];
	struct wbuf w = wb_init(msg, sizeof(msg));
	struct msg_fault fault;
	struct msg_open o;
	struct caps again;
	size_t mark;

	msg_open_begin(&w, c->asn, 90, 0xc0000201, &mark);
	cap_encode(&w, c);
	msg_open_end(&w, mark);
	BUG_ON(!wb_ok(&w));
	BUG_ON(!msg_open_decode(rb_init(msg + MSG_HEADER_LEN, wb_len(&w) - MSG_HEADER_LEN), &o, &fault));
	BUG_ON(!cap_decode(&o, NULL, &again, &fault));
	BUG_ON(c->n_families != again.n_families || c->refresh != again.refresh || c->as4 != again.as4);
	BUG_ON(memcmp(c->families, again.families, c->n_families * sizeof(c->families[0])));
	BUG_ON(c->as4 && c->asn != again.asn);
	BUG_ON(c->n_add_path != again.n_add_path);
	for (size_t i = 0; i < c->n_add_path; i++) {
		struct cap_family f = c->add_path[i].family;

		BUG_ON(cap_add_path(&again, f.afi, f.safi) != c->add_path[i].modes);
	}
}

static void take_open(struct rbuf body)
{
	struct msg_fault fault = { 0 };
	struct msg_open o;
	struct json j;
	struct caps c;
	struct buf out;

	if (!msg_open_decode(body, &o, &fault)) {
		BUG_ON(fault.code != MSG_ERR_OPEN || !fault.why);
		return;
	}
	buf_init(&out);
	json_init(&j, &out);
	json_array(&j, NULL);
	cap_print(&o, &j);
	json_array_end(&j);
	buf_fini(&out);
	if (cap_decode(&o, NULL, &c, &fault))
		roundtrip(&c);
	else
		BUG_ON(fault.code != MSG_ERR_OPEN || !fault.why);
}

static void take_notification(struct rbuf body)
{
	struct msg_fault fault;
	char text[160];

	msg_notification_decode(body, &fault);
	(void)msg_code_name(fault.code);
	(void)msg_subcode_name(fault.code, fault.subcode);
	if (msg_shutdown_text(fault.data, fault.data_len, text, sizeof(text)))
		BUG_ON(strlen(text) >= sizeof(text));
}

static void take(enum msg_type type, struct rbuf body)
{
	struct msg_refresh refresh;
	struct msg_fault fault;

	if (type == MSG_OPEN)
		take_open(body);
	else if (type == MSG_NOTIFICATION)
		take_notification(body);
	else if (type == MSG_REFRESH && !msg_refresh_decode(body, &refresh, &fault))
		BUG_ON(!fault.code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct msg_fault fault = { 0 };
	enum msg_type type;
	size_t at = 0, n;

	while (at < len) {
		enum msg_verdict v = msg_frame(data + at, len - at, MSG_EXTENDED_MAX_LEN, &n, &type, &fault);

		if (v != MSG_WHOLE) {
			BUG_ON(v == MSG_BAD && fault.code != MSG_ERR_HEADER);
			break;
		}
		BUG_ON(n < MSG_HEADER_LEN || n > len - at);
		take(type, rb_init(data + at + MSG_HEADER_LEN, n - MSG_HEADER_LEN));
		at += n;
	}
	return 0;
}

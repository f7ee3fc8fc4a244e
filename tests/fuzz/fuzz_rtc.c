/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Route target membership: NLRI, what they ask for, their text. Input: NLRI ... */
#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "bgp/rtc.h"
#include "tests/fuzz/fuzz.h"

/* What was decoded is encoded, and decodes to the same again. */
static void roundtrip(const struct bgp_nlri *n, enum bgp_nlri_verdict verdict)
{
	uint8_t wire[BGP_KEY_MAX];
	struct wbuf w = wb_init(wire, sizeof(wire));
	struct bgp_nlri again;
	struct rbuf r;

	bgp_rtc_family.encode(&w, n->key, n->key_len, NULL, 0);
	BUG_ON(!wb_ok(&w) || wb_len(&w) != bgp_rtc_family.encoded_len(n->key, n->key_len, 0));
	r = rb_init(wire, wb_len(&w));
	BUG_ON(bgp_rtc_family.decode(&r, false, &again) != verdict || !rb_done(&r));
	BUG_ON(n->key_len != again.key_len || memcmp(n->key, again.key, n->key_len));
}

static void show(const struct bgp_nlri *n, struct buf *out)
{
	const struct bgp_attrs a = { 0 };
	struct json j;

	buf_reset(out);
	json_init(&j, out);
	json_object(&j, NULL);
	bgp_rtc_family.print(&j, n->key, n->key_len, &a);
	json_object_end(&j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rbuf r = rb_init(data, len);
	enum bgp_nlri_verdict v;
	struct bgp_nlri n;
	struct buf text;

	buf_init(&text);
	while (rb_left(&r) && (v = bgp_rtc_family.decode(&r, false, &n)) != BGP_NLRI_RESET) {
		BUG_ON(rtc_key_target(n.key, n.key_len).bits > 64);
		roundtrip(&n, v);
		show(&n, &text);
	}
	buf_fini(&text);
	return 0;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The EVPN family: NLRI and what is judged and printed of them.
 * Input: | withdraw 1 | octets of extended communities 1 | octets of PMSI 1 | communities | PMSI | NLRI ... |
 */
#include "base/buf.h"
#include "base/json.h"
#include "evpn/ec.h"
#include "evpn/nlri.h"
#include "include/evpn.h"
#include "tests/fuzz/fuzz.h"

static bool same(const struct bgp_nlri *a, const struct bgp_nlri *b)
{
	return a->key_len == b->key_len && a->shared_len == b->shared_len && !memcmp(a->key, b->key, a->key_len) &&
	       !memcmp(a->shared, b->shared, a->shared_len);
}

/* What was decoded is encoded, and decodes to the same again. */
static void roundtrip(const struct bgp_nlri *n, bool withdraw, enum bgp_nlri_verdict verdict)
{
	uint8_t wire[BGP_KEY_MAX + BGP_SHARED_MAX];
	struct wbuf w = wb_init(wire, sizeof(wire));
	struct bgp_nlri again;
	struct rbuf r;

	evpn_family.encode(&w, n->key, n->key_len, withdraw ? NULL : n->shared, withdraw ? 0 : n->shared_len);
	BUG_ON(!wb_ok(&w));
	BUG_ON(wb_len(&w) > evpn_family.encoded_len(n->key, n->key_len, withdraw ? 0 : n->shared_len));
	r = rb_init(wire, wb_len(&w));
	BUG_ON(evpn_family.decode(&r, withdraw, &again) != verdict || !rb_done(&r));
	if (withdraw)
		BUG_ON(n->key_len != again.key_len || memcmp(n->key, again.key, n->key_len));
	else
		BUG_ON(!same(n, &again));
}

static void typed(const struct bgp_nlri *n)
{
	struct bgp_nlri again;
	struct evpn_nlri t;

	BUG_ON(!evpn_nlri_parse(n->key, n->key_len, n->shared, n->shared_len, &t));
	evpn_nlri_build(&t, &again);
	BUG_ON(!same(n, &again));
}

static void show(const struct bgp_nlri *n, const struct bgp_attrs *a, struct buf *out)
{
	struct evpn_route_fields fields;
	struct json j;

	buf_reset(out);
	json_init(&j, out);
	json_object(&j, NULL);
	evpn_family.print(&j, n->key, n->key_len, a);
	evpn_family.print_attrs(&j, a);
	json_object_end(&j);
	evpn_key_line(n->key, n->key_len, out);
	evpn_route_fields(n->key, n->key_len, a, &fields);
	BUG_ON(fields.type != n->key[0]);
}

static void judge(const struct bgp_nlri *n, const struct bgp_attrs *a)
{
	struct bgp_attrs bare = { .shared = a->shared, .shared_len = a->shared_len };
	int there = evpn_family.prefer(a, false, &bare, false, n->key, n->key_len);
	int back = evpn_family.prefer(&bare, false, a, false, n->key, n->key_len);

	BUG_ON((there > 0) != (back < 0));
	BUG_ON(evpn_family.prefer(a, false, a, false, n->key, n->key_len) != 0);
	(void)evpn_family.check(a, n->key, n->key_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rbuf r = rb_init(data, len);
	bool withdraw = rb_u8(&r) & 1;
	uint8_t ec_len = rb_u8(&r), pmsi_len = rb_u8(&r);
	struct bgp_attrs a = { .ext_communities_len = ec_len, .pmsi_len = pmsi_len };
	enum bgp_nlri_verdict v = BGP_NLRI_OK;
	struct bgp_nlri n;
	struct buf out;

	a.ext_communities = rb_ptr(&r, ec_len);
	a.pmsi = rb_ptr(&r, pmsi_len);
	buf_init(&out);
	while (rb_left(&r) && v != BGP_NLRI_RESET) {
		v = evpn_family.decode(&r, withdraw, &n);
		if (v == BGP_NLRI_RESET || !n.key_len)
			continue;
		BUG_ON(n.key_len > BGP_KEY_MAX || n.shared_len > BGP_SHARED_MAX);
		a.shared = n.shared;
		a.shared_len = n.shared_len;
		if (v == BGP_NLRI_OK)
			typed(&n);
		if (v != BGP_NLRI_WITHDRAW)
			roundtrip(&n, withdraw, v);
		show(&n, &a, &out);
		judge(&n, &a);
	}
	buf_fini(&out);
	return 0;
}

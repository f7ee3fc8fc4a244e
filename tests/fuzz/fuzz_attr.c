/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Path attributes: an UPDATE body in, and what is kept of it out and in again.
 * Input: | 1: 4-octet ASNs, 2: eBGP | UPDATE without its header |
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "bgp/attr.h"
#include "tests/fuzz/fuzz.h"

#define PEER_AS 65002u

static bool same_octets(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return a_len == b_len && (!a_len || !memcmp(a, b, a_len));
}

#define SAME(a, b, list) same_octets((a)->list, (a)->list##_len, (b)->list, (b)->list##_len)

/* All that goes over an internal session but others, in which the first time unknown ones get the Partial flag. */
static void check_same(const struct bgp_attrs *a, const struct bgp_attrs *b)
{
	BUG_ON(a->origin != b->origin || a->has_med != b->has_med || a->med != b->med);
	BUG_ON(a->has_local_pref && a->local_pref != b->local_pref);
	BUG_ON(a->has_originator_id != b->has_originator_id || a->originator_id != b->originator_id);
	BUG_ON(a->as_path_hops != b->as_path_hops || a->neighbor_as != b->neighbor_as);
	BUG_ON(!SAME(a, b, as_path) || !SAME(a, b, communities) || !SAME(a, b, cluster_list));
	BUG_ON(!SAME(a, b, ext_communities) || !SAME(a, b, pmsi) || !SAME(a, b, large_communities));
}

/* Writes a as an UPDATE body without NLRI to an internal peer, and reads it there. */
static void transfer(const struct bgp_attrs *a, bool as4, uint8_t *body, uint8_t *scratch, struct attr_update *out)
{
	const struct attr_out o = { .as4 = as4, .local_as = 65001 };
	const struct attr_session s = { .as4 = as4, .peer_as = 65001 };
	struct wbuf w = wb_init(body, UINT16_MAX);
	size_t mark;

	wb_u16(&w, 0);
	mark = wb_open16(&w);
	attr_encode(&w, a, &o);
	BUG_ON(wb_len(&w) - mark > attr_encoded_len(a, &o));
	wb_close16(&w, mark);
	attr_decode_update(rb_init(body, wb_len(&w)), &s, scratch, out);
	BUG_ON(!wb_ok(&w) || out->outcome != ATTR_OK);
	check_same(a, &out->attrs);
}

static void print_path(const struct bgp_attrs *a)
{
	struct buf out;

	buf_init(&out);
	attr_as_path_print(a->as_path, a->as_path_len, &out);
	buf_fini(&out);
	(void)attr_as_path_has(a->as_path, a->as_path_len, 65001);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct attr_session s = { .as4 = len && data[0] & 1, .ebgp = len && data[0] & 2, .peer_as = PEER_AS };
	uint8_t *space = xcalloc(5, ATTR_SCRATCH);
	struct attr_update first, second, third;

	/* What a message can hold (RFC 4271 4.1); re-encoded it grows by less than a second one. */
	if (len > 4096)
		len = 4096;
	attr_decode_update(rb_init(len ? data + 1 : data, len - !!len), &s, space, &first);
	BUG_ON((first.outcome == ATTR_OK) != !first.error.why);
	BUG_ON(first.error.data_len && !first.error.data);
	if (first.outcome <= ATTR_DISCARD) {
		print_path(&first.attrs);
		transfer(&first.attrs, true, space + ATTR_SCRATCH, space + 2 * ATTR_SCRATCH, &second);
		transfer(&second.attrs, false, space + 3 * ATTR_SCRATCH, space + 4 * ATTR_SCRATCH, &third);
		BUG_ON(!SAME(&second.attrs, &third.attrs, others));
	}
	free(space);
	return 0;
}

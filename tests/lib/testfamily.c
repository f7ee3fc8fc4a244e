/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/lib/testfamily.h"

#include "base/json.h"

/* What a key asks for that starts with 0xff and a letter. */
static enum bgp_nlri_verdict asked_for(const struct bgp_nlri *n)
{
	char c = n->key_len > 1 && n->key[0] == 0xff ? (char)n->key[1] : 0;

	return c == 'u' ? BGP_NLRI_UNKNOWN : c == 'w' ? BGP_NLRI_WITHDRAW : c == 'r' ? BGP_NLRI_RESET : BGP_NLRI_OK;
}

static enum bgp_nlri_verdict family_decode(struct rbuf *r, bool withdraw, struct bgp_nlri *out)
{
	out->key_len = rb_u8(r);
	out->shared_len = 0;
	if (out->key_len == 0 || out->key_len > BGP_KEY_MAX)
		return BGP_NLRI_RESET;
	rb_bytes(r, out->key, out->key_len);
	if (!withdraw) {
		out->shared_len = rb_u8(r);
		if (out->shared_len > BGP_SHARED_MAX)
			return BGP_NLRI_RESET;
		rb_bytes(r, out->shared, out->shared_len);
	}
	return rb_ok(r) ? asked_for(out) : BGP_NLRI_RESET;
}

static void family_encode(struct wbuf *w, const uint8_t *key, size_t key_len, const uint8_t *shared, size_t shared_len)
{
	wb_u8(w, (uint8_t)key_len);
	wb_bytes(w, key, key_len);
	if (!shared)
		return;
	wb_u8(w, (uint8_t)shared_len);
	wb_bytes(w, shared, shared_len);
}

static size_t family_encoded_len(const uint8_t *key, size_t key_len, size_t shared_len)
{
	return 1 + key_len + 1 + shared_len;
}

static enum bgp_nlri_verdict family_check(const struct bgp_attrs *a, const uint8_t *key, size_t key_len)
{
	return key[0] == 0xfe && !a->communities_len && !a->shared_len ? BGP_NLRI_WITHDRAW : BGP_NLRI_OK;
}

static int family_prefer(const struct bgp_attrs *a, bool a_local, const struct bgp_attrs *b, bool b_local,
			 const uint8_t *key, size_t key_len)
{
	return (a->shared_len ? a->shared[0] : 0) - (b->shared_len ? b->shared[0] : 0);
}

static bool family_urgent(const uint8_t *key, size_t key_len)
{
	return key[0] == 0xfd;
}

static void family_print(struct json *j, const uint8_t *key, size_t key_len, const struct bgp_attrs *a)
{
	json_hex(j, "key", key, key_len);
}

#define HOOKS                                                                                                          \
	.decode = family_decode, .encode = family_encode, .encoded_len = family_encoded_len, .check = family_check,    \
	.prefer = family_prefer, .print = family_print, .urgent = family_urgent

const struct bgp_family test_family = { .afi = 25, .safi = 70, .name = "test", .route_targets = true, HOOKS };
const struct bgp_family test_family2 = { .afi = 1, .safi = 132, .name = "test2", HOOKS };

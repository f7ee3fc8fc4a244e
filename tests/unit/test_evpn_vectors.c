/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The EVPN codec against what FRR, GoBGP and ExaBGP sent, as an independent decoder reads it (decoded.json): every NLRI
 * decodes, encodes to the octets that came, and prints the same fields; so do extended communities and PMSI.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evpn/nlri.h"
#include "include/evpn.h"
#include "tests/lib/hex.h"
#include "tests/lib/route_json.h"
#include "tests/lib/test.h"
#include "tests/lib/vectors.h"

/* A message taken apart by hand, so that this test needs nothing of bgp/: only what EVPN reads. */
struct update {
	struct rbuf reach, unreach; /* NLRI of 25/70 */
	struct bgp_attrs attrs;
};

struct counts {
	size_t updates, types[16];
};

static struct rbuf evpn_nlri_of(struct rbuf v, bool reach)
{
	static const struct rbuf none;
	uint16_t afi = rb_u16(&v);
	uint8_t safi = rb_u8(&v);

	if (reach) {
		rb_skip(&v, rb_u8(&v)); /* next hop */
		rb_skip(&v, 1);
	}
	assert_true(rb_ok(&v));
	return afi == 25 && safi == 70 ? v : none;
}

static void take_attribute(struct rbuf *b, struct update *u)
{
	uint8_t flags = rb_u8(b), code = rb_u8(b);
	struct rbuf v = rb_sub(b, flags & 0x10 ? rb_u16(b) : rb_u8(b));

	assert_true(rb_ok(b));
	if (code == BGP_ATTR_MP_REACH)
		u->reach = evpn_nlri_of(v, true);
	if (code == BGP_ATTR_MP_UNREACH)
		u->unreach = evpn_nlri_of(v, false);
	if (code == BGP_ATTR_EXT_COMMUNITIES) {
		u->attrs.ext_communities = v.p;
		u->attrs.ext_communities_len = (uint16_t)rb_left(&v);
	}
	if (code == BGP_ATTR_PMSI_TUNNEL) {
		u->attrs.pmsi = v.p;
		u->attrs.pmsi_len = (uint16_t)rb_left(&v);
	}
}

static void take_update(const uint8_t *msg, size_t len, struct update *u)
{
	struct rbuf b = rb_init(msg + 19, len - 19), attrs;

	memset(u, 0, sizeof(*u));
	rb_skip(&b, rb_u16(&b));
	attrs = rb_sub(&b, rb_u16(&b));
	while (rb_left(&attrs))
		take_attribute(&attrs, u);
	assert_true(rb_ok(&attrs));
}

static json_t *attribute(json_t *meaning, int code)
{
	json_t *a;
	size_t i;

	json_array_foreach(json_object_get(meaning, "attributes"), i, a)
		if (json_integer_value(json_object_get(a, "code")) == code)
			return json_object_get(a, "value");
	return NULL;
}

/* A member of what we print equals one of the meaning; one that is not there on one side must be null on the other. */
static void same(const char *where, json_t *ours, const char *name, json_t *theirs)
{
	json_t *o = json_object_get(ours, name);
	bool none = !theirs || json_is_null(theirs);

	if (!o)
		fail_msg("%s: %s is not printed", where, name);
	if (none ? !json_is_null(o) : !json_equal(o, theirs))
		fail_msg("%s: %s is %s, not %s", where, name, json_dumps(o, JSON_ENCODE_ANY),
			 none ? "null" : json_dumps(theirs, JSON_ENCODE_ANY));
}

static json_t *label(json_t *nlri, size_t i)
{
	return json_object_get(json_array_get(json_object_get(nlri, "labels"), i), "vni");
}

static void same_nlri(const char *where, json_t *ours, json_t *nlri, json_t *pmsi)
{
	bool gateway = json_integer_value(json_object_get(nlri, "route_type")) == EVPN_PREFIX;

	same(where, ours, "type", json_object_get(nlri, "route_type"));
	same(where, ours, "rd", json_object_get(nlri, "rd"));
	same(where, ours, "esi", json_object_get(nlri, "esi"));
	same(where, ours, "ethernet_tag", json_object_get(nlri, "etag"));
	same(where, ours, "mac", json_object_get(nlri, "mac"));
	same(where, ours, "ip", json_object_get(nlri, "ip"));
	same(where, ours, "originator", json_object_get(nlri, "originator"));
	same(where, ours, "prefix", json_object_get(nlri, "prefix"));
	same(where, ours, "gateway", gateway ? json_object_get(nlri, "gateway") : NULL);
	same(where, ours, "vni", pmsi ? json_object_get(pmsi, "raw24") : label(nlri, 0));
	same(where, ours, "vni2", label(nlri, 1));
}

/* The object of the first community that has this member. */
static json_t *community(json_t *list, const char *member)
{
	json_t *c;
	size_t i;

	json_array_foreach(list, i, c)
		if (json_object_get(c, member))
			return json_object_get(c, member);
	return NULL;
}

static bool is_known(json_t *c)
{
	static const char *const known[] = { "route_target", "encap_tunnel_type", "default_gateway", "mac_mobility",
					     "esi_label", "es_import", "router_mac", "nd_flags" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (json_object_get(c, known[i]))
			return true;
	return false;
}

static void same_communities(const char *where, json_t *ours, json_t *list)
{
	json_t *targets = json_array(), *others = json_array(), *mobility = community(list, "mac_mobility"), *c, *m;
	size_t i;

	json_array_foreach(list, i, c) {
		if (json_object_get(c, "route_target"))
			json_array_append(targets, json_object_get(c, "route_target"));
		if (!is_known(c))
			json_array_append(others, json_object_get(c, "hex"));
	}
	same(where, ours, "route_targets", targets);
	same(where, ours, "ext_communities_other", others);
	same(where, ours, "router_mac", community(list, "router_mac"));
	same(where, ours, "es_import", community(list, "es_import"));
	assert_int_equal(json_is_true(json_object_get(ours, "default_gateway")),
			 community(list, "default_gateway") != NULL);
	assert_int_equal(json_is_null(json_object_get(ours, "mac_mobility")), mobility == NULL);
	m = json_object_get(ours, "mac_mobility");
	if (mobility) {
		same(where, m, "sequence", json_object_get(mobility, "seq"));
		assert_int_equal(json_is_true(json_object_get(m, "sticky")),
				 json_integer_value(json_object_get(mobility, "sticky")));
	}
	m = json_object_get(ours, "esi_label");
	assert_int_equal(json_is_null(m), community(list, "esi_label") == NULL);
	if (!json_is_null(m))
		same(where, m, "label", json_object_get(community(list, "esi_label"), "label24"));
	m = json_array_get(json_object_get(ours, "encapsulation"), 0);
	if (json_integer_value(community(list, "encap_tunnel_type")) == 8)
		assert_string_equal(json_string_value(m), "vxlan");
	json_decref(targets);
	json_decref(others);
}

static void same_pmsi(const char *where, json_t *ours, json_t *pmsi)
{
	json_t *p = json_object_get(ours, "pmsi");

	assert_int_equal(json_is_null(p), pmsi == NULL);
	if (!pmsi)
		return;
	same(where, p, "tunnel_type", json_object_get(pmsi, "tunnel_type"));
	same(where, p, "vni", json_object_get(pmsi, "raw24"));
	same(where, p, "endpoint", json_object_get(pmsi, "tunnel_id"));
}

/* Canonical: what is not, host bits in a prefix, decodes to the key of the canonical one. */
static void check_roundtrip(const char *where, const struct bgp_nlri *n, const char *hex)
{
	uint8_t wire[64], came[64];
	struct wbuf w = wb_init(wire, sizeof(wire));
	struct rbuf r = rb_init(wire, 0);
	struct bgp_nlri again;

	evpn_family.encode(&w, n->key, n->key_len, n->shared, n->shared_len);
	assert_int_equal(wb_len(&w), hex_bytes(hex, came, sizeof(came)));
	assert_int_equal(evpn_family.encoded_len(n->key, n->key_len, n->shared_len), wb_len(&w));
	r = rb_init(wire, wb_len(&w));
	assert_int_equal(evpn_family.decode(&r, false, &again), BGP_NLRI_OK);
	assert_memory_equal(again.key, n->key, n->key_len);
	if (n->key[0] != EVPN_PREFIX)
		hex_assert(where, wire, wb_len(&w), hex);
}

static void check_list(const char *where, struct rbuf r, struct bgp_attrs a, bool reach, json_t *meaning,
		       struct counts *c)
{
	json_t *value = attribute(meaning, reach ? BGP_ATTR_MP_REACH : BGP_ATTR_MP_UNREACH), *theirs;
	json_t *pmsi = reach ? attribute(meaning, BGP_ATTR_PMSI_TUNNEL) : NULL, *ours;
	size_t i;

	json_array_foreach(json_object_get(value, "nlri"), i, theirs) {
		const char *hex = json_string_value(json_object_get(theirs, "hex"));
		struct bgp_nlri n;
		char *text;

		c->types[json_integer_value(json_object_get(theirs, "route_type")) & 15]++;
		if (evpn_family.decode(&r, !reach, &n) != BGP_NLRI_OK) {
			assert_true(json_integer_value(json_object_get(theirs, "route_type")) > EVPN_PREFIX);
			continue;
		}
		check_roundtrip(where, &n, hex);
		a.shared = n.shared;
		a.shared_len = n.shared_len;
		if (reach && evpn_family.check(&a, n.key, n.key_len) != BGP_NLRI_OK)
			fail_msg("%s: the attributes of %s are refused", where, hex);
		text = route_json(&evpn_family, n.key, n.key_len, &a);
		ours = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		same_nlri(where, ours, theirs, pmsi);
		if (reach) {
			same_communities(where, ours, attribute(meaning, BGP_ATTR_EXT_COMMUNITIES));
			same_pmsi(where, ours, pmsi);
		}
		json_decref(ours);
		free(text);
	}
	assert_int_equal(rb_left(&r), 0);
}

static void vectors_mean_what_the_reference_decoder_says(void **state)
{
	struct counts c = { 0 };
	size_t n;
	struct vector_session *s = vectors_load(&n);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < s[i].n; k++) {
			json_t *meaning = vector_meaning(&s[i], k);
			uint8_t msg[65535]; /* RFC 8654: some sessions have extended messages */
			size_t len = hex_bytes(s[i].hex[k], msg, sizeof(msg));
			struct update u;
			char where[96];

			if (strcmp(json_string_value(json_object_get(meaning, "type")), "UPDATE"))
				continue;
			snprintf(where, sizeof(where), "%s line %zu", s[i].name, k + 1);
			take_update(msg, len, &u);
			check_list(where, u.reach, u.attrs, true, meaning, &c);
			check_list(where, u.unreach, (struct bgp_attrs){ 0 }, false, meaning, &c);
			c.updates++;
		}
	}
	vectors_free(s, n);
	printf("%zu UPDATEs; NLRI of type 1: %zu, 2: %zu, 3: %zu, 4: %zu, 5: %zu\n", c.updates, c.types[1], c.types[2],
	       c.types[3], c.types[4], c.types[5]);
	for (size_t type = 1; type <= 5; type++)
		assert_true(c.types[type] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_mean_what_the_reference_decoder_says),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* struct bgp_attrs --> path attributes, in ascending order of type code (RFC 4271 5, Appendix F.3). */
#include "base/log.h"
#include "bgp/attr.h"
#include "bgp/attr_as_path.h"
#include "bgp/attr_wire.h"
#include "bgp/msg.h"

#define LOCAL_PREF_DEFAULT 100u

struct encoder {
	struct wbuf *w;
	const struct bgp_attrs *a;
	const struct attr_out *o;
	struct rbuf others; /* what is left of a->others */
	const uint8_t *aggregator4; /* goes as AS4_AGGREGATOR; NULL: none */
};

/* RFC 6793 4.2.2: a wide AS goes as AS_TRANS, and in AS4_AGGREGATOR. */
static void write_aggregator(struct encoder *e, uint8_t flags, const uint8_t *value)
{
	struct rbuf r = rb_init(value, 8);
	uint32_t asn = rb_u32(&r);

	if (asn > UINT16_MAX)
		e->aggregator4 = value;
	attr_header_write(e->w, flags, BGP_ATTR_AGGREGATOR, 6);
	wb_u16(e->w, (uint16_t)(asn > UINT16_MAX ? MSG_AS_TRANS : asn));
	wb_u32(e->w, rb_u32(&r));
}

/* One of a->others. What we do not know leaves with Partial set (RFC 4271 5). */
static void write_other(struct encoder *e)
{
	uint8_t flags = rb_u8(&e->others), code = rb_u8(&e->others);
	size_t len = flags & ATTR_FLAG_EXTENDED ? rb_u16(&e->others) : rb_u8(&e->others);
	const uint8_t *value = rb_ptr(&e->others, len);

	BUG_ON(!rb_ok(&e->others));
	flags &= ATTR_FLAGS_KEPT;
	if (!attr_code_known(code))
		flags |= ATTR_FLAG_PARTIAL;
	if (code == BGP_ATTR_AGGREGATOR && !e->o->as4)
		write_aggregator(e, flags, value);
	else
		attr_write(e->w, flags, code, value, len);
}

/* Those of a->others that come before code. */
static void others_before(struct encoder *e, unsigned code)
{
	while (rb_left(&e->others) >= 2 && e->others.p[1] < code)
		write_other(e);
}

static void write_list(struct encoder *e, uint8_t flags, uint8_t code, const uint8_t *value, size_t len)
{
	others_before(e, code);
	if (len)
		attr_write(e->w, flags, code, value, len);
}

static void write_u32(struct encoder *e, uint8_t flags, uint8_t code, uint32_t v)
{
	others_before(e, code);
	attr_header_write(e->w, flags, code, 4);
	wb_u32(e->w, v);
}

static uint32_t prepended(const struct attr_out *o)
{
	return o->ebgp ? o->local_as : 0; /* RFC 4271 5.1.2 */
}

static void write_path(struct encoder *e, uint8_t flags, uint8_t code, unsigned width)
{
	attr_header_write(e->w, flags, code,
			  attr_as_path_size(e->a->as_path, e->a->as_path_len, prepended(e->o), width));
	attr_as_path_write(e->w, e->a->as_path, e->a->as_path_len, prepended(e->o), width);
}

static bool wants_as4_path(const struct encoder *e)
{
	return !e->o->as4 &&
	       (prepended(e->o) > UINT16_MAX || attr_as_path_wide(e->a->as_path, e->a->as_path_len));
}

/* MULTI_EXIT_DISC does not leave the neighbour AS that it came into (RFC 4271 5.1.4). */
static bool wants_med(const struct encoder *e)
{
	return e->a->has_med && (!e->o->ebgp || !e->a->as_path_len);
}

/* RFC 4456 8: who brought the route into the AS, and our cluster in front. */
static void write_reflection(struct encoder *e)
{
	const struct bgp_attrs *a = e->a;
	bool keep = a->has_originator_id && !e->o->renew;
	size_t list_len = e->o->renew ? 0 : a->cluster_list_len;

	if (a->has_originator_id || e->o->reflect)
		write_u32(e, ATTR_FLAG_OPTIONAL, BGP_ATTR_ORIGINATOR_ID,
			  keep ? a->originator_id : e->o->originator_id);
	if (!list_len && !e->o->reflect)
		return;
	others_before(e, BGP_ATTR_CLUSTER_LIST);
	attr_header_write(e->w, ATTR_FLAG_OPTIONAL, BGP_ATTR_CLUSTER_LIST, list_len + (e->o->reflect ? 4u : 0u));
	if (e->o->reflect)
		wb_u32(e->w, e->o->cluster_id);
	wb_bytes(e->w, a->cluster_list, list_len);
}

static uint32_t local_pref(const struct encoder *e)
{
	if (e->o->yield)
		return 0;
	return e->a->has_local_pref ? e->a->local_pref : LOCAL_PREF_DEFAULT;
}

static void write_communities(struct encoder *e)
{
	const struct bgp_attrs *a = e->a;
	size_t more = e->o->drain && !bgp_has_community(a, BGP_GRACEFUL_SHUTDOWN) ? 4 : 0;

	others_before(e, BGP_ATTR_COMMUNITIES);
	if (!a->communities_len && !more)
		return;
	attr_header_write(e->w, ATTR_FLAG_OPTIONAL | ATTR_FLAG_TRANSITIVE, BGP_ATTR_COMMUNITIES,
			  a->communities_len + more);
	wb_bytes(e->w, a->communities, a->communities_len);
	if (more)
		wb_u32(e->w, BGP_GRACEFUL_SHUTDOWN);
}

static void write_as4(struct encoder *e)
{
	const uint8_t flags = ATTR_FLAG_OPTIONAL | ATTR_FLAG_TRANSITIVE;

	if (wants_as4_path(e)) {
		others_before(e, BGP_ATTR_AS4_PATH);
		write_path(e, flags, BGP_ATTR_AS4_PATH, 4);
	}
	if (e->aggregator4) {
		others_before(e, BGP_ATTR_AS4_AGGREGATOR);
		attr_write(e->w, flags, BGP_ATTR_AS4_AGGREGATOR, e->aggregator4, 8);
	}
}

void attr_encode(struct wbuf *w, const struct bgp_attrs *a, const struct attr_out *o)
{
	struct encoder e = { .w = w, .a = a, .o = o, .others = rb_init(a->others, a->others_len) };
	const uint8_t opt_transitive = ATTR_FLAG_OPTIONAL | ATTR_FLAG_TRANSITIVE;

	attr_write(w, ATTR_FLAG_TRANSITIVE, BGP_ATTR_ORIGIN, &a->origin, 1);
	write_path(&e, ATTR_FLAG_TRANSITIVE, BGP_ATTR_AS_PATH, o->as4 ? 4 : 2);
	if (wants_med(&e))
		write_u32(&e, ATTR_FLAG_OPTIONAL, BGP_ATTR_MED, a->med);
	if (!o->ebgp)
		write_u32(&e, ATTR_FLAG_TRANSITIVE, BGP_ATTR_LOCAL_PREF, local_pref(&e));
	write_communities(&e);
	if (!o->ebgp)
		write_reflection(&e);
	write_list(&e, opt_transitive, BGP_ATTR_EXT_COMMUNITIES, a->ext_communities, a->ext_communities_len);
	write_as4(&e);
	write_list(&e, opt_transitive, BGP_ATTR_PMSI_TUNNEL, a->pmsi, a->pmsi_len);
	write_list(&e, opt_transitive, BGP_ATTR_LARGE_COMMUNITIES, a->large_communities, a->large_communities_len);
	others_before(&e, 256);
}

size_t attr_encoded_len(const struct bgp_attrs *a, const struct attr_out *o)
{
	/* Headers and fixed values of the ten that are written here, a new segment with our AS, AS4_AGGREGATOR. */
	size_t fixed = 10 * 4 + 1 + 4 + 4 + 4 + 4 + 6 + 8;
	/* AS4_PATH: the path once more, with the new segment. A path is never longer with 2 octets than with 4. */
	size_t paths = (size_t)a->as_path_len + (o->as4 ? 0 : a->as_path_len + 6u + 4u);

	return fixed + paths + a->communities_len + (o->drain ? 4u : 0u) + a->cluster_list_len +
	       a->ext_communities_len + a->pmsi_len + a->large_communities_len + a->others_len;
}

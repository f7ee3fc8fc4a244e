/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * See import.h. What is imported:
 *
 *   - Type 2 and 3 with the Ethernet Tag of the EVI: 0 in a VLAN-based service (RFC 7432 6.1), in a VLAN-aware bundle
 *     (6.3) what tells its broadcast domains apart, which share route targets. Here each is an EVI to itself.
 *   - whose route targets an EVI imports: explicit ones octet by octet; `auto` takes the VNI out of any AS:VNI and of
 *     the form of RFC 8365 5.1.2.1, since fabrics with an AS a leaf have as many administrators as leaves;
 *   - that offer VXLAN, or say nothing of an encapsulation (RFC 8365 5.1.3 leaves that to us);
 *   - whose destination is not ourselves and can be sent to from our VTEP: a unicast address of the same family, no
 *     link-local one (Linux has one family a tunnel device);
 *   - whose label is a VNI, 1 to 0xffffff. It need not be the EVI's number (downstream-assigned, RFC 8365 5.1.2).
 *
 *   - Type 1: per EVI with the tag of the EVI, per ES whatever that is (RFC 7432 8.2.1).
 *
 * A Type 2 route with a non-zero ESI is of that segment, whose Type 1 routes say where it leads to (segment.h).
 */
#include "evpn/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "evpn/ec.h"
#include "evpn/nlri.h"
#include "evpn/tables.h"
#include "evpn/why.h"

/* The mark of a set: 0 not looked at yet; the handle of its struct import; or nothing, under these rules. */
#define MARK_NONE 0x80000000u
#define GENERATION_MASK 0x7fffffffu

#define VNI_MAX 0xffffffu

void import_table_init(struct import_table *t)
{
	*t = (struct import_table){ 0 };
	slab_init(&t->slab, sizeof(struct import));
}

static const uint16_t *import_evis(const struct import *im)
{
	return im->n_evis > 4 ? im->evi.many->slot : im->evi.few;
}

static void evis_drop(struct import_table *t, struct import *im)
{
	if (im->n_evis > 4 && !--im->evi.many->refs) {
		HASH_DELETE(hh, t->evis, im->evi.many);
		free(im->evi.many);
	}
	im->n_evis = 0;
}

void import_table_fini(struct import_table *t)
{
	for (uint32_t h = 0; (h = slab_next(&t->slab, h));)
		evis_drop(t, import_get(t, h));
	slab_fini(&t->slab);
	free(t->rules);
	*t = (struct import_table){ 0 };
}

/* ---- rules: explicit route targets, sorted --------------------------------------------------------------------- */

static int rule_cmp(const struct import_rule *a, const struct import_rule *b)
{
	int d = memcmp(a->rt, b->rt, 8);

	if (d)
		return d;
	return a->tag != b->tag ? a->tag < b->tag ? -1 : 1 : (int)a->slot - (int)b->slot;
}

/* Index of the first rule >= r. */
static uint32_t rule_position(const struct import_table *t, const struct import_rule *r)
{
	return array_first(i, t->n_rules, rule_cmp(&t->rules[i], r) >= 0);
}

static struct import_rule rule_of(const uint8_t rt[8], uint32_t tag, uint16_t slot)
{
	struct import_rule r = { .tag = tag, .slot = slot };

	memcpy(r.rt, rt, 8);
	return r;
}

static void rule_insert(struct import_table *t, const struct import_rule *r)
{
	uint32_t i = rule_position(t, r);

	if (i < t->n_rules && !rule_cmp(&t->rules[i], r))
		return;
	array_room(t->rules, t->n_rules, t->cap_rules, 16);
	memmove(t->rules + i + 1, t->rules + i, (t->n_rules - i) * sizeof(*t->rules));
	t->rules[i] = *r;
	t->n_rules++;
}

static void rules_changed(struct import_table *t)
{
	t->generation = (t->generation + 1) & GENERATION_MASK;
}

/* Peers are asked for what the EVI imports, or no longer (RFC 4684). */
static void ask(struct evpn *e, const struct evi *evi, bool wanted)
{
	void (*fn)(struct bgp *b, const uint8_t rt[8], struct mtime now) = wanted ? bgp_rt_want : bgp_rt_unwant;
	uint8_t forms[EVPN_RT_AUTO_FORMS][8];
	size_t n = evi->import_auto ? evpn_rt_auto_forms(e->asn, evi->vni, forms) : 0;

	for (size_t i = 0; i < n; i++)
		fn(e->bgp, forms[i], e->now);
	for (uint16_t i = 0; i < evi->n_imports; i++)
		fn(e->bgp, evi->imports[i], e->now);
}

void import_rules_add(struct evpn *e, const struct evi *evi)
{
	for (uint16_t i = 0; i < evi->n_imports; i++) {
		struct import_rule r = rule_of(evi->imports[i], evi->tag, evi->slot);

		rule_insert(&e->imports, &r);
	}
	ask(e, evi, true);
	rules_changed(&e->imports);
}

void import_rules_del(struct evpn *e, const struct evi *evi)
{
	struct import_table *t = &e->imports;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->n_rules; i++)
		if (t->rules[i].slot != evi->slot)
			t->rules[kept++] = t->rules[i];
	t->n_rules = kept;
	ask(e, evi, false);
	rules_changed(t);
}

/* ---- which EVIs ------------------------------------------------------------------------------------------------- */

struct matches {
	uint64_t *v; /* tag and slot, see match_key(); ascending, each once, when match() is done */
	uint32_t n, cap;
};

static uint64_t match_key(const struct evi *evi)
{
	return (uint64_t)evi->tag << 16 | evi->slot;
}

static void match_add(struct matches *m, const struct evi *evi)
{
	array_room(m->v, m->n, m->cap, 8);
	m->v[m->n++] = match_key(evi);
}

static int match_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void match_sort(struct matches *m)
{
	uint32_t n = 0;

	if (m->n > 1)
		qsort(m->v, m->n, sizeof(*m->v), match_cmp);
	for (uint32_t i = 0; i < m->n; i++)
		if (!n || m->v[n - 1] != m->v[i])
			m->v[n++] = m->v[i];
	m->n = n;
}

/* The caller frees out->v. */
static void match(const struct evpn *e, const struct bgp_attrs *a, struct matches *out)
{
	const struct import_table *t = &e->imports;
	const uint8_t *rt = NULL;

	*out = (struct matches){ 0 };
	while ((rt = evpn_ec_next_rt(a, rt))) {
		const struct evi *evi = evi_find(&e->evis, evpn_rt_auto_vni(rt));
		struct import_rule first = rule_of(rt, 0, 0);

		if (evi && evi->import_auto)
			match_add(out, evi);
		for (uint32_t i = rule_position(t, &first); i < t->n_rules && !memcmp(t->rules[i].rt, rt, 8); i++)
			match_add(out, evi_get(&e->evis, t->rules[i].slot));
	}
	match_sort(out);
}

static struct import_evis *evis_take(struct import_table *t, const uint16_t *slot, size_t n)
{
	struct import_evis *x;

	HASH_FIND(hh, t->evis, slot, n * sizeof(*slot), x);
	if (!x) {
		x = xcalloc(1, sizeof(*x) + n * sizeof(*slot));
		memcpy(x->slot, slot, n * sizeof(*slot));
		HASH_ADD_KEYPTR(hh, t->evis, x->slot, n * sizeof(*slot), x);
	}
	x->refs++;
	return x;
}

static void evis_set(struct import_table *t, struct import *im, const struct matches *m)
{
	uint16_t *slot = m->n > 4 ? xcalloc(m->n, sizeof(*slot)) : im->evi.few;

	evis_drop(t, im);
	for (uint32_t i = 0; i < m->n; i++)
		slot[i] = (uint16_t)m->v[i];
	im->n_evis = (uint16_t)m->n;
	if (m->n <= 4)
		return;
	im->evi.many = evis_take(t, slot, m->n);
	free(slot);
}

/* ---- what the attributes say ------------------------------------------------------------------------------------ */

static bool vni_valid(uint32_t label)
{
	return label && label <= VNI_MAX;
}

/*
 * Can frames be sent there? "A path whose next hop is ourselves is never imported." Loopback addresses are those of others
 * on this host, if our own is one.
 */
static bool destination_usable(const struct evpn *e, const struct ip *ip)
{
	bool here = ip_is_loopback(ip) && ip_is_loopback(&e->vtep);

	if ((!ip_is_unicast(ip) && !here) || ip_is_linklocal(ip))
		return false;
	return !e->vtep.len || (ip->len == e->vtep.len && !ip_eq(ip, &e->vtep));
}

/* What the set means, but for the EVIs and the handles of VTEPs; none where a kind of route is not usable. */
struct meaning {
	struct ip vtep, endpoint;
	uint32_t label, flood_label;
	uint8_t esi[10];
	struct evpn_ec ec;
	bool last_resort, draining;
};

/* What is shared says of which type a route is; the key that it is read with does not matter. */
static void meaning_place(const struct bgp_attrs *a, struct meaning *out)
{
	static const uint8_t mac_key[19] = { EVPN_MAC_IP }, ad_key[23] = { EVPN_AD };
	struct evpn_nlri n;

	if (a->shared_len && evpn_nlri_parse(mac_key, sizeof(mac_key), a->shared, a->shared_len, &n) && vni_valid(n.label)) {
		out->vtep = a->next_hop;
		out->label = n.label;
		memcpy(out->esi, n.esi, sizeof(out->esi));
	} else if (a->shared_len && evpn_nlri_parse(ad_key, sizeof(ad_key), a->shared, a->shared_len, &n)) {
		out->vtep = a->next_hop;
		out->label = n.label;
	}
}

static bool meaning_read(const struct evpn *e, const struct bgp_attrs *a, struct meaning *out)
{
	struct evpn_pmsi pmsi;

	*out = (struct meaning){ .last_resort = bgp_has_community(a, BGP_LLGR_STALE),
				 .draining = a->has_local_pref && a->local_pref == 0 };
	evpn_ec_read(a, &out->ec);
	if (!evpn_ec_vxlan(&out->ec))
		return false;
	if (destination_usable(e, &a->next_hop))
		meaning_place(a, out);
	if (a->pmsi && evpn_pmsi_read(a->pmsi, a->pmsi_len, &pmsi) && pmsi.type == EVPN_PMSI_INGRESS_REPLICATION &&
	    destination_usable(e, &pmsi.endpoint) && !ip_eq(&a->next_hop, &e->vtep) && vni_valid(pmsi.label)) {
		out->endpoint = pmsi.endpoint;
		out->flood_label = pmsi.label;
	}
	return out->vtep.len || out->endpoint.len;
}

static uint32_t import_new(struct evpn *e, const struct meaning *m)
{
	struct import_table *t = &e->imports;
	uint32_t h = slab_alloc(&t->slab);
	struct import *im = import_get(t, h);

	im->refs = 1;
	im->vtep = m->vtep.len ? vtep_take(&e->vteps, &m->vtep) : 0;
	im->endpoint = m->endpoint.len ? vtep_take(&e->vteps, &m->endpoint) : 0;
	im->label = m->label;
	im->flood_label = m->flood_label;
	im->sequence = m->ec.sequence;
	im->sticky = m->ec.sticky;
	im->last_resort = m->last_resort;
	im->draining = m->draining;
	im->single_active = m->ec.single_active;
	im->esi = esi_is_segment(m->esi) ? esi_take(&e->segments, m->esi) : 0;
	im->gateway = evpn_ec_has(&m->ec, EVPN_EC_DEFAULT_GATEWAY);
	/* RFC 9161 3.2: without the community the far end counts as a router; a wrong 0 cuts off a default router. */
	im->router = !evpn_ec_has(&m->ec, EVPN_EC_ND) || (m->ec.nd_flags & EVPN_ND_ROUTER);
	im->routes = im->gateway || (evpn_ec_has(&m->ec, EVPN_EC_ND) && m->ec.nd_flags & EVPN_ND_ROUTER);
	im->immutable = evpn_ec_has(&m->ec, EVPN_EC_ND) && (m->ec.nd_flags & EVPN_ND_IMMUTABLE);
	return h;
}

uint32_t import_fixed(struct evpn *e, const struct ip *vtep, uint32_t vni, bool router)
{
	struct meaning m = { .vtep = *vtep, .endpoint = *vtep, .label = vni, .flood_label = vni };
	uint32_t h = import_new(e, &m);
	struct import *im = import_get(&e->imports, h);

	im->sticky = im->fixed = true;
	im->router = im->routes = router;
	return h;
}

uint32_t import_answer(struct evpn *e, const struct ip *vtep, uint32_t vni, bool router)
{
	uint32_t h = import_fixed(e, vtep, vni, router);

	import_get(&e->imports, h)->sticky = false;
	return h;
}

uint32_t import_tunnel(struct evpn *e, const struct ip *vtep)
{
	struct meaning m = { .vtep = *vtep };
	uint32_t v = vtep_take(&e->vteps, vtep), h = vtep_get(&e->vteps, v)->tunnel;

	if (h) {
		import_ref(&e->imports, h);
	} else {
		h = import_new(e, &m);
		import_get(&e->imports, h)->tunnel = true;
		vtep_get(&e->vteps, v)->tunnel = h;
	}
	vtep_drop(&e->vteps, v);
	return h;
}

void import_unref(struct evpn *e, uint32_t h)
{
	struct import *im = import_get(&e->imports, h);

	if (--im->refs)
		return;
	evis_drop(&e->imports, im);
	if (im->tunnel)
		vtep_get(&e->vteps, im->vtep)->tunnel = 0;
	if (im->vtep)
		vtep_drop(&e->vteps, im->vtep);
	if (im->endpoint)
		vtep_drop(&e->vteps, im->endpoint);
	if (im->esi)
		esi_drop(&e->segments, im->esi);
	slab_free(&e->imports.slab, h);
}

/* The set's mark does not say: works it out and notes it. */
static uint32_t import_work_out(struct evpn *e, uint32_t set, uint32_t mark, const struct bgp_attrs *a)
{
	struct import_table *t = &e->imports;
	uint32_t h = mark & MARK_NONE ? 0 : mark;
	struct meaning meaning;
	struct matches m;

	match(e, a, &m);
	if (!h && m.n && meaning_read(e, a, &meaning))
		h = import_new(e, &meaning);
	if (h) {
		evis_set(t, import_get(t, h), &m);
		import_get(t, h)->generation = t->generation;
	}
	free(m.v);
	bgp_set_set_mark(e->bgp, set, h ? h : MARK_NONE | t->generation);
	return h;
}

/* The import of a set, 0 when no EVI takes anything of it. */
static uint32_t import_of(struct evpn *e, uint32_t set, const struct bgp_attrs *a)
{
	const struct import_table *t = &e->imports;
	uint32_t mark = bgp_set_mark(e->bgp, set);

	if (mark == (MARK_NONE | t->generation))
		return 0;
	if (!mark || (mark & MARK_NONE) || import_get(t, mark)->generation != t->generation)
		mark = import_work_out(e, set, mark, a);
	return mark && import_get(t, mark)->n_evis ? mark : 0;
}

bool evpn_imports(struct evpn *e, uint32_t set, const struct bgp_attrs *a)
{
	return import_of(e, set, a) != 0;
}

void import_set_gone(struct evpn *e, uint32_t mark)
{
	if (!(mark & MARK_NONE))
		import_unref(e, mark);
}

/* ---- claims ----------------------------------------------------------------------------------------------------- */

/* Which PE of a segment is sent to, its A-D routes say (segment.h). */
struct mac_claim import_claim(const struct evpn *e, uint32_t h)
{
	const struct import *im = import_get(&e->imports, h);

	return (struct mac_claim){ im->sequence, im->sticky, im->gateway, vtep_get(&e->vteps, im->vtep)->ip,
				   im->last_resort, im->draining && !im->esi };
}

static int esi_cmp(const struct evpn *e, uint32_t a, uint32_t b)
{
	if (!a || !b)
		return (a != 0) - (b != 0);
	return memcmp(esi_get(&e->segments, a)->b, esi_get(&e->segments, b)->b, 10);
}

/* What says more comes first. */
static int flags_of(const struct import *im)
{
	return im->immutable << 2 | im->router << 1 | im->routes;
}

int import_cmp(const struct evpn *e, uint32_t a, uint32_t b)
{
	const struct import *ia = import_get(&e->imports, a), *ib = import_get(&e->imports, b);
	struct mac_claim ca, cb;
	int d;

	if (a == b)
		return 0;
	ca = import_claim(e, a);
	cb = import_claim(e, b);
	d = mac_claim_cmp(&ca, &cb);
	if (d || ia->label != ib->label)
		return d ? d : ia->label < ib->label ? 1 : -1;
	d = esi_cmp(e, ib->esi, ia->esi);
	if (!d)
		d = flags_of(ia) - flags_of(ib);
	return d ? d : mac_sequence_cmp(ia->sequence, ib->sequence); /* gateways': it has not counted until now */
}

/* ---- to the tables ---------------------------------------------------------------------------------------------- */

static bool type_usable(uint8_t type)
{
	return type == EVPN_MAC_IP || type == EVPN_IMET || type == EVPN_AD;
}

/* Can the key be of use to an EVI? */
static bool key_usable(const struct evpn_nlri *n)
{
	if (n->type == EVPN_AD)
		return esi_is_segment(n->esi);
	if (n->tag == EVPN_MAX_ET)
		return false;
	if (n->type == EVPN_IMET)
		return true;
	if (n->type != EVPN_MAC_IP || mac_is_zero(&n->mac) || mac_is_group(&n->mac))
		return false;
	return !n->ip.len || ip_is_unicast(&n->ip);
}

/* The import when the route of this type can be used with it, else 0. */
static uint32_t usable(const struct evpn *e, const struct evpn_nlri *n, uint32_t h)
{
	const struct import *im = h ? import_get(&e->imports, h) : NULL;

	if (!im)
		return 0;
	if (n->type == EVPN_IMET)
		return im->endpoint ? h : 0;
	/* An A-D route per ES has no label (RFC 7432 8.2.1), one per EVI has the VNI (RFC 8365 5.1.3). */
	return im->vtep && (im->label || n->tag == EVPN_MAX_ET) ? h : 0;
}

/*
 * One that asks for ingress replication is no member of our group, and does not join it: neither hears what the other
 * floods (RFC 7432 11.2 knows no mixture of the two).
 */
static void flood_to(struct evpn *e, struct evi *evi, const struct evpn_nlri *n, uint32_t h)
{
	if (evi->flooding == CONFIG_FLOODING_INGRESS)
		flood_route_set(e, evi, n->rd, &n->ip, h);
	else if (evi->flooding == CONFIG_FLOODING_MULTICAST && log_allow(e->log, &e->conflicts, LOG_EVPN, e->now))
		log_remote(e->log, LOG_EVPN, "vni %u: VTEP %s floods by ingress replication, we to group %s: nothing is flooded to it",
			   evi->vni, ip_str(&n->ip).s, ip_str(&evi->group).s);
}

/* A MAC/IP route: the rows that will be wished for lie far away, and are fetched while its MAC is looked for. */
static void fetch_rows(struct evpn *e, const struct evi *evi, const struct evpn_nlri *n)
{
	struct dp_key key = dp_key_fdb(evi->vni, &n->mac);

	dp_soon(e->dp, &key);
	if (!n->ip.len)
		return;
	key = dp_key_neigh(evi->vni, &n->ip);
	dp_soon(e->dp, &key);
}

static void route_set(struct evpn *e, uint16_t slot, const struct evpn_nlri *n, uint32_t h)
{
	struct evi *evi = evi_get(&e->evis, slot);

	if (evi->leaving) /* what we have just withdrawn, another has with the same RD */
		return;
	if (n->type == EVPN_IMET)
		flood_to(e, evi, n, h);
	else if (n->type == EVPN_AD)
		segment_route_set(e, evi, n->esi, n->tag == EVPN_MAX_ET, n->rd, h);
	if (n->type != EVPN_MAC_IP)
		return;
	fetch_rows(e, evi, n);
	if (n->ip.len)
		neigh_route_set(e, evi, &n->mac, &n->ip, n->rd, h);
	else
		mac_route_set(e, evi, &n->mac, n->rd, h);
}

static void route_del(struct evpn *e, uint16_t slot, const struct evpn_nlri *n, uint32_t h)
{
	struct evi *evi = evi_get(&e->evis, slot);

	if (n->type == EVPN_IMET)
		flood_route_del(e, evi, n->rd, &n->ip, h);
	else if (n->type == EVPN_AD)
		segment_route_del(e, evi, n->esi, n->tag == EVPN_MAX_ET, n->rd);
	if (n->type != EVPN_MAC_IP)
		return;
	fetch_rows(e, evi, n);
	if (n->ip.len)
		neigh_route_del(e, evi, &n->mac, &n->ip, n->rd);
	else
		mac_route_del(e, evi, &n->mac, n->rd);
}

static uint32_t tag_of_slot(const struct evpn *e, uint16_t slot)
{
	return evi_get(&e->evis, slot)->tag;
}

/* The EVIs of that tag among those that import it: their slots. An A-D route per ES is of every tag. */
static uint16_t with_tag(const struct evpn *e, uint32_t h, uint32_t tag, const uint16_t **out)
{
	const struct import *im = h ? import_get(&e->imports, h) : NULL;
	const uint16_t *slot = im ? import_evis(im) : NULL;
	uint16_t all = im ? im->n_evis : 0, n = 0;
	size_t at;

	if (tag == EVPN_MAX_ET) {
		*out = slot;
		return all;
	}
	at = array_first(i, all, tag_of_slot(e, slot[i]) >= tag);
	while (at + n < all && tag_of_slot(e, slot[at + n]) == tag)
		n++;
	*out = n ? slot + at : NULL;
	return n;
}

static bool has_slot(const struct evpn *e, uint32_t h, uint32_t tag, uint16_t slot)
{
	const uint16_t *slots;
	uint16_t n = with_tag(e, h, tag, &slots);

	for (uint16_t i = 0; i < n; i++)
		if (slots[i] == slot)
			return true;
	return false;
}

/*
 * One route on its way to the EVIs. What one does about it can be to originate the same route, where an RD is shared: then ours is
 * the best and bgp has said so before the next EVI has been told, which must not be told any more.
 */
struct import_turn {
	struct import_turn *outer;
	struct bgp_peer *cause; /* of the outer one */
	struct evpn_nlri n;
	bool over;
};

static bool same_key(const struct evpn_nlri *a, const struct evpn_nlri *b)
{
	return a->type == b->type && a->tag == b->tag && !memcmp(a->rd, b->rd, 8) && mac_eq(&a->mac, &b->mac) && ip_eq(&a->ip, &b->ip);
}

static void turn_begin(struct evpn *e, struct import_turn *t, struct bgp_peer *cause)
{
	t->over = false;
	t->cause = e->cause;
	t->outer = e->imports.turn;
	for (struct import_turn *x = t->outer; x; x = x->outer)
		x->over |= same_key(&x->n, &t->n);
	e->imports.turn = t;
	e->cause = cause;
}

static void turn_end(struct evpn *e, const struct import_turn *t)
{
	e->imports.turn = t->outer;
	e->cause = t->cause;
}

static void set_in_evis(struct evpn *e, const struct import_turn *t, uint32_t is)
{
	const uint16_t *evis;
	uint16_t n = with_tag(e, is, t->n.tag, &evis);

	for (uint16_t i = 0; i < n && !t->over; i++)
		route_set(e, evis[i], &t->n, is);
}

/* Out of those that took the old route and do not take the new one. */
static void del_from_evis(struct evpn *e, const struct import_turn *t, uint32_t was, uint32_t is)
{
	const uint16_t *evis;
	uint16_t n = with_tag(e, was, t->n.tag, &evis);

	for (uint16_t i = 0; i < n; i++)
		if (!has_slot(e, is, t->n.tag, evis[i]))
			route_del(e, evis[i], &t->n, was);
}

/* The endpoint is part of the name of what a Type 3 route brings: with another one it is another row, which comes before the old goes. */
static void change_flooding(struct evpn *e, const struct import_turn *t, uint32_t was, uint32_t is)
{
	set_in_evis(e, t, is);
	if (is && was && import_get(&e->imports, was)->endpoint != import_get(&e->imports, is)->endpoint)
		is = 0;
	del_from_evis(e, t, was, is);
}

void import_best_changed(struct evpn *e, const struct bgp_route_ref *old, const struct bgp_route_ref *new_)
{
	const struct bgp_route_ref *any = new_ ? new_ : old;
	struct import_turn t;
	uint32_t was, is;

	if (!type_usable(any->key[0]))
		return;
	was = old ? import_of(e, old->set, old->attrs) : 0;
	is = new_ ? import_of(e, new_->set, new_->attrs) : 0;
	if (!was && !is)
		return;
	if (!evpn_nlri_parse(any->key, any->key_len, NULL, 0, &t.n) || !key_usable(&t.n))
		return;
	was = usable(e, &t.n, was);
	is = usable(e, &t.n, is);
	turn_begin(e, &t, any->peer);
	if (t.n.type == EVPN_IMET) {
		change_flooding(e, &t, was, is);
	} else {
		del_from_evis(e, &t, was, is); /* first: for the others it may be over */
		set_in_evis(e, &t, is);
	}
	turn_end(e, &t);
}

/* ---- why not ------------------------------------------------------------------------------------------------------ */

static const char *why_unreachable(const struct evpn *e, const struct ip *next_hop)
{
	if (ip_eq(next_hop, &e->vtep))
		return "its next hop is our own VTEP";
	if (next_hop->len != e->vtep.len)
		return "its next hop is of the other address family than our VTEP";
	return "its next hop is no address that can be sent to";
}

static bool is_matched(const struct evpn *e, const struct evi *evi, const struct bgp_attrs *a)
{
	struct matches m;
	bool found = false;

	match(e, a, &m);
	for (uint32_t i = 0; i < m.n; i++)
		found |= m.v[i] == match_key(evi);
	free(m.v);
	return found;
}

const char *import_refusal(struct evpn *e, const struct evi *evi, const struct bgp_path_info *p)
{
	struct evpn_nlri n;
	struct evpn_ec ec;

	if (!evi->bgp)
		return "the VNI takes nothing from BGP in its mode";
	if (!is_matched(e, evi, p->attrs))
		return "the VNI imports none of its route targets";
	evpn_ec_read(p->attrs, &ec);
	if (!evpn_ec_vxlan(&ec))
		return "it offers another encapsulation than VXLAN";
	if (!destination_usable(e, &p->attrs->next_hop))
		return why_unreachable(e, &p->attrs->next_hop);
	if (!evpn_nlri_parse(p->key, p->key_len, p->attrs->shared, p->attrs->shared_len, &n) || !type_usable(n.type) || !key_usable(&n))
		return "no host can have its address";
	if (n.tag != evi->tag && n.tag != EVPN_MAX_ET)
		return "its Ethernet Tag is another than the VNI's";
	return import_of_path(e, evi, p) ? NULL : "its label is no VNI";
}

uint32_t import_of_path(struct evpn *e, const struct evi *evi, const struct bgp_path_info *p)
{
	uint32_t h = import_of(e, p->set, p->attrs);
	struct evpn_nlri n;

	if (!h || !evpn_nlri_parse(p->key, p->key_len, NULL, 0, &n) || !key_usable(&n))
		return 0;
	h = usable(e, &n, h);
	return h && has_slot(e, h, n.tag, evi->slot) ? h : 0;
}

static void read_route(struct evpn *e, const struct bgp_path_info *p)
{
	uint32_t h = import_of(e, p->set, p->attrs);
	struct import_turn t;
	const uint16_t *evis;
	uint16_t n_evis;

	if (!h || !evpn_nlri_parse(p->key, p->key_len, NULL, 0, &t.n) || !key_usable(&t.n))
		return;
	h = usable(e, &t.n, h);
	turn_begin(e, &t, p->peer);
	n_evis = with_tag(e, h, t.n.tag, &evis);
	for (uint16_t i = 0; i < n_evis && !t.over; i++)
		if (e->evis.slot[evis[i]]->unread)
			route_set(e, evis[i], &t.n, h);
	turn_end(e, &t);
}

void import_rib(struct evpn *e)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	bool any = false;

	for (uint32_t i = 0; i < e->evis.n && !any; i++)
		any = e->evis.by_vni[i]->unread;
	while (any && bgp_rib_next(e->bgp, &c, &p))
		if (p.best && p.family == &evpn_family && type_usable(p.key[0]))
			read_route(e, &p);
	for (uint32_t i = 0; i < e->evis.n; i++)
		e->evis.by_vni[i]->unread = false;
}

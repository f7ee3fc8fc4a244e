/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The tables as show sees them (include/evpn.h). Arrays that it lends out are made here,
 * in one space for each kind, and live until the next call of that kind.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "evpn/tables.h"

struct flood_item {
	struct ip vtep;
	uint32_t label;
};

struct evpn_show {
	struct flood_item *floods;
	struct ip *flood;
	uint32_t *flood_label;
	size_t cap_flood;
	struct ip *ips;
	size_t cap_ips;
	struct evpn_limit_info *limits;
	struct ip *vteps; /* sorted, as of the start of the walk */
	size_t n_vteps;
	struct ip mac_vteps[DP_SET_MAX];
};

static struct evpn_show *space(struct evpn *e)
{
	if (!e->show)
		e->show = xcalloc(1, sizeof(*e->show));
	return e->show;
}

void evpn_show_free(struct evpn_show *s)
{
	if (!s)
		return;
	free(s->floods);
	free(s->flood);
	free(s->flood_label);
	free(s->ips);
	free(s->limits);
	free(s->vteps);
	free(s);
}

/* ---- VNIs -------------------------------------------------------------------------------------------------------- */

static int flood_item_cmp(const void *a, const void *b)
{
	const struct flood_item *x = a, *y = b;

	return ip_cmp(&x->vtep, &y->vtep);
}

static void flood_fill(struct evpn *e, const struct evi *evi, struct evpn_vni_info *out)
{
	struct evpn_show *s = space(e);
	size_t n = 0;

	if (s->cap_flood < evi->n_floods) {
		s->cap_flood = evi->n_floods;
		s->floods = xrealloc(s->floods, s->cap_flood * sizeof(*s->floods));
		s->flood = xrealloc(s->flood, s->cap_flood * sizeof(*s->flood));
		s->flood_label = xrealloc(s->flood_label, s->cap_flood * sizeof(*s->flood_label));
	}
	for (uint32_t h = evi->floods; h; h = flood_get(e, h)->next) {
		const struct flood *f = flood_get(e, h);
		const struct import *im = import_get(&e->imports, f->import);

		if (flood_is_row(e, f))
			s->floods[n++] = (struct flood_item){ vtep_get(&e->vteps, im->endpoint)->ip, im->flood_label };
	}
	if (n)
		qsort(s->floods, n, sizeof(*s->floods), flood_item_cmp);
	for (size_t i = 0; i < n; i++) {
		s->flood[i] = s->floods[i].vtep;
		s->flood_label[i] = s->floods[i].label;
	}
	out->flood = s->flood;
	out->flood_label = s->flood_label;
	out->n_flood = n;
}

static struct evpn_limit_info limit_info(unsigned ifindex, const struct limit_count *c)
{
	return (struct evpn_limit_info){ ifindex, c->limit, c->learned, c->over, c->reached };
}

static void limits_fill(struct evpn *e, const struct evi *evi, struct evpn_vni_info *out)
{
	const struct limits *l = &evi->limits;
	struct evpn_show *s = space(e);

	out->mac_limit = limit_info(0, &l->vni);
	s->limits = xrealloc(s->limits, (l->n_ports + 1) * sizeof(*s->limits));
	for (size_t i = 0; i < l->n_ports; i++)
		if (l->ports[i].c.limit)
			s->limits[out->n_port_limits++] = limit_info(l->ports[i].ifindex, &l->ports[i].c);
	out->port_limits = s->limits;
}

static void vni_fill(struct evpn *e, const struct evi *evi, struct evpn_vni_info *out)
{
	*out = (struct evpn_vni_info){ .vni = evi->vni,
				       .mode = evi->mode,
				       .bgp = evi->bgp,
				       .ethernet_tag = evi->tag,
				       .imports = (const uint8_t(*)[8])evi->imports,
				       .n_imports = evi->n_imports,
				       .import_auto = evi->import_auto,
				       .exports = (const uint8_t(*)[8])evi->exports,
				       .n_exports = evi->n_exports,
				       .local_macs = evi->local_macs,
				       .remote_macs = evi->remote_macs,
				       .local_ips = evi->local_ips,
				       .remote_ips = evi->remote_ips,
				       .ready = evi->ready,
				       .flooding = evi->flooding,
				       .group = evi->group };
	memcpy(out->rd, evi->rd, 8);
	flood_fill(e, evi, out);
	limits_fill(e, evi, out);
}

bool evpn_vni_next(struct evpn *e, uint32_t prev, struct evpn_vni_info *out)
{
	const struct evi *evi = evi_after(&e->evis, prev);

	if (evi)
		vni_fill(e, evi, out);
	return evi;
}

bool evpn_vni_find(struct evpn *e, uint32_t vni, struct evpn_vni_info *out)
{
	const struct evi *evi = evi_find(&e->evis, vni);

	if (evi)
		vni_fill(e, evi, out);
	return evi;
}

uint32_t evpn_vni_after(const struct evpn *e, uint32_t prev)
{
	const struct evi *evi = evi_after(&e->evis, prev);

	return evi ? evi->vni : 0;
}

bool evpn_vni_rd(const struct evpn *e, uint32_t vni, uint8_t rd[8])
{
	const struct evi *evi = evi_find(&e->evis, vni);

	if (!evi || !evi->bgp)
		return false;
	memcpy(rd, evi->rd, sizeof(evi->rd));
	return true;
}

/* ---- MACs -------------------------------------------------------------------------------------------------------- */

const char *evpn_mac_state_name(enum evpn_mac_state s)
{
	switch (s) {
	case EVPN_MAC_LOCAL:
		return "local";
	case EVPN_MAC_REMOTE:
		return "remote";
	case EVPN_MAC_DUPLICATE:
		return "duplicate";
	case EVPN_MAC_LIMITED:
		return "limited";
	case EVPN_MAC_CONFLICT:
		break;
	}
	return "conflict";
}

static struct mtime since(uint32_t seconds)
{
	return (struct mtime){ (int64_t)seconds * 1000000 };
}

static void ips_fill(struct evpn *e, const struct mac_entry *m, struct evpn_mac_info *out)
{
	struct evpn_show *s = space(e);
	size_t n = 0;

	for (uint32_t h = m->bindings; h; h = binding_get(e, h)->next) {
		array_room(s->ips, n, s->cap_ips, 8);
		s->ips[n++] = binding_ip(binding_get(e, h));
	}
	out->ips = s->ips;
	out->n_ips = n;
}

static enum evpn_mac_state mac_shown(enum mac_state s)
{
	if (mac_is_frozen(s))
		return EVPN_MAC_DUPLICATE;
	if (s == MAC_UNKNOWN)
		return EVPN_MAC_LIMITED;
	return s == MAC_LOCAL ? EVPN_MAC_LOCAL : s == MAC_REMOTE ? EVPN_MAC_REMOTE : EVPN_MAC_CONFLICT;
}

static void moves_fill(const struct evpn *e, const struct mac_entry *m, struct evpn_mac_info *out)
{
	struct moves_key k = moves_key_mac(evi_get(&e->evis, m->evi), &m->mac);
	const struct moves *v = e->moves.slab.used ? moves_find(e, &k) : NULL;

	out->moves = v ? v->n : 0;
	out->recovers = v && timerq_armed(&v->end) ? v->end.at : MTIME_NEVER;
}

static void remote_fill(struct evpn *e, const struct mac_entry *m, struct evpn_mac_info *out)
{
	const struct import *im = import_get(&e->imports, m->best);
	struct evpn_show *s = space(e);
	const struct segment_path *p;
	uint32_t path;

	out->vtep = *import_vtep(e, m->best);
	out->vteps = s->mac_vteps;
	out->has_esi = im->esi != 0;
	if (!im->esi) {
		s->mac_vteps[0] = out->vtep;
		out->n_vteps = mac_is_there(m->state);
		return;
	}
	memcpy(out->esi, esi_get(&e->segments, im->esi)->b, sizeof(out->esi));
	path = mac_is_there(m->state) ? segment_resolve(e, evi_get(&e->evis, m->evi), im) : 0;
	if (!path)
		return;
	p = segment_path_get(&e->segments, path);
	out->n_vteps = p->one_label ? 1 : p->n;
	for (size_t i = 0; i < out->n_vteps; i++)
		s->mac_vteps[i] = vtep_get(&e->vteps, p->member[i])->ip;
}

static void mac_fill(struct evpn *e, const struct mac_entry *m, struct evpn_mac_info *out)
{
	*out = (struct evpn_mac_info){ .vni = evi_get(&e->evis, m->evi)->vni,
				       .mac = m->mac,
				       .state = mac_shown(m->state),
				       .reason = mac_reason_text(m->reason),
				       .since = since(m->since) };
	if (m->state != MAC_REMOTE)
		out->ifindex = m->ifindex;
	if (m->state == MAC_UNKNOWN)
		out->reason = "learned on a port, above a MAC limit";
	else if (m->state != MAC_LOCAL)
		remote_fill(e, m, out);
	if (mac_is_here(m->state)) {
		out->sequence = m->sequence;
		out->sticky = m->flags & MAC_STATIC;
	} else if (m->state != MAC_UNKNOWN) {
		out->sequence = import_get(&e->imports, m->best)->sequence;
		out->sticky = import_get(&e->imports, m->best)->sticky;
	}
	moves_fill(e, m, out);
	ips_fill(e, m, out);
}

/* Not one that is there for its addresses only. */
static bool is_shown(const struct mac_entry *m)
{
	return m->state != MAC_UNKNOWN || m->flags & MAC_OVER;
}

bool evpn_mac_next(struct evpn *e, struct evpn_cursor *c, struct evpn_mac_info *out)
{
	while ((c->handle = slab_next(&e->macs.slab, c->handle))) {
		const struct mac_entry *m = mac_get(e, c->handle);

		if (!is_shown(m) || (c->vni && evi_get(&e->evis, m->evi)->vni != c->vni))
			continue;
		mac_fill(e, m, out);
		return true;
	}
	return false;
}

bool evpn_mac_find(struct evpn *e, uint32_t vni, const struct mac *mac, struct evpn_mac_info *out)
{
	const struct evi *evi = evi_find(&e->evis, vni);
	uint32_t h = evi ? mac_find(e, evi, mac) : 0;
	const struct mac_entry *m = h ? mac_get(e, h) : NULL;

	if (!m || !is_shown(m))
		return false;
	mac_fill(e, m, out);
	return true;
}

/* ---- bindings ---------------------------------------------------------------------------------------------------- */

/* Heard here or there, where hosts are learned from the tunnel an address is where its MAC is. */
static bool is_behind_tunnel(const struct evpn *e, const struct binding *b, const struct mac_entry *m)
{
	if (b->tunnel)
		return !mac_is_here(m->state);
	return evi_get(&e->evis, b->evi)->learns && mac_is_there(m->state);
}

static void arp_fill(struct evpn *e, const struct binding *b, struct evpn_arp_info *out)
{
	const struct mac_entry *m = mac_get(e, b->mac);
	uint32_t best = neigh_best_route(e, b);

	*out = (struct evpn_arp_info){ .vni = evi_get(&e->evis, b->evi)->vni,
				       .ip = binding_ip(b),
				       .mac = mac_get(e, b->mac)->mac,
				       .since = since(b->since) };
	if ((b->flags & BINDING_LOCAL || b->tunnel) && !is_behind_tunnel(e, b, m)) {
		struct moves_key k = moves_key_ip(evi_get(&e->evis, b->evi), &out->ip);

		out->state = moves_frozen(e, &k) ? EVPN_MAC_DUPLICATE : EVPN_MAC_LOCAL;
		out->router = b->flags & BINDING_ROUTER;
		return;
	}
	out->state = EVPN_MAC_REMOTE;
	if (!best) {
		out->vtep = m->best ? *import_vtep(e, m->best) : ip_none();
		out->router = b->flags & BINDING_ROUTER;
		return;
	}
	out->vtep = *import_vtep(e, best);
	out->router = b->ip_len == 16 && import_get(&e->imports, best)->router;
}

bool evpn_arp_next(struct evpn *e, struct evpn_cursor *c, struct evpn_arp_info *out)
{
	while ((c->handle = binding_next(e, c->handle))) {
		const struct binding *b = binding_get(e, c->handle);

		if (c->vni && evi_get(&e->evis, b->evi)->vni != c->vni)
			continue;
		arp_fill(e, b, out);
		return true;
	}
	return false;
}

bool evpn_arp_find(struct evpn *e, uint32_t vni, const struct ip *ip, struct evpn_arp_info *out)
{
	const struct evi *evi = evi_find(&e->evis, vni);
	uint32_t h = evi ? neigh_find(e, evi, ip) : 0;

	if (h)
		arp_fill(e, binding_get(e, h), out);
	return h;
}

bool evpn_arp_nth(struct evpn *e, uint32_t vni, const struct ip *ip, unsigned n, struct evpn_arp_info *out)
{
	const struct evi *evi = evi_find(&e->evis, vni);
	uint32_t h = evi ? binding_nth(e, evi, ip, n) : 0;

	if (h)
		arp_fill(e, binding_get(e, h), out);
	return h;
}

/* ---- segments ---------------------------------------------------------------------------------------------------- */

const char *evpn_pe_state_name(enum evpn_pe_state s)
{
	static const char *const name[] = {
		[EVPN_PE_ACTIVE] = "active", [EVPN_PE_BACKUP] = "backup", [EVPN_PE_DRAINING] = "draining",
		[EVPN_PE_UNUSED] = "unused"
	};

	return name[s];
}

static bool sent_to(const struct evpn *e, const struct segment *s, uint32_t vtep)
{
	for (uint32_t h = s->paths; h; h = segment_path_get(&e->segments, h)->next) {
		const struct segment_path *p = segment_path_get(&e->segments, h);

		for (uint32_t i = 0; i < (p->one_label ? 1 : p->n); i++)
			if (p->member[i] == vtep)
				return true;
	}
	return false;
}

static enum evpn_pe_state pe_state(const struct evpn *e, const struct segment *s, const struct segment_pe *pe)
{
	if (sent_to(e, s, pe->vtep))
		return EVPN_PE_ACTIVE;
	if (pe->usable)
		return EVPN_PE_BACKUP;
	return pe->per_es && pe->draining ? EVPN_PE_DRAINING : EVPN_PE_UNUSED;
}

static void segment_fill(const struct evpn *e, const struct segment *s, struct evpn_segment_info *out)
{
	const struct segment_pes pes = segment_all_pes(e, s);

	*out = (struct evpn_segment_info){ .vni = evi_get(&e->evis, s->evi)->vni,
					   .single_active = s->single_active,
					   .macs = segment_path_get(&e->segments, s->paths)->macs,
					   .n_pes = pes.n };
	memcpy(out->esi, esi_get(&e->segments, s->esi)->b, sizeof(out->esi));
	for (unsigned i = 0; i < out->n_pes; i++) {
		struct evpn_segment_pe *pe = &out->pes[i];

		pe->vtep = vtep_get(&e->vteps, pes.v[i].vtep)->ip;
		pe->per_es = pes.v[i].per_es;
		pe->per_evi = pes.v[i].per_evi;
		pe->vni = pes.v[i].label;
		pe->state = pe_state(e, s, &pes.v[i]);
	}
}

bool evpn_segment_next(struct evpn *e, struct evpn_cursor *c, struct evpn_segment_info *out)
{
	while ((c->handle = slab_next(&e->segments.slab, c->handle))) {
		const struct segment *s = segment_get(&e->segments, c->handle);

		if (c->vni && evi_get(&e->evis, s->evi)->vni != c->vni)
			continue;
		segment_fill(e, s, out);
		return true;
	}
	return false;
}

/* ---- VTEPs ------------------------------------------------------------------------------------------------------- */

static int ip_qsort_cmp(const void *a, const void *b)
{
	return ip_cmp(a, b);
}

static void vteps_collect(struct evpn *e)
{
	struct evpn_show *s = space(e);
	const struct slab *slab = &e->vteps.slab;

	s->n_vteps = 0;
	s->vteps = xrealloc(s->vteps, (slab->used + 1) * sizeof(*s->vteps));
	for (uint32_t h = 0; (h = slab_next(slab, h));) {
		const struct vtep *v = vtep_get(&e->vteps, h);

		if (v->macs || v->vnis)
			s->vteps[s->n_vteps++] = v->ip;
	}
	qsort(s->vteps, s->n_vteps, sizeof(*s->vteps), ip_qsort_cmp);
}

/* Index of the first one behind prev. */
static size_t vtep_behind(const struct evpn_show *s, const struct ip *prev)
{
	return array_first(i, s->n_vteps, ip_cmp(&s->vteps[i], prev) > 0);
}

bool evpn_vtep_next(struct evpn *e, const struct ip *prev, struct evpn_vtep_info *out)
{
	struct evpn_show *s = space(e);

	if (!prev->len)
		vteps_collect(e);
	for (size_t i = vtep_behind(s, prev); i < s->n_vteps; i++) {
		const struct vtep *v = vtep_lookup(&e->vteps, &s->vteps[i]);

		if (!v)
			continue;
		*out = (struct evpn_vtep_info){ v->ip, v->vnis, v->macs };
		return true;
	}
	return false;
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

void evpn_memory(const struct evpn *e, struct evpn_memory *out)
{
	const struct slab *slabs[] = { &e->vteps.slab, &e->imports.slab, &e->macs.slab, &e->macs.nodes,
				       &e->bindings.slab[0], &e->bindings.slab[1], &e->floods.slab, &e->moves.slab,
				       &e->segments.slab, &e->segments.esis, &e->segments.paths, &e->segments.numbers,
				       &e->hosts.slab };
	const struct htab *indices[] = { &e->vteps.index,  &e->floods.index,   &e->moves.index,
					 &e->hosts.index, &e->segments.index, &e->segments.esi_index,
					 &e->segments.path_index };

	*out = (struct evpn_memory){ .vnis = e->evis.n, .macs = e->macs.slab.used, .ips = binding_count(e),
				     .routes_bytes = e->imports.octets };
	for (size_t i = 0; i < sizeof(slabs) / sizeof(slabs[0]); i++)
		out->bytes += slab_bytes(slabs[i]);
	for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++)
		out->bytes += htab_bytes(indices[i]);
	out->bytes += hidx_bytes(&e->macs.index) + hidx_bytes(&e->bindings.index);
	out->bytes += e->imports.cap_rules * sizeof(*e->imports.rules);
	out->bytes += e->evis.n_slots * 2 * sizeof(void *) + e->evis.n * sizeof(struct evi);
}

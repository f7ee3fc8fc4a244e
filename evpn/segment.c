/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * See segment.h. A route changes what is known of PEs; judge() makes the paths from that,
 * apply() applies the difference.
 */
#include "evpn/segment.h"

#include <string.h>
#include <xxhash.h>

#include "base/list.h"
#include "evpn/tables.h"

#define WALK_SLICE 4096u /* MACs a turn */

/* ---- ESIs -------------------------------------------------------------------------------------------------------- */

static uint64_t esi_hash_of(const uint8_t esi[10])
{
	return XXH3_64bits(esi, 10);
}

static uint64_t esi_hash(void *owner, uint32_t h)
{
	return esi_hash_of(esi_get(owner, h)->b);
}

static uint32_t *esi_link(void *owner, uint32_t h)
{
	return &esi_get(owner, h)->chain;
}

static const struct htab_ops esi_ops = { esi_hash, esi_link };

bool esi_is_segment(const uint8_t esi[10])
{
	static const uint8_t max[10] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };

	return !evpn_esi_is_zero(esi) && memcmp(esi, max, sizeof(max)) != 0;
}

static uint32_t esi_find(const struct segment_table *t, const uint8_t esi[10])
{
	uint32_t h = htab_first(&t->esi_index, esi_hash_of(esi));

	while (h && memcmp(esi_get(t, h)->b, esi, 10) != 0)
		h = esi_get(t, h)->chain;
	return h;
}

uint32_t esi_take(struct segment_table *t, const uint8_t esi[10])
{
	uint32_t h = esi_find(t, esi);

	if (!h) {
		h = slab_alloc(&t->esis);
		memcpy(esi_get(t, h)->b, esi, 10);
		htab_insert(&t->esi_index, esi_hash_of(esi), h);
	}
	esi_get(t, h)->refs++;
	return h;
}

void esi_drop(struct segment_table *t, uint32_t h)
{
	if (--esi_get(t, h)->refs)
		return;
	htab_remove(&t->esi_index, esi_hash(t, h), h);
	slab_free(&t->esis, h);
}

/* ---- segments ---------------------------------------------------------------------------------------------------- */

static uint64_t segment_hash_of(uint16_t evi, uint32_t esi)
{
	uint64_t k = (uint64_t)evi << 32 | esi;

	return XXH3_64bits(&k, sizeof(k));
}

static uint64_t segment_hash(void *owner, uint32_t h)
{
	const struct segment *s = segment_get(owner, h);

	return segment_hash_of(s->evi, s->esi);
}

static uint32_t *segment_link(void *owner, uint32_t h)
{
	return &segment_get(owner, h)->chain;
}

static const struct htab_ops segment_ops = { segment_hash, segment_link };

static uint32_t segment_find(const struct evpn *e, uint16_t evi, uint32_t esi)
{
	const struct segment_table *t = &e->segments;
	uint32_t h = htab_first(&t->index, segment_hash_of(evi, esi));

	while (h && (segment_get(t, h)->evi != evi || segment_get(t, h)->esi != esi))
		h = segment_get(t, h)->chain;
	return h;
}

static uint64_t path_hash_of(uint32_t segment, uint32_t vtep, uint32_t label)
{
	uint32_t k[3] = { segment, vtep, label };

	return XXH3_64bits(k, sizeof(k));
}

static uint64_t path_hash(void *owner, uint32_t h)
{
	const struct segment_path *p = segment_path_get(owner, h);

	return path_hash_of(p->segment, p->vtep, p->label);
}

static uint32_t *path_link(void *owner, uint32_t h)
{
	return &segment_path_get(owner, h)->chain;
}

static const struct htab_ops path_ops = { path_hash, path_link };

/* Behind prev; 0: the first of its segment. */
static uint32_t path_add(struct segment_table *t, uint32_t segment, uint32_t prev, uint32_t vtep, uint32_t label)
{
	uint32_t h = slab_alloc(&t->paths);
	struct segment_path *p = segment_path_get(t, h);

	p->segment = segment;
	p->vtep = vtep;
	p->label = label;
	p->set = slab_alloc(&t->numbers);
	p->prev = prev;
	if (prev) {
		p->next = segment_path_get(t, prev)->next;
		segment_path_get(t, prev)->next = h;
	}
	if (p->next)
		segment_path_get(t, p->next)->prev = h;
	htab_insert(&t->path_index, path_hash(t, h), h);
	return h;
}

static void path_free(struct segment_table *t, uint32_t h)
{
	struct segment_path *p = segment_path_get(t, h);

	htab_remove(&t->path_index, path_hash(t, h), h);
	if (p->prev)
		segment_path_get(t, p->prev)->next = p->next;
	if (p->next)
		segment_path_get(t, p->next)->prev = p->prev;
	slab_free(&t->numbers, p->set);
	slab_free(&t->paths, h);
}

/* The path of an advertiser, 0 when there is none. */
static uint32_t path_find(const struct evpn *e, uint32_t segment, const struct import *im)
{
	const struct segment_table *t = &e->segments;
	uint32_t h = htab_first(&t->path_index, path_hash_of(segment, im->vtep, im->label));

	for (; h; h = segment_path_get(t, h)->chain) {
		const struct segment_path *p = segment_path_get(t, h);

		if (p->segment == segment && p->vtep == im->vtep && p->label == im->label)
			break;
	}
	return h;
}

/* The caller's reference of esi becomes the segment's. */
static uint32_t segment_add(struct evpn *e, uint16_t evi, uint32_t esi)
{
	struct segment_table *t = &e->segments;
	uint32_t h = slab_alloc(&t->slab);
	struct segment *s = segment_get(t, h);

	s->evi = evi;
	s->esi = esi;
	s->paths = path_add(t, h, 0, 0, 0);
	htab_insert(&t->index, segment_hash_of(evi, esi), h);
	return h;
}

static void segment_reap(struct evpn *e, uint32_t h)
{
	struct segment_table *t = &e->segments;
	struct segment *s = segment_get(t, h);
	const struct segment_path *first = segment_path_get(t, s->paths);

	if (first->macs || !sources_empty(&s->per_es) || !sources_empty(&s->per_evi))
		return;
	BUG_ON(first->next || first->n);
	htab_remove(&t->index, segment_hash(t, h), h);
	path_free(t, s->paths);
	esi_drop(t, s->esi);
	slab_free(&t->slab, h);
}

/* ---- paths ------------------------------------------------------------------------------------------------------- */

/* Takes all but one of those that a path of one advertiser does not lead to out of pes. */
static void judge_one(const struct segment_path *p, struct segment_pes *pes)
{
	for (unsigned i = 0; i < pes->n; i++) {
		if (pes->v[i].vtep != p->vtep)
			continue;
		pes->v[0] = pes->v[i];
		pes->v[0].label = pes->v[0].label ? pes->v[0].label : p->label;
		pes->n = 1;
		return;
	}
	pes->n = pes->n == 1; /* the backup, if there is no choice */
}

static bool same_members(const struct segment_path *p, const struct segment_pes *pes)
{
	for (unsigned i = 0; i < pes->n; i++)
		if (p->member[i] != pes->v[i].vtep)
			return false;
	return p->n == pes->n;
}

static uint32_t label_of(const struct segment_pe *pe, uint32_t vni)
{
	return pe->label ? pe->label : vni;
}

/* The VNI for the first of them when they cannot be a set; 0: they can. */
static uint32_t one_label(const struct segment_pes *pes, uint32_t vni)
{
	for (unsigned i = 0; i < pes->n; i++)
		if (label_of(&pes->v[i], vni) != vni)
			return label_of(&pes->v[0], vni);
	return 0;
}

static void members_count(struct evpn *e, const struct segment_path *p, uint32_t by)
{
	for (uint32_t i = 0; i < p->n; i++)
		vtep_get(&e->vteps, p->member[i])->macs += by;
}

static void members_set(struct evpn *e, struct segment_path *p, const struct segment_pes *pes)
{
	struct segment_path old = *p;

	p->n = pes->n;
	for (unsigned i = 0; i < pes->n; i++) {
		p->member[i] = pes->v[i].vtep;
		vtep_get(&e->vteps, p->member[i])->refs++;
	}
	members_count(e, p, p->macs);
	members_count(e, &old, -old.macs);
	for (uint32_t i = 0; i < old.n; i++)
		vtep_drop(&e->vteps, old.member[i]);
}

static void set_put(struct evpn *e, uint32_t h)
{
	const struct segment_path *p = segment_path_get(&e->segments, h);
	struct ip vteps[DP_SET_MAX];

	for (uint32_t i = 0; i < p->n; i++)
		vteps[i] = vtep_get(&e->vteps, p->member[i])->ip;
	dp_set_put(e->dp, p->set, vteps, p->n);
}

/* Brings a path up to date. True when rows that have gone its way are to be rewritten. */
static bool apply(struct evpn *e, uint32_t h, const struct segment_pes *pes, uint32_t vni)
{
	struct segment_path *p = segment_path_get(&e->segments, h);
	uint32_t label = one_label(pes, vni), old_first = p->n ? p->member[0] : 0;
	bool was_set = p->n && !p->one_label, is_set = pes->n && !label;
	bool moved = was_set != is_set || p->one_label != label;

	if (!same_members(p, pes))
		members_set(e, p, pes);
	p->one_label = label;
	if (is_set)
		set_put(e, h);
	else
		dp_set_del(e->dp, p->set);
	return moved || (label && old_first != p->member[0]);
}

static void walk_start(struct evpn *e)
{
	struct segment_table *t = &e->segments;

	if (t->walk_at)
		t->walk_again = true;
	if (!timerq_armed(&t->walk))
		timerq_arm(&e->timers, &t->walk, e->now);
}

/*
 * Aliasing begins or ends: of the paths that take over from one another, those with the most MACs keep their set, which
 * gets other members instead of other rows.
 */
static void set_hand_over(struct segment_table *t, const struct segment *s)
{
	struct segment_path *first = segment_path_get(t, s->paths), *most = NULL;
	uint32_t set = first->set;

	for (uint32_t h = first->next; h; h = segment_path_get(t, h)->next) {
		struct segment_path *p = segment_path_get(t, h);

		if (!most || p->macs > most->macs)
			most = p;
	}
	if (!most)
		return;
	first->set = most->set;
	most->set = set;
}

/* Its MACs go to one PE each, see pe_for(). */
static bool is_one_for_each(const struct evpn *e, const struct evi *evi)
{
	return evi->demand && !dp_sets_on_demand(e->dp);
}

/* One path, as apply(); usable: the PEs that count. */
static bool judge_path(struct evpn *e, const struct segment *s, uint32_t h, const struct segment_pes *usable)
{
	const struct segment_path *p = segment_path_get(&e->segments, h);
	const struct evi *evi = evi_get(&e->evis, s->evi);
	struct segment_pes to = { 0 };
	bool moved;

	if ((h == s->paths) == s->aliasing)
		to = *usable;
	if (!s->aliasing && to.n)
		judge_one(p, &to);
	moved = is_one_for_each(e, evi) && !same_members(p, &to);
	moved |= apply(e, h, &to, evi->vni);
	return moved && p->macs;
}

/* The paths of a segment as its routes have it. A path of one advertiser is made when a MAC needs it. */
static void judge(struct evpn *e, struct segment *s)
{
	const struct segment_path *first = segment_path_get(&e->segments, s->paths);
	bool by_evi, was = s->aliasing, moved = false;
	struct segment_pes usable = segment_usable_pes(e, s, &by_evi);

	s->single_active = segment_is_single_active(e, s);
	s->aliasing = !s->single_active && by_evi;
	if (s->aliasing != was)
		set_hand_over(&e->segments, s);
	for (uint32_t h = s->paths; h; h = segment_path_get(&e->segments, h)->next)
		moved |= judge_path(e, s, h, &usable);
	if (moved || (was != s->aliasing && first->macs))
		walk_start(e);
}

/* ---- routes ------------------------------------------------------------------------------------------------------ */

static void too_many_log(struct evpn *e, const struct evi *evi, const uint8_t esi[10])
{
	if (log_allow(e->log, &e->conflicts, LOG_EVPN, e->now))
		log_remote(e->log, LOG_EVPN, "vni %u segment %s: more than %u A-D routes: the others are not used",
			   evi->vni, evpn_esi_str(esi).s, SEGMENT_ROUTES);
}

void segment_route_set(struct evpn *e, const struct evi *evi, const uint8_t esi[10], bool per_es, const uint8_t rd[8],
		       uint32_t import)
{
	uint32_t x = esi_take(&e->segments, esi), h = segment_find(e, evi->slot, x), was;
	struct sources *of;
	struct segment *s;

	if (h)
		esi_drop(&e->segments, x);
	else
		h = segment_add(e, evi->slot, x);
	s = segment_get(&e->segments, h);
	of = per_es ? &s->per_es : &s->per_evi;
	was = sources_put(&e->macs.nodes, of, rd, import_hold(&e->imports, import, IMPORT_AD), &e->steps);
	if (!was && s->n_routes == SEGMENT_ROUTES) {
		sources_del(&e->macs.nodes, of, rd, &e->steps);
		import_release(e, import, IMPORT_AD);
		too_many_log(e, evi, esi);
		return;
	}
	if (!was)
		s->n_routes++;
	judge(e, s);
	if (was)
		import_release(e, was, IMPORT_AD);
}

void segment_route_del(struct evpn *e, const struct evi *evi, const uint8_t esi[10], bool per_es, const uint8_t rd[8])
{
	uint32_t x = esi_find(&e->segments, esi), h = x ? segment_find(e, evi->slot, x) : 0, was;
	struct segment *s;

	if (!h)
		return;
	s = segment_get(&e->segments, h);
	was = sources_del(&e->macs.nodes, per_es ? &s->per_es : &s->per_evi, rd, &e->steps);
	if (!was)
		return;
	s->n_routes--;
	judge(e, s);
	import_release(e, was, IMPORT_AD);
	segment_reap(e, h);
}

void segment_clear(struct evpn *e, const struct evi *evi)
{
	for (uint32_t h = 0; (h = slab_next(&e->segments.slab, h));) {
		bool per_es = true;

		while (slab_live(&e->segments.slab, h) && segment_get(&e->segments, h)->evi == evi->slot) {
			const struct segment *s = segment_get(&e->segments, h);
			const struct source *x = sources_first(per_es ? &s->per_es : &s->per_evi);
			struct esi esi = *esi_get(&e->segments, s->esi);
			struct source gone;

			if (!x) {
				BUG_ON(!per_es);
				per_es = false;
				continue;
			}
			gone = *x;
			segment_route_del(e, evi, esi.b, per_es, gone.rd);
		}
	}
}

/* ---- MACs -------------------------------------------------------------------------------------------------------- */

static void path_count(struct evpn *e, uint32_t h, uint32_t by)
{
	struct segment_path *p = segment_path_get(&e->segments, h);

	p->macs += by;
	members_count(e, p, by);
}

/* Of this advertiser no MAC is left. */
static void path_end(struct evpn *e, const struct evi *evi, uint32_t h)
{
	static const struct segment_pes none;

	apply(e, h, &none, evi->vni);
	vtep_drop(&e->vteps, segment_path_get(&e->segments, h)->vtep);
	path_free(&e->segments, h);
}

void segment_count(struct evpn *e, const struct evi *evi, const struct import *im, uint32_t by)
{
	uint32_t h = segment_find(e, evi->slot, im->esi), path;
	struct segment_pes usable;
	struct segment *s;
	bool by_evi;

	if (!h) {
		esi_get(&e->segments, im->esi)->refs++;
		h = segment_add(e, evi->slot, im->esi);
	}
	s = segment_get(&e->segments, h);
	path_count(e, s->paths, by);
	path = path_find(e, h, im);
	if (!path) {
		path = path_add(&e->segments, h, s->paths, im->vtep, im->label);
		vtep_get(&e->vteps, im->vtep)->refs++;
		usable = segment_usable_pes(e, s, &by_evi);
		judge_path(e, s, path, &usable);
	}
	path_count(e, path, by);
	if (!segment_path_get(&e->segments, path)->macs)
		path_end(e, evi, path);
	segment_reap(e, h);
}

uint32_t segment_resolve(const struct evpn *e, const struct evi *evi, const struct import *im)
{
	uint32_t h = segment_find(e, evi->slot, im->esi), path;
	struct segment *s = h ? segment_get(&e->segments, h) : NULL;

	path = !s ? 0 : s->aliasing ? s->paths : path_find(e, h, im);
	return path && segment_path_get(&e->segments, path)->n ? path : 0;
}

/*
 * The one PE of several for a MAC whose row cannot go to all: by a hash of both, so that another membership
 * moves only the MACs of the PE that has gone (RFC 2991 calls it highest random weight), and a restart none.
 */
static uint32_t pe_for(const struct evpn *e, const struct segment_path *p, const struct mac *mac)
{
	uint64_t seed = XXH3_64bits(mac->b, sizeof(mac->b)), best = 0;
	uint32_t found = p->member[0];

	for (uint32_t i = 0; i < p->n; i++) {
		const struct ip *ip = &vtep_get(&e->vteps, p->member[i])->ip;
		uint64_t weight = XXH3_64bits_withSeed(ip->b, ip->len, seed);

		if (i && weight <= best)
			continue;
		best = weight;
		found = p->member[i];
	}
	return found;
}

bool segment_dest(const struct evpn *e, const struct evi *evi, const struct import *im, struct dp_row *row)
{
	uint32_t h = segment_resolve(e, evi, im);
	const struct segment_path *p = h ? segment_path_get(&e->segments, h) : NULL;

	if (!h)
		return false;
	if (!p->one_label && is_one_for_each(e, evi)) {
		row->vtep = vtep_get(&e->vteps, pe_for(e, p, &row->key.mac))->ip;
		return true;
	}
	if (!p->one_label) {
		row->set = p->set;
		return true;
	}
	row->vtep = vtep_get(&e->vteps, p->member[0])->ip;
	row->label_vni = p->one_label == evi->vni ? 0 : p->one_label;
	return true;
}

/* ---- walks ------------------------------------------------------------------------------------------------------- */

static void walk(struct timerq_node *n, struct mtime now)
{
	struct segment_table *t = container_of(n, struct segment_table, walk);
	struct evpn *e = t->e;

	for (unsigned i = 0; i < WALK_SLICE; i++) {
		t->walk_at = slab_next(&e->macs.slab, t->walk_at);
		if (!t->walk_at && !t->walk_again)
			return;
		if (!t->walk_at)
			t->walk_again = false;
		else
			mac_segment_changed(e, t->walk_at);
	}
	timerq_arm(&e->timers, &t->walk, mtime_add_us(now, 1)); /* others have a turn before */
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

void segment_table_init(struct evpn *e)
{
	struct segment_table *t = &e->segments;

	*t = (struct segment_table){ .e = e, .walk.fn = walk };
	slab_init(&t->slab, sizeof(struct segment));
	slab_init(&t->esis, sizeof(struct esi));
	slab_init(&t->paths, sizeof(struct segment_path));
	slab_init(&t->numbers, sizeof(uint32_t));
	htab_init(&t->index, &segment_ops, t);
	htab_init(&t->esi_index, &esi_ops, t);
	htab_init(&t->path_index, &path_ops, t);
}

void segment_table_fini(struct evpn *e)
{
	struct segment_table *t = &e->segments;

	timerq_stop(&e->timers, &t->walk);
	htab_fini(&t->index);
	htab_fini(&t->esi_index);
	htab_fini(&t->path_index);
	slab_fini(&t->slab);
	slab_fini(&t->esis);
	slab_fini(&t->paths);
	slab_fini(&t->numbers);
}

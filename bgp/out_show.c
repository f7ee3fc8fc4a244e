/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What is due to a peer, what it holds, and what that takes. Nothing of it is counted a peer: it follows from
 * the place of the peer in the list of its group, so one that is asked about costs nobody else anything.
 */
#include "bgp/out_filter.h"
#include "bgp/out_int.h"

static uint32_t marker_pending(const struct out_marker *m)
{
	uint32_t changes = m->group->seq - m->main.pos->seq;

	if (!out_cursor_due(m->group, &m->main))
		return 0;
	return changes < m->group->n_entries ? changes : m->group->n_entries;
}

static uint32_t marker_held(const struct out_marker *m)
{
	uint32_t own = m->peer->index < m->group->n_own ? m->group->own[m->peer->index] : 0;
	uint32_t not_held = own + marker_pending(m);

	return m->group->n_live > not_held ? m->group->n_live - not_held : 0;
}

void out_family_info(const struct rib *r, const struct rib_peer *p, struct bgp_family_info *i)
{
	const struct out_marker *m = out_marker_of(r, p, i->family);

	if (!m)
		return;
	i->prefixes_sent = marker_held(m);
	i->pending = marker_pending(m);
	i->group = m->group->id;
	i->eor_sent = m->eor_sent;
}

/* The route that says this path to a group of that family. */
static uint32_t find_advertised(const struct rib *r, uint32_t family, const struct bgp_path_info *p)
{
	if (rib_is_view(r, family))
		return rib_view_find(r, family, p->key, p->key_len, p->path_id_sent);
	return p->best ? rib_find(r, family, p->key, p->key_len) : 0;
}

bool rib_advertised_to(const struct rib *r, const struct bgp_path_info *p, const struct rib_peer *to)
{
	const struct out_marker *m = out_marker_of(r, to, p->family);
	uint32_t h = m ? find_advertised(r, m->group->family, p) : 0;
	const struct out_entry *e = h ? out_entry(m->group, h) : NULL;

	return e && e->live && e->last <= m->main.pos->seq && out_source(m->group, rib_route(r, h)) != to->index;
}

static void add_group(const struct out_group *g, struct bgp_memory *m)
{
	m->groups++;
	m->out_entries += g->n_entries;
	m->out_cache_bytes += out_cache_bytes(g);
	m->repeats += g->cache.repeats;
	m->out_bytes += sizeof(*g) + g->n_own * sizeof(*g->own) + g->block_bytes + slab_bytes(&g->positions) +
			out_cache_bytes(g) + g->n_markers * sizeof(struct out_marker);
	for (uint32_t c = 0; c < RIB_CLASSES; c++)
		m->out_bytes += g->classes[c].n * (sizeof(struct out_entry *) + sizeof(uint32_t));
}

static void add_groups(const struct list *groups, struct bgp_memory *m)
{
	const struct out_group *g;

	list_for_each(g, groups, in_family)
		add_group(g, m);
}

void out_memory(const struct rib *r, struct bgp_memory *m)
{
	m->out_bytes += out_filter_bytes(r);
	for (uint32_t f = 0; f < r->n_families; f++) {
		add_groups(&r->families[f].groups, m);
		add_groups(&r->families[f].filtered, m);
	}
}

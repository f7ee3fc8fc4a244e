/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/lib/outbound.h"

#include "bgp/out_int.h"
#include "bgp/rib_int.h"
#include "tests/lib/test.h"

size_t outbound_pull(struct rib *rib, struct rib_peer *p, size_t cap, void (*take)(void *ctx, struct upd *u), void *ctx)
{
	static uint8_t space[1 << 17];
	uint64_t messages = 0;
	size_t n = out_pull(rib, p, space, cap, &messages);
	struct rbuf r = rb_init(space, n);
	struct upd u;

	assert_true(n <= cap);
	for (; upd_next(&r, &u); messages--)
		take(ctx, &u);
	assert_int_equal(messages, 0);
	return n;
}

bool outbound_pending(const struct rib_peer *p)
{
	for (const struct out_marker *m = p->marker; m; m = m->next) {
		if (out_cursor_due(m->group, &m->main) || m->refresh.pos || m->end_due ||
		    (!m->eor_sent && m->eor_seq != UINT32_MAX))
			return true;
	}
	return false;
}

struct bgp_family_info outbound_info(const struct rib *rib, const struct rib_peer *p)
{
	struct bgp_family_info all = { 0 };

	for (const struct out_marker *m = p->marker; m; m = m->next) {
		struct bgp_family_info i = { .family = rib->families[m->group->family].family };

		out_family_info(rib, p, &i);
		all.prefixes_sent += i.prefixes_sent;
		all.pending += i.pending;
		all.group = all.group ? all.group : i.group;
	}
	return all;
}

static void check_group(const struct out_group *g)
{
	uint32_t entries = 0, live = 0, last = 0, seq = 0, h;
	const struct list *order = &g->order;

	for (h = g->ends.next; h;) {
		const struct out_entry *e;

		if (out_is_pos(h)) {
			const struct out_pos *p = out_pos(g, h);

			order = order->next;
			assert_ptr_equal(&p->order, order);
			assert_true(p->seq >= seq && p->seq >= last);
			seq = p->seq;
			h = p->link.next;
			continue;
		}
		e = out_entry(g, h);
		assert_non_null(e);
		assert_true(e->last >= last && e->last >= seq && e->first <= e->last);
		last = e->last;
		entries++;
		live += e->live;
		h = e->link.next;
	}
	assert_ptr_equal(order->next, &g->order);
	assert_int_equal(entries, g->n_entries);
	assert_int_equal(live, g->n_live);
	assert_true(last <= g->seq && seq <= g->seq);
}

/* What is kept of messages is still what the list says: out_cache.c. */
static void check_stretch(const struct out_group *g, const struct out_stretch *s)
{
	uint32_t h = s->first, set = rib_route(g->rib, h)->set, n = 1;

	assert_int_equal(out_entry(g, h)->last, s->from);
	for (;; n++) {
		assert_false(out_is_pos(h));
		assert_true(out_entry(g, h)->live);
		assert_int_equal(rib_route(g->rib, h)->set, set);
		assert_int_equal(rib_route(g->rib, h)->peer, s->source);
		if (h == s->last)
			break;
		h = out_entry(g, h)->link.next;
		assert_true(h);
	}
	assert_int_equal(n, s->nlris);
	assert_int_equal(out_entry(g, h)->last, s->to);
	assert_true(g->cache.from <= s->from && s->from <= s->to && s->to <= g->cache.to);
}

static void check_cache(const struct out_group *g)
{
	for (uint32_t i = 0; i < g->cache.n; i++) {
		const struct out_stretch *s = &g->cache.stretches[(g->cache.oldest + i) % OUT_STRETCHES];

		if (s->first)
			check_stretch(g, s);
	}
}

static uint64_t check_family(const struct list *groups)
{
	uint64_t repeats = 0;
	struct out_group *g;

	list_for_each(g, groups, in_family) {
		check_group(g);
		check_cache(g);
		repeats = g->cache.repeats > repeats ? g->cache.repeats : repeats;
	}
	return repeats;
}

uint64_t outbound_check_lists(struct rib *rib)
{
	uint64_t most = 0;

	for (uint32_t f = 0; f < rib->n_families; f++) {
		uint64_t all = check_family(&rib->families[f].groups), some = check_family(&rib->families[f].filtered);

		most = all > most ? all : most;
		most = some > most ? some : most;
	}
	return most;
}

void outbound_check_empty(struct rib *rib)
{
	struct bgp_memory m;

	rib_memory(rib, &m);
	assert_int_equal(m.keys, 0);
	assert_int_equal(m.paths, 0);
	assert_int_equal(m.sets, 0);
	assert_int_equal(rib->alts.used, 0);
	assert_int_equal(rib->index.n, 0);
	for (uint32_t c = 0; c < RIB_CLASSES; c++)
		assert_int_equal(rib->routes[c].used, 0);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Sets of VTEPs as destinations: which members are wanted, have been handed to the backend and are there. A set is a
 * row like any destination's: one whose members are to be others is put once more, and the rows that go there are none
 * the wiser.
 *
 * After a restart a set is there, found, without the number by which evpn calls it. The rows
 * know: the first one that is wished to a set and seen to go to one that was found says that they
 * are the same. So neither rows nor, where the members are as before, the set are written again.
 */
#include "dataplane/reconcile.h"

#include <stdlib.h>
#include <string.h>

static struct set *set_of(const struct rec *c, uint32_t h)
{
	return row_dest(&c->rows, h)->set;
}

/* What was in to is let go of after the new ones are held. */
static void assign(struct rec *c, struct dp_set *to, const struct dp_set *from, bool wish)
{
	struct dp_set old = *to;

	for (uint32_t i = 0; i < from->n; i++) {
		if (wish)
			rec_dest_want(c, from->dest[i]);
		rec_dest_ref(c, from->dest[i]);
	}
	*to = *from;
	for (uint32_t i = 0; i < old.n; i++) {
		if (wish)
			rec_dest_unwant(c, old.dest[i]);
		rec_dest_unref(c, old.dest[i]);
	}
}

static void clear(struct rec *c, struct dp_set *s, bool wish)
{
	static const struct dp_set none;

	assign(c, s, &none, wish);
}

static bool same(const struct dp_set *a, const struct dp_set *b)
{
	return a->n == b->n && !memcmp(a->dest, b->dest, a->n * sizeof(a->dest[0]));
}

bool rec_set_differs(const struct dest_row *d)
{
	return d->set && !same(&d->set->want, &d->set->have);
}

/* ---- wishes ------------------------------------------------------------------------------------------------------ */

static void sort(const struct rec *c, struct dp_set *s)
{
	for (uint32_t i = 1; i < s->n; i++) {
		uint32_t h = s->dest[i], k = i;

		for (; k && ip_cmp(&row_dest(&c->rows, s->dest[k - 1])->d.vtep, &row_dest(&c->rows, h)->d.vtep) > 0;
		     k--)
			s->dest[k] = s->dest[k - 1];
		s->dest[k] = h;
	}
}

static void reserve(struct rec *c, uint32_t number)
{
	uint32_t n = c->n_sets ? c->n_sets : 16;

	while (n <= number)
		n *= 2;
	if (n == c->n_sets)
		return;
	c->sets = xrealloc(c->sets, n * sizeof(*c->sets));
	memset(c->sets + c->n_sets, 0, (n - c->n_sets) * sizeof(*c->sets));
	c->n_sets = n;
}

void rec_set_put(struct rec *c, uint32_t number, const struct ip *vteps, unsigned n)
{
	struct dp_set s = { .n = n };
	uint32_t h;

	BUG_ON(!number || !n || n > DP_SET_MAX);
	reserve(c, number);
	h = c->sets[number];
	if (!h) {
		h = c->sets[number] = rows_set_add(&c->rows);
		set_of(c, h)->number = number;
	}
	for (unsigned i = 0; i < n; i++)
		s.dest[i] = rec_dest_intern(c, &vteps[i], 0);
	sort(c, &s);
	if (same(&s, &set_of(c, h)->want))
		return;
	assign(c, &set_of(c, h)->want, &s, true);
	rec_forgive(c, h);
	rec_settle(c, h);
}

void rec_set_del(struct rec *c, uint32_t number)
{
	uint32_t h = number < c->n_sets ? c->sets[number] : 0;

	if (!h)
		return;
	c->sets[number] = 0;
	set_of(c, h)->number = 0;
	rec_settle(c, h);
}

/* The found one takes the place of the new one, which nothing goes to yet. */
static void claim(struct rec *c, uint32_t found, uint32_t fresh)
{
	struct set *to = set_of(c, found), *from = set_of(c, fresh);

	to->number = from->number;
	c->sets[to->number] = found;
	from->number = 0;
	assign(c, &to->want, &from->want, true);
	row_at(&c->rows, found)->keep = false;
	rec_settle(c, fresh);
	rec_settle(c, found);
}

/* One of an earlier run with these members; 0: none. */
static uint32_t alike(const struct rec *c, const struct set *s)
{
	for (uint32_t h = 0; (h = rows_dest_next(&c->rows, h));) {
		const struct set *found = set_of(c, h);

		if (found && !found->want.n && same(&found->have, &s->want))
			return h;
	}
	return 0;
}

uint32_t rec_set_wanted(struct rec *c, uint32_t number, const struct row *r)
{
	uint32_t h = number < c->n_sets ? c->sets[number] : 0, have = r->to.have;

	BUG_ON(!h);
	if (!have && r->unread && !row_dest(&c->rows, h)->refs)
		have = alike(c, set_of(c, h));
	if (have && set_of(c, have) && !set_of(c, have)->want.n && !row_dest(&c->rows, h)->refs) {
		claim(c, have, h);
		return have;
	}
	return h;
}

/* ---- what is there ----------------------------------------------------------------------------------------------- */

uint32_t rec_set_found(struct rec *c, const struct dp_set *s)
{
	struct dp_set sorted = *s;
	uint32_t h = rows_set_add(&c->rows);

	sort(c, &sorted);
	assign(c, &set_of(c, h)->have, &sorted, false);
	assign(c, &set_of(c, h)->put, &sorted, false);
	rec_dest_seen(c, h, true);
	return h;
}

void rec_set_hand_out(struct rec *c, uint32_t h)
{
	assign(c, &set_of(c, h)->put, &set_of(c, h)->want, false);
}

void rec_set_there(struct rec *c, uint32_t h)
{
	assign(c, &set_of(c, h)->have, &set_of(c, h)->put, false);
}

void rec_set_gone(struct rec *c, uint32_t h)
{
	clear(c, &set_of(c, h)->have, false);
	clear(c, &set_of(c, h)->put, false);
}

void rec_set_lose_member(struct rec *c, uint32_t dest)
{
	for (uint32_t h = 0; (h = rows_dest_next(&c->rows, h));) {
		struct dp_set left = { 0 };
		struct set *s = set_of(c, h);

		if (s && row_at(&c->rows, h)->inflight)
			row_at(&c->rows, h)->force = true; /* written before the end or after it */
		for (uint32_t i = 0; s && i < s->have.n; i++) {
			if (s->have.dest[i] != dest)
				left.dest[left.n++] = s->have.dest[i];
		}
		if (!s || left.n == s->have.n)
			continue;
		assign(c, &s->have, &left, false);
		rec_settle(c, h);
	}
}

void rec_set_release(struct rec *c, uint32_t h)
{
	clear(c, &set_of(c, h)->want, true);
	rec_set_gone(c, h);
}

void rec_sets_fini(struct rec *c)
{
	free(c->sets);
}

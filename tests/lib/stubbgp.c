/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See stubbgp.h. Arrays that are searched from end to end. */
#include "tests/lib/stubbgp.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "evpn/ec.h"
#include "evpn/nlri.h"
#include "include/evpn.h"

/* A test of the real engine finds this object in the same archive: then the engine's functions win. */
#pragma weak bgp_originate
#pragma weak bgp_withdraw
#pragma weak bgp_set_mark
#pragma weak bgp_set_set_mark
#pragma weak bgp_did
#pragma weak bgp_rib_next
#pragma weak bgp_rt_want
#pragma weak bgp_rt_unwant
#pragma weak bgp_peer_params

struct set {
	uint32_t refs, mark;
	struct bgp_attrs attrs;
	uint8_t bytes[1024]; /* what attrs points at */
};

struct path {
	uint8_t key[BGP_KEY_MAX];
	size_t key_len;
	unsigned from; /* 0: ours */
	uint32_t set;
};

struct bgp {
	const struct bgp_listener *l;
	struct set **sets; /* by handle - 1 */
	size_t n_sets;
	struct path *paths; /* sorted by key */
	size_t n, cap;
	struct buf log;
	uint64_t mark_reads, mark_writes, did;
	uint8_t (*wanted)[8]; /* route targets, each as often as it is asked for */
	size_t n_wanted;
};

struct bgp *stubbgp_new(const struct bgp_listener *l)
{
	struct bgp *b = xcalloc(1, sizeof(*b));

	b->l = l;
	buf_init(&b->log);
	return b;
}

/* ---- sets -------------------------------------------------------------------------------------------------------- */

static const uint8_t *copy(struct set *s, size_t *used, const uint8_t *from, size_t len)
{
	uint8_t *to = s->bytes + *used;

	if (!len)
		return NULL;
	BUG_ON(*used + len > sizeof(s->bytes));
	memcpy(to, from, len);
	*used += len;
	return to;
}

static bool equal(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return a_len == b_len && (!a_len || !memcmp(a, b, a_len));
}

static bool attrs_equal(const struct bgp_attrs *a, const struct bgp_attrs *b)
{
	return ip_eq(&a->next_hop, &b->next_hop) && a->has_local_pref == b->has_local_pref &&
	       equal(a->pmsi, a->pmsi_len, b->pmsi, b->pmsi_len) &&
	       equal(a->shared, a->shared_len, b->shared, b->shared_len) &&
	       equal(a->communities, a->communities_len, b->communities, b->communities_len) &&
	       equal(a->ext_communities, a->ext_communities_len, b->ext_communities, b->ext_communities_len);
}

static struct set *set_get(const struct bgp *b, uint32_t h)
{
	return b->sets[h - 1];
}

static uint32_t set_intern(struct bgp *b, const struct bgp_attrs *a, const struct bgp_nlri *n)
{
	struct bgp_attrs want = *a;
	struct set *s;
	size_t used = 0;

	want.shared = n->shared;
	want.shared_len = n->shared_len;
	for (uint32_t h = 1; h <= b->n_sets; h++) {
		if (set_get(b, h) && attrs_equal(&set_get(b, h)->attrs, &want)) {
			set_get(b, h)->refs++;
			return h;
		}
	}
	s = xcalloc(1, sizeof(*s));
	s->refs = 1;
	s->attrs = want;
	s->attrs.shared = copy(s, &used, want.shared, want.shared_len);
	s->attrs.communities = copy(s, &used, want.communities, want.communities_len);
	s->attrs.pmsi = copy(s, &used, want.pmsi, want.pmsi_len);
	s->attrs.ext_communities = copy(s, &used, want.ext_communities, want.ext_communities_len);
	b->sets = xrealloc(b->sets, (b->n_sets + 1) * sizeof(struct set *));
	b->sets[b->n_sets++] = s;
	return (uint32_t)b->n_sets;
}

static void set_unref(struct bgp *b, uint32_t h)
{
	struct set *s = set_get(b, h);

	if (--s->refs)
		return;
	if (s->mark)
		b->l->set_gone(b->l->ctx, h, s->mark);
	free(s);
	b->sets[h - 1] = NULL;
}

uint32_t bgp_set_mark(const struct bgp *b, uint32_t set)
{
	((struct bgp *)(uintptr_t)b)->mark_reads++;
	return set_get(b, set)->mark;
}

void bgp_set_set_mark(struct bgp *b, uint32_t set, uint32_t mark)
{
	b->mark_writes++;
	set_get(b, set)->mark = mark;
}

void bgp_did(struct bgp *b, uint32_t rows)
{
	b->did += rows;
}

uint64_t stubbgp_did(const struct bgp *b)
{
	return b->did;
}

/* ---- paths ------------------------------------------------------------------------------------------------------- */

static int key_cmp(const struct path *p, const uint8_t *key, size_t key_len)
{
	size_t n = p->key_len < key_len ? p->key_len : key_len;
	int d = memcmp(p->key, key, n);

	return d ? d : (int)p->key_len - (int)key_len;
}

static size_t position(const struct bgp *b, const uint8_t *key, size_t key_len)
{
	return array_first(i, b->n, key_cmp(&b->paths[i], key, key_len) >= 0);
}

/* The best path of a key, NULL without: the family's steps, then ours, then the lowest source. */
static struct path *best(const struct bgp *b, const uint8_t *key, size_t key_len)
{
	struct path *out = NULL;

	for (size_t i = position(b, key, key_len); i < b->n && !key_cmp(&b->paths[i], key, key_len); i++) {
		struct path *p = &b->paths[i];
		int d = !out ? 1 :
			       evpn_family.prefer(&set_get(b, p->set)->attrs, !p->from, &set_get(b, out->set)->attrs,
						  !out->from, key, key_len);

		if (d > 0 || (d == 0 && p->from < out->from))
			out = p;
	}
	return out;
}

static struct bgp_route_ref ref_of(const struct bgp *b, const uint8_t *key, size_t key_len, uint32_t set)
{
	return (struct bgp_route_ref){ .key = key, .key_len = key_len, .attrs = &set_get(b, set)->attrs, .set = set };
}

static struct path *path_find(const struct bgp *b, unsigned from, const uint8_t *key, size_t key_len)
{
	for (size_t i = position(b, key, key_len); i < b->n && !key_cmp(&b->paths[i], key, key_len); i++)
		if (b->paths[i].from == from)
			return &b->paths[i];
	return NULL;
}

/* set 0: no path of this source any more. Takes over the reference to set. */
static void change(struct bgp *b, unsigned from, const uint8_t *key_, size_t key_len, uint32_t set)
{
	uint8_t key[BGP_KEY_MAX];
	uint32_t was, is, old = 0;
	struct path *p;

	memcpy(key, key_, key_len);
	p = best(b, key, key_len);
	was = p ? p->set : 0;
	p = path_find(b, from, key, key_len);
	if (p && set) {
		old = p->set;
		p->set = set;
	} else if (p) {
		old = p->set;
		b->n--;
		memmove(p, p + 1, (size_t)(b->paths + b->n - p) * sizeof(*p));
	} else if (set) {
		size_t i = position(b, key, key_len);

		array_room(b->paths, b->n, b->cap, 64);
		memmove(b->paths + i + 1, b->paths + i, (b->n - i) * sizeof(*b->paths));
		b->n++;
		b->paths[i] = (struct path){ .key_len = key_len, .from = from, .set = set };
		memcpy(b->paths[i].key, key, key_len);
	}
	p = best(b, key, key_len);
	is = p ? p->set : 0;
	if (was != is) {
		struct bgp_route_ref o, n;

		if (was) { /* lent for the call, in which the listener may withdraw its own path */
			set_get(b, was)->refs++;
			o = ref_of(b, key, key_len, was);
		}
		if (is) {
			set_get(b, is)->refs++;
			n = ref_of(b, key, key_len, is);
		}
		b->l->best_changed(b->l->ctx, was ? &o : NULL, is ? &n : NULL);
		if (was)
			set_unref(b, was);
		if (is)
			set_unref(b, is);
	}
	if (old)
		set_unref(b, old);
}

void stubbgp_announce(struct bgp *b, unsigned from, const struct bgp_nlri *nlri, const struct bgp_attrs *a)
{
	change(b, from, nlri->key, nlri->key_len, set_intern(b, a, nlri));
}

void stubbgp_withdraw(struct bgp *b, unsigned from, const struct bgp_nlri *nlri)
{
	change(b, from, nlri->key, nlri->key_len, 0);
}

bool bgp_rib_next(const struct bgp *b, struct bgp_rib_cursor *c, struct bgp_path_info *out)
{
	const struct path *p;

	if (c->handle >= b->n)
		return false;
	p = &b->paths[c->handle++];
	*out = (struct bgp_path_info){ .family = &evpn_family,
				       .key = p->key,
				       .key_len = p->key_len,
				       .attrs = &set_get(b, p->set)->attrs,
				       .set = p->set,
				       .best = best(b, p->key, p->key_len) == p };
	return true;
}

/* ---- ours -------------------------------------------------------------------------------------------------------- */

static void end_text(const struct evpn_nlri *n, struct buf *out)
{
	if (n->tag)
		buf_printf(out, " tag %u", n->tag);
	buf_adds(out, "\n");
}

static void path_text(const uint8_t *key, size_t key_len, const struct bgp_attrs *a, struct buf *out)
{
	struct evpn_nlri n;
	struct evpn_ec ec;
	struct evpn_pmsi pmsi = { 0 };

	BUG_ON(!evpn_nlri_parse(key, key_len, a->shared, a->shared_len, &n));
	evpn_ec_read(a, &ec);
	if (n.type == EVPN_IMET) {
		BUG_ON(!evpn_pmsi_read(a->pmsi, a->pmsi_len, &pmsi));
		buf_printf(out, "%u imet %s%s", pmsi.label, pmsi.group.len ? "group " : "",
			   ip_str(pmsi.group.len ? &pmsi.group : &pmsi.endpoint).s);
		end_text(&n, out);
		return;
	}
	buf_printf(out, "%u mac %s", n.label, mac_str(&n.mac).s);
	if (n.ip.len)
		buf_printf(out, " %s", ip_str(&n.ip).s);
	if (ec.sequence)
		buf_printf(out, " seq %u", ec.sequence);
	buf_adds(out, ec.sticky ? " sticky" : "");
	buf_adds(out, ec.nd_flags & EVPN_ND_ROUTER ? " router" : "");
	buf_adds(out, ec.nd_flags & EVPN_ND_IMMUTABLE ? " immutable" : "");
	end_text(&n, out);
}

void bgp_originate(struct bgp *b, const struct bgp_family *f, const struct bgp_nlri *nlri,
		   const struct bgp_attrs *attrs, struct mtime now)
{
	uint32_t set = set_intern(b, attrs, nlri);

	buf_adds(&b->log, "+");
	path_text(nlri->key, nlri->key_len, &set_get(b, set)->attrs, &b->log);
	change(b, 0, nlri->key, nlri->key_len, set);
}

void bgp_withdraw(struct bgp *b, const struct bgp_family *f, const uint8_t *key, size_t key_len, struct mtime now)
{
	const struct path *p = path_find(b, 0, key, key_len);

	if (!p)
		return;
	buf_adds(&b->log, "-");
	path_text(key, key_len, &set_get(b, p->set)->attrs, &b->log);
	change(b, 0, key, key_len, 0);
}

/* ---- what is asked for ------------------------------------------------------------------------------------------- */

/* Its sources are no peers. */
const struct bgp_peer_params *bgp_peer_params(const struct bgp_peer *peer)
{
	BUG("asked for the parameters of %p", (const void *)peer);
}

void bgp_rt_want(struct bgp *b, const uint8_t rt[8], struct mtime now)
{
	size_t i = b->n_wanted++;

	b->wanted = xrealloc(b->wanted, b->n_wanted * sizeof(*b->wanted));
	for (; i && memcmp(b->wanted[i - 1], rt, 8) > 0; i--)
		memcpy(b->wanted[i], b->wanted[i - 1], 8);
	memcpy(b->wanted[i], rt, 8);
}

void bgp_rt_unwant(struct bgp *b, const uint8_t rt[8], struct mtime now)
{
	size_t i = 0;

	while (i < b->n_wanted && memcmp(b->wanted[i], rt, 8))
		i++;
	BUG_ON(i == b->n_wanted);
	b->n_wanted--;
	memmove(b->wanted + i, b->wanted + i + 1, (b->n_wanted - i) * sizeof(*b->wanted));
}

void stubbgp_wanted(const struct bgp *b, struct buf *out)
{
	struct evpn_str text;

	for (size_t i = 0; i < b->n_wanted; i++) {
		if (i && !memcmp(b->wanted[i], b->wanted[i - 1], 8))
			continue;
		BUG_ON(!evpn_rt_str(b->wanted[i], &text));
		buf_adds(out, out->len ? " " : "");
		buf_adds(out, text.s);
	}
	buf_add(out, "", 1);
}

/* ---- what is ours ------------------------------------------------------------------------------------------------ */

static int line_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void stubbgp_ours(const struct bgp *b, struct buf *out)
{
	char **lines = xcalloc(b->n, sizeof(*lines));
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct path *p = &b->paths[i];
		struct buf line;

		if (p->from)
			continue;
		buf_init(&line);
		path_text(p->key, p->key_len, &set_get(b, p->set)->attrs, &line);
		buf_add(&line, "", 1);
		lines[n++] = xstrdup(buf_data(&line));
		buf_fini(&line);
	}
	qsort(lines, n, sizeof(*lines), line_cmp);
	for (size_t i = 0; i < n; i++) {
		buf_adds(out, lines[i]);
		free(lines[i]);
	}
	free(lines);
}

const struct bgp_attrs *stubbgp_our_attrs(const struct bgp *b, const struct bgp_nlri *nlri)
{
	const struct path *p = path_find(b, 0, nlri->key, nlri->key_len);

	return p ? &set_get(b, p->set)->attrs : NULL;
}

void stubbgp_log(struct bgp *b, struct buf *out)
{
	buf_add(out, buf_data(&b->log), b->log.len);
	buf_reset(&b->log);
}

size_t stubbgp_sets(const struct bgp *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_sets; i++)
		n += b->sets[i] != NULL;
	return n;
}

uint64_t stubbgp_mark_reads(const struct bgp *b)
{
	return b->mark_reads;
}

uint64_t stubbgp_mark_writes(const struct bgp *b)
{
	return b->mark_writes;
}

void stubbgp_free(struct bgp *b)
{
	for (size_t i = 0; i < b->n; i++)
		set_unref(b, b->paths[i].set);
	free(b->paths);
	free(b->sets);
	free(b->wanted);
	buf_fini(&b->log);
	free(b);
}

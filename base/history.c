/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * See history.h. A ring is a row of octets with records one after the other:
 *
 *   | head: size, kind, ..., parts, id, time | what parts says, in its order | padding to 8 |
 *
 * No record goes over the end: what is left there is a record of no kind. Positions count all octets ever written, so a
 * reader that was overtaken is told from one that was not.
 */
#include "base/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define ALIGN 8u
#define FILLER 0xff /* in place of a kind */

/* Octets, powers of two; a storm costs those that are in its ring. */
static const uint32_t capacity[HISTORY_RINGS] = {
	[HISTORY_SESSIONS] = 256u << 10, [HISTORY_ATTEMPTS] = 64u << 10, [HISTORY_HOSTS] = 1u << 20,
	[HISTORY_MOVES] = 256u << 10,	 [HISTORY_ROWS] = 256u << 10,	 [HISTORY_DAEMON] = 64u << 10,
	[HISTORY_ROUTES] = 256u << 10,
};

enum part { /* in a record in the order of put_parts() */
	PART_VNI = 1,
	PART_MAC = 2,
	PART_IFINDEX = 4,
	PART_SEQUENCE = 8,
	PART_COUNT = 16,
	PART_IP = 32,
	PART_VTEP = 64,
	PART_FROM = 128,
	PART_NEIGHBOR = 256,
	PART_REASON = 512,
	PART_TABLE = 1024,
	PART_TEXT = 2048,
	PART_KEY = 4096,
	PART_MAC_WAS = 8192
};

struct head {
	uint16_t size; /* of the record, a multiple of ALIGN; in what is left at the end only this and the kind have room */
	uint8_t kind, what, was;
	uint8_t spare;
	uint16_t parts;
	uint64_t id;
	int64_t at;
};

/* The fixed parts; four addresses, text and key with their lengths. */
#define RECORD_MAX (sizeof(struct head) + 4 * 4 + 2 * 6 + 4 * 17 + 2 * sizeof(char *) + 1 + HISTORY_TEXT_MAX + 1 + 255 + ALIGN)

static const char *const kind_names[HISTORY_KINDS] = {
	[HISTORY_NEIGHBOR] = "neighbor", [HISTORY_MAC] = "mac",	      [HISTORY_IP] = "ip",	   [HISTORY_VTEP] = "vtep",
	[HISTORY_ROW] = "row",		 [HISTORY_DEVICE] = "device", [HISTORY_SYSTEM] = "system", [HISTORY_ROUTE] = "route",
};

const char *history_kind_name(enum history_kind k)
{
	return kind_names[k];
}

bool history_kind_parse(const char *s, enum history_kind *out)
{
	for (enum history_kind k = 0; k < HISTORY_KINDS; k++) {
		if (!strcmp(s, kind_names[k])) {
			*out = k;
			return true;
		}
	}
	return false;
}

const char *history_what_name(enum history_what w)
{
	static const char *const names[HISTORY_WHATS] = {
		[HISTORY_IDLE] = "Idle",
		[HISTORY_CONNECT] = "Connect",
		[HISTORY_ACTIVE] = "Active",
		[HISTORY_OPENSENT] = "OpenSent",
		[HISTORY_OPENCONFIRM] = "OpenConfirm",
		[HISTORY_ESTABLISHED] = "Established",
		[HISTORY_KEPT] = "kept",
		[HISTORY_PURGED] = "purged",
		[HISTORY_LOCAL] = "local",
		[HISTORY_REMOTE] = "remote",
		[HISTORY_CONFLICT] = "conflict",
		[HISTORY_DUPLICATE] = "duplicate",
		[HISTORY_LIMITED] = "limited",
		[HISTORY_WAITING] = "waiting",
		[HISTORY_REFUSED] = "refused",
		[HISTORY_GONE] = "gone",
		[HISTORY_DELETED] = "deleted",
		[HISTORY_ALTERED] = "altered",
		[HISTORY_RESTORED] = "restored",
		[HISTORY_PLACED] = "placed",
		[HISTORY_MADE] = "made",
		[HISTORY_READY] = "ready",
		[HISTORY_UNREADY] = "not-ready",
		[HISTORY_OVERRUN] = "overrun",
		[HISTORY_ADDED] = "added",
		[HISTORY_CHANGED] = "changed",
		[HISTORY_REMOVED] = "removed",
		[HISTORY_STARTED] = "started",
		[HISTORY_RELOADED] = "reloaded",
	};

	return names[w];
}

void history_init(struct history *h)
{
	*h = (struct history){ 0 };
	list_init(&h->watches);
}

void history_fini(struct history *h)
{
	for (unsigned i = 0; i < HISTORY_RINGS; i++)
		free(h->rings[i].data);
	history_init(h);
}

void history_set_now(struct history *h, struct mtime now)
{
	h->now = now;
}

/* ---- packing ------------------------------------------------------------------------------------------------------ */

static uint8_t *put(uint8_t *p, const void *v, size_t n)
{
	memcpy(p, v, n);
	return p + n;
}

/* With its length before it. */
static uint8_t *put_sized(uint8_t *p, const void *v, uint8_t n)
{
	*p = n;
	return put(p + 1, v, n);
}

static uint8_t *put_ip(uint8_t *p, const struct ip *ip)
{
	*p = ip->len;
	if (ip->len == 4) /* most are, and a length that is known is a move */
		return put(p + 1, ip->b, 4);
	return put(p + 1, ip->b, ip->len);
}

/* Packs what applies behind the head, whose parts it sets; its end. */
static uint8_t *put_parts(struct head *head, const struct history_event *e)
{
	uint8_t *p = (uint8_t *)(head + 1);
	unsigned parts = 0;

#define PUT(part, applies, put_it)                                                                                     \
	if (applies) {                                                                                                 \
		parts |= (part);                                                                                       \
		p = put_it;                                                                                            \
	}
	PUT(PART_VNI, e->vni, put(p, &e->vni, sizeof(e->vni)))
	PUT(PART_MAC, !mac_is_zero(&e->mac), put(p, &e->mac, sizeof(e->mac)))
	PUT(PART_MAC_WAS, !mac_is_zero(&e->mac_was), put(p, &e->mac_was, sizeof(e->mac_was)))
	PUT(PART_IFINDEX, e->ifindex, put(p, &e->ifindex, sizeof(e->ifindex)))
	PUT(PART_SEQUENCE, e->sequence, put(p, &e->sequence, sizeof(e->sequence)))
	PUT(PART_COUNT, e->count, put(p, &e->count, sizeof(e->count)))
	PUT(PART_IP, e->ip.len, put_ip(p, &e->ip))
	PUT(PART_VTEP, e->vtep.len, put_ip(p, &e->vtep))
	PUT(PART_FROM, e->from.len, put_ip(p, &e->from))
	PUT(PART_NEIGHBOR, e->neighbor.len, put_ip(p, &e->neighbor))
	PUT(PART_REASON, e->reason, put(p, &e->reason, sizeof(e->reason)))
	PUT(PART_TABLE, e->table, put(p, &e->table, sizeof(e->table)))
	PUT(PART_TEXT, e->text, put_sized(p, e->text, (uint8_t)strnlen(e->text, HISTORY_TEXT_MAX)))
	PUT(PART_KEY, e->key_len, put_sized(p, e->key, e->key_len))
#undef PUT
	head->parts = (uint16_t)parts;
	return p;
}

static const uint8_t *take(const uint8_t *p, void *v, size_t n)
{
	memcpy(v, p, n);
	return p + n;
}

static const uint8_t *take_ip(const uint8_t *p, struct ip *ip)
{
	*ip = ip_from_bytes(p + 1, *p);
	return p + 1 + *p;
}

static void take_parts(const uint8_t *p, unsigned parts, struct history_reader *r, struct history_event *e)
{
	if (parts & PART_VNI)
		p = take(p, &e->vni, sizeof(e->vni));
	if (parts & PART_MAC)
		p = take(p, &e->mac, sizeof(e->mac));
	if (parts & PART_MAC_WAS)
		p = take(p, &e->mac_was, sizeof(e->mac_was));
	if (parts & PART_IFINDEX)
		p = take(p, &e->ifindex, sizeof(e->ifindex));
	if (parts & PART_SEQUENCE)
		p = take(p, &e->sequence, sizeof(e->sequence));
	if (parts & PART_COUNT)
		p = take(p, &e->count, sizeof(e->count));
	if (parts & PART_IP)
		p = take_ip(p, &e->ip);
	if (parts & PART_VTEP)
		p = take_ip(p, &e->vtep);
	if (parts & PART_FROM)
		p = take_ip(p, &e->from);
	if (parts & PART_NEIGHBOR)
		p = take_ip(p, &e->neighbor);
	if (parts & PART_REASON)
		p = take(p, &e->reason, sizeof(e->reason));
	if (parts & PART_TABLE)
		p = take(p, &e->table, sizeof(e->table));
	if (parts & PART_TEXT) {
		memcpy(r->text, p + 1, *p);
		r->text[*p] = '\0';
		e->text = r->text;
		p += 1 + *p;
	}
	if (parts & PART_KEY) {
		e->key_len = *p;
		e->key = memcpy(r->key, p + 1, *p);
	}
}

/* ---- rings -------------------------------------------------------------------------------------------------------- */

static struct head *record_at(const struct history_one *o, enum history_ring ring, uint64_t at)
{
	return (struct head *)(void *)(o->data + (at & (capacity[ring] - 1)));
}

static void push_out(struct history_one *o, enum history_ring ring)
{
	const struct head *r = record_at(o, ring, o->tail);

	o->first += r->kind != FILLER;
	o->tail += r->size;
}

/* Room for the longest record on end, at o->head. */
static void make_room(struct history_one *o, enum history_ring ring)
{
	uint32_t cap = capacity[ring], left = cap - (uint32_t)(o->head & (cap - 1));
	uint32_t fill = left < RECORD_MAX ? left : 0;

	while (o->head + fill + RECORD_MAX - o->tail > cap)
		push_out(o, ring);
	if (!fill)
		return;
	record_at(o, ring, o->head)->size = (uint16_t)fill;
	record_at(o, ring, o->head)->kind = FILLER;
	o->head += fill;
}

static void wake(struct history *h, enum history_ring ring)
{
	struct history_watch *w;

	list_for_each(w, &h->watches, node)
		if (w->rings & HISTORY_BIT(ring))
			w->wake(w);
}

void history_add(struct history *h, enum history_ring ring, const struct history_event *e)
{
	struct history_one *o;
	struct head *r;
	size_t n;

	if (!h)
		return;
	o = &h->rings[ring];
	if (!o->data)
		o->data = xcalloc(1, capacity[ring]);
	make_room(o, ring);
	r = record_at(o, ring, o->head);
	*r = (struct head){ .kind = e->kind, .what = e->what, .was = e->was, .id = ++h->ids, .at = h->now.us };
	n = (size_t)(put_parts(r, e) - (uint8_t *)r);
	r->size = (uint16_t)((n + ALIGN - 1) & ~(size_t)(ALIGN - 1));
	o->head += r->size;
	o->next++;
	if (o->watched)
		wake(h, ring);
}

/* ---- readers ------------------------------------------------------------------------------------------------------ */

void history_read_all(const struct history *h, struct history_reader *r, uint32_t rings)
{
	*r = (struct history_reader){ .rings = rings };
	for (unsigned i = 0; i < HISTORY_RINGS; i++) {
		r->at[i] = h->rings[i].tail;
		r->no[i] = h->rings[i].first;
	}
}

void history_read_new(const struct history *h, struct history_reader *r, uint32_t rings)
{
	*r = (struct history_reader){ .rings = rings };
	for (unsigned i = 0; i < HISTORY_RINGS; i++) {
		r->at[i] = h->rings[i].head;
		r->no[i] = h->rings[i].next;
	}
}

/* The record where the reader stands in this ring, NULL at its end. */
static const struct head *current(const struct history *h, struct history_reader *r, enum history_ring ring)
{
	const struct history_one *o = &h->rings[ring];
	const struct head *x;

	if (r->at[ring] < o->tail) {
		r->lost += o->first - r->no[ring];
		r->at[ring] = o->tail;
		r->no[ring] = o->first;
	}
	for (; r->at[ring] < o->head; r->at[ring] += x->size) {
		x = record_at(o, ring, r->at[ring]);
		if (x->kind != FILLER)
			return x;
	}
	return NULL;
}

bool history_next(const struct history *h, struct history_reader *r, struct history_event *out)
{
	const struct head *first = NULL;
	enum history_ring of = 0;

	for (enum history_ring i = 0; i < HISTORY_RINGS; i++) {
		const struct head *x = r->rings & HISTORY_BIT(i) ? current(h, r, i) : NULL;

		if (x && (!first || x->id < first->id)) {
			first = x;
			of = i;
		}
	}
	if (!first)
		return false;
	*out = (struct history_event){
		.id = first->id, .at = { first->at }, .kind = first->kind, .what = first->what, .was = first->was
	};
	take_parts((const uint8_t *)(first + 1), first->parts, r, out);
	r->at[of] += first->size;
	r->no[of]++;
	return true;
}

/* ---- who waits ---------------------------------------------------------------------------------------------------- */

static void count_watch(struct history *h, const struct history_watch *w, uint32_t by)
{
	for (unsigned i = 0; i < HISTORY_RINGS; i++)
		if (w->rings & HISTORY_BIT(i))
			h->rings[i].watched += by;
}

void history_watch(struct history *h, struct history_watch *w)
{
	list_add_tail(&h->watches, &w->node);
	count_watch(h, w, 1);
}

void history_unwatch(struct history *h, struct history_watch *w)
{
	list_del(&w->node);
	count_watch(h, w, -1u);
}

size_t history_bytes(const struct history *h, uint64_t *came, uint64_t *lost)
{
	size_t n = 0;

	*came = *lost = 0;
	for (unsigned i = 0; i < HISTORY_RINGS; i++) {
		const struct history_one *o = &h->rings[i];

		n += o->head < capacity[i] ? (size_t)o->head : capacity[i];
		*came += o->next;
		*lost += o->first;
	}
	return n;
}

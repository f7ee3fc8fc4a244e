/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * See history.h; history_pack.h draws a record. No record goes over the end of its ring:
 * what is left there is a record of no kind. Positions count all octets ever written, so
 * a reader that was overtaken is told from one that was not.
 */
#include "base/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/history_pack.h"
#include "base/log.h"

#define FILLER 0xff /* in place of a kind */

/* Octets, powers of two; a storm costs those that are in its ring. */
static const uint32_t capacity[HISTORY_RINGS] = {
	[HISTORY_SESSIONS] = 256u << 10, [HISTORY_ATTEMPTS] = 64u << 10, [HISTORY_HOSTS] = 1u << 20,
	[HISTORY_MOVES] = 256u << 10,	 [HISTORY_ROWS] = 256u << 10,	 [HISTORY_DAEMON] = 64u << 10,
	[HISTORY_ROUTES] = 256u << 10,
};

/* The fixed parts; four addresses, text and key with their lengths. */
#define RECORD_MAX \
	(sizeof(struct history_head) + 4 * 4 + 2 * 6 + 4 * 17 + 2 * sizeof(char *) + 1 + HISTORY_TEXT_MAX + 1 + 255 + \
	 HISTORY_ALIGN)

static const char *const kind_names[HISTORY_KINDS] = {
	[HISTORY_NEIGHBOR] = "neighbor", [HISTORY_MAC] = "mac",     [HISTORY_IP] = "ip",
	[HISTORY_VTEP] = "vtep",         [HISTORY_ROW] = "row",     [HISTORY_DEVICE] = "device",
	[HISTORY_SYSTEM] = "system",     [HISTORY_ROUTE] = "route",
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

/* ---- unpacking --------------------------------------------------------------------------------------------------- */

static const uint8_t *take(const uint8_t *p, void *v, size_t n)
{
	memcpy(v, p, n);
	return p + n;
}

static const uint8_t *take_mac(const uint8_t *p, struct mac *mac, const struct mac **out)
{
	*out = mac;
	return take(p, mac, sizeof(*mac));
}

static const uint8_t *take_ip(const uint8_t *p, struct ip *ip, const struct ip **out)
{
	*ip = ip_from_bytes(p + 1, *p);
	*out = ip;
	return p + 1 + *p;
}

static void take_parts(const uint8_t *p, unsigned parts, struct history_reader *r, struct history_event *e)
{
	if (parts & HISTORY_PART_VNI)
		p = take(p, &e->vni, sizeof(e->vni));
	if (parts & HISTORY_PART_MAC)
		p = take_mac(p, &r->mac, &e->mac);
	if (parts & HISTORY_PART_MAC_WAS)
		p = take_mac(p, &r->mac_was, &e->mac_was);
	if (parts & HISTORY_PART_IFINDEX)
		p = take(p, &e->ifindex, sizeof(e->ifindex));
	if (parts & HISTORY_PART_SEQUENCE)
		p = take(p, &e->sequence, sizeof(e->sequence));
	if (parts & HISTORY_PART_COUNT)
		p = take(p, &e->count, sizeof(e->count));
	if (parts & HISTORY_PART_IP)
		p = take_ip(p, &r->ip, &e->ip);
	if (parts & HISTORY_PART_VTEP)
		p = take_ip(p, &r->vtep, &e->vtep);
	if (parts & HISTORY_PART_FROM)
		p = take_ip(p, &r->from, &e->from);
	if (parts & HISTORY_PART_NEIGHBOR)
		p = take_ip(p, &r->neighbor, &e->neighbor);
	if (parts & HISTORY_PART_REASON)
		p = take(p, &e->reason, sizeof(e->reason));
	if (parts & HISTORY_PART_TABLE)
		p = take(p, &e->table, sizeof(e->table));
	if (parts & HISTORY_PART_TEXT) {
		memcpy(r->text, p + 1, *p);
		r->text[*p] = '\0';
		e->text = r->text;
		p += 1 + *p;
	}
	if (parts & HISTORY_PART_KEY) {
		e->key_len = *p;
		e->key = memcpy(r->key, p + 1, *p);
	}
}

/* ---- rings ------------------------------------------------------------------------------------------------------- */

static struct history_head *record_at(const struct history_one *o, enum history_ring ring, uint64_t at)
{
	return (struct history_head *)(void *)(o->data + (at & (capacity[ring] - 1)));
}

static void push_out(struct history_one *o, enum history_ring ring)
{
	const struct history_head *r = record_at(o, ring, o->tail);

	o->first += r->kind != FILLER;
	o->tail += r->size;
}

/* Room for the longest record on end, at o->head. */
static void make_room(struct history_one *o, enum history_ring ring)
{
	uint32_t cap = capacity[ring], left = cap - (uint32_t)(o->head & (cap - 1));
	uint32_t fill = left < RECORD_MAX ? left : 0;

	if (!o->data)
		o->data = xcalloc(1, cap);
	while (o->head + fill + RECORD_MAX - o->tail > cap)
		push_out(o, ring);
	if (!fill)
		return;
	record_at(o, ring, o->head)->size = (uint16_t)fill;
	record_at(o, ring, o->head)->kind = FILLER;
	o->head += fill;
}

struct history_head *history_reserve(struct history *h, enum history_ring ring)
{
	struct history_one *o = &h->rings[ring];
	struct history_head *r;

	make_room(o, ring);
	r = record_at(o, ring, o->head);
	r->id = ++h->ids;
	r->at = h->now.us;
	o->next++;
	return r;
}

void history_tell(struct history *h, enum history_ring ring)
{
	struct history_watch *w;

	list_for_each(w, &h->watches, node)
		if (w->rings & HISTORY_BIT(ring))
			w->wake(w);
}

void history_add(struct history *h, enum history_ring ring, const struct history_event *e)
{
	history_add_of(h, ring, e, HISTORY_PARTS);
}

/* ---- readers ----------------------------------------------------------------------------------------------------- */

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
static const struct history_head *current(const struct history *h, struct history_reader *r, enum history_ring ring)
{
	const struct history_one *o = &h->rings[ring];
	const struct history_head *x;

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
	const struct history_head *first = NULL;
	enum history_ring of = 0;

	for (enum history_ring i = 0; i < HISTORY_RINGS; i++) {
		const struct history_head *x = r->rings & HISTORY_BIT(i) ? current(h, r, i) : NULL;

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

/* ---- who waits --------------------------------------------------------------------------------------------------- */

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

/* ---- ports ------------------------------------------------------------------------------------------------------- */

void history_name_port(struct history *h, uint32_t ifindex, const char *name)
{
	uint32_t i = ifindex % HISTORY_PORTS;

	h->ports[i].ifindex = ifindex;
	h->ports[i].name[0] = '\0';
	strncat(h->ports[i].name, name, sizeof(h->ports[i].name) - 1);
}

const char *history_port_name(const struct history *h, uint32_t ifindex)
{
	uint32_t i = ifindex % HISTORY_PORTS;

	return ifindex && h->ports[i].ifindex == ifindex ? h->ports[i].name : NULL;
}

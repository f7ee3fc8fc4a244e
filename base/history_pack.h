/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * How an event lies in its ring, and the writing of it, inlined: who says at compile time which parts an event may have
 * pays for those alone. For those who note something for each host; all others call history_add().
 *
 *   | head: size, kind, ..., parts, id, time | what parts says, in the order of history_pack() | padding to 8 |
 */
#ifndef BASE_HISTORY_PACK_H
#define BASE_HISTORY_PACK_H

#include "base/history.h"

enum history_part {
	HISTORY_PART_VNI = 1,
	HISTORY_PART_MAC = 2,
	HISTORY_PART_MAC_WAS = 4,
	HISTORY_PART_IFINDEX = 8,
	HISTORY_PART_SEQUENCE = 16,
	HISTORY_PART_COUNT = 32,
	HISTORY_PART_IP = 64,
	HISTORY_PART_VTEP = 128,
	HISTORY_PART_FROM = 256,
	HISTORY_PART_NEIGHBOR = 512,
	HISTORY_PART_REASON = 1024,
	HISTORY_PART_TABLE = 2048,
	HISTORY_PART_TEXT = 4096,
	HISTORY_PART_KEY = 8192,
	HISTORY_PARTS = 16383
};

#define HISTORY_ALIGN 8u

struct history_head {
	uint16_t size; /* of the record, a multiple of HISTORY_ALIGN */
	uint8_t kind, what, was;
	uint8_t spare;
	uint16_t parts;
	uint64_t id;
	int64_t at;
};

/* The head of the next record, with id and time, and room for the longest one. */
struct history_head *history_reserve(struct history *h, enum history_ring ring);
/* Who waits for events of this ring is woken. */
void history_tell(struct history *h, enum history_ring ring);

static inline uint8_t *history_put(uint8_t *p, const void *v, size_t n)
{
	memcpy(p, v, n);
	return p + n;
}

/* With its length before it. */
static inline uint8_t *history_put_sized(uint8_t *p, const void *v, uint8_t n)
{
	*p = n;
	return history_put(p + 1, v, n);
}

static inline uint8_t *history_put_ip(uint8_t *p, const struct ip *ip)
{
	*p = ip->len;
	if (ip->len == 4) /* most are, and a length that is known is a move */
		return history_put(p + 1, ip->b, 4);
	return history_put(p + 1, ip->b, ip->len);
}

/* What applies, of the parts that may, behind the head; its end. */
static inline __attribute__((always_inline)) uint8_t *history_pack(struct history_head *head,
								   const struct history_event *e, unsigned may)
{
	uint8_t *p = (uint8_t *)(head + 1);
	unsigned parts = 0;

#define PUT(part, applies, put_it)                                                                                     \
	if ((may & HISTORY_PART_##part) && (applies)) {                                                                \
		parts |= HISTORY_PART_##part;                                                                          \
		p = put_it;                                                                                            \
	}
	PUT(VNI, e->vni, history_put(p, &e->vni, sizeof(e->vni)))
	PUT(MAC, e->mac, history_put(p, e->mac, sizeof(*e->mac)))
	PUT(MAC_WAS, e->mac_was, history_put(p, e->mac_was, sizeof(*e->mac_was)))
	PUT(IFINDEX, e->ifindex, history_put(p, &e->ifindex, sizeof(e->ifindex)))
	PUT(SEQUENCE, e->sequence, history_put(p, &e->sequence, sizeof(e->sequence)))
	PUT(COUNT, e->count, history_put(p, &e->count, sizeof(e->count)))
	PUT(IP, e->ip, history_put_ip(p, e->ip))
	PUT(VTEP, e->vtep, history_put_ip(p, e->vtep))
	PUT(FROM, e->from, history_put_ip(p, e->from))
	PUT(NEIGHBOR, e->neighbor, history_put_ip(p, e->neighbor))
	PUT(REASON, e->reason, history_put(p, &e->reason, sizeof(e->reason)))
	PUT(TABLE, e->table, history_put(p, &e->table, sizeof(e->table)))
	PUT(TEXT, e->text, history_put_sized(p, e->text, (uint8_t)strnlen(e->text, HISTORY_TEXT_MAX)))
	PUT(KEY, e->key_len, history_put_sized(p, e->key, e->key_len))
#undef PUT
	head->parts = (uint16_t)parts;
	return p;
}

/* history_add() for events that have these parts at most. */
static inline __attribute__((always_inline)) void history_add_of(struct history *h, enum history_ring ring,
								  const struct history_event *e, unsigned may)
{
	struct history_head *r;
	size_t n;

	if (!h)
		return;
	r = history_reserve(h, ring);
	r->kind = e->kind;
	r->what = e->what;
	r->was = e->was;
	n = (size_t)(history_pack(r, e, may) - (uint8_t *)r);
	r->size = (uint16_t)((n + HISTORY_ALIGN - 1) & ~(size_t)(HISTORY_ALIGN - 1));
	h->rings[ring].head += r->size;
	if (h->rings[ring].watched)
		history_tell(h, ring);
}

#endif

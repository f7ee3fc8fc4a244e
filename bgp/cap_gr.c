/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The capabilities of graceful restart: bytes <--> struct cap_gr, and text.
 *
 *      64 (RFC 4724 3, 8538 2)  R 1 bit | N 1 bit | 2 bits | restart time 12 bits, then for each family:
 *                               AFI 2 octets | SAFI 1 | F 1 bit, 7 bits
 *      71 (RFC 9494 3.1)        for each family: AFI 2 octets | SAFI 1 | F 1 bit, 7 bits | time 3 octets
 */
#include <stdio.h>

#include "bgp/cap.h"

#define GR_RESTARTED 0x8000u
#define GR_NOTIFICATION 0x4000u
#define GR_TIME 0x0fffu
#define GR_FORWARDING 0x80u
#define FAMILY_TEXT 64u /* octets that the text of a family needs at most */

const struct cap_gr_family *cap_gr_find(const struct cap_gr *g, uint16_t afi, uint8_t safi)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->families[i].afi == afi && g->families[i].safi == safi)
			return &g->families[i];
	return NULL;
}

void cap_gr_add(struct cap_gr *g, const struct cap_gr_family *f)
{
	g->there = true;
	if (g->n < CAP_FAMILIES_MAX && !cap_gr_find(g, f->afi, f->safi))
		g->families[g->n++] = *f;
}

static void take_families(struct cap_gr *g, struct rbuf *r, bool timed, const struct caps *ours)
{
	while (rb_left(r)) {
		struct cap_gr_family f = { .afi = rb_u16(r) };

		f.safi = rb_u8(r);
		f.forwarding = rb_u8(r) & GR_FORWARDING;
		f.long_s = timed ? rb_u24(r) : 0;
		if (cap_family_matters(ours, f.afi, f.safi))
			cap_gr_add(g, &f);
	}
}

void cap_gr_take(struct cap_gr *g, struct rbuf value, const struct caps *ours)
{
	uint16_t head;

	if (rb_left(&value) % 4 != 2)
		return;
	head = rb_u16(&value);
	*g = (struct cap_gr){ .there = true, .restarted = head & GR_RESTARTED, .notification = head & GR_NOTIFICATION,
			      .time = head & GR_TIME };
	take_families(g, &value, false, ours);
}

void cap_long_lived_take(struct cap_gr *g, struct rbuf value, const struct caps *ours)
{
	if (rb_left(&value) % 7)
		return;
	*g = (struct cap_gr){ .there = true };
	take_families(g, &value, true, ours);
}

void cap_gr_encode(struct wbuf *w, const struct cap_gr *g)
{
	size_t mark;

	wb_u8(w, CAP_GRACEFUL_RESTART);
	mark = wb_open8(w);
	wb_u16(w, (uint16_t)((g->restarted ? GR_RESTARTED : 0) | (g->notification ? GR_NOTIFICATION : 0) |
			     (g->time & GR_TIME)));
	for (size_t i = 0; i < g->n; i++) {
		wb_u16(w, g->families[i].afi);
		wb_u8(w, g->families[i].safi);
		wb_u8(w, g->families[i].forwarding ? GR_FORWARDING : 0);
	}
	wb_close8(w, mark);
}

void cap_long_lived_encode(struct wbuf *w, const struct cap_gr *g)
{
	size_t mark;

	wb_u8(w, CAP_LONG_LIVED_GR);
	mark = wb_open8(w);
	for (size_t i = 0; i < g->n; i++) {
		wb_u16(w, g->families[i].afi);
		wb_u8(w, g->families[i].safi);
		wb_u8(w, g->families[i].forwarding ? GR_FORWARDING : 0);
		wb_u24(w, g->families[i].long_s);
	}
	wb_close8(w, mark);
}

/* ", 25/70", ", 25/70 forwarding", ", 25/70 86400 s", ... */
static void families_text(struct rbuf *r, bool timed, char *out, size_t cap)
{
	while (rb_left(r) && cap >= FAMILY_TEXT) {
		uint16_t afi = rb_u16(r);
		uint8_t safi = rb_u8(r), flags = rb_u8(r);
		int n = snprintf(out, cap, ", %u/%u", afi, safi);

		if (timed)
			n += snprintf(out + n, cap - (size_t)n, " %u s", rb_u24(r));
		if (flags & GR_FORWARDING)
			n += snprintf(out + n, cap - (size_t)n, " forwarding");
		out += n;
		cap -= (size_t)n;
	}
}

void cap_gr_text(struct rbuf value, char *out, size_t cap)
{
	uint16_t head;
	int n;

	if (rb_left(&value) % 4 != 2)
		return;
	head = rb_u16(&value);
	n = snprintf(out, cap, " %u s%s%s", head & GR_TIME, head & GR_RESTARTED ? ", restarted" : "",
		     head & GR_NOTIFICATION ? ", notification" : "");
	families_text(&value, false, out + n, cap - (size_t)n);
}

void cap_long_lived_text(struct rbuf value, char *out, size_t cap)
{
	if (rb_left(&value) % 7 == 0)
		families_text(&value, true, out, cap);
}

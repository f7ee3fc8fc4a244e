/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Written by hand and not with the daemon's own encoder, so that the daemon is measured and checked against something
 * that does not share its mistakes.
 */
#include "tests/bench/loadmsg.h"

#include "base/addr.h"
#include "base/log.h"
#include "base/wire.h"
#include "tests/bench/nlwatch.h"

#define MESSAGE_MAX 4096u
#define HEADER 19u
#define NLRI_OVERHEAD 2u

static uint8_t *space(struct bytes *b, size_t n)
{
	if (b->cap - b->len < n) {
		b->cap = (b->cap + n) * 2;
		b->p = xrealloc(b->p, b->cap);
	}
	return b->p + b->len;
}

static struct wbuf message_open(struct bytes *b, uint8_t type)
{
	struct wbuf w = wb_init(space(b, MESSAGE_MAX), MESSAGE_MAX);

	for (int i = 0; i < 16; i++)
		wb_u8(&w, 0xff);
	wb_u16(&w, 0);
	wb_u8(&w, type);
	return w;
}

static void message_close(struct bytes *b, struct wbuf *w)
{
	BUG_ON(!wb_ok(w));
	w->start[16] = (uint8_t)(wb_len(w) >> 8);
	w->start[17] = (uint8_t)wb_len(w);
	b->len += wb_len(w);
}

void load_keepalive(struct bytes *out)
{
	struct wbuf w = message_open(out, 4);

	message_close(out, &w);
}

void load_open(struct bytes *out, uint32_t asn, uint32_t router_id, uint16_t hold_time)
{
	struct wbuf w = message_open(out, 1);
	size_t params, caps;

	wb_u8(&w, 4);
	wb_u16(&w, asn > UINT16_MAX ? 23456 : (uint16_t)asn);
	wb_u16(&w, hold_time);
	wb_u32(&w, router_id);
	params = wb_open8(&w);
	wb_u8(&w, 2);
	caps = wb_open8(&w);
	wb_u16(&w, 1 << 8 | 4); /* multiprotocol, 25/70 */
	wb_u32(&w, 25u << 16 | 70);
	wb_u16(&w, 2 << 8); /* route refresh */
	wb_u16(&w, 65 << 8 | 4);
	wb_u32(&w, asn);
	wb_close8(&w, caps);
	wb_close8(&w, params);
	message_close(out, &w);
}

/* Routes of one (VTEP, VNI) follow each other, so that UPDATEs can be packed full. */
struct place {
	uint32_t vtep, vni, left;
};

static struct place place_of(const struct load *l, uint32_t i)
{
	uint64_t sets = (uint64_t)l->vteps * l->vnis;
	uint32_t set = (uint32_t)(i * sets / l->routes);
	uint32_t next = (uint32_t)(((uint64_t)(set + 1) * l->routes + sets - 1) / sets);

	return (struct place){ set / l->vnis, l->first_vni + set % l->vnis, next - i };
}

static uint32_t vtep_address(uint32_t vtep)
{
	return 0xc6120000 + 1 + vtep; /* 198.18.0.0/15, RFC 2544 */
}

static void put_rd(struct wbuf *w, const struct place *p)
{
	wb_u16(w, 1);
	wb_u32(w, vtep_address(p->vtep));
	wb_u16(w, (uint16_t)p->vni);
}

static void put_imet(struct wbuf *w, const struct place *p)
{
	wb_u16(w, 3 << 8 | 17);
	put_rd(w, p);
	wb_u32(w, 0); /* Ethernet tag */
	wb_u8(w, 32);
	wb_u32(w, vtep_address(p->vtep));
}

static void put_route(struct wbuf *w, const struct load *l, const struct place *p, uint32_t i, bool withdraw)
{
	struct mac mac = load_mac(i);

	wb_u8(w, 2);
	wb_u8(w, l->with_ip ? 37 : 33);
	put_rd(w, p);
	wb_zero(w, 10 + 4); /* ESI, Ethernet tag */
	wb_u8(w, 48);
	wb_mac(w, &mac);
	wb_u8(w, l->with_ip ? 32 : 0);
	if (l->with_ip)
		wb_u32(w, 0x0a000000 + (i & 0xffffff));
	wb_u24(w, withdraw ? 0 : p->vni);
}

static void put_attributes(struct wbuf *w, const struct load *l, const struct place *p)
{
	wb_u32(w, 0x40010100); /* ORIGIN IGP */
	wb_u8(w, 0x40);
	wb_u8(w, 2);
	wb_u8(w, l->as_path ? 6 : 0);
	if (l->as_path) {
		wb_u16(w, 2 << 8 | 1);
		wb_u32(w, l->as_path);
	}
	if (l->med) {
		wb_u24(w, 0x800404);
		wb_u32(w, l->med);
	}
	if (!l->as_path) {
		wb_u24(w, 0x400504); /* LOCAL_PREF */
		wb_u32(w, 100);
	}
	wb_u24(w, 0xc01010); /* extended communities: route target, encapsulation VXLAN */
	wb_u16(w, 2);
	wb_u16(w, (uint16_t)l->rt_as);
	wb_u32(w, p->vni);
	wb_u32(w, 0x030c0000);
	wb_u32(w, 8);
	if (l->imet) {
		wb_u32(w, 0xc0160900); /* PMSI tunnel: ingress replication */
		wb_u8(w, 6);
		wb_u24(w, p->vni);
		wb_u32(w, vtep_address(p->vtep));
	}
}

/* One UPDATE from route i on; gives how many routes went into it. */
static uint32_t put_update(struct bytes *out, const struct load *l, uint32_t i, bool withdraw)
{
	struct place p = place_of(l, i);
	struct wbuf w = message_open(out, 2);
	size_t route_len = NLRI_OVERHEAD + (l->with_ip ? 37 : 33);
	uint32_t max = (MESSAGE_MAX - HEADER - 100) / (uint32_t)route_len;
	uint32_t n = p.left < max ? p.left : max;
	size_t attrs, mp;

	if (l->per_update && n > l->per_update)
		n = l->per_update;
	wb_u16(&w, 0);
	attrs = wb_open16(&w);
	wb_u8(&w, 0x90);
	wb_u8(&w, withdraw ? 15 : 14);
	mp = wb_open16(&w);
	wb_u24(&w, 25 << 8 | 70);
	if (!withdraw) {
		wb_u8(&w, 4);
		wb_u32(&w, vtep_address(p.vtep));
		wb_u8(&w, 0);
	}
	for (uint32_t k = 0; k < n; k++) {
		if (l->imet)
			put_imet(&w, &p);
		else
			put_route(&w, l, &p, i + k, withdraw);
	}
	wb_close16(&w, mp);
	if (!withdraw)
		put_attributes(&w, l, &p);
	wb_close16(&w, attrs);
	message_close(out, &w);
	return n;
}

void load_announce(const struct load *l, struct bytes *out)
{
	for (uint32_t i = 0; i < l->routes;)
		i += put_update(out, l, i, false);
}

void load_withdraw(const struct load *l, struct bytes *out)
{
	for (uint32_t i = 0; i < l->routes;)
		i += put_update(out, l, i, true);
}

void load_flap(const struct load *l, uint32_t times, struct bytes *out)
{
	for (uint32_t i = 0, n = 0; i < l->routes; i += n) {
		struct load version = *l;

		for (uint32_t k = 1; k <= times; k++) {
			put_update(out, l, i, true);
			version.med = l->med + k;
			n = put_update(out, &version, i, false);
		}
	}
}

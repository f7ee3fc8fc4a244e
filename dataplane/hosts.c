/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What hosts say in ARP and ND, from a backend's ports to evpn, and what evpn has to say to them. Which hosts
 * there are, when one is asked and what is answered is evpn's to know; how the packets look is arpnd.c's.
 */
#include "dataplane/arpnd.h"
#include "dataplane/dp.h"

bool dp_hear(struct dp *d, struct dp_vni *v, unsigned ifindex, const uint8_t *frame, size_t len)
{
	struct dp_heard h = { .vni = v->vni, .ifindex = ifindex, .frame = frame, .len = len };
	struct arpnd p;

	if (!arpnd_parse(frame, len, &p))
		return false;
	h.kind = p.kind;
	h.unicast = p.unicast;
	h.tells_router = p.tells_router;
	h.router = p.router;
	h.ip = p.ip;
	h.mac = p.mac;
	h.src = p.src;
	h.target = p.target;
	if (v->ready && !v->closing && d->rec.ev.host_heard)
		d->rec.ev.host_heard(d->rec.ev.ctx, &h);
	return true;
}

static struct dp_vni *usable(struct dp *d, uint32_t vni)
{
	struct dp_vni *v = d->ops->send ? rows_vni_find(&d->rec.rows, vni) : NULL;

	return v && v->ready && !v->closing ? v : NULL;
}

bool dp_host_ask(struct dp *d, uint32_t vni, unsigned ifindex, const struct ip *ip, const struct mac *mac)
{
	struct dp_vni *v = usable(d, vni);
	uint8_t frame[ARPND_FRAME_MAX];
	struct mac own;

	if (!v || !d->ops->listens(d->be, v->data, ifindex, &own))
		return false;
	return d->ops->send(d->be, v->data, ifindex, frame, arpnd_build_ask(frame, ip, mac, &own));
}

void dp_host_answer(struct dp *d, const struct dp_heard *h, const struct mac *mac, bool router)
{
	if (!d->ops->answers)
		dp_host_reply(d, h, mac, router);
}

void dp_host_reply(struct dp *d, const struct dp_heard *h, const struct mac *mac, bool router)
{
	struct dp_vni *v = usable(d, h->vni);
	uint8_t frame[ARPND_FRAME_MAX];
	struct arpnd p;

	if (v && arpnd_parse(h->frame, h->len, &p))
		d->ops->send(d->be, v->data, h->ifindex, frame, arpnd_build_answer(frame, &p, mac, router));
}

void dp_host_carry(struct dp *d, const struct dp_heard *h)
{
	struct dp_vni *v = usable(d, h->vni);

	if (v && !d->ops->answers)
		d->ops->send(d->be, v->data, 0, h->frame, h->len);
}

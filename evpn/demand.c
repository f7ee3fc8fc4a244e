/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See demand.h. Answers have ones in place of a route distinguisher, so an answered host is one claim of its own. */
#include "evpn/demand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "evpn/tables.h"

#define HELD_MAX 1024u  /* questions of hosts that wait, of a VNI */
#define HELD_KEY_MAX 8u /* for one address */
#define HELD_FRAME 192u /* octets; ARP and ND as the dataplane hands them in are shorter */
#define FOUND_MS 50     /* between a miss and the question that it was about, from two sources */
#define SAID_MS 1000    /* a row that is not there by then will not be */

static const uint8_t answer_rd[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

/* A question of a host: what it needs to be answered. */
struct demand_held {
	uint32_t next;
	struct mtime due;
	unsigned ifindex;
	bool router;
	uint16_t len;
	struct mac mac; /* the answer */
	uint8_t frame[HELD_FRAME];
};

static struct demand_held *held_get(const struct demand *d, uint32_t h)
{
	return slab_ptr(&d->held, h);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void on_timer(struct timerq_node *n, struct mtime now);

void demand_start(struct evpn *e, struct evi *evi)
{
	struct demand *d = xcalloc(1, sizeof(*d));

	d->e = e;
	d->evi = evi;
	d->timer.fn = on_timer;
	resolver_init(&d->resolver, e->seed + evi->slot);
	slab_init(&d->held, sizeof(struct demand_held));
	evi->demand = d;
}

void demand_end(struct evpn *e, struct evi *evi)
{
	struct demand *d = evi->demand;

	if (!d)
		return;
	evi->demand = NULL;
	timerq_stop(&e->timers, &d->timer);
	resolver_fini(&d->resolver);
	slab_fini(&d->held);
	free(d);
}

/* ---- questions of hosts ------------------------------------------------------------------------------------------ */

static void hold(struct demand *d, uint32_t entry, const struct dp_heard *h)
{
	struct resolver_entry *x = resolver_get(&d->resolver, entry);
	struct demand_held *q;
	unsigned n = 0;
	uint32_t at;

	for (at = x->held; at; at = held_get(d, at)->next)
		n++;
	if (n >= HELD_KEY_MAX || d->held.used >= HELD_MAX || h->len > HELD_FRAME)
		return;
	at = slab_alloc(&d->held);
	q = held_get(d, at);
	q->next = x->held;
	q->ifindex = h->ifindex;
	q->len = (uint16_t)h->len;
	memcpy(q->frame, h->frame, h->len);
	x->held = at;
}

static void let_go(struct demand *d, uint32_t *chain)
{
	while (*chain) {
		uint32_t h = *chain;

		*chain = held_get(d, h)->next;
		slab_free(&d->held, h);
	}
}

static void say(struct demand *d, const struct demand_held *q)
{
	struct dp_heard h = { .vni = d->evi->vni, .ifindex = q->ifindex, .frame = q->frame, .len = q->len };

	dp_host_reply(d->e->dp, &h, &q->mac, q->router);
}

/* Those whose answer is this MAC, none: those that have waited too long. */
static void say_waiting(struct demand *d, const struct mac *mac)
{
	for (uint32_t *at = &d->said; *at;) {
		struct demand_held *q = held_get(d, *at);
		uint32_t h = *at;

		if (mac ? !mac_eq(&q->mac, mac) : mtime_before(d->e->now, q->due)) {
			at = &q->next;
			continue;
		}
		if (mac)
			say(d, q);
		*at = q->next;
		slab_free(&d->held, h);
	}
}

/* The questions are answered: when the row is there, so that what the host sends next arrives. */
static void promise(struct demand *d, uint32_t chain, const struct mac *mac, bool router)
{
	while (chain) {
		struct demand_held *q = held_get(d, chain);
		uint32_t next = q->next;

		q->mac = *mac;
		q->router = router;
		q->due = mtime_add_ms(d->e->now, SAID_MS);
		q->next = d->said;
		d->said = chain;
		chain = next;
	}
}

/* ---- in use ------------------------------------------------------------------------------------------------------ */

static void arm(struct demand *d)
{
	struct mtime next = resolver_due(&d->resolver);

	for (uint32_t h = d->said; h; h = held_get(d, h)->next)
		if (mtime_before(held_get(d, h)->due, next))
			next = held_get(d, h)->due;
	if (next.us == MTIME_NEVER.us)
		timerq_stop(&d->e->timers, &d->timer);
	else if (!timerq_armed(&d->timer) || mtime_before(next, d->timer.at))
		timerq_arm(&d->e->timers, &d->timer, next);
}

static void note_found(struct demand *d, const struct ip *ip)
{
	d->found[d->next_found++ % DEMAND_FOUND] = (struct demand_found){ *ip, mtime_add_ms(d->e->now, FOUND_MS) };
}

static bool was_found(const struct demand *d, const struct ip *ip)
{
	for (unsigned i = 0; i < DEMAND_FOUND; i++)
		if (ip_eq(&d->found[i].ip, ip) && mtime_before(d->e->now, d->found[i].until))
			return true;
	return false;
}

/* The tables know it: its rows are wished for. held: the questions for it. False when they do not. */
static bool use(struct demand *d, const struct mac *mac, const struct ip *ip, uint32_t held)
{
	struct mac owner;
	bool router = false, there;

	if (!ip) {
		uint32_t m = mac_find(d->e, d->evi, mac);

		return m && mac_use(d->e, m);
	}
	if (!neigh_use(d->e, d->evi, ip, &owner, &router, &there))
		return false;
	if (!held)
		note_found(d, ip);
	promise(d, held, &owner, router);
	if (there)
		say_waiting(d, &owner);
	return true;
}

/* It is on a port of ours, or will be: nothing that a resolver has to do with. */
static bool is_here(struct demand *d, const struct mac *mac, const struct ip *ip)
{
	uint32_t m = ip ? 0 : mac_find(d->e, d->evi, mac);

	return ip ? neigh_is_local(d->e, d->evi, ip) : m && mac_is_here(mac_get(d->e, m)->state);
}

/* ---- questions to the source ------------------------------------------------------------------------------------- */

static void ask(struct demand *d)
{
	struct resolver *r = &d->resolver;
	uint32_t h;

	if (d->asking)
		return; /* an answer that comes at once: the loop below goes on */
	d->asking = true;
	while ((h = resolver_next(r, d->e->now))) {
		const struct resolver_entry *x = resolver_get(r, h);
		struct resolver_key k = x->key;

		if (d->evi->resolver == CONFIG_RESOLVER_RIB || !d->e->source.ask) {
			let_go(d, &resolver_get(r, h)->held);
			resolver_answered(r, h, false, d->e->now);
		} else {
			d->e->source.ask(d->e->source.ctx, d->evi->vni, x->id, k.ip.len ? NULL : &k.mac,
					 k.ip.len ? &k.ip : NULL);
		}
	}
	d->asking = false;
	arm(d);
}

static void miss(struct demand *d, const struct mac *mac, const struct ip *ip, const struct dp_heard *asker)
{
	struct resolver_key k = { .ip = ip ? *ip : ip_none() };
	uint32_t h;

	if (mac)
		k.mac = *mac;
	h = resolver_miss(&d->resolver, &k, d->e->now);
	if (!h)
		return;
	if (asker)
		hold(d, h, asker);
	if (resolver_get(&d->resolver, h)->state == RESOLVER_ASKED)
		return;
	if (use(d, mac, ip, resolver_get(&d->resolver, h)->held)) {
		resolver_answered(&d->resolver, h, true, d->e->now);
		arm(d);
		return;
	}
	ask(d);
}

void demand_missed(struct evpn *e, struct evi *evi, const struct mac *mac, const struct ip *ip)
{
	if (mac && (mac_is_group(mac) || mac_is_zero(mac)))
		return;
	if ((ip && !ip_is_unicast(ip)) || is_here(evi->demand, mac, ip))
		return;
	miss(evi->demand, mac, ip, NULL);
}

void demand_heard(struct evpn *e, struct evi *evi, const struct dp_heard *h)
{
	struct mac owner;
	bool router;

	if ((h->kind != DP_HEARD_QUESTION && h->kind != DP_HEARD_PROBE) || h->unicast || !h->ifindex ||
	    !ip_is_unicast(&h->target))
		return;
	/* The dataplane answers for those that it has rows of, if it is asked to; for this one it had none yet. */
	if (!evi->suppress || is_here(evi->demand, NULL, &h->target))
		return;
	if (!neigh_row(e, evi, &h->target, &owner, &router) || was_found(evi->demand, &h->target))
		miss(evi->demand, NULL, &h->target, h);
}

static void on_timer(struct timerq_node *n, struct mtime now)
{
	struct demand *d = container_of(n, struct demand, timer);
	uint32_t h;

	while ((h = resolver_expire(&d->resolver, now))) {
		let_go(d, &resolver_get(&d->resolver, h)->held);
		if (d->e->source.late)
			d->e->source.late(d->e->source.ctx, d->evi->vni);
	}
	say_waiting(d, NULL);
	ask(d);
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static bool is_usable(const struct evpn *e, const struct config_host *h)
{
	return !mac_is_zero(&h->mac) && !mac_is_group(&h->mac) && ip_is_unicast(&h->vtep) &&
	       h->vtep.len == e->vtep.len && !ip_eq(&h->vtep, &e->vtep) && (!h->ip.len || ip_is_unicast(&h->ip));
}

static void claim(struct evpn *e, struct evi *evi, const struct config_host *h)
{
	uint32_t import = import_answer(e, &h->vtep, evi->vni, h->router);

	mac_route_set(e, evi, &h->mac, answer_rd, import);
	if (h->ip.len)
		neigh_route_set(e, evi, &h->mac, &h->ip, answer_rd, import);
	import_unref(e, import);
}

static void unclaim(struct evpn *e, struct evi *evi, const struct mac *mac)
{
	struct ip ip;

	while (neigh_route_of(e, evi, mac, answer_rd, &ip))
		neigh_route_del(e, evi, mac, &ip, answer_rd);
	mac_route_del(e, evi, mac, answer_rd);
}

int evpn_resolved(struct evpn *e, uint32_t vni, uint32_t id, const struct config_host *host)
{
	struct evi *evi = evi_find(&e->evis, vni);
	struct demand *d = evi ? evi->demand : NULL;
	uint32_t h = d ? resolver_asked(&d->resolver, id) : 0, held;
	struct resolver_key k;

	if (!h)
		return -ENOENT;
	k = resolver_get(&d->resolver, h)->key;
	if (host && (!is_usable(e, host) || (k.ip.len ? !ip_eq(&k.ip, &host->ip) : !mac_eq(&k.mac, &host->mac))))
		return -EINVAL;
	held = resolver_get(&d->resolver, h)->held;
	resolver_get(&d->resolver, h)->held = 0;
	resolver_answered(&d->resolver, h, host, e->now);
	if (host) {
		claim(e, evi, host);
		if (use(d, &host->mac, k.ip.len ? &k.ip : NULL, held))
			held = 0;
	}
	let_go(d, &held);
	ask(d);
	return 0;
}

/* Is anything of it in use by an answer, or looked for? */
static bool concerns(struct demand *d, const struct config_host *h)
{
	struct resolver_key by_mac = { .mac = h->mac }, by_ip = { .ip = h->ip };
	uint32_t m = mac_find(d->e, d->evi, &h->mac);

	if (resolver_find(&d->resolver, &by_mac) || (h->ip.len && resolver_find(&d->resolver, &by_ip)))
		return true;
	return (m && sources_have(&d->e->macs.nodes, &mac_get(d->e, m)->routes, answer_rd)) ||
	       (h->ip.len && neigh_has_route(d->e, d->evi, &h->ip, answer_rd));
}

/* Known to the source is enough: nobody could ask for the host otherwise. */
static void note_solicited(struct evpn *e, const struct evi *evi, const struct config_host *host, bool there)
{
	uint32_t vtep = there ? vtep_take(&e->vteps, &host->vtep) : 0;

	solicited_set(e, evi, &host->ip, SOLICITED_REGISTRY, vtep);
	if (vtep)
		vtep_drop(&e->vteps, vtep);
}

int evpn_resolver_changed(struct evpn *e, uint32_t vni, const struct config_host *host, bool there)
{
	struct evi *evi = evi_find(&e->evis, vni);
	struct demand *d = evi ? evi->demand : NULL;

	if (!d)
		return -ENOENT;
	if (there && !is_usable(e, host))
		return -EINVAL;
	if (host->ip.len)
		note_solicited(e, evi, host, there);
	if (!concerns(d, host))
		return 0;
	if (there)
		claim(e, evi, host);
	else if (host->ip.len)
		neigh_route_del(e, evi, &host->mac, &host->ip, answer_rd);
	else
		unclaim(e, evi, &host->mac);
	return 0;
}

void evpn_set_source(struct evpn *e, const struct evpn_source *s)
{
	e->source = *s;
}

bool evpn_resolver_info(struct evpn *e, uint32_t vni, struct evpn_resolver_info *out)
{
	struct evi *evi = evi_find(&e->evis, vni);
	const struct resolver *r;

	if (!evi || !evi->demand)
		return false;
	r = &evi->demand->resolver;
	*out = (struct evpn_resolver_info){ .kind = evi->resolver,
					    .misses = r->count.misses,
					    .answered = r->count.answered,
					    .unknown = r->count.unknown,
					    .late = r->count.late,
					    .dropped = r->count.dropped,
					    .asked = r->line[RESOLVER_ASKED].n,
					    .waiting = r->line[RESOLVER_WAITING].n,
					    .in_use = evi->in_use };
	return true;
}

/* ---- what becomes of rows ---------------------------------------------------------------------------------------- */

void demand_placed(struct evpn *e, struct evi *evi, const struct mac *mac)
{
	say_waiting(evi->demand, mac);
}

void demand_idle(struct evpn *e, struct evi *evi, const struct mac *mac)
{
	uint32_t m = mac_find(e, evi, mac);

	if (!m)
		return;
	mac_unuse(e, m);
	unclaim(e, evi, mac);
}

static bool wants(const struct evi *evi, const struct resolver_key *k)
{
	struct resolver *r = &evi->demand->resolver;
	uint32_t h = resolver_find(r, k);

	if (!h || resolver_get(r, h)->state != RESOLVER_UNKNOWN)
		return false;
	resolver_drop(r, h);
	return true;
}

bool demand_wants_mac(const struct evi *evi, const struct mac *mac)
{
	struct resolver_key k = { .mac = *mac };

	return wants(evi, &k);
}

bool demand_wants_ip(const struct evi *evi, const struct ip *ip)
{
	struct resolver_key k = { .ip = *ip };

	return wants(evi, &k);
}

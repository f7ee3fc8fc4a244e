/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See host.h. */
#include "evpn/host.h"

#include <string.h>
#include <xxhash.h>

#include "base/list.h"
#include "evpn/tables.h"

#define DUE_AT_ONCE 256u /* hosts whose time is over, a turn */
#define NEXT_TURN_MS 20  /* so at most 12,800 questions a second */

enum host_todo host_step(uint8_t *asked, enum host_event ev)
{
	switch (ev) {
	case HOST_HEARD:
	case HOST_LEFT:
		*asked = 0;
		return HOST_WAIT;
	case HOST_KNOWN:
		return HOST_KEEP;
	case HOST_BACK:
		*asked = 0;
		break;
	case HOST_DOUBTED:
		if (*asked)
			return HOST_KEEP; /* it is being asked */
		break;
	case HOST_DUE:
		if (*asked == HOST_ASKS)
			return HOST_GONE;
		break;
	}
	++*asked;
	return HOST_ASK;
}

/* ---- table ------------------------------------------------------------------------------------------------------- */

static struct evpn_host *host_get(const struct evpn *e, uint32_t h)
{
	return slab_ptr(&e->hosts.slab, h);
}

static uint64_t key_hash(const struct evpn *e, uint16_t evi, const uint8_t ip[16])
{
	return XXH3_64bits_withSeed(ip, 16, e->seed + evi);
}

static uint64_t host_hash(void *owner, uint32_t h)
{
	const struct evpn_host *x = host_get(owner, h);

	return key_hash(owner, x->evi, x->ip);
}

static uint32_t *host_link(void *owner, uint32_t h)
{
	return &host_get(owner, h)->chain;
}

static const struct htab_ops host_ops = { host_hash, host_link };

static uint32_t find(const struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	uint32_t h = htab_first(&e->hosts.index, key_hash(e, evi->slot, ip->b));

	for (; h; h = host_get(e, h)->chain) {
		const struct evpn_host *x = host_get(e, h);

		if (x->evi == evi->slot && x->ip_len == ip->len && !memcmp(x->ip, ip->b, sizeof(x->ip)))
			return h;
	}
	return 0;
}

static struct host_line *line_of(struct evpn *e, const struct evpn_host *x)
{
	return x->asked ? &e->hosts.asked : x->left ? &e->hosts.left : &e->hosts.silent;
}

static void leave_line(struct evpn *e, uint32_t h)
{
	struct evpn_host *x = host_get(e, h);
	struct host_line *l = line_of(e, x);

	if (x->prev)
		host_get(e, x->prev)->next = x->next;
	else
		l->head = x->next;
	if (x->next)
		host_get(e, x->next)->prev = x->prev;
	else
		l->tail = x->prev;
	x->next = x->prev = 0;
}

static void arm(struct evpn *e)
{
	const uint32_t heads[] = { e->hosts.silent.head, e->hosts.asked.head, e->hosts.left.head };
	struct mtime next = MTIME_NEVER;

	for (int i = 0; i < 3; i++)
		if (heads[i] && mtime_before(host_get(e, heads[i])->due, next))
			next = host_get(e, heads[i])->due;
	if (next.us == MTIME_NEVER.us)
		timerq_stop(&e->timers, &e->hosts.timer);
	else if (!timerq_armed(&e->hosts.timer) || mtime_before(next, e->hosts.timer.at))
		timerq_arm(&e->timers, &e->hosts.timer, next);
}

static void enter_line(struct evpn *e, uint32_t h)
{
	struct evpn_host *x = host_get(e, h);
	struct host_line *l = line_of(e, x);

	x->due = mtime_add_ms(e->now, x->asked ? HOST_ANSWER_MS : x->left ? HOST_LEFT_MS : HOST_SILENT_MS);
	x->prev = l->tail;
	if (l->tail)
		host_get(e, l->tail)->next = h;
	else
		l->head = h;
	l->tail = h;
	if (l->head == h)
		arm(e);
}

static uint32_t add(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac)
{
	uint32_t h = slab_alloc(&e->hosts.slab);
	struct evpn_host *x = host_get(e, h);

	x->evi = evi->slot;
	x->ip_len = ip->len;
	memcpy(x->ip, ip->b, sizeof(x->ip));
	x->mac = *mac;
	evi->n_hosts++;
	htab_insert(&e->hosts.index, key_hash(e, x->evi, x->ip), h);
	enter_line(e, h);
	return h;
}

static void drop(struct evpn *e, uint32_t h)
{
	struct evpn_host *x = host_get(e, h);

	evi_get(&e->evis, x->evi)->n_hosts--;
	leave_line(e, h);
	htab_remove(&e->hosts.index, host_hash(e, h), h);
	slab_free(&e->hosts.slab, h);
	if (!e->hosts.slab.used)
		arm(e); /* a timer that comes early does no harm, one for nobody need not */
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

/* Where the bridge has shown its MAC last. */
static unsigned last_port_of(const struct evpn *e, const struct evi *evi, const struct evpn_host *x)
{
	uint32_t m = mac_find(e, evi, &x->mac);

	return m && mac_get(e, m)->ifindex ? mac_get(e, m)->ifindex : x->ifindex;
}

/* Where its MAC is now, or where it was heard last. */
static unsigned port_of(const struct evpn *e, const struct evi *evi, const struct evpn_host *x)
{
	uint32_t m = mac_find(e, evi, &x->mac);

	return (m && mac_is_here(mac_get(e, m)->state)) || !x->ifindex ? last_port_of(e, evi, x) : x->ifindex;
}

static bool ask(struct evpn *e, const struct evpn_host *x)
{
	const struct evi *evi = evi_get(&e->evis, x->evi);
	struct ip ip = ip_from_bytes(x->ip, x->ip_len);
	unsigned port = port_of(e, evi, x);
	bool asked = (port || x->tunnel) && dp_host_ask(e->dp, evi->vni, port, &ip, &x->mac);

	/* Ports are not heard in the order in which they spoke. */
	if (x->left && last_port_of(e, evi, x) != port)
		asked |= dp_host_ask(e->dp, evi->vni, last_port_of(e, evi, x), &ip, &x->mac);
	return asked;
}

static bool is_here(const struct evpn *e, const struct evi *evi, const struct mac *mac)
{
	uint32_t m = mac_find(e, evi, mac);

	return m && mac_is_here(mac_get(e, m)->state);
}

/* A route has it, and no port that has to wait. */
static bool is_remote(const struct evpn *e, const struct evi *evi, const struct mac *mac)
{
	uint32_t m = mac_find(e, evi, mac);

	return m && mac_get(e, m)->state == MAC_REMOTE && !(mac_get(e, m)->flags & MAC_OVER);
}

/*
 * What is heard of one that has left may have been said before our row was there: the
 * bridge, which shows the MAC, decides. *left: still so. Of one that is back our rows may
 * have taken the address away, and then it is asked for it.
 */
static enum host_event in_view_of_bridge(const struct evpn *e, const struct evi *evi, const struct evpn_host *x,
					 enum host_event ev, bool *left)
{
	struct ip ip = ip_from_bytes(x->ip, x->ip_len);

	*left = ev == HOST_LEFT || (x->left && !is_here(e, evi, &x->mac));
	if (!x->left || ev == HOST_LEFT)
		return ev;
	if (*left)
		return ev == HOST_HEARD ? HOST_KNOWN : ev;
	return ev == HOST_HEARD || neigh_is_local(e, evi, &ip) ? HOST_HEARD : HOST_BACK;
}

/* Brings the event to the host; false when it could not be asked, which says nothing about it. The host may be gone. */
static bool run(struct evpn *e, uint32_t h, enum host_event ev)
{
	struct evpn_host *x = host_get(e, h);
	struct evi *evi = evi_get(&e->evis, x->evi);
	uint8_t asked = x->asked;
	struct ip ip = ip_from_bytes(x->ip, x->ip_len);
	struct mac mac = x->mac;
	enum host_todo todo;
	bool tunnel, left, moved = false;

	ev = in_view_of_bridge(e, evi, x, ev, &left);
	todo = host_step(&asked, ev);
	if (todo == HOST_KEEP)
		return true;
	if (todo == HOST_GONE) {
		tunnel = x->tunnel;
		drop(e, h);
		if (tunnel)
			neigh_left_there(e, evi, &ip);
		else
			neigh_gone(e, evi, &ip, &mac);
		return true;
	}
	leave_line(e, h);
	x->asked = asked;
	x->left = left;
	if (todo == HOST_ASK && !ask(e, x)) {
		x->asked = 0;
		x->left = false;
		todo = HOST_GONE;
		moved = is_remote(e, evi, &mac);
	}
	enter_line(e, h);
	if (todo == HOST_GONE && (moved || !neigh_is_local(e, evi, &ip)))
		drop(e, h);
	if (moved) /* it has left, and its port has gone since */
		neigh_gone(e, evi, &ip, &mac);
	return todo != HOST_GONE;
}

static uint32_t due(const struct evpn *e, const struct host_line *l)
{
	return l->head && !mtime_before(e->now, host_get(e, l->head)->due) ? l->head : 0;
}

static void on_timer(struct timerq_node *n, struct mtime now)
{
	struct evpn *e = container_of(n, struct evpn, hosts.timer);
	uint32_t h;

	for (unsigned i = 0; i < DUE_AT_ONCE; i++) {
		h = due(e, &e->hosts.asked);
		if (!h)
			h = due(e, &e->hosts.left);
		if (!h)
			h = due(e, &e->hosts.silent);
		if (!h) {
			arm(e);
			return;
		}
		run(e, h, HOST_DUE);
	}
	timerq_arm(&e->timers, n, mtime_add_ms(now, NEXT_TURN_MS));
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

void host_table_init(struct evpn *e)
{
	slab_init(&e->hosts.slab, sizeof(struct evpn_host));
	htab_init(&e->hosts.index, &host_ops, e);
	e->hosts.timer.fn = on_timer;
}

void host_table_fini(struct evpn *e)
{
	timerq_stop(&e->timers, &e->hosts.timer);
	htab_fini(&e->hosts.index);
	slab_fini(&e->hosts.slab);
}

/* Ports can make it grow. */
static bool is_full(struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac)
{
	if (evi->n_hosts < HOSTS_PER_EVI && !neigh_has_many(e, evi, mac, HOSTS_PER_MAC))
		return false;
	if (!log_allow(e->log, &e->conflicts, LOG_EVPN, e->now))
		return true; /* every packet comes here */
	note_ip_refused(e, evi, ip, mac, NULL, "too many addresses of its MAC or VNI");
	log_warn(e->log, LOG_EVPN, "vni %u: %s at %s is not learned: too many addresses (%u of a VNI, %u of a MAC)",
		 evi->vni, ip_str(ip).s, mac_str(mac).s, HOSTS_PER_EVI, HOSTS_PER_MAC);
	return true;
}

/* Its entry, brought up to date; NULL when there is no room. */
static struct evpn_host *note(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac,
			      const bool *router)
{
	uint32_t h = find(e, evi, ip);
	struct evpn_host *x;

	if (!h && is_full(e, evi, ip, mac))
		return NULL;
	if (!h)
		h = add(e, evi, ip, mac);
	else
		run(e, h, HOST_HEARD);
	x = host_get(e, h);
	if (!mac_eq(&x->mac, mac)) {
		x->mac = *mac;
		x->ifindex = 0;
		x->router = false;
	}
	if (router)
		x->router = *router;
	return x;
}

/* Where hosts are learned from the tunnel the kernel's neighbour table has those behind it, too. */
static bool is_behind_vtep(const struct evpn *e, const struct evi *evi, const struct mac *mac)
{
	uint32_t m = evi->learns ? mac_find(e, evi, mac) : 0;

	return m && mac_is_there(mac_get(e, m)->state);
}

static void seen_there(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac, const bool *router)
{
	struct evpn_host *x = note(e, evi, ip, mac, router);

	if (!x)
		return;
	x->tunnel = true;
	x->ifindex = 0;
	neigh_learned_there(e, evi, ip, mac, x->router);
}

void host_seen(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac, unsigned ifindex,
	       const bool *router)
{
	struct evpn_host *x;

	if (!ifindex && is_behind_vtep(e, evi, mac)) {
		seen_there(e, evi, ip, mac, router);
		return;
	}
	x = note(e, evi, ip, mac, router);
	if (!x)
		return;
	x->tunnel = false;
	if (ifindex)
		x->ifindex = ifindex;
	neigh_learned(e, evi, ip, mac, x->router ? BINDING_ROUTER : 0);
}

bool host_doubt(struct evpn *e, const struct evi *evi, const struct ip *ip)
{
	uint32_t h = find(e, evi, ip);

	return h && run(e, h, HOST_DOUBTED);
}

void host_left(struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac)
{
	uint32_t h = find(e, evi, ip);

	if (h && mac_eq(&host_get(e, h)->mac, mac) && !host_get(e, h)->tunnel)
		run(e, h, HOST_LEFT);
}

void host_welcome(struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac)
{
	uint32_t m = mac_find(e, evi, mac);

	if (m && mac_get(e, m)->ifindex)
		dp_host_ask(e->dp, evi->vni, mac_get(e, m)->ifindex, ip, mac);
}

void host_forget(struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac)
{
	uint32_t h = evi->n_hosts ? find(e, evi, ip) : 0;

	if (h && mac_eq(&host_get(e, h)->mac, mac) && !host_get(e, h)->left)
		drop(e, h);
}

void host_clear(struct evpn *e, struct evi *evi)
{
	for (uint32_t h = 0; evi->n_hosts && (h = slab_next(&e->hosts.slab, h));) {
		struct evpn_host x = *host_get(e, h);
		struct ip ip = ip_from_bytes(x.ip, x.ip_len);

		if (x.evi != evi->slot)
			continue;
		drop(e, h);
		if (x.tunnel)
			neigh_left_there(e, evi, &ip);
		else
			neigh_left(e, evi, &ip);
	}
}

/*
 * RFC 9161 3.3 and RFC 5227: a host that wants to know whether its address is free must hear of its
 * owner, wherever that is. For one that is known the answer is given here; otherwise everyone is asked.
 * Never to the owner itself, which would take the answer for a conflict: it may have just moved here.
 */
static void probed(struct evpn *e, struct evi *evi, const struct dp_heard *h)
{
	struct mac owner;
	bool router;

	if (!neigh_row(e, evi, &h->target, &owner, &router))
		dp_host_carry(e->dp, h);
	else if (!mac_eq(&owner, &h->src))
		dp_host_answer(e->dp, h, &owner, router);
}

/* Is its MAC behind a VTEP? Then the bridge is about to show it, unless our row ran over that. */
static void heard_here(struct evpn *e, struct evi *evi, const struct dp_heard *h, const bool *router)
{
	uint32_t x;

	host_seen(e, evi, &h->ip, &h->mac, h->ifindex, router);
	if (h->unicast || evi->learns || !is_remote(e, evi, &h->mac))
		return;
	x = find(e, evi, &h->ip);
	if (x && !host_get(e, x)->left)
		run(e, x, HOST_LEFT);
}

void host_heard(struct evpn *e, struct evi *evi, const struct dp_heard *h)
{
	const bool *router = h->tells_router ? &h->router : NULL;

	if (!h->ifindex && !evi->learns)
		return; /* its VTEP has told us (RFC 9161 3.1) */
	if (h->ip.len && h->ifindex)
		heard_here(e, evi, h, router);
	else if (h->ip.len)
		seen_there(e, evi, &h->ip, &h->mac, router);
	if (!evi->suppress || h->unicast || !h->ifindex)
		return; /* what came by the tunnel has been flooded to our ports */
	if (h->kind == DP_HEARD_PROBE)
		probed(e, evi, h);
	else if (h->kind == DP_HEARD_ANNOUNCE)
		dp_host_carry(e->dp, h); /* hosts behind other VTEPs have caches, too */
}

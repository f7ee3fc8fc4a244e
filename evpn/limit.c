/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * See limit.h. Counts follow the entries as mac.c commits them. Which ones wait is found by a walk over the
 * MAC table, in slices and at most once a second: a list of them would cost memory for each MAC there is.
 */
#include "evpn/limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/list.h"
#include "evpn/tables.h"

#define WALK_PAUSE_MS 1000
#define WALK_STEP_MS 1
#define WALK_STEP 4096u

static void on_timer(struct timerq_node *n, struct mtime now);

void limit_table_init(struct evpn *e)
{
	e->limits.timer.fn = on_timer;
}

void limit_table_fini(struct evpn *e)
{
	timerq_stop(&e->timers, &e->limits.timer);
}

void limits_init(struct limits *l, const struct config_vni *c)
{
	*l = (struct limits){ .vni.limit = c->mac_limit };
	for (size_t i = 0; i < c->n_ports; i++) {
		const struct config_port *p = &c->ports[i];
		size_t len = strlen(p->name) + sizeof(".4094");

		if (!p->mac_limit)
			continue;
		l->named = xrealloc(l->named, (l->n_named + 1) * sizeof(*l->named));
		l->named[l->n_named] = (struct config_port){ .name = xcalloc(1, len), .mac_limit = p->mac_limit };
		snprintf(l->named[l->n_named++].name, len, p->vlan && !c->vlan ? "%s.%u" : "%s", p->name, p->vlan);
	}
}

void limits_fini(struct limits *l)
{
	for (size_t i = 0; i < l->n_named; i++)
		free(l->named[i].name);
	free(l->named);
	free(l->ports);
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

static size_t place(const struct limits *l, unsigned ifindex)
{
	size_t low = 0, high = l->n_ports;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (l->ports[mid].ifindex < ifindex)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct limit_port *port_find(const struct limits *l, unsigned ifindex)
{
	size_t at = place(l, ifindex);

	return at < l->n_ports && l->ports[at].ifindex == ifindex ? &l->ports[at] : NULL;
}

/* The configured limit of the port of that name; backends name a port in another namespace with that behind it. */
static uint32_t limit_of(const struct evpn *e, const struct limits *l, unsigned ifindex)
{
	const char *name = dp_ifname(e->dp, ifindex);
	size_t len = name ? strcspn(name, "@") : 0;

	for (size_t i = 0; name && i < l->n_named; i++)
		if (!strncmp(l->named[i].name, name, len) && !l->named[i].name[len])
			return l->named[i].mac_limit;
	return 0;
}

/* With limits of ports every port that has MACs is there, with a limit or without. */
static struct limit_port *port_get(const struct evpn *e, struct limits *l, unsigned ifindex)
{
	struct limit_port *p = port_find(l, ifindex);
	size_t at = place(l, ifindex);

	if (p || !l->n_named)
		return p;
	array_room(l->ports, l->n_ports, l->cap_ports, 8);
	p = l->ports + at;
	memmove(p + 1, p, (l->n_ports - at) * sizeof(*p));
	l->n_ports++;
	*p = (struct limit_port){ .ifindex = ifindex, .c.limit = limit_of(e, l, ifindex) };
	return p;
}

/* A port without MACs may be another device tomorrow. */
static void port_put(struct limits *l, struct limit_port *p)
{
	if (!p || p->c.learned || p->c.over)
		return;
	l->n_ports--;
	memmove(p, p + 1, (l->n_ports - (size_t)(p - l->ports)) * sizeof(*p));
}

/* ---- counts ------------------------------------------------------------------------------------------------------ */

static bool is_full(const struct limit_count *c)
{
	return c->limit && c->learned >= c->limit;
}

/* Said once when it is reached, and when there is a tenth of it, or one, to spare again. */
static void say(struct evpn *e, const struct evi *evi, struct limit_count *c, unsigned ifindex)
{
	const char *port = ifindex ? dp_ifname(e->dp, ifindex) : NULL;
	uint32_t spare = c->limit / 10 ? c->limit / 10 : 1;
	bool reached = c->reached ? c->learned + spare > c->limit : is_full(c);

	if (!c->limit || reached == c->reached)
		return;
	c->reached = reached;
	note_limit(e, evi, ifindex, reached);
	log_at(e->log, reached ? LOG_WARN : LOG_INFO, LOG_EVPN,
	       reached ? "vni %u%s%s: mac-limit %u is reached: MACs above it are not advertised" :
			 "vni %u%s%s: below its mac-limit of %u again",
	       evi->vni, ifindex ? " port " : "", ifindex ? port ? port : "?" : "", c->limit);
}

static void want_walk(struct evpn *e)
{
	e->limits.again = timerq_armed(&e->limits.timer);
	if (!e->limits.again)
		timerq_arm(&e->timers, &e->limits.timer, mtime_add_ms(e->now, WALK_PAUSE_MS));
}

static void add(struct evpn *e, struct evi *evi, unsigned ifindex, int learned, int over)
{
	struct limit_port *p = port_get(e, &evi->limits, ifindex);

	evi->limits.vni.learned += (uint32_t)learned;
	evi->limits.vni.over += (uint32_t)over;
	say(e, evi, &evi->limits.vni, 0);
	if (p) {
		p->c.learned += (uint32_t)learned;
		p->c.over += (uint32_t)over;
		say(e, evi, &p->c, ifindex);
		port_put(&evi->limits, p);
	}
	if (learned < 0 && evi->limits.vni.over)
		want_walk(e);
}

static bool counts(const struct mac_entry *m)
{
	return mac_is_here(m->state) && !(m->flags & MAC_STATIC);
}

void limit_count(struct evpn *e, struct evi *evi, const struct mac_entry *was, const struct mac_entry *is)
{
	bool before = counts(was), now = counts(is);

	if (before == now && (!now || was->ifindex == is->ifindex))
		return;
	if (now)
		add(e, evi, is->ifindex, 1, 0);
	if (before)
		add(e, evi, was->ifindex, -1, 0);
}

bool limit_refuses(const struct evpn *e, const struct evi *evi, const struct mac_entry *m, unsigned ifindex)
{
	const struct limits *l = &evi->limits;
	const struct limit_port *p;

	if (!l->vni.limit && !l->n_named)
		return false;
	if (!counts(m) && is_full(&l->vni))
		return true;
	p = counts(m) && m->ifindex == ifindex ? NULL : port_find(l, ifindex);
	return p && is_full(&p->c);
}

void limit_hold(struct evpn *e, struct evi *evi, struct mac_entry *m)
{
	m->flags |= MAC_OVER;
	note_mac_limited(e, evi, m);
	add(e, evi, m->ifindex, 0, 1);
}

void limit_release(struct evpn *e, struct evi *evi, struct mac_entry *m)
{
	m->flags &= (uint8_t)~MAC_OVER;
	add(e, evi, m->ifindex, 0, -1);
}

/* ---- those that wait --------------------------------------------------------------------------------------------- */

static void let_in(struct evpn *e, uint32_t h)
{
	const struct mac_entry *m = mac_get(e, h);
	struct evi *evi = evi_get(&e->evis, m->evi);
	struct mac mac = m->mac;

	if ((m->flags & MAC_OVER) && !limit_refuses(e, evi, m, m->ifindex))
		mac_learned(e, evi, &mac, m->ifindex, false);
}

static void on_timer(struct timerq_node *n, struct mtime now)
{
	struct evpn *e = container_of(n, struct evpn, limits.timer);

	for (unsigned i = 0; i < WALK_STEP; i++) {
		e->limits.at = slab_next(&e->macs.slab, e->limits.at);
		if (!e->limits.at) {
			if (e->limits.again)
				want_walk(e);
			return;
		}
		let_in(e, e->limits.at);
	}
	timerq_arm(&e->timers, n, mtime_add_ms(now, WALK_STEP_MS));
}

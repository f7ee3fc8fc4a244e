/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See event.h; and show events. */
#include "cmd/evpnd/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/show.h"

#define EVENTS_MAX 100000u /* there are fewer of them */
#define CLOCK_SET_US 500000 /* a turn of the loop may be long, so less is no sign */

void event_note(struct daemon *d, enum history_what what, const char *text)
{
	struct history_event e = { .kind = HISTORY_SYSTEM, .what = (uint8_t)what, .text = text };

	history_add(&d->history, HISTORY_DAEMON, &e);
}

static bool match_mac(const struct reply *r, const struct mac *mac)
{
	return mac && reply_match_mac(r, mac);
}

static bool match_ip(const struct reply *r, enum verb_arg a, const struct ip *ip)
{
	return !reply_has(r, a) || (ip && reply_match_ip(r, a, ip));
}

bool event_matches(const struct reply *r, const struct history_event *e)
{
	if (reply_has(r, ARG_KIND) && reply_arg(r, ARG_KIND)->n != e->kind)
		return false;
	if (reply_has(r, ARG_SINCE) && mtime_diff_us(e->at, r->now) > (int64_t)reply_arg(r, ARG_SINCE)->n * 1000000)
		return false;
	if (reply_has(r, ARG_MAC) && !match_mac(r, e->mac) && !match_mac(r, e->mac_was))
		return false;
	return reply_match_vni(r, e->vni) && match_ip(r, ARG_IP, e->ip) && match_ip(r, ARG_NEIGHBOR, e->neighbor);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

/*
 * Events know the monotonic time. The other clock is read at each answer, but believed only when it was set:
 * an event has the same time whenever it is asked for, and what was before a step of the clock moves with it.
 */
static int64_t wall_us(const struct reply *r)
{
	struct timespec ts;
	int64_t us;

	clock_gettime(CLOCK_REALTIME, &ts);
	us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 - r->now.us;
	if (us > r->d->wall_us + CLOCK_SET_US || us < r->d->wall_us - CLOCK_SET_US)
		r->d->wall_us = us;
	return r->d->wall_us;
}

/* To a millisecond. */
static void print_time(const struct reply *r, struct json *j, struct mtime at)
{
	int64_t us = wall_us(r) + at.us;
	time_t s = us / 1000000;
	char date[32], text[48];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03uZ", date, (unsigned)(us / 1000 % 1000));
	json_str(j, "time", text);
}

/* A port that has gone since has the name that it had. */
static void print_port(const struct reply *r, struct json *j, unsigned ifindex)
{
	const char *name = dp_ifname(r->d->dp, ifindex);
	char number[16];

	name = name ? name : history_port_name(&r->d->history, ifindex);
	snprintf(number, sizeof(number), "#%u", ifindex);
	json_str(j, "interface", !ifindex ? NULL : name ? name : number);
}

/* "2 192.0.2.2:100 02:00:00:00:00:01 10.0.0.1": type, RD, and what else names it. */
static void print_route(struct json *j, const struct history_event *e)
{
	static const struct bgp_attrs none;
	struct evpn_route_fields f;
	char text[160];

	if (!e->key_len) {
		json_null(j, "route");
		return;
	}
	evpn_route_fields(e->key, e->key_len, &none, &f);
	snprintf(text, sizeof(text), "%u %s%s%s%s%s", f.type, evpn_rd_str(f.rd).s, f.has_mac ? " " : "",
		 f.has_mac ? mac_str(&f.mac).s : "", f.ip.len ? " " : "", ip_str(&f.ip).s);
	json_str(j, "route", text);
}

void event_print(struct reply *r, struct json *j, const char *key, const struct history_event *e)
{
	json_object(j, key);
	json_uint(j, "id", e->id);
	print_time(r, j, e->at);
	json_str(j, "kind", history_kind_name(e->kind));
	json_str(j, "event", history_what_name(e->what));
	json_str(j, "was", history_what_name(e->was));
	json_uint_if(j, "vni", e->vni, e->vni);
	json_mac(j, "mac", e->mac);
	json_mac(j, "mac_was", e->mac_was);
	json_ip(j, "ip", e->ip);
	json_ip(j, "vtep", e->vtep);
	json_ip(j, "vtep_was", e->from);
	print_port(r, j, e->ifindex);
	json_str(j, "table", e->table);
	json_uint_if(j, "sequence", e->kind == HISTORY_MAC || e->kind == HISTORY_ROUTE, e->sequence);
	json_ip(j, "neighbor", e->neighbor);
	json_uint_if(j, "routes", e->count, e->count);
	print_route(j, e);
	json_str(j, "reason", e->reason ? e->reason : e->text);
	json_object_end(j);
}

uint64_t event_first(const struct reply *r, bool (*matches)(const struct reply *r, const struct history_event *e),
		     uint64_t n)
{
	const struct history *h = &r->d->history;
	uint64_t *ids = n < EVENTS_MAX ? xcalloc(n, sizeof(*ids)) : NULL; /* of the newest n, in turn */
	uint64_t all = 0, first;
	struct history_reader reader;
	struct history_event e;

	history_read_all(h, &reader, HISTORY_ALL);
	while (ids && history_next(h, &reader, &e))
		if (matches(r, &e))
			ids[all++ % n] = e.id;
	first = ids && all > n ? ids[all % n] : 0;
	free(ids);
	return first;
}

/* ---- show events ------------------------------------------------------------------------------------------------- */

struct events_state {
	struct history_reader reader;
	uint64_t first; /* id */
};

static int start_events(struct reply *r)
{
	struct events_state *s = r->state;

	history_read_all(&r->d->history, &s->reader, HISTORY_ALL);
	if (reply_has(r, ARG_COUNT))
		s->first = event_first(r, event_matches, reply_arg(r, ARG_COUNT)->n);
	return 0;
}

static bool more_events(struct reply *r)
{
	struct events_state *s = r->state;
	struct history_event e;

	while (reply_step(r)) {
		if (!history_next(&r->d->history, &s->reader, &e))
			return false;
		if (e.id >= s->first && event_matches(r, &e))
			event_print(r, reply_row(r), NULL, &e);
	}
	return true;
}

const struct reply_ops show_events = { sizeof(struct events_state), start_events, more_events, NULL };

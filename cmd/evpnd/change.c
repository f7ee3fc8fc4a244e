/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The verbs that change something: neighbor ADDR ..., mac add|del|clear, vni N mode M, drain,
 * log LEVEL, reload. Each leaves a line in the log. */
#include <errno.h>
#include <string.h>

#include "cmd/evpnd/apply.h"
#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/event.h"
#include "cmd/evpnd/show.h"

#define TEXT_MAX 255u /* octets, RFC 9003 2 */

static void log_action(struct reply *r)
{
	log_info(&r->d->log, LOG_CTL, "neighbor %s: %s by the control socket", reply_arg(r, ARG_ADDRESS)->text,
		 reply_arg(r, ARG_ACTION)->text);
}

static int refresh(struct reply *r, struct bgp_peer *peer)
{
	switch (bgp_peer_refresh(peer, r->now)) {
	case 0:
		log_action(r);
		return 0;
	case -ENOTCONN:
		return reply_fail(r, 1, "neighbor %s: no session to ask over", reply_arg(r, ARG_ADDRESS)->text);
	default:
		return reply_fail(r, 1, "neighbor %s has no route refresh capability", reply_arg(r, ARG_ADDRESS)->text);
	}
}

static int start_neighbor(struct reply *r)
{
	struct bgp_peer *peer = show_find_peer(r, ARG_ADDRESS);
	enum verb_action action = (enum verb_action)reply_arg(r, ARG_ACTION)->n;
	const char *text = reply_has(r, ARG_TEXT) ? reply_arg(r, ARG_TEXT)->text : NULL;
	struct bgp_peer_info info;

	if (!peer)
		return 1;
	r->body = REPLY_NONE;
	bgp_peer_info(peer, &info);
	if (action == ACTION_CLEAR && info.admin_down)
		return reply_fail(r, 1, "neighbor %s is down by hand, 'up' starts it", reply_arg(r, ARG_ADDRESS)->text);
	if (text && action != ACTION_DOWN && action != ACTION_CLEAR)
		return reply_fail(r, 2, "a text goes with down or clear");
	if (text && strlen(text) > TEXT_MAX)
		return reply_fail(r, 2, "the text may have %u octets", TEXT_MAX);
	if (action != ACTION_REFRESH)
		log_action(r);
	switch (action) {
	case ACTION_UP:
		bgp_peer_up(peer, r->now);
		return 0;
	case ACTION_DOWN:
		bgp_peer_down(peer, text, r->now);
		return 0;
	case ACTION_CLEAR:
		bgp_peer_clear(peer, text, r->now);
		return 0;
	case ACTION_REFRESH:
		return refresh(r, peer);
	}
	BUG("no such action: %d", (int)action);
}

const struct reply_ops change_neighbor = { .start = start_neighbor };

/* With a MAC, no means that there was nothing to clear. */
static int start_mac_clear(struct reply *r)
{
	const struct mac *mac = reply_has(r, ARG_MAC) ? &reply_arg(r, ARG_MAC)->mac : NULL;
	uint32_t vni = reply_has(r, ARG_VNI) ? reply_arg(r, ARG_VNI)->n : 0;
	struct evpn_vni_info i;
	unsigned n;

	r->body = REPLY_NONE;
	if (vni && !evpn_vni_find(r->d->evpn, vni, &i))
		return reply_fail(r, 1, "VNI %u is not configured", vni);
	n = evpn_mac_clear(r->d->evpn, vni, mac);
	if (mac && !n)
		return reply_fail(r, 1, "%s is no duplicate", reply_arg(r, ARG_MAC)->text);
	log_info(&r->d->log, LOG_CTL, "mac clear: %u duplicates may move again", n);
	return 0;
}

const struct reply_ops change_mac_clear = { .start = start_mac_clear };

/* A MAC is behind one VTEP, but for what h is to replace. */
static int check_host_vtep(struct reply *r, uint32_t vni, const struct config_host *h)
{
	struct evpn_claimant c;

	for (unsigned n = 0; evpn_claimant_nth(r->d->evpn, vni, &h->mac, n, &c); n++)
		if (c.by == EVPN_BY_CONFIGURATION && !ip_eq(&c.ip, &h->ip) && !ip_eq(&c.vtep, &h->vtep))
			return reply_fail(r, 1, "%s is behind %s already: mac del takes it away", mac_str(&h->mac).s,
					  ip_str(&c.vtep).s);
	return 0;
}

static bool is_configured(struct reply *r, const struct evpn_arp_info *i)
{
	struct evpn_claimant c;

	for (unsigned n = 0; evpn_claimant_nth(r->d->evpn, i->vni, &i->mac, n, &c); n++)
		if (c.by == EVPN_BY_CONFIGURATION && ip_eq(&c.ip, &i->ip))
			return true;
	return false;
}

/* An address belongs to one MAC. */
static int check_host_ip(struct reply *r, uint32_t vni, const struct config_host *h)
{
	struct evpn_arp_info i;

	for (unsigned n = 0; evpn_arp_nth(r->d->evpn, vni, &h->ip, n, &i); n++)
		if (!mac_eq(&i.mac, &h->mac) && is_configured(r, &i))
			return reply_fail(r, 1, "%s belongs to %s already: mac del takes it away", ip_str(&h->ip).s,
					  mac_str(&i.mac).s);
	return 0;
}

/* What would be an error in the configuration is one here. */
static int check_host(struct reply *r, uint32_t vni, const struct config_host *h)
{
	struct evpn_vni_info i;
	int status;

	if (!evpn_vni_find(r->d->evpn, vni, &i))
		return reply_fail(r, 1, "VNI %u is not configured", vni);
	if (i.mode == CONFIG_MODE_STATIC_L3 && !h->ip.len)
		return reply_fail(r, 1,
				  "--ip: expected the address of the host, which mode static-l3 needs, found none");
	status = check_host_vtep(r, vni, h);
	return status || !h->ip.len ? status : check_host_ip(r, vni, h);
}

static int start_mac_add(struct reply *r)
{
	struct config_host h = { .mac = reply_arg(r, ARG_MAC)->mac,
				 .ip = reply_arg(r, ARG_IP)->ip,
				 .vtep = reply_arg(r, ARG_VTEP)->ip,
				 .router = reply_has(r, ARG_ROUTER) };
	uint32_t vni = reply_arg(r, ARG_VNI)->n;
	int status;

	r->body = REPLY_NONE;
	if (mac_is_group(&h.mac) || mac_is_zero(&h.mac))
		return reply_fail(r, 2, "--mac: expected the address of a host, found '%s'",
				  reply_arg(r, ARG_MAC)->text);
	if (!ip_is_unicast(&h.vtep) || (h.ip.len && !ip_is_unicast(&h.ip)))
		return reply_fail(r, 2, "--vtep, --ip: expected addresses of hosts");
	status = check_host(r, vni, &h);
	if (status)
		return status;
	if (evpn_host_add(r->d->evpn, vni, &h))
		return reply_fail(r, 1, "--vtep: expected another VTEP than ours, of the same family, found %s",
				  reply_arg(r, ARG_VTEP)->text);
	log_info(&r->d->log, LOG_CTL, "mac add: VNI %u: %s is behind %s", vni, reply_arg(r, ARG_MAC)->text,
		 reply_arg(r, ARG_VTEP)->text);
	return 0;
}

const struct reply_ops change_mac_add = { .start = start_mac_add };

static int start_mac_del(struct reply *r)
{
	uint32_t vni = reply_arg(r, ARG_VNI)->n;

	r->body = REPLY_NONE;
	if (evpn_host_del(r->d->evpn, vni, &reply_arg(r, ARG_MAC)->mac, &reply_arg(r, ARG_IP)->ip))
		return reply_fail(r, 1, "VNI %u has no such host that was configured or added", vni);
	log_info(&r->d->log, LOG_CTL, "mac del: VNI %u: %s", vni, reply_arg(r, ARG_MAC)->text);
	return 0;
}

const struct reply_ops change_mac_del = { .start = start_mac_del };

static int start_vni(struct reply *r)
{
	uint32_t vni = reply_arg(r, ARG_NUMBER)->n;

	r->body = REPLY_NONE;
	return apply_mode(r->d, vni, (enum config_mode)reply_arg(r, ARG_MODE)->n, r->error, sizeof(r->error)) ? 0 : 1;
}

const struct reply_ops change_vni = { .start = start_vni };

static int start_log(struct reply *r)
{
	enum log_level level = (enum log_level)reply_arg(r, ARG_LEVEL)->n;

	r->body = REPLY_NONE;
	r->d->log.level = LOG_INFO; /* so that the change itself is in the log, whatever it is from and to */
	log_info(&r->d->log, LOG_CTL, "log level is %s from here on", log_level_name(level));
	r->d->log.level = level;
	return 0;
}

const struct reply_ops change_log = { .start = start_log };

static int start_drain(struct reply *r)
{
	bool on = !reply_has(r, ARG_SWITCH) || reply_arg(r, ARG_SWITCH)->n;

	r->body = REPLY_NONE;
	if (on == (bgp_draining(r->d->bgp).us != MTIME_NEVER.us))
		return 0;
	bgp_drain(r->d->bgp, on, r->now);
	event_note(r->d, HISTORY_CHANGED, on ? "drain on" : "drain off");
	log_info(&r->d->log, LOG_CTL, on ? "drain: all routes are sent again, as of a host that is about to go" :
					   "drain off: all routes are sent again, as they were");
	return 0;
}

const struct reply_ops change_drain = { .start = start_drain };

struct reload_state {
	struct buf lines;
};

static int start_reload(struct reply *r)
{
	struct reload_state *s = r->state;

	buf_init(&s->lines);
	if (reply_has(r, ARG_DRY_RUN))
		return apply_plan(r->d, &s->lines, r->error, sizeof(r->error)) ? 0 : 1;
	r->body = REPLY_NONE;
	return apply_reload(r->d, r->error, sizeof(r->error)) ? 0 : 1;
}

static bool more_reload(struct reply *r)
{
	struct reload_state *s = r->state;

	return reply_lines(r, &s->lines);
}

static void end_reload(struct reply *r)
{
	struct reload_state *s = r->state;

	buf_fini(&s->lines);
}

const struct reply_ops change_reload = { sizeof(struct reload_state), start_reload, more_reload, end_reload };

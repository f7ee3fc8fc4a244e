/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The doctor's look at sessions: one that is not up, in words of what to do; one that is, and carries no EVPN. */
#include <string.h>

#include "cmd/evpnd/doctor_daemon.h"
#include "cmd/evpnd/session_problem.h"

#define MEMORY_NEAR 90 /* percent of memory-limit */

enum side { SIDE_US, SIDE_THEM, SIDE_ANY }; /* who sent the NOTIFICATION */

/* Subcode 0: any. The first that fits counts. */
static const struct {
	uint8_t code, subcode;
	enum side side;
	const char *word, *command;
} ends[] = {
	{ 2, 2, SIDE_US, "session-asn", "the other's AS as asn: of the neighbor, or the other's own AS is wrong" },
	{ 2, 2, SIDE_THEM, "session-asn",
	  "our asn:, or the AS that the other has for us (FRR: neighbor A remote-as N)" },
	{ 2, 3, SIDE_ANY, "session-router-id",
	  "another router-id: here or there: both have the same, or one is not valid" },
	{ 2, 6, SIDE_ANY, "session-hold-time", "hold-time: 3 or more on both sides" },
	{ 2, 7, SIDE_ANY, "session-no-evpn",
	  "EVPN on both sides; there, in FRR: address-family l2vpn evpn, neighbor A activate" },
	{ 2, 11, SIDE_ANY, "session-role",
	  "role: of the neighbor, and the other's: they have to be a pair (RFC 9234)" },
	{ 4, 0, SIDE_ANY, "session-hold-timer",
	  "nothing came for the hold time: is the path lossy, its MTU right (ping -M do -s 1472), the other "
	  "overloaded?" },
	{ 6, 1, SIDE_ANY, "session-max-prefixes",
	  "more routes than max-prefixes: raise it, or find who announces them; evpnctl neighbor ADDR up" },
	{ 6, 2, SIDE_THEM, "session-shutdown",
	  "the other has shut the session down by hand (FRR: no neighbor A shutdown)" },
	{ 6, 3, SIDE_THEM, "session-unknown", "the other does not know us any more: configure this host there" },
	{ 6, 5, SIDE_THEM, "session-unknown", "the other refuses us: does it have this address as a neighbor?" },
	{ 6, 8, SIDE_US, "session-memory-limit",
	  "its routes were the most of what memory-limit: allows for all: raise it, or set max-prefixes:" },
	{ 6, 7, SIDE_ANY, "session-collision", "it comes up by itself; if not, passive: true on one side" },
	{ 1, 0, SIDE_ANY, "session-message", "what speaks there may be no BGP, or of another version" },
	{ 3, 0, SIDE_ANY, "session-update", "an UPDATE was refused: evpnctl show neighbors ADDR has its octets" },
};

static const struct {
	const char *text, *word, *command; /* text: in the reason why connects fail */
} connects[] = {
	{ "Connection refused", "session-refused",
	  "no BGP listens there: is it running, does it listen at this address (ss -ltn 'sport = :179')?" },
	{ "password", "session-password",
	  "the same password: on both sides, or none; is the other up at all? ping tells" },
	{ "no answer", "session-no-answer",
	  "ping it; a filter may drop TCP port 179, and with ttl-security packets from further away are dropped" },
	{ "No route to host", "session-no-route",
	  "nobody answers for it, or for the gateway to it: ip route get ADDR, then ping that" },
	{ "unreachable", "session-no-route", "ip route get ADDR" },
	{ "Connection reset", "session-refused", "it closes at once: does it have this host's address as a neighbor?" },
	{ "Cannot assign", "session-local-address", "listen: names an address that this host does not have" },
};

static void replace_address(const char *text, const struct ip *address, struct doctor_finding *f)
{
	const char *at = strstr(text, "ADDR");

	if (at)
		doctor_command(f, "%.*s%s%s", (int)(at - text), text, ip_str(address).s, at + strlen("ADDR"));
	else
		doctor_command(f, "%s", text);
}

static struct doctor_finding *down(struct doctor *x, const struct bgp_peer_info *i, const char *code, const char *said)
{
	struct doctor_finding *f =
		doctor_find(x, DOCTOR_ERROR, code, "the session with %s is %s%s%s", ip_str(&i->address).s,
			    bgp_state_name(i->state), said[0] ? ": " : "", said);

	f->neighbor = i->address;
	doctor_why(f, "no routes come from it, and it has none of ours");
	return f;
}

/* The later of the two NOTIFICATIONs, if one fits. */
static bool by_notification(struct doctor *x, const struct bgp_peer_info *i)
{
	bool us;
	const struct bgp_error *e = session_last_error(i, &us);

	for (size_t k = 0; e->set && k < sizeof(ends) / sizeof(ends[0]); k++) {
		if (ends[k].code != e->code || (ends[k].subcode && ends[k].subcode != e->subcode) ||
		    ends[k].side == (us ? SIDE_THEM : SIDE_US))
			continue;
		replace_address(ends[k].command, &i->address, down(x, i, ends[k].word, e->text));
		return true;
	}
	return false;
}

static bool by_connect(struct doctor *x, const struct bgp_peer_info *i, const struct bgp_transport_stats *s)
{
	const char *error = i->connect_error;

	if (strstr(error, "no answer") && (s->md5_failure || s->md5_not_found || s->md5_unexpected)) {
		replace_address("segments with a wrong TCP-MD5 signature, or without one, have come: the same "
				"password: on both sides",
				&i->address, down(x, i, "session-password", error));
		return true;
	}
	for (size_t k = 0; error[0] && k < sizeof(connects) / sizeof(connects[0]); k++) {
		if (!strstr(error, connects[k].text))
			continue;
		replace_address(connects[k].command, &i->address, down(x, i, connects[k].word, error));
		return true;
	}
	return false;
}

static void look_at_down(struct doctor *x, const struct bgp_peer_info *i, const struct bgp_transport_stats *s)
{
	struct doctor_finding *f;

	if (i->admin_down) {
		f = down(x, i, "session-admin-down", "it was taken down by hand");
		f->severity = DOCTOR_WARNING;
		doctor_command(f, "evpnctl neighbor %s up", ip_str(&i->address).s);
	} else if (!(session_error_is_fresh(i, loop_now(&x->d->loop)) && by_notification(x, i)) &&
		   !by_connect(x, i, s) && !by_notification(x, i)) {
		f = down(x, i, "session-down", i->reason ? i->reason : "");
		doctor_command(f,
			       i->passive ? "passive: the other has to connect; is %s up, and does it have our address?"
					  : "evpnctl show neighbors %s says what was tried last",
			       ip_str(&i->address).s);
	}
}

/* EVPN was asked for, and the other does not speak it. */
static void look_at_family(struct doctor *x, const struct bgp_peer_info *i)
{
	struct doctor_finding *f;

	for (uint32_t k = 0; k < i->n_families; k++)
		if (i->families[k].family == &evpn_family && i->families[k].negotiated)
			return;
	f = doctor_find(x, DOCTOR_ERROR, "session-no-evpn", "the session with %s is up and carries no EVPN",
			ip_str(&i->address).s);
	f->neighbor = i->address;
	doctor_why(f,
		   "the other has not offered AFI 25, SAFI 70, or families: here has no evpn: no route is exchanged");
	doctor_command(
		f,
		"there, in FRR: address-family l2vpn evpn, neighbor A activate; both sides: evpnctl show neighbors %s",
		ip_str(&i->address).s);
}

static void look_at_limits(struct doctor *x, const struct bgp_peer_info *i)
{
	struct doctor_finding *f;

	if (i->max_prefixes &&
	    i->prefixes_received * 100 >=
		    (uint64_t)i->max_prefixes * (i->max_prefixes_warning ? i->max_prefixes_warning : 75)) {
		f = doctor_find(x, DOCTOR_WARNING, "max-prefixes", "%s has sent %llu routes, and may send %u",
				ip_str(&i->address).s, (unsigned long long)i->prefixes_received, i->max_prefixes);
		f->neighbor = i->address;
		doctor_why(f, "above that its session ends");
		doctor_command(f, "a larger max-prefixes: of the neighbor, then: evpnctl reload");
	}
	if (!i->treat_as_withdraw && !i->attributes_discarded)
		return;
	f = doctor_find(x, DOCTOR_WARNING, "bad-updates",
			"%s has sent routes that are malformed: %u withdrawn, %u attributes discarded",
			ip_str(&i->address).s, i->treat_as_withdraw, i->attributes_discarded);
	f->neighbor = i->address;
	doctor_why(f, "hosts of these routes are missing here (RFC 7606)");
	doctor_command(f, "evpnctl show neighbors %s has the last one; its maker has to mend it",
		       ip_str(&i->address).s);
}

/* What memory-limit allows is for all neighbors: who has the most of it will go. */
static void look_at_memory(struct doctor *x)
{
	struct doctor_finding *f;
	struct bgp_memory m;

	bgp_memory(x->d->bgp, &m);
	if (!m.limit || m.used * 100 < m.limit * MEMORY_NEAR)
		return;
	f = doctor_find(x, DOCTOR_WARNING, "memory-limit", "routes take %llu MiB of the %llu MiB of memory-limit",
			(unsigned long long)(m.used >> 20), (unsigned long long)(m.limit >> 20));
	doctor_why(f, "above that the session ends of the neighbor that has the most of it");
	doctor_command(f, "a larger memory-limit:, then: evpnctl reload; evpnctl show neighbors has who sends most");
}

bool doctor_sessions(struct doctor *x)
{
	const struct bgp_peer *p = NULL;
	struct bgp_transport_stats s;
	struct bgp_peer_info i;

	look_at_memory(x);
	bgp_transport_stats(x->d->transport, &s);
	while ((p = bgp_peer_next(x->d->bgp, p))) {
		bgp_peer_info(p, &i);
		if (i.state != BGP_ESTABLISHED) {
			look_at_down(x, &i, &s);
			continue;
		}
		look_at_family(x, &i);
		look_at_limits(x, &i);
	}
	return false;
}

bool doctor_listening(struct doctor *x)
{
	struct doctor_finding *f;

	if (!x->config->n_neighbors || x->d->listening)
		return false;
	f = doctor_find(x, DOCTOR_ERROR, "bgp-port", "evpnd does not listen for BGP");
	doctor_why(f, "neighbors that connect are refused");
	doctor_command(f, "ss -ltnp 'sport = :179' shows who has the port; the log says what was refused");
	return false;
}

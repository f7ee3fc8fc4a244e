/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * RFC 7432 15. A port that sees a MAC is a fact, and facts win at the moment they come (arrive); afterwards what we
 * advertise competes with the routes of others like any other claim (defend).
 */
#include "evpn/mobility.h"

int mac_sequence_cmp(uint32_t a, uint32_t b)
{
	uint32_t d = a - b;

	/*
	 * RFC 1982 leaves half the circle apart undefined. Both sides must judge alike
	 * all the same: the larger number wins.
	 */
	if (d == 0x80000000u)
		return a > b ? 1 : -1;
	return d == 0 ? 0 : d < 0x80000000u ? 1 : -1;
}

int mac_claim_cmp(const struct mac_claim *a, const struct mac_claim *b)
{
	int d = (int)b->last_resort - (int)a->last_resort;

	if (d) /* it may have moved on from who died with a high sequence */
		return d;
	d = (int)a->gateway - (int)b->gateway;
	if (!d && !a->gateway) /* rfc7432bis 10.1.1: mobility does not count for a gateway */
		d = (int)a->sticky - (int)b->sticky;
	if (!d && !a->gateway)
		d = mac_sequence_cmp(a->sequence, b->sequence);
	if (!d)
		d = (int)b->draining - (int)a->draining;
	return d ? d : ip_cmp(&b->vtep, &a->vtep);
}

const char *mac_claim_step(const struct mac_claim *won, const struct mac_claim *lost)
{
	if (won->last_resort != lost->last_resort)
		return "it is long-lived stale, and another claim is not";
	if (won->gateway != lost->gateway)
		return "another claim is a default gateway's";
	if (!won->gateway && won->sticky != lost->sticky)
		return "another claim is static";
	if (!won->gateway && won->sequence != lost->sequence)
		return "another claim has a higher sequence";
	if (won->draining != lost->draining)
		return "its VTEP is about to go, and another claim's is not";
	return ip_eq(&won->vtep, &lost->vtep) ? "another claim says nearly the same" :
						"another claim has the same sequence and the lower VTEP address";
}

/* May a port of ours not have it? RFC 7432 15.2 for static MACs, rfc7432bis 10.1.1 for gateways. */
static bool pinned(const struct mac_claim *c)
{
	return c->sticky || c->gateway;
}

/* A port shows a MAC that was not ours: it moved here, with a sequence above everyone's (RFC 7432 15). */
static struct mac_step arrive(const struct mac_view *v)
{
	if (!v->theirs)
		return (struct mac_step){ MAC_LOCAL, 0, MAC_R_LEARNED };
	if (!pinned(v->theirs))
		return (struct mac_step){ MAC_LOCAL, v->theirs->sequence + 1, MAC_R_MOVED_HERE };
	if (v->ours.sticky)
		return (struct mac_step){ MAC_HELD, v->theirs->sequence + 1, MAC_R_STICKY_HERE };
	return (struct mac_step){ MAC_BARRED, 0, MAC_R_STICKY_THERE };
}

/* Ours so far: does it stay? */
static struct mac_step defend(const struct mac_view *v)
{
	struct mac_step stay = { MAC_LOCAL, v->ours.sequence, MAC_R_LEARNED };
	struct mac_claim ours = v->ours, theirs;

	if (!v->theirs)
		return stay;
	theirs = *v->theirs;
	theirs.draining = false; /* they and we have to judge alike */
	ours.sticky = false; /* would it win if ours were not static? */
	if (mac_claim_cmp(&theirs, &ours) <= 0)
		return stay;
	if (v->ours.sticky)
		return (struct mac_step){ MAC_HELD, v->ours.sequence, MAC_R_STICKY_HERE };
	if (pinned(v->theirs))
		return (struct mac_step){ MAC_BARRED, 0, MAC_R_STICKY_THERE };
	return (struct mac_step){ MAC_REMOTE, 0,
				  v->theirs->sequence == ours.sequence ? MAC_R_LOWER_VTEP : MAC_R_SEQUENCE };
}

/* Not ours: what the routes say. A port has waited for its turn when nothing keeps the MAC elsewhere any more. */
static struct mac_step follow(const struct mac_view *v, enum mac_reason why)
{
	if (v->on_port && (!v->theirs || !pinned(v->theirs)))
		return arrive(v);
	if (!v->theirs)
		return (struct mac_step){ MAC_UNKNOWN, 0, why == MAC_R_LEFT ? MAC_R_LEFT : MAC_R_WITHDRAWN };
	if ((v->state == MAC_BARRED || v->on_port) && pinned(v->theirs) && why != MAC_R_LEFT)
		return (struct mac_step){ MAC_BARRED, 0, MAC_R_STICKY_THERE };
	return (struct mac_step){ MAC_REMOTE, 0, why };
}

/*
 * A duplicate: events change nothing until it has but one place left, or someone pins it to one.
 * It is followed from one VTEP to another, since a route that was withdrawn must not be used.
 */
static bool stays_frozen(const struct mac_view *v, enum mac_event ev, struct mac_step *out)
{
	if (ev == MAC_THAWED || !v->theirs || pinned(v->theirs) || v->ours.sticky)
		return false;
	if (v->state == MAC_FROZEN_HERE && ev != MAC_LEFT)
		*out = (struct mac_step){ MAC_FROZEN_HERE, v->ours.sequence, MAC_R_DUPLICATE_HERE };
	else
		*out = (struct mac_step){ MAC_FROZEN_THERE, 0, MAC_R_DUPLICATE_THERE };
	return true;
}

bool mac_step_is_move(const struct mac_view *v, const struct mac_step *s, bool *seen)
{
	bool was_here = mac_is_here(v->state);

	*seen = !was_here && s->state == MAC_LOCAL && s->reason == MAC_R_MOVED_HERE && !v->ours.sticky;
	return *seen || (was_here && s->state == MAC_REMOTE && s->reason != MAC_R_LEFT);
}

struct mac_step mac_freeze(const struct mac_view *v)
{
	if (mac_is_here(v->state))
		return (struct mac_step){ MAC_FROZEN_HERE, v->ours.sequence, MAC_R_DUPLICATE_HERE };
	return (struct mac_step){ MAC_FROZEN_THERE, 0, MAC_R_DUPLICATE_THERE };
}

struct mac_step mac_step(const struct mac_view *v, enum mac_event ev)
{
	bool here = mac_is_here(v->state);
	struct mac_step frozen;

	if (mac_is_frozen(v->state) && stays_frozen(v, ev, &frozen))
		return frozen;
	switch (ev) {
	case MAC_LEARNED: /* no longer static and claimed elsewhere: the port has the last word */
		if (here) {
			struct mac_step s = defend(v);

			if (mac_is_here(s.state))
				return s;
		}
		return arrive(v);
	case MAC_LEFT:
		return follow(v, MAC_R_LEFT);
	case MAC_ROUTED:
	case MAC_THAWED:
		break;
	}
	return here ? defend(v) : follow(v, MAC_R_ROUTE);
}

const char *mac_state_text(enum mac_state s)
{
	static const char *const text[] = {
		[MAC_UNKNOWN] = "unknown", [MAC_LOCAL] = "local", [MAC_REMOTE] = "remote",
		[MAC_HELD] = "held",       [MAC_BARRED] = "barred",
		[MAC_FROZEN_HERE] = "frozen here", [MAC_FROZEN_THERE] = "frozen there",
	};

	return s < sizeof(text) / sizeof(text[0]) ? text[s] : "";
}

const char *mac_reason_text(enum mac_reason r)
{
	static const char *const text[] = {
		[MAC_R_NONE] = "",
		[MAC_R_LEARNED] = "learned on a port",
		[MAC_R_MOVED_HERE] = "moved here from a VTEP",
		[MAC_R_LEFT] = "left its port",
		[MAC_R_ROUTE] = "route received",
		[MAC_R_WITHDRAWN] = "route withdrawn",
		[MAC_R_SEQUENCE] = "route with a higher sequence",
		[MAC_R_LOWER_VTEP] = "route with the same sequence from a lower VTEP",
		[MAC_R_STICKY_THERE] = "static behind a VTEP, and seen on a port here",
		[MAC_R_STICKY_HERE] = "static here, and claimed by a VTEP",
		[MAC_R_DUPLICATE_HERE] = "duplicate: moved too often, kept on its port",
		[MAC_R_DUPLICATE_THERE] = "duplicate: moved too often, kept behind its VTEP",
		[MAC_R_CONFIGURED] = "configured",
		[MAC_R_ANSWERED] = "answered by the resolver",
		[MAC_R_TUNNEL] = "learned from the tunnel",
		[MAC_R_NOT_CONFIGURED] = "no longer configured",
		[MAC_R_NOT_ANSWERED] = "the resolver's answer has ended",
		[MAC_R_NOT_HEARD] = "no longer heard from the tunnel",
	};

	return r < sizeof(text) / sizeof(text[0]) ? text[r] : "";
}

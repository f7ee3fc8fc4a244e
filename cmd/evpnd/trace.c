/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The verb trace: who is meant, what evpn's tables say of them, the dataplane's rows (dataplane/trace.c), the verdict.
 *
 *	DST, SRC ─► VNI ─► host's route, neighbour ─► binding ─► MAC ─► dataplane's rows, VTEPs ─► verdict
 *
 * It is a question for a few keys, so the answer is made at once.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/show.h"
#include "cmd/netns.h"
#include "include/trace.h"

#define CLAIMS 8u

/* Someone who was named by an address of one kind, and what is known of the other. */
struct party {
	bool given, has_mac;
	struct mac mac;
	struct ip ip;
};

struct trace_state {
	uint32_t vni;
	struct evpn_vni_info info;
	struct party to, from;
	struct trace t;
	struct dp_traced end;
	bool here; /* the destination is the sender's own address */
	char verdict[640], advice[192];
};

/* ---- who is meant ------------------------------------------------------------------------------------------------ */

static struct party party_of(const struct verb_value *v)
{
	struct party p = { .given = v->given, .ip = v->ip };

	p.has_mac = v->given && !v->ip.len;
	p.mac = v->mac;
	return p;
}

static const char *party_name(const struct party *p, char *out, size_t cap)
{
	snprintf(out, cap, "%s", p->ip.len ? ip_str(&p->ip).s : mac_str(&p->mac).s);
	return out;
}

static bool knows(struct reply *r, uint32_t vni, const struct party *p)
{
	struct evpn_mac_info m;
	struct evpn_arp_info a;

	return (p->has_mac && evpn_mac_find(r->d->evpn, vni, &p->mac, &m)) ||
	       (p->ip.len && evpn_arp_find(r->d->evpn, vni, &p->ip, &a));
}

/* Of the VNIs that know p the first, and how many there are. */
static unsigned vnis_of(struct reply *r, const struct party *p, uint32_t *first)
{
	unsigned n = 0;

	for (uint32_t vni = 0; (vni = evpn_vni_after(r->d->evpn, vni));)
		if (!p || knows(r, vni, p))
			*first = n++ ? *first : vni;
	return n;
}

/* The one that is named, the only one, or the one that knows both; 0, or what reply_fail() returned. */
static int find_vni(struct reply *r, struct trace_state *s)
{
	char name[48];
	unsigned n;

	if (reply_has(r, ARG_VNI)) {
		s->vni = reply_arg(r, ARG_VNI)->n;
		if (!evpn_vni_find(r->d->evpn, s->vni, &s->info))
			return reply_fail(r, 1, "VNI %u is not configured", s->vni);
		return 0;
	}
	n = vnis_of(r, NULL, &s->vni);
	if (n > 1)
		n = vnis_of(r, &s->to, &s->vni);
	if (n != 1 && (s->from.has_mac || s->from.ip.len))
		n = vnis_of(r, &s->from, &s->vni);
	if (n == 1)
		return evpn_vni_find(r->d->evpn, s->vni, &s->info) ? 0 : 1;
	party_name(&s->to, name, sizeof(name));
	if (n)
		return reply_fail(r, 1, "%s is known in %u VNIs: say which with --vni", name, n);
	return reply_fail(r, 1, "no VNI knows %s: say with --vni which one it should be in", name);
}

/* ---- the host's own lookups -------------------------------------------------------------------------------------- */

static void skip(struct trace_state *s, enum trace_lookup l, const char *asked, const char *why)
{
	trace_say(trace_add(&s->t, l, "%s", asked), TRACE_SKIPPED, "%s", why);
}

/* Asked where the sender is. False: it ends there. */
static bool trace_inner(struct reply *r, struct trace_state *s, const char *name, int socket)
{
	struct dp_trace_host h = { .name = name, .socket = socket };
	struct dp_traced_host out;
	bool on;

	if (!s->to.ip.len) {
		skip(s, TRACE_INNER_ROUTE, "the host's route", "the trace is to a MAC address, not to an IP address");
		return true;
	}
	on = dp_trace_inner(&h, &s->to.ip, s->from.ip.len ? &s->from.ip : NULL, &s->t, &out);
	s->here = out.here;
	if (!on)
		return false;
	if (!s->from.given) {
		s->from.ip = out.source;
		s->from.mac = out.source_mac;
		s->from.has_mac = !mac_is_zero(&out.source_mac);
	}
	s->to.ip = out.next_hop;
	s->to.has_mac = out.has_mac;
	s->to.mac = out.mac;
	return true;
}

static int start_inner(struct reply *r, struct trace_state *s, bool *on)
{
	*on = true;
	if (!reply_has(r, ARG_FROM))
		return 0;
	if (r->n_fds != NETNS_FDS)
		return reply_fail(r, 1, "--from %.60s: the caller has to open it and hand it over, as evpnctl does",
				  reply_arg(r, ARG_FROM)->text);
	*on = trace_inner(r, s, reply_arg(r, ARG_FROM)->text, r->fds[NETNS_SOCKET]);
	return 0;
}

/* Without --from: where this host is the endpoint its own tables count. */
static bool own_inner(struct reply *r, struct trace_state *s)
{
	struct dp_vni_info d = { 0 };

	if (reply_has(r, ARG_FROM))
		return true;
	if (dp_vni_info(r->d->dp, s->vni, &d) && !d.bridge && d.vxlan && s->to.ip.len)
		return trace_inner(r, s, "this host", -1);
	skip(s, TRACE_INNER_ROUTE, "the host's route",
	     s->to.ip.len ? "which host sends is not said: --from NETNS asks one for its own route and neighbour" :
			    "the trace is to a MAC address, not to an IP address");
	return true;
}

/* ---- evpn's tables ----------------------------------------------------------------------------------------------- */

/* The sender may have found out by itself. */
static void unknown_address(struct trace_state *s, struct trace_step *st)
{
	const struct ip_str ip = ip_str(&s->to.ip);

	if (s->to.has_mac) {
		trace_say(st, TRACE_OK, "no route says who: questions for it go to all, and the sender has its answer");
		return;
	}
	trace_say(st, TRACE_BROKEN, "nobody is known to have %s in VNI %u: who has it is asked of all", ip.s, s->vni);
	if (s->info.mode == CONFIG_MODE_STATIC_FLOOD || s->info.mode == CONFIG_MODE_STATIC_L2 ||
	    s->info.mode == CONFIG_MODE_MULTICAST)
		trace_advise(st, "mode %s may not learn addresses: trace its MAC address",
			     config_mode_name(s->info.mode));
	else
		trace_advise(st,
			     "is it up, and in this VNI? evpnctl capture --vni %u --host %s - shows whether it answers",
			     s->vni, ip.s);
}

/* What evpnd believes who has the address, beside what the host believes. */
static void trace_binding(struct reply *r, struct trace_state *s)
{
	struct trace_step *st;
	struct evpn_arp_info a;

	if (!s->to.ip.len || s->here || ip_is_multicast(&s->to.ip))
		return;
	st = trace_add(&s->t, TRACE_INNER_NEIGHBOUR, "evpnd: who has %s?", ip_str(&s->to.ip).s);
	if (!evpn_arp_find(r->d->evpn, s->vni, &s->to.ip, &a)) {
		unknown_address(s, st);
		return;
	}
	trace_answer(st, "%s lladdr %s %s%s%s", ip_str(&a.ip).s, mac_str(&a.mac).s, evpn_mac_state_name(a.state),
		     a.vtep.len ? " vtep " : "", ip_str(&a.vtep).s);
	if (a.state == EVPN_MAC_DUPLICATE) {
		trace_say(st, TRACE_WARNING, "the address has moved too often: it is a duplicate, and not advertised");
		trace_advise(st, "find the second host with %s, then: evpnctl mac clear --vni %u", ip_str(&a.ip).s,
			     s->vni);
	} else if (s->to.has_mac && !mac_eq(&s->to.mac, &a.mac)) {
		trace_say(st, TRACE_WARNING,
			  "the sender believes that it is at %s: its neighbour is out of date, or two hosts have the "
			  "address",
			  mac_str(&s->to.mac).s);
		trace_advise(st, "ip neigh flush to %s, where the sender is", ip_str(&a.ip).s);
	}
	if (!s->to.has_mac)
		s->to.mac = a.mac;
	s->to.has_mac = true;
	if (a.state == EVPN_MAC_REMOTE)
		dp_trace_answer(r->d->dp, s->vni, &a.ip, &a.mac, &s->t);
}

static void answer_mac(struct reply *r, struct trace_step *st, const struct evpn_mac_info *m)
{
	const char *port = dp_ifname(r->d->dp, m->ifindex);

	trace_answer(st, "%s %s", mac_str(&m->mac).s, evpn_mac_state_name(m->state));
	for (size_t i = 0; i < m->n_vteps; i++)
		trace_answer(st, "%s%s", i ? ", " : " behind ", ip_str(&m->vteps[i]).s);
	if (port)
		trace_answer(st, " on %s", port);
	if (m->has_esi)
		trace_answer(st, " esi %s", evpn_esi_str(m->esi).s);
	trace_answer(st, " sequence %u%s, %s", m->sequence, m->sticky ? " sticky" : "", m->reason);
}

static void judge_mac(struct trace_step *st, uint32_t vni, const struct evpn_mac_info *m)
{
	const struct mac_str mac = mac_str(&m->mac);

	if (m->state == EVPN_MAC_DUPLICATE) {
		trace_say(st, TRACE_WARNING, "a duplicate: it moved %u times, and stays where it was", m->moves);
		trace_advise(st, "find the second host with %s, then: evpnctl mac clear --vni %u --mac %s", mac.s, vni,
			     mac.s);
	} else if (m->state == EVPN_MAC_CONFLICT) {
		trace_say(st, TRACE_WARNING, "here and behind %s, and one of the two may not move", ip_str(&m->vtep).s);
		trace_advise(st, "evpnctl show rib --vni %u --mac %s; a static row here: bridge fdb show", vni, mac.s);
	} else if (m->state == EVPN_MAC_LIMITED) {
		trace_say(st, TRACE_WARNING, "above a MAC limit: it is not advertised, so other VTEPs flood to it");
		trace_advise(st, "evpnctl show vni %u shows the limit", vni);
	} else if (m->state == EVPN_MAC_REMOTE && !m->n_vteps) {
		trace_say(st, TRACE_BROKEN, "its Ethernet Segment has no VTEP that could be sent to");
		trace_advise(st, "evpnctl show segments --vni %u", vni);
	}
}

static void trace_claims(struct reply *r, struct trace_state *s)
{
	struct evpn_claim claims[CLAIMS];
	size_t n = evpn_mac_claims(r->d->evpn, s->vni, &s->to.mac, claims, CLAIMS);
	struct trace_step *st;

	if (!n)
		return;
	st = trace_add(&s->t, TRACE_FDB, "evpnd: who says so?");
	for (size_t i = 0; i < n && i < CLAIMS; i++) {
		trace_answer(st, "%s%s %s%s", i ? "; " : "",
			     claims[i].route ? "route of" : "configured or learned:", ip_str(&claims[i].vtep).s,
			     claims[i].best || n == 1 ? "" : " (alternative)");
		if (claims[i].route)
			trace_answer(st, " rd %s", evpn_rd_str(claims[i].rd).s);
		if (claims[i].binding)
			trace_answer(st, " with an address");
		if (claims[i].sequence)
			trace_answer(st, " sequence %u", claims[i].sequence);
		if (claims[i].last_resort)
			trace_answer(st, " long-lived stale");
	}
	if (n > CLAIMS)
		trace_answer(st, " and %zu more", n - CLAIMS);
}

static void unknown_mac(struct trace_state *s, struct trace_step *st)
{
	if (mac_is_group(&s->to.mac)) {
		trace_say(st, TRACE_OK, "a group address: for all");
		return;
	}
	trace_say(st, TRACE_WARNING, "nobody has announced it, and it was heard on no port");
	trace_advise(st, "has it sent a frame yet? On its VTEP: is it in show mac, is the VNI the same, does a route "
			 "target match?");
}

static void trace_mac(struct reply *r, struct trace_state *s)
{
	struct trace_step *st = trace_add(&s->t, TRACE_FDB, "evpnd: where is %s?", mac_str(&s->to.mac).s);
	struct evpn_mac_info m;

	if (!evpn_mac_find(r->d->evpn, s->vni, &s->to.mac, &m)) {
		unknown_mac(s, st);
		return;
	}
	answer_mac(r, st, &m);
	judge_mac(st, s->vni, &m);
	trace_claims(r, s);
}

/* ---- who sends --------------------------------------------------------------------------------------------------- */

static void find_source_mac(struct reply *r, struct trace_state *s)
{
	struct evpn_arp_info a;

	if (s->from.has_mac || !s->from.ip.len || !evpn_arp_find(r->d->evpn, s->vni, &s->from.ip, &a))
		return;
	s->from.mac = a.mac;
	s->from.has_mac = true;
}

/* True when its port is isolated from others that are. */
static bool trace_source(struct reply *r, struct trace_state *s)
{
	struct evpn_mac_info m;
	struct trace_step *st;
	char name[48];

	if (!s->from.has_mac && !s->from.ip.len)
		return false;
	find_source_mac(r, s);
	party_name(&s->from, name, sizeof(name));
	if (!s->from.has_mac || !evpn_mac_find(r->d->evpn, s->vni, &s->from.mac, &m)) {
		st = trace_add(&s->t, TRACE_SOURCE, "evpnd: where is %s?", name);
		trace_say(st, TRACE_WARNING, "it was never heard in VNI %u: others do not know where to answer",
			  s->vni);
		trace_advise(st, "is it on a port of this VNI? evpnctl show ports --vni %u", s->vni);
		return false;
	}
	st = trace_add(&s->t, TRACE_SOURCE, "evpnd: where is %s?", name);
	answer_mac(r, st, &m);
	judge_mac(st, s->vni, &m);
	if (m.state == EVPN_MAC_REMOTE)
		trace_say(st, TRACE_OK,
			  "behind another VTEP: its frames come in by the tunnel; its own lookups are asked there");
	return dp_trace_source(r->d->dp, s->vni, &m.mac, m.state == EVPN_MAC_REMOTE ? 0 : m.ifindex, &m.vtep, &s->t);
}

/* ---- the verdict ------------------------------------------------------------------------------------------------- */

static void say_where(struct reply *r, struct trace_state *s, char *out, size_t cap)
{
	char name[48];
	int n = 0;

	party_name(&s->to, name, sizeof(name));
	switch ((enum dp_traced_to)s->end.to) {
	case DP_TRACED_NOWHERE:
		snprintf(out, cap, "frames to %s go nowhere", name);
		break;
	case DP_TRACED_PORT:
		snprintf(out, cap, "frames to %s leave by the local port %s", name, s->end.port);
		break;
	case DP_TRACED_HOST:
		snprintf(out, cap, "frames to %s are taken by this host itself", name);
		break;
	case DP_TRACED_VTEPS:
		n = snprintf(out, cap, "frames to %s go to %s", name, s->end.n_vteps > 1 ? "one of the VTEPs" : "VTEP");
		for (unsigned i = 0; i < s->end.n_vteps && n < (int)cap; i++)
			n += snprintf(out + n, cap - (size_t)n, "%s %s", i ? "," : "", ip_str(&s->end.vteps[i]).s);
		break;
	case DP_TRACED_FLOOD:
		snprintf(out, cap, "frames to %s are flooded, to %u VTEP%s and the local ports", name,
			 s->end.n_vteps + s->end.more, s->end.n_vteps == 1 ? "" : "s");
		break;
	}
}

static void give_verdict(struct reply *r, struct trace_state *s)
{
	const struct trace_step *worst = trace_worst(&s->t);
	char where[320];

	say_where(r, s, where, sizeof(where));
	if (s->here)
		snprintf(where, sizeof(where), "nothing is sent: the address is the sender's own");
	else if (!strcmp(dp_backend_name(r->d->dp), "none"))
		snprintf(where, sizeof(where), "this dataplane forwards nothing: above is what the routes say");
	if (worst->result == TRACE_BROKEN)
		snprintf(s->verdict, sizeof(s->verdict), "breaks at the lookup %s: %s",
			 trace_lookup_name(worst->lookup), worst->detail);
	else if (worst->result == TRACE_WARNING)
		snprintf(s->verdict, sizeof(s->verdict), "%s; but: %s", where, worst->detail);
	else
		snprintf(s->verdict, sizeof(s->verdict), "%s", where);
	if (worst->result >= TRACE_WARNING)
		snprintf(s->advice, sizeof(s->advice), "%s", worst->advice);
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static void follow(struct reply *r, struct trace_state *s)
{
	static const struct mac all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct trace_step *st;
	bool isolated;

	if (!own_inner(r, s))
		return;
	trace_binding(r, s);
	isolated = trace_source(r, s);
	if (s->to.has_mac) {
		trace_mac(r, s);
	} else {
		st = trace_add(&s->t, TRACE_FDB, "who gets the question for %s?", ip_str(&s->to.ip).s);
		trace_say(st, TRACE_OK, "it goes to %s", mac_str(&all).s);
	}
	dp_trace(r->d->dp, s->vni, s->to.has_mac ? &s->to.mac : &all, isolated, &s->t, &s->end);
}

static void trace_end(struct reply *r)
{
	trace_free(&((struct trace_state *)r->state)->t);
}

static int start_trace(struct reply *r)
{
	struct trace_state *s = r->state;
	const struct verb_value *a = reply_arg(r, ARG_HOST_A), *b = reply_arg(r, ARG_HOST_B);
	bool on;
	int rc;

	r->body = REPLY_OBJECT;
	s->to = party_of(b->given ? b : a);
	s->from = b->given ? party_of(a) : (struct party){ 0 };
	rc = start_inner(r, s, &on);
	if (!rc && on)
		rc = find_vni(r, s);
	if (rc) {
		trace_end(r);
		return rc;
	}
	if (on)
		follow(r, s);
	give_verdict(r, s);
	return 0;
}

static void print_party(struct json *j, const char *key, const struct party *p)
{
	json_object(j, key);
	json_mac(j, "mac", p->has_mac ? &p->mac : NULL);
	json_ip(j, "ip", &p->ip);
	json_object_end(j);
}

static void json_text(struct json *j, const char *key, const char *text)
{
	json_str(j, key, text[0] ? text : NULL);
}

static void print_step(struct json *j, const struct trace_step *st)
{
	json_object(j, NULL);
	json_str(j, "step", trace_lookup_name(st->lookup));
	json_str(j, "result", trace_result_name(st->result));
	json_text(j, "asked", st->asked);
	json_text(j, "answer", st->answer);
	json_text(j, "detail", st->detail);
	json_text(j, "advice", st->advice);
	json_object_end(j);
}

static bool more_trace(struct reply *r)
{
	const struct trace_state *s = r->state;
	const struct trace_step *worst = trace_worst(&s->t);
	struct json *j = &r->json;

	json_object(j, NULL);
	json_uint_if(j, "vni", s->vni, s->vni);
	print_party(j, "source", &s->from);
	print_party(j, "destination", &s->to);
	json_array(j, "steps");
	for (unsigned i = 0; i < s->t.n; i++)
		print_step(j, &s->t.steps[i]);
	json_array_end(j);
	json_array(j, "vteps");
	for (unsigned i = 0; i < s->end.n_vteps; i++)
		json_ip(j, NULL, &s->end.vteps[i]);
	json_array_end(j);
	json_text(j, "port", s->end.port);
	json_str(j, "result", trace_result_name(worst->result > TRACE_OK ? worst->result : TRACE_OK));
	json_bool(j, "broken", worst->result == TRACE_BROKEN);
	json_text(j, "verdict", s->verdict);
	json_text(j, "advice", s->advice);
	json_object_end(j);
	return false;
}

const struct reply_ops show_trace = { sizeof(struct trace_state), start_trace, more_trace, trace_end };

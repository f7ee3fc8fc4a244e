/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The dataplane's part of a trace: where its backend would send a frame, whether that is what was wished for, and how a
 * packet would get to each of the VTEPs. Everything is asked for one key, at the time of the question; nothing is kept.
 */
#include "include/trace.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/dp.h"
#include "dataplane/kernel_sock.h"
#include "dataplane/lookup.h"

#define OVERHEAD_V4 50u /* inner Ethernet header, IP, UDP, VXLAN: RFC 7348 5 */
#define OVERHEAD_V6 70u

/* ---- rows -------------------------------------------------------------------------------------------------------- */

const char *trace_lookup_name(enum trace_lookup l)
{
	static const char *const names[] = {
		[TRACE_SOURCE] = "source",
		[TRACE_INNER_ROUTE] = "inner-route",
		[TRACE_INNER_NEIGHBOUR] = "inner-neighbour",
		[TRACE_FDB] = "fdb",
		[TRACE_OUTER_ROUTE] = "outer-route",
		[TRACE_OUTER_NEIGHBOUR] = "outer-neighbour",
	};

	return names[l];
}

const char *trace_result_name(enum trace_result r)
{
	static const char *const names[] = {
		[TRACE_SKIPPED] = "skipped", [TRACE_OK] = "ok", [TRACE_WARNING] = "warning", [TRACE_BROKEN] = "broken"
	};

	return names[r];
}

struct trace_step *trace_add(struct trace *t, enum trace_lookup lookup, const char *fmt, ...)
{
	struct trace_step *s;
	va_list ap;

	if (!t->steps)
		t->steps = xcalloc(TRACE_STEPS_MAX + 1, sizeof(*t->steps));
	s = &t->steps[t->n];
	t->n += t->n < TRACE_STEPS_MAX;
	*s = (struct trace_step){ .lookup = lookup, .result = TRACE_OK };
	va_start(ap, fmt);
	vsnprintf(s->asked, sizeof(s->asked), fmt, ap);
	va_end(ap);
	return s;
}

void trace_answer(struct trace_step *s, const char *fmt, ...)
{
	size_t len = strlen(s->answer);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->answer + len, sizeof(s->answer) - len, fmt, ap);
	va_end(ap);
}

void trace_say(struct trace_step *s, enum trace_result result, const char *fmt, ...)
{
	va_list ap;

	s->outweighed = s->detail[0] && result <= s->result;
	if (s->outweighed)
		return;
	s->result = result;
	s->advice[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(s->detail, sizeof(s->detail), fmt, ap);
	va_end(ap);
}

void trace_advise(struct trace_step *s, const char *fmt, ...)
{
	va_list ap;

	if (s->outweighed)
		return;
	va_start(ap, fmt);
	vsnprintf(s->advice, sizeof(s->advice), fmt, ap);
	va_end(ap);
}

const struct trace_step *trace_worst(const struct trace *t)
{
	const struct trace_step *worst = NULL;

	for (unsigned i = 0; i < t->n; i++)
		if (!worst || t->steps[i].result > worst->result)
			worst = &t->steps[i];
	return worst;
}

void trace_free(struct trace *t)
{
	free(t->steps);
	*t = (struct trace){ 0 };
}

/* ---- devices and neighbours, of any namespace -------------------------------------------------------------------- */

static void judge_device(struct trace_step *st, const struct lookup_link *dev)
{
	if (!(dev->flags & IFF_UP)) {
		trace_say(st, TRACE_BROKEN, "%s is down", dev->name);
		trace_advise(st, "ip link set %s up", dev->name);
	} else if (!dev->carrier) {
		trace_say(st, TRACE_BROKEN, "%s has no carrier", dev->name);
		trace_advise(st, "look at its cable, or at the other end of the link");
	}
}

static bool needs_no_neighbour(const struct lookup_link *dev)
{
	return dev->flags & (IFF_NOARP | IFF_LOOPBACK | IFF_POINTOPOINT);
}

static void judge_neighbour(struct trace_step *st, const struct lookup_neigh *n, const struct ip *ip,
			    const struct lookup_link *dev)
{
	if (n->err == -ENOENT || n->state == NUD_NONE) {
		trace_say(st, TRACE_OK,
			  "no entry: nothing was sent there lately; who it is will be asked with the next packet");
	} else if (n->err) {
		trace_say(st, TRACE_WARNING, "cannot be asked: %s", strerror(-n->err));
	} else if (n->state & NUD_FAILED) {
		trace_say(st, TRACE_BROKEN, "nobody answers for %s on %s", ip_str(ip).s, dev->name);
		trace_advise(st, "ping -I %s %s; is it up, in the same VLAN, and its address right?", dev->name,
			     ip_str(ip).s);
	} else if (n->state & NUD_INCOMPLETE) {
		trace_say(st, TRACE_WARNING, "%s was asked for and has not answered yet", ip_str(ip).s);
		trace_advise(st, "the same once more in three seconds");
	}
}

/* ---- the host's own two lookups ---------------------------------------------------------------------------------- */

/* True when it goes on. */
static bool judge_inner_route(struct trace_step *st, const struct lookup_route *r, const struct ip *to,
			      const char *host)
{
	if (r->err) {
		trace_say(st, TRACE_BROKEN, "%s has no route to %s: %s", host, ip_str(to).s, strerror(-r->err));
		trace_advise(st, "give it an address in the subnet of %s, or a default route", ip_str(to).s);
	} else if (r->type == RTN_LOCAL) {
		trace_say(st, TRACE_OK, "%s is an address of %s itself: nothing is sent", ip_str(to).s, host);
		return false;
	} else if (r->type == RTN_MULTICAST || r->type == RTN_BROADCAST) {
		trace_say(st, TRACE_OK, "sent to all: no neighbour is asked for");
	} else if (r->gateway.len) {
		trace_say(st, TRACE_OK, "by the gateway %s: the trace follows the frame to it", ip_str(&r->gateway).s);
	}
	return st->result < TRACE_BROKEN;
}

static bool inner_neighbour(struct ksock *s, const struct dp_trace_host *h, const struct lookup_link *dev,
			    struct trace *t, struct dp_traced_host *out)
{
	struct trace_step *st = trace_add(t, TRACE_INNER_NEIGHBOUR, "%s: who has %s on %s?", h->name,
					  ip_str(&out->next_hop).s, dev->name);
	struct lookup_neigh n;

	if (needs_no_neighbour(dev)) {
		trace_say(st, TRACE_SKIPPED, "%s needs no neighbour", dev->name);
		return true;
	}
	lookup_neigh(s, dev, &out->next_hop, &n);
	trace_answer(st, "%s", n.row);
	judge_neighbour(st, &n, &out->next_hop, dev);
	out->has_mac = !n.err && n.has_mac && !(n.state & (NUD_FAILED | NUD_INCOMPLETE));
	out->mac = n.mac;
	return true;
}

bool dp_trace_inner(const struct dp_trace_host *h, const struct ip *to, const struct ip *from, struct trace *t,
		    struct dp_traced_host *out)
{
	struct trace_step *st = trace_add(t, TRACE_INNER_ROUTE, "%s: which way to %s?", h->name, ip_str(to).s);
	struct lookup_route r;
	struct lookup_link dev;
	struct ksock s;
	bool on = false;
	int err = h->socket < 0 ? ksock_open(&s, NULL) : ksock_adopt(&s, h->socket);

	*out = (struct dp_traced_host){ 0 };
	if (err) {
		trace_say(st, TRACE_BROKEN, "the socket that was handed over cannot be used: %s", strerror(-err));
		return false;
	}
	lookup_route(&s, to, from, &r);
	trace_answer(st, "%s", r.row);
	out->here = r.type == RTN_LOCAL;
	out->source = r.source;
	out->next_hop = r.gateway.len ? r.gateway : *to;
	if (judge_inner_route(st, &r, to, h->name) && lookup_link(&s, r.ifindex, &dev)) {
		judge_device(st, &dev);
		out->source_mac = dev.mac;
		out->peer = strcmp(dev.kind, "veth") ? 0 : dev.peer;
		on = st->result < TRACE_BROKEN;
		if (on && r.type == RTN_UNICAST)
			on = inner_neighbour(&s, h, &dev, t, out);
	}
	ksock_close(&s);
	return on;
}

/* ---- the path to a VTEP ------------------------------------------------------------------------------------------ */

static const char *route_words(int err)
{
	return err == -ENETUNREACH  ? "no route" :
	       err == -EHOSTUNREACH ? "a route says unreachable" :
	       err == -EACCES	    ? "a route says prohibit" :
				      strerror(-err);
}

static void judge_mtu(struct dp_tracer *tr, struct trace_step *st, const struct ip *vtep, const struct lookup_route *r,
		      const struct lookup_link *dev)
{
	unsigned over = vtep->len == 4 ? OVERHEAD_V4 : OVERHEAD_V6;
	unsigned path = r->mtu && r->mtu < dev->mtu ? r->mtu : dev->mtu;

	if (!tr->mtu || dev->flags & IFF_LOOPBACK || tr->mtu + over <= path)
		return;
	trace_say(st, TRACE_WARNING,
		  "a packet of %u octets, as %s lets through, takes %u here and the path carries %u: larger ones are "
		  "lost or cut",
		  tr->mtu, tr->mtu_device, tr->mtu + over, path);
	if (path > over)
		trace_advise(st, "ip link set %s mtu %u, or a larger MTU on %s", tr->mtu_device, path - over,
			     dev->name);
}

static void judge_outer_route(struct dp_tracer *tr, struct trace_step *st, const struct ip *vtep,
			      const struct lookup_route *r, const struct lookup_link *dev)
{
	if (r->type == RTN_LOCAL) {
		trace_say(st, TRACE_BROKEN, "%s is an address of this host: the other VTEP announces ours",
			  ip_str(vtep).s);
		trace_advise(st, "look at who says so: evpnctl show rib, and at its vtep");
	} else if (r->type != RTN_UNICAST) {
		trace_say(st, TRACE_BROKEN, "the route leads to no VTEP");
	} else if (dev->ifindex && (dev->ifindex == tr->overlay[0] || dev->ifindex == tr->overlay[1])) {
		trace_say(st, TRACE_BROKEN, "the way to the VTEP leads into its own tunnel, by %s", dev->name);
		trace_advise(st, "a route to %s by the underlay", ip_str(vtep).s);
	} else {
		judge_device(st, dev);
		judge_mtu(tr, st, vtep, r, dev);
	}
}

static void outer_neighbour(struct dp_tracer *tr, const struct ip *vtep, const struct ip *hop,
			    const struct lookup_link *dev)
{
	struct trace_step *st = trace_add(tr->t, TRACE_OUTER_NEIGHBOUR, "who has %s on %s?", ip_str(hop).s, dev->name);
	struct lookup_neigh n;

	if (needs_no_neighbour(dev)) {
		trace_say(st, TRACE_SKIPPED, "%s needs no neighbour", dev->name);
		return;
	}
	lookup_neigh(tr->s, dev, hop, &n);
	trace_answer(st, "%s", n.row);
	judge_neighbour(st, &n, hop, dev);
}

/* Asked with the source address that packets have: without it on this host there is no way. */
static void outer(struct dp_tracer *tr, const struct ip *vtep)
{
	struct trace_step *st =
		trace_add(tr->t, TRACE_OUTER_ROUTE, "which way to %s, from %s?", ip_str(vtep).s, ip_str(&tr->from).s);
	struct lookup_route r;
	struct lookup_link dev = { 0 };
	struct ip hop;

	if (tr->from.len && !lookup_is_own(tr->s, &tr->from)) {
		trace_say(st, TRACE_BROKEN, "%s, our VTEP address, is on no interface of this host",
			  ip_str(&tr->from).s);
		trace_advise(st, "ip address add %s/%u dev lo, or its interface up", ip_str(&tr->from).s,
			     tr->from.len * 8);
		return;
	}
	lookup_route(tr->s, vtep, &tr->from, &r);
	trace_answer(st, "%s", r.row);
	if (r.err) {
		trace_say(st, TRACE_BROKEN, "the VTEP %s cannot be reached: %s", ip_str(vtep).s, route_words(r.err));
		trace_advise(st, "a route to %s in the underlay: ip route get %s from %s", ip_str(vtep).s,
			     ip_str(vtep).s, ip_str(&tr->from).s);
		return;
	}
	lookup_link(tr->s, r.ifindex, &dev);
	judge_outer_route(tr, st, vtep, &r, &dev);
	hop = r.gateway.len ? r.gateway : *vtep;
	if (st->result < TRACE_BROKEN)
		outer_neighbour(tr, vtep, &hop, &dev);
}

/* ---- wished for and found ---------------------------------------------------------------------------------------- */

static unsigned wished_vteps(const struct rows *t, const struct row *r, struct ip vteps[DP_SET_MAX])
{
	const struct dest_row *d = row_dest(t, r->to.want);
	unsigned n = 0;

	if (!d->set) {
		vteps[0] = d->d.vtep;
		return 1;
	}
	for (uint32_t i = 0; i < d->set->want.n; i++)
		vteps[n++] = row_dest(t, d->set->want.dest[i])->d.vtep;
	return n;
}

static bool same_vteps(const struct ip *a, unsigned n, const struct dp_traced *out)
{
	if (n != out->n_vteps)
		return false;
	for (unsigned i = 0; i < n; i++) {
		unsigned k = 0;

		while (k < n && !ip_eq(&a[i], &out->vteps[k]))
			k++;
		if (k == n)
			return false;
	}
	return true;
}

static void list_vteps(char *s, size_t cap, const struct ip *vteps, unsigned n)
{
	s[0] = '\0';
	for (unsigned i = 0; i < n; i++)
		lookup_put(s, cap, "%s%s", i ? ", " : "", ip_str(&vteps[i]).s);
}

/* Says where the row that was found is not the one that was wished for. */
static void compare(struct dp *d, struct dp_vni *v, const struct mac *mac, struct dp_tracer *tr)
{
	struct row_key k = row_key(&d->rec.rows, v, DP_FDB, mac, NULL);
	uint32_t h = rows_find(&d->rec.rows, &k);
	const struct row *r = h ? row_at(&d->rec.rows, h) : NULL;
	struct ip wished[DP_SET_MAX];
	struct trace_step *st;
	const char *why;
	char text[96];
	unsigned n;

	if (!r || !r->wanted || !r->to.want)
		return;
	n = wished_vteps(&d->rec.rows, r, wished);
	if (tr->out->to == DP_TRACED_VTEPS && same_vteps(wished, n, tr->out))
		return;
	st = trace_add(tr->t, TRACE_FDB, "is that what evpnd wants?");
	list_vteps(text, sizeof(text), wished, n);
	trace_answer(st, "it wants %s behind %s", mac_str(mac).s, text);
	why = rec_pending(&d->rec, h);
	if (why && v->ready && !r->err && rec_plan(&d->rec, h).todo != REC_BLOCKED) {
		trace_say(st, TRACE_WARNING, "it is about to be: %s", why);
		trace_advise(st, "the same once more in a moment");
		return;
	}
	if (why) {
		trace_say(st, TRACE_BROKEN, "the row is not there: %s", why);
		trace_advise(st, "evpnctl show fdb --vni %u --mac %s says more", v->vni, mac_str(mac).s);
		return;
	}
	trace_say(st, TRACE_BROKEN, "no: the row is another one, and evpnd has not heard of that");
	trace_advise(st, "evpnctl repair --vni %u", v->vni);
}

/* ---- the contract with cmd --------------------------------------------------------------------------------------- */

/* The backend's VNI, with a socket to ask over; NULL with a row that says what is wrong. */
static struct dp_vni *begin(struct dp *d, uint32_t vni, enum trace_lookup lookup, struct dp_tracer *tr, struct ksock *s)
{
	struct dp_vni *v = rows_vni_find(&d->rec.rows, vni);
	const char *wrong = NULL;
	int err;

	if (!d->ops->trace)
		wrong = "this dataplane forwards nothing";
	else if (!v || v->closing)
		wrong = "the dataplane has no such VNI";
	if (wrong) {
		trace_say(trace_add(tr->t, lookup, "VNI %u", vni), TRACE_SKIPPED, "%s", wrong);
		return NULL;
	}
	err = ksock_open(s, NULL);
	if (err) {
		trace_say(trace_add(tr->t, lookup, "VNI %u", vni), TRACE_BROKEN, "no netlink socket to ask over: %s",
			  strerror(-err));
		return NULL;
	}
	tr->s = s;
	return v;
}

void dp_trace(struct dp *d, uint32_t vni, const struct mac *mac, bool isolated, struct trace *t, struct dp_traced *out)
{
	struct dp_tracer tr = { .t = t, .out = out };
	struct trace_step *st;
	struct dp_vni *v;
	struct ksock s;

	*out = (struct dp_traced){ 0 };
	v = begin(d, vni, TRACE_FDB, &tr, &s);
	if (!v)
		return;
	d->ops->trace(d->be, v->data, mac, &tr);
	compare(d, v, mac, &tr);
	if (isolated && tr.isolated[0]) {
		st = trace_add(t, TRACE_FDB, "may the two ports talk to each other?");
		trace_say(st, TRACE_BROKEN, "both are isolated: the bridge forwards nothing between them");
		trace_advise(st, "bridge link set dev %s isolated off", tr.isolated);
	}
	for (unsigned i = 0; i < out->n_vteps; i++)
		outer(&tr, &out->vteps[i]);
	ksock_close(&s);
}

bool dp_trace_source(struct dp *d, uint32_t vni, const struct mac *mac, unsigned ifindex, const struct ip *vtep,
		     struct trace *t)
{
	struct dp_tracer tr = { .t = t, .from = *vtep };
	struct ksock s;
	struct dp_vni *v = begin(d, vni, TRACE_SOURCE, &tr, &s);

	if (!v)
		return false;
	d->ops->trace_source(d->be, v->data, mac, ifindex, &tr);
	ksock_close(&s);
	return tr.isolated[0];
}

void dp_trace_answer(struct dp *d, uint32_t vni, const struct ip *ip, const struct mac *mac, struct trace *t)
{
	struct dp_tracer tr = { .t = t };
	struct ksock s;
	struct dp_vni *v = d->ops->trace_answer ? begin(d, vni, TRACE_INNER_NEIGHBOUR, &tr, &s) : NULL;

	if (!v)
		return;
	d->ops->trace_answer(d->be, v->data, ip, mac, &tr);
	ksock_close(&s);
}

void dp_trace_flood(struct dp *d, struct dp_vni *v, struct dp_traced *out)
{
	const struct rows *t = &d->rec.rows;

	for (uint32_t h = ROWS_LONG; (h = rows_next_of(t, v, h));) {
		const struct row *r = row_at(t, h);

		if (r->kind != DP_FLOOD || !r->wanted || rec_pending(&d->rec, h) || !mac_is_zero(&r->mac))
			continue;
		if (out->n_vteps < DP_SET_MAX)
			out->vteps[out->n_vteps++] = row_ip(t, h);
		else
			out->more++;
	}
}

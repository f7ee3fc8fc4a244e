/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Neighbors: configuration, administration, the wait before our own connects, error bookkeeping, what show tells.
 *
 * Our own connects wait after a fault: 1 s, doubling to 60 s (the damping that RFC 4271 8.1.1 leaves open). A session
 * that lasted longer than the wait clears it. What the neighbor opens is never held back by it.
 */
#include "bgp/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "bgp/limit.h"
#include "bgp/open.h"
#include "bgp/rtc.h"
#include "bgp/restart.h"
#include "bgp/session.h"

#define S_US 1000000
#define HOLD_BACK_MIN_S 1u
#define HOLD_BACK_MAX_S 60u
/*
 * RFC 4271 10 suggests 120 s. A connect that gets no answer for so long is better tried anew: the kernel's own retries
 * of the SYN are minutes apart by then.
 */
#define CONNECT_RETRY_S 15
#define WARNING_PERCENT 75 /* of max_prefixes */
#define FAULT_LINES 5u
#define FAULT_INTERVAL_MS 10000u
#define EDGE_LINES 40u
#define EDGE_INTERVAL_MS 5000u
#define FAULT_OCTETS 128u /* of a message in a log line */

/* A run that has seen an OPEN: our own next connect waits for how that ends. */
static bool has_partner(const struct bgp_peer *peer)
{
	const struct bgp_conn *c;

	list_for_each(c, &peer->conns, node)
		if (c->run->state >= BGP_OPENCONFIRM)
			return true;
	return false;
}

static bool may_run(const struct bgp_peer *peer)
{
	return !peer->admin_down && !peer->removed && !peer->bgp->stopping;
}

enum bgp_state peer_state(const struct bgp_peer *peer)
{
	enum bgp_state s = peer->own.state;
	const struct bgp_conn *c;

	list_for_each(c, &peer->conns, node)
		if (c->run->state > s)
			s = c->run->state;
	return s;
}

void peer_damp(struct bgp_peer *peer, struct mtime now)
{
	uint32_t s = peer->hold_back_s;

	if (peer->session && mtime_diff_us(peer->since, now) >= (int64_t)s * S_US)
		s = 0;
	s *= 2;
	peer->hold_back_s = s < HOLD_BACK_MIN_S ? HOLD_BACK_MIN_S : s > HOLD_BACK_MAX_S ? HOLD_BACK_MAX_S : s;
}

static struct mtime hold_back_end(struct bgp_peer *peer, struct mtime now)
{
	uint32_t s = peer->hold_back_s ? peer->hold_back_s : HOLD_BACK_MIN_S;

	if (peer_is_held_down(peer, now))
		return peer->held_until;
	return mtime_add_us(now, engine_jitter(peer->bgp, (int64_t)s * S_US));
}

void peer_rearm(struct bgp_peer *peer, struct mtime now)
{
	if (!may_run(peer) || peer->own.state != BGP_IDLE || has_partner(peer) || timerq_armed(&peer->idle_hold))
		return;
	if (peer->p.passive && !peer_is_held_down(peer, now))
		session_event(&peer->own, FSM_DAMPED_START_PASSIVE, NULL, NULL, now);
	else
		engine_arm(peer->bgp, &peer->idle_hold, hold_back_end(peer, now));
}

static void on_idle_hold(struct timerq_node *n, struct mtime now)
{
	struct bgp_peer *peer = container_of(n, struct bgp_peer, idle_hold);

	if (may_run(peer) && !has_partner(peer))
		session_event(&peer->own, peer->p.passive ? FSM_DAMPED_START_PASSIVE : FSM_DAMPED_START, NULL, NULL,
			      now);
}

void peer_hold_down(struct bgp_peer *peer, const struct msg_fault *f, struct mtime now)
{
	struct bgp_conn *c, *tmp;

	if (!peer->p.max_prefixes_restart)
		return;
	peer->held_until = mtime_add_us(now, (int64_t)peer->p.max_prefixes_restart * S_US);
	log_warn(peer->bgp->p.log, LOG_BGP,
		 "peer %s: stays down for %u s (max-prefixes-restart; 'neighbor up' ends that)",
		 ip_str(&peer->p.address).s, peer->p.max_prefixes_restart);
	list_for_each_safe(c, tmp, &peer->conns, node)
		if (c != peer->session)
			session_event(c->run, FSM_MANUAL_STOP, f, NULL, now);
	timerq_stop(&peer->bgp->timers, &peer->idle_hold);
}

bool peer_is_held_down(const struct bgp_peer *peer, struct mtime now)
{
	return mtime_before(now, peer->held_until);
}

/* What is left of the wait does not count any more: an operator is at work. */
static void forgive(struct bgp_peer *peer, struct mtime now)
{
	peer->hold_back_s = 0;
	peer->held_until = now;
	timerq_stop(&peer->bgp->timers, &peer->idle_hold);
}

/* A passive peer is not called, however long it is silent (RFC 4271 would call it when this timer ends). */
void peer_connect_retry_start(struct bgp_peer *peer, enum bgp_state next, struct mtime now)
{
	if (peer->p.passive)
		return;
	engine_arm(peer->bgp, &peer->connect_retry,
		   next == BGP_ACTIVE ? hold_back_end(peer, now) :
					mtime_add_us(now, engine_jitter(peer->bgp, CONNECT_RETRY_S * S_US)));
}

static void on_connect_retry(struct timerq_node *n, struct mtime now)
{
	struct bgp_peer *peer = container_of(n, struct bgp_peer, connect_retry);

	if (has_partner(peer))
		peer_connect_retry_start(peer, peer->own.state, now);
	else
		session_event(&peer->own, FSM_CONNECT_RETRY_EXPIRES, NULL, NULL, now);
}

/* ---- accepted connections ---------------------------------------------------------------------------------------- */

/* The ring's next entry is the oldest of the last PEER_ACCEPTS_PER_S. */
struct mtime bgp_accept_at(const struct bgp_peer *peer, struct mtime now)
{
	struct mtime at = mtime_add_us(peer->accept_at[peer->accept_pos], S_US);

	return mtime_before(at, now) ? now : at;
}

bool peer_accept_take(struct bgp_peer *peer, struct mtime now)
{
	if (mtime_before(now, bgp_accept_at(peer, now))) {
		peer->accepts_refused++;
		return false;
	}
	peer->accept_at[peer->accept_pos] = now;
	peer->accept_pos = (peer->accept_pos + 1) % PEER_ACCEPTS_PER_S;
	return true;
}

/* ---- configuration ---------------------------------------------------------------------------------------------- */

static struct bgp_peer *peer_new(struct bgp *b, const struct bgp_peer_params *p)
{
	struct bgp_peer *peer = xcalloc(1, sizeof(*peer));

	peer->bgp = b;
	peer->p = *p;
	peer->p.description = p->description ? xstrdup(p->description) : NULL;
	peer->p.password = p->password ? xstrdup(p->password) : NULL;
	if (!p->max_prefixes_warning)
		peer->p.max_prefixes_warning = WARNING_PERCENT;
	peer->held_until.us = INT64_MIN / 2;
	peer->ebgp = p->asn != b->p.asn;
	peer->own.peer = peer;
	list_init(&peer->conns);
	peer->connect_retry.fn = on_connect_retry;
	peer->idle_hold.fn = on_idle_hold;
	rtc_peer_init(peer);
	peer->faults = (struct log_limit){ .burst = FAULT_LINES, .interval_ms = FAULT_INTERVAL_MS };
	peer->edges = (struct log_limit){ .burst = EDGE_LINES, .interval_ms = EDGE_INTERVAL_MS };
	for (size_t i = 0; i < PEER_ACCEPTS_PER_S; i++)
		peer->accept_at[i].us = INT64_MIN / 2;
	stale_init(peer);
	peer->rib.peer = peer;
	peer->rib.address = p->address;
	peer->rib.asn = p->asn;
	peer->rib.ebgp = peer->ebgp;
	peer->rib.rr_client = p->rr_client;
	return peer;
}

static void start(struct bgp_peer *peer, struct mtime now)
{
	session_event(&peer->own, peer->p.passive ? FSM_MANUAL_START_PASSIVE : FSM_MANUAL_START, NULL, NULL, now);
}

int bgp_peer_add(struct bgp *b, const struct bgp_peer_params *p, struct mtime now, struct bgp_peer **out)
{
	struct bgp_peer *peer;

	if (bgp_peer_find(b, &p->address))
		return -EEXIST;
	peer = peer_new(b, p);
	peer->since = now;
	list_add_tail(&b->peers, &peer->node);
	rib_peer_add(b->rib, &peer->rib);
	if (out)
		*out = peer;
	if (may_run(peer))
		start(peer, now);
	return 0;
}

/* Ends all its runs with this Cease, and text (RFC 9003) or NULL. */
static void stop(struct bgp_peer *peer, uint8_t subcode, const char *text, struct mtime now)
{
	struct msg_fault f = { .code = MSG_ERR_CEASE, .subcode = subcode };
	uint8_t data[256];
	struct bgp_conn *c, *tmp;

	if (text) {
		f.data = data;
		f.data_len = msg_shutdown_data(text, data);
	}
	list_for_each_safe(c, tmp, &peer->conns, node)
		session_event(c->run, FSM_MANUAL_STOP, &f, text, now);
	session_event(&peer->own, FSM_MANUAL_STOP, &f, text, now);
	stale_forget(peer, "stopped by hand");
}

static void del(struct bgp_peer *peer, uint8_t subcode, struct mtime now)
{
	peer->removed = true;
	stop(peer, subcode, NULL, now);
	timerq_stop(&peer->bgp->timers, &peer->idle_hold);
	rib_peer_del(peer->bgp->rib, &peer->rib);
	list_del(&peer->node);
	list_add_tail(&peer->bgp->removed, &peer->node);
	peer_maybe_free(peer);
}

void bgp_peer_del(struct bgp_peer *peer, struct mtime now)
{
	struct bgp *b = peer->bgp;

	del(peer, BGP_CEASE_DECONFIGURED, now);
	restart_check(b, now);
}

struct bgp_peer *bgp_peer_remake(struct bgp_peer *peer, const struct bgp_peer_params *p, struct mtime now)
{
	struct bgp *b = peer->bgp;
	struct bgp_peer *anew = NULL;

	del(peer, BGP_CEASE_CONFIG_CHANGE, now);
	BUG_ON(bgp_peer_add(b, p, now, &anew) < 0);
	return anew;
}

/* Our own attempt begins anew, as active or passive as it is to be now. */
static void restart_own(struct bgp_peer *peer, struct mtime now)
{
	if (peer->session || !may_run(peer))
		return;
	timerq_stop(&peer->bgp->timers, &peer->idle_hold);
	if (peer->own.state == BGP_CONNECT || peer->own.state == BGP_ACTIVE)
		session_event(&peer->own, FSM_MANUAL_STOP, NULL, NULL, now);
	peer_rearm(peer, now);
}

void bgp_peer_change(struct bgp_peer *peer, const struct bgp_peer_params *p, struct mtime now)
{
	bool other_way = p->passive != peer->p.passive || p->port != peer->p.port;
	const char *description;

	description = p->description ? xstrdup(p->description) : NULL; /* it may be the peer's own */
	free((void *)(uintptr_t)peer->p.description);
	peer->p.description = description;
	peer->p.passive = p->passive;
	peer->p.port = p->port;
	peer->p.max_prefixes = p->max_prefixes;
	peer->p.max_prefixes_warning = p->max_prefixes_warning ? p->max_prefixes_warning : WARNING_PERCENT;
	peer->p.max_prefixes_restart = p->max_prefixes_restart;
	peer->near_limit = false;
	if (other_way)
		restart_own(peer, now);
	if (peer->session)
		limit_changed(peer->session, now);
}

static void release(struct bgp_peer *peer)
{
	stale_fini(peer);
	timerq_stop(&peer->bgp->timers, &peer->idle_hold);
	timerq_stop(&peer->bgp->timers, &peer->connect_retry);
	list_del(&peer->node);
	free((void *)(uintptr_t)peer->p.description);
	free((void *)(uintptr_t)peer->p.password);
	free(peer);
}

void peer_maybe_free(struct bgp_peer *peer)
{
	if (peer->removed && !peer->n_conns)
		release(peer);
}

void peer_free(struct bgp_peer *peer)
{
	BUG_ON(peer->n_conns);
	rib_peer_del(peer->bgp->rib, &peer->rib);
	release(peer);
}

struct bgp_peer *bgp_peer_find(const struct bgp *b, const struct ip *address)
{
	struct bgp_peer *peer;

	list_for_each(peer, &b->peers, node)
		if (ip_eq(&peer->p.address, address))
			return peer;
	return NULL;
}

struct bgp_peer *bgp_peer_next(const struct bgp *b, const struct bgp_peer *prev)
{
	const struct list *n = prev ? prev->node.next : b->peers.next;

	return n == &b->peers ? NULL : container_of((struct list *)(uintptr_t)n, struct bgp_peer, node);
}

const struct bgp_peer_params *bgp_peer_params(const struct bgp_peer *peer)
{
	return &peer->p;
}

/* ---- administration --------------------------------------------------------------------------------------------- */

void bgp_peer_up(struct bgp_peer *peer, struct mtime now)
{
	peer->admin_down = false;
	if (!may_run(peer) || has_partner(peer))
		return;
	forgive(peer, now);
	start(peer, now);
}

void bgp_peer_down(struct bgp_peer *peer, const char *text, struct mtime now)
{
	peer->admin_down = true;
	stop(peer, BGP_CEASE_ADMIN_SHUTDOWN, text, now);
	forgive(peer, now);
	restart_check(peer->bgp, now);
}

void bgp_peer_clear(struct bgp_peer *peer, const char *text, struct mtime now)
{
	forgive(peer, now);
	stop(peer, BGP_CEASE_ADMIN_RESET, text, now);
}

int bgp_peer_refresh(struct bgp_peer *peer, struct mtime now)
{
	if (!peer->session)
		return -ENOTCONN;
	if (!peer->session->caps.refresh)
		return -EOPNOTSUPP;
	session_refresh(peer->session);
	return 0;
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

void peer_note_error(struct bgp_error *e, const struct msg_fault *f, const char *text, const uint8_t *message,
		     size_t len, struct mtime now)
{
	const char *sub = msg_subcode_name(f->code, f->subcode);
	size_t n = f->data_len < sizeof(e->data) ? f->data_len : sizeof(e->data);

	if (e->set && f->code == MSG_ERR_CEASE && f->subcode == BGP_CEASE_COLLISION)
		return;
	*e = (struct bgp_error){ .code = f->code, .subcode = f->subcode, .set = true, .at = now };
	if (f->code)
		snprintf(e->text, sizeof(e->text), "%s%s%s%s%s", msg_code_name(f->code), sub ? "/" : "", sub ? sub : "",
			 text ? ": " : "", text ? text : "");
	else
		snprintf(e->text, sizeof(e->text), "%s", text ? text : "");
	e->data_len = (uint8_t)n;
	if (n)
		memcpy(e->data, f->data, n);
	e->message_len = (uint8_t)(len < sizeof(e->message) ? len : sizeof(e->message));
	if (message)
		memcpy(e->message, message, e->message_len);
}

bool peer_log_allow(struct bgp_peer *peer, struct mtime now)
{
	struct log *l = peer->bgp->p.log;

	return l->level >= LOG_DEBUG || log_allow(l, &peer->edges, LOG_BGP, now);
}

void peer_note_unreachable(struct bgp_peer *peer, const char *reason)
{
	if (strncmp(peer->unreachable, reason, sizeof(peer->unreachable) - 1) == 0)
		return;
	snprintf(peer->unreachable, sizeof(peer->unreachable), "%s", reason);
	log_info(peer->bgp->p.log, LOG_BGP, "peer %s: cannot connect to port %u: %s, trying on",
		 ip_str(&peer->p.address).s, peer->p.port, reason);
}

void peer_log_fault(struct bgp_peer *peer, const char *what, const char *why, const uint8_t *message, size_t len,
		    struct mtime now)
{
	struct log *l = peer->bgp->p.log;
	char hex[2 * FAULT_OCTETS + 1] = "";
	size_t n = message ? (len < FAULT_OCTETS ? len : FAULT_OCTETS) : 0;

	if (l->level < LOG_REMOTE || !log_allow(l, &peer->faults, LOG_BGP, now))
		return;
	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", message[i]);
	log_remote(l, LOG_BGP, "peer %s: %s: %s%s%s%s%s", ip_str(&peer->p.address).s, what, why, n ? " [" : "", hex,
		   n < len && n ? "..." : "", n ? "]" : "");
}

/* ---- show -------------------------------------------------------------------------------------------------------- */

static void info_session(const struct bgp_peer *peer, struct bgp_peer_info *out)
{
	const struct bgp_conn *c = peer->session;

	if (!c)
		return;
	out->local_address = c->local;
	out->router_id = c->router_id;
	out->hold_time = c->hold_time;
	out->keepalive_ms = c->hold_time * 1000u / 3;
	out->eor_received = c->families_ended == c->families;
}

static void info_family(const struct bgp_peer *peer, uint32_t f, struct bgp_family_info *out)
{
	const struct rib *r = peer->bgp->rib;
	const struct bgp_conn *c = peer->session;

	out->family = peer->bgp->families[f].f;
	out->prefixes_received = rib_gen_paths(r, &peer->rib, out->family, ~RIB_GEN_BIT(RIB_GEN_DEAD));
	if (!c)
		return;
	out->negotiated = c->families >> f & 1;
	out->eor_received = c->families_ended >> f & 1;
	out_family_info(r, &peer->rib, out);
}

static void info_routes(const struct bgp_peer *peer, struct bgp_peer_info *out)
{
	out->n_families = peer->bgp->n_families;
	for (uint32_t f = 0; f < out->n_families; f++) {
		const struct bgp_family_info *i = &out->families[f];

		info_family(peer, f, &out->families[f]);
		if (i->family->membership)
			continue;
		out->prefixes_received += i->prefixes_received;
		out->prefixes_sent += i->prefixes_sent;
		out->pending += i->pending;
		out->group = out->group ? out->group : i->group;
	}
	out->rejected = peer->rib.rejected;
	out->rt_filter = peer->rt_filter;
	out->rt_memberships = peer->rib.n_wants;
	out->eor_sent = peer->session && peer->rib.eor_sent && peer->rt_filter != BGP_RT_FILTER_WAITING;
	out->repeating = out_refreshes(peer->bgp->rib, &peer->rib);
}

void bgp_peer_info(const struct bgp_peer *peer, struct bgp_peer_info *out)
{
	*out = (struct bgp_peer_info){
		.address = peer->p.address,
		.asn = peer->p.asn,
		.description = peer->p.description,
		.state = peer_state(peer),
		.admin_down = peer->admin_down,
		.passive = peer->p.passive,
		.rr_client = peer->p.rr_client,
		.ebgp = peer->ebgp,
		.since = peer->since,
		.reason = peer->reason,
		.connect_error = peer->unreachable,
		.hold_time_configured = peer->p.hold_time,
		.updates_in = peer->in.update,
		.updates_out = peer->out.update,
		.nlri_in = peer->nlri,
		.nlri_out = peer->rib.sent,
		.in = peer->in,
		.out = peer->out,
		.last_in = peer->last_in,
		.last_malformed = peer->last_malformed,
		.last_out = peer->last_out,
		.established_count = peer->established_count,
		.treat_as_withdraw = peer->treat_as_withdraw,
		.attributes_discarded = peer->attributes_discarded,
		.unknown_nlri = peer->unknown_nlri,
		.accepts_refused = peer->accepts_refused,
		.max_prefixes = peer->p.max_prefixes,
		.max_prefixes_warning = peer->p.max_prefixes_warning,
		.max_prefixes_restart = peer->p.max_prefixes_restart,
		.held_until = peer->held_until,
		.connect_retries = peer->connect_retry_count,
	};
	out->out.refresh += peer->rib.demarcations;
	info_session(peer, out);
	info_routes(peer, out);
	stale_info(peer, out);
}

size_t bgp_peer_bytes(const struct bgp_peer *peer)
{
	size_t n = sizeof(*peer);
	const struct bgp_conn *c;

	list_for_each(c, &peer->conns, node)
		n += sizeof(*c) + c->open_len + (!c->part ? 0 : c->part_len < MSG_MAX_LEN ? MSG_MAX_LEN : c->part_len);
	return n;
}

void bgp_peer_print_capabilities(const struct bgp_peer *peer, struct json *j)
{
	const struct bgp_conn *c = peer->session;
	struct msg_open o = { 0 };
	struct msg_fault f;
	struct caps ours;
	uint8_t space[512];
	struct wbuf w = wb_init(space, sizeof(space));

	open_our_caps(peer, &ours);
	cap_encode(&w, &ours);
	o.params = rb_init(space, wb_len(&w));
	json_array(j, "capabilities_sent");
	cap_print(&o, j);
	json_array_end(j);
	json_array(j, "capabilities_received");
	if (c && msg_open_decode(rb_init(c->open, c->open_len), &o, &f))
		cap_print(&o, j);
	json_array_end(j);
}

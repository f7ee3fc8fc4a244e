/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* A speaker: makes and ends its parts, its timers and its long work, and hands calls on routes to the RIB. */
#include <stdlib.h>

#include "bgp/attr.h"
#include "bgp/engine.h"
#include "bgp/limit.h"
#include "bgp/restart.h"
#include "bgp/rtc.h"
#include "bgp/session.h"

/* splitmix64: the jitter needs no more, and a simulation repeats itself from its seed. */
static uint64_t random_next(struct bgp *b)
{
	uint64_t z = b->rng += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

int64_t engine_jitter(struct bgp *b, int64_t us)
{
	return us * (int64_t)(768 + random_next(b) % 257) / 1024;
}

void engine_arm(struct bgp *b, struct timerq_node *n, struct mtime at)
{
	timerq_arm(&b->timers, n, at);
	if (!mtime_before(at, b->told))
		return;
	b->told = at;
	if (b->p.net.deadline)
		b->p.net.deadline(b->p.net.ctx);
}

int engine_family_index(const struct bgp *b, uint16_t afi, uint8_t safi)
{
	for (uint32_t i = 0; i < b->n_families; i++)
		if (b->families[i].f->afi == afi && b->families[i].f->safi == safi)
			return (int)i;
	return -1;
}

static void on_want_write(void *ctx, struct rib_peer *p)
{
	session_want_write(p->peer);
}

static void on_work(void *ctx)
{
	struct bgp *b = ctx;

	if (b->p.net.work)
		b->p.net.work(b->p.net.ctx);
}

static void on_set_gone(void *ctx, uint32_t set, uint32_t mark)
{
	const struct bgp *b = ctx;

	for (uint32_t i = 0; i < b->n_families; i++)
		if (b->families[i].l && b->families[i].l->set_gone)
			b->families[i].l->set_gone(b->families[i].l->ctx, set, mark);
}

struct bgp *bgp_new(const struct bgp_params *p, struct mtime now)
{
	struct bgp *b = xcalloc(1, sizeof(*b));
	struct rib_params rp = { .asn = p->asn, .router_id = p->router_id, .cluster_id = p->cluster_id, .log = p->log,
				 .want_write = on_want_write, .work = on_work, .ctx = b,
				 .loopback = ip_is_loopback(&p->next_hop) };

	b->p = *p;
	if (!b->p.cluster_id)
		rp.cluster_id = b->p.cluster_id = p->router_id; /* RFC 4456 7 */
	b->rng = p->seed;
	b->told = b->draining = MTIME_NEVER;
	b->scratch = xcalloc(1, ATTR_SCRATCH);
	list_init(&b->peers);
	list_init(&b->removed);
	list_init(&b->waiting);
	timerq_init(&b->timers);
	b->sets = attrset_table_new();
	attrset_on_gone(b->sets, on_set_gone, b);
	b->rib = rib_new(&rp, b->sets);
	restart_init(b);
	return b;
}

void bgp_free(struct bgp *b)
{
	struct bgp_peer *peer, *tmp;

	BUG_ON(b->n_conns);
	b->p.net.work = NULL; /* what is left is done here */
	list_for_each_safe(peer, tmp, &b->peers, node)
		peer_free(peer);
	rtc_free(b);
	restart_fini(b);
	rib_free(b->rib);
	attrset_table_free(b->sets);
	timerq_fini(&b->timers);
	free(b->scratch);
	free(b);
}

void bgp_family_register(struct bgp *b, const struct bgp_family *f, const struct bgp_listener *l)
{
	BUG_ON(b->n_families == ENGINE_FAMILIES_MAX || !list_empty(&b->peers));
	b->families[b->n_families++] = (struct engine_family){ f, l };
	rib_family_register(b->rib, f, l);
}

uint32_t bgp_family_bit(const struct bgp *b, const struct bgp_family *f)
{
	return 1u << engine_family_index(b, f->afi, f->safi);
}

struct mtime bgp_deadline(const struct bgp *b)
{
	return timerq_next(&b->timers);
}

void bgp_run_timers(struct bgp *b, struct mtime now)
{
	timerq_run(&b->timers, now);
	b->told = timerq_next(&b->timers);
}

bool bgp_work(struct bgp *b, struct mtime now)
{
	bool more = rib_work(b->rib, now);

	return receive_more(b, now) || more;
}

void bgp_did(struct bgp *b, uint32_t rows)
{
	rib_did(b->rib, rows);
	b->enough |= rib_slice_is_over(b->rib);
}

/*
 * The routes of ours that this neighbor has are to outlive the session: with RFC 8538 on both sides a Cease
 * that is no hard reset says so; with RFC 4724 alone a NOTIFICATION would end them, so TCP ends without one.
 */
static void leave(struct bgp_conn *c, const struct msg_fault *f, const char *text, struct mtime now)
{
	if (c->run->state == BGP_ESTABLISHED && c->caps.gr.there && !c->caps.gr.notification)
		session_event(c->run, FSM_TCP_FAILS, NULL, "evpnd restarts", now);
	else
		session_event(c->run, FSM_MANUAL_STOP, f, text, now);
}

void bgp_shutdown(struct bgp *b, bool stays, uint8_t cease_subcode, const char *text, struct mtime now)
{
	uint8_t data[256];
	struct msg_fault f = { .code = MSG_ERR_CEASE, .subcode = cease_subcode, .why = "the daemon ends" };
	struct bgp_peer *peer;
	struct bgp_conn *c, *tmp;

	if (text) {
		f.data = data;
		f.data_len = msg_shutdown_data(text, data);
	}
	b->stopping = true;
	b->stays = stays && b->p.restart_time;
	list_for_each(peer, &b->peers, node) {
		list_for_each_safe(c, tmp, &peer->conns, node)
			leave(c, &f, text, now);
		session_event(&peer->own, FSM_MANUAL_STOP, &f, text, now);
		timerq_stop(&b->timers, &peer->idle_hold);
	}
}

void bgp_drain(struct bgp *b, bool on, struct mtime now)
{
	if (on == (b->draining.us != MTIME_NEVER.us))
		return;
	b->draining = on ? now : MTIME_NEVER;
	out_drain(b->rib, on);
}

struct mtime bgp_draining(const struct bgp *b)
{
	return b->draining;
}

/* ---- routes -------------------------------------------------------------------------------------------------- */

void bgp_originate(struct bgp *b, const struct bgp_family *f, const struct bgp_nlri *nlri,
		   const struct bgp_attrs *attrs, struct mtime now)
{
	struct bgp_attrs a = *attrs;

	a.as_path = a.cluster_list = NULL;
	a.as_path_len = a.cluster_list_len = 0;
	a.as_path_hops = a.neighbor_as = a.originator_id = 0;
	a.has_originator_id = false;
	a.shared = nlri->shared_len ? nlri->shared : NULL;
	a.shared_len = nlri->shared_len;
	rib_announce(b->rib, f, NULL, nlri->key, nlri->key_len, 0, attrset_intern(b->sets, &a), BGP_ELIGIBLE, now);
}

void bgp_withdraw(struct bgp *b, const struct bgp_family *f, const uint8_t *key, size_t key_len, struct mtime now)
{
	rib_withdraw(b->rib, f, NULL, key, key_len, 0, now);
}

uint32_t bgp_set_mark(const struct bgp *b, uint32_t set)
{
	return attrset_mark(b->sets, set);
}

void bgp_set_set_mark(struct bgp *b, uint32_t set, uint32_t mark)
{
	attrset_set_mark(b->sets, set, mark);
}

bool bgp_rib_next(const struct bgp *b, struct bgp_rib_cursor *c, struct bgp_path_info *out)
{
	return rib_next(b->rib, c, out);
}

const char *bgp_rib_decided_by(const struct bgp *b, const struct bgp_path_info *p)
{
	return rib_decided_by(b->rib, p);
}

bool bgp_rib_advertised_to(const struct bgp *b, const struct bgp_path_info *p, const struct bgp_peer *peer)
{
	return rib_advertised_to(b->rib, p, &peer->rib);
}

void bgp_memory(const struct bgp *b, struct bgp_memory *out)
{
	*out = (struct bgp_memory){ 0 };
	rib_memory(b->rib, out);
	out->sets = attrset_count(b->sets);
	out->set_bytes = attrset_bytes(b->sets);
	out->conns = b->n_conns;
	out->limit = b->p.memory_limit;
	out->used = limit_used(b);
}

void bgp_set_memory_limit(struct bgp *b, uint64_t octets)
{
	b->p.memory_limit = octets;
}

const char *bgp_reject_name(enum bgp_reject r)
{
	static const char *const names[] = {
		[BGP_REJECT_AS_LOOP] = "as-loop",
		[BGP_REJECT_ORIGINATOR] = "originator",
		[BGP_REJECT_CLUSTER] = "cluster-loop",
		[BGP_REJECT_NEXT_HOP] = "next-hop",
	};

	return names[r];
}

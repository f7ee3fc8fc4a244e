/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * One queue of timers drives all: an end has one for sending (pump) and one for what arrives next, a node one for its
 * engine's deadline and one for its long work.
 */
#include "tests/lib/simnet.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/list.h"
#include "base/timerq.h"
#include "tests/lib/rng.h"

#define WINDOW 65536u
#define PULL 65536u

struct chunk {
	struct mtime at;
	size_t len;
	const char *fin; /* the end of the stream, and why; len is 0 */
};

enum end_state { END_CONNECTING, END_OPEN, END_CLOSED };

struct sim_end {
	struct list node; /* sim_node.ends */
	struct sim_node *owner;
	struct sim_end *other;  /* NULL: nobody there any more */
	struct sim_node *target; /* of a connect */
	struct bgp_conn *c;     /* an engine's; NULL: by hand, or let go */
	enum end_state state;
	bool closing;           /* the engine asked for it */
	bool handed;            /* by hand: the test has it */
	bool deaf;
	struct timerq_node pump, arrive;
	struct buf bytes;       /* under way to this end */
	struct chunk *chunks;
	size_t n_chunks, cap_chunks;
	struct buf received;
};

struct sim_node {
	struct list node; /* simnet.nodes */
	struct simnet *net;
	struct ip address;
	struct bgp *bgp;
	bool engine, refuse;
	uint32_t index;
	struct list ends;
	struct timerq_node deadline, work;
};

struct block {
	struct list node;
	struct sim_node *a, *b;
};

struct simnet {
	struct simnet_params p;
	struct mtime now;
	struct timerq timers;
	struct list nodes, blocks;
	uint32_t n_nodes;
	struct rng rng;
	struct log mute;
	uint64_t trace, octets;
	uint8_t space[PULL];
};

static void note(struct simnet *n, uint64_t what)
{
	n->trace = (n->trace ^ what ^ (uint64_t)n->now.us) * 0x100000001b3u;
}

static void arm(struct simnet *n, struct timerq_node *t, struct mtime at)
{
	timerq_arm(&n->timers, t, mtime_before(at, n->now) ? n->now : at);
}

/* ---- ends ------------------------------------------------------------------------------------------------------- */

static void on_pump(struct timerq_node *t, struct mtime now);
static void on_arrive(struct timerq_node *t, struct mtime now);

static struct sim_end *end_new(struct sim_node *owner, struct bgp_conn *c)
{
	struct sim_end *e = xcalloc(1, sizeof(*e));

	e->owner = owner;
	e->c = c;
	e->pump.fn = on_pump;
	e->arrive.fn = on_arrive;
	buf_init(&e->bytes);
	buf_init(&e->received);
	list_add_tail(&owner->ends, &e->node);
	if (c)
		bgp_conn_set_user(c, e);
	return e;
}

static void end_free(struct sim_end *e)
{
	struct simnet *n = e->owner->net;

	timerq_stop(&n->timers, &e->pump);
	timerq_stop(&n->timers, &e->arrive);
	if (e->other)
		e->other->other = NULL;
	buf_fini(&e->bytes);
	buf_fini(&e->received);
	free(e->chunks);
	list_del(&e->node);
	free(e);
}

static struct block *blocked(const struct sim_node *a, const struct sim_node *b)
{
	struct block *k;

	list_for_each(k, &a->net->blocks, node)
		if ((k->a == a && k->b == b) || (k->a == b && k->b == a))
			return k;
	return NULL;
}

static int64_t delay(struct simnet *n)
{
	int64_t span = n->p.delay_max_us - n->p.delay_min_us;

	return n->p.delay_min_us + (span > 0 ? (int64_t)(rng_u64(&n->rng) % (uint64_t)span) : 0);
}

static struct sim_node *other_side(const struct sim_end *e)
{
	return e->target;
}

static void arrive_arm(struct sim_end *e)
{
	if (!e->n_chunks || e->deaf || (other_side(e) && blocked(e->owner, other_side(e))))
		timerq_stop(&e->owner->net->timers, &e->arrive);
	else
		arm(e->owner->net, &e->arrive, e->chunks[0].at);
}

/* Puts a chunk on its way to e, behind what is under way already. */
static void chunk_add(struct sim_end *e, const void *data, size_t len, const char *fin)
{
	struct simnet *n = e->owner->net;
	struct mtime at = mtime_add_us(n->now, delay(n));

	if (e->n_chunks && mtime_before(at, e->chunks[e->n_chunks - 1].at))
		at = e->chunks[e->n_chunks - 1].at;
	array_room(e->chunks, e->n_chunks, e->cap_chunks, 8);
	e->chunks[e->n_chunks++] = (struct chunk){ .at = at, .len = len, .fin = fin };
	buf_add(&e->bytes, data, len);
	arrive_arm(e);
}

/* The stream to the other end is over. */
static void end_fin(struct sim_end *e, const char *why)
{
	if (e->other)
		chunk_add(e->other, NULL, 0, why);
}

/* TCP has ended at this end, and its owner is told. */
static void end_closed(struct sim_end *e, const char *why)
{
	struct simnet *n = e->owner->net;
	struct bgp_conn *c = e->c;
	bool closing = e->closing;

	note(n, 1);
	e->state = END_CLOSED;
	e->c = NULL;
	if (e->other)
		e->other->other = NULL;
	e->other = NULL;
	if (!e->owner->engine)
		return;
	end_free(e);
	if (c && closing)
		bgp_conn_release(c);
	else if (c)
		bgp_conn_closed(c, why, n->now);
}

static size_t window_left(const struct sim_end *to)
{
	size_t window = to->owner->net->p.window;

	return to->bytes.len < window ? window - to->bytes.len : 0;
}

/* The engine lets go of the connection: what is left, then the end of the stream. */
static void engine_finish(struct sim_end *e)
{
	struct simnet *n = e->owner->net;
	struct bgp_conn *c = e->c;
	size_t len;

	while (e->state == END_OPEN && (len = bgp_conn_pull(c, n->space, PULL, n->now)))
		if (e->other)
			chunk_add(e->other, n->space, len, NULL);
	end_fin(e, "closed by the peer");
	e->c = NULL;
	end_free(e);
	bgp_conn_release(c);
}

static void engine_pull(struct sim_end *e)
{
	struct simnet *n = e->owner->net;
	size_t len;

	while (!e->other || window_left(e->other)) {
		len = bgp_conn_pull(e->c, n->space, PULL, n->now);
		if (!len)
			return;
		if (!e->other) {
			/* Nobody there: TCP answers with a reset, unless the end of the stream is on its way. */
			if (!e->n_chunks || !e->chunks[e->n_chunks - 1].fin)
				end_closed(e, "connection reset by peer");
			return;
		}
		chunk_add(e->other, n->space, len, NULL);
	}
}

static void connect_done(struct sim_end *e);

static void on_pump(struct timerq_node *t, struct mtime now)
{
	struct sim_end *e = container_of(t, struct sim_end, pump);

	note(e->owner->net, 2);
	if (e->closing)
		engine_finish(e);
	else if (e->state == END_CONNECTING)
		connect_done(e);
	else if (e->c && e->state == END_OPEN)
		engine_pull(e);
}

static void hand_over(struct sim_end *e, const uint8_t *data, size_t len)
{
	struct simnet *n = e->owner->net;
	size_t piece = n->p.piece ? n->p.piece : len;

	n->octets += len;
	for (size_t i = 0; i < len; i += piece) {
		size_t step = len - i < piece ? len - i : piece;

		note(n, data[i]);
		if (e->c)
			bgp_conn_input(e->c, data + i, step, n->now);
		else
			buf_add(&e->received, data + i, step);
	}
}

static void on_arrive(struct timerq_node *t, struct mtime now)
{
	struct sim_end *e = container_of(t, struct sim_end, arrive);
	struct chunk c = e->chunks[0];
	bool full = !window_left(e);
	uint8_t *data;

	memmove(e->chunks, e->chunks + 1, --e->n_chunks * sizeof(*e->chunks));
	if (c.fin) {
		end_closed(e, c.fin);
		return;
	}
	data = xcalloc(1, c.len);
	memcpy(data, buf_data(&e->bytes), c.len);
	buf_consume(&e->bytes, c.len);
	arrive_arm(e);
	if (full && e->other && e->other->owner->engine)
		arm(e->owner->net, &e->other->pump, e->owner->net->now);
	if (e->state == END_OPEN)
		hand_over(e, data, c.len);
	free(data);
}

/* ---- connects --------------------------------------------------------------------------------------------------- */

static struct sim_node *node_at(struct simnet *n, const struct ip *address)
{
	struct sim_node *node;

	list_for_each(node, &n->nodes, node)
		if (ip_eq(&node->address, address))
			return node;
	return NULL;
}

/* The other side's end, NULL when it refuses. */
static struct sim_end *accept_at(struct sim_node *to, struct sim_node *from)
{
	struct bgp_peer *peer;
	struct bgp_conn *c = NULL;
	struct sim_end *e;

	if (to->refuse || (to->engine && !to->bgp))
		return NULL;
	if (to->engine) {
		peer = bgp_peer_find(to->bgp, &from->address);
		c = peer ? bgp_accept(peer, to->net->now) : NULL;
		if (!c)
			return NULL;
		bgp_conn_local(c, &to->address);
	}
	e = end_new(to, c);
	e->state = END_OPEN;
	e->target = from;
	if (c)
		arm(to->net, &e->pump, to->net->now);
	return e;
}

static void connect_done(struct sim_end *e)
{
	struct simnet *n = e->owner->net;

	if (e->target && blocked(e->owner, e->target))
		return; /* sim_block() wakes it */
	e->other = e->target ? accept_at(e->target, e->owner) : NULL;
	if (!e->other) {
		end_closed(e, "connection refused");
		return;
	}
	e->other->other = e;
	e->state = END_OPEN;
	note(n, 3);
	if (e->c)
		bgp_conn_connected(e->c, &e->owner->address, n->now);
}

static struct sim_end *connect_start(struct sim_node *from, struct sim_node *to, struct bgp_conn *c)
{
	struct sim_end *e = end_new(from, c);

	e->target = to;
	arm(from->net, &e->pump, mtime_add_us(from->net->now, 2 * delay(from->net)));
	return e;
}

/* ---- engines ---------------------------------------------------------------------------------------------------- */

static void net_connect(void *ctx, struct bgp_conn *c)
{
	struct sim_node *node = ctx;

	connect_start(node, node_at(node->net, &bgp_peer_params(bgp_conn_peer(c))->address), c);
}

static void net_want_write(void *ctx, struct bgp_conn *c)
{
	struct sim_node *node = ctx;
	struct sim_end *e = bgp_conn_user(c);

	if (e && e->state == END_OPEN)
		arm(node->net, &e->pump, node->net->now);
}

static void net_close(void *ctx, struct bgp_conn *c)
{
	struct sim_node *node = ctx;
	struct sim_end *e = bgp_conn_user(c);

	e->closing = true;
	arm(node->net, &e->pump, node->net->now);
}

static void deadline_arm(struct sim_node *node)
{
	struct mtime at = node->bgp ? bgp_deadline(node->bgp) : MTIME_NEVER;

	if (at.us == MTIME_NEVER.us)
		timerq_stop(&node->net->timers, &node->deadline);
	else
		arm(node->net, &node->deadline, at);
}

static void net_deadline(void *ctx)
{
	deadline_arm(ctx);
}

static void net_work(void *ctx)
{
	struct sim_node *node = ctx;

	arm(node->net, &node->work, node->net->now);
}

static void on_deadline(struct timerq_node *t, struct mtime now)
{
	struct sim_node *node = container_of(t, struct sim_node, deadline);

	bgp_run_timers(node->bgp, node->net->now);
	deadline_arm(node);
}

static void on_work(struct timerq_node *t, struct mtime now)
{
	struct sim_node *node = container_of(t, struct sim_node, work);

	if (bgp_work(node->bgp, node->net->now))
		arm(node->net, &node->work, node->net->now);
}

static struct sim_node *node_new(struct simnet *n, const char *address, bool engine)
{
	struct sim_node *node = xcalloc(1, sizeof(*node));

	if (!ip_parse(address, &node->address))
		BUG("not an address: %s", address);
	node->net = n;
	node->engine = engine;
	node->index = ++n->n_nodes;
	node->deadline.fn = on_deadline;
	node->work.fn = on_work;
	list_init(&node->ends);
	list_add_tail(&n->nodes, &node->node);
	return node;
}

struct bgp *sim_restart(struct sim_node *node, const struct bgp_params *p)
{
	struct bgp_params mine = *p;

	mine.net = (struct bgp_net){ .connect = net_connect, .want_write = net_want_write, .close = net_close,
				     .deadline = net_deadline, .work = net_work, .ctx = node };
	if (!mine.log)
		mine.log = &node->net->mute;
	if (!mine.seed)
		mine.seed = rng_u64(&node->net->rng);
	node->bgp = bgp_new(&mine, node->net->now);
	return node->bgp;
}

struct sim_node *simnet_engine(struct simnet *n, const char *address, const struct bgp_params *p)
{
	struct sim_node *node = node_new(n, address, true);

	sim_restart(node, p);
	return node;
}

struct bgp *sim_bgp(const struct sim_node *node)
{
	return node->bgp;
}

struct bgp_peer *sim_peer(struct sim_node *node, const struct sim_node *other, const struct bgp_peer_params *p)
{
	struct bgp_peer_params mine = *p;
	struct bgp_peer *peer = NULL;

	mine.address = other->address;
	if (bgp_peer_add(node->bgp, &mine, node->net->now, &peer) < 0)
		BUG("a second peer at %s", ip_str(&mine.address).s);
	return peer;
}

void sim_crash(struct sim_node *node)
{
	struct simnet *n = node->net;
	struct sim_end *e, *tmp;
	struct bgp *b = node->bgp;

	bgp_shutdown(b, false, BGP_CEASE_ADMIN_SHUTDOWN, NULL, n->now);
	list_for_each_safe(e, tmp, &node->ends, node) {
		struct bgp_conn *c = e->c;

		end_free(e);
		bgp_conn_release(c);
	}
	node->bgp = NULL;
	timerq_stop(&n->timers, &node->deadline);
	timerq_stop(&n->timers, &node->work);
	bgp_free(b);
}

/* ---- disturbance ------------------------------------------------------------------------------------------------ */

/* Of what is under way to e, n octets come. */
static void cut(struct sim_end *e, size_t n)
{
	size_t k = 0;

	for (; k < e->n_chunks && !e->chunks[k].fin && n; k++) {
		if (e->chunks[k].len > n)
			e->chunks[k].len = n;
		n -= e->chunks[k].len;
	}
	e->bytes.len = 0;
	for (size_t i = 0; i < k; i++)
		e->bytes.len += e->chunks[i].len;
	e->n_chunks = k;
}

static void connections_end(struct simnet *n, struct sim_node *a, struct sim_node *b, bool sever)
{
	struct sim_end *e, *tmp;

	list_for_each_safe(e, tmp, &a->ends, node) {
		if (e->state != END_OPEN || !e->other || e->other->owner != b)
			continue;
		if (sever) {
			cut(e, rng_u64(&n->rng) % (e->bytes.len + 1));
			cut(e->other, rng_u64(&n->rng) % (e->other->bytes.len + 1));
		}
		end_fin(e, "connection reset");
		chunk_add(e, NULL, 0, "connection reset");
	}
}

void sim_reset(struct simnet *n, struct sim_node *a, struct sim_node *b)
{
	connections_end(n, a, b, false);
}

void sim_sever(struct simnet *n, struct sim_node *a, struct sim_node *b)
{
	connections_end(n, a, b, true);
}

void sim_block(struct simnet *n, struct sim_node *a, struct sim_node *b, bool on)
{
	struct block *k = blocked(a, b);
	struct sim_end *e;

	if (on == (k != NULL))
		return;
	if (on) {
		k = xcalloc(1, sizeof(*k));
		k->a = a;
		k->b = b;
		list_add_tail(&n->blocks, &k->node);
	} else {
		list_del(&k->node);
		free(k);
	}
	for (int i = 0; i < 2; i++) {
		list_for_each(e, i ? &b->ends : &a->ends, node) {
			arrive_arm(e);
			if (!on && e->state == END_CONNECTING)
				arm(n, &e->pump, mtime_add_us(n->now, delay(n)));
		}
	}
}

void sim_refuse(struct sim_node *node, bool refuse)
{
	node->refuse = refuse;
}

/* ---- by hand ---------------------------------------------------------------------------------------------------- */

struct sim_node *simnet_raw(struct simnet *n, const char *address)
{
	return node_new(n, address, false);
}

struct sim_end *sim_raw_connect(struct sim_node *node, const struct sim_node *to)
{
	struct sim_end *e = connect_start(node, node_at(node->net, &to->address), NULL);

	e->handed = true;
	return e;
}

struct sim_end *sim_raw_accepted(struct sim_node *node)
{
	struct sim_end *e;

	list_for_each(e, &node->ends, node) {
		if (!e->handed) {
			e->handed = true;
			return e;
		}
	}
	return NULL;
}

void sim_raw_send(struct sim_end *e, const void *data, size_t len)
{
	if (e->other)
		chunk_add(e->other, data, len, NULL);
}

struct buf *sim_raw_received(struct sim_end *e)
{
	return &e->received;
}

bool sim_raw_closed(const struct sim_end *e)
{
	return e->state == END_CLOSED;
}

void sim_raw_read(struct sim_end *e, bool read)
{
	e->deaf = !read;
	arrive_arm(e);
}

void sim_raw_close(struct sim_end *e)
{
	end_fin(e, "closed by the peer");
	if (e->other)
		e->other->other = NULL;
	e->other = NULL;
	e->state = END_CLOSED;
}

void sim_end_drop(struct sim_end *e)
{
	sim_raw_close(e);
	end_free(e);
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static void mute(void *ctx, enum log_level level, enum log_subsys sub, const char *line)
{
}

struct simnet *simnet_new(const struct simnet_params *p)
{
	struct simnet *n = xcalloc(1, sizeof(*n));

	n->p = *p;
	if (!n->p.delay_max_us)
		n->p.delay_min_us = n->p.delay_max_us = 1000;
	if (!n->p.window)
		n->p.window = WINDOW;
	n->rng.state = p->seed;
	n->mute = (struct log){ .level = LOG_ERROR, .sink = mute };
	timerq_init(&n->timers);
	list_init(&n->nodes);
	list_init(&n->blocks);
	return n;
}

void simnet_free(struct simnet *n)
{
	struct sim_node *node, *tmp;
	struct block *k, *ktmp;
	struct sim_end *e, *etmp;

	list_for_each_safe(node, tmp, &n->nodes, node) {
		if (node->bgp)
			sim_crash(node);
		list_for_each_safe(e, etmp, &node->ends, node)
			end_free(e);
		list_del(&node->node);
		free(node);
	}
	list_for_each_safe(k, ktmp, &n->blocks, node)
		free(k);
	timerq_fini(&n->timers);
	free(n);
}

struct mtime simnet_now(const struct simnet *n)
{
	return n->now;
}

/* One event later; false when nothing is due before end. */
static bool step(struct simnet *n, struct mtime end)
{
	struct mtime at = timerq_next(&n->timers);

	if (mtime_before(end, at))
		return false;
	if (mtime_before(n->now, at))
		n->now = at;
	timerq_run(&n->timers, n->now);
	return true;
}

bool simnet_run_until(struct simnet *n, int64_t us, bool (*done)(void *ctx), void *ctx)
{
	struct mtime end = mtime_add_us(n->now, us);

	while (!done(ctx))
		if (!step(n, end)) {
			n->now = end;
			return done(ctx);
		}
	return true;
}

static bool never(void *ctx)
{
	return false;
}

void simnet_run(struct simnet *n, int64_t us)
{
	simnet_run_until(n, us, never, NULL);
}

uint64_t simnet_trace(const struct simnet *n)
{
	return n->trace;
}

uint64_t simnet_octets(const struct simnet *n)
{
	return n->octets;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A whole engine: octets into an established session with one neighbor, while a second one is told what comes of it.
 * Everything that the engine sends must be well-formed to our own decoders; in the end nothing of the neighbor is left.
 *
 * Input: | mode 1 | piece ... |, a piece is | length 2 | octets |, or with the highest bit of length set a pause of the
 * rest in units of 10 ms. Mode: 1 the neighbor is external, 2 it has 2-octet ASNs, 4 it is a client, 8 opaque routes are
 * reflected, 16 it has a limit of routes.
 */
#include <stdlib.h>

#include "base/log.h"
#include "bgp/attr.h"
#include "bgp/cap.h"
#include "bgp/msg.h"
#include "evpn/nlri.h"
#include "include/evpn.h"
#include "tests/fuzz/fuzz.h"

enum { EXTERNAL = 1, AS2 = 2, CLIENT = 4, OPAQUE = 8, LIMITED = 16 };
#define OUR_AS 65001u
#define THEIR_AS 65002u
#define SPACE 65536u

struct side {
	struct bgp_peer *peer;
	struct bgp_conn *conn; /* NULL when it has ended */
	struct attr_session reads; /* how it reads what the engine sends */
	bool closing;
};

struct world {
	struct bgp *b;
	struct log log;
	struct mtime now;
	struct side noisy, quiet;
	uint8_t *space, *scratch;
};

/* ---- the network ------------------------------------------------------------------------------------------------- */

static void net_connect(void *ctx, struct bgp_conn *c)
{
	BUG("both neighbors are passive");
}

static void net_want_write(void *ctx, struct bgp_conn *c)
{
}

static void net_close(void *ctx, struct bgp_conn *c)
{
	struct world *w = ctx;

	if (c == w->noisy.conn)
		w->noisy.closing = true;
	else
		w->quiet.closing = true;
}

static void best_changed(void *ctx, const struct bgp_route_ref *old, const struct bgp_route_ref *new_)
{
	BUG_ON(!old && !new_);
	BUG_ON(new_ && (!new_->key_len || !new_->attrs));
}

static void set_gone(void *ctx, uint32_t set, uint32_t mark)
{
	BUG("no set has a mark");
}

static void mute(void *ctx, enum log_level level, enum log_subsys sub, const char *line)
{
}

/* ---- what the engine sends ----------------------------------------------------------------------------------------- */

static void check_nlri(struct rbuf r, bool withdraw)
{
	struct bgp_nlri n;

	while (rb_left(&r)) {
		enum bgp_nlri_verdict v = evpn_family.decode(&r, withdraw, &n);

		BUG_ON(v != BGP_NLRI_OK && v != BGP_NLRI_UNKNOWN);
	}
}

static void check_update(struct world *w, const struct side *to, struct rbuf body)
{
	struct attr_update u;

	attr_decode_update(body, &to->reads, w->scratch, &u);
	BUG_ON(u.outcome != ATTR_OK);
	check_nlri(u.reach, false);
	check_nlri(u.unreach, true);
}

static void check_sent(struct world *w, const struct side *to, size_t len)
{
	struct msg_fault fault;
	enum msg_type type;
	size_t n;

	for (size_t at = 0; at < len; at += n) {
		BUG_ON(msg_frame(w->space + at, len - at, &n, &type, &fault) != MSG_WHOLE || n > len - at);
		if (type == MSG_UPDATE)
			check_update(w, to, rb_init(w->space + at + MSG_HEADER_LEN, n - MSG_HEADER_LEN));
	}
}

static void drain(struct world *w, struct side *s)
{
	size_t n;

	while (s->conn && (n = bgp_conn_pull(s->conn, w->space, SPACE, w->now)))
		check_sent(w, s, n);
	if (s->conn && s->closing) {
		bgp_conn_release(s->conn);
		s->conn = NULL;
	}
}

static void settle(struct world *w)
{
	while (bgp_work(w->b, w->now))
		;
	drain(w, &w->noisy);
	drain(w, &w->quiet);
}

/* ---- the neighbors ------------------------------------------------------------------------------------------------- */

/* OPEN and KEEPALIVE of a neighbor with the capabilities that go with mode. */
static size_t greeting(uint8_t *out, size_t cap, uint32_t asn, uint32_t router_id, bool as4)
{
	struct caps c = { .refresh = true, .as4 = as4, .asn = asn };
	struct wbuf w = wb_init(out, cap);
	size_t mark;

	cap_family_add(&c, evpn_family.afi, evpn_family.safi);
	msg_open_begin(&w, asn, 90, router_id, &mark);
	cap_encode(&w, &c);
	msg_open_end(&w, mark);
	msg_keepalive_write(&w);
	BUG_ON(!wb_ok(&w));
	return wb_len(&w);
}

static void meet(struct world *w, struct side *s, const struct bgp_peer_params *p, bool as4)
{
	uint8_t hello[256];
	size_t n = greeting(hello, sizeof(hello), p->asn, p->asn + p->address.b[3], as4);
	struct bgp_peer_info info;

	BUG_ON(bgp_peer_add(w->b, p, w->now, &s->peer) != 0);
	s->conn = bgp_accept(s->peer, w->now);
	BUG_ON(!s->conn);
	s->reads = (struct attr_session){ .ebgp = p->asn != OUR_AS, .as4 = as4, .peer_as = OUR_AS };
	settle(w);
	bgp_conn_input(s->conn, hello, n, w->now);
	settle(w);
	bgp_peer_info(s->peer, &info);
	BUG_ON(info.state != BGP_ESTABLISHED);
}

/* Two routes of our own, so that the neighbor can collide with them. */
static void originate(struct world *w)
{
	static const uint8_t rd[8] = { 0, 1, 192, 0, 2, 1, 0, 10 }, no_esi[10];
	static const uint8_t ec[16] = { 0, 2, 0xfd, 0xe9, 0, 0, 0, 10, 3, 12, 0, 0, 0, 0, 0, 8 };
	static const uint8_t pmsi[9] = { 0, 6, 0, 0, 10, 192, 0, 2, 1 };
	struct ip vtep = ip_v4(0xc0000201), none = ip_none();
	struct mac mac = { { 2, 0, 0, 0, 0, 1 } };
	struct bgp_attrs a = { .next_hop = vtep, .ext_communities = ec, .ext_communities_len = sizeof(ec) };
	struct bgp_nlri n;

	evpn_nlri_mac(&n, rd, 0, &mac, &none, no_esi, 10, 0);
	a.shared = n.shared;
	a.shared_len = n.shared_len;
	bgp_originate(w->b, &evpn_family, &n, &a, w->now);
	evpn_nlri_imet(&n, rd, 0, &vtep);
	a.shared_len = 0;
	a.pmsi = pmsi;
	a.pmsi_len = sizeof(pmsi);
	bgp_originate(w->b, &evpn_family, &n, &a, w->now);
}

static void begin(struct world *w, uint8_t mode, const struct bgp_listener *l)
{
	struct bgp_params p = { .asn = OUR_AS, .router_id = 0xc0000201, .reflect_unknown = mode & OPAQUE, .seed = 1,
				.log = &w->log };
	struct bgp_peer_params noisy = { .address = ip_v4(0xc0000202), .asn = mode & EXTERNAL ? THEIR_AS : OUR_AS,
					 .passive = true, .hold_time = 90, .rr_client = mode & CLIENT && !(mode & EXTERNAL),
					 .max_prefixes = mode & LIMITED ? 20 : 0 };
	struct bgp_peer_params quiet = { .address = ip_v4(0xc0000203), .asn = OUR_AS, .passive = true, .hold_time = 90,
					 .rr_client = true };

	log_init(&w->log, LOG_DEBUG);
	w->log.sink = mute;
	w->now = (struct mtime){ 1000000 };
	p.net = (struct bgp_net){ .connect = net_connect, .want_write = net_want_write, .close = net_close, .ctx = w };
	w->b = bgp_new(&p, w->now);
	bgp_family_register(w->b, &evpn_family, l);
	originate(w);
	meet(w, &w->quiet, &quiet, true);
	meet(w, &w->noisy, &noisy, !(mode & AS2));
}

/* The noisy one leaves; of its routes nothing stays. */
static void end(struct world *w)
{
	struct bgp_memory m;

	if (w->noisy.conn)
		bgp_conn_closed(w->noisy.conn, "end of input", w->now);
	w->noisy.conn = NULL;
	settle(w);
	bgp_memory(w->b, &m);
	BUG_ON(m.paths != 2);
	if (w->quiet.conn)
		bgp_conn_closed(w->quiet.conn, "end of input", w->now);
	bgp_free(w->b);
}

static void pass_time(struct world *w, unsigned units)
{
	w->now = mtime_add_ms(w->now, units * 10);
	bgp_run_timers(w->b, w->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct bgp_listener listener = { .best_changed = best_changed, .set_gone = set_gone };
	struct world w = { .space = xcalloc(2, SPACE) };
	struct rbuf r = rb_init(data, len);

	w.scratch = w.space + SPACE;
	begin(&w, rb_u8(&r), &listener);
	while (rb_left(&r) && w.noisy.conn) {
		uint16_t n = rb_u16(&r);
		size_t take = n < rb_left(&r) ? n : rb_left(&r);

		if (n & 0x8000)
			pass_time(&w, n & 0x7fff);
		else
			bgp_conn_input(w.noisy.conn, rb_ptr(&r, take), take, w.now);
		settle(&w);
	}
	end(&w);
	free(w.space);
	return 0;
}

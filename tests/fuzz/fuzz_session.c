/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A whole speaker, bgp and evpn: octets into an established session with one neighbor, while hosts come and go at our
 * ports and a second neighbor is told what comes of it. Everything that the engine sends must be well-formed to our own
 * decoders; in the end nothing of the neighbor is left in any table.
 *
 * Input: | mode 1 | piece ... |, mode: 1 the neighbor is external, 2 it has 2-octet ASNs, 4 it is
 * a client, 8 opaque routes are reflected, 16 it has a limit of routes, and all have one of memory,
 * with which routes are so much work that an UPDATE of a few takes turns, 32 routes come and go with
 * path identifiers, 64 and the second neighbor gets two paths of a route at most, 128 the neighbor
 * restarts gracefully, and says which route targets it wants. A piece begins with 2 octets:
 *
 *	0 length 15             octets of the connection follow
 *	10 time 14              a pause in units of 10 ms
 *	11 - what 3 - vni 1 mac 4    at a port: see host(); with what 7: the connection ends, or with 128 there is a
 *	                             new one
 */
#include <stdlib.h>

#include "base/log.h"
#include "bgp/attr.h"
#include "bgp/cap.h"
#include "bgp/msg.h"
#include "include/config.h"
#include "include/dataplane.h"
#include "include/evpn.h"
#include "tests/fuzz/fuzz.h"

enum { EXTERNAL = 1, AS2 = 2, CLIENT = 4, OPAQUE = 8, LIMITED = 16, ADD_PATH = 32, BEST_TWO = 64, RESTARTS = 128 };
enum { RESTART_S = 2, LONG_LIVED_S = 5 };
#define OUR_AS 65001u
#define THEIR_AS 65002u
#define SPACE 65536u
#define MEMORY_LIMIT 8192u

struct side {
	struct bgp_peer *peer;
	struct bgp_conn *conn; /* NULL when it has ended */
	struct attr_session reads; /* how it reads what the engine sends */
	bool path_ids;
	uint8_t hello[256]; /* OPEN and KEEPALIVE */
	size_t hello_len;
	bool closing;
};

struct world {
	struct bgp *b;
	struct evpn *e;
	struct dp *dp;
	struct bgp_listener listener; /* evpn's, and behind it work for UPDATEs to pause at */
	bool work;
	struct log log;
	struct history history;
	struct history_watch watch;
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

static void mute(void *ctx, enum log_level level, enum log_subsys sub, const char *line)
{
}

/* ---- what the engine sends --------------------------------------------------------------------------------------- */

static void check_nlri(struct rbuf r, uint8_t safi, bool withdraw, bool path_ids)
{
	bool evpn = safi == evpn_family.safi;
	struct bgp_nlri n;

	while (rb_left(&r)) {
		enum bgp_nlri_verdict v;

		BUG_ON(evpn && path_ids && !rb_u32(&r));
		v = evpn ? evpn_family.decode(&r, withdraw, &n) : bgp_rtc_family.decode(&r, withdraw, &n);
		BUG_ON(v != BGP_NLRI_OK && v != BGP_NLRI_UNKNOWN);
	}
}

static void check_update(struct world *w, const struct side *to, struct rbuf body)
{
	struct attr_update u;

	attr_decode_update(body, &to->reads, w->scratch, &u);
	BUG_ON(u.outcome != ATTR_OK);
	check_nlri(u.reach, u.reach_safi, false, to->path_ids);
	check_nlri(u.unreach, u.unreach_safi, true, to->path_ids);
}

static void check_sent(struct world *w, const struct side *to, size_t len)
{
	struct msg_fault fault;
	enum msg_type type;
	size_t n;

	for (size_t at = 0; at < len; at += n) {
		BUG_ON(msg_frame(w->space + at, len - at, MSG_EXTENDED_MAX_LEN, &n, &type, &fault) !=
			       MSG_WHOLE || n > len - at);
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
	s->closing = false;
}

static void settle(struct world *w)
{
	while (bgp_work(w->b, w->now))
		;
	drain(w, &w->noisy);
	drain(w, &w->quiet);
}

/* ---- the neighbors ----------------------------------------------------------------------------------------------- */

static void restarts(struct caps *c)
{
	struct cap_gr_family f = { evpn_family.afi, evpn_family.safi, .forwarding = true, .long_s = LONG_LIVED_S };

	cap_family_add(c, bgp_rtc_family.afi, bgp_rtc_family.safi);
	c->gr = (struct cap_gr){ .notification = true, .time = RESTART_S };
	cap_gr_add(&c->gr, &f);
	cap_gr_add(&c->long_lived, &f);
}

/* OPEN and KEEPALIVE of a neighbor with the capabilities that go with mode. */
static void greeting(struct side *s, const struct bgp_peer_params *p, uint8_t mode)
{
	struct caps c = { .refresh = true, .enhanced_refresh = true, .as4 = !(mode & AS2), .asn = p->asn };
	struct wbuf w = wb_init(s->hello, sizeof(s->hello));
	size_t mark;

	cap_family_add(&c, evpn_family.afi, evpn_family.safi);
	if (p->add_path)
		cap_add_path_set(&c, evpn_family.afi, evpn_family.safi, p->add_path);
	if (mode & RESTARTS)
		restarts(&c);
	msg_open_begin(&w, p->asn, 90, p->asn + p->address.b[3], &mark);
	cap_encode(&w, &c);
	msg_open_end(&w, mark);
	msg_keepalive_write(&w);
	BUG_ON(!wb_ok(&w));
	s->hello_len = wb_len(&w);
}

/* False when it is held off for the moment. */
static bool meet(struct world *w, struct side *s)
{
	struct bgp_peer_info info;

	s->conn = bgp_accept(s->peer, w->now);
	if (!s->conn)
		return false;
	settle(w);
	bgp_conn_input(s->conn, s->hello, s->hello_len, w->now);
	settle(w);
	bgp_peer_info(s->peer, &info);
	BUG_ON(s->conn && info.state != BGP_ESTABLISHED);
	return s->conn;
}

static void introduce(struct world *w, struct side *s, const struct bgp_peer_params *p, uint8_t mode)
{
	BUG_ON(bgp_peer_add(w->b, p, w->now, &s->peer) != 0);
	s->reads = (struct attr_session){ .ebgp = p->asn != OUR_AS, .as4 = !(mode & AS2), .peer_as = OUR_AS };
	s->path_ids = p->add_path;
	greeting(s, p, mode);
	BUG_ON(!meet(w, s));
}

static void leave(struct world *w, struct side *s)
{
	struct bgp_conn *c = s->conn;

	s->conn = NULL;
	if (c)
		bgp_conn_closed(c, "end of input", w->now);
	settle(w);
}

/* ---- our VTEP ---------------------------------------------------------------------------------------------------- */

static const uint32_t vnis[2] = { 10, 10010 }; /* as in the recorded sessions, so that their routes are imported */

static void vni_add(struct world *w, uint32_t vni)
{
	struct config_rt automatic = { .is_auto = true };
	struct config_vni c = { .vni = vni, .rd = { .is_auto = true }, .imports = &automatic, .n_imports = 1,
				.exports = &automatic, .n_exports = 1, .arp_suppression = true };

	BUG_ON(evpn_vni_add(w->e, &c, 4789, NULL) != 0);
	evpn_dp_events(w->e)->vni_ready(w->e, vni, true);
}

/* One of 16 hosts with addresses of the recorded ones does something. */
static void host(struct world *w, uint16_t what)
{
	const struct dp_events *port = evpn_dp_events(w->e);
	struct mac mac = { { 0, 0x11, 0x22, 0x33, 0x44, what & 15 } };
	struct ip ip = ip_v4(0x0a0a0a20 + (what & 15));
	uint32_t vni = vnis[what >> 4 & 1];

	switch (what >> 5 & 7) {
	case 0:
	case 1:
		port->local_mac(w->e, vni, &mac, 7, 0);
		break;
	case 2:
		port->local_mac(w->e, vni, &mac, 7, DP_LOCAL_STATIC);
		break;
	case 3:
		port->local_mac_gone(w->e, vni, &mac);
		break;
	case 4:
	case 5:
		port->local_ip(w->e, vni, &ip, &mac, what & 0x100 ? DP_LOCAL_ROUTER : 0);
		break;
	case 6:
		port->local_ip_gone(w->e, vni, &ip);
		break;
	default:
		if (w->noisy.conn)
			leave(w, &w->noisy);
		else
			meet(w, &w->noisy);
	}
}

static void awake(struct history_watch *watch)
{
}

/* What was noted can be read, whatever it was, and with a watch routes are noted, too. */
static void history_check(struct world *w)
{
	struct history_reader r;
	struct history_event e;

	history_read_all(&w->history, &r, HISTORY_ALL);
	while (history_next(&w->history, &r, &e))
		BUG_ON(e.kind >= HISTORY_KINDS || e.what >= HISTORY_WHATS || e.was >= HISTORY_WHATS ||
		       e.key_len > BGP_KEY_MAX);
	history_unwatch(&w->history, &w->watch);
	history_fini(&w->history);
}

static void on_best_changed(void *ctx, const struct bgp_route_ref *old, const struct bgp_route_ref *new_)
{
	struct world *w = ctx;

	evpn_listener(w->e)->best_changed(w->e, old, new_);
	if (w->work)
		bgp_did(w->b, 3000);
}

static void on_set_gone(void *ctx, uint32_t set, uint32_t mark)
{
	struct world *w = ctx;

	evpn_listener(w->e)->set_gone(w->e, set, mark);
}

static uint64_t on_octets(void *ctx)
{
	struct world *w = ctx;

	return evpn_listener(w->e)->octets(w->e);
}

static uint64_t on_octets_of(void *ctx, uint32_t mark)
{
	struct world *w = ctx;

	return evpn_listener(w->e)->octets_of(w->e, mark);
}

static void begin(struct world *w, uint8_t mode)
{
	struct evpn_params ep = { .asn = OUR_AS, .router_id = 0xc0000201, .vtep = ip_v4(0xc0000201), .log = &w->log,
				  .history = &w->history };
	struct bgp_params p = { .asn = OUR_AS, .router_id = 0xc0000201, .reflect_unknown = mode & OPAQUE, .seed = 1,
				.restart_time = RESTART_S, .long_lived_time = mode & RESTARTS ? LONG_LIVED_S : 0,
				.memory_limit = mode & LIMITED ? MEMORY_LIMIT : 0,
				.log = &w->log, .history = &w->history };
	struct bgp_peer_params noisy = { .address = ip_v4(0xc0000202),
					 .asn = mode & EXTERNAL ? THEIR_AS : OUR_AS,
					 .passive = true,
					 .hold_time = 90,
					 .rr_client = mode & CLIENT && !(mode & EXTERNAL),
					 .max_prefixes = mode & LIMITED ? 20 : 0,
					 .add_path = mode & ADD_PATH ? BGP_ADD_PATH_RECEIVE | BGP_ADD_PATH_SEND : 0 };
	struct bgp_peer_params quiet = { .address = ip_v4(0xc0000203), .asn = OUR_AS, .passive = true, .hold_time = 90,
					 .rr_client = true, .add_path = noisy.add_path,
					 .add_path_best = mode & BEST_TWO ? 2 : 0 };

	log_init(&w->log, LOG_DEBUG);
	history_init(&w->history);
	w->watch = (struct history_watch){ .rings = HISTORY_ALL, .wake = awake };
	history_watch(&w->history, &w->watch);
	w->log.sink = mute;
	w->now = (struct mtime){ 1000000 };
	p.net = (struct bgp_net){ .connect = net_connect, .want_write = net_want_write, .close = net_close, .ctx = w };
	w->b = bgp_new(&p, w->now);
	w->e = evpn_new(&ep, w->now);
	w->dp = dp_new(&dp_none_ops, NULL, &w->log, evpn_dp_events(w->e));
	w->work = mode & LIMITED;
	w->listener = (struct bgp_listener){ .best_changed = on_best_changed, .set_gone = on_set_gone,
					     .octets = on_octets, .octets_of = on_octets_of, .ctx = w };
	bgp_family_register(w->b, &evpn_family, &w->listener);
	bgp_family_register(w->b, &bgp_rtc_family, NULL);
	evpn_connect(w->e, w->b, w->dp);
	vni_add(w, vnis[0]);
	vni_add(w, vnis[1]);
	introduce(w, &w->quiet, &quiet, 0);
	introduce(w, &w->noisy, &noisy, mode);
}

static void pass_time(struct world *w, unsigned units)
{
	w->now = mtime_add_ms(w->now, units * 10);
	evpn_set_now(w->e, w->now);
	bgp_run_timers(w->b, w->now);
}

/* The noisy one leaves for good: its routes are gone. Then our VNIs: nothing is left at all. */
static void end(struct world *w)
{
	struct evpn_vni_info vni;
	struct evpn_memory held;
	struct bgp_memory m;

	leave(w, &w->noisy);
	for (int i = 0; i < 2; i++) { /* the time for it to be back, the one for its long-lived routes */
		pass_time(w, (LONG_LIVED_S + 1) * 100);
		settle(w);
	}
	for (int i = 0; i < 2; i++) {
		BUG_ON(!evpn_vni_find(w->e, vnis[i], &vni));
		BUG_ON(vni.remote_macs || vni.remote_ips || vni.n_flood);
		evpn_vni_del(w->e, vnis[i]);
	}
	leave(w, &w->quiet); /* in whose place we have asked for all route targets */
	bgp_memory(w->b, &m);
	evpn_memory(w->e, &held);
	BUG_ON(m.paths || held.macs || held.ips || held.vnis || held.routes_bytes);
	bgp_free(w->b);
	dp_free(w->dp, true);
	evpn_free(w->e);
	history_check(w);
}

static void piece(struct world *w, struct rbuf *r)
{
	uint16_t n = rb_u16(r);
	size_t take = n < rb_left(r) ? n : rb_left(r);

	if (n >> 15 == 0 && w->noisy.conn)
		bgp_conn_input(w->noisy.conn, rb_ptr(r, take), take, w->now);
	else if (n >> 15 == 0)
		rb_skip(r, take);
	else if (n >> 14 == 2)
		pass_time(w, n & 0x3fff);
	else
		host(w, n);
	settle(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct world w = { .space = xcalloc(2, SPACE) };
	struct rbuf r = rb_init(data, len);
	uint8_t mode = rb_u8(&r);

	w.scratch = w.space + SPACE;
	begin(&w, mode);
	while (rb_left(&r) && (w.noisy.conn || mode & RESTARTS))
		piece(&w, &r);
	end(&w);
	free(w.space);
	return 0;
}

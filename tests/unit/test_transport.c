/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Real TCP on the loopback: two engines, each with its transport, on one event loop; and plain sockets that do what no
 * speaker would. The engines are 127.X.Y.1 and 127.X.Y.2, or both ::1, on ports of their own. The loopback is that of a
 * namespace of the program's own, so that runs side by side do not meet; where none can be had X, Y and the ports, which
 * come from the process id, keep them apart most of the time.
 */
#include "tests/lib/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/list.h"
#include "base/loop.h"
#include "tests/lib/lines.h"
#include "tests/lib/testroutes.h"

#define PORT_A ((uint16_t)(20000 + getpid() % 6000 * 2))
#define PORT_B ((uint16_t)(PORT_A + 1))

struct side {
	struct bgp_transport *t;
	struct bgp_net tnet; /* the transport's part */
	struct bgp *bgp;
	struct bgp_peer *peer;
	struct routes_seen seen;
	struct lines lines;
	struct loop_timer timer;
	struct loop_work work;
};

static struct loop loop;

/* "127.N": this run's address N; anything else as it is written. */
static struct ip ip_of(const char *s)
{
	struct ip a = ip_none();

	if (strncmp(s, "127.", 4) == 0)
		return ip_v4(0x7f000000 | ((uint32_t)getpid() & 0xffff) << 8 | (uint32_t)atoi(s + 4));
	assert_true(ip_parse(s, &a));
	return a;
}

/* How many lines have this text, in which ADDRESS and PORT are this run's 127.N and port. */
static unsigned lines_with(struct lines *l, const char *before, const char *address, uint16_t port, const char *after)
{
	struct ip a = ip_of(address);
	char what[256], number[16] = "";

	if (port)
		snprintf(number, sizeof(number), " port %u", port);
	snprintf(what, sizeof(what), "%s%s%s%s", before, ip_str(&a).s, number, after);
	return lines_count(l, what);
}

static void net_connect(void *ctx, struct bgp_conn *c)
{
	struct side *s = ctx;

	s->tnet.connect(s->tnet.ctx, c);
}

static void net_want_write(void *ctx, struct bgp_conn *c)
{
	struct side *s = ctx;

	s->tnet.want_write(s->tnet.ctx, c);
}

static void net_close(void *ctx, struct bgp_conn *c)
{
	struct side *s = ctx;

	s->tnet.close(s->tnet.ctx, c);
}

static void net_deadline(void *ctx)
{
	struct side *s = ctx;

	if (s->bgp)
		loop_timer_at(&s->timer, bgp_deadline(s->bgp));
}

static void net_work(void *ctx)
{
	loop_work_start(&((struct side *)ctx)->work);
}

static void on_timer(struct loop_timer *t)
{
	struct side *s = container_of(t, struct side, timer);

	bgp_run_timers(s->bgp, loop_now(&loop));
	net_deadline(s);
}

static bool on_work(struct loop_work *w)
{
	return bgp_work(container_of(w, struct side, work)->bgp, loop_now(&loop));
}

static void side_start(struct side *s, uint32_t id)
{
	struct bgp_params p = { .asn = 65001, .router_id = id, .seed = id, .log = &s->lines.log,
				.net = { net_connect, net_want_write, net_close, net_deadline, net_work, s } };

	memset(s, 0, sizeof(*s));
	lines_init(&s->lines, LOG_DEBUG);
	routes_listen(&s->seen);
	loop_timer_init(&s->timer, &loop, on_timer);
	loop_work_init(&s->work, &loop, on_work);
	s->t = bgp_transport_new(&loop, &s->lines.log, &s->tnet);
	s->bgp = bgp_new(&p, loop_now(&loop));
	bgp_family_register(s->bgp, &test_family, &s->seen.listener);
	assert_int_equal(bgp_transport_start(s->t, s->bgp), 0);
}

static int side_listen(struct side *s, const char *address, uint16_t port)
{
	struct ip a = *address ? ip_of(address) : ip_none();

	return bgp_transport_listen(s->t, &a, port);
}

static void side_peer(struct side *s, const char *address, struct bgp_peer_params p)
{
	p.address = ip_of(address);
	p.asn = 65001;
	p.hold_time = 90;
	assert_int_equal(bgp_peer_add(s->bgp, &p, loop_now(&loop), &s->peer), 0);
	bgp_transport_peers_changed(s->t);
}

static void side_end(struct side *s)
{
	bgp_shutdown(s->bgp, false, BGP_CEASE_ADMIN_SHUTDOWN, "bye", loop_now(&loop));
	bgp_transport_stop(s->t, 200);
	loop_timer_at(&s->timer, MTIME_NEVER);
	loop_work_stop(&s->work);
	bgp_free(s->bgp);
	lines_fini(&s->lines);
}

static int set_up(void **state)
{
	return loop_init(&loop);
}

static int tear_down(void **state)
{
	loop_fini(&loop);
	return 0;
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

struct waiting {
	struct loop_timer timer;
	bool (*done)(void *ctx);
	void *ctx;
	int ms;
	struct mtime end; /* of the first look on, when the loop knows what time it is */
	bool ok;
};

static void on_look(struct loop_timer *t)
{
	struct waiting *w = container_of(t, struct waiting, timer);

	if (w->end.us == MTIME_NEVER.us)
		w->end = mtime_add_ms(loop_now(&loop), w->ms);
	w->ok = w->done(w->ctx);
	if (w->ok || !mtime_before(loop_now(&loop), w->end))
		loop_break(&loop);
	else
		loop_timer_at(t, mtime_add_ms(loop_now(&loop), 2));
}

/* Runs the loop until done, for ms milliseconds at most. */
static bool wait_for(bool (*done)(void *ctx), void *ctx, int ms)
{
	struct waiting w = { .done = done, .ctx = ctx, .ms = ms, .end = MTIME_NEVER };

	loop_timer_init(&w.timer, &loop, on_look);
	loop_timer_at(&w.timer, loop_now(&loop));
	loop_run(&loop);
	loop_timer_at(&w.timer, MTIME_NEVER);
	return w.ok;
}

static bool never(void *ctx)
{
	return false;
}

static struct bgp_peer_info info(const struct side *s)
{
	struct bgp_peer_info i;

	bgp_peer_info(s->peer, &i);
	return i;
}

struct two {
	struct side a, b;
};

static bool up(void *ctx)
{
	const struct two *w = ctx;

	return info(&w->a).state == BGP_ESTABLISHED && info(&w->b).state == BGP_ESTABLISHED;
}

static void two_start(struct two *w, struct bgp_peer_params at_a, struct bgp_peer_params at_b)
{
	side_start(&w->a, 0x7f000101);
	side_start(&w->b, 0x7f000102);
	assert_int_equal(side_listen(&w->a, "127.1", PORT_A), 0);
	assert_int_equal(side_listen(&w->b, "127.2", PORT_B), 0);
	at_a.port = PORT_B;
	at_b.port = PORT_A;
	side_peer(&w->a, "127.2", at_a);
	side_peer(&w->b, "127.1", at_b);
}

static void two_end(struct two *w)
{
	side_end(&w->a);
	side_end(&w->b);
}

/* ---- sessions --------------------------------------------------------------------------------------------------- */

static bool b_has_routes(void *ctx)
{
	const struct two *w = ctx;

	return w->b.seen.best == w->a.seen.best;
}

static void sessions_stand_on_ipv4(void **state)
{
	struct ip local;
	struct two w;

	two_start(&w, (struct bgp_peer_params){ 0 }, (struct bgp_peer_params){ 0 });
	assert_true(wait_for(up, &w, 5000));
	/* The source is the listen address: the peer knows us by it. */
	local = info(&w.a).local_address;
	assert_true(ip_eq(&local, &bgp_peer_params(w.b.peer)->address));
	routes_originate(w.a.bgp, "key", 1, loop_now(&loop));
	assert_true(wait_for(b_has_routes, &w, 1000));
	two_end(&w);
}

static void sessions_stand_on_ipv6(void **state)
{
	struct two w;

	side_start(&w.a, 1);
	side_start(&w.b, 2);
	assert_int_equal(side_listen(&w.a, "::1", PORT_A), 0);
	assert_int_equal(side_listen(&w.b, "::1", PORT_B), 0);
	side_peer(&w.a, "::1", (struct bgp_peer_params){ .port = PORT_B });
	side_peer(&w.b, "::1", (struct bgp_peer_params){ .port = PORT_A, .passive = true });
	assert_true(wait_for(up, &w, 5000));
	two_end(&w);
}

static void the_last_words_arrive(void **state) /* a NOTIFICATION, with octets under way in both directions */
{
	struct bgp_peer_info i;
	struct two w;
	char key[16];

	two_start(&w, (struct bgp_peer_params){ 0 }, (struct bgp_peer_params){ 0 });
	assert_true(wait_for(up, &w, 5000));
	for (unsigned n = 0; n < 2000; n++) {
		snprintf(key, sizeof(key), "b%u", n);
		routes_originate(w.b.bgp, key, n, loop_now(&loop));
	}
	bgp_peer_down(w.a.peer, NULL, loop_now(&loop));
	wait_for(never, NULL, 300);
	i = info(&w.b);
	assert_int_equal(i.last_in.code, 6);
	assert_int_equal(i.last_in.subcode, 2);
	assert_int_equal(info(&w.a).state, BGP_IDLE);
	two_end(&w);
}

static void the_end_of_a_daemon_is_told(void **state)
{
	struct two w;

	two_start(&w, (struct bgp_peer_params){ 0 }, (struct bgp_peer_params){ 0 });
	assert_true(wait_for(up, &w, 5000));
	side_end(&w.a);
	wait_for(never, NULL, 100);
	assert_string_equal(info(&w.b).last_in.text, "cease/administrative shutdown: bye");
	side_end(&w.b);
}

static void keys_protect_sessions(void **state) /* RFC 2385 */
{
	struct bgp_peer_params right = { .password = "secret" }, wrong = { .password = "other" };
	struct two w;

	two_start(&w, right, right);
	assert_true(wait_for(up, &w, 5000));
	two_end(&w);
	two_start(&w, right, wrong);
	assert_false(wait_for(up, &w, 1000));
	two_end(&w);
	two_start(&w, right, (struct bgp_peer_params){ 0 });
	assert_false(wait_for(up, &w, 1000));
	/* The key goes with the neighbor: afterwards the address connects without. */
	bgp_peer_del(w.a.peer, loop_now(&loop));
	bgp_transport_peers_changed(w.a.t);
	side_peer(&w.a, "127.2", (struct bgp_peer_params){ .port = PORT_B, .passive = true });
	assert_true(wait_for(up, &w, 8000));
	two_end(&w);
}

static void ttl_security_stands_between_both_who_have_it(void **state) /* RFC 5082 */
{
	struct bgp_peer_params one = { .ttl_security = 1 };
	struct two w;

	two_start(&w, one, one);
	assert_true(wait_for(up, &w, 5000));
	two_end(&w);
	two_start(&w, one, (struct bgp_peer_params){ 0 }); /* its packets have TTL 64 */
	assert_false(wait_for(up, &w, 1000));
	two_end(&w);
}

static void ttl_security_stands_on_ipv6(void **state)
{
	for (int both = 0; both < 2; both++) {
		struct two w;

		side_start(&w.a, 1);
		side_start(&w.b, 2);
		assert_int_equal(side_listen(&w.a, "::1", PORT_A), 0);
		assert_int_equal(side_listen(&w.b, "::1", PORT_B), 0);
		side_peer(&w.b, "::1", (struct bgp_peer_params){ .port = PORT_A, .passive = true, .ttl_security = both });
		side_peer(&w.a, "::1", (struct bgp_peer_params){ .port = PORT_B, .ttl_security = 1 }); /* its SYN goes out here */
		assert_int_equal(wait_for(up, &w, both ? 5000 : 1000), both);
		two_end(&w);
	}
}

/* Its SYN, the end of the handshake and its OPEN come while only the listening socket knows of it. */
static void too_far_is_too_far_from_the_first_octet_on(void **state) /* RFC 5082 3 */
{
	struct bgp_peer_params near = { .ttl_security = 1, .passive = true };
	struct two w;

	two_start(&w, near, (struct bgp_peer_params){ 0 });
	wait_for(never, NULL, 500);
	assert_int_equal(info(&w.a).in.open, 0);
	assert_int_equal(info(&w.a).out.open, 0);
	assert_int_equal(lines_with(&w.a.lines, "remote peer ", "127.2", 0,
				    ": its connection has TTL 64, and ttl-security wants 255: closed"), 1);
	two_end(&w);
}

static bool a_drop_is_said(void *ctx)
{
	struct two *w = ctx;

	return lines_count(&w->a.lines, "TCP-MD5: the kernel dropped");
}

static void a_wrong_key_is_said(void **state)
{
	struct bgp_peer_params right = { .password = "secret", .passive = true }, wrong = { .password = "other" };
	struct two w;

	two_start(&w, right, wrong);
	assert_true(wait_for(a_drop_is_said, &w, 8000));
	assert_int_equal(lines_with(&w.a.lines, " signed with another password; without a session: ", "127.2", 0, ""), 1);
	two_end(&w);
	two_start(&w, right, (struct bgp_peer_params){ 0 });
	assert_true(wait_for(a_drop_is_said, &w, 8000));
	assert_int_equal(lines_with(&w.a.lines, " that were not signed, from a neighbor with a password; without a session: ",
				    "127.2", 0, ""), 1);
	two_end(&w);
}

/* ---- plain sockets ---------------------------------------------------------------------------------------------- */

static int dial(const char *from, const char *to, uint16_t port)
{
	struct sockaddr_storage ss;
	struct ip a = ip_of(from), b = ip_of(to);
	int fd = socket(ip_family(&b), SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n;

	n = ip_to_sockaddr(&a, 0, &ss);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, n), 0);
	n = ip_to_sockaddr(&b, port, &ss);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, n), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Accepted sockets take the size of their send buffer from the listening one. */
static void shrink_listeners(int space)
{
	int yes;
	socklen_t n;

	for (int fd = 3; fd < 64; fd++) {
		n = sizeof(yes);
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &n) == 0 && yes)
			setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &space, sizeof(space));
	}
}

static bool got_open(int fd)
{
	uint8_t m[64];

	return recv(fd, m, sizeof(m), MSG_PEEK) >= 29 && m[18] == 1;
}

static void strangers_are_turned_away_and_counted(void **state)
{
	struct bgp_transport_stats s;
	unsigned told = 0;
	struct side a;
	uint8_t m[64];
	int fd[20];
	ssize_t n;

	side_start(&a, 1);
	assert_int_equal(side_listen(&a, "127.1", PORT_A), 0);
	for (int i = 0; i < 20; i++)
		fd[i] = dial("127.9", "127.1", PORT_A);
	wait_for(never, NULL, 50);
	for (int i = 0; i < 20; i++) { /* RFC 4486 4, to sixteen of them */
		n = read(fd[i], m, sizeof(m));
		told += n == 21 && m[18] == 3 && m[19] == 6 && m[20] == 5;
		assert_int_equal(n > 0 ? read(fd[i], m, sizeof(m)) : n, 0);
		close(fd[i]);
	}
	assert_int_equal(told, 16);
	wait_for(never, NULL, 50);
	bgp_transport_stats(a.t, &s);
	assert_int_equal(s.links, 0);
	assert_int_equal(s.strangers, 20);
	assert_in_range(
		lines_with(&a.lines, "remote connection from ", "127.9", 0, ": not a configured neighbor, closed"), 1,
		6);
	side_end(&a);
}

static void a_neighbor_that_is_down_is_told_so(void **state)
{
	struct side a;
	uint8_t m[64];
	int fd;

	side_start(&a, 1);
	assert_int_equal(side_listen(&a, "127.1", PORT_A), 0);
	side_peer(&a, "127.9", (struct bgp_peer_params){ .passive = true });
	bgp_peer_down(a.peer, NULL, loop_now(&loop));
	fd = dial("127.9", "127.1", PORT_A);
	wait_for(never, NULL, 50);
	assert_int_equal(read(fd, m, sizeof(m)), 21);
	assert_int_equal(m[19], 6);
	assert_int_equal(m[20], 5);
	close(fd);
	side_end(&a);
}

static void a_flood_of_connections_is_cut_off(void **state)
{
	struct bgp_transport_stats s;
	unsigned open = 0, closed = 0;
	struct side a;
	uint8_t octet;
	int fd[40];

	side_start(&a, 1);
	assert_int_equal(side_listen(&a, "127.1", PORT_A), 0);
	side_peer(&a, "127.9", (struct bgp_peer_params){ .passive = true });
	for (int i = 0; i < 40; i++)
		fd[i] = dial("127.9", "127.1", PORT_A);
	wait_for(never, NULL, 100);
	for (int i = 0; i < 40; i++) {
		open += got_open(fd[i]);
		closed += recv(fd[i], &octet, 1, MSG_PEEK) == 0;
	}
	bgp_transport_stats(a.t, &s);
	assert_int_equal(open, 10);
	assert_int_equal(s.parked, 16);
	assert_int_equal(closed, 14);
	assert_int_equal(s.refused, 14);
	assert_int_equal(s.strangers, 0);
	assert_in_range(s.links, 24, 26); /* eight wait for an OPEN at most, the two others may linger */
	for (int i = 0; i < 40; i++)
		close(fd[i]);
	side_end(&a);
}

static void a_burst_of_connections_waits_and_is_served(void **state)
{
	struct side a;
	unsigned open = 0;
	int fd[25];

	side_start(&a, 1);
	assert_int_equal(side_listen(&a, "127.1", PORT_A), 0);
	side_peer(&a, "127.9", (struct bgp_peer_params){ .passive = true });
	for (int i = 0; i < 25; i++)
		fd[i] = dial("127.9", "127.1", PORT_A);
	wait_for(never, NULL, 100);
	for (int i = 0; i < 25; i++)
		open += got_open(fd[i]);
	assert_int_equal(open, 10);
	wait_for(never, NULL, 1050);
	for (open = 0; open < 25 && got_open(fd[open]);)
		open++;
	assert_int_equal(open, 20);
	wait_for(never, NULL, 1050);
	for (open = 0; open < 25 && got_open(fd[open]);)
		open++;
	assert_int_equal(open, 25);
	for (int i = 0; i < 25; i++)
		close(fd[i]);
	side_end(&a);
}

static const uint8_t hello[] = { /* OPEN of 127.0.1.9 and KEEPALIVE */
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0,    45,   1,	  4,	0xfd, 0xe9, 0,	  90,	127,  0,    1,	  9,	16,   2,    14,	  1,
	4,    0,    25,	  0,	70,   2,    0,	  65,	4,    0,    0,	  0xfd, 0xe9, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    19,	  4,
};

/* A session of a with a plain socket at 127.9; space: octets that a's kernel holds for it, 0: as it likes. */
static int plain_session(struct side *a, int space)
{
	int fd, receive = 16384;

	side_start(a, 1);
	assert_int_equal(side_listen(a, "127.1", PORT_A), 0);
	if (space)
		shrink_listeners(space);
	side_peer(a, "127.9", (struct bgp_peer_params){ .passive = true });
	fd = dial("127.9", "127.1", PORT_A);
	if (space)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive));
	assert_int_equal(write(fd, hello, sizeof(hello)), sizeof(hello));
	wait_for(never, NULL, 100);
	assert_int_equal(info(a).state, BGP_ESTABLISHED);
	return fd;
}

static void many_changes(struct side *a, unsigned routes, unsigned value)
{
	char key[32];

	for (unsigned i = 0; i < routes; i++) {
		snprintf(key, sizeof(key), "a key of some length %08u", i);
		routes_originate(a->bgp, key, value, loop_now(&loop));
	}
}

static void a_socket_that_is_not_read_costs_no_memory(void **state)
{
	struct side a;
	size_t before;
	int fd = plain_session(&a, 0);

	many_changes(&a, 100000, 1);
	before = mallinfo2().uordblks;
	wait_for(never, NULL, 500);
	for (unsigned k = 0; k < 3; k++) {
		many_changes(&a, 100000, 2 + k);
		wait_for(never, NULL, 50);
	}
	assert_true(info(&a).pending > 0);
	print_message("grown by %zd octets, %llu UPDATEs sent\n", (ssize_t)(mallinfo2().uordblks - before),
		      (unsigned long long)info(&a).out.update);
	assert_true(info(&a).out.update < 300); /* of 700 that the first 100,000 routes take */
#ifndef __SANITIZE_ADDRESS__
	assert_true(mallinfo2().uordblks < before + 300000);
#endif
	close(fd);
	side_end(&a);
}

/* Reads fd to its end, message by message. */
struct reader {
	int fd;
	uint8_t data[8192];
	size_t len;
	unsigned messages;
	uint8_t last[3]; /* type and the two octets behind it */
	bool broken, ended;
};

static void take_messages(struct reader *r)
{
	size_t at = 0, len;

	while (r->len - at >= 21) {
		len = (size_t)r->data[at + 16] << 8 | r->data[at + 17];
		r->broken |= r->data[at] != 0xff || r->data[at + 15] != 0xff || len < 19 || len > 4096;
		if (r->broken || r->len - at < len)
			break;
		memcpy(r->last, r->data + at + 18, 3);
		r->messages++;
		at += len;
	}
	memmove(r->data, r->data + at, r->len - at);
	r->len -= at;
}

static bool read_on(void *ctx)
{
	struct reader *r = ctx;
	ssize_t n;

	while ((n = read(r->fd, r->data + r->len, sizeof(r->data) - r->len)) > 0) {
		r->len += (size_t)n;
		take_messages(r);
		if (r->broken)
			return true;
	}
	r->ended = n == 0;
	return r->ended;
}

static void the_last_words_come_behind_what_was_waiting(void **state)
{
	static struct reader r;
	struct side a;

	r = (struct reader){ .fd = plain_session(&a, 4096) };
	many_changes(&a, 20000, 1);
	wait_for(never, NULL, 50);
	assert_true(info(&a).pending > 0);
	bgp_peer_down(a.peer, NULL, loop_now(&loop));
	assert_true(wait_for(read_on, &r, 1500));
	assert_true(r.ended && !r.broken);
	assert_int_equal(r.len, 0);
	assert_true(r.messages > 10);
	assert_memory_equal(r.last, "\x03\x06\x02", 3);
	close(r.fd);
	side_end(&a);
}

static void a_peer_that_hangs_up_is_seen(void **state)
{
	struct side a;
	int fd = plain_session(&a, 0);

	shutdown(fd, SHUT_WR);
	wait_for(never, NULL, 50);
	assert_int_equal(info(&a).state, BGP_ACTIVE);
	assert_string_equal(info(&a).last_in.text, "closed by the peer");
	close(fd);
	side_end(&a);
	fd = plain_session(&a, 0);
	close(fd); /* with octets unread: a reset */
	wait_for(never, NULL, 50);
	assert_int_equal(info(&a).state, BGP_ACTIVE);
	assert_string_equal(info(&a).last_in.text, "Connection reset by peer");
	side_end(&a);
}

static void without_descriptors_connections_wait(void **state)
{
	struct ip from = ip_of("127.9"), to = ip_of("127.1");
	struct sockaddr_storage ss;
	int fd, dups[1024], n = 0;
	struct rlimit old, low;
	struct side a;
	socklen_t len;

	side_start(&a, 1);
	assert_int_equal(side_listen(&a, "127.1", PORT_A), 0);
	side_peer(&a, "127.9", (struct bgp_peer_params){ .passive = true });
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	getrlimit(RLIMIT_NOFILE, &old);
	low = (struct rlimit){ 256, old.rlim_max };
	setrlimit(RLIMIT_NOFILE, &low);
	while (n < 1024 && (dups[n] = dup(fd)) >= 0)
		n++;
	len = ip_to_sockaddr(&from, 0, &ss);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	len = ip_to_sockaddr(&to, PORT_A, &ss);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	wait_for(never, NULL, 300);
	assert_int_equal(lines_count(&a.lines, "warn accept: Too many open files"), 1); /* and no spinning */
	while (n)
		close(dups[--n]);
	setrlimit(RLIMIT_NOFILE, &old);
	wait_for(never, NULL, 900);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	assert_true(got_open(fd));
	close(fd);
	side_end(&a);
}

static void a_port_in_use_is_said(void **state)
{
	struct side a, b;

	side_start(&a, 1);
	side_start(&b, 2);
	assert_int_equal(side_listen(&a, "127.1", PORT_A), 0);
	assert_int_equal(side_listen(&b, "127.1", PORT_A), -EADDRINUSE);
	assert_int_equal(lines_with(&b.lines, "error listen ", "127.1", PORT_A, ": Address already in use"), 1);
	assert_int_equal(side_listen(&b, "", PORT_B), 0); /* every address of both families */
	close(dial("::1", "::1", PORT_B));
	close(dial("127.9", "127.7", PORT_B));
	side_end(&a);
	side_end(&b);
}

static void an_address_that_is_not_here_may_come_later(void **state)
{
	struct side a;

	side_start(&a, 1);
	assert_int_equal(side_listen(&a, "192.0.2.77", PORT_A), 0);
	assert_int_equal(
		lines_with(&a.lines, "warn listen ", "192.0.2.77", PORT_A, ": the address is not on this host (yet)"),
		1);
	side_end(&a);
}

static void a_refused_connect_is_a_reason(void **state)
{
	struct side a;

	side_start(&a, 1);
	side_peer(&a, "127.9", (struct bgp_peer_params){ .port = 1 });
	wait_for(never, NULL, 100);
	assert_string_equal(info(&a).reason, "connection failed: Connection refused");
	side_end(&a);
}

/* ---- much ------------------------------------------------------------------------------------------------------- */

static void many_routes_arrive(void **state)
{
	enum { N = 200000 };
	struct two w;
	struct mtime from;
	char key[40];

	two_start(&w, (struct bgp_peer_params){ 0 }, (struct bgp_peer_params){ 0 });
	assert_true(wait_for(up, &w, 5000));
	from = loop_now(&loop);
	for (unsigned i = 0; i < N; i++) {
		snprintf(key, sizeof(key), "a key of some length %08u", i);
		routes_originate(w.a.bgp, key, i / 100, loop_now(&loop));
	}
	assert_true(wait_for(b_has_routes, &w, 60000));
	print_message("%d routes in %.3f s, longest turn %.1f ms\n", N,
		      (double)mtime_diff_us(from, loop_now(&loop)) / 1e6, (double)loop.longest_turn_us / 1e3);
	two_end(&w);
}

/* As root, or as a user who may make user namespaces. */
static void loopback_of_our_own(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd;

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sessions_stand_on_ipv4, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sessions_stand_on_ipv6, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_last_words_arrive, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_end_of_a_daemon_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_protect_sessions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ttl_security_stands_between_both_who_have_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ttl_security_stands_on_ipv6, set_up, tear_down),
		cmocka_unit_test_setup_teardown(too_far_is_too_far_from_the_first_octet_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_wrong_key_is_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strangers_are_turned_away_and_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_neighbor_that_is_down_is_told_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_flood_of_connections_is_cut_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_burst_of_connections_waits_and_is_served, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_socket_that_is_not_read_costs_no_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_last_words_come_behind_what_was_waiting, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_peer_that_hangs_up_is_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_descriptors_connections_wait, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_port_in_use_is_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_address_that_is_not_here_may_come_later, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_refused_connect_is_a_reason, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_routes_arrive, set_up, tear_down),
	};

	loopback_of_our_own();
	return RUN_TESTS(tests);
}

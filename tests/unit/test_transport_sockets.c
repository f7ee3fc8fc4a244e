/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* An engine over real TCP (tests/lib/tcpworld.h) and plain sockets that do what no speaker would. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/lib/tcpworld.h"

static bool got_open(int fd)
{
	uint8_t m[64];

	return recv(fd, m, sizeof(m), MSG_PEEK) >= 29 && m[18] == 1;
}

/* ---- who connects ------------------------------------------------------------------------------------------------ */

static void strangers_are_turned_away_and_counted(void **state)
{
	struct bgp_transport_stats s;
	unsigned told = 0;
	struct tcp_side a;
	uint8_t m[64];
	int fd[20];
	ssize_t n;

	tcp_start(&a, 1);
	assert_int_equal(tcp_listen(&a, "127.1", PORT_A), 0);
	for (int i = 0; i < 20; i++)
		fd[i] = tcp_dial("127.9", "127.1", PORT_A);
	tcp_pass(50);
	for (int i = 0; i < 20; i++) { /* RFC 4486 4, to sixteen of them */
		n = read(fd[i], m, sizeof(m));
		told += n == 21 && m[18] == 3 && m[19] == 6 && m[20] == 5;
		assert_int_equal(n > 0 ? read(fd[i], m, sizeof(m)) : n, 0);
		close(fd[i]);
	}
	assert_int_equal(told, 16);
	tcp_pass(50);
	bgp_transport_stats(a.t, &s);
	assert_int_equal(s.links, 0);
	assert_int_equal(s.strangers, 20);
	assert_in_range(
		tcp_lines(&a.lines, "remote connection from ", "127.9", 0, ": not a configured neighbor, closed"), 1,
		6);
	tcp_end(&a);
}

static void a_neighbor_that_is_down_is_told_so(void **state)
{
	struct tcp_side a;
	uint8_t m[64];
	int fd;

	tcp_start(&a, 1);
	assert_int_equal(tcp_listen(&a, "127.1", PORT_A), 0);
	tcp_peer(&a, "127.9", (struct bgp_peer_params){ .passive = true });
	bgp_peer_down(a.peer, NULL, loop_now(&tcp_loop));
	fd = tcp_dial("127.9", "127.1", PORT_A);
	tcp_pass(50);
	assert_int_equal(read(fd, m, sizeof(m)), 21);
	assert_int_equal(m[19], 6);
	assert_int_equal(m[20], 5);
	close(fd);
	tcp_end(&a);
}

struct flood {
	struct tcp_side a;
	int fd[40];
	unsigned open, closed;
};

/* Each of them has an OPEN, or an end, or waits: seen in the second before those that wait have their turn. */
static bool all_are_sorted(void *ctx)
{
	struct bgp_transport_stats s;
	struct flood *f = ctx;
	uint8_t octet;

	f->open = f->closed = 0;
	for (int i = 0; i < 40; i++) {
		f->open += got_open(f->fd[i]);
		f->closed += recv(f->fd[i], &octet, 1, MSG_PEEK) == 0;
	}
	bgp_transport_stats(f->a.t, &s);
	return f->open + f->closed + s.parked == 40;
}

static void a_flood_of_connections_is_cut_off(void **state)
{
	struct bgp_transport_stats s;
	struct flood f;

	tcp_start(&f.a, 1);
	assert_int_equal(tcp_listen(&f.a, "127.1", PORT_A), 0);
	tcp_peer(&f.a, "127.9", (struct bgp_peer_params){ .passive = true });
	for (int i = 0; i < 40; i++)
		f.fd[i] = tcp_dial("127.9", "127.1", PORT_A);
	assert_true(tcp_wait(all_are_sorted, &f, 20000));
	bgp_transport_stats(f.a.t, &s);
	assert_int_equal(f.open, 10);
	assert_int_equal(s.parked, 16);
	assert_int_equal(f.closed, 14);
	assert_int_equal(s.refused, 14);
	assert_int_equal(s.strangers, 0);
	assert_in_range(s.links, 24, 26); /* eight wait for an OPEN at most, the two others may linger */
	for (int i = 0; i < 40; i++)
		close(f.fd[i]);
	tcp_end(&f.a);
}

struct burst {
	int fd[25];
	unsigned n;		/* those from the first on that have got an OPEN */
	struct mtime served[25]; /* when that was seen */
};

static bool all_are_served(void *ctx)
{
	struct burst *b = ctx;

	while (b->n < 25 && got_open(b->fd[b->n]))
		b->served[b->n++] = loop_now(&tcp_loop);
	return b->n == 25;
}

static void a_burst_of_connections_waits_and_is_served(void **state)
{
	struct mtime start;
	struct burst b = { .n = 0 };
	struct tcp_side a;

	tcp_start(&a, 1);
	assert_int_equal(tcp_listen(&a, "127.1", PORT_A), 0);
	tcp_peer(&a, "127.9", (struct bgp_peer_params){ .passive = true });
	for (int i = 0; i < 25; i++)
		b.fd[i] = tcp_dial("127.9", "127.1", PORT_A);
	tcp_pass(0); /* for the loop to know what time it is */
	start = loop_now(&tcp_loop);
	assert_true(tcp_wait(all_are_served, &b, 20000));
	assert_true(mtime_diff_us(start, b.served[9]) < 900000); /* ten a second */
	assert_true(mtime_diff_us(start, b.served[10]) > 900000);
	assert_true(mtime_diff_us(start, b.served[19]) < 1900000);
	assert_true(mtime_diff_us(start, b.served[20]) > 1900000);
	assert_true(mtime_diff_us(start, b.served[24]) < 2900000);
	for (int i = 0; i < 25; i++)
		close(b.fd[i]);
	tcp_end(&a);
}

static bool open_came(void *ctx)
{
	return got_open(*(int *)ctx);
}

static void without_descriptors_connections_wait(void **state)
{
	struct ip from = tcp_ip("127.9"), to = tcp_ip("127.1");
	struct sockaddr_storage ss;
	int fd, dups[1024], n = 0;
	struct rlimit old, low;
	struct mtime start;
	struct tcp_side a;
	unsigned said;
	socklen_t len;

	tcp_start(&a, 1);
	assert_int_equal(tcp_listen(&a, "127.1", PORT_A), 0);
	tcp_peer(&a, "127.9", (struct bgp_peer_params){ .passive = true });
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
	tcp_pass(0); /* for the loop to know what time it is */
	start = loop_now(&tcp_loop);
	tcp_pass(300);
	said = lines_count(&a.lines, "warn accept: Too many open files");
	while (n)
		close(dups[--n]);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_in_range(said, 1,
			1 + mtime_diff_us(start, loop_now(&tcp_loop)) / 1000000); /* one a second, and no spinning */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	assert_true(tcp_wait(open_came, &fd, 20000));
	close(fd);
	tcp_end(&a);
}

/* ---- who does not read, or hangs up ------------------------------------------------------------------------------ */

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

static const uint8_t hello[] = { /* OPEN of 127.0.1.9 and KEEPALIVE */
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0,    45,   1,	  4,	0xfd, 0xe9, 0,	  90,	127,  0,    1,	  9,	16,   2,    14,	  1,
	4,    0,    25,	  0,	70,   2,    0,	  65,	4,    0,    0,	  0xfd, 0xe9, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    19,	  4,
};

static bool established(void *ctx)
{
	return tcp_info(ctx).state == BGP_ESTABLISHED;
}

/* A session of a with a plain socket at 127.9; space: octets that a's kernel holds for it, 0: as it likes. */
static int plain_session(struct tcp_side *a, int space)
{
	int fd, receive = 16384;

	tcp_start(a, 1);
	assert_int_equal(tcp_listen(a, "127.1", PORT_A), 0);
	if (space)
		shrink_listeners(space);
	tcp_peer(a, "127.9", (struct bgp_peer_params){ .passive = true });
	fd = tcp_dial("127.9", "127.1", PORT_A);
	if (space)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive));
	assert_int_equal(write(fd, hello, sizeof(hello)), sizeof(hello));
	assert_true(tcp_wait(established, a, 20000));
	return fd;
}

static void many_changes(struct tcp_side *a, unsigned routes, unsigned value)
{
	char key[32];

	for (unsigned i = 0; i < routes; i++) {
		snprintf(key, sizeof(key), "a key of some length %08u", i);
		routes_originate(a->bgp, key, value, loop_now(&tcp_loop));
	}
}

static void a_socket_that_is_not_read_costs_no_memory(void **state)
{
	struct tcp_side a;
	size_t before;
	int fd = plain_session(&a, 0);

	many_changes(&a, 100000, 1);
	before = mallinfo2().uordblks;
	tcp_pass(500);
	for (unsigned k = 0; k < 3; k++) {
		many_changes(&a, 100000, 2 + k);
		tcp_pass(50);
	}
	assert_true(tcp_info(&a).pending > 0);
	print_message("grown by %zd octets, %llu UPDATEs sent\n", (ssize_t)(mallinfo2().uordblks - before),
		      (unsigned long long)tcp_info(&a).out.update);
	assert_true(tcp_info(&a).out.update < 300); /* of 700 that the first 100,000 routes take */
#ifndef __SANITIZE_ADDRESS__
	assert_true(mallinfo2().uordblks < before + 300000);
#endif
	close(fd);
	tcp_end(&a);
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
	struct tcp_side a;

	r = (struct reader){ .fd = plain_session(&a, 4096) };
	many_changes(&a, 20000, 1);
	tcp_pass(50);
	assert_true(tcp_info(&a).pending > 0);
	bgp_peer_down(a.peer, NULL, loop_now(&tcp_loop));
	assert_true(tcp_wait(read_on, &r, 20000));
	assert_true(r.ended && !r.broken);
	assert_int_equal(r.len, 0);
	assert_true(r.messages > 10);
	assert_memory_equal(r.last, "\x03\x06\x02", 3);
	close(r.fd);
	tcp_end(&a);
}

static void a_peer_that_hangs_up_is_seen(void **state)
{
	struct tcp_side a;
	int fd = plain_session(&a, 0);

	shutdown(fd, SHUT_WR);
	tcp_pass(50);
	assert_int_equal(tcp_info(&a).state, BGP_ACTIVE);
	assert_string_equal(tcp_info(&a).last_in.text, "closed by the peer");
	close(fd);
	tcp_end(&a);
	fd = plain_session(&a, 0);
	close(fd); /* with octets unread: a reset */
	tcp_pass(50);
	assert_int_equal(tcp_info(&a).state, BGP_ACTIVE);
	assert_string_equal(tcp_info(&a).last_in.text, "Connection reset by peer");
	tcp_end(&a);
}

/* ---- where we listen and call ------------------------------------------------------------------------------------ */

static void a_port_in_use_is_said(void **state)
{
	struct tcp_side a, b;

	tcp_start(&a, 1);
	tcp_start(&b, 2);
	assert_int_equal(tcp_listen(&a, "127.1", PORT_A), 0);
	assert_int_equal(tcp_listen(&b, "127.1", PORT_A), -EADDRINUSE);
	assert_int_equal(tcp_lines(&b.lines, "error listen ", "127.1", PORT_A, ": Address already in use"), 1);
	assert_int_equal(tcp_listen(&b, "", PORT_B), 0); /* every address of both families */
	close(tcp_dial("::1", "::1", PORT_B));
	close(tcp_dial("127.9", "127.7", PORT_B));
	tcp_end(&a);
	tcp_end(&b);
}

static void an_address_that_is_not_here_may_come_later(void **state)
{
	struct tcp_side a;

	tcp_start(&a, 1);
	assert_int_equal(tcp_listen(&a, "192.0.2.77", PORT_A), 0);
	assert_int_equal(
		tcp_lines(&a.lines, "warn listen ", "192.0.2.77", PORT_A, ": the address is not on this host (yet)"),
		1);
	tcp_end(&a);
}

static bool connect_failed(void *ctx)
{
	return strncmp(tcp_info(ctx).reason, "connection failed", 17) == 0;
}

static void a_refused_connect_is_a_reason(void **state)
{
	struct tcp_side a;

	tcp_start(&a, 1);
	tcp_peer(&a, "127.9", (struct bgp_peer_params){ .port = 1 });
	assert_true(tcp_wait(connect_failed, &a, 20000));
	assert_string_equal(tcp_info(&a).reason, "connection failed: Connection refused");
	tcp_end(&a);
}

#define T(name) cmocka_unit_test_setup_teardown(name, tcp_set_up, tcp_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(strangers_are_turned_away_and_counted),
		T(a_neighbor_that_is_down_is_told_so),
		T(a_flood_of_connections_is_cut_off),
		T(a_burst_of_connections_waits_and_is_served),
		T(without_descriptors_connections_wait),
		T(a_socket_that_is_not_read_costs_no_memory),
		T(the_last_words_come_behind_what_was_waiting),
		T(a_peer_that_hangs_up_is_seen),
		T(a_port_in_use_is_said),
		T(an_address_that_is_not_here_may_come_later),
		T(a_refused_connect_is_a_reason),
	};

	tcp_loopback_of_our_own();
	return RUN_TESTS(tests);
}

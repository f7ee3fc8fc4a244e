/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The raw limit beside the daemons: a process that does what no daemon can do without, and nothing
 * else. It takes any number of BGP connections and, as soon as one of them feeds it, write()s the
 * same load, made beforehand, to all others: no table, no decision, no encoding, no copy.
 *
 *	bench_write --feed ADDR --routes N --vteps N --vnis N [--port N]     (Type 2 with MAC and IPv4)
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/log.h"
#include "tests/bench/loadmsg.h"

#define AS 65001
#define CHUNK 65536u /* octets a write(), as evpnd has it */
#define EVENTS 64

struct conn {
	int fd;
	bool greeted, feeder;
	size_t sent; /* of the load */
};

struct writer {
	struct ip feed;
	struct load load;
	uint16_t port;
	struct bytes hello, out;
	struct conn **conns;
	size_t n;
	int epoll, listener;
	bool fed;
	uint8_t in[CHUNK * 4];
};

static void check(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "bench_write: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void conn_poll(struct writer *w, struct conn *c, int op)
{
	bool due = w->fed && !c->feeder && c->sent < w->out.len;
	struct epoll_event e = { .events = EPOLLIN | (due ? EPOLLOUT : 0), .data.ptr = c };

	check(epoll_ctl(w->epoll, op, c->fd, &e) == 0, "epoll_ctl");
}

static void accept_one(struct writer *w)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct ip from;
	int on = 1;

	c->fd = accept4(w->listener, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	check(c->fd >= 0, "accept");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	from = ip_from_sockaddr((struct sockaddr *)&ss, NULL);
	c->feeder = ip_eq(&from, &w->feed);
	w->conns = xrealloc(w->conns, (w->n + 1) * sizeof(*w->conns));
	w->conns[w->n++] = c;
	conn_poll(w, c, EPOLL_CTL_ADD);
}

static void conn_gone(struct writer *w, struct conn *c)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->conns[i] == c)
			w->conns[i--] = w->conns[--w->n];
	}
	close(c->fd);
	free(c);
}

/* The load has begun to come in: it begins to go out. */
static void start(struct writer *w)
{
	w->fed = true;
	for (size_t i = 0; i < w->n; i++)
		conn_poll(w, w->conns[i], EPOLL_CTL_MOD);
}

static bool conn_read(struct writer *w, struct conn *c)
{
	ssize_t n = read(c->fd, w->in, sizeof(w->in));

	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		conn_gone(w, c);
		return false;
	}
	if (n > 0 && !c->greeted) { /* an OPEN came: ours goes back, and the KEEPALIVE that ends the greeting */
		c->greeted = true;
		check(write(c->fd, w->hello.p, w->hello.len) == (ssize_t)w->hello.len, "write");
	} else if (n > 19 && c->feeder && !w->fed) {
		start(w);
	}
	return true;
}

static void conn_write(struct writer *w, struct conn *c)
{
	size_t left = w->out.len - c->sent;
	ssize_t n = write(c->fd, w->out.p + c->sent, left < CHUNK ? left : CHUNK);

	if (n > 0)
		c->sent += (size_t)n;
	if (c->sent == w->out.len)
		conn_poll(w, c, EPOLL_CTL_MOD);
}

static void serve(struct writer *w)
{
	struct epoll_event e[EVENTS];
	int n = epoll_wait(w->epoll, e, EVENTS, -1);

	for (int i = 0; i < n; i++) {
		struct conn *c = e[i].data.ptr;

		if (!c)
			accept_one(w);
		else if (!(e[i].events & ~EPOLLOUT) || conn_read(w, c))
			if (e[i].events & EPOLLOUT)
				conn_write(w, c);
	}
}

static void listen_on(struct writer *w)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(w->port) };
	struct epoll_event e = { .events = EPOLLIN };
	int on = 1;

	w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(w->listener >= 0, "socket");
	setsockopt(w->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	check(bind(w->listener, (struct sockaddr *)&any, sizeof(any)) == 0, "bind");
	check(listen(w->listener, 1024) == 0, "listen");
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	check(epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->listener, &e) == 0, "epoll_ctl");
}

static bool take_option(struct writer *w, const char *name, const char *v)
{
	uint32_t n = (uint32_t)strtoul(v, NULL, 10);

	if (strcmp(name, "--feed") == 0)
		return ip_parse(v, &w->feed);
	if (strcmp(name, "--routes") == 0)
		w->load.routes = n;
	else if (strcmp(name, "--vteps") == 0)
		w->load.vteps = n;
	else if (strcmp(name, "--vnis") == 0)
		w->load.vnis = n;
	else if (strcmp(name, "--port") == 0)
		w->port = (uint16_t)n;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	static struct writer w = {
		.port = 179,
		.load = { .routes = 100000, .vteps = 100, .vnis = 10, .first_vni = 100, .rt_as = AS, .with_ip = true }
	};
	bool right = argc % 2 == 1;

	for (int i = 1; i + 1 < argc; i += 2)
		right &= take_option(&w, argv[i], argv[i + 1]);
	if (!right || !w.feed.len || !w.load.routes || !w.load.vteps || !w.load.vnis) {
		fprintf(stderr, "usage: bench_write --feed ADDR [--routes N] [--vteps N] [--vnis N] [--port N]\n");
		return 2;
	}
	load_announce(&w.load, &w.out);
	load_open(&w.hello, AS, 0xc0000201, 180);
	load_keepalive(&w.hello);
	listen_on(&w);
	for (;;)
		serve(&w);
}

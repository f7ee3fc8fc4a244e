/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/lib/tcpworld.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "tests/lib/test.h"

struct loop tcp_loop;

struct ip tcp_ip(const char *s)
{
	struct ip a = ip_none();

	if (strncmp(s, "127.", 4) == 0)
		return ip_v4(0x7f000000 | ((uint32_t)getpid() & 0xffff) << 8 | (uint32_t)atoi(s + 4));
	assert_true(ip_parse(s, &a));
	return a;
}

unsigned tcp_lines(struct lines *l, const char *before, const char *address, uint16_t port, const char *after)
{
	struct ip a = tcp_ip(address);
	char what[256], number[16] = "";

	if (port)
		snprintf(number, sizeof(number), " port %u", port);
	snprintf(what, sizeof(what), "%s%s%s%s", before, ip_str(&a).s, number, after);
	return lines_count(l, what);
}

static void net_connect(void *ctx, struct bgp_conn *c)
{
	struct tcp_side *s = ctx;

	s->tnet.connect(s->tnet.ctx, c);
}

static void net_want_write(void *ctx, struct bgp_conn *c)
{
	struct tcp_side *s = ctx;

	s->tnet.want_write(s->tnet.ctx, c);
}

static void net_close(void *ctx, struct bgp_conn *c)
{
	struct tcp_side *s = ctx;

	s->tnet.close(s->tnet.ctx, c);
}

static void net_deadline(void *ctx)
{
	struct tcp_side *s = ctx;

	if (s->bgp)
		loop_timer_at(&s->timer, bgp_deadline(s->bgp));
}

static void net_work(void *ctx)
{
	loop_work_start(&((struct tcp_side *)ctx)->work);
}

static void on_timer(struct loop_timer *t)
{
	struct tcp_side *s = container_of(t, struct tcp_side, timer);

	bgp_run_timers(s->bgp, loop_now(&tcp_loop));
	net_deadline(s);
}

static bool on_work(struct loop_work *w)
{
	return bgp_work(container_of(w, struct tcp_side, work)->bgp, loop_now(&tcp_loop));
}

void tcp_start(struct tcp_side *s, uint32_t id)
{
	struct bgp_params p = { .asn = 65001, .router_id = id, .seed = id, .log = &s->lines.log,
				.net = { net_connect, net_want_write, net_close, net_deadline, net_work, s } };

	memset(s, 0, sizeof(*s));
	lines_init(&s->lines, LOG_DEBUG);
	routes_listen(&s->seen);
	loop_timer_init(&s->timer, &tcp_loop, on_timer);
	loop_work_init(&s->work, &tcp_loop, on_work);
	s->t = bgp_transport_new(&tcp_loop, &s->lines.log, &s->tnet);
	s->bgp = bgp_new(&p, loop_now(&tcp_loop));
	bgp_family_register(s->bgp, &test_family, &s->seen.listener);
	assert_int_equal(bgp_transport_start(s->t, s->bgp), 0);
}

int tcp_listen(struct tcp_side *s, const char *address, uint16_t port)
{
	struct ip a = *address ? tcp_ip(address) : ip_none();

	return bgp_transport_listen(s->t, &a, port);
}

void tcp_peer(struct tcp_side *s, const char *address, struct bgp_peer_params p)
{
	p.address = tcp_ip(address);
	p.asn = 65001;
	p.hold_time = 90;
	assert_int_equal(bgp_peer_add(s->bgp, &p, loop_now(&tcp_loop), &s->peer), 0);
	bgp_transport_peers_changed(s->t);
}

void tcp_end(struct tcp_side *s)
{
	bgp_shutdown(s->bgp, false, BGP_CEASE_ADMIN_SHUTDOWN, "bye", loop_now(&tcp_loop));
	bgp_transport_stop(s->t, 200);
	loop_timer_at(&s->timer, MTIME_NEVER);
	loop_work_stop(&s->work);
	bgp_free(s->bgp);
	lines_fini(&s->lines);
}

struct bgp_peer_info tcp_info(const struct tcp_side *s)
{
	struct bgp_peer_info i;

	bgp_peer_info(s->peer, &i);
	return i;
}

int tcp_set_up(void **state)
{
	return loop_init(&tcp_loop);
}

int tcp_tear_down(void **state)
{
	loop_fini(&tcp_loop);
	return 0;
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

/* At least this often there is a look, and so a turn of the loop, so that time of the machine is not passed by. */
#define LOOKS_MS 4

struct waiting {
	struct loop_timer timer;
	bool (*done)(void *ctx);
	void *ctx;
	int ms, looks;
	struct mtime end; /* of the first look on, when the loop knows what time it is */
	bool ok;
};

static void on_look(struct loop_timer *t)
{
	struct waiting *w = container_of(t, struct waiting, timer);

	if (w->end.us == MTIME_NEVER.us)
		w->end = mtime_add_ms(loop_now(&tcp_loop), w->ms);
	w->ok = w->done(w->ctx);
	w->looks++;
	if (w->ok || (w->looks >= w->ms / LOOKS_MS && !mtime_before(loop_now(&tcp_loop), w->end)))
		loop_break(&tcp_loop);
	else
		loop_timer_at(t, mtime_add_ms(loop_now(&tcp_loop), 2));
}

static bool never(void *ctx)
{
	return false;
}

bool tcp_wait(bool (*done)(void *ctx), void *ctx, int ms)
{
	struct waiting w = { .done = done, .ctx = ctx, .ms = ms, .end = MTIME_NEVER };

	loop_timer_init(&w.timer, &tcp_loop, on_look);
	loop_timer_at(&w.timer, loop_now(&tcp_loop));
	loop_run(&tcp_loop);
	loop_timer_at(&w.timer, MTIME_NEVER);
	return w.ok;
}

void tcp_pass(int ms)
{
	tcp_wait(never, NULL, ms);
}

/* ---- two engines, plain sockets ---------------------------------------------------------------------------------- */

void tcp_two_start(struct tcp_two *w, struct bgp_peer_params at_a, struct bgp_peer_params at_b)
{
	tcp_start(&w->a, 0x7f000101);
	tcp_start(&w->b, 0x7f000102);
	assert_int_equal(tcp_listen(&w->a, "127.1", PORT_A), 0);
	assert_int_equal(tcp_listen(&w->b, "127.2", PORT_B), 0);
	at_a.port = PORT_B;
	at_b.port = PORT_A;
	tcp_peer(&w->a, "127.2", at_a);
	tcp_peer(&w->b, "127.1", at_b);
}

void tcp_two_end(struct tcp_two *w)
{
	tcp_end(&w->a);
	tcp_end(&w->b);
}

bool tcp_two_up(void *ctx)
{
	const struct tcp_two *w = ctx;

	return tcp_info(&w->a).state == BGP_ESTABLISHED && tcp_info(&w->b).state == BGP_ESTABLISHED;
}

int tcp_dial(const char *from, const char *to, uint16_t port)
{
	struct sockaddr_storage ss;
	struct ip a = tcp_ip(from), b = tcp_ip(to);
	int fd = socket(ip_family(&b), SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n;

	n = ip_to_sockaddr(&a, 0, &ss);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, n), 0);
	n = ip_to_sockaddr(&b, port, &ss);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, n), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

void tcp_loopback_of_our_own(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd;

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	close(fd);
}

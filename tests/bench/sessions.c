/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/bench/sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/bench/loadmsg.h"
#include "tests/bench/proc.h"

#define RECEIVE_OCTETS (1u << 18)
#define READS_A_TURN 4         /* of one session, so that the others have their turn */
#define WRITE_OCTETS (1u << 20) /* likewise */
#define SLOW_BUFFER 65536
#define SIP_S 0.1
#define EVENTS 64
#define OTHER UINT32_MAX /* epoll data of sessions_watch() */

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_load: %s: %s\n", what, why);
	exit(1);
}

static void poll_for(struct sessions *t, struct session *s, int op)
{
	struct epoll_event e = { .data.u32 = (uint32_t)(s - t->s) };

	s->writing = s->out_left != 0;
	e.events = (s->slow ? 0 : EPOLLIN) | (s->writing ? EPOLLOUT : 0);
	if (epoll_ctl(t->epoll, op, s->fd, &e) < 0)
		die("epoll_ctl", strerror(errno));
}

void sessions_add(struct sessions *t, const struct ip *local, bool slow, uint32_t routes)
{
	struct session *s;

	t->s = xrealloc(t->s, (t->n + 1) * sizeof(*t->s));
	s = &t->s[t->n++];
	*s = (struct session){ .local = *local, .fd = -1, .slow = slow };
	sink_init(&s->sink, routes);
}

void sessions_watch(struct sessions *t, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = OTHER };

	if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		die("epoll_ctl", strerror(errno));
}

/* ---- one session ------------------------------------------------------------------------------------------------- */

static void session_connect(struct sessions *t, struct session *s)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int on = 1, small = SLOW_BUFFER;

	s->fd = socket(ip_family(&t->target), SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		die("socket", strerror(errno));
	setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (s->slow)
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	len = ip_to_sockaddr(&s->local, 0, &ss);
	if (bind(s->fd, (struct sockaddr *)&ss, len) < 0)
		die(ip_str(&s->local).s, strerror(errno));
	len = ip_to_sockaddr(&t->target, t->port, &ss);
	while (connect(s->fd, (struct sockaddr *)&ss, len) < 0) {
		if (proc_now() > t->deadline)
			die("no connection", strerror(errno));
		usleep(50000);
	}
	fcntl(s->fd, F_SETFL, O_NONBLOCK);
}

static void note_keepalive(struct session *s, double now)
{
	if (s->last_keepalive > 0 && now - s->last_keepalive > s->longest_silence)
		s->longest_silence = now - s->last_keepalive;
	s->last_keepalive = now;
}

/* At most max octets; how many there were. */
static size_t session_recv(struct sessions *t, struct session *s, size_t max)
{
	uint64_t keepalives = s->sink.keepalives;
	size_t len, taken;
	ssize_t n;

	memcpy(t->in, s->rest, s->rest_len);
	n = recv(s->fd, t->in + s->rest_len, max, 0);
	if (n == 0)
		die(ip_str(&s->local).s, "the daemon closed the session");
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		die(ip_str(&s->local).s, strerror(errno));
	if (n < 0)
		return 0;
	len = s->rest_len + (size_t)n;
	taken = sink_feed(&s->sink, t->in, len);
	s->rest_len = len - taken;
	if (s->rest_len > sizeof(s->rest))
		die(ip_str(&s->local).s, "a message over 4,096 octets");
	memcpy(s->rest, t->in + taken, s->rest_len);
	if (s->sink.notified) {
		fprintf(stderr, "bench_load: %s: NOTIFICATION %u/%u\n", ip_str(&s->local).s, s->sink.code,
			s->sink.subcode);
		exit(1);
	}
	if (s->sink.keepalives != keepalives)
		note_keepalive(s, proc_now());
	return (size_t)n;
}

static void session_read(struct sessions *t, struct session *s)
{
	for (int i = 0; i < READS_A_TURN; i++) {
		if (session_recv(t, s, RECEIVE_OCTETS) < RECEIVE_OCTETS)
			return;
	}
}

static void session_write(struct sessions *t, struct session *s)
{
	size_t budget = WRITE_OCTETS;

	while (s->out_left && budget) {
		ssize_t n = send(s->fd, s->out, s->out_left < budget ? s->out_left : budget, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0)
			die("send", strerror(errno));
		s->out += n;
		s->out_left -= (size_t)n;
		budget -= (size_t)n;
	}
	if (!s->out_left)
		poll_for(t, s, EPOLL_CTL_MOD);
}

static void send_whole(struct session *s, struct bytes *m)
{
	if (send(s->fd, m->p, m->len, MSG_NOSIGNAL) != (ssize_t)m->len)
		die("send", strerror(errno));
	free(m->p);
}

static void send_keepalive(struct session *s)
{
	struct bytes m = { 0 };

	load_keepalive(&m);
	send_whole(s, &m);
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static void keepalives(struct sessions *t, double now)
{
	if (now - t->last_keepalive < t->hold_time / 4.0)
		return;
	t->last_keepalive = now;
	for (size_t i = 0; i < t->n; i++) {
		if (!t->s[i].out_left && t->s[i].fd >= 0) /* not in the middle of a message */
			send_keepalive(&t->s[i]);
	}
}

static void sip(struct sessions *t, double now)
{
	if (!t->slow_rate || now < t->next_sip)
		return;
	t->next_sip = now + SIP_S;
	for (size_t i = 0; i < t->n; i++) {
		if (t->s[i].slow && t->s[i].fd >= 0)
			session_recv(t, &t->s[i], (size_t)(t->slow_rate * SIP_S) + 1);
	}
}

static void say_late(const struct sessions *t)
{
	fprintf(stderr, "bench_load: time is up:");
	for (size_t i = 0; i < t->n && i < 4; i++) {
		const struct sink *s = &t->s[i].sink;

		fprintf(stderr, " %s: %u of %u routes right, %llu announced, %llu withdrawn;", ip_str(&t->s[i].local).s,
			s->right, s->n, (unsigned long long)s->announced, (unsigned long long)s->withdrawn);
	}
	fprintf(stderr, " %zu octets to feed", t->s[0].out_left);
	if (t->also_late)
		t->also_late(t->also_late_ctx);
	fputs("\n", stderr);
	exit(1);
}

void sessions_turn(struct sessions *t, int wait_ms)
{
	struct epoll_event e[EVENTS];
	double now = proc_now();
	int n;

	if (now - t->last_turn > t->longest_turn)
		t->longest_turn = now - t->last_turn;
	if (t->s[0].out_left && !t->s[0].writing)
		poll_for(t, &t->s[0], EPOLL_CTL_MOD);
	n = epoll_wait(t->epoll, e, EVENTS, wait_ms);
	t->last_turn = proc_now();
	for (int i = 0; i < n; i++) {
		struct session *s = e[i].data.u32 == OTHER ? NULL : &t->s[e[i].data.u32];

		if (s && e[i].events & EPOLLOUT)
			session_write(t, s);
		if (s && e[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			session_read(t, s);
	}
	now = proc_now();
	sip(t, now);
	keepalives(t, now);
	if (now > t->deadline)
		say_late(t);
}

void sessions_listen(struct sessions *t)
{
	t->longest_turn = 0;
	t->last_turn = proc_now();
	for (size_t i = 0; i < t->n; i++)
		t->s[i].longest_silence = 0;
}

void sessions_wake(struct sessions *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!t->s[i].slow)
			continue;
		t->s[i].slow = false;
		poll_for(t, &t->s[i], EPOLL_CTL_MOD);
	}
}

void sessions_cut(struct sessions *t)
{
	close(t->s[0].fd); /* which takes it out of epoll, too */
	t->s[0].fd = -1;
}

size_t sessions_unsent(const struct sessions *t)
{
	int n = 0;

	if (ioctl(t->s[0].fd, SIOCOUTQ, &n) < 0)
		die("SIOCOUTQ", strerror(errno));
	return t->s[0].out_left + (size_t)n;
}

static void session_open(struct sessions *t, struct session *s, uint32_t router_id)
{
	struct bytes m = { 0 };
	bool slow = s->slow;

	session_connect(t, s);
	s->slow = false;
	poll_for(t, s, EPOLL_CTL_ADD);
	load_open(&m, t->asn, router_id, t->hold_time);
	send_whole(s, &m);
	while (!s->sink.open_seen)
		sessions_turn(t, 100);
	send_keepalive(s);
	while (!s->sink.keepalives)
		sessions_turn(t, 100);
	s->slow = slow;
	poll_for(t, s, EPOLL_CTL_MOD);
}

void sessions_establish(struct sessions *t)
{
	t->deadline = proc_now() + t->timeout;
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	t->in = xcalloc(1, RECEIVE_OCTETS + MESSAGE_MAX);
	t->last_keepalive = HUGE_VAL; /* none before all are up */
	for (size_t i = 0; i < t->n; i++)
		session_open(t, &t->s[i], 0x0a630001 + (uint32_t)i);
	t->last_keepalive = 0;
}

void sessions_close(struct sessions *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->s[i].fd >= 0)
			close(t->s[i].fd);
		sink_fini(&t->s[i].sink);
	}
	close(t->epoll);
	free(t->in);
	free(t->s);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "bgp/listen.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgp/sock.h"

#define ACCEPTS_A_TURN 64
#define BACKLOG 128
#define PARKED_MAX 16u /* connections of one peer that wait for bgp_accept_at() */
#define ACCEPT_PAUSE_MS 1000
#define DROPS_MS 3000 /* between two looks at what the kernel dropped */

struct listener {
	struct list node;
	struct listen *ls;
	struct loop_io io;
	int fd;
	struct ip address; /* none never: 0.0.0.0 or :: */
	uint16_t port;
};

/* Accepted by the kernel, but over the peer's limit of this second. */
struct parked {
	struct list node;
	int fd;
	struct ip peer;
	struct mtime at;
};

/* A TCP-MD5 key that the listening sockets have. */
struct key {
	struct list node;
	struct ip peer;
};

/* ---- accepting -------------------------------------------------------------------------------------------------- */

static void park_timer_arm(struct listen *ls)
{
	struct mtime at = MTIME_NEVER;
	const struct parked *p;

	list_for_each(p, &ls->parked, node)
		if (mtime_before(p->at, at))
			at = p->at;
	loop_timer_at(&ls->park_timer, at);
}

static void refuse(struct listen *ls, int fd)
{
	close(fd);
	ls->n_refused++;
}

static void park(struct listen *ls, const struct ip *peer, int fd, struct mtime at)
{
	struct parked *p;
	uint32_t n = 0;

	list_for_each(p, &ls->parked, node)
		n += ip_eq(&p->peer, peer);
	if (n >= PARKED_MAX) {
		refuse(ls, fd);
		return;
	}
	ls->n_parked++;
	p = xcalloc(1, sizeof(*p));
	*p = (struct parked){ .fd = fd, .peer = *peer, .at = at };
	list_add_tail(&ls->parked, &p->node);
	park_timer_arm(ls);
}

static void unpark(struct parked *p, struct listen *ls, struct mtime now)
{
	struct bgp_peer *peer = bgp_peer_find(ls->bgp, &p->peer);

	p->at = peer ? bgp_accept_at(peer, now) : now;
	if (mtime_before(now, p->at))
		return;
	list_del(&p->node);
	ls->n_parked--;
	if (peer)
		ls->take(ls->ctx, peer, p->fd);
	else
		ls->refuse(ls->ctx, p->fd);
	free(p);
}

static void on_park_timer(struct loop_timer *timer)
{
	struct listen *ls = container_of(timer, struct listen, park_timer);
	struct mtime now = loop_now(ls->loop);
	struct parked *p, *tmp;

	list_for_each_safe(p, tmp, &ls->parked, node)
		if (!mtime_before(now, p->at))
			unpark(p, ls, now);
	park_timer_arm(ls);
}

static void stranger(struct listen *ls, const struct ip *from, int fd)
{
	ls->refuse(ls->ctx, fd);
	ls->n_strangers++;
	if (log_allow(ls->log, &ls->strangers, LOG_BGP, loop_now(ls->loop)))
		log_remote(ls->log, LOG_BGP, "connection from %s: not a configured neighbor, closed (%llu such so far)",
			   ip_str(from).s, (unsigned long long)ls->n_strangers);
}

/*
 * RFC 5082. The listening socket is everybody's, so the limit can be the accepted
 * socket's only; what came before it was there is as far away as the SYN was.
 */
static bool is_near_enough(struct listen *ls, const struct bgp_peer_params *p, int fd)
{
	int ttl, least = 256 - p->ttl_security;

	if (!p->ttl_security)
		return true;
	if (sock_ttl_security(fd, ip_family(&p->address), p->ttl_security))
		return false;
	ttl = sock_syn_ttl(fd);
	if (ttl < 0 || ttl >= least)
		return true;
	if (log_allow(ls->log, &ls->too_far, LOG_BGP, loop_now(ls->loop)))
		log_remote(ls->log, LOG_BGP,
			   "peer %s: its connection has TTL %d, and ttl-security wants %d: closed (has it "
			   "ttl-security, too?)",
			   ip_str(&p->address).s, ttl, least);
	return false;
}

static void accepted(struct listen *ls, const struct ip *from, int fd)
{
	struct bgp_peer *peer = bgp_peer_find(ls->bgp, from);
	struct mtime now = loop_now(ls->loop), at;

	if (!peer) {
		stranger(ls, from, fd);
		return;
	}
	sock_tune(fd, ip_family(from));
	if (!is_near_enough(ls, bgp_peer_params(peer), fd)) {
		refuse(ls, fd);
		return;
	}
	at = bgp_accept_at(peer, now);
	if (mtime_before(now, at))
		park(ls, from, fd, at);
	else
		ls->take(ls->ctx, peer, fd);
}

static void listeners_set(struct listen *ls, unsigned events)
{
	struct listener *s;

	list_for_each(s, &ls->listeners, node)
		loop_io_set(&s->io, events);
}

static void on_accept_timer(struct loop_timer *timer)
{
	listeners_set(container_of(timer, struct listen, accept_timer), LOOP_READ);
}

/* Without a descriptor left the connection stays in the backlog; asking again at once would spin. */
static void accept_failed(struct listen *ls, int error)
{
	if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
		return;
	log_warn(ls->log, LOG_BGP, "accept: %s, next try in %d ms", strerror(error), ACCEPT_PAUSE_MS);
	listeners_set(ls, 0);
	loop_timer_at(&ls->accept_timer, mtime_add_ms(loop_now(ls->loop), ACCEPT_PAUSE_MS));
}

static void on_listener(struct loop_io *io, unsigned events)
{
	struct listener *s = container_of(io, struct listener, io);
	struct sockaddr_storage ss;
	socklen_t n;
	struct ip from;
	int fd;

	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		n = sizeof(ss);
		fd = accept4(s->fd, (struct sockaddr *)&ss, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			accept_failed(s->ls, errno);
			return;
		}
		from = ip_from_sockaddr((struct sockaddr *)&ss, NULL);
		accepted(s->ls, &from, fd);
	}
}

/* An address may come to the host later; then its sessions do. */
static int bind_listener(struct listen *ls, int fd, const struct ip *address, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t n = ip_to_sockaddr(address, port, &ss);

	sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (address->len == 16)
		sock_set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (bind(fd, (struct sockaddr *)&ss, n) == 0)
		return 0;
	if (errno != EADDRNOTAVAIL)
		return -errno;
	log_warn(ls->log, LOG_BGP, "listen %s port %u: the address is not on this host (yet)", ip_str(address).s, port);
	if (address->len == 4)
		sock_set_int(fd, IPPROTO_IP, IP_FREEBIND, 1);
	else
		sock_set_int(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
	return bind(fd, (struct sockaddr *)&ss, n) ? -errno : 0;
}

static void say_listen_error(struct listen *ls, const struct ip *address, uint16_t port, int error)
{
	const char *hint = error == EACCES && port < 1024 ? " (a port below 1024 needs CAP_NET_BIND_SERVICE)" :
			   error == EADDRINUSE ? " (does another BGP daemon run here?)" : "";

	log_error(ls->log, LOG_BGP, "listen %s port %u: %s%s", ip_str(address).s, port, strerror(error), hint);
}

static int listen_one(struct listen *ls, const struct ip *address, uint16_t port)
{
	int fd = sock_new(ip_family(address));
	struct listener *s;
	int rc;

	if (fd < 0)
		return fd;
	rc = bind_listener(ls, fd, address, port);
	if (!rc && listen(fd, BACKLOG) < 0)
		rc = -errno;
	if (rc) {
		close(fd);
		return rc;
	}
	s = xcalloc(1, sizeof(*s));
	*s = (struct listener){ .ls = ls, .fd = fd, .address = *address, .port = port };
	list_add_tail(&ls->listeners, &s->node);
	loop_io_init(&s->io, ls->loop, fd, on_listener);
	loop_io_set(&s->io, LOOP_READ);
	log_info(ls->log, LOG_BGP, "listening on %s port %u", ip_str(address).s, port);
	return 0;
}

int listen_open(struct listen *ls, const struct ip *address, uint16_t port)
{
	static const uint8_t zero[16];
	struct ip any[2] = { ip_from_bytes(zero, 4), ip_from_bytes(zero, 16) };
	const struct ip *todo = address->len ? address : any;
	int rc;

	for (size_t i = 0; i < (address->len ? 1u : 2u); i++) {
		rc = listen_one(ls, &todo[i], port);
		if (rc == -EAFNOSUPPORT && i) /* a host without IPv6 */
			rc = 0;
		if (rc) {
			say_listen_error(ls, &todo[i], port, -rc);
			return rc;
		}
	}
	listen_peers_changed(ls);
	return 0;
}

void listen_close(struct listen *ls)
{
	struct listener *s, *tmp;

	list_for_each_safe(s, tmp, &ls->listeners, node) {
		loop_io_set(&s->io, 0);
		close(s->fd);
		list_del(&s->node);
		free(s);
	}
}

/* ---- what listening sockets know of peers ----------------------------------------------------------------------- */

static struct key *key_find(const struct listen *ls, const struct ip *peer)
{
	struct key *k;

	list_for_each(k, &ls->keys, node)
		if (ip_eq(&k->peer, peer))
			return k;
	return NULL;
}

static void key_set(struct listen *ls, const struct ip *peer, const char *key)
{
	struct listener *s;
	int rc;

	list_for_each(s, &ls->listeners, node) {
		if (s->address.len != peer->len)
			continue;
		rc = sock_md5(s->fd, peer, key);
		if (rc && key)
			log_error(ls->log, LOG_BGP, "peer %s: TCP-MD5 key on the listening socket: %s", ip_str(peer).s,
				  strerror(-rc));
	}
}

static void keys_update(struct listen *ls)
{
	const struct bgp_peer_params *p;
	struct bgp_peer *peer = NULL;
	struct key *k, *tmp;

	list_for_each_safe(k, tmp, &ls->keys, node) {
		peer = bgp_peer_find(ls->bgp, &k->peer);
		if (peer && bgp_peer_params(peer)->password)
			continue;
		key_set(ls, &k->peer, NULL);
		list_del(&k->node);
		free(k);
	}
	for (peer = NULL; (peer = bgp_peer_next(ls->bgp, peer));) {
		p = bgp_peer_params(peer);
		if (!p->password)
			continue;
		key_set(ls, &p->address, p->password);
		if (key_find(ls, &p->address))
			continue;
		k = xcalloc(1, sizeof(*k));
		k->peer = p->address;
		list_add_tail(&ls->keys, &k->node);
	}
}

/* The SYN+ACK comes from the listening socket, before the peer is known: 255 does no harm to the others. */
static void ttl_update(struct listen *ls)
{
	struct bgp_peer *peer = NULL;
	struct listener *s;
	bool any = false;

	while ((peer = bgp_peer_next(ls->bgp, peer)))
		any |= bgp_peer_params(peer)->ttl_security != 0;
	list_for_each(s, &ls->listeners, node) {
		sock_set_int(s->fd, IPPROTO_TCP, TCP_SAVE_SYN, any);
		if (s->address.len == 4)
			sock_set_int(s->fd, IPPROTO_IP, IP_TTL, any ? 255 : -1);
		else
			sock_set_int(s->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, any ? 255 : -1);
	}
}

/* ---- what the kernel drops -------------------------------------------------------------------------------------- */

static bool is_up(const struct bgp_peer *peer)
{
	struct bgp_peer_info info;

	bgp_peer_info(peer, &info);
	return info.state == BGP_ESTABLISHED || info.admin_down;
}

static bool all_up(const struct listen *ls)
{
	const struct bgp_peer *peer = NULL;

	while ((peer = bgp_peer_next(ls->bgp, peer)))
		if (!is_up(peer))
			return false;
	return true;
}

/* "192.0.2.1, 192.0.2.2, ...": neighbors without a session that have a password, or have none. */
static void name_suspects(const struct listen *ls, bool password, char *out, size_t cap)
{
	const struct bgp_peer *peer = NULL;
	size_t at = 0;

	out[0] = '\0';
	while ((peer = bgp_peer_next(ls->bgp, peer))) {
		const struct bgp_peer_params *p = bgp_peer_params(peer);

		if (!p->password == password || is_up(peer))
			continue;
		if (at + 48 > cap) {
			snprintf(out + at, cap - at, ", ...");
			return;
		}
		at += (size_t)snprintf(out + at, cap - at, "%s%s", at ? ", " : "", ip_str(&p->address).s);
	}
}

static void say_drops(struct listen *ls, uint64_t n, const char *what, bool password)
{
	char suspects[256];

	name_suspects(ls, password, suspects, sizeof(suspects));
	if (n && suspects[0] && log_allow(ls->log, &ls->drops_said, LOG_BGP, loop_now(ls->loop)))
		log_remote(ls->log, LOG_BGP, "TCP-MD5: the kernel dropped %llu segments %s; without a session: %s",
			   (unsigned long long)n, what, suspects);
}

/*
 * A segment whose signature is not as it should be never reaches a socket: nobody here would hear of a password that is
 * not the same on both sides. The kernel counts for the whole namespace, so who it was is a guess. Nobody looks while
 * every neighbor has its session: a daemon at rest does not wake up for it.
 */
static void on_drops_timer(struct loop_timer *timer)
{
	struct listen *ls = container_of(timer, struct listen, drops_timer);
	struct md5_drops was = ls->drops;

	if (!all_up(ls))
		listen_watch_drops(ls);
	if (!md5_drops_read(&ls->drops))
		return;
	say_drops(ls, ls->drops.failure - was.failure, "signed with another password", true);
	say_drops(ls, ls->drops.not_found - was.not_found, "that were not signed, from a neighbor with a password",
		  true);
	say_drops(ls, ls->drops.unexpected - was.unexpected, "that were signed, from a neighbor without a password",
		  false);
}

void listen_watch_drops(struct listen *ls)
{
	loop_timer_at(&ls->drops_timer, mtime_add_ms(loop_now(ls->loop), DROPS_MS));
}

void listen_peers_changed(struct listen *ls)
{
	if (!ls->bgp)
		return;
	keys_update(ls);
	ttl_update(ls);
	listen_watch_drops(ls);
}

void listen_stats(const struct listen *ls, struct bgp_transport_stats *out)
{
	*out = (struct bgp_transport_stats){
		.parked = ls->n_parked,
		.strangers = ls->n_strangers,
		.refused = ls->n_refused,
		.md5_failure = ls->drops.failure,
		.md5_not_found = ls->drops.not_found,
		.md5_unexpected = ls->drops.unexpected,
	};
}

const struct ip *listen_source(const struct listen *ls, const struct ip *peer)
{
	const struct ip *found = NULL;
	const struct listener *s;

	list_for_each(s, &ls->listeners, node) {
		if (s->address.len != peer->len || ip_is_zero(&s->address))
			continue;
		if (found)
			return NULL;
		found = &s->address;
	}
	return found;
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

void listen_init(struct listen *ls, struct loop *loop, struct log *log)
{
	*ls = (struct listen){ .loop = loop, .log = log };
	ls->strangers = ls->too_far = ls->drops_said = (struct log_limit){ .burst = 5, .interval_ms = 10000 };
	md5_drops_read(&ls->drops);
	list_init(&ls->listeners);
	list_init(&ls->parked);
	list_init(&ls->keys);
	loop_timer_init(&ls->park_timer, loop, on_park_timer);
	loop_timer_init(&ls->accept_timer, loop, on_accept_timer);
	loop_timer_init(&ls->drops_timer, loop, on_drops_timer);
}

void listen_fini(struct listen *ls)
{
	struct parked *p, *ptmp;
	struct key *k, *ktmp;

	listen_close(ls);
	loop_timer_at(&ls->park_timer, MTIME_NEVER);
	loop_timer_at(&ls->accept_timer, MTIME_NEVER);
	loop_timer_at(&ls->drops_timer, MTIME_NEVER);
	list_for_each_safe(p, ptmp, &ls->parked, node) {
		close(p->fd);
		list_del(&p->node);
		free(p);
	}
	list_for_each_safe(k, ktmp, &ls->keys, node) {
		list_del(&k->node);
		free(k);
	}
}

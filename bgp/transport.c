/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * TCP under the engine: the one file of bgp with descriptors. A struct link is a connection's socket.
 *
 *   in    readable --> in line --> end of the turn: read(), a chunk of each link by turns --> bgp_conn_input()
 *   out   bgp_net.want_write, or room in the socket --> dirty --> end of the turn: bgp_conn_pull(), write(), a chunk of
 *         each link by turns, so that peers that get the same messages get them while they are at hand. What the
 *         socket does not take is kept (at most 64 KiB a link) and nothing more is pulled until it has gone.
 *   end   bgp_net.close --> what is left is pulled, the engine's connection is released at once, and the link lingers:
 *         it writes the rest, sends FIN and reads until the peer's FIN, so that a NOTIFICATION is not lost in a reset.
 *
 * The TTL of packets is the system's unless ttl-security is on (RFC 5082): eBGP peers need not be on the same wire.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "include/bgp.h"

#define TOS_CS6 0xc0       /* network control, RFC 4594 3.2 */
#define CHUNK 65536u       /* octets a read or pull */
#define READS_A_TURN 8     /* chunks, of all links: a turn stays short however many have much to say */
#define OCTETS_A_TURN (1u << 20) /* written to all links: a millisecond or two */
#define ACCEPTS_A_TURN 64
#define BACKLOG 128
#define UNSENT 262144 /* octets in the kernel that TCP may not send yet: more would only be old news to a slow peer */
#define LINGER_MS 2000
#define PARKED_MAX 16u     /* connections of one peer that wait for bgp_accept_at() */
#define ACCEPT_PAUSE_MS 1000

struct listener {
	struct list node;
	struct bgp_transport *t;
	struct loop_io io;
	int fd;
	struct ip address; /* none never: 0.0.0.0 or :: */
	uint16_t port;
};

struct link {
	struct list node;  /* bgp_transport.links */
	struct list readable; /* bgp_transport.readable, or alone */
	struct list dirty;    /* bgp_transport.dirty, or alone */
	struct bgp_transport *t;
	struct bgp_conn *c; /* NULL: lingering */
	struct loop_io io;
	struct loop_timer linger;
	int fd;
	int error; /* of connect(), reported at the end of the turn */
	bool connecting, closing, fin_sent;
	uint8_t *out; /* pulled and not written yet */
	size_t out_pos, out_len;
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

struct bgp_transport {
	struct loop *loop;
	struct log *log;
	struct bgp *bgp;
	struct list listeners, links, parked, keys;
	struct list readable, dirty; /* links, in the order in which they are served at the end of a turn */
	struct loop_timer park_timer, accept_timer;
	struct log_limit strangers;
	uint64_t n_strangers;
	struct loop_flush flush;
	struct loop_work more; /* keeps the loop from sleeping while links are dirty */
	uint8_t *in, *out; /* CHUNK octets each, for the link that is served */
};

/* ---- sockets ---------------------------------------------------------------------------------------------------- */

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

/* Failures are not worth a session: marks and delays are a matter of quality. */
static void socket_tune(int fd, int family)
{
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT);
	if (family == AF_INET)
		set_int(fd, IPPROTO_IP, IP_TOS, TOS_CS6);
	else
		set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, TOS_CS6);
}

/* RFC 5082 3: send 255, take nothing that came over more than hops routers less one. */
static int socket_ttl_security(int fd, int family, uint8_t hops)
{
	int min = 256 - hops;

	if (family == AF_INET)
		return set_int(fd, IPPROTO_IP, IP_TTL, 255) || set_int(fd, IPPROTO_IP, IP_MINTTL, min) ? -errno : 0;
	return set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255) || set_int(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, min) ?
		       -errno : 0;
}

/* RFC 2385. key NULL takes the peer's key away. */
static int socket_md5(int fd, const struct ip *peer, const char *key)
{
	struct tcp_md5sig sig = { 0 };
	struct sockaddr_storage ss;
	size_t n = key ? strlen(key) : 0;

	if (n > sizeof(sig.tcpm_key))
		return -EINVAL;
	memcpy(&sig.tcpm_addr, &ss, ip_to_sockaddr(peer, 0, &ss));
	sig.tcpm_keylen = (uint16_t)n;
	if (n)
		memcpy(sig.tcpm_key, key, n);
	return setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &sig, sizeof(sig)) ? -errno : 0;
}

static int socket_new(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0)
		return -errno;
	socket_tune(fd, family);
	return fd;
}

static struct ip local_of(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t n = sizeof(ss);

	getsockname(fd, (struct sockaddr *)&ss, &n);
	return ip_from_sockaddr((struct sockaddr *)&ss, NULL);
}

/* ---- links ------------------------------------------------------------------------------------------------------ */

static void on_link(struct loop_io *io, unsigned events);
static void on_linger(struct loop_timer *timer);

static struct link *link_new(struct bgp_transport *t, struct bgp_conn *c, int fd)
{
	struct link *l = xcalloc(1, sizeof(*l));

	l->t = t;
	l->c = c;
	l->fd = fd;
	list_init(&l->readable);
	list_init(&l->dirty);
	list_add_tail(&t->links, &l->node);
	loop_timer_init(&l->linger, t->loop, on_linger);
	if (fd >= 0)
		loop_io_init(&l->io, t->loop, fd, on_link);
	bgp_conn_set_user(c, l);
	return l;
}

static void link_free(struct link *l)
{
	if (l->fd >= 0) {
		loop_io_set(&l->io, 0);
		close(l->fd);
	}
	loop_timer_at(&l->linger, MTIME_NEVER);
	list_del(&l->readable);
	list_del(&l->dirty);
	list_del(&l->node);
	free(l->out);
	free(l);
}

static void link_dirty(struct link *l)
{
	if (list_empty(&l->dirty))
		list_add_tail(&l->t->dirty, &l->dirty);
}

/* TCP is over. */
static void link_closed(struct link *l, const char *reason)
{
	struct bgp_conn *c = l->c;
	struct mtime now = loop_now(l->t->loop);
	bool closing = l->closing;

	link_free(l);
	if (c && closing)
		bgp_conn_release(c);
	else if (c)
		bgp_conn_closed(c, reason, now);
}

static bool would_block(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* Writes what is kept. False when the link is closed by it. */
static bool link_write_kept(struct link *l)
{
	ssize_t n;

	while (l->out_pos < l->out_len) {
		n = send(l->fd, l->out + l->out_pos, l->out_len - l->out_pos, MSG_NOSIGNAL);
		if (n < 0 && !would_block(errno)) {
			link_closed(l, strerror(errno));
			return false;
		}
		if (n <= 0)
			return true;
		l->out_pos += (size_t)n;
	}
	free(l->out);
	l->out = NULL;
	l->out_pos = l->out_len = 0;
	return true;
}

static void link_keep(struct link *l, const uint8_t *p, size_t n)
{
	l->out = xrealloc(l->out, l->out_len + n);
	memcpy(l->out + l->out_len, p, n);
	l->out_len += n;
}

/* Writes from t->out past the kept octets; keeps what does not go. False when the link is closed by it. */
static bool link_write(struct link *l, size_t len)
{
	ssize_t n = l->out_len ? 0 : send(l->fd, l->t->out, len, MSG_NOSIGNAL);

	if (n < 0 && !would_block(errno)) {
		link_closed(l, strerror(errno));
		return false;
	}
	if (n < 0)
		n = 0;
	if ((size_t)n < len)
		link_keep(l, l->t->out + n, len - (size_t)n);
	return true;
}

/*
 * Pulls and writes a chunk, unless what is kept fills the socket. The link stays dirty when there may be more to do at
 * once. The octets pulled.
 */
static size_t link_pump(struct link *l)
{
	size_t n;

	if (!link_write_kept(l))
		return 0;
	if (l->out_len) {
		loop_io_set(&l->io, LOOP_READ | LOOP_WRITE);
		return 0;
	}
	n = bgp_conn_pull(l->c, l->t->out, CHUNK, loop_now(l->t->loop));
	if (n && !link_write(l, n))
		return n;
	loop_io_set(&l->io, LOOP_READ | (l->out_len ? LOOP_WRITE : 0));
	if (n && !l->out_len)
		link_dirty(l);
	return n;
}

/* Goes on with the end of a link: the rest, FIN, then whatever comes until the peer's FIN. False when it is over. */
static bool link_linger(struct link *l)
{
	ssize_t n;

	if (!link_write_kept(l))
		return false;
	if (!l->out_len && !l->fin_sent) {
		shutdown(l->fd, SHUT_WR);
		l->fin_sent = true;
	}
	n = read(l->fd, l->t->in, CHUNK);
	if (n == 0 || (n < 0 && !would_block(errno))) {
		link_free(l);
		return false;
	}
	loop_io_set(&l->io, LOOP_READ | (l->out_len ? LOOP_WRITE : 0));
	return true;
}

static void on_linger(struct loop_timer *timer)
{
	link_free(container_of(timer, struct link, linger));
}

/* The engine is done with it. */
static void link_finish(struct link *l)
{
	struct mtime now = loop_now(l->t->loop);
	struct bgp_conn *c = l->c;
	size_t n;

	if (l->fd < 0 || l->connecting) {
		link_closed(l, "");
		return;
	}
	while ((n = bgp_conn_pull(c, l->t->out, CHUNK, now)))
		link_keep(l, l->t->out, n);
	l->c = NULL;
	bgp_conn_release(c);
	loop_timer_at(&l->linger, mtime_add_ms(now, LINGER_MS));
	link_linger(l);
}

static void link_read(struct link *l)
{
	ssize_t n = read(l->fd, l->t->in, CHUNK);

	if (n > 0)
		bgp_conn_input(l->c, l->t->in, (size_t)n, loop_now(l->t->loop));
	else if (n == 0)
		link_closed(l, "closed by the peer");
	else if (!would_block(errno))
		link_closed(l, strerror(errno));
}

static void link_connected(struct link *l)
{
	struct ip local;
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		error = errno;
	if (error) {
		link_closed(l, strerror(error));
		return;
	}
	l->connecting = false;
	local = local_of(l->fd);
	loop_io_set(&l->io, LOOP_READ);
	bgp_conn_connected(l->c, &local, loop_now(l->t->loop));
}

/* While a link is in line the loop goes on to tell that it is readable, which keeps the loop from sleeping. */
static void on_link(struct loop_io *io, unsigned events)
{
	struct link *l = container_of(io, struct link, io);

	if (!l->c) {
		link_linger(l);
		return;
	}
	if (l->connecting && !l->closing) {
		link_connected(l);
		return;
	}
	if (events & LOOP_READ && list_empty(&l->readable))
		list_add_tail(&l->t->readable, &l->readable);
	if (events & LOOP_WRITE)
		link_dirty(l);
}

/* ---- what the engine asks --------------------------------------------------------------------------------------- */

/* The address that we are known by, when the configuration names one for the family. */
static const struct ip *source_for(const struct bgp_transport *t, const struct ip *peer)
{
	const struct ip *found = NULL;
	const struct listener *s;

	list_for_each(s, &t->listeners, node) {
		if (s->address.len != peer->len || ip_is_zero(&s->address))
			continue;
		if (found)
			return NULL;
		found = &s->address;
	}
	return found;
}

/* A socket on its way to the peer, or -errno. */
static int connect_to(struct bgp_transport *t, const struct bgp_peer_params *p)
{
	const struct ip *source = source_for(t, &p->address);
	struct sockaddr_storage ss;
	socklen_t n;
	int fd = socket_new(ip_family(&p->address)), rc = 0;

	if (fd < 0)
		return fd;
	if (p->ttl_security)
		rc = socket_ttl_security(fd, ip_family(&p->address), p->ttl_security);
	if (!rc && p->password)
		rc = socket_md5(fd, &p->address, p->password);
	if (!rc && source) {
		n = ip_to_sockaddr(source, 0, &ss);
		rc = bind(fd, (struct sockaddr *)&ss, n) ? -errno : 0;
	}
	if (!rc) {
		n = ip_to_sockaddr(&p->address, p->port, &ss);
		rc = connect(fd, (struct sockaddr *)&ss, n) && errno != EINPROGRESS ? -errno : 0;
	}
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

static void net_connect(void *ctx, struct bgp_conn *c)
{
	struct bgp_transport *t = ctx;
	int fd = connect_to(t, bgp_peer_params(bgp_conn_peer(c)));
	struct link *l = link_new(t, c, fd);

	l->connecting = true;
	if (fd >= 0) {
		loop_io_set(&l->io, LOOP_WRITE);
		return;
	}
	l->error = -fd;
	link_dirty(l);
}

/* During bgp_accept() there is no link yet; accept_take() looks after what it has to say. */
static void net_want_write(void *ctx, struct bgp_conn *c)
{
	struct link *l = bgp_conn_user(c);

	if (l)
		link_dirty(l);
}

static void net_close(void *ctx, struct bgp_conn *c)
{
	struct link *l = bgp_conn_user(c);

	l->closing = true;
	link_dirty(l);
}

static void serve_readable(struct bgp_transport *t)
{
	struct link *l;

	for (int i = 0; i < READS_A_TURN && !list_empty(&t->readable); i++) {
		l = container_of(t->readable.next, struct link, readable);
		list_del(&l->readable);
		if (l->c && !l->closing)
			link_read(l);
	}
}

/* The end of a turn: what it brought goes out together. */
static void flush(struct bgp_transport *t, size_t budget)
{
	struct link *l;
	size_t n;

	while (!list_empty(&t->dirty) && budget) {
		l = container_of(t->dirty.next, struct link, dirty);
		list_del(&l->dirty);
		n = 0;
		if (l->closing)
			link_finish(l);
		else if (l->error)
			link_closed(l, strerror(l->error));
		else if (!l->connecting)
			n = link_pump(l);
		budget -= n < budget ? n : budget;
	}
	if (!list_empty(&t->dirty))
		loop_work_start(&t->more);
}

/* The flush of the same turn is what does the work. */
static bool on_more(struct loop_work *w)
{
	return false;
}

static void on_flush(struct loop_flush *f)
{
	struct bgp_transport *t = container_of(f, struct bgp_transport, flush);

	serve_readable(t);
	flush(t, OCTETS_A_TURN);
}

/* ---- listening -------------------------------------------------------------------------------------------------- */

/* fd is the transport's or closed afterwards. */
static void accept_take(struct bgp_transport *t, struct bgp_peer *peer, int fd)
{
	struct bgp_conn *c = bgp_accept(peer, loop_now(t->loop));
	struct ip local = local_of(fd);
	struct link *l;

	if (!c) {
		close(fd);
		return;
	}
	bgp_conn_local(c, &local);
	l = link_new(t, c, fd);
	loop_io_set(&l->io, LOOP_READ);
	link_dirty(l);
}

static void park_timer_arm(struct bgp_transport *t)
{
	struct mtime at = MTIME_NEVER;
	const struct parked *p;

	list_for_each(p, &t->parked, node)
		if (mtime_before(p->at, at))
			at = p->at;
	loop_timer_at(&t->park_timer, at);
}

static void park(struct bgp_transport *t, const struct ip *peer, int fd, struct mtime at)
{
	struct parked *p;
	uint32_t n = 0;

	list_for_each(p, &t->parked, node)
		n += ip_eq(&p->peer, peer);
	if (n >= PARKED_MAX) {
		close(fd);
		return;
	}
	p = xcalloc(1, sizeof(*p));
	*p = (struct parked){ .fd = fd, .peer = *peer, .at = at };
	list_add_tail(&t->parked, &p->node);
	park_timer_arm(t);
}

static void unpark(struct parked *p, struct bgp_transport *t, struct mtime now)
{
	struct bgp_peer *peer = bgp_peer_find(t->bgp, &p->peer);

	p->at = peer ? bgp_accept_at(peer, now) : now;
	if (mtime_before(now, p->at))
		return;
	list_del(&p->node);
	if (peer)
		accept_take(t, peer, p->fd);
	else
		close(p->fd);
	free(p);
}

static void on_park_timer(struct loop_timer *timer)
{
	struct bgp_transport *t = container_of(timer, struct bgp_transport, park_timer);
	struct mtime now = loop_now(t->loop);
	struct parked *p, *tmp;

	list_for_each_safe(p, tmp, &t->parked, node)
		if (!mtime_before(now, p->at))
			unpark(p, t, now);
	park_timer_arm(t);
}

static void stranger(struct bgp_transport *t, const struct ip *from, int fd)
{
	close(fd);
	t->n_strangers++;
	if (log_allow(t->log, &t->strangers, LOG_BGP, loop_now(t->loop)))
		log_remote(t->log, LOG_BGP, "connection from %s: not a configured neighbor, closed (%llu such so far)",
			   ip_str(from).s, (unsigned long long)t->n_strangers);
}

static void accepted(struct bgp_transport *t, const struct ip *from, int fd)
{
	struct bgp_peer *peer = bgp_peer_find(t->bgp, from);
	const struct bgp_peer_params *p;
	struct mtime now = loop_now(t->loop), at;

	if (!peer) {
		stranger(t, from, fd);
		return;
	}
	p = bgp_peer_params(peer);
	socket_tune(fd, ip_family(from));
	if (p->ttl_security && socket_ttl_security(fd, ip_family(from), p->ttl_security)) {
		close(fd);
		return;
	}
	at = bgp_accept_at(peer, now);
	if (mtime_before(now, at))
		park(t, from, fd, at);
	else
		accept_take(t, peer, fd);
}

static void listeners_set(struct bgp_transport *t, unsigned events)
{
	struct listener *s;

	list_for_each(s, &t->listeners, node)
		loop_io_set(&s->io, events);
}

static void on_accept_timer(struct loop_timer *timer)
{
	listeners_set(container_of(timer, struct bgp_transport, accept_timer), LOOP_READ);
}

/* Without a descriptor left the connection stays in the backlog; asking again at once would spin. */
static void accept_failed(struct bgp_transport *t, int error)
{
	if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
		return;
	log_warn(t->log, LOG_BGP, "accept: %s, next try in %d ms", strerror(error), ACCEPT_PAUSE_MS);
	listeners_set(t, 0);
	loop_timer_at(&t->accept_timer, mtime_add_ms(loop_now(t->loop), ACCEPT_PAUSE_MS));
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
			accept_failed(s->t, errno);
			return;
		}
		from = ip_from_sockaddr((struct sockaddr *)&ss, NULL);
		accepted(s->t, &from, fd);
	}
}

/* An address may come to the host later; then its sessions do. */
static int bind_listener(struct bgp_transport *t, int fd, const struct ip *address, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t n = ip_to_sockaddr(address, port, &ss);

	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (address->len == 16)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (bind(fd, (struct sockaddr *)&ss, n) == 0)
		return 0;
	if (errno != EADDRNOTAVAIL)
		return -errno;
	log_warn(t->log, LOG_BGP, "listen %s port %u: the address is not on this host (yet)", ip_str(address).s, port);
	set_int(fd, address->len == 4 ? IPPROTO_IP : IPPROTO_IPV6, address->len == 4 ? IP_FREEBIND : IPV6_FREEBIND, 1);
	return bind(fd, (struct sockaddr *)&ss, n) ? -errno : 0;
}

static void say_listen_error(struct bgp_transport *t, const struct ip *address, uint16_t port, int error)
{
	const char *hint = error == EACCES && port < 1024 ? " (a port below 1024 needs CAP_NET_BIND_SERVICE)" :
			   error == EADDRINUSE ? " (does another BGP daemon run here?)" : "";

	log_error(t->log, LOG_BGP, "listen %s port %u: %s%s", ip_str(address).s, port, strerror(error), hint);
}

static int listen_one(struct bgp_transport *t, const struct ip *address, uint16_t port)
{
	int fd = socket_new(ip_family(address));
	struct listener *s;
	int rc;

	if (fd < 0)
		return fd;
	rc = bind_listener(t, fd, address, port);
	if (!rc && listen(fd, BACKLOG) < 0)
		rc = -errno;
	if (rc) {
		close(fd);
		return rc;
	}
	s = xcalloc(1, sizeof(*s));
	*s = (struct listener){ .t = t, .fd = fd, .address = *address, .port = port };
	list_add_tail(&t->listeners, &s->node);
	loop_io_init(&s->io, t->loop, fd, on_listener);
	loop_io_set(&s->io, LOOP_READ);
	log_info(t->log, LOG_BGP, "listening on %s port %u", ip_str(address).s, port);
	return 0;
}

int bgp_transport_listen(struct bgp_transport *t, const struct ip *address, uint16_t port)
{
	static const uint8_t zero[16];
	struct ip any[2] = { ip_from_bytes(zero, 4), ip_from_bytes(zero, 16) };
	const struct ip *todo = address->len ? address : any;
	int rc;

	for (size_t i = 0; i < (address->len ? 1u : 2u); i++) {
		rc = listen_one(t, &todo[i], port);
		if (rc == -EAFNOSUPPORT && i) /* a host without IPv6 */
			rc = 0;
		if (rc) {
			say_listen_error(t, &todo[i], port, -rc);
			return rc;
		}
	}
	bgp_transport_peers_changed(t);
	return 0;
}

void bgp_transport_unlisten(struct bgp_transport *t)
{
	struct listener *s, *tmp;

	list_for_each_safe(s, tmp, &t->listeners, node) {
		loop_io_set(&s->io, 0);
		close(s->fd);
		list_del(&s->node);
		free(s);
	}
}

/* ---- what listening sockets know of peers ----------------------------------------------------------------------- */

static struct key *key_find(const struct bgp_transport *t, const struct ip *peer)
{
	struct key *k;

	list_for_each(k, &t->keys, node)
		if (ip_eq(&k->peer, peer))
			return k;
	return NULL;
}

static void key_set(struct bgp_transport *t, const struct ip *peer, const char *key)
{
	struct listener *s;
	int rc;

	list_for_each(s, &t->listeners, node) {
		if (s->address.len != peer->len)
			continue;
		rc = socket_md5(s->fd, peer, key);
		if (rc && key)
			log_error(t->log, LOG_BGP, "peer %s: TCP-MD5 key on the listening socket: %s", ip_str(peer).s,
				  strerror(-rc));
	}
}

static void keys_update(struct bgp_transport *t)
{
	const struct bgp_peer_params *p;
	struct bgp_peer *peer = NULL;
	struct key *k, *tmp;

	list_for_each_safe(k, tmp, &t->keys, node) {
		peer = bgp_peer_find(t->bgp, &k->peer);
		if (peer && bgp_peer_params(peer)->password)
			continue;
		key_set(t, &k->peer, NULL);
		list_del(&k->node);
		free(k);
	}
	for (peer = NULL; (peer = bgp_peer_next(t->bgp, peer));) {
		p = bgp_peer_params(peer);
		if (!p->password)
			continue;
		key_set(t, &p->address, p->password);
		if (key_find(t, &p->address))
			continue;
		k = xcalloc(1, sizeof(*k));
		k->peer = p->address;
		list_add_tail(&t->keys, &k->node);
	}
}

/* The SYN+ACK comes from the listening socket, before the peer is known: 255 does no harm to the others. */
static void ttl_update(struct bgp_transport *t)
{
	struct bgp_peer *peer = NULL;
	struct listener *s;
	bool any = false;

	while ((peer = bgp_peer_next(t->bgp, peer)))
		any |= bgp_peer_params(peer)->ttl_security != 0;
	list_for_each(s, &t->listeners, node) {
		if (s->address.len == 4)
			set_int(s->fd, IPPROTO_IP, IP_TTL, any ? 255 : -1);
		else
			set_int(s->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, any ? 255 : -1);
	}
}

void bgp_transport_peers_changed(struct bgp_transport *t)
{
	if (!t->bgp)
		return;
	keys_update(t);
	ttl_update(t);
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

struct bgp_transport *bgp_transport_new(struct loop *loop, struct log *log, struct bgp_net *net)
{
	struct bgp_transport *t = xcalloc(1, sizeof(*t));

	t->loop = loop;
	t->log = log;
	t->strangers = (struct log_limit){ .burst = 5, .interval_ms = 10000 };
	list_init(&t->listeners);
	list_init(&t->links);
	list_init(&t->readable);
	list_init(&t->dirty);
	list_init(&t->parked);
	list_init(&t->keys);
	loop_timer_init(&t->park_timer, loop, on_park_timer);
	loop_timer_init(&t->accept_timer, loop, on_accept_timer);
	loop_work_init(&t->more, loop, on_more);
	t->in = xcalloc(1, CHUNK);
	t->out = xcalloc(1, CHUNK);
	net->connect = net_connect;
	net->want_write = net_want_write;
	net->close = net_close;
	net->ctx = t;
	return t;
}

int bgp_transport_start(struct bgp_transport *t, struct bgp *b)
{
	t->bgp = b;
	loop_flush_start(&t->flush, t->loop, on_flush);
	return 0;
}

static int64_t left_ms(const struct timespec *end)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (end->tv_sec - ts.tv_sec) * 1000 + (end->tv_nsec - ts.tv_nsec) / 1000000;
}

/* Outside of the loop: lets the lingering links say the rest, for ms in all. */
static void linger_all(struct bgp_transport *t, int ms)
{
	struct timespec end;
	struct link *l, *tmp;
	struct pollfd p;
	bool more;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000L;
	list_for_each_safe(l, tmp, &t->links, node) {
		for (more = true; more && left_ms(&end) > 0;) {
			p = (struct pollfd){ .fd = l->fd, .events = (short)(POLLIN | (l->out_len ? POLLOUT : 0)) };
			more = poll(&p, 1, (int)left_ms(&end)) > 0 && link_linger(l);
		}
	}
}

static void forget_parked_and_keys(struct bgp_transport *t)
{
	struct parked *p, *ptmp;
	struct key *k, *ktmp;

	list_for_each_safe(p, ptmp, &t->parked, node) {
		close(p->fd);
		list_del(&p->node);
		free(p);
	}
	list_for_each_safe(k, ktmp, &t->keys, node) {
		list_del(&k->node);
		free(k);
	}
}

static struct link *link_of_engine(struct bgp_transport *t)
{
	struct link *l;

	list_for_each(l, &t->links, node)
		if (l->c)
			return l;
	return NULL;
}

void bgp_transport_stop(struct bgp_transport *t, int ms)
{
	struct link *l;

	bgp_transport_unlisten(t);
	flush(t, SIZE_MAX);
	loop_work_stop(&t->more);
	while ((l = link_of_engine(t)))
		link_closed(l, "the transport ends");
	linger_all(t, ms);
	while (!list_empty(&t->links))
		link_free(container_of(t->links.next, struct link, node));
	forget_parked_and_keys(t);
	loop_timer_at(&t->park_timer, MTIME_NEVER);
	loop_timer_at(&t->accept_timer, MTIME_NEVER);
	if (t->bgp)
		loop_flush_stop(&t->flush);
	free(t->in);
	free(t->out);
	free(t);
}

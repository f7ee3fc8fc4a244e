/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * TCP under the engine. A struct link is a connection's socket; listen.c brings those that neighbors open.
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
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "bgp/listen.h"
#include "bgp/msg.h"
#include "bgp/sock.h"
#include "include/bgp.h"

#define CHUNK 65536u       /* octets a read or pull */
#define READS_A_TURN 8     /* chunks, of all links: a turn stays short however many have much to say */
#define READ_UNTIL_US 5000       /* no further chunk when a turn has taken so long: an imported route costs more, */
#define OCTETS_A_TURN (1u << 20) /* written to all links: a millisecond or two */
#define WRITE_UNTIL_US 10000     /* and a withdrawn one is settled when it is written */
#define LINGER_MS 2000
#define REFUSED_MAX 16u /* connections at a time that are told that they are not wanted */

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
	bool connecting, closing, fin_sent, refused;
	uint8_t *out; /* pulled and not written yet */
	size_t out_pos, out_len;
};

struct bgp_transport {
	struct loop *loop;
	struct log *log;
	struct bgp *bgp;
	struct listen listen;
	struct list links;
	uint32_t n_links, n_refused; /* refused: of these the ones that are only told so */
	struct list readable, dirty; /* links, in the order in which they are served at the end of a turn */
	struct loop_flush flush;
	struct loop_work more; /* keeps the loop from sleeping while links are dirty */
	uint8_t *in, *out; /* CHUNK octets each, for the link that is served */
};

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
	t->n_links++;
	loop_timer_init(&l->linger, t->loop, on_linger);
	if (fd >= 0)
		loop_io_init(&l->io, t->loop, fd, on_link);
	if (c)
		bgp_conn_set_user(c, l);
	return l;
}

static void link_free(struct link *l)
{
	if (l->fd >= 0) {
		loop_io_set(&l->io, 0);
		close(l->fd);
	}
	listen_watch_drops(&l->t->listen);
	loop_timer_at(&l->linger, MTIME_NEVER);
	list_del(&l->readable);
	list_del(&l->dirty);
	list_del(&l->node);
	l->t->n_links--;
	l->t->n_refused -= l->refused;
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

static void link_last_words(struct link *l)
{
	loop_timer_at(&l->linger, mtime_add_ms(loop_now(l->t->loop), LINGER_MS));
	link_linger(l);
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
	link_last_words(l);
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
	local = sock_local(l->fd);
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

/* A socket on its way to the peer, or -errno. */
static int connect_to(struct bgp_transport *t, const struct bgp_peer_params *p)
{
	const struct ip *source = listen_source(&t->listen, &p->address);
	struct sockaddr_storage ss;
	socklen_t n;
	int fd = sock_new(ip_family(&p->address)), rc = 0;

	if (fd < 0)
		return fd;
	if (p->ttl_security)
		rc = sock_ttl_security(fd, ip_family(&p->address), p->ttl_security);
	if (!rc && p->password)
		rc = sock_md5(fd, &p->address, p->password);
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

/* During bgp_accept() there is no link yet; accepted() looks after what it has to say. */
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

/*
 * RFC 4486 4: whoever connects and may not is told so, Cease/5; unless there are many, then they are closed without a
 * word.
 */
static void refuse(void *ctx, int fd)
{
	struct bgp_transport *t = ctx;
	struct wbuf w = wb_init(t->out, CHUNK);
	struct link *l;

	if (t->n_refused >= REFUSED_MAX) {
		close(fd);
		return;
	}
	msg_notification_write(&w, MSG_ERR_CEASE, BGP_CEASE_REJECTED, NULL, 0);
	l = link_new(t, NULL, fd);
	l->refused = true;
	t->n_refused++;
	link_keep(l, t->out, wb_len(&w));
	link_last_words(l);
}

/* fd is the transport's or closed afterwards. */
static void accepted(void *ctx, struct bgp_peer *peer, int fd)
{
	struct bgp_transport *t = ctx;
	struct bgp_conn *c = bgp_accept(peer, loop_now(t->loop));
	struct ip local = sock_local(fd);
	struct link *l;

	if (!c) {
		refuse(t, fd);
		return;
	}
	bgp_conn_local(c, &local);
	l = link_new(t, c, fd);
	loop_io_set(&l->io, LOOP_READ);
	link_dirty(l);
}

static void serve_readable(struct bgp_transport *t)
{
	struct link *l;

	for (int i = 0; i < READS_A_TURN && !list_empty(&t->readable); i++) {
		l = container_of(t->readable.next, struct link, readable);
		list_del(&l->readable);
		if (l->c && !l->closing && !bgp_conn_waits(l->c))
			link_read(l);
		if (loop_turn_us(t->loop) > READ_UNTIL_US)
			break;
	}
}

/* The end of a turn: what it brought goes out together, as far as so many octets and microseconds of the turn allow. */
static void flush(struct bgp_transport *t, size_t budget, int64_t until_us)
{
	struct link *l;
	size_t n;

	for (bool first = true; !list_empty(&t->dirty) && budget; first = false) {
		if (!first && loop_turn_us(t->loop) > until_us)
			break;
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
	flush(t, OCTETS_A_TURN, WRITE_UNTIL_US);
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

struct bgp_transport *bgp_transport_new(struct loop *loop, struct log *log, struct bgp_net *net)
{
	struct bgp_transport *t = xcalloc(1, sizeof(*t));

	t->loop = loop;
	t->log = log;
	listen_init(&t->listen, loop, log);
	t->listen.take = accepted;
	t->listen.refuse = refuse;
	t->listen.ctx = t;
	list_init(&t->links);
	list_init(&t->readable);
	list_init(&t->dirty);
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
	t->bgp = t->listen.bgp = b;
	loop_flush_start(&t->flush, t->loop, on_flush);
	return 0;
}

int bgp_transport_listen(struct bgp_transport *t, const struct ip *address, uint16_t port)
{
	return listen_open(&t->listen, address, port);
}

void bgp_transport_stats(const struct bgp_transport *t, struct bgp_transport_stats *out)
{
	listen_stats(&t->listen, out);
	out->links = t->n_links + out->parked;
}

void bgp_transport_unlisten(struct bgp_transport *t)
{
	listen_close(&t->listen);
}

void bgp_transport_peers_changed(struct bgp_transport *t)
{
	listen_peers_changed(&t->listen);
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

static struct link *link_of_engine(struct bgp_transport *t)
{
	struct link *l;

	list_for_each(l, &t->links, node)
		if (l->c)
			return l;
	return NULL;
}

size_t bgp_transport_bytes(const struct bgp_transport *t, size_t *unsent)
{
	size_t n = sizeof(*t) + 2 * CHUNK;
	const struct link *l;

	*unsent = 0;
	list_for_each(l, &t->links, node) {
		n += sizeof(*l) + l->out_len;
		*unsent += l->out_len - l->out_pos;
	}
	return n;
}

void bgp_transport_stop(struct bgp_transport *t, int ms)
{
	struct link *l;

	listen_close(&t->listen);
	flush(t, SIZE_MAX, INT64_MAX);
	loop_work_stop(&t->more);
	while ((l = link_of_engine(t)))
		link_closed(l, "the transport ends");
	linger_all(t, ms);
	while (!list_empty(&t->links))
		link_free(container_of(t->links.next, struct link, node));
	listen_fini(&t->listen);
	if (t->bgp)
		loop_flush_stop(&t->flush);
	free(t->in);
	free(t->out);
	free(t);
}

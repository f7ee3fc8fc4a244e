/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Clients of the control socket. A client is either asking (we read, nothing is to be written) or being answered (we
 * write, and do not read until the reply is out), so its buffers are one request and one slice. Slices run as work of
 * the loop: sockets and timers come between them. Who makes no progress for a while is dropped; when all places are
 * taken, the one that has made none for longest goes. An answer that waits for things to happen is neither.
 */
#include "cmd/evpnd/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "cmd/evpnd/ctl_socket.h"
#include "cmd/evpnd/request.h"

#define CLIENTS_MAX 64u
#define ASKING_MS 60000      /* a connection without a request */
#define ANSWERED_MS 900000   /* a reply that is not read: someone looks at a page of it */
#define ACCEPT_PAUSE_MS 1000 /* no descriptors left */

struct ctl {
	struct ctl_params p;
	struct ctl_socket socket;
	struct loop_io io;
	struct loop_timer accept_again;
	struct list clients; /* who made progress last is last */
	size_t n_clients;
	uint64_t requests, dropped;
};

#define CTL_FDS_MAX 2 /* CMSG_SPACE() of them holds no third */

struct ctl_client {
	struct list node;
	struct ctl *ctl;
	int fd;
	struct ctl_rights rights;
	struct loop_io io;
	struct loop_timer idle;
	struct loop_work work;
	int fds[CTL_FDS_MAX]; /* handed over, for the next request */
	size_t n_fds;
	bool deaf; /* it sends nothing any more, but may still listen */
	struct buf in, out;
	struct request request; /* its words live as long as the reply */
	struct reply reply;
};

static void close_fds(struct ctl_client *c)
{
	while (c->n_fds)
		close(c->fds[--c->n_fds]);
}

static void client_free(struct ctl_client *c)
{
	reply_abort(&c->reply);
	loop_work_stop(&c->work);
	loop_timer_at(&c->idle, MTIME_NEVER);
	loop_io_set(&c->io, 0);
	close(c->fd);
	close_fds(c);
	buf_fini(&c->in);
	buf_fini(&c->out);
	list_del(&c->node);
	c->ctl->n_clients--;
	free(c);
}

static void client_progress(struct ctl_client *c)
{
	bool answered = c->reply.ops || c->out.len;

	list_del(&c->node);
	list_add_tail(&c->ctl->clients, &c->node);
	loop_timer_at(&c->idle, mtime_add_ms(loop_now(c->io.loop), answered ? ANSWERED_MS : ASKING_MS));
}

static void client_idle(struct loop_timer *t)
{
	struct ctl_client *c = container_of(t, struct ctl_client, idle);

	c->ctl->dropped++;
	client_free(c);
}

static void client_wake(struct reply *r)
{
	loop_work_start(&container_of(r, struct ctl_client, reply)->work);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static void serve(struct ctl_client *c)
{
	const struct ctl_params *p = &c->ctl->p;
	struct verb_args args;
	char error[VERB_ERROR_MAX];
	int rc = verb_parse(c->request.argv, c->request.argc, &args, error);

	c->deaf = false;
	if (rc)
		reply_error(&c->out, rc, error);
	else if (!c->rights.show)
		reply_error(&c->out, 1,
			    "no permission: the control socket is for root, the daemon's user and control.group");
	else if (verbs[args.id].change && !c->rights.change)
		reply_error(&c->out, 1, "no permission: what changes the daemon needs root or the daemon's own user");
	else
		reply_start(&c->reply, p->verbs[args.id], p->d, &args, c->fds, c->n_fds, &c->out,
			    loop_now(p->loop));
	c->reply.wake = client_wake;
}

/* Serves the next whole line that has come; false when there is none. */
static bool next_request(struct ctl_client *c)
{
	const char *line = buf_data(&c->in);
	const char *end = c->in.len ? memchr(line, '\n', c->in.len) : NULL;
	const char *wrong;

	if (!end)
		return false;
	c->ctl->requests++;
	wrong = request_parse(line, (size_t)(end - line), &c->request);
	buf_consume(&c->in, (size_t)(end - line) + 1);
	if (wrong)
		reply_error(&c->out, 2, wrong);
	else
		serve(c);
	close_fds(c);
	return true;
}

/* ---- input and output -------------------------------------------------------------------------------------------- */

/* Sends what is there; false when the client is gone (and freed). */
static bool client_flush(struct ctl_client *c)
{
	while (c->out.len) {
		ssize_t n = send(c->fd, buf_data(&c->out), c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0) {
			client_free(c);
			return false;
		}
		buf_consume(&c->out, (size_t)n);
		client_progress(c);
	}
	return true;
}

/* What the client waits for follows from its state alone. */
static void client_arm(struct ctl_client *c)
{
	bool waits = c->reply.ops && c->reply.waits && !c->out.len;

	if (c->out.len)
		loop_io_set(&c->io, LOOP_WRITE);
	else if (c->reply.ops && !waits)
		loop_io_set(&c->io, 0);
	else
		loop_io_set(&c->io, waits && c->deaf ? 0 : LOOP_READ);
	if (waits)
		loop_timer_at(&c->idle, MTIME_NEVER);
	else if (c->reply.ops && !c->out.len)
		loop_work_start(&c->work);
	if (!c->reply.ops && !c->out.len)
		client_progress(c);
}

/* Requests that are there already, until one has a reply that takes longer. */
static void client_turn(struct ctl_client *c)
{
	do {
		if (!client_flush(c))
			return;
	} while (!c->out.len && !c->reply.ops && next_request(c));
	client_arm(c);
}

/*
 * One slice of the reply, which is under way and sent as far as it was written (client_arm). The client may be freed on
 * the way: nothing of it is touched after client_turn().
 */
static bool client_work(struct loop_work *w)
{
	struct ctl_client *c = container_of(w, struct ctl_client, work);

	reply_more(&c->reply, loop_now(w->loop));
	client_turn(c);
	return false; /* client_arm() has queued it again when there is more */
}

/* More descriptors than there is room for the kernel closes itself. */
static void take_fds(struct ctl_client *c, struct msghdr *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		close_fds(c);
		c->n_fds = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(c->fds, CMSG_DATA(h), c->n_fds * sizeof(int));
	}
}

/* False when the client is gone (and freed). */
static bool client_read(struct ctl_client *c)
{
	union {
		struct cmsghdr align;
		char b[CMSG_SPACE(CTL_FDS_MAX * sizeof(int))];
	} control;
	struct iovec io = { buf_reserve(&c->in, REQUEST_MAX), REQUEST_MAX };
	struct msghdr m = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = control.b, .msg_controllen = sizeof(control.b)
	};
	ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0) {
		client_free(c);
		return false;
	}
	take_fds(c, &m);
	buf_commit(&c->in, (size_t)n);
	if (c->in.len > REQUEST_MAX && !memchr(buf_data(&c->in), '\n', c->in.len)) {
		reply_error(&c->out, 2, "the request is too long");
		if (client_flush(c))
			client_free(c);
		return false;
	}
	return true;
}

/*
 * A client that waits for more of its answer may have sent more: that is for later. But it may have gone.
 * False: it has, and is freed.
 */
static bool client_listens(struct ctl_client *c)
{
	char one;
	ssize_t n = recv(c->fd, &one, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n >= 0 && send(c->fd, "", 0, MSG_NOSIGNAL | MSG_DONTWAIT) == 0) {
		c->deaf = true;
		return true;
	}
	client_free(c);
	return false;
}

static void client_io(struct loop_io *io, unsigned events)
{
	struct ctl_client *c = container_of(io, struct ctl_client, io);

	if (events & LOOP_READ && c->reply.ops) {
		if (client_listens(c))
			client_arm(c);
		return;
	}
	if (events & LOOP_READ && !client_read(c))
		return;
	client_turn(c);
}

/* ---- clients ----------------------------------------------------------------------------------------------------- */

/* Who looks on and is told all there is does not stand in the way: there are fewer of those than places. */
static void make_room(struct ctl *ctl)
{
	struct ctl_client *c, *oldest = container_of(ctl->clients.next, struct ctl_client, node);

	list_for_each(c, &ctl->clients, node) {
		if (!c->reply.ops || !c->reply.waits) {
			oldest = c;
			break;
		}
	}
	ctl->dropped++;
	client_free(oldest);
}

static void client_new(struct ctl *ctl, int fd)
{
	struct ctl_client *c = xcalloc(1, sizeof(*c));

	if (ctl->n_clients == CLIENTS_MAX)
		make_room(ctl);
	c->ctl = ctl;
	c->fd = fd;
	c->rights = ctl_socket_rights(&ctl->socket, fd);
	buf_init(&c->in);
	buf_init(&c->out);
	list_add_tail(&ctl->clients, &c->node);
	ctl->n_clients++;
	loop_io_init(&c->io, ctl->p.loop, fd, client_io);
	loop_timer_init(&c->idle, ctl->p.loop, client_idle);
	loop_work_init(&c->work, ctl->p.loop, client_work);
	client_arm(c);
}

static void accept_again(struct loop_timer *t)
{
	loop_io_set(&container_of(t, struct ctl, accept_again)->io, LOOP_READ);
}

static void accept_client(struct loop_io *io, unsigned events)
{
	struct ctl *ctl = container_of(io, struct ctl, io);
	int fd = accept4(ctl->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		client_new(ctl, fd);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		log_warn(ctl->p.log, LOG_CTL, "control socket: cannot accept: %s; again in a second", strerror(errno));
		loop_io_set(io, 0);
		loop_timer_at(&ctl->accept_again, mtime_add_ms(loop_now(io->loop), ACCEPT_PAUSE_MS));
	}
}

struct ctl *ctl_new(const struct ctl_params *p)
{
	struct ctl *c = xcalloc(1, sizeof(*c));

	c->p = *p;
	list_init(&c->clients);
	if (ctl_socket_open(&c->socket, p->path, p->group, p->log) < 0) {
		free(c);
		return NULL;
	}
	loop_timer_init(&c->accept_again, p->loop, accept_again);
	loop_io_init(&c->io, p->loop, c->socket.fd, accept_client);
	loop_io_set(&c->io, LOOP_READ);
	return c;
}

void ctl_stop(struct ctl *c)
{
	if (!c)
		return;
	while (!list_empty(&c->clients))
		client_free(container_of(c->clients.next, struct ctl_client, node));
	loop_timer_at(&c->accept_again, MTIME_NEVER);
	loop_io_set(&c->io, 0);
	ctl_socket_shut(&c->socket);
}

void ctl_free(struct ctl *c)
{
	if (!c)
		return;
	ctl_stop(c);
	ctl_socket_close(&c->socket);
	free(c);
}

void ctl_stats(const struct ctl *c, struct ctl_stats *out)
{
	const struct ctl_client *client;

	*out = (struct ctl_stats){ .clients = c->n_clients, .requests = c->requests, .dropped = c->dropped };
	list_for_each(client, &c->clients, node)
		out->octets += sizeof(*client) + client->in.cap + client->out.cap;
}

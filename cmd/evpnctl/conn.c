/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/conn.h"

#include <errno.h>
#include <grp.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_S 30 /* a daemon that says nothing for so long is stuck */

static void say(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct conn *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->error, sizeof(c->error), fmt, ap);
	va_end(ap);
}

static void say_no_permission(struct conn *c)
{
	struct group space, *g = NULL;
	char names[4096];
	struct stat st;

	if (stat(c->path, &st) < 0 || !(st.st_mode & S_IWGRP) || st.st_gid == 0) {
		say(c,
		    "no permission on %s: it is for root and the daemon's own user (control.group in the "
		    "configuration lets a group in)",
		    c->path);
		return;
	}
	getgrgid_r(st.st_gid, &space, names, sizeof(names), &g);
	if (g)
		say(c, "no permission on %s: it is for root and members of the group %s", c->path, g->gr_name);
	else
		say(c, "no permission on %s: it is for root and members of the group %u", c->path, st.st_gid);
}

static void say_connect_error(struct conn *c, int err)
{
	if (err == EACCES || err == EPERM)
		say_no_permission(c);
	else if (err == ENOENT || err == ECONNREFUSED || err == ENOTDIR || err == ENOTSOCK)
		say(c, "no evpnd answers on %s (is it running? -s names another socket)", c->path);
	else
		say(c, "%s: %s", c->path, strerror(err));
}

/* A descriptor, or -1 with a sentence in c->error. */
static int connect_to(struct conn *c)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = ANSWER_S };
	int fd;

	if (strlen(c->path) >= sizeof(sun.sun_path)) {
		say_connect_error(c, ENAMETOOLONG);
		return -1;
	}
	strcpy(sun.sun_path, c->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0) {
		say_connect_error(c, errno);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* {"argv":[...]} and a newline; NULL when a word is not UTF-8. */
static char *request_line(const char *const *argv, size_t argc)
{
	json_t *words = json_array(), *request;
	char *text;

	for (size_t i = 0; i < argc; i++)
		if (json_array_append_new(words, json_string(argv[i])) < 0) {
			json_decref(words);
			return NULL;
		}
	request = json_pack("{s:o}", "argv", words);
	text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	return text;
}

static bool send_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* The first octets of a request take the descriptors along. */
static bool send_first(int fd, const char **p, size_t *len, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char b[CMSG_SPACE(CONN_FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec io = { (void *)(uintptr_t)*p, *len };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
	ssize_t sent;

	if (n) {
		m.msg_control = control.b;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		*CMSG_FIRSTHDR(&m) = (struct cmsghdr){ CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), fds, n * sizeof(int));
	}
	do {
		sent = sendmsg(fd, &m, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return false;
	*p += sent;
	*len -= (size_t)sent;
	return true;
}

static enum conn_body body_of(const char *name)
{
	static const char *const names[] = {
		[CONN_ROWS] = "rows", [CONN_OBJECT] = "object", [CONN_NONE] = "none", [CONN_LINES] = "lines"
	};

	for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum conn_body)i;
	return CONN_NONE;
}

/* Lines come when there are some, for as long as both ends stay. */
static void wait_for_ever(int fd)
{
	struct timeval never = { 0 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof(never));
}

/* The status line to the kind of body, or to the exit code with the daemon's sentence. */
static int read_status(struct conn *c)
{
	ssize_t n = getline(&c->line, &c->cap, c->in);
	json_t *status = n > 0 ? json_loadb(c->line, (size_t)n, 0, NULL) : NULL;
	const char *error = json_string_value(json_object_get(status, "error"));
	const char *body = json_string_value(json_object_get(status, "body"));
	int code = 0;

	if (!status) {
		say(c, "%s: %s", c->path,
		    n > 0 || errno != EAGAIN ? "this is not evpnd's answer" : "evpnd does not answer");
		return 1;
	}
	c->answered = true;
	c->body = body_of(body);
	if (!json_is_true(json_object_get(status, "ok"))) {
		code = json_integer_value(json_object_get(status, "code")) == 2 ? 2 : 1;
		say(c, "%s", error ? error : "evpnd says no");
	}
	json_decref(status);
	return code;
}

int conn_ask(struct conn *c, const char *path, const char *const *argv, size_t argc, const int *fds, size_t n)
{
	char *request = request_line(argv, argc);
	const char *left = request;
	size_t len;
	int fd, rc;

	*c = (struct conn){ .path = path };
	if (!request) {
		say(c, "the arguments are not UTF-8 text");
		return 2;
	}
	fd = connect_to(c);
	if (fd < 0) {
		free(request);
		return 1;
	}
	c->in = fdopen(fd, "r");
	if (!c->in)
		abort(); /* no memory for a FILE */
	/* The status is read even when sending failed: the daemon may have said why before it hung up. */
	len = strlen(request);
	if (send_first(fd, &left, &len, fds, n) && send_all(fd, left, len))
		send_all(fd, "\n", 1);
	free(request);
	rc = read_status(c);
	if (c->body == CONN_LINES)
		wait_for_ever(fd);
	else
		shutdown(fd, SHUT_WR);
	if (rc)
		conn_close(c);
	c->complete = c->body == CONN_NONE;
	return rc;
}

void conn_local(struct conn *c, const char *text, size_t len)
{
	*c = (struct conn){ .body = CONN_ROWS, .in = fmemopen((void *)(uintptr_t)text, len, "r") };
	if (!c->in)
		abort(); /* no memory for a FILE */
}

int conn_open(struct conn *c, const char *path, const char *const *argv, size_t argc, const int *fds, size_t n)
{
	int rc = conn_ask(c, path, argv, argc, fds, n);

	if (rc)
		fprintf(stderr, "evpnctl: %s\n", c->error);
	return rc;
}

const char *conn_line(struct conn *c, size_t *len)
{
	ssize_t n;

	if (c->complete)
		return NULL;
	n = getline(&c->line, &c->cap, c->in);
	if (n <= 0)
		return NULL;
	c->complete = c->line[n - 1] == '\n' &&
		      (c->body == CONN_OBJECT || c->line[0] == (c->body == CONN_LINES ? '\n' : ']'));
	c->signs = c->signs || (c->sign && strstr(c->line, c->sign));
	*len = (size_t)n;
	return c->line;
}

void conn_close(struct conn *c)
{
	free(c->line);
	fclose(c->in);
	c->line = NULL;
	c->in = NULL;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Two daemons may be started for one path at the same time, and one may have been killed. A lock on PATH.lock (kept as
 * long as the daemon lives, gone with its process) says whether the path is in use; only who holds it touches the
 * socket. The lock file is checked to be the one at its path still, as the last owner removes it.
 */
#include "cmd/evpnd/ctl_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOCK_SUFFIX ".lock"
#define BACKLOG 32
#define GROUPS_MAX 1024u /* supplementary groups of a client that are looked at */

struct lock_path {
	char s[sizeof(((struct sockaddr_un *)0)->sun_path) + sizeof(LOCK_SUFFIX)];
};

static struct lock_path lock_path(const char *path)
{
	struct lock_path p;

	snprintf(p.s, sizeof(p.s), "%s" LOCK_SUFFIX, path);
	return p;
}

static int fail(struct log *log, const char *path, const char *what)
{
	int err = errno;

	log_error(log, LOG_CTL, "control socket %s: %s: %s%s", path, what, strerror(err),
		  err == EACCES && geteuid() != 0 ? " (-s names another place; without it a user's is XDG_RUNTIME_DIR)"
						  : "");
	return -err;
}

static int make_directory(const char *path, struct log *log)
{
	const char *slash = strrchr(path, '/');
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];

	if (!slash || slash == path)
		return 0;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	if (mkdir(dir, 0755) < 0)
		return errno == EEXIST ? 0 : fail(log, path, "the directory cannot be made");
	if (chmod(dir, 0755) < 0) /* whatever the umask is */
		return fail(log, path, "its directory cannot be opened to others");
	return 0;
}

/* Is the file behind fd the one that path names? */
static bool still_there(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int take_lock(struct ctl_socket *s, struct log *log)
{
	struct lock_path lock = lock_path(s->path);

	for (;;) {
		s->lock_fd = open(lock.s, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (s->lock_fd < 0)
			return fail(log, s->path, "the lock file beside it cannot be opened");
		if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno != EWOULDBLOCK)
				return fail(log, s->path, "the lock file beside it cannot be locked");
			log_error(log, LOG_CTL,
				  "control socket %s: another evpnd is running on it (-s names another socket)",
				  s->path);
			return -EADDRINUSE;
		}
		if (still_there(s->lock_fd, lock.s))
			return 0;
		close(s->lock_fd);
	}
}

static int address_of(const char *path, struct sockaddr_un *sun, struct log *log)
{
	size_t len = strlen(path);

	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!len || len >= sizeof(sun->sun_path)) {
		errno = ENAMETOOLONG;
		return fail(log, path, "not a path for a socket");
	}
	memcpy(sun->sun_path, path, len + 1);
	return 0;
}

/* We hold the lock, so a socket at the path is left over, unless some other program serves it. */
static int remove_stale(const struct ctl_socket *s, const struct sockaddr_un *sun, struct log *log)
{
	struct stat st;
	int fd, rc;

	if (lstat(s->path, &st) < 0)
		return errno == ENOENT ? 0 : fail(log, s->path, "cannot be looked at");
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return fail(log, s->path, "something else than a socket is there, not touched");
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(log, s->path, "no socket");
	rc = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	if (rc < 0)
		rc = -errno;
	close(fd);
	if (rc == 0 || rc == -EAGAIN) {
		log_error(log, LOG_CTL, "control socket %s: another program serves it", s->path);
		return -EADDRINUSE;
	}
	if (unlink(s->path) < 0)
		return fail(log, s->path, "the socket left over there cannot be removed");
	return 0;
}

static int listen_on(struct ctl_socket *s, const struct sockaddr_un *sun, struct log *log)
{
	mode_t old;
	int rc;

	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return fail(log, s->path, "no socket");
	old = umask(0177); /* nobody gets in before the group is set */
	rc = bind(s->fd, (const struct sockaddr *)sun, sizeof(*sun));
	umask(old);
	if (rc < 0)
		return fail(log, s->path, "cannot be made");
	if (s->has_group && (chown(s->path, (uid_t)-1, s->group) < 0 || chmod(s->path, 0660) < 0))
		log_warn(log, LOG_CTL,
			 "control socket %s: cannot be given to group %u (%s): only root and our own user may use it",
			 s->path, s->group, strerror(errno));
	if (listen(s->fd, BACKLOG) < 0)
		return fail(log, s->path, "cannot be listened on");
	return 0;
}

static void find_group(struct ctl_socket *s, const char *name, struct log *log)
{
	const struct group *g;

	if (!name)
		return;
	g = getgrnam(name);
	if (!g) {
		log_warn(log, LOG_CTL,
			 "control.group: no group '%s' on this host: only root and our own user may use %s", name,
			 s->path);
		return;
	}
	s->has_group = true;
	s->group = g->gr_gid;
}

int ctl_socket_open(struct ctl_socket *s, const char *path, const char *group, struct log *log)
{
	struct sockaddr_un sun;
	int rc;

	*s = (struct ctl_socket){ .path = path, .fd = -1, .lock_fd = -1 };
	rc = address_of(path, &sun, log);
	if (!rc)
		rc = make_directory(path, log);
	if (!rc)
		rc = take_lock(s, log);
	if (rc) {
		if (s->lock_fd >= 0)
			close(s->lock_fd);
		return rc;
	}
	find_group(s, group, log);
	rc = remove_stale(s, &sun, log);
	if (!rc)
		rc = listen_on(s, &sun, log);
	if (rc)
		ctl_socket_close(s);
	return rc;
}

void ctl_socket_shut(struct ctl_socket *s)
{
	if (s->fd < 0)
		return;
	unlink(s->path);
	close(s->fd);
	s->fd = -1;
}

void ctl_socket_close(struct ctl_socket *s)
{
	struct lock_path lock = lock_path(s->path);

	ctl_socket_shut(s);
	unlink(lock.s);
	close(s->lock_fd);
	s->lock_fd = -1;
}

static bool in_group(int fd, gid_t primary, gid_t group)
{
	socklen_t len = GROUPS_MAX * sizeof(gid_t);
	gid_t *groups;
	bool found = primary == group;

	if (found)
		return true;
	groups = xcalloc(GROUPS_MAX, sizeof(gid_t));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0)
		for (size_t i = 0; !found && i < len / sizeof(gid_t); i++)
			found = groups[i] == group;
	free(groups);
	return found;
}

struct ctl_rights ctl_socket_rights(const struct ctl_socket *s, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return (struct ctl_rights){ false, false };
	if (cred.uid == 0 || cred.uid == geteuid())
		return (struct ctl_rights){ true, true };
	return (struct ctl_rights){ .show = s->has_group && in_group(fd, cred.gid, s->group) };
}

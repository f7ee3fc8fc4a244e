/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnd/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/evpnd/daemon.h"

#define GROUPS_MAX 256

static bool fail(const struct privilege_params *p, const char *what, int err)
{
	log_error(p->log, LOG_MAIN, "privileges: %s: %s", what, strerror(err));
	return false;
}

/* ---- capabilities ------------------------------------------------------------------------------------------------ */

static const struct {
	unsigned cap;
	bool to_forward;
	const char *name;
} kept[] = {
	{ CAP_NET_BIND_SERVICE, false, "CAP_NET_BIND_SERVICE" }, /* port 179 */
	{ CAP_NET_ADMIN, true, "CAP_NET_ADMIN" },		 /* devices, rows, neighbours, queues of sockets */
	{ CAP_NET_RAW, true, "CAP_NET_RAW" },			 /* packet sockets */
};

/* What is kept, of what is there; the words for it. */
static void choose(const struct privilege_params *p, capng_type_t sets, char *words, size_t cap)
{
	bool has[sizeof(kept) / sizeof(*kept)];
	size_t at = 0;

	capng_get_caps_process();
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		has[i] = (p->forwards || !kept[i].to_forward) && capng_have_capability(CAPNG_PERMITTED, kept[i].cap);
	capng_clear(CAPNG_SELECT_ALL);
	words[0] = '\0';
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		if (!has[i])
			continue;
		capng_update(CAPNG_ADD, sets, kept[i].cap);
		at += (size_t)snprintf(words + at, cap - at, "%s%s", at ? ", " : "", kept[i].name);
	}
}

/* ---- the user ---------------------------------------------------------------------------------------------------- */

/* The groups of the user, NULL: those that we are in, and the one that the control socket is given to. */
static bool set_groups(const struct privilege_params *p, const struct passwd *u)
{
	const struct group *g = p->group ? getgrnam(p->group) : NULL;
	gid_t groups[GROUPS_MAX + 1];
	int n = GROUPS_MAX;

	if (!u)
		n = getgroups(GROUPS_MAX, groups);
	else if (getgrouplist(u->pw_name, u->pw_gid, groups, &n) < 0)
		n = 0;
	if (n < 0)
		n = 0;
	if (g)
		groups[n++] = g->gr_gid;
	return setgroups((size_t)n, groups) == 0;
}

/*
 * The folder of the control socket is the user's, who will make the socket and remove it. One that was there and is
 * not the usual one is left as it is.
 */
static bool give_folder(const struct privilege_params *p, const struct passwd *u)
{
	const char *slash = strrchr(p->socket, '/');
	char dir[256];
	bool made;

	if (!slash || slash == p->socket || (size_t)(slash - p->socket) >= sizeof(dir))
		return true;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - p->socket), p->socket);
	made = mkdir(dir, 0755) == 0;
	if (!made && errno != EEXIST)
		return true; /* whoever makes the socket says so */
	if (made && chmod(dir, 0755) < 0) /* whatever the umask is */
		return false;
	return (!made && strcmp(p->socket, EVPND_SOCKET) != 0) || chown(dir, u->pw_uid, u->pw_gid) == 0;
}

/* NULL: stay who we are. False with a line in the log. */
static bool find_user(const struct privilege_params *p, const struct passwd **u)
{
	*u = NULL;
	if (geteuid() != 0) {
		if (p->user)
			log_warn(p->log, LOG_MAIN, "privileges: only root can become user %s; it stays user %u",
				 p->user, (unsigned)geteuid());
		return true;
	}
	errno = 0;
	*u = getpwnam(p->user ? p->user : PRIVILEGE_USER);
	if (!*u && p->user && !errno) {
		log_error(p->log, LOG_MAIN, "privileges: there is no user %s on this host", p->user);
		return false;
	}
	if (!*u && p->user)
		return fail(p, p->user, errno);
	if (*u && (*u)->pw_uid == 0)
		*u = NULL;
	return true;
}

static bool become(const struct privilege_params *p, const struct passwd *u, char *words, size_t cap)
{
	int rc;

	if (!give_folder(p, u))
		return fail(p, "the folder of the control socket cannot be given to the user", errno);
	if (!set_groups(p, u))
		return fail(p, "groups", errno);
	choose(p, CAPNG_EFFECTIVE | CAPNG_PERMITTED, words, cap);
	rc = capng_change_id((int)u->pw_uid, (int)u->pw_gid, CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT);
	if (rc)
		return fail(p, "the user cannot be changed", rc == -2 || rc == -3 ? EPERM : errno);
	return true;
}

/* As who we are; what can be executed gains nothing only when we may say so (CAP_SETPCAP), or by no_new_privs. */
static bool stay(const struct privilege_params *p, char *words, size_t cap)
{
	bool bound;

	capng_get_caps_process();
	bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID) && !set_groups(p, NULL))
		return fail(p, "groups", errno);
	choose(p, CAPNG_EFFECTIVE | CAPNG_PERMITTED, words, cap);
	if (bound && capng_apply(CAPNG_SELECT_BOUNDS))
		return fail(p, "capabilities cannot be bounded", errno);
	if (capng_apply(CAPNG_SELECT_CAPS))
		return fail(p, "capabilities cannot be given up", errno);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L);
	return true;
}

bool privilege_drop(const struct privilege_params *p)
{
	const struct passwd *u;
	char words[96];

	if (!find_user(p, &u))
		return false;
	if (!(u ? become(p, u, words, sizeof(words)) : stay(p, words, sizeof(words))))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		return fail(p, "no_new_privs", errno);
	/* As if started by this user: its /proc/self is its own, and a crash leaves a core. */
	prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L);
	log_info(p->log, LOG_MAIN, "privileges: user %s (%u), %s", u ? u->pw_name : geteuid() ? "as started" : "root",
		 (unsigned)geteuid(), words[0] ? words : "no capabilities");
	return true;
}

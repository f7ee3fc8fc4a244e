/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The doors of this folder: load a file or a text, free, and the files that a configuration is made of. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/load.h"

static void one_error(struct config_errors *err, const char *file, const char *what, const char *why)
{
	struct buf b;

	buf_init(&b);
	buf_printf(&b, "%s: expected %s, found: %s", file, what, why);
	buf_add(&b, "", 1);
	err->lines = xcalloc(1, sizeof(*err->lines));
	err->lines[0] = xstrdup(buf_data(&b));
	err->n = 1;
	buf_fini(&b);
}

/* Up to max octets, and one more that tells of too many; -errno. */
static int read_file(const char *file, size_t max, struct buf *out)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (n > 0 && out->len <= max) {
		size_t room = max + 1 - out->len < 65536 ? max + 1 - out->len : 65536;

		n = read(fd, buf_reserve(out, room), room);
		if (n > 0)
			buf_commit(out, (size_t)n);
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	n = n < 0 ? -errno : 0;
	close(fd);
	return (int)n;
}

/* What was read may hold passwords. */
static void forget(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_fini(b);
}

/* ---- password-file ----------------------------------------------------------------------------------------------- */

#define PASSWORD_MAX 80u /* octets, TCP_MD5SIG_MAXKEYLEN */

static char *beside(const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');
	struct buf b;
	char *path;

	if (name[0] == '/' || !slash)
		return xstrdup(name);
	buf_init(&b);
	buf_printf(&b, "%.*s%s", (int)(slash + 1 - file), file, name);
	buf_add(&b, "", 1);
	path = xstrdup(buf_data(&b));
	buf_fini(&b);
	return path;
}

/* The first line of the file, which must be the only one. NULL when it is one, else what is wrong. */
static const char *password_in(struct buf *b)
{
	char *s = buf_reserve(b, 1) - b->len;

	s[b->len] = 0;
	if (b->len && s[b->len - 1] == '\n')
		s[--b->len] = 0;
	if (!b->len)
		return "an empty file";
	if (b->len > PASSWORD_MAX)
		return "more";
	return strlen(s) < b->len || strchr(s, '\n') ? "several lines" : NULL;
}

static void read_password(struct load *ld, struct config_neighbor *n, uint32_t m)
{
	char *path = beside(ld->file, n->password_file);
	struct buf b;
	const char *wrong;
	int err;

	buf_init(&b);
	err = read_file(path, PASSWORD_MAX + 2, &b);
	wrong = err ? strerror(-err) : password_in(&b);
	if (wrong)
		load_error_key(ld, m, "password-file", m,
			       "expected a file with one line of 1 to %u octets, found %s: %s", PASSWORD_MAX,
			       path, wrong);
	else
		n->password = xstrdup(buf_data(&b));
	forget(&b);
	free(path);
}

void read_passwords(struct load *ld)
{
	struct config *c = ld->config;
	uint32_t m = mark_items(ld, MARK_ROOT, "neighbors");

	for (size_t i = 0; i < c->n_neighbors; i++, m = mark_at(ld, m)->next)
		if (c->neighbors[i].password_file && !c->neighbors[i].password)
			read_password(ld, &c->neighbors[i], m);
}

/* ---- doors ------------------------------------------------------------------------------------------------------- */

struct config *config_parse(const char *name, const char *text, size_t len, struct config_errors *err)
{
	struct config *c = xcalloc(1, sizeof(*c));
	struct load ld;

	*err = (struct config_errors){ 0 };
	load_init(&ld, name, c);
	if (len > LOAD_TEXT_MAX) {
		load_error_at(&ld, 1, 1, 0, NULL, "expected at most %u MiB, found more", LOAD_TEXT_MAX >> 20);
	} else if (parse_text(&ld, text, len)) {
		check_config(&ld);
		read_passwords(&ld);
	}
	if (ld.n_errors) {
		load_take_errors(&ld, err);
		config_free(c);
		c = NULL;
	}
	load_fini(&ld);
	return c;
}

struct config *config_load(const char *file, struct config_errors *err)
{
	struct config *c = NULL;
	struct buf b;
	int rc;

	*err = (struct config_errors){ 0 };
	buf_init(&b);
	rc = read_file(file, LOAD_TEXT_MAX, &b);
	if (rc)
		one_error(err, file, "a file that can be read", strerror(-rc));
	else
		c = config_parse(file, b.len ? buf_data(&b) : "", b.len, err);
	forget(&b);
	return c;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	schema_fini(schema_root.map, c);
	free(c);
}

void config_errors_free(struct config_errors *err)
{
	for (size_t i = 0; i < err->n; i++)
		free(err->lines[i]);
	free(err->lines);
	*err = (struct config_errors){ 0 };
}

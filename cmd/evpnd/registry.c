/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnd/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buf.h"
#include "cmd/evpnd/host_line.h"

static int cmp_number(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static int cmp_mac(const struct registry_host *a, const struct registry_host *b)
{
	int d = cmp_number(a->vni, b->vni);

	return d ? d : memcmp(&a->host.mac, &b->host.mac, sizeof(a->host.mac));
}

static int by_mac(const void *va, const void *vb)
{
	const struct registry_host *a = va, *b = vb;
	int d = cmp_mac(a, b);

	return d ? d : ip_cmp(&a->host.ip, &b->host.ip);
}

static int by_ip(const void *va, const void *vb)
{
	const struct registry_host *a = *(const struct registry_host *const *)va;
	const struct registry_host *b = *(const struct registry_host *const *)vb;
	int d = cmp_number(a->vni, b->vni);

	return d ? d : ip_cmp(&a->host.ip, &b->host.ip);
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	free(r->by_mac);
	free(r->by_ip);
	free(r);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool add(struct registry *r, size_t *cap, const struct host_line *l, unsigned line)
{
	if (r->n == REGISTRY_HOSTS_MAX)
		return false;
	array_room(r->by_mac, r->n, *cap, 256);
	r->by_mac[r->n++] = (struct registry_host){ l->vni, line, l->host };
	return true;
}

/* A MAC is at one place, an address at one MAC. */
static bool sort(struct registry *r, const char *name, char *why, size_t cap)
{
	if (r->n)
		qsort(r->by_mac, r->n, sizeof(*r->by_mac), by_mac);
	for (size_t i = 1; i < r->n; i++) {
		const struct registry_host *a = &r->by_mac[i - 1], *b = &r->by_mac[i];

		if (cmp_mac(a, b) || ip_eq(&a->host.vtep, &b->host.vtep))
			continue;
		snprintf(why, cap, "%s:%u: vtep: expected %s as for the same MAC on line %u", name, b->line,
			 ip_str(&a->host.vtep).s, a->line);
		return false;
	}
	r->by_ip = xcalloc(r->n + 1, sizeof(*r->by_ip));
	for (size_t i = 0; i < r->n; i++)
		if (r->by_mac[i].host.ip.len)
			r->by_ip[r->n_ip++] = &r->by_mac[i];
	if (r->n_ip)
		qsort(r->by_ip, r->n_ip, sizeof(*r->by_ip), by_ip);
	for (size_t i = 1; i < r->n_ip; i++) {
		if (by_ip(&r->by_ip[i - 1], &r->by_ip[i]))
			continue;
		snprintf(why, cap, "%s:%u: ip: expected an address of its own, found that of line %u", name,
			 r->by_ip[i]->line, r->by_ip[i - 1]->line);
		return false;
	}
	return true;
}

static bool read_line(struct registry *r, size_t *room, const char *s, size_t len, unsigned line, char *why, size_t cap)
{
	static const struct {
		unsigned bit;
		const char *key;
	} needed[] = { { HOST_LINE_VNI, "vni" }, { HOST_LINE_MAC, "mac" }, { HOST_LINE_VTEP, "vtep" } };
	struct host_line l;

	if (host_line_is_empty(s, len))
		return true;
	if (!host_line_read(s, len, &l, why, cap))
		return false;
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (l.says & needed[i].bit)
			continue;
		snprintf(why, cap, "%s: needed", needed[i].key);
		return false;
	}
	if (add(r, room, &l, line))
		return true;
	snprintf(why, cap, "more than %u hosts", REGISTRY_HOSTS_MAX);
	return false;
}

struct registry *registry_parse(const char *name, const char *text, size_t len, char *why, size_t cap)
{
	struct registry *r = xcalloc(1, sizeof(*r));
	const char *end = text + len, *next;
	unsigned line = 1;
	char words[256];
	size_t room = 0;

	for (; text < end; text = next + 1, line++) {
		next = memchr(text, '\n', (size_t)(end - text));
		next = next ? next : end;
		if (!read_line(r, &room, text, (size_t)(next - text), line, words, sizeof(words))) {
			snprintf(why, cap, "%s:%u: %s", name, line, words);
			goto fail;
		}
	}
	if (sort(r, name, why, cap))
		return r;
fail:
	registry_free(r);
	return NULL;
}

static int read_all(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	while (b->len <= REGISTRY_OCTETS_MAX && (n = read(fd, buf_reserve(b, 65536), 65536)) > 0)
		buf_commit(b, (size_t)n);
	n = n < 0 ? -errno : b->len > REGISTRY_OCTETS_MAX ? -EFBIG : 0;
	close(fd);
	return (int)n;
}

struct registry *registry_load(const char *path, char *why, size_t cap)
{
	struct registry *r = NULL;
	struct buf b;
	int err;

	buf_init(&b);
	err = read_all(path, &b);
	if (err)
		snprintf(why, cap, "%s: %s", path, strerror(-err));
	else
		r = registry_parse(path, buf_data(&b), b.len, why, cap);
	buf_fini(&b);
	return r;
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

static const struct registry_host *find_mac(const struct registry *r, const struct registry_host *key)
{
	size_t at = array_first(i, r->n, cmp_mac(&r->by_mac[i], key) >= 0);

	return at < r->n && !cmp_mac(&r->by_mac[at], key) ? &r->by_mac[at] : NULL;
}

const struct config_host *registry_find(const struct registry *r, uint32_t vni, const struct mac *mac,
					const struct ip *ip)
{
	struct registry_host key = { .vni = vni }, *k = &key;
	const struct registry_host *const *found, *h;

	if (mac) {
		key.host.mac = *mac;
		h = find_mac(r, k);
		return h ? &h->host : NULL;
	}
	key.host.ip = *ip;
	found = r->n_ip ? bsearch(&k, r->by_ip, r->n_ip, sizeof(*r->by_ip), by_ip) : NULL;
	return found ? &(*found)->host : NULL;
}

static bool same(const struct registry_host *a, const struct registry_host *b)
{
	return ip_eq(&a->host.vtep, &b->host.vtep) && a->host.router == b->host.router;
}

/* Those of a that b has not or, changed too, has otherwise. */
static void only_in(const struct registry *a, const struct registry *b, bool changed, bool there,
		    void (*fn)(void *ctx, uint32_t vni, const struct config_host *h, bool there), void *ctx)
{
	size_t k = 0;

	for (size_t i = 0; a && i < a->n; i++) {
		while (b && k < b->n && by_mac(&b->by_mac[k], &a->by_mac[i]) < 0)
			k++;
		if (b && k < b->n && !by_mac(&b->by_mac[k], &a->by_mac[i]) &&
		    (!changed || same(&a->by_mac[i], &b->by_mac[k])))
			continue;
		fn(ctx, a->by_mac[i].vni, &a->by_mac[i].host, there);
	}
}

void registry_compare(const struct registry *was, const struct registry *is_,
		      void (*fn)(void *ctx, uint32_t vni, const struct config_host *h, bool there), void *ctx)
{
	only_in(is_, was, true, true, fn, ctx);
	only_in(was, is_, false, false, fn, ctx);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Two items are the same when they print the same: config_print() writes every key that matters, so what it
 * knows of a neighbor or a VNI needs no second list here, but for hosts, of which there are too many to print.
 * The other list there is names the keys that a session survives; a new key resets it until it is known better.
 */
#include "cmd/evpnd/difference.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static struct buf printed(const struct config *c, bool secrets, bool defaults)
{
	struct buf text;

	buf_init(&text);
	config_print(c, &text, secrets, defaults);
	return text;
}

static bool same_print(const struct config *a, const struct config *b)
{
	struct buf ta = printed(a, true, true), tb = printed(b, true, true);
	bool same = ta.len == tb.len && memcmp(buf_data(&ta), buf_data(&tb), ta.len) == 0;

	buf_fini(&ta);
	buf_fini(&tb);
	return same;
}

static bool same_neighbor(const struct config_neighbor *a, const struct config_neighbor *b)
{
	struct config_neighbor na = *a, nb = *b;
	struct config ca = { .neighbors = &na, .n_neighbors = 1 }, cb = { .neighbors = &nb, .n_neighbors = 1 };
	/* password-file prints its name, its content may be new. */
	bool same_password = strcmp(a->password ? a->password : "", b->password ? b->password : "") == 0;

	return same_password && same_print(&ca, &cb);
}

/* What was before, but for the keys that a session survives. */
static struct config_neighbor with_live_keys(const struct config_neighbor *was, const struct config_neighbor *is)
{
	struct config_neighbor rest = *was;

	rest.description = is->description;
	rest.passive = is->passive;
	rest.port = is->port;
	rest.max_prefixes = is->max_prefixes;
	rest.max_prefixes_warning = is->max_prefixes_warning;
	rest.max_prefixes_restart = is->max_prefixes_restart;
	return rest;
}

enum difference difference_of_neighbors(const struct config_neighbor *was, const struct config_neighbor *is)
{
	struct config_neighbor rest = with_live_keys(was, is);

	if (same_neighbor(was, is))
		return DIFFERENCE_NONE;
	return same_neighbor(&rest, is) ? DIFFERENCE_LIVE : DIFFERENCE_RESET;
}

/* There may be hundreds of thousands, so these are looked at one by one. */
static bool same_hosts(const struct config_vni *a, const struct config_vni *b)
{
	if (a->n_hosts != b->n_hosts)
		return false;
	for (size_t i = 0; i < a->n_hosts; i++) {
		const struct config_host *x = &a->hosts[i], *y = &b->hosts[i];

		if (!mac_eq(&x->mac, &y->mac) || !ip_eq(&x->ip, &y->ip) || !ip_eq(&x->vtep, &y->vtep) ||
		    x->router != y->router)
			return false;
	}
	return true;
}

static struct config_vni without_hosts(const struct config_vni *v)
{
	struct config_vni w = *v;

	w.hosts = NULL;
	w.n_hosts = 0;
	return w;
}

enum difference difference_of_vnis(const struct config_vni *was, const struct config_vni *is)
{
	struct config_vni va = without_hosts(was), vb = without_hosts(is);
	struct config ca = { .vnis = &va, .n_vnis = 1 }, cb = { .vnis = &vb, .n_vnis = 1 };

	if (!same_print(&ca, &cb))
		return DIFFERENCE_RESET;
	return same_hosts(was, is) ? DIFFERENCE_NONE : DIFFERENCE_LIVE;
}

const struct config_neighbor *difference_find_neighbor(const struct config *c, const struct ip *address)
{
	for (size_t i = 0; i < c->n_neighbors; i++)
		if (ip_eq(&c->neighbors[i].address, address))
			return &c->neighbors[i];
	return NULL;
}

const struct config_vni *difference_find_vni(const struct config *c, uint32_t vni)
{
	for (size_t i = 0; i < c->n_vnis; i++)
		if (c->vnis[i].vni == vni)
			return &c->vnis[i];
	return NULL;
}

static bool has_line(const struct buf *text, const char *line, size_t len)
{
	const char *at = buf_data(text), *end = at + text->len, *next;

	for (; at < end; at = next + 1) {
		next = memchr(at, '\n', (size_t)(end - at));
		next = next ? next : end;
		if ((size_t)(next - at) == len && memcmp(at, line, len) == 0)
			return true;
	}
	return false;
}

/* The first line of a that b has not, without what it is indented by. */
static bool line_of_one_only(const struct buf *a, const struct buf *b, char *line, size_t cap)
{
	const char *at = buf_data(a), *end = at + a->len, *next;
	int indent;

	for (; at < end; at = next + 1) {
		next = memchr(at, '\n', (size_t)(end - at));
		next = next ? next : end;
		if (has_line(b, at, (size_t)(next - at)))
			continue;
		indent = (int)strspn(at, " -");
		snprintf(line, cap, "%.*s", (int)(next - at) - indent, at + indent);
		return true;
	}
	return false;
}

/* What is left when all that can change is made equal. */
static struct config fixed_part(const struct config *c)
{
	struct config f = *c;

	f.neighbors = NULL;
	f.vnis = NULL;
	f.n_neighbors = f.n_vnis = 0;
	f.log_level = LOG_INFO;
	f.restart_rows = CONFIG_ROWS_KEEP;
	f.memory_limit = 0;
	f.mobility = (struct config_mobility){ 0 }; /* it is in the VNIs */
	return f;
}

/* The first line that is has and was has not, in the words of the file or with what is left out there. */
static bool new_line(const struct config *was, const struct config *is, bool defaults, char *line, size_t cap)
{
	struct buf ta = printed(was, false, defaults), tb = printed(is, false, defaults);
	bool found = line_of_one_only(&tb, &ta, line, cap);

	buf_fini(&ta);
	buf_fini(&tb);
	return found;
}

/* The key that a list of differences begins with; a password shows in none. */
static void name_change(const struct config *was, const struct config *is, char *line, size_t cap)
{
	char gone[72];

	if (new_line(was, is, false, line, cap) || new_line(was, is, true, line, cap))
		return;
	if (new_line(is, was, true, gone, sizeof(gone)))
		snprintf(line, cap, "%s goes", gone);
	else
		snprintf(line, cap, "password");
}

bool difference_is_applicable(const struct config *old, const struct config *new_, char *why, size_t cap)
{
	struct config fa = fixed_part(old), fb = fixed_part(new_);
	char line[80];

	if (same_print(&fa, &fb))
		return true;
	name_change(&fa, &fb, line, sizeof(line));
	snprintf(why, cap,
		 "nothing changed: '%s' needs a restart (neighbors, vnis, log, memory-limit and restart.rows do not)",
		 line);
	return false;
}

/* ---- in words ---------------------------------------------------------------------------------------------------- */

static void say_key(const struct config *was, const struct config *is, struct buf *out)
{
	char what[80];

	if (same_print(was, is))
		return;
	name_change(was, is, what, sizeof(what));
	buf_printf(out, "evpnd changes (%s)\n", what);
}

/* What fixed_part() leaves out of the daemon's own keys, one by one. */
static void say_own(const struct config *old, const struct config *new_, struct buf *out)
{
	struct config was = fixed_part(old), is = was;

	was.log_level = old->log_level;
	is.log_level = new_->log_level;
	say_key(&was, &is, out);
	was.log_level = is.log_level;
	was.restart_rows = old->restart_rows;
	is.restart_rows = new_->restart_rows;
	say_key(&was, &is, out);
	was.restart_rows = is.restart_rows;
	was.memory_limit = old->memory_limit;
	is.memory_limit = new_->memory_limit;
	say_key(&was, &is, out);
}

static void say_neighbor(const struct config_neighbor *was, const struct config_neighbor *is, struct buf *out)
{
	enum difference d = difference_of_neighbors(was, is);
	struct config_neighbor na = d == DIFFERENCE_RESET ? with_live_keys(was, is) : *was, nb = *is;
	struct config ca = { .neighbors = &na, .n_neighbors = 1 }, cb = { .neighbors = &nb, .n_neighbors = 1 };
	char what[80];

	if (d == DIFFERENCE_NONE)
		return;
	name_change(&ca, &cb, what, sizeof(what));
	buf_printf(out, "neighbor %s changes (%s): its session %s\n", ip_str(&is->address).s, what,
		   d == DIFFERENCE_LIVE ? "stays" : "is reset (Cease/6)");
}

static void say_vni(const struct config_vni *was, const struct config_vni *is, struct buf *out)
{
	struct config_vni va = without_hosts(was), vb = without_hosts(is);
	struct config ca = { .vnis = &va, .n_vnis = 1 }, cb = { .vnis = &vb, .n_vnis = 1 };
	char what[80];

	switch (difference_of_vnis(was, is)) {
	case DIFFERENCE_NONE:
		break;
	case DIFFERENCE_LIVE:
		buf_printf(out, "VNI %u changes (hosts): nothing else of it does\n", is->vni);
		break;
	case DIFFERENCE_RESET:
		name_change(&ca, &cb, what, sizeof(what));
		buf_printf(out, "VNI %u changes (%s): it is made anew\n", is->vni, what);
	}
}

void difference_say(const struct config *old, const struct config *new_, struct buf *out)
{
	const struct config_neighbor *n;
	const struct config_vni *v;

	say_own(old, new_, out);
	for (size_t i = 0; i < old->n_neighbors; i++) {
		n = difference_find_neighbor(new_, &old->neighbors[i].address);
		if (n)
			say_neighbor(&old->neighbors[i], n, out);
		else
			buf_printf(out, "neighbor %s goes: its session ends (Cease/3)\n",
				   ip_str(&old->neighbors[i].address).s);
	}
	for (size_t i = 0; i < new_->n_neighbors; i++)
		if (!difference_find_neighbor(old, &new_->neighbors[i].address))
			buf_printf(out, "neighbor %s comes\n", ip_str(&new_->neighbors[i].address).s);
	for (size_t i = 0; i < old->n_vnis; i++) {
		v = difference_find_vni(new_, old->vnis[i].vni);
		if (v)
			say_vni(&old->vnis[i], v, out);
		else
			buf_printf(out, "VNI %u goes\n", old->vnis[i].vni);
	}
	for (size_t i = 0; i < new_->n_vnis; i++)
		if (!difference_find_vni(old, new_->vnis[i].vni))
			buf_printf(out, "VNI %u comes\n", new_->vnis[i].vni);
}

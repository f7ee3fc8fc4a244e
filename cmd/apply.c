/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Two items are the same when they print the same: config_print() writes every key that matters, so what it knows of a
 * neighbor or a VNI needs no second list here.
 */
#include "cmd/apply.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cmd/daemon.h"

#define BGP_PORT 179

/* ---- listening --------------------------------------------------------------------------------------------------- */

static bool listen_all(struct daemon *d, const struct config *c)
{
	struct ip any = ip_none();

	if (!c->n_listen)
		return bgp_transport_listen(d->transport, &any, BGP_PORT) == 0;
	for (size_t i = 0; i < c->n_listen; i++)
		if (bgp_transport_listen(d->transport, &c->listen[i].address, c->listen[i].port) < 0)
			return false;
	return true;
}

/* Without neighbors nobody may connect, so nothing listens unless it is asked for. */
bool apply_listen(struct daemon *d, const struct config *c)
{
	bool wanted = c->n_listen || c->n_neighbors;

	if (d->listening == wanted)
		return true;
	d->listening = wanted && listen_all(d, c);
	if (!d->listening)
		bgp_transport_unlisten(d->transport);
	return d->listening == wanted;
}

/* ---- one item ---------------------------------------------------------------------------------------------------- */

bool apply_neighbor(struct daemon *d, const struct config_neighbor *n)
{
	struct bgp_peer_params p = {
		.address = n->address,
		.asn = n->asn,
		.port = n->port,
		.description = n->description,
		.passive = n->passive,
		.hold_time = n->hold_time,
		.rr_client = n->route_reflector_client,
		.max_prefixes = n->max_prefixes,
		.max_prefixes_warning = n->max_prefixes_warning,
		.max_prefixes_restart = n->max_prefixes_restart,
		.add_path = (uint8_t)n->add_path,
		.add_path_best = n->add_path_best,
		.ttl_security = n->ttl_security,
		.role = (uint8_t)(n->role - CONFIG_ROLE_NONE),
		.password = n->password,
	};
	int rc = bgp_peer_add(d->bgp, &p, loop_now(&d->loop), NULL);

	if (rc < 0)
		log_error(&d->log, LOG_MAIN, "neighbor %s: cannot be added: %s", ip_str(&n->address).s, strerror(-rc));
	return rc == 0;
}

bool apply_vni(struct daemon *d, const struct config_vni *v)
{
	int rc = evpn_vni_add(d->evpn, v, v->vxlan_port, v->underlay);

	if (rc < 0)
		log_error(&d->log, LOG_MAIN, "VNI %u: cannot be taken on: %s", v->vni, strerror(-rc));
	return rc == 0;
}

/* ---- comparison -------------------------------------------------------------------------------------------------- */

static struct buf printed(const struct config *c)
{
	struct buf text;

	buf_init(&text);
	config_print(c, &text, true, true);
	return text;
}

static bool same_print(const struct config *a, const struct config *b)
{
	struct buf ta = printed(a), tb = printed(b);
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

static bool same_vni(const struct config_vni *a, const struct config_vni *b)
{
	struct config_vni va = *a, vb = *b;
	struct config ca = { .vnis = &va, .n_vnis = 1 }, cb = { .vnis = &vb, .n_vnis = 1 };

	return same_print(&ca, &cb);
}

static const struct config_neighbor *find_neighbor(const struct config *c, const struct ip *address)
{
	for (size_t i = 0; i < c->n_neighbors; i++)
		if (ip_eq(&c->neighbors[i].address, address))
			return &c->neighbors[i];
	return NULL;
}

static const struct config_vni *find_vni(const struct config *c, uint32_t vni)
{
	for (size_t i = 0; i < c->n_vnis; i++)
		if (c->vnis[i].vni == vni)
			return &c->vnis[i];
	return NULL;
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
	f.mobility = (struct config_mobility){ 0 }; /* it is in the VNIs */
	return f;
}

/* The first line of new_ that is not at the same place in old; the last one when only the end is missing. */
static void first_difference(const struct buf *old, const struct buf *new_, char *line, size_t cap)
{
	const char *a = buf_data(old), *b = buf_data(new_), *start = b;
	size_t n = old->len < new_->len ? old->len : new_->len;

	for (size_t i = 0; i < n && a[i] == b[i]; i++)
		if (b[i] == '\n' && i + 1 < new_->len)
			start = b + i + 1;
	snprintf(line, cap, "%.*s", (int)strcspn(start, "\n"), start);
}

static bool only_parts_changed(const struct config *old, const struct config *new_, char *why, size_t cap)
{
	struct config fa = fixed_part(old), fb = fixed_part(new_);
	struct buf ta, tb;
	char line[80];

	if (same_print(&fa, &fb))
		return true;
	ta = printed(&fa);
	tb = printed(&fb);
	buf_add(&tb, "", 1);
	first_difference(&ta, &tb, line, sizeof(line));
	snprintf(why, cap, "nothing changed: '%s' needs a restart (neighbors, vnis, log and restart.rows do not)",
		 line);
	buf_fini(&ta);
	buf_fini(&tb);
	return false;
}

/* ---- the difference ---------------------------------------------------------------------------------------------- */

static void remove_old(struct daemon *d, const struct config *old, const struct config *new_)
{
	for (size_t i = 0; i < old->n_neighbors; i++) {
		const struct config_neighbor *was = &old->neighbors[i], *is = find_neighbor(new_, &was->address);
		struct bgp_peer *peer = bgp_peer_find(d->bgp, &was->address);

		if (peer && (!is || !same_neighbor(was, is)))
			bgp_peer_del(peer, loop_now(&d->loop));
	}
	for (size_t i = 0; i < old->n_vnis; i++) {
		const struct config_vni *was = &old->vnis[i], *is = find_vni(new_, was->vni);

		if (!is || !same_vni(was, is))
			evpn_vni_del(d->evpn, was->vni);
	}
}

/* What failed to be added before is tried again. */
static bool add_new(struct daemon *d, const struct config *new_)
{
	struct evpn_vni_info info;
	bool ok = apply_listen(d, new_);

	for (size_t i = 0; i < new_->n_vnis; i++)
		if (!evpn_vni_find(d->evpn, new_->vnis[i].vni, &info))
			ok &= apply_vni(d, &new_->vnis[i]);
	for (size_t i = 0; i < new_->n_neighbors; i++)
		if (!bgp_peer_find(d->bgp, &new_->neighbors[i].address))
			ok &= apply_neighbor(d, &new_->neighbors[i]);
	bgp_transport_peers_changed(d->transport);
	return ok;
}

static struct config *load_again(struct daemon *d, char *why, size_t cap)
{
	struct config_errors errors = { 0 };
	struct config *c = config_load(d->config_file, &errors);

	for (size_t i = 0; i < errors.n; i++)
		log_error(&d->log, LOG_CONF, "%s", errors.lines[i]);
	if (!c && errors.n > 1)
		snprintf(why, cap, "nothing changed: %s (and %zu more, 'check' lists them)", errors.lines[0],
			 errors.n - 1);
	else if (!c)
		snprintf(why, cap, "nothing changed: %s", errors.n ? errors.lines[0] : "the file cannot be read");
	config_errors_free(&errors);
	return c;
}

bool apply_reload(struct daemon *d, char *why, size_t cap)
{
	struct config *new_ = load_again(d, why, cap), *old = d->config;
	bool ok;

	if (!new_)
		return false;
	if (!only_parts_changed(old, new_, why, cap)) {
		config_free(new_);
		return false;
	}
	remove_old(d, old, new_);
	if (new_->log_level != old->log_level)
		d->log.level = new_->log_level;
	ok = add_new(d, new_);
	d->config = new_;
	config_free(old);
	if (ok)
		log_info(&d->log, LOG_MAIN, "%s is loaded: %zu neighbors, %zu VNIs", d->config_file, new_->n_neighbors,
			 new_->n_vnis);
	else
		snprintf(why, cap, "loaded, but not all of it could be taken on: the log says why");
	return ok;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnd/apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/difference.h"
#include "cmd/evpnd/event.h"
#include "cmd/evpnd/resolve.h"

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

uint64_t apply_memory_limit(const struct config *c)
{
	if (c->memory_limit)
		return (uint64_t)c->memory_limit << 20;
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;
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

static uint32_t families_of(const struct daemon *d, const struct config_neighbor *n)
{
	return (n->family_evpn ? bgp_family_bit(d->bgp, &evpn_family) : 0) |
	       (n->family_rtc ? bgp_family_bit(d->bgp, &bgp_rtc_family) : 0);
}

static struct bgp_peer_params peer_params(const struct daemon *d, const struct config_neighbor *n)
{
	return (struct bgp_peer_params){
		.address = n->address,
		.asn = n->asn,
		.port = n->port,
		.description = n->description,
		.passive = n->passive,
		.families = families_of(d, n),
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
}

bool apply_neighbor(struct daemon *d, const struct config_neighbor *n)
{
	struct bgp_peer_params p = peer_params(d, n);
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
	else
		resolve_tell(d, v->vni);
	return rc == 0;
}

/* ---- what is different ------------------------------------------------------------------------------------------- */

static void change_neighbor(struct daemon *d, struct bgp_peer *peer, const struct config_neighbor *was,
			    const struct config_neighbor *is)
{
	struct bgp_peer_params p = peer_params(d, is);

	switch (difference_of_neighbors(was, is)) {
	case DIFFERENCE_NONE:
		break;
	case DIFFERENCE_LIVE:
		bgp_peer_change(peer, &p, loop_now(&d->loop));
		break;
	case DIFFERENCE_RESET:
		bgp_peer_remake(peer, &p, loop_now(&d->loop));
		break;
	}
}

/* One that must be made anew is added after all that goes is gone. */
static void change_vni(struct daemon *d, const struct config_vni *was, const struct config_vni *is)
{
	switch (difference_of_vnis(was, is)) {
	case DIFFERENCE_NONE:
		break;
	case DIFFERENCE_LIVE:
		evpn_vni_change_hosts(d->evpn, was, is);
		break;
	case DIFFERENCE_RESET:
		evpn_vni_del(d->evpn, was->vni);
	}
}

static void remove_old(struct daemon *d, const struct config *old, const struct config *new_)
{
	for (size_t i = 0; i < old->n_neighbors; i++) {
		const struct config_neighbor *was = &old->neighbors[i];
		const struct config_neighbor *is = difference_find_neighbor(new_, &was->address);
		struct bgp_peer *peer = bgp_peer_find(d->bgp, &was->address);

		if (peer && !is)
			bgp_peer_del(peer, loop_now(&d->loop));
		else if (peer)
			change_neighbor(d, peer, was, is);
	}
	evpn_vnis_begin(d->evpn);
	for (size_t i = 0; i < old->n_vnis; i++) {
		const struct config_vni *was = &old->vnis[i], *is = difference_find_vni(new_, was->vni);

		if (is)
			change_vni(d, was, is);
		else
			evpn_vni_del(d->evpn, was->vni);
	}
	evpn_vnis_end(d->evpn);
}

/* What failed to be added before is tried again. */
static bool add_new(struct daemon *d, const struct config *new_)
{
	struct evpn_vni_info info;
	bool ok = apply_listen(d, new_);

	evpn_vnis_begin(d->evpn);
	for (size_t i = 0; i < new_->n_vnis; i++)
		if (!evpn_vni_find(d->evpn, new_->vnis[i].vni, &info))
			ok &= apply_vni(d, &new_->vnis[i]);
	evpn_vnis_end(d->evpn);
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

/* A full disk leaves such a file. At a start it is a configuration like another. */
static bool is_cut_short(const char *file)
{
	struct stat st;

	return stat(file, &st) == 0 && S_ISREG(st.st_mode) && !st.st_size;
}

/* The new configuration when all of it can be applied, else NULL and why. */
static struct config *load_applicable(struct daemon *d, char *why, size_t cap)
{
	struct config *new_ = load_again(d, why, cap);

	if (new_ && is_cut_short(d->config_file) && (d->config->n_vnis || d->config->n_neighbors)) {
		snprintf(why, cap,
			 "nothing changed: %s has no octet, as a file has that was cut short; {} would take all away",
			 d->config_file);
		config_free(new_);
		return NULL;
	}
	if (!new_ || (difference_is_applicable(d->config, new_, why, cap) && resolve_is_applicable(d, new_, why, cap)))
		return new_;
	config_free(new_);
	return NULL;
}

static void log_plan(struct daemon *d, const struct config *new_)
{
	char line[1024];
	struct buf lines;

	buf_init(&lines);
	difference_say(d->config, new_, &lines);
	for (size_t len; lines.len; buf_consume(&lines, len + 1)) {
		len = (size_t)((const char *)memchr(buf_data(&lines), '\n', lines.len) - buf_data(&lines));
		snprintf(line, sizeof(line), "%.*s", (int)len, buf_data(&lines));
		log_info(&d->log, LOG_MAIN, "%s", line);
		event_note(d, HISTORY_CHANGED, line);
	}
	buf_fini(&lines);
}

bool apply_plan(struct daemon *d, struct buf *lines, char *why, size_t cap)
{
	struct config *new_ = load_applicable(d, why, cap);

	if (!new_)
		return false;
	difference_say(d->config, new_, lines);
	config_free(new_);
	return true;
}

/* Over to new_, which is d's after it. */
static bool go_over(struct daemon *d, struct config *new_, char *why, size_t cap)
{
	struct config *old = d->config;
	bool ok;

	log_plan(d, new_);
	remove_old(d, old, new_);
	if (new_->log_level != old->log_level)
		d->log.level = new_->log_level;
	bgp_set_memory_limit(d->bgp, apply_memory_limit(new_));
	resolve_configure(d, new_);
	ok = add_new(d, new_);
	d->config = new_;
	config_free(old);
	if (!ok)
		snprintf(why, cap, "loaded, but not all of it could be taken on: the log says why");
	return ok;
}

bool apply_reload(struct daemon *d, char *why, size_t cap)
{
	struct config *new_ = load_applicable(d, why, cap);

	event_note(d, new_ ? HISTORY_RELOADED : HISTORY_REFUSED, new_ ? d->config_file : why);
	if (!new_ || !go_over(d, new_, why, cap))
		return false;
	log_info(&d->log, LOG_MAIN, "%s is loaded: %zu neighbor%s, %zu VNI%s", d->config_file, new_->n_neighbors,
		 new_->n_neighbors == 1 ? "" : "s", new_->n_vnis, new_->n_vnis == 1 ? "" : "s");
	return true;
}

/* Who is asked goes with the mode: nobody, or the RIB when nobody was until now. */
static void adapt_resolver(struct config_vni *v)
{
	bool dynamic = v->mode == CONFIG_MODE_DYNAMIC_L2 || v->mode == CONFIG_MODE_DYNAMIC_L3;

	if (!dynamic) {
		v->resolver = CONFIG_RESOLVER_NONE;
		v->resolver_file = NULL;
		v->resolver_command = NULL;
		v->n_groups = 0;
	} else if (v->resolver == CONFIG_RESOLVER_NONE) {
		v->resolver = CONFIG_RESOLVER_RIB;
	}
}

/* The configuration in force with another mode of a VNI, through all checks as if it came from the file. */
static struct config *with_mode(struct daemon *d, const struct config_vni *v, enum config_mode mode, char *why,
				size_t cap)
{
	struct config c = *d->config, *new_;
	struct config_errors errors = { 0 };
	struct buf text;
	const char *error;

	c.vnis = xcalloc(c.n_vnis, sizeof(*c.vnis));
	memcpy(c.vnis, d->config->vnis, c.n_vnis * sizeof(*c.vnis));
	c.vnis[v - d->config->vnis].mode = mode;
	adapt_resolver(&c.vnis[v - d->config->vnis]);
	buf_init(&text);
	config_print(&c, &text, true, false);
	new_ = config_parse(d->config_file, buf_data(&text), text.len, &errors);
	if (!new_) { /* lines and columns are of what was printed here: nobody can look there */
		error = errors.lines[0] + strlen(d->config_file);
		snprintf(why, cap, "VNI %u cannot be in mode %s: %s", v->vni, config_mode_name(mode),
			 error + strspn(error, ":0123456789 "));
	}
	buf_fini(&text);
	free(c.vnis);
	config_errors_free(&errors);
	return new_;
}

bool apply_mode(struct daemon *d, uint32_t vni, enum config_mode mode, char *why, size_t cap)
{
	const struct config_vni *v = difference_find_vni(d->config, vni);
	struct config *new_;

	if (!v) {
		snprintf(why, cap, "VNI %u is not configured", vni);
		return false;
	}
	if (v->mode == mode)
		return true;
	new_ = with_mode(d, v, mode, why, cap);
	return new_ && go_over(d, new_, why, cap);
}

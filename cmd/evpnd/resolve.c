/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnd/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/list.h"
#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/keeper.h"
#include "cmd/evpnd/privilege.h"
#include "cmd/evpnd/program.h"
#include "cmd/evpnd/registry.h"

#define LOOK_MS 500

/* A file or a program. */
struct source {
	struct list list;
	struct resolve *r;
	char *name;  /* the path, or the program with its arguments */
	char **argv; /* NULL: a file */
	bool wanted;
	struct program *program;
	struct registry *registry; /* the last good content, NULL: none yet */
	struct stat seen;
	char error[512];
};

struct place { /* which VNI asks whom */
	uint32_t vni;
	struct source *source;
};

struct resolve {
	struct daemon *d;
	struct list sources;
	struct place *places; /* sorted */
	size_t n_places;
	struct loop_timer timer;
	int keeper;
	unsigned numbers;
};

/* ---- from evpn --------------------------------------------------------------------------------------------------- */

static int by_vni(const void *a, const void *b)
{
	uint32_t x = ((const struct place *)a)->vni, y = ((const struct place *)b)->vni;

	return x < y ? -1 : x > y;
}

static struct source *source_of(const struct resolve *r, uint32_t vni)
{
	struct place key = { .vni = vni };
	const struct place *p = r->n_places ? bsearch(&key, r->places, r->n_places, sizeof(key), by_vni) : NULL;

	return p ? p->source : NULL;
}

static void ask_registry(struct source *s, uint32_t vni, uint32_t id, const struct mac *mac, const struct ip *ip)
{
	struct evpn *e = s->r->d->evpn;
	const struct config_host *h = s->registry ? registry_find(s->registry, vni, mac, ip) : NULL;

	if (evpn_resolved(e, vni, id, h) == -EINVAL) /* it is here, or of the other family: nothing to send to */
		evpn_resolved(e, vni, id, NULL);
}

static void ask(void *ctx, uint32_t vni, uint32_t id, const struct mac *mac, const struct ip *ip)
{
	struct resolve *r = ctx;
	struct source *s = source_of(r, vni);

	if (s && !s->program)
		ask_registry(s, vni, id, mac, ip);
	else if (!s || !program_ask(s->program, vni, id, mac, ip))
		evpn_resolved(r->d->evpn, vni, id, NULL);
}

static void late(void *ctx, uint32_t vni)
{
	struct source *s = source_of(ctx, vni);

	if (s && s->program)
		program_is_late(s->program);
}

/* ---- registries -------------------------------------------------------------------------------------------------- */

static void tell_change(void *ctx, uint32_t vni, const struct config_host *h, bool there)
{
	struct source *s = ctx;
	struct config_host mac_only = { .mac = h->mac };

	if (source_of(s->r, vni) != s)
		return;
	evpn_resolver_changed(s->r->d->evpn, vni, h, there);
	if (!there && !registry_find(s->registry, vni, &h->mac, NULL))
		evpn_resolver_changed(s->r->d->evpn, vni, &mac_only, false);
}

static void tell_all(void *ctx, uint32_t vni, const struct config_host *h, bool there)
{
	const struct place *p = ctx;

	if (vni == p->vni && h->ip.len == 16)
		evpn_resolver_changed(p->source->r->d->evpn, vni, h, there);
}

void resolve_tell(struct daemon *d, uint32_t vni)
{
	struct place p = { vni, source_of(d->resolve, vni) };

	if (p.source && p.source->registry)
		registry_compare(NULL, p.source->registry, tell_all, &p);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void complain(struct source *s, const char *words)
{
	if (strcmp(s->error, words) != 0)
		log_warn(&s->r->d->log, LOG_EVPN, "resolver %s%s", words,
			 s->registry ? "; what it had before stays" : "");
	snprintf(s->error, sizeof(s->error), "%s", words);
}

static void look(struct source *s)
{
	struct registry *was = s->registry, *is;
	char words[sizeof(s->error)];
	struct stat st;

	if (stat(s->name, &st)) {
		memset(&s->seen, 0, sizeof(s->seen));
		snprintf(words, sizeof(words), "%s: %s", s->name, strerror(errno));
		complain(s, words);
		return;
	}
	if (same_file(&s->seen, &st))
		return;
	s->seen = st;
	is = registry_load(s->name, words, sizeof(words));
	if (!is) {
		complain(s, words);
		return;
	}
	s->error[0] = '\0';
	s->registry = is;
	log_info(&s->r->d->log, LOG_EVPN, "resolver %s: %zu hosts", s->name, is->n);
	registry_compare(was, is, tell_change, s);
	registry_free(was);
}

static void on_timer(struct loop_timer *t)
{
	struct resolve *r = container_of(t, struct resolve, timer);
	struct source *s;

	list_for_each(s, &r->sources, list)
		if (!s->argv)
			look(s);
	loop_timer_at(t, mtime_add_ms(loop_now(&r->d->loop), LOOK_MS));
}

/* ---- programs ---------------------------------------------------------------------------------------------------- */

static bool on_answer(void *ctx, uint32_t vni, uint32_t id, const struct config_host *host, char *why, size_t cap)
{
	struct source *s = ctx;

	if (evpn_resolved(s->r->d->evpn, vni, id, host) != -EINVAL)
		return true;
	evpn_resolved(s->r->d->evpn, vni, id, NULL);
	snprintf(why, cap, "%s behind %s in VNI %u is no answer to the question", mac_str(&host->mac).s,
		 ip_str(&host->vtep).s, vni);
	return false;
}

static bool on_changed(void *ctx, const struct host_line *l, char *why, size_t cap)
{
	struct source *s = ctx;

	if (!(l->says & HOST_LINE_VNI) || !(l->says & HOST_LINE_MAC) ||
	    !(l->says & (HOST_LINE_VTEP | HOST_LINE_NOWHERE))) {
		snprintf(why, cap, "without id, expected vni, mac and vtep");
		return false;
	}
	if (source_of(s->r, l->vni) != s) {
		snprintf(why, cap, "VNI %u does not ask it", l->vni);
		return false;
	}
	evpn_resolver_changed(s->r->d->evpn, l->vni, &l->host, l->says & HOST_LINE_VTEP);
	return true;
}

/* ---- configuration ----------------------------------------------------------------------------------------------- */

static char *name_of(const struct config_vni *v)
{
	struct buf b;
	char *name;

	if (v->resolver == CONFIG_RESOLVER_FILE)
		return xstrdup(v->resolver_file);
	buf_init(&b);
	for (char **a = v->resolver_command; *a; a++)
		buf_printf(&b, "%s%s", a == v->resolver_command ? "" : " ", *a);
	buf_add(&b, "", 1);
	name = xstrdup(buf_data(&b));
	buf_fini(&b);
	return name;
}

static bool same_args(char *const *a, char *const *b)
{
	if (!a || !b)
		return a == b;
	for (; *a && *b; a++, b++)
		if (strcmp(*a, *b) != 0)
			return false;
	return *a == *b;
}

static void source_free(struct source *s)
{
	list_del(&s->list);
	if (s->program)
		program_free(s->program);
	registry_free(s->registry);
	for (char **a = s->argv; a && *a; a++)
		free(*a);
	free(s->argv);
	free(s->name);
	free(s);
}

static char **copy_args(char *const *argv)
{
	size_t n = 0;
	char **copy;

	while (argv[n])
		n++;
	copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(argv[i]);
	return copy;
}

static struct source *source_new(struct resolve *r, const struct config_vni *v)
{
	struct source *s = xcalloc(1, sizeof(*s));
	struct program_params p = { .loop = &r->d->loop, .log = &r->d->log, .keeper = r->keeper, .answer = on_answer,
				    .changed = on_changed, .ctx = s };

	s->r = r;
	s->name = name_of(v);
	list_add_tail(&r->sources, &s->list);
	if (v->resolver != CONFIG_RESOLVER_COMMAND) {
		look(s);
		return s;
	}
	s->argv = copy_args(v->resolver_command);
	p.number = ++r->numbers;
	p.argv = s->argv;
	s->program = program_new(&p);
	return s;
}

static struct source *obtain(struct resolve *r, const struct config_vni *v)
{
	struct source *s;

	list_for_each(s, &r->sources, list) {
		if (v->resolver == CONFIG_RESOLVER_COMMAND ? same_args(s->argv, v->resolver_command) :
							      !s->argv && !strcmp(s->name, v->resolver_file))
			return s;
	}
	return source_new(r, v);
}

void resolve_configure(struct daemon *d, const struct config *c)
{
	struct resolve *r = d->resolve;
	struct source *s, *next;

	list_for_each(s, &r->sources, list)
		s->wanted = false;
	free(r->places);
	r->places = xcalloc(c->n_vnis + 1, sizeof(*r->places));
	r->n_places = 0;
	for (size_t i = 0; i < c->n_vnis; i++) {
		const struct config_vni *v = &c->vnis[i];

		if (v->resolver != CONFIG_RESOLVER_FILE && v->resolver != CONFIG_RESOLVER_COMMAND)
			continue;
		s = obtain(r, v);
		s->wanted = true;
		r->places[r->n_places++] = (struct place){ v->vni, s };
	}
	qsort(r->places, r->n_places, sizeof(*r->places), by_vni);
	list_for_each_safe(s, next, &r->sources, list)
		if (!s->wanted)
			source_free(s);
	loop_timer_at(&r->timer, list_empty(&r->sources) ? MTIME_NEVER : mtime_add_ms(loop_now(&d->loop), LOOK_MS));
}

static bool has_command(const struct config *c)
{
	for (size_t i = 0; i < c->n_vnis; i++)
		if (c->vnis[i].resolver == CONFIG_RESOLVER_COMMAND)
			return true;
	return false;
}

bool resolve_is_applicable(const struct daemon *d, const struct config *c, char *why, size_t cap)
{
	if (d->resolve->keeper >= 0 || !has_command(c))
		return true;
	snprintf(why, cap,
		 "nothing changed: the first 'resolver: {command: ...}' needs a restart: evpnd, as it runs, can start "
		 "no programs");
	return false;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

bool resolve_prepare(struct daemon *d)
{
	struct resolve *r = xcalloc(1, sizeof(*r));

	r->d = d;
	r->keeper = -1;
	list_init(&r->sources);
	d->resolve = r;
	if (has_command(d->config))
		r->keeper = keeper_start(&d->log, d->user ? d->user : PRIVILEGE_USER);
	return !has_command(d->config) || r->keeper >= 0;
}

void resolve_start(struct daemon *d)
{
	struct evpn_source source = { ask, late, d->resolve };

	loop_timer_init(&d->resolve->timer, &d->loop, on_timer);
	evpn_set_source(d->evpn, &source);
	resolve_configure(d, d->config);
}

void resolve_stop(struct daemon *d)
{
	struct resolve *r = d->resolve;
	struct source *s, *next;

	if (!r)
		return;
	if (d->evpn)
		evpn_set_source(d->evpn, &(struct evpn_source){ 0 });
	list_for_each_safe(s, next, &r->sources, list)
		source_free(s);
	if (r->timer.fn)
		loop_timer_at(&r->timer, MTIME_NEVER);
	if (r->keeper >= 0)
		close(r->keeper);
	free(r->places);
	free(r);
	d->resolve = NULL;
}

void resolve_show(const struct daemon *d, uint32_t vni, struct json *j)
{
	const struct source *s = source_of(d->resolve, vni);
	struct program_info i = { 0 };

	json_str(j, "source", s ? s->name : NULL);
	if (s && s->program) {
		program_info(s->program, &i);
		json_str(j, "state", i.state);
		json_str(j, "error", i.error);
		json_uint(j, "starts", i.starts);
	} else if (s) {
		json_str(j, "state", s->registry ? "loaded" : "missing");
		json_str(j, "error", s->error[0] ? s->error : NULL);
		json_uint(j, "hosts", s->registry ? s->registry->n : 0);
	}
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "base/log.h"

#define VNIS_A_SLICE 32u
#define TRIES	     5u

const struct doctor_check doctor_host_checks[] = {
	{ DOCTOR_FORWARDING, doctor_vtep_address },
	{ DOCTOR_FORWARDING, doctor_underlays },
	{ DOCTOR_FORWARDING, doctor_ipv6 },
	{ DOCTOR_KERNEL, doctor_bridges },
	{ DOCTOR_KERNEL, doctor_vxlans },
	{ DOCTOR_FORWARDING, doctor_ports },
	{ DOCTOR_KERNEL, doctor_mtu },
	{ DOCTOR_FORWARDING, doctor_paths },
	{ DOCTOR_FORWARDING, doctor_udp_port },
	{ DOCTOR_ALL, doctor_bgp_port },
	{ DOCTOR_KERNEL, doctor_bridge_filters },
	{ DOCTOR_FORWARDING, doctor_reverse_path },
	{ DOCTOR_KERNEL, doctor_neighbour_table },
	{ DOCTOR_KERNEL, doctor_networkd },
	{ DOCTOR_ALL, NULL },
};

/* ---- findings ---------------------------------------------------------------------------------------------------- */

struct doctor_finding *doctor_find(struct doctor *x, enum doctor_severity severity, const char *code, const char *fmt,
				   ...)
{
	struct doctor_finding *f = &x->findings[x->n];
	va_list ap;

	if (x->n < DOCTOR_FINDINGS_MAX)
		x->n++;
	else
		x->more++;
	*f = (struct doctor_finding){ .code = code, .severity = severity };
	va_start(ap, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, ap);
	va_end(ap);
	return f;
}

void doctor_about(struct doctor_finding *f, uint32_t vni, const char *device)
{
	f->vni = vni;
	snprintf(f->device, sizeof(f->device), "%s", device ? device : "");
}

void doctor_why(struct doctor_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
}

void doctor_command(struct doctor_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->command, sizeof(f->command), fmt, ap);
	va_end(ap);
}

void doctor_print(const struct doctor_finding *f, struct buf *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "code", f->code);
	json_str(&j, "severity", f->severity == DOCTOR_ERROR ? "error" : "warning");
	if (f->vni)
		json_uint(&j, "vni", f->vni);
	else
		json_null(&j, "vni");
	json_ip(&j, "neighbor", &f->neighbor);
	json_str(&j, "device", f->device[0] ? f->device : NULL);
	json_str(&j, "what", f->what);
	json_str(&j, "why", f->why[0] ? f->why : NULL);
	json_str(&j, "command", f->command[0] ? f->command : NULL);
	json_object_end(&j);
}

/* ---- what checks look at ----------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct lookup_link *)a)->name, ((const struct lookup_link *)b)->name);
}

static int by_number(const void *a, const void *b)
{
	const struct lookup_link *const *x = a, *const *y = b;

	return ((*x)->ifindex > (*y)->ifindex) - ((*x)->ifindex < (*y)->ifindex);
}

const struct lookup_link *doctor_link(const struct doctor *x, const char *name)
{
	struct lookup_link key;

	if (!name || !x->n_links)
		return NULL;
	snprintf(key.name, sizeof(key.name), "%s", name);
	return bsearch(&key, x->links, x->n_links, sizeof(key), by_name);
}

const struct lookup_link *doctor_link_nr(const struct doctor *x, unsigned ifindex)
{
	struct lookup_link key = { .ifindex = ifindex };
	const struct lookup_link *p = &key, **found;

	found = ifindex && x->n_links ? bsearch(&p, x->by_nr, x->n_links, sizeof(p), by_number) : NULL;
	return found ? *found : NULL;
}

/* The device that has the address, or that has the way to some other VTEP. */
static const struct lookup_link *find_way(struct doctor *x)
{
	const struct lookup_link *l = doctor_link_nr(x, lookup_holder(&x->s, &x->config->vtep));
	struct lookup_route r;

	for (unsigned i = 0; i < x->n_vteps && (!l || l->flags & IFF_LOOPBACK); i++) {
		lookup_route(&x->s, &x->vteps[i], &x->config->vtep, &r);
		if (!r.err)
			l = doctor_link_nr(x, r.ifindex);
	}
	return l;
}

const struct lookup_link *doctor_underlay(struct doctor *x, const struct config_vni *v)
{
	const char *name = v && v->underlay ? v->underlay : x->config->underlay;

	if (name)
		return doctor_link(x, name);
	if (!x->way_known)
		x->way = find_way(x);
	x->way_known = true;
	return x->way;
}

bool doctor_each_vni(struct doctor *x, void (*look)(struct doctor *x, const struct config_vni *v))
{
	for (size_t end = x->at + VNIS_A_SLICE; x->at < x->config->n_vnis && x->at < end; x->at++)
		look(x, &x->config->vnis[x->at]);
	return x->at < x->config->n_vnis;
}

long doctor_number(const struct doctor *x, const char *path, long otherwise)
{
	char full[256];
	long n = otherwise;
	FILE *f;

	snprintf(full, sizeof(full), "%s/proc/%s", x->root, path);
	f = fopen(full, "re");
	if (f && fscanf(f, "%ld", &n) != 1)
		n = otherwise;
	if (f)
		fclose(f);
	return n;
}

static void take_link(void *ctx, const struct lookup_link *l)
{
	struct doctor *x = ctx;

	array_room(x->links, x->n_links, x->cap_links, 64);
	x->links[x->n_links++] = *l;
}

void doctor_take_vtep(struct doctor *x, const struct ip *vtep)
{
	for (unsigned i = 0; i < x->n_vteps; i++)
		if (ip_eq(&x->vteps[i], vtep))
			return;
	if (vtep->len == x->config->vtep.len && !ip_eq(vtep, &x->config->vtep) && x->n_vteps < DOCTOR_VTEPS_MAX)
		x->vteps[x->n_vteps++] = *vtep;
}

/* What the configuration says of other VTEPs. */
static void take_vteps(struct doctor *x)
{
	for (size_t i = 0; i < x->config->n_vnis; i++) {
		const struct config_vni *v = &x->config->vnis[i];

		for (size_t k = 0; k < v->n_flood; k++)
			doctor_take_vtep(x, &v->flood[k]);
		for (size_t k = 0; k < v->n_hosts; k++)
			doctor_take_vtep(x, &v->hosts[k].vtep);
	}
}

int doctor_begin(struct doctor *x, const struct config *config, struct daemon *d)
{
	int err;

	*x = (struct doctor){ .config = config, .d = d, .root = "", .reading = true };
	err = ksock_open(&x->s, NULL);
	if (err)
		return err;
	x->findings = xcalloc(DOCTOR_FINDINGS_MAX + 1, sizeof(*x->findings));
	take_vteps(x);
	err = lookup_links_begin(&x->s);
	if (err)
		doctor_end(x);
	return err;
}

/* 1: there are more to come, 0, or -errno. */
static int read_links(struct doctor *x)
{
	int more = lookup_links_more(&x->s, take_link, x);

	if (more == -EAGAIN && x->tries++ < TRIES) { /* some came or went meanwhile */
		x->n_links = 0;
		more = lookup_links_begin(&x->s);
		if (!more)
			return 1;
	}
	if (more > 0)
		return more;
	if (more == -EAGAIN)
		more = 0; /* nearly all is good enough */
	if (x->n_links)
		qsort(x->links, x->n_links, sizeof(*x->links), by_name);
	x->by_nr = xcalloc(x->n_links + 1, sizeof(*x->by_nr));
	for (size_t i = 0; i < x->n_links; i++)
		x->by_nr[i] = &x->links[i];
	qsort(x->by_nr, x->n_links, sizeof(*x->by_nr), by_number);
	return more;
}

void doctor_end(struct doctor *x)
{
	ksock_close(&x->s);
	free(x->links);
	free(x->by_nr);
	free(x->findings);
	free(x->walk);
}

/* ---- the tables -------------------------------------------------------------------------------------------------- */

static bool applies(const struct doctor *x, const struct doctor_check *c)
{
	switch (c->of) {
	case DOCTOR_ALL:
		return true;
	case DOCTOR_FORWARDING:
		return x->config->dataplane != CONFIG_DP_NONE && x->config->vtep.len;
	case DOCTOR_KERNEL:
		return x->config->dataplane == CONFIG_DP_KERNEL && x->config->vtep.len;
	case DOCTOR_USERSPACE:
		return x->config->dataplane == CONFIG_DP_USERSPACE;
	}
	return false;
}

bool doctor_has_told(const struct doctor *x, uint32_t vni)
{
	for (unsigned i = 0; i < x->n_told; i++)
		if (x->told[i] == vni)
			return true;
	return false;
}

static void note_told(struct doctor *x)
{
	for (unsigned i = 0; i < x->n && x->n_told < DOCTOR_FINDINGS_MAX; i++)
		if (x->findings[i].vni && !doctor_has_told(x, x->findings[i].vni))
			x->told[x->n_told++] = x->findings[i].vni;
}

bool doctor_next(struct doctor *x, const struct doctor_check *table)
{
	struct doctor_finding *f;

	note_told(x);
	x->n = x->more = 0;
	if (x->reading) {
		int more = read_links(x);

		x->reading = more > 0;
		if (more >= 0)
			return true;
		f = doctor_find(x, DOCTOR_ERROR, "kernel", "the kernel's devices cannot be read: %s", strerror(-more));
		doctor_why(f, "without them the host's checks would find what is not so: they are left out");
		doctor_command(f, "ip link show; is this process's memory limited?");
		while (table[x->check].run)
			x->check++;
		return true;
	}
	while (table[x->check].run && !applies(x, &table[x->check]))
		x->check++;
	if (!table[x->check].run)
		return false;
	if (!table[x->check].run(x)) {
		free(x->walk);
		x->walk = NULL;
		x->at = 0;
		x->check++;
	}
	if (x->more)
		snprintf(x->findings[x->n - 1].what + strlen(x->findings[x->n - 1].what),
			 sizeof(x->findings[0].what) - strlen(x->findings[x->n - 1].what), " (and %u more of the kind)",
			 x->more);
	return true;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The doctor: what on this host stands in the way. A check is a function that looks at one thing and adds what it
 * finds; a table names them all, so that a new one is a row. Checks of the host need the configuration and the
 * kernel: the daemon makes them for itself, evpnctl where no daemon runs. The others ask the daemon's own tables.
 *
 *	evpnctl ── doctor ──► evpnd: host's and daemon's checks, a check a slice ──► findings, a row each
 *	        └─ nobody there: says so, reads the file, makes the host's checks itself
 */
#ifndef CMD_DOCTOR_H
#define CMD_DOCTOR_H

#include "base/buf.h"
#include "dataplane/kernel_sock.h"
#include "dataplane/lookup.h"
#include "include/config.h"

struct daemon;
struct doctor;

enum doctor_severity { DOCTOR_WARNING, DOCTOR_ERROR };

struct doctor_finding {
	const char *code; /* a word for programs, stays the same */
	enum doctor_severity severity;
	uint32_t vni;         /* 0: not of one */
	struct ip neighbor;   /* none: not of one */
	char device[IFNAMSIZ]; /* "": not of one */
	char what[320], why[320], command[256]; /* why it matters; what mends it, a command where there is one */
};

#define DOCTOR_FINDINGS_MAX 64u /* of one check; further ones are counted in the last */
#define DOCTOR_VTEPS_MAX 256u

struct doctor {
	const struct config *config;
	struct daemon *d; /* NULL: none runs, or it is not ours to ask */
	struct ksock s;
	bool reading; /* the links are still coming ... */
	unsigned tries; /* ... and so often they have changed meanwhile */
	struct lookup_link *links; /* by name */
	const struct lookup_link **by_nr;
	size_t n_links, cap_links;
	bool way_known;
	const struct lookup_link *way; /* of the VTEP address */
	struct ip vteps[DOCTOR_VTEPS_MAX]; /* of others: those that are known first */
	unsigned n_vteps;
	const char *root; /* before paths of the host: "", or a test's */
	unsigned check; /* of the table, the next */
	size_t at;      /* zero when a check begins: how far it is */
	void *walk;     /* NULL when a check begins: its own from slice to slice; freed with free() after its last */
	struct doctor_finding *findings; /* of the check that was run last */
	unsigned n, more;
	uint32_t told[DOCTOR_FINDINGS_MAX]; /* VNIs of earlier findings, the first ones */
	unsigned n_told;
};

enum doctor_of { /* which configurations a check is for */
	DOCTOR_ALL,
	DOCTOR_FORWARDING, /* any dataplane but none */
	DOCTOR_KERNEL,
	DOCTOR_USERSPACE
};

struct doctor_check {
	enum doctor_of of;
	/* True: it has more to look at, and is called again. */
	bool (*run)(struct doctor *x);
};

/* Ended by one without run. The daemon's own checks: cmd/evpnd/doctor_verb.c. */
extern const struct doctor_check doctor_host_checks[];

/* 0 or -errno: the kernel cannot be asked. config and d are borrowed. */
int doctor_begin(struct doctor *x, const struct config *config, struct daemon *d);
void doctor_end(struct doctor *x);
/*
 * One slice of work, of the next check of the table or of what a check walks; false at its end.
 * Findings are in x->findings until the next call.
 */
bool doctor_next(struct doctor *x, const struct doctor_check *table);
/* Appends a finding as JSON object. */
void doctor_print(const struct doctor_finding *f, struct buf *out);

/* Another VTEP is known of, beside those of the configuration. */
void doctor_take_vtep(struct doctor *x, const struct ip *vtep);

/* ---- for checks -------------------------------------------------------------------------------------------------- */

struct doctor_finding *doctor_find(struct doctor *x, enum doctor_severity severity, const char *code, const char *fmt,
				   ...) __attribute__((format(printf, 4, 5)));
/* Whose it is: 0 and NULL where that does not apply. */
void doctor_about(struct doctor_finding *f, uint32_t vni, const char *device);
void doctor_why(struct doctor_finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void doctor_command(struct doctor_finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Something has been found of this VNI already. */
bool doctor_has_told(const struct doctor *x, uint32_t vni);
/* A check that looks at each VNI of the configuration, some at a time. */
bool doctor_each_vni(struct doctor *x, void (*look)(struct doctor *x, const struct config_vni *v));
/* NULL when it is not there. */
const struct lookup_link *doctor_link(const struct doctor *x, const char *name);
const struct lookup_link *doctor_link_nr(const struct doctor *x, unsigned ifindex);
/* What the VNI's packets leave by: the configured underlay, or the way of the VTEP address; NULL: not known. */
const struct lookup_link *doctor_underlay(struct doctor *x, const struct config_vni *v);
/* A number in a file below /proc; otherwise when it is not there. */
long doctor_number(const struct doctor *x, const char *path, long otherwise);

/* By file: doctor_devices.c, doctor_underlay.c, doctor_host.c. */
bool doctor_bridges(struct doctor *x);
bool doctor_vxlans(struct doctor *x);
bool doctor_ports(struct doctor *x);
bool doctor_mtu(struct doctor *x);
bool doctor_vtep_address(struct doctor *x);
bool doctor_underlays(struct doctor *x);
bool doctor_paths(struct doctor *x);
bool doctor_ipv6(struct doctor *x);
bool doctor_udp_port(struct doctor *x);
bool doctor_bgp_port(struct doctor *x);
bool doctor_bridge_filters(struct doctor *x);
bool doctor_reverse_path(struct doctor *x);
bool doctor_neighbour_table(struct doctor *x);
bool doctor_networkd(struct doctor *x);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The doctor's look at the daemon and its dataplane: its file, its rights, its VNIs, rows that were refused. */
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmd/evpnd/doctor_daemon.h"

#define SLICE_ROWS 512u

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* What a reload or the next start would do: it is read as they read it. */
bool doctor_file(struct doctor *x)
{
	struct config_errors errors = { 0 };
	struct config *c = config_load(x->d->config_file, &errors);
	struct buf file, running;
	struct doctor_finding *f;

	for (size_t i = 0; !c && i < errors.n; i++) {
		f = doctor_find(x, DOCTOR_ERROR, "configuration", "%s", errors.lines[i]);
		doctor_why(f, "evpnd runs with what it had before, and would not start again");
		doctor_command(f, "evpnctl check %s, when it is mended: evpnctl reload", x->d->config_file);
	}
	config_errors_free(&errors);
	if (!c)
		return false;
	buf_init(&file);
	buf_init(&running);
	config_print(c, &file, true, true);
	config_print(x->config, &running, true, true);
	if (file.len != running.len || memcmp(buf_data(&file), buf_data(&running), file.len)) {
		f = doctor_find(x, DOCTOR_WARNING, "not-reloaded", "%s is not what evpnd runs with", x->d->config_file);
		doctor_why(f, "it was changed and not read again, or a VNI was given another mode by hand");
		doctor_command(f, "evpnctl reload --dry-run says what would change; evpnctl reload");
	}
	buf_fini(&file);
	buf_fini(&running);
	config_free(c);
	return false;
}

/* ---- rights ------------------------------------------------------------------------------------------------------ */

static uint64_t effective(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, caps))
		return ~UINT64_C(0);
	return caps[0].effective | (uint64_t)caps[1].effective << 32;
}

bool doctor_privileges(struct doctor *x)
{
	static const struct {
		unsigned cap;
		const char *name, *why;
	} needs[] = { { CAP_NET_ADMIN, "CAP_NET_ADMIN", "devices and rows of the kernel cannot be written" },
		      { CAP_NET_RAW, "CAP_NET_RAW",
			"hosts' ARP and ND are not heard: their addresses are not advertised at once, nor probed" } };
	uint64_t have = effective();

	for (unsigned i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		struct doctor_finding *f;

		if (have >> needs[i].cap & 1)
			continue;
		f = doctor_find(x, DOCTOR_ERROR, "capability", "evpnd has no %s", needs[i].name);
		doctor_why(f, "%s", needs[i].why);
		doctor_command(f, "start it by systemd or as root; in a container: --cap-add %s",
			       strchr(needs[i].name, '_') + 1);
	}
	return false;
}

/* ---- VNIs -------------------------------------------------------------------------------------------------------- */

/* What the dataplane itself says is wrong: what the other checks have no words for. */
static void look_at_vni(struct doctor *x, const struct config_vni *v)
{
	struct dp_vni_info i = { 0 };
	struct doctor_finding *f;

	if (doctor_has_told(x, v->vni) || !dp_vni_info(x->d->dp, v->vni, &i) || (i.ready && !i.problem) ||
	    x->config->dataplane == CONFIG_DP_NONE)
		return;
	if (i.ready && !lookup_is_own(&x->s, &x->config->vtep))
		return; /* of all VNIs alike, and said: doctor_vtep_address() */
	f = doctor_find(x, i.ready ? DOCTOR_WARNING : DOCTOR_ERROR,
			i.problem && strstr(i.problem, "writes here as well") ? "control-plane" : "vni-problem",
			"VNI %u: %s", v->vni, i.problem ? i.problem : "its devices are not ready");
	f->vni = v->vni;
	if (!strcmp(f->code, "control-plane")) {
		doctor_why(f, "two control planes on one bridge undo each other's rows");
		doctor_command(f,
			       "take VNI %u out of the other's configuration (FRR: no advertise-all-vni), or stop it",
			       v->vni);
		return;
	}
	doctor_why(f, i.ready ? "it works, and not as it is configured" :
				"no row of it can be written, and its hosts are not advertised");
	doctor_command(f, "evpnctl show vni %u; what another hand has changed: evpnctl repair --vni %u", v->vni,
		       v->vni);
}

bool doctor_vnis(struct doctor *x)
{
	return doctor_each_vni(x, look_at_vni);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

struct row_walk {
	struct dp_cursor at;
	struct {
		struct dp_row_info first; /* device is not looked at later */
		char pending[160], help[160];
		unsigned n;
	} kinds[8]; /* by reason; further ones count as the last */
	unsigned n;
};

static void note_row(struct row_walk *w, const struct dp_row_info *i)
{
	unsigned k = 0;

	while (k < w->n && strcmp(w->kinds[k].pending, i->pending))
		k++;
	if (k == sizeof(w->kinds) / sizeof(w->kinds[0]))
		k--;
	if (k == w->n) {
		w->kinds[k].first = *i;
		snprintf(w->kinds[k].pending, sizeof(w->kinds[k].pending), "%s", i->pending);
		snprintf(w->kinds[k].help, sizeof(w->kinds[k].help), "%s", i->help ? i->help : "");
		w->n++;
	}
	w->kinds[k].n++;
}

static void say_rows(struct doctor *x, const struct row_walk *w)
{
	for (unsigned k = 0; k < w->n; k++) {
		const struct dp_row *row = &w->kinds[k].first.row;
		const bool neigh = row->key.kind == DP_NEIGH || row->key.kind == DP_FLOOD;
		struct doctor_finding *f =
			doctor_find(x, DOCTOR_ERROR, "row-refused",
				    "%u rows of table %s, as that of %s in VNI %u, are not there: %s", w->kinds[k].n,
				    w->kinds[k].first.table, neigh ? ip_str(&row->key.ip).s : mac_str(&row->key.mac).s,
				    row->key.vni, w->kinds[k].pending);

		f->vni = row->key.vni;
		doctor_why(f, "%s",
			   w->kinds[k].help[0] ? w->kinds[k].help :
						 "frames to these hosts are flooded, or go where they went before");
		doctor_command(f, "evpnctl diff --vni %u", row->key.vni);
	}
}

/*
 * Rows that are on their way are pending, too, and gone from the list a moment later: only what was refused or is
 * blocked counts.
 */
bool doctor_rows(struct doctor *x)
{
	struct row_walk *w = x->walk = x->walk ? x->walk : xcalloc(1, sizeof(*w));
	struct dp_row_info i;

	for (unsigned n = 0; n < SLICE_ROWS; n++) {
		if (!dp_next(x->d->dp, &w->at, 0, &i)) {
			say_rows(x, w);
			return false;
		}
		if (i.desired && i.stuck && strcmp(i.table, "bridge")) /* the vxlan row stands for both */
			note_row(w, &i);
	}
	return true;
}

bool doctor_overruns(struct doctor *x)
{
	struct doctor_finding *f;
	struct dp_stats s;

	dp_stats(x->d->dp, &s);
	if (!s.overruns)
		return false;
	f = doctor_find(x, DOCTOR_WARNING, "overrun",
			"the kernel has thrown notifications away %llu times: more than evpnd's socket holds",
			(unsigned long long)s.overruns);
	doctor_why(f, "evpnd looks at all local hosts anew each time, so nothing is wrong; it takes a moment, and is a "
		      "sign of overload");
	doctor_command(f, "what changes so many neighbours or rows at once? ip monitor neigh | head");
	return false;
}

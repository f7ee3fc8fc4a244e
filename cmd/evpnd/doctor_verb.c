/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The verb doctor, the daemon's part: the host's checks and its own, one a slice or a part of one. */
#include <string.h>

#include "cmd/evpnd/doctor_daemon.h"
#include "cmd/evpnd/show.h"

static const struct doctor_check daemon_checks[] = {
	{ DOCTOR_ALL, doctor_file },
	{ DOCTOR_KERNEL, doctor_privileges },
	{ DOCTOR_ALL, doctor_listening },
	{ DOCTOR_ALL, doctor_sessions },
	{ DOCTOR_FORWARDING, doctor_vnis },
	{ DOCTOR_FORWARDING, doctor_lonely },
	{ DOCTOR_ALL, doctor_imports },
	{ DOCTOR_FORWARDING, doctor_macs },
	{ DOCTOR_FORWARDING, doctor_mac_limits },
	{ DOCTOR_FORWARDING, doctor_rows },
	{ DOCTOR_KERNEL, doctor_overruns },
	{ DOCTOR_ALL, NULL },
};

struct doctor_state {
	struct doctor x;
	const struct doctor_check *table;
};

static int start_doctor(struct reply *r)
{
	struct doctor_state *s = r->state;
	struct evpn_vtep_info i = { .vtep = ip_none() };
	int err = doctor_begin(&s->x, r->d->config, r->d);

	if (err)
		return reply_fail(r, 1, "the kernel cannot be asked: %s", strerror(-err));
	while (evpn_vtep_next(r->d->evpn, &i.vtep, &i))
		doctor_take_vtep(&s->x, &i.vtep);
	s->table = doctor_host_checks;
	return 0;
}

static bool more_doctor(struct reply *r)
{
	struct doctor_state *s = r->state;

	if (!doctor_next(&s->x, s->table)) {
		if (s->table == daemon_checks)
			return false;
		s->table = daemon_checks;
		s->x.check = 0;
		return true;
	}
	for (unsigned i = 0; i < s->x.n; i++) {
		reply_row(r);
		doctor_print(&s->x.findings[i], r->out);
	}
	return true;
}

static void end_doctor(struct reply *r)
{
	doctor_end(&((struct doctor_state *)r->state)->x);
}

const struct reply_ops show_doctor = { sizeof(struct doctor_state), start_doctor, more_doctor, end_doctor };

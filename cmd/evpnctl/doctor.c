/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/doctor.h"
#include "cmd/evpnctl/doctor_firewall.h"

static void add(struct buf *out, const struct doctor_finding *f, bool *first)
{
	buf_adds(out, *first ? "" : ",\n");
	*first = false;
	doctor_print(f, out);
}

static bool is_denied(const char *path, int mode)
{
	return access(path, mode) < 0 && errno == EACCES;
}

static void no_daemon(const char *config, const char *socket, const char *why, struct buf *out, bool *first)
{
	struct doctor_finding f = { .code = "not-running", .severity = DOCTOR_ERROR };

	snprintf(f.what, sizeof(f.what), "%s", why);
	doctor_why(&f, "no evpnd answers at %s: what follows is what can be seen without one", socket);
	doctor_command(&f, "systemctl start evpnd; by hand: evpnd -c %s -s %s", config, socket);
	if (is_denied(socket, W_OK)) { /* nothing says that none runs */
		f.code = "no-permission";
		doctor_why(
			&f,
			"what only evpnd knows cannot be looked at, nor can its network namespace if it has another");
		doctor_command(&f, "sudo evpnctl doctor, or a group for you in control: of the configuration");
	}
	add(out, &f, first);
}

static void say_errors(const struct config_errors *errors, const char *config, struct buf *out, bool *first)
{
	for (size_t i = 0; i < errors->n; i++) {
		struct doctor_finding f = { .code = "configuration", .severity = DOCTOR_ERROR };

		snprintf(f.what, sizeof(f.what), "%s", errors->lines[i]);
		doctor_why(&f, "evpnd does not start with it");
		doctor_command(&f, "evpnctl check %s", config);
		add(out, &f, first);
	}
}

static void look_at_host(const struct config *c, struct buf *out, bool *first)
{
	struct doctor x;

	if (doctor_begin(&x, c, NULL))
		return;
	while (doctor_next(&x, doctor_host_checks))
		for (unsigned i = 0; i < x.n; i++)
			add(out, &x.findings[i], first);
	doctor_end(&x);
}

void doctor_alone(const char *config, const char *socket, const char *why, struct buf *out)
{
	struct config_errors errors = { 0 };
	struct config *c = config_load(config, &errors);
	bool first = true;

	buf_adds(out, "[\n");
	no_daemon(config, socket, why, out, &first);
	if (!is_denied(config, R_OK)) /* it is not for this user, and may well be without errors */
		say_errors(&errors, config, out, &first);
	if (c)
		look_at_host(c, out, &first);
	if (c)
		doctor_firewall_alone(c, out, &first);
	buf_adds(out, "\n]\n");
	config_errors_free(&errors);
	config_free(c);
}

void doctor_add(struct conn *c, const char *socket, struct buf *out)
{
	bool first = true, complete;
	const char *line;
	size_t len;

	buf_adds(out, "[\n");
	while ((line = conn_line(c, &len))) {
		while (len && strchr("\n,", line[len - 1]))
			len--;
		if (len <= 1) /* what opens and closes the array */
			continue;
		buf_adds(out, first ? "" : ",\n");
		buf_add(out, line, len);
		first = false;
	}
	complete = c->complete;
	conn_close(c);
	if (complete)
		doctor_firewall_ask(socket, out, &first);
	buf_adds(out, complete ? "\n]\n" : "\n");
}

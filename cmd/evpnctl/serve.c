/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/serve.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "evpnd-http"

int serve_run(const char *socket, const struct verb_args *args)
{
	const char *argv[8] = { PROGRAM, "-s", socket };
	char path[PATH_MAX + sizeof(PROGRAM)];
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX);
	size_t n = 3;

	while (len > 0 && path[len - 1] != '/')
		len--;
	memcpy(path + (len > 0 ? len : 0), PROGRAM, sizeof(PROGRAM));
	if (args->v[ARG_LISTEN].given) {
		argv[n++] = "-l";
		argv[n++] = args->v[ARG_LISTEN].text;
	}
	if (args->v[ARG_HOSTNAMES].given) {
		argv[n++] = "-n";
		argv[n++] = args->v[ARG_HOSTNAMES].text;
	}
	execv(path, (char *const *)(uintptr_t)argv);
	fprintf(stderr, "evpnctl: %s: %s\n", path, strerror(errno));
	return 1;
}

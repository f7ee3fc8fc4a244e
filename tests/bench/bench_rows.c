/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The raw writer (rawrows.h) measured as bench_load measures a daemon: beside a listener that counts the rows, from the
 * first message until the last row is seen.
 *
 *	bench_rows --rows N [--neigh]        in a network namespace with br100 and vxlan100
 *
 * One JSON object on stdout: seconds and processor time of all rows in and out.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/nlwatch.h"
#include "tests/bench/proc.h"
#include "tests/bench/rawrows.h"

#define WAIT_S 120.0

static void die(const char *what)
{
	fprintf(stderr, "bench_rows: %s\n", what);
	exit(1);
}

/* A word from the parent, a write; twice. */
static void write_when_told(struct rawrows *r, int go)
{
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	rawrows_open(r, "vxlan100", "br100");
	for (int add = 1; add >= 0 && read(go, &c, 1) == 1; add--)
		rawrows_write(r, add);
	read(go, &c, 1); /* its processor time is read while it lives */
	rawrows_close(r);
	_exit(0);
}

static bool is_right(const struct nlwatch *w, const struct rawrows *r, bool there)
{
	uint32_t n = there ? r->rows : 0;

	return w->bridge == n && w->vxlan == n && (!r->neigh || w->neigh == n);
}

static void measure(struct nlwatch *w, const struct rawrows *r, pid_t child, int go, bool add)
{
	double cpu = proc_sample(child).cpu, start = proc_now(), end;

	if (write(go, "", 1) != 1)
		die("the writer is gone");
	while (!is_right(w, r, add)) {
		struct pollfd p = { .fd = w->fd, .events = POLLIN };

		poll(&p, 1, 100);
		nlwatch_read(w);
		if (proc_now() - start > WAIT_S)
			die("not all rows were seen");
	}
	end = proc_now();
	printf("%s\"%s\": {\"seconds\": %.5f, \"cpu_s\": %.4f}", add ? "{" : ", ", add ? "announce" : "withdraw",
	       end - start, proc_sample(child).cpu - cpu);
}

int main(int argc, char **argv)
{
	struct rawrows r = { .rows = 100000, .vteps = 1 };
	struct nlwatch w;
	int go[2];
	pid_t child;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--neigh"))
			r.neigh = true;
		else if (!strcmp(argv[i], "--rows") && i + 1 < argc)
			r.rows = (uint32_t)strtoul(argv[++i], NULL, 10);
		else
			die("--rows N, --neigh");
	}
	if (nlwatch_open(&w, NULL, r.rows) < 0 || pipe(go) < 0)
		return 1;
	child = fork();
	if (!child)
		write_when_told(&r, go[0]);
	usleep(200000); /* it has opened its sockets */
	measure(&w, &r, child, go[1], true);
	measure(&w, &r, child, go[1], false);
	printf("}\n");
	if (write(go[1], "", 1) != 1)
		die("the writer is gone");
	waitpid(child, NULL, 0);
	nlwatch_close(&w);
	return 0;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/bench/proc.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double proc_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

void proc_reset_peak(pid_t pid)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", (int)pid);
	f = fopen(path, "w");
	if (!f)
		return;
	fputs("5", f); /* resets VmHWM */
	fclose(f);
}

static void read_memory(pid_t pid, struct proc_sample *s)
{
	char path[64], line[256];
	unsigned long long kb;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "VmRSS: %llu", &kb) == 1)
			s->rss = kb * 1024;
		else if (sscanf(line, "VmHWM: %llu", &kb) == 1)
			s->peak = kb * 1024;
	}
	fclose(f);
}

static void read_cpu(pid_t pid, struct proc_sample *s)
{
	unsigned long long utime, stime;
	char path[64], line[1024];
	const char *after;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return;
	/* Fields 14 and 15, counted behind the name, which may hold spaces. */
	if (fgets(line, sizeof(line), f) && (after = strrchr(line, ')')) &&
	    sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &utime, &stime) == 2)
		s->cpu = (double)(utime + stime) / (double)sysconf(_SC_CLK_TCK);
	fclose(f);
}

struct proc_sample proc_sample(pid_t pid)
{
	struct proc_sample s = { 0 };

	read_memory(pid, &s);
	read_cpu(pid, &s);
	return s;
}

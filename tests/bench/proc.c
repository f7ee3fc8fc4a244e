/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/bench/proc.h"

#include <dirent.h>
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

/* Nanoseconds, the first fields of a thread's schedstat: finer than the ticks in stat. */
static void add_thread(pid_t pid, const char *tid, struct proc_sample *s)
{
	unsigned long long ran, waited;
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, tid);
	f = fopen(path, "r");
	if (!f)
		return;
	if (fscanf(f, "%llu %llu", &ran, &waited) == 2) {
		s->cpu += (double)ran * 1e-9;
		s->waited += (double)waited * 1e-9;
	}
	fclose(f);
}

static void read_cpu(pid_t pid, struct proc_sample *s)
{
	const struct dirent *e;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	if (!d)
		return;
	while ((e = readdir(d))) {
		if (e->d_name[0] != '.')
			add_thread(pid, e->d_name, s);
	}
	closedir(d);
}

struct proc_sample proc_sample(pid_t pid)
{
	struct proc_sample s = { 0 };

	read_memory(pid, &s);
	read_cpu(pid, &s);
	return s;
}

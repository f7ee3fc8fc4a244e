/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What the kernel says of a process: memory and processor time, from /proc (proc(5)). */
#ifndef BENCH_PROC_H
#define BENCH_PROC_H

#include <stdint.h>
#include <sys/types.h>

struct proc_sample {
	uint64_t rss, peak; /* octets, resident: now, and the most since proc_reset_peak() */
	double cpu;         /* s on a processor, of the threads that there are */
	double waited;      /* s that these were ready to run and had to wait for one */
};

/* Zeros when there is no such process. */
struct proc_sample proc_sample(pid_t pid);
void proc_reset_peak(pid_t pid);
double proc_now(void); /* s, monotonic */

#endif

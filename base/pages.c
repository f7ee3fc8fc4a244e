/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A region is address space: 32 MiB, aligned to a huge page, which the kernel backs one by one as they are touched. Pieces
 * are cut off its start and unmapped for good when they come back, so at most one huge page is there in vain.
 */
#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/log.h"

#define PAGE ((size_t)4096)
#define HUGE_PAGE ((size_t)2 << 20)
#define REGION ((size_t)32 << 20)

size_t pages_round(size_t octets)
{
	return (octets + PAGE - 1) & ~(PAGE - 1);
}

static char *map(const struct pages *p, size_t octets)
{
	void *m = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (m == MAP_FAILED)
		BUG("no memory for %zu octets, %zu in use", octets, p->mapped);
	return m;
}

static void region_end(struct pages *p)
{
	if (p->next != p->end)
		munmap(p->next, (size_t)(p->end - p->next));
	p->next = p->end = NULL;
}

static void region_begin(struct pages *p)
{
	char *m = map(p, REGION + HUGE_PAGE);
	size_t before = -(uintptr_t)m & (HUGE_PAGE - 1);

	region_end(p);
	if (before)
		munmap(m, before);
	munmap(m + before + REGION, HUGE_PAGE - before);
	p->next = m + before;
	p->end = p->next + REGION;
	madvise(p->next, REGION, MADV_HUGEPAGE); /* a kernel without them gives small pages */
}

void *pages_get(struct pages *p, size_t octets)
{
	size_t n = pages_round(octets);
	void *m;

	p->mapped += n;
	if (p->mapped < PAGES_HUGE_FROM || n > REGION)
		return map(p, n);
	if ((size_t)(p->end - p->next) < n)
		region_begin(p);
	m = p->next;
	p->next += n;
	return m;
}

void pages_put(struct pages *p, void *m, size_t octets)
{
	size_t n = pages_round(octets);

	munmap(m, n);
	p->mapped -= n;
	if (!p->mapped)
		region_end(p);
}

void pages_fini(struct pages *p)
{
	BUG_ON(p->mapped);
	region_end(p);
}

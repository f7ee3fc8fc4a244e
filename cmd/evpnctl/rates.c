/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/rates.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/log.h"

struct rates_counter {
	UT_hash_handle hh;
	uint64_t value;
	uint32_t round;
	char name[];
};

struct rates {
	struct rates_counter *counters;
	uint32_t round;
	double at, elapsed; /* s */
};

struct rates *rates_new(void)
{
	return xcalloc(1, sizeof(struct rates));
}

static void drop(struct rates *r, struct rates_counter *c)
{
	HASH_DEL(r->counters, c);
	free(c);
}

void rates_free(struct rates *r)
{
	struct rates_counter *c, *tmp;

	HASH_ITER(hh, r->counters, c, tmp)
		drop(r, c);
	free(r);
}

void rates_begin(struct rates *r, double at_s)
{
	struct rates_counter *c, *tmp;

	HASH_ITER(hh, r->counters, c, tmp) {
		if (c->round != r->round)
			drop(r, c);
	}
	r->round++;
	r->elapsed = at_s - r->at;
	r->at = at_s;
}

double rates_of(struct rates *r, const char *name, uint64_t value)
{
	size_t len = strlen(name);
	struct rates_counter *c;
	double rate = -1;

	HASH_FIND(hh, r->counters, name, len, c);
	if (!c) {
		c = xcalloc(1, sizeof(*c) + len + 1);
		memcpy(c->name, name, len);
		HASH_ADD_KEYPTR(hh, r->counters, c->name, len, c);
	} else if (value >= c->value && r->elapsed > 0) {
		rate = (double)(value - c->value) / r->elapsed;
	}
	c->value = value;
	c->round = r->round;
	return rate;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * MACs and addresses that move at random between our ports and VTEPs, against a model: plain arrays, everything worked
 * out again after each event. Rows wanted and routes originated must be the same all the time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/evpnworld.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define MACS 5u
#define IPS 4u   /* ip 0: the MAC-only route */
#define VTEPS 4u /* 192.0.2.7, .8, .10, .11; we are .9 */

struct claim {
	bool there, sticky;
	uint32_t seq;
};

struct model_mac {
	bool here, is_static;
	bool took; /* the row may take over */
	bool barred; /* seen on a port, but static elsewhere */
	uint32_t seq;
	struct claim claims[VTEPS][IPS + 1];
};

struct model_ip {
	unsigned local; /* MAC, 0: none */
	bool stale;     /* its MAC was here and left */
	unsigned row;   /* MAC of the row, 0: none */
	bool row_took;
};

struct model {
	struct model_mac mac[MACS + 1];
	struct model_ip ip[IPS + 1];
};

static unsigned vtep_number(unsigned v)
{
	return v < 2 ? 7 + v : 8 + v;
}

/* The rules, said once more: sticky, sequence, lower VTEP. Sequences stay small here, so they do not wrap. */
static bool beats(struct claim a, unsigned a_vtep, struct claim b, unsigned b_vtep)
{
	if (a.sticky != b.sticky)
		return a.sticky;
	return a.seq != b.seq ? a.seq > b.seq : a_vtep < b_vtep;
}

/* The VTEP number of the best claim on a MAC among those with ip (ip > IPS: any), 0 without. */
static unsigned best(const struct model_mac *m, unsigned ip, struct claim *out)
{
	unsigned vtep = 0;

	for (unsigned v = 0; v < VTEPS; v++) {
		for (unsigned i = 0; i <= IPS; i++) {
			struct claim c = m->claims[v][i];

			if (!c.there || (ip <= IPS && i != ip))
				continue;
			if (!vtep || beats(c, vtep_number(v), *out, vtep)) {
				vtep = vtep_number(v);
				*out = c;
			}
		}
	}
	return vtep;
}

#define ANY_IP (IPS + 1)

static bool loses(const struct model_mac *m)
{
	struct claim c, ours = { .seq = m->seq };
	unsigned vtep = best(m, ANY_IP, &c);

	return vtep && beats(c, vtep, ours, 9);
}

/* A MAC came or went: its local addresses are fresh again, or stale if they were advertised. */
static void moved(struct model *o, unsigned mac, bool was_here)
{
	for (unsigned i = 1; i <= IPS; i++) {
		if (o->ip[i].local != mac)
			continue;
		if (o->mac[mac].here)
			o->ip[i].stale = false;
		else if (was_here)
			o->ip[i].stale = true;
	}
}

static void model_learn(struct model *o, unsigned mac, bool is_static)
{
	struct model_mac *m = &o->mac[mac];
	struct claim c = { 0 };
	unsigned vtep = best(m, ANY_IP, &c);
	bool was = m->here;

	m->is_static = is_static;
	if (!was || (loses(m) && !is_static)) {
		m->here = !vtep || !c.sticky || is_static;
		m->took = !m->here && !m->barred; /* asked for once */
		m->barred = !m->here;
		m->seq = vtep ? c.seq + 1 : 0;
	}
	moved(o, mac, was);
}

static void model_leave(struct model *o, unsigned mac)
{
	bool was = o->mac[mac].here;

	o->mac[mac].here = o->mac[mac].barred = false;
	moved(o, mac, was);
}

static void model_route(struct model *o, unsigned mac)
{
	struct model_mac *m = &o->mac[mac];
	struct claim c = { 0 };
	bool was = m->here;
	unsigned vtep = best(m, ANY_IP, &c);

	if (m->here && !m->is_static && loses(m)) {
		m->here = false;
		m->took = m->barred = true;
	}
	if (m->barred && !m->took && !(vtep && c.sticky)) { /* the port, which shows it, has waited for this */
		m->here = true;
		m->seq = vtep ? c.seq + 1 : 0;
	}
	m->barred = m->barred && !m->here && vtep && c.sticky;
	if (m->here || !vtep)
		m->took = false;
	moved(o, mac, was);
}

static void model_rows_of_ips(struct model *o)
{
	for (unsigned i = 1; i <= IPS; i++) {
		struct model_ip *p = &o->ip[i];
		unsigned row = 0, vtep = 0;
		struct claim won = { 0 };

		for (unsigned mac = 1; mac <= MACS; mac++) {
			struct claim c = { 0 };
			unsigned v = o->mac[mac].here ? 0 : best(&o->mac[mac], i, &c);

			if (v && (!row || beats(c, v, won, vtep))) {
				row = mac;
				vtep = v;
				won = c;
			}
		}
		if (p->local && !p->stale && p->local != row)
			row = 0; /* a local host has it */
		if (row && (row != p->row || (p->local && p->stale)))
			p->row_took = p->local && p->stale;
		if (row && p->stale)
			p->local = 0;
		p->row = row;
	}
}

static void model_text(const struct model *o, struct buf *rows, struct buf *ours)
{
	for (unsigned mac = 1; mac <= MACS; mac++) {
		const struct model_mac *m = &o->mac[mac];
		const struct mac a = world_mac(mac);
		struct claim c;
		unsigned vtep = m->here ? 0 : best(m, ANY_IP, &c);

		if (vtep)
			buf_printf(rows, "fdb 100 %s 192.0.2.%u%s%s\n", mac_str(&a).s, vtep, c.sticky ? " sticky" : "",
				   m->took ? " take-over" : "");
	}
	buf_adds(ours, "100 imet 192.0.2.9\n");
	for (unsigned mac = 1; mac <= MACS; mac++) {
		for (unsigned i = 0; i <= IPS && o->mac[mac].here; i++) {
			const struct mac a = world_mac(mac);

			if (i && o->ip[i].local != mac)
				continue;
			buf_printf(ours, "100 mac %s", mac_str(&a).s);
			if (i)
				buf_printf(ours, " 10.0.0.%u", i);
			if (o->mac[mac].seq)
				buf_printf(ours, " seq %u", o->mac[mac].seq);
			buf_adds(ours, o->mac[mac].is_static ? " sticky\n" : "\n");
		}
	}
	for (unsigned i = 1; i <= IPS; i++) {
		const struct mac a = world_mac(o->ip[i].row);

		if (o->ip[i].row)
			buf_printf(rows, "neigh 100 10.0.0.%u %s%s\n", i, mac_str(&a).s,
				   o->ip[i].row_took ? " take-over" : "");
	}
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

static int line_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* stubbgp sorts its lines; so must we. */
static void sort_lines(struct buf *b)
{
	char *lines[128], *text = xcalloc(b->len + 1, 1), *save = NULL;
	size_t n = 0;

	memcpy(text, buf_data(b), b->len);
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		lines[n++] = l;
	qsort(lines, n, sizeof(lines[0]), line_cmp);
	buf_reset(b);
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s\n", lines[i]);
	free(text);
}

static void compare(struct world *w, const struct model *o)
{
	struct buf rows, ours;

	buf_init(&rows);
	buf_init(&ours);
	model_text(o, &rows, &ours);
	sort_lines(&ours);
	buf_add(&rows, "", 1);
	buf_add(&ours, "", 1);
	world_rows(w, buf_data(&rows));
	world_ours(w, buf_data(&ours));
	buf_fini(&rows);
	buf_fini(&ours);
}

static void event(struct world *w, struct model *o, struct rng *rng)
{
	unsigned mac = rng_below(rng, MACS) + 1, ip = rng_below(rng, IPS) + 1, v = rng_below(rng, VTEPS);
	unsigned variant = rng_below(rng, 2) ? 0 : ip;
	struct claim *c = &o->mac[mac].claims[v][variant], top = { 0 };
	struct route r = { .vtep = vtep_number(v), .mac = mac, .ip = variant };
	struct mac m = world_mac(mac);
	bool is_static = !rng_below(rng, 8);

	switch (rng_below(rng, 10)) {
	case 0:
	case 1:
		w->port->local_mac(w->e, 100, &m, 7, is_static ? DP_LOCAL_STATIC : 0);
		model_learn(o, mac, is_static);
		break;
	case 2:
		world_leave(w, mac);
		model_leave(o, mac);
		break;
	case 3:
		world_learn_ip(w, ip, mac);
		o->ip[ip].local = mac;
		o->ip[ip].stale = false;
		break;
	case 4:
		world_leave_ip(w, ip);
		o->ip[ip].local = 0;
		break;
	case 5:
	case 6:
	case 7: /* around the highest sequence that is known */
		best(&o->mac[mac], ANY_IP, &top);
		if (o->mac[mac].here && o->mac[mac].seq > top.seq)
			top.seq = o->mac[mac].seq;
		*c = (struct claim){ true, !rng_below(rng, 12), top.seq + 1 - rng_below(rng, top.seq ? 3 : 2) };
		r.seq = c->seq;
		r.sticky = c->sticky;
		world_announce(w, r);
		model_route(o, mac);
		break;
	default:
		c->there = false;
		world_withdraw(w, r);
		model_route(o, mac);
	}
	model_rows_of_ips(o);
}

static void moves_agree_with_the_model(void **state)
{
	struct rng rng = rng_start("moves_agree_with_the_model");

	for (int run = 0; run < 20; run++) {
		struct world w;
		struct model o = { 0 };

		world_start(&w);
		world_vni(&w, 100);
		for (int step = 0; step < 1000; step++) {
			event(&w, &o, &rng);
			compare(&w, &o);
		}
		world_end(&w);
	}
}

/* A virtual machine that goes back and forth: the sequence counts every move and nothing is left behind. */
static void moves_there_and_back_a_thousand_times(void **state)
{
	struct world w;
	struct route mac = { .vtep = 2, .mac = 1 }, ip = { .vtep = 2, .mac = 1, .ip = 1 };

	world_start(&w);
	world_vni(&w, 100);
	for (unsigned i = 0; i < 1000; i++) {
		char ours[128];

		world_learn(&w, 1);
		world_learn_ip(&w, 1, 1);
		world_withdraw(&w, mac);
		world_withdraw(&w, ip);
		world_rows(&w, "");
		snprintf(ours, sizeof(ours),
			 i ? "100 imet 192.0.2.9\n100 mac 02:00:00:00:00:01 10.0.0.1 seq %u\n"
			     "100 mac 02:00:00:00:00:01 seq %u\n" :
			     "100 imet 192.0.2.9\n100 mac 02:00:00:00:00:01\n100 mac 02:00:00:00:00:01 10.0.0.1\n",
			 2 * i, 2 * i);
		world_ours(&w, ours);
		mac.seq = ip.seq = 2 * i + 1;
		world_announce(&w, mac);
		world_announce(&w, ip);
		world_rows(&w, "fdb 100 02:00:00:00:00:01 192.0.2.2 take-over\n"
			       "neigh 100 10.0.0.1 02:00:00:00:00:01 take-over\n");
		world_ours(&w, "100 imet 192.0.2.9\n");
	}
	world_withdraw(&w, mac);
	world_withdraw(&w, ip);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_there_and_back_a_thousand_times),
		cmocka_unit_test(moves_agree_with_the_model),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What the VTEP has counted: frames by VNI, port, VTEP and worker, drops by reason. Reads while others count. */
#include <stdio.h>

#include "dataplane/vtep/worker.h"

enum phase { PHASE_DROPS, PHASE_WORKERS, PHASE_VNIS, PHASE_PORTS, PHASE_VTEPS, PHASE_END };

static uint64_t read_counter(const uint64_t *c)
{
	return __atomic_load_n(c, __ATOMIC_RELAXED);
}

static void sum(const struct vtep *v, const struct traffic *c, struct dp_traffic *out)
{
	for (unsigned i = 0; i < v->n_workers; i++) {
		out->rx_frames += read_counter(&c[i].rx_frames);
		out->rx_octets += read_counter(&c[i].rx_octets);
		out->tx_frames += read_counter(&c[i].tx_frames);
		out->tx_octets += read_counter(&c[i].tx_octets);
		out->drops += read_counter(&c[i].drops);
	}
}

static bool fill_drops(const struct vtep *v, uint32_t n, struct dp_traffic *out)
{
	if (n >= VTEP_DROPS)
		return false;
	snprintf(out->name, sizeof(out->name), "%s", vtep_drop_names[n]);
	out->drops = v->lost[n];
	for (unsigned i = 0; i < v->n_workers; i++)
		out->drops += read_counter(&v->workers[i].drops[n]);
	return true;
}

/* The ports of all VNIs are what a worker receives from and sends to; drops without a port or VNI count, too. */
static bool fill_worker(const struct vtep *v, uint32_t n, struct dp_traffic *out)
{
	struct bridge *b;

	if (n >= v->n_workers)
		return false;
	snprintf(out->name, sizeof(out->name), "%u", n);
	list_for_each(b, &v->bridges, list) {
		for (uint32_t i = 0; i < b->ports->n; i++) {
			const struct traffic *c = &b->ports->at[i]->c[n];

			out->rx_frames += read_counter(&c->rx_frames);
			out->rx_octets += read_counter(&c->rx_octets);
			out->tx_frames += read_counter(&c->tx_frames);
			out->tx_octets += read_counter(&c->tx_octets);
		}
	}
	for (unsigned i = 0; i < VTEP_DROPS; i++)
		out->drops += read_counter(&v->workers[n].drops[i]);
	return true;
}

static bool fill_vni(const struct vtep *v, uint32_t n, struct dp_traffic *out)
{
	struct bridge *b;

	list_for_each(b, &v->bridges, list) {
		if (n--)
			continue;
		out->vni = b->vni;
		sum(v, b->c, out);
		return true;
	}
	return false;
}

static bool fill_port(const struct vtep *v, uint32_t n, struct dp_traffic *out)
{
	struct bridge *b;

	list_for_each(b, &v->bridges, list) {
		if (n >= b->ports->n) {
			n -= b->ports->n;
			continue;
		}
		out->vni = b->vni;
		snprintf(out->name, sizeof(out->name), "%s", b->ports->at[n]->label);
		sum(v, b->ports->at[n]->c, out);
		return true;
	}
	return false;
}

static bool fill_vtep(const struct vtep *v, uint32_t n, struct dp_traffic *out)
{
	const struct remote *r;

	list_for_each(r, &v->remotes, list) {
		if (!r->ip.len || n--)
			continue; /* several */
		snprintf(out->name, sizeof(out->name), "%s", ip_str(&r->ip).s);
		sum(v, r->c, out);
		return true;
	}
	return false;
}

/* handle: ports that were passed. */
bool vtep_next_port(const void *be, struct dp_cursor *c, struct dp_port_info *out)
{
	const struct vtep *v = be;
	uint32_t n = c->handle++;
	struct bridge *b;

	list_for_each(b, &v->bridges, list) {
		const struct vport *p;

		if (n >= b->ports->n) {
			n -= b->ports->n;
			continue;
		}
		p = b->ports->at[n];
		*out = (struct dp_port_info){ .vni = b->vni,
					      .name = p->label,
					      .vlan = p->vlan,
					      .tagged = p->vlan,
					      .up = p->id && !p->silent,
					      .made = p->tap || p->near };
		return true;
	}
	return false;
}

bool vtep_next_traffic(void *be, struct dp_cursor *c, struct dp_traffic *out)
{
	static const struct {
		const char *scope;
		bool (*fill)(const struct vtep *v, uint32_t n, struct dp_traffic *out);
	} phases[] = {
		[PHASE_DROPS] = { "drop", fill_drops }, [PHASE_WORKERS] = { "worker", fill_worker },
		[PHASE_VNIS] = { "vni", fill_vni },	[PHASE_PORTS] = { "port", fill_port },
		[PHASE_VTEPS] = { "vtep", fill_vtep },
	};

	for (; c->phase < PHASE_END; c->phase++, c->handle = 0) {
		*out = (struct dp_traffic){ .scope = phases[c->phase].scope };
		if (phases[c->phase].fill(be, c->handle++, out))
			return true;
	}
	return false;
}

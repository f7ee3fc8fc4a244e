/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * ARP and neighbour discovery as a worker treats it. What a host on a port says is passed on to the
 * control thread, so many a second. With suppression a question or probe for a host behind a VTEP is
 * answered here, from the bindings that the control thread publishes, and goes no further (RFC 9161
 * 3.1, 3.3); a question for someone unknown is flooded, and never answered. Announcements cross, so
 * that caches behind other VTEPs hear of them. What came by the tunnel is passed on where hosts are
 * learned from it, and else no business of ours but for the ports: its VTEP has answered what it could.
 */
#include "dataplane/vtep/worker.h"

static void pass_on(struct worker *w, struct talk *t, uint32_t vni, uint16_t port, const struct pkt *k)
{
	if (t->second != w->now) {
		t->second = w->now;
		t->n = 0;
	}
	if (t->n >= VTEP_SAID_A_SECOND || !worker_pass_on(w, vni, port, k->p, k->len))
		count(&t->unheard, 1);
	else
		t->n++;
}

const struct binding *answer_owner(const struct bridge *b, const struct ip *ip)
{
	const struct binding *n = (struct binding *)(uintptr_t)rmap_get(&b->neighs, vtep_ip_key(b->v, ip));

	if (!n || !ip_eq(&n->ip, ip) || !fdb_is_remote(fdb_get(&b->fdb, fdb_key(&n->mac))))
		return NULL;
	return n;
}

static void answer(struct worker *w, struct vport *port, const struct arpnd *question, const struct binding *owner)
{
	struct pkt k = { .p = worker_scratch(w, ARPND_FRAME_MAX) };

	k.len = (uint32_t)arpnd_build_answer(k.p, question, &owner->mac, owner->router);
	frame_parse(&k.f, k.p, k.len);
	out_to_port(w, port, &k, false);
	count(&port->c[w->nr].tx_frames, 1);
	count(&port->c[w->nr].tx_octets, k.len);
	count(&port->talk[w->nr].answered, 1);
}

/* Where addresses are asked for a question goes to no VTEP, but a host here may have it. */
static void ask_ports(struct worker *w, struct vport *port, struct pkt *k)
{
	const struct ports *ports = __atomic_load_n(&port->bridge->ports, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < ports->n; i++)
		if (ports->at[i] != port && __atomic_load_n(&ports->at[i]->dev, __ATOMIC_ACQUIRE))
			out_to_port(w, ports->at[i], k, false);
}

bool answer_from_port(struct worker *w, struct vport *port, struct pkt *k)
{
	struct mac dst = frame_dst(k->p);
	struct bridge *b = port->bridge;
	const struct binding *owner;
	struct arpnd p;

	if (b->hear_hosts)
		pass_on(w, &port->talk[w->nr], b->vni, (uint16_t)port->nr, k);
	if (mac_eq(&dst, &w->v->own))
		return true; /* to a question of ours */
	if (!b->suppress || !mac_is_group(&dst) || !arpnd_parse(k->p, k->len < ARPND_SNAP ? k->len : ARPND_SNAP, &p) ||
	    (p.kind != DP_HEARD_QUESTION && p.kind != DP_HEARD_PROBE))
		return false;
	owner = answer_owner(b, &p.target);
	if (!owner && b->miss_ips) {
		ask_ports(w, port, k);
		return true;
	}
	if (!owner)
		return false;
	/* Not to the owner itself, which would take it for a conflict: it may just have moved here. */
	if (!mac_eq(&owner->mac, &p.src))
		answer(w, port, &p, owner);
	return true;
}

bool answer_from_tunnel(struct worker *w, struct bridge *b, const struct pkt *k)
{
	struct mac dst = frame_dst(k->p);

	if (b->hear_hosts)
		pass_on(w, &b->talk[w->nr], b->vni, SAID_TUNNEL, k);
	return mac_eq(&dst, &w->v->own);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A fresh look at devices, nexthops, neighbours and FDBs for dataplane/audit.c. Dumps are read by a thread
 * (kernel_dump.h), a datagram of them is judged a step, so neither the kernel's walk nor its lock holds the control
 * thread.
 *
 * What another hand has changed of a device of ours is put right by setting it up once more, which is what
 * kernel_dev.c does with a device that is new.
 */
#include "dataplane/kernel.h"
#include "dataplane/kernel_dump.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define WAIT_MS 1 /* for the kernel, a step: the loop turns meanwhile, and not for nothing */

enum look { LOOK_DEVICES, LOOK_NEXTHOPS, LOOK_IPV4, LOOK_IPV6, LOOK_FDB, LOOK_DONE };

struct look_run {
	struct kernel *k;
	struct dp_audit *a;
	struct kdump dump;
	enum look what;
	bool dumping;
	uint32_t *vnis; /* those to look at; they may go meanwhile */
	size_t n, at;
};

/* ---- devices ----------------------------------------------------------------------------------------------------- */

/* Of one VNI. */
struct inspect {
	struct kernel *k;
	struct dp_audit *a;
	struct kvni *v;
	bool mend;
};

static bool differs(struct inspect *i, const char *device, const char *property, const char *expected,
		    const char *found)
{
	bool mend = strcmp(expected, found) && dp_audit_device(i->a, i->v->vni, device, property, expected, found);

	i->mend |= mend;
	return mend;
}

static const char *on_off(bool on)
{
	return on ? "on" : "off";
}

/* Where it was put and is not any more; what never was there is in another's bridge with right. */
static void look_at_master(struct inspect *i, const struct klink *l, const struct klink *br, bool ours)
{
	const struct klink *other = l->master ? kernel_link_find(i->k, l->master) : NULL;

	if (!br || !ours || l->master == (unsigned)br->ifindex)
		return;
	if (differs(i, l->name, "master", br->name, other ? other->name : "none"))
		kernel_set_master(i->k, l, (unsigned)br->ifindex);
}

static void look_at_number(struct inspect *i, const char *device, const char *property, uint32_t expected,
			   uint32_t found)
{
	char e[16], f[16];

	snprintf(e, sizeof(e), "%u", expected);
	snprintf(f, sizeof(f), "%u", found);
	differs(i, device, property, e, found ? f : "none");
}

/* Of a port that was put into the VNI's VLAN, or the vxlan device. */
static void look_at_vlan(struct inspect *i, struct klink *l)
{
	const struct kvni *v = i->v;

	kernel_member_refresh(i->k, l);
	look_at_number(i, l->name, "vlan", v->vlan, kernel_member_in(l, v->vlan) ? v->vlan : 0);
	if (l->kind != KLINK_VXLAN || !v->external || !l->member)
		return;
	look_at_number(i, l->name, "vni of the vlan", v->vni, kernel_member_vni(l, v->vlan));
	look_at_number(i, l->name, "vni in the filter", v->vni, kernel_member_takes(l, v->vni) ? v->vni : 0);
}

static void look_at_vxlan(struct inspect *i, struct klink *vx, const struct klink *br)
{
	struct kvni *v = i->v;
	char expected[16], found[16];
	unsigned fits;

	differs(i, vx->name, "state", "up", vx->flags & IFF_UP ? "up" : "down");
	look_at_master(i, vx, br, v->configured[CONFIGURED_VXLAN] == (unsigned)vx->ifindex);
	differs(i, vx->name, "vxlan learning", on_off(v->learn), on_off(vx->vxlan_learning));
	differs(i, vx->name, "group", v->group.len ? ip_str(&v->group).s : "none",
		vx->flood_group.len ? ip_str(&vx->flood_group).s : "none");
	fits = kernel_dev_mtu(i->k, v);
	if (fits && vx->mtu > fits) {
		snprintf(expected, sizeof(expected), "%u", fits);
		snprintf(found, sizeof(found), "%u", vx->mtu);
		v->mtu_guessed |= differs(i, vx->name, "mtu", expected, found);
	}
	if (!br || vx->master != (unsigned)br->ifindex)
		return;
	differs(i, vx->name, "learning", on_off(v->learn), on_off(vx->learning));
	differs(i, vx->name, "neigh_suppress", on_off(v->suppress), on_off(vx->suppress));
	differs(i, vx->name, "flood", on_off(!v->drop_unknown), on_off(vx->floods));
	if (v->vlan)
		look_at_vlan(i, vx);
}

/* Set up anew: a device that is no more what it was configured as. */
static void set_up_anew(struct kernel *k, struct kvni *v)
{
	memset(v->configured, 0, sizeof(v->configured));
	for (size_t i = 0; i < v->n_ports; i++)
		v->ports[i].configured = 0;
	kernel_dev_want(k, v);
	dp_kick(k->d);
}

static void look_at_devices(struct look_run *r, struct kvni *v)
{
	struct inspect i = { .k = r->k, .a = r->a, .v = v };
	struct klink *br = v->bridge[0] ? kernel_link_refresh(r->k, v->bridge) : NULL;
	struct klink *vx = kernel_link_refresh(r->k, v->vxlan), *l;

	if (v->bridge[0] && !br)
		differs(&i, v->bridge, "state", "there", "missing");
	if (br)
		differs(&i, br->name, "state", "up", br->flags & IFF_UP ? "up" : "down");
	if (!vx)
		differs(&i, v->vxlan, "state", "there", "missing");
	else if (v->vxlan_state == DP_DEV_CONFLICT)
		differs(&i, v->vxlan, "state", "one of ours", v->problem);
	else
		look_at_vxlan(&i, vx, br);
	for (size_t p = 0; br && p < v->n_ports; p++) {
		l = kernel_link_refresh(r->k, v->ports[p].name);
		if (!l)
			differs(&i, v->ports[p].name, "state", "there", "missing");
		else
			look_at_master(&i, l, br, v->ports[p].configured == (unsigned)l->ifindex);
		if (l && v->vlan && l->master == (unsigned)br->ifindex &&
		    v->ports[p].configured == (unsigned)l->ifindex)
			look_at_vlan(&i, l);
	}
	if (i.mend)
		set_up_anew(r->k, v);
}

/* ---- dumps ------------------------------------------------------------------------------------------------------- */

static void on_seen(void *ctx, const struct dp_seen *s)
{
	dp_audit_seen(((struct look_run *)ctx)->a, s);
}

static void on_row(void *ctx, const struct nlmsghdr *h)
{
	struct look_run *r = ctx;

	kernel_neigh_look(r->k, h, on_seen, r);
}

static void begin(struct look_run *r, struct nl_msg *m)
{
	kdump_begin(&r->dump, m);
	r->dumping = true;
}

/* Another VNI before it in the list has the same bridge, whose rows are looked at together. */
static bool is_seen_with_another(const struct look_run *r, const struct kvni *v)
{
	for (size_t i = 0; i + 1 < r->at && v->vlan; i++) {
		const struct kvni *other = kernel_vni_find(r->k, r->vnis[i]);

		if (other && other->bridge_ifindex == v->bridge_ifindex)
			return true;
	}
	return false;
}

/* Begins the dump of the next table; false when there is none any more. */
static bool next_fdb(struct look_run *r)
{
	while (r->at < r->n) {
		struct kvni *v = kernel_vni_find(r->k, r->vnis[r->at++]);
		struct ndmsg nd = { .ndm_family = AF_BRIDGE };
		struct nl_msg *m;

		if (!v || !v->ready || is_seen_with_another(r, v))
			continue;
		if (!v->bridge_ifindex)
			nd.ndm_ifindex = (int)v->vxlan_ifindex;
		m = ksock_msg(RTM_GETNEIGH, 0, &nd, sizeof(nd));
		if (v->bridge_ifindex)
			nla_put_u32(m, NDA_MASTER, v->bridge_ifindex);
		begin(r, m);
		return true;
	}
	return false;
}

static void begin_neighbours(struct look_run *r, uint8_t family)
{
	struct ndmsg nd = { .ndm_family = family };

	begin(r, ksock_msg(RTM_GETNEIGH, 0, &nd, sizeof(nd)));
}

/* The next thing to look at; true when there is one. */
static bool advance(struct look_run *r)
{
	if (r->what == LOOK_FDB && next_fdb(r))
		return true;
	if (r->what == LOOK_DEVICES && r->at < r->n) {
		struct kvni *v = kernel_vni_find(r->k, r->vnis[r->at++]);

		if (v)
			look_at_devices(r, v);
		return true;
	}
	r->what++;
	r->at = 0;
	if (r->what == LOOK_NEXTHOPS)
		kernel_nh_audit(r->k, r->a);
	else if (r->what == LOOK_IPV4)
		begin_neighbours(r, AF_INET);
	else if (r->what == LOOK_IPV6)
		begin_neighbours(r, AF_INET6);
	return r->what != LOOK_DONE;
}

/* ---- for struct dp_ops ------------------------------------------------------------------------------------------- */

void *kernel_audit_begin(void *be, struct dp_audit *a, uint32_t vni)
{
	struct look_run *r = xcalloc(1, sizeof(*r));
	struct kernel *k = be;
	struct kvni *v;
	int err = kdump_open(&r->dump);

	if (err) {
		log_warn(k->log, LOG_DP, "kernel: no socket to look at its tables: %s", strerror(-err));
		free(r);
		return NULL;
	}
	r->k = k;
	r->a = a;
	list_for_each(v, &k->vnis, list)
		r->n++;
	r->vnis = xcalloc(r->n + 1, sizeof(*r->vnis));
	r->n = 0;
	list_for_each(v, &k->vnis, list) {
		if (!vni || v->vni == vni)
			r->vnis[r->n++] = v->vni;
	}
	return r;
}

bool kernel_audit_step(void *be, void *run)
{
	struct look_run *r = run;
	int more;

	if (!r->dumping)
		return advance(r);
	more = kdump_more(&r->dump, WAIT_MS, on_row, r);
	r->dumping = more > KDUMP_END;
	if (more < 0)
		dp_audit_unsure(r->a);
	return true;
}

void kernel_audit_end(void *be, void *run)
{
	struct look_run *r = run;

	kdump_close(&r->dump);
	free(r->vnis);
	free(r);
}

struct answer {
	struct kernel *k;
	struct dp_seen *s;
	bool found;
};

static void take_answer(void *ctx, const struct dp_seen *s)
{
	struct answer *a = ctx;

	if (s->vni != a->s->vni || s->kind != a->s->kind || s->part != a->s->part)
		return;
	*a->s = *s;
	a->found = true;
}

static void on_answer(void *ctx, const struct nlmsghdr *h)
{
	struct answer *a = ctx;

	kernel_neigh_look(a->k, h, take_answer, a);
}

/* A flood list cannot be asked for one of its rows. */
bool kernel_audit_row(void *be, void *vni, struct dp_seen *s)
{
	struct kernel *k = be;
	struct kvni *v = vni;
	struct answer a = { .k = k, .s = s };
	bool neigh = s->kind == DP_NEIGH, bridge = s->kind == DP_FDB && s->part == DP_PORT;
	struct ndmsg nd = { .ndm_family = neigh ? (uint8_t)ip_family(&s->ip) : AF_BRIDGE };
	struct nl_msg *m;
	int err;

	if (s->kind == DP_FLOOD)
		return false;
	nd.ndm_ifindex = neigh ? (int)kernel_neigh_ifindex(v) : bridge ? 0 : (int)v->vxlan_ifindex;
	nd.ndm_flags = neigh || bridge ? 0 : NTF_SELF;
	m = ksock_msg(RTM_GETNEIGH, 0, &nd, sizeof(nd));
	if (neigh)
		nla_put(m, NDA_DST, s->ip.len, s->ip.b);
	else
		nla_put(m, NDA_LLADDR, sizeof(s->mac.b), s->mac.b);
	if (bridge)
		nla_put_u32(m, NDA_MASTER, v->bridge_ifindex);
	if (bridge && v->vlan)
		nla_put_u16(m, NDA_VLAN, v->vlan);
	if (!neigh && !bridge && v->external)
		nla_put_u32(m, NDA_VNI, v->vni);
	err = ksock_get(&k->cmd, m, on_answer, &a);
	if (err && err != -ENOENT)
		return false;
	if (!a.found) {
		s->state = DP_SEEN_NONE;
		s->ifindex = 0;
		s->dest = 0;
	}
	return true;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The doctor's look at routes and MACs: what nobody imports, what two VTEPs claim, what may not move any more. */
#include <stdlib.h>
#include <string.h>

#include "cmd/evpnd/doctor_daemon.h"
#include "evpn/ec.h"

#define SLICE_ROWS 512u

/* ---- VNIs without others ----------------------------------------------------------------------------------------- */

static bool any_session(const struct doctor *x)
{
	const struct bgp_peer *p = NULL;
	struct bgp_peer_info i;

	while ((p = bgp_peer_next(x->d->bgp, p))) {
		bgp_peer_info(p, &i);
		if (i.state == BGP_ESTABLISHED)
			return true;
	}
	return false;
}

static void look_if_lonely(struct doctor *x, const struct config_vni *v)
{
	struct evpn_vni_info i;
	struct doctor_finding *f;

	if (v->mode != CONFIG_MODE_EVPN || v->flooding != CONFIG_FLOODING_INGRESS ||
	    !evpn_vni_find(x->d->evpn, v->vni, &i) || i.n_flood || i.remote_macs || !x->config->n_neighbors)
		return;
	f = doctor_find(x, DOCTOR_WARNING, "vni-alone", "no other VTEP is in VNI %u", v->vni);
	f->vni = v->vni;
	doctor_why(f, "its hosts reach those of this host only");
	if (!any_session(x))
		doctor_command(f, "no session is up: mend that first");
	else
		doctor_command(f,
			       "evpnctl show rib --type 3; the same VNI there, and a route target that import: takes "
			       "(evpnctl show vni %u)",
			       v->vni);
}

bool doctor_lonely(struct doctor *x)
{
	return doctor_each_vni(x, look_if_lonely);
}

/* ---- routes that are there and count for nothing ----------------------------------------------------------------- */

struct unwanted {
	uint8_t rt[8];
	uint32_t vni;
	struct ip vtep;
	unsigned n;
};

struct route_walk {
	struct bgp_rib_cursor at;
	struct unwanted list[16]; /* further kinds are not told apart */
	unsigned n;
	unsigned ours, loops, rds; /* next hop is our VTEP; our AS or id is in it; our RD */
	struct ip ours_from, loops_from, rds_from;
	uint32_t rd_vni;
	size_t n_rds;
	struct own_rd {
		uint8_t rd[8];
		uint32_t vni;
	} rd[]; /* of our VNIs, sorted */
};

static void note_unwanted(struct route_walk *w, const struct bgp_path_info *p, uint32_t vni)
{
	const uint8_t *rt = evpn_ec_next_rt(p->attrs, NULL);
	static const uint8_t none[8];
	unsigned i = 0;

	rt = rt ? rt : none;
	while (i < w->n && (w->list[i].vni != vni || memcmp(w->list[i].rt, rt, 8)))
		i++;
	if (i == sizeof(w->list) / sizeof(w->list[0]))
		return;
	if (i == w->n) {
		w->list[w->n] = (struct unwanted){ .vni = vni, .vtep = p->attrs->next_hop };
		memcpy(w->list[w->n++].rt, rt, 8);
	}
	w->list[i].n++;
}

static int by_rd(const void *a, const void *b)
{
	return memcmp(((const struct own_rd *)a)->rd, ((const struct own_rd *)b)->rd, sizeof(((struct own_rd *)0)->rd));
}

static struct route_walk *walk_new(struct doctor *x)
{
	struct route_walk *w = xcalloc(1, sizeof(*w) + x->config->n_vnis * sizeof(w->rd[0]));

	for (uint32_t vni = 0; w->n_rds < x->config->n_vnis && (vni = evpn_vni_after(x->d->evpn, vni));)
		if (evpn_vni_rd(x->d->evpn, vni, w->rd[w->n_rds].rd))
			w->rd[w->n_rds++].vni = vni;
	if (w->n_rds)
		qsort(w->rd, w->n_rds, sizeof(w->rd[0]), by_rd);
	return w;
}

/* Of a VNI whose RD this is; 0: of none. */
static uint32_t vni_of_rd(const struct route_walk *w, const uint8_t rd[8])
{
	const struct own_rd *found;
	struct own_rd key;

	memcpy(key.rd, rd, sizeof(key.rd));
	found = w->n_rds ? bsearch(&key, w->rd, w->n_rds, sizeof(key), by_rd) : NULL;
	return found ? found->vni : 0;
}

static void look_at_route(struct doctor *x, struct route_walk *w, const struct bgp_path_info *p)
{
	struct evpn_route_fields f;
	uint8_t rd[8];
	uint32_t vni;

	if (p->family != &evpn_family || !p->peer)
		return;
	if (p->reject == BGP_REJECT_NEXT_HOP && ip_eq(&p->attrs->next_hop, &x->config->vtep)) {
		w->ours_from = bgp_peer_params(p->peer)->address;
		w->ours++;
		return;
	}
	if (p->reject == BGP_REJECT_AS_LOOP) {
		w->loops_from = bgp_peer_params(p->peer)->address;
		w->loops++;
		return;
	}
	evpn_route_fields(p->key, p->key_len, p->attrs, &f);
	if (!p->best || p->reject || (f.type != 2 && f.type != 3))
		return;
	if (f.type == 3) {
		vni = vni_of_rd(w, f.rd);
		if (vni && !ip_eq(&p->attrs->next_hop, &x->config->vtep)) {
			w->rds_from = p->attrs->next_hop;
			w->rd_vni = vni;
			w->rds++;
		}
	}
	if (f.vni && !evpn_imports(x->d->evpn, p->set, p->attrs) && evpn_vni_rd(x->d->evpn, f.vni, rd))
		note_unwanted(w, p, f.vni);
}

static void say_unwanted(struct doctor *x, const struct unwanted *u)
{
	struct evpn_str rt = { "none" };
	struct doctor_finding *f;

	evpn_rt_str(u->rt, &rt);
	f = doctor_find(x, DOCTOR_ERROR, "route-target",
			"%u routes of VNI %u, from %s and others, are taken by no VNI: their route target is %s", u->n,
			u->vni, ip_str(&u->vtep).s, rt.s);
	f->vni = u->vni;
	doctor_why(f, "VNI %u here has the same number and imports other route targets, so their hosts are not reached",
		   u->vni);
	doctor_command(f,
		       "import: [auto, \"%s\"] for VNI %u, then: evpnctl reload; and there the same for ours (evpnctl "
		       "show vni %u)",
		       rt.s, u->vni, u->vni);
}

static void say_routes(struct doctor *x, const struct route_walk *w)
{
	struct doctor_finding *f;

	for (unsigned i = 0; i < w->n; i++)
		say_unwanted(x, &w->list[i]);
	if (w->ours) {
		f = doctor_find(x, DOCTOR_ERROR, "vtep-duplicate",
				"%u routes from %s have our own VTEP address %s as next hop", w->ours,
				ip_str(&w->ours_from).s, ip_str(&x->config->vtep).s);
		f->neighbor = w->ours_from;
		doctor_why(
			f,
			"two VTEPs with one address: packets reach one of them, and these routes cannot be used here");
		doctor_command(f, "another vtep: on one of the two; evpnctl show rib --rejected shows the routes");
	}
	if (w->rds) {
		f = doctor_find(x, DOCTOR_WARNING, "rd-duplicate",
				"%s announces routes with the route distinguisher of our VNI %u",
				ip_str(&w->rds_from).s, w->rd_vni);
		f->vni = w->rd_vni;
		doctor_why(f, "for the same MAC the two routes are one to every reflector, and it passes on only one "
			      "of them");
		doctor_command(f, "another router-id: on one of the two, or rd: of the VNI");
	}
	if (w->loops) {
		f = doctor_find(x, DOCTOR_WARNING, "as-loop", "%u routes from %s are not used: our AS is in their path",
				w->loops, ip_str(&w->loops_from).s);
		f->neighbor = w->loops_from;
		doctor_why(f, "VTEPs in one AS behind a spine of another do not see each other's routes");
		doctor_command(f, "on the spine: as-override for this neighbor (FRR: neighbor A as-override); or an AS "
				  "for each VTEP");
	}
}

bool doctor_imports(struct doctor *x)
{
	struct route_walk *w = x->walk = x->walk ? x->walk : walk_new(x);
	struct bgp_path_info p;

	for (unsigned i = 0; i < SLICE_ROWS; i++) {
		if (!bgp_rib_next(x->d->bgp, &w->at, &p)) {
			say_routes(x, w);
			return false;
		}
		look_at_route(x, w, &p);
	}
	return true;
}

/* ---- MACs -------------------------------------------------------------------------------------------------------- */

struct mac_walk {
	struct evpn_cursor at;
	unsigned told, conflicts;
};

static void say_duplicate(struct doctor *x, const struct evpn_mac_info *i)
{
	struct doctor_finding *f =
		doctor_find(x, DOCTOR_WARNING, "mac-duplicate",
			    "%s in VNI %u has moved too often and stays where it was", mac_str(&i->mac).s, i->vni);

	f->vni = i->vni;
	doctor_why(f, "two hosts have this MAC, or a loop sends its frames back: RFC 7432 15.1");
	doctor_command(
		f,
		"evpnctl trace --vni %u %s shows where it is; when that is mended: evpnctl mac clear --vni %u --mac %s",
		i->vni, mac_str(&i->mac).s, i->vni, mac_str(&i->mac).s);
}

static void say_conflict(struct doctor *x, const struct evpn_mac_info *i)
{
	struct doctor_finding *f =
		doctor_find(x, DOCTOR_WARNING, "mac-conflict", "%s in VNI %u is here and behind %s, and may not move",
			    mac_str(&i->mac).s, i->vni, ip_str(&i->vtep).s);

	f->vni = i->vni;
	doctor_why(f, "it is static on one of the two, so its frames go to different places");
	doctor_command(f, "evpnctl show rib --vni %u --mac %s; here: bridge fdb show | grep %s", i->vni,
		       mac_str(&i->mac).s, mac_str(&i->mac).s);
}

bool doctor_macs(struct doctor *x)
{
	struct mac_walk *w = x->walk = x->walk ? x->walk : xcalloc(1, sizeof(*w));
	struct evpn_mac_info i;

	for (unsigned n = 0; n < SLICE_ROWS; n++) {
		if (w->told == DOCTOR_FINDINGS_MAX || !evpn_mac_next(x->d->evpn, &w->at, &i))
			return false;
		if (i.state == EVPN_MAC_DUPLICATE)
			say_duplicate(x, &i);
		else if (i.state == EVPN_MAC_CONFLICT)
			say_conflict(x, &i);
		else
			continue;
		w->told++;
	}
	return true;
}

static void say_limit(struct doctor *x, uint32_t vni, const char *port, const struct evpn_limit_info *i)
{
	struct doctor_finding *f;

	if (!i->limit || (!i->over && !i->reached))
		return;
	f = doctor_find(x, i->over ? DOCTOR_ERROR : DOCTOR_WARNING, "mac-limit",
			"%s%s%sVNI %u has %u MACs of at most %u%s", port ? "port " : "", port ? port : "",
			port ? " of " : "", vni, i->learned, i->limit, i->over ? ", and further ones wait" : "");
	f->vni = vni;
	doctor_why(f, "a MAC above the limit is not advertised: others flood to it, or cannot reach it");
	doctor_command(f, "mac-limit: of VNI %u; is it a loop, or a flood of forged MACs? evpnctl show mac --vni %u",
		       vni, vni);
}

static void look_at_limits(struct doctor *x, const struct config_vni *v)
{
	struct evpn_vni_info i;

	if (!evpn_vni_find(x->d->evpn, v->vni, &i))
		return;
	say_limit(x, v->vni, NULL, &i.mac_limit);
	for (size_t k = 0; k < i.n_port_limits; k++)
		say_limit(x, v->vni, dp_ifname(x->d->dp, i.port_limits[k].ifindex), &i.port_limits[k]);
}

bool doctor_mac_limits(struct doctor *x)
{
	return doctor_each_vni(x, look_at_limits);
}

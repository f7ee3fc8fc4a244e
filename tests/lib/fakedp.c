/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/lib/fakedp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/list.h"
#include "tests/lib/rng.h"

enum table { T_BRIDGE, T_VXLAN, T_FLOOD, T_NEIGH };

struct fkey {
	uint32_t vni;
	uint8_t table;
	struct mac mac;
	struct ip ip;
};

struct entry {
	UT_hash_handle hh;
	struct fkey key;
	struct fakedp_row row;
};

struct object {
	UT_hash_handle hh;
	struct ip vtep;
};

struct fset {
	UT_hash_handle hh;
	uint32_t id;
	uint32_t dest; /* of the dataplane that is attached */
	unsigned n;
	struct ip member[DP_SET_MAX];
};

struct event {
	struct list list;
	struct fkey key;
	struct fakedp_row row; /* there: false = it went */
	bool object;
	struct ip vtep;
	uint32_t dest; /* a set's */
};

struct fvni {
	UT_hash_handle hh;
	uint32_t nr;
	struct dp_vni *v; /* NULL: no dataplane attached */
	bool bridged, present, changed;
	bool made;
	bool gone; /* at least for a moment */
	const char *problem;
	char name[2][24];
};

#define LATE_OPS 64u

struct late {
	struct dp_op op;
	bool carried;
	int err;
};

struct fakedp {
	struct dp_ops ops;
	bool is_late, deaf; /* deaf: to what it has put itself */
	struct rng rng;
	struct late out[LATE_OPS]; /* in order; those that are carried out come first */
	unsigned n_out;
	struct dp *d; /* attached */
	struct entry *entries;
	struct object *objects;
	struct fset *sets;
	uint32_t last_set;
	struct fvni *vnis;
	struct list events;
	bool overrun;
	int refuse_err;
	unsigned refuse_n, writes, trampled;
};

/* ---- tables ----------------------------------------------------------------------------------------------------- */

static struct fkey key_of(uint32_t vni, enum table t, const struct mac *mac, const struct ip *ip)
{
	struct fkey k;

	memset(&k, 0, sizeof(k));
	k.vni = vni;
	k.table = (uint8_t)t;
	if (mac)
		k.mac = *mac;
	if (ip)
		k.ip = *ip;
	return k;
}

static struct entry *lookup(const struct fakedp *f, const struct fkey *k)
{
	struct entry *e;

	HASH_FIND(hh, f->entries, k, sizeof(*k), e);
	return e;
}

static struct fakedp_row look(const struct fakedp *f, struct fkey k)
{
	struct entry *e = lookup(f, &k);

	return e ? e->row : (struct fakedp_row){ 0 };
}

static void queue(struct fakedp *f, const struct fkey *k, const struct fakedp_row *row)
{
	struct event *ev;

	if (!f->d || f->overrun)
		return;
	ev = xcalloc(1, sizeof(*ev));
	ev->key = *k;
	ev->row = *row;
	list_add_tail(&f->events, &ev->list);
}

static void drop_events(struct fakedp *f)
{
	while (!list_empty(&f->events)) {
		struct event *ev = container_of(f->events.next, struct event, list);

		list_del(&ev->list);
		free(ev);
	}
}

/* By hand with an event, by an operation (quiet) without. */
static void set(struct fakedp *f, struct fkey k, struct fakedp_row row, bool quiet)
{
	struct entry *e = lookup(f, &k);

	row.there = true;
	if (!e) {
		e = xcalloc(1, sizeof(*e));
		e->key = k;
		HASH_ADD(hh, f->entries, key, sizeof(k), e);
	}
	e->row = row;
	if (!quiet)
		queue(f, &k, &row);
}

static void unset(struct fakedp *f, struct fkey k, bool quiet)
{
	struct entry *e = lookup(f, &k);
	struct fakedp_row gone;

	if (!e)
		return;
	gone = e->row;
	gone.there = false;
	HASH_DEL(f->entries, e);
	free(e);
	if (!quiet)
		queue(f, &k, &gone);
}

static struct object *object_find(const struct fakedp *f, const struct ip *vtep)
{
	struct object *o;

	HASH_FIND(hh, f->objects, vtep, sizeof(*vtep), o);
	return o;
}

static struct fset *set_find(const struct fakedp *f, uint32_t id)
{
	struct fset *s;

	HASH_FIND(hh, f->sets, &id, sizeof(id), s);
	return s;
}

/* ---- what the dataplane is told -------------------------------------------------------------------------------- */

static uint8_t bridge_state(const struct fakedp_row *row)
{
	static const uint8_t on_port[] = {
		[FAKEDP_KERNEL] = DP_SEEN_LOCAL, [FAKEDP_US] = DP_SEEN_LOCAL, [FAKEDP_STATIC] = DP_SEEN_LOCAL_STATIC,
		[FAKEDP_EXTERN] = DP_SEEN_LOCAL_EXTERN, [FAKEDP_OWN] = DP_SEEN_OWN
	};

	if (!row->there)
		return DP_SEEN_NONE;
	if (row->ifindex)
		return on_port[row->hand];
	return row->hand == FAKEDP_US || row->hand == FAKEDP_EXTERN ? DP_SEEN_CLAIM : DP_SEEN_FOREIGN;
}

static uint8_t self_state(const struct fakedp_row *row)
{
	if (!row->there)
		return DP_SEEN_NONE;
	return row->hand == FAKEDP_US ? DP_SEEN_OURS : row->hand == FAKEDP_KERNEL ? DP_SEEN_LOCAL : DP_SEEN_FOREIGN;
}

static uint8_t neigh_state(const struct fakedp_row *row)
{
	static const uint8_t state[] = {
		[FAKEDP_KERNEL] = DP_SEEN_LOCAL, [FAKEDP_US] = DP_SEEN_OURS, [FAKEDP_STATIC] = DP_SEEN_LOCAL_STATIC,
		[FAKEDP_EXTERN] = DP_SEEN_FOREIGN, [FAKEDP_OWN] = DP_SEEN_FOREIGN
	};

	return row->there ? state[row->hand] : DP_SEEN_NONE;
}

static void report(struct fakedp *f, const struct fkey *k, const struct fakedp_row *row)
{
	struct dp_seen s = { .part = DP_SELF, .flags = row->flags, .ip = k->ip };
	struct fvni *v;

	HASH_FIND(hh, f->vnis, &k->vni, sizeof(k->vni), v);
	if (!v || !v->v || !v->present)
		return;
	s.vni = v->v;
	switch (k->table) {
	case T_BRIDGE:
		s.kind = DP_FDB;
		s.part = DP_PORT;
		s.mac = k->mac;
		s.ifindex = row->ifindex;
		s.state = bridge_state(row);
		s.made = v->made;
		break;
	case T_VXLAN:
		s.kind = DP_FDB;
		s.mac = k->mac;
		s.state = self_state(row);
		if (row->there && row->set)
			s.dest = set_find(f, row->set) ? set_find(f, row->set)->dest : 0;
		else if (row->there)
			s.dest = dp_dest_intern(f->d, &row->vtep, row->label);
		break;
	case T_FLOOD:
		s.kind = DP_FLOOD;
		s.state = self_state(row);
		if (row->there)
			s.dest = dp_dest_intern(f->d, &row->vtep, row->label);
		break;
	default:
		s.kind = DP_NEIGH;
		s.mac = row->mac;
		s.state = neigh_state(row);
	}
	dp_seen(f->d, &s);
}

static void dump(struct fakedp *f, const struct fvni *v, bool locals_only)
{
	struct entry *e, *tmp;

	HASH_ITER(hh, f->entries, e, tmp) {
		bool local = (e->key.table == T_BRIDGE && e->row.ifindex) ||
			     (e->key.table == T_NEIGH && e->row.hand != FAKEDP_US) ||
			     (e->key.table == T_VXLAN && e->row.hand == FAKEDP_KERNEL);

		if (e->key.vni == v->nr && (local || !locals_only))
			report(f, &e->key, &e->row);
	}
}

static void resync(struct fakedp *f)
{
	struct fvni *v, *tmp;

	f->overrun = false;
	drop_events(f);
	dp_overrun(f->d);
	HASH_ITER(hh, f->vnis, v, tmp) {
		if (!v->v || !v->present)
			continue;
		dp_resync_begin(f->d, v->v);
		dump(f, v, true);
		dp_resync_end(f->d, v->v);
	}
}

static void read_events(struct fakedp *f)
{
	if (f->overrun)
		resync(f);
	while (!list_empty(&f->events)) {
		struct event *ev = container_of(f->events.next, struct event, list);

		list_del(&ev->list);
		if (!ev->object)
			report(f, &ev->key, &ev->row);
		else
			dp_dest_seen(f->d, ev->dest ? ev->dest : dp_dest_intern(f->d, &ev->vtep, 0), false);
		free(ev);
	}
}

static void check_devices(struct fakedp *f)
{
	struct fvni *v, *tmp;

	HASH_ITER(hh, f->vnis, v, tmp) {
		if (!v->v || !v->changed)
			continue;
		v->changed = false;
		if (v->gone)
			dp_vni_forget(f->d, v->v);
		v->gone = false;
		if (!v->present)
			continue;
		dump(f, v, false);
		dp_vni_ready(f->d, v->v, !v->problem);
	}
}

static void queue_end(struct fakedp *f, const struct ip *vtep, uint32_t dest)
{
	struct event *ev;

	if (!f->d || f->overrun)
		return;
	ev = xcalloc(1, sizeof(*ev));
	ev->object = true;
	ev->vtep = vtep ? *vtep : ip_none();
	ev->dest = dest;
	list_add_tail(&f->events, &ev->list);
}

static void set_end(struct fakedp *f, struct fset *s)
{
	struct entry *e, *tmp;

	HASH_ITER(hh, f->entries, e, tmp) {
		if (e->key.table != T_VXLAN || e->row.set != s->id)
			continue;
		HASH_DEL(f->entries, e);
		free(e);
	}
	HASH_DEL(f->sets, s);
	free(s);
}

/* A set without a member cannot be. */
static void leave_sets(struct fakedp *f, const struct ip *vtep)
{
	struct fset *s, *tmp;

	HASH_ITER(hh, f->sets, s, tmp) {
		unsigned n = 0;

		for (unsigned i = 0; i < s->n; i++) {
			if (!ip_eq(&s->member[i], vtep))
				s->member[n++] = s->member[i];
		}
		s->n = n;
		if (n)
			continue;
		queue_end(f, NULL, s->dest);
		set_end(f, s);
	}
}

/* With the object go the vxlan rows that point at it, and nobody is told. */
static void object_end(struct fakedp *f, struct object *o)
{
	struct entry *e, *tmp;

	leave_sets(f, &o->vtep);

	HASH_ITER(hh, f->entries, e, tmp) {
		if (e->key.table != T_VXLAN || e->row.hand != FAKEDP_US || e->row.label || e->row.set || !ip_eq(&e->row.vtep, &o->vtep))
			continue;
		HASH_DEL(f->entries, e);
		free(e);
	}
	HASH_DEL(f->objects, o);
	free(o);
}

/* ---- operations ------------------------------------------------------------------------------------------------- */

static void put_bridge(struct fakedp *f, const struct dp_op *op)
{
	struct fkey k = key_of(op->vni, T_BRIDGE, &op->mac, NULL);
	struct fakedp_row old = look(f, k);

	f->trampled += old.there && (old.hand == FAKEDP_OWN || (old.ifindex && old.hand != FAKEDP_KERNEL) ||
				     (!old.ifindex && old.hand == FAKEDP_STATIC));
	set(f, k, (struct fakedp_row){ .hand = FAKEDP_US, .flags = op->flags & DP_STICKY }, !f->deaf);
}

static int put_set(struct fakedp *f, const struct dp_op *op)
{
	const struct dp_set *to = op->dest->set;
	struct fset *s = set_find(f, op->dest->id[0]);

	for (uint32_t i = 0; i < to->n; i++) {
		if (!object_find(f, &dp_dest(f->d, to->dest[i])->vtep))
			return -EINVAL;
	}
	if (!to->n)
		return -EINVAL;
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		s->id = op->dest->id[0] = ++f->last_set;
		s->dest = op->row;
		HASH_ADD(hh, f->sets, id, sizeof(s->id), s);
	}
	op->dest->carries = true;
	s->n = to->n;
	for (uint32_t i = 0; i < to->n; i++)
		s->member[i] = dp_dest(f->d, to->dest[i])->vtep;
	return 0;
}

static bool leads_somewhere(const struct fakedp *f, const struct dp_dest *d)
{
	return d->set ? set_find(f, d->id[0]) != NULL : object_find(f, &d->vtep) != NULL;
}

static int put(struct fakedp *f, const struct dp_op *op)
{
	struct fakedp_row row = { .hand = FAKEDP_US, .flags = op->flags, .mac = op->mac };
	struct fkey k;

	if (op->dest) {
		row.vtep = op->dest->vtep;
		row.label = op->dest->label;
		row.set = op->dest->set ? op->dest->id[0] : 0;
	}
	switch (op->kind) {
	case DP_DEST: {
		struct object *o;

		if (op->dest->set)
			return put_set(f, op);
		o = object_find(f, &op->dest->vtep);
		op->dest->carries = true;
		if (o)
			return 0;
		o = xcalloc(1, sizeof(*o));
		o->vtep = op->dest->vtep;
		HASH_ADD(hh, f->objects, vtep, sizeof(o->vtep), o);
		return 0;
	}
	case DP_FDB:
		if (!leads_somewhere(f, op->dest))
			return -EINVAL;
		if (op->parts & DP_PORT)
			put_bridge(f, op);
		k = key_of(op->vni, T_VXLAN, &op->mac, NULL);
		row.flags = 0;
		break;
	case DP_FLOOD:
		k = key_of(op->vni, T_FLOOD, NULL, &op->ip);
		break;
	default:
		k = key_of(op->vni, T_NEIGH, NULL, &op->ip);
	}
	f->trampled += look(f, k).there && look(f, k).hand != FAKEDP_US &&
		       !(op->kind != DP_FLOOD && look(f, k).hand == FAKEDP_KERNEL);
	set(f, k, row, !f->deaf);
	return 0;
}

static void del_one(struct fakedp *f, struct fkey k)
{
	struct fakedp_row old = look(f, k);

	if (k.table == T_BRIDGE && old.ifindex)
		return; /* the kernel deletes on the port that it was told only */
	f->trampled += old.there && old.hand != FAKEDP_US;
	unset(f, k, true);
}

static int del(struct fakedp *f, const struct dp_op *op)
{
	switch (op->kind) {
	case DP_DEST: {
		struct object *o = op->dest->set ? NULL : object_find(f, &op->dest->vtep);
		struct fset *s = op->dest->set ? set_find(f, op->dest->id[0]) : NULL;

		if (o)
			object_end(f, o);
		if (s)
			set_end(f, s);
		op->dest->id[0] = 0;
		break;
	}
	case DP_FDB:
		if (op->parts & DP_PORT)
			del_one(f, key_of(op->vni, T_BRIDGE, &op->mac, NULL));
		if (op->parts & DP_SELF)
			del_one(f, key_of(op->vni, T_VXLAN, &op->mac, NULL));
		break;
	case DP_FLOOD:
		del_one(f, key_of(op->vni, T_FLOOD, NULL, &op->ip));
		break;
	default:
		del_one(f, key_of(op->vni, T_NEIGH, NULL, &op->ip));
	}
	return 0;
}

static int ask(struct fakedp *f, struct dp_op *op)
{
	struct fakedp_row row = look(f, key_of(op->vni, T_BRIDGE, &op->mac, NULL));

	op->answer = !row.there ? DP_AT_NOWHERE : row.ifindex ? DP_AT_PORT : DP_AT_VXLAN;
	return 0;
}

static int give(struct fakedp *f, const struct dp_op *op)
{
	static const enum fakedp_hand hand[] = {
		[DP_SEEN_LOCAL] = FAKEDP_KERNEL, [DP_SEEN_LOCAL_EXTERN] = FAKEDP_EXTERN,
		[DP_SEEN_LOCAL_STATIC] = FAKEDP_STATIC
	};

	set(f, key_of(op->vni, T_BRIDGE, &op->mac, NULL),
	    (struct fakedp_row){ .hand = hand[op->local], .ifindex = op->ifindex }, true);
	return 0;
}

int fakedp_carry_out(struct fakedp *f, struct dp_op *op)
{
	if (f->refuse_n) {
		f->refuse_n--;
		return -f->refuse_err;
	}
	f->writes += op->type != DP_OP_ASK;
	switch (op->type) {
	case DP_OP_PUT:
		return put(f, op);
	case DP_OP_DEL:
		return del(f, op);
	case DP_OP_ASK:
		return ask(f, op);
	default:
		return give(f, op);
	}
}

static void carry_late(struct fakedp *f, unsigned n)
{
	for (unsigned i = 0; i < f->n_out && n; i++) {
		struct late *l = &f->out[i];

		if (l->carried)
			continue;
		l->err = fakedp_carry_out(f, &l->op);
		l->carried = true;
		n--;
	}
}

static void hand_back(struct fakedp *f, unsigned n)
{
	unsigned done = 0;

	for (; done < n && done < f->n_out && f->out[done].carried; done++)
		dp_done(f->d, &f->out[done].op, f->out[done].err, NULL);
	f->n_out -= done;
	memmove(f->out, f->out + done, f->n_out * sizeof(f->out[0]));
	dp_landed(f->d);
}

static bool must_wait(const struct fakedp *f)
{
	struct fvni *v, *tmp;
	bool changed = f->overrun;

	HASH_ITER(hh, f->vnis, v, tmp)
		changed |= v->v && v->changed;
	return changed && f->n_out;
}

static bool flush_late(struct fakedp *f)
{
	struct dp_op ops[16];
	unsigned n = 0;

	hand_back(f, rng_below(&f->rng, 8));
	if (rng_below(&f->rng, 2))
		carry_late(f, rng_below(&f->rng, 8));
	if (!must_wait(f)) {
		check_devices(f);
		read_events(f);
		if (f->n_out + 16 <= LATE_OPS)
			n = dp_pull(f->d, ops, 2 + rng_below(&f->rng, 15));
	} else if (!f->overrun) {
		read_events(f);
	}
	for (unsigned i = 0; i < n; i++)
		f->out[f->n_out++] = (struct late){ .op = ops[i] };
	carry_late(f, rng_below(&f->rng, 8));
	return f->n_out || !list_empty(&f->events) || f->overrun;
}

static void fake_wait(void *be)
{
	struct fakedp *f = be;

	carry_late(f, LATE_OPS);
	hand_back(f, LATE_OPS);
}

static bool fake_flush(void *be)
{
	struct fakedp *f = be;
	struct dp_op ops[16];
	unsigned n;

	if (f->is_late)
		return flush_late(f);
	check_devices(f);
	read_events(f);
	n = dp_pull(f->d, ops, 16);
	for (unsigned i = 0; i < n; i++)
		dp_done(f->d, &ops[i], fakedp_carry_out(f, &ops[i]), NULL);
	return n != 0 || !list_empty(&f->events);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void *fake_open(struct dp *d, struct loop *loop, struct log *log)
{
	struct fakedp *f = dp_backend_ops(d)->ctx;
	struct object *o, *tmp;
	struct fset *s, *stmp;

	f->d = d;
	HASH_ITER(hh, f->objects, o, tmp) {
		dp_dest(d, dp_dest_intern(d, &o->vtep, 0))->carries = true;
		dp_dest_seen(d, dp_dest_intern(d, &o->vtep, 0), true);
	}
	HASH_ITER(hh, f->sets, s, stmp) {
		struct dp_set found = { .n = s->n };

		for (unsigned i = 0; i < s->n; i++)
			found.dest[i] = dp_dest_intern(d, &s->member[i], 0);
		s->dest = dp_set_found(d, &found);
		dp_dest(d, s->dest)->id[0] = s->id;
		dp_dest(d, s->dest)->carries = true;
	}
	return f;
}

static void fake_close(void *be)
{
	struct fakedp *f = be;

	f->d = NULL;
	f->n_out = 0; /* what was not carried out is lost with whoever gave it */
	drop_events(f);
}

static struct fvni *get_vni(struct fakedp *f, uint32_t nr)
{
	struct fvni *v;

	HASH_FIND(hh, f->vnis, &nr, sizeof(nr), v);
	if (v)
		return v;
	v = xcalloc(1, sizeof(*v));
	v->nr = nr;
	v->present = true;
	snprintf(v->name[0], sizeof(v->name[0]), "br%u", nr);
	snprintf(v->name[1], sizeof(v->name[1]), "vxlan%u", nr);
	HASH_ADD(hh, f->vnis, nr, sizeof(nr), v);
	return v;
}

static int fake_vni_add(void *be, struct dp_vni *dv, const struct dp_vni_params *p, void **data)
{
	struct fvni *v = get_vni(be, p->vni);

	v->v = dv;
	v->bridged = p->bridge != NULL;
	v->changed = true;
	*data = v;
	return 0;
}

static void fake_vni_del(void *be, void *data, bool remove)
{
	struct fvni *v = data;

	v->v = NULL;
}

static void fake_vni_info(const void *be, const void *data, struct dp_vni_info *out)
{
	const struct fvni *v = data;

	out->bridge = v->bridged ? v->name[0] : NULL;
	out->vxlan = v->name[1];
	out->vxlan_ifindex = v->present ? v->nr * 2 + 1000 : 0;
	out->bridge_ifindex = v->present && v->bridged ? v->nr * 2 + 1001 : 0;
	out->bridge_state = out->vxlan_state = v->present ? DP_DEV_ADOPTED : DP_DEV_MISSING;
	if (v->problem)
		out->vxlan_state = DP_DEV_CONFLICT;
	out->mtu = 1450;
	out->problem = v->problem;
}

static const char *fake_ifname(const void *be, unsigned ifindex)
{
	return ifindex ? "port" : NULL;
}

struct fakedp *fakedp_new(void)
{
	struct fakedp *f = xcalloc(1, sizeof(*f));

	f->ops = (struct dp_ops){
		.name = "fake",
		.ctx = f,
		.open = fake_open,
		.close = fake_close,
		.vni_add = fake_vni_add,
		.vni_del = fake_vni_del,
		.vni_info = fake_vni_info,
		.flush = fake_flush,
		.wait = fake_wait,
		.ifname = fake_ifname,
	};
	list_init(&f->events);
	return f;
}

void fakedp_free(struct fakedp *f)
{
	struct entry *e, *etmp;
	struct object *o, *otmp;
	struct fset *s, *stmp;
	struct fvni *v, *vtmp;

	BUG_ON(f->d);
	HASH_ITER(hh, f->sets, s, stmp) {
		HASH_DEL(f->sets, s);
		free(s);
	}
	HASH_ITER(hh, f->entries, e, etmp) {
		HASH_DEL(f->entries, e);
		free(e);
	}
	HASH_ITER(hh, f->objects, o, otmp) {
		HASH_DEL(f->objects, o);
		free(o);
	}
	HASH_ITER(hh, f->vnis, v, vtmp) {
		HASH_DEL(f->vnis, v);
		free(v);
	}
	drop_events(f);
	free(f);
}

const struct dp_ops *fakedp_ops(struct fakedp *f)
{
	return &f->ops;
}

void fakedp_settle(struct dp *d)
{
	while (dp_flush(d))
		;
}

/* ---- hands ------------------------------------------------------------------------------------------------------ */

static void kick(struct fakedp *f)
{
	if (f->d)
		dp_kick(f->d);
}

void fakedp_devices(struct fakedp *f, uint32_t vni, bool present, const char *problem)
{
	struct fvni *v = get_vni(f, vni);
	struct entry *e, *tmp;

	v->present = present;
	v->gone |= !present;
	v->problem = problem;
	v->changed = true;
	HASH_ITER(hh, f->entries, e, tmp) {
		if (present || e->key.vni != vni)
			continue;
		HASH_DEL(f->entries, e);
		free(e);
	}
	kick(f);
}

void fakedp_devices_made(struct fakedp *f, uint32_t vni)
{
	get_vni(f, vni)->made = true;
}

void fakedp_learn(struct fakedp *f, uint32_t vni, const struct mac *mac, unsigned ifindex, enum fakedp_hand hand)
{
	set(f, key_of(vni, T_BRIDGE, mac, NULL), (struct fakedp_row){ .hand = hand, .ifindex = ifindex }, false);
	kick(f);
}

void fakedp_forget(struct fakedp *f, uint32_t vni, const struct mac *mac)
{
	unset(f, key_of(vni, T_BRIDGE, mac, NULL), false);
	kick(f);
}

void fakedp_neigh_set(struct fakedp *f, uint32_t vni, const struct ip *ip, const struct mac *mac, enum fakedp_hand hand,
		      uint8_t flags)
{
	set(f, key_of(vni, T_NEIGH, NULL, ip), (struct fakedp_row){ .hand = hand, .mac = *mac, .flags = flags }, false);
	kick(f);
}

void fakedp_neigh_del(struct fakedp *f, uint32_t vni, const struct ip *ip)
{
	unset(f, key_of(vni, T_NEIGH, NULL, ip), false);
	kick(f);
}

static struct fkey vxlan_key(uint32_t vni, const struct mac *mac, const struct ip *vtep)
{
	return mac_is_zero(mac) ? key_of(vni, T_FLOOD, NULL, vtep) : key_of(vni, T_VXLAN, mac, NULL);
}

void fakedp_vxlan_set(struct fakedp *f, uint32_t vni, const struct mac *mac, const struct ip *vtep)
{
	set(f, vxlan_key(vni, mac, vtep), (struct fakedp_row){ .hand = FAKEDP_STATIC, .vtep = *vtep }, false);
	kick(f);
}

void fakedp_tunnel(struct fakedp *f, uint32_t vni, const struct mac *mac, const struct ip *vtep)
{
	set(f, vxlan_key(vni, mac, vtep), (struct fakedp_row){ .hand = FAKEDP_KERNEL, .vtep = *vtep }, false);
	kick(f);
}

void fakedp_vxlan_del(struct fakedp *f, uint32_t vni, const struct mac *mac, const struct ip *vtep)
{
	unset(f, vxlan_key(vni, mac, vtep), false);
	kick(f);
}

void fakedp_dest_del(struct fakedp *f, const struct ip *vtep)
{
	struct object *o = object_find(f, vtep);
	struct ip gone = *vtep;

	if (!o)
		return;
	object_end(f, o);
	queue_end(f, &gone, 0);
	kick(f);
}

void fakedp_set_del(struct fakedp *f, uint32_t vni, const struct mac *mac)
{
	struct fset *s = set_find(f, fakedp_vxlan(f, vni, mac).set);

	if (!s)
		return;
	queue_end(f, NULL, s->dest);
	set_end(f, s);
	kick(f);
}

void fakedp_overrun(struct fakedp *f)
{
	f->overrun = true;
	kick(f);
}

void fakedp_lose(struct fakedp *f, uint32_t vni, const struct mac *mac)
{
	unset(f, key_of(vni, T_VXLAN, mac, NULL), true);
}

void fakedp_late(struct fakedp *f, uint64_t seed)
{
	f->is_late = true;
	f->rng = (struct rng){ seed };
	f->deaf = rng_below(&f->rng, 2);
}

void fakedp_refuse(struct fakedp *f, int err, unsigned n)
{
	f->refuse_err = err;
	f->refuse_n = n;
}

/* ---- looking ---------------------------------------------------------------------------------------------------- */

struct fakedp_row fakedp_bridge(const struct fakedp *f, uint32_t vni, const struct mac *mac)
{
	return look(f, key_of(vni, T_BRIDGE, mac, NULL));
}

struct fakedp_row fakedp_vxlan(const struct fakedp *f, uint32_t vni, const struct mac *mac)
{
	return look(f, key_of(vni, T_VXLAN, mac, NULL));
}

struct fakedp_row fakedp_flood(const struct fakedp *f, uint32_t vni, const struct ip *vtep)
{
	return look(f, key_of(vni, T_FLOOD, NULL, vtep));
}

struct fakedp_row fakedp_neigh(const struct fakedp *f, uint32_t vni, const struct ip *ip)
{
	return look(f, key_of(vni, T_NEIGH, NULL, ip));
}

struct ip fakedp_fdb(const struct fakedp *f, uint32_t vni, const struct mac *mac)
{
	struct fakedp_row b = fakedp_bridge(f, vni, mac), x = fakedp_vxlan(f, vni, mac);

	return x.there && b.there && !b.ifindex ? x.vtep : ip_none();
}

unsigned fakedp_vteps(const struct fakedp *f, uint32_t vni, const struct mac *mac, struct ip out[DP_SET_MAX])
{
	struct fakedp_row b = fakedp_bridge(f, vni, mac), x = fakedp_vxlan(f, vni, mac);
	const struct fset *s = set_find(f, x.set);

	if (!x.there || !b.there || b.ifindex)
		return 0;
	if (!x.set) {
		out[0] = x.vtep;
		return 1;
	}
	memcpy(out, s->member, s->n * sizeof(out[0]));
	return s->n;
}

unsigned fakedp_sets(const struct fakedp *f)
{
	return HASH_COUNT(f->sets);
}

unsigned fakedp_rows(const struct fakedp *f, uint32_t vni, enum fakedp_hand hand)
{
	unsigned n = 0;

	for (const struct entry *e = f->entries; e; e = e->hh.next)
		n += e->key.vni == vni && e->row.hand == hand;
	return n;
}

unsigned fakedp_macs(const struct fakedp *f, uint32_t vni)
{
	unsigned n = 0;

	for (const struct entry *e = f->entries; e; e = e->hh.next) {
		if (e->key.vni == vni && e->key.table == T_VXLAN && e->row.hand == FAKEDP_US)
			n += fakedp_vteps(f, vni, &e->key.mac, (struct ip[DP_SET_MAX]){ 0 }) != 0;
	}
	return n;
}

unsigned fakedp_dests(const struct fakedp *f)
{
	return HASH_COUNT(f->objects);
}

unsigned fakedp_writes(const struct fakedp *f)
{
	return f->writes;
}

unsigned fakedp_trampled(const struct fakedp *f)
{
	return f->is_late ? 0 : f->trampled;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The fake backend towards its dataplane: what it is told, its operations, in time or late, its life. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fakedp_int.h"

/* ---- what the dataplane is told ---------------------------------------------------------------------------------- */

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

static bool describe(struct fakedp *f, const struct fkey *k, const struct fakedp_row *row, struct dp_seen *out)
{
	struct dp_seen s = { .part = DP_SELF, .flags = row->flags, .ip = k->ip };
	struct fvni *v;

	HASH_FIND(hh, f->vnis, &k->vni, sizeof(k->vni), v);
	if (!v || !v->v || !v->present)
		return false;
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
			s.dest = fake_set(f, row->set) ? fake_set(f, row->set)->dest : 0;
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
	*out = s;
	return true;
}

static void report(struct fakedp *f, const struct fkey *k, const struct fakedp_row *row)
{
	struct dp_seen s;

	if (describe(f, k, row, &s))
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

/* ---- tables that are too large to be read at once ---------------------------------------------------------------- */

static bool is_flood(const struct fkey *k)
{
	return k->table == T_FLOOD;
}

static void rest_forget(struct fvni *v)
{
	free(v->rest);
	v->rest = NULL;
	v->n_rest = 0;
}

/* As it is now; it is met later. */
static void rest_take(struct fakedp *f, struct fvni *v)
{
	struct entry *e, *tmp;

	rest_forget(v);
	dp_vni_unread(f->d, v->v);
	v->rest = xcalloc(HASH_COUNT(f->entries) + 1, sizeof(*v->rest));
	HASH_ITER(hh, f->entries, e, tmp) {
		if (e->key.vni == v->nr && e->key.table != T_NEIGH)
			v->rest[v->n_rest++] = (struct met){ e->key, e->row };
	}
}

static void rest_meet(struct fakedp *f, struct fvni *v, unsigned n)
{
	struct dp_seen s;

	for (; n && v->n_rest; n--) {
		const struct met *m = &v->rest[--v->n_rest];

		if (describe(f, &m->key, &m->row, &s))
			dp_vni_met(f->d, &s);
	}
	if (v->n_rest)
		return;
	rest_forget(v);
	v->unread = false;
	dp_vni_read(f->d, v->v);
}

/* A flood row that has gone meanwhile may be among what is still to be met. */
static void rest_doubt(struct fakedp *f, const struct event *ev)
{
	struct fvni *v;

	HASH_FIND(hh, f->vnis, &ev->key.vni, sizeof(ev->key.vni), v);
	if (v && v->rest && is_flood(&ev->key) && !ev->row.there)
		rest_take(f, v);
}

static bool begins_to_read(struct fakedp *f, const struct fvni *v)
{
	bool awaited = dp_vni_awaits(f->d, v->v);

	return f->reads_at_once ? awaited : rng_below(&f->rng, awaited ? 4 : 50) == 0;
}

static void read_on(struct fakedp *f)
{
	struct fvni *v, *tmp;

	HASH_ITER(hh, f->vnis, v, tmp) {
		if (!v->v || !v->unread || !v->present)
			continue;
		if (v->rest)
			rest_meet(f, v, 1 + rng_below(&f->rng, 8 + v->n_rest / 4));
		else if (begins_to_read(f, v))
			rest_take(f, v);
	}
}

static bool is_reading(const struct fakedp *f)
{
	const struct fvni *v;

	for (v = f->vnis; v; v = v->hh.next)
		if (v->rest)
			return true;
	return false;
}

static void fake_read(void *be, void *data)
{
	struct fvni *v = data;

	rest_forget(v);
	v->unread = false;
	dump(be, v, false);
	dp_vni_read(((struct fakedp *)be)->d, v->v);
}

/* Local rows, neighbours, and a few others by their first part. */
static void dump_shy(struct fakedp *f, struct fvni *v)
{
	struct entry *e, *tmp;

	HASH_ITER(hh, f->entries, e, tmp) {
		if (e->key.vni == v->nr &&
		    (e->key.table == T_NEIGH || (e->key.table == T_BRIDGE && rng_below(&f->rng, 4) == 0)))
			report(f, &e->key, &e->row);
	}
	v->unread = true;
	dp_vni_unread(f->d, v->v);
	dump(f, v, true);
}

static void resync(struct fakedp *f)
{
	struct fvni *v, *tmp;

	f->overrun = false;
	fake_drop_events(f);
	dp_overrun(f->d);
	HASH_ITER(hh, f->vnis, v, tmp) {
		if (!v->v || !v->present)
			continue;
		if (v->rest)
			rest_take(f, v);
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
		rest_doubt(f, ev);
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
		if (v->gone) {
			rest_forget(v);
			v->unread = v->known = false;
			dp_vni_forget(f->d, v->v);
		}
		v->gone = false;
		if (!v->present)
			continue;
		if (f->is_shy && !v->known)
			dump_shy(f, v);
		else if (!v->unread)
			dump(f, v, false);
		v->known = true;
		dp_vni_ready(f->d, v->v, !v->problem);
	}
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

static void put_bridge(struct fakedp *f, const struct dp_op *op)
{
	struct fkey k = fake_key(op->vni, T_BRIDGE, &op->mac, NULL);
	struct fakedp_row old = fake_look(f, k);

	f->trampled += old.there && (old.hand == FAKEDP_OWN || (old.ifindex && old.hand != FAKEDP_KERNEL) ||
				     (!old.ifindex && old.hand == FAKEDP_STATIC));
	fake_put(f, k, (struct fakedp_row){ .hand = FAKEDP_US, .flags = op->flags & DP_STICKY }, !f->echoes);
}

static int put_set(struct fakedp *f, const struct dp_op *op)
{
	const struct dp_set *to = op->dest->set;
	struct fset *s = fake_set(f, op->dest->id[0]);

	for (uint32_t i = 0; i < to->n; i++) {
		if (!fake_object(f, &dp_dest(f->d, to->dest[i])->vtep))
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
	return d->set ? fake_set(f, d->id[0]) != NULL : fake_object(f, &d->vtep) != NULL;
}

static bool is_others(const struct fakedp *f, struct fkey k)
{
	struct fakedp_row row = fake_look(f, k);

	return row.there && row.hand != FAKEDP_US;
}

/* As in the kernel: what another hand has written keeps its mark when it is written over in place. */
static void take(struct fakedp *f, struct dp_op *op, struct fkey k, struct fakedp_row *row)
{
	struct fakedp_row old = fake_look(f, k);

	if (!old.there || old.hand == FAKEDP_US)
		return;
	f->trampled += !old.was_ours && (old.hand != FAKEDP_KERNEL || op->kind == DP_FLOOD);
	if (k.table == T_NEIGH)
		return;
	if (op->local == DP_SEEN_LOCAL || op->local == DP_SEEN_CLAIM) {
		fake_drop(f, k, false);
		op->undone |= DP_SELF;
	} else {
		row->hand = old.hand;
		row->was_ours = true;
	}
}

static int put(struct fakedp *f, struct dp_op *op)
{
	struct fakedp_row row = { .hand = FAKEDP_US, .flags = op->flags, .mac = op->mac };
	struct fkey k;
	bool told;

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
		o = fake_object(f, &op->dest->vtep);
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
		k = fake_key(op->vni, T_VXLAN, &op->mac, NULL);
		row.flags = 0;
		break;
	case DP_FLOOD:
		k = fake_key(op->vni, T_FLOOD, NULL, &op->ip);
		break;
	default:
		k = fake_key(op->vni, T_NEIGH, NULL, &op->ip);
	}
	told = f->echoes || (k.table == T_NEIGH && is_others(f, k));
	take(f, op, k, &row);
	fake_put(f, k, row, !told && row.hand == FAKEDP_US);
	return 0;
}

static void del_one(struct fakedp *f, struct fkey k)
{
	struct fakedp_row old = fake_look(f, k);

	if (k.table == T_BRIDGE && old.ifindex)
		return; /* the kernel deletes on the port that it was told only */
	f->trampled += old.there && old.hand != FAKEDP_US && !old.was_ours;
	fake_drop(f, k, !f->tells_ends && !(k.table == T_NEIGH && is_others(f, k)));
}

static int del(struct fakedp *f, const struct dp_op *op)
{
	switch (op->kind) {
	case DP_DEST: {
		struct object *o = op->dest->set ? NULL : fake_object(f, &op->dest->vtep);
		struct fset *s = op->dest->set ? fake_set(f, op->dest->id[0]) : NULL;

		if (o)
			fake_object_end(f, o);
		if (s)
			fake_set_end(f, s);
		op->dest->id[0] = 0;
		break;
	}
	case DP_FDB:
		if (op->parts & DP_PORT)
			del_one(f, fake_key(op->vni, T_BRIDGE, &op->mac, NULL));
		if (op->parts & DP_SELF)
			del_one(f, fake_key(op->vni, T_VXLAN, &op->mac, NULL));
		break;
	case DP_FLOOD:
		del_one(f, fake_key(op->vni, T_FLOOD, NULL, &op->ip));
		break;
	default:
		del_one(f, fake_key(op->vni, T_NEIGH, NULL, &op->ip));
	}
	return 0;
}

static int ask(struct fakedp *f, struct dp_op *op)
{
	struct fakedp_row row = fake_look(f, fake_key(op->vni, T_BRIDGE, &op->mac, NULL));

	op->answer = !row.there ? DP_AT_NOWHERE : row.ifindex ? DP_AT_PORT : DP_AT_VXLAN;
	return 0;
}

static int give(struct fakedp *f, const struct dp_op *op)
{
	static const enum fakedp_hand hand[] = {
		[DP_SEEN_LOCAL] = FAKEDP_KERNEL, [DP_SEEN_LOCAL_EXTERN] = FAKEDP_EXTERN,
		[DP_SEEN_LOCAL_STATIC] = FAKEDP_STATIC
	};

	fake_put(f, fake_key(op->vni, T_BRIDGE, &op->mac, NULL),
	    (struct fakedp_row){ .hand = hand[op->local], .ifindex = op->ifindex }, true);
	return 0;
}

int fakedp_carry_out(struct fakedp *f, struct dp_op *op)
{
	if (f->refuse_n) {
		f->refuse_n--;
		return -f->refuse_err;
	}
	f->writes += op->type != DP_OP_ASK && op->type != DP_OP_LOOK;
	switch (op->type) {
	case DP_OP_PUT:
		return put(f, op);
	case DP_OP_DEL:
		return del(f, op);
	case DP_OP_ASK:
		return ask(f, op);
	case DP_OP_LOOK:
		return 0;
	default:
		return give(f, op);
	}
}

/* What is there now, if it is asked for. */
static void look(const struct fakedp *f, struct late *l)
{
	if (l->op.type != DP_OP_LOOK)
		return;
	l->seen[0] = (struct met){ .key = fake_key(l->op.vni, T_BRIDGE, &l->op.mac, NULL) };
	l->seen[1] = (struct met){ .key = fake_key(l->op.vni, T_VXLAN, &l->op.mac, NULL) };
	for (int i = 0; i < 2; i++)
		l->seen[i].row = fake_look(f, l->seen[i].key);
}

static void say_done(struct fakedp *f, struct late *l)
{
	struct dp_seen s[2];
	unsigned n = 0;

	if (l->op.type != DP_OP_LOOK || l->err) {
		dp_done(f->d, &l->op, l->err, NULL);
		return;
	}
	for (int i = 0; i < 2; i++)
		n += l->seen[i].row.there && describe(f, &l->seen[i].key, &l->seen[i].row, &s[n]);
	dp_looked(f->d, &l->op, s, n);
}

static void carry_late(struct fakedp *f, unsigned n)
{
	for (unsigned i = 0; i < f->n_out && n; i++) {
		struct late *l = &f->out[i];

		if (l->carried)
			continue;
		l->err = fakedp_carry_out(f, &l->op);
		look(f, l);
		l->carried = true;
		n--;
	}
}

static void hand_back(struct fakedp *f, unsigned n)
{
	unsigned done = 0;

	for (; done < n && done < f->n_out && f->out[done].carried; done++)
		say_done(f, &f->out[done]);
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
		read_on(f);
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
	read_on(f);
	n = dp_pull(f->d, ops, 16);
	for (unsigned i = 0; i < n; i++) {
		struct late l = { .op = ops[i] };

		l.err = fakedp_carry_out(f, &l.op);
		look(f, &l);
		say_done(f, &l);
	}
	return n != 0 || !list_empty(&f->events) || is_reading(f);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

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
	fake_drop_events(f);
}

static int fake_vni_add(void *be, struct dp_vni *dv, const struct dp_vni_params *p, void **data)
{
	struct fvni *v = fake_vni(be, p->vni);

	v->v = dv;
	v->bridged = p->bridge != NULL;
	v->changed = true;
	v->known = v->unread = false;
	*data = v;
	return 0;
}

static void fake_vni_del(void *be, void *data, bool remove)
{
	struct fvni *v = data;

	rest_forget(v);
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
		.read = fake_read,
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
		rest_forget(v);
		free(v);
	}
	fake_drop_events(f);
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

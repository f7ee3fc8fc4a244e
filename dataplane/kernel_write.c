/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Operations as messages, a batch a system call, and what the kernel says to each. What the messages may
 * not do in one step, because the kernel refuses or answers 0 and does nothing, is done in two: a row that
 * points at a nexthop does not take an address in its place nor the other way round, a sticky row does not
 * let go of that, one that another hand has set does not become external, a flood row is another one with
 * another label. A batch that is out goes on without us (kernel_writer.h); the next is made meanwhile.
 */
#include "dataplane/kernel.h"

#include <errno.h>

/*
 * NUD_NOARP: a row that is set stays when the device goes down and up, NUD_REACHABLE: the vxlan driver takes one of
 * REACHABLE and PERMANENT only, and PERMANENT would make the MAC the bridge's own.
 */
#define FDB_STATE (NUD_NOARP | NUD_REACHABLE)

struct writer {
	struct kernel *k;
	struct kbatch *b;
};

/* The message just written belongs to operation i; quiet is an errno that means the same as success. */
static void belongs(struct writer *w, unsigned i, int quiet)
{
	w->b->op_of[w->b->n_msgs] = (uint8_t)i;
	w->b->quiet[w->b->n_msgs] = (uint8_t)quiet;
	w->b->n_msgs++;
}

/*
 * The nexthop that a row of these flags points at, 0 for one by address: of a MAC whose
 * row points at a nexthop a device that learns takes no packet (vxlan_snoop()), and such
 * a row does not age before Linux 6.15 ("cannot be dynamic").
 */
static uint32_t group_of(const struct kvni *v, const struct dp_dest *d, uint8_t flags)
{
	if (!d || d->label || v->learn || (flags & DP_ON_DEMAND && !d->set))
		return 0;
	return d->id[1];
}

/* A message about a row of the VNI. */
static struct fdb_msg row_of(const struct kvni *v, const struct mac *mac)
{
	return (struct fdb_msg){ .ifindex = v->vxlan_ifindex, .mac = mac, .vlan = v->vlan,
				 .src_vni = v->external ? v->vni : 0 };
}

static struct fdb_msg to_dest(const struct kvni *v, const struct mac *mac, const struct dp_dest *d, uint8_t flags)
{
	struct fdb_msg m = row_of(v, mac);

	m.state = FDB_STATE;
	m.group = group_of(v, d, flags);
	if (!m.group) {
		m.vtep = &d->vtep;
		m.vni = d->label;
	}
	return m;
}

static void del_fdb(struct writer *w, unsigned i, const struct kvni *v, const struct mac *mac, uint8_t flags, int quiet)
{
	struct fdb_msg m = row_of(v, mac);

	m.flags = flags;
	nlbuf_fdb(&w->b->tx, RTM_DELNEIGH, 0, &m);
	belongs(w, i, quiet);
}

/*
 * The two rows of a MAC in a message each. On demand the vxlan row ages, and the bridge row does not:
 * the bridge counts only what a MAC sends. Whoever hears of the end of the first deletes the second.
 * A sticky row is one that the bridge takes for set by hand: written with another state than NUD_NOARP, which the vxlan
 * device refuses, it would count as changed each time (net/bridge/br_fdb.c fdb_add_entry()).
 */
static void put_apart(struct writer *w, unsigned i, const struct dp_op *op, struct fdb_msg *m)
{
	uint8_t master = m->flags & (uint8_t)~(NTF_SELF | NTF_ROUTER);
	bool ages = op->flags & DP_ON_DEMAND;

	m->flags = (uint8_t)((m->flags & NTF_ROUTER) | NTF_SELF | (ages ? 0 : NTF_EXT_LEARNED));
	m->state = ages ? NUD_REACHABLE : FDB_STATE;
	nlbuf_fdb(&w->b->tx, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, m);
	belongs(w, i, 0);
	if (!(op->parts & DP_PORT))
		return;
	m->flags = master;
	m->state = NUD_NOARP;
	m->group = 0;
	m->vtep = NULL;
	m->vni = 0;
	nlbuf_fdb(&w->b->tx, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, m);
	belongs(w, i, 0);
}

/* What is there would not become by a write what is wanted: see the top. */
static bool must_go(const struct kvni *v, const struct dp_op *op, uint32_t group)
{
	if (op->local == DP_SEEN_LOCAL || op->local == DP_SEEN_CLAIM || v->remake)
		return true;
	return op->old && ((!v->learn && !group_of(v, op->old, op->old_flags) != !group) ||
			   (op->old_flags ^ op->flags) & DP_ON_DEMAND);
}

static void take_away(struct writer *w, unsigned i, const struct kvni *v, enum dp_part part)
{
	struct dp_op *op = &w->b->ops[i];

	del_fdb(w, i, v, &op->mac, part == DP_SELF ? NTF_SELF : NTF_MASTER, ENOENT);
	op->undone |= (uint8_t)part;
}

static void put_fdb(struct writer *w, unsigned i, const struct dp_op *op, const struct kvni *v)
{
	struct fdb_msg m = to_dest(v, &op->mac, op->dest, op->flags);

	if (op->dest->set && !m.group) {
		w->b->err[i] = -EOPNOTSUPP;
		return;
	}
	w->b->group[i] = m.group;
	if (must_go(v, op, m.group))
		take_away(w, i, v, DP_SELF);
	if (op->parts & DP_PORT && op->old_flags & ~op->flags & DP_STICKY)
		take_away(w, i, v, DP_PORT);
	m.flags = NTF_SELF | (op->parts & DP_PORT ? NTF_MASTER : 0);
	/*
	 * A sticky row is not external, since the bridge would then drop "sticky"; its
	 * vxlan row alone says that it is ours.
	 */
	m.flags |= op->flags & DP_STICKY && op->parts & DP_PORT ? NTF_STICKY : NTF_EXT_LEARNED;
	m.flags |= op->flags & DP_ROUTER ? NTF_ROUTER : 0; /* the bridge does not look at it */
	if (op->flags & DP_ON_DEMAND || m.flags & NTF_STICKY) {
		put_apart(w, i, op, &m);
		return;
	}
	nlbuf_fdb(&w->b->tx, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &m);
	belongs(w, i, 0);
}

static void flood_row(struct writer *w, unsigned i, uint16_t type, const struct mac *mac, const struct dp_dest *d)
{
	struct fdb_msg m = row_of(w->b->ops[i].vni_data, mac);

	m.vtep = &d->vtep;
	m.vni = d->label;
	m.flags = NTF_SELF | NTF_EXT_LEARNED;
	m.state = NUD_NOARP | NUD_PERMANENT;
	nlbuf_fdb(&w->b->tx, type, type == RTM_NEWNEIGH ? NLM_F_CREATE | NLM_F_APPEND : 0, &m);
	belongs(w, i, type == RTM_NEWNEIGH ? 0 : ENOENT);
}

static void flood(struct writer *w, unsigned i, uint16_t type, const struct dp_op *op, const struct dp_dest *d)
{
	if (op->parts & DP_SELF)
		flood_row(w, i, type, &op->mac, d);
	if (op->parts & DP_PORT)
		flood_row(w, i, type, &KERNEL_FLOOD_MARK, d);
}

static void put_dest(struct writer *w, unsigned i, const struct dp_op *op)
{
	struct nlbuf *tx = &w->b->tx;
	uint32_t members[DP_SET_MAX];
	unsigned n = 1;

	if (op->dest->set)
		n = kernel_nh_members(w->k, op->dest->set, members);
	if (w->k->nh_refused || !n) { /* rows take the address itself, and a set has none */
		w->b->err[i] = op->dest->set ? -EOPNOTSUPP : 0;
		return;
	}
	kernel_nh_take(w->k, op->row, op->dest);
	if (!op->dest->set) {
		members[0] = op->dest->id[0];
		nlbuf_nexthop_put(tx, op->dest->id[0], &op->dest->vtep);
		belongs(w, i, 0);
	}
	nlbuf_group_put(tx, op->dest->id[1], members, n);
	belongs(w, i, 0);
}

static void put_neigh(struct writer *w, unsigned i, const struct dp_op *op, unsigned ifindex)
{
	nlbuf_neigh_put(&w->b->tx, ifindex, &op->ip, &op->mac, op->flags & DP_ROUTER);
	belongs(w, i, 0);
}

static void put(struct writer *w, unsigned i, const struct dp_op *op)
{
	const struct kvni *v = op->vni_data;

	switch (op->kind) {
	case DP_FDB:
		put_fdb(w, i, op, v);
		break;
	case DP_FLOOD:
		if (op->old && op->old->label != op->dest->label)
			flood(w, i, RTM_DELNEIGH, op, op->old);
		flood(w, i, RTM_NEWNEIGH, op, op->dest);
		break;
	case DP_NEIGH:
		put_neigh(w, i, op, kernel_neigh_ifindex(v));
		if (kernel_neigh_twice(v))
			put_neigh(w, i, op, v->vxlan_ifindex);
		break;
	default:
		put_dest(w, i, op);
	}
}

/*
 * The bridge row has twins in VLANs, which stayed on the vxlan port when it moved away;
 * the kernel deletes only there.
 */
static bool twins(const struct kernel *k, const struct dp_op *op)
{
	const struct kvni *v = op->vni_data;
	const struct klink *br = kernel_link_find(k, v->bridge_ifindex);

	return br && !v->vlan && br->default_vlan && op->local != DP_SEEN_FOREIGN;
}

static void del(struct writer *w, unsigned i, const struct dp_op *op)
{
	const struct kvni *v = op->vni_data;
	uint8_t flags;

	switch (op->kind) {
	case DP_FDB:
		flags = (op->parts & DP_SELF ? NTF_SELF : 0) |
			(op->parts & DP_PORT || twins(w->k, op) ? NTF_MASTER : 0);
		/* With both parts the kernel stops at a bridge row that is not there, see unfinished(). */
		del_fdb(w, i, v, &op->mac, flags, flags == (NTF_SELF | NTF_MASTER) ? 0 : ENOENT);
		break;
	case DP_FLOOD: {
		struct dp_dest d = { .vtep = op->ip };

		flood(w, i, RTM_DELNEIGH, op, op->dest ? op->dest : &d);
		break;
	}
	case DP_NEIGH:
		nlbuf_neigh_del(&w->b->tx, kernel_neigh_ifindex(v), &op->ip);
		belongs(w, i, ENOENT);
		if (!kernel_neigh_twice(v))
			break;
		nlbuf_neigh_del(&w->b->tx, v->vxlan_ifindex, &op->ip);
		belongs(w, i, ENOENT);
		break;
	default:
		if (!op->dest->id[1])
			return;
		nlbuf_nexthop_del(&w->b->tx, op->dest->id[1]);
		belongs(w, i, ENOENT);
		if (!op->dest->id[0])
			return;
		nlbuf_nexthop_del(&w->b->tx, op->dest->id[0]);
		belongs(w, i, ENOENT);
	}
}

static void ask(struct writer *w, unsigned i, const struct dp_op *op)
{
	const struct kvni *v = op->vni_data;
	struct fdb_msg m = row_of(v, &op->mac);

	m.flags = NTF_MASTER;
	nlbuf_fdb(&w->b->tx, RTM_GETNEIGH, 0, &m);
	belongs(w, i, ENOENT);
}

/* Both of its rows, which have their own error each: what is not there has no answer. */
static void look(struct writer *w, unsigned i, const struct dp_op *op)
{
	const struct kvni *v = op->vni_data;
	struct fdb_msg m = { .ifindex = v->vxlan_ifindex, .mac = &op->mac, .vlan = v->vlan, .flags = NTF_MASTER };

	if (v->bridge[0]) {
		nlbuf_fdb(&w->b->tx, RTM_GETNEIGH, 0, &m);
		belongs(w, i, ENOENT);
	}
	m.flags = NTF_SELF;
	m.vlan = 0;
	m.vni = v->external ? v->vni : 0; /* a question names it so, a write by src_vni */
	nlbuf_fdb(&w->b->tx, RTM_GETNEIGH, 0, &m);
	belongs(w, i, ENOENT);
}

/* In two steps: a row that is moved in one keeps EXT_LEARNED, and would never age. */
static void give(struct writer *w, unsigned i, const struct dp_op *op)
{
	struct fdb_msg m = row_of(op->vni_data, &op->mac);

	m.ifindex = op->ifindex;
	m.flags = NTF_MASTER;
	m.state = NUD_REACHABLE;
	if (op->local == DP_SEEN_LOCAL_STATIC)
		m.state = NUD_NOARP;
	else if (op->local == DP_SEEN_LOCAL_EXTERN)
		m.flags |= NTF_EXT_LEARNED;
	del_fdb(w, i, op->vni_data, &op->mac, NTF_MASTER, ENOENT);
	nlbuf_fdb(&w->b->tx, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, &m);
	belongs(w, i, EEXIST);
}

static void build(struct writer *w, unsigned i, struct dp_op *op)
{
	switch (op->type) {
	case DP_OP_PUT:
		put(w, i, op);
		break;
	case DP_OP_DEL:
		del(w, i, op);
		break;
	case DP_OP_ASK:
		ask(w, i, op);
		break;
	case DP_OP_LOOK:
		look(w, i, op);
		break;
	default:
		give(w, i, op);
	}
}

/* ---- what came of it --------------------------------------------------------------------------------------------- */

/* Deletions of both rows where the bridge row was gone already, so that the vxlan row is still there: once more. */
static bool unfinished(struct writer *w)
{
	struct kbatch *b = w->b;

	kwriter_rewind(&w->k->writer, b);
	for (unsigned i = 0; i < b->n_ops; i++) {
		struct dp_op *op = &b->ops[i];

		if (op->type != DP_OP_DEL || op->kind != DP_FDB || b->err[i] != -ENOENT)
			continue;
		b->err[i] = 0;
		del_fdb(w, i, op->vni_data, &op->mac, NTF_SELF, ENOENT);
	}
	return b->n_msgs != 0;
}

/* The error is one of a message that followed another of the same operation. */
static bool first_was_taken(const struct kbatch *b, unsigned i)
{
	return b->bad[i] && b->op_of[b->bad[i] - 1] == i;
}

/*
 * A kernel without nexthops for FDB rows, or a VTEP that it takes none for: rows carry the address. But a group that is
 * refused after its nexthop was taken lacks that: another hand has deleted it in between.
 */
static void excuse(struct kernel *k, const struct kbatch *b, unsigned i, int *err)
{
	const struct dp_op *op = &b->ops[i];

	if (op->type != DP_OP_PUT || op->dest->set || (*err != -EOPNOTSUPP && *err != -EINVAL))
		return;
	if (*err == -EINVAL && first_was_taken(b, i)) {
		*err = -EAGAIN;
		return;
	}
	k->nh_refused |= *err == -EOPNOTSUPP;
	kernel_nh_release(k, op->dest);
	*err = 0;
}

/* Of a flood row: with the device for several VNIs, who there is to carry frames of ours to. */
static void note_flood(const struct dp_op *op)
{
	struct kvni *v = op->vni_data;

	if (op->old && op->old->label != (op->dest ? op->dest->label : 0))
		kernel_carry_note(v, &op->old->vtep, op->old->label, false);
	if (op->dest)
		kernel_carry_note(v, &op->dest->vtep, op->dest->label, op->type == DP_OP_PUT);
	else
		kernel_carry_note(v, &op->ip, 0, false);
}

struct looked {
	struct dp_seen seen[2];
	unsigned n;
};

static void take(void *ctx, const struct dp_seen *s)
{
	struct looked *l = ctx;

	if (l->n < 2)
		l->seen[l->n++] = *s;
}

/* The bridge row first: what it is the vxlan row decides. */
static void judge_look(struct kernel *k, struct kbatch *b, unsigned i)
{
	struct looked l = { .n = 0 };
	int err = b->fate ? b->fate : b->err[i];

	if (err) {
		dp_done(k->d, &b->ops[i], err, b->words[0] ? b->words : NULL);
		return;
	}
	for (unsigned part = 0; part < 2; part++) {
		const struct nlmsghdr *h = kwriter_answer(b, i, part);

		if (h)
			kernel_neigh_sort(k, h, take, &l);
	}
	dp_looked(k->d, &b->ops[i], l.seen, l.n);
}

static void judge(struct kernel *k, struct kbatch *b, unsigned i)
{
	struct dp_op *op = &b->ops[i];
	int err = b->fate ? b->fate : b->err[i];
	bool placed;

	if (op->kind == DP_DEST) {
		excuse(k, b, i, &err);
		if (op->type == DP_OP_DEL && !err)
			kernel_nh_release(k, op->dest);
	}
	if (err && b->group[i] && !op->dest->id[1])
		err = -EAGAIN; /* made before its nexthop was refused */
	if (op->type == DP_OP_ASK && b->at[i])
		op->answer = b->at[i] == ((struct kvni *)op->vni_data)->vxlan_ifindex ? DP_AT_VXLAN : DP_AT_PORT;
	if (op->kind == DP_FLOOD && mac_is_zero(&op->mac) && !err)
		note_flood(op);
	if (b->missed[i]) /* there was nothing to take away, so nothing is heard of it */
		op->undone = 0;
	placed = !err && op->type == DP_OP_PUT && op->kind == DP_FDB && op->flags & DP_ON_DEMAND;
	dp_done(k->d, op, err, b->words[0] ? b->words : NULL);
	if (placed)
		kernel_hold_placed(k, op->vni_data, &op->mac);
}

void kernel_write_results(struct kernel *k)
{
	struct kbatch *b;

	while ((b = kwriter_result(&k->writer))) {
		struct writer w = { k, b };

		if (!b->fate && unfinished(&w)) {
			kwriter_submit(&k->writer, b);
			continue;
		}
		for (unsigned i = 0; i < b->n_ops; i++) {
			if (b->ops[i].type == DP_OP_LOOK)
				judge_look(k, b, i);
			else
				judge(k, b, i);
		}
		kwriter_free(&k->writer, b);
	}
	dp_landed(k->d);
}

bool kernel_write(struct kernel *k)
{
	struct writer w = { k, kwriter_batch(&k->writer) };
	struct kbatch *b = w.b;

	if (!b)
		return false;
	b->n_ops = dp_pull(k->d, b->ops, KERNEL_OPS);
	if (!b->n_ops) {
		kwriter_free(&k->writer, b);
		return false;
	}
	memset(b->err, 0, sizeof(b->err));
	memset(b->missed, 0, sizeof(b->missed));
	memset(b->at, 0, sizeof(b->at));
	memset(b->group, 0, sizeof(b->group));
	kwriter_answers_clear(b);
	for (unsigned i = 0; i < b->n_ops; i++)
		build(&w, i, &b->ops[i]);
	kwriter_submit(&k->writer, b);
	return true;
}

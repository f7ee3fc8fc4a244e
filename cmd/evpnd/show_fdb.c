/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* show fdb: the dataplane's rows, ours and those it has seen. */
#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/show.h"

struct fdb_state {
	struct dp_cursor cursor;
};

/* A row as a user sees it: what applies to its kind, the rest none. */
struct fdb_view {
	const struct mac *mac;
	struct ip ip, vtep;
	const struct ip *vteps; /* several */
	unsigned n_vteps;
};

static const char *owner_name(enum dp_owner o)
{
	switch (o) {
	case DP_OWNER_EVPND:
		return "evpnd";
	case DP_OWNER_KERNEL:
		return "kernel";
	case DP_OWNER_FOREIGN:
		return "foreign";
	}
	return NULL;
}

static struct fdb_view view(const struct dp_row_info *i)
{
	const struct dp_row *row = &i->row;
	static const struct mac zero;

	switch ((enum dp_kind)row->key.kind) {
	case DP_FDB:
		return (struct fdb_view){
			.mac = &row->key.mac, .vtep = row->vtep, .vteps = i->vteps, .n_vteps = i->n_vteps
		};
	case DP_FLOOD:
		/* The MAC is zero, or that of a group, as in the kernel. */
		return (struct fdb_view){ .mac = &row->key.mac, .vtep = row->key.ip };
	case DP_NEIGH:
		return (struct fdb_view){ .mac = &row->mac, .ip = row->key.ip };
	}
	return (struct fdb_view){ .mac = &zero };
}

static void print_row(struct reply *r, struct json *j, const struct dp_row_info *i, const struct fdb_view *v)
{
	uint32_t label = i->row.label_vni ? i->row.label_vni : i->row.key.vni;

	json_object(j, NULL);
	json_uint(j, "vni", i->row.key.vni);
	json_mac(j, "mac", v->mac);
	json_ip(j, "ip", &v->ip);
	json_ip(j, "vtep", &v->vtep);
	json_array(j, "vteps");
	if (v->vtep.len)
		json_ip(j, NULL, &v->vtep);
	for (unsigned k = 0; k < v->n_vteps; k++)
		json_ip(j, NULL, &v->vteps[k]);
	json_array_end(j);
	json_uint_if(j, "packet_vni", v->vtep.len || v->n_vteps, label);
	json_str(j, "device", i->device);
	json_str(j, "table", i->table);
	json_bool(j, "desired", i->desired);
	json_bool(j, "observed", i->observed);
	json_str(j, "owner", owner_name(i->owner));
	json_bool(j, "learned", i->learned);
	json_str(j, "pending", i->pending);
	json_str(j, "help", i->help);
	json_bool(j, "sticky", i->row.flags & DP_STICKY);
	json_bool(j, "router", i->row.flags & DP_ROUTER);
	reply_age(r, "age_s", i->since);
	json_object_end(j);
}

void show_fdb_row(struct reply *r, struct json *j, const struct dp_row_info *i)
{
	struct fdb_view v = view(i);

	print_row(r, j, i, &v);
}

static bool match_vtep(const struct reply *r, const struct fdb_view *v)
{
	for (unsigned k = 0; k < v->n_vteps; k++)
		if (reply_match_ip(r, ARG_VTEP, &v->vteps[k]))
			return true;
	return reply_match_ip(r, ARG_VTEP, &v->vtep);
}

static bool more_fdb(struct reply *r)
{
	struct fdb_state *s = r->state;
	uint32_t vni = reply_has(r, ARG_VNI) ? reply_arg(r, ARG_VNI)->n : 0;
	struct dp_row_info i;

	while (reply_step(r)) {
		struct fdb_view v;

		if (!dp_next(r->d->dp, &s->cursor, vni, &i))
			return false;
		v = view(&i);
		if (reply_match_mac(r, v.mac) && reply_match_ip(r, ARG_IP, &v.ip) &&
		    match_vtep(r, &v))
			print_row(r, reply_row(r), &i, &v);
	}
	return true;
}

const struct reply_ops show_fdb = { sizeof(struct fdb_state), NULL, more_fdb, NULL };

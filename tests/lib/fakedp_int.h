/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Inside the fake backend: the tables that fakedp_tables.c owns, and fakedp.c reads and
 * writes as a dataplane's backend.
 */
#ifndef TESTS_LIB_FAKEDP_INT_H
#define TESTS_LIB_FAKEDP_INT_H

#include <uthash.h>

#include "base/list.h"
#include "tests/lib/fakedp.h"
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

/* A row as it was met. */
struct met {
	struct fkey key;
	struct fakedp_row row;
};

struct fvni {
	UT_hash_handle hh;
	uint32_t nr;
	struct dp_vni *v; /* NULL: no dataplane attached */
	bool bridged, present, changed;
	bool made;
	bool gone; /* at least for a moment */
	bool known;  /* its tables were read, or a part of them, since it was added */
	bool unread; /* a part of them */
	struct met *rest; /* of what is being read, NULL: nothing is */
	unsigned n_rest;
	const char *problem;
	char name[2][24];
};

#define LATE_OPS 64u

struct late {
	struct dp_op op;
	bool carried;
	int err;
	struct met seen[2]; /* of DP_OP_LOOK */
};

struct fakedp {
	struct dp_ops ops;
	bool is_late, echoes; /* echoes: it tells of what it has put itself */
	bool tells_ends;    /* of what it has deleted itself */
	bool is_shy, reads_at_once;
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

struct fkey fake_key(uint32_t vni, enum table t, const struct mac *mac, const struct ip *ip);
struct fakedp_row fake_look(const struct fakedp *f, struct fkey k);
/* By hand with an event, by an operation (quiet) without. */
void fake_put(struct fakedp *f, struct fkey k, struct fakedp_row row, bool quiet);
void fake_drop(struct fakedp *f, struct fkey k, bool quiet);
void fake_drop_events(struct fakedp *f);
struct object *fake_object(const struct fakedp *f, const struct ip *vtep);
/* With the object go the vxlan rows that point at it, and nobody is told. */
void fake_object_end(struct fakedp *f, struct object *o);
struct fset *fake_set(const struct fakedp *f, uint32_t id);
void fake_set_end(struct fakedp *f, struct fset *s);
/* Made when it is not there. */
struct fvni *fake_vni(struct fakedp *f, uint32_t nr);

#endif

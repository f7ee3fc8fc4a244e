/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The reconciler between what a test wishes (wishes.h) and the fake backend (fakedp.h),
 * in one VNI, with what evpn would believe of it. Unlike dpbed.h it knows one backend
 * only and so sees into it: operations that are out, time by hand.
 */
#ifndef TESTS_LIB_RECBED_H
#define TESTS_LIB_RECBED_H

#include "dataplane/dp.h"
#include "tests/lib/dpworld.h"
#include "tests/lib/wishes.h"

#define VNI WORLD_VNI
#define PORT_A 5u
#define PORT_B 6u

/* What evpn would believe; MACs and addresses by their last octet. */
struct recbed_belief {
	unsigned events, macs_gone, ips_gone;
	bool ready;
	unsigned ifindex[256]; /* 0: not local */
	uint8_t flags[256];
	bool ip[256];
	struct ip far[256]; /* VTEP that it was learned from; none: not learned */
	unsigned fars, fars_gone;
	unsigned placed, idle, missed; /* rows on demand */
};

struct recbed {
	struct fakedp *f;
	struct dp *d;
	struct log log;
	struct recbed_belief b;
	struct mtime now;
	char last[256]; /* log line */
};

/* For cmocka: a running dataplane, its VNI ready; at the end nothing of ours may be left, no other's row changed. */
int recbed_setup(void **state);
int recbed_teardown(void **state);
/* A restart: what is in the fake backend stays. */
void recbed_start(struct recbed *t);
void recbed_stop(struct recbed *t, bool flush);
void recbed_pass(struct recbed *t, int64_t ms);

/* fakedp_*() of fakedp.h, by number. */
void fake_learn(struct recbed *t, unsigned mac, unsigned port, enum fakedp_hand hand);
void fake_forget(struct recbed *t, unsigned mac);
struct ip fake_fdb(struct recbed *t, unsigned mac);
unsigned fake_port(struct recbed *t, unsigned mac);
bool fake_has_vxlan(struct recbed *t, unsigned mac);

#define assert_fdb(t, mac, vtep)                                                                                       \
	do {                                                                                                           \
		struct ip is_ = fake_fdb(t, mac), want_ = vtep_nr(vtep);                                               \
		assert_string_equal(ip_str(&is_).s, ip_str(&want_).s);                                                 \
	} while (0)
#define assert_no_fdb(t, mac)                                                                                          \
	do {                                                                                                           \
		struct ip is_ = fake_fdb(t, mac);                                                                      \
		assert_string_equal(ip_str(&is_).s, "");                                                               \
	} while (0)

#endif

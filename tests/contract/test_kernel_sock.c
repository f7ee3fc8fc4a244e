/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* dataplane/kernel_sock.c on a real kernel, in a namespace of the test's own; skipped where there is none. */
#include "dataplane/kernel_sock.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "tests/lib/dpworld.h"
#include "tests/lib/test.h"

struct heard {
	unsigned rows, neighbours, gone;
};

static int setup(void **state)
{
	struct world *w = world_kernel();

	if (w)
		w->make_devices(w, "same");
	if (w) /* one row for each that is set: the kernel may be one with VLANs */
		world_run("ip link set br100 type bridge vlan_default_pvid 0; ip link set vxlan100 master br100; "
			  "ip link set vxlan100 up");
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (w)
		w->free(w);
	return 0;
}

#define NEEDS_WORLD(w)                                                                                                 \
	do {                                                                                                           \
		if (!(w))                                                                                              \
			SKIP("a network namespace takes CAP_SYS_ADMIN");                                               \
	} while (0)

static void on_event(void *ctx, const struct nlmsghdr *h)
{
	struct heard *heard = ctx;
	const struct ndmsg *nd = NLMSG_DATA(h);

	if (h->nlmsg_type == RTM_NEWNEIGH && nd->ndm_family == AF_BRIDGE)
		heard->rows++;
	else if (h->nlmsg_type == RTM_NEWNEIGH)
		heard->neighbours++;
	else if (h->nlmsg_type == RTM_DELNEIGH)
		heard->gone++;
}

static struct heard hear(struct ksock *s)
{
	struct heard heard = { 0 };

	while (ksock_events(s, on_event, &heard) > 0)
		;
	return heard;
}

/* A list of devices of every length around the filter's turns: ours among them is found, a stranger's is not. */
static void filter_lets_go_of_our_echoes_only(void **state)
{
	static const int groups[] = { RTNLGRP_NEIGH, 0 };
	static const unsigned lengths[] = { 1, 2, 3, 7, 64, 500 };
	struct world *w = *state;
	struct heard heard;
	struct ksock s;

	NEEDS_WORLD(w);
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		unsigned *list = calloc(lengths[i], sizeof(*list));

		for (unsigned j = 0; j < lengths[i]; j++)
			list[j] = 1000 + j * 77;
		list[lengths[i] / 2] = if_nametoindex("vxlan100");
		assert_int_equal(ksock_open(&s, groups), 0);
		if (!ksock_filter(&s, list, lengths[i], false)) {
			print_message("%u devices: no room for the filter\n", lengths[i]);
			assert_true(lengths[i] > 64);
			ksock_close(&s);
			free(list);
			continue;
		}
		hear(&s);
		world_run("bridge fdb add 02:00:00:00:00:01 dev vxlan100 dst 192.0.2.2 self master extern_learn");
		world_run(
			"ip neigh add 10.0.0.1 lladdr 02:00:00:00:00:01 dev br100 extern_learn nud noarp protocol 179");
		heard = hear(&s);
		assert_int_equal(heard.rows, 0);
		assert_int_equal(heard.neighbours, 0);
		world_run("bridge fdb add 02:00:00:00:00:02 dev vxlan100 dst 192.0.2.2 self static");
		world_run("bridge fdb add 02:00:00:00:00:03 dev p1 master extern_learn");
		world_run("bridge fdb add 02:00:00:00:00:04 dev p1 master static");
		world_run(
			"ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:01 dev br100 extern_learn nud noarp protocol 11");
		world_run("ip neigh add 10.0.0.3 lladdr 02:00:00:00:00:01 dev br100 nud permanent");
		/* Ours, altered. */
		world_run("ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev br100 nud permanent");
		heard = hear(&s);
		assert_int_equal(heard.rows, 3);
		assert_int_equal(heard.neighbours, 3);
		world_run(
			"bridge fdb del 02:00:00:00:00:01 dev vxlan100 self master; "
			"bridge fdb del 02:00:00:00:00:02 dev "
			"vxlan100 self; bridge fdb del 02:00:00:00:00:03 dev p1 master; "
			"bridge fdb del 02:00:00:00:00:04 dev p1 master; "
			"ip neigh flush dev br100; ip neigh flush dev br100 "
			"nud permanent; ip neigh flush dev br100 nud noarp");
		assert_true(hear(&s).gone >= 8); /* ends are heard unless it is asked otherwise */
		ksock_close(&s);
		free(list);
	}
}

static void filter_lets_go_of_the_ends_of_ours_when_asked(void **state)
{
	static const int groups[] = { RTNLGRP_NEIGH, 0 };
	struct world *w = *state;
	unsigned vxlan;
	struct ksock s;

	NEEDS_WORLD(w);
	vxlan = if_nametoindex("vxlan100");
	world_run("bridge fdb add 02:00:00:00:00:01 dev vxlan100 dst 192.0.2.2 self master extern_learn");
	world_run("bridge fdb add 02:00:00:00:00:02 dev vxlan100 dst 192.0.2.2 self static");
	world_run("bridge fdb add 02:00:00:00:00:03 dev p1 master extern_learn");
	assert_int_equal(ksock_open(&s, groups), 0);
	ksock_filter(&s, &vxlan, 1, true);
	hear(&s);
	world_run("bridge fdb del 02:00:00:00:00:01 dev vxlan100 self master");
	assert_int_equal(hear(&s).gone, 0);
	world_run("bridge fdb del 02:00:00:00:00:02 dev vxlan100 self; bridge fdb del 02:00:00:00:00:03 dev p1 master");
	assert_int_equal(hear(&s).gone, 2);
	ksock_close(&s);
}

static void no_filter_hears_everything(void **state)
{
	static const int groups[] = { RTNLGRP_NEIGH, 0 };
	struct world *w = *state;
	unsigned vxlan;
	struct ksock s;

	NEEDS_WORLD(w);
	vxlan = if_nametoindex("vxlan100");
	assert_int_equal(ksock_open(&s, groups), 0);
	ksock_filter(&s, &vxlan, 1, true);
	ksock_filter(&s, NULL, 0, false);
	hear(&s);
	world_run("bridge fdb add 02:00:00:00:00:01 dev vxlan100 dst 192.0.2.2 self master extern_learn");
	assert_true(hear(&s).rows >= 2); /* kernels before 6.13 tell of the vxlan row twice */
	ksock_close(&s);
}

struct answers {
	int err[8];
	char words[KSOCK_WORDS];
	struct ksock *s;
};

static void on_answer(void *ctx, unsigned nr, const struct nlmsghdr *h, int err)
{
	struct answers *a = ctx;

	a->err[nr] = err;
	if (err && a->s->words[0])
		memcpy(a->words, a->s->words, sizeof(a->words));
}

static void errors_of_a_batch_belong_to_their_messages(void **state)
{
	struct mac m[] = { { { 2, 0, 0, 0, 0, 1 } }, { { 2, 0, 0, 0, 0, 2 } }, { { 2, 0, 0, 0, 0, 3 } } };
	struct nlbuf n = { .b = calloc(1, 4096), .cap = 4096, .seq = 77 };
	struct ip v = ip_v4(0xc0000202);
	struct world *w = *state;
	struct answers a = { .words = "" };
	struct fdb_msg f = { .flags = NTF_SELF | NTF_EXT_LEARNED, .state = NUD_NOARP | NUD_REACHABLE, .vtep = &v };
	struct ksock s;

	NEEDS_WORLD(w);
	assert_int_equal(ksock_open(&s, NULL), 0);
	a.s = &s;
	f.ifindex = if_nametoindex("vxlan100");
	f.mac = &m[0];
	nlbuf_fdb(&n, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &f);
	f.mac = &m[1];
	f.ifindex = 99999;
	nlbuf_fdb(&n, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &f); /* no such device */
	f.ifindex = if_nametoindex("vxlan100");
	f.mac = &m[2];
	nlbuf_fdb(&n, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &f);
	nlbuf_group_put(&n, 0x65800001, (uint32_t[]){ 12345 }, 1); /* of a nexthop that is not there */
	nlbuf_fdb(&n, RTM_DELNEIGH, 0, &f);
	f.mac = &m[1];
	nlbuf_fdb(&n, RTM_DELNEIGH, 0, &f); /* the last is refused, too */
	assert_int_equal(ksock_batch(&s, &n, 77, on_answer, &a), 0);
	assert_int_equal(a.err[0], 0);
	assert_int_equal(a.err[1], -ENODEV);
	assert_int_equal(a.err[2], 0);
	assert_int_equal(a.err[3], -EINVAL);
	assert_string_equal(a.words, "Invalid nexthop id");
	assert_int_equal(a.err[4], 0);
	assert_int_equal(a.err[5], -ENOENT);
	ksock_close(&s);
	free(n.b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(filter_lets_go_of_our_echoes_only),
		T(filter_lets_go_of_the_ends_of_ours_when_asked),
		T(no_filter_hears_everything),
		T(errors_of_a_batch_belong_to_their_messages),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* dataplane/kernel_dump.c on a real kernel, in a namespace of the test's own; skipped where there is none. */
#include "dataplane/kernel_dump.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/lib/dpworld.h"
#include "tests/lib/test.h"

#define ROWS 10000u /* 20 datagrams: more than wait */
#define LONG_MS 5000u

struct bed {
	struct world *w;
	struct kdump d;
	unsigned ifindex;
	uint8_t seen[ROWS];
};

static void on_answer(void *ctx, unsigned nr, const struct nlmsghdr *h, int err)
{
	assert_int_equal(err, 0);
}

static struct ip host(uint32_t i)
{
	return ip_v4(0x0a000000 + i);
}

static void write_rows(struct bed *b)
{
	struct nlbuf n = { .b = xcalloc(100, NLBUF_MSG_MAX), .cap = 100 * NLBUF_MSG_MAX, .seq = 1 };
	struct mac mac = { { 2, 0, 0, 0, 0, 1 } };
	struct ksock s;

	assert_int_equal(ksock_open(&s, NULL), 0);
	for (uint32_t i = 0; i < ROWS; i += 100) {
		uint32_t first = n.seq;

		n.len = 0;
		for (uint32_t k = i; k < i + 100; k++) {
			struct ip ip = host(k);

			nlbuf_neigh_put(&n, b->ifindex, &ip, &mac, false);
		}
		assert_int_equal(ksock_batch(&s, &n, first, on_answer, NULL), 0);
	}
	ksock_close(&s);
	free(n.b);
}

static int setup(void **state)
{
	struct bed *b = xcalloc(1, sizeof(*b));

	*state = b;
	b->w = world_kernel();
	if (!b->w)
		return 0;
	b->w->make_devices(b->w, "same");
	b->ifindex = if_nametoindex("br100");
	write_rows(b);
	return kdump_open(&b->d);
}

static int teardown(void **state)
{
	struct bed *b = *state;

	if (b->w)
		b->w->free(b->w);
	free(b);
	return 0;
}

#define NEEDS_WORLD(b)                                                                                                 \
	do {                                                                                                           \
		if (!(b)->w)                                                                                           \
			SKIP("a network namespace takes CAP_SYS_ADMIN");                                               \
	} while (0)

static void begin(struct bed *b, uint8_t family, uint16_t attribute, unsigned ifindex)
{
	struct ndmsg nd = { .ndm_family = family };
	struct nl_msg *m = ksock_msg(RTM_GETNEIGH, 0, &nd, sizeof(nd));

	nla_put_u32(m, attribute, ifindex);
	kdump_begin(&b->d, m);
}

static void begin_all(struct bed *b)
{
	begin(b, AF_INET, NDA_IFINDEX, b->ifindex);
}

static void on_row(void *ctx, const struct nlmsghdr *h)
{
	struct bed *b = ctx;
	struct nlattr *a = nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)h, sizeof(struct ndmsg), NDA_DST);
	uint32_t i = ntohl(nla_get_u32(a)) - 0x0a000000;

	if (i < ROWS) /* the device has neighbours of its own */
		b->seen[i]++;
}

static void dump_has_each_row_once_for_one_who_is_slow(void **state)
{
	struct bed *b = *state;
	int more, datagrams = 0;

	NEEDS_WORLD(b);
	begin_all(b);
	do {
		usleep(2000);
		more = kdump_more(&b->d, LONG_MS, on_row, b);
		datagrams++;
	} while (more == KDUMP_MORE);
	assert_int_equal(more, KDUMP_END);
	assert_true(datagrams > (int)KDUMP_AHEAD);
	for (uint32_t i = 0; i < ROWS; i++)
		assert_int_equal(b->seen[i], 1);
	kdump_close(&b->d);
}

static void dump_can_be_closed_on_its_way_and_begun_anew(void **state)
{
	struct bed *b = *state;
	int more;

	NEEDS_WORLD(b);
	begin_all(b);
	assert_int_equal(kdump_more(&b->d, LONG_MS, on_row, b), KDUMP_MORE);
	kdump_close(&b->d);
	assert_int_equal(kdump_open(&b->d), 0);
	begin_all(b);
	do
		more = kdump_more(&b->d, 0, on_row, b);
	while (more == KDUMP_MORE || more == KDUMP_NOTHING_YET);
	assert_int_equal(more, KDUMP_END);
	kdump_close(&b->d);
}

static void dump_that_is_refused_ends_with_the_reason(void **state)
{
	struct bed *b = *state;

	NEEDS_WORLD(b);
	begin(b, AF_BRIDGE, NDA_MASTER, 0x7fffffff);
	assert_int_equal(kdump_more(&b->d, LONG_MS, on_row, b), -ENODEV);
	assert_int_equal(kdump_more(&b->d, LONG_MS, on_row, b), -ENODEV);
	begin_all(b);
	assert_int_equal(kdump_more(&b->d, LONG_MS, on_row, b), KDUMP_MORE);
	kdump_close(&b->d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(dump_has_each_row_once_for_one_who_is_slow),
		T(dump_can_be_closed_on_its_way_and_begun_anew),
		T(dump_that_is_refused_ends_with_the_reason),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What the userspace VTEP does by itself, where the kernel has a bridge for it: ages, limits, a port that goes with all
 * that was learned there. In a network namespace of the test's own; skipped where there is none.
 */
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/dp.h"
#include "dataplane/vtep/vtep.h"
#include "tests/lib/dpbed.h"
#include "tests/lib/dpworld_netns.h"
#include "tests/lib/test.h"

static struct bridge *bridge_of(struct bed *t)
{
	return bridge_find(dp_backend(t->d), WORLD_VNI);
}

/* MACs from to to - 1 say something on port 1. */
static void say_all(struct bed *t, unsigned from, unsigned to)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("h1") };
	uint8_t frame[60] = { 255, 255, 255, 255, 255, 255, [12] = 0x88, 0xb5 };
	uint64_t before = frames_of(t, 1);
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	for (unsigned i = from; i < to; i++) {
		memcpy(frame + 6, mac_nr(i).b, 6);
		assert_int_equal(sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&ll, sizeof(ll)),
				 sizeof(frame));
	}
	close(fd);
	await_frames(t, 1, before + to - from);
}

static unsigned known(struct bed *t, unsigned from, unsigned to)
{
	unsigned n = 0;

	for (unsigned i = from; i < to; i++)
		n += port_of(t, i) != 0;
	return n;
}

static void silent_macs_age(void **state)
{
	struct bed *t = *state;
	struct bridge *b;
	struct vtep *v;

	NEEDS_WORLD(t);
	say_all(t, 1, 6);
	settle(t);
	assert_int_equal(known(t, 1, 6), 5);
	b = bridge_of(t);
	v = b->v;
	v->now_s += VTEP_AGEING_S - 2;
	say_all(t, 1, 2);
	v->now_s += 3;
	for (unsigned i = 0; i < VTEP_AGEING_S; i++)
		learn_age(b);
	settle(t);
	assert_int_equal(port_of(t, 1), 1); /* it has been heard since */
	assert_int_equal(known(t, 2, 6), 0);
	assert_int_equal(t->b.ifindex[2], 0);
	assert_int_equal(b->learned, 1);
}

static void a_port_that_goes_takes_all_along(void **state)
{
	enum { N = 500 };
	struct bed *t = *state;
	struct dp_vni_params p = bed_params();

	NEEDS_WORLD(t);
	say_all(t, 1, N);
	settle(t);
	assert_int_equal(known(t, 1, N), N - 1);
	p.ports++; /* without the first */
	p.n_ports--;
	dp_vni_del(t->d, WORLD_VNI);
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	settle(t);
	assert_int_equal(known(t, 1, N), 0);
	assert_int_equal(bridge_of(t)->learned, 0);
}

static void more_macs_than_the_limit_are_counted(void **state)
{
	struct bed *t = *state;
	struct dp_vni_params p = bed_params();

	NEEDS_WORLD(t);
	p.mac_limit = 10;
	dp_vni_del(t->d, WORLD_VNI);
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	settle(t);
	say_all(t, 1, 31);
	settle(t);
	assert_int_equal(known(t, 1, 31), 10);
	assert_int_equal(info(t).learned, 10);
	assert_int_equal(info(t).mac_limit, 10);
	assert_true(info(t).not_learned >= 20);
	assert_true(said(t, "10 MACs are learned, and no more"));
	want_fdb(t->d, 40, 2, 0); /* rows have no part in it */
	settle(t);
	assert_string_equal(fdb(t, 40), "192.0.2.2");
	learn(t, 1, 2, FAKEDP_KERNEL); /* nor have moves */
	settle(t);
	assert_int_equal(port_of(t, 1), 2);
	assert_int_equal(info(t).learned, 10);
}

/* ---- rows on demand ---------------------------------------------------------------------------------------------- */

#define FRAME_LEN 60u

/* A worker has found no row for a frame to this MAC, and says so, like any time later. */
static void missed(struct vtep *v, unsigned mac)
{
	struct missed_ring *r = worker_missed(v, 0);
	struct missed *m = &r->slot[r->tail % VTEP_MISSED];
	uint8_t *frame = r->frame[r->frame_tail++ % HOLD_FRAMES];

	*m = (struct missed){ .vni = WORLD_VNI, .mac = mac_nr(mac), .len = FRAME_LEN };
	memset(frame, 0, FRAME_LEN);
	memcpy(frame, m->mac.b, sizeof(m->mac.b));
	frame[12] = 0x88;
	frame[13] = 0xb5;
	__atomic_store_n(&r->tail, r->tail + 1, __ATOMIC_RELEASE);
}

/* Of the VXLAN packets that have left, how many hold a frame to this MAC. */
static unsigned sent(int fd, unsigned mac)
{
	struct mac m = mac_nr(mac);
	uint8_t b[2048];
	unsigned n = 0;
	ssize_t len;

	while ((len = recv(fd, b, sizeof(b), MSG_DONTWAIT)) > 0)
		n += memmem(b + 14, (size_t)len - 14, m.b, sizeof(m.b)) != NULL;
	return n;
}

static void a_frame_waits_for_its_row_and_not_beyond(void **state)
{
	struct bed *t = *state;
	struct dp_vni_params p = bed_params();
	struct sockaddr_ll u1;
	int fd;

	NEEDS_WORLD(t);
	p.miss_macs = true;
	dp_vni_del(t->d, WORLD_VNI);
	assert_int_equal(dp_vni_add(t->d, &p), 0);
	settle(t);
	world_run("ip neigh add 192.0.2.2 lladdr 02:00:00:00:ff:02 dev u0");
	u1 = (struct sockaddr_ll){ .sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_IP),
				   .sll_ifindex = (int)if_nametoindex("u1") };
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&u1, sizeof(u1)), 0);
	missed(bridge_of(t)->v, 5);
	dp_kick(t->d);
	settle(t);
	assert_int_equal(sent(fd, 5), 0);
	want_fdb(t->d, 5, 2, DP_ON_DEMAND);
	settle(t);
	assert_int_equal(sent(fd, 5), 1);
	missed(bridge_of(t)->v, 5); /* the worker looked before the row was there */
	dp_kick(t->d);
	settle(t);
	assert_int_equal(sent(fd, 5), 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(silent_macs_age, bed_running_vtep, bed_teardown),
		cmocka_unit_test_setup_teardown(a_port_that_goes_takes_all_along, bed_running_vtep, bed_teardown),
		cmocka_unit_test_setup_teardown(more_macs_than_the_limit_are_counted, bed_running_vtep, bed_teardown),
		cmocka_unit_test_setup_teardown(a_frame_waits_for_its_row_and_not_beyond, bed_running_vtep,
						bed_teardown),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Flood control of mode evpn: what Type 3 routes say and whose are used, RFC 7432 11.2, RFC 8365 5.1.3. */
#include <string.h>

#include "evpn/ec.h"
#include "tests/lib/evpnworld.h"
#include "tests/lib/hex.h"
#include "tests/lib/test.h"

static void vni(struct world *w, enum config_flooding how)
{
	struct config_rt rts[2];
	struct config_vni c = world_config(100, rts);

	c.flooding = how;
	if (how == CONFIG_FLOODING_MULTICAST)
		c.group = ip_v4(0xef010101);
	assert_int_equal(evpn_vni_add(w->e, &c, 4789, NULL), 0);
}

static void with_a_group_the_route_names_it_and_lists_are_not_used(void **state)
{
	struct world *w = *state;

	world_announce(w, (struct route){ .vtep = 2 });
	vni(w, CONFIG_FLOODING_MULTICAST);
	world_sent(w, "+100 imet group 239.1.1.1\n");
	world_rows(w, "");
	assert_string_equal(w->last,
			    "vni 100: VTEP 192.0.2.2 floods by ingress replication, we to group 239.1.1.1: nothing is "
			    "flooded to it");
	world_announce(w, (struct route){ .vtep = 3 });
	world_rows(w, "");
	world_announce(w, (struct route){ .vtep = 3, .mac = 1 });
	world_rows(w, "fdb 100 02:00:00:00:00:01 192.0.2.3\n");
	world_withdraw(w, (struct route){ .vtep = 3 });
	evpn_vni_del(w->e, 100);
	world_sent(w, "-100 imet group 239.1.1.1\n");
}

static void off_says_nothing_and_uses_nothing(void **state)
{
	struct world *w = *state;

	vni(w, CONFIG_FLOODING_OFF);
	world_sent(w, "");
	world_announce(w, (struct route){ .vtep = 2 });
	world_announce(w, (struct route){ .vtep = 2, .mac = 1 });
	world_rows(w, "fdb 100 02:00:00:00:00:01 192.0.2.2\n");
	world_learn(w, 2);
	world_sent(w, "+100 mac 02:00:00:00:00:02\n");
	evpn_vni_del(w->e, 100);
	world_sent(w, "-100 mac 02:00:00:00:00:02\n");
}

/* Those that go to a tree are not replicated to. */
static void a_tree_of_others_makes_no_row(void **state)
{
	struct world *w = *state;

	vni(w, CONFIG_FLOODING_INGRESS);
	for (unsigned type = EVPN_PMSI_PIM_SSM; type <= EVPN_PMSI_PIM_BIDIR; type++)
		world_announce(w, (struct route){ .vtep = type, .pmsi_type = type });
	world_rows(w, "");
}

static void trees_are_read_and_written(void **state)
{
	static const char *const trees[] = { "00040003e8c0000201ef010101", "00030003e8c0000201e8010101",
					     "00050003e8c0000201ef010101" };
	static const char *const groups[] = { "239.1.1.1", "232.1.1.1", "239.1.1.1" };
	struct ip group = ip_v4(0xef010101), sender = ip_v4(0xc0000201);
	uint8_t b[EVPN_PMSI_MAX];
	struct wbuf w = wb_init(b, sizeof(b));
	struct evpn_pmsi p;

	evpn_pmsi_put_tree(&w, 1000, &sender, &group);
	hex_assert("tree", b, wb_len(&w), trees[0]);
	for (size_t i = 0; i < 3; i++) {
		assert_true(evpn_pmsi_read(b, hex_bytes(trees[i], b, sizeof(b)), &p));
		assert_int_equal(p.label, 1000);
		assert_string_equal(ip_str(&p.group).s, groups[i]);
		assert_int_equal(p.endpoint.len, 0);
	}
	/* Of a length that is no pair of addresses nothing is read but what comes before. */
	assert_true(evpn_pmsi_read(b, hex_bytes("00040003e8c0000201ef0101", b, sizeof(b)), &p));
	assert_int_equal(p.group.len, 0);
	assert_int_equal(p.label, 1000);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(with_a_group_the_route_names_it_and_lists_are_not_used),
		T(off_says_nothing_and_uses_nothing),
		T(a_tree_of_others_makes_no_row),
		cmocka_unit_test(trees_are_read_and_written),
	};

	return RUN_TESTS(tests);
}

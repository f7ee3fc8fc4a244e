/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* evpn/demand: rows on demand, by routes and by answers; what changes, what goes, who is told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "evpn/tables.h"
#include "tests/lib/evpnworld.h"
#include "tests/lib/test.h"

#define GROUPS \
	"group 100 33:33:00:00:00:01 192.0.2.2\ngroup 100 33:33:00:00:00:02 192.0.2.2\n" \
	"group 100 ff:ff:ff:ff:ff:ff 192.0.2.2\n"

#define N_ON_SEGMENT 120u

struct bed {
	struct world w;
	struct buf said;
	unsigned asked, late;
	uint32_t id;
};

static void ask(void *ctx, uint32_t vni, uint32_t id, const struct mac *mac, const struct ip *ip)
{
	struct bed *t = ctx;

	t->asked++;
	t->id = id;
}

static void late(void *ctx, uint32_t vni)
{
	((struct bed *)ctx)->late++;
}

static int start(void **state, enum config_mode mode, enum config_resolver kind)
{
	struct bed *t = xcalloc(1, sizeof(*t));
	struct evpn_source source = { ask, late, t };
	struct config_rt rts[2];
	struct config_vni c = world_config(100, rts);

	world_start(&t->w);
	buf_init(&t->said);
	recdp_listen(t->w.dp, &t->said);
	evpn_set_source(t->w.e, &source);
	c.mode = mode;
	c.resolver = kind;
	c.host_learning = true;
	assert_int_equal(evpn_vni_add(t->w.e, &c, 4789, NULL), 0);
	*state = t;
	return 0;
}

static int by_rib(void **state)
{
	return start(state, CONFIG_MODE_DYNAMIC_L3, CONFIG_RESOLVER_RIB);
}

static int by_source(void **state)
{
	return start(state, CONFIG_MODE_DYNAMIC_L3, CONFIG_RESOLVER_COMMAND);
}

static int l2_by_rib(void **state)
{
	return start(state, CONFIG_MODE_DYNAMIC_L2, CONFIG_RESOLVER_RIB);
}

static int teardown(void **state)
{
	struct bed *t = *state;

	evpn_vni_del(t->w.e, 100);
	world_end(&t->w);
	buf_fini(&t->said);
	free(t);
	return 0;
}

static void miss_mac(struct bed *t, unsigned mac)
{
	struct mac m = world_mac(mac);

	t->w.port->miss(t->w.e, 100, &m, NULL);
}

static void miss_ip(struct bed *t, unsigned ip)
{
	struct ip a = world_ip(ip);

	t->w.port->miss(t->w.e, 100, NULL, &a);
}

static void demand(struct bed *t, unsigned mac, bool there)
{
	struct mac m = world_mac(mac);

	t->w.port->demand(t->w.e, 100, &m, there);
}

static int answer(struct bed *t, unsigned mac, unsigned ip, unsigned vtep)
{
	struct config_host h = { .mac = world_mac(mac),
				 .ip = ip ? world_ip(ip) : ip_none(),
				 .vtep = ip_v4(0xc0000200 + vtep) };

	return evpn_resolved(t->w.e, 100, t->id, mac ? &h : NULL);
}

static void route_has_a_row_while_it_is_used(void **state)
{
	struct bed *t = *state;

	world_announce(&t->w, (struct route){ .vtep = 2, .mac = 1, .ip = 1 });
	world_announce(&t->w, (struct route){ .vtep = 2 });
	world_rows(&t->w, GROUPS);
	miss_mac(t, 1);
	world_rows(&t->w, "fdb 100 " M1 " 192.0.2.2 on-demand\n" GROUPS);
	demand(t, 1, true);
	world_announce(&t->w, (struct route){ .vtep = 3, .mac = 1, .ip = 1, .seq = 1 });
	world_rows(&t->w, "fdb 100 " M1 " 192.0.2.3 on-demand\n" GROUPS);
	demand(t, 1, false);
	world_rows(&t->w, GROUPS);
	miss_ip(t, 1);
	world_rows(&t->w, "fdb 100 " M1 " 192.0.2.3 on-demand\n" GROUPS "neigh 100 10.0.0.1 " M1 "\n");
	world_withdraw(&t->w, (struct route){ .vtep = 3, .mac = 1, .ip = 1 });
	world_withdraw(&t->w, (struct route){ .vtep = 2, .mac = 1, .ip = 1 });
	world_rows(&t->w, GROUPS);
	world_withdraw(&t->w, (struct route){ .vtep = 2 });
	world_rows(&t->w, "");
	assert_int_equal(t->asked, 0);
}

static void segment_is_at(struct bed *t, unsigned vtep, bool there)
{
	struct route per_es = { .vtep = vtep, .ad = AD_ES, .esi = 1 },
		     per_evi = { .vtep = vtep, .ad = AD_EVI, .esi = 1 };

	if (there) {
		world_announce(&t->w, per_es);
		world_announce(&t->w, per_evi);
	} else {
		world_withdraw(&t->w, per_es);
	}
	world_pass(&t->w, 0);
}

/* Last octets of the VTEPs by MAC; how many MACs go to VTEP 3. */
static unsigned where(struct bed *t, uint8_t vteps[static N_ON_SEGMENT + 1])
{
	unsigned n = 0;

	for (unsigned i = 1; i <= N_ON_SEGMENT; i++) {
		struct mac m = world_mac(i);
		struct dp_key key = dp_key_fdb(100, &m);
		const struct dp_row *row = recdp_find(t->w.dp, &key);

		assert_non_null(row);
		assert_int_equal(row->set, 0);
		assert_int_equal(row->flags, DP_ON_DEMAND);
		vteps[i] = row->vtep.b[3];
		n += vteps[i] == 3;
	}
	return n;
}

/*
 * Where a row on demand cannot lead to a whole segment, each MAC has one of its VTEPs, and another once that is gone.
 */
static void macs_of_a_segment_are_shared_out_where_rows_cannot_go_to_a_set(void **state)
{
	uint8_t before[N_ON_SEGMENT + 1], alone[N_ON_SEGMENT + 1], after[N_ON_SEGMENT + 1];
	struct bed *t = *state;

	recdp_no_sets_on_demand(t->w.dp);
	segment_is_at(t, 2, true);
	segment_is_at(t, 3, true);
	segment_is_at(t, 4, true);
	for (unsigned i = 1; i <= N_ON_SEGMENT; i++) {
		world_announce(&t->w, (struct route){ .vtep = 2, .mac = i, .esi = 1 });
		miss_mac(t, i);
	}
	assert_in_range(where(t, before), N_ON_SEGMENT / 6, N_ON_SEGMENT / 2);
	segment_is_at(t, 3, false);
	assert_int_equal(where(t, alone), 0);
	for (unsigned i = 1; i <= N_ON_SEGMENT; i++)
		assert_true(before[i] == alone[i] || before[i] == 3);
	segment_is_at(t, 3, true);
	where(t, after);
	assert_memory_equal(before + 1, after + 1, N_ON_SEGMENT);
}

static void route_that_comes_right_after_the_miss_has_a_row(void **state)
{
	struct bed *t = *state;

	miss_ip(t, 1);
	world_announce(&t->w, (struct route){ .vtep = 2, .mac = 1, .ip = 1 });
	world_rows(&t->w, "fdb 100 " M1 " 192.0.2.2 on-demand\nneigh 100 10.0.0.1 " M1 "\n");
	world_withdraw(&t->w, (struct route){ .vtep = 2, .mac = 1, .ip = 1 });
	world_rows(&t->w, "");
	miss_mac(t, 2);
	world_pass(&t->w, 2);
	world_announce(&t->w, (struct route){ .vtep = 2, .mac = 2 });
	world_rows(&t->w, "");
}

static void what_is_on_a_port_is_not_looked_for(void **state)
{
	struct bed *t = *state;
	struct evpn_resolver_info i;

	world_learn(&t->w, 1);
	world_learn_ip(&t->w, 1, 1);
	miss_mac(t, 1);
	miss_ip(t, 1);
	assert_true(evpn_resolver_info(t->w.e, 100, &i));
	assert_int_equal(i.misses, 0);
	assert_int_equal(t->asked, 0);
}

static void answer_is_a_claim_until_it_is_idle(void **state)
{
	struct bed *t = *state;

	miss_ip(t, 1);
	miss_ip(t, 1);
	assert_int_equal(t->asked, 1);
	assert_int_equal(answer(t, 1, 1, 2), 0);
	world_rows(&t->w, "fdb 100 " M1 " 192.0.2.2 on-demand\nneigh 100 10.0.0.1 " M1 "\n");
	assert_int_equal(answer(t, 1, 1, 2), -ENOENT);
	demand(t, 1, false);
	world_rows(&t->w, "");
	assert_int_equal(evi_find(&t->w.e->evis, 100)->remote_macs, 0);
	miss_mac(t, 1);
	assert_int_equal(t->asked, 2);
}

static void answers_that_cannot_be_used_are_refused(void **state)
{
	struct bed *t = *state;

	miss_ip(t, 1);
	assert_int_equal(answer(t, 1, 2, 2), -EINVAL); /* another address */
	assert_int_equal(answer(t, 1, 1, 9), -EINVAL); /* our own VTEP */
	assert_int_equal(answer(t, 0, 0, 0), 0);
	world_rows(&t->w, "");
	miss_ip(t, 1); /* known to be unknown */
	assert_int_equal(t->asked, 1);
	world_pass(&t->w, 2);
	miss_ip(t, 1);
	assert_int_equal(t->asked, 2);
	world_pass(&t->w, 3);
	assert_int_equal(t->late, 1);
}

static void what_changes_at_the_source_changes_the_row(void **state)
{
	struct bed *t = *state;
	struct config_host h = { .mac = world_mac(1), .ip = world_ip(1), .vtep = ip_v4(0xc0000203) };

	assert_int_equal(evpn_resolver_changed(t->w.e, 100, &h, true), 0);
	world_rows(&t->w, ""); /* nobody uses it */
	miss_ip(t, 1);
	answer(t, 1, 1, 2);
	assert_int_equal(evpn_resolver_changed(t->w.e, 100, &h, true), 0);
	world_rows(&t->w, "fdb 100 " M1 " 192.0.2.3 on-demand\nneigh 100 10.0.0.1 " M1 "\n");
	assert_int_equal(evpn_resolver_changed(t->w.e, 100, &h, false), 0);
	h.ip = ip_none();
	assert_int_equal(evpn_resolver_changed(t->w.e, 100, &h, false), 0);
	world_rows(&t->w, "");
	assert_int_equal(evpn_resolver_changed(t->w.e, 7, &h, false), -ENOENT);
}

static void who_asked_is_answered_when_the_row_is_there(void **state)
{
	struct bed *t = *state;
	uint8_t frame[42] = { 0xff };
	struct dp_heard h = { .vni = 100,
			      .ifindex = 7,
			      .kind = DP_HEARD_QUESTION,
			      .target = world_ip(1),
			      .frame = frame,
			      .len = sizeof(frame) };

	t->w.port->host_heard(t->w.e, &h);
	assert_int_equal(t->asked, 1);
	answer(t, 1, 1, 2);
	assert_int_equal(t->said.len, 0);
	demand(t, 1, true);
	buf_add(&t->said, "", 1);
	assert_string_equal(buf_data(&t->said), "reply 100 on 7: 42 octets, " M1 "\n");
}

static void known_ipv6_hosts_can_be_asked_for(void **state)
{
	struct bed *t = *state;
	struct config_host h = { .mac = world_mac(3), .vtep = ip_v4(0xc0000203) };

	ip_parse("2001:db8::ff00:1", &h.ip);
	world_announce(&t->w, (struct route){ .vtep = 2, .mac = 1, .ip6 = "2001:db8::1" });
	world_announce(&t->w, (struct route){ .vtep = 2, .mac = 1, .ip6 = "fe80::1" }); /* the same group */
	world_rows(&t->w, "group 100 33:33:ff:00:00:01 192.0.2.2\n");
	assert_int_equal(evpn_resolver_changed(t->w.e, 100, &h, true), 0); /* and here */
	world_rows(&t->w, "group 100 33:33:ff:00:00:01 192.0.2.2\ngroup 100 33:33:ff:00:00:01 192.0.2.3\n");
	world_withdraw(&t->w, (struct route){ .vtep = 2, .mac = 1, .ip6 = "fe80::1" });
	world_rows(&t->w, "group 100 33:33:ff:00:00:01 192.0.2.2\ngroup 100 33:33:ff:00:00:01 192.0.2.3\n");
	world_withdraw(&t->w, (struct route){ .vtep = 2, .mac = 1, .ip6 = "2001:db8::1" });
	world_rows(&t->w, "group 100 33:33:ff:00:00:01 192.0.2.3\n");
	assert_int_equal(evpn_resolver_changed(t->w.e, 100, &h, false), 0);
	world_rows(&t->w, "");
	assert_int_equal(evpn_resolver_changed(t->w.e, 100, &h, true), 0); /* goes with the VNI */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(route_has_a_row_while_it_is_used, by_rib, teardown),
		cmocka_unit_test_setup_teardown(macs_of_a_segment_are_shared_out_where_rows_cannot_go_to_a_set, by_rib,
						teardown),
		cmocka_unit_test_setup_teardown(route_that_comes_right_after_the_miss_has_a_row, by_rib, teardown),
		cmocka_unit_test_setup_teardown(known_ipv6_hosts_can_be_asked_for, l2_by_rib, teardown),
		cmocka_unit_test_setup_teardown(what_is_on_a_port_is_not_looked_for, by_rib, teardown),
		cmocka_unit_test_setup_teardown(answer_is_a_claim_until_it_is_idle, by_source, teardown),
		cmocka_unit_test_setup_teardown(answers_that_cannot_be_used_are_refused, by_source, teardown),
		cmocka_unit_test_setup_teardown(what_changes_at_the_source_changes_the_row, by_source, teardown),
		cmocka_unit_test_setup_teardown(who_asked_is_answered_when_the_row_is_there, by_source, teardown),
	};

	return RUN_TESTS(tests);
}

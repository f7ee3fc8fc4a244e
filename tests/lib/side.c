/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/lib/side.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "tests/lib/outbound.h"
#include "tests/lib/test.h"
#include "tests/lib/testfamily.h"

static void on_want_write(void *ctx, struct rib_peer *p)
{
	container_of(p, struct sink, peer)->woken++;
}

static void on_work(void *ctx)
{
	((struct side *)ctx)->work++;
}

void side_attach(struct side *s, int p)
{
	struct out_policy policy;

	memset(&policy, 0, sizeof(policy));
	policy.rr_client = policy.as4 = 1;
	policy.max_message = s->max_message ? s->max_message : 4096;
	rib_peer_up(s->rib, &s->sinks[p].peer);
	out_attach(s->rib, &test_family, &s->sinks[p].peer, &policy);
}

struct side *side_new(int attached)
{
	struct side *s = calloc(1, sizeof(*s));
	const struct rib_params params = { .asn = 65000, .router_id = 1, .want_write = on_want_write, .work = on_work,
					   .ctx = s };

	s->sets = attrset_table_new();
	s->rib = rib_new(&params, s->sets);
	rib_family_register(s->rib, &test_family, NULL);
	for (int p = 0; p < SIDE_PEERS; p++) {
		s->sinks[p].peer = (struct rib_peer){ .rr_client = true, .asn = 65000, .router_id = 10 + (uint32_t)p,
						      .address = ip_v4(10 + (uint32_t)p) };
		rib_peer_add(s->rib, &s->sinks[p].peer);
		if (p < attached)
			side_attach(s, p);
	}
	return s;
}

void side_free(struct side *s)
{
	rib_free(s->rib);
	assert_int_equal(attrset_count(s->sets), 0);
	attrset_table_free(s->sets);
	free(s);
}

void side_key(uint32_t n, uint8_t key[SIDE_KEY_OCTETS])
{
	memset(key, 0x33, SIDE_KEY_OCTETS);
	memcpy(key + 4, &n, sizeof(n));
}

/* The set is named by its community. */
static uint32_t set_of(struct side *s, uint32_t community)
{
	uint8_t value[4];
	struct wbuf w = wb_init(value, 4);
	struct bgp_attrs a = { .next_hop = ip_v4(0xc0000201), .communities = value, .communities_len = 4 };

	wb_u32(&w, community);
	return attrset_intern(s->sets, &a);
}

void side_announce(struct side *s, int p, uint32_t n, uint32_t community)
{
	uint8_t key[SIDE_KEY_OCTETS];

	side_key(n, key);
	rib_announce(s->rib, &test_family, &s->sinks[p].peer, key, SIDE_KEY_OCTETS, 0, set_of(s, community),
		     BGP_ELIGIBLE, (struct mtime){ 0 });
}

void side_withdraw(struct side *s, int p, uint32_t n)
{
	uint8_t key[SIDE_KEY_OCTETS];

	side_key(n, key);
	assert_true(
		rib_withdraw(s->rib, &test_family, &s->sinks[p].peer, key, SIDE_KEY_OCTETS, 0, (struct mtime){ 0 }));
}

struct taker {
	struct side *s;
	struct sink *k;
};

static void take(void *ctx, struct upd *u)
{
	const struct taker *t = ctx;
	struct sink *k = t->k;
	struct bgp_nlri n;
	uint32_t key;

	k->messages++;
	if (u->end_of_rib) {
		k->end_of_ribs++;
		k->before_eor = k->announced;
		assert_int_equal(u->len, 29);
	}
	while (rb_left(&u->nlri)) {
		assert_int_equal(test_family.decode(&u->nlri, u->unreach, &n), BGP_NLRI_OK);
		*(u->reach ? &k->announced : &k->withdrawn) += 1;
		memcpy(&key, n.key + 4, sizeof(key));
		if (k == &t->s->sinks[1])
			t->s->last[key] = u->reach ? u->community : 0;
	}
}

size_t side_pull(struct side *s, int p, size_t cap)
{
	struct taker t = { s, &s->sinks[p] };

	return outbound_pull(s->rib, &s->sinks[p].peer, cap, take, &t);
}

void side_pull_all(struct side *s, int p)
{
	struct sink *k = &s->sinks[p];

	k->woken = 0;
	k->announced = k->withdrawn = k->messages = k->end_of_ribs = 0;
	while (side_pull(s, p, 65536))
		;
}

void side_assert_pulled(const struct side *s, int p, uint32_t announced, uint32_t withdrawn, uint32_t messages)
{
	assert_int_equal(s->sinks[p].announced, announced);
	assert_int_equal(s->sinks[p].withdrawn, withdrawn);
	assert_int_equal(s->sinks[p].messages, messages);
}

uint32_t side_messages_for(uint32_t n)
{
	uint32_t fit = (4096 - 19 - 2 - 2 - 4 - 3 - 5 - 1 - 100) / 26;

	return (n + fit - 1) / fit;
}

uint32_t side_withdrawals_for(uint32_t n)
{
	uint32_t fit = (4096 - 19 - 2 - 2 - 4 - 3 - 1) / 25;

	return (n + fit - 1) / fit;
}

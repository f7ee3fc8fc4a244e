/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * tests/vectors/malformed/cases.json against an engine in memory: each case in a session of its own, preceded by the
 * valid route that it names and followed by another one (the canary), which shows that the session is as good as
 * before. What is asked: the reaction or one of the listed alternatives, code, subcode and data of a NOTIFICATION,
 * whether the key is in the RIB, whether the session stands.
 */
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "include/evpn.h"
#include "tests/lib/hex.h"
#include "tests/lib/rawpeer.h"

#define MS 1000
#define CASES "tests/vectors/malformed/cases.json"

struct world {
	struct simnet *net;
	struct sim_node *dut;
	struct rawpeer ibgp, ebgp, ebgp2;
};

static struct rawpeer tester(struct world *w, const char *address, uint32_t asn, uint32_t id, bool no_as4, uint8_t role)
{
	struct rawpeer r = { .net = w->net, .dut = w->dut, .node = simnet_raw(w->net, address),
			     .p = { .asn = asn, .id = id, .hold_time = 90, .no_as4 = no_as4, .caps = "4600" } };
	struct bgp_peer_params p = {
		.asn = asn, .passive = true, .hold_time = 90, .rr_client = asn == 65001, .role = role
	};

	if (!ip_parse(address, &p.address) || bgp_peer_add(sim_bgp(w->dut), &p, simnet_now(w->net), NULL))
		fail();
	return r;
}

static void world_start(struct world *w)
{
	struct bgp_params p = { .asn = 65001, .router_id = 0xc0000201, .seed = 1 };

	w->net = simnet_new(&(struct simnet_params){ .seed = 1 });
	w->dut = simnet_engine(w->net, "192.0.2.1", &p);
	bgp_family_register(sim_bgp(w->dut), &evpn_family, NULL);
	w->ibgp = tester(w, "192.0.2.2", 65001, 0xc0000202, false, 0);
	w->ebgp = tester(w, "192.0.2.12", 65002, 0xc000020c, false, 1); /* we are the provider */
	w->ebgp2 = tester(w, "192.0.2.13", 65002, 0xc000020d, true, 0);
}

static struct rawpeer *tester_for(struct world *w, const char *session)
{
	return strcmp(session, "ibgp") == 0 ? &w->ibgp : strcmp(session, "ebgp") == 0 ? &w->ebgp : &w->ebgp2;
}

enum presence { ABSENT, INELIGIBLE, THERE };

/* key as cases.json writes it. */
static enum presence in_rib(struct world *w, const char *key)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	struct buf b;
	enum presence found = ABSENT;

	buf_init(&b);
	while (bgp_rib_next(sim_bgp(w->dut), &c, &p)) {
		buf_reset(&b);
		evpn_key_line(p.key, p.key_len, &b);
		buf_add(&b, "", 1);
		if (strncmp(buf_data(&b), key, strlen(key)) == 0 && strlen(key) + 2 > b.len - 1)
			found = p.reject == BGP_ELIGIBLE ? THERE : INELIGIBLE;
	}
	buf_fini(&b);
	return found;
}

/* ---- what was seen ---------------------------------------------------------------------------------------------- */

struct outcome {
	bool prior_missing;
	bool up, canary;
	bool notified;
	uint8_t code, subcode;
	char data[256];
	enum presence key;
};

#define CANARY_KEY "2|0001c0000209fffe|0|02bad0fffe01|"
#define CANARY_NLRI                                                                                                    \
	"800e2c 0019 46 04 c0000202 00 0221 0001c0000209fffe 00000000000000000000 00000000 30 02bad0fffe01 00 00000a"

static void send_canary(struct rawpeer *r)
{
	char attrs[512];

	snprintf(attrs, sizeof(attrs), "%s 40010100 %s %s c01010 0002fde90000000a 030c000000000008", CANARY_NLRI,
		 r->p.asn == 65001 ? "400200" : r->p.no_as4 ? "400204 0201 fdea" : "400206 0201 0000fdea",
		 r->p.asn == 65001 ? "400504 00000064" : "");
	raw_send_update(r, attrs);
}

static void observe(struct world *w, struct rawpeer *r, const char *key, struct outcome *o)
{
	struct raw_msg m;

	o->key = key ? in_rib(w, key) : ABSENT;
	o->canary = in_rib(w, CANARY_KEY) == THERE;
	o->up = !raw_closed(r);
	while (raw_next(r, &m)) {
		if (m.type != 3)
			continue;
		o->notified = true;
		o->code = m.body[0];
		o->subcode = m.body[1];
		for (size_t i = 2; i < m.len && i < 100; i++)
			sprintf(o->data + 2 * (i - 2), "%02x", m.body[i]);
	}
}

static void run_established(struct world *w, struct rawpeer *r, const json_t *c, struct outcome *o)
{
	const char *prior = json_string_value(json_object_get(c, "prior"));
	const char *key = json_string_value(json_object_get(c, "nlri_key"));

	raw_establish(r);
	if (prior) {
		raw_send_hex(r, prior);
		simnet_run(w->net, 20 * MS);
		o->prior_missing = in_rib(w, key) != THERE;
	}
	raw_flush(r);
	raw_send_hex(r, json_string_value(json_object_get(c, "hex")));
	simnet_run(w->net, 20 * MS);
	if (!raw_closed(r))
		send_canary(r);
	simnet_run(w->net, 20 * MS);
	observe(w, r, key, o);
}

/* In OpenSent the hex is the tester's OPEN, or what should not be there; when it is accepted the session goes on. */
static void run_opening(struct world *w, struct rawpeer *r, const json_t *c, struct outcome *o)
{
	const char *key = json_string_value(json_object_get(c, "nlri_key"));
	struct raw_msg m;

	if (!raw_connect(r))
		fail();
	if (strcmp(json_string_value(json_object_get(c, "state")), "OpenConfirm") == 0) {
		raw_send_open(r);
		assert_true(raw_wait(r, 4, 20 * MS, &m));
	}
	raw_send_hex(r, json_string_value(json_object_get(c, "hex")));
	simnet_run(w->net, 20 * MS);
	if (!raw_closed(r)) {
		raw_send_keepalive(r);
		simnet_run(w->net, 20 * MS);
		send_canary(r);
	}
	simnet_run(w->net, 20 * MS);
	observe(w, r, key, o);
	o->key = o->canary ? THERE : ABSENT;
}

/* ---- what was expected ------------------------------------------------------------------------------------------ */

static bool code_is(const json_t *pair, const struct outcome *o)
{
	return json_integer_value(json_array_get(pair, 0)) == o->code &&
	       json_integer_value(json_array_get(pair, 1)) == o->subcode;
}

static bool notified_as(const json_t *expect, const struct outcome *o)
{
	const char *data = json_string_value(json_object_get(expect, "data"));
	const json_t *alts = json_object_get(expect, "notification_alt"), *pair;
	size_t i;

	if (o->up || !o->notified)
		return false;
	json_array_foreach(alts, i, pair)
		if (code_is(pair, o))
			return true;
	if (json_object_get(expect, "code") && (json_integer_value(json_object_get(expect, "code")) != o->code ||
						json_integer_value(json_object_get(expect, "subcode")) != o->subcode))
		return false;
	return !data || strcmp(data, o->data) == 0;
}

/* want: -1 not said. */
static bool key_is(const struct outcome *o, int want)
{
	return want < 0 || (o->key != ABSENT) == (want != 0);
}

static bool reacted(const char *action, const json_t *expect, const struct outcome *o, int want)
{
	bool stands = o->up && !o->notified && o->canary;

	if (strcmp(action, "accept") == 0 || strcmp(action, "ignore-nlri") == 0 ||
	    strcmp(action, "ignore-message") == 0)
		return stands && key_is(o, want);
	if (strcmp(action, "attribute-discard") == 0)
		return stands && o->key == THERE;
	if (strcmp(action, "treat-as-withdraw") == 0)
		return stands && o->key == ABSENT;
	if (strcmp(action, "ignore-route") == 0)
		return stands && o->key != THERE;
	if (strcmp(action, "close") == 0)
		return !o->up && !o->notified;
	if (strcmp(action, "notification") == 0 || strcmp(action, "reset-or-afi-disable") == 0)
		return notified_as(expect, o);
	fail_msg("unknown action %s", action);
	return false;
}

/*
 * The priors of Type 3 have no PMSI, which makes them withdrawn by themselves (RFC 7432 11.2), and the priors of some
 * cases are what the case is about. In all others the key is there before the case.
 */
static bool prior_may_be_missing(const json_t *c)
{
	const char *key = json_string_value(json_object_get(c, "nlri_key"));

	return key[0] == '3' ||
	       strcmp(json_string_value(json_object_get(json_object_get(c, "expect"), "action")), "ignore-route") == 0;
}

static bool as_expected(const json_t *c, const struct outcome *o, bool *alternative)
{
	const json_t *expect = json_object_get(c, "expect"),
		     *after = json_object_get(json_object_get(c, "after"), "nlri_in_rib");
	const json_t *alts = json_object_get(expect, "alt"), *alt;
	int want = json_is_boolean(after) ? json_is_true(after) : -1;
	size_t i;

	*alternative = false;
	if (reacted(json_string_value(json_object_get(expect, "action")), expect, o, want))
		return true;
	*alternative = true;
	json_array_foreach(alts, i, alt)
		if (reacted(json_string_value(alt), expect, o, -1))
			return true;
	return false;
}

/* ---- the run ---------------------------------------------------------------------------------------------------- */

static void report(const json_t *c, const struct outcome *o, const char *verdict)
{
	static const char *const presence[] = { "absent", "ineligible", "there" };

	print_message("%s %s: %s: session %s, key %s, canary %s, NOTIFICATION %u/%u %s; wanted %s%s\n", verdict,
		      json_string_value(json_object_get(c, "id")), json_string_value(json_object_get(c, "title")),
		      o->up ? "up" : "down", presence[o->key], o->canary ? "there" : "absent", o->code, o->subcode,
		      o->data, json_string_value(json_object_get(json_object_get(c, "expect"), "action")),
		      o->prior_missing ? " (the valid route was not there)" : "");
}

static bool run_case(const json_t *c, unsigned *alternatives)
{
	bool established = strcmp(json_string_value(json_object_get(c, "state")), "Established") == 0;
	bool alternative = false, ok;
	struct outcome o = { 0 };
	struct rawpeer *r;
	struct world w;

	world_start(&w);
	r = tester_for(&w, json_string_value(json_object_get(c, "session")));
	(established ? run_established : run_opening)(&w, r, c, &o);
	ok = as_expected(c, &o, &alternative) && (!o.prior_missing || prior_may_be_missing(c));
	*alternatives += ok && alternative;
	if (!ok || alternative || getenv("VERBOSE"))
		report(c, &o, ok ? "alternative" : "FAIL");
	simnet_free(w.net);
	return ok;
}

static void every_malformed_message_gets_its_reaction(void **state)
{
	json_error_t error;
	json_t *cases = json_load_file(CASES, 0, &error), *c;
	unsigned failed = 0, alternatives = 0;
	size_t i;

	if (!cases)
		fail_msg("%s: %s", CASES, error.text);
	assert_int_equal(json_array_size(cases), 210);
	json_array_foreach(cases, i, c)
		failed += !run_case(c, &alternatives);
	print_message("%zu cases, %u by a listed alternative, %u failed\n", json_array_size(cases), alternatives,
		      failed);
	json_decref(cases);
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_malformed_message_gets_its_reaction),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The kernel backend, steps from a seed: wishes, other hands with iproute2, devices that
 * go, lost events, restarts. At the end the kernel holds what is wished for and what
 * others had. DP_CHAOS_RUNS seeds (2), DP_CHAOS_ROWS rows beside them.
 */
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "dataplane/kernel.h"
#include "tests/lib/dpbed.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define CHAOS_MACS 24u
#define CHAOS_STEPS 100
#define CHAOS_CROWD 1000u /* number of the first of the many */
#define CHAOS_SET 6u      /* from here on the wish is a set of VTEPs */

/* Members of the sets, as put_set() has them; "": it is not there. */
struct chaos_sets {
	unsigned restarts; /* numbers are others after each */
	char members[2][5];
	bool flood;  /* a row in the flood list that comes and goes is wished for */
	bool joined; /* another hand has one there, too */
};

#define CHAOS_FLOOD 6u
#define CHAOS_JOINED 9u

static uint32_t set_number(const struct chaos_sets *s, unsigned wish)
{
	return 1 + (wish - CHAOS_SET + s->restarts) % 2 + 2 * (s->restarts % 3);
}

static void want_place(struct bed *t, const struct chaos_sets *s, unsigned m, unsigned wish, uint8_t flags)
{
	if (wish >= CHAOS_SET)
		want_fdb_set(t->d, m, set_number(s, wish), 0);
	else
		want_fdb(t->d, m, wish, flags);
}

/* Some of VTEPs 2 to 5. */
static void chaos_set(struct bed *t, struct rng *r, struct chaos_sets *s, unsigned wish)
{
	unsigned bits = 1 + rng_below(r, 15), n = 0;
	char *members = s->members[wish - CHAOS_SET];

	for (unsigned v = 0; v < 4; v++)
		if (bits >> v & 1)
			members[n++] = (char)('2' + v);
	members[n] = '\0';
	put_set(t->d, set_number(s, wish), members);
}

/* Another program's and static rows by MAC number, so that they are known to have been left alone. */
static enum fakedp_hand hand_of(unsigned mac)
{
	return mac % 8 == 6 ? FAKEDP_STATIC : mac % 8 == 7 ? FAKEDP_EXTERN : FAKEDP_KERNEL;
}

static void chaos_flood(struct bed *t, struct chaos_sets *s, bool flood)
{
	struct ip v = vtep_nr(CHAOS_FLOOD);
	struct dp_key key = dp_key_flood(WORLD_VNI, &v);

	s->flood = flood;
	if (flood)
		want_flood(t->d, v, 0);
	else
		dp_unwant(t->d, &key);
}

/*
 * One mark is all rows' of the list: who has not read it yet, or is killed before it has seen that it is gone,
 * cannot know that rows were ours.
 */
static void chaos_join(struct bed *t, struct chaos_sets *s)
{
	unsigned ifindex;

	settle(t);
	ifindex = info(t).vxlan_ifindex;
	if (stats(t).unread || !ifindex || ifindex != if_nametoindex("vxlan100")) /* deaf: not known to be gone */
		return;
	s->joined = !s->joined;
	world_run("bridge fdb %s 00:00:00:00:00:00 dev vxlan100 dst 192.0.2.%u self", s->joined ? "append" : "del",
		  CHAOS_JOINED);
	settle(t);
}

static void chaos_wish(struct bed *t, struct rng *r, struct chaos_sets *s, unsigned m, unsigned *wish)
{
	if (rng_below(r, 8) == 0) {
		chaos_flood(t, s, !s->flood);
		return;
	}
	if (rng_below(r, 3) == 0) {
		*wish = 0;
		unwant_fdb(t->d, m);
		return;
	}
	*wish = 2 + rng_below(r, 6);
	if (*wish >= CHAOS_SET && (!s->members[*wish - CHAOS_SET][0] || rng_below(r, 3) == 0))
		chaos_set(t, r, s, *wish);
	if (*wish < CHAOS_SET && rng_below(r, 2)) {
		want_fdb(t->d, m, *wish, DP_TAKE_OVER);
		t->b.ifindex[m] = 0; /* evpn forgets it with the wish */
	} else {
		want_place(t, s, m, *wish, rng_below(r, 6) ? 0 : DP_STICKY);
	}
}

static void chaos_hand(struct bed *t, struct rng *r, struct chaos_sets *s, unsigned m)
{
	static const char *const cmds[] = {
		"bridge fdb del %s dev vxlan100 self", "bridge fdb del %s dev vxlan100 master",
		"bridge fdb del %s dev p1 master", "bridge fdb flush dev vxlan100 dynamic 2>/dev/null; : %s",
	};
	struct mac mac = mac_nr(m);
	char cmd[128];
	unsigned n = rng_below(r, 16);

	if (n < 4 && (n != 2 || hand_of(m) == FAKEDP_KERNEL)) {
		snprintf(cmd, sizeof(cmd), cmds[n], mac_str(&mac).s);
		world_run("%s 2>/dev/null; true", cmd);
	} else if (n == 4) {
		world_run("ip nexthop flush proto 179 >/dev/null 2>&1; true");
	} else if (n == 5) {
		world_run("ip link set vxlan100 down 2>/dev/null && ip link set vxlan100 up; true");
	} else if (n == 6) {
		world_run("ip link set br100 down 2>/dev/null && ip link set br100 up; true");
	} else if (n == 7 && rng_below(r, 4) == 0) {
		world_run("ip link del vxlan100 2>/dev/null; true");
		s->joined = false;
	} else if (n == 8) {
		chaos_join(t, s);
	} else if (hand_of(m) == FAKEDP_KERNEL) {
		world_speak(1 + rng_below(r, 2), &mac);
	} else if (!port_of(t, m)) {
		learn(t, m, 1 + rng_below(r, 2), hand_of(m));
	}
}

/* Many rows that nobody touches by name: VTEP and neighbours of each follow from its number. */
static void chaos_crowd(struct bed *t, unsigned crowd)
{
	for (unsigned i = 0; i < crowd; i++)
		want_fdb(t->d, CHAOS_CROWD + i, 2 + i % 7, 0);
	for (unsigned v = 2; v < 6; v++)
		want_flood(t->d, vtep_nr(v), 0);
}

/* As after kill -9: rows stay, and the next one is told what to wish from the start. */
static void chaos_restart(struct bed *t, struct chaos_sets *s, unsigned crowd, const unsigned *wish)
{
	bed_stop(t, false);
	bed_start(t);
	s->restarts++;
	for (unsigned i = 0; i < 2; i++)
		if (s->members[i][0])
			put_set(t->d, set_number(s, CHAOS_SET + i), s->members[i]);
	chaos_crowd(t, crowd);
	if (s->flood)
		chaos_flood(t, s, s->restarts % 4 != 3);
	for (unsigned m = 1; m <= CHAOS_MACS; m++) {
		if (wish[m])
			want_place(t, s, m, wish[m], 0);
	}
}

/* Room for a few events only: most bursts overrun it. */
static void chaos_deafen(struct bed *t)
{
	int size = 1;

	setsockopt(((struct kernel *)dp_backend(t->d))->events.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static void chaos_check(struct bed *t, const struct chaos_sets *s, unsigned m, unsigned wish)
{
	struct ip v = vtep_nr(wish);
	char want[128] = "";
	unsigned port = port_of(t, m);

	for (const char *p = wish < CHAOS_SET ? "" : s->members[wish - CHAOS_SET]; *p; p++)
		snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s192.0.2.%c", want[0] ? " " : "", *p);
	assert_int_equal(t->b.ifindex[m], port ? t->w->ifindex(t->w, port) : 0);
	if (!wish || port)
		assert_string_equal(fdb(t, m), "");
	else
		assert_string_equal(fdb(t, m), wish < CHAOS_SET ? ip_str(&v).s : want);
	if (!wish)
		world_run("! bridge fdb show dev vxlan100 | grep -q 02:00:00:00:00:%02x", m);
}

/*
 * What was refused is tried again, what was lost learned anew, and rows that were to go with a VTEP in a burst go by
 * themselves after half a second (SPARE_MS in dataplane/reconcile.c), in a mass after ten.
 */
static void settle_whole(struct bed *t)
{
	time_t end = time(NULL) + 60; /* of a busy machine */
	const struct kernel *k = dp_backend(t->d);
	struct dp_stats s = stats(t);

	while (s.dirty || s.rows_going || s.unread || k->overrun) {
		if (time(NULL) >= end)
			fail_msg("rows in line: %" PRIu64 ", to go: %" PRIu64 ", VNIs not read: %" PRIu64 "%s; %s, %s",
				 s.dirty, s.rows_going, s.unread, k->overrun ? ", events lost" : "",
				 info(t).ready ? "ready" : "not ready",
				 info(t).problem ? info(t).problem : "no problem");
		settle(t);
		s = stats(t);
	}
}

static void random_edits_of_a_kernel_end_as_wanted(void **state)
{
	struct rng r = rng_start("dp_kernel");
	const char *runs = getenv("DP_CHAOS_RUNS"), *rows = getenv("DP_CHAOS_ROWS");

	for (unsigned run = 0; run < (runs ? strtoul(runs, NULL, 10) : 2); run++) {
		unsigned wish[CHAOS_MACS + 1] = { 0 }, crowd;
		struct chaos_sets sets = { 0 };
		bool deaf = rng_below(&r, 3) == 0;
		struct bed *t;

		if (run)
			bed_running_kernel(state);
		t = *state;
		NEEDS_WORLD(t);
		crowd = rows ? (unsigned)strtoul(rows, NULL, 10) : rng_below(&r, 4) ? 0 : 300;
		chaos_crowd(t, crowd);
		for (unsigned i = 0; i < CHAOS_STEPS; i++) {
			unsigned m = 1 + rng_below(&r, CHAOS_MACS);

			if (deaf)
				chaos_deafen(t);
			if (rng_below(&r, 25) == 0)
				chaos_restart(t, &sets, crowd, wish);
			else if (rng_below(&r, 2))
				chaos_wish(t, &r, &sets, m, &wish[m]);
			else
				chaos_hand(t, &r, &sets, m);
			if (rng_below(&r, 4) == 0)
				settle(t);
		}
		dp_sweep(t->d); /* what an earlier run has left and nobody wishes */
		settle(t);
		settle_whole(t);
		for (unsigned m = 1; m <= CHAOS_MACS; m++)
			chaos_check(t, &sets, m, wish[m]);
		for (unsigned i = 0; i < crowd; i++) {
			struct ip v = vtep_nr(2 + i % 7);

			assert_string_equal(fdb(t, CHAOS_CROWD + i), ip_str(&v).s);
		}
		for (unsigned v = 2; v < 6; v++) {
			struct ip vtep = vtep_nr(v);

			assert_true(t->w->flood(t->w, &vtep));
		}
		assert_int_equal(flood(t, "192.0.2.6"), sets.flood);
		assert_int_equal(flood(t, "192.0.2.9"), sets.joined);
		if (run + 1 < (runs ? strtoul(runs, NULL, 10) : 2)) {
			bed_teardown(state);
			*state = NULL;
		}
	}
}

#define RUNNING(name) cmocka_unit_test_setup_teardown(name, bed_running_kernel, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(random_edits_of_a_kernel_end_as_wanted),
	};

	return RUN_TESTS(tests);
}

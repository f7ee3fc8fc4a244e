/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The state machine against a list of its own, written from RFC 4271 8.2.2 state by state: what each named event does,
 * and that every event that a state does not name does what that state's last paragraph says.
 */
#include "tests/lib/test.h"

#include <string.h>

#include "bgp/fsm.h"

enum { /* what a step says and does to TCP, in short */
	OPEN = FSM_SEND_OPEN,
	KEEP = FSM_SEND_KEEPALIVE,
	NOTE = FSM_NOTIFY,
	FSMERR = FSM_NOTIFY_FSM,
	DROP = FSM_CLOSE
};

struct row {
	enum fsm_event e;
	enum bgp_state next;
	uint32_t must;     /* actions that the RFC asks for */
	uint32_t must_not;
};

#define SAYS (FSM_SEND_OPEN | FSM_SEND_KEEPALIVE | FSM_NOTIFY | FSM_NOTIFY_FSM)

static const struct row idle[] = {
	{ FSM_MANUAL_START, BGP_CONNECT, FSM_COUNT_ZERO | FSM_RETRY_START | FSM_CONNECT, SAYS },
	{ FSM_MANUAL_START_PASSIVE, BGP_ACTIVE, FSM_COUNT_ZERO, SAYS | FSM_CONNECT },
	{ FSM_DAMPED_START, BGP_CONNECT, FSM_RETRY_START | FSM_CONNECT, SAYS | FSM_COUNT_ZERO },
	{ FSM_DAMPED_START_PASSIVE, BGP_ACTIVE, 0, SAYS | FSM_CONNECT },
	{ 0 },
};

static const struct row connecting[] = {
	{ FSM_MANUAL_START, BGP_CONNECT, 0, ~0u },
	{ FSM_MANUAL_START_PASSIVE, BGP_CONNECT, 0, ~0u },
	{ FSM_DAMPED_START, BGP_CONNECT, 0, ~0u },
	{ FSM_DAMPED_START_PASSIVE, BGP_CONNECT, 0, ~0u },
	{ FSM_MANUAL_STOP, BGP_IDLE, DROP | FSM_COUNT_ZERO | FSM_RETRY_STOP, SAYS | FSM_DAMP },
	{ FSM_CONNECT_RETRY_EXPIRES, BGP_CONNECT, DROP | FSM_RETRY_START | FSM_CONNECT, SAYS },
	{ FSM_TCP_ACKED, BGP_OPENSENT, OPEN | FSM_RETRY_STOP | FSM_LARGE_HOLD, DROP | KEEP },
	{ FSM_TCP_CONFIRMED, BGP_OPENSENT, OPEN | FSM_RETRY_STOP | FSM_LARGE_HOLD, DROP | KEEP },
	{ FSM_TCP_FAILS, BGP_IDLE, DROP | FSM_RETRY_STOP, SAYS },
	{ FSM_COLLISION_DUMP, BGP_IDLE, DROP | FSM_RETRY_STOP | FSM_COUNT_UP, SAYS | FSM_DAMP },
	{ 0 },
};

static const struct row active[] = {
	{ FSM_MANUAL_START, BGP_ACTIVE, 0, ~0u },
	{ FSM_MANUAL_START_PASSIVE, BGP_ACTIVE, 0, ~0u },
	{ FSM_DAMPED_START, BGP_ACTIVE, 0, ~0u },
	{ FSM_DAMPED_START_PASSIVE, BGP_ACTIVE, 0, ~0u },
	{ FSM_MANUAL_STOP, BGP_IDLE, DROP | FSM_COUNT_ZERO | FSM_RETRY_STOP, SAYS | FSM_DAMP },
	{ FSM_CONNECT_RETRY_EXPIRES, BGP_CONNECT, FSM_RETRY_START | FSM_CONNECT, SAYS },
	{ FSM_TCP_ACKED, BGP_OPENSENT, OPEN | FSM_RETRY_STOP | FSM_LARGE_HOLD, DROP | KEEP },
	{ FSM_TCP_CONFIRMED, BGP_OPENSENT, OPEN | FSM_RETRY_STOP | FSM_LARGE_HOLD, DROP | KEEP },
	{ FSM_TCP_FAILS, BGP_IDLE, FSM_COUNT_UP | FSM_DAMP, SAYS },
	{ FSM_COLLISION_DUMP, BGP_IDLE, DROP | FSM_COUNT_UP, SAYS | FSM_DAMP },
	{ 0 },
};

#define END_OF_TCP (DROP | FSM_RETRY_STOP)
#define FAULT (END_OF_TCP | FSM_COUNT_UP | FSM_DAMP)

static const struct row opensent[] = {
	{ FSM_MANUAL_START, BGP_OPENSENT, 0, ~0u },
	{ FSM_MANUAL_START_PASSIVE, BGP_OPENSENT, 0, ~0u },
	{ FSM_DAMPED_START, BGP_OPENSENT, 0, ~0u },
	{ FSM_DAMPED_START_PASSIVE, BGP_OPENSENT, 0, ~0u },
	{ FSM_MANUAL_STOP, BGP_IDLE, END_OF_TCP | NOTE | FSM_COUNT_ZERO, FSM_DAMP },
	{ FSM_AUTOMATIC_STOP, BGP_IDLE, FAULT | NOTE, 0 },
	{ FSM_HOLD_EXPIRES, BGP_IDLE, FAULT | NOTE, 0 },
	{ FSM_TCP_FAILS, BGP_ACTIVE, DROP | FSM_RETRY_START, SAYS },
	{ FSM_OPEN, BGP_OPENCONFIRM, KEEP | FSM_NEGOTIATED_TIMERS | FSM_RETRY_STOP, DROP | NOTE },
	{ FSM_HEADER_ERROR, BGP_IDLE, FAULT | NOTE, 0 },
	{ FSM_OPEN_ERROR, BGP_IDLE, FAULT | NOTE, 0 },
	{ FSM_COLLISION_DUMP, BGP_IDLE, END_OF_TCP | NOTE | FSM_COUNT_UP, FSM_DAMP },
	{ FSM_NOTIFICATION_VERSION, BGP_IDLE, END_OF_TCP, SAYS | FSM_COUNT_UP | FSM_DAMP },
	{ FSM_NOTIFICATION, BGP_IDLE, FAULT, SAYS },
	{ 0 },
};

static const struct row openconfirm[] = {
	{ FSM_MANUAL_START, BGP_OPENCONFIRM, 0, ~0u },
	{ FSM_MANUAL_START_PASSIVE, BGP_OPENCONFIRM, 0, ~0u },
	{ FSM_DAMPED_START, BGP_OPENCONFIRM, 0, ~0u },
	{ FSM_DAMPED_START_PASSIVE, BGP_OPENCONFIRM, 0, ~0u },
	{ FSM_MANUAL_STOP, BGP_IDLE, END_OF_TCP | NOTE | FSM_COUNT_ZERO, FSM_DAMP },
	{ FSM_AUTOMATIC_STOP, BGP_IDLE, FAULT | NOTE, 0 },
	{ FSM_HOLD_EXPIRES, BGP_IDLE, FAULT | NOTE, 0 },
	{ FSM_KEEPALIVE_EXPIRES, BGP_OPENCONFIRM, KEEP, DROP },
	{ FSM_TCP_FAILS, BGP_IDLE, FAULT, SAYS },
	{ FSM_NOTIFICATION, BGP_IDLE, FAULT, SAYS },
	{ FSM_NOTIFICATION_VERSION, BGP_IDLE, END_OF_TCP, SAYS | FSM_COUNT_UP | FSM_DAMP },
	{ FSM_HEADER_ERROR, BGP_IDLE, FAULT | NOTE, 0 },
	{ FSM_OPEN_ERROR, BGP_IDLE, FAULT | NOTE, 0 },
	{ FSM_COLLISION_DUMP, BGP_IDLE, END_OF_TCP | NOTE | FSM_COUNT_UP, FSM_DAMP },
	{ FSM_KEEPALIVE, BGP_ESTABLISHED, FSM_HOLD_RESTART, SAYS | DROP },
	{ FSM_SEND_HOLD_EXPIRES, BGP_IDLE, FAULT | NOTE, 0 }, /* RFC 9687 */
	{ 0 },
};

static const struct row established[] = {
	{ FSM_MANUAL_START, BGP_ESTABLISHED, 0, ~0u },
	{ FSM_MANUAL_START_PASSIVE, BGP_ESTABLISHED, 0, ~0u },
	{ FSM_DAMPED_START, BGP_ESTABLISHED, 0, ~0u },
	{ FSM_DAMPED_START_PASSIVE, BGP_ESTABLISHED, 0, ~0u },
	{ FSM_MANUAL_STOP, BGP_IDLE, END_OF_TCP | NOTE | FSM_COUNT_ZERO, FSM_DAMP },
	{ FSM_AUTOMATIC_STOP, BGP_IDLE, FAULT | NOTE, 0 },
	{ FSM_HOLD_EXPIRES, BGP_IDLE, FAULT | NOTE, 0 },
	{ FSM_KEEPALIVE_EXPIRES, BGP_ESTABLISHED, KEEP, DROP },
	{ FSM_TCP_FAILS, BGP_IDLE, FAULT, SAYS },
	{ FSM_NOTIFICATION, BGP_IDLE, FAULT, SAYS },
	{ FSM_NOTIFICATION_VERSION, BGP_IDLE, FAULT, SAYS },
	{ FSM_HEADER_ERROR, BGP_IDLE, FAULT | NOTE, 0 },
	{ FSM_COLLISION_DUMP, BGP_IDLE, END_OF_TCP | NOTE | FSM_COUNT_UP, FSM_DAMP },
	{ FSM_KEEPALIVE, BGP_ESTABLISHED, FSM_HOLD_RESTART, SAYS | DROP },
	{ FSM_UPDATE, BGP_ESTABLISHED, FSM_HOLD_RESTART, SAYS | DROP },
	{ FSM_UPDATE_ERROR, BGP_IDLE, FAULT | NOTE, 0 },
	{ FSM_REFRESH, BGP_ESTABLISHED, 0, ~0u }, /* does not restart the hold timer */
	{ FSM_SEND_HOLD_EXPIRES, BGP_IDLE, FAULT | NOTE, 0 },
	{ 0 },
};

static const enum fsm_event all[] = {
	FSM_MANUAL_START, FSM_MANUAL_STOP, FSM_MANUAL_START_PASSIVE, FSM_DAMPED_START, FSM_DAMPED_START_PASSIVE,
	FSM_AUTOMATIC_STOP, FSM_CONNECT_RETRY_EXPIRES, FSM_HOLD_EXPIRES, FSM_KEEPALIVE_EXPIRES, FSM_TCP_ACKED,
	FSM_TCP_CONFIRMED, FSM_TCP_FAILS, FSM_OPEN, FSM_HEADER_ERROR, FSM_OPEN_ERROR, FSM_COLLISION_DUMP,
	FSM_NOTIFICATION_VERSION, FSM_NOTIFICATION, FSM_KEEPALIVE, FSM_UPDATE, FSM_UPDATE_ERROR, FSM_SEND_HOLD_EXPIRES,
	FSM_REFRESH,
};

static const struct row *named(const struct row *rows, enum fsm_event e)
{
	for (; rows->e; rows++)
		if (rows->e == e)
			return rows;
	return NULL;
}

static void check_row(enum bgp_state s, const struct row *r)
{
	struct fsm_step step = fsm_step(s, r->e);

	if (step.next != r->next || (step.actions & r->must) != r->must || step.actions & r->must_not)
		fail_msg("%s on \"%s\": goes to %s with %#x, wanted %s with %#x and without %#x", bgp_state_name(s),
			 fsm_event_name(r->e), bgp_state_name(step.next), step.actions, bgp_state_name(r->next),
			 r->must, r->must_not);
}

/* rows: what the state names; other: its last paragraph. */
static void check_state(enum bgp_state s, const struct row *rows, struct row other)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct row *r = named(rows, all[i]);

		other.e = all[i];
		check_row(s, r ? r : &other);
	}
}

static void idle_starts_and_ignores_the_rest(void **state)
{
	check_state(BGP_IDLE, idle, (struct row){ .next = BGP_IDLE, .must_not = ~0u });
}

static void connect_any_other_event_goes_to_idle(void **state)
{
	check_state(BGP_CONNECT, connecting, (struct row){ .next = BGP_IDLE, .must = FAULT, .must_not = SAYS });
}

static void active_any_other_event_goes_to_idle(void **state)
{
	check_state(BGP_ACTIVE, active, (struct row){ .next = BGP_IDLE, .must = FAULT, .must_not = SAYS });
}

static void opensent_any_other_event_is_an_fsm_error(void **state)
{
	check_state(BGP_OPENSENT, opensent, (struct row){ .next = BGP_IDLE, .must = FAULT | FSMERR, .must_not = NOTE });
}

static void openconfirm_any_other_event_is_an_fsm_error(void **state)
{
	check_state(BGP_OPENCONFIRM, openconfirm,
		    (struct row){ .next = BGP_IDLE, .must = FAULT | FSMERR, .must_not = NOTE });
}

static void established_any_other_event_is_an_fsm_error(void **state)
{
	check_state(BGP_ESTABLISHED, established,
		    (struct row){ .next = BGP_IDLE, .must = FAULT | FSMERR, .must_not = NOTE });
}

static void every_way_out_of_a_connection_closes_it(void **state)
{
	for (enum bgp_state s = BGP_OPENSENT; s <= BGP_ESTABLISHED; s++) {
		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
			struct fsm_step step = fsm_step(s, all[i]);

			assert_true(step.next >= BGP_OPENSENT || step.actions & FSM_CLOSE);
			/* And nothing is said on one that is kept but OPEN and KEEPALIVE. */
			assert_true(step.actions & FSM_CLOSE || !(step.actions & (FSM_NOTIFY | FSM_NOTIFY_FSM)));
		}
	}
}

static void fsm_errors_name_the_state(void **state) /* RFC 6608 3 */
{
	assert_int_equal(fsm_error_subcode(BGP_ACTIVE), 0);
	assert_int_equal(fsm_error_subcode(BGP_OPENSENT), 1);
	assert_int_equal(fsm_error_subcode(BGP_OPENCONFIRM), 2);
	assert_int_equal(fsm_error_subcode(BGP_ESTABLISHED), 3);
}

static void every_event_has_a_name(void **state)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_string_not_equal(fsm_event_name(all[i]), "event");
	assert_string_equal(fsm_event_name(FSM_EVENTS), "event");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_starts_and_ignores_the_rest),
		cmocka_unit_test(connect_any_other_event_goes_to_idle),
		cmocka_unit_test(active_any_other_event_goes_to_idle),
		cmocka_unit_test(opensent_any_other_event_is_an_fsm_error),
		cmocka_unit_test(openconfirm_any_other_event_is_an_fsm_error),
		cmocka_unit_test(established_any_other_event_is_an_fsm_error),
		cmocka_unit_test(every_way_out_of_a_connection_closes_it),
		cmocka_unit_test(fsm_errors_name_the_state),
		cmocka_unit_test(every_event_has_a_name),
	};

	return RUN_TESTS(tests);
}

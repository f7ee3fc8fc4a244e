/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * RFC 4271 8.2.2, cell by cell. A cell that is not in the table is its state's "any other event", given once in
 * other[]. Where we differ from the letter:
 *
 *  - Connect on 18 damps our next own connect (the RFC restarts nothing and leaves the wait open).
 *  - OpenSent on 25 closes without the FSM error that "any other event" would send: a NOTIFICATION is never answered
 *    with one (RFC 4271 6.4).
 *  - Collision (23) does not damp: nothing is wrong with the peer.
 */
#include "bgp/fsm.h"

struct cell {
	bool set;
	enum bgp_state next;
	uint32_t actions;
};

#define TO(state, does) { .set = true, .next = (state), .actions = (does) }

/* Ends of a run: how TCP and the timers go is the same, what is said and what it costs is not. */
#define END (FSM_RETRY_STOP | FSM_CLOSE)
#define END_FAULT (END | FSM_COUNT_UP | FSM_DAMP)

static const struct cell table[FSM_STATES][FSM_EVENTS] = {
	[BGP_IDLE] = {
		[FSM_MANUAL_START] = TO(BGP_CONNECT, FSM_COUNT_ZERO | FSM_RETRY_START | FSM_CONNECT),
		[FSM_MANUAL_START_PASSIVE] = TO(BGP_ACTIVE, FSM_COUNT_ZERO),
		[FSM_DAMPED_START] = TO(BGP_CONNECT, FSM_RETRY_START | FSM_CONNECT),
		[FSM_DAMPED_START_PASSIVE] = TO(BGP_ACTIVE, 0),
	},
	[BGP_CONNECT] = {
		[FSM_MANUAL_START] = TO(BGP_CONNECT, 0),
		[FSM_MANUAL_START_PASSIVE] = TO(BGP_CONNECT, 0),
		[FSM_DAMPED_START] = TO(BGP_CONNECT, 0),
		[FSM_DAMPED_START_PASSIVE] = TO(BGP_CONNECT, 0),
		[FSM_MANUAL_STOP] = TO(BGP_IDLE, END | FSM_COUNT_ZERO),
		[FSM_CONNECT_RETRY_EXPIRES] = TO(BGP_CONNECT, FSM_CLOSE | FSM_RETRY_START | FSM_CONNECT),
		[FSM_TCP_ACKED] = TO(BGP_OPENSENT, FSM_RETRY_STOP | FSM_SEND_OPEN | FSM_LARGE_HOLD),
		[FSM_TCP_CONFIRMED] = TO(BGP_OPENSENT, FSM_RETRY_STOP | FSM_SEND_OPEN | FSM_LARGE_HOLD),
		[FSM_TCP_FAILS] = TO(BGP_IDLE, END | FSM_DAMP),
		[FSM_COLLISION_DUMP] = TO(BGP_IDLE, END | FSM_COUNT_UP),
	},
	[BGP_ACTIVE] = {
		[FSM_MANUAL_START] = TO(BGP_ACTIVE, 0),
		[FSM_MANUAL_START_PASSIVE] = TO(BGP_ACTIVE, 0),
		[FSM_DAMPED_START] = TO(BGP_ACTIVE, 0),
		[FSM_DAMPED_START_PASSIVE] = TO(BGP_ACTIVE, 0),
		[FSM_MANUAL_STOP] = TO(BGP_IDLE, END | FSM_COUNT_ZERO),
		[FSM_CONNECT_RETRY_EXPIRES] = TO(BGP_CONNECT, FSM_RETRY_START | FSM_CONNECT),
		[FSM_TCP_ACKED] = TO(BGP_OPENSENT, FSM_RETRY_STOP | FSM_SEND_OPEN | FSM_LARGE_HOLD),
		[FSM_TCP_CONFIRMED] = TO(BGP_OPENSENT, FSM_RETRY_STOP | FSM_SEND_OPEN | FSM_LARGE_HOLD),
		[FSM_COLLISION_DUMP] = TO(BGP_IDLE, END | FSM_COUNT_UP),
	},
	[BGP_OPENSENT] = {
		[FSM_MANUAL_START] = TO(BGP_OPENSENT, 0),
		[FSM_MANUAL_START_PASSIVE] = TO(BGP_OPENSENT, 0),
		[FSM_DAMPED_START] = TO(BGP_OPENSENT, 0),
		[FSM_DAMPED_START_PASSIVE] = TO(BGP_OPENSENT, 0),
		[FSM_MANUAL_STOP] = TO(BGP_IDLE, END | FSM_NOTIFY | FSM_COUNT_ZERO),
		[FSM_AUTOMATIC_STOP] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY),
		[FSM_HOLD_EXPIRES] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY),
		[FSM_TCP_FAILS] = TO(BGP_ACTIVE, FSM_CLOSE | FSM_DAMP | FSM_RETRY_START),
		[FSM_OPEN] = TO(BGP_OPENCONFIRM, FSM_RETRY_STOP | FSM_SEND_KEEPALIVE | FSM_NEGOTIATED_TIMERS),
		[FSM_HEADER_ERROR] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY),
		[FSM_OPEN_ERROR] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY),
		[FSM_COLLISION_DUMP] = TO(BGP_IDLE, END | FSM_NOTIFY | FSM_COUNT_UP),
		[FSM_NOTIFICATION_VERSION] = TO(BGP_IDLE, END),
		[FSM_NOTIFICATION] = TO(BGP_IDLE, END_FAULT),
	},
	[BGP_OPENCONFIRM] = {
		[FSM_MANUAL_START] = TO(BGP_OPENCONFIRM, 0),
		[FSM_MANUAL_START_PASSIVE] = TO(BGP_OPENCONFIRM, 0),
		[FSM_DAMPED_START] = TO(BGP_OPENCONFIRM, 0),
		[FSM_DAMPED_START_PASSIVE] = TO(BGP_OPENCONFIRM, 0),
		[FSM_MANUAL_STOP] = TO(BGP_IDLE, END | FSM_NOTIFY | FSM_COUNT_ZERO),
		[FSM_AUTOMATIC_STOP] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY),
		[FSM_HOLD_EXPIRES] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY),
		[FSM_KEEPALIVE_EXPIRES] = TO(BGP_OPENCONFIRM, FSM_SEND_KEEPALIVE),
		[FSM_TCP_FAILS] = TO(BGP_IDLE, END_FAULT),
		[FSM_HEADER_ERROR] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY),
		[FSM_OPEN_ERROR] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY),
		[FSM_COLLISION_DUMP] = TO(BGP_IDLE, END | FSM_NOTIFY | FSM_COUNT_UP),
		[FSM_NOTIFICATION_VERSION] = TO(BGP_IDLE, END),
		[FSM_NOTIFICATION] = TO(BGP_IDLE, END_FAULT),
		[FSM_KEEPALIVE] = TO(BGP_ESTABLISHED, FSM_HOLD_RESTART),
		[FSM_SEND_HOLD_EXPIRES] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY),
	},
	[BGP_ESTABLISHED] = {
		[FSM_MANUAL_START] = TO(BGP_ESTABLISHED, 0),
		[FSM_MANUAL_START_PASSIVE] = TO(BGP_ESTABLISHED, 0),
		[FSM_DAMPED_START] = TO(BGP_ESTABLISHED, 0),
		[FSM_DAMPED_START_PASSIVE] = TO(BGP_ESTABLISHED, 0),
		[FSM_MANUAL_STOP] = TO(BGP_IDLE, END | FSM_NOTIFY | FSM_COUNT_ZERO),
		[FSM_AUTOMATIC_STOP] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY),
		[FSM_HOLD_EXPIRES] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY),
		[FSM_KEEPALIVE_EXPIRES] = TO(BGP_ESTABLISHED, FSM_SEND_KEEPALIVE),
		[FSM_TCP_FAILS] = TO(BGP_IDLE, END_FAULT),
		[FSM_HEADER_ERROR] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY),
		[FSM_COLLISION_DUMP] = TO(BGP_IDLE, END | FSM_NOTIFY | FSM_COUNT_UP),
		[FSM_NOTIFICATION_VERSION] = TO(BGP_IDLE, END_FAULT),
		[FSM_NOTIFICATION] = TO(BGP_IDLE, END_FAULT),
		[FSM_KEEPALIVE] = TO(BGP_ESTABLISHED, FSM_HOLD_RESTART),
		[FSM_UPDATE] = TO(BGP_ESTABLISHED, FSM_HOLD_RESTART),
		[FSM_UPDATE_ERROR] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY),
		[FSM_SEND_HOLD_EXPIRES] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY), /* RFC 9687 4.3 */
		[FSM_REFRESH] = TO(BGP_ESTABLISHED, 0),
	},
};

static const struct cell other[FSM_STATES] = {
	[BGP_IDLE] = TO(BGP_IDLE, 0),
	[BGP_CONNECT] = TO(BGP_IDLE, END_FAULT),
	[BGP_ACTIVE] = TO(BGP_IDLE, END_FAULT),
	[BGP_OPENSENT] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY_FSM),
	[BGP_OPENCONFIRM] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY_FSM),
	[BGP_ESTABLISHED] = TO(BGP_IDLE, END_FAULT | FSM_NOTIFY_FSM),
};

struct fsm_step fsm_step(enum bgp_state s, enum fsm_event e)
{
	const struct cell *c = &table[s][e];

	if (!c->set)
		c = &other[s];
	return (struct fsm_step){ .next = c->next, .actions = c->actions };
}

const char *bgp_state_name(enum bgp_state s)
{
	static const char *const names[] = { "Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established" };

	return names[s];
}

const char *fsm_event_name(enum fsm_event e)
{
	static const char *const names[FSM_EVENTS] = {
		[FSM_MANUAL_START] = "started",
		[FSM_MANUAL_STOP] = "stopped",
		[FSM_MANUAL_START_PASSIVE] = "started, passive",
		[FSM_DAMPED_START] = "idle hold over",
		[FSM_DAMPED_START_PASSIVE] = "idle hold over, passive",
		[FSM_AUTOMATIC_STOP] = "stopped by a limit",
		[FSM_CONNECT_RETRY_EXPIRES] = "connect retry timer expired",
		[FSM_HOLD_EXPIRES] = "hold timer expired",
		[FSM_KEEPALIVE_EXPIRES] = "keepalive timer expired",
		[FSM_TCP_ACKED] = "connected",
		[FSM_TCP_CONFIRMED] = "connection accepted",
		[FSM_TCP_FAILS] = "connection failed",
		[FSM_OPEN] = "OPEN received",
		[FSM_HEADER_ERROR] = "message header error",
		[FSM_OPEN_ERROR] = "OPEN message error",
		[FSM_COLLISION_DUMP] = "connection collision",
		[FSM_NOTIFICATION_VERSION] = "NOTIFICATION of a version error received",
		[FSM_NOTIFICATION] = "NOTIFICATION received",
		[FSM_KEEPALIVE] = "KEEPALIVE received",
		[FSM_UPDATE] = "UPDATE received",
		[FSM_UPDATE_ERROR] = "UPDATE message error",
		[FSM_SEND_HOLD_EXPIRES] = "send hold timer expired",
		[FSM_REFRESH] = "ROUTE-REFRESH received",
	};

	return e < FSM_EVENTS && names[e] ? names[e] : "event";
}

uint8_t fsm_error_subcode(enum bgp_state s)
{
	return s == BGP_OPENSENT ? 1 : s == BGP_OPENCONFIRM ? 2 : s == BGP_ESTABLISHED ? 3 : 0;
}

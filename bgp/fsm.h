/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The finite state machine of RFC 4271 8 as data: (state, event) -> next state and what to do. Pure; session.c carries
 * the actions out. DelayOpen is not used (its events 12 and 20 do not exist here); the damping of RFC 4271 8.1.1 is
 * FSM_DAMP and ends in events 6 and 7.
 */
#ifndef BGP_FSM_H
#define BGP_FSM_H

#include "include/bgp.h"

#define FSM_STATES 6u /* enum bgp_state */

/* Numbers are RFC 4271 8.1's; 29 is RFC 9687's, 30 (RFC 2918) is ours. */
enum fsm_event {
	FSM_MANUAL_START = 1,
	FSM_MANUAL_STOP = 2,
	FSM_MANUAL_START_PASSIVE = 4,
	FSM_DAMPED_START = 6,
	FSM_DAMPED_START_PASSIVE = 7,
	FSM_AUTOMATIC_STOP = 8,
	FSM_CONNECT_RETRY_EXPIRES = 9,
	FSM_HOLD_EXPIRES = 10,
	FSM_KEEPALIVE_EXPIRES = 11,
	FSM_TCP_ACKED = 16,
	FSM_TCP_CONFIRMED = 17,
	FSM_TCP_FAILS = 18,
	FSM_OPEN = 19,
	FSM_HEADER_ERROR = 21,
	FSM_OPEN_ERROR = 22,
	FSM_COLLISION_DUMP = 23,
	FSM_NOTIFICATION_VERSION = 24,
	FSM_NOTIFICATION = 25,
	FSM_KEEPALIVE = 26,
	FSM_UPDATE = 27,
	FSM_UPDATE_ERROR = 28,
	FSM_SEND_HOLD_EXPIRES = 29,
	FSM_REFRESH = 30,
	FSM_EVENTS
};

enum fsm_action { /* carried out in this order */
	FSM_COUNT_ZERO = 1 << 0,       /* ConnectRetryCounter */
	FSM_COUNT_UP = 1 << 1,
	FSM_DAMP = 1 << 2,             /* lengthen the idle-hold before our next own connect */
	FSM_RETRY_STOP = 1 << 3,       /* ConnectRetryTimer */
	FSM_RETRY_START = 1 << 4,
	FSM_SEND_OPEN = 1 << 5,
	FSM_LARGE_HOLD = 1 << 6,       /* hold timer of 4 minutes */
	FSM_SEND_KEEPALIVE = 1 << 7,
	FSM_NEGOTIATED_TIMERS = 1 << 8, /* hold and keepalive by the negotiated hold time; none when it is 0 */
	FSM_HOLD_RESTART = 1 << 9,     /* unless the negotiated hold time is 0 */
	FSM_NOTIFY = 1 << 10,          /* NOTIFICATION with the code that came with the event */
	FSM_NOTIFY_FSM = 1 << 11,      /* 5/subcode of the state, RFC 6608 */
	FSM_CLOSE = 1 << 12,           /* drop TCP, release what the connection holds */
	FSM_CONNECT = 1 << 13
};

struct fsm_step {
	enum bgp_state next;
	uint32_t actions;
};

struct fsm_step fsm_step(enum bgp_state s, enum fsm_event e);
/* For the log and show: "hold timer expired". */
const char *fsm_event_name(enum fsm_event e);
/* Subcode of NOTIFICATION 5 in this state (RFC 6608 3). */
uint8_t fsm_error_subcode(enum bgp_state s);

#endif

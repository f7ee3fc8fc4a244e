/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A TCP connection with a neighbor and what the state machine does with it: its end, messages out. Output is pulled:
 * what is due is a set of bits, not a queue, so nothing here grows. What comes in is receive.c's, the OPEN both ways
 * open.c's, time is timers.c's.
 *
 * Life of a connection: made by us (bgp_net.connect) or accepted; when its run of the state machine ends it is detached
 * from the run, says what is left to say (a NOTIFICATION is the last thing pulled) and is freed when the network
 * releases it.
 */
#ifndef BGP_SESSION_H
#define BGP_SESSION_H

#include "bgp/attr.h"
#include "bgp/cap.h"
#include "bgp/peer.h"

enum session_due {
	DUE_OPEN = 1,
	DUE_KEEPALIVE = 2,
	DUE_REFRESH = 4, /* for every negotiated family */
	DUE_NOTIFICATION = 8
};

/* The fields of an UPDATE with NLRI, in the order in which they are read. */
enum update_field { UPDATE_UNREACH, UPDATE_WITHDRAWN4, UPDATE_NLRI4, UPDATE_REACH };

/* How far an UPDATE has come that takes several turns: the fields before this one are done. */
struct update_place {
	bool begun;
	uint8_t field;       /* enum update_field */
	uint16_t done, seen; /* NLRI of it that are in the RIB, that were taken apart */
};

struct bgp_conn {
	struct list node; /* bgp_peer.conns while run is set */
	struct bgp_peer *peer;
	struct fsm_run *run;      /* NULL once the state machine is done with it */
	struct fsm_run accepted;  /* its run when the neighbor opened it; else bgp_peer.own is */
	bool outgoing;
	bool wanted;              /* bgp_net was told that there is something to pull */
	bool gone;                /* TCP has ended */
	uint8_t due;              /* enum session_due */
	struct timerq_node hold, keepalive, send_hold;
	struct timerq_node silence; /* nothing has come yet: the log says so */
	int64_t keepalive_wait_us;
	struct timerq_node refresh; /* runs since all routes were sent again: not so soon once more */
	uint32_t refresh_wanted;  /* asked for meanwhile; bits as families */
	struct mtime opened;      /* by the neighbor */
	struct mtime heard;       /* the last KEEPALIVE or UPDATE came */
	struct mtime sent;        /* something was pulled last */
	struct ip local;
	void *user;

	/* From the neighbor's OPEN. */
	uint32_t router_id;
	uint16_t hold_time;       /* negotiated, s */
	uint32_t families;        /* negotiated, bits are indices of bgp.families */
	uint32_t families_attached; /* of these the outbound side has begun */
	uint32_t families_ended;  /* of these End-of-RIB has come */
	uint32_t add_path_in, add_path_out; /* of these routes come and go with path identifiers (RFC 7911) */
	uint16_t max_message;     /* octets, either way: RFC 8654 */
	struct caps caps;
	uint8_t *open;            /* its body, for show */
	uint16_t open_len;
	char open_why[72];        /* text of a fault in it that has numbers */

	const uint8_t *message;   /* under the reader, for the log; NULL between messages */
	size_t message_len;

	/*
	 * What has come and has not been handled: the start of a message of which the rest has not come, or, while the
	 * connection waits, an UPDATE that is not over and all that was read with it. 4,096 octets at least.
	 */
	uint8_t *part;
	uint32_t part_len;
	struct list waiting; /* bgp.waiting: there is enough for other turns, see receive_more() */
	struct update_place update; /* of the UPDATE under the reader, or first in part */

	struct {
		uint8_t code, subcode;
		uint8_t *data;
		uint16_t len;
	} notification;
};

/*
 * The one way into the state machine. fault: the NOTIFICATION to send or that has come, or NULL. text: RFC 9003's text
 * or a reason for the log, or NULL.
 */
void session_event(struct fsm_run *run, enum fsm_event e, const struct msg_fault *fault, const char *text,
		   struct mtime now);
/* Messages that go out as soon as the network pulls: of enum session_due, each once however often it is asked for. */
void session_send(struct bgp_conn *c, uint8_t what);
/* The peer has something to pull (from the outbound side of the RIB). */
void session_want_write(struct bgp_peer *peer);
/* The neighbor asks for all routes of a family again. However often it does, they go out once every 2 s at most. */
void session_refresh_asked(struct bgp_conn *c, uint32_t family, struct mtime now);
/* Begins to send the families that may be sent and have not begun. */
void session_attach(struct bgp_conn *c);
/* Asks for all routes again. */
void session_refresh(struct bgp_conn *c);

/* A limit is exceeded: f is what the neighbor is told. */
void session_stop(struct bgp_conn *c, const struct msg_fault *f, struct mtime now);

/* ---- timers.c ---------------------------------------------------------------------------------------------------- */

void timers_init(struct bgp_conn *c);
void timers_stop(struct bgp_conn *c);
/* TCP is to be opened. */
void timers_connect(struct bgp_conn *c, struct mtime now);
/* Our OPEN has gone. */
void timers_await_open(struct bgp_conn *c, struct mtime now);
/* Those of the hold time that the OPENs have settled; 0 means none of them (RFC 4271 4.2). */
void timers_negotiated(struct bgp_conn *c, struct mtime now);
/* A KEEPALIVE goes out: the next one in a third of the hold time. */
void timers_keepalive(struct bgp_conn *c, struct mtime now);

/* ---- update.c ---------------------------------------------------------------------------------------------------- */

enum update_outcome {
	UPDATE_OVER,
	UPDATE_PAUSED, /* not all of it is in the RIB: to be called again with the same one, in another turn */
	UPDATE_FAULT   /* *fault ends the session */
};
/* An UPDATE of an Established session into the RIB. body: without the header. */
enum update_outcome update_receive(struct bgp_conn *c, struct rbuf body, struct msg_fault *fault, struct mtime now);

/* ---- receive.c --------------------------------------------------------------------------------------------------- */

/* Goes on with the next connection that waits; true when one still does. */
bool receive_more(struct bgp *b, struct mtime now);

#endif

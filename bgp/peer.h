/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A configured neighbor: what stays while connections come and go. It owns one run of the state machine for the
 * connections that we open (Idle, Connect, Active live here); each connection that the neighbor opens brings a run of
 * its own (session.h).
 */
#ifndef BGP_PEER_H
#define BGP_PEER_H

#include "bgp/engine.h"
#include "bgp/fsm.h"
#include "bgp/msg.h"
#include "bgp/stale.h"

#define PEER_ACCEPTS_PER_S 10u
#define PEER_WAITING_MAX 8u /* accepted connections without an OPEN yet; the oldest goes for a newer one */

/* One run of the state machine. */
struct fsm_run {
	enum bgp_state state;
	struct bgp_peer *peer;
	struct bgp_conn *conn; /* NULL without TCP */
};

struct bgp_peer {
	struct list node; /* bgp.peers, or bgp.removed */
	struct bgp *bgp;
	struct bgp_peer_params p; /* strings are ours */
	bool ebgp, admin_down, removed;
	struct fsm_run own;
	struct list conns;        /* struct bgp_conn that the state machine still knows */
	uint32_t n_conns;         /* these and the ones that wait for the network to release them */
	struct bgp_conn *session; /* the Established one */
	struct timerq_node connect_retry, idle_hold;
	uint32_t hold_back_s; /* idle-hold before our next own connect; 0 until there was an error */
	uint32_t connect_retry_count;
	struct mtime accept_at[PEER_ACCEPTS_PER_S]; /* of the last accepted connections, a ring */
	uint32_t accept_pos, accepts_refused;
	struct mtime since; /* of Established, or of the last change of state */
	char reason[200];   /* of the last change of state */
	char unreachable[64]; /* why our last connect failed, "" since one has not */

	enum bgp_rt_filter rt_filter;
	struct timerq_node rtc_wait; /* while rt_filter is waiting */
	bool rtc_silent; /* cannot ask for the routes that it gets from us, see rtc.c */
	struct rib_peer rib;
	struct stale stale;
	struct bgp_message_counts in, out;
	struct bgp_error last_in, last_out, last_malformed;
	bool near_limit; /* of max_prefixes, and that was said */
	uint64_t octets; /* of its routes, at the last share_out() of limit.c */
	uint64_t octets_made; /* of these what listeners make of them */
	struct mtime held_until; /* max_prefixes_restart runs to then */
	uint32_t established_count, treat_as_withdraw, attributes_discarded, unknown_nlri;
	uint64_t nlri; /* announced and withdrawn by it */
	struct log_limit faults; /* of its LOG_REMOTE lines */
	struct log_limit edges;  /* of what it can bring about by coming and going */
};

/* The most advanced state of its runs. */
enum bgp_state peer_state(const struct bgp_peer *peer);
/* A run of its state machine is over: arm the next own connect, unless something else goes on. */
void peer_rearm(struct bgp_peer *peer, struct mtime now);
/* FSM_DAMP: lengthen the hold-back, from 1 s doubling to 60 s. */
void peer_damp(struct bgp_peer *peer, struct mtime now);
/* For the state that is entered: how long a connect may take, or how long Active waits for the next one. */
void peer_connect_retry_start(struct bgp_peer *peer, enum bgp_state next, struct mtime now);
/* Counts an accepted connection; false when it is over the limit of the last second. */
bool peer_accept_take(struct bgp_peer *peer, struct mtime now);
/*
 * It has sent more than max_prefixes: down for max_prefixes_restart, if that is configured.
 * Ends what goes on beside the session, with f; the session is the caller's to end.
 */
void peer_hold_down(struct bgp_peer *peer, const struct msg_fault *f, struct mtime now);
bool peer_is_held_down(const struct bgp_peer *peer, struct mtime now);
/* Frees a removed peer whose last connection is gone. */
void peer_maybe_free(struct bgp_peer *peer);
/* Of every peer, for bgp_free(). */
void peer_free(struct bgp_peer *peer);
/*
 * Puts down an error for show; text may be NULL (then the name of the code). A collision is nobody's fault and covers
 * no other. message: what is to blame, NULL and 0 for none.
 */
void peer_note_error(struct bgp_error *e, const struct msg_fault *f, const char *text, const uint8_t *message,
		     size_t len, struct mtime now);
/* May a line go out about what the neighbor can bring about as often as it likes, by coming and going? */
bool peer_log_allow(struct bgp_peer *peer, struct mtime now);
/* A connect of ours has failed. Said once for each reason, as it may go on for days. */
void peer_note_unreachable(struct bgp_peer *peer, const char *reason);
/*
 * A fault of the peer for the log, rate-limited, with the octets of the message that is to blame (NULL: none):
 * "peer 192.0.2.1: WHAT: WHY [ffff...]".
 */
void peer_log_fault(struct bgp_peer *peer, const char *what, const char *why, const uint8_t *message, size_t len,
		    struct mtime now);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The BGP engine as the rest of the house sees it. The engine has no sockets and no clock: it takes bytes, events and
 * the time, and gives bytes (pulled) and the next deadline. One struct bgp is one speaker; nothing is global, so
 * thousands of them run in one test process.
 *
 * Who calls whom:   transport (or a simulated network) --> bgp_conn_*()          bytes and TCP events in
 *                   transport <-- struct bgp_net                                  connect, close, "I have bytes"
 *                   a family (evpn) --> bgp_originate() / bgp_withdraw()          local routes
 *                   a family (evpn) <-- struct bgp_family hooks, bgp_listener     codec, preference, best path changes
 *                   cmd --> bgp_peer_*(), bgp_rib_*()                             administration and show
 *
 * To bgp a route key is opaque bytes. AS numbers, router ids and times are in host order.
 */
#ifndef BGP_H
#define BGP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/mtime.h"
#include "base/wire.h"

struct bgp;
struct bgp_peer;
struct bgp_conn;
struct history;
struct json;

/* ---- attributes ---------------------------------------------------------------------------------------------- */

enum bgp_origin { BGP_ORIGIN_IGP = 0, BGP_ORIGIN_EGP = 1, BGP_ORIGIN_INCOMPLETE = 2 };

enum { /* path attribute type codes, RFC 4271 5 and IANA */
	BGP_ATTR_ORIGIN = 1,
	BGP_ATTR_AS_PATH = 2,
	BGP_ATTR_NEXT_HOP = 3,
	BGP_ATTR_MED = 4,
	BGP_ATTR_LOCAL_PREF = 5,
	BGP_ATTR_ATOMIC_AGGREGATE = 6,
	BGP_ATTR_AGGREGATOR = 7,
	BGP_ATTR_COMMUNITIES = 8,
	BGP_ATTR_ORIGINATOR_ID = 9,
	BGP_ATTR_CLUSTER_LIST = 10,
	BGP_ATTR_MP_REACH = 14,
	BGP_ATTR_MP_UNREACH = 15,
	BGP_ATTR_EXT_COMMUNITIES = 16,
	BGP_ATTR_AS4_PATH = 17,
	BGP_ATTR_AS4_AGGREGATOR = 18,
	BGP_ATTR_PMSI_TUNNEL = 22,
	BGP_ATTR_TUNNEL_ENCAP = 23,
	BGP_ATTR_IPV6_EXT_COMMUNITIES = 25,
	BGP_ATTR_AIGP = 26,
	BGP_ATTR_LARGE_COMMUNITIES = 32,
	BGP_ATTR_OTC = 35,
	BGP_ATTR_PREFIX_SID = 40,
	BGP_ATTR_ATTR_SET = 128
};

/* Well-known communities (RFC 1997) of RFC 8326 and 9494. */
#define BGP_GRACEFUL_SHUTDOWN 0xffff0000u /* about to go: others are better */
#define BGP_LLGR_STALE 0xffff0006u /* kept of a session lost long ago: a last resort */
#define BGP_NO_LLGR 0xffff0007u    /* not to be kept so */

/*
 * One interned, immutable, reference-counted set of what routes share: the path attributes in canonical order and the
 * shared part of the NLRI (for EVPN: ESI and labels). It belongs to the table of sets of its struct bgp; others borrow
 * it and must not keep the pointer beyond the call unless they hold a reference.
 */
struct bgp_attrs {
	uint8_t origin;
	bool has_med, has_local_pref, has_originator_id;
	uint32_t med, local_pref, originator_id;
	struct ip next_hop;
	/* Raw values of attributes, in wire order, NULL and 0 when absent; AS_PATH always with 4-octet ASNs. */
	const uint8_t *as_path;
	const uint8_t *communities;
	const uint8_t *cluster_list;
	const uint8_t *ext_communities; /* 8 octets each */
	const uint8_t *pmsi;            /* PMSI_TUNNEL value, RFC 6514 5 */
	const uint8_t *large_communities;
	const uint8_t *others; /* attributes that pass through untouched, each flags, code, length, value */
	const uint8_t *shared; /* the family's shared part of the NLRI */
	uint16_t as_path_len, communities_len, cluster_list_len, ext_communities_len, pmsi_len, large_communities_len,
		others_len, shared_len; /* octets */
	uint32_t as_path_hops;          /* RFC 4271 9.1.2.2 (a): AS_SET counts one, confederation segments none */
	uint32_t neighbor_as;           /* leftmost AS of an AS_SEQUENCE, 0 when the path is empty */
};

static inline bool bgp_has_community(const struct bgp_attrs *a, uint32_t community)
{
	struct rbuf b = rb_init(a->communities, a->communities_len);

	while (rb_left(&b)) {
		if (rb_u32(&b) == community)
			return true;
	}
	return false;
}

/* ---- address families ---------------------------------------------------------------------------------------- */

#define BGP_KEY_MAX 64u    /* octets of an NLRI key */
#define BGP_SHARED_MAX 32u /* octets of the shared part of an NLRI */

/* One NLRI taken apart: the key names the route, shared is what routes of one origin have in common. */
struct bgp_nlri {
	uint8_t key[BGP_KEY_MAX];
	uint8_t shared[BGP_SHARED_MAX];
	uint8_t key_len, shared_len;
	uint32_t path_id; /* RFC 7911; the family leaves it alone */
};

enum bgp_nlri_verdict {
	BGP_NLRI_OK,
	BGP_NLRI_UNKNOWN,  /* a type we do not know: discard it, count it, go on (RFC 7606 5.4) */
	BGP_NLRI_WITHDRAW, /* the key is good, the rest is not: treat as withdraw (RFC 7606, rfc7432bis 7.14) */
	BGP_NLRI_RESET     /* the key or the framing cannot be trusted: reset the session or disable the family */
};

struct bgp_family {
	uint16_t afi;
	uint8_t safi;
	const char *name; /* "evpn" */
	/* Its routes carry route targets: a peer that says which it wants is sent those only (RFC 4684). */
	bool route_targets;
	/* Its routes say which route targets their source wants: bgp_rtc_family. */
	bool membership;
	/*
	 * Takes one NLRI off r. In a withdrawal only the key matters. On OK and WITHDRAW out->key is valid. On
	 * UNKNOWN r stands behind the NLRI and key is its type and octets, to be carried opaque; key_len is 0 when that
	 * does not fit. Touches nothing but *r and *out; octets beyond key_len and shared_len are left as they were.
	 */
	enum bgp_nlri_verdict (*decode)(struct rbuf *r, bool withdraw, struct bgp_nlri *out);
	/* Writes one NLRI. shared is NULL in a withdrawal. */
	void (*encode)(struct wbuf *w, const uint8_t *key, size_t key_len, const uint8_t *shared, size_t shared_len);
	/* Octets that encode() writes at most for this key. */
	size_t (*encoded_len)(const uint8_t *key, size_t key_len, size_t shared_len);
	/*
	 * Are these attributes right for this key (RFC 7606 3(d), rfc7432bis 7.14: for example RT-3 without PMSI)?
	 * Called once a set and a kind of key (the first octet of the key).
	 */
	enum bgp_nlri_verdict (*check)(const struct bgp_attrs *a, const uint8_t *key, size_t key_len);
	/*
	 * Steps of the decision before RFC 4271's (rfc7432bis 7.13.1: default gateway, static, MAC mobility sequence):
	 * > 0 when a is better than b, < 0 when worse, 0 to go on. Keys are equal.
	 */
	int (*prefer)(const struct bgp_attrs *a, bool a_local, const struct bgp_attrs *b, bool b_local,
		      const uint8_t *key, size_t key_len);
	/*
	 * A route of this key speaks for many others: of the routes of a lost peer it is
	 * the first to go (rfc7432bis 7.12). May be NULL.
	 */
	bool (*urgent)(const uint8_t *key, size_t key_len);
	/* The route as JSON members of an open object (type, rd, esi, ethernet_tag, mac, ip, vni, ...). */
	void (*print)(struct json *j, const uint8_t *key, size_t key_len, const struct bgp_attrs *a);
	/*
	 * Further members, those that follow from the attributes alone: written once for
	 * all routes of a set. May be NULL.
	 */
	void (*print_attrs)(struct json *j, const struct bgp_attrs *a);
};

/*
 * Told of every change of a best path, at the time of the decision; old or new is NULL when there was or is none.
 * Called for local routes too. Must not call back into bgp other than bgp_originate()/bgp_withdraw() and the getters.
 */
struct bgp_route_ref { /* borrowed for the call */
	const uint8_t *key;
	size_t key_len;
	const struct bgp_attrs *attrs;
	uint32_t set;         /* handle of the interned set: equal handles are equal attributes, see bgp_set_mark() */
	struct bgp_peer *peer; /* NULL: originated here */
};

/* AFI 1, SAFI 132: route target membership (RFC 4684). Registered without a listener, like any family. */
extern const struct bgp_family bgp_rtc_family;

struct bgp_listener {
	void (*best_changed)(void *ctx, const struct bgp_route_ref *old, const struct bgp_route_ref *new_);
	/*
	 * The last reference to an interned set is gone: forget what was remembered for it with bgp_set_mark().
	 * Called only when the mark is not 0.
	 */
	void (*set_gone)(void *ctx, uint32_t set, uint32_t mark);
	/*
	 * Octets that routes take in the listener's own tables, and in what it makes of these: memory_limit is for
	 * them, too. Of all, and of those with a set that has this mark. NULL: none.
	 */
	uint64_t (*octets)(void *ctx);
	uint64_t (*octets_of)(void *ctx, uint32_t mark);
	/* Routes of one peer end: all of its End-of-RIB has come, or its session is down. May be NULL. */
	void (*end_of_rib)(void *ctx, struct bgp_peer *peer);
	void (*peer_down)(void *ctx, struct bgp_peer *peer);
	void (*peer_up)(void *ctx, struct bgp_peer *peer);
	void *ctx;
};

/*
 * A word of the listener's own kept with each interned set (0 until set), so that what follows from attributes alone
 * (which EVIs import these route targets?) is computed once a set and not once a route.
 */
uint32_t bgp_set_mark(const struct bgp *b, uint32_t set);
void bgp_set_set_mark(struct bgp *b, uint32_t set, uint32_t mark);
/* best_changed() has changed so many rows for a route, when they are many: then it takes several turns of the loop. */
void bgp_did(struct bgp *b, uint32_t rows);

/* ---- a speaker ----------------------------------------------------------------------------------------------- */

/* What the engine asks of its network. Calls must not re-enter the engine: do it, and report later. */
struct bgp_net {
	/* Open TCP to this peer; bgp_conn_connected() or bgp_conn_closed() tells how it went. */
	void (*connect)(void *ctx, struct bgp_conn *c);
	/* This connection has bytes to pull: call bgp_conn_pull() when it can take them. */
	void (*want_write)(void *ctx, struct bgp_conn *c);
	/*
	 * The engine is done with c: pull what is left, send it if that is possible without waiting, close. The engine
	 * frees c when the network calls bgp_conn_release().
	 */
	void (*close)(void *ctx, struct bgp_conn *c);
	/* The engine's next deadline changed: ask bgp_deadline(). May be NULL. */
	void (*deadline)(void *ctx);
	/* There is work that grows with a table: call bgp_work() until it says there is no more. May be NULL. */
	void (*work)(void *ctx);
	void *ctx;
};

struct bgp_params {
	uint32_t asn;
	uint32_t router_id;
	uint32_t cluster_id; /* 0 = router_id (RFC 4456 7) */
	struct ip next_hop;  /* of what we originate, if any; paths of others with this next hop are not eligible */
	uint64_t memory_limit; /* octets of all routes, their attributes and what listeners make of them; 0 = none */
	bool reflect_unknown;
	uint16_t restart_time;    /* s, RFC 4724; 0: neighbors need not keep our routes */
	uint32_t long_lived_time; /* s, RFC 9494, for ours and for theirs; 0: off */
	uint64_t seed; /* of the jitter: ConnectRetry and Keepalive take 0.75 to 1.0 of their time (RFC 4271 10) */
	struct log *log;
	struct history *history; /* NULL: none is kept */
	/* What was there before bgp_restart_begin() is back, or its time is over. May be NULL. Must not re-enter. */
	void (*converged)(void *ctx);
	void *converged_ctx;
	struct bgp_net net;
};

struct bgp *bgp_new(const struct bgp_params *p, struct mtime now);
/* Every connection must have been released. */
void bgp_free(struct bgp *b);
/* Before the first peer; family and listener must outlive b. */
void bgp_family_register(struct bgp *b, const struct bgp_family *f, const struct bgp_listener *l);
/* For bgp_peer_params.families: a bit for a registered family. */
uint32_t bgp_family_bit(const struct bgp *b, const struct bgp_family *f);

/* MTIME_NEVER when no timer runs. */
struct mtime bgp_deadline(const struct bgp *b);
void bgp_run_timers(struct bgp *b, struct mtime now);
/* One slice of the long work (purge of a lost peer's routes, first fill of a group); true when there is more. */
bool bgp_work(struct bgp *b, struct mtime now);
/*
 * Ends every session with Cease (subcode of RFC 4486 4), text as RFC 9003 or NULL; for a daemon about to end. stays: so
 * that neighbors keep our routes for the one to come (RFC 4724, 8538), because our rows stay.
 */
void bgp_shutdown(struct bgp *b, bool stays, uint8_t cease_subcode, const char *text, struct mtime now);

/*
 * This speaker comes after another whose forwarding goes on: until all that was there is
 * there again, or restart_time is over, our End-of-RIB is held back. Before the first peer.
 */
void bgp_restart_begin(struct bgp *b, struct mtime now);
/* What is originated here at the start has been, and forwarding runs. To be called after every start. */
void bgp_local_complete(struct bgp *b, struct mtime now);
bool bgp_restarting(const struct bgp *b);

/*
 * RFC 8326: from now on all routes go out marked as about to go, or no more; what neighbors have is sent again, as they
 * take it. No harm when it is so already.
 */
void bgp_drain(struct bgp *b, bool on, struct mtime now);
/* Since when, MTIME_NEVER: it does not. */
struct mtime bgp_draining(const struct bgp *b);

/* ---- peers --------------------------------------------------------------------------------------------------- */

enum bgp_state { BGP_IDLE, BGP_CONNECT, BGP_ACTIVE, BGP_OPENSENT, BGP_OPENCONFIRM, BGP_ESTABLISHED };
const char *bgp_state_name(enum bgp_state s); /* RFC 4271's words: "Idle" ... "Established" */

enum { /* cease subcodes, RFC 4486 4, 8538 */
	BGP_CEASE_MAX_PREFIXES = 1,
	BGP_CEASE_ADMIN_SHUTDOWN = 2,
	BGP_CEASE_DECONFIGURED = 3,
	BGP_CEASE_ADMIN_RESET = 4,
	BGP_CEASE_REJECTED = 5,
	BGP_CEASE_CONFIG_CHANGE = 6,
	BGP_CEASE_COLLISION = 7,
	BGP_CEASE_OUT_OF_RESOURCES = 8,
	BGP_CEASE_HARD_RESET = 9
};

enum bgp_add_path { BGP_ADD_PATH_RECEIVE = 1, BGP_ADD_PATH_SEND = 2 }; /* RFC 7911 4, bits */

struct bgp_peer_params {
	struct ip address;
	uint32_t asn;
	uint16_t port;
	const char *description; /* copied, may be NULL */
	bool passive;
	uint16_t hold_time;
	uint32_t families; /* that we offer, of bgp_family_bit(); 0: all */
	bool rr_client;
	uint32_t max_prefixes; /* 0 = no limit */
	uint8_t max_prefixes_warning;  /* percent of it; 0 = 75 */
	uint32_t max_prefixes_restart; /* s that it stays down after that; 0 = as after any error */
	uint8_t add_path;      /* enum bgp_add_path, for all families */
	uint8_t add_path_best; /* with BGP_ADD_PATH_SEND: so many paths of a route at most; 0 = all */
	uint8_t ttl_security;
	uint8_t role;         /* RFC 9234: 0 none, else the value of the capability + 1; eBGP only */
	const char *password; /* copied, may be NULL; for the transport */
};

/* -EEXIST for a second peer with that address. The peer starts as with ManualStart unless b is shutting down. */
int bgp_peer_add(struct bgp *b, const struct bgp_peer_params *p, struct mtime now, struct bgp_peer **out);
/* Ends its sessions with Cease/3 and forgets it once its routes are purged. */
void bgp_peer_del(struct bgp_peer *peer, struct mtime now);
/* What of p a session survives is taken over at once: description, passive, port, the limit of prefixes. */
void bgp_peer_change(struct bgp_peer *peer, const struct bgp_peer_params *p, struct mtime now);
/*
 * All of p: as bgp_peer_del() and bgp_peer_add(), but the neighbor is told Cease/6. The
 * address is the same, the strings are not the peer's own.
 */
struct bgp_peer *bgp_peer_remake(struct bgp_peer *peer, const struct bgp_peer_params *p, struct mtime now);
struct bgp_peer *bgp_peer_find(const struct bgp *b, const struct ip *address);
/* In order of configuration; NULL starts and ends. */
struct bgp_peer *bgp_peer_next(const struct bgp *b, const struct bgp_peer *prev);
const struct bgp_peer_params *bgp_peer_params(const struct bgp_peer *peer);

void bgp_peer_up(struct bgp_peer *peer, struct mtime now);   /* ManualStart; no harm when up */
/* ManualStop, Cease/2; text: the shutdown communication of RFC 9003 (255 octets of it go out), or NULL. */
void bgp_peer_down(struct bgp_peer *peer, const char *text, struct mtime now);
/* Cease/4 with such a text, then up again. */
void bgp_peer_clear(struct bgp_peer *peer, const char *text, struct mtime now);
/* Asks the peer for its routes again (RFC 2918); -ENOTCONN, or -EOPNOTSUPP when it has no such capability. */
int bgp_peer_refresh(struct bgp_peer *peer, struct mtime now);

struct bgp_message_counts {
	uint64_t open, update, notification, keepalive, refresh;
};

struct bgp_error { /* the last NOTIFICATION or error, in one direction */
	uint8_t code, subcode;
	bool set;
	struct mtime at;
	char text[160];        /* reason in words, with RFC 9003's text when there was one, printable */
	uint8_t data[64];      /* the first octets of the NOTIFICATION's data */
	uint8_t data_len;
	uint8_t message[128];  /* the first octets of the message that was to blame */
	uint8_t message_len;
};

#define BGP_FAMILIES_MAX 8u

struct bgp_family_info { /* of one family on one session */
	const struct bgp_family *family;
	bool negotiated;
	uint64_t prefixes_received, prefixes_sent; /* routes held from the peer; routes it has been sent and holds */
	uint32_t group;   /* outbound group, 0 without */
	uint32_t pending; /* routes that wait to be sent to it */
	bool eor_received, eor_sent;
};

enum bgp_rt_filter { /* what a peer is sent of families with route targets */
	BGP_RT_FILTER_NONE,     /* everything: membership is not negotiated */
	BGP_RT_FILTER_WAITING,  /* nothing yet: its memberships are still coming */
	BGP_RT_FILTER_ACTIVE,   /* what it asks for */
	BGP_RT_FILTER_DISABLED, /* everything: its memberships could not be read */
};
const char *bgp_rt_filter_name(enum bgp_rt_filter f); /* "none", ... */

/* A snapshot for show; strings are borrowed until the next call into the engine. */
struct bgp_peer_info {
	struct ip address, local_address;
	uint32_t asn, router_id;
	const char *description;
	enum bgp_state state; /* the most advanced of its connections */
	bool admin_down, passive, rr_client, ebgp;
	struct mtime since; /* of Established, or of the last change of state */
	const char *reason; /* of the last change of state, "" before the first */
	const char *connect_error; /* why our connects fail, "" since one has not */
	uint16_t hold_time, hold_time_configured; /* s; negotiated, 0 when not established */
	uint32_t keepalive_ms;
	uint64_t prefixes_received, prefixes_sent; /* routes held from it; routes it has been sent and holds */
	uint64_t updates_in, updates_out;
	uint64_t nlri_in, nlri_out; /* announced and withdrawn in them, since the start */
	struct bgp_message_counts in, out;
	struct bgp_error last_in, last_out; /* NOTIFICATIONs, or how TCP ended */
	struct bgp_error last_malformed;    /* in an UPDATE, and the session went on (RFC 7606) */
	uint32_t established_count, treat_as_withdraw, attributes_discarded, unknown_nlri, rejected;
	uint32_t accepts_refused; /* connections over the limit of bgp_accept() */
	uint32_t max_prefixes, max_prefixes_restart; /* as in the parameters, 0: none */
	uint8_t max_prefixes_warning;
	struct mtime held_until; /* it stays down until then, when that has not passed */
	uint32_t connect_retries; /* ConnectRetryCounter of RFC 4271 8: faults since ManualStart */
	/* Of prefixes_received: kept of a lost session (RFC 4724, 9494), not repeated yet in a refresh (7313). */
	uint32_t stale, long_lived_stale, refreshing;
	struct mtime stale_end, long_lived_end; /* when they go at the latest, MTIME_NEVER */
	bool gr, gr_restarted, gr_notification; /* the session's capability of RFC 4724: there, R, N of RFC 8538 */
	uint16_t gr_time;                       /* s */
	uint32_t group;      /* outbound group, 0 without */
	uint32_t pending;    /* routes that wait to be sent to it */
	bool eor_received, eor_sent;
	bool repeating; /* what it has been sent is sent again: for a refresh, or since bgp_drain() */
	/* Of each registered family. Counts of routes, group and pending above are without families of memberships. */
	struct bgp_family_info families[BGP_FAMILIES_MAX];
	uint32_t n_families;
	enum bgp_rt_filter rt_filter;
	uint32_t rt_memberships; /* route targets, and parts of them, that it asks for */
};
void bgp_peer_info(const struct bgp_peer *peer, struct bgp_peer_info *out);
/* Octets that it and its connections take, without routes and without what the transport keeps for it. */
size_t bgp_peer_bytes(const struct bgp_peer *peer);
/* Members "capabilities_sent" and "capabilities_received": arrays of strings ("multiprotocol 25/70", ...). */
void bgp_peer_print_capabilities(const struct bgp_peer *peer, struct json *j);

/* ---- connections (for the transport) -------------------------------------------------------------------------- */

/*
 * A TCP connection has come from peer: the engine answers with its OPEN at once. NULL when it is refused: the peer is
 * down (by hand, or for max_prefixes_restart), removed, or over 10 connections a second (then close it).
 */
struct bgp_conn *bgp_accept(struct bgp_peer *peer, struct mtime now);
/* When the next bgp_accept() for the peer is within the limit: now, or later by less than a second. */
struct mtime bgp_accept_at(const struct bgp_peer *peer, struct mtime now);
void bgp_conn_connected(struct bgp_conn *c, const struct ip *local, struct mtime now);
/* The local address of an accepted connection. */
void bgp_conn_local(struct bgp_conn *c, const struct ip *local);
/* Bytes have come; takes all of them. After it the connection may be closing (bgp_net.close was called). */
void bgp_conn_input(struct bgp_conn *c, const uint8_t *data, size_t len, struct mtime now);
/* Not all that came is handled, bgp_work() goes on with it. The network reads no more meanwhile, or memory keeps it. */
bool bgp_conn_waits(const struct bgp_conn *c);
/*
 * Bytes to send, up to cap (at least 65,535, the longest message: RFC 8654); 0 when there are none: then wait for
 * want_write. They count as sent.
 */
size_t bgp_conn_pull(struct bgp_conn *c, uint8_t *out, size_t cap, struct mtime now);
/* TCP ended or could not be opened; reason is for the log. No release is needed after it: c is gone. */
void bgp_conn_closed(struct bgp_conn *c, const char *reason, struct mtime now);
/* The network has closed c as bgp_net.close asked; c is gone. */
void bgp_conn_release(struct bgp_conn *c);
struct bgp_peer *bgp_conn_peer(const struct bgp_conn *c);
/* A pointer of the transport's own. */
void *bgp_conn_user(const struct bgp_conn *c);
void bgp_conn_set_user(struct bgp_conn *c, void *user);

/* ---- routes -------------------------------------------------------------------------------------------------- */

/*
 * Originates a route, or replaces the one of that key that we originate. attrs->as_path, cluster_list, originator are
 * ignored; next_hop is ours. Everything is copied.
 */
void bgp_originate(struct bgp *b, const struct bgp_family *f, const struct bgp_nlri *nlri,
		   const struct bgp_attrs *attrs, struct mtime now);
/* No harm when there is no such route. */
void bgp_withdraw(struct bgp *b, const struct bgp_family *f, const uint8_t *key, size_t key_len, struct mtime now);

/*
 * This speaker imports routes with that route target, one user more or less; the first
 * originates a membership, the last withdraws it (RFC 4684). Without the family nothing happens.
 */
void bgp_rt_want(struct bgp *b, const uint8_t rt[8], struct mtime now);
void bgp_rt_unwant(struct bgp *b, const uint8_t rt[8], struct mtime now);

enum bgp_reject { /* why a route that was received is not eligible */
	BGP_ELIGIBLE,
	BGP_REJECT_AS_LOOP,
	BGP_REJECT_ORIGINATOR,
	BGP_REJECT_CLUSTER,
	BGP_REJECT_NEXT_HOP, /* not an address that can be sent to, or our own */
};
const char *bgp_reject_name(enum bgp_reject r); /* "as-loop", ...; NULL for BGP_ELIGIBLE */

/* A path in the table, for show. Borrowed until the next call into the engine. */
struct bgp_path_info {
	const struct bgp_family *family;
	const uint8_t *key;
	size_t key_len;
	const struct bgp_attrs *attrs;
	uint32_t set;
	struct bgp_peer *peer; /* NULL: ours */
	uint32_t path_id;      /* RFC 7911, as it was received; 0: none */
	uint32_t path_id_sent; /* the one under which it goes out */
	bool best;
	bool contested;        /* the route has other paths, eligible or not */
	bool stale;            /* of a lost session, RFC 4724 */
	bool long_lived_stale; /* a last resort, RFC 9494; also when the neighbor says so */
	enum bgp_reject reject;
	struct mtime since;
};

/* Position in a walk of the table; zero it to start. Changes between two steps do no harm. */
struct bgp_rib_cursor {
	uint32_t family, slab, handle, alt;
};
/* The next path (best first within a key). false at the end. */
bool bgp_rib_next(const struct bgp *b, struct bgp_rib_cursor *c, struct bgp_path_info *out);
/*
 * The step of the decision that made this path the best of its route, or at which it fell behind
 * the best: "local-pref", "as-path-length", ... (RFC 4271 9.1.2.2, RFC 4456 9; all of them are
 * in bgp/decide.c). NULL when the route has no other eligible path, or this one is not eligible.
 */
const char *bgp_rib_decided_by(const struct bgp *b, const struct bgp_path_info *p);
/* True when the peer has been sent this path and holds it. */
bool bgp_rib_advertised_to(const struct bgp *b, const struct bgp_path_info *p, const struct bgp_peer *peer);

struct bgp_memory {
	uint64_t keys, paths, sets, set_bytes, route_bytes, index_bytes, out_bytes, conns;
	uint64_t limit, used; /* memory_limit, and of that */
	uint64_t tombstones;   /* routes without a path that not everybody has heard of */
	uint64_t further;      /* nodes of paths behind the first of a key */
	uint64_t index_places; /* of the hash index; keys, tombstones and those of add-path views are in it */
	uint64_t groups, out_entries, out_cache_bytes; /* outbound; bytes are in out_bytes */
	uint64_t repeats;      /* messages that a peer got from those of its group that were at hand */
};
/* memory_limit is another. */
void bgp_set_memory_limit(struct bgp *b, uint64_t octets);
void bgp_memory(const struct bgp *b, struct bgp_memory *out);

/* ---- transport (bgp/transport.c, listen.c, sock.c: the only files of bgp that know a descriptor) ----------------- */

struct loop;
struct config_listen;
struct bgp_transport;

/* Fills the connection part of p->net; call before bgp_new(). */
struct bgp_transport *bgp_transport_new(struct loop *loop, struct log *log, struct bgp_net *net);
/* Binds the engine and starts to listen; errors go to the log with address and reason, -errno. address none: all. */
int bgp_transport_start(struct bgp_transport *t, struct bgp *b);
int bgp_transport_listen(struct bgp_transport *t, const struct ip *address, uint16_t port);
/* Listens no more; connections stay. */
void bgp_transport_unlisten(struct bgp_transport *t);
/* Peers were added or removed: keys and TTL limits of the listening sockets follow. */
void bgp_transport_peers_changed(struct bgp_transport *t);
/* Octets of all links, of which "unsent" were pulled and wait for a peer to read. */
size_t bgp_transport_bytes(const struct bgp_transport *t, size_t *unsent);

struct bgp_transport_stats {
	uint32_t links, parked;      /* connections; of these waiting until their peer's second is over */
	uint64_t strangers, refused; /* closed: of no peer; of one that was too far away or had too many waiting */
	uint64_t md5_failure, md5_not_found, md5_unexpected; /* the kernel's, of this network namespace: md5_drops.h */
};
void bgp_transport_stats(const struct bgp_transport *t, struct bgp_transport_stats *out);
/* Sends what is pending for at most ms milliseconds, then closes everything and frees t. */
void bgp_transport_stop(struct bgp_transport *t, int ms);

#endif

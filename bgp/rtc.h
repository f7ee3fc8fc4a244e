/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Route target membership (RFC 4684): a speaker tells its peers, as routes of AFI 1, SAFI 132, which route targets it
 * imports, and is sent the routes of families with route targets that have one of them. The family itself is
 * rtc_family.c's, what a peer asks for and when is rtc.c's, which routes a group of peers gets is out_filter.c's.
 *
 *	length 1 (bits: 0, 32 to 96) | origin AS 4 | route target 8, as much of them as the length says
 */
#ifndef BGP_RTC_H
#define BGP_RTC_H

#include "bgp/rib.h"
#include "include/bgp.h"

struct bgp_conn;
struct bgp_peer;

#define RTC_AS_BITS 32u
#define RTC_BITS_MAX 96u
/* An extended community is a route target when its low-order octet of type says so, whatever the high-order one. */
#define RTC_SUBTYPE 0x02u

/* The whole membership of that AS and route target; origin AS and rt as in the NLRI. */
void rtc_nlri(uint32_t asn, const uint8_t rt[8], struct bgp_nlri *out);
/* The default membership: all routes. */
void rtc_nlri_all(struct bgp_nlri *out);
/* What a key asks for: the origin AS says who asks, not what. */
struct out_target rtc_key_target(const uint8_t *key, size_t key_len);

/* ---- rtc.c ------------------------------------------------------------------------------------------------------- */

/* How long the first advertisement waits for the peer's End-of-RIB of memberships. */
#define RTC_WAIT_S 5

/* Has this connection's session the family? */
bool rtc_negotiated(const struct bgp_conn *c);
/* A session is established, its families are not attached yet. */
void rtc_session_up(struct bgp_conn *c, struct mtime now);
void rtc_session_down(struct bgp_peer *peer, struct mtime now);
/* May routes of that family be sent yet? */
bool rtc_may_attach(const struct bgp_conn *c, const struct bgp_family *f);
/* All memberships of the peer have come, for now. */
void rtc_end_of_rib(struct bgp_conn *c);
/* The family is of no use on this session any more: its memberships go, the peer is sent everything. */
void rtc_disabled(struct bgp_conn *c, struct mtime now);
void rtc_peer_init(struct bgp_peer *peer);
void rtc_free(struct bgp *b);

#endif

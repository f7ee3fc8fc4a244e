/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The OPEN: ours is made, the neighbor's is judged, and what both say is settled in the connection. */
#ifndef BGP_OPEN_H
#define BGP_OPEN_H

#include "bgp/session.h"

/* What we say in our OPEN to this peer. */
void open_our_caps(const struct bgp_peer *peer, struct caps *out);
/* Our whole OPEN. */
void open_write(const struct bgp_conn *c, struct wbuf *w);
/*
 * The neighbor's, without the header, into c. False: *f is the NOTIFICATION that it deserves; its data may lie in
 * space, which has cap octets: 6 a family are enough.
 */
bool open_settle(struct bgp_conn *c, struct rbuf body, struct msg_fault *f, uint8_t *space, size_t cap);

#endif

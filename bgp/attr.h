/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Path attributes: a table of descriptors (code, flags, reaction, decode), the outcomes of RFC 7606, and the two
 * directions UPDATE body <--> struct bgp_attrs. Pure: bytes and structs, no session, no table.
 */
#ifndef BGP_ATTR_H
#define BGP_ATTR_H

#include "base/wire.h"
#include "include/bgp.h"

/* In order of strength; of several errors the strongest wins (RFC 7606 3(h)). */
enum attr_outcome {
	ATTR_OK,
	ATTR_DISCARD,  /* this attribute only (RFC 7606 2) */
	ATTR_WITHDRAW, /* treat as withdraw */
	ATTR_DISABLE,  /* AFI/SAFI disable or session reset: the NLRI cannot be located */
	ATTR_NOTIFY    /* NOTIFICATION 3/x and close */
};

/* What the session says about the bytes (RFC 6793: the width of an ASN is a property of the connection). */
struct attr_session {
	bool ebgp, as4;
	uint32_t peer_as; /* first of its paths if it is external; 0: may be another */
};

struct attr_error { /* the strongest error, for the NOTIFICATION and the log */
	uint8_t code, subcode; /* 3/x */
	uint8_t attr;          /* type code, 0 when none is to blame */
	const uint8_t *data;   /* into the message: the attribute with its header (RFC 4271 6.3) */
	size_t data_len;
	const char *why;       /* static text */
};

/* An UPDATE taken apart. Pointers go into the message or into scratch. */
struct attr_update {
	struct rbuf withdrawn4, nlri4; /* IPv4 unicast, already delimited */
	bool has_reach, has_unreach;
	uint16_t reach_afi, unreach_afi;
	uint8_t reach_safi, unreach_safi;
	struct rbuf reach, unreach;    /* the NLRI octets */
	uint8_t reach_nh_len;          /* of MP_REACH; attrs.next_hop is set when it is 4 or 16 */
	struct ip next_hop4;           /* of NEXT_HOP, for nlri4 */
	bool has_attrs;                /* any path attribute but MP_UNREACH */
	struct bgp_attrs attrs;        /* shared is left to the caller */
	uint32_t discarded;            /* attributes discarded */
	enum attr_outcome outcome;
	struct attr_error error;
};

#define ATTR_SCRATCH 65535u /* octets that attr_decode_update() may need for rewritten AS_PATHs and the like */

/*
 * body: an UPDATE without its 19-octet header. The next hop of MP_REACH is not judged (its length is the family's), nor
 * are the NLRI.
 */
void attr_decode_update(struct rbuf body, const struct attr_session *s, uint8_t *scratch, struct attr_update *out);

/* How a route goes out (RFC 4271 5, 4456, 6793; EVPN keeps the next hop: design.md). */
struct attr_out {
	bool ebgp, as4;
	uint32_t local_as;
	bool reflect; /* iBGP to iBGP: add ORIGINATOR_ID when absent, prepend cluster_id */
	uint32_t originator_id, cluster_id;
	bool renew; /* both start here, whatever the route came with (RFC 4684 3.2) */
	bool drain; /* add GRACEFUL_SHUTDOWN when absent (RFC 8326) */
	bool yield; /* LOCAL_PREF is 0, so that others are better */
};

/*
 * Writes the path attributes of a, but MP_REACH and MP_UNREACH, in ascending order of type code. Unknown transitive
 * ones go with Partial set.
 */
void attr_encode(struct wbuf *w, const struct bgp_attrs *a, const struct attr_out *o);
/* Octets that attr_encode() writes at most. */
size_t attr_encoded_len(const struct bgp_attrs *a, const struct attr_out *o);
/* AS_PATH as text, "65001 65002 {65003,65004}". */
struct buf;
void attr_as_path_print(const uint8_t *path, size_t len, struct buf *out);
/* Does the path (4-octet ASNs) contain asn? */
bool attr_as_path_has(const uint8_t *path, size_t len, uint32_t asn);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Capabilities of an OPEN (RFC 5492): bytes <--> struct caps, pure. What follows from both sides' capabilities is
 * decided in open.c. Unknown ones are ignored.
 */
#ifndef BGP_CAP_H
#define BGP_CAP_H

#include "bgp/msg.h"

#define CAP_FAMILIES_MAX 16u

enum { /* IANA "Capability Codes" */
	CAP_MULTIPROTOCOL = 1,
	CAP_ROUTE_REFRESH = 2,
	CAP_EXTENDED_NEXT_HOP = 5,
	CAP_EXTENDED_MESSAGE = 6,
	CAP_ROLE = 9,
	CAP_GRACEFUL_RESTART = 64,
	CAP_AS4 = 65,
	CAP_ADD_PATH = 69,
	CAP_ENHANCED_REFRESH = 70,
	CAP_LONG_LIVED_GR = 71,
	CAP_FQDN = 73,
	CAP_REFRESH_OLD = 128
};

enum cap_role { /* RFC 9234 4.1, the wire value + 1 so that zero is none */
	CAP_ROLE_NONE,
	CAP_ROLE_PROVIDER,
	CAP_ROLE_RS,
	CAP_ROLE_RS_CLIENT,
	CAP_ROLE_CUSTOMER,
	CAP_ROLE_PEER
};

struct cap_family {
	uint16_t afi;
	uint8_t safi;
};

enum cap_add_path { CAP_ADD_PATH_RECEIVE = 1, CAP_ADD_PATH_SEND = 2 }; /* RFC 7911 4, bits */

struct cap_gr_family {
	uint16_t afi;
	uint8_t safi;
	bool forwarding; /* F: kept over the last restart */
	uint32_t long_s; /* RFC 9494 only */
};

/* RFC 4724 3, or 9494 3.1, which has the families only. Of several instances the last one counts. */
struct cap_gr {
	bool there;
	bool restarted;    /* R */
	bool notification; /* N: RFC 8538 2 */
	uint16_t time;     /* s */
	uint8_t n;
	struct cap_gr_family families[CAP_FAMILIES_MAX];
};

struct caps {
	struct cap_family families[CAP_FAMILIES_MAX];
	uint8_t n_families;
	struct {
		struct cap_family family;
		uint8_t modes; /* enum cap_add_path */
	} add_path[CAP_FAMILIES_MAX];
	uint8_t n_add_path;

	struct cap_gr gr, long_lived;
	bool enhanced_refresh; /* RFC 7313 */
	bool refresh; /* 2 or 128 */
	bool extended_message;
	bool as4;
	uint32_t asn;         /* of capability 65 */
	uint8_t role;         /* enum cap_role; of a value that is not assigned: wire value + 1 */
	bool role_conflict;   /* different values of it */
};

bool cap_family_has(const struct caps *c, uint16_t afi, uint8_t safi);
/* Is it a family of ours? NULL: any is. */
bool cap_family_matters(const struct caps *ours, uint16_t afi, uint8_t safi);
void cap_family_add(struct caps *c, uint16_t afi, uint8_t safi);
/* enum cap_add_path; 0 when nothing is said of the family. */
uint8_t cap_add_path(const struct caps *c, uint16_t afi, uint8_t safi);
/* The last word on a family counts. */
void cap_add_path_set(struct caps *c, uint16_t afi, uint8_t safi, uint8_t modes);

/*
 * The optional parameters of o. An instance of a known capability with a wrong length is
 * skipped, but 4-octet AS: 2/0. Of families only those of ours are taken, for there is no
 * bound to how many a neighbor may name; NULL: the first ones.
 */
bool cap_decode(const struct msg_open *o, const struct caps *ours, struct caps *out, struct msg_fault *fault);
/* One optional parameter with all of c, into an open OPEN. */
void cap_encode(struct wbuf *w, const struct caps *c);
/* The multiprotocol capabilities of c alone, as TLVs: data of NOTIFICATION 2/7 (RFC 5492 5). */
void cap_encode_families(struct wbuf *w, const struct caps *c);

/* The capabilities of the optional parameters, each as a string into the open array. */
struct json;
void cap_print(const struct msg_open *o, struct json *j);

/* ---- cap_gr.c ---------------------------------------------------------------------------------------------------- */

/* NULL when it is not listed. */
const struct cap_gr_family *cap_gr_find(const struct cap_gr *g, uint16_t afi, uint8_t safi);
void cap_gr_add(struct cap_gr *g, const struct cap_gr_family *f);
/* Of a wrong length they say nothing. ours as for cap_decode(). */
void cap_gr_take(struct cap_gr *g, struct rbuf value, const struct caps *ours);
void cap_long_lived_take(struct cap_gr *g, struct rbuf value, const struct caps *ours);
void cap_gr_encode(struct wbuf *w, const struct cap_gr *g);
void cap_long_lived_encode(struct wbuf *w, const struct cap_gr *g);
/* Appended to their names; out holds a terminated string. */
void cap_gr_text(struct rbuf value, char *out, size_t cap);
void cap_long_lived_text(struct rbuf value, char *out, size_t cap);

/* ---- roles ------------------------------------------------------------------------------------------------------- */

/* "provider", ...; NULL for none. */
const char *cap_role_name(uint8_t role);
/* Do these two go together (RFC 9234 4.2, table 2)? */
bool cap_role_match(uint8_t ours, uint8_t theirs);

#endif

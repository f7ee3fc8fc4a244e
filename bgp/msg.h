/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * BGP messages: bytes <--> structs, pure. Header, OPEN, UPDATE frame, NOTIFICATION, KEEPALIVE, ROUTE-REFRESH. What is
 * in an OPEN's optional parameters is cap.h's, what is in an UPDATE's attributes is attr.h's.
 */
#ifndef BGP_MSG_H
#define BGP_MSG_H

#include "base/wire.h"
#include "include/bgp.h"

#define MSG_HEADER_LEN 19u /* marker 16, length 2, type 1: RFC 4271 4.1 */
#define MSG_MAX_LEN 4096u
#define MSG_EXTENDED_MAX_LEN 65535u /* RFC 8654 3: but OPEN and KEEPALIVE */
#define MSG_OPEN_MIN_LEN 29u
#define MSG_UPDATE_MIN_LEN 23u
#define MSG_NOTIFICATION_MIN_LEN 21u
#define MSG_REFRESH_LEN 23u
#define MSG_AS_TRANS 23456u /* RFC 6793 9 */

enum msg_type { MSG_OPEN = 1, MSG_UPDATE, MSG_NOTIFICATION, MSG_KEEPALIVE, MSG_REFRESH };

enum { /* NOTIFICATION codes: RFC 4271 4.5, 7313 5, 9687 4 */
	MSG_ERR_HEADER = 1,
	MSG_ERR_OPEN,
	MSG_ERR_UPDATE,
	MSG_ERR_HOLD,
	MSG_ERR_FSM,
	MSG_ERR_CEASE,
	MSG_ERR_REFRESH,
	MSG_ERR_SEND_HOLD
};

enum { /* subcodes of 1, 2 and 7 */
	MSG_HEADER_NOT_SYNCHRONIZED = 1,
	MSG_HEADER_BAD_LENGTH,
	MSG_HEADER_BAD_TYPE,
	MSG_OPEN_UNSPECIFIC = 0,
	MSG_OPEN_VERSION,
	MSG_OPEN_PEER_AS,
	MSG_OPEN_BGP_ID,
	MSG_OPEN_PARAMETER,
	MSG_OPEN_HOLD_TIME = 6,
	MSG_OPEN_CAPABILITY, /* RFC 5492 5 */
	MSG_OPEN_ROLE = 11,  /* RFC 9234 4.2 */
	MSG_REFRESH_LENGTH = 1
};

enum { MSG_REFRESH_REQUEST, MSG_REFRESH_BEGIN, MSG_REFRESH_END }; /* RFC 7313 3.2 */

enum { /* subcodes of 3: RFC 4271 4.5 */
	MSG_UPDATE_ATTR_LIST = 1,
	MSG_UPDATE_WELL_KNOWN_UNKNOWN,
	MSG_UPDATE_WELL_KNOWN_MISSING,
	MSG_UPDATE_FLAGS,
	MSG_UPDATE_LENGTH,
	MSG_UPDATE_ORIGIN,
	MSG_UPDATE_NEXT_HOP = 8,
	MSG_UPDATE_OPTIONAL,
	MSG_UPDATE_NETWORK,
	MSG_UPDATE_AS_PATH
};

/* A NOTIFICATION about to be sent, or received. data is borrowed from the message or static. */
struct msg_fault {
	uint8_t code, subcode;
	const uint8_t *data;
	size_t data_len;
	const char *why; /* what is wrong, for the log: static text, or the connection's */
};

enum msg_verdict {
	MSG_SHORT, /* not all of it is here yet */
	MSG_WHOLE,
	MSG_BAD /* *fault says why */
};

/*
 * Judges the message that starts at p, of which have octets are there. Everything in the header is judged as soon as
 * the header is complete, so that a wrong length is never waited for. WHOLE and MORE (when have >= 19) set *len and
 * *type.
 * max: octets of a message at most, MSG_MAX_LEN or, when that was negotiated, MSG_EXTENDED_MAX_LEN.
 */
enum msg_verdict msg_frame(const uint8_t *p, size_t have, size_t max, size_t *len, enum msg_type *type,
			   struct msg_fault *fault);

struct msg_open {
	uint16_t my_as, hold_time; /* s */
	uint32_t router_id;
	struct rbuf params; /* optional parameters, delimited */
	bool extended;      /* RFC 9072: lengths of the parameters have 16 bits */
};
/* body: without the header. Checks version and framing; what the values mean is the session's. */
bool msg_open_decode(struct rbuf body, struct msg_open *out, struct msg_fault *fault);

struct msg_refresh {
	uint16_t afi;
	uint8_t subtype;
	uint8_t safi;
};
/* A length that is not 4 is 7/1 for the subtypes of RFC 7313, else 1/2. */
bool msg_refresh_decode(struct rbuf body, struct msg_refresh *out, struct msg_fault *fault);

/* out->data points into body; out->why is the name of code/subcode. */
void msg_notification_decode(struct rbuf body, struct msg_fault *out);

/* Writers of whole messages. */
void msg_open_begin(struct wbuf *w, uint32_t asn, uint16_t hold_time, uint32_t router_id, size_t *mark);
/* After the optional parameters have been written behind msg_open_begin(). They must not exceed 255 octets. */
void msg_open_end(struct wbuf *w, size_t mark);
void msg_keepalive_write(struct wbuf *w);
void msg_refresh_write(struct wbuf *w, uint16_t afi, uint8_t subtype, uint8_t safi);
/* data is cut to what a message can hold. */
void msg_notification_write(struct wbuf *w, uint8_t code, uint8_t subcode, const uint8_t *data, size_t data_len);

/* "Cease/Administrative Shutdown"; a number for what has no name. */
const char *msg_code_name(uint8_t code);
const char *msg_subcode_name(uint8_t code, uint8_t subcode); /* NULL when it has none */

/*
 * The shutdown communication of Cease/2 and Cease/4 (RFC 9003 2) as printable text: control characters and what is not
 * UTF-8 are escaped as \xNN. False when there is none. A length that does not fit is said in the text.
 */
bool msg_shutdown_text(const uint8_t *data, size_t len, char *out, size_t cap);
/* The other way: length octet and text (cut to 255 octets at a character) into out; octets written. */
size_t msg_shutdown_data(const char *text, uint8_t out[256]);

#endif

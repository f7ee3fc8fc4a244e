/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Optional parameter 2 holds any number of capabilities, and there may be any number of such parameters (RFC 5492 4):
 * some speakers put all into one, others one into each. cap_next() hides the difference.
 *
 *      parameter   type 1 | length 1 (RFC 9072: 2) | value
 *      capability  code 1 | length 1 | value
 */
#include "bgp/cap.h"

#include <stdio.h>

#include "base/json.h"

#define PARAM_CAPABILITIES 2u

struct cap_walk {
	struct rbuf params, caps;
	bool extended;
	struct msg_fault *fault; /* may be NULL */
};

struct cap {
	uint8_t code;
	struct rbuf value;
};

static struct cap_walk walk_init(const struct msg_open *o, struct msg_fault *fault)
{
	return (struct cap_walk){ .params = o->params, .extended = o->extended, .fault = fault };
}

static bool walk_fail(struct cap_walk *w, uint8_t subcode, const char *why)
{
	if (w->fault)
		*w->fault = (struct msg_fault){ .code = MSG_ERR_OPEN, .subcode = subcode, .why = why };
	rb_fail(&w->params);
	return false;
}

static bool next_param(struct cap_walk *w)
{
	uint8_t type = rb_u8(&w->params);

	w->caps = rb_sub(&w->params, w->extended ? rb_u16(&w->params) : rb_u8(&w->params));
	if (!rb_ok(&w->params))
		return walk_fail(w, MSG_OPEN_UNSPECIFIC, "optional parameter overruns the message");
	if (type != PARAM_CAPABILITIES)
		return walk_fail(w, MSG_OPEN_PARAMETER, "unknown optional parameter");
	return true;
}

/* False at the end and after an error; then rb_ok(&w->params) tells which. */
static bool cap_next(struct cap_walk *w, struct cap *out)
{
	while (!rb_left(&w->caps))
		if (!rb_left(&w->params) || !next_param(w))
			return false;
	out->code = rb_u8(&w->caps);
	out->value = rb_sub(&w->caps, rb_u8(&w->caps));
	if (!rb_ok(&w->caps))
		return walk_fail(w, MSG_OPEN_UNSPECIFIC, "capability overruns its parameter");
	return true;
}

bool cap_family_has(const struct caps *c, uint16_t afi, uint8_t safi)
{
	for (size_t i = 0; i < c->n_families; i++)
		if (c->families[i].afi == afi && c->families[i].safi == safi)
			return true;
	return false;
}

bool cap_family_matters(const struct caps *ours, uint16_t afi, uint8_t safi)
{
	return !ours || cap_family_has(ours, afi, safi);
}

void cap_family_add(struct caps *c, uint16_t afi, uint8_t safi)
{
	if (c->n_families < CAP_FAMILIES_MAX && !cap_family_has(c, afi, safi))
		c->families[c->n_families++] = (struct cap_family){ afi, safi };
}

static bool is_family(struct cap_family f, uint16_t afi, uint8_t safi)
{
	return f.afi == afi && f.safi == safi;
}

uint8_t cap_add_path(const struct caps *c, uint16_t afi, uint8_t safi)
{
	for (size_t i = 0; i < c->n_add_path; i++)
		if (is_family(c->add_path[i].family, afi, safi))
			return c->add_path[i].modes;
	return 0;
}

void cap_add_path_set(struct caps *c, uint16_t afi, uint8_t safi, uint8_t modes)
{
	size_t i = 0;

	while (i < c->n_add_path && !is_family(c->add_path[i].family, afi, safi))
		i++;
	if (i == CAP_FAMILIES_MAX)
		return;
	c->add_path[i].family = (struct cap_family){ afi, safi };
	c->add_path[i].modes = modes;
	if (i == c->n_add_path)
		c->n_add_path++;
}

/* RFC 7911 4: with a value other than 1 to 3 in it the capability is not understood, and ignored. */
static void add_path_take(struct caps *c, struct rbuf value, const struct caps *ours)
{
	struct rbuf check = value;

	while (rb_left(&check)) {
		uint8_t modes;

		rb_skip(&check, 3);
		modes = rb_u8(&check);
		if (!rb_ok(&check) || modes == 0 || modes > (CAP_ADD_PATH_RECEIVE | CAP_ADD_PATH_SEND))
			return;
	}
	while (rb_left(&value)) {
		uint16_t afi = rb_u16(&value);
		uint8_t safi = rb_u8(&value), modes = rb_u8(&value);

		if (cap_family_matters(ours, afi, safi))
			cap_add_path_set(c, afi, safi, modes);
	}
}

static void role_take(struct caps *c, uint8_t value)
{
	uint8_t role = value < UINT8_MAX ? (uint8_t)(value + 1) : UINT8_MAX;

	if (c->role && c->role != role)
		c->role_conflict = true;
	c->role = role;
}

/* RFC 4760 8 */
static void family_take(struct caps *c, struct rbuf value, const struct caps *ours)
{
	uint16_t afi = rb_u16(&value);
	uint8_t safi;

	rb_skip(&value, 1);
	safi = rb_u8(&value);
	if (rb_done(&value) && cap_family_matters(ours, afi, safi))
		cap_family_add(c, afi, safi);
}

static bool cap_take(struct caps *c, struct cap *cap, const struct caps *ours)
{
	size_t len = rb_left(&cap->value);

	switch (cap->code) {
	case CAP_MULTIPROTOCOL:
		family_take(c, cap->value, ours);
		break;
	case CAP_ROUTE_REFRESH:
	case CAP_REFRESH_OLD:
		c->refresh = true;
		break;
	case CAP_EXTENDED_MESSAGE: /* RFC 8654 3 */
		c->extended_message |= len == 0;
		break;
	case CAP_ENHANCED_REFRESH: /* RFC 7313 3.1 */
		c->enhanced_refresh |= len == 0;
		break;
	case CAP_GRACEFUL_RESTART:
		cap_gr_take(&c->gr, cap->value, ours);
		break;
	case CAP_LONG_LIVED_GR:
		cap_long_lived_take(&c->long_lived, cap->value, ours);
		break;
	case CAP_AS4: /* RFC 6793 3 */
		c->as4 = true;
		c->asn = rb_u32(&cap->value);
		return rb_done(&cap->value);
	case CAP_ADD_PATH:
		add_path_take(c, cap->value, ours);
		break;
	case CAP_ROLE:
		if (len == 1)
			role_take(c, rb_u8(&cap->value));
		break;
	}
	return true;
}

bool cap_decode(const struct msg_open *o, const struct caps *ours, struct caps *out, struct msg_fault *fault)
{
	struct cap_walk w = walk_init(o, fault);
	struct cap cap;

	*out = (struct caps){ 0 };
	while (cap_next(&w, &cap))
		if (!cap_take(out, &cap, ours))
			return walk_fail(&w, MSG_OPEN_UNSPECIFIC, "length of the 4-octet AS capability");
	return rb_ok(&w.params);
}

void cap_encode_families(struct wbuf *w, const struct caps *c)
{
	for (size_t i = 0; i < c->n_families; i++) {
		wb_u8(w, CAP_MULTIPROTOCOL);
		wb_u8(w, 4);
		wb_u16(w, c->families[i].afi);
		wb_u8(w, 0);
		wb_u8(w, c->families[i].safi);
	}
}

static void cap_encode_add_path(struct wbuf *w, const struct caps *c)
{
	wb_u8(w, CAP_ADD_PATH);
	wb_u8(w, (uint8_t)(c->n_add_path * 4));
	for (size_t i = 0; i < c->n_add_path; i++) {
		wb_u16(w, c->add_path[i].family.afi);
		wb_u8(w, c->add_path[i].family.safi);
		wb_u8(w, c->add_path[i].modes);
	}
}

static void cap_encode_empty(struct wbuf *w, uint8_t code)
{
	wb_u8(w, code);
	wb_u8(w, 0);
}

void cap_encode(struct wbuf *w, const struct caps *c)
{
	size_t mark;

	wb_u8(w, PARAM_CAPABILITIES);
	mark = wb_open8(w);
	cap_encode_families(w, c);
	if (c->refresh)
		cap_encode_empty(w, CAP_ROUTE_REFRESH);
	if (c->extended_message)
		cap_encode_empty(w, CAP_EXTENDED_MESSAGE);
	if (c->as4) {
		wb_u8(w, CAP_AS4);
		wb_u8(w, 4);
		wb_u32(w, c->asn);
	}
	if (c->n_add_path)
		cap_encode_add_path(w, c);
	if (c->enhanced_refresh)
		cap_encode_empty(w, CAP_ENHANCED_REFRESH);
	if (c->gr.there)
		cap_gr_encode(w, &c->gr);
	if (c->long_lived.there)
		cap_long_lived_encode(w, &c->long_lived);
	if (c->role) {
		wb_u8(w, CAP_ROLE);
		wb_u8(w, 1);
		wb_u8(w, (uint8_t)(c->role - 1));
	}
	wb_close8(w, mark);
}

static const char *cap_name(uint8_t code)
{
	static const struct {
		uint8_t code;
		const char *name;
	} names[] = {
		{ CAP_MULTIPROTOCOL, "multiprotocol" },
		{ CAP_ROUTE_REFRESH, "route-refresh" },
		{ CAP_EXTENDED_NEXT_HOP, "extended-next-hop" },
		{ CAP_EXTENDED_MESSAGE, "extended-message" },
		{ CAP_ROLE, "role" },
		{ CAP_GRACEFUL_RESTART, "graceful-restart" },
		{ CAP_AS4, "4-octet-as" },
		{ CAP_ADD_PATH, "add-path" },
		{ CAP_ENHANCED_REFRESH, "enhanced-route-refresh" },
		{ CAP_LONG_LIVED_GR, "long-lived-graceful-restart" },
		{ CAP_FQDN, "fqdn" },
		{ CAP_REFRESH_OLD, "route-refresh-old" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].code == code)
			return names[i].name;
	return NULL;
}

/* " 25/70 both, 1/132 send" */
static void add_path_text(struct rbuf value, char *out, size_t cap)
{
	static const char *const modes[] = { "nothing", "receive", "send", "both" };
	size_t used = 0;

	*out = '\0';
	for (const char *sep = ""; rb_left(&value) >= 4 && used < cap; sep = ",") {
		uint16_t afi = rb_u16(&value);
		uint8_t safi = rb_u8(&value), mode = rb_u8(&value);

		used += (size_t)snprintf(out + used, cap - used, "%s %u/%u %s", sep, afi, safi,
					 mode < sizeof(modes) / sizeof(modes[0]) ? modes[mode] : "unknown");
	}
}

static void cap_text(struct cap *c, char *out, size_t cap)
{
	const char *name = cap_name(c->code);
	size_t len = rb_left(&c->value), used;
	const char *role;
	uint16_t afi;

	used = (size_t)(name ? snprintf(out, cap, "%s", name) : snprintf(out, cap, "unknown-%u", c->code));
	if (c->code == CAP_MULTIPROTOCOL && len == 4) {
		afi = rb_u16(&c->value);
		rb_skip(&c->value, 1);
		snprintf(out + used, cap - used, " %u/%u", afi, rb_u8(&c->value));
	} else if (c->code == CAP_GRACEFUL_RESTART) {
		cap_gr_text(c->value, out + used, cap - used);
	} else if (c->code == CAP_LONG_LIVED_GR) {
		cap_long_lived_text(c->value, out + used, cap - used);
	} else if (c->code == CAP_AS4 && len == 4) {
		snprintf(out + used, cap - used, " %u", rb_u32(&c->value));
	} else if (c->code == CAP_ADD_PATH) {
		add_path_text(c->value, out + used, cap - used);
	} else if (c->code == CAP_ROLE && len == 1) {
		role = cap_role_name((uint8_t)(rb_u8(&c->value) + 1));
		snprintf(out + used, cap - used, " %s", role ? role : "unknown");
	}
}

void cap_print(const struct msg_open *o, struct json *j)
{
	struct cap_walk w = walk_init(o, NULL);
	struct cap c;
	char text[512];

	while (cap_next(&w, &c)) {
		cap_text(&c, text, sizeof(text));
		json_str(j, NULL, text);
	}
}

const char *cap_role_name(uint8_t role)
{
	static const char *const names[] = { NULL, "provider", "rs", "rs-client", "customer", "peer" };

	return role < sizeof(names) / sizeof(names[0]) ? names[role] : NULL;
}

bool cap_role_match(uint8_t ours, uint8_t theirs)
{
	static const uint8_t counterpart[] = {
		[CAP_ROLE_PROVIDER] = CAP_ROLE_CUSTOMER, [CAP_ROLE_CUSTOMER] = CAP_ROLE_PROVIDER,
		[CAP_ROLE_RS] = CAP_ROLE_RS_CLIENT,      [CAP_ROLE_RS_CLIENT] = CAP_ROLE_RS,
		[CAP_ROLE_PEER] = CAP_ROLE_PEER,
	};

	return counterpart[ours] == theirs;
}
